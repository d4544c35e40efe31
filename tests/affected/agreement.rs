//! `godirect affected` beside a real Bazel: every target whose actions have other keys or read anything else must be in the answer.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::aquery::{Workspace, differ};
use super::engines;
use super::support::{Project, read_tree, repository};
use super::{commit, git, link};

/// So many rows of each kind are looked at without `GODIRECT_TEST_AGREEMENT=all`, which asks Bazel for some minutes: the first ones.
const FEW: usize = 9;

fn wants_all() -> bool {
    std::env::var("GODIRECT_TEST_AGREEMENT").is_ok_and(|value| value == "all")
}

/// A change of the workspace.
struct Row {
    /// What is changed, as messages name it.
    name: &'static str,
    change: fn(&Project),
    /// Whether the Bazel files are generated anew.
    generate: bool,
    /// The targets that Bazel tells apart.
    differ: &'static [&'static str],
    /// What else the answer has.
    more: &'static [&'static str],
}

const LIB: &[&str] = &["//cmd/tool", "//cmd/tool:tool_lib", "//lib", "//lib:lib_test"];
const PLAT: &[&str] = &["//cmd/tool", "//cmd/tool:tool_lib", "//onlytest:onlytest_test", "//plat"];
const EMBEDDED: &[&str] = &["//cmd/tool", "//cmd/tool:tool_lib", "//embedded"];
const ASM: &[&str] = &["//asm", "//asm:asm_test", "//cmd/other", "//cmd/other:other_lib"];
const LINKED: &[&str] = &["//asm:asm_test", "//cmd/other", "//cmd/tool", "//lib:lib_test", "//onlytest:onlytest_test"];
const LIBRARIES: &[&str] = &["//asm", "//cmd/other:other_lib", "//cmd/tool:tool_lib", "//embedded", "//ext", "//lib", "//plat"];
const ALL: &[&str] = &[
    "//asm",
    "//asm:asm_test",
    "//cmd/other",
    "//cmd/other:other_lib",
    "//cmd/tool",
    "//cmd/tool:tool_lib",
    "//embedded",
    "//ext",
    "//lib",
    "//lib:lib_test",
    "//onlytest:onlytest_test",
    "//plat",
];

/// Changes after which the Bazel files are generated anew.
fn of_source() -> Vec<Row> {
    let row = |name, change, differ, more| Row { name, change, generate: true, differ, more };
    vec![
        row("a body", |p| p.edit("lib/lib.go", "Hello, ", "Hi, "), LIB, &[]),
        row("a test", |p| p.edit("lib/x_test.go", "\"you\"", "\"him\""), &["//lib:lib_test"], &[]),
        row("what is exported", |p| p.write("plat/more.go", "package plat\n\nfunc More() {}\n"), PLAT, &[]),
        row("an embedded file more", |p| p.write("embedded/data/d.txt", "d\n"), EMBEDDED, &[]),
        row("what a test may read", |p| p.write("lib/testdata/more/new.txt", "new"), &["//lib:lib_test"], &[]),
        row("a file for a tag", |p| p.write("lib/tagged.go", "//go:build tagged\n\npackage lib\n"), &[], LIB),
        row("a module", bump, &["//cmd/other", "//cmd/other:other_lib", "//ext"], &[]),
        row("a package less", remove_other, &["//cmd/other", "//cmd/other:other_lib"], &[]),
        row("a profile", strip, LINKED, &["//asm", "//cmd/other:other_lib", "//cmd/tool:tool_lib", "//lib"]),
        row("nothing", |_| {}, &[], &[]),
        row("a comment", |p| p.edit("lib/lib.go", "// A comment in", "// Another in"), LIB, &[]),
        row("a test more", |p| p.write("plat/plat_test.go", "package plat\n"), &["//plat:plat_test"], PLAT),
        row("an embedded file", |p| p.write("embedded/data/a.txt", "A\n"), EMBEDDED, &[]),
        row("an embedded file less", |p| remove(p, "embedded/data/b.txt"), EMBEDDED, &[]),
        row("what a test reads", |p| p.write("lib/testdata/greeting.txt", "Hello!"), &["//lib:lib_test"], &[]),
        row("what a test reads elsewhere", |p| p.write("shared/words.txt", "other\n"), &[], &["//lib:lib_test"]),
        row("a file of another platform", |p| p.edit("plat/plat_windows.go", "\"windows\"", "\"win\""), &[], &[]),
        row("a header", |p| p.write("asm/own.h", "#define OWN 2\n"), ASM, &[]),
        row("a header elsewhere", |p| p.write("shared/defs.h", "#define SHARED 0x1\n"), &[], ASM),
        row("assembly", |p| p.edit("asm/asm_amd64.s", "ADDQ $OWN", "ADDQ $(OWN)"), ASM, &[]),
        row("another name of a file", |p| rename(p, "lib/lib.go", "lib/greet.go"), LIB, &[]),
        row("a link to the same", link_to_the_same, &[], &[]),
        row("what nobody reads", |p| p.write("lib/README.md", "another\n"), &[], &[]),
        row("the go line", |p| p.edit("go.mod", "go 1.24", "go 1.25"), ALL, &[]),
        row("a setting", set_debug, &["//cmd/tool", "//cmd/tool:tool_lib"], &[]),
        row("a package more", |p| p.write("lib/sub/sub.go", "package sub\n"), &["//lib/sub"], &[]),
        row("a platform more", add_platform, &[], &[]),
    ]
}

/// Changes of Bazel's own files.
fn of_bazel_files() -> Vec<Row> {
    let row = |name, change, differ, more| Row { name, change, generate: false, differ, more };
    vec![
        row("a flag", |p| p.edit("lib/BUILD.bazel", "importpath =", "gc_goopts = [\"-N\"],\n    importpath ="), LIB, &[]),
        row(
            "a comment in BUILD.bazel",
            |p| p.write("lib/BUILD.bazel", &(p.read("lib/BUILD.bazel") + "# The end.\n")),
            &[],
            LIB,
        ),
        row(
            "data",
            |p| p.edit("asm/BUILD.bazel", "embed = [\":asm\"]", "data = [\"own.h\"],\n    embed = [\":asm\"]"),
            &["//asm:asm_test"],
            &["//asm", "//cmd/other", "//cmd/other:other_lib"],
        ),
        row(".bazelrc", |p| p.write(".bazelrc", "build --@rules_go_direct//go/config:tags=tagged\n"), LINKED, LIBRARIES),
        row("MODULE.bazel", |p| p.edit("MODULE.bazel", "\"tested\"", "\"renamed\""), LINKED, LIBRARIES),
        row(
            "a macro",
            add_macro,
            PLAT,
            &[
                "//asm",
                "//asm:asm_test",
                "//cmd/other",
                "//cmd/other:other_lib",
                "//embedded",
                "//ext",
                "//lib",
                "//lib:lib_test",
            ],
        ),
    ]
}

fn add_macro(project: &Project) {
    let load = "load(\"@rules_go_direct//go:defs.bzl\", \"go_library\")";
    let library = "def library(**kwargs):\n    go_library(gc_goopts = [\"-N\"], **kwargs)\n";
    project.write("macro.bzl", &format!("{load}\n\n{library}"));
    project.edit("plat/BUILD.bazel", load, "load(\"//:macro.bzl\", \"library\")");
    project.edit("plat/BUILD.bazel", "go_library(", "library(");
}

fn remove(project: &Project, path: &str) {
    fs::remove_file(project.root().join(path)).unwrap();
}

fn rename(project: &Project, from: &str, to: &str) {
    fs::rename(project.root().join(from), project.root().join(to)).unwrap();
}

fn link_to_the_same(project: &Project) {
    rename(project, "lib/lib.go", "shared/lib.txt");
    link(project, "../shared/lib.txt", "lib/lib.go");
}

fn remove_other(project: &Project) {
    fs::remove_dir_all(project.root().join("cmd/other")).unwrap();
}

fn strip(project: &Project) {
    project.edit("godirect.star", "bazel()", "profile(\"default\", strip = True)\n\nbazel()");
}

fn set_debug(project: &Project) {
    project.edit("cmd/tool/main.go", "package main\n", "//go:debug panicnil=1\npackage main\n");
}

fn add_platform(project: &Project) {
    project.edit("godirect.star", "\"windows/amd64\"", "\"windows/amd64\", \"darwin/amd64\"");
}

fn bump(project: &Project) {
    project.edit("go.mod", "uuid v1.5.0", "uuid v1.6.0");
    project.write(
        "go.sum",
        "github.com/google/uuid v1.6.0 h1:NIvaJDMOsjHA8n1jAhLSgzrAzy1Hgr+hNrb57e+94F0=\n\
         github.com/google/uuid v1.6.0/go.mod h1:TIyPZe4MgqvfeYDBFedMoGGpEw/LqOeaOT+nhxU+yHo=\n",
    );
}

/// The repository of the rows with Bazel files, in a place that is always the same, so that Bazel fetches the SDK once.
fn workspace() -> Project {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let name = "affected-agreement";
    let _ = fs::remove_dir_all(place.join(name));
    let directory = tempfile::Builder::new().prefix(name).rand_bytes(0).tempdir_in(place).unwrap();
    let project = Project::in_directory(directory, read_tree(&repository("tests/affected/repo"))).with_user_cache();
    project.write("godirect.star", &(project.read("godirect.star") + "\nbazel()\n"));
    let ruleset = repository("rules_go_direct").display().to_string();
    let module = "module(name = \"tested\")\n\nlocal_path_override(\n    module_name = \"rules_go_direct\",\n";
    project.write("MODULE.bazel", &format!("{module}    path = \"{ruleset}\",\n)\n"));
    git(&project, &["init", "-q"]);
    project.write(".gitignore", "MODULE.bazel.lock\n");
    generate(&project);
    commit(&project, "base");
    project
}

fn generate(project: &Project) {
    for verb in ["lock", "generate"] {
        project.succeeds(&[verb]);
    }
}

/// The labels of the answer for a platform, also of what the head doesn't have any more.
fn answer(project: &Project, platform: &str) -> BTreeSet<String> {
    let answer = super::answer(project, &["--truth", "bazel", "--platform", platform]);
    answer["affected"].as_array().unwrap().iter().map(|impact| impact["label"].as_str().unwrap().to_owned()).collect()
}

/// `GODIRECT_TEST_AGREEMENT=all` asks about all rows; the table of docs/affected.md is what that prints.
#[test]
fn every_target_that_bazel_tells_apart_is_in_the_answer() {
    let project = workspace();
    let bazel = Workspace::new(&project.root());
    let base = bazel.actions("linux_amd64");
    assert_eq!(base.keys().map(String::as_str).collect::<Vec<_>>(), ALL);
    let few = |rows: Vec<Row>| rows.into_iter().take(if wants_all() { usize::MAX } else { FEW });
    let mut wrong = Vec::new();
    for row in few(of_source()).chain(few(of_bazel_files())) {
        (row.change)(&project);
        if row.generate {
            generate(&project);
        }
        let (differ, answer) = (differ(&base, &bazel.actions("linux_amd64")), answer(&project, "linux_amd64"));
        let more: BTreeSet<String> = answer.difference(&differ).cloned().collect();
        let missing: Vec<_> = differ.difference(&answer).collect();
        let set = |labels: &[&str]| labels.iter().map(|label| (*label).to_owned()).collect::<BTreeSet<_>>();
        println!("| {} | {} | {} | {} |", row.name, differ.len(), missing.len(), more.len());
        if (&differ, &more) != (&set(row.differ), &set(row.more)) {
            wrong.push(format!("{}: differ {differ:?}, missing {missing:?}, more {more:?}", row.name));
        }
        git(&project, &["reset", "-q", "--hard"]);
        git(&project, &["clean", "-qfd"]);
    }
    engines::bazel(&project.root(), &["shutdown"]);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
