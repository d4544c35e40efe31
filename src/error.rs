//! Errors as a person needs them: what, where, why and what to do, and the exit code a script can rely on.

use std::fmt;
use std::path::{Path, PathBuf};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// What a failure means to a script; the exit code of the process.
///
/// Success is 0. The codes are part of the command-line interface and don't change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The answer is no: the lock or generated files are stale, or the build failed (exit 1).
    Negative,
    /// The spec, go.mod, the lock or the command line is wrong (exit 2).
    Input,
    /// The network, the file system or a missing program (exit 3).
    Environment,
    /// A hash or a signature isn't the one that was pinned (exit 4).
    Verification,
}

impl Class {
    /// The exit code of the process.
    pub fn exit_code(self) -> u8 {
        match self {
            Class::Negative => 1,
            Class::Input => 2,
            Class::Environment => 3,
            Class::Verification => 4,
        }
    }
}

/// A place in a text file; lines and columns count from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The file, as the user would name it.
    pub path: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// How many characters the mark covers; at least 1.
    pub width: usize,
    /// The text of the line, without its end; empty when it isn't known.
    pub text: String,
}

impl Location {
    /// The place of byte `offset` in `content`, marking `width` bytes of it.
    pub fn in_text(path: impl Into<PathBuf>, content: &str, offset: usize, width: usize) -> Location {
        let offset = content.floor_char_boundary(offset.min(content.len()));
        let start = content[..offset].rfind('\n').map_or(0, |i| i + 1);
        let text = content[start..].lines().next().unwrap_or("");
        let end = content.floor_char_boundary((offset + width).min(start + text.len()).max(offset));
        Location {
            path: path.into(),
            line: content[..start].matches('\n').count() + 1,
            column: content[start..offset].chars().count() + 1,
            width: content[offset..end].chars().count().max(1),
            text: text.to_owned(),
        }
    }
}

/// A file of a directory as people name it: without `./` for one of the current directory.
pub fn file_in(directory: &Path, name: &str) -> PathBuf {
    if directory == Path::new(".") { PathBuf::from(name) } else { directory.join(name) }
}

/// A directory as people name it.
pub fn directory(directory: &Path) -> String {
    let current = directory == Path::new("") || directory == Path::new(".");
    if current { "this directory".to_owned() } else { directory.display().to_string() }
}

/// One failure: what and why in `message`, where in `location`, what to do in `help`.
///
/// Messages are lower-case fragments without a full stop, so that they can be joined.
#[derive(Clone, Debug)]
pub struct Error {
    inner: Box<Inner>,
}

#[derive(Clone, Debug)]
struct Inner {
    class: Class,
    message: String,
    location: Option<Location>,
    help: Option<String>,
}

/// The result of everything in godirect that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A failure of the given class.
    pub fn new(class: Class, message: impl Into<String>) -> Error {
        Error { inner: Box::new(Inner { class, message: message.into(), location: None, help: None }) }
    }

    /// Wrong input: spec, go.mod, lock, command line (exit 2).
    pub fn input(message: impl Into<String>) -> Error {
        Error::new(Class::Input, message)
    }

    /// Network, file system, missing program (exit 3).
    pub fn environment(message: impl Into<String>) -> Error {
        Error::new(Class::Environment, message)
    }

    /// A hash that isn't the pinned one (exit 4).
    pub fn verification(message: impl Into<String>) -> Error {
        Error::new(Class::Verification, message)
    }

    /// A failed operation on a file, e.g. `failed to read go.mod: permission denied`.
    pub fn io(action: &str, path: &Path, error: &std::io::Error) -> Error {
        Error::environment(format!("failed to {action} {}: {error}", path.display()))
    }

    /// Adds where the cause stands.
    pub fn at(mut self, location: Location) -> Error {
        self.inner.location = Some(location);
        self
    }

    /// Adds what to do about it: a command to run, or what to write instead.
    pub fn help(mut self, help: impl Into<String>) -> Error {
        self.inner.help = Some(help.into());
        self
    }

    /// Puts `context` before the message.
    pub fn context(mut self, context: impl fmt::Display) -> Error {
        self.inner.message = format!("{context}: {}", self.inner.message);
        self
    }

    /// The class, and so the exit code.
    pub fn class(&self) -> Class {
        self.inner.class
    }

    /// What happened and why, without place and advice.
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// Where the cause stands.
    pub fn location(&self) -> Option<&Location> {
        self.inner.location.as_ref()
    }

    /// What to do.
    pub fn advice(&self) -> Option<&str> {
        self.inner.help.as_deref()
    }

    /// The error as shown on a terminal; `color` decides about ANSI escapes.
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let path = self.location().map(|l| l.path.display().to_string());
        let mut group = Group::with_title(Level::ERROR.primary_title(self.message()));
        if let (Some(location), Some(path)) = (self.location(), &path) {
            let start = location.text.char_indices().nth(location.column - 1).map_or(location.text.len(), |(i, _)| i);
            let end = location.text[start..].char_indices().nth(location.width).map_or(location.text.len(), |(i, _)| start + i);
            group = group.element(
                Snippet::source(location.text.as_str())
                    .path(path.as_str())
                    .line_start(location.line)
                    .annotation(AnnotationKind::Primary.span(start..end)),
            );
        }
        let mut report = vec![group];
        if let Some(help) = self.advice() {
            report.push(Group::with_title(Level::HELP.secondary_title(help)));
        }
        renderer.render(&report)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(l) = self.location() {
            write!(f, "{}:{}:{}: ", l.path.display(), l.line, l.column)?;
        }
        f.write_str(self.message())?;
        match self.advice() {
            Some(help) => write!(f, " ({help})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_the_line_and_a_caret() {
        let text = "go_sdk()\nplatforms(\"windows/riscv64\")\n";
        let error = Error::input("unknown platform `windows/riscv64`")
            .at(Location::in_text("godirect.star", text, 19, 17))
            .help("`godirect platforms` lists what Go supports");
        assert_eq!(
            error.render(false),
            "error: unknown platform `windows/riscv64`\n\
             \x20--> godirect.star:2:11\n\
             \x20 |\n\
             2 | platforms(\"windows/riscv64\")\n\
             \x20 |           ^^^^^^^^^^^^^^^^^\n\
             \x20 |\n\
             help: `godirect platforms` lists what Go supports"
        );
    }

    #[test]
    fn place_is_right_after_other_alphabets() {
        let location = Location::in_text("a", "ключ = 1\n", "ключ = ".len(), 1);
        assert_eq!((location.line, location.column, location.width), (1, 8, 1));
    }
}
