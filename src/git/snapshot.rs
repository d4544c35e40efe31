//! The tree of a commit as a file system that is only read: symbolic links are followed within the tree, as in a checkout.

use std::collections::VecDeque;
use std::io::{Error, ErrorKind, Result};
use std::sync::Arc;

use gix::ObjectId;
use gix::object::tree::EntryKind as Mode;

use super::{Node, Repository};

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

    /// The commits of the submodules, by path.
    ///
    /// # Errors
    ///
    /// An object that git doesn't have.
    pub fn submodules(&self) -> Result<Vec<(String, String)>> {
        let (mut found, mut open) = (Vec::new(), vec![(String::new(), self.find("")?.1)]);
        while let Some((path, id)) = open.pop() {
            for node in self.repository.tree(id)?.iter() {
                let path = super::join(&path, &node.name);
                match node.mode {
                    Mode::Tree => open.push((path, node.id)),
                    Mode::Commit => found.push((path, node.id.to_string())),
                    _ => {}
                }
            }
        }
        found.sort();
        Ok(found)
    }

    fn blob(&self, path: &str) -> Result<ObjectId> {
        match self.find(path)? {
            (Mode::Blob | Mode::BlobExecutable, id) => Ok(id),
            _ => Err(ErrorKind::IsADirectory.into()),
        }
    }

    fn find(&self, path: &str) -> Result<(Mode, ObjectId)> {
        let elements = |path: &str| path.split('/').map(str::to_owned).collect::<Vec<String>>();
        let mut open: VecDeque<String> = elements(&self.repository.prefix).into_iter().chain(elements(path)).collect();
        let mut links = 0;
        // From the root on, what the path has led through.
        let mut at = vec![(Mode::Tree, self.root)];
        while let Some(element) = open.pop_front() {
            match element.as_str() {
                "" | "." => continue,
                // Out of the repository: nobody knows what is there.
                ".." if at.len() == 1 => return Err(ErrorKind::NotFound.into()),
                ".." => {
                    at.pop();
                    continue;
                }
                _ => {}
            }
            let (mode, id) = *at.last().unwrap_or(&(Mode::Tree, self.root));
            let node = match mode {
                Mode::Tree => self.child(id, &element)?,
                Mode::Commit => return Err(ErrorKind::NotFound.into()),
                _ => return Err(ErrorKind::NotADirectory.into()),
            };
            if node.mode != Mode::Link {
                at.push((node.mode, node.id));
                continue;
            }
            links += 1;
            let target = String::from_utf8(self.repository.blob(node.id)?).map_err(|_| ErrorKind::NotFound)?;
            if links > MAX_LINKS || target.starts_with('/') {
                return Err(ErrorKind::NotFound.into());
            }
            for element in elements(&target).into_iter().rev() {
                open.push_front(element);
            }
        }
        Ok(*at.last().unwrap_or(&(Mode::Tree, self.root)))
    }

    fn child(&self, directory: ObjectId, name: &str) -> Result<Node> {
        let nodes = self.repository.tree(directory)?;
        let found = nodes.binary_search_by(|node| node.name.as_str().cmp(name)).map(|index| nodes[index].clone());
        found.map_err(|_| Error::from(ErrorKind::NotFound))
    }
}

fn kind(mode: Mode) -> Kind {
    match mode {
        Mode::Tree | Mode::Commit => Kind::Directory,
        Mode::Blob | Mode::BlobExecutable => Kind::File,
        Mode::Link => Kind::Link,
    }
}
