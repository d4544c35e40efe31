//! `godirect.lock.json`: format version 2, described for people in `docs/lockfile.md`.

mod build;
mod render;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::sumdb::Pin;
use super::sumdb::proof::Proof;
use crate::digest::{H1, Sha256, Sri};
use crate::error::{Class, Error, Location, Result};
use crate::files::Files;
use crate::module::ModuleId;
use crate::name::{GoVersion, ModulePath, ModuleVersion};
use crate::platform::OsArch;
use crate::source::record::PackageRecord;
use crate::source::sdk::GodebugSetting;
use crate::spec::DEFAULT_SDK;

pub use build::{Bootstrap, LockedPatch, SdkBuild};

/// The name of the lock beside the spec.
pub const NAME: &str = "godirect.lock.json";

/// The format version that this program reads and writes.
pub const VERSION: u32 = 2;

/// The whole lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lockfile {
    /// Format version; always [`VERSION`] once read.
    pub version: u32,
    /// GOOS/GOARCH pairs for which files are recorded, sorted: groups that none of them can choose are left out.
    pub platforms: Vec<OsArch>,
    /// The SDKs, sorted by name.
    pub sdks: Vec<LockedSdk>,
    /// Third-party modules in which a needed package was looked for, sorted by path.
    pub modules: Vec<LockedModule>,
    /// The go.mod files that decided about versions, sorted; none when the repository's own go.mod lists all modules.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub go_mods: Vec<LockedGoMod>,
    /// Modules that a directory of the repository takes the place of, and that provide a needed package, sorted by path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub local: Vec<LocalModule>,
    /// Modules whose needed packages are in vendor/, sorted by path; when there are any, the other two lists are empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vendored: Vec<Vendored>,
}

/// One Go SDK: the same source for all execution platforms, tools for each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedSdk {
    /// The name that profiles use; absent for that of profiles which use none.
    #[serde(default = "default_sdk", skip_serializing_if = "is_default_sdk")]
    pub name: String,
    /// The version, e.g. `1.27.3`.
    pub version: GoVersion,
    /// Where it comes from.
    pub source: SdkSource,
    /// One download for each execution platform, sorted by platform.
    pub downloads: Vec<SdkDownload>,
    /// How the SDK is built from the source in its downloads; absent when the downloads are used as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<SdkBuild>,
    /// GOEXPERIMENT flags that are on by default, for each locked platform, lower case and sorted (`internal/buildcfg/exp.go`).
    pub experiments: BTreeMap<OsArch, Vec<String>>,
    /// GODEBUG settings whose default changed (`internal/godebugs/table.go`), sorted by name.
    pub godebug: Vec<GodebugSetting>,
    /// std's packages by import path (`vendor/golang.org/x/…` for vendored ones), without commands and tests.
    pub packages: BTreeMap<String, PackageRecord>,
}

fn default_sdk() -> String {
    DEFAULT_SDK.to_owned()
}

fn is_default_sdk(name: &str) -> bool {
    name == DEFAULT_SDK
}

/// Where an SDK comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SdkSource {
    /// The module `golang.org/toolchain` from a module proxy: a zip without executable bits.
    Module,
    /// An archive as on Go's download page: a `.tar.gz` or `.zip` with the top-level directory `go`.
    Archive,
}

/// The archive of an SDK for one execution platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SdkDownload {
    /// The platform that its tools run on.
    pub platform: OsArch,
    /// Where an archive is fetched from, tried in order. Empty for modules: their place follows from GOPROXY.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// Bytes of the archive.
    pub size: u64,
    /// Of the archive's bytes.
    pub sha256: Sha256,
    /// Go's hash of the module's files; only for modules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub h1: Option<H1>,
    /// Why `h1` is right; only for modules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// False for a module that nobody vouches for, which the user has accepted.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub verified: bool,
    /// The NAR hash of GOROOT as it is used: executable bits set, `_go.mod` renamed to `go.mod`.
    pub nar: Sri,
    /// NAR hashes of single executables (`asm`, `compile`, `go`, `link`): how Nix gets them out of a zip without
    /// executable bits. Only for modules.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tools: BTreeMap<String, Sri>,
}

/// One third-party module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedModule {
    /// The module path that imports use.
    pub path: ModulePath,
    /// The selected version.
    pub version: ModuleVersion,
    /// What a `replace` directive puts in its place; the hashes are those of the replacement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replace: Option<Replacement>,
    /// Bytes of the zip.
    pub size: u64,
    /// Of the zip's bytes.
    pub sha256: Sha256,
    /// Go's hash of the zip's files, as in go.sum.
    pub h1: H1,
    /// Why `h1` is right, when go.sum doesn't say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// False for a module that neither go.sum nor the checksum database vouches for, which the user has accepted.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub verified: bool,
    /// The NAR hash of the unpacked tree (the directory that holds go.mod).
    pub nar: Sri,
    /// The go line of its go.mod; absent when there is none, which means 1.16.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub go: Option<GoVersion>,
    /// The needed packages by directory within the module; empty for its root.
    pub packages: BTreeMap<String, PackageRecord>,
    /// Directories that could have had a needed package by their path, and have none: another module has it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub absent: BTreeSet<String>,
}

/// What minimal version selection takes from the go.mod of a third-party module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedGoMod {
    /// The module, or what replaces it.
    pub id: ModuleId,
    /// Go's hash of the go.mod, as in go.sum.
    pub h1: H1,
    /// Why that is right, when go.sum doesn't say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
    /// The path that its module line declares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub module: Option<ModulePath>,
    /// Its go line; absent when there is none, which means 1.16.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub go: Option<GoVersion>,
    /// What it requires, in its order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub require: Vec<ModuleId>,
}

fn yes() -> bool {
    true
}

fn is_yes(verified: &bool) -> bool {
    *verified
}

impl LockedModule {
    /// The module whose hashes the entry has: the replacement, if there is one.
    pub fn id(&self) -> ModuleId {
        match &self.replace {
            Some(Replacement { path, version }) => ModuleId { path: path.clone(), version: version.clone() },
            None => ModuleId { path: self.path.clone(), version: self.version.clone() },
        }
    }
}

/// Another module in the place of the required one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replacement {
    /// The path of the replacement.
    pub path: ModulePath,
    /// The version of the replacement.
    pub version: ModuleVersion,
}

/// A module that a `replace` directive takes from a directory. Its files are the repository's own, so only its version is pinned:
/// it stands in the binaries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalModule {
    /// The module path that imports use.
    pub path: ModulePath,
    /// The selected version.
    pub version: ModuleVersion,
    /// The directory as build information names it, e.g. `./lib`.
    pub directory: String,
}

/// A module whose packages are in the repository's vendor directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vendored {
    /// The module path that imports use.
    pub path: ModulePath,
    /// The version in vendor/modules.txt.
    pub version: ModuleVersion,
    /// What a `replace` directive puts in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replace: Option<VendoredReplacement>,
    /// The directory that stands for the module's root, relative to the spec, e.g. `vendor/github.com/fatih/color`.
    pub directory: String,
    /// The hash of the files in the directories of its packages, see [`vendor::hash`](super::vendor::hash).
    pub h1: H1,
    /// The go line in vendor/modules.txt; absent means 1.16.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub go: Option<GoVersion>,
    /// The needed packages by directory within the module; empty for its root.
    pub packages: BTreeMap<String, PackageRecord>,
}

/// What takes the place of a vendored module, for build information.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VendoredReplacement {
    /// A module path, or a directory as go.mod or go.work has it.
    pub path: String,
    /// The version; a directory has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<ModuleVersion>,
}

/// What stands in the place of a lock that is to be made.
#[derive(Debug)]
pub enum Previous {
    /// Nothing.
    Absent,
    /// A lock, and its text.
    Lock(Box<Lockfile>, String),
    /// A lock of an older format (class [`Class::Negative`]), or what can't be read as a lock, and why.
    Unusable(Error),
}

impl Previous {
    /// Reads through `files` what there is.
    ///
    /// # Errors
    ///
    /// Those of the file system; a lock of a newer format, which must not be replaced by one that says less.
    pub fn read(files: &Files, path: &Path) -> Result<Previous> {
        let text = match files.read(path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Previous::Absent),
            Err(e) => return Err(Error::io("read", path, &e)),
        };
        match Lockfile::parse(path, &text) {
            Ok(lock) => Ok(Previous::Lock(Box::new(lock), text)),
            Err(error) if serde_json::from_str::<Head>(&text).is_ok_and(|head| head.version > VERSION) => Err(error),
            Err(error) => Ok(Previous::Unusable(error)),
        }
    }

    /// The lock, if it is one.
    pub fn lock(&self) -> Option<&Lockfile> {
        match self {
            Previous::Lock(lock, _) => Some(lock),
            _ => None,
        }
    }
}

/// What tells how to read the rest.
#[derive(Deserialize)]
struct Head {
    version: u32,
}

impl Lockfile {
    /// Reads a lock.
    ///
    /// # Errors
    ///
    /// When there is none, it is malformed, or its format is unknown.
    pub fn read(files: &Files, path: &Path) -> Result<Lockfile> {
        match files.read_text(path) {
            Ok(text) => Lockfile::parse(path, &text),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                Err(Error::input(format!("there is no {}", path.display())).help("run `godirect lock`"))
            }
            Err(e) => Err(Error::io("read", path, &e)),
        }
    }

    /// Parses a lock; `path` names it in errors.
    ///
    /// # Errors
    ///
    /// When it is malformed, or its format is unknown.
    pub fn parse(path: &Path, text: &str) -> Result<Lockfile> {
        if let Some(error) = conflict(path, text) {
            return Err(error);
        }
        let parsed: Result<Lockfile, serde_json::Error> = serde_json::from_str(text);
        // What is wrong in another format is only that it is another one.
        let version = match &parsed {
            Ok(lock) => lock.version,
            Err(_) => serde_json::from_str::<Head>(text).map_err(|e| malformed(path, text, &e))?.version,
        };
        if version != VERSION {
            let message = format!("{} has format version {version}, and this godirect reads version {VERSION}", path.display());
            return Err(match version < VERSION {
                true => Error::new(Class::Negative, message).help("run `godirect lock` to write it anew"),
                false => Error::input(message).help("update godirect"),
            });
        }
        parsed.map_err(|e| malformed(path, text, &e))
    }

    /// What it has of modules, the SDKs' among them.
    pub fn pins(&self) -> BTreeMap<ModuleId, Pin> {
        let sdks = self.sdks.iter().flat_map(LockedSdk::downloads).filter_map(|(version, _, download)| {
            let pin = Pin { h1: download.h1?, proof: download.proof.clone() };
            Some((super::sdk::toolchain_module(version, download.platform).ok()?, pin))
        });
        let modules = self.modules.iter().map(|module| (module.id(), Pin { h1: module.h1, proof: module.proof.clone() }));
        sdks.chain(modules).collect()
    }

    /// The text of the lock: a line for each package and for each other small thing, so that branches merge.
    pub fn render(&self) -> String {
        render::lock(self)
    }

    /// Writes the lock, whole or not at all, unless it has that text already. Tells whether it wrote.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub fn write(&self, path: &Path) -> Result<bool> {
        let text = self.render();
        if std::fs::read_to_string(path).is_ok_and(|old| old == text) {
            return Ok(false);
        }
        let advice = "the lock is written next to the spec, whose directory must be writable and have space";
        crate::write::atomic(path, text.as_bytes()).map_err(|e| e.help(advice))?;
        Ok(true)
    }
}

/// What git leaves in a file that it couldn't merge.
fn conflict(path: &Path, text: &str) -> Option<Error> {
    let mut offset = 0;
    for line in text.split('\n') {
        if line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ") || line.trim_end() == "=======" {
            let location = Location::in_text(path, text, offset, line.len());
            let error = Error::input(format!("{} has a merge conflict", path.display()));
            return Some(
                error.at(location).help("keep either side, then `godirect lock` makes it right for the merged go.mod"),
            );
        }
        offset += line.len() + 1;
    }
    None
}

fn malformed(path: &Path, text: &str, error: &serde_json::Error) -> Error {
    let full = error.to_string();
    let message = full.split(" at line ").next().unwrap_or(&full);
    let line_start: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let offset = line_start + error.column().saturating_sub(1);
    Error::input(format!("malformed lock: {message}"))
        .at(Location::in_text(path, text, offset, 1))
        .help("`godirect lock` writes it; it isn't made to be edited")
}
