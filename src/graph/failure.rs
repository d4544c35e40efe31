//! Errors about packages as a strict loader gives them: with a place in the repository, and advice.

use super::find::{Found, shown_position};
use super::implicit::SIMD_BRIDGE;
use super::load::{Id, Import, Loader, is_local};
use super::loaded::{Loaded, is_same};
use super::problem::{PackageError, Problem, ProblemKind};
use super::resolve::may_import;
use super::{Origin, Sources};
use crate::error::{Class, Error, Result};
use crate::source::choose::ImportSite;
use crate::source::token::Position;
use crate::source::tree::join;

/// An error about a package: as the go command describes it, and for what needs the package.
pub(super) struct Failure {
    pub(super) error: PackageError,
    pub(super) strict: Error,
}

impl Loader<'_> {
    pub(super) fn failure(&self, text: String, position: String, strict: Error) -> Failure {
        Failure { error: self.error(text, position), strict }
    }

    /// The text of a problem; of a missing package in a workspace with the module that needs it.
    pub(super) fn with_module(&self, problem: &Problem) -> String {
        let (advice, sources) = ("; to add it:\n\tgo get ", self.sources);
        let importers = self.stack.iter().rev().filter_map(|importer| self.loaded(&importer.path));
        let mut modules = importers.filter_map(|package| match &package.found.origin {
            Some(Origin::Main { index, .. }) => Some(&sources.main[*index]).filter(|module| module.stands_for.is_none()),
            _ => None,
        });
        match (problem.text.split_once(advice), modules.next()) {
            // The go command is somewhere else.
            (Some((what, path)), Some(module)) if sources.in_workspace && !module.directory.is_empty() => {
                format!("{what}; to add it:\n\tcd {}\n\tgo get {path}", sources.in_root(&module.directory))
            }
            _ => problem.text.clone(),
        }
    }

    /// An import cycle that ends with a package that is being loaded.
    pub(super) fn cycle(&self, id: Id) -> Failure {
        let path = &self.packages[id].path;
        let start = self.stack.iter().position(|importer| importer.path == *path).unwrap_or(0);
        let cycle: Vec<&str> = self.stack[start..].iter().map(|importer| &*importer.path).collect();
        let strict = Error::input(format!("import cycle not allowed: {}", cycle.join(" -> ")));
        self.failure("import cycle not allowed".to_owned(), String::new(), strict)
    }

    /// An error about an import, with its place.
    pub(super) fn located(&self, error: Error, import: Import) -> Error {
        let Some(parent) = import.parent else { return error };
        match import.site {
            Some(site) => {
                let place = self.in_file(parent, site, error.message());
                // The class stays: a wrong hash is one, whichever import asked for the module.
                match place.location() {
                    Some(location) => error.at(location.clone()),
                    None => place,
                }
            }
            None => error
                .context(self.sources.place(&self.packages[parent].found.path, self.packages[parent].found.origin.as_ref())),
        }
    }

    /// An error at a place in a file of a package.
    pub(super) fn in_file(&self, id: Id, site: &ImportSite, message: &str) -> Error {
        let found = &self.packages[id].found;
        let package = match &found.origin {
            Some(Origin::Main { index, directory }) => self.sources.main_package(*index, directory),
            _ => Ok(None),
        };
        match package {
            Ok(Some(package)) => package.error(self.sources.tree, &site.file, site.offset, site.width, message),
            _ => self.of_package(id, message),
        }
    }

    /// An error about a package.
    pub(super) fn of_package(&self, id: Id, message: &str) -> Error {
        let found = &self.packages[id].found;
        match self.sources.place(&found.path, found.origin.as_ref()) {
            root if root == "." => Error::input(message),
            place => Error::input(message).context(place),
        }
    }

    pub(super) fn error(&self, text: String, position: String) -> PackageError {
        PackageError { stack: self.stack.clone(), position, text, is_cycle: false, shows_stack: false }
    }

    /// Notes an error unless there is one already.
    pub(super) fn fail(&mut self, id: Id, failure: Failure) -> Result<()> {
        if self.is_strict {
            return Err(failure.strict);
        }
        let package = &mut self.packages[id];
        if package.error.is_none() {
            self.errors.push(failure.error);
            package.error = Some(self.errors.len() - 1);
            package.is_incomplete = true;
        }
        Ok(())
    }

    /// An error of a package that isn't on the stack yet: it stands where it is imported (`setError` in `(*Package).load`).
    pub(super) fn failed(&mut self, id: Id, text: String, import: Import) -> Result<()> {
        let outside = self.stack.last().is_some_and(|top| *top.path != *import.path);
        let position = if outside { self.import_position(import) } else { String::new() };
        let strict = self.of_package(id, &text);
        let failure = self.failure(text, position, strict);
        self.fail(id, failure)
    }

    /// An error of finding a package (`setLoadPackageDataError`).
    ///
    /// # Errors
    ///
    /// The problem itself, for a strict loader, or if it isn't one of the sources.
    pub(super) fn loading_failed(&mut self, id: Id, problem: &Problem, path: &str, import: Import) -> Result<()> {
        let found = self.packages[id].found.clone();
        let position = match &problem.kind {
            ProblemKind::Syntax { file, position } => self.position(&found, file, position),
            _ => String::new(),
        };
        let of_package = !matches!(problem.kind, ProblemKind::Import | ProblemKind::Missing);
        if of_package {
            self.push(import);
        }
        let mut error = self.error(self.with_module(problem), position);
        if self.stack.last().is_some_and(|top| *top.path != *path) {
            let position = self.import_position(import);
            if !position.is_empty() {
                error.position = position;
            }
        }
        if of_package {
            self.stack.pop();
        }
        let strict = match found.origin {
            Some(_) => problem.error.clone(),
            None => self.located(problem.error.clone(), import),
        };
        // A module that can't be fetched, or isn't the pinned one, is nothing that a list could show.
        if problem.error.class() != Class::Input {
            return Err(strict);
        }
        self.packages[id].error = None;
        self.fail(id, Failure { error, strict })
    }

    /// Where an import stands; empty when that isn't known.
    pub(super) fn import_position(&self, import: Import) -> String {
        match (import.site, import.parent) {
            (Some(site), Some(parent)) => self.position(&self.packages[parent].found, &site.file, &site.position),
            _ => String::new(),
        }
    }

    /// `file:line:column`, with a relative path if that is shorter.
    pub(super) fn position(&self, found: &Found, file: &str, position: &Position) -> String {
        self.sources.shown(&shown_position(&found.directory, file, position))
    }

    /// Why the importer may not import a package: it is internal, vendored or a program.
    pub(super) fn refusal(&mut self, id: Id, import: Import) -> Option<Failure> {
        let importer = self.importer_path(import.parent?);
        let parent = &self.packages[import.parent?];
        let (package, written) = (&self.packages[id], import.path);
        let path = &package.path;
        let by_simd = import.by_simd && written == SIMD_BRIDGE;
        let origins = (&parent.found.origin, &package.found.origin);
        let (text, shows_stack) = match origins {
            (Some(from), Some(to)) if !by_simd && package.error.is_none() && !may_import(&importer, from, path, to) => {
                (format!("use of internal package {path} not allowed"), true)
            }
            _ if vendored_elsewhere(package, &parent.found.directory) => {
                ("use of vendored package not allowed".to_owned(), false)
            }
            _ if find_vendor(written).is_some() => {
                (format!("{written} must be imported as {}", find_vendor(written).unwrap_or_default()), false)
            }
            _ if package.name() == "main" && !is_same(parent, package) => {
                (format!("import \"{written}\" is a program, not an importable package"), false)
            }
            _ if written == "." => (".: cannot import current directory".to_owned(), false),
            _ if is_local(written) => (format!("local import {written:?} in non-local package"), false),
            _ => return None,
        };
        let shown = if shows_stack { format!("{text} in {importer}") } else { text.clone() };
        let strict = self.located(Error::input(shown), import);
        let position = self.import_position(import);
        Some(Failure { error: PackageError { shows_stack, ..self.error(text, position) }, strict })
    }
}

impl Sources<'_> {
    /// A package's place for messages: the directory in the repository, or import path and module.
    pub(super) fn place(&self, path: &str, origin: Option<&Origin>) -> String {
        match origin {
            Some(Origin::Main { index, directory }) => match join(&self.main[*index].directory, directory) {
                root if root.is_empty() => ".".to_owned(),
                directory => directory,
            },
            Some(origin) => format!("{path} ({})", self.describe(origin)),
            None => path.to_owned(),
        }
    }
}

/// Whether a package is vendored in a directory that the importer's isn't below (`disallowVendorVisibility`).
fn vendored_elsewhere(package: &Loaded, importer: &str) -> bool {
    let (path, directory) = (&*package.path, &package.found.directory);
    let Some(after) = find_vendor(path) else { return false };
    let tail = format!("vendor/{after}");
    let Some(parent) = directory.strip_suffix(&tail) else { return false };
    !format!("{importer}/").starts_with(parent)
}

/// What stands after the last element `vendor`, which isn't the path's last (`FindVendor`).
fn find_vendor(path: &str) -> Option<&str> {
    match path.rfind("/vendor/") {
        Some(at) => Some(&path[at + "/vendor/".len()..]),
        None => path.strip_prefix("vendor/"),
    }
}
