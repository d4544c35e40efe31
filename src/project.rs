//! A repository with its spec: everything that the verbs share, from files to graphs and plans.

mod bazel;
mod binaries;
mod covered;
mod freshness;
mod go_build;
mod images;
pub mod listing;
mod local;
mod locking;
pub mod memo;
pub mod nix;
mod picture;
mod planning;
pub mod recorded;
pub mod stamps;
pub mod state;
pub mod testing;
mod unneeded;
mod vendored;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{self, Error, Result};
use crate::files::Files;
use crate::graph::{MainModule, PackageGraph, Sources, Std, ThirdParty, pattern};
use crate::lock::file::{LockedSdk, Lockfile};
use crate::module::workspace::{self, Workspace};
use crate::name::{GoVersion, ImportPath};
use crate::plan;
use crate::source::context::BuildContext;
use crate::source::index::Blobs;
use crate::source::repository::RepositoryTree;
use crate::source::tree::join;
use crate::spec::profile::Pgo;
use crate::spec::{self, DEFAULT_PROFILE, Profile, SdkVersion, Spec, Target};

pub use crate::lock::file::NAME as LOCK_FILE;
pub use binaries::ProjectBinary;

/// The profile in a main package's directory that `go build` takes by itself (`-pgo=auto`).
const DEFAULT_PGO: &str = "default.pgo";

/// What the repository says, before the lock is looked at.
pub struct Project {
    /// The directory of the spec.
    pub dir: PathBuf,
    /// The spec.
    pub spec: Spec,
    /// go.mod or go.work, go.sum.
    pub workspace: Workspace,
    /// The repository's modules, their directories relative to the spec.
    pub mains: Vec<MainModule>,
    /// The binaries to build, by name.
    pub binaries: BTreeMap<String, ProjectBinary>,
    /// What the repository is read through.
    pub files: Files,
    tree: RepositoryTree,
}

/// A target platform with a profile.
#[derive(Clone, Copy, Debug)]
pub struct Variant<'a> {
    /// The platform.
    pub target: &'a Target,
    /// The profile's name.
    pub profile_name: &'a str,
    /// The profile.
    pub profile: &'a Profile,
}

impl Variant<'_> {
    /// The configuration's name in plans and attributes: `linux_amd64`, or `linux_amd64-debug` for a named profile.
    pub fn name(&self) -> String {
        match self.profile_name {
            DEFAULT_PROFILE => self.target.name.clone(),
            name => format!("{}-{name}", self.target.name),
        }
    }
}

/// A project with its lock: what graphs and plans are made of.
pub struct Locked<'a> {
    /// The project.
    pub project: &'a Project,
    /// The lock.
    pub lock: &'a Lockfile,
    /// The project's modules and the local replacements.
    mains: Vec<MainModule>,
    /// The third-party modules of `lock`.
    modules: Vec<plan::Module>,
    sdks: BTreeMap<&'a str, (&'a LockedSdk, Sources<'a>)>,
}

impl Project {
    /// Reads spec, go.mod or go.work and go.sum, and finds the binaries.
    ///
    /// # Errors
    ///
    /// Input errors with their place.
    pub fn open(dir: &Path) -> Result<Project> {
        Project::open_through(Files::default(), dir)
    }

    /// Like [`Project::open`]; all that is ever read of the repository is read through `files`.
    ///
    /// # Errors
    ///
    /// Those of [`Project::open`].
    pub fn open_through(files: Files, dir: &Path) -> Result<Project> {
        Project::open_known(files, None, dir)
    }

    /// Like [`Project::open_through`]; what is known of `blobs` isn't looked for in a commit's files.
    ///
    /// # Errors
    ///
    /// Those of [`Project::open`].
    pub fn open_known(files: Files, blobs: Option<Arc<Blobs>>, dir: &Path) -> Result<Project> {
        let spec = spec::load(&files, dir)?;
        let workspace = Workspace::load(&files, &module_dir(dir, &spec))?;
        let mains = main_modules(&spec, &workspace)?;
        let tree = RepositoryTree::new(files.clone(), dir, blobs);
        let binaries = binaries::find(&spec, &mains, &tree)?;
        let project = Project { dir: dir.to_owned(), spec, workspace, mains, binaries, files, tree };
        project.check_images()?;
        for (name, sdk) in &project.spec.sdks {
            if let SdkVersion::Exact(version) = &sdk.version {
                project.check_version(name, version)?;
            }
        }
        Ok(project)
    }

    /// The same with its lock, which is read meanwhile: it is half of the time that both take.
    ///
    /// # Errors
    ///
    /// Those of [`Project::open`], or else of [`Lockfile::read`].
    pub fn open_with_lock(files: Files, dir: &Path) -> Result<(Project, Lockfile)> {
        let (project, lock) = rayon::join(|| Project::open_through(files.clone(), dir), || read_lock(&files, dir));
        Ok((project?, lock?))
    }

    /// Refuses an SDK that is older than a go line.
    fn check_version(&self, name: &str, version: &GoVersion) -> Result<()> {
        let Some(wanted) = self.workspace.newest_go_line().filter(|newest| newest.version > *version) else {
            return Ok(());
        };
        let error = Error::input(format!("the SDK go{version} is older than the line `{}` of {}", wanted.line, wanted.file));
        let error = error.help("ask for a newer SDK in go_sdk(version = …), or lower the go line");
        Err(match &self.spec.sdk(name)?.location {
            Some(location) => error.at(location.clone()),
            None => error,
        })
    }

    /// The path of the lock.
    pub fn lock_path(&self) -> PathBuf {
        error::file_in(&self.dir, LOCK_FILE)
    }

    /// The directory of go.mod or go.work.
    pub fn module_dir(&self) -> PathBuf {
        module_dir(&self.dir, &self.spec)
    }

    /// All platforms with all profiles that some binary has; the default profile if there is no binary.
    pub fn variants(&self) -> Vec<Variant<'_>> {
        let mut used: BTreeSet<&str> = self.binaries.values().flat_map(|b| &b.profiles).map(String::as_str).collect();
        if used.is_empty() {
            used.insert(DEFAULT_PROFILE);
        }
        let profiles: Vec<(&str, &Profile)> =
            self.spec.profiles.iter().map(|(n, p)| (n.as_str(), p)).filter(|(n, _)| used.contains(n)).collect();
        let pairs = self.spec.platforms.iter().flat_map(|t| profiles.iter().map(move |(n, p)| (t, *n, *p)));
        pairs.map(|(target, profile_name, profile)| Variant { target, profile_name, profile }).collect()
    }

    /// The binaries that have the variant's profile.
    pub fn binaries_of<'a>(&'a self, variant: Variant<'a>) -> impl Iterator<Item = (&'a str, &'a ProjectBinary)> {
        let has_profile = move |b: &ProjectBinary| b.profiles.iter().any(|p| p == variant.profile_name);
        self.binaries.iter().filter(move |(_, b)| has_profile(b)).map(|(name, b)| (name.as_str(), b))
    }

    /// All directories of the repository that can hold packages, relative to the spec.
    ///
    /// # Errors
    ///
    /// When a directory can't be read.
    pub fn directories(&self) -> Result<BTreeSet<String>> {
        let no_std = BTreeMap::new();
        let mains: Vec<MainModule> = self.mains.iter().cloned().chain(self.possible_locals()).collect();
        let sources = Sources::new(&self.tree, &mains, ThirdParty::Locked(&[]), Std::Recorded(&no_std));
        let mut found = BTreeSet::from([String::new()]);
        for (index, main) in mains.iter().enumerate() {
            found.extend(sources.directories(index, "")?.iter().map(|d| join(&main.directory, d)));
        }
        Ok(found)
    }

    /// Whether a binary's plain name means this variant of it, among those for the same operating system and processor: that in
    /// its first profile, for the architecture's default variant or else the spec's first.
    fn is_default(&self, variant: Variant, binary: &ProjectBinary) -> bool {
        self.is_usual(variant.target) && binary.profiles.first().is_some_and(|p| p == variant.profile_name)
    }

    /// Whether a platform is what its operating system and processor alone mean: that with the architecture's default variant, or else the
    /// spec's first.
    fn is_usual(&self, target: &Target) -> bool {
        let mut same = self.spec.platforms.iter().filter(|t| t.platform.os_arch() == target.platform.os_arch());
        let first = same.clone().next();
        same.find(|t| t.platform.variant().is_none()).or(first) == Some(target)
    }

    /// The profile that optimisation of the command in a directory is guided by: a file, relative to the spec.
    fn pgo(&self, profile_name: &str, profile: &Profile, directory: &str) -> Result<Option<String>> {
        let exists = |file: &str| self.files.is_file(&error::file_in(&self.dir, file));
        match &profile.pgo {
            Pgo::Off => Ok(None),
            Pgo::Auto => Ok(Some(join(directory, DEFAULT_PGO)).filter(|file| exists(file))),
            Pgo::File(file) if exists(file) => Ok(Some(file.clone())),
            Pgo::File(file) => {
                let error = Error::input(format!("there is no file {file}, which pgo of the profile `{profile_name}` names"));
                Err(error.help("write a path relative to the spec, \"auto\" or \"off\""))
            }
        }
    }

    /// Reads the lock.
    ///
    /// # Errors
    ///
    /// Those of [`Lockfile::read`].
    pub fn read_lock(&self) -> Result<Lockfile> {
        read_lock(&self.files, &self.dir)
    }

    /// Puts a lock to the project.
    ///
    /// # Errors
    ///
    /// When the lock was made for another SDK, for other platforms or modules.
    pub fn with_lock<'a>(&'a self, lock: &'a Lockfile) -> Result<Locked<'a>> {
        let sdks = freshness::check(self, lock)?;
        let mut mains = self.mains.clone();
        mains.extend(self.locked_locals(&lock.local)?);
        let third_party = || match self.workspace.vendor {
            Some(_) => ThirdParty::Vendored(&lock.vendored),
            None => ThirdParty::Locked(&lock.modules),
        };
        let modules = match self.workspace.vendor {
            Some(_) => lock.vendored.iter().map(plan::Module::from).collect(),
            None => lock.modules.iter().map(plan::Module::from).collect(),
        };
        let sources = |sdk: &'a LockedSdk| {
            let sources = Sources::new(&self.tree, mains.clone(), third_party(), Std::Recorded(&sdk.packages));
            (sdk, sources)
        };
        let sdks = sdks.into_iter().map(|(name, sdk)| (name, sources(sdk))).collect();
        Ok(Locked { project: self, lock, mains, modules, sdks })
    }
}

/// Reads the lock of the spec in a directory, as [`Project::read_lock`] does.
///
/// # Errors
///
/// Those of [`Lockfile::read`].
pub fn read_lock(files: &Files, dir: &Path) -> Result<Lockfile> {
    Lockfile::read(files, &error::file_in(dir, LOCK_FILE))
}

fn module_dir(dir: &Path, spec: &Spec) -> PathBuf {
    if spec.module_dir.is_empty() { dir.to_owned() } else { error::file_in(dir, &spec.module_dir) }
}

/// What decides which files belong to a build.
fn context(sdk: &LockedSdk, variant: Variant) -> BuildContext {
    let experiments = sdk.experiments.get(&variant.target.platform.os_arch()).map_or(&[][..], Vec::as_slice);
    let sanitizer = variant.profile.sanitizer.map(|sanitizer| sanitizer.name().to_owned());
    BuildContext {
        platform: variant.target.platform.clone(),
        go: sdk.version.clone(),
        cgo: variant.profile.cgo,
        tags: variant.profile.tags.iter().cloned().chain(sanitizer).collect(),
        experiments: with_experiments(experiments, &variant.profile.goexperiment),
        external_link: plan::external_link(&variant.target.platform, variant.profile, sdk.version.minor()),
    }
}

/// The experiments that are on when GOEXPERIMENT has `flags` (`buildcfg.ParseGOEXPERIMENT`).
fn with_experiments(known: &[String], flags: &[String]) -> BTreeSet<String> {
    let mut on: BTreeSet<String> = known.iter().cloned().collect();
    for flag in flags {
        match flag.strip_prefix("no") {
            _ if flag == "none" => on.clear(),
            Some(off) => drop(on.remove(off)),
            None => drop(on.insert(flag.clone())),
        }
    }
    on
}

/// The import paths of all packages of the repository that a build context has files for (if it is told `tests`, test files count
/// too), and of the binaries that the spec names in any case.
fn roots(
    sources: &Sources,
    context: &BuildContext,
    binaries: &BTreeMap<String, ProjectBinary>,
    tests: bool,
) -> Result<Vec<ImportPath>> {
    let mut roots = Vec::new();
    for main in sources.main.iter().filter(|m| m.stands_for.is_none()) {
        let everything = if main.directory.is_empty() { "./...".to_owned() } else { format!("./{}/...", main.directory) };
        roots.extend(pattern::expand(sources, context, "", &[everything], tests)?);
    }
    roots.extend(binaries.values().filter(|b| b.is_named).map(|b| b.main.clone()));
    roots.sort();
    roots.dedup();
    Ok(roots)
}

impl<'a> Locked<'a> {
    /// The modules whose files are in the repository: the project's own, and local replacements.
    pub fn mains(&self) -> &[MainModule] {
        &self.mains
    }

    /// The versions of all SDKs, by name.
    pub fn sdk_versions(&self) -> BTreeMap<&'a str, &'a GoVersion> {
        self.sdks.iter().map(|(name, (sdk, _))| (*name, &sdk.version)).collect()
    }

    /// The SDK with a name, or an error that lists those that exist.
    ///
    /// # Errors
    ///
    /// Those of [`Spec::sdk`].
    pub fn named_sdk(&self, name: &str) -> Result<&'a LockedSdk> {
        self.project.spec.sdk(name).map(|_| self.sdks[name].0)
    }

    /// The SDK that a profile builds with.
    pub fn sdk(&self, profile: &Profile) -> &'a LockedSdk {
        self.sdks[profile.sdk.as_str()].0
    }

    /// The graphs of the whole repository, one for each variant.
    ///
    /// # Errors
    ///
    /// Those of [`plan::supported::check`] for any of them, since what is impossible may have no graph, and of [`PackageGraph::load`]; a
    /// package that the lock doesn't have.
    pub fn graphs(&self, variants: &[Variant]) -> Result<Vec<PackageGraph>> {
        for variant in variants {
            let go = &self.sdk(variant.profile).version;
            plan::supported::check(go, &variant.target.platform, variant.profile)?;
        }
        variants.iter().map(|variant| self.graph(*variant)).collect()
    }

    fn graph(&self, variant: Variant) -> Result<PackageGraph> {
        let (sdk, sources) = &self.sdks[variant.profile.sdk.as_str()];
        let context = context(sdk, variant);
        let roots = roots(sources, &context, &self.project.binaries, false)?;
        self.built_graph(variant, &context, &roots)
    }
}

/// The workspace's modules with directories relative to the spec.
fn main_modules(spec: &Spec, workspace: &Workspace) -> Result<Vec<MainModule>> {
    let place = |module: &crate::module::workspace::MainModule| {
        let directory = workspace::join(&spec.module_dir, &module.dir);
        if local::is_outside(&directory) {
            let error = Error::input(format!("go.work uses {}, which is outside of the spec's directory", module.dir));
            return Err(error.help("put godirect.star into a directory above all modules and say module(\"dir-of-go.work\")"));
        }
        let (path, go, ignore) = (module.path.clone(), module.gomod.go.clone(), module.gomod.ignore.clone());
        Ok(MainModule { path, directory, go, ignore, stands_for: None })
    };
    workspace.modules.iter().map(place).collect()
}
