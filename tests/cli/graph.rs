//! `godirect graph`: whole texts, and what Graphviz makes of them.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::registry::{self, Registry};
use crate::support::{Project, drawn, error, provisioned, repository, same};

/// Compares with a file of tests/golden/graph.
#[track_caller]
fn golden(name: &str, text: &str) {
    let path = repository("tests/golden/graph").join(name);
    same(&fs::read_to_string(&path).unwrap_or_else(|e| panic!("{name}: {e}\n{text}")), text);
}

/// JSON without the sizes of zips, which depend on how well they are compressed.
fn without_zip_sizes(text: &str) -> String {
    let mut value: Value = serde_json::from_str(text).unwrap();
    for module in value["modules"].as_array_mut().unwrap() {
        let size = module.as_object_mut().unwrap().remove("zip_size").map(|size| size.as_u64().unwrap());
        assert_eq!(size.is_some_and(|size| size > 100), module["origin"] == "downloaded", "{module}");
    }
    serde_json::to_string_pretty(&value).unwrap() + "\n"
}

#[test]
fn every_format_is_as_documented() {
    let (_registry, project) = drawn::project();
    let graph = |arguments: &[&str]| project.succeeds(&[&["graph"], arguments].concat());
    golden("packages.dot", &graph(&[]));
    golden("packages.mmd", &graph(&["--format", "mermaid"]));
    golden("packages.json", &without_zip_sizes(&graph(&["--json", "--test"])));
    golden("modules.dot", &graph(&["--modules", "--test", "--format", "dot"]));
    golden("modules.mmd", &graph(&["--modules", "--platform", "windows/amd64", "--format", "mermaid"]));
    golden("modules.json", &without_zip_sizes(&graph(&["--modules", "--format", "json"])));
    golden("tool.dot", &graph(&["./cmd/...", "--platform", "linux_amd64"]));
    golden("unused.txt", &graph(&["--unused"]));
    golden("unused.json", &graph(&["--unused", "--json"]));
}

#[test]
fn std_is_drawn_when_asked_for() {
    let (_registry, project) = drawn::project();
    let value: Value = serde_json::from_str(&project.succeeds(&["graph", "--json", "--std"])).unwrap();
    let nodes = value["nodes"].as_array().unwrap();
    let node = |path: &str| nodes.iter().find(|node| node["path"] == path).unwrap_or_else(|| panic!("no {path}"));
    assert_eq!(value["std_left_out"], 0);
    let imports = |path: &str, imported: &str| {
        let all = node(path)["imports"].as_array().unwrap().clone();
        all.into_iter().find(|import| import["path"] == imported).unwrap_or_else(|| panic!("{path} doesn't import {imported}"))
    };
    assert_eq!(imports("example.com/p/lib", "math/bits"), json!({"path": "math/bits", "views": ["windows_amd64"]}));
    assert_eq!(imports("example.com/p", "runtime"), json!({"path": "runtime", "kind": "implicit"}));
}

#[test]
fn the_ending_of_the_file_is_the_format() {
    let (_registry, project) = drawn::project();
    for (file, format) in [("g.dot", "dot"), ("g.gv", "dot"), ("g.mmd", "mermaid"), ("g.json", "json"), ("g.html", "html")] {
        assert_eq!(project.succeeds(&["graph", "-o", file]), "");
        let written = project.read(file);
        same(&project.succeeds(&["graph", "--format", format]), &written);
    }
    project.fails(
        &["graph", "-o", "g.txt"],
        2,
        &error("the ending of g.txt says no format", "say --format dot, mermaid, json or html"),
    );
    assert!(!project.root().join("g.txt").exists());
}

#[test]
fn wrong_arguments_are_explained() {
    let (_registry, project) = drawn::project();
    for (arguments, message, help) in [
        (&["--platform", "plan9/386"][..], "godirect.star has no platform `plan9/386`", "it has linux_amd64, windows_amd64"),
        (&["--profile", "none"], "the spec has no profile `none`", "it has default"),
        (
            &["./none/..."],
            "no package of the repository matches ./none/...",
            "patterns are import paths, or directories like ./cmd/...",
        ),
    ] {
        project.fails(&[&["graph"], arguments].concat(), 2, &error(message, help));
    }
    let ran = project.run(&["graph", "--unused", "--modules"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
}

#[test]
fn graphviz_draws_it() {
    let program = provisioned("graphviz.sh");
    let (_registry, project) = drawn::project();
    for arguments in [&["graph"][..], &["graph", "--std", "--test"], &["graph", "--modules", "--test"]] {
        let text = project.succeeds(arguments);
        let mut dot = Command::new(&program)
            .arg("-Tsvg")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        dot.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = dot.wait_with_output().unwrap();
        assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""), "{arguments:?}");
        let svg = String::from_utf8(output.stdout).unwrap();
        assert_eq!(svg.matches("class=\"edge\"").count(), text.matches(" -> ").count(), "{arguments:?}");
    }
}

/// Neither Go nor a network is needed, and no cache either.
#[test]
fn the_lock_is_enough() {
    let (registry, project) = drawn::project();
    registry.asked();
    fs::remove_dir_all(project.path("cache")).unwrap();
    let project = project.env("GOPROXY", "off").env("PATH", "");
    project.succeeds(&["graph", "--format", "html", "--test", "--std"]);
    assert_eq!(registry.asked(), [""; 0]);
    assert!(!project.path("cache").exists());
}

#[test]
fn a_stale_lock_is_not_drawn() {
    let (_registry, project) = drawn::project();
    project.edit("go.mod", "\tc.example/c v1.1.0\n", "\tc.example/c v1.2.0\n");
    let message = "godirect.lock.json is stale: it has c.example/c@v1.1.0, but go.mod asks for v1.2.0";
    for verb in ["graph", "why"] {
        project.fails(&[verb, "."][..if verb == "why" { 2 } else { 1 }], 1, &error(message, "run `godirect lock`"));
    }
}

/// Names that go.mod and file systems allow, and that mean something to DOT, Mermaid, HTML or JavaScript.
#[test]
fn hostile_names_stay_text() {
    let (_registry, project) = drawn::project();
    let directory = "lib/</script><img src=x onerror=alert(1)>\"\\";
    project.write(&format!("{directory}/x.go"), "package x\n");
    // Such a directory is no import path, so it can't be a package; a file's name is not shown at all.
    let ran = project.run(&["graph", "--format", "html"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("it has a character that Go does not allow there"), "{}", ran.stderr);
    fs::remove_dir_all(project.root().join("lib/<")).unwrap();
    project.edit("go.mod", "replace l.example/l => ./local", "replace l.example/l => \"./lo</script>cal&\"");
    fs::create_dir_all(project.root().join("lo<")).unwrap();
    fs::rename(project.root().join("local"), project.root().join("lo</script>cal&")).unwrap();
    project.succeeds(&["lock"]);
    let page = project.succeeds(&["graph", "--format", "html"]);
    assert!(page.contains("lo\\u003c/script>cal&"), "{page}");
    assert_eq!(page.matches("</script").count(), 2, "that of the data and that of the program");
}

/// As a project without third-party modules and with a single platform.
#[test]
fn an_example_is_drawn() {
    let project = Project::example("01-hello");
    same(
        "flowchart LR\n  subgraph m0[\"example.com/hello\"]\n    n0[\"example.com/hello\"]\n  end\n  classDef own fill:#dbeafe,color:#000\n  class n0 own\n",
        &project.succeeds(&["graph", "--format", "mermaid"]),
    );
}

/// What one module of a workspace needs, another doesn't; and what the spec's directory isn't, commands name.
#[test]
fn each_module_of_a_workspace_has_its_own_needs() {
    let mut registry = Registry::new();
    registry.publish_packages("a.example/a@v1.0.0", &[""]);
    registry.publish("b.example/b@v1.0.0", &["a.example/a@v1.0.0"], &[("b.go", "package b\n\nimport _ \"a.example/a\"\n")]);
    registry.publish_packages("example.com/two@v1.0.0", &["inner"]);
    let go_mod = |name: &str, requires: &str| format!("module example.com/{name}\n\ngo 1.27\n\n{requires}");
    let spec = format!("{}\nplatforms(\"linux/amd64\")\n\nmodule(\"src\")\n", registry::small_sdk());
    let project = Project::new(&[
        ("godirect.star", spec.as_str()),
        ("src/go.work", "go 1.27\n\ntoolchain go1.27.3\n\nuse (\n\t./one\n\t./two\n)\n\nreplace c.example/c v1.0.0 => ./one\n"),
        (
            "src/one/go.mod",
            &go_mod(
                "one",
                "require (\n\ta.example/a v1.0.0\n\texample.com/two v1.0.0\n)\n\nreplace a.example/a v1.1.0 => ../two\n",
            ),
        ),
        ("src/one/go.sum", &registry.sums()),
        ("src/one/one.go", "package one\n\nimport (\n\t_ \"a.example/a\"\n\t_ \"example.com/two/inner\"\n)\n"),
        (
            "src/two/go.mod",
            &go_mod("two", "require (\n\ta.example/a v1.0.0\n\tb.example/b v1.0.0\n)\n\nexclude a.example/a v0.9.0\n"),
        ),
        ("src/two/inner/inner.go", "package inner\n"),
    ]);
    let project = project.env("GOPROXY", &registry.url);
    project.succeeds(&["lock"]);
    same(
        "not needed:

src/go.work: replace c.example/c v1.0.0
    no go.mod of the module graph requires it
    go -C src work edit -dropreplace=c.example/c@v1.0.0
src/one/go.mod: replace a.example/a v1.1.0
    no go.mod of the module graph requires it
    go -C src/one mod edit -dropreplace=a.example/a@v1.1.0
src/two/go.mod: exclude a.example/a v0.9.0
    no go.mod of the module graph requires it; it only keeps `go get -u` from it
    go -C src/two mod edit -dropexclude=a.example/a@v0.9.0

perhaps not needed:

src/two/go.mod: require a.example/a v1.0.0
    no package of it is needed on the spec's platforms, with its tags; other tags or tests of dependencies may
    go -C src/two mod tidy (`go -C src/two mod why -m a.example/a` tells before)
src/two/go.mod: require b.example/b v1.0.0
    no package of it is needed on the spec's platforms, with its tags; other tags or tests of dependencies may
    go -C src/two mod tidy (`go -C src/two mod why -m b.example/b` tells before)
",
        &project.succeeds(&["graph", "--unused"]),
    );
    same(
        "# no package of b.example/b is needed; it is required by\nexample.com/two\nb.example/b@v1.0.0\n",
        &project.run(&["why", "-m", "b.example/b"]).stdout,
    );
    same("example.com/one        src/one/one.go:5:4\nexample.com/two/inner\n", &project.succeeds(&["why", "./src/two/inner"]));
}

/// What is wrong with a test only stops who asks for tests.
#[test]
fn broken_tests_are_no_obstacle() {
    let (_registry, project) = drawn::project();
    let before = project.succeeds(&["graph", "--unused"]);
    project.write("lib/broken_test.go", "package lib\n\nimport _ \"example.com/p/nowhere\"\n");
    same(&before, &project.succeeds(&["graph", "--unused"]));
    project.succeeds(&["graph", "--format", "html"]);
    let ran = project.run(&["graph", "--format", "html", "--test"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
    assert!(ran.stderr.contains("--> lib/broken_test.go:3:10"), "{}", ran.stderr);
}

#[test]
fn vendored_packages_have_their_bytes() {
    let project = Project::example("04-vendor");
    let value: Value = serde_json::from_str(&project.succeeds(&["graph", "--json"])).unwrap();
    let vendored: Vec<&Value> =
        value["modules"].as_array().unwrap().iter().filter(|module| module["origin"] == "vendored").collect();
    assert!(!vendored.is_empty(), "{value}");
    for node in value["nodes"].as_array().unwrap() {
        let directory = project.root().join(node["directory"].as_str().unwrap());
        let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len());
        let bytes = node["bytes"].as_u64().unwrap();
        assert!(bytes > 0 && bytes <= files.sum::<u64>(), "{node}");
    }
}

#[test]
fn profiles_are_views_of_their_own() {
    let project = Project::new(&[
        (
            "godirect.star",
            &format!(
                "{}\nplatforms(\"linux/amd64\")\n\nprofile(\"debug\", tags = [\"debug\"])\n\nbinary(\".\", profiles = [\"default\", \"debug\"])\n",
                registry::small_sdk()
            ),
        ),
        ("go.mod", "module example.com/p\n\ngo 1.27\n\ntoolchain go1.27.3\n"),
        ("main.go", "package main\n\nfunc main() {}\n"),
        ("debug.go", "//go:build debug\n\npackage main\n\nimport _ \"example.com/p/debug\"\n"),
        ("debug/debug.go", "//go:build debug\n\npackage debug\n"),
    ]);
    project.succeeds(&["lock"]);
    let arrows = |arguments: &[&str]| {
        let text = project.succeeds(&[&["graph"], arguments].concat());
        text.lines().filter(|line| line.contains(" -> ")).map(|line| line.trim().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(arrows(&[]), ["\"example.com/p\" -> \"example.com/p/debug\" [label=\"linux_amd64-debug\", style=dashed];"]);
    assert_eq!(arrows(&["--profile", "debug"]), ["\"example.com/p\" -> \"example.com/p/debug\";"]);
    assert_eq!(arrows(&["--profile", "default"]), [""; 0]);
    same(
        "# only for linux_amd64-debug\nexample.com/p        debug.go:5:10\nexample.com/p/debug\n",
        &project.succeeds(&["why", "./debug"]),
    );
}
