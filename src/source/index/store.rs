//! An index file, and what a run adds to it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::lock;
use super::records::{self, Records};
use crate::digest::Sha256;
use crate::error::Result;

/// How many bytes of records an index of what changes may have.
pub(super) const MAX_SIZE: usize = 64 << 20;

/// Records of an index file, and new ones.
pub(super) struct Store {
    pub(super) path: PathBuf,
    known: Records,
    /// Which of these this run has used, in their order.
    used: Vec<AtomicBool>,
    /// By key.
    pub(super) new: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl Store {
    /// The index of what `name` tells from all else, in the directory of the parse cache.
    pub(super) fn open(cache: &Path, name: &str) -> Store {
        let path = cache.join(records::version()).join(&Sha256::of(name).to_string()[..32]);
        let known = Records::read(&path);
        let used = known.keys().map(|_| AtomicBool::new(false)).collect();
        Store { path, known, used, new: Mutex::default() }
    }

    /// What there is under a key.
    pub(super) fn get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let known = self.known.find(key).and_then(|index| {
            self.used[index].store(true, Ordering::Relaxed);
            postcard::from_bytes(self.known.record(index)?).ok()
        });
        known.or_else(|| postcard::from_bytes(lock(&self.new).get(key)?).ok())
    }

    /// What there is under a key; otherwise what `make` gives, which is kept for later runs.
    ///
    /// # Errors
    ///
    /// Those of `make`, which aren't remembered.
    pub(super) fn remembered<T: Serialize + DeserializeOwned>(&self, key: &str, make: impl FnOnce() -> Result<T>) -> Result<T> {
        if let Some(known) = self.get(key) {
            return Ok(known);
        }
        let made = make()?;
        self.keep(key, &made);
        Ok(made)
    }

    /// Keeps what was found out for later runs.
    pub(super) fn keep(&self, key: &str, value: &impl Serialize) {
        if let Ok(record) = postcard::to_allocvec(value) {
            lock(&self.new).insert(key.to_owned(), record);
        }
    }

    /// Writes what this run has learned. An index that has more than `most` bytes of records keeps only those that this run has used. That it
    /// can't be written costs the next run's time and nothing else, so it isn't reported.
    pub(super) fn save(&self, most: Option<usize>) {
        let new = std::mem::take(&mut *lock(&self.new));
        if new.is_empty() {
            return;
        }
        let all = |index: usize| Some((self.known.key(index), self.known.record(index)?));
        let size: usize = (0..self.used.len()).filter_map(all).map(|(_, record)| record.len()).sum();
        let is_kept = |index: &usize| most.is_none_or(|most| size <= most) || self.used[*index].load(Ordering::Relaxed);
        let mut records: BTreeMap<&str, &[u8]> = (0..self.used.len()).filter(is_kept).filter_map(all).collect();
        records.extend(new.iter().map(|(key, record)| (key.as_str(), record.as_slice())));
        let _ = records::write(&self.path, &records);
        // Once in a run is enough, and a run has one index of what changes.
        if let Some(cache) = self.path.ancestors().nth(2).filter(|_| most.is_some()) {
            records::clean(cache);
        }
    }
}
