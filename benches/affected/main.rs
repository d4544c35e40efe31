//! `godirect affected` side by side with `go list -deps -test -json`, and how its time grows with files, platforms and history.
//!
//! ```sh
//! cargo bench --bench affected          # the table, CSV files and plots of docs/benchmarks.md
//! cargo bench --bench affected -- 21    # with as many rounds, instead of 7
//! ```
//!
//! Modules are made, as those of the bench `list`, and committed; what is compared are the last commit, which changes the body of a function in
//! one package, and the one before. Rounds alternate, so that what else the machine does hits both programs.

#[path = "../../tests/list_oracle/answers.rs"]
#[allow(dead_code)]
mod answers;
#[path = "../list/plot.rs"]
mod plot;
#[path = "../../tests/list_oracle/rows.rs"]
#[allow(dead_code)]
mod rows;
#[path = "../../tests/support/cli.rs"]
#[allow(dead_code)]
mod support;
#[path = "../list/synthetic.rs"]
mod synthetic;
#[path = "../../tests/list_oracle/trees.rs"]
#[allow(dead_code)]
mod trees;

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use answers::CACHE;
use plot::Plot;
use support::repository;
use synthetic::Shape;

const ROUNDS: usize = 7;
/// Of a measurement that is one point of a plot.
const ROUNDS_OF_POINT: usize = 3;
const PLATFORM: &str = "linux/amd64";
/// The package that the last commit changes, and its file.
const EDITED: &str = "p0/p40/f0.go";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Program {
    /// `go list -deps -test -json ./...`, with its index.
    Go,
    /// Two commits, of which nothing is known.
    Cold,
    /// A new commit on one that was compared before.
    NewCommit,
    /// The working tree with a change, and a commit that was compared before.
    Edited,
    /// Two commits that were compared before.
    Warm,
}

const ALL: [(Program, &str); 5] = [
    (Program::Go, "`go list -deps -test -json`"),
    (Program::Cold, "`godirect affected`, nothing known"),
    (Program::Edited, "`godirect affected`, base known, the working tree edited"),
    (Program::NewCommit, "`godirect affected`, base known, a new commit"),
    (Program::Warm, "`godirect affected`, both commits known"),
];

fn main() {
    let rounds =
        std::env::args().skip(1).find(|a| a != "--bench").map_or(ROUNDS, |text| text.parse().expect("a number of rounds"));
    side_by_side(rounds);
    growth_with_files();
    growth_with_platforms();
}

fn git(root: &Path, arguments: &[&str]) {
    let status = git_command(root, arguments).status().expect("git");
    assert!(status.success(), "git {arguments:?}");
}

fn git_command(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(root).args(["-c", "user.name=bench", "-c", "user.email=bench@example.com"]).args(arguments);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null").stdout(Stdio::null());
    command
}

/// A module as a repository with two commits, after `commits` others.
fn made(packages: usize, commits: usize) -> PathBuf {
    let source = synthetic::make(Shape { packages, files: 3 });
    let root = trees::place("affected").join(format!("{packages}-{commits}"));
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(root.parent().expect("a directory")).expect("a writable directory");
    let copied = Command::new("cp").arg("-r").arg(&source).arg(&root).status().expect("cp");
    assert!(copied.success());
    git(&root, &["init", "-q", "-b", "main"]);
    git(&root, &["add", "-A"]);
    git(&root, &["commit", "-q", "-m", "first"]);
    if commits > 0 {
        add_history(&root, commits);
    }
    edit(&root, 1);
    git(&root, &["commit", "-q", "-a", "-m", "second"]);
    if commits > 0 {
        git(&root, &["gc", "-q"]);
    }
    root
}

/// Adds commits that each change a file that no package has.
fn add_history(root: &Path, commits: usize) {
    let mut text = String::from("reset refs/heads/main\nfrom refs/heads/main^0\n\n");
    for number in 0..commits {
        let content = format!("{number}\n");
        let _ = write!(text, "commit refs/heads/main\ncommitter bench <bench@example.com> {} +0000\n", 1_700_000_000 + number);
        let _ = write!(text, "data 1\nc\nM 644 inline notes/{}.txt\ndata {}\n{content}\n", number % 100, content.len());
    }
    let mut child = git_command(root, &["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn().expect("git");
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("git to read");
    assert!(child.wait().expect("git").success());
    git(root, &["reset", "-q", "--hard"]);
}

/// Changes the body of a function.
fn edit(root: &Path, value: usize) {
    let path = root.join(EDITED);
    let text = fs::read_to_string(&path).expect("a file of the module");
    let (before, after) = text.split_once("\treturn ").expect("a function");
    let rest = after.split_once('\n').map_or("", |(_, rest)| rest);
    let line = format!("\treturn fmt.Sprintf(\"%s %d\", strings.ToUpper(s), {})", value + 1_000);
    fs::write(&path, format!("{before}{line}\n{rest}")).expect("a writable repository");
}

fn forget(name: &str) {
    let _ = fs::remove_dir_all(CACHE.join(name));
}

/// Milliseconds of one run; `platforms` are those that are compared.
fn run(program: Program, root: &Path, platforms: &[&str], round: usize) -> f64 {
    let compare = |head: &[&'static str]| {
        let chosen = platforms.iter().flat_map(|platform| ["--platform", platform]);
        let arguments: Vec<&str> =
            ["affected", "--base", "HEAD^"].into_iter().chain(head.iter().copied()).chain(chosen).collect();
        answers::godirect(root, &arguments)
    };
    let commits = ["--head", "HEAD"];
    let mut command = match program {
        Program::Go => {
            let mut command = answers::go(root, &["list", "-deps", "-test", "-json", "./..."]);
            command.envs([("GOOS", "linux"), ("GOARCH", "amd64"), ("CGO_ENABLED", "0")]);
            command
        }
        Program::Cold => {
            ["memo", "parsed"].iter().for_each(|name| forget(name));
            compare(&commits)
        }
        Program::NewCommit => {
            edit(root, round + 2);
            git(root, &["commit", "-q", "-a", "--amend", "-m", "second"]);
            compare(&commits)
        }
        Program::Edited => {
            edit(root, round + 100);
            compare(&[])
        }
        Program::Warm => compare(&commits),
    };
    let begin = Instant::now();
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("a program that can be started");
    let time = begin.elapsed().as_secs_f64() * 1000.0;
    assert!(status.success(), "{command:?} failed");
    if program == Program::Edited {
        git(root, &["checkout", "-q", "--", EDITED]);
    }
    time
}

/// The medians of programs that run one after the other in each round.
fn measure(programs: &[Program], root: &Path, platforms: &[&str], rounds: usize) -> Vec<f64> {
    let mut times = vec![Vec::new(); programs.len()];
    for round in 0..=rounds {
        for (index, program) in programs.iter().enumerate() {
            let time = run(*program, root, platforms, round);
            // The first one fills caches.
            if round > 0 {
                times[index].push(time);
            }
        }
    }
    times.iter_mut().for_each(|times| times.sort_by(f64::total_cmp));
    times.iter().map(|times| times[times.len() / 2]).collect()
}

fn side_by_side(rounds: usize) {
    println!("| program | 2 commits | `go list` takes | 10,000 commits, packed | `go list` takes |\n|---|---:|---:|---:|---:|");
    let programs = ALL.map(|(program, _)| program);
    let of = |commits: usize| measure(&programs, &made(1000, commits), &[PLATFORM], rounds);
    let (small, large) = (of(0), of(10_000));
    for (index, (_, name)) in ALL.iter().enumerate() {
        let ratio = |times: &[f64]| times[0] / times[index];
        let (few, many) = (small[index], large[index]);
        println!("| {name} | {few:.0} ms | {:.1}× | {many:.0} ms | {:.1}× |", ratio(&small), ratio(&large));
    }
}

fn growth_with_files() {
    let mut plot = Plot::new("files", &["go list", "nothing known", "base known", "both known"]);
    for packages in [300, 1000, 3000, 10_000] {
        eprintln!("{packages} packages");
        let root = made(packages, 0);
        let programs = [Program::Go, Program::Cold, Program::NewCommit, Program::Warm];
        plot.add(3 * packages, measure(&programs, &root, &[PLATFORM], ROUNDS_OF_POINT));
        fs::remove_dir_all(&root).expect("a writable directory");
    }
    plot.write("affected-files");
}

fn growth_with_platforms() {
    let mut plot = Plot::new("platforms, 3,000 files", &["nothing known", "base known", "both known"]);
    let root = made(1000, 0);
    let all: Vec<&str> = rows::PLATFORMS.iter().chain(&synthetic::MORE_PLATFORMS).copied().collect();
    for count in [1, 5, 10, 15, 20] {
        eprintln!("{count} platforms");
        let programs = [Program::Cold, Program::NewCommit, Program::Warm];
        plot.add(count, measure(&programs, &root, &all[..count], ROUNDS_OF_POINT));
    }
    plot.write("affected-platforms");
}

/// Where the plots are.
fn place_of(name: &str) -> PathBuf {
    repository("docs/benchmarks").join(name)
}
