//! Reading the repository, and knowing later whether the same would be read.
//!
//! A [`Files`] that takes notes remembers of each answer what it depends on. [`Notes::hold`] asks the file system the same questions
//! again, and mostly gets by with a look at size, times and inode, as git does with its index: a file whose times are so young that it
//! may have been written again within the file system's resolution of time is compared by content.

mod commit;

use std::collections::BTreeMap;
use std::fs::{DirEntry, Metadata};
use std::io::{Error, ErrorKind, Read, Result};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::digest::{Hasher, Sha256};
use crate::git::{Kind, Snapshot};
use commit::Commit;

/// How long after a change times may still be those of the change before it: the coarsest file system (FAT) counts in steps of 2 s.
pub const YOUNG: Duration = Duration::from_secs(2);

/// What an entry of a directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link to anything but a directory: Go reads it as source, but doesn't embed it.
    Symlink,
    /// A symbolic link that leads nowhere: where Go takes it for source, the package is wrong.
    Broken,
    /// A symbolic link to a directory, which Go doesn't follow, or something irregular.
    Other,
}

/// An entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The name, without any slash.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
}

impl Entry {
    /// Whether there is a file, which a link may lead to.
    pub fn is_file(&self) -> bool {
        matches!(self.kind, EntryKind::File | EntryKind::Symlink)
    }
}

/// Access to files that may take notes. Copies share them.
#[derive(Clone, Debug, Default)]
pub struct Files {
    noted: Option<Arc<Mutex<Noted>>>,
    commit: Option<Commit>,
}

#[derive(Debug)]
struct Noted {
    /// Before the first question.
    since: SystemTime,
    /// What was answered; `None` once something was that no note can be taken of.
    answers: Option<BTreeMap<(PathBuf, Question), Answer>>,
}

/// What is asked of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Question {
    /// What does the file say?
    Content,
    /// What is in the directory?
    Entries,
    /// Is it the same file? Asked where what it says is known from elsewhere.
    State,
    /// Where is it really?
    Place,
    /// Is it a directory?
    IsDirectory,
}

/// What an answer depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Answer {
    /// There is nothing, or for a directory's entries something else.
    Nothing,
    /// The file or directory, and what is in it.
    Found { state: State, content: Sha256 },
    /// The file, whatever is in it.
    Seen(State),
    /// The answer itself, as text.
    Is(String),
}

/// What tells quickly that a file is as it was: size, times, inode, device and mode. Unknown where only its content tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State(Option<[u64; 6]>);

impl State {
    /// That of a file with these metadata.
    #[cfg(unix)]
    pub fn of(metadata: &Metadata) -> State {
        use std::os::unix::fs::MetadataExt;
        let nanoseconds = |s: i64, ns: i64| s.wrapping_mul(1_000_000_000).wrapping_add(ns).cast_unsigned();
        let times =
            [nanoseconds(metadata.mtime(), metadata.mtime_nsec()), nanoseconds(metadata.ctime(), metadata.ctime_nsec())];
        State(Some([metadata.size(), times[0], times[1], metadata.ino(), metadata.dev(), u64::from(metadata.mode())]))
    }

    /// Without a time of change that no program can set, times say too little.
    #[cfg(not(unix))]
    pub fn of(_: &Metadata) -> State {
        State(None)
    }

    /// That of the file at `path`; unknown if there is none that can be asked.
    pub fn at(path: &Path) -> State {
        std::fs::metadata(path).map_or(State(None), |metadata| State::of(&metadata))
    }

    /// Whether it is known, so that an equal one tells of the same file.
    pub fn is_known(self) -> bool {
        self.0.is_some()
    }

    /// Unknown if it is too young at `now` to tell anything: the file may be written again within the same step of its times.
    pub fn settled(self, now: SystemTime) -> State {
        let limit = now.checked_sub(YOUNG).and_then(|t| t.duration_since(UNIX_EPOCH).ok()).map_or(0, |d| d.as_nanos());
        State(self.0.filter(|[_, modified, changed, ..]| u128::from(*modified.max(changed)) < limit))
    }
}

/// What a file was when it was read.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The digest of its content.
    pub sha256: Sha256,
    state: State,
}

impl Seen {
    /// Whether the file is still the same.
    pub fn still(&self, path: &Path) -> bool {
        let now = SystemTime::now();
        let state = std::fs::metadata(path).map(|metadata| State::of(&metadata).settled(now));
        let looks_so = state.is_ok_and(|state| state.0.is_some() && state == self.state);
        looks_so || std::fs::File::open(path).and_then(Sha256::of_reader).is_ok_and(|sha256| sha256 == self.sha256)
    }
}

impl Files {
    /// Reads a file for its digest.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn see(&self, path: &Path) -> Result<Seen> {
        if self.commit.is_some() {
            return Ok(Seen { sha256: Sha256::of(self.read(path)?), state: State(None) });
        }
        let since = self.since().unwrap_or_else(SystemTime::now);
        let seen =
            read_with_state(path).map(|(content, state)| Seen { sha256: Sha256::of(content), state: state.settled(since) });
        let answer = seen.as_ref().map(|seen| Answer::Found { state: seen.state, content: seen.sha256 });
        self.note(path, Question::Content, answer);
        seen
    }

    /// Files of which notes are taken from now on.
    pub fn noting() -> Files {
        let noted = Noted { since: SystemTime::now(), answers: Some(BTreeMap::new()) };
        Files { noted: Some(Arc::new(Mutex::new(noted))), commit: None }
    }

    /// The files of a commit, as if its tree were checked out in `directory`. No notes are taken: a commit never changes.
    pub fn of_commit(tree: Arc<Snapshot>, directory: &Path) -> Files {
        Files { noted: None, commit: Some(Commit::new(tree, directory)) }
    }

    /// The content of a file.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn read(&self, path: &Path) -> Result<Vec<u8>> {
        if let Some(commit) = &self.commit {
            return commit.read(path);
        }
        let Some(since) = self.since() else { return std::fs::read(path) };
        let read = read_with_state(path);
        let answer = read.as_ref().map(|(content, state)| found(*state, since, Sha256::of(content)));
        self.note(path, Question::Content, answer);
        read.map(|(content, _)| content)
    }

    /// The ID that git has for the content of a file, of a commit.
    pub fn id(&self, path: &Path) -> Option<String> {
        self.commit.as_ref().and_then(|commit| commit.id(path).ok())
    }

    /// The first bytes of a file: at most `length`. A note is taken of all of it.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn read_start(&self, path: &Path, length: usize) -> Result<Vec<u8>> {
        if self.commit.is_some() {
            return self.read(path);
        }
        if self.noted.is_some() {
            let mut content = self.read(path)?;
            content.truncate(length);
            return Ok(content);
        }
        let mut start = Vec::with_capacity(length);
        std::fs::File::open(path)?.take(length as u64).read_to_end(&mut start)?;
        Ok(start)
    }

    /// The text of a file.
    ///
    /// # Errors
    ///
    /// Those of the file system, and [`ErrorKind::InvalidData`] where it isn't UTF-8.
    pub fn read_text(&self, path: &Path) -> Result<String> {
        String::from_utf8(self.read(path)?)
            .map_err(|_| Error::new(ErrorKind::InvalidData, "stream did not contain valid UTF-8"))
    }

    /// The entries of a directory, sorted by name, without those whose names aren't UTF-8.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn list(&self, path: &Path) -> Result<Vec<Entry>> {
        if let Some(commit) = &self.commit {
            return commit.list(path);
        }
        Ok(self.list_with(path, |_, _| ())?.into_iter().map(|(entry, ())| entry).collect())
    }

    /// The entries of a directory, each with what `more` finds out while the directory is open; of that no note is taken.
    ///
    /// # Errors
    ///
    /// Those of the file system, which files of a commit aren't in.
    pub fn list_with<T>(&self, path: &Path, more: impl Fn(&Entry, &DirEntry) -> T) -> Result<Vec<(Entry, T)>> {
        if self.commit.is_some() {
            return Err(ErrorKind::Unsupported.into());
        }
        let Some(since) = self.since() else { return entries(path, more) };
        let listed = std::fs::metadata(path).and_then(|metadata| Ok((entries(path, more)?, State::of(&metadata))));
        let answer = listed.as_ref().map(|(entries, state)| {
            let entries = || entries.iter().map(|(entry, _)| entry);
            found(of_entries(*state, entries()), since, digest(entries()))
        });
        self.note(path, Question::Entries, answer);
        listed.map(|(entries, _)| entries)
    }

    /// Notes that a file counts which nobody had to read, because it is in the state in which it was read before.
    pub fn seen(&self, path: &Path, state: State) {
        if self.noted.is_some() {
            let nobody_knows = Error::from(ErrorKind::Other);
            self.note(path, Question::State, if state.is_known() { Ok(Answer::Seen(state)) } else { Err(&nobody_knows) });
        }
    }

    /// Where a path leads to, without symbolic links.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn real_path(&self, path: &Path) -> Result<PathBuf> {
        if let Some(commit) = &self.commit {
            return commit.kind(path).map(|_| path.to_owned());
        }
        let real = std::fs::canonicalize(path);
        self.note(path, Question::Place, real.as_ref().map(|real| Answer::Is(real.to_string_lossy().into_owned())));
        real
    }

    /// Whether there is a directory.
    pub fn is_directory(&self, path: &Path) -> bool {
        if let Some(commit) = &self.commit {
            return commit.kind(path).is_ok_and(|kind| kind == Kind::Directory);
        }
        let is = path.is_dir();
        self.note(path, Question::IsDirectory, Ok(Answer::Is(is.to_string())));
        is
    }

    /// Whether there is a file.
    pub fn is_file(&self, path: &Path) -> bool {
        match &self.commit {
            Some(commit) => commit.kind(path).is_ok_and(|kind| kind == Kind::File),
            None => self.see(path).is_ok(),
        }
    }

    /// Notes a file that this program has just written, `below` a directory, and that it wants to find again. That it appeared, and
    /// directories for it, is no change of what was read before.
    pub fn note_written(&self, directory: &Path, below: &Path, content: Sha256) {
        let mut parent = directory.to_owned();
        for name in below {
            self.note_appeared(&parent, &name.to_string_lossy());
            parent.push(name);
        }
        self.note(&directory.join(below), Question::Content, Ok(Answer::Found { state: State(None), content }));
    }

    /// Notes the entries of a directory anew, if they are what was noted but for one of this name.
    fn note_appeared(&self, directory: &Path, name: &str) {
        let Some(noted) = &self.noted else { return };
        let Ok(entries) = entries(directory, |_, _| ()) else { return };
        let mut entries: Vec<Entry> = entries.into_iter().map(|(entry, ())| entry).collect();
        let now = found(State(None), SystemTime::now(), digest(entries.iter()));
        entries.retain(|entry| entry.name != name);
        let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (directory.to_owned(), Question::Entries);
        if let Some(answer @ Answer::Found { .. }) = noted.answers.as_mut().and_then(|answers| answers.get_mut(&key))
            && matches!(answer, Answer::Found { content, .. } if *content == digest(entries.iter()))
        {
            *answer = now;
        }
    }

    /// The notes that were taken; `None` where there are none, or where something happened that they don't have.
    pub fn notes(&self) -> Option<Notes> {
        let noted = self.noted.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        let answers = noted.answers.clone()?;
        Some(Notes { answers: answers.into_iter().map(|((path, question), answer)| (path, question, answer)).collect() })
    }

    fn since(&self) -> Option<SystemTime> {
        Some(self.noted.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner).since)
    }

    fn note(&self, path: &Path, question: Question, answer: std::result::Result<Answer, &Error>) {
        let Some(noted) = &self.noted else { return };
        let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = match answer {
            Ok(answer) => Some(answer),
            Err(error) => is_nothing(error).then_some(Answer::Nothing),
        };
        let key = (path.to_owned(), question);
        match (&mut noted.answers, answer) {
            // Two answers to one question: it changed meanwhile.
            (Some(answers), Some(answer)) if answers.get(&key).is_none_or(|before| *before == answer) => {
                answers.insert(key, answer);
            }
            (answers, _) => *answers = None,
        }
    }
}

/// What tells a file from any that was or will be in its place; `None` if that can't be told without reading it.
pub fn identity(path: &Path) -> Option<String> {
    let State(state) = State::at(path);
    Some(state?.map(|part| part.to_string()).join(" "))
}

/// Whether there is simply nothing of the kind, as opposed to something that can't be read.
fn is_nothing(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn found(state: State, since: SystemTime, content: Sha256) -> Answer {
    Answer::Found { state: state.settled(since), content }
}

/// The state is taken before the content, so that a change in between shows.
fn read_with_state(path: &Path) -> Result<(Vec<u8>, State)> {
    let mut file = std::fs::File::open(path)?;
    let state = State::of(&file.metadata()?);
    let mut content = Vec::new();
    file.read_to_end(&mut content)?;
    Ok((content, state))
}

/// The entries of a directory, sorted by name, without those whose names aren't UTF-8.
fn entries<T>(path: &Path, more: impl Fn(&Entry, &DirEntry) -> T) -> Result<Vec<(Entry, T)>> {
    let mut list = Vec::new();
    for found in std::fs::read_dir(path)? {
        let found = found?;
        let kind = kind(&found)?;
        // A name that isn't UTF-8 can be neither a Go source file nor embedded.
        if let Ok(name) = found.file_name().into_string() {
            let entry = Entry { name, kind };
            let more = more(&entry, &found);
            list.push((entry, more));
        }
    }
    list.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
    Ok(list)
}

fn kind(entry: &DirEntry) -> Result<EntryKind> {
    let of = entry.file_type()?;
    Ok(if of.is_file() {
        EntryKind::File
    } else if of.is_dir() {
        EntryKind::Directory
    } else if of.is_symlink() {
        match std::fs::metadata(entry.path()) {
            Ok(target) if target.is_dir() => EntryKind::Other,
            Ok(_) => EntryKind::Symlink,
            Err(_) => EntryKind::Broken,
        }
    } else {
        EntryKind::Other
    })
}

/// What a link leads to changes without the directory that has the link.
fn of_entries<'e>(state: State, mut entries: impl Iterator<Item = &'e Entry>) -> State {
    let has_links = entries.any(|e| matches!(e.kind, EntryKind::Symlink | EntryKind::Broken | EntryKind::Other));
    if has_links { State(None) } else { state }
}

fn digest<'e>(entries: impl Iterator<Item = &'e Entry>) -> Sha256 {
    let mut hasher = Hasher::default();
    for entry in entries {
        hasher.update([entry.kind as u8]);
        hasher.update(entry.name.as_bytes());
        hasher.update([0]);
    }
    hasher.finish()
}

/// What answers depended on; by default on nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notes {
    answers: Vec<(PathBuf, Question, Answer)>,
}

/// Whether the answers are still the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// They are, and no file had to be read to find out.
    Still,
    /// They are; these notes will tell it with less reading.
    Better(Notes),
    /// They are not, or nobody knows.
    No,
}

impl Notes {
    /// Asks all questions again.
    pub fn hold(&self) -> Held {
        let now = SystemTime::now();
        let ask = |(path, question, before): &(PathBuf, Question, Answer)| match looks_the_same(path, before, now) {
            true => Some(None),
            false => again(path, *question, before).map(Some),
        };
        let Some(now) = self.answers.par_iter().map(ask).collect::<Option<Vec<_>>>() else { return Held::No };
        if now.iter().zip(&self.answers).all(|(now, (_, _, before))| now.as_ref().is_none_or(|now| now == before)) {
            return Held::Still;
        }
        let newer = |((path, question, before), now): (&(PathBuf, Question, Answer), Option<Answer>)| {
            (path.clone(), *question, now.unwrap_or_else(|| before.clone()))
        };
        Held::Better(Notes { answers: self.answers.iter().zip(now).map(newer).collect() })
    }
}

/// The answer as it is noted now; `None` when it is another one.
fn again(path: &Path, question: Question, before: &Answer) -> Option<Answer> {
    let files = Files::noting();
    match question {
        Question::Content => drop(files.read(path)),
        Question::Entries => drop(files.list(path)),
        // Only its content could tell, and nobody has that.
        Question::State => return None,
        Question::Place => drop(files.real_path(path)),
        Question::IsDirectory => _ = files.is_directory(path),
    }
    let answer = files.only_answer()?;
    let same = match (before, &answer) {
        (Answer::Found { content: before, .. }, Answer::Found { content: now, .. }) => before == now,
        (before, now) => before == now,
    };
    same.then_some(answer)
}

fn looks_the_same(path: &Path, before: &Answer, now: SystemTime) -> bool {
    let (Answer::Found { state, .. } | Answer::Seen(state)) = before else { return false };
    state.is_known() && std::fs::metadata(path).is_ok_and(|metadata| State::of(&metadata).settled(now) == *state)
}

impl Files {
    /// What was noted of the one question that was asked.
    fn only_answer(&self) -> Option<Answer> {
        let (_, _, answer) = self.notes()?.answers.pop()?;
        Some(answer)
    }
}

#[cfg(test)]
mod tests;
