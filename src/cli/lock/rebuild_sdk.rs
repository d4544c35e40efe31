//! `godirect lock --rebuild-sdk`

use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;

use super::{Arguments, database};
use crate::cli::output::{self, JSON_VERSION};
use crate::cli::progress::Bar;
use crate::error::{Class, Error, Result};
use crate::exec::sdk::{self, Comparison};
use crate::lock::fetch::{Connection, Fetcher};
use crate::lock::file::{Bootstrap, LockedSdk};
use crate::lock::goenv::GoEnv;
use crate::lock::{build, nar};
use crate::platform::OsArch;
use crate::project::Project;

/// How many files that differ are shown for people; JSON has all.
const SHOWN: usize = 20;

#[derive(Serialize)]
struct Rebuilt {
    go: String,
    bootstrap: String,
    platform: OsArch,
    equal: bool,
    programs: usize,
    files: usize,
    differences: Vec<(String, String)>,
}

#[derive(Serialize)]
struct Summary {
    version: u32,
    sdks: Vec<Rebuilt>,
}

/// Builds each locked SDK from its source, and compares.
pub fn run(directory: &Path, arguments: &Arguments, json: bool) -> Result<ExitCode> {
    let project = Project::open(directory)?;
    let lock = project.read_lock()?;
    let (env, bar) = (GoEnv::read(None), Bar::bytes());
    let database = database(&env, Some(&lock), arguments);
    let connection = Connection::new(env, database);
    let progress = |p: crate::lock::Progress<'_>| bar.download(p);
    let fetcher = connection.fetcher(&progress)?;
    let mut summary = Summary { version: JSON_VERSION, sdks: Vec::new() };
    for locked in &lock.sdks {
        let rebuilt = rebuild(&project, locked, &fetcher)?;
        if !json {
            show(&rebuilt);
        }
        summary.sdks.push(rebuilt);
    }
    if json {
        output::json(&summary)?;
    }
    let equal = summary.sdks.iter().all(|sdk| sdk.equal);
    Ok(ExitCode::from(if equal { 0 } else { Class::Verification.exit_code() }))
}

fn rebuild(project: &Project, locked: &LockedSdk, fetcher: &Fetcher<'_>) -> Result<Rebuilt> {
    let host = OsArch::host()?;
    let pinned = crate::lock::sdk::goroot(fetcher, locked, host)?;
    let bootstrap: Bootstrap = match &locked.build {
        Some(build) => build.bootstrap.clone(),
        None => build::bootstrap(&pinned, None, &[host], &project.workspace.sums, fetcher)?,
    };
    let phases = Bar::phases();
    let built = sdk::release(fetcher, locked, &bootstrap, host, &|phase| phases.phase(phase))?.goroot;
    drop(phases);
    let Comparison { programs, files, differences } = sdk::compare(&pinned, &built)?;
    if differences.is_empty() {
        // Contents are equal; so must be what is executable.
        let hash = |directory| nar::hash_directory(directory).map_err(|e| Error::io("read", directory, &e));
        let (pinned, built) = (hash(&pinned)?, hash(&built)?);
        if pinned != built {
            let error = format!("the built SDK has the NAR hash {built} and the pinned one {pinned}, with equal files");
            return Err(Error::verification(error).help("remove both from the cache's directory `sdk`, and run it again"));
        }
    }
    Ok(Rebuilt {
        go: locked.version.to_string(),
        bootstrap: bootstrap.version.to_string(),
        platform: host,
        equal: differences.is_empty(),
        programs,
        files,
        differences: differences.into_iter().map(|(file, difference)| (file, difference.to_string())).collect(),
    })
}

fn show(sdk: &Rebuilt) {
    let Rebuilt { go, bootstrap, platform, programs, files, differences, .. } = sdk;
    let verdict = if sdk.equal { "equal" } else { "differs" };
    let counts = format!("{} and all in all {}", output::count(*programs, "program"), output::count(*files, "file"));
    output::line(verdict, format!("go{go} {platform} built from source by go{bootstrap}: {counts} equal the pinned ones"));
    for (file, difference) in differences.iter().take(SHOWN) {
        output::line("", format!("{file}: {difference}"));
    }
    if differences.len() > SHOWN {
        output::line("", format!("and {} more; --json lists all", differences.len() - SHOWN));
    }
}
