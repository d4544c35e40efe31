//! Why targets are affected, as a graph: from what changed through the steps of builds to the targets.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::affected::Impact;
use crate::emit::picture::{dot_text, mermaid_text};

/// What changed, the steps that it reaches and the targets, as far as chains have them: each is there once.
#[derive(Default)]
struct Graph<'i> {
    /// What changed.
    causes: BTreeSet<&'i str>,
    /// The steps that make targets.
    targets: BTreeSet<&'i str>,
    /// What leads to what.
    arrows: BTreeSet<(&'i str, &'i str)>,
}

fn graph<'i>(impacts: &[&'i Impact]) -> Graph<'i> {
    let mut graph = Graph::default();
    for impact in impacts {
        let Some((target, last)) = impact.chain.first().zip(impact.chain.last()) else { continue };
        graph.targets.insert(target);
        graph.arrows.extend(impact.chain.windows(2).map(|pair| (pair[1].as_str(), pair[0].as_str())));
        for cause in &impact.causes {
            graph.causes.insert(&cause.what);
            graph.arrows.insert((&cause.what, last));
        }
    }
    graph
}

/// In the DOT language (<https://graphviz.org/doc/info/lang.html>): what changed is yellow, targets are blue.
pub fn dot(impacts: &[&Impact]) -> String {
    let graph = graph(impacts);
    let mut text = String::from(
        "digraph affected {\n  rankdir=LR;\n  \
         node [shape=box, style=filled, fillcolor=\"#f2f2f2\", color=\"#8c8c8c\", fontname=\"sans-serif\", fontsize=10];\n  \
         edge [color=\"#5f6b7a\"];\n",
    );
    for (nodes, colour) in [(&graph.causes, "#fef3c7"), (&graph.targets, "#dbeafe")] {
        for node in nodes {
            let _ = writeln!(text, "  {} [fillcolor=\"{colour}\"];", dot_text(node));
        }
    }
    for (from, to) in &graph.arrows {
        let _ = writeln!(text, "  {} -> {};", dot_text(from), dot_text(to));
    }
    text + "}\n"
}

/// As a flowchart of Mermaid (<https://mermaid.js.org/syntax/flowchart.html>), in the same colours.
pub fn mermaid(impacts: &[&Impact]) -> String {
    let graph = graph(impacts);
    let ends = graph.arrows.iter().flat_map(|(from, to)| [*from, *to]);
    let names: BTreeSet<&str> = ends.chain(graph.targets.iter().copied()).collect();
    let index: BTreeMap<&str, usize> = names.iter().enumerate().map(|(index, name)| (*name, index)).collect();
    let mut text = String::from("flowchart LR\n");
    for (name, index) in &index {
        let _ = writeln!(text, "  n{index}[{}]", mermaid_text(name));
    }
    for (from, to) in &graph.arrows {
        let _ = writeln!(text, "  n{} --> n{}", index[from], index[to]);
    }
    for (nodes, class, colour) in [(&graph.causes, "cause", "#fef3c7"), (&graph.targets, "target", "#dbeafe")] {
        let nodes: Vec<String> = nodes.iter().map(|name| format!("n{}", index[name])).collect();
        if !nodes.is_empty() {
            let _ = writeln!(text, "  classDef {class} fill:{colour},color:#000\n  class {} {class}", nodes.join(","));
        }
    }
    text
}
