//! `replace` directives that name a directory.

use crate::{Project, build_info};

const MAIN: (&str, &str) = (
    "main.go",
    "package main\n\nimport (\n\t\"example.com/lib\"\n\t\"example.com/lib/sub\"\n)\n\nfunc main() { lib.F(); sub.F() }\n",
);
const LIB: (&str, &str) = ("lib/lib.go", "package lib\n\nfunc F() { println(\"lib\") }\n");
/// It panics, so that the binary has the file's name.
const SUB: (&str, &str) = ("lib/sub/sub.go", "package sub\n\nfunc F() { panic(\"sub\") }\n");
const LIB_MOD: (&str, &str) = ("lib/go.mod", "module example.com/lib\n\ngo 1.20\n");

/// A program with a module in `lib`, which go.mod's last line replaces.
fn project(replace: &str) -> Project {
    let gomod = format!("module example.com/main\n\ngo 1.25\n\nrequire example.com/lib v1.2.0\n\n{replace}\n");
    Project::new(&[("go.mod", &gomod), MAIN, LIB, SUB, LIB_MOD])
}

#[test]
fn a_directory_stands_for_a_version_or_for_all() {
    for (replace, shown) in [
        ("replace example.com/lib => ./lib", "./lib"),
        ("replace example.com/lib v1.2.0 => ./lib", "./lib"),
        // The directory is shown as it is written, and a version has precedence.
        ("replace example.com/lib v1.2.0 => ./sub/../lib/\nreplace example.com/lib => ./nowhere", "./sub/../lib/"),
    ] {
        let project = project(replace);
        project.is_the_same_from_go("", ".", "main");
        let info = build_info(&project.root().join("godirect-out/linux_amd64/main"));
        assert!(info.contains(&format!("\tdep\texample.com/lib\tv1.2.0\n\t=>\t{shown}\t(devel)\t\n")), "{info}");
    }
}

#[test]
fn directories_nest_and_need_modules_of_their_own() {
    let project = Project::new(&[
        (
            "go.mod",
            "module example.com/main\n\ngo 1.25\n\nrequire (\n\texample.com/main/deep v0.0.0\n\texample.com/outer v1.0.0\n)\n\n\
             require github.com/cespare/xxhash/v2 v2.3.0 // indirect\n\n\
             replace (\n\texample.com/main/deep => ./outer/deep\n\texample.com/outer => ./outer\n)\n",
        ),
        (
            "go.sum",
            "github.com/cespare/xxhash/v2 v2.3.0 h1:UL815xU9SqsFlibzuggzjXhog7bL6oX9BbNZnL2UFvs=\n\
             github.com/cespare/xxhash/v2 v2.3.0/go.mod h1:VGX0DQ3Q6kWi7AoAeZDth3/j3BFtOZR5XLFGgcrjCOs=\n",
        ),
        ("main.go", "package main\n\nimport \"example.com/outer/x\"\n\nfunc main() { println(x.X()) }\n"),
        ("outer/go.mod", "module example.com/outer\n\nrequire example.com/main/deep v0.0.0\n"),
        (
            "outer/x/x.go",
            "package x\n\nimport (\n\t_ \"embed\"\n\n\t\"example.com/main/deep/y\"\n)\n\n//go:embed x.txt\nvar text string\n\nfunc X() uint64 { return y.Y(text) }\n",
        ),
        ("outer/x/x.txt", "embedded\n"),
        ("outer/deep/go.mod", "module example.com/main/deep\n\ngo 1.24\n\nrequire github.com/cespare/xxhash/v2 v2.3.0\n"),
        (
            "outer/deep/y/y.go",
            "package y\n\nimport \"github.com/cespare/xxhash/v2\"\n\nfunc Y(s string) uint64 { return xxhash.Sum64String(s) }\n",
        ),
    ]);
    project.is_the_same_from_go("", ".", "main");
}

#[test]
fn go_work_replaces_too_and_its_modules_are_relative_to_it() {
    let project = Project::new(&[
        ("go.work", "go 1.25\n\nuse (\n\t./a\n\t./b\n)\n\nreplace example.com/lib => ./libs/lib/\n"),
        (
            "a/go.mod",
            "module example.com/a\n\ngo 1.25\n\nrequire (\n\texample.com/c v1.3.0\n\texample.com/lib v1.0.0\n)\n\nreplace example.com/c => ../c\n",
        ),
        (
            "a/main.go",
            "package main\n\nimport (\n\t_ \"example.com/b\"\n\t_ \"example.com/c\"\n\t_ \"example.com/lib\"\n)\n\nfunc main() {}\n",
        ),
        ("b/go.mod", "module example.com/b\n\ngo 1.25\n\nrequire example.com/lib v1.1.0\n"),
        ("b/b.go", "package b\n"),
        ("c/go.mod", "module example.com/c\n\ngo 1.25\n\nrequire example.com/lib v1.4.0\n"),
        ("c/c.go", "package c\n"),
        ("libs/lib/go.mod", "module example.com/lib\n\ngo 1.21\n"),
        ("libs/lib/lib.go", "package lib\n"),
    ]);
    project.is_the_same_from_go("", "./a", "a");
    let info = build_info(&project.root().join("godirect-out/linux_amd64/a"));
    let lines = "\tdep\texample.com/c\tv1.3.0\n\t=>\t./c\t(devel)\t\n\t\n\tdep\texample.com/lib\tv1.4.0\n\t=>\t./libs/lib/\t(devel)\t\n";
    assert!(info.contains(lines), "{info}");
}

#[test]
fn the_spec_may_be_above_both() {
    let project = Project::new(&[
        (
            "backend/go.mod",
            "module example.com/main\n\ngo 1.25\n\nrequire example.com/lib v1.2.0\n\nreplace example.com/lib => ../lib\n",
        ),
        ("backend/main.go", MAIN.1),
        LIB,
        SUB,
        LIB_MOD,
    ]);
    project.write("godirect.star", &format!("{}module(\"backend\")\n", crate::SPEC));
    project.is_the_same_from_go("backend", ".", "main");
    project.succeeds(&["generate"]);
    assert!(project.read("lib/BUILD.bazel").contains("replace_path = \"../lib\""));
}

#[test]
fn patterns_and_unused_replacements_leave_directories_alone() {
    let project = project("replace example.com/lib => ./lib");
    project.write("main.go", "package main\n\nfunc main() {}\n");
    // Not even a program, as for go build ./...
    project.write("lib/cmd/main.go", "package main\n\nfunc main() { undefined }\n");
    project.is_the_same_from_go("", ".", "main");
    project.succeeds(&["generate"]);
    assert!(!project.root().join("lib/BUILD.bazel").exists());
    assert!(!project.read("godirect.lock.json").contains("\"local\""));
}

#[test]
fn files_of_a_replacement_that_is_no_longer_needed_are_removed() {
    let project = project("replace example.com/lib => ./lib");
    project.succeeds(&["lock"]);
    project.succeeds(&["generate"]);
    assert!(project.root().join("lib/sub/BUILD.bazel").exists());
    project.write("main.go", "package main\n\nfunc main() {}\n");
    project.succeeds(&["lock"]);
    project.succeeds(&["generate"]);
    assert!(!project.root().join("lib/sub/BUILD.bazel").exists() && !project.root().join("lib/BUILD.bazel").exists());
}

#[test]
fn directories_that_sandboxes_lack_are_refused() {
    let outside = project("replace example.com/lib => ../lib");
    std::fs::rename(outside.root().join("lib"), outside.root().join("../lib")).unwrap();
    let advice = "put godirect.star into a directory above both and say module(\"dir-of-go.mod\")";
    let message = "example.com/lib is replaced by ../lib, which is outside of the spec's directory";
    outside.fails(&["lock"], 2, message, advice);

    let absolute = project("replace example.com/lib => /somewhere/lib");
    let message = "example.com/lib is replaced by the absolute path /somewhere/lib, which other machines don't have";
    absolute.fails(&["lock"], 2, message, "write it relative to go.mod, or to go.work");

    let linked = project("replace example.com/lib => ./link/lib");
    std::fs::create_dir(linked.root().join("real")).unwrap();
    std::fs::rename(linked.root().join("lib"), linked.root().join("real/lib")).unwrap();
    std::os::unix::fs::symlink("real", linked.root().join("link")).unwrap();
    let message = "link is a symbolic link, which sandboxes don't follow";
    linked.fails(&["lock"], 2, message, "name the directory that it points to");

    let none = project("replace example.com/lib => ./nowhere");
    let message = "example.com/lib@v1.2.0: replacement directory nowhere has no go.mod";
    none.fails(&["lock"], 2, message, "correct the replace directive in go.mod or go.work");
}

#[test]
fn a_directory_stands_for_one_module() {
    let project =
        project("require example.com/twin v1.0.0\n\nreplace (\n\texample.com/lib => ./lib\n\texample.com/twin => ./lib\n)");
    project.edit("main.go", "\"example.com/lib/sub\"", "\"example.com/twin/sub\"");
    assert!(project.go(&["build"]).contains("lib@ used for two different module paths (example.com/lib and example.com/twin)"));
    let message = "lib is used for two different module paths: example.com/lib and example.com/twin";
    let advice = "a module can be itself or the replacement of one other: change the replace directives";
    project.fails(&["lock"], 2, message, advice);
}

#[test]
fn a_lock_fits_its_replacements() {
    let project = project("replace example.com/lib => ./lib");
    project.succeeds(&["lock"]);
    let stale = |why: &str| {
        let message = format!("godirect.lock.json is stale: {why}");
        project.fails(&["build"], 1, &message, "run `godirect lock`");
        project.fails(&["generate"], 1, &message, "run `godirect lock`");
    };
    project.edit("go.mod", "=> ./lib", "=> ./lib/");
    stale("it has ./lib for example.com/lib, but go.mod replaces it by ./lib/");
    project.edit("go.mod", "=> ./lib/", "=> example.com/fork v1.0.0");
    stale("it has ./lib for example.com/lib, but go.mod doesn't replace it by a directory");
    project.edit("go.mod", "=> example.com/fork v1.0.0", "=> ./lib");
    project.edit("go.mod", "lib v1.2.0", "lib v1.3.0");
    stale("it has example.com/lib@v1.2.0, but go.mod asks for v1.3.0");
    project.edit("go.mod", "require example.com/lib v1.3.0", "");
    stale("it has example.com/lib, which go.mod does not require");
}
