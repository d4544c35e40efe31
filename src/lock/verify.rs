//! `godirect lock --verify`: why each hash in the lock is right, and whether what is in the cache still has it. Asks nobody.

use std::path::Path;

use rayon::prelude::*;
use serde::Serialize;

use super::archive::{self, Layout, Tree};
use super::cache::Cache;
use super::file::{LockedModule, LockedSdk, Lockfile, SdkDownload, SdkSource, Vendored};
use super::sdk::toolchain_module;
use super::sumdb::note::Verifier;
use super::sumdb::proof::{Proof, Proven};
use super::vendor;
use crate::digest::{H1, Sha256, Sri};
use crate::error::Result;
use crate::files::Files;
use crate::module::ModuleId;
use crate::module::gosum::GoSum;
use crate::name::GoVersion;

/// Why a hash is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// It stands in go.sum.
    GoSum,
    /// The checksum database has signed this record.
    Record(u64),
    /// The archive's sha256, which the spec or the download page gave, is pinned.
    Archive,
    /// The files in vendor/ have it.
    Vendor,
    /// Somebody has accepted it without proof.
    Accepted,
}

/// What kind of thing an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An SDK's download.
    Sdk,
    /// A third-party module.
    Module,
    /// A go.mod that decided about versions.
    GoMod,
    /// A module in vendor/.
    Vendored,
}

/// What was found out about an entry of the lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What kind of thing it is.
    pub kind: Kind,
    /// Its name, e.g. `github.com/fatih/color@v1.18.0`.
    pub name: String,
    /// Why its hash is right, or what is wrong.
    pub evidence: Result<Evidence, String>,
    /// Whether the file in the cache still has the hashes of the lock, or what is wrong; `None` if it isn't there.
    pub cached: Option<Result<(), String>>,
}

/// Looks at every entry of a lock that is in the directory `root`. The cache is only read.
pub fn verify(root: &Path, lock: &Lockfile, sums: &GoSum, verifier: &Verifier, cache: &Cache) -> Vec<Entry> {
    let judge = Judge { sums, verifier, cache };
    let downloads: Vec<_> = lock.sdks.iter().flat_map(LockedSdk::downloads).collect();
    let sdk = |(version, source, download): &(&GoVersion, SdkSource, &SdkDownload)| judge.sdk(version, *source, download);
    let mut entries: Vec<Entry> = downloads.par_iter().map(sdk).collect();
    entries.par_extend(lock.modules.par_iter().map(|module| judge.module(module)));
    entries.extend(lock.go_mods.iter().map(|go_mod| {
        let proven = |proven: &Proven| proven.go_mod();
        let evidence = judge.evidence(&go_mod.id, go_mod.h1, sums.go_mod(&go_mod.id), go_mod.proof.as_ref(), &proven);
        Entry { kind: Kind::GoMod, name: format!("{}/go.mod", go_mod.id), evidence, cached: None }
    }));
    entries.extend(lock.vendored.iter().map(|module| vendored(root, module)));
    entries
}

/// The files are in the repository, so that there is nothing in the cache.
fn vendored(root: &Path, module: &Vendored) -> Entry {
    let Vendored { path, version, .. } = module;
    let evidence = match vendor::hash(&Files::default(), &root.join(&module.directory), path, version, &module.packages) {
        Ok(h1) if h1 == module.h1 => Ok(Evidence::Vendor),
        Ok(h1) => Err(format!("the files in {} have {h1}, the lock has {}", module.directory, module.h1)),
        Err(error) => Err(error.message().to_owned()),
    };
    Entry { kind: Kind::Vendored, name: format!("{path}@{version}"), evidence, cached: None }
}

struct Judge<'a> {
    sums: &'a GoSum,
    verifier: &'a Verifier,
    cache: &'a Cache,
}

impl Judge<'_> {
    fn sdk(&self, version: &GoVersion, source: SdkSource, download: &SdkDownload) -> Entry {
        let SdkDownload { platform, size, sha256, .. } = download;
        let expected = Expected { size: *size, sha256: *sha256, h1: download.h1, nar: download.nar };
        match (source, toolchain_module(version, *platform)) {
            (SdkSource::Module, Ok(id)) => {
                let kept = download.h1.map(|h1| self.cache.download(&id, &h1, "zip"));
                let read = |path: &Path| archive::read_zip(path, Layout::Toolchain(&id.to_string()), None);
                let cached = kept.and_then(|path| expected.compare(&path, &read));
                Entry { kind: Kind::Sdk, name: id.to_string(), evidence: self.toolchain(&id, download), cached }
            }
            (_, Err(error)) => {
                Entry { kind: Kind::Sdk, name: version.to_string(), evidence: Err(error.message().to_owned()), cached: None }
            }
            (SdkSource::Archive, Ok(_)) => {
                let name = format!("SDK archive go{version}.{}-{}", platform.goos, platform.goarch);
                let cached = expected.compare_bytes(&self.cache.archive(sha256));
                Entry { kind: Kind::Sdk, name, evidence: Ok(Evidence::Archive), cached }
            }
        }
    }

    /// An SDK's module needs its proof, whatever go.sum has, and go.sum must not say something else.
    fn toolchain(&self, id: &ModuleId, download: &SdkDownload) -> Result<Evidence, String> {
        let h1 = download.h1.ok_or("the lock has no h1 of it")?;
        in_sums(h1, self.sums.module(id))?;
        if !download.verified {
            return Ok(Evidence::Accepted);
        }
        self.record(id, h1, download.proof.as_ref(), &|proven| Some(proven.module()))
    }

    fn module(&self, module: &LockedModule) -> Entry {
        let id = module.id();
        let evidence = match module.verified || !self.sums.module(&id).is_empty() {
            true => {
                let proven = |proven: &Proven| Some(proven.module());
                self.evidence(&id, module.h1, self.sums.module(&id), module.proof.as_ref(), &proven)
            }
            false => Ok(Evidence::Accepted),
        };
        let expected = Expected { size: module.size, sha256: module.sha256, h1: Some(module.h1), nar: module.nar };
        let read = |path: &Path| archive::read_zip(path, Layout::Module(&id.to_string()), None);
        let cached = expected.compare(&self.cache.download(&id, &module.h1, "zip"), &read);
        Entry { kind: Kind::Module, name: id.to_string(), evidence, cached }
    }

    fn evidence(&self, id: &ModuleId, h1: H1, sums: &[H1], proof: Option<&Proof>, hash: &HashOf) -> Result<Evidence, String> {
        in_sums(h1, sums)?;
        if sums.is_empty() { self.record(id, h1, proof, hash) } else { Ok(Evidence::GoSum) }
    }

    fn record(&self, id: &ModuleId, h1: H1, proof: Option<&Proof>, hash: &HashOf) -> Result<Evidence, String> {
        let proof = proof.ok_or("neither go.sum nor a proof vouches for it")?;
        let proven = proof.clone().verify(id, self.verifier).map_err(|why| format!("the proof fails: {why}"))?;
        match hash(&proven) {
            Some(right) if right == h1 => Ok(Evidence::Record(proof.record)),
            Some(right) => Err(format!("the checksum database has {right}, the lock has {h1}")),
            None => Err(format!("record {} has no hash for it", proof.record)),
        }
    }
}

/// Which hash of a record counts.
type HashOf<'a> = dyn Fn(&Proven) -> Option<H1> + 'a;

fn in_sums(h1: H1, sums: &[H1]) -> Result<(), String> {
    if sums.is_empty() || sums.contains(&h1) {
        return Ok(());
    }
    let sums: Vec<String> = sums.iter().map(H1::to_string).collect();
    Err(format!("go.sum has {}, the lock has {h1}", sums.join(" or ")))
}

/// What the lock says of a file.
struct Expected {
    size: u64,
    sha256: Sha256,
    h1: Option<H1>,
    nar: Sri,
}

impl Expected {
    fn compare_bytes(&self, path: &Path) -> Option<Result<(), String>> {
        if !path.is_file() {
            return None;
        }
        Some(match archive::digest_of(path) {
            Ok((size, sha256)) if size == self.size && sha256 == self.sha256 => Ok(()),
            Ok((size, sha256)) => Err(format!(
                "{} has {size} bytes with the sha256 {sha256}, the lock has {} bytes with {}",
                path.display(),
                self.size,
                self.sha256
            )),
            Err(error) => Err(error.message().to_owned()),
        })
    }

    /// Hashes all there is anew. `None` when the file isn't there.
    fn compare(&self, path: &Path, read: &dyn Fn(&Path) -> Result<Tree>) -> Option<Result<(), String>> {
        let bytes = self.compare_bytes(path)?;
        Some(bytes.and_then(|()| {
            let tree = read(path).map_err(|error| format!("{}: {}", path.display(), error.message()))?;
            let wrong = |what: &str, got: String, wanted: String| {
                Err(format!("{} has the {what} {got}, the lock has {wanted}", path.display()))
            };
            match (tree.h1, self.h1) {
                (Some(got), Some(h1)) if got != h1 => wrong("hash", got.to_string(), h1.to_string()),
                _ if tree.nar != self.nar => wrong("NAR hash", tree.nar.to_string(), self.nar.to_string()),
                _ => Ok(()),
            }
        }))
    }
}
