//! `godirect lock`

mod check;
mod rebuild_sdk;
mod verify;

use std::path::Path;
use std::process::ExitCode;

use serde::{Deserialize, Serialize};

use super::output::{self, JSON_VERSION};
use super::progress::Bar;
use crate::error::Result;
use crate::files::{Files, Notes};
use crate::lock::changes::{Change, Kind, Subject, changes};
use crate::lock::fetch::Connection;
use crate::lock::file::{LockedModule, Lockfile, Previous, SdkBuild, SdkDownload, SdkSource};
use crate::lock::goenv::GoEnv;
use crate::lock::known::Access;
use crate::lock::sumdb::Database;
use crate::lock::sumdb::note::Verifier;
use crate::lock::verify::Evidence;
use crate::project::memo::Memo;
use crate::project::{LOCK_FILE, Project};
use crate::spec::DEFAULT_SDK;

/// Resolve and pin the SDK and all modules in godirect.lock.json.
///
/// Reads the spec, go.mod or go.work, go.sum and the repository's Go files; fetches through GOPROXY what neither the lock nor the cache
/// has; and records the hashes that Nix and Bazel need, and what the used packages of third-party modules and of std consist of. Writes
/// only the lock. What the lock already knows stays as it is: each change is shown on a line of its own, and when there is none,
/// nothing is fetched or written.
///
/// Every hash must be vouched for. go.sum does that for modules; the checksum database (GOSUMDB) does it for modules that go.sum lacks,
/// and for the SDK always. The lock keeps the database's record with its proof. Otherwise nothing is written: exit 2 without a
/// hash, 3 when the database can't be asked, 4 for a wrong hash or an answer that isn't proven.
///
/// Run it after a change of go.mod, go.sum, the spec's SDK, platforms or tags, or when a package of another module is imported, and after a
/// merge that left a conflict in the lock. It is the only verb that decides what is pinned.
///
/// Example, for CI: `godirect lock --check`
#[derive(Debug, Default, clap::Args)]
#[group(skip)]
pub struct Arguments {
    /// Write nothing and use no network; print what would change, and exit with 1 if anything would.
    #[arg(long)]
    check: bool,
    /// Write nothing and use no network; prove each hash in the lock again, and hash anew what the cache has.
    ///
    /// The keys are those of GOSUMDB. Exits with 4 if anything is wrong, after all of it was shown.
    #[arg(long, conflicts_with_all = ["check", "accept_unverified"])]
    verify: bool,
    /// Pin also what the checksum database can't be asked about or doesn't know; the lock then has `"verified": false` for it.
    #[arg(long, conflicts_with = "check")]
    accept_unverified: bool,
    /// Write nothing; build each locked SDK from its source, and compare all files with the pinned ones bit for bit.
    ///
    /// The oldest release that can compile it does, so that the pinned programs take no part in the proof. Takes minutes, once. Exits
    /// with 4 if any file differs.
    #[arg(long, conflicts_with_all = ["check", "verify"])]
    rebuild_sdk: bool,
}

/// What is locked and what changed, as JSON shows it.
#[derive(Serialize)]
struct Summary<'a> {
    version: u32,
    changed: bool,
    #[serde(flatten)]
    totals: &'a Totals,
    changes: &'a [Change],
}

/// A lock that was brought up to date.
pub struct Updated {
    /// The lock as it is now.
    pub lock: Lockfile,
    previous: Previous,
    /// Whether it was written.
    changed: bool,
    /// Whether the repository and the lock before were enough to make it.
    offline: bool,
}

/// What a lock has, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// The versions of the SDKs.
    pub go: Vec<String>,
    /// How many modules provide packages.
    pub modules: usize,
    /// How many packages they provide.
    pub packages: usize,
}

impl Totals {
    /// Those of a lock.
    pub fn of(lock: &Lockfile) -> Totals {
        let go = lock.sdks.iter().map(|sdk| sdk.version.to_string()).collect();
        let in_zips = || lock.modules.iter().map(|m| m.packages.len());
        let packages = || in_zips().chain(lock.vendored.iter().map(|m| m.packages.len())).filter(|count| *count > 0);
        Totals { go, modules: packages().count(), packages: packages().sum() }
    }
}

pub fn run(directory: &Path, arguments: &Arguments, json: bool) -> Result<ExitCode> {
    if arguments.check {
        return check::run(directory, json);
    }
    if arguments.verify {
        return verify::run(directory, json);
    }
    if arguments.rebuild_sdk {
        return rebuild_sdk::run(directory, arguments, json);
    }
    let database = user_database();
    let memo = memo(directory, &database);
    if let Some(totals) = memo.as_ref().and_then(remembered) {
        return show_fresh(&totals, json);
    }
    let project = Project::open_through(Files::noting(), directory)?;
    let updated = update(&project, arguments)?;
    let totals = Totals::of(&updated.lock);
    if let Some((memo, notes)) = memo.zip(notes(&project, &updated, &database)) {
        memo.keep(&serde_json::to_vec(&totals).unwrap_or_default(), notes);
    }
    if json {
        let (changed, changes) = (updated.changed, updated.changes());
        output::json(&Summary { version: JSON_VERSION, changed, totals: &totals, changes: &changes })?;
    } else {
        show(&updated, false);
    }
    Ok(ExitCode::SUCCESS)
}

/// The memo of a lock that is fresh, as far as the proofs of this database count.
fn memo(directory: &Path, database: &Database) -> Option<Memo> {
    Memo::of(directory, format!("lock {:?}", database.verifier().ok()))
}

/// What the lock has, if it is still fresh.
fn remembered(memo: &Memo) -> Option<Totals> {
    serde_json::from_slice(memo.recall()?.bytes()).ok()
}

/// The checksum database of the user's settings.
fn user_database() -> Database {
    Database::new(&GoEnv::read(None))
}

/// Makes the lock and writes it where that changes anything.
pub fn update(project: &Project, arguments: &Arguments) -> Result<Updated> {
    let path = project.lock_path();
    let previous = Previous::read(&project.files, &path)?;
    let env = GoEnv::read(None);
    let database = Database::new(&env);
    let relocked = previous.lock().and_then(|previous| project.relock(previous, &database));
    let offline = relocked.is_some();
    let lock = match relocked {
        Some(lock) => lock,
        None => fetch(project, env, arguments, previous.lock(), database.verifier().ok().as_ref())?,
    };
    let changed = lock.write(&path)?;
    Ok(Updated { lock, previous, changed, offline })
}

/// What has to be read to find out that there is nothing to do; `None` if that takes more than the repository.
///
/// A lock that was just written says so only when it is made once more out of itself.
fn notes(project: &Project, updated: &Updated, database: &Database) -> Option<Notes> {
    if !updated.changed {
        return updated.offline.then(|| project.files.notes())?;
    }
    let project = Project::open_through(Files::noting(), &project.dir).ok()?;
    let previous = Previous::read(&project.files, &project.lock_path()).ok()?;
    let Previous::Lock(lock, text) = &previous else { return None };
    let same = project.relock(lock, database).is_some_and(|lock| lock.render() == *text);
    same.then(|| project.files.notes())?
}

/// Makes the lock with what has to be fetched for it.
fn fetch(
    project: &Project,
    env: GoEnv,
    arguments: &Arguments,
    previous: Option<&Lockfile>,
    verifier: Option<&Verifier>,
) -> Result<Lockfile> {
    let database = database(&env, previous, arguments);
    let (connection, bar) = (Connection::new(env, database), Bar::bytes());
    let progress = |p: crate::lock::Progress<'_>| bar.download(p);
    project.lock(Access::Network(&|| connection.fetcher(&progress)), previous, verifier)
}

/// Who vouches for what is pinned.
fn database(env: &GoEnv, lock: Option<&Lockfile>, arguments: &Arguments) -> Database {
    let pins = lock.map(Lockfile::pins).unwrap_or_default();
    Database::new(env).accept_unverified(arguments.accept_unverified).with_pins(pins)
}

impl Updated {
    /// What is different now.
    fn changes(&self) -> Vec<Change> {
        match &self.previous {
            _ if !self.changed => Vec::new(),
            Previous::Lock(previous, _) => {
                let mut found = changes(previous, &self.lock);
                if found.is_empty() {
                    found.push(Change::bare(Subject::Lock, LOCK_FILE, Kind::Changed));
                }
                found
            }
            Previous::Absent => vec![Change::bare(Subject::Lock, LOCK_FILE, Kind::Added)],
            Previous::Unusable(_) => vec![Change::bare(Subject::Lock, LOCK_FILE, Kind::Changed)],
        }
    }
}

/// Shows that there is nothing to do.
fn show_fresh(totals: &Totals, json: bool) -> Result<ExitCode> {
    if json {
        output::json(&Summary { version: JSON_VERSION, changed: false, totals, changes: &[] })?;
    } else {
        output::line("fresh", LOCK_FILE);
    }
    Ok(ExitCode::SUCCESS)
}

/// Shows what changed, and what is pinned if that is asked for or if all of it is new.
pub fn show(updated: &Updated, pins: bool) {
    if let Previous::Unusable(error) = &updated.previous {
        output::line("anew", error.message());
    }
    if pins || updated.previous.lock().is_none() {
        show_pins(&updated.lock);
    }
    if updated.previous.lock().is_some() {
        show_changes(&updated.changes());
    }
    output::line(if updated.changed { "wrote" } else { "fresh" }, LOCK_FILE);
}

/// How an SDK is built.
fn show_build(build: &SdkBuild) -> String {
    let SdkBuild { bootstrap, experiments, patches, .. } = build;
    let extras: Vec<&str> = experiments.iter().chain(patches.iter().map(|p| &p.file)).map(String::as_str).collect();
    let with = if extras.is_empty() { String::new() } else { format!(" with {}", extras.join(", ")) };
    let evidence: Vec<Evidence> = bootstrap.downloads.iter().map(|d| evidence(SdkSource::Module, d)).collect();
    format!("built from source{with} by go{}; {}", bootstrap.version, verify::reasons(&evidence))
}

/// Why an SDK's hash is right.
fn evidence(source: SdkSource, download: &SdkDownload) -> Evidence {
    match (source, &download.proof) {
        (SdkSource::Archive, _) => Evidence::Archive,
        (SdkSource::Module, Some(proof)) => Evidence::Record(proof.record),
        (SdkSource::Module, None) => Evidence::Accepted,
    }
}

fn show_pins(lock: &Lockfile) {
    for sdk in &lock.sdks {
        let machines: Vec<String> = sdk.downloads.iter().map(|d| d.platform.to_string()).collect();
        let evidence: Vec<Evidence> = sdk.downloads.iter().map(|d| evidence(sdk.source, d)).collect();
        let reasons = verify::reasons(&evidence);
        output::line("sdk", format!("go{}  tools for {}; {reasons}", sdk.version, machines.join(", ")));
        if let Some(build) = &sdk.build {
            output::line("", show_build(build));
        }
    }
    let Totals { modules, packages, .. } = Totals::of(lock);
    let (modules, packages) = (output::count(modules, "module"), output::count(packages, "package"));
    let evidence = |module: &LockedModule| match &module.proof {
        _ if !module.verified => Evidence::Accepted,
        Some(proof) => Evidence::Record(proof.record),
        None => Evidence::GoSum,
    };
    let evidence: Vec<Evidence> = lock.modules.iter().map(evidence).collect();
    let reasons = match (lock.vendored.is_empty(), evidence.is_empty()) {
        (false, _) => "; in vendor, which fits go.mod".to_owned(),
        (true, true) => String::new(),
        (true, false) => format!("; {}", verify::reasons(&evidence)),
    };
    output::line("modules", format!("{modules} locked, {packages} of them used{reasons}"));
}

/// Shows each change on a line, in columns.
fn show_changes(changes: &[Change]) {
    let rows: Vec<[String; 4]> = changes.iter().map(row).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (name, versions) = (width(1), width(2));
    for [word, first, second, third] in &rows {
        output::line(word, format!("{first:name$}  {second:versions$}  {third}").trim_end());
    }
}

/// Word, name, versions and size of a change.
fn row(change: &Change) -> [String; 4] {
    let word = match change.kind {
        Kind::Added => "added",
        Kind::Changed => "changed",
        Kind::Removed => "removed",
    };
    let version = |version: &String| match change.subject {
        Subject::Sdk => format!("go{version}"),
        _ => version.clone(),
    };
    let versions = match (change.from.as_ref().map(version), change.to.as_ref().map(version)) {
        (Some(from), Some(to)) if from == to => format!("{to}, recorded anew"),
        (Some(from), Some(to)) => format!("{from} → {to}"),
        (from, to) => from.or(to).unwrap_or_else(|| {
            let what = match change.subject {
                Subject::Platform => "platform",
                Subject::ExecPlatform => "platform of tools",
                Subject::Package => "package",
                _ if change.kind == Kind::Changed => "recorded anew",
                _ => "",
            };
            what.to_owned()
        }),
    };
    let name = match change.subject {
        Subject::Sdk if change.name == DEFAULT_SDK => "sdk".to_owned(),
        Subject::Sdk => format!("sdk {}", change.name),
        _ => change.name.clone(),
    };
    [word.to_owned(), name, versions, change.size.map(output::size).unwrap_or_default()]
}
