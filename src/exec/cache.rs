//! The action cache: blobs by digest, and which blobs an action key gave. Safe with many processes and with a kill at any moment:
//! everything is written to a temporary file and renamed.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::digest::Sha256;
use crate::error::{Error, Result};
use crate::exec::Results;

/// Scratch directories of killed processes are removed after this time.
const SCRATCH_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// A directory of action results.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// Opens the cache in `root`, which need not exist.
    pub fn open(root: &Path) -> Result<Cache> {
        for dir in ["blob", "action", "tmp"] {
            let dir = root.join(dir);
            fs::create_dir_all(&dir).map_err(|e| Error::io("create", &dir, &e))?;
        }
        let cache = Cache { root: root.to_owned() };
        cache.remove_old_scratch();
        Ok(cache)
    }

    /// Where the blob with this digest is, if it is there.
    pub fn blob(&self, sha256: &Sha256) -> PathBuf {
        let hex = sha256.to_string();
        self.root.join("blob").join(&hex[..2]).join(hex)
    }

    /// A new directory for one action; it goes away with the value.
    pub(super) fn scratch(&self) -> Result<tempfile::TempDir> {
        let dir = self.root.join("tmp");
        tempfile::Builder::new().prefix("action-").tempdir_in(&dir).map_err(|e| Error::io("create", &dir, &e))
    }

    /// Moves a file from the scratch directory into the cache.
    pub(super) fn insert(&self, file: &Path) -> Result<Sha256> {
        let content = fs::File::open(file).and_then(Sha256::of_reader);
        let sha256 = content.map_err(|e| Error::io("read", file, &e))?;
        let blob = self.blob(&sha256);
        if let Some(parent) = blob.parent() {
            fs::create_dir_all(parent).map_err(|e| Error::io("create", parent, &e))?;
        }
        fs::rename(file, &blob).map_err(|e| Error::io("write", &blob, &e))?;
        Ok(sha256)
    }

    /// Remembers what an action gave.
    pub(super) fn record(&self, key: &Sha256, results: &Results) -> Result<()> {
        let path = self.action(key);
        let failed = |e: std::io::Error| Error::io("write", &path, &e);
        let text = serde_json::to_vec(results).map_err(|e| failed(e.into()))?;
        let mut file = tempfile::NamedTempFile::new_in(self.root.join("tmp")).map_err(failed)?;
        file.write_all(&text).map_err(failed)?;
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        file.persist(&path).map_err(|e| failed(e.error))?;
        Ok(())
    }

    /// What an action gave, if all of `outputs` are there and whole. Whatever isn't counts as absent.
    pub(super) fn results(&self, key: &Sha256, outputs: &[&str]) -> Option<Results> {
        let results: Results = serde_json::from_slice(&fs::read(self.action(key)).ok()?).ok()?;
        let whole = |output: &&str| {
            results.0.get(*output).is_some_and(|sha256| {
                fs::File::open(self.blob(sha256)).and_then(Sha256::of_reader).is_ok_and(|found| found == *sha256)
            })
        };
        outputs.iter().all(whole).then_some(results)
    }

    fn action(&self, key: &Sha256) -> PathBuf {
        let hex = key.to_string();
        self.root.join("action").join(&hex[..2]).join(hex)
    }

    fn remove_old_scratch(&self) {
        let Ok(entries) = fs::read_dir(self.root.join("tmp")) else { return };
        for entry in entries.flatten() {
            let age = entry.metadata().and_then(|m| m.modified()).ok().and_then(|t| SystemTime::now().duration_since(t).ok());
            if age.is_some_and(|age| age > SCRATCH_LIFETIME) {
                // Another process may be doing the same; what stays is tried again next time.
                let _ = fs::remove_dir_all(entry.path()).or_else(|_| fs::remove_file(entry.path()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_blob_counts_as_absent() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::open(dir.path()).unwrap();
        let key = Sha256::of("key");
        let scratch = cache.scratch().unwrap();
        fs::write(scratch.path().join("x"), "content").unwrap();
        let sha256 = cache.insert(&scratch.path().join("x")).unwrap();
        let results = Results([("x".to_owned(), sha256)].into());
        cache.record(&key, &results).unwrap();
        assert_eq!(cache.results(&key, &["x"]), Some(results));
        assert_eq!(cache.results(&key, &["x", "o"]), None);
        fs::write(cache.blob(&sha256), "contenT").unwrap();
        assert_eq!(cache.results(&key, &["x"]), None);
        fs::write(cache.action(&key), "{").unwrap();
        assert_eq!(cache.results(&key, &["x"]), None);
    }
}
