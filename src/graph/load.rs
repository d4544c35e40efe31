//! Loading packages with all that they import, whatever is wrong with some of them (`loadImport` in `cmd/go/internal/load`).

use std::collections::HashMap;
use std::sync::Arc;

use super::covered::Covered;
use super::failure::Failure;
use super::find::Found;
use super::implicit::SIMD_BRIDGE;
use super::loaded::{Kind, Loaded};
use super::problem::{Importer, PackageError, Problem};
use super::{Origin, Sources, Std, ThirdParty};
use crate::error::Result;
use crate::source::choose::{ImportSite, Selection};
use crate::source::context::BuildContext;
use crate::source::header::DebugSetting;
use crate::source::tree::{Tree, join};

/// Index of a package among [`Loader::packages`].
pub type Id = usize;

/// Gives the value of `DefaultGODEBUG` for a main package with these directives.
pub type Godebug<'a> = dyn Fn(&[&DebugSetting]) -> String + Sync + 'a;

/// Packages as they are loaded.
pub struct Loader<'a> {
    pub(super) sources: &'a Sources<'a>,
    pub(super) context: &'a BuildContext,
    pub(super) godebug: &'a Godebug<'a>,
    /// Whether the first error ends it all.
    pub(super) is_strict: bool,
    /// Which statements are counted.
    pub(super) covered: Option<Covered>,
    /// All packages, in the order in which they were found.
    pub packages: Vec<Loaded>,
    /// All errors.
    pub errors: Vec<PackageError>,
    by_path: HashMap<Arc<str>, Id>,
    /// What import paths stand for.
    found: HashMap<Arc<str>, Arc<Found>>,
    /// Import paths by what they are without regard to case.
    folded: HashMap<String, Arc<str>>,
    /// The packages being loaded, each imported by the one before.
    pub(super) stack: Vec<Importer>,
}

/// An import of a package that is being loaded.
#[derive(Clone, Copy)]
pub(super) struct Import<'i> {
    /// As written.
    pub(super) path: &'i str,
    /// Who imports it.
    pub(super) parent: Option<Id>,
    /// Where it stands.
    pub(super) site: Option<&'i ImportSite>,
    /// Whether the `simd` bridge may be imported.
    pub(super) by_simd: bool,
}

impl<'a> Loader<'a> {
    /// A loader that has loaded nothing; `found` is what was read ahead.
    pub fn new(
        sources: &'a Sources<'a>,
        context: &'a BuildContext,
        godebug: &'a Godebug<'a>,
        found: HashMap<Arc<str>, Arc<Found>>,
    ) -> Loader<'a> {
        Loader {
            sources,
            context,
            godebug,
            is_strict: false,
            covered: None,
            packages: Vec::new(),
            errors: Vec::new(),
            by_path: HashMap::new(),
            found,
            folded: HashMap::new(),
            stack: Vec::new(),
        }
    }

    /// The same, but the first error is one of its functions; only what a build needs is loaded.
    pub fn strict(self) -> Loader<'a> {
        Loader { is_strict: true, ..self }
    }

    /// Loads a package that somebody named, with all that it needs.
    ///
    /// # Errors
    ///
    /// Only what stops everything: a directory that can't be read.
    pub fn root(&mut self, path: &str) -> Result<Id> {
        Ok(self.import(Import { path, parent: None, site: None, by_simd: false })?.0)
    }

    /// Loads a package that was found, whatever its import path.
    pub(super) fn load_found(&mut self, found: Arc<Found>) -> Result<Id> {
        let path = found.path.clone();
        let id = self.add(path.clone(), found);
        self.load(id, Import { path: &path, parent: None, site: None, by_simd: false })?;
        Ok(id)
    }

    /// Adds a package that stands for a pattern that can't be matched.
    ///
    /// # Errors
    ///
    /// The problem, for a strict loader.
    pub fn unmatched(&mut self, pattern: &str, problem: &Problem) -> Result<Id> {
        let mut found = Found::clone(&nothing(pattern.into()));
        found.directory.clone_from(&problem.directory);
        let id = self.add(pattern.into(), Arc::new(found));
        let failure = self.failure(problem.text.clone(), String::new(), problem.error.clone());
        self.fail(id, failure)?;
        Ok(id)
    }

    /// The package with an import path.
    pub(super) fn loaded(&self, path: &str) -> Option<&Loaded> {
        self.by_path.get(path).map(|id| &self.packages[*id])
    }

    fn add(&mut self, path: Arc<str>, found: Arc<Found>) -> Id {
        self.packages.push(Loaded {
            path,
            found,
            kind: Kind::Plain,
            name: None,
            imports: Vec::new(),
            raw_imports: Vec::new(),
            deps: None,
            embeds: Default::default(),
            default_godebug: String::new(),
            for_test: None,
            for_main: None,
            has_profile: false,
            matches: Vec::new(),
            error: None,
            is_incomplete: false,
            has_module: false,
            has_c: true,
        });
        self.packages.len() - 1
    }

    /// What an import path stands for.
    fn find(&mut self, path: &str) -> Result<Arc<Found>> {
        if let Some(found) = self.found.get(path) {
            return Ok(found.clone());
        }
        let found = Arc::new(self.sources.find(path, self.context)?);
        self.found.insert(path.into(), found.clone());
        Ok(found)
    }

    /// Loads what an import means; gives it, and why the importer may not import it.
    pub(super) fn import(&mut self, import: Import) -> Result<(Id, Option<Failure>)> {
        let written = import.path;
        if let Some(problem) = refused(written) {
            let id = self.add(written.into(), nothing(written.into()));
            self.push(import);
            self.loading_failed(id, &problem, written, Import { site: None, ..import })?;
            self.stack.pop();
            return Ok((id, None));
        }
        let path = match import.parent.map(|p| &self.packages[p]) {
            Some(parent) if parent.is_std() => self.sources.vendored(&parent.found.path, written)?,
            _ => None,
        };
        let found = self.find(path.as_deref().unwrap_or(written))?;
        let id = match self.by_path.get(&found.path) {
            Some(&id) => {
                self.push(import);
                self.reuse(id)?;
                self.stack.pop();
                id
            }
            None => {
                let id = self.add(found.path.clone(), found.clone());
                self.by_path.insert(found.path.clone(), id);
                self.load(id, import)?;
                id
            }
        };
        Ok((id, self.refusal(id, import)))
    }

    pub(super) fn push(&mut self, import: Import) {
        let file = import.site.map(|site| site.file.clone());
        self.stack.push(Importer { path: import.path.into(), file });
    }

    /// Notes an import cycle, or a shorter way to a package with an error (`reusePackage`).
    fn reuse(&mut self, id: Id) -> Result<()> {
        if self.packages[id].deps.is_none() {
            self.packages[id].is_incomplete = true;
            match self.packages[id].error {
                Some(error) => self.errors[error].is_cycle = true,
                None => {
                    let mut failure = self.cycle(id);
                    failure.error.is_cycle = true;
                    self.fail(id, failure)?;
                }
            }
        }
        if let Some(error) = self.packages[id].error.map(|e| &mut self.errors[e]) {
            let shorter = (self.stack.len(), self.stack.iter().map(|i| &i.path).collect::<Vec<_>>())
                < (error.stack.len(), error.stack.iter().map(|i| &i.path).collect::<Vec<_>>());
            if !error.is_cycle && !error.stack.is_empty() && shorter {
                error.stack.clone_from(&self.stack);
            }
        }
        Ok(())
    }

    /// Loads what a package imports (`(*Package).load`).
    fn load(&mut self, id: Id, import: Import) -> Result<()> {
        let found = self.packages[id].found.clone();
        if let Some(problem) = &found.problem {
            self.loading_failed(id, problem, import.path, import)?;
        }
        let selection = &found.chosen.package;
        let mut written: Vec<Arc<str>> = selection.imports.keys().map(|path| path.as_str().into()).collect();
        self.packages[id].imports.clone_from(&written);
        self.packages[id].raw_imports.clone_from(&written);
        let explicit = written.len();
        match self.implicit_imports(id) {
            Ok(implicit) => written.extend(implicit.into_iter().filter(|i| !selection.imports.contains_key(*i)).map(Arc::from)),
            Err(text) => return self.failed(id, text, import),
        }
        let folded = found.path.to_lowercase();
        let other = self.folded.entry(folded).or_insert_with(|| found.path.clone()).clone();
        if other != found.path {
            let text = format!("case-insensitive import collision: \"{}\" and \"{other}\"", found.path);
            return self.failed(id, text, import);
        }
        self.push(import);
        let result = self.load_imports(id, &found, &written, explicit);
        self.stack.pop();
        result
    }

    fn load_imports(&mut self, id: Id, found: &Found, written: &[Arc<str>], explicit: usize) -> Result<()> {
        self.packages[id].has_module = true;
        if found.chosen.name == "main" {
            self.packages[id].default_godebug = (self.godebug)(&found.chosen.package.debug.iter().collect::<Vec<_>>());
        }
        if let Some(failure) = self.embed(id, found, &found.chosen.package, 0)? {
            let position = failure.error.position.clone();
            self.fail(id, failure)?;
            // As in Go, an earlier error is shown at this place.
            if let Some(error) = self.packages[id].error {
                self.errors[error].position = position;
            }
        }
        if let Some(text) = self.wrong_names(id) {
            let failure = self.failure(text.clone(), String::new(), self.of_package(id, &text));
            return self.fail(id, failure);
        }
        let by_simd = written.iter().any(|path| &**path == SIMD_BRIDGE);
        let mut deps = Vec::new();
        // It is compiled into what imports it.
        let counts = |path: &str| path != "C" && !(self.is_strict && path == "unsafe");
        let counting: Vec<(usize, &Arc<str>)> = written.iter().enumerate().filter(|(_, path)| counts(path)).collect();
        for (index, path) in counting {
            let site = found.chosen.package.imports.get(&**path).and_then(Option::as_ref);
            let (dep, failure) = self.import(Import { path, parent: Some(id), site, by_simd })?;
            if let Some(failure) = failure {
                self.fail(id, failure)?;
            }
            if index < explicit {
                self.packages[id].imports[index] = self.packages[dep].path.clone();
            }
            self.packages[id].is_incomplete |= self.packages[dep].is_incomplete;
            deps.push(dep);
        }
        self.packages[id].deps = Some(deps);
        self.packages[id].has_c = self.context.cgo;
        if let Some(text) = found.chosen.package.files.c_without_cgo(self.context.cgo) {
            let failure = self.failure(text.clone(), String::new(), self.of_package(id, &text));
            self.fail(id, failure)?;
        }
        Ok(())
    }

    /// Finds embedded files; `part` is the index in [`Loaded::embed_files`].
    pub(super) fn embed(&mut self, id: Id, found: &Found, of: &Selection, part: usize) -> Result<Option<Failure>> {
        let Some(origin) = found.origin.as_ref().filter(|_| !of.embed_sites.is_empty()) else { return Ok(None) };
        let mut selection = Selection { embed_sites: of.embed_sites.clone(), ..Selection::default() };
        let wrong = self.sources.with_tree(origin, &found.path, |tree, directory| selection.resolve_embeds(tree, directory))?;
        if let Some((pattern, why)) = wrong {
            let site = &of.embed_sites[&pattern];
            let position = self.position(found, &site.file, &site.position);
            let text = format!("pattern {pattern}: {why}");
            let strict = self.in_file(id, site, &text);
            return Ok(Some(self.failure(text, position, strict)));
        }
        self.packages[id].embeds[part] = selection.files.embed;
        Ok(None)
    }
}

/// What stands for a path that nothing is known of.
fn nothing(path: Arc<str>) -> Arc<Found> {
    Arc::new(Found { path, origin: None, directory: String::new(), chosen: Arc::default(), problem: None })
}

/// Import paths that aren't even looked for.
fn refused(path: &str) -> Option<Problem> {
    if path.starts_with("mod/") {
        return Some(Problem::plain(format!("disallowed import path {path:?}")));
    }
    let text = "can only use path@version syntax with 'go get' and 'go install' in module-aware mode";
    path.contains('@').then(|| Problem::plain(text))
}

/// Whether an import path names a directory.
pub(super) fn is_local(path: &str) -> bool {
    matches!(path, "." | "..") || path.starts_with("./") || path.starts_with("../")
}

impl Sources<'_> {
    /// The path that std and cmd vendor an import under; `None` when it stands for itself (`stdVendor`).
    pub(super) fn vendored(&self, importer: &str, path: &str) -> Result<Option<String>> {
        if !path.split('/').next().unwrap_or_default().contains('.') {
            return Ok(None);
        }
        let of_cmd = importer == "cmd" || importer.starts_with("cmd/");
        let vendored = format!("{}/{path}", if of_cmd { "cmd/vendor" } else { "vendor" });
        Ok(self.has_std(&vendored)?.then_some(vendored))
    }

    /// Lets `act` see the tree that a package is in, and its directory there.
    pub(super) fn with_tree<T>(
        &self,
        origin: &Origin,
        path: &str,
        act: impl FnOnce(&dyn Tree, &str) -> Result<T>,
    ) -> Result<T> {
        match (origin, self.std, &self.third_party) {
            (Origin::Std, Std::Tree(tree), _) => act(tree, path),
            (Origin::Module { index, directory }, _, ThirdParty::Unpacked { .. }) => {
                act(&*self.module_tree(*index)?, directory)
            }
            (Origin::Module { index, directory }, _, ThirdParty::VendorTree { modules, directory: vendor, .. }) => {
                act(self.tree, &join(&join(vendor, modules[*index].path.as_str()), directory))
            }
            (Origin::Main { index, directory }, ..) => act(self.tree, &join(&self.main[*index].directory, directory)),
            // Records have no tree.
            _ => act(self.tree, ""),
        }
    }

    /// A path relative to the current directory, if that is shorter.
    pub(super) fn shown(&self, path: &str) -> String {
        let (from, to): (Vec<&str>, Vec<&str>) = (self.root.split('/').collect(), path.split('/').collect());
        let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
        let up = std::iter::repeat_n("..", from.len() - common);
        let relative = up.chain(to[common..].iter().copied()).collect::<Vec<_>>().join("/");
        if relative.len() < path.len() { relative } else { path.to_owned() }
    }
}
