//! Nix archives: the serialisation of a file tree whose SHA-256 is Nix's hash of it (Nix manual, "Nix Archive (NAR) format").

use std::cmp::Ordering;
use std::io::{self, Read, Write};
use std::path::Path;

use crate::digest::{Hasher, Sri};

/// The order of files in an archive: directory by directory, entries by the bytes of their names.
pub fn order(a: &str, b: &str) -> Ordering {
    a.split('/').cmp(b.split('/'))
}

/// Writes a NAR of a directory from its files in [`order`]; directories follow from their paths.
pub struct Writer<W> {
    out: W,
    /// The directories that are open, outermost first.
    open: Vec<String>,
}

impl<W: Write> Writer<W> {
    /// Begins the root directory.
    pub fn new(mut out: W) -> io::Result<Writer<W>> {
        strings(&mut out, &["nix-archive-1", "(", "type", "directory"])?;
        Ok(Writer { out, open: Vec::new() })
    }

    /// Adds a file of `size` bytes at a slash-separated path.
    ///
    /// # Errors
    ///
    /// Those of reading and writing, and when the content has not `size` bytes.
    pub fn file(&mut self, path: &str, executable: bool, size: u64, content: impl Read) -> io::Result<()> {
        self.begin_entry(path)?;
        file_node(&mut self.out, executable, size, content)?;
        strings(&mut self.out, &[")"])
    }

    /// Adds a symbolic link at a slash-separated path.
    ///
    /// # Errors
    ///
    /// Those of writing.
    pub fn symlink(&mut self, path: &str, target: &str) -> io::Result<()> {
        self.begin_entry(path)?;
        strings(&mut self.out, &["(", "type", "symlink", "target", target, ")", ")"])
    }

    fn begin_entry(&mut self, path: &str) -> io::Result<()> {
        let mut directories: Vec<&str> = path.split('/').collect();
        let name = directories.pop().unwrap_or("");
        let common = self.open.iter().zip(&directories).take_while(|(a, b)| a == b).count();
        self.close_to(common)?;
        for directory in &directories[common..] {
            strings(&mut self.out, &["entry", "(", "name", directory, "node", "(", "type", "directory"])?;
            self.open.push((*directory).to_owned());
        }
        strings(&mut self.out, &["entry", "(", "name", name, "node"])
    }

    fn close_to(&mut self, depth: usize) -> io::Result<()> {
        while self.open.len() > depth {
            self.open.pop();
            strings(&mut self.out, &[")", ")"])?;
        }
        Ok(())
    }

    /// Ends the archive and gives the writer back.
    pub fn finish(mut self) -> io::Result<W> {
        self.close_to(0)?;
        strings(&mut self.out, &[")"])?;
        Ok(self.out)
    }
}

/// Writes the NAR of a single file.
pub fn single_file(out: &mut impl Write, executable: bool, size: u64, content: impl Read) -> io::Result<()> {
    strings(out, &["nix-archive-1"])?;
    file_node(out, executable, size, content)
}

fn file_node(out: &mut impl Write, executable: bool, size: u64, content: impl Read) -> io::Result<()> {
    strings(out, &["(", "type", "regular"])?;
    if executable {
        strings(out, &["executable", ""])?;
    }
    strings(out, &["contents"])?;
    out.write_all(&size.to_le_bytes())?;
    // One byte more shows a content that is longer than it says.
    let copied = io::copy(&mut content.take(size.saturating_add(1)), out)?;
    if copied != size {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("it has not the {size} bytes that it should have")));
    }
    pad(out, size)?;
    strings(out, &[")"])
}

/// Writes strings as Nix's protocols have them: the length, the bytes, and zeros up to a multiple of eight.
///
/// # Errors
///
/// Those of writing.
pub fn strings(out: &mut impl Write, texts: &[&str]) -> io::Result<()> {
    for text in texts {
        let size = text.len() as u64;
        out.write_all(&size.to_le_bytes())?;
        out.write_all(text.as_bytes())?;
        pad(out, size)?;
    }
    Ok(())
}

/// Everything is filled up with zeros to a multiple of eight bytes.
fn pad(out: &mut impl Write, size: u64) -> io::Result<()> {
    let rest = usize::try_from(size % 8).unwrap_or(0);
    if rest == 0 { Ok(()) } else { out.write_all(&[0; 8][rest..]) }
}

/// Nix's hash of a directory on disk. On systems without executable bits no file has one.
///
/// # Errors
///
/// Those of reading; a symlink or another special file; a name that isn't UTF-8.
pub fn hash_directory(directory: &Path) -> io::Result<Sri> {
    let mut nar = Writer::new(Hasher::default())?;
    for path in files(directory)? {
        let file = std::fs::File::open(directory.join(&path))?;
        let metadata = file.metadata()?;
        nar.file(&path, is_executable(&metadata), metadata.len(), file)?;
    }
    Ok(nar.finish()?.finish().sri())
}

/// The slash-separated paths of all files below a directory, in [`order`].
///
/// # Errors
///
/// Those of reading; a symlink or another special file; a name that isn't UTF-8.
pub fn files(directory: &Path) -> io::Result<Vec<String>> {
    let mut files = Vec::new();
    list(directory, "", &mut files)?;
    files.sort_by(|a, b| order(a, b));
    Ok(files)
}

fn list(directory: &Path, prefix: &str, files: &mut Vec<String>) -> io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let wrong = |why: &str| io::Error::new(io::ErrorKind::InvalidData, format!("{}: {why}", entry.path().display()));
        let name = entry.file_name().into_string().map_err(|_| wrong("its name is not UTF-8"))?;
        let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        let kind = entry.file_type()?;
        if kind.is_dir() {
            list(&entry.path(), &path, files)?;
        } else if kind.is_file() {
            files.push(path);
        } else {
            return Err(wrong("it is neither a file nor a directory"));
        }
    }
    Ok(())
}

/// Whether Nix takes a file for a program.
#[cfg(unix)]
pub fn is_executable(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o100 != 0
}

/// No file is one here.
#[cfg(not(unix))]
pub fn is_executable(_: &std::fs::Metadata) -> bool {
    false
}
