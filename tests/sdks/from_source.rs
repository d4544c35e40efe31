//! An SDK from source beside a release: what each engine would do, up to the build itself, which takes minutes (tests/sdk-source).

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::engines;
use crate::support::{Project, repository};

const SPEC: &str = r#"
go_sdk(version = "1.27.3")
go_sdk(name = "own", version = "1.27.3", source = from_source(
    bootstrap = "1.26.6", experiments = ["arenas"], patches = ["patches/errors.patch"],
))
profile("own", sdk = "own")
binary(".", profiles = ["default", "own"])
platforms("linux/amd64")
nix()
bazel()
"#;

const PATCH: &str = "--- a/src/errors/errors.go\n+++ b/src/errors/errors.go\n@@ -90 +90 @@\n-var ErrUnsupported = New(\"unsupported operation\")\n+var ErrUnsupported = New(\"patched operation\")\n";

#[test]
fn engines_know_how_to_build_an_sdk_from_source() {
    let files = [
        ("godirect.star", SPEC),
        ("go.mod", "module example.com/own\n\ngo 1.27\n"),
        ("main.go", "package main\n\nfunc main() {}\n"),
        ("patches/errors.patch", PATCH),
    ];
    let project = Project::new(&files).with_user_cache();
    project.succeeds(&["lock"]);
    project.write("MODULE.bazel", &module_file());
    project.succeeds(&["generate"]);
    let lock: Value = serde_json::from_str(&project.read("godirect.lock.json")).unwrap();
    let patched = lock["sdks"][1]["build"]["patched"]["src/errors/errors.go"].as_str().unwrap();

    let attributes = ["own-linux_amd64-own", "go-own", "sdk-rebuild", "sdk-rebuild-own"].map(str::to_owned);
    engines::nix_build_with(&project.root(), &attributes, &["--dry-run"]);

    // Its place is always the same, so that Bazel fetches the SDKs once.
    let workspace = Path::new(env!("CARGO_TARGET_TMPDIR")).join("from-source");
    fs::create_dir_all(workspace.join("patches")).unwrap();
    for file in ["MODULE.bazel", "BUILD.bazel", "main.go", "go.mod", "godirect.lock.json", "patches/errors.patch"] {
        fs::copy(project.root().join(file), workspace.join(file)).unwrap();
    }
    let action = |target: &str| {
        let platform = "--platforms=@rules_go_direct//go/toolchain:linux_amd64";
        engines::bazel(&workspace, &["aquery", platform, &format!("mnemonic(GoSdk, deps(//:{target}))")])
    };
    assert_eq!(action("own").trim(), "", "a release is downloaded");
    let shown = action("own_own").replace(" \\\n    ", " ");
    for argument in ["-experiment arenas", "godirect_patches/0.patch", &format!("-patched '{patched}=src/errors/errors.go'")] {
        assert!(shown.contains(argument), "{argument} in {shown}");
    }
    // Programs of the ruleset have no cgo, and yet the same SDK.
    let build = fs::read_to_string(workspace.join("BUILD.bazel")).unwrap();
    fs::write(workspace.join("BUILD.bazel"), build.replace("pure = \"on\"", "pure = \"off\"")).unwrap();
    assert_eq!(action("own_own").matches("action 'Building").count(), 1, "an SDK is built once for all configurations");
    engines::end_bazel(&workspace);
}

fn module_file() -> String {
    let ruleset = repository("rules_go_direct").display().to_string();
    format!(
        "module(name = \"own\")\n\nlocal_path_override(\n    module_name = \"rules_go_direct\",\n    path = \"{ruleset}\",\n)\n"
    )
}
