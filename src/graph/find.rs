//! What an import path stands for when source is read as it is: a directory, what a build sees there, and what is wrong
//! (`loadPackageData` in `cmd/go/internal/load`).

use std::sync::Arc;

use super::problem::{Problem, ProblemKind};
use super::{Origin, Recorded, Sources, ThirdParty};
use crate::error::{Error, Result};
use crate::source::choose::Chosen;
use crate::source::choose::{Fault, FaultKind};
use crate::source::context::BuildContext;
use crate::source::header;
use crate::source::scan::ScannedPackage;
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
        let place = self.place(&path, Some(&origin));
        if let Some(recorded) = self.recorded(&origin, &path)? {
            let (chosen, problem) = match recorded.choose(context) {
                Ok(package) => (Chosen { name: package.name.clone(), package, ..Chosen::default() }, None),
                Err(why) => (Chosen::default(), Some(Problem::plain(format!("{place}: {why}")))),
            };
            let problem = problem.or_else(|| problem_of(&place, &chosen, &directory));
            return Ok(Found { path, origin: Some(origin), directory, chosen: Arc::new(chosen), problem });
        }
        let scanned = self.source_of(&origin, &path)?;
        let chosen = scanned.as_ref().map_or(missing, |s| Arc::new(s.select(context, &directory)));
        let mut problem = problem_of(&place, &chosen, &directory);
        if let (Some(problem), Some(fault), Some(scanned)) = (&mut problem, &chosen.fault, &scanned) {
            problem.error = scanned.refusal(self.tree, fault);
        }
        Ok(Found { path, origin: Some(origin), directory, chosen, problem })
    }

    /// What is wrong with a directory of a main module whose Go files are all unreadable.
    pub(super) fn unreadable(&self, index: usize, directory: &str) -> Result<Option<Problem>> {
        let Some(scanned) = self.main_package(index, directory)? else { return Ok(None) };
        let Some((file, why)) = scanned.without_readable() else { return Ok(None) };
        let place = self.in_root(&join(&scanned.directory, file));
        let problem = Problem::import(format!("stat {place}: {why}"), scanned.unreadable(file, why));
        Ok(Some(Problem { kind: ProblemKind::Missing, ..problem }))
    }

    /// The record of a package that was located.
    fn recorded(&self, origin: &Origin, path: &str) -> Result<Option<Recorded<'_>>> {
        match origin {
            Origin::Std => Ok(self.std_record(path).map(Recorded::Locked)),
            Origin::Module { index, directory } => self.module_package(*index, directory),
            Origin::Main { .. } => Ok(None),
        }
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
                ThirdParty::Unpacked { .. } => self.module_tree(*index)?.path(directory).display().to_string(),
                _ => String::new(),
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
}

/// What is wrong with what a build sees in a directory; `place` names the package in messages.
pub(super) fn problem_of(place: &str, chosen: &Chosen, directory: &str) -> Option<Problem> {
    if let Some(fault) = &chosen.fault {
        return Some(problem_of_fault(fault, directory));
    }
    let parts = [&chosen.package, &chosen.test, &chosen.external_test];
    if parts.into_iter().any(|part| !part.files.go.is_empty() || !part.files.cgo.is_empty()) {
        return None;
    }
    // A record has no files that no platform can choose.
    let excluded = directory.is_empty() || !chosen.ignored_go.is_empty();
    let what = if excluded { "build constraints exclude all Go files in" } else { "no Go files in" };
    let error = Error::input(format!("{what} {place}"));
    Some(Problem { text: format!("{what} {directory}"), error, directory: String::new(), kind: ProblemKind::NoGo })
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
        FaultKind::Head(header::Fault::Unreadable) => (format!("open {directory}/{file}: {message}"), ProblemKind::Import),
        FaultKind::Head(header::Fault::Nul) => (format!("read {directory}/{file}: {message}"), ProblemKind::Import),
        FaultKind::Head(header::Fault::Constraints) | FaultKind::CgoLine => (format!("{file}: {message}"), ProblemKind::Import),
        FaultKind::Packages => (format!("{message} in {directory}"), ProblemKind::Import),
        FaultKind::CgoInTest => (message.clone(), ProblemKind::Import),
    };
    Problem { error: Error::input(text.as_str()), text, directory: String::new(), kind }
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
