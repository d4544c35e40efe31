//! `godirect all`

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::{build, generate, init, lock, output};
use crate::emit::bazel;
use crate::error::Result;
use crate::lock::file::Lockfile;
use crate::project::Project;
use crate::spec;
use crate::write::{self, Change, GeneratedFiles};

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
    let starts = !directory.join(spec::FILE).exists();
    if starts {
        init::write_starter(directory)?;
    }
    let project = Project::open(directory)?;
    let updated = lock::update(&project, &lock::Arguments::default())?;
    let locked = &updated.lock;
    let generated = generate(&project, locked)?;
    if json {
        return build::run(directory, &arguments.build, true);
    }
    output::line(if starts { "wrote" } else { "spec" }, project.spec.path.display());
    lock::show(&updated, true);
    if let Some((files, changes, took)) = generated {
        generate::show(&files, &changes, took);
    }
    build::run_all(&project, locked, &arguments.build)?;
    next_steps(&project);
    Ok(ExitCode::SUCCESS)
}

/// Writes what the spec asks for, if anything; gives all files, the changed ones, and how long it took.
fn generate(project: &Project, lock: &Lockfile) -> Result<Option<(GeneratedFiles, Vec<Change>, Duration)>> {
    let spec = &project.spec;
    if spec.nix.is_none() && spec.bazel.is_none() && spec.ci.is_empty() {
        return Ok(None);
    }
    let start = Instant::now();
    let rendered = generate::render(project, lock, false)?;
    let files = &rendered.files;
    let changes = write::changes(&project.dir, files, &generate::leftovers(project, files)?)?;
    write::apply(&project.dir, &changes)?;
    generate::report(&rendered)?;
    Ok(Some((rendered.files, changes, start.elapsed())))
}

/// The commands that give the same bytes.
fn next_steps(project: &Project) {
    let Some((name, binary)) = project.binaries.iter().next() else { return };
    let mut commands = Vec::new();
    if project.spec.nix.as_ref().is_some_and(|nix| nix.flake) {
        commands.push(format!("nix-build -A {name}"));
    }
    if project.spec.bazel.is_some() {
        commands.push(format!("bazel build {}", bazel::label(&binary.directory, &binary.target)));
    }
    let place = if project.dir == Path::new(".") { String::new() } else { format!(" in {}", project.dir.display()) };
    if !commands.is_empty() {
        output::line("next", format!("the same bytes{place} from: {}", commands.join("   or   ")));
    }
}
