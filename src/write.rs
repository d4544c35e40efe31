//! Writing generated files: all or nothing, never over what a person wrote, each file whole at every moment.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, Permissions};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use similar::TextDiff;
use tempfile::NamedTempFile;

use crate::error::{self, Error, Result};

/// What marks a file as generated, and by whom, in its first lines: other programs use the first word too.
const MARKERS: [&str; 2] = ["@generated", "godirect generate"];
const MARKER_LINES: usize = 5;

/// How names of temporary files begin. Go, Bazel and Nix take no notice of files with a dot.
const TEMPORARY: &str = ".godirect-";

/// Generated files by path relative to the spec, slash-separated.
pub type GeneratedFiles = BTreeMap<String, GeneratedFile>;

/// One generated file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneratedFile {
    /// The whole text. If nothing is left of a merged one, there is to be no file.
    pub text: String,
    /// Whether a person's text in the file was taken over into `text`, so that overwriting loses nothing.
    pub merged: bool,
}

/// How a file on disk differs from what should be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The path, relative to the spec.
    pub path: String,
    /// What is there; `None` if nothing is.
    pub old: Option<String>,
    /// What should be there; `None` for a generated file that is no longer wanted.
    pub new: Option<String>,
}

impl Change {
    /// The change as a unified diff.
    pub fn diff(&self) -> String {
        let (old, new) = (self.old.as_deref().unwrap_or(""), self.new.as_deref().unwrap_or(""));
        let name = |exists: bool, side: &str| if exists { format!("{side}/{}", self.path) } else { "/dev/null".to_owned() };
        TextDiff::from_lines(old, new)
            .unified_diff()
            .header(&name(self.old.is_some(), "a"), &name(self.new.is_some(), "b"))
            .to_string()
    }
}

/// Whether text is of a file that this program generated.
pub fn is_generated(text: &str) -> bool {
    MARKERS.iter().all(|marker| text.lines().take(MARKER_LINES).any(|line| line.contains(marker)))
}

/// Compares `files` and the files that are there; `leftovers` are generated files that may be there from an earlier run.
///
/// # Errors
///
/// When a file would be overwritten that a person wrote, or can't be read.
pub fn changes(root: &Path, files: &GeneratedFiles, leftovers: &BTreeSet<String>) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    for (path, file) in files {
        let old = read(&error::file_in(root, path))?;
        if let Some(text) = &old
            && !file.merged
            && !is_generated(text)
        {
            let error = Error::input(format!("{path} was not written by godirect, so it is left alone"));
            return Err(error
                .help(format!("move or delete it, or put `{}` in its first line to have it replaced", MARKERS.join(" by "))));
        }
        let new = Some(file.text.clone()).filter(|text| !file.merged || !text.is_empty());
        // An empty file that was there before marks a package.
        if old != new && !(new.is_none() && old.as_deref() == Some("")) {
            changes.push(Change { path: path.clone(), old, new });
        }
    }
    for path in leftovers.iter().filter(|path| !files.contains_key(*path)) {
        if let Some(text) = read(&error::file_in(root, path))?.filter(|text| is_generated(text)) {
            changes.push(Change { path: path.clone(), old: Some(text), new: None });
        }
    }
    Ok(changes)
}

/// Carries out `changes`.
///
/// # Errors
///
/// Environment errors. Files are replaced one by one, so those before the failing one are new and the others old; none is half-written.
pub fn apply(root: &Path, changes: &[Change]) -> Result<()> {
    for change in changes {
        let path = error::file_in(root, &change.path);
        match &change.new {
            Some(text) => atomic(&path, text.as_bytes())?,
            None => std::fs::remove_file(&path).map_err(|e| Error::io("remove", &path, &e))?,
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::io("read", path, &e)),
    }
}

/// Replaces a file in one step, keeping its permissions; directories are made as needed.
pub fn atomic(path: &Path, content: &[u8]) -> Result<()> {
    let permissions = std::fs::metadata(path).map(|m| m.permissions()).ok();
    let persist = |file: NamedTempFile| file.persist(path).map(drop).map_err(|e| e.error);
    replace(path, content, permissions.unwrap_or_else(|| mode(0o644)), persist).map(drop)
}

/// Copies a file to an executable one in one step; its size. Directories are made as needed.
pub fn executable(path: &Path, from: &File) -> Result<u64> {
    replace(path, from, mode(0o755), |file| exchange(file, path))
}

/// A copy of an executable beside the one that it is to replace; it goes away with the value.
#[derive(Debug)]
pub struct Copied {
    file: NamedTempFile,
    size: u64,
}

impl Copied {
    /// Copies a file for [`Copied::put`]. `None` if nothing is there that it would replace, or it can't be copied.
    ///
    /// It is there without a turn, so another godirect that writes into the directory may take it for that of a killed process.
    pub fn beside(path: &Path, mut from: &File) -> Option<Copied> {
        let parent = path.parent().filter(|_| path.is_file())?;
        let mut file = builder(mode(0o755)).tempfile_in(parent).ok()?;
        let size = std::io::copy(&mut from, file.as_file_mut()).ok()?;
        Some(Copied { file, size })
    }

    /// Puts it into its place; its size. `None` if it has gone.
    pub fn put(self, path: &Path) -> Option<u64> {
        exchange(self.file, path).ok()?;
        Some(self.size)
    }
}

/// Makes temporary files.
fn builder(permissions: Permissions) -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY).permissions(permissions);
    builder
}

/// Puts a file in the place of the one at `path`, if there is one.
///
/// ext4 writes a file to the disk before that takes another one's place by rename, for the sake of programs that rewrite documents. A
/// binary takes longer that way than it takes to copy it, and can be built again.
fn exchange(file: NamedTempFile, path: &Path) -> std::io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        let is_file = std::fs::symlink_metadata(path).is_ok_and(|m| m.is_file());
        // Not every file system can do that. The old one then goes away with the temporary name.
        if is_file && renameat_with(CWD, file.path(), CWD, path, RenameFlags::EXCHANGE).is_ok() {
            return file.close();
        }
    }
    file.persist(path).map(drop).map_err(|e| e.error)
}

#[cfg(unix)]
fn mode(bits: u32) -> Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(bits)
}

fn replace(
    path: &Path,
    mut content: impl Read,
    permissions: Permissions,
    put: impl FnOnce(NamedTempFile) -> std::io::Result<()>,
) -> Result<u64> {
    let failed = |e: std::io::Error| Error::io("write", path, &e);
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).map_or_else(|| PathBuf::from("."), Path::to_owned);
    std::fs::create_dir_all(&parent).map_err(|e| match e.kind() {
        // A file is in the place of a directory: "file exists" would not say what is wrong with that.
        ErrorKind::AlreadyExists => failed(ErrorKind::NotADirectory.into()),
        _ => failed(e),
    })?;
    let turn = take_turn(&parent);
    if turn.is_some() {
        remove_leftovers(&parent);
    }
    // The error would name the temporary file, which means nothing to anybody.
    let mut file = builder(permissions).tempfile_in(&parent).map_err(|e| failed(e.kind().into()))?;
    let size = std::io::copy(&mut content, file.as_file_mut()).map_err(failed)?;
    put(file).map_err(failed)?;
    Ok(size)
}

/// Waits until no other godirect writes into the directory; `None` where directories can't be locked.
///
/// The lock goes away with the value, and with a process that is killed.
fn take_turn(directory: &Path) -> Option<File> {
    let file = File::open(directory).ok()?;
    file.lock().ok()?;
    Some(file)
}

/// Removes the temporary files of killed processes. Only for who has the turn: nobody else's are in use then.
fn remove_leftovers(directory: &Path) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> GeneratedFile {
        GeneratedFile { text: text.to_owned(), merged: false }
    }

    #[test]
    fn a_persons_file_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("flake.nix"), "{ }\n").unwrap();
        let files = GeneratedFiles::from([("flake.nix".to_owned(), file("# @generated by godirect generate\n"))]);
        let error = changes(dir.path(), &files, &BTreeSet::new()).unwrap_err();
        assert_eq!(error.message(), "flake.nix was not written by godirect, so it is left alone");
        std::fs::write(dir.path().join("flake.nix"), "# @generated by godirect generate, old\n").unwrap();
        assert_eq!(changes(dir.path(), &files, &BTreeSet::new()).unwrap().len(), 1);
    }

    #[test]
    fn an_executable_takes_the_place_of_whatever_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let (source, old, target) = (dir.path().join("source"), dir.path().join("old"), dir.path().join("out/program"));
        std::fs::write(&source, "new").unwrap();
        std::fs::write(&old, "old").unwrap();
        let put = || executable(&target, &File::open(&source).unwrap()).unwrap();
        assert_eq!(put(), 3);
        std::fs::write(&target, "an older one").unwrap();
        let running = File::open(&target).unwrap();
        put();
        // Who runs the old one has it still.
        assert_eq!(std::io::read_to_string(running).unwrap(), "an older one");
        #[cfg(unix)]
        {
            std::fs::remove_file(&target).unwrap();
            std::os::unix::fs::symlink(&old, &target).unwrap();
            put();
            let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::symlink_metadata(&target).unwrap().permissions());
            assert_eq!(mode & 0o111, 0o111);
        }
        assert_eq!(
            (std::fs::read_to_string(&target).unwrap(), std::fs::read_to_string(&old).unwrap()),
            ("new".into(), "old".into())
        );
        assert_eq!(std::fs::read_dir(dir.path().join("out")).unwrap().count(), 1);
    }

    #[test]
    fn a_copy_waits_beside_what_it_replaces() {
        let dir = tempfile::tempdir().unwrap();
        let (source, target) = (dir.path().join("source"), dir.path().join("out/program"));
        std::fs::write(&source, "new").unwrap();
        let copied = || Copied::beside(&target, &File::open(&source).unwrap());
        assert!(copied().is_none() && !dir.path().join("out").exists(), "there is nothing to replace");
        std::fs::create_dir(dir.path().join("out")).unwrap();
        std::fs::write(&target, "old").unwrap();
        drop(copied().unwrap());
        let (copy, lost) = (copied().unwrap(), copied().unwrap());
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "old");
        std::fs::remove_file(lost.file.path()).unwrap();
        assert_eq!(lost.put(&target), None);
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "old");
        assert_eq!(copy.put(&target), Some(3));
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "new");
        assert_eq!(std::fs::read_dir(dir.path().join("out")).unwrap().count(), 1);
    }

    #[test]
    fn leftovers_of_killed_processes_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        for name in [".godirect-abc", ".godirectory", "godirect-abc"] {
            std::fs::write(dir.path().join(name), "half").unwrap();
        }
        atomic(&dir.path().join("a"), b"whole").unwrap();
        let mut names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, [".godirectory", "a", "godirect-abc"]);
    }

    #[test]
    fn changes_are_found_shown_and_applied() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("old"), "# @generated by godirect generate\n").unwrap();
        std::fs::write(dir.path().join("mine"), "text\n").unwrap();
        let files = GeneratedFiles::from([("a/b".to_owned(), file("# @generated by godirect generate\nx\n"))]);
        let leftovers = BTreeSet::from(["old".to_owned(), "mine".to_owned()]);
        let found = changes(dir.path(), &files, &leftovers).unwrap();
        let shown: String = found.iter().map(Change::diff).collect();
        assert_eq!(
            shown,
            "--- /dev/null\n+++ b/a/b\n@@ -0,0 +1,2 @@\n+# @generated by godirect generate\n+x\n--- a/old\n+++ /dev/null\n@@ -1 +0,0 @@\n-# @generated by godirect generate\n"
        );
        apply(dir.path(), &found).unwrap();
        assert!(changes(dir.path(), &files, &leftovers).unwrap().is_empty());
        assert!(dir.path().join("mine").exists() && !dir.path().join("old").exists());
    }
}
