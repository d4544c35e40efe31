//! `godirect nix` side by side with Nix's evaluation of the same files.
//!
//! ```sh
//! cargo bench --bench nix          # the table of docs/benchmarks.md; five rounds
//! cargo bench --bench nix -- 11    # more rounds
//! ```
//!
//! 2,000 packages of a repository, each of which imports three others; rounds alternate. Stores are in memory and empty before each run.

#[path = "../../tests/support/engines.rs"]
#[allow(dead_code)]
mod engines;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wait4::Wait4;

const ROUNDS: usize = 5;
const PACKAGES: usize = 2000;

/// What one run took.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Cost {
    time: Duration,
    cpu: Duration,
}

#[derive(Clone, Copy)]
enum What {
    /// Nix evaluates, and writes derivations.
    NixInstantiate,
    /// Nix evaluates, and writes nothing.
    NixEval,
    Instantiate,
    Paths,
}

/// A directory in memory, where the system has one.
fn in_memory() -> tempfile::TempDir {
    let shared = Path::new("/dev/shm");
    if shared.is_dir() { tempfile::tempdir_in(shared) } else { tempfile::tempdir() }.expect("a temporary directory")
}

fn run(nix: &Path, root: &Path, what: What) -> Cost {
    let store = in_memory();
    let path = std::env::join_paths([nix, Path::new("/usr/bin"), Path::new("/bin")]).expect("a path");
    let mut command = match what {
        What::NixInstantiate | What::NixEval => Command::new(nix.join("nix-instantiate")),
        What::Instantiate | What::Paths => engines::godirect(),
    };
    command.args(match what {
        What::NixInstantiate => &["-A", "bench"][..],
        What::NixEval => &["--eval", "-A", "bench.outPath"],
        What::Instantiate => &["nix", "instantiate", "bench"],
        What::Paths => &["nix", "paths", "bench"],
    });
    command.current_dir(root).env("PATH", path).env("NIX_CONF_DIR", engines::repository("tests/env"));
    command.env("NIX_REMOTE", store.path()).stdout(Stdio::null()).stderr(Stdio::null());
    let begin = Instant::now();
    let used = command.spawn().expect("a program that can be started").wait4().expect("a child to wait for");
    let time = begin.elapsed();
    assert!(used.status.success(), "{command:?} failed");
    Cost { time, cpu: used.rusage.utime + used.rusage.stime }
}

/// A repository with its lock and Nix files.
fn repository() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let root = directory.path().join("bench");
    let write = |path: String, text: &str| {
        let path = root.join(path);
        fs::create_dir_all(path.parent().expect("a file's directory")).expect("a writable directory");
        fs::write(path, text).expect("a writable directory");
    };
    write("go.mod".to_owned(), "module example.com/bench\n\ngo 1.27.0\n\ntoolchain go1.27.3\n");
    write("godirect.star".to_owned(), "platforms(\"linux/amd64\")\nnix()\n");
    let mut main = String::from("package main\n\nimport (\n");
    for i in 0..PACKAGES {
        let mut text = format!("package p{i}\n\nimport (\n");
        for import in [i / 2, i / 3, i * 9 / 10].into_iter().filter(|j| *j < i).collect::<std::collections::BTreeSet<_>>() {
            let _ = writeln!(text, "\t_ \"example.com/bench/p{import}\"");
        }
        text.push_str(")\n");
        write(format!("p{i}/p.go"), &text);
        let _ = writeln!(main, "\t_ \"example.com/bench/p{i}\"");
    }
    main.push_str(")\n\nfunc main() {}\n");
    write("main.go".to_owned(), &main);
    for verb in ["lock", "generate"] {
        let output = engines::godirect().args([verb]).current_dir(&root).output().expect("godirect");
        engines::succeeded(verb, &output);
    }
    (directory, root)
}

fn main() {
    let rounds =
        std::env::args().skip(1).find(|a| a != "--bench").map_or(ROUNDS, |text| text.parse().expect("a number of rounds"));
    let nix = engines::provisioned("nix.sh");
    let (_directory, root) = repository();
    let all = [
        ("`nix-instantiate`", What::NixInstantiate),
        ("`godirect nix instantiate`", What::Instantiate),
        ("`nix-instantiate --eval` of the output's path", What::NixEval),
        ("`godirect nix paths`", What::Paths),
    ];
    let mut costs = vec![Vec::new(); all.len()];
    for round in 0..rounds {
        for place in 0..all.len() {
            let index = (place + round) % all.len();
            costs[index].push(run(&nix, &root, all[index].1));
        }
    }
    println!("| {PACKAGES} packages | time | CPU |\n|---|---:|---:|");
    for ((name, _), mut costs) in all.into_iter().zip(costs) {
        costs.sort();
        let Cost { time, cpu } = costs[costs.len() / 2];
        println!("| {name} | {:.0} ms | {:.0} ms |", time.as_secs_f64() * 1000.0, cpu.as_secs_f64() * 1000.0);
    }
}
