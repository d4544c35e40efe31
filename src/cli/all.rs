//! `godirect all`

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use super::{build, generate, init, lock, output};
use crate::emit::bazel;
use crate::error::Result;
use crate::project::Project;
use crate::spec;
use crate::write;

/// Do everything: init if there is no spec, lock, generate, build.
///
/// Reads and writes what these verbs read and write; `--help` of each tells. The lock is brought up to date, so for builds that
/// must not change it use `godirect generate --check` and `godirect build`.
///
/// Example: `godirect all --platform all`
#[derive(Debug, Default, clap::Args)]
#[group(skip)]
pub struct Arguments {
    #[command(flatten)]
    build: build::Arguments,
}

pub fn run(directory: &Path, arguments: &Arguments, json: bool) -> Result<ExitCode> {
    if !directory.join(spec::FILE).exists() {
        init::run(directory, &init::Arguments::default())?;
    }
    let project = Project::open(directory)?;
    let (locked, changed) = lock::update(&project)?;
    if json {
        generate::run(directory, &generate::Arguments::default(), false)?;
        return build::run(directory, &arguments.build, true);
    }
    output::line("spec", project.spec.path.display());
    lock::show(&locked, changed);
    let wants_files = project.spec.nix.is_some() || project.spec.bazel;
    if wants_files {
        let start = Instant::now();
        let files = generate::render(&project, &locked)?;
        let changes = write::changes(directory, &files, &generate::leftovers(&project, &files)?)?;
        write::apply(directory, &changes)?;
        generate::show(&files, &changes, start);
    }
    build::run_all(&project, &locked, &arguments.build)?;
    next_steps(&project);
    Ok(ExitCode::SUCCESS)
}

/// The commands that give the same bytes.
fn next_steps(project: &Project) {
    let Some((name, binary)) = project.binaries.iter().next() else { return };
    let mut commands = Vec::new();
    if project.spec.nix.as_ref().is_some_and(|nix| nix.flake) {
        commands.push(format!("nix-build -A {name}"));
    }
    if project.spec.bazel {
        commands.push(format!("bazel build {}", bazel::label(&binary.directory, name)));
    }
    if !commands.is_empty() {
        output::line("next", format!("the same bytes from: {}", commands.join("   or   ")));
    }
}
