//! `godirect generate`

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::output::{self, JSON_VERSION};
use crate::emit::{bazel, ci, nix};
use crate::error::{self, Error, Result};
use crate::graph::PackageGraph;
use crate::graph::tested::{TestGraph, TestOptions, Tests};
use crate::lock::file::Lockfile;
use crate::plan::Configuration;
use crate::project::stamps::Stamps;
use crate::project::{Locked, Project, Variant};
use crate::source::tree::join;
use crate::spec::{DEFAULT_NIX_DIR, Nix};
use crate::write::{self, Change, GeneratedFiles};

/// Write Nix files, Bazel files and pipelines of CI from spec, lock and sources, offline.
///
/// Needs neither Bazel, nor Nix, nor Go. For nix(): flake.nix, default.nix and the directory `nix` (or another). For bazel(): a section of MODULE.bazel, and a
/// BUILD.bazel in each directory with a package. For ci(): a pipeline for each CI system. Files that are as they should be aren't touched, and generated ones that are no longer wanted
/// are removed. BUILD files also have a `go_test` for each package with tests; a warning says where these can't be built.
///
/// Files that a person wrote are never overwritten (exit 2): a generated one has `@generated` in its first lines, and of MODULE.bazel
/// everything outside of the marked section stays.
///
/// Example, for CI: `godirect generate --check`
#[derive(Debug, Default, clap::Args)]
#[group(skip)]
pub struct Arguments {
    /// Write nothing; print what would change as a diff, and exit with 1 if anything would.
    #[arg(long)]
    check: bool,
}

#[derive(Serialize)]
struct Summary<'a> {
    version: u32,
    changed: Vec<&'a str>,
    files: usize,
}

pub fn run(directory: &Path, arguments: &Arguments, json: bool) -> Result<ExitCode> {
    let start = Instant::now();
    let project = Project::open(directory)?;
    let lock = project.read_lock()?;
    let files = render(&project, &lock)?;
    let changes = write::changes(directory, &files, &leftovers(&project, &files)?)?;
    if !arguments.check {
        write::apply(directory, &changes)?;
    }
    if json {
        let changed = changes.iter().map(|c| c.path.as_str()).collect();
        output::json(&Summary { version: JSON_VERSION, changed, files: files.len() })?;
    } else if arguments.check {
        output::text(changes.iter().map(Change::diff).collect::<String>())?;
    } else {
        show(&files, &changes, start.elapsed());
    }
    let stale = arguments.check && !changes.is_empty();
    if stale && !json {
        anstream::eprintln!("{} stale; `godirect generate` updates them", output::count(changes.len(), "file"));
    }
    Ok(if stale { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// Says what was written.
pub fn show(files: &GeneratedFiles, changes: &[Change], took: Duration) {
    let took = output::duration(took);
    if changes.is_empty() {
        output::line("fresh", format!("{}  {took}", output::count(files.len(), "generated file")));
        return;
    }
    for change in changes {
        output::line(if change.new.is_some() { "wrote" } else { "removed" }, &change.path);
    }
    output::line("", format!("{} of {}  {took}", changes.len(), output::count(files.len(), "generated file")));
}

/// Renders everything that the spec asks for.
pub fn render(project: &Project, lock: &Lockfile) -> Result<GeneratedFiles> {
    let spec = &project.spec;
    if spec.nix.is_none() && !spec.bazel && spec.ci.is_empty() {
        let error = Error::input(format!("{} asks for no output", spec.path.display()));
        return Err(error.help("add nix(), bazel() or ci(…) to it"));
    }
    let locked = project.with_lock(lock)?;
    let variants = project.variants();
    let graphs: Vec<PackageGraph> = locked.graphs(&variants)?;
    let mut files = GeneratedFiles::new();
    if let Some(nix) = &project.spec.nix {
        files.extend(nix::render(&locked.sdk_versions(), &nix_plans(&locked, &variants, &graphs)?, nix)?);
    }
    if project.spec.bazel {
        files.extend(render_bazel(&locked, &variants, &graphs)?);
    }
    for (system, settings) in &spec.ci {
        files.extend(ci::render(*system, settings)?);
    }
    Ok(files)
}

/// What Nix builds, by the names of configurations.
pub fn nix_plans(locked: &Locked, variants: &[Variant], graphs: &[PackageGraph]) -> Result<BTreeMap<String, Configuration>> {
    let plan = |(variant, graph): (&Variant, &PackageGraph)| {
        Ok((variant.name(), locked.plan(graph, *variant, &Stamps::Generated("Nix"), None, |_| true)?))
    };
    variants.iter().zip(graphs).map(plan).collect()
}

fn render_bazel(locked: &Locked, variants: &[Variant], graphs: &[PackageGraph]) -> Result<GeneratedFiles> {
    let tests_profile = locked.tests_profile(variants);
    let tested = |variant: &Variant| {
        (variant.profile_name == tests_profile).then(|| locked.test_graph(*variant, TestOptions::default())).transpose()
    };
    let tests: Vec<Option<TestGraph>> = variants.iter().map(tested).collect::<Result<_>>()?;
    warn_of_broken(tests.iter().flatten());
    let views: Vec<bazel::View> = variants
        .iter()
        .zip(graphs.iter().zip(&tests))
        .map(|(v, (graph, tests))| bazel::View { target: v.target, profile: v.profile_name, graph, tests: tests.as_ref() })
        .collect();
    let path = error::file_in(&locked.project.dir, "MODULE.bazel");
    let module_file = match std::fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
        Err(e) => return Err(Error::io("read", &path, &e)),
    };
    bazel::render(&bazel::Input {
        mains: locked.mains(),
        views: &views,
        files: &locked.bazel_files(&views)?,
        binaries: &locked.bazel_binaries(&views)?,
        tests: &locked.bazel_tests(&views)?,
        module_file: module_file.as_deref(),
    })
}

/// Says which tests there are no rules for, because Go couldn't build them either.
fn warn_of_broken<'t>(graphs: impl Iterator<Item = &'t TestGraph>) {
    let broken: BTreeMap<_, _> = graphs
        .flat_map(|graph| &graph.tested)
        .filter_map(|tested| match &tested.tests {
            Tests::Broken(wrong) => Some((&tested.path, wrong)),
            _ => None,
        })
        .collect();
    for (path, wrong) in broken {
        anstream::eprintln!(
            "godirect: warning: there is no go_test for {path}, since its tests can't be built: {}",
            wrong.join("; ")
        );
    }
}

/// Generated files that an earlier run may have left, perhaps of an output that the spec no longer asks for.
pub fn leftovers(project: &Project, files: &GeneratedFiles) -> Result<BTreeSet<String>> {
    let usual = Nix { dir: DEFAULT_NIX_DIR.to_owned(), flake: true };
    let mut found: BTreeSet<String> = project.spec.nix.iter().chain([&usual]).flat_map(nix::paths).collect();
    found.extend(ci::paths());
    found.extend(project.directories()?.iter().map(|directory| join(directory, bazel::BUILD_FILE)));
    found.retain(|path| !files.contains_key(path));
    Ok(found)
}
