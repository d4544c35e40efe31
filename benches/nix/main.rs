//! `godirect nix` side by side with Nix's evaluation of the same files, and builds package by package beside those as a whole.
//!
//! ```sh
//! cargo bench --bench nix          # the tables of docs/benchmarks.md; five rounds
//! cargo bench --bench nix -- 11    # more rounds
//! ```
//!
//! What is evaluated are 2,000 packages of a repository, each of which imports three others; stores are in memory and empty before each run. What is
//! built is the large program of the other benchmarks, in a store in memory that has the SDK and all modules. Rounds alternate.

#[path = "../../tests/support/engines.rs"]
#[allow(dead_code)]
mod engines;

mod builds;
#[path = "../support/cost.rs"]
mod cost;
#[path = "../support/programs.rs"]
#[allow(dead_code)]
mod programs;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cost::{Cost, medians, milliseconds};

const ROUNDS: usize = 5;
const PACKAGES: usize = 2000;

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
    Cost::of(&mut command)
}

/// A repository with its lock and Nix files.
fn repository() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let root = directory.path().join("bench");
    let write = |path: &str, text: &str| programs::write(&root, path, text);
    write("go.mod", "module example.com/bench\n\ngo 1.27.0\n\ntoolchain go1.27.3\n");
    write("godirect.star", "platforms(\"linux/amd64\")\nnix()\n");
    let mut main = String::from("package main\n\nimport (\n");
    for i in 0..PACKAGES {
        let mut text = format!("package p{i}\n\nimport (\n");
        for import in [i / 2, i / 3, i * 9 / 10].into_iter().filter(|j| *j < i).collect::<std::collections::BTreeSet<_>>() {
            let _ = writeln!(text, "\t_ \"example.com/bench/p{import}\"");
        }
        text.push_str(")\n");
        write(&format!("p{i}/p.go"), &text);
        let _ = writeln!(main, "\t_ \"example.com/bench/p{i}\"");
    }
    main.push_str(")\n\nfunc main() {}\n");
    write("main.go", &main);
    lock_and_generate(&root);
    (directory, root)
}

/// Makes what Nix reads besides the repository's own files.
fn lock_and_generate(root: &Path) {
    for verb in ["lock", "generate"] {
        let output = engines::godirect().args([verb]).current_dir(root).output().expect("godirect");
        engines::succeeded(verb, &output);
    }
}

fn main() {
    let rounds = cost::rounds(ROUNDS);
    let nix = engines::provisioned("nix.sh");
    evaluation(&nix, rounds);
    builds::all(&nix, rounds);
}

fn evaluation(nix: &Path, rounds: usize) {
    let (_directory, root) = repository();
    let all = [
        ("`nix-instantiate`", What::NixInstantiate),
        ("`godirect nix instantiate`", What::Instantiate),
        ("`nix-instantiate --eval` of the output's path", What::NixEval),
        ("`godirect nix paths`", What::Paths),
    ];
    let costs = medians::<4>(rounds, |index, _| run(nix, &root, all[index].1));
    println!("| {PACKAGES} packages | time | CPU |\n|---|---:|---:|");
    for ((name, _), Cost { time, cpu }) in all.into_iter().zip(costs) {
        println!("| {name} | {:.0} ms | {:.0} ms |", milliseconds(time), milliseconds(cpu));
    }
}
