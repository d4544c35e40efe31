//! The functions that a test binary calls: tests, benchmarks, fuzz targets and examples with their output (`loadTestFuncs` in
//! `cmd/go/internal/load`, `Examples` in `go/doc`).
//!
//! Only declarations at the top level are looked at, and of functions no more than their parameters: what else is wrong in a file
//! is for the compiler to say.

use serde::{Deserialize, Serialize};

use crate::source::header::comment::group_text;
use crate::source::token::{Kind, Lexer, Position, Token, is_keyword, lossy};
use crate::source::unicode::is_lower;

/// What the test files of one package have, in the order of files and lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestFunctions {
    /// `TestX(*testing.T)`.
    pub tests: Vec<String>,
    /// `BenchmarkX(*testing.B)`.
    pub benchmarks: Vec<String>,
    /// `FuzzX(*testing.F)`.
    pub fuzz_targets: Vec<String>,
    /// `ExampleX()`, of those that say what they print.
    pub examples: Vec<Example>,
    /// Whether there is `TestMain(*testing.M)`.
    pub has_main: bool,
}

/// An example that is run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The function's name.
    pub name: String,
    /// What it prints; empty where it says that it prints nothing.
    pub output: String,
    /// Whether the order of lines doesn't matter.
    pub unordered: bool,
}

/// Why a file can't be part of a test binary.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct WrongFunction {
    /// Byte offset of the function.
    pub offset: usize,
    /// Where that is, as Go shows it.
    pub position: Position,
    /// What is wrong, in Go's words.
    pub message: String,
}

impl TestFunctions {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        *self == TestFunctions::default()
    }

    /// Those of a file; `None` if it can't be part of a test binary.
    pub fn of(content: &[u8]) -> Option<TestFunctions> {
        let mut functions = TestFunctions::default();
        functions.add(content).ok().map(|()| functions)
    }

    /// Adds those of another file, unless both have `TestMain`.
    pub fn extend(&mut self, mut other: TestFunctions) -> bool {
        let fits = !(self.has_main && other.has_main);
        if fits {
            self.tests.append(&mut other.tests);
            self.benchmarks.append(&mut other.benchmarks);
            self.fuzz_targets.append(&mut other.fuzz_targets);
            self.examples.append(&mut other.examples);
            self.has_main |= other.has_main;
        }
        fits
    }

    /// Adds those of a file; any bytes are accepted.
    ///
    /// # Errors
    ///
    /// The first function whose name promises what its parameters don't keep, or a second `TestMain`.
    pub fn add(&mut self, content: &[u8]) -> Result<(), WrongFunction> {
        let mut scanner = Scanner::new(content);
        let mut examples = Vec::new();
        while scanner.token.kind != Kind::End {
            if scanner.token.is_word("func")
                && let Some(function) = scanner.function()
            {
                let start = function.start;
                self.add_function(function, &mut examples).map_err(|message| WrongFunction {
                    offset: start,
                    position: scanner.lexer.position(start),
                    message,
                })?;
            }
            scanner.skip_declaration();
        }
        self.examples.append(&mut examples);
        Ok(())
    }

    fn add_function(&mut self, function: Function, examples: &mut Vec<Example>) -> Result<(), String> {
        let name = function.name.as_str();
        if name == "TestMain" && !function.takes("T") {
            function.check("M")?;
            if std::mem::replace(&mut self.has_main, true) {
                return Err("multiple definitions of TestMain".to_owned());
            }
        } else if name == "TestMain" {
            self.tests.push(function.name);
        } else if is_test(name, "Test") {
            function.check("T")?;
            self.tests.push(function.name);
        } else if is_test(name, "Benchmark") {
            function.check("B")?;
            self.benchmarks.push(function.name);
        } else if is_test(name, "Fuzz") {
            function.check("F")?;
            self.fuzz_targets.push(function.name);
        } else if is_test(name, "Example") && function.params.is_empty() && !function.has_results {
            let said = function.last_comment.as_deref().and_then(example_output);
            examples.extend(said.map(|(output, unordered)| Example { name: function.name, output, unordered }));
        }
        Ok(())
    }
}

/// Whether a test binary calls the same functions of two test files, and expects the same of their examples. Rather not, where one can't be a part
/// of it.
pub fn are_the_same(one: &[u8], other: &[u8]) -> bool {
    TestFunctions::of(one).is_some_and(|one| TestFunctions::of(other).is_some_and(|other| one == other))
}

/// Whether a file has a function that does something, so that there are statements to count.
pub fn has_statements(content: &[u8]) -> bool {
    let mut scanner = Scanner::new(content);
    let (mut in_signature, mut in_type) = (false, false);
    while scanner.token.kind != Kind::End {
        let token = scanner.token;
        scanner.next();
        match token.kind {
            Kind::Semicolon => in_signature = false,
            Kind::Operator if token.text == b"{" && in_signature && !in_type => {
                if !scanner.token.is_operator("}") {
                    return true;
                }
                in_signature = false;
            }
            _ => in_signature |= token.is_word("func"),
        }
        // The braces of a type aren't those of a body.
        in_type = token.is_word("struct") || token.is_word("interface");
    }
    false
}

/// Whether a name is the prefix, alone or with something after it that doesn't begin with a lower-case letter.
fn is_test(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix).is_some_and(|rest| !rest.starts_with(is_lower))
}

/// What an example prints according to its last comment, and whether in any order.
fn example_output(comment: &str) -> Option<(String, bool)> {
    let prefixed = |text: &str, prefix: &str| text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    let mut text = comment.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    let unordered = prefixed(text, "unordered ");
    if unordered {
        text = &text["unordered ".len()..];
    }
    if !prefixed(text, "output:") {
        return None;
    }
    let text = text["output:".len()..].trim_start_matches(' ');
    Some((text.strip_prefix('\n').unwrap_or(text).to_owned(), unordered))
}

/// A function's declaration.
struct Function<'a> {
    /// Offset of `func`.
    start: usize,
    name: String,
    is_generic: bool,
    params: Vec<Token<'a>>,
    has_results: bool,
    /// The text of the last comment in its body.
    last_comment: Option<String>,
}

impl Function<'_> {
    /// Whether its only parameter is a pointer to a type of this name, in whichever package.
    fn takes(&self, of: &str) -> bool {
        let mut rest = self.params.as_slice();
        if let [params @ .., comma] = rest
            && comma.is_operator(",")
        {
            rest = params;
        }
        if let [name, params @ ..] = rest
            && is_identifier(name)
        {
            rest = params;
        }
        let named = match rest {
            [star, name] if star.is_operator("*") => name.is_word(of),
            [star, package, dot, name] if star.is_operator("*") && dot.is_operator(".") => {
                is_identifier(package) && name.is_word(of)
            }
            _ => false,
        };
        named && !self.has_results
    }

    fn check(&self, of: &str) -> Result<(), String> {
        let name = &self.name;
        if self.is_generic {
            return Err(format!("wrong signature for {name}, test functions cannot have type parameters"));
        }
        if self.takes(of) {
            return Ok(());
        }
        let param = of.to_lowercase();
        Err(format!("wrong signature for {name}, must be: func {name}({param} *testing.{of})"))
    }
}

fn is_identifier(token: &Token) -> bool {
    token.kind == Kind::Ident && !is_keyword(token.text)
}

fn is_opening(token: &Token) -> bool {
    ["(", "[", "{"].iter().any(|bracket| token.is_operator(bracket))
}

fn is_closing(token: &Token) -> bool {
    [")", "]", "}"].iter().any(|bracket| token.is_operator(bracket))
}

/// Tokens, and the comments between them in the groups of `go/parser`.
struct Scanner<'a> {
    lexer: Lexer<'a>,
    token: Token<'a>,
    /// The latest group of comments.
    comments: Vec<Token<'a>>,
}

impl<'a> Scanner<'a> {
    fn new(content: &'a [u8]) -> Scanner<'a> {
        let token = Token { kind: Kind::Illegal, start: 0, line: 0, text: b"" };
        let mut scanner = Scanner { lexer: Lexer::new(content), token, comments: Vec::new() };
        scanner.next();
        scanner
    }

    /// Goes to the next token that isn't a comment.
    fn next(&mut self) {
        let line = self.token.line;
        self.token = self.lexer.next_token();
        if self.token.is_comment() && self.token.line == line {
            self.group(0);
        }
        while self.token.is_comment() {
            self.group(1);
        }
    }

    /// Consumes comments with no more than this many line ends between them.
    fn group(&mut self, lines: u32) {
        self.comments.clear();
        let mut end = self.token.line;
        while self.token.is_comment() && self.token.line <= end + lines {
            let breaks = memchr::memchr_iter(b'\n', self.token.text).count() as u32;
            end = self.token.line + if self.token.kind == Kind::BlockComment { breaks } else { 0 };
            self.comments.push(self.token);
            self.token = self.lexer.next_token();
        }
    }

    /// Goes behind the semicolon that ends a declaration.
    fn skip_declaration(&mut self) {
        let mut depth = 0usize;
        while self.token.kind != Kind::End {
            if is_opening(&self.token) {
                depth += 1;
            } else if is_closing(&self.token) {
                depth = depth.saturating_sub(1);
            } else if self.token.kind == Kind::Semicolon && depth == 0 {
                return self.next();
            }
            self.next();
        }
    }

    /// Consumes the token that an opening bracket is, up to and with the bracket that closes it; gives what stands between.
    fn bracketed(&mut self) -> Vec<Token<'a>> {
        let (mut inner, mut depth) = (Vec::new(), 1usize);
        self.next();
        while self.token.kind != Kind::End {
            if is_opening(&self.token) {
                depth += 1;
            } else if is_closing(&self.token) {
                depth -= 1;
                if depth == 0 {
                    self.next();
                    return inner;
                }
            }
            inner.push(self.token);
            self.next();
        }
        inner
    }

    /// Reads a function's declaration; `None` for methods, and where it isn't Go. Its end is left to [`Scanner::skip_declaration`].
    fn function(&mut self) -> Option<Function<'a>> {
        let start = self.token.start;
        self.next();
        let name = Some(self.token).filter(is_identifier)?;
        self.next();
        let is_generic = self.token.is_operator("[");
        if is_generic {
            self.bracketed();
        }
        let params = self.token.is_operator("(").then(|| self.bracketed())?;
        let has_results = match self.token.is_operator("(") {
            true => !self.bracketed().is_empty(),
            false => !self.token.is_operator("{") && !matches!(self.token.kind, Kind::Semicolon | Kind::End),
        };
        let mut last_comment = None;
        if self.token.is_operator("{") {
            last_comment = self.body();
        }
        let name = lossy(name.text).into_owned();
        Some(Function { start, name, is_generic, params, has_results, last_comment })
    }

    /// Consumes a function's body up to its last bracket; gives the last comment in it.
    fn body(&mut self) -> Option<String> {
        let mut depth = 0usize;
        self.comments.clear();
        while self.token.kind != Kind::End {
            if is_opening(&self.token) {
                depth += 1;
            } else if is_closing(&self.token) {
                depth -= 1;
                if depth == 0 {
                    break;
                }
            }
            self.next();
        }
        (!self.comments.is_empty()).then(|| group_text(&self.comments))
    }
}

#[cfg(test)]
mod tests;
