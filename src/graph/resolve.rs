//! What an import means (`modload.importFromFiles`, `load.disallowInternal`).

use super::{Found, Module, Origin, Package, Universe};
use crate::error::{Error, Location, Result};
use crate::name::ImportPath;

/// A package that the user asked for.
pub(super) fn root(universe: &Universe, import_path: &ImportPath) -> Result<Found> {
    if let Some(found) = std_package(universe, import_path.as_str())? {
        return Ok(found);
    }
    let mut providers = providers(universe, import_path)?;
    match (providers.pop(), providers.is_empty()) {
        (Some(found), true) => Ok(found),
        (Some(found), false) => Err(ambiguous(universe, &found.import_path)),
        (None, _) => Err(Error::input(format!("no package {import_path} in the repository or the lock"))),
    }
}

/// What `written`, an import in `importer`, means; `None` for `unsafe`, which has no files.
pub(super) fn import(universe: &Universe, importer: &Package, written: &str) -> Result<Option<Found>> {
    let fail = |error: Error| match location(universe, importer, written) {
        Some(location) => error.at(location),
        None => error.context(format!("package {} imports {written}", importer.import_path)),
    };
    if written == "unsafe" {
        return Ok(None);
    }
    if written.starts_with("./") || written.starts_with("../") || written == "." || written == ".." {
        let error = Error::input(format!("\"{}\" is relative, but relative import paths are not supported in modules", written.escape_debug()));
        return Err(fail(error));
    }
    let from_std = matches!(importer.origin, Origin::Std);
    if from_std && let Some(found) = std_package(universe, &format!("vendor/{written}"))? {
        return Ok(Some(found));
    }
    let import_path: ImportPath = written.parse().map_err(&fail)?;
    let found = match std_package(universe, written)?.filter(|_| !written.starts_with("vendor/")) {
        Some(found) => found,
        None => {
            let mut providers = providers(universe, &import_path).map_err(|e| e.context(format!("{} imports {written}", importer.import_path)))?;
            match (providers.pop(), providers.is_empty()) {
                (Some(found), true) => found,
                (Some(_), false) => return Err(fail(ambiguous(universe, &import_path))),
                (None, _) => return Err(fail(missing(universe, &import_path))),
            }
        }
    };
    if !internal_allowed(&found, importer) {
        return Err(fail(Error::input(format!("use of internal package {} not allowed", found.import_path))));
    }
    if found.record.name == "main" {
        return Err(fail(Error::input(format!("import \"{}\" is a program, not an importable package", found.import_path))));
    }
    Ok(Some(found))
}

fn std_package(universe: &Universe, path: &str) -> Result<Option<Found>> {
    let Some(record) = universe.std.get(path) else { return Ok(None) };
    Ok(Some(Found { import_path: path.parse()?, origin: Origin::Std, go: None, record: record.clone() }))
}

/// All modules that have the package; more than one is an error for the caller to word.
fn providers(universe: &Universe, import_path: &ImportPath) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for main in universe.mains {
        let Some(dir) = import_path.below(main.path.as_str()) else { continue };
        let dir = join(&main.dir, dir);
        // A nested module's packages are not this module's.
        if universe.mains.iter().any(|other| other.dir.len() > main.dir.len() && is_below(&dir, &other.dir)) {
            continue;
        }
        if let Some(package) = universe.local.package(&dir)? {
            let origin = Origin::Main { module: main.path.clone(), dir };
            found.push(Found { import_path: import_path.clone(), origin, go: main.go.clone(), record: package.record.clone() });
        }
    }
    for module in universe.modules {
        let Some(dir) = import_path.below(module.path.as_str()) else { continue };
        if let Some(record) = (universe.third_party)(module, dir)? {
            let origin = module_origin(module, dir);
            found.push(Found { import_path: import_path.clone(), origin, go: module.go.clone(), record });
        }
    }
    Ok(found)
}

fn module_origin(module: &Module, dir: &str) -> Origin {
    Origin::Module {
        path: module.path.clone(),
        version: module.version.clone(),
        dir: dir.to_owned(),
        h1: module.h1.clone(),
        replace: module.replace.clone(),
    }
}

/// `dir` below `base`; both are slash-separated and may be empty.
pub(super) fn join(base: &str, dir: &str) -> String {
    match (base, dir) {
        ("", dir) => dir.to_owned(),
        (base, "") => base.to_owned(),
        (base, dir) => format!("{base}/{dir}"),
    }
}

fn is_below(dir: &str, base: &str) -> bool {
    dir.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// An import path with an element `internal` is for code below the directory that holds that element.
fn internal_allowed(found: &Found, importer: &Package) -> bool {
    let path = found.import_path.as_str();
    let elements: Vec<&str> = path.split('/').collect();
    let Some(at) = elements.iter().rposition(|e| *e == "internal") else { return true };
    let std = (matches!(found.origin, Origin::Std), matches!(importer.origin, Origin::Std));
    if std != (true, true) && std != (false, false) {
        return false;
    }
    let parent = elements[..at].join("/");
    parent.is_empty() || importer.import_path.below(&parent).is_some()
}

fn ambiguous(universe: &Universe, import_path: &ImportPath) -> Error {
    let mains = universe.mains.iter().map(|m| &m.path);
    let modules: Vec<String> = mains
        .chain(universe.modules.iter().map(|m| &m.path))
        .filter(|path| import_path.below(path.as_str()).is_some())
        .map(ToString::to_string)
        .collect();
    Error::input(format!("ambiguous import: found package {import_path} in multiple modules: {}", modules.join(", ")))
}

fn missing(universe: &Universe, import_path: &ImportPath) -> Error {
    let path = import_path.as_str();
    let error = Error::input(format!("no package provides {path}"));
    if universe.mains.iter().any(|m| import_path.below(m.path.as_str()).is_some()) {
        return Error::input(format!("package {path} is not in the main module: there is no such directory with Go files"));
    }
    let first = path.split('/').next().unwrap_or_default();
    if first.contains('.') {
        error.help("if go.mod requires its module, run `godirect lock`; else run `go get` for it first")
    } else {
        Error::input(format!("package {path} is not in std"))
    }
}

/// Where a local package's import stands.
fn location(universe: &Universe, importer: &Package, written: &str) -> Option<Location> {
    let Origin::Main { dir, .. } = &importer.origin else { return None };
    universe.local.import_location(dir, importer.go.iter().chain(&importer.cgo), written)
}
