//! Builds with Nix, package by package and as a whole.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::cost::{Cost, medians, row};
use crate::{engines, in_memory, lock_and_generate, programs};

/// The ways to build the same binary, as attributes.
const WAYS: [&str; 2] = ["whole.large", "large"];

/// A package that one other imports, with a text like the leaf's.
const SINGLE: &str = "single";

/// A repository, and a store that has what it needs besides its packages.
struct Bench {
    nix: PathBuf,
    directory: tempfile::TempDir,
    store: tempfile::TempDir,
}

pub fn all(nix: &Path, rounds: usize) {
    let bench = Bench::new(nix);
    println!("\n| large program | as a whole | CPU | by package | CPU | time | CPU |\n|---|---:|---:|---:|---:|---:|---:|");
    let forgotten = medians(rounds, |way, _| {
        bench.forget();
        bench.build(WAYS[way])
    });
    row("nothing built before", forgotten);
    for way in WAYS {
        bench.build(way);
    }
    row("nothing changed", medians(rounds, |way, _| bench.build(WAYS[way])));
    for (name, package) in
        [("the body of a leaf's function changed, which 120 packages import", "leaf"), ("the same, and one imports it", SINGLE)]
    {
        let edited = medians(rounds, |way, run| {
            bench.edit(package, run + 1);
            bench.build(WAYS[way])
        });
        row(name, edited);
    }
}

impl Bench {
    fn new(nix: &Path) -> Bench {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let bench = Bench { nix: nix.to_owned(), directory, store: in_memory() };
        for (path, text) in programs::large() {
            programs::write(&bench.root(), &path, &text);
        }
        programs::write(&bench.root(), "godirect.star", "platforms(\"linux/amd64\")\nnix()\n");
        bench.edit(SINGLE, 0);
        let main = bench.root().join("main.go");
        let text = std::fs::read_to_string(&main).expect("a file of the benchmark");
        let import = format!("\t\"example.com/large/all\"\n\t\"example.com/large/{SINGLE}\"\n");
        let text =
            text.replace("\t\"example.com/large/all\"\n", &import).replace("all.Sum()", &format!("all.Sum()+{SINGLE}.Value()"));
        std::fs::write(main, text).expect("a writable directory");
        lock_and_generate(&bench.root());
        let prefetched = bench.run(&mut bench.godirect(&["nix", "prefetch", "large"]));
        assert!(!prefetched.is_empty(), "nothing to download");
        bench.build("large");
        bench
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("large")
    }

    /// Writes one of the packages whose functions aren't inlined.
    fn edit(&self, package: &str, value: usize) {
        let text = programs::leaf(value).replace("package leaf", &format!("package {package}"));
        programs::write(&self.root(), &format!("{package}/{package}.go"), &text);
    }

    /// A program with this store.
    fn with_store(&self, mut command: Command) -> Command {
        let path = std::env::join_paths([self.nix.as_path(), Path::new("/usr/bin"), Path::new("/bin")]).expect("a path");
        command.current_dir(self.root()).env("PATH", path).env("NIX_CONF_DIR", engines::repository("tests/env"));
        command.env("NIX_REMOTE", self.store.path());
        command
    }

    fn godirect(&self, arguments: &[&str]) -> Command {
        let mut command = self.with_store(engines::godirect());
        command.args(arguments);
        command
    }

    fn run(&self, command: &mut Command) -> String {
        engines::succeeded("a step of the benchmark", &command.output().expect("a program that can be started"))
    }

    fn build(&self, attribute: &str) -> Cost {
        let mut command = self.with_store(Command::new(self.nix.join("nix-build")));
        Cost::of(command.args(["--no-out-link", "-A", attribute]).stdout(Stdio::null()).stderr(Stdio::null()))
    }

    /// Removes what was compiled and linked from the store.
    fn forget(&self) {
        let mut outputs = self.run(&mut self.godirect(&["nix", "paths", "--archives", "large", "whole.large"]));
        let is_there = |path: &&str| self.store.path().join(path.trim_start_matches('/')).exists();
        outputs = outputs.lines().filter(is_there).collect::<Vec<_>>().join("\n");
        let mut delete = self.with_store(Command::new(self.nix.join("nix-store")));
        self.run(delete.arg("--delete").args(outputs.lines()));
    }
}
