//! Programs that are compiled for fuzzing, and what is printed when they look for inputs, beside `go test -fuzz`.

use std::fs;
use std::path::Path;
use std::process::Output;

use super::{Repository, files, succeeded, timeless};

const WORD: [(&str, &str); 2] = [
    (
        "word/word.go",
        "package word\n\n// Short is wrong about some words.\nfunc Short(text string) bool {\n\tif len(text) > 1 && text[0] == 'l' && text[1] == 'o' {\n\t\t\
         panic(\"not short\")\n\t}\n\treturn len(text) < 4\n}\n",
    ),
    (
        "word/word_test.go",
        "package word\n\nimport \"testing\"\n\nfunc TestShort(t *testing.T) { Short(\"a\") }\n\nfunc FuzzShort(f *testing.F) {\n\tf.Add(\"a\")\n\t\
         f.Fuzz(func(t *testing.T, text string) { Short(text) })\n}\n\n\
         func FuzzSafe(f *testing.F) {\n\tf.Add(\"a\")\n\tf.Fuzz(func(t *testing.T, text string) {})\n}\n",
    ),
];

/// Those of commands, and where packages are compiled again; of all packages at once, where some import what others don't.
#[test]
fn programs_have_the_bytes_of_go_test_fuzz() {
    let repository = Repository::new(&WORD);
    let spec = repository.root().join("godirect.star");
    let plain = fs::read_to_string(&spec).unwrap();
    for (build_id, linker) in [("none", "-ldflags=-buildid="), ("go", "-ldflags=")] {
        fs::write(&spec, format!("{plain}\nprofile(\"default\", fuzz = True, buildid = \"{build_id}\")\n")).unwrap();
        let out = tempfile::tempdir().unwrap();
        let (ours, theirs) = (out.path().join("ours"), out.path().join("theirs"));
        succeeded("godirect test -c", &repository.godirect(&["-c", "-o", ours.to_str().unwrap()]));
        fs::create_dir(&theirs).unwrap();
        let theirs_slash = format!("{}/", theirs.display());
        for package in ["cmd/tool", "embedded", "external", "internal", "kinds", "main", "mixed", "onlytests/v2", "word"] {
            let fixed = ["-c", "-fuzz=Fuzz", "-trimpath", "-buildvcs=false", linker, "-o", &theirs_slash];
            succeeded("go test -c", &repository.go(&[&fixed[..], &[&format!("./{package}")]].concat()));
        }
        let (ours, theirs) = (files(&ours), files(&theirs));
        assert!(ours.keys().eq(theirs.keys()), "{:?} {:?}", ours.keys(), theirs.keys());
        for (name, bytes) in &ours {
            assert!(*bytes == theirs[name], "{name} differs with buildid = {build_id}");
        }
    }
}

/// Lines without what differs from run to run.
fn steady(output: &Output) -> (Option<i32>, String) {
    let printed = timeless(&output.stdout);
    // How far it is depends on what the cache of each has, and on the machine.
    let lines =
        printed.lines().filter(|line| !line.starts_with("fuzz: elapsed") && !line.starts_with("warning: starting with"));
    let line = |line: &str| match line.split_once(" (") {
        Some((before, _)) if line.contains("--- ") => format!("{before}\n"),
        _ => format!("{line}\n"),
    };
    (output.status.code(), lines.map(line).collect())
}

#[test]
fn what_fuzzing_prints_is_what_go_test_prints() {
    let repository = Repository::new(&WORD);
    let time = "-fuzztime=20x";
    for flags in [
        &["-fuzz=FuzzSafe", time][..],
        &["-fuzz=FuzzSafe", "-run=^$", time],
        &["-fuzz=FuzzSafe", "-v", time],
        &["-fuzz=Fuzz", time],
        &["-fuzz=FuzzNone"],
    ] {
        let own: Vec<String> =
            flags.iter().map(|flag| if *flag == "-v" { (*flag).to_owned() } else { format!("-{flag}") }).collect();
        let own: Vec<&str> = own.iter().map(String::as_str).chain(["./word"]).collect();
        let (ours, theirs) = (repository.godirect(&own), repository.go(&[&["-vet=off"], flags, &["./word"]].concat()));
        assert_eq!(steady(&ours), steady(&theirs), "{flags:?}: {}", String::from_utf8_lossy(&ours.stderr));
    }
}

#[test]
fn fuzzing_finds_and_keeps_inputs() {
    let repository = Repository::new(&WORD);
    let found = repository.godirect(&["--fuzz", "FuzzShort", "--fuzztime", "120s", "./word"]);
    let printed = String::from_utf8(found.stdout).unwrap();
    assert_eq!(found.status.code(), Some(1), "{printed}");
    assert!(printed.contains("Failing input written to testdata/fuzz/FuzzShort/"), "{printed}");
    assert!(printed.contains("\nFAIL\nexit status 1\nFAIL\texample.com/tests/word\t"), "{printed}");
    let corpus = |root: &Path| files(&root.join("word/testdata/fuzz/FuzzShort")).len();
    assert_eq!(corpus(&repository.root()), 1);
    // It is a test from now on.
    let again = repository.godirect(&["./word"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8(again.stdout).unwrap().contains("--- FAIL: FuzzShort/"));
}

#[test]
fn fuzzing_is_for_one_package() {
    let repository = Repository::new(&WORD);
    let output = repository.godirect(&["--fuzz", "FuzzShort"]);
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("error: can't use --fuzz with multiple packages"), "{message}");
}

/// Ctrl-C reaches both processes; the program still says how far it is.
#[cfg(unix)]
#[test]
fn fuzzing_ends_at_an_interrupt() {
    use std::io::{BufRead as _, BufReader, Read as _};
    use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};

    use rustix::process::{Pid, Signal, kill_process_group};

    let repository = Repository::new(&WORD);
    let mut command = super::godirect(&repository.root());
    command.args(["test", "--fuzz", "FuzzSafe", "./word"]).process_group(0).stdout(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut printed = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("now fuzzing with") {
        line.clear();
        assert!(printed.read_line(&mut line).unwrap() > 0, "it has ended");
    }
    kill_process_group(Pid::from_child(&child), Signal::INT).unwrap();
    let mut rest = String::new();
    printed.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("PASS\nok  \texample.com/tests/word\t"), "{rest}");
    assert_eq!(child.wait().unwrap().signal(), Some(Signal::INT.as_raw()));
}
