//! What the targets of a tree are made of, as [`affected`](crate::affected) compares it: the recipe of everything that can be built, and the
//! IDs of all files that it reads.

mod attributes;
mod bazel;
mod images;
pub(super) mod includes;
mod nix_files;
mod nodes;
mod recipe;
pub(super) mod runtime;

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::recorded::Recorded;
use super::stamps::Stamps;
use super::testing::check_buildmode;
use super::{Locked, Variant, context};
use crate::affected::state::File;
use crate::affected::{Kind, Made, Node, State, Target, View};
use crate::digest::Sha256;
use crate::emit::bazel::{label, library_of, test_of};
use crate::error::{Error, Result};
use crate::graph::tested::{TestGraph, TestOptions, Tested, Tests};
use crate::graph::{Origin, Package, PackageGraph};
use crate::lock::file::LockedSdk;
use crate::name::ImportPath;
use crate::plan::cgo::allow::Overrides;
use crate::plan::cgo::compiler::{Compiler, OPTIONAL, PkgConfig, Toolchain};
use crate::plan::cgo::{self, UsesC};
use crate::plan::{self, BinaryAction, Configuration, ModuleFiles, PackageAction, Settings, Source, Step, test};
use crate::source::tree::{Tree as _, join};
use crate::spec::DEFAULT_NIX_DIR;
use crate::spec::profile::BuildId;
use attributes::Attributes;
use nodes::{below, direct, entries_of, merge, node_name};
use runtime::{Reads, Runtime};

/// Gives the ID of a file's content, by its path relative to the spec.
pub type FileId<'a> = dyn Fn(&str) -> std::io::Result<String> + Sync + 'a;

/// By what targets are built, as far as more counts than the recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Build {
    /// By the embedded engine or the go command.
    Go,
    /// By Bazel, for which its own files count, too.
    Bazel,
    /// By Nix, in the same way.
    Nix,
}

/// A part of the recipe: what compiles and links.
const SDK: &str = "SDK";
/// The environment of the tools.
const ENVIRONMENT: &str = "environment";
/// What tools are run with.
const ARGUMENTS: &str = "arguments";
/// That packages of a test are compiled for fuzzing; what programs are made of stays as it is.
const FUZZ: &str = "fuzz";
/// The files of a module of others.
const MODULE: &str = "module";
/// The tag of what Bazel's wildcards, and ours, leave out.
pub const MANUAL: &str = "manual";
/// What pkg-config is asked for.
const PKG_CONFIG: &str = "pkg-config";
/// Why it can't be built.
const PROBLEM: &str = "problem";

impl Locked<'_> {
    /// What the targets of some variants are made of. Values that a build reads from its environment, and the machine's C compiler, are
    /// taken to be the same in all trees.
    ///
    /// # Errors
    ///
    /// Those of [`plan::supported::check`]; a directory that can't be read, a `#cgo` line that is malformed. Anything else that is wrong with a
    /// package is what its targets are made of.
    pub fn state(&self, variants: &[Variant], build: Build, id: &FileId) -> Result<State> {
        for variant in variants {
            let go = &self.sdk(variant.profile).version;
            plan::supported::check(go, &variant.target.platform, variant.profile)?;
        }
        let recorded = Recorded::load(&self.project.files, &self.project.dir)?;
        let (runtime, attributes) = (Runtime::new(&self.project.tree, recorded), Attributes::new(&self.project.tree, id));
        let view = |variant: &Variant| {
            let view = ViewOf { locked: self, variant: *variant, id, attributes: &attributes };
            Ok((variant.name(), view.view(&runtime, build)?))
        };
        let mut views: BTreeMap<String, View> = variants.par_iter().map(view).collect::<Result<_>>()?;
        self.add_images(&mut views, build, |path| file(id, &attributes, path, false))?;
        if build == Build::Bazel {
            bazel::add(&self.project.tree, &mut views, |path| file(id, &attributes, path, false))?;
        }
        Ok(State { views })
    }
}

/// What a view is made from.
struct ViewOf<'v, 'l> {
    locked: &'v Locked<'l>,
    variant: Variant<'v>,
    id: &'v FileId<'v>,
    attributes: &'v Attributes<'v>,
}

impl ViewOf<'_, '_> {
    fn view(&self, runtime: &Runtime, build: Build) -> Result<View> {
        let locked = self.locked;
        let options = TestOptions { with_packages: true, ..TestOptions::default() };
        let found = locked.test_graph(self.variant, options)?;
        let c = toolchain(locked.c_needs_of(found.graph.packages().iter().collect(), self.variant)?);
        let mut view = View { platform: self.variant.target.platform.to_string(), ..View::default() };
        self.add_tests(&mut view, &found, &c, runtime)?;
        self.add_binaries(&mut view, &c)?;
        if build == Build::Nix {
            self.add_nix_files(&mut view)?;
        }
        Ok(view)
    }

    /// Files that say to Nix how to build: they are of each target.
    fn add_nix_files(&self, view: &mut View) -> Result<()> {
        let project = self.locked.project;
        let directory = project.spec.nix.as_ref().map_or(DEFAULT_NIX_DIR, |nix| &nix.dir);
        let files = nix_files::all(&project.tree, directory)?;
        let files = files.into_iter().map(|path| Ok((path.clone(), self.file(&path, false)?))).collect::<Result<_>>()?;
        view.nodes.insert(nix_files::WORKSPACE.to_owned(), Node { files, ..Node::default() });
        for made in view.targets.values() {
            if let Some(node) = view.nodes.get_mut(&made.node) {
                node.deps.insert(nix_files::WORKSPACE.to_owned());
            }
        }
        Ok(())
    }

    /// Packages and their tests.
    fn add_tests(&self, view: &mut View, found: &TestGraph, c: &Toolchain, runtime: &Runtime) -> Result<()> {
        let TestGraph { graph, tested, .. } = found;
        let (mut tests, mut plain) = (Vec::new(), Vec::new());
        // Libraries have no tests.
        let can_run = check_buildmode(self.variant.profile).is_ok();
        for tested in tested {
            let broken = match &tested.tests {
                Tests::Broken(wrong) => Some(wrong.clone()),
                Tests::Program(program) if can_run => {
                    let (_, directory) = self.locked.directory_of(tested)?;
                    match self.locked.functions(&directory, [&program.internal, &program.external])? {
                        Ok([internal, external]) => {
                            let pgo = self.locked.pgo_of_test(
                                self.variant.profile_name,
                                self.variant.profile,
                                program.package == "main",
                                &directory,
                            )?;
                            tests.push(test::Test { tested: &tested.path, program, internal, external, pgo });
                            None
                        }
                        Err(wrong) => Some(vec![wrong]),
                    }
                }
                Tests::None | Tests::Program(_) => None,
            };
            if graph.get(&tested.path).is_some() {
                plain.push(&tested.path);
                self.add_target(view, Kind::Package, tested, graph)?;
            }
            if tested.has_tests && can_run {
                self.add_target(view, Kind::Test, tested, graph)?;
            }
            if let Some(wrong) = broken {
                self.add_broken(view, tested, graph, &wrong)?;
            }
        }
        self.add_unmatched(view, found);
        let names: BTreeSet<ImportPath> = tested.iter().map(|tested| tested.path.clone()).collect();
        let stamps = self.stamps()?;
        let configuration = || {
            self.locked.with_settings(self.variant, &stamps, Some(c), |settings| {
                let settings = Settings { tested: Some(&names), ..settings };
                test::configuration(graph, settings, &tests, &plain, false)
            })
        };
        let reads = |test: &test::Test| -> Result<(String, Reads)> {
            let tested = tested.iter().find(|tested| tested.path == *test.tested);
            let (root, directory) = tested.map(|tested| self.locked.directory_of(tested)).transpose()?.unwrap_or_default();
            Ok((test.tested.to_string(), runtime.files(graph, &self.locked.mains, test, &root, &directory)?))
        };
        let reads = || tests.par_iter().map(reads).collect::<Result<BTreeMap<String, Reads>>>();
        let (configuration, reads) = rayon::join(configuration, reads);
        self.add_configuration(view, graph, &configuration??, Kind::Test)?;
        reads?.into_iter().try_for_each(|(path, reads)| self.add_reads(view, &node_name(Kind::Test, &path), reads, runtime))?;
        self.add_tags(view, found, runtime)
    }

    /// What comments of Go files tag: those of tests the test, others the package.
    fn add_tags(&self, view: &mut View, found: &TestGraph, runtime: &Runtime) -> Result<()> {
        let mut files: BTreeMap<Target, Vec<String>> = BTreeMap::new();
        for package in found.graph.packages().iter().filter(|package| package.for_test.is_none()) {
            if let Origin::Main { index, directory } = &package.origin {
                let (place, own) = (join(&self.locked.mains[*index].directory, directory), &package.selection.files);
                let paths = own.go.iter().chain(&own.cgo).map(|file| join(&place, file)).collect();
                files.insert(target(Kind::Package, package.import_path.as_str()), paths);
            }
        }
        for tested in &found.tested {
            if let Tests::Program(program) = &tested.tests {
                let (_, place) = self.locked.directory_of(tested)?;
                let paths = program.internal.iter().chain(&program.external).map(|file| join(&place, file)).collect();
                files.insert(target(Kind::Test, tested.path.as_str()), paths);
            }
        }
        let tags =
            |(target, files): (Target, Vec<String>)| (target, files.iter().flat_map(|file| runtime.tags(file)).collect());
        for (target, tags) in files.into_par_iter().map(tags).collect::<Vec<(Target, BTreeSet<String>)>>() {
            if let Some(made) = view.targets.get_mut(&target) {
                made.tags = tags;
            }
        }
        Ok(())
    }

    /// Adds to the step of a test what it may read while it runs: directories are nodes of their own, which tests have in common.
    fn add_reads(&self, view: &mut View, test: &str, reads: Reads, runtime: &Runtime) -> Result<()> {
        let of = |files: &BTreeSet<String>| -> Result<BTreeMap<String, File>> {
            files.iter().map(|file| Ok((file.clone(), self.file(file, false)?))).collect()
        };
        let mut deps = BTreeSet::new();
        for directory in reads.below {
            // Also without any file, so that the first one is what changes.
            let (name, files) = (below(&directory), runtime.below(&directory)?);
            if !view.nodes.contains_key(&name) {
                view.nodes.insert(name.clone(), Node { files: of(&files)?, ..Node::default() });
            }
            deps.insert(name);
        }
        for directory in reads.listed {
            let name = entries_of(&directory);
            if !view.nodes.contains_key(&name) {
                let (files, directories) = runtime.entries(&directory)?;
                let mut files = of(&files)?;
                // Of these it is seen only that they are there.
                files.extend(directories.into_iter().map(|path| (path + "/", File { id: String::new(), compiled: false })));
                view.nodes.insert(name.clone(), Node { files, ..Node::default() });
            }
            deps.insert(name);
        }
        if let Some(node) = view.nodes.get_mut(test) {
            node.files.extend(of(&reads.files)?);
            node.deps.extend(deps);
        }
        Ok(())
    }

    fn add_target(&self, view: &mut View, kind: Kind, tested: &Tested, graph: &PackageGraph) -> Result<()> {
        let (path, (_, directory)) = (tested.path.as_str(), self.locked.directory_of(tested)?);
        let is_main = graph.get(&tested.path).is_some_and(Package::is_main);
        let name = if kind == Kind::Test { test_of(path) } else { library_of(path, is_main) };
        let label = label(&directory, &name);
        view.targets.insert(target(kind, path), Made { node: node_name(kind, path), label, directory, ..Made::default() });
        Ok(())
    }

    /// Packages of the repository that no pattern matches, such as those below `testdata`, but that others import.
    fn add_unmatched(&self, view: &mut View, found: &TestGraph) {
        for package in found.graph.packages().iter().filter(|package| package.for_test.is_none()) {
            let Origin::Main { index, directory } = &package.origin else { continue };
            let (module, path) = (&self.locked.mains[*index], package.import_path.as_str());
            if module.stands_for.is_some() || view.targets.contains_key(&target(Kind::Package, path)) {
                continue;
            }
            let directory = join(&module.directory, directory);
            let label = label(&directory, &library_of(path, package.is_main()));
            view.targets.insert(
                target(Kind::Package, path),
                Made { node: node_name(Kind::Package, path), label, directory, ..Made::default() },
            );
        }
    }

    /// A package that can't be built, or whose tests can't.
    fn add_broken(&self, view: &mut View, tested: &Tested, graph: &PackageGraph, wrong: &[String]) -> Result<()> {
        if graph.get(&tested.path).is_none() {
            self.add_target(view, Kind::Package, tested, graph)?;
        }
        for kind in [Kind::Package, Kind::Test] {
            let name = node_name(kind, tested.path.as_str());
            let is_missing = kind == Kind::Test || graph.get(&tested.path).is_none();
            if is_missing && view.targets.contains_key(&target(kind, tested.path.as_str())) {
                let recipe = BTreeMap::from([(PROBLEM.to_owned(), Sha256::of(wrong.join("\n")))]);
                view.nodes.insert(name, Node { recipe, files: self.files_of(tested)?, ..Node::default() });
            }
        }
        Ok(())
    }

    /// All files in the directory of a package.
    fn files_of(&self, tested: &Tested) -> Result<BTreeMap<String, File>> {
        let (_, directory) = self.locked.directory_of(tested)?;
        let entries = self.locked.project.tree.list(&directory)?;
        let paths = entries.iter().filter(|entry| entry.is_file()).map(|entry| join(&directory, &entry.name));
        paths.map(|path| Ok((path.clone(), self.file(&path, false)?))).collect()
    }

    /// The spec's binaries.
    fn add_binaries(&self, view: &mut View, c: &Toolchain) -> Result<()> {
        let locked = self.locked;
        let (sdk, sources) = &locked.sdks[self.variant.profile.sdk.as_str()];
        let context = context(sdk, self.variant);
        for (name, binary) in locked.project.binaries_of(self.variant) {
            // Which statements are counted may depend on all packages.
            let graph = match self.variant.profile.cover_mode() {
                Some(_) => locked.graph(self.variant),
                None => PackageGraph::load(sources, &context, std::slice::from_ref(&binary.main), false),
            };
            let planned = graph.and_then(|graph| {
                let configuration =
                    locked.plan(&graph, self.variant, &Stamps::Placeholders, Some(c), |wanted| wanted == name)?;
                Ok(Some((graph, configuration)).filter(|(_, configuration)| !configuration.binaries.is_empty()))
            });
            let node = node_name(Kind::Binary, name);
            match planned {
                Ok(Some((graph, configuration))) => self.add_configuration(view, &graph, &configuration, Kind::Binary)?,
                // It has no files here.
                Ok(None) => continue,
                Err(error) => {
                    let recipe = BTreeMap::from([(PROBLEM.to_owned(), Sha256::of(error.to_string()))]);
                    view.nodes.insert(node.clone(), Node { recipe, ..Node::default() });
                }
            }
            let rule = binary.target_in(self.variant.profile_name);
            let (label, directory) = (label(&binary.directory, &rule), binary.directory.clone());
            let package = view.targets.get(&target(Kind::Package, binary.main.as_str()));
            let tags = package.map(|package| package.tags.clone()).unwrap_or_default();
            view.targets.insert(target(Kind::Binary, name), Made { node, label, directory, tags, ..Made::default() });
        }
        Ok(())
    }

    fn stamps(&self) -> Result<BTreeMap<String, String>> {
        Stamps::Placeholders.values(self.variant.profile_name, self.variant.profile)
    }

    /// Adds the steps of a configuration, whose binaries make targets of a kind.
    fn add_configuration(
        &self,
        view: &mut View,
        graph: &PackageGraph,
        configuration: &Configuration,
        kind: Kind,
    ) -> Result<()> {
        let sdk = self.locked.sdk(self.variant.profile);
        let shared = BTreeMap::from([
            (SDK.to_owned(), sdk_digest(sdk)?),
            (ENVIRONMENT.to_owned(), Sha256::of(json(&configuration.env)?)),
        ]);
        let by_unit: BTreeMap<String, &Package> = graph.packages().iter().map(|package| (package.unit(), package)).collect();
        let package = |(name, action): (&String, &PackageAction)| -> Result<(String, Node)> {
            // A profile that optimisation is guided by is the package's for one program.
            let unit = by_unit
                .get(name.split_once(" [").filter(|_| !by_unit.contains_key(name)).map_or(name.as_str(), |(path, _)| path));
            let (what, language) = recipe::of_package(action, unit.copied().filter(|package| !self.names_source(package)))?;
            let mut recipe = shared.clone();
            recipe.insert(ARGUMENTS.to_owned(), what);
            let deps = action.deps.iter().cloned().collect();
            let mut node = Node { recipe, language, files: BTreeMap::new(), deps };
            self.add_source(&mut node, unit.copied(), &action.source, &action.steps, action.c.as_ref())?;
            Ok((name.clone(), node))
        };
        for (name, node) in configuration.packages.par_iter().map(package).collect::<Result<Vec<_>>>()? {
            merge(view, name, node)?;
        }
        let binary = |(name, binary): (&String, &BinaryAction)| -> Result<(String, Node)> {
            let mut recipe = shared.clone();
            recipe.insert(ARGUMENTS.to_owned(), Sha256::of(json(&(&binary.file, &binary.steps, &binary.c))?));
            if kind == Kind::Test && self.variant.profile.fuzz {
                recipe.insert(FUZZ.to_owned(), Sha256::of(FUZZ));
            }
            let deps = direct(&binary.deps, view);
            Ok((node_name(kind, name), Node { recipe, deps, ..Node::default() }))
        };
        let binaries = configuration.binaries.par_iter().map(binary).collect::<Result<Vec<_>>>()?;
        view.nodes.extend(binaries);
        Ok(())
    }

    /// Adds the files that a step reads.
    fn add_source(
        &self,
        node: &mut Node,
        package: Option<&Package>,
        source: &Source,
        steps: &[Step],
        c: Option<&UsesC>,
    ) -> Result<()> {
        match source {
            Source::Std { .. } => {}
            Source::Module { .. } => {
                if let Some(Origin::Module { index, .. }) = package.map(|package| &package.origin)
                    && let ModuleFiles::Zip(h1) = &self.locked.modules[*index].files
                {
                    node.recipe.insert(MODULE.to_owned(), Sha256::of(h1.to_string()));
                }
            }
            Source::Local { local, files } => {
                let selection = package.map(|package| &package.selection.files);
                let is_named = package.is_some_and(|package| self.names_source(package));
                let compiled = selection.filter(|_| !is_named).map_or_else(BTreeSet::new, |selection| {
                    // Beside C, assembly is the C compiler's.
                    let asm = if c.is_none() { &selection.asm[..] } else { &[] };
                    recipe::not_embedded(selection, selection.go.iter().chain(asm))
                });
                for file in files {
                    let path = join(local, file);
                    let found = self.file(&path, compiled.contains(file))?;
                    node.files.insert(path, found);
                }
                let has_includes = c.is_some() || selection.is_some_and(|files| !files.asm.is_empty());
                if has_includes {
                    for path in includes::closure(&self.locked.project.tree, local, files, steps)? {
                        let found = self.file(&path, false)?;
                        node.files.entry(path).or_insert(found);
                    }
                }
            }
        }
        if let (Some(_), Some(package)) = (c, package) {
            let wanted = package.selection.files.cgo_lines.iter().collect::<Vec<_>>();
            node.recipe.insert(PKG_CONFIG.to_owned(), Sha256::of(json(&wanted)?));
        }
        Ok(())
    }

    /// Whether what a package is compiled from is in the binary itself, whatever comes out: Go's own build ID has the whole ID of each
    /// command (`linkActionID` in `cmd/go/internal/work/exec.go`).
    fn names_source(&self, package: &Package) -> bool {
        self.variant.profile.buildid == BuildId::Go && package.selection.name == "main"
    }

    fn file(&self, path: &str, compiled: bool) -> Result<File> {
        file(self.id, self.attributes, path, compiled)
    }
}

/// The ID of a file's content; an empty one where there is no file.
fn file(id: &FileId, attributes: &Attributes, path: &str, compiled: bool) -> Result<File> {
    use std::io::ErrorKind::{IsADirectory, NotADirectory, NotFound};
    match id(path) {
        Ok(id) => Ok(File { id: id + &attributes.of(path)?, compiled }),
        Err(e) if matches!(e.kind(), NotFound | NotADirectory | IsADirectory) => {
            Ok(File { id: String::new(), compiled: false })
        }
        Err(e) => Err(Error::io("read", path.as_ref(), &e)),
    }
}

/// A C toolchain that stands for the one of whatever machine builds, and lets all flags through.
fn toolchain(needs: Vec<cgo::Needs>) -> Toolchain {
    let overrides = Overrides::read(|name| name.ends_with("_ALLOW").then(|| ".*".to_owned()));
    let mut toolchain = Toolchain { overrides, ..Toolchain::default() };
    for need in needs {
        for (_, program) in need.compilers {
            let compiler = Compiler { program: program.clone(), knows: OPTIONAL.into(), version: String::new() };
            toolchain.compilers.insert(program, compiler);
        }
        if !need.pkg_config.is_empty() {
            toolchain.pkg_config.insert(need.pkg_config, PkgConfig::default());
        }
    }
    toolchain
}

fn target(kind: Kind, name: &str) -> Target {
    Target { kind, name: name.to_owned() }
}

/// What tells an SDK from others.
fn sdk_digest(sdk: &LockedSdk) -> Result<Sha256> {
    let downloads: Vec<_> = sdk.downloads.iter().map(|download| (download.platform, &download.nar)).collect();
    Ok(Sha256::of(json(&(&sdk.version, downloads, &sdk.build))?))
}

fn json(value: &impl serde::Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|e| Error::environment(format!("failed to write JSON: {e}")))
}
