//! `godirect test` beside `go test` of the pinned SDK: the bytes of the programs, what is printed, events, counted statements; and what
//! is remembered.

#[path = "testing/fuzzing.rs"]
mod fuzzing;
#[path = "testing/modules.rs"]
mod modules;
#[path = "support/outcomes.rs"]
mod outcomes;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use godirect::plan::Step;
use godirect::project::Project;
use godirect::project::stamps::Stamps;
use godirect::project::testing::Request;
use serde_json::Value;

/// The pinned SDK's GOROOT, which is not the `go` that happens to be on PATH.
static GOROOT: LazyLock<PathBuf> = LazyLock::new(|| {
    let output = godirect(Path::new(env!("CARGO_MANIFEST_DIR"))).args(["-C", "examples/01-hello", "goroot"]).output().unwrap();
    PathBuf::from(succeeded("godirect goroot", &output).trim_end())
});

/// Where `go` keeps what may stay between runs.
static CACHE: LazyLock<PathBuf> = LazyLock::new(|| {
    let home = || PathBuf::from(std::env::var_os("HOME").expect("HOME is set")).join(".cache");
    let cache = || std::env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from);
    std::env::var_os("GODIRECT_TEST_ENV").map_or_else(|| cache().join("godirect-test-env"), PathBuf::from)
});

fn godirect(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_godirect"));
    command.current_dir(directory);
    command
}

/// Standard output of a command that must succeed.
fn succeeded(what: &str, output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{what} failed with {}:\n{}{}", output.status, text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// A repository with every kind of test, in a directory of its own, and what is put beside that.
struct Repository(tempfile::TempDir);

impl Repository {
    fn new(more: &[(&str, &str)]) -> Repository {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap().join("repo");
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/testing/repo"), &root);
        for (path, text) in more {
            fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs::write(root.join(path), text).unwrap();
        }
        Repository(directory)
    }

    fn root(&self) -> PathBuf {
        self.0.path().canonicalize().unwrap().join("repo")
    }

    fn godirect(&self, arguments: &[&str]) -> Output {
        let mut command = godirect(&self.root());
        command.args(["test"]).args(arguments).output().unwrap()
    }

    fn go(&self, arguments: &[&str]) -> Output {
        go(&self.root(), &[&["test"], arguments].concat())
    }
}

/// Runs the pinned `go` without anything of the machine's.
fn go(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(GOROOT.join("bin/go"));
    in_environment_of_go(&mut command).current_dir(directory);
    command.args(arguments).output().unwrap()
}

/// Lets a command see what the pinned `go` sees.
fn in_environment_of_go(command: &mut Command) -> &mut Command {
    let home = CACHE.join("go");
    command.env_clear().env("HOME", &home).env("PATH", std::env::var_os("PATH").unwrap());
    command.env("GOROOT", &*GOROOT).env("GOPATH", home.join("path")).env("GOCACHE", home.join("cache"));
    command.envs([("GOTOOLCHAIN", "local"), ("GOENV", "off"), ("GOFLAGS", "-mod=mod"), ("CGO_ENABLED", "0")]);
    for name in ["GOPROXY", "HTTPS_PROXY", "SSL_CERT_FILE"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    command
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap())).collect()
}

#[test]
fn programs_have_the_bytes_of_go_test() {
    let repository = Repository::new(&[]);
    for flags in [&[][..], &["-cover"], &["-covermode=atomic", "-coverpkg=./..."]] {
        let out = tempfile::tempdir().unwrap();
        let (ours, theirs) = (out.path().join("ours"), out.path().join("theirs"));
        let own: Vec<String> = flags.iter().map(|flag| format!("-{flag}")).collect();
        let own = own.iter().map(String::as_str);
        let arguments: Vec<&str> = ["-c", "-o", ours.to_str().unwrap()].into_iter().chain(own).collect();
        succeeded("godirect test -c", &repository.godirect(&arguments));
        let theirs_slash = format!("{}/", theirs.display());
        fs::create_dir(&theirs).unwrap();
        let fixed = ["-c", "-trimpath", "-buildvcs=false", "-ldflags=-buildid=", "-o", &theirs_slash];
        succeeded("go test -c", &repository.go(&[&fixed[..], flags, &["./..."]].concat()));
        let (ours, theirs) = (files(&ours), files(&theirs));
        assert_eq!(ours.len(), 8);
        assert!(ours.keys().eq(theirs.keys()), "{:?} {:?}", ours.keys(), theirs.keys());
        for (name, bytes) in &ours {
            assert!(*bytes == theirs[name], "{name} {flags:?} differs");
        }
    }
}

/// Every byte counts for Go's own build IDs.
#[test]
fn sources_of_programs_are_those_of_go_test() {
    let repository = Repository::new(&[]);
    let listed = go(
        &repository.root(),
        &["list", "-test", "-f", "{{if eq .Name \"main\"}}{{.ImportPath}} {{.GoFiles}}{{end}}", "./..."],
    );
    let listed = succeeded("go list -test", &listed);
    let project = Project::open(&repository.root()).unwrap();
    let lock = project.read_lock().unwrap();
    let locked = project.with_lock(&lock).unwrap();
    let request = Request { variant: project.variants()[0], patterns: &[], cover: None, fuzz: false, omit_debug: true };
    let found = locked.tests(&request).unwrap();
    let planned = locked.plan_tests(&request, &Stamps::Generated("test"), found, None).unwrap();
    let mut compared = 0;
    for line in listed.lines().filter(|line| line.contains(".test [")) {
        let (path, file) = line.split_once(" [").unwrap();
        let steps = &planned.configuration.packages[&format!("{path} [{path}]")].steps;
        let text = steps.iter().find_map(|step| match step {
            Step::Write { write, text } if write.ends_with("_testmain.go") => Some(text.replace("{{", "{").replace("}}", "}")),
            _ => None,
        });
        assert_eq!(text.unwrap(), fs::read_to_string(file.trim_end_matches(']')).unwrap(), "{path}");
        compared += 1;
    }
    assert_eq!(compared, 8);
}

/// What tests do that fail, and those that can't run.
const FAILING: [(&str, &str); 8] = [
    (
        "fails/x_test.go",
        "package fails\n\nimport (\n\t\"fmt\"\n\t\"testing\"\n)\n\nfunc TestA(t *testing.T) {\n\tfmt.Print(\"printed \")\n\tt.Log(\"logged\\ntwice\")\n\t\
         t.Run(\"b c\", func(t *testing.T) { t.Error(\"wrong\") })\n\tt.Run(\"d\", func(t *testing.T) { t.Skip(\"later\") })\n\tt.Attr(\"k\", \"v\")\n}\n\n\
         func TestE(t *testing.T) { t.Parallel(); t.Fatal(\"\\x1b[31mfatal\\x16\") }\n\nfunc ExampleF() {\n\tfmt.Println(1)\n\t// Output: 2\n}\n",
    ),
    (
        "panics/x_test.go",
        "package panics\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nfunc TestA(t *testing.T) { os.Stdout.WriteString(\"no end\"); os.Exit(3) }\n",
    ),
    (
        "exits/x_test.go",
        "package exits\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nfunc TestMain(m *testing.M) { os.Exit(7) }\n",
    ),
    ("signature/x_test.go", "package signature\n\nimport \"testing\"\n\nfunc TestA(t testing.T) {}\n"),
    ("compile/x_test.go", "package compile\n\nimport \"testing\"\n\nfunc TestA(t *testing.T) { undefined() }\n"),
    ("untested/x.go", "package untested\n\nfunc f() { undefined() }\n"),
    ("cycle/x.go", "package cycle\n"),
    (
        "cycle/x_test.go",
        "package cycle\n\nimport (\n\t_ \"example.com/tests/missing\"\n\t\"testing\"\n)\n\nfunc TestA(t *testing.T) {}\n",
    ),
];

/// Text without times; a result that is remembered from an earlier run has none.
fn timeless(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let is_time = |word: &str| {
        let word = word.trim_start_matches('(').trim_end_matches(')');
        word.strip_suffix('s').is_some_and(|number| number.contains('.') && number.parse::<f64>().is_ok())
    };
    let word = |word: &str| if is_time(word) || word == "(cached)" { "TIME".to_owned() } else { word.to_owned() };
    let words =
        |line: &str| line.split('\t').map(|part| part.split(' ').map(word).collect::<Vec<_>>().join(" ")).collect::<Vec<_>>();
    text.lines().map(|line| words(line).join("\t") + "\n").collect()
}

#[test]
fn what_is_printed_is_what_go_test_prints() {
    let repository = Repository::new(&FAILING);
    for flags in [&[][..], &["-v"], &["-run", "TestHalf|TestA", "-count", "1", "-short"]] {
        let own: Vec<String> = flags
            .iter()
            .map(|flag| if flag.len() > 2 && flag.starts_with('-') { format!("-{flag}") } else { (*flag).to_owned() })
            .collect();
        let own: Vec<&str> = own.iter().map(String::as_str).collect();
        let ours = repository.godirect(&own);
        let theirs = repository.go(&[&["-vet=off"], flags, &["./..."]].concat());
        assert_eq!(timeless(&ours.stdout), timeless(&theirs.stdout), "{flags:?}: {}", String::from_utf8_lossy(&ours.stderr));
        assert_eq!(ours.status.code(), theirs.status.code());
    }
}

/// Events by what they are about, in order, without times and what depends on them.
fn events(stdout: &[u8]) -> BTreeMap<String, Vec<Value>> {
    let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in std::str::from_utf8(stdout).unwrap().lines() {
        let mut event: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let object = event.as_object_mut().unwrap();
        ["Time", "Elapsed"].iter().for_each(|field| drop(object.remove(*field)));
        if let Some(output) = object.get_mut("Output") {
            *output = Value::String(timeless(output.as_str().unwrap().as_bytes()));
        }
        let about = object.get("Package").or(object.get("ImportPath")).unwrap().as_str().unwrap().to_owned();
        found.entry(about).or_default().push(event);
    }
    found
}

#[test]
fn events_are_those_of_go_test() {
    let repository = Repository::new(&FAILING[..3]);
    let ours = events(&repository.godirect(&["--json"]).stdout);
    let theirs = events(&repository.go(&["-vet=off", "-json", "./..."]).stdout);
    assert!(ours.keys().eq(theirs.keys()), "{:?} {:?}", ours.keys(), theirs.keys());
    for (about, theirs) in theirs {
        assert_eq!(ours[&about], theirs, "{about}");
    }
}

#[test]
fn counted_statements_are_those_of_go_test() {
    let repository = Repository::new(&[]);
    let (ours, theirs) = (repository.root().join("ours.out"), repository.root().join("theirs.out"));
    let tests = ["./kinds", "./mixed", "./internal"];
    let printed = repository.godirect(&[&tests[..], &["--covermode=count", "--coverprofile", ours.to_str().unwrap()]].concat());
    let theirs_flag = format!("-coverprofile={}", theirs.display());
    let expected =
        repository
            .go(&[&["-vet=off", "-covermode=count", theirs_flag.as_str()], &["./internal", "./kinds", "./mixed"][..]].concat());
    assert_eq!(timeless(&printed.stdout), timeless(&expected.stdout));
    let lines = |path: &Path| {
        let mut lines: Vec<String> = fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(lines(&ours), lines(&theirs));
}

/// Both compile C, and C++ for the race detector.
#[test]
fn tests_with_c_code_and_the_race_detector() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap().join("c");
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/matrix/rows/c"), &root);
    let spec = "go_sdk(version = \"1.27.3\")\n\nplatforms(\"linux/amd64\")\n\nprofile(\"default\", cgo = True, race = True)\n";
    fs::write(root.join("godirect.star"), spec).unwrap();
    succeeded("godirect lock", &godirect(&root).arg("lock").output().unwrap());
    let ours = godirect(&root).args(["test", "-v", "--count", "1", "./cmd/own", "./count"]).output().unwrap();
    let mut command = Command::new(GOROOT.join("bin/go"));
    in_environment_of_go(&mut command).env("CGO_ENABLED", "1").current_dir(&root);
    command.args(["test", "-vet=off", "-race", "-v", "-count=1", "./cmd/own", "./count"]);
    let theirs = succeeded("go test", &command.output().unwrap());
    assert_eq!(timeless(&ours.stdout), timeless(theirs.as_bytes()), "{}", String::from_utf8_lossy(&ours.stderr));
}

#[test]
fn tests_are_programs() {
    let repository = Repository::new(&[]);
    let spec = fs::read_to_string(repository.root().join("godirect.star")).unwrap();
    let library = format!("{spec}\nprofile(\"default\", cgo = True, buildmode = \"c-shared\")\n");
    fs::write(repository.root().join("godirect.star"), library).unwrap();
    let output = repository.godirect(&[]);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(message.contains("error: tests can't be run with buildmode = \"c-shared\""), "{message}");
}

const LOOKS: &str = "package looks\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nfunc TestA(t *testing.T) {\n\tos.Getenv(\"LOOKS\")\n\tos.ReadFile(\"testdata/a\")\n\t\
                     os.ReadDir(\"testdata\")\n}\n";

#[test]
fn results_are_remembered_while_nothing_has_changed() {
    let repository = Repository::new(&[("looks/x_test.go", LOOKS), ("looks/testdata/a", "1"), ("looks/other", "1")]);
    let run = |variable: &str, arguments: &[&str]| {
        let mut command = godirect(&repository.root());
        command.env("LOOKS", variable).args(["test", "./looks"]).args(arguments);
        let printed = succeeded("godirect test", &command.output().unwrap());
        assert!(printed.starts_with("ok  \texample.com/tests/looks\t"), "{printed}");
        printed.contains("(cached)")
    };
    // Of the value that nobody had before, whatever ran in this cache.
    let fresh = format!("{:?}", std::time::SystemTime::now());
    let write = |path: &str, text: &str| fs::write(repository.root().join("looks").join(path), text).unwrap();
    assert!(!run(&fresh, &[]));
    assert!(run(&fresh, &[]));
    assert!(!run(&format!("{fresh}x"), &[]));
    write("testdata/a", "2");
    assert!(!run(&fresh, &[]));
    assert!(run(&fresh, &[]));
    write("testdata/b", "");
    assert!(!run(&fresh, &[]));
    write("other", "2");
    assert!(run(&fresh, &[]));
    assert!(!run(&fresh, &["--short"]));
    assert!(!run(&fresh, &["--count", "1"]));
    assert!(!run(&fresh, &["--", "argument"]));
    write("x_test.go", &LOOKS.replace("TestA", "TestB"));
    assert!(!run(&fresh, &[]));
}

#[test]
fn a_program_that_runs_too_long_says_where() {
    let sleeps =
        "package sleeps\n\nimport (\n\t\"testing\"\n\t\"time\"\n)\n\nfunc TestA(t *testing.T) { time.Sleep(time.Hour) }\n";
    let repository = Repository::new(&[("sleeps/x_test.go", sleeps)]);
    let output = repository.godirect(&["./sleeps", "--timeout", "100ms"]);
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(printed.starts_with("panic: test timed out after 100ms\n"), "{printed}");
    assert!(printed.contains("x_test.go:8") && printed.ends_with("FAIL\n"), "{printed}");
}
