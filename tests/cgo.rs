//! Programs and libraries with C code: the same bytes as from `go build` with the same C compiler, rebuilt when anything that a
//! compiler read has changed, and what is refused.

#[allow(dead_code)] // Other tests use the rest.
#[path = "support/cli.rs"]
mod cli;

#[path = "cgo/bytes.rs"]
mod bytes;
#[path = "cgo/flags.rs"]
mod flags;
#[path = "cgo/includes.rs"]
mod includes;
#[path = "cgo/inputs.rs"]
mod inputs;
#[path = "cgo/refused.rs"]
mod refused;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use cli::{GOROOT, Project, provisioned, read_tree, repository};

/// The C compiler; one that is missing is installed.
static CC: LazyLock<PathBuf> = LazyLock::new(|| provisioned("c.sh"));

/// The programs with C code of the matrix in all profiles, locked, with the machine's compilers and the user's cache.
fn project() -> Project {
    let directory = tempfile::tempdir().unwrap();
    let project = Project::in_directory(directory, read_tree(&repository("tests/matrix/rows/c"))).with_user_cache();
    project.write("godirect.star", include_str!("cgo/godirect.star"));
    let pkg_config = project.root().join("pc").display().to_string();
    let project = with_compilers(project).env("PKG_CONFIG_PATH", pkg_config);
    project.succeeds(&["lock"]);
    project
}

/// With the compilers on PATH.
fn with_compilers(project: Project) -> Project {
    assert!(CC.exists());
    project.env("PATH", std::env::var("PATH").unwrap())
}

/// The pinned SDK's go command, offline and with nothing of the user's settings but where compilers are.
fn go(project: &Project) -> Command {
    let mut command = Command::new(GOROOT.join("bin/go"));
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cgo-go");
    command.env_clear().envs(&project.env).current_dir(project.root());
    command.env("GOROOT", &*GOROOT).env("GOPATH", home.join("path")).env("GOCACHE", home.join("cache"));
    command.envs([("GOTOOLCHAIN", "local"), ("GOENV", "off"), ("GOFLAGS", ""), ("GOPROXY", "off"), ("CGO_ENABLED", "1")]);
    command
}

/// Runs a program that must succeed; what it prints.
#[track_caller]
fn printed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{command:?}: {text}");
    text
}
