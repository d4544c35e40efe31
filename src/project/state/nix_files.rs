//! The files that say to Nix how to build.

use crate::error::Result;
use crate::source::repository::RepositoryTree;
use crate::source::tree::{EntryKind, Tree, join};

/// The step that has them.
pub const WORKSPACE: &str = "workspace";

/// All of them, relative to the spec; generated ones are in `directory`. What is generated of packages counts as what it is made of.
///
/// # Errors
///
/// When a directory can't be read.
pub fn all(tree: &RepositoryTree, directory: &str) -> Result<Vec<String>> {
    let plan = join(directory, "plan.json");
    let (mut found, mut open) = (Vec::new(), vec![directory.to_owned()]);
    for entry in tree.list("")?.into_iter().filter(|entry| entry.is_file()) {
        if entry.name.ends_with(".nix") || entry.name == "flake.lock" {
            found.push(entry.name);
        }
    }
    while let Some(directory) = open.pop() {
        for entry in tree.list(&directory)? {
            let path = join(&directory, &entry.name);
            match entry.kind {
                EntryKind::Directory => open.push(path),
                _ if entry.is_file() && path != plan => found.push(path),
                _ => {}
            }
        }
    }
    found.sort();
    Ok(found)
}
