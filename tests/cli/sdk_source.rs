//! SDKs that are built from source, as far as it goes without building one: that takes minutes, see tests/sdk-source.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::{GOROOT, Project, error, repository};

const SPEC: &str = "go_sdk(version = \"1.27.3\", source = from_source(\n    bootstrap = \"1.27.3\",\n    experiments = [\"nodwarf5\", \"arenas\"],\n    patches = [\"patches/errors.patch\"],\n))\nplatforms(\"linux/amd64\")\nnix()\n";
const PATCH: &str = "--- a/src/errors/errors.go\n+++ b/src/errors/errors.go\n@@ -88,3 +88,6 @@\n // Functions and methods should document the cases in which an error\n // wrapping this will be returned.\n var ErrUnsupported = New(\"unsupported operation\")\n+\n+// Patched is new.\n+const Patched = true\n--- /dev/null\n+++ b/src/errors/patched_linux.go\n@@ -0,0 +1,3 @@\n+package errors\n+\n+import _ \"unsafe\"\n";

/// The first example with an SDK from source, locked.
fn locked() -> Project {
    let project = Project::example("01-hello").with_user_cache();
    project.write("godirect.star", SPEC);
    project.write("patches/errors.patch", PATCH);
    let expected =
        "changed  sdk          go1.27.3 → go1.27.3 from source\nremoved  linux/arm64  platform\nwrote    godirect.lock.json\n";
    assert_eq!(project.succeeds(&["lock"]), expected);
    project
}

fn lock(project: &Project) -> Value {
    serde_json::from_str(&project.read("godirect.lock.json")).unwrap()
}

#[test]
fn the_lock_has_what_is_built() {
    let project = locked();
    let locked = lock(&project);
    let sdk = &locked["sdks"][0];
    let mut build = sdk["build"].clone();
    assert_eq!(build["bootstrap"]["downloads"][0]["h1"], sdk["downloads"][0]["h1"]);
    build["bootstrap"]["downloads"] = json!([]);
    let source = std::fs::read_to_string(GOROOT.join("src/errors/errors.go")).unwrap();
    let sha256 = |content: &str| json!(godirect::digest::Sha256::of(content).to_string());
    assert_eq!(
        build,
        json!({
            "bootstrap": {"version": "1.27.3", "downloads": []},
            // In the order in which the SDK prints them.
            "goversion": "go1.27.3-X:arenas,nodwarf5",
            "experiments": ["arenas", "nodwarf5"],
            "patches": [{"file": "patches/errors.patch", "sha256": sha256(PATCH)}],
            "patched": {
                "src/errors/errors.go": sha256(&format!("{source}\n// Patched is new.\nconst Patched = true\n")),
                "src/errors/patched_linux.go": sha256("package errors\n\nimport _ \"unsafe\"\n"),
            },
        })
    );
    let experiments = sdk["experiments"]["linux/amd64"].as_array().unwrap();
    assert!(experiments.contains(&json!("arenas")) && !experiments.contains(&json!("dwarf5")));
    assert!(sdk["packages"]["errors"].to_string().contains("patched_linux.go"), "{}", sdk["packages"]["errors"]);
    // The cache's own source is as it was: the proof is that it still has the pinned hash.
    let nar = godirect::lock::nar::hash_directory(&GOROOT).unwrap();
    assert_eq!(sdk["downloads"][0]["nar"], nar.to_string());
    // Plans have the version that the tools insist on, and what is left of the rest is unchanged by a second lock.
    project.succeeds(&["generate"]);
    assert!(project.read("nix/plan.json").contains("\"-goversion\",\"go1.27.3-X:arenas,nodwarf5\""));
    assert!(project.succeeds(&["lock"]).ends_with("fresh    godirect.lock.json\n"));
}

#[test]
fn a_lock_for_another_build_is_stale() {
    let project = locked();
    let spec = |from: &str, to: &str| project.write("godirect.star", &SPEC.replace(from, to));
    let stale = |why: &str| error(&format!("godirect.lock.json is stale: {why}"), "run `godirect lock`");
    spec(", \"arenas\"", "");
    project.fails(&["generate"], 1, &stale("it builds the SDK with other experiments than the spec asks for"));
    spec("bootstrap = \"1.27.3\"", "bootstrap = \"1.26.6\"");
    project.fails(&["generate"], 1, &stale("it compiles the SDK with go1.27.3, but the spec asks for go1.26.6"));
    spec("patches = [", "patches = [\"patches/other.patch\", ");
    project.write("patches/other.patch", "");
    project.fails(&["generate"], 1, &stale("it builds the SDK with other patches than the spec asks for"));
    project.write("godirect.star", "go_sdk(version = \"1.27.3\")\nplatforms(\"linux/amd64\")\nnix()\n");
    project.fails(&["generate"], 1, &stale("its SDK is built from source, which the spec doesn't ask for"));
    spec("", "");
    project.edit("patches/errors.patch", "Patched is new", "Patched is edited");
    project.fails(&["generate"], 1, &stale("the patch patches/errors.patch was edited after it was made"));
    std::fs::remove_file(project.root().join("patches/errors.patch")).unwrap();
    let missing = error("there is no patch patches/errors.patch", "from_source(patches = …) has paths relative to the spec");
    project.fails(&["generate"], 2, &missing);
}

/// What `lock --check` says, without network, is what `lock` does then; and a second time nothing.
#[test]
fn a_change_of_the_build_is_noticed_by_check() {
    let project = locked();
    let check = |expected: &str| {
        let ran = project.run(&["lock", "--check"]);
        let stale = "godirect.lock.json is stale; `godirect lock` updates it\n";
        assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(1), expected, stale));
        assert_eq!(project.succeeds(&["lock"]), format!("{expected}wrote    godirect.lock.json\n"));
        assert_eq!(project.succeeds(&["lock", "--check"]), "fresh    godirect.lock.json\n");
        assert_eq!(project.succeeds(&["lock"]), "fresh    godirect.lock.json\n");
    };
    assert_eq!(project.succeeds(&["lock", "--check"]), "fresh    godirect.lock.json\n");
    let anew = "changed  sdk  go1.27.3 from source, recorded anew\n";
    project.edit("patches/errors.patch", "Patched is new", "Patched is edited");
    check(anew);
    project.edit("godirect.star", "\"nodwarf5\", ", "");
    check(anew);
    project.edit("godirect.star", "bootstrap = \"1.27.3\"", "bootstrap = \"1.26.6\"");
    check(anew);
    // A hash of the bootstrap SDK that its proof doesn't give.
    let text = project.read("godirect.lock.json");
    let h1 = lock(&project)["sdks"][0]["build"]["bootstrap"]["downloads"][0]["h1"].as_str().unwrap().to_owned();
    let other = "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    project.write("godirect.lock.json", &text.replace(&format!("\"h1\": \"{h1}\""), &format!("\"h1\": \"{other}\"")));
    let ran = project.run(&["lock", "--check"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), anew));
    project.write("godirect.lock.json", &text);
    project.write("godirect.star", "go_sdk(version = \"1.27.3\")\nplatforms(\"linux/amd64\")\nnix()\n");
    check("changed  sdk  go1.27.3 from source → go1.27.3\n");
    std::fs::remove_file(project.root().join("patches/errors.patch")).unwrap();
    project.write("godirect.star", SPEC);
    let missing = error("there is no patch patches/errors.patch", "from_source(patches = …) has paths relative to the spec");
    for verb in [&["lock", "--check"][..], &["lock"]] {
        project.fails(verb, 2, &missing);
    }
}

/// The bootstrap SDK is proven as any other, and `lock --verify` proves it again.
#[test]
fn the_bootstrap_sdk_is_verified() {
    let project = Project::example("01-hello").with_user_cache();
    let named = "go_sdk(version = \"1.27.3\")\ngo_sdk(name = \"own\", version = \"1.27.3\", source = from_source(bootstrap = \"1.26.6\"))\n\
                 profile(\"own\", sdk = \"own\")\nplatforms(\"linux/amd64\", \"linux/arm64\")\nnix()\n";
    project.write("godirect.star", named);
    assert_eq!(project.succeeds(&["lock"]), "added    sdk own  go1.27.3 from source\nwrote    godirect.lock.json\n");
    let locked = lock(&project);
    assert_eq!(locked["sdks"][0].get("build"), None);
    let download = &locked["sdks"][1]["build"]["bootstrap"]["downloads"][0];
    let record = |download: &Value| download["proof"]["record"].as_u64().unwrap();
    let (own, bootstrap) = (record(&locked["sdks"][1]["downloads"][0]), record(download));
    let verified = project.succeeds(&["lock", "--verify"]);
    let expected = format!(
        "sdk      3 entries: proven by the checksum database, records {}, {}\n",
        own.min(bootstrap),
        own.max(bootstrap)
    );
    assert!(verified.starts_with(&expected), "{verified}");

    let text = project.read("godirect.lock.json");
    let size = format!("\"size\": {},", download["size"]);
    assert_eq!(text.matches(&size).count(), 1);
    project.write("godirect.lock.json", &text.replace(&size, "\"size\": 1,"));
    let ran = project.run(&["lock", "--verify"]);
    assert_eq!(ran.code, Some(4));
    assert!(ran.stdout.contains("wrong    golang.org/toolchain@v0.0.1-go1.26.6.linux-amd64: "), "{}", ran.stdout);
    project.write("godirect.lock.json", &text);

    // Nobody vouches for it without the database.
    std::fs::remove_file(project.root().join("godirect.lock.json")).unwrap();
    project.write("godirect.star", &named.replace("1.26.6", "1.26.5"));
    let project = project.env("GOSUMDB", "off");
    let ran = project.run(&["lock"]);
    assert_ne!(ran.code, Some(0), "{}", ran.stdout);
    assert!(!project.root().join("godirect.lock.json").exists());
}

#[test]
fn what_cannot_be_built_is_refused_before_anything_is_written() {
    let project = Project::example("01-hello").with_user_cache();
    let before = project.read("godirect.lock.json");
    let refused = |source: &str, message: &str, help: &str| {
        project.write(
            "godirect.star",
            &format!("go_sdk(version = \"1.27.3\", source = {source})\nplatforms(\"linux/amd64\")\nnix()\n"),
        );
        project.fails(&["lock"], 2, &error(message, help));
        assert_eq!(project.read("godirect.lock.json"), before);
    };
    refused(
        "from_source(bootstrap = \"1.24.5\")",
        "Go 1.24.5 can't compile this SDK, which needs at least 1.24.6",
        "write from_source(bootstrap = \"1.24.6\") or a newer one, or leave it out",
    );
    refused(
        "from_source(bootstrap = \"1.27.3\", experiments = [\"dwarf5\"])",
        "GOEXPERIMENT `dwarf5` changes nothing on linux/amd64",
        "leave it out of from_source(experiments = …)",
    );
    // On this platform the SDK turns it on whatever GOEXPERIMENT says.
    refused(
        "from_source(bootstrap = \"1.27.3\", experiments = [\"noregabiargs\"])",
        "GOEXPERIMENT `noregabiargs` changes nothing on linux/amd64",
        "leave it out of from_source(experiments = …)",
    );
    project.write("patches/errors.patch", &PATCH.replace("unsupported operation", "another"));
    refused(
        "from_source(bootstrap = \"1.27.3\", patches = [\"patches/errors.patch\"])",
        "the patch patches/errors.patch doesn't fit: hunk 1 of src/errors/errors.go expects `var ErrUnsupported = New(\"another\")` in \
         line 90, where it is `var ErrUnsupported = New(\"unsupported operation\")`",
        "make the patch anew for this version of Go",
    );
}

/// The program that applies patches and builds, which all engines run.
#[test]
fn the_program_passes_its_tests() {
    let directory = tempfile::tempdir().unwrap();
    for (from, names) in [("templates/sdk", ["go.mod", "main.go", "patch.go"].as_slice()), ("tests/sdk", &["patch_test.go"])] {
        for name in names {
            std::fs::copy(repository(from).join(name), directory.path().join(name)).unwrap();
        }
    }
    for arguments in [["test", "."], ["vet", "."]] {
        let mut command = Command::new(GOROOT.join("bin/go"));
        command.args(arguments).current_dir(directory.path()).env_clear().env("GOROOT", &*GOROOT).env("HOME", directory.path());
        command.envs([("CGO_ENABLED", "0"), ("GOENV", "off"), ("GOFLAGS", ""), ("GOPROXY", "off"), ("GOTOOLCHAIN", "local")]);
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    }
}

/// Bazel takes the program from its ruleset, which has to have a copy.
#[test]
fn the_ruleset_has_the_same_program() {
    for name in ["main.go", "patch.go"] {
        let read = |directory: &str| std::fs::read_to_string(repository(directory).join(name)).unwrap();
        assert_eq!(
            read("templates/sdk"),
            read("rules_go_direct/go/private/sdk_program"),
            "cp templates/sdk/{name} to the ruleset"
        );
    }
}
