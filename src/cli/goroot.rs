//! `godirect goroot`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;

use super::output::{self, JSON_VERSION};
use super::progress::Bar;
use crate::error::Result;
use crate::lock::cache::Cache;
use crate::lock::fetch::Fetcher;
use crate::lock::proxy::Proxy;
use crate::lock::sdk;
use crate::platform::OsArch;
use crate::project::Project;

#[derive(Serialize)]
struct Summary<'a> {
    version: u32,
    go: &'a str,
    goroot: PathBuf,
}

pub fn run(directory: &Path, json: bool) -> Result<ExitCode> {
    let project = Project::open(directory)?;
    let lock = project.read_lock()?;
    let locked = project.with_lock(&lock)?;
    let (cache, proxy, bar) = (Cache::open()?, Proxy::from_env()?, Bar::bytes());
    let progress = |p: crate::lock::Progress<'_>| bar.download(p);
    let fetcher = Fetcher { cache: &cache, proxy: &proxy, database: None, progress: &progress };
    let goroot = sdk::goroot(&fetcher, locked.sdk, OsArch::host()?)?;
    if json {
        output::json(&Summary { version: JSON_VERSION, go: locked.sdk.version.as_str(), goroot })?;
    } else {
        output::text(format!("{}\n", goroot.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}
