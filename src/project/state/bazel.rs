//! What BUILD files declare beside Go: which targets there are, and what they are made of, as far as that can be said without evaluating
//! Starlark. Where it can't be said, more is taken, with the reason:
//!
//! * an attribute that isn't literal may name whatever is in the package;
//! * what is loaded and is no rule that is known may be a macro: it may use whatever is in the package, and make targets of any name;
//! * a label that names nothing that is declared may be made by any rule of its package.

mod files;
mod rules;

use std::collections::{BTreeMap, BTreeSet};

use crate::affected::state::File;
use crate::affected::{Kind, Made, Node, Target, View};
use crate::digest::Sha256;
use crate::emit::bazel::{self, RULESET};
use crate::error::Result;
use crate::source::bazel::label::{self, Name};
use crate::source::bazel::literals;
use crate::source::bazel::package::{Package, Rule};
use crate::source::repository::RepositoryTree;
use files::Files;
use rules::is_for_outputs;

/// The rule that stands for tests.
const SUITE: &str = "test_suite";

/// Repositories that the lock makes: what Go targets need of them is known better.
const OF_LOCK: [&str; 3] = [RULESET, "go_modules", "go_toolchains"];

/// Attributes of Go rules with files that the recipe knows, by platforms.
const GO_SOURCES: [&str; 3] = ["srcs", "constraints", "external_srcs"];

/// An attribute of Go rules whose files are in `embedsrcs`, too; what else it has are patterns, which may be names of directories.
const GO_PATTERNS: &str = "embed_patterns";

/// Steps that have the files which count for every target.
const WORKSPACE: &str = "workspace";
/// What flags and MODULE.bazel choose for all: toolchains, platforms.
const CHOSEN: &str = "toolchains and platforms";
/// What other repositories are made by.
const REPOSITORIES: &str = "other repositories";

/// What is told from a tree, as it is in every view.
pub struct Bazel {
    nodes: BTreeMap<String, Node>,
    targets: BTreeMap<Target, Made>,
    /// The tags of rules, by label.
    tags: BTreeMap<String, BTreeSet<String>>,
    /// The BUILD files, by directory.
    packages: BTreeMap<String, String>,
}

/// The node of a rule.
fn node_of(directory: &str, name: &str) -> String {
    format!("rule {}", label_of(directory, name))
}

/// The label of a target; where its name isn't known, all of the package's.
fn label_of(directory: &str, name: &str) -> String {
    if name.is_empty() { format!("//{directory}:all") } else { bazel::label(directory, name) }
}

/// Adds what all BUILD files say to what is built of Go; `file` gives the ID of a file's content.
///
/// # Errors
///
/// When a directory or a file can't be read.
pub fn add(tree: &RepositoryTree, views: &mut BTreeMap<String, View>, file: impl Fn(&str) -> Result<File>) -> Result<()> {
    let files = Files::read(tree)?;
    let packages = Bazel::packages(&files);
    let declared = packages.get("").iter().flat_map(|root| &root.rules).map(|rule| label_of("", &rule.name)).collect();
    super::images::keep_declared(views, &declared);
    views.values_mut().for_each(|view| relabel(&packages, view));
    let labels = views.values().flat_map(|view| view.targets.values()).map(|made| made.label.clone());
    let go = labels.filter(|label| !label.ends_with(ALL)).collect();
    let bazel = Bazel::read(files, packages, &go, &file)?;
    views.values_mut().try_for_each(|view| bazel.add_to(view, &file))
}

/// How a pattern ends that stands for all targets of a package.
const ALL: &str = ":all";

/// Gives Go targets the labels of the rules that people have named otherwise; where it isn't clear which rule it is, all of the package.
fn relabel(packages: &BTreeMap<String, Package>, view: &mut View) {
    for (target, made) in &mut view.targets {
        let Some(package) = packages.get(&made.directory).filter(|package| !package.rules.is_empty()) else { continue };
        let label = |rule: &Rule| label_of(&made.directory, &rule.name);
        if package.rules.iter().any(|rule| !rule.name.is_empty() && label(rule) == made.label) {
            continue;
        }
        let kind = match target.kind {
            Kind::Package => "go_library",
            Kind::Test => "go_test",
            Kind::Binary => "go_binary",
            Kind::Image | Kind::Other => continue,
        };
        let is_it = |rule: &&Rule| {
            let path = rule.strings.iter().find(|(attribute, _)| attribute == "importpath");
            rule.kind == kind && (target.kind != Kind::Package || path.is_some_and(|(_, path)| *path == target.name))
        };
        let found: Vec<&Rule> = package.rules.iter().filter(is_it).collect();
        made.label = match found.as_slice() {
            [rule] => label(rule),
            _ => label_of(&made.directory, ""),
        };
    }
}

impl Bazel {
    fn packages(files: &Files) -> BTreeMap<String, Package> {
        let load = |label: &str, directory: &str| {
            let (path, text) = files.loaded(label, directory)?;
            Some((files.package_of(&path).unwrap_or_default().to_owned(), text))
        };
        let read = |(directory, path): (&String, &String)| {
            let text = files.text(path).unwrap_or_default();
            (directory.clone(), Package::read(directory, path, &text, &load))
        };
        files.packages.iter().map(read).collect()
    }

    /// What packages have; `go` are the labels of Go targets.
    fn read(
        files: Files,
        packages: BTreeMap<String, Package>,
        go: &BTreeSet<String>,
        file: impl Fn(&str) -> Result<File>,
    ) -> Result<Bazel> {
        let (made, steps) = (makers(&packages), BTreeMap::new());
        let mut reader = Reader { files, packages, made, go, steps, targets: BTreeMap::new(), tags: BTreeMap::new() };
        reader.add_configuration();
        reader.add_packages();
        reader.add_chosen();
        reader.add_suites();
        let node = |(name, step): (String, Step)| {
            let files = step.files.into_iter().map(|path| Ok((path.clone(), file(&path)?))).collect::<Result<_>>()?;
            let recipe = step.text.map(|text| ("BUILD file".to_owned(), Sha256::of(text))).into_iter().collect();
            Ok((name, Node { recipe, files, deps: step.deps, ..Node::default() }))
        };
        let nodes = reader.steps.into_iter().map(node).collect::<Result<_>>()?;
        Ok(Bazel { nodes, targets: reader.targets, tags: reader.tags, packages: reader.files.packages })
    }

    /// Adds all of it to what is built for a platform.
    fn add_to(&self, view: &mut View, file: impl Fn(&str) -> Result<File>) -> Result<()> {
        // What depends on the rule of a Go target depends on all that this is made of.
        let declared = view.targets.values().filter(|made| !made.label.ends_with(ALL));
        let go: BTreeMap<String, String> = declared.map(|made| (format!("rule {}", made.label), made.node.clone())).collect();
        for (name, node) in &self.nodes {
            let mut node = node.clone();
            node.deps = node.deps.into_iter().map(|dep| go.get(&dep).cloned().unwrap_or(dep)).collect();
            view.nodes.insert(name.clone(), node);
        }
        for made in view.targets.values_mut() {
            let rule = format!("rule {}", made.label);
            let is_declared = go.contains_key(&rule) && self.nodes.contains_key(&rule);
            made.tags.extend(self.tags.get(&made.label).filter(|_| is_declared).into_iter().flatten().cloned());
            let dep = match self.packages.get(&made.directory) {
                _ if is_declared => rule,
                // It may come from anything in the file.
                Some(path) => {
                    let name = format!("file {path}");
                    let files = BTreeMap::from([(path.clone(), file(path)?)]);
                    view.nodes.insert(name.clone(), Node { files, ..Node::default() });
                    name
                }
                None => WORKSPACE.to_owned(),
            };
            if let Some(node) = view.nodes.get_mut(&made.node) {
                node.deps.extend([dep, WORKSPACE.to_owned()]);
                node.deps.extend(self.nodes.contains_key(CHOSEN).then(|| CHOSEN.to_owned()));
            }
        }
        view.targets.extend(self.targets.clone());
        Ok(())
    }
}

/// What becomes a node.
#[derive(Default)]
struct Step {
    text: Option<String>,
    files: BTreeSet<String>,
    deps: BTreeSet<String>,
}

/// The nodes of rules, by the names of what they make, by package.
type Makers = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// Who makes what by the rules' names, and by their outputs unless there is a rule of that name.
fn makers(packages: &BTreeMap<String, Package>) -> Makers {
    let of = |(directory, package): (&String, &Package)| {
        let mut named: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for rule in package.rules.iter().filter(|rule| !rule.name.is_empty()) {
            named.entry(rule.name.clone()).or_default().insert(node_of(directory, &rule.name));
        }
        let mut made: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for rule in &package.rules {
            for (_, output) in rule.strings.iter().filter(|(attribute, _)| is_for_outputs(attribute)) {
                let output = output.trim_start_matches(':').to_owned();
                made.entry(output).or_default().insert(node_of(directory, &rule.name));
            }
        }
        made.extend(named);
        (directory.clone(), made)
    };
    packages.iter().map(of).collect()
}

struct Reader<'r> {
    files: Files<'r>,
    packages: BTreeMap<String, Package>,
    made: Makers,
    go: &'r BTreeSet<String>,
    steps: BTreeMap<String, Step>,
    targets: BTreeMap<Target, Made>,
    tags: BTreeMap<String, BTreeSet<String>>,
}

impl Reader<'_> {
    /// Adds what counts for all.
    fn add_configuration(&mut self) {
        let configuration = self.files.configuration();
        self.steps.insert(WORKSPACE.to_owned(), Step { files: configuration.shared, ..Step::default() });
        self.steps.insert(REPOSITORIES.to_owned(), Step { files: configuration.repositories, ..Step::default() });
        let mut chosen = Step::default();
        for (package, name) in configuration.targets {
            match package.strip_suffix("...").map(|above| above.trim_end_matches('/').to_owned()) {
                Some(above) => {
                    let is_below = |directory: &&String| {
                        above.is_empty() || **directory == above || directory.starts_with(&format!("{above}/"))
                    };
                    chosen
                        .deps
                        .extend(self.packages.keys().filter(is_below).map(|directory| format!("rules of //{directory}")));
                }
                None => self.add_label(&package, &name, &mut chosen),
            }
        }
        if !chosen.deps.is_empty() {
            self.steps.insert(CHOSEN.to_owned(), chosen);
        }
    }

    /// Lets all rules depend on what is chosen for them, but for those that this is made of.
    fn add_chosen(&mut self) {
        if !self.steps.contains_key(CHOSEN) {
            return;
        }
        let (mut own, mut open) = (BTreeSet::new(), vec![CHOSEN.to_owned()]);
        while let Some(name) = open.pop() {
            if own.insert(name.clone()) {
                open.extend(self.steps.get(&name).into_iter().flat_map(|step| step.deps.iter().cloned()));
            }
        }
        for (_, step) in self.steps.iter_mut().filter(|(name, _)| name.starts_with("rule ") && !own.contains(*name)) {
            step.deps.insert(CHOSEN.to_owned());
        }
    }

    fn add_packages(&mut self) {
        let packages = std::mem::take(&mut self.packages);
        self.packages.clone_from(&packages);
        for (directory, package) in &packages {
            let shared = format!("variables of //{directory}");
            self.steps.insert(shared.clone(), Step { text: Some(package.shared.clone()), ..Step::default() });
            let mut all = BTreeSet::new();
            for rule in &package.rules {
                let name = node_of(directory, &rule.name);
                let mut step = self.step(directory, rule);
                step.deps.extend([WORKSPACE.to_owned(), shared.clone()]);
                // Statements whose targets aren't known are one.
                let known = self.steps.entry(name.clone()).or_default();
                known.text = Some(known.text.take().unwrap_or_default() + &step.text.unwrap_or_default());
                known.files.extend(step.files);
                known.deps.extend(step.deps);
                all.insert(name);
                self.add_targets(directory, rule);
            }
            self.steps.insert(format!("rules of //{directory}"), Step { deps: all, ..Step::default() });
        }
    }

    /// What a suite lists isn't left out for being manual: Bazel's wildcards match the suite.
    fn add_suites(&mut self) {
        for (directory, package) in &self.packages {
            let suites = package.rules.iter().filter(|rule| rule.kind == SUITE && !rule.tags.contains(super::MANUAL));
            for (_, value) in suites.flat_map(|suite| &suite.strings).filter(|(attribute, _)| attribute == "tests") {
                let label = match label::name(value, directory, &self.files.own) {
                    Name::Label(package, name) => label_of(&package, &name),
                    Name::Plain(name) => label_of(directory, &name),
                    Name::External(_) | Name::None => continue,
                };
                if let Some(tags) = self.tags.get_mut(&label) {
                    tags.remove(super::MANUAL);
                }
                for made in self.targets.values_mut().filter(|made| made.label == label) {
                    made.tags.remove(super::MANUAL);
                }
            }
        }
    }

    /// What a rule is made of.
    fn step(&mut self, directory: &str, rule: &Rule) -> Step {
        let label = label_of(directory, &rule.name);
        let is_go = self.go.contains(&label);
        let mut step = Step { text: Some(rule.text.clone()), ..Step::default() };
        for (attribute, value) in &rule.strings {
            let is_source = is_go
                && GO_SOURCES.contains(&attribute.as_str())
                && (value.ends_with(".go") || value.ends_with(".s"))
                && !value.starts_with(['_', '.']);
            match label::name(value, directory, &self.files.own) {
                _ if *value == rule.name || is_source || is_go && attribute == GO_PATTERNS => {}
                Name::External(repository) if is_go && OF_LOCK.contains(&repository.as_str()) => {}
                name => self.add_name(directory, name, &mut step),
            }
        }
        // A suite that lists nothing has all tests of its package.
        if rule.kind == SUITE && rule.strings.iter().all(|(attribute, _)| attribute != "tests") {
            let rules = self.packages.get(directory).into_iter().flat_map(|package| &package.rules);
            let tests = rules.filter(|test| test.kind.ends_with("_test") || !self.is_exact(directory, test));
            step.deps.extend(tests.map(|test| node_of(directory, &test.name)));
        }
        for glob in &rule.globs {
            step.files.extend(self.files.matching(directory, glob));
        }
        let is_external =
            |label: &&String| matches!(label::name(label, directory, &self.files.own), Name::External(of) if of != RULESET);
        if rule.loads.iter().any(|label| is_external(&label)) {
            step.deps.insert(REPOSITORIES.to_owned());
        }
        let is_exact = self.is_exact(directory, rule);
        self.add_starlark(directory, rule, is_exact, &mut step);
        let open = rule.open.clone().or_else(|| match &rule.loaded {
            _ if is_exact => None,
            Some((file, symbol)) => Some(format!("{symbol} of {file} may be a macro")),
            None => Some(format!("{} may be a macro", rule.kind)),
        });
        if let Some(why) = open {
            let computed = rule.strings.iter().find(|(_, value)| label::is_computed(value));
            match computed {
                Some((_, value)) => self.add_everything(&format!("{value} is only a part of a label"), &mut step),
                None => self.add_package(directory, &why, &mut step),
            }
        }
        step.deps.remove(&format!("rule {label}"));
        step
    }

    /// Adds the files that a rule is loaded from, and what these name.
    fn add_starlark(&mut self, directory: &str, rule: &Rule, is_exact: bool, step: &mut Step) {
        for (path, text) in self.files.closure(rule.loads.iter().map(String::as_str), directory) {
            let own = self.files.package_of(&path).unwrap_or_default().to_owned();
            for value in literals::strings(&text) {
                if label::is_computed(value) && !is_exact {
                    self.add_everything(&format!("{path} makes labels of {value}"), step);
                }
                match label::name(value, &own, &self.files.own) {
                    Name::Label(..) if value.ends_with(".bzl") => {}
                    // A text of any other kind is no label of its package, which has nothing by that name.
                    Name::Label(package, name) if self.files.packages.contains_key(&package) => {
                        self.add_label(&package, &name, step);
                        if value.starts_with(':') && own != directory {
                            self.add_label(directory, &name, step);
                        }
                    }
                    _ => {}
                }
            }
            step.files.insert(path);
        }
    }

    /// Adds what a string of a rule may name.
    fn add_name(&mut self, directory: &str, name: Name, step: &mut Step) {
        match name {
            Name::None => {}
            Name::External(_) => drop(step.deps.insert(REPOSITORIES.to_owned())),
            Name::Label(package, name) => self.add_label(&package, &name, step),
            Name::Plain(name) => {
                let found = self.declared(directory, &name).into_iter().collect::<Vec<_>>();
                match found.is_empty() {
                    true => drop(self.add_file(directory, &name, step)),
                    false => step.deps.extend(found),
                }
            }
        }
    }

    /// Adds what a label names: a rule, what it makes, a file or a directory; or any rule of the package, if it is none of these.
    fn add_label(&mut self, package: &str, name: &str, step: &mut Step) {
        let found = self.declared(package, name);
        if !found.is_empty() {
            step.deps.extend(found);
        } else if !self.add_file(package, name, step) && self.packages.contains_key(package) {
            step.deps.insert(format!("rules of //{package}"));
        }
    }

    /// The rules that make what is called so: by their name, their outputs, or the beginning of its name (`app_deploy.jar`).
    fn declared(&self, package: &str, name: &str) -> BTreeSet<String> {
        let node = |rule: &Rule| node_of(package, &rule.name);
        if name.is_empty() {
            return BTreeSet::new();
        }
        if let Some(made) = self.made.get(package).and_then(|made| made.get(name)) {
            return made.clone();
        }
        if self.files.has(&label::file(package, name)) {
            return BTreeSet::new();
        }
        let begins = |rule: &&Rule| {
            let rest = name.strip_prefix("lib").unwrap_or(name).strip_prefix(&rule.name).or(name.strip_prefix(&rule.name));
            !rule.name.is_empty() && rest.is_some_and(|rest| rest.starts_with(['.', '_', '-']))
        };
        self.packages.get(package).into_iter().flat_map(|package| &package.rules).filter(begins).map(node).collect()
    }

    /// Adds a file, or all files below a directory; says whether there is one.
    fn add_file(&self, package: &str, name: &str, step: &mut Step) -> bool {
        let path = label::file(package, name);
        if self.files.has(&path) {
            step.files.insert(path);
            return true;
        }
        let below: Vec<&String> =
            if path.is_empty() || path == package { Vec::new() } else { self.files.below(&path).collect() };
        step.files.extend(below.iter().map(|path| (*path).clone()));
        !below.is_empty()
    }

    /// Adds all files of a package, for a reason.
    fn add_package(&mut self, directory: &str, why: &str, step: &mut Step) {
        let name = format!("whatever is in //{directory}, since {why}");
        step.deps.insert(name.clone());
        let files = || self.files.of_package(directory).cloned().collect();
        self.steps.entry(name).or_insert_with(|| Step { files: files(), ..Step::default() });
    }

    /// Adds all files of the repository, for a reason.
    fn add_everything(&mut self, why: &str, step: &mut Step) {
        let name = format!("whatever is in the repository, since {why}");
        step.deps.insert(name.clone());
        let files = || self.files.below("").cloned().collect();
        self.steps.entry(name).or_insert_with(|| Step { files: files(), ..Step::default() });
    }

    fn add_targets(&mut self, directory: &str, rule: &Rule) {
        let (label, node) = (label_of(directory, &rule.name), node_of(directory, &rule.name));
        let is_go = self.go.contains(&label);
        self.tags.insert(label.clone(), rule.tags.clone());
        let is_test = rule.kind.ends_with("_test") || rule.kind == SUITE;
        let (kinds, shown) = match self.is_exact(directory, rule) {
            true if is_go => return,
            true if is_test => (&[Kind::Test][..], label.clone()),
            true => (&[Kind::Other][..], label.clone()),
            // A macro may make targets of any name, and tests among them.
            false => (&[Kind::Other, Kind::Test][..], label_of(directory, "")),
        };
        let mut tags = rule.tags.clone();
        if shown != label {
            // Bazel leaves out what is manual of the targets that it makes.
            tags.remove(super::MANUAL);
        }
        for kind in kinds {
            let made = Made {
                node: node.clone(),
                label: shown.clone(),
                directory: directory.to_owned(),
                tags: tags.clone(),
                rule: rule.kind.clone(),
            };
            self.targets.insert(Target { kind: *kind, name: label.clone() }, made);
        }
    }
}
