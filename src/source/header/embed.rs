//! `//go:embed` comments, anywhere in a file.

use super::{EmbedPattern, comment};
use crate::source::token::{Kind, Lexer, lossy, quoted_prefix};
use crate::source::unicode::is_space;

/// The patterns of all `//go:embed` comments; malformed ones are left to the compiler, which reports them.
pub(super) fn patterns(text: &[u8]) -> Vec<EmbedPattern> {
    let mut lexer = Lexer::new(text);
    let mut patterns = Vec::new();
    loop {
        let token = lexer.next_token();
        if token.kind == Kind::End {
            return patterns;
        }
        if token.kind != Kind::LineComment {
            continue;
        }
        let comment = comment::text(&token);
        if !comment.starts_with(b"//go:embed") {
            continue;
        }
        let comment = lossy(&comment);
        let arguments = &comment["//go:embed".len()..];
        if arguments.starts_with(is_space) {
            let found = split(arguments).unwrap_or_default();
            patterns.extend(found.into_iter().map(|(pattern, at)| {
                let offset = token.start + "//go:embed".len() + at;
                EmbedPattern { pattern, offset, position: lexer.position(offset) }
            }));
        }
    }
}

/// Splits the arguments of a directive, words and strings quoted in either way, with their offsets (`ast.Directive.ParseArgs`).
fn split(text: &str) -> Option<Vec<(String, usize)>> {
    let mut arguments = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let at = rest.as_ptr() as usize - text.as_ptr() as usize;
        let (argument, length) = match rest.as_bytes()[0] {
            b'"' | b'`' => {
                let (value, length) = quoted_prefix(rest.as_bytes())?;
                (lossy(&value).into_owned(), length)
            }
            _ => {
                let length = rest.find(is_space).unwrap_or(rest.len());
                (rest[..length].to_owned(), length)
            }
        };
        arguments.push((argument, at));
        rest = &rest[length..];
        if !rest.is_empty() && !rest.starts_with(is_space) {
            return None;
        }
        rest = rest.trim_start();
    }
    Some(arguments)
}
