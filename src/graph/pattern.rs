//! Package patterns of command line and spec: `./...`, `./cmd/x`, `.`, import paths (`go help packages`).

use std::collections::BTreeSet;

use crate::error::{Error, Result};
use crate::graph::Sources;
use crate::name::ImportPath;
use crate::source::context::BuildContext;
use crate::source::tree::{clean, join};

/// The packages that patterns name, sorted, each once. `from` is the directory in the tree that `.` stands for.
///
/// A pattern with `...` matches packages of main modules that have Go files for the build; if it is told `tests`, test files
/// count too. Without `...`, a pattern names its package whatever is there; loading it says what is wrong.
///
/// # Errors
///
/// When a pattern names something outside the main modules by directory, is a set of packages like `std`, or isn't a pattern.
pub fn expand(
    sources: &Sources,
    context: &BuildContext,
    from: &str,
    patterns: &[String],
    tests: bool,
) -> Result<Vec<ImportPath>> {
    let mut packages = BTreeSet::new();
    for pattern in patterns {
        let local = matches!(pattern.as_str(), "." | "..") || pattern.starts_with("./") || pattern.starts_with("../");
        let pattern = if local { clean(&join(from, pattern)) } else { pattern.trim_end_matches('/').to_owned() };
        match (pattern.contains("..."), local) {
            (false, true) => {
                packages.insert(at_directory(sources, &pattern)?);
            }
            (false, false) if matches!(pattern.as_str(), "all" | "std" | "cmd" | "tool" | "work") => {
                return Err(
                    Error::input(format!("the pattern `{pattern}` is not supported")).help("write `./...` or import paths")
                );
            }
            (false, false) => {
                packages.insert(pattern.parse()?);
            }
            (true, _) => packages.extend(matching(sources, context, &pattern, local, tests)?),
        }
    }
    Ok(packages.into_iter().collect())
}

/// The path below `root`, or `None`; both slash-separated and clean, where empty is the root of the tree.
pub(super) fn below<'a>(path: &'a str, root: &str) -> Option<&'a str> {
    match path.strip_prefix(root)? {
        rest if rest.is_empty() => Some(rest),
        rest if root.is_empty() => Some(rest).filter(|rest| *rest != ".." && !rest.starts_with("../")),
        rest => rest.strip_prefix('/'),
    }
}

/// The package in a directory of the tree.
fn at_directory(sources: &Sources, directory: &str) -> Result<ImportPath> {
    // Of nested modules, the innermost has the directory.
    let module = sources
        .main
        .iter()
        .filter(|module| module.stands_for.is_none())
        .filter_map(|module| Some((module, below(directory, &module.directory)?)))
        .min_by_key(|(_, rest)| rest.len());
    match module {
        Some((module, rest)) => module.path.root().join(rest),
        None => Err(Error::input(format!("directory {directory} is not in a main module"))
            .help("name a directory of a module in go.mod or go.work, or an import path")),
    }
}

/// The packages of main modules that a pattern with `...` matches.
fn matching(sources: &Sources, context: &BuildContext, pattern: &str, local: bool, tests: bool) -> Result<Vec<ImportPath>> {
    let literal = &pattern[..pattern.find("...").unwrap_or(0)];
    let literal = literal.rfind('/').map_or("", |slash| &literal[..slash]);
    let mut candidates = Vec::new();
    for (index, module) in sources.main.iter().enumerate().filter(|(_, module)| module.stands_for.is_none()) {
        // A directory that is named outright is searched even if its name is one that patterns pass over.
        let start = match below(literal, &module.directory) {
            Some(start) if local => start,
            _ => "",
        };
        for directory in sources.directories(index, start)? {
            let path = module.path.root().join(&directory);
            let in_tree = join(&module.directory, &directory);
            let name = if local { in_tree } else { join(module.path.as_str(), &directory) };
            if matches_pattern(pattern, &name) {
                candidates.push((index, directory, path));
            }
        }
    }
    let directories: Vec<(usize, String)> =
        candidates.iter().map(|(index, directory, _)| (*index, directory.clone())).collect();
    sources.prefetch(&directories);
    let mut packages = Vec::new();
    for (index, directory, path) in candidates {
        let Some(package) = sources.main_package(index, &directory)? else { continue };
        if package.has_go_files_for(context, tests) {
            packages.push(path?);
        }
    }
    Ok(packages)
}

/// Where a package is, as far as patterns tell.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Its directory in the tree, if it is in the tree.
    pub directory: Option<&'a str>,
    /// Whether it belongs to the SDK.
    pub is_std: bool,
    /// Whether it is in a main module.
    pub in_main_module: bool,
}

/// Whether a pattern of `-gcflags` and the like matches a package by its import path and place (`load.MatchPackage`).
pub fn matches_package(pattern: &str, path: &str, place: Place) -> bool {
    let Place { directory, is_std, in_main_module } = place;
    if matches!(pattern, "." | "..") || pattern.starts_with("./") || pattern.starts_with("../") {
        let dots = pattern.find("...").unwrap_or(pattern.len());
        let (from, rest) = match pattern[..dots].rfind('/').filter(|_| dots < pattern.len()) {
            Some(slash) => (&pattern[..slash], &pattern[slash + 1..]),
            None => (pattern, ""),
        };
        let below = directory.and_then(|directory| below(directory, &clean(from)));
        // The directory itself is `.`, which `...` matches.
        return below.is_some_and(|name| {
            if rest.is_empty() { name.is_empty() } else { matches_pattern(rest, if name.is_empty() { "." } else { name }) }
        });
    }
    match pattern {
        "all" => true,
        "std" => is_std,
        "cmd" => is_std && path.starts_with("cmd/"),
        "work" => in_main_module,
        _ => matches_pattern(pattern, path),
    }
}

/// Whether `name` matches, where `...` stands for any text without an element `vendor` that isn't the last, and `/...` at the end for
/// nothing too (`pkgpattern.MatchPattern`).
pub(super) fn matches_pattern(pattern: &str, name: &str) -> bool {
    if pattern.strip_suffix("/...") == Some(name) {
        return true;
    }
    // As in Go, which looks for one more slash.
    if pattern == "vendor/..." {
        return false;
    }
    let vendors = |path: &str| path.split('/').rev().skip(1).filter(|element| *element == "vendor").count();
    // Those that the pattern names are matched as they are.
    if vendors(pattern) != vendors(name) {
        return false;
    }
    let mut pieces = pattern.split("...");
    let Some(mut rest) = pieces.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_match_any_text() {
        for (pattern, name, matches) in [
            ("...", "", true),
            ("...", "a/b", true),
            ("a/...", "a", true),
            ("a/...", "a/b/c", true),
            ("a/...", "ab", false),
            ("a...", "ab/c", true),
            ("a/.../c", "a/b/c", true),
            ("a/.../c", "a/c", false),
            (".../c", "a/b/c", true),
            ("a...b...c", "axbxc", true),
            ("a...b...b", "ab", false),
            ("a/b", "a/b", true),
            ("a/...", "a/vendor/b", false),
            ("a/...", "a/vendor", true),
            ("a/vendor/...", "a/vendor/b", true),
            ("a/vendor/...", "a/b/vendor/c", false),
        ] {
            assert_eq!(matches_pattern(pattern, name), matches, "{pattern} {name}");
        }
    }

    #[test]
    fn paths_are_cleaned() {
        for (path, cleaned) in [(".", ""), ("a/./b", "a/b"), ("a/../b/", "b"), ("../x", "../x"), ("a/../../x", "../x")] {
            assert_eq!(clean(path), cleaned);
        }
    }
}
