//! What programs and shells read: JSON, plain text in pipes, completions, and `-C`.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::{GOROOT, Project, read_tree, repository, with_module};

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

#[test]
fn json_of_lock() {
    let project = with_module();
    let summary = |changed, changes: &[Value]| json!({"version": 1, "changed": changed, "go": ["1.27.3"], "modules": 1, "packages": 1, "changes": changes});
    let new = json!({"subject": "lock", "name": "godirect.lock.json", "kind": "added"});
    assert_eq!(parsed(&project.succeeds(&["--json", "lock"])), summary(true, &[new]));
    assert_eq!(parsed(&project.succeeds(&["lock", "--json"])), summary(false, &[]));
    assert_eq!(parsed(&project.succeeds(&["lock", "--json", "--check"])), summary(false, &[]));
}

#[test]
fn json_of_generate() {
    let project = Project::example("01-hello");
    let summary = |changed: &[&str]| json!({"version": 1, "changed": changed, "files": 17});
    assert_eq!(parsed(&project.succeeds(&["--json", "generate"])), summary(&[]));
    assert_eq!(parsed(&project.succeeds(&["--json", "generate", "--check"])), summary(&[]));
    project.edit("BUILD.bazel", "        \"runtime\",\n", "");
    fs::remove_file(project.root().join("nix/plan.json")).unwrap();
    let ran = project.run(&["--json", "generate", "--check"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), ""));
    assert_eq!(parsed(&ran.stdout), summary(&["BUILD.bazel", "nix/plan.json"]));
    assert_eq!(parsed(&project.succeeds(&["--json", "generate"])), summary(&["BUILD.bazel", "nix/plan.json"]));
}

#[test]
fn json_of_build() {
    let project = Project::example("01-hello").with_build_cache();
    let build = ["--json", "build", "--platform", "linux/amd64"];
    let printed = parsed(&project.succeeds(&build));
    let path = "godirect-out/linux_amd64/hello";
    let binary = fs::read(project.root().join(path)).unwrap();
    let packages = printed["compiled"].as_u64().unwrap() + printed["reused"].as_u64().unwrap();
    assert!(packages > 50);
    let binaries = json!([{
        "name": "hello",
        "configuration": "linux_amd64",
        "path": path,
        "sha256": godirect::digest::Sha256::of(&binary).to_string(),
        "size": binary.len(),
    }]);
    assert_eq!(
        parsed(&project.succeeds(&build)),
        json!({"version": 1, "binaries": binaries, "compiled": 0, "reused": packages, "linked": 0})
    );
    let goroot = json!({"version": 1, "go": "1.27.3", "goroot": project.env["GODIRECT_CACHE"].clone() + "/sdk/"
        + GOROOT.file_name().unwrap().to_str().unwrap()});
    assert_eq!(parsed(&project.succeeds(&["--json", "goroot"])), goroot);
    let out = Command::new(project.root().join(path)).output().unwrap();
    assert_eq!(String::from_utf8(out.stdout).unwrap(), "hello from go1.27.3 on linux/amd64\n");
}

#[test]
fn json_of_failures_is_an_exit_code_and_a_message() {
    let project = Project::example("01-hello");
    fs::remove_file(project.root().join("godirect.lock.json")).unwrap();
    for verb in ["generate", "build"] {
        project.fails(&["--json", verb], 2, &crate::support::error("there is no godirect.lock.json", "run `godirect lock`"));
    }
}

#[test]
fn all_from_nothing() {
    for json in [false, true] {
        let text = |name: &str| fs::read_to_string(repository("examples/01-hello").join(name)).unwrap();
        let project = Project::new(&[("go.mod", &text("go.mod")), ("main.go", &text("main.go"))]).with_user_cache();
        let all = ["all", "--platform", "linux/amd64", "--json"];
        let printed = project.succeeds(&all[..if json { 4 } else { 3 }]);
        let binary = fs::read(project.root().join("godirect-out/linux_amd64/hello")).unwrap();
        let sha256 = godirect::digest::Sha256::of(&binary).to_string();
        if json {
            let printed = parsed(&printed);
            assert_eq!((&printed["version"], &printed["binaries"][0]["sha256"]), (&json!(1), &json!(sha256)));
            continue;
        }
        let words: Vec<&str> = printed.lines().filter_map(|line| line.get(..8)).map(str::trim).collect();
        // The lock and seventeen generated files.
        let expected = [&["wrote", "sdk", "modules"][..], &["wrote"; 18], &["", "compiled", "binary", "next"]].concat();
        assert_eq!(words, expected, "{printed}");
        assert!(printed.contains(&sha256), "{printed}");
    }
}

#[test]
fn another_directory() {
    let project = Project::example("01-hello").with_build_cache();
    let before = read_tree(&project.root());
    let run =
        |directory: &Path, arguments: &[&str]| project.ran(project.command(arguments).current_dir(directory).output().unwrap());
    project.edit("BUILD.bazel", "        \"runtime\",\n", "");
    let home = project.path("home");
    let ran = run(&home, &["-C", "../repo", "generate"]);
    assert_eq!(ran.stdout, "wrote    BUILD.bazel\n         1 of 17 generated files  TIME\n");
    assert!(read_tree(&project.root()) == before);
    let ran = run(Path::new("/"), &["generate", "--check", "-C", project.root().to_str().unwrap()]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), "", ""));
    let ran = run(&home, &["build", "--platform", "linux/amd64", "-C", "../repo"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    assert!(ran.stdout.contains("  ../repo/godirect-out/linux_amd64/hello  "), "{}", ran.stdout);
    assert!(project.root().join("godirect-out/linux_amd64/hello").is_file());
    assert_eq!(fs::read_dir(&home).unwrap().count(), 0, "nothing is written elsewhere");
}

#[test]
fn pipes_get_plain_text() {
    for variables in [vec![], vec![("NO_COLOR", "1")], vec![("TERM", "xterm-256color")]] {
        let mut project = Project::example("01-hello").with_build_cache();
        project.env.extend(variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
        project.edit("BUILD.bazel", "        \"runtime\",\n", "");
        for arguments in [
            &["generate", "--check"][..],
            &["generate"],
            &["build", "--platform", "linux/amd64"],
            &["build", "--platform", "nosuch"],
            &["goroot"],
            &["platforms"],
            &["--help"],
            &["frob"],
        ] {
            let ran = project.run(arguments);
            assert!(!ran.stdout.contains('\u{1b}') && !ran.stderr.contains('\u{1b}'), "{arguments:?}: {ran:?}");
        }
    }
}

#[test]
fn a_reader_that_goes_away_is_no_crash() {
    let project = Project::example("01-hello");
    for arguments in [&["platforms"][..], &["--help"], &["completions", "bash"], &["generate"], &["--json", "generate"]] {
        let mut child = project.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }
    // A full disk is no reader that went away.
    for arguments in [&["platforms"][..], &["completions", "bash"], &["--json", "generate"]] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = project.command(arguments).stdout(full).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        let expected = "error: failed to write to standard output: No space left on device (os error 28)\n";
        assert_eq!((output.status.code(), stderr.as_str()), (Some(3), expected), "{arguments:?}");
    }
}

#[test]
fn completions_that_bash_accepts() {
    let project = Project::new(&[]);
    let script = project.succeeds(&["completions", "bash"]);
    assert!(script.contains("godirect"));
    let mut bash =
        Command::new("bash").arg("-n").stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("bash is installed");
    bash.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = bash.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    for shell in ["zsh", "fish", "elvish", "powershell"] {
        assert!(project.succeeds(&["completions", shell]).contains("godirect"));
    }
}
