//! Errors about packages as a strict loader gives them: with a place in the repository, and advice.

use super::load::{Id, Import, Loader};
use super::problem::{PackageError, Problem};
use super::{Origin, Sources};
use crate::error::Error;
use crate::source::choose::ImportSite;
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
