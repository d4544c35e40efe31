//! `godirect affected` beside a real Bazel: every target whose actions have other keys or read anything else must be in the answer.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::aquery::{Actions, Workspace, differ};
use super::engines;
use super::support::{Project, read_tree, repository};
use super::{commit, git, link};

/// So many rows of each kind are looked at without `GODIRECT_TEST_AGREEMENT=all`, which asks Bazel for some minutes: the first ones.
const FEW: usize = 8;

/// The row that is looked at for another platform, too.
const OF_WINDOWS: &str = "a file of Windows";

fn wants_all() -> bool {
    std::env::var("GODIRECT_TEST_AGREEMENT").is_ok_and(|value| value == "all")
}

/// A change of the workspace.
struct Row {
    /// What is changed, as messages name it.
    name: &'static str,
    /// The files of the base that are edited, and nothing else.
    edited: &'static [&'static str],
    change: fn(&Project),
    /// Whether the Bazel files are generated anew.
    generate: bool,
    /// The targets that Bazel tells apart.
    differ: &'static [&'static str],
    /// What else the answer has.
    more: &'static [&'static str],
}

// What differs where the file of a package does.
const LIB: &[&str] = &["//cmd/tool", "//cmd/tool:tool_lib", "//lib", "//lib:lib_test", "//tools:tool_test"];
const PLAT: &[&str] = &["//cmd/tool", "//cmd/tool:tool_lib", "//onlytest:onlytest_test", "//plat", "//tools:tool_test"];
const EMBEDDED: &[&str] = &["//cmd/tool", "//cmd/tool:tool_lib", "//embedded", "//tools:tool_test"];
const ASM: &[&str] = &["//asm", "//asm:asm_test", "//cmd/other", "//cmd/other:other_lib"];
const TOOL: &[&str] = &["//cmd/tool", "//cmd/tool:tool_lib", "//tools:tool_test"];
/// What is linked, or uses such.
const LINKED: &[&str] =
    &["//asm:asm_test", "//cmd/other", "//cmd/tool", "//lib:lib_test", "//onlytest:onlytest_test", "//tools:tool_test"];
/// All that is made of Go.
const GO: &[&str] = &[
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
    "//tools:tool_test",
];
/// All but these.
const OTHERS: &[&str] = &[
    "//:go_module",
    "//tools/other",
    "//tools:by_hand_test",
    "//tools:check_test",
    "//tools:checks",
    "//tools:fast",
    "//tools:gen",
    "//tools:generated",
    "//tools:joined",
    "//tools:loud",
    "//tools:named",
    "//tools:same_texts",
    "//tools:texts",
    "//wide:all",
    "//wide:computed",
];
/// What has files of the module's name beside it.
const RENAMED: &[&str] = &[
    "//asm:asm_test",
    "//cmd/other",
    "//cmd/tool",
    "//lib:lib_test",
    "//onlytest:onlytest_test",
    "//tools:by_hand_test",
    "//tools:check_test",
    "//tools:gen",
    "//tools:generated",
    "//tools:loud",
    "//tools:tool_test",
];
/// In the place of what the answer has more: whatever doesn't differ.
const ALL_ELSE: &[&str] = &["all else"];
/// Has no actions of its own.
const SUITE: &[&str] = &["//tools:checks"];

/// What uses the texts of a glob; what has no actions of its own.
const JOINED: &[&str] = &["//tools:by_hand_test", "//tools:check_test", "//tools:generated", "//tools:joined"];
const JOINED_USERS: &[&str] = &["//tools/other", "//tools:checks", "//tools:same_texts", "//tools:texts"];

/// Changes after which the Bazel files are generated anew.
fn of_source() -> Vec<Row> {
    let row = |name, change, differ, more| Row { name, edited: &[], change, generate: true, differ, more };
    vec![
        row("a body", |p| p.edit("lib/lib.go", "Hello, ", "Hi, "), LIB, SUITE),
        row("a test", |p| p.edit("lib/x_test.go", "\"you\"", "\"him\""), &["//lib:lib_test"], &[]),
        row("what is exported", |p| p.write("plat/more.go", "package plat\n\nfunc More() {}\n"), PLAT, SUITE),
        row("an embedded file more", |p| p.write("embedded/data/d.txt", "d\n"), EMBEDDED, SUITE),
        row("what a test may read", |p| p.write("lib/testdata/more/new.txt", "new"), &["//lib:lib_test"], &[]),
        row(
            "a file for a tag",
            |p| p.write("lib/tagged.go", "//go:build tagged\n\npackage lib\n"),
            &[],
            &["//cmd/tool", "//cmd/tool:tool_lib", "//lib", "//lib:lib_test", "//tools:checks", "//tools:tool_test"],
        ),
        row("a module", bump, &["//cmd/other", "//cmd/other:other_lib", "//ext"], &[]),
        row("a package less", remove_other, &["//cmd/other", "//cmd/other:other_lib"], &[]),
        row("a profile", strip, LINKED, SUITE),
        row("nothing", |_| {}, &[], &[]),
        row("a comment", |p| p.edit("lib/lib.go", "// A comment in", "// Another in"), LIB, SUITE),
        row("a test more", |p| p.write("plat/plat_test.go", "package plat\n"), &["//plat:plat_test"], &[]),
        row("an embedded file", |p| p.write("embedded/data/a.txt", "A\n"), EMBEDDED, SUITE),
        row("an embedded file less", |p| remove(p, "embedded/data/b.txt"), EMBEDDED, SUITE),
        row("what a test reads", |p| p.write("lib/testdata/greeting.txt", "Hello!"), &["//lib:lib_test"], &[]),
        row("what a test reads elsewhere", |p| p.write("shared/words.txt", "other\n"), &[], &["//lib:lib_test"]),
        row(OF_WINDOWS, |p| p.edit("plat/plat_windows.go", "\"windows\"", "\"win\""), &[], &[]),
        row("a header", |p| p.write("asm/own.h", "#define OWN 2\n"), ASM, &[]),
        row("a header elsewhere", |p| p.write("shared/defs.h", "#define SHARED 0x1\n"), &[], ASM),
        row("assembly", |p| p.edit("asm/asm_amd64.s", "ADDQ $OWN", "ADDQ $(OWN)"), ASM, &[]),
        row("another name of a file", |p| rename(p, "lib/lib.go", "lib/greet.go"), LIB, SUITE),
        row("a link to the same", link_to_the_same, &[], &[]),
        row("what nobody reads", |p| p.write("lib/README.md", "another\n"), &[], &[]),
        row("the go line", |p| p.edit("go.mod", "go 1.24", "go 1.25"), GO, &["//:go_module", "//tools:checks"]),
        row("a setting", set_debug, TOOL, SUITE),
        row("a package more", |p| p.write("lib/sub/sub.go", "package sub\n"), &["//lib/sub"], &[]),
        row("a platform more", add_platform, &[], &[]),
    ]
}

/// Changes of Bazel's own files.
fn of_bazel_files() -> Vec<Row> {
    let row = |name, change, differ, more| Row { name, edited: &[], change, generate: false, differ, more };
    vec![
        row("a flag", |p| p.edit("lib/BUILD.bazel", "importpath =", "gc_goopts = [\"-N\"],\n    importpath ="), LIB, SUITE),
        row(
            "a comment in BUILD.bazel",
            |p| p.write("lib/BUILD.bazel", &(p.read("lib/BUILD.bazel") + "# The end.\n")),
            &[],
            &[],
        ),
        row(
            "data",
            |p| p.edit("asm/BUILD.bazel", "embed = [\":asm\"]", "data = [\"own.h\"],\n    embed = [\":asm\"]"),
            &["//asm:asm_test"],
            &[],
        ),
        row(".bazelrc", |p| p.write(".bazelrc", "build --@rules_go_direct//go/config:tags=tagged\n"), LINKED, ALL_ELSE),
        row("MODULE.bazel", |p| p.edit("MODULE.bazel", "\"tested\"", "\"renamed\""), RENAMED, ALL_ELSE),
        row("a macro", add_macro, PLAT, &["//plat:all", "//tools:checks"]),
    ]
}

/// Changes of what isn't Go.
fn of_rules() -> Vec<Row> {
    let edit = |name, edited, change, differ, more| Row { name, edited, change, generate: false, differ, more };
    let row = |name, change, differ, more| edit(name, &[], change, differ, more);
    vec![
        edit("what a glob matches", &["tools/texts/a.txt"], |p| p.write("tools/texts/a.txt", "A\n"), JOINED, JOINED_USERS),
        row("what a glob leaves out", |p| p.write("tools/texts/no.txt", "NO\n"), &[], &[]),
        edit(
            "a tool",
            &["tools/gen.sh"],
            |p| p.edit("tools/gen.sh", "$@", "$*"),
            &["//tools:check_test", "//tools:gen", "//tools:generated", "//tools:loud"],
            SUITE,
        ),
        edit(
            "a script of tests",
            &["tools/check.sh"],
            |p| p.edit("tools/check.sh", "true", "exit 0"),
            &["//tools:by_hand_test", "//tools:check_test", "//tools:tool_test"],
            SUITE,
        ),
        edit("what a case has", &["tools/slow.txt"], |p| p.write("tools/slow.txt", "SLOW\n"), &["//tools:check_test"], SUITE),
        edit(
            "a constant's file",
            &["tools/other/named_2.txt"],
            |p| p.write("tools/other/named_2.txt", "N\n"),
            &["//tools:named"],
            &[],
        ),
        edit(
            "what is computed",
            &["wide/more/one.txt"],
            |p| p.write("wide/more/one.txt", "ONE\n"),
            &["//wide:computed", "//wide:each_one"],
            &["//wide:all"],
        ),
        edit(
            "what a macro uses",
            &["wide/hidden.txt"],
            |p| p.write("wide/hidden.txt", "H\n"),
            &["//wide:doubled_1", "//wide:doubled_2"],
            &["//wide:all", "//wide:computed"],
        ),
        edit("what a rule uses", &["tools/loud.txt"], |p| p.write("tools/loud.txt", "LOUD\n"), &["//tools:loud"], &[]),
        edit(
            "Go of a tool",
            &["plat/plat.go"],
            |p| p.edit("plat/plat.go", "{ return", "{ _ = 1; return"),
            &["//cmd/tool", "//cmd/tool:tool_lib", "//onlytest:onlytest_test", "//plat", "//tools:tool_test"],
            SUITE,
        ),
        row("one more for a glob", |p| p.write("tools/texts/c.txt", "c\n"), JOINED, JOINED_USERS),
        row(
            "a command",
            |p| p.edit("tools/BUILD.bazel", "$(location :gen) $", "$(location :gen) -u $"),
            &["//tools:check_test", "//tools:generated"],
            SUITE,
        ),
        row("a constant", |p| p.edit("tools/names.bzl", "[\"named_1.txt\", ", "["), &["//tools:named"], &[]),
        row("a comment on a variable", |p| p.edit("tools/BUILD.bazel", "TEXTS = glob(", "# A\nTEXTS = glob("), &[], &[]),
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
    let mut files = read_tree(&repository("tests/affected/repo"));
    files.extend(read_tree(&repository("tests/affected/rules")));
    let project = Project::in_directory(directory, files).with_user_cache();
    for script in ["tools/gen.sh", "tools/check.sh"] {
        fs::set_permissions(project.root().join(script), fs::Permissions::from_mode(0o755)).unwrap();
    }
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

/// Whether an answer has a label, or all of its package.
fn is_in(answer: &BTreeSet<String>, label: &str) -> bool {
    let package = label.split(':').next().unwrap();
    answer.contains(label) || answer.contains(&format!("{package}:all"))
}

/// What Bazel tells apart in the workspace as it is, and what else the answer has; what Bazel tells apart must be in that.
fn compare(project: &Project, bazel: &Workspace, base: &Actions, row: &Row, platform: &str) -> Result<(), String> {
    let (differ, answer) = (differ(base, &bazel.actions(platform)), answer(project, platform));
    let users = bazel.users(row.edited, platform);
    let missing: Vec<_> = differ.union(&users).filter(|label| !is_in(&answer, label)).collect();
    let more: BTreeSet<String> = answer.difference(&differ).cloned().collect();
    println!("| {} | {} | {} | {} |", row.name, differ.len(), missing.len(), more.len());
    let set = |labels: &[&str]| labels.iter().map(|label| (*label).to_owned()).collect::<BTreeSet<_>>();
    let expected = if row.more == ALL_ELSE { &set(&[GO, OTHERS].concat()) - &differ } else { set(row.more) };
    if missing.is_empty() && differ == set(row.differ) && more == expected {
        return Ok(());
    }
    Err(format!("{}: differ {differ:?}, missing {missing:?}, more {more:?}", row.name))
}

/// `GODIRECT_TEST_AGREEMENT=all` asks about all rows; the figures in docs/affected.md are sums of what that prints.
#[test]
fn every_target_that_bazel_tells_apart_is_in_the_answer() {
    let project = workspace();
    let bazel = Workspace::new(&project.root(), &["//tools:by_hand_test"]);
    let base = bazel.actions("linux_amd64");
    let few = |rows: Vec<Row>| rows.into_iter().take(if wants_all() { usize::MAX } else { FEW });
    let mut wrong = Vec::new();
    for row in few(of_source()).chain(few(of_bazel_files())).chain(few(of_rules())) {
        (row.change)(&project);
        if row.generate {
            generate(&project);
        }
        wrong.extend(compare(&project, &bazel, &base, &row, "linux_amd64").err());
        git(&project, &["reset", "-q", "--hard"]);
        git(&project, &["clean", "-qfd"]);
    }
    // The same for another platform, whose files are others.
    let row = Row { differ: PLAT, more: SUITE, ..of_source().into_iter().find(|row| row.name == OF_WINDOWS).unwrap() };
    let base = bazel.actions("windows_amd64");
    (row.change)(&project);
    wrong.extend(compare(&project, &bazel, &base, &row, "windows_amd64").err());
    engines::end_bazel(&project.root());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
