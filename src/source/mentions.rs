//! What Go source may read while it runs, as far as it can be seen: names of files in string literals.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::source::token::{Kind, Lexer, lossy, unquote};

/// Longer literals are no paths.
const MAX_LENGTH: usize = 1024;

/// What a file mentions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mentions {
    /// The values of string literals that may be paths, relative ones.
    pub paths: BTreeSet<String>,
    /// The patterns of comments `//godirect:data PATTERN…`, which declare files that are read.
    pub declared: BTreeSet<String>,
    /// The words of comments `//godirect:tags WORD…`, which tag what the file is part of.
    pub tags: BTreeSet<String>,
    /// Whether it asks where it is (`os.Getwd`, `runtime.Caller`), so that it may put paths together.
    pub asks_where: bool,
}

/// How a declaration begins, and how tags do.
const DECLARATION: &str = "//godirect:data";
const TAGS: &str = "//godirect:tags";

impl Mentions {
    /// What Go source mentions; any bytes are accepted.
    pub fn of(content: &[u8]) -> Mentions {
        let mut found = Mentions::default();
        let mut lexer = Lexer::new(content);
        loop {
            let token = lexer.next_token();
            match token.kind {
                Kind::End => return found,
                Kind::String => {
                    let value = unquote(token.text).unwrap_or_default();
                    let value = lossy(&value);
                    if is_path(&value) {
                        found.paths.insert(value.into_owned());
                    }
                }
                Kind::Ident => found.asks_where |= token.is_word("Getwd") || token.is_word("Caller"),
                Kind::LineComment => {
                    let text = lossy(token.text);
                    for (mark, words) in [(DECLARATION, &mut found.declared), (TAGS, &mut found.tags)] {
                        if let Some(rest) = text.strip_prefix(mark).filter(|rest| rest.starts_with([' ', '\t'])) {
                            words.extend(rest.split_whitespace().map(str::to_owned));
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// Adds what another file mentions.
    pub fn extend(&mut self, other: &Mentions) {
        self.paths.extend(other.paths.iter().cloned());
        self.declared.extend(other.declared.iter().cloned());
        self.tags.extend(other.tags.iter().cloned());
        self.asks_where |= other.asks_where;
    }
}

/// The tags that a file mentions; most have none, which takes no look at its tokens.
pub fn tags(content: &[u8]) -> BTreeSet<String> {
    match memchr::memmem::find(content, TAGS.as_bytes()) {
        Some(_) => Mentions::of(content).tags,
        None => BTreeSet::new(),
    }
}

/// The patterns of files that a file declares; most have none, which takes no look at its tokens.
pub fn declared(content: &[u8]) -> BTreeSet<String> {
    match memchr::memmem::find(content, DECLARATION.as_bytes()) {
        Some(_) => Mentions::of(content).declared,
        None => BTreeSet::new(),
    }
}

fn is_path(value: &str) -> bool {
    !value.is_empty() && value.len() <= MAX_LENGTH && !value.starts_with('/') && !value.contains(|c: char| c.is_control())
}

/// Whether two Go files compile to the same, whatever their comments say: all tokens are the same and stand in the same lines and
/// columns, and so do the comments that the compiler reads. Any bytes are accepted.
pub fn compile_to_the_same(one: &[u8], other: &[u8]) -> bool {
    let (mut one, mut other) = (Significant::new(one), Significant::new(other));
    loop {
        let (a, b) = (one.next(), other.next());
        if a != b {
            return false;
        }
        if a.is_none() {
            return one.lexer.errors().is_empty() && other.lexer.errors().is_empty();
        }
    }
}

/// Whether a Go file has nothing but a package clause and prose. Any bytes are accepted.
pub fn has_no_code(content: &[u8]) -> bool {
    let mut tokens = Significant::new(content);
    let kinds: Vec<Kind> = tokens.by_ref().take(4).map(|(kind, ..)| kind).collect();
    kinds == [Kind::Ident, Kind::Ident, Kind::Semicolon] && tokens.lexer.errors().is_empty()
}

/// Whether two assembly files are assembled to the same: all but what is said in comments is the same, byte for byte, except at the end.
pub fn assemble_to_the_same(one: &[u8], other: &[u8]) -> bool {
    without_comments(one).trim_ascii_end() == without_comments(other).trim_ascii_end()
}

/// Assembly without comments, as Go's assembler reads them (`text/scanner`); their lines stay, and that there are some behind other text.
fn without_comments(text: &[u8]) -> Vec<u8> {
    let (mut left, mut at) = (Vec::with_capacity(text.len()), 0);
    while let Some(&byte) = text.get(at) {
        let rest = &text[at..];
        let length = match byte {
            b'/' if rest.starts_with(b"//") => memchr::memchr(b'\n', rest).unwrap_or(rest.len()),
            b'/' if rest.starts_with(b"/*") => memchr::memmem::find(&rest[2..], b"*/").map_or(rest.len(), |end| end + 4),
            b'"' | b'\'' | b'`' => {
                let length = quoted(rest);
                left.extend(&rest[..length]);
                at += length;
                continue;
            }
            _ => {
                left.push(byte);
                at += 1;
                continue;
            }
        };
        // Behind something it may be what keeps a backslash from the end of the line.
        let is_behind = left.iter().rev().find(|byte| !matches!(byte, b' ' | b'\t')).is_some_and(|byte| *byte != b'\n');
        left.extend(is_behind.then_some(b'/'));
        left.extend(rest[..length].iter().filter(|byte| **byte == b'\n'));
        at += length;
    }
    left
}

/// The length of a literal, which ends with its line unless it is a raw string.
fn quoted(text: &[u8]) -> usize {
    let quote = text[0];
    let mut at = 1;
    while let Some(&byte) = text.get(at) {
        at += 1;
        match byte {
            b'\\' if quote != b'`' => at += 1,
            b'\n' if quote != b'`' => break,
            _ if byte == quote => break,
            _ => {}
        }
    }
    at.min(text.len())
}

/// The tokens that count, each with its line and column.
struct Significant<'a> {
    text: &'a [u8],
    lexer: Lexer<'a>,
}

impl<'a> Significant<'a> {
    fn new(text: &'a [u8]) -> Significant<'a> {
        Significant { text, lexer: Lexer::new(text) }
    }
}

impl<'a> Iterator for Significant<'a> {
    type Item = (Kind, &'a [u8], u32, usize);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let token = self.lexer.next_token();
            if token.kind == Kind::End {
                return None;
            }
            // `//go:…`, `//line`, `//export`, `/*line …*/`: what is no prose begins without a space.
            let is_prose = token.is_comment() && token.text.get(2).is_none_or(u8::is_ascii_whitespace);
            if !is_prose {
                // A line end that stands for a semicolon comes after the comment, however long that is.
                let is_line_end = token.kind == Kind::Semicolon && token.text.is_empty();
                let start = memchr::memrchr(b'\n', &self.text[..token.start]).map_or(0, |at| at + 1);
                let column = if is_line_end { 0 } else { token.start - start };
                return Some((token.kind, token.text, token.line, column));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_declarations_are_found() {
        let found = Mentions::of(
            b"package p\n\n//godirect:data ../shared/*.txt  x\n//godirect:dataless y\nvar a = \"testdata/a\" + `..`\nvar _ = \"/abs\" + \"\" + \"a\\nb\"\nfunc f() { os.Getwd() }\n",
        );
        let set = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<BTreeSet<String>>();
        let (paths, declared) = (set(&["testdata/a", ".."]), set(&["../shared/*.txt", "x"]));
        let wanted = Mentions { paths, declared, tags: BTreeSet::new(), asks_where: true };
        assert_eq!(found, wanted);
    }

    #[test]
    fn files_without_code_have_a_package_clause_and_prose() {
        for file in ["package p\n", "package p", "// Package p is.\n/* It is. */\npackage p; // p\n// More.\n"] {
            assert!(has_no_code(file.as_bytes()), "{file}");
        }
        for file in [
            "",
            "package\n",
            "package p\nvar _ = 1\n",
            "package p\nimport \"fmt\"\n",
            "package p\n;\n",
            "//go:build linux\n\npackage p\n",
            "//godirect:tags manual\n\npackage p\n",
            "package p\n// \x00\n",
            "package p /*",
        ] {
            assert!(!has_no_code(file.as_bytes()), "{file}");
        }
    }

    #[test]
    fn comments_of_assembly_mean_nothing() {
        let same = |one: &str, other: &str| assemble_to_the_same(one.as_bytes(), other.as_bytes());
        let file = "#include \"a.h\" // one\nTEXT ·f(SB), 0, $0\n\tMOVQ $'/', AX /* two\nlines */\n\tRET\n";
        assert!(same(file, &file.replace("one", "another")));
        assert!(same(file, &file.replace("two", "more")));
        assert!(same(file, &format!("{file}\n// The end.\n")));
        for (from, to) in [
            (" // one", ""),
            ("two\nlines", "two lines"),
            ("a.h\" //", "b.h\" //"),
            ("'/'", "'//'"),
            ("\"a.h\"", "\"a//.h\""),
            ("\"a.h\"", "\"a\\\"//.h\""),
            ("$0", "$8"),
            ("RET\n", "RET\n\tRET\n"),
        ] {
            assert!(!same(file, &file.replacen(from, to, 1)), "{to}");
        }
        // A line that goes on, and one whose end is said in a comment.
        assert!(!same("#define A 1 \\\n 2\n", "#define A 1 \\ // more\n 2\n"));
        assert!(!same("#define A 1 \\\n 2\n", "#define A 1 \\// more\n 2\n"));
        assert!(!same("a \"x // b\n", "a \"x // c\n"));
    }

    #[test]
    fn tags_are_words_of_a_comment() {
        let text = "package p\n\n//godirect:tags manual slow\n//godirect:tagsno\nvar s = \"//godirect:tags no\"\n";
        assert_eq!(tags(text.as_bytes()), BTreeSet::from(["manual".to_owned(), "slow".to_owned()]));
        assert_eq!(tags(b"package p\n"), BTreeSet::new());
    }

    #[test]
    fn only_prose_may_differ() {
        let same = |one: &str, other: &str| compile_to_the_same(one.as_bytes(), other.as_bytes());
        let file = "package p // one\n\n// F is.\nfunc F() {}\n";
        assert!(same(file, "package p // another\n\n// G was.\nfunc F() {}\n"));
        assert!(same(file, "package p\n\n//\tF.\nfunc F() {}\n"));
        assert!(same("/* a\n b */\npackage p\n", "\n\npackage p\n"));
        for other in [
            "package p // one\n\n// F\n// is.\nfunc F() {}\n",
            "package p // one\n\n// F is.\nfunc  F() {}\n",
            "package p // one\n\n//go:noinline\nfunc F() {}\n",
            "package p // one\n\n//line x.go:1\nfunc F() {}\n",
            "package p // one\n\n//export F\nfunc F() {}\n",
            "package p // one\n\n// F is.\nfunc F() {} \"\n",
            "package q // one\n\n// F is.\nfunc F() {}\n",
        ] {
            assert!(!same(file, other), "{other}");
        }
        // What can't be read as Go is the same only if it is.
        assert!(!same("package p\n\x00// a\n", "package p\n\x00// b\n"));
    }
}
