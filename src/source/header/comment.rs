//! The text of comments (`ast.CommentGroup.Text`).

use std::borrow::Cow;

use crate::source::token::{Kind, Token, lossy};

/// A comment as Go's scanner gives it: without carriage returns.
pub(super) fn text<'a>(token: &Token<'a>) -> Cow<'a, [u8]> {
    if !token.text.contains(&b'\r') {
        return Cow::Borrowed(token.text);
    }
    let is_block = token.kind == Kind::BlockComment;
    let mut text: Vec<u8> = Vec::with_capacity(token.text.len());
    for (at, &byte) in token.text.iter().enumerate() {
        // Without it, the comment would end here.
        let keeps = is_block && text.len() > 2 && text.last() == Some(&b'*') && token.text.get(at + 1) == Some(&b'/');
        if byte != b'\r' || keeps {
            text.push(byte);
        }
    }
    Cow::Owned(text)
}

/// The lines of a group of comments, without markers and directives, and with no more than one blank line in a row; each ends with a
/// line end.
pub(crate) fn group_text(group: &[Token]) -> String {
    let mut out = String::new();
    let mut blank = true;
    for token in group {
        let text = text(token);
        let body = match token.kind {
            Kind::LineComment => match &text[2..] {
                [b' ', rest @ ..] => rest,
                body if is_directive(body) => continue,
                body => body,
            },
            _ => text[2..].strip_suffix(b"*/").unwrap_or(&text[2..]),
        };
        for line in lossy(body).split('\n') {
            let line = line.trim_end_matches([' ', '\t', '\r']);
            if line.is_empty() && blank {
                continue;
            }
            blank = line.is_empty();
            out.push_str(line);
            out.push('\n');
        }
    }
    if out.ends_with("\n\n") {
        out.pop();
    }
    out
}

/// Whether a line comment, without its slashes, is for tools.
fn is_directive(text: &[u8]) -> bool {
    let named = [&b"line "[..], b"extern ", b"export "].iter().any(|name| text.starts_with(name));
    let is_word = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let colon = text.iter().position(|&b| b == b':').filter(|at| *at > 0 && at + 1 < text.len());
    named || colon.is_some_and(|at| text[..at].iter().all(is_word) && is_word(&text[at + 1]))
}
