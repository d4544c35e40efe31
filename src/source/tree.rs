//! Where source is read from: a directory on disk, or any other tree of files, such as a commit's.

use std::path::PathBuf;

use crate::error::{Error, Result};
use crate::files::Files;

pub use crate::files::{Entry, EntryKind};

/// Read access to files. Paths are relative and slash-separated; empty names the root.
pub trait Tree: Sync {
    /// The entries of a directory, sorted by name; none when there is no such directory.
    fn list(&self, directory: &str) -> Result<Vec<Entry>>;

    /// The content of a file.
    fn read(&self, path: &str) -> Result<Vec<u8>>;
}

/// `name` in `directory`, where empty is the root.
pub fn join(directory: &str, name: &str) -> String {
    match (directory, name) {
        ("", name) => name.to_owned(),
        (directory, "") => directory.to_owned(),
        _ => format!("{directory}/{name}"),
    }
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

    /// The place on disk of `path`.
    pub fn path(&self, path: &str) -> PathBuf {
        if path.is_empty() { self.root.clone() } else { self.root.join(path) }
    }
}

impl Tree for DiskTree {
    fn list(&self, directory: &str) -> Result<Vec<Entry>> {
        use std::io::ErrorKind;
        let path = self.path(directory);
        match self.files.list(&path) {
            Ok(entries) => Ok(entries),
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(Vec::new()),
            Err(e) => Err(Error::io("list", &path, &e)),
        }
    }

    fn read(&self, path: &str) -> Result<Vec<u8>> {
        let path = self.path(path);
        self.files.read(&path).map_err(|e| Error::io("read", &path, &e))
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

    fn read(&self, path: &str) -> Result<Vec<u8>> {
        self.0.get(path).map(|c| c.clone().into_bytes()).ok_or_else(|| Error::environment(format!("no file {path}")))
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
