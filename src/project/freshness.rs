//! Whether a lock still fits spec, go.mod and go.sum, so that nothing is built from pins that they have moved on from.

use super::{LOCK_FILE, Project};
use crate::error::{Class, Error, Result};
use crate::lock::file::{LockedModule, LockedSdk, Lockfile, Replacement};
use crate::lock::known;
use crate::module::gomod::Target;
use crate::module::mvs::{self, Selected};
use crate::module::{ModuleId, semver};
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
    let listed = mvs::listed(&project.workspace);
    for module in &lock.modules {
        match &listed {
            Some(selected) => check_listed(module, selected)?,
            None => check_required(project, module)?,
        }
        known::check_sum(module, &project.workspace.sums)?;
    }
    Ok(sdk)
}

fn stale(why: String) -> Error {
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

/// A go.mod that lists all modules says which version each has.
fn check_listed(module: &LockedModule, selected: &[Selected]) -> Result<()> {
    let LockedModule { path, version, .. } = module;
    match selected.iter().find(|s| s.id.path == *path) {
        None => Err(stale(format!("it has {path}, which go.mod does not require"))),
        Some(found) if found.id.version != *version => {
            Err(stale(format!("it has {path}@{version}, but go.mod asks for {}", found.id.version)))
        }
        Some(found) => check_replacement(module, found.replace.as_ref()),
    }
}

/// For a workspace, and for a module before Go 1.17, other modules' go.mod files have a say too: what is known here is a lower bound.
fn check_required(project: &Project, module: &LockedModule) -> Result<()> {
    let LockedModule { path, version, .. } = module;
    let required = project.workspace.modules.iter().flat_map(|m| &m.gomod.require).map(|r| &r.id);
    let newer = |id: &&ModuleId| {
        let excluded = project.workspace.is_excluded(id);
        id.path == *path && !excluded && semver::compare(id.version.as_str(), version.as_str()).is_gt()
    };
    if let Some(id) = required.into_iter().find(newer) {
        return Err(stale(format!("it has {path}@{version}, but go.mod asks for {}", id.version)));
    }
    check_replacement(module, project.workspace.replacement(&ModuleId { path: path.clone(), version: version.clone() }))
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
