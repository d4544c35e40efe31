use std::fs::{self, File};
use std::io::Write as _;
use std::process::Command;

use super::*;

/// What is looked at while a shell runs this in a directory.
fn looked_at(script: &str) -> Option<String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("out");
    let run = || Command::new("sh").arg("-c").arg(script).current_dir(directory.path()).status().unwrap();
    let (_, looked) = watched(&file, run, || fs::read_to_string(&file).unwrap_or_default());
    looked
}

#[test]
fn looks_when_a_file_is_closed_for_the_last_time() {
    assert_eq!(looked_at("echo one > out"), Some("one\n".to_owned()));
    assert_eq!(looked_at("echo other > other; echo one > out; cat out"), Some("one\n".to_owned()));
    assert_eq!(looked_at("echo one > out; echo other > other; echo two > out"), None);
    assert_eq!(looked_at("echo one > out; echo other > other; echo two >> out"), None);
    assert_eq!(looked_at("echo one > out; rm out"), None);
    assert_eq!(looked_at("echo one > other; mv other out"), None);
    assert_eq!(looked_at("echo one > out; echo two > other; mv other out"), None);
    assert_eq!(looked_at("true"), None);
}

/// Events that are the same come as one, if nobody has read the first before the second is there.
#[test]
fn looks_after_the_last_of_events_that_come_as_one() {
    let looked = looked_at("echo one > out; echo two > out");
    assert!(matches!(looked.as_deref(), None | Some("two\n")), "{looked:?}");
}

#[test]
fn looks_before_the_program_has_ended() {
    let directory = tempfile::tempdir().unwrap();
    let (file, pipe) = (directory.path().join("out"), directory.path().join("pipe"));
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // It waits until it is told that somebody has looked.
    let run = || Command::new("sh").args(["-c", "echo one > out; cat pipe"]).current_dir(directory.path()).output().unwrap();
    let look = || File::options().write(true).open(&pipe).and_then(|mut pipe| pipe.write_all(b"looked")).is_ok();
    let (output, looked) = watched(&file, run, look);
    assert_eq!((output.stdout.as_slice(), looked), (&b"looked"[..], Some(true)));
}
