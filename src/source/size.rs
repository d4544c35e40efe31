//! Sizes of files on disk.

use super::tree::DiskTree;
use crate::error::{Error, Result};

impl DiskTree {
    /// The bytes of a file, or of what a link leads to.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn size(&self, path: &str) -> Result<u64> {
        let path = self.path(path);
        std::fs::metadata(&path).map(|metadata| metadata.len()).map_err(|e| Error::io("read", &path, &e))
    }
}
