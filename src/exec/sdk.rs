//! SDKs that are built from their source: made once, kept in the download cache beside those that were downloaded.

mod compare;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::process;
use super::program::Program;
use crate::digest::{Hasher, Sha256, Sri};
use crate::error::Result;
use crate::lock::cache::Cache;
use crate::lock::fetch::Fetcher;
use crate::lock::file::{Bootstrap, LockedPatch, LockedSdk, SdkDownload};
use crate::lock::sdk;
use crate::name::GoVersion;
use crate::platform::OsArch;

pub use compare::{Comparison, Difference, compare};

/// The program that builds an SDK, which Nix and Bazel run as well.
const PROGRAM: Program = Program {
    name: "sdk",
    files: &[
        ("go.mod", include_str!("../../templates/sdk/go.mod")),
        ("main.go", include_str!("../../templates/sdk/main.go")),
        ("patch.go", include_str!("../../templates/sdk/patch.go")),
    ],
};

/// Is told what is being done, e.g. `Building Go toolchain1 using …`.
pub type OnPhase<'a> = dyn Fn(&str) + 'a;

/// An SDK as it is used.
#[derive(Clone, Debug)]
pub struct Sdk {
    /// Its directory.
    pub goroot: PathBuf,
    /// What identifies its content: the NAR hash of what was downloaded, or the key of what was built.
    pub id: String,
}

/// The SDK of a lock for tools that run on `host`: downloaded, and built where the lock says so. `root` is the directory of the spec,
/// where the patches are.
///
/// # Errors
///
/// Those of [`sdk::goroot`]; a build that fails, also because patches don't give what is locked.
pub fn locked(fetcher: &Fetcher<'_>, locked: &LockedSdk, host: OsArch, root: &Path, phase: &OnPhase<'_>) -> Result<Sdk> {
    let source = sdk::goroot(fetcher, locked, host)?;
    let nar = nar_of(&locked.downloads, host);
    let Some(build) = &locked.build else { return Ok(Sdk { goroot: source, id: nar.to_string() }) };
    let bootstrap = sdk::bootstrap(fetcher, &build.bootstrap, host)?;
    let recipe = Recipe {
        version: &locked.version,
        host,
        source: (&source, nar),
        bootstrap: (&bootstrap, nar_of(&build.bootstrap.downloads, host)),
        experiments: &build.experiments,
        patches: &build.patches,
        patched: &build.patched,
        root,
    };
    recipe.cached(fetcher.cache, phase)
}

/// Builds the release that a lock pins from its own source, without patches, whatever the lock says of building.
///
/// # Errors
///
/// Those of [`locked`].
pub fn release(
    fetcher: &Fetcher<'_>,
    locked: &LockedSdk,
    bootstrap: &Bootstrap,
    host: OsArch,
    phase: &OnPhase<'_>,
) -> Result<Sdk> {
    let source = sdk::goroot(fetcher, locked, host)?;
    let bootstrap_goroot = sdk::bootstrap(fetcher, bootstrap, host)?;
    let recipe = Recipe {
        version: &locked.version,
        host,
        source: (&source, nar_of(&locked.downloads, host)),
        bootstrap: (&bootstrap_goroot, nar_of(&bootstrap.downloads, host)),
        experiments: &[],
        patches: &[],
        patched: &BTreeMap::new(),
        root: Path::new(""),
    };
    recipe.cached(fetcher.cache, phase)
}

fn nar_of(downloads: &[SdkDownload], host: OsArch) -> Sri {
    // Both were fetched for the host before.
    downloads.iter().find(|d| d.platform == host).map_or(Sha256::of("").sri(), |d| d.nar)
}

/// All that decides what is built.
struct Recipe<'a> {
    version: &'a GoVersion,
    host: OsArch,
    /// Directory and NAR hash.
    source: (&'a Path, Sri),
    bootstrap: (&'a Path, Sri),
    experiments: &'a [String],
    patches: &'a [LockedPatch],
    patched: &'a BTreeMap<String, Sha256>,
    root: &'a Path,
}

impl Recipe<'_> {
    fn key(&self) -> Sha256 {
        let mut hasher = Hasher::default();
        PROGRAM.add_to(&mut hasher);
        let mut field = |name: &str, value: &str| hasher.update(format!("{name} {} {value}\n", value.len()));
        field("source", &self.source.1.to_string());
        field("bootstrap", &self.bootstrap.1.to_string());
        field("experiments", &self.experiments.join(","));
        for patch in self.patches {
            field("patch", &patch.sha256.to_string());
        }
        hasher.finish()
    }

    /// Builds unless that was done before. Several processes wait for one of them, whose lock ends with it, however it ends.
    fn cached(&self, cache: &Cache, phase: &OnPhase<'_>) -> Result<Sdk> {
        let key = self.key();
        let name = format!("{}.{}-{}", self.version, self.host.goos, self.host.goarch);
        let goroot = cache.built_sdk(&name, &key);
        let sdk = Sdk { goroot: goroot.clone(), id: key.to_string() };
        if goroot.is_dir() {
            return Ok(sdk);
        }
        let _guard = cache.lock(&cache.built_sdk_lock(&name, &key))?;
        if goroot.is_dir() {
            return Ok(sdk);
        }
        let (out, scratch) = (cache.temporary_directory()?, cache.temporary_directory()?);
        self.build(out.path(), scratch.path(), phase)
            .map_err(|e| e.context(format!("building Go {} from source", self.version)))?;
        cache.publish(out, &goroot)?;
        Ok(sdk)
    }

    fn build(&self, out: &Path, scratch: &Path, phase: &OnPhase<'_>) -> Result<()> {
        // In the environment that the program itself gives to `go`.
        let program = PROGRAM.compile(self.bootstrap.0, scratch, phase)?;
        let mut argv = vec![program.display().to_string()];
        let mut flag = |name: &str, value: String| argv.extend([format!("-{name}"), value]);
        flag("source", self.source.0.display().to_string());
        flag("bootstrap", self.bootstrap.0.display().to_string());
        flag("out", out.display().to_string());
        flag("scratch", scratch.display().to_string());
        flag("experiment", self.experiments.join(","));
        for patch in self.patches {
            flag("patch", std::path::absolute(self.root.join(&patch.file)).unwrap_or_default().display().to_string());
        }
        for (file, sha256) in self.patched {
            flag("patched", format!("{sha256}={file}"));
        }
        process::watch(&argv, scratch, &BTreeMap::new(), phase)
    }
}
