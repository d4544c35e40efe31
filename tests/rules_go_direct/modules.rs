//! Real modules that `godirect init`, `lock` and `generate` make Bazel workspaces of: that all of each builds, and how each of their tests
//! ends with `bazel test` and with `go test`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::engines::{self, bazel, bazel_command, repository, succeeded};
use super::outcomes::{self, Outcomes, count};

/// Modules with their versions, the quickest first. Those of one workspace stand together: the first one's directory has the others in it.
const REPOSITORIES: [&[&str]; 16] = [
    &["github.com/google/uuid@v1.6.0"],
    &["github.com/spf13/pflag@v1.0.10"],
    &["github.com/fatih/color@v1.18.0"],
    &["github.com/spf13/cobra@v1.10.1"],
    &["github.com/gorilla/mux@v1.8.1"],
    &["golang.org/x/sync@v0.18.0"],
    &["gopkg.in/yaml.v3@v3.0.1"],
    &["github.com/google/go-cmp@v0.7.0"],
    &["github.com/stretchr/testify@v1.11.1"],
    &["golang.org/x/mod@v0.30.0"],
    &["go.uber.org/zap@v1.27.1"],
    &["golang.org/x/sys@v0.38.0"],
    &["github.com/mattn/go-sqlite3@v1.14.52"],
    &["golang.org/x/text@v0.31.0"],
    &[
        "go.opentelemetry.io/otel@v1.38.0",
        "go.opentelemetry.io/otel/metric@v1.38.0",
        "go.opentelemetry.io/otel/sdk@v1.38.0",
        "go.opentelemetry.io/otel/sdk/metric@v1.38.0",
        "go.opentelemetry.io/otel/trace@v1.38.0",
    ],
    &["k8s.io/client-go@v0.34.2"],
];

/// So many of them are quick enough for every run.
const QUICK: usize = 1;

/// Those that are built with their C code.
const WITH_C: [&str; 1] = ["github.com/mattn/go-sqlite3"];

/// Those with tests that read files outside of `testdata`: where.
const READING: [(&str, &str); 3] = [
    ("github.com/stretchr/testify", "./assert"),
    ("golang.org/x/text", "./encoding/..."),
    ("k8s.io/client-go", "./discovery/cached/..."),
];

/// Tests that end in another way with Bazel, or all below a package, with the reason.
const DIFFERENT: [(&str, &str); 7] = [
    ("github.com/spf13/cobra TestDeadcodeElimination", "runs the go command, which isn't there"),
    ("golang.org/x/mod/zip TestVCS", "without a network the first of its parallel subtests fail, and the others are skipped"),
    ("go.uber.org/zap TestStacktraceFiltersVendorZap", "runs the go command, which isn't there"),
    ("golang.org/x/sys/unix TestOpenByHandleAt", "opens the file of a package by its handle; in a sandbox that is a link"),
    ("golang.org/x/text/internal/gen/bitfield TestGen", "runs the go command, which isn't there"),
    ("golang.org/x/text/unicode/norm TestLinking", "runs the go command, which isn't there"),
    ("golang.org/x/text/message/pipeline TestFullCycle", "panics, which `go test` says of no test"),
];

/// Runs the pinned `go`; gives its standard output, whether it succeeds or not.
fn go(directory: &Path, arguments: &[&str]) -> Vec<u8> {
    let mut command = engines::go_command(&engines::GOROOT, directory, &[]);
    if fs::read_to_string(directory.join("godirect.star")).is_ok_and(|spec| spec.contains("cgo = True")) {
        command.env("CGO_ENABLED", "1");
    }
    let flags = if directory.join("go.work").exists() { "-modcacherw" } else { "-mod=mod -modcacherw" };
    command.env("GOFLAGS", flags).args(arguments).output().unwrap().stdout
}

/// Copies a directory, whose files may be read-only.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::write(target, fs::read(&path).unwrap()).unwrap();
        }
    }
}

/// Makes the generated Bazel files of a directory, for the ruleset of this checkout.
pub fn generate(root: &Path) {
    let ruleset = repository("rules_go_direct");
    let module = format!(
        "module(name = \"tested\")\n\nlocal_path_override(\n    module_name = \"rules_go_direct\",\n    path = \"{}\",\n)\n",
        ruleset.display()
    );
    fs::write(root.join("MODULE.bazel"), module).unwrap();
    for verb in ["lock", "generate"] {
        succeeded(verb, &engines::godirect().arg("-C").arg(root).arg(verb).output().unwrap());
    }
}

/// Copies a module out of Go's cache.
fn fetch(module: &str, to: &Path) {
    let downloaded: Value = serde_json::from_slice(&go(to, &["mod", "download", "-json", module])).unwrap();
    copy(Path::new(downloaded["Dir"].as_str().unwrap_or_else(|| panic!("{downloaded}"))), to);
}

/// The workspace of modules, in a directory that is always the same, so that Bazel fetches the SDK once.
fn workspace(modules: &[&str]) -> PathBuf {
    let (first, _) = modules[0].split_once('@').unwrap();
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("modules").join(first.rsplit('/').next().unwrap());
    let _ = fs::remove_dir_all(&root);
    for module in modules {
        let directory = directory_of(module, first, &root);
        fs::create_dir_all(&directory).unwrap();
        fetch(module, &directory);
    }
    match modules {
        [_] => drop(go(&root, &["mod", "tidy"])),
        _ => {
            let uses: String = modules
                .iter()
                .map(|module| format!("use {}\n", directory_of(module, first, Path::new(".")).display()))
                .collect();
            fs::write(root.join("go.work"), format!("go 1.27\n\n{uses}")).unwrap();
        }
    }
    succeeded("init", &engines::godirect().arg("-C").arg(&root).arg("init").output().unwrap());
    let spec = fs::read_to_string(root.join("godirect.star")).unwrap();
    // One SDK for all, whatever a module's go line says.
    let spec = spec.replace("from_go_mod(), ", "\"1.27.3\", ");
    // Where there is C code, only the files for Bazel are looked at.
    let with_c = spec.replace("nix()", "profile(\"default\", cgo = True)");
    fs::write(root.join("godirect.star"), if WITH_C.contains(&first) { with_c } else { spec }).unwrap();
    for (_, tests) in READING.iter().filter(|(module, _)| *module == first) {
        // Tests that fail are recorded, too.
        for verb in [&["lock"][..], &["test", "--record", "--short", tests]] {
            engines::godirect().arg("-C").arg(&root).args(verb).output().unwrap();
        }
    }
    generate(&root);
    succeeded("generate --check", &engines::godirect().arg("-C").arg(&root).args(["generate", "--check"]).output().unwrap());
    root
}

/// Where a module of a workspace is whose first module is in `root`.
fn directory_of(module: &str, first: &str, root: &Path) -> PathBuf {
    let path = module.split_once('@').unwrap().0;
    root.join(path.strip_prefix(first).unwrap().trim_start_matches('/'))
}

/// How each test of each package has ended with `go test`.
fn by_go(root: &Path, modules: &[&str]) -> Outcomes {
    let first = modules[0].split_once('@').unwrap().0;
    let patterns: Vec<String> =
        modules.iter().map(|module| format!("./{}/...", directory_of(module, first, Path::new("")).display())).collect();
    let mut arguments = vec!["test", "-vet=off", "-trimpath", "-count=1", "-json"];
    arguments.extend(patterns.iter().map(String::as_str));
    let mut found = outcomes::of_events(&go(root, &arguments));
    // Bazel has targets in the place of packages.
    found.retain(|test, _| !test.ends_with(' '));
    found
}

/// The same as the files say that `bazel test` leaves.
fn by_bazel(root: &Path) -> Outcomes {
    let mut command = bazel_command(root, &["test", "--keep_going", "--cache_test_results=no", "//..."]);
    let output = command.output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 3)), "{}", String::from_utf8_lossy(&output.stderr));
    let mut found = Outcomes::new();
    // Tests with cgo have a configuration of their own.
    let configurations = fs::read_dir(bazel(root, &["info", "output_path"]).trim_end()).unwrap();
    let logs = configurations.map(|entry| entry.unwrap().path().join("testlogs"));
    logs.filter(|logs| logs.is_dir()).for_each(|logs| results(&logs, &mut found));
    found
}

fn results(directory: &Path, found: &mut Outcomes) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            results(&path, found);
        } else if path.file_name().unwrap() == "test.xml" {
            let text = fs::read_to_string(&path).unwrap();
            text.split("<testcase ").skip(1).for_each(|element| add_case(element, found));
        }
    }
}

/// Adds a test with how it has ended.
fn add_case(element: &str, found: &mut Outcomes) {
    let attribute = |name: &str| {
        let value = element.split_once(&format!("{name}=\"")).unwrap().1.split_once('"').unwrap().0;
        let entities = [("&lt;", "<"), ("&gt;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&amp;", "&")];
        entities.iter().fold(value.to_owned(), |text, (entity, char)| text.replace(entity, char))
    };
    let ends = [("<failure", "fail"), ("<error", "fail"), ("<skipped", "skip")];
    let end = ends.iter().find(|(tag, _)| element.contains(tag)).map_or("pass", |(_, end)| end);
    outcomes::add(found, &attribute("classname"), &attribute(" name"), end);
}

fn is_different(test: &str) -> bool {
    DIFFERENT
        .iter()
        .any(|(prefix, _)| test.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ' '])))
}

/// How many files a directory has that Go may read.
fn go_files(directory: &Path) -> usize {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| if path.is_dir() { go_files(&path) } else { usize::from(path.extension().is_some_and(|e| e == "go")) })
        .sum()
}

/// Prints a row of the table; what is wrong, if something is.
fn check(modules: &[&str]) -> Option<String> {
    let module = modules[0];
    let root = workspace(modules);
    let built = bazel_command(&root, &["build", "--keep_going", "//..."]).output().unwrap();
    let (theirs, ours) = (by_go(&root, modules), by_bazel(&root));
    engines::end_bazel(&root);
    let number = |action: &str| count(&ours, action);
    println!("| {module} | {} | {} | {} | {} |", go_files(&root), number("pass"), number("fail"), number("skip"));
    let tests: BTreeSet<&String> = ours.keys().chain(theirs.keys()).filter(|test| !is_different(test)).collect();
    let differing = tests.iter().map(|test| (test, ours.get(*test), theirs.get(*test))).filter(|(_, a, b)| a != b);
    let differing: Vec<String> = differing.map(|(test, a, b)| format!("{test}: {a:?}, and with go test {b:?}")).collect();
    if !built.status.success() {
        Some(format!("{module}: {}", String::from_utf8_lossy(&built.stderr)))
    } else if !differing.is_empty() {
        Some(format!("{module}:\n{}", differing.join("\n")))
    } else {
        (number("pass") == 0).then(|| format!("{module}: {ours:?}"))
    }
}

/// All of them with `GODIRECT_TEST_MODULES=all`, some with their paths, with commas between; the table of rules_go_direct/README.md is what
/// that prints.
#[test]
fn real_modules_build_and_their_tests_end_as_with_go_test() {
    let wanted = std::env::var("GODIRECT_TEST_MODULES").unwrap_or_default();
    let is_wanted = |index: usize, modules: &[&str]| {
        let path = modules[0].split_once('@').unwrap().0;
        wanted == "all" || wanted.split(',').any(|name| name == path) || wanted.is_empty() && index < QUICK
    };
    let chosen = REPOSITORIES.iter().enumerate().filter(|(index, modules)| is_wanted(*index, modules));
    let wrong: Vec<String> = chosen.filter_map(|(_, modules)| check(modules)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// A module that another one requires, which it requires itself.
const REQUIRED_BY_OTHERS: [(&str, &str); 4] = [
    ("go.mod", "module github.com/mattn/go-isatty\n\ngo 1.25\n\nrequire github.com/mattn/go-colorable v0.1.14\n"),
    (
        "isatty.go",
        "package isatty\n\nfunc IsTerminal(uintptr) bool { return true }\n\nfunc IsCygwinTerminal(uintptr) bool { return false }\n",
    ),
    (
        "cmd/own/main.go",
        "package main\n\nimport \"github.com/mattn/go-colorable\"\n\nfunc main() { colorable.NewColorableStdout().Write([]byte(\"x\")) }\n",
    ),
    ("godirect.star", "go_sdk(version = \"1.27.3\")\nplatforms(\"linux/amd64\")\nbazel()\nnix()\n"),
];

#[test]
fn modules_import_packages_of_the_repository() {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("required");
    let _ = fs::remove_dir_all(&root);
    for (path, text) in REQUIRED_BY_OTHERS {
        fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
        fs::write(root.join(path), text).unwrap();
    }
    go(&root, &["mod", "tidy"]);
    generate(&root);
    let tag = "go.local_package(\n    importpath = \"github.com/mattn/go-isatty\",\n    label = \"//:go-isatty\",\n)\n";
    let module = fs::read_to_string(root.join("MODULE.bazel")).unwrap();
    assert!(module.contains(tag), "{module}");
    let theirs = root.join("go-own");
    engines::go_build(&root, "./cmd/own", &[], &theirs);
    let ours = engines::bazel_build(&root, "linux_amd64", "//cmd/own");
    let nix = engines::nix_build(&root, &["own".to_owned()]).remove(0).join("bin/own");
    let [theirs, ours, nix] = [theirs, ours, nix].map(|path| fs::read(path).unwrap());
    assert!(theirs == ours && theirs == nix);
    engines::end_bazel(&root);
}
