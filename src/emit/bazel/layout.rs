//! Where packages have their targets, and what these are called.

use std::collections::{BTreeMap, BTreeSet};

use super::build_file::{base_name, label, library_of, test_of};
use super::directives::{self, Facts, Naming, Settings};
use super::rule::{Expr, Rule, sorted};
use super::{Input, Test, merge};
use crate::graph::{Origin, Package};
use crate::source::tree::join;

/// The name of the target for files that tests of other packages read.
pub(super) const TEST_DATA: &str = "go_test_data";

/// The settings of all directories and the targets of the repository's packages.
pub(super) struct Layout<'a> {
    input: &'a Input<'a>,
    settings: BTreeMap<String, Settings>,
    targets: BTreeMap<&'a str, Target>,
    /// The directories that are Bazel packages.
    packages: BTreeSet<String>,
    /// Directives that can't be followed.
    pub warnings: Vec<String>,
}

/// A package's library.
#[derive(Clone, Debug)]
struct Target {
    directory: String,
    name: String,
    /// A rule that a person wrote for generated code, such as `go_proto_library`, which has the import path.
    generated: Option<String>,
}

impl<'a> Layout<'a> {
    pub(super) fn new(input: &'a Input<'a>) -> Layout<'a> {
        let import_path = |directory: &str| {
            let main = input.mains.iter().filter(|m| m.stands_for.is_none()).filter_map(|m| {
                let below = match m.directory.as_str() {
                    "" => Some(directory),
                    parent if parent == directory => Some(""),
                    parent => directory.strip_prefix(parent).and_then(|rest| rest.strip_prefix('/')),
                };
                below.map(|below| (m.directory.len(), join(m.path.as_str(), below)))
            });
            main.max().map(|(_, path)| path)
        };
        let tags = |tag: &str| input.binaries.iter().any(|binary| binary.profile.tags.contains(tag));
        let facts = Facts { import_path: &import_path, tags: &tags };
        let directories: Vec<&str> = input.existing.keys().map(String::as_str).collect();
        let (settings, warnings) = directives::settings(input.existing, &directories, &facts);
        let mut layout = Layout { input, settings, targets: BTreeMap::new(), packages: packages(input), warnings };
        let graphs = input.views.iter().flat_map(|v| [Some(v.graph), v.tests.map(|tests| &tests.graph)]);
        for package in graphs.flatten().flat_map(|graph| graph.packages()) {
            if let Some((directory, false)) = layout.directory(package).map(|d| (d, package.for_test.is_some())) {
                let (target_directory, target) = (directory.clone(), layout.target(package, directory));
                layout.targets.entry(package.import_path.as_str()).or_insert(target);
                layout.packages.insert(target_directory);
            }
        }
        layout
    }

    /// The directory of a package of the repository.
    fn directory(&self, package: &Package) -> Option<String> {
        match &package.origin {
            Origin::Main { index, directory } => Some(join(&self.input.mains[*index].directory, directory)),
            _ => None,
        }
    }

    fn target(&self, package: &Package, directory: String) -> Target {
        let path = package.import_path.as_str();
        let settings = self.settings(&directory);
        let usual = match settings.naming {
            Naming::GoDefaultLibrary => "go_default_library".to_owned(),
            Naming::Import | Naming::ImportAlias => library_of(path, package.is_main()),
        };
        let file = self.input.existing.get(&directory).and_then(|existing| existing.file.as_ref().ok());
        let found = file.and_then(|file| merge::matching_library(file, settings, path, &usual));
        let generated = file.filter(|_| settings.meaning("go_proto_library") == "go_proto_library").and_then(|file| {
            let mut calls = file.calls.iter().filter(|call| call.kind.ends_with("go_proto_library"));
            calls.find(|call| call.string("importpath") == Some(path))?.name().map(str::to_owned)
        });
        // A command's library can't be called as the command is.
        let name = found.and_then(|call| call.name()).filter(|name| !package.is_main() || *name != base_name(path));
        let name = name.map_or(usual, str::to_owned);
        Target { directory, name, generated }
    }

    /// The directory of the Bazel package that a file belongs to, unless nothing may be written there.
    fn owner(&self, file: &str) -> Option<&str> {
        let mut directory = file;
        loop {
            directory = directory.rsplit_once('/').map_or("", |(parent, _)| parent);
            if let Some(owner) = self.packages.get(directory) {
                let settings = self.settings(owner);
                return Some(owner.as_str()).filter(|owner| !settings.ignored && !settings.excludes(owner));
            }
        }
    }

    /// The label of a file, as the package in a directory writes it.
    pub(super) fn file(&self, file: &str, directory: &str) -> String {
        match self.owner(file).unwrap_or_default() {
            owner if owner == directory => within(owner, file),
            owner => format!("//{owner}:{}", within(owner, file)),
        }
    }

    /// What tests in a directory read: files of its own package by patterns, and those of others by the targets that give them.
    pub(super) fn data(&self, test: &Test, directory: &str) -> Expr {
        let (mut patterns, mut labels) = (Vec::new(), Vec::new());
        for file in &test.reads {
            match self.owner(file) {
                Some(owner) if owner == directory => patterns.push(within(owner, file)),
                Some(owner) => labels.push(label(owner, TEST_DATA)),
                None => {}
            }
        }
        let below = self.packages_in_testdata(test, directory);
        // There is nothing for a pattern where all of it is another package.
        let is_package = below.iter().any(|owner| *owner == join(directory, "testdata"));
        patterns.extend((test.has_testdata && !is_package).then(|| "testdata/**".to_owned()));
        labels.extend(below.into_iter().map(|owner| label(owner, TEST_DATA)));
        Expr::Files { patterns, labels: sorted(labels) }
    }

    /// The directories below the `testdata` of a test in `directory` that are packages of Go, which somebody imports.
    fn packages_in_testdata(&self, test: &Test, directory: &str) -> BTreeSet<&str> {
        let testdata = join(directory, "testdata");
        let candidates =
            self.packages.range(testdata.clone()..).map(String::as_str).take_while(|path| path.starts_with(&testdata));
        let is_below = |path: &&str| path.strip_prefix(&testdata).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let is_go = |path: &&str| self.targets.values().any(|target| target.directory == **path);
        let is_ours = |path: &&str| self.owner(&join(path, "_")).is_some();
        candidates.filter(|_| test.has_testdata).filter(is_below).filter(is_go).filter(is_ours).collect()
    }

    /// The rules that give files to tests of other packages, by directory.
    pub(super) fn data_rules(&self) -> BTreeMap<String, Rule> {
        let mut files: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        let mut whole: BTreeSet<&str> = BTreeSet::new();
        for test in self.input.tests {
            let directory = join(&self.input.mains[test.module].directory, &test.directory);
            for file in &test.reads {
                if let Some(owner) = self.owner(file).filter(|owner| *owner != directory) {
                    files.entry(owner).or_default().push(within(owner, file));
                }
            }
            whole.extend(self.packages_in_testdata(test, &directory));
        }
        for owner in &whole {
            files.entry(owner).or_default();
        }
        let rule = |owner, files| {
            let all = Expr::Files { patterns: vec!["**".to_owned()], labels: Vec::new() };
            Rule::new("filegroup", TEST_DATA)
                .with("srcs", if whole.contains(owner) { all } else { Expr::List(sorted(files)) })
                .with("visibility", Expr::List(vec!["//:__subpackages__".to_owned()]))
        };
        files.into_iter().map(|(directory, files)| (directory.to_owned(), rule(directory, files))).collect()
    }

    /// What directives say of a directory.
    pub(super) fn settings(&self, directory: &str) -> &Settings {
        match self.settings.get(directory) {
            Some(settings) => settings,
            None => match directory.rsplit_once('/') {
                Some((parent, _)) => self.settings(parent),
                None => &self.settings[""],
            },
        }
    }

    /// The name of a package's library.
    pub(super) fn library(&self, import_path: &str) -> String {
        self.targets.get(import_path).map(|target| target.name.clone()).unwrap_or_default()
    }

    /// The rule for generated code that has the package's import path.
    pub(super) fn generated(&self, import_path: &str) -> Option<&str> {
        self.targets.get(import_path)?.generated.as_deref()
    }

    /// The name of the target that runs a package's tests.
    pub(super) fn test(&self, import_path: &str, directory: &str) -> String {
        match self.settings(directory).naming {
            Naming::GoDefaultLibrary => "go_default_test".to_owned(),
            Naming::Import | Naming::ImportAlias => test_of(import_path),
        }
    }

    /// The label of a package that one in `from` imports; `None` for std.
    pub(super) fn label(&self, package: &Package, from: &str) -> Option<String> {
        let path = package.import_path.as_str();
        if package.is_std() {
            return None;
        }
        if let Some(label) = self.settings(from).resolve(path) {
            return Some(shortened(&label));
        }
        match (&package.origin, self.targets.get(path)) {
            (Origin::Main { .. }, Some(target)) => {
                let only_generated = target.generated.as_ref().filter(|_| self.is_only_generated(path));
                Some(label(&target.directory, only_generated.unwrap_or(&target.name)))
            }
            (Origin::Module { directory, .. }, _) if !self.input.rules.is_own() => Some(gazelle_label(path, directory)),
            (Origin::Module { .. }, _) => Some(format!("@go_modules//{path}")),
            _ => None,
        }
    }

    /// Whether all sources of a package are generated by a rule that a person wrote.
    pub(super) fn is_only_generated(&self, import_path: &str) -> bool {
        let sources =
            || self.input.files.iter().find(|(path, _)| path.as_str() == import_path).map(|(_, files)| &files.sources);
        self.generated(import_path).is_some() && sources().is_some_and(|s| s.iter().all(|name| name.ends_with(".pb.go")))
    }
}

/// A file's name relative to a directory above it.
fn within(directory: &str, file: &str) -> String {
    file.strip_prefix(directory).unwrap_or(file).trim_start_matches('/').to_owned()
}

/// The directories that are Bazel packages without those of libraries.
fn packages(input: &Input) -> BTreeSet<String> {
    let tested = input.tests.iter().map(|test| join(&input.mains[test.module].directory, &test.directory));
    let there = input.existing.iter().filter(|(_, existing)| existing.is_there).map(|(directory, _)| directory.clone());
    tested.chain(there).chain([String::new()]).collect()
}

/// A label without what its last part says already: `//a/b` for `//a/b:b`, `@c` for `@c//:c`.
fn shortened(label: &str) -> String {
    let Some((rest, name)) = label.rsplit_once(':') else { return label.to_owned() };
    match rest.strip_suffix("//") {
        Some(repository) if repository.trim_start_matches('@') == name => repository.to_owned(),
        _ if rest.rsplit('/').next() == Some(name) => rest.to_owned(),
        _ => label.to_owned(),
    }
}

/// The label of a third-party package in the repository that Gazelle's `go_deps` gives its module
/// (`ImportPathToBazelRepoName`, `libNameFromImportPath`).
fn gazelle_label(import_path: &str, directory: &str) -> String {
    let module = import_path.strip_suffix(directory).unwrap_or(import_path).trim_end_matches('/');
    let (host, rest) = module.split_once('/').unwrap_or((module, ""));
    let reversed: Vec<&str> = host.split('.').rev().collect();
    let name: String = format!("{}/{rest}", reversed.join("."))
        .trim_end_matches('/')
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
        .collect();
    format!("@{name}{}", label(directory, &base_name(import_path).replace('.', "_")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_labels() {
        let labels =
            [("//a/b:b", "//a/b"), ("@c//:c", "@c"), ("@c//d:d", "@c//d"), ("//:x", "//:x"), (":x", ":x"), ("//a:b", "//a:b")];
        labels.iter().for_each(|(label, short)| assert_eq!(shortened(label), *short));
    }

    #[test]
    fn labels_of_gazelle() {
        for (path, directory, label) in [
            ("github.com/pkg/errors", "", "@com_github_pkg_errors//:errors"),
            ("golang.org/x/sys/unix", "unix", "@org_golang_x_sys//unix"),
            ("gopkg.in/yaml.v3", "", "@in_gopkg_yaml_v3//:yaml_v3"),
            ("github.com/a/b/v2", "", "@com_github_a_b_v2//:b"),
        ] {
            assert_eq!(gazelle_label(path, directory), label);
        }
    }
}
