//! Modules whose files are in the repository, by `replace` and in vendor/, and what else go.mod says: the same bytes as from
//! `go build`, and what is refused.

#[path = "support/engines.rs"]
#[allow(dead_code)] // Other tests use the rest.
mod engines;

#[path = "local/directives.rs"]
mod directives;
#[path = "local/replace.rs"]
mod replace;
#[path = "local/updates.rs"]
mod updates;
#[path = "local/vendor.rs"]
mod vendor;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// What every project here says: the oracle is the go command of this version.
const SPEC: &str = "go_sdk(version = \"1.27.3\")\nplatforms(\"linux/amd64\")\nnix()\nbazel()\n";

/// A project in a temporary directory.
struct Project(TempDir);

impl Project {
    fn new(files: &[(&str, &str)]) -> Project {
        let project = Project(tempfile::tempdir().unwrap());
        fs::create_dir(project.root()).unwrap();
        project.write("godirect.star", SPEC);
        files.iter().for_each(|(path, text)| project.write(path, text));
        project
    }

    /// It has a parent of its own, so that `..` leads somewhere.
    fn root(&self) -> std::path::PathBuf {
        self.0.path().join("repo")
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).unwrap()
    }

    /// Replaces `from`, which must be there once.
    fn edit(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert_eq!(text.matches(from).count(), 1, "`{from}` in {path}");
        self.write(path, &text.replace(from, to));
    }

    fn run(&self, arguments: &[&str]) -> Output {
        engines::godirect().arg("-C").arg(self.root()).args(arguments).output().unwrap()
    }

    #[track_caller]
    fn succeeds(&self, arguments: &[&str]) -> String {
        engines::succeeded(&format!("godirect {}", arguments.join(" ")), &self.run(arguments))
    }

    /// Runs what must fail with this exit code, message and advice.
    #[track_caller]
    fn fails(&self, arguments: &[&str], code: i32, message: &str, help: &str) {
        let output = self.run(arguments);
        let stderr = String::from_utf8(output.stderr).unwrap().replace(&self.root().display().to_string(), "$DIR");
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
        let line = |start: &str| stderr.lines().find_map(|line| line.strip_prefix(start)).map(str::to_owned);
        let found = (line("error: "), line("help: "));
        assert_eq!(found, (Some(message.to_owned()), Some(help.to_owned())), "{stderr}");
    }

    /// What the go command says, which must fail.
    #[track_caller]
    fn go(&self, arguments: &[&str]) -> String {
        let output = go(&self.root()).args(arguments).output().unwrap();
        assert!(!output.status.success(), "go {arguments:?} succeeded");
        String::from_utf8(output.stderr).unwrap()
    }

    /// Locks, builds, and compares the binary with that of `go build`, run in the module's directory.
    #[track_caller]
    fn is_the_same_from_go(&self, module: &str, package: &str, name: &str) {
        self.succeeds(&["lock"]);
        self.succeeds(&["build"]);
        self.compare(module, package, name);
    }

    #[track_caller]
    fn compare(&self, module: &str, package: &str, name: &str) {
        let go = self.0.path().join("from-go");
        engines::go_build(&self.root().join(module), package, &[], &go);
        let built = self.root().join("godirect-out/linux_amd64").join(name);
        let differ = fs::read(&go).unwrap() != fs::read(&built).unwrap();
        assert!(!differ, "{name} differs from what go builds:\n{}\n{}", build_info(&go), build_info(&built));
    }
}

/// The pinned go command, offline and with nothing of the user's settings.
fn go(directory: &Path) -> Command {
    let mut command = Command::new(engines::GOROOT.join("bin/go"));
    command.current_dir(directory).env("GOROOT", &*engines::GOROOT);
    command.env("GOPATH", engines::CACHE.join("go/path")).env("GOCACHE", engines::CACHE.join("go/cache"));
    command.envs([("GOTOOLCHAIN", "local"), ("GOENV", "off"), ("GOFLAGS", ""), ("GOPROXY", "off"), ("CGO_ENABLED", "0")]);
    command
}

/// The go command with what its cache lacks from the module proxy.
fn online(directory: &Path, arguments: &[&str]) {
    let mut command = go(directory);
    command.env_remove("GOPROXY").env("GONOSUMDB", "*");
    command.envs(std::env::var_os("GOPROXY").map(|value| ("GOPROXY", value)));
    engines::succeeded(&format!("go {}", arguments.join(" ")), &command.args(arguments).output().unwrap());
}

/// What `go version -m` shows of a binary.
fn build_info(binary: &Path) -> String {
    let mut command = go(Path::new("."));
    engines::succeeded("go version", &command.args(["version", "-m"]).arg(binary).output().unwrap())
}
