//! The `load` statements of a merged file.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use super::edit::{Fate, Slot, has_own_lines, line_end, line_start, rewrite, splice};
use super::{Job, Outcome};
use crate::emit::bazel::rule::literal;
use crate::source::build_file::{BuildFile, Load, Symbol};

/// Files of rulesets, which give the same rules under the same names.
const RULESETS: [&str; 4] = [
    "@rules_go_direct//go:defs.bzl",
    "@rules_go_direct//go:def.bzl",
    "@rules_go//go:def.bzl",
    "@io_bazel_rules_go//go:def.bzl",
];

/// What rules_go_direct has.
const OWN_SYMBOLS: [&str; 9] = [
    "go_binary",
    "go_cross_binary",
    "go_image",
    "go_library",
    "go_locked_package",
    "go_module",
    "go_path",
    "go_source",
    "go_test",
];

/// What only rules_go_direct has.
const ONLY_OWN: [&str; 3] = ["go_image", "go_locked_package", "go_module"];

/// The merged `text` with loads of what it uses and without loads of a ruleset's rules that it doesn't use.
pub(super) fn fixed(job: &Job, text: &str, outcome: &mut Outcome) -> String {
    let file = match BuildFile::parse(&job.file.path, text) {
        Ok(file) => file,
        Err(error) => {
            // What was written must be read; if it can't, nothing is better.
            outcome.warnings.push(format!("{error}: merging this file fails, so it is left as it is"));
            return job.file.text.clone();
        }
    };
    let mut missing = missing(job, &file);
    let mut edits = Vec::new();
    let mut switched: BTreeSet<Symbol> = BTreeSet::new();
    let is_foreign = |load: &Load| job.fix && RULESETS.contains(&load.file.value.as_str()) && !is_of(job, &load.file.value);
    for load in file.loads.iter().filter(|load| is_foreign(load) && !load.keep) {
        let moved: Vec<&Symbol> = load.symbols.iter().map(|s| &s.node).filter(|s| moves(job, &file, s)).collect();
        if !moved.is_empty() {
            let place = job.file.path.display();
            let names: Vec<&str> = moved.iter().map(|s| s.local.as_str()).collect();
            outcome.notes.push(format!("{place}: {} from {}, not {}", names.join(", "), job.rules.file, load.file.value));
        }
        switched.extend(moved.into_iter().cloned());
    }
    let other = |load: &Load| RULESETS.contains(&load.file.value.as_str()) && !is_of(job, &load.file.value) && !load.keep;
    let is_wanted = |symbol: &Symbol| job.wanted.iter().any(|rule| rule.kind == symbol.name) && moves(job, &file, symbol);
    let mut others = file.loads.iter().filter(|load| !job.fix && other(load));
    outcome.is_foreign = others.any(|load| load.symbols.iter().any(|symbol| is_wanted(&symbol.node)));
    for symbol in &switched {
        missing.entry(job.rules.file.clone()).or_default().insert(symbol.clone());
    }
    for load in &file.loads {
        let is_ruleset = RULESETS.contains(&load.file.value.as_str());
        let goes = |symbol: &Symbol| {
            is_ruleset && !file.names.contains(&symbol.local) || is_foreign(load) && switched.contains(symbol)
        };
        let slots: Vec<Slot> = load
            .symbols
            .iter()
            .map(|s| Slot::new(s, if goes(&s.node) && !s.keep && !load.keep { Fate::Go } else { Fate::Stay }))
            .collect();
        let takes =
            missing.keys().find(|wanted| **wanted == load.file.value || is_ruleset && same(job, wanted, &load.file.value));
        let new = takes.cloned().and_then(|wanted| missing.remove(&wanted)).unwrap_or_default();
        edits.extend(changed(&file, load, &slots, &new));
    }
    let text = splice(text, edits);
    if missing.is_empty() {
        return text;
    }
    insert(&job.file.path, &text, &missing)
}

/// Whether two files of rulesets are both of the one that is wanted.
fn same(job: &Job, wanted: &str, file: &str) -> bool {
    RULESETS.contains(&wanted) && is_of(job, wanted) && is_of(job, file)
}

/// Whether a ruleset's file is of the ruleset that rules are wanted of.
fn is_of(job: &Job, file: &str) -> bool {
    file.starts_with("@rules_go_direct//") == job.rules.is_own()
}

/// Whether a symbol of another ruleset is to come from the wanted one.
fn moves(job: &Job, file: &BuildFile, symbol: &Symbol) -> bool {
    let has = if job.rules.is_own() { OWN_SYMBOLS.contains(&&*symbol.name) } else { !ONLY_OWN.contains(&&*symbol.name) };
    has && file.names.contains(&symbol.local)
}

/// What wanted rules are called by and no statement loads, by the file that has it.
fn missing(job: &Job, file: &BuildFile) -> BTreeMap<String, BTreeSet<Symbol>> {
    let loaded: BTreeSet<&str> = file.loads.iter().flat_map(|load| &load.symbols).map(|s| s.node.local.as_str()).collect();
    let mut missing: BTreeMap<String, BTreeSet<Symbol>> = BTreeMap::new();
    for rule in job.wanted.iter().filter(|rule| !matches!(rule.kind, "alias" | "filegroup")) {
        let (kind, from) = match job.settings.mapped.get(rule.kind) {
            Some(mapped) => (mapped.kind.as_str(), mapped.file.as_str()),
            None => (rule.kind, job.rules.file.as_str()),
        };
        if !loaded.contains(kind) && file.names.contains(kind) {
            let symbol = Symbol { local: kind.to_owned(), name: kind.to_owned() };
            missing.entry(from.to_owned()).or_default().insert(symbol);
        }
    }
    missing
}

fn shown(symbol: &Symbol) -> String {
    match symbol.local == symbol.name {
        true => literal(&symbol.name),
        false => format!("{} = {}", symbol.local, literal(&symbol.name)),
    }
}

/// The edit of a statement, if any.
fn changed(file: &BuildFile, load: &Load, slots: &[Slot], new: &BTreeSet<Symbol>) -> Option<(Range<usize>, String)> {
    if new.is_empty() && slots.iter().all(|slot| !slot.goes()) {
        return None;
    }
    if new.is_empty() && slots.iter().all(Slot::goes) {
        return Some((whole_lines(file, load), String::new()));
    }
    let open = load.span.start + file.text[load.span.clone()].find('(').unwrap_or_default();
    let brackets = open..load.span.end;
    let after = |symbol: &Symbol| load.symbols.iter().position(|s| s.node.local > symbol.local);
    let mut inserts: Vec<(usize, String)> =
        new.iter().map(|symbol| (after(symbol).unwrap_or(slots.len()), shown(symbol))).collect();
    inserts.sort_by_key(|(at, _)| *at);
    if file.text[brackets.clone()].contains('\n') {
        // The file's label is the first element, which stays.
        let at = load.file.span.end;
        let comma = at + file.text[at..].find(',').unwrap_or_default();
        let inner = comma..load.span.end;
        return Some((inner.clone(), rewrite(file, &inner, slots, &inserts)));
    }
    // Statements on one line stay so, however long they get.
    let mut symbols = vec![file.text[load.file.span.clone()].to_owned()];
    for i in 0..=slots.len() {
        symbols.extend(inserts.iter().filter(|(at, _)| *at == i).map(|(_, symbol)| symbol.clone()));
        symbols.extend(slots.get(i).filter(|s| !s.goes()).map(|_| file.text[load.symbols[i].span.clone()].to_owned()));
    }
    Some((brackets, format!("({})", symbols.join(", "))))
}

/// A statement with its lines; with the blank line after it, unless something else stands right above.
fn whole_lines(file: &BuildFile, load: &Load) -> Range<usize> {
    if !has_own_lines(&file.text, &load.span) {
        return load.span.clone();
    }
    let (start, mut end) = (line_start(&file.text, load.span.start), line_end(&file.text, load.span.end));
    let before = file.text[..start].trim_end_matches(['\r', '\n', ' ']);
    let blank_before = file.text[before.len()..start].matches('\n').count() > 1 || before.is_empty();
    if blank_before && end < file.text.len() && file.text[end..line_end(&file.text, end)].trim().is_empty() {
        end = line_end(&file.text, end);
    }
    start..end
}

/// Buildifier's order of statements: other repositories, this one from its root, this directory.
fn load_key(file: &str) -> (u8, &str, &str) {
    let phase = match file.as_bytes() {
        [b'@', ..] => 0,
        [b'/', ..] => 1,
        _ => 2,
    };
    let (package, name) = file.split_once(':').unwrap_or((file, ""));
    (phase, package, name)
}

/// Adds statements: in their order among those that are there, or before everything but comments.
fn insert(path: &Path, text: &str, missing: &BTreeMap<String, BTreeSet<Symbol>>) -> String {
    let statement = |from: &String, symbols: &BTreeSet<Symbol>| {
        let symbols: Vec<String> = symbols.iter().map(shown).collect();
        format!("load({}, {})\n", literal(from), symbols.join(", "))
    };
    let Ok(file) = BuildFile::parse(path, text) else { return text.to_owned() };
    if let Some(last) = file.loads.last() {
        let end = line_end(text, last.span.end);
        let gap = if text[..end].ends_with('\n') { "" } else { "\n" };
        // A comment above a statement may be about the whole file.
        let has_comment =
            |at: usize| text[..at].trim_end_matches([' ', '\t']).rsplit('\n').nth(1).is_some_and(|l| l.starts_with('#'));
        let before = |from: &str| {
            let mut places = file.loads.iter().map(|load| (load, line_start(text, load.span.start)));
            places.find(|(load, at)| load_key(&load.file.value) > load_key(from) && !has_comment(*at)).map(|(_, at)| at)
        };
        let edits = missing.iter().map(|(from, symbols)| match before(from) {
            Some(at) => (at..at, statement(from, symbols)),
            None => (end..end, format!("{gap}{}", statement(from, symbols))),
        });
        return splice(text, edits.collect());
    }
    let statements: String = missing.iter().map(|(from, symbols)| statement(from, symbols)).collect();
    let is_text = |span: &&Range<usize>| {
        text[(*span).clone()].starts_with(['"', '\'', 'r']) && text[(*span).clone()].ends_with(['"', '\''])
    };
    let docstring = file.statements.first().filter(is_text).map(|span| line_end(text, span.end));
    let first = file.statements.iter().find(|span| docstring.is_none_or(|end| span.start >= end));
    match first {
        Some(span) => {
            let above = file.calls.iter().find(|call| call.span == *span).map_or(span.start, |call| call.whole.start);
            let at = line_start(text, above);
            format!("{}{statements}\n{}", &text[..at], &text[at..])
        }
        None => format!("{text}{}{statements}", if text.is_empty() { "" } else { "\n" }),
    }
}
