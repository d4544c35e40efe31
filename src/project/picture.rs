//! What `godirect graph` and `godirect why` look at: the graphs of the spec's platforms and profiles in one, from the lock alone.

use std::collections::{BTreeMap, BTreeSet};

use super::{Locked, Project, Variant, context, roots};
use crate::error::{Error, Location, Result};
use crate::graph::picture::{ImportKind, Module, ModuleOrigin, Node, Picture, View};
use crate::graph::{Origin, Package, PackageGraph, Sources, StandsFor, pattern};
use crate::name::ImportPath;
use crate::source::context::BuildContext;
use crate::source::scan::{FileKind, Tests, scan};
use crate::source::tree::{join, read};

impl Project {
    /// The variants with one of these platforms and with this profile. No platform, or `all`, means all of them; so does no profile.
    ///
    /// # Errors
    ///
    /// When the spec has no such platform or profile.
    pub fn chosen_variants(&self, platforms: &[String], profile: Option<&str>) -> Result<Vec<Variant<'_>>> {
        let mut variants = self.variants();
        if let Some(profile) = profile {
            self.spec.profile(profile)?;
            variants.retain(|v| v.profile_name == profile);
        }
        if platforms.is_empty() || platforms.iter().any(|p| p == "all") {
            return Ok(variants);
        }
        let targets = platforms.iter().map(|name| self.spec.target(name)).collect::<Result<Vec<_>>>()?;
        variants.retain(|v| targets.contains(&v.target));
        Ok(variants)
    }
}

impl Locked<'_> {
    /// The graphs of `variants` in one: of the packages that `patterns` name, or of the whole repository when there are none, and of
    /// all that they need. With `tests`, also of what their tests need.
    ///
    /// # Errors
    ///
    /// Those of [`PackageGraph::load`]; a pattern that names no package for any of the variants.
    pub fn picture(&self, variants: &[Variant], patterns: &[String], tests: bool) -> Result<Picture> {
        let mut graphs = Vec::new();
        for variant in variants {
            let (target, profile) = (variant.target, variant.profile_name.to_owned());
            let view = View { name: variant.name(), platform: target.platform.to_string(), profile };
            graphs.push((view, self.graph_of(*variant, patterns, tests)?));
        }
        if graphs.iter().all(|(_, graph)| graph.packages().is_empty()) && !patterns.is_empty() {
            let error = Error::input(format!("no package of the repository matches {}", patterns.join(" ")));
            return Err(error.help("patterns are import paths, or directories like ./cmd/..."));
        }
        let (modules, places) = self.modules(&graphs);
        let module_of = |package: &Package| (places[&module_key(&package.origin)], self.directory(&package.origin));
        let mut picture = Picture::new(&graphs, modules, &module_of);
        for node in &mut picture.nodes {
            if let Some(directory) = &node.directory {
                let size = |file: &String| self.project.tree.size(&join(directory, file));
                node.bytes = Some(node.files.iter().map(size).sum::<Result<u64>>()?);
            }
        }
        Ok(picture)
    }

    /// The graph of the packages that `patterns` name, or of the whole repository when there are none.
    fn graph_of(&self, variant: Variant, patterns: &[String], tests: bool) -> Result<PackageGraph> {
        let (sdk, sources) = &self.sdks[variant.profile.sdk.as_str()];
        let context = context(sdk, variant);
        if patterns.is_empty() {
            let roots = roots(sources, &context, &self.project.binaries, tests)?;
            return PackageGraph::load(sources, &context, &roots, tests);
        }
        let mut named = Vec::new();
        for path in pattern::expand(sources, &context, "", patterns, tests)? {
            // A package may be for other platforms than this one.
            if belongs(sources, &context, &path, tests)? {
                named.push(path);
            }
        }
        PackageGraph::load(sources, &context, &named, tests)
    }

    /// The modules that graphs have packages of, sorted by path, and the place of each among them.
    fn modules(&self, graphs: &[(View, PackageGraph)]) -> (Vec<Module>, BTreeMap<ModuleKey, usize>) {
        let keys: BTreeSet<ModuleKey> =
            graphs.iter().flat_map(|(_, graph)| graph.packages()).map(|package| module_key(&package.origin)).collect();
        let mut modules: Vec<(Module, ModuleKey)> = keys.into_iter().map(|key| (self.module(key), key)).collect();
        modules.sort_by(|(a, _), (b, _)| a.path.cmp(&b.path));
        let places = modules.iter().enumerate().map(|(place, (_, key))| (*key, place)).collect();
        (modules.into_iter().map(|(module, _)| module).collect(), places)
    }

    fn module(&self, key: ModuleKey) -> Module {
        let own = |path: &str, version: Option<String>, origin| Module {
            path: path.to_owned(),
            version,
            origin,
            replace: None,
            zip_size: None,
        };
        match key {
            ModuleKey::Std => {
                let versions: BTreeSet<&str> = self.sdks.values().map(|(sdk, _)| sdk.version.as_str()).collect();
                own("std", Some(Vec::from_iter(versions).join(", ")), ModuleOrigin::Std)
            }
            ModuleKey::Main(index) => {
                let main = &self.mains[index];
                match &main.stands_for {
                    None => own(main.path.as_str(), None, ModuleOrigin::Main),
                    Some(StandsFor { version, shown }) => {
                        let module = own(main.path.as_str(), Some(version.to_string()), ModuleOrigin::Local);
                        Module { replace: Some(shown.clone()), ..module }
                    }
                }
            }
            ModuleKey::Other(index) if self.project.workspace.vendor.is_some() => {
                let vendored = &self.lock.vendored[index];
                let replace = vendored.replace.as_ref().map(|r| match &r.version {
                    Some(version) => format!("{}@{version}", r.path),
                    None => r.path.clone(),
                });
                let module = own(vendored.path.as_str(), Some(vendored.version.to_string()), ModuleOrigin::Vendored);
                Module { replace, ..module }
            }
            ModuleKey::Other(index) => {
                let locked = &self.lock.modules[index];
                let module = own(locked.path.as_str(), Some(locked.version.to_string()), ModuleOrigin::Downloaded);
                let replace = locked.replace.as_ref().map(|r| format!("{}@{}", r.path, r.version));
                Module { replace, zip_size: Some(locked.size), ..module }
            }
        }
    }

    /// A package's directory relative to the spec, if it is in the repository.
    fn directory(&self, origin: &Origin) -> Option<String> {
        match origin {
            Origin::Std => None,
            Origin::Main { index, directory } => Some(join(&self.mains[*index].directory, directory)),
            Origin::Module { index, directory } => {
                self.project.workspace.vendor.as_ref()?;
                Some(join(&self.lock.vendored[*index].directory, directory))
            }
        }
    }

    /// Where the files of a package in the repository, or its test files, import `imported`; nothing for any other package.
    ///
    /// # Errors
    ///
    /// When its directory can't be read.
    pub fn import_sites(&self, node: &Node, imported: &str, kind: ImportKind) -> Result<Vec<Location>> {
        let files = match kind {
            ImportKind::Source => &node.files,
            ImportKind::Test => &node.test_files,
            ImportKind::Implicit => return Ok(Vec::new()),
        };
        let Some(directory) = &node.directory else { return Ok(Vec::new()) };
        let mut sites = Vec::new();
        for file in scan(&self.project.tree, directory, Tests::Include)?.files {
            let FileKind::Go(Ok(header)) = &file.kind else { continue };
            let import = header.imports.iter().find(|import| import.path == imported);
            if let Some(import) = import.filter(|_| files.contains(&file.name)) {
                let path = join(directory, &file.name);
                let content = read(&self.project.tree, &path)?;
                sites.push(Location::in_text(&path, &String::from_utf8_lossy(&content), import.offset, import.width));
            }
        }
        Ok(sites)
    }

    /// The package that an argument names for a picture: an import path, or a directory like `./cmd/x`.
    ///
    /// # Errors
    ///
    /// When it is neither.
    pub fn package_named(&self, name: &str) -> Result<ImportPath> {
        if name.contains("...") {
            let error = Error::input(format!("{} stands for several packages", name.escape_debug()));
            return Err(error.help("name one, or a module"));
        }
        let local = matches!(name, "." | "..") || name.starts_with("./") || name.starts_with("../");
        match self.sdks.values().next() {
            Some((sdk, sources)) if local => {
                let variants = self.project.variants();
                let context = variants.first().map(|variant| context(sdk, *variant));
                let found =
                    context.map(|context| pattern::expand(sources, &context, "", &[name.to_owned()], true)).transpose()?;
                found.into_iter().flatten().next().ok_or_else(|| Error::input(format!("no package in {name}")))
            }
            _ => name.trim_end_matches('/').parse(),
        }
    }
}

/// What a module is in the lock and the repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum ModuleKey {
    Std,
    /// Of the repository or a local replacement, by index.
    Main(usize),
    /// Of the lock, by index.
    Other(usize),
}

fn module_key(origin: &Origin) -> ModuleKey {
    match origin {
        Origin::Std => ModuleKey::Std,
        Origin::Main { index, .. } => ModuleKey::Main(*index),
        Origin::Module { index, .. } => ModuleKey::Other(*index),
    }
}

/// Whether a package has files for a build, if it is one of the repository; of others, loading tells.
fn belongs(sources: &Sources, context: &BuildContext, path: &ImportPath, tests: bool) -> Result<bool> {
    match sources.locate(path.as_str()) {
        Ok(Origin::Main { index, directory }) => {
            Ok(sources.main_package(index, &directory)?.is_some_and(|package| package.has_go_files_for(context, tests)))
        }
        // What is wrong with it, loading tells.
        Ok(Origin::Std | Origin::Module { .. }) | Err(_) => Ok(true),
    }
}
