//! Packages as they are built: what a strict loader has found, in the terms of [`PackageGraph`](super::PackageGraph).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::load::{Id, Loader};
use super::{Origin, Package, PackageTests};
use crate::error::{Error, Result};
use crate::name::{GoVersion, ImportPath};
use crate::source::choose::Selection;

impl Loader<'_> {
    /// A package that is built; a root may consist of tests alone.
    ///
    /// # Errors
    ///
    /// When there is nothing to build.
    pub(super) fn built(&self, id: Id, is_root: bool) -> Result<Package> {
        let loaded = &self.packages[id];
        let (found, chosen) = (&loaded.found, &loaded.found.chosen);
        let is_empty = chosen.package.files.go.is_empty() && chosen.package.files.cgo.is_empty();
        if is_empty && !is_root {
            let place = self.sources.place(&found.path, found.origin.as_ref());
            return Err(Error::input(format!("no non-test Go files in {place}")));
        }
        let Some(origin) = found.origin.clone() else { return Err(Error::input(format!("{} is nowhere", found.path))) };
        let go = match &origin {
            Origin::Std => Some(&self.context.go),
            Origin::Main { index, .. } => self.sources.main[*index].go.as_ref(),
            Origin::Module { index, .. } => self.sources.module(*index).2,
        };
        let mut selection = self.settled(&chosen.package, &loaded.embeds[0]);
        let settled = selection.files.settle_c(self.context.cgo);
        settled.map_err(|why| self.of_package(id, &why))?;
        let paths = |paths: Vec<&'static str>| -> Result<BTreeSet<ImportPath>> {
            paths.into_iter().filter(|path| *path != "unsafe").map(str::parse).collect()
        };
        let is_main = chosen.name == "main";
        let tool_imports = [self.tool_imports(id), self.counter_imports(&found.path, is_main)].concat();
        Ok(Package {
            import_path: found.path.parse()?,
            origin,
            imports: imports(&loaded.raw_imports, &loaded.imports)?,
            tool_imports: paths(tool_imports)?,
            linker_deps: if is_main { paths(self.linker_deps().map_err(Error::input)?)? } else { BTreeSet::new() },
            import_order: Vec::new(),
            language: go.map_or_else(|| "1.16".to_owned(), GoVersion::language),
            debug: std::mem::take(&mut selection.debug),
            selection,
            tests: None,
            for_test: None,
        })
    }

    /// The tests of a package, and what they need; `None` when it has none.
    ///
    /// # Errors
    ///
    /// The first problem.
    pub(super) fn strict_tests(&mut self, id: Id) -> Result<Option<(PackageTests, Vec<Id>)>> {
        let chosen = self.packages[id].found.chosen.clone();
        if chosen.test.files.go.is_empty() && chosen.external_test.files.go.is_empty() {
            return Ok(None);
        }
        let (mut map, mut deps) = (BTreeMap::new(), Vec::new());
        for (part, selection) in [(1, &chosen.test), (2, &chosen.external_test)] {
            let found = self.packages[id].found.clone();
            if let Some(failure) = self.embed(id, &found, selection, part)? {
                return Err(failure.strict);
            }
            let tests = self.import_tests(id, selection)?;
            if let Some(failure) = tests.error {
                return Err(failure.strict);
            }
            map.extend(imports(&tests.raw, &tests.paths)?);
            deps.extend(tests.deps);
        }
        let embeds = &self.packages[id].embeds;
        let mut internal = self.settled(&chosen.test, &embeds[1]);
        let mut external = self.settled(&chosen.external_test, &embeds[2]);
        for part in [&internal, &external] {
            part.files.check_names().map_err(|why| self.of_package(id, &why))?;
        }
        let mut debug = std::mem::take(&mut internal.debug);
        debug.append(&mut external.debug);
        // A test of its own package needs nothing more.
        deps.retain(|dep| *dep != id);
        Ok(Some((PackageTests { internal, external, imports: map, debug }, deps)))
    }

    /// Chosen files with the embedded ones, which a record has already.
    pub(super) fn settled(&self, selection: &Selection, embeds: &BTreeMap<String, Vec<String>>) -> Selection {
        let mut settled = selection.clone();
        settled.files.embed.extend(embeds.iter().map(|(pattern, files)| (pattern.clone(), files.clone())));
        settled
    }
}

/// Each import as written, and what it means; without `C` and `unsafe`.
fn imports(written: &[Arc<str>], meant: &[Arc<str>]) -> Result<BTreeMap<String, ImportPath>> {
    let counting = written.iter().zip(meant).filter(|(written, _)| !matches!(&***written, "C" | "unsafe"));
    counting.map(|(written, path)| Ok((written.to_string(), path.parse()?))).collect()
}
