//! The directories of a tree that patterns can match (`matchPackages` in `cmd/go/internal/modload`, `MatchDirs` in
//! `cmd/go/internal/search`).

use rayon::prelude::*;

use crate::error::Result;
use crate::source::tree::{Entry, EntryKind, Tree, join};

/// A tree of packages.
pub(super) struct Root<'t> {
    pub(super) tree: &'t dyn Tree,
    /// Its directory in the tree.
    pub(super) directory: String,
    /// The import path of the directory; empty where paths are import paths.
    pub(super) path: String,
    /// The directory in its module, for `ignore`.
    pub(super) within: String,
    /// go.mod's `ignore` directives.
    pub(super) ignore: &'t [String],
    /// Whether nested modules are left out, and whether what is below `vendor` is.
    pub(super) prune: (bool, bool),
}

/// The directories of a tree that patterns can match, as import paths, in the order of a walk.
pub(super) fn walk(root: &Root, reaches: &Reaches<'_>) -> Result<Vec<String>> {
    walk_below(root, "", reaches)
}

/// Whether a pattern can match a path, or what is below it.
pub(super) type Reaches<'a> = dyn Fn(&str) -> bool + Sync + 'a;

/// Whether patterns don't match a directory of this name, nor what is below.
pub(super) fn is_passed_over(name: &str) -> bool {
    name.starts_with('_') || name == "testdata" || name.starts_with('.') && name != ".."
}

fn walk_below(root: &Root, directory: &str, reaches: &Reaches<'_>) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let path = join(&root.path, directory);
    if ignores(root.ignore, &join(&root.within, directory)) {
        return Ok(found);
    }
    if !directory.is_empty() || !root.path.is_empty() {
        if !reaches(&path) {
            return Ok(found);
        }
        found.push(path);
    }
    let entries = root.tree.list(&join(&root.directory, directory))?;
    if !directory.is_empty() && root.prune.0 && entries.iter().any(|e| e.name == "go.mod" && e.is_file()) {
        return Ok(Vec::new());
    }
    let vendor = directory.rsplit('/').next() == Some("vendor");
    if vendor && root.prune.1 {
        return Ok(found);
    }
    let below: Vec<&Entry> = entries.iter().filter(|e| e.kind == EntryKind::Directory && !is_passed_over(&e.name)).collect();
    let walks = below.into_par_iter().map(|entry| walk_below(root, &join(directory, &entry.name), reaches));
    for below in walks.collect::<Vec<_>>() {
        found.extend(below?);
    }
    Ok(found)
}

/// Whether go.mod's `ignore` directives cover a directory: `./x` at the module's root only, `x` anywhere
/// (`IgnorePatterns` in `cmd/go/internal/search`).
fn ignores(patterns: &[String], directory: &str) -> bool {
    let slashed = |path: &str| format!("/{}/", path.trim_matches('/'));
    let directory = slashed(directory);
    patterns.iter().any(|pattern| match pattern.strip_prefix("./") {
        Some(path) => directory.starts_with(&slashed(path)),
        None => directory.contains(&slashed(pattern)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignore_directives_cover_subtrees() {
        let patterns = ["./a/b".to_owned(), "node_modules".to_owned()];
        for (directory, ignored) in [
            ("a/b", true),
            ("a/b/c", true),
            ("x/a/b", false),
            ("a/bc", false),
            ("x/node_modules/y", true),
            ("node_modulesx", false),
        ] {
            assert_eq!(ignores(&patterns, directory), ignored, "{directory}");
        }
    }
}
