//! What an import path stands for when source is read as it is: a directory, what a build sees there, and what is wrong
//! (`loadPackageData` in `cmd/go/internal/load`).

use std::sync::Arc;

use super::problem::{Problem, ProblemKind};
use super::{Origin, Sources, ThirdParty};
use crate::error::{Error, Result};
use crate::source::choose::{Fault, FaultKind};
use crate::source::context::BuildContext;
use crate::source::header;
use crate::source::scan::{Chosen, ScannedPackage};
use crate::source::token::Position;
use crate::source::tree::{clean, join};

/// What an import path stands for.
#[derive(Clone, Debug)]
pub struct Found {
    /// The import path; `vendor/…` where std or cmd vendors it.
    pub path: Arc<str>,
    /// Where it is.
    pub origin: Option<Origin>,
    /// Its directory on disk, empty when there is none.
    pub directory: String,
    /// What the build sees there.
    pub chosen: Arc<Chosen>,
    /// What is wrong.
    pub problem: Option<Problem>,
}

impl Sources<'_> {
    /// The package that `path` means; it isn't resolved any further.
    ///
    /// # Errors
    ///
    /// Only what stops everything: a directory that can't be read.
    pub fn find(&self, path: &str, context: &BuildContext) -> Result<Found> {
        let (path, missing): (Arc<str>, _) = (path.into(), Arc::new(Chosen::default()));
        let origin = match self.locate(&path) {
            Ok(origin) => origin,
            Err(problem) => {
                return Ok(Found { path, origin: None, directory: String::new(), chosen: missing, problem: Some(problem) });
            }
        };
        let directory = self.directory_of(&origin, &path)?;
        let scanned = self.source_of(&origin, &path)?;
        let chosen = scanned.as_ref().map_or(missing, |s| Arc::new(s.select(context, &directory)));
        let problem = self.problem_of(&path, scanned.as_deref(), &chosen, &directory);
        Ok(Found { path, origin: Some(origin), directory, chosen, problem })
    }

    /// The source of a package that was located.
    pub fn source_of(&self, origin: &Origin, path: &str) -> Result<Option<Arc<ScannedPackage>>> {
        match origin {
            Origin::Std => self.std_source(path),
            Origin::Main { index, directory } => self.main_package(*index, directory),
            Origin::Module { index, directory } => self.module_source(*index, directory),
        }
    }

    /// Where a package is on disk.
    pub fn directory_of(&self, origin: &Origin, path: &str) -> Result<String> {
        Ok(match origin {
            Origin::Std => match self.std {
                super::Std::Tree(tree) => tree.path(path).display().to_string(),
                super::Std::Recorded(_) => String::new(),
            },
            Origin::Main { index, directory } => self.in_root(&join(&self.main[*index].directory, directory)),
            Origin::Module { index, directory } => match &self.third_party {
                ThirdParty::VendorTree { modules, directory: vendor, .. } => {
                    self.in_root(&join(&join(vendor, modules[*index].path.as_str()), directory))
                }
                _ => self.module_tree(*index)?.path(directory).display().to_string(),
            },
        })
    }

    /// A path of the tree on disk.
    pub fn in_root(&self, path: &str) -> String {
        match (path, self.root.as_str()) {
            ("", root) => root.to_owned(),
            (path, "/") => format!("/{path}"),
            (path, root) => format!("{root}/{path}"),
        }
    }

    fn problem_of(&self, path: &str, scanned: Option<&ScannedPackage>, chosen: &Chosen, directory: &str) -> Option<Problem> {
        if let Some(fault) = &chosen.fault {
            return Some(problem_of_fault(fault, directory));
        }
        let [package, test, external] =
            [&chosen.package, &chosen.test, &chosen.external_test].map(|s| s.files.go.is_empty() && s.files.cgo.is_empty());
        if !(package && test && external) {
            return None;
        }
        let what = if chosen.ignored_go.is_empty() { "no Go files in" } else { "build constraints exclude all Go files in" };
        let place = scanned.map_or(path, |s| s.directory.as_str());
        let error = Error::input(format!("{what} {place}"));
        Some(Problem { text: format!("{what} {directory}"), error, kind: ProblemKind::NoGo })
    }
}

fn problem_of_fault(fault: &Fault, directory: &str) -> Problem {
    let Fault { file, position, kind, message, .. } = fault;
    let (text, kind) = match kind {
        FaultKind::Head(header::Fault::Syntax) => {
            (message.clone(), ProblemKind::Syntax { file: file.clone(), position: position.clone() })
        }
        FaultKind::Head(header::Fault::ImportPath) => {
            (format!("{}: {message}", shown_position(directory, file, position)), ProblemKind::Import)
        }
        FaultKind::Head(header::Fault::Constraint) => {
            (format!("{file}: parsing //go:build line: {message}"), ProblemKind::Import)
        }
        FaultKind::Head(header::Fault::Nul) => (format!("read {directory}/{file}: {message}"), ProblemKind::Import),
        FaultKind::Head(header::Fault::Constraints) | FaultKind::CgoLine => (format!("{file}: {message}"), ProblemKind::Import),
        FaultKind::Packages => (format!("{message} in {directory}"), ProblemKind::Import),
        FaultKind::CgoInTest => (message.clone(), ProblemKind::Import),
    };
    Problem { error: Error::input(text.as_str()), text, kind }
}

/// `file:line:column` of a file in a directory (`token.Position.String`).
pub(super) fn shown_position(directory: &str, file: &str, position: &Position) -> String {
    let file = match position.file.as_deref() {
        None => format!("{directory}/{file}:"),
        Some("") => String::new(),
        Some(named) if named.starts_with('/') => format!("{named}:"),
        Some(named) => format!("{}:", clean(&format!("{directory}/{named}"))),
    };
    let column = if position.column == 0 { String::new() } else { format!(":{}", position.column) };
    format!("{file}{}{column}", position.line)
}
