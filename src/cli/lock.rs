//! `godirect lock`

use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;

use super::output::{self, JSON_VERSION};
use super::progress::Bar;
use crate::error::Result;
use crate::lock::cache::Cache;
use crate::lock::fetch::Fetcher;
use crate::lock::file::Lockfile;
use crate::lock::proxy::Proxy;
use crate::project::{LOCK_FILE, Project};

/// Resolve and pin the SDK and all modules in godirect.lock.json.
///
/// Reads the spec, go.mod or go.work and go.sum, fetches what isn't in the cache through GOPROXY, verifies it against go.sum, and records the hashes that Nix
/// and Bazel need, and which packages of third-party modules are used.
#[derive(Debug, Default, clap::Args)]
#[group(skip)]
pub struct Arguments {}

#[derive(Serialize)]
struct Summary {
    version: u32,
    changed: bool,
    go: Vec<String>,
    modules: usize,
    packages: usize,
}

pub fn run(directory: &Path, _: &Arguments, json: bool) -> Result<ExitCode> {
    let project = Project::open(directory)?;
    let (lock, changed) = update(&project)?;
    let summary = Summary {
        version: JSON_VERSION,
        changed,
        go: lock.sdks.iter().map(|s| s.version.to_string()).collect(),
        modules: lock.modules.len(),
        packages: lock.modules.iter().map(|m| m.packages.len()).sum(),
    };
    if json {
        output::json(&summary)?;
    } else {
        show(&lock, changed);
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes the lock and writes it; tells whether that changed anything.
pub fn update(project: &Project) -> Result<(Lockfile, bool)> {
    let path = project.lock_path();
    // What can't be read can't be kept; the user asked for a new one.
    let previous = Lockfile::read(&path).ok();
    let (cache, proxy, bar) = (Cache::open()?, Proxy::from_env()?, Bar::bytes());
    let progress = |p: crate::lock::Progress<'_>| bar.download(p);
    let fetcher = Fetcher { cache: &cache, proxy: &proxy, progress: &progress };
    let lock = project.lock(fetcher, previous.as_ref())?;
    let changed = lock.write(&path)?;
    Ok((lock, changed))
}

/// Shows what is pinned.
pub fn show(lock: &Lockfile, changed: bool) {
    for sdk in &lock.sdks {
        let machines: Vec<String> = sdk.downloads.iter().map(|d| d.platform.to_string()).collect();
        output::line("sdk", format!("go{}  tools for {}", sdk.version, machines.join(", ")));
    }
    let packages = lock.modules.iter().map(|m| m.packages.len()).sum();
    let modules = output::count(lock.modules.len(), "module");
    output::line(
        "modules",
        format!("{modules} locked, {} of them used; verified against go.sum", output::count(packages, "package")),
    );
    output::line(if changed { "wrote" } else { "fresh" }, LOCK_FILE);
}
