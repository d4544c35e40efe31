//! What programs are told when they are built, beside the go command with the same settings: experiments, FIPS 140 mode, profiles that guide
//! optimisation, stamps and fuzzing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::engines::{self, bazel, bazel_command, bazel_output, repository, succeeded};
use super::modules::copy;

/// The workspace with a program of the matrix and its profile, in a directory that is always the same, so that Bazel fetches the SDK once.
fn workspace(name: &str) -> PathBuf {
    let workspace = Path::new(env!("CARGO_TARGET_TMPDIR")).join("modes").join(name);
    let _ = fs::remove_dir_all(&workspace);
    copy(&repository("tests/matrix/rows/pgo"), &workspace.join("guided"));
    fs::remove_file(workspace.join("guided/go.mod")).unwrap();
    copy(&repository("tests/rules_go_direct/modes"), &workspace);
    let module = fs::read_to_string(workspace.join("MODULE.bazel")).unwrap();
    let ruleset = repository("rules_go_direct").display().to_string();
    fs::write(workspace.join("MODULE.bazel"), module.replace("../../../rules_go_direct", &ruleset)).unwrap();
    workspace
}

/// What the go command makes; the last of the arguments is a package.
fn by_go(workspace: &Path, env: &[(&str, &str)], arguments: &[&str]) -> Vec<u8> {
    let out = tempfile::tempdir().unwrap();
    let file = out.path().join("program");
    let (package, flags) = arguments.split_last().unwrap();
    let mut command = engines::go_command(&engines::GOROOT, workspace, env);
    command.args(flags).args(["-trimpath", "-buildvcs=false", "-o"]).arg(&file).arg(package);
    succeeded("go", &command.output().unwrap());
    fs::read(file).unwrap()
}

/// The file with this ending that Bazel makes of a target.
fn by_bazel(workspace: &Path, target: &str, end: &str, flags: &[&str]) -> PathBuf {
    bazel(workspace, &[&["build", target], flags].concat());
    let printed = bazel(workspace, &[&["cquery", "--output=files", target], flags].concat());
    let root = bazel(workspace, &["info", "execution_root"]);
    let name = printed.lines().find(|line| line.ends_with(end)).unwrap_or_else(|| panic!("{target} has {printed}"));
    Path::new(root.trim_end()).join(name)
}

const BUILD: [&str; 2] = ["build", "-ldflags=-buildid="];
const TEST: [&str; 3] = ["test", "-c", "-ldflags=-buildid="];
const FIPS: &str = "--@rules_go_direct//go/config:gofips140=latest";
const EXPERIMENT: &str = "--@rules_go_direct//go/config:goexperiment=arenas,nodwarf5";
const PROFILE: &str = "--@rules_go_direct//go/config:pgoprofile=//guided:default.pgo";
const FUZZ: &str = "--@rules_go_direct//go/config:fuzz";

#[test]
fn programs_have_the_bytes_of_the_go_command() {
    let workspace = &workspace("programs");
    let check = |target: &str, end: &str, flags: &[&str], env: &[(&str, &str)], arguments: &[&str]| {
        let ours = fs::read(by_bazel(workspace, target, end, flags)).unwrap();
        assert!(ours == by_go(workspace, env, arguments), "{target} {flags:?} differs from go {arguments:?}");
    };
    let build = |package: &'static str| [&BUILD[..], &[package]].concat();
    check("//:modes", "/modes", &[], &[], &build("."));
    check("//:modes", "/modes", &[FIPS], &[("GOFIPS140", "latest")], &build("."));
    check("//:modes", "/modes", &[EXPERIMENT], &[("GOEXPERIMENT", "arenas,nodwarf5")], &build("."));
    check("//:experiment", "/experiment", &[], &[("GOEXPERIMENT", "arenas,nodwarf5")], &build("."));
    let guided = [&BUILD[..], &["-pgo=guided/default.pgo", "./guided"]].concat();
    check("//guided", "/guided", &[], &[], &guided);
    check("//guided:plain", "/plain", &[PROFILE], &[], &guided);
    check("//guided:plain", "/plain", &[], &[], &[&BUILD[..], &["-pgo=off", "./guided"]].concat());
    let test_of_guided = [&TEST[..], &["-pgo=guided/default.pgo", "./guided"]].concat();
    check("//guided:guided_test", "/guided.test", &[], &[], &test_of_guided);
    check("//word:word_test", "/word.test", &[], &[], &[&TEST[..], &["./word"]].concat());
    let fuzzing = [&TEST[..], &["-fuzz=FuzzShort", "./word"]].concat();
    check("//word:word_test", "/word.test", &[FUZZ], &[], &fuzzing);
    check("//word:fuzz_test", "/word.test", &[], &[], &fuzzing);

    let fips = by_bazel(workspace, "//:fips", "/fips", &[]);
    let ran = succeeded("fips", &Command::new(&fips).output().unwrap());
    assert_eq!(ran, "true no arenas unknown development some day none\n");
    let info = Command::new(engines::GOROOT.join("bin/go")).args(["version", "-m"]).arg(&fips).output().unwrap();
    let info = succeeded("go version -m", &info);
    assert!(info.contains("\tDefaultGODEBUG=fips140=on,panicnil=1\n") && info.contains("\tGOFIPS140=latest\n"), "{info}");
    engines::end_bazel(workspace);
}

/// A command that prints the workspace status from a file, and how Bazel is told.
fn status(workspace: &Path, lines: &str) -> [String; 2] {
    let (file, script) = (workspace.join("status.txt"), workspace.join("status.sh"));
    fs::write(&file, lines).unwrap();
    fs::write(&script, format!("#!/bin/sh\ncat '{}'\n", file.display())).unwrap();
    succeeded("chmod", &Command::new("chmod").arg("+x").arg(&script).output().unwrap());
    ["--stamp".to_owned(), format!("--workspace_status_command={}", script.display())]
}

fn run(program: &Path) -> String {
    succeeded("the program", &Command::new(program).output().unwrap())
}

#[test]
fn stamps_are_values_of_variables() {
    let workspace = &workspace("stamps");
    let build = |target: &str, flags: &[String; 2]| {
        run(&by_bazel(workspace, &format!("//:{target}"), target, &flags.each_ref().map(String::as_str)))
    };
    let plain = by_bazel(workspace, "//:stable", "/stable", &[]);
    assert_eq!(run(&plain), "false no arenas unknown development some day {\"a\": 1} \\ {b}\n");

    let lines = "STABLE_COMMIT a\\nb {WHEN} c\nSTABLE_RELEASE v1 & \"$x\" 'y' `z`\nWHEN now\nSTABLE_EMPTY\n";
    let flags = status(workspace, lines);
    let stable = "false no arenas a\\nb {WHEN} c v1 & \"$x\" 'y' `z`-a\\nb {WHEN} c&\\ some day {\"a\": 1} \\ {b}\n";
    assert_eq!(build("stable", &flags), stable);
    assert_eq!(build("volatile", &flags), "false no arenas a\\nb {WHEN} c development now none\n");
    // Before Go 1.27, linkers read other files of arguments.
    let previous = "--@rules_go_direct//go/toolchain:sdk_name=previous";
    let flags_of_previous = [flags[0].as_str(), &flags[1], previous];
    assert_eq!(run(&by_bazel(workspace, "//:stable", "/stable", &flags_of_previous)), stable);

    // What changes from build to build doesn't link anything again.
    let flags = status(workspace, &lines.replace("now", "later"));
    assert_eq!(build("volatile", &flags), "false no arenas a\\nb {WHEN} c development now none\n");
    let flags = status(workspace, &lines.replace("now", "later").replace("a\\nb", "d"));
    assert_eq!(build("volatile", &flags), "false no arenas d {WHEN} c development later none\n");
    // A key that isn't there leaves what the program says itself.
    let flags = status(workspace, "STABLE_RELEASE v1\n");
    assert_eq!(build("stable", &flags), "false no arenas unknown development some day {\"a\": 1} \\ {b}\n");
    engines::end_bazel(workspace);
}

/// Fuzzes the package until it finds the input that fails.
fn fuzz(workspace: &Path, verb: &[&str], home: &Path) -> Output {
    let mut command = bazel_command(workspace, verb);
    command.env("XDG_CACHE_HOME", home);
    command.output().unwrap()
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files_below(&path)) } else { found.push(path) }
    }
    found
}

/// By default, up to a minute goes into making each input smaller that is kept.
const FUZZING: [&str; 3] = ["-test.fuzz=FuzzShort", "-test.fuzztime=120s", "-test.fuzzminimizetime=100x"];

#[test]
fn fuzzing_finds_and_keeps_inputs() {
    let workspace = &workspace("fuzzing");
    // Seeds are tests.
    let seeds = bazel_output(workspace, &["test", "--test_output=all", "--test_arg=-test.v", "//word:word_test", FUZZ]);
    let text = succeeded("bazel test", &seeds);
    assert!(text.contains("=== RUN   FuzzShort/seed") && text.contains("=== RUN   FuzzShort/seed#0"), "{text}");

    let home = tempfile::tempdir().unwrap();
    let found =
        fuzz(workspace, &[&["run", FUZZ, "//word:word_test", "--", "-test.run=^$"], &FUZZING[..]].concat(), home.path());
    let printed = String::from_utf8_lossy(&[found.stdout, found.stderr].concat()).into_owned();
    assert!(!found.status.success() && printed.contains("Failing input written to"), "{printed}");
    assert!(!printed.contains("not built with coverage instrumentation"), "{printed}");
    let corpus = workspace.join("word/testdata/fuzz/FuzzShort");
    let kept: Vec<PathBuf> = files_below(&corpus).into_iter().filter(|path| !path.ends_with("seed")).collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    let input = fs::read_to_string(&kept[0]).unwrap();
    let letters: Vec<u8> = input.split("string(\"").nth(1).unwrap().bytes().take(4).collect();
    assert!(matches!(letters[..], [b'D'..=b'L', b'M'..=b'W', b'D'..=b'L', b'M'..=b'W']), "{input}");
    assert!(
        !files_below(&home.path().join("rules_go_direct/fuzz/example.com/modes/word")).is_empty(),
        "nothing is kept that reaches more code"
    );

    // It is a seed now.
    let failed = bazel_output(workspace, &["test", "--test_output=all", "//word:word_test"]);
    assert_eq!(failed.status.code(), Some(3));
    fs::remove_file(&kept[0]).unwrap();
    let arguments = FUZZING.map(|argument| format!("--test_arg={argument}"));
    let arguments = arguments.each_ref().map(String::as_str);
    let failed = bazel_output(workspace, &[&["test", FUZZ, "--test_output=all", "//word:word_test"], &arguments[..]].concat());
    assert_eq!(failed.status.code(), Some(3), "{}", String::from_utf8_lossy(&failed.stderr));
    let logs = bazel(workspace, &["info", "bazel-testlogs"]);
    let outputs = Path::new(logs.trim_end()).join("word/word_test/test.outputs");
    assert!(
        !files_below(&outputs).is_empty(),
        "the input that fails is not among the outputs: {}",
        String::from_utf8_lossy(&failed.stdout)
    );
    assert!(files_below(&corpus).iter().all(|path| path.ends_with("seed")));
    engines::end_bazel(workspace);
}
