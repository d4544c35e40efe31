//! The command line: parses arguments, runs a verb, shows what it did.

mod all;
mod build;
mod generate;
mod goroot;
mod init;
mod lock;
mod output;
mod progress;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::error::Result;
use crate::platform::OsArch;

/// Builds Go programs from one lock and one package graph: the same bytes from `go build`, `nix build` and `bazel build`.
///
/// godirect reads `godirect.star`, which says which SDK, platforms and binaries there are. `godirect lock` pins everything that comes from
/// outside, `godirect generate` writes Nix and Bazel files from that, and `godirect build` builds without either of them.
///
/// Exit codes: 0 done; 1 the answer is no (stale files, a failed build); 2 wrong input (spec, go.mod, lock, arguments); 3 the environment (network,
/// files, programs); 4 a hash is not the pinned one.
#[derive(Debug, Parser)]
#[command(
    name = "godirect",
    version,
    max_term_width = 100,
    after_help = "Start with `godirect init` beside go.mod, then `godirect all`."
)]
struct Arguments {
    /// Work in this directory: the one with godirect.star.
    #[arg(short = 'C', long, global = true, value_name = "DIR", default_value = ".", hide_default_value = true)]
    directory: PathBuf,
    /// Print results as JSON with a `version` field, for programs.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Write a starter spec, godirect.star, from go.mod or go.work.
    Init(init::Arguments),
    /// Resolve and pin the SDK and all modules in godirect.lock.json.
    Lock(lock::Arguments),
    /// Write Nix and Bazel files from spec and lock, offline.
    Generate(generate::Arguments),
    /// Build binaries with the embedded engine and print their SHA-256.
    Build(build::Arguments),
    /// Do everything: init if there is no spec, lock, generate, build.
    All(all::Arguments),
    /// Print the directory of the pinned SDK, fetched and verified, e.g. for `$(godirect goroot)/bin/go vet`.
    Goroot,
    /// List the platforms that Go can build for.
    Platforms,
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Runs the program and tells how it ended.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    match execute(&arguments) {
        Ok(code) => code,
        Err(error) => {
            let choice = anstream::AutoStream::choice(&std::io::stderr());
            anstream::eprintln!("{}", error.render(choice != anstream::ColorChoice::Never && std::io::stderr().is_terminal()));
            ExitCode::from(error.class().exit_code())
        }
    }
}

fn execute(arguments: &Arguments) -> Result<ExitCode> {
    let (directory, json) = (arguments.directory.as_path(), arguments.json);
    match &arguments.verb {
        Verb::Init(verb) => init::run(directory, verb),
        Verb::Lock(verb) => lock::run(directory, verb, json),
        Verb::Generate(verb) => generate::run(directory, verb, json),
        Verb::Build(verb) => build::run(directory, verb, json),
        Verb::All(verb) => all::run(directory, verb, json),
        Verb::Goroot => goroot::run(directory, json),
        Verb::Platforms => {
            OsArch::all().for_each(|platform| anstream::println!("{platform}"));
            Ok(ExitCode::SUCCESS)
        }
        Verb::Completions { shell } => {
            clap_complete::generate(*shell, &mut Arguments::command(), "godirect", &mut std::io::stdout());
            Ok(ExitCode::SUCCESS)
        }
    }
}
