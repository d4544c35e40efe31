//! A tree of git in the place of a directory on disk.

use std::io::{ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Entry, EntryKind};
use crate::git::{Kind, Snapshot};

/// The files of a commit, as if they were checked out.
#[derive(Clone, Debug)]
pub(super) struct Commit {
    directory: PathBuf,
    tree: Arc<Snapshot>,
}

impl Commit {
    pub(super) fn new(tree: Arc<Snapshot>, directory: &Path) -> Commit {
        Commit { directory: directory.to_owned(), tree }
    }

    pub(super) fn read(&self, path: &Path) -> Result<Vec<u8>> {
        self.tree.read(&self.below(path)?)
    }

    /// The ID of a file's content.
    pub(super) fn id(&self, path: &Path) -> Result<String> {
        self.tree.id(&self.below(path)?)
    }

    /// What a path leads to, through links.
    pub(super) fn kind(&self, path: &Path) -> Result<Kind> {
        self.tree.kind(&self.below(path)?)
    }

    pub(super) fn list(&self, path: &Path) -> Result<Vec<Entry>> {
        let path = self.below(path)?;
        let entry = |(name, kind): (String, Kind)| {
            let kind = match kind {
                Kind::File => EntryKind::File,
                Kind::Directory => EntryKind::Directory,
                Kind::Link => match self.tree.kind(&format!("{path}/{name}")) {
                    Ok(Kind::Directory) => EntryKind::Other,
                    Ok(_) => EntryKind::Symlink,
                    Err(_) => EntryKind::Broken,
                },
            };
            Entry { name, kind }
        };
        Ok(self.tree.list(&path)?.into_iter().map(entry).collect())
    }

    /// A path below the directory in the tree. Elsewhere, there is nothing.
    fn below(&self, path: &Path) -> Result<String> {
        let below = match path.strip_prefix(&self.directory) {
            Ok(below) => below,
            Err(_) if self.directory == Path::new(".") && path.is_relative() => path,
            Err(_) => return Err(ErrorKind::NotFound.into()),
        };
        let elements: Option<Vec<&str>> = below.iter().map(|element| element.to_str()).collect();
        elements.map(|elements| elements.join("/")).ok_or_else(|| ErrorKind::NotFound.into())
    }
}
