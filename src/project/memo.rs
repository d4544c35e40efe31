//! What a verb answered, and what it read for that: as long as all of it is the same, the answer is.
//!
//! Memos are in the user's cache, one for each question about the directory of a spec. A memo that is damaged or of another program is as
//! good as none.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::digest::Sha256;
use crate::files::{self, Held, Notes};
use crate::lock::cache::Cache;
use crate::write;

/// How long a memo is kept that isn't written again.
const UNUSED: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How many bytes all memos may have; the newest one has its place in any case, as far as that one fits.
const MAX_TOTAL: u64 = 256 << 20;

/// How many memos there may be: all of them are looked at each time that there is one more.
const MAX_COUNT: usize = 256;

/// Where the memo of a question about a directory is, and what it must have been made by.
pub struct Memo {
    path: PathBuf,
    maker: Maker,
}

/// What else decides about an answer, besides the files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Maker {
    version: String,
    program: String,
    question: String,
}

/// The beginning of a memo; the answer follows.
#[derive(Serialize, Deserialize)]
struct Head {
    maker: Maker,
    notes: Notes,
}

/// An answer that still holds.
pub struct Answer {
    content: Vec<u8>,
    start: usize,
}

impl Answer {
    /// What was kept.
    pub fn bytes(&self) -> &[u8] {
        &self.content[self.start..]
    }
}

/// The length of the checksum at the beginning of a memo (CRC-32 of all that follows, little-endian).
const CHECKSUM: usize = size_of::<u32>();

impl Memo {
    /// The memo of what is asked about the spec in `directory`; `question` has all that the answer depends on besides files. `None` where
    /// none can be kept.
    pub fn of(directory: &Path, question: String) -> Option<Memo> {
        // Notes have paths as they were asked for, relative to where the program runs.
        let from = std::env::current_dir().ok()?;
        let parts = [from.as_os_str().as_encoded_bytes(), directory.as_os_str().as_encoded_bytes(), question.as_bytes()];
        Memo::at(Sha256::of(parts.join(&0)), question)
    }

    /// The memo of a question that has all that the answer depends on, so that it always stays the same: kept with no notes.
    pub fn of_constant(question: String) -> Option<Memo> {
        Memo::at(Sha256::of(&question), question)
    }

    fn at(key: Sha256, question: String) -> Option<Memo> {
        let program = files::identity(&std::env::current_exe().ok()?)?;
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Some(Memo {
            path: Cache::place().ok()?.join("memo").join(key.to_string()),
            maker: Maker { version, program, question },
        })
    }

    /// The answer, if nothing has changed since the memo was written.
    pub fn recall(&self) -> Option<Answer> {
        let content = std::fs::read(&self.path).ok()?;
        let (checksum, whole) = content.split_at_checked(CHECKSUM)?;
        if crc32fast::hash(whole).to_le_bytes() != checksum {
            return None;
        }
        let (head, answer) = postcard::take_from_bytes::<Head>(whole).ok()?;
        if head.maker != self.maker {
            return None;
        }
        match head.notes.hold() {
            Held::Still => {}
            Held::Better(notes) => self.keep(answer, notes),
            Held::No => return None,
        }
        let start = content.len() - answer.len();
        Some(Answer { content, start })
    }

    /// Writes a memo: who found the answer read nothing but what the notes have. If that fails, the next run takes longer.
    pub fn keep(&self, answer: &[u8], notes: Notes) {
        let head = Head { maker: self.maker.clone(), notes };
        let Ok(mut content) = postcard::to_extend(&head, vec![0; CHECKSUM]) else { return };
        content.extend(answer);
        let checksum = crc32fast::hash(&content[CHECKSUM..]);
        content[..CHECKSUM].copy_from_slice(&checksum.to_le_bytes());
        let is_new = !self.path.exists();
        if write::atomic(&self.path, &content).is_ok() && is_new {
            self.forget_unused();
        }
    }

    /// Removes memos that nobody has needed for long, and the oldest if there are too many. They are written anew each time their files
    /// change.
    fn forget_unused(&self) {
        let Some(Ok(entries)) = self.path.parent().map(std::fs::read_dir) else { return };
        let dated = |entry: std::fs::DirEntry| {
            let data = entry.metadata().ok()?;
            Some((data.modified().ok()?, data.len(), entry.path()))
        };
        let mut memos: Vec<(SystemTime, u64, PathBuf)> = entries.flatten().filter_map(dated).collect();
        memos.sort_by(|a, b| b.cmp(a));
        let limit = SystemTime::now() - UNUSED;
        let mut total = 0;
        for (index, (modified, size, path)) in memos.into_iter().enumerate() {
            total += size;
            if modified < limit || total > MAX_TOTAL || index >= MAX_COUNT {
                // Another process may have been first.
                let _ = std::fs::remove_file(path);
            }
        }
    }
}
