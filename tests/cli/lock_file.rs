//! The lock's place: a directory, a link, read-only, full; and several who write it at once.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};

use crate::support::{GODIRECT, error, same, unprivileged, with_module};

const LOCK: &str = "godirect.lock.json";

#[test]
fn a_directory() {
    let project = with_module();
    fs::create_dir(project.root().join(LOCK)).unwrap();
    for arguments in [&["lock"][..], &["lock", "--check"], &["generate"], &["build"]] {
        project.fails(arguments, 3, "error: failed to read godirect.lock.json: Is a directory (os error 21)\n");
    }
    assert!(!project.path("cache").exists(), "nothing is fetched that can't be kept");
}

#[test]
fn a_link() {
    let project = with_module();
    let elsewhere = project.path("elsewhere.json");
    fs::write(&elsewhere, "{}").unwrap();
    symlink(&elsewhere, project.root().join(LOCK)).unwrap();
    project.succeeds(&["lock"]);
    assert!(project.root().join(LOCK).is_file() && !project.root().join(LOCK).is_symlink());
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "{}", "a file elsewhere is not this repository's to change");
    // A link that fits is as good as a file.
    fs::rename(project.root().join(LOCK), &elsewhere).unwrap();
    symlink(&elsewhere, project.root().join(LOCK)).unwrap();
    assert_eq!(project.succeeds(&["lock"]), "fresh    godirect.lock.json\n");
    assert!(project.root().join(LOCK).is_symlink());
}

#[test]
fn read_only() {
    let project = with_module();
    project.succeeds(&["lock"]);
    let mode = |path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    mode(project.path(""), 0o755);
    mode(project.root(), 0o555);
    let run = |arguments: &[&str]| project.ran(unprivileged(&project, arguments).output().unwrap());
    let ran = run(&["lock"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "fresh    godirect.lock.json\n"), "nothing to write is no error");
    // The module is needed no more, which needs nothing from outside.
    project.write("main.go", "package main\n\nfunc main() {}\n");
    let before = project.read(LOCK);
    let ran = run(&["lock", "--check"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), "removed  a.example/m  v1.0.0\n"));
    let ran = run(&["lock"]);
    mode(project.root(), 0o755);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(3), ""));
    let help = "the lock is written next to the spec, whose directory must be writable and have space";
    same(&error("failed to write godirect.lock.json: permission denied", help), &ran.stderr);
    assert_eq!(project.read(LOCK), before);
}

#[test]
fn a_full_disk() {
    let project = with_module();
    project.succeeds(&["lock"]);
    project.write("main.go", "package main\n\nfunc main() {}\n");
    let before = project.read(LOCK);
    assert!(before.len() > 2048);
    let mut command = Command::new("bash");
    // No file may become larger than a kilobyte; the write fails as it does where there is no space.
    command.args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" lock", GODIRECT]);
    let ran = project.ran(command.current_dir(project.root()).env_clear().envs(&project.env).output().unwrap());
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(3), ""));
    let help = "the lock is written next to the spec, whose directory must be writable and have space";
    same(&error("failed to write godirect.lock.json: File too large (os error 27)", help), &ran.stderr);
    assert_eq!(project.read(LOCK), before);
    let names: Vec<_> = fs::read_dir(project.root()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| !name.to_str().unwrap().starts_with('.')), "{names:?}");
}

#[test]
fn several_at_once() {
    let project = with_module();
    let expected = {
        project.succeeds(&["lock"]);
        project.read(LOCK)
    };
    for _ in 0..3 {
        fs::remove_file(project.root().join(LOCK)).unwrap();
        fs::remove_dir_all(project.path("cache")).unwrap();
        let start = |_| project.command(&["lock"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let children: Vec<_> = (0..4).map(start).collect();
        for child in children {
            let ran = project.ran(child.wait_with_output().unwrap());
            assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{}", ran.stdout);
        }
        assert_eq!(project.read(LOCK), expected);
        assert_eq!(project.succeeds(&["lock", "--check"]), "fresh    godirect.lock.json\n");
    }
}
