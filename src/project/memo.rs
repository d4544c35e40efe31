//! What a verb read when there was nothing left to do: as long as all of it is the same, there is nothing to do again.
//!
//! Memos are in the user's cache, one for each verb, its arguments and the directory of a spec. A memo that is damaged, of another
//! program or of other keys is as good as none.

use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::digest::Sha256;
use crate::files::{self, Held, Notes};
use crate::lock::cache::Cache;
use crate::lock::file::Lockfile;
use crate::write;

/// How long the memo of a directory is kept in which nobody asks for it.
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

/// Where the memo of a directory is, and what it must have been made by. It has a `T`, which says what was done.
pub struct Memo<T> {
    path: PathBuf,
    maker: Maker,
    content: PhantomData<T>,
}

/// What else decides, besides the repository's files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Maker {
    version: String,
    program: String,
    settings: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Content<T> {
    maker: Maker,
    done: T,
    notes: Notes,
}

impl<T: Clone + Serialize + DeserializeOwned> Memo<T> {
    /// The memo of a verb for the spec in `directory`; `None` where none can be kept. `arguments` tell several apart, `settings` are
    /// what decides besides files.
    pub fn of(verb: &str, directory: &Path, arguments: &str, settings: &str) -> Option<Memo<T>> {
        // Notes have paths as they were asked for, relative to where the program runs.
        let from = std::env::current_dir().ok()?;
        let key = [from.as_os_str().as_encoded_bytes(), directory.as_os_str().as_encoded_bytes(), arguments.as_bytes()];
        let program = files::identity(&std::env::current_exe().ok()?)?;
        let (version, settings) = (env!("CARGO_PKG_VERSION").to_owned(), settings.to_owned());
        Some(Memo {
            path: Cache::place().ok()?.join("memo").join(format!("{verb}-{}", Sha256::of(key.join(&0)))),
            maker: Maker { version, program, settings },
            content: PhantomData,
        })
    }

    /// What was done, if nothing has changed since the memo was written.
    pub fn recall(&self) -> Option<T> {
        let content = self.read()?;
        match content.notes.hold() {
            Held::Still => {}
            Held::Better(notes) => self.keep(content.done.clone(), notes),
            Held::No => return None,
        }
        Some(content.done)
    }

    /// Writes a memo: who did it read nothing but what the notes have. If that fails, the next run takes longer.
    pub fn keep(&self, done: T, notes: Notes) {
        let content = Content { maker: self.maker.clone(), done, notes };
        let Ok(text) = serde_json::to_string(&content) else { return };
        if write::atomic(&self.path, format!("{}\n{text}", Sha256::of(&text)).as_bytes()).is_ok() {
            self.forget_unused();
        }
    }

    fn read(&self) -> Option<Content<T>> {
        let text = std::fs::read_to_string(&self.path).ok()?;
        let (sha256, text) = text.split_once('\n')?;
        let whole = Sha256::of(text).to_string() == sha256;
        let content: Content<T> = whole.then(|| serde_json::from_str(text).ok())??;
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
