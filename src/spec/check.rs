//! What all functions of the spec check, and how they say what is wrong.

use std::collections::BTreeMap;

use starlark::values::Value;
use starlark::values::dict::DictRef;
use starlark::values::list::ListRef;
use starlark::values::structs::StructRef;

use crate::error::{Error, Location};

/// An error of ours on its way through the evaluator, with the literal in the call that is to blame.
#[derive(Debug)]
pub(super) struct Fault {
    pub error: Error,
    pub literal: Option<String>,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.error.message())
    }
}

impl std::error::Error for Fault {}

pub(super) fn fault(error: Error, literal: impl Into<Option<String>>) -> starlark::Error {
    starlark::Error::new_native(Fault { error, literal: literal.into() })
}

/// Blames the string `literal` in the call for the error.
pub(super) trait Blame<T> {
    fn blame(self, literal: &str) -> starlark::Result<T>;
}

impl<T> Blame<T> for crate::error::Result<T> {
    fn blame(self, literal: &str) -> starlark::Result<T> {
        self.map_err(|error| fault(error, literal.to_owned()))
    }
}

/// Names both places.
pub(super) fn said_twice(what: &str, first: &Option<Location>) -> starlark::Error {
    let error = Error::input(format!("{what} is said twice"));
    fault(
        match first {
            Some(l) => error.help(format!("the first is at {}:{}:{}", l.path.display(), l.line, l.column)),
            None => error,
        },
        None,
    )
}

/// Names that end up in labels, attributes and file names.
pub(super) fn check_name(what: &str, name: &str) -> starlark::Result<()> {
    let plain = !name.is_empty()
        && !name.starts_with(['-', '.'])
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    if plain {
        return Ok(());
    }
    let error = Error::input(format!("`{}` can't be the name of a {what}", name.escape_debug()));
    Err(error.help("use ASCII letters, digits, `_`, `-` and `.`")).blame(name)
}

/// A directory inside the repository, relative to the spec, slash-separated; `""` for the spec's own.
pub(super) fn relative_dir(path: &str) -> starlark::Result<String> {
    let inner = path.strip_prefix("./").unwrap_or(path).trim_end_matches('/');
    let plain = inner
        .split('/')
        .all(|element| !element.is_empty() && element != ".." && element != "." && !element.contains(['\\', ':']))
        && !inner.chars().any(char::is_control);
    match inner {
        "" | "." if !path.starts_with('/') => Ok(String::new()),
        _ if plain => Ok(inner.to_owned()),
        _ => Err(Error::input(format!("`{}` is not a directory inside the repository", path.escape_debug()))
            .help("write a path relative to the spec, with `/` and without `..`"))
        .blame(path),
    }
}

/// A directory that can stand in a Nix path literal, and isn't the spec's own.
pub(super) fn nix_dir(path: &str) -> starlark::Result<String> {
    let dir = relative_dir(path)?;
    if !dir.is_empty() && dir.chars().all(|c| c.is_ascii_alphanumeric() || "-._+/".contains(c)) {
        return Ok(dir);
    }
    Err(Error::input(format!("`{}` can't be the directory of Nix files", path.escape_debug()))
        .help("write a directory of ASCII letters, digits and `-._+`, e.g. \"nix\""))
    .blame(path)
}

/// The value that `from_go_mod()` and the like return: a struct whose field `kind` tells which.
pub(super) fn kind_of<'v>(value: Value<'v>) -> Option<(&'v str, BTreeMap<&'v str, Value<'v>>)> {
    let fields: BTreeMap<&str, Value> = StructRef::from_value(value)?.iter().map(|(k, v)| (k.as_str(), v)).collect();
    Some((fields.get("kind")?.unpack_str()?, fields))
}

pub(super) fn wrong_type(what: &str, value: Value, expected: &str) -> starlark::Error {
    let error = Error::input(format!("{what} can't be a {}", value.get_type()));
    fault(error.help(format!("write {expected}")), None)
}

pub(super) fn dict<'v>(value: Value<'v>) -> Option<Vec<(&'v str, Value<'v>)>> {
    DictRef::from_value(value)?.iter().map(|(k, v)| Some((k.unpack_str()?, v))).collect()
}

pub(super) fn check_url(url: &str) -> starlark::Result<()> {
    let rest = ["https://", "http://", "file://"].iter().find_map(|scheme| url.strip_prefix(scheme));
    let Some(rest) = rest.filter(|_| url.chars().all(|c| c.is_ascii_graphic() && !"\"\\{}`<>^|".contains(c))) else {
        return Err(Error::input(format!("`{}` is not an http, https or file URL", url.escape_debug()))).blame(url);
    };
    // It gets into the lock.
    if rest.split('/').next().is_some_and(|authority| authority.contains('@')) {
        let error = Error::input("a URL of the spec has a user name or a password in it");
        return Err(error.help("put them into ~/.netrc, and write the URL without them")).blame(url);
    }
    Ok(())
}

/// The strings of a list.
pub(super) fn strings(what: &str, value: Value) -> starlark::Result<Vec<String>> {
    let list = ListRef::from_value(value);
    let strings: Option<Vec<String>> = list.and_then(|l| l.iter().map(|s| s.unpack_str().map(str::to_owned)).collect());
    strings.ok_or_else(|| wrong_type(what, value, "a list of strings"))
}

/// Tests that are left out: by patterns for packages, a regular expression for names, which is empty where all are meant.
pub(super) fn skipped(value: Value) -> starlark::Result<BTreeMap<String, String>> {
    const WHAT: &str = "skip_tests";
    let Some(entries) = dict(value) else {
        return Ok(strings(WHAT, value)?.into_iter().map(|pattern| (pattern, String::new())).collect());
    };
    let entry = |(pattern, value): (&str, Value)| match value.unpack_str() {
        Some(names) => Ok((pattern.to_owned(), names.to_owned())),
        None => Err(wrong_type(pattern, value, "what `go test -skip` takes, e.g. \"^TestDial$\", or \"\" for all tests")),
    };
    entries.into_iter().map(entry).collect()
}

/// Whose statements tests count: those of packages that match patterns, of each test's own package if there are none; `None` for no count.
pub(super) fn covered(value: Value) -> starlark::Result<Option<Vec<String>>> {
    const WHAT: &str = "coverage";
    if let Some(counts) = value.unpack_bool() {
        return Ok(counts.then(Vec::new));
    }
    let patterns = strings(WHAT, value)?;
    if patterns.is_empty() {
        let error = Error::input("coverage = [] counts the statements of no package");
        return Err(fault(
            error.help("write coverage = True for those of each test's own package, or patterns for packages"),
            None,
        ));
    }
    Ok(Some(patterns))
}
