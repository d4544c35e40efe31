//! Real modules: which of their tests pass, fail and are skipped, with `godirect test` and with `go test`.

use std::path::Path;

use serde_json::Value;

use godirect::lock::cache::Cache;

use super::outcomes::{self, count};
use super::{go, godirect, in_environment_of_go, succeeded};

/// Modules with their versions, the quickest first. What fails of them does so in both.
const MODULES: [&str; 12] = [
    "github.com/google/uuid@v1.6.0",
    "github.com/spf13/pflag@v1.0.10",
    "github.com/fatih/color@v1.18.0",
    "golang.org/x/mod@v0.30.0",
    "github.com/spf13/cobra@v1.10.1",
    "github.com/gorilla/mux@v1.8.1",
    "golang.org/x/sync@v0.18.0",
    "github.com/stretchr/testify@v1.11.1",
    "github.com/google/go-cmp@v0.7.0",
    "gopkg.in/yaml.v3@v3.0.1",
    "golang.org/x/text@v0.31.0",
    "go.uber.org/zap@v1.27.1",
];

/// So many of them are quick enough for every run.
const QUICK: usize = 2;

fn check(module: &str) {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap();
    let downloaded = succeeded("go mod download", &go(&root, &["mod", "download", "-json", module]));
    let downloaded: Value = serde_json::from_str(&downloaded).unwrap();
    let root = root.join("module");
    super::copy(Path::new(downloaded["Dir"].as_str().unwrap()), &root);
    make_writable(&root);
    succeeded("go mod tidy", &go(&root, &["mod", "tidy"]));
    std::fs::write(root.join("godirect.star"), "go_sdk(version = \"1.27.3\")\n\nplatforms(\"linux/amd64\")\n").unwrap();
    let cache = Cache::open().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = godirect(&root);
        in_environment_of_go(&mut command).env("GODIRECT_CACHE", cache.root()).args(arguments).output().unwrap()
    };
    succeeded("godirect lock", &run(&["lock"]));
    // Some tests that aren't short need the network.
    let theirs =
        outcomes::of_events(&go(&root, &["test", "-vet=off", "-trimpath", "-short", "-count=1", "-json", "./..."]).stdout);
    let ours = outcomes::of_events(&run(&["--json", "test", "--short", "--count", "1"]).stdout);
    let number = |action: &str| count(&ours, action);
    println!("| {module} | {} | {} | {} |", number("pass"), number("fail"), number("skip"));
    let fails = |actions: &Vec<String>| actions.iter().any(|action| action == "fail");
    ours.iter().filter(|(_, actions)| fails(actions)).for_each(|(test, _)| println!("  {test} fails"));
    let differing: Vec<_> = theirs.iter().filter(|(test, action)| ours.get(*test) != Some(action)).collect();
    let more: Vec<_> = ours.keys().filter(|test| !theirs.contains_key(*test)).collect();
    assert!(differing.is_empty() && more.is_empty(), "{module}: {differing:?} {more:?}");
    assert!(number("pass") > 0, "{module}: {ours:?}");
}

/// The module cache is read-only.
fn make_writable(directory: &Path) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let mut permissions = std::fs::metadata(&path).unwrap().permissions();
        #[allow(clippy::permissions_set_readonly_false)]
        permissions.set_readonly(false);
        std::fs::set_permissions(&path, permissions).unwrap();
        if path.is_dir() {
            make_writable(&path);
        }
    }
}

/// All of them with `GODIRECT_TEST_MODULES=all`, some with their paths, with commas between; the table of docs/testing.md is what that prints.
#[test]
fn real_modules_pass_and_fail_as_with_go_test() {
    let wanted = std::env::var("GODIRECT_TEST_MODULES").unwrap_or_default();
    let is_named = |module: &&&str| wanted.split(',').any(|name| module.starts_with(name));
    match wanted.as_str() {
        "" => MODULES.iter().take(QUICK).for_each(|module| check(module)),
        "all" => MODULES.iter().for_each(|module| check(module)),
        _ => MODULES.iter().filter(is_named).for_each(|module| check(module)),
    }
}
