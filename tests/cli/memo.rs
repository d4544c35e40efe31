//! What `lock` remembers of a run that had nothing to do: it saves work, and never says anything else than the work would.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::support::registry::{Registry, project, small_sdk};
use crate::support::{GODIRECT, Project, Ran};

const FRESH: &str = "fresh    godirect.lock.json\n";

/// A locked repository with a file of every kind that `lock` reads. Its spec prints when it is evaluated, and not when it is remembered.
fn locked() -> (Registry, Project) {
    let mut registry = Registry::new();
    registry.publish_packages("a.example/a@v1.0.0", &["", "sub"]);
    let project = project(&registry, &["a.example/a@v1.0.0", "b.example/b@v1.0.0"], &["a.example/a", "b.example/b"]);
    project.write("b/go.mod", "module b.example/b\n\ngo 1.27\n");
    project.write("b/b.go", "package b\n");
    project.write("inner/inner.go", "package inner\n");
    project.edit("go.mod", "toolchain", "replace b.example/b => ./b\n\ntoolchain");
    project.write("tags.star", "TAGS = [\"one\"]\n");
    let spec = format!(
        "load(\":tags.star\", \"TAGS\")\n{}platforms(\"linux/amd64\")\nprofile(\"default\", tags = TAGS)\n",
        small_sdk()
    );
    project.write("godirect.star", &format!("{spec}print(\"evaluated\")\n"));
    let ran = project.run(&["lock"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    (registry, project)
}

/// Whether the spec was evaluated for it; all else that is said must be the same either way.
#[track_caller]
fn is_remembered(ran: &Ran) -> bool {
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), FRESH), "{ran:?}");
    assert!(ran.stderr.is_empty() || ran.stderr.contains("evaluated"), "{ran:?}");
    ran.stderr.is_empty()
}

fn memo(project: &Project) -> PathBuf {
    let entries: Vec<PathBuf> = fs::read_dir(project.path("cache/memo")).unwrap().map(|e| e.unwrap().path()).collect();
    let [memo] = &entries[..] else { panic!("one memo: {entries:?}") };
    memo.clone()
}

#[test]
fn nothing_is_done_twice() {
    let (_registry, project) = locked();
    let json = |ran: Ran| serde_json::from_str::<serde_json::Value>(&ran.stdout).unwrap();
    let first = json(project.run(&["lock", "--json"]));
    assert!(is_remembered(&project.run(&["lock"])));
    assert!(is_remembered(&project.run(&["lock", "--check"])));
    assert_eq!(json(project.run(&["lock", "--json"])), first);
    fs::remove_dir_all(project.path("cache/memo")).unwrap();
    assert_eq!(json(project.run(&["lock", "--json", "--check"])), first);
    assert!(!project.path("cache/memo").exists(), "`--check` writes nothing");
    assert!(!is_remembered(&project.run(&["lock"])));
    assert!(is_remembered(&project.run(&["lock"])));
}

#[test]
fn every_file_counts() {
    let (_registry, project) = locked();
    // Each edit is made within the same second, and makes no difference to the lock.
    for (file, from, to) in [
        ("godirect.star", "evaluated\")", "evaluated\") "),
        ("tags.star", "one", "two"),
        ("go.mod", "\n\ntoolchain", "\n\n\ntoolchain"),
        ("go.sum", "\n", "\n\n"),
        ("b/go.mod", "\n\n", "\n\n\n"),
        ("b/b.go", "package b\n", "package b;"),
        ("main.go", "package main\n", "package main;"),
        ("inner/inner.go", "inner\n", "outer\n"),
    ] {
        assert!(is_remembered(&project.run(&["lock"])), "{file}");
        let text = project.read(file);
        project.write(file, &text.replacen(from, to, 1));
        assert!(!is_remembered(&project.run(&["lock", "--check"])), "{file}");
        assert!(!is_remembered(&project.run(&["lock"])), "{file}");
        project.write(file, &text);
        assert!(!is_remembered(&project.run(&["lock"])), "{file}");
    }
}

#[test]
fn what_appears_and_disappears_counts() {
    let (_registry, project) = locked();
    for file in ["readme", "new.go", "fresh/new.go", "inner/1.txt", "b/x_test.go"] {
        assert!(is_remembered(&project.run(&["lock"])), "{file}");
        project.write(file, if file.ends_with(".go") { "package main\n" } else { "" });
        let check = project.run(&["lock", "--check"]);
        assert!(check.stderr.starts_with("evaluated\n"), "{file}: {check:?}");
        let place = project.root().join(file);
        fs::remove_file(&place).unwrap();
        if file.starts_with("fresh") {
            fs::remove_dir(place.parent().unwrap()).unwrap();
        }
        assert!(is_remembered(&project.run(&["lock"])), "as it was: {file}");
    }
}

#[test]
fn staleness_is_seen() {
    let (_registry, project) = locked();
    assert!(is_remembered(&project.run(&["lock"])));
    project.edit("main.go", "\"a.example/a\"", "\"a.example/a/sub\"");
    let check = project.run(&["lock", "--check"]);
    assert_eq!(check.code, Some(1), "{check:?}");
    let lock = project.read("godirect.lock.json");
    project.write("godirect.lock.json", &lock.replace("\"platforms\"", " \"platforms\""));
    project.edit("main.go", "\"a.example/a/sub\"", "\"a.example/a\"");
    assert_eq!(project.run(&["lock", "--check"]).code, Some(1), "the lock is another one");
    project.write("godirect.lock.json", &lock);
    assert!(is_remembered(&project.run(&["lock", "--check"])));
    fs::remove_file(project.root().join("godirect.lock.json")).unwrap();
    assert_eq!(project.run(&["lock", "--check"]).code, Some(1));
}

#[test]
fn damage_is_as_good_as_nothing() {
    let (_registry, project) = locked();
    let path = memo(&project);
    let whole = fs::read(&path).unwrap();
    let damaged = |content: &[u8]| {
        fs::write(&path, content).unwrap();
        assert!(!is_remembered(&project.run(&["lock"])));
        assert!(is_remembered(&project.run(&["lock"])), "it is written anew");
    };
    damaged(b"");
    damaged(b"{}");
    damaged(&whole[..whole.len() - 1]);
    damaged(&whole[..whole.len() / 2]);
    for at in (0..whole.len()).step_by(whole.len() / 8) {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        damaged(&flipped);
    }
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(!is_remembered(&project.run(&["lock"])));
}

#[test]
fn another_maker_is_another_memo() {
    let (_registry, project) = locked();
    assert!(is_remembered(&project.run(&["lock"])));
    // Proofs count by the database's key.
    let database = "PeterNeumann+c74f06f7+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW https://sum.example";
    let with_key = || project.ran(project.command(&["lock"]).env("GOSUMDB", database).output().unwrap());
    assert!(!is_remembered(&with_key()));
    assert!(is_remembered(&with_key()));
    // Another program, be it of the same version.
    let program = project.path("other-godirect");
    fs::copy(GODIRECT, &program).unwrap();
    let same = project.command(&["lock"]);
    let other = || {
        let mut command = Command::new(&program);
        command.arg("lock").current_dir(project.root()).env_clear();
        command.envs(same.get_envs().filter_map(|(name, value)| Some((name, value?))));
        project.ran(command.output().unwrap())
    };
    assert!(!is_remembered(&other()));
    assert!(is_remembered(&other()));
}

#[test]
fn many_at_once() {
    let (_registry, project) = locked();
    fs::remove_file(memo(&project)).unwrap();
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..8).map(|_| scope.spawn(|| project.run(&["lock"]))).collect();
        runs.into_iter().for_each(|run| _ = is_remembered(&run.join().unwrap()));
    });
    assert!(is_remembered(&project.run(&["lock"])));
    memo(&project);
}

/// Whatever decides about generated files, or is one, and what is generated again after it changed.
#[test]
fn generated_files_are_remembered_while_all_is_the_same() {
    let project = Project::example("01-hello");
    let spec = project.read("godirect.star");
    project.write("godirect.star", &format!("{spec}print(\"evaluated\")\n"));
    let generate = || project.run(&["generate"]);
    let is_remembered = |what: &str| {
        let ran = generate();
        assert!(ran.code == Some(0) && ran.stdout.starts_with("fresh    1"), "{what}: {ran:?}");
        ran.stderr.is_empty()
    };
    assert!(!is_remembered("first") && is_remembered("second"));
    assert_eq!(project.run(&["generate", "--check"]).stderr, "");
    let change = |what: &str, change: &dyn Fn(), expected: &str| {
        change();
        let ran = generate();
        assert!(ran.stdout.contains(expected) && ran.stderr.contains("evaluated"), "{what}: {ran:?}");
        // At once, if everything is as it was before the change.
        is_remembered(what);
        assert!(is_remembered(what), "{what}");
    };
    let remove = |path: &str| fs::remove_file(project.root().join(path)).unwrap();
    change("a rule", &|| project.edit("BUILD.bazel", "std_imports = [", "std_imports = [\"x\", "), "wrote    BUILD.bazel");
    change("a file of Nix", &|| remove("nix/symlinks.nix"), "wrote    nix/symlinks.nix");
    change("an edit of one", &|| project.edit("nix/plan.json", "\"version\": 2", "\"version\": 3"), "wrote    nix/plan.json");
    change(
        "MODULE.bazel",
        &|| project.edit("MODULE.bazel", "register_toolchains(", "register_toolchain("),
        "wrote    MODULE.bazel",
    );
    change("an import", &|| project.edit("main.go", "\"fmt\"", "\"fmt\"\n\t_ \"os\""), "wrote    BUILD.bazel");
    change("a package", &|| project.write("sub/sub.go", "package sub\n"), "wrote    sub/BUILD.bazel");
    change("none", &|| remove("sub/sub.go"), "removed  sub/BUILD.bazel");
    // What a person writes is no change of what is generated.
    project.write("BUILD.bazel", &(project.read("BUILD.bazel") + "\n# A comment.\n"));
    assert!(!is_remembered("a comment") && is_remembered("a comment"));
    // A file of an output that isn't asked for any more.
    let github = ".github/workflows/godirect.yml";
    change("a leftover", &|| project.write(github, "# @generated by godirect generate\n"), &format!("removed  {github}"));
}
