//! Tests of packages as derivations: `nix(tests = True)` under a real Nix, in its sandbox.

#[allow(dead_code)]
#[path = "support/engines.rs"]
mod engines;
#[allow(dead_code)]
#[path = "support/cli.rs"]
mod support;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use support::{Project, error};

static NIX: LazyLock<PathBuf> = LazyLock::new(|| engines::provisioned("nix.sh"));

/// The repository; `SALT` is another text each time, so that nothing of it has been built before.
const FILES: [(&str, &str); 17] = [
    (
        "godirect.star",
        "platforms(\"linux/amd64\", \"linux/arm64\")\n\nnix(skip_tests = {\"./elsewhere/...\": \"\", \"./reads\": \"^TestNetwork$|TestParts/^slow$\"}, tests = True)\n",
    ),
    ("go.mod", "module example.com/m\n\ngo 1.27\n\ntoolchain go1.27.3\n"),
    ("README.md", "Read me.\n"),
    ("main.go", "package main\n\nimport \"example.com/m/between\"\n\nfunc main() { println(between.Twice()) }\n\n// SALT\n"),
    ("base/base.go", "package base\n\nvar value = 1\n\nfunc Value() int { return value }\n\n// SALT\n"),
    ("base/export_test.go", "package base\n\nfunc Set(to int) { value = to }\n"),
    (
        "base/base_test.go",
        "package base_test\n\nimport (\n\t\"testing\"\n\n\t\"example.com/m/base\"\n\t\"example.com/m/between\"\n)\n\nfunc TestTwice(t *testing.T) {\n\tbase.Set(20)\n\tif got := between.Twice(); got != 40 {\n\t\tt.Error(got)\n\t}\n}\n",
    ),
    (
        "between/between.go",
        "package between\n\nimport \"example.com/m/base\"\n\nfunc Twice() int { return 2 * base.Value() }\n",
    ),
    ("reads/reads_test.go", include_str!("nix/reads_test.go")),
    ("reads/testdata/word.txt", "word"),
    ("golden/declared.txt", "declared"),
    ("shared/recorded.txt", "recorded"),
    (
        "godirect.reads.json",
        "{\n  \"version\": 1,\n  \"tests\": {\n    \"example.com/m/reads\": [\"shared/gone.txt\",\"shared/recorded.txt\"]\n  }\n}\n",
    ),
    (
        "failing/failing_test.go",
        "package failing\n\nimport \"testing\"\n\nfunc TestFails(t *testing.T) { t.Error(\"as it should\") }\n\n// SALT\n",
    ),
    ("byhand/byhand_test.go", "//godirect:tags manual\n\npackage byhand\n"),
    ("elsewhere/deep/deep_test.go", "package deep\n"),
    ("broken/broken_test.go", "package broken\n\nimport \"example.com/m/nowhere\"\n"),
];

/// The repository with all that is generated for it.
fn repository(salt: &str) -> Project {
    // The lock has proven the SDK already.
    let lock = fs::read_to_string(engines::repository("examples/01-hello/godirect.lock.json")).unwrap();
    let project = Project::new(&[("godirect.lock.json", lock.as_str())]).with_user_cache();
    for (path, text) in FILES {
        project.write(path, &text.replace("SALT", salt));
    }
    engines::succeeded("godirect lock", &project.command(&["lock"]).output().unwrap());
    project
}

const WARNING: &str = "godirect: warning: Nix doesn't run the tests of example.com/m/broken, since they can't be built: \
     broken/broken_test.go:3:8: no required module provides package example.com/m/nowhere; to add it:\n\tgo get example.com/m/nowhere\n";

fn generate(project: &Project) {
    let ran = project.run(&["generate"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), WARNING));
}

/// What Nix says when it builds the tests in the sandbox.
fn build(project: &Project, tests: &[&str]) -> Output {
    let tests: Vec<String> = tests.iter().map(|test| format!("tests.{test}")).collect();
    build_attributes(project, &tests.iter().map(String::as_str).collect::<Vec<_>>())
}

fn build_attributes(project: &Project, attributes: &[&str]) -> Output {
    let store = engines::CACHE.join("nix-store");
    let mut command = Command::new(NIX.join("nix-build"));
    command.current_dir(project.root()).env("NIX_CONF_DIR", engines::repository("tests/env"));
    command.args(["--no-out-link", "--store"]).arg(store);
    for attribute in attributes {
        command.args(["-A", attribute]);
    }
    command.output().unwrap()
}

/// The names of what was built, in the order of their names.
fn built(output: &Output) -> BTreeSet<String> {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let paths = said.lines().filter_map(|line| line.strip_prefix("building '/nix/store/")?.strip_suffix(".drv'..."));
    paths.filter_map(|path| Some(path.split_once('-')?.1.to_owned())).collect()
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn query(arguments: &[&str]) -> String {
    let mut command = Command::new(NIX.join("nix-store"));
    command.args(arguments).arg("--store").arg(engines::CACHE.join("nix-store"));
    let output = command.env("NIX_CONF_DIR", engines::repository("tests/env")).output().unwrap();
    engines::succeeded(&format!("nix-store {arguments:?}"), &output)
}

/// What a test has built that no later run wants; it is deleted at the end, since the store is kept.
#[derive(Default)]
struct Leftovers(RefCell<BTreeSet<String>>);

impl Leftovers {
    /// Notes what Nix has built.
    fn of(&self, output: Output) -> Output {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let derivations = said.lines().filter_map(|line| line.strip_prefix("building '")?.strip_suffix("'..."));
        let own = derivations.filter(|path| path.contains("-go-example.com-m-") || path.contains("-go-m-"));
        self.0.borrow_mut().extend(own.map(str::to_owned));
        output
    }
}

impl Drop for Leftovers {
    fn drop(&mut self) {
        let derivations = self.0.borrow();
        let store = |arguments: &[&str], paths: &[&str]| {
            let mut command = Command::new(NIX.join("nix-store"));
            command.args(arguments).args(paths).arg("--store").arg(engines::CACHE.join("nix-store"));
            let output = command.env("NIX_CONF_DIR", engines::repository("tests/env")).output();
            output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
        };
        let derivations: Vec<&str> = derivations.iter().map(String::as_str).collect();
        let outputs = store(&["--query", "--outputs"], &derivations);
        // What failed has no outputs.
        let is_there = |path: &&str| engines::CACHE.join("nix-store").join(path.trim_start_matches('/')).exists();
        let made: Vec<&str> = outputs.lines().filter(is_there).collect();
        store(&["--delete"], &made);
    }
}

/// A text that no earlier run had.
fn salt() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    format!("{} {}", since.as_nanos(), std::process::id())
}

#[test]
fn what_changes_is_tested_again_and_nothing_else() {
    let (project, leftovers) = (repository(&salt()), Leftovers::default());
    generate(&project);
    let both = &["base", "reads"];
    let first = leftovers.of(build(&project, both));
    let printed = engines::succeeded("nix-build", &first);
    let store = engines::CACHE.join("nix-store");
    let results: Vec<String> =
        printed.lines().map(|path| fs::read_to_string(store.join(path.trim_start_matches('/'))).unwrap()).collect();
    assert_eq!(results, ["ok  \texample.com/m/base\n", "ok  \texample.com/m/reads\n"]);
    let base = [
        "go-example.com-m-base-example.com-m-base.test-",
        "go-example.com-m-base-tested",
        "go-example.com-m-base.test",
        "go-example.com-m-base.test-example.com-m-base.test-",
        "go-example.com-m-base_test-example.com-m-base.test-",
        "go-example.com-m-between-example.com-m-base.test-",
    ];
    let own: BTreeSet<String> = built(&first).into_iter().filter(|name| name.contains("-m-base")).collect();
    assert_eq!(own, names(&base), "the test of base, with between as it sees base with its tests");

    let again = |project: &Project| {
        let output = leftovers.of(build(project, both));
        engines::succeeded("nix-build", &output);
        built(&output)
    };
    assert_eq!(again(&project), names(&[]));
    project.write("README.md", "Read me again.\n");
    project.write("shared/other.txt", "");
    project.edit("failing/failing_test.go", "as it should", "as ever");
    assert_eq!(again(&project), names(&[]));
    let comment = format!("{}\n// {}\n", project.read("base/base_test.go"), salt());
    project.write("base/base_test.go", &comment);
    assert_eq!(
        again(&project),
        names(&[
            "go-example.com-m-base-tested",
            "go-example.com-m-base.test",
            "go-example.com-m-base.test-example.com-m-base.test-",
            "go-example.com-m-base_test-example.com-m-base.test-",
        ])
    );
    for file in ["reads/testdata/more/new.txt", "golden/new.txt", "shared/gone.txt"] {
        project.write(file, &salt());
        assert_eq!(again(&project), names(&["go-example.com-m-reads-tested"]), "{file}");
    }
}

#[test]
fn programs_have_the_bytes_of_go_test() {
    let project = repository("always the same");
    same_programs(&project, &[]);
    project.edit("godirect.star", "nix(", "profile(\"default\", fuzz = True)\nnix(");
    same_programs(&project, &["-fuzz=Fuzz"]);
}

/// Compares what Nix links with what `go test -c` does with these flags.
fn same_programs(project: &Project, flags: &[&str]) {
    generate(project);
    let directory = tempfile::tempdir().unwrap();
    let derivations = project.succeeds(&["nix", "paths", "--system", "x86_64-linux", "--json", "tests"]);
    let derivations: serde_json::Value = serde_json::from_str(&derivations).unwrap();
    for (name, program) in [("base", "base.test"), ("reads", "reads.test")] {
        engines::succeeded("nix-build", &build(project, &[name]));
        let derivation = derivations["packages"][format!("tests.{name}")]["derivation"].as_str().unwrap();
        let references = query(&["--query", "--references", derivation]);
        let linked = references.lines().find(|path| path.ends_with(&format!("-m-{program}.drv"))).unwrap();
        let place = query(&["--query", "--outputs", linked]);
        let by_nix = engines::CACHE.join("nix-store").join(place.trim().trim_start_matches('/')).join("bin").join(program);
        let out = directory.path().join(program);
        let mut go = engines::go_command(&engines::GOROOT, &project.root(), &[]);
        go.args(["test", "-c", "-trimpath", "-buildvcs=false", "-ldflags=-buildid="]).args(flags);
        engines::succeeded("go test -c", &go.arg("-o").arg(&out).arg(format!("./{name}")).output().unwrap());
        assert!(fs::read(by_nix).unwrap() == fs::read(out).unwrap(), "{name} {flags:?}");
    }
}

#[test]
fn a_test_that_fails_is_a_build_that_fails_with_its_log() {
    let (project, leftovers) = (repository(&salt()), Leftovers::default());
    generate(&project);
    let output = leftovers.of(build(&project, &["failing"]));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(100), "{said}");
    let log = said.split("-go-example.com-m-failing-tested.drv'...\n").nth(1).unwrap();
    let log: String = log.lines().take_while(|line| !line.starts_with("error: ")).map(|line| untimed(line) + "\n").collect();
    let mut go = engines::go_command(&engines::GOROOT, &project.path("repo/failing"), &[]);
    let go = go.args(["test", "-vet=off"]).output().unwrap();
    let wanted: String = String::from_utf8(go.stdout).unwrap().lines().map(|line| untimed(line) + "\n").collect();
    assert_eq!(log, wanted);
    assert!(!log.is_empty() && log.ends_with("\nFAIL example.com/m/failing TIME\n"));

    // As flakes are checked.
    let flake = || {
        let mut command = Command::new(NIX.join("nix"));
        command.current_dir(project.root()).env("NIX_CONF_DIR", engines::repository("tests/env"));
        command.args(["flake", "check", "--offline", "path:.", "--store"]).arg(engines::CACHE.join("nix-store"));
        leftovers.of(command.output().unwrap())
    };
    let failed = flake();
    let said = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert!(!failed.status.success() && said.contains("-go-example.com-m-failing-tested.drv' failed"), "{said}");
    project.edit("failing/failing_test.go", "t.Error", "t.Log");
    engines::succeeded("nix flake check", &flake());
}

/// A line without the time at its end, which comes after tabs; Nix shows them as blanks.
fn untimed(line: &str) -> String {
    match line.split_whitespace().collect::<Vec<&str>>().as_slice() {
        ["FAIL", path, time] if time.ends_with('s') => format!("FAIL {path} TIME"),
        _ => line.to_owned(),
    }
}

/// Packages that are tested, with statements that tests of others run; and a spec that counts them.
const COUNTED: [(&str, &str); 4] = [
    (
        "more/more.go",
        "package more\n\nimport \"example.com/m/base\"\n\nfunc Sum(n int) int {\n\tif n < 0 {\n\t\treturn 0\n\t}\n\treturn n + base.Value()\n}\n",
    ),
    (
        "more/more_test.go",
        "package more\n\nimport \"testing\"\n\nfunc TestSum(t *testing.T) {\n\tif Sum(1) != 2 {\n\t\tt.Fail()\n\t}\n}\n",
    ),
    ("only/only_test.go", "package only\n\nimport \"testing\"\n\nfunc TestNothing(t *testing.T) {}\n"),
    (
        "godirect.star",
        "platforms(\"linux/amd64\", \"linux/arm64\")\n\nnix(COVERAGE, skip_tests = [\"./elsewhere/...\", \"./failing\", \"./reads\"], tests = True)\n",
    ),
];

#[test]
fn statements_are_counted_as_go_test_does() {
    let project = repository("always the same");
    let write = |coverage: &str| {
        COUNTED.iter().for_each(|(path, text)| project.write(path, &text.replace("COVERAGE", coverage)));
        generate(&project);
    };
    let paths = || project.succeeds(&["nix", "paths", "--system", "x86_64-linux", "--json", "tests"]);
    write("coverage = False");
    let before = paths();
    assert!(!before.contains("coverage"));
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    // As people see it: a statement is covered if some test has run it. Go says of each test also what it doesn't even need.
    let covered = |text: &str| {
        let mut blocks = BTreeMap::new();
        for (block, count) in text.lines().skip(1).filter_map(|line| line.rsplit_once(' ')) {
            let known = blocks.entry(block.to_owned()).or_insert(0);
            *known = count.parse::<u32>().unwrap().max(*known);
        }
        blocks
    };
    for (coverage, flag) in [("coverage = True", "-cover"), ("coverage = [\"./...\"]", "-coverpkg=./...")] {
        write(coverage);
        assert_eq!(paths(), before, "tests are what they were");
        let printed = engines::succeeded("nix-build", &build_attributes(&project, &["coverage"]));
        let result = engines::CACHE.join("nix-store").join(printed.trim().trim_start_matches('/'));
        let by_nix = fs::read_to_string(result).unwrap();
        let out = tempfile::NamedTempFile::new().unwrap();
        let mut go = engines::go_command(&engines::GOROOT, &project.root(), &[]);
        go.args(["test", flag, "-coverprofile"]).arg(out.path()).args(["./base", "./more", "./only"]);
        engines::succeeded("go test", &go.output().unwrap());
        let by_go = fs::read_to_string(out.path()).unwrap();
        match flag {
            "-cover" => assert_eq!(sorted(&by_nix), sorted(&by_go)),
            _ => assert_eq!(covered(&by_nix), covered(&by_go)),
        }
        assert!(by_nix.starts_with("mode: set\n") && covered(&by_nix).values().any(|count| *count == 0), "{by_nix}");
    }
}

#[test]
fn names_and_what_is_left_out() {
    let project = repository("always the same");
    generate(&project);
    let evaluate = |expression: &str| {
        let store = tempfile::tempdir().unwrap();
        let mut command = Command::new(NIX.join("nix-instantiate"));
        command.current_dir(project.root()).env("NIX_CONF_DIR", engines::repository("tests/env")).arg("--store");
        command.arg(store.path()).args(["--eval", "--strict", "--json", "-E", expression]);
        engines::succeeded("nix-instantiate", &command.output().unwrap()).trim_end().to_owned()
    };
    let tests = r#"["base","failing","reads"]"#;
    assert_eq!(evaluate("builtins.attrNames (import ./. { system = \"x86_64-linux\"; }).tests"), tests);
    let checks = "builtins.attrNames (import ./flake.nix).outputs { self = null; }.checks.x86_64-linux";
    let checks =
        checks.replace("(import ./flake.nix).outputs { self = null; }", "((import ./flake.nix).outputs { self = null; })");
    let wanted = r#"["m-linux_amd64","m-linux_arm64","test-base","test-failing","test-reads"]"#;
    assert_eq!(evaluate(&checks), wanted);
    assert_eq!(
        project.succeeds(&["nix", "paths", "--system", "x86_64-linux", "tests"]).lines().count(),
        3,
        "as many as nix-build -A tests has"
    );
    let paths = ["nix", "paths", "--system", "x86_64-linux"];
    let with = |name: &'static str| [&paths[..], &[name]].concat();
    let no_test = |name: &str, help: &str| error(&format!("Nix runs no tests for `{name}` on this system"), help);
    project.fails(&with("tests.bas"), 2, &no_test("tests.bas", "there is tests.base, tests.failing, tests.reads"));
    // Nothing is left of it, and binaries stay where they are.
    let binary = |project: &Project| project.succeeds(&["nix", "paths", "--system", "x86_64-linux", "m"]);
    let before = binary(&project);
    project.write("godirect.star", "platforms(\"linux/amd64\", \"linux/arm64\")\n\nnix()\n");
    project.succeeds(&["generate"]);
    assert_eq!(binary(&project), before);
    assert!(!project.read("nix/plan.json").contains("reads") && !project.path("repo/nix/runner/main.go").exists());
    let help = "write nix(tests = True) in the spec; tests are run on machines that the spec has among its platforms";
    project.fails(&with("tests"), 2, &no_test("tests", help));
    let plain = evaluate("(import ./. { system = \"x86_64-linux\"; }).tests");
    assert_eq!(plain, "{}");
}

#[test]
fn what_cannot_be() {
    let project = repository("always the same");
    let spec = |text: &str| project.write("godirect.star", text);
    spec("platforms(\"linux/amd64\")\nnix(tests = True, skip_tests = [\"./elsewher/...\"])\n");
    let message = "no package of the repository with tests matches `./elsewher/...` of skip_tests";
    let help = "write import paths, or directories relative to the spec, also with `...`";
    let lock = || engines::succeeded("godirect lock", &project.command(&["lock"]).output().unwrap());
    lock();
    project.fails(&["generate"], 2, &error(message, help));
    spec("platforms(\"wasip1/wasm\")\nnix(tests = True)\n");
    lock();
    let message = "nix(tests = True) has nothing to run: no machine that builds can run programs for a platform of the spec";
    let help = "add such a platform to platforms(…) or to go_sdk(exec_platforms = …), or leave out tests = True";
    project.fails(&["generate"], 2, &error(message, help));
    spec(
        "platforms(\"wasip1/wasm\")\nprofile(\"library\", buildmode = \"c-shared\")\nbinary(\".\", profiles = [\"library\"])\nnix(tests = True)\n",
    );
    lock();
    let help = "give a binary the profile `default`, in which tests are built then, or leave out tests = True of nix()";
    project.fails(&["generate"], 2, &error("tests can't be run with buildmode = \"c-shared\"", help));
    spec("platforms(\"linux/amd64\")\nbinary(\".\", name = \"test-base\")\nnix(tests = True)\n");
    project.write("base-linux_amd64/x_test.go", "package x\n");
    lock();
    let message = "the check test-base-linux_amd64 of the flake would be both a binary and a test";
    let help = "give the binary another name in godirect.star: binary(…, name = …)";
    project.fails(&["generate"], 2, &error(message, help));
    spec("platforms(\"linux/amd64\")\nbinary(\".\", name = \"coverage\")\nnix(tests = True, coverage = True)\n");
    lock();
    let message = "the package `coverage` of the flake would be both a binary and what tests count";
    project.fails(&["generate"], 2, &error(message, help));
    spec("platforms(\"linux/amd64\")\nnix(tests = True, coverage = [\"./bas\"])\n");
    lock();
    let message = "no package that tests need matches `./bas` of coverage";
    project.fails(
        &["generate"],
        2,
        &error(message, "write import paths, or directories relative to the spec, also with `...`"),
    );
    assert!(!Path::new(&project.path("repo/nix/plan.json")).exists());
}
