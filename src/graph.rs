//! The package graph of one build context: which files belong to each package, and which package each import means.

pub mod godebug;
pub mod local;
mod resolve;

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Result};
use crate::lock::file::{LockedModule, Lockfile, Replacement};
use crate::name::{GoVersion, ImportPath, ModulePath, ModuleVersion};
use crate::source::constraint::Constraint;
use crate::source::context::BuildContext;
use crate::source::record::PackageRecord;
use local::LocalPackages;

/// Go's language version for a module without a go line (`gover.DefaultGoModVersion`).
const DEFAULT_LANGUAGE: &str = "1.16";

/// All packages that some root packages need, with their imports resolved.
#[derive(Debug, Default)]
pub struct PackageGraph {
    packages: BTreeMap<String, Package>,
}

/// One package as a build context sees it. File names are relative to its directory, in name order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// The import path; `vendor/golang.org/x/…` for std's vendored ones.
    pub import_path: ImportPath,
    /// Who provides it.
    pub origin: Origin,
    /// The name in its package clauses.
    pub name: String,
    /// Go files without cgo.
    pub go: Vec<String>,
    /// Go files with `import "C"`.
    pub cgo: Vec<String>,
    /// Assembly files.
    pub asm: Vec<String>,
    /// C-family sources.
    pub c: Vec<String>,
    /// C headers.
    pub headers: Vec<String>,
    /// Prebuilt objects.
    pub syso: Vec<String>,
    /// Files by `//go:embed` pattern.
    pub embed: BTreeMap<String, Vec<String>>,
    /// What each import, as written, means. Without `C`; with `unsafe`.
    pub imports: BTreeMap<String, ImportPath>,
    /// The language version of its module, e.g. `1.27`.
    pub language: String,
}

/// Who provides a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The SDK.
    Std,
    /// A main module: the repository itself.
    Main {
        /// The module.
        module: ModulePath,
        /// The package's directory relative to the spec, slash-separated; empty for the spec's own.
        dir: String,
    },
    /// A third-party module.
    Module {
        /// The module path that imports use.
        path: ModulePath,
        /// Its version.
        version: ModuleVersion,
        /// The package's directory within the module; empty for its root.
        dir: String,
        /// The module's hash as in go.sum.
        h1: String,
        /// What replaces it.
        replace: Option<Replacement>,
    },
}

/// A main module: one that the repository holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MainModule {
    /// Its module path.
    pub path: ModulePath,
    /// Its directory relative to the spec, slash-separated; empty for the spec's own.
    pub dir: String,
    /// Its go line.
    pub go: Option<GoVersion>,
}

/// A third-party module as far as the graph needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// The module path that imports use.
    pub path: ModulePath,
    /// Its version.
    pub version: ModuleVersion,
    /// Its go line.
    pub go: Option<GoVersion>,
    /// Its hash as in go.sum; empty while it isn't known.
    pub h1: String,
    /// What replaces it.
    pub replace: Option<Replacement>,
}

/// Looks up the record of the package in a directory of a module; `None` when there is no package.
pub type ThirdParty<'a> = dyn Fn(&Module, &str) -> Result<Option<PackageRecord>> + 'a;

/// Everything that packages can come from.
pub struct Universe<'a> {
    /// The repository's own modules.
    pub mains: &'a [MainModule],
    /// The repository's packages.
    pub local: &'a LocalPackages,
    /// Third-party modules, one for each path.
    pub modules: &'a [Module],
    /// Their packages.
    pub third_party: &'a ThirdParty<'a>,
    /// std by import path.
    pub std: &'a BTreeMap<String, PackageRecord>,
}

impl From<&LockedModule> for Module {
    fn from(locked: &LockedModule) -> Module {
        Module {
            path: locked.path.clone(),
            version: locked.version.clone(),
            go: locked.go.clone(),
            h1: locked.h1.to_string(),
            replace: locked.replace.clone(),
        }
    }
}

/// Third-party packages as the lock records them.
pub fn locked_packages(lock: &Lockfile) -> impl Fn(&Module, &str) -> Result<Option<PackageRecord>> {
    |module, dir| {
        let locked = lock.modules.binary_search_by(|m| m.path.cmp(&module.path)).ok().map(|i| &lock.modules[i]);
        Ok(locked.and_then(|m| m.packages.get(dir)).cloned())
    }
}

impl PackageGraph {
    /// The package with this import path.
    pub fn package(&self, import_path: &str) -> Option<&Package> {
        self.packages.get(import_path)
    }

    /// All packages by import path.
    pub fn packages(&self) -> impl Iterator<Item = &Package> {
        self.packages.values()
    }
}

impl Package {
    /// All files that belong to the package, some possibly twice (a file may match several embed patterns).
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.sources().chain(self.embed.values().flatten().map(String::as_str))
    }

    /// All files but embedded ones.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        let kinds = [&self.go, &self.cgo, &self.asm, &self.c, &self.headers, &self.syso];
        kinds.into_iter().flatten().map(String::as_str)
    }
}

/// Loads `roots` and everything that they import.
///
/// # Errors
///
/// The first missing package, ambiguous import, cycle, forbidden internal import, or file that can't be read, with its place.
pub fn load(universe: &Universe, context: &BuildContext, roots: &[ImportPath]) -> Result<PackageGraph> {
    let mut graph = PackageGraph::default();
    // What the linker needs is loaded always: runtime, and math for arm's floating point.
    let always = ["runtime", "math"].map(str::parse).into_iter().collect::<Result<Vec<ImportPath>>>()?;
    for root in roots.iter().chain(&always) {
        add(&mut graph, universe, context, root)?;
    }
    check_cycles(&graph)?;
    Ok(graph)
}

fn add(graph: &mut PackageGraph, universe: &Universe, context: &BuildContext, root: &ImportPath) -> Result<()> {
    let mut todo = vec![resolve::root(universe, root)?];
    while let Some(found) = todo.pop() {
        if graph.packages.contains_key(found.import_path.as_str()) {
            continue;
        }
        let mut package = choose(&found, context)?;
        for written in std::mem::take(&mut package.imports).into_keys() {
            let target = resolve::import(universe, &package, &written)?;
            let import_path = target.as_ref().map_or_else(|| "unsafe".parse(), |t| Ok(t.import_path.clone()))?;
            package.imports.insert(written, import_path);
            todo.extend(target.filter(|t| !graph.packages.contains_key(t.import_path.as_str())));
        }
        graph.packages.insert(package.import_path.to_string(), package);
    }
    Ok(())
}

/// A package that was found, before its files are chosen.
pub(crate) struct Found {
    pub import_path: ImportPath,
    pub origin: Origin,
    pub go: Option<GoVersion>,
    pub record: PackageRecord,
}

/// The package as `context` sees it; its imports map to placeholders that the caller resolves.
fn choose(found: &Found, context: &BuildContext) -> Result<Package> {
    let language = match (&found.origin, &found.go) {
        (Origin::Std, _) => context.go.language(),
        (_, Some(go)) => go.language(),
        (_, None) => DEFAULT_LANGUAGE.to_owned(),
    };
    let mut package = Package {
        import_path: found.import_path.clone(),
        origin: found.origin.clone(),
        name: found.record.name.clone(),
        go: vec![],
        cgo: vec![],
        asm: vec![],
        c: vec![],
        headers: vec![],
        syso: vec![],
        embed: BTreeMap::new(),
        imports: BTreeMap::new(),
        language,
    };
    for group in &found.record.groups {
        if !holds(&group.condition, context).map_err(|e| e.context(&found.import_path))? {
            continue;
        }
        package.go.extend_from_slice(&group.go);
        package.asm.extend_from_slice(&group.asm);
        package.headers.extend_from_slice(&group.headers);
        package.syso.extend_from_slice(&group.syso);
        if context.cgo {
            package.cgo.extend_from_slice(&group.cgo);
            package.c.extend_from_slice(&group.c);
        }
        package.embed.extend(group.embed.iter().map(|(pattern, files)| (pattern.clone(), files.clone())));
        package.imports.extend(group.imports.iter().map(|path| (path.clone(), found.import_path.clone())));
    }
    for files in [&mut package.go, &mut package.cgo, &mut package.asm, &mut package.c, &mut package.headers, &mut package.syso] {
        files.sort_unstable();
    }
    if package.go.is_empty() && package.cgo.is_empty() {
        let error = format!("build constraints exclude all Go files of {} for {}", found.import_path, context.platform);
        return Err(Error::input(error));
    }
    Ok(package)
}

fn holds(condition: &str, context: &BuildContext) -> Result<bool> {
    if condition.is_empty() {
        return Ok(true);
    }
    let constraint: Constraint =
        condition.parse().map_err(|e| Error::input(format!("malformed build constraint `{condition}`: {e}")))?;
    Ok(constraint.eval(&|tag| context.satisfies(tag)))
}

/// Finds an import cycle, as `go build` words it.
fn check_cycles(graph: &PackageGraph) -> Result<()> {
    let mut finished = BTreeSet::new();
    for start in graph.packages.keys() {
        // Each entry of the path is a package with its imports that are still to be visited.
        let mut path: Vec<(&str, Vec<&str>)> = vec![(start, imports_of(graph, start))];
        while let Some((name, left)) = path.last_mut() {
            match left.pop() {
                None => {
                    finished.insert(*name);
                    path.pop();
                }
                Some(next) if finished.contains(next) => {}
                Some(next) => {
                    if let Some(at) = path.iter().position(|(name, _)| *name == next) {
                        let mut cycle: Vec<&str> = path[at..].iter().map(|(name, _)| *name).collect();
                        cycle.push(next);
                        return Err(Error::input(format!("import cycle not allowed: {}", cycle.join(" imports "))));
                    }
                    path.push((next, imports_of(graph, next)));
                }
            }
        }
    }
    Ok(())
}

fn imports_of<'g>(graph: &'g PackageGraph, import_path: &str) -> Vec<&'g str> {
    let package = graph.package(import_path);
    package.map(|p| p.imports.values().map(ImportPath::as_str).filter(|i| *i != "unsafe").collect()).unwrap_or_default()
}
