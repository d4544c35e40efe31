//! Packages as a loader has them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Origin;
use super::find::Found;
use super::load::Id;

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
    pub fn name(&self) -> Cow<'_, str> {
        match self.kind {
            Kind::Plain | Kind::WithTests => self.name.as_deref().unwrap_or(&self.found.chosen.name).into(),
            Kind::ExternalTest => format!("{}_test", self.found.chosen.name).into(),
            Kind::TestMain => "main".into(),
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

/// Whether two are the same package, or one of them the other's tests.
pub(super) fn is_same(a: &Loaded, b: &Loaded) -> bool {
    a.found.origin == b.found.origin && (!a.is_std() || a.found.path == b.found.path)
}
