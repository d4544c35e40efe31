//! Labels (<https://bazel.build/concepts/labels>), as far as they lead into the repository.

use std::collections::BTreeSet;

use crate::source::tree::{clean, join};

/// What a string of a BUILD file may name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// `//package:name`, `:name`: the package's directory and the name.
    Label(String, String),
    /// A text without any mark: a target or file of the package, or no name at all.
    Plain(String),
    /// Of another repository, by its name.
    External(String),
    /// It can't be one.
    None,
}

/// Reads a string in the package `directory`; `own` are the names of the repository itself.
pub fn name(text: &str, directory: &str, own: &BTreeSet<String>) -> Name {
    if text.is_empty()
        || text.contains(|c: char| c.is_control() || matches!(c, '*' | '{' | '}' | '%' | '\\' | '"' | '\'' | ';'))
    {
        return Name::None;
    }
    let (repository, rest) = match text.strip_prefix('@') {
        Some(rest) => {
            let rest = rest.strip_prefix('@').unwrap_or(rest);
            let (repository, rest) = rest.split_once("//").unwrap_or((rest, ""));
            (repository, format!("//{rest}"))
        }
        None => ("", text.to_owned()),
    };
    if !repository.is_empty() && !own.contains(repository) {
        return Name::External(repository.to_owned());
    }
    let Some(rest) = rest.strip_prefix("//") else {
        return match rest.strip_prefix(':') {
            Some(name) => Name::Label(directory.to_owned(), name.to_owned()),
            None => Name::Plain(rest),
        };
    };
    let (package, name) = match rest.split_once(':') {
        Some((package, name)) => (package, name),
        None => (rest, rest.rsplit('/').next().unwrap_or_default()),
    };
    // Bazel refuses paths that aren't clean.
    match package.is_empty() || package.split('/').all(|element| !matches!(element, "" | "." | "..")) {
        true => Name::Label(package.to_owned(), name.to_owned()),
        false => Name::None,
    }
}

/// Whether a string is only the beginning of a label, or a format of such: which one can't be known.
pub fn is_computed(text: &str) -> bool {
    let is_label = text.starts_with("//") || text.starts_with('@') && text.contains("//");
    let is_open = text.ends_with(['/', ':']) || text.contains(['{', '%']);
    is_label && is_open && !text.contains(char::is_whitespace)
}

/// The path of a file that a label names, whether it is there or not.
pub fn file(package: &str, name: &str) -> String {
    clean(&join(package, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let own = BTreeSet::from(["tested".to_owned()]);
        let label = |package: &str, name: &str| Name::Label(package.to_owned(), name.to_owned());
        for (text, wanted) in [
            ("a.txt", Name::Plain("a.txt".to_owned())),
            (":x", label("p/q", "x")),
            ("//a/b", label("a/b", "b")),
            ("//a/b:c/d.txt", label("a/b", "c/d.txt")),
            ("//:x", label("", "x")),
            ("@//a", label("a", "a")),
            ("@@//a:b", label("a", "b")),
            ("@tested//a:b", label("a", "b")),
            ("@other//a:b", Name::External("other".to_owned())),
            ("@other", Name::External("other".to_owned())),
            ("//../a", Name::None),
            ("*.txt", Name::None),
            ("", Name::None),
        ] {
            assert_eq!(name(text, "p/q", &own), wanted, "{text}");
        }
        for (text, wanted) in [
            ("//a:b", false),
            ("//a:", true),
            ("//", true),
            ("@x//{}:b", true),
            ("//a:%s", true),
            ("a/", false),
            ("// a %", false),
        ] {
            assert_eq!(is_computed(text), wanted, "{text}");
        }
    }
}
