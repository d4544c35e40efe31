//! Rules as data, printed as buildifier formats them; quoting happens only here.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A value in a BUILD file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr {
    /// A string.
    String(String),
    /// `True` or `False`.
    Bool(bool),
    /// A list of strings.
    List(Vec<String>),
    /// The files that patterns match, and those of other packages.
    Files {
        /// The patterns.
        patterns: Vec<String>,
        /// The labels of others.
        labels: Vec<String>,
    },
    /// A dictionary of strings.
    StringDict(BTreeMap<String, String>),
    /// A dictionary of string lists, in this order.
    Dict(Vec<(String, Vec<String>)>),
    /// A list, plus a `select` of lists by condition; the default is the empty list.
    Select {
        /// What is always there.
        common: Vec<String>,
        /// What is there besides, by label of a condition.
        cases: Vec<(String, Vec<String>)>,
    },
}

/// A call of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The rule, e.g. `go_library`.
    pub kind: &'static str,
    /// The target's name.
    pub name: String,
    attributes: Vec<(&'static str, Expr)>,
    /// Attributes without which the rule can't be built, so that an empty value stands for none only in others.
    explicit: Vec<&'static str>,
}

impl Rule {
    /// A rule without attributes.
    pub fn new(kind: &'static str, name: impl Into<String>) -> Rule {
        Rule { kind, name: name.into(), attributes: Vec::new(), explicit: Vec::new() }
    }

    /// Adds an attribute, unless its value is empty (which is nearly every attribute's default).
    pub fn with(self, name: &'static str, value: Expr) -> Rule {
        if value.is_empty() { self } else { self.with_explicit(name, value) }
    }

    /// Adds an attribute also when its value is empty, for one whose default means something else.
    pub fn with_explicit(mut self, name: &'static str, value: Expr) -> Rule {
        if value.is_empty() {
            self.explicit.push(name);
        }
        self.attributes.push((name, value));
        self
    }

    /// Leaves out attributes.
    pub fn without(mut self, names: &[&str]) -> Rule {
        self.attributes.retain(|(name, _)| !names.contains(name));
        self
    }

    /// An attribute's value.
    pub fn attribute(&self, name: &str) -> Option<&Expr> {
        self.attributes.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The attributes as buildifier sorts them.
    pub fn sorted_attributes(&self) -> Vec<(&'static str, &Expr)> {
        let mut attributes: Vec<_> = self.attributes.iter().map(|(name, value)| (*name, value)).collect();
        attributes.sort_by_key(|(name, _)| attribute_key(name));
        attributes
    }

    /// Whether an attribute is there although its value is empty.
    pub fn is_explicit(&self, name: &str) -> bool {
        self.explicit.contains(&name)
    }
}

impl Expr {
    fn is_empty(&self) -> bool {
        match self {
            Expr::String(text) => text.is_empty(),
            Expr::Bool(is) => !is,
            Expr::List(items) => items.is_empty(),
            Expr::Files { patterns, labels } => patterns.is_empty() && labels.is_empty(),
            Expr::StringDict(entries) => entries.is_empty(),
            Expr::Dict(entries) => entries.is_empty(),
            Expr::Select { common, cases } => common.is_empty() && cases.is_empty(),
        }
    }
}

/// A Starlark string literal.
pub fn literal(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => drop(write!(quoted, "\\{:03o}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Sorts file names and labels as buildifier does, without those that are there twice.
pub fn sorted(mut labels: Vec<String>) -> Vec<String> {
    labels.sort_by_cached_key(|label| label_key(label));
    labels.dedup();
    labels
}

/// Buildifier's order of file names and labels: local ones, then `//`, then `@`; `.` and `:` separate words.
pub fn label_key(label: &str) -> (u8, Vec<String>, String) {
    let phase = match label.as_bytes() {
        [b':', ..] => 1,
        [b'/', b'/', ..] => 2,
        [b'@', ..] => 3,
        _ => 0,
    };
    (phase, label.split(['.', ':']).map(str::to_owned).collect(), label.to_owned())
}

/// Buildifier's order of attributes (`NamePriority` in its `tables`): some in front, `deps` and such behind, others by name.
pub fn attribute_key(attribute: &str) -> (i32, &str) {
    let priority = match attribute {
        "name" => -99,
        "size" => -95,
        "timeout" => -94,
        "testonly" => -93,
        "src" => -92,
        "srcs" => -90,
        "out" => -89,
        "outs" => -88,
        "hdrs" => -87,
        "destdir" => 1,
        "exports" => 2,
        "runtime_deps" => 3,
        "deps" => 4,
        "implementation" => 5,
        "implements" => 6,
        "alwayslink" => 7,
        _ => 0,
    };
    (priority, attribute)
}

/// Prints a rule, under the name that its kind is loaded by.
pub fn print_rule(rule: &Rule, kind: &str) -> String {
    let mut text = format!("{kind}(\n    name = {},\n", literal(&rule.name));
    for (name, value) in rule.sorted_attributes() {
        let _ = writeln!(text, "    {name} = {},", print_expr(value));
    }
    text + ")\n"
}

/// Prints a value as it stands in a rule that isn't indented.
pub fn print_expr(value: &Expr) -> String {
    match value {
        Expr::String(text) => literal(text),
        Expr::Bool(is) => if *is { "True" } else { "False" }.to_owned(),
        Expr::List(items) => print_list(items, 1),
        Expr::Files { patterns, labels } if patterns.is_empty() => print_list(labels, 1),
        Expr::Files { patterns, labels } => {
            let glob = format!("glob({})", print_list(patterns, 1));
            if labels.is_empty() { glob } else { format!("{glob} + {}", print_list(labels, 1)) }
        }
        Expr::StringDict(entries) => {
            let lines: String = entries.iter().map(|(k, v)| format!("        {}: {},\n", literal(k), literal(v))).collect();
            format!("{{\n{lines}    }}")
        }
        Expr::Dict(entries) => {
            let lines: String =
                entries.iter().map(|(k, v)| format!("        {}: {},\n", literal(k), print_list(v, 2))).collect();
            format!("{{\n{lines}    }}")
        }
        Expr::Select { common, cases } if cases.is_empty() => print_list(common, 1),
        Expr::Select { common, cases } => {
            let mut lines: String =
                cases.iter().map(|(k, v)| format!("        {}: {},\n", literal(k), print_list(v, 2))).collect();
            lines.push_str("        \"//conditions:default\": [],\n");
            let select = format!("select({{\n{lines}    }})");
            if common.is_empty() { select } else { format!("{} + {select}", print_list(common, 1)) }
        }
    }
}

fn print_list(items: &[String], depth: usize) -> String {
    match items {
        [] => "[]".to_owned(),
        [item] => format!("[{}]", literal(item)),
        items => {
            let indent = "    ".repeat(depth);
            let lines: String = items.iter().map(|item| format!("{indent}    {},\n", literal(item))).collect();
            format!("[\n{lines}{indent}]")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_like_buildifier() {
        let list = |items: &[&str]| items.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        let rule = Rule::new("go_library", "a")
            .with("deps", Expr::List(list(&["//b"])))
            .with("visibility", Expr::List(list(&["//visibility:public"])))
            .with("embed", Expr::List(vec![]))
            .with("data", Expr::Files { patterns: list(&["testdata/**"]), labels: list(&["//d:e"]) })
            .with_explicit("std_imports", Expr::List(vec![]))
            .with("constraints", Expr::StringDict([("a.go".to_owned(), "!linux || x".to_owned())].into()))
            .with("embed_patterns", Expr::Dict(vec![("x*".to_owned(), list(&["x1", "x2"]))]))
            .with(
                "srcs",
                Expr::Select { common: list(&["a.go", "b\".go"]), cases: vec![("@r//:linux".to_owned(), list(&["l.go"]))] },
            );
        assert_eq!(
            print_rule(&rule, "my_library"),
            r#"my_library(
    name = "a",
    srcs = [
        "a.go",
        "b\".go",
    ] + select({
        "@r//:linux": ["l.go"],
        "//conditions:default": [],
    }),
    constraints = {
        "a.go": "!linux || x",
    },
    data = glob(["testdata/**"]) + ["//d:e"],
    embed_patterns = {
        "x*": [
            "x1",
            "x2",
        ],
    },
    std_imports = [],
    visibility = ["//visibility:public"],
    deps = ["//b"],
)
"#
        );
    }

    #[test]
    fn sorts_like_buildifier() {
        let labels = ["@z//a", "//b:c", ":x", "a-b.go", "a.go", "//b", "a.go"].map(str::to_owned);
        assert_eq!(sorted(labels.into()), ["a.go", "a-b.go", ":x", "//b", "//b:c", "@z//a"]);
    }

    #[test]
    fn what_is_printed_reads_back() {
        use starlark::syntax::{AstModule, Dialect};
        let hostile = "a\"b\\c\n${x}\r\t\u{1}é'#{{";
        let text = format!("x = {}\n", literal(hostile));
        let ast = AstModule::parse("BUILD", text, &Dialect::Standard).unwrap();
        starlark::environment::Module::with_temp_heap(|module| {
            let globals = starlark::environment::Globals::standard();
            starlark::eval::Evaluator::new(&module).eval_module(ast, &globals).unwrap();
            assert_eq!(module.get("x").unwrap().unpack_str(), Some(hostile));
            starlark::Result::Ok(())
        })
        .unwrap();
    }
}
