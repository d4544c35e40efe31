//! What is built again after a change: what sees it, and nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use super::engines::{self, bazel};
use super::modules::generate;
use super::programs::{leaf, own, write};
use super::spawns;

/// A program of 120 packages that import `leaf`, with generated BUILD files.
fn workspace() -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("incremental");
    let _ = fs::remove_dir_all(&root);
    own().iter().for_each(|(path, text)| write(&root, path, text));
    write(&root, "godirect.star", "go_sdk(version = \"1.27.3\")\n\nplatforms(\"linux/amd64\")\n\nbazel()\n");
    generate(&root);
    root
}

/// Builds the program where the leaf has a text; gives the actions that were run, and of what.
fn run_again(root: &Path, leaf: &str) -> Vec<String> {
    write(root, "leaf/leaf.go", leaf);
    let log = root.with_file_name("incremental.json");
    bazel(root, &["build", "--disk_cache=", &format!("--execution_log_json_file={}", log.display()), "//:own"]);
    let described = |spawn: &serde_json::Value| {
        format!("{} {}", spawn["mnemonic"].as_str().unwrap(), spawn["targetLabel"].as_str().unwrap())
    };
    let mut run: Vec<String> = spawns(&log).iter().map(described).collect();
    run.sort();
    run
}

#[test]
fn what_sees_a_change_is_compiled_again() {
    let root = &workspace();
    // What is in a cache on disk needn't be where it is compiled.
    bazel(root, &["build", "--disk_cache=", "//:own"]);
    assert_eq!(run_again(root, &leaf(0)), [""; 0], "nothing has changed");
    // Who imports the leaf sees no difference in what it exports.
    assert_eq!(run_again(root, &leaf(1)), ["GoCompile //leaf:leaf", "GoLink //:own"]);
    // Not even the file that is linked is another one.
    assert_eq!(run_again(root, &format!("{}// No code.\n", leaf(1))), ["GoCompile //leaf:leaf"]);
    // This one is inlined.
    let inlined = run_again(root, "package leaf\n\nfunc Value() int { return 2 }\n");
    assert_eq!(inlined.iter().filter(|action| action.starts_with("GoCompile //p")).count(), 120, "{inlined:#?}");
    engines::end_bazel(root);
}
