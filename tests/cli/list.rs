//! `godirect list` beside `go list -e -json` of the pinned SDK, on small repositories where something is wrong, and on random ones.

#[path = "list/random.rs"]
mod random;
#[path = "list/remembered.rs"]
mod remembered;
#[path = "list/trees.rs"]
mod trees;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};

use crate::support::registry::Registry;
use crate::support::{GOROOT, Project, SMALL_SDK, Tree, error, read_tree, same};

/// What the two print of packages.
type Objects = Vec<Map<String, Value>>;

/// A platform, whether cgo is on, flags, patterns.
struct View<'v> {
    platform: &'v str,
    cgo: bool,
    flags: &'v [&'v str],
    patterns: &'v [&'v str],
}

impl Default for View<'_> {
    fn default() -> Self {
        View { platform: "linux/amd64", cgo: true, flags: &["-deps", "-test"], patterns: &["./..."] }
    }
}

/// A repository without dependencies, which has the lock of an example.
fn repository(files: &[(&str, &str)]) -> Project {
    let project = Project::example("01-hello").with_build_cache();
    fs::remove_file(project.root().join("main.go")).unwrap();
    project.write("lockedcommand/main.go", "package main\n\nfunc main() {}\n");
    project.edit("godirect.star", "nix()", "binary(\"./lockedcommand\")\n\nnix()");
    files.iter().for_each(|(path, text)| project.write(path, text));
    age(&project.root());
    project
}

/// Makes files older than what the go command's index takes for finished.
fn age(directory: &Path) {
    let past = SystemTime::now() - Duration::from_secs(3600);
    for name in read_tree(directory).keys() {
        File::options().write(true).open(directory.join(name)).unwrap().set_modified(past).unwrap();
    }
}

fn objects(text: &str) -> Objects {
    serde_json::Deserializer::from_str(text).into_iter::<Map<String, Value>>().map(Result::unwrap).collect()
}

fn ours(project: &Project, view: &View) -> Objects {
    let mut arguments = vec!["list", "-e", "--json", "--platform", view.platform];
    arguments.push(if view.cgo { "--cgo" } else { "--no-cgo" });
    let flags: Vec<String> = view.flags.iter().map(|flag| format!("-{flag}")).collect();
    arguments.extend(flags.iter().map(String::as_str));
    arguments.extend(view.patterns);
    let output = project.command(&arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    objects(&String::from_utf8(output.stdout).unwrap())
}

fn theirs(project: &Project, view: &View) -> Objects {
    let caches = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let goroot = PathBuf::from(&project.env["GODIRECT_CACHE"]).join("sdk").join(GOROOT.file_name().unwrap());
    let (goos, goarch) = view.platform.split_once('/').unwrap();
    let mut command = Command::new(goroot.join("bin/go"));
    command.args(["list", "-e", "-json"]).args(view.flags).args(view.patterns).current_dir(project.root()).env_clear();
    command.env("HOME", project.path("home")).env("GOROOT", &goroot).env("GOCACHE", caches.join("list-gocache"));
    command.env("GOPATH", caches.join("list-gopath")).env("CGO_ENABLED", if view.cgo { "1" } else { "0" });
    command.envs([("GOOS", goos), ("GOARCH", goarch), ("GOENV", "off"), ("GOPROXY", "off"), ("GOTOOLCHAIN", "local")]);
    // Its threads otherwise race for the error of a package that several tests are compiled with.
    command.env("GOMAXPROCS", "1");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    objects(&String::from_utf8(output.stdout).unwrap())
}

/// Leaves out what isn't shared: what is about compiled packages, and the order of errors that Go leaves to chance.
fn shared(mut objects: Objects) -> String {
    for object in &mut objects {
        for field in ["Target", "Stale", "StaleReason", "BuildID", "Export"] {
            object.remove(field);
        }
        let path = object["ImportPath"].as_str().unwrap_or_default().to_owned();
        if path.ends_with(".test") {
            object.insert("GoFiles".to_owned(), vec!["_testmain.go"].into());
        }
        if let Some(Value::Array(errors)) = object.get_mut("DepsErrors") {
            let top = |error: &Value| {
                error["ImportStack"].as_array().and_then(|stack| stack.last().cloned()).map(|top| top.to_string())
            };
            errors.sort_by_key(|error| (top(error), error["Pos"].to_string(), error["Err"].to_string()));
        }
    }
    objects.iter().map(|object| serde_json::to_string_pretty(object).unwrap() + "\n").collect()
}

#[track_caller]
fn compare(project: &Project, view: &View) -> usize {
    let (wanted, found) = (theirs(project, view), ours(project, view));
    let (number, paths) =
        (wanted.len(), |objects: &Objects| objects.iter().map(|o| format!("{}\n", o["ImportPath"])).collect::<String>());
    same(&paths(&wanted), &paths(&found));
    same(&shared(wanted), &shared(found));
    number
}

#[test]
fn whatever_is_wrong_is_listed_as_go_lists_it() {
    let project = repository(&trees::WRONG);
    compare(&project, &View::default());
    compare(&project, &View { cgo: false, flags: &["-deps"], ..View::default() });
    compare(&project, &View { platform: "windows/amd64", cgo: false, flags: &["-test"], patterns: &["all"] });
    compare(
        &project,
        &View { platform: "android/amd64", cgo: false, flags: &["-deps", "-test"], patterns: &["example.com/hello/..."] },
    );
}

#[test]
fn patterns_name_what_they_name_in_go() {
    let project = repository(&trees::WRONG);
    project.edit("go.mod", "toolchain go1.27.3\n", "toolchain go1.27.3\n\nignore (\n\t./ignored\n\tanywhere\n)\n");
    project.write("ignored/sub/s.go", "package sub\n");
    project.write("ok/anywhere/a.go", "package anywhere\n");
    project.write("ok/vendor/v.go", "package vendor\n");
    for patterns in [
        &["fmt"][..],
        &["./nogo"],
        &["./nonex"],
        &["."],
        &[],
        &["nonex/x"],
        &["example.com/hello/..."],
        &["./fold...", "./bom"],
        &["/etc/..."],
        &["/etc"],
        &["./ok", "./ok/", "example.com/hello/ok"],
        &["golang.org/x/..."],
        &["work"],
        &["tool"],
        &["vendor/..."],
        &["./x/vendor/..."],
        &["./x/vendor/y"],
        &["./nested"],
        &["example.com/hello/nested"],
        &["./nested/..."],
        &["fmt", "os", "fmt"],
        &["./nothing/..."],
        &["builtin"],
        &["unsafe"],
        &["./testdata/..."],
        &["./testdata/inside"],
        &["./_hidden/..."],
        &["ok/main.go"],
        &["./ok/main.go"],
        &["intern/a.go"],
        &["excl/a.go"],
        &["embed/a.go", "embed/a_test.go"],
        &["syntax/a.go"],
        &["ok/none.go"],
        &["encoding/..."],
        &["...xml..."],
        &["./..."],
        &["./ignored/..."],
        &["./ignored/sub"],
        &["./ok/..."],
        &["example.com/hello/ok/..."],
    ] {
        compare(&project, &View { cgo: false, flags: &["-test"], patterns, ..View::default() });
    }
}

#[test]
fn links_that_lead_nowhere() {
    let package = |name: &str| format!("package {name}\n");
    let mut files: Vec<(String, String)> =
        ["a", "b", "c", "e", "f", "l", "n", "other"].iter().map(|name| (format!("{name}/{name}.go"), package(name))).collect();
    files.push(("d/d.go".to_owned(), "package d\n\nimport _ \"embed\"\n\n//go:embed x.txt\nvar S string\n".to_owned()));
    let imports = ["a", "g", "h"].map(|name| format!("import _ \"example.com/hello/{name}\"\n")).concat();
    files.push(("k/k.go".to_owned(), format!("package k\n\n{imports}")));
    let project = repository(&files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect::<Vec<_>>());
    for (link, target) in [
        ("a/x.go", "nowhere"),
        ("b/x_test.go", "nowhere"),
        ("c/x.txt", "nowhere"),
        ("d/x.txt", "nowhere"),
        ("e/y.go", "../other"),
        ("f/x_windows.go", "nowhere"),
        ("f/x.s", "nowhere"),
        ("g/x.go", "nowhere"),
        ("g/y.go", "../other"),
        ("h/y.go", "../other"),
        ("l/l1.go", "l2"),
        ("l/l2", "l1.go"),
        ("m/go.mod", "nowhere"),
        ("m/m.go", "../other/other.go"),
        ("n/x.c", "nowhere"),
        ("n/x.syso", "nowhere"),
        ("w/x_windows.go", "nowhere"),
    ] {
        fs::create_dir_all(project.root().join(link).parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, project.root().join(link)).unwrap();
    }
    for patterns in [
        &["./..."][..],
        &["example.com/hello/..."],
        &["all"],
        &["./a"],
        &["./g"],
        &["./g/..."],
        &["./h"],
        &["./w"],
        &["./w/..."],
        &["example.com/hello/g"],
        &["example.com/hello/k"],
        &["a/x.go"],
    ] {
        for platform in ["linux/amd64", "windows/amd64"] {
            compare(&project, &View { platform, cgo: false, flags: &["-test"], patterns });
        }
    }
}

#[test]
fn std_and_cmd() {
    let project = repository(&[]);
    let number = compare(&project, &View { patterns: &["std"], ..View::default() });
    assert!(number > 2000, "{number}");
    let number = compare(&project, &View { platform: "darwin/arm64", cgo: false, patterns: &["cmd"], ..View::default() });
    assert!(number > 1000, "{number}");
}

#[test]
fn random_repositories() {
    let mut numbers = (0, 0, 0);
    for seed in 1..=12 {
        let files = random::files(seed);
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let project = repository(&files);
        let cgo = seed % 2 == 0;
        let view = View { cgo, patterns: if seed % 3 == 0 { &["all"] } else { &["./..."] }, ..View::default() };
        let listed = ours(&project, &view);
        let count = |what: &dyn Fn(&Map<String, Value>) -> bool| listed.iter().filter(|o| what(o)).count();
        numbers.0 += count(&|o| o.contains_key("Error"));
        numbers.1 += count(&|o| o.contains_key("ForTest"));
        numbers.2 += count(&|o| o["ImportPath"].as_str().is_some_and(|p| p.starts_with("example.com/") && p.contains(" [")));
        println!("seed {seed}: {} packages", listed.len());
        compare(&project, &view);
    }
    assert!(numbers.0 > 100 && numbers.1 > 50 && numbers.2 > 50, "{numbers:?}");
}

#[test]
fn a_workspace_is_listed_as_go_lists_it() {
    let project = repository(&[
        ("go.work", "go 1.27\n\ntoolchain go1.27.3\n\nuse (\n\t.\n\t./lib\n)\n\nreplace example.com/local => ./local\n"),
        ("lib/go.mod", "module example.com/lib\n\ngo 1.25\n\nrequire example.com/local v0.0.0\n"),
        ("lib/l.go", "package lib\n\nimport _ \"example.com/local\"\nimport _ \"example.com/missing/x\"\n"),
        ("lib/l_test.go", "package lib_test\n\nimport _ \"example.com/hello/own\"\n"),
        ("own/o.go", "package own\n\nimport _ \"example.com/lib\"\n"),
        ("local/go.mod", "module example.com/local\n\ngo 1.20\n"),
        ("local/l.go", "package local\n"),
    ]);
    project.succeeds(&["lock"]);
    compare(&project, &View { flags: &["-deps"], ..View::default() });
    compare(&project, &View { patterns: &["all"], flags: &[], ..View::default() });
    compare(&project, &View { patterns: &["./lib/...", "example.com/local"], ..View::default() });
}

/// A module without go line has no version of the language, and an `// indirect` that isn't true is corrected in workspaces only.
#[test]
fn what_go_mod_says_of_a_module() {
    let local = "\nrequire (\n\texample.com/local v1.0.0 // indirect\n\texample.com/other v1.0.0\n)\n\n\
                 replace (\n\texample.com/local => ./local\n\texample.com/other => ./other\n)\n";
    let project = repository(&[
        ("own/o.go", "package own\n\nimport _ \"example.com/local\"\n"),
        ("own/o_test.go", "package own_test\n\nimport _ \"example.com/other\"\n"),
        ("local/go.mod", "module example.com/local\n"),
        ("local/l.go", "package local\n"),
        ("other/go.mod", "module example.com/other\n\ngo 1.20\n"),
        ("other/o.go", "package other\n"),
    ]);
    project.write("go.mod", &(project.read("go.mod") + local));
    project.succeeds(&["lock"]);
    compare(&project, &View::default());
    project.write("go.work", "go 1.27\n\ntoolchain go1.27.3\n\nuse .\n");
    project.succeeds(&["lock"]);
    compare(&project, &View::default());
}

/// Only what its binaries need must be complete for a lock; the rest is listed with what is wrong.
#[test]
fn what_cannot_be_loaded_stops_no_lock() {
    let project = repository(&[
        ("windows/w_windows.go", "package windows\n"),
        ("needs/n.go", "package needs\n\nimport _ \"example.com/hello/windows\"\n"),
        ("missing/m.go", "package missing\n\nimport _ \"nowhere.example/x\"\n"),
        ("syntax/s.go", "package 1\n"),
    ]);
    project.edit("godirect.star", "nix()", "profile(\"new\")\nnix()");
    project.succeeds(&["lock"]);
    compare(&project, &View::default());
    compare(&project, &View { platform: "windows/amd64", ..View::default() });
    project.write("lockedcommand/main.go", "package main\n\nimport _ \"example.com/hello/missing\"\n\nfunc main() {}\n");
    let ran = project.run(&["lock"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
    assert!(
        ran.stderr.starts_with("error: no required module provides package nowhere.example/x\n --> missing/m.go:3:10\n"),
        "{}",
        ran.stderr
    );
}

/// Paths a line; what is wrong goes to standard error, and nothing is printed, as the go command does it.
#[test]
fn import_paths_and_errors() {
    let project = repository(&[
        ("a/a.go", "package a\n\nimport _ \"example.com/hello/b\"\n"),
        ("b/b.go", "package b\n\nimport _ \"github.com/x/y\"\n"),
    ]);
    let ran = project.run(&["list", "./..."]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    same("example.com/hello/a\nexample.com/hello/b\nexample.com/hello/lockedcommand\n", &ran.stdout);
    let missing = "b/b.go:3:8: no required module provides package github.com/x/y; to add it:\n\tgo get github.com/x/y\n";
    let ran = project.run(&["list", "--deps", "./a"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), missing));
    same("github.com/x/y\nexample.com/hello/b\nexample.com/hello/a\n", &ran.stdout);
    project.fails(&["list", "./none"], 1, &format!("stat {}/none: directory not found\n", "$DIR"));
    let ran = project.run(&["list", "./none/..."]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    let ran = project.run(&["list", "tool"]);
    assert_eq!(
        (ran.code, ran.stdout.as_str(), ran.stderr.as_str()),
        (Some(0), "", "godirect: warning: \"tool\" matched no packages\n")
    );
    let ran = project.run(&["list", "--json=Name,ImportPath", "./a"]);
    same("{\n\t\"ImportPath\": \"example.com/hello/a\",\n\t\"Name\": \"a\"\n}\n", &ran.stdout);
}

#[test]
fn wrong_arguments() {
    let project = repository(&[]);
    project.fails(
        &["list", "fmt@v1"],
        2,
        &error(
            "fmt@v1: a version can't be listed, only what go.mod selects",
            "leave out what follows @; `go get` changes versions",
        ),
    );
    project.fails(&["list", "--profile", "fast"], 2, &error("the spec has no profile `fast`", "it has default"));
    let ran = project.run(&["list", "--json=Nmae"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
    assert!(
        ran.stderr.starts_with("error: there is no field `Nmae`\n |\nhelp: the fields are Dir, ImportPath, Name"),
        "{}",
        ran.stderr
    );
    project.fails(&["--json=x", "platforms"], 2, &error("--json=x names fields, which only `list` prints", "write --json"));
}

/// What only tests import is locked and listed, but no build fetches it.
#[test]
fn what_tests_import_is_locked_and_not_built() {
    let mut registry = Registry::new();
    registry.publish_packages("a.example/a@v1.0.0", &["", "sub"]);
    registry.publish_packages("t.example/t@v1.0.0", &[""]);
    let sdk = format!(
        "go_sdk(source = archive(\n    urls = {{\"linux/amd64\": [\"{}\"]}},\n    sha256 = {{\"linux/amd64\": \"{}\"}},\n))\n\nplatforms(\"linux/amd64\")\n",
        SMALL_SDK.url, SMALL_SDK.sha256
    );
    let go_mod =
        "module example.com/p\n\ngo 1.27\n\ntoolchain go1.27.3\n\nrequire (\n\ta.example/a v1.0.0\n\tt.example/t v1.0.0\n)\n";
    let project = Project::new(&[
        ("godirect.star", &sdk),
        ("go.mod", go_mod),
        ("go.sum", &registry.sums()),
        ("main.go", "package main\n\nimport _ \"a.example/a\"\n\nfunc main() {}\n"),
        ("main_test.go", "package main\n\nimport _ \"a.example/a/sub\"\n"),
        ("only/x_test.go", "package only_test\n\nimport _ \"t.example/t\"\n"),
    ])
    .env("GOPROXY", &registry.url);
    project.succeeds(&["lock"]);
    let lock: Value = serde_json::from_str(&project.read("godirect.lock.json")).unwrap();
    let packages: Vec<String> = lock["modules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| format!("{} {}", m["path"], m["packages"].as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(",")))
        .collect();
    assert_eq!(packages, ["\"a.example/a\" ,sub", "\"t.example/t\" "]);
    let tree: Tree = read_tree(&project.path("cache").join("mod"));
    assert!(tree.keys().any(|path| path.starts_with("t.example/")), "{:?}", tree.keys());
}
