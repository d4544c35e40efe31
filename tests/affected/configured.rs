//! Files that configure Bazel, and what they name: for which targets each of them counts.

use super::support::Project;
use super::{base, commit, git};

const MODULE: &str = r#"module(name = "tested")
register_toolchains("//toolchains:all")
pip.parse(lock = "//:requirements.txt")
local_path_override(module_name = "x", path = "third_party/x")
use_extension("//ext:ext.bzl", "ext")
single_version_override(module_name = "y", patches = ["//ext:y.patch"])
"#;

/// The repository with all of these.
fn configured() -> Project {
    let project = base();
    for (path, text) in [
        ("MODULE.bazel", MODULE),
        (".bazelrc", "build --platforms=//platforms:p\n"),
        (".bazelignore", "# No packages.\nignored/\n"),
        ("BUILD.bazel", ""),
        ("requirements.txt", "a\n"),
        (
            "toolchains/BUILD.bazel",
            "toolchain(name = \"t\", toolchain = \":impl\")\nfilegroup(name = \"impl\", srcs = [\"impl.txt\"])\n",
        ),
        ("toolchains/impl.txt", "1\n"),
        ("platforms/BUILD.bazel", "platform(name = \"p\", constraint_values = [])\n"),
        ("third_party/x/x.txt", "1\n"),
        ("ext/BUILD.bazel", ""),
        ("ext/ext.bzl", "load(\":more.bzl\", \"more\")\n"),
        ("ext/more.bzl", "more = 1\n"),
        ("ext/y.patch", "1\n"),
        ("ignored/BUILD.bazel", "genrule(name = \"ignored\")\n"),
        (
            "a/BUILD.bazel",
            "genrule(name = \"a\", srcs = [\"a.txt\"])\ngenrule(name = \"pip\", tools = [\"@pip//x\", \"@tested//a:a.txt\"])\n",
        ),
        ("a/a.txt", "1\n"),
        ("b/BUILD.bazel", "load(\"//b:defs.bzl\", \"made\")\nmade(name = \"m\")\ngenrule(name = \"b\")\n"),
        ("b/defs.bzl", "def made(name):\n    native.genrule(name = name + \"_1\", srcs = [\"//a:pip\"])\n"),
        ("b/unloaded.bzl", "x = 1\n"),
        ("b/b.txt", "1\n"),
    ] {
        project.write(path, text);
    }
    commit(&project, "configured");
    project
}

#[test]
fn each_file_counts_for_what_uses_it() {
    let project = configured();
    for (path, wanted) in [
        ("a/a.txt", &["//a", "//a:pip", "//b:all"][..]),
        ("b/b.txt", &["//b:all"]),
        ("b/defs.bzl", &["//b:all"]),
        ("b/unloaded.bzl", &["//b:all"]),
        ("requirements.txt", &["//a:pip", "//b:all"]),
        ("MODULE.bazel.lock", &["//a:pip", "//b:all"]),
        ("ignored/BUILD.bazel", &[]),
        ("ext/unloaded.bzl", &[]),
        ("docs/a.md", &[]),
    ] {
        assert_eq!(labels(&project, path), wanted, "{path}");
    }
}

#[test]
fn some_files_count_for_everything() {
    let project = configured();
    let paths = [
        "MODULE.bazel",
        ".bazelrc",
        ".bazelversion",
        ".bazelignore",
        "ci/ci.bazelrc",
        "ext/ext.bzl",
        "ext/more.bzl",
        "ext/y.patch",
        "third_party/x/x.txt",
        "toolchains/impl.txt",
        "tools/bazel",
    ];
    for path in paths {
        let labels = labels(&project, path);
        for label in ["//a", "//b", "//b:all", "//lib", "//lib:lib_test", "//cmd/tool"] {
            assert!(labels.iter().any(|known| known == label), "{path}: {label} is not in {labels:?}");
        }
    }
}

/// The labels of the answer after one more line in a file.
fn labels(project: &Project, path: &str) -> Vec<String> {
    let before = std::fs::read_to_string(project.root().join(path)).unwrap_or_default();
    let line = if path.ends_with("BUILD.bazel") { "genrule(name = \"more\")\n" } else { "# One more line.\n" };
    project.write(path, &(before + line));
    let text = project.succeeds(&["affected", "--format", "labels", "--platform", "linux/amd64"]);
    git(project, &["checkout", "-q", "."]);
    git(project, &["clean", "-qfd"]);
    text.lines().map(str::to_owned).collect()
}
