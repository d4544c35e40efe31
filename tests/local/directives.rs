//! Old go.mod files without pruning, and the directives `exclude`, `tool`, `godebug` and `ignore`: locked, built and kept fresh as the go
//! command understands them.

use crate::{Project, online};

/// A module with several dependencies of which one requires others in newer versions; its go.sum is what the go command makes.
fn unpruned(go: &str, more: &str) -> Project {
    let project = Project::new(&[
        (
            "go.mod",
            &format!(
                "module example.com/main\n\n{go}\n\nrequire (\n\tgithub.com/fatih/color v1.13.0\n\tgithub.com/mattn/go-isatty v0.0.12\n)\n{more}"
            ),
        ),
        (
            "main.go",
            "package main\n\nimport (\n\t\"github.com/fatih/color\"\n\t\"github.com/mattn/go-isatty\"\n)\n\n\
             func main() { color.Red(\"red\"); println(isatty.IsTerminal(1)) }\n",
        ),
    ]);
    online(&project.root(), &["mod", "download", "all"]);
    online(&project.root(), &["mod", "download"]);
    project
}

#[track_caller]
fn stale(project: &Project, why: &str) {
    let message = format!("godirect.lock.json is stale: {why}");
    project.fails(&["build"], 1, &message, "run `godirect lock`");
    project.fails(&["generate"], 1, &message, "run `godirect lock`");
}

#[test]
fn a_module_without_pruning_is_the_same_and_exactly_fresh() {
    let project = unpruned("go 1.16", "");
    project.is_the_same_from_go("", ".", "main");
    let gomod = project.read("go.mod");
    // The go.mod of color asks for a newer one than the project did, so the go command wrote that.
    assert!(project.read("godirect.lock.json").contains("\"version\": \"v0.0.14\""));
    // Comments change nothing.
    project.edit("go.mod", "isatty v0.0.14", "isatty v0.0.14 // indirect");
    project.succeeds(&["build"]);
    project.write("go.mod", &gomod);
    project.edit("go.mod", "isatty v0.0.14", "isatty v0.0.12");
    assert!(project.go(&["build", "./..."]).starts_with("go: updates to go.mod needed"));
    project.fails(
        &["build"],
        2,
        "go.mod needs an update: its modules require github.com/mattn/go-isatty@v0.0.14, and it lists v0.0.12",
        "`go mod tidy` makes it; until then, the go command builds nothing, either",
    );
    project.write("go.mod", &gomod);
    project.edit("go.mod", "isatty v0.0.14", "isatty v0.0.20");
    stale(&project, "it doesn't have the go.mod of github.com/mattn/go-isatty@v0.0.20");
    project.write("go.mod", &gomod.replace("\tgithub.com/fatih/color v1.13.0\n", ""));
    stale(&project, "it has github.com/fatih/color, which go.mod does not require");
}

#[test]
fn excluded_versions_are_passed_over() {
    // Without the exclusion, color would ask for v0.0.14.
    let project = unpruned("go 1.16", "\nexclude github.com/mattn/go-isatty v0.0.14\n");
    project.is_the_same_from_go("", ".", "main");
    assert!(project.read("godirect.lock.json").contains("\"version\": \"v0.0.12\""));
    project.edit("go.mod", "\nexclude github.com/mattn/go-isatty v0.0.14\n", "");
    stale(&project, "it doesn't have the go.mod of github.com/mattn/go-isatty@v0.0.14");
}

#[test]
fn a_workspace_is_exactly_fresh() {
    let project = Project::new(&[
        ("go.work", "go 1.25\n\nuse (\n\t./a\n\t./b\n)\n"),
        ("a/go.mod", "module example.com/a\n\ngo 1.25\n\nrequire github.com/cespare/xxhash/v2 v2.1.0\n"),
        ("a/main.go", "package main\n\nimport _ \"github.com/cespare/xxhash/v2\"\n\nfunc main() {}\n"),
        ("b/go.mod", "module example.com/b\n\ngo 1.25\n\nrequire github.com/cespare/xxhash/v2 v2.2.0\n"),
        ("b/b.go", "package b\n"),
    ]);
    online(&project.root(), &["work", "sync"]);
    online(&project.root(), &["mod", "download"]);
    project.edit("a/go.mod", "v2.2.0", "v2.1.0");
    online(&project.root(), &["mod", "download"]);
    project.is_the_same_from_go("", "./a", "a");
    // Another module of the workspace decides, in either direction.
    project.edit("b/go.mod", "v2.2.0", "v2.1.0");
    stale(&project, "it has github.com/cespare/xxhash/v2@v2.2.0, but go.mod asks for v2.1.0");
    project.edit("b/go.mod", "v2.1.0", "v2.3.0");
    stale(&project, "it doesn't have the go.mod of github.com/cespare/xxhash/v2@v2.3.0");
}

#[test]
fn godebug_and_ignore_count_in_go_mod() {
    let project = Project::new(&[
        (
            "go.mod",
            "module example.com/main\n\ngo 1.25\n\ngodebug (\n\tdefault=go1.21\n\thttp2client=0\n)\n\nignore ./skipped\n\nignore node_modules\n",
        ),
        ("main.go", "package main\n\nimport \"example.com/main/skipped/used\"\n\nfunc main() { println(used.Text) }\n"),
        ("skipped/used/used.go", "package used\n\nconst Text = \"imports of what patterns ignore are fine\"\n"),
        ("skipped/broken.go", "package broken\n\nimport _ \"example.com/nowhere\"\n"),
        ("deep/node_modules/broken.go", "package broken\n\nimport _ \"example.com/nowhere\"\n"),
    ]);
    project.is_the_same_from_go("", ".", "main");
    project.succeeds(&["generate"]);
    assert!(project.root().join("skipped/used/BUILD.bazel").exists() && !project.root().join("skipped/BUILD.bazel").exists());
}

/// As for `go build ./...`, what a `tool` line names isn't part of the build: it is no binary of the repository, and its module is locked
/// only if something else needs it.
#[test]
fn tools_are_not_built() {
    let project = Project::new(&[
        (
            "go.mod",
            "module example.com/main\n\ngo 1.25\n\ntool (\n\texample.com/main/own\n\texample.com/third/cmd\n)\n\nrequire example.com/third v1.0.0 // indirect\n",
        ),
        ("main.go", "package main\n\nfunc main() {}\n"),
        ("own/main.go", "package main\n\nfunc main() { println(\"own\") }\n"),
    ]);
    project.is_the_same_from_go("", ".", "main");
    // A main package of the repository is a binary like others, though a tool line names it.
    project.compare("", "./own", "own");
    assert!(project.read("godirect.lock.json").contains("\"modules\": []"));
}
