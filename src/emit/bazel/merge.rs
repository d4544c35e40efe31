//! Puts the rules that a directory should have into its BUILD file, and leaves all else in it as it is.
//!
//! What is matched, managed, kept and removed is as with Gazelle, whose users know it; `docs/build-files.md` says it for them.

mod edit;
mod loads;
mod matching;
mod value;

use std::collections::BTreeSet;
use std::ops::Range;

use super::directives::{Settings, has_default_visibility};
use super::layout::TEST_DATA;
use super::rule::{self, Expr, Rule, attribute_key, print_rule};
use super::{Existing, Rules};
use crate::emit::HEADER;
use crate::source::build_file::{self, Argument, BuildFile, Call, Element, Value};
use edit::{Fate, Slot, line_end, line_start, rewrite, splice};
use value::{Context, Merged, flat};

pub(super) use matching::library as matching_library;

/// A directory's file, and what should be in it.
pub(super) struct Job<'a> {
    pub existing: &'a Existing,
    pub file: &'a BuildFile,
    /// Relative to the spec.
    pub directory: &'a str,
    pub settings: &'a Settings,
    pub rules: &'a Rules,
    pub wanted: &'a [Rule],
    /// The labels of all modules' targets.
    pub modules: &'a BTreeSet<String>,
    /// Whether rules that another ruleset's file gives are to come from this one's.
    pub fix: bool,
}

/// The file after merging.
#[derive(Default)]
pub(super) struct Outcome {
    /// The text; empty for no file.
    pub text: String,
    /// What was removed or switched.
    pub notes: Vec<String>,
    /// What a person should look at.
    pub warnings: Vec<String>,
    /// Whether rules come from another ruleset than they should.
    pub is_foreign: bool,
}

/// Merges.
pub(super) fn merge(job: &Job) -> Outcome {
    let mut outcome = Outcome::default();
    let matches = matching::all(job, &mut outcome.warnings);
    let mut edits: Vec<(Range<usize>, String)> = header(job.file).map(|range| (range, String::new())).into_iter().collect();
    let gone: Vec<&Call> = matching::stale(job, &matches);
    for call in &gone {
        edits.push((removed(job.file, call, &edits), String::new()));
        let name = call.name().unwrap_or_default();
        outcome.notes.push(format!("{}: removed {} {name}", job.file.place(&call.span), call.kind));
    }
    let mut appended = String::new();
    for (rule, found) in job.wanted.iter().zip(&matches) {
        match found {
            matching::Match::Call(call) => edits.extend(update(job, rule, call, &gone, &mut outcome.warnings)),
            matching::Match::New => {
                let rule = if says_visibility(job, rule) { rule.clone() } else { rule.clone().without(&["visibility"]) };
                appended.push_str(&format!("\n{}", print_rule(&rule, &new_kind(job, &rule))));
            }
            matching::Match::Conflict => {}
        }
    }
    let mut text = splice(&job.file.text, edits);
    if !appended.is_empty() {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        let is_blank = text.trim().is_empty();
        text.push_str(if is_blank { appended.trim_start_matches('\n') } else { &appended });
    }
    if !job.existing.is_there && !job.settings.default_visibility.is_empty() && !text.is_empty() {
        let package = Expr::List(rule::sorted(job.settings.default_visibility.clone()));
        text = format!("package(default_visibility = {})\n\n{text}", flat(&package));
    }
    outcome.text = loads::fixed(job, &text, &mut outcome);
    if !gone.is_empty() || header(job.file).is_some() {
        outcome.text = without_blank_ends(&outcome.text);
    }
    let only_carriage_returns = job.file.text.contains("\r\n") && !job.file.text.replace("\r\n", "").contains('\n');
    if only_carriage_returns {
        outcome.text = outcome.text.replace("\r\n", "\n").replace('\n', "\r\n");
    }
    outcome
}

/// The first line of files that are overwritten as a whole, which isn't true of one that is merged.
fn header(file: &BuildFile) -> Option<Range<usize>> {
    let line = format!("# {HEADER}");
    let rest = file.text.strip_prefix(&line)?;
    let blank = rest.len() - rest.trim_start_matches(['\r', '\n']).len();
    Some(0..line.len() + blank)
}

/// Whether a file is one of those that were written as a whole, so that everything in it is known to be generated.
fn is_generated(file: &BuildFile) -> bool {
    header(file).is_some()
}

fn without_blank_ends(text: &str) -> String {
    let text = text.trim_start_matches(['\r', '\n']);
    let trimmed = text.trim_end();
    match trimmed {
        "" => String::new(),
        trimmed => format!("{trimmed}{}", if text[trimmed.len()..].starts_with('\r') { "\r\n" } else { "\n" }),
    }
}

/// Whether a rule says who sees it, because `package()` doesn't; what tells about a module is for all of its packages.
fn says_visibility(job: &Job, rule: &Rule) -> bool {
    let is_new = !job.existing.is_there && !job.settings.default_visibility.is_empty();
    rule.kind == "go_module" || !is_new && !has_default_visibility(job.file)
}

/// The kind under which a new rule is written.
fn new_kind(job: &Job, rule: &Rule) -> String {
    job.settings.mapped.get(rule.kind).map_or_else(|| rule.kind.to_owned(), |mapped| mapped.kind.clone())
}

/// A call with its lines and the comments above, but for directives and what comes before these, and with a blank line.
fn removed(file: &BuildFile, call: &Call, others: &[(Range<usize>, String)]) -> Range<usize> {
    if !edit::has_own_lines(&file.text, &call.span) {
        return call.span.clone();
    }
    let above = file.directives.iter().filter(|d| call.whole.contains(&d.span.start)).map(|d| line_end(&file.text, d.span.end));
    let start = line_start(&file.text, above.max().unwrap_or(call.whole.start));
    let start =
        others.iter().map(|(range, _)| range.end).filter(|end| *end > start && *end <= call.span.start).max().unwrap_or(start);
    let mut end = line_end(&file.text, call.span.end);
    let blank = |at: usize| file.text[at..line_end(&file.text, at)].trim().is_empty();
    if end < file.text.len() && blank(end) {
        end = line_end(&file.text, end);
    }
    start..end.max(call.span.end)
}

/// The attributes of all rules that link a program.
const PROGRAM: [&str; 14] = [
    "asan",
    "default_godebug",
    "gc_goopts",
    "gc_linkopts",
    "goexperiment",
    "gofips140",
    "gotags",
    "linkmode",
    "msan",
    "pgoprofile",
    "pure",
    "race",
    "sdk_name",
    "static",
];

/// Those that rules_go doesn't have, so that they go where its rules take over; the others are a person's to set there.
const NOT_OF_RULES_GO: [&str; 4] = ["default_godebug", "goexperiment", "gofips140", "sdk_name"];

/// Whether a generated rule of a kind has an attribute, or may have had it.
fn is_managed(kind: &str, rules: &Rules, name: &str) -> bool {
    let program = if rules.is_own() { &PROGRAM[..] } else { &NOT_OF_RULES_GO };
    managed(kind).contains(&name) || (matches!(kind, "go_binary" | "go_test") && program.contains(&name))
}

/// The attributes that a generated rule of a kind has or may have had, besides those of programs.
fn managed(kind: &str) -> &'static [&'static str] {
    match kind {
        "go_library" => {
            &["srcs", "cgo", "constraints", "embed_patterns", "embedsrcs", "importpath", "module", "std_imports", "deps"]
        }
        "go_test" => {
            &["srcs", "constraints", "embed_patterns", "embedsrcs", "external_srcs", "fuzz", "module", "std_imports", "deps"]
        }
        "go_image" => &[
            "binary",
            "certificates",
            "cmd",
            "env",
            "exposed_ports",
            "labels",
            "platforms",
            "program",
            "reference",
            "time_zones",
            "user",
            "workdir",
        ],
        "go_module" => &["path", "go", "version", "replace_path"],
        "alias" => &["actual"],
        "filegroup" => &["srcs"],
        _ => &[],
    }
}

/// The edits that make a call say what its rule should.
fn update(job: &Job, rule: &Rule, call: &Call, gone: &[&Call], warnings: &mut Vec<String>) -> Vec<(Range<usize>, String)> {
    if call.keep {
        return Vec::new();
    }
    if !call.is_plain {
        let name = &rule.name;
        warnings.push(format!(
            "{}: {name} is written in a way that isn't understood, so it is left as it is",
            job.file.place(&call.span)
        ));
        return Vec::new();
    }
    let mut edits = Vec::new();
    let kind = new_kind(job, rule);
    if call.kind == rule.kind && call.kind != kind {
        edits.push((call.kind_span.clone(), kind));
    }
    let slots: Vec<Slot> =
        call.arguments.iter().map(|argument| Slot::new(argument, fate(job, rule, argument, gone, warnings))).collect();
    let new = rule.sorted_attributes().into_iter().filter(|(name, _)| call.argument(name).is_none());
    let new = new.filter(|(name, _)| *name != "visibility" || says_visibility(job, rule));
    let inserts: Vec<(usize, String)> =
        new.map(|(name, value)| (position(call, name), format!("{name} = {}", flat(value)))).collect();
    let text = rewrite(job.file, &call.parentheses, &slots, &inserts);
    if text != job.file.text[call.parentheses.clone()] {
        edits.push((call.parentheses.clone(), text));
    }
    edits
}

/// Before which argument a new one goes.
fn position(call: &Call, name: &str) -> usize {
    let after = |argument: &Element<Argument>| match &argument.node.name {
        Some(other) => attribute_key(other) > attribute_key(name),
        None => matches!(argument.node.value.value, Value::Other | Value::Name(_)),
    };
    call.arguments.iter().position(after).unwrap_or(call.arguments.len())
}

/// What becomes of an argument.
fn fate(job: &Job, rule: &Rule, argument: &Element<Argument>, gone: &[&Call], warnings: &mut Vec<String>) -> Fate {
    let Some(name) = argument.node.name.as_deref().filter(|_| !argument.keep) else { return Fate::Stay };
    let old = &argument.node.value;
    let wanted = rule.attribute(name);
    if name == "name" {
        return renamed(job, rule, argument);
    }
    let embedded = Expr::List(embedded(job, wanted, argument, gone));
    let wanted = match name {
        "embed" => Some(&embedded),
        _ if is_managed(rule.kind, job.rules, name) => wanted,
        // A binary's own sources become those of the library that it embeds.
        "srcs" | "deps" if rule.kind == "go_binary" => wanted,
        "importpath" if wanted.is_some() => wanted,
        "data" | "target_compatible_with" if was_written(name, wanted, argument) => wanted,
        _ => return Fate::Stay,
    };
    let files = matches!(name, "srcs" | "embedsrcs" | "external_srcs");
    let context = Context { file: job.file, directory: job.directory, exact: job.fix, files };
    let with = |value: &str| Fate::Become(format!("{}{value}", &job.file.text[argument.span.start..old.span.start]));
    if name == "data" && wanted.is_none() {
        return Fate::Go;
    }
    match context.merge(old, wanted) {
        Merged::Same => Fate::Stay,
        Merged::Text(text) => with(&text),
        Merged::Nothing if rule.is_explicit(name) => {
            if matches!(&old.value, Value::List(items) if items.is_empty()) {
                Fate::Stay
            } else {
                with("[]")
            }
        }
        Merged::Nothing => Fate::Go,
        Merged::Unknown => {
            let place = job.file.place(&argument.span);
            warnings.push(format!("{place}: {name} isn't a literal, so it is left as it is; `# keep` says that this is meant"));
            Fate::Stay
        }
    }
}

/// The name stays, unless another rule is to have it: the library of a package that has become a command.
fn renamed(job: &Job, rule: &Rule, argument: &Element<Argument>) -> Fate {
    let old = &argument.node.value;
    let taken = |name: &str| name != rule.name && job.wanted.iter().any(|other| other.name == name);
    match &old.value {
        Value::String(name) if taken(name) => {
            let before = &job.file.text[argument.span.start..old.span.start];
            Fate::Become(format!("{before}{}", rule::literal(&rule.name)))
        }
        _ => Fate::Stay,
    }
}

/// What a rule embeds: what it should, and what others wrote that is there.
fn embedded(job: &Job, wanted: Option<&Expr>, argument: &Element<Argument>, gone: &[&Call]) -> Vec<String> {
    let mut labels = match wanted {
        Some(Expr::List(labels)) => labels.clone(),
        _ => Vec::new(),
    };
    let is_gone = |name: &str| gone.iter().any(|call| call.name() == Some(name)) || job.file.rule(name).is_none();
    for label in argument.node.value.strings() {
        let dangling = label.strip_prefix(':').is_some_and(is_gone);
        if !dangling && !labels.iter().any(|known| known == label) {
            labels.push(label.to_owned());
        }
    }
    labels
}

/// Whether a value is one that is generated for an attribute that people set, too.
fn was_written(name: &str, wanted: Option<&Expr>, argument: &Element<Argument>) -> bool {
    let value = &argument.node.value;
    if name == "data" {
        let patterns = match wanted {
            Some(Expr::Files { patterns, .. }) => patterns.as_slice(),
            _ => &[],
        };
        return are_data(value, patterns);
    }
    let labels = value.strings();
    !labels.is_empty() && labels.iter().all(|label| label.ends_with("//go/platform:incompatible"))
}

/// Whether data are nothing but what is generated; what else is there a person has added.
fn are_data(value: &build_file::Expr, wanted: &[String]) -> bool {
    let is_ours = |pattern: &&str| *pattern == "testdata/**" || wanted.iter().any(|wanted| wanted == pattern);
    match &value.value {
        Value::Sum(terms) => terms.iter().all(|term| are_data(term, wanted)),
        Value::List(_) => value.is_literal() && value.strings().iter().all(|label| label.ends_with(&format!(":{TEST_DATA}"))),
        Value::Glob(arguments) => {
            let [patterns] = arguments.as_slice() else { return false };
            let patterns = &patterns.node;
            patterns.name.is_none() && patterns.value.is_literal() && patterns.value.strings().iter().all(is_ours)
        }
        _ => false,
    }
}
