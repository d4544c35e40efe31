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
use crate::lock::goenv::GoEnv;
use crate::lock::proxy::Proxy;
use crate::lock::sumdb::Database;
use crate::lock::transport::Limits;
use crate::project::{LOCK_FILE, Project};

/// Resolve and pin the SDK and all modules in godirect.lock.json.
///
/// Reads the spec, go.mod or go.work, go.sum and the repository's Go files; fetches through GOPROXY what isn't in the cache; and records
/// the hashes that Nix and Bazel need, and what the used packages of third-party modules and of std consist of. Writes only the lock.
///
/// Every module must have its line in go.sum, and the SDK must have the hash of the lock before or of go.sum; otherwise nothing is written (exit
/// 2 without a hash, 4 for a wrong one). The first SDK of a lock is believed to be what the proxy gives.
///
/// Run it after a change of go.mod, go.sum, the spec's SDK, platforms or tags, or when a package of another module is imported. It is the only verb
/// that decides what is pinned.
#[derive(Debug, Default, clap::Args)]
#[group(skip)]
pub struct Arguments {
    /// Pin also what the checksum database can't be asked about or doesn't know; the lock then has `"verified": false` for it
    ///
    /// What the database answers is never overruled.
    #[arg(long)]
    accept_unverified: bool,
}

#[derive(Serialize)]
struct Summary {
    version: u32,
    changed: bool,
    go: Vec<String>,
    modules: usize,
    packages: usize,
}

pub fn run(directory: &Path, arguments: &Arguments, json: bool) -> Result<ExitCode> {
    let project = Project::open(directory)?;
    let (lock, changed) = update(&project, arguments)?;
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
pub fn update(project: &Project, arguments: &Arguments) -> Result<(Lockfile, bool)> {
    let path = project.lock_path();
    // What can't be read can't be kept; the user asked for a new one.
    let previous = Lockfile::read(&path).ok();
    let env = GoEnv::read(None);
    let (cache, proxy, bar) = (Cache::open()?, Proxy::new(&env, Limits::default())?, Bar::bytes());
    let pins = previous.as_ref().map(Lockfile::pins).unwrap_or_default();
    let database = Database::new(&env).accept_unverified(arguments.accept_unverified).with_pins(pins);
    let progress = |p: crate::lock::Progress<'_>| bar.download(p);
    let fetcher = Fetcher { cache: &cache, proxy: &proxy, database: Some(&database), progress: &progress };
    let lock = project.lock(fetcher, previous.as_ref())?;
    let changed = lock.write(&path)?;
    Ok((lock, changed))
}

/// Shows what is pinned.
pub fn show(lock: &Lockfile, changed: bool) {
    for sdk in &lock.sdks {
        let machines: Vec<String> = sdk.downloads.iter().map(|d| d.platform.to_string()).collect();
        output::line("sdk", format!("go{}  tools for {}; pinned as downloaded", sdk.version, machines.join(", ")));
    }
    let packages = lock.modules.iter().map(|m| m.packages.len()).sum();
    let modules = output::count(lock.modules.len(), "module");
    output::line(
        "modules",
        format!("{modules} locked, {} of them used; verified against go.sum", output::count(packages, "package")),
    );
    output::line(if changed { "wrote" } else { "fresh" }, LOCK_FILE);
}
