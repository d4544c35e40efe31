//! Literals: numbers, runes and strings.

use super::{Kind, Lexer};
use crate::source::unicode::unicode_point;

/// What a number is written in, by the letter after its first zero.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Base {
    Decimal,
    Binary,
    /// `0o17`
    Octal,
    /// `017`, which may turn out to be a decimal fraction.
    LeadingZero,
    Hexadecimal,
}

impl Base {
    fn radix(self) -> u32 {
        match self {
            Base::Binary => 2,
            Base::Octal | Base::LeadingZero => 8,
            Base::Decimal => 10,
            Base::Hexadecimal => 16,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Base::Binary => "binary literal",
            Base::Octal | Base::LeadingZero => "octal literal",
            Base::Decimal => "decimal literal",
            Base::Hexadecimal => "hexadecimal literal",
        }
    }
}

/// What a run of digits had.
#[derive(Clone, Copy, Default)]
struct Digits {
    any: bool,
    separators: bool,
}

impl Digits {
    fn add(&mut self, more: Digits) {
        self.any |= more.any;
        self.separators |= more.separators;
    }
}

impl Lexer<'_> {
    fn lower(&self) -> Option<char> {
        self.char.map(|c| c.to_ascii_lowercase())
    }

    /// Consumes digits and separators; notes where the first digit is that the base doesn't have.
    fn digits(&mut self, base: Base, invalid: &mut Option<usize>) -> Digits {
        let mut found = Digits::default();
        while let Some(char) = self.char {
            match char {
                '_' => found.separators = true,
                _ if !char.is_digit(base.radix().max(10)) => break,
                _ => {
                    if !char.is_digit(base.radix()) {
                        invalid.get_or_insert(self.offset);
                    }
                    found.any = true;
                }
            }
            self.advance();
        }
        found
    }

    pub(super) fn number(&mut self) -> Kind {
        let start = self.offset;
        let (mut base, mut seen, mut invalid) = (Base::Decimal, Digits::default(), None);
        let mut is_float = false;
        if self.char != Some('.') {
            if self.char == Some('0') {
                self.advance();
                base = self.base();
                match base {
                    Base::LeadingZero => seen.any = true,
                    _ => self.advance(),
                }
            }
            seen.add(self.digits(base, &mut invalid));
        }
        if self.char == Some('.') {
            is_float = true;
            if matches!(base, Base::Octal | Base::Binary) {
                self.error(self.offset, format!("invalid radix point in {}", base.name()));
            }
            self.advance();
            seen.add(self.digits(base, &mut invalid));
        }
        if !seen.any {
            self.error(self.offset, format!("{} has no digits", base.name()));
        }
        match self.lower() {
            Some(letter @ ('e' | 'p')) => {
                is_float = true;
                seen.add(self.exponent(letter, base));
            }
            _ if base == Base::Hexadecimal && is_float => {
                self.error(self.offset, "hexadecimal mantissa requires a 'p' exponent");
            }
            _ => {}
        }
        let is_imaginary = self.char == Some('i');
        if is_imaginary {
            self.advance();
        }
        let literal = &self.text[start..self.offset];
        if let Some(at) = invalid.filter(|_| !is_float && !is_imaginary) {
            let digit = char::from(literal[at - start]);
            self.error(at, format!("invalid digit '{digit}' in {}", base.name()));
        }
        if let Some(at) = invalid_separator(literal).filter(|_| seen.separators) {
            self.error(start + at, "'_' must separate successive digits");
        }
        Kind::Literal
    }

    /// What a number is written in whose first zero has been consumed.
    fn base(&self) -> Base {
        match self.lower() {
            Some('x') => Base::Hexadecimal,
            Some('o') => Base::Octal,
            Some('b') => Base::Binary,
            _ => Base::LeadingZero,
        }
    }

    fn exponent(&mut self, letter: char, base: Base) -> Digits {
        let shown = self.char.unwrap_or(letter);
        if letter == 'e' && !matches!(base, Base::Decimal | Base::LeadingZero) {
            self.error(self.offset, format!("'{shown}' exponent requires decimal mantissa"));
        } else if letter == 'p' && base != Base::Hexadecimal {
            self.error(self.offset, format!("'{shown}' exponent requires hexadecimal mantissa"));
        }
        self.advance();
        if let Some('+' | '-') = self.char {
            self.advance();
        }
        let found = self.digits(Base::Decimal, &mut None);
        if !found.any {
            self.error(self.offset, "exponent has no digits");
        }
        found
    }

    pub(super) fn quoted(&mut self) -> Kind {
        let start = self.offset;
        self.advance();
        loop {
            match self.char {
                None | Some('\n') => {
                    self.error(start, "string literal not terminated");
                    break;
                }
                Some(char) => {
                    self.advance();
                    match char {
                        '"' => break,
                        '\\' => drop(self.escape('"')),
                        _ => {}
                    }
                }
            }
        }
        Kind::String
    }

    pub(super) fn raw_string(&mut self) -> Kind {
        let start = self.offset;
        self.advance();
        loop {
            let Some(char) = self.char else {
                self.error(start, "raw string literal not terminated");
                break;
            };
            self.advance();
            if char == '`' {
                break;
            }
        }
        Kind::String
    }

    pub(super) fn rune(&mut self) -> Kind {
        let start = self.offset;
        self.advance();
        let (mut valid, mut length) = (true, 0);
        loop {
            match self.char {
                None | Some('\n') => {
                    if valid {
                        self.error(start, "rune literal not terminated");
                        valid = false;
                    }
                    break;
                }
                Some(char) => {
                    self.advance();
                    if char == '\'' {
                        break;
                    }
                    length += 1;
                    if char == '\\' && !self.escape('\'') {
                        valid = false;
                    }
                }
            }
        }
        if valid && length != 1 {
            self.error(start, "illegal rune literal");
        }
        Kind::Literal
    }

    /// Consumes what follows a backslash; stops before what can't.
    fn escape(&mut self, quote: char) -> bool {
        let start = self.offset;
        let (digits, radix, max) = match self.char {
            Some('a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '\\') => (0, 8, 0),
            Some(char) if char == quote => (0, 8, 0),
            Some('0'..='7') => (3, 8, 0xff),
            Some('x') => (2, 16, 0xff),
            Some('u') => (4, 16, 0x10_ffff),
            Some('U') => (8, 16, 0x10_ffff),
            Some(_) => {
                self.error(start, "unknown escape sequence");
                return false;
            }
            None => {
                self.error(start, "escape sequence not terminated");
                return false;
            }
        };
        if radix == 16 || digits == 0 {
            self.advance();
        }
        let mut value: u32 = 0;
        for _ in 0..digits {
            let Some(digit) = self.char.and_then(|c| c.to_digit(radix)) else {
                let message = match self.char {
                    Some(char) => format!("illegal character {} in escape sequence", unicode_point(char)),
                    None => "escape sequence not terminated".to_owned(),
                };
                self.error(self.offset, message);
                return false;
            };
            value = value.wrapping_mul(radix).wrapping_add(digit);
            self.advance();
        }
        if value > max || (0xd800..0xe000).contains(&value) {
            self.error(start, "escape sequence is invalid Unicode code point");
            return false;
        }
        true
    }
}

/// The index of the first `_` in a number that doesn't stand between digits; the base's prefix counts as one.
fn invalid_separator(number: &[u8]) -> Option<usize> {
    let prefix = match number {
        [b'0', letter, ..] => letter.to_ascii_lowercase(),
        _ => b' ',
    };
    let prefixed = matches!(prefix, b'x' | b'o' | b'b');
    let mut last = if prefixed { b'0' } else { b'.' };
    let start = if prefixed { 2 } else { 0 };
    for (at, &byte) in number.iter().enumerate().skip(start) {
        let before = last;
        last = match byte {
            b'_' if before != b'0' => return Some(at),
            b'_' => b'_',
            _ if byte.is_ascii_digit() || prefix == b'x' && byte.is_ascii_hexdigit() => b'0',
            _ if before == b'_' => return Some(at - 1),
            _ => b'.',
        };
    }
    (last == b'_').then(|| number.len() - 1)
}

/// The value of a Go string literal with its quotes (`strconv.Unquote`); `None` when it isn't one.
pub fn unquote(literal: &[u8]) -> Option<Vec<u8>> {
    quoted_prefix(literal).filter(|(_, length)| *length == literal.len()).map(|(value, _)| value)
}

/// The value of the string literal at the beginning of `text`, and its length with its quotes (`strconv.QuotedPrefix`).
pub fn quoted_prefix(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    match text.split_first()? {
        (b'`', body) => {
            let end = memchr::memchr(b'`', body)?;
            Some((body[..end].iter().copied().filter(|&b| b != b'\r').collect(), end + 2))
        }
        (b'"', body) => {
            let (value, rest) = unescape(body)?;
            Some((value, text.len() - rest.len()))
        }
        _ => None,
    }
}

/// The value of what stands before the next quote, and what follows that.
fn unescape(mut body: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut value = Vec::new();
    loop {
        let (&byte, rest) = body.split_first()?;
        body = rest;
        match byte {
            b'"' => return Some((value, body)),
            b'\n' => return None,
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
