//! Where source is read from: a directory on disk, or any other tree of files, such as a commit's.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::files::{Files, State};
use crate::source::scan::{ScannedPackage, Tests, scan};

pub use crate::files::{Entry, EntryKind};

/// Read access to files. Paths are relative and slash-separated; empty names the root.
pub trait Tree: Sync {
    /// The entries of a directory, sorted by name; none when there is no such directory.
    fn list(&self, directory: &str) -> Result<Vec<Entry>>;

    /// The content of a file.
    ///
    /// # Errors
    ///
    /// Why it can't be read, without its name: a file of a package can be wrong and the tree be right.
    fn read(&self, path: &str) -> io::Result<Vec<u8>>;

    /// The first bytes of a file: all if it has fewer than `length`, else at least so many.
    ///
    /// # Errors
    ///
    /// Those of [`Tree::read`].
    fn read_start(&self, path: &str, length: usize) -> io::Result<Vec<u8>> {
        let _ = length;
        self.read(path)
    }

    /// How messages name a file.
    fn shown(&self, path: &str) -> PathBuf {
        path.into()
    }

    /// The source files of a directory, tests included. An [index](crate::source::index::IndexedTree) knows those that it has seen.
    fn package(&self, directory: &str) -> Result<Arc<ScannedPackage>> {
        scan(self, directory, Tests::Include).map(Arc::new)
    }
}

/// The content of a file that must be there.
///
/// # Errors
///
/// Those of the file system, with the file's name.
pub fn read(tree: &(impl Tree + ?Sized), path: &str) -> Result<Vec<u8>> {
    tree.read(path).map_err(|e| Error::io("read", &tree.shown(path), &e))
}

/// `name` in `directory`, where empty is the root.
pub fn join(directory: &str, name: &str) -> String {
    match (directory, name) {
        ("", name) => name.to_owned(),
        (directory, "") => directory.to_owned(),
        _ => format!("{directory}/{name}"),
    }
}

/// Resolves `.` and `..`; what leads out of a relative path's beginning keeps its leading `..`.
pub fn clean(path: &str) -> String {
    let mut elements: Vec<&str> = Vec::new();
    for element in path.split('/') {
        match element {
            "" | "." => {}
            ".." if elements.last().is_some_and(|last| *last != "..") => {
                elements.pop();
            }
            ".." if path.starts_with('/') => {}
            element => elements.push(element),
        }
    }
    let clean = elements.join("/");
    if path.starts_with('/') { format!("/{clean}") } else { clean }
}

/// A directory on disk.
#[derive(Clone, Debug)]
pub struct DiskTree {
    root: PathBuf,
    files: Files,
}

impl DiskTree {
    /// The tree below `root`.
    pub fn new(root: impl Into<PathBuf>) -> DiskTree {
        DiskTree::through(Files::default(), root)
    }

    /// The tree below `root`, read through `files`.
    pub fn through(files: Files, root: impl Into<PathBuf>) -> DiskTree {
        DiskTree { root: root.into(), files }
    }

    /// Notes that a file counts which wasn't read, see [`Files::seen`].
    pub(super) fn seen(&self, path: &str, state: State) {
        self.files.seen(&self.path(path), state);
    }

    /// The ID that git has for a file's content, if this is a commit's tree.
    pub(super) fn id(&self, path: &str) -> Option<String> {
        self.files.id(&self.path(path))
    }

    /// The place on disk of `path`.
    pub fn path(&self, path: &str) -> PathBuf {
        if path.is_empty() { self.root.clone() } else { self.root.join(path) }
    }

    /// The entries of a directory as [`Tree::list`] gives them, each with what `more` finds out while the directory is open.
    pub(super) fn entries<T>(
        &self,
        directory: &str,
        more: impl Fn(&Entry, &std::fs::DirEntry) -> T,
    ) -> Result<Vec<(Entry, T)>> {
        let path = self.path(directory);
        or_none(self.files.list_with(&path, more)).map_err(|e| Error::io("list", &path, &e))
    }
}

impl Tree for DiskTree {
    fn list(&self, directory: &str) -> Result<Vec<Entry>> {
        let path = self.path(directory);
        or_none(self.files.list(&path)).map_err(|e| Error::io("list", &path, &e))
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        self.files.read(&self.path(path))
    }

    fn read_start(&self, path: &str, length: usize) -> io::Result<Vec<u8>> {
        self.files.read_start(&self.path(path), length)
    }

    fn shown(&self, path: &str) -> PathBuf {
        self.path(path)
    }
}

/// What was listed; nothing where there is no such directory.
fn or_none<T>(listed: std::io::Result<Vec<T>>) -> std::io::Result<Vec<T>> {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    match listed {
        Err(e) if matches!(e.kind(), NotFound | NotADirectory) => Ok(Vec::new()),
        listed => listed,
    }
}

/// A tree in memory, for tests of what reads trees.
#[cfg(test)]
pub(crate) struct MemoryTree(pub std::collections::BTreeMap<String, String>);

#[cfg(test)]
impl MemoryTree {
    pub(crate) fn new(files: &[(&str, &str)]) -> MemoryTree {
        MemoryTree(files.iter().map(|(path, content)| ((*path).to_owned(), (*content).to_owned())).collect())
    }
}

#[cfg(test)]
impl Tree for MemoryTree {
    /// A file whose content begins with `-> ` is a symbolic link.
    fn list(&self, directory: &str) -> Result<Vec<Entry>> {
        let mut entries: Vec<Entry> = Vec::new();
        for (path, content) in &self.0 {
            let below = if directory.is_empty() {
                Some(path.as_str())
            } else {
                path.strip_prefix(directory).and_then(|p| p.strip_prefix('/'))
            };
            let Some(below) = below else { continue };
            let (name, kind) = match below.split_once('/') {
                Some((name, _)) => (name, EntryKind::Directory),
                None if content.starts_with("-> ") => (below, EntryKind::Symlink),
                None => (below, EntryKind::File),
            };
            if entries.iter().all(|e| e.name != name) {
                entries.push(Entry { name: name.to_owned(), kind });
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        self.0.get(path).map(|c| c.clone().into_bytes()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_sorted_with_kinds() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("b.go"), "").unwrap();
        std::fs::create_dir(directory.path().join("a")).unwrap();
        let tree = DiskTree::new(directory.path());
        let names: Vec<(String, EntryKind)> = tree.list("").unwrap().into_iter().map(|e| (e.name, e.kind)).collect();
        assert_eq!(names, [("a".to_owned(), EntryKind::Directory), ("b.go".to_owned(), EntryKind::File)]);
        assert_eq!(tree.list("none").unwrap(), []);
        assert_eq!(tree.list("b.go").unwrap(), []);
    }
}
