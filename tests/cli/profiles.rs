//! Profiles that can't be built, or that generated files can't have yet: an error with the reason, and never another binary.

use crate::support::{Project, error, with_module};

/// A project that is locked for two platforms. What profiles say doesn't change that lock.
struct Locked {
    project: Project,
    /// The spec's beginning.
    sdk: String,
}

impl Locked {
    fn new() -> Locked {
        let project = with_module();
        let sdk = project.read("godirect.star").replace("platforms(\"linux/amd64\")\n\nnix()\n", "");
        let locked = Locked { project, sdk };
        locked.spec("", "");
        locked.project.succeeds(&["lock"]);
        locked
    }

    /// Writes a spec whose only binary has a profile with these settings.
    fn spec(&self, settings: &str, output: &str) -> &Project {
        let sdk = &self.sdk;
        let text = format!(
            "{sdk}platforms(\"js/wasm\", \"linux/amd64\")\nprofile(\"q\", {settings})\nbinary(\".\", profiles = [\"q\"])\n{output}\n"
        );
        self.project.write("godirect.star", &text);
        &self.project
    }

    #[track_caller]
    fn refuses(&self, settings: &str, output: &str, message: &str, help: &str) {
        self.spec(settings, output).fails(&["generate"], 2, &error(message, help));
    }
}

#[test]
fn coverage_is_of_something_and_not_for_bazel() {
    let project = Project::example("01-hello");
    let profile = "profile(\"default\", cover = True, coverpkg = [\"./...\", \"./x/...\"])\n\nplatforms(";
    project.edit("godirect.star", "platforms(", profile);
    let message = "no package that is built in the profile `default` matches `./x/...` of coverpkg";
    let help = "write import paths, or directories relative to the spec, also with `...`";
    project.fails(&["build", "--platform", "linux/amd64"], 2, &error(message, help));
    project.edit("godirect.star", ", coverpkg = [\"./...\", \"./x/...\"]", "");
    let message = "the Bazel files can't have cover yet, which hello is to be built with";
    project.fails(&["generate"], 2, &error(message, "give the binary another profile, or leave out bazel()"));
}

#[test]
fn profiles_that_cannot_be() {
    let locked = Locked::new();
    let other = "give the binary another profile, or take the platform out of platforms()";
    locked.refuses("buildmode = \"pie\"", "nix()", "Go can't build with buildmode = \"pie\" for js/wasm", other);
    locked.refuses("cgo = True", "nix()", "Go has no cgo for js/wasm", "build it with `cgo = False`");
    let fips = "Go has no FIPS 140 mode for js/wasm";
    locked.refuses("gofips140 = \"latest\"", "nix()", fips, "build it with gofips140 = \"off\"");
    let race = "race for js/wasm: Go has no such detector there";
    locked.refuses("race = True, cgo = True", "nix()", race, "give the binary another profile for this platform");
    let (fuzz, help) = ("Go can't fuzz on js/wasm", "test in a profile without `fuzz` for this platform");
    locked.spec("fuzz = True", "").fails(&["test", "--platform", "js/wasm", "--profile", "q"], 2, &error(fuzz, help));
    assert!(!locked.project.root().join("nix").exists());

    let place = "stamp of main.V in profile q: ";
    let message = format!("{place}Nix files can't have values that are read when a binary is built yet");
    let help = "write a text, or give the profile to no binary of this spec";
    locked.refuses("stamp = {\"main.V\": env(\"V\", default = \"x\")}", "nix()", &message, help);
    let message = "the Nix files can't give binaries the go command's build ID yet, as buildid = \"go\" asks for";
    locked.refuses("buildid = \"go\"", "nix()", message, "give the binaries another profile, or leave out nix()");

    let help = "give the binary another profile, or leave out bazel()";
    for (settings, what) in [
        ("gcflags = {\"all\": [\"-l\"]}", "gcflags for a pattern"),
        ("gcflags = [\"-d=a b\"]", "gcflags with spaces or quotes"),
        ("debug = True", "debug"),
        ("asmflags = [\"-D=X\"]", "asmflags"),
        ("buildmode = \"exe\"", "buildmode"),
        ("buildid = \"go\"", "buildid"),
    ] {
        let message = format!("the Bazel files can't have {what} yet, which p is to be built with");
        locked.refuses(settings, "bazel()", &message, help);
    }

    let help = "or give it a value for that case: default = \"…\"";
    let project = locked.spec("stamp = {\"main.V\": status(\"STABLE_V\")}", "nix()");
    let build = ["build", "--platform", "linux/amd64"];
    let message = format!("{place}there is no status file to read `STABLE_V` from; give one with --status-file");
    project.fails(&build, 2, &error(&message, help));
    project.write("status.txt", "STABLE_X 1\n");
    let message = format!("{place}the status file has no line `STABLE_V`");
    project.fails(&[&build[..], &["--status-file", "status.txt"]].concat(), 2, &error(&message, help));
}

#[test]
fn what_the_bazel_files_have() {
    let locked = Locked::new();
    let settings = "pgo = \"off\", strip = True, stamp = {\"main.V\": \"1 2\"}, ldflags = [\"-v\"], godebug = {\"a\": \"b\"}";
    let project = locked.spec(settings, "bazel()");
    project.write("default.pgo", "");
    project.succeeds(&["generate"]);
    let file = project.read("BUILD.bazel");
    let options = "    gc_linkopts = [\n        \"-s\",\n        \"-w\",\n        \"-X\",\n        \"main.V=1 2\",\n        \"-v\",\n    ],\n";
    assert!(file.contains(options), "{file}");
    assert!(file.contains("default_godebug = \"a=b\""), "{file}");
}

#[test]
fn stamps_and_runtime_settings_of_a_build() {
    let spec = r#"
platforms("linux/amd64")
profile("default", stamp = {
    "main.Text": "a text",
    "main.Variable": env("STAMP_VARIABLE", default = "none"),
    "main.Status": status("STABLE_STATUS"),
})
binary(".", name = "hello", runtime = {"GOMEMLIMIT": "512MiB", "GOGC": 50})
nix()
"#;
    let main =
        "package main\n\nvar Text, Variable, Status string\n\nfunc main() { print(Text, \";\", Variable, \";\", Status) }\n";
    let project = Project::example("01-hello").with_build_cache();
    project.write("godirect.star", spec);
    project.write("main.go", main);
    project.write("status.txt", "OTHER x\nSTABLE_STATUS 4f1c 2a\n");
    let printed = |project: &Project| {
        let ran = project.run(&["build", "--platform", "linux/amd64", "--status-file", "status.txt"]);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let hello = project.root().join("godirect-out/linux_amd64/hello");
        String::from_utf8(std::process::Command::new(hello).output().unwrap().stderr).unwrap()
    };
    assert_eq!(printed(&project), "a text;none;4f1c 2a");
    assert_eq!(project.read("godirect-out/linux_amd64/hello.env"), "GOGC=50\nGOMEMLIMIT=512MiB\n");
    let project = project.env("STAMP_VARIABLE", "the \"value\" {x}");
    assert_eq!(printed(&project), "a text;the \"value\" {x};4f1c 2a");
}
