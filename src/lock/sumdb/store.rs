//! What the user's cache keeps of a database: the latest tree head, and answers that were authenticated.
//!
//! ```text
//! sumdb/<key>/latest            the note of the largest tree head that was seen
//! sumdb/<key>/lookup/…          answers to lookups
//! sumdb/<key>/tile/8/…          tiles
//! ```
//!
//! Answers may be removed at any time. `latest` is what shows that a database changes its history, so it only ever grows.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::note::Verifier;
use crate::error::{Error, Result};
use crate::lock::cache::Cache;

/// A database's directory in the cache.
pub(super) struct Store<'a> {
    cache: &'a Cache,
    directory: PathBuf,
}

impl<'a> Store<'a> {
    /// The directory for what this key has signed.
    pub fn new(cache: &'a Cache, verifier: &Verifier) -> Store<'a> {
        // A port's colon can't stand in a file name everywhere; a plus sign isn't in any name.
        let name = verifier.to_string().replace(':', "+");
        Store { cache, directory: cache.root().join("sumdb").join(name) }
    }

    /// Where the latest tree head is, for errors.
    pub fn latest_path(&self) -> PathBuf {
        self.directory.join("latest")
    }

    /// The note of the latest tree head; `None` before the first.
    ///
    /// # Errors
    ///
    /// When it can't be read.
    pub fn latest(&self) -> Result<Option<String>> {
        let path = self.latest_path();
        match fs::read(&path) {
            // What is no text is no note either, and whoever reads the note says so.
            Ok(note) => Ok(Some(String::from_utf8_lossy(&note).into_owned())),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Error::io("read", &path, &e)),
        }
    }

    /// Puts another tree head in the place of `old`. When another process was faster, nothing is changed.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn replace_latest(&self, old: Option<&str>, new: &str) -> Result<Replaced> {
        let path = self.latest_path();
        // A file of its own, since the other one is renamed away. The lock is gone with the process that has it.
        let guard = path.with_extension("lock");
        fs::create_dir_all(&self.directory).map_err(|e| Error::io("write", &self.directory, &e))?;
        let guard =
            File::create(&guard).and_then(|file| file.lock().map(|()| file)).map_err(|e| Error::io("lock", &guard, &e))?;
        let found = self.latest()?;
        if found.as_deref() != old {
            return Ok(Replaced::Not);
        }
        self.write(&path, new.as_bytes())?;
        drop(guard);
        Ok(Replaced::Done)
    }

    /// An answer that was kept.
    pub fn read(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.directory.join(name)).ok()
    }

    /// Keeps an answer.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn keep(&self, name: &str, bytes: &[u8]) -> Result<()> {
        self.write(&self.directory.join(name), bytes)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        self.cache.store_file(path, |file| file.write_all(bytes).map_err(|e| Error::io("write", path, &e)))
    }
}

/// Whether the latest tree head was replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replaced {
    /// It was.
    Done,
    /// It was another one than expected.
    Not,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_tree_head_is_replaced_by_those_who_know_it() {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::at(directory.path()).unwrap();
        let verifier = crate::lock::sumdb::server::Server::default_verifier().unwrap();
        let store = Store::new(&cache, &verifier);
        assert_eq!(store.latest().unwrap(), None);
        assert_eq!(store.replace_latest(Some("x"), "a").unwrap(), Replaced::Not);
        assert_eq!(store.replace_latest(None, "a").unwrap(), Replaced::Done);
        assert_eq!(store.replace_latest(None, "b").unwrap(), Replaced::Not);
        assert_eq!(store.latest().unwrap().as_deref(), Some("a"));
        // Many at once, as several processes would: every one counts.
        store.replace_latest(Some("a"), "0").unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..25 {
                        loop {
                            let old = store.latest().unwrap().unwrap();
                            let new = (old.parse::<u32>().unwrap() + 1).to_string();
                            if store.replace_latest(Some(&old), &new).unwrap() == Replaced::Done {
                                break;
                            }
                        }
                    }
                });
            }
        });
        assert_eq!(store.latest().unwrap().as_deref(), Some("100"));
    }
}
