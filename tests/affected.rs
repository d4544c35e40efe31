//! `godirect affected` beside the pinned SDK: whatever has another build ID for `go list -export` must be in the answer.

#[path = "affected/agreement.rs"]
mod agreement;
#[path = "affected/aquery.rs"]
mod aquery;
#[path = "affected/changes.rs"]
mod changes;
#[path = "affected/configured.rs"]
mod configured;
#[path = "support/engines.rs"]
#[allow(dead_code)] // Other tests use the rest.
mod engines;
#[path = "affected/formats.rs"]
mod formats;
#[path = "affected/histories.rs"]
mod histories;
#[path = "affected/images.rs"]
mod images;
#[path = "affected/known.rs"]
mod known;
#[path = "affected/oracle.rs"]
mod oracle;
#[path = "affected/recorded.rs"]
mod recorded;
#[path = "affected/rows.rs"]
mod rows;
#[path = "affected/shadow.rs"]
mod shadow;
#[path = "support/cli.rs"]
#[allow(dead_code)]
mod support;
#[path = "affected/tags.rs"]
mod tags;
#[path = "affected/trees.rs"]
mod trees;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::{Project, Ran};

/// The platforms of the repository's spec.
const VIEWS: [(&str, &str); 2] = [("linux_amd64", "linux/amd64"), ("windows_amd64", "windows/amd64")];

/// Runs git in a project.
fn git(project: &Project, arguments: &[&str]) -> String {
    let output = git_command(&project.root(), arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "git {arguments:?}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout).trim_end().to_owned()
}

fn git_command(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    let identity = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "protocol.file.allow=always"];
    command.current_dir(directory).args(identity).args(arguments);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
    command
}

/// The repository of the rows, as its first commit.
fn base() -> Project {
    let files = support::read_tree(&support::repository("tests/affected/repo"));
    let project = Project::in_directory(tempfile::tempdir().unwrap(), files).with_user_cache();
    git(&project, &["init", "-q"]);
    commit(&project, "base");
    project
}

fn commit(project: &Project, message: &str) {
    git(project, &["add", "-A"]);
    git(project, &["commit", "-q", "--allow-empty", "-m", message]);
}

/// What the program says, as JSON.
fn answer(project: &Project, arguments: &[&str]) -> Value {
    let ran = run(project, &[arguments, &["--json"]].concat());
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    serde_json::from_str(&ran.stdout).unwrap()
}

/// What is affected, as `kind name` (of a binary its directory), with its view.
fn affected(project: &Project, arguments: &[&str]) -> BTreeSet<(String, String)> {
    targets(&answer(project, arguments))
}

/// The same, of an answer.
fn targets(answer: &Value) -> BTreeSet<(String, String)> {
    targets_by(answer, target)
}

/// The name of a target in an answer: its kind, and what the go command calls it.
fn target(impact: &Value) -> String {
    let kind = impact["kind"].as_str().unwrap();
    // The go command knows binaries by their packages.
    let name = if kind == "binary" { &impact["directory"] } else { &impact["name"] };
    format!("{kind} {}", name.as_str().unwrap())
}

/// The targets of an answer with their views, by other names.
fn targets_by(answer: &Value, name: fn(&Value) -> String) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for impact in answer["affected"].as_array().unwrap() {
        for view in impact["views"].as_array().unwrap() {
            found.insert((name(impact), view.as_str().unwrap().to_owned()));
        }
    }
    assert_eq!(answer["nothing"], found.is_empty());
    found
}

fn run(project: &Project, arguments: &[&str]) -> Ran {
    project.run(&[&["affected"], arguments].concat())
}

/// Puts a symbolic link in the place of a file.
fn link(project: &Project, to: &str, path: &str) {
    let path = project.root().join(path);
    let _ = fs::remove_file(&path);
    std::os::unix::fs::symlink(to, path).unwrap();
}
