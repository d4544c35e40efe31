//! What CI systems read, whole; fingerprints, and states that were saved.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use super::support::{Project, error};
use super::{base, commit, run};

/// A commit on top that touches a package, its program and a test.
fn changed() -> Project {
    let project = base();
    project.edit("ext/ext.go", "uuid.Nil", "uuid.NameSpaceDNS");
    project.edit("lib/x_test.go", "\"you\"", "\"him\"");
    commit(&project, "changed");
    project
}

#[test]
fn each_format_has_all_targets() {
    let project = changed();
    for (format, wanted) in [
        ("labels", "//cmd/other\n//cmd/other:other_lib\n//ext\n//lib:lib_test\n"),
        ("packages", "example.com/m/cmd/other\nexample.com/m/ext\nexample.com/m/lib\n"),
        ("nix", "other-linux_amd64\nother-windows_amd64\n"),
        ("directories", "./cmd/other\n./ext\n./lib\n"),
        (
            "gitlab",
            "{\n  \"affected 1/2\": {\n    \"extends\": \".affected\",\n    \"variables\": {\n      \"AFFECTED_LABELS\": \"//cmd/other //cmd/other:other_lib //lib:lib_test\",\n      \
             \"AFFECTED_PACKAGES\": \"./cmd/other ./lib\"\n    }\n  },\n  \"affected 2/2\": {\n    \"extends\": \".affected\",\n    \"variables\": {\n      \"AFFECTED_LABELS\": \"//ext\",\n      \
             \"AFFECTED_PACKAGES\": \"./ext\"\n    }\n  }\n}\n",
        ),
        (
            "github",
            "{\"include\": [{\"shard\": \"1/2\",\"packages\": \"./cmd/other ./lib\",\"labels\": \"//cmd/other //cmd/other:other_lib //lib:lib_test\"},\
             {\"shard\": \"2/2\",\"packages\": \"./ext\",\"labels\": \"//ext\"}]}\n",
        ),
    ] {
        let arguments = ["affected", "--base", "HEAD^", "--head", "HEAD", "--format", format, "--shards", "2"];
        assert_eq!(project.succeeds(&arguments), wanted, "{format}");
    }
    let none = |format| project.succeeds(&["affected", "--base", "HEAD", "--head", "HEAD", "--format", format]);
    assert_eq!(none("labels"), "");
    assert_eq!(none("github"), "{\"include\": []}\n");
    assert_eq!(none("gitlab"), "{\n  \"nothing affected\": {\n    \"script\": [\n      \"true\"\n    ]\n  }\n}\n");
    assert_eq!(none("buildkite"), "{\n  \"steps\": []\n}\n");
}

#[test]
fn text_says_why_and_the_exit_code_whether() {
    let project = changed();
    let arguments = ["--base", "HEAD^", "--head", "HEAD", "--kind", "binary", "--explain", "--exit-code"];
    let ran = run(&project, &arguments);
    let wanted = "binary   other\n           ext/ext.go changed → example.com/m/ext → example.com/m/cmd/other → binary other\n\
                  affected 0 packages, 0 tests, 1 binary of 12 targets  TIME\n";
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(1), wanted, ""));
    let ran = run(&project, &["--exit-code"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "affected nothing of 12 targets  TIME\n"));
}

#[test]
fn an_answer_is_shown_again_in_another_way() {
    let project = changed();
    let question = ["affected", "--base", "HEAD^", "--head", "HEAD"];
    let json = project.succeeds(&[&question[..], &["--json"]].concat());
    project.write("answer.json", &json);
    let asked = |more: &[&str]| project.succeeds(&[&question[..], more].concat());
    let ways = [["--format", "dot"], ["--format", "github"], ["--kind", "test"], ["--explain", "other"]];
    let wanted = ways.map(|way| asked(&way));
    std::fs::remove_dir_all(project.root().join(".git")).unwrap();
    let shown = |more: &[&str]| project.succeeds(&[&["affected", "--answer", "answer.json"], more].concat());
    assert_eq!(ways.map(|way| shown(&way)), wanted);
    assert_eq!(shown(&["--json"]), json);
    project.edit("answer.json", "\"version\": 1", "\"version\": 9");
    let wrong = error(
        "answer.json is no answer of `godirect affected`: its version is 9, and this program knows 1",
        "write it anew: `godirect affected --json … >FILE`",
    );
    project.fails(&["affected", "--answer", "answer.json"], 2, &wrong);
}

/// Graphviz draws what is printed; Mermaid's text has the same arrows.
#[test]
fn graphs_lead_from_changes_to_targets() {
    let project = changed();
    let explain = |format: &str, target: &str| {
        project.succeeds(&["affected", "--base", "HEAD^", "--head", "HEAD", "--format", format, "--explain", target])
    };
    let dot = explain("dot", "//cmd/other");
    let arrows: Vec<&str> = dot.lines().filter(|line| line.contains("->")).map(str::trim).collect();
    let wanted = [
        "\"example.com/m/cmd/other\" -> \"binary other\";",
        "\"example.com/m/ext\" -> \"example.com/m/cmd/other\";",
        "\"ext/ext.go\" -> \"example.com/m/ext\";",
    ];
    assert_eq!(arrows, wanted);
    assert_eq!(
        explain("mermaid", "//cmd/other"),
        "flowchart LR\n  n0[\"binary other\"]\n  n1[\"example.com/m/cmd/other\"]\n  n2[\"example.com/m/ext\"]\n  n3[\"ext/ext.go\"]\n  \
         n1 --> n0\n  n2 --> n1\n  n3 --> n2\n  \
         classDef cause fill:#fef3c7,color:#000\n  class n3 cause\n  classDef target fill:#dbeafe,color:#000\n  class n0 target\n"
    );
    assert_eq!(explain("mermaid", "none"), "flowchart LR\n");
    let graphviz = std::env::var_os("GODIRECT_TEST_DOT").expect("tests/run sets GODIRECT_TEST_DOT");
    let mut child = Command::new(graphviz).arg("-Tsvg").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(explain("dot", "").as_bytes()).unwrap();
    let drawn = child.wait_with_output().unwrap();
    assert!(drawn.status.success());
    assert_eq!(
        String::from_utf8_lossy(&drawn.stdout).matches("class=\"edge\"").count(),
        explain("dot", "").matches("->").count()
    );
}

#[test]
fn fingerprints_change_with_their_targets() {
    let project = changed();
    let keys = |revision: &str| -> BTreeMap<String, String> {
        let text = project.succeeds(&["fingerprint", "--revision", revision, "--platform", "linux/amd64"]);
        let pair = |line: &str| line.split_once("  ").map(|(key, target)| (target.to_owned(), key.to_owned())).unwrap();
        text.lines().map(pair).collect()
    };
    let (before, after) = (keys("HEAD^"), keys("HEAD"));
    let differ: Vec<&String> =
        after.iter().filter(|(target, key)| before[*target] != **key).map(|(target, _)| target).collect();
    let wanted = ["binary other", "package example.com/m/cmd/other", "package example.com/m/ext", "test example.com/m/lib"];
    assert_eq!(differ, wanted.map(|target| format!("linux_amd64 {target}")).iter().collect::<Vec<_>>());
}

#[test]
fn saved_states_are_compared_without_git() {
    let project = changed();
    for (revision, file) in [("HEAD^", "base.json"), ("HEAD", "head.json")] {
        assert_eq!(project.succeeds(&["fingerprint", "--revision", revision, "--save", file]), "");
    }
    std::fs::remove_dir_all(project.root().join(".git")).unwrap();
    let saved = ["affected", "--base-state", "base.json", "--head-state", "head.json", "--format", "packages"];
    assert_eq!(project.succeeds(&saved), "example.com/m/cmd/other\nexample.com/m/ext\nexample.com/m/lib\n");
    project.edit("head.json", "\"version\": 3", "\"version\": 4");
    let wrong = error(
        "head.json is no saved state: its version is 4, and this program knows 3",
        "write it anew: `godirect fingerprint --save FILE`",
    );
    project.fails(&saved, 2, &wrong);
}

/// States of commits are kept: whatever is there of them, the answer is the same.
#[test]
fn what_is_known_of_commits_changes_no_answer() {
    let mut project = changed();
    let cache = project.path("cache of its own");
    project = project.env("GODIRECT_CACHE", cache.display());
    let question = ["affected", "--base", "HEAD^", "--head", "HEAD", "--json"];
    let cold = project.succeeds(&question);
    let memos = || std::fs::read_dir(cache.join("memo")).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    assert_eq!(memos().len(), 2);
    assert_eq!(project.succeeds(&question), cold);
    for damage in [b"".as_slice(), b"damaged"] {
        for memo in memos() {
            std::fs::write(memo, damage).unwrap();
        }
        assert_eq!(project.succeeds(&question), cold);
    }
    for name in ["go", "go-plain", "go-trimpath"] {
        assert_eq!(project.succeeds(&[&question[..], &["--truth", name]].concat()), cold);
    }
    // Another question isn't answered with what is known.
    let other = [&question[..], &["--truth", "bazel"]].concat();
    assert_ne!(project.succeeds(&other), cold);
    assert_eq!(memos().len(), 4);
}
