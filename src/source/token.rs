//! Go's lexical elements, with the errors and positions of `go/scanner`.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter};
use serde::{Deserialize, Serialize};

use crate::source::tree::clean;
use crate::source::unicode::{is_digit, is_letter, unicode_point};

mod literal;

pub use literal::{quoted_prefix, unquote};

/// What a token is. Keywords are identifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An identifier or keyword.
    Ident,
    /// A string literal, `"…"` or `` `…` ``, with its quotes; without the last one if it isn't terminated.
    String,
    /// A rune or number literal.
    Literal,
    /// An operator or delimiter.
    Operator,
    /// A semicolon; its text is empty where a line end or the end of the file stands for it.
    Semicolon,
    /// `//` up to the line end, without a carriage return.
    LineComment,
    /// `/*` up to `*/`, or to the end of the file.
    BlockComment,
    /// A character that no token can begin with.
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
    /// The line of its first byte, from 1, whatever `//line` directives say.
    pub line: u32,
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

    /// Whether it is a comment.
    pub fn is_comment(&self) -> bool {
        matches!(self.kind, Kind::LineComment | Kind::BlockComment)
    }

    /// Offset of the byte after it.
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// A place as Go shows it: `//line` directives are heeded (`token.Position`).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// The file that a `//line` directive names, cleaned; it may be empty, and is relative to the directory of the file that has the
    /// directive unless it is absolute. `None`: the file itself.
    pub file: Option<Box<str>>,
    /// The line, from 1.
    pub line: u32,
    /// The column in bytes, from 1; 0 after a `//line` directive that names none.
    pub column: u32,
}

/// What `go/scanner` finds wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LexicalError {
    /// Offset of the first wrong byte.
    pub offset: usize,
    /// Where that is.
    pub position: Position,
    /// What is wrong.
    pub message: String,
}

/// Splits Go source into tokens, with automatic semicolons. Any bytes are accepted: what is wrong is noted, and the next token follows.
#[derive(Clone)]
pub struct Lexer<'a> {
    text: &'a [u8],
    /// The character at `offset`; `None` at the end.
    char: Option<char>,
    offset: usize,
    /// Where the next character begins.
    next: usize,
    /// The line of `offset`, from 1, and where it begins.
    line: u32,
    line_start: usize,
    /// Whether a line end stands for a semicolon here.
    ends_statement: bool,
    /// The place of a line end in a block comment that stands for a semicolon.
    newline: Option<(usize, u32)>,
    /// Whether the text has only characters that may stand anywhere, so that nothing is lost by skipping over them.
    plain: bool,
    line_directives: Vec<LineDirective>,
    errors: Vec<LexicalError>,
}

/// From `offset`, which is in `line` of the file, positions count from `to`.
#[derive(Clone)]
struct LineDirective {
    offset: usize,
    line: u32,
    to: Position,
}

/// What Go reads bytes as that aren't UTF-8.
const REPLACEMENT: char = '\u{fffd}';
const BYTE_ORDER_MARK: char = '\u{feff}';

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

/// Operators of more than one byte, longer ones first.
const OPERATORS: [&[u8]; 25] = [
    b"<<=", b">>=", b"&^=", b"...", b":=", b"==", b"!=", b"&&", b"||", b"++", b"--", b"+=", b"-=", b"*=", b"/=", b"%=", b"^=",
    b"<-", b"<=", b"<<", b">=", b">>", b"&=", b"&^", b"|=",
];

/// Whether `word` is a keyword, and so not an identifier.
pub fn is_keyword(word: &[u8]) -> bool {
    // None is shorter or longer.
    (2..=11).contains(&word.len())
        && (CONTINUING.iter().any(|k| k.as_bytes() == word)
            || [&b"break"[..], b"continue", b"fallthrough", b"return"].contains(&word))
}

impl<'a> Lexer<'a> {
    /// A lexer at the beginning of `text`; a byte order mark there is skipped.
    pub fn new(text: &'a [u8]) -> Lexer<'a> {
        let after_mark = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let plain = memchr(0, after_mark).is_none()
            && std::str::from_utf8(after_mark).is_ok()
            && memchr::memmem::find(after_mark, b"\xef\xbb\xbf").is_none();
        let mut lexer = Lexer {
            text,
            char: Some(' '),
            offset: 0,
            next: 0,
            line: 1,
            line_start: 0,
            ends_statement: false,
            newline: None,
            plain,
            line_directives: Vec::new(),
            errors: Vec::new(),
        };
        lexer.advance();
        if lexer.char == Some(BYTE_ORDER_MARK) {
            lexer.advance();
        }
        lexer
    }

    /// What was wrong so far, in the order in which it was noticed.
    pub fn errors(&self) -> &[LexicalError] {
        &self.errors
    }

    /// Takes what was wrong so far.
    pub fn take_errors(&mut self) -> Vec<LexicalError> {
        std::mem::take(&mut self.errors)
    }

    /// Notes an error, also one that only a parser sees.
    pub fn error(&mut self, offset: usize, message: impl Into<String>) {
        let position = self.position(offset);
        self.errors.push(LexicalError { offset, position, message: message.into() });
    }

    /// The place of an offset that isn't after the last token.
    pub fn position(&self, offset: usize) -> Position {
        let (line, start) = if offset >= self.line_start {
            (self.line, self.line_start)
        } else {
            let before = &self.text[..offset];
            let start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
            (1 + memchr_iter(b'\n', before).count() as u32, start)
        };
        let column = (offset - start) as u32 + 1;
        let Some(directive) = self.line_directives.iter().rev().find(|d| d.offset <= offset) else {
            return Position { file: None, line, column };
        };
        let distance = line - directive.line;
        let column = match directive.to.column {
            0 => 0,
            first if distance == 0 => first + (offset - directive.offset) as u32,
            _ => column,
        };
        Position { file: directive.to.file.clone(), line: directive.to.line + distance, column }
    }

    /// The next token; [`Kind::End`] again and again after the last.
    pub fn next_token(&mut self) -> Token<'a> {
        if let Some((start, line)) = self.newline.take() {
            return Token { kind: Kind::Semicolon, start, line, text: b"" };
        }
        while let Some(' ' | '\t' | '\r' | '\n') = self.char {
            if self.char == Some('\n') && self.ends_statement {
                break;
            }
            self.advance();
        }
        let (start, line) = (self.offset, self.line);
        let Some(char) = self.char else {
            let kind = if self.ends_statement { Kind::Semicolon } else { Kind::End };
            self.ends_statement = false;
            return Token { kind, start, line, text: b"" };
        };
        if char == '\n' {
            self.advance();
            self.ends_statement = false;
            return Token { kind: Kind::Semicolon, start, line, text: b"" };
        }
        let kind = self.token(char);
        let mut text = &self.text[start..self.offset];
        match kind {
            Kind::LineComment => text = text.strip_suffix(b"\r").unwrap_or(text),
            Kind::BlockComment | Kind::Illegal => {}
            Kind::Ident => self.ends_statement = !CONTINUING.iter().any(|k| k.as_bytes() == text),
            Kind::String | Kind::Literal => self.ends_statement = true,
            Kind::Operator => self.ends_statement = [&b")"[..], b"]", b"}", b"++", b"--"].contains(&text),
            Kind::Semicolon | Kind::End => self.ends_statement = false,
        }
        Token { kind, start, line, text }
    }

    /// The next token that isn't a comment.
    pub fn next_significant(&mut self) -> Token<'a> {
        loop {
            let token = self.next_token();
            if !token.is_comment() {
                return token;
            }
        }
    }

    /// The next token that isn't a comment, without consuming it.
    pub fn peek_significant(&self) -> Token<'a> {
        self.clone().next_significant()
    }

    /// Goes to the next character, and notes those that may stand nowhere.
    fn advance(&mut self) {
        // No line begins at the end of a file.
        if self.char == Some('\n') && self.next < self.text.len() {
            self.line += 1;
            self.line_start = self.next;
        }
        self.offset = self.next;
        let rest = &self.text[self.next..];
        let Some(&byte) = rest.first() else {
            self.char = None;
            return;
        };
        if byte != 0 && byte < 0x80 {
            self.char = Some(char::from(byte));
            self.next += 1;
            return;
        }
        let (char, width) = decode(rest);
        self.char = Some(char);
        self.next += width;
        if byte == 0 {
            self.error(self.offset, "illegal character NUL");
        } else if char == REPLACEMENT && width == 1 {
            if self.offset == 0 && (rest.starts_with(b"\xff\xfe") || rest.starts_with(b"\xfe\xff")) {
                self.error(0, "illegal UTF-8 encoding (got UTF-16)");
                self.next = self.text.len();
            } else {
                self.error(self.offset, "illegal UTF-8 encoding");
            }
        } else if char == BYTE_ORDER_MARK && self.offset > 0 {
            self.error(self.offset, "illegal byte order mark");
        }
    }

    /// Goes to `offset`, over plain text only.
    fn skip_to(&mut self, offset: usize) {
        let skipped = &self.text[self.offset..offset.min(self.text.len().saturating_sub(1)).max(self.offset)];
        if let Some(last) = memchr::memrchr(b'\n', skipped) {
            self.line += memchr_iter(b'\n', skipped).count() as u32;
            self.line_start = self.offset + last + 1;
        }
        // A line end that was skipped has been counted.
        self.char = None;
        self.next = offset;
        self.advance();
    }

    /// Consumes a token that begins with `char`.
    fn token(&mut self, char: char) -> Kind {
        match char {
            _ if is_letter(char) => self.identifier(),
            '0'..='9' => self.number(),
            '.' if self.text.get(self.next).is_some_and(u8::is_ascii_digit) => self.number(),
            '"' => self.quoted(),
            '\'' => self.rune(),
            '`' => self.raw_string(),
            '/' if self.text.get(self.next) == Some(&b'/') => self.line_comment(),
            '/' if self.text.get(self.next) == Some(&b'*') => self.block_comment(),
            ';' => {
                self.advance();
                Kind::Semicolon
            }
            _ if char.is_ascii_punctuation() && !"#$?@\\".contains(char) => {
                let rest = &self.text[self.offset..];
                let length = OPERATORS.iter().find(|operator| rest.starts_with(operator)).map_or(1, |operator| operator.len());
                (0..length).for_each(|_| self.advance());
                Kind::Operator
            }
            _ => self.illegal(char),
        }
    }

    fn illegal(&mut self, char: char) -> Kind {
        let start = self.offset;
        self.advance();
        match char {
            // The byte order mark has been noted.
            BYTE_ORDER_MARK => {}
            '“' | '”' => self.error(start, format!("curly quotation mark '{char}' (use neutral '\"')")),
            _ => self.error(start, format!("illegal character {}", unicode_point(char))),
        }
        Kind::Illegal
    }

    fn identifier(&mut self) -> Kind {
        while self.char.is_some_and(|c| is_letter(c) || is_digit(c)) {
            self.advance();
        }
        Kind::Ident
    }

    fn line_comment(&mut self) -> Kind {
        let (start, line_start) = (self.offset, self.line_start);
        if self.plain {
            let end = memchr(b'\n', &self.text[start..]).map_or(self.text.len(), |length| start + length);
            self.skip_to(end);
        } else {
            while self.char.is_some_and(|c| c != '\n') {
                self.advance();
            }
        }
        let text = &self.text[start..self.offset];
        if start == line_start && text.starts_with(b"//line ") {
            let after = if self.char.is_some() { self.offset + 1 } else { self.offset };
            self.line_directive(after, start, text.strip_suffix(b"\r").unwrap_or(text));
        }
        Kind::LineComment
    }

    fn block_comment(&mut self) -> Kind {
        let start = self.offset;
        let line = self.line;
        (0..2).for_each(|_| self.advance());
        let closed = if self.plain {
            let end = memchr::memmem::find(&self.text[self.offset..], b"*/").map(|length| self.offset + length + 2);
            self.skip_to(end.unwrap_or(self.text.len()));
            end.is_some()
        } else {
            self.closes_comment()
        };
        if !closed {
            self.error(start, "comment not terminated");
        }
        let text = &self.text[start..self.offset];
        if closed && text.starts_with(b"/*line ") {
            self.line_directive(self.offset, start, &text[..text.len() - 2]);
        }
        if let Some(at) = memchr(b'\n', text).filter(|_| self.ends_statement) {
            self.newline = Some((start + at, line));
            self.ends_statement = false;
        }
        Kind::BlockComment
    }

    fn closes_comment(&mut self) -> bool {
        while let Some(char) = self.char {
            self.advance();
            if char == '*' && self.char == Some('/') {
                self.advance();
                return true;
            }
        }
        false
    }

    /// Heeds a comment `//line file:line:column` or `/*line …*/` for what follows, from the offset `after` (`updateLineInfo`).
    fn line_directive(&mut self, after: usize, start: usize, comment: &[u8]) {
        const PREFIX: usize = "//line ".len();
        /// `PosMax` of the compiler.
        const MAX: u64 = 1 << 30;
        let (start, text) = (start + PREFIX, &comment[PREFIX..]);
        let Some((at, last)) = trailing_digits(text) else { return };
        let wrong = |what: &str, at: usize, text: &[u8]| format!("invalid {what} number: {}", lossy(&text[at..]));
        let Some(last) = last else { return self.error(start + at, wrong("line", at, text)) };
        let before = trailing_digits(&text[..at - 1]).and_then(|(at, number)| Some((at, number?)));
        let (text, at, line, column) = match before {
            Some(_) if last == 0 || last > MAX => return self.error(start + at, wrong("column", at, text)),
            Some((line_at, line)) => (&text[..at - 1], line_at, line, last),
            None => (text, at, last, 0),
        };
        if line == 0 || line > MAX {
            return self.error(start + at, wrong("line", at, text));
        }
        let file = match &text[..at - 1] {
            b"" if before.is_some() => self.position(start).file,
            b"" => Some("".into()),
            name => Some(clean(&lossy(name)).into()),
        };
        let later = self.line_directives.last().is_none_or(|last| last.offset < after);
        if later && after < self.text.len() {
            let line_here = if self.char == Some('\n') && comment.starts_with(b"//") { self.line + 1 } else { self.line };
            let to = Position { file, line: line as u32, column: column as u32 };
            self.line_directives.push(LineDirective { offset: after, line: line_here, to });
        }
    }
}

/// The character that Go reads at the beginning of bytes, and how many bytes it takes (`utf8.DecodeRune`).
pub fn decode(bytes: &[u8]) -> (char, usize) {
    let start = &bytes[..bytes.len().min(4)];
    let valid = match std::str::from_utf8(start) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&start[..error.valid_up_to()]).unwrap_or_default(),
    };
    valid.chars().next().map_or((REPLACEMENT, 1), |char| (char, char.len_utf8()))
}

/// Bytes as text, where each byte that isn't UTF-8 becomes a replacement character, as Go prints it.
pub fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while !rest.is_empty() {
        let (char, width) = decode(rest);
        text.push(char);
        rest = &rest[width..];
    }
    Cow::Owned(text)
}

/// Where the last `:` of the text ends, and the number that follows it, if it is one.
fn trailing_digits(text: &[u8]) -> Option<(usize, Option<u64>)> {
    let at = memchr::memrchr(b':', text)? + 1;
    let number = std::str::from_utf8(&text[at..]).ok().filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    Some((at, number.and_then(|digits| digits.parse().ok())))
}

#[cfg(test)]
mod tests;
