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
            "{\n  \"affected 1/2\": {\n    \"extends\": \".affected\",\n    \"variables\": {\n      \"AFFECTED_ATTRIBUTES\": \"other-linux_amd64 other-windows_amd64\",\n      \"AFFECTED_BINARIES\": \"other\",\n      \
             \"AFFECTED_KEY\": \"KEY\",\n      \"AFFECTED_LABELS\": \"//cmd/other //cmd/other:other_lib //lib:lib_test\",\n      \
             \"AFFECTED_PACKAGES\": \"./cmd/other ./lib\"\n    }\n  },\n  \"affected 2/2\": {\n    \"extends\": \".affected\",\n    \"variables\": {\n      \"AFFECTED_ATTRIBUTES\": \"\",\n      \"AFFECTED_BINARIES\": \"\",\n      \
             \"AFFECTED_KEY\": \"KEY\",\n      \"AFFECTED_LABELS\": \"//ext\",\n      \"AFFECTED_PACKAGES\": \"./ext\"\n    }\n  }\n}\n",
        ),
        (
            "github",
            "{\"include\": [{\"shard\": \"1/2\",\"packages\": \"./cmd/other ./lib\",\"binaries\": \"other\",\"labels\": \"//cmd/other //cmd/other:other_lib //lib:lib_test\",\
             \"attributes\": \"other-linux_amd64 other-windows_amd64\",\"key\": \"KEY\"},\
             {\"shard\": \"2/2\",\"packages\": \"./ext\",\"binaries\": \"\",\"labels\": \"//ext\",\"attributes\": \"\",\"key\": \"KEY\"}]}\n",
        ),
    ] {
        let arguments = ["affected", "--base", "HEAD^", "--head", "HEAD", "--format", format, "--shards", "2"];
        assert_eq!(without_keys(&project.succeeds(&arguments)), wanted, "{format}");
    }
    let none = |format| project.succeeds(&["affected", "--base", "HEAD", "--head", "HEAD", "--format", format]);
    assert_eq!(none("labels"), "");
    assert_eq!(none("github"), "{\"include\": []}\n");
    assert_eq!(none("gitlab"), "{\n  \"nothing affected\": {\n    \"script\": [\n      \"true\"\n    ]\n  }\n}\n");
    let nothing = "\"command\": \"true\",\n      \"env\": {},\n      \"label\": \"nothing affected\"\n";
    assert!(none("buildkite").contains(nothing), "{}", none("buildkite"));
    let variables = ["PACKAGES", "BINARIES", "LABELS", "ATTRIBUTES", "KEY"];
    assert_eq!(none("shell"), variables.map(|name| format!("AFFECTED_{name}=''\n")).concat());
}

/// Keys of shards are digests.
fn without_keys(text: &str) -> String {
    let is_key = |word: &str| word.len() == 64 && word.chars().all(|c| c.is_ascii_hexdigit());
    let words = text.split('"').map(|word| if is_key(word) { "KEY" } else { word });
    words.collect::<Vec<_>>().join("\"")
}

/// The key of a shard changes when a fingerprint of one of its targets does, and only then.
#[test]
fn keys_are_made_of_fingerprints() {
    let project = changed();
    let key = |arguments: &[&str]| {
        let text = project.succeeds(&[&["affected", "--format", "shell"], arguments].concat());
        text.lines().last().unwrap().to_owned()
    };
    let first = key(&["--all"]);
    assert!(first.starts_with("AFFECTED_KEY='") && first.len() == "AFFECTED_KEY=''".len() + 64, "{first}");
    project.write("README.md", "text\n");
    assert_eq!(key(&["--all"]), first);
    project.edit("lib/x_test.go", "\"him\"", "\"her\"");
    assert_ne!(key(&["--all"]), first);
    let answer: serde_json::Value = serde_json::from_str(&project.succeeds(&["affected", "--json"])).unwrap();
    let test = &answer["affected"][0];
    let printed = project.succeeds(&["fingerprint", "--kind", "test"]);
    for (view, key) in test["fingerprints"].as_object().unwrap() {
        assert!(printed.contains(&format!("{}  {view} test example.com/m/lib\n", key.as_str().unwrap())), "{printed}");
    }
    assert_eq!(test["fingerprints"].as_object().unwrap().len(), 2);
    assert_eq!(answer["platforms"]["windows_amd64"], "windows/amd64");
}

/// Jobs compile for the machine that they run on; labels and binaries are of all platforms.
#[test]
fn packages_of_other_platforms_are_left_to_their_binaries() {
    let project = changed();
    project.write("only/only_windows.go", "package only\n");
    let shell = |arguments: &[&str]| project.succeeds(&[&["affected", "--format", "shell"], arguments].concat());
    let all = shell(&[]);
    assert!(all.starts_with("AFFECTED_PACKAGES=''\nAFFECTED_BINARIES=''\nAFFECTED_LABELS='//only'\n"), "{all}");
    // Where none is of this machine, tests run there as well as anywhere.
    let windows = shell(&["--platform", "windows/amd64"]);
    assert!(windows.starts_with("AFFECTED_PACKAGES='./only'\n"), "{windows}");
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
    project.edit("head.json", "\"version\": 5", "\"version\": 6");
    let wrong = error(
        "head.json is no saved state: its version is 6, and this program knows 5",
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

#[test]
fn the_files_of_nix_count_wherever_they_are() {
    let project = base();
    let spec = project.read("godirect.star");
    project.write("godirect.star", &format!("{spec}nix(dir = \"build/nix\")\n"));
    for (path, text) in [("build/nix/godirect.nix", "{ }\n"), ("build/nix/plan.json", "{}\n"), ("nix/other.txt", "\n")] {
        project.write(path, text);
    }
    commit(&project, "nix");
    let affected = |path: &str| {
        project.write(path, "# Another.\n");
        commit(&project, path);
        let ran = run(&project, &["--base", "HEAD^", "--head", "HEAD", "--truth", "nix", "--format", "nix"]);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
        ran.stdout
    };
    assert!(affected("build/nix/godirect.nix").contains("other-linux_amd64\n"));
    assert_eq!(affected("build/nix/plan.json") + &affected("nix/other.txt"), "");
}
