//! What was found out about files before, by the IDs that git has for their content.
//!
//! A commit never changes, and most of its files are those of the commit before it. So what is found in a file is kept by the ID of its
//! content, for all commits of a repository and all places where the file may be: whoever asks for another commit reads the files that no
//! commit had before. The ID is a hash of the content, so nothing else has it.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::store::{MAX_SIZE, Store};
use crate::error::Result;

/// What is known of the files of a repository's commits. It is read when the first question is asked.
pub struct Blobs {
    cache: PathBuf,
    name: String,
    store: OnceLock<Store>,
}

impl std::fmt::Debug for Blobs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Blobs({})", self.name)
    }
}

impl Blobs {
    /// What is known of the files of a repository. `cache` is the directory of the parse cache.
    pub fn new(cache: PathBuf, repository: &Path) -> Blobs {
        Blobs { cache, name: format!("blobs {}", repository.display()), store: OnceLock::new() }
    }

    /// The answer to a question about the content with an ID: as it was found before, otherwise what `make` gives.
    ///
    /// # Errors
    ///
    /// Those of `make`, which aren't remembered.
    pub fn remembered<T: Serialize + DeserializeOwned>(
        &self,
        id: &str,
        question: &str,
        make: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        let store = self.store.get_or_init(|| Store::open(&self.cache, &self.name));
        store.remembered(&format!("{id} {question}"), make)
    }

    /// Writes what this run has learned.
    pub fn save(&self) {
        if let Some(store) = self.store.get() {
            store.save(Some(MAX_SIZE));
        }
    }
}
