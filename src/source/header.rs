//! What the head of a source file says: package, imports, constraints, directives (`go/build`: `read.go`, `shouldBuild`).

pub(crate) mod comment;
mod constraints;
mod embed;
mod extent;
mod parser;

use serde::{Deserialize, Serialize};

use crate::source::synopsis::synopsis;
use crate::source::token::{Position, Token, lossy, unquote};
use crate::source::unicode::{is_graphic, is_space};
use extent::Extent;

pub use constraints::{Head, head_of, head_of_other, is_complete_other};

/// The head of a Go file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoHeader {
    /// The name in the package clause.
    pub package: String,
    /// The first sentence of the package comment, as `go/doc` gives it; empty when there is none.
    pub doc: String,
    /// The imports in source order, `"C"` too.
    pub imports: Vec<Import>,
    /// The patterns of `//go:embed` lines in source order; none unless the file imports `embed`.
    pub embeds: Vec<EmbedPattern>,
    /// The `#cgo` lines in the comments on `import "C"`, trimmed, whether they are well formed or not.
    pub cgo: Vec<String>,
    /// The comments `//go:…` before the package clause.
    pub directives: Vec<Directive>,
}

/// An import declaration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Import {
    /// The import path, unquoted.
    pub path: String,
    /// Byte offset of the path's literal.
    pub offset: usize,
    /// The literal's length in bytes.
    pub width: usize,
    /// Where the import begins, which is its name if it has one: the place that `go list` shows.
    pub position: Position,
}

/// A pattern of a `//go:embed` line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmbedPattern {
    /// The pattern, unquoted.
    pub pattern: String,
    /// Byte offset of the pattern.
    pub offset: usize,
    /// Where it stands.
    pub position: Position,
}

/// A comment `//go:…` before the package clause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Directive {
    /// The whole comment.
    pub text: String,
    /// Its byte offset.
    pub offset: usize,
    /// Where it stands.
    pub position: Position,
}

/// The setting of a `//go:debug` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DebugSetting {
    /// The setting, e.g. `panicnil`.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// How a head is wrong, which decides what Go makes of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// `go/parser` reports it. The file counts as one of the package in its package clause, if it has got that far.
    Syntax,
    /// An import path has characters that no import path has. The file counts as one of its package; Go puts `<path>:<position>: `
    /// before the message.
    ImportPath,
    /// The build constraint is malformed. Go gives up the directory, and puts `<file name>: parsing //go:build line: ` before the
    /// message.
    Constraint,
    /// There is more than one `//go:build` line. The file counts for nothing; Go puts `<file name>: ` before the message.
    Constraints,
    /// There is a NUL byte. The file counts for nothing; Go puts `read <path>: ` before the message.
    Nul,
    /// It can't be opened, such as a symbolic link that leads nowhere. The file counts for nothing, unless its name excludes it; Go puts
    /// `open <path>: ` before the message.
    Unreadable,
}

/// Why a file's head can't be read: the first error in the order of places.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{message}")]
pub struct HeaderError {
    /// What kind of error it is.
    pub fault: Fault,
    /// Byte offset in the file.
    pub offset: usize,
    /// Where that is, as Go shows it.
    pub position: Position,
    /// What is wrong there, in Go's words.
    pub message: String,
    /// How many more errors Go reports of this file.
    pub more: usize,
    /// The name in the package clause; empty if there is none, or if that is what is wrong.
    pub package: String,
    /// As [`GoHeader::doc`].
    pub doc: String,
}

type Result<T> = std::result::Result<T, HeaderError>;

/// Without the byte order mark, which `go/build` passes over, and how long that is.
fn without_byte_order_mark(content: &[u8]) -> (&[u8], usize) {
    content.strip_prefix(b"\xef\xbb\xbf").map_or((content, 0), |rest| (rest, 3))
}

impl HeaderError {
    /// An error that Go gives no place of its own.
    fn at(fault: Fault, text: &[u8], offset: usize, message: impl Into<String>) -> HeaderError {
        let before = &text[..offset];
        let start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
        let line = 1 + memchr::memchr_iter(b'\n', before).count() as u32;
        let position = Position { file: None, line, column: (offset - start) as u32 + 1 };
        let (package, doc) = (String::new(), String::new());
        HeaderError { fault, offset, position, message: message.into(), more: 0, package, doc }
    }

    /// Of a file that can't be read.
    pub(super) fn unreadable(error: &std::io::Error) -> HeaderError {
        // Go has the system's words without capital letter and number.
        let text = error.to_string();
        let text = text.split(" (os error").next().unwrap_or_default();
        let first = text.chars().next().map(|c| c.to_ascii_lowercase());
        let message: String = first.into_iter().chain(text.chars().skip(1)).collect();
        let (position, package, doc) = Default::default();
        HeaderError { fault: Fault::Unreadable, offset: 0, position, message, more: 0, package, doc }
    }

    fn moved(mut self, by: usize) -> HeaderError {
        self.offset += by;
        self
    }
}

impl GoHeader {
    /// Reads the head of the Go file with this name, which decides about the order of errors only. Any bytes are accepted. The build constraint is not part of it: see [`head_of`].
    ///
    /// # Errors
    ///
    /// A syntax error up to the last import, an import path that can't be one, or a NUL byte.
    pub fn parse(name: &str, content: &[u8]) -> Result<GoHeader> {
        let (text, mark) = without_byte_order_mark(content);
        let head = match extent::go_file(text) {
            Extent::Head(length) => &text[..length],
            Extent::Whole => text,
            Extent::Nul => {
                let at = memchr::memchr(0, text).unwrap_or_default();
                return Err(HeaderError::at(Fault::Nul, text, at, "unexpected NUL in input").moved(mark));
            }
        };
        GoHeader::parse_head(name, text, head, mark).map_err(|error| error.moved(mark))
    }

    fn parse_head(name: &str, text: &[u8], head: &[u8], mark: usize) -> Result<GoHeader> {
        let file = parser::parse(name, head)?;
        let doc = synopsis(&comment::group_text(&file.doc));
        let mut header = GoHeader { package: file.package, doc, ..GoHeader::default() };
        for spec in file.imports {
            let bytes = unquote(spec.path.text).unwrap_or_default();
            let path = lossy(&bytes).into_owned();
            if !is_valid_import(&path) {
                let message = format!("invalid import path: {path}");
                let (GoHeader { package, doc, .. }, position) = (header, spec.position);
                return Err(HeaderError {
                    fault: Fault::ImportPath,
                    offset: spec.start,
                    position,
                    message,
                    more: 0,
                    package,
                    doc,
                });
            }
            if path == "C" {
                header.cgo.extend(cgo_lines(&spec.doc));
            }
            let (offset, width) = (spec.path.start + mark, spec.path.text.len());
            header.imports.push(Import { path, offset, width, position: spec.position });
        }
        if header.imports.iter().any(|import| import.path == "embed") {
            header.embeds = embed::patterns(text);
            header.embeds.iter_mut().for_each(|embed| embed.offset += mark);
        }
        header.directives = file.directives;
        header.directives.iter_mut().for_each(|directive| directive.offset += mark);
        Ok(header)
    }

    /// The settings of the `//go:debug` lines, without those that are malformed.
    pub fn debug(&self) -> impl Iterator<Item = DebugSetting> {
        self.directives.iter().filter_map(|directive| directive.debug_setting().ok().flatten())
    }

    /// Whether the beginning of a Go file has all that [`GoHeader::parse`] and [`head_of`] look at.
    pub fn is_complete(start: &[u8]) -> bool {
        let (text, _) = without_byte_order_mark(start);
        let Extent::Head(length) = extent::go_file(text) else { return false };
        // Whoever imports `embed`, in whichever spelling, may have patterns in the rest.
        let embeds =
            || memchr::memmem::find(&text[..length], b"embed").is_some() || memchr::memchr(b'\\', &text[..length]).is_some();
        length < text.len() && !embeds()
    }

    /// Whether the file imports `"C"`.
    pub fn uses_cgo(&self) -> bool {
        self.imports.iter().any(|import| import.path == "C")
    }
}

/// `isValidImport` in `go/build`: no control characters, spaces or most punctuation.
fn is_valid_import(path: &str) -> bool {
    let illegal = |c: char| !is_graphic(c) || is_space(c) || "!\"#$%&'()*,:;<=>?[\\]^{|}`\u{FFFD}".contains(c);
    !path.is_empty() && !path.contains(illegal)
}

/// The `#cgo` lines of a comment.
fn cgo_lines(group: &[Token]) -> Vec<String> {
    let is_cgo = |line: &&str| line.starts_with("#cgo ") || line.starts_with("#cgo\t");
    comment::group_text(group).split('\n').map(str::trim).filter(is_cgo).map(str::to_owned).collect()
}

impl Directive {
    /// The setting of a `//go:debug` line; `None` for other directives.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in Go's words, without `invalid //go:debug: ` before them.
    pub fn debug_setting(&self) -> std::result::Result<Option<DebugSetting>, String> {
        let Some(rest) = self.text.strip_prefix("//go:debug") else { return Ok(None) };
        let Some(space) = rest.find([' ', '\t']) else {
            return if rest.trim().is_empty() { Err("missing key=value".to_owned()) } else { Ok(None) };
        };
        let (key, value) = rest[space..].trim().split_once('=').ok_or("missing key=value")?;
        for (what, part) in [("key", key), ("value", value)] {
            if part.contains([' ', '\t']) {
                return Err(format!("{what} contains space"));
            }
            if part.contains(',') {
                return Err(format!("{what} contains comma"));
            }
        }
        Ok(Some(DebugSetting { key: key.to_owned(), value: value.to_owned() }))
    }
}

#[cfg(test)]
mod tests;
