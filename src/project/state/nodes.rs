//! Steps of a view: how they are called, and how they come together.

use std::collections::{BTreeSet, HashSet};

use crate::affected::{Kind, Node, View};
use crate::digest::Sha256;
use crate::error::Result;

/// The name of the step that makes a target; that of a package is its import path.
pub(super) fn node_name(kind: Kind, name: &str) -> String {
    match kind {
        Kind::Package => name.to_owned(),
        Kind::Test | Kind::Binary | Kind::Image | Kind::Other => format!("{} {name}", kind.name()),
    }
}

/// The name of the node that has all files below a directory.
pub(super) fn below(directory: &str) -> String {
    format!("files below {}", if directory.is_empty() { "." } else { directory })
}

/// The name of the node that has what is in a directory itself.
pub(super) fn entries_of(directory: &str) -> String {
    format!("entries of {}", if directory.is_empty() { "." } else { directory })
}

/// Of the steps whose results are linked, which are hundreds, those that no other one of them depends on: whatever changes reaches these.
pub(super) fn direct<'d>(linked: impl IntoIterator<Item = &'d String> + Copy, view: &View) -> BTreeSet<String> {
    let nodes = linked.into_iter().filter_map(|name| view.nodes.get(name));
    let indirect: HashSet<&String> = nodes.flat_map(|node| &node.deps).collect();
    linked.into_iter().filter(|name| !indirect.contains(name)).cloned().collect()
}

/// Adds a step. What two configurations call the same may be compiled with other flags in each: then the step is both.
pub(super) fn merge(view: &mut View, name: String, node: Node) -> Result<()> {
    let Some(known) = view.nodes.get_mut(&name).filter(|known| **known != node) else {
        view.nodes.entry(name).or_insert(node);
        return Ok(());
    };
    for (what, digest) in node.recipe {
        let before = known.recipe.get(&what).copied().filter(|before| *before != digest);
        let both = before.map(|before| Sha256::of(format!("{before} {digest}")));
        known.recipe.insert(what, both.unwrap_or(digest));
    }
    if known.language != node.language {
        known.language = format!("{} {}", known.language, node.language);
    }
    known.files.extend(node.files);
    known.deps.extend(node.deps);
    Ok(())
}
