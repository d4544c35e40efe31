//! Reading third-party packages before a graph is walked, many at once: the walk goes from one import to the next, and a module
//! that isn't there yet would make it wait for each download.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::{Origin, Sources};
use crate::error::Result;
use crate::name::ImportPath;
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
            // One package of each module, so that no module is fetched twice.
            let mut modules = BTreeMap::new();
            for path in &round {
                for (index, directory) in self.candidates(path) {
                    modules.entry(index).or_insert(directory);
                }
            }
            if modules.into_par_iter().any(|(index, directory)| self.module_package(index, directory).is_err()) {
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
        Ok(match self.resolve(path) {
            Ok(Origin::Main { index, directory }) => match self.main_package(index, &directory)? {
                Some(package) => {
                    let mut chosen = package.choose(self.tree, context)?;
                    if tests {
                        chosen.package.files.imports.append(&mut chosen.test.files.imports);
                        chosen.package.files.imports.append(&mut chosen.external_test.files.imports);
                    }
                    chosen.package.files.imports
                }
                None => BTreeSet::new(),
            },
            Ok(Origin::Module { index, directory }) => {
                let record = self.module_package(index, &directory)?;
                record.and_then(|record| record.choose(context).ok()).map(|chosen| chosen.files.imports).unwrap_or_default()
            }
            // std is there already, and what isn't found has no imports.
            Ok(Origin::Std) | Err(_) => BTreeSet::new(),
        })
    }
}
