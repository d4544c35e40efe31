//! Packages whose statements are counted (`SelectCoverPackages` and `PrepareForCoverageBuild` in `cmd/go/internal/load`).

use super::Origin;
use super::load::{Id, Loader};
use super::loaded::Loaded;
use crate::error::Result;

/// What statements are counted with, in such a way that several threads don't disturb it.
pub const ATOMIC: &str = "sync/atomic";

/// Chooses a package by its import path and place.
pub type Selects<'c> = dyn Fn(&str, &Origin) -> bool + 'c;

/// Which statements are counted, as far as that decides about packages.
#[derive(Clone, Copy)]
pub struct Coverage<'c> {
    /// Says whether the statements of a package are counted, by its import path and place; `None`: each test counts those of its own
    /// package.
    pub selects: Option<&'c Selects<'c>>,
    /// Whether statements are counted by atomic operations.
    pub is_atomic: bool,
}

/// The packages whose statements are counted.
#[derive(Clone, Debug)]
pub(super) struct Covered {
    /// Their import paths in the order of `PackageList`; `None`: each test's own, or not known yet.
    pub(super) packages: Option<Vec<String>>,
    pub(super) is_atomic: bool,
}

impl Loader<'_> {
    /// The import paths of those packages that are counted, in the order of `candidates`.
    pub(super) fn select_covered(&mut self, candidates: &[Id], selects: &Selects, is_atomic: bool) -> Result<Vec<String>> {
        let has_files = |loaded: &Loaded| {
            let files = &loaded.found.chosen.package.files;
            !files.go.is_empty() || !files.cgo.is_empty()
        };
        // What counts can't be counted.
        let counts = |path: &str| is_atomic && matches!(path, ATOMIC | "internal/runtime/atomic");
        let mut selected = Vec::new();
        for id in candidates {
            let loaded = &self.packages[*id];
            let is_selected = loaded.found.origin.as_ref().is_some_and(|origin| selects(&loaded.path, origin));
            if is_selected && has_files(loaded) && &*loaded.path != "unsafe" && !counts(&loaded.path) {
                selected.push(loaded.path.to_string());
                self.import_atomic(*id, is_atomic)?;
            }
        }
        Ok(selected)
    }

    fn import_atomic(&mut self, id: Id, is_atomic: bool) -> Result<()> {
        if is_atomic && &*self.packages[id].path != ATOMIC {
            let atomic = self.root(ATOMIC)?;
            self.packages[id].deps.get_or_insert_default().push(atomic);
        }
        Ok(())
    }

    /// Whether each test counts the statements of its own package.
    pub(super) fn covers_own(&self) -> bool {
        self.covered.as_ref().is_some_and(|covered| covered.packages.is_none())
    }

    /// Prepares a package whose statements are counted.
    pub(super) fn count_statements(&mut self, id: Id) -> Result<()> {
        self.import_atomic(id, self.covered.as_ref().is_some_and(|covered| covered.is_atomic))
    }

    /// What a selected package imports to count its statements, and commands to write the counts down.
    pub(super) fn counter_imports(&self, path: &str, is_main: bool) -> Vec<&'static str> {
        let Some(Covered { packages: Some(packages), is_atomic }) = &self.covered else { return Vec::new() };
        let wanted = [(*is_atomic, ATOMIC), (is_main, "runtime/coverage")];
        let selected = wanted.into_iter().filter(|_| packages.iter().any(|selected| selected == path));
        selected.filter_map(|(wanted, import)| wanted.then_some(import)).collect()
    }
}
