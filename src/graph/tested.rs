//! The packages that test binaries consist of, as they are built (`TestPackagesFor` in `cmd/go/internal/load`).

use std::collections::{BTreeSet, HashMap};

use super::covered::{Coverage, Covered};
use super::load::{Godebug, Id, Loader};
use super::loaded::Kind;
use super::variants::TestPackages;
use super::{ForTest, Origin, Package, PackageGraph, Sources};
use crate::error::Result;
use crate::name::ImportPath;
use crate::source::choose::Selection;
use crate::source::context::BuildContext;
use crate::source::record::FileGroup;

/// A package that is to be tested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tested {
    /// Its import path.
    pub path: ImportPath,
    /// Where it is; `None` where that is what is wrong.
    pub origin: Option<Origin>,
    /// Whether there are files of tests.
    pub has_tests: bool,
    /// Its tests.
    pub tests: Tests,
}

/// The tests of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tests {
    /// There are none; the package itself is built.
    None,
    /// What is wrong with the package or with what it needs, in the words of the go command.
    Broken(Vec<String>),
    /// The program that runs them.
    Program(TestProgram),
}

/// The program that runs the tests of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestProgram {
    /// Its [unit](Package::unit) in the graph.
    pub unit: String,
    /// The name in the package clauses of the tested package.
    pub package: String,
    /// The files of the tests in the package itself.
    pub internal: Vec<String>,
    /// The files of the tests in the package `…_test`.
    pub external: Vec<String>,
    /// Whether there is a package besides the external tests.
    pub has_package: bool,
    /// The value of `DefaultGODEBUG`.
    pub default_godebug: String,
    /// If this tests a command with the same value: where the packages are that the command itself consists of.
    pub command: Option<Vec<Origin>>,
}

/// The tests of some packages, with all that they need.
#[derive(Clone, Debug)]
pub struct TestGraph {
    /// What is compiled.
    pub graph: PackageGraph,
    /// What is tested, in the order in which it was asked for.
    pub tested: Vec<Tested>,
    /// The import paths that [`Coverage::selects`] selects, in Go's order.
    pub covered: Option<Vec<String>>,
}

/// How tests are loaded.
#[derive(Clone, Copy)]
pub struct TestOptions<'o> {
    /// Which statements are counted.
    pub coverage: Option<Coverage<'o>>,
    /// Says by name and place of a package whether its tests are compiled with a profile, where that decides about build IDs.
    pub guided: &'o dyn Fn(&str, &Origin) -> bool,
    /// Whether the packages themselves are loaded, too, where their tests have them compiled anew.
    pub with_packages: bool,
}

impl Default for TestOptions<'_> {
    fn default() -> Self {
        TestOptions { coverage: None, guided: &|_, _| false, with_packages: false }
    }
}

impl PackageGraph {
    /// Loads the tests of `roots` with all that they need. What is wrong with some of them is part of the result.
    ///
    /// # Errors
    ///
    /// Only what stops everything: a directory that can't be read.
    pub fn load_tests<'a>(
        sources: &'a Sources<'a>,
        context: &'a BuildContext,
        godebug: &'a Godebug<'a>,
        roots: &'a [ImportPath],
        options: TestOptions,
    ) -> Result<TestGraph> {
        let TestOptions { coverage, guided, with_packages } = options;
        let mut loader = Loader::new(sources, context, godebug, HashMap::new());
        // From the first package on: whoever is linked needs what writes counters.
        loader.covered = coverage.map(|coverage| Covered { packages: None, is_atomic: coverage.is_atomic });
        let ids = roots.iter().map(|root| loader.root(root.as_str())).collect::<Result<Vec<Id>>>()?;
        if let Some(Coverage { selects: Some(selects), is_atomic }) = coverage {
            let candidates = loader.needed_by_tests(&ids)?;
            let packages = Some(loader.select_covered(&candidates, selects, is_atomic)?);
            loader.covered = Some(Covered { packages, is_atomic });
        }
        let has_tests = |loader: &Loader, id: Id| {
            let chosen = &loader.packages[id].found.chosen;
            !chosen.test.files.go.is_empty() || !chosen.external_test.files.go.is_empty()
        };
        // As in Go, the statements of packages without tests are counted by all.
        for id in ids.iter().filter(|_| loader.covers_own()).copied().collect::<Vec<Id>>() {
            if !has_tests(&loader, id) {
                loader.count_statements(id)?;
            }
        }
        let mut programs = Vec::new();
        for &id in &ids {
            if !has_tests(&loader, id) {
                programs.push(None);
                continue;
            }
            let of_package = &loader.packages[id];
            let is_guided = of_package.found.origin.as_ref().is_some_and(|origin| guided(&of_package.name(), origin));
            // As if no other package was tested: each has a profile of its own.
            let own = if is_guided { loader.post_order(&[id]) } else { Vec::new() };
            own.iter().for_each(|id| loader.packages[*id].has_profile = true);
            programs.push(Some(loader.add_tests(id)?));
            own.iter().for_each(|id| loader.packages[*id].has_profile = false);
        }
        let mut units = Units { loader: &loader, graph: PackageGraph::default(), added: HashMap::new() };
        let mut tested = Vec::new();
        for ((path, id), program) in roots.iter().zip(ids).zip(programs) {
            let origin = loader.packages[id].found.origin.clone();
            let has_tests = program.is_some();
            let tests = units.add(id, program);
            if with_packages {
                units.add_package(id);
            }
            tested.push(Tested { path: path.clone(), origin, has_tests, tests });
        }
        let graph = units.graph;
        let covered = loader.covered.and_then(|covered| covered.packages);
        Ok(TestGraph { graph, tested, covered })
    }
}

/// Packages that are built, of those that a loader has loaded.
struct Units<'l> {
    loader: &'l Loader<'l>,
    graph: PackageGraph,
    /// What was added, each with what is wrong with it: most tests need the same packages.
    added: HashMap<Id, Option<String>>,
}

impl Units<'_> {
    /// Adds what a test needs to the graph.
    fn add(&mut self, id: Id, program: Option<TestPackages>) -> Tests {
        let wrong = self.errors(id, program.as_ref());
        if !wrong.is_empty() {
            return Tests::Broken(wrong);
        }
        let root = program.as_ref().map_or(id, |program| program.main);
        for id in self.loader.post_order(&[root]) {
            if let Some(error) = self.add_unit(id) {
                return Tests::Broken(vec![error]);
            }
        }
        let Some(program) = program else { return Tests::None };
        let loaded = &self.loader.packages[program.main];
        let chosen = &loaded.found.chosen;
        let files = &chosen.package.files;
        let real = &self.loader.packages[id];
        let is_same = real.name() == "main" && real.default_godebug == loaded.default_godebug;
        let origin = |id: Id| self.loader.packages[id].found.origin.clone();
        Tests::Program(TestProgram {
            unit: format!("{} [{}]", loaded.path, loaded.path),
            package: chosen.name.clone(),
            internal: chosen.test.files.go.clone(),
            external: chosen.external_test.files.go.clone(),
            has_package: !files.go.is_empty() || !files.cgo.is_empty() || !chosen.test.files.go.is_empty(),
            default_godebug: loaded.default_godebug.clone(),
            command: is_same.then(|| self.loader.post_order(&[id]).into_iter().filter_map(origin).collect()),
        })
    }

    /// Adds a package whose dependencies were added; what is wrong with it.
    fn add_unit(&mut self, id: Id) -> Option<String> {
        if let Some(known) = self.added.get(&id) {
            return known.clone();
        }
        let wrong = match self.loader.unit(id) {
            Ok(Some(package)) if !self.graph.index.contains_key(&package.unit()) => {
                self.graph.add(package);
                None
            }
            Ok(_) => None,
            Err(error) => Some(error.to_string()),
        };
        self.added.insert(id, wrong.clone());
        wrong
    }

    /// Adds a package itself, if it can be built.
    fn add_package(&mut self, id: Id) {
        let files = &self.loader.packages[id].found.chosen.package.files;
        if !(files.go.is_empty() && files.cgo.is_empty()) && self.errors(id, None).is_empty() {
            self.add(id, None);
        }
    }

    /// What is wrong with the package and what it needs, or else with its tests.
    fn errors(&self, id: Id, program: Option<&TestPackages>) -> Vec<String> {
        let loader = self.loader;
        let errors = |roots: &[Id]| -> Vec<String> {
            let all = loader.post_order(roots).into_iter().filter_map(|id| loader.packages[id].error);
            all.map(|error| loader.errors[error].shown()).collect()
        };
        let own = errors(&[id]);
        match program {
            Some(program) if own.is_empty() => errors(&[program.main]).into_iter().take(1).collect(),
            // That there is nothing but tests is wrong for those who import it.
            Some(_) if loader.packages[id].found.chosen.package.files.go.is_empty() => Vec::new(),
            _ => own,
        }
    }
}

impl Loader<'_> {
    /// All that packages and their tests need (`TestPackageList`).
    fn needed_by_tests(&mut self, roots: &[Id]) -> Result<Vec<Id>> {
        let mut all = Vec::new();
        for root in roots {
            all.push(*root);
            let chosen = self.packages[*root].found.chosen.clone();
            for path in chosen.test.imports.keys().chain(chosen.external_test.imports.keys()) {
                all.push(self.root(path)?);
            }
        }
        Ok(self.post_order(&all))
    }

    /// A package as it is compiled; `None` for `unsafe`, which is compiled into what imports it.
    fn unit(&self, id: Id) -> Result<Option<Package>> {
        let loaded = &self.packages[id];
        if &*loaded.path == "unsafe" {
            return Ok(None);
        }
        let mut package = self.built(id, loaded.kind != Kind::Plain)?;
        let chosen = &loaded.found.chosen;
        let embedded = |files: &FileGroup| files.embed.values().flatten().cloned().collect::<BTreeSet<String>>();
        let mut of_tests = BTreeSet::new();
        let mut own = embedded(&package.selection.files);
        match loaded.kind {
            Kind::Plain => {}
            Kind::WithTests => {
                let tests = self.settled(&chosen.test, &loaded.embeds[1]);
                of_tests = embedded(&tests.files);
                let files = &mut package.selection.files;
                // Not sorted: those of tests come last.
                files.go.extend(tests.files.go);
                files.embed.extend(tests.files.embed);
            }
            Kind::ExternalTest => {
                package.selection = self.settled(&chosen.external_test, &loaded.embeds[2]);
                own = embedded(&package.selection.files);
            }
            Kind::TestMain => {
                package.selection = Selection { name: "main".to_owned(), ..Selection::default() };
                own.clear();
            }
        }
        package.import_order = loaded.deps().iter().map(|dep| self.packages[*dep].path.to_string()).collect();
        package.import_path = loaded.path.parse()?;
        package.linker_deps = BTreeSet::new();
        let written: BTreeSet<&ImportPath> = package.imports.values().collect();
        let (mut implied, mut for_test) = (BTreeSet::new(), BTreeSet::new());
        for dep in loaded.deps().iter().map(|dep| &self.packages[*dep]).filter(|dep| &*dep.path != "unsafe") {
            let path: ImportPath = dep.path.parse()?;
            if dep.for_test.is_some() {
                for_test.insert(path.clone());
            }
            if !written.contains(&path) {
                implied.insert(path);
            }
        }
        package.tool_imports = implied;
        let tested = match loaded.kind {
            Kind::TestMain => loaded.path.strip_suffix(".test"),
            _ => loaded.for_test.as_deref(),
        };
        if let Some(tested) = tested {
            let embedded = own.into_iter().chain(of_tests).collect();
            package.for_test = Some(ForTest { tested: tested.parse()?, kind: loaded.kind, deps: for_test, embedded });
        }
        Ok(Some(package))
    }
}
