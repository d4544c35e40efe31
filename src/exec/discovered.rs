//! Inputs that only show when an action runs: what C compilers include, and linkers link, from all over the machine.
//!
//! The action's own key leads to the list of files that it read the last time; the key with their contents leads to its results. So a
//! change of any of them is seen, wherever it lies. What can't be seen is a new header that now comes before one that was read
//! ([`Include directories`](https://gcc.gnu.org/onlinedocs/gcc/Directory-Options.html)); for directories of the repository that
//! is covered by asking for what wasn't there, too.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::cache::Cache;
use super::{Results, depfile, lock};
use crate::digest::{Hasher, Sha256};
use crate::error::{Error, Result};

/// The name of the list among an action's results.
const LIST: &str = "discovered";

/// The files that an action has read besides its known inputs.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Discovered {
    /// Paths, sorted; those in the source tree are relative to its root.
    files: BTreeSet<PathBuf>,
}

/// Digests of files that several actions read; they are taken once for each build.
#[derive(Debug, Default)]
pub struct Digests(Mutex<BTreeMap<PathBuf, Option<Sha256>>>);

impl Digests {
    /// The digest of a file; `None` if it can't be read.
    fn of(&self, path: &Path) -> Option<Sha256> {
        if let Some(known) = lock(&self.0).get(path) {
            return *known;
        }
        let found = std::fs::File::open(path).and_then(Sha256::of_reader).ok();
        *lock(&self.0).entry(path.to_owned()).or_insert(found)
    }
}

impl Discovered {
    /// Reads `depfiles`; names in them are relative to `source`, or else to `objects`. What lies in `scratch` was made by the action.
    pub fn collect(depfiles: &[PathBuf], root: &Path, source: &Path, scratch: &Path) -> Discovered {
        let mut files = BTreeSet::new();
        for depfile in depfiles {
            // Some compilers write none for some languages.
            let Ok(text) = std::fs::read(depfile) else { continue };
            for name in depfile::parse(&String::from_utf8_lossy(&text)) {
                let path = source.join(name);
                if path.starts_with(scratch) || !path.is_file() {
                    continue;
                }
                files.insert(path.strip_prefix(root).map_or(path.clone(), Path::to_owned));
            }
        }
        Discovered { files }
    }

    /// The files of an action with this key, if it ran before.
    pub fn recall(cache: &Cache, key: &Sha256) -> Option<Discovered> {
        let results = cache.results(key, &[LIST])?;
        serde_json::from_slice(&std::fs::read(cache.blob(&results.0[LIST])).ok()?).ok()
    }

    /// Remembers them.
    pub fn record(&self, cache: &Cache, key: &Sha256) -> Result<()> {
        let scratch = cache.scratch()?;
        let file = scratch.path().join(LIST);
        let text = serde_json::to_vec(self).map_err(|e| Error::input(format!("a path can't be written as JSON: {e}")))?;
        std::fs::write(&file, text).map_err(|e| Error::io("write", &file, &e))?;
        let sha256 = cache.insert(&file)?;
        cache.record(key, &Results([(LIST.to_owned(), sha256)].into()))
    }

    /// The action's key with the contents of the files.
    pub fn key(&self, key: &Sha256, root: &Path, digests: &Digests) -> Sha256 {
        let mut hasher = Hasher::default();
        hasher.update(format!("{key}\n"));
        for file in &self.files {
            let digest = digests.of(&root.join(file)).map_or_else(|| "-".to_owned(), |sha256| sha256.to_string());
            hasher.update(format!("{digest} {}\n", file.display()));
        }
        hasher.finish()
    }

    /// Whether none of the files was written since.
    pub fn are_older(&self, root: &Path, since: SystemTime) -> bool {
        let is_older = |file: &PathBuf| {
            let modified = std::fs::metadata(root.join(file)).and_then(|metadata| metadata.modified());
            modified.is_ok_and(|modified| modified < since)
        };
        self.files.iter().all(is_older)
    }
}
