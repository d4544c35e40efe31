//! The rules of a package: a library, and a binary for each profile.

use std::collections::{BTreeMap, BTreeSet};

use super::rule::{Expr, Rule, sort_labels};
use super::{Input, RULESET, View};
use crate::error::{Error, Result};
use crate::graph::{MainModule, Origin, Package};
use crate::name::ImportPath;
use crate::source::tree::join;

/// The name of the target that tells the rules about a module.
const MODULE_TARGET: &str = "go_module";

pub(super) fn module_rule(main: &MainModule) -> Rule {
    Rule::new("go_module", MODULE_TARGET)
        .with("path", Expr::String(main.path.to_string()))
        .with("go", Expr::String(main.go.as_ref().map(ToString::to_string).unwrap_or_default()))
        .with("visibility", Expr::List(vec!["//visibility:public".to_owned()]))
}

/// The rules of the repository's packages by directory.
pub(super) fn package_rules(input: &Input) -> Result<BTreeMap<String, Vec<Rule>>> {
    let mut local: BTreeMap<&str, Vec<(&View, &Package)>> = BTreeMap::new();
    for view in input.views {
        for package in view.graph.packages().iter().filter(|p| matches!(p.origin, Origin::Main { .. })) {
            local.entry(package.import_path.as_str()).or_default().push((view, package));
        }
    }
    let mut rules: BTreeMap<String, Vec<Rule>> = BTreeMap::new();
    for seen in local.values() {
        let Some((_, package)) = seen.first() else { continue };
        let Origin::Main { index, directory } = &package.origin else { continue };
        let main = &input.mains[*index];
        let dir = join(&main.directory, directory);
        let rules = rules.entry(dir.clone()).or_default();
        rules.push(library(input, seen, &dir, &main.directory)?);
        for binary in input.binaries.iter().filter(|b| b.main == package.import_path) {
            rules.push(binary_rule(binary, package));
        }
    }
    Ok(rules)
}

fn library(input: &Input, seen: &[(&View, &Package)], dir: &str, module_dir: &str) -> Result<Rule> {
    let (_, package) = seen[0];
    check_profiles_agree(seen)?;
    let vary = |items: &dyn Fn(&Package) -> Vec<String>| vary(input, seen, items);
    let sources = |p: &Package| p.selection.files.sources().map(str::to_owned).collect::<Vec<_>>();
    let embedded = |p: &Package| p.selection.files.embed.values().flatten().cloned().collect::<Vec<_>>();
    let embed: BTreeMap<String, Vec<String>> = seen.iter().flat_map(|(_, p)| p.selection.files.embed.clone()).collect();
    let std = |p: &Package| dependencies(input, p, true);
    let deps = |p: &Package| dependencies(input, p, false);
    let visibility = if package.is_main() { "//visibility:private".to_owned() } else { visibility(package, dir) };
    Ok(Rule::new("go_library", library_name(package))
        .with("srcs", vary(&sources))
        .with("embed_patterns", Expr::Dict(embed.into_iter().collect()))
        .with("embedsrcs", vary(&embedded))
        .with("importpath", Expr::String(package.import_path.to_string()))
        .with("module", Expr::String(format!("//{module_dir}:{MODULE_TARGET}")))
        .with("std_imports", vary(&std))
        .with("visibility", Expr::List(vec![visibility]))
        .with("deps", vary(&deps)))
}

fn binary_rule(binary: &super::Binary, package: &Package) -> Rule {
    Rule::new("go_binary", &binary.name)
        .with("default_godebug", Expr::String(binary.default_godebug.clone()))
        .with("embed", Expr::List(vec![format!(":{}", library_name(package))]))
        .with("gc_goopts", Expr::List(binary.profile.gcflags.clone()))
        .with("gc_linkopts", Expr::List(binary.profile.ldflags.clone()))
        .with("gotags", Expr::List(binary.profile.tags.iter().cloned().collect()))
        .with("pure", Expr::String(if binary.profile.cgo { "off" } else { "on" }.to_owned()))
        .with("visibility", Expr::List(vec!["//visibility:public".to_owned()]))
}

/// What all platforms have, plus a `select` for what only some have.
fn vary(input: &Input, seen: &[(&View, &Package)], items: &dyn Fn(&Package) -> Vec<String>) -> Expr {
    let mut by_target: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (view, package) in seen {
        by_target.entry(&view.target.name).or_default().extend(items(package));
    }
    let targets: BTreeMap<&str, String> = input.views.iter().map(|v| (v.target.name.as_str(), condition(v))).collect();
    let everywhere: BTreeSet<String> = by_target.values().flatten().cloned().collect();
    let common = |item: &String| targets.keys().all(|t| by_target.get(t).is_some_and(|items| items.contains(item)));
    let (common, rest): (Vec<String>, Vec<String>) = everywhere.into_iter().partition(common);
    let sorted = |mut labels: Vec<String>| {
        sort_labels(&mut labels);
        labels
    };
    if rest.is_empty() {
        return Expr::List(sorted(common));
    }
    let mut cases: Vec<(String, Vec<String>)> = by_target
        .iter()
        .map(|(target, items)| (targets[target].clone(), sorted(rest.iter().filter(|i| items.contains(*i)).cloned().collect())))
        .filter(|(_, items)| !items.is_empty())
        .collect();
    cases.sort();
    Expr::Select { common: sorted(common), cases }
}

/// The condition that holds on a target platform.
fn condition(view: &View) -> String {
    format!("@{RULESET}//go/platform:{}", view.target.platform.name())
}

/// Build files have one list of sources for all profiles, so tags may not change it.
fn check_profiles_agree(seen: &[(&View, &Package)]) -> Result<()> {
    for (view, package) in seen {
        let other = seen.iter().find(|(v, p)| v.target.name == view.target.name && p != package);
        if let Some((other, _)) = other {
            let (a, b) = (view.profile, other.profile);
            let error = format!("package {} has other files or imports in profile {a} than in {b}", package.import_path);
            return Err(Error::input(error)
                .help("Bazel's BUILD files can't express that yet: use one set of tags, or leave out bazel()"));
        }
    }
    Ok(())
}

/// Import paths of std packages, or labels of all others.
fn dependencies(input: &Input, package: &Package, std: bool) -> Vec<String> {
    let mut found = Vec::new();
    for path in package.imports.values() {
        let Some(dep) = input.views.iter().find_map(|v| v.graph.get(path)) else { continue };
        match &dep.origin {
            Origin::Std if std => found.push(path.to_string()),
            Origin::Main { index, directory } if !std => {
                found.push(label(&join(&input.mains[*index].directory, directory), &library_name(dep)));
            }
            Origin::Module { .. } if !std => found.push(module_label(path)),
            _ => {}
        }
    }
    found
}

/// A third-party package in the hub repository.
fn module_label(path: &ImportPath) -> String {
    format!("@go_modules//{path}")
}

/// `//dir:name`, or `//dir` where that means the same.
pub fn label(dir: &str, name: &str) -> String {
    let last = dir.rsplit('/').next().unwrap_or_default();
    if last == name { format!("//{dir}") } else { format!("//{dir}:{name}") }
}

/// Gazelle's naming convention `import`: the last element of the import path that isn't a major version; with `_lib` beside a binary.
fn library_name(package: &Package) -> String {
    let base = base_name(package.import_path.as_str());
    if package.is_main() { format!("{base}_lib") } else { base.to_owned() }
}

/// The last element of an import path, but for a major version (`/v2`).
pub fn base_name(import_path: &str) -> &str {
    let is_major = |e: &str| e.len() > 1 && e.starts_with('v') && e[1..].bytes().all(|b| b.is_ascii_digit());
    let mut elements = import_path.rsplit('/');
    let last = elements.next().unwrap_or_default();
    match elements.next() {
        Some(before) if is_major(last) => before,
        _ => last,
    }
}

/// Everyone, or what Go allows for a directory below `internal`.
fn visibility(package: &Package, dir: &str) -> String {
    let elements: Vec<&str> = dir.split('/').collect();
    match elements.iter().rposition(|e| *e == "internal") {
        Some(at) if package.import_path.as_str().split('/').any(|e| e == "internal") => {
            format!("//{}:__subpackages__", elements[..at].join("/"))
        }
        _ => "//visibility:public".to_owned(),
    }
}
