//! `godirect cache`

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use serde::Serialize;

use super::output::{self, JSON_VERSION, count, size};
use crate::error::{Class, Error, Result};
use crate::exec::cache::{Cache, Damage, Removed, Stats, Unused};
use crate::lock::cache as downloads;

/// How large build results may become, unless the environment says otherwise.
const DEFAULT_SIZE: u64 = 10 << 30;
/// The variable that says so.
const SIZE_VARIABLE: &str = "GODIRECT_CACHE_SIZE";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What else is in the cache's directory: the name, and what it is.
const PARTS: [(&str, &str); 7] = [
    ("sdk", "SDKs"),
    ("mod", "unpacked modules"),
    ("download", "what was downloaded"),
    ("vcs", "git repositories"),
    ("parsed", "what `list` has parsed"),
    ("memo", "what had nothing to do"),
    ("fuzz", "inputs that fuzzing has found"),
];

/// Show, trim or check what is in the cache.
///
/// The cache is one directory for all repositories of a user: GODIRECT_CACHE, or `godirect` in the user's cache directory. It may be removed as a
/// whole at any time. What `godirect build` makes is bounded: a build removes once a day what was used least recently, until the rest is within
/// GODIRECT_CACHE_SIZE, such as `20GB` or `512MiB`; by default 10GiB. SDKs, modules and the inputs of fuzzing stay until they are removed by hand.
///
/// Example: `godirect cache prune --max-size 2GB`
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Tell how large the parts of the cache are.
    Stats,
    /// Remove build results that were used least recently.
    ///
    /// Another build that needs one of them meanwhile makes it again.
    Prune {
        /// Leave at most so much, such as `2GB`; `0` removes all build results. By default GODIRECT_CACHE_SIZE.
        #[arg(long, value_name = "SIZE")]
        max_size: Option<String>,
        /// Remove also what wasn't used for so many days.
        #[arg(long, value_name = "DAYS")]
        unused_for: Option<u32>,
    },
    /// Hash all build results, remove those that are damaged, and exit with 4 if any was.
    ///
    /// Builds do the same with each result that they use.
    Verify,
}

#[derive(Serialize)]
struct StatsSummary {
    version: u32,
    directory: PathBuf,
    max_bytes: u64,
    build: Stats,
    parts: Vec<Part>,
}

#[derive(Serialize)]
struct Part {
    name: &'static str,
    bytes: u64,
}

#[derive(Serialize)]
struct PruneSummary {
    version: u32,
    removed: Removed,
    left: Stats,
}

#[derive(Serialize)]
struct VerifySummary {
    version: u32,
    checked: Stats,
    damaged: Vec<Damage>,
}

/// The build results in the user's cache.
///
/// # Errors
///
/// When the cache can't be written.
pub fn open() -> Result<Cache> {
    Cache::open(&downloads::Cache::place()?.join("build"))
}

/// How many bytes build results may have.
///
/// # Errors
///
/// When the environment has something else than a size.
pub fn max_bytes() -> Result<u64> {
    match std::env::var(SIZE_VARIABLE) {
        Ok(text) if !text.is_empty() => parse_size(&text).map_err(|e| e.context(SIZE_VARIABLE)),
        _ => Ok(DEFAULT_SIZE),
    }
}

pub fn run(arguments: &Arguments, json: bool) -> Result<ExitCode> {
    let (root, max_bytes) = (downloads::Cache::place()?, max_bytes()?);
    let cache = open()?;
    match &arguments.action {
        Action::Stats => stats(&cache, root, max_bytes, json),
        Action::Prune { max_size, unused_for } => {
            let max_bytes = max_size.as_deref().map_or(Ok(max_bytes), parse_size)?;
            let unused = Unused { max_bytes, max_age: unused_for.map(|days| days * DAY), spare_young: false };
            prune(&cache, unused, json)
        }
        Action::Verify => verify(&cache, json),
    }
}

fn stats(cache: &Cache, directory: PathBuf, max_bytes: u64, json: bool) -> Result<ExitCode> {
    let parts = PARTS.map(|(name, _)| Part { name, bytes: bytes_below(&directory.join(name)) }).into();
    let summary = StatsSummary { version: JSON_VERSION, build: cache.stats()?, directory, max_bytes, parts };
    if json {
        output::json(&summary)?;
        return Ok(ExitCode::SUCCESS);
    }
    let Stats { actions, blobs, bytes, .. } = summary.build;
    output::line("cache", summary.directory.display());
    let results = format!("{} of {}, {}", count(blobs, "output"), count(actions, "action"), size(bytes));
    output::line("build", format!("{results}, at most {}", size(max_bytes)));
    for (part, (_, what)) in summary.parts.iter().zip(PARTS) {
        output::line(part.name, format!("{what}, {}", size(part.bytes)));
    }
    Ok(ExitCode::SUCCESS)
}

fn prune(cache: &Cache, unused: Unused, json: bool) -> Result<ExitCode> {
    let (removed, left) = (cache.prune(unused)?, cache.stats()?);
    if json {
        output::json(&PruneSummary { version: JSON_VERSION, removed, left })?;
    } else {
        output::line("removed", format!("{}, {}", count(removed.actions, "action"), size(removed.bytes)));
        output::line("left", format!("{}, {}", count(left.actions, "action"), size(left.bytes)));
    }
    Ok(ExitCode::SUCCESS)
}

fn verify(cache: &Cache, json: bool) -> Result<ExitCode> {
    let (checked, damaged) = (cache.stats()?, cache.remove_damaged()?);
    let failed = !damaged.is_empty();
    if json {
        output::json(&VerifySummary { version: JSON_VERSION, checked, damaged })?;
    } else {
        for Damage { path, problem } in &damaged {
            output::line("removed", format!("{}: {problem}", path.display()));
        }
        let found = format!("{} of {}", count(checked.blobs, "output"), count(checked.actions, "action"));
        output::line("checked", format!("{found}, {} damaged", damaged.len()));
    }
    Ok(if failed { ExitCode::from(Class::Verification.exit_code()) } else { ExitCode::SUCCESS })
}

/// The bytes of all files below a directory. What vanishes meanwhile counts as nothing, and so does a directory that isn't there.
fn bytes_below(directory: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(directory) else { return 0 };
    let bytes = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes_below(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.flatten().map(bytes).sum()
}

/// A size such as `10GB`, `512MiB` or `0`, in bytes.
fn parse_size(text: &str) -> Result<u64> {
    let units = [("", 0), ("K", 3), ("M", 6), ("G", 9), ("T", 12)];
    let at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = (text[..at].parse::<u64>().ok(), text[at..].to_ascii_uppercase());
    let factor = units.iter().find_map(|(name, power)| match unit.strip_prefix(name)? {
        "" | "B" => Some(10_u64.pow(*power)),
        "IB" if *power > 0 => Some(1 << (power / 3 * 10)),
        _ => None,
    });
    number.zip(factor).and_then(|(number, factor)| number.checked_mul(factor)).ok_or_else(|| {
        let error = Error::input(format!("`{}` is not a size", text.escape_debug()));
        error.help("write a whole number of bytes, or one with a unit: 512MiB, 20GB")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("0", 0),
            ("17", 17),
            ("17B", 17),
            ("2k", 2000),
            ("20GB", 20_000_000_000),
            ("512MiB", 512 << 20),
            ("1TiB", 1 << 40),
        ] {
            assert_eq!(parse_size(text).unwrap(), bytes, "{text}");
        }
        for text in ["", "GB", "-1", "1.5GB", "1XB", "1GBB", "1iB", "99999999999999999999", "99999999TB"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }
}
