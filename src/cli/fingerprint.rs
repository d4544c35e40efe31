//! `godirect fingerprint`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;

use super::affected::side::{self, Chosen, Kind, Side, Truth};
use super::output::{self, JSON_VERSION};
use crate::digest::Sha256;
use crate::error::Result;
use crate::git::Repository;

/// Print a key for each package, test and binary: as long as it is the same, so is the result.
///
/// A fingerprint is a digest of everything that `godirect affected` compares, so it fits as a key of CI's caches. Comments count in it, since it is
/// made of one tree alone. With --save, all of it is written to a file, from which `godirect affected --base-state` finds out later
/// what has changed, without the base in git.
///
/// Examples: `godirect fingerprint --kind binary`, `godirect fingerprint --revision main --save main.json`
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Arguments {
    /// Of the tree of this branch, tag or commit, instead of the files that are checked out.
    #[arg(long, value_name = "REVISION")]
    revision: Option<String>,
    #[command(flatten)]
    chosen: Chosen,
    /// Only targets of this kind; may be repeated.
    #[arg(long, value_name = "KIND", value_enum)]
    kind: Vec<Kind>,
    /// What counts: what a Go build's result depends on, or what Bazel or Nix look at.
    #[arg(long, value_name = "TRUTH", value_enum, default_value = "go")]
    truth: Truth,
    /// Write what the targets are made of to this file.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
}

#[derive(Serialize)]
struct Answer<'a> {
    version: u32,
    truth: Truth,
    fingerprints: Vec<Fingerprint<'a>>,
}

#[derive(Serialize)]
struct Fingerprint<'a> {
    kind: &'static str,
    name: &'a str,
    view: &'a str,
    sha256: Sha256,
}

pub fn run(directory: &Path, arguments: &Arguments, json: bool) -> Result<ExitCode> {
    let repository = Repository::discover(directory)?;
    let side = match &arguments.revision {
        Some(revision) => Side::of_commit(&repository, side::blobs(&repository), &repository.revision(revision)?, directory)?,
        None => Side::of_worktree(&repository)?,
    };
    let state = side.state(directory, &arguments.chosen, arguments.truth);
    side.remember();
    let state = state?;
    side::check_chosen(&arguments.chosen, &[&state])?;
    if let Some(file) = &arguments.save {
        side::save(file, arguments.truth, &state)?;
    }
    let is_wanted = |kind: &str| arguments.kind.is_empty() || arguments.kind.iter().any(|wanted| wanted.name() == kind);
    let mut fingerprints = Vec::new();
    for (view, made) in &state.views {
        for (target, sha256) in made.fingerprints() {
            let kind = target.kind.name();
            if is_wanted(kind) {
                fingerprints.push(Fingerprint { kind, name: &target.name, view, sha256 });
            }
        }
    }
    if json {
        output::json(&Answer { version: JSON_VERSION, truth: arguments.truth, fingerprints })?;
    } else if arguments.save.is_none() {
        let line = |f: &Fingerprint| format!("{}  {} {} {}\n", f.sha256, f.view, f.kind, f.name);
        output::text(fingerprints.iter().map(line).collect::<String>())?;
    }
    Ok(ExitCode::SUCCESS)
}
