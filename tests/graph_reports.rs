//! What `godirect why` and `godirect graph --unused` say of real modules, held against the pinned SDK's go command: `go list`,
//! `go mod why`, and `go mod tidy`, which is the judge of requirements.

#[allow(dead_code)] // Other tests use the rest.
#[path = "support/cli.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Deserializer, Value};

use support::{GOROOT, Project, read_tree};

const SPEC: &str = "go_sdk(version = \"1.27.3\")\nplatforms(\"linux/amd64\")\n";

/// With many modules, with generics and nested tests, without pruning, with tests' dependencies only, and with none.
const MODULES: [&str; 5] = [
    "github.com/gin-gonic/gin@v1.10.1",
    "github.com/spf13/cobra@v1.9.1",
    "github.com/sirupsen/logrus@v1.9.3",
    "github.com/rs/zerolog@v1.34.0",
    "github.com/tidwall/gjson@v1.18.0",
];

fn gopath() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("gopath")
}

/// Runs the pinned go command; gives its exit code and what it prints.
fn go(directory: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(GOROOT.join("bin/go"));
    command.args(arguments).current_dir(directory).env("GOROOT", &*GOROOT).env("GOPATH", gopath());
    command.envs([
        ("GOTOOLCHAIN", "local"),
        ("GOENV", "off"),
        ("GOFLAGS", "-modcacherw"),
        ("GONOSUMDB", "*"),
        ("CGO_ENABLED", "0"),
    ]);
    command.envs([("GOOS", "linux"), ("GOARCH", "amd64"), ("GOWORK", "off")]);
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() || !text.is_empty(), "go {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    (output.status.code(), text)
}

/// A repository that is a published module.
fn published(id: &str) -> Project {
    let anywhere = tempfile::tempdir().unwrap();
    let (_, text) = go(anywhere.path(), &["mod", "download", "-json", id]);
    let downloaded: Value = serde_json::from_str(&text).unwrap();
    let mut files = read_tree(Path::new(downloaded["Dir"].as_str().unwrap()));
    files.insert("godirect.star".to_owned(), SPEC.as_bytes().to_vec());
    Project::in_directory(tempfile::tempdir().unwrap(), files).with_user_cache()
}

/// Puts directives into go.mod.
fn add(project: &Project, lines: &str) {
    project.write("go.mod", &format!("{}\n{lines}", project.read("go.mod")));
}

/// The modules that `go mod tidy` would no longer require.
fn dropped_by_tidy(project: &Project) -> BTreeSet<String> {
    let required = |text: &str| -> BTreeSet<String> {
        let value: Value = serde_json::from_str(text).unwrap();
        let list = value["Require"].as_array().cloned().unwrap_or_default();
        list.iter().map(|require| require["Path"].as_str().unwrap().to_owned()).collect()
    };
    let before = required(&go(&project.root(), &["mod", "edit", "-json"]).1);
    let copy = tempfile::tempdir().unwrap();
    for (path, content) in read_tree(&project.root()) {
        let path = copy.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    go(copy.path(), &["mod", "tidy"]);
    let after = required(&go(copy.path(), &["mod", "edit", "-json"]).1);
    before.difference(&after).cloned().collect()
}

/// The unneeded requirements that godirect reports: those that it is certain of, and the others.
fn reported(project: &Project) -> (BTreeSet<String>, BTreeSet<String>) {
    let value: Value = serde_json::from_str(&project.succeeds(&["graph", "--unused", "--json"])).unwrap();
    let requirements = |certain: bool| {
        let lines = value["unneeded"].as_array().unwrap().iter();
        let lines = lines.filter(|line| line["directive"] == "require" && line["certain"] == certain);
        lines.map(|line| line["module"].as_str().unwrap().split(' ').next().unwrap().to_owned()).collect()
    };
    (requirements(true), requirements(false))
}

/// What is certain, `go mod tidy` drops; what it drops is reported.
#[track_caller]
fn agrees_with_tidy(project: &Project, what: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    project.succeeds(&["lock"]);
    let (certain, perhaps) = reported(project);
    let dropped = dropped_by_tidy(project);
    assert!(certain.is_subset(&dropped), "{what}: go mod tidy keeps some of {certain:?}, and drops {dropped:?}");
    let known: BTreeSet<String> = certain.union(&perhaps).cloned().collect();
    assert!(dropped.is_subset(&known), "{what}: go mod tidy drops {dropped:?}, but only {known:?} is reported");
    (certain, perhaps)
}

fn set(paths: &[&str]) -> BTreeSet<String> {
    paths.iter().map(|path| (*path).to_owned()).collect()
}

#[test]
fn requirements_in_vain_are_those_that_tidy_drops() {
    for module in MODULES {
        let project = published(module);
        let (certain, _) = agrees_with_tidy(&project, module);
        assert_eq!(certain, set(&[]), "{module} was published tidy");
        // Two more that nothing needs: Go has looked into one of them.
        add(&project, "require (\n\tgithub.com/kr/fs v0.1.0\n\tgithub.com/google/renameio v1.0.1\n)\n");
        if !project.read("go.sum").contains("github.com/google/renameio v1.0.1 h1:") {
            go(&project.root(), &["mod", "download", "-json", "github.com/google/renameio"]);
        }
        assert!(project.read("go.sum").contains("github.com/google/renameio v1.0.1 h1:"), "{}", project.read("go.sum"));
        let (certain, perhaps) = agrees_with_tidy(&project, module);
        assert_eq!(certain, set(&["github.com/kr/fs"]), "{module}");
        assert!(perhaps.contains("github.com/google/renameio"), "{module}: {perhaps:?}");
    }
}

/// Tags, other platforms, tools, and tests of dependencies need modules that the spec doesn't.
#[test]
fn needs_that_only_tidy_sees_are_not_certain() {
    let imports = |package: &str, paths: &[&str]| {
        let lines: String = paths.iter().map(|path| format!("\t_ \"{path}\"\n")).collect();
        format!("package {package}\n\nimport (\n{lines})\n")
    };
    let project = Project::new(&[
        ("godirect.star", SPEC),
        ("go.mod", "module example.com/m\n\ngo 1.27\n\ntool golang.org/x/tools/cmd/stringer\n"),
        ("m.go", &imports("m", &["github.com/fatih/color"])),
        ("m_plan9.go", &imports("m", &["github.com/pkg/errors"])),
        ("tagged.go", &format!("//go:build special\n\n{}", imports("m", &["github.com/google/uuid"]))),
        ("ignored.go", &format!("//go:build ignore\n\n{}", imports("main", &["github.com/google/renameio"]))),
        ("m_test.go", &imports("m", &["github.com/google/go-cmp/cmp"])),
    ]);
    let project = project.with_user_cache();
    add(&project, "require (\n\tgithub.com/google/renameio v1.0.1\n\tgolang.org/x/tools v0.40.0\n)\n");
    go(
        &project.root(),
        &["get", "github.com/fatih/color@v1.18.0", "github.com/pkg/errors@v0.9.1", "github.com/google/uuid@v1.6.0"],
    );
    go(&project.root(), &["get", "-t", "github.com/google/go-cmp@v0.7.0", "golang.org/x/tools/cmd/stringer@v0.40.0"]);
    let (certain, perhaps) = agrees_with_tidy(&project, "everything at once");
    assert!(certain.is_subset(&set(&["github.com/google/renameio"])), "{certain:?}");
    for needed in ["github.com/pkg/errors", "github.com/google/uuid", "github.com/google/go-cmp", "golang.org/x/tools"] {
        assert!(!perhaps.contains(needed), "{needed} is needed by files of the repository");
    }
    // The tool's own dependencies are nowhere in the lock.
    assert!(perhaps.contains("golang.org/x/mod"), "{perhaps:?}");
}

/// What `go list` says that packages import.
fn listed_imports(project: &Project) -> BTreeMap<String, Vec<String>> {
    let (_, text) = go(&project.root(), &["list", "-deps", "-json=ImportPath,Imports,ImportMap", "./..."]);
    let packages = Deserializer::from_str(&text).into_iter::<Value>().map(Result::unwrap);
    let imports = |package: &Value| {
        let written = package["Imports"].as_array().cloned().unwrap_or_default();
        let meant = |path: Value| {
            package["ImportMap"][path.as_str().unwrap()].as_str().map_or(path.as_str().unwrap().to_owned(), str::to_owned)
        };
        written.into_iter().map(meant).collect()
    };
    packages.map(|package| (package["ImportPath"].as_str().unwrap().to_owned(), imports(&package))).collect()
}

/// For each package how many imports lead to it from one of these.
fn steps(imports: &BTreeMap<String, Vec<String>>, starts: &[&String]) -> BTreeMap<String, usize> {
    let mut steps: BTreeMap<String, usize> = starts.iter().map(|start| ((*start).clone(), 0)).collect();
    let mut open: VecDeque<String> = starts.iter().map(|start| (*start).clone()).collect();
    while let Some(path) = open.pop_front() {
        for next in imports.get(&path).into_iter().flatten() {
            if !steps.contains_key(next) {
                steps.insert(next.clone(), steps[&path] + 1);
                open.push_back(next.clone());
            }
        }
    }
    steps
}

#[test]
fn chains_are_as_short_as_go_list_has_them() {
    for module in ["github.com/gin-gonic/gin@v1.10.1", "github.com/spf13/cobra@v1.9.1"] {
        let project = published(module);
        project.succeeds(&["lock"]);
        let imports = listed_imports(&project);
        let prefix = module.split('@').next().unwrap();
        let own: Vec<&String> =
            imports.keys().filter(|path| path.as_str() == prefix || path.starts_with(&format!("{prefix}/"))).collect();
        let steps = steps(&imports, &own);
        let others: Vec<&String> = imports.keys().filter(|path| path.contains('.') && !own.contains(path)).collect();
        assert!(others.len() >= 2, "{module} imports {others:?}");
        for path in others {
            let value: Value = serde_json::from_str(&project.succeeds(&["why", "--json", path])).unwrap();
            let packages = value["chains"][0]["packages"].as_array().unwrap();
            let chain: Vec<&str> = packages.iter().map(|package| package["path"].as_str().unwrap()).collect();
            assert_eq!(chain.len(), steps[path] + 1, "{chain:?}");
            assert!(own.iter().any(|own| own.as_str() == chain[0]) && chain.last() == Some(&path.as_str()), "{chain:?}");
            for pair in chain.windows(2) {
                assert!(imports[pair[0]].iter().any(|imported| imported == pair[1]), "{} doesn't import {}", pair[0], pair[1]);
            }
        }
    }
}

/// How many packages need each one is what `go list` has in `Deps`.
#[test]
fn needed_by_is_what_go_list_counts() {
    for module in ["github.com/gin-gonic/gin@v1.10.1", "github.com/prometheus/client_golang@v1.23.2"] {
        let project = published(module);
        project.succeeds(&["lock"]);
        let (_, text) = go(&project.root(), &["list", "-deps", "-json=ImportPath,Deps", "./..."]);
        let mut theirs: BTreeMap<String, u64> = BTreeMap::new();
        for package in Deserializer::from_str(&text).into_iter::<Value>().map(Result::unwrap) {
            theirs.entry(package["ImportPath"].as_str().unwrap().to_owned()).or_default();
            for dep in package["Deps"].as_array().into_iter().flatten() {
                *theirs.entry(dep.as_str().unwrap().to_owned()).or_default() += 1;
            }
        }
        // It is compiled into its importers.
        theirs.remove("unsafe");
        let value: Value = serde_json::from_str(&project.succeeds(&["graph", "--json", "--std"])).unwrap();
        let nodes = value["nodes"].as_array().unwrap().iter();
        let ours: BTreeMap<String, u64> = nodes
            .map(|node| (node["path"].as_str().unwrap().to_owned(), node["needed_by"]["linux_amd64"].as_u64().unwrap()))
            .collect();
        assert!(ours.len() > 100, "{module}: {} packages", ours.len());
        assert_eq!(theirs, ours, "{module}");
    }
}

/// Where no platform or tag decides, `go mod why` finds the same need, and a chain of the same length.
#[test]
fn go_mod_why_says_the_same() {
    let project = published("github.com/spf13/cobra@v1.9.1");
    project.succeeds(&["lock"]);
    for path in [
        "github.com/spf13/pflag",
        "github.com/cpuguy83/go-md2man/v2/md2man",
        "github.com/russross/blackfriday/v2",
        "github.com/kr/fs",
    ] {
        let (_, text) = go(&project.root(), &["mod", "why", path]);
        let theirs: Vec<&str> = text.lines().filter(|line| !line.starts_with('#') && !line.starts_with('(')).collect();
        let ran = project.run(&["why", "--test", path]);
        let ours: Vec<&str> = ran.stdout.lines().filter_map(|line| line.split(' ').next()).collect();
        if theirs.is_empty() {
            assert_eq!(ran.code, Some(1), "{path}: {ran:?}");
        } else {
            assert_eq!(
                (ran.code, ours.len(), ours.last()),
                (Some(0), theirs.len(), theirs.last()),
                "{path}: {theirs:?} {ours:?}"
            );
        }
    }
}

/// The chain of go.mod files to a module without needed packages is one that `go mod graph` has.
#[test]
fn requirement_chains_are_in_the_module_graph() {
    let project = published("github.com/sirupsen/logrus@v1.9.3");
    project.succeeds(&["lock"]);
    let (_, graph) = go(&project.root(), &["mod", "graph"]);
    let edges: BTreeSet<(&str, &str)> = graph.lines().filter_map(|line| line.split_once(' ')).collect();
    let value: Value = {
        let ran = project.run(&["why", "--json", "-m", "github.com/stretchr/objx"]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        serde_json::from_str(&ran.stdout).unwrap()
    };
    let chain: Vec<&str> = value["required_by"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    assert!(chain.len() >= 3, "{chain:?}");
    assert!(chain.windows(2).all(|pair| edges.contains(&(pair[0], pair[1]))), "{chain:?}\n{graph}");
}
