//! Where a process works: a directory that is removed with it, however it ends.
//!
//! Who works in a directory holds a lock on the file beside it, which the system gives back when the process is gone. So a directory
//! whose lock is free belongs to nobody, whatever the clock says.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// The suffix of lock files.
const LOCK: &str = ".lock";

/// A directory that is this process's own.
#[derive(Debug)]
pub(super) struct Session {
    directory: PathBuf,
    lock: PathBuf,
    _held: File,
}

impl Session {
    /// Makes a directory in `tmp`, and removes those that nobody holds.
    pub fn begin(tmp: &Path) -> Result<Session> {
        fs::create_dir_all(tmp).map_err(|e| not_writable(tmp, &e))?;
        let session = Session::new(tmp).map_err(|e| not_writable(tmp, &e))?;
        remove_abandoned(tmp);
        Ok(session)
    }

    fn new(tmp: &Path) -> std::io::Result<Session> {
        loop {
            let file = tempfile::Builder::new().prefix("s").suffix(LOCK).tempfile_in(tmp)?;
            let (held, lock) = file.keep().map_err(|e| e.error)?;
            held.lock()?;
            // Somebody may have taken the file for abandoned before it was locked.
            if lock.exists() {
                let directory = lock.with_extension("");
                fs::create_dir(&directory)?;
                return Ok(Session { directory, lock, _held: held });
            }
        }
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // What can't be removed now is removed by another process.
        let _ = fs::remove_dir_all(&self.directory);
        let _ = fs::remove_file(&self.lock);
    }
}

fn not_writable(tmp: &Path, error: &std::io::Error) -> Error {
    Error::io("write", tmp, error).help("GODIRECT_CACHE sets another directory for the cache")
}

/// Removes directories that nobody holds. The lock goes last, so that what stays is found again.
fn remove_abandoned(tmp: &Path) {
    let Ok(entries) = fs::read_dir(tmp) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|e| e != "lock") {
            continue;
        }
        let Ok(file) = File::options().write(true).open(&path) else { continue };
        if file.try_lock().is_ok() {
            let directory = path.with_extension("");
            if !directory.exists() || fs::remove_dir_all(&directory).is_ok() {
                let _ = fs::remove_file(&path);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(tmp: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(tmp).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_nobody_holds_is_removed() {
        let tmp = tempfile::tempdir().unwrap();
        let mine = Session::begin(tmp.path()).unwrap();
        fs::write(mine.directory().join("file"), "mine").unwrap();
        fs::create_dir(tmp.path().join("dead")).unwrap();
        fs::write(tmp.path().join("dead/file"), "half").unwrap();
        fs::write(tmp.path().join("dead.lock"), "").unwrap();
        fs::write(tmp.path().join("begun.lock"), "").unwrap();
        let other = Session::begin(tmp.path()).unwrap();
        assert_eq!(names(tmp.path()).len(), 4, "{:?}", names(tmp.path()));
        assert!(mine.directory().join("file").exists());
        drop((mine, other));
        assert_eq!(names(tmp.path()), [""; 0]);
    }
}
