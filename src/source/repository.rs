//! The repository's tree, which all graphs of a project share.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::files::Files;
use crate::source::index::Blobs;
use crate::source::scan::{ScannedPackage, SourceFile, is_source, scan_file};
use crate::source::tree::{self, DiskTree, Entry, Tree};

/// A [`DiskTree`] that lists each directory and scans each package once, however many graphs ask for it: it is a view of one moment, and
/// what is written later isn't seen.
#[derive(Debug)]
pub struct RepositoryTree {
    disk: DiskTree,
    listings: Known<Vec<Entry>>,
    packages: Known<ScannedPackage>,
    blobs: Option<Arc<Blobs>>,
}

/// What was found out, by path or question.
pub type Known<T> = Mutex<HashMap<String, Arc<T>>>;

impl RepositoryTree {
    /// The tree below `root`, read through `files`; if it is a commit's, with what is known of `blobs`.
    pub fn new(files: Files, root: &Path, blobs: Option<Arc<Blobs>>) -> RepositoryTree {
        let (listings, packages) = Default::default();
        RepositoryTree { disk: DiskTree::through(files, root), listings, packages, blobs }
    }

    /// What `of` finds in a file, which answers a `question` and depends on nothing but the content.
    ///
    /// # Errors
    ///
    /// When the file can't be read.
    pub fn found<T: Serialize + DeserializeOwned>(&self, question: &str, path: &str, of: impl Fn(&[u8]) -> T) -> Result<T> {
        self.remembered(question, path, || tree::read(self, path).map(|content| of(&content)))
    }

    /// What `make` finds in a file, or found in one of the same content.
    fn remembered<T: Serialize + DeserializeOwned>(
        &self,
        question: &str,
        path: &str,
        make: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        match self.blobs.as_ref().and_then(|blobs| Some((blobs, self.disk.id(path)?))) {
            Some((blobs, id)) => blobs.remembered(&id, question, make),
            None => make(),
        }
    }

    /// A source file with its head, which depends on its name, too.
    fn source_file(&self, directory: &str, entry: &Entry) -> Result<Option<SourceFile>> {
        let (question, path) = (format!("source {}", entry.name), tree::join(directory, &entry.name));
        self.remembered(&question, &path, || scan_file(self, directory, entry))
    }

    /// The bytes of a file, or of what a link leads to.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn size(&self, path: &str) -> Result<u64> {
        let path = self.disk.path(path);
        std::fs::metadata(&path).map(|metadata| metadata.len()).map_err(|e| Error::io("read", &path, &e))
    }
}

impl Tree for RepositoryTree {
    fn list(&self, directory: &str) -> Result<Vec<Entry>> {
        known(&self.listings, directory, || self.disk.list(directory)).map(Arc::unwrap_or_clone)
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        self.disk.read(path)
    }

    fn read_start(&self, path: &str, length: usize) -> io::Result<Vec<u8>> {
        self.disk.read_start(path, length)
    }

    fn shown(&self, path: &str) -> PathBuf {
        self.disk.shown(path)
    }

    fn package(&self, directory: &str) -> Result<Arc<ScannedPackage>> {
        known(&self.packages, directory, || {
            let sources = self.list(directory)?.into_iter().filter(is_source);
            let files = sources.map(|entry| self.source_file(directory, &entry)).filter_map(Result::transpose);
            Ok(ScannedPackage { directory: directory.to_owned(), files: files.collect::<Result<_>>()? })
        })
    }
}

/// What is known for `key`, which `make` finds out otherwise. Two threads may both look; they find the same.
///
/// # Errors
///
/// Those of `make`, which aren't remembered.
pub fn known<T>(known: &Known<T>, key: &str, make: impl FnOnce() -> Result<T>) -> Result<Arc<T>> {
    let lock = || known.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(value) = lock().get(key) {
        return Ok(value.clone());
    }
    let value = Arc::new(make()?);
    lock().insert(key.to_owned(), value.clone());
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_looked_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let file = |name: &str| directory.path().join(name);
        std::fs::write(file("a.go"), "package a\n").unwrap();
        let tree = RepositoryTree::new(Files::default(), directory.path(), None);
        let (listed, package) = (tree.list("").unwrap(), tree.package("").unwrap());
        std::fs::write(file("b.go"), "package b\n").unwrap();
        std::fs::write(file("a.go"), "package other\n").unwrap();
        assert_eq!(tree.list("").unwrap(), listed);
        assert!(Arc::ptr_eq(&tree.package("").unwrap(), &package));
        // What files say is read where it counts.
        assert_eq!(tree.read("a.go").unwrap(), b"package other\n");
        // Neither is a directory that wasn't there found later.
        assert_eq!(tree.list("later").unwrap(), []);
        std::fs::create_dir(file("later")).unwrap();
        std::fs::write(file("later/c.go"), "package c\n").unwrap();
        assert_eq!(tree.list("later").unwrap(), []);
    }
}
