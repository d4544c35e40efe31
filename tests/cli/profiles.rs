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
            "{sdk}platforms(\"linux/amd64\", \"js/wasm\")\nprofile(\"q\", {settings})\nbinary(\".\", profiles = [\"q\"])\n{output}\n"
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
fn profiles_that_cannot_be() {
    let locked = Locked::new();
    let other = "give the binary another profile, or take the platform out of platforms()";
    locked.refuses("buildmode = \"pie\"", "nix()", "Go can't build with buildmode = \"pie\" for js/wasm", other);
    locked.refuses("cgo = True", "nix()", "Go has no cgo for js/wasm", "build it with `cgo = False`");
    let fips = "Go has no FIPS 140 mode for js/wasm";
    locked.refuses("gofips140 = \"latest\"", "nix()", fips, "build it with gofips140 = \"off\"");
    let race = "race for js/wasm: Go has no such detector there";
    locked.refuses("race = True, cgo = True", "nix()", race, "give the binary another profile for this platform");
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
        ("goexperiment = [\"arenas\"]", "goexperiment"),
        ("buildid = \"go\"", "buildid"),
    ] {
        let message = format!("the Bazel files can't have {what} yet, which p is to be built with");
        locked.refuses(settings, "bazel()", &message, help);
    }
    locked.project.write("default.pgo", "");
    let message = "the Bazel files can't have optimisation guided by default.pgo yet, which p has";
    locked.refuses("strip = True", "bazel()", message, "write pgo = \"off\" in its profile, or leave out bazel()");

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
