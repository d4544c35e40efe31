//! One attribute's value, as it is and as it should be.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::edit::{Fate, Slot, deepen, indent_at, rewrite, splice};
use crate::emit::bazel::rule::{self, Expr, label_key, literal};
use crate::source::build_file::{self, BuildFile, Element, Value};

/// What becomes of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Merged {
    /// It says what it should.
    Same,
    /// This text says it.
    Text(String),
    /// Nothing is left.
    Nothing,
    /// It isn't made of literals, so nobody knows what it says.
    Unknown,
}

/// Where the value stands, for labels that can be written in several ways.
pub(super) struct Context<'a> {
    pub file: &'a BuildFile,
    /// The directory of the BUILD file.
    pub directory: &'a str,
    /// Whether names of rulesets are those that they should be: otherwise all that a ruleset may be called mean the same.
    pub exact: bool,
    /// Whether labels among files are of what rules make, of which the graph knows nothing.
    pub files: bool,
}

type Entry = Element<(build_file::Expr, build_file::Expr)>;

impl Context<'_> {
    /// The value after merging; `None` for an attribute that isn't wanted.
    pub(super) fn merge(&self, old: &build_file::Expr, wanted: Option<&Expr>) -> Merged {
        match wanted {
            Some(Expr::String(text)) => match &old.value {
                Value::String(old) if old == text => Merged::Same,
                Value::String(_) => Merged::Text(literal(text)),
                _ => Merged::Unknown,
            },
            Some(Expr::List(items)) => self.lists(old, items, &[]),
            Some(Expr::Select { common, cases }) => self.lists(old, common, cases),
            Some(Expr::StringDict(entries)) => {
                let entries = entries.iter().map(|(key, value)| (key.clone(), Expr::String(value.clone()))).collect();
                self.dict(old, entries)
            }
            Some(Expr::Dict(entries)) => {
                self.dict(old, entries.iter().map(|(key, value)| (key.clone(), Expr::List(value.clone()))).collect())
            }
            Some(wanted @ (Expr::Bool(_) | Expr::Files { .. })) => self.whole(old, wanted),
            None => match &old.value {
                Value::Dict(_) => self.dict(old, BTreeMap::new()),
                Value::List(_) | Value::Select(..) | Value::Sum(_) => self.lists(old, &[], &[]),
                Value::String(_) | Value::Int(_) => Merged::Nothing,
                Value::Name(name) if matches!(name.as_str(), "True" | "False" | "None") => Merged::Nothing,
                Value::Name(_) | Value::Glob(_) | Value::Other => Merged::Unknown,
            },
        }
    }

    fn whole(&self, old: &build_file::Expr, wanted: &Expr) -> Merged {
        let text = deepen(&flat(wanted), indent_at(&self.file.text, old.span.start));
        let without_space = |text: &str| text.split_whitespace().collect::<String>().replace(",]", "]");
        if without_space(&self.file.text[old.span.clone()]) == without_space(&text) { Merged::Same } else { Merged::Text(text) }
    }

    /// A list, a `select` of lists, or a sum of such.
    fn lists(&self, old: &build_file::Expr, common: &[String], cases: &[(String, Vec<String>)]) -> Merged {
        let terms = match &old.value {
            Value::Sum(terms) => terms.iter().collect(),
            _ => vec![old],
        };
        if !terms.iter().all(|term| is_lists(term)) {
            return Merged::Unknown;
        }
        let first_list = terms.iter().position(|term| matches!(term.value, Value::List(_)));
        let lists = terms.iter().enumerate().filter(|(i, _)| Some(*i) != first_list).map(|(_, term)| term);
        let others = lists.flat_map(|term| match &term.value {
            Value::List(items) => items.iter().map(|item| &item.node).collect(),
            _ => Vec::new(),
        });
        let mut state = Lists {
            context: self,
            common: common.iter().map(|item| (self.canonical(item), item)).collect(),
            cases: cases.iter().map(|(key, items)| (self.canonical(key), (key, items))).collect(),
            first_list,
            first_select: terms.iter().position(|term| matches!(term.value, Value::Select(..))),
            elsewhere: others.filter_map(string).map(|item| self.canonical(item)).collect(),
        };
        let texts: Vec<Option<String>> = terms.iter().enumerate().map(|(i, term)| state.term(i, term)).collect();
        self.join(old, &terms, texts, state.new_terms())
    }

    /// The sum of what is left of terms and of new ones.
    fn join(
        &self,
        old: &build_file::Expr,
        terms: &[&build_file::Expr],
        texts: Vec<Option<String>>,
        new: (String, String),
    ) -> Merged {
        let indent = indent_at(&self.file.text, old.span.start);
        let (list, select) = (deepen(&new.0, indent), deepen(&new.1, indent));
        let keep_places = texts.iter().all(Option::is_some) && list.is_empty();
        let text = if keep_places {
            let edits = terms.iter().zip(texts).map(|(term, text)| (self.relative(term, old), text.unwrap_or_default()));
            let text = splice(&self.file.text[old.span.clone()], edits.collect());
            if select.is_empty() { text } else { format!("{text} + {select}") }
        } else {
            let all = [list].into_iter().chain(texts.into_iter().flatten()).chain([select]);
            all.filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" + ")
        };
        match text.as_str() {
            "" | "[]" => Merged::Nothing,
            text if text == &self.file.text[old.span.clone()] => Merged::Same,
            _ => Merged::Text(text),
        }
    }

    fn relative(&self, term: &build_file::Expr, whole: &build_file::Expr) -> Range<usize> {
        term.span.start - whole.span.start..term.span.end - whole.span.start
    }

    fn dict(&self, old: &build_file::Expr, mut wanted: BTreeMap<String, Expr>) -> Merged {
        let Value::Dict(entries) = &old.value else { return Merged::Unknown };
        let mut slots = Vec::new();
        for entry in entries {
            let Some(key) = string(&entry.node.0) else { return Merged::Unknown };
            let fate = match wanted.remove(key) {
                _ if entry.keep => Fate::Stay,
                None => Fate::Go,
                Some(value) => match self.merge(&entry.node.1, Some(&value)) {
                    Merged::Same => Fate::Stay,
                    Merged::Text(text) => self.entry_with(entry, text),
                    Merged::Nothing => self.entry_with(entry, "[]".to_owned()),
                    Merged::Unknown => return Merged::Unknown,
                },
            };
            slots.push(Slot::new(entry, fate));
        }
        let place = |key: &str| entries.iter().position(|entry| string(&entry.node.0).is_some_and(|old| old > key));
        let inserts: Vec<(usize, String)> = wanted
            .iter()
            .map(|(key, value)| (place(key).unwrap_or(entries.len()), format!("{}: {}", literal(key), flat(value))))
            .collect();
        if inserts.is_empty() && slots.iter().all(|slot| slot.goes()) {
            return Merged::Nothing;
        }
        let text = rewrite(self.file, &old.span, &slots, &inserts);
        if text == self.file.text[old.span.clone()] { Merged::Same } else { Merged::Text(text) }
    }

    /// An entry of a dictionary with another value.
    fn entry_with(&self, entry: &Entry, value: String) -> Fate {
        Fate::Become(format!("{}{value}", &self.file.text[entry.span.start..entry.node.1.span.start]))
    }

    /// Whether something is made by a rule, so that nobody but who wrote it knows whether it belongs here.
    fn is_made(&self, item: &build_file::Expr) -> bool {
        let makes = |name: &str| self.file.calls.iter().any(|c| ["out", "outs"].iter().any(|a| c.strings(a).contains(&name)));
        self.files && string(item).is_some_and(|item| item.starts_with([':', '@']) || item.starts_with("//") || makes(item))
    }

    /// A label in the one form that all of its forms have in common; names of files are as they are.
    fn canonical(&self, label: &str) -> String {
        if let Some((repository, condition)) = label.split_once("//go/platform:")
            && !self.exact
            && matches!(repository, "@rules_go_direct" | "@rules_go" | "@io_bazel_rules_go")
        {
            return format!("@rules_go//go/platform:{condition}");
        }
        let (repository, path) = match label.split_once("//") {
            Some((repository, path)) if repository.is_empty() || repository.starts_with('@') => (repository, path),
            _ if self.files => return label.trim_start_matches(':').to_owned(),
            _ if label.starts_with(':') => return format!("//{}{label}", self.directory),
            _ => return label.to_owned(),
        };
        let repository = if repository == "@" { "" } else { repository };
        match path.contains(':') {
            true => format!("{repository}//{path}"),
            false => {
                let name =
                    path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or(repository.trim_start_matches('@'));
                format!("{repository}//{path}:{name}")
            }
        }
    }
}

/// Lists that are being merged; cases that are found are taken out of what is wanted.
struct Lists<'a> {
    context: &'a Context<'a>,
    common: BTreeMap<String, &'a String>,
    cases: BTreeMap<String, (&'a String, &'a Vec<String>)>,
    first_list: Option<usize>,
    first_select: Option<usize>,
    /// What is in other lists than the first, so that it need not go there.
    elsewhere: BTreeSet<String>,
}

impl Lists<'_> {
    /// What is wanted on all platforms and isn't in other lists than the first.
    fn missing(&self) -> impl Iterator<Item = &String> {
        self.common.iter().filter(|(label, _)| !self.elsewhere.contains(*label)).map(|(_, item)| *item)
    }

    /// What becomes of a term; `None` if nothing of it is left.
    fn term(&mut self, i: usize, term: &build_file::Expr) -> Option<String> {
        match &term.value {
            Value::List(items) => {
                let add: Vec<&String> = match Some(i) == self.first_list {
                    true => self.missing().collect(),
                    false => Vec::new(),
                };
                let wanted: BTreeSet<String> = self.common.keys().cloned().collect();
                let (text, is_empty) = self.list(&term.span, items, &wanted, &add);
                (!is_empty).then_some(text)
            }
            Value::Select(entries, dict) => self.select(term, entries, dict, Some(i) == self.first_select),
            _ => None,
        }
    }

    /// A list without what isn't wanted and with what is to be added, and whether it is empty.
    fn list(
        &self,
        span: &Range<usize>,
        items: &[Element<build_file::Expr>],
        wanted: &BTreeSet<String>,
        add: &[&String],
    ) -> (String, bool) {
        let context = self.context;
        let mut there = BTreeSet::new();
        let mut slots = Vec::new();
        for item in items {
            let fate = match string(&item.node).map(|text| context.canonical(text)) {
                Some(label) if !item.keep && !wanted.contains(&label) && !context.is_made(&item.node) => Fate::Go,
                // The same thing twice is an error in Bazel.
                Some(label) if !there.insert(label.clone()) && !item.keep => Fate::Go,
                _ => Fate::Stay,
            };
            slots.push(Slot::new(item, fate));
        }
        let mut add: Vec<&&String> = add.iter().filter(|item| !there.contains(&context.canonical(item))).collect();
        add.sort_by_key(|item| label_key(item));
        let place = |new: &str| {
            let after =
                |item: &Element<build_file::Expr>| string(&item.node).is_some_and(|old| label_key(old) > label_key(new));
            items.iter().position(after).unwrap_or(items.len())
        };
        let inserts: Vec<(usize, String)> = add.iter().map(|item| (place(item), literal(item))).collect();
        let is_empty = inserts.is_empty() && slots.iter().all(Slot::goes);
        if is_empty {
            return ("[]".to_owned(), true);
        }
        (rewrite(context.file, span, &slots, &inserts), false)
    }

    fn select(&mut self, term: &build_file::Expr, entries: &[Entry], dict: &Range<usize>, takes_new: bool) -> Option<String> {
        let context = self.context;
        let mut slots = Vec::new();
        let mut has_content = false;
        for entry in entries {
            let (key, value) = &entry.node;
            let key = string(key).unwrap_or_default();
            let wanted = self.cases.remove(&context.canonical(key));
            let Value::List(items) = &value.value else { continue };
            let found: Vec<String> = wanted.map(|(_, items)| items.clone()).unwrap_or_default();
            let labels = found.iter().map(|item| context.canonical(item)).collect();
            let (text, is_empty) = self.list(&value.span, items, &labels, &found.iter().collect::<Vec<_>>());
            let is_default = key == "//conditions:default";
            let stays = entry.keep || is_default || wanted.is_some() || !is_empty;
            has_content |= entry.keep || !is_empty || wanted.is_some();
            let fate = match stays {
                true if entry.keep || text == context.file.text[value.span.clone()] => Fate::Stay,
                true => context.entry_with(entry, text),
                false => Fate::Go,
            };
            slots.push(Slot::new(entry, fate));
        }
        let mut inserts = Vec::new();
        if takes_new {
            let position = |new: &str| {
                let after = |entry: &Entry| string(&entry.node.0).is_some_and(|k| k == "//conditions:default" || k > new);
                entries.iter().position(after).unwrap_or(entries.len())
            };
            for (key, items) in std::mem::take(&mut self.cases).into_values() {
                inserts.push((position(key), format!("{}: {}", literal(key), flat(&Expr::List(items.clone())))));
            }
        }
        if !has_content && inserts.is_empty() {
            return None;
        }
        let new = rewrite(context.file, dict, &slots, &inserts);
        let inner = dict.start - term.span.start..dict.end - term.span.start;
        Some(splice(&context.file.text[term.span.clone()], vec![(inner, new)]))
    }

    /// A list for what there was none for, and a `select`; empty where none is needed.
    fn new_terms(&self) -> (String, String) {
        let items: Vec<String> = self.missing().cloned().collect();
        let list = match self.first_list {
            None if !items.is_empty() => flat(&Expr::List(rule::sorted(items))),
            _ => String::new(),
        };
        let cases: Vec<_> = self.cases.values().map(|(key, items)| ((*key).clone(), (*items).clone())).collect();
        let select = match cases.is_empty() {
            true => String::new(),
            false => flat(&Expr::Select { common: Vec::new(), cases }),
        };
        (list, select)
    }
}

/// A printed value as if it began a line of its own without indentation.
pub(super) fn flat(value: &Expr) -> String {
    rule::print_expr(value).replace("\n    ", "\n")
}

/// Whether a term is a list, or a `select` of lists by literals.
fn is_lists(term: &build_file::Expr) -> bool {
    match &term.value {
        Value::List(_) => true,
        Value::Select(entries, _) => {
            entries.iter().all(|entry| string(&entry.node.0).is_some() && matches!(entry.node.1.value, Value::List(_)))
        }
        _ => false,
    }
}

fn string(expr: &build_file::Expr) -> Option<&str> {
    match &expr.value {
        Value::String(text) => Some(text),
        _ => None,
    }
}
