//! Whether vendor/ fits go.mod: what `go build` says of it, in its words (`checkVendorConsistency` in
//! `cmd/go/internal/modload/vendor.go`).

use std::collections::BTreeSet;

use super::ModuleId;
use super::gomod::{Replace, Target};
use super::modules_txt::{ModuleEntry, ModulesTxt};
use super::mvs::Selected;
use super::workspace::Workspace;
use crate::error::{Error, Result};
use crate::name::{ModulePath, ModuleVersion};

/// The modules that have packages in vendor/, sorted by path.
pub fn selected(workspace: &Workspace, vendored: &ModulesTxt) -> Vec<Selected> {
    // Of several versions the newest stands last.
    let newest = vendored.providers().filter_map(|m| Some((m.path.clone(), m.version.clone()?)));
    let newest: std::collections::BTreeMap<ModulePath, ModuleVersion> = newest.collect();
    let with_replacement = |(path, version)| {
        let id = ModuleId { path, version };
        let replace = workspace.replacement(&id).cloned();
        Selected { id, replace }
    };
    newest.into_iter().map(with_replacement).collect()
}

/// Refuses a vendor directory that doesn't fit go.mod or go.work.
///
/// # Errors
///
/// All that doesn't fit, each in a line of its own.
pub fn check(workspace: &Workspace, vendored: &ModulesTxt) -> Result<()> {
    let mut wrong = inconsistencies(workspace, vendored);
    if wrong.is_empty() {
        wrong = unlisted(workspace, vendored);
    }
    if wrong.is_empty() {
        return Ok(());
    }
    let command = if workspace.work.is_some() { "go work vendor" } else { "go mod vendor" };
    let help = format!("`{command}` makes vendor/ anew; without that directory, modules come from GOPROXY");
    Err(Error::input(format!("inconsistent vendoring:\n{}", wrong.join("\n"))).help(help))
}

/// What `go build` lists, each as `path@version: …`.
pub fn inconsistencies(workspace: &Workspace, vendored: &ModulesTxt) -> Vec<String> {
    let mut wrong = Vec::new();
    for required in workspace.modules.iter().flat_map(|m| &m.gomod.require) {
        let ModuleId { path, version } = &required.id;
        if !vendored.find(path, Some(version)).is_some_and(|m| m.explicit) {
            let why = "is explicitly required in go.mod, but not marked as explicit in vendor/modules.txt";
            wrong.push(format!("{}: {why}", required.id));
        }
    }
    let mut seen = BTreeSet::new();
    let by_work = workspace.work.iter().flat_map(|w| &w.replace);
    for replace in workspace.modules.iter().flat_map(|m| &m.gomod.replace).chain(by_work) {
        if seen.insert((&replace.path, &replace.version)) {
            wrong.extend(check_replace(workspace, vendored, replace));
        }
    }
    for module in vendored.providers().filter(|m| m.explicit && !is_required(workspace, m)) {
        let article = if workspace.work.is_some() { "a " } else { "" };
        let why = "is marked as explicit in vendor/modules.txt, but not explicitly required in";
        wrong.push(format!("{}: {why} {article}go.mod", named(&module.path, module.version.as_ref())));
    }
    for module in vendored.modules.iter().filter(|m| m.replacement.is_some()) {
        if workspace.replaced(&module.path, module.version.as_ref()).is_none() {
            let source = if workspace.work.is_some() { "the workspace" } else { "go.mod" };
            let why = "is marked as replaced in vendor/modules.txt, but not replaced in";
            wrong.push(format!("{}: {why} {source}", named(&module.path, module.version.as_ref())));
        }
    }
    wrong
}

fn check_replace(workspace: &Workspace, vendored: &ModulesTxt, replace: &Replace) -> Option<String> {
    let replaced = workspace.replaced(&replace.path, replace.version.as_ref())?;
    let old = named(&replace.path, replace.version.as_ref());
    let file = &replaced.file;
    match vendored.find(&replace.path, replace.version.as_ref()).and_then(|m| m.replacement.as_ref()) {
        None => Some(format!("{old}: is replaced in {file}, but not marked as replaced in vendor/modules.txt")),
        Some(marked) if *marked != replaced.shown => Some(format!(
            "{old}: is replaced by {} in {file}, but marked as replaced by {marked} in vendor/modules.txt",
            replaced.written
        )),
        Some(_) => None,
    }
}

fn is_required(workspace: &Workspace, module: &ModuleEntry) -> bool {
    let mut required = workspace.modules.iter().flat_map(|m| &m.gomod.require).map(|r| &r.id);
    required.any(|id| id.path == module.path && Some(&id.version) == module.version.as_ref())
}

/// Since Go 1.17 go.mod lists all that is vendored (`initVendor`).
fn unlisted(workspace: &Workspace, vendored: &ModulesTxt) -> Vec<String> {
    let [main] = workspace.modules.as_slice() else { return Vec::new() };
    if workspace.work.is_some() || !main.gomod.is_pruned() {
        return Vec::new();
    }
    let unlisted = vendored.providers().filter(|m| !is_required(workspace, m));
    let name = |m: &ModuleEntry| named(&m.path, m.version.as_ref());
    unlisted.map(|m| format!("vendored module {} should be required explicitly in go.mod", name(m))).collect()
}

fn named(path: &ModulePath, version: Option<&ModuleVersion>) -> String {
    version.map_or_else(|| path.to_string(), |version| format!("{path}@{version}"))
}

/// How build information and the lock name what takes a vendored module's place: path, and version unless it is a directory.
pub fn replacement(workspace: &Workspace, id: &ModuleId) -> Option<(String, Option<ModuleVersion>)> {
    match &workspace.replaced(&id.path, Some(&id.version))?.shown {
        Target::Directory(directory) => Some((directory.clone(), None)),
        Target::Module(other) => Some((other.path.to_string(), Some(other.version.clone()))),
    }
}
