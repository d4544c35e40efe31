//! The packages that patterns name, as `go list` lists them (`runList` in `cmd/go/internal/list`).

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::load::{Id, Loader};
use super::loaded::{Kind, Loaded};
use crate::error::Result;
use crate::source::tree::Tree;

/// What is listed besides the named packages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// What they need.
    pub deps: bool,
    /// Their tests.
    pub tests: bool,
}

/// The packages that a pattern names.
#[derive(Clone, Debug)]
pub struct Match {
    /// The pattern.
    pub pattern: String,
    /// Import paths, in order.
    pub packages: Vec<String>,
    /// Why it can't be matched.
    pub problem: Option<super::problem::Problem>,
}

/// What is listed.
pub struct Listing {
    /// The packages, in the order in which they are shown.
    pub order: Vec<Id>,
    /// Those that aren't there only because others need them.
    pub named: HashSet<Id>,
    /// The import path that is shown for each package of the loader.
    pub shown: Vec<Arc<str>>,
    /// All import paths that are shown, sorted.
    pub paths: Vec<Arc<str>>,
    /// For each package of the loader the set of what it needs, as bits by index in `paths`.
    pub deps: Vec<Vec<u64>>,
    /// For each package of the loader the errors of what it needs, in Go's order.
    pub deps_errors: Vec<Vec<usize>>,
}

impl Loader<'_> {
    /// Loads what the patterns name; each package once, in order.
    ///
    /// # Errors
    ///
    /// Only what stops everything: a directory that can't be read.
    pub fn load_matches(&mut self, matches: &[Match]) -> Result<Vec<Id>> {
        let (mut roots, mut seen) = (Vec::new(), HashSet::new());
        for found in matches {
            for path in &found.packages {
                let id = self.root(path)?;
                self.packages[id].matches.push(found.pattern.clone());
                if seen.insert(id) {
                    roots.push(id);
                }
            }
            if let Some(problem) = &found.problem {
                let id = self.unmatched(&found.pattern, problem)?;
                self.packages[id].matches.push(found.pattern.clone());
                roots.push(id);
            }
        }
        self.split_profiles(&roots);
        Ok(roots)
    }

    /// Orders what is to be listed.
    ///
    /// # Errors
    ///
    /// Those of [`Loader::add_tests`].
    pub fn list(&mut self, roots: &[Id], options: Options) -> Result<Listing> {
        let mut listed = roots.to_vec();
        if options.tests {
            for root in roots {
                let chosen = &self.packages[*root].found.chosen;
                if chosen.test.files.go.is_empty() && chosen.external_test.files.go.is_empty() {
                    continue;
                }
                let tests = self.add_tests(*root)?;
                listed.push(tests.main);
                listed.extend((tests.with_tests != *root).then_some(tests.with_tests));
                listed.extend(tests.external);
            }
        }
        let named: HashSet<Id> = listed.iter().copied().collect();
        let all = self.post_order(&listed);
        let order = if options.deps { all.clone() } else { listed };
        let shown: Vec<Arc<str>> = self.packages.iter().map(shown).collect();
        let paths: BTreeSet<Arc<str>> = all.iter().map(|id| shown[*id].clone()).collect();
        let paths: Vec<Arc<str>> = paths.into_iter().collect();
        let (deps, deps_errors) = (self.all_deps(&all, &shown, &paths), self.all_deps_errors(&all));
        Ok(Listing { order, named, shown, paths, deps, deps_errors })
    }

    fn all_deps(&self, all: &[Id], shown: &[Arc<str>], paths: &[Arc<str>]) -> Vec<Vec<u64>> {
        let ranks: HashMap<&str, usize> = paths.iter().enumerate().map(|(rank, path)| (&**path, rank)).collect();
        let mut sets = vec![Vec::new(); self.packages.len()];
        for id in all {
            let mut set = vec![0u64; paths.len().div_ceil(64)];
            for dep in self.packages[*id].deps() {
                let rank = ranks[&*shown[*dep]];
                set[rank / 64] |= 1 << (rank % 64);
                set.iter_mut().zip(&sets[*dep]).for_each(|(own, theirs)| *own |= theirs);
            }
            sets[*id] = set;
        }
        sets
    }

    fn all_deps_errors(&self, all: &[Id]) -> Vec<Vec<usize>> {
        let mut lists: Vec<Vec<usize>> = vec![Vec::new(); self.packages.len()];
        if self.errors.is_empty() {
            return lists;
        }
        for id in all {
            let mut errors = BTreeSet::new();
            for dep in self.packages[*id].deps() {
                errors.extend(self.packages[*dep].error);
                errors.extend(&lists[*dep]);
            }
            let mut errors: Vec<usize> = errors.into_iter().collect();
            let key = |error: &usize| {
                let error = &self.errors[*error];
                let top = error.stack.last().map(|importer| importer.path.clone());
                (top.clone(), if top.is_none() { error.text.clone() } else { String::new() })
            };
            errors.sort_by_key(key);
            lists[*id] = errors;
        }
        lists
    }

    /// Compiles what a program with a profile needs with that, and for this program alone if there are others (`setPGOProfilePath`).
    fn split_profiles(&mut self, roots: &[Id]) {
        for root in roots {
            if self.packages[*root].name() != "main" || !self.finds_profile(*root) {
                continue;
            }
            let main = self.packages[*root].path.clone();
            let mut copies: HashMap<Id, Id> = HashMap::new();
            for id in self.post_order(&[*root]) {
                let target = if id == *root || roots.len() == 1 {
                    id
                } else {
                    self.packages.push(Loaded { for_main: Some(main.clone()), ..self.packages[id].clone() });
                    self.packages.len() - 1
                };
                copies.insert(id, target);
                self.packages[target].has_profile = true;
                for dep in self.packages[target].deps.iter_mut().flatten() {
                    *dep = copies.get(dep).copied().unwrap_or(*dep);
                }
            }
        }
    }

    fn finds_profile(&self, id: Id) -> bool {
        let found = &self.packages[id].found;
        let list = |tree: &dyn Tree, directory: &str| tree.list(directory);
        let entries = found.origin.as_ref().and_then(|origin| self.sources.with_tree(origin, &found.path, list).ok());
        entries.unwrap_or_default().iter().any(|entry| entry.name == "default.pgo")
    }

    /// The import paths of what the tests of a package and its external tests import.
    ///
    /// # Errors
    ///
    /// Only what stops everything: a directory that can't be read.
    pub fn test_imports(&self, id: Id) -> Result<[BTreeSet<Cow<'_, str>>; 2]> {
        let Loaded { found, .. } = &self.packages[id];
        let is_std = self.packages[id].is_std();
        let vendored = |path: &str| if is_std { self.sources.vendored(&found.path, path) } else { Ok(None) };
        let mut imports = [BTreeSet::new(), BTreeSet::new()];
        for (imports, part) in imports.iter_mut().zip([&found.chosen.test, &found.chosen.external_test]) {
            for path in part.imports.keys() {
                imports.insert(vendored(path)?.map_or(Cow::Borrowed(path.as_str()), Cow::Owned));
            }
        }
        Ok(imports)
    }

    /// The imports of a package as they are shown: of variants, those that it is compiled with.
    pub fn shown_imports(&self, id: Id, listing: &Listing) -> Vec<Arc<str>> {
        let package = &self.packages[id];
        let variants = package.deps().iter().filter(|dep| listing.shown[**dep] != self.packages[**dep].path);
        let variants: HashMap<&str, &Arc<str>> =
            variants.map(|dep| (&*self.packages[*dep].path, &listing.shown[*dep])).collect();
        package.imports.iter().map(|path| variants.get(&**path).map_or(path, |shown| shown).clone()).collect()
    }
}

/// The import path of a package with what it is compiled for (`(*Package).Desc`).
fn shown(package: &Loaded) -> Arc<str> {
    match (&package.for_test, &package.for_main) {
        (Some(test), _) if package.kind != Kind::TestMain => format!("{} [{test}.test]", package.path).into(),
        (_, Some(main)) => format!("{} [{main}]", package.path).into(),
        _ => package.path.clone(),
    }
}
