//! The reference in rules_go_direct/docs is what Bazel itself reads in the docstrings, by its rule `starlark_doc_extract`.
//!
//! `UPDATE_DOCS=1 cargo test --test rules_go_direct reference` writes the pages anew; read the diff.

use std::fs;
use std::path::Path;
use std::str::Lines;

use super::engines::{self, bazel, repository};

/// Each file that users load, with the name and the title of its page.
const PAGES: [(&str, &str, &str); 4] = [
    ("defs", "rules.md", "Rules"),
    ("extensions", "extension.md", "The module extension"),
    ("providers", "providers.md", "Providers"),
    ("toolchain", "toolchain.md", "SDKs and toolchains"),
];

/// For those who would edit a page.
const HOW: &str = "<!-- From docstrings, by `UPDATE_DOCS=1 cargo test --test rules_go_direct reference`. -->";

/// A message of protocol buffers, from the text that Bazel prints: a field per line.
#[derive(Default)]
struct Message {
    texts: Vec<(String, String)>,
    messages: Vec<(String, Message)>,
}

impl Message {
    /// Reads up to the end of the message.
    fn parse(lines: &mut Lines) -> Message {
        let mut message = Message::default();
        while let Some(line) = lines.next().map(str::trim).filter(|line| *line != "}") {
            if let Some(name) = line.strip_suffix(" {") {
                message.messages.push((name.to_owned(), Message::parse(lines)));
            } else {
                let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("no field: {line}"));
                message.texts.push((name.to_owned(), unquoted(value)));
            }
        }
        message
    }

    /// The field's value; empty without one.
    fn text(&self, name: &str) -> &str {
        self.texts.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The messages that a repeated field has.
    fn all(&self, name: &str) -> impl Iterator<Item = &Message> {
        self.messages.iter().filter(move |(known, _)| known == name).map(|(_, message)| message)
    }
}

/// A value without quotes and escapes.
fn unquoted(value: &str) -> String {
    let Some(quoted) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else { return value.to_owned() };
    let mut text = String::new();
    let mut chars = quoted.chars();
    while let Some(char) = chars.next() {
        text.push(match char {
            '\\' => match chars.next().unwrap() {
                'n' => '\n',
                digit if digit.is_ascii_digit() => panic!("write docstrings in ASCII, as Bazel 7 garbles the rest: {quoted}"),
                other => other,
            },
            other => other,
        });
    }
    text
}

/// A cell of a table.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// The type of an attribute, with the providers that its targets must have.
fn type_of(attribute: &Message) -> String {
    let base = match attribute.text("type") {
        "BOOLEAN" => "bool",
        "INT" => "int",
        "LABEL" => "label",
        "LABEL_LIST" => "list of labels",
        "NAME" | "STRING" => "string",
        "STRING_DICT" => "dict of strings",
        "STRING_LIST" => "list of strings",
        "STRING_LIST_DICT" => "dict of lists of strings",
        other => panic!("the reference has no name for attributes of type {other} yet"),
    };
    let providers: Vec<String> = attribute
        .all("provider_name_group")
        .flat_map(|group| group.texts.iter().filter(|(name, _)| name == "provider_name"))
        .map(|(_, provider)| format!("`{provider}`"))
        .collect();
    if providers.is_empty() { base.to_owned() } else { format!("{base} ({})", providers.join(", ")) }
}

/// What Bazel says of the attribute that all rules have.
const NAME: &str = "A unique name for this target.";

/// The table of the attributes, but for the name of a target.
fn attributes(of: &Message) -> String {
    let mut rows: Vec<(bool, &str, String)> = of
        .all("attribute")
        .filter(|attribute| attribute.text("doc_string") != NAME)
        .map(|attribute| {
            let (name, is_optional) = (attribute.text("name"), attribute.text("mandatory") != "true");
            let default = if is_optional { format!("`{}`", attribute.text("default_value")) } else { "mandatory".to_owned() };
            let meaning = cell(documented(name, attribute));
            (is_optional, name, format!("| `{name}` | {} | {default} | {meaning} |\n", type_of(attribute)))
        })
        .collect();
    rows.sort();
    let rows: String = rows.into_iter().map(|(_, _, row)| row).collect();
    format!("| attribute | type | default | meaning |\n|---|---|---|---|\n{rows}")
}

/// The docstring, which nothing public lacks.
fn documented<'a>(name: &str, thing: &'a Message) -> &'a str {
    let text = thing.text("doc_string").trim();
    assert!(!text.is_empty(), "{name} has no docstring");
    text
}

/// A part of a page: what a thing is called, what it is, and its table.
fn section(level: &str, name: &str, thing: &Message, table: &str) -> String {
    format!("\n{level} {name}\n\n{}\n\n{table}", documented(name, thing))
}

fn fields(provider: &Message) -> String {
    let row = |field: &Message| {
        let name = field.text("name");
        format!("| `{name}` | {} |\n", cell(documented(name, field)))
    };
    let rows: String = provider.all("field_info").map(row).collect();
    format!("| field | meaning |\n|---|---|\n{rows}")
}

fn page(title: &str, module: &Message) -> String {
    let (file, docstring) = (module.text("file"), module.text("module_docstring"));
    let mut text = format!("{HOW}\n\n# {title}\n\n`@rules_go_direct{file}`. {docstring}\n");
    for rule in module.all("rule_info") {
        text += &section("##", rule.text("rule_name"), rule, &attributes(rule));
    }
    for provider in module.all("provider_info") {
        text += &section("##", provider.text("provider_name"), provider, &fields(provider));
    }
    for extension in module.all("module_extension_info") {
        let name = extension.text("extension_name");
        text += &format!("\n## {name}\n\n{}\n", documented(name, extension));
        for tag in extension.all("tag_class") {
            text += &section("###", &format!("{name}.{}", tag.text("tag_name")), tag, &attributes(tag));
        }
    }
    text
}

#[test]
fn the_reference_is_what_docstrings_say() {
    let _alone = super::RULESET.lock();
    let ruleset = repository("rules_go_direct");
    let targets = PAGES.map(|(file, ..)| format!("//docs:{file}.textproto"));
    bazel(&ruleset, &[&["build"], &targets.each_ref().map(String::as_str)[..]].concat());
    let bin = bazel(&ruleset, &["info", "bazel-bin"]);
    for (file, name, title) in PAGES {
        let extracted = fs::read_to_string(Path::new(bin.trim_end()).join("docs").join(format!("{file}.textproto"))).unwrap();
        let page = page(title, &Message::parse(&mut extracted.lines()));
        let path = ruleset.join("docs").join(name);
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs::write(&path, &page).unwrap();
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == page, "docs/{name} isn't what docstrings say; UPDATE_DOCS=1 writes it anew:\n{page}");
    }
    engines::end_bazel(&ruleset);
}
