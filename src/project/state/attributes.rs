//! Attributes that git has of files: with others, the same blob may become another file (line ends, filters).

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::FileId;
use crate::error::{Error, Result};
use crate::source::repository::RepositoryTree;
use crate::source::tree::{Tree, join};

const NAME: &str = ".gitattributes";

/// The files with attributes, as far as somebody asked.
pub struct Attributes<'t> {
    tree: &'t RepositoryTree,
    id: &'t FileId<'t>,
    of_directories: Mutex<BTreeMap<String, String>>,
}

impl<'t> Attributes<'t> {
    pub fn new(tree: &'t RepositoryTree, id: &'t FileId<'t>) -> Attributes<'t> {
        Attributes { tree, id, of_directories: Mutex::default() }
    }

    /// What the attributes add to the ID of a file's content: nothing where there are none.
    ///
    /// # Errors
    ///
    /// When a directory or a file with attributes can't be read.
    pub fn of(&self, path: &str) -> Result<String> {
        self.of_directory(path.rsplit_once('/').map_or("", |(directory, _)| directory))
    }

    fn of_directory(&self, directory: &str) -> Result<String> {
        let known = || self.of_directories.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = known().get(directory) {
            return Ok(text.clone());
        }
        let above = match directory.rsplit_once('/') {
            Some((above, _)) => self.of_directory(above)?,
            None if directory.is_empty() => String::new(),
            None => self.of_directory("")?,
        };
        let file = join(directory, NAME);
        let text = match self.tree.list(directory)?.iter().any(|entry| entry.name == NAME && entry.is_file()) {
            true => format!("{above}+{}", (self.id)(&file).map_err(|e| Error::io("read", file.as_ref(), &e))?),
            false => above,
        };
        known().insert(directory.to_owned(), text.clone());
        Ok(text)
    }
}
