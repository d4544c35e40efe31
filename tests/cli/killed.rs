//! `kill -9` at many moments: files are old or new, never half, and the next run is as if nothing had happened.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::{Project, Tree, cache_with_sdk, read_tree, with_module};

const KILLS: u32 = 20;

/// Runs the program and kills it after `delay`; tells whether it was still running.
fn kill_after(project: &Project, arguments: &[&str], delay: Duration) -> bool {
    let mut command = project.command(arguments);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(delay);
    child.kill().unwrap();
    child.wait().unwrap().code().is_none()
}

/// Calls `attempt` with moments that cover a run evenly, until it has killed the program [`KILLS`] times.
fn kill_often(mut run: Duration, mut attempt: impl FnMut(u32, Duration) -> bool) {
    let mut killed = 0;
    for i in 0..4 * KILLS {
        let moment = run.mul_f64(f64::from(killed) / f64::from(KILLS));
        match attempt(i, moment) {
            true => killed += 1,
            // How long a run takes depends on what else the machine does.
            false => run = run.mul_f64(0.9),
        }
        if killed == KILLS {
            return;
        }
    }
    panic!("only {killed} of {} runs were killed", 4 * KILLS);
}

/// Runs the program and kills it as soon as a file is there, or something else that it writes.
fn kill_at_sight(project: &Project, arguments: &[&str], path: &Path) -> bool {
    let mut child = project.command(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !path.exists() && child.try_wait().unwrap().is_none() {}
    child.kill().unwrap();
    child.wait().unwrap().code().is_none()
}

/// How long the program takes when nobody kills it.
fn time(project: &Project, arguments: &[&str]) -> Duration {
    let start = Instant::now();
    project.succeeds(arguments);
    start.elapsed()
}

fn is_temporary(path: &str) -> bool {
    Path::new(path).file_name().unwrap().to_str().unwrap().starts_with(".godirect-")
}

/// Every file is one of `old` or of `new`; returns whether it is all of either.
#[track_caller]
fn old_or_new(old: &Tree, new: &Tree, now: &Tree) -> bool {
    let known: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for (path, content) in now.iter().filter(|(path, _)| !is_temporary(path)) {
        assert!(known.contains(path), "{path} is new");
        let whole = old.get(path) == Some(content) || new.get(path) == Some(content);
        assert!(whole, "{path} is neither old nor new: {}", String::from_utf8_lossy(content));
    }
    for (path, _) in old.iter().filter(|(path, _)| new.contains_key(*path)) {
        assert!(now.contains_key(path), "{path} is lost");
    }
    now == old || now == new
}

#[test]
fn generate() {
    let project = Project::example("02-modules");
    let old = read_tree(&project.root());
    // Another platform: every generated list of the plan changes, and so do BUILD files by a new package.
    let change = |project: &Project| {
        project.edit("godirect.star", "\"linux/arm64\"", "\"linux/arm64\", platform(\"linux/amd64\", amd64 = \"v3\")");
        for i in 0..20 {
            project.write(&format!("many/p{i}/p.go"), &format!("package p{i}\n"));
        }
    };
    change(&project);
    let changed = read_tree(&project.root());
    let took = time(&project, &["generate"]);
    let new = read_tree(&project.root());
    assert!(new.len() >= changed.len() + 20 && new["nix/plan.json"] != old["nix/plan.json"]);
    let mut between = 0;
    kill_often(took, |i, moment| {
        let project = Project::in_directory(tempfile::tempdir().unwrap(), changed.clone());
        // Writing is a small part of the time, so half of the runs are killed once a certain file is there.
        let killed = match i % 2 {
            0 => kill_after(&project, &["generate"], moment),
            _ => kill_at_sight(&project, &["generate"], &project.root().join(format!("many/p{}/BUILD.bazel", i % 20))),
        };
        between += u32::from(!old_or_new(&changed, &new, &read_tree(&project.root())));
        project.succeeds(&["generate"]);
        assert!(read_tree(&project.root()) == new, "after a kill at {moment:?}");
        killed
    });
    println!("{between} kills in the middle of writing");
    assert!(between >= 1);
}

#[test]
fn what_a_killed_process_left_is_ignored_and_removed() {
    let project = Project::example("01-hello");
    let before = read_tree(&project.root());
    project.write(".godirect-abc123", "half of a fi");
    project.write("nix/.godirect-abc123", "{");
    assert_eq!(project.succeeds(&["generate", "--check"]), "");
    project.edit("nix/plan.json", "\"configurations\"", "\"configuration\"");
    project.edit("BUILD.bazel", "        \"runtime\",\n", "");
    project.succeeds(&["generate"]);
    assert!(read_tree(&project.root()) == before);
}

#[test]
fn lock() {
    let project = with_module();
    let sources = read_tree(&project.root());
    let took = time(&project, &["lock"]);
    let locked = read_tree(&project.root());
    // Old is another lock rather than none, and one of which nothing can be kept.
    let mut old = locked.clone();
    let other = project.read("godirect.lock.json").replace("\"version\": 2", "\"version\": 1");
    old.insert("godirect.lock.json".to_owned(), other.into_bytes());
    assert!(old != locked && sources.len() + 1 == locked.len());
    kill_often(took, |_, moment| {
        crate::support::write_tree(&project.root(), &old, old.keys());
        fs::remove_dir_all(project.path("cache")).unwrap();
        let killed = kill_after(&project, &["lock"], moment);
        old_or_new(&old, &locked, &read_tree(&project.root()));
        project.succeeds(&["lock"]);
        assert!(read_tree(&project.root()) == locked, "after a kill at {moment:?}");
        killed
    });
}

#[test]
fn build() {
    let example = Project::example("01-hello");
    example.write("main.go", "package main\n\nfunc main() { println(1) }\n");
    let sources = read_tree(&example.root());
    let project = || Project::in_directory(tempfile::tempdir().unwrap(), sources.clone());
    let undisturbed = project().with_build_cache();
    let build = ["build", "--platform", "linux/amd64"];
    undisturbed.succeeds(&build);
    let binary = |project: &Project| fs::read(project.root().join("godirect-out/linux_amd64/hello"));
    let expected = binary(&undisturbed).unwrap();
    let project = project();
    cache_with_sdk(&project.path("cache"));
    let mut killed = 0;
    // The whole build takes seconds: each run comes a bit further, and the last ones are killed when they write the result.
    for i in 0..KILLS {
        killed += u32::from(kill_after(&project, &build, Duration::from_millis(20 + u64::from(i % 6) * 60)));
        if let Ok(content) = binary(&project) {
            assert!(content == expected);
            fs::remove_file(project.root().join("godirect-out/linux_amd64/hello")).unwrap();
        }
        assert!(read_tree(&project.root()) == sources);
    }
    println!("{killed} of {KILLS} killed");
    assert!(killed >= KILLS / 2);
    project.succeeds(&build);
    assert!(binary(&project).unwrap() == expected);
    let took = time(&project, &build);
    kill_often(took, |_, moment| {
        fs::remove_file(project.root().join("godirect-out/linux_amd64/hello")).unwrap();
        let killed = kill_after(&project, &build, moment);
        assert!(binary(&project).ok().is_none_or(|content| content == expected));
        project.succeeds(&build);
        assert!(binary(&project).unwrap() == expected);
        killed
    });
    let names: Vec<_> = fs::read_dir(project.root().join("godirect-out/linux_amd64")).unwrap().collect();
    assert_eq!(names.len(), 1, "{names:?}");
}
