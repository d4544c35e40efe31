//! A picture of the package graph as text: for Graphviz, for Mermaid, as JSON, and as an HTML page. `docs/graph.md` describes them.

mod dot;
mod json;
mod mermaid;
mod page;

use std::collections::BTreeSet;

use crate::graph::picture::{ImportKind, ModuleOrigin, Node, Picture};

pub use dot::{quoted as dot_text, render as dot};
pub use json::{Document, VERSION};
pub use mermaid::{quoted as mermaid_text, render as mermaid};
pub use page::render as page;

/// The nodes of each module, in order; modules without nodes are left out.
fn by_module(picture: &Picture) -> impl Iterator<Item = (usize, Vec<usize>)> {
    let mut nodes = vec![Vec::new(); picture.modules.len()];
    for (index, node) in picture.nodes.iter().enumerate() {
        nodes[node.module].push(index);
    }
    nodes.into_iter().enumerate().filter(|(_, nodes)| !nodes.is_empty())
}

/// What is written on an arrow: why it is there, unless the source imports it, and in which views, unless in all that the importer is in.
fn note(picture: &Picture, importer: &Node, kind: ImportKind, views: &BTreeSet<usize>) -> String {
    let some = views.iter().filter(|_| *views != importer.views).map(|view| picture.views[*view].name.as_str());
    kind.note().into_iter().chain(some).collect::<Vec<_>>().join(", ")
}

/// Whether a module's packages are the repository's own.
fn is_own(picture: &Picture, module: usize) -> bool {
    matches!(picture.modules[module].origin, ModuleOrigin::Main | ModuleOrigin::Local)
}
