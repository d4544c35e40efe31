//! What the lock before knows and still holds, so that it isn't fetched and read again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use super::build;
use super::changes::{Change, Kind, Subject};
use super::fetch::{Fetcher, missing_sum};
use super::file::{Bootstrap, LockedGoMod, LockedModule, LockedSdk, Lockfile, NAME, Replacement, SdkDownload, SdkSource};
use super::sdk::{SdkOrigin, SdkRequest};
use super::sumdb::Database;
use super::sumdb::note::Verifier;
use super::sumdb::proof::{Proof, Proven};
use crate::digest::H1;
use crate::error::{Class, Error, Result};
use crate::module::ModuleId;
use crate::module::gomod::{GoMod, Require, Target};
use crate::module::gosum::GoSum;
use crate::module::mvs::Selected;
use crate::name::{GoVersion, ImportPath};
use crate::platform::OsArch;
use crate::source::record::{FileGroup, PackageRecord};

/// Where that comes from which the lock before doesn't know.
#[derive(Clone, Copy)]
pub enum Access<'a> {
    /// It is fetched; the cache and the network are set up when something is missing, and not before.
    Network(&'a Connect<'a>),
    /// Nothing is fetched: what the lock may become is guessed, and that it was is noted.
    Offline(&'a Guesses<'a>),
}

/// Sets up what fetches.
pub type Connect<'a> = dyn Fn() -> Result<Fetcher<'a>> + Sync + 'a;

impl<'a> Access<'a> {
    /// What fetches.
    ///
    /// # Errors
    ///
    /// Those of setting it up. Offline always, after it was noted that `missing` isn't known.
    pub fn fetcher(&self, missing: impl FnOnce() -> Change) -> Result<Fetcher<'a>> {
        match self {
            Access::Network(connect) => connect(),
            Access::Offline(guesses) => {
                guesses.note(missing());
                Err(Error::new(Class::Negative, format!("{NAME} is stale")).help("run `godirect lock`"))
            }
        }
    }
}

/// What had to be guessed, because the lock before doesn't know it.
pub struct Guesses<'a> {
    /// What would vouch for modules that nothing vouches for yet.
    database: &'a Database,
    noted: Mutex<BTreeSet<Change>>,
    /// Import paths of packages that were made up.
    packages: Mutex<BTreeSet<ImportPath>>,
}

impl<'a> Guesses<'a> {
    /// Nothing is guessed yet.
    pub fn new(database: &'a Database) -> Guesses<'a> {
        Guesses { database, noted: Mutex::default(), packages: Mutex::default() }
    }

    /// Notes what isn't known.
    pub fn note(&self, change: Change) {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner).insert(change);
    }

    /// What isn't known; nothing if the lock before was enough.
    pub fn noted(&self) -> Vec<Change> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// A package without imports, once for each import path: the first module that is asked has it.
    fn package(&self, path: &ImportPath) -> Option<PackageRecord> {
        let name = path.as_str().rsplit('/').next().unwrap_or_default().to_owned();
        let groups = vec![FileGroup { go: vec!["guess.go".to_owned()], ..FileGroup::default() }];
        let first = self.packages.lock().unwrap_or_else(PoisonError::into_inner).insert(path.clone());
        if first { Some(PackageRecord { name, groups }) } else { None }
    }
}

/// The entries of the lock before.
pub struct Known<'a> {
    modules: BTreeMap<&'a str, &'a LockedModule>,
    go_mods: BTreeMap<&'a ModuleId, &'a LockedGoMod>,
    sdks: &'a [LockedSdk],
    /// Whose proofs count.
    verifier: Option<&'a Verifier>,
    /// Records leave out what none of the platforms can choose, so they serve the same platforms only.
    same_platforms: bool,
}

impl<'a> Known<'a> {
    /// What a lock knows for these platforms, which are sorted.
    pub fn new(previous: Option<&'a Lockfile>, verifier: Option<&'a Verifier>, platforms: &[OsArch]) -> Known<'a> {
        Known {
            modules: previous.iter().flat_map(|lock| &lock.modules).map(|m| (m.path.as_str(), m)).collect(),
            go_mods: previous.iter().flat_map(|lock| &lock.go_mods).map(|m| (&m.id, m)).collect(),
            sdks: previous.map_or(&[], |lock| &lock.sdks),
            verifier,
            same_platforms: previous.is_some_and(|lock| lock.platforms == platforms),
        }
    }

    /// What a proof says of a module.
    fn proven(&self, id: &ModuleId, proof: Option<&Proof>) -> Option<Proven> {
        proof?.clone().verify(id, self.verifier?).ok()
    }

    /// Whether a hash that isn't in go.sum is proven, or was accepted without proof.
    fn is_trusted(&self, id: &ModuleId, h1: H1, proof: Option<&Proof>, verified: bool) -> bool {
        !verified || self.proven(id, proof).is_some_and(|proven| proven.module() == h1)
    }

    /// The SDK, if it is what is asked for in every respect.
    pub fn sdk(&self, wanted: &SdkRequest, version: &GoVersion, sums: &GoSum) -> Option<&'a LockedSdk> {
        let sdk = self.sdk_before(&wanted.name).filter(|sdk| sdk.version == *version)?;
        let exec: BTreeSet<OsArch> = wanted.exec_platforms.iter().copied().collect();
        let covers = |downloads: &[SdkDownload]| downloads.iter().map(|d| d.platform).eq(exec.iter().copied());
        let toolchain = |version: &GoVersion, download: &SdkDownload| self.is_toolchain(version, download, sums);
        let fits = |download: &SdkDownload| match &wanted.origin {
            SdkOrigin::Module => sdk.source == SdkSource::Module && toolchain(version, download),
            SdkOrigin::Archive(archives) => {
                let given = archives.given.get(&download.platform).and_then(|archive| archive.sha256);
                sdk.source == SdkSource::Archive
                    && given.is_none_or(|sha256| sha256 == download.sha256)
                    && super::sdk::expected_urls(archives, download).is_ok_and(|urls| urls == download.urls)
            }
        };
        let bootstraps = |Bootstrap { version, downloads }: &Bootstrap| {
            covers(downloads) && downloads.iter().all(|download| toolchain(version, download))
        };
        let complete = self.same_platforms
            && covers(&sdk.downloads)
            && sdk.downloads.iter().all(fits)
            && build::is_wanted(sdk.build.as_ref(), wanted.build.as_ref())
            && sdk.build.iter().all(|build| bootstraps(&build.bootstrap));
        complete.then_some(sdk)
    }

    /// Whether a download is the module of an SDK that is proven, and go.sum agrees.
    fn is_toolchain(&self, version: &GoVersion, download: &SdkDownload, sums: &GoSum) -> bool {
        let id = super::sdk::toolchain_module(version, download.platform);
        let (Ok(id), Some(h1)) = (id, download.h1) else { return false };
        let accepted = sums.module(&id);
        let agrees = accepted.is_empty() || accepted.contains(&h1);
        agrees && self.is_trusted(&id, h1, download.proof.as_ref(), download.verified)
    }

    /// The entry of an SDK, whatever its version.
    pub fn sdk_before(&self, name: &str) -> Option<&'a LockedSdk> {
        self.sdks.iter().find(|sdk| sdk.name == name)
    }

    /// An SDK to guess with, where the right one isn't known.
    pub fn another_sdk(&self) -> Option<&'a LockedSdk> {
        self.sdks.last()
    }

    /// What a go.mod requires, if go.sum or a proof still vouches for it.
    pub fn go_mod(&self, id: &ModuleId, sums: &GoSum) -> Option<&'a LockedGoMod> {
        self.go_mods.get(id).copied().filter(|known| match sums.go_mod(id) {
            [] => self.proven(id, known.proof.as_ref()).and_then(|proven| proven.go_mod()) == Some(known.h1),
            accepted => accepted.contains(&known.h1),
        })
    }

    /// That a module with this version isn't known.
    pub fn missing(&self, id: &ModuleId) -> Change {
        let before = self.modules.get(id.path.as_str()).map(|known| super::changes::shown_version(known));
        Change::new(Subject::Module, id.path.as_str(), before, Some(id.version.to_string()))
    }

    /// The entry of a module, whatever its version.
    pub fn before(&self, module: &Selected) -> Option<&'a LockedModule> {
        self.modules.get(module.id.path.as_str()).copied()
    }

    /// The entry of a module that is the same, if go.sum or a proof still vouches for it.
    pub fn module(&self, module: &Selected, sums: &GoSum) -> Option<&'a LockedModule> {
        let is_trusted = |known: &LockedModule| match sums.module(&known.id()) {
            [] => self.is_trusted(&known.id(), known.h1, known.proof.as_ref(), known.verified),
            accepted => accepted.contains(&known.h1),
        };
        self.before(module).filter(|known| is_same(known, module) && is_trusted(known))
    }

    /// Whether a module that is the same has a package in a directory; `None` if nobody has looked.
    pub fn package(&self, module: &Selected, directory: &str, sums: &GoSum) -> Option<Option<&'a PackageRecord>> {
        if self.same_platforms { recorded(self.module(module, sums)?, directory) } else { None }
    }

    /// The package in a directory of a module, or what may be there. Notes what isn't known.
    ///
    /// # Errors
    ///
    /// When go.sum contradicts the lock, or nobody but go.sum could vouch for it.
    pub fn guess(
        &self,
        module: &Selected,
        directory: &str,
        sums: &GoSum,
        guesses: &Guesses<'_>,
    ) -> Result<Option<PackageRecord>> {
        let before = self.before(module);
        if let Some(same) = before.filter(|known| is_same(known, module)) {
            check_agrees(same, sums)?;
            let id = same.id();
            if lacks_evidence(same, sums) && guesses.database.is_private(&id.path) {
                return Err(missing_sum(&id));
            }
        }
        let path = module.id.path.root().join(directory)?;
        let found = before.and_then(|known| recorded(known, directory));
        let note =
            |from| guesses.note(Change::new(Subject::Module, module.id.path.as_str(), from, Some(shown_version(module))));
        match before {
            None => note(None),
            // The same, but nobody vouches for it: it is fetched and recorded anew.
            Some(known) if !is_same(known, module) || self.module(module, sums).is_none() => {
                note(Some(super::changes::shown_version(known)));
            }
            Some(_) if found.is_none() => guesses.note(Change::bare(Subject::Package, path.as_str(), Kind::Added)),
            // That the platforms changed was noted: the records are right but for files of other platforms.
            Some(_) => {}
        }
        if let Some(found) = found {
            return Ok(found.cloned());
        }
        let elsewhere = |known: &LockedModule| path.below(known.path.as_str()).is_some_and(|d| known.packages.contains_key(d));
        if self.modules.values().any(|known| elsewhere(known)) { Ok(None) } else { Ok(guesses.package(&path)) }
    }
}

fn recorded<'a>(known: &'a LockedModule, directory: &str) -> Option<Option<&'a PackageRecord>> {
    match known.packages.get(directory) {
        Some(record) => Some(Some(record)),
        None if known.absent.contains(directory) => Some(None),
        None => None,
    }
}

fn shown_version(module: &Selected) -> String {
    match &module.replace {
        Some(Target::Module(other)) if other.path == module.id.path => format!("{} => {}", module.id.version, other.version),
        Some(target) => format!("{} => {target}", module.id.version),
        None => module.id.version.to_string(),
    }
}

/// Whether an entry is of this very version and replacement.
fn is_same(known: &LockedModule, module: &Selected) -> bool {
    let replaced = match (&known.replace, &module.replace) {
        (None, None) => true,
        (Some(Replacement { path, version }), Some(Target::Module(id))) => *path == id.path && *version == id.version,
        _ => false,
    };
    known.version == module.id.version && replaced
}

/// Checks an entry against go.sum. It was verified when it was made; a line that is missing or different now means that somebody
/// changed either. An entry that has its proof, or says that it was accepted without, needs no line.
///
/// # Errors
///
/// No line, which makes the lock stale; another hash.
pub fn check_sum(module: &LockedModule, sums: &GoSum) -> Result<()> {
    if lacks_evidence(module, sums) {
        let error =
            Error::new(Class::Negative, format!("{NAME} is stale: it has no proof of {}, and go.sum no line", module.id()));
        return Err(error.help("run `godirect lock`"));
    }
    check_agrees(module, sums)
}

/// Whether nothing tells any more why an entry's hash is right.
fn lacks_evidence(module: &LockedModule, sums: &GoSum) -> bool {
    sums.module(&module.id()).is_empty() && module.proof.is_none() && module.verified
}

/// Refuses an entry that go.sum has another hash of.
fn check_agrees(module: &LockedModule, sums: &GoSum) -> Result<()> {
    let id = module.id();
    let accepted = sums.module(&id);
    if accepted.is_empty() || accepted.contains(&module.h1) {
        return Ok(());
    }
    let sums: Vec<String> = accepted.iter().map(ToString::to_string).collect();
    let error =
        Error::verification(format!("checksum mismatch for {id}: go.sum has {}, {NAME} has {}", sums.join(" or "), module.h1));
    Err(error.help("find out which of them was changed, and why; `godirect lock` follows go.sum"))
}

/// The requirements of a go.mod, as the lock has them.
pub fn locked_go_mod(id: &ModuleId, h1: H1, proof: Option<Proof>, gomod: &GoMod) -> LockedGoMod {
    let require = gomod.require.iter().map(|r| r.id.clone()).collect();
    LockedGoMod { id: id.clone(), h1, proof, module: gomod.module.clone(), go: gomod.go.clone(), require }
}

/// The go.mod of a dependency as far as minimal version selection reads it.
pub fn go_mod(known: &LockedGoMod) -> GoMod {
    let require = known.require.iter().map(|id| Require { id: id.clone(), indirect: false }).collect();
    GoMod { module: known.module.clone(), go: known.go.clone(), require, ..GoMod::default() }
}
