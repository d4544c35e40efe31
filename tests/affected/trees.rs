//! Repositories that aren't plain, and trees that can't be compared: the answer is right, or there is none.

use std::fs;

use super::support::{Project, error};
use super::{affected, base, commit, git, git_command, run};

/// A commit on top, with a change of one package.
fn changed() -> Project {
    let project = base();
    project.edit("ext/ext.go", "uuid.Nil", "uuid.Max");
    project.edit("ext/ext.go", "uuid.Max", "uuid.NameSpaceDNS");
    commit(&project, "changed");
    project
}

const EXT: [&str; 3] = ["binary cmd/other", "package example.com/m/cmd/other", "package example.com/m/ext"];

fn names(project: &Project, arguments: &[&str]) -> Vec<String> {
    let found = affected(project, arguments).into_iter().filter(|(_, view)| view == "linux_amd64");
    found.map(|(target, _)| target).collect()
}

#[test]
fn commits_and_files_that_are_not_committed() {
    let project = changed();
    assert_eq!(names(&project, &["--base", "HEAD^", "--head", "HEAD"]), EXT);
    assert_eq!(names(&project, &["--base", "HEAD^"]), EXT);
    assert!(names(&project, &[]).is_empty());
    // Staged, not staged, untracked.
    project.edit("lib/x_test.go", "\"you\"", "\"him\"");
    git(&project, &["add", "-A"]);
    project.write("embedded/data/e.txt", "e\n");
    let more =
        ["binary cmd/tool", "package example.com/m/cmd/tool", "package example.com/m/embedded", "test example.com/m/lib"];
    assert_eq!(names(&project, &[]), more);
    assert!(names(&project, &["--head", "HEAD"]).is_empty());
}

#[test]
fn a_merge_base() {
    let project = changed();
    git(&project, &["checkout", "-q", "-b", "side", "HEAD^"]);
    project.edit("lib/x_test.go", "\"you\"", "\"him\"");
    commit(&project, "side");
    assert_eq!(names(&project, &["--base", "HEAD^", "--head", "HEAD"]), ["test example.com/m/lib"]);
    let main = git(&project, &["for-each-ref", "--format=%(refname:short)", "refs/heads"]);
    let main = main.lines().find(|name| *name != "side").unwrap().to_owned();
    assert_eq!(names(&project, &["--base", &main, "--merge-base"]), ["test example.com/m/lib"]);
    assert_eq!(names(&project, &["--base", &main]).len(), 4);
}

#[test]
fn a_directory_of_a_repository() {
    let whole = base();
    let outer = Project::in_directory(tempfile::tempdir().unwrap(), []).with_user_cache();
    fs::rename(whole.root(), outer.root().join("sub")).unwrap();
    fs::remove_dir_all(outer.root().join("sub/.git")).unwrap();
    git(&outer, &["init", "-q"]);
    commit(&outer, "base");
    outer.edit("sub/ext/ext.go", "uuid.Nil", "uuid.NameSpaceDNS");
    let ran = outer.run(&["-C", "sub", "affected", "--format", "packages"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    assert_eq!(ran.stdout, "example.com/m/cmd/other\nexample.com/m/ext\n");
}

#[test]
fn linked_worktrees_and_packed_and_bare_repositories() {
    let project = changed();
    git(&project, &["gc", "-q"]);
    assert_eq!(names(&project, &["--base", "HEAD^", "--head", "HEAD"]), EXT);
    let linked = Project::in_directory(tempfile::tempdir().unwrap(), []).with_user_cache();
    fs::remove_dir(linked.root()).unwrap();
    git(&project, &["worktree", "add", "-q", &linked.root().display().to_string(), "HEAD"]);
    assert_eq!(names(&linked, &["--base", "HEAD^"]), EXT);
    let bare = Project::in_directory(tempfile::tempdir().unwrap(), []).with_user_cache();
    git(&bare, &["clone", "-q", "--bare", &project.root().display().to_string(), "."]);
    assert_eq!(names(&bare, &["--base", "HEAD^", "--head", "HEAD"]), EXT);
    let wanted =
        error("the git repository is bare, so no files are checked out", "compare two commits: --base COMMIT --head COMMIT");
    bare.fails(&["affected", "--base", "HEAD^"], 2, &wanted);
}

#[test]
fn a_shallow_clone() {
    let project = changed();
    let shallow = Project::in_directory(tempfile::tempdir().unwrap(), []).with_user_cache();
    let url = format!("file://{}", project.root().display());
    git(&shallow, &["clone", "-q", "--depth=1", &url, "."]);
    let ran = run(&shallow, &["--base", "HEAD^"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
    assert!(ran.stderr.contains("help: the clone is shallow: `git fetch --unshallow`"), "{}", ran.stderr);
    let commit = git(&project, &["rev-parse", "HEAD^"]);
    git(&shallow, &["fetch", "-q", "--depth=1", "origin", &commit]);
    assert_eq!(names(&shallow, &["--base", &commit]), EXT);
    // Where the histories met isn't there.
    git(&project, &["checkout", "-q", "-b", "side", "HEAD^"]);
    super::commit(&project, "side");
    git(&project, &["checkout", "-q", "-b", "other", "HEAD^"]);
    super::commit(&project, "other");
    let side = git(&project, &["rev-parse", "side"]);
    let shallow = Project::in_directory(tempfile::tempdir().unwrap(), []).with_user_cache();
    git(&shallow, &["clone", "-q", "--depth=1", &url, "."]);
    git(&shallow, &["fetch", "-q", "--depth=1", "origin", &side]);
    let ran = run(&shallow, &["--base", &side, "--merge-base"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{}", ran.stderr);
}

#[test]
fn what_is_no_revision() {
    let project = base();
    let ran = run(&project, &["--base", "nowhere"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
    assert!(ran.stderr.starts_with("error: nowhere is not in this git repository: "), "{}", ran.stderr);
    let outside = Project::new(&[("godirect.star", "")]);
    let ran = run(&outside, &[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
    assert!(ran.stderr.starts_with("error: . is in no git repository: "), "{}", ran.stderr);
}

#[test]
fn sha256() {
    let project = base();
    fs::remove_dir_all(project.root().join(".git")).unwrap();
    git(&project, &["init", "-q", "--object-format=sha256"]);
    commit(&project, "base");
    assert!(names(&project, &[]).is_empty());
    project.edit("ext/ext.go", "uuid.Nil", "uuid.NameSpaceDNS");
    assert_eq!(names(&project, &[]), EXT);
    commit(&project, "changed");
    assert_eq!(names(&project, &["--base", "HEAD^", "--head", "HEAD"]), EXT);
}

#[test]
fn a_sparse_checkout() {
    let project = changed();
    git(&project, &["sparse-checkout", "set", "lib"]);
    let ran = run(&project, &["--base", "HEAD^"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
    assert!(ran.stderr.contains("sparse checkout"), "{}", ran.stderr);
    assert_eq!(names(&project, &["--base", "HEAD^", "--head", "HEAD"]), EXT);
}

#[test]
fn line_ends_that_git_converts() {
    let project = base();
    project.write(".gitattributes", "*.go text eol=crlf\n");
    commit(&project, "attributes");
    // Git writes the files anew.
    git(&project, &["rm", "-q", "--cached", "-r", "."]);
    git(&project, &["reset", "-q", "--hard"]);
    assert!(project.read("ext/ext.go").contains("\r\n"));
    assert!(names(&project, &[]).is_empty());
    // With other attributes, files are others; line ends alone mean nothing to the compiler.
    project.write(".gitattributes", "");
    let found = names(&project, &[]);
    assert!(found.contains(&"test example.com/m/lib".to_owned()) && !found.contains(&"package example.com/m/lib".to_owned()));
}

#[test]
fn a_submodule() {
    let (project, other) = (base(), changed());
    let url = other.root().display().to_string();
    git(&project, &["submodule", "add", "-q", &url, "third"]);
    commit(&project, "submodule");
    git(&project, &["-C", "third", "checkout", "-q", "HEAD^"]);
    commit(&project, "another commit of it");
    let ran = run(&project, &["--base", "HEAD^", "--head", "HEAD"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
    assert!(ran.stderr.starts_with("error: the submodule third has changed"), "{}", ran.stderr);
    // Also where whole directories come and go.
    git(&project, &["submodule", "--quiet", "add", &url, "deep/er/fourth"]);
    commit(&project, "one more");
    for ends in [["HEAD^", "HEAD"], ["HEAD", "HEAD^"]] {
        let ran = run(&project, &["--base", ends[0], "--head", ends[1]]);
        assert!(ran.stderr.starts_with("error: the submodule deep/er/fourth has changed"), "{}", ran.stderr);
    }
    git(&project, &["reset", "-q", "--hard", "HEAD^"]);
    git(&project, &["clean", "-qffdx"]);
    // Where they are the same, they don't matter.
    project.write("x.txt", "");
    commit(&project, "a file");
    assert!(names(&project, &["--base", "HEAD^", "--head", "HEAD"]).is_empty());
    git(&project, &["reset", "-q", "--hard", "HEAD^"]);
    // It is a module of its own.
    assert!(names(&project, &["--base", "HEAD^"]).is_empty());
}

#[test]
fn trees_that_can_not_be_understood() {
    for (path, text) in [("godirect.star", "go_sdk(\n"), ("godirect.lock.json", "{"), ("go.mod", "module\n")] {
        let project = base();
        project.write(path, text);
        let now = run(&project, &[]);
        commit(&project, "wrong");
        git(&project, &["checkout", "-q", "HEAD^", "--", "."]);
        let before = run(&project, &[]);
        for ran in [now, before] {
            assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{path}");
            assert!(ran.stderr.contains(path), "{path}: {}", ran.stderr);
        }
    }
}

#[test]
fn conflicts_and_removed_files_in_the_index() {
    let project = base();
    fs::remove_file(project.root().join("embedded/data/b.txt")).unwrap();
    let embedded = ["binary cmd/tool", "package example.com/m/cmd/tool", "package example.com/m/embedded"];
    assert_eq!(names(&project, &[]), embedded);
    git_command(&project.root(), &["rm", "-q", "--cached", "embedded/data/b.txt"]).status().unwrap();
    assert_eq!(names(&project, &[]), embedded);
}
