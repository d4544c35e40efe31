//! The binaries of a repository: those that the spec names, or else every main package.

use std::collections::{BTreeMap, BTreeSet};

use crate::emit::bazel;
use crate::error::{Error, Result};
use crate::graph::{MainModule, PackageGraph, Sources, Std, ThirdParty, pattern};
use crate::module::workspace::DEFAULT_GO_OF_WORK;
use crate::name::{GoVersion, ImportPath};
use crate::platform::Platform;
use crate::source::context::BuildContext;
use crate::source::record::FileGroup;
use crate::source::repository::RepositoryTree;
use crate::source::tree::join;
use crate::spec::{DEFAULT_PROFILE, Spec};

/// A binary of the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectBinary {
    /// The main package.
    pub main: ImportPath,
    /// The main package's directory relative to the spec; empty for the spec's own.
    pub directory: String,
    /// Its profiles; outputs in the first have the plain name.
    pub profiles: Vec<String>,
    /// Variables of the environment that it is to run with.
    pub runtime: BTreeMap<String, String>,
    /// The name of its Bazel target, which need not tell it from those in other directories.
    pub target: String,
    /// Whether the spec names it; then it must be buildable on every platform.
    pub is_named: bool,
}

impl ProjectBinary {
    /// The name of its Bazel target in one of its profiles.
    pub fn target_in(&self, profile: &str) -> String {
        match self.profiles.first().is_some_and(|first| first == profile) {
            true => self.target.clone(),
            false => format!("{}_{profile}", self.target),
        }
    }

    /// Whether there is something to build in a graph: as for `go build ./...`, a main package that nobody named may be missing on a
    /// platform.
    ///
    /// # Errors
    ///
    /// A package that the spec names has tests alone.
    pub fn is_built(&self, graph: &PackageGraph) -> Result<bool> {
        let has_files = |files: &FileGroup| !files.go.is_empty() || !files.cgo.is_empty();
        let is_built = graph.get(&self.main).is_some_and(|p| p.is_main() && has_files(&p.selection.files));
        if self.is_named && !is_built {
            return Err(Error::input(format!("no non-test Go files in {}", shown(&self.directory))));
        }
        Ok(is_built)
    }
}

/// The binaries by name.
///
/// # Errors
///
/// A directory without a main package; two binaries with one name.
pub(super) fn find(spec: &Spec, mains: &[MainModule], tree: &RepositoryTree) -> Result<BTreeMap<String, ProjectBinary>> {
    let no_std = BTreeMap::new();
    let sources = Sources::new(tree, mains, ThirdParty::Locked(&[]), Std::Recorded(&no_std));
    let named = if spec.binaries.is_empty() { every_main_package(&sources)? } else { named(spec, &sources)? };
    let mut binaries: BTreeMap<String, ProjectBinary> = BTreeMap::new();
    for (name, binary) in named {
        let directory = shown(&binary.directory);
        if let Some(old) = binaries.insert(name.clone(), binary) {
            let error = Error::input(format!("two binaries have the name `{name}`: {} and {directory}", shown(&old.directory)));
            let location =
                spec.binaries.iter().find(|b| shown(clean(&b.package)) == directory).and_then(|b| b.location.clone());
            let error = error.help("give one another: binary(…, name = \"…\")");
            return Err(match location {
                Some(location) => error.at(location),
                None => error,
            });
        }
    }
    Ok(binaries)
}

/// Those of the spec.
fn named(spec: &Spec, sources: &Sources) -> Result<Vec<(String, ProjectBinary)>> {
    let one = |binary: &crate::spec::Binary| {
        let directory = clean(&binary.package).to_owned();
        let main = main_package(sources, &directory).map_err(|error| match &binary.location {
            Some(location) => error.at(location.clone()),
            None => error,
        })?;
        let name = binary.name.clone().unwrap_or_else(|| bazel::base_name(main.as_str()).to_owned());
        let (profiles, runtime) = (binary.profiles.clone(), binary.runtime.clone());
        Ok((name.clone(), ProjectBinary { main, directory, profiles, runtime, target: name, is_named: true }))
    };
    spec.binaries.iter().map(one).collect()
}

/// All main packages, each with a name of its own.
///
/// Where several would have one name, none of them has it, because whoever uses the name would get another program when one more
/// appears or goes: each is called by its directory, which doesn't depend on the others.
fn every_main_package(sources: &Sources) -> Result<Vec<(String, ProjectBinary)>> {
    let mut found = Vec::new();
    for (index, main) in sources.main.iter().enumerate() {
        let directories = sources.directories(index, "")?;
        sources.prefetch(&directories.iter().map(|below| (index, below.clone())).collect::<Vec<_>>());
        for below in directories {
            if sources.main_package(index, &below)?.is_some_and(|p| p.is_command()) {
                let (directory, profiles) = (join(&main.directory, &below), vec![DEFAULT_PROFILE.to_owned()]);
                let main = main_package(sources, &directory)?;
                let target = bazel::base_name(main.as_str()).to_owned();
                let runtime = BTreeMap::new();
                found.push(ProjectBinary { main, directory, profiles, runtime, target, is_named: false });
            }
        }
    }
    let (mut seen, mut shared) = (BTreeSet::new(), BTreeSet::new());
    for binary in &found {
        if !seen.insert(binary.target.clone()) {
            shared.insert(binary.target.clone());
        }
    }
    let name = |binary: &ProjectBinary| match shared.contains(&binary.target) && !binary.directory.is_empty() {
        true => binary.directory.replace('/', "-"),
        false => binary.target.clone(),
    };
    Ok(found.into_iter().map(|binary| (name(&binary), binary)).collect())
}

/// The directory of a package that the spec names, relative to it.
fn clean(package: &str) -> &str {
    let directory = package.strip_prefix("./").unwrap_or(package).trim_end_matches('/');
    if directory == "." { "" } else { directory }
}

/// The import path of the main package in a directory relative to the spec.
fn main_package(sources: &Sources, directory: &str) -> Result<ImportPath> {
    let any: Platform = "linux/amd64".parse()?;
    let go: GoVersion = DEFAULT_GO_OF_WORK.parse()?;
    let context = BuildContext {
        platform: any,
        go,
        cgo: false,
        tags: BTreeSet::new(),
        experiments: BTreeSet::new(),
        external_link: None,
    };
    let path = pattern::expand(sources, &context, "", &[shown(directory)], false)?;
    let path = path.into_iter().next().ok_or_else(|| Error::input(format!("{} is no package", shown(directory))))?;
    for (index, main) in sources.main.iter().enumerate() {
        if let Some(below) = path.below(main.path.as_str())
            && let Some(package) = sources.main_package(index, below)?
        {
            let error = || Error::input(format!("{} is not a main package", shown(directory)));
            return if package.is_command() { Ok(path) } else { Err(error()) };
        }
    }
    Err(Error::input(format!("there is no Go package in {}", shown(directory))))
}

fn shown(directory: &str) -> String {
    if directory.is_empty() { ".".to_owned() } else { format!("./{directory}") }
}
