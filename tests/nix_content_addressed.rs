//! Content-addressed derivations, `contentAddressed = true` of the Nix files: a current Nix with the feature, its sandbox, and a store that has nothing else.

#[allow(dead_code)]
#[path = "support/engines.rs"]
mod engines;
#[allow(dead_code)]
#[path = "support/cli.rs"]
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use support::Project;
use tempfile::TempDir;

/// What makes content-addressed derivations, after the arguments of another build.
const ADDRESSED: [&str; 5] = ["--arg", "contentAddressed", "true", "--extra-experimental-features", "ca-derivations"];

/// What Nix makes of the download: GOROOT, and programs that later runs have in common.
const TOOLS: [&str; 3] = ["go-1.27.3", "godirect-helper", "godirect-runner"];

/// Nothing of it may be inlined, so that bodies aren't in export data.
const FILES: [(&str, &str); 6] = [
    (
        "godirect.star",
        "platforms(\"linux/amd64\")\n\nbinary(\".\")\n\nimage(\"m-image\", binary = \"m\")\n\nnix(tests = True)\n",
    ),
    ("go.mod", "module example.com/m\n\ngo 1.27\n\ntoolchain go1.27.3\n"),
    ("main.go", "package main\n\nimport \"example.com/m/between\"\n\nfunc main() { println(between.Twice()) }\n"),
    (
        "between/between.go",
        "package between\n\nimport \"example.com/m/base\"\n\n//go:noinline\nfunc Twice() int { return 2 * base.Value() }\n",
    ),
    (
        "between/between_test.go",
        "package between\n\nimport \"testing\"\n\nfunc TestTwice(t *testing.T) {\n\tif Twice()%2 != 0 {\n\t\tt.Fail()\n\t}\n}\n",
    ),
    ("base/base.go", "package base\n\n// Value is a number.\n//\n//go:noinline\nfunc Value() int { return 1 }\n"),
];

/// The directory of a current Nix's programs; none where there can't be one.
static CURRENT: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    let output = Command::new(engines::repository("tests/env/nix-current.sh")).output().unwrap();
    if output.status.code() == Some(77) {
        // Not with eprintln!, of which nobody sees anything if the test passes.
        let said = [&b"SKIPPED, content-addressed derivations are not tested:\n"[..], &output.stderr].concat();
        std::io::stderr().write_all(&said).unwrap();
        return None;
    }
    Some(PathBuf::from(engines::succeeded("tests/env/nix-current.sh", &output).trim_end()))
});

static NIX: LazyLock<PathBuf> = LazyLock::new(|| engines::provisioned("nix.sh"));

/// The repository with all that is generated for it.
fn repository() -> Project {
    // The lock has proven the SDK already.
    let lock = fs::read_to_string(engines::repository("examples/01-hello/godirect.lock.json")).unwrap();
    let files = FILES.into_iter().chain([("godirect.lock.json", lock.as_str())]).collect::<Vec<_>>();
    let project = Project::new(&files).with_user_cache();
    engines::succeeded("godirect lock", &project.command(&["lock"]).output().unwrap());
    project.succeeds(&["generate"]);
    project
}

/// A program of Nix with a store, in the project's directory.
fn nix(programs: &Path, store: &Path, project: &Project, program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(programs.join(program));
    command.args(arguments).arg("--store").arg(store).current_dir(project.root());
    command.env("NIX_CONF_DIR", engines::repository("tests/env"));
    command
}

/// A current Nix with a store of its own.
struct Store {
    programs: &'static Path,
    directory: TempDir,
}

impl Store {
    /// An empty one, if the machine can have that Nix.
    fn new() -> Option<Store> {
        let programs = CURRENT.as_deref()?;
        Some(Store { programs, directory: tempfile::tempdir().unwrap() })
    }

    fn run(&self, project: &Project, program: &str, arguments: &[&str]) -> Output {
        nix(self.programs, self.directory.path(), project, program, arguments).output().unwrap()
    }

    /// What a program prints that must succeed.
    fn prints(&self, project: &Project, program: &str, arguments: &[&str]) -> String {
        engines::succeeded(&format!("{program} {arguments:?}"), &self.run(project, program, arguments)).trim_end().to_owned()
    }

    /// Takes the tools from the store that tests share, where they are built once.
    fn take_tools(&self, project: &Project) {
        let shared = engines::CACHE.join("nix-store");
        let stock = |program: &str, arguments: &[&str]| nix(&NIX, &shared, project, program, arguments);
        let prints = |program: &str, arguments: &[&str]| {
            engines::succeeded(&format!("{program} {arguments:?}"), &stock(program, arguments).output().unwrap())
        };
        let derivation = prints("nix-instantiate", &["-A", "tests.between"]);
        let requisites = prints("nix-store", &["--query", "--requisites", derivation.trim()]);
        let is_tool = |path: &&str| TOOLS.iter().any(|tool| named(path).strip_suffix(".drv") == Some(*tool));
        let tools: Vec<&str> = requisites.lines().filter(is_tool).collect();
        assert_eq!(tools.len(), TOOLS.len(), "{tools:?}");
        let built = prints("nix-store", &[&["--realise"], tools.as_slice()].concat());
        let wanted = built.lines().filter(|path| TOOLS.contains(&named(path)));
        let export = [&["--export"], wanted.collect::<Vec<_>>().as_slice()].concat();
        let mut exporting = stock("nix-store", &export).stdout(Stdio::piped()).spawn().unwrap();
        let mut import = nix(self.programs, self.directory.path(), project, "nix-store", &["--import"]);
        let imported = import.stdin(exporting.stdout.take().unwrap()).output().unwrap();
        assert!(exporting.wait().unwrap().success());
        engines::succeeded("nix-store --import", &imported);
    }

    /// Builds an attribute; where it is on disk, and the names of what Nix has built for it.
    fn build(&self, project: &Project, attribute: &str, more: &[&str]) -> (PathBuf, BTreeSet<String>) {
        let output = self.run(project, "nix-build", &[&["--no-out-link", "-A", attribute], more].concat());
        let printed = engines::succeeded("nix-build", &output);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let built = said.lines().filter_map(|line| line.strip_prefix("building '")?.strip_suffix(".drv'..."));
        (self.on_disk(&printed), built.map(|path| named(path).to_owned()).collect())
    }

    fn on_disk(&self, path: &str) -> PathBuf {
        self.directory.path().join(path.trim().trim_start_matches('/'))
    }

    /// The names of derivations in the store, by the rest of their outputs behind `"out"`: path, algorithm, hash.
    fn derivations(&self, outputs: impl Fn(&str, &str, &str) -> bool) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for entry in fs::read_dir(self.directory.path().join("nix/store")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            let Some(name) = name.strip_suffix(".drv") else { continue };
            let text = fs::read_to_string(&path).unwrap();
            let out = text.split_once("(\"out\",\"").unwrap().1.split_once("\")").unwrap().0;
            let [path, algorithm, hash] = out.split("\",\"").collect::<Vec<_>>().try_into().unwrap();
            if outputs(path, algorithm, hash) {
                found.insert(named(name).to_owned());
            }
        }
        found
    }
}

/// The name of a store path behind the hash.
fn named(path: &str) -> &str {
    path.rsplit('/').next().unwrap().split_once('-').unwrap().1
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The bytes of the program `m`, which `go build` must give as well.
fn program(project: &Project, built: &Path) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("m");
    engines::go_build(&project.root(), ".", &[], &out);
    let program = fs::read(built.join("bin/m")).unwrap();
    assert!(program == fs::read(out).unwrap(), "{} is not what go build gives", built.display());
    program
}

/// Builds the program in both ways; the names of what was built, input-addressed and content-addressed.
fn both(store: &Store, project: &Project) -> [BTreeSet<String>; 2] {
    let (plain, by_input) = store.build(project, "m", &[]);
    let (addressed, by_content) = store.build(project, "m", &ADDRESSED);
    assert_ne!(plain, addressed);
    assert!(program(project, &plain) == program(project, &addressed));
    [by_input, by_content]
}

#[test]
fn what_has_become_the_same_rebuilds_nothing() {
    let Some(store) = Store::new() else { return };
    let project = repository();
    store.take_tools(&project);
    let own = names(&["go-example.com-m", "go-example.com-m-base", "go-example.com-m-between", "go-m"]);
    for built in both(&store, &project) {
        assert!(built.len() > 20 && built.is_superset(&own), "{built:?}");
        assert!(TOOLS.iter().all(|tool| !built.contains(*tool)), "{built:?}");
    }
    for more in [&[][..], &ADDRESSED] {
        store.prints(&project, "nix-build", &[&["--no-out-link", "--check", "-A", "m"], more].concat());
    }

    project.edit("base/base.go", "return 1", "return 2");
    assert_eq!(both(&store, &project), [own.clone(), names(&["go-example.com-m-base", "go-m"])], "a body");
    project.edit("base/base.go", "is a number", "is no letter");
    assert_eq!(both(&store, &project), [own, names(&["go-example.com-m-base"])], "a comment that moves no line");

    // The flake has the same, for a Nix with the feature; for another one it is as if it weren't there.
    let (addressed, built) = store.build(&project, "m", &ADDRESSED);
    assert_eq!(built, names(&[]));
    let flake = ["build", "--no-link", "--print-out-paths", "path:.#contentAddressed.m"];
    let printed = store.prints(&project, "nix", &[&flake[..], &ADDRESSED[3..]].concat());
    assert_eq!(store.on_disk(&printed), addressed);
    store.prints(&project, "nix", &["flake", "check", "--no-build", "path:."]);
    tests_run_again_only_with_another_program(&store, &project);
}

fn tests_run_again_only_with_another_program(store: &Store, project: &Project) {
    let (result, built) = store.build(project, "tests.between", &ADDRESSED);
    assert_eq!(fs::read_to_string(result).unwrap(), "ok  \texample.com/m/between\n");
    let ran = names(&["go-example.com-m-between-tested", "go-example.com-m-between.test"]);
    assert!(built.is_superset(&ran), "{built:?}");
    project.edit("base/base.go", "is no letter", "is a digit, too");
    let base = names(&["go-example.com-m-base"]);
    assert_eq!(store.build(project, "tests.between", &ADDRESSED).1, base, "a comment");
    project.edit("base/base.go", "return 2", "return 3");
    assert_eq!(store.build(project, "tests.between", &ADDRESSED).1, ran.union(&base).cloned().collect(), "a body");
}

/// Whatever has steps of the plan or runs tests, and nothing else.
#[test]
fn what_is_content_addressed() {
    let (Some(plain), Some(addressed)) = (Store::new(), Store::new()) else { return };
    let project = repository();
    let expression = |arguments: &str| {
        format!("let all = import ./. {{ {arguments} }}; in builtins.attrValues (removeAttrs all [ \"tests\" ] // all.tests)")
    };
    plain.prints(&project, "nix-instantiate", &["-E", &expression("")]);
    let with = expression("contentAddressed = true;");
    addressed.prints(&project, "nix-instantiate", &[&["-E", &with], &ADDRESSED[3..]].concat());
    let by_input = |path: &str, algorithm: &str, hash: &str| !path.is_empty() && algorithm.is_empty() && hash.is_empty();
    let by_content = |path: &str, algorithm: &str, hash: &str| path.is_empty() && algorithm == "r:sha256" && hash.is_empty();
    let fixed = |path: &str, _: &str, hash: &str| !path.is_empty() && !hash.is_empty();
    let still = names(&[
        "go",
        "go-1.27.3-commands",
        "go-bootstrap",
        "godirect-helper",
        "godirect-image",
        "godirect-runner",
        "godirect-sdk",
    ]);
    assert_eq!(addressed.derivations(by_input), still);
    assert_eq!(addressed.derivations(fixed), plain.derivations(fixed));
    let changed: BTreeSet<String> = plain.derivations(by_input).difference(&still).cloned().collect();
    assert_eq!(addressed.derivations(by_content), changed);
    assert!(
        ["go-m", "go-m-image.tar", "go-runtime", "go-example.com-m-between-tested"].iter().all(|name| changed.contains(*name))
    );
    assert_eq!(addressed.derivations(|_, _, _| true), plain.derivations(|_, _, _| true));

    let refused = addressed.run(&project, "nix-instantiate", &["-E", &with]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    let wanted = "error: experimental Nix feature 'ca-derivations' is disabled; add '--extra-experimental-features ca-derivations' to enable it";
    assert!(!refused.status.success() && said.trim_end().lines().next_back().map(str::trim_start) == Some(wanted), "{said}");
}
