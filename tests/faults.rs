//! What can go wrong around a build: kills, full disks, damaged caches, other builds, clocks that jump. The result is always right, or
//! there is a clear error; and what a fault left never makes a later build wrong.
//!
//! ```sh
//! GODIRECT_TEST_KILLS=200 cargo test --test faults kill     # instead of 20
//! ```

#[path = "support/random.rs"]
#[allow(dead_code)]
mod random;
#[path = "support/cli.rs"]
#[allow(dead_code)]
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use random::Random;
use support::{BUILD_CACHE, GODIRECT, Project, cache_with_sdk, provisioned};

const BUILD: [&str; 3] = ["build", "--platform", "linux/amd64"];
const BINARY: &str = "godirect-out/linux_amd64/hello";
const NO_SPACE: &str = "o space left on device";

/// A program of three packages, which needs little of std.
fn project() -> Project {
    let project = Project::example("01-hello");
    project.write("main.go", "package main\n\nimport \"example.com/hello/a\"\n\nfunc main() { println(a.A()) }\n");
    project.write("a/a.go", "package a\n\nimport \"example.com/hello/b\"\n\nfunc A() int { return b.B() + 1 }\n");
    project.write("b/b.go", "package b\n\n//go:noinline\nfunc B() int { return 41 }\n");
    project
}

/// The right binary of [`project`].
static EXPECTED: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let project = project().with_build_cache();
    project.succeeds(&BUILD);
    binary(&project).unwrap()
});

fn binary(project: &Project) -> Option<Vec<u8>> {
    fs::read(project.root().join(BINARY)).ok()
}

/// A copy of what [`EXPECTED`] left in the cache, which a test may damage: links, until something replaces them.
fn filled_cache(project: &Project) -> PathBuf {
    LazyLock::force(&EXPECTED);
    let cache = cache_with_sdk(&project.path("cache"));
    let copied = Command::new("cp").arg("-r").arg(BUILD_CACHE.join("build")).arg(&cache).status().unwrap();
    assert!(copied.success());
    cache.join("build")
}

/// All files of the action cache, sorted: results, what explains them, and outputs.
fn entries(build: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for kind in ["action", "blob", "why", "last"] {
        let mut open = vec![build.join(kind)];
        while let Some(directory) = open.pop() {
            for entry in fs::read_dir(directory).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() { open.push(path) } else { files.push(path) }
            }
        }
    }
    files.sort();
    files
}

/// Builds what isn't there yet, and compares.
#[track_caller]
fn builds_right(project: &Project) {
    let _ = fs::remove_file(project.root().join(BINARY));
    let ran = project.run(&BUILD);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    assert!(binary(project).as_ref() == Some(&*EXPECTED), "another binary");
}

#[test]
fn kill_at_any_moment() {
    let kills: usize = std::env::var("GODIRECT_TEST_KILLS").map_or(20, |text| text.parse().expect("a number of kills"));
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let project = project();
    let build = filled_cache(&project);
    let (mut killed, mut rounds) = (0, 0);
    while killed < kills {
        rounds += 1;
        assert!(rounds < 5 * kills + 20, "only {killed} of {rounds} runs were killed");
        // Something to do: a few actions are forgotten, with their outputs or without.
        for path in entries(&build) {
            if random.once_in(8) {
                fs::remove_file(path).unwrap();
            }
        }
        let _ = fs::remove_file(project.root().join(BINARY));
        let mut child = project.command(&BUILD).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(random.below(600) as u64));
        child.kill().unwrap();
        killed += usize::from(child.wait().unwrap().code().is_none());
        assert!(binary(&project).is_none_or(|content| content == *EXPECTED), "a wrong binary after kill {killed}");
        // Nothing is half-written; what misses its outputs was made so above.
        let checked = project.run(&["cache", "verify"]);
        let half = checked.stdout.lines().find(|l| l.starts_with("removed") && !l.contains("damaged or missing"));
        assert_eq!(half, None, "after kill {killed}");
        if rounds % 5 == 0 {
            builds_right(&project);
        }
    }
    builds_right(&project);
    let left: Vec<_> = fs::read_dir(build.join("tmp")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    println!("{killed} kills in {rounds} runs");
}

#[test]
fn damaged_entries() {
    let project = project();
    let build = filled_cache(&project);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for round in 0..6 {
        let all = entries(&build);
        let mut damaged = 0;
        for path in &all {
            if round > 0 && !random.once_in(4) {
                continue;
            }
            let mut content = fs::read(path).unwrap();
            let at = random.below(content.len().max(1));
            match random.below(4) {
                0 => content.truncate(at),
                1 if !content.is_empty() => content[at] ^= 1 << random.below(8),
                2 => content.clear(),
                _ => content.push(b'!'),
            }
            fs::write(path, content).unwrap();
            damaged += 1;
        }
        builds_right(&project);
        println!("{damaged} of {} entries damaged", all.len());
        assert!(damaged > all.len() / 8);
    }
    // Every output, and nothing else: all records are believed at first.
    let damage_outputs = || {
        for path in entries(&build).iter().filter(|path| path.starts_with(build.join("blob"))) {
            fs::write(path, "damaged").unwrap();
        }
    };
    damage_outputs();
    fs::remove_dir_all(build.join("last")).unwrap();
    project.edit("b/b.go", "41", "40");
    assert_eq!(project.run(&BUILD).code, Some(0));
    project.edit("b/b.go", "40", "41");
    builds_right(&project);
    damage_outputs();
    let checked = project.run(&["cache", "verify"]);
    assert_eq!((checked.code, project.run(&["cache", "verify"]).code), (Some(4), Some(0)), "{}", checked.stdout);
    builds_right(&project);
}

#[test]
fn several_builds_at_once() {
    let first = project();
    let cache = cache_with_sdk(&first.path("cache"));
    let others: Vec<Project> = (0..1).map(|_| project().env("GODIRECT_CACHE", cache.display())).collect();
    let projects: Vec<&Project> = others.iter().chain([&first]).collect();
    let spawn = |project: &&Project| project.command(&BUILD).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut children: Vec<_> = projects.iter().map(spawn).collect();
    // And somebody removes everything again and again.
    let mut pruned = 0;
    while children.iter_mut().any(|child| child.try_wait().unwrap().is_none()) {
        std::thread::sleep(Duration::from_millis(700));
        if pruned < 4 {
            first.succeeds(&["cache", "prune", "--max-size", "0"]);
            pruned += 1;
        }
    }
    for (child, project) in children.into_iter().zip(&projects) {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(binary(project).as_ref() == Some(&*EXPECTED));
    }
    println!("pruned {pruned} times");
    assert!(pruned > 0);
}

#[test]
fn a_full_disk() {
    LazyLock::force(&EXPECTED);
    // In a mount namespace of its own, so that nobody else sees the small disk; for root alone.
    let script = r#"
        set -eu
        mount -t tmpfs -o size=$SIZE tmpfs "$GODIRECT_CACHE"
        ln -s "$SDK" "$GODIRECT_CACHE/sdk"
        "$@" && exit 100
        echo "exit $?" >&2
        test ! -e godirect-out
        mount -o remount,size=400m "$GODIRECT_CACHE"
        exec "$@"
    "#;
    for size in ["256k", "2m", "12m"] {
        let project = project();
        let cache = project.path("cache");
        fs::create_dir_all(&cache).unwrap();
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", script, "sh", GODIRECT]).args(BUILD).current_dir(project.root());
        command.envs(&project.env).env("SIZE", size).env("SDK", BUILD_CACHE.join("sdk"));
        let ran = project.ran(command.output().unwrap());
        assert_eq!(ran.code, Some(0), "{size}: {}", ran.stderr);
        assert!(ran.stderr.contains(NO_SPACE) && ran.stderr.ends_with("exit 3\n"), "{size}: {}", ran.stderr);
        assert!(binary(&project).as_ref() == Some(&*EXPECTED));
    }
}

#[test]
fn a_full_disk_where_binaries_go() {
    let script = r#"
        set -eu
        mkdir godirect-out
        mount -t tmpfs -o size=64k tmpfs godirect-out
        "$@" && exit 100
        echo "exit $?" >&2
        test -z "$(find godirect-out -type f)"
    "#;
    let project = project().with_build_cache();
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script, "sh", GODIRECT]).args(BUILD).current_dir(project.root()).envs(&project.env);
    let ran = project.ran(command.output().unwrap());
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stderr.contains(NO_SPACE) && ran.stderr.ends_with("exit 3\n"), "{}", ran.stderr);
}

/// Sets when a file was written.
fn written_at(path: &Path, time: SystemTime) {
    fs::File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
}

#[test]
fn times_of_files_that_jump() {
    const YEARS: Duration = Duration::from_secs(50 * 365 * 24 * 60 * 60);
    let project = project();
    let build = filled_cache(&project);
    let source = project.root().join("b/b.go");
    let with = |value: &str| format!("package b\n\n//go:noinline\nfunc B() int {{ return {value} }}\n");
    let mut value = 10;
    for time in [SystemTime::now() + YEARS, SystemTime::UNIX_EPOCH, SystemTime::now() - YEARS] {
        for path in entries(&build) {
            written_at(&path, time);
        }
        // The same length, and afterwards the same time: only the content tells.
        for _ in 0..2 {
            value += 1;
            project.write("b/b.go", &with(&value.to_string()));
            written_at(&source, time);
            project.succeeds(&BUILD);
            let out = Command::new(project.root().join(BINARY)).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&out.stderr), format!("{}\n", value + 1));
        }
        project.write("b/b.go", &with("41"));
        written_at(&source, time);
        builds_right(&project);
    }
}

#[test]
fn a_clock_that_jumps() {
    let faketime = provisioned("faketime.sh");
    let project = project();
    filled_cache(&project);
    let mut value = 10;
    for clock in ["+10 years", "-10 years", "+1 day", "-1 day", "+0 days"] {
        for _ in 0..2 {
            value += 1;
            project.write("b/b.go", &format!("package b\n\n//go:noinline\nfunc B() int {{ return {value} }}\n"));
            let mut command = Command::new(&faketime);
            command.args(["-f", clock, GODIRECT]).args(BUILD).current_dir(project.root()).envs(&project.env);
            let ran = project.ran(command.output().unwrap());
            assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{clock}");
            let out = Command::new(project.root().join(BINARY)).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&out.stderr), format!("{}\n", value + 1), "{clock}");
        }
    }
    project.write("b/b.go", "package b\n\n//go:noinline\nfunc B() int { return 41 }\n");
    builds_right(&project);
}
