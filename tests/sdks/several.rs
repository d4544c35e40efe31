//! Two real SDKs in one lock: profiles choose between them, in every engine.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::engines;
use crate::support::{Project, error, repository};

const SPEC: &str = r#"
platforms("linux/amd64")
go_sdk(name = "previous", version = "1.26.6")
profile("previous", sdk = "previous")
binary(".", profiles = ["default", "previous"])
nix()
bazel()
"#;

/// Without fmt, so that the engines compile little of each std.
const MAIN: &str = "package main\n\nimport \"runtime\"\n\nfunc main() { println(runtime.Version()) }\n";

fn project() -> Project {
    let files =
        [("godirect.star", SPEC), ("go.mod", "module example.com/two\n\ngo 1.26\n\ntoolchain go1.27.3\n"), ("main.go", MAIN)];
    Project::new(&files).with_user_cache()
}

/// What the embedded engine made, by configuration.
fn built(project: &Project) -> BTreeMap<String, PathBuf> {
    let printed: Value = serde_json::from_str(&project.succeeds(&["--json", "build"])).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let binaries = printed["binaries"].as_array().unwrap().iter();
    binaries.map(|b| (text(&b["configuration"]), project.root().join(text(&b["path"])))).collect()
}

fn goroot(project: &Project, arguments: &[&str]) -> PathBuf {
    PathBuf::from(project.succeeds(&[&["goroot"], arguments].concat()).trim_end())
}

#[test]
fn profiles_choose_an_sdk_in_every_engine() {
    let project = project();
    project.succeeds(&["lock"]);
    let locked: Value = serde_json::from_str(&project.read("godirect.lock.json")).unwrap();
    let sdks: Vec<_> = locked["sdks"].as_array().unwrap().iter().map(|sdk| (&sdk["name"], &sdk["version"])).collect();
    assert_eq!(sdks, [(&Value::Null, &"1.27.3".into()), (&"previous".into(), &"1.26.6".into())]);
    let lock = project.read("godirect.lock.json");
    project.succeeds(&["lock"]);
    assert_eq!(project.read("godirect.lock.json"), lock);

    let ruleset = repository("rules_go_direct").display().to_string();
    let module = format!(
        "module(name = \"two\")\n\nlocal_path_override(\n    module_name = \"rules_go_direct\",\n    path = \"{ruleset}\",\n)\n"
    );
    project.write("MODULE.bazel", &module);
    project.succeeds(&["generate"]);
    let binaries = built(&project);
    let workspace = bazel_workspace(&project.root());
    let nix = |attribute: &str| engines::nix_build(&project.root(), &[attribute.to_owned()]).remove(0).join("bin/two");

    for (sdk, version, target) in [("default", "go1.27.3", "two"), ("previous", "go1.26.6", "two_previous")] {
        let goroot = goroot(&project, &["--sdk", sdk]);
        assert_eq!(fs::read_to_string(goroot.join("VERSION")).unwrap().lines().next(), Some(version));
        let configuration = if sdk == "default" { "linux_amd64".to_owned() } else { format!("linux_amd64-{sdk}") };
        let oracle = project.path("oracle");
        engines::go_build_by(&goroot, &project.root(), ".", &[("GOOS", "linux"), ("GOARCH", "amd64")], &oracle);
        let expected = fs::read(&oracle).unwrap();
        assert!(expected == fs::read(&binaries[&configuration]).unwrap(), "godirect build, {configuration}");
        assert!(expected == fs::read(nix(&format!("two-{configuration}"))).unwrap(), "nix build, {configuration}");
        let bazel = engines::bazel_build(&workspace, "linux_amd64", &format!("//:{target}"));
        assert!(expected == fs::read(bazel).unwrap(), "bazel build, {configuration}");
    }
    assert_eq!(goroot(&project, &[]), goroot(&project, &["--sdk", "default"]));
    let commands = engines::nix_build(&project.root(), &["go".to_owned(), "go-previous".to_owned()]);
    let names: Vec<_> =
        commands.iter().map(|path| path.display().to_string().rsplit_once("-go-").unwrap().1.to_owned()).collect();
    assert_eq!(names, ["1.27.3-commands", "1.26.6-commands"]);

    check_bazel_flags(&workspace);
    engines::end_bazel(&workspace);
}

/// A copy whose place is always the same, so that Bazel fetches the SDKs once.
fn bazel_workspace(from: &Path) -> PathBuf {
    let workspace = Path::new(env!("CARGO_TARGET_TMPDIR")).join("two-sdks");
    fs::create_dir_all(&workspace).unwrap();
    for file in ["MODULE.bazel", "BUILD.bazel", "main.go", "go.mod", "godirect.lock.json"] {
        fs::copy(from.join(file), workspace.join(file)).unwrap();
    }
    workspace
}

/// Flags choose for a target that names no SDK, and one that the lock has not is an error.
fn check_bazel_flags(workspace: &Path) {
    let build = |flag: &str, target: &str| {
        let flag = format!("--@rules_go_direct//go/toolchain:{flag}");
        let output = engines::bazel_output(workspace, &["build", &flag, target]);
        if !output.status.success() {
            return Err(String::from_utf8(output.stderr).unwrap());
        }
        let files = engines::bazel(workspace, &["cquery", &flag, "--output=files", target]);
        let root = engines::bazel(workspace, &["info", "execution_root"]);
        let binary = fs::read(Path::new(root.trim_end()).join(files.trim_end())).unwrap();
        let holds = |version: &str| binary.windows(version.len()).any(|window| window == version.as_bytes());
        Ok((holds("go1.27.3"), holds("go1.26.6")))
    };
    assert_eq!(build("sdk_name=previous", "//:two"), Ok((false, true)));
    assert_eq!(build("sdk_version=1.26.6", "//:two"), Ok((false, true)));
    assert_eq!(build("sdk_version=1.27.3", "//:two"), Ok((true, false)));
    assert_eq!(build("sdk_version=1.27.3", "//:two_previous"), Ok((false, true)), "the target's own SDK goes before");
    for (flag, said) in [
        ("sdk_name=nosuch", "the lock has no SDK `nosuch`, which sdk_name asks for"),
        ("sdk_version=1.2", "the lock has no SDK of version 1.2, which sdk_version asks for"),
    ] {
        let stderr = build(flag, "//:two").unwrap_err();
        assert!(stderr.contains(said), "{stderr}");
    }
}

#[test]
fn a_lock_without_an_sdk_of_the_spec_is_stale() {
    let stale = |why: &str| error(&format!("godirect.lock.json is stale: {why}"), "run `godirect lock`");
    let project = Project::example("01-hello");
    let spec = project.read("godirect.star");
    project.write("godirect.star", &format!("{spec}\ngo_sdk(name = \"next\", version = \"1.28rc1\")\n"));
    project.fails(&["generate"], 1, &stale("it doesn't pin the SDK `next` of the spec"));
    project.write("godirect.star", &spec);
    let help = "it has default";
    project.fails(&["goroot", "--sdk", "next"], 2, &error("godirect.star has no SDK `next`", help));
    project.edit(
        "godirect.lock.json",
        "      \"version\": \"1.27.3\",\n",
        "      \"name\": \"next\",\n      \"version\": \"1.27.3\",\n",
    );
    project.fails(&["generate"], 1, &stale("it pins the SDK `next`, which the spec has not"));
}

#[test]
fn an_sdk_older_than_a_go_line_is_refused_also_where_a_toolchain_line_is_newer() {
    let project = Project::example("01-hello");
    project.edit("go.mod", "go 1.27\n", "go 1.27.1\n");
    let spec = project.read("godirect.star");
    project.write("godirect.star", &format!("go_sdk(name = \"old\", version = \"1.26.6\")\n{spec}"));
    project.fails(
        &["generate"],
        2,
        "error: the SDK go1.26.6 is older than the line `go 1.27.1` of go.mod\n \
         --> godirect.star:1:1\n  \
         |\n\
         1 | go_sdk(name = \"old\", version = \"1.26.6\")\n  \
         | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^\n  \
         |\n\
         help: ask for a newer SDK in go_sdk(version = …), or lower the go line\n",
    );
}
