//! Bazel files: a section of MODULE.bazel, and a BUILD.bazel for each package directory.

mod build_file;
pub use build_file::{base_name, label, library_of, test_of};
mod module_file;
pub mod rule;
mod test_rule;

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::graph::tested::TestGraph;
use crate::graph::{MainModule, PackageGraph};
use crate::name::ImportPath;
use crate::platform::Platform;
use crate::spec::{Profile, Target};
use crate::write::{GeneratedFile, GeneratedFiles};

/// The ruleset's module and repository name.
pub const RULESET: &str = "rules_go_direct";
/// The ruleset's version that this program emits for.
pub const RULESET_VERSION: &str = "0.1.0";

/// The name of generated BUILD files.
pub const BUILD_FILE: &str = "BUILD.bazel";

/// What the files are made of.
pub struct Input<'a> {
    /// The repository's modules.
    pub mains: &'a [MainModule],
    /// The graph of every package of the repository, for each target platform and profile.
    pub views: &'a [View<'a>],
    /// The files of every package of the repository.
    pub files: &'a BTreeMap<ImportPath, PackageFiles>,
    /// The binaries of the spec.
    pub binaries: &'a [Binary],
    /// The tests of the repository's packages.
    pub tests: &'a [Test],
    /// MODULE.bazel as it is.
    pub module_file: Option<&'a str>,
}

/// The graph as one configuration sees it.
pub struct View<'a> {
    /// The platform.
    pub target: &'a Target,
    /// The name of the profile.
    pub profile: &'a str,
    /// The graph.
    pub graph: &'a PackageGraph,
    /// The tests, with all that they need; only in the profile that tests are built in.
    pub tests: Option<&'a TestGraph>,
}

/// The files that builds of a package can choose on any platform that Go has a port to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackageFiles {
    /// The sources.
    pub sources: Vec<String>,
    /// The condition of those that have one which their name does not tell, in the syntax of `//go:build`.
    pub constraints: BTreeMap<String, String>,
    /// `//go:embed` patterns with the files that they match.
    pub embed: BTreeMap<String, Vec<String>>,
}

/// A binary in one profile.
#[derive(Clone, Debug)]
pub struct Binary {
    /// The target's name.
    pub name: String,
    /// The main package's import path.
    pub main: ImportPath,
    /// The build settings.
    pub profile: Profile,
    /// The values of the profile's stamps.
    pub stamps: BTreeMap<String, String>,
    /// The profile that optimisation is guided by: a file, relative to the spec.
    pub pgo: Option<String>,
    /// As `go list` shows it in `DefaultGODEBUG`.
    pub default_godebug: String,
    /// Whether the spec names it: then it is an error where it has no files.
    pub is_named: bool,
}

/// The tests of a package.
#[derive(Clone, Debug)]
pub struct Test {
    /// How the program that runs them is built.
    pub program: Binary,
    /// The tested package's module, among [`Input::mains`].
    pub module: usize,
    /// Its directory in the module.
    pub directory: String,
    /// The test files.
    pub files: PackageFiles,
    /// Those in the package `…_test`.
    pub external: Vec<String>,
    /// Whether there are files in `testdata`.
    pub has_testdata: bool,
    /// What they import besides what the tested package does, on each platform where there are tests.
    pub imports: BTreeMap<Platform, BTreeSet<ImportPath>>,
}

/// Renders MODULE.bazel and all BUILD.bazel files.
///
/// # Errors
///
/// When MODULE.bazel can't be extended, or a package differs between profiles in a way that BUILD files can't say.
pub fn render(input: &Input) -> Result<GeneratedFiles> {
    let mut files = GeneratedFiles::new();
    let module_file = module_file::render(input)?;
    files.insert("MODULE.bazel".to_owned(), GeneratedFile { text: module_file, merged: true });
    let mut rules: BTreeMap<String, Vec<rule::Rule>> = build_file::package_rules(input)?;
    // The lock's label needs a package at the root, even where there is no Go.
    rules.entry(String::new()).or_default();
    for main in input.mains {
        rules.entry(main.directory.clone()).or_default().insert(0, build_file::module_rule(main));
    }
    for (dir, rules) in rules {
        let path = if dir.is_empty() { BUILD_FILE.to_owned() } else { format!("{dir}/{BUILD_FILE}") };
        let text = rule::print_file(super::HEADER, &format!("@{RULESET}//go:defs.bzl"), &rules);
        files.insert(path, GeneratedFile { text, merged: false });
    }
    Ok(files)
}
