//! What a build sees in a directory, whatever is wrong there (`(*IndexPackage).Import` in `cmd/go/internal/modindex`).

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::source::context::BuildContext;
use crate::source::embed;
use crate::source::header::{self, GoHeader};
use crate::source::record::FileGroup;
use crate::source::scan::{Chosen, FileKind, ImportSite, ScannedPackage, Selection, SourceFile};
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

impl ScannedPackage {
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
                FileKind::Go(Err(e)) if e.fault == header::Fault::Constraint => {
                    if fits {
                        // Go gives up.
                        chosen.fault = None;
                        chosen.bad(&file.name, e.offset, &e.position, FaultKind::Head(e.fault), e.message.clone());
                        chosen.invalid_go.pop();
                        chosen.name = first.map(|(_, name)| name).unwrap_or_default();
                        chosen.forget_imports();
                        return chosen;
                    }
                }
                FileKind::Go(Err(e)) => {
                    chosen.bad(&file.name, e.offset, &e.position, FaultKind::Head(e.fault), e.message.clone());
                    if matches!(e.fault, header::Fault::Constraints | header::Fault::Nul) {
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
    fn forget_imports(&mut self) {
        for part in [&mut self.package, &mut self.test, &mut self.external_test] {
            part.import_sites.clear();
            part.embed_sites.clear();
        }
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
        part.add_go(file, header);
    }
}

impl Chosen {
    /// The names of all files in the directory that some build could use, as Go checks them (`(*Package).AllFiles`).
    pub fn all_files(&self) -> BTreeSet<String> {
        let parts = [&self.package, &self.test, &self.external_test].into_iter().flat_map(|part| part.files.sources());
        parts.chain(self.ignored_go.iter().chain(&self.ignored_other).map(String::as_str)).map(str::to_owned).collect()
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
            self.import_sites.entry(import.path.clone()).or_insert_with(site);
        }
        for embed in &header.embeds {
            let site = || site(embed.offset, embed.pattern.len(), &embed.position);
            self.embed_sites.entry(embed.pattern.clone()).or_insert_with(site);
        }
        self.debug.extend(header.debug());
        self.files.add(file);
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
