//! Two checkouts in different directories have the same actions, and so share what is in a cache, on a disk or behind a server.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

use super::engines::{self, bazel, bazel_output, repository, succeeded};
use super::http_cache;
use super::modules::copy;

/// What has tests in the package, in other packages, and what is compiled again for them.
const TARGETS: &str = "//word:word_test";

/// A copy of the ruleset and of a workspace, `tests/rules_go_direct/WORKSPACE`, in a directory of this name.
pub fn checkout(workspace: &str, name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("checkouts").join(workspace).join(name);
    let _ = fs::remove_dir_all(&root);
    copy(&repository("rules_go_direct"), &root.join("rules_go_direct"));
    let copied = root.join("checkout");
    copy(&repository("tests/rules_go_direct").join(workspace), &copied);
    let module = fs::read_to_string(copied.join("MODULE.bazel")).unwrap();
    fs::write(copied.join("MODULE.bazel"), module.replace("../../../rules_go_direct", "../rules_go_direct")).unwrap();
    copied
}

/// The keys of all actions of the targets with all that they need, with their arguments and environment.
fn actions(workspace: &Path) -> BTreeMap<String, String> {
    let printed = bazel(workspace, &["aquery", "--output=jsonproto", &format!("deps({TARGETS})")]);
    let printed: Value = serde_json::from_str(&printed).unwrap();
    let actions = printed["actions"].as_array().unwrap().iter();
    let is_go = |action: &&Value| action["mnemonic"].as_str().is_some_and(|mnemonic| mnemonic.starts_with("Go"));
    let described =
        |action: &Value| format!("{} {} {}", action["mnemonic"], action["arguments"], action["environmentVariables"]);
    actions.filter(is_go).map(|action| (action["actionKey"].to_string(), described(action))).collect()
}

/// How Bazel says, in its summary, that it got what actions make: `remote cache hit`, `internal` and so on.
pub fn kinds_of_processes(printed: &Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&printed.stderr);
    let summary = text.lines().find_map(|line| Some(line.split_once(" processes: ")?.1)).expect(&text);
    let kinds = summary.trim_end_matches('.').split(", ");
    kinds.map(|kind| kind.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ').to_owned()).collect()
}

/// Tests in one checkout; in the other one nothing is run any more, and nothing fetched but what Bazel shows.
fn share_a_remote_cache(one: &Path, other: &Path) {
    let cache = format!("--remote_cache={}", http_cache::start());
    let test = |workspace: &Path| {
        bazel(workspace, &["clean"]);
        bazel_output(workspace, &["test", "--disk_cache=", &cache, "--remote_download_minimal", TARGETS])
    };
    succeeded("bazel test", &test(one));
    let cached = test(other);
    let results = succeeded("bazel test", &cached);
    assert!(results.contains("(cached) PASSED"), "{results}");
    assert_eq!(kinds_of_processes(&cached), ["remote cache hit", "internal"]);
}

#[test]
fn checkouts_in_other_directories_have_the_same_actions() {
    let (one, other) = (checkout("tested", "one"), checkout("tested", "a directory/with another name"));
    let (actions_of_one, actions_of_other) = (actions(&one), actions(&other));
    assert!(actions_of_one.len() > 100, "{}", actions_of_one.len());
    let differing: Vec<_> = actions_of_one.iter().filter(|(key, what)| actions_of_other.get(*key) != Some(what)).collect();
    assert!(differing.is_empty() && actions_of_one.len() == actions_of_other.len(), "{differing:#?}");

    let program = |workspace: &Path| {
        let bin = PathBuf::from(bazel(workspace, &["info", "bazel-bin"]).trim_end());
        fs::read(bin.join("word/word_test_/word.test")).unwrap()
    };
    bazel(&one, &["build", TARGETS]);
    // Of an earlier run.
    bazel(&other, &["clean"]);
    let built = bazel_output(&other, &["build", TARGETS]);
    let summary = String::from_utf8_lossy(&built.stderr).into_owned();
    assert!(summary.contains(" disk cache hit, ") && !summary.contains("sandbox"), "{summary}");
    assert!(program(&one) == program(&other), "the programs differ");
    share_a_remote_cache(&one, &other);
    for workspace in [one, other] {
        engines::end_bazel(&workspace);
    }
}
