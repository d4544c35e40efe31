//! The user's cache of downloads: shared by all repositories and by several processes at once.
//!
//! ```text
//! download/<escaped path>/@v/<escaped version>-<h1>.{mod,zip,facts}    files of module proxies
//! download/archive/<sha256>{,.facts}                                   SDK archives
//! mod/<escaped path>@<escaped version>-<h1>/                           unpacked modules
//! sdk/<version>.<os>-<arch>-<nar>/                                      SDKs as they are used
//! sdk/<version>.<os>-<arch>-source-<key>{/,.lock}                       SDKs that were built, and who is building
//! vcs/<sha256 of the URL>{/,.lock,.busy}                                bare git repositories, with what was needed of them
//! parsed/<version of the scanner>/<sha256 of a tree's name>             the parse cache: what is in the files of a tree, or of a repository's commits
//! memo/<sha256 of what is asked>                                        what `lock` and `list` answered, and what they read for that
//! tmp/                                                                 what isn't complete yet
//! ```
//!
//! Names have the first 32 hex digits of hashes (an SDK's has 16): two repositories may have different modules of one path and
//! version, from different proxies, and then neither disturbs the other.
//!
//! Everything is made under `tmp/` and renamed into place, so what is there is complete, whatever kills a process; a repository,
//! which git writes to, is marked as busy meanwhile, and made anew if the mark stays. A file of
//! facts is written last: it says that the download was unpacked and what its hashes are, so that no later run reads it again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::download::Download;
use crate::digest::{H1, Sha256, Sri};
use crate::error::{Error, Result};
use crate::module::ModuleId;
use crate::module::escape::escape;
use crate::source::index::IndexedTree;

/// The directory of the parse cache in a cache.
pub const PARSED: &str = "parsed";

/// A cache directory.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
}

/// What is known of a download that was read once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// Bytes of the archive.
    pub size: u64,
    /// Of the archive's bytes.
    pub sha256: Sha256,
    /// Go's hash of the files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub h1: Option<H1>,
    /// Nix's hash of the unpacked tree.
    pub nar: Sri,
    /// Nix's hash of single tools.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tools: BTreeMap<String, Sri>,
}

/// Lets two directories change places in one step.
#[cfg(any(target_os = "linux", target_os = "macos"))]
fn exchange(a: &Path, b: &Path) -> std::io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    Ok(renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE)?)
}

/// Moves the second out of the way, as there is no such step.
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn exchange(a: &Path, b: &Path) -> std::io::Result<()> {
    let old = a.with_extension("old");
    fs::rename(b, &old)?;
    fs::rename(a, b)?;
    fs::rename(&old, a)
}

/// How old something under `tmp/` must be before another process removes it: longer than any download takes.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

impl Cache {
    /// The user's cache, see [`Cache::place`].
    ///
    /// # Errors
    ///
    /// When there is no home directory, or the cache can't be written.
    pub fn open() -> Result<Cache> {
        Cache::at(Cache::place()?)
    }

    /// Where the user's cache is, or will be: at `$GODIRECT_CACHE`, or else `godirect` in the platform's directory for caches.
    ///
    /// # Errors
    ///
    /// When there is no home directory.
    pub fn place() -> Result<PathBuf> {
        if let Some(path) = std::env::var_os("GODIRECT_CACHE").filter(|p| !p.is_empty()) {
            return std::path::absolute(&path).map_err(|e| Error::io("use", Path::new(&path), &e));
        }
        use etcetera::BaseStrategy;
        let strategy = etcetera::choose_base_strategy().map_err(|_| {
            Error::environment("there is no home directory to keep downloads in").help("set GODIRECT_CACHE to a directory")
        })?;
        Ok(strategy.cache_dir().join("godirect"))
    }

    /// The cache in this directory, which is made if it isn't there.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub fn at(root: impl Into<PathBuf>) -> Result<Cache> {
        let cache = Cache { root: root.into() };
        let tmp = cache.tmp();
        fs::create_dir_all(&tmp).map_err(|e| not_writable(&cache.root, &e))?;
        remove_stale(&tmp);
        Ok(cache)
    }

    /// The cache's directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The directory of the parse cache.
    pub fn parsed(&self) -> PathBuf {
        self.root.join(PARSED)
    }

    /// The sources of an unpacked module or of an SDK, which are `below` its directory here, with what is known of them. The directory's
    /// name has the hash of its content, and so tells what it has.
    pub fn source(&self, directory: &Path, below: &str) -> IndexedTree {
        let key = directory.strip_prefix(&self.root).unwrap_or(directory).to_string_lossy();
        // Nothing that is joined would still leave a slash.
        let root = if below.is_empty() { directory.to_owned() } else { directory.join(below) };
        IndexedTree::fixed(root, &self.parsed(), &key)
    }

    fn tmp(&self) -> PathBuf {
        self.root.join("tmp")
    }

    /// Where a module's file is kept; `kind` is `mod`, `zip` or `facts`. The hash of a go.mod is its own.
    pub fn download(&self, id: &ModuleId, h1: &H1, kind: &str) -> PathBuf {
        self.downloads(id).join(format!("{}-{}.{kind}", escape(id.version.as_str()), digits(h1)))
    }

    fn downloads(&self, id: &ModuleId) -> PathBuf {
        self.root.join("download").join(escape(id.path.as_str())).join("@v")
    }

    /// The facts of all zips of a module, of which there is more than one only if they differ.
    pub fn known(&self, id: &ModuleId) -> Vec<Facts> {
        let prefix = format!("{}-", escape(id.version.as_str()));
        // The hash of another version isn't what is left of its name.
        let ours = |name: &str| name.strip_prefix(&prefix)?.strip_suffix(".facts").map(|rest| rest.len() == 32);
        let Ok(entries) = fs::read_dir(self.downloads(id)) else { return Vec::new() };
        let mut names: Vec<PathBuf> = entries
            .flatten()
            .filter(|entry| entry.file_name().to_str().and_then(ours) == Some(true))
            .map(|entry| entry.path())
            .collect();
        names.sort();
        names.iter().filter_map(|path| self.read_facts(path)).collect()
    }

    /// Where an archive is kept that isn't a module.
    pub fn archive(&self, sha256: &Sha256) -> PathBuf {
        self.root.join("download/archive").join(sha256.to_string())
    }

    /// Where a module is unpacked.
    pub fn module(&self, id: &ModuleId, h1: &H1) -> PathBuf {
        let (path, version) = (escape(id.path.as_str()), escape(id.version.as_str()));
        self.root.join("mod").join(format!("{path}@{version}-{}", digits(h1)))
    }

    /// Where an SDK is unpacked; `name` is e.g. `1.27.3.linux-amd64`. The tree's hash keeps different trees apart.
    pub fn sdk(&self, name: &str, nar: &Sri) -> PathBuf {
        let hash = &nar.0.to_string()[..16];
        self.root.join("sdk").join(format!("{name}-{hash}"))
    }

    /// Where an SDK is that was built from source. The key has all that decided what was built.
    pub fn built_sdk(&self, name: &str, key: &Sha256) -> PathBuf {
        self.root.join("sdk").join(format!("{name}-source-{}", &key.to_string()[..16]))
    }

    /// Where a program is that was compiled to be run here. The key has all that decided what was compiled.
    pub fn program(&self, name: &str, key: &Sha256) -> PathBuf {
        self.root.join("sdk").join(format!("program-{name}-{}", &key.to_string()[..16]))
    }

    /// The file that a process locks while it builds that SDK.
    pub fn built_sdk_lock(&self, name: &str, key: &Sha256) -> PathBuf {
        let mut path = self.built_sdk(name, key).into_os_string();
        path.push(".lock");
        path.into()
    }

    /// Where a git repository is kept, by the digest of its URL.
    pub fn repository(&self, url: &Sha256) -> PathBuf {
        self.root.join("vcs").join(url.to_string())
    }

    /// Locks a file for this thread alone, until it is dropped; others that do the same wait.
    ///
    /// # Errors
    ///
    /// When the cache can't be written.
    pub fn lock(&self, path: &Path) -> Result<fs::File> {
        make_parent(path)?;
        let file = fs::File::options().create(true).truncate(false).write(true).open(path);
        let file = file.map_err(|e| not_writable(path, &e))?;
        file.lock().map_err(|e| not_writable(path, &e))?;
        Ok(file)
    }

    /// Makes a file complete or not at all: `fill` writes it under a temporary name.
    ///
    /// # Errors
    ///
    /// Those of `fill`, and of the file system.
    pub fn store_file<T>(&self, path: &Path, fill: impl FnOnce(&mut fs::File) -> Result<T>) -> Result<T> {
        let mut file = self.temporary_file()?;
        let result = fill(file.as_file_mut())?;
        self.keep(file, path)?;
        Ok(result)
    }

    fn keep(&self, file: tempfile::NamedTempFile, path: &Path) -> Result<()> {
        make_parent(path)?;
        file.persist(path).map_err(|e| not_writable(path, &e.error))?;
        Ok(())
    }

    /// A temporary file in the cache, which is removed if it isn't renamed.
    ///
    /// # Errors
    ///
    /// When the cache can't be written.
    pub fn temporary_file(&self) -> Result<tempfile::NamedTempFile> {
        tempfile::NamedTempFile::new_in(self.tmp()).map_err(|e| not_writable(&self.root, &e))
    }

    /// A file to download what has this name into; with the beginning of it, if an earlier process was cut off.
    ///
    /// # Errors
    ///
    /// When the cache can't be written.
    pub fn begin(&self, name: &str) -> Result<Download> {
        let failed = |e| not_writable(&self.root, &e);
        let path = self.tmp().join(format!("{}.part", &Sha256::of(name).to_string()[..32]));
        if let Some(download) = Download::open(path).map_err(failed)? {
            return Ok(download);
        }
        // Another process is at it: not to wait for it is worth a second download.
        let path = self.temporary_file()?.into_temp_path().keep().map_err(|e| not_writable(&self.root, &e.error))?;
        let alone = Download::open(path).map_err(failed)?;
        alone.ok_or_else(|| Error::environment("failed to lock a new file of the cache"))
    }

    /// Gives a complete download its lasting name.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn keep_download(&self, download: Download, path: &Path) -> Result<()> {
        make_parent(path)?;
        download.keep(path).map_err(|e| not_writable(path, &e))
    }

    /// An empty temporary directory in the cache, which is removed if it isn't [published](Cache::publish).
    ///
    /// # Errors
    ///
    /// When the cache can't be written.
    pub fn temporary_directory(&self) -> Result<tempfile::TempDir> {
        tempfile::TempDir::new_in(self.tmp()).map_err(|e| not_writable(&self.root, &e))
    }

    /// Renames a complete directory into place, in place of what is there. At no moment is nothing there: others may be reading, and
    /// for them a directory that can't be found is one without packages.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn publish(&self, directory: tempfile::TempDir, path: &Path) -> Result<()> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let readable = fs::Permissions::from_mode(0o755);
            fs::set_permissions(directory.path(), readable).map_err(|e| not_writable(directory.path(), &e))?;
        }
        make_parent(path)?;
        // What was there is removed with the temporary directory.
        if path.is_dir() && exchange(directory.path(), path).is_ok() {
            return Ok(());
        }
        match fs::rename(directory.path(), path) {
            Ok(()) => {
                let _ = directory.keep();
                Ok(())
            }
            // Another process was faster, with the same content.
            Err(_) if path.is_dir() => Ok(()),
            Err(error) => Err(not_writable(path, &error)),
        }
    }

    /// The facts in a file; `None` if there are none, or if they were damaged.
    pub fn read_facts(&self, path: &Path) -> Option<Facts> {
        let content = fs::read_to_string(path).ok()?;
        let (json, digest) = content.trim_end().split_once('\n')?;
        if Sha256::of(json).to_string() != digest {
            return None;
        }
        serde_json::from_str(json).ok()
    }

    /// Writes facts, with a digest that shows damage.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn write_facts(&self, path: &Path, facts: &Facts) -> Result<()> {
        let json = serde_json::to_string(facts).map_err(|e| Error::environment(format!("failed to write facts: {e}")))?;
        self.store_file(path, |file| {
            use std::io::Write;
            writeln!(file, "{json}\n{}", Sha256::of(&json)).map_err(|e| not_writable(path, &e))
        })
    }
}

fn digits(h1: &H1) -> String {
    h1.0.to_string()[..32].to_owned()
}

fn make_parent(path: &Path) -> Result<()> {
    match path.parent() {
        Some(parent) => fs::create_dir_all(parent).map_err(|e| not_writable(parent, &e)),
        None => Ok(()),
    }
}

fn not_writable(path: &Path, error: &std::io::Error) -> Error {
    Error::io("write", path, error).help("GODIRECT_CACHE sets another directory for the cache")
}

/// Removes what killed processes left.
fn remove_stale(tmp: &Path) {
    let Ok(entries) = fs::read_dir(tmp) else { return };
    for entry in entries.flatten() {
        let age = entry.metadata().and_then(|m| m.modified()).ok().and_then(|t| t.elapsed().ok());
        if age.is_some_and(|age| age > STALE) {
            let path = entry.path();
            let _ = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn what_is_published_again_is_always_there() {
        let root = tempfile::tempdir().unwrap();
        let cache = Cache::at(root.path()).unwrap();
        let place = root.path().join("mod/a@v1.0.0");
        let publish = || {
            let directory = cache.temporary_directory().unwrap();
            fs::write(directory.path().join("a.go"), "package a").unwrap();
            cache.publish(directory, &place).unwrap();
        };
        publish();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                (0..500).for_each(|_| publish());
                done.store(true, Ordering::Relaxed);
            });
            while !done.load(Ordering::Relaxed) {
                assert!(fs::metadata(place.join("a.go")).is_ok_and(|m| m.len() == 9));
            }
        });
        let left: Vec<_> = fs::read_dir(root.path().join("tmp")).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}
