//! The files that say to Bazel and Nix how to build.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::source::tree::{DiskTree, EntryKind, Tree, join};

/// Which there are, relative to the spec.
#[derive(Default)]
pub struct BuildFiles {
    /// Those that count for everything.
    pub shared: Vec<String>,
    /// Those that count for the targets of their directory, by that.
    pub of_directories: BTreeMap<String, String>,
}

/// What configures Bazel as a whole.
const OF_BAZEL: [&str; 7] =
    [".bazelrc", ".bazelversion", ".bazelignore", "MODULE.bazel", "WORKSPACE", "WORKSPACE.bazel", "REPO.bazel"];

/// Bazel's files. Any file of Starlark may be loaded by any BUILD file.
///
/// # Errors
///
/// When a directory can't be read.
pub fn of_bazel(tree: &DiskTree) -> Result<BuildFiles> {
    let (mut found, mut open) = (BuildFiles::default(), vec![String::new()]);
    while let Some(directory) = open.pop() {
        for entry in tree.list(&directory)? {
            let path = join(&directory, &entry.name);
            let is_shared = entry.name.ends_with(".bzl") || directory.is_empty() && OF_BAZEL.contains(&entry.name.as_str());
            match entry.kind {
                EntryKind::Directory if entry.name != ".git" => open.push(path),
                _ if !entry.is_file() => {}
                // BUILD.bazel, which comes later, has precedence.
                _ if matches!(entry.name.as_str(), "BUILD" | "BUILD.bazel") => {
                    found.of_directories.insert(directory.clone(), path);
                }
                _ if is_shared => found.shared.push(path),
                _ => {}
            }
        }
    }
    found.shared.sort();
    Ok(found)
}

/// Nix's files. What is generated of packages counts as what it is made of.
///
/// # Errors
///
/// When a directory can't be read.
pub fn of_nix(tree: &DiskTree) -> Result<BuildFiles> {
    const PLAN: &str = "nix/plan.json";
    let (mut found, mut open) = (BuildFiles::default(), vec!["nix".to_owned()]);
    for entry in tree.list("")?.into_iter().filter(|entry| entry.is_file()) {
        if entry.name.ends_with(".nix") || entry.name == "flake.lock" {
            found.shared.push(entry.name);
        }
    }
    while let Some(directory) = open.pop() {
        for entry in tree.list(&directory)? {
            let path = join(&directory, &entry.name);
            match entry.kind {
                EntryKind::Directory => open.push(path),
                _ if entry.is_file() && path != PLAN => found.shared.push(path),
                _ => {}
            }
        }
    }
    found.shared.sort();
    Ok(found)
}
