//! Loading packages with all that they import, whatever is wrong with some of them (`loadImport` in `cmd/go/internal/load`).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::failure::Failure;
use super::find::{Found, shown_position};
use super::problem::{Importer, PackageError, Problem, ProblemKind};
use super::resolve::may_import;
use super::{Origin, Sources, Std, ThirdParty};
use crate::error::{Error, Result};
use crate::source::choose::{ImportSite, Selection};
use crate::source::context::BuildContext;
use crate::source::header::DebugSetting;
use crate::source::token::Position;
use crate::source::tree::{Tree, join};

/// Index of a package among [`Loader::packages`].
pub type Id = usize;

/// What `simd` needs besides.
const SIMD_BRIDGE: &str = "simd/internal/bridge";

/// What a package is in relation to tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The package itself, or that compiled again for a test.
    Plain,
    /// With its `_test.go` files.
    WithTests,
    /// Its tests in the package `…_test`.
    ExternalTest,
    /// The program that runs the tests.
    TestMain,
}

/// A package as `list` describes it (`load.Package`).
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The import path.
    pub path: Arc<str>,
    /// Where it is, and what the build sees there.
    pub found: Arc<Found>,
    /// What it is in relation to tests.
    pub kind: Kind,
    /// A name in the place of that in the package clause.
    pub name: Option<String>,
    /// The import paths of what it imports.
    pub imports: Vec<Arc<str>>,
    /// The same as written, as far as they are.
    pub raw_imports: Vec<Arc<str>>,
    /// What it imports, with what tools and the linker add; `None` while that is being loaded, or when it won't be.
    pub deps: Option<Vec<Id>>,
    /// The `//go:embed` patterns with the files that they match: the package's own, those of its tests, and of its external tests.
    pub embeds: [BTreeMap<String, Vec<String>>; 3],
    /// The value of `DefaultGODEBUG`.
    pub default_godebug: String,
    /// The test that it is compiled for.
    pub for_test: Option<Arc<str>>,
    /// The program that it is compiled for, with a profile.
    pub for_main: Option<Arc<str>>,
    /// Whether it is compiled with a profile of how a program runs.
    pub has_profile: bool,
    /// The patterns that name it.
    pub matches: Vec<String>,
    /// What is wrong with it; index among [`Loader::errors`].
    pub error: Option<usize>,
    /// Whether something is wrong with it or with what it imports.
    pub is_incomplete: bool,
    /// Whether its module is known: as in Go, not if it is given up before.
    pub has_module: bool,
    /// Whether files for C compilers count: without cgo, those of a package that can be loaded don't.
    pub has_c: bool,
}

impl Loaded {
    /// The name in the package clause.
    pub fn name(&self) -> String {
        match self.kind {
            Kind::Plain | Kind::WithTests => self.name.clone().unwrap_or_else(|| self.found.chosen.name.clone()),
            Kind::ExternalTest => format!("{}_test", self.found.chosen.name),
            Kind::TestMain => "main".to_owned(),
        }
    }

    /// The files that parts of it embed, sorted within each.
    pub fn embed_files(&self, parts: &[usize]) -> Vec<&str> {
        let sorted = |part: &usize| -> BTreeSet<&str> { self.embeds[*part].values().flatten().map(String::as_str).collect() };
        parts.iter().flat_map(sorted).collect()
    }

    /// What it imports, with what tools and the linker add.
    pub fn deps(&self) -> &[Id] {
        self.deps.as_deref().unwrap_or_default()
    }

    /// Whether it belongs to the SDK.
    pub fn is_std(&self) -> bool {
        self.found.origin == Some(Origin::Std)
    }
}

/// Gives the value of `DefaultGODEBUG` for a main package with these directives.
pub type Godebug<'a> = dyn Fn(&[&DebugSetting]) -> String + 'a;

/// Packages as they are loaded.
pub struct Loader<'a> {
    pub(super) sources: &'a Sources<'a>,
    pub(super) context: &'a BuildContext,
    pub(super) godebug: &'a Godebug<'a>,
    /// Whether the first error ends it all.
    is_strict: bool,
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

    fn push(&mut self, import: Import) {
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

    pub(super) fn error(&self, text: String, position: String) -> PackageError {
        PackageError { stack: self.stack.clone(), position, text, is_cycle: false, shows_stack: false }
    }

    /// Notes an error unless there is one already.
    pub(super) fn fail(&mut self, id: Id, failure: Failure) -> Result<()> {
        if self.is_strict {
            return Err(failure.strict);
        }
        let package = &mut self.packages[id];
        if package.error.is_none() {
            self.errors.push(failure.error);
            package.error = Some(self.errors.len() - 1);
            package.is_incomplete = true;
        }
        Ok(())
    }

    /// An error of a package that isn't on the stack yet: it stands where it is imported (`setError` in `(*Package).load`).
    fn failed(&mut self, id: Id, text: String, import: Import) -> Result<()> {
        let outside = self.stack.last().is_some_and(|top| *top.path != *import.path);
        let position = if outside { self.import_position(import) } else { String::new() };
        let strict = self.of_package(id, &text);
        let failure = self.failure(text, position, strict);
        self.fail(id, failure)
    }

    /// An error of finding a package (`setLoadPackageDataError`).
    fn loading_failed(&mut self, id: Id, problem: &Problem, path: &str, import: Import) -> Result<()> {
        let found = self.packages[id].found.clone();
        let position = match &problem.kind {
            ProblemKind::Syntax { file, position } => self.position(&found, file, position),
            _ => String::new(),
        };
        let of_package = !matches!(problem.kind, ProblemKind::Import | ProblemKind::Missing);
        if of_package {
            self.push(import);
        }
        let mut error = self.error(self.with_module(problem), position);
        if self.stack.last().is_some_and(|top| *top.path != *path) {
            let position = self.import_position(import);
            if !position.is_empty() {
                error.position = position;
            }
        }
        if of_package {
            self.stack.pop();
        }
        let strict = match found.origin {
            Some(_) => problem.error.clone(),
            None => self.located(problem.error.clone(), import),
        };
        self.packages[id].error = None;
        self.fail(id, Failure { error, strict })
    }

    /// Where an import stands; empty when that isn't known.
    pub(super) fn import_position(&self, import: Import) -> String {
        match (import.site, import.parent) {
            (Some(site), Some(parent)) => self.position(&self.packages[parent].found, &site.file, &site.position),
            _ => String::new(),
        }
    }

    /// `file:line:column`, with a relative path if that is shorter.
    pub(super) fn position(&self, found: &Found, file: &str, position: &Position) -> String {
        self.sources.shown(&shown_position(&found.directory, file, position))
    }

    /// Why the importer may not import a package: it is internal, vendored or a program.
    fn refusal(&mut self, id: Id, import: Import) -> Option<Failure> {
        let importer = self.importer_path(import.parent?);
        let parent = &self.packages[import.parent?];
        let (package, written) = (&self.packages[id], import.path);
        let path = &package.path;
        let by_simd = import.by_simd && written == SIMD_BRIDGE;
        let origins = (&parent.found.origin, &package.found.origin);
        let (text, shows_stack) = match origins {
            (Some(from), Some(to)) if !by_simd && package.error.is_none() && !may_import(&importer, from, path, to) => {
                (format!("use of internal package {path} not allowed"), true)
            }
            _ if vendored_elsewhere(package, &parent.found.directory) => {
                ("use of vendored package not allowed".to_owned(), false)
            }
            _ if find_vendor(written).is_some() => {
                (format!("{written} must be imported as {}", find_vendor(written).unwrap_or_default()), false)
            }
            _ if package.name() == "main" && !is_same(parent, package) => {
                (format!("import \"{written}\" is a program, not an importable package"), false)
            }
            _ if written == "." => (".: cannot import current directory".to_owned(), false),
            _ if is_local(written) => (format!("local import {written:?} in non-local package"), false),
            _ => return None,
        };
        let shown = if shows_stack { format!("{text} in {importer}") } else { text.clone() };
        let strict = self.located(Error::input(shown), import);
        let position = self.import_position(import);
        Some(Failure { error: PackageError { shows_stack, ..self.error(text, position) }, strict })
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

    /// What cgo, `simd`, SWIG and the linker need besides the written imports.
    fn implicit_imports(&self, id: Id) -> Result<Vec<&'static str>, String> {
        let mut implicit = self.tool_imports(id);
        if self.packages[id].found.chosen.name == "main" {
            implicit.extend(self.linker_deps()?);
        }
        let mut seen = HashSet::new();
        implicit.retain(|path| seen.insert(*path));
        Ok(implicit)
    }

    /// What cgo, `simd` and SWIG make the compiled package import.
    pub(super) fn tool_imports(&self, id: Id) -> Vec<&'static str> {
        let package = &self.packages[id];
        let (path, std) = (&*package.path, package.is_std());
        let chosen = &package.found.chosen.package;
        let mut tools = Vec::new();
        if self.is_simd(chosen) {
            tools.push(SIMD_BRIDGE);
        }
        if !chosen.files.cgo.is_empty() {
            tools.push("unsafe");
            if !(std && path == "runtime/cgo") {
                tools.push("runtime/cgo");
            }
            if !(std && matches!(path, "runtime/cgo" | "runtime/race" | "runtime/msan" | "runtime/asan")) {
                tools.push("syscall");
            }
        }
        if chosen.files.c.iter().any(|f| f.ends_with(".swig") || f.ends_with(".swigcxx")) {
            tools.extend(["unsafe", "runtime/cgo", "syscall", "sync"]);
        }
        tools
    }

    /// Whether what is imported is compiled to instructions that need the bridge (`hasSimd`).
    pub(super) fn is_simd(&self, part: &Selection) -> bool {
        part.imports.contains_key("simd") && matches!(self.context.platform.goarch(), "wasm" | "amd64" | "arm64")
    }

    /// What the linker needs for every program (`LinkerDeps`).
    pub(super) fn linker_deps(&self) -> Result<Vec<&'static str>, String> {
        let platform = &self.context.platform;
        let mut deps = vec!["runtime"];
        let external = match (platform.goos(), platform.goarch()) {
            ("android", "arm64") => None,
            ("android", _) | ("ios", "arm64") => Some(platform.os_arch().to_string()),
            ("ios", _) => Some("default PIE binary".to_owned()),
            _ => None,
        };
        match external {
            Some(what) if !self.context.cgo => {
                return Err(format!("{what} requires external (cgo) linking, but cgo is not enabled"));
            }
            Some(_) => deps.push("runtime/cgo"),
            None => {}
        }
        if platform.goarch() == "arm" {
            deps.push("math");
        }
        for (tag, path) in [("race", "runtime/race"), ("msan", "runtime/msan"), ("asan", "runtime/asan")] {
            if self.context.tags.contains(tag) {
                deps.push(path);
            }
        }
        Ok(deps)
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

    /// Refuses file names that differ only in case, or that a tool could take for a flag.
    fn wrong_names(&self, id: Id) -> Option<String> {
        let package = &self.packages[id];
        let files = package.found.chosen.all_files();
        let own = files.iter().map(|f| f.as_str());
        let embedded = package.embed_files(&[0]);
        let embedded = embedded.into_iter().filter(|f| f.contains('/') || !files.contains(*f));
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        let all: Vec<&str> = own.chain(embedded).collect();
        for file in &all {
            if let Some(other) = seen.insert(file.to_lowercase(), file) {
                let (first, second) = if other < *file { (other, *file) } else { (*file, other) };
                return Some(format!("case-insensitive file name collision: \"{first}\" and \"{second}\""));
            }
        }
        let safe = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_alphanumeric() || "._/".contains(c) || !c.is_ascii())
                && !name.starts_with("_cgo_")
        };
        all.into_iter().find(|file| !safe(file)).map(|file| format!("invalid input file name {file:?}"))
    }
}

/// Whether two are the same package, or one of them the other's tests.
fn is_same(a: &Loaded, b: &Loaded) -> bool {
    a.found.origin == b.found.origin && (!a.is_std() || a.found.path == b.found.path)
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

/// Whether a package is vendored in a directory that the importer's isn't below (`disallowVendorVisibility`).
fn vendored_elsewhere(package: &Loaded, importer: &str) -> bool {
    let (path, directory) = (&*package.path, &package.found.directory);
    let Some(after) = find_vendor(path) else { return false };
    let tail = format!("vendor/{after}");
    let Some(parent) = directory.strip_suffix(&tail) else { return false };
    !format!("{importer}/").starts_with(parent)
}

/// Whether an import path names a directory.
pub(super) fn is_local(path: &str) -> bool {
    matches!(path, "." | "..") || path.starts_with("./") || path.starts_with("../")
}

/// What stands after the last element `vendor`, which isn't the path's last (`FindVendor`).
fn find_vendor(path: &str) -> Option<&str> {
    match path.rfind("/vendor/") {
        Some(at) => Some(&path[at + "/vendor/".len()..]),
        None => path.strip_prefix("vendor/"),
    }
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
