//! Compares what godirect reads from source with `go list` of the pinned SDK, whole lists at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use godirect::graph::godebug::default_godebug;
use godirect::graph::pattern::expand;
use godirect::graph::{MainModule, Package, PackageGraph, Sources, Std, ThirdParty};
use godirect::name::GoVersion;
use godirect::platform::OsArch;
use godirect::source::context::BuildContext;
use godirect::source::record::{FileGroup, PackageRecord};
use godirect::source::sdk;
use godirect::source::tree::DiskTree;
use serde::Deserialize;

const PLATFORMS: [&str; 7] =
    ["linux/amd64", "linux/arm64", "darwin/arm64", "windows/amd64", "js/wasm", "wasip1/wasm", "linux/riscv64"];

fn goroot() -> PathBuf {
    let advice = "set GODIRECT_TEST_GOROOT to an unpacked GOROOT of the pinned SDK: executable bits on bin/* and \
                  pkg/tool/*/*, and `_go.mod` files renamed to `go.mod`";
    let root = PathBuf::from(std::env::var_os("GODIRECT_TEST_GOROOT").expect(advice));
    assert!(root.join("bin/go").exists() && root.join("src/go.mod").exists(), "{}: {advice}", root.display());
    root
}

fn version(goroot: &Path) -> GoVersion {
    let text = std::fs::read_to_string(goroot.join("VERSION")).unwrap();
    text.lines().next().unwrap().trim_start_matches("go").parse().unwrap()
}

fn platforms() -> Vec<OsArch> {
    PLATFORMS.iter().map(|p| p.parse().unwrap()).collect()
}

fn context(goroot: &Path, platform: &str, cgo: bool) -> BuildContext {
    let os_arch: OsArch = platform.parse().unwrap();
    BuildContext {
        platform: platform.parse().unwrap(),
        go: version(goroot),
        cgo,
        tags: BTreeSet::new(),
        experiments: sdk::default_experiments(goroot, os_arch).unwrap().into_iter().collect(),
        external_link: None,
    }
}

/// The fields of `go list -json` that are compared.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Listed {
    import_path: String,
    name: String,
    go_files: Vec<String>,
    cgo_files: Vec<String>,
    #[serde(rename = "CFiles")]
    c_files: Vec<String>,
    #[serde(rename = "SFiles")]
    s_files: Vec<String>,
    #[serde(rename = "HFiles")]
    h_files: Vec<String>,
    syso_files: Vec<String>,
    embed_files: Vec<String>,
    imports: BTreeSet<String>,
    test_go_files: Vec<String>,
    #[serde(rename = "XTestGoFiles")]
    xtest_go_files: Vec<String>,
    test_imports: BTreeSet<String>,
    #[serde(rename = "XTestImports")]
    xtest_imports: BTreeSet<String>,
    deps: BTreeSet<String>,
    #[serde(rename = "DefaultGODEBUG")]
    default_godebug: String,
}

fn go(goroot: &Path, directory: &Path, context: &BuildContext, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(goroot.join("bin/go"))
        .args(arguments)
        .current_dir(directory)
        .env_clear()
        .env("GOROOT", goroot)
        .env("HOME", directory)
        .env("GOENV", "off")
        .env("GOFLAGS", "-mod=mod")
        .env("GOPROXY", "off")
        .env("GOTOOLCHAIN", "local")
        .env("GOOS", context.platform.goos())
        .env("GOARCH", context.platform.goarch())
        .env("CGO_ENABLED", if context.cgo { "1" } else { "0" })
        .output()
        .unwrap();
    assert!(output.status.success(), "go {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn list(goroot: &Path, directory: &Path, context: &BuildContext, arguments: &[&str]) -> BTreeMap<String, Listed> {
    let output = go(goroot, directory, context, &[&["list", "-json"], arguments].concat());
    let packages = serde_json::Deserializer::from_slice(&output).into_iter::<Listed>();
    packages.map(|p| p.unwrap()).map(|p| (p.import_path.clone(), p)).collect()
}

/// Our selection in the shape of `go list`. `resolve` maps written imports to the paths that they mean.
fn listed(path: &str, name: &str, files: &FileGroup, resolve: &dyn Fn(&str) -> String) -> Listed {
    let (assembly, c): (Vec<_>, Vec<_>) = files.c.iter().cloned().partition(|f| f.ends_with(".S") || f.ends_with(".sx"));
    let mut s_files = [files.asm.clone(), assembly].concat();
    s_files.sort();
    let embedded: BTreeSet<String> = files.embed.values().flatten().cloned().collect();
    let mut imports: BTreeSet<String> = files.imports.iter().map(|i| resolve(i)).collect();
    if !files.cgo.is_empty() {
        imports.insert("C".to_owned());
    }
    Listed {
        import_path: path.to_owned(),
        name: name.to_owned(),
        go_files: files.go.clone(),
        cgo_files: files.cgo.clone(),
        c_files: c,
        s_files,
        h_files: files.headers.clone(),
        syso_files: files.syso.clone(),
        embed_files: embedded.into_iter().collect(),
        imports,
        ..Listed::default()
    }
}

/// What std's packages are under all contexts, from one reading of the source.
#[test]
fn std_is_what_go_list_says() {
    let goroot = goroot();
    let records = sdk::std_packages(&DiskTree::new(goroot.join("src")), &platforms()).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    for platform in PLATFORMS {
        for cgo in [false, true] {
            let context = context(&goroot, platform, cgo);
            let arguments =
                ["-e", "-json=ImportPath,Name,GoFiles,CgoFiles,CFiles,SFiles,HFiles,SysoFiles,EmbedFiles,Imports", "std"];
            let mut wanted = list(&goroot, scratch.path(), &context, &arguments);
            // Those that consist of tests aren't recorded.
            wanted.retain(|_, package| !package.go_files.is_empty() || !package.cgo_files.is_empty());
            let mut ours = BTreeMap::new();
            for (path, record) in &records {
                let selection = record.choose(&context).unwrap();
                if selection.files.go.is_empty() && selection.files.cgo.is_empty() {
                    continue;
                }
                let vendored = |import: &str| match import.starts_with("golang.org/x/") {
                    true => format!("vendor/{import}"),
                    false => import.to_owned(),
                };
                ours.insert(path.clone(), listed(path, &selection.name, &selection.files, &vendored));
            }
            if !cgo {
                // Nothing needs it then, so the go command keeps it out of patterns.
                ours.remove("runtime/cgo");
            }
            compare(&format!("{platform} cgo={cgo}"), &wanted, &ours);
        }
    }
}

fn compare<T: PartialEq + std::fmt::Debug>(what: &str, wanted: &BTreeMap<String, T>, ours: &BTreeMap<String, T>) {
    let missing: Vec<&String> = wanted.keys().filter(|p| !ours.contains_key(*p)).collect();
    let surplus: Vec<&String> = ours.keys().filter(|p| !wanted.contains_key(*p)).collect();
    assert_eq!((missing, surplus), (Vec::new(), Vec::new()), "{what}: packages that we miss, and that we have in excess");
    for (path, package) in wanted {
        assert_eq!(package, &ours[path], "{what}: {path} (left: go list)");
    }
}

#[test]
fn experiments_are_those_of_the_tools() {
    let goroot = goroot();
    let scratch = tempfile::tempdir().unwrap();
    for os_arch in OsArch::all() {
        let context = context(&goroot, &os_arch.to_string(), false);
        let output = go(&goroot, scratch.path(), &context, &["list", "-f", "{{join context.ToolTags \" \"}}", "unsafe"]);
        let tags = String::from_utf8(output).unwrap();
        let mut wanted: Vec<&str> = tags.split_whitespace().filter_map(|t| t.strip_prefix("goexperiment.")).collect();
        wanted.sort_unstable();
        assert_eq!(context.experiments.iter().map(String::as_str).collect::<Vec<_>>(), wanted, "{os_arch}");
        for tag in tags.split_whitespace() {
            assert!(context.satisfies(tag), "{os_arch}: {tag}");
        }
    }
}

fn write(root: &Path, files: &[(&str, &str)]) {
    for (path, content) in files {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
}

/// A module that uses what graphs must understand, but nothing from elsewhere.
fn write_module(root: &Path, go: &str, block: &str) {
    write(
        root,
        &[
            ("go.mod", &format!("module example.com/m\n\ngo {go}\n{block}")),
            (
                "main.go",
                "//go:debug panicnil=1\npackage main\n\nimport (\n\t\"example.com/m/internal/a\"\n\t_ \"net/http\"\n)\n\nfunc main() { a.A() }\n",
            ),
            ("main_test.go", "package main\n\nimport \"testing\"\n\nfunc TestA(t *testing.T) {}\n"),
            ("internal/a/a.go", "package a\n\nimport _ \"embed\"\n\n//go:embed text all:tree\nvar x string\n\nfunc A() {}\n"),
            ("internal/a/a_linux.go", "package a\n\nimport _ \"os/user\"\n"),
            ("internal/a/a_windows.go", "package a\n\nimport _ \"os/signal\"\n"),
            ("internal/a/c.go", "package a\n\n// int x;\nimport \"C\"\nimport _ \"unsafe\"\n"),
            ("internal/a/a_amd64.s", "// empty\n"),
            ("internal/a/a.h", "\n"),
            ("internal/a/text", "x"),
            ("internal/a/tree/.hidden", "x"),
            ("internal/a/tree/_x/y", "x"),
            (
                "internal/a/x_test.go",
                "package a_test\n\nimport (\n\t\"testing\"\n\n\t_ \"example.com/m/internal/a\"\n\t_ \"example.com/m/testonly\"\n)\n\nfunc TestX(t *testing.T) {}\n",
            ),
            ("testonly/t.go", "package testonly\n\nimport _ \"encoding/json\"\n"),
            ("cmd/tool/main.go", "package main\n\nimport _ \"text/template\"\n\nfunc main() {}\n"),
            ("onlytest/o_test.go", "package onlytest\n\nimport _ \"bytes\"\n"),
            ("onlyplan9/p_plan9.go", "package onlyplan9\n"),
            ("nested/go.mod", "module example.com/m/nested\n"),
            ("nested/n.go", "package nested\n"),
            ("testdata/t.go", "package t\n"),
            ("_x/x.go", "package x\n"),
            ("vendor.d/v.go", "package v\n"),
            ("ignored/i.go", "package i\n"),
        ],
    );
}

fn ours(package: &Package, graph: &PackageGraph) -> Listed {
    let resolve = |written: &str| package.imports.get(written).map_or_else(|| written.to_owned(), |path| path.to_string());
    let mut ours = listed(package.import_path.as_str(), &package.selection.name, &package.selection.files, &resolve);
    let closure = graph.closure([package.import_path.as_str()], true);
    ours.deps = closure.iter().map(|p| p.import_path.to_string()).filter(|p| *p != ours.import_path).collect();
    if let Some(tests) = &package.tests {
        ours.test_go_files.clone_from(&tests.internal.files.go);
        ours.xtest_go_files.clone_from(&tests.external.files.go);
        ours.test_imports = tests.internal.imports.keys().cloned().collect();
        ours.xtest_imports = tests.external.imports.keys().cloned().collect();
    }
    ours
}

#[test]
fn a_modules_graph_is_what_go_list_says() {
    let goroot = goroot();
    let records = sdk::std_packages(&DiskTree::new(goroot.join("src")), &platforms()).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    write_module(scratch.path(), "1.25", "ignore ./ignored\n");
    let tree = DiskTree::new(scratch.path());
    let main = [MainModule {
        path: "example.com/m".parse().unwrap(),
        directory: String::new(),
        go: Some("1.25".parse().unwrap()),
        ignore: vec!["./ignored".to_owned()],
        stands_for: None,
    }];
    let sources = Sources::new(&tree, &main, ThirdParty::Locked(&[]), Std::Recorded(&records));
    for platform in PLATFORMS {
        for cgo in [false, true].into_iter().filter(|cgo| !cgo || platform.starts_with("linux")) {
            let context = context(&goroot, platform, cgo);
            let roots = expand(&sources, &context, "", &["./...".to_owned()], true).unwrap();
            let graph = PackageGraph::load(&sources, &context, &roots, true).unwrap();
            let mut wanted = list(&goroot, scratch.path(), &context, &["-deps", "./..."]);
            for package in wanted.values_mut() {
                // It has no object code, so that it is no package of ours.
                package.deps.remove("unsafe");
                package.default_godebug.clear();
                if !package.import_path.starts_with("example.com/") {
                    *package = strip_tests(std::mem::take(package));
                }
            }
            wanted.remove("unsafe");
            let mut found: BTreeMap<String, Listed> =
                graph.packages().iter().map(|p| (p.import_path.to_string(), ours(p, &graph))).collect();
            // What only tests need is not among `-deps`; that it is complete shows in `-test`.
            let with_tests = list(&goroot, scratch.path(), &context, &["-deps", "-test", "./..."]);
            let test_only: BTreeSet<String> = found.keys().filter(|p| !wanted.contains_key(*p)).cloned().collect();
            let implicit = ["testing/internal/testdeps", "unsafe"];
            let testing_closure = list(&goroot, scratch.path(), &context, &["-deps", implicit[0]]);
            let expected: BTreeSet<String> = with_tests
                .keys()
                .filter(|p| !p.contains(' ') && !p.ends_with(".test") && !wanted.contains_key(*p) && **p != "unsafe")
                .filter(|p| test_only.contains(*p) || !testing_closure.contains_key(*p))
                .cloned()
                .collect();
            assert_eq!(test_only, expected, "{platform} cgo={cgo}: packages that only tests need");
            found.retain(|path, _| !test_only.contains(path));
            compare(&format!("{platform} cgo={cgo}"), &wanted, &found);
            assert_topological(&graph);
        }
    }
}

fn strip_tests(package: Listed) -> Listed {
    Listed {
        test_go_files: Vec::new(),
        xtest_go_files: Vec::new(),
        test_imports: BTreeSet::new(),
        xtest_imports: BTreeSet::new(),
        ..package
    }
}

fn assert_topological(graph: &PackageGraph) {
    let mut seen = BTreeSet::new();
    for package in graph.packages() {
        for dep in package.deps() {
            assert!(seen.contains(dep), "{} stands before {dep}", package.import_path);
        }
        seen.insert(&package.import_path);
    }
}

#[test]
fn default_godebug_is_what_go_list_says() {
    let goroot = goroot();
    let table = sdk::godebug_table(&goroot).unwrap();
    let records: BTreeMap<String, PackageRecord> = sdk::std_packages(&DiskTree::new(goroot.join("src")), &platforms()).unwrap();
    let context = context(&goroot, "linux/amd64", false);
    for (go, block, settings) in [
        ("1.16", "", &[][..]),
        ("1.20", "", &[]),
        ("1.21.5", "", &[]),
        ("1.22rc1", "", &[]),
        ("1.24", "godebug (\n\tdefault=go1.23\n\thttp2client=0\n)\n", &[("default", "go1.23"), ("http2client", "0")]),
        ("1.25", "godebug panicnil=0\n", &[("panicnil", "0")]),
        ("1.26.0", "", &[]),
        ("1.27", "", &[]),
    ] {
        let version: GoVersion = go.parse().unwrap();
        if version > context.go {
            continue;
        }
        let scratch = tempfile::tempdir().unwrap();
        write_module(scratch.path(), go, block);
        let tree = DiskTree::new(scratch.path());
        let path = "example.com/m".parse().unwrap();
        let main =
            [MainModule { path, directory: String::new(), go: Some(version.clone()), ignore: Vec::new(), stands_for: None }];
        let sources = Sources::new(&tree, &main, ThirdParty::Locked(&[]), Std::Recorded(&records));
        let roots = ["example.com/m".parse().unwrap(), "example.com/m/cmd/tool".parse().unwrap()];
        let graph = PackageGraph::load(&sources, &context, &roots, false).unwrap();
        let settings: BTreeMap<String, String> = settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let wanted = list(&goroot, scratch.path(), &context, &["-json=ImportPath,DefaultGODEBUG", ".", "./cmd/tool"]);
        for root in &roots {
            let ours = default_godebug(Some(&version), &settings, &graph.get(root).unwrap().debug, &table);
            assert_eq!(ours, wanted[root.as_str()].default_godebug, "go {go}, {root}");
        }
    }
}
