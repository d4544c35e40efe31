//! The graphs of several build contexts in one, as people look at them: packages, or modules, with their sizes.

use std::collections::{BTreeMap, BTreeSet};

use super::{Package, PackageGraph, paths};

/// Several graphs in one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// What the nodes are.
    pub kind: NodeKind,
    /// The graphs that it was made of.
    pub views: Vec<View>,
    /// The modules, sorted by path.
    pub modules: Vec<Module>,
    /// The packages or modules, sorted by path.
    pub nodes: Vec<Node>,
    /// How many packages of std were left out.
    pub std_left_out: usize,
}

/// What the nodes of a picture are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// A node for each package.
    Packages,
    /// A node for each module.
    Modules,
}

/// A build context of the spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The configuration's name in plans, e.g. `linux_amd64-debug`.
    pub name: String,
    /// The platform, e.g. `linux/amd64`.
    pub platform: String,
    /// The profile's name.
    pub profile: String,
}

/// A module that has packages in a picture, or that go.mod requires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// The path; `std` for the standard library.
    pub path: String,
    /// The selected version; none for the repository's own.
    pub version: Option<String>,
    /// Where its source is.
    pub origin: ModuleOrigin,
    /// What a `replace` directive puts in its place.
    pub replace: Option<String>,
    /// Bytes of its zip; none when it isn't downloaded.
    pub zip_size: Option<u64>,
}

/// Where the source of a module is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModuleOrigin {
    /// The SDK.
    Std,
    /// The repository; the module is one that is built for its own sake.
    Main,
    /// A directory of the repository that takes the place of a module.
    Local,
    /// The vendor directory.
    Vendored,
    /// A module's zip.
    Downloaded,
}

/// A package or a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The import path, or the module's path.
    pub path: String,
    /// The name in the package clauses; empty for a module.
    pub name: String,
    /// Its module, as index in [`Picture::modules`].
    pub module: usize,
    /// The directory relative to the spec; none outside of the repository.
    pub directory: Option<String>,
    /// The source files that some view chooses, without tests and embedded files, relative to the package's directory; of a module
    /// as import paths.
    pub files: BTreeSet<String>,
    /// The test files that some view chooses, when tests were asked for.
    pub test_files: BTreeSet<String>,
    /// Bytes of `files`; none when they aren't in the repository.
    pub bytes: Option<u64>,
    /// The views that have it, as indices.
    pub views: BTreeSet<usize>,
    /// What it imports, by index in [`Picture::nodes`], and why; with the views that have it, as indices. A view is only at the first
    /// of several reasons.
    pub imports: BTreeMap<(usize, ImportKind), BTreeSet<usize>>,
}

/// Why one package needs another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImportKind {
    /// Its source imports it.
    Source,
    /// A tool adds the import: cgo, or the linker.
    Implicit,
    /// Only its tests import it.
    Test,
}

impl ImportKind {
    /// How it is named where it isn't the usual one.
    pub fn note(self) -> Option<&'static str> {
        match self {
            ImportKind::Source => None,
            ImportKind::Implicit => Some("implicit"),
            ImportKind::Test => Some("test"),
        }
    }
}

/// A module that one package of another module is the only one to import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SingleImport {
    /// The module, as index in [`Picture::modules`].
    pub module: usize,
    /// The node that imports it.
    pub importer: usize,
    /// What it imports.
    pub imported: usize,
}

impl Picture {
    /// Puts graphs together. `modules` must have what `module_of` gives for each package: the module's index, and the package's
    /// directory if it is in the repository.
    pub fn new(
        graphs: &[(View, PackageGraph)],
        modules: Vec<Module>,
        module_of: &dyn Fn(&Package) -> (usize, Option<String>),
    ) -> Picture {
        let all = || graphs.iter().enumerate().flat_map(|(view, (_, graph))| graph.packages().iter().map(move |p| (view, p)));
        let paths: BTreeSet<&str> = all().map(|(_, p)| p.import_path.as_str()).collect();
        let index: BTreeMap<&str, usize> = paths.into_iter().enumerate().map(|(i, path)| (path, i)).collect();
        let mut nodes: Vec<Option<Node>> = vec![None; index.len()];
        for (view, package) in all() {
            let node = nodes[index[package.import_path.as_str()]].get_or_insert_with(|| {
                let (module, directory) = module_of(package);
                Node::new(package.import_path.as_str(), package.selection.name.as_str(), module, directory)
            });
            node.add(view, package, &|path| index[path]);
        }
        let views = graphs.iter().map(|(view, _)| view.clone()).collect();
        Picture { kind: NodeKind::Packages, views, modules, nodes: nodes.into_iter().flatten().collect(), std_left_out: 0 }
    }

    /// The picture without std's packages.
    #[must_use]
    pub fn without_std(self) -> Picture {
        let is_std = |node: &Node| self.modules[node.module].origin == ModuleOrigin::Std;
        let std_left_out = self.nodes.iter().filter(|node| is_std(node)).count();
        let (mut place, mut count) = (Vec::new(), 0);
        for node in &self.nodes {
            place.push((!is_std(node)).then_some(count));
            count += usize::from(!is_std(node));
        }
        let kept = self.nodes.into_iter().zip(&place).filter(|(_, place)| place.is_some()).map(|(node, _)| node);
        let renumbered = kept.map(|mut node| {
            let imports = std::mem::take(&mut node.imports).into_iter();
            node.imports = imports.filter_map(|((to, kind), views)| Some(((place[to]?, kind), views))).collect();
            node
        });
        Picture { nodes: renumbered.collect(), std_left_out, ..self }
    }

    /// The picture with a node for each module that has packages in it.
    #[must_use]
    pub fn by_module(self) -> Picture {
        let used: BTreeSet<usize> = self.nodes.iter().map(|node| node.module).collect();
        let place: BTreeMap<usize, usize> = used.iter().enumerate().map(|(node, module)| (*module, node)).collect();
        let of_package: Vec<usize> = self.nodes.iter().map(|node| place[&node.module]).collect();
        let empty = |module: &usize| Node::new(&self.modules[*module].path, "", *module, None);
        let mut nodes: Vec<Node> = used.iter().map(empty).collect();
        for package in self.nodes {
            let to = place[&package.module];
            let node = &mut nodes[to];
            let in_module = |files: BTreeSet<String>| {
                let path = package.path.clone();
                files.into_iter().map(move |file| format!("{path}/{file}"))
            };
            // What isn't known of one package isn't known of the sum.
            let first = node.views.is_empty();
            node.bytes = if first { package.bytes } else { node.bytes.zip(package.bytes).map(|(a, b)| a + b) };
            node.files.extend(in_module(package.files));
            node.test_files.extend(in_module(package.test_files));
            node.views.extend(package.views);
            for ((imported, kind), views) in package.imports {
                if of_package[imported] != to {
                    node.imports.entry((of_package[imported], kind)).or_default().extend(views);
                }
            }
        }
        nodes.iter_mut().for_each(Node::keep_first_reasons);
        Picture { kind: NodeKind::Modules, nodes, ..self }
    }

    /// The node with a path.
    pub fn find(&self, path: &str) -> Option<usize> {
        self.nodes.binary_search_by(|node| node.path.as_str().cmp(path)).ok()
    }

    /// What each node needs before it can be built in a view: its imports, but not those of tests.
    pub fn edges(&self, view: usize) -> Vec<Vec<usize>> {
        self.nodes.iter().map(|node| node.imported(view, |kind| kind != ImportKind::Test).collect()).collect()
    }

    /// For each node and each view, how many others need it there.
    pub fn needed_by(&self) -> Vec<Vec<usize>> {
        let mut table = vec![Vec::new(); self.nodes.len()];
        for view in 0..self.views.len() {
            let needed = paths::needed_by(&self.edges(view));
            table.iter_mut().zip(needed).for_each(|(row, number)| row.push(number));
        }
        table
    }

    /// The modules of others of which a single package is imported, by a single package of another module.
    pub fn single_imports(&self) -> Vec<SingleImport> {
        let mut found: BTreeMap<usize, Vec<SingleImport>> = BTreeMap::new();
        for (importer, node) in self.nodes.iter().enumerate() {
            for imported in node.imports.keys().map(|(to, _)| *to).collect::<BTreeSet<usize>>() {
                let module = self.nodes[imported].module;
                let is_others = !matches!(self.modules[module].origin, ModuleOrigin::Std | ModuleOrigin::Main);
                if is_others && module != node.module {
                    found.entry(module).or_default().push(SingleImport { module, importer, imported });
                }
            }
        }
        found.into_values().filter(|imports| imports.len() == 1).flatten().collect()
    }
}

impl Node {
    fn new(path: &str, name: &str, module: usize, directory: Option<String>) -> Node {
        Node {
            path: path.to_owned(),
            name: name.to_owned(),
            module,
            directory,
            files: BTreeSet::new(),
            test_files: BTreeSet::new(),
            bytes: None,
            views: BTreeSet::new(),
            imports: BTreeMap::new(),
        }
    }

    fn add(&mut self, view: usize, package: &Package, index: &dyn Fn(&str) -> usize) {
        self.views.insert(view);
        self.files.extend(package.selection.files.sources().map(str::to_owned));
        let tests = package.tests.as_ref();
        if let Some(tests) = tests {
            self.test_files
                .extend([&tests.internal, &tests.external].into_iter().flat_map(|s| s.files.sources()).map(str::to_owned));
        }
        let by_source = package.imports.values().map(|path| (ImportKind::Source, path));
        let by_tools = package.tool_imports.iter().chain(&package.linker_deps).map(|path| (ImportKind::Implicit, path));
        let by_tests = tests.into_iter().flat_map(|t| t.imports.values()).map(|path| (ImportKind::Test, path));
        for (kind, path) in by_source.chain(by_tools).chain(by_tests) {
            // An external test imports the package that it tests.
            if *path != package.import_path {
                self.imports.entry((index(path.as_str()), kind)).or_default().insert(view);
            }
        }
        self.keep_first_reasons();
    }

    fn keep_first_reasons(&mut self) {
        let mut known: BTreeSet<(usize, usize)> = BTreeSet::new();
        for ((to, _), views) in &mut self.imports {
            views.retain(|view| known.insert((*to, *view)));
        }
        self.imports.retain(|_, views| !views.is_empty());
    }

    /// What it imports in a view, for reasons of some kinds.
    pub fn imported(&self, view: usize, wanted: impl Fn(ImportKind) -> bool) -> impl Iterator<Item = usize> {
        let counts = move |(_, kind): &(usize, ImportKind), views: &BTreeSet<usize>| wanted(*kind) && views.contains(&view);
        self.imports.iter().filter(move |(key, views)| counts(key, views)).map(|((to, _), _)| *to)
    }
}

impl Module {
    /// The module as people name it: with its version, if it has one.
    pub fn id(&self) -> String {
        match &self.version {
            Some(version) => format!("{}@{version}", self.path),
            None => self.path.clone(),
        }
    }
}
