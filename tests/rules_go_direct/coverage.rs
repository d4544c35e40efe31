//! `bazel coverage` beside `go test -cover`: the same lines with the same counts, and the same programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::engines::{self, bazel, bazel_output, repository, succeeded};
use super::modules::copy;

const MODULE: &str = "example.com/covered/";

/// The tested packages, each with all packages of the module that its tests need.
const TESTED: [(&str, &[&str]); 5] =
    [("c", &["c"]), ("deep/er", &["deep/er"]), ("hash", &["hash"]), ("made", &["made"]), ("word", &["shout", "word"])];

/// A package that one of them needs, of another module.
const THIRD_PARTY: &str = "github.com/cespare/xxhash/v2";

/// Bazel has one place for results: tests that look at them come one after the other.
static RESULTS: Mutex<()> = Mutex::new(());

fn workspace() -> PathBuf {
    repository("tests/rules_go_direct/covered")
}

/// The packages for the go command, with the file that Bazel makes.
fn for_go() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    copy(&workspace(), directory.path());
    let made = directory.path().join("made");
    fs::copy(made.join("double.go.in"), made.join("double.go")).unwrap();
    directory
}

/// What `go test` counts.
fn profile(directory: &Path, package: &str, arguments: &[&str]) -> String {
    let file = directory.join("profile");
    let mut command = engines::go_command(&engines::GOROOT, directory, &[]);
    command.env("CGO_ENABLED", if package == "c" || arguments.contains(&"-race") { "1" } else { "0" });
    command.args(["test", "-trimpath", "-coverprofile"]).arg(&file).args(arguments).arg(format!("./{package}"));
    succeeded("go test", &command.output().unwrap());
    fs::read_to_string(file).unwrap()
}

/// A profile of Go as lcov has it: `FILE:LINE.COLUMN,LINE.COLUMN STATEMENTS COUNT` says that the lines ran, and the most often run block of
/// a line counts.
fn lcov(profile: &str) -> String {
    let mut files: BTreeMap<&str, BTreeMap<u32, u64>> = BTreeMap::new();
    for line in profile.lines().skip(1) {
        let (file, rest) = line.strip_prefix(MODULE).unwrap_or(line).split_once(':').unwrap();
        let words: Vec<&str> = rest.split([',', ' ', '.']).collect();
        let [first, _, last, _, _, count] = words[..] else { panic!("{line}") };
        for line in first.parse().unwrap()..=last.parse().unwrap() {
            let known = files.entry(file).or_default().entry(line).or_default();
            *known = count.parse::<u64>().unwrap().max(*known);
        }
    }
    let mut text = String::new();
    for (file, lines) in files {
        let _ = writeln!(text, "SF:{file}");
        for (line, count) in &lines {
            let _ = writeln!(text, "DA:{line},{count}");
        }
        let ran = lines.values().filter(|count| **count > 0).count();
        let _ = writeln!(text, "LH:{ran}\nLF:{}\nend_of_record", lines.len());
    }
    text
}

/// Runs `bazel coverage`, and gives the report of each test, by the directory of its package.
fn coverage(arguments: &[&str]) -> BTreeMap<String, String> {
    let printed = bazel(&workspace(), &[&["coverage"], arguments].concat());
    let mut reports = BTreeMap::new();
    for line in printed.lines().map(str::trim).filter(|line| line.starts_with('/') && line.ends_with("/coverage.dat")) {
        let (_, target) = line.split_once("/testlogs/").unwrap();
        let package = Path::new(target).parent().unwrap().parent().unwrap();
        reports.insert(package.display().to_string(), without_configuration(&fs::read_to_string(line).unwrap()));
    }
    reports
}

/// The name of a configuration depends on the machine and on the flags, that of another repository on Bazel's version.
fn without_configuration(report: &str) -> String {
    let line = |line: &str| match line.split_once("/bin/") {
        Some((before, path)) if before.starts_with("SF:bazel-out/") => format!("SF:{path}\n"),
        _ => match line.strip_prefix("SF:external/").and_then(|path| path.split_once('/')) {
            Some((_, path)) => format!("SF:{THIRD_PARTY}/{path}\n"),
            None => format!("{line}\n"),
        },
    };
    let mut records: Vec<String> = Vec::new();
    for record in report.split_inclusive("end_of_record\n") {
        records.push(record.lines().map(line).collect());
    }
    records.sort();
    records.concat()
}

/// A file that Bazel has built, whatever its configuration is.
fn built(path: &str) -> Vec<u8> {
    let bin = bazel(&workspace(), &["info", "bazel-bin"]);
    fs::read(Path::new(bin.trim_end()).join(path)).unwrap()
}

#[test]
fn lines_and_counts_are_those_of_go_test() {
    let _alone = RESULTS.lock();
    let directory = for_go();
    // What is instrumented by default is in the packages of the tests.
    let reports = coverage(&["--instrumentation_filter=^//", "--combined_report=lcov", "//..."]);
    let expected = TESTED.map(|(package, needed)| {
        let packages: Vec<String> = needed.iter().map(|name| format!("{MODULE}{name}")).collect();
        let packages = format!("-coverpkg={}", packages.join(","));
        (package.to_owned(), lcov(&profile(directory.path(), package, &[&packages])))
    });
    assert_eq!(reports, BTreeMap::from(expected));

    // All in one report, and what no test runs.
    let root = bazel(&workspace(), &["info", "output_path"]);
    let combined = fs::read_to_string(Path::new(root.trim_end()).join("_coverage/_coverage_report.dat")).unwrap();
    let combined = without_configuration(&combined);
    for (package, report) in reports {
        for record in report.split_inclusive("end_of_record\n") {
            assert!(combined.contains(record), "{package}: {record} is not in {combined}");
        }
    }
    assert!(combined.contains("SF:untested/untested.go\nend_of_record\n"), "{combined}");
}

#[test]
fn third_party_packages_are_counted_where_the_filter_names_them() {
    let _alone = RESULTS.lock();
    let directory = for_go();
    let counted = profile(directory.path(), "hash", &[&format!("-coverpkg={MODULE}hash,{THIRD_PARTY}")]);
    let reports = coverage(&["--instrumentation_filter=.", "//hash:hash_test"]);
    assert_eq!(reports, BTreeMap::from([("hash".to_owned(), lcov(&counted))]));
}

#[test]
fn counts_are_as_the_flags_say() {
    let _alone = RESULTS.lock();
    let directory = for_go();
    let flag = |name: &str, value: &str| format!("--@rules_go_direct//go/config:{name}={value}");
    let only = |report: String| BTreeMap::from([("word".to_owned(), report)]);
    let own = "--instrumentation_filter=^//word[/:]";
    let (count, go_cover) = (flag("cover_mode", "count"), flag("cover_format", "go_cover"));

    let counted = profile(directory.path(), "word", &["-covermode=count"]);
    assert_eq!(coverage(&[own, &count, "//word:word_test"]), only(lcov(&counted)));
    assert_eq!(coverage(&[own, &count, &go_cover, "//word:word_test"]), only(counted));

    let (race, pure) = (flag("race", "true"), flag("pure", "false"));
    let counted = profile(directory.path(), "word", &["-race"]);
    assert_eq!(coverage(&[own, &race, &pure, &go_cover, "//word:word_test"]), only(counted));

    let unknown = bazel_output(&workspace(), &["build", &flag("cover_mode", "never"), "//word"]);
    let text = String::from_utf8_lossy(&unknown.stderr).into_owned();
    let message = "Error in fail: --@rules_go_direct//go/config:cover_mode=never is not known; it is one of set, count, atomic";
    assert!(text.lines().any(|line| line == message), "{text}");
}

#[test]
fn programs_that_count_have_the_bytes_of_go_test() {
    let _alone = RESULTS.lock();
    let (workspace, out) = (workspace(), tempfile::tempdir().unwrap());
    for (filter, flag) in [("^//word[/:]", "-cover=true"), ("^//none[/:]", "-cover=false")] {
        let theirs = out.path().join("word.test");
        let mut command = engines::go_command(&engines::GOROOT, &workspace, &[]);
        command.args(["test", "-c", flag, "-trimpath", "-buildvcs=false", "-ldflags=-buildid=", "-o"]).arg(&theirs);
        succeeded("go test -c", &command.arg("./word").output().unwrap());
        // Also what a cache already has.
        let filter = format!("--instrumentation_filter={filter}");
        let report = coverage(&[&filter, "--remote_download_outputs=all", "//word:word_test"]);
        assert!(fs::read(theirs).unwrap() == built("word/word_test_/word.test"), "{filter} differs from go test -c {flag}");
        // Bazel doesn't name reports that are empty.
        assert_eq!(report.contains_key("word"), flag == "-cover=true");
    }
}
