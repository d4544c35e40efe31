//! What is in the cache, what of it nobody has used for long, and what is damaged.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::{Cache, Record, read_record, read_sealed};
use crate::digest::Sha256;
use crate::error::{Error, Result};

/// How often a build trims the cache.
const TRIM_EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// What is younger may be about to be used: a blob comes before the record that names it.
const YOUNG: Duration = Duration::from_secs(60 * 60);
/// How long the keys are remembered of a directory in which nothing is built.
const LAST_KEPT: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// What the cache has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Actions whose results are known.
    pub actions: usize,
    /// Outputs.
    pub blobs: usize,
    /// Bytes of the outputs.
    pub blob_bytes: u64,
    /// Bytes of everything.
    pub bytes: u64,
}

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Removed {
    /// Actions.
    pub actions: usize,
    /// Bytes of all files.
    pub bytes: u64,
}

/// Which actions are forgotten: those that were not used for longest, until what is left is within both bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unused {
    /// How many bytes stay.
    pub max_bytes: u64,
    /// Forget also what wasn't used for this long.
    pub max_age: Option<Duration>,
    /// Keep what was used or made in the last hour, whatever its size: other processes may be using it.
    pub spare_young: bool,
}

/// Something in the cache that isn't what it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// A file of the cache.
struct Item {
    path: PathBuf,
    digest: Sha256,
    bytes: u64,
    used: SystemTime,
}

impl Item {
    /// Whether it is younger than an hour. Times in the future are of a clock that was wrong, and tell nothing.
    fn is_young(&self, now: SystemTime) -> bool {
        now.duration_since(self.used).map_or(true, |age| age < YOUNG)
    }
}

impl Cache {
    /// Counts what is there.
    ///
    /// # Errors
    ///
    /// When the cache can't be read.
    pub fn stats(&self) -> Result<Stats> {
        let (actions, blobs, why) = (self.items("action")?, self.items("blob")?, self.items("why")?);
        let bytes = |items: &[Item]| items.iter().map(|item| item.bytes).sum::<u64>();
        let blob_bytes = bytes(&blobs);
        Ok(Stats { actions: actions.len(), blobs: blobs.len(), blob_bytes, bytes: blob_bytes + bytes(&actions) + bytes(&why) })
    }

    /// Trims the cache to `max_bytes`, if that was last done a day ago.
    pub fn trim_daily(&self, max_bytes: u64) {
        let stamp = self.root.join("trimmed");
        let now = SystemTime::now();
        let last = fs::metadata(&stamp).and_then(|m| m.modified());
        // A time in the future is as good as none.
        if last.is_ok_and(|time| now.duration_since(time).is_ok_and(|age| age < TRIM_EVERY)) {
            return;
        }
        // Before the work, so that other processes leave it to this one. What fails is done tomorrow.
        if fs::write(&stamp, "").is_ok() {
            let _ = self.prune(Unused { max_bytes, max_age: None, spare_young: true });
        }
    }

    /// Removes actions, and then the blobs that no action names.
    ///
    /// # Errors
    ///
    /// When the cache can't be read.
    pub fn prune(&self, unused: Unused) -> Result<Removed> {
        let now = SystemTime::now();
        let blobs = self.items("blob")?;
        let sizes: BTreeMap<Sha256, u64> = blobs.iter().map(|blob| (blob.digest, blob.bytes)).collect();
        let mut actions = self.items("action")?;
        actions.sort_by_key(|action| std::cmp::Reverse(action.used));
        let (mut kept, mut bytes, mut removed) = (BTreeSet::new(), 0_u64, Removed::default());
        let mut full = false;
        for action in &actions {
            let record = read_record(&action.path);
            let outputs: BTreeSet<Sha256> = record.iter().flat_map(|record| record.outputs.values().copied()).collect();
            let new: u64 = outputs.difference(&kept).filter_map(|blob| sizes.get(blob)).sum();
            let old = unused.max_age.is_some_and(|limit| now.duration_since(action.used).is_ok_and(|age| age > limit));
            // What was used before something that didn't fit goes too, however small it is.
            full |= bytes + new + action.bytes > unused.max_bytes;
            let stays = record.is_some() && !old && !full;
            if stays || (unused.spare_young && action.is_young(now)) {
                bytes += new + action.bytes;
                kept.extend(outputs);
            } else {
                removed.actions += 1;
                removed.bytes += remove(&action.path, action.bytes);
            }
        }
        for blob in blobs.iter().filter(|blob| !kept.contains(&blob.digest)) {
            if !(unused.spare_young && blob.is_young(now)) {
                removed.bytes += remove(&blob.path, blob.bytes);
            }
        }
        self.remove_explanations(now, &mut removed)?;
        Ok(removed)
    }

    /// Removes what explains actions that are forgotten.
    fn remove_explanations(&self, now: SystemTime, removed: &mut Removed) -> Result<()> {
        for item in self.items("why")? {
            if !self.file("action", &item.digest).exists() && !item.is_young(now) {
                removed.bytes += remove(&item.path, item.bytes);
            }
        }
        let of_configurations = ["last", "seen"].into_iter().flat_map(|kind| fs::read_dir(self.root.join(kind)));
        for entry in of_configurations.flatten().flatten() {
            let age = entry.metadata().and_then(|m| m.modified()).ok().and_then(|time| now.duration_since(time).ok());
            if age.is_some_and(|age| age > LAST_KEPT) {
                removed.bytes += remove(&entry.path(), entry.metadata().map_or(0, |m| m.len()));
            }
        }
        Ok(())
    }

    /// Hashes everything, removes what is damaged, and tells what it was.
    ///
    /// # Errors
    ///
    /// When the cache can't be read.
    pub fn remove_damaged(&self) -> Result<Vec<Damage>> {
        let mut found = Vec::new();
        let mut damaged = |path: PathBuf, problem| found.push(Damage { path, problem });
        let mut whole = BTreeSet::new();
        for blob in self.items("blob")? {
            match fs::File::open(&blob.path).and_then(Sha256::of_reader) {
                Ok(digest) if digest == blob.digest => drop(whole.insert(digest)),
                Ok(_) => damaged(blob.path, "it doesn't have the digest that it is named by"),
                Err(_) => damaged(blob.path, "it can't be read"),
            }
        }
        for action in self.items("action")? {
            match read_record(&action.path) {
                None => damaged(action.path, "it isn't a whole record of an action"),
                Some(Record { outputs, .. }) if outputs.values().any(|blob| !whole.contains(blob)) => {
                    damaged(action.path, "an output of the action is damaged or missing");
                }
                Some(_) => {}
            }
        }
        for why in self.items("why")? {
            if read_sealed(&why.path).is_none() {
                damaged(why.path, "it isn't a whole explanation of an action");
            }
        }
        for damage in &found {
            remove(&damage.path, 0);
        }
        Ok(found)
    }

    /// The files of a kind. What others remove meanwhile is passed over.
    fn items(&self, kind: &str) -> Result<Vec<Item>> {
        let directory = self.root.join(kind);
        let mut items = Vec::new();
        for below in entries(&directory)? {
            for path in entries(&below)? {
                let digest = path.file_name().and_then(|name| name.to_str()?.parse().ok());
                let (Some(digest), Ok(metadata)) = (digest, fs::metadata(&path)) else { continue };
                let used = metadata.modified().map_err(|e| Error::io("read", &path, &e))?;
                items.push(Item { path, digest, bytes: metadata.len(), used });
            }
        }
        Ok(items)
    }
}

/// The paths in a directory, which need not be there.
fn entries(directory: &Path) -> Result<Vec<PathBuf>> {
    match fs::read_dir(directory) {
        Ok(entries) => Ok(entries.flatten().map(|entry| entry.path()).collect()),
        Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => Ok(Vec::new()),
        Err(e) => Err(Error::io("read", directory, &e)),
    }
}

/// Removes a file; the bytes that this freed.
fn remove(path: &Path, bytes: u64) -> u64 {
    if fs::remove_file(path).is_ok() { bytes } else { 0 }
}
