//! One directory of Go source: its files with their heads, which of them a build chooses, and the record for the lock.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Location, Result};
use crate::platform::OsArch;
use crate::source::constraint::{self, Constraint};
use crate::source::context::{BuildContext, fixed_tag};
use crate::source::embed;
use crate::source::header::{Fault, GoHeader, Head, HeaderError, head_of, head_of_other, is_complete_other};
use crate::source::record::{FileGroup, PackageRecord};
use crate::source::tree::{Entry, EntryKind, Tree, join};

/// The source files of one directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScannedPackage {
    /// The directory in its tree, slash-separated; empty for the root.
    pub directory: String,
    /// All files that Go considers, sorted by name.
    pub files: Vec<SourceFile>,
}

/// A file, and when it belongs to a build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// The name in its directory.
    pub name: String,
    /// The constraint in the file's name and in its head; `None`: it always belongs.
    pub constraint: Option<Constraint>,
    /// What it is.
    pub kind: FileKind,
    /// Whether it is a Go file with the line `//go:binary-only-package`, which no SDK since Go 1.13 can build.
    pub binary_only: bool,
}

/// What a file is, by its extension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileKind {
    /// `.go`, with its head or the reason why that can't be read; `_test.go` included.
    Go(std::result::Result<GoHeader, HeaderError>),
    /// `.s`
    Asm,
    /// C and its relatives, as in [`FileGroup::c`].
    C,
    /// `.h .hh .hpp .hxx`
    Header,
    /// `.syso`
    Syso,
    /// A file that no build chooses: Go's `package documentation`, or one that isn't Go with a malformed constraint.
    Ignored,
}

/// Whether `_test.go` files are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tests {
    /// They are.
    Include,
    /// They are left out.
    Exclude,
}

/// Reads the files of a directory; without an entry where Go sees none.
///
/// # Errors
///
/// Only when the tree can't be read. What is wrong in a file is an error for the build that chooses it.
pub fn scan(tree: &(impl Tree + ?Sized), directory: &str, tests: Tests) -> Result<ScannedPackage> {
    let mut files = Vec::new();
    for entry in tree.list(directory)?.into_iter().filter(is_source) {
        let left_out = tests == Tests::Exclude && entry.name.ends_with("_test.go");
        if !left_out {
            files.extend(scan_file(tree, directory, &entry)?);
        }
    }
    Ok(ScannedPackage { directory: directory.to_owned(), files })
}

/// What a file is by its name, if Go looks at it at all; Go files have no [`FileKind`] before they are read.
fn kind_of(name: &str) -> Option<Option<FileKind>> {
    if name.starts_with(['_', '.']) {
        return None;
    }
    Some(match name.rfind('.').map_or("", |dot| &name[dot + 1..]) {
        "go" => None,
        "s" => Some(FileKind::Asm),
        "c" | "cc" | "cpp" | "cxx" | "m" | "f" | "F" | "for" | "f90" | "S" | "sx" | "swig" | "swigcxx" => Some(FileKind::C),
        "h" | "hh" | "hpp" | "hxx" => Some(FileKind::Header),
        "syso" => Some(FileKind::Syso),
        _ => return None,
    })
}

/// Whether Go may take the entry of a directory for source.
pub(super) fn is_source(entry: &Entry) -> bool {
    (entry.is_file() || entry.kind == EntryKind::Broken) && kind_of(&entry.name).is_some()
}

/// Reads as much of a file as its head takes.
fn read_head(tree: &(impl Tree + ?Sized), path: &str, is_complete: fn(&[u8]) -> bool) -> io::Result<Vec<u8>> {
    /// Few heads are longer, and few files are much longer.
    const START: usize = 8 << 10;
    let start = tree.read_start(path, START)?;
    if start.len() < START || is_complete(&start) { Ok(start) } else { tree.read(path) }
}

/// Whether an error says something of a file, rather than of the system or of this moment.
fn is_about_the_file(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied)
}

/// Reads one file; `None` when Go ignores it whatever the build. One that can't be read is wrong itself.
pub(super) fn scan_file(tree: &(impl Tree + ?Sized), directory: &str, entry: &Entry) -> Result<Option<SourceFile>> {
    let (name, path) = (entry.name.clone(), join(directory, &entry.name));
    let Some(other) = kind_of(&name) else { return Ok(None) };
    // A `.syso` file is binary: only its name says when it belongs.
    let content = match other {
        Some(FileKind::Syso) => Ok(Vec::new()),
        Some(_) => read_head(tree, &path, is_complete_other),
        None => read_head(tree, &path, GoHeader::is_complete),
    };
    let content = match content {
        Ok(content) => content,
        Err(error) if entry.kind == EntryKind::Broken || is_about_the_file(&error) => {
            let kind = other.map_or_else(|| FileKind::Go(Err(HeaderError::unreadable(&error))), |_| FileKind::Ignored);
            return Ok(Some(SourceFile { constraint: constraint::file_name(&name), name, kind, binary_only: false }));
        }
        Err(error) => return Err(Error::io("read", &tree.shown(&path), &error)),
    };
    let (kind, head) = match other {
        Some(kind) => match head_of_other(&content) {
            Ok(head) => (kind, head),
            // go/build passes over such files without a word.
            Err(_) => (FileKind::Ignored, Head::default()),
        },
        None => match head_of(&content) {
            Ok(head) => (FileKind::Go(GoHeader::parse(&name, &content)), head),
            // As in Go, that is an error even if the constraint might have excluded the file.
            Err(error) => (FileKind::Go(Err(error)), Head::default()),
        },
    };
    // `package documentation` marks a file that is only text.
    let text = matches!(&kind, FileKind::Go(Ok(header)) if header.package == "documentation");
    let kind = if text { FileKind::Ignored } else { kind };
    let constraint = Constraint::all(constraint::file_name(&name).into_iter().chain(head.constraint));
    let binary_only = head.binary_only && matches!(kind, FileKind::Go(_)) && !name.ends_with("_test.go");
    Ok(Some(SourceFile { name, constraint, kind, binary_only }))
}

impl SourceFile {
    /// The condition under which the file belongs, `cgo` included for Go files that import `"C"`.
    pub fn condition(&self) -> Option<Constraint> {
        let cgo = matches!(&self.kind, FileKind::Go(Ok(header)) if header.uses_cgo());
        Constraint::all(self.constraint.clone().into_iter().chain(cgo.then(|| Constraint::Tag("cgo".to_owned()))))
    }

    fn belongs(&self, context: &BuildContext) -> bool {
        self.kind != FileKind::Ignored && self.condition().is_none_or(|c| c.eval(&|tag| context.satisfies(tag)))
    }

    /// Whether some platform can choose the file, whatever SDK and profile.
    fn is_possible(&self) -> bool {
        self.kind != FileKind::Ignored
            && self.condition().is_none_or(|c| OsArch::all().any(|platform| c.satisfiable(&|tag| fixed_tag(platform, tag))))
    }

    /// Whether it is a `_test.go` file.
    pub fn is_test(&self) -> bool {
        self.name.ends_with("_test.go")
    }
}

impl FileGroup {
    /// Adds a file with its imports, `"C"` left out; its embed patterns are the caller's.
    pub(crate) fn add(&mut self, file: &SourceFile) {
        let list = match &file.kind {
            FileKind::Go(header) => {
                let header = header.as_ref().ok();
                let imports = header.iter().flat_map(|h| &h.imports).map(|i| &i.path).filter(|p| *p != "C");
                self.imports.extend(imports.cloned());
                if let Some(header) = header.filter(|h| !h.cgo.is_empty()) {
                    self.cgo_lines.insert(file.name.clone(), header.cgo.clone());
                }
                if header.is_some_and(GoHeader::uses_cgo) { &mut self.cgo } else { &mut self.go }
            }
            FileKind::Asm => &mut self.asm,
            FileKind::C => &mut self.c,
            FileKind::Header => &mut self.headers,
            FileKind::Syso => &mut self.syso,
            FileKind::Ignored => return,
        };
        list.push(file.name.clone());
    }

    /// Adds the files of another group.
    pub(crate) fn merge(&mut self, other: &FileGroup) {
        let lists = [
            (&mut self.go, &other.go),
            (&mut self.cgo, &other.cgo),
            (&mut self.asm, &other.asm),
            (&mut self.c, &other.c),
            (&mut self.headers, &other.headers),
            (&mut self.syso, &other.syso),
        ];
        for (own, others) in lists {
            own.extend(others.iter().cloned());
            own.sort();
        }
        self.cgo_lines.extend(other.cgo_lines.iter().map(|(file, lines)| (file.clone(), lines.clone())));
        self.imports.extend(other.imports.iter().cloned());
        self.embed.extend(other.embed.iter().map(|(pattern, files)| (pattern.clone(), files.clone())));
    }

    /// Refuses file names that a tool could take for a flag, that lead elsewhere, or that would break a line
    /// (`SafeArg` in `cmd/go/internal/load`).
    pub(crate) fn check_names(&self) -> Result<(), String> {
        let plain = |name: &str| {
            let first = name.starts_with(|c: char| c.is_ascii_alphanumeric() || "._".contains(c) || !c.is_ascii());
            first && !name.contains(|c: char| c.is_control() || c == '\\')
        };
        let source = |name: &str| plain(name) && !name.contains('/') && !name.starts_with("_cgo_");
        let embedded = |path: &str| plain(path) && path.split('/').all(|element| !matches!(element, "" | "." | ".."));
        let sources = [&self.go, &self.cgo, &self.asm, &self.c, &self.headers, &self.syso];
        let wrong = sources.into_iter().flatten().find(|name| !source(name));
        match wrong.or_else(|| self.embed.values().flatten().find(|path| !embedded(path))) {
            Some(name) => Err(format!("invalid input file name \"{}\"", name.escape_debug())),
            None => Ok(()),
        }
    }
}

impl ScannedPackage {
    /// Whether the directory has any Go file, so that it can be a package (`dirInModule` in cmd/go).
    pub fn has_go_files(&self) -> bool {
        self.files.iter().any(|file| file.name.ends_with(".go"))
    }

    /// Whether a build chooses a Go file; test files count if told so. A file that can't be read counts, so that it gets noticed.
    pub fn has_go_files_for(&self, context: &BuildContext, tests: bool) -> bool {
        self.files.iter().filter(|f| matches!(f.kind, FileKind::Go(_)) && (tests || !f.is_test())).any(|f| f.belongs(context))
    }

    /// Whether this is a command, as far as that can be told before files are chosen: by the first file that isn't excluded by convention.
    pub fn is_command(&self) -> bool {
        let usual = |c: &Constraint| c.satisfiable(&|tag| (tag == "ignore").then_some(false));
        let files = self.files.iter().filter(|f| !f.is_test() && f.constraint.as_ref().is_none_or(usual));
        let mut headers = files.filter_map(|f| if let FileKind::Go(Ok(header)) = &f.kind { Some(header) } else { None });
        headers.next().is_some_and(|header| header.package == "main")
    }

    /// The files that a build of the package with this name can choose on some platform; without tests.
    pub fn possible_files<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a SourceFile> {
        let fits = move |kind: &FileKind| match kind {
            FileKind::Go(header) => header.as_ref().is_ok_and(|h| h.package == name),
            _ => true,
        };
        self.files.iter().filter(move |file| !file.is_test() && fits(&file.kind) && file.is_possible())
    }

    /// The test files that a build can choose on some platform, each with the name in its package clause.
    pub fn possible_tests(&self) -> impl Iterator<Item = (&SourceFile, &str)> {
        self.files.iter().filter(|file| file.is_test() && file.is_possible()).filter_map(|file| match &file.kind {
            FileKind::Go(Ok(header)) => Some((file, header.package.as_str())),
            _ => None,
        })
    }

    /// The record for the lock: the groups that some platform may choose, whatever tags a profile sets. Tests are left out.
    ///
    /// An embed pattern without valid match is recorded with no files, an error for the build that chooses it: modules may hold
    /// files that only their own developers can build.
    ///
    /// # Errors
    ///
    /// A head can't be read, or package names differ among files that are chosen without special tags.
    pub fn record(&self, tree: &dyn Tree, platforms: &[OsArch]) -> Result<PackageRecord> {
        let possible = |file: &SourceFile, free: &dyn Fn(&str) -> Option<bool>| match file.condition() {
            None => true,
            Some(c) => platforms.iter().any(|p| c.satisfiable(&|tag| fixed_tag(*p, tag).or_else(|| free(tag)))),
        };
        let kept: Vec<&SourceFile> =
            self.files.iter().filter(|f| !f.is_test() && f.kind != FileKind::Ignored && possible(f, &|_| None)).collect();
        // Tags of which neither platform nor SDK knows mark files such as `package main` generators beside a library.
        let usual: Vec<&&SourceFile> = kept.iter().filter(|f| possible(f, &without_profile_tags)).collect();
        let name = match self.name(tree, usual.iter().map(|f| **f))? {
            Some(name) => name,
            None => self.name(tree, kept.iter().copied())?.unwrap_or_default(),
        };
        let mut groups: BTreeMap<String, FileGroup> = BTreeMap::new();
        for file in kept {
            if matches!(&file.kind, FileKind::Go(header) if !header.as_ref().is_ok_and(|h| h.package == name)) {
                continue;
            }
            let condition = file.condition().map(|c| c.to_string()).unwrap_or_default();
            let group =
                groups.entry(condition).or_insert_with_key(|c| FileGroup { condition: c.clone(), ..FileGroup::default() });
            group.add(file);
            if let FileKind::Go(Ok(header)) = &file.kind {
                for pattern in header.embeds.iter().map(|e| &e.pattern) {
                    let files = embed::resolve(tree, &self.directory, pattern)?.unwrap_or_default();
                    group.embed.insert(pattern.clone(), files);
                }
            }
        }
        for group in groups.values() {
            group.check_names().map_err(|why| self.in_directory(why))?;
        }
        Ok(PackageRecord { name, groups: groups.into_values().collect() })
    }

    /// The one package name of the Go files in `files`.
    fn name<'a>(&self, tree: &dyn Tree, files: impl Iterator<Item = &'a SourceFile>) -> Result<Option<String>> {
        let mut first: Option<(&str, &str)> = None;
        for file in files {
            match (&file.kind, first) {
                (FileKind::Go(Err(e)), _) => return Err(self.header_error(tree, &file.name, e.fault, e.offset, &e.message)),
                (FileKind::Go(Ok(header)), None) => first = Some((&header.package, &file.name)),
                (FileKind::Go(Ok(header)), Some(known)) if header.package != known.0 => {
                    return Err(self.conflict(known, (&header.package, &file.name)));
                }
                _ => {}
            }
        }
        Ok(first.map(|(name, _)| name.to_owned()))
    }

    fn conflict(&self, (name, file): (&str, &str), (other_name, other_file): (&str, &str)) -> Error {
        let place = if self.directory.is_empty() { "." } else { &self.directory };
        Error::input(format!("found packages {name} ({file}) and {other_name} ({other_file}) in {place}"))
    }

    pub(crate) fn in_directory(&self, why: impl Into<String>) -> Error {
        let error = Error::input(why);
        if self.directory.is_empty() { error } else { error.context(&self.directory) }
    }

    /// The first Go file that can't be read, and why, if that goes for all of them: then Go finds no package (`IsGoDir` in
    /// `cmd/go/internal/fsys`).
    pub fn without_readable(&self) -> Option<(&str, &str)> {
        let mut first = None;
        for file in self.files.iter().filter(|file| file.name.ends_with(".go")) {
            match &file.kind {
                FileKind::Go(Err(e)) if e.fault == Fault::Unreadable => {
                    first.get_or_insert((file.name.as_str(), e.message.as_str()));
                }
                _ => return None,
            }
        }
        first
    }

    /// The error of a file that can't be read.
    pub fn unreadable(&self, file: &str, why: &str) -> Error {
        let error = Error::input(format!("failed to read {}: {why}", join(&self.directory, file)));
        error.help("put the file there, or remove what is in its place")
    }

    /// An error in the head of a file.
    pub(super) fn header_error(&self, tree: &dyn Tree, file: &str, fault: Fault, offset: usize, message: &str) -> Error {
        match fault {
            Fault::Constraint => self.error(tree, file, offset, 1, &format!("parsing //go:build line: {message}")),
            Fault::Unreadable => self.unreadable(file, message),
            _ => self.error(tree, file, offset, 1, message),
        }
    }

    /// An error at `width` bytes from `offset` in a file of the directory.
    pub fn error(&self, tree: &dyn Tree, file: &str, offset: usize, width: usize, message: &str) -> Error {
        let path = join(&self.directory, file);
        let content = tree.read(&path).unwrap_or_default();
        Error::input(message).at(Location::in_text(&path, &String::from_utf8_lossy(&content), offset, width))
    }
}

/// The value of tags that only a profile can set: not set. Those of the SDK, variants and cgo stay open.
fn without_profile_tags(tag: &str) -> Option<bool> {
    let open = tag == "cgo" || tag == "boringcrypto" || tag.starts_with("go1.") || tag.starts_with("goexperiment.");
    let variant = tag.split_once('.').is_some_and(|(arch, _)| constraint::KNOWN_ARCH.contains(&arch));
    if open || variant { None } else { Some(false) }
}

/// All tags that a package's constraints mention.
pub fn tags(package: &ScannedPackage) -> BTreeSet<&str> {
    let mut tags = BTreeSet::new();
    package.files.iter().filter_map(|f| f.constraint.as_ref()).for_each(|c| c.tags(&mut tags));
    tags
}

#[cfg(test)]
mod tests;
