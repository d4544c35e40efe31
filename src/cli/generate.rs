//! `godirect generate`

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::output::{self, JSON_VERSION};
use crate::emit::bazel::{self, Rendered};
use crate::emit::{ci, nix};
use crate::error::{self, Error, Result};
use crate::files::Files;
use crate::git::Repository;
use crate::graph::tested::{TestGraph, TestOptions, Tests};
use crate::graph::{Origin, PackageGraph};
use crate::lock::file::Lockfile;
use crate::project::memo::Memo;
use crate::project::nix::NixPlans;
use crate::project::{Locked, Project, Variant};
use crate::source::tree::join;
use crate::spec::{DEFAULT_NIX_DIR, Nix, Ruleset};
use crate::write::{self, Change, GeneratedFile, GeneratedFiles};

/// Write Nix files, Bazel files and pipelines of CI from spec, lock and sources, offline.
///
/// Needs neither Bazel, nor Nix, nor Go. For nix(): flake.nix, default.nix and the directory `nix` (or another). For bazel(): a section of MODULE.bazel, and
/// rules in the BUILD file of each directory with a package: a library, a binary for each profile, a test. For ci(): a pipeline for each CI system. Files that are as they should be aren't
/// touched. A warning says which tests can't be built.
///
/// BUILD files are merged, as Gazelle does: the attributes that godirect manages are brought up to date, rules of packages that are gone are removed,
/// and all else stays as it is, byte for byte. `# keep` and the directives of Gazelle count; docs/build-files.md has the details. A BUILD file
/// that can't be read or parsed is left alone, the others are written, and the exit code is 2 or 3. Of MODULE.bazel everything outside of the marked section
/// stays. Nix files that a person wrote are never overwritten (exit 2): a generated one has `@generated` in its first lines.
///
/// Example, for CI: `godirect generate --check`
#[derive(Debug, Default, clap::Args)]
#[group(skip)]
pub struct Arguments {
    /// Write nothing; print what would change as a diff, and exit with 1 if anything would.
    #[arg(long)]
    check: bool,
    /// Only the BUILD files of these directories, relative to the spec; `dir/...` means those below as well.
    #[arg(value_name = "PACKAGE")]
    packages: Vec<String>,
}

/// Switch BUILD files to the spec's ruleset, and remove what is stale.
///
/// Does what `generate` does, and in every BUILD file loads the rules of Go from the ruleset of bazel() in the spec (rules_go_direct, or rules_go)
/// where they come from the other one; attributes and rules that the ruleset doesn't have are removed. Says what it removed and
/// switched.
///
/// Example: `godirect fix --check`
#[derive(Debug, Default, clap::Args)]
#[group(skip)]
pub struct FixArguments {
    #[command(flatten)]
    generate: Arguments,
}

#[derive(Serialize)]
struct Summary<'a> {
    version: u32,
    changed: Vec<&'a str>,
    files: usize,
}

pub fn run(directory: &Path, arguments: &Arguments, json: bool) -> Result<ExitCode> {
    execute(directory, arguments, json, false)
}

pub fn run_fix(directory: &Path, arguments: &FixArguments, json: bool) -> Result<ExitCode> {
    execute(directory, &arguments.generate, json, true)
}

fn execute(directory: &Path, arguments: &Arguments, json: bool, fix: bool) -> Result<ExitCode> {
    let start = Instant::now();
    // What is asked of the whole repository gives the same again while nothing has changed.
    let memo = arguments.packages.is_empty().then(|| Memo::of(directory, format!("generate {fix}"))).flatten();
    if let Some(fresh) = memo.as_ref().and_then(Fresh::recall) {
        return fresh.show(arguments, json, start.elapsed());
    }
    let (project, lock) = Project::open_with_lock(Files::noting(), directory)?;
    let mut rendered = render(&project, &lock, fix)?;
    let mut leftovers = leftovers(&project, &rendered.files)?;
    if !arguments.packages.is_empty() {
        leftovers.clear();
        only(&mut rendered, &arguments.packages)?;
    }
    let changes = write::changes(directory, &rendered.files, &leftovers)?;
    if !arguments.check {
        write::apply(directory, &changes)?;
    }
    if json {
        let changed = changes.iter().map(|c| c.path.as_str()).collect();
        output::json(&Summary { version: JSON_VERSION, changed, files: count(&rendered.files) })?;
    } else if arguments.check {
        output::text(changes.iter().map(Change::diff).collect::<String>())?;
    } else {
        show(&rendered.files, &changes, start.elapsed());
    }
    if fix && !json {
        rendered.notes.iter().for_each(|note| output::line("fixed", note));
    }
    report(&rendered)?;
    // What was said is to be said again.
    let is_quiet = rendered.notes.is_empty() && rendered.warnings.is_empty();
    if let Some(memo) = memo.filter(|_| changes.is_empty() && is_quiet && !arguments.check) {
        Fresh { files: count(&rendered.files) }.keep(&memo, &project, &rendered.files, &leftovers);
    }
    let stale = arguments.check && !changes.is_empty();
    if stale && !json {
        let verb = if fix { "fix" } else { "generate" };
        anstream::eprintln!("{} stale; `godirect {verb}` updates them", output::count(changes.len(), "file"));
    }
    Ok(if stale { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// That all files are as they should be, and so many there are.
#[derive(Serialize, Deserialize)]
struct Fresh {
    files: usize,
}

impl Fresh {
    fn recall(memo: &Memo) -> Option<Fresh> {
        serde_json::from_slice(memo.recall()?.bytes()).ok()
    }

    fn show(&self, arguments: &Arguments, json: bool, took: Duration) -> Result<ExitCode> {
        if json {
            output::json(&Summary { version: JSON_VERSION, changed: Vec::new(), files: self.files })?;
        } else if !arguments.check {
            show_fresh(self.files, took);
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Remembers it together with what was read, and with the generated files themselves.
    fn keep(&self, memo: &Memo, project: &Project, files: &GeneratedFiles, leftovers: &BTreeSet<String>) {
        let read = |path: &str| project.files.read(&error::file_in(&project.dir, path));
        let is_right = |(path, file): (&String, &GeneratedFile)| read(path).unwrap_or_default() == file.text.as_bytes();
        let is_gone = |path: &String| !read(path).is_ok_and(|text| write::is_generated(&String::from_utf8_lossy(&text)));
        // Somebody may have written one meanwhile.
        if !files.iter().all(is_right) || !leftovers.iter().all(is_gone) {
            return;
        }
        if let (Some(notes), Ok(answer)) = (project.files.notes(), serde_json::to_vec(self)) {
            memo.keep(&answer, notes);
        }
    }
}

/// Says what a person should look at.
///
/// # Errors
///
/// The last of the files that had to be left alone, after the others have been shown.
pub fn report(rendered: &Rendered) -> Result<()> {
    for warning in &rendered.warnings {
        anstream::eprintln!("godirect: warning: {warning}");
    }
    let Some((last, others)) = rendered.errors.split_last() else { return Ok(()) };
    for error in others {
        anstream::eprintln!("{}", error.render(false));
    }
    Err(last.clone())
}

/// Leaves BUILD files of the packages alone.
///
/// # Errors
///
/// When there are none.
fn only(rendered: &mut Rendered, packages: &[String]) -> Result<()> {
    let directory_of = |path: &str| path.rsplit_once('/').map_or("", |(directory, _)| directory).to_owned();
    let is_build_file = |path: &str| path != "MODULE.bazel" && (path.ends_with(".bazel") || path.ends_with("BUILD"));
    let mut wanted: BTreeSet<String> = BTreeSet::new();
    for package in packages {
        let plain = package.trim_start_matches("./").trim_start_matches("//").trim_end_matches('/');
        let (directory, below) = match plain.strip_suffix("...") {
            Some(parent) => (parent.trim_end_matches('/'), true),
            None => (if plain == "." { "" } else { plain }, false),
        };
        let inside = |found: &str| {
            found == directory
                || below && (directory.is_empty() || found.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/')))
        };
        let paths = rendered.files.keys().filter(|path| is_build_file(path) && inside(&directory_of(path)));
        let before = wanted.len();
        wanted.extend(paths.cloned());
        if wanted.len() == before {
            let error = Error::input(format!("{package} has no BUILD file, and needs none"));
            return Err(error.help("write directories relative to the spec, such as cmd/server or internal/..."));
        }
    }
    rendered.files.retain(|path, _| wanted.contains(path));
    Ok(())
}

/// How many files there are to be.
fn count(files: &GeneratedFiles) -> usize {
    files.values().filter(|file| !file.text.is_empty()).count()
}

/// Says what was written.
pub fn show(files: &GeneratedFiles, changes: &[Change], took: Duration) {
    if changes.is_empty() {
        return show_fresh(count(files), took);
    }
    let took = output::duration(took);
    for change in changes {
        output::line(if change.new.is_some() { "wrote" } else { "removed" }, &change.path);
    }
    output::line("", format!("{} of {}  {took}", changes.len(), output::count(count(files), "generated file")));
}

fn show_fresh(files: usize, took: Duration) {
    output::line("fresh", format!("{}  {}", output::count(files, "generated file"), output::duration(took)));
}

/// Renders everything that the spec asks for; `fix` also switches rulesets.
pub fn render(project: &Project, lock: &Lockfile, fix: bool) -> Result<Rendered> {
    let spec = &project.spec;
    if spec.nix.is_none() && spec.bazel.is_none() && spec.ci.is_empty() {
        let error = Error::input(format!("{} asks for no output", spec.path.display()));
        return Err(error.help("add nix(), bazel() or ci(…) to it"));
    }
    let locked = project.with_lock(lock)?;
    let variants = project.variants();
    let graphs: Vec<PackageGraph> = locked.graphs(&variants)?;
    let mut rendered = match project.spec.bazel {
        Some(ruleset) => render_bazel(&locked, &variants, &graphs, ruleset, fix)?,
        None => Rendered::default(),
    };
    if let Some(nix) = &project.spec.nix {
        let NixPlans { plans, warnings } = locked.nix_plans(&variants, &graphs, true)?;
        let images = project.image_actions(&plans)?;
        rendered.files.extend(nix::render(&locked.sdk_versions(), &plans, &images, nix)?);
        rendered.warnings.extend(warnings);
    }
    if !spec.ci.is_empty() {
        check_is_root(project)?;
    }
    for (system, settings) in &spec.ci {
        rendered.files.extend(ci::render(*system, settings)?);
    }
    Ok(rendered)
}

/// CI systems look for pipelines in the root of a git repository, and nowhere else. Where there is none, it may become one.
fn check_is_root(project: &Project) -> Result<()> {
    let Ok(repository) = Repository::discover(&project.dir) else { return Ok(()) };
    let directory = repository.directory();
    if directory.is_empty() {
        return Ok(());
    }
    let spec = project.spec.path.display();
    let error = Error::input(format!("{spec} has ci(), and is in the directory {directory} of the git repository"));
    Err(error.help("move the spec to the repository's root, where CI systems look for pipelines, or remove ci()"))
}

fn render_bazel(
    locked: &Locked,
    variants: &[Variant],
    graphs: &[PackageGraph],
    ruleset: Ruleset,
    fix: bool,
) -> Result<Rendered> {
    let tests_profile = locked.tests_profile(variants);
    let tested = |variant: &Variant| {
        (variant.profile_name == tests_profile).then(|| locked.test_graph(*variant, TestOptions::default())).transpose()
    };
    let tests: Vec<Option<TestGraph>> = variants.iter().map(tested).collect::<Result<_>>()?;
    let views: Vec<bazel::View> = variants
        .iter()
        .zip(graphs.iter().zip(&tests))
        .map(|(v, (graph, tests))| bazel::View { target: v.target, profile: v.profile_name, graph, tests: tests.as_ref() })
        .collect();
    let path = error::file_in(&locked.project.dir, "MODULE.bazel");
    let module_file = match locked.project.files.read_text(&path) {
        Ok(text) => Some(text),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
        Err(e) => return Err(Error::io("read", &path, &e)),
    };
    // What is imported has a package wherever it is, also in directories that patterns pass over.
    let packages = views.iter().flat_map(bazel::View::packages);
    let imported = packages.filter_map(|package| match &package.origin {
        Origin::Main { index, directory } => Some(join(&locked.mains()[*index].directory, directory)),
        _ => None,
    });
    let mut rendered = bazel::render(&bazel::Input {
        mains: locked.mains(),
        views: &views,
        files: &locked.bazel_files(&views)?,
        binaries: &locked.bazel_binaries(&views)?,
        images: &locked.project.bazel_images(&views)?,
        tests: &locked.bazel_tests(&views)?,
        module_file: module_file.as_deref(),
        existing: &locked.project.build_files(imported)?,
        rules: &bazel::Rules::new(ruleset, module_file.as_deref()),
        fix,
    })?;
    rendered.warnings.splice(0..0, broken(tests.iter().flatten()));
    Ok(rendered)
}

/// Which tests there are no rules for, because Go couldn't build them either.
fn broken<'t>(graphs: impl Iterator<Item = &'t TestGraph>) -> Vec<String> {
    let broken: BTreeMap<_, _> = graphs
        .flat_map(|graph| &graph.tested)
        .filter_map(|tested| match &tested.tests {
            Tests::Broken(wrong) => Some((&tested.path, wrong)),
            _ => None,
        })
        .collect();
    let warning = |(path, wrong): (_, &Vec<String>)| {
        format!("there is no go_test for {path}, since its tests can't be built: {}", wrong.join("; "))
    };
    broken.into_iter().map(warning).collect()
}

/// Generated files that an earlier run may have left, perhaps of an output that the spec no longer asks for.
pub fn leftovers(project: &Project, files: &GeneratedFiles) -> Result<BTreeSet<String>> {
    let usual = Nix { dir: DEFAULT_NIX_DIR.to_owned(), flake: true, tests: true, skip_tests: BTreeMap::new(), coverage: None };
    let mut found: BTreeSet<String> = project.spec.nix.iter().chain([&usual]).flat_map(nix::paths).collect();
    found.extend(ci::paths());
    if project.spec.bazel.is_none() {
        let is_ours = |existing: &bazel::Existing| existing.file.as_ref().is_ok_and(|file| write::is_generated(&file.text));
        found.extend(project.build_files([])?.into_values().filter(is_ours).map(|existing| existing.path));
    }
    found.retain(|path| !files.contains_key(path));
    Ok(found)
}
