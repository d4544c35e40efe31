//! What a build sees in a directory, whatever is wrong there (`(*IndexPackage).Import` in `cmd/go/internal/modindex`).

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::source::context::BuildContext;
use crate::source::embed;
use crate::source::header::GoHeader;
use crate::source::record::FileGroup;
use crate::source::scan::{Chosen, FileKind, ImportSite, ScannedPackage, Selection, SourceFile};
use crate::source::tree::Tree;

/// The first thing that is wrong with the Go files of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file's name in its directory.
    pub file: String,
    /// Byte offset in the file.
    pub offset: usize,
    /// What it is.
    pub kind: FaultKind,
    /// What is wrong, without file and place.
    pub message: String,
}

/// What is wrong with a Go file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// A syntax error, the only fault whose place Go shows.
    Syntax,
    /// A malformed build constraint.
    Constraint,
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
            if matches!(&file.kind, FileKind::Go(Err(_))) {
                chosen.add_go(file, &mut first, context, directory);
                continue;
            }
            let go = file.name.ends_with(".go");
            if file.kind == FileKind::Ignored || !file.constraint.as_ref().is_none_or(|c| c.eval(&|tag| context.satisfies(tag))) {
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
    fn bad(&mut self, file: &str, offset: usize, kind: FaultKind, message: String) {
        if self.fault.is_none() {
            self.fault = Some(Fault { file: file.to_owned(), offset, kind, message });
        }
        if self.invalid_go.last().is_none_or(|last| last != file) {
            self.invalid_go.push(file.to_owned());
        }
    }

    /// Adds a Go file. `first` is the first file and the package's name.
    fn add_go(&mut self, file: &SourceFile, first: &mut Option<(String, String)>, context: &BuildContext, directory: &str) {
        let FileKind::Go(header) = &file.kind else { return };
        let nothing = GoHeader::default();
        let header = match header {
            Ok(header) => header,
            Err(e) if e.is_constraint() => {
                return self.bad(&file.name, e.offset, FaultKind::Constraint, e.message.clone());
            }
            Err(e) => {
                self.bad(&file.name, e.offset, FaultKind::Syntax, e.message.clone());
                &nothing
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
                self.bad(&file.name, 0, FaultKind::Packages, message);
            }
            Some((_, known)) if known == name => {}
            _ => *first = Some((file.name.clone(), name.to_owned())),
        }
        if self.doc.is_empty() && !file.is_test() {
            self.doc.clone_from(&header.doc);
        }
        let cgo = header.uses_cgo();
        if cgo && file.is_test() {
            let offset = header.imports.iter().find(|i| i.path == "C").map_or(0, |i| i.offset);
            let message = format!("use of cgo in test {} not supported", file.name);
            self.bad(&file.name, offset, FaultKind::CgoInTest, message);
        }
        if let Err(message) = self.cgo_flags.add(&header.cgo, context, directory) {
            self.bad(&file.name, 0, FaultKind::CgoLine, message);
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
        let site = |offset, width| ImportSite { file: file.name.clone(), offset, width };
        for import in &header.imports {
            self.import_sites.entry(import.path.clone()).or_insert_with(|| site(import.offset, import.width));
        }
        for embed in &header.embeds {
            self.embed_sites.entry(embed.pattern.clone()).or_insert_with(|| site(embed.offset, embed.pattern.len()));
        }
        self.debug.extend(header.debug.iter().cloned());
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
