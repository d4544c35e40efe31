//! A listing that was made before is printed again as long as nothing has changed that decides about it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use super::repository;
use crate::support::{Project, Ran, cache_with_sdk};

/// Younger files prove nothing by their times.
const YOUNG: Duration = Duration::from_millis(2100);

const FILES: [(&str, &str); 7] = [
    ("a/a.go", "package a\n\nimport _ \"embed\"\n\n//go:embed text\nvar text string\n"),
    ("a/text", ""),
    ("a/a_test.go", "package a\n"),
    ("b/b.go", "package b\n\nimport _ \"example.com/hello/a\"\n"),
    ("b/broken.go", "package b\n\nimport _ \"example.com/hello/none\"\n"),
    ("other/README", ""),
    ("testdata/t.go", "package t\n"),
];

const LIST: [&str; 4] = ["list", "--deps", "--json", "./..."];

/// A repository with a cache of its own, whose spec prints when it is evaluated.
fn printing() -> Project {
    let project = repository(&FILES);
    let cache = cache_with_sdk(&project.path("cache"));
    let project = project.env("GODIRECT_CACHE", cache.display());
    symlink("a.go", project.root().join("a/link.go")).unwrap();
    project.edit("godirect.star", "nix()", "nix()\n\nprint(\"evaluated\")");
    project
}

/// What a run says, but for whether the spec was evaluated, and that.
fn said(ran: &Ran) -> ((Option<i32>, &str, String), bool) {
    let evaluated = ran.stderr.contains("evaluated");
    let stderr = ran.stderr.lines().filter(|line| !line.contains("evaluated")).map(|line| format!("{line}\n")).collect();
    ((ran.code, &ran.stdout, stderr), evaluated)
}

fn memos(project: &Project) -> Vec<PathBuf> {
    let memos = fs::read_dir(project.path("cache/memo")).into_iter().flatten();
    memos.map(|entry| entry.unwrap().path()).collect()
}

/// Lists twice, the second time from memory.
#[track_caller]
fn remember(project: &Project) -> Ran {
    let (first, second) = (project.run(&LIST), project.run(&LIST));
    assert_eq!((said(&first).0, said(&second)), (said(&second).0, (said(&first).0, false)));
    assert_eq!(first.code, Some(1), "something is wrong with package b: {first:?}");
    assert!(first.stderr.contains("b/broken.go:3:8"), "{first:?}");
    assert_eq!(memos(project).len(), 1);
    second
}

/// The list that is made without memory, which must be what memory leads to.
#[track_caller]
fn is_made_anew(project: &Project, what: &str) {
    let ran = project.run(&LIST);
    let (said_now, evaluated) = said(&ran);
    assert!(evaluated, "{what}: nothing was looked at");
    fs::remove_dir_all(project.path("cache/memo")).unwrap();
    assert_eq!(said_now, said(&project.run(&LIST)).0, "{what}");
}

type Change = (&'static str, fn(&Path));

fn replace(path: PathBuf, text: &str) {
    assert!(path.exists());
    fs::write(path, text).unwrap();
}

/// All but the last two change what is listed.
const CHANGES: [Change; 14] = [
    ("an import", |root| replace(root.join("a/a.go"), "package a\n\nimport _ \"os\"\n")),
    ("a file is added", |root| fs::write(root.join("a/new.go"), "package a\n").unwrap()),
    ("a file is removed", |root| fs::remove_file(root.join("b/broken.go")).unwrap()),
    ("a file is renamed", |root| fs::rename(root.join("b/b.go"), root.join("b/c.go")).unwrap()),
    ("a package is added", |root| {
        fs::create_dir(root.join("none")).unwrap();
        fs::write(root.join("none/none.go"), "package none\n").unwrap();
    }),
    ("an empty directory gets a package", |root| fs::write(root.join("other/other.go"), "package other\n").unwrap()),
    ("a directory becomes a module", |root| fs::write(root.join("a/go.mod"), "module a\n").unwrap()),
    ("an embedded file is removed", |root| fs::remove_file(root.join("a/text")).unwrap()),
    ("a link leads elsewhere", |root| {
        fs::remove_file(root.join("a/link.go")).unwrap();
        symlink("../b/b.go", root.join("a/link.go")).unwrap();
    }),
    ("go.mod", |root| {
        let text = fs::read_to_string(root.join("go.mod")).unwrap();
        replace(root.join("go.mod"), &format!("{text}\nignore ./a\n"));
    }),
    ("a test", |root| replace(root.join("a/a_test.go"), "package a\n\nimport _ \"net/http\"\n")),
    ("the spec's tags", |root| {
        let text = fs::read_to_string(root.join("godirect.star")).unwrap();
        replace(root.join("godirect.star"), &format!("{text}profile(\"default\", tags = [\"purego\"])\n"));
    }),
    ("space in the lock", |root| {
        let text = fs::read_to_string(root.join("godirect.lock.json")).unwrap();
        replace(root.join("godirect.lock.json"), &format!("{text}\n"));
    }),
    ("the body of a function", |root| replace(root.join("a/link.go"), "package a\n\nimport _ \"embed\"\n\nfunc F() {}\n")),
];

#[test]
fn a_list_is_made_once_and_again_when_anything_changes() {
    let projects: Vec<(Project, &Change)> = CHANGES.iter().map(|change| (printing(), change)).collect();
    sleep(YOUNG);
    for (project, (what, change)) in &projects {
        remember(project);
        change(&project.root());
        is_made_anew(project, what);
    }
}

#[test]
fn each_question_has_its_own_answer() {
    let project = printing();
    sleep(YOUNG);
    remember(&project);
    let questions: [&[&str]; 6] = [
        &["list", "./..."],
        &["list", "--deps", "--json", "./a"],
        &["list", "--deps", "--json=ImportPath,Deps", "./..."],
        &["list", "--deps", "--json", "--platform", "windows/amd64", "./..."],
        &["list", "-e", "--deps", "--test", "--json", "./..."],
        &["list", "a/a.go"],
    ];
    for question in questions {
        let (first, second) = (project.run(question), project.run(question));
        assert!(said(&first).1, "{question:?}");
        assert_eq!(said(&second), (said(&first).0, false), "{question:?}");
    }
}

#[test]
fn young_files_are_not_remembered() {
    let project = printing();
    for _ in 0..2 {
        assert!(said(&project.run(&LIST)).1);
    }
    assert_eq!(memos(&project), [] as [PathBuf; 0]);
}

#[test]
fn a_damaged_answer_is_none() {
    let project = printing();
    sleep(YOUNG);
    let wanted = remember(&project);
    let [path] = &memos(&project)[..] else { unreachable!("one list is remembered") };
    let whole = fs::read(path).unwrap();
    for at in (0..whole.len()).step_by(whole.len() / 7) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        for content in [&damaged[..], &whole[..at]] {
            fs::write(path, content).unwrap();
            let ran = project.run(&LIST);
            assert_eq!(said(&ran), (said(&wanted).0, true), "byte {at}");
        }
    }
    // The SDK is another one, or gone.
    fs::write(path, &whole).unwrap();
    let sdk = project.path("cache/sdk");
    let moved = project.path("elsewhere");
    fs::rename(&sdk, &moved).unwrap();
    let ran = project.run(&["list", "--deps", "--json", "./..."]);
    assert!(ran.stderr.contains("evaluated"), "{ran:?}");
}
