//! `godirect list`: the packages that patterns name, described from their sources.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use super::{Locked, freshness};
use crate::error::{Error, Result};
use crate::exec::sdk::Sdk;
use crate::graph::files::are_files;
use crate::graph::listing::{Listing, Options};
use crate::graph::load::Loader;
use crate::graph::loaded::Loaded;
use crate::graph::matching::Patterns;
use crate::graph::{ListedModule, MainModule, ModuleInfo, Origin, Sources, Std, ThirdParty};
use crate::lock::fetch::{Fetcher, Promise};
use crate::lock::file::{LockedModule, LockedSdk};
use crate::lock::resolve;
use crate::module::gomod::{GoMod, Target};
use crate::module::mvs::Selected;
use crate::module::{self, ModuleId};
use crate::name::ImportPath;
use crate::platform::Platform;
use crate::source::context::BuildContext;
use crate::source::index::IndexedTree;
use crate::source::sdk;
use crate::source::tree::{Tree, join, read};
use crate::spec::Profile;

/// What is to be listed.
pub struct Request<'a> {
    /// For which platform.
    pub platform: &'a Platform,
    /// In which profile.
    pub profile: &'a Profile,
    /// Tags in the place of the profile's.
    pub tags: Option<BTreeSet<String>>,
    /// Whether cgo is enabled, whatever the profile says.
    pub cgo: Option<bool>,
    /// Which packages.
    pub patterns: &'a [String],
    /// What besides.
    pub options: Options,
}

/// The module of a package (`modinfo.ModulePublic`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModuleView {
    /// The path that imports use.
    pub path: String,
    /// The version; empty for modules of the repository.
    pub version: String,
    /// What takes its place.
    pub replace: Option<Box<ModuleView>>,
    /// Whether it is one of the repository's own.
    pub main: bool,
    /// Whether only other modules need it.
    pub indirect: bool,
    /// Where it is.
    pub dir: String,
    /// Where its go.mod is.
    pub go_mod: String,
    /// Its go line.
    pub go_version: String,
    /// Its hash in go.sum.
    pub sum: String,
    /// The hash of its go.mod in go.sum.
    pub go_mod_sum: String,
}

/// What was found.
pub struct Listed<'l> {
    /// The packages and their errors.
    pub loader: &'l Loader<'l>,
    /// Which of them are shown.
    pub listing: &'l Listing,
    /// GOROOT.
    pub goroot: &'l Path,
    /// Patterns that match nothing.
    pub unmatched: Vec<String>,
    modules: HashMap<(bool, usize), ModuleView>,
}

impl Listed<'_> {
    /// The module of a package; none for those of the SDK.
    pub fn module(&self, package: &Loaded) -> Option<&ModuleView> {
        self.modules.get(&key(package.found.origin.as_ref()?)?)
    }
}

/// Whether a module is in the repository, and its index.
fn key(origin: &Origin) -> Option<(bool, usize)> {
    match origin {
        Origin::Std => None,
        Origin::Main { index, .. } => Some((true, *index)),
        Origin::Module { index, .. } => Some((false, *index)),
    }
}

/// Where packages come from.
struct Places<'a> {
    root: String,
    mains: Vec<MainModule>,
    selected: Vec<Selected>,
    modules: Vec<ListedModule>,
    infos: Vec<ModuleInfo>,
    locked: Vec<Option<&'a LockedModule>>,
}

impl<'a> Locked<'a> {
    /// Lists packages, and gives them to `show`. Modules that aren't there are fetched.
    ///
    /// # Errors
    ///
    /// What stops everything: a module that can't be fetched, a directory that can't be read; and those of `show`.
    pub fn list<T>(
        &self,
        request: &Request,
        toolchain: &Sdk,
        fetcher: &Fetcher<'_>,
        show: impl FnOnce(&Listed) -> Result<T>,
    ) -> Result<T> {
        let goroot = &toolchain.goroot;
        let sdk = self.sdk(request.profile);
        let places = self.places()?;
        self.project.files.is_directory(goroot);
        let std = fetcher.cache.source(goroot, "src");
        let tree = IndexedTree::edited(self.project.files.clone(), &self.project.dir, &fetcher.cache.parsed());
        let vendor = self.project.vendor_directory();
        let open = |index: usize| {
            let id = source_of(&places.selected[index]);
            let directory = match places.locked[index] {
                Some(locked) => resolve::module_directory(fetcher, locked)?,
                None => {
                    let promise = Promise { h1: self.project.workspace.sums.module(id), by: "go.sum" };
                    fetcher.promised_module(id, promise)?.directory
                }
            };
            // Nobody looks into it when all is as it was, but it has to be there.
            self.project.files.is_directory(&directory);
            Ok(Arc::new(fetcher.cache.source(&directory, "")))
        };
        let third_party = match &self.project.workspace.vendor {
            Some(listed) => ThirdParty::VendorTree { modules: &places.infos, listed, directory: &vendor },
            None => ThirdParty::Unpacked { modules: &places.modules, open: &open },
        };
        let mut sources = Sources::new(&tree, &places.mains[..], third_party, Std::Tree(&std));
        sources.root.clone_from(&places.root);
        sources.files.clone_from(&self.project.files);
        sources.in_workspace = self.project.workspace.work.is_some();
        let context = self.listing_context(request, sdk, goroot)?;
        let tools: Vec<ImportPath> = self.project.workspace.modules.iter().flat_map(|m| m.gomod.tool.iter().cloned()).collect();
        let all_has_tests = places.mains.iter().any(|m| m.go.as_ref().is_some_and(|go| go.minor() < 16));
        let patterns = Patterns { sources: &sources, context: &context, tools: &tools, all_has_tests };
        let files = are_files(&sources, request.patterns)?;
        let matches = if files { Vec::new() } else { patterns.matches(request.patterns)? };
        let found = sources.read_all(&context, &matches, request.options.tests)?;
        let godebug =
            |directives: &[&crate::source::header::DebugSetting]| self.godebug_of(directives.iter().copied(), request.profile);
        let mut loader = Loader::new(&sources, &context, &godebug, found);
        let roots = if files { vec![loader.load_files(request.patterns)?] } else { loader.load_matches(&matches)? };
        let listing = loader.list(&roots, request.options)?;
        let unmatched = matches.iter().filter(|m| m.packages.is_empty() && m.problem.is_none());
        let unmatched = unmatched.map(|m| m.pattern.clone()).collect();
        let modules = self.module_views(&places, &sources, &loader)?;
        let shown = show(&Listed { loader: &loader, listing: &listing, goroot, unmatched, modules });
        let fixed = sources.opened();
        fixed.par_iter().map(|tree| &**tree).chain([&std, &tree]).for_each(IndexedTree::save);
        shown
    }

    fn listing_context(&self, request: &Request, sdk: &LockedSdk, goroot: &Path) -> Result<BuildContext> {
        let os_arch = request.platform.os_arch();
        let experiments = match sdk.experiments.get(&os_arch) {
            Some(known) => known.clone(),
            None => sdk::default_experiments(goroot, os_arch)?,
        };
        Ok(BuildContext {
            platform: request.platform.clone(),
            go: sdk.version.clone(),
            cgo: request.cgo.unwrap_or(request.profile.cgo),
            tags: request.tags.clone().unwrap_or_else(|| request.profile.tags.clone()),
            experiments: super::with_experiments(&experiments, &request.profile.goexperiment),
            external_link: None,
        })
    }

    fn places(&self) -> Result<Places<'a>> {
        let project = self.project;
        let root = std::path::absolute(&project.dir).map_err(|e| Error::io("use", &project.dir, &e))?;
        let root = crate::source::tree::clean(&root.display().to_string());
        let selected = match &project.workspace.vendor {
            Some(vendored) => module::vendor::selected(&project.workspace, vendored),
            None => freshness::selected(&project.workspace, self.lock)?,
        };
        let mut mains = project.mains.clone();
        let is_local = |s: &&Selected| project.workspace.vendor.is_none() && matches!(s.replace, Some(Target::Directory(_)));
        let (local, rest): (Vec<&Selected>, Vec<&Selected>) = selected.iter().partition(is_local);
        // A directory that can't be used only matters to who needs it.
        mains.extend(local.iter().filter_map(|module| project.local_module(&module.id).ok()));
        let by_path: BTreeMap<&str, &LockedModule> = self.lock.modules.iter().map(|m| (m.path.as_str(), m)).collect();
        let locked: Vec<Option<&LockedModule>> = rest.iter().map(|m| by_path.get(m.id.path.as_str()).copied()).collect();
        let vendored = project.workspace.vendor.as_ref();
        let info = |(module, locked): (&&Selected, &Option<&LockedModule>)| ModuleInfo {
            path: module.id.path.clone(),
            version: module.id.version.clone(),
            go: match vendored {
                Some(listed) => listed.find(&module.id.path, Some(&module.id.version)).and_then(|m| m.go.clone()),
                None => locked.and_then(|l| l.go.clone()),
            },
        };
        let infos: Vec<ModuleInfo> = rest.iter().zip(&locked).map(info).collect();
        let selected: Vec<Selected> = rest.into_iter().cloned().collect();
        let vouched =
            |index: usize| locked[index].is_some() || !project.workspace.sums.module(source_of(&selected[index])).is_empty();
        let listed = |(index, info): (usize, &ModuleInfo)| ListedModule { info: info.clone(), vouched: vouched(index) };
        let modules = infos.iter().enumerate().map(listed).collect();
        Ok(Places { root, mains, selected, modules, infos, locked })
    }

    /// The modules of all packages that were loaded.
    fn module_views(&self, places: &Places, sources: &Sources, loader: &Loader) -> Result<HashMap<(bool, usize), ModuleView>> {
        let direct = self.direct(places, loader);
        let mut views = HashMap::new();
        for origin in loader.packages.iter().filter_map(|p| p.found.origin.as_ref()) {
            let Some(key) = key(origin).filter(|key| !views.contains_key(key)) else { continue };
            let view = match key {
                (true, index) => self.local_view(places, index, &direct),
                (false, index) => self.third_party_view(places, sources, index, &direct)?,
            };
            views.insert(key, view);
        }
        Ok(views)
    }

    /// The modules that main modules say they import packages of; in a workspace also those that they do import of
    /// (`updateWorkspaceRoots` in cmd/go, which else corrects go.mod's comments only where it may write).
    fn direct(&self, places: &Places, loader: &Loader) -> BTreeSet<String> {
        let required = self.project.workspace.modules.iter().flat_map(|m| &m.gomod.require);
        let mut direct: BTreeSet<String> = required.filter(|r| !r.indirect).map(|r| r.id.path.to_string()).collect();
        let is_own = |package: &Loaded| matches!(&package.found.origin, Some(Origin::Main { index, .. }) if places.mains[*index].stands_for.is_none());
        let workspace = &self.project.workspace;
        let corrects = workspace.work.is_some() && workspace.vendor.is_none();
        for package in loader.packages.iter().filter(|p| corrects && is_own(p)) {
            for dep in package.deps() {
                match &loader.packages[*dep].found.origin {
                    Some(Origin::Module { index, .. }) => direct.insert(places.infos[*index].path.to_string()),
                    Some(Origin::Main { index, .. }) => direct.insert(places.mains[*index].path.to_string()),
                    _ => false,
                };
            }
        }
        direct
    }

    fn local_view(&self, places: &Places, index: usize, direct: &BTreeSet<String>) -> ModuleView {
        let module = &places.mains[index];
        let dir = match module.directory.as_str() {
            "" => places.root.clone(),
            directory => format!("{}/{directory}", places.root),
        };
        let go_mod = format!("{dir}/go.mod");
        // Only to its own modules does the go command give a go line that they lack.
        let missing = if module.stands_for.is_none() { "1.16" } else { "" };
        let go_version = module.go.as_ref().map_or_else(|| missing.to_owned(), ToString::to_string);
        let path = module.path.to_string();
        let view = ModuleView { path, dir, go_mod, go_version, ..ModuleView::default() };
        match &module.stands_for {
            None => ModuleView { main: true, ..view },
            Some(stands_for) => ModuleView {
                version: stands_for.version.as_str().to_owned(),
                indirect: !direct.contains(module.path.as_str()),
                replace: Some(Box::new(ModuleView { path: stands_for.shown.clone(), ..view.clone() })),
                ..view
            },
        }
    }

    fn third_party_view(
        &self,
        places: &Places,
        sources: &Sources,
        index: usize,
        direct: &BTreeSet<String>,
    ) -> Result<ModuleView> {
        let Selected { id, replace } = &places.selected[index];
        let go_version = match (places.infos[index].go.as_ref(), self.project.workspace.vendor.is_some()) {
            (Some(go), _) => go.to_string(),
            (None, false) if places.locked[index].is_none() => go_line(&*sources.module_tree(index)?)?,
            (None, _) => String::new(),
        };
        let view = ModuleView {
            path: id.path.to_string(),
            version: id.version.as_str().to_owned(),
            indirect: !direct.contains(id.path.as_str()),
            go_version,
            ..ModuleView::default()
        };
        if self.project.workspace.vendor.is_some() {
            let replaced = module::vendor::replacement(&self.project.workspace, id).map(|(path, version)| {
                let version = version.map(|v| v.as_str().to_owned()).unwrap_or_default();
                Box::new(ModuleView { path, version, go_version: view.go_version.clone(), ..ModuleView::default() })
            });
            return Ok(ModuleView { replace: replaced, ..view });
        }
        let dir = sources.module_tree(index)?.path("").display().to_string();
        let sums = |id: &ModuleId| {
            let sums = &self.project.workspace.sums;
            let first = |hashes: &[crate::digest::H1]| hashes.first().map(ToString::to_string).unwrap_or_default();
            (first(sums.module(id)), first(sums.go_mod(id)))
        };
        let go_mod = join(&dir, "go.mod");
        Ok(match replace {
            Some(Target::Module(other)) => {
                let (sum, go_mod_sum) = sums(other);
                let replaced = ModuleView {
                    path: other.path.to_string(),
                    version: other.version.as_str().to_owned(),
                    dir: dir.clone(),
                    go_mod: go_mod.clone(),
                    go_version: view.go_version.clone(),
                    sum,
                    go_mod_sum,
                    ..ModuleView::default()
                };
                ModuleView { replace: Some(Box::new(replaced)), dir, go_mod, ..view }
            }
            _ => {
                let (sum, go_mod_sum) = sums(id);
                ModuleView { dir, go_mod, sum, go_mod_sum, ..view }
            }
        })
    }
}

/// The module whose files are used: the replacement, if there is one.
fn source_of(module: &Selected) -> &ModuleId {
    match &module.replace {
        Some(Target::Module(other)) => other,
        _ => &module.id,
    }
}

/// The go line of an unpacked module.
fn go_line(tree: &IndexedTree) -> Result<String> {
    let has_one = tree.list("")?.iter().any(|entry| entry.name == "go.mod");
    let content = if has_one { read(tree, "go.mod")? } else { Vec::new() };
    let go = GoMod::parse_dependency(&tree.path("go.mod"), &String::from_utf8_lossy(&content))?.go;
    Ok(go.map(|go| go.to_string()).unwrap_or_default())
}
