//! Graphviz (<https://graphviz.org/doc/info/lang.html>).

use std::fmt::Write as _;

use super::{by_module, is_own, note};
use crate::graph::picture::{ImportKind, NodeKind, Picture};

/// The picture in the DOT language: a cluster for each module, arrows from importer to imported.
pub fn render(picture: &Picture) -> String {
    let mut text = String::from(
        "digraph packages {\n  rankdir=LR;\n  fontname=\"sans-serif\";\n  \
         node [shape=box, style=filled, fillcolor=\"#f2f2f2\", color=\"#8c8c8c\", fontname=\"sans-serif\", fontsize=10];\n  \
         edge [color=\"#5f6b7a\", fontname=\"sans-serif\", fontsize=8];\n",
    );
    for (module, nodes) in by_module(picture) {
        let _ = match picture.kind {
            NodeKind::Packages => {
                let label = quoted(&picture.modules[module].id());
                writeln!(text, "  subgraph cluster_{module} {{\n    label={label};\n    color=\"#c4c4c4\";")
            }
            NodeKind::Modules => Ok(()),
        };
        for node in nodes {
            text.push_str(&declared(picture, node));
        }
        if picture.kind == NodeKind::Packages {
            text.push_str("  }\n");
        }
    }
    for node in &picture.nodes {
        for ((to, kind), views) in &node.imports {
            let note = note(picture, node, *kind, views);
            let style = match kind {
                ImportKind::Test => ", style=dotted",
                _ if note.is_empty() => "",
                _ => ", style=dashed",
            };
            let label = if note.is_empty() { String::new() } else { format!(" [label={}{style}]", quoted(&note)) };
            let _ = writeln!(text, "  {} -> {}{label};", quoted(&node.path), quoted(&picture.nodes[*to].path));
        }
    }
    text + "}\n"
}

/// The statement of a node: packages of the repository are blue, commands have a thick border.
fn declared(picture: &Picture, index: usize) -> String {
    let node = &picture.nodes[index];
    let mut attributes = Vec::new();
    if picture.kind == NodeKind::Modules {
        attributes.push(format!("label={}", quoted(&picture.modules[node.module].id())));
    }
    if is_own(picture, node.module) {
        attributes.push("fillcolor=\"#dbeafe\"".to_owned());
    }
    if node.name == "main" {
        attributes.push("penwidth=2".to_owned());
    }
    let attributes = if attributes.is_empty() { String::new() } else { format!(" [{}]", attributes.join(", ")) };
    let indent = if picture.kind == NodeKind::Packages { "    " } else { "  " };
    format!("{indent}{}{attributes};\n", quoted(&node.path))
}

/// A quoted string. In one, only quotes are escaped by the grammar, but labels give a meaning to backslashes, too.
pub fn quoted(text: &str) -> String {
    let escaped: String = text
        .chars()
        .map(|c| match c {
            '"' => "\\\"".to_owned(),
            '\\' => "\\\\".to_owned(),
            c if c.is_control() => " ".to_owned(),
            c => c.to_string(),
        })
        .collect();
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn hostile_text_stays_in_its_quotes() {
        assert_eq!(quoted("a\"]; b -> \\N\n</title>"), r#""a\"]; b -> \\N </title>""#);
    }
}
