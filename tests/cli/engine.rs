//! The embedded engine: what it runs and why, what it says, and how it stops.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::support::{BUILD_CACHE, GOROOT, Project, same};

const BUILD: [&str; 3] = ["build", "--platform", "linux/amd64"];

/// A command that imports `leaf` by way of `middle`, and `other`; and std's runtime only. What its packages export was never compiled
/// before, so that the cache has none of them.
fn chain() -> Project {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let project = Project::example("01-hello").with_build_cache();
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    let unique = format!("const Unique = \"{time} {}\"\n", COUNT.fetch_add(1, Ordering::Relaxed));
    for package in ["leaf", "middle", "other"] {
        project.write(&format!("{package}/unique.go"), &format!("package {package}\n\n{unique}"));
    }
    for (path, text) in [
        (
            "main.go",
            "package main\n\nimport (\n\t\"example.com/hello/middle\"\n\t\"example.com/hello/other\"\n)\n\nfunc main() { println(middle.M(), other.O()) }\n",
        ),
        ("middle/middle.go", "package middle\n\nimport \"example.com/hello/leaf\"\n\nfunc M() int { return leaf.L() }\n"),
        ("leaf/leaf.go", "package leaf\n\n//go:noinline\nfunc L() int { return 1 }\n"),
        ("other/other.go", "package other\n\n//go:noinline\nfunc O() int { return 1 }\n"),
    ] {
        project.write(path, text);
    }
    project
}

/// What `--explain` says of each action, by what is done to what.
fn explained(project: &Project) -> Vec<(String, Vec<String>)> {
    let printed = project.succeeds(&[&BUILD[..], &["--explain", "--json"]].concat());
    let printed: Value = serde_json::from_str(&printed).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let actions = printed["explained"].as_array().unwrap().iter();
    actions
        .map(|action| {
            let reasons = action["reasons"].as_array().unwrap().iter().map(text).collect();
            (format!("{} {}", text(&action["action"]), text(&action["name"])), reasons)
        })
        .collect()
}

#[track_caller]
fn explains(project: &Project, expected: &[(&str, &[&str])]) {
    let expected: Vec<(String, Vec<String>)> = expected
        .iter()
        .map(|(action, reasons)| ((*action).to_owned(), reasons.iter().map(|r| (*r).to_owned()).collect()))
        .collect();
    assert_eq!(explained(project), expected);
}

#[test]
fn only_what_must_is_built_again_and_the_reason_is_told() {
    let project = chain();
    let first = explained(&project);
    assert!(first.iter().all(|(_, reasons)| reasons == &["it was not built in this directory before"]), "{first:?}");
    explains(&project, &[]);

    // A function that isn't inlined: only who links it sees a difference.
    project.edit("leaf/leaf.go", "return 1", "return 2");
    explains(
        &project,
        &[
            ("compile example.com/hello/leaf", &["leaf.go changed"]),
            ("link hello", &["the object code of example.com/hello/leaf changed"]),
        ],
    );

    // Another signature: importers see it.
    project.edit("leaf/leaf.go", "func L() int { return 2 }", "func L() int { return 3 }\n\nfunc Extra() {}");
    let all = explained(&project);
    assert_eq!(all[0], ("compile example.com/hello/leaf".to_owned(), vec!["leaf.go changed".to_owned()]));
    assert_eq!(all[1].0, "compile example.com/hello/middle");
    assert_eq!(all[1].1, ["the export data of example.com/hello/leaf changed"]);

    // New files, other imports, flags.
    project.write("other/more.go", "package other\n");
    project.edit("other/other.go", "package other\n", "package other\n\nimport _ \"unicode/utf8\"\n");
    let other = explained(&project).into_iter().find(|(action, _)| action == "compile example.com/hello/other").unwrap();
    assert_eq!(other.1, ["other.go changed", "more.go is new", "the export data of unicode/utf8 is new"]);
    project.edit("godirect.star", "platforms(", "profile(\"default\", gcflags = [\"-N\"], ldflags = [\"-s\"])\n\nplatforms(");
    let flags = explained(&project);
    let link = &flags.last().unwrap().1;
    assert!(link.contains(&"new arguments: -s".to_owned()), "{flags:?}");
    assert!(link.contains(&"the build information changed".to_owned()) || link.len() > 1, "{flags:?}");

    // And back: everything is in the cache still.
    project.edit("godirect.star", "profile(\"default\", gcflags = [\"-N\"], ldflags = [\"-s\"])\n\n", "");
    explains(&project, &[]);
    let printed = project.succeeds(&BUILD);
    assert!(printed.contains("(100 %), linked 0"), "{printed}");
}

#[test]
fn what_configurations_share_is_compiled_once() {
    let project = chain();
    project.edit(
        "godirect.star",
        "platforms(",
        "profile(\"small\", ldflags = [\"-s\"])\n\nbinary(\".\", name = \"hello\", profiles = [\"default\", \"small\"])\n\nplatforms(",
    );
    project.edit("leaf/leaf.go", "return 1", "return 77");
    let built: Value = serde_json::from_str(&project.succeeds(&[&BUILD[..], &["--explain", "--json"]].concat())).unwrap();
    let ran = built["explained"].as_array().unwrap().iter();
    let leaf: Vec<_> = ran.filter(|action| action["name"] == "example.com/hello/leaf").collect();
    assert_eq!(leaf.len(), 1, "{built}");
    assert_eq!((built["binaries"].as_array().unwrap().len(), &built["linked"]), (2, &Value::from(2)));
}

/// The pinned go command in a project, whose sources need no network.
fn go_build(project: &Project, arguments: &[&str]) -> Command {
    let mut command = Command::new(GOROOT.join("bin/go"));
    let cache = BUILD_CACHE.join("go-build");
    command
        .current_dir(project.root())
        .env_clear()
        .env("GOROOT", &*GOROOT)
        .env("GOCACHE", cache)
        .env("HOME", project.path("home"));
    command.envs([("GOTOOLCHAIN", "local"), ("GOENV", "off"), ("GOFLAGS", ""), ("CGO_ENABLED", "0"), ("GOPROXY", "off")]);
    command.args(["build", "-trimpath", "-buildvcs=false"]).args(arguments).args(["-o", "/dev/null", "."]);
    command
}

#[test]
fn tools_speak_as_in_go_build() {
    for (path, from, to) in [
        ("main.go", "other.O()", "other.P()"),
        ("leaf/leaf.go", "return 1", "return \"1\""),
        ("leaf/leaf.go", "func L() int", "func L() {} }"),
        ("middle/middle.go", "leaf.L()", "leaf.L(); x := 1"),
        ("other/other.go", "package other\n", "package other\n\nfunc missing()\n"),
    ] {
        let project = chain();
        project.edit(path, from, to);
        let ran = project.run(&BUILD);
        let go = project.ran(go_build(&project, &[]).output().unwrap());
        assert_eq!(go.code, Some(1));
        let (messages, last) = ran.stderr.trim_end().rsplit_once('\n').unwrap_or(("", &ran.stderr));
        // Syntax errors are found before anything runs.
        if ran.code == Some(1) {
            same(&go.stderr, &format!("{messages}\n"));
            assert!(last.starts_with("error: failed to build example.com/hello"), "{last}");
        }
    }
}

#[test]
fn what_tools_say_is_told_again_from_the_cache() {
    let project = chain();
    project.edit("godirect.star", "platforms(", "profile(\"default\", gcflags = [\"-m\"])\n\nplatforms(");
    let go = project.ran(go_build(&project, &["-gcflags=-m"]).output().unwrap());
    for _ in 0..2 {
        let ran = project.run(&BUILD);
        assert_eq!(ran.code, Some(0));
        // godirect gives a profile's flags to main packages alone, as the go command does without a pattern.
        same(&go.stderr, &ran.stderr);
    }
}

#[test]
fn keep_going_tells_all_failures() {
    let project = chain();
    project.edit("leaf/leaf.go", "return 1", "return \"a\"");
    project.edit("other/other.go", "return 1", "return \"b\"");
    let ran = project.run(&[&BUILD[..], &["--keep-going", "--jobs", "1"]].concat());
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    let mut lines: Vec<&str> = ran.stderr.lines().collect();
    let last = lines.pop().unwrap();
    let packages = "example.com/hello/leaf, example.com/hello/other";
    assert_eq!(last, format!("error: failed to build {packages}; 3 actions that need it were skipped"));
    lines.sort_unstable();
    let expected = [
        "# example.com/hello/leaf",
        "# example.com/hello/other",
        "leaf/leaf.go:4:23: cannot use \"a\" (untyped string constant) as int value in return statement",
        "other/other.go:4:23: cannot use \"b\" (untyped string constant) as int value in return statement",
    ];
    assert_eq!(lines, expected);
    let ran = project.run(&[&BUILD[..], &["--jobs", "1"]].concat());
    assert_eq!(ran.stderr.lines().filter(|line| line.starts_with('#')).count(), 1, "{}", ran.stderr);
}

/// Sends a signal by the system's own `kill`.
fn send(child: &Child, signal: &str) {
    let status = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

/// Whether some process runs a program below a directory.
fn runs_below(directory: &Path) -> bool {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
    let directory = directory.display().to_string();
    lines.map(|line| String::from_utf8_lossy(&line).into_owned()).any(|line| line.contains(&directory))
}

#[test]
fn signals_stop_all_tools_and_leave_nothing() {
    for (signal, number) in [("-INT", 2), ("-TERM", 15), ("-HUP", 1)] {
        let project = Project::example("01-hello");
        let cache = crate::support::cache_with_sdk(&project.path("cache"));
        let mut child = project.command(&BUILD).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let tools = cache.join("build/tmp");
        let start = Instant::now();
        while !runs_below(&tools) {
            assert!(start.elapsed() < Duration::from_secs(60) && child.try_wait().unwrap().is_none());
        }
        send(&child, signal);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.signal(), Some(number), "{:?}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stdout.is_empty() && output.stderr.is_empty(), "{:?}", String::from_utf8_lossy(&output.stderr));
        assert!(!runs_below(&tools));
        assert_eq!(fs::read_dir(&tools).unwrap().count(), 0, "scratch is left");
        assert!(!project.root().join("godirect-out").exists());
    }
}

#[test]
fn a_build_id_is_no_reason_to_compile_anything_again() {
    let project = chain();
    let build = |buildid: &str| {
        project.write(
            "godirect.star",
            &format!("platforms(\"linux/amd64\", \"linux/arm64\")\nprofile(\"q\", buildid = \"{buildid}\")\nbinary(\".\", profiles = [\"q\"])\n"),
        );
        let printed: Value = serde_json::from_str(&project.succeeds(&[&BUILD[..], &["--json"]].concat())).unwrap();
        ["compiled", "linked"].map(|what| printed[what].as_u64().unwrap())
    };
    let [compiled, linked] = build("none");
    assert!(compiled >= 3 && linked == 1, "{compiled} {linked}");
    assert_eq!(build("go"), [0, 1]);
    project.edit("leaf/leaf.go", "return 1", "return 2");
    assert_eq!(build("go"), [1, 1]);
    assert_eq!(build("none"), [0, 1]);
}
