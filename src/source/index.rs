//! Trees that remember between runs what their directories have: the parse cache.
//!
//! [`IndexedTree`] is a [`Tree`] on disk. It lists and scans each directory once in a run, and keeps what it found in one file for each
//! tree, which the next run reads in place of the sources:
//!
//! * A tree that never changes ([`IndexedTree::fixed`]: an SDK's `src`, an unpacked module) is known by a key, a hash of all that it
//!   has. Its listings and packages come from the file without a look at the tree.
//! * A tree that people edit ([`IndexedTree::edited`]) is listed anew, and a file's head is taken from the index if size, times and
//!   inode are those of the file that was read then. As in git's index, times that are not clearly older than that reading prove
//!   nothing, since a later write may have left them as they are: then the file is read. Contents aren't hashed, because that takes
//!   longer than to read a head.
//!
//! Of commits, git knows the hashes of all files: what is in them is kept for each file ([`Blobs`]).
//!
//! Nothing here decides a result: a file that isn't there, is damaged or was written by another version of the scanner costs the time
//! to scan. It is written whole under a temporary name and renamed, so many processes can share it; the last one wins.

mod blobs;
mod records;
mod store;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::files::{Files, State};
use crate::source::scan::{ScannedPackage, SourceFile, is_source, scan_file};
use crate::source::tree::{DiskTree, Entry, EntryKind, Tree, join};
use store::{MAX_SIZE, Store};

pub use blobs::Blobs;

/// A tree on disk with its index.
pub struct IndexedTree {
    disk: DiskTree,
    /// The same, but no notes are taken.
    unnoted: DiskTree,
    fixed: bool,
    store: Store,
    listings: Mutex<HashMap<String, Arc<Listing>>>,
    packages: Mutex<HashMap<String, Arc<ScannedPackage>>>,
    /// When this run began to look at the tree.
    opened: SystemTime,
}

/// The entries of a directory; in an edited tree, source files with what changes when they do.
type Listing = Vec<(Entry, State)>;

/// A file of an edited tree, as it was when it was read.
#[derive(Serialize, Deserialize)]
struct Remembered {
    name: String,
    /// Unknown where nothing proves that the file is still the same.
    state: State,
    /// `None` for files that Go ignores.
    file: Option<SourceFile>,
}

impl IndexedTree {
    /// The tree below `root`, which never changes: `key` names its content. `cache` is the directory of the parse cache.
    pub fn fixed(root: impl Into<PathBuf>, cache: &Path, key: &str) -> IndexedTree {
        IndexedTree::open(DiskTree::new(root), cache, true, key)
    }

    /// The tree below `root`, which may change between runs, read through `files`. `cache` is the directory of the parse cache.
    pub fn edited(files: Files, root: impl Into<PathBuf>, cache: &Path) -> IndexedTree {
        let root = root.into();
        let key = std::path::absolute(&root).unwrap_or_else(|_| root.clone()).to_string_lossy().into_owned();
        IndexedTree::open(DiskTree::through(files, root), cache, false, &key)
    }

    fn open(disk: DiskTree, cache: &Path, fixed: bool, key: &str) -> IndexedTree {
        let store = Store::open(cache, &format!("{} {key}", if fixed { "fixed" } else { "edited" }));
        let (listings, packages) = Default::default();
        let (unnoted, opened) = (DiskTree::new(disk.path("")), SystemTime::now());
        IndexedTree { disk, unnoted, fixed, store, listings, packages, opened }
    }

    /// The place on disk of `path`.
    pub fn path(&self, path: &str) -> PathBuf {
        self.disk.path(path)
    }

    /// Writes what this run has learned.
    pub fn save(&self) {
        self.store.save((!self.fixed).then_some(MAX_SIZE));
    }

    fn listing(&self, directory: &str) -> Result<Arc<Listing>> {
        if let Some(known) = lock(&self.listings).get(directory) {
            return Ok(known.clone());
        }
        let listing = if self.fixed {
            let entries = self.store.remembered(&format!("list {directory}"), || self.disk.list(directory))?;
            entries.into_iter().map(|entry| (entry, State::default())).collect()
        } else {
            // Most directories that are listed are scanned, too, and here their files need no path.
            let is_file = |entry: &Entry| entry.kind == EntryKind::File && is_source(entry);
            let state = |found: &std::fs::DirEntry| found.metadata().map(|data| State::of(&data)).unwrap_or_default();
            self.disk.entries(directory, |entry, found| if is_file(entry) { state(found) } else { State::default() })?
        };
        let listing = Arc::new(listing);
        lock(&self.listings).insert(directory.to_owned(), listing.clone());
        Ok(listing)
    }

    /// The source files of a directory that may have changed since the last run.
    fn edited_files(&self, directory: &str) -> Result<Vec<SourceFile>> {
        let key = format!("package {directory}");
        let known: Option<Vec<Remembered>> = self.store.get(&key);
        let had = known.as_ref().map(Vec::len);
        let mut known = known.unwrap_or_default().into_iter().peekable();
        let mut now = Vec::new();
        let mut is_new = false;
        for (entry, state) in self.listing(directory)?.iter().filter(|(entry, _)| is_source(entry)) {
            while known.next_if(|file| file.name < entry.name).is_some() {}
            let before = known.next_if(|file| file.name == entry.name);
            let file = match before {
                Some(file) if file.state.is_known() && file.state == *state => file,
                _ => {
                    is_new = true;
                    // A link has no state of its own: what it leads to is noted.
                    let disk = if entry.kind == EntryKind::File { &self.unnoted } else { &self.disk };
                    let file = scan_file(disk, directory, entry)?;
                    Remembered { name: entry.name.clone(), state: state.settled(self.opened), file }
                }
            };
            if entry.kind == EntryKind::File {
                self.disk.seen(&join(directory, &entry.name), file.state);
            }
            now.push(file);
        }
        if is_new || had.unwrap_or(0) != now.len() {
            self.store.keep(&key, &now);
        }
        Ok(now.into_iter().filter_map(|file| file.file).collect())
    }
}

impl Tree for IndexedTree {
    fn list(&self, directory: &str) -> Result<Vec<Entry>> {
        self.listing(directory).map(|listing| listing.iter().map(|(entry, _)| entry.clone()).collect())
    }

    fn read(&self, path: &str) -> std::io::Result<Vec<u8>> {
        self.disk.read(path)
    }

    fn shown(&self, path: &str) -> PathBuf {
        self.disk.path(path)
    }

    fn package(&self, directory: &str) -> Result<Arc<ScannedPackage>> {
        if let Some(known) = lock(&self.packages).get(directory) {
            return Ok(known.clone());
        }
        let files = if self.fixed {
            self.store.remembered(&format!("package {directory}"), || {
                let listing = self.listing(directory)?;
                let sources = listing.iter().filter(|(entry, _)| is_source(entry));
                let files = sources.map(|(entry, _)| scan_file(&self.disk, directory, entry));
                files.filter_map(Result::transpose).collect()
            })?
        } else {
            self.edited_files(directory)?
        };
        let package = Arc::new(ScannedPackage { directory: directory.to_owned(), files });
        lock(&self.packages).insert(directory.to_owned(), package.clone());
        Ok(package)
    }
}

/// The content of a mutex, also after a panic elsewhere: each insertion is complete.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
