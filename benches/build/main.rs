//! `godirect build` side by side with `go build` of the pinned SDK.
//!
//! ```sh
//! cargo bench --bench build          # the table of docs/benchmarks.md; three rounds
//! cargo bench --bench build -- 7     # more rounds
//! ```
//!
//! The large program is `large`, with 120 packages of its own that all import a leaf; modules are fetched once through the user's GOPROXY.
//! Rounds alternate, so that what else the machine does hits both. CPU time is that of the program and of all that it starts.

#[path = "../../tests/support/cli.rs"]
#[allow(dead_code)]
mod support;

#[path = "../support/cost.rs"]
mod cost;
#[path = "../support/programs.rs"]
#[allow(dead_code)]
mod programs;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use cost::{Cost, medians, row};
use support::{GODIRECT, GOROOT};

const ROUNDS: usize = 3;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Program {
    Go,
    Godirect,
}

/// A repository, with caches of both programs that have nothing but downloads.
struct Bench {
    directory: tempfile::TempDir,
}

impl Bench {
    fn new(files: &[(String, String)]) -> Bench {
        let bench = Bench { directory: tempfile::tempdir().expect("a temporary directory") };
        for (path, text) in files {
            programs::write(&bench.root(), path, text);
        }
        programs::write(&bench.root(), "godirect.star", "go_sdk(version = \"1.27.3\")\n\nplatforms(\"linux/amd64\")\n");
        let status = Command::new(GODIRECT).arg("lock").current_dir(bench.root()).stdout(Stdio::null()).status();
        assert!(status.expect("godirect").success(), "godirect lock");
        // What Go needs besides is fetched by its first build, which is not measured.
        bench.forget();
        bench.run(Program::Go);
        bench.forget();
        bench
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("repository")
    }

    /// Empties what was built, and keeps what was downloaded.
    fn forget(&self) {
        for name in ["go-build", "cache"] {
            let path = self.directory.path().join(name);
            if path.exists() {
                fs::remove_dir_all(&path).expect("a writable directory");
            }
            fs::create_dir_all(&path).expect("a writable directory");
        }
        let users = GOROOT.ancestors().nth(2).expect("a cache around the SDK");
        for downloaded in ["sdk", "mod", "download"] {
            fs::create_dir_all(users.join(downloaded)).expect("a writable cache");
            let link = self.directory.path().join("cache").join(downloaded);
            std::os::unix::fs::symlink(users.join(downloaded), link).expect("a writable directory");
        }
        let _ = fs::remove_dir_all(self.root().join("godirect-out"));
        let _ = fs::remove_file(self.root().join("go-out"));
    }

    fn command(&self, program: Program, root: &Path) -> Command {
        let path = |name: &str| self.directory.path().join(name);
        if program == Program::Godirect {
            let mut command = Command::new(GODIRECT);
            command.arg("build").current_dir(root).env("GODIRECT_CACHE", path("cache"));
            return command;
        }
        let mut command = Command::new(GOROOT.join("bin/go"));
        command.current_dir(root).env("GOROOT", &*GOROOT).env("GOCACHE", path("go-build"));
        command.envs([("GOTOOLCHAIN", "local"), ("GOENV", "off"), ("GOFLAGS", ""), ("CGO_ENABLED", "0")]);
        command.args(["build", "-trimpath", "-buildvcs=false", "-ldflags=-buildid=", "-o", "go-out", "."]);
        command
    }

    fn run(&self, program: Program) -> Cost {
        self.run_in(program, &self.root())
    }

    fn run_in(&self, program: Program, root: &Path) -> Cost {
        Cost::of(self.command(program, root).stdout(Stdio::null()))
    }

    /// The medians of both programs; `prepare` comes before each run.
    fn measure(&self, rounds: usize, mut prepare: impl FnMut(usize), run: impl Fn(Program) -> Cost) -> [Cost; 2] {
        medians(rounds, |index, before| {
            prepare(before);
            run([Program::Go, Program::Godirect][index])
        })
    }
}

fn main() {
    let rounds = cost::rounds(ROUNDS);
    println!("| | `go build` | CPU | `godirect build` | CPU | time | CPU |\n|---|---:|---:|---:|---:|---:|---:|");
    large(rounds);
    hello(rounds);
}

fn large(rounds: usize) {
    let bench = Bench::new(&programs::large());
    row("large program, nothing built before", bench.measure(rounds, |_| bench.forget(), |program| bench.run(program)));
    for program in [Program::Go, Program::Godirect] {
        bench.run(program);
    }
    // What was written within the last two seconds is read again.
    std::thread::sleep(Duration::from_secs(3));
    bench.run(Program::Godirect);
    row("large program, nothing changed", bench.measure(5 * rounds, |_| (), |program| bench.run(program)));
    let edit = |run: usize| programs::write(&bench.root(), "leaf/leaf.go", &programs::leaf(run + 1));
    let edited = bench.measure(5 * rounds, edit, |program| bench.run(program));
    row("large program, the body of a leaf's function changed", edited);
}

fn hello(rounds: usize) {
    let bench = Bench::new(&programs::hello());
    row("hello with net/http, nothing built before", bench.measure(rounds, |_| bench.forget(), |program| bench.run(program)));
    for program in [Program::Go, Program::Godirect] {
        bench.run(program);
    }
    let other = bench.directory.path().join("second");
    let checkout = |_: usize| {
        let _ = fs::remove_dir_all(&other);
        fs::create_dir(&other).expect("a writable directory");
        for name in ["go.mod", "godirect.star", "godirect.lock.json", "main.go"] {
            fs::copy(bench.root().join(name), other.join(name)).expect("a file of the repository");
        }
    };
    let costs = bench.measure(5 * rounds, checkout, |program| bench.run_in(program, &other));
    row("hello with net/http, in a second checkout", costs);
}
