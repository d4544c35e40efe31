//! `godirect build`

mod images;
mod reporter;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::output::{self, JSON_VERSION};
use super::progress::Bar;
use crate::digest::Sha256;
use crate::error::{self, Error, Result};
use crate::exec::sdk::Sdk;
use crate::exec::{self, Engine, Event, Sources, Work};
use crate::files::Files;
use crate::graph::PackageGraph;
use crate::lock::cache::Cache;
use crate::lock::fetch::Fetcher;
use crate::lock::file::Lockfile;
use crate::lock::proxy::Proxy;
use crate::lock::resolve;
use crate::plan::Configuration;
use crate::platform::OsArch;
use crate::project::memo::Memo;
use crate::project::stamps::{self, Stamps};
use crate::project::{Locked, Project, Variant};
use crate::spec::Image;
use crate::write::{self, Copied};
use reporter::Explained;

pub(super) use reporter::Reporter;

/// Build binaries with the embedded engine and print their SHA-256.
///
/// Runs Go's compiler, assembler and linker directly, on all cores, and reuses what it built before from the cache. The SDK and modules that
/// aren't there are fetched and verified against the lock. Needs neither Nix nor Bazel nor Go, and doesn't read what `godirect generate` wrote.
///
/// The binaries go to godirect-out/PLATFORM/NAME beside the spec, those of a named profile to godirect-out/PLATFORM-PROFILE/NAME. When a tool
/// fails, its messages are shown as `go build` shows them, and the exit code is 1. Ctrl-C stops all tools and leaves nothing half-written.
/// A binary that the spec has runtime settings for gets them in a file NAME.env.
///
/// An image of the spec is built when it is named, for its own platforms whatever --platform says, and goes to godirect-out/IMAGE.tar: an OCI image layout, which container tools read.
///
/// Example: `godirect build ./cmd/server --platform linux/arm64`
#[derive(Debug, Default, clap::Args)]
#[group(skip)]
pub struct Arguments {
    /// Directories of main packages, or names of binaries or images; all binaries by default.
    #[arg(value_name = "PKG")]
    packages: Vec<String>,
    /// Build for this platform of the spec (its name, or GOOS/GOARCH), or for `all`; may be repeated. By default for this machine's, or for all
    /// if the spec doesn't have it.
    #[arg(long, value_name = "PLATFORM")]
    platform: Vec<String>,
    /// Build in this profile only. By default in each that the binary has in the spec.
    #[arg(long)]
    profile: Option<String>,
    /// Put the binaries below this directory, as PLATFORM/NAME, instead of godirect-out.
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How many compilers and linkers run at once; by default as many as there are cores.
    #[arg(short, long, value_name = "N")]
    jobs: Option<std::num::NonZeroUsize>,
    /// Where the spec's status("KEY") finds its values: lines of a key, a space and a value, as Bazel's workspace status command prints them.
    #[arg(long, value_name = "FILE")]
    status_file: Option<PathBuf>,
    /// After a failure, build all that doesn't depend on it, and tell all failures.
    #[arg(short, long)]
    keep_going: bool,
    /// Tell of each package that is compiled and of each binary that is linked, which of its inputs changed: a source file, what it sees of a
    /// package that it imports, flags, the SDK.
    #[arg(long)]
    explain: bool,
}

/// What was built, as JSON shows it.
#[derive(Serialize)]
struct Summary {
    version: u32,
    binaries: Vec<Binary>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<images::Made>,
    compiled: usize,
    reused: usize,
    linked: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    explained: Option<Vec<Explained>>,
}

/// A binary that was built.
#[derive(Clone, Serialize, Deserialize)]
struct Binary {
    name: String,
    configuration: String,
    path: PathBuf,
    sha256: Sha256,
    size: u64,
}

pub fn run(directory: &Path, arguments: &Arguments, json: bool) -> Result<ExitCode> {
    let start = Instant::now();
    let Arguments { packages, platform, profile, out, .. } = arguments;
    let memo = Memo::of(directory, format!("build {packages:?} {platform:?} {profile:?} {out:?}"));
    let done = |memo: &Memo| serde_json::from_slice::<Done>(memo.recall()?.bytes()).ok();
    let summary = match memo.as_ref().and_then(done) {
        Some(done) => done.summary(arguments.explain),
        None => build_noting(directory, arguments, memo)?,
    };
    if json {
        output::json(&summary)?;
    } else {
        show(&summary, start.elapsed());
    }
    Ok(ExitCode::SUCCESS)
}

/// What a build has made, and what it would find again if nothing changes.
#[derive(Clone, Serialize, Deserialize)]
struct Done {
    binaries: Vec<Binary>,
    images: Vec<images::Made>,
    packages: usize,
}

impl Done {
    fn summary(self, explain: bool) -> Summary {
        let explained = explain.then(Vec::new);
        let (binaries, images, reused) = (self.binaries, self.images, self.packages);
        Summary { version: JSON_VERSION, binaries, images, compiled: 0, reused, linked: 0, explained }
    }
}

/// Builds, and remembers what was read and written for it.
fn build_noting(directory: &Path, arguments: &Arguments, memo: Option<Memo>) -> Result<Summary> {
    let (project, lock) = Project::open_with_lock(Files::noting(), directory)?;
    let Outcome { summary, written, repeats } = build(&project, &lock, arguments)?;
    for (path, sha256) in written {
        let (path, directory) = (path.as_path(), project.dir.as_path());
        let (directory, below) = match path.strip_prefix(directory) {
            Ok(below) => (directory, below),
            Err(_) if directory == Path::new(".") => (directory, path),
            Err(_) => (Path::new(""), path),
        };
        project.files.note_written(directory, below, sha256);
    }
    // Stamps come from the environment.
    let stamped = project.variants().iter().any(|variant| !variant.profile.stamp.is_empty());
    if let (Some(memo), Some(notes), true, false) = (memo, project.files.notes(), repeats, stamped) {
        let (binaries, images) = (summary.binaries.clone(), summary.images.clone());
        let done = Done { binaries, images, packages: summary.compiled + summary.reused };
        if let Ok(done) = serde_json::to_vec(&done) {
            memo.keep(&done, notes);
        }
    }
    Ok(summary)
}

/// Builds with default arguments and shows the result, for `godirect all`.
pub fn run_all(project: &Project, lock: &Lockfile, arguments: &Arguments) -> Result<()> {
    let start = Instant::now();
    show(&build(project, lock, arguments)?.summary, start.elapsed());
    Ok(())
}

fn show(summary: &Summary, took: Duration) {
    for Explained { configuration, action, name, reasons } in summary.explained.iter().flatten() {
        output::line(action, format!("{name} for {configuration}: {}", reasons.join("; ")));
    }
    let Summary { compiled, reused, linked, .. } = summary;
    let all = compiled + reused;
    let rate = if all == 0 { 0.0 } else { *reused as f64 / all as f64 * 100.0 };
    let rate = format!("{compiled}, reused {reused} of {all} ({rate:.0} %), linked {linked}  {}", output::duration(took));
    output::line("compiled", rate);
    for binary in &summary.binaries {
        output::line("binary", format!("{}  {}  {}", binary.sha256, binary.path.display(), output::size(binary.size)));
    }
    for image in &summary.images {
        output::line("image", format!("{}  {}  {}", image.sha256, image.path.display(), output::size(image.size)));
    }
}

fn build(project: &Project, lock: &Lockfile, arguments: &Arguments) -> Result<Outcome> {
    let max_bytes = super::cache::max_bytes()?;
    let locked = project.with_lock(lock)?;
    let Chosen { images, binaries, variants, own } = Chosen::of(&locked, arguments)?;
    let graphs = locked.graphs(&variants)?;
    check_buildable(project, &variants[..own], &graphs, &binaries, arguments)?;
    let (cache, proxy) = (Cache::open()?, Proxy::from_env()?);
    let (toolchains, sources) = fetch(&locked, &variants, &graphs, &cache, &proxy)?;
    let actions = super::cache::open()?;
    let jobs = arguments.jobs.or_else(|| std::thread::available_parallelism().ok()).map_or(1, Into::into);
    let status = arguments.status_file.as_deref().map(stamps::read_status).transpose()?;
    let stamps = Stamps::Built { variable: &|name| std::env::var(name).ok(), status: status.as_ref() };
    let (files, keep_going, shared) = (&project.files, arguments.keep_going, &exec::Shared::default());
    let engine = Engine { sources: &sources, files, cache: &actions, shared, jobs, keep_going };
    let plan = |(index, (variant, graph)): (usize, (&Variant, &PackageGraph))| {
        let is_own = |name: &str| index < own && binaries.iter().any(|binary| binary == name);
        let is_wanted = |name: &str| is_own(name) || images::need(project, &images, variant, name);
        let sdk = &toolchains[variant.profile.sdk.as_str()];
        let needs = locked.c_needs(graph, *variant, is_wanted)?;
        let c = exec::c::find(&needs, &sources, &sdk.goroot, &cache.root().join("c"))?;
        let configuration = locked.plan(graph, *variant, &stamps, Some(&c.toolchain), is_wanted)?;
        Ok(Planned { name: variant.name(), configuration, sdk, tools: tools_of(&sdk.goroot)?, c })
    };
    let planned = variants.iter().zip(&graphs).enumerate().map(plan).collect::<Result<Vec<Planned>>>()?;
    std::thread::scope(|scope| {
        scope.spawn(|| actions.trim_daily(max_bytes));
        let out = output_directory(project, arguments);
        let mut outcome = build_planned(project, &planned, engine, &out, arguments.explain)?;
        outcome.summary.images = images::make(&locked, &images, &planned, (&cache, &proxy), &out)?;
        outcome.written.extend(outcome.summary.images.iter().map(|image| (image.path.clone(), image.sha256)));
        Ok(outcome)
    })
}

/// What is to be built.
struct Chosen<'a> {
    images: Vec<&'a Image>,
    binaries: Vec<String>,
    /// First those of the binaries, then those that only images need.
    variants: Vec<Variant<'a>>,
    /// How many the binaries have.
    own: usize,
}

impl<'a> Chosen<'a> {
    fn of(locked: &Locked<'a>, arguments: &Arguments) -> Result<Chosen<'a>> {
        let project = locked.project;
        let (images, names) = images::split(project, &arguments.packages);
        let (mut variants, mut binaries) = (Vec::new(), Vec::new());
        if images.is_empty() || !names.is_empty() {
            variants = host_variants(project, &arguments.platform, arguments.profile.as_deref())?;
            if project.binaries.is_empty() {
                // Files that can't be read as Go may be why there is no main package.
                locked.graphs(&variants)?;
            }
            binaries = chosen_binaries(project, &names)?;
            if !variants.iter().any(|v| project.binaries_of(*v).any(|(name, _)| binaries.iter().any(|b| b == name))) {
                let error = Error::input("nothing to build: none of these binaries has this profile");
                return Err(error.help("give it to one in the spec: binary(…, profiles = […])"));
            }
        }
        let own = variants.len();
        for variant in images.iter().flat_map(|image| project.image_variants(image)) {
            if !variants.iter().any(|known| known.name() == variant.name()) {
                variants.push(variant);
            }
        }
        Ok(Chosen { images, binaries, variants, own })
    }
}

/// What came of a build.
struct Outcome {
    summary: Summary,
    /// The files that were written, with their digests.
    written: Vec<(PathBuf, Sha256)>,
    /// Whether the same files of the repository give the same again, without a word.
    repeats: bool,
}

/// A configuration that is ready to be built.
struct Planned<'a> {
    name: String,
    configuration: Configuration,
    sdk: &'a Sdk,
    tools: PathBuf,
    c: exec::c::Machine,
}

/// Builds and puts the binaries where people find them.
fn build_planned(project: &Project, planned: &[Planned], engine: Engine, out: &Path, explain: bool) -> Result<Outcome> {
    let work: Vec<Work> = planned
        .iter()
        .map(|p| Work {
            name: &p.name,
            configuration: &p.configuration,
            goroot: &p.sdk.goroot,
            tools: &p.tools,
            sdk_id: &p.sdk.id,
            c: &p.c,
        })
        .collect();
    let reporter = Reporter::new();
    let place_of = |configuration: &str, name: &str| {
        let planned = planned.iter().find(|planned| planned.name == configuration)?;
        Some(out.join(configuration).join(&planned.configuration.binaries.get(name)?.file))
    };
    let copies = Mutex::new(BTreeMap::new());
    let copies_now = || copies.lock().unwrap_or_else(PoisonError::into_inner);
    let on_event = |event: Event| match event {
        Event::Begun => copies_now().clear(),
        Event::Linked { configuration, name, file } => {
            let copied = place_of(configuration, name).and_then(|path| Some((path.clone(), Copied::beside(&path, file)?)));
            copies_now().extend(copied);
        }
        event => reporter.report(event),
    };
    let built = exec::build(&work, engine, &on_event)?;
    // Before anything else is written into these directories: they would be taken for leftovers.
    let copies = copies.into_inner().unwrap_or_else(PoisonError::into_inner);
    let placed = copies.into_iter().filter_map(|(path, copied)| Some((path.clone(), copied.put(&path)?)));
    let placed: BTreeMap<PathBuf, u64> = placed.collect();
    let (explained, spoke) = reporter.finish();
    let (mut binaries, mut written) = (Vec::new(), Vec::new());
    for ((planned, outputs), headers) in planned.iter().zip(&built.binaries).zip(&built.headers) {
        for (name, output) in outputs {
            let binary = &planned.configuration.binaries[name];
            let path = out.join(&planned.name).join(&binary.file);
            let size = placed.get(&path).copied().map_or_else(|| place(&output.file, &path), Ok)?;
            written.push((path.clone(), output.sha256));
            written.extend(write_runtime(&project.binaries[name].runtime, &path)?);
            if let (Some(file), Some(header)) = (&binary.header, headers.get(&binary.main)) {
                place_header(&header.file, &path.with_file_name(file))?;
            }
            let (name, configuration) = (name.clone(), planned.name.clone());
            binaries.push(Binary { name, configuration, path, sha256: output.sha256, size });
        }
    }
    let exec::Built { compiled, reused, linked, .. } = built;
    let explained = explain.then_some(explained);
    let summary = Summary { version: JSON_VERSION, binaries, images: Vec::new(), compiled, reused, linked, explained };
    // C compilers read files of the machine; what tools say is to be said again.
    let uses_c = |c: &Configuration| c.packages.values().any(|p| p.c.is_some()) || c.binaries.values().any(|b| b.c.is_some());
    let repeats = !spoke && !planned.iter().any(|p| uses_c(&p.configuration));
    Ok(Outcome { summary, written, repeats })
}

/// Refuses to build nothing, or without a word less than was asked for: a main package may have no files for a platform.
fn check_buildable(
    project: &Project,
    variants: &[Variant],
    graphs: &[PackageGraph],
    wanted: &[String],
    arguments: &Arguments,
) -> Result<()> {
    let mut built = BTreeSet::new();
    for (variant, graph) in variants.iter().zip(graphs) {
        for (name, binary) in project.binaries_of(*variant).filter(|(name, _)| wanted.iter().any(|w| w == name)) {
            built.extend(binary.is_built(graph)?.then_some(name));
        }
    }
    let is_built = |name: &String| built.contains(name.as_str());
    let missing = if arguments.packages.is_empty() {
        wanted.first().filter(|_| !wanted.iter().any(is_built))
    } else {
        wanted.iter().find(|name| !is_built(name))
    };
    let Some(missing) = missing else { return Ok(()) };
    let platforms: BTreeSet<&str> = variants.iter().map(|v| v.target.name.as_str()).collect();
    let platforms = Vec::from_iter(platforms).join(", ");
    let error = Error::input(format!("nothing to build: {missing} has no Go files for {platforms}"));
    Err(error.help("choose another platform with --platform"))
}

fn output_directory(project: &Project, arguments: &Arguments) -> PathBuf {
    arguments.out.clone().unwrap_or_else(|| error::file_in(&project.dir, "godirect-out"))
}

/// Copies a binary out of the cache, in one step; its size.
pub(super) fn place(from: &File, to: &Path) -> Result<u64> {
    write::executable(to, from)
}

/// The same with the header of a library, unless that exports nothing.
fn place_header(mut from: &File, to: &Path) -> Result<()> {
    let mut content = Vec::new();
    from.read_to_end(&mut content).map_err(|e| Error::io("read the cache's copy of", to, &e))?;
    if content.is_empty() { Ok(()) } else { write::atomic(to, &content) }
}

/// Writes the variables that a binary is to run with into a file beside it, as `NAME=value` lines; its path and digest.
fn write_runtime(variables: &BTreeMap<String, String>, binary: &Path) -> Result<Option<(PathBuf, Sha256)>> {
    if variables.is_empty() {
        return Ok(None);
    }
    let mut path = binary.as_os_str().to_owned();
    path.push(".env");
    let (path, text) =
        (PathBuf::from(path), variables.iter().map(|(name, value)| format!("{name}={value}\n")).collect::<String>());
    write::atomic(&path, text.as_bytes())?;
    Ok(Some((path, Sha256::of(text))))
}

/// Where an SDK's tools for this machine are.
pub(super) fn tools_of(goroot: &Path) -> Result<PathBuf> {
    let host = OsArch::host()?;
    Ok(goroot.join(format!("pkg/tool/{}_{}", host.goos, host.goarch)))
}

/// The SDKs of the variants by name, and the unpacked modules that the graphs need: the lock has those of tests too.
pub(super) fn fetch<'a>(
    locked: &Locked<'a>,
    variants: &[Variant<'_>],
    graphs: &[PackageGraph],
    cache: &Cache,
    proxy: &Proxy,
) -> Result<(BTreeMap<&'a str, Sdk>, Sources)> {
    let bar = Bar::bytes();
    let progress = |p: crate::lock::Progress<'_>| bar.download(p);
    let fetcher = Fetcher { cache, proxy, database: None, progress: &progress };
    let (host, root, phases) = (OsArch::host()?, &locked.project.dir, Bar::phases());
    let mut toolchains = BTreeMap::new();
    for variant in variants {
        let locked = locked.sdk(variant.profile);
        if !toolchains.contains_key(locked.name.as_str()) {
            let sdk = exec::sdk::locked(&fetcher, locked, host, root, &|phase| phases.phase(phase))?;
            toolchains.insert(locked.name.as_str(), sdk);
        }
    }
    drop(phases);
    let mut modules = BTreeMap::new();
    let needed: BTreeSet<usize> = graphs.iter().flat_map(|graph| graph.module_directories().into_keys()).collect();
    for (_, module) in locked.lock.modules.iter().enumerate().filter(|(index, _)| needed.contains(index)) {
        let directory = resolve::module_directory(&fetcher, module)?;
        modules.insert(format!("{}@{}", module.path, module.version), (directory, module.h1.to_string()));
    }
    let root = std::path::absolute(&locked.project.dir).map_err(|e| Error::io("use", &locked.project.dir, &e))?;
    Ok((toolchains, Sources { root, modules }))
}

/// The variants that are asked for; without a platform those of this machine, or all if the spec doesn't have it.
pub(super) fn host_variants<'a>(project: &'a Project, platforms: &[String], profile: Option<&str>) -> Result<Vec<Variant<'a>>> {
    let variants = project.chosen_variants(platforms, profile)?;
    if !platforms.is_empty() {
        return Ok(variants);
    }
    let host = OsArch::host()?;
    let own: Vec<Variant> = variants.iter().copied().filter(|v| v.target.platform.os_arch() == host).collect();
    Ok(if own.is_empty() { variants } else { own })
}

fn chosen_binaries(project: &Project, names: &[String]) -> Result<Vec<String>> {
    if project.binaries.is_empty() {
        return Err(
            Error::input("there is no main package in the module").help("nothing to build; `godirect generate` still works")
        );
    }
    if names.is_empty() {
        return Ok(project.binaries.keys().cloned().collect());
    }
    let find = |wanted: &String| {
        let directory = wanted.strip_prefix("./").unwrap_or(wanted).trim_end_matches('/');
        let directory = if directory == "." { "" } else { directory };
        let found = project.binaries.iter().find(|(name, b)| *name == wanted || b.directory == directory);
        found.map(|(name, _)| name.clone()).ok_or_else(|| {
            let mut known: Vec<&str> = project.binaries.keys().map(String::as_str).collect();
            known.extend(project.spec.images.iter().map(|image| image.name.as_str()));
            let namesakes: Vec<&str> =
                project.binaries.iter().filter(|(_, b)| b.target == *wanted).map(|(name, _)| name.as_str()).collect();
            let (names, has) = if namesakes.is_empty() { (known, "it has") } else { (namesakes, "several could be meant:") };
            let what = if project.spec.images.is_empty() { "binary" } else { "binary or image" };
            let error = Error::input(format!("the spec has no {what} `{}`", wanted.escape_debug()));
            error.help(format!("{has} {}", names.join(", ")))
        })
    };
    names.iter().map(find).collect()
}
