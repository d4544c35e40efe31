//! Go's lexical elements, as far as headers, directives and small tables need them (`go/scanner`).

/// What a token is. Keywords are identifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An identifier or keyword.
    Ident,
    /// A string literal, `"…"` or `` `…` ``, with its quotes.
    String,
    /// A rune or number literal.
    Literal,
    /// An operator or delimiter. `:= == != && || ++ --` are one token, all others one byte each.
    Operator,
    /// A semicolon; its text is empty where a line end or the end of the file stands for it.
    Semicolon,
    /// `//` up to the line end, without a carriage return.
    LineComment,
    /// `/*` up to `*/`.
    BlockComment,
    /// Bytes that no token can begin with, or a literal or comment without its end.
    Illegal,
    /// The end of the file.
    End,
}

/// A token with its place.
#[derive(Clone, Copy, Debug)]
pub struct Token<'a> {
    /// What it is.
    pub kind: Kind,
    /// Offset of its first byte.
    pub start: usize,
    /// Its bytes.
    pub text: &'a [u8],
}

impl Token<'_> {
    /// Whether this is the identifier or keyword `word`.
    pub fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Ident && self.text == word.as_bytes()
    }

    /// Whether this is the operator `text`.
    pub fn is_operator(&self, text: &str) -> bool {
        self.kind == Kind::Operator && self.text == text.as_bytes()
    }
}

/// Splits Go source into tokens, with automatic semicolons. Any bytes are accepted.
#[derive(Clone)]
pub struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
    /// Whether a line end stands for a semicolon here.
    ends_statement: bool,
    /// A block comment that contained a line end stands for a semicolon.
    newline_pending: bool,
}

/// Two-byte operators that callers tell apart; splitting any other one does them no harm.
const TWO_BYTES: [&[u8]; 7] = [b":=", b"==", b"!=", b"&&", b"||", b"++", b"--"];

/// Keywords after which a line end isn't a semicolon; that is all but `break continue fallthrough return`.
const CONTINUING: [&str; 21] = [
    "case",
    "chan",
    "const",
    "default",
    "defer",
    "else",
    "for",
    "func",
    "go",
    "goto",
    "if",
    "import",
    "interface",
    "map",
    "package",
    "range",
    "select",
    "struct",
    "switch",
    "type",
    "var",
];

/// Whether `word` is a keyword, and so not an identifier.
pub fn is_keyword(word: &[u8]) -> bool {
    CONTINUING.iter().any(|k| k.as_bytes() == word) || [&b"break"[..], b"continue", b"fallthrough", b"return"].contains(&word)
}

fn is_ident(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

impl<'a> Lexer<'a> {
    /// A lexer at the beginning of `text`; a byte order mark there is skipped.
    pub fn new(text: &'a [u8]) -> Lexer<'a> {
        let at = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        Lexer { text, at, ends_statement: false, newline_pending: false }
    }

    /// The next token; [`Kind::End`] again and again after the last.
    pub fn next_token(&mut self) -> Token<'a> {
        while let Some(&byte) = self.text.get(self.at) {
            if self.ends_statement && (byte == b'\n' || self.newline_pending) {
                return self.automatic_semicolon();
            }
            if !matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
                return self.token(byte);
            }
            self.at += 1;
        }
        if self.ends_statement {
            return self.automatic_semicolon();
        }
        Token { kind: Kind::End, start: self.text.len(), text: b"" }
    }

    /// The next token that isn't a comment.
    pub fn next_significant(&mut self) -> Token<'a> {
        loop {
            let token = self.next_token();
            if !matches!(token.kind, Kind::LineComment | Kind::BlockComment) {
                return token;
            }
        }
    }

    /// The next token that isn't a comment, without consuming it.
    pub fn peek_significant(&self) -> Token<'a> {
        self.clone().next_significant()
    }

    fn automatic_semicolon(&mut self) -> Token<'a> {
        self.ends_statement = false;
        self.newline_pending = false;
        Token { kind: Kind::Semicolon, start: self.at.min(self.text.len()), text: b"" }
    }

    fn token(&mut self, byte: u8) -> Token<'a> {
        let start = self.at;
        let rest = &self.text[start..];
        let (kind, length) = match byte {
            b'/' if rest.get(1) == Some(&b'/') => (Kind::LineComment, line_length(rest)),
            b'/' if rest.get(1) == Some(&b'*') => block_comment(rest),
            b'"' => quoted(rest, b'"', Kind::String),
            b'\'' => quoted(rest, b'\'', Kind::Literal),
            b'`' => match rest[1..].iter().position(|&b| b == b'`') {
                Some(end) => (Kind::String, end + 2),
                None => (Kind::Illegal, rest.len()),
            },
            b'0'..=b'9' => (Kind::Literal, number_length(rest)),
            b'.' if rest.get(1).is_some_and(u8::is_ascii_digit) => (Kind::Literal, number_length(rest)),
            b';' => (Kind::Semicolon, 1),
            _ if is_ident(byte) => (Kind::Ident, rest.iter().position(|&b| !is_ident(b)).unwrap_or(rest.len())),
            _ if TWO_BYTES.iter().any(|operator| rest.starts_with(operator)) => (Kind::Operator, 2),
            _ if byte.is_ascii_punctuation() && !b"#$?@\\".contains(&byte) => (Kind::Operator, 1),
            _ => (Kind::Illegal, 1),
        };
        self.at += length;
        let mut text = &rest[..length];
        match kind {
            Kind::LineComment => text = text.strip_suffix(b"\r").unwrap_or(text),
            Kind::BlockComment => self.newline_pending |= self.ends_statement && text.contains(&b'\n'),
            Kind::Ident => self.ends_statement = !CONTINUING.iter().any(|k| k.as_bytes() == text),
            Kind::String | Kind::Literal => self.ends_statement = true,
            Kind::Operator => self.ends_statement = [&b")"[..], b"]", b"}", b"++", b"--"].contains(&text),
            Kind::Semicolon | Kind::Illegal | Kind::End => self.ends_statement = false,
        }
        Token { kind, start, text }
    }
}

fn line_length(rest: &[u8]) -> usize {
    rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len())
}

fn block_comment(rest: &[u8]) -> (Kind, usize) {
    match rest[2..].windows(2).position(|pair| pair == b"*/") {
        Some(end) => (Kind::BlockComment, end + 4),
        None => (Kind::Illegal, rest.len()),
    }
}

/// The length of a literal in `quote`s, which ends before a line end at the latest.
fn quoted(rest: &[u8], quote: u8, kind: Kind) -> (Kind, usize) {
    let mut at = 1;
    while let Some(&byte) = rest.get(at) {
        match byte {
            b'\n' => break,
            b'\\' if rest.get(at + 1).is_some_and(|&next| next != b'\n') => at += 2,
            _ if byte == quote => return (kind, at + 1),
            _ => at += 1,
        }
    }
    (Kind::Illegal, at.min(rest.len()))
}

/// The length of a number, generously: `0x1p-2`, `1e+9i`. What follows a malformed one doesn't matter to any caller.
fn number_length(rest: &[u8]) -> usize {
    let mut at = 1;
    while let Some(&byte) = rest.get(at) {
        let signed_exponent = matches!(byte, b'+' | b'-') && matches!(rest[at - 1], b'e' | b'E' | b'p' | b'P');
        let hexadecimal_sum = signed_exponent && rest.starts_with(b"0x") && matches!(rest[at - 1], b'e' | b'E');
        if !(byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.' || signed_exponent) || hexadecimal_sum {
            break;
        }
        at += 1;
    }
    at
}

/// The value of a Go string literal with its quotes (`strconv.Unquote`); `None` when it isn't one.
pub fn unquote(literal: &[u8]) -> Option<Vec<u8>> {
    let (&quote, rest) = literal.split_first()?;
    let (&end, body) = rest.split_last()?;
    if end != quote {
        return None;
    }
    match quote {
        b'`' if !body.contains(&b'`') => Some(body.iter().copied().filter(|&b| b != b'\r').collect()),
        b'"' => unescape(body),
        _ => None,
    }
}

fn unescape(mut body: &[u8]) -> Option<Vec<u8>> {
    let mut value = Vec::with_capacity(body.len());
    while let Some((&byte, rest)) = body.split_first() {
        body = rest;
        match byte {
            b'"' | b'\n' => return None,
            b'\\' => {
                let (&escape, rest) = body.split_first()?;
                body = rest;
                let simple = match escape {
                    b'a' => Some(7),
                    b'b' => Some(8),
                    b'f' => Some(12),
                    b'n' => Some(b'\n'),
                    b'r' => Some(b'\r'),
                    b't' => Some(b'\t'),
                    b'v' => Some(11),
                    b'\\' | b'"' => Some(escape),
                    _ => None,
                };
                match simple {
                    Some(byte) => value.push(byte),
                    None => body = numeric_escape(escape, body, &mut value)?,
                }
            }
            _ => value.push(byte),
        }
    }
    Some(value)
}

/// Appends the value of `\x41`, `\101`, `\u0041` or `\U00000041` and returns what follows.
fn numeric_escape<'a>(escape: u8, body: &'a [u8], value: &mut Vec<u8>) -> Option<&'a [u8]> {
    let number = |digits: &[u8], radix| {
        let text = std::str::from_utf8(digits).ok().filter(|t| !t.starts_with('+'))?;
        u32::from_str_radix(text, radix).ok()
    };
    let (length, unicode) = match escape {
        b'x' => (2, false),
        b'u' => (4, true),
        b'U' => (8, true),
        b'0'..=b'7' => {
            let octal = [&[escape], body.get(..2)?].concat();
            value.push(u8::try_from(number(&octal, 8)?).ok()?);
            return Some(&body[2..]);
        }
        _ => return None,
    };
    let code = number(body.get(..length)?, 16)?;
    if unicode {
        value.extend(char::from_u32(code)?.encode_utf8(&mut [0; 4]).bytes());
    } else {
        value.push(u8::try_from(code).ok()?);
    }
    Some(&body[length..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> String {
        let mut lexer = Lexer::new(text.as_bytes());
        let mut shown = Vec::new();
        loop {
            let token = lexer.next_token();
            match token.kind {
                Kind::End => return shown.join(" "),
                Kind::Semicolon if token.text.is_empty() => shown.push(";auto".to_owned()),
                Kind::Illegal => shown.push(format!("?{}", String::from_utf8_lossy(token.text))),
                _ => shown.push(String::from_utf8_lossy(token.text).into_owned()),
            }
        }
    }

    #[test]
    fn semicolons_stand_where_lines_end_statements() {
        assert_eq!(tokens("package x\nimport (\n\"a\"\n)\n"), "package x ;auto import ( \"a\" ;auto ) ;auto");
        assert_eq!(tokens("x /* a\nb */ y"), "x /* a\nb */ ;auto y ;auto");
        assert_eq!(tokens("return\nif a {\n}"), "return ;auto if a { } ;auto");
        assert_eq!(tokens("a := b != c && !d // e\r\n"), "a := b != c && ! d // e ;auto");
    }

    #[test]
    fn literals_hide_what_looks_like_a_comment() {
        assert_eq!(tokens("`//` \"/*\" '\"' '\\'' 0x1p-2 1e+9 0xe+1"), "`//` \"/*\" '\"' '\\'' 0x1p-2 1e+9 0xe + 1 ;auto");
        assert_eq!(tokens("\"a\n`b"), "?\"a ?`b");
    }

    #[test]
    fn unquotes_as_strconv_does() {
        for (literal, value) in [
            (r#""fm\u0074""#, Some("fmt")),
            (r#""\x66\155\U00000074""#, Some("fmt")),
            ("`a\r\\n`", Some("a\\n")),
            (r#""\q""#, None),
            (r#""\400""#, None),
            (r#""\x+1""#, None),
            ("\"", None),
            ("'a'", None),
        ] {
            assert_eq!(unquote(literal.as_bytes()), value.map(|v| v.as_bytes().to_vec()), "{literal}");
        }
    }
}
