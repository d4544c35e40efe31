//! `go_test` beside `go test`: bytes, and what Bazel's settings do.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use super::engines::{self, bazel, repository, succeeded};
use super::modules;

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

/// The packages of `tests/testing/repo` that have tests, and the directories of their programs. Bazel takes a directory `external` for its own.
const GENERATED: [&str; 7] = ["cmd/tool", "embedded", "internal", "kinds", "main", "mixed", "onlytests/v2"];

#[test]
fn generated_tests_have_the_bytes_of_go_test() {
    let workspace = Path::new(env!("CARGO_TARGET_TMPDIR")).join("generated-tests");
    modules::copy(&repository("tests/testing/repo"), &workspace);
    let spec = fs::read_to_string(workspace.join("godirect.star")).unwrap();
    fs::write(workspace.join("godirect.star"), spec + "\nbazel()\n").unwrap();
    modules::generate(&workspace);
    let buildifier = Command::new(engines::provisioned("buildifier.sh"))
        .args(["-r", "-mode=check", "-lint=warn", "-warnings=-module-docstring"])
        .arg(&workspace)
        .output();
    succeeded("buildifier", &buildifier.unwrap());

    let theirs = tempfile::tempdir().unwrap();
    let mut command = engines::go_command(&engines::GOROOT, &workspace, &[]);
    command.args([
        "test",
        "-c",
        "-trimpath",
        "-buildvcs=false",
        "-ldflags=-buildid=",
        "-o",
        &format!("{}/", theirs.path().display()),
    ]);
    succeeded("go test -c", &command.arg("./...").output().unwrap());
    // Also what a cache already knows to pass.
    bazel(&workspace, &["test", "--remote_download_outputs=all", "//..."]);
    // Two tests of one name are two.
    let logs = PathBuf::from(bazel(&workspace, &["info", "bazel-testlogs"]).trim_end());
    let results = fs::read_to_string(logs.join("mixed/mixed_test/test.xml")).unwrap();
    assert_eq!(results.matches(" name=\"TestHidden\"").count(), 2, "{results}");
    let bin = PathBuf::from(bazel(&workspace, &["info", "bazel-bin"]).trim_end());
    for package in GENERATED {
        let base = package.trim_end_matches("/v2").rsplit('/').next().unwrap();
        let ours = bin.join(format!("{package}/{base}_test_/{base}.test"));
        let theirs = theirs.path().join(format!("{base}.test"));
        assert!(fs::read(&ours).unwrap() == fs::read(theirs).unwrap(), "{package} differs from go test -c");
    }
    engines::end_bazel(&workspace);
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

#[test]
fn tests_that_cannot_be_built_have_no_rule() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap();
    let files = [
        ("go.mod", "module example.com/m\n\ngo 1.27\n\ntoolchain go1.27.3\n"),
        ("godirect.star", "go_sdk(version = from_go_mod())\n\nplatforms(\"linux/amd64\", \"linux/arm64\")\n\nbazel()\n"),
        ("a.go", "package m\n"),
        ("a_test.go", "package m\n\nimport _ \"example.com/m/missing\"\n"),
        ("b/b.go", "package b\n"),
        ("b/b_linux_arm64_test.go", "package b\n\nimport _ \"os\"\n"),
        ("b/testdata/sub/file", ""),
    ];
    for (path, text) in files {
        fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
        fs::write(root.join(path), text).unwrap();
    }
    modules::generate(&root);
    let output = engines::godirect().arg("-C").arg(&root).args(["generate", "--check"]).output().unwrap();
    assert_eq!(succeeded("godirect generate --check", &output), "");
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "godirect: warning: there is no go_test for example.com/m, since its tests can't be built: \
         a_test.go:3:8: no required module provides package example.com/m/missing; to add it:\n\tgo get example.com/m/missing\n"
    );
    assert!(!fs::read_to_string(root.join("BUILD.bazel")).unwrap().contains("go_test"));
    let rule = fs::read_to_string(root.join("b/BUILD.bazel")).unwrap();
    assert_eq!(rule[rule.find("go_test(").unwrap()..], *ON_ARM64);
}

const ON_ARM64: &str = r#"go_test(
    name = "b_test",
    srcs = ["b_linux_arm64_test.go"],
    data = glob(["testdata/**"]),
    embed = [":b"],
    external_srcs = [],
    pure = "on",
    std_imports = select({
        "@rules_go_direct//go/platform:linux_arm64": ["os"],
        "//conditions:default": [],
    }),
    target_compatible_with = select({
        "@rules_go_direct//go/platform:linux_amd64": ["@rules_go_direct//go/platform:incompatible"],
        "//conditions:default": [],
    }),
)
"#;
