//! What a build sees in a directory, whatever is wrong there (`(*IndexPackage).Import` in `cmd/go/internal/modindex`).

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Result};
use crate::source::cgo::CgoFlags;
use crate::source::constraint::Constraint;
use crate::source::context::BuildContext;
use crate::source::embed;
use crate::source::header::{self, DebugSetting, GoHeader, HeaderError};
use crate::source::record::{FileGroup, PackageRecord};
use crate::source::scan::{FileKind, ScannedPackage, SourceFile};
use crate::source::token::Position;
use crate::source::tree::Tree;

/// What is wrong first with the Go files of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file's name in its directory.
    pub file: String,
    /// Byte offset in the file.
    pub offset: usize,
    /// Where that is, as Go shows it.
    pub position: Position,
    /// What it is.
    pub kind: FaultKind,
    /// What is wrong, without file and place.
    pub message: String,
}

/// What is wrong with a Go file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Its head can't be read.
    Head(header::Fault),
    /// Another package name than in the files before.
    Packages,
    /// `import "C"` in a test.
    CgoInTest,
    /// A malformed `#cgo` line.
    CgoLine,
}

/// The files of one package that a build has chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// The name in the package clauses; empty when there are no Go files.
    pub name: String,
    /// The files, sorted; its `condition` is empty.
    pub files: FileGroup,
    /// The imports, `"C"` too, each with the place where it first stands, which isn't known from a record.
    pub imports: BTreeMap<String, Option<ImportSite>>,
    /// Where each `//go:embed` pattern first stands; not known from a record.
    pub embed_sites: BTreeMap<String, ImportSite>,
    /// The `//go:debug` lines, in order of file name.
    pub debug: Vec<DebugSetting>,
    /// The first syntax error: the file, the place and what is wrong.
    pub syntax: Option<(String, Position, String)>,
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
    pub fault: Option<Fault>,
    /// The package itself.
    pub package: Selection,
    /// Its `_test.go` files of the same package.
    pub test: Selection,
    /// The `_test.go` files of the package `…_test`.
    pub external_test: Selection,
}

impl ScannedPackage {
    /// Whether Go's module loader takes the directory for a package (`ScanDir` in `cmd/go/internal/imports`).
    pub fn is_found_for(&self, context: &BuildContext) -> bool {
        use header::Fault::{Constraint, Unreadable};
        self.files.iter().filter(|file| file.name.ends_with(".go")).any(|file| {
            let is_known = !matches!(&file.kind, FileKind::Go(Err(e)) if matches!(e.fault, Constraint | Unreadable));
            let cgo = matches!(&file.kind, FileKind::Go(Ok(header)) if header.uses_cgo());
            is_known && (context.cgo || !cgo) && file.constraint.as_ref().is_none_or(|c| c.eval(&|tag| context.satisfies(tag)))
        })
    }

    /// Whether Go's builder takes the directory for a package: there is a Go file for the build, test files included, or one that
    /// can't be read (`ImportDir` in `go/build`, unless it finds no files).
    pub fn is_built_for(&self, context: &BuildContext) -> bool {
        let fits = |file: &SourceFile| file.constraint.as_ref().is_none_or(|c| c.eval(&|tag| context.satisfies(tag)));
        self.files.iter().filter(|file| fits(file)).any(|file| match &file.kind {
            FileKind::Go(Ok(header)) if header.uses_cgo() && !context.cgo => {
                file.is_test() || CgoFlags::default().add(&header.cgo, context, "").is_err()
            }
            FileKind::Go(_) => true,
            _ => false,
        })
    }

    /// What a build chooses, and what is wrong with it. Embed patterns aren't resolved yet: see [`Selection::resolve_embeds`].
    ///
    /// `directory` is where the package is on disk, for `#cgo` lines.
    pub fn select(&self, context: &BuildContext, directory: &str) -> Chosen {
        let mut chosen = Chosen::default();
        let (mut first, mut assembly) = (None, Vec::new());
        for file in &self.files {
            let go = file.name.ends_with(".go");
            let fits = file.constraint.as_ref().is_none_or(|c| c.eval(&|tag| context.satisfies(tag)));
            match &file.kind {
                // Go gives up.
                FileKind::Go(Err(e)) if e.fault == header::Fault::Constraint && fits => {
                    return chosen.given_up(&file.name, e, first);
                }
                // What isn't opened isn't wrong.
                FileKind::Go(Err(e)) if e.fault == header::Fault::Unreadable && !fits => {}
                FileKind::Go(Err(e)) if e.fault != header::Fault::Constraint => {
                    chosen.bad(&file.name, e.offset, &e.position, FaultKind::Head(e.fault), e.message.clone());
                    if matches!(e.fault, header::Fault::Constraints | header::Fault::Nul | header::Fault::Unreadable) {
                        continue;
                    }
                }
                _ => {}
            }
            if file.kind == FileKind::Ignored || !fits {
                if go { &mut chosen.ignored_go } else { &mut chosen.ignored_other }.push(file.name.clone());
            } else if go {
                chosen.add_go(file, &mut first, context, directory);
            } else if file.name.ends_with(".S") || file.name.ends_with(".sx") {
                assembly.push(file.name.clone());
            } else {
                chosen.package.files.add(file);
            }
        }
        let (package, into) = (&mut chosen.package.files, &mut chosen.ignored_other);
        let into = if package.cgo.is_empty() { into } else { &mut package.c };
        into.append(&mut assembly);
        into.sort();
        chosen.name = first.map(|(_, name)| name).unwrap_or_default();
        chosen.package.name.clone_from(&chosen.name);
        chosen
    }
}

impl Chosen {
    /// What was found before a malformed constraint, without imports, and that error alone.
    fn given_up(mut self, file: &str, error: &HeaderError, first: Option<(String, String)>) -> Chosen {
        let (file, kind) = (file.to_owned(), FaultKind::Head(error.fault));
        let HeaderError { offset, position, message, .. } = error.clone();
        self.fault = Some(Fault { file, offset, position, kind, message });
        self.name = first.map(|(_, name)| name).unwrap_or_default();
        for part in [&mut self.package, &mut self.test, &mut self.external_test] {
            part.imports.clear();
            part.embed_sites.clear();
        }
        self
    }

    fn bad(&mut self, file: &str, offset: usize, position: &Position, kind: FaultKind, message: String) {
        if self.fault.is_none() {
            self.fault = Some(Fault { file: file.to_owned(), offset, position: position.clone(), kind, message });
        }
        if self.invalid_go.last().is_none_or(|last| last != file) {
            self.invalid_go.push(file.to_owned());
        }
    }

    /// Adds a Go file. `first` is the first file and the package's name.
    fn add_go(&mut self, file: &SourceFile, first: &mut Option<(String, String)>, context: &BuildContext, directory: &str) {
        let FileKind::Go(header) = &file.kind else { return };
        let without_imports;
        let header = match header {
            Ok(header) => header,
            Err(e) => {
                without_imports = GoHeader { package: e.package.clone(), doc: e.doc.clone(), ..GoHeader::default() };
                &without_imports
            }
        };
        let mut name = header.package.as_str();
        let known = first.as_ref().map(|(_, name)| name.as_str());
        let external = file.is_test() && name.ends_with("_test") && known != Some(name);
        if external {
            name = &name[..name.len() - "_test".len()];
        }
        match first {
            Some((other, known)) if !known.is_empty() && known != name => {
                let message = format!("found packages {known} ({other}) and {name} ({})", file.name);
                self.bad(&file.name, 0, &Position::default(), FaultKind::Packages, message);
            }
            Some((_, known)) if known == name => {}
            _ => *first = Some((file.name.clone(), name.to_owned())),
        }
        if self.doc.is_empty() && !file.is_test() {
            self.doc.clone_from(&header.doc);
        }
        let cgo = header.uses_cgo();
        if cgo && file.is_test() {
            let import = header.imports.iter().find(|i| i.path == "C");
            let (offset, position) = import.map(|i| (i.offset, i.position.clone())).unwrap_or_default();
            let message = format!("use of cgo in test {} not supported", file.name);
            self.bad(&file.name, offset, &position, FaultKind::CgoInTest, message);
        }
        if let Err(message) = self.cgo_flags.add(&header.cgo, context, directory) {
            self.bad(&file.name, 0, &Position::default(), FaultKind::CgoLine, message);
        }
        if cgo && !file.is_test() && !context.cgo {
            self.ignored_go.push(file.name.clone());
            return;
        }
        let part = match (file.is_test(), external) {
            (false, _) => &mut self.package,
            (true, false) => &mut self.test,
            (true, true) => &mut self.external_test,
        };
        if let FileKind::Go(Err(e)) = &file.kind
            && e.fault == header::Fault::Syntax
        {
            part.syntax.get_or_insert_with(|| (file.name.clone(), e.position.clone(), e.message.clone()));
        }
        part.add_go(file, header);
    }
}

impl ScannedPackage {
    /// What is wrong, with its place.
    pub fn refusal(&self, tree: &dyn Tree, fault: &Fault) -> Error {
        let Fault { file, offset, kind, message, .. } = fault;
        match kind {
            FaultKind::Head(fault) => self.header_error(tree, file, *fault, *offset, message),
            FaultKind::Packages => {
                let place = if self.directory.is_empty() { "." } else { &self.directory };
                Error::input(format!("{message} in {place}"))
            }
            FaultKind::CgoInTest => self.error(tree, file, *offset, "\"C\"".len(), "use of cgo in test not supported"),
            FaultKind::CgoLine => self.in_directory(format!("{file}: {message}")),
        }
    }
}

impl Chosen {
    /// The names of all files in the directory that some build could use, as Go checks them (`(*Package).AllFiles`).
    pub fn all_files(&self) -> BTreeSet<&str> {
        let parts = [&self.package, &self.test, &self.external_test].into_iter().flat_map(|part| part.files.sources());
        parts.chain(self.ignored_go.iter().chain(&self.ignored_other).map(String::as_str)).collect()
    }
}

impl FileGroup {
    /// What Go says of C-family sources when no Go file imports `"C"`. Without `cgo`, only Fortran is left of them.
    pub fn c_without_cgo(&self, cgo: bool) -> Option<String> {
        let of = |extensions: &[&str]| {
            let fits = |name: &&String| extensions.iter().any(|e| name.rsplit_once('.').is_some_and(|(_, x)| x == *e));
            self.c.iter().filter(fits).map(String::as_str).collect::<Vec<_>>()
        };
        if !self.cgo.is_empty() || cgo && !of(&["swig", "swigcxx"]).is_empty() {
            return None;
        }
        let languages: [(&str, bool, &[&str]); 4] = [
            ("C", cgo, &["c"]),
            ("C++", cgo, &["cc", "cpp", "cxx"]),
            ("Objective-C", cgo, &["m"]),
            ("Fortran", true, &["f", "F", "for", "f90"]),
        ];
        languages.into_iter().filter(|(_, counts, _)| *counts).find_map(|(language, _, extensions)| {
            let files = of(extensions);
            let listed = files.join(" ");
            (!files.is_empty()).then(|| format!("{language} source files not allowed when not using cgo or SWIG: {listed}"))
        })
    }
}

impl FileGroup {
    /// Drops the C-family sources that nothing compiles, as cmd/go does.
    ///
    /// # Errors
    ///
    /// Go's message when there are C sources, but no Go file imports `"C"`; SWIG isn't supported at all.
    pub fn settle_c(&mut self, cgo: bool) -> Result<(), String> {
        if let Some(why) = self.c_without_cgo(cgo) {
            return Err(why);
        }
        if let Some(swig) = self.c.iter().find(|name| cgo && (name.ends_with(".swig") || name.ends_with(".swigcxx"))) {
            return Err(format!("SWIG is not supported: {swig}"));
        }
        // Without cgo, `.S` is nobody's: the assembler of Go takes `.s`.
        if self.cgo.is_empty() {
            self.c.clear();
        }
        Ok(())
    }
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
        selection.imports = selection.files.imports.iter().map(|path| (path.clone(), None)).collect();
        Ok(selection)
    }
}

impl Selection {
    fn add_go(&mut self, file: &SourceFile, header: &GoHeader) {
        self.name.clone_from(&header.package);
        let site = |offset, width, position: &Position| ImportSite {
            file: file.name.clone(),
            offset,
            width,
            position: position.clone(),
        };
        for import in &header.imports {
            let site = || site(import.offset, import.width, &import.position);
            self.imports.entry(import.path.clone()).or_insert_with(|| Some(site()));
        }
        for embed in &header.embeds {
            let site = || site(embed.offset, embed.pattern.len(), &embed.position);
            self.embed_sites.entry(embed.pattern.clone()).or_insert_with(site);
        }
        self.debug.extend(header.debug());
        if file.is_test() {
            self.files.go.push(file.name.clone());
            self.files.imports.extend(header.imports.iter().map(|i| &i.path).filter(|path| *path != "C").cloned());
        } else {
            self.files.add(file);
        }
    }

    /// Finds the files of the embed patterns; the first pattern that is wrong, and why: then there are none at all.
    ///
    /// # Errors
    ///
    /// Only when the tree can't be read.
    pub fn resolve_embeds(&mut self, tree: &dyn Tree, directory: &str) -> Result<Option<(String, String)>> {
        let mut found = BTreeMap::new();
        for pattern in self.embed_sites.keys() {
            match embed::resolve(tree, directory, pattern)? {
                Ok(files) => found.insert(pattern.clone(), files),
                Err(why) => return Ok(Some((pattern.clone(), why))),
            };
        }
        self.files.embed = found;
        Ok(None)
    }
}
