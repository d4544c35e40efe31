//! Tags of targets: what lists leave out, and what is in every answer.

use std::collections::BTreeMap;
use std::fs;

use super::support::Project;
use super::{answer, base, commit};

/// The repository with BUILD files that somebody has written.
fn tagged() -> Project {
    let project = base();
    project.write(
        "lib/BUILD.bazel",
        "go_test(\n    name = \"lib_test\",\n    srcs = [\"lib_test.go\"],\n    data = [\"//checks:made\"],\n)\n",
    );
    project.write(
        "checks/BUILD.bazel",
        "genrule(name = \"made\", srcs = [\"made.txt\"], outs = [\"out.txt\"])\n\n\
         sh_test(name = \"made_test\", srcs = [\"out.txt\"], tags = [\"manual\"])\n\n\
         sh_test(name = \"world_test\", tags = [\"always-affected\"])\n\n\
         sh_test(name = \"outside_test\", tags = [\"external\"])\n\n\
         test_suite(name = \"all_tests\")\n",
    );
    project.write("checks/made.txt", "1\n");
    commit(&project, "tagged");
    project
}

fn labels(project: &Project, arguments: &[&str]) -> Vec<String> {
    let text = project.succeeds(&[&["affected", "--format", "labels"], arguments].concat());
    text.lines().map(str::to_owned).collect()
}

#[test]
fn lists_have_what_wildcards_match() {
    let project = tagged();
    project.write("checks/made.txt", "2\n");
    // The suite's tests are there by themselves, as far as they are affected.
    assert_eq!(labels(&project, &[]), ["//checks:made", "//checks:world_test", "//lib:lib_test"]);
    assert_eq!(labels(&project, &["--kind", "test"]), ["//checks:world_test", "//lib:lib_test"]);
    let ran = super::run(&project, &["--truth", "bazel", "--explain", "--platform", "linux/amd64"]);
    let wanted = "test     //checks:all_tests\n           checks/made.txt changed → rule //checks:made → rule //checks:made_test → rule //checks:all_tests\n\
                  test     //checks:made_test  (manual)\n           checks/made.txt changed → rule //checks:made → rule //checks:made_test\n\
                  test     //checks:world_test  (always)\n           tagged always-affected\n\
                  test     example.com/m/lib\n           checks/made.txt changed → rule //checks:made → rule //lib:lib_test → test example.com/m/lib\n\
                  other    //checks:made\n           checks/made.txt changed → rule //checks:made\n\
                  affected 0 packages, 4 tests, 0 binaries, 1 other of 17 targets  TIME\n";
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), (wanted, ""));
    let answer = answer(&project, &["--truth", "bazel"]);
    let find =
        |name: &str| answer["affected"].as_array().unwrap().iter().find(|impact| impact["name"] == name).unwrap().clone();
    let made = find("//checks:made_test");
    assert_eq!(
        (&made["kind"], &made["rule"], &made["tags"]),
        (&"test".into(), &"sh_test".into(), &serde_json::json!(["manual"]))
    );
    assert_eq!(find("//checks:world_test")["status"], "always");
    assert!(find("example.com/m/lib").get("rule").is_none());
}

#[test]
fn other_tags_may_stand_for_what_always_counts() {
    let project = tagged();
    assert_eq!(labels(&project, &[]), ["//checks:world_test"]);
    assert_eq!(labels(&project, &["--always-affected", "external"]), ["//checks:outside_test"]);
    let both = ["--always-affected", "external", "--always-affected", "always-affected"];
    assert_eq!(labels(&project, &both), ["//checks:outside_test", "//checks:world_test"]);
    // For Go, BUILD files say nothing.
    assert_eq!(project.succeeds(&["affected", "--format", "directories"]), "");
}

/// Bazel's wildcards match a suite, and with it what that lists.
#[test]
fn what_a_suite_lists_is_not_left_out() {
    let project = tagged();
    project.edit("checks/BUILD.bazel", "\"all_tests\"", "\"all_tests\", tests = [\":made_test\"]");
    commit(&project, "suite");
    project.write("checks/made.txt", "2\n");
    let wanted = ["//checks:made", "//checks:made_test", "//checks:world_test", "//lib:lib_test"];
    assert_eq!(labels(&project, &[]), wanted);
}

/// A label that no rule has would be an error of Bazel's.
#[test]
fn labels_are_those_of_rules() {
    let project = base();
    let rule = |kind: &str, name: &str, more: &str| format!("{kind}(name = \"{name}\", {more})\n");
    let library = rule("go_library", "go_default_library", "importpath = \"example.com/m/lib\", srcs = [\"lib.go\"]");
    project.write("lib/BUILD.bazel", &(library + &rule("go_test", "go_default_test", "embed = [\":go_default_library\"]")));
    project.write("plat/BUILD.bazel", "load(\"@x//:x.bzl\", \"go\")\n\ngo(name = \"it\")\n");
    commit(&project, "named");
    project.edit("lib/lib.go", "Hello, ", "Hi, ");
    let of_lib = ["//cmd/tool", "//cmd/tool:tool_lib", "//lib:go_default_library", "//lib:go_default_test"];
    assert_eq!(labels(&project, &[]), of_lib);
    super::git(&project, &["checkout", "-q", "."]);
    project.edit("plat/plat.go", "{ return", "{ _ = 1; return");
    assert_eq!(labels(&project, &[]), ["//cmd/tool", "//cmd/tool:tool_lib", "//onlytest:onlytest_test", "//plat:all"]);
}

/// What the head doesn't have can't be built.
#[test]
fn files_of_patterns_have_nothing_that_is_gone_or_manual() {
    let project = tagged();
    fs::remove_dir_all(project.root().join("cmd/other")).unwrap();
    fs::remove_file(project.root().join("asm/asm_test.go")).unwrap();
    project.write("checks/made.txt", "2\n");
    project.edit("lib/x_test.go", "\"you\"", "\"him\"");
    project.succeeds(&["affected", "--build-file", "build", "--test-file", "test", "--format", "labels"]);
    assert_eq!(
        (project.read("build").as_str(), project.read("test").as_str()),
        ("//checks:made\n", "//checks:world_test\n//lib:lib_test\n")
    );
}

/// Without Bazel, a comment says the same.
#[test]
fn comments_tag_what_their_file_is_part_of() {
    let project = base();
    project.edit("asm/asm_test.go", "package asm\n", "package asm\n\n//godirect:tags always-affected slow\n");
    project.edit("lib/x_test.go", "package lib_test\n", "package lib_test\n\n//godirect:tags manual\n");
    project.edit("cmd/tool/main.go", "package main\n", "package main\n\n//godirect:tags manual\n");
    commit(&project, "tagged");
    let tags = |arguments: &[&str]| -> BTreeMap<String, String> {
        let answer = answer(&project, arguments);
        let pair = |impact: &serde_json::Value| {
            let tags = impact.get("tags").map(ToString::to_string).unwrap_or_default();
            (format!("{} {}", impact["kind"].as_str().unwrap(), impact["name"].as_str().unwrap()), tags)
        };
        answer["affected"].as_array().unwrap().iter().map(pair).collect()
    };
    let wanted = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(name, tags)| ((*name).to_owned(), (*tags).to_owned())).collect()
    };
    let always = ("test example.com/m/asm", "[\"always-affected\",\"slow\"]");
    assert_eq!(tags(&[]), wanted(&[always]));
    project.edit("lib/lib.go", "Hello, ", "Hi, ");
    let all = [
        always,
        ("package example.com/m/lib", ""),
        ("test example.com/m/lib", "[\"manual\"]"),
        ("package example.com/m/cmd/tool", "[\"manual\"]"),
        ("binary tool", "[\"manual\"]"),
    ];
    assert_eq!(tags(&[]), wanted(&all));
    assert_eq!(project.succeeds(&["affected", "--format", "packages"]), "example.com/m/asm\nexample.com/m/lib\n");
    assert_eq!(labels(&project, &["--truth", "go"]), ["//asm:asm_test", "//lib"]);
}
