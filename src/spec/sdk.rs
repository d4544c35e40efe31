//! Which SDK `go_sdk()` asks for, and where from.

use std::collections::BTreeMap;

use starlark::values::Value;
use starlark::values::list::ListRef;

use super::check::{Blame, check_url, dict, kind_of, wrong_type};
use super::{Archive, Archives, DOWNLOAD_PAGE, SdkSource, SdkVersion, from_source};
use crate::error::Error;
use crate::platform::OsArch;

pub(super) fn sdk_version(value: Option<Value>) -> starlark::Result<SdkVersion> {
    let Some(value) = value else { return Ok(SdkVersion::FromGoMod) };
    if let Some(text) = value.unpack_str() {
        let version = text.strip_prefix("go").unwrap_or(text);
        let version: crate::name::GoVersion = version.parse().blame(text)?;
        if !version.is_release() {
            let error = Error::input(format!("Go {version} is a language version, not a release"));
            return Err(error.help(format!("write \"{version}.0\" or a later patch release"))).blame(text);
        }
        return Ok(SdkVersion::Exact(version));
    }
    match kind_of(value) {
        Some(("from_go_mod", _)) => Ok(SdkVersion::FromGoMod),
        _ => Err(wrong_type("version", value, "a string like \"1.27.3\" or from_go_mod()")),
    }
}

pub(super) fn sdk_source(value: Option<Value>) -> starlark::Result<SdkSource> {
    let Some(value) = value else { return Ok(SdkSource::ModuleProxy) };
    match kind_of(value) {
        Some(("module_proxy", _)) => Ok(SdkSource::ModuleProxy),
        Some(("archive", fields)) => archives(&fields),
        Some(("from_source", fields)) => from_source::parse(&fields).map(SdkSource::Source),
        _ => Err(wrong_type("source", value, "module_proxy(), archive(…) or from_source(…)")),
    }
}

fn archives(fields: &BTreeMap<&str, Value>) -> starlark::Result<SdkSource> {
    let entries = |name: &str| match fields.get(name) {
        Some(value) if !value.is_none() => dict(*value).map(Some).ok_or_else(|| {
            wrong_type(name, *value, "a dictionary with an entry for each execution platform, e.g. {\"linux/amd64\": …}")
        }),
        _ => Ok(None),
    };
    let (urls, hashes) = (entries("urls")?, entries("sha256")?.unwrap_or_default());
    let mut given: BTreeMap<OsArch, Archive> = BTreeMap::new();
    for (name, value) in urls.iter().flatten() {
        let platform: OsArch = name.parse().blame(name)?;
        let list = ListRef::from_value(*value);
        let list: Option<Vec<String>> = list.and_then(|l| l.iter().map(|url| url.unpack_str().map(str::to_owned)).collect());
        let list = list.filter(|l| !l.is_empty()).ok_or_else(|| wrong_type("an entry of urls", *value, "a list of strings"))?;
        list.iter().try_for_each(|url| check_url(url))?;
        given.entry(platform).or_default().urls = list;
    }
    for (name, digest) in hashes {
        let platform: OsArch = name.parse().blame(name)?;
        if urls.is_some() && !given.contains_key(&platform) {
            return Err(Error::input(format!("no URLs are given for `{platform}`"))).blame(name);
        }
        let digest = digest.unpack_str().ok_or_else(|| wrong_type("a sha256", digest, "64 hex digits in quotes"))?;
        given.entry(platform).or_default().sha256 = Some(digest.parse().blame(digest)?);
    }
    let index = fields.get("index").and_then(|index| index.unpack_str()).unwrap_or(DOWNLOAD_PAGE);
    check_url(index)?;
    if index.strip_prefix("http://").is_some_and(|rest| !is_loopback(rest)) {
        let error = Error::input(format!("`{index}` is not encrypted, so anyone on the way could choose the SDK"));
        return Err(error.help("write an https URL, or give the sha256 of each archive and no index")).blame(index);
    }
    Ok(SdkSource::Archive(Archives { index: index.to_owned(), given }))
}

/// Whether the rest of a URL behind `http://` names this machine.
fn is_loopback(rest: &str) -> bool {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let port = |port: &str| port.is_empty() || port.strip_prefix(':').is_some_and(|p| p.bytes().all(|b| b.is_ascii_digit()));
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|host| authority.strip_prefix(host).is_some_and(port))
}
