//! `--verify`: what the program says of the go command's answer is what the go command says here.

use std::fs;

use super::engines::{go_command, succeeded};
use super::oracle::{cache, must, truth};
use super::support::{GOROOT, Project};
use super::{VIEWS, base, commit, run, target};

/// The module of the repository's spec.
const MODULE: &str = "example.com/m";

/// With the modules that the oracle has fetched.
fn project() -> Project {
    base().env("GOPATH", cache("go").display())
}

#[test]
fn the_go_command_is_asked_about_both_trees() {
    let project = project();
    let before = truth(&project, MODULE, &VIEWS, false);
    project.edit("ext/ext.go", "uuid.Nil", "uuid.NameSpaceDNS");
    project.edit("lib/x_test.go", "\"you\"", "\"him\"");
    let now = truth(&project, MODULE, &VIEWS, false);
    let differ = must(&before, &now);
    commit(&project, "changed");
    for head in [&["--head", "HEAD"][..], &[]] {
        let ran = run(&project, &[&["--base", "HEAD^", "--json", "--verify"], head].concat());
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let answer: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        for (verified, (view, _)) in answer["verified"].as_array().unwrap().iter().zip(VIEWS) {
            let of_view = differ.iter().filter(|(_, of)| of == view).count();
            let wanted = serde_json::json!({ "view": view, "differ": of_view, "missing": [], "more": 0 });
            assert_eq!(*verified, wanted);
        }
        // It is a part of the answer also when that is shown again.
        project.write("../answer.json", &ran.stdout);
        let again = run(&project, &["--answer", "../answer.json", "--json"]);
        assert_eq!((again.code, again.stdout, again.stderr), (Some(0), ran.stdout, ran.stderr));
    }
}

/// Go's own build ID of a binary is of all that its command is compiled from, also of what comes out the same; of other packages only of what
/// comes out.
#[test]
fn comments_count_where_they_are_in_build_ids() {
    let project = project();
    project.write(
        "godirect.star",
        "go_sdk(version = \"1.27.3\")\nplatforms(\"linux/amd64\")\nprofile(\"default\", buildid = \"go\")\n",
    );
    project.edit("cmd/tool/main.go", "package main", "package main // One.");
    project
        .write("cmd/tool/main_test.go", "package main // One.\n\nimport \"testing\"\n\nfunc TestTool(*testing.T) { main() }\n");
    commit(&project, "build IDs");
    let before = built(&project);
    for (path, from, to, expected) in [
        (
            "cmd/tool/main.go",
            "One",
            "Two",
            &["binary cmd/tool", "package example.com/m/cmd/tool", "test example.com/m/cmd/tool"][..],
        ),
        ("cmd/tool/main_test.go", "One", "Two", &["test example.com/m/cmd/tool"]),
        ("lib/lib.go", "A comment", "Another", &[]),
    ] {
        project.edit(path, from, to);
        let ran = run(&project, &["--json", "--verify"]);
        assert_eq!(ran.code, Some(0), "{path}: {}", ran.stderr);
        let answer: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        let mut found: Vec<String> = answer["affected"].as_array().unwrap().iter().map(target).collect();
        found.sort();
        assert_eq!(found, expected, "{path}");
        let differ = built(&project).iter().zip(&before).filter(|(now, before)| now != before).count();
        // What a package compiles to is the same.
        assert_eq!(differ, expected.iter().filter(|target| !target.starts_with("package")).count(), "{path}");
        assert_eq!(answer["verified"][0]["differ"], differ, "{path}");
        project.edit(path, to, from);
    }
}

/// The program and its test, as the go command builds them.
fn built(project: &Project) -> [Vec<u8>; 2] {
    [&["build"][..], &["test", "-c"]].map(|command| {
        let out = project.root().join("../built");
        let mut go = go_command(&GOROOT, &project.root(), &[]);
        go.args(command).args(["-trimpath", "-buildvcs=false", "-o"]).arg(&out).arg("./cmd/tool");
        succeeded("go", &go.output().unwrap());
        fs::read(out).unwrap()
    })
}

#[test]
fn lines_are_for_people() {
    let project = project();
    project.edit("lib/x_test.go", "\"you\"", "\"him\"");
    let ran = run(&project, &["--verify", "--format", "labels", "--platform", "linux/amd64"]);
    let wanted = "linux_amd64: 1 of the 1 targets that the go command tells apart, and 0 more\n";
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), "//lib:lib_test\n", wanted));
    // The answer is held against the go command before kinds are left out.
    let ran = run(&project, &["--verify", "--kind", "binary", "--platform", "linux/amd64"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), wanted));
}

#[test]
fn saved_states_have_no_files_to_look_at() {
    let project = project();
    project.succeeds(&["fingerprint", "--save", "base.json"]);
    let ran = run(&project, &["--base-state", "base.json", "--verify"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
    assert!(ran.stderr.contains("base.json has no files that the go command could look at"), "{}", ran.stderr);
}
