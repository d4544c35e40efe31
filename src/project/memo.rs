//! What `lock` read when it found nothing to do: as long as all of it is the same, there is nothing to do again.
//!
//! Memos are in the user's cache, one for each directory of a spec. A memo that is damaged, of another program or of other keys is as
//! good as none.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::digest::Sha256;
use crate::files::{self, Held, Notes};
use crate::lock::cache::Cache;
use crate::lock::file::Lockfile;
use crate::lock::sumdb::note::Verifier;
use crate::write;

/// How long the memo of a directory is kept that nobody runs `lock` in.
const UNUSED: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What a lock has, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// The versions of the SDKs.
    pub go: Vec<String>,
    /// How many modules provide packages.
    pub modules: usize,
    /// How many packages they provide.
    pub packages: usize,
}

impl Totals {
    /// Those of a lock.
    pub fn of(lock: &Lockfile) -> Totals {
        let go = lock.sdks.iter().map(|sdk| sdk.version.to_string()).collect();
        let in_zips = || lock.modules.iter().map(|m| m.packages.len());
        let packages = || in_zips().chain(lock.vendored.iter().map(|m| m.packages.len())).filter(|count| *count > 0);
        Totals { go, modules: packages().count(), packages: packages().sum() }
    }
}

/// Where the memo of a directory is, and what it must have been made by.
pub struct Memo {
    path: PathBuf,
    maker: Maker,
}

/// What else decides about a lock, besides the repository's files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Maker {
    version: String,
    program: String,
    verifier: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    maker: Maker,
    totals: Totals,
    notes: Notes,
}

impl Memo {
    /// The memo of the spec in `directory`; `None` where none can be kept.
    pub fn of(directory: &Path, verifier: Option<&Verifier>) -> Option<Memo> {
        // Notes have paths as they were asked for, relative to where the program runs.
        let from = std::env::current_dir().ok()?;
        let key = Sha256::of([from.as_os_str().as_encoded_bytes(), directory.as_os_str().as_encoded_bytes()].join(&0));
        let program = files::identity(&std::env::current_exe().ok()?)?;
        let (version, verifier) = (env!("CARGO_PKG_VERSION").to_owned(), format!("{verifier:?}"));
        Some(Memo {
            path: Cache::place().ok()?.join("memo").join(key.to_string()),
            maker: Maker { version, program, verifier },
        })
    }

    /// What the lock has, if nothing has changed since the memo was written.
    pub fn recall(&self) -> Option<Totals> {
        let content = self.read()?;
        match content.notes.hold() {
            Held::Still => {}
            Held::Better(notes) => self.keep(content.totals.clone(), notes),
            Held::No => return None,
        }
        Some(content.totals)
    }

    /// Writes a memo: who made the lock read nothing but what the notes have. If that fails, the next run takes longer.
    pub fn keep(&self, totals: Totals, notes: Notes) {
        let content = Content { maker: self.maker.clone(), totals, notes };
        let Ok(text) = serde_json::to_string(&content) else { return };
        if write::atomic(&self.path, format!("{}\n{text}", Sha256::of(&text)).as_bytes()).is_ok() {
            self.forget_unused();
        }
    }

    fn read(&self) -> Option<Content> {
        let text = std::fs::read_to_string(&self.path).ok()?;
        let (sha256, text) = text.split_once('\n')?;
        let whole = Sha256::of(text).to_string() == sha256;
        let content: Content = whole.then(|| serde_json::from_str(text).ok())??;
        (content.maker == self.maker).then_some(content)
    }

    /// Removes memos that nobody has needed for long. They are written anew each time their files change.
    fn forget_unused(&self) {
        let Some(Ok(entries)) = self.path.parent().map(std::fs::read_dir) else { return };
        let limit = SystemTime::now() - UNUSED;
        for entry in entries.flatten() {
            if entry.metadata().and_then(|m| m.modified()).is_ok_and(|modified| modified < limit) {
                // Another process may have been first.
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}
