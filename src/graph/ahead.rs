//! Reading third-party packages before a graph is walked, many at once: the walk goes from one import to the next, and a module
//! that isn't there yet would make it wait for each download.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use super::find::Found;
use super::listing::Match;
use super::{Origin, Sources};
use crate::error::{Error, Result};
use crate::name::ImportPath;
use crate::source::choose::Chosen;
use crate::source::context::BuildContext;

impl Sources<'_> {
    /// Reads the packages that a graph of these roots and their tests has, in rounds: those that the packages of one round import are
    /// the next.
    ///
    /// It ends where something fails, which the walk will find again, and who imports it.
    pub fn read_ahead(&self, context: &BuildContext, roots: &[ImportPath]) {
        let mut seen: BTreeSet<ImportPath> = roots.iter().cloned().collect();
        let (mut round, mut tests) = (roots.to_vec(), true);
        while !round.is_empty() {
            // The packages of a module one after the other, so that no module is fetched twice.
            let mut modules: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
            for path in &round {
                for (index, directory) in self.candidates(path) {
                    modules.entry(index).or_default().push(directory);
                }
            }
            let fails = |(index, directories): (usize, Vec<&str>)| {
                directories.into_iter().any(|directory| self.module_package(index, directory).is_err())
            };
            if modules.into_par_iter().any(fails) {
                return;
            }
            let imports: Result<Vec<BTreeSet<String>>> =
                round.par_iter().map(|path| self.imports(path, context, tests)).collect();
            tests = false;
            let Ok(imports) = imports else { return };
            let paths = imports.into_iter().flatten().filter_map(|written| written.parse::<ImportPath>().ok());
            round = paths.filter(|path| seen.insert(path.clone())).collect();
        }
    }

    /// The third-party modules that may have a package, and its directory in each.
    fn candidates<'p>(&self, path: &'p ImportPath) -> impl Iterator<Item = (usize, &'p str)> {
        let prefixes = std::iter::successors(Some(path.as_str()), |prefix| prefix.rsplit_once('/').map(|(parent, _)| parent));
        prefixes.filter_map(|prefix| Some((self.module_at(prefix)?, path.below(prefix).unwrap_or(""))))
    }

    fn imports(&self, path: &ImportPath, context: &BuildContext, tests: bool) -> Result<BTreeSet<String>> {
        let found = self.find(path.as_str(), context)?;
        // std is there already, and what isn't found has no imports.
        if matches!(found.origin, Some(Origin::Std) | None) {
            return Ok(BTreeSet::new());
        }
        let Chosen { package, test, external_test, .. } = &*found.chosen;
        let parts = if tests { vec![package, test, external_test] } else { vec![package] };
        Ok(parts.into_iter().flat_map(|part| part.imports.keys().cloned()).collect())
    }
}

/// What was read ahead, by import path.
pub type Read = HashMap<Arc<str>, Arc<Found>>;

/// What several threads read.
struct Reading<'c> {
    context: &'c BuildContext,
    /// `None` while it is being read.
    read: Mutex<HashMap<Arc<str>, Option<Arc<Found>>>>,
    /// By import path, so that always the same one is reported.
    failures: Mutex<BTreeMap<Arc<str>, Error>>,
}

/// The content of a mutex, also after a panic elsewhere: each insertion is complete.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sources<'_> {
    /// Reads all packages that a listing needs, many at once; with `tests`, also what the tests of the named packages need.
    ///
    /// # Errors
    ///
    /// Only what stops everything: a directory that can't be read.
    pub fn read_all(&self, context: &BuildContext, matches: &[Match], tests: bool) -> Result<Read> {
        let mut roots: BTreeSet<&str> = matches.iter().flat_map(|m| m.packages.iter().map(String::as_str)).collect();
        if tests {
            roots.extend(["os", "reflect", "testing", "testing/internal/testdeps", "runtime"]);
        }
        let begun = roots.iter().map(|path| (Arc::from(*path), None)).collect();
        let reading = Reading { context, read: Mutex::new(begun), failures: Mutex::default() };
        let shared = &reading;
        rayon::scope(|scope| {
            for path in roots {
                scope.spawn(move |scope| self.read_one(shared, path.into(), tests, scope));
            }
        });
        let failures = reading.failures.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(failure) = failures.into_values().next() {
            return Err(failure);
        }
        let read = reading.read.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(read.into_iter().filter_map(|(path, found)| Some((path, found?))).collect())
    }

    /// Reads a package, and what it imports that nobody has begun to read.
    fn read_one<'s>(&'s self, reading: &'s Reading<'s>, path: Arc<str>, tests: bool, scope: &rayon::Scope<'s>) {
        let next = self.find(&path, reading.context).and_then(|found| {
            let next = self.next(&found, tests)?;
            lock(&reading.read).insert(path.clone(), Some(Arc::new(found)));
            Ok(next)
        });
        match next {
            Ok(next) => {
                for path in next.into_iter().map(Arc::<str>::from) {
                    let is_new = match lock(&reading.read).entry(path.clone()) {
                        Entry::Occupied(_) => false,
                        Entry::Vacant(place) => place.insert(None).is_none(),
                    };
                    if is_new {
                        scope.spawn(move |scope| self.read_one(reading, path, false, scope));
                    }
                }
            }
            Err(failure) => drop(lock(&reading.failures).insert(path, failure)),
        }
    }

    /// What a package imports.
    fn next(&self, found: &Found, tests: bool) -> Result<Vec<String>> {
        let chosen = &found.chosen;
        let parts = if tests { vec![&chosen.package, &chosen.test, &chosen.external_test] } else { vec![&chosen.package] };
        let mut next = Vec::new();
        for written in parts.into_iter().flat_map(|part| part.imports.keys()).filter(|path| *path != "C") {
            let vendored = if found.origin == Some(Origin::Std) { self.vendored(&found.path, written)? } else { None };
            next.push(vendored.unwrap_or_else(|| written.clone()));
        }
        if !chosen.package.files.cgo.is_empty() {
            next.extend(["unsafe", "runtime/cgo", "syscall"].map(str::to_owned));
        }
        Ok(next)
    }
}
