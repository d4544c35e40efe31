//! Whether go.mod lists what its modules ask for. Where it doesn't, the go command builds nothing, and says "updates to go.mod needed"
//! (`updatePrunedRoots` and `updateUnprunedRoots` in cmd/go/internal/modload/buildlist.go).

use super::file::Lockfile;
use crate::error::{Error, Result};
use crate::module::ModuleId;
use crate::module::gomod::{GoMod, Target};
use crate::module::mvs::Selected;
use crate::module::semver;
use crate::module::workspace::{STRICT_SINCE, Workspace};
use crate::name::GoVersion;

/// Refuses a go.mod with an older go line or an older version than a module asks for that counts: since Go 1.17 those that packages come from,
/// before all of the build list. The go command doesn't ask that of a workspace, nor where packages are vendored.
///
/// # Errors
///
/// The first module that asks for more.
pub fn check(workspace: &Workspace, lock: &Lockfile, selected: &[Selected]) -> Result<()> {
    let [main] = workspace.modules.as_slice() else { return Ok(()) };
    if workspace.work.is_some() || workspace.vendor.is_some() {
        return Ok(());
    }
    let lists_all = main.gomod.is_pruned();
    for module in selected.iter().filter(|module| !lists_all || is_used(lock, module)) {
        check_go_line(&main.gomod, module, go_line(workspace, lock, module))?;
        if let Some(gomod) = replacement(workspace, module) {
            check_versions(workspace, module, gomod, selected)?;
        }
    }
    if lists_all { Ok(()) } else { check_listed(workspace, &main.gomod, selected) }
}

/// Whether packages come from a module.
fn is_used(lock: &Lockfile, module: &Selected) -> bool {
    let path = &module.id.path;
    lock.local.iter().any(|local| local.path == *path)
        || lock.modules.iter().any(|locked| locked.path == *path && !locked.packages.is_empty())
}

/// The go.mod of the directory that stands for a module.
fn replacement<'w>(workspace: &'w Workspace, module: &Selected) -> Option<&'w GoMod> {
    match &module.replace {
        Some(Target::Directory(directory)) => workspace.local(directory).ok(),
        _ => None,
    }
}

fn go_line<'l>(workspace: &'l Workspace, lock: &'l Lockfile, module: &Selected) -> Option<&'l GoVersion> {
    if let Some(gomod) = replacement(workspace, module) {
        return gomod.go.as_ref();
    }
    let id = match &module.replace {
        Some(Target::Module(other)) => other,
        _ => &module.id,
    };
    let read = lock.go_mods.iter().find(|locked| locked.id == *id).and_then(|locked| locked.go.as_ref());
    read.or_else(|| lock.modules.iter().find(|locked| locked.id() == *id)?.go.as_ref())
}

fn check_go_line(main: &GoMod, module: &Selected, go: Option<&GoVersion>) -> Result<()> {
    let Some(go) = go.filter(|go| go.minor() >= STRICT_SINCE) else { return Ok(()) };
    match &main.go {
        Some(own) if own >= go => Ok(()),
        Some(own) => Err(needed(&format!("{} requires go >= {go}, and its go line says {own}", module.id))),
        None => Err(needed(&format!("{} requires go >= {go}, and it has no go line", module.id))),
    }
}

/// What the go.mod of a directory requires may be newer than what is selected, where not all of the build list is looked at.
fn check_versions(workspace: &Workspace, module: &Selected, gomod: &GoMod, selected: &[Selected]) -> Result<()> {
    for require in gomod.require.iter().map(|require| &require.id).filter(|id| !workspace.is_excluded(id)) {
        let Some(found) = selected.iter().find(|found| found.id.path == require.path) else { continue };
        if is_older(&found.id, require) {
            return Err(needed(&format!("{} requires {require}, and it lists {}", module.id, found.id.version)));
        }
    }
    Ok(())
}

/// Before Go 1.17 the list may be short, but what is on it must be what is selected.
fn check_listed(workspace: &Workspace, main: &GoMod, selected: &[Selected]) -> Result<()> {
    for listed in main.require.iter().map(|require| &require.id).filter(|id| !workspace.is_excluded(id)) {
        let Some(found) = selected.iter().find(|found| found.id.path == listed.path) else { continue };
        let is_repeated = main.require.iter().any(|other| other.id == found.id);
        if is_older(listed, &found.id) && !is_repeated {
            return Err(needed(&format!("its modules require {}, and it lists {}", found.id, listed.version)));
        }
    }
    Ok(())
}

fn is_older(one: &ModuleId, other: &ModuleId) -> bool {
    semver::compare(one.version.as_str(), other.version.as_str()).is_lt()
}

fn needed(why: &str) -> Error {
    Error::input(format!("go.mod needs an update: {why}"))
        .help("`go mod tidy` makes it; until then, the go command builds nothing, either")
}
