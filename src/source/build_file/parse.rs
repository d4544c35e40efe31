//! From Starlark's syntax tree to what generators ask about.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use starlark::codemap::{Span, Spanned};
use starlark::syntax::ast::{ArgumentP, AstExpr, AstLiteral, AstPayload, AstStmt, BinOp, ExprP, LoadP, Stmt, StmtP};
use starlark::syntax::{AstModule, Dialect};

use super::{Argument, BuildFile, Call, Directive, Element, Error, Expr, Load, Location, Result, Symbol, Text, Value};
use crate::spec;

/// How deep brackets may be nested: the parser, as Bazel's, calls itself for each.
const MAX_DEPTH: usize = 100;

/// How many terms and such an expression may have in a row, for the same reason.
const MAX_OPERATORS: usize = 2000;

pub(super) fn parse(path: &Path, text: &str) -> Result<BuildFile> {
    check_depth(path, text)?;
    let ast = AstModule::parse(&path.display().to_string(), text.to_owned(), &Dialect::Standard).map_err(spec::syntax_error)?;
    let comments: Vec<Range<usize>> = ast.comments().iter().map(|span| range(*span)).collect();
    let mut file = BuildFile {
        path: path.to_owned(),
        text: text.to_owned(),
        loads: Vec::new(),
        calls: Vec::new(),
        directives: Vec::new(),
        statements: Vec::new(),
        comments: comments.clone(),
        names: BTreeSet::new(),
    };
    let reader = Reader { text, comments: &comments };
    reader.statement(ast.statement(), &mut file);
    file.directives = reader.directives(&file.statements);
    Ok(file)
}

/// The parser calls itself for what is nested, and knows no limit of its own.
fn check_depth(path: &Path, text: &str) -> Result<()> {
    let (mut depth, mut operators) = (0_usize, 0_usize);
    let mut quote: Option<(u8, bool)> = None;
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let triple = |mark: u8| bytes[at..].starts_with(&[mark; 3]);
        at += match (quote, byte) {
            (Some(_), b'\\') => 2,
            (Some((mark, true)), b) if b == mark && triple(mark) => {
                quote = None;
                3
            }
            (Some((mark, false)), b) if b == mark || b == b'\n' => {
                quote = None;
                1
            }
            (Some(_), _) => 1,
            (None, b'"' | b'\'') => {
                quote = Some((byte, triple(byte)));
                if triple(byte) { 3 } else { 1 }
            }
            (None, b'#') => bytes[at..].iter().position(|b| *b == b'\n').unwrap_or(bytes.len() - at),
            (None, b'(' | b'[' | b'{') => {
                depth += 1;
                1
            }
            (None, b')' | b']' | b'}') => {
                depth = depth.saturating_sub(1);
                1
            }
            (None, b',') => {
                operators = 0;
                1
            }
            // Words and operators between two commas may all be one expression; indentation nests as well.
            (
                None,
                b'+' | b'-' | b'~' | b'*' | b'/' | b'%' | b'|' | b'&' | b'^' | b'<' | b'>' | b'=' | b' ' | b'.' | b':' | b'\t',
            ) => {
                operators += usize::from(byte != b' ' || bytes.get(at + 1).is_some_and(|next| next.is_ascii_lowercase()));
                1
            }
            (None, b'\n') if depth == 0 => {
                operators = 0;
                1
            }
            _ => 1,
        };
        if depth > MAX_DEPTH || operators > MAX_OPERATORS {
            let error = Error::input("expressions are nested too deep");
            return Err(error.at(Location::in_text(path, text, at.saturating_sub(1), 1)));
        }
    }
    Ok(())
}

fn range(span: Span) -> Range<usize> {
    span.begin().get() as usize..span.end().get() as usize
}

/// An expression in either form: the parser's trees have no other.
type Ast<P> = Spanned<ExprP<P>>;

/// Every identifier of an expression.
fn collect_names(expression: &AstExpr, names: &mut BTreeSet<String>) {
    if let ExprP::Identifier(name) = &expression.node {
        names.insert(name.node.ident.clone());
    }
    expression.visit_expr(|inner| collect_names(inner, names));
}

struct Reader<'a> {
    text: &'a str,
    comments: &'a [Range<usize>],
}

impl Reader<'_> {
    fn statement(&self, statement: &AstStmt, file: &mut BuildFile) {
        let span = range(statement.span);
        match &statement.node {
            StmtP::Statements(statements) => return statements.iter().for_each(|s| self.statement(s, file)),
            Stmt::Load(load) => file.loads.push(self.load(load, span.clone())),
            Stmt::Expression(expression) => file.calls.extend(self.call(expression)),
            _ => {}
        }
        statement.visit_expr(|expression| collect_names(expression, &mut file.names));
        file.statements.push(span);
    }

    fn load<P: AstPayload>(&self, load: &LoadP<P>, span: Range<usize>) -> Load {
        let symbols = load.args.iter().map(|argument| {
            let symbol = Symbol { local: argument.local.node.ident.clone(), name: argument.their.node.clone() };
            self.element(symbol, range(argument.span()))
        });
        Load {
            file: Text { value: load.module.node.clone(), span: range(load.module.span) },
            symbols: symbols.collect(),
            keep: self.is_kept(&span),
            span,
        }
    }

    fn call(&self, expression: &AstExpr) -> Option<Call> {
        let ExprP::Call(callee, arguments) = &expression.node else { return None };
        let (span, kind_span) = (range(expression.span), range(callee.span));
        let open = kind_span.end + self.code(kind_span.end..span.end).find('(')?;
        let arguments: Vec<Element<Argument>> = arguments.args.iter().map(|a| self.argument(&a.node, range(a.span))).collect();
        let parentheses = open..span.end;
        let is_plain = self.text[..span.end].ends_with(')') && self.only_commas(&parentheses, &arguments);
        Some(Call {
            kind: self.text[kind_span.clone()].to_owned(),
            kind_span,
            whole: self.above(span.start)..span.end,
            keep: self.is_kept(&span),
            span,
            parentheses,
            arguments,
            is_plain,
        })
    }

    fn argument<P: AstPayload>(&self, argument: &ArgumentP<P>, span: Range<usize>) -> Element<Argument> {
        let (name, value) = match argument {
            ArgumentP::Named(name, value) => (Some(name.node.clone()), self.expr(value)),
            ArgumentP::Positional(value) => (None, self.expr(value)),
            ArgumentP::Args(value) | ArgumentP::KwArgs(value) => (None, Expr { value: Value::Other, span: range(value.span) }),
        };
        // Parentheses are of the argument, not of its value, which can't be replaced without them.
        let value = if value.span.end == span.end { value } else { Expr { value: Value::Other, span: value.span } };
        self.element(Argument { name, value }, span)
    }

    fn expr<P: AstPayload>(&self, expression: &Ast<P>) -> Expr {
        let span = range(expression.span);
        let value = match &expression.node {
            ExprP::Literal(AstLiteral::String(text)) => Value::String(text.node.clone()),
            ExprP::Literal(AstLiteral::Int(_)) => Value::Int(self.text[span.clone()].to_owned()),
            ExprP::Identifier(name) => Value::Name(name.node.ident.clone()),
            ExprP::List(items) => {
                let items: Vec<_> = items.iter().map(|item| self.element(self.expr(item), range(item.span))).collect();
                if self.only_commas(&span, &items) { Value::List(items) } else { Value::Other }
            }
            ExprP::Dict(entries) => self.entries(entries, &span).map_or(Value::Other, Value::Dict),
            ExprP::Op(left, BinOp::Add, right) => {
                let mut terms = Vec::new();
                for side in [self.expr(left), self.expr(right)] {
                    match side.value {
                        Value::Sum(inner) => terms.extend(inner),
                        _ => terms.push(side),
                    }
                }
                Value::Sum(terms)
            }
            ExprP::Call(callee, arguments) => self.known_call(&self.text[range(callee.span)], &arguments.args),
            _ => Value::Other,
        };
        Expr { value, span }
    }

    fn known_call<P: AstPayload>(&self, callee: &str, arguments: &[Spanned<ArgumentP<P>>]) -> Value {
        match (callee, arguments) {
            ("select", [first, ..]) => match &first.node {
                ArgumentP::Positional(cases) => match &cases.node {
                    ExprP::Dict(entries) => {
                        let span = range(cases.span);
                        self.entries(entries, &span).map_or(Value::Other, |entries| Value::Select(entries, span))
                    }
                    _ => Value::Other,
                },
                _ => Value::Other,
            },
            ("glob", arguments) => Value::Glob(arguments.iter().map(|a| self.argument(&a.node, range(a.span))).collect()),
            _ => Value::Other,
        }
    }

    /// The entries of a dictionary, unless there is something around them.
    fn entries<P: AstPayload>(&self, entries: &[(Ast<P>, Ast<P>)], span: &Range<usize>) -> Option<Vec<Element<(Expr, Expr)>>> {
        let entries: Vec<_> = entries
            .iter()
            .map(|(key, value)| {
                let whole = range(key.span).start..range(value.span).end;
                self.element((self.expr(key), self.expr(value)), whole)
            })
            .collect();
        let colon = |(key, value): &(Expr, Expr)| self.code(key.span.end..value.span.start).trim() == ":";
        (self.only_commas(span, &entries) && entries.iter().all(|entry| colon(&entry.node))).then_some(entries)
    }

    fn element<T>(&self, node: T, span: Range<usize>) -> Element<T> {
        Element { node, keep: self.is_kept(&span), above: self.above(span.start), span }
    }

    /// Whether only commas, space and comments stand between the elements and the brackets around them.
    fn only_commas<T>(&self, brackets: &Range<usize>, elements: &[Element<T>]) -> bool {
        let mut from = brackets.start + 1;
        for (i, element) in elements.iter().enumerate() {
            if element.span.start < from || self.code(from..element.span.start).trim() != if i == 0 { "" } else { "," } {
                return false;
            }
            from = element.span.end;
        }
        let rest = self.code(from..(brackets.end - 1).max(from));
        matches!(rest.trim(), "" | ",")
    }

    /// Text with spaces in the place of comments, so that offsets are the same.
    fn code(&self, span: Range<usize>) -> String {
        let mut code = self.text[span.clone()].to_owned();
        let first = self.comments.partition_point(|c| c.start < span.start);
        for comment in self.comments[first..].iter().take_while(|c| c.end <= span.end) {
            code.replace_range(comment.start - span.start..comment.end - span.start, &" ".repeat(comment.len()));
        }
        code
    }

    /// Whether nothing but space stands before a place on its line.
    fn begins_line(&self, at: usize) -> bool {
        self.text[..at].rsplit('\n').next().is_some_and(|before| before.trim().is_empty())
    }

    /// Where the comment lines begin that stand right above the line of `at`; `at` if there are none.
    fn above(&self, at: usize) -> usize {
        let mut start = at;
        if !self.begins_line(at) {
            return at;
        }
        let before = self.comments.partition_point(|c| c.end <= at);
        for comment in self.comments[..before].iter().rev() {
            let between = &self.text[comment.end..start];
            if between.trim().is_empty() && between.matches('\n').count() == 1 && self.begins_line(comment.start) {
                start = comment.start;
            } else {
                break;
            }
        }
        start
    }

    /// Whether a comment right above, or at the end of the first or the last line, says `# keep`, alone or with a reason (`# keep: …`).
    fn is_kept(&self, span: &Range<usize>) -> bool {
        let says_keep = |comment: &Range<usize>| {
            let text = self.text[comment.start + 1..comment.end].trim();
            text == "keep" || text.starts_with("keep:")
        };
        let above = self.above(span.start);
        let first = self.comments.partition_point(|c| c.start < above);
        let at_end = |place: usize| {
            let next = self.comments.get(self.comments.partition_point(|c| c.start < place))?;
            let between = &self.text[place..next.start];
            between.chars().all(|c| matches!(c, ' ' | '\t' | ',')).then_some(next)
        };
        let line_end = self.text[span.start..].find('\n').map_or(self.text.len(), |at| span.start + at);
        let on_first_line = self.comments[first..]
            .iter()
            .find(|c| span.start < c.start && c.start < span.end.min(line_end))
            .filter(|c| self.opens_with(span.start..c.start));
        self.comments[first..].iter().take_while(|c| c.end <= span.start).any(says_keep)
            || at_end(span.end).is_some_and(says_keep)
            || on_first_line.is_some_and(says_keep)
    }

    /// Whether a text is the beginning of something that goes on in the next lines: `srcs = [`.
    fn opens_with(&self, span: Range<usize>) -> bool {
        self.text[span].trim_end().ends_with(['[', '(', '{'])
    }

    /// Directives stand on lines of their own, outside of statements.
    fn directives(&self, statements: &[Range<usize>]) -> Vec<Directive> {
        let inside = |at: usize| statements.iter().any(|s| s.contains(&at));
        self.comments
            .iter()
            .filter(|c| self.begins_line(c.start) && !inside(c.start))
            .filter_map(|c| self.directive(c))
            .collect()
    }

    fn directive(&self, comment: &Range<usize>) -> Option<Directive> {
        let text = self.text[comment.start + 1..comment.end].trim();
        let (prefix, rest) = ["gazelle", "godirect"].into_iter().find_map(|prefix| {
            let rest = text.strip_prefix(prefix)?.strip_prefix(':')?;
            Some((prefix, rest))
        })?;
        let key_end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        // `# godirect: begin` isn't one.
        (key_end > 0).then(|| Directive {
            prefix,
            key: rest[..key_end].to_owned(),
            value: rest[key_end..].trim().to_owned(),
            span: comment.clone(),
        })
    }
}
