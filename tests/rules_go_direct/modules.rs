//! Real modules: how each of their tests ends with `bazel test` and with `go test`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::engines::{self, bazel, bazel_command, repository, succeeded};

/// Modules with their versions, the quickest first.
const MODULES: [&str; 4] = [
    "github.com/google/uuid@v1.6.0",
    "github.com/spf13/pflag@v1.0.10",
    "github.com/fatih/color@v1.18.0",
    "github.com/spf13/cobra@v1.10.1",
];

/// Tests that run the go command, which isn't there for tests of Bazel.
const RUN_GO: [&str; 1] = ["github.com/spf13/cobra TestDeadcodeElimination"];

const SPEC: &str = "go_sdk(version = \"1.27.3\")\n\nplatforms(\"linux/amd64\")\n\nbazel()\n";

/// Runs the pinned `go`; gives its standard output, whether it succeeds or not.
fn go(directory: &Path, arguments: &[&str]) -> Vec<u8> {
    let mut command = engines::go_command(&engines::GOROOT, directory, &[]);
    command.env("GOFLAGS", "-mod=mod -modcacherw").args(arguments).output().unwrap().stdout
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

/// The module in a directory that is always the same, so that Bazel fetches the SDK once.
fn fetch(module: &str) -> PathBuf {
    let root =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join("modules").join(module.rsplit('/').next().unwrap().replace('@', "-"));
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(&root).unwrap();
    let downloaded: Value = serde_json::from_slice(&go(&root, &["mod", "download", "-json", module])).unwrap();
    copy(Path::new(downloaded["Dir"].as_str().unwrap()), &root);
    go(&root, &["mod", "tidy"]);
    fs::write(root.join("godirect.star"), SPEC).unwrap();
    generate(&root);
    root
}

/// How each test of each package has ended, as `go test -json` says.
fn by_go(root: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let printed = go(root, &["test", "-vet=off", "-trimpath", "-count=1", "-json", "./..."]);
    for line in String::from_utf8_lossy(&printed).lines() {
        let Ok(event) = serde_json::from_str::<Value>(line) else { continue };
        let text = |field: &str| event[field].as_str().unwrap_or_default().to_owned();
        if matches!(text("Action").as_str(), "pass" | "fail" | "skip") && !text("Test").is_empty() {
            found.insert(format!("{} {}", text("Package"), text("Test")), text("Action"));
        }
    }
    found
}

/// The same as the files say that `bazel test` leaves.
fn by_bazel(root: &Path) -> BTreeMap<String, String> {
    let mut command = bazel_command(root, &["test", "--keep_going", "--cache_test_results=no", "//..."]);
    let output = command.output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 3)), "{}", String::from_utf8_lossy(&output.stderr));
    let mut found = BTreeMap::new();
    let logs = PathBuf::from(bazel(root, &["info", "bazel-testlogs"]).trim_end());
    results(&logs, &mut found);
    found
}

fn results(directory: &Path, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            results(&path, found);
        } else if path.file_name().unwrap() == "test.xml" {
            let text = fs::read_to_string(&path).unwrap();
            found.extend(text.split("<testcase ").skip(1).map(case));
        }
    }
}

/// A test with how it has ended.
fn case(element: &str) -> (String, String) {
    let attribute = |name: &str| {
        let value = element.split_once(&format!("{name}=\"")).unwrap().1.split_once('"').unwrap().0;
        let entities = [("&lt;", "<"), ("&gt;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&amp;", "&")];
        entities.iter().fold(value.to_owned(), |text, (entity, char)| text.replace(entity, char))
    };
    let ends = [("<failure", "fail"), ("<error", "fail"), ("<skipped", "skip")];
    let end = ends.iter().find(|(tag, _)| element.contains(tag)).map_or("pass", |(_, end)| end);
    (format!("{} {}", attribute("classname"), attribute(" name")), end.to_owned())
}

/// All of them with `GODIRECT_TEST_MODULES=all`; the table of rules_go_direct/README.md is what that prints.
#[test]
fn tests_of_real_modules_end_as_with_go_test() {
    let all = std::env::var("GODIRECT_TEST_MODULES").is_ok_and(|value| value == "all");
    for module in MODULES.iter().take(if all { MODULES.len() } else { 1 }) {
        let root = fetch(module);
        let (theirs, ours) = (by_go(&root), by_bazel(&root));
        let number = |action: &str| ours.values().filter(|found| *found == action).count();
        println!("| {module} | {} | {} | {} |", number("pass"), number("fail"), number("skip"));
        assert!(number("pass") > 10, "{module}: {ours:?}");
        let tests: BTreeSet<&String> =
            ours.keys().chain(theirs.keys()).filter(|test| !RUN_GO.contains(&test.as_str())).collect();
        let differing: Vec<_> =
            tests.iter().map(|test| (test, ours.get(*test), theirs.get(*test))).filter(|(_, a, b)| a != b).collect();
        assert!(differing.is_empty(), "{module}: {differing:#?}");
        bazel(&root, &["shutdown"]);
    }
}
