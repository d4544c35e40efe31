//! `image()`: container images of binaries.

use std::collections::{BTreeMap, BTreeSet};

use starlark::values::Value;

use super::check::{Blame, dict, relative_dir, strings, wrong_type};
use super::{Image, Target};
use crate::error::{Error, Result};

/// What ports can be of.
const PROTOCOLS: [&str; 3] = ["tcp", "udp", "sctp"];

/// The arguments of a call, besides the image's name.
pub(super) struct Call<'a, 'v> {
    pub binary: &'a str,
    pub reference: Option<&'a str>,
    pub profile: Option<&'a str>,
    pub platforms: Vec<String>,
    pub args: Vec<String>,
    pub env: Option<Value<'v>>,
    pub labels: Option<Value<'v>>,
    pub ports: Vec<Value<'v>>,
    pub user: &'a str,
    pub working_dir: &'a str,
    pub certificates: Option<&'a str>,
    pub time_zones: bool,
}

impl Call<'_, '_> {
    /// The image that is declared.
    pub(super) fn image(self, name: &str) -> starlark::Result<Image> {
        check_name(name)?;
        let mut ports = BTreeSet::new();
        for value in self.ports {
            ports.insert(port(value)?);
        }
        if let Some(text) = self.args.iter().find(|text| text.contains('\0')) {
            return Err(Error::input("an argument can't have a NUL byte")).blame(text);
        }
        Ok(Image {
            name: name.to_owned(),
            binary: self.binary.to_owned(),
            reference: self.reference.map_or_else(|| Ok(format!("{name}:latest")), reference)?,
            profile: self.profile.map(str::to_owned),
            platforms: self.platforms,
            args: self.args,
            env: self.env.map(|value| texts("env", value)).transpose()?.unwrap_or_default(),
            labels: self.labels.map(|value| texts("labels", value)).transpose()?.unwrap_or_default(),
            ports,
            user: user(self.user)?,
            working_dir: working_dir(self.working_dir)?,
            certificates: self.certificates.map(certificates).transpose()?,
            time_zones: self.time_zones,
            location: None,
        })
    }
}

/// Names stand in references, which have no capitals, and in labels and attributes.
fn check_name(name: &str) -> starlark::Result<()> {
    if is_component(name) {
        return Ok(());
    }
    let error = Error::input(format!("`{}` can't be the name of an image", name.escape_debug()));
    Err(error.help("use ASCII letters that aren't capitals, digits, and single `_`, `-` and `.` between them")).blame(name)
}

/// A part of a reference between slashes (`path-component` of the distribution specification, with single separators).
fn is_component(text: &str) -> bool {
    text.split(['.', '_', '-'])
        .all(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()))
}

/// `[registry/]repository[:tag]`, with the tag `latest` where it has none.
fn reference(text: &str) -> starlark::Result<String> {
    let last = text.rfind('/').map_or(0, |at| at + 1);
    let (repository, tag) = match text[last..].rfind(':') {
        Some(at) => (&text[..last + at], &text[last + at + 1..]),
        None => (text, "latest"),
    };
    let is_tag = tag.len() <= 128
        && tag.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && tag.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    let is_registry = |host: &str| {
        let (host, port) = host.split_once(':').unwrap_or((host, "0"));
        !host.is_empty()
            && host.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c))
            && !port.is_empty()
            && port.chars().all(|c| c.is_ascii_digit())
    };
    let is_repository = match repository.split_once('/') {
        Some((host, rest)) => is_registry(host) && rest.split('/').all(is_component),
        None => is_component(repository),
    };
    if is_tag && is_repository {
        return Ok(format!("{repository}:{tag}"));
    }
    let error = Error::input(format!("`{}` can't be the reference of an image", text.escape_debug()));
    Err(error.help("write it as \"registry.example.com/team/server:1.0\"; registry and tag may be left out")).blame(text)
}

/// A dictionary of texts, with names that an environment or a label may have.
fn texts(what: &str, value: Value) -> starlark::Result<BTreeMap<String, String>> {
    let wrong = || wrong_type(what, value, "a dictionary of strings, e.g. {\"NAME\": \"value\"}");
    let mut found = BTreeMap::new();
    for (name, value) in dict(value).ok_or_else(wrong)? {
        let text = value.unpack_str().ok_or_else(wrong)?;
        if name.is_empty() || name.contains('=') || name.chars().any(char::is_control) || text.contains('\0') {
            let error = Error::input(format!("{what} can't have `{}`", format!("{name}={text}").escape_debug()));
            return Err(error.help("a name has a letter at least, and no `=`")).blame(name);
        }
        found.insert(name.to_owned(), text.to_owned());
    }
    Ok(found)
}

/// A port with its protocol: `8080`, `"8080"` and `"8080/tcp"` are the same.
fn port(value: Value) -> starlark::Result<String> {
    let text = value.unpack_str().map(str::to_owned).or_else(|| value.unpack_i32().map(|number| number.to_string()));
    let text = text.ok_or_else(|| wrong_type("a port", value, "a number, or a string like \"53/udp\""))?;
    let (number, protocol) = text.split_once('/').unwrap_or((&text, "tcp"));
    let is_number = number.bytes().all(|b| b.is_ascii_digit()) && !number.starts_with('0');
    if is_number && number.parse::<u16>().is_ok() && PROTOCOLS.contains(&protocol) {
        return Ok(format!("{number}/{protocol}"));
    }
    let error = Error::input(format!("`{}` is no port", text.escape_debug()));
    Err(error.help("write a number from 1 to 65535, or such a number with `/tcp`, `/udp` or `/sctp`")).blame(&text)
}

/// `UID` or `UID:GID`: the image has no file that would say what a name means.
fn user(text: &str) -> starlark::Result<String> {
    let is_number = |id: &str| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()) && id.parse::<u32>().is_ok();
    if text.is_empty() || text.split(':').count() <= 2 && text.split(':').all(is_number) {
        return Ok(text.to_owned());
    }
    let error = Error::input(format!("`{}` can't be the user of an image, which has no /etc/passwd", text.escape_debug()));
    Err(error.help("write numbers: \"65532\", or \"65532:65532\" with a group")).blame(text)
}

fn working_dir(text: &str) -> starlark::Result<String> {
    let elements = |path: &str| path.split('/').skip(1).all(|e| !e.is_empty() && e != "." && e != "..");
    if text.is_empty() || text == "/" || text.starts_with('/') && elements(text) && !text.chars().any(char::is_control) {
        return Ok(text.to_owned());
    }
    let error = Error::input(format!("`{}` can't be the working directory of an image", text.escape_debug()));
    Err(error.help("write a path that begins with `/`, without `..` and without a slash at the end")).blame(text)
}

fn certificates(text: &str) -> starlark::Result<String> {
    if let Ok(path) = relative_dir(text)
        && !path.is_empty()
    {
        return Ok(path);
    }
    Err(Error::input(format!("`{}` is not a file inside the repository", text.escape_debug()))
        .help("write the path of a PEM file, relative to the spec"))
    .blame(text)
}

/// What calls say of each other: platforms are those of the spec, for Linux.
pub(super) fn check(images: &[Image], platforms: &[Target]) -> Result<()> {
    for image in images {
        let at = |error: Error| match &image.location {
            Some(location) => error.at(location.clone()),
            None => error,
        };
        let linux = |target: &&Target| target.platform.goos() == "linux";
        let names = || platforms.iter().filter(linux).map(|t| t.name.as_str()).collect::<Vec<_>>().join(", ");
        for name in &image.platforms {
            let found = platforms.iter().find(|t| t.name == *name || t.platform.to_string() == *name);
            match found {
                Some(target) if linux(&target) => {}
                Some(target) => {
                    let error = Error::input(format!("an image can't be for {}: images are for Linux", target.platform));
                    return Err(at(error.help(format!("the spec has {}", names()))));
                }
                None => {
                    let error = Error::input(format!("the spec has no platform `{}`", name.escape_debug()));
                    return Err(at(error.help(format!("for Linux it has {}", names()))));
                }
            }
        }
        if !platforms.iter().any(|target| linux(&target)) {
            let error = Error::input(format!("the image {} has no platform, since the spec has none for Linux", image.name));
            return Err(at(error.help("add one, such as \"linux/amd64\", to platforms(…)")));
        }
    }
    Ok(())
}

/// The strings of a list; none without it.
pub(super) fn words(what: &str, value: Option<Value>) -> starlark::Result<Vec<String>> {
    value.map(|value| strings(what, value)).transpose().map(Option::unwrap_or_default)
}

/// The values of a list; none without it.
pub(super) fn list<'v>(what: &str, value: Option<Value<'v>>) -> starlark::Result<Vec<Value<'v>>> {
    let Some(value) = value else { return Ok(Vec::new()) };
    match starlark::values::list::ListRef::from_value(value) {
        Some(list) => Ok(list.iter().collect()),
        None => Err(wrong_type(what, value, "a list")),
    }
}
