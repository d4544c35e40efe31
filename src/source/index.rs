//! Trees that remember between runs what their directories have: the parse cache.
//!
//! [`IndexedTree`] is a [`Tree`] on disk. It lists and scans each directory once in a run, and keeps what it found in one file for each
//! tree, which the next run reads in place of the sources:
//!
//! * A tree that never changes ([`IndexedTree::fixed`]: an SDK's `src`, an unpacked module, a tree of a commit) is known by a key, a
//!   hash of all that it has. Its listings and packages come from the file without a look at the tree.
//! * A tree that people edit ([`IndexedTree::edited`]) is listed anew, and a file's head is taken from the index if size, times and
//!   inode are those of the file that was read then. As in git's index, times that are not clearly older than that reading prove
//!   nothing, since a later write may have left them as they are: then the file is read. Contents aren't hashed, because that takes
//!   longer than to read a head.
//!
//! Nothing here decides a result: a file that isn't there, is damaged or was written by another version of the scanner costs the time
//! to scan. It is written whole under a temporary name and renamed, so many processes can share it; the last one wins.

mod records;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::digest::Sha256;
use crate::error::Result;
use crate::files::{Files, State};
use crate::source::scan::{ScannedPackage, SourceFile, is_source, scan_file};
use crate::source::tree::{DiskTree, Entry, EntryKind, Tree, join};
use records::Records;

/// A tree on disk with its index.
pub struct IndexedTree {
    disk: DiskTree,
    /// The same, but no notes are taken.
    unnoted: DiskTree,
    fixed: bool,
    /// The index file.
    path: PathBuf,
    known: Records,
    listings: Mutex<HashMap<String, Arc<Listing>>>,
    packages: Mutex<HashMap<String, Arc<ScannedPackage>>>,
    /// Records that are new in this run, by key.
    new: Mutex<BTreeMap<String, Vec<u8>>>,
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

/// An index of an edited tree that is larger keeps only what the last run used.
const MAX_SIZE: usize = 64 << 20;

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
        let kind = if fixed { "fixed" } else { "edited" };
        let name = Sha256::of(format!("{kind} {key}")).to_string();
        let path = cache.join(records::version()).join(&name[..32]);
        let known = Records::read(&path);
        let (listings, packages, new) = Default::default();
        let (unnoted, opened) = (DiskTree::new(disk.path("")), SystemTime::now());
        IndexedTree { disk, unnoted, fixed, path, known, listings, packages, new, opened }
    }

    /// The place on disk of `path`.
    pub fn path(&self, path: &str) -> PathBuf {
        self.disk.path(path)
    }

    /// Writes what this run has learned. That it can't be written costs the next run's time and nothing else, so it isn't reported.
    pub fn save(&self) {
        let new = std::mem::take(&mut *lock(&self.new));
        if new.is_empty() {
            return;
        }
        let mut records: BTreeMap<&str, &[u8]> = self.known.iter().collect();
        records.extend(new.iter().map(|(key, record)| (key.as_str(), record.as_slice())));
        if !self.fixed && records.values().map(|record| record.len()).sum::<usize>() > MAX_SIZE {
            let used = lock(&self.packages);
            records.retain(|key, _| key.strip_prefix("package ").is_some_and(|directory| used.contains_key(directory)));
        }
        let _ = records::write(&self.path, &records);
        // Once in a run is enough, and each run has one edited tree.
        if let Some(cache) = self.path.ancestors().nth(2).filter(|_| !self.fixed) {
            records::clean(cache);
        }
    }

    /// What the index has under a key; otherwise what `make` gives, which is kept for the next run.
    fn remembered<T: Serialize + for<'a> Deserialize<'a>>(&self, key: &str, make: impl FnOnce() -> Result<T>) -> Result<T> {
        if let Some(known) = self.known.get(key).and_then(|record| postcard::from_bytes(record).ok()) {
            return Ok(known);
        }
        let made = make()?;
        self.keep(key, &made);
        Ok(made)
    }

    fn keep(&self, key: &str, value: &impl Serialize) {
        if let Ok(record) = postcard::to_allocvec(value) {
            lock(&self.new).insert(key.to_owned(), record);
        }
    }

    fn listing(&self, directory: &str) -> Result<Arc<Listing>> {
        if let Some(known) = lock(&self.listings).get(directory) {
            return Ok(known.clone());
        }
        let listing = if self.fixed {
            let entries = self.remembered(&format!("list {directory}"), || self.disk.list(directory))?;
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
        let known: Option<Vec<Remembered>> = self.known.get(&key).and_then(|record| postcard::from_bytes(record).ok());
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
            self.keep(&key, &now);
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
            self.remembered(&format!("package {directory}"), || {
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
