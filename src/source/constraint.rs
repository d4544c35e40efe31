//! Build constraints: the expressions of `//go:build` and `// +build` lines (`go/build/constraint`), and the suffixes of
//! file names.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A boolean expression over build tags. Displays in gofmt's form: `linux && (amd64 || arm64)`.
///
/// Conjunctions and disjunctions are flat, so that long ones don't nest deeply.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Constraint {
    /// A tag must be satisfied.
    Tag(String),
    /// The operand must not hold.
    Not(Box<Constraint>),
    /// All operands must hold; at least two.
    And(Vec<Constraint>),
    /// One of the operands must hold; at least two.
    Or(Vec<Constraint>),
}

/// Why an expression can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// Byte offset in the expression.
    pub offset: usize,
    /// What is wrong there, in Go's words.
    pub message: String,
}

/// Go refuses expressions with more operands (`maxSize` in `go/build/constraint`).
const MAX_SIZE: usize = 1000;

/// Parentheses nest no deeper, so that hostile input can't exhaust the stack; people stop at three or four.
const MAX_DEPTH: usize = 100;

impl Constraint {
    /// Whether the constraint holds when exactly the tags accepted by `satisfied` are.
    pub fn eval(&self, satisfied: &dyn Fn(&str) -> bool) -> bool {
        match self {
            Constraint::Tag(tag) => satisfied(tag),
            Constraint::Not(x) => !x.eval(satisfied),
            Constraint::And(list) => list.iter().all(|x| x.eval(satisfied)),
            Constraint::Or(list) => list.iter().any(|x| x.eval(satisfied)),
        }
    }

    /// The value where it doesn't depend on tags for which `known` answers `None` (Kleene's logic).
    pub fn decide(&self, known: &dyn Fn(&str) -> Option<bool>) -> Option<bool> {
        match self {
            Constraint::Tag(tag) => known(tag),
            Constraint::Not(x) => x.decide(known).map(|value| !value),
            Constraint::And(list) => junction(list, known, false),
            Constraint::Or(list) => junction(list, known, true),
        }
    }

    /// Whether the constraint can hold for some choice of the tags for which `known` answers `None`.
    ///
    /// Errs on the side of yes: one unknown tag counts as free at each of its occurrences.
    pub fn satisfiable(&self, known: &dyn Fn(&str) -> Option<bool>) -> bool {
        self.decide(known) != Some(false)
    }

    /// The conjunction of `parts` without repetitions; `None` when there are no parts.
    pub fn all(parts: impl IntoIterator<Item = Constraint>) -> Option<Constraint> {
        let mut list: Vec<Constraint> = Vec::new();
        for part in parts {
            let operands = if let Constraint::And(inner) = part { inner } else { vec![part] };
            for operand in operands {
                if !list.contains(&operand) {
                    list.push(operand);
                }
            }
        }
        join(list, Constraint::And)
    }

    /// Adds the tags that the constraint mentions to `tags`.
    pub fn tags<'a>(&'a self, tags: &mut BTreeSet<&'a str>) {
        match self {
            Constraint::Tag(tag) => {
                tags.insert(tag);
            }
            Constraint::Not(x) => x.tags(tags),
            Constraint::And(list) | Constraint::Or(list) => list.iter().for_each(|x| x.tags(tags)),
        }
    }
}

/// `list` joined by `make`, if it takes joining; `None` for an empty list.
fn join(mut list: Vec<Constraint>, make: fn(Vec<Constraint>) -> Constraint) -> Option<Constraint> {
    if list.len() > 1 { Some(make(list)) } else { list.pop() }
}

/// Decides a conjunction (`dominant` is false) or disjunction (true): a dominant operand decides it.
fn junction(list: &[Constraint], known: &dyn Fn(&str) -> Option<bool>, dominant: bool) -> Option<bool> {
    let mut result = Some(!dominant);
    for x in list {
        match x.decide(known) {
            Some(value) if value == dominant => return Some(dominant),
            Some(_) => {}
            None => result = None,
        }
    }
    result
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parenthesised = |f: &mut fmt::Formatter<'_>, x: &Constraint, needed: bool| {
            if needed { write!(f, "({x})") } else { write!(f, "{x}") }
        };
        match self {
            Constraint::Tag(tag) => f.write_str(tag),
            Constraint::Not(x) => {
                f.write_str("!")?;
                parenthesised(f, x, matches!(**x, Constraint::And(_) | Constraint::Or(_)))
            }
            Constraint::And(list) | Constraint::Or(list) => {
                let is_and = matches!(self, Constraint::And(_));
                for (i, x) in list.iter().enumerate() {
                    if i > 0 {
                        f.write_str(if is_and { " && " } else { " || " })?;
                    }
                    let other = if is_and { matches!(x, Constraint::Or(_)) } else { matches!(x, Constraint::And(_)) };
                    parenthesised(f, x, other)?;
                }
                Ok(())
            }
        }
    }
}

impl FromStr for Constraint {
    type Err = SyntaxError;

    /// Parses an expression in the syntax of `//go:build` lines, without that prefix.
    fn from_str(text: &str) -> Result<Constraint, SyntaxError> {
        let mut parser = Parser { text, next: 0, token: "", start: 0, size: 0, depth: 0 };
        let constraint = parser.or()?;
        if !parser.token.is_empty() {
            return Err(parser.unexpected());
        }
        Ok(constraint)
    }
}

/// Recursive descent over `||`, `&&`, `!`, as in Go's own parser: on return from a rule, the token after it is read.
struct Parser<'a> {
    text: &'a str,
    next: usize,
    /// The last token; empty at the end.
    token: &'a str,
    start: usize,
    size: usize,
    depth: usize,
}

fn is_tag_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '.'
}

impl Parser<'_> {
    fn or(&mut self) -> Result<Constraint, SyntaxError> {
        let mut list = vec![self.and()?];
        while self.token == "||" {
            list.push(self.and()?);
        }
        Ok(flatten(list, false))
    }

    fn and(&mut self) -> Result<Constraint, SyntaxError> {
        let mut list = vec![self.not()?];
        while self.token == "&&" {
            list.push(self.not()?);
        }
        Ok(flatten(list, true))
    }

    fn not(&mut self) -> Result<Constraint, SyntaxError> {
        self.size += 1;
        if self.size > MAX_SIZE {
            return Err(self.error("build expression too large"));
        }
        self.lex()?;
        if self.token != "!" {
            return self.atom();
        }
        self.lex()?;
        if self.token == "!" {
            return Err(self.error("double negation not allowed"));
        }
        // `!(!a)` is allowed, but could not be read back as `!!a`.
        Ok(match self.atom()? {
            Constraint::Not(x) => *x,
            x => Constraint::Not(Box::new(x)),
        })
    }

    fn atom(&mut self) -> Result<Constraint, SyntaxError> {
        if self.token == "(" {
            let open = self.start;
            self.depth += 1;
            if self.depth > MAX_DEPTH {
                return Err(self.error("build expression too large"));
            }
            let unclosed = |offset| SyntaxError { offset, message: "missing close paren".to_owned() };
            let inner = self.or().map_err(|e| match e.message.as_str() {
                "unexpected end of expression" => unclosed(e.offset),
                _ => e,
            })?;
            if self.token != ")" {
                return Err(unclosed(open));
            }
            self.depth -= 1;
            self.lex()?;
            return Ok(inner);
        }
        if !self.token.starts_with(is_tag_char) {
            return Err(self.unexpected());
        }
        let tag = Constraint::Tag(self.token.to_owned());
        self.lex()?;
        Ok(tag)
    }

    fn lex(&mut self) -> Result<(), SyntaxError> {
        let rest = self.text[self.next..].trim_start_matches([' ', '\t']);
        self.start = self.text.len() - rest.len();
        let length = match rest.as_bytes() {
            [] => 0,
            [b'(' | b')' | b'!', ..] => 1,
            [b'&', b'&', ..] | [b'|', b'|', ..] => 2,
            _ => rest.find(|c| !is_tag_char(c)).unwrap_or(rest.len()),
        };
        if let (0, Some(c)) = (length, rest.chars().next()) {
            return Err(self.error(format!("invalid syntax at {c}")));
        }
        self.token = &rest[..length];
        self.next = self.start + length;
        Ok(())
    }

    fn unexpected(&self) -> SyntaxError {
        match self.token {
            "" => self.error("unexpected end of expression"),
            token => self.error(format!("unexpected token {token}")),
        }
    }

    fn error(&self, message: impl Into<String>) -> SyntaxError {
        SyntaxError { offset: self.start, message: message.into() }
    }
}

/// The conjunction or disjunction of a list that isn't empty, with operands of the same kind dissolved in it.
fn flatten(mut list: Vec<Constraint>, is_and: bool) -> Constraint {
    if list.len() == 1 {
        return list.remove(0);
    }
    let dissolved = list.into_iter().flat_map(|x| match x {
        Constraint::And(inner) if is_and => inner,
        Constraint::Or(inner) if !is_and => inner,
        other => vec![other],
    });
    if is_and { Constraint::And(dissolved.collect()) } else { Constraint::Or(dissolved.collect()) }
}

/// What follows `prefix` on a line that is a directive of that name: nothing, or white space and its argument.
fn directive<'a>(line: &'a str, prefix: &str) -> Option<&'a str> {
    let rest = line.trim_end().strip_prefix(prefix)?;
    (rest.is_empty() || rest.starts_with(char::is_whitespace)).then(|| rest.trim())
}

/// The expression of a line `//go:build …`, or `None` if it isn't such a line.
pub fn go_build_expression(line: &str) -> Option<&str> {
    directive(line, "//go:build")
}

/// The constraint of a line `// +build …`. `None` when the line isn't one, or when Go finds it too complex and ignores it.
///
/// Words are alternatives, their comma-separated parts must all hold. What isn't a tag counts as the tag `ignore`.
pub fn plus_build(line: &str) -> Option<Constraint> {
    let text = directive(line.strip_prefix("//")?.trim(), "+build")?;
    let operators = text.split_whitespace().count().saturating_sub(1) + text.matches(',').count();
    if operators > 100 {
        return None;
    }
    let alternatives: Vec<Constraint> =
        text.split_whitespace().map(|clause| flatten(clause.split(',').map(plus_build_literal).collect(), true)).collect();
    Some(if alternatives.is_empty() { ignore() } else { flatten(alternatives, false) })
}

fn ignore() -> Constraint {
    Constraint::Tag("ignore".to_owned())
}

fn plus_build_literal(text: &str) -> Constraint {
    let tag = |word: &str| match !word.is_empty() && word.chars().all(is_tag_char) {
        true => Constraint::Tag(word.to_owned()),
        false => ignore(),
    };
    match text.strip_prefix('!') {
        Some("") => ignore(),
        Some(rest) if rest.starts_with('!') => ignore(),
        Some(rest) => Constraint::Not(Box::new(tag(rest))),
        None => tag(text),
    }
}

/// The GOOS values that file-name suffixes can name (`internal/syslist.KnownOS`), also those without a port.
pub const KNOWN_OS: [&str; 18] = [
    "aix",
    "android",
    "darwin",
    "dragonfly",
    "freebsd",
    "hurd",
    "illumos",
    "ios",
    "js",
    "linux",
    "nacl",
    "netbsd",
    "openbsd",
    "plan9",
    "solaris",
    "wasip1",
    "windows",
    "zos",
];

/// The GOOS values that satisfy the tag `unix` (`internal/syslist.UnixOS`).
pub const UNIX_OS: [&str; 12] =
    ["aix", "android", "darwin", "dragonfly", "freebsd", "hurd", "illumos", "ios", "linux", "netbsd", "openbsd", "solaris"];

/// The GOARCH values that file-name suffixes can name (`internal/syslist.KnownArch`), also those without a port.
pub const KNOWN_ARCH: [&str; 24] = [
    "386",
    "amd64",
    "amd64p32",
    "arm",
    "arm64",
    "arm64be",
    "armbe",
    "loong64",
    "mips",
    "mips64",
    "mips64le",
    "mips64p32",
    "mips64p32le",
    "mipsle",
    "ppc",
    "ppc64",
    "ppc64le",
    "riscv",
    "riscv64",
    "s390",
    "s390x",
    "sparc",
    "sparc64",
    "wasm",
];

/// The constraint in a file's name: `_GOOS`, `_GOARCH` or `_GOOS_GOARCH` before the first dot, also before `_test`
/// (`goodOSArchFile` in `go/build`). What stands before the first underscore doesn't count.
pub fn file_name(name: &str) -> Option<Constraint> {
    let stem = name.split('.').next().unwrap_or(name);
    let mut words: Vec<&str> = stem.split('_').skip(1).collect();
    if words.last() == Some(&"test") {
        words.pop();
    }
    let tag = |word: &str| Constraint::Tag(word.to_owned());
    match words[..] {
        [.., os, arch] if KNOWN_OS.contains(&os) && KNOWN_ARCH.contains(&arch) => {
            Some(Constraint::And(vec![tag(os), tag(arch)]))
        }
        [.., word] if KNOWN_OS.contains(&word) || KNOWN_ARCH.contains(&word) => Some(tag(word)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Constraint {
        text.parse().unwrap()
    }

    #[test]
    fn displays_as_gofmt_does() {
        for (text, shown) in [
            ("linux&&(amd64||arm64)", "linux && (amd64 || arm64)"),
            ("(linux&&amd64)||darwin", "(linux && amd64) || darwin"),
            ("linux&&amd64||darwin", "(linux && amd64) || darwin"),
            ("a && (b && c)", "a && b && c"),
            ("!(a||b)", "!(a || b)"),
            ("!(a)", "!a"),
            ("!(!a)", "a"),
            ("a && !(!(b && c))", "a && b && c"),
            ("((go1.18))", "go1.18"),
        ] {
            assert_eq!(parse(text).to_string(), shown);
            assert_eq!(parse(shown), parse(text));
        }
    }

    #[test]
    fn errors_are_those_of_go() {
        for (text, offset, message) in [
            ("", 0, "unexpected end of expression"),
            ("a b", 2, "unexpected token b"),
            ("(a", 0, "missing close paren"),
            ("(", 1, "missing close paren"),
            ("!!a", 1, "double negation not allowed"),
            ("a & b", 2, "invalid syntax at &"),
            ("a && -b", 5, "invalid syntax at -"),
            ("a ||", 4, "unexpected end of expression"),
            (")", 0, "unexpected token )"),
        ] {
            let wanted = SyntaxError { offset, message: message.to_owned() };
            assert_eq!(text.parse::<Constraint>(), Err(wanted), "{text:?}");
        }
        for large in [format!("{}a{}", "(".repeat(101), ")".repeat(101)), "a && ".repeat(1000) + "a"] {
            assert_eq!(large.parse::<Constraint>().unwrap_err().message, "build expression too large");
        }
    }

    #[test]
    fn plus_build_lines_are_alternatives_of_conjunctions() {
        for (line, shown) in [
            ("// +build linux,!cgo darwin", "(linux && !cgo) || darwin"),
            ("//+build ignore", "ignore"),
            ("// +build", "ignore"),
            ("// +build !!a x-y !", "ignore || ignore || ignore"),
        ] {
            assert_eq!(plus_build(line).unwrap().to_string(), shown, "{line}");
        }
        assert_eq!(plus_build("// +builder"), None);
        assert_eq!(plus_build(&format!("// +build {}", "a ".repeat(102))), None);
    }

    #[test]
    fn suffixes_count_after_the_first_underscore() {
        for (name, constraint) in [
            ("linux.go", None),
            ("a_linux.go", Some("linux")),
            ("a_linux_arm64_test.go", Some("linux && arm64")),
            ("a_arm64_linux.go", Some("linux")),
            ("a_unix.go", None),
            ("a_linux.x.go", Some("linux")),
            ("a_test.go", None),
            ("_test.go", None),
            ("linux_test.go", None),
            ("test_windows_foo.go", None),
        ] {
            assert_eq!(file_name(name).map(|c| c.to_string()).as_deref(), constraint, "{name}");
        }
    }

    #[test]
    fn three_valued_logic_keeps_what_is_possible() {
        let known = |tag: &str| match tag {
            "linux" => Some(true),
            "windows" | "ignore" => Some(false),
            _ => None,
        };
        for (text, possible) in [
            ("windows && x", false),
            ("windows || x", true),
            ("!linux || !x", true),
            ("!(linux || x)", false),
            ("ignore", false),
            ("x && !x", true),
        ] {
            assert_eq!(parse(text).satisfiable(&known), possible, "{text}");
        }
    }

    #[test]
    fn conjunctions_do_not_repeat_themselves() {
        let all = |parts: &[&str]| Constraint::all(parts.iter().map(|p| parse(p))).map(|c| c.to_string());
        assert_eq!(all(&[]), None);
        assert_eq!(all(&["linux", "linux"]).as_deref(), Some("linux"));
        assert_eq!(all(&["linux", "linux && cgo", "a || b"]).as_deref(), Some("linux && cgo && (a || b)"));
    }
}
