//! Remote execution: a server runs all actions and tests, to the bytes of `go build`; a second client has nothing to run.
//!
//! `GODIRECT_TEST_REMOTE=1 tests/run -- --test rules_go_direct servers_run` does it: the server takes one action at a time, some 700 of them, which is
//! too long for each change.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use super::checkouts::{checkout, kinds_of_processes};
use super::engines::{self, bazel, bazel_output, succeeded};
use super::reapi::Server;
use super::{check_places, spawns};

/// Runs Bazel without a cache of its own and without any way to run something here.
fn remotely(server: &Server, workspace: &Path, arguments: &[&str]) -> Output {
    let executor = format!("--remote_executor={}", server.url);
    // Clients have different PATHs, which tests would get.
    let env = "--incompatible_strict_action_env";
    let fixed = ["--disk_cache=", &executor, "--spawn_strategy=remote", "--noremote_local_fallback", env, "--jobs=16"];
    let (verb, rest) = arguments.split_first().unwrap();
    bazel_output(workspace, &[&[*verb], &fixed[..], &["--remote_download_minimal"], rest].concat())
}

/// The programs: label, how their path ends, what the go command is told, and whether they have C code.
pub const PROGRAMS: [(&str, &str, &[&str], &str); 3] = [
    ("//:remote", "/remote", &["build", "."], "0"),
    ("//text:text_test", "/text.test", &["test", "-c", "./text"], "0"),
    ("//c", "/c", &["build", "./c"], "1"),
];

/// Where Bazel has the program. The configuration of a target that decides about cgo itself isn't the one of bazel-bin.
pub fn output(workspace: &Path, label: &str, end: &str) -> PathBuf {
    let printed = bazel(workspace, &["cquery", "--output=files", label]);
    let root = bazel(workspace, &["info", "execution_root"]);
    let name = printed.lines().find(|line| line.ends_with(end)).unwrap_or_else(|| panic!("{label} has {printed}"));
    Path::new(root.trim_end()).join(name)
}

/// What the go command builds.
pub fn by_go(workspace: &Path, arguments: &[&str], cgo: &str) -> Vec<u8> {
    let out = tempfile::tempdir().unwrap();
    let file = out.path().join("program");
    let mut command = engines::go_command(&engines::GOROOT, workspace, &[]);
    let (package, verb) = arguments.split_last().unwrap();
    command.env("CGO_ENABLED", cgo).args(verb).args(["-trimpath", "-buildvcs=false", "-ldflags=-buildid=", "-o"]);
    succeeded("go", &command.arg(&file).arg(package).output().unwrap());
    fs::read(file).unwrap()
}

/// Checks that a server ran all that was run, and that it was told nothing of this client's machine.
fn check_log(log: &Path, places: &[&Path]) {
    let places: Vec<String> = places.iter().map(|place| place.display().to_string()).collect();
    let spawns = spawns(log);
    let mnemonics: BTreeSet<&str> = spawns.iter().filter_map(|spawn| spawn["mnemonic"].as_str()).collect();
    let some = BTreeSet::from(["GoAsm", "GoCompile", "GoLink", "GoPack", "GoSymabis", "TestRunner"]);
    assert!(mnemonics.is_superset(&some), "{mnemonics:?}");
    spawns.iter().for_each(|spawn| drop(check_places(spawn, "remote", &places)));
}

#[test]
fn servers_run_all_actions_and_tests() {
    if std::env::var_os("GODIRECT_TEST_REMOTE").is_none() {
        return;
    }
    let server = Server::start();
    let (one, other) = (checkout("remote", "one"), checkout("remote", "a directory/with another name"));
    let log = one.with_file_name("spawns.json");
    let log_flag = format!("--execution_log_json_file={}", log.display());
    // Of an earlier run.
    bazel(&one, &["clean"]);
    let ran = remotely(&server, &one, &["test", &log_flag, "//..."]);
    let results = succeeded("bazel test", &ran);
    assert_eq!(results.matches(" PASSED in ").count(), 2, "{results}");
    assert_eq!(kinds_of_processes(&ran), ["internal", "remote"]);
    check_log(&log, &[&engines::CACHE, &one, server.directory()]);

    for (label, end, _, _) in PROGRAMS {
        assert!(!output(&one, label, end).exists(), "{label} was fetched, although nothing here needs it");
    }
    let labels = PROGRAMS.map(|(label, ..)| label);
    let fetched = remotely(&server, &one, &[&["build", "--remote_download_toplevel"], &labels[..]].concat());
    succeeded("bazel build", &fetched);
    for (label, end, arguments, cgo) in PROGRAMS {
        let ours = fs::read(output(&one, label, end)).unwrap();
        assert!(ours == by_go(&one, arguments, cgo), "{label} differs from go {}", arguments.join(" "));
    }

    bazel(&other, &["clean"]);
    let cached = remotely(&server, &other, &["test", "//..."]);
    let results = succeeded("bazel test", &cached);
    assert_eq!(results.matches(" (cached) PASSED in ").count(), 2, "{results}");
    assert_eq!(kinds_of_processes(&cached), ["remote cache hit", "internal"]);
    for workspace in [one, other] {
        engines::end_bazel(&workspace);
    }
}
