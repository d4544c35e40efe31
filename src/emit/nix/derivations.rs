//! The derivations of a plan, computed here instead of evaluated by Nix.
//!
//! This is `templates/nix/godirect.nix`, and makes the same derivations, byte for byte. Held by
//! `tests/nix_instantiate.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::{Value, json};

use super::COVERAGE;
use super::aterm::{Fixed, StorePath, placeholder};
use super::sdks::Sdk;
use super::sources::PlacedSource;
use super::store::{Attributes, Derivation, Store, Text, store_name};
use super::tested::{List, Plan};
use crate::digest::{H1, Sha256, Sri};
use crate::error::{Error, Result};
use crate::lock::file::{LockedModule, Lockfile};
use crate::module::ModuleId;
use crate::module::escape::escape;
use crate::name::GoVersion;
use crate::plan::image::ImageAction;
use crate::plan::{BinaryAction, Configuration, PackageAction};
use crate::spec::DEFAULT_SDK;

/// What else decides about derivations than plan and lock.
pub struct Settings<'a> {
    /// The machine that builds, as Nix calls it, e.g. `x86_64-linux`.
    pub system: &'a str,
    /// The module proxy that files come from.
    pub goproxy: &'a str,
    /// Which of an SDK's URLs is taken, counted from 0.
    pub mirror: usize,
    /// A store object with C compilers in `bin`, for what has C code.
    pub cc: Option<StorePath>,
    /// Whether there are to be binaries without a derivation for each package, too.
    pub whole: bool,
    /// The directory of the Nix files, relative to the spec.
    pub directory: &'a str,
    /// Reads a file of the repository.
    pub read: &'a dyn Fn(&str) -> Result<LocalFile>,
    /// Says what is in a directory of the repository, but for what git keeps there.
    pub list: &'a List<'a>,
}

/// A file of the repository as it comes into the store.
pub struct LocalFile {
    /// Its content; of a symbolic link, where it leads to.
    pub bytes: Vec<u8>,
    /// What it is.
    pub kind: LocalKind,
}

/// What kinds of files the store knows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum LocalKind {
    /// A file.
    Regular,
    /// A program.
    Executable,
    /// A symbolic link.
    Symlink,
}

/// The attributes that `nix build` and `nix-build` know, with their derivations.
pub struct Derivations {
    store: Store,
    attributes: BTreeMap<String, Rc<Derivation>>,
    whole: BTreeMap<String, Rc<Derivation>>,
    tests: BTreeMap<String, Rc<Derivation>>,
    archives: BTreeMap<String, Rc<Derivation>>,
    lacking: BTreeSet<String>,
    downloads: BTreeMap<StorePath, Download>,
}

/// A zip of a module that Nix would download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Download {
    /// Its name in the store.
    pub name: String,
    /// Of its bytes.
    pub sha256: Sha256,
    /// The module.
    pub module: ModuleId,
    /// Go's hash of its files.
    pub h1: H1,
    /// Whether it is an SDK.
    pub is_sdk: bool,
}

/// A derivation that has a name.
pub struct Named {
    /// The derivation's file.
    pub derivation: StorePath,
    /// Its outputs.
    pub outputs: BTreeMap<String, StorePath>,
}

impl Derivations {
    /// The names of packages.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.attributes.keys().map(String::as_str)
    }

    /// The names of binaries without a derivation for each package: `whole.<name>`.
    pub fn whole(&self) -> impl Iterator<Item = &str> {
        self.whole.keys().map(String::as_str)
    }

    /// The names of tests: `tests.<name>`.
    pub fn tests(&self) -> impl Iterator<Item = &str> {
        self.tests.keys().map(String::as_str)
    }

    /// The names of package archives: `packageArchives.<configuration>.<import path>`.
    pub fn archives(&self) -> impl Iterator<Item = &str> {
        self.archives.keys().map(String::as_str)
    }

    /// Whether a name is that of a binary, an image or a test that has C code, and there is no compiler for it.
    pub fn lacks_compiler(&self, name: &str) -> bool {
        self.lacking.contains(name.strip_prefix("whole.").unwrap_or(name))
    }

    /// The derivation of a name.
    pub fn get(&self, name: &str) -> Option<Named> {
        let mut all = [&self.attributes, &self.whole, &self.tests, &self.archives].into_iter();
        let derivation = all.find_map(|named| named.get(name))?;
        Some(Named { derivation: derivation.path.clone(), outputs: derivation.outputs().clone() })
    }

    /// The outputs of these derivations.
    pub fn outputs_of(&self, paths: &[StorePath]) -> BTreeSet<StorePath> {
        self.store.outputs_of(paths)
    }

    /// Zips of modules by their paths in the store.
    pub fn downloads(&self) -> &BTreeMap<StorePath, Download> {
        &self.downloads
    }

    /// The store paths of all that these derivations need before they can be built, each after those that it refers to.
    pub fn closure(&self, derivations: Vec<StorePath>) -> Vec<StorePath> {
        self.store.closure(derivations)
    }

    /// These objects for `nix-store --import`.
    pub fn export(&self, paths: &[StorePath]) -> Vec<u8> {
        self.store.export(paths)
    }
}

/// Computes all derivations of a plan.
///
/// # Errors
///
/// A lock that has no SDK for the system, and those of reading.
pub fn derivations(
    sdks: &BTreeMap<&str, &GoVersion>,
    plans: &BTreeMap<String, Plan>,
    images: &BTreeMap<String, ImageAction>,
    lock: &Lockfile,
    settings: Settings,
) -> Result<Derivations> {
    let (store, sources, whole, tests, covered, archives, lacking, downloads) = Default::default();
    let (helper, runner) = (None, None);
    let mut builder =
        Builder { lock, settings, store, helper, runner, sources, whole, tests, covered, archives, lacking, downloads };
    let attributes = builder.attributes(sdks, plans, images)?;
    let Builder { store, whole, tests, archives, lacking, downloads, .. } = builder;
    Ok(Derivations { store, attributes, whole, tests, archives, lacking, downloads })
}

/// What is being made.
pub(super) struct Builder<'a> {
    pub lock: &'a Lockfile,
    pub settings: Settings<'a>,
    pub store: Store,
    /// The program that builds everything else, once there is one.
    helper: Option<Rc<Derivation>>,
    /// The program that runs tests, once there is one.
    pub runner: Option<Rc<Derivation>>,
    /// Directories of the repository that are in the store.
    pub sources: BTreeMap<(String, Vec<String>), Text>,
    /// Binaries without a derivation for each package, by name.
    pub whole: BTreeMap<String, Rc<Derivation>>,
    /// Tests by name.
    tests: BTreeMap<String, Rc<Derivation>>,
    /// What tests have counted, by the names of tests.
    covered: BTreeMap<String, Rc<Derivation>>,
    /// Package archives by name.
    archives: BTreeMap<String, Rc<Derivation>>,
    /// Binaries, images and tests that aren't made, since there is no C compiler.
    pub lacking: BTreeSet<String>,
    /// Zips of modules by their paths in the store.
    downloads: BTreeMap<StorePath, Download>,
}

/// What is known before packages are built.
pub(super) struct Ground {
    pub sdks: BTreeMap<String, Sdk>,
    pub modules: BTreeMap<String, Rc<Derivation>>,
}

impl Builder<'_> {
    fn attributes(
        &mut self,
        sdks: &BTreeMap<&str, &GoVersion>,
        plans: &BTreeMap<String, Plan>,
        images: &BTreeMap<String, ImageAction>,
    ) -> Result<BTreeMap<String, Rc<Derivation>>> {
        if let Some((name, version)) = sdks.get_key_value(DEFAULT_SDK) {
            let bootstrap = self.first_bootstrap(name, version)?;
            self.helper = Some(self.own_program(&bootstrap, "helper")?);
            if plans.values().any(|plan| !plan.tests.programs.is_empty()) {
                self.runner = Some(self.own_program(&bootstrap, "runner")?);
            }
        }
        let default = sdks.get(DEFAULT_SDK).copied();
        let made = sdks.iter().map(|(name, version)| Ok(((*name).to_owned(), self.sdk(name, version)?)));
        let sdks: BTreeMap<String, Sdk> = made.collect::<Result<_>>()?;
        let modules = self.modules()?;
        let ground = Ground { sdks, modules };
        let mut attributes = BTreeMap::new();
        for (name, sdk) in &ground.sdks {
            let named = |prefix: &str| if name == DEFAULT_SDK { prefix.to_owned() } else { format!("{prefix}-{name}") };
            attributes.insert(named("go"), sdk.commands.clone());
            attributes.extend(sdk.rebuilt.clone().map(|rebuilt| (named("sdk-rebuild"), rebuilt)));
        }
        let (mut own, mut configured) = (BTreeMap::new(), BTreeMap::new());
        for (name, plan) in plans {
            let configuration = &plan.configuration;
            let is_own = ground.is_own(configuration);
            for (binary, derivation) in self.configuration(&ground, name, plan)? {
                let action = &configuration.binaries[&binary];
                if is_own && action.default && !own.contains_key(&binary) {
                    own.insert(binary.clone(), (derivation.clone(), action.file.clone()));
                }
                configured.insert(format!("{binary}-{name}"), derivation);
            }
            self.add_whole(&ground, name, configuration, is_own)?;
        }
        if !own.is_empty() {
            attributes.insert("default".to_owned(), self.default(&own)?);
        }
        if let (Some(sdk), Some(version)) = (ground.sdks.get(DEFAULT_SDK), default) {
            let executable = |configuration: &str, binary: &str| {
                let file = &plans.get(configuration)?.configuration.binaries.get(binary)?.file;
                Some(configured.get(&format!("{binary}-{configuration}"))?.out().within("", format!("/bin/{file}")))
            };
            attributes.extend(self.images(images, version, &sdk.goroot, &executable)?);
        }
        if !self.covered.is_empty() {
            let profiles = self.covered.values().map(|profile| profile.out()).collect();
            attributes.insert(COVERAGE.to_owned(), self.coverage(profiles)?);
        }
        attributes.extend(configured);
        attributes.extend(own.into_iter().map(|(name, (derivation, _))| (name, derivation)));
        Ok(attributes)
    }

    /// A program of the generated files (`ownProgram`).
    fn own_program(&mut self, bootstrap: &Text, name: &str) -> Result<Rc<Derivation>> {
        let from = format!("{}/{name}", self.settings.directory);
        let source = self.local_files(&from, &format!("godirect-{name}-source"), &["go.mod", "main.go"])?;
        self.compile_program(bootstrap, &format!("godirect-{name}"), &source)
    }

    /// All binaries that plain names mean, together.
    fn default(&mut self, own: &BTreeMap<String, (Rc<Derivation>, String)>) -> Result<Rc<Derivation>> {
        if let ([(derivation, _)], 1) = (own.values().collect::<Vec<_>>().as_slice(), own.len()) {
            return Ok(derivation.clone());
        }
        let out = placeholder("out");
        let steps = own.values().map(|(derivation, file)| {
            let from = derivation.out().within("", format!("/bin/{file}"));
            json!({ "copy": from.as_str(), "to": format!("{out}/bin/{file}") })
        });
        let steps: Vec<Value> = steps.collect();
        let used: Vec<Text> = own.values().map(|(derivation, _)| derivation.out()).collect();
        let attributes = self.help("build", "go-binaries")?.with("label", "default").value("env", json!({}));
        self.store.derivation(attributes.value("tokens", json!({})).value("steps", steps).using(&used))
    }

    /// The binaries of a configuration by name; it also makes its tests, if they run on the machine that builds.
    fn configuration(&mut self, ground: &Ground, configured: &str, plan: &Plan) -> Result<Vec<(String, Rc<Derivation>)>> {
        let configuration = &plan.configuration;
        let sdk = sdk_of(ground, configuration)?;
        let mut packages = BTreeMap::new();
        for name in dependencies_first(&configuration.packages) {
            let action = &configuration.packages[name];
            if self.lacks_compiler(ground, configuration, &packages, action) {
                continue;
            }
            let package = self.package(ground, sdk, configuration, &packages, (name, action))?;
            self.archives.insert(format!("packageArchives.{configured}.{name}"), package.clone());
            packages.insert(name, package);
        }
        let (compiles_c, is_own) = (self.compiles_c(ground, configuration), ground.is_own(configuration));
        let mut binaries = Vec::new();
        for (name, binary) in &configuration.binaries {
            if binary.c.is_some() && !compiles_c {
                self.lacking.extend([format!("{name}-{configured}")]);
                self.lacking.extend((is_own && binary.default).then(|| name.clone()));
                continue;
            }
            binaries.push((name.clone(), self.binary(sdk, configuration, &packages, name, binary)?));
        }
        if is_own {
            let lacking = plan.tests.programs.iter().filter(|(_, test)| test.program.c.is_some() && !compiles_c);
            self.lacking.extend(lacking.map(|(name, _)| format!("tests.{name}")));
            for (name, run) in self.tested(ground, plan, &plan.tests, &packages, false)? {
                self.tests.insert(format!("tests.{name}"), run);
            }
            let covered = self.tested(ground, plan, &plan.covered, &packages, true)?;
            self.covered.extend(covered);
        }
        Ok(binaries)
    }

    /// Compiles a package (`compile`).
    pub(super) fn package(
        &mut self,
        ground: &Ground,
        sdk: &Sdk,
        configuration: &Configuration,
        packages: &BTreeMap<&str, Rc<Derivation>>,
        (name, package): (&str, &PackageAction),
    ) -> Result<Rc<Derivation>> {
        let PlacedSource { root, path, shown } = self.source(ground, sdk, name, package)?;
        let mut tokens = tool_tokens(sdk);
        for dep in &package.deps {
            tokens.insert(format!("x:{dep}"), result(packages, dep, "export")?);
        }
        tokens.extend(package.c.is_some().then(|| ("root".to_owned(), root)));
        tokens.insert("src".to_owned(), path);
        tokens.insert("o".to_owned(), placeholder("out").into());
        tokens.insert("x".to_owned(), placeholder("export").into());
        let attributes = self
            .help("build", &store_name(name))?
            .value("outputs", json!(["out", "export"]))
            .with("label", name)
            .with("shown", shown)
            .with_all("env", self.env(configuration, package.c.as_ref()))
            .value("steps", steps(name, &package.steps)?)
            .with_all("tokens", tokens);
        self.store.derivation(attributes)
    }

    /// Links a binary (`link`).
    pub(super) fn binary(
        &mut self,
        sdk: &Sdk,
        configuration: &Configuration,
        packages: &BTreeMap<&str, Rc<Derivation>>,
        name: &str,
        binary: &BinaryAction,
    ) -> Result<Rc<Derivation>> {
        let out = placeholder("out");
        let mut all = vec![json!({ "mkdir": format!("{out}/bin") })];
        all.extend(steps(name, &binary.steps)?);
        let mut tokens = tool_tokens(sdk);
        for dep in &binary.deps {
            tokens.insert(format!("o:{dep}"), result(packages, dep, "out")?);
        }
        tokens.insert("bin".to_owned(), format!("{out}/bin/{}", binary.file).into());
        let attributes = self
            .help("build", &store_name(name))?
            .with("label", format!("binary {name}"))
            .with_all("env", self.env(configuration, binary.c.as_ref()))
            .value("steps", all)
            .with_all("tokens", tokens);
        self.store.derivation(attributes)
    }

    fn modules(&mut self) -> Result<BTreeMap<String, Rc<Derivation>>> {
        let mut modules = BTreeMap::new();
        for module in &self.lock.modules {
            let LockedModule { path, version, sha256, h1, nar, .. } = module;
            let id = module.id();
            let name = store_name(&format!("{}-{}", id.path, id.version));
            modules.insert(format!("{path}@{version}"), self.unzip(&name, &id, (*sha256, *h1, *nar), false)?);
        }
        Ok(modules)
    }

    /// An unpacked module (`unzip`), with the hashes of the zip, of its files and of their tree.
    pub(super) fn unzip(
        &mut self,
        name: &str,
        module: &ModuleId,
        (sha256, h1, nar): (Sha256, H1, Sri),
        is_sdk: bool,
    ) -> Result<Rc<Derivation>> {
        let zip = self.fetch_module(module, (sha256, h1), is_sdk)?;
        let attributes = self
            .help("unzip", name)?
            .value("goroot", is_sdk)
            .with("h1", h1.to_string())
            .with("zip", zip.out())
            .with("prefix", module.to_string())
            .fixed(Fixed::Recursive(nar.0));
        self.store.derivation(attributes)
    }

    pub(super) fn fetch_module(
        &mut self,
        module: &ModuleId,
        (sha256, h1): (Sha256, H1),
        is_sdk: bool,
    ) -> Result<Rc<Derivation>> {
        let (path, version) = (escape(module.path.as_str()), escape(module.version.as_str()));
        let url = format!("{}/{path}/@v/{version}.zip", self.settings.goproxy);
        let name = format!("{}.zip", store_name(&format!("{}-{}", module.path, module.version)));
        let fetched = self.fetch(&name, url, Fixed::Flat(sha256), false)?;
        if let Some(path) = fetched.outputs().get("out") {
            let module = module.clone();
            self.downloads.insert(path.clone(), Download { name, sha256, module, h1, is_sdk });
        }
        Ok(fetched)
    }

    /// The start of a derivation that the helper builds (`help`).
    pub(super) fn help(&mut self, command: &str, name: &str) -> Result<Attributes> {
        let helper = self.helper()?;
        Ok(Attributes::new(name, self.settings.system, helper.out()).structured().arguments([command]))
    }

    fn helper(&self) -> Result<Rc<Derivation>> {
        self.helper.clone().ok_or_else(|| Error::input("the plan has no SDK that could compile Nix's helper"))
    }
}

pub(super) fn sdk_of<'g>(ground: &'g Ground, configuration: &Configuration) -> Result<&'g Sdk> {
    let missing = || Error::input(format!("the plan has no SDK {}", configuration.sdk));
    ground.sdks.get(&configuration.sdk).ok_or_else(missing)
}

pub(super) fn tool_tokens(sdk: &Sdk) -> BTreeMap<String, Text> {
    [("sdk".to_owned(), sdk.goroot.clone()), ("tool".to_owned(), sdk.tools.clone())].into()
}

fn result(packages: &BTreeMap<&str, Rc<Derivation>>, name: &str, output: &str) -> Result<Text> {
    let missing = || Error::input(format!("the plan needs {name}, which it doesn't compile"));
    Ok(packages.get(name).ok_or_else(missing)?.output(output))
}

pub(super) fn steps(name: &str, steps: &[crate::plan::Step]) -> Result<Vec<Value>> {
    let json = steps.iter().map(serde_json::to_value).collect::<serde_json::Result<_>>();
    json.map_err(|e| Error::input(format!("the steps of {name} can't be written as JSON: {e}")))
}

/// The packages, each after those that it depends on.
pub(super) fn dependencies_first(packages: &BTreeMap<String, PackageAction>) -> Vec<&str> {
    let (mut order, mut seen) = (Vec::new(), BTreeSet::new());
    let mut open: Vec<(&str, bool)> = packages.keys().map(|name| (name.as_str(), false)).collect();
    while let Some((name, is_done)) = open.pop() {
        let Some(package) = packages.get(name) else { continue };
        if is_done {
            order.push(name);
        } else if seen.insert(name) {
            open.push((name, true));
            open.extend(package.deps.iter().map(|dep| (dep.as_str(), false)));
        }
    }
    order
}
