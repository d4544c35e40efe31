//! BUILD files as people write them, with the place of everything in the text, so that who changes one thing leaves the rest as it is.
//!
//! Nothing is evaluated: what macros, loops and `def`s make isn't known. Spans are byte offsets into the text that was parsed.

mod parse;

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::error::{Error, Location, Result};

/// Names of BUILD files; where both are there, Bazel reads the first.
pub const NAMES: [&str; 2] = ["BUILD.bazel", "BUILD"];

/// A parsed BUILD file.
#[derive(Clone, Debug)]
pub struct BuildFile {
    /// Where it is, as the user would name it.
    pub path: PathBuf,
    /// The text, as it is.
    pub text: String,
    /// The `load` statements in order.
    pub loads: Vec<Load>,
    /// The calls that stand by themselves, in order: rules, macros, `package()` and such. Those within loops and comprehensions aren't here.
    pub calls: Vec<Call>,
    /// Comments that are directives, in order.
    pub directives: Vec<Directive>,
    /// Where statements are, in order.
    pub statements: Vec<Range<usize>>,
    /// Where comments are, in order: from `#` to the end of the line, without that.
    pub comments: Vec<Range<usize>>,
    /// Names that the file uses, whether as rules or otherwise.
    pub names: BTreeSet<String>,
}

/// A `load` statement.
#[derive(Clone, Debug)]
pub struct Load {
    /// The label of the .bzl file.
    pub file: Text,
    /// What is loaded, in order.
    pub symbols: Vec<Element<Symbol>>,
    /// The statement.
    pub span: Range<usize>,
    /// Whether a comment says `# keep`.
    pub keep: bool,
}

/// A string literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// What it says.
    pub value: String,
    /// Where it is, with its quotes.
    pub span: Range<usize>,
}

/// Something that is loaded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Symbol {
    /// Its name in this file.
    pub local: String,
    /// Its name in the .bzl file.
    pub name: String,
}

/// A call that stands by itself, such as `go_library(name = "x")`.
#[derive(Clone, Debug)]
pub struct Call {
    /// What is called: `go_library`, or `native.filegroup`.
    pub kind: String,
    /// Where that is.
    pub kind_span: Range<usize>,
    /// The call.
    pub span: Range<usize>,
    /// From the first of the comment lines right above to the end of the call.
    pub whole: Range<usize>,
    /// From the opening parenthesis to the closing one, both included.
    pub parentheses: Range<usize>,
    /// Arguments in order.
    pub arguments: Vec<Element<Argument>>,
    /// Whether a comment says `# keep`: right above, or at the end of the first or the last line.
    pub keep: bool,
    /// Whether commas alone stand between the arguments. Where that isn't so (parentheses around values), it is better left alone.
    pub is_plain: bool,
}

/// An argument of a call.
#[derive(Clone, Debug)]
pub struct Argument {
    /// The name; `None` for positional arguments, `*args` and `**kwargs`.
    pub name: Option<String>,
    /// The value.
    pub value: Expr,
}

/// One of several things with commas between.
#[derive(Clone, Debug)]
pub struct Element<T> {
    /// What it is.
    pub node: T,
    /// Where it is, without comma and comments.
    pub span: Range<usize>,
    /// Where the first of the comment lines right above it begins; where it begins itself if there are none.
    pub above: usize,
    /// Whether a comment says `# keep`: right above, or at the end of the first or the last line.
    pub keep: bool,
}

/// An expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it says, as far as that can be known without evaluating it.
    pub value: Value,
    /// Where it is.
    pub span: Range<usize>,
}

/// What an expression says.
#[derive(Clone, Debug)]
pub enum Value {
    /// A string literal.
    String(String),
    /// An integer, as it is written.
    Int(String),
    /// A variable or constant: `True`, `False`, `None`, or one that the file makes or loads.
    Name(String),
    /// `[…]`
    List(Vec<Element<Expr>>),
    /// `{…}`
    Dict(Vec<Element<(Expr, Expr)>>),
    /// `select({…})`; the range is that of the dictionary.
    Select(Vec<Element<(Expr, Expr)>>, Range<usize>),
    /// `glob(…)`
    Glob(Vec<Element<Argument>>),
    /// Two or more with `+` between.
    Sum(Vec<Expr>),
    /// Anything else.
    Other,
}

/// A comment that tells generators something: `# gazelle:key value`, `# godirect:key value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// `gazelle` or `godirect`.
    pub prefix: &'static str,
    /// What it is about.
    pub key: String,
    /// The rest of the line, without space around it.
    pub value: String,
    /// The comment.
    pub span: Range<usize>,
}

impl BuildFile {
    /// Parses a file; `path` is for errors.
    ///
    /// # Errors
    ///
    /// What isn't Starlark, with its place.
    pub fn parse(path: &Path, text: &str) -> Result<BuildFile> {
        parse::parse(path, text)
    }

    /// The place of a span.
    pub fn location(&self, span: &Range<usize>) -> Location {
        Location::in_text(&self.path, &self.text, span.start, span.len())
    }

    /// `file:line:column` of a span.
    pub fn place(&self, span: &Range<usize>) -> String {
        let location = self.location(span);
        format!("{}:{}:{}", location.path.display(), location.line, location.column)
    }

    /// The rule with a name.
    pub fn rule(&self, name: &str) -> Option<&Call> {
        self.calls.iter().find(|call| call.name() == Some(name))
    }

    /// How its lines end: as the first one does.
    pub fn line_end(&self) -> &'static str {
        match self.text.find('\n') {
            Some(at) if self.text[..at].ends_with('\r') => "\r\n",
            _ => "\n",
        }
    }
}

impl Call {
    /// The value of `name`, if it is a string literal.
    pub fn name(&self) -> Option<&str> {
        self.string("name")
    }

    /// An argument by its name.
    pub fn argument(&self, name: &str) -> Option<&Element<Argument>> {
        self.arguments.iter().find(|argument| argument.node.name.as_deref() == Some(name))
    }

    /// An argument that is a string literal.
    pub fn string(&self, name: &str) -> Option<&str> {
        match &self.argument(name)?.node.value.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// An argument that is a list of string literals, such as `tags`; what isn't a literal is left out.
    pub fn strings(&self, name: &str) -> Vec<&str> {
        let Some(argument) = self.argument(name) else { return Vec::new() };
        argument.node.value.strings()
    }
}

impl Expr {
    /// The string literals of a list, with those of all cases of a `select`, and of sums of such.
    pub fn strings(&self) -> Vec<&str> {
        match &self.value {
            Value::String(text) => vec![text],
            Value::List(items) => items.iter().flat_map(|item| item.node.strings()).collect(),
            Value::Select(entries, _) => entries.iter().flat_map(|entry| entry.node.1.strings()).collect(),
            Value::Sum(terms) => terms.iter().flat_map(Expr::strings).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether [`Expr::strings`] are all that it says.
    pub fn is_literal(&self) -> bool {
        match &self.value {
            Value::String(_) => true,
            Value::List(items) => items.iter().all(|item| matches!(item.node.value, Value::String(_))),
            Value::Select(entries, _) => entries.iter().all(|entry| entry.node.0.is_literal() && entry.node.1.is_literal()),
            Value::Sum(terms) => terms.iter().all(Expr::is_literal),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests;
