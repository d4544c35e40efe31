//! The files of a tree as Bazel sees them: packages, and what configures all of it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;

use crate::error::Result;
use crate::source::bazel::glob::Glob;
use crate::source::bazel::label::{self, Name};
use crate::source::bazel::literals::strings;
use crate::source::build_file::{self, BuildFile};
use crate::source::repository::RepositoryTree;
use crate::source::tree::{EntryKind, Tree, join};

/// All files, and which of the directories are packages.
pub struct Files<'t> {
    tree: &'t RepositoryTree,
    texts: RefCell<BTreeMap<String, Option<Rc<str>>>>,
    all: BTreeSet<String>,
    /// The BUILD file of each package, by directory.
    pub packages: BTreeMap<String, String>,
    /// How labels may name the repository itself.
    pub own: BTreeSet<String>,
}

/// What configures Bazel as a whole.
#[derive(Default)]
pub struct Configuration {
    /// Files that count for every target.
    pub shared: BTreeSet<String>,
    /// Files that other repositories are made by: locks of package managers, which MODULE.bazel names.
    pub repositories: BTreeSet<String>,
    /// Targets that flags and MODULE.bazel name, such as toolchains and platforms: package and name.
    pub targets: BTreeSet<(String, String)>,
}

/// Files at the root that configure Bazel.
const AT_ROOT: [&str; 6] = [".bazelversion", ".bazelignore", "MODULE.bazel", "WORKSPACE", "WORKSPACE.bazel", "REPO.bazel"];
/// Others that are read without being named.
const UNNAMED: [&str; 2] = ["tools/bazel", "tools/build_rules/prelude_bazel"];
/// What the module extensions have found out.
const LOCK: &str = "MODULE.bazel.lock";

impl<'t> Files<'t> {
    /// Lists a tree.
    ///
    /// # Errors
    ///
    /// When a directory can't be read.
    pub fn read(tree: &'t RepositoryTree) -> Result<Files<'t>> {
        let (texts, all, packages) = (RefCell::default(), BTreeSet::new(), BTreeMap::new());
        let mut files = Files { tree, texts, all, packages, own: BTreeSet::from([String::new()]) };
        let ignored = files.ignored();
        let mut open = vec![String::new()];
        while let Some(directory) = open.pop() {
            for entry in tree.list(&directory)? {
                let path = join(&directory, &entry.name);
                match entry.kind {
                    EntryKind::Directory if entry.name != ".git" => open.push(path),
                    _ if entry.is_file() => drop(files.all.insert(path)),
                    _ => {}
                }
            }
        }
        let package = |path: &String| {
            let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
            (build_file::NAMES.contains(&name) && !ignored.matches(directory)).then(|| (directory.to_owned(), path.clone()))
        };
        // BUILD.bazel comes after BUILD in this order, and has precedence.
        files.packages = files.all.iter().filter_map(package).collect();
        for (file, function) in [("MODULE.bazel", "module"), ("WORKSPACE", "workspace"), ("WORKSPACE.bazel", "workspace")] {
            let parsed = files.parse(file);
            let names = parsed.iter().flat_map(|file| &file.calls).filter(|call| call.kind == function);
            files
                .own
                .extend(names.flat_map(|call| [call.string("name"), call.string("repo_name")]).flatten().map(str::to_owned));
        }
        Ok(files)
    }

    /// The directories that Bazel passes over.
    fn ignored(&self) -> Glob {
        let mut include = Vec::new();
        for line in self.text(".bazelignore").unwrap_or_default().lines().map(|line| line.trim().trim_end_matches('/')) {
            if !line.is_empty() && !line.starts_with('#') {
                include.extend([line.to_owned(), format!("{line}/**")]);
            }
        }
        let repository = self.parse("REPO.bazel");
        let ignore = repository.iter().flat_map(|file| &file.calls).filter(|call| call.kind == "ignore_directories");
        for pattern in ignore.flat_map(|call| &call.arguments).flat_map(|argument| argument.node.value.strings()) {
            include.extend([pattern.to_owned(), format!("{pattern}/**")]);
        }
        Glob { include, ..Glob::default() }
    }

    fn parse(&self, path: &str) -> Option<BuildFile> {
        BuildFile::parse(Path::new(path), &self.text(path)?).ok()
    }

    /// What is in a file, if it is there. Many load the same ones.
    pub fn text(&self, path: &str) -> Option<Rc<str>> {
        if let Some(text) = self.texts.borrow().get(path) {
            return text.clone();
        }
        let text: Option<Rc<str>> = self.tree.read(path).ok().map(|content| String::from_utf8_lossy(&content).into());
        self.texts.borrow_mut().insert(path.to_owned(), text.clone());
        text
    }

    /// Whether there is a file.
    pub fn has(&self, path: &str) -> bool {
        self.all.contains(path)
    }

    /// All files below a directory.
    pub fn below(&self, directory: &str) -> impl Iterator<Item = &String> {
        let start = if directory.is_empty() { String::new() } else { format!("{directory}/") };
        self.all.range(start.clone()..).take_while(move |path| path.starts_with(&start))
    }

    /// The directory of the package that a file is in.
    pub fn package_of(&self, path: &str) -> Option<&str> {
        let parents = std::iter::successors(path.rsplit_once('/').map(|(parent, _)| parent), |parent| {
            parent.rsplit_once('/').map(|(parent, _)| parent)
        });
        parents.chain([""]).find_map(|parent| self.packages.get_key_value(parent)).map(|(directory, _)| directory.as_str())
    }

    /// The files of a package, without those of packages below.
    pub fn of_package<'f>(&'f self, directory: &'f str) -> impl Iterator<Item = &'f String> {
        self.below(directory).filter(move |path| self.package_of(path) == Some(directory))
    }

    /// What a glob of a package matches.
    pub fn matching(&self, directory: &str, glob: &Glob) -> BTreeSet<String> {
        let relative = |path: &str| if directory.is_empty() { path.to_owned() } else { path[directory.len() + 1..].to_owned() };
        self.of_package(directory).filter(|path| glob.matches(&relative(path))).cloned().collect()
    }

    /// The path and the text of a .bzl file of the repository that is loaded from `directory`.
    pub fn loaded(&self, file: &str, directory: &str) -> Option<(String, Rc<str>)> {
        let Name::Label(package, name) = label::name(file, directory, &self.own) else { return None };
        let path = label::file(&package, &name);
        self.text(&path).map(|text| (path, text))
    }

    /// Files of Starlark that are loaded, and all that these load, with their texts; of the repository only. Which ones are loaded is always said in literals.
    pub fn closure<'l>(&self, labels: impl IntoIterator<Item = &'l str>, directory: &str) -> BTreeMap<String, Rc<str>> {
        let mut found = BTreeMap::new();
        let mut open: Vec<(String, String)> =
            labels.into_iter().map(|label| (label.to_owned(), directory.to_owned())).collect();
        while let Some((label, directory)) = open.pop() {
            let Some((path, text)) = self.loaded(&label, &directory) else { continue };
            if found.contains_key(&path) {
                continue;
            }
            let own = self.package_of(&path).unwrap_or_default().to_owned();
            let is_starlark = |value: &&str| value.ends_with(".bzl") || value.ends_with(".scl");
            open.extend(strings(&text).into_iter().filter(is_starlark).map(|value| (value.to_owned(), own.clone())));
            found.insert(path, text);
        }
        found
    }

    /// What configures Bazel.
    pub fn configuration(&self) -> Configuration {
        let mut found = Configuration::default();
        let names = AT_ROOT.iter().chain(&UNNAMED).map(|name| (*name).to_owned());
        found.shared = names.filter(|path| self.has(path)).collect();
        found.repositories.extend(self.has(LOCK).then(|| LOCK.to_owned()));
        let is_module =
            |path: &String| path == "MODULE.bazel" || path.ends_with(".MODULE.bazel") || path.starts_with("WORKSPACE");
        for path in &self.all {
            if path.ends_with("bazelrc") {
                found.shared.insert(path.clone());
                let text = self.text(path).unwrap_or_default();
                let words = text.split(|c: char| c.is_whitespace() || matches!(c, '=' | ','));
                words
                    .filter_map(|word| word.find("//").map(|at| &word[at..]))
                    .for_each(|word| self.add_named(word, &mut found));
            } else if is_module(path) {
                found.shared.insert(path.clone());
                let text = self.text(path).unwrap_or_default();
                strings(&text).into_iter().for_each(|value| self.add_named(value, &mut found));
                // Other repositories within this one.
                let parsed = self.parse(path);
                let places = parsed.iter().flat_map(|file| &file.calls).filter_map(|call| call.string("path"));
                for place in places.map(crate::source::tree::clean).filter(|place| !place.is_empty()) {
                    found.shared.extend(self.below(&place).cloned());
                }
            }
        }
        found
    }

    /// Adds what a string of MODULE.bazel names.
    fn add_named(&self, value: &str, found: &mut Configuration) {
        let Name::Label(package, name) = label::name(value, "", &self.own) else { return };
        let path = label::file(&package, &name);
        if !self.has(&path) {
            found.targets.insert((package, name));
        } else if path.ends_with(".bzl") {
            found.shared.extend(self.closure([value], "").into_keys());
        } else if path.ends_with(".patch") || path.ends_with(".diff") {
            found.shared.insert(path);
        } else {
            found.repositories.insert(path);
        }
    }
}
