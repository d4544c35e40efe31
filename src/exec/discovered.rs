//! Inputs that only show when an action runs: what C compilers include, and linkers link, from all over the machine.
//!
//! A first key, without them, leads to the list of files that the action read the last time; the key with their contents leads to its
//! results. So a change of any of them is seen, wherever it lies.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};
use std::sync::Mutex;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::cache::{Cache, Record};
use super::{Engine, depfile, lock};
use crate::digest::Sha256;
use crate::error::{Error, Result};
use crate::files::{Files, Seen};

/// The name of the list among an action's results.
const LIST: &str = "discovered";

/// What stands for the digest of a file that isn't there.
const MISSING: &str = "missing";

/// What stands for the digest of a file that is there, but wasn't read.
const PASSED_OVER: &str = "passed over";

/// The files that an action has read besides its known inputs: paths, those in the source tree relative to its root.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Discovered(BTreeSet<PathBuf>);

/// Files that several actions read, such as headers of the C library; each is hashed once for a build.
#[derive(Debug, Default)]
pub struct Shared(Mutex<BTreeMap<PathBuf, Option<Seen>>>);

impl Shared {
    /// What a file is; `None` if it can't be read.
    fn see(&self, files: &Files, path: &Path) -> Option<Seen> {
        if let Some(known) = lock(&self.0).get(path) {
            return known.clone();
        }
        let seen = files.see(path).ok();
        lock(&self.0).entry(path.to_owned()).or_insert(seen).clone()
    }
}

impl Discovered {
    /// Reads `depfiles`; names in them are relative to `source`. What lies in `scratch` was made by the action.
    pub fn collect(depfiles: &[PathBuf], root: &Path, source: &Path, scratch: &Path) -> Discovered {
        let mut files = BTreeSet::new();
        for depfile in depfiles {
            // Some compilers write none for some languages.
            let Ok(text) = std::fs::read(depfile) else { continue };
            for name in depfile::parse(&String::from_utf8_lossy(&text)) {
                let path = source.join(name);
                if !path.starts_with(scratch) && path.is_file() {
                    files.insert(path.strip_prefix(root).map_or(path.clone(), Path::to_owned));
                }
            }
        }
        Discovered(files)
    }

    /// The files of an action, if one with this first key ran before.
    pub fn recall(cache: &Cache, first_key: &Sha256) -> Option<Discovered> {
        let list = cache.recall(first_key, &[LIST])?.outputs[LIST];
        serde_json::from_reader(std::io::BufReader::new(cache.open_whole(&list)?)).ok()
    }

    /// Remembers them.
    pub fn record(&self, cache: &Cache, first_key: &Sha256) -> Result<()> {
        let scratch = cache.scratch()?;
        let file = scratch.path().join(LIST);
        let text = serde_json::to_vec(self).map_err(|e| Error::input(format!("a path can't be written as JSON: {e}")))?;
        std::fs::write(&file, text).map_err(|e| Error::io("write", &file, &e))?;
        let outputs = BTreeMap::from([(LIST.to_owned(), cache.insert(&file)?)]);
        cache.record(first_key, &Record { outputs, messages: String::new() }, "")
    }

    /// What the files are: digests by path. `include` are directories where a new file may come before one that was read.
    pub fn digests(&self, root: &Path, include: &[PathBuf], engine: Engine) -> BTreeMap<String, String> {
        let digest = |file: &PathBuf| {
            let seen = engine.shared.see(engine.files, &root.join(file));
            seen.map_or_else(|| MISSING.to_owned(), |seen| seen.sha256.to_string())
        };
        let passed_over =
            self.passed_over(root, include).into_iter().map(|path| (path.display().to_string(), PASSED_OVER.to_owned()));
        passed_over.chain(self.0.iter().map(|file| (file.display().to_string(), digest(file)))).collect()
    }

    /// Files by names that were included, in directories where those were looked for: `include`, and those of the files themselves.
    ///
    /// A name may have been written with some of the directories before it.
    fn passed_over(&self, root: &Path, include: &[PathBuf]) -> BTreeSet<PathBuf> {
        if include.is_empty() {
            return BTreeSet::new();
        }
        let own = self.0.iter().filter(|file| file.is_relative()).filter_map(|file| file.parent());
        let directories: BTreeSet<PathBuf> = include.iter().cloned().chain(own.map(|parent| root.join(parent))).collect();
        let mut names: BTreeMap<&OsStr, BTreeSet<&Path>> = BTreeMap::new();
        for file in &self.0 {
            let mut components = file.components();
            loop {
                let suffix = components.as_path();
                let Some(first) = components.next() else { break };
                if let Component::Normal(first) = first {
                    names.entry(first).or_default().insert(suffix);
                }
            }
        }
        let mut found = BTreeSet::new();
        for directory in directories {
            // Most directories have none of the names, which one look shows.
            let entries = std::fs::read_dir(&directory).into_iter().flatten().flatten();
            let entries: BTreeSet<OsString> = entries.map(|entry| entry.file_name()).collect();
            let suffixes = names.iter().filter(|(first, _)| entries.contains(**first)).flat_map(|(_, suffixes)| suffixes);
            found.extend(suffixes.map(|suffix| directory.join(suffix)).filter(|path| path.is_file()));
        }
        found.into_iter().map(|path| path.strip_prefix(root).map_or(path.clone(), Path::to_owned)).collect()
    }

    /// The first file that was written since an action began at `start`, or since it was hashed.
    pub fn written_since(&self, root: &Path, engine: Engine, start: SystemTime) -> Option<PathBuf> {
        let is_same = |path: &PathBuf| {
            let is_older = std::fs::metadata(path).and_then(|metadata| metadata.modified()).is_ok_and(|time| time < start);
            is_older && engine.shared.see(engine.files, path).is_some_and(|seen| seen.still(path))
        };
        self.0.iter().map(|file| root.join(file)).find(|path| !is_same(path))
    }
}
