//! Minimal version selection with graph pruning (<https://go.dev/ref/mod#minimal-version-selection>;
//! `cmd/go/internal/modload/buildlist.go`).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use super::ModuleId;
use super::gomod::{GoMod, Target};
use super::semver;
use super::workspace::Workspace;
use crate::error::{Class, Error, Result};
use crate::name::{ModulePath, ModuleVersion};

/// A module of the build list, besides the main ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    /// The path that imports use, and the version that was selected.
    pub id: ModuleId,
    /// What takes its place; directories are relative to the workspace's (or absolute).
    pub replace: Option<Target>,
}

/// Gets the go.mod of a version (a synthesized one if the module has none) and verifies it.
pub type FetchGoMod<'a> = dyn Fn(&ModuleId) -> Result<GoMod> + Sync + 'a;

/// The modules that building packages of the main module needs, when its go.mod lists them all, sorted by path.
///
/// Go resolves imports with these alone and doesn't look at any other go.mod. `None` for a workspace, and for a module
/// older than Go 1.17: those need [`build_list`].
pub fn listed(workspace: &Workspace) -> Option<Vec<Selected>> {
    match workspace.modules.as_slice() {
        [main] if workspace.work.is_none() && main.gomod.is_pruned() => {
            let mut graph = Graph::new(workspace);
            graph.require(requirements(workspace, &main.gomod));
            Some(graph.selected())
        }
        _ => None,
    }
}

/// The build list: every module that `go list -m all` lists besides the main ones, sorted by path.
///
/// # Errors
///
/// Those of `fetch`; a local replacement without go.mod; a go.mod that declares another path than is required.
pub fn build_list(workspace: &Workspace, fetch: &FetchGoMod<'_>) -> Result<Vec<Selected>> {
    let mut graph = Graph::new(workspace);
    if workspace.work.is_some() {
        graph.load_workspace(fetch)?;
    } else if let [main] = workspace.modules.as_slice() {
        let roots = requirements(workspace, &main.gomod);
        graph.require(roots.clone());
        let pruning = if main.gomod.is_pruned() { Pruning::Pruned } else { Pruning::Unpruned };
        graph.load(roots.into_iter().map(|id| (id, pruning)).collect(), fetch)?;
    }
    Ok(graph.selected())
}

/// How far the requirements of a module are followed (`modPruning`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Pruning {
    /// Only its own go.mod counts.
    Pruned,
    /// All that it reaches counts.
    Unpruned,
    /// As the main modules of a workspace: what it requires is loaded, then followed as its go line says.
    Workspace,
}

/// What is known of each module, or the first error. All are asked, whatever is wrong with some, so that what a question leads to doesn't
/// depend on chance; but where the network fails nobody waits for it to fail again.
fn all_of(ids: &[&ModuleId], ask: impl Fn(&ModuleId) -> Result<Summary> + Sync) -> Result<Vec<Summary>> {
    let is_cut_off = AtomicBool::new(false);
    let answer = |id: &&ModuleId| {
        if is_cut_off.load(Ordering::Relaxed) {
            return None;
        }
        let answer = ask(id);
        if answer.as_ref().is_err_and(|error| error.class() == Class::Environment) {
            is_cut_off.store(true, Ordering::Relaxed);
        }
        Some(answer)
    };
    let answers: Vec<Option<Result<Summary>>> = ids.par_iter().map(answer).collect();
    answers.into_iter().flatten().collect()
}

struct Summary {
    requires: Vec<ModuleId>,
    pruned: bool,
}

struct Graph<'w> {
    workspace: &'w Workspace,
    selected: BTreeMap<ModulePath, ModuleVersion>,
    summaries: HashMap<ModuleId, Summary>,
    queued: HashSet<(ModuleId, Pruning)>,
}

/// The requirements of a go.mod without excluded versions.
fn requirements(workspace: &Workspace, gomod: &GoMod) -> Vec<ModuleId> {
    gomod.require.iter().map(|r| &r.id).filter(|id| !workspace.is_excluded(id)).cloned().collect()
}

impl<'w> Graph<'w> {
    fn new(workspace: &'w Workspace) -> Graph<'w> {
        Graph { workspace, selected: BTreeMap::new(), summaries: HashMap::new(), queued: HashSet::new() }
    }

    /// Selects the highest version of each required module. Of a main module that is always its own one, yet what a
    /// published version of it requires counts.
    fn require(&mut self, ids: Vec<ModuleId>) {
        for ModuleId { path, version } in ids {
            if self.workspace.main_module(&path).is_some() {
                continue;
            }
            let selected = self.selected.entry(path).or_insert_with(|| version.clone());
            if semver::compare(selected.as_str(), version.as_str()).is_lt() {
                *selected = version;
            }
        }
    }

    fn selected(self) -> Vec<Selected> {
        let with_replacement = |(path, version)| {
            let id = ModuleId { path, version };
            let replace = self.workspace.replacement(&id).cloned();
            Selected { id, replace }
        };
        self.selected.into_iter().map(with_replacement).collect()
    }

    /// Loads modules level by level, and what follows from their go.mod files (`readModGraph`).
    fn load(&mut self, mut level: Vec<(ModuleId, Pruning)>, fetch: &FetchGoMod<'_>) -> Result<()> {
        while !level.is_empty() {
            level.retain(|item| self.queued.insert(item.clone()));
            let missing: HashSet<&ModuleId> =
                level.iter().map(|(id, _)| id).filter(|id| !self.summaries.contains_key(*id)).collect();
            let mut missing: Vec<&ModuleId> = missing.into_iter().collect();
            missing.sort();
            let workspace = self.workspace;
            let loaded = all_of(&missing, |id| summary(workspace, id, fetch))?;
            for (id, summary) in missing.into_iter().cloned().collect::<Vec<_>>().into_iter().zip(loaded) {
                self.require(summary.requires.clone());
                self.summaries.insert(id, summary);
            }
            let mut next = Vec::new();
            for (id, pruning) in &level {
                let Some(summary) = self.summaries.get(id) else { continue };
                if *pruning == Pruning::Pruned && summary.pruned {
                    continue;
                }
                let unpruned = *pruning == Pruning::Unpruned || !summary.pruned;
                let following = if unpruned { Pruning::Unpruned } else { Pruning::Pruned };
                next.extend(summary.requires.iter().map(|r| (r.clone(), following)));
            }
            level = next;
        }
        Ok(())
    }

    /// Loads the graph of several main modules. Where a module gets a higher version than it asks for, the requirements
    /// of that version must be loaded too: no go.mod lists them for all main modules together.
    fn load_workspace(&mut self, fetch: &FetchGoMod<'_>) -> Result<()> {
        let workspace = self.workspace;
        let mut level = Vec::new();
        for main in &workspace.modules {
            let requires = requirements(workspace, &main.gomod);
            let pruning = if main.gomod.is_pruned() { Pruning::Pruned } else { Pruning::Unpruned };
            level.extend(requires.iter().map(|id| (id.clone(), pruning)));
            self.require(requires);
        }
        self.load(level, fetch)?;
        let mut seen: HashSet<ModuleId> = HashSet::new();
        let mut paths: HashSet<ModulePath> = HashSet::new();
        loop {
            let mut required: Vec<ModuleId> =
                workspace.modules.iter().flat_map(|main| requirements(workspace, &main.gomod)).collect();
            let mut wanted: HashSet<ModuleId> = HashSet::new();
            for path in &paths {
                let id = self.current(path);
                match self.summaries.get(&id) {
                    Some(summary) if seen.contains(&id) => required.extend(summary.requires.iter().cloned()),
                    _ => {
                        wanted.insert(id);
                    }
                }
            }
            required.retain(|id| workspace.main_module(&id.path).is_none());
            for id in required {
                let current = self.current(&id.path);
                let raised = semver::compare(current.version.as_str(), id.version.as_str()).is_gt();
                if raised && !seen.contains(&current) {
                    wanted.insert(current);
                }
            }
            if wanted.is_empty() {
                return Ok(());
            }
            paths.extend(wanted.iter().map(|id| id.path.clone()));
            let mut wanted: Vec<ModuleId> = wanted.into_iter().collect();
            wanted.sort();
            seen.extend(wanted.iter().cloned());
            self.load(wanted.into_iter().map(|id| (id, Pruning::Workspace)).collect(), fetch)?;
        }
    }

    /// The version of a module that is selected so far.
    fn current(&self, path: &ModulePath) -> ModuleId {
        ModuleId { path: path.clone(), version: self.selected[path].clone() }
    }
}

/// What a module, or its replacement, requires (`goModSummary`).
fn summary(workspace: &Workspace, id: &ModuleId, fetch: &FetchGoMod<'_>) -> Result<Summary> {
    let replacement = workspace.replacement(id);
    let fetched;
    let gomod = match replacement {
        Some(Target::Directory(directory)) => workspace.local(directory).map_err(|e| e.context(id))?,
        Some(Target::Module(other)) => {
            fetched = fetch(other)?;
            &fetched
        }
        None => {
            fetched = fetch(id)?;
            &fetched
        }
    };
    let declared = gomod.module.as_ref();
    let fine = match replacement {
        // Anything goes in a local replacement.
        Some(Target::Directory(_)) => true,
        Some(Target::Module(other)) => declared.is_some_and(|m| *m == id.path || *m == other.path),
        None => declared.is_some_and(|m| *m == id.path),
    };
    if fine {
        return Ok(Summary { requires: requirements(workspace, gomod), pruned: gomod.is_pruned() });
    }
    let Some(declared) = declared else {
        return Err(Error::input(format!("{id}: its go.mod has no module line")));
    };
    Err(Error::input(format!("{id}: its go.mod declares its path as {declared}, but it was required as {}", id.path))
        .help(format!("require {declared}, or add a replace directive")))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn workspace(files: &[(&str, &str)]) -> Workspace {
        let read = |name: &str| Ok(files.iter().find(|(n, _)| *n == name).map(|(_, c)| (*c).to_owned()));
        Workspace::load_with(Path::new("."), &read).unwrap()
    }

    fn list(files: &[(&str, &str)], modules: &[(&str, &str)]) -> Result<Vec<String>> {
        let fetch = |id: &ModuleId| {
            let found = modules.iter().find(|(name, _)| *name == id.to_string());
            let (_, rest) = found.ok_or_else(|| Error::environment(format!("{id} must not be fetched")))?;
            GoMod::parse_dependency(Path::new("go.mod"), &format!("module {}\n{rest}", id.path))
        };
        Ok(build_list(&workspace(files), &fetch)?.iter().map(|s| s.id.to_string()).collect())
    }

    /// The example of the module reference, and what excluding and replacing do to it.
    #[test]
    fn the_highest_required_version_is_selected() {
        let modules = [
            ("a.com/a@v1.2.0", "require a.com/c v1.3.0\n"),
            ("a.com/b@v1.2.0", "require a.com/c v1.4.0\n"),
            ("a.com/c@v1.3.0", "require a.com/d v1.2.0\n"),
            ("a.com/c@v1.4.0", "require a.com/d v1.2.0\n"),
            ("a.com/d@v1.2.0", ""),
        ];
        let main = "module m\nrequire a.com/a v1.2.0\nrequire a.com/b v1.2.0\n";
        assert_eq!(
            list(&[("go.mod", main)], &modules).unwrap(),
            ["a.com/a@v1.2.0", "a.com/b@v1.2.0", "a.com/c@v1.4.0", "a.com/d@v1.2.0"]
        );
        let excluding = format!("{main}exclude a.com/c v1.4.0\n");
        assert_eq!(
            list(&[("go.mod", &excluding)], &modules).unwrap(),
            ["a.com/a@v1.2.0", "a.com/b@v1.2.0", "a.com/c@v1.3.0", "a.com/d@v1.2.0"]
        );
        let replacing = format!("{main}replace a.com/b => ./b\n");
        let files = [("go.mod", replacing.as_str()), ("b/go.mod", "module whatever\nrequire a.com/e v1.0.0\n")];
        let with_e = [&modules[..], &[("a.com/e@v1.0.0", "")]].concat();
        assert_eq!(
            list(&files, &with_e).unwrap(),
            ["a.com/a@v1.2.0", "a.com/b@v1.2.0", "a.com/c@v1.3.0", "a.com/d@v1.2.0", "a.com/e@v1.0.0"]
        );
    }

    #[test]
    fn pruned_modules_are_not_followed() {
        let modules = [
            ("a.com/new@v1.0.0", "go 1.17\nrequire a.com/x v1.0.0\n"),
            ("a.com/old@v1.0.0", "require a.com/y v1.0.0\n"),
            ("a.com/y@v1.0.0", "go 1.20\nrequire a.com/z v1.0.0\n"),
            ("a.com/z@v1.0.0", ""),
        ];
        let main = "module m\ngo 1.17\nrequire a.com/new v1.0.0\nrequire a.com/old v1.0.0\n";
        assert_eq!(
            list(&[("go.mod", main)], &modules).unwrap(),
            ["a.com/new@v1.0.0", "a.com/old@v1.0.0", "a.com/x@v1.0.0", "a.com/y@v1.0.0", "a.com/z@v1.0.0"]
        );
        let listed: Vec<String> = listed(&workspace(&[("go.mod", main)])).unwrap().iter().map(|s| s.id.to_string()).collect();
        assert_eq!(listed, ["a.com/new@v1.0.0", "a.com/old@v1.0.0"]);
    }

    #[test]
    fn a_workspace_takes_what_its_modules_need_together() {
        let files = [
            ("go.work", "go 1.27\nuse ./a\nuse ./b\n"),
            ("a/go.mod", "module a\ngo 1.27\nrequire x.com/x v1.0.0\nrequire b v1.0.0\n"),
            ("b/go.mod", "module b\ngo 1.27\nrequire x.com/y v1.0.0\n"),
        ];
        let modules = [
            ("b@v1.0.0", "go 1.20\n"),
            ("x.com/x@v1.0.0", "go 1.20\n"),
            ("x.com/y@v1.0.0", "go 1.20\nrequire x.com/x v1.1.0\n"),
            ("x.com/x@v1.1.0", "go 1.20\nrequire x.com/z v1.0.0\n"),
            ("x.com/z@v1.0.0", "go 1.20\nrequire x.com/deep v1.0.0\n"),
        ];
        assert_eq!(
            list(&files, &modules).unwrap(),
            ["x.com/deep@v1.0.0", "x.com/x@v1.1.0", "x.com/y@v1.0.0", "x.com/z@v1.0.0"]
        );
    }

    /// What is required of a main module's published version counts, as for Go, though that version is never selected.
    #[test]
    fn published_versions_of_main_modules_are_followed() {
        let modules = [
            ("a.com/old@v1.0.0", "require m v1.0.0\n"),
            ("m@v1.0.0", "require a.com/then v1.0.0\n"),
            ("a.com/then@v1.0.0", ""),
            ("a@v1.0.0", "go 1.27\nrequire a.com/then v1.0.0\n"),
        ];
        let main = "module m\ngo 1.16\nrequire a.com/old v1.0.0\n";
        assert_eq!(list(&[("go.mod", main)], &modules).unwrap(), ["a.com/old@v1.0.0", "a.com/then@v1.0.0"]);
        let files = [
            ("go.work", "go 1.27\nuse ./a\nuse ./b\n"),
            ("a/go.mod", "module a\ngo 1.27\n"),
            ("b/go.mod", "module b\ngo 1.27\nrequire a v1.0.0\n"),
        ];
        assert_eq!(list(&files, &modules).unwrap(), ["a.com/then@v1.0.0"]);
    }

    /// What `lock --check` tells is made of these questions.
    #[test]
    fn all_modules_are_asked_for_whatever_one_answers() {
        let requires: String = (0..50).map(|i| format!("require a.com/m{i:02} v1.0.0\n")).collect();
        let workspace = workspace(&[("go.mod", &format!("module m\n{requires}"))]);
        let asked = |class: Class| {
            let asked = std::sync::Mutex::new(Vec::new());
            let fetch = |id: &ModuleId| {
                asked.lock().unwrap().push(id.path.to_string());
                Err(Error::new(class, id.to_string()))
            };
            let error = build_list(&workspace, &fetch).unwrap_err();
            let mut asked = asked.into_inner().unwrap();
            asked.sort();
            (asked, error.to_string())
        };
        let all: Vec<String> = (0..50).map(|i| format!("a.com/m{i:02}")).collect();
        assert_eq!(asked(Class::Negative), (all, "a.com/m00@v1.0.0".to_owned()));
        assert!(asked(Class::Environment).0.len() < 50, "nobody waits for a dead network once more");
    }

    #[test]
    fn a_module_must_be_what_it_is_required_as() {
        let fetch = |_: &ModuleId| GoMod::parse_dependency(Path::new("go.mod"), "module a.com/real\n");
        let workspace = workspace(&[("go.mod", "module m\ngo 1.27\nrequire a.com/alias v1.0.0\n")]);
        assert_eq!(
            build_list(&workspace, &fetch).unwrap_err().to_string(),
            "a.com/alias@v1.0.0: its go.mod declares its path as a.com/real, but it was required as a.com/alias \
             (require a.com/real, or add a replace directive)"
        );
    }
}
