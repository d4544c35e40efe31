//! What differs between two locks, as a person who reviews the change would say it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::file::{Bootstrap, LocalModule, LockedModule, LockedSdk, Lockfile, SdkBuild, SdkDownload, Vendored};
use crate::name::{GoVersion, ModulePath};
use crate::platform::OsArch;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Change {
    /// Of which kind of thing.
    pub subject: Subject,
    /// Which one: a module path, an import path, a platform, an SDK's name.
    pub name: String,
    /// What happened to it.
    pub kind: Kind,
    /// The version before; of a replaced module with ` => ` and what stands in for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The version after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Bytes of the module's zip, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

/// What happened to something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It is new.
    Added,
    /// It is another one now. Equal versions mean that hashes or records of it changed.
    Changed,
    /// It is there no more.
    Removed,
}

/// What can differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The file itself: its format, or how it is written.
    Lock,
    /// A Go SDK.
    Sdk,
    /// A platform that binaries are built for.
    Platform,
    /// A platform that the SDK's tools run on.
    ExecPlatform,
    /// A third-party module.
    Module,
    /// A package of a module that is the same otherwise.
    Package,
    /// The go.mod files of third-party modules that decide about versions.
    Requirements,
}

impl Change {
    /// A change with versions.
    pub fn new(subject: Subject, name: impl Into<String>, from: Option<String>, to: Option<String>) -> Change {
        let kind = match (&from, &to) {
            (None, Some(_)) => Kind::Added,
            (Some(_), None) => Kind::Removed,
            _ => Kind::Changed,
        };
        Change { subject, name: name.into(), kind, from, to, size: None }
    }

    /// A change of something that has no version.
    pub fn bare(subject: Subject, name: impl Into<String>, kind: Kind) -> Change {
        Change { subject, name: name.into(), kind, from: None, to: None, size: None }
    }
}

/// The version of a module as changes show it.
pub fn shown_version(module: &LockedModule) -> String {
    match &module.replace {
        Some(other) if other.path == module.path => format!("{} => {}", module.version, other.version),
        Some(other) => format!("{} => {}@{}", module.version, other.path, other.version),
        None => module.version.to_string(),
    }
}

/// How `new` differs from `old`, sorted; nothing exactly if they are equal.
pub fn changes(old: &Lockfile, new: &Lockfile) -> Vec<Change> {
    let mut found = sets(Subject::Platform, old.platforms.iter(), new.platforms.iter());
    let recorded_anew = !found.is_empty();
    found.extend(sdk_changes(&old.sdks, &new.sdks));
    let before: BTreeMap<_, _> = old.modules.iter().map(|m| (&m.path, m)).collect();
    let after: BTreeMap<_, _> = new.modules.iter().map(|m| (&m.path, m)).collect();
    for path in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        found.extend(module_changes(before.get(path).copied(), after.get(path).copied(), recorded_anew));
    }
    let (before, after) = (in_repository(old), in_repository(new));
    for path in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        let (from, to) = (before.get(path), after.get(path));
        if from != to {
            let version = |entry: Option<&(String, _, _)>| entry.map(|(version, ..)| version.clone());
            found.push(Change::new(Subject::Module, path.as_str(), version(from), version(to)));
        }
    }
    if old.go_mods != new.go_mods {
        let (from, to) = (old.go_mods.len().to_string(), format!("{} go.mod files", new.go_mods.len()));
        found.push(Change::new(Subject::Requirements, "requirements", Some(from), Some(to)));
    }
    if found.is_empty() && old != new {
        found.push(Change::bare(Subject::Lock, super::file::NAME, Kind::Changed));
    }
    found.sort();
    found
}

/// Modules whose files are in the repository, by path: their versions with what they come from, and their entries.
fn in_repository(lock: &Lockfile) -> BTreeMap<&ModulePath, (String, Option<&LocalModule>, Option<&Vendored>)> {
    let local = lock.local.iter().map(|m| (&m.path, (format!("{} => {}", m.version, m.directory), Some(m), None)));
    let vendored = lock.vendored.iter().map(|m| (&m.path, (format!("{} in {}", m.version, m.directory), None, Some(m))));
    local.chain(vendored).collect()
}

/// The platforms for which a lock has records and shouldn't, and for which it lacks them.
pub fn platform_changes(lock: &Lockfile, platforms: &[OsArch]) -> Vec<Change> {
    sets(Subject::Platform, lock.platforms.iter(), platforms.iter())
}

/// The platforms for which an SDK's tools are locked and shouldn't be, and for which they are missing.
pub fn exec_changes(sdk: Option<&LockedSdk>, platforms: &[OsArch]) -> Vec<Change> {
    let Some(sdk) = sdk else { return Vec::new() };
    sets(Subject::ExecPlatform, sdk.downloads.iter().map(|d| &d.platform), platforms.iter())
}

/// Another SDK with a name: its version, and whether it is built from source.
pub fn sdk_change(name: &str, before: Option<&LockedSdk>, version: &GoVersion, from_source: bool) -> Change {
    Change::new(Subject::Sdk, name, before.map(shown_sdk), Some(shown_sdk_version(version, from_source)))
}

fn shown_sdk(sdk: &LockedSdk) -> String {
    shown_sdk_version(&sdk.version, sdk.build.is_some())
}

fn shown_sdk_version(version: &GoVersion, from_source: bool) -> String {
    if from_source { format!("{version} from source") } else { version.to_string() }
}

fn sets<'a>(subject: Subject, old: impl Iterator<Item = &'a OsArch>, new: impl Iterator<Item = &'a OsArch>) -> Vec<Change> {
    let (old, new): (BTreeSet<_>, BTreeSet<_>) = (old.collect(), new.collect());
    let removed = old.difference(&new).map(|p| Change::bare(subject, p.to_string(), Kind::Removed));
    removed.chain(new.difference(&old).map(|p| Change::bare(subject, p.to_string(), Kind::Added))).collect()
}

fn sdk_changes(old: &[LockedSdk], new: &[LockedSdk]) -> Vec<Change> {
    let mut found = Vec::new();
    let names: BTreeSet<&String> = old.iter().chain(new).map(|sdk| &sdk.name).collect();
    for name in names {
        let of = |sdks: &'_ [LockedSdk]| sdks.iter().position(|sdk| sdk.name == *name);
        let (before, after) = (of(old).map(|i| &old[i]), of(new).map(|i| &new[i]));
        let whole = Change::new(Subject::Sdk, name, before.map(shown_sdk), after.map(shown_sdk));
        let (Some(before), Some(after)) = (before, after) else {
            found.push(whole);
            continue;
        };
        let exec: Vec<OsArch> = after.downloads.iter().map(|d| d.platform).collect();
        found.extend(exec_changes(Some(before), &exec));
        let builds = is_same_build(before.build.as_ref(), after.build.as_ref());
        let downloads = is_same_where_both(&before.downloads, &after.downloads);
        let rest = before.source != after.source || before.godebug != after.godebug || !downloads || !builds;
        // Platforms that binaries are built for change records of packages, which says nothing of the SDK.
        let same_platforms = before.experiments.keys().eq(after.experiments.keys());
        let records = before.packages != after.packages || before.experiments != after.experiments;
        if before.version != after.version || rest || same_platforms && records {
            found.push(whole);
        }
    }
    found
}

fn is_same_build(before: Option<&SdkBuild>, after: Option<&SdkBuild>) -> bool {
    let (Some(before), Some(after)) = (before, after) else { return before.is_none() && after.is_none() };
    let rest = |build: &SdkBuild| {
        let bootstrap = Bootstrap { downloads: Vec::new(), ..build.bootstrap.clone() };
        SdkBuild { bootstrap, ..build.clone() }
    };
    rest(before) == rest(after) && is_same_where_both(&before.bootstrap.downloads, &after.bootstrap.downloads)
}

/// Whether what is downloaded for platforms that both have is the same.
fn is_same_where_both(before: &[SdkDownload], after: &[SdkDownload]) -> bool {
    after.iter().all(|download| before.iter().all(|b| b.platform != download.platform || b == download))
}

/// The changes of one module. Where platforms changed, other records of the same packages are no news.
fn module_changes(old: Option<&LockedModule>, new: Option<&LockedModule>, recorded_anew: bool) -> Vec<Change> {
    let path = old.or(new).map(|m| m.path.to_string()).unwrap_or_default();
    let version = |m: Option<&LockedModule>| m.map(shown_version);
    let whole = Change { size: new.map(|m| m.size), ..Change::new(Subject::Module, &path, version(old), version(new)) };
    let (Some(old), Some(new)) = (old, new) else { return vec![whole] };
    if whole.from != whole.to {
        return vec![whole];
    }
    let name = |directory: &String| if directory.is_empty() { path.clone() } else { format!("{path}/{directory}") };
    let package = |directory, kind| Change::bare(Subject::Package, name(directory), kind);
    let added = new.packages.keys().filter(|d| !old.packages.contains_key(*d)).map(|d| package(d, Kind::Added));
    let removed = old.packages.keys().filter(|d| !new.packages.contains_key(*d)).map(|d| package(d, Kind::Removed));
    let mut found: Vec<Change> = added.chain(removed).collect();
    let absent_differs = found.is_empty() && old.absent != new.absent;
    let records_differ = !recorded_anew && new.packages.iter().any(|(d, r)| old.packages.get(d).is_some_and(|o| o != r));
    let rest = |m: &LockedModule| LockedModule { packages: BTreeMap::new(), absent: BTreeSet::new(), ..m.clone() };
    if records_differ || absent_differs || rest(old) != rest(new) {
        found.push(whole);
    }
    found
}
