//! How far the head of a file reaches (`importReader` in `go/build`). This reading is coarser than that of the parser: semicolons are
//! spaces, and nothing after the imports is looked at. Where it fails, the whole file is the parser's.

use memchr::{memchr2, memmem};

/// What is to be parsed of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// So many bytes; no syntax error was seen in them.
    Head(usize),
    /// Everything: the parser will find what is wrong.
    Whole,
    /// Nothing: there is a NUL byte.
    Nul,
}

/// The extent of the head of a Go file without byte order mark.
pub(super) fn go_file(text: &[u8]) -> Extent {
    let mut reader = Reader::new(text);
    reader.keyword("package");
    reader.identifier();
    while reader.peek(true) == b'i' {
        reader.keyword("import");
        if reader.peek(true) == b'(' {
            reader.next(false);
            while reader.peek(true) != b')' && reader.problem.is_none() {
                reader.import();
            }
            reader.next(false);
        } else {
            reader.import();
        }
    }
    reader.extent()
}

/// The extent of the comments at the head of a file of another language.
pub(super) fn comments(text: &[u8]) -> Extent {
    let mut reader = Reader::new(text);
    reader.peek(true);
    reader.extent()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Problem {
    Syntax,
    Nul,
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    /// A byte that was read but not consumed; 0 for none.
    peeked: u8,
    at_end: bool,
    /// The first problem; nothing is read after it.
    problem: Option<Problem>,
}

fn is_identifier(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

impl Reader<'_> {
    fn new(text: &[u8]) -> Reader<'_> {
        Reader { text, at: 0, peeked: 0, at_end: false, problem: None }
    }

    fn extent(&self) -> Extent {
        match self.problem {
            Some(Problem::Nul) => Extent::Nul,
            Some(Problem::Syntax) => Extent::Whole,
            None if self.at_end => Extent::Head(self.at),
            // The byte that showed that the head is over doesn't belong to it.
            None => Extent::Head(self.at - 1),
        }
    }

    fn fail(&mut self, problem: Problem) {
        self.problem.get_or_insert(problem);
    }

    /// The next byte; 0 at the end and for NUL.
    fn read(&mut self) -> u8 {
        let Some(&byte) = self.text.get(self.at) else {
            self.at_end = true;
            return 0;
        };
        self.at += 1;
        if byte == 0 {
            self.fail(Problem::Nul);
        }
        byte
    }

    /// The next byte without consuming it; after spaces and comments if they are to be skipped.
    fn peek(&mut self, skip: bool) -> u8 {
        if self.problem.is_some() {
            return 0;
        }
        let mut byte = if self.peeked == 0 { self.read() } else { self.peeked };
        while skip && self.problem.is_none() && !self.at_end {
            match byte {
                b' ' | b'\x0c' | b'\t' | b'\r' | b'\n' | b';' => {}
                b'/' => self.comment(),
                _ => break,
            }
            byte = self.read();
        }
        self.peeked = byte;
        byte
    }

    /// Consumes a comment after its first slash.
    fn comment(&mut self) {
        match self.read() {
            b'/' => {
                let rest = &self.text[self.at..];
                match memchr2(b'\n', 0, rest) {
                    Some(length) => {
                        self.at += length;
                        self.read();
                    }
                    None => {
                        self.at = self.text.len();
                        self.at_end = true;
                    }
                }
            }
            b'*' => {
                let rest = &self.text[self.at..];
                let length = memmem::find(rest, b"*/").map(|length| length + 2);
                if memchr::memchr(0, &rest[..length.unwrap_or(rest.len())]).is_some() {
                    self.fail(Problem::Nul);
                } else if let Some(length) = length {
                    self.at += length;
                } else {
                    self.fail(Problem::Syntax);
                }
            }
            _ => self.fail(Problem::Syntax),
        }
    }

    fn next(&mut self, skip: bool) -> u8 {
        let byte = self.peek(skip);
        self.peeked = 0;
        byte
    }

    fn keyword(&mut self, keyword: &str) {
        self.peek(true);
        for wanted in keyword.bytes() {
            if self.next(false) != wanted {
                return self.fail(Problem::Syntax);
            }
        }
        if is_identifier(self.peek(false)) {
            self.fail(Problem::Syntax);
        }
    }

    fn identifier(&mut self) {
        if !is_identifier(self.peek(true)) {
            return self.fail(Problem::Syntax);
        }
        while is_identifier(self.peek(false)) {
            self.peeked = 0;
        }
    }

    fn string(&mut self) {
        match self.next(true) {
            b'`' => {
                while self.problem.is_none() && self.next(false) != b'`' {
                    if self.at_end {
                        self.fail(Problem::Syntax);
                    }
                }
            }
            b'"' => {
                while self.problem.is_none() {
                    let byte = self.next(false);
                    if byte == b'"' {
                        break;
                    }
                    if self.at_end || byte == b'\n' {
                        self.fail(Problem::Syntax);
                    }
                    if byte == b'\\' {
                        self.next(false);
                    }
                }
            }
            _ => self.fail(Problem::Syntax),
        }
    }

    fn import(&mut self) {
        let byte = self.peek(true);
        if byte == b'.' {
            self.peeked = 0;
        } else if is_identifier(byte) {
            self.identifier();
        }
        self.string();
    }
}
