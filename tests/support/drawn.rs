//! A repository whose graph has one of everything: platforms, tests, replacements, modules of others, lines of go.mod in vain.

use super::Project;
use super::registry::{Registry, small_sdk};

const GO_MOD: &str = "module example.com/p

go 1.27

toolchain go1.27.3

require (
\ta.example/a v1.0.0
\tb.example/b v1.0.0
\tc.example/c v1.1.0
\tl.example/l v1.0.0
\tt.example/t v1.0.0
\tu.example/u v1.0.0
\tv.example/v v1.0.0
)

replace l.example/l => ./local

replace x.example/x => y.example/y v1.0.0

exclude c.example/c v1.0.0
";

/// What the repository has besides spec, go.mod and go.sum.
const FILES: [(&str, &str); 8] = [
    (
        "main.go",
        "package main\n\nimport (\n\t\"a.example/a\"\n\t\"example.com/p/lib\"\n)\n\nfunc main() { println(a.C, lib.C) }\n",
    ),
    (
        "cmd/tool/tool.go",
        "// Command tool uses the library.\npackage main\n\nimport \"example.com/p/lib\"\n\nfunc main() { println(lib.C) }\n",
    ),
    ("lib/lib.go", "package lib\n\nimport \"l.example/l\"\n\nconst C = l.C\n"),
    ("lib/lib_windows.go", "package lib\n\nimport (\n\t_ \"b.example/b\"\n\t_ \"math/bits\"\n)\n"),
    ("lib/tagged.go", "//go:build never\n\npackage lib\n\nimport _ \"v.example/v\"\n"),
    ("lib/lib_test.go", "package lib_test\n\nimport (\n\t_ \"example.com/p/lib\"\n\t_ \"t.example/t\"\n)\n"),
    ("local/go.mod", "module l.example/l\n\ngo 1.27\n"),
    ("local/local.go", "package l\n\nimport _ \"c.example/c/sub\"\n\nconst C = 1\n"),
];

/// The repository, and the module proxy that it is locked with.
pub fn project() -> (Registry, Project) {
    let mut registry = Registry::new();
    registry.publish("a.example/a@v1.0.0", &[], &[("a.go", "package a\n\nimport _ \"c.example/c/sub\"\n\nconst C = 1\n")]);
    registry.publish_packages("b.example/b@v1.0.0", &[""]);
    registry.publish_packages("c.example/c@v1.1.0", &["", "sub"]);
    for path in ["t", "u", "v"] {
        registry.publish_packages(&format!("{path}.example/{path}@v1.0.0"), &[""]);
    }
    let spec = format!("{}\nplatforms(\"linux/amd64\", \"windows/amd64\")\n\nnix()\n", small_sdk());
    // Go would have no hash of the content of what it never looked into.
    let sums: String = registry
        .sums()
        .lines()
        .filter(|line| !line.starts_with("u.example/u v1.0.0 "))
        .map(|line| format!("{line}\n"))
        .collect();
    let mut files = vec![("godirect.star", spec.as_str()), ("go.mod", GO_MOD), ("go.sum", &sums)];
    files.extend(FILES);
    let project = Project::new(&files).env("GOPROXY", &registry.url);
    project.succeeds(&["lock"]);
    (registry, project)
}
