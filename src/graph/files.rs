//! A package of Go files that are named one by one (`GoFilesPackage` in `cmd/go/internal/load`).

use std::sync::Arc;

use super::find::{Found, problem_of};
use super::load::{Id, Loader};
use super::problem::Problem;
use super::{Origin, Sources};
use crate::error::{Error, Result};
use crate::source::scan::{Tests, scan};
use crate::source::tree::{Tree, clean, join};

/// The import path of the package.
pub const COMMAND_LINE: &str = "command-line-arguments";

/// Whether the patterns are files: then one of them is a Go file that is there.
///
/// # Errors
///
/// When a directory can't be read.
pub fn are_files(sources: &Sources, patterns: &[String]) -> Result<bool> {
    for pattern in patterns.iter().filter(|pattern| pattern.ends_with(".go")) {
        if is_file(sources, pattern)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn place(sources: &Sources, file: &str) -> (String, String) {
    let absolute = if file.starts_with('/') { clean(file) } else { clean(&sources.in_root(file)) };
    let (directory, name) = absolute.rsplit_once('/').unwrap_or(("", &absolute));
    (directory.to_owned(), name.to_owned())
}

fn is_file(sources: &Sources, file: &str) -> Result<bool> {
    let (directory, name) = place(sources, file);
    Ok(sources.directory(&directory).list("")?.iter().any(|e| e.name == name && e.is_file()))
}

impl Loader<'_> {
    /// Loads the package that consists of these files.
    ///
    /// # Errors
    ///
    /// When one isn't there, or they are in several directories.
    pub fn load_files(&mut self, files: &[String]) -> Result<Id> {
        if let Some(other) = files.iter().find(|file| !file.ends_with(".go")) {
            let id = self.unmatched("", &Problem::plain(format!("named files must be .go files: {other}")))?;
            self.packages[id].name = Some(other.clone());
            return Ok(id);
        }
        let sources = self.sources;
        let mut names = Vec::new();
        let (directory, _) = place(sources, &files[0]);
        for file in files {
            let (other, name) = place(sources, file);
            if other != directory {
                let error = Error::input(format!("named files must all be in one directory; have {directory} and {other}"));
                return Err(error.help("name packages instead"));
            }
            if !is_file(sources, file)? {
                return Err(Error::input(format!("there is no file {file}")));
            }
            names.push(name);
        }
        let mut scanned = scan(&sources.directory(&directory), "", Tests::Include)?;
        scanned.files.retain(|file| names.contains(&file.name));
        scanned.files.iter_mut().for_each(|file| file.constraint = None);
        let chosen = Arc::new(scanned.select(self.context, &directory));
        let problem = problem_of(COMMAND_LINE, &chosen, &directory);
        let origin = sources.main_at(&directory).map(|(index, directory)| Origin::Main { index, directory });
        let found = Arc::new(Found { path: COMMAND_LINE.into(), origin, directory, chosen, problem });
        let id = self.load_found(found)?;
        self.packages[id].has_module = false;
        self.packages[id].matches = files.to_vec();
        Ok(id)
    }

    /// The import path of a directory of a main module, for files that are named one by one; `.` elsewhere.
    pub(super) fn importer_path(&self, id: Id) -> String {
        match &self.packages[id].found.origin {
            _ if *self.packages[id].path != *COMMAND_LINE => self.packages[id].path.to_string(),
            Some(Origin::Main { index, directory }) => join(self.sources.main[*index].path.as_str(), directory),
            _ => ".".to_owned(),
        }
    }
}
