//! Why an action had to run: what its key was made of the last time, and what it is made of now.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::action::parse;
use super::cache::Cache;
use crate::digest::Sha256;

/// More changes of one kind are counted instead of named.
const NAMED: usize = 5;

/// Everything that can influence an action's result. Its key is the digest of this as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fields<Steps> {
    /// What the other fields mean.
    pub version: String,
    /// What identifies the SDK.
    pub sdk: String,
    /// The environment of the tools.
    pub env: BTreeMap<String, String>,
    /// What is done.
    pub steps: Steps,
    /// The source files with their digests, or the directory of a module with what pins it.
    pub sources: BTreeMap<String, String>,
    /// What is read of other actions, by token.
    pub inputs: BTreeMap<String, Sha256>,
}

/// Why there was no result for `key`, which is made of `now`, when the action had the key `last` before.
pub(super) fn reasons(last: Option<&Sha256>, key: &Sha256, cache: &Cache, now: &str) -> Vec<String> {
    let Some(last) = last else { return vec!["it was not built in this directory before".to_owned()] };
    if last == key {
        return vec!["its result is no longer in the cache".to_owned()];
    }
    let before = cache.why(last).and_then(|text| parse::<Fields<Value>>(&text));
    match (before, parse::<Fields<Value>>(now)) {
        (Some(before), Some(now)) => differences(&before, &now),
        _ => vec!["something changed, but what there was before is no longer in the cache".to_owned()],
    }
}

fn differences(before: &Fields<Value>, now: &Fields<Value>) -> Vec<String> {
    let mut reasons = Vec::new();
    if before.version != now.version {
        reasons.push("another version of godirect".to_owned());
    }
    if before.sdk != now.sdk {
        reasons.push("another SDK".to_owned());
    }
    for (name, change) in compare(&before.env, &now.env) {
        let [old, new] = [&before.env, &now.env].map(|env| env.get(name).cloned().unwrap_or_default());
        match change {
            Change::Gone => reasons.push(format!("{name} isn't set any more")),
            Change::New | Change::Other => reasons.push(format!("{name} is `{new}`, it was `{old}`")),
        }
    }
    reasons.extend(named(compare(&before.sources, &now.sources), |file| match file {
        "" => "the module".to_owned(),
        file => file.to_owned(),
    }));
    reasons.extend(named(compare(&before.inputs, &now.inputs), |token| match token.split_once(':') {
        Some(("x", dep)) => format!("the export data of {dep}"),
        Some(("o", dep)) => format!("the object code of {dep}"),
        _ => token.to_owned(),
    }));
    reasons.extend(arguments(before, now));
    if reasons.is_empty() {
        reasons.extend(written(before, now));
    }
    if reasons.is_empty() {
        reasons.push("the recipe changed".to_owned());
    }
    reasons
}

/// The files that the action writes for its tools, if they have another text.
fn written(before: &Fields<Value>, now: &Fields<Value>) -> Vec<String> {
    let texts = |fields: &Fields<Value>| -> BTreeMap<String, String> {
        let text = |step: &Value| Some((step["write"].as_str()?.to_owned(), step["text"].as_str()?.to_owned()));
        fields.steps.as_array().into_iter().flatten().filter_map(text).collect()
    };
    let (before, now) = (texts(before), texts(now));
    named(compare(&before, &now), |file| match file.rsplit('/').next() {
        // Besides what is linked, which is among the inputs.
        Some("importcfg.link") => "the build information".to_owned(),
        name => name.unwrap_or(file).to_owned(),
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    Other,
    New,
    Gone,
}

fn compare<'m, V: PartialEq>(before: &'m BTreeMap<String, V>, now: &'m BTreeMap<String, V>) -> Vec<(&'m str, Change)> {
    let names: BTreeSet<&str> = before.keys().chain(now.keys()).map(String::as_str).collect();
    let change = |name: &str| match (before.get(name), now.get(name)) {
        (Some(before), Some(now)) => (before != now).then_some(Change::Other),
        (Some(_), None) => Some(Change::Gone),
        (None, _) => Some(Change::New),
    };
    names.into_iter().filter_map(|name| Some((name, change(name)?))).collect()
}

/// A sentence for each change, until there are too many of a kind.
fn named(changes: Vec<(&str, Change)>, subject: impl Fn(&str) -> String) -> Vec<String> {
    let mut by_kind: BTreeMap<Change, Vec<&str>> = BTreeMap::new();
    for (name, change) in changes {
        by_kind.entry(change).or_default().push(name);
    }
    let mut sentences = Vec::new();
    for (change, names) in by_kind {
        let verb = match change {
            Change::Other => "changed",
            Change::New => "is new",
            Change::Gone => "is gone",
        };
        sentences.extend(names.iter().take(NAMED).map(|name| format!("{} {verb}", subject(name))));
        let more = names.len().saturating_sub(NAMED);
        if more > 0 {
            let others = if more == 1 { "1 other".to_owned() } else { format!("{more} others") };
            sentences.push(format!("{others} {}", verb.replace("is ", if more == 1 { "is " } else { "are " })));
        }
    }
    sentences
}

/// The arguments of programs that are new or gone, besides files and what follows from them.
fn arguments(before: &Fields<Value>, now: &Fields<Value>) -> Option<String> {
    let flags = |fields: &Fields<Value>| -> Vec<String> {
        let runs = fields.steps.as_array().into_iter().flatten().filter_map(|step| step["run"].as_array());
        let is_file = |argument: &str| fields.sources.keys().any(|file| !file.is_empty() && argument.ends_with(file.as_str()));
        runs.flatten().filter_map(Value::as_str).filter(|argument| !is_file(argument)).map(str::to_owned).collect()
    };
    let (before, now) = (flags(before), flags(now));
    let only = |these: &[String], those: &[String]| -> Vec<String> {
        let mut rest = those.to_vec();
        let is_new = |argument: &&String| match rest.iter().position(|other| other == *argument) {
            Some(at) => {
                rest.swap_remove(at);
                false
            }
            None => true,
        };
        these.iter().filter(is_new).cloned().collect()
    };
    let (gone, new) = (only(&before, &now), only(&now, &before));
    match (gone.is_empty(), new.is_empty()) {
        (true, true) => None,
        (true, false) => Some(format!("new arguments: {}", new.join(" "))),
        (false, true) => Some(format!("arguments are gone: {}", gone.join(" "))),
        (false, false) => Some(format!("the arguments {} became {}", gone.join(" "), new.join(" "))),
    }
}
