//! The text of the lock.

use std::collections::BTreeMap;
use std::io::Write;

use serde::Serialize;

use super::{LockedModule, LockedSdk, Lockfile, SdkDownload, Vendored, is_default_sdk};
use crate::lock::sumdb::proof::Proof;
use crate::source::record::PackageRecord;

/// The text of a lock.
pub(super) fn lock(lock: &Lockfile) -> String {
    let sdks = lock.sdks.iter().map(render_sdk).collect();
    let modules = lock.modules.iter().map(render_module).collect();
    let mut fields = vec![
        ("version", one_line(&lock.version)),
        ("platforms", one_line(&lock.platforms)),
        ("sdks", list(1, sdks)),
        ("modules", list(1, modules)),
    ];
    if !lock.go_mods.is_empty() {
        fields.push(("go_mods", list(1, lock.go_mods.iter().map(one_line).collect())));
    }
    if !lock.local.is_empty() {
        fields.push(("local", list(1, lock.local.iter().map(one_line).collect())));
    }
    if !lock.vendored.is_empty() {
        fields.push(("vendored", list(1, lock.vendored.iter().map(render_vendored).collect())));
    }
    object(0, fields) + "\n"
}

fn render_sdk(sdk: &LockedSdk) -> String {
    let mut fields = Vec::new();
    if !is_default_sdk(&sdk.name) {
        fields.push(("name", one_line(&sdk.name)));
    }
    fields.extend([
        ("version", one_line(&sdk.version)),
        ("source", one_line(&sdk.source)),
        ("downloads", render_downloads(3, &sdk.downloads)),
    ]);
    fields.extend(sdk.build.iter().map(|build| ("build", super::build::render(build))));
    fields.extend([
        ("experiments", one_line(&sdk.experiments)),
        ("godebug", list(3, sdk.godebug.iter().map(one_line).collect())),
        ("packages", packages(3, &sdk.packages)),
    ]);
    object(2, fields)
}

pub(super) fn render_downloads(depth: usize, downloads: &[SdkDownload]) -> String {
    list(depth, downloads.iter().map(|download| render_download(depth + 1, download)).collect())
}

fn render_download(depth: usize, download: &SdkDownload) -> String {
    let mut fields = vec![("platform", one_line(&download.platform))];
    if !download.urls.is_empty() {
        fields.push(("urls", one_line(&download.urls)));
    }
    fields.push(("size", one_line(&download.size)));
    fields.push(("sha256", one_line(&download.sha256)));
    fields.extend(download.h1.iter().map(|h1| ("h1", one_line(h1))));
    fields.extend(evidence(download.proof.as_ref(), download.verified));
    fields.push(("nar", one_line(&download.nar)));
    if !download.tools.is_empty() {
        fields.push(("tools", one_line(&download.tools)));
    }
    object(depth, fields)
}

/// Why a hash is right, or that nobody says so.
fn evidence(proof: Option<&Proof>, verified: bool) -> Vec<(&'static str, String)> {
    let proof = proof.map(|proof| ("proof", one_line(proof)));
    proof.into_iter().chain((!verified).then(|| ("verified", one_line(&false)))).collect()
}

fn render_module(module: &LockedModule) -> String {
    let mut fields = vec![("path", one_line(&module.path)), ("version", one_line(&module.version))];
    fields.extend(module.replace.iter().map(|replace| ("replace", one_line(replace))));
    fields.push(("size", one_line(&module.size)));
    fields.push(("sha256", one_line(&module.sha256)));
    fields.push(("h1", one_line(&module.h1)));
    fields.extend(evidence(module.proof.as_ref(), module.verified));
    fields.push(("nar", one_line(&module.nar)));
    fields.extend(module.go.iter().map(|go| ("go", one_line(go))));
    fields.push(("packages", packages(3, &module.packages)));
    if !module.absent.is_empty() {
        fields.push(("absent", list(3, module.absent.iter().map(one_line).collect())));
    }
    object(2, fields)
}

fn render_vendored(module: &Vendored) -> String {
    let mut fields = vec![("path", one_line(&module.path)), ("version", one_line(&module.version))];
    fields.extend(module.replace.iter().map(|replace| ("replace", one_line(replace))));
    fields.push(("directory", one_line(&module.directory)));
    fields.push(("h1", one_line(&module.h1)));
    fields.extend(module.go.iter().map(|go| ("go", one_line(go))));
    fields.push(("packages", packages(3, &module.packages)));
    object(2, fields)
}

fn packages(depth: usize, packages: &BTreeMap<String, PackageRecord>) -> String {
    let lines = packages.iter().map(|(name, record)| format!("{}: {}", one_line(name), one_line(record)));
    brackets(depth, '{', lines.collect(), '}')
}

pub(super) fn object(depth: usize, fields: Vec<(&str, String)>) -> String {
    brackets(depth, '{', fields.into_iter().map(|(name, value)| format!("\"{name}\": {value}")).collect(), '}')
}

pub(super) fn list(depth: usize, items: Vec<String>) -> String {
    brackets(depth, '[', items, ']')
}

/// Items on lines of their own, indented by two spaces more than what holds them.
pub(super) fn brackets(depth: usize, open: char, items: Vec<String>, close: char) -> String {
    if items.is_empty() {
        return format!("{open}{close}");
    }
    let indent = "  ".repeat(depth);
    let body = items.join(&format!(",\n{indent}  "));
    format!("{open}\n{indent}  {body}\n{indent}{close}")
}

/// JSON on one line, with a space after each comma and colon.
pub(super) fn one_line<T: Serialize>(value: &T) -> String {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Spaced);
    // Only maps with keys that aren't strings fail, and the lock has none.
    value.serialize(&mut serializer).expect("the lock's types have string keys");
    String::from_utf8(bytes).expect("JSON is UTF-8")
}

struct Spaced;

impl serde_json::ser::Formatter for Spaced {
    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> std::io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> std::io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> std::io::Result<()> {
        writer.write_all(b": ")
    }
}
