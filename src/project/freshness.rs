//! Whether a lock still fits spec, go.mod and go.sum, so that nothing is built from pins that they have moved on from.

use std::collections::BTreeMap;

use super::{LOCK_FILE, Project};
use crate::error::{Class, Error, Result};
use crate::lock::build::{self, Patch};
use crate::lock::file::{
    self, Bootstrap, LocalModule, LockedGoMod, LockedModule, LockedSdk, Lockfile, Replacement, SdkDownload,
};
use crate::lock::known;
use crate::lock::sdk::expected_urls;
use crate::lock::updates;
use crate::module::ModuleId;
use crate::module::gomod::Target;
use crate::module::mvs::{self, Selected};
use crate::module::workspace::Workspace;
use crate::name::{ModulePath, ModuleVersion};
use crate::spec::{Archives, Sdk, SdkSource, SdkVersion};

/// The SDKs of the spec by name, when the lock fits.
///
/// # Errors
///
/// Other SDKs, platforms or modules than spec and go.mod ask for; a hash that go.sum contradicts; a go.mod that needs updates.
pub(super) fn check<'l>(project: &Project, lock: &'l Lockfile) -> Result<BTreeMap<&'l str, &'l LockedSdk>> {
    let sdks = check_sdks(project, lock)?;
    if let Some(missing) = project.spec.os_arches().iter().find(|p| !lock.platforms.contains(p)) {
        return Err(stale(format!("it doesn't cover the platform {missing}")));
    }
    project.check_vendored(lock)?;
    if project.workspace.vendor.is_some() {
        return Ok(sdks);
    }
    let selected = selected(&project.workspace, lock)?;
    for module in &lock.modules {
        check_module(module, &selected)?;
        known::check_sum(module, &project.workspace.sums)?;
    }
    lock.local.iter().try_for_each(|module| check_local(&project.workspace, module, &selected))?;
    updates::check(&project.workspace, lock, &selected)?;
    Ok(sdks)
}

/// The versions that all go.mod files together ask for; the lock has those that aren't the repository's own.
pub(super) fn selected(workspace: &Workspace, lock: &Lockfile) -> Result<Vec<Selected>> {
    if let Some(listed) = mvs::listed(workspace) {
        return Ok(listed);
    }
    let locked: BTreeMap<&ModuleId, &LockedGoMod> = lock.go_mods.iter().map(|locked| (&locked.id, locked)).collect();
    // A proof was verified when it was locked, and is again by `lock --verify`.
    let vouched = |locked: &LockedGoMod| match workspace.sums.go_mod(&locked.id) {
        [] => locked.proof.is_some(),
        accepted => accepted.contains(&locked.h1),
    };
    mvs::build_list(workspace, &|id: &ModuleId| match locked.get(id).filter(|locked| vouched(locked)) {
        Some(locked) => Ok(known::go_mod(locked)),
        None => Err(stale(format!("it doesn't have the go.mod of {id}"))),
    })
}

pub(super) fn stale(why: String) -> Error {
    Error::new(Class::Negative, format!("{LOCK_FILE} is stale: {why}")).help("run `godirect lock`")
}

fn check_sdks<'l>(project: &Project, lock: &'l Lockfile) -> Result<BTreeMap<&'l str, &'l LockedSdk>> {
    if let Some(extra) = lock.sdks.iter().find(|sdk| !project.spec.sdks.contains_key(&sdk.name)) {
        return Err(stale(format!("it pins the SDK `{}`, which the spec has not", extra.name)));
    }
    let one = |(name, wanted): (&String, &Sdk)| {
        let sdk = lock.sdks.iter().find(|sdk| sdk.name == *name);
        let sdk = sdk.ok_or_else(|| stale(format!("it doesn't pin the SDK `{name}` of the spec")))?;
        check_sdk(project, wanted, sdk)?;
        Ok((sdk.name.as_str(), sdk))
    };
    project.spec.sdks.iter().map(one).collect()
}

fn check_sdk(project: &Project, wanted: &Sdk, sdk: &LockedSdk) -> Result<()> {
    match &wanted.version {
        SdkVersion::Exact(version) if *version != sdk.version => {
            return Err(stale(format!("it pins go{}, but the spec asks for go{version}", sdk.version)));
        }
        SdkVersion::FromGoMod => match project.workspace.wanted_sdk() {
            Some(line) if line.version.toolchain() != sdk.version => {
                return Err(stale(format!("it pins go{}, but {} has the line `{}`", sdk.version, line.file, line.line)));
            }
            _ => {}
        },
        SdkVersion::Exact(_) => {}
    }
    let (asked, kind) = match &wanted.source {
        SdkSource::ModuleProxy | SdkSource::Source(_) => ("module", file::SdkSource::Module),
        SdkSource::Archive(_) => ("archive", file::SdkSource::Archive),
    };
    if sdk.source != kind {
        return Err(stale(format!("its SDK go{} doesn't come from {asked}s, as the spec asks for", sdk.version)));
    }
    if let SdkSource::Archive(archives) = &wanted.source {
        sdk.downloads.iter().try_for_each(|download| check_archive(archives, download))?;
    }
    check_build(project, wanted, sdk)?;
    match wanted.exec_platforms.iter().find(|p| !sdk.downloads.iter().any(|d| d.platform == **p)) {
        Some(missing) => Err(stale(format!("it has no SDK for the execution platform {missing}"))),
        None => Ok(()),
    }
}

/// Whether the SDK is built as the spec asks, with patches that are still those of the lock.
fn check_build(project: &Project, wanted: &Sdk, sdk: &LockedSdk) -> Result<()> {
    let wanted = match &wanted.source {
        SdkSource::Source(wanted) => Some(build::request(&project.files, &project.dir, wanted)?),
        _ => None,
    };
    if build::is_wanted(sdk.build.as_ref(), wanted.as_ref()) {
        return Ok(());
    }
    let (wanted, build) = match (wanted, &sdk.build) {
        (Some(wanted), Some(build)) => (wanted, build),
        (None, _) => return Err(stale("its SDK is built from source, which the spec doesn't ask for".to_owned())),
        (_, None) => return Err(stale("its SDK isn't built from source, as the spec asks".to_owned())),
    };
    let Bootstrap { version, .. } = &build.bootstrap;
    if let Some(other) = wanted.bootstrap.as_ref().filter(|other| *other != version) {
        return Err(stale(format!("it compiles the SDK with go{version}, but the spec asks for go{other}")));
    }
    let locked = |patch: &Patch| build.patches.iter().any(|locked| locked.file == patch.file);
    let edited = |patch: &&Patch| locked(patch) && !build.patches.contains(&patch.locked());
    Err(stale(match wanted.patches.iter().find(edited) {
        Some(patch) => format!("the patch {} was edited after it was made", patch.file),
        None if wanted.patches.iter().map(|p| &p.file).eq(build.patches.iter().map(|p| &p.file)) => {
            "it builds the SDK with other experiments than the spec asks for".to_owned()
        }
        None => "it builds the SDK with other patches than the spec asks for".to_owned(),
    }))
}

/// The spec may name another hash, other URLs or another mirror now.
fn check_archive(archives: &Archives, locked: &SdkDownload) -> Result<()> {
    let platform = locked.platform;
    let given = archives.given.get(&platform).and_then(|archive| archive.sha256);
    if let Some(sha256) = given.filter(|sha256| *sha256 != locked.sha256) {
        return Err(stale(format!(
            "its SDK archive of {platform} has the sha256 {}, but the spec asks for {sha256}",
            locked.sha256
        )));
    }
    match expected_urls(archives, locked)? == locked.urls {
        true => Ok(()),
        false => Err(stale(format!("its SDK archive of {platform} has other URLs than the spec asks for"))),
    }
}

fn check_module(module: &LockedModule, selected: &[Selected]) -> Result<()> {
    let LockedModule { path, version, .. } = module;
    check_replacement(module, check_version(path, version, selected)?.replace.as_ref())
}

/// The selected version, which the locked one must be.
fn check_version<'s>(path: &ModulePath, version: &ModuleVersion, selected: &'s [Selected]) -> Result<&'s Selected> {
    match selected.iter().find(|s| s.id.path == *path) {
        None => Err(stale(format!("it has {path}, which go.mod does not require"))),
        Some(found) if found.id.version != *version => {
            Err(stale(format!("it has {path}@{version}, but go.mod asks for {}", found.id.version)))
        }
        Some(found) => Ok(found),
    }
}

/// A directory takes the place of the module, and build information has the version and the directory that the lock has.
fn check_local(workspace: &Workspace, module: &LocalModule, selected: &[Selected]) -> Result<()> {
    let LocalModule { path, version, directory } = module;
    match workspace.shown_replacement(&check_version(path, version, selected)?.id) {
        Some(shown) if shown == directory => Ok(()),
        Some(shown) => Err(stale(format!("it has {directory} for {path}, but go.mod replaces it by {shown}"))),
        None => Err(stale(format!("it has {directory} for {path}, but go.mod doesn't replace it by a directory"))),
    }
}

fn check_replacement(module: &LockedModule, wanted: Option<&Target>) -> Result<()> {
    let fits = match (wanted, &module.replace) {
        (None, None) => true,
        (Some(Target::Module(id)), Some(Replacement { path, version })) => id.path == *path && id.version == *version,
        _ => false,
    };
    if fits {
        return Ok(());
    }
    let wanted = wanted.map_or_else(|| "doesn't".to_owned(), |target| format!("replaces it by {target}"));
    let locked =
        module.replace.as_ref().map_or_else(|| "doesn't replace".to_owned(), |r| format!("has {}@{} for", r.path, r.version));
    Err(stale(format!("it {locked} {}, but go.mod {wanted}", module.path)))
}
