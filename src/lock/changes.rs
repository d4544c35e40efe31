//! What differs between two locks, as a person who reviews the change would say it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::file::{LockedModule, LockedSdk, Lockfile};
use crate::platform::OsArch;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Change {
    /// Of which kind of thing.
    pub subject: Subject,
    /// Which one: a module path, an import path, a platform; `go` for an SDK.
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
    if old.go_mods != new.go_mods {
        let shown = |lock: &Lockfile| Some(format!("{} go.mod files", lock.go_mods.len()));
        found.push(Change::new(Subject::Requirements, "requirements", shown(old), shown(new)));
    }
    if found.is_empty() && old != new {
        found.push(Change::bare(Subject::Lock, super::file::NAME, Kind::Changed));
    }
    found.sort();
    found
}

/// The platforms that a lock has too many and that it lacks: those that binaries are built for, and those on which tools run.
pub fn platform_changes(lock: Option<&Lockfile>, platforms: &[OsArch], exec: &[OsArch]) -> Vec<Change> {
    let Some(lock) = lock else { return Vec::new() };
    let tools = lock.sdks.iter().flat_map(|sdk| &sdk.downloads).map(|download| &download.platform);
    let mut found = sets(Subject::Platform, lock.platforms.iter(), platforms.iter());
    found.extend(sets(Subject::ExecPlatform, tools, exec.iter()));
    found
}

fn sets<'a>(subject: Subject, old: impl Iterator<Item = &'a OsArch>, new: impl Iterator<Item = &'a OsArch>) -> Vec<Change> {
    let (old, new): (BTreeSet<_>, BTreeSet<_>) = (old.collect(), new.collect());
    let removed = old.difference(&new).map(|p| Change::bare(subject, p.to_string(), Kind::Removed));
    removed.chain(new.difference(&old).map(|p| Change::bare(subject, p.to_string(), Kind::Added))).collect()
}

fn sdk_changes(old: &[LockedSdk], new: &[LockedSdk]) -> Vec<Change> {
    let mut found = Vec::new();
    let shown = |sdk: Option<&&LockedSdk>| sdk.map(|sdk| sdk.version.to_string());
    let in_both = |sdk: &&LockedSdk| old.iter().chain(new).filter(|other| other.version == sdk.version).count() > 1;
    let gone: Vec<&LockedSdk> = old.iter().filter(|sdk| !in_both(sdk)).collect();
    let fresh: Vec<&LockedSdk> = new.iter().filter(|sdk| !in_both(sdk)).collect();
    for i in 0..gone.len().max(fresh.len()) {
        found.push(Change::new(Subject::Sdk, "go", shown(gone.get(i)), shown(fresh.get(i))));
    }
    for sdk in new {
        let Some(before) = old.iter().find(|other| other.version == sdk.version) else { continue };
        let platforms = |sdk: &LockedSdk| sdk.downloads.iter().map(|d| d.platform).collect::<Vec<_>>();
        let tools = sets(Subject::ExecPlatform, platforms(before).iter(), platforms(sdk).iter());
        let same = |d: &super::file::SdkDownload| before.downloads.iter().all(|b| b.platform != d.platform || b == d);
        let rest = before.source != sdk.source || before.godebug != sdk.godebug || !sdk.downloads.iter().all(same);
        // Platforms that binaries are built for change records of packages, which says nothing of the SDK.
        let same_platforms = before.experiments.keys().eq(sdk.experiments.keys());
        if rest || same_platforms && (before.packages != sdk.packages || before.experiments != sdk.experiments) {
            found.push(Change::new(Subject::Sdk, "go", shown(Some(&before)), shown(Some(&sdk))));
        }
        found.extend(tools);
    }
    found
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
