//! `from_go_mod()` chooses what the go command would switch to.

use std::path::Path;
use std::process::Command;

use godirect::files::Files;
use godirect::module::workspace::Workspace;

use crate::support::GOROOT;

/// What the pinned go command says in a directory, when it could be any newer one.
fn go(directory: &Path, toolchain: &str, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(GOROOT.join("bin/go"));
    command.args(arguments).current_dir(directory).env_clear();
    // Nothing is on PATH, so that it stops where it would start another go command, and tells which.
    let env = [("GOENV", "off"), ("GOPROXY", "off"), ("GOFLAGS", ""), ("PATH", "/nonexistent"), ("GOTOOLCHAIN", toolchain)];
    command.envs(env).env("HOME", directory).env("GOROOT", &*GOROOT);
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

/// The toolchain that the go command chooses, if a file decides that: its own default is go1.1 here.
fn chosen_by_go(directory: &Path) -> Option<String> {
    let (ran, said) = go(directory, "go1.1+path", &["version"]);
    let name = match ran {
        true => said.split(' ').nth(2),
        false => said.split('"').nth(1),
    };
    let name = name.unwrap_or_else(|| panic!("{said}"));
    if name == "go1.1" { None } else { Some(name.to_owned()) }
}

fn chosen_by_us(directory: &Path) -> Option<String> {
    let wanted = Workspace::load(&Files::default(), directory).unwrap().wanted_sdk()?;
    // A toolchain line is a name already.
    let version = if wanted.line.starts_with("toolchain") { wanted.version } else { wanted.version.toolchain() };
    Some(format!("go{version}"))
}

const GO: [&str; 13] =
    ["", "1.9", "1.17", "1.20", "1.20.5", "1.21", "1.21.0", "1.27", "1.27rc1", "1.27.0", "1.27.3", "1.27.4", "1.28rc1"];
const TOOLCHAIN: [&str; 13] = [
    "",
    "default",
    "go1.20.1",
    "go1.21",
    "go1.21.0",
    "go1.26.10",
    "go1.27.3",
    "go1.27.3-custom",
    "go1.27.4-a.b-c",
    "go1.28",
    "go1.28beta1",
    "go1.28rc1",
    "go1.28.0",
];

/// The lines of a go.mod or go.work.
fn lines(go: &str, toolchain: &str) -> String {
    let line = |verb: &str, value: &str| if value.is_empty() { String::new() } else { format!("{verb} {value}\n") };
    line("go", go) + &line("toolchain", toolchain)
}

#[test]
fn go_mod_chooses_the_toolchain_of_the_go_command() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    for go in GO {
        for toolchain in TOOLCHAIN {
            std::fs::write(directory.join("go.mod"), format!("module m.example\n{}", lines(go, toolchain))).unwrap();
            let expected = match toolchain {
                // Then the go command takes its own, which we have none of: the go line is what is left.
                "default" => chosen_by_us_without_toolchain(go),
                _ => chosen_by_go(directory),
            };
            assert_eq!(chosen_by_us(directory), expected, "go {go}, toolchain {toolchain}");
        }
    }
}

/// What the same file would choose without its toolchain line.
fn chosen_by_us_without_toolchain(go: &str) -> Option<String> {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("go.mod"), format!("module m.example\n{}", lines(go, ""))).unwrap();
    let chosen = chosen_by_us(directory.path());
    assert_eq!(chosen, chosen_by_go(directory.path()));
    chosen
}

#[test]
fn of_a_workspace_only_go_work_chooses() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    std::fs::create_dir(directory.join("m")).unwrap();
    for (go, toolchain) in [("", ""), ("1.27", ""), ("1.27.1", "go1.27.4"), ("1.26", "go1.25.1"), ("", "go1.28.0")] {
        for module in [lines("", ""), lines("1.17", ""), lines("1.18", "go1.29.0")] {
            std::fs::write(directory.join("go.work"), lines(go, toolchain) + "use ./m\n").unwrap();
            std::fs::write(directory.join("m/go.mod"), format!("module m.example\n{module}")).unwrap();
            assert_eq!(chosen_by_us(directory), chosen_by_go(directory), "go {go}, toolchain {toolchain}, module {module}");
        }
    }
}

#[test]
fn a_go_work_that_is_too_old_is_refused_where_the_go_command_refuses_it() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    std::fs::create_dir(directory.join("m")).unwrap();
    let mut refused = 0;
    for work in ["", "1.18", "1.20", "1.21", "1.21.0", "1.27rc1", "1.27.0", "1.27.3"] {
        for module in ["", "1.17", "1.20", "1.20.5", "1.21", "1.21.0", "1.27", "1.27.1", "1.27.3"] {
            std::fs::write(directory.join("go.work"), lines(work, "") + "use ./m\n").unwrap();
            std::fs::write(directory.join("m/go.mod"), format!("module m.example\n{}", lines(module, ""))).unwrap();
            let (accepted, said) = go(directory, "local", &["list", "-m"]);
            let ours = Workspace::load(&Files::default(), directory);
            assert_eq!(ours.is_ok(), accepted, "go.work {work}, go.mod {module}: {said}");
            if let Err(error) = ours {
                // Its sentence but for the name of the directory instead of that of the file.
                let sentence = error.message().replace("m/go.mod requires", "module m listed in go.work file requires");
                assert!(said.contains(&sentence), "{said}\n{sentence}");
                refused += 1;
            }
        }
    }
    assert!(refused > 10);
}
