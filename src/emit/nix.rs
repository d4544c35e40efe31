//! Nix files: the plan as data, and small static expressions that turn it into derivations.

mod aterm;
mod c;
mod derivations;
mod images;
mod sdks;
mod sources;
mod store;
mod symlinks;
mod tested;
mod whole;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::name::GoVersion;
use crate::plan::image::ImageAction;
use crate::plan::{Configuration, Step};
use crate::spec::{DEFAULT_NIX_DIR, DEFAULT_SDK, Nix};
use crate::write::{GeneratedFile, GeneratedFiles};

pub use aterm::StorePath;
pub use derivations::{Derivations, Download, LocalFile, LocalKind, Named, Settings, derivations};
pub use tested::{List, Listed, Place, Plan, Test, Tests, names};
pub use whole::WHOLE;

/// The name of what all tests together have counted.
pub const COVERAGE: &str = "coverage";

/// The format version of `nix/plan.json`, see `docs/plan.md`.
const PLAN_VERSION: u32 = 2;

/// Files in the directory of the spec's `nix()`, besides the plan.
const FILES: [(&str, &str); 12] = [
    ("downloads.nix", include_str!("../../templates/nix/downloads.nix")),
    ("godirect.nix", include_str!("../../templates/nix/godirect.nix")),
    ("nixpkgs.nix", include_str!("../../templates/nix/nixpkgs.nix")),
    ("outputs.nix", include_str!("../../templates/nix/outputs.nix")),
    ("sdks.nix", include_str!("../../templates/nix/sdks.nix")),
    ("symlinks.nix", include_str!("../../templates/nix/symlinks.nix")),
    ("whole.nix", include_str!("../../templates/nix/whole.nix")),
    ("helper/go.mod", include_str!("../../templates/nix/helper/go.mod")),
    ("helper/main.go", include_str!("../../templates/nix/helper/main.go")),
    ("sdk/go.mod", include_str!("../../templates/sdk/go.mod")),
    ("sdk/main.go", include_str!("../../templates/sdk/main.go")),
    ("sdk/patch.go", include_str!("../../templates/sdk/patch.go")),
];

/// What runs tests, where the spec wants that.
const TESTS: [(&str, &str); 3] = [
    ("tests.nix", include_str!("../../templates/nix/tests.nix")),
    ("runner/go.mod", include_str!("../../templates/nix/runner/go.mod")),
    ("runner/main.go", include_str!("../../templates/nix/runner/main.go")),
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
    let files = FILES.iter().chain(&TESTS).chain(&IMAGE_FILES).map(|(path, _)| *path);
    let below = files.chain(["plan.json"]).map(|path| format!("{}/{path}", nix.dir));
    ENTRY.iter().map(|(path, _)| (*path).to_owned()).chain(below)
}

/// Renders the Nix files for the SDKs' versions, the plans and the images, all by name.
///
/// # Errors
///
/// When a binary has a build ID, a test the name of a binary, or the plan can't be serialised.
pub fn render(
    sdks: &BTreeMap<&str, &GoVersion>,
    plans: &BTreeMap<String, Plan>,
    images: &BTreeMap<String, ImageAction>,
    nix: &Nix,
) -> Result<GeneratedFiles> {
    let file = |text: String| GeneratedFile { text, merged: false };
    let mut files = GeneratedFiles::new();
    let tests = TESTS.iter().filter(|_| nix.tests);
    let for_images = IMAGE_FILES.iter().filter(|_| !images.is_empty());
    for (path, text) in FILES.iter().chain(tests).chain(for_images) {
        files.insert(format!("{}/{path}", nix.dir), file(in_directory(text, &nix.dir)));
    }
    for (path, text) in ENTRY.iter().filter(|_| nix.flake) {
        files.insert((*path).to_owned(), file(of_release(&in_directory(text, &nix.dir), sdks.get(DEFAULT_SDK).copied())));
    }
    if plans.values().flat_map(Plan::programs).any(|program| program.steps.iter().any(|s| matches!(s, Step::BuildId { .. }))) {
        let error =
            Error::input("the Nix files can't give binaries the go command's build ID yet, as buildid = \"go\" asks for");
        return Err(error.help("give the binaries another profile, or leave out nix()"));
    }
    check_names(plans)?;
    let path = format!("{}/plan.json", nix.dir);
    let text = plan(sdks, plans, images).map_err(|e| Error::input(format!("{path}: {e}")))?;
    files.insert(path, file(text));
    Ok(files)
}

/// Refuses a test that has the name of a binary, since the checks of a flake are both, and a binary with that of [`COVERAGE`].
fn check_names(plans: &BTreeMap<String, Plan>) -> Result<()> {
    let has_coverage = plans.values().any(|plan| !plan.covered.programs.is_empty());
    if has_coverage && plans.values().any(|plan| plan.configuration.binaries.contains_key(COVERAGE)) {
        let error = Error::input(format!("the package `{COVERAGE}` of the flake would be both a binary and what tests count"));
        return Err(error.help("give the binary another name in godirect.star: binary(…, name = …)"));
    }
    let check = |test: &str| format!("test-{test}");
    let tests: BTreeSet<String> = plans.values().flat_map(|plan| plan.tests.programs.keys()).map(|name| check(name)).collect();
    let binaries = plans.iter().flat_map(|(name, plan)| plan.configuration.binaries.keys().map(move |b| format!("{b}-{name}")));
    match { binaries }.find(|name| tests.contains(name)) {
        Some(name) => Err(Error::input(format!("the check {name} of the flake would be both a binary and a test"))
            .help("give the binary another name in godirect.star: binary(…, name = …)")),
        None => Ok(()),
    }
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
        .replace("./nix/", &format!("./{dir}/"))
}

/// A template with the release of the default SDK as nixpkgs writes it in names: `1_27`.
fn of_release(template: &str, version: Option<&GoVersion>) -> String {
    let release = version.map(|version| format!("release = \"1_{}\";", version.minor()));
    release.map_or_else(|| template.to_owned(), |release| template.replace("release = \"0_0\";", &release))
}

/// The plan as JSON with one line for each action, so that diffs are readable and changes to different packages merge.
fn plan(
    sdks: &BTreeMap<&str, &GoVersion>,
    plans: &BTreeMap<String, Plan>,
    images: &BTreeMap<String, ImageAction>,
) -> serde_json::Result<String> {
    let mut text = format!("{{\n  \"@generated\": {},\n", serde_json::to_string("by `godirect generate`; do not edit")?);
    let _ = write!(text, "  \"version\": {PLAN_VERSION},\n  \"sdks\": {},\n", line(sdks)?);
    if !images.is_empty() {
        let images = images.iter().map(|(name, image)| Ok((name.as_str(), line(image)?)));
        let _ = writeln!(text, "  \"images\": {},", object(images, 1)?);
    }
    let configurations = plans.iter().map(|(name, plan)| Ok((name.as_str(), configuration(plan)?)));
    let _ = write!(text, "  \"configurations\": {}\n}}\n", object(configurations, 1)?);
    Ok(text)
}

fn configuration(plan: &Plan) -> serde_json::Result<String> {
    let Configuration { sdk, env, packages, binaries } = &plan.configuration;
    let mut entries = vec![
        Ok(("sdk", line(sdk)?)),
        Ok(("env", line(env)?)),
        Ok(("packages", object(lines(packages), 3)?)),
        Ok(("binaries", object(lines(binaries), 3)?)),
    ];
    for (name, Tests { packages, programs }) in [("tests", &plan.tests), ("covered", &plan.covered)] {
        if !programs.is_empty() {
            let tests = [Ok(("packages", object(lines(packages), 4)?)), Ok(("programs", object(lines(programs), 4)?))];
            entries.push(Ok((name, object(tests, 3)?)));
        }
    }
    object(entries, 2)
}

/// Actions by name, each on a line of its own.
fn lines<T: Serialize>(actions: &BTreeMap<String, T>) -> impl Iterator<Item = serde_json::Result<(&String, String)>> {
    actions.iter().map(|(name, action)| Ok((name, line(action)?)))
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
        let nix = Nix { dir: "build/go.nix".to_owned(), flake: true, tests: true, skip_tests: BTreeMap::new(), coverage: None };
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
