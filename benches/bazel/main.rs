//! `bazel build` with `rules_go_direct` side by side with `go build` of the pinned SDK, with rules_go, and with all of std as one action.
//!
//! ```sh
//! cargo bench --bench bazel          # the tables of docs/benchmarks.md; three rounds, seven of a cold hello
//! cargo bench --bench bazel -- 7     # more rounds
//! ```
//!
//! Bazel's server runs before each round, and has fetched all that the build needs; there is no disk cache. Rounds alternate, so that what
//! else the machine does hits both. CPU time of Bazel is that of its server with all actions, of Go that of the program with all that it
//! starts.

#[path = "../support/cost.rs"]
mod cost;
#[path = "../../tests/support/engines.rs"]
#[allow(dead_code)]
mod engines;
#[path = "../support/programs.rs"]
mod programs;
mod rulesets;
#[path = "std.rs"]
mod standard;
mod workspace;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use cost::{Cost, medians, row};
use serde_json::Value;
use workspace::{Ruleset, Workspace};

const ROUNDS: usize = 3;
/// How many packages the module has that is built where std is.
const BUILT: usize = 500;
/// How many packages the module has whose analysis is measured.
const ANALYSED: usize = 2000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Program {
    Go,
    Bazel,
}

/// A workspace that both programs build.
struct Bench {
    workspace: Workspace,
}

impl Bench {
    fn new(name: &str, files: &[(String, String)]) -> Bench {
        Bench::with(name, Ruleset::Direct, files)
    }

    fn with(name: &str, ruleset: Ruleset, files: &[(String, String)]) -> Bench {
        let bench = Bench { workspace: Workspace::new(name, ruleset, files) };
        // What is downloaded isn't measured.
        bench.run(Program::Go, &[]);
        bench.run(Program::Bazel, &["--nobuild"]);
        bench
    }

    /// Builds with both programs, so that nothing is left to do for either.
    fn build(&self) {
        for program in [Program::Go, Program::Bazel] {
            self.run(program, &[]);
        }
    }

    /// Empties what was built, and keeps what was downloaded.
    fn forget(&self) {
        self.workspace.forget_go();
        self.bazel(&["clean"]);
    }

    fn bazel(&self, arguments: &[&str]) -> String {
        self.workspace.bazel(arguments)
    }

    fn run(&self, program: Program, flags: &[&str]) -> Cost {
        match program {
            Program::Go => Cost::of(&mut self.workspace.go_build()),
            Program::Bazel => self.run_bazel(flags),
        }
    }

    fn run_bazel(&self, flags: &[&str]) -> Cost {
        self.run_targets(&[&["--disk_cache="], flags, &["//..."]].concat())
    }

    fn run_targets(&self, arguments: &[&str]) -> Cost {
        // This starts the server, if there is none.
        let server = self.bazel(&["info", "server_pid"]);
        let before = cpu_of(server.trim_end());
        let begin = Instant::now();
        self.bazel(&[&["build"], arguments].concat());
        let time = begin.elapsed();
        Cost { time, cpu: cpu_of(server.trim_end()) - before }
    }

    /// The medians of both programs; `prepare` comes before each run.
    fn measure(&self, rounds: usize, flags: &[&str], mut prepare: impl FnMut(usize)) -> [Cost; 2] {
        medians(rounds, |index, before| {
            prepare(before);
            self.run([Program::Go, Program::Bazel][index], flags)
        })
    }
}

/// What a process has used until now, with the children that it has waited for.
fn cpu_of(pid: &str) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("a running server");
    // The name of the program, in parentheses, may have spaces.
    let (_, fields) = stat.rsplit_once(") ").expect("a name in parentheses");
    let ticks: u64 = fields.split(' ').skip(11).take(4).map(|field| field.parse::<u64>().expect("a number of ticks")).sum();
    // The kernel counts a hundred ticks a second for programs, on all platforms of Linux that Bazel runs on.
    Duration::from_millis(10 * ticks)
}

fn main() {
    let rounds = cost::rounds(ROUNDS);
    println!("| | `go build` | CPU | `bazel build` | CPU | time | CPU |\n|---|---:|---:|---:|---:|---:|---:|");
    let hello = hello(rounds);
    let large = large(rounds);
    packages(rounds);
    analysis(rounds);
    println!(
        "\n| | known actions | compilations of them | inputs of a compilation, mean | median | most |\n|---|---:|---:|---:|---:|---:|"
    );
    actions("hello with net/http", &hello);
    actions("large program", &large);
    println!("\n| | rules_go | CPU | rules_go_direct | CPU | time | CPU |\n|---|---:|---:|---:|---:|---:|---:|");
    rulesets::compare(rounds);
    standard::compare(rounds, &hello);
    for bench in [hello, large] {
        bench.bazel(&["shutdown"]);
    }
}

fn hello(rounds: usize) -> Bench {
    let bench = Bench::new("bench-hello", &programs::hello());
    // Short enough for a server that is still new in its first rounds to show.
    let cold = 2 * rounds + 1;
    row("hello with net/http, nothing built before", bench.measure(cold, &[], |_| bench.forget()));
    bench.build();
    row("hello with net/http, nothing changed", bench.measure(5 * rounds, &[], |_| ()));
    bench
}

fn large(rounds: usize) -> Bench {
    let bench = Bench::new("bench-large", &programs::large());
    row("large program, nothing built before", bench.measure(rounds, &[], |_| bench.forget()));
    bench.build();
    row("large program, nothing changed", bench.measure(5 * rounds, &[], |_| ()));
    let edit = |run: usize| programs::write(bench.workspace.root(), "leaf/leaf.go", &programs::leaf(run + 1));
    row("large program, the body of a leaf's function changed", bench.measure(rounds, &[], edit));
    bench
}

/// All packages have changed, so that they are built, and nothing of std; by the server that runs, and by a new one, whose own part is what it
/// takes where nothing changed.
fn packages(rounds: usize) {
    let bench = Bench::new("bench-built", &programs::packages(BUILT, 0));
    bench.build();
    row(&format!("{BUILT} packages changed, std is built"), bench.measure(rounds, &[], |run| change_all(&bench, run + 1)));
    let by_new_server = |run: usize| {
        change_all(&bench, 2 * rounds + run + 1);
        bench.bazel(&["shutdown"]);
    };
    row(&format!("{BUILT} packages changed, std is built, new server"), bench.measure(rounds, &[], by_new_server));
    bench.build();
    let costs = bench.measure(rounds, &[], |_| drop(bench.bazel(&["shutdown"])));
    row(&format!("{BUILT} packages, nothing changed, new server"), costs);
    bench.bazel(&["shutdown"]);
}

/// Gives all packages of the module another body.
fn change_all(bench: &Bench, version: usize) {
    for (path, text) in programs::packages(BUILT, version) {
        programs::write(bench.workspace.root(), &path, &text);
    }
}

/// A new server reads and analyses everything; the go command has built everything before, and finds that out.
fn analysis(rounds: usize) {
    let bench = Bench::new("bench-packages", &programs::packages(ANALYSED, 0));
    let costs = bench.measure(rounds, &["--nobuild"], |_| drop(bench.bazel(&["shutdown"])));
    row(&format!("{ANALYSED} packages, only analysed by a new server"), costs);
    bench.bazel(&["shutdown"]);
}

/// How many actions Bazel knows for a program, all packages of std among them, and how many inputs those have that compile.
fn actions(name: &str, bench: &Bench) {
    let printed = bench.bazel(&["aquery", "--output=jsonproto", "deps(//...)"]);
    let graph: Value = serde_json::from_str(&printed).expect("JSON of Bazel");
    let list = |name: &str| graph[name].as_array().expect("a list").iter();
    let sets: BTreeMap<u64, &Value> = list("depSetOfFiles").map(|set| (id(&set["id"]), set)).collect();
    let is_go = |action: &&Value| action["mnemonic"].as_str().is_some_and(|mnemonic| mnemonic.starts_with("Go"));
    let compilations = || list("actions").filter(|action| action["mnemonic"] == "GoCompile");
    let mut inputs: Vec<usize> = compilations().map(|action| count(&action["inputDepSetIds"], &sets)).collect();
    inputs.sort_unstable();
    println!(
        "| {name} | {} | {} | {:.0} | {} | {} |",
        list("actions").filter(is_go).count(),
        inputs.len(),
        inputs.iter().sum::<usize>() as f64 / inputs.len() as f64,
        inputs[inputs.len() / 2],
        inputs[inputs.len() - 1]
    );
}

fn id(value: &Value) -> u64 {
    value.as_u64().expect("an id")
}

/// How many files there are in sets that have others in them.
fn count(roots: &Value, sets: &BTreeMap<u64, &Value>) -> usize {
    let ids = |value: &Value| value.as_array().into_iter().flatten().map(id).collect::<Vec<_>>();
    let (mut files, mut seen, mut todo) = (BTreeSet::new(), BTreeSet::new(), ids(roots));
    while let Some(set) = todo.pop() {
        if seen.insert(set) {
            files.extend(ids(&sets[&set]["directArtifactIds"]));
            todo.extend(ids(&sets[&set]["transitiveDepSetIds"]));
        }
    }
    files.len()
}
