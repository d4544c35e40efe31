//! What is wrong with a package, as the go command says it and as godirect does.

use std::sync::Arc;

use crate::error::Error;
use crate::source::token::Position;

/// What is wrong: with an import path, or with the package in a directory.
#[derive(Clone, Debug)]
pub struct Problem {
    /// In the words of the go command, for `list`.
    pub text: String,
    /// With advice, for what needs the package.
    pub error: Error,
    /// The directory that a pattern names, if that is what is wrong.
    pub directory: String,
    /// How the go command treats it.
    pub kind: ProblemKind,
}

/// How the go command treats a problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// No package has the import path.
    Missing,
    /// The import is wrong in another way, or the package in a way that has no place.
    Import,
    /// The directory has no Go files for the build: the package is wrong.
    NoGo,
    /// A syntax error in a file, at a place.
    Syntax {
        /// The file's name in its directory.
        file: String,
        /// Where.
        position: Position,
    },
}

impl Problem {
    /// A problem of an import.
    pub fn import(text: impl Into<String>, error: Error) -> Problem {
        Problem { text: text.into(), error, directory: String::new(), kind: ProblemKind::Import }
    }

    /// A problem of an import that godirect has the same words for.
    pub fn plain(text: impl Into<String>) -> Problem {
        let text = text.into();
        Problem { error: Error::input(text.as_str()), text, directory: String::new(), kind: ProblemKind::Import }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        Problem { text: error.to_string(), error, directory: String::new(), kind: ProblemKind::Import }
    }
}

/// An entry of an import stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Importer {
    /// An import path as written, or a description of a test.
    pub path: Arc<str>,
    /// The name of the file whose import leads here.
    pub file: Option<String>,
}

/// An error about a package (`load.PackageError` in cmd/go).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageError {
    /// The shortest way from a named package to this one.
    pub stack: Vec<Importer>,
    /// `file:line:column`, or empty.
    pub position: String,
    /// What is wrong.
    pub text: String,
    /// Whether the stack is an import cycle.
    pub is_cycle: bool,
    /// Whether people are shown the stack even if there is a position.
    pub shows_stack: bool,
}

impl PackageError {
    /// How the go command shows it to people (`(*PackageError).Error`).
    pub fn shown(&self) -> String {
        let Self { stack, position, text, .. } = self;
        if !position.is_empty() && (stack.is_empty() || !self.shows_stack) {
            return format!("{position}: {text}");
        }
        if stack.is_empty() {
            return text.clone();
        }
        let place = if position.is_empty() { String::new() } else { format!("\n\t{position}") };
        let named = |importer: &Importer| match &importer.file {
            Some(file) if self.is_cycle => format!("{} from {file}", importer.path),
            _ => importer.path.to_string(),
        };
        let chain: Vec<String> = stack.iter().map(named).collect();
        format!("package {}{place}: {text}", chain.join("\n\timports "))
    }
}
