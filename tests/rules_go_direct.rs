//! The Bazel ruleset on its own: its asserts under a real Bazel, and what buildifier says of its files.

use std::path::{Path, PathBuf};
use std::process::Command;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The program whose path a script of `tests/env` prints.
fn provisioned(script: &str) -> PathBuf {
    let output = Command::new(repository().join("tests/env").join(script)).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim_end())
}

/// Where Bazel keeps what it builds for this test. Not below `/tmp`, which its sandbox hides.
fn output_root() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache"));
    let base = std::env::var_os("GODIRECT_TEST_ENV").map_or_else(|| cache.join("godirect-test-env"), PathBuf::from);
    base.join("out/rules_go_direct")
}

fn run(program: &Path, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).current_dir(repository().join("rules_go_direct")).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{} {}:\n{text}", program.display(), arguments.join(" "));
}

#[test]
fn starlark_asserts_hold() {
    let bazel = provisioned("bazel.sh");
    let root = format!("--output_user_root={}", output_root().display());
    run(&bazel, &[&root, "build", "--symlink_prefix=/", "//..."]);
    run(&bazel, &[&root, "shutdown"]);
}

#[test]
fn files_are_formatted_and_free_of_warnings() {
    run(&provisioned("buildifier.sh"), &["-r", "-mode=check", "-lint=warn", "."]);
}
