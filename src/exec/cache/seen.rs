//! Which blobs earlier processes have found whole, and what their files were then.
//!
//! To hash the hundreds of archives that a link reads takes a good part of the link's time. So a blob counts as whole while its file has
//! the size, times and inode that it had when it was hashed, as git's index has it. `godirect cache verify` hashes all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::super::lock;
use super::{Cache, read_sealed, sealed};
use crate::digest::Sha256;
use crate::error::{Error, Result};
use crate::files::State;

/// Files of blobs when they were hashed.
pub(super) type Seen = BTreeMap<Sha256, State>;

impl Cache {
    /// Believes what processes before have found of the blobs that `configuration` of the spec in `directory` reads.
    pub(in crate::exec) fn recall_seen(&self, directory: &Path, configuration: &str) {
        let seen =
            read_sealed(&self.seen_of(directory, configuration)).and_then(|text| serde_json::from_str::<Seen>(&text).ok());
        lock(&self.seen).extend(seen.unwrap_or_default());
    }

    /// Remembers for processes that come what this and earlier ones have found of `blobs`.
    pub(in crate::exec) fn keep_seen(&self, directory: &Path, configuration: &str, blobs: &BTreeSet<Sha256>) -> Result<()> {
        let (whole, seen) = (lock(&self.whole), lock(&self.seen));
        let state = |blob: &Sha256| whole.get(blob).or_else(|| seen.get(blob)).copied().filter(|state| state.is_known());
        let kept: Seen = blobs.iter().filter_map(|blob| Some((*blob, state(blob)?))).collect();
        let path = self.seen_of(directory, configuration);
        let text = serde_json::to_string(&kept).map_err(|e| Error::io("write", &path, &e.into()))?;
        if read_sealed(&path).as_ref() == Some(&text) { Ok(()) } else { self.store(&path, &sealed(&text)) }
    }

    fn seen_of(&self, directory: &Path, configuration: &str) -> PathBuf {
        self.of_configuration("seen", directory, configuration)
    }
}
