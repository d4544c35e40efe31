//! The grammar of a file's head, with the errors of `go/parser` in its mode `ImportsOnly`, and with its recovery after them: how many
//! errors there are, and which is the first, depends on that.

use super::{Directive, Fault, HeaderError, comment};
use crate::source::synopsis::synopsis;
use crate::source::token::{Kind, Lexer, LexicalError, Position, Token, is_keyword, lossy};

/// What a head has.
pub(super) struct File<'a> {
    pub package: String,
    /// The comments right above the package clause.
    pub doc: Vec<Token<'a>>,
    pub imports: Vec<Spec<'a>>,
    pub directives: Vec<Directive>,
}

/// An import.
pub(super) struct Spec<'a> {
    /// Where the name stands, or the path if there is none.
    pub position: Position,
    /// The offset of that.
    pub start: usize,
    pub path: Token<'a>,
    /// The comments right above it.
    pub doc: Vec<Token<'a>>,
}

/// The parser gives up after this many errors.
const MAX_ERRORS: usize = 10;

/// There are too many errors.
struct GaveUp;

type Parsed<T> = Result<T, GaveUp>;

struct Parser<'a> {
    lexer: Lexer<'a>,
    token: Token<'a>,
    /// The comments right above the token.
    lead: Vec<Token<'a>>,
    directives: Vec<Directive>,
    imports: Vec<Spec<'a>>,
    /// Where the parser last went on after an error, and how often it did so there.
    synced: (Option<usize>, u32),
}

/// Parses package clause and imports.
///
/// # Errors
///
/// The first error.
pub(super) fn parse<'a>(name: &str, text: &'a [u8]) -> Result<File<'a>, HeaderError> {
    let token = Token { kind: Kind::Illegal, start: 0, line: 0, text: b"" };
    let (lead, directives, imports) = (Vec::new(), Vec::new(), Vec::new());
    let mut parser = Parser { lexer: Lexer::new(text), token, lead, directives, imports, synced: (None, 0) };
    parser.next(true);
    let (package, doc) = parser.file().ok().flatten().unwrap_or_default();
    let Parser { mut lexer, directives, imports, .. } = parser;
    let mut errors = lexer.take_errors();
    if errors.is_empty() {
        return Ok(File { package, doc, imports, directives });
    }
    // As Go does, by the files that `//line` directives name first. How those with absolute names compare with the file itself depends
    // on where it is; here they come later.
    let file = |position: &Position| position.file.as_deref().unwrap_or(name).to_owned();
    let key = |e: &LexicalError| {
        let file = file(&e.position);
        (file.starts_with('/'), file, e.position.line, e.position.column, e.message.clone())
    };
    errors.sort_by_key(key);
    let more = errors.len() - 1;
    let LexicalError { offset, position, message } = errors.swap_remove(0);
    let doc = synopsis(&comment::group_text(&doc));
    Err(HeaderError { fault: Fault::Syntax, offset, position, message, more, package, doc })
}

impl<'a> Parser<'a> {
    /// Goes to the next token that isn't a comment.
    fn next(&mut self, first: bool) {
        let line = self.token.line;
        self.lead.clear();
        self.token = self.lexer.next_token();
        if !self.token.is_comment() {
            return;
        }
        if self.token.line == line {
            self.comments(0, first);
        }
        let mut last_line = None;
        while self.token.is_comment() {
            last_line = Some(self.comments(1, first));
        }
        if last_line.is_none_or(|last| last + 1 != self.token.line) {
            self.lead.clear();
        }
    }

    /// Consumes comments with fewer than `blank` + 1 line ends between them, and gives the line on which they end.
    fn comments(&mut self, blank: u32, first: bool) -> u32 {
        self.lead.clear();
        let mut last_line = self.token.line;
        while self.token.is_comment() && self.token.line <= last_line + blank {
            let comment = self.token;
            last_line = comment.line;
            if comment.kind == Kind::BlockComment {
                last_line += memchr::memchr_iter(b'\n', comment.text).count() as u32;
            } else if let Some(text) = Some(comment::text(&comment)).filter(|text| first && text.starts_with(b"//go:")) {
                let text = lossy(&text).into_owned();
                let position = self.lexer.position(comment.start);
                self.directives.push(Directive { text, offset: comment.start, position });
            }
            self.lead.push(comment);
            self.token = self.lexer.next_token();
        }
        last_line
    }

    /// The package's name and comment; `None` if there is something wrong with the package clause.
    fn file(&mut self) -> Parsed<Option<(String, Vec<Token<'a>>)>> {
        if !self.lexer.errors().is_empty() {
            return Ok(None);
        }
        let doc = self.lead.clone();
        self.expect(self.token.is_word("package"), "'package'")?;
        let name = self.token;
        self.expect(is_identifier(&name), "'IDENT'")?;
        self.end_of_statement()?;
        if !self.lexer.errors().is_empty() {
            return Ok(None);
        }
        while self.token.is_word("import") {
            self.import_declaration()?;
        }
        Ok(Some((lossy(name.text).into_owned(), doc)))
    }

    fn import_declaration(&mut self) -> Parsed<()> {
        let doc = self.lead.clone();
        let first = self.imports.len();
        self.next(false);
        if self.token.is_operator("(") {
            self.next(false);
            while !self.token.is_operator(")") && self.token.kind != Kind::End {
                let doc = self.lead.clone();
                self.import_spec(doc)?;
            }
            self.expect(self.token.is_operator(")"), "')'")?;
            self.end_of_statement()?;
        } else {
            self.import_spec(Vec::new())?;
        }
        // What stands above the only import of a declaration may stand above the declaration.
        if let [spec] = &mut self.imports[first..]
            && spec.doc.is_empty()
        {
            spec.doc = doc;
        }
        Ok(())
    }

    fn import_spec(&mut self, doc: Vec<Token<'a>>) -> Parsed<()> {
        let start = self.token.start;
        let position = self.lexer.position(start);
        if is_identifier(&self.token) || self.token.is_operator(".") {
            self.next(false);
        }
        let path = self.token;
        match path.kind {
            Kind::String => self.next(false),
            _ if path.kind == Kind::Literal || is_identifier(&path) => {
                self.error(path.start, "import path must be a string")?;
                self.next(false);
            }
            _ => {
                self.error(path.start, "missing import path")?;
                self.advance(|token| {
                    token.kind == Kind::Semicolon
                        || [",", ":", ")", "]", "}"].iter().any(|operator| token.is_operator(operator))
                });
            }
        }
        self.imports.push(Spec { position, start, path, doc });
        self.end_of_statement()
    }

    fn end_of_statement(&mut self) -> Parsed<()> {
        match self.token.kind {
            Kind::Operator if matches!(self.token.text, b")" | b"}") => {}
            Kind::Operator if self.token.text == b"," => {
                self.unexpected("';'")?;
                self.next(false);
            }
            Kind::Semicolon => self.next(false),
            _ => {
                self.unexpected("';'")?;
                self.advance(begins_statement);
            }
        }
        Ok(())
    }

    /// Consumes the token, which should be something else unless `is_it`.
    fn expect(&mut self, is_it: bool, wanted: &str) -> Parsed<()> {
        if !is_it {
            self.unexpected(wanted)?;
        }
        self.next(false);
        Ok(())
    }

    fn unexpected(&mut self, wanted: &str) -> Parsed<()> {
        let token = self.token;
        let found = match token.kind {
            Kind::Semicolon if token.text.is_empty() => "newline".to_owned(),
            Kind::String => lossy(&without_carriage_returns(token.text)).into_owned(),
            Kind::Literal => lossy(token.text).into_owned(),
            Kind::Ident if !is_keyword(token.text) => lossy(token.text).into_owned(),
            Kind::End => "'EOF'".to_owned(),
            Kind::Illegal => "'ILLEGAL'".to_owned(),
            _ => format!("'{}'", lossy(token.text)),
        };
        self.error(token.start, format!("expected {wanted}, found {found}"))
    }

    /// Notes an error, unless the last one is on the same line.
    fn error(&mut self, offset: usize, message: impl Into<String>) -> Parsed<()> {
        let position = self.lexer.position(offset);
        if self.lexer.errors().last().is_some_and(|last| last.position.line == position.line) {
            return Ok(());
        }
        if self.lexer.errors().len() > MAX_ERRORS {
            return Err(GaveUp);
        }
        self.lexer.error(offset, message);
        Ok(())
    }

    /// Goes on at a token of a kind; to the next one when it was there often enough.
    fn advance(&mut self, is_goal: impl Fn(&Token) -> bool) {
        while self.token.kind != Kind::End {
            if is_goal(&self.token) {
                let here = Some(self.token.start);
                if self.synced.0 == here && self.synced.1 < 10 {
                    self.synced.1 += 1;
                    return;
                }
                if here > self.synced.0 {
                    self.synced = (here, 0);
                    return;
                }
            }
            self.next(false);
        }
    }
}

fn is_identifier(token: &Token) -> bool {
    token.kind == Kind::Ident && !is_keyword(token.text)
}

fn begins_statement(token: &Token) -> bool {
    const WORDS: [&str; 14] = [
        "break",
        "const",
        "continue",
        "defer",
        "fallthrough",
        "for",
        "go",
        "goto",
        "if",
        "return",
        "select",
        "switch",
        "type",
        "var",
    ];
    WORDS.iter().any(|word| token.is_word(word))
}

/// A string literal as Go's scanner gives it: raw ones are without carriage returns.
fn without_carriage_returns(literal: &[u8]) -> Vec<u8> {
    let raw = literal.starts_with(b"`");
    literal.iter().copied().filter(|&b| !raw || b != b'\r').collect()
}
