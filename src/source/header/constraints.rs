//! Build constraints at the head of a file of any kind (`parseFileHeader` and `shouldBuild` in `go/build`).

use super::extent::{self, Extent};
use super::{Fault, HeaderError, without_byte_order_mark};
use crate::source::constraint::{self, Constraint};
use crate::source::token::lossy;
use crate::source::unicode::trim;

/// What the comments at the head of a file say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The build constraint; `None` when there is none.
    pub constraint: Option<Constraint>,
    /// Whether there is a line `//go:binary-only-package`.
    pub binary_only: bool,
}

/// Reads the comments at the head of a Go file.
///
/// # Errors
///
/// A malformed `//go:build` line, or a second one.
pub fn head_of(content: &[u8]) -> Result<Head, HeaderError> {
    let (text, mark) = without_byte_order_mark(content);
    read(text).map_err(|error| error.moved(mark))
}

/// Reads the comments at the head of a file of another language. Go ignores them where it can't make sense of them.
///
/// # Errors
///
/// A malformed `//go:build` line.
pub fn head_of_other(content: &[u8]) -> Result<Head, HeaderError> {
    let (text, mark) = without_byte_order_mark(content);
    match extent::comments(text) {
        Extent::Head(length) => match read(&text[..length]) {
            Err(error) if error.fault == Fault::Constraints => Ok(Head::default()),
            head => head.map_err(|error| error.moved(mark)),
        },
        Extent::Whole | Extent::Nul => Ok(Head::default()),
    }
}

/// Whether the beginning of a file of another language has all that [`head_of_other`] looks at.
pub fn is_complete_other(start: &[u8]) -> bool {
    let (text, _) = without_byte_order_mark(start);
    matches!(extent::comments(text), Extent::Head(length) if length < text.len())
}

fn read(text: &[u8]) -> Result<Head, HeaderError> {
    let lines = leading_lines(text)?;
    let constraint = match lines.go_build {
        Some((offset, line)) => Some(go_build(text, offset, line)?),
        None => {
            let lines = text[..lines.plus_build_end].split(|&b| b == b'\n').map(trim);
            let marked = lines.filter(|line| line.starts_with(b"//") && memchr::memmem::find(line, b"+build").is_some());
            Constraint::all(marked.filter_map(|line| constraint::plus_build(&lossy(line))))
        }
    };
    Ok(Head { constraint, binary_only: lines.binary_only })
}

fn go_build(text: &[u8], offset: usize, line: &[u8]) -> Result<Constraint, HeaderError> {
    let shown = lossy(line);
    let expression = constraint::go_build_expression(&shown).unwrap_or_default();
    expression.parse().map_err(|error: constraint::SyntaxError| {
        // The expression is the end of the line. Bytes that aren't UTF-8 take more room in `shown` than in the line.
        let before = shown.rfind(expression).unwrap_or(0);
        HeaderError::at(Fault::Constraint, text, offset + (before + error.offset).min(line.len()), error.message)
    })
}

struct Lines<'a> {
    /// The `//go:build` line and its offset.
    go_build: Option<(usize, &'a [u8])>,
    /// Where `// +build` lines end: at the last blank line in the leading run of `//` comments.
    plus_build_end: usize,
    binary_only: bool,
}

fn leading_lines(text: &[u8]) -> Result<Lines<'_>, HeaderError> {
    let mut found = Lines { go_build: None, plus_build_end: 0, binary_only: false };
    let mut in_block = false;
    let mut only_line_comments = true;
    let mut offset = 0;
    for whole in text.split_inclusive(|&b| b == b'\n') {
        let start = offset;
        offset += whole.len();
        let mut line = trim(whole);
        if line.is_empty() && only_line_comments {
            found.plus_build_end = offset;
            continue;
        }
        only_line_comments &= line.starts_with(b"//");
        if !in_block && line.starts_with(b"//go:b") {
            let start = start + (line.as_ptr() as usize - whole.as_ptr() as usize);
            if constraint::go_build_expression(&lossy(line)).is_some() {
                if found.go_build.is_some() {
                    return Err(HeaderError::at(Fault::Constraints, text, start, "multiple //go:build comments"));
                }
                found.go_build = Some((start, line));
            }
            found.binary_only |= line == b"//go:binary-only-package";
        }
        while !line.is_empty() {
            if in_block {
                let Some(end) = memchr::memmem::find(line, b"*/") else { break };
                in_block = false;
                line = trim(&line[end + 2..]);
            } else if line.starts_with(b"//") {
                break;
            } else if let Some(rest) = line.strip_prefix(b"/*") {
                in_block = true;
                line = trim(rest);
            } else {
                return Ok(found);
            }
        }
    }
    Ok(found)
}
