//! What was written for rules_go works unchanged with the ruleset mounted under that name.

use std::fs;
use std::path::{Path, PathBuf};

use super::engines::{self, bazel, bazel_output, repository};

fn workspace() -> PathBuf {
    repository("tests/rules_go_direct/migrated")
}

/// All files below a directory.
fn files(directory: &Path, prefix: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() {
            found.extend(files(&path, &format!("{name}/")));
        } else {
            found.push(name);
        }
    }
    found.sort();
    found
}

#[test]
fn a_workspace_of_rules_go_builds_unchanged() {
    let workspace = workspace();
    bazel(&workspace, &["test", "//..."]);
    let printed = bazel(&workspace, &["run", "//:migrated"]);
    assert_eq!(printed, "some text <nil> stamped false amd64 false\n");
    let tagged = bazel(&workspace, &["cquery", "--output=files", "//:tagged"]);
    assert_eq!(tagged, "lib/tagged.go\n");
    let bin = PathBuf::from(bazel(&workspace, &["info", "bazel-bin"]).trim_end());
    let sources = [
        "src/example.com/migrated/lib/lib.go",
        "src/example.com/migrated/lib/untagged.go",
        "src/example.com/migrated/main.go",
        "src/example.com/migrated/race.go",
        "src/github.com/bazelbuild/rules_go/go/runfiles/runfiles.go",
    ];
    assert_eq!(files(&bin.join("path"), ""), sources);

    let race = bazel_output(&workspace, &["build", "--nobuild", "--@rules_go//go/config:race", "//:migrated"]);
    let text = String::from_utf8_lossy(&race.stderr).into_owned();
    let message = "race needs cgo: add `pure = \"off\"`, or --@rules_go_direct//go/config:pure=false";
    assert!(!race.status.success() && text.contains(message), "{text}");
    engines::end_bazel(&workspace);
}

#[test]
fn a_release_works_under_another_name() {
    let workspace = repository("rules_go_direct/e2e/smoke");
    bazel(&workspace, &["test", "//..."]);
    assert_eq!(bazel(&workspace, &["run", "//:smoke"]), "hello Bazel\n");
    engines::end_bazel(&workspace);
}

#[test]
fn other_platforms_and_flags_give_the_bytes_of_go() {
    let _alone = super::PORTS.lock();
    let (ports, out) = (repository("tests/rules_go_direct/ports"), tempfile::tempdir().unwrap());
    let bin = |arguments: &[&str]| PathBuf::from(bazel(&ports, &[&["info", "bazel-bin"], arguments].concat()).trim_end());
    let check = |ours: &Path, env: &[(&str, &str)], verb: &[&str], flags: &str| {
        let theirs = out.path().join("theirs");
        let mut command = engines::go_command(&engines::GOROOT, &ports, env);
        command.args(verb).args(["-trimpath", "-buildvcs=false", flags, "-o"]).arg(&theirs).arg(".");
        engines::succeeded("go", &command.output().unwrap());
        assert!(fs::read(ours).unwrap() == fs::read(theirs).unwrap(), "{} differs", ours.display());
    };
    bazel(&ports, &["build", "//cross:arm64"]);
    let arm64 = [("GOOS", "linux"), ("GOARCH", "arm64")];
    check(&bin(&[]).join("cross/arm64"), &arm64, &["build"], "-ldflags=-buildid=");
    let flags = ["--platforms=@rules_go_direct//go/toolchain:linux_arm64"];
    bazel(&ports, &[&["build", "//:ports_test"], &flags[..]].concat());
    check(&bin(&flags).join("ports_test_/ports.test"), &arm64, &["test", "-c"], "-ldflags=-buildid=");

    let flags = ["--@rules_go_direct//go/config:strip"];
    bazel(&ports, &[&["build", "//:ports"], &flags[..]].concat());
    check(&bin(&flags).join("ports_/ports"), &[("GOOS", "linux"), ("GOARCH", "amd64")], &["build"], "-ldflags=-s -w -buildid=");
}
