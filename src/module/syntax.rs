//! The syntax that go.mod and go.work share: lines of tokens, some in blocks (`golang.org/x/mod/modfile`, read.go).

use std::path::Path;

use crate::error::{Error, Location, Result};

/// A word, a quoted string (with its quotes) or a punctuation character.
#[derive(Clone, Debug)]
pub(super) struct Token<'a> {
    pub text: &'a str,
    /// Byte offset in the file.
    pub offset: usize,
}

/// Where a line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A directive of its own.
    Alone,
    /// The line that opens a block; its arguments are the words before the parenthesis, of which there should be none.
    Opening,
    /// A directive in a block, from which it has its verb.
    InBlock,
}

/// One directive, or the opening of a block.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub verb: Token<'a>,
    pub args: Vec<Token<'a>>,
    /// The comment at the end of the line, with its slashes; empty when there is none.
    pub comment: &'a str,
    pub place: Place,
}

/// A file with what is needed to point into it.
pub(super) struct File<'a> {
    pub path: &'a Path,
    pub content: &'a str,
}

impl<'a> File<'a> {
    /// An error that points at `width` bytes from `offset`.
    pub fn error(&self, offset: usize, width: usize, message: impl Into<String>) -> Error {
        Error::input(message).at(Location::in_text(self.path, self.content, offset, width))
    }

    /// An error that points at a token.
    pub fn error_at(&self, token: &Token<'_>, message: impl Into<String>) -> Error {
        self.error(token.offset, token.text.len(), message)
    }

    /// The directives of the file, in order.
    pub fn lines(&self) -> Result<Vec<Line<'a>>> {
        let mut lines = Vec::new();
        let mut block: Option<Token<'a>> = None;
        let mut offset = 0;
        for row in self.content.split('\n') {
            let (mut tokens, comment) = self.tokens(row, offset)?;
            offset += row.len() + 1;
            let Some(first) = tokens.first() else { continue };
            match &block {
                Some(_) if first.text == ")" => {
                    if let Some(extra) = tokens.get(1) {
                        return Err(self.error_at(extra, "syntax error (expected newline after closing paren)"));
                    }
                    block = None;
                }
                Some(verb) => lines.push(Line { verb: verb.clone(), args: tokens, comment, place: Place::InBlock }),
                None => {
                    let place = opening(&mut tokens);
                    let verb = tokens.remove(0);
                    if place == Some(true) {
                        block = Some(verb.clone());
                    }
                    let place = if place.is_some() { Place::Opening } else { Place::Alone };
                    lines.push(Line { verb, args: tokens, comment, place });
                }
            }
        }
        match block {
            Some(verb) => Err(self.error_at(&verb, "syntax error (unterminated block)")),
            None => Ok(lines),
        }
    }

    /// The tokens of one line, which begins at byte `start` of the file, and the comment at its end.
    fn tokens(&self, row: &'a str, start: usize) -> Result<(Vec<Token<'a>>, &'a str)> {
        let mut tokens = Vec::new();
        let mut at = 0;
        loop {
            let rest = &row[at..];
            let Some(c) = rest.chars().next() else { return Ok((tokens, "")) };
            if matches!(c, ' ' | '\t' | '\r') {
                at += 1;
                continue;
            }
            if rest.starts_with("//") {
                return Ok((tokens, rest.trim_end_matches('\r')));
            }
            let length = match c {
                '(' | ')' | '[' | ']' | '{' | '}' | ',' => 1,
                '"' | '`' => {
                    string_length(rest).ok_or_else(|| self.error(start + at, rest.len(), "unexpected newline in string"))?
                }
                c if is_word(c) => word_length(rest),
                c => {
                    let message = format!("unexpected input character '{}'", c.escape_default());
                    return Err(self.error(start + at, c.len_utf8(), message));
                }
            };
            if let Some(i) = rest[..length].find("/*").filter(|_| c != '"' && c != '`') {
                let message = "mod files must use // comments (not /* */ comments)";
                return Err(self.error(start + at + i, 2, message));
            }
            tokens.push(Token { text: &rest[..length], offset: start + at });
            at += length;
        }
    }
}

/// Takes the parentheses from a line that opens a block; tells whether the block goes on (`x (`) or is empty (`x ()`).
fn opening(tokens: &mut Vec<Token<'_>>) -> Option<bool> {
    let ends_with =
        |end: &[&str]| tokens.len() > end.len() && tokens.iter().rev().zip(end.iter().rev()).all(|(t, e)| t.text == *e);
    let (length, goes_on) = if ends_with(&["("]) {
        (1, true)
    } else if ends_with(&["(", ")"]) {
        (2, false)
    } else {
        return None;
    };
    tokens.truncate(tokens.len() - length);
    Some(goes_on)
}

fn is_word(c: char) -> bool {
    !matches!(c, '(' | ')' | '[' | ']' | '{' | '}' | ',') && !c.is_whitespace() && !c.is_control()
}

fn word_length(text: &str) -> usize {
    let end = text.find(|c| !is_word(c)).unwrap_or(text.len());
    text[..end].find("//").unwrap_or(end)
}

/// The length of the quoted string at the start of `text`, or `None` if it doesn't end on this line.
fn string_length(text: &str) -> Option<usize> {
    let quote = text.chars().next()?;
    let mut escaped = false;
    for (i, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote == '"' => escaped = true,
            c if c == quote => return Some(i + 1),
            _ => {}
        }
    }
    None
}

/// The value of a token: a word as it is, a string without quotes and escapes. The reason if it is malformed.
pub(super) fn value(token: &str) -> Result<String, &'static str> {
    if let Some(inner) = token.strip_prefix('"') {
        return unquote(inner.strip_suffix('"').unwrap_or(inner)).ok_or("invalid quoted string: invalid syntax");
    }
    // The reference knows raw strings; Go itself refuses them.
    if token.contains(['"', '\'', '`']) {
        return Err("invalid quoted string: unquoted string cannot contain quote");
    }
    Ok(token.to_owned())
}

/// Resolves the escapes of an interpreted string of Go.
fn unquote(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            bytes.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let simple = match chars.next()? {
            'a' => 7,
            'b' => 8,
            'f' => 12,
            'n' => b'\n',
            'r' => b'\r',
            't' => b'\t',
            'v' => 11,
            '\\' => b'\\',
            '"' => b'"',
            'x' => u8::try_from(digits(&mut chars, 2, 16, 0)?).ok()?,
            first @ '0'..='7' => u8::try_from(digits(&mut chars, 2, 8, first.to_digit(8)?)?).ok()?,
            kind @ ('u' | 'U') => {
                let code = digits(&mut chars, if kind == 'u' { 4 } else { 8 }, 16, 0)?;
                bytes.extend(char::from_u32(code)?.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            _ => return None,
        };
        bytes.push(simple);
    }
    String::from_utf8(bytes).ok()
}

fn digits(chars: &mut std::str::Chars<'_>, count: usize, radix: u32, first: u32) -> Option<u32> {
    (0..count).try_fold(first, |sum, _| sum.checked_mul(radix)?.checked_add(chars.next()?.to_digit(radix)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(content: &str) -> Result<Vec<String>> {
        let file = File { path: Path::new("go.mod"), content };
        let show = |line: &Line<'_>| {
            let args: Vec<&str> = line.args.iter().map(|a| a.text).collect();
            format!("{} {} {}", line.verb.text, args.join("|"), line.comment)
        };
        Ok(file.lines()?.iter().map(show).collect())
    }

    #[test]
    fn lines_and_blocks() {
        let content = "// head\nmodule \"a b\" // c\r\nrequire (\n\n\t// inner\n\tx v1 // indirect\n\ty\tv2\n)\nexclude ( )\nretract [v1,v2]//x\n";
        assert_eq!(
            shown(content).unwrap(),
            [
                "module \"a b\" // c",
                "require  ",
                "require x|v1 // indirect",
                "require y|v2 ",
                "exclude  ",
                "retract [|v1|,|v2|] //x"
            ]
        );
    }

    #[test]
    fn syntax_errors_have_their_place() {
        let cases = [
            ("module a\nrequire (\n", "go.mod:2:1: syntax error (unterminated block)"),
            ("require (\n) x\n", "go.mod:2:3: syntax error (expected newline after closing paren)"),
            ("a /* b */\n", "go.mod:1:3: mod files must use // comments (not /* */ comments)"),
            ("a \"b\n", "go.mod:1:3: unexpected newline in string"),
            ("a \u{1}b\n", "go.mod:1:3: unexpected input character '\\u{1}'"),
        ];
        for (content, expected) in cases {
            assert_eq!(shown(content).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn strings_are_unquoted_as_go_does() {
        assert_eq!(value(r#""a\x62\143\u0064\"""#).unwrap(), "abcd\"");
        assert!(value("`a`").is_err());
        assert!(value(r#""\q""#).is_err());
        assert!(value("a'b").is_err());
    }
}
