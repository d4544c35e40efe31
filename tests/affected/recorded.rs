//! Files that a test has looked at, as its own log says: `go test` runs it again if and only if one of them has changed, and so it is affected.

use std::process::Command;

use super::oracle::cache;
use super::support::{GOROOT, Project, error};
use super::{affected, base, commit, git, run};

/// A test that no rule can follow: names of files are put together while it runs.
const TEST: &str = r#"package dyn

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func place(elements ...string) string { return strings.ToLower(filepath.Join(elements...)) }

func TestReads(t *testing.T) {
	up := string([]byte{'.', '.'})
	for _, name := range []string{place("CONF", "A.TXT"), place(up, "SHARED", "WORDS.TXT")} {
		if _, err := os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.ReadDir(place("LIST")); err != nil {
		t.Fatal(err)
	}
	os.Stat(place("MAYBE.TXT"))
	os.Chdir(place("CHANGED"))
	os.ReadFile(place("HERE.TXT"))
}
"#;

fn project() -> Project {
    let project = base();
    project.write("dyn/dyn_test.go", TEST);
    for file in ["conf/a.txt", "conf/b.txt", "list/old.txt", "list/sub/x.txt", "changed/here.txt", "changed/more.txt"] {
        project.write(&format!("dyn/{file}"), "text\n");
    }
    commit(&project, "a test that reads");
    project
}

/// What the go command says of the test: whether it had to run.
fn go_test(project: &Project, arguments: &[&str]) -> bool {
    // The go command doesn't trust files of the last seconds; directories have times, too.
    let touched = Command::new("find")
        .args([".", "-exec", "touch", "-h", "-d", "2020-01-01", "{}", "+"])
        .current_dir(project.root())
        .status();
    assert!(touched.unwrap().success());
    go_test_as_it_is(project, arguments)
}

fn go_test_as_it_is(project: &Project, arguments: &[&str]) -> bool {
    let mut go = Command::new(GOROOT.join("bin/go"));
    go.args(["test", "-vet=off", "./dyn"]).args(arguments).current_dir(project.root()).env_clear();
    for variable in ["GOPROXY", "HTTPS_PROXY", "https_proxy", "SSL_CERT_FILE"] {
        go.envs(std::env::var(variable).map(|value| (variable, value)));
    }
    go.envs([("GOTOOLCHAIN", "local"), ("GOENV", "off"), ("GOSUMDB", "off"), ("CGO_ENABLED", "0"), ("PATH", "/usr/bin:/bin")]);
    go.envs([("GOFLAGS", "-buildvcs=false -modcacherw")]);
    go.env("GOCACHE", cache("go-build")).env("GOPATH", cache("go")).env("HOME", cache("home"));
    let output = go.output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && printed.starts_with("ok  \t"), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    !printed.contains("(cached)")
}

fn is_affected(project: &Project) -> bool {
    affected(project, &[]).iter().any(|(target, _)| target == "test example.com/m/dyn")
}

/// A change of a file, `None` removes it, and whether the test sees it.
const CHANGES: [(&str, Option<&str>, bool); 13] = [
    ("dyn/conf/a.txt", Some("other\n"), true),
    ("dyn/conf/b.txt", Some("other\n"), false),
    ("dyn/conf/c.txt", Some("new\n"), false),
    ("shared/words.txt", Some("other\n"), true),
    ("shared/more.txt", Some("new\n"), false),
    ("dyn/list/new.txt", Some("new\n"), true),
    ("dyn/list/old.txt", None, true),
    ("dyn/list/sub/x.txt", Some("other\n"), false),
    ("dyn/maybe.txt", Some("new\n"), true),
    ("dyn/changed/here.txt", Some("other\n"), true),
    ("dyn/changed/new.txt", Some("new\n"), true),
    ("lib/README.md", Some("other\n"), false),
    ("dyn/conf/a.txt", None, true),
];

#[test]
fn what_is_recorded_is_what_the_go_command_looks_at() {
    let project = project();
    // Nothing in its code says so.
    project.write("dyn/conf/a.txt", "other\n");
    assert!(!is_affected(&project));
    git(&project, &["checkout", "-q", "."]);
    let ran = project.run(&["test", "--record", "./dyn", "./lib"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), "recorded what tests have looked at in godirect.reads.json\n"));
    let wanted = "    \"example.com/m/dyn\": [\"dyn/changed\",\"dyn/changed/here.txt\",\"dyn/conf/a.txt\",\"dyn/list\",\"dyn/maybe.txt\",\"shared/words.txt\"]";
    let recorded = project.read("godirect.reads.json");
    assert!(recorded.contains(wanted), "{recorded}");
    commit(&project, "recorded");
    assert!(!is_affected(&project));
    for (path, content, sees) in CHANGES {
        let what = format!("{path}: {content:?}");
        if path == "dyn/conf/a.txt" && content.is_none() {
            // The test would fail.
            std::fs::remove_file(project.root().join(path)).unwrap();
            assert_eq!(is_affected(&project), sees, "{what}");
            git(&project, &["checkout", "-q", "."]);
            continue;
        }
        go_test(&project, &[]);
        assert!(!go_test(&project, &[]), "the go command runs the test again before {what}");
        match content {
            Some(text) => project.write(path, text),
            None => std::fs::remove_file(project.root().join(path)).unwrap(),
        }
        assert_eq!(go_test_as_it_is(&project, &[]), sees, "go test after {what}");
        assert_eq!(is_affected(&project), sees, "{what}");
        git(&project, &["checkout", "-q", "."]);
        git(&project, &["clean", "-qfd"]);
    }
}

#[test]
fn results_that_are_remembered_are_recorded_again_and_nothing_is_taken_away() {
    let project = project();
    project.succeeds(&["test", "./dyn"]);
    project.write(
        "godirect.reads.json",
        "{\"version\": 1, \"tests\": {\"example.com/m/dyn\": [\"x\"], \"example.com/m/gone\": [\"y\"]}}",
    );
    let ran = project.run(&["test", "--record", "./dyn"]);
    assert!(ran.stdout.contains("(cached)"), "{}", ran.stdout);
    let recorded = project.read("godirect.reads.json");
    assert!(recorded.contains("\"dyn/maybe.txt\",\"shared/words.txt\",\"x\"]"), "{recorded}");
    assert!(recorded.contains("    \"example.com/m/gone\": [\"y\"]\n"), "{recorded}");
    // Once more it is the same. Tests that are not remembered note it, too.
    for arguments in [&["--record"][..], &["--record", "--count", "1"]] {
        let ran = project.run(&[&["test", "./dyn"], arguments].concat());
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
        assert_eq!(project.read("godirect.reads.json"), recorded);
    }
}

#[test]
fn logs_of_the_go_command_are_imported() {
    let project = project();
    let log = project.path("dyn.log").display().to_string();
    go_test(&project, &["-args", &format!("-test.testlogfile={log}")]);
    let import = format!("example.com/m/dyn={log}");
    let ran = project.run(&["test", "--import-log", &import]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""), "{}", ran.stderr);
    let imported = project.read("godirect.reads.json");
    std::fs::remove_file(project.root().join("godirect.reads.json")).unwrap();
    project.run(&["test", "--record", "./dyn"]);
    assert_eq!(project.read("godirect.reads.json"), imported);
    project.write("no.log", "anything\n");
    let wrong = error("no.log is no log of a test program", "`go test PACKAGE -args -test.testlogfile=FILE` writes one");
    project.fails(&["test", "--import-log", "example.com/m/dyn=no.log"], 2, &wrong);
    let wrong = error("`no.log` doesn't say whose log it is", "write the import path of the package, `=`, and the file");
    project.fails(&["test", "--import-log", "no.log"], 2, &wrong);
}

#[test]
fn a_record_that_can_not_be_understood() {
    for (text, why) in [
        ("{", "EOF while parsing an object at line 1 column 1"),
        ("{\"version\": 2, \"tests\": {}}", "the version is 2, and this program knows 1"),
        ("{\"version\": 1, \"tests\": {\"a\": [\"../x\"]}}", "`../x` is no place in the repository"),
    ] {
        let project = base();
        project.write("godirect.reads.json", text);
        let ran = run(&project, &[]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
        let wanted = format!("godirect.reads.json: these are no recorded reads of tests: {why}");
        assert!(ran.stderr.contains(&wanted), "{}", ran.stderr);
    }
}
