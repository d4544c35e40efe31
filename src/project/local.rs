//! Modules that `replace` directives take from directories of the repository.

use super::Project;
use crate::error::{Error, Result};
use crate::graph::{MainModule, StandsFor};
use crate::lock::file::LocalModule;
use crate::module::ModuleId;
use crate::module::gomod::Target;
use crate::module::mvs::Selected;
use crate::module::workspace;
use crate::source::tree::{EntryKind, Tree};

/// Whether a clean path leads out of the directory that it is relative to.
pub(super) fn is_outside(directory: &str) -> bool {
    directory.starts_with('/') || directory == ".." || directory.starts_with("../")
}

impl Project {
    /// Whether a module's files are the repository's own.
    pub(super) fn is_local(&self, module: &Selected) -> bool {
        match &module.replace {
            // What is vendored is a copy.
            Some(Target::Directory(directory)) if self.workspace.vendor.is_none() => {
                !is_outside(&self.in_repository(directory))
            }
            _ => false,
        }
    }

    /// The place in the repository of a directory that is relative to go.mod or go.work.
    pub(super) fn in_repository(&self, directory: &str) -> String {
        workspace::join(&self.spec.module_dir, directory)
    }

    /// Refuses a package of a module whose files no other machine, and no sandbox, would have.
    pub(super) fn check_outside(&self, module: &Selected) -> Result<()> {
        let Some(Target::Directory(directory)) = &module.replace else { return Ok(()) };
        let path = &module.id.path;
        let shown = self.workspace.shown_replacement(&module.id).unwrap_or(directory);
        if directory.starts_with('/') {
            let error =
                Error::input(format!("{path} is replaced by the absolute path {shown}, which other machines don't have"));
            return Err(error.help("write it relative to go.mod, or to go.work"));
        }
        let error = Error::input(format!("{path} is replaced by {shown}, which is outside of the spec's directory"));
        Err(error.help("put godirect.star into a directory above both and say module(\"dir-of-go.mod\")"))
    }

    /// The module in the directory that takes the place of `id`.
    ///
    /// # Errors
    ///
    /// When it has no go.mod, or is reached by a symbolic link, which sandboxes don't follow.
    pub(super) fn local_module(&self, id: &ModuleId) -> Result<MainModule> {
        let Some(Target::Directory(relative)) = self.workspace.replacement(id) else {
            return Err(Error::input(format!("{id} is not replaced by a directory")));
        };
        let gomod = self.workspace.local(relative).map_err(|e| e.context(id))?;
        let directory = self.in_repository(relative);
        self.refuse_symlinks(&directory)?;
        let shown = self.workspace.shown_replacement(id).unwrap_or(relative).to_owned();
        Ok(MainModule {
            path: id.path.clone(),
            directory,
            go: gomod.go.clone(),
            ignore: gomod.ignore.clone(),
            stands_for: Some(StandsFor { version: id.version.clone(), shown }),
        })
    }

    pub(super) fn refuse_symlinks(&self, directory: &str) -> Result<()> {
        let mut parent = "";
        for (end, name) in directory.split('/').scan(0, |end, name| {
            *end += name.len() + 1;
            Some((*end - 1, name))
        }) {
            let entries = self.tree.list(parent)?;
            if entries.iter().any(|e| e.name == name && e.kind != EntryKind::Directory) {
                let error = Error::input(format!("{} is a symbolic link, which sandboxes don't follow", &directory[..end]));
                return Err(error.help("name the directory that it points to"));
            }
            parent = &directory[..end];
        }
        Ok(())
    }

    /// The local replacements that a lock names.
    pub(super) fn locked_locals(&self, locals: &[LocalModule]) -> Result<Vec<MainModule>> {
        locals.iter().map(|m| self.local_module(&ModuleId { path: m.path.clone(), version: m.version.clone() })).collect()
    }

    /// The modules in directories of the repository that take the place of any version, whether that is selected or not.
    pub(super) fn possible_locals(&self) -> impl Iterator<Item = MainModule> {
        self.workspace.replaced_by_directories().filter_map(|(path, relative)| {
            let gomod = self.workspace.local(relative).ok()?;
            let (path, directory, go, ignore) =
                (path.clone(), self.in_repository(relative), gomod.go.clone(), gomod.ignore.clone());
            (!is_outside(&directory)).then_some(MainModule { path, directory, go, ignore, stands_for: None })
        })
    }
}
