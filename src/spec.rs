//! The spec `godirect.star`: what to build, with which SDK, for which platforms, and which files to generate.
//!
//! `docs/spec.md` is its reference for people.

mod check;
mod ci;
mod eval;
mod from_source;
mod image;
pub mod profile;
mod sdk;
mod settings;
mod vocabulary;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::digest::Sha256;
use crate::error::{Error, Location, Result};
use crate::files::Files;
use crate::name::GoVersion;
use crate::platform::{OsArch, Platform};

pub use profile::Profile;

/// The name of the spec in its directory.
pub const FILE: &str = "godirect.star";

/// The evaluated spec. Everything in it has been checked on its own; what needs go.mod or the lock is checked later.
#[derive(Debug)]
pub struct Spec {
    /// The file, as the user would name it.
    pub path: PathBuf,
    /// The directory of go.mod or go.work, relative to the spec, slash-separated; empty for the spec's own.
    pub module_dir: String,
    /// The SDKs by name; there is always [`DEFAULT_SDK`].
    pub sdks: BTreeMap<String, Sdk>,
    /// Platforms that binaries are built for, in the order of the spec.
    pub platforms: Vec<Target>,
    /// Profiles by name.
    pub profiles: BTreeMap<String, Profile>,
    /// The binaries that the spec names; empty means every main package of the module.
    pub binaries: Vec<Binary>,
    /// Container images of binaries, in the order of the spec.
    pub images: Vec<Image>,
    /// Emit Bazel files, for rules of this ruleset.
    pub bazel: Option<Ruleset>,
    /// Emit Nix files.
    pub nix: Option<Nix>,
    /// Emit pipelines for these CI systems.
    pub ci: BTreeMap<CiSystem, Ci>,
}

/// A Go SDK as the spec asks for it.
#[derive(Clone, Debug)]
pub struct Sdk {
    /// Which version.
    pub version: SdkVersion,
    /// From where.
    pub source: SdkSource,
    /// The platforms on which its tools run, sorted.
    pub exec_platforms: Vec<OsArch>,
    /// Where the spec says so; `None` when it doesn't.
    pub location: Option<Location>,
}

/// Which SDK version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SdkVersion {
    /// As the `toolchain` and `go` lines of go.work or go.mod say.
    FromGoMod,
    /// This one.
    Exact(GoVersion),
}

/// Where the SDK comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SdkSource {
    /// The module `golang.org/toolchain`, through GOPROXY.
    ModuleProxy,
    /// Archives with the layout of those on Go's download page.
    Archive(Archives),
    /// Built from the source in the module `golang.org/toolchain`.
    Source(FromSource),
}

/// How an SDK is built from source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FromSource {
    /// The release that compiles it; `None` for the oldest that can.
    pub bootstrap: Option<GoVersion>,
    /// GOEXPERIMENT flags that become its default.
    pub experiments: Vec<String>,
    /// Patches in the order in which they are applied: paths relative to the spec, slash-separated.
    pub patches: Vec<String>,
}

/// Where archives are, and which hashes they have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archives {
    /// The download page as JSON, which says what isn't given, when the lock has none of it.
    pub index: String,
    /// What is given, by execution platform.
    pub given: BTreeMap<OsArch, Archive>,
}

/// What the spec says of an archive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Archive {
    /// Tried in order; none for the file beside the download page.
    pub urls: Vec<String>,
    /// Of the archive's bytes.
    pub sha256: Option<Sha256>,
}

/// Go's download page as JSON, with all releases.
pub const DOWNLOAD_PAGE: &str = "https://go.dev/dl/?mode=json&include=all";

/// A platform to build for, with its name in labels, attributes and directories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Unique in the spec; by default [`Platform::name`].
    pub name: String,
    /// GOOS, GOARCH and variant.
    pub platform: Platform,
}

/// A binary to build.
#[derive(Clone, Debug)]
pub struct Binary {
    /// The main package's directory as written, e.g. `./cmd/server`.
    pub package: String,
    /// The name of the executable; `None` for the name that `go build` gives it.
    pub name: Option<String>,
    /// Names of profiles; the first has no suffix in outputs.
    pub profiles: Vec<String>,
    /// Variables of the environment that it is to run with, such as GOMEMLIMIT.
    pub runtime: BTreeMap<String, String>,
    /// Where the spec says so.
    pub location: Option<Location>,
}

/// A container image of a binary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its name in outputs, labels and attributes.
    pub name: String,
    /// The name of the binary.
    pub binary: String,
    /// What container tools are to call it: `[registry/]repository:tag`.
    pub reference: String,
    /// The binary's profile; `None` for its first.
    pub profile: Option<String>,
    /// Names of platforms, or GOOS/GOARCH; empty for all that the binary has for Linux.
    pub platforms: Vec<String>,
    /// Arguments of the program, which who runs the image can replace.
    pub args: Vec<String>,
    /// Variables of its environment, besides those of the binary's `runtime`.
    pub env: BTreeMap<String, String>,
    /// Labels that tools show.
    pub labels: BTreeMap<String, String>,
    /// Ports with their protocols, such as `8080/tcp`.
    pub ports: BTreeSet<String>,
    /// `UID` or `UID:GID`; empty for root.
    pub user: String,
    /// The directory that the program runs in; empty for the root.
    pub working_dir: String,
    /// The PEM file of certificate authorities: a path relative to the spec, slash-separated.
    pub certificates: Option<String>,
    /// Whether it has the SDK's time zones.
    pub time_zones: bool,
    /// Where the spec says so.
    pub location: Option<Location>,
}

/// Nix output.
#[derive(Clone, Debug)]
pub struct Nix {
    /// The directory of the generated expressions, relative to the spec, slash-separated.
    pub dir: String,
    /// Whether to write `flake.nix` and `default.nix` beside the spec.
    pub flake: bool,
    /// Whether there is a derivation for the tests of each package.
    pub tests: bool,
    /// Tests that Nix doesn't run: by patterns for packages, what `go test -skip` would be told, which is empty for all tests.
    pub skip_tests: BTreeMap<String, String>,
    /// Whose statements a second run of the tests counts: those of packages that match these patterns, of each test's own package if there are none;
    /// `None` if there is no such run.
    pub coverage: Option<Vec<String>>,
}

/// A CI system that pipelines are emitted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CiSystem {
    /// GitHub Actions.
    Github,
    /// GitLab CI/CD.
    Gitlab,
    /// Declarative pipelines of Jenkins.
    Jenkins,
    /// Buildkite.
    Buildkite,
}

impl CiSystem {
    /// All of them.
    pub const ALL: [CiSystem; 4] = [CiSystem::Github, CiSystem::Gitlab, CiSystem::Jenkins, CiSystem::Buildkite];

    /// As the spec names it.
    pub fn name(self) -> &'static str {
        match self {
            CiSystem::Github => "github",
            CiSystem::Gitlab => "gitlab",
            CiSystem::Jenkins => "jenkins",
            CiSystem::Buildkite => "buildkite",
        }
    }
}

/// What builds in a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CiEngine {
    /// The embedded engine.
    Godirect,
    /// Bazel.
    Bazel,
    /// Nix builds binaries, and the embedded engine runs tests.
    Nix,
}

impl CiEngine {
    /// As the spec names it.
    pub fn name(self) -> &'static str {
        match self {
            CiEngine::Godirect => "godirect",
            CiEngine::Bazel => "bazel",
            CiEngine::Nix => "nix",
        }
    }
}

/// The pipeline for a CI system.
#[derive(Clone, Debug)]
pub struct Ci {
    /// What builds.
    pub engine: CiEngine,
    /// The branch that changes are made for.
    pub branch: String,
    /// Among how many jobs the work is shared at most.
    pub shards: u32,
    /// The shell command that puts godirect, and what the engine needs, on PATH.
    pub install: Option<String>,
    /// The container image that jobs run in.
    pub image: Option<String>,
    /// Which machines run jobs: a label, tag or queue.
    pub runner: Option<String>,
    /// Where the spec says so.
    pub location: Option<Location>,
}

/// Where the rules in BUILD files come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruleset {
    /// godirect's own.
    RulesGoDirect,
    /// `rules_go`, with MODULE.bazel and labels of other modules as Gazelle has them.
    RulesGo,
}

/// The directory of Nix expressions when the spec names none.
pub const DEFAULT_NIX_DIR: &str = "nix";

/// The profile that binaries have when the spec names none.
pub const DEFAULT_PROFILE: &str = "default";

/// The SDK of profiles that name none, and of a `go_sdk()` without name.
pub const DEFAULT_SDK: &str = "default";

impl Spec {
    /// The SDK with `name`, or an error that lists those that exist.
    ///
    /// # Errors
    ///
    /// When the spec has none of that name.
    pub fn sdk(&self, name: &str) -> Result<&Sdk> {
        self.sdks.get(name).ok_or_else(|| {
            let names: Vec<&str> = self.sdks.keys().map(String::as_str).collect();
            Error::input(format!("{} has no SDK `{}`", self.path.display(), name.escape_debug()))
                .help(format!("it has {}", names.join(", ")))
        })
    }

    /// The profile with `name`, or an error that lists those that exist.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn profile(&self, name: &str) -> Result<&Profile> {
        self.profiles.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.profiles.keys().map(String::as_str).collect();
            let error = Error::input(format!("the spec has no profile `{}`", name.escape_debug()));
            error.help(format!("it has {}", known.join(", ")))
        })
    }

    /// GOOS/GOARCH pairs of the target platforms, sorted.
    pub fn os_arches(&self) -> BTreeSet<OsArch> {
        self.platforms.iter().map(|t| t.platform.os_arch()).collect()
    }

    /// The target with `name`, or an error that lists those that exist.
    pub fn target(&self, name: &str) -> Result<&Target> {
        let found = self.platforms.iter().find(|t| t.name == name || t.platform.to_string() == name);
        found.ok_or_else(|| {
            let names: Vec<&str> = self.platforms.iter().map(|t| t.name.as_str()).collect();
            Error::input(format!("{} has no platform `{}`", self.path.display(), name.escape_debug()))
                .help(format!("it has {}", names.join(", ")))
        })
    }
}

/// Reads through `files` and evaluates `dir/godirect.star`.
///
/// # Errors
///
/// Input errors with the place in the spec; an environment error when it can't be read.
pub fn load(files: &Files, dir: &Path) -> Result<Spec> {
    eval::load(files, dir)
}

/// Evaluates a spec from text; `load()` finds nothing. For tests and fuzzing.
pub fn parse(content: &str) -> Result<Spec> {
    eval::parse(content)
}

/// What is wrong with a file of Starlark, for other readers of such.
pub fn syntax_error(error: starlark::Error) -> Error {
    eval::convert(error)
}

#[cfg(test)]
mod tests;
