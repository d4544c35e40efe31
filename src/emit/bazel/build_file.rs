//! The rules of a package: a library, and a binary for each profile.

use std::collections::{BTreeMap, BTreeSet};

use super::directives::Naming;
use super::layout::Layout;
use super::rule::{Expr, Rule, sorted};
use super::{Input, PackageFiles, View, test_rule};
use crate::error::{Error, Result};
use crate::graph::{MainModule, Origin, Package};
use crate::name::ImportPath;
use crate::platform::Platform;
use crate::source::tree::join;
use crate::spec::DEFAULT_SDK;
use crate::spec::Profile;
use crate::spec::profile::{BuildId, Buildmode, Linkmode, PackageFlags, Sanitizer};

/// The name of the target that tells the rules about a module.
const MODULE_TARGET: &str = "go_module";

pub(super) fn module_rule(main: &MainModule) -> Rule {
    let (version, replacement) = match &main.stands_for {
        Some(required) => (required.version.to_string(), required.shown.clone()),
        None => (String::new(), String::new()),
    };
    Rule::new("go_module", MODULE_TARGET)
        .with("version", Expr::String(version))
        .with("replace_path", Expr::String(replacement))
        .with("path", Expr::String(main.path.to_string()))
        .with("go", Expr::String(main.go.as_ref().map(ToString::to_string).unwrap_or_default()))
        .with("visibility", Expr::List(vec!["//visibility:public".to_owned()]))
}

/// The rules of the repository's packages by directory.
pub(super) fn package_rules(input: &Input, layout: &Layout) -> Result<BTreeMap<String, Vec<Rule>>> {
    let mut local: BTreeMap<&str, Vec<(&View, &Package)>> = BTreeMap::new();
    for view in input.views {
        for package in view.packages().filter(|p| matches!(p.origin, Origin::Main { .. })) {
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
        if !layout.is_only_generated(package.import_path.as_str()) {
            rules.push(library(input, layout, seen, &dir, &main.directory)?);
        }
        for binary in input.binaries.iter().filter(|b| b.main == package.import_path) {
            rules.push(binary_rule(input, layout, binary, seen, &dir)?);
        }
        if layout.settings(&dir).naming == Naming::ImportAlias && !package.is_main() {
            rules.push(alias(layout, package, &dir));
        }
    }
    for test in input.tests {
        let dir = join(&input.mains[test.module].directory, &test.directory);
        let has_library = local.contains_key(test.program.main.as_str());
        let library = has_library.then(|| layout.library(test.program.main.as_str()));
        rules.entry(dir.clone()).or_default().extend(test_rule::rules(input, layout, test, &dir, library.as_deref())?);
    }
    for (dir, rule) in layout.data_rules() {
        rules.entry(dir).or_default().push(rule);
    }
    if !input.rules.is_own() {
        for rules in rules.values_mut() {
            *rules = std::mem::take(rules).into_iter().map(|rule| rule.without(&ONLY_OWN)).collect();
        }
    }
    Ok(rules)
}

/// Attributes that rules_go doesn't have, or that there are a person's to set.
const ONLY_OWN: [&str; 22] = [
    "asan",
    "constraints",
    "default_godebug",
    "embed_patterns",
    "external_srcs",
    "fuzz",
    "gc_goopts",
    "gc_linkopts",
    "goexperiment",
    "gofips140",
    "gotags",
    "linkmode",
    "module",
    "msan",
    "pgoprofile",
    "pure",
    "race",
    "sdk_name",
    "static",
    "std_imports",
    "target_compatible_with",
    "version",
];

/// The library under the name that libraries had in Gazelle's first years.
fn alias(layout: &Layout, package: &Package, dir: &str) -> Rule {
    Rule::new("alias", "go_default_library")
        .with("actual", Expr::String(format!(":{}", layout.library(package.import_path.as_str()))))
        .with("visibility", Expr::List(visibility(package, dir, layout)))
}

fn library(input: &Input, layout: &Layout, seen: &[(&View, &Package)], dir: &str, module_dir: &str) -> Result<Rule> {
    let (_, package) = seen[0];
    check_profiles_agree(seen)?;
    let path = package.import_path.as_str();
    let mut files = input.files.get(&package.import_path).cloned().unwrap_or_default();
    leave_out(&mut files, layout, dir);
    let generated = layout.generated(path);
    if generated.is_some() {
        files.sources.retain(|name| !name.ends_with(".pb.go"));
    }
    let embed: Vec<String> = generated.map(|rule| format!(":{rule}")).into_iter().collect();
    let vary = |items: &dyn Fn(&Package) -> Vec<String>| {
        let all = seen.iter().flat_map(|(view, package)| items(package).into_iter().map(|item| (&view.target.platform, item)));
        vary(input, all)
    };
    let std = |p: &Package| dependencies(input, layout, p.imports.values(), dir, true);
    let deps = |p: &Package| dependencies(input, layout, p.imports.values(), dir, false);
    let visibility = if package.is_main() { vec!["//visibility:private".to_owned()] } else { visibility(package, dir, layout) };
    let uses_cgo = seen.iter().any(|(_, package)| !package.selection.files.cgo.is_empty());
    Ok(Rule::new("go_library", layout.library(path))
        .with("srcs", Expr::List(sorted(files.sources)))
        .with("cgo", Expr::Bool(uses_cgo))
        .with("constraints", Expr::StringDict(files.constraints))
        .with("embed", Expr::List(embed))
        .with("embedsrcs", Expr::List(sorted(files.embed.values().flatten().cloned().collect())))
        .with("embed_patterns", Expr::Dict(files.embed.into_iter().collect()))
        .with("importpath", Expr::String(package.import_path.to_string()))
        .with("module", Expr::String(module_target(module_dir)))
        // Its default is all of std.
        .with_explicit("std_imports", vary(&std))
        .with("visibility", Expr::List(visibility))
        .with("deps", vary(&deps)))
}

/// Leaves out files that a directive excludes.
pub(super) fn leave_out(files: &mut PackageFiles, layout: &Layout, dir: &str) {
    let settings = layout.settings(dir);
    files.sources.retain(|name| !settings.excludes(&join(dir, name)));
    files.constraints.retain(|name, _| files.sources.contains(name));
}

/// The label of the target that tells the rules about a module.
pub(super) fn module_target(module_dir: &str) -> String {
    format!("//{module_dir}:{MODULE_TARGET}")
}

/// Refuses settings that the rules don't have, rather than build something else.
fn refuse(binary: &super::Binary) -> Result<()> {
    let Profile { gcflags, asmflags, ldflags, debug, cover, buildmode, .. } = &binary.profile;
    let Profile { buildid, cc, cxx, .. } = &binary.profile;
    let by_pattern = |flags: &[PackageFlags]| flags.iter().any(|flags| flags.pattern.is_some());
    let what = [
        ("gcflags for a pattern", by_pattern(gcflags)),
        ("gcflags with spaces or quotes", gcflags.iter().flat_map(|f| &f.flags).any(|flag| flag.contains([' ', '\'', '"']))),
        ("ldflags for a pattern", by_pattern(ldflags)),
        ("asmflags", !asmflags.is_empty()),
        ("debug", *debug),
        ("cover", *cover),
        ("buildmode", *buildmode == Buildmode::Exe),
        ("buildid", *buildid != BuildId::None),
        ("cc or cxx", cc.is_some() || cxx.is_some()),
    ];
    match what.iter().find(|(_, has)| *has) {
        Some((what, _)) => {
            let error =
                Error::input(format!("the Bazel files can't have {what} yet, which {} is to be built with", binary.name));
            Err(error.help("give the binary another profile, or leave out bazel()"))
        }
        None => Ok(()),
    }
}

/// The linker's arguments, in the order of the recipe (`plan::flags`).
fn linkopts(binary: &super::Binary) -> Vec<String> {
    let strip = if binary.profile.strip { &["-s", "-w"][..] } else { &[] };
    let mut options: Vec<String> = strip.iter().map(|flag| (*flag).to_owned()).collect();
    match binary.profile.linkmode {
        // What is static has a mode of its own.
        _ if is_static(&binary.profile) => {}
        Linkmode::Auto => {}
        Linkmode::Internal => options.push("-linkmode=internal".to_owned()),
        Linkmode::External => options.push("-linkmode=external".to_owned()),
    }
    for (variable, value) in &binary.stamps {
        options.extend(["-X".to_owned(), format!("{variable}={value}")]);
    }
    options.extend(of_main(&binary.profile.ldflags));
    options
}

/// What the rules call a build mode; nothing for the default one, and for those that are refused.
fn linkmode(mode: Buildmode) -> &'static str {
    match mode {
        Buildmode::Pie | Buildmode::CArchive | Buildmode::CShared | Buildmode::Plugin => mode.name(),
        Buildmode::Default | Buildmode::Exe => "",
    }
}

/// Whether C libraries are linked into the program: without cgo there are none.
fn is_static(profile: &Profile) -> bool {
    profile.is_static && profile.cgo
}

/// The flags of the main package; patterns are refused.
fn of_main(flags: &[PackageFlags]) -> Vec<String> {
    flags.last().map(|flags| flags.flags.clone()).unwrap_or_default()
}

fn binary_rule(input: &Input, layout: &Layout, binary: &super::Binary, seen: &[(&View, &Package)], dir: &str) -> Result<Rule> {
    let (_, package) = seen[0];
    let there = seen.iter().map(|(view, _)| &view.target.platform);
    let missing = if binary.is_named { Expr::List(Vec::new()) } else { where_missing(input, there) };
    Ok(program_rule(input, layout, "go_binary", &binary.name, binary, dir)?
        .with("embed", Expr::List(vec![format!(":{}", layout.library(package.import_path.as_str()))]))
        .with("target_compatible_with", missing)
        .with("visibility", Expr::List(vec!["//visibility:public".to_owned()])))
}

/// What rules have in common that link a program.
pub(super) fn program_rule(
    input: &Input,
    layout: &Layout,
    kind: &'static str,
    name: &str,
    program: &super::Binary,
    dir: &str,
) -> Result<Rule> {
    if input.rules.is_own() {
        refuse(program)?;
    }
    // Without the attribute, flags may choose another SDK than the default one.
    let sdk_name = Some(program.profile.sdk.as_str()).filter(|name| *name != DEFAULT_SDK).unwrap_or_default();
    let sanitizer = |sanitizer| Expr::String(if program.profile.sanitizer == Some(sanitizer) { "on" } else { "" }.to_owned());
    Ok(Rule::new(kind, name)
        .with("asan", sanitizer(Sanitizer::Address))
        .with("default_godebug", Expr::String(program.default_godebug.clone()))
        .with("gc_goopts", Expr::List(of_main(&program.profile.gcflags)))
        .with("gc_linkopts", Expr::List(linkopts(program)))
        .with("goexperiment", Expr::String(program.profile.goexperiment.join(",")))
        .with("gofips140", Expr::String(program.profile.gofips140.clone().unwrap_or_default()))
        .with("gotags", Expr::List(program.profile.tags.iter().cloned().collect()))
        .with("linkmode", Expr::String(linkmode(program.profile.buildmode).to_owned()))
        .with("msan", sanitizer(Sanitizer::Memory))
        .with("pgoprofile", Expr::String(program.pgo.as_deref().map(|file| layout.file(file, dir)).unwrap_or_default()))
        .with("pure", Expr::String(if program.profile.cgo { "off" } else { "on" }.to_owned()))
        .with("race", sanitizer(Sanitizer::Race))
        .with("sdk_name", Expr::String(sdk_name.to_owned()))
        .with("static", Expr::String(if is_static(&program.profile) { "on".to_owned() } else { String::new() })))
}

/// What makes `bazel build //...` pass over a program on platforms of the spec where it isn't `there`, because it has no files.
pub(super) fn where_missing<'p>(input: &Input<'p>, there: impl Iterator<Item = &'p Platform>) -> Expr {
    let incompatible = || BTreeSet::from([condition(input, "incompatible")]);
    let mut by_platform: BTreeMap<&Platform, BTreeSet<String>> =
        input.views.iter().map(|v| (&v.target.platform, incompatible())).collect();
    by_platform.extend(there.map(|platform| (platform, BTreeSet::new())));
    Expr::Select { common: Vec::new(), cases: labelled(input, cases(by_platform)) }
}

/// What all platforms of the spec have, plus a `select` for what only some have, of `items` with their platforms.
pub(super) fn vary<'p>(input: &Input<'p>, items: impl Iterator<Item = (&'p Platform, String)>) -> Expr {
    // The conditions of rules_go know no variants.
    let known = |p: &Platform| if input.rules.is_own() { p.clone() } else { Platform::new(p.os_arch()) };
    let mut by_platform: BTreeMap<Platform, BTreeSet<String>> =
        input.views.iter().map(|v| (known(&v.target.platform), BTreeSet::new())).collect();
    for (platform, item) in items {
        by_platform.entry(known(platform)).or_default().insert(item);
    }
    let everything: BTreeSet<String> = by_platform.values().flatten().cloned().collect();
    let common: Vec<String> = everything.into_iter().filter(|i| by_platform.values().all(|items| items.contains(i))).collect();
    for items in by_platform.values_mut() {
        items.retain(|i| !common.contains(i));
    }
    let by_platform = by_platform.iter().map(|(platform, items)| (platform, items.clone())).collect();
    Expr::Select { common: sorted(common), cases: labelled(input, cases(by_platform)) }
}

/// The cases of a `select`: one for an operating system, or else for a port, where its platforms agree, and else one for each variant.
///
/// So the cases say no more of variants than needed, and hold for those too that the spec does not list.
fn cases(by_platform: BTreeMap<&Platform, BTreeSet<String>>) -> Vec<(String, Vec<String>)> {
    let goos = |p: &Platform| p.goos().to_owned();
    let port = |p: &Platform| Platform::new(p.os_arch()).name();
    let mut cases: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut left = by_platform;
    for level in [&goos as &dyn Fn(&Platform) -> String, &port] {
        let mut groups: BTreeMap<String, BTreeMap<&Platform, BTreeSet<String>>> = BTreeMap::new();
        for (platform, items) in std::mem::take(&mut left) {
            groups.entry(level(platform)).or_default().insert(platform, items);
        }
        for (name, group) in groups {
            let agreed: BTreeSet<&BTreeSet<String>> = group.values().collect();
            match agreed.first() {
                Some(items) if agreed.len() == 1 => drop(cases.insert(name, (*items).clone())),
                _ => left.extend(group),
            }
        }
    }
    // Nothing is what the default says, too.
    cases.retain(|_, items| !items.is_empty());
    // But a variant with nothing must say so, since the case of the port's default variant holds for it as well.
    cases.extend(left.into_iter().map(|(platform, items)| (platform.name(), items)));
    cases.into_iter().map(|(name, items)| (name, sorted(items.into_iter().collect()))).collect()
}

/// Cases with labels of conditions in the place of names of platforms.
fn labelled(input: &Input, cases: Vec<(String, Vec<String>)>) -> Vec<(String, Vec<String>)> {
    cases.into_iter().map(|(name, items)| (condition(input, &name), items)).collect()
}

/// The label of the condition that holds on an operating system, a port or a variant of it.
fn condition(input: &Input, name: &str) -> String {
    format!("@{}//go/platform:{name}", input.rules.repository)
}

/// Build files have one list of imports for all profiles, so tags and cgo may not change it.
fn check_profiles_agree(seen: &[(&View, &Package)]) -> Result<()> {
    let differ = |a: &Package, b: &Package| a.imports != b.imports || a.selection.files.cgo != b.selection.files.cgo;
    for (view, package) in seen {
        let other = seen.iter().find(|(v, p)| v.target.name == view.target.name && differ(p, package));
        if let Some((other, _)) = other {
            let (a, b) = (view.profile, other.profile);
            let error = format!("package {} has other imports or cgo files in profile {a} than in {b}", package.import_path);
            return Err(Error::input(error)
                .help("Bazel's BUILD files can't express that yet: use one set of tags, or leave out bazel()"));
        }
    }
    Ok(())
}

/// Import paths of std packages, or labels of all others, that a package in `dir` imports.
pub(super) fn dependencies<'p>(
    input: &Input,
    layout: &Layout,
    paths: impl IntoIterator<Item = &'p ImportPath>,
    dir: &str,
    std: bool,
) -> Vec<String> {
    let mut found = Vec::new();
    for path in paths {
        let graphs = input.views.iter().flat_map(|v| [Some(v.graph), v.tests.map(|tests| &tests.graph)]);
        let Some(dep) = graphs.flatten().find_map(|graph| graph.get(path)) else { continue };
        match std {
            true => found.extend(dep.is_std().then(|| path.to_string())),
            false => found.extend(layout.label(dep, dir)),
        }
    }
    found
}

/// `//dir:name`, or `//dir` where that means the same.
pub fn label(dir: &str, name: &str) -> String {
    let last = dir.rsplit('/').next().unwrap_or_default();
    if last == name { format!("//{dir}") } else { format!("//{dir}:{name}") }
}

/// The name of a package's library; `is_main` for commands.
pub fn library_of(import_path: &str, is_main: bool) -> String {
    let base = base_name(import_path);
    if is_main { format!("{base}_lib") } else { base.to_owned() }
}

/// The name of the target that runs a package's tests.
pub fn test_of(import_path: &str) -> String {
    format!("{}_test", base_name(import_path))
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

/// Everyone, or what Go allows for a directory below `internal`, and whom directives add.
fn visibility(package: &Package, dir: &str, layout: &Layout) -> Vec<String> {
    let elements: Vec<&str> = dir.split('/').collect();
    match elements.iter().rposition(|e| *e == "internal") {
        Some(at) if package.import_path.as_str().split('/').any(|e| e == "internal") => {
            let parent = format!("//{}:__subpackages__", elements[..at].join("/"));
            sorted(layout.settings(dir).visibility.iter().cloned().chain([parent]).collect())
        }
        _ => vec!["//visibility:public".to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cases for platforms with space-separated items, as `condition: items`.
    fn shown(platforms: &[(&str, &str)]) -> Vec<String> {
        let parsed: Vec<(Platform, BTreeSet<String>)> = platforms
            .iter()
            .map(|(p, items)| (p.parse().unwrap(), items.split_whitespace().map(str::to_owned).collect()))
            .collect();
        let cases = cases(parsed.iter().map(|(p, items)| (p, items.clone())).collect());
        cases.iter().map(|(name, items)| format!("{name}: {}", items.join(" ")).trim_end().to_owned()).collect()
    }

    #[test]
    fn cases_are_as_general_as_platforms_agree() {
        let (amd64, arm64, windows) = ("linux/amd64", "linux/arm64", "windows/amd64");
        assert_eq!(shown(&[(amd64, ""), (arm64, "")]), [""; 0]);
        assert_eq!(shown(&[(amd64, "x"), (arm64, "x"), (windows, "y")]), ["linux: x", "windows: y"]);
        assert_eq!(shown(&[(amd64, "x y"), (arm64, ""), (windows, "")]), ["linux_amd64: x y"]);
        assert_eq!(shown(&[(amd64, "x"), ("linux/amd64/v3", "x"), (arm64, "y")]), ["linux_amd64: x", "linux_arm64: y"]);
        assert_eq!(shown(&[("linux/amd64/v3", "x"), (windows, "")]), ["linux: x"]);
    }

    #[test]
    fn a_variant_without_items_says_so() {
        assert_eq!(shown(&[("linux/amd64", "x"), ("linux/amd64/v3", "")]), ["linux_amd64: x", "linux_amd64_v3:"]);
        assert_eq!(shown(&[("linux/amd64", ""), ("linux/amd64/v3", "x")]), ["linux_amd64:", "linux_amd64_v3: x"]);
    }
}
