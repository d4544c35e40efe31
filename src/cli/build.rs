//! `godirect build`

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::output::{self, JSON_VERSION};
use super::progress::Bar;
use crate::digest::Sha256;
use crate::error::{self, Error, Result};
use crate::exec::sdk::Sdk;
use crate::exec::{self, Environment, Sources};
use crate::graph::PackageGraph;
use crate::lock::cache::Cache;
use crate::lock::fetch::Fetcher;
use crate::lock::file::Lockfile;
use crate::lock::proxy::Proxy;
use crate::lock::resolve;
use crate::platform::OsArch;
use crate::project::{Locked, Project, Variant};
use crate::write;

/// Build binaries with the embedded engine and print their SHA-256.
///
/// Runs Go's compiler, assembler and linker directly, on all cores, and reuses what it built before from the cache. The SDK and modules that
/// aren't there are fetched and verified against the lock. Needs neither Nix nor Bazel nor Go, and doesn't read what `godirect generate` wrote.
///
/// The binaries go to godirect-out/PLATFORM/NAME beside the spec, those of a named profile to godirect-out/PLATFORM-PROFILE/NAME. When a tool
/// fails, its messages are shown, and the exit code is 1.
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
    /// How many compilers run at once; by default as many as there are cores.
    #[arg(short, long, value_name = "N")]
    jobs: Option<std::num::NonZeroUsize>,
}

/// What was built, as JSON shows it.
#[derive(Serialize)]
struct Summary {
    version: u32,
    binaries: Vec<Binary>,
    compiled: usize,
    reused: usize,
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
    let Summary { compiled, reused, .. } = summary;
    output::line("compiled", format!("{compiled}, reused {reused} of {}  {}", compiled + reused, output::duration(took)));
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
    let mut summary = Summary { version: JSON_VERSION, binaries: Vec::new(), compiled: 0, reused: 0 };
    for (variant, graph) in variants.into_iter().zip(&graphs) {
        let configuration = locked.plan(graph, variant, |name| wanted.contains(&name.to_owned()))?;
        let Sdk { goroot, id } = &toolchains[variant.profile.sdk.as_str()];
        let environment =
            Environment { goroot, tools: &tools_of(goroot)?, sdk_id: id, sources: &sources, cache: &actions, jobs };
        let bar = Bar::count();
        let built = exec::build(&configuration, environment, &|done, total, name| bar.update(done, total, name))?;
        summary.compiled += built.compiled;
        summary.reused += built.reused;
        for (name, result) in &built.binaries {
            let file = &configuration.binaries[name].file;
            let path = output_directory(project, arguments).join(variant.name()).join(file);
            place(&result.path, &path)?;
            let size = std::fs::metadata(&path).map_err(|e| Error::io("read", &path, &e))?.len();
            let (name, configuration) = (name.clone(), variant.name());
            summary.binaries.push(Binary { name, configuration, path, sha256: result.sha256, size });
        }
    }
    Ok(summary)
}

fn output_directory(project: &Project, arguments: &Arguments) -> PathBuf {
    arguments.out.clone().unwrap_or_else(|| error::file_in(&project.dir, "godirect-out"))
}

/// Copies a binary out of the cache, in one step.
pub(super) fn place(from: &Path, to: &Path) -> Result<()> {
    let content = std::fs::read(from).map_err(|e| Error::io("read", from, &e))?;
    write::executable(to, &content)
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
