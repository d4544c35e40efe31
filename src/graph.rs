//! The package graph of one build context: which packages, which of their files, and what their imports mean.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::error::Result;
use crate::name::ImportPath;
use crate::source::choose::Selection;
use crate::source::context::BuildContext;
use crate::source::header::DebugSetting;
use covered::{Coverage, Covered};
use load::{Id, Loader};

mod ahead;
mod built;
pub mod chains;
pub mod covered;
mod failure;
pub mod files;
pub mod find;
pub mod godebug;
mod implicit;
pub mod listing;
pub mod load;
pub mod loaded;
pub mod matching;
pub mod paths;
pub mod pattern;
pub mod picture;
pub mod problem;
pub mod resolve;
pub mod sources;
pub mod tested;
pub mod variants;
mod walk;

pub use loaded::Kind;
pub use resolve::Origin;
pub use sources::{ListedModule, MainModule, ModuleInfo, Recorded, Sources, StandsFor, Std, ThirdParty};

/// A package as one build context sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// The import path; `vendor/golang.org/x/…` for those that std vendors.
    pub import_path: ImportPath,
    /// Where its source is.
    pub origin: Origin,
    /// Its name and its chosen files.
    pub selection: Selection,
    /// Each import as written, and the package that it means; without `C` and `unsafe`.
    pub imports: BTreeMap<String, ImportPath>,
    /// Packages that tools make the compiled package import: by cgo `runtime/cgo` and `syscall`, by `simd` its bridge, to count statements
    /// `sync/atomic` and `runtime/coverage`.
    pub tool_imports: BTreeSet<ImportPath>,
    /// Packages that the linker needs besides the imports; only for `main`.
    pub linker_deps: BTreeSet<ImportPath>,
    /// All that it imports in the order of the go command, which may name some twice, with `unsafe`; only where tests are built.
    pub import_order: Vec<String>,
    /// The language version for `-lang`, without `go`, e.g. `1.22`.
    pub language: String,
    /// The `//go:debug` lines, which count in package `main`; only read in main modules.
    pub debug: Vec<DebugSetting>,
    /// The tests; only when they were asked for, of roots that have some.
    pub tests: Option<PackageTests>,
    /// The test that it is compiled for; `None` for the package as everybody sees it.
    pub for_test: Option<ForTest>,
}

/// How a package is compiled for a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForTest {
    /// The package that is tested.
    pub tested: ImportPath,
    /// What the compiled package is there.
    pub kind: Kind,
    /// Which of its dependencies are compiled for the test, too.
    pub deps: BTreeSet<ImportPath>,
    /// The embedded files in the order of the go command: the package's own, then those of its tests.
    pub embedded: Vec<String>,
}

impl ForTest {
    fn unit(&self, path: &ImportPath) -> String {
        format!("{path} [{}.test]", self.tested)
    }
}

/// The test files of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageTests {
    /// `_test.go` files of the package itself.
    pub internal: Selection,
    /// `_test.go` files of the package `…_test`.
    pub external: Selection,
    /// The imports of both, as [`Package::imports`]. An external test may import the package itself.
    pub imports: BTreeMap<String, ImportPath>,
    /// Their `//go:debug` lines.
    pub debug: Vec<DebugSetting>,
}

impl Package {
    /// What tells it from all others that are compiled: the import path, with that of the test program for which it is compiled, as in
    /// `go list -test`.
    pub fn unit(&self) -> String {
        match &self.for_test {
            Some(for_test) => for_test.unit(&self.import_path),
            None => self.import_path.to_string(),
        }
    }

    /// The [unit](Package::unit) of one of its dependencies.
    pub fn unit_of_dep(&self, dep: &ImportPath) -> String {
        match &self.for_test {
            Some(for_test) if for_test.deps.contains(dep) => for_test.unit(dep),
            _ => dep.to_string(),
        }
    }

    /// The packages that must be compiled before this one, and whose export data it may see.
    pub fn compile_deps(&self) -> BTreeSet<&ImportPath> {
        self.imports.values().chain(&self.tool_imports).collect()
    }

    /// All direct dependencies, those of the linker too.
    pub fn deps(&self) -> BTreeSet<&ImportPath> {
        self.imports.values().chain(&self.tool_imports).chain(&self.linker_deps).collect()
    }

    /// Whether this is a command; what a test makes a library of one isn't.
    pub fn is_main(&self) -> bool {
        self.selection.name == "main" && self.for_test.as_ref().is_none_or(|for_test| for_test.kind == Kind::TestMain)
    }

    /// Whether it belongs to the SDK.
    pub fn is_std(&self) -> bool {
        self.origin == Origin::Std
    }
}

/// The direct dependencies of a package, by their places in the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Deps {
    /// Those of [`Package::compile_deps`].
    compiled: Vec<usize>,
    /// Those of [`Package::deps`].
    linked: Vec<usize>,
}

/// Packages, each after its dependencies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackageGraph {
    packages: Vec<Package>,
    /// What each of them needs.
    deps: Vec<Deps>,
    /// Where each unit is.
    index: BTreeMap<String, usize>,
    /// The packages whose statements are counted.
    covered: Vec<String>,
}

impl PackageGraph {
    /// Loads `roots` and all that they need. With `tests`, also what the tests of the roots need.
    ///
    /// # Errors
    ///
    /// The first problem: an unreadable or missing package, an import cycle, an import of a command or of an internal package, files
    /// that don't go together.
    pub fn load<'a>(
        sources: &'a Sources<'a>,
        context: &'a BuildContext,
        roots: &'a [ImportPath],
        tests: bool,
    ) -> Result<PackageGraph> {
        PackageGraph::load_covered(sources, context, roots, tests, None)
    }

    /// The same for binaries that count the statements which `coverage` selects.
    ///
    /// # Errors
    ///
    /// Those of [`PackageGraph::load`].
    pub fn load_covered<'a>(
        sources: &'a Sources<'a>,
        context: &'a BuildContext,
        roots: &'a [ImportPath],
        tests: bool,
        coverage: Option<Coverage>,
    ) -> Result<PackageGraph> {
        let mut loader = Loader::new(sources, context, &|_| String::new(), HashMap::new()).strict();
        // From the first package on: whoever is linked needs what writes counters.
        loader.covered = coverage.map(|coverage| Covered { packages: None, is_atomic: coverage.is_atomic });
        let ids = roots.iter().map(|root| loader.root(root.as_str())).collect::<Result<Vec<Id>>>()?;
        if let Some(Coverage { selects: Some(selects), is_atomic }) = coverage {
            let packages = Some(loader.select_covered(&loader.post_order(&ids), selects, is_atomic)?);
            loader.covered = Some(Covered { packages, is_atomic });
        }
        let (mut listed, mut of_tests) = (ids.clone(), HashMap::new());
        for id in ids.iter().copied().filter(|_| tests) {
            if let Some((tests, deps)) = loader.strict_tests(id)? {
                of_tests.insert(id, tests);
                listed.extend(deps);
            }
        }
        let mut graph = PackageGraph::default();
        for id in loader.post_order(&listed) {
            graph.add(Package { tests: of_tests.remove(&id), ..loader.built(id, ids.contains(&id))? });
        }
        graph.covered = loader.covered.and_then(|covered| covered.packages).unwrap_or_default();
        Ok(graph)
    }

    /// Adds a package after its dependencies.
    fn add(&mut self, package: Package) {
        let places = |deps: BTreeSet<&ImportPath>| deps.into_iter().map(|dep| self.index[&package.unit_of_dep(dep)]).collect();
        let deps = Deps { compiled: places(package.compile_deps()), linked: places(package.deps()) };
        self.index.insert(package.unit(), self.packages.len());
        self.deps.push(deps);
        self.packages.push(package);
    }

    /// Where the packages are that `roots` and their tests need, as far as they can be loaded: what is wrong with a package keeps out
    /// what it imports, and nothing else.
    ///
    /// # Errors
    ///
    /// What isn't wrong with the sources, such as a module that can't be fetched.
    pub fn reach<'a>(sources: &'a Sources<'a>, context: &'a BuildContext, roots: &[ImportPath]) -> Result<Vec<Origin>> {
        let mut loader = Loader::new(sources, context, &|_| String::new(), HashMap::new());
        for root in roots {
            let id = loader.root(root.as_str())?;
            // The test binary itself, with what is recompiled for it, needs nothing else of others.
            let chosen = loader.packages[id].found.chosen.clone();
            for tests in [&chosen.test, &chosen.external_test] {
                loader.import_tests(id, tests)?;
            }
        }
        Ok(loader.packages.iter().filter_map(|package| package.found.origin.clone()).collect())
    }

    /// All packages, each after its dependencies.
    pub fn packages(&self) -> &[Package] {
        &self.packages
    }

    /// The import paths of packages that count their statements in all binaries.
    pub fn covered(&self) -> &[String] {
        &self.covered
    }

    /// The package with an import path.
    pub fn get(&self, path: &ImportPath) -> Option<&Package> {
        self.index.get(path.as_str()).map(|i| &self.packages[*i])
    }

    /// The directories of third-party modules that the graph needs, by the module's index in [`Sources::third_party`].
    pub fn module_directories(&self) -> BTreeMap<usize, BTreeSet<&str>> {
        let mut modules: BTreeMap<usize, BTreeSet<&str>> = BTreeMap::new();
        for package in &self.packages {
            if let Origin::Module { index, directory } = &package.origin {
                modules.entry(*index).or_default().insert(directory);
            }
        }
        modules
    }

    /// `roots`, which are units, and all that they need, each after its dependencies; what isn't in the graph is passed over.
    ///
    /// With `linked`, this includes what the linker adds to commands among them.
    pub fn closure<'a>(&self, roots: impl IntoIterator<Item = &'a str>, linked: bool) -> Vec<&Package> {
        let mut wanted = vec![false; self.packages.len()];
        for root in roots {
            if let Some(i) = self.index.get(root) {
                wanted[*i] = true;
            }
        }
        // Dependencies stand before their importers, so one pass from the end marks all.
        for i in (0..self.packages.len()).rev() {
            if wanted[i] {
                let deps = if linked { &self.deps[i].linked } else { &self.deps[i].compiled };
                deps.iter().for_each(|dep| wanted[*dep] = true);
            }
        }
        self.packages.iter().zip(wanted).filter_map(|(package, wanted)| wanted.then_some(package)).collect()
    }
}

#[cfg(test)]
mod tests;
