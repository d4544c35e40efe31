//! `//go:embed` comments, anywhere in a file.

use super::{EmbedPattern, comment};
use crate::source::token::{Kind, Lexer, decode, lossy, quoted_prefix};
use crate::source::unicode::{is_space, trim};

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
        let arguments = &comment["//go:embed".len()..];
        if begins_with_space(arguments) {
            let found = split(arguments).unwrap_or_default();
            patterns.extend(found.into_iter().map(|(pattern, at)| {
                let offset = token.start + "//go:embed".len() + at;
                EmbedPattern { pattern, offset, position: lexer.position(offset) }
            }));
        }
    }
}

fn begins_with_space(text: &[u8]) -> bool {
    !text.is_empty() && is_space(decode(text).0)
}

/// Splits the arguments of a directive, words and strings quoted in either way, with their offsets (`ast.Directive.ParseArgs`).
fn split(text: &[u8]) -> Option<Vec<(String, usize)>> {
    let mut arguments = Vec::new();
    let mut rest = trim(text);
    while !rest.is_empty() {
        let at = rest.as_ptr() as usize - text.as_ptr() as usize;
        let (argument, length) = match rest[0] {
            b'"' | b'`' => {
                let (value, length) = quoted_prefix(rest)?;
                (lossy(&value).into_owned(), length)
            }
            _ => {
                let length = (0..rest.len()).find(|at| begins_with_space(&rest[*at..])).unwrap_or(rest.len());
                (lossy(&rest[..length]).into_owned(), length)
            }
        };
        arguments.push((argument, at));
        rest = &rest[length..];
        if !rest.is_empty() && !begins_with_space(rest) {
            return None;
        }
        rest = trim(rest);
    }
    Some(arguments)
}
