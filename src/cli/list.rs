//! `godirect list`

mod json;
mod shown;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;

use rayon::prelude::*;

use super::progress::Bar;
use crate::error::Result;
use crate::exec::sdk;
use crate::files::Files;
use crate::graph::listing::Options;
use crate::lock::cache::Cache;
use crate::lock::fetch::Fetcher;
use crate::lock::proxy::Proxy;
use crate::platform::{OsArch, Platform};
use crate::project::Project;
use crate::project::listing::{Listed, Request};
use crate::project::memo::Memo;
use crate::spec::DEFAULT_PROFILE;
use shown::Shown;

/// List packages, as `go list` does, without Go.
///
/// Prints the import path of each package that the patterns name, one a line; by default that of the package in the spec's directory. Versions of
/// modules and what they have come from godirect.lock.json, all else from the sources: the repository's, those of modules in the
/// cache, where what isn't there is fetched and verified against the lock, and the SDK's.
///
/// Patterns are directories (`.`, `./cmd/...`), import paths, also with `...` for any text, `std`, `cmd`, `work`, `tool`, `all` (what the
/// repository's packages and their tests need), or Go files of one directory.
///
/// With --json, a package is an object with the fields of `go list -json` in their order, but for those about installed and compiled packages;
/// --json=Dir,GoFiles prints only these. Errors go to standard error, and the exit code is 1; with -e they stand in the objects
/// (`Error`, `DepsErrors`, `Incomplete`), and the exit code is 0.
///
/// Examples: `godirect list ./...`, `godirect list -e --json=ImportPath,Error --deps --test --platform windows/amd64 all`
#[derive(Debug, Default, clap::Args)]
#[group(skip)]
pub struct Arguments {
    /// What to list.
    #[arg(value_name = "PATTERN")]
    patterns: Vec<String>,
    /// Also list all that these packages need, each before those that import it.
    #[arg(long)]
    deps: bool,
    /// Also list the tests of these packages: the program that runs them, and what is compiled anew for them.
    #[arg(long)]
    test: bool,
    /// List what is wrong too, instead of failing.
    #[arg(short = 'e', long = "keep-going")]
    keep_going: bool,
    /// For this platform: the name of one in the spec, or GOOS/GOARCH. By default this machine's.
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,
    /// With the settings of this profile, instead of the default one.
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Build tags, separated by commas, instead of the profile's.
    #[arg(long, value_name = "TAGS")]
    tags: Option<String>,
    /// With cgo, whatever the profile says.
    #[arg(long, overrides_with = "no_cgo")]
    cgo: bool,
    /// Without cgo, whatever the profile says.
    #[arg(long)]
    no_cgo: bool,
}

/// `fields` are those of the objects, all if there are none; without it, import paths are printed.
pub fn run(directory: &Path, arguments: &Arguments, fields: Option<&str>) -> Result<ExitCode> {
    let memo = Memo::of(directory, format!("list {arguments:?} {fields:?}"));
    if let Some(answer) = memo.as_ref().and_then(Memo::recall)
        && let Ok(shown) = postcard::from_bytes::<Shown>(answer.bytes())
        && shown.is_sound()
    {
        shown.print()?;
        return Ok(ExitCode::from(shown.code));
    }
    let fields = fields.map(json::Fields::parse).transpose()?;
    let (project, lock) = Project::open_with_lock(Files::noting(), directory)?;
    let locked = project.with_lock(&lock)?;
    let profile = project.spec.profile(arguments.profile.as_deref().unwrap_or(DEFAULT_PROFILE))?;
    let platform = platform(&project, arguments.platform.as_deref())?;
    let tags = arguments
        .tags
        .as_ref()
        .map(|tags| -> BTreeSet<String> { tags.split(',').filter(|tag| !tag.is_empty()).map(str::to_owned).collect() });
    let (cache, proxy, bar) = (Cache::open()?, Proxy::from_env()?, Bar::bytes());
    let progress = |p: crate::lock::Progress<'_>| bar.download(p);
    let fetcher = Fetcher { cache: &cache, proxy: &proxy, database: None, progress: &progress };
    let phases = Bar::phases();
    let toolchain = sdk::locked(&fetcher, locked.sdk(profile), OsArch::host()?, directory, &|phase| phases.phase(phase))?;
    drop(phases);
    let request = Request {
        platform: &platform,
        profile,
        tags,
        cgo: if arguments.cgo { Some(true) } else { arguments.no_cgo.then_some(false) },
        patterns: &arguments.patterns,
        options: Options { deps: arguments.deps, tests: arguments.test },
    };
    locked.list(&request, &toolchain, &fetcher, |listed| {
        let keep = |shown: &Shown| {
            if let (Some(memo), Some(notes), Ok(answer)) = (&memo, project.files.notes(), postcard::to_allocvec(shown)) {
                memo.keep(&answer, notes);
            }
        };
        show(listed, arguments, fields.as_ref(), keep)
    })
}

fn platform(project: &Project, wanted: Option<&str>) -> Result<Platform> {
    let Some(wanted) = wanted else { return Ok(Platform::new(OsArch::host()?)) };
    match (project.spec.target(wanted), wanted.parse::<Platform>()) {
        (Ok(target), _) => Ok(target.platform.clone()),
        (Err(_), Ok(platform)) => Ok(platform),
        (Err(error), Err(_)) => Err(error),
    }
}

/// Prints what was found, and lets `keep` have it.
fn show(
    listed: &Listed,
    arguments: &Arguments,
    fields: Option<&json::Fields>,
    keep: impl FnOnce(&Shown) + Send,
) -> Result<ExitCode> {
    let unmatched = listed.unmatched.iter().map(|p| format!("godirect: warning: \"{p}\" matched no packages"));
    let mut messages: Vec<String> = unmatched.collect();
    let errors = if arguments.keep_going { Vec::new() } else { errors(listed) };
    let (failed, fatal) = (!errors.is_empty(), !errors.is_empty() && !arguments.deps);
    messages.extend(errors);
    let listing = listed.listing;
    let order = if fatal { &[][..] } else { &listing.order };
    let lines = json::lines(&listing.paths);
    let texts: Vec<json::Text> = match fields {
        Some(fields) => order.par_iter().map(|id| json::package(listed, *id, fields)).collect::<Result<_>>()?,
        None => order.iter().map(|id| json::Text::plain(format!("{}\n", listing.shown[*id]))).collect(),
    };
    let shown = Shown {
        messages: messages.iter().map(String::as_str).collect(),
        code: u8::from(failed),
        lines: &lines.0,
        starts: lines.1,
        parts: texts.iter().map(json::Text::part).collect(),
    };
    let (printed, ()) = rayon::join(|| shown.print(), || keep(&shown));
    printed.map(|()| ExitCode::from(shown.code))
}

/// What is wrong with the packages that are listed, as the go command says it.
fn errors(listed: &Listed) -> Vec<String> {
    let (loader, listing) = (listed.loader, listed.listing);
    let wrong: BTreeSet<usize> = listing.order.iter().filter_map(|id| loader.packages[*id].error).collect();
    wrong.into_iter().map(|error| loader.errors[error].shown()).collect()
}
