//! Packages as they are compiled for tests (`TestPackagesAndErrors` and `recompileForTest` in `cmd/go/internal/load`).

use std::collections::VecDeque;
use std::sync::Arc;

use super::failure::Failure;
use super::load::{Id, Import, Loader};
use super::loaded::{Kind, Loaded};
use super::problem::{Importer, PackageError};
use crate::error::{Error, Result};
use crate::source::choose::{ImportSite, Selection};

/// What the program that runs tests imports.
const TEST_MAIN_DEPS: [&str; 4] = ["os", "reflect", "testing", "testing/internal/testdeps"];

/// What the tests of a package consist of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TestPackages {
    /// The program that runs them.
    pub main: Id,
    /// The package with its `_test.go` files; the package itself if it has none.
    pub with_tests: Id,
    /// The tests in the package `…_test`.
    pub external: Option<Id>,
}

/// The imports of one kind of tests.
#[derive(Default)]
pub(super) struct TestImports {
    pub(super) raw: Vec<Arc<str>>,
    pub(super) paths: Vec<Arc<str>>,
    pub(super) deps: Vec<Id>,
    /// What `simd` adds.
    added: Vec<Id>,
    pub(super) error: Option<Failure>,
    is_incomplete: bool,
}

impl Loader<'_> {
    /// Adds what the tests of a package consist of.
    ///
    /// # Errors
    ///
    /// Only what stops everything: a directory that can't be read.
    pub fn add_tests(&mut self, id: Id) -> Result<TestPackages> {
        let package = self.packages[id].clone();
        let chosen = &package.found.chosen;
        let path = &package.path;
        self.stack.push(Importer { path: format!("{path} (test)").into(), file: None });
        let mut test = self.import_tests(id, &chosen.test)?;
        // As in Go, this error hides those of imports.
        if let Some(error) = self.embed(id, &package.found, &chosen.test, 1)? {
            (test.error, test.is_incomplete) = (Some(error), true);
        }
        self.stack.pop();
        self.stack.push(Importer { path: format!("{path}_test").into(), file: None });
        let mut external = self.import_tests(id, &chosen.external_test)?;
        if let Some(error) = self.embed(id, &package.found, &chosen.external_test, 2)? {
            external.error.get_or_insert(error);
        }
        self.stack.pop();
        let counts = self.covers_own();
        let with_tests = match chosen.test.files.go.is_empty() && chosen.name != "main" && !counts {
            true => id,
            false => self.add_with_tests(id, test),
        };
        if counts {
            self.count_statements(with_tests)?;
        }
        let external_id = (!chosen.external_test.files.go.is_empty()).then(|| self.add_external(id, with_tests, external));
        let main = self.add_main(id, with_tests, external_id)?;
        if let Some(error) = self.recompile(main, id, with_tests, external_id) {
            self.errors.push(error);
            self.packages[with_tests].error = Some(self.errors.len() - 1);
            self.packages[with_tests].is_incomplete = true;
        }
        Ok(TestPackages { main, with_tests, external: external_id })
    }

    pub(super) fn import_tests(&mut self, id: Id, tests: &Selection) -> Result<TestImports> {
        let mut found = TestImports::default();
        let bridge = self.is_simd(tests).then_some(("simd/internal/bridge", None::<&ImportSite>, true));
        let written = tests.imports.iter().map(|(path, site)| (path.as_str(), site.as_ref(), false));
        for (path, site, by_simd) in written.chain(bridge) {
            let (dep, error) = self.import(Import { path, parent: Some(id), site, by_simd })?;
            found.is_incomplete |= error.is_some() || self.packages[dep].is_incomplete;
            found.error = found.error.or(error);
            if by_simd {
                found.added.push(dep);
                continue;
            }
            found.raw.push(path.into());
            found.paths.push(self.packages[dep].path.clone());
            found.deps.push(dep);
        }
        Ok(found)
    }

    fn keep(&mut self, package: Loaded) -> Id {
        self.packages.push(package);
        self.packages.len() - 1
    }

    fn note(&mut self, failure: Option<Failure>) -> Option<usize> {
        self.errors.push(failure?.error);
        Some(self.errors.len() - 1)
    }

    fn add_with_tests(&mut self, id: Id, tests: TestImports) -> Id {
        let package = self.packages[id].clone();
        let error = if package.error.is_some() { package.error } else { self.note(tests.error) };
        let deps = [tests.deps, tests.added, package.deps().to_vec()].concat();
        self.keep(Loaded {
            kind: Kind::WithTests,
            imports: [tests.paths, package.imports.clone()].concat(),
            raw_imports: [tests.raw, package.raw_imports.clone()].concat(),
            deps: Some(deps),
            for_test: Some(package.path.clone()),
            error,
            is_incomplete: package.is_incomplete || tests.is_incomplete,
            ..package
        })
    }

    fn add_external(&mut self, id: Id, with_tests: Id, tests: TestImports) -> Id {
        let package = self.packages[id].clone();
        let is_incomplete = tests.is_incomplete || tests.error.is_some();
        let error = self.note(tests.error);
        // The package itself comes last.
        let (own, mut deps): (Vec<Id>, Vec<Id>) = tests.deps.into_iter().partition(|dep| *dep == id);
        deps.extend(tests.added);
        if !own.is_empty() {
            deps.push(with_tests);
        }
        self.keep(Loaded {
            path: format!("{}_test", package.path).into(),
            kind: Kind::ExternalTest,
            imports: tests.paths,
            raw_imports: tests.raw,
            deps: Some(deps),
            default_godebug: String::new(),
            for_test: Some(package.path.clone()),
            matches: Vec::new(),
            error,
            is_incomplete,
            ..package
        })
    }

    fn add_main(&mut self, id: Id, with_tests: Id, external: Option<Id>) -> Result<Id> {
        let package = self.packages[id].clone();
        let chosen = &package.found.chosen;
        let directives = [&chosen.package, &chosen.test, &chosen.external_test].into_iter().flat_map(|part| &part.debug);
        let default_godebug = (self.godebug)(&directives.collect::<Vec<_>>());
        self.stack.push(Importer { path: "testmain".into(), file: None });
        let (linker, mut error) = match self.linker_deps() {
            Ok(deps) => (deps, None),
            Err(text) => {
                let strict = Error::input(text.as_str());
                let error = PackageError { stack: Vec::new(), ..self.error(text, String::new()) };
                (Vec::new(), Some(Failure { error, strict }))
            }
        };
        let mut deps = Vec::new();
        let counter = self.covered.is_some().then_some("internal/coverage/cfile");
        for path in TEST_MAIN_DEPS.into_iter().chain(counter).chain(linker) {
            if *path == *self.packages[with_tests].path {
                deps.push(with_tests);
                continue;
            }
            let (dep, refused) = self.import(Import { path, parent: None, site: None, by_simd: false })?;
            error = error.or(refused);
            deps.push(dep);
        }
        self.stack.pop();
        let mut imports: Vec<Arc<str>> = TEST_MAIN_DEPS.map(Arc::from).to_vec();
        let compiled = &self.packages[with_tests];
        let files = &compiled.found.chosen.package.files;
        let has_files = !files.go.is_empty() || !files.cgo.is_empty() || !chosen.test.files.go.is_empty();
        for test in has_files.then_some(with_tests).into_iter().chain(external) {
            deps.push(test);
            imports.push(self.packages[test].path.clone());
        }
        imports.sort();
        imports.dedup();
        let error = error.or_else(|| self.unreadable_test(id));
        let is_incomplete = error.as_ref().is_some_and(|failure| !failure.error.stack.is_empty());
        let error = self.note(error);
        Ok(self.keep(Loaded {
            path: format!("{}.test", package.path).into(),
            kind: Kind::TestMain,
            raw_imports: imports.clone(),
            imports,
            deps: Some(deps),
            default_godebug,
            for_test: None,
            matches: Vec::new(),
            error,
            is_incomplete,
            ..package
        }))
    }

    /// A syntax error in a test file, which keeps the go command from finding its tests.
    fn unreadable_test(&self, id: Id) -> Option<Failure> {
        let Loaded { path, found, .. } = &self.packages[id];
        let (file, position, text) = found.chosen.test.syntax.as_ref().or(found.chosen.external_test.syntax.as_ref())?;
        let strict = Error::input(text.as_str());
        let failure = self.failure(text.clone(), self.position(found, file, position), strict);
        let stack = vec![Importer { path: path.clone(), file: None }];
        Some(Failure { error: PackageError { stack, ..failure.error }, ..failure })
    }

    /// Packages below `roots`, each after what it imports, in the order of imports.
    pub fn post_order(&self, roots: &[Id]) -> Vec<Id> {
        let (mut seen, mut order) = (vec![false; self.packages.len()], Vec::new());
        // Not recursive: chains of imports may be long.
        let mut walk: Vec<(Id, usize)> = Vec::new();
        for root in roots {
            if !std::mem::replace(&mut seen[*root], true) {
                walk.push((*root, 0));
            }
            while let Some((id, next)) = walk.last_mut() {
                match self.packages[*id].deps().get(*next) {
                    Some(&dep) => {
                        *next += 1;
                        if !std::mem::replace(&mut seen[dep], true) {
                            walk.push((dep, 0));
                        }
                    }
                    None => {
                        order.push(*id);
                        walk.pop();
                    }
                }
            }
        }
        order
    }

    /// Compiles again what stands between the test and the package: it must see the package with its tests.
    fn recompile(&mut self, main: Id, real: Id, with_tests: Id, external: Option<Id>) -> Option<PackageError> {
        // What takes the place of each package: itself, unless it is compiled again.
        let mut copies: Vec<Id> = (0..self.packages.len()).collect();
        copies[real] = with_tests;
        for id in self.post_order(&[main]) {
            if id == real {
                continue;
            }
            let own = id == main || id == with_tests || Some(id) == external;
            let changed = self.packages[id].deps().iter().any(|dep| copies[*dep] != *dep);
            let is_library = !own && self.packages[id].name() == "main";
            let gets_profile = self.packages[real].has_profile && !self.packages[id].has_profile;
            let target = match own || !(changed || is_library || gets_profile) {
                true => id,
                false => {
                    let Loaded { path, has_profile, .. } = &self.packages[real];
                    let copy = Loaded { for_test: Some(path.clone()), has_profile: *has_profile, ..self.packages[id].clone() };
                    copies[id] = self.keep(copy);
                    copies[id]
                }
            };
            if changed {
                self.packages[target].deps.iter_mut().flatten().for_each(|dep| *dep = copies[*dep]);
            }
        }
        self.test_cycle(with_tests)
    }

    /// The shortest way from a package with its tests to itself.
    fn test_cycle(&self, start: Id) -> Option<PackageError> {
        // Who imports what was found; it itself for what `start` does.
        let mut importers: Vec<Option<Id>> = vec![None; self.packages.len()];
        let mut queue = VecDeque::new();
        for &dep in self.packages[start].deps() {
            if importers[dep].replace(dep).is_none() {
                queue.push_back(dep);
            }
        }
        while let Some(id) = queue.pop_front() {
            if id == start {
                let importer = |of: &Id| importers[*of].filter(|importer| importer != of);
                let mut chain: Vec<Id> = std::iter::successors(Some(start), importer).collect();
                chain.push(start);
                let mut stack: Vec<Importer> = chain.windows(2).map(|pair| self.step(pair[0], pair[1])).collect();
                stack.push(Importer { path: self.packages[start].path.clone(), file: None });
                stack.reverse();
                let text = "import cycle not allowed in test".to_owned();
                return Some(PackageError { stack, position: String::new(), text, is_cycle: true, shows_stack: false });
            }
            for &dep in self.packages[id].deps() {
                if importers[dep].is_none() {
                    importers[dep] = Some(id);
                    queue.push_back(dep);
                }
            }
        }
        None
    }

    /// A package of a cycle, with the file that imports it.
    fn step(&self, id: Id, importer: Id) -> Importer {
        let (package, importer) = (&self.packages[id], &self.packages[importer]);
        let chosen = &importer.found.chosen;
        let site = match importer.kind {
            Kind::ExternalTest => chosen.external_test.imports.get(&*package.path),
            Kind::WithTests => {
                let own = chosen.package.imports.get(&*package.path);
                own.or_else(|| chosen.test.imports.get(&*package.path))
            }
            _ => chosen.package.imports.get(&*package.path),
        };
        Importer { path: package.path.clone(), file: site.and_then(Option::as_ref).map(|s| s.file.clone()) }
    }
}
