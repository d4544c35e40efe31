use super::*;
use crate::lock::file::LockedModule;
use crate::source::record::{FileGroup, PackageRecord};
use crate::source::tree::MemoryTree;

fn context(platform: &str, cgo: bool) -> BuildContext {
    BuildContext {
        platform: platform.parse().unwrap(),
        go: "1.27.3".parse().unwrap(),
        cgo,
        tags: BTreeSet::new(),
        experiments: BTreeSet::new(),
        external_link: None,
    }
}

fn record(name: &str, imports: &[&str]) -> PackageRecord {
    let group = FileGroup {
        go: vec!["x.go".to_owned()],
        imports: imports.iter().map(|i| (*i).to_owned()).collect(),
        ..FileGroup::default()
    };
    PackageRecord { name: name.to_owned(), groups: vec![group] }
}

fn std() -> BTreeMap<String, PackageRecord> {
    let packages: [(&str, &[&str]); 9] = [
        ("fmt", &["internal/abi", "os"]),
        ("os", &["runtime"]),
        ("runtime", &["internal/abi", "unsafe"]),
        ("runtime/cgo", &["unsafe"]),
        ("syscall", &["runtime"]),
        ("math", &[]),
        ("internal/abi", &[]),
        ("net", &["golang.org/x/net/dns"]),
        ("vendor/golang.org/x/net/dns", &["os"]),
    ];
    packages.into_iter().map(|(path, imports)| (path.to_owned(), record(path.rsplit('/').next().unwrap(), imports))).collect()
}

fn main_module(path: &str, directory: &str) -> MainModule {
    MainModule {
        path: path.parse().unwrap(),
        directory: directory.to_owned(),
        go: Some("1.22.1".parse().unwrap()),
        ignore: vec!["ignored".to_owned()],
        stands_for: None,
    }
}

fn module(path: &str, packages: &[(&str, &[&str])]) -> LockedModule {
    let json = serde_json::json!({
        "path": path, "version": "v1.0.0", "size": 1,
        "sha256": "0".repeat(64),
        "h1": format!("h1:{}=", "A".repeat(43)),
        "nar": format!("sha256-{}=", "A".repeat(43)),
        "packages": {},
    });
    let mut module: LockedModule = serde_json::from_value(json).unwrap();
    module.packages = packages.iter().map(|(directory, imports)| ((*directory).to_owned(), record("p", imports))).collect();
    module
}

/// Loads `roots` of `example.com/m` in memory and shows `import path (origin, language): dependencies` in order.
fn load(files: &[(&str, &str)], modules: &[LockedModule], roots: &[&str]) -> Result<Vec<String>> {
    load_in(files, modules, roots, &context("linux/amd64", true), &[main_module("example.com/m", "")])
}

fn load_in(
    files: &[(&str, &str)],
    modules: &[LockedModule],
    roots: &[&str],
    context: &BuildContext,
    main: &[MainModule],
) -> Result<Vec<String>> {
    let tree = MemoryTree::new(files);
    let std = std();
    let sources = Sources::new(&tree, main, ThirdParty::Locked(modules), Std::Recorded(&std));
    let roots: Vec<ImportPath> = roots.iter().map(|r| r.parse().unwrap()).collect();
    let graph = PackageGraph::load(&sources, context, &roots, false)?;
    let show = |p: &Package| {
        let deps: Vec<&str> = p.deps().into_iter().map(ImportPath::as_str).collect();
        format!("{} ({}, {}): {}", p.import_path, sources.describe(&p.origin), p.language, deps.join(" ")).trim_end().to_owned()
    };
    Ok(graph.packages().iter().filter(|p| !p.is_std()).map(show).collect())
}

fn fails(files: &[(&str, &str)], modules: &[LockedModule]) -> String {
    load(files, modules, &["example.com/m"]).unwrap_err().to_string()
}

#[test]
fn dependencies_come_first() {
    let files = [
        ("go.mod", ""),
        ("main.go", "package main\n\nimport (\n\t\"example.com/m/b\"\n\t\"github.com/x/y/sub\"\n\t\"unsafe\"\n)\n"),
        ("b/b.go", "package b\n\nimport \"fmt\"\nimport \"C\"\n"),
    ];
    let modules = [
        module("github.com/x/y", &[("sub", &["github.com/x/y/internal/z", "fmt"]), ("internal/z", &[])]),
        module("github.com/x", &[("", &[])]),
    ];
    let shown = load(&files, &modules, &["example.com/m"]).unwrap();
    let wanted = [
        "example.com/m/b (example.com/m, 1.22): fmt runtime/cgo syscall",
        "github.com/x/y/internal/z (github.com/x/y@v1.0.0, 1.16):",
        "github.com/x/y/sub (github.com/x/y@v1.0.0, 1.16): fmt github.com/x/y/internal/z",
        "example.com/m (example.com/m, 1.22): example.com/m/b github.com/x/y/sub runtime",
    ];
    assert_eq!(shown, wanted);
}

#[test]
fn closures_have_what_is_linked_or_compiled() {
    let tree = MemoryTree::new(&[("main.go", "package main\n\nimport \"net\"\n"), ("other/o.go", "package other\n")]);
    let (main, std) = ([main_module("example.com/m", "")], std());
    let sources = Sources::new(&tree, &main, ThirdParty::Locked(&[]), Std::Recorded(&std));
    let roots = ["example.com/m".parse().unwrap(), "example.com/m/other".parse().unwrap()];
    let context = context("linux/arm", false);
    let graph = PackageGraph::load(&sources, &context, &roots, false).unwrap();
    let closure = |linked| {
        graph.closure([roots[0].as_str()], linked).iter().map(|p| p.import_path.as_str()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(closure(false), "internal/abi runtime os vendor/golang.org/x/net/dns net example.com/m");
    assert_eq!(closure(true), "internal/abi runtime os vendor/golang.org/x/net/dns net math example.com/m");
}

#[test]
fn missing_packages_have_a_place_and_advice() {
    let main = |import: &str| format!("package main\n\nimport (\n\t\"fmt\"\n\t\"{import}\"\n)\n");
    for (import, wanted) in [
        (
            "github.com/x/y",
            "main.go:5:2: no required module provides package github.com/x/y (if go.mod requires its module, run `godirect lock`; else `go get` it first)",
        ),
        ("fnt", "main.go:5:2: package fnt is not in std (check the import path; if the SDK has it, run `godirect lock`)"),
        (
            "example.com/m/none",
            "main.go:5:2: package example.com/m/none is not in module example.com/m: its directory has no Go files",
        ),
        (
            "example.com/m/nested",
            "main.go:5:2: package example.com/m/nested is not in module example.com/m: its directory has no Go files",
        ),
        ("internal/abi", "main.go:5:2: use of internal package internal/abi not allowed in example.com/m"),
        (
            "github.com/a/internal/b",
            "main.go:5:2: use of internal package github.com/a/internal/b not allowed in example.com/m",
        ),
        ("example.com/m/cmd", "main.go:5:2: import \"example.com/m/cmd\" is a program, not an importable package"),
        (
            "./x",
            "main.go:5:2: \"./x\" is relative, but relative import paths are not supported (write the package's whole import path)",
        ),
        ("vendor/golang.org/x/net/dns", "main.go:5:2: vendor/golang.org/x/net/dns must be imported as golang.org/x/net/dns"),
        (
            "github.com/a/b/c",
            "main.go:5:2: ambiguous import: found package github.com/a/b/c in multiple places: github.com/a/b@v1.0.0, github.com/a@v1.0.0 (remove one of the modules from go.mod, or change its version)",
        ),
        ("example.com/m/windows", "build constraints exclude all Go files in windows"),
        ("example.com/m/test", "no non-test Go files in test"),
        ("example.com/m/c", "c: C source files not allowed when not using cgo or SWIG: c.c"),
    ] {
        let content = main(import);
        let files = [
            ("main.go", content.as_str()),
            ("nested/go.mod", ""),
            ("nested/n.go", "package nested\n"),
            ("cmd/main.go", "package main\n"),
            ("windows/w_windows.go", "package w\n"),
            ("test/a_test.go", "package a\n"),
            ("c/c.c", ""),
            ("c/c.go", "package c\n"),
        ];
        let modules = [module("github.com/a/b", &[("c", &[])]), module("github.com/a", &[("b/c", &[]), ("internal/b", &[])])];
        assert_eq!(fails(&files, &modules), wanted, "{import}");
    }
}

#[test]
fn problems_in_modules_name_the_importer() {
    let files = [("main.go", "package main\n\nimport _ \"github.com/a\"\n")];
    assert_eq!(
        fails(&files, &[module("github.com/a", &[("", &["github.com/b"])])]),
        "github.com/a (github.com/a@v1.0.0): no required module provides package github.com/b (if go.mod requires its module, run \
         `godirect lock`; else `go get` it first)"
    );
}

#[test]
fn cycles_are_shown_whole() {
    let files = [
        ("main.go", "package main\n\nimport _ \"example.com/m/a\"\n"),
        ("a/a.go", "package a\n\nimport _ \"example.com/m/b\"\n"),
        ("b/b.go", "package b\n\nimport _ \"example.com/m/a\"\n"),
    ];
    assert_eq!(fails(&files, &[]), "import cycle not allowed: example.com/m/a -> example.com/m/b -> example.com/m/a");
}

#[test]
fn a_workspace_has_several_main_modules() {
    let files = [
        ("a/go.mod", ""),
        ("a/a.go", "package a\n\nimport _ \"example.com/b/sub\"\n"),
        ("b/go.mod", ""),
        ("b/sub/s.go", "package sub\n"),
    ];
    let main = [main_module("example.com/a", "a"), main_module("example.com/b", "b")];
    let shown = load_in(&files, &[], &["example.com/a"], &context("linux/amd64", false), &main).unwrap();
    assert_eq!(shown, ["example.com/b/sub (example.com/b, 1.22):", "example.com/a (example.com/a, 1.22): example.com/b/sub"]);
}

#[test]
fn a_nested_module_has_its_packages_alone() {
    let files = [
        ("go.mod", ""),
        ("m.go", "package m\n\nimport _ \"example.com/m/n\"\n"),
        ("n/go.mod", ""),
        ("n/n.go", "package n\n"),
        ("n/main/main.go", "package main\n\nimport _ \"example.com/m/n\"\n"),
    ];
    let main = [main_module("example.com/m", ""), main_module("example.com/m/n", "n")];
    let roots = ["example.com/m/n/main", "example.com/m"];
    let wanted = [
        "example.com/m/n (example.com/m/n, 1.22):",
        "example.com/m (example.com/m, 1.22): example.com/m/n",
        "example.com/m/n/main (example.com/m/n, 1.22): example.com/m/n runtime",
    ];
    // Whichever is looked for first.
    for main in [main.clone(), [main[1].clone(), main[0].clone()]] {
        let mut shown = load_in(&files, &[], &roots, &context("linux/amd64", false), &main).unwrap();
        shown[1..].sort();
        assert_eq!(shown, wanted);
    }
}

#[test]
fn unlocked_modules_are_recorded_on_demand() {
    let tree = MemoryTree::new(&[("main.go", "package main\n\nimport _ \"github.com/a/b/c\"\n")]);
    let (main, std) = ([main_module("example.com/m", "")], std());
    let info = |path: &str| ModuleInfo { path: path.parse().unwrap(), version: "v1.2.3".parse().unwrap(), go: None };
    let modules = [info("github.com/a"), info("github.com/a/b")];
    let asked = std::sync::Mutex::new(Vec::new());
    let record = |index: usize, directory: &str| {
        asked.lock().unwrap().push(format!("{index} {directory}"));
        Ok((index == 1).then(|| record("c", &["fmt"])))
    };
    let sources = Sources::new(
        &tree,
        &main,
        ThirdParty::Unlocked { modules: &modules, record: &record, vendored: false },
        Std::Recorded(&std),
    );
    let (roots, context) = (["example.com/m".parse().unwrap()], context("linux/amd64", false));
    for _ in 0..2 {
        let graph = PackageGraph::load(&sources, &context, &roots, false).unwrap();
        let package = graph.get(&"github.com/a/b/c".parse().unwrap()).unwrap();
        assert_eq!(package.origin, Origin::Module { index: 1, directory: "c".to_owned() });
        assert_eq!(graph.module_directories(), BTreeMap::from([(1, BTreeSet::from(["c"]))]));
    }
    assert_eq!(*asked.lock().unwrap(), ["1 c", "0 b/c"]);
}

#[test]
fn tests_of_roots_may_import_their_importers() {
    let tree = MemoryTree::new(&[
        ("a/a.go", "package a\n"),
        ("a/a_test.go", "package a\n\nimport _ \"os\"\n"),
        ("a/x_test.go", "//go:debug a=b\npackage a_test\n\nimport (\n\t_ \"example.com/m/a\"\n\t_ \"example.com/m/b\"\n)\n"),
        ("b/b.go", "package b\n\nimport _ \"example.com/m/a\"\n"),
    ]);
    let (main, std) = ([main_module("example.com/m", "")], std());
    let sources = Sources::new(&tree, &main, ThirdParty::Locked(&[]), Std::Recorded(&std));
    let (roots, context) = (["example.com/m/a".parse().unwrap()], context("linux/amd64", false));
    let graph = PackageGraph::load(&sources, &context, &roots, true).unwrap();
    let paths: Vec<&str> = graph.packages().iter().map(|p| p.import_path.as_str()).collect();
    assert_eq!(paths, ["example.com/m/a", "internal/abi", "runtime", "os", "example.com/m/b"]);
    let tests = graph.packages()[0].tests.as_ref().unwrap();
    assert_eq!(tests.internal.files.go, ["a_test.go"]);
    assert_eq!(tests.external.files.go, ["x_test.go"]);
    assert_eq!(tests.imports.keys().collect::<Vec<_>>(), ["example.com/m/a", "example.com/m/b", "os"]);
    assert_eq!(tests.debug.len(), 1);
}

#[test]
fn patterns_expand_to_packages() {
    let tree = MemoryTree::new(&[
        ("go.mod", ""),
        ("r.go", "package r\n"),
        ("a/a.go", "package a\n"),
        ("a/b/b.go", "package b\n"),
        ("a/testdata/t.go", "package t\n"),
        ("a/_x/x.go", "package x\n"),
        ("ignored/i.go", "package i\n"),
        ("vendor/v/v.go", "package v\n"),
        ("w/w_windows.go", "package w\n"),
        ("t/t_test.go", "package t\n"),
        ("nested/go.mod", ""),
        ("nested/n/n.go", "package n\n"),
        ("lib/go.mod", ""),
        ("lib/l/l.go", "package l\n"),
    ]);
    let main = [main_module("example.com/m", ""), main_module("example.com/lib", "lib")];
    let std = std();
    let sources = Sources::new(&tree, &main, ThirdParty::Locked(&[]), Std::Recorded(&std));
    let context = context("linux/amd64", false);
    let show = |from: &str, pattern: &str, tests| match pattern::expand(&sources, &context, from, &[pattern.to_owned()], tests)
    {
        Ok(paths) => paths.iter().map(ImportPath::as_str).collect::<Vec<_>>().join(" "),
        Err(error) => error.to_string(),
    };
    let all = "example.com/lib/l example.com/m example.com/m/a example.com/m/a/b";
    for (from, pattern, wanted) in [
        ("", "./...", all),
        ("a", "./...", "example.com/m/a example.com/m/a/b"),
        ("a", "..", "example.com/m"),
        ("", ".", "example.com/m"),
        ("", "./a/", "example.com/m/a"),
        ("a", "../lib/l", "example.com/lib/l"),
        ("", "./a/testdata/...", "example.com/m/a/testdata"),
        ("", "./.../b", "example.com/m/a/b"),
        ("", "example.com/m/...", "example.com/m example.com/m/a example.com/m/a/b"),
        ("", "example.com/...", all),
        ("", "fmt", "fmt"),
        ("", "./none", "example.com/m/none"),
        (
            "lib",
            "../../x",
            "directory ../x is not in a main module (name a directory of a module in go.mod or go.work, or an import path)",
        ),
        ("", "all", "the pattern `all` is not supported (write `./...` or import paths)"),
    ] {
        assert_eq!(show(from, pattern, false), wanted, "{pattern} from {from:?}");
    }
    assert_eq!(show("", "./t/...", true), "example.com/m/t");
}
