//! Files that tests read while they run. Go finds out by running them; here everything counts that they may read, by these rules:
//!
//! * all below `testdata` in the package's directory;
//! * what string literals name, relative to the package's directory: files, and all below directories. This goes for the literals of the
//!   package and its tests; of other packages of the repository that the test needs, for those that lead upwards or into `testdata`;
//! * all below the package's directory, if the package or its tests ask where they are (`os.Getwd`, `runtime.Caller`);
//! * what comments `//godirect:data PATTERN…` name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Result;
use crate::graph::{MainModule, Origin, PackageGraph};
use crate::plan::test::Test;
use crate::source::glob;
use crate::source::mentions::Mentions;
use crate::source::tree::{DiskTree, EntryKind, Tree, clean, join};

/// What was read for one test may be needed for the next.
pub struct Runtime<'t> {
    tree: &'t DiskTree,
    mentions: Mutex<BTreeMap<String, Arc<Mentions>>>,
    below: Mutex<BTreeMap<String, Arc<BTreeSet<String>>>>,
}

impl<'t> Runtime<'t> {
    pub fn new(tree: &'t DiskTree) -> Runtime<'t> {
        Runtime { tree, mentions: Mutex::default(), below: Mutex::default() }
    }

    /// The files that a test in `directory` may read, which is in the module at `root`.
    ///
    /// # Errors
    ///
    /// When a directory can't be read.
    pub fn files(
        &self,
        graph: &PackageGraph,
        mains: &[MainModule],
        test: &Test,
        root: &str,
        directory: &str,
    ) -> Result<BTreeSet<String>> {
        let mut own = Mentions::default();
        let mut others = BTreeSet::new();
        for package in graph.closure([test.program.unit.as_str()], true) {
            let Origin::Main { index, directory: below } = &package.origin else { continue };
            let place = join(&mains[*index].directory, below);
            for file in package.selection.files.go.iter().chain(&package.selection.files.cgo) {
                let mentions = self.mentions(&join(&place, file))?;
                if place == directory {
                    own.extend(&mentions);
                } else {
                    let leads_out = |path: &&String| path.starts_with("..") || path.starts_with("testdata");
                    others.extend(mentions.paths.iter().filter(leads_out).cloned());
                }
            }
        }
        let mut found = (*self.below(&join(directory, "testdata"))?).clone();
        if own.asks_where {
            found.extend(self.below(directory)?.iter().cloned());
        }
        for path in own.paths.iter().chain(&others).chain(&own.declared) {
            // What has a special meaning in patterns stands for all below the directory before it.
            let plain: Vec<&str> =
                path.split('/').take_while(|element| !glob::has_meta(element) && !element.contains('%')).collect();
            let is_pattern = plain.len() < path.split('/').count();
            if is_pattern && plain.is_empty() && !own.declared.contains(path) {
                continue;
            }
            let place = clean(&join(directory, &plain.join("/")));
            if place.starts_with("..") || !is_below(&place, root) {
                continue;
            }
            self.add(&place, directory, &mut found)?;
        }
        Ok(found)
    }

    /// Adds a file, or all files below a directory; the package's own only where that isn't the usual word for it.
    fn add(&self, place: &str, directory: &str, found: &mut BTreeSet<String>) -> Result<()> {
        let (parent, name) = place.rsplit_once('/').unwrap_or(("", place));
        if place.is_empty() || place == directory || is_below(directory, place) {
            found.extend(self.below(place)?.iter().cloned());
            return Ok(());
        }
        let listed = self.tree.list(parent)?;
        match listed.iter().find(|entry| entry.name == name).map(|entry| entry.kind) {
            Some(EntryKind::Directory) => found.extend(self.below(place)?.iter().cloned()),
            Some(EntryKind::File | EntryKind::Symlink) => drop(found.insert(place.to_owned())),
            _ => {}
        }
        Ok(())
    }

    fn mentions(&self, file: &str) -> Result<Arc<Mentions>> {
        let known = || self.mentions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mentions) = known().get(file) {
            return Ok(mentions.clone());
        }
        let content = crate::source::tree::read(self.tree, file)?;
        let mentions = Arc::new(Mentions::of(&content));
        known().insert(file.to_owned(), mentions.clone());
        Ok(mentions)
    }

    /// All files below a directory.
    fn below(&self, directory: &str) -> Result<Arc<BTreeSet<String>>> {
        let known = || self.below.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(files) = known().get(directory) {
            return Ok(files.clone());
        }
        let (mut found, mut open) = (BTreeSet::new(), vec![directory.to_owned()]);
        while let Some(directory) = open.pop() {
            for entry in self.tree.list(&directory)? {
                let path = join(&directory, &entry.name);
                match entry.kind {
                    EntryKind::Directory if entry.name != ".git" => open.push(path),
                    EntryKind::File | EntryKind::Symlink => drop(found.insert(path)),
                    _ => {}
                }
            }
        }
        let files = Arc::new(found);
        known().insert(directory.to_owned(), files.clone());
        Ok(files)
    }
}

/// Whether a path is a directory or below it.
fn is_below(path: &str, directory: &str) -> bool {
    directory.is_empty() || path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
