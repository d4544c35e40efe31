//! One directory of Go source: its files with their heads, which of them a build chooses, and the record for the lock.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Location, Result};
use crate::platform::OsArch;
use crate::source::cgo::CgoFlags;
use crate::source::choose;
use crate::source::constraint::{self, Constraint};
use crate::source::context::{BuildContext, fixed_tag};
use crate::source::embed;
use crate::source::header::{DebugSetting, Fault, GoHeader, Head, HeaderError, head_of, head_of_other};
use crate::source::record::{FileGroup, PackageRecord};
use crate::source::token::Position;
use crate::source::tree::{EntryKind, Tree, join};

/// The source files of one directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScannedPackage {
    /// The directory in its tree, slash-separated; empty for the root.
    pub directory: String,
    /// All files that Go considers, sorted by name.
    pub files: Vec<SourceFile>,
}

/// A file, and when it belongs to a build.
#[derive(Clone, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// The files of one package that a build has chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// The name in the package clauses; empty when there are no Go files.
    pub name: String,
    /// The files, sorted; its `condition` is empty.
    pub files: FileGroup,
    /// Where each import first stands; not known from a record.
    pub import_sites: BTreeMap<String, ImportSite>,
    /// Where each `//go:embed` pattern first stands; not known from a record.
    pub embed_sites: BTreeMap<String, ImportSite>,
    /// The `//go:debug` lines, in order of file name.
    pub debug: Vec<DebugSetting>,
}

/// Where an import stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportSite {
    /// The file's name in its directory.
    pub file: String,
    /// Byte offset of the path's literal.
    pub offset: usize,
    /// The literal's length in bytes.
    pub width: usize,
    /// Where it stands, as Go shows it.
    pub position: Position,
}

/// What a build chooses in a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// The package's name; that of the tests where there is nothing else.
    pub name: String,
    /// The first sentence of the package's documentation.
    pub doc: String,
    /// Go files that belong to other builds, and those that import `"C"` without cgo.
    pub ignored_go: Vec<String>,
    /// Go files with faults.
    pub invalid_go: Vec<String>,
    /// Files that aren't Go and belong to other builds.
    pub ignored_other: Vec<String>,
    /// What `#cgo` lines say.
    pub cgo_flags: CgoFlags,
    /// What is wrong first.
    pub fault: Option<choose::Fault>,
    /// The package itself.
    pub package: Selection,
    /// Its `_test.go` files of the same package.
    pub test: Selection,
    /// The `_test.go` files of the package `…_test`.
    pub external_test: Selection,
    /// `//go:debug` lines of the package itself, in order of file name.
    pub debug: Vec<DebugSetting>,
    /// `//go:debug` lines of both kinds of test files.
    pub test_debug: Vec<DebugSetting>,
    /// Where each import first stands, over all files.
    pub import_sites: BTreeMap<String, ImportSite>,
}

/// Reads the files of a directory; without an entry where Go sees none.
///
/// # Errors
///
/// Only when the tree can't be read. What is wrong in a file is an error for the build that chooses it.
pub fn scan(tree: &dyn Tree, directory: &str, tests: Tests) -> Result<ScannedPackage> {
    let mut files = Vec::new();
    for entry in tree.list(directory)? {
        let is_file = matches!(entry.kind, EntryKind::File | EntryKind::Symlink);
        let left_out = tests == Tests::Exclude && entry.name.ends_with("_test.go");
        if is_file && !left_out {
            files.extend(scan_file(tree, directory, entry.name)?);
        }
    }
    Ok(ScannedPackage { directory: directory.to_owned(), files })
}

/// Reads one file; `None` when Go ignores it whatever the build.
fn scan_file(tree: &dyn Tree, directory: &str, name: String) -> Result<Option<SourceFile>> {
    let extension = name.rfind('.').map_or("", |dot| &name[dot + 1..]);
    let other = match extension {
        _ if name.starts_with(['_', '.']) => return Ok(None),
        "go" => None,
        "s" => Some(FileKind::Asm),
        "c" | "cc" | "cpp" | "cxx" | "m" | "f" | "F" | "for" | "f90" | "S" | "sx" | "swig" | "swigcxx" => Some(FileKind::C),
        "h" | "hh" | "hpp" | "hxx" => Some(FileKind::Header),
        "syso" => Some(FileKind::Syso),
        _ => return Ok(None),
    };
    // A `.syso` file is binary: only its name says when it belongs.
    let content = if extension == "syso" { Vec::new() } else { tree.read(&join(directory, &name))? };
    let (kind, head) = match other {
        Some(kind) => match head_of_other(&content) {
            Ok(head) => (kind, head),
            // go/build passes over such files without a word.
            Err(_) => (FileKind::Ignored, Head::default()),
        },
        None => match head_of(&content) {
            Ok(head) => (FileKind::Go(GoHeader::parse(&content)), head),
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
        self.imports.extend(other.imports.iter().cloned());
        self.embed.extend(other.embed.iter().map(|(pattern, files)| (pattern.clone(), files.clone())));
    }

    /// Refuses file names that a tool could take for a flag, that lead elsewhere, or that would break a line
    /// (`SafeArg` in `cmd/go/internal/load`).
    fn check_names(&self) -> Result<(), String> {
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

    /// Drops the C-family sources that nothing compiles, as cmd/go does.
    ///
    /// # Errors
    ///
    /// Go's message when cgo is enabled and there are C sources, but no Go file imports `"C"`.
    fn settle_c(&mut self, cgo: bool) -> Result<(), String> {
        if !self.cgo.is_empty() {
            return Ok(());
        }
        // Without cgo, `.S` is nobody's: the assembler of Go takes `.s`.
        self.c.retain(|name| cgo && !name.ends_with(".S") && !name.ends_with(".sx"));
        let Some(first) = self.c.first() else { return Ok(()) };
        let language = match first.rsplit('.').next() {
            Some("c") => "C",
            Some("cc" | "cpp" | "cxx") => "C++",
            Some("m") => "Objective-C",
            Some("swig" | "swigcxx") => "SWIG",
            _ => "Fortran",
        };
        Err(format!("{language} source files not allowed when not using cgo: {}", self.c.join(" ")))
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

    /// What a build chooses. Go files may be missing; that is for the caller to judge.
    ///
    /// # Errors
    ///
    /// A chosen file's head can't be read, package names differ, an embed pattern matches nothing, or C stands without cgo.
    pub fn choose(&self, tree: &dyn Tree, context: &BuildContext) -> Result<Chosen> {
        let mut chosen = Chosen::default();
        let mut first: Option<(&str, String)> = None;
        for file in &self.files {
            if !file.belongs(context) {
                continue;
            }
            let header = match &file.kind {
                FileKind::Go(Ok(header)) => header,
                FileKind::Go(Err(e)) => return Err(self.header_error(tree, &file.name, e)),
                _ => {
                    chosen.package.files.add(file);
                    continue;
                }
            };
            let mut name = header.package.as_str();
            let known = first.as_ref().map(|(_, name)| name.as_str());
            let external = file.is_test() && name.ends_with("_test") && known != Some(name);
            if external {
                name = &name[..name.len() - "_test".len()];
            }
            match &first {
                None => first = Some((&file.name, name.to_owned())),
                Some((_, known)) if known == name => {}
                Some((other, known)) => return Err(self.conflict((known, other), (name, &file.name))),
            }
            self.add_go(tree, &mut chosen, file, header, external)?;
        }
        chosen.package.name = first.map(|(_, name)| name).unwrap_or_default();
        chosen.package.files.settle_c(context.cgo).map_err(|why| self.in_directory(why))?;
        for selection in [&chosen.package, &chosen.test, &chosen.external_test] {
            selection.files.check_names().map_err(|why| self.in_directory(why))?;
        }
        Ok(chosen)
    }

    fn add_go(&self, tree: &dyn Tree, chosen: &mut Chosen, file: &SourceFile, header: &GoHeader, external: bool) -> Result<()> {
        for import in &header.imports {
            if file.is_test() && import.path == "C" {
                let message = "use of cgo in test not supported";
                return Err(self.error(tree, &file.name, import.offset, import.width, message));
            }
            let (name, position) = (file.name.clone(), import.position.clone());
            let site = ImportSite { file: name, offset: import.offset, width: import.width, position };
            let known = chosen.import_sites.get(&import.path);
            // The package's own files come first, as it needs what its tests merely use.
            if known.is_none_or(|k| k.file.ends_with("_test.go") && !file.is_test()) {
                chosen.import_sites.insert(import.path.clone(), site);
            }
        }
        let (selection, debug) = match (file.is_test(), external) {
            (false, _) => (&mut chosen.package, &mut chosen.debug),
            (true, false) => (&mut chosen.test, &mut chosen.test_debug),
            (true, true) => (&mut chosen.external_test, &mut chosen.test_debug),
        };
        selection.name.clone_from(&header.package);
        selection.files.add(file);
        for directive in &header.directives {
            let setting = directive.debug_setting().map_err(|why| {
                let message = format!("invalid //go:debug: {why}");
                self.error(tree, &file.name, directive.offset, directive.text.len(), &message)
            })?;
            debug.extend(setting);
        }
        for embed in &header.embeds {
            if selection.files.embed.contains_key(&embed.pattern) {
                continue;
            }
            let files = embed::resolve(tree, &self.directory, &embed.pattern)?.map_err(|why| {
                let message = format!("pattern {}: {why}", embed.pattern.escape_debug());
                self.error(tree, &file.name, embed.offset, embed.pattern.len(), &message)
            })?;
            selection.files.embed.insert(embed.pattern.clone(), files);
        }
        Ok(())
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
                (FileKind::Go(Err(e)), _) => return Err(self.header_error(tree, &file.name, e)),
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

    fn in_directory(&self, why: String) -> Error {
        let error = Error::input(why);
        if self.directory.is_empty() { error } else { error.context(&self.directory) }
    }

    fn header_error(&self, tree: &dyn Tree, file: &str, error: &HeaderError) -> Error {
        let message = match error.fault {
            Fault::Constraint => format!("parsing //go:build line: {error}"),
            _ => error.to_string(),
        };
        self.error(tree, file, error.offset, 1, &message)
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

impl PackageRecord {
    /// What a build chooses of a recorded package. Go files may be missing; that is for the caller to judge.
    ///
    /// # Errors
    ///
    /// Text that begins with what is wrong: a condition that isn't a constraint, an embed pattern that matches nothing, C
    /// without cgo, or a file name that a tool could misunderstand.
    pub fn choose(&self, context: &BuildContext) -> Result<Selection, String> {
        let mut selection = Selection { name: self.name.clone(), ..Selection::default() };
        for group in &self.groups {
            let belongs = match group.condition.as_str() {
                "" => true,
                text => {
                    let condition: Constraint = text.parse().map_err(|e| format!("malformed condition `{text}`: {e}"))?;
                    condition.eval(&|tag| context.satisfies(tag))
                }
            };
            if belongs {
                selection.files.merge(group);
            }
        }
        if let Some((pattern, _)) = selection.files.embed.iter().find(|(_, files)| files.is_empty()) {
            return Err(format!("pattern {}: no matching files found", pattern.escape_debug()));
        }
        selection.files.settle_c(context.cgo)?;
        selection.files.check_names()?;
        Ok(selection)
    }
}

/// All tags that a package's constraints mention.
pub fn tags(package: &ScannedPackage) -> BTreeSet<&str> {
    let mut tags = BTreeSet::new();
    package.files.iter().filter_map(|f| f.constraint.as_ref()).for_each(|c| c.tags(&mut tags));
    tags
}

#[cfg(test)]
mod tests;
