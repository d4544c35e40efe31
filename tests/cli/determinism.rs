//! What is written depends on nothing but spec, lock and sources.

use std::fs;
use std::path::Path;

use crate::support::{Project, Tree, read_tree, repository, write_tree};

const EXAMPLES: [&str; 2] = ["01-hello", "02-modules"];

/// Without what `generate` writes; nobody else has written into BUILD files here. Of MODULE.bazel only a section is generated; in the
/// examples it stands at the end.
fn written_by_people(tree: &Tree) -> Tree {
    let mut kept = Tree::new();
    for (path, content) in tree {
        let text = String::from_utf8(content.clone()).unwrap();
        match text.split_once("# godirect: begin") {
            Some((own, _)) => drop(kept.insert(path.clone(), own.trim_end().as_bytes().to_vec())),
            None if path.ends_with("BUILD.bazel") => {}
            None if text.lines().take(5).any(|line| line.contains("@generated")) => {}
            None => drop(kept.insert(path.clone(), content.clone())),
        }
    }
    assert!(kept.len() < tree.len());
    kept.into_iter()
        .map(|(path, text)| if path == "MODULE.bazel" { (path, [text, b"\n".to_vec()].concat()) } else { (path, text) })
        .collect()
}

#[track_caller]
fn same_trees(expected: &Tree, got: &Tree) {
    let names = |tree: &Tree| tree.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(expected), names(got));
    for (path, content) in expected {
        assert!(content == &got[path], "{path} differs");
    }
}

#[test]
fn examples_are_fresh_and_generated_again_to_the_byte() {
    for name in EXAMPLES {
        let committed = read_tree(&repository("examples").join(name));
        let project = Project::example(name);
        assert_eq!(project.succeeds(&["generate", "--check"]), "");
        project.succeeds(&["generate"]);
        same_trees(&committed, &read_tree(&project.root()));
    }
}

#[test]
fn neither_environment_nor_place_nor_order_of_files_matter() {
    for name in EXAMPLES {
        let committed = read_tree(&repository("examples").join(name));
        let sources = written_by_people(&committed);
        for (i, (variable, value)) in [
            ("TZ", "Pacific/Kiritimati"),
            ("LANG", "tr_TR.UTF-8"),
            ("LC_ALL", "C"),
            ("HOME", "/nonexistent"),
            ("RAYON_NUM_THREADS", "1"),
            ("RAYON_NUM_THREADS", "4"),
            ("SOURCE_DATE_EPOCH", "1"),
            ("TMPDIR", "/nonexistent"),
        ]
        .into_iter()
        .enumerate()
        {
            // Memory and disk list directories in different orders, and so do other names of the directory.
            let parent = if i % 2 == 0 && Path::new("/dev/shm").is_dir() { "/dev/shm".into() } else { std::env::temp_dir() };
            let directory = tempfile::Builder::new().prefix(&"deep ".repeat(i)).tempdir_in(parent).unwrap();
            let project = Project::in_directory(directory, Tree::new()).env(variable, value);
            if i % 2 == 0 {
                write_tree(&project.root(), &sources, sources.keys());
            } else {
                write_tree(&project.root(), &sources, sources.keys().rev());
            }
            project.succeeds(&["generate"]);
            same_trees(&committed, &read_tree(&project.root()));
            project.succeeds(&["generate"]);
            same_trees(&committed, &read_tree(&project.root()));
        }
    }
}

#[test]
fn the_lock_is_made_again_to_the_byte() {
    for name in EXAMPLES {
        let committed = fs::read_to_string(repository("examples").join(name).join("godirect.lock.json")).unwrap();
        for threads in ["1", "4"] {
            let project = Project::example(name).with_user_cache().env("RAYON_NUM_THREADS", threads);
            fs::remove_file(project.root().join("godirect.lock.json")).unwrap();
            project.succeeds(&["lock"]);
            assert!(project.read("godirect.lock.json") == committed, "{name} with {threads} threads");
        }
    }
}

#[test]
fn an_edit_is_shown_as_a_diff() {
    let project = Project::example("01-hello");
    let before = read_tree(&project.root());
    project.edit("main.go", "\t\"fmt\"\n", "\t\"fmt\"\n\t\"os\"\n");
    project.edit("main.go", "func main() {\n", "func main() {\n\t_ = os.Args\n");
    project.write("extra/extra.go", "package extra\n");
    let ran = project.run(&["generate", "--check"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), "3 files stale; `godirect generate` updates them\n"));
    let (bazel, plan) = ran.stdout.split_once("--- a/nix/plan.json\n").unwrap();
    crate::support::same(
        "--- a/BUILD.bazel\n\
         +++ b/BUILD.bazel\n\
         @@ -14,6 +14,7 @@\n\
         \x20    module = \"//:go_module\",\n\
         \x20    std_imports = [\n\
         \x20        \"fmt\",\n\
         +        \"os\",\n\
         \x20        \"runtime\",\n\
         \x20    ],\n\
         \x20    visibility = [\"//visibility:private\"],\n\
         --- /dev/null\n\
         +++ b/extra/BUILD.bazel\n\
         @@ -0,0 +1,10 @@\n\
         +load(\"@rules_go_direct//go:defs.bzl\", \"go_library\")\n\
         +\n\
         +go_library(\n\
         +    name = \"extra\",\n\
         +    srcs = [\"extra.go\"],\n\
         +    importpath = \"example.com/hello/extra\",\n\
         +    module = \"//:go_module\",\n\
         +    std_imports = [],\n\
         +    visibility = [\"//visibility:public\"],\n\
         +)\n",
        bazel,
    );
    // The plan's lines are long; that the diff is right shows when it is applied.
    let mut patch = std::process::Command::new("patch");
    patch.args(["-s", "-p1"]).current_dir(project.root()).stdin(std::process::Stdio::piped());
    let mut patch = patch.spawn().expect("patch is installed");
    std::io::Write::write_all(&mut patch.stdin.take().unwrap(), format!("--- a/nix/plan.json\n{plan}").as_bytes()).unwrap();
    assert!(patch.wait().unwrap().success());
    let patched = project.read("nix/plan.json");
    assert_eq!(
        project.succeeds(&["generate"]),
        "wrote    BUILD.bazel\nwrote    extra/BUILD.bazel\n         2 of 18 generated files  TIME\n"
    );
    assert!(patched == project.read("nix/plan.json"));
    // And back.
    write_tree(&project.root(), &before, ["main.go".to_owned()].iter());
    fs::remove_file(project.root().join("extra/extra.go")).unwrap();
    let written = project.succeeds(&["generate"]);
    assert_eq!(
        written,
        "wrote    BUILD.bazel\nremoved  extra/BUILD.bazel\nwrote    nix/plan.json\n         3 of 17 generated files  TIME\n"
    );
    same_trees(&before, &read_tree(&project.root()));
}

#[test]
fn a_binary_does_not_tell_where_it_was_built() {
    // Assembly in the module's root: the place where a source directory has no name within its module.
    let files = [
        ("godirect.star", "platforms(\"linux/amd64\")\n"),
        ("go.mod", "module example.com/asm\n\ngo 1.27\n\ntoolchain go1.27.3\n"),
        ("main.go", "package main\n\nfunc one() int\n\nfunc main() { println(one()) }\n"),
        ("one_amd64.s", "TEXT ·one(SB), 4, $0-8\n\tMOVQ $1, ret+0(FP)\n\tRET\n"),
    ];
    let build = || {
        let project = Project::new(&files).with_build_cache();
        project.write("godirect.lock.json", &fs::read_to_string(repository("examples/01-hello/godirect.lock.json")).unwrap());
        project.succeeds(&["build", "--platform", "linux/amd64"]);
        let binary = fs::read(project.root().join("godirect-out/linux_amd64/asm")).unwrap();
        let place = project.path("").display().to_string();
        assert!(!binary.windows(place.len()).any(|w| w == place.as_bytes()), "{place}");
        binary
    };
    assert!(build() == build());
}
