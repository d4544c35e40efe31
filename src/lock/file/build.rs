//! The part of the lock that says how an SDK is built from source.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::render::{brackets, list, object, one_line, render_downloads};
use super::{LockedSdk, SdkDownload, SdkSource};
use crate::digest::Sha256;
use crate::name::GoVersion;

/// How an SDK is built from source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SdkBuild {
    /// What compiles it.
    pub bootstrap: Bootstrap,
    /// What its tools call their version (`runtime.Version`), e.g. `go1.27.3` or `go1.27.3-X:arenas`.
    pub goversion: String,
    /// GOEXPERIMENT flags that become the default, as in GOEXPERIMENT, in the order of `internal/goexperiment.Flags`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub experiments: Vec<String>,
    /// Applied in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patches: Vec<LockedPatch>,
    /// SHA-256 of each file of GOROOT that the patches change or add, once all are applied.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub patched: BTreeMap<String, Sha256>,
}

/// The SDK that compiles another one; always the module `golang.org/toolchain`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bootstrap {
    /// The version, e.g. `1.24.6`.
    pub version: GoVersion,
    /// One download for each execution platform, sorted by platform.
    pub downloads: Vec<SdkDownload>,
}

/// A patch of the repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedPatch {
    /// Its path relative to the spec, slash-separated.
    pub file: String,
    /// Of its bytes.
    pub sha256: Sha256,
}

impl LockedSdk {
    /// What its tools call their version (`runtime.Version`), which the compiler compares with `-goversion`.
    pub fn goversion(&self) -> String {
        self.build.as_ref().map_or_else(|| format!("go{}", self.version), |build| build.goversion.clone())
    }

    /// The GOEXPERIMENT that it was built with, which build information has; empty for a release.
    pub fn goexperiment(&self) -> String {
        self.build.as_ref().map(|build| build.experiments.join(",")).unwrap_or_default()
    }

    /// All that is downloaded for it, with version and kind: the SDK, and what compiles it.
    pub fn downloads(&self) -> impl Iterator<Item = (&GoVersion, SdkSource, &SdkDownload)> {
        let own = self.downloads.iter().map(|download| (&self.version, self.source, download));
        let bootstrap = self.build.as_ref().map(|build| &build.bootstrap);
        own.chain(bootstrap.into_iter().flat_map(|b| b.downloads.iter().map(|d| (&b.version, SdkSource::Module, d))))
    }
}

/// The text of a build within that of its SDK.
pub(super) fn render(build: &SdkBuild) -> String {
    let Bootstrap { version, downloads } = &build.bootstrap;
    let bootstrap = vec![("version", one_line(version)), ("downloads", render_downloads(5, downloads))];
    let mut fields = vec![("bootstrap", object(4, bootstrap)), ("goversion", one_line(&build.goversion))];
    if !build.experiments.is_empty() {
        fields.push(("experiments", one_line(&build.experiments)));
    }
    if !build.patches.is_empty() {
        fields.push(("patches", list(4, build.patches.iter().map(one_line).collect())));
    }
    if !build.patched.is_empty() {
        let lines = build.patched.iter().map(|(file, sha256)| format!("{}: {}", one_line(file), one_line(sha256)));
        fields.push(("patched", brackets(4, '{', lines.collect(), '}')));
    }
    object(3, fields)
}
