//! How BUILD files are merged: `tests/golden/build_files/<case>` has what is there (`in`), and what `godirect generate` makes of it (`out`).
//!
//! `UPDATE_GOLDEN=1 cargo test --test build_files` writes `out` anew; read the diff.

#[path = "build_files/random.rs"]
mod random;
#[path = "support/cli.rs"]
#[allow(dead_code, reason = "shared with tests that need more of it")]
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use support::{GODIRECT, Tree, provisioned, read_tree, repository, write_tree};

/// What a case has that doesn't say otherwise.
const GO_MOD: &str = "module example.com/repo\n\ngo 1.27\n\ntoolchain go1.27.3\n";
const SPEC: &str = "platforms(\"linux/amd64\", \"linux/arm64\")\n\nbazel()\n";

fn cases() -> Vec<PathBuf> {
    let entries = fs::read_dir(repository("tests/golden/build_files")).unwrap();
    let mut cases: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    cases
}

/// Adds go.mod, spec and lock, whose SDK is that of the examples.
fn complete(root: &Path, tree: &Tree) {
    let has_modules = tree.get("go.mod").is_some_and(|text| String::from_utf8_lossy(text).contains("require"));
    let example = repository(if has_modules { "examples/02-modules" } else { "examples/01-hello" });
    for name in ["godirect.lock.json", "go.sum"].iter().filter(|name| example.join(name).exists()) {
        fs::copy(example.join(name), root.join(name)).unwrap();
    }
    for (name, text) in [("go.mod", GO_MOD), ("godirect.star", SPEC)] {
        let is_said = tree.contains_key(name) || name == "go.mod" && tree.contains_key("go.work");
        if !is_said {
            fs::write(root.join(name), text).unwrap();
        }
    }
}

/// A run that remembers nothing of those before.
fn run(root: &Path, arguments: &[&str]) -> Output {
    let cache = tempfile::tempdir().unwrap();
    let mut command = Command::new(GODIRECT);
    command.arg("-C").arg(root).args(arguments).env_clear().env("HOME", root).env("GODIRECT_CACHE", cache.path());
    command.output().unwrap()
}

fn is_build_file(path: &str) -> bool {
    matches!(path.rsplit('/').next(), Some("BUILD" | "BUILD.bazel"))
}

/// What a case is about: BUILD files, MODULE.bazel where the case has one, and what was said.
fn results(root: &Path, input: &Tree, output: &Output) -> Tree {
    let mut tree = read_tree(root);
    tree.retain(|path, _| is_build_file(path) || path == "MODULE.bazel" && input.contains_key(path));
    let said = String::from_utf8_lossy(&output.stderr).replace(&format!("{}/", root.display()), "");
    if !said.is_empty() {
        tree.insert("stderr".to_owned(), said.into_bytes());
    }
    let printed = String::from_utf8_lossy(&output.stdout);
    let notes: String = printed.lines().filter(|line| line.starts_with("fixed")).map(|line| format!("{line}\n")).collect();
    if !notes.is_empty() {
        tree.insert("stdout".to_owned(), notes.replace(&format!("{}/", root.display()), "").into_bytes());
    }
    if let Some(code) = output.status.code().filter(|code| *code != 0) {
        tree.insert("exit".to_owned(), format!("{code}\n").into_bytes());
    }
    tree
}

fn shown(tree: &Tree) -> String {
    tree.iter().map(|(path, text)| format!("==> {path} <==\n{}\n", String::from_utf8_lossy(text))).collect()
}

#[test]
fn golden() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = Vec::new();
    for case in cases() {
        let name = case.file_name().unwrap().to_str().unwrap().to_owned();
        let input = read_tree(&case.join("in"));
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        write_tree(root, &input, input.keys());
        complete(root, &input);
        let command = fs::read_to_string(case.join("command")).unwrap_or_else(|_| "generate".to_owned());
        let arguments: Vec<&str> = command.split_whitespace().collect();
        let first = run(root, &arguments);
        let found = results(root, &input, &first);
        let after = read_tree(root);
        run(root, &arguments);
        if read_tree(root) != after {
            wrong.push(format!("{name}: a second run makes something else\n{}", shown(&results(root, &input, &first))));
        }
        if update {
            let _ = fs::remove_dir_all(case.join("out"));
            write_tree(&case.join("out"), &found, found.keys());
        } else if found != read_tree(&case.join("out")) {
            wrong.push(format!("{name}:\n{}", shown(&found)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_case_says_what_it_shows() {
    for case in cases() {
        let readme = fs::read_to_string(case.join("README.md")).unwrap();
        assert!(readme.trim().ends_with('.') && readme.lines().count() == 1, "{}", case.display());
    }
}

/// The files that buildifier would format otherwise.
fn unformatted(files: &[PathBuf]) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for some in files.chunks(50) {
        let output =
            Command::new(provisioned("buildifier.sh")).args(["-mode=check", "-type=build"]).args(some).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        found.extend(some.iter().filter(|file| text.contains(&format!("{} ", file.display()))).cloned());
        assert!(output.status.success() || !text.is_empty());
    }
    found
}

#[test]
fn what_was_formatted_stays_formatted() {
    let mut before = Vec::new();
    let mut pairs = Vec::new();
    for case in cases() {
        for path in read_tree(&case.join("out")).keys().filter(|path| is_build_file(path)) {
            let (old, new) = (case.join("in").join(path), case.join("out").join(path));
            before.extend(old.exists().then(|| old.clone()));
            pairs.push((old, new));
        }
    }
    let odd = unformatted(&before);
    let new: Vec<PathBuf> = pairs.iter().filter(|(old, _)| !odd.contains(old)).map(|(_, new)| new.clone()).collect();
    assert!(new.len() > 60 && !odd.is_empty() && odd.len() < 20, "{} {odd:#?}", new.len());
    assert_eq!(unformatted(&new), BTreeSet::new());
}

/// A repository with one package in `a`.
fn small() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let tree = Tree::from([("a/a.go".to_owned(), b"package a\n".to_vec())]);
    write_tree(directory.path(), &tree, tree.keys());
    complete(directory.path(), &tree);
    directory
}

#[test]
fn links_are_left_alone() {
    let directory = small();
    let root = directory.path();
    fs::write(root.join("elsewhere"), "# mine\n").unwrap();
    std::os::unix::fs::symlink("../elsewhere", root.join("a/BUILD.bazel")).unwrap();
    let output = run(root, &["generate"]);
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("a/BUILD.bazel is a symbolic link, so it is left as it is"), "{error}");
    assert_eq!(fs::read_to_string(root.join("elsewhere")).unwrap(), "# mine\n");
    assert!(root.join("BUILD.bazel").exists(), "the others are written");
    fs::write(root.join("elsewhere"), "# gazelle:ignore\n").unwrap();
    assert!(run(root, &["generate"]).status.success());
    fs::remove_file(root.join("elsewhere")).unwrap();
    let output = run(root, &["generate"]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("is a symbolic link that leads nowhere"));
}

#[test]
fn files_that_cannot_be_read() {
    let directory = small();
    let root = directory.path();
    // Root may read everything, so the text is what can't be read.
    fs::write(root.join("a/BUILD.bazel"), b"# \xff\n").unwrap();
    let output = run(root, &["generate"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("a/BUILD.bazel"), "{output:?}");
    assert_eq!(fs::read(root.join("a/BUILD.bazel")).unwrap(), b"# \xff\n");
    assert!(root.join("BUILD.bazel").exists(), "the others are written");
}

#[test]
fn a_directory_with_the_name_of_a_file() {
    let directory = small();
    fs::create_dir(directory.path().join("a/BUILD")).unwrap();
    assert!(run(directory.path(), &["generate"]).status.success());
    assert!(directory.path().join("a/BUILD.bazel").is_file());
}
