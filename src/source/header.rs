//! What the head of a source file says: package, imports, constraints, directives (`go/build`: `read.go`, `shouldBuild`).

use crate::source::constraint::{self, Constraint};
use crate::source::token::{Kind, Lexer, Token, is_keyword, unquote};

/// The head of a Go file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GoHeader {
    /// The name in the package clause.
    pub package: String,
    /// The imports in source order, `"C"` too.
    pub imports: Vec<Import>,
    /// The patterns of `//go:embed` lines in source order; none unless the file imports `embed`.
    pub embeds: Vec<EmbedPattern>,
    /// The `//go:debug` lines before the package clause.
    pub debug: Vec<DebugSetting>,
    /// The first sentence of the package's documentation.
    pub doc: String,
    /// The `#cgo` lines in the comments of `import "C"`.
    pub cgo: Vec<String>,
}

/// An import declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// The import path, unquoted.
    pub path: String,
    /// Byte offset of the path's literal.
    pub offset: usize,
    /// The literal's length in bytes.
    pub width: usize,
}

/// A pattern of a `//go:embed` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbedPattern {
    /// The pattern, unquoted.
    pub pattern: String,
    /// Byte offset of the pattern.
    pub offset: usize,
}

/// A `//go:debug` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DebugSetting {
    /// The setting, e.g. `panicnil`.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// Why a file's head can't be read: the first error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct HeaderError {
    /// Byte offset in the file.
    pub offset: usize,
    /// What is wrong there.
    pub message: String,
}

impl HeaderError {
    /// Whether the build constraint is malformed, rather than the Go.
    pub fn is_constraint(&self) -> bool {
        self.message.contains("//go:build")
    }
}

type Result<T> = std::result::Result<T, HeaderError>;

fn error<T>(offset: usize, message: impl Into<String>) -> Result<T> {
    Err(HeaderError { offset, message: message.into() })
}

impl GoHeader {
    /// Reads the head of a Go file. Any bytes are accepted. The build constraint is not part of it: see [`constraint_of`].
    ///
    /// # Errors
    ///
    /// A syntax error up to the last import, or a malformed `//go:debug` line.
    pub fn parse(content: &[u8]) -> Result<GoHeader> {
        let mut header = GoHeader::default();
        let mut lexer = Lexer::new(content);
        header.package_clause(&mut lexer)?;
        header.import_declarations(&mut lexer)?;
        if header.imports.iter().any(|import| import.path == "embed") {
            header.embeds = embed_patterns(content);
        }
        Ok(header)
    }

    /// Whether the file imports `"C"`.
    pub fn uses_cgo(&self) -> bool {
        self.imports.iter().any(|import| import.path == "C")
    }

    fn package_clause(&mut self, lexer: &mut Lexer) -> Result<()> {
        let keyword = loop {
            let token = lexer.next_token();
            match token.kind {
                Kind::LineComment => self.debug.extend(debug_setting(&token)?),
                Kind::BlockComment => {}
                _ => break token,
            }
        };
        if !keyword.is_word("package") {
            return unexpected("'package'", &keyword);
        }
        let name = lexer.next_significant();
        if name.kind != Kind::Ident || is_keyword(name.text) {
            return unexpected("'IDENT'", &name);
        }
        self.package = utf8(&name)?.to_owned();
        end_of_statement(lexer, &lexer.peek_significant())
    }

    fn import_declarations(&mut self, lexer: &mut Lexer) -> Result<()> {
        while lexer.peek_significant().is_word("import") {
            lexer.next_significant();
            if lexer.peek_significant().is_operator("(") {
                lexer.next_significant();
                while !lexer.peek_significant().is_operator(")") {
                    self.import_spec(lexer)?;
                    let after = lexer.peek_significant();
                    if !after.is_operator(")") {
                        end_of_statement(lexer, &after)?;
                    }
                }
                lexer.next_significant();
            } else {
                self.import_spec(lexer)?;
            }
            end_of_statement(lexer, &lexer.peek_significant())?;
        }
        Ok(())
    }

    /// An optional name or dot, then the path.
    fn import_spec(&mut self, lexer: &mut Lexer) -> Result<()> {
        let mut token = lexer.next_significant();
        if token.is_operator(".") || token.kind == Kind::Ident && !is_keyword(token.text) {
            token = lexer.next_significant();
        }
        if token.kind != Kind::String {
            return error(token.start, "missing import path; require quoted string");
        }
        let Some(path) = unquote(token.text).and_then(|bytes| String::from_utf8(bytes).ok()) else {
            return error(token.start, format!("invalid import path: {}", token.text.escape_ascii()));
        };
        if !is_valid_import(&path) {
            return error(token.start, format!("invalid import path: {}", path.escape_debug()));
        }
        self.imports.push(Import { path, offset: token.start, width: token.text.len() });
        Ok(())
    }
}

/// Consumes a semicolon; the end of the file stands for one too.
fn end_of_statement(lexer: &mut Lexer, next: &Token) -> Result<()> {
    match next.kind {
        Kind::Semicolon | Kind::End => {
            lexer.next_significant();
            Ok(())
        }
        _ => unexpected("';'", next),
    }
}

fn unexpected<T>(wanted: &str, found: &Token) -> Result<T> {
    let shown = match found.kind {
        Kind::End => "end of file".to_owned(),
        Kind::Semicolon if found.text.is_empty() => "newline".to_owned(),
        _ => {
            let line = found.text.split(|&b| b == b'\n').next().unwrap_or_default();
            let line = String::from_utf8_lossy(&line[..line.len().min(40)]);
            format!("'{}'", line.replace(char::is_control, "?"))
        }
    };
    error(found.start, format!("expected {wanted}, found {shown}"))
}

fn utf8<'a>(token: &Token<'a>) -> Result<&'a str> {
    std::str::from_utf8(token.text).or_else(|_| error(token.start, "illegal UTF-8 encoding"))
}

/// `isValidImport` in `go/build`: no control characters, spaces or most punctuation.
fn is_valid_import(path: &str) -> bool {
    let illegal = |c: char| c.is_control() || c.is_whitespace() || "!\"#$%&'()*,:;<=>?[\\]^{|}`\u{FFFD}".contains(c);
    !path.is_empty() && !path.contains(illegal)
}

/// The setting of a `//go:debug` line (`ParseGoDebug` in cmd/go); `None` for other comments.
fn debug_setting(comment: &Token) -> Result<Option<DebugSetting>> {
    let text = String::from_utf8_lossy(comment.text);
    let Some(rest) = text.strip_prefix("//go:debug") else { return Ok(None) };
    if !rest.trim().is_empty() && !rest.starts_with([' ', '\t']) {
        return Ok(None);
    }
    let Some((key, value)) = rest.trim().split_once('=') else {
        return error(comment.start, "invalid //go:debug: missing key=value");
    };
    for (what, part) in [("key", key), ("value", value)] {
        if part.contains([' ', '\t']) {
            return error(comment.start, format!("invalid //go:debug: {what} contains space"));
        }
        if part.contains(',') {
            return error(comment.start, format!("invalid //go:debug: {what} contains comma"));
        }
    }
    Ok(Some(DebugSetting { key: key.to_owned(), value: value.to_owned() }))
}

/// The build constraint in the comments at the head of a file of any kind; `None` when there is none.
///
/// # Errors
///
/// A malformed `//go:build` line, or a second one.
pub fn constraint_of(content: &[u8]) -> Result<Option<Constraint>> {
    let head = comment_head(content)?;
    if let Some((offset, line)) = head.go_build {
        let text = String::from_utf8_lossy(line);
        let expression = constraint::go_build_expression(&text).unwrap_or_default();
        // The expression is the end of the line.
        let before = text.rfind(expression).unwrap_or(0);
        return match expression.parse() {
            Ok(constraint) => Ok(Some(constraint)),
            // Bytes that aren't UTF-8 take more room in `text` than in the line.
            Err(e) => error(offset + (before + e.offset).min(line.len()), format!("parsing //go:build line: {e}")),
        };
    }
    let lines = content[..head.plus_build_end].split(|&b| b == b'\n').map(|l| l.strip_prefix(b"\xef\xbb\xbf").unwrap_or(l));
    Ok(Constraint::all(lines.filter_map(|line| constraint::plus_build(String::from_utf8_lossy(line).trim()))))
}

struct CommentHead<'a> {
    /// The `//go:build` line and its offset.
    go_build: Option<(usize, &'a [u8])>,
    /// Where `// +build` lines end: at the last blank line in the leading run of `//` comments.
    plus_build_end: usize,
}

/// `parseFileHeader` in `go/build`, which says where the two kinds of lines are recognised.
fn comment_head(content: &[u8]) -> Result<CommentHead<'_>> {
    let mut head = CommentHead { go_build: None, plus_build_end: 0 };
    let mut in_block = false;
    let mut only_line_comments = true;
    let byte_order_mark = if content.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let mut offset = byte_order_mark;
    for line in content[byte_order_mark..].split_inclusive(|&b| b == b'\n') {
        let start = offset + (line.len() - line.trim_ascii_start().len());
        offset += line.len();
        let mut line = line.trim_ascii();
        if line.is_empty() && only_line_comments {
            head.plus_build_end = offset;
            continue;
        }
        only_line_comments &= line.starts_with(b"//");
        if !in_block && constraint::go_build_expression(&String::from_utf8_lossy(line)).is_some() {
            if head.go_build.is_some() {
                return error(start, "multiple //go:build comments");
            }
            head.go_build = Some((start, line));
        }
        while !line.is_empty() {
            if in_block {
                let Some(end) = line.windows(2).position(|pair| pair == b"*/") else { break };
                in_block = false;
                line = line[end + 2..].trim_ascii();
            } else if line.starts_with(b"//") {
                break;
            } else if let Some(rest) = line.strip_prefix(b"/*") {
                in_block = true;
                line = rest.trim_ascii();
            } else {
                return Ok(head);
            }
        }
    }
    Ok(head)
}

/// The patterns of all `//go:embed` comments; malformed ones are left to the compiler, which reports them.
fn embed_patterns(content: &[u8]) -> Vec<EmbedPattern> {
    let mut lexer = Lexer::new(content);
    let mut patterns = Vec::new();
    loop {
        let token = lexer.next_token();
        match token.kind {
            Kind::End => return patterns,
            Kind::LineComment => {
                let Some(arguments) = std::str::from_utf8(token.text).ok().and_then(|t| t.strip_prefix("//go:embed")) else {
                    continue;
                };
                if arguments.starts_with(char::is_whitespace) {
                    let start = token.start + "//go:embed".len();
                    patterns.extend(embed_arguments(arguments, start).unwrap_or_default());
                }
            }
            _ => {}
        }
    }
}

/// Splits the arguments of a directive: words, and strings quoted in either way (`ast.Directive.ParseArgs`).
fn embed_arguments(text: &str, start: usize) -> Option<Vec<EmbedPattern>> {
    let mut patterns = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let offset = start + text.len() - rest.len();
        let length = match rest.as_bytes()[0] {
            quote @ (b'"' | b'`') => {
                let literal = Lexer::new(rest.as_bytes()).next_token();
                if literal.kind != Kind::String || literal.text.first() != Some(&quote) {
                    return None;
                }
                literal.text.len()
            }
            _ => rest.find(char::is_whitespace).unwrap_or(rest.len()),
        };
        let (argument, after) = rest.split_at(length);
        let pattern = match argument.starts_with(['"', '`']) {
            true => String::from_utf8(unquote(argument.as_bytes())?).ok()?,
            false => argument.to_owned(),
        };
        if !after.is_empty() && !after.starts_with(char::is_whitespace) {
            return None;
        }
        patterns.push(EmbedPattern { pattern, offset });
        rest = after.trim_start();
    }
    Some(patterns)
}

#[cfg(test)]
mod tests;
