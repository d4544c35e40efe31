//! Whether a lock still fits spec, go.mod and go.sum, so that nothing is built from pins that they have moved on from.

use super::{LOCK_FILE, Project};
use crate::error::{Class, Error, Result};
use crate::lock::file::{LocalModule, LockedModule, LockedSdk, Lockfile, Replacement};
use crate::lock::known::{self, Known};
use crate::module::ModuleId;
use crate::module::gomod::Target;
use crate::module::mvs::{self, Selected};
use crate::module::workspace::Workspace;
use crate::name::{ModulePath, ModuleVersion};
use crate::spec::SdkVersion;

/// The SDK of the spec, when the lock fits.
///
/// # Errors
///
/// Another SDK, platforms or modules than spec and go.mod ask for; a hash that go.sum contradicts.
pub(super) fn check<'l>(project: &Project, lock: &'l Lockfile) -> Result<&'l LockedSdk> {
    let sdk = check_sdk(project, lock)?;
    if let Some(missing) = project.spec.os_arches().iter().find(|p| !lock.platforms.contains(p)) {
        return Err(stale(format!("it doesn't cover the platform {missing}")));
    }
    project.check_vendored(lock)?;
    if project.workspace.vendor.is_some() {
        return Ok(sdk);
    }
    let selected = selected(&project.workspace, lock)?;
    for module in &lock.modules {
        check_module(module, &selected)?;
        known::check_sum(module, &project.workspace.sums)?;
    }
    lock.local.iter().try_for_each(|module| check_local(&project.workspace, module, &selected))?;
    Ok(sdk)
}

/// The versions that all go.mod files together ask for; the lock has those that aren't the repository's own.
fn selected(workspace: &Workspace, lock: &Lockfile) -> Result<Vec<Selected>> {
    if let Some(listed) = mvs::listed(workspace) {
        return Ok(listed);
    }
    let known = Known::new(Some(lock), &lock.platforms);
    mvs::build_list(workspace, &|id: &ModuleId| match known.go_mod(id, &workspace.sums) {
        Some(locked) => Ok(known::go_mod(locked)),
        None => Err(stale(format!("it doesn't have the go.mod of {id}"))),
    })
}

pub(super) fn stale(why: String) -> Error {
    Error::new(Class::Negative, format!("{LOCK_FILE} is stale: {why}")).help("run `godirect lock`")
}

fn check_sdk<'l>(project: &Project, lock: &'l Lockfile) -> Result<&'l LockedSdk> {
    let sdk = match &project.spec.sdk.version {
        SdkVersion::Exact(version) => lock.sdks.iter().find(|s| s.version == *version),
        SdkVersion::FromGoMod => lock.sdks.last(),
    };
    let sdk = sdk.ok_or_else(|| stale("it pins another version of Go than the spec asks for".to_owned()))?;
    if project.spec.sdk.version == SdkVersion::FromGoMod
        && let Some(wanted) = project.workspace.wanted_sdk()
    {
        // A language version stands for any of its releases.
        let fits = match wanted.version.is_release() {
            true => wanted.version == sdk.version,
            false => wanted.version.language() == sdk.version.language(),
        };
        if !fits {
            return Err(stale(format!("it pins go{}, but {} has the line `{}`", sdk.version, wanted.file, wanted.line)));
        }
    }
    match project.spec.sdk.exec_platforms.iter().find(|p| !sdk.downloads.iter().any(|d| d.platform == **p)) {
        Some(missing) => Err(stale(format!("it has no SDK for the execution platform {missing}"))),
        None => Ok(sdk),
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
