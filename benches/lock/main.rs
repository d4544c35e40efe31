//! `godirect lock` side by side with `go mod download`, with the same modules in the same state of the cache.
//!
//! ```sh
//! cargo bench --bench lock             # a table as in docs/benchmarks.md
//! cargo bench --bench lock -- 21       # with as many rounds, instead of 7
//! cargo bench --bench lock -- 7 serve  # serves the modules on a port, for a profiler
//! ```
//!
//! The modules are real ones, fetched and verified once through the user's GOPROXY; then both programs get them from one server on
//! the loopback interface. Rounds alternate, so that what else the machine does hits both. Godirect also unpacks the packages'
//! files, makes Nix's hash of each module and reads all the packages; `go mod download` only unpacks.

#[path = "../../tests/support/cli.rs"]
#[allow(dead_code)]
mod support;

mod server;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use godirect::digest::Sha256;
use godirect::platform::OsArch;
use server::Server;
use support::{GODIRECT, GOROOT, Tree, read_tree, repository, zip};

const PROJECTS: [usize; 2] = [300, 500];
const ROUNDS: usize = 7;

/// What is there when a program is started.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// No module, no lock.
    Cold,
    /// All modules, no lock.
    Warm,
    /// All modules, and the lock that the program made before.
    Unchanged,
}

impl State {
    fn title(self) -> &'static str {
        match self {
            State::Cold => "cold cache",
            State::Warm => "warm cache, no lock",
            State::Unchanged => "nothing new",
        }
    }
}

/// A project's directory with a cache for each program.
struct Bench<'a> {
    directory: PathBuf,
    server: &'a Server,
    /// A cache that has the SDK, and nothing else.
    with_sdk: &'a Path,
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|a| a != "--bench");
    let rounds = arguments.next().map_or(ROUNDS, |text| text.parse().expect("a number of rounds"));
    let serve = arguments.next().is_some_and(|text| text == "serve");
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench");
    let gopath = root.join("gopath");
    for count in PROJECTS {
        eprintln!("fetching what is missing of {count} modules");
        run(go(&project_files(count), &gopath));
    }
    let server = Server::start(gopath.join("pkg/mod/cache/download"));
    let spec = spec(&root);
    let with_sdk = cache_with_sdk(&root, &spec);
    let benches = PROJECTS.map(|count| {
        let directory = root.join(format!("modules-{count}"));
        prepare(&directory, count, &spec);
        (count, Bench { directory, server: &server, with_sdk: &with_sdk })
    });
    if serve {
        println!("GOPROXY={}", server.url);
        for (_, bench) in &benches {
            bench.reset();
            println!("{}", bench.directory.display());
        }
        loop {
            std::thread::park();
        }
    }
    println!("| modules | state | `godirect lock` | requests | `go mod download` | requests | ratio |");
    println!("|---:|---|---:|---:|---:|---:|---:|");
    for (count, bench) in &benches {
        for state in [State::Cold, State::Warm, State::Unchanged] {
            let (ours, theirs) = bench.measure(state, rounds);
            let ratio = theirs.median.as_secs_f64() / ours.median.as_secs_f64();
            println!("| {count} | {} | {ours} | {theirs} | {ratio:.1}× |", state.title());
        }
    }
}

/// The times of one program, and the requests of its last round.
struct Times {
    median: Duration,
    fastest: Duration,
    requests: usize,
}

impl Times {
    fn of(mut rounds: Vec<(Duration, usize)>) -> Times {
        let requests = rounds.last().map_or(0, |(_, requests)| *requests);
        rounds.sort();
        Times { median: rounds[rounds.len() / 2].0, fastest: rounds[0].0, requests }
    }
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let milliseconds = |duration: Duration| duration.as_secs_f64() * 1000.0;
        let (median, fastest) = (milliseconds(self.median), milliseconds(self.fastest));
        write!(f, "{median:.0} ms (min {fastest:.0}) | {}", self.requests)
    }
}

impl Bench<'_> {
    fn lock_file(&self) -> PathBuf {
        self.directory.join("repo/godirect.lock.json")
    }

    fn godirect(&self) -> Command {
        let mut command = clean(GODIRECT, &self.directory.join("home"), &self.server.url);
        command.arg("lock").current_dir(self.directory.join("repo")).env("GODIRECT_CACHE", self.directory.join("cache"));
        command
    }

    fn go_mod_download(&self) -> Command {
        let mut command = go(&self.directory.join("repo"), &self.directory.join("gopath"));
        command.env("GOPROXY", &self.server.url).env("GOSUMDB", "off");
        command
    }

    /// Makes both caches as they are before the first module.
    fn reset(&self) {
        for name in ["cache", "gopath"] {
            remove(&self.directory.join(name));
        }
        // Links: what is in the cache is never written to.
        run_program("cp", &["-al".as_ref(), self.with_sdk, &self.directory.join("cache")]);
        let _ = fs::remove_file(self.lock_file());
    }

    fn measure(&self, state: State, rounds: usize) -> (Times, Times) {
        if state != State::Cold {
            self.reset();
            run(self.godirect());
            run(self.go_mod_download());
        }
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            eprintln!("{}, {}: round {} of {rounds}", self.directory.display(), state.title(), round + 1);
            match state {
                State::Cold => self.reset(),
                State::Warm => fs::remove_file(self.lock_file()).expect("the lock was made"),
                State::Unchanged => {}
            }
            for godirect in if round % 2 == 0 { [true, false] } else { [false, true] } {
                let command = if godirect { self.godirect() } else { self.go_mod_download() };
                let before = self.server.requests();
                let begin = Instant::now();
                run(command);
                let took = (begin.elapsed(), self.server.requests() - before);
                if godirect { &mut ours } else { &mut theirs }.push(took);
            }
        }
        (Times::of(ours), Times::of(theirs))
    }
}

fn project_files(count: usize) -> PathBuf {
    repository("benches/lock").join(format!("modules-{count}"))
}

/// Copies a project and adds the spec.
fn prepare(directory: &Path, count: usize, spec: &str) {
    let repo = directory.join("repo");
    remove(&repo);
    for path in [&repo, &directory.join("home")] {
        fs::create_dir_all(path).expect("a writable directory");
    }
    for (name, content) in read_tree(&project_files(count)) {
        fs::write(repo.join(name), content).expect("a writable directory");
    }
    fs::write(repo.join("godirect.star"), spec).expect("a writable directory");
}

/// A spec whose SDK is an archive of the pinned one's sources: nobody has to be asked for it or about it.
fn spec(root: &Path) -> String {
    let version = fs::read_to_string(GOROOT.join("VERSION")).expect("an SDK");
    let wanted = |path: &str| !path.ends_with("_test.go") && !path.contains("testdata/");
    let files: Tree = read_tree(&GOROOT.join("src"))
        .into_iter()
        .filter(|(path, _)| wanted(path))
        .map(|(path, content)| (format!("go/src/{path}"), content))
        .chain([("go/VERSION".to_owned(), version.clone().into_bytes())])
        .collect();
    let archive = zip(&files);
    let path = root.join("sdk.zip");
    fs::write(&path, &archive).expect("a writable directory");
    let (sha256, url) = (Sha256::of(&archive), format!("file://{}", path.display()));
    let host = OsArch::host().expect("a platform of Go");
    let version = version.lines().next().and_then(|line| line.strip_prefix("go")).expect("a release");
    format!(
        "go_sdk(\n    version = \"{version}\",\n    source = archive(urls = {{\"{host}\": [\"{url}\"]}}, \
         sha256 = {{\"{host}\": \"{sha256}\"}}),\n)\n\n\
         platforms(\"{host}\")\n\nnix()\n"
    )
}

/// Locks a project without modules, which leaves the SDK in its cache.
fn cache_with_sdk(root: &Path, spec: &str) -> PathBuf {
    let (repo, cache) = (root.join("empty"), root.join("cache-with-sdk"));
    for path in [&repo, &cache] {
        remove(path);
        fs::create_dir_all(path).expect("a writable directory");
    }
    for (name, content) in [
        ("godirect.star", spec),
        ("go.mod", "module empty.example\n\ngo 1.27\n"),
        ("main.go", "package main\n\nfunc main() {}\n"),
    ] {
        fs::write(repo.join(name), content).expect("a writable directory");
    }
    let mut command = clean(GODIRECT, root, "off");
    command.arg("lock").current_dir(&repo).env("GODIRECT_CACHE", &cache);
    run(command);
    cache
}

/// `go mod download` of the pinned SDK.
fn go(directory: &Path, gopath: &Path) -> Command {
    let proxy = std::env::var("GOPROXY").unwrap_or_default();
    let mut command = clean(GOROOT.join("bin/go"), gopath, &proxy);
    command.args(["mod", "download"]).current_dir(directory);
    command.env("GOROOT", &*GOROOT).env("GOPATH", gopath).env("GOCACHE", gopath.join("build"));
    command.envs([("GOTOOLCHAIN", "local"), ("GOFLAGS", "-modcacherw"), ("GOWORK", "off")]);
    command
}

/// A program in an environment with what the network needs.
fn clean(program: impl AsRef<std::ffi::OsStr>, home: &Path, goproxy: &str) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("HOME", home).env("GOENV", "off").env("GOPROXY", goproxy);
    for name in ["PATH", "HTTPS_PROXY", "https_proxy", "SSL_CERT_FILE"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    command
}

fn run_program(program: &str, arguments: &[&Path]) {
    let mut command = Command::new(program);
    command.args(arguments);
    run(command);
}

fn run(mut command: Command) {
    let output = command.output().expect("a program that can be started");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

fn remove(directory: &Path) {
    if directory.exists() {
        fs::remove_dir_all(directory).expect("a writable directory");
    }
}
