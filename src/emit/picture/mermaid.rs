//! Mermaid (<https://mermaid.js.org/syntax/flowchart.html>).

use std::fmt::Write as _;

use super::{by_module, is_own, note};
use crate::graph::picture::{ImportKind, NodeKind, Picture};

/// The picture as a flowchart: a subgraph for each module, arrows from importer to imported.
pub fn render(picture: &Picture) -> String {
    let mut text = String::from("flowchart LR\n");
    for (module, nodes) in by_module(picture) {
        let id = quoted(&picture.modules[module].id());
        match picture.kind {
            NodeKind::Packages => {
                let _ = writeln!(text, "  subgraph m{module}[{id}]");
                for node in nodes {
                    let _ = writeln!(text, "    n{node}[{}]", quoted(&picture.nodes[node].path));
                }
                text.push_str("  end\n");
            }
            NodeKind::Modules => text.extend(nodes.iter().map(|node| format!("  n{node}[{id}]\n"))),
        }
    }
    for (from, node) in picture.nodes.iter().enumerate() {
        for ((to, kind), views) in &node.imports {
            let note = note(picture, node, *kind, views);
            let arrow = if *kind == ImportKind::Test || !note.is_empty() { "-.->" } else { "-->" };
            let label = if note.is_empty() { String::new() } else { format!("|{}|", quoted(&note)) };
            let _ = writeln!(text, "  n{from} {arrow}{label} n{to}");
        }
    }
    let own: Vec<String> =
        picture.nodes.iter().enumerate().filter(|(_, n)| is_own(picture, n.module)).map(|(i, _)| format!("n{i}")).collect();
    if !own.is_empty() {
        let _ = writeln!(text, "  classDef own fill:#dbeafe,color:#000\n  class {} own", own.join(","));
    }
    text
}

/// A quoted label. Whatever Mermaid or HTML could take for its own is written by its number.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/.-_@~+, ".contains(c);
    let escaped: String = text
        .chars()
        .map(|c| match c {
            c if plain(c) => c.to_string(),
            c if c.is_control() => " ".to_owned(),
            c => format!("#{};", u32::from(c)),
        })
        .collect();
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn hostile_text_stays_in_its_quotes() {
        assert_eq!(quoted("a/b@v1\"]`\n<b>#59;é"), "\"a/b@v1#34;#93;#96; #60;b#62;#35;59#59;#233;\"");
    }
}
