//! Two states of a repository, compared.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::state::{File, Kind, Node, State, Target, View};
use crate::digest::Sha256;

/// Who is asked whether what is different makes a difference.
#[derive(Clone, Copy)]
pub struct Sameness<'c> {
    /// Says whether a file that is only compiled, and has another content in the head than in the base, compiles to the same.
    pub content: &'c (dyn Fn(&str) -> bool + Sync),
    /// Says whether a Go file of the head means the same in two versions of the language.
    pub language: &'c (dyn Fn(&str, &str, &str) -> bool + Sync),
    /// Says whether a Go file that a step has in only one of the trees is without code.
    pub no_code: &'c (dyn Fn(&str) -> bool + Sync),
}

/// Whatever is different makes a difference.
pub const STRICTLY: Sameness = Sameness { content: &|_| false, language: &|_, _, _| false, no_code: &|_| false };

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// The affected targets, in their order.
    pub impacts: Vec<Impact>,
    /// How many targets the states have.
    pub targets: usize,
    /// How many steps the head has in all views.
    pub steps: usize,
    /// How many of these no change reaches.
    pub reused: usize,
    /// The platforms of all views.
    pub platforms: BTreeMap<String, String>,
}

/// An affected target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Impact {
    /// What it is.
    pub kind: Kind,
    /// The import path of a package or of what is tested, the name of a binary or an image, or the label of what isn't Go.
    pub name: String,
    /// What it is called in Bazel; all targets of the package, where it isn't known what a macro makes.
    pub label: String,
    /// The directory of its package, relative to the spec.
    pub directory: String,
    /// How it is affected.
    pub status: Status,
    /// The platforms and profiles where it is.
    pub views: BTreeSet<String>,
    /// Its fingerprints in the head, by view, if somebody needs them ([`add_fingerprints`]).
    pub fingerprints: BTreeMap<String, Sha256>,
    /// How many steps lie between what changed and the target; 0 where the change is in its own.
    pub distance: usize,
    /// The steps from the target's own down to the one that changed, in the first of the views.
    pub chain: Vec<String>,
    /// What changed in the last one of these.
    pub causes: Vec<Cause>,
    /// What it is tagged with.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    /// The kind of Bazel rule that it is; empty for Go.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rule: String,
}

/// How a target is affected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Only the head has it.
    Added,
    /// What it is made of is different.
    Changed,
    /// Only the base has it.
    Removed,
    /// No change reaches it, and a tag says that it always counts.
    Always,
}

/// Something that is different.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cause {
    /// A file's path, or what of a recipe it is: `SDK`, `arguments` …
    pub what: String,
    /// How it is different.
    pub change: Change,
    /// Whether it is a file of the repository.
    pub is_file: bool,
}

/// How something is different.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// Only the head has it.
    Added,
    /// It has changed.
    Modified,
    /// Only the base has it.
    Removed,
}

/// Compares the states of two trees. `same` is asked about files that are only compiled, and about versions of the language; what has one of the tags `always` is in the answer in any case.
pub fn compare(base: &State, head: &State, same: Sameness, always: &BTreeSet<String>) -> Compared {
    let mut found: BTreeMap<(Target, Status), Impact> = BTreeMap::new();
    let mut targets = BTreeSet::new();
    let names: BTreeSet<&String> = base.views.keys().chain(head.views.keys()).collect();
    let empty = View::default();
    let (mut steps, mut reused) = (0, 0);
    for name in names {
        let (before, after) = (base.views.get(name).unwrap_or(&empty), head.views.get(name).unwrap_or(&empty));
        let reached = reached(before, after, same);
        // Files alone are no step.
        let is_step = |name: &&String| after.nodes.get(*name).is_some_and(|node| !node.recipe.is_empty());
        let all = after.nodes.keys().filter(is_step).count();
        steps += all;
        reused += all - after.nodes.keys().filter(is_step).filter(|name| reached.contains_key(name.as_str())).count();
        let all: BTreeSet<&Target> = before.targets.keys().chain(after.targets.keys()).collect();
        targets.extend(all.iter().copied());
        for target in all {
            let (status, made) = match (before.targets.get(target), after.targets.get(target)) {
                (None, Some(made)) => (Status::Added, made),
                (Some(made), None) => (Status::Removed, made),
                (Some(_), Some(made)) if reached.contains_key(made.node.as_str()) => (Status::Changed, made),
                (Some(_), Some(made)) if !made.tags.is_disjoint(always) => (Status::Always, made),
                _ => continue,
            };
            let impact = found.entry((target.clone(), status)).or_insert_with(|| {
                let chain = if status == Status::Changed { chain(&reached, &made.node) } else { vec![made.node.clone()] };
                let causes = chain.last().filter(|_| status == Status::Changed).and_then(|last| reached.get(last.as_str()));
                Impact {
                    kind: target.kind,
                    name: target.name.clone(),
                    label: made.label.clone(),
                    directory: made.directory.clone(),
                    status,
                    views: BTreeSet::new(),
                    fingerprints: BTreeMap::new(),
                    distance: chain.len() - 1,
                    causes: causes.map(|reached| reached.causes.clone()).unwrap_or_default(),
                    chain,
                    tags: made.tags.clone(),
                    rule: made.rule.clone(),
                }
            });
            impact.views.insert(name.clone());
        }
    }
    let impacts = found.into_values().collect();
    let platform = |(name, view): (&String, &View)| (name.clone(), view.platform.clone());
    let platforms = base.views.iter().chain(&head.views).map(platform).collect();
    Compared { impacts, targets: targets.len(), steps, reused, platforms }
}

/// Adds the fingerprints that impacts have in the head. That takes as long as comparing, or longer.
pub fn add_fingerprints(impacts: &mut [Impact], head: &State) {
    let is_affected = |view: &String| impacts.iter().any(|impact| impact.views.contains(view));
    let views: Vec<_> = head.views.iter().filter(|(name, _)| is_affected(name)).collect();
    let of_views: Vec<_> = views.par_iter().map(|(name, view)| (*name, view.fingerprints())).collect();
    for (name, fingerprints) in of_views {
        for impact in impacts.iter_mut().filter(|impact| impact.views.contains(name)) {
            let target = Target { kind: impact.kind, name: impact.name.clone() };
            if let Some(sha256) = fingerprints.get(&target) {
                impact.fingerprints.insert(name.clone(), *sha256);
            }
        }
    }
}

/// A node that a change reaches.
struct Reached<'v> {
    /// The changes in the node itself; none where it is only its dependency that changed.
    causes: Vec<Cause>,
    /// The dependency through which the nearest change reaches it.
    through: Option<&'v str>,
}

/// The nodes of the head that changed, or that depend on one that did.
fn reached<'v>(base: &'v View, head: &'v View, same: Sameness) -> BTreeMap<&'v str, Reached<'v>> {
    let mut found = BTreeMap::new();
    let mut dependents: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut open = VecDeque::new();
    let causes_of = |(name, node): (&'v String, &Node)| match base.nodes.get(name) {
        Some(before) => (name, causes(before, node, same)),
        None => (name, vec![Cause { what: "step".to_owned(), change: Change::Added, is_file: false }]),
    };
    // Another version of the language has all files looked at.
    let causes: Vec<_> = head.nodes.par_iter().map(causes_of).collect();
    for (name, causes) in causes {
        for dep in &head.nodes[name].deps {
            dependents.entry(dep).or_default().push(name);
        }
        if !causes.is_empty() {
            found.insert(name.as_str(), Reached { causes, through: None });
            open.push_back(name.as_str());
        }
    }
    // Breadth first, so that each node is reached from the nearest change.
    while let Some(name) = open.pop_front() {
        for dependent in dependents.get(name).into_iter().flatten() {
            if !found.contains_key(dependent) {
                found.insert(dependent, Reached { causes: Vec::new(), through: Some(name) });
                open.push_back(dependent);
            }
        }
    }
    found
}

fn chain(reached: &BTreeMap<&str, Reached>, node: &str) -> Vec<String> {
    let next = |name: &&str| reached.get(name).and_then(|reached| reached.through);
    std::iter::successors(Some(node), next).map(str::to_owned).collect()
}

/// What is different in a node itself.
fn causes(base: &Node, head: &Node, same: Sameness) -> Vec<Cause> {
    let mut causes = Vec::new();
    let mut note = |what: &str, change, is_file| causes.push(Cause { what: what.to_owned(), change, is_file });
    for (path, change) in differences(&base.files, &head.files, |path, before: &File, after: &File| {
        let compiled = before.compiled && after.compiled && !before.id.is_empty() && !after.id.is_empty();
        before.compiled == after.compiled && (before.id == after.id || compiled && (same.content)(path))
    }) {
        if is_nothing(path, base, head, same) {
            continue;
        }
        // A file that is looked for in vain is one that isn't there.
        let is_there = |files: &BTreeMap<String, File>| files.get(path).is_some_and(|file| !file.id.is_empty());
        let change = match (is_there(&base.files), is_there(&head.files)) {
            (true, true) => Change::Modified,
            (false, true) => Change::Added,
            (true, false) => Change::Removed,
            (false, false) => change,
        };
        note(path, change, true);
    }
    let means_the_same = |path: &String| (same.language)(path, &base.language, &head.language);
    let mut code = head.files.keys().filter(|path| path.ends_with(".go")).peekable();
    // Where no file is known, nothing says that it means the same.
    if base.language != head.language && (code.peek().is_none() || !code.all(means_the_same)) {
        note("language version", Change::Modified, false);
    }
    for (what, change) in differences(&base.recipe, &head.recipe, |_, before, after| before == after) {
        note(what, change, false);
    }
    let added = head.deps.difference(&base.deps).map(|dep| (dep, Change::Added));
    for (dep, change) in added.chain(base.deps.difference(&head.deps).map(|dep| (dep, Change::Removed))) {
        note(&format!("dependency {dep}"), change, false);
    }
    causes
}

/// Whether a file is nothing to the compiler, by its name or by being there: one without code beside another that names the package.
fn is_nothing(path: &str, base: &Node, head: &Node, same: Sameness) -> bool {
    let is_of_package =
        |path: &str, file: &File| file.compiled && !file.id.is_empty() && path.ends_with(".go") && !path.ends_with("_test.go");
    let in_both = |(path, file): (&String, &File)| {
        is_of_package(path, file) && head.files.get(path).is_some_and(|file| is_of_package(path, file))
    };
    let only = match (base.files.get(path), head.files.get(path)) {
        (Some(file), None) | (None, Some(file)) => file,
        _ => return false,
    };
    is_of_package(path, only) && base.files.iter().any(in_both) && (same.no_code)(path)
}

/// The keys of what only one of two maps has, or what is different in them.
fn differences<'m, V>(
    base: &'m BTreeMap<String, V>,
    head: &'m BTreeMap<String, V>,
    is_same: impl Fn(&str, &V, &V) -> bool,
) -> Vec<(&'m str, Change)> {
    let removed = base.keys().filter(|key| !head.contains_key(*key)).map(|key| (key.as_str(), Change::Removed));
    let changed = head.iter().filter_map(|(key, after)| match base.get(key) {
        None => Some((key.as_str(), Change::Added)),
        Some(before) if !is_same(key, before, after) => Some((key.as_str(), Change::Modified)),
        Some(_) => None,
    });
    changed.chain(removed).collect()
}

#[cfg(test)]
mod tests;
