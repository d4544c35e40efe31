//! The recipe: exact tool invocations for each package and binary, with tokens in the place of paths.
//!
//! It exists once, here, for the embedded engine and for Nix; `rules_go_direct` has it in Starlark. `docs/plan.md` describes the
//! serialised form. It follows `cmd/go/internal/work/{gc,exec}.go` of the SDK.

pub mod buildid;
pub mod buildinfo;
pub mod cgo;
mod compile;
pub mod cover;
mod external;
mod flags;
mod fuzz;
pub mod image;
mod link;
mod pgo;
pub mod supported;
pub mod test;
pub mod token;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::digest::H1;
use crate::error::Result;
use crate::graph::{MainModule, Package, PackageGraph};
use crate::lock::file::{LockedModule, Vendored};
use crate::name::{GoVersion, ImportPath, ModulePath, ModuleVersion};
use crate::platform::Platform;
use crate::source::context::BuildContext;
use crate::spec::Profile;
use crate::spec::profile::Sanitizer;
use buildid::BinaryId;
use cgo::UsesC;
use cgo::compiler::{Language, Toolchain};
use pgo::Guide;

pub use supported::external_link;

/// A platform with a profile: everything that is built the same way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Configuration {
    /// The name of the SDK whose tools these are.
    pub sdk: String,
    /// The whole environment of the tools, besides PWD and TMPDIR.
    pub env: BTreeMap<String, String>,
    /// Packages by import path; behind it, what one is compiled for: in brackets the main package, or the test. A profile that
    /// optimisation is guided by stands among them, as `profile` and its path.
    pub packages: BTreeMap<String, PackageAction>,
    /// Binaries by name.
    pub binaries: BTreeMap<String, BinaryAction>,
}

/// How to compile one package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PackageAction {
    /// Where its files are.
    pub source: Source,
    /// The packages whose export data it reads, sorted.
    pub deps: Vec<String>,
    /// What to do.
    pub steps: Vec<Step>,
    /// Whether its results include a header for C, which is empty if it exports nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub header: bool,
    /// What C compilers have to do with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub c: Option<UsesC>,
}

/// How to link one binary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BinaryAction {
    /// The file name of the executable, or of the library.
    pub file: String,
    /// The file name of a library's header.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// The import path of its main package.
    pub main: String,
    /// Whether this is the binary that its plain name means on its operating system and processor.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub default: bool,
    /// All packages that are linked, sorted.
    pub deps: Vec<String>,
    /// What to do.
    pub steps: Vec<Step>,
    /// What the C compiler has to do with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub c: Option<UsesC>,
}

/// The directory of a package's source; paths are slash-separated.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(untagged)]
pub enum Source {
    /// A directory below GOROOT/src.
    Std {
        /// The directory.
        std: String,
    },
    /// A directory in a locked module.
    Module {
        /// `path@version`, as the lock names it.
        module: String,
        /// The directory in the module; empty for its root.
        dir: String,
    },
    /// A directory of the repository.
    Local {
        /// The directory, relative to the spec.
        local: String,
        /// The files that belong to the package, sorted.
        files: Vec<String>,
    },
}

/// One thing to do. Strings hold tokens, see [`token`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Step {
    /// Write a file.
    Write {
        /// The file.
        write: String,
        /// Its content.
        text: String,
    },
    /// Copy a file.
    Copy {
        /// From.
        copy: String,
        /// To.
        to: String,
    },
    /// Run a program.
    Run {
        /// The program and its arguments.
        run: Vec<String>,
        /// The working directory.
        dir: String,
    },
    /// Run a program that may fail.
    Try {
        /// The program and its arguments.
        #[serde(rename = "try")]
        attempt: Vec<String>,
        /// The working directory.
        dir: String,
        /// What to do when it succeeds.
        then: Vec<Step>,
        /// What to do when it fails.
        #[serde(rename = "else")]
        otherwise: Vec<Step>,
    },
    /// Note the hashes that a build ID depends on. Only the embedded engine can do that.
    Identify {
        /// The file for the notes.
        identify: String,
        /// The results of the compiler, which are hashed like one archive with a build ID in it; none for a profile.
        archive: Vec<String>,
        /// The directory of the files; empty when they have full paths.
        dir: String,
        /// The files in the order of the go command.
        files: Vec<String>,
    },
    /// Compute a binary's build ID as far as it is known before linking, and write it. Only the embedded engine can do that.
    BuildId {
        /// The file for a flag of the linker with the ID.
        buildid: String,
        /// What it is the hash of.
        of: Box<BinaryId>,
    },
    /// Put the hash of a binary's content into its build ID. Only the embedded engine can do that.
    Settle {
        /// The binary.
        settle: String,
        /// The file with the flag of the linker.
        buildid: String,
    },
    /// Append members to an archive.
    Pack {
        /// The archive.
        pack: String,
        /// The files, each becomes a member.
        add: Vec<String>,
    },
}

impl Step {
    /// All strings that may hold tokens.
    pub fn texts(&self) -> Vec<&str> {
        match self {
            Step::Write { write, text } => vec![write, text],
            Step::Copy { copy, to } => vec![copy, to],
            Step::Run { run, dir } => run.iter().chain([dir]).map(String::as_str).collect(),
            Step::Identify { identify, archive, dir, files } => {
                archive.iter().chain(files).chain([identify, dir]).map(String::as_str).collect()
            }
            Step::BuildId { buildid, of } => of.tokens().chain([buildid.as_str()]).collect(),
            Step::Settle { settle, buildid } => vec![settle, buildid],
            Step::Try { attempt, dir, then, otherwise } => {
                let next = then.iter().chain(otherwise).flat_map(Step::texts);
                attempt.iter().chain([dir]).map(String::as_str).chain(next).collect()
            }
            Step::Pack { pack, add } => add.iter().chain([pack]).map(String::as_str).collect(),
        }
    }
}

/// What the recipe depends on besides the graph.
#[derive(Clone, Copy)]
pub struct Settings<'a> {
    /// The SDK's version.
    pub go: &'a GoVersion,
    /// What its tools call their version (`runtime.Version`).
    pub goversion: &'a str,
    /// GOEXPERIMENT: the profile's, or that which the SDK was built with; empty for a release.
    pub goexperiment: &'a str,
    /// The target.
    pub platform: &'a Platform,
    /// The build settings.
    pub profile: &'a Profile,
    /// What decides which files and lines belong to the build.
    pub context: &'a BuildContext,
    /// The C toolchain; engines that have none can't build packages with C code.
    pub c: Option<&'a Toolchain>,
    /// The string variables that the linker sets, with their values.
    pub stamps: &'a BTreeMap<String, String>,
    /// The main modules that [`Origin::Main`](crate::graph::Origin) counts.
    pub mains: &'a [MainModule],
    /// The third-party modules that [`Origin::Module`](crate::graph::Origin) counts.
    pub modules: &'a [Module],
    /// The packages whose tests are built; `None` where programs are.
    pub tested: Option<&'a BTreeSet<ImportPath>>,
    /// Which statements are counted.
    pub cover: Option<&'a cover::Cover>,
    /// Whether packages are compiled for fuzzing: only for tests.
    pub fuzz: bool,
}

/// A third-party module, as far as the recipe depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// The path that imports use.
    pub path: ModulePath,
    /// The selected version.
    pub version: ModuleVersion,
    /// What takes its place, with its version; a directory has none.
    pub replace: Option<(String, Option<ModuleVersion>)>,
    /// Where its files are.
    pub files: ModuleFiles,
    /// Its go line; `None` where there is none.
    pub go: Option<GoVersion>,
}

/// Where a module's files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModuleFiles {
    /// In the zip that has this hash, which build information shows.
    Zip(H1),
    /// In this directory of the repository; build information shows no hash.
    Vendored(String),
}

impl Configuration {
    /// What can be built without these packages and binaries.
    pub fn without(mut self, names: &BTreeSet<String>) -> Configuration {
        let mut gone = names.clone();
        loop {
            let depends = |deps: &[String]| deps.iter().any(|dep| gone.contains(dep));
            let more: Vec<String> = self.packages.iter().filter(|(_, p)| depends(&p.deps)).map(|(n, _)| n.clone()).collect();
            let known = gone.len();
            gone.extend(more);
            if gone.len() == known {
                break;
            }
        }
        self.binaries.retain(|name, binary| !names.contains(name) && !binary.deps.iter().any(|dep| gone.contains(dep)));
        self.packages.retain(|name, _| !gone.contains(name));
        self
    }
}

impl From<&LockedModule> for Module {
    fn from(module: &LockedModule) -> Module {
        Module {
            path: module.path.clone(),
            version: module.version.clone(),
            replace: module.replace.as_ref().map(|by| (by.path.to_string(), Some(by.version.clone()))),
            files: ModuleFiles::Zip(module.h1),
            go: module.go.clone(),
        }
    }
}

impl From<&Vendored> for Module {
    fn from(module: &Vendored) -> Module {
        Module {
            path: module.path.clone(),
            version: module.version.clone(),
            replace: module.replace.as_ref().map(|by| (by.path.clone(), by.version.clone())),
            files: ModuleFiles::Vendored(module.directory.clone()),
            go: module.go.clone(),
        }
    }
}

/// A binary to plan, by its main package.
#[derive(Clone, Debug)]
pub struct Binary<'a> {
    /// The name in outputs and of the executable, without `.exe`.
    pub name: &'a str,
    /// The import path of the main package.
    pub main: &'a ImportPath,
    /// Whether this is the binary that its plain name means on its operating system and processor.
    pub default: bool,
    /// The default GODEBUG, as `go list` shows it in `DefaultGODEBUG`.
    pub default_godebug: String,
    /// The profile that optimisation is guided by: a file, relative to the spec.
    pub pgo: Option<String>,
    /// The tests that it runs; `None` for all other programs.
    pub test: Option<&'a test::Test<'a>>,
    /// Whether it has neither symbols nor debug information, as what is run once and thrown away.
    pub omit_debug: bool,
    /// The [units](Package::unit) of its packages that are compiled as without fuzzing, where others aren't.
    pub not_fuzzed: BTreeSet<String>,
}

impl Binary<'_> {
    /// The name of the action that compiles a package as it is linked.
    fn action_of(&self, package: &Package, guide: Option<&Guide>) -> String {
        let unit = package.unit();
        pgo::name(&if self.not_fuzzed.contains(&unit) { fuzz::plain(&unit) } else { unit }, guide)
    }

    /// The settings that a package is compiled with as it is linked.
    fn settings_of<'s>(&self, settings: Settings<'s>, package: &Package) -> Settings<'s> {
        Settings { fuzz: settings.fuzz && !self.not_fuzzed.contains(&package.unit()), ..settings }
    }
}

/// Plans everything that `binaries` need in one configuration.
///
/// # Errors
///
/// When a package has C code and there is no toolchain for it, or C code with flags that aren't let through.
pub fn configuration(graph: &PackageGraph, settings: Settings, binaries: &[Binary]) -> Result<Configuration> {
    let mut packages = BTreeMap::new();
    let mut planned = BTreeMap::new();
    for binary in binaries {
        let linked = graph.closure([binary.main.as_str()], true);
        compile::refuse_c(settings, &linked)?;
        let guide = Guide::of(settings, binary);
        if let Some(guide) = &guide {
            packages.entry(guide.action_name()).or_insert_with(|| guide.action(settings));
        }
        for package in &linked {
            let name = pgo::name(&package.unit(), guide.as_ref());
            if let Entry::Vacant(entry) = packages.entry(name) {
                entry.insert(compile::package(settings, graph, package, guide.as_ref())?);
            }
        }
        planned.insert(binary.name.to_owned(), link::binary(settings, binary, &linked, guide.as_ref())?);
    }
    Ok(Configuration { sdk: settings.profile.sdk.clone(), env: env(settings), packages, binaries: planned })
}

/// The environment of the tools.
fn env(settings: Settings) -> BTreeMap<String, String> {
    let platform = settings.platform;
    let mut env = BTreeMap::from([
        ("CGO_ENABLED".to_owned(), if settings.profile.cgo { "1" } else { "0" }.to_owned()),
        ("GOARCH".to_owned(), platform.goarch().to_owned()),
        ("GOOS".to_owned(), platform.goos().to_owned()),
        // With -trimpath the go command clears it, so that the linker records no GOROOT.
        ("GOROOT".to_owned(), String::new()),
    ]);
    if !settings.goexperiment.is_empty() {
        env.insert("GOEXPERIMENT".to_owned(), settings.goexperiment.to_owned());
    }
    if settings.profile.cgo {
        // cgo runs the C compiler itself.
        env.insert("CC".to_owned(), cgo::program(settings, Language::C).to_owned());
    }
    if let Some((variable, value)) = platform.variant_setting() {
        env.insert(variable.to_owned(), value.to_owned());
    }
    env
}

/// Whether executables are position independent by default (`internal/platform.DefaultPIE`).
fn default_pie(settings: Settings) -> bool {
    match settings.platform.goos() {
        "android" | "darwin" | "ios" => true,
        "windows" => settings.profile.sanitizer != Some(Sanitizer::Race),
        _ => false,
    }
}

fn strings<const N: usize>(items: [&str; N]) -> Vec<String> {
    items.into_iter().map(str::to_owned).collect()
}
