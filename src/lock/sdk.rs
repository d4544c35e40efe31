//! Go SDKs: which version, where from, and GOROOT as it is used.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::archive::{self, Layout};
use super::cache::Facts;
use super::fetch::{BY_DATABASE, Fetcher, Promise, contradiction, mismatch};
use super::file::{LockedSdk, Lockfile, SdkDownload, SdkSource};
use super::sumdb::Trust;
use super::sumdb::proof::Proof;
use super::with_connections;
use crate::digest::{H1, Sha256};
use crate::error::{Error, Result};
use crate::module::ModuleId;
use crate::module::gosum::GoSum;
use crate::module::workspace::Workspace;
use crate::name::{GoVersion, ModulePath};
use crate::platform::OsArch;

/// The SDK that a spec asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SdkRequest {
    /// Which version.
    pub version: SdkVersion,
    /// Where from.
    pub origin: SdkOrigin,
}

/// How the version is chosen. A version without patch (`1.27`) means its newest release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SdkVersion {
    /// As the go and toolchain lines of go.mod or go.work say.
    FromGoMod,
    /// This one.
    Exact(GoVersion),
}

/// Where an SDK is fetched from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SdkOrigin {
    /// The module golang.org/toolchain, from the module proxy.
    Module,
    /// An archive for each platform on which tools run.
    Archive(BTreeMap<OsArch, ArchivePin>),
}

/// An archive that the spec pins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchivePin {
    /// Where it is, tried in order: a `.tar.gz` or `.zip` with the top-level directory `go`.
    pub urls: Vec<String>,
    /// Of the archive's bytes.
    pub sha256: Sha256,
}

const MODULE: &str = "golang.org/toolchain";
const VERSION_PREFIX: &str = "v0.0.1-go";

/// The version of the module golang.org/toolchain that has an SDK, e.g. `v0.0.1-go1.27.3.linux-amd64`.
pub fn toolchain_module(version: &GoVersion, platform: OsArch) -> Result<ModuleId> {
    let module_version = format!("{VERSION_PREFIX}{version}.{}-{}", platform.goos, platform.goarch);
    Ok(ModuleId { path: MODULE.parse()?, version: module_version.parse()? })
}

/// Gives the versions of a module that the proxy knows.
pub type ListVersions<'a> = dyn Fn(&ModulePath) -> Result<Vec<String>> + 'a;

/// The exact version that is asked for; one that `previous` has stays while it fits.
///
/// # Errors
///
/// When go.mod asks for no version, or the proxy knows no release of a language version.
pub fn resolve_version(
    request: &SdkRequest,
    workspace: &Workspace,
    previous: Option<&Lockfile>,
    list: &ListVersions<'_>,
) -> Result<GoVersion> {
    let (wanted, from) = match &request.version {
        SdkVersion::Exact(version) => (version.clone(), "the spec".to_owned()),
        SdkVersion::FromGoMod => {
            let wanted = workspace.wanted_sdk().ok_or_else(|| {
                Error::input("go.mod has no go line, so it doesn't say which SDK to use")
                    .help("`go mod edit -go=1.27.3` adds one, or write go_sdk(version = \"1.27.3\") in the spec")
            })?;
            (wanted.version, format!("`{}` of {}", wanted.line, wanted.file))
        }
    };
    if matches!(request.origin, SdkOrigin::Module) && wanted.minor() < 21 {
        return Err(Error::input(format!("{from} asks for Go {wanted}, but module proxies have SDKs from 1.21 on"))
            .help("write e.g. go_sdk(version = \"1.27.3\") in the spec: an SDK compiles for older go lines as they demand"));
    }
    if wanted.is_release() {
        return Ok(wanted);
    }
    let language = wanted.language();
    let kept = previous.and_then(|lock| lock.sdks.iter().find(|sdk| sdk.version.language() == language));
    if let Some(sdk) = kept {
        return Ok(sdk.version.clone());
    }
    let path: ModulePath = MODULE.parse()?;
    let newest = list(&path)?.iter().filter_map(|text| released(text)).filter(|v| v.language() == language).max();
    newest.ok_or_else(|| {
        Error::input(format!("{from} asks for Go {language}, of which the module proxy knows no release"))
            .help("write the whole version, e.g. `go 1.27.3`")
    })
}

/// The Go version of a version of the toolchain module, if it is a release and not a candidate.
fn released(module_version: &str) -> Option<GoVersion> {
    let (version, _platform) = module_version.strip_prefix(VERSION_PREFIX)?.rsplit_once('.')?;
    if version.contains("rc") || version.contains("beta") { None } else { version.parse().ok() }
}

/// A downloaded SDK.
pub struct FetchedSdk {
    /// Which version.
    pub version: GoVersion,
    /// For the lock.
    pub source: SdkSource,
    /// For the lock, sorted by platform.
    pub downloads: Vec<SdkDownload>,
    /// GOROOT of the host if it is among the platforms, else of the first one: its sources are the same.
    pub goroot: PathBuf,
}

/// Downloads an SDK for each platform on which its tools run, and unpacks one of them.
///
/// # Errors
///
/// A platform without archive, a wrong hash, no answer.
pub fn fetch(
    version: GoVersion,
    origin: &SdkOrigin,
    platforms: &[OsArch],
    sums: &GoSum,
    fetcher: &Fetcher<'_>,
) -> Result<FetchedSdk> {
    let mut platforms = platforms.to_vec();
    platforms.sort();
    platforms.dedup();
    let host = OsArch::host().ok();
    let Some(unpacked) = platforms.iter().find(|p| Some(**p) == host).or(platforms.first()).copied() else {
        return Err(Error::input("no platform is given on which the SDK's tools run"));
    };
    let one = |platform: OsArch| -> Result<SdkDownload> {
        match origin {
            SdkOrigin::Module => {
                let id = toolchain_module(&version, platform)?;
                let Proved { h1, by, proof, verified } = prove(&id, sums, fetcher)?;
                let promise = if h1.is_empty() { None } else { Some(Promise { h1: &h1, by }) };
                let facts = fetch_module(fetcher, &version, platform, promise, platform == unpacked)?;
                Ok(SdkDownload { proof, verified, ..download(platform, Vec::new(), facts) })
            }
            SdkOrigin::Archive(pins) => {
                let pin = pins.get(&platform).ok_or_else(|| {
                    Error::input(format!("the spec names no SDK archive for {platform}"))
                        .help("add its URL and sha256, or leave the platform out of those that build")
                })?;
                let facts = fetch_archive(fetcher, &version, platform, pin, "the spec")?;
                Ok(download(platform, pin.urls.clone(), facts))
            }
        }
    };
    let downloads = with_connections(|| platforms.par_iter().map(|platform| one(*platform)).collect::<Result<Vec<_>>>())?;
    let chosen = downloads.iter().find(|d| d.platform == unpacked);
    let goroot = chosen.map(|d| fetcher.cache.sdk(&sdk_name(&version, unpacked), &d.nar)).unwrap_or_default();
    let source = if matches!(origin, SdkOrigin::Module) { SdkSource::Module } else { SdkSource::Archive };
    Ok(FetchedSdk { version, source, downloads, goroot })
}

fn download(platform: OsArch, urls: Vec<String>, facts: Facts) -> SdkDownload {
    let Facts { size, sha256, h1, nar, tools } = facts;
    SdkDownload { platform, urls, size, sha256, h1, proof: None, verified: true, nar, tools }
}

/// The accepted hashes of an SDK's module, and why they are right.
struct Proved {
    /// None if nobody promised any.
    h1: Vec<H1>,
    by: &'static str,
    proof: Option<Proof>,
    verified: bool,
}

/// Asks the checksum database about an SDK's module, whatever go.sum and GONOSUMDB say, as Go does (`modfetch.useSumDB`): what
/// compiles everything else must be what everybody gets.
fn prove(id: &ModuleId, sums: &GoSum, fetcher: &Fetcher<'_>) -> Result<Proved> {
    let Some(database) = fetcher.database else {
        return Err(Error::environment(format!("failed to verify {id}: no checksum database is set up")));
    };
    let (in_sums, in_lock) = (sums.module(id), Vec::from_iter(database.pinned(id)));
    match database.prove(id, fetcher.cache, fetcher.proxy)? {
        Trust::Proven(proven) => {
            let h1 = proven.module();
            for (hashes, by) in [(in_sums, "go.sum"), (&in_lock, "the lock")] {
                if !hashes.is_empty() && !hashes.contains(&h1) {
                    return Err(contradiction(&id.to_string(), BY_DATABASE, h1, Promise { h1: hashes, by }));
                }
            }
            Ok(Proved { h1: vec![h1], by: BY_DATABASE, proof: Some(proven.into_proof()), verified: true })
        }
        Trust::Accepted => {
            let (h1, by) = if in_sums.is_empty() { (in_lock, "the lock") } else { (in_sums.to_vec(), "go.sum") };
            Ok(Proved { h1, by, proof: None, verified: false })
        }
    }
}

fn sdk_name(version: &GoVersion, platform: OsArch) -> String {
    format!("{version}.{}-{}", platform.goos, platform.goarch)
}

fn fetch_module(
    fetcher: &Fetcher<'_>,
    version: &GoVersion,
    platform: OsArch,
    promise: Option<Promise<'_>>,
    unpack: bool,
) -> Result<Facts> {
    let id = toolchain_module(version, platform)?;
    let name = id.to_string();
    // The directory's name has the tree's hash, which only the facts tell.
    let place = |facts: &Facts| fetcher.cache.sdk(&sdk_name(version, platform), &facts.nar);
    fetcher.zip(&id, Layout::Toolchain(&name), promise, if unpack { Some(&place) } else { None })
}

fn fetch_archive(fetcher: &Fetcher<'_>, version: &GoVersion, platform: OsArch, pin: &ArchivePin, by: &str) -> Result<Facts> {
    let kept = fetcher.cache.archive(&pin.sha256);
    let facts_file = kept.with_extension("facts");
    let directory = |facts: &Facts| fetcher.cache.sdk(&sdk_name(version, platform), &facts.nar);
    if let Some(facts) = fetcher.cache.read_facts(&facts_file)
        && facts.sha256 == pin.sha256
        && directory(&facts).is_dir()
    {
        return Ok(facts);
    }
    if archive::digest_of(&kept).ok().is_none_or(|(_, sha256)| sha256 != pin.sha256) {
        let mut download = fetcher.cache.begin(&pin.sha256.to_string())?;
        fetcher.proxy.urls(&pin.urls, &mut download, fetcher.progress)?;
        download.complete();
        let (_, sha256) = download.size_and_digest();
        if sha256 != pin.sha256 {
            return Err(Error::verification(format!(
                "checksum mismatch for the SDK archive of {platform}: the server has {sha256}, {by} has {}",
                pin.sha256
            ))
            .help("compare with the hash that the archive's publisher names"));
        }
        fetcher.cache.keep_download(download, &kept)?;
    }
    let unpacked = fetcher.cache.temporary_directory()?;
    let zip = pin.urls.iter().any(|url| url.ends_with(".zip"));
    let tree = match zip {
        true => archive::read_zip(&kept, Layout::Go, Some(unpacked.path())),
        false => archive::read_tar_gz(&kept, unpacked.path()),
    };
    let tree = tree.map_err(|e| e.context(format!("SDK archive of {platform}")))?;
    let size = std::fs::metadata(&kept).map_err(|e| Error::io("read", &kept, &e))?.len();
    let facts = Facts { size, sha256: pin.sha256, h1: None, nar: tree.nar, tools: tree.tools };
    fetcher.cache.publish(unpacked, &directory(&facts))?;
    fetcher.cache.write_facts(&facts_file, &facts)?;
    Ok(facts)
}

/// GOROOT of a locked SDK for tools that run on `host`; fetched and verified against the lock where it isn't in the cache.
///
/// # Errors
///
/// A host that the lock has no download for, a wrong hash, no answer.
pub fn goroot(fetcher: &Fetcher<'_>, sdk: &LockedSdk, host: OsArch) -> Result<PathBuf> {
    let Some(locked) = sdk.downloads.iter().find(|d| d.platform == host) else {
        return Err(Error::input(format!("the lock has no SDK {} whose tools run on {host}", sdk.version))
            .help("add the platform to the spec and run `godirect lock`"));
    };
    // Its name has the hash of the tree, and it was verified before it got that name.
    let directory = fetcher.cache.sdk(&sdk_name(&sdk.version, host), &locked.nar);
    if directory.is_dir() {
        return Ok(directory);
    }
    let facts = match sdk.source {
        SdkSource::Module => {
            let h1 = locked.h1.ok_or_else(|| Error::input("the lock has no h1 of the SDK").help("run `godirect lock`"))?;
            let promise = Promise { h1: &[h1], by: "the lock" };
            fetch_module(fetcher, &sdk.version, host, Some(promise), true)?
        }
        SdkSource::Archive => {
            let pin = ArchivePin { urls: locked.urls.clone(), sha256: locked.sha256 };
            fetch_archive(fetcher, &sdk.version, host, &pin, "the lock")?
        }
    };
    if facts.nar == locked.nar {
        return Ok(directory);
    }
    Err(match (facts.h1, &locked.h1) {
        (Some(got), Some(h1)) if got != *h1 => {
            mismatch(&format!("the SDK {}", sdk.version), got, Promise { h1: &[*h1], by: "the lock" })
        }
        _ => Error::verification(format!(
            "the tree of the SDK {} for {host} has the hash {}, the lock has {}",
            sdk.version, facts.nar, locked.nar
        ))
        .help("the lock was edited or comes from another version of godirect: run `godirect lock`"),
    })
}

/// Whether a directory is a GOROOT, for errors before any tool is run.
pub fn is_goroot(directory: &Path) -> bool {
    directory.join("src/runtime").is_dir() && directory.join("pkg/tool").is_dir()
}
