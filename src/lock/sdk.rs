//! Go SDKs: which version, where from, and GOROOT as it is used.

mod page;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use self::page::Page;
use super::archive::{self, Layout};
use super::build::BuildRequest;
use super::cache::Facts;
use super::fetch::{BY_DATABASE, Fetcher, Promise, contradiction, mismatch};
use super::file::{Bootstrap, LockedSdk, Lockfile, SdkDownload, SdkSource};
use super::sumdb::Trust;
use super::sumdb::proof::Proof;
use super::with_connections;
use crate::digest::{H1, Sha256};
use crate::error::{Error, Result};
use crate::module::ModuleId;
use crate::module::gosum::GoSum;
use crate::module::workspace::{STRICT_SINCE, Workspace};
use crate::name::{GoVersion, ModulePath, ModuleVersion};
use crate::platform::OsArch;
use crate::spec::{Archive, Archives};

/// The SDK that a spec asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SdkRequest {
    /// The name that profiles use.
    pub name: String,
    /// Which version.
    pub version: SdkVersion,
    /// Where from.
    pub origin: SdkOrigin,
    /// The platforms on which its tools run.
    pub exec_platforms: Vec<OsArch>,
    /// Whether it is built from the source in what is fetched, and how.
    pub build: Option<BuildRequest>,
}

/// How the version is chosen.
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
    Archive(Archives),
}

/// An archive and its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchivePin {
    /// Where it is, tried in order: a `.tar.gz` or `.zip` with the top-level directory `go`.
    pub urls: Vec<String>,
    /// Of the archive's bytes.
    pub sha256: Sha256,
    /// Its bytes, if that is known.
    pub size: Option<u64>,
    /// Who says so, for errors.
    pub by: String,
}

const MODULE: &str = "golang.org/toolchain";
const VERSION_PREFIX: &str = "v0.0.1-go";

/// The version of the module golang.org/toolchain that has an SDK, e.g. `v0.0.1-go1.27.3.linux-amd64`.
pub fn toolchain_module(version: &GoVersion, platform: OsArch) -> Result<ModuleId> {
    let module_version = format!("{VERSION_PREFIX}{version}.{}-{}", platform.goos, platform.goarch);
    Ok(ModuleId { path: MODULE.parse()?, version: module_version.parse()? })
}

/// The exact version that is asked for.
///
/// # Errors
///
/// When go.mod asks for no version, or for one that is not where the spec wants the SDK from.
pub fn resolve_version(request: &SdkRequest, workspace: &Workspace) -> Result<GoVersion> {
    let (version, from) = match &request.version {
        SdkVersion::Exact(version) => (version.clone(), "the spec".to_owned()),
        SdkVersion::FromGoMod => {
            let wanted = workspace.wanted_sdk().ok_or_else(|| {
                let file = if workspace.work.is_some() { "go.work" } else { "go.mod" };
                let command = file.replace("go.", "go ");
                Error::input(format!("{file} has no go line, so it doesn't say which SDK to use"))
                    .help(format!("`{command} edit -go=1.27.3` adds one, or write go_sdk(version = \"1.27.3\") in the spec"))
            })?;
            let from = format!("`{}` of {}", wanted.line, wanted.file);
            if !wanted.version.is_release() && wanted.line.starts_with("toolchain ") {
                let error = format!("{from} names a language version, and no toolchain");
                return Err(Error::input(error).help(format!("write `toolchain go{}`", wanted.version.toolchain())));
            }
            (wanted.version.toolchain(), from)
        }
    };
    if matches!(request.origin, SdkOrigin::Module) && version.minor() < 21 {
        return Err(Error::input(format!("{from} asks for Go {version}, but module proxies have SDKs from 1.21 on")).help(
            "ask for a newer one, e.g. go_sdk(version = \"1.27.3\"), which compiles for older go lines as they demand; \
             or for this one's archive: go_sdk(source = archive(…))",
        ));
    }
    Ok(version)
}

/// Refuses a module that needs a newer SDK than one of those that build, as the go command does since 1.21 (`modload.goModSummary`).
///
/// # Errors
///
/// A go line that is newer than an SDK.
pub fn check_go_line(path: &ModulePath, version: &ModuleVersion, go: Option<&GoVersion>, sdks: &[LockedSdk]) -> Result<()> {
    let Some(go) = go.filter(|go| go.minor() >= STRICT_SINCE) else { return Ok(()) };
    let Some(old) = sdks.iter().find(|sdk| sdk.version < *go) else { return Ok(()) };
    Err(Error::input(format!("module {path}@{version} requires go >= {go}, and the SDK is go{}", old.version))
        .help(format!("`go get go@{go}` raises the go line of go.mod, or choose an older version of the module")))
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
    request: &SdkRequest,
    version: GoVersion,
    sums: &GoSum,
    previous: Option<&Lockfile>,
    fetcher: &Fetcher<'_>,
) -> Result<FetchedSdk> {
    let SdkRequest { origin, exec_platforms, .. } = request;
    let mut platforms = exec_platforms.clone();
    platforms.sort();
    platforms.dedup();
    let host = OsArch::host().ok();
    let Some(unpacked) = platforms.iter().find(|p| Some(**p) == host).or(platforms.first()).copied() else {
        return Err(Error::input("no platform is given on which the SDK's tools run"));
    };
    let pins = match origin {
        SdkOrigin::Module => BTreeMap::new(),
        SdkOrigin::Archive(archives) => pins(archives, &version, &platforms, previous, fetcher)?,
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
            SdkOrigin::Archive(_) => {
                let pin = &pins[&platform];
                Ok(download(platform, pin.urls.clone(), fetch_archive(fetcher, &version, platform, pin)?))
            }
        }
    };
    // Of several errors the first platform's is shown, not the fastest one's.
    let results: Vec<_> = with_connections(|| platforms.par_iter().map(|platform| one(*platform)).collect());
    let downloads = results.into_iter().collect::<Result<Vec<_>>>()?;
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

/// The archives that the spec asks for: as it says itself, as the lock before has them, or as the download page says.
fn pins(
    archives: &Archives,
    version: &GoVersion,
    platforms: &[OsArch],
    previous: Option<&Lockfile>,
    fetcher: &Fetcher<'_>,
) -> Result<BTreeMap<OsArch, ArchivePin>> {
    let of_version = |sdk: &&LockedSdk| sdk.source == SdkSource::Archive && sdk.version == *version;
    let locked: Vec<&SdkDownload> =
        previous.iter().flat_map(|lock| lock.sdks.iter().filter(of_version)).flat_map(|sdk| &sdk.downloads).collect();
    let mut page = None;
    let mut pins = BTreeMap::new();
    for platform in platforms {
        let before = locked.iter().find(|download| download.platform == *platform);
        let mut pin = match (archives.given.get(platform), before) {
            (Some(Archive { urls, sha256: Some(sha256) }), _) if !urls.is_empty() => {
                ArchivePin { urls: urls.clone(), sha256: *sha256, size: None, by: "the spec".to_owned() }
            }
            (_, Some(download)) => ArchivePin {
                urls: expected_urls(archives, download)?,
                sha256: download.sha256,
                size: Some(download.size),
                by: "the lock".to_owned(),
            },
            (_, None) => {
                let page = match &page {
                    Some(page) => page,
                    None => page.insert(Page::fetch(&archives.index, fetcher)?),
                };
                page.archive(version, *platform)?
            }
        };
        if let Some(Archive { urls, sha256 }) = archives.given.get(platform) {
            if !urls.is_empty() {
                pin.urls.clone_from(urls);
            }
            if let Some(sha256) = sha256.filter(|sha256| *sha256 != pin.sha256) {
                pin = ArchivePin { sha256, size: None, by: "the spec".to_owned(), ..pin };
            }
        }
        pins.insert(*platform, pin);
    }
    Ok(pins)
}

/// The URLs that a locked archive has by this spec.
///
/// # Errors
///
/// When the download page's URL is malformed.
pub fn expected_urls(archives: &Archives, locked: &SdkDownload) -> Result<Vec<String>> {
    match archives.given.get(&locked.platform) {
        Some(archive) if !archive.urls.is_empty() => Ok(archive.urls.clone()),
        _ => {
            let file = locked.urls.first().and_then(|url| url.rsplit('/').next()).unwrap_or_default();
            Ok(vec![page::beside(&archives.index, file)?])
        }
    }
}

fn fetch_archive(fetcher: &Fetcher<'_>, version: &GoVersion, platform: OsArch, pin: &ArchivePin) -> Result<Facts> {
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
        let (size, sha256) = download.size_and_digest();
        let by = &pin.by;
        if let Some(promised) = pin.size.filter(|promised| *promised != size) {
            return Err(Error::verification(format!(
                "the SDK archive of {platform} has {size} bytes, but {promised} by what {by} says"
            ))
            .help("compare with what the archive's publisher says"));
        }
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
    fetcher.publish(Some(unpacked), &facts, Some(&directory))?;
    fetcher.cache.write_facts(&facts_file, &facts)?;
    Ok(facts)
}

/// GOROOT of a locked SDK for tools that run on `host`; fetched and verified against the lock where it isn't in the cache.
///
/// # Errors
///
/// A host that the lock has no download for, a wrong hash, no answer.
pub fn goroot(fetcher: &Fetcher<'_>, sdk: &LockedSdk, host: OsArch) -> Result<PathBuf> {
    downloaded(fetcher, &sdk.version, sdk.source, &sdk.downloads, host)
}

/// GOROOT of the SDK that compiles another one.
///
/// # Errors
///
/// Those of [`goroot`].
pub fn bootstrap(fetcher: &Fetcher<'_>, bootstrap: &Bootstrap, host: OsArch) -> Result<PathBuf> {
    downloaded(fetcher, &bootstrap.version, SdkSource::Module, &bootstrap.downloads, host)
}

fn downloaded(
    fetcher: &Fetcher<'_>,
    version: &GoVersion,
    source: SdkSource,
    downloads: &[SdkDownload],
    host: OsArch,
) -> Result<PathBuf> {
    let Some(locked) = downloads.iter().find(|d| d.platform == host) else {
        return Err(Error::input(format!("the lock has no SDK {version} whose tools run on {host}"))
            .help("add the platform to the spec and run `godirect lock`"));
    };
    // Its name has the hash of the tree, and it was verified before it got that name.
    let directory = fetcher.cache.sdk(&sdk_name(version, host), &locked.nar);
    if directory.is_dir() {
        return Ok(directory);
    }
    let facts = match source {
        SdkSource::Module => {
            let h1 = locked.h1.ok_or_else(|| Error::input("the lock has no h1 of the SDK").help("run `godirect lock`"))?;
            let promise = Promise { h1: &[h1], by: "the lock" };
            fetch_module(fetcher, version, host, Some(promise), true)?
        }
        SdkSource::Archive => {
            let (urls, size) = (locked.urls.clone(), Some(locked.size));
            let pin = ArchivePin { urls, sha256: locked.sha256, size, by: "the lock".to_owned() };
            fetch_archive(fetcher, version, host, &pin)?
        }
    };
    if facts.nar == locked.nar {
        return Ok(directory);
    }
    Err(match (facts.h1, &locked.h1) {
        (Some(got), Some(h1)) if got != *h1 => {
            mismatch(&format!("the SDK {version}"), got, Promise { h1: &[*h1], by: "the lock" })
        }
        _ => Error::verification(format!(
            "the tree of the SDK {version} for {host} has the hash {}, the lock has {}",
            facts.nar, locked.nar
        ))
        .help("the lock was edited or comes from another version of godirect: run `godirect lock`"),
    })
}

/// Whether a directory is a GOROOT, for errors before any tool is run.
pub fn is_goroot(directory: &Path) -> bool {
    directory.join("src/runtime").is_dir() && directory.join("pkg/tool").is_dir()
}
