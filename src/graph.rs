//! The package graph of one build context: which packages, which of their files, and what their imports mean.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Result};
use crate::name::{GoVersion, ImportPath};
use crate::source::context::BuildContext;
use crate::source::header::DebugSetting;
use crate::source::scan::{Chosen, ImportSite, Selection};
use crate::source::tree::join;

mod ahead;
pub mod chains;
pub mod find;
pub mod godebug;
pub mod listing;
pub mod load;
pub mod matching;
pub mod paths;
pub mod pattern;
pub mod picture;
pub mod problem;
pub mod resolve;
pub mod sources;
pub mod variants;

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
    /// Packages that tools make the compiled package import: by cgo `runtime/cgo` and `syscall`, by `simd` its bridge.
    pub tool_imports: BTreeSet<ImportPath>,
    /// Packages that the linker needs besides the imports; only for `main`.
    pub linker_deps: BTreeSet<ImportPath>,
    /// The language version for `-lang`, without `go`, e.g. `1.22`.
    pub language: String,
    /// The `//go:debug` lines, which count in package `main`; only read in main modules.
    pub debug: Vec<DebugSetting>,
    /// The tests; only when they were asked for, of roots that have some.
    pub tests: Option<PackageTests>,
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
    /// The packages that must be compiled before this one, and whose export data it may see.
    pub fn compile_deps(&self) -> BTreeSet<&ImportPath> {
        self.imports.values().chain(&self.tool_imports).collect()
    }

    /// All direct dependencies, those of the linker too.
    pub fn deps(&self) -> BTreeSet<&ImportPath> {
        self.imports.values().chain(&self.tool_imports).chain(&self.linker_deps).collect()
    }

    /// Whether this is a command.
    pub fn is_main(&self) -> bool {
        self.selection.name == "main"
    }

    /// Whether it belongs to the SDK.
    pub fn is_std(&self) -> bool {
        self.origin == Origin::Std
    }
}

/// Packages, each after its dependencies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackageGraph {
    packages: Vec<Package>,
    index: BTreeMap<ImportPath, usize>,
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
        let mut loader = Loader {
            sources,
            context,
            roots: roots.iter().collect(),
            tests: BTreeMap::new(),
            graph: PackageGraph::default(),
            stack: Vec::new(),
        };
        let mut origins = Vec::new();
        for root in roots {
            let origin = sources.resolve(root)?;
            loader.visit(root, &origin)?;
            origins.push((root, origin));
        }
        if tests {
            for (root, origin) in &origins {
                loader.visit_tests(root, origin)?;
            }
        }
        Ok(loader.graph)
    }

    /// All packages, each after its dependencies.
    pub fn packages(&self) -> &[Package] {
        &self.packages
    }

    /// The package with an import path.
    pub fn get(&self, path: &ImportPath) -> Option<&Package> {
        self.index.get(path).map(|i| &self.packages[*i])
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

    /// `roots` and all that they need, each after its dependencies; paths that aren't in the graph are passed over.
    ///
    /// With `linked`, this includes what the linker adds to commands among them.
    pub fn closure<'a>(&self, roots: impl IntoIterator<Item = &'a ImportPath>, linked: bool) -> Vec<&Package> {
        let mut wanted = vec![false; self.packages.len()];
        for root in roots {
            if let Some(i) = self.index.get(root) {
                wanted[*i] = true;
            }
        }
        // Dependencies stand before their importers, so one pass from the end marks all.
        for i in (0..self.packages.len()).rev() {
            if wanted[i] {
                let package = &self.packages[i];
                let deps = if linked { package.deps() } else { package.compile_deps() };
                deps.into_iter().for_each(|dep| wanted[self.index[dep]] = true);
            }
        }
        self.packages.iter().zip(wanted).filter_map(|(package, wanted)| wanted.then_some(package)).collect()
    }
}

struct Loader<'a> {
    sources: &'a Sources<'a>,
    context: &'a BuildContext,
    roots: BTreeSet<&'a ImportPath>,
    /// What was chosen for the tests of roots.
    tests: BTreeMap<ImportPath, Chosen>,
    graph: PackageGraph,
    /// The packages being visited, each imported by the one before.
    stack: Vec<ImportPath>,
}

impl Loader<'_> {
    /// Loads a package after its dependencies.
    fn visit(&mut self, path: &ImportPath, origin: &Origin) -> Result<()> {
        if self.graph.index.contains_key(path) {
            return Ok(());
        }
        if let Some(start) = self.stack.iter().position(|p| p == path) {
            let cycle: Vec<&str> = self.stack[start..].iter().chain([path]).map(ImportPath::as_str).collect();
            return Err(Error::input(format!("import cycle not allowed: {}", cycle.join(" -> "))));
        }
        let mut chosen = self.choose(path, origin)?;
        let files = &chosen.package.files;
        let only_tests = files.go.is_empty() && files.cgo.is_empty();
        let has_tests = !chosen.test.files.go.is_empty() || !chosen.external_test.files.go.is_empty();
        let is_root = self.roots.contains(path);
        if only_tests && !(is_root && has_tests) {
            let what = if has_tests { "no non-test Go files in" } else { "build constraints exclude all Go files in" };
            return Err(Error::input(format!("{what} {}", self.place(path, origin))));
        }
        self.stack.push(path.clone());
        let written = std::mem::take(&mut chosen.package.files.imports);
        let imports = self.visit_imports(path, origin, &written, &chosen.import_sites)?;
        chosen.package.files.imports = written;
        let mut package = self.package(path, origin, &mut chosen, imports);
        self.add_implicit(&mut package)?;
        self.stack.pop();
        if is_root && has_tests {
            self.tests.insert(path.clone(), chosen);
        }
        self.graph.index.insert(path.clone(), self.graph.packages.len());
        self.graph.packages.push(package);
        Ok(())
    }

    fn package(
        &self,
        path: &ImportPath,
        origin: &Origin,
        chosen: &mut Chosen,
        imports: BTreeMap<String, ImportPath>,
    ) -> Package {
        let go = match origin {
            Origin::Std => Some(&self.context.go),
            Origin::Main { index, .. } => self.sources.main[*index].go.as_ref(),
            Origin::Module { index, .. } => self.sources.module(*index).2,
        };
        Package {
            import_path: path.clone(),
            origin: origin.clone(),
            selection: std::mem::take(&mut chosen.package),
            imports,
            tool_imports: BTreeSet::new(),
            linker_deps: BTreeSet::new(),
            language: go.map_or_else(|| "1.16".to_owned(), GoVersion::language),
            debug: std::mem::take(&mut chosen.debug),
            tests: None,
        }
    }

    fn choose(&self, path: &ImportPath, origin: &Origin) -> Result<Chosen> {
        let record = match origin {
            Origin::Std => self.sources.std_record(path.as_str()).map(Recorded::Locked),
            Origin::Module { index, directory } => self.sources.module_package(*index, directory)?,
            Origin::Main { index, directory } => {
                let package = self.sources.main_package(*index, directory)?;
                return package.map_or_else(|| Ok(Chosen::default()), |p| p.choose(self.sources.tree, self.context));
            }
        };
        let Some(record) = record else { return Ok(Chosen::default()) };
        let package =
            record.choose(self.context).map_err(|why| Error::input(format!("{}: {why}", self.place(path, origin))))?;
        Ok(Chosen { package, ..Chosen::default() })
    }

    /// A package's place for messages: the directory in the repository, or import path and module.
    fn place(&self, path: &ImportPath, origin: &Origin) -> String {
        match origin {
            Origin::Main { index, directory } => match join(&self.sources.main[*index].directory, directory) {
                root if root.is_empty() => ".".to_owned(),
                directory => directory,
            },
            _ => format!("{path} ({})", self.sources.describe(origin)),
        }
    }

    /// Resolves and visits imports.
    fn visit_imports(
        &mut self,
        importer: &ImportPath,
        origin: &Origin,
        written: &BTreeSet<String>,
        sites: &BTreeMap<String, ImportSite>,
    ) -> Result<BTreeMap<String, ImportPath>> {
        let mut imports = BTreeMap::new();
        for text in written {
            let resolved = self.sources.resolve_import(text, importer, origin);
            let Some((path, target)) = resolved.map_err(|e| self.locate(e, importer, origin, sites.get(text)))? else {
                continue;
            };
            self.visit(&path, &target)?;
            if self.graph.get(&path).is_some_and(Package::is_main) && path != *importer {
                let error = Error::input(format!("import \"{text}\" is a program, not an importable package"));
                return Err(self.locate(error, importer, origin, sites.get(text)));
            }
            imports.insert(text.clone(), path);
        }
        Ok(imports)
    }

    /// Adds to an error about an import where it stands.
    fn locate(&self, error: Error, importer: &ImportPath, origin: &Origin, site: Option<&ImportSite>) -> Error {
        let Origin::Main { index, directory } = origin else {
            return error.context(format!("{importer} ({})", self.sources.describe(origin)));
        };
        match (site, self.sources.main_package(*index, directory)) {
            (Some(site), Ok(Some(package))) => {
                let place = package.error(self.sources.tree, &site.file, site.offset, site.width, error.message());
                // The class stays: a wrong hash is one, whichever import asked for the module.
                match place.location() {
                    Some(location) => error.at(location.clone()),
                    None => error,
                }
            }
            _ => error.context(importer),
        }
    }

    /// What cgo, `simd` and the linker need besides the written imports (`(*Package).load` and `LinkerDeps` in cmd/go).
    fn add_implicit(&mut self, package: &mut Package) -> Result<()> {
        let path = package.import_path.as_str();
        let std = package.is_std();
        let mut tools = Vec::new();
        if package.imports.contains_key("simd") && self.sources.has_std("simd/internal/bridge")? {
            tools.push("simd/internal/bridge");
        }
        if !package.selection.files.cgo.is_empty() {
            if !(std && path == "runtime/cgo") {
                tools.push("runtime/cgo");
            }
            if !(std && matches!(path, "runtime/cgo" | "runtime/race" | "runtime/msan" | "runtime/asan")) {
                tools.push("syscall");
            }
        }
        let mut linker = Vec::new();
        if package.is_main() {
            linker.push("runtime");
            if self.context.platform.goarch() == "arm" {
                linker.push("math");
            }
            for sanitizer in ["race", "msan", "asan"].iter().filter(|tag| self.context.tags.contains(**tag)) {
                linker.push(match *sanitizer {
                    "race" => "runtime/race",
                    "msan" => "runtime/msan",
                    _ => "runtime/asan",
                });
            }
        }
        for (paths, deps) in [(tools, &mut package.tool_imports), (linker, &mut package.linker_deps)] {
            for path in paths {
                let path: ImportPath = path.parse()?;
                let origin = self.sources.resolve(&path)?;
                self.visit(&path, &origin)?;
                deps.insert(path);
            }
        }
        Ok(())
    }

    fn visit_tests(&mut self, path: &ImportPath, origin: &Origin) -> Result<()> {
        let Some(chosen) = self.tests.remove(path) else { return Ok(()) };
        let written = &chosen.test.files.imports | &chosen.external_test.files.imports;
        let imports = self.visit_imports(path, origin, &written, &chosen.import_sites)?;
        let tests = PackageTests { internal: chosen.test, external: chosen.external_test, imports, debug: chosen.test_debug };
        let index = self.graph.index[path];
        self.graph.packages[index].tests = Some(tests);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
