//! A repository with its spec: everything that the verbs share, from files to graphs and plans.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::emit::bazel;
use crate::error::{Error, Result};
use crate::graph::{self, MainModule, Module, PackageGraph, Universe, godebug, local, local::LocalPackages};
use crate::lock::file::{LockedSdk, Lockfile};
use crate::module::workspace::Workspace;
use crate::name::{GoVersion, ImportPath};
use crate::plan::{self, Configuration};
use crate::source::context::BuildContext;
use crate::source::tree::join;
use crate::spec::{self, DEFAULT_PROFILE, Profile, SdkVersion, Spec, Target};

/// The name of the lock beside the spec.
pub const LOCK_FILE: &str = "godirect.lock.json";

/// What the repository says, before the lock is looked at.
pub struct Project {
    /// The directory of the spec.
    pub dir: PathBuf,
    /// The spec.
    pub spec: Spec,
    /// go.mod or go.work, go.sum.
    pub workspace: Workspace,
    /// The repository's modules.
    pub mains: Vec<MainModule>,
    /// The repository's packages.
    pub local: LocalPackages,
    /// The binaries to build, by name.
    pub binaries: BTreeMap<String, ProjectBinary>,
}

/// A binary of the repository.
#[derive(Clone, Debug)]
pub struct ProjectBinary {
    /// The main package.
    pub import_path: ImportPath,
    /// The main package's directory relative to the spec.
    pub dir: String,
    /// Its profiles; outputs in the first have the plain name.
    pub profiles: Vec<String>,
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

impl Project {
    /// Reads spec, go.mod or go.work, go.sum and the headers of all Go files.
    ///
    /// # Errors
    ///
    /// Input errors with their place.
    pub fn open(dir: &Path) -> Result<Project> {
        let spec = spec::load(dir)?;
        let workspace = Workspace::load(&dir.join(&spec.module_dir))?;
        let mains = main_modules(&spec, &workspace)?;
        let ignored = workspace.modules.iter().zip(&mains).flat_map(|(module, main)| {
            module.gomod.ignore.iter().map(|path| join(&main.dir, path.trim_start_matches("./").trim_end_matches('/')))
        });
        let local = LocalPackages::load(dir, &mains, &ignored.collect::<Vec<_>>())?;
        let binaries = binaries(&spec, &mains, &local)?;
        let project = Project { dir: dir.to_owned(), spec, workspace, mains, local, binaries };
        project.check_sdk_is_new_enough()?;
        Ok(project)
    }

    fn check_sdk_is_new_enough(&self) -> Result<()> {
        match &self.spec.sdk.version {
            SdkVersion::Exact(version) => self.check_version(version),
            SdkVersion::FromGoMod => Ok(()),
        }
    }

    /// Refuses an SDK that is older than a go line.
    fn check_version(&self, version: &GoVersion) -> Result<()> {
        let Some(wanted) = self.workspace.wanted_sdk().filter(|w| w.version > *version && w.line.starts_with("go ")) else {
            return Ok(());
        };
        let error = Error::input(format!("the SDK go{version} is older than the line `{}` of {}", wanted.line, wanted.file));
        let error = error.help("ask for a newer SDK in go_sdk(version = …), or lower the go line");
        Err(match &self.spec.sdk.location {
            Some(location) => error.at(location.clone()),
            None => error,
        })
    }

    /// The path of the lock.
    pub fn lock_path(&self) -> PathBuf {
        self.dir.join(LOCK_FILE)
    }

    /// All platforms with all profiles that some binary has; the default profile is there in any case.
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

    /// The locked SDK of this spec.
    ///
    /// # Errors
    ///
    /// When the lock was made for another version, platform or spec.
    pub fn sdk<'l>(&self, lock: &'l Lockfile) -> Result<&'l LockedSdk> {
        let stale = |why: String| Error::input(format!("{LOCK_FILE} is stale: {why}")).help("run `godirect lock`");
        let sdk = match &self.spec.sdk.version {
            SdkVersion::Exact(version) => lock.sdks.iter().find(|s| s.version == *version),
            SdkVersion::FromGoMod => lock.sdks.last(),
        };
        let sdk = sdk.ok_or_else(|| stale("it pins another version of Go than the spec asks for".to_owned()))?;
        if let Some(wanted) = self.workspace.wanted_sdk().filter(|w| w.version > sdk.version && w.line.starts_with("go ")) {
            return Err(stale(format!("it pins go{}, but {} has the line `{}`", sdk.version, wanted.file, wanted.line)));
        }
        for platform in &self.spec.sdk.exec_platforms {
            if !sdk.downloads.iter().any(|d| d.platform == *platform) {
                return Err(stale(format!("it has no SDK for the execution platform {platform}")));
            }
        }
        match self.spec.os_arches().iter().find(|p| !lock.platforms.contains(p)) {
            Some(missing) => Err(stale(format!("it doesn't cover the platform {missing}"))),
            None => Ok(sdk),
        }
    }

    /// What decides which files belong to a build.
    pub fn context(&self, sdk: &LockedSdk, variant: Variant) -> BuildContext {
        let experiments = sdk.experiments.get(&variant.target.platform.os_arch()).cloned().unwrap_or_default();
        BuildContext {
            platform: variant.target.platform.clone(),
            go: sdk.version.clone(),
            cgo: variant.profile.cgo,
            tags: variant.profile.tags.clone(),
            experiments: experiments.into_iter().collect(),
        }
    }

    /// The import paths of all packages of the repository that the platform can build, and those of the binaries in any case.
    pub fn roots(&self, context: &BuildContext) -> Result<Vec<ImportPath>> {
        let mut roots = BTreeSet::new();
        for (dir, package) in self.local.iter() {
            let chosen = package.choose(self.local.tree(), context)?;
            if !chosen.package.files.go.is_empty() || !chosen.package.files.cgo.is_empty() {
                roots.insert(local::import_path(&self.mains, dir)?);
            }
        }
        roots.extend(self.binaries.values().map(|b| b.import_path.clone()));
        Ok(roots.into_iter().collect())
    }

    /// The graph of the whole repository, third-party packages as locked.
    ///
    /// # Errors
    ///
    /// Those of [`graph::load`]; a lock that doesn't fit go.mod.
    pub fn graph(&self, lock: &Lockfile, variant: Variant) -> Result<PackageGraph> {
        let sdk = self.sdk(lock)?;
        let modules: Vec<Module> = lock.modules.iter().map(Module::from).collect();
        let third_party = graph::locked_packages(lock);
        let universe = Universe {
            mains: &self.mains,
            local: &self.local,
            modules: &modules,
            third_party: &third_party,
            std: &sdk.packages,
        };
        let context = self.context(sdk, variant);
        graph::load(&universe, &context, &self.roots(&context)?)
    }

    /// How to build the variant's binaries; only those for which `wanted` holds.
    ///
    /// # Errors
    ///
    /// Those of [`Project::graph`] and of [`plan::configuration`].
    pub fn plan(&self, lock: &Lockfile, variant: Variant, wanted: impl Fn(&str) -> bool) -> Result<Configuration> {
        let graph = self.graph(lock, variant)?;
        let sdk = self.sdk(lock)?;
        let mut binaries = Vec::new();
        for (name, binary) in self.variant_binaries(variant).filter(|(name, _)| wanted(name)) {
            let main = binary.import_path.as_str();
            binaries.push(plan::Binary { name, main, default_godebug: self.default_godebug(sdk, &graph, main) });
        }
        let settings = plan::Settings { go: &sdk.version, platform: &variant.target.platform, profile: variant.profile };
        plan::configuration(&graph, settings, &binaries)
    }

    /// The binaries that have the variant's profile.
    pub fn variant_binaries<'a>(&'a self, variant: Variant<'a>) -> impl Iterator<Item = (&'a str, &'a ProjectBinary)> {
        let has_profile = move |b: &ProjectBinary| b.profiles.iter().any(|p| p == variant.profile_name);
        self.binaries.iter().filter(move |(_, b)| has_profile(b)).map(|(name, b)| (name.as_str(), b))
    }

    /// The plans of all variants, by configuration name.
    pub fn configurations(&self, lock: &Lockfile) -> Result<BTreeMap<String, Configuration>> {
        self.variants().into_iter().map(|variant| Ok((variant.name(), self.plan(lock, variant, |_| true)?))).collect()
    }

    fn default_godebug(&self, sdk: &LockedSdk, graph: &PackageGraph, main: &str) -> String {
        let go = match &self.workspace.work {
            Some(work) => work.go.as_ref(),
            None => self.mains.first().and_then(|m| m.go.as_ref()),
        };
        let settings = self.workspace.godebug().iter().map(|(k, v)| (k.as_str(), v.as_str()));
        let directives = graph.package(main).map_or(&[][..], |p| &p.debug);
        let directives = directives.iter().map(|d| (d.key.as_str(), d.value.as_str()));
        godebug::default_godebug(&sdk.godebug, go, settings, directives)
    }

    /// The binaries as Bazel targets: one for each profile, in the spec's first platform's view.
    pub fn bazel_binaries(&self, lock: &Lockfile, views: &[bazel::View]) -> Result<Vec<bazel::Binary>> {
        let sdk = self.sdk(lock)?;
        let mut binaries = Vec::new();
        for (name, binary) in &self.binaries {
            for (i, profile) in binary.profiles.iter().enumerate() {
                let name = if i == 0 { name.clone() } else { format!("{name}_{profile}") };
                let main = binary.import_path.to_string();
                let view = views.iter().find(|v| v.profile == profile && v.graph.package(&main).is_some());
                let default_godebug = view.map(|v| self.default_godebug(sdk, v.graph, &main)).unwrap_or_default();
                binaries.push(bazel::Binary { name, main, profile: self.spec.profiles[profile].clone(), default_godebug });
            }
        }
        Ok(binaries)
    }
}

/// The workspace's modules with directories relative to the spec.
fn main_modules(spec: &Spec, workspace: &Workspace) -> Result<Vec<MainModule>> {
    let place = |module: &crate::module::workspace::MainModule| {
        if module.dir.split('/').any(|element| element == "..") || Path::new(&module.dir).is_absolute() {
            let error = Error::input(format!("go.work uses {}, which is outside of the spec's directory", module.dir));
            return Err(error.help("put godirect.star into a directory above all modules and say module(\"dir-of-go.work\")"));
        }
        let (path, go) = (module.path.clone(), module.gomod.go.clone());
        Ok(MainModule { path, dir: join(&spec.module_dir, &module.dir), go })
    };
    workspace.modules.iter().map(place).collect()
}

/// The binaries that the spec names, or else every main package.
fn binaries(spec: &Spec, mains: &[MainModule], local: &LocalPackages) -> Result<BTreeMap<String, ProjectBinary>> {
    let mut binaries: BTreeMap<String, ProjectBinary> = BTreeMap::new();
    let programs = local.iter().filter(|(_, package)| local::is_program(package)).map(|(dir, _)| dir);
    let everything = programs.map(|dir| spec::Binary {
        package: dir.to_owned(),
        name: None,
        profiles: vec![DEFAULT_PROFILE.to_owned()],
        location: None,
    });
    let everything: Vec<spec::Binary> = if spec.binaries.is_empty() { everything.collect() } else { Vec::new() };
    for binary in spec.binaries.iter().chain(&everything) {
        let at = |error: Error| match &binary.location {
            Some(location) => error.at(location.clone()),
            None => error,
        };
        let dir = binary.package.strip_prefix("./").unwrap_or(&binary.package).trim_end_matches('/');
        let dir = if dir == "." { "" } else { dir };
        match local.package(dir) {
            Some(package) if local::is_program(package) => {}
            Some(_) => return Err(at(Error::input(format!("{} is not a main package", binary.package)))),
            None => return Err(at(Error::input(format!("there is no Go package in {}", binary.package)))),
        }
        let import_path = local::import_path(mains, dir).map_err(at)?;
        let name = binary.name.clone().unwrap_or_else(|| bazel::base_name(import_path.as_str()).to_owned());
        let made = ProjectBinary { import_path, dir: dir.to_owned(), profiles: binary.profiles.clone() };
        if let Some(old) = binaries.insert(name.clone(), made) {
            let error = Error::input(format!("two binaries have the name `{name}`: {} and {}", shown(&old.dir), shown(dir)));
            return Err(at(error.help("give one another: binary(…, name = \"…\")")));
        }
    }
    Ok(binaries)
}

fn shown(dir: &str) -> String {
    if dir.is_empty() { ".".to_owned() } else { format!("./{dir}") }
}
