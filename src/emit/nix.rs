//! Nix files: the plan as data, and small static expressions that turn it into derivations.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::name::GoVersion;
use crate::plan::{BinaryAction, Configuration, PackageAction};
use crate::write::{GeneratedFile, GeneratedFiles};

/// The format version of `nix/plan.json`, see `docs/plan.md`.
const PLAN_VERSION: u32 = 1;

/// Files that are the same in every repository.
const STATIC: [(&str, &str); 4] = [
    ("nix/godirect.nix", include_str!("../../templates/nix/godirect.nix")),
    ("nix/symlinks.nix", include_str!("../../templates/nix/symlinks.nix")),
    ("nix/helper/go.mod", include_str!("../../templates/nix/helper/go.mod")),
    ("nix/helper/main.go", include_str!("../../templates/nix/helper/main.go")),
];

/// Entry points, which a user may prefer to write.
const ENTRY: [(&str, &str); 2] = [
    ("flake.nix", include_str!("../../templates/nix/flake.nix")),
    ("default.nix", include_str!("../../templates/nix/default.nix")),
];

/// All paths that [`render`] may give.
pub fn paths() -> impl Iterator<Item = &'static str> {
    STATIC.iter().chain(&ENTRY).map(|(path, _)| *path).chain(["nix/plan.json"])
}

/// Renders the Nix files for the configurations, by name.
///
/// # Errors
///
/// When the plan can't be serialised.
pub fn render(go: &GoVersion, configurations: &BTreeMap<String, Configuration>, flake: bool) -> Result<GeneratedFiles> {
    let entry: &[_] = if flake { &ENTRY } else { &[] };
    let mut files: GeneratedFiles = STATIC
        .iter()
        .chain(entry)
        .map(|(path, text)| ((*path).to_owned(), GeneratedFile { text: (*text).to_owned(), merged: false }))
        .collect();
    let text = plan(go, configurations).map_err(|e| Error::input(format!("nix/plan.json: {e}")))?;
    files.insert("nix/plan.json".to_owned(), GeneratedFile { text, merged: false });
    Ok(files)
}

/// The plan as JSON with one line for each action, so that diffs are readable and changes to different packages merge.
fn plan(go: &GoVersion, configurations: &BTreeMap<String, Configuration>) -> serde_json::Result<String> {
    let mut text = format!("{{\n  \"@generated\": {},\n", serde_json::to_string("by `godirect generate`; do not edit")?);
    let _ = write!(text, "  \"version\": {PLAN_VERSION},\n  \"sdk\": {},\n", serde_json::to_string(go)?);
    let configurations = configurations.iter().map(|(name, c)| Ok((name.as_str(), configuration(c)?)));
    let _ = write!(text, "  \"configurations\": {}\n}}\n", object(configurations, 1)?);
    Ok(text)
}

fn configuration(configuration: &Configuration) -> serde_json::Result<String> {
    let Configuration { env, packages, binaries } = configuration;
    let package = |(name, action): (&String, &PackageAction)| Ok((name.clone(), serde_json::to_string(action)?));
    let binary = |(name, action): (&String, &BinaryAction)| Ok((name.clone(), serde_json::to_string(action)?));
    object(
        [
            Ok(("env", line(env)?)),
            Ok(("packages", object(packages.iter().map(package), 3)?)),
            Ok(("binaries", object(binaries.iter().map(binary), 3)?)),
        ],
        2,
    )
}

fn line(value: &impl Serialize) -> serde_json::Result<String> {
    serde_json::to_string(value)
}

/// A JSON object of already serialised values, each on a line of its own.
fn object<K: AsRef<str>>(
    entries: impl IntoIterator<Item = serde_json::Result<(K, String)>>,
    depth: usize,
) -> serde_json::Result<String> {
    let indent = "  ".repeat(depth);
    let mut lines = Vec::new();
    for entry in entries {
        let (key, value) = entry?;
        lines.push(format!("{indent}  {}: {value}", serde_json::to_string(key.as_ref())?));
    }
    if lines.is_empty() {
        return Ok("{}".to_owned());
    }
    Ok(format!("{{\n{}\n{indent}}}", lines.join(",\n")))
}
