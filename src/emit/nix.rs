//! Nix files: the plan as data, and small static expressions that turn it into derivations.

mod aterm;
mod derivations;
mod images;
mod sdks;
mod store;
mod symlinks;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::name::GoVersion;
use crate::plan::image::ImageAction;
use crate::plan::{BinaryAction, Configuration, PackageAction, Step};
use crate::spec::{DEFAULT_NIX_DIR, DEFAULT_SDK, Nix};
use crate::write::{GeneratedFile, GeneratedFiles};

pub use aterm::StorePath;
pub use derivations::{Derivations, Download, LocalFile, LocalKind, Named, Settings, derivations};

/// The format version of `nix/plan.json`, see `docs/plan.md`.
const PLAN_VERSION: u32 = 2;

/// Files in the directory of the spec's `nix()`, besides the plan.
const FILES: [(&str, &str); 9] = [
    ("godirect.nix", include_str!("../../templates/nix/godirect.nix")),
    ("nixpkgs.nix", include_str!("../../templates/nix/nixpkgs.nix")),
    ("sdks.nix", include_str!("../../templates/nix/sdks.nix")),
    ("symlinks.nix", include_str!("../../templates/nix/symlinks.nix")),
    ("helper/go.mod", include_str!("../../templates/nix/helper/go.mod")),
    ("helper/main.go", include_str!("../../templates/nix/helper/main.go")),
    ("sdk/go.mod", include_str!("../../templates/sdk/go.mod")),
    ("sdk/main.go", include_str!("../../templates/sdk/main.go")),
    ("sdk/patch.go", include_str!("../../templates/sdk/patch.go")),
];

/// What more there is where the spec has images.
const IMAGE_FILES: [(&str, &str); 6] = [
    ("images.nix", include_str!("../../templates/nix/images.nix")),
    ("image/executable.go", include_str!("../../templates/image/executable.go")),
    ("image/go.mod", include_str!("../../templates/image/go.mod")),
    ("image/layers.go", include_str!("../../templates/image/layers.go")),
    ("image/layout.go", include_str!("../../templates/image/layout.go")),
    ("image/main.go", include_str!("../../templates/image/main.go")),
];

/// Entry points beside the spec, which a user may prefer to write.
const ENTRY: [(&str, &str); 2] = [
    ("flake.nix", include_str!("../../templates/nix/flake.nix")),
    ("default.nix", include_str!("../../templates/nix/default.nix")),
];

/// All paths that [`render`] may give.
pub fn paths(nix: &Nix) -> impl Iterator<Item = String> {
    let below =
        FILES.iter().chain(&IMAGE_FILES).map(|(path, _)| *path).chain(["plan.json"]).map(|path| format!("{}/{path}", nix.dir));
    ENTRY.iter().map(|(path, _)| (*path).to_owned()).chain(below)
}

/// Renders the Nix files for the SDKs' versions, the configurations and the images, all by name.
///
/// # Errors
///
/// When the plan can't be serialised.
pub fn render(
    sdks: &BTreeMap<&str, &GoVersion>,
    configurations: &BTreeMap<String, Configuration>,
    images: &BTreeMap<String, ImageAction>,
    nix: &Nix,
) -> Result<GeneratedFiles> {
    let file = |text: String| GeneratedFile { text, merged: false };
    let mut files = GeneratedFiles::new();
    for (path, text) in FILES.into_iter().chain(IMAGE_FILES.into_iter().filter(|_| !images.is_empty())) {
        files.insert(format!("{}/{path}", nix.dir), file(in_directory(text, &nix.dir)));
    }
    for (path, text) in ENTRY.iter().filter(|_| nix.flake) {
        files.insert((*path).to_owned(), file(of_release(&in_directory(text, &nix.dir), sdks.get(DEFAULT_SDK).copied())));
    }
    if configurations.values().any(|c| c.binaries.values().any(|b| b.steps.iter().any(|s| matches!(s, Step::BuildId { .. })))) {
        let error =
            Error::input("the Nix files can't give binaries the go command's build ID yet, as buildid = \"go\" asks for");
        return Err(error.help("give the binaries another profile, or leave out nix()"));
    }
    let path = format!("{}/plan.json", nix.dir);
    let text = plan(sdks, configurations, images).map_err(|e| Error::input(format!("{path}: {e}")))?;
    files.insert(path, file(text));
    Ok(files)
}

/// A template, which is written for the default directory, for another one. The templates say in one place where they are, so that they are plain Nix themselves.
fn in_directory(template: &str, dir: &str) -> String {
    if dir == DEFAULT_NIX_DIR {
        return template.to_owned();
    }
    let up = "../".repeat(dir.split('/').count());
    template
        .replace("root = ../.;", &format!("root = {up}.;"))
        .replace("directory = \"nix\";", &format!("directory = \"{dir}\";"))
        .replace("./nix/godirect.nix", &format!("./{dir}/godirect.nix"))
}

/// A template with the release of the default SDK as nixpkgs writes it in names: `1_27`.
fn of_release(template: &str, version: Option<&GoVersion>) -> String {
    let release = version.map(|version| format!("release = \"1_{}\";", version.minor()));
    release.map_or_else(|| template.to_owned(), |release| template.replace("release = \"0_0\";", &release))
}

/// The plan as JSON with one line for each action, so that diffs are readable and changes to different packages merge.
fn plan(
    sdks: &BTreeMap<&str, &GoVersion>,
    configurations: &BTreeMap<String, Configuration>,
    images: &BTreeMap<String, ImageAction>,
) -> serde_json::Result<String> {
    let mut text = format!("{{\n  \"@generated\": {},\n", serde_json::to_string("by `godirect generate`; do not edit")?);
    let _ = write!(text, "  \"version\": {PLAN_VERSION},\n  \"sdks\": {},\n", line(sdks)?);
    if !images.is_empty() {
        let images = images.iter().map(|(name, image)| Ok((name.as_str(), line(image)?)));
        let _ = writeln!(text, "  \"images\": {},", object(images, 1)?);
    }
    let configurations = configurations.iter().map(|(name, c)| Ok((name.as_str(), configuration(c)?)));
    let _ = write!(text, "  \"configurations\": {}\n}}\n", object(configurations, 1)?);
    Ok(text)
}

fn configuration(configuration: &Configuration) -> serde_json::Result<String> {
    let Configuration { sdk, env, packages, binaries } = configuration;
    let package = |(name, action): (&String, &PackageAction)| Ok((name.clone(), serde_json::to_string(action)?));
    let binary = |(name, action): (&String, &BinaryAction)| Ok((name.clone(), serde_json::to_string(action)?));
    object(
        [
            Ok(("sdk", line(sdk)?)),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_directory_leaves_no_trace_of_the_usual_one() {
        let nix = Nix { dir: "build/go.nix".to_owned(), flake: true };
        let image = ImageAction {
            file: "x.tar".to_owned(),
            binary: "x".to_owned(),
            configurations: Vec::new(),
            files: Vec::new(),
            sdk: false,
            steps: Vec::new(),
        };
        let images = BTreeMap::from([("x".to_owned(), image)]);
        let files = render(&BTreeMap::new(), &BTreeMap::new(), &images, &nix).unwrap();
        let rendered: Vec<&String> = files.keys().collect();
        let mut expected: Vec<String> = paths(&nix).collect();
        expected.sort();
        assert_eq!(rendered, expected.iter().collect::<Vec<_>>());
        let expressions = &files["build/go.nix/godirect.nix"].text;
        assert!(expressions.contains("root = ../../.;\n  directory = \"build/go.nix\";"));
        assert!(files.values().all(|f| !f.text.contains("./nix") && !f.text.contains("\"nix")));
    }
}
