//! The tree of a commit as a file system that is only read: symbolic links are followed within the tree, as in a checkout.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gix::ObjectId;
use gix::object::tree::EntryKind as Mode;

use super::{Node, Repository};
use crate::error;

/// As many links as Linux follows.
const MAX_LINKS: usize = 40;

/// What is in a place of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    File,
    /// A directory. A submodule is an empty one, as where nobody has initialised it.
    Directory,
    /// A symbolic link.
    Link,
}

/// The tree of a commit. Paths are slash-separated, relative to the directory that its repository was found from.
pub struct Snapshot {
    repository: Arc<Repository>,
    root: ObjectId,
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Snapshot({})", self.root)
    }
}

impl Snapshot {
    pub(super) fn new(repository: Arc<Repository>, root: ObjectId) -> Snapshot {
        Snapshot { repository, root }
    }

    /// What tells it from all trees that have something else.
    pub fn identity(&self) -> String {
        format!("{} {}", self.root, self.repository.prefix)
    }

    /// The entries of a directory, sorted by name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] and [`ErrorKind::NotADirectory`] as of a file system; an object that git doesn't have.
    pub fn list(&self, directory: &str) -> Result<Vec<(String, Kind)>> {
        match self.find(directory)? {
            (Mode::Tree, id) => {
                let nodes = self.repository.tree(id)?;
                Ok(nodes.iter().map(|node| (node.name.clone(), kind(node.mode))).collect())
            }
            (Mode::Commit, _) => Ok(Vec::new()),
            _ => Err(ErrorKind::NotADirectory.into()),
        }
    }

    /// What a path leads to, through links.
    ///
    /// # Errors
    ///
    /// Those of [`Snapshot::list`].
    pub fn kind(&self, path: &str) -> Result<Kind> {
        self.find(path).map(|(mode, _)| kind(mode))
    }

    /// The content of a file.
    ///
    /// # Errors
    ///
    /// Those of [`Snapshot::list`], [`ErrorKind::IsADirectory`].
    pub fn read(&self, path: &str) -> Result<Vec<u8>> {
        self.repository.blob(self.blob(path)?)
    }

    /// The ID of a file's content.
    ///
    /// # Errors
    ///
    /// Those of [`Snapshot::read`].
    pub fn id(&self, path: &str) -> Result<String> {
        self.blob(path).map(|id| id.to_string())
    }

    /// Writes all files of the tree below `place`, also those around the directory; gives the directory's place. Content is that of git,
    /// whatever attributes say of files that are checked out.
    ///
    /// # Errors
    ///
    /// When something can't be written, or git doesn't have an object.
    pub fn write(&self, place: &Path) -> error::Result<PathBuf> {
        let mut open = vec![(place.to_owned(), self.root)];
        while let Some((directory, id)) = open.pop() {
            std::fs::create_dir_all(&directory).map_err(|e| error::Error::io("create", &directory, &e))?;
            let nodes = self.repository.tree(id).map_err(|e| error::Error::io("write", &directory, &e))?;
            for node in nodes.iter() {
                let path = directory.join(&node.name);
                match node.mode {
                    Mode::Tree => open.push((path, node.id)),
                    // It has no files here, as where nobody has initialised it.
                    Mode::Commit => {}
                    mode => {
                        let written = self.repository.blob(node.id).and_then(|content| write_file(&path, &content, mode));
                        written.map_err(|e| error::Error::io("write", &path, &e))?;
                    }
                }
            }
        }
        Ok(place.join(&self.repository.prefix))
    }

    /// The submodules that another tree has at another commit, or not at all, and those that only it has, by path. What both have in common
    /// isn't read.
    ///
    /// # Errors
    ///
    /// An object that git doesn't have.
    pub fn changed_submodules(&self, other: &Snapshot) -> Result<BTreeSet<String>> {
        let (mut found, mut open) = (BTreeSet::new(), vec![(String::new(), Some(self.find("")?.1), Some(other.find("")?.1))]);
        while let Some((directory, own, others)) = open.pop() {
            let nodes =
                |tree: &Snapshot, id: Option<ObjectId>| id.map_or_else(|| Ok(Arc::default()), |id| tree.repository.tree(id));
            let (own, others) = (nodes(self, own)?, nodes(other, others)?);
            let by_name = |nodes: &Arc<Vec<Node>>| -> BTreeMap<String, (Mode, ObjectId)> {
                nodes.iter().map(|node| (node.name.clone(), (node.mode, node.id))).collect()
            };
            let (own, others) = (by_name(&own), by_name(&others));
            let names: BTreeSet<&String> = own.keys().chain(others.keys()).collect();
            for name in names.into_iter().filter(|name| own.get(*name) != others.get(*name)) {
                let (one, two) = (own.get(name), others.get(name));
                let (path, is_submodule) = (super::join(&directory, name), |node: &&(Mode, ObjectId)| node.0 == Mode::Commit);
                if one.filter(is_submodule).or(two.filter(is_submodule)).is_some() {
                    found.insert(path.clone());
                }
                let tree = |node: Option<&(Mode, ObjectId)>| node.filter(|(mode, _)| *mode == Mode::Tree).map(|(_, id)| *id);
                if tree(one).or(tree(two)).is_some() {
                    open.push((path, tree(one), tree(two)));
                }
            }
        }
        Ok(found)
    }

    fn blob(&self, path: &str) -> Result<ObjectId> {
        match self.find(path)? {
            (Mode::Blob | Mode::BlobExecutable, id) => Ok(id),
            _ => Err(ErrorKind::IsADirectory.into()),
        }
    }

    fn find(&self, path: &str) -> Result<(Mode, ObjectId)> {
        // From the root on, what the path has led through.
        let (mut at, mut links) = (vec![(Mode::Tree, self.root)], 0);
        self.follow(&self.repository.prefix, &mut at, &mut links)?;
        self.follow(path, &mut at, &mut links)?;
        Ok(*at.last().unwrap_or(&(Mode::Tree, self.root)))
    }

    /// Goes on by a path from the last place of those that have been passed.
    fn follow(&self, path: &str, at: &mut Vec<(Mode, ObjectId)>, links: &mut usize) -> Result<()> {
        for element in path.split('/') {
            match element {
                "" | "." => continue,
                // Out of the repository: nobody knows what is there.
                ".." if at.len() == 1 => return Err(ErrorKind::NotFound.into()),
                ".." => {
                    at.pop();
                    continue;
                }
                _ => {}
            }
            let (mode, id) = match *at.last().unwrap_or(&(Mode::Tree, self.root)) {
                (Mode::Tree, id) => self.child(id, element)?,
                (Mode::Commit, _) => return Err(ErrorKind::NotFound.into()),
                _ => return Err(ErrorKind::NotADirectory.into()),
            };
            if mode != Mode::Link {
                at.push((mode, id));
                continue;
            }
            *links += 1;
            let target = String::from_utf8(self.repository.blob(id)?).map_err(|_| ErrorKind::NotFound)?;
            if *links > MAX_LINKS || target.starts_with('/') {
                return Err(ErrorKind::NotFound.into());
            }
            self.follow(&target, at, links)?;
        }
        Ok(())
    }

    fn child(&self, directory: ObjectId, name: &str) -> Result<(Mode, ObjectId)> {
        let nodes = self.repository.tree(directory)?;
        let found = nodes.binary_search_by(|node| node.name.as_str().cmp(name));
        found.map(|index| (nodes[index].mode, nodes[index].id)).map_err(|_| Error::from(ErrorKind::NotFound))
    }
}

/// Writes a file of a tree. Whether it can be executed means nothing to Go.
fn write_file(path: &Path, content: &[u8], mode: Mode) -> Result<()> {
    if mode != Mode::Link {
        return std::fs::write(path, content);
    }
    let target = std::str::from_utf8(content).map_err(|_| Error::from(ErrorKind::InvalidData))?;
    symlink(target, path)
}

#[cfg(unix)]
fn symlink(target: &str, path: &Path) -> Result<()> {
    std::os::unix::fs::symlink(target, path)
}

/// Git writes links as files where it may make none.
#[cfg(not(unix))]
fn symlink(target: &str, path: &Path) -> Result<()> {
    std::fs::write(path, target)
}

fn kind(mode: Mode) -> Kind {
    match mode {
        Mode::Tree | Mode::Commit => Kind::Directory,
        Mode::Blob | Mode::BlobExecutable => Kind::File,
        Mode::Link => Kind::Link,
    }
}
