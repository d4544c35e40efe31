//! `godirect build`

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::output::{self, JSON_VERSION};
use super::progress::Bar;
use crate::digest::Sha256;
use crate::error::{self, Error, Result};
use crate::exec::sdk::Sdk;
use crate::exec::{self, Engine, Event, Sources, Work};
use crate::graph::PackageGraph;
use crate::lock::cache::Cache;
use crate::lock::fetch::Fetcher;
use crate::lock::file::Lockfile;
use crate::lock::proxy::Proxy;
use crate::lock::resolve;
use crate::plan::Configuration;
use crate::platform::OsArch;
use crate::project::stamps::{self, Stamps};
use crate::project::{Locked, Project, Variant};
use crate::write;

pub(super) const MAX_CACHE: u64 = 10 << 30;

/// Build binaries with the embedded engine and print their SHA-256.
///
/// Runs Go's compiler, assembler and linker directly, on all cores, and reuses what it built before from the cache. The SDK and modules that
/// aren't there are fetched and verified against the lock. Needs neither Nix nor Bazel nor Go, and doesn't read what `godirect generate` wrote.
///
/// The binaries go to godirect-out/PLATFORM/NAME beside the spec, those of a named profile to godirect-out/PLATFORM-PROFILE/NAME. When a tool
/// fails, its messages are shown as `go build` shows them, and the exit code is 1. Ctrl-C stops all tools and leaves nothing half-written. A
/// binary that the spec has runtime settings for gets them in a file NAME.env.
///
/// Example: `godirect build ./cmd/server --platform linux/arm64`
#[derive(Debug, Default, clap::Args)]
#[group(skip)]
pub struct Arguments {
    /// Directories of main packages, or names of binaries; all by default.
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
    /// After a failure, build all that doesn't depend on it, and tell all failures.
    #[arg(short, long)]
    keep_going: bool,
    /// Tell of each package that is compiled and of each binary that is linked, which of its inputs changed: a source file, what it sees of a
    /// package that it imports, flags, the SDK.
    #[arg(long)]
    explain: bool,
    /// Where the spec's status("KEY") finds its values: lines of a key, a space and a value, as Bazel's workspace status command prints them.
    #[arg(long, value_name = "FILE")]
    status_file: Option<PathBuf>,
}

/// What was built, as JSON shows it.
#[derive(Serialize)]
struct Summary {
    version: u32,
    binaries: Vec<Binary>,
    compiled: usize,
    reused: usize,
    linked: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    explained: Option<Vec<Explained>>,
}

/// Why something was built.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Explained {
    configuration: String,
    action: &'static str,
    name: String,
    reasons: Vec<String>,
}

/// A binary that was built.
#[derive(Serialize)]
struct Binary {
    name: String,
    configuration: String,
    path: PathBuf,
    sha256: Sha256,
    size: u64,
}

pub fn run(directory: &Path, arguments: &Arguments, json: bool) -> Result<ExitCode> {
    let project = Project::open(directory)?;
    let lock = project.read_lock()?;
    let start = Instant::now();
    let summary = build(&project, &lock, arguments)?;
    if json {
        output::json(&summary)?;
    } else {
        show(&summary, start.elapsed());
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds with default arguments and shows the result, for `godirect all`.
pub fn run_all(project: &Project, lock: &Lockfile, arguments: &Arguments) -> Result<()> {
    let start = Instant::now();
    show(&build(project, lock, arguments)?, start.elapsed());
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
}

fn build(project: &Project, lock: &Lockfile, arguments: &Arguments) -> Result<Summary> {
    let locked = project.with_lock(lock)?;
    let variants = host_variants(project, &arguments.platform, arguments.profile.as_deref())?;
    if project.binaries.is_empty() {
        // Files that can't be read as Go may be why there is no main package.
        variants.iter().try_for_each(|v| locked.graph(*v).map(|_| ()))?;
    }
    let wanted = chosen_binaries(project, arguments)?;
    if !variants.iter().any(|v| project.binaries_of(*v).any(|(name, _)| wanted.iter().any(|w| w == name))) {
        let error = Error::input("nothing to build: none of these binaries has this profile");
        return Err(error.help("give it to one in the spec: binary(…, profiles = […])"));
    }
    let graphs = variants.iter().map(|v| locked.graph(*v)).collect::<Result<Vec<_>>>()?;
    let (cache, proxy) = (Cache::open()?, Proxy::from_env()?);
    let (toolchains, sources) = fetch(&locked, &variants, &graphs, &cache, &proxy)?;
    let actions = exec::cache::Cache::open(&cache.root().join("build"))?;
    let jobs = arguments.jobs.or_else(|| std::thread::available_parallelism().ok()).map_or(1, Into::into);
    let status = arguments.status_file.as_deref().map(stamps::read_status).transpose()?;
    let stamps = Stamps::Built { variable: &|name| std::env::var(name).ok(), status: status.as_ref() };
    let engine = Engine { sources: &sources, files: &project.files, cache: &actions, jobs, keep_going: arguments.keep_going };
    let plan = |(variant, graph): (&Variant, &PackageGraph)| {
        let configuration = locked.plan(graph, *variant, &stamps, |name| wanted.iter().any(|w| w == name))?;
        let sdk = &toolchains[variant.profile.sdk.as_str()];
        Ok(Planned { name: variant.name(), configuration, sdk, tools: tools_of(&sdk.goroot)? })
    };
    let planned = variants.iter().zip(&graphs).map(plan).collect::<Result<Vec<Planned>>>()?;
    std::thread::scope(|scope| {
        scope.spawn(|| actions.trim_daily(MAX_CACHE));
        build_planned(project, &planned, engine, &output_directory(project, arguments), arguments.explain)
    })
}

/// A configuration that is ready to be built.
struct Planned<'a> {
    name: String,
    configuration: Configuration,
    sdk: &'a Sdk,
    tools: PathBuf,
}

/// Builds and puts the binaries where people find them.
fn build_planned(project: &Project, planned: &[Planned], engine: Engine, out: &Path, explain: bool) -> Result<Summary> {
    let work: Vec<Work> = planned
        .iter()
        .map(|p| Work {
            name: &p.name,
            configuration: &p.configuration,
            goroot: &p.sdk.goroot,
            tools: &p.tools,
            sdk_id: &p.sdk.id,
        })
        .collect();
    let (reporter, explained) = (Reporter::new(), Mutex::new(Vec::new()));
    let built = exec::build(&work, engine, &|event| {
        reporter.report(event);
        if let Event::Ran { configuration, name, links, reasons } = event {
            let action = if links { "link" } else { "compile" };
            let (configuration, name, reasons) = (configuration.to_owned(), name.to_owned(), reasons.to_vec());
            explained.lock().unwrap_or_else(PoisonError::into_inner).push(Explained { configuration, action, name, reasons });
        }
    })?;
    drop(reporter);
    let mut explained = explained.into_inner().unwrap_or_else(PoisonError::into_inner);
    explained.sort();
    let mut binaries = Vec::new();
    for (planned, outputs) in planned.iter().zip(&built.binaries) {
        for (name, output) in outputs {
            let path = out.join(&planned.name).join(&planned.configuration.binaries[name].file);
            let size = place(engine.cache, &output.sha256, &path)?;
            write_runtime(&project.binaries[name].runtime, &path)?;
            let (name, configuration) = (name.clone(), planned.name.clone());
            binaries.push(Binary { name, configuration, path, sha256: output.sha256, size });
        }
    }
    let exec::Built { compiled, reused, linked, .. } = built;
    Ok(Summary { version: JSON_VERSION, binaries, compiled, reused, linked, explained: explain.then_some(explained) })
}

/// Shows what happens during a build.
pub(super) struct Reporter {
    bar: Bar,
    /// What was shown: several configurations may say the same.
    shown: Mutex<BTreeSet<(String, String)>>,
}

impl Reporter {
    pub fn new() -> Reporter {
        Reporter { bar: Bar::count(), shown: Mutex::default() }
    }

    pub fn report(&self, event: Event) {
        match event {
            Event::Done { done, total, name } => self.bar.update(done, total, name),
            Event::Messages { name, text } => {
                let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
                if shown.insert((name.to_owned(), text.to_owned())) {
                    self.bar.message(&format!("# {name}\n{text}"));
                }
            }
            Event::Failed { .. } | Event::Ran { .. } => {}
        }
    }
}

fn output_directory(project: &Project, arguments: &Arguments) -> PathBuf {
    arguments.out.clone().unwrap_or_else(|| error::file_in(&project.dir, "godirect-out"))
}

/// Copies a binary out of the cache, in one step; its size.
pub(super) fn place(cache: &exec::cache::Cache, sha256: &Sha256, to: &Path) -> Result<u64> {
    let content = cache.read(sha256).map_err(|e| Error::io("read", &cache.blob(sha256), &e))?;
    write::executable(to, &content)?;
    Ok(content.len() as u64)
}

/// Writes the variables that a binary is to run with into a file beside it, as `NAME=value` lines.
fn write_runtime(variables: &BTreeMap<String, String>, binary: &Path) -> Result<()> {
    if variables.is_empty() {
        return Ok(());
    }
    let mut path = binary.as_os_str().to_owned();
    path.push(".env");
    let text: String = variables.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    write::atomic(Path::new(&path), text.as_bytes())
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

fn chosen_binaries(project: &Project, arguments: &Arguments) -> Result<Vec<String>> {
    if project.binaries.is_empty() {
        return Err(
            Error::input("there is no main package in the module").help("nothing to build; `godirect generate` still works")
        );
    }
    if arguments.packages.is_empty() {
        return Ok(project.binaries.keys().cloned().collect());
    }
    let find = |wanted: &String| {
        let directory = wanted.strip_prefix("./").unwrap_or(wanted).trim_end_matches('/');
        let directory = if directory == "." { "" } else { directory };
        let found = project.binaries.iter().find(|(name, b)| *name == wanted || b.directory == directory);
        found.map(|(name, _)| name.clone()).ok_or_else(|| {
            let known: Vec<&str> = project.binaries.keys().map(String::as_str).collect();
            let error = Error::input(format!("the spec has no binary `{}`", wanted.escape_debug()));
            error.help(format!("it has {}", known.join(", ")))
        })
    };
    arguments.packages.iter().map(find).collect()
}
