//! The files that are checked out, by the IDs that their content has in git: those that nobody has changed aren't read.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gix::index::entry::{Flags, Stage, Stat, stat};

use super::Repository;
use crate::error::{Error, Result};

/// The files that are checked out, where the repository was found from.
pub struct Worktree {
    repository: Arc<Repository>,
    root: PathBuf,
    hash: gix::hash::Kind,
    index: Option<gix::worktree::Index>,
}

impl Worktree {
    pub(super) fn open(repository: &Arc<Repository>) -> Result<Worktree> {
        let Some(root) = repository.store.work_tree.clone() else {
            let error = Error::input("the git repository is bare, so no files are checked out");
            return Err(error.help("compare two commits: --base COMMIT --head COMMIT"));
        };
        let (index, hash) = repository.with(|git| (git.try_index(), git.object_hash()));
        let index = index.map_err(|e| Error::environment(format!("failed to read git's index: {}", super::shown(&e))))?;
        let is_partial = |index: &gix::worktree::Index| {
            index.is_sparse() || index.entries().iter().any(|entry| entry.flags.contains(Flags::SKIP_WORKTREE))
        };
        if index.as_ref().is_some_and(is_partial) {
            let error = Error::input("only a part of the repository's files is checked out (sparse checkout)");
            return Err(error.help("compare commits, which have all files: --head HEAD"));
        }
        Ok(Worktree { repository: repository.clone(), root, hash, index })
    }

    /// The ID of a file's content: that of the index where size, times and inode show that it is the file which git has put there.
    ///
    /// # Errors
    ///
    /// When it can't be read.
    pub fn id(&self, path: &str) -> io::Result<String> {
        let path = super::join(&self.repository.prefix, path);
        let place = self.root.join(&path);
        if let Some(id) = self.indexed(&path, &place) {
            return Ok(id);
        }
        let content = std::fs::read(&place)?;
        let content = if self.index.is_some() { self.as_in_git(&path, content) } else { content };
        let id = gix::objs::compute_hash(self.hash, gix::objs::Kind::Blob, &content);
        id.map(|id| id.to_string()).map_err(io::Error::other)
    }

    /// Content as git keeps it, where attributes say that it is another in files. Where git itself would fail, it is what it is.
    fn as_in_git(&self, path: &str, content: Vec<u8>) -> Vec<u8> {
        let converted = self.repository.with(|git| -> Option<Vec<u8>> {
            let (mut pipeline, index) = git.filter_pipeline(None).ok()?;
            let mut outcome = pipeline.convert_to_git(content.as_slice(), Path::new(path), &index).ok()?;
            let mut converted = Vec::new();
            outcome.read_to_end(&mut converted).ok()?;
            Some(converted)
        });
        converted.unwrap_or(content)
    }

    fn indexed(&self, path: &str, place: &Path) -> Option<String> {
        let index = self.index.as_ref()?;
        let entry = index.entry_by_path_and_stage(path.into(), Stage::Unconflicted)?;
        // The ID of a link is that of its target's name.
        if entry.mode.is_submodule() || entry.mode == gix::index::entry::Mode::SYMLINK {
            return None;
        }
        let metadata = gix::index::fs::Metadata::from_path_no_follow(place).ok()?;
        let now = Stat::from_fs(&metadata).ok()?;
        let options = stat::Options { trust_ctime: true, check_stat: true, use_nsec: true, use_stdev: false };
        let same = metadata.is_file() && entry.stat.matches(&now, options) && !entry.stat.is_racy(index.timestamp(), options);
        same.then(|| entry.id.to_string())
    }
}
