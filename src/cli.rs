//! The command line: parses arguments, runs a verb, shows what it did.

mod affected;
mod all;
mod build;
mod cache;
mod fingerprint;
mod generate;
mod goroot;
mod graph;
mod init;
mod list;
mod lock;
mod nix;
mod output;
mod progress;
mod test;
mod verify;
mod why;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::error::{Error, Result};
use crate::exec;
use crate::platform::OsArch;

/// Builds Go programs from one lock and one package graph: the same bytes from `go build`, `nix build` and `bazel build`.
///
/// `godirect.star`, the spec, says which SDK, platforms and binaries there are. `godirect lock` pins everything that comes from outside in
/// `godirect.lock.json`; `godirect generate` writes Nix and Bazel files from spec, lock and sources; `godirect build` builds without Nix and Bazel,
/// by running Go's compiler, assembler and linker itself. Commit all of these files but the binaries.
///
/// Environment: GOPROXY, GOPRIVATE, GONOPROXY, GOSUMDB, GONOSUMDB, GOINSECURE, GOVCS, GOAUTH and GOMODCACHE count as they do for the go command, also
/// when set by `go env -w`; NETRC names another file than ~/.netrc, and HTTPS_PROXY, HTTP_PROXY and NO_PROXY a proxy of the network. GODIRECT_CACHE is the
/// directory for downloads and build results, by default `godirect` in the user's cache directory, and GODIRECT_CACHE_SIZE how large build results may
/// become. NO_COLOR turns colour off.
///
/// Exit codes: 0 done; 1 the answer is no (a stale lock or stale generated files, a failed build); 2 wrong input (spec, go.mod, a malformed or
/// missing lock, arguments); 3 the environment (network, files, programs); 4 a hash is not the pinned one.
#[derive(Debug, Parser)]
#[command(
    name = "godirect",
    version,
    max_term_width = 100,
    after_help = "Start with `godirect init` beside go.mod, then `godirect all`."
)]
struct Arguments {
    /// Work in this directory, the one with godirect.star, instead of the current one.
    #[arg(short = 'C', long, global = true, value_name = "DIR", default_value = ".", hide_default_value = true)]
    directory: PathBuf,
    /// Print results as JSON with a `version` field, for programs; `list` takes names of fields.
    #[arg(long, global = true, value_name = "FIELDS", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    json: Option<String>,
    #[command(subcommand)]
    verb: Verb,
}

// A verb's documentation stands at its arguments, where clap takes both the summary and the long help from.
#[derive(Debug, Subcommand)]
enum Verb {
    Init(init::Arguments),
    Lock(lock::Arguments),
    Generate(generate::Arguments),
    Fix(generate::FixArguments),
    Build(build::Arguments),
    Test(Box<test::Arguments>),
    Affected(Box<affected::Arguments>),
    Fingerprint(fingerprint::Arguments),
    List(list::Arguments),
    All(all::Arguments),
    Cache(cache::Arguments),
    Goroot(goroot::Arguments),
    Graph(graph::Arguments),
    Nix(nix::Arguments),
    Verify(verify::Arguments),
    Why(why::Arguments),
    /// List the platforms that Go can build for.
    ///
    /// One GOOS/GOARCH a line, as platforms() in the spec takes them. Reads nothing.
    Platforms,
    /// Print a completion script for a shell.
    ///
    /// Example: `source <(godirect completions bash)`
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Runs the program and tells how it ended.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let result = execute(&arguments);
    exec::children::end_by_signal();
    match result {
        Ok(code) => code,
        Err(error) => {
            let choice = anstream::AutoStream::choice(&std::io::stderr());
            anstream::eprintln!("{}", error.render(choice != anstream::ColorChoice::Never && std::io::stderr().is_terminal()));
            ExitCode::from(error.class().exit_code())
        }
    }
}

fn execute(arguments: &Arguments) -> Result<ExitCode> {
    let (directory, fields) = (arguments.directory.as_path(), arguments.json.as_deref());
    let json = fields.is_some();
    if let (Some(fields), false) = (fields.filter(|fields| !fields.is_empty()), matches!(arguments.verb, Verb::List(_))) {
        let error = Error::input(format!("--json={} names fields, which only `list` prints", fields.escape_debug()));
        return Err(error.help("write --json"));
    }
    match &arguments.verb {
        Verb::Init(verb) => init::run(directory, verb),
        Verb::Lock(verb) => lock::run(directory, verb, json),
        Verb::Generate(verb) => generate::run(directory, verb, json),
        Verb::Fix(verb) => generate::run_fix(directory, verb, json),
        Verb::Build(verb) => build::run(directory, verb, json),
        Verb::Test(verb) => test::run(directory, verb, json),
        Verb::Affected(verb) => affected::run(directory, verb, json),
        Verb::Fingerprint(verb) => fingerprint::run(directory, verb, json),
        Verb::List(verb) => list::run(directory, verb, fields),
        Verb::All(verb) => all::run(directory, verb, json),
        Verb::Cache(verb) => cache::run(verb, json),
        Verb::Goroot(verb) => goroot::run(directory, verb, json),
        Verb::Graph(verb) => graph::run(directory, verb, json),
        Verb::Nix(verb) => nix::run(directory, verb, json),
        Verb::Verify(verb) => verify::run(directory, verb, json),
        Verb::Why(verb) => why::run(directory, verb, json),
        Verb::Platforms => {
            output::text(OsArch::all().map(|platform| format!("{platform}\n")).collect::<String>())?;
            Ok(ExitCode::SUCCESS)
        }
        Verb::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Arguments::command(), "godirect", &mut script);
            output::text(String::from_utf8_lossy(&script))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}
