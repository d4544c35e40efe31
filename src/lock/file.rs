//! `godirect.lock.json`: format version 1, described for people in `docs/lockfile.md`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::{H1, Sha256, Sri};
use crate::name::{GoVersion, ModulePath, ModuleVersion};
use crate::platform::OsArch;
use crate::source::record::PackageRecord;

/// The format version that this program reads and writes.
pub const VERSION: u32 = 1;

/// The whole lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lockfile {
    /// Format version; always [`VERSION`] once read.
    pub version: u32,
    /// GOOS/GOARCH pairs for which files are recorded, sorted: groups that none of them can choose are left out.
    pub platforms: Vec<OsArch>,
    /// The SDKs, by version.
    pub sdks: Vec<LockedSdk>,
    /// Third-party modules that provide a needed package, sorted by path.
    pub modules: Vec<LockedModule>,
}

/// One Go SDK: the same source for all execution platforms, tools for each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedSdk {
    /// The version, e.g. `1.27.3`.
    pub version: GoVersion,
    /// Where it comes from.
    pub source: SdkSource,
    /// One download for each execution platform, sorted by platform.
    pub downloads: Vec<SdkDownload>,
    /// GOEXPERIMENT flags that are on by default, for each locked platform, lower case and sorted (`internal/buildcfg/exp.go`).
    pub experiments: BTreeMap<OsArch, Vec<String>>,
    /// GODEBUG settings whose default changed (`internal/godebugs/table.go`), sorted by name.
    pub godebug: Vec<GodebugSetting>,
    /// std's packages by import path (`vendor/golang.org/x/…` for vendored ones), without commands and tests.
    pub packages: BTreeMap<String, PackageRecord>,
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
    /// The NAR hash of GOROOT as it is used: executable bits set, `_go.mod` renamed to `go.mod`.
    pub nar: Sri,
    /// NAR hashes of single executables (`asm`, `compile`, `go`, `link`): how Nix gets them out of a zip without
    /// executable bits. Only for modules.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tools: BTreeMap<String, Sri>,
}

/// A GODEBUG setting whose default depends on the main module's go version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GodebugSetting {
    /// The setting, e.g. `panicnil`.
    pub name: String,
    /// The minor version of Go in which the default changed.
    pub changed: u32,
    /// The value that restores the old behaviour.
    pub old: String,
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
    /// The NAR hash of the unpacked tree (the directory that holds go.mod).
    pub nar: Sri,
    /// The go line of its go.mod; absent when there is none, which means 1.16.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub go: Option<GoVersion>,
    /// The needed packages by directory within the module; empty for its root.
    pub packages: BTreeMap<String, PackageRecord>,
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
