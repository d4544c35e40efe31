//! `godirect lock`: from go.mod, go.sum and the spec to the lock.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rayon::prelude::*;

use super::cache::Facts;
use super::fetch::{Fetched, Fetcher, Promise};
use super::file::{LockedModule, LockedSdk, Lockfile, Replacement, VERSION};
use super::sdk::{self, FetchedSdk, SdkRequest};
use super::with_connections;
use crate::error::{Error, Result};
use crate::module::ModuleId;
use crate::module::gomod::{GoMod, Target};
use crate::module::mvs::{self, Selected};
use crate::module::workspace::Workspace;
use crate::name::{ImportPath, ModulePath};
use crate::platform::OsArch;
use crate::source::{self, record::PackageRecord};

/// What a lock is made for.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The directory of go.work or go.mod.
    pub directory: &'a Path,
    /// The SDK.
    pub sdk: &'a SdkRequest,
    /// Platforms on which the SDK's tools run.
    pub exec_platforms: &'a [OsArch],
    /// Platforms that binaries are built for.
    pub platforms: &'a [OsArch],
    /// The lock that is replaced.
    pub previous: Option<&'a Lockfile>,
}

/// Packages by directory within their module; for std by import path.
pub type Packages = BTreeMap<String, PackageRecord>;

/// Finds the packages of third-party modules that the main modules need. What local replacements provide may be left out:
/// only modules with a version are locked.
///
/// Its errors: an import that no module provides, a malformed source file, and those of [`Modules`].
pub type FindNeeded<'a> = dyn Fn(&LockedSdk, &Modules<'_>) -> Result<Needed> + 'a;

/// Packages by the path of their module.
pub type Needed = BTreeMap<ModulePath, Packages>;

/// The modules that imports can be found in, fetched when somebody looks into them.
pub struct Modules<'a> {
    directory: &'a Path,
    workspace: &'a Workspace,
    fetcher: Fetcher<'a>,
    selected: Vec<Selected>,
    fetched: Mutex<BTreeMap<ModulePath, Fetched>>,
}

impl<'a> Modules<'a> {
    /// The modules of the build list.
    ///
    /// # Errors
    ///
    /// Those of reading dependencies' go.mod files.
    pub fn new(directory: &'a Path, workspace: &'a Workspace, fetcher: Fetcher<'a>) -> Result<Modules<'a>> {
        let selected = match mvs::listed(workspace) {
            Some(selected) => selected,
            None => with_connections(|| mvs::build_list(workspace, &|id: &ModuleId| fetcher.go_mod(id, &workspace.sums)))?,
        };
        Ok(Modules { directory, workspace, fetcher, selected, fetched: Mutex::default() })
    }

    /// All modules, sorted by path.
    pub fn all(&self) -> &[Selected] {
        &self.selected
    }

    /// The modules that may have a package, that with the longest path first.
    pub fn candidates<'m>(&'m self, import: &ImportPath) -> Vec<&'m Selected> {
        let mut found: Vec<&Selected> = self.selected.iter().filter(|m| import.below(m.id.path.as_str()).is_some()).collect();
        found.sort_by_key(|m| std::cmp::Reverse(m.id.path.as_str().len()));
        found
    }

    /// The directory of a module: unpacked in the cache and verified, or that of a local replacement.
    ///
    /// # Errors
    ///
    /// No line in go.sum, a wrong hash, no answer.
    pub fn directory(&self, module: &Selected) -> Result<PathBuf> {
        match &module.replace {
            Some(Target::Directory(directory)) => Ok(self.directory.join(directory)),
            _ => Ok(self.fetch(module)?.directory),
        }
    }

    /// Fetches several modules at once, so that [`Modules::directory`] is quick for them.
    ///
    /// # Errors
    ///
    /// Those of [`Modules::directory`], for the first of them by path.
    pub fn prefetch(&self, modules: &[&Selected]) -> Result<()> {
        let results: Vec<Result<PathBuf>> =
            with_connections(|| modules.par_iter().map(|module| self.directory(module)).collect());
        results.into_iter().collect::<Result<Vec<_>>>().map(|_| ())
    }

    fn fetch(&self, module: &Selected) -> Result<Fetched> {
        let lock = || self.fetched.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(fetched) = lock().get(&module.id.path) {
            return Ok(fetched.clone());
        }
        let id = match &module.replace {
            Some(Target::Module(other)) => other,
            _ => &module.id,
        };
        let fetched = self.fetcher.module(id, &self.workspace.sums)?;
        lock().insert(module.id.path.clone(), fetched.clone());
        Ok(fetched)
    }
}

/// Makes the lock.
///
/// # Errors
///
/// Whatever is wrong with go.mod, go.sum, the network or what it gives; nothing is pinned that wasn't verified.
pub fn lock(request: &Request<'_>, fetcher: Fetcher<'_>, needed: &FindNeeded<'_>) -> Result<Lockfile> {
    let workspace = Workspace::load(request.directory)?;
    let mut platforms = request.platforms.to_vec();
    platforms.sort();
    platforms.dedup();
    let version = sdk::resolve_version(request.sdk, &workspace, request.previous, &fetcher)?;
    let (origin, exec, sums) = (&request.sdk.origin, request.exec_platforms, &workspace.sums);
    let fetched = sdk::fetch(version, origin, exec, sums, &fetcher)?;
    let sdk = lock_sdk(fetched, &platforms)?;
    let modules = Modules::new(request.directory, &workspace, fetcher)?;
    let mut needed = needed(&sdk, &modules)?;
    let mut locked = Vec::new();
    for module in modules.all() {
        let packages = needed.remove(&module.id.path).unwrap_or_default();
        if !packages.is_empty() && !matches!(module.replace, Some(Target::Directory(_))) {
            locked.push(lock_module(module, &modules.fetch(module)?, packages)?);
        }
    }
    Ok(Lockfile { version: VERSION, platforms, sdks: vec![sdk], modules: locked })
}

fn lock_sdk(fetched: FetchedSdk, platforms: &[OsArch]) -> Result<LockedSdk> {
    let FetchedSdk { version, source, downloads, goroot } = fetched;
    let mut experiments = BTreeMap::new();
    for platform in platforms {
        experiments.insert(*platform, source::sdk::default_experiments(&goroot, *platform)?);
    }
    let godebug = source::sdk::godebug_table(&goroot)?;
    let packages = source::sdk::std_packages(&goroot, platforms)?;
    Ok(LockedSdk { version, source, downloads, experiments, godebug, packages })
}

fn lock_module(module: &Selected, fetched: &Fetched, packages: Packages) -> Result<LockedModule> {
    let Selected { id, replace } = module.clone();
    let h1 = fetched.facts.h1.ok_or_else(|| Error::environment(format!("{id}: the cache has no h1 of it")))?;
    let go_mod = fetched.directory.join("go.mod");
    let go = match std::fs::read_to_string(&go_mod) {
        Ok(text) => GoMod::parse_dependency(&go_mod, &text)?.go,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
        Err(e) => return Err(Error::io("read", &go_mod, &e)),
    };
    let replace = match replace {
        Some(Target::Module(other)) => Some(Replacement { path: other.path, version: other.version }),
        _ => None,
    };
    let (path, version) = (id.path, id.version);
    let Facts { size, sha256, nar, .. } = fetched.facts;
    let (proof, verified) = (fetched.proof.clone(), fetched.verified);
    Ok(LockedModule { path, version, replace, size, sha256, h1, proof, verified, nar, go, packages })
}

/// The directory of a locked module, fetched and verified against the lock where it isn't in the cache.
///
/// # Errors
///
/// A wrong hash, no answer.
pub fn module_directory(fetcher: &Fetcher<'_>, module: &LockedModule) -> Result<PathBuf> {
    Ok(fetcher.promised_module(&module.id(), Promise { h1: &[module.h1], by: "the lock" })?.directory)
}
