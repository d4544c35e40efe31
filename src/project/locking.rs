//! `godirect lock`: what the spec asks for, and which third-party packages the repository needs.

use std::collections::BTreeSet;

use super::{Project, context, roots};
use crate::error::{Error, Result};
use crate::graph::{ModuleInfo, Origin, PackageGraph, Sources, ThirdParty};
use crate::lock::changes::{Change, Kind, Subject, changes};
use crate::lock::file::{LockedSdk, Lockfile, NAME};
use crate::lock::known::{Access, Guesses};
use crate::lock::resolve::{self, Modules, Needed, Request};
use crate::lock::sdk::{ArchivePin, SdkOrigin, SdkRequest, SdkVersion};
use crate::lock::sumdb::note::Verifier;
use crate::module::gomod::Target;
use crate::module::mvs::Selected;
use crate::platform::OsArch;
use crate::spec;

impl Project {
    /// Makes the lock; keeps of `previous` what still fits.
    ///
    /// # Errors
    ///
    /// Those of [`resolve::lock`], and of the package graph.
    pub fn lock(&self, access: Access, previous: Option<&Lockfile>, verifier: Option<&Verifier>) -> Result<Lockfile> {
        let platforms: Vec<OsArch> = self.spec.os_arches().into_iter().collect();
        let request = Request {
            directory: &self.module_dir(),
            sdk: &self.sdk_request(),
            exec_platforms: &self.spec.sdk.exec_platforms,
            platforms: &platforms,
            previous,
            verifier,
        };
        resolve::lock(&request, access, &|sdk, modules| self.needed(sdk, modules))
    }

    /// What [`Project::lock`] would change in a lock with this text; nothing exactly if it would write the same text. Reads nothing
    /// but the repository.
    ///
    /// Where the lock doesn't have what it takes to know, the changes are those that are certain.
    ///
    /// # Errors
    ///
    /// What is wrong with the repository; a hash that go.sum contradicts.
    pub fn check_lock(&self, previous: &Lockfile, text: &str, verifier: Option<&Verifier>) -> Result<Vec<Change>> {
        let guesses = Guesses::default();
        let new = self.lock(Access::Offline(&guesses), Some(previous), verifier);
        let mut found: BTreeSet<Change> = guesses.noted().into_iter().collect();
        match new {
            Ok(new) => {
                let guessed = !found.is_empty();
                // The size of what isn't there yet is anybody's guess.
                found.extend(changes(previous, &new).into_iter().map(|c| if guessed { Change { size: None, ..c } } else { c }));
                if found.is_empty() && new.render() != text {
                    found.insert(Change::bare(Subject::Lock, NAME, Kind::Changed));
                }
            }
            Err(error) if found.is_empty() => return Err(error),
            Err(_) => {}
        }
        Ok(found.into_iter().collect())
    }

    fn sdk_request(&self) -> SdkRequest {
        let version = match &self.spec.sdk.version {
            spec::SdkVersion::FromGoMod => SdkVersion::FromGoMod,
            spec::SdkVersion::Exact(version) => SdkVersion::Exact(version.clone()),
        };
        let origin = match &self.spec.sdk.source {
            spec::SdkSource::ModuleProxy => SdkOrigin::Module,
            spec::SdkSource::Archive(archives) => SdkOrigin::Archive(
                archives.iter().map(|(p, a)| (*p, ArchivePin { urls: a.urls.clone(), sha256: a.sha256 })).collect(),
            ),
        };
        SdkRequest { version, origin }
    }

    /// The third-party packages that any package of the repository needs, on any platform and in any profile of the spec.
    fn needed(&self, sdk: &LockedSdk, modules: &Modules) -> Result<Needed> {
        if let Some(replaced) = modules.all().iter().find(|m| matches!(m.replace, Some(Target::Directory(_)))) {
            let error = Error::input(format!(
                "go.mod replaces {} by a directory, which this version of godirect can't build",
                replaced.id.path
            ));
            return Err(error.help("use a go.work file, which makes the directory's module a main module"));
        }
        self.check_version(&sdk.version)?;
        // Go lines don't decide which packages are needed, so no go.mod is fetched for them.
        let info = |m: &Selected| ModuleInfo { path: m.id.path.clone(), version: m.id.version.clone(), go: None };
        let infos: Vec<ModuleInfo> = modules.all().iter().map(info).collect();
        let record = |index: usize, directory: &str| modules.package(&modules.all()[index], directory);
        let third_party = ThirdParty::Unlocked { modules: &infos, record: &record };
        let sources = Sources::new(&self.tree, &self.mains, third_party, &sdk.packages);
        let mut needed = Needed::new();
        for variant in self.variants() {
            let experiments = sdk.experiments.get(&variant.target.platform.os_arch());
            let context = context(&sdk.version, experiments.map_or(&[], Vec::as_slice), variant);
            let graph = PackageGraph::load(&sources, &context, &roots(&sources, &context, &self.binaries)?, false)?;
            for package in graph.packages() {
                let Origin::Module { index, directory } = &package.origin else { continue };
                if let Some(record) = sources.module_package(*index, directory)? {
                    let path = infos[*index].path.clone();
                    needed.entry(path).or_default().insert(directory.clone(), record.into_owned());
                }
            }
        }
        Ok(needed)
    }
}
