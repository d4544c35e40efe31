//! What go.mod says in vain, and how a requirement comes about: from the repository and the lock alone.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::{Locked, Variant, context, roots};
use crate::error::Result;
use crate::graph::paths::Shortest;
use crate::graph::{Origin, PackageGraph};
use crate::module::gomod::Target;
use crate::module::unneeded::{Needs, Unneeded, unneeded};
use crate::module::{ModuleId, mvs};
use crate::name::{ImportPath, ModulePath};
use crate::source::scan::FileKind;

impl Locked<'_> {
    /// The lines of go.mod and go.work that nothing seems to need: no package or test of the repository, on any platform and in any
    /// profile of the spec.
    ///
    /// # Errors
    ///
    /// Those of [`PackageGraph::reach`].
    pub fn unneeded(&self) -> Result<Vec<Unneeded>> {
        let workspace = &self.project.workspace;
        let mut modules = vec![BTreeSet::new(); workspace.modules.len()];
        for variant in self.project.variants() {
            for (index, needed) in modules.iter_mut().enumerate() {
                needed.extend(self.needed_modules(variant, index)?);
            }
        }
        let imports = modules.iter().enumerate().map(|(index, needed)| self.known_imports(index, needed));
        let imports = imports.collect::<Result<_>>()?;
        // Where go.mod lists all modules, the lock has no other go.mod.
        let is_known = workspace.vendor.is_none() && mvs::listed(workspace).is_none();
        let required = is_known.then(|| self.requirements().into_values().flatten().collect());
        Ok(unneeded(workspace, &Needs { modules, imports, required }, &self.project.spec.module_dir))
    }

    /// The modules of all packages that those of one main module and their tests need; what is wrong with a test is no obstacle.
    fn needed_modules(&self, variant: Variant, main: usize) -> Result<BTreeSet<ModulePath>> {
        let (sdk, sources) = &self.sdks[variant.profile.sdk.as_str()];
        let context = context(sdk, variant);
        let mut own = roots(sources, &context, &self.project.binaries, true)?;
        let is_own =
            |root: &ImportPath| matches!(sources.locate(root.as_str()), Ok(Origin::Main { index, .. }) if index == main);
        own.retain(is_own);
        let module = |origin| match origin {
            Origin::Std => None,
            Origin::Main { index, .. } => Some(self.mains[index].path.clone()),
            Origin::Module { index, .. } => Some(match self.project.workspace.vendor {
                Some(_) => self.lock.vendored[index].path.clone(),
                None => self.lock.modules[index].path.clone(),
            }),
        };
        Ok(PackageGraph::reach(sources, &context, &own)?.into_iter().filter_map(module).collect())
    }

    /// What the files of a main module, and of those that it needs, import on any platform and with any tags, as far as they are known.
    fn known_imports(&self, main: usize, needed: &BTreeSet<ModulePath>) -> Result<BTreeSet<String>> {
        let mut imports = BTreeSet::new();
        for (index, module) in self.mains.iter().enumerate() {
            if index == main || needed.contains(&module.path) {
                imports.extend(self.imports_of_all_files(index)?);
            }
        }
        let modules = self.lock.modules.iter().map(|module| (&module.path, &module.packages));
        let vendored = self.lock.vendored.iter().map(|module| (&module.path, &module.packages));
        let packages =
            modules.chain(vendored).filter(|(path, _)| needed.contains(path)).flat_map(|(_, packages)| packages.values());
        imports.extend(packages.flat_map(|record| &record.groups).flat_map(|group| group.imports.iter().cloned()));
        Ok(imports)
    }

    /// What the files of a module in the repository import on any platform; those that are marked to be ignored aren't looked at by Go
    /// either (`imports.AnyTags`).
    fn imports_of_all_files(&self, index: usize) -> Result<BTreeSet<String>> {
        let mut imports = BTreeSet::new();
        let Some((_, sources)) = self.sdks.values().next() else { return Ok(imports) };
        for directory in sources.directories(index, "")? {
            let Some(package) = sources.main_package(index, &directory)? else { continue };
            for file in &package.files {
                let possible = |tag: &str| (tag == "ignore").then_some(false);
                let ignored = file.constraint.as_ref().is_some_and(|c| !c.satisfiable(&possible));
                if let (FileKind::Go(Ok(header)), false) = (&file.kind, ignored) {
                    imports.extend(header.imports.iter().map(|import| import.path.clone()));
                }
            }
        }
        Ok(imports)
    }

    /// What each go.mod requires that is known: those of the repository and of the lock. The repository's own are named by their path,
    /// others by path and version.
    fn requirements(&self) -> BTreeMap<String, Vec<ModuleId>> {
        let workspace = &self.project.workspace;
        let mut requirements: BTreeMap<String, Vec<ModuleId>> = BTreeMap::new();
        for module in &workspace.modules {
            let ids = module.gomod.require.iter().map(|require| require.id.clone());
            requirements.insert(module.path.to_string(), ids.collect());
        }
        let locked: BTreeMap<&ModuleId, &Vec<ModuleId>> = self.lock.go_mods.iter().map(|m| (&m.id, &m.require)).collect();
        let mut open: Vec<ModuleId> = requirements.values().flatten().cloned().collect();
        while let Some(id) = open.pop() {
            let Entry::Vacant(entry) = requirements.entry(id.to_string()) else { continue };
            let required = match workspace.replacement(&id) {
                Some(Target::Directory(directory)) => {
                    let gomod = workspace.local(directory).ok();
                    gomod.into_iter().flat_map(|gomod| &gomod.require).map(|require| require.id.clone()).collect()
                }
                Some(Target::Module(target)) => locked.get(target).copied().cloned().unwrap_or_default(),
                None => locked.get(&id).copied().cloned().unwrap_or_default(),
            };
            open.extend(entry.insert(required).iter().cloned());
        }
        requirements
    }

    /// The shortest chain of go.mod files that ends with one that requires a module, and the required version; the first is one of the
    /// repository's own. `None` when no go.mod that is known requires it.
    pub fn requirement_chain(&self, module: &str) -> Option<Vec<String>> {
        let requirements = self.requirements();
        let names: Vec<&String> = requirements.keys().collect();
        let place = |name: &str| names.binary_search_by(|known| known.as_str().cmp(name)).ok();
        let edges: Vec<Vec<usize>> =
            requirements.values().map(|ids| ids.iter().filter_map(|id| place(&id.to_string())).collect()).collect();
        let starts: Vec<usize> =
            self.project.workspace.modules.iter().filter_map(|module| place(module.path.as_str())).collect();
        let shortest = Shortest::from(&edges, &starts, &|_| false);
        let is_end = |name: &&&String| name.split_once('@').is_some_and(|(path, _)| path == module);
        let chains = names.iter().filter(is_end).filter_map(|name| shortest.chain(place(name)?));
        let chain = chains.min_by_key(Vec::len)?;
        Some(chain.into_iter().map(|node| names[node].clone()).collect())
    }
}
