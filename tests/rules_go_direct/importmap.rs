//! Packages that are compiled as something else than what importers write, beside the go command's vendored packages in GOPATH.

use std::fs;
use std::process::Command;

use super::engines::{self, bazel, repository, succeeded};

const VENDORED: &str = "example.com/app/vendor/example.com/dep";

#[test]
fn packages_of_one_import_path_are_linked_as_the_go_command_links_vendored_ones() {
    let (workspace, out) = (repository("tests/rules_go_direct/importmap"), tempfile::tempdir().unwrap());
    let gopath = workspace.display().to_string();
    let theirs = out.path().join("app");
    let mut command = engines::go_command(&engines::GOROOT, &workspace.join("src/example.com/app"), &[]);
    command.envs([("GO111MODULE", "off"), ("GOPATH", gopath.as_str())]).args(["build", "-trimpath", "-buildvcs=false"]);
    command.arg(format!("-ldflags=-buildid= -X {VENDORED}.Name=set")).arg("-o").arg(&theirs);
    succeeded("go build", &command.output().unwrap());
    let ours = engines::bazel_build(&workspace, "linux_amd64", "//src/example.com/app");
    assert!(fs::read(theirs).unwrap() == fs::read(&ours).unwrap(), "Bazel's binary differs from that of go build");
    let ran = Command::new(ours).output().unwrap();
    let expected = format!("vendored set {VENDORED}.Who {VENDORED}/dep.go\neverybody's dep\n");
    assert_eq!(succeeded("app", &ran), expected);

    // What is compiled again for tests, too.
    bazel(&workspace, &["test", &format!("//src/{VENDORED}:dep_test")]);
    engines::end_bazel(&workspace);
}
