//! Locks that don't fit, and generated files that aren't ours.

use crate::support::{Project, error, repository, with_module};

const RUN_LOCK: &str = "run `godirect lock`";

/// `generate` and `build` must refuse alike.
#[track_caller]
fn refused(project: &Project, code: i32, stderr: &str) {
    project.fails(&["generate"], code, stderr);
    project.fails(&["generate", "--check"], code, stderr);
    project.fails(&["build"], code, stderr);
}

#[test]
fn no_lock() {
    let project = Project::example("01-hello");
    std::fs::remove_file(project.root().join("godirect.lock.json")).unwrap();
    refused(&project, 2, &error("there is no godirect.lock.json", RUN_LOCK));
}

#[test]
fn lock_of_another_format() {
    for (code, version, help) in [(2, 3, "update godirect"), (1, 1, "run `godirect lock` to write it anew")] {
        let project = Project::example("01-hello");
        project.edit("godirect.lock.json", "  \"version\": 2,\n", &format!("  \"version\": {version},\n  \"news\": true,\n"));
        let message = format!("godirect.lock.json has format version {version}, and this godirect reads version 2");
        refused(&project, code, &error(&message, help));
    }
}

#[test]
fn lock_with_a_merge_conflict() {
    let project = Project::example("01-hello");
    project.edit("godirect.lock.json", "  \"sdks\": [\n", "<<<<<<< HEAD\n  \"sdks\": [\n=======\n>>>>>>> branch\n");
    refused(
        &project,
        2,
        "error: godirect.lock.json has a merge conflict\n \
         --> godirect.lock.json:4:1\n  \
         |\n\
         4 | <<<<<<< HEAD\n  \
         | ^^^^^^^^^^^^\n  \
         |\n\
         help: keep either side, then `godirect lock` makes it right for the merged go.mod\n",
    );
}

#[test]
fn damaged_lock() {
    let project = Project::example("01-hello");
    project.write("godirect.lock.json", "{\n  \"version\": 2,\n  \"platforms\": [\"linux/amd64\"],\n  \"sdks\": 7\n}\n");
    refused(
        &project,
        2,
        "error: malformed lock: invalid type: integer `7`, expected a sequence\n \
         --> godirect.lock.json:4:11\n  \
         |\n\
         4 |   \"sdks\": 7\n  \
         |           ^\n  \
         |\n\
         help: `godirect lock` writes it; it isn't made to be edited\n",
    );
}

#[test]
fn spec_that_moved_on() {
    let stale = |why: &str| error(&format!("godirect.lock.json is stale: {why}"), RUN_LOCK);
    for (added, why) in [
        ("go_sdk(version = \"1.27.4\")", "it pins go1.27.3, but the spec asks for go1.27.4"),
        (
            "go_sdk(exec_platforms = [\"linux/amd64\", \"darwin/arm64\"])",
            "it has no SDK for the execution platform darwin/arm64",
        ),
    ] {
        let project = Project::example("01-hello");
        project.write("godirect.star", &format!("{}\n{added}\n", project.read("godirect.star")));
        refused(&project, 1, &stale(why));
    }
    let project = Project::example("01-hello");
    project.edit("godirect.star", "\"linux/arm64\"", "\"linux/arm64\", \"windows/amd64\"");
    refused(&project, 1, &stale("it doesn't cover the platform windows/amd64"));
}

#[test]
fn modules_that_moved_on() {
    let stale = |why: &str| error(&format!("godirect.lock.json is stale: {why}"), RUN_LOCK);
    for (from, to, why) in [
        ("go 1.25.0\n", "go 1.28\n", "it pins go1.27.3, but go.mod has the line `go 1.28`"),
        ("toolchain go1.27.3", "toolchain go1.27.4", "it pins go1.27.3, but go.mod has the line `toolchain go1.27.4`"),
        ("xxhash/v2 v2.3.0", "xxhash/v2 v2.2.0", "it has github.com/cespare/xxhash/v2@v2.3.0, but go.mod asks for v2.2.0"),
        ("xxhash/v2 v2.3.0", "xxhash/v2 v2.4.0", "it has github.com/cespare/xxhash/v2@v2.3.0, but go.mod asks for v2.4.0"),
        ("\tgithub.com/cespare/xxhash/v2 v2.3.0\n", "", "it has github.com/cespare/xxhash/v2, which go.mod does not require"),
        (
            "toolchain go1.27.3\n",
            "toolchain go1.27.3\n\nreplace github.com/cespare/xxhash/v2 => a.example/x v1.0.0\n",
            "it doesn't replace github.com/cespare/xxhash/v2, but go.mod replaces it by a.example/x@v1.0.0",
        ),
    ] {
        let project = Project::example("02-modules");
        project.edit("go.mod", from, to);
        refused(&project, 1, &stale(why));
    }
    // Before Go 1.17 other go.mod files have a say.
    let project = Project::example("02-modules");
    project.edit("go.mod", "go 1.25.0\n", "go 1.16\n");
    refused(&project, 1, &stale("it doesn't have the go.mod of github.com/alecthomas/chroma/v2@v2.27.0"));
}

#[test]
fn hashes_that_contradict() {
    let right = "h1:UL815xU9SqsFlibzuggzjXhog7bL6oX9BbNZnL2UFvs=";
    let wrong = "h1:UL816xU9SqsFlibzuggzjXhog7bL6oX9BbNZnL2UFvs=";
    for (file, in_sum, in_lock) in [("go.sum", wrong, right), ("godirect.lock.json", right, wrong)] {
        let project = Project::example("02-modules");
        project.edit(file, right, wrong);
        let message = format!(
            "checksum mismatch for github.com/cespare/xxhash/v2@v2.3.0: go.sum has {in_sum}, godirect.lock.json has {in_lock}"
        );
        refused(&project, 4, &error(&message, "find out which of them was changed, and why; `godirect lock` follows go.sum"));
    }
    let project = Project::example("02-modules");
    project.edit("go.sum", &format!("github.com/cespare/xxhash/v2 v2.3.0 {right}\n"), "");
    let message = "godirect.lock.json is stale: it has no proof of github.com/cespare/xxhash/v2@v2.3.0, and go.sum no line";
    refused(&project, 1, &error(message, RUN_LOCK));
}

#[test]
fn a_lock_that_fits_no_more_is_made_anew() {
    let project = with_module();
    project.succeeds(&["lock"]);
    let expected = project.read("godirect.lock.json");
    for damaged in ["", "{", "<<<<<<< HEAD\n", "{\"version\": 1}\n"] {
        project.write("godirect.lock.json", damaged);
        project.succeeds(&["lock"]);
        assert_eq!(project.read("godirect.lock.json"), expected);
    }
}

#[test]
fn files_that_people_wrote_stay() {
    let project = Project::example("01-hello");
    project.write("flake.nix", "{ }\n");
    project.write("main.go", "package main\n\nfunc main() {}\n");
    let before = crate::support::read_tree(&project.root());
    let message = "flake.nix was not written by godirect, so it is left alone";
    let expected =
        error(message, "move or delete it, or put `@generated by godirect generate` in its first line to have it replaced");
    project.fails(&["generate"], 2, &expected);
    project.fails(&["generate", "--check"], 2, &expected);
    assert!(before == crate::support::read_tree(&project.root()), "all or nothing");
}

#[test]
fn module_bazel_with_a_broken_section() {
    let text = std::fs::read_to_string(repository("examples/01-hello/MODULE.bazel")).unwrap();
    let (begin, end) =
        ("# godirect: begin (@generated by `godirect generate`; edit outside of this section)\n", "# godirect: end\n");
    for broken in [text.replace(begin, ""), text.replace(end, ""), format!("{text}{text}"), format!("{end}{begin}")] {
        let project = Project::example("01-hello");
        project.write("MODULE.bazel", &broken);
        let message = "MODULE.bazel has not one line `# godirect: begin …` followed by one `# godirect: end`";
        let help = "delete these lines and what is between them; `godirect generate` writes them again";
        project.fails(&["generate"], 2, &error(message, help));
        assert_eq!(project.read("MODULE.bazel"), broken);
    }
}
