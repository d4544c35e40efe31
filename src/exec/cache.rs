//! The action cache: blobs by digest, and which blobs an action key gave.
//!
//! ```text
//! action/<2 digits>/<key>    what an action gave: digests of blobs, and what its tools said
//! why/<2 digits>/<key>       what the key was made of, for `--explain`
//! blob/<2 digits>/<sha256>   outputs
//! last/<sha256>              the keys that one directory's configuration had the last time
//! seen/<sha256>              what the files of its blobs were when they were hashed
//! tmp/<random>{/,.lock}      what running processes are at, and who holds it
//! trimmed                    its time is that of the last trim
//! ```
//!
//! Safe with many processes and with a kill at any moment: everything is made under `tmp/` and renamed. Nothing is believed: a record
//! has a digest of itself, and a blob is hashed before what its first use in a process gave counts, unless an earlier process has hashed the very
//! same file (`seen`). What is damaged or gone counts as absent, so any part may be removed at any time.

mod scratch;
mod seen;
mod trim;

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::digest::Sha256;
use crate::error::{Error, Result};
use crate::files::State;

pub use trim::{Damage, Removed, Stats, Unused};

use scratch::Session;
use seen::Seen;

/// Uses within this time are one use: a record's time is written only then, as Go's cache does.
const RECENT: Duration = Duration::from_secs(60 * 60);

/// A directory of action results, as one process sees it.
#[derive(Debug)]
pub struct Cache {
    root: PathBuf,
    session: Session,
    /// Blobs that this process has found whole, or has made, with what their files were before that; unknown where that says too little.
    whole: Mutex<Seen>,
    /// Those that earlier processes have found whole.
    seen: Mutex<Seen>,
}

/// What the cache keeps of an action.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    /// Digests by the name of the output's token.
    pub outputs: BTreeMap<String, Sha256>,
    /// What the tools said, although they succeeded; paths are tokens.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub messages: String,
}

impl Cache {
    /// Opens the cache in `root`, which need not exist, and removes what killed processes left in it.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub fn open(root: &Path) -> Result<Cache> {
        let session = Session::begin(&root.join("tmp"))?;
        Ok(Cache { root: root.to_owned(), session, whole: Mutex::default(), seen: Mutex::default() })
    }

    /// Where the blob with this digest is, if it is there.
    pub fn blob(&self, sha256: &Sha256) -> PathBuf {
        self.file("blob", sha256)
    }

    /// A new directory for one action; it goes away with the value, and also after this process was killed.
    pub(super) fn scratch(&self) -> Result<tempfile::TempDir> {
        let dir = self.session.directory();
        tempfile::Builder::new().prefix("a").tempdir_in(dir).map_err(|e| Error::io("create a directory in", dir, &e))
    }

    /// Moves a file from the scratch directory into the cache.
    pub(super) fn insert(&self, file: &Path) -> Result<Sha256> {
        let content = fs::File::open(file).and_then(Sha256::of_reader);
        self.insert_as(file, content.map_err(|e| Error::io("read", file, &e))?)
    }

    /// The same with a file whose digest is known.
    pub(super) fn insert_as(&self, file: &Path, sha256: Sha256) -> Result<Sha256> {
        let blob = self.blob(&sha256);
        // Also over one that is there: that may be damaged.
        rename(file, &blob).map_err(|e| Error::io("write", &blob, &e))?;
        // Its times are too young to tell it from one that is damaged at once.
        super::lock(&self.whole).insert(sha256, State::default());
        Ok(sha256)
    }

    /// Whether the blob is there and has this digest. Looks once for each blob.
    pub fn is_whole(&self, sha256: &Sha256) -> bool {
        if self.is_known_whole(sha256) {
            return true;
        }
        let (path, now) = (self.blob(sha256), SystemTime::now());
        let state = State::at(&path);
        let was_found = state.is_known() && super::lock(&self.seen).get(sha256) == Some(&state);
        let found = was_found || fs::File::open(path).and_then(Sha256::of_reader).is_ok_and(|found| found == *sha256);
        if found {
            super::lock(&self.whole).insert(*sha256, state.settled(now));
        }
        found
    }

    /// What tells the files of blobs from others that may take their places.
    pub(super) fn identities<'s>(&self, blobs: impl IntoParallelIterator<Item = &'s Sha256>) -> Seen {
        blobs.into_par_iter().map(|blob| (*blob, State::at(&self.blob(blob)))).collect()
    }

    /// Whether this process knows that the blob is whole, without a look at it.
    pub(super) fn is_known_whole(&self, sha256: &Sha256) -> bool {
        super::lock(&self.whole).contains_key(sha256)
    }

    /// Whether all these files are still there. Those that aren't are looked at again before they are used.
    pub(super) fn doubt_changed(&self, before: &Seen) -> bool {
        let is_same = |(blob, before): &(&Sha256, &State)| before.is_known() && State::at(&self.blob(blob)) == **before;
        let changed: Vec<_> = before.par_iter().filter(|blob| !is_same(blob)).collect();
        let mut whole = super::lock(&self.whole);
        for (blob, _) in &changed {
            whole.remove(*blob);
        }
        changed.is_empty()
    }

    /// Opens a blob, if it is there and whole.
    pub(super) fn open_whole(&self, sha256: &Sha256) -> Option<fs::File> {
        let mut file = fs::File::open(self.blob(sha256)).ok()?;
        if !self.is_known_whole(sha256) && !Sha256::of_reader(&file).is_ok_and(|found| found == *sha256) {
            return None;
        }
        file.rewind().ok()?;
        Some(file)
    }

    /// Remembers what an action gave, and what its key was made of.
    pub(super) fn record(&self, key: &Sha256, record: &Record, why: &str) -> Result<()> {
        let action = self.file("action", key);
        let json = serde_json::to_string(record).map_err(|e| Error::io("write", &action, &e.into()))?;
        self.store(&self.file("why", key), &sealed(why))?;
        self.store(&action, &sealed(&json))
    }

    /// What an action gave, if that is known. The blobs may be gone.
    pub(super) fn recall(&self, key: &Sha256, outputs: &[&str]) -> Option<Record> {
        let path = self.file("action", key);
        let record = read_record(&path)?;
        if !outputs.iter().all(|output| record.outputs.contains_key(*output)) {
            return None;
        }
        touch(&path);
        Some(record)
    }

    /// What a key was made of, if that is known.
    pub(super) fn why(&self, key: &Sha256) -> Option<String> {
        read_sealed(&self.file("why", key))
    }

    /// Forgets what an action gave, because a blob of it is damaged or gone.
    pub(super) fn forget(&self, key: &Sha256) {
        // If that can't be removed, the action fails for the same reason when it writes its result.
        let _ = fs::remove_file(self.file("action", key));
    }

    /// The keys that `configuration` of the spec in `directory` had the last time, by the names of its actions.
    pub(super) fn last_keys(&self, directory: &Path, configuration: &str) -> BTreeMap<String, Sha256> {
        let text = read_sealed(&self.last(directory, configuration)).unwrap_or_default();
        let line = |line: &str| line.split_once(' ').and_then(|(key, name)| Some((name.to_owned(), key.parse().ok()?)));
        text.lines().filter_map(line).collect()
    }

    /// Remembers the keys that a configuration has now.
    pub(super) fn keep_keys(&self, directory: &Path, configuration: &str, keys: &BTreeMap<String, Sha256>) -> Result<()> {
        let text: String = keys.iter().map(|(name, key)| format!("{key} {name}\n")).collect();
        self.store(&self.last(directory, configuration), &sealed(&text))
    }

    fn last(&self, directory: &Path, configuration: &str) -> PathBuf {
        self.of_configuration("last", directory, configuration)
    }

    fn of_configuration(&self, kind: &str, directory: &Path, configuration: &str) -> PathBuf {
        let name = [directory.as_os_str().as_encoded_bytes(), configuration.as_bytes()].join(&0);
        self.root.join(kind).join(Sha256::of(name).to_string())
    }

    fn file(&self, kind: &str, digest: &Sha256) -> PathBuf {
        let hex = digest.to_string();
        self.root.join(kind).join(&hex[..2]).join(hex)
    }

    fn store(&self, path: &Path, text: &str) -> Result<()> {
        let failed = |e: std::io::Error| Error::io("write", path, &e);
        let mut file = tempfile::NamedTempFile::new_in(self.session.directory()).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        let file = file.into_temp_path();
        rename(&file, path).map_err(failed)
    }
}

/// Renames a file; the directory that it comes into is made when it isn't there, also if somebody removes it meanwhile.
fn rename(from: &Path, to: &Path) -> std::io::Result<()> {
    match fs::rename(from, to) {
        Err(e) if e.kind() == ErrorKind::NotFound => {
            to.parent().map_or(Ok(()), fs::create_dir_all)?;
            fs::rename(from, to)
        }
        result => result,
    }
}

/// Text after its own digest, which shows damage.
fn sealed(text: &str) -> String {
    format!("{}\n{text}", Sha256::of(text))
}

fn read_sealed(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let (digest, text) = text.split_once('\n')?;
    (Sha256::of(text).to_string() == digest).then(|| text.to_owned())
}

fn read_record(path: &Path) -> Option<Record> {
    serde_json::from_str(&read_sealed(path)?).ok()
}

/// Gives a record the time of its use, unless it has about that already. A time in the future is one of a clock that was wrong.
fn touch(path: &Path) {
    let now = SystemTime::now();
    let modified = fs::metadata(path).and_then(|m| m.modified());
    let recent = modified.is_ok_and(|time| now.duration_since(time).is_ok_and(|age| age < RECENT));
    if !recent {
        // A cache that can't be written keeps an order that is less good.
        let _ = fs::File::options().append(true).open(path).and_then(|file| file.set_modified(now));
    }
}

#[cfg(test)]
mod tests;
