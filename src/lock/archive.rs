//! Module zips and SDK archives: checked, hashed and unpacked in one pass (`golang.org/x/mod/zip`).

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

use zip::ZipArchive;

use super::nar;
use crate::digest::{H1, Hasher, Sha256, Sri};
use crate::error::{Error, Result};

/// The most bytes that a zip and that its files together may have (`zip.MaxZipFile`).
pub const MAX_ZIP: u64 = 500 << 20;
/// The most bytes that a go.mod may have (`zip.MaxGoMod`).
pub const MAX_GO_MOD: u64 = 16 << 20;
/// The most bytes that a LICENSE may have (`zip.MaxLICENSE`).
pub(super) const MAX_LICENSE: u64 = 16 << 20;
/// The most bytes that the files of an SDK archive together may have; one with tests is larger than a module may be.
const MAX_ARCHIVE: u64 = 4 << 30;

/// The tools whose own hash the lock has.
const TOOLS: [&str; 4] = ["asm", "compile", "go", "link"];

/// How the names in an archive become those of the tree.
#[derive(Clone, Copy, Debug)]
pub enum Layout<'a> {
    /// A module's zip: every name begins with `path@version/`, given here; no file is executable.
    Module(&'a str),
    /// The zip of the module golang.org/toolchain, likewise: the programs become executable, `_go.mod` becomes `go.mod`.
    Toolchain(&'a str),
    /// An archive as on Go's download page: names begin with `go/`, and modes are those in the archive.
    Go,
}

impl Layout<'_> {
    fn prefix(&self) -> String {
        match self {
            Layout::Module(id) | Layout::Toolchain(id) => format!("{id}/"),
            Layout::Go => "go/".to_owned(),
        }
    }

    fn limit(&self) -> u64 {
        if matches!(self, Layout::Go) { MAX_ARCHIVE } else { MAX_ZIP }
    }
}

/// What an archive holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// Go's hash; of a module only.
    pub h1: Option<H1>,
    /// Nix's hash of the tree.
    pub nar: Sri,
    /// Nix's hash of the single tools as executables; of a toolchain only.
    pub tools: BTreeMap<String, Sri>,
}

/// A file of the tree.
struct Entry {
    /// Its name in the tree.
    path: String,
    /// Its name in the archive.
    name: String,
    index: usize,
    size: u64,
    executable: bool,
}

/// Checks and hashes a zip, and unpacks it if a directory is given, which must exist and be empty.
///
/// # Errors
///
/// A zip that breaks the rules of Go's modules (or is a trap), one that can't be read, and failures of the file system.
pub fn read_zip(file: &Path, layout: Layout<'_>, into: Option<&Path>) -> Result<Tree> {
    let open = || File::open(file).map(BufReader::new).map_err(|e| Error::io("read", file, &e));
    let mut archive = ZipArchive::new(open()?).map_err(damaged)?;
    // The index is by name, so that a name that occurs twice would go unnoticed.
    let all = count_entries(open()?, archive.central_directory_start()).map_err(damaged_io)?;
    if all != archive.len() {
        return Err(refused("a file name occurs more than once"));
    }
    let mut entries = entries(&mut archive, layout)?;
    entries.sort_by(|a, b| nar::order(&a.path, &b.path));

    let mut nar = nar::Writer::new(Hasher::default()).map_err(damaged_io)?;
    let mut digests = Vec::with_capacity(entries.len());
    let mut tools = BTreeMap::new();
    for entry in entries {
        let unreadable = |e: io::Error| damaged_file(&entry.name, e);
        let content = archive.by_index(entry.index).map_err(damaged)?;
        let mut out = match into {
            Some(directory) => Some(Output::create(directory.join(&entry.path), entry.executable)?),
            None => None,
        };
        let mut digest = Hasher::default();
        let tee = Tee { content, digest: &mut digest, out: out.as_mut() };
        match tool_name(&entry.path).filter(|_| matches!(layout, Layout::Toolchain(_))) {
            // A tool goes into two hashes: hold it in memory rather than decompress it twice.
            Some(tool) => {
                let bytes = read_all(tee, entry.size).map_err(unreadable)?;
                nar.file(&entry.path, entry.executable, entry.size, bytes.as_slice()).map_err(unreadable)?;
                let mut alone = Hasher::default();
                nar::single_file(&mut alone, true, entry.size, bytes.as_slice()).map_err(unreadable)?;
                tools.insert(tool.to_owned(), alone.finish().sri());
            }
            None => nar.file(&entry.path, entry.executable, entry.size, tee).map_err(unreadable)?,
        }
        if let Some(mut out) = out {
            out.flush().map_err(unreadable)?;
        }
        digests.push((entry.name, digest.finish()));
    }
    let nar = nar.finish().map_err(damaged_io)?.finish().sri();
    let h1 = if matches!(layout, Layout::Go) { None } else { Some(H1::of_files(digests)) };
    Ok(Tree { h1, nar, tools })
}

/// How many entries the directory at the end of a zip has (APPNOTE.TXT, section 4.3.12).
fn count_entries(mut file: impl Read + Seek, start: u64) -> io::Result<usize> {
    file.seek(io::SeekFrom::Start(start))?;
    let mut count = 0;
    loop {
        let mut header = [0; 46];
        if file.read_exact(&mut header).is_err() || header[..4] != *b"PK\x01\x02" {
            return Ok(count);
        }
        let length = |at: usize| i64::from(u16::from_le_bytes([header[at], header[at + 1]]));
        // The name, the extra field and the comment.
        file.seek_relative(length(28) + length(30) + length(32))?;
        count += 1;
    }
}

const AGAIN: &str = "run it again; if that doesn't help, the server has a damaged file";

fn damaged(error: zip::result::ZipError) -> Error {
    Error::environment(format!("the zip is damaged: {error}")).help(AGAIN)
}

fn damaged_io(error: io::Error) -> Error {
    Error::environment(format!("the archive is damaged: {error}")).help(AGAIN)
}

/// A file of an archive that can't be read, or can't be written where it goes.
fn damaged_file(name: &str, error: io::Error) -> Error {
    match error.downcast::<NotWritten>() {
        Ok(NotWritten { path, error }) => Error::io("write", &path, &error),
        Err(error) => {
            Error::environment(format!("the archive is damaged: file \"{}\": {error}", name.escape_debug())).help(AGAIN)
        }
    }
}

fn refused(why: impl std::fmt::Display) -> Error {
    Error::verification(format!("the archive is refused: {why}"))
        .help("no build of Go makes such an archive: don't use it, and tell who runs the server")
}

/// The files of a zip under their names in the tree, after all checks that need no content.
fn entries(archive: &mut ZipArchive<BufReader<File>>, layout: Layout<'_>) -> Result<Vec<Entry>> {
    let prefix = layout.prefix();
    let mut names = Names::default();
    let mut entries = Vec::new();
    let mut total: u64 = 0;
    for index in 0..archive.len() {
        let file = archive.by_index_raw(index).map_err(damaged)?;
        let Ok(name) = std::str::from_utf8(file.name_raw()) else {
            return Err(refused(format!("a file name is not UTF-8: {:?}", String::from_utf8_lossy(file.name_raw()))));
        };
        let fault = |why: &str| refused(format!("file \"{}\": {why}", name.escape_debug()));
        let Some(inner) = name.strip_prefix(&prefix) else {
            // An archive names its only top-level directory too.
            if matches!(layout, Layout::Go) && name == "go/" {
                continue;
            }
            return Err(fault(&format!("path does not have prefix \"{prefix}\"")));
        };
        if inner.is_empty() {
            continue;
        }
        let directory = inner.strip_suffix('/');
        names.add(directory.unwrap_or(inner), directory.is_some()).map_err(|why| fault(&why))?;
        let mode = file.unix_mode().unwrap_or(0o100_644);
        if !matches!(mode & 0o170_000, 0 | 0o100_000 | 0o040_000) {
            return Err(fault("it is a symlink or a special file"));
        }
        if directory.is_some() {
            continue;
        }
        if let Some(why) = special_file_fault(inner, file.size(), layout) {
            return Err(fault(why));
        }
        total = total.saturating_add(file.size());
        if total > layout.limit() {
            return Err(refused(format!("its files together are larger than {} bytes", layout.limit())));
        }
        let (path, executable) = place(inner, mode, layout);
        if path != inner {
            names.add(&path, false).map_err(|why| fault(&why))?;
        }
        entries.push(Entry { path, name: name.to_owned(), index, size: file.size(), executable });
    }
    if entries.is_empty() {
        return Err(refused("it has no files"));
    }
    Ok(entries)
}

/// Where a file of an archive goes in the tree, and whether it is executable there.
fn place(name: &str, mode: u32, layout: Layout<'_>) -> (String, bool) {
    match layout {
        Layout::Module(_) => (name.to_owned(), false),
        Layout::Go => (name.to_owned(), mode & 0o111 != 0),
        Layout::Toolchain(_) => {
            let path = match name.strip_suffix("_go.mod") {
                Some(directory) if directory.is_empty() || directory.ends_with('/') => format!("{directory}go.mod"),
                _ => name.to_owned(),
            };
            let program = matches!(path.split('/').collect::<Vec<_>>().as_slice(), ["bin", _] | ["pkg", "tool", _, _]);
            (path, program)
        }
    }
}

/// `compile` of `pkg/tool/linux_amd64/compile`, if the lock has its hash.
fn tool_name(path: &str) -> Option<&str> {
    let parts: Vec<&str> = path.split('/').collect();
    let (["bin", file] | ["pkg", "tool", _, file]) = parts.as_slice() else { return None };
    let name = file.strip_suffix(".exe").unwrap_or(file);
    if TOOLS.contains(&name) { Some(name) } else { None }
}

/// What is wrong with a go.mod or a LICENSE, for which there are special rules.
fn special_file_fault(name: &str, size: u64, layout: Layout<'_>) -> Option<&'static str> {
    if matches!(layout, Layout::Go) {
        return None;
    }
    let base = name.rsplit('/').next().unwrap_or(name);
    if base.eq_ignore_ascii_case("go.mod") && base != name {
        return Some("go.mod file not in module root directory");
    }
    if base.eq_ignore_ascii_case("go.mod") && name != "go.mod" {
        return Some("go.mod files must have lowercase names");
    }
    match name {
        "go.mod" if size > MAX_GO_MOD => Some("go.mod file too large (max size is 16777216 bytes)"),
        "LICENSE" if size > MAX_LICENSE => Some("LICENSE file too large (max size is 16777216 bytes)"),
        _ => None,
    }
}

/// The names of a tree, so that no two are the same on any file system (`collisionChecker`).
#[derive(Default)]
pub(super) struct Names(HashMap<String, (String, bool)>);

impl Names {
    /// Checks and adds a file or directory, and the directories above it. The reason when it is refused.
    pub(super) fn add(&mut self, path: &str, is_directory: bool) -> Result<(), String> {
        if let Some(why) = path_fault(path) {
            return Err(why);
        }
        let (mut path, mut is_directory) = (path, is_directory);
        loop {
            match self.0.get(&fold(path)) {
                Some((other, _)) if other != path => {
                    return Err(format!("case-insensitive file name collision: \"{other}\" and \"{path}\""));
                }
                Some((_, other)) if *other != is_directory => return Err(format!("\"{path}\" is both a file and a directory")),
                Some(_) if !is_directory => return Err("multiple entries for one file".to_owned()),
                // The directories above it are known then.
                Some(_) => return Ok(()),
                None => {
                    self.0.insert(fold(path), (path.to_owned(), is_directory));
                }
            }
            let Some((parent, _)) = path.rsplit_once('/') else { return Ok(()) };
            (path, is_directory) = (parent, true);
        }
    }
}

fn fold(path: &str) -> String {
    path.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

/// Why a slash-separated file name is refused (`module.CheckFilePath`).
fn path_fault(path: &str) -> Option<String> {
    for element in path.split('/') {
        if element.is_empty() {
            return Some("it has an empty path element".to_owned());
        }
        if element.bytes().all(|b| b == b'.') {
            return Some(format!("invalid path element \"{element}\""));
        }
        if element.ends_with('.') {
            return Some("trailing dot in path element".to_owned());
        }
        if let Some(c) = element.chars().find(|c| !is_file_character(*c)) {
            return Some(format!("invalid char '{}'", c.escape_default()));
        }
        let short = element.split('.').next().unwrap_or(element).to_ascii_uppercase();
        let port = ["COM", "LPT"].iter().any(|p| short.strip_prefix(p).is_some_and(|n| matches!(n.as_bytes(), [b'1'..=b'9'])));
        if port || ["CON", "PRN", "AUX", "NUL"].contains(&short.as_str()) {
            return Some(format!("\"{short}\" disallowed as path element component on Windows"));
        }
    }
    None
}

fn is_file_character(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphanumeric() || "!#$%&()+,-.=@[]^_{}~ ".contains(c) } else { c.is_alphabetic() }
}

/// Hands on a file's content, and hashes and writes it on the way.
struct Tee<'a, R> {
    content: R,
    digest: &'a mut Hasher,
    out: Option<&'a mut Output>,
}

impl<R: Read> Read for Tee<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.content.read(buffer)?;
        self.digest.update(&buffer[..count]);
        if let Some(out) = &mut self.out {
            out.write_all(&buffer[..count])?;
        }
        Ok(count)
    }
}

fn read_all(content: impl Read, size: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    content.take(size.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// An unpacked file; its errors can be told from those of reading the archive.
struct Output {
    path: PathBuf,
    file: BufWriter<File>,
}

/// Why an [`Output`] failed.
#[derive(Debug)]
struct NotWritten {
    path: PathBuf,
    error: io::Error,
}

impl std::fmt::Display for NotWritten {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "failed to write {}: {}", self.path.display(), self.error)
    }
}

impl std::error::Error for NotWritten {}

impl Output {
    /// Makes a new file and the directories above it.
    fn create(path: PathBuf, executable: bool) -> Result<Output> {
        let file = BufWriter::new(create_file(&path, executable)?);
        Ok(Output { path, file })
    }

    fn told<T>(&self, result: io::Result<T>) -> io::Result<T> {
        result.map_err(|error| io::Error::other(NotWritten { path: self.path.clone(), error }))
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let result = self.file.write(bytes);
        self.told(result)
    }

    fn flush(&mut self) -> io::Result<()> {
        let result = self.file.flush();
        self.told(result)
    }
}

fn create_file(path: &Path, executable: bool) -> Result<File> {
    let failed = |e: io::Error| Error::io("write", path, &e);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(failed)?;
    }
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, if executable { 0o755 } else { 0o644 });
    #[cfg(not(unix))]
    let _ = executable;
    options.open(path).map_err(failed)
}

/// Unpacks a `.tar.gz` with the top-level directory `go` into an empty directory, and hashes the tree.
///
/// # Errors
///
/// As [`read_zip`].
pub fn read_tar_gz(file: &Path, into: &Path) -> Result<Tree> {
    let open = File::open(file).map_err(|e| Error::io("read", file, &e))?;
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(BufReader::new(open)));
    let mut names = Names::default();
    let mut total: u64 = 0;
    for entry in archive.entries().map_err(damaged_io)? {
        let mut entry = entry.map_err(damaged_io)?;
        let raw = entry.path_bytes().into_owned();
        let Ok(name) = String::from_utf8(raw) else { return Err(refused("a file name is not UTF-8")) };
        let fault = |why: &str| refused(format!("file \"{}\": {why}", name.escape_debug()));
        let kind = entry.header().entry_type();
        if matches!(kind, tar::EntryType::XGlobalHeader) || matches!(name.as_str(), "go" | "go/") {
            continue;
        }
        let Some(inner) = name.strip_prefix("go/") else {
            return Err(fault("path does not have prefix \"go/\""));
        };
        if !kind.is_file() && !kind.is_dir() {
            return Err(fault("it is a symlink or a special file"));
        }
        names.add(inner.strip_suffix('/').unwrap_or(inner), kind.is_dir()).map_err(|why| fault(&why))?;
        if kind.is_dir() {
            continue;
        }
        let size = entry.size();
        total = total.saturating_add(size);
        if total > MAX_ARCHIVE {
            return Err(refused(format!("its files together are larger than {MAX_ARCHIVE} bytes")));
        }
        let executable = entry.header().mode().map_err(damaged_io)? & 0o111 != 0;
        let mut out = Output::create(into.join(inner), executable)?;
        let copied = io::copy(&mut entry, &mut out).and_then(|copied| out.flush().map(|()| copied));
        if copied.map_err(|e| damaged_file(&name, e))? != size {
            return Err(damaged_io(io::ErrorKind::UnexpectedEof.into()));
        }
    }
    if total == 0 {
        return Err(refused("it has no files"));
    }
    let nar = nar::hash_directory(into).map_err(damaged_io)?;
    Ok(Tree { h1: None, nar, tools: BTreeMap::new() })
}

/// Size and SHA-256 of a file.
///
/// # Errors
///
/// Those of reading it.
pub fn digest_of(path: &Path) -> Result<(u64, Sha256)> {
    let failed = |e: io::Error| Error::io("read", path, &e);
    let file = File::open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    Ok((size, Sha256::of_reader(BufReader::with_capacity(1 << 16, file)).map_err(failed)?))
}
