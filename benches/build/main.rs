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

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use support::{GODIRECT, GOROOT, repository};
use wait4::Wait4;

const ROUNDS: usize = 3;
/// How many packages import the leaf.
const DEPENDENTS: usize = 120;

/// What one run took.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Cost {
    time: Duration,
    cpu: Duration,
}

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
            bench.write(path, text);
        }
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

    fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().expect("a file's directory")).expect("a writable directory");
        fs::write(path, text).expect("a writable directory");
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
        let mut command = self.command(program, root);
        let begin = Instant::now();
        let child = command.stdout(Stdio::null()).spawn().expect("a program that can be started");
        let used = child.wait4().expect("a child to wait for");
        let time = begin.elapsed();
        assert!(used.status.success(), "{command:?} failed");
        Cost { time, cpu: used.rusage.utime + used.rusage.stime }
    }

    /// The medians of both programs; `prepare` comes before each run.
    fn measure(&self, rounds: usize, mut prepare: impl FnMut(usize), run: impl Fn(Program) -> Cost) -> [Cost; 2] {
        let mut costs = [Vec::new(), Vec::new()];
        for round in 0..rounds {
            for place in 0..2 {
                let index = (place + round) % 2;
                prepare(2 * round + place);
                costs[index].push(run([Program::Go, Program::Godirect][index]));
            }
        }
        costs.map(|mut costs| {
            costs.sort();
            costs[costs.len() / 2]
        })
    }
}

fn main() {
    let rounds =
        std::env::args().skip(1).find(|a| a != "--bench").map_or(ROUNDS, |text| text.parse().expect("a number of rounds"));
    println!("| | `go build` | CPU | `godirect build` | CPU | time | CPU |\n|---|---:|---:|---:|---:|---:|---:|");
    large(rounds);
    hello(rounds);
}

fn row(name: &str, [go, godirect]: [Cost; 2]) {
    let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
    let (time, cpu) = (godirect.time.as_secs_f64() / go.time.as_secs_f64(), godirect.cpu.as_secs_f64() / go.cpu.as_secs_f64());
    println!(
        "| {name} | {:.0} ms | {:.0} ms | {:.0} ms | {:.0} ms | {time:.2}× | {cpu:.2}× |",
        milliseconds(go.time),
        milliseconds(go.cpu),
        milliseconds(godirect.time),
        milliseconds(godirect.cpu)
    );
}

/// The leaf's text; its function isn't inlined, so that who imports it sees no difference.
fn leaf(value: usize) -> String {
    format!("package leaf\n\n//go:noinline\nfunc Value() int {{ return {value} }}\n")
}

fn large(rounds: usize) {
    let source = repository("benches/build/large");
    let read = |name: &str| (name.to_owned(), fs::read_to_string(source.join(name)).expect("a file of the benchmark"));
    let mut files = vec![read("go.mod"), read("go.sum"), read("main.go"), ("leaf/leaf.go".to_owned(), leaf(0))];
    files.push(("godirect.star".to_owned(), "go_sdk()\n\nplatforms(\"linux/amd64\")\n".to_owned()));
    let (mut imports, mut sum) = (String::new(), String::new());
    for i in 0..DEPENDENTS {
        let text =
            format!("package p{i}\n\nimport \"example.com/large/leaf\"\n\nfunc Value() int {{ return leaf.Value() + {i} }}\n");
        files.push((format!("p{i}/p.go"), text));
        let _ = writeln!(imports, "\t\"example.com/large/p{i}\"");
        let _ = write!(sum, " + p{i}.Value()");
    }
    files.push((
        "all/all.go".to_owned(),
        format!("package all\n\nimport (\n{imports})\n\nfunc Sum() int {{ return 0{sum} }}\n"),
    ));
    let bench = Bench::new(&files);
    row("large program, nothing built before", bench.measure(rounds, |_| bench.forget(), |program| bench.run(program)));
    for program in [Program::Go, Program::Godirect] {
        bench.run(program);
    }
    // What was written within the last two seconds is read again.
    std::thread::sleep(Duration::from_secs(3));
    bench.run(Program::Godirect);
    row("large program, nothing changed", bench.measure(5 * rounds, |_| (), |program| bench.run(program)));
    let edited = bench.measure(5 * rounds, |run| bench.write("leaf/leaf.go", &leaf(run + 1)), |program| bench.run(program));
    row("large program, the body of a leaf's function changed", edited);
}

fn hello(rounds: usize) {
    let main = "package main\n\nimport \"net/http\"\n\nfunc main() { http.ListenAndServe(\":8080\", nil) }\n";
    let files = [
        ("go.mod", "module example.com/hello\n\ngo 1.27\n\ntoolchain go1.27.3\n"),
        ("godirect.star", "go_sdk()\n\nplatforms(\"linux/amd64\")\n"),
        ("main.go", main),
    ];
    let bench = Bench::new(&files.map(|(path, text)| (path.to_owned(), text.to_owned())));
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
