//! `godirect lock`: from go.mod, go.sum and the spec to the lock.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use super::build;
use super::cache::Facts;
use super::changes;
use super::fetch::{Fetched, Fetcher, Promise};
use super::file::{LocalModule, LockedGoMod, LockedModule, LockedSdk, Lockfile, Replacement, VERSION};
use super::known::{self, Access, Known};
use super::sdk::{self, FetchedSdk, SdkRequest};
use super::sumdb::note::Verifier;
use super::{updates, vendor, with_connections};
use crate::error::{Error, Result};
use crate::files::Files;
use crate::module::gomod::{GoMod, Target};
use crate::module::gosum::GoSum;
use crate::module::mvs::{self, Selected};
use crate::module::workspace::Workspace;
use crate::module::{self, ModuleId};
use crate::name::ModulePath;
use crate::platform::OsArch;
use crate::source;
use crate::source::index::IndexedTree;
use crate::source::record::PackageRecord;
use crate::source::tree::{DiskTree, Tree};

/// What a lock is made for.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The directory of go.work or go.mod.
    pub directory: &'a Path,
    /// What they say.
    pub workspace: &'a Workspace,
    /// The directory of the spec, which the lock's paths are relative to.
    pub root: &'a Path,
    /// What the repository is read through.
    pub files: &'a Files,
    /// The vendor directory relative to it.
    pub vendor: &'a str,
    /// The SDKs, sorted by name.
    pub sdks: &'a [SdkRequest],
    /// Platforms that binaries are built for.
    pub platforms: &'a [OsArch],
    /// The lock that is replaced.
    pub previous: Option<&'a Lockfile>,
    /// Whose proofs in that lock count; without it, none.
    pub verifier: Option<&'a Verifier>,
}

/// Packages by directory within their module; for std by import path.
pub type Packages = BTreeMap<String, PackageRecord>;

/// Finds the packages of third-party modules that the main modules need. A local replacement that provides one has an entry without
/// packages: they are the repository's own.
///
/// Its errors: an import that no module provides, a malformed source file, and those of [`Modules`].
pub type FindNeeded<'a> = dyn Fn(&[LockedSdk], &Modules<'_, '_>) -> Result<Needed> + 'a;

/// Packages by the path of their module.
pub type Needed = BTreeMap<ModulePath, Packages>;

/// The modules that imports can be found in, fetched when somebody looks into them.
pub struct Modules<'a, 'n> {
    directory: &'a Path,
    workspace: &'a Workspace,
    platforms: &'a [OsArch],
    access: Access<'n>,
    known: Known<'a>,
    selected: Vec<Selected>,
    go_mods: Vec<LockedGoMod>,
    /// What was fetched, and what failed: to try again would only take time.
    fetched: Mutex<BTreeMap<ModulePath, Result<Fetched>>>,
    /// The sources of what was looked into.
    trees: Mutex<BTreeMap<ModulePath, Arc<IndexedTree>>>,
    absent: Mutex<BTreeMap<ModulePath, BTreeSet<String>>>,
}

impl<'a, 'n> Modules<'a, 'n> {
    /// The modules of the build list; `platforms` are sorted.
    ///
    /// # Errors
    ///
    /// Those of reading dependencies' go.mod files.
    pub fn new(request: &Request<'a>, platforms: &'a [OsArch], access: Access<'n>) -> Result<Modules<'a, 'n>> {
        let workspace = request.workspace;
        let known = Known::new(request.previous, request.verifier, platforms);
        let go_mods = Mutex::new(BTreeMap::new());
        let read = |id: &ModuleId| {
            let locked = match known.go_mod(id, &workspace.sums) {
                Some(locked) => locked.clone(),
                None => {
                    let (gomod, h1, proof) = access.fetcher(|| known.missing(id))?.go_mod(id, &workspace.sums)?;
                    known::locked_go_mod(id, h1, proof, &gomod)
                }
            };
            let gomod = known::go_mod(&locked);
            go_mods.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), locked);
            Ok(gomod)
        };
        let selected = match (&workspace.vendor, mvs::listed(workspace)) {
            (Some(vendored), _) => module::vendor::selected(workspace, vendored),
            (None, Some(selected)) => selected,
            (None, None) => with_connections(|| mvs::build_list(workspace, &read))?,
        };
        check_paths(&selected)?;
        let go_mods = go_mods.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect();
        let (fetched, trees, absent, directory) = (Mutex::default(), Mutex::default(), Mutex::default(), request.directory);
        Ok(Modules { directory, workspace, platforms, access, known, selected, go_mods, fetched, trees, absent })
    }

    /// All modules, sorted by path.
    pub fn all(&self) -> &[Selected] {
        &self.selected
    }

    /// The package in a directory of a module; `None` where there are no Go files.
    ///
    /// # Errors
    ///
    /// No line in go.sum, a wrong hash, no answer, a directory that can't be read.
    pub fn package(&self, module: &Selected, directory: &str) -> Result<Option<PackageRecord>> {
        let sums = &self.workspace.sums;
        let found = match (self.known.package(module, directory, sums), self.access) {
            (Some(found), _) => found.cloned(),
            (None, Access::Offline(guesses)) => self.known.guess(module, directory, sums, guesses)?,
            (None, Access::Network(_)) => self.scan(module, directory)?,
        };
        if found.is_none() {
            let mut absent = self.absent.lock().unwrap_or_else(PoisonError::into_inner);
            absent.entry(module.id.path.clone()).or_default().insert(directory.to_owned());
        }
        Ok(found)
    }

    fn scan(&self, module: &Selected, directory: &str) -> Result<Option<PackageRecord>> {
        let record = |tree: &dyn Tree| {
            let scanned = tree.package(directory)?;
            let has_go_files = scanned.files.iter().any(|file| file.name.ends_with(".go") && !file.is_test());
            if has_go_files { scanned.record(tree, self.platforms).map(Some) } else { Ok(None) }
        };
        match &module.replace {
            Some(Target::Directory(directory)) => record(&DiskTree::new(self.directory.join(directory))),
            _ => record(&*self.tree(module)?),
        }
    }

    /// The files of a module, unpacked in the cache and verified.
    fn tree(&self, module: &Selected) -> Result<Arc<IndexedTree>> {
        let lock = || self.trees.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tree) = lock().get(&module.id.path) {
            return Ok(tree.clone());
        }
        let (fetched, fetcher) = (self.fetch(module)?, self.access.fetcher(|| self.known.missing(&module.id))?);
        let tree = Arc::new(fetcher.cache.source(&fetched.directory, ""));
        Ok(lock().entry(module.id.path.clone()).or_insert(tree).clone())
    }

    /// Keeps what was read, so that nobody has to read it again.
    fn save(&self) {
        let trees = self.trees.lock().unwrap_or_else(PoisonError::into_inner);
        trees.par_iter().for_each(|(_, tree)| tree.save());
    }

    fn fetch(&self, module: &Selected) -> Result<Fetched> {
        let lock = || self.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(fetched) = lock().get(&module.id.path) {
            return fetched.clone();
        }
        let id = match &module.replace {
            Some(Target::Module(other)) => other,
            _ => &module.id,
        };
        let fetched = self.access.fetcher(|| self.known.missing(id))?.module(id, &self.workspace.sums);
        lock().insert(module.id.path.clone(), fetched.clone());
        fetched
    }

    /// Whether what the lock before doesn't know is fetched, rather than guessed.
    pub fn fetches(&self) -> bool {
        matches!(self.access, Access::Network(_))
    }

    /// The entry of a module with these packages; `None` where nothing was looked for in it.
    fn locked(&self, module: &Selected, packages: Packages) -> Result<Option<LockedModule>> {
        let looked = self.absent.lock().unwrap_or_else(PoisonError::into_inner).get(&module.id.path).cloned();
        let absent = looked.unwrap_or_default();
        if packages.is_empty() && absent.is_empty() {
            return Ok(None);
        }
        let entry = match (self.known.module(module, &self.workspace.sums), self.access, self.known.before(module)) {
            (Some(known), _, _) => known.clone(),
            (None, Access::Network(_), _) => lock_module(module, &self.fetch(module)?)?,
            (None, Access::Offline(_), Some(before)) => LockedModule { version: module.id.version.clone(), ..before.clone() },
            // What is new was noted when somebody looked into it.
            (None, Access::Offline(_), None) => return Ok(None),
        };
        Ok(Some(LockedModule { packages, absent, ..entry }))
    }
}

/// Makes the lock. What the previous one knows isn't fetched again.
///
/// # Errors
///
/// Whatever is wrong with go.mod, go.sum, the network or what it gives; nothing is pinned that wasn't verified.
pub fn lock(request: &Request<'_>, access: Access<'_>, needed: &FindNeeded<'_>) -> Result<Lockfile> {
    let workspace = request.workspace;
    if let Some(vendored) = &workspace.vendor {
        module::vendor::check(workspace, vendored)?;
    }
    let mut platforms = request.platforms.to_vec();
    platforms.sort();
    platforms.dedup();
    let sdks = request.sdks.iter().map(|wanted| locked_sdk(request, wanted, &platforms, access));
    let sdks = sdks.collect::<Result<Vec<_>>>()?;
    let modules = Modules::new(request, &platforms, access)?;
    let mut needed = needed(&sdks, &modules)?;
    let (mut locked, mut local, mut vendored) = (Vec::new(), Vec::new(), Vec::new());
    for module in modules.all() {
        let packages = needed.remove(&module.id.path);
        match (&workspace.vendor, workspace.shown_replacement(&module.id), packages) {
            (None, None, packages) => {
                if let Some(module) = modules.locked(module, packages.unwrap_or_default())? {
                    sdk::check_go_line(&module.path, &module.version, module.go.as_ref(), &sdks)?;
                    locked.push(module);
                }
            }
            (Some(listed), _, Some(packages)) => {
                let module = vendor::lock(workspace, listed, module, packages, (request.files, request.root, request.vendor))?;
                sdk::check_go_line(&module.path, &module.version, module.go.as_ref(), &sdks)?;
                vendored.push(module);
            }
            (None, Some(directory), Some(_)) => local.push(local_module(module, directory)),
            (_, _, None) => {}
        }
    }
    modules.save();
    let Modules { selected, go_mods, .. } = modules;
    let lock = Lockfile { version: VERSION, platforms, sdks, modules: locked, go_mods, local, vendored };
    updates::check(workspace, &lock, &selected)?;
    Ok(lock)
}

/// Refuses a module or a directory that is in the place of two (`checkMultiplePaths`).
fn check_paths(selected: &[Selected]) -> Result<()> {
    let mut paths: BTreeMap<String, &ModulePath> = BTreeMap::new();
    for Selected { id, replace } in selected {
        let source = replace.as_ref().map_or_else(|| id.to_string(), ToString::to_string);
        if let Some(other) = paths.insert(source.clone(), &id.path) {
            let error = Error::input(format!("{source} is used for two different module paths: {other} and {}", id.path));
            return Err(error.help("a module can be itself or the replacement of one other: change the replace directives"));
        }
    }
    Ok(())
}

fn local_module(module: &Selected, directory: &str) -> LocalModule {
    let ModuleId { path, version } = module.id.clone();
    LocalModule { path, version, directory: directory.to_owned() }
}

fn locked_sdk(request: &Request<'_>, wanted: &SdkRequest, platforms: &[OsArch], access: Access<'_>) -> Result<LockedSdk> {
    let workspace = request.workspace;
    let version = sdk::resolve_version(wanted, workspace)?;
    let known = Known::new(request.previous, request.verifier, platforms);
    if let Some(sdk) = known.sdk(wanted, &version, &workspace.sums) {
        return Ok(sdk.clone());
    }
    let before = known.sdk_before(&wanted.name);
    let change = || changes::sdk_change(&wanted.name, before, &version, wanted.build.is_some());
    if let (Access::Offline(guesses), Some(sdk)) = (access, before.or(known.another_sdk())) {
        let name = wanted.name.clone();
        changes::exec_changes(before, &wanted.exec_platforms).into_iter().for_each(|change| guesses.note(change));
        let same = |sdk: &LockedSdk| sdk.version == version && build::is_wanted(sdk.build.as_ref(), wanted.build.as_ref());
        // Platforms were noted already.
        if !before.is_some_and(same) || guesses.noted().is_empty() {
            guesses.note(change());
        }
        return Ok(LockedSdk { name, version, ..sdk.clone() });
    }
    let fetcher = access.fetcher(change)?;
    let fetched = sdk::fetch(wanted, version, &workspace.sums, request.previous, &fetcher)?;
    lock_sdk(wanted, fetched, platforms, &workspace.sums, &fetcher)
}

fn lock_sdk(
    wanted: &SdkRequest,
    fetched: FetchedSdk,
    platforms: &[OsArch],
    sums: &GoSum,
    fetcher: &Fetcher<'_>,
) -> Result<LockedSdk> {
    let prepared = wanted.build.as_ref().map(|build| build::prepare(build, &fetched, &wanted.exec_platforms, sums, fetcher));
    let prepared = prepared.transpose()?;
    let FetchedSdk { version, source, downloads, goroot } = fetched;
    let patched = prepared.as_ref().and_then(|p| p.patched.as_ref()).map(tempfile::TempDir::path);
    let packages = match patched {
        Some(patched) => source::sdk::std_packages(&DiskTree::new(patched.join("src")), platforms)?,
        None => {
            let tree = fetcher.cache.source(&goroot, "src");
            let packages = source::sdk::std_packages(&tree, platforms)?;
            tree.save();
            packages
        }
    };
    let goroot = patched.unwrap_or(&goroot);
    let flags = prepared.as_ref().map_or(&[][..], |p| &p.build.experiments);
    let mut experiments = BTreeMap::new();
    for platform in platforms {
        experiments.insert(*platform, build::with_experiments(goroot, flags, *platform)?);
    }
    let godebug = source::sdk::godebug_table(goroot)?;
    let (name, build) = (wanted.name.clone(), prepared.map(|p| p.build));
    Ok(LockedSdk { name, version, source, downloads, build, experiments, godebug, packages })
}

/// The entry of a module, yet without packages.
fn lock_module(module: &Selected, fetched: &Fetched) -> Result<LockedModule> {
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
    let Facts { size, sha256, nar, .. } = fetched.facts;
    Ok(LockedModule {
        path: id.path,
        version: id.version,
        replace,
        size,
        sha256,
        h1,
        proof: fetched.proof.clone(),
        verified: fetched.verified,
        nar,
        go,
        packages: Packages::new(),
        absent: BTreeSet::new(),
    })
}

/// The directory of a locked module, fetched and verified against the lock where it isn't in the cache.
///
/// # Errors
///
/// A wrong hash, no answer.
pub fn module_directory(fetcher: &Fetcher<'_>, module: &LockedModule) -> Result<PathBuf> {
    Ok(fetcher.promised_module(&module.id(), Promise { h1: &[module.h1], by: "the lock" })?.directory)
}
