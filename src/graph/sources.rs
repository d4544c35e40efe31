//! Where a graph's packages come from: local source, third-party modules (locked or on disk), and std's records.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use super::walk::{Root, walk};
use crate::error::Result;
use crate::files::Files;
use crate::lock::file::{LockedModule, Vendored};
use crate::module::modules_txt::ModulesTxt;
use crate::name::{GoVersion, ImportPath, ModulePath, ModuleVersion};
use crate::source::index::IndexedTree;
use crate::source::record::PackageRecord;
use crate::source::scan::ScannedPackage;
use crate::source::tree::{DiskTree, Tree, join};

/// A module whose source is in the repository: the one of go.mod, those of go.work, local replacements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MainModule {
    /// The path that imports use.
    pub path: ModulePath,
    /// Its directory in the tree; empty for the root.
    pub directory: String,
    /// The go line of its go.mod; `None` means 1.16.
    pub go: Option<GoVersion>,
    /// The `ignore` directives of its go.mod: they affect patterns, not imports.
    pub ignore: Vec<String>,
    /// What a `replace` directive puts it in the place of; `None` for the modules that are built for their own sake.
    pub stands_for: Option<StandsFor>,
}

/// The required version that a directory takes the place of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandsFor {
    /// The version of [`MainModule::path`] that was selected.
    pub version: ModuleVersion,
    /// The directory as build information names it, e.g. `./lib`.
    pub shown: String,
}

impl MainModule {
    /// How it is named where a version belongs to the name: `path@version` for a local replacement, else its path.
    pub fn id(&self) -> String {
        match &self.stands_for {
            Some(StandsFor { version, .. }) => format!("{}@{version}", self.path),
            None => self.path.to_string(),
        }
    }
}

/// A third-party module while it isn't locked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleInfo {
    /// The path that imports use.
    pub path: ModulePath,
    /// The selected version.
    pub version: ModuleVersion,
    /// The go line of its go.mod, or of its replacement's; `None` means 1.16.
    pub go: Option<GoVersion>,
}

/// Gives the record of a directory in the module with an index; `None` where there are no Go files.
pub type RecordModulePackage<'a> = dyn Fn(usize, &str) -> Result<Option<PackageRecord>> + Sync + 'a;

/// A third-party module whose files are read as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedModule {
    /// The module.
    pub info: ModuleInfo,
    /// Whether the lock or go.sum vouches for it, so that it can be read.
    pub vouched: bool,
}

/// Gives the tree of the module with an index, fetched where it isn't there.
pub type OpenModule<'a> = dyn Fn(usize) -> Result<Arc<IndexedTree>> + Sync + 'a;

/// The third-party modules.
pub enum ThirdParty<'a> {
    /// Read as they are on disk, for `list`.
    Unpacked {
        /// The selected modules.
        modules: &'a [ListedModule],
        /// Where the files of one are; asked once for each.
        open: &'a OpenModule<'a>,
    },
    /// Read as they are in vendor/, for `list`.
    VendorTree {
        /// The modules that provide packages.
        modules: &'a [ModuleInfo],
        /// Which module has which package.
        listed: &'a ModulesTxt,
        /// The vendor directory in the tree.
        directory: &'a str,
    },
    /// As the lock records them.
    Locked(&'a [LockedModule]),
    /// As the lock records those in vendor/.
    Vendored(&'a [Vendored]),
    /// Read on demand, to find out what the lock must record.
    Unlocked {
        /// The selected modules.
        modules: &'a [ModuleInfo],
        /// Records a package of one of them; asked once for each directory.
        record: &'a RecordModulePackage<'a>,
        /// Whether only what is in vendor/ can be found.
        vendored: bool,
    },
}

/// The record of a third-party package: thousands are looked at for each graph, so it isn't copied.
#[derive(Clone, Debug)]
pub enum Recorded<'a> {
    /// In the lock.
    Locked(&'a PackageRecord),
    /// Read, and kept for the next graph.
    Read(Arc<PackageRecord>),
}

impl Deref for Recorded<'_> {
    type Target = PackageRecord;

    fn deref(&self) -> &PackageRecord {
        match self {
            Recorded::Locked(record) => record,
            Recorded::Read(record) => record,
        }
    }
}

/// The SDK's packages.
#[derive(Clone, Copy)]
pub enum Std<'a> {
    /// As the lock records them.
    Recorded(&'a BTreeMap<String, PackageRecord>),
    /// Read as they are in the SDK's `src`.
    Tree(&'a IndexedTree),
}

/// Everything that packages are read from. Shared by the graphs of all platforms: each directory is read once.
pub struct Sources<'a> {
    /// The tree of the main modules.
    pub tree: &'a dyn Tree,
    /// The absolute path of that tree, for `list`.
    pub root: String,
    /// What the rest of the disk is read through, for `list`.
    pub files: Files,
    /// Whether there is a go.work.
    pub in_workspace: bool,
    /// The main modules, and local replacements of other modules.
    pub main: Cow<'a, [MainModule]>,
    /// The third-party modules.
    pub third_party: ThirdParty<'a>,
    /// The SDK's packages.
    pub std: Std<'a>,
    /// Third-party modules by path.
    modules: BTreeMap<String, usize>,
    /// A directory of a module that is nested in another one belongs to one of them only.
    local: Cache<(usize, String), ScannedPackage>,
    recorded: Cache<(usize, String), PackageRecord>,
    unpacked: Cache<(Option<usize>, String), ScannedPackage>,
    trees: Mutex<BTreeMap<usize, Result<Arc<IndexedTree>>>>,
}

type Cache<K, V> = Mutex<BTreeMap<K, Option<Arc<V>>>>;

/// The cached value for `key`. Two threads may both make it; the results are equal.
fn cached<K: Ord, V>(cache: &Cache<K, V>, key: K, make: impl FnOnce() -> Result<Option<Arc<V>>>) -> Result<Option<Arc<V>>> {
    let lock = || cache.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = lock().get(&key) {
        return Ok(known.clone());
    }
    let value = make()?;
    lock().insert(key, value.clone());
    Ok(value)
}

impl<'a> Sources<'a> {
    /// Sources with nothing read yet.
    pub fn new(
        tree: &'a dyn Tree,
        main: impl Into<Cow<'a, [MainModule]>>,
        third_party: ThirdParty<'a>,
        std: Std<'a>,
    ) -> Sources<'a> {
        let paths: Vec<&ModulePath> = match &third_party {
            ThirdParty::Unpacked { modules, .. } => modules.iter().map(|m| &m.info.path).collect(),
            ThirdParty::VendorTree { modules, .. } => modules.iter().map(|m| &m.path).collect(),
            ThirdParty::Locked(modules) => modules.iter().map(|m| &m.path).collect(),
            ThirdParty::Vendored(modules) => modules.iter().map(|m| &m.path).collect(),
            ThirdParty::Unlocked { modules, .. } => modules.iter().map(|m| &m.path).collect(),
        };
        let modules = paths.into_iter().enumerate().map(|(i, path)| (path.as_str().to_owned(), i)).collect();
        let (local, recorded, unpacked, trees) = (Mutex::default(), Mutex::default(), Mutex::default(), Mutex::default());
        Sources {
            tree,
            root: String::new(),
            files: Files::default(),
            in_workspace: false,
            main: main.into(),
            third_party,
            std,
            modules,
            local,
            recorded,
            unpacked,
            trees,
        }
    }

    /// A directory with an absolute path.
    pub(super) fn directory(&self, absolute: &str) -> DiskTree {
        DiskTree::through(self.files.clone(), absolute)
    }

    /// The path, version and go line of a third-party module.
    pub fn module(&self, index: usize) -> (&ModulePath, &ModuleVersion, Option<&GoVersion>) {
        match &self.third_party {
            ThirdParty::Unpacked { modules, .. } => {
                let info = &modules[index].info;
                (&info.path, &info.version, info.go.as_ref())
            }
            ThirdParty::VendorTree { modules, .. } => {
                (&modules[index].path, &modules[index].version, modules[index].go.as_ref())
            }
            ThirdParty::Locked(modules) => (&modules[index].path, &modules[index].version, modules[index].go.as_ref()),
            ThirdParty::Vendored(modules) => (&modules[index].path, &modules[index].version, modules[index].go.as_ref()),
            ThirdParty::Unlocked { modules, .. } => (&modules[index].path, &modules[index].version, modules[index].go.as_ref()),
        }
    }

    /// The third-party module with this very path.
    pub fn module_at(&self, path: &str) -> Option<usize> {
        self.modules.get(path).copied()
    }

    /// The package in a directory of a third-party module; `None` when there is none (or, from a lock, it isn't locked).
    pub fn module_package(&self, index: usize, directory: &str) -> Result<Option<Recorded<'_>>> {
        match &self.third_party {
            ThirdParty::Locked(modules) => Ok(modules[index].packages.get(directory).map(Recorded::Locked)),
            ThirdParty::Vendored(modules) => Ok(modules[index].packages.get(directory).map(Recorded::Locked)),
            ThirdParty::Unlocked { record, .. } => {
                let found =
                    cached(&self.recorded, (index, directory.to_owned()), || Ok(record(index, directory)?.map(Arc::new)))?;
                Ok(found.map(Recorded::Read))
            }
            ThirdParty::Unpacked { .. } | ThirdParty::VendorTree { .. } => Ok(None),
        }
    }

    /// Whether the SDK has a package.
    pub fn has_std(&self, path: &str) -> Result<bool> {
        match self.std {
            Std::Recorded(packages) => Ok(packages.contains_key(path)),
            Std::Tree(_) => Ok(self.std_source(path)?.is_some()),
        }
    }

    /// The record of one of the SDK's packages.
    pub fn std_record(&self, path: &str) -> Option<&'a PackageRecord> {
        match self.std {
            Std::Recorded(packages) => packages.get(path),
            Std::Tree(_) => None,
        }
    }

    /// The package in a directory of the SDK's `src`; `None` where there are no Go files, or none are read.
    pub fn std_source(&self, path: &str) -> Result<Option<Arc<ScannedPackage>>> {
        let Std::Tree(tree) = self.std else { return Ok(None) };
        cached(&self.unpacked, (None, path.to_owned()), || scan_package(tree, path))
    }

    /// The package in a directory of a third-party module that is read as it is; `None` where there are no Go files.
    pub fn module_source(&self, index: usize, directory: &str) -> Result<Option<Arc<ScannedPackage>>> {
        match &self.third_party {
            ThirdParty::Unpacked { .. } => {
                let tree = self.module_tree(index)?;
                cached(&self.unpacked, (Some(index), directory.to_owned()), || scan_package(&*tree, directory))
            }
            ThirdParty::VendorTree { modules, directory: vendor, .. } => {
                let place = join(&join(vendor, modules[index].path.as_str()), directory);
                cached(&self.unpacked, (Some(index), directory.to_owned()), || scan_package(self.tree, &place))
            }
            _ => Ok(None),
        }
    }

    /// The tree of an unpacked module.
    pub fn module_tree(&self, index: usize) -> Result<Arc<IndexedTree>> {
        let ThirdParty::Unpacked { open, .. } = &self.third_party else { unreachable!("only unpacked modules have trees") };
        let lock = || self.trees.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tree) = lock().get(&index) {
            return tree.clone();
        }
        let tree = open(index);
        lock().insert(index, tree.clone());
        tree
    }

    /// The trees of the modules that were looked into.
    pub fn opened(&self) -> Vec<Arc<IndexedTree>> {
        let trees = self.trees.lock().unwrap_or_else(PoisonError::into_inner);
        trees.values().filter_map(|tree| tree.as_ref().ok().cloned()).collect()
    }

    /// The module that has a package according to vendor/modules.txt, and the package's directory in it.
    pub fn vendored_at(&self, path: &ImportPath) -> Option<(usize, String)> {
        let ThirdParty::VendorTree { listed, .. } = &self.third_party else { return None };
        let provider = listed.provider(path)?;
        let index = self.module_at(provider.path.as_str())?;
        Some((index, path.below(provider.path.as_str())?.to_owned()))
    }

    /// The package in a directory of a main module; `None` where it has no Go files or belongs to another module.
    pub fn main_package(&self, index: usize, directory: &str) -> Result<Option<Arc<ScannedPackage>>> {
        cached(&self.local, (index, directory.to_owned()), || {
            if self.in_nested_module(index, directory)? {
                return Ok(None);
            }
            scan_package(self.tree, &join(&self.main[index].directory, directory))
        })
    }

    /// Whether a directory of a main module belongs to another one that is nested there.
    pub(super) fn in_nested_module(&self, index: usize, directory: &str) -> Result<bool> {
        let mut below = directory;
        while !below.is_empty() {
            if self.starts_module(&join(&self.main[index].directory, below))? {
                return Ok(true);
            }
            below = below.rsplit_once('/').map_or("", |(parent, _)| parent);
        }
        Ok(false)
    }

    /// Reads directories of main modules in parallel, so that loading a graph finds them read. Of those that can't be, the first one that is
    /// asked for afterwards is the error, whichever thread was there first.
    pub fn prefetch(&self, directories: &[(usize, String)]) {
        directories.par_iter().for_each(|(index, directory)| drop(self.main_package(*index, directory)));
    }

    fn starts_module(&self, directory: &str) -> Result<bool> {
        Ok(self.tree.list(directory)?.iter().any(|e| e.name == "go.mod" && e.is_file()))
    }

    /// The directories of a main module that patterns can match, relative to it and sorted, from one of them on.
    ///
    /// # Errors
    ///
    /// When a directory can't be read.
    pub fn directories(&self, index: usize, from: &str) -> Result<Vec<String>> {
        let MainModule { directory, ignore, .. } = &self.main[index];
        let (directory, within, path) = (join(directory, from), from.to_owned(), from.to_owned());
        let mut found = walk(&Root { tree: self.tree, directory, path, within, ignore, prune: (true, true) }, &|_| true)?;
        found.extend(from.is_empty().then(String::new));
        found.sort();
        Ok(found)
    }
}

/// The package in a directory; `None` where there are no Go files.
fn scan_package(tree: &dyn Tree, directory: &str) -> Result<Option<Arc<ScannedPackage>>> {
    Ok(Some(tree.package(directory)?).filter(|package| package.has_go_files()))
}
