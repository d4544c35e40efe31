//! The promise: the same bytes from the embedded engine, `nix build`, `bazel build` and `go build`, on every platform of each example.

#[path = "support/engines.rs"]
#[allow(dead_code)] // Other tests use the rest.
mod engines;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use godirect::digest::Sha256;
use godirect::project::Project;
use serde_json::Value;

/// Digests by engine.
type Digests = BTreeMap<&'static str, String>;

fn digest(path: &Path) -> String {
    let content = fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    Sha256::of(content).to_string()
}

/// What the embedded engine prints of each binary, by configuration and name; the files must have the printed digests.
fn embedded(example: &Path, out: &Path) -> BTreeMap<(String, String), String> {
    let mut command = engines::godirect();
    command.arg("-C").arg(example).args(["--json", "build", "--platform", "all", "--out"]).arg(out);
    let printed = engines::succeeded("godirect build", &command.output().unwrap());
    let printed: Value = serde_json::from_str(&printed).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let binaries = printed["binaries"].as_array().unwrap().iter();
    binaries
        .map(|b| {
            let sha256 = text(&b["sha256"]);
            assert_eq!(digest(Path::new(b["path"].as_str().unwrap())), sha256);
            ((text(&b["configuration"]), text(&b["name"])), sha256)
        })
        .collect()
}

fn check(name: &str) {
    let example = engines::repository("examples").join(name);
    let project = Project::open(&example).unwrap();
    let out = tempfile::tempdir().unwrap();
    let embedded = embedded(&example, out.path());
    let pairs: Vec<_> = project.variants().into_iter().flat_map(|v| project.binaries_of(v).map(move |b| (v, b))).collect();
    assert_eq!(embedded.len(), pairs.len(), "every binary on every platform: {embedded:?}");

    let attributes: Vec<String> = pairs.iter().map(|(v, (binary, _))| format!("{binary}-{}", v.name())).collect();
    let by_nix = engines::nix_build(&example, &attributes);
    let whole: Vec<String> = attributes.iter().map(|name| format!("whole.{name}")).collect();
    let whole = engines::nix_build(&example, &whole);
    for (((variant, (binary, package)), nix), whole) in pairs.iter().zip(&by_nix).zip(&whole) {
        let platform = &variant.target.platform;
        let go = out.path().join("go");
        let mut env = vec![("GOOS", platform.goos()), ("GOARCH", platform.goarch())];
        env.extend(platform.variant_setting());
        engines::go_build(&example, &format!("./{}", package.directory), &env, &go);
        let bazel = engines::bazel_build(&example, &platform.name(), &format!("//{}:{binary}", package.directory));
        let digests = Digests::from([
            ("go build", digest(&go)),
            ("godirect build", embedded[&(variant.name(), (*binary).to_owned())].clone()),
            ("nix build", digest(&nix.join("bin").join(binary))),
            ("nix build, as one derivation", digest(&whole.join("bin").join(binary))),
            ("bazel build", digest(&bazel)),
        ]);
        let expected = &digests["go build"];
        assert!(digests.values().all(|d| d == expected), "{name}: {binary} for {platform}: {digests:#?}");
        println!("{expected}  {name}: {binary} for {platform}");
    }
    check_other_commands(&example);
    engines::end_bazel(&example);
}

/// What users do besides building one binary for one platform.
fn check_other_commands(example: &Path) {
    engines::bazel(example, &["build", "//..."]);
    let below =
        ["downloads", "godirect", "nixpkgs", "outputs", "sdks", "symlinks", "whole"].map(|name| format!("nix/{name}.nix"));
    for file in below.iter().map(String::as_str).chain(["flake.nix", "default.nix"]) {
        engines::nix_parse(&example.join(file));
    }
}

#[test]
fn hello_is_the_same_from_all_engines() {
    check("01-hello");
    let printed = engines::bazel(&engines::repository("examples/01-hello"), &["run", "//:hello"]);
    assert_eq!(printed, "hello from go1.27.3 on linux/amd64\n");
    engines::end_bazel(&engines::repository("examples/01-hello"));
}

#[test]
fn modules_are_the_same_from_all_engines() {
    check("02-modules");
}

#[test]
fn replacements_by_directories_are_the_same_from_all_engines() {
    check("03-replace");
}

#[test]
fn vendored_packages_are_the_same_from_all_engines() {
    check("04-vendor");
}
