//! `godirect list --deps --test --json` side by side with `go list -deps -test -json`, and how its time and memory grow.
//!
//! ```sh
//! cargo bench --bench list          # tables, CSV files and plots as in docs/benchmarks.md
//! cargo bench --bench list -- 21    # with as many rounds, instead of 7
//! ```
//!
//! The module is the largest one of docs/oracle.md, as its test lists it, for linux/amd64 without cgo. Rounds alternate, so that what
//! else the machine does hits both. Files are in the system's cache, and all modules in those of both programs. What each has learned about
//! them is there (the go command's index, godirect's parse cache), or is put out of the way before each run. godirect also remembers lists that it
//! made: with `edited`, it has to make the list again, as after a change of a file.

#[path = "../../tests/list_oracle/answers.rs"]
#[allow(dead_code)]
mod answers;
#[path = "../../tests/list_oracle/rows.rs"]
#[allow(dead_code)]
mod rows;
#[path = "../../tests/support/cli.rs"]
#[allow(dead_code)]
mod support;
#[path = "../../tests/list_oracle/trees.rs"]
#[allow(dead_code)]
mod trees;

mod plot;
mod synthetic;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use answers::CACHE;
use plot::Plot;
use rows::{PLATFORMS, Role, Row};
use support::repository;
use synthetic::Shape;
use wait4::Wait4;

const ROUNDS: usize = 7;
/// Of a measurement that is one point of a plot.
const ROUNDS_OF_POINT: usize = 3;

/// What one run took.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Cost {
    time: Duration,
    /// The most memory that the process had, in bytes.
    memory: u64,
}

impl Cost {
    fn milliseconds(self) -> f64 {
        self.time.as_secs_f64() * 1000.0
    }

    fn megabytes(self) -> f64 {
        self.memory as f64 / 1e6
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Program {
    Go,
    /// With an empty GOCACHE.
    GoCold,
    /// With an empty parse cache.
    Cold,
    /// With a parse cache, but without the list of the run before.
    Edited,
    Warm,
}

fn main() {
    let _ = fs::remove_dir_all(forgotten());
    let rounds =
        std::env::args().skip(1).find(|a| a != "--bench").map_or(ROUNDS, |text| text.parse().expect("a number of rounds"));
    side_by_side(rounds);
    memory();
    growth_with_packages();
    growth_with_files();
    growth_with_platforms();
    fs::remove_dir_all(forgotten()).expect("what the runs before have made");
}

/// The program's own list of a repository for a platform.
fn command(program: Program, root: &Path, platform: &str) -> Command {
    let (goos, goarch) = platform.split_once('/').expect("GOOS/GOARCH");
    if matches!(program, Program::Go | Program::GoCold) {
        let mut command = answers::go(root, &["list", "-e", "-deps", "-test", "-json", "./..."]);
        command.envs([("GOOS", goos), ("GOARCH", goarch), ("CGO_ENABLED", "0")]);
        return command;
    }
    answers::godirect(root, &["list", "-e", "--deps", "--test", "--json", "--no-cgo", "--platform", platform, "./..."])
}

fn run(program: Program, root: &Path, platform: &str) -> Cost {
    match program {
        Program::Go | Program::Warm => {}
        Program::GoCold => forget(&answers::gocache()),
        Program::Cold => ["parsed", "memo"].iter().for_each(|name| forget(&CACHE.join(name))),
        Program::Edited => forget(&CACHE.join("memo")),
    }
    let mut command = command(program, root, platform);
    let begin = Instant::now();
    let child = command.stdout(Stdio::null()).spawn().expect("a program that can be started");
    let used = child.wait4().expect("a child to wait for");
    let time = begin.elapsed();
    assert!(used.status.success(), "{command:?} failed");
    Cost { time, memory: used.rusage.maxrss }
}

/// Puts a cache out of the way. Removed, its files would cost the next run: ext4 searches for inodes that weren't freed just now.
fn forget(cache: &Path) {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    if cache.exists() {
        let place = forgotten();
        fs::create_dir_all(&place).expect("a writable directory");
        fs::rename(cache, place.join(count.to_string())).expect("a writable cache");
    }
}

fn forgotten() -> PathBuf {
    trees::place("forgotten")
}

/// The median of several runs.
fn median(mut costs: Vec<Cost>) -> Cost {
    costs.sort();
    costs[costs.len() / 2]
}

/// Runs the programs in alternating rounds; gives the median of each.
fn measure<const N: usize>(programs: [Program; N], root: &Path, rounds: usize) -> [Cost; N] {
    let mut costs = [const { Vec::new() }; N];
    for program in programs {
        run(program, root, "linux/amd64");
    }
    for round in 0..rounds {
        for place in 0..N {
            let index = (place + round) % N;
            costs[index].push(run(programs[index], root, "linux/amd64"));
        }
    }
    costs.map(median)
}

fn largest() -> Row {
    let size = |row: &Row| row.packages.parse::<usize>().unwrap_or(0);
    rows::table().into_iter().filter(|row| row.role == Role::Published).max_by_key(size).expect("a table with rows")
}

fn side_by_side(rounds: usize) {
    let row = largest();
    eprintln!("making {}", row.modules.join(" "));
    let root = trees::make(&row).expect("a repository that can be locked");
    let programs = [Program::Go, Program::Cold, Program::Edited, Program::Warm];
    let [go, cold, edited, warm] = measure(programs, &root, rounds);
    let [go_cold] = measure([Program::GoCold], &root, ROUNDS_OF_POINT);
    println!("`{}`, {} packages:\n", row.modules.join(" "), row.packages);
    println!("| program | time | memory | `go list` | `go list`, empty GOCACHE |\n|---|---:|---:|---:|---:|");
    for (name, cost) in [
        ("`go list`, empty GOCACHE", go_cold),
        ("`go list`", go),
        ("`godirect list`, empty parse cache", cold),
        ("`godirect list`, another list before", edited),
        ("`godirect list`, this list before", warm),
    ] {
        let ratio = |other: Cost| other.milliseconds() / cost.milliseconds();
        let (time, memory) = (cost.milliseconds(), cost.megabytes());
        println!("| {name} | {time:.0} ms | {memory:.0} MB | {:.1}× | {:.1}× |", ratio(go), ratio(go_cold));
    }
}

fn memory() {
    let root = synthetic::make(Shape { packages: 5000, files: 3 });
    let [cold, warm] = measure([Program::Cold, Program::Warm], &root, ROUNDS_OF_POINT);
    println!("\npeak memory for 5,000 packages: {:.0} MB cold, {:.0} MB warm", cold.megabytes(), warm.megabytes());
}

fn growth_with_packages() {
    let mut plot = Plot::new("packages", &["go list", "empty parse cache", "another list before", "this list before"]);
    for packages in [100, 300, 1000, 2000, 5000, 10_000] {
        eprintln!("{packages} packages");
        let root = synthetic::make(Shape { packages, files: 3 });
        let costs = measure([Program::Go, Program::Cold, Program::Edited, Program::Warm], &root, ROUNDS_OF_POINT);
        plot.add(packages, costs.map(Cost::milliseconds).to_vec());
    }
    plot.write("list-packages");
}

fn growth_with_files() {
    let mut plot = Plot::new(
        "files of each of 500 packages",
        &["go list", "empty parse cache", "another list before", "this list before"],
    );
    for files in [1, 5, 10, 20, 40] {
        eprintln!("{files} files");
        let root = synthetic::make(Shape { packages: 500, files });
        let costs = measure([Program::Go, Program::Cold, Program::Edited, Program::Warm], &root, ROUNDS_OF_POINT);
        plot.add(files, costs.map(Cost::milliseconds).to_vec());
    }
    plot.write("list-files");
}

/// The lists for several platforms, one after the other: what is parsed for the first one serves all.
fn growth_with_platforms() {
    let mut plot = Plot::new("platforms, 1,000 packages", &["empty parse cache"]);
    let root = synthetic::make(Shape { packages: 1000, files: 3 });
    let all: Vec<&str> = PLATFORMS.iter().chain(&synthetic::MORE_PLATFORMS).copied().collect();
    for count in [1, 5, 10, 15, 20] {
        eprintln!("{count} platforms");
        let total = |_| {
            ["parsed", "memo"].iter().for_each(|name| forget(&CACHE.join(name)));
            all[..count].iter().map(|platform| run(Program::Warm, &root, platform).milliseconds()).sum::<f64>()
        };
        let mut totals: Vec<f64> = (0..ROUNDS_OF_POINT).map(total).collect();
        totals.sort_by(f64::total_cmp);
        plot.add(count, vec![totals[totals.len() / 2]]);
    }
    plot.write("list-platforms");
}

/// Where the plots are.
fn place_of(name: &str) -> PathBuf {
    repository("docs/benchmarks").join(name)
}
