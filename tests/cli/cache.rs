//! `godirect cache`, and what `build` remembers of a run that had nothing to do.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Project, cache_with_sdk, error};

const BUILD: [&str; 3] = ["build", "--platform", "linux/amd64"];

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// A built project with a cache of its own; its spec prints when it is evaluated, and not when the build is remembered.
fn built() -> Project {
    let project = Project::example("01-hello");
    project.write("main.go", "package main\n\nfunc main() { println(1) }\n");
    cache_with_sdk(&project.path("cache"));
    let spec = project.read("godirect.star");
    project.write("godirect.star", &format!("{spec}print(\"evaluated\")\n"));
    assert_eq!(project.run(&BUILD).code, Some(0));
    project
}

#[test]
fn what_is_there_is_counted_pruned_and_checked() {
    let project = built();
    let stats = || parsed(&project.succeeds(&["cache", "stats", "--json"]));
    let all = stats();
    assert_eq!((&all["version"], &all["max_bytes"]), (&json!(1), &json!(10_u64 << 30)));
    let (actions, bytes) = (all["build"]["actions"].as_u64().unwrap(), all["build"]["bytes"].as_u64().unwrap());
    assert!(actions > 20 && bytes > 1_000_000, "{all}");
    let text = project.succeeds(&["cache", "stats"]);
    assert!(text.starts_with("cache    $TMP/cache\nbuild    "), "{text}");
    assert!(text.contains("at most 10.00 GiB\nsdk      SDKs, "), "{text}");

    let checked = parsed(&project.succeeds(&["cache", "verify", "--json"]));
    assert_eq!(checked["damaged"], json!([]));
    let pruned = parsed(&project.succeeds(&["cache", "prune", "--max-size", "1MB", "--json"]));
    let left = stats();
    assert_eq!(pruned["left"], left["build"]);
    assert!(left["build"]["bytes"].as_u64().unwrap() < 1_200_000, "{left}");
    assert_eq!(pruned["removed"]["actions"].as_u64().unwrap() + left["build"]["actions"].as_u64().unwrap(), actions);
    project.succeeds(&["cache", "prune", "--max-size", "0"]);
    assert_eq!(stats()["build"]["actions"], json!(0));
    assert_eq!(stats()["build"]["blob_bytes"], json!(0));
}

#[test]
fn sizes_that_are_none() {
    let project = Project::example("01-hello");
    let help = "write a whole number of bytes, or one with a unit: 512MiB, 20GB";
    project.fails(&["cache", "prune", "--max-size", "much"], 2, &error("`much` is not a size", help));
    let project = project.env("GODIRECT_CACHE_SIZE", "1.5GB");
    project.fails(&["cache", "stats"], 2, &error("GODIRECT_CACHE_SIZE: `1.5GB` is not a size", help));
    project.fails(&BUILD, 2, &error("GODIRECT_CACHE_SIZE: `1.5GB` is not a size", help));
}

#[test]
fn a_build_trims_to_the_size_that_is_set() {
    let project = built().env("GODIRECT_CACHE_SIZE", "0");
    let hours_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(30 * 60 * 60);
    let mut open = vec![project.path("cache/build")];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => open.push(path),
                false => fs::File::options().append(true).open(path).unwrap().set_modified(hours_ago).unwrap(),
            }
        }
    }
    project.edit("main.go", "1", "2");
    project.run(&BUILD);
    let left = parsed(&project.succeeds(&["cache", "stats", "--json"]));
    // What this build used is young, although another program may have been quicker to trim than the build to use it.
    project.run(&BUILD);
    let binary = std::process::Command::new(project.root().join("godirect-out/linux_amd64/hello")).output().unwrap();
    assert_eq!(String::from_utf8(binary.stderr).unwrap(), "2\n");
    assert!(left["build"]["actions"].as_u64().unwrap() < 50, "{left}");
}

/// Whether the build had nothing to do and knew it; what it says is the same either way.
#[track_caller]
fn is_remembered(project: &Project, arguments: &[&str]) -> bool {
    let ran = project.run(arguments);
    assert!(ran.code == Some(0) && ran.stdout.contains("godirect-out/linux_amd64/hello"), "{ran:?}");
    assert!(ran.stderr.is_empty() || ran.stderr.contains("evaluated"), "{ran:?}");
    ran.stderr.is_empty()
}

#[test]
fn nothing_is_done_twice() {
    let project = built();
    let output = project.root().join("godirect-out/linux_amd64/hello");
    let binary = fs::read(&output).unwrap();
    let json = |ran: &str| parsed(ran);
    assert!(is_remembered(&project, &BUILD));
    let remembered = json(&project.succeeds(&[&BUILD[..], &["--json", "--explain"]].concat()));
    let build_memo = || fs::read_dir(project.path("cache/memo")).unwrap().map(|e| e.unwrap().path()).collect::<Vec<_>>();
    assert_eq!(build_memo().len(), 1);
    fs::remove_file(&build_memo()[0]).unwrap();
    let again = project.run(&[&BUILD[..], &["--json", "--explain"]].concat());
    assert_eq!(json(&again.stdout), remembered);
    assert!(is_remembered(&project, &BUILD));

    // Everything that a build reads or writes.
    let change = |what: &dyn Fn()| {
        what();
        assert!(!is_remembered(&project, &BUILD));
        assert!(is_remembered(&project, &BUILD));
    };
    change(&|| fs::write(&output, "damaged").unwrap());
    assert_eq!(fs::read(&output).unwrap(), binary);
    change(&|| fs::remove_file(&output).unwrap());
    change(&|| project.edit("main.go", "println(1)", "println(2)"));
    change(&|| project.write("more.go", "package main\n"));
    change(&|| project.write("sub/sub.go", "package sub\n"));
    change(&|| project.edit("go.mod", "module example.com/hello", "module example.com/hello // comment"));
    change(&|| project.write("godirect.lock.json", &format!("{}\n", project.read("godirect.lock.json"))));
    change(&|| fs::write(&build_memo()[0], "damaged").unwrap());
    // A file that is as it was is no change.
    project.write("more.go", "package main\n");
    assert!(is_remembered(&project, &BUILD));
    // Each set of arguments is another build.
    assert!(!is_remembered(&project, &["build", "--platform", "linux_amd64"]));
    assert!(is_remembered(&project, &BUILD));
}
