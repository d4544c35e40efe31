//! `go_test` beside `go test`: bytes, and what Bazel's settings do.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::engines::{self, bazel, repository, succeeded};

fn workspace() -> PathBuf {
    repository("tests/rules_go_direct/tested")
}

/// Bazel has one place for results: tests that look at them come one after the other.
static RESULTS: Mutex<()> = Mutex::new(());

/// Runs the test anew with settings of Bazel; `WANT` says what it is to do. Gives the code it ends with, and what it and the test printed.
fn bazel_test(want: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let fixed = ["test", "--cache_test_results=no", "--test_output=all", "--noshow_progress", "//sharded:sharded_test"];
    let mut command = engines::bazel_command(&workspace(), &[&fixed[..], arguments].concat());
    let output = command.env("WANT", want).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// The tests that were run.
fn runs(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| Some(line.split_once("=== RUN   ")?.1)).collect()
}

/// The file with results of the only target, without times.
fn results() -> String {
    let root = bazel(&workspace(), &["info", "bazel-testlogs"]);
    let text = fs::read_to_string(Path::new(root.trim_end()).join("sharded/sharded_test/test.xml")).unwrap();
    let mut parts = text.split(" time=\"");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| text + part.split_once('"').unwrap().1)
}

#[test]
fn test_programs_have_the_bytes_of_go_test() {
    let (workspace, out) = (workspace(), tempfile::tempdir().unwrap());
    let targets = [("word", ""), ("sharded", " -X example.com/tested/sharded.stamp=stamped")];
    for (package, flags) in targets {
        let theirs = out.path().join(package);
        let mut command = engines::go_command(&engines::GOROOT, &workspace, &[]);
        command.args(["test", "-c", "-trimpath", "-buildvcs=false", "-o"]).arg(&theirs);
        command.arg(format!("-ldflags=-buildid={flags}")).arg(format!("./{package}"));
        succeeded("go test -c", &command.output().unwrap());
        let label = format!("//{package}:{package}_test");
        bazel(&workspace, &["build", &label]);
        let bin = bazel(&workspace, &["info", "bazel-bin"]);
        let ours = Path::new(bin.trim_end()).join(format!("{package}/{package}_test_/{package}.test"));
        assert!(fs::read(&theirs).unwrap() == fs::read(&ours).unwrap(), "{label} differs from go test -c");
    }
}

#[test]
fn settings_of_bazel_reach_test_programs() {
    let _alone = RESULTS.lock();
    let all = [
        "TestA",
        "TestA/one",
        "TestA/one/deep",
        "TestA/one/skipped",
        "TestB",
        "TestC",
        "TestSettings",
        "FuzzD",
        "FuzzD/seed#0",
    ];
    let (code, text) = bazel_test("", &[]);
    assert_eq!((code, runs(&text)), (Some(0), all.to_vec()), "{text}");
    // Attributes: x_defs, env, args, rundir.
    let settings = text.lines().find(|line| line.starts_with("settings ")).unwrap();
    assert!(settings.starts_with("settings stamped word/testdata/word.txt argument /"), "{settings}");
    assert!(settings.ends_with("/sharded_test.runfiles/_main"), "{settings}");

    let (_, text) = bazel_test("", &["--test_filter=TestA/one/skipped|TestB"]);
    assert_eq!(runs(&text), ["TestA", "TestA/one", "TestA/one/skipped", "TestB"], "{text}");

    // Each shard prints its tests; together they are all. What is filtered out is in no shard.
    let sharded = ["--test_sharding_strategy=forced=4", "--local_test_jobs=1"];
    let (code, text) = bazel_test("", &sharded);
    let mut found = runs(&text);
    found.sort_unstable();
    let mut expected = all.to_vec();
    expected.sort_unstable();
    assert_eq!((code, found, text.matches("TestMain runs").count()), (Some(0), expected, 4), "{text}");
    let (_, text) = bazel_test("", &[&["--test_filter=TestB|TestC|FuzzD"][..], &sharded].concat());
    let mut found = runs(&text);
    found.sort_unstable();
    assert_eq!(found, ["FuzzD", "FuzzD/seed#0", "TestB", "TestC"], "{text}");

    let (code, text) = bazel_test("failure", &["--test_runner_fail_fast"]);
    assert_eq!((code, runs(&text).last()), (Some(3), Some(&"TestB/wrong")), "{text}");

    let benchmarks =
        bazel(&workspace(), &["run", "//sharded:sharded_test", "--", "-test.run=^$", "-test.bench=.", "-test.benchtime=1x"]);
    assert!(benchmarks.contains("ns/op") && !benchmarks.contains("TestA"), "{benchmarks}");
}

const PASSED: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
	<testsuite name="example.com/tested/sharded" tests="9" failures="0" errors="0" skipped="1">
		<testcase classname="example.com/tested/sharded" name="TestA"></testcase>
		<testcase classname="example.com/tested/sharded" name="TestA/one"></testcase>
		<testcase classname="example.com/tested/sharded" name="TestA/one/deep"></testcase>
		<testcase classname="example.com/tested/sharded" name="TestA/one/skipped"><skipped message="    sharded_test.go:20: not now&#xA;"></skipped></testcase>
		<testcase classname="example.com/tested/sharded" name="TestB"></testcase>
		<testcase classname="example.com/tested/sharded" name="TestC"></testcase>
		<testcase classname="example.com/tested/sharded" name="TestSettings"></testcase>
		<testcase classname="example.com/tested/sharded" name="FuzzD"></testcase>
		<testcase classname="example.com/tested/sharded" name="FuzzD/seed#0"></testcase>
	</testsuite>
</testsuites>
"#;

const FAILED: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
	<testsuite name="example.com/tested/sharded" tests="2" failures="2" errors="0" skipped="0">
		<testcase classname="example.com/tested/sharded" name="TestB"><failure message="Failed">no end of line</failure></testcase>
		<testcase classname="example.com/tested/sharded" name="TestB/wrong"><failure message="Failed">    sharded_test.go:27: wrong&#xA;</failure></testcase>
	</testsuite>
</testsuites>
"#;

#[test]
fn results_of_tests_are_in_a_file() {
    let _alone = RESULTS.lock();
    bazel_test("", &[]);
    assert_eq!(results(), PASSED);
    bazel_test("failure", &["--test_filter=TestB"]);
    assert_eq!(results(), FAILED);
    // What runs too long shows where it is, and the results say which test that was.
    let (code, text) = bazel_test("sleep", &["--test_timeout=2", "--test_filter=TestC"]);
    assert_eq!(code, Some(3));
    assert!(text.contains("SIGQUIT: quit") && text.contains("sharded_test.go:33"), "{text}");
    let file = results();
    let name = r#"name="TestC"><error message="It did not end">SIGQUIT: quit"#;
    assert!(file.contains(r#"tests="1" failures="0" errors="1""#) && file.contains(name), "{file}");
}
