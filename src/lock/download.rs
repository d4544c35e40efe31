//! A file while it is downloaded: hashed on its way to the disk, and kept for another attempt when it breaks off.

use std::fs::{File, TryLockError};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use super::transport::Sink;
use crate::digest::{Hasher, Sha256};

/// A file that grows, under a name that follows from what it will be. Beside it stands whose content it has begun to have:
/// a hash of the URL (which might be secret) and the server's name of the content.
pub struct Download {
    file: File,
    path: PathBuf,
    note: PathBuf,
    /// The first line and the second of the note.
    content: Option<(String, String)>,
    digest: Hasher,
    size: u64,
    /// How much of it an earlier process left, of what still counts.
    found: u64,
}

impl Download {
    /// Begins or goes on; `None` when another process is at it.
    pub(super) fn open(path: PathBuf) -> io::Result<Option<Download>> {
        let mut file = File::options().read(true).append(true).create(true).open(&path)?;
        match file.try_lock() {
            Ok(()) if is_at(&file, &path) => {}
            // The one that had the lock has renamed the file since.
            Ok(()) | Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(e)) => return Err(e),
        }
        let note = path.with_extension("note");
        let lines = std::fs::read_to_string(&note).unwrap_or_default();
        let content =
            lines.split_once('\n').and_then(|(url, rest)| Some((url.to_owned(), rest.strip_suffix('\n')?.to_owned())));
        let mut digest = Hasher::default();
        let size = match content {
            Some(_) => io::copy(&mut file, &mut digest)?,
            None => {
                file.set_len(0)?;
                0
            }
        };
        Ok(Some(Download { file, path, note, content, digest, size, found: size }))
    }

    /// Where the bytes are.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many bytes there are, and their digest.
    pub fn size_and_digest(&self) -> (u64, Sha256) {
        (self.size, self.digest.clone().finish())
    }

    /// Whether a part of it is from an earlier process: what is wrong then may have gone wrong on this machine.
    pub fn was_resumed(&self) -> bool {
        self.found > 0
    }

    /// It is complete, so that nobody goes on with it: what is wrong with it now stays wrong.
    pub fn complete(&mut self) {
        self.content = None;
        let _ = std::fs::remove_file(&self.note);
    }

    /// Gives it its lasting name.
    pub(super) fn keep(self, path: &Path) -> io::Result<()> {
        std::fs::rename(&self.path, path)
    }
}

impl Drop for Download {
    /// Without a name for the content nobody can go on with it.
    fn drop(&mut self) {
        if self.content.is_none() || self.size == 0 {
            let _ = std::fs::remove_file(&self.note);
            if is_at(&self.file, &self.path) {
                let _ = std::fs::remove_file(&self.path);
            }
        }
    }
}

impl Write for Download {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.digest.update(&bytes[..count]);
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Sink for Download {
    fn restart(&mut self, url: &str, validator: Option<&str>) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        (self.digest, self.size, self.found) = (Hasher::default(), 0, 0);
        self.content = validator.map(|validator| (Sha256::of(url).to_string(), validator.to_owned()));
        match &self.content {
            Some((url, validator)) => std::fs::write(&self.note, format!("{url}\n{validator}\n")),
            None => match std::fs::remove_file(&self.note) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
                _ => Ok(()),
            },
        }
    }

    fn resume(&self, url: &str) -> Option<(u64, String)> {
        let (of, validator) = self.content.as_ref()?;
        (self.size > 0 && *of == Sha256::of(url).to_string()).then(|| (self.size, validator.clone()))
    }
}

/// Whether a path still names an open file.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let name = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    matches!((file.metadata().map(name), std::fs::metadata(path).map(name)), (Ok(a), Ok(b)) if a == b)
}

#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}
