//! Which rules of a file are those that should be in it, and which of the others are stale.

use super::{Job, is_generated};
use crate::emit::bazel::directives::Settings;
use crate::emit::bazel::layout::TEST_DATA;
use crate::emit::bazel::rule::{Expr, Rule};
use crate::source::build_file::{BuildFile, Call, Value};

/// What there is of a rule.
#[derive(Clone, Copy, Debug)]
pub(super) enum Match<'a> {
    /// This call.
    Call(&'a Call),
    /// Nothing yet.
    New,
    /// A rule of another kind with its name.
    Conflict,
}

/// The rule of a file that is the library with an import path, or has the name that it would get.
pub fn library<'a>(file: &'a BuildFile, settings: &Settings, import_path: &str, name: &str) -> Option<&'a Call> {
    let mut libraries = file.calls.iter().filter(|call| settings.meaning(&call.kind) == "go_library" && call.name().is_some());
    let by_name = libraries.clone().find(|call| call.name() == Some(name));
    by_name.or_else(|| libraries.find(|call| call.string("importpath") == Some(import_path)))
}

/// The match of each wanted rule, in order: by kind and name, or else a library by its import path, and others as the only ones of their kind.
pub(super) fn all<'a>(job: &Job<'a>, warnings: &mut Vec<String>) -> Vec<Match<'a>> {
    let file: &'a BuildFile = job.file;
    let mut found: Vec<Match<'a>> = job.wanted.iter().map(|rule| by_name(job, rule, warnings)).collect();
    for (i, rule) in job.wanted.iter().enumerate() {
        if !matches!(found[i], Match::New) {
            continue;
        }
        let taken = |call: &Call| found.iter().any(|other| matches!(other, Match::Call(taken) if taken.span == call.span));
        let free = file.calls.iter().filter(|call| job.settings.meaning(&call.kind) == rule.kind && !taken(call));
        let candidates: Vec<&Call> = match (rule.kind, rule.attribute("importpath")) {
            ("go_library", Some(Expr::String(path))) => free.filter(|call| call.string("importpath") == Some(path)).collect(),
            ("go_binary" | "go_test", _) => free.filter(|call| call.name().is_some()).collect(),
            _ => Vec::new(),
        };
        let open =
            job.wanted.iter().zip(&found).filter(|(other, m)| other.kind == rule.kind && matches!(m, Match::New)).count();
        // An import path tells which library it is, however many there are.
        if let [only] = candidates.as_slice()
            && (open == 1 || rule.kind == "go_library")
        {
            found[i] = Match::Call(only);
        }
    }
    found
}

fn by_name<'a>(job: &Job<'a>, rule: &Rule, warnings: &mut Vec<String>) -> Match<'a> {
    let Some(call) = job.file.rule(&rule.name) else { return Match::New };
    if job.settings.meaning(&call.kind) == rule.kind {
        return Match::Call(call);
    }
    // The library of a package that has become a command makes room.
    let path = call.string("importpath");
    let is_library = |other: &Rule| matches!(other.attribute("importpath"), Some(Expr::String(p)) if Some(p.as_str()) == path);
    let makes_room = rule.kind == "go_binary" && job.settings.meaning(&call.kind) == "go_library";
    if makes_room && path.is_some() && job.wanted.iter().any(|other| other.name != rule.name && is_library(other)) {
        return Match::New;
    }
    let (place, kind, name) = (job.file.place(&call.span), &call.kind, &rule.name);
    if !call.keep {
        warnings.push(format!(
            "{place}: {name} is a {kind}, so that there is no {} of this name; `# gazelle:alias_kind {kind} {}` says that it is one",
            rule.kind, rule.kind
        ));
    }
    Match::Conflict
}

/// Rules that could have been generated for what is no longer there.
pub(super) fn stale<'a>(job: &Job<'a>, matches: &[Match]) -> Vec<&'a Call> {
    let file: &'a BuildFile = job.file;
    let taken = |call: &Call| matches.iter().any(|m| matches!(m, Match::Call(taken) if taken.span == call.span));
    let mut gone: Vec<&Call> = Vec::new();
    loop {
        let is_next = |call: &&Call| !taken(call) && !gone.iter().any(|g| g.span == call.span) && is_stale(job, call, &gone);
        let next: Vec<&Call> = file.calls.iter().filter(is_next).collect();
        if next.is_empty() {
            return gone;
        }
        gone.extend(next);
    }
}

fn is_stale(job: &Job, call: &Call, gone: &[&Call]) -> bool {
    let kind = job.settings.meaning(&call.kind);
    let is_data = kind == "filegroup" && call.name() == Some(TEST_DATA);
    let ours = is_data || matches!(kind, "go_library" | "go_binary" | "go_test" | "go_module");
    if !ours || call.name().is_none() || is_kept(call) {
        return false;
    }
    if kind == "go_module" || is_data || is_generated(job.file) {
        return true;
    }
    // Without its module, a rule can't be built: it was generated for one that is gone.
    if call.string("module").is_some_and(|label| label.ends_with(":go_module") && !job.modules.contains(label)) {
        return true;
    }
    if !["srcs", "embed"].iter().filter_map(|name| call.argument(name)).all(|argument| argument.node.value.is_literal()) {
        return false;
    }
    let (sources, embedded) = (call.strings("srcs"), call.strings("embed"));
    let makes = |name: &str| job.file.calls.iter().any(|c| ["out", "outs"].iter().any(|a| c.strings(a).contains(&name)));
    let is_label = |name: &str| name.starts_with([':', '@']) || name.starts_with("//");
    let has_source = |name: &&str| is_label(name) || job.existing.entries.contains(*name) || name.contains('/') || makes(name);
    let is_there = |label: &&str| match label.strip_prefix(':') {
        Some(name) => job.file.rule(name).is_some() && !gone.iter().any(|call| call.name() == Some(name)),
        None => true,
    };
    if kind == "go_test" && !sources.is_empty() {
        let lost = |label: &&str| label.starts_with(':') && !is_there(label);
        return !sources.iter().any(has_source) || !embedded.is_empty() && embedded.iter().all(lost);
    }
    let says_something = !sources.is_empty() || !embedded.is_empty();
    says_something && !sources.iter().any(has_source) && !embedded.iter().any(is_there)
}

/// Whether a comment keeps the rule or something in it.
fn is_kept(call: &Call) -> bool {
    fn value(expr: &crate::source::build_file::Expr) -> bool {
        match &expr.value {
            Value::List(items) => items.iter().any(|item| item.keep || value(&item.node)),
            Value::Dict(entries) | Value::Select(entries, _) => entries.iter().any(|e| e.keep || value(&e.node.1)),
            Value::Sum(terms) => terms.iter().any(value),
            _ => false,
        }
    }
    call.keep || call.arguments.iter().any(|argument| argument.keep || value(&argument.node.value))
}
