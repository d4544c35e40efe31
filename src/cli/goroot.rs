//! `godirect goroot`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;

use super::output::{self, JSON_VERSION};
use super::progress::Bar;
use crate::error::Result;
use crate::exec::sdk;
use crate::lock::cache::Cache;
use crate::lock::fetch::Fetcher;
use crate::lock::proxy::Proxy;
use crate::platform::OsArch;
use crate::project::Project;
use crate::spec::DEFAULT_SDK;

/// Print the directory of the pinned SDK.
///
/// Fetches it if it isn't in the cache, and verifies it against godirect.lock.json. For tools that godirect doesn't replace, such as
/// gopls or `go vet`, so that they see the SDK that builds.
///
/// Example: `$(godirect goroot)/bin/go vet ./...`
#[derive(Debug, Default, clap::Args)]
#[group(skip)]
pub struct Arguments {
    /// The SDK that the spec calls so, by go_sdk(name = …), instead of the one without name.
    #[arg(long, value_name = "NAME", default_value = DEFAULT_SDK, hide_default_value = true)]
    sdk: String,
}

#[derive(Serialize)]
struct Summary<'a> {
    version: u32,
    go: &'a str,
    goroot: PathBuf,
}

pub fn run(directory: &Path, arguments: &Arguments, json: bool) -> Result<ExitCode> {
    let project = Project::open(directory)?;
    let lock = project.read_lock()?;
    let locked = project.with_lock(&lock)?;
    let locked_sdk = locked.named_sdk(&arguments.sdk)?;
    let (cache, proxy, bar) = (Cache::open()?, Proxy::from_env()?, Bar::bytes());
    let progress = |p: crate::lock::Progress<'_>| bar.download(p);
    let fetcher = Fetcher { cache: &cache, proxy: &proxy, database: None, progress: &progress };
    let phases = Bar::phases();
    let goroot = sdk::locked(&fetcher, locked_sdk, OsArch::host()?, directory, &|phase| phases.phase(phase))?.goroot;
    drop(phases);
    if json {
        output::json(&Summary { version: JSON_VERSION, go: locked_sdk.version.as_str(), goroot })?;
    } else {
        output::text(format!("{}\n", goroot.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}
