//! Trees of commits, read from git's object store without a checkout, and what git knows of the files that are checked out.

mod snapshot;
mod worktree;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use gix::ObjectId;
use gix::object::tree::EntryKind as Mode;

use crate::error::{Error, Result};

pub use snapshot::{Kind, Snapshot};
pub use worktree::Worktree;

/// The repository that a directory is in. Shared by the trees that are read from it.
pub struct Repository {
    store: gix::ThreadSafeRepository,
    /// One for each thread that has read: they keep what they have unpacked.
    idle: Mutex<Vec<gix::Repository>>,
    /// Tree objects that were read; two commits have most of them in common.
    trees: Mutex<HashMap<ObjectId, Arc<Vec<Node>>>>,
    /// The directory in the repository's trees, slash-separated; empty for the root.
    prefix: String,
}

/// An entry of a tree object.
#[derive(Clone, Debug)]
struct Node {
    name: String,
    mode: Mode,
    id: ObjectId,
}

/// A commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// The commit's ID in hexadecimal.
    pub commit: String,
    /// How it was asked for.
    pub name: String,
    id: ObjectId,
}

impl Repository {
    /// The repository that has a directory, which may be bare.
    ///
    /// # Errors
    ///
    /// When there is none, or git couldn't use it either.
    pub fn discover(directory: &Path) -> Result<Arc<Repository>> {
        let found = gix::ThreadSafeRepository::discover_with_environment_overrides(directory);
        let store = found.map_err(|e| {
            let error = Error::input(format!("{} is in no git repository: {}", directory.display(), shown(&e)));
            error.help("changes are those between two trees of git; run it in a clone of the repository")
        })?;
        let prefix = match &store.work_tree {
            Some(root) => below(root, directory)?,
            None => String::new(),
        };
        let (idle, trees) = Default::default();
        Ok(Arc::new(Repository { store, idle, trees, prefix }))
    }

    /// The directory that the repository was found from, relative to the root of the files that are checked out; slash-separated, empty for the
    /// root itself and in a bare repository.
    pub fn directory(&self) -> &str {
        &self.prefix
    }

    /// Where git keeps what all working trees of the repository have in common.
    pub fn place(&self) -> PathBuf {
        let place = self.with(|git| git.common_dir().to_owned());
        std::path::absolute(&place).unwrap_or(place)
    }

    /// The commit that a revision means, in git's syntax.
    ///
    /// # Errors
    ///
    /// When it means none, or the commit isn't there.
    pub fn revision(&self, name: &str) -> Result<Revision> {
        let found = self.with(|git| {
            let object = git.rev_parse_single(name)?.object()?;
            object.peel_to_commit().map(|commit| commit.id)
        });
        match found {
            Ok(id) => Ok(Revision { commit: id.to_string(), name: name.to_owned(), id }),
            Err(error) => Err(self.missing(name, &shown(&error))),
        }
    }

    /// The best common ancestor of two commits.
    ///
    /// # Errors
    ///
    /// When there is none, which in a shallow clone says nothing.
    pub fn merge_base(&self, one: &Revision, other: &Revision) -> Result<Revision> {
        let found = self.with(|git| git.merge_base(one.id, other.id).map(|base| base.map(gix::Id::detach)));
        let what = format!("a common ancestor of {} and {}", one.name, other.name);
        match found {
            Ok(Some(id)) => Ok(Revision { commit: id.to_string(), name: what, id }),
            Ok(None) => Err(self.missing(&what, "their histories have nothing in common here")),
            Err(error) => Err(self.missing(&what, &shown(&error))),
        }
    }

    /// The tree of a commit, from the directory on that the repository was found from.
    ///
    /// # Errors
    ///
    /// When the tree isn't there, as in a clone without blobs or trees.
    pub fn snapshot(self: &Arc<Self>, revision: &Revision) -> Result<Arc<Snapshot>> {
        let tree = self.with(|git| git.find_commit(revision.id)?.tree_id().map(gix::Id::detach));
        let tree = tree.map_err(|e| self.missing(&revision.name, &shown(&e)))?;
        Ok(Arc::new(Snapshot::new(self.clone(), tree)))
    }

    /// The files that are checked out.
    ///
    /// # Errors
    ///
    /// In a bare repository, and where only a part of the files is checked out; an index that can't be read.
    pub fn worktree(self: &Arc<Self>) -> Result<Worktree> {
        Worktree::open(self)
    }

    fn missing(&self, name: &str, why: &str) -> Error {
        let error = Error::input(format!("{name} is not in this git repository: {why}"));
        if !self.with(|git| git.is_shallow()).unwrap_or(false) {
            return error.help("write a branch, a tag or a commit that `git rev-parse` knows");
        }
        error.help("the clone is shallow: `git fetch --unshallow` gets all of its history, `git fetch --depth=1 origin COMMIT` one commit")
    }

    fn with<T>(&self, act: impl FnOnce(&gix::Repository) -> T) -> T {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = idle().pop();
        let git = taken.unwrap_or_else(|| {
            let mut git = self.store.to_thread_local();
            git.object_cache_size_if_unset(1 << 20);
            git
        });
        let result = act(&git);
        idle().push(git);
        result
    }

    /// The entries of a tree object whose names are UTF-8, sorted by name.
    fn tree(&self, id: ObjectId) -> io::Result<Arc<Vec<Node>>> {
        let known = || self.trees.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tree) = known().get(&id) {
            return Ok(tree.clone());
        }
        let read = self.with(|git| -> std::result::Result<Vec<Node>, gix::Error> {
            let tree = git.find_tree(id)?;
            let mut nodes = Vec::new();
            for entry in tree.decode()?.entries {
                if let Ok(name) = std::str::from_utf8(entry.filename) {
                    nodes.push(Node { name: name.to_owned(), mode: entry.mode.kind(), id: entry.oid.to_owned() });
                }
            }
            Ok(nodes)
        });
        let mut nodes = read.map_err(|e| io::Error::other(format!("git has no tree {id}: {}", shown(&e))))?;
        // Git sorts directories as if their names ended in a slash.
        nodes.sort_by(|a, b| a.name.cmp(&b.name));
        let tree = Arc::new(nodes);
        known().insert(id, tree.clone());
        Ok(tree)
    }

    fn blob(&self, id: ObjectId) -> io::Result<Vec<u8>> {
        let read = self.with(|git| git.find_blob(id).map(|mut blob| blob.take_data()));
        read.map_err(|e| io::Error::other(format!("git has no blob {id}: {}", shown(&e))))
    }
}

/// A directory of a working tree, relative to its root.
fn below(root: &Path, directory: &Path) -> Result<String> {
    let real = |path: &Path| path.canonicalize().map_err(|e| Error::io("find", path, &e));
    let (root, directory): (PathBuf, PathBuf) = (real(root)?, real(directory)?);
    let below = directory
        .strip_prefix(&root)
        .map_err(|_| Error::input(format!("{} is not in the working tree {}", directory.display(), root.display())))?;
    let elements: Vec<String> = below.iter().map(|element| element.to_string_lossy().into_owned()).collect();
    Ok(elements.join("/"))
}

/// `name` in `directory`, where empty is the root.
fn join(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}

/// An error with what caused it, on one line.
fn shown(error: &dyn std::error::Error) -> String {
    let mut texts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !texts.contains(&text) {
            texts.push(text);
        }
        cause = error.source();
    }
    texts.join(": ").split_whitespace().collect::<Vec<_>>().join(" ")
}
