//! `godirect lock`: what the spec asks for, and which third-party packages the repository needs.

use std::collections::{BTreeMap, BTreeSet};

use super::{Project, Variant, context, roots};
use crate::error::{Class, Result};
use crate::graph::{ModuleInfo, Origin, PackageGraph, Sources, Std, ThirdParty};
use crate::lock::build;
use crate::lock::changes::{Change, Kind, Subject, changes, platform_changes};
use crate::lock::file::{LockedSdk, Lockfile, NAME};
use crate::lock::known::{Access, Guesses};
use crate::lock::resolve::{self, Modules, Needed, Request};
use crate::lock::sdk::{SdkOrigin, SdkRequest, SdkVersion};
use crate::lock::sumdb::Database;
use crate::lock::sumdb::note::Verifier;
use crate::lock::with_connections;
use crate::module::mvs::Selected;
use crate::name::ImportPath;
use crate::platform::OsArch;
use crate::source::context::BuildContext;
use crate::source::record::PackageRecord;
use crate::spec;

impl Project {
    /// Makes the lock; keeps of `previous` what still fits.
    ///
    /// # Errors
    ///
    /// Those of [`resolve::lock`], and of the package graph.
    pub fn lock(&self, access: Access, previous: Option<&Lockfile>, verifier: Option<&Verifier>) -> Result<Lockfile> {
        let platforms: Vec<OsArch> = self.spec.os_arches().into_iter().collect();
        let sdks: Vec<SdkRequest> =
            self.spec.sdks.iter().map(|(name, sdk)| self.sdk_request(name, sdk)).collect::<Result<_>>()?;
        let request = Request {
            directory: &self.module_dir(),
            workspace: &self.workspace,
            root: &self.dir,
            files: &self.files,
            vendor: &self.vendor_directory(),
            sdks: &sdks,
            platforms: &platforms,
            previous,
            verifier,
        };
        resolve::lock(&request, access, &|sdks, modules| self.needed(sdks, modules))
    }

    fn sdk_request(&self, name: &str, sdk: &spec::Sdk) -> Result<SdkRequest> {
        let version = match &sdk.version {
            spec::SdkVersion::FromGoMod => SdkVersion::FromGoMod,
            spec::SdkVersion::Exact(version) => SdkVersion::Exact(version.clone()),
        };
        let (origin, build) = match &sdk.source {
            spec::SdkSource::ModuleProxy => (SdkOrigin::Module, None),
            spec::SdkSource::Archive(archives) => (SdkOrigin::Archive(archives.clone()), None),
            spec::SdkSource::Source(wanted) => (SdkOrigin::Module, Some(build::request(&self.files, &self.dir, wanted)?)),
        };
        Ok(SdkRequest { name: name.to_owned(), version, origin, exec_platforms: sdk.exec_platforms.clone(), build })
    }

    /// The lock that [`Project::lock`] makes, if it takes nothing but the repository and the lock before: then there is nothing to
    /// fetch, and nothing to read ahead of the walk through the packages.
    pub fn relock(&self, previous: &Lockfile, database: &Database) -> Option<Lockfile> {
        let (new, guessed) = self.guess_lock(previous, database);
        if guessed.is_empty() { new.ok() } else { None }
    }

    /// The lock as far as the one before tells, and what had to be guessed for it.
    fn guess_lock(&self, previous: &Lockfile, database: &Database) -> (Result<Lockfile>, Vec<Change>) {
        let (guesses, verifier) = (Guesses::new(database), database.verifier().ok());
        let platforms: Vec<OsArch> = self.spec.os_arches().into_iter().collect();
        platform_changes(previous, &platforms).into_iter().for_each(|c| guesses.note(c));
        let new = self.lock(Access::Offline(&guesses), Some(previous), verifier.as_ref());
        (new, guesses.noted())
    }

    /// What [`Project::lock`] would change in a lock with this text; nothing exactly if it would write the same text. Reads nothing
    /// but the repository.
    ///
    /// Where the lock doesn't have what it takes to know, the changes are those that are certain.
    ///
    /// # Errors
    ///
    /// What is wrong with the repository; a hash that go.sum contradicts, or that nobody but go.sum could vouch for.
    pub fn check_lock(&self, previous: &Lockfile, text: &str, database: &Database) -> Result<Vec<Change>> {
        let (new, guessed) = self.guess_lock(previous, database);
        let mut found: BTreeSet<Change> = guessed.into_iter().collect();
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

    /// The third-party packages that any package of the repository or its tests need, on any platform and in any profile of the spec.
    fn needed<'s>(&self, sdks: &'s [LockedSdk], modules: &Modules) -> Result<Needed> {
        for sdk in sdks {
            self.check_version(&sdk.name, &sdk.version)?;
        }
        // Go lines don't decide which packages are needed, so no go.mod is fetched for them.
        let info = |m: &Selected| ModuleInfo { path: m.id.path.clone(), version: m.id.version.clone(), go: None };
        let (local, rest): (Vec<&Selected>, Vec<&Selected>) = modules.all().iter().partition(|m| self.is_local(m));
        let infos: Vec<ModuleInfo> = rest.iter().copied().map(info).collect();
        let record = |index: usize, directory: &str| match &self.workspace.vendor {
            Some(vendored) => self.vendored_record(vendored, rest[index], directory),
            None => {
                self.check_outside(rest[index])?;
                modules.package(rest[index], directory)
            }
        };
        let vendored = self.workspace.vendor.is_some();
        let mut mains = self.mains.clone();
        for module in &local {
            mains.push(self.local_module(&module.id)?);
        }
        // What is found in one variant's sources is known in the next: they are the same but for std.
        let of_sdk = |sdk: &'s LockedSdk| {
            let third_party = ThirdParty::Unlocked { modules: &infos, record: &record, vendored };
            (sdk, Sources::new(&self.tree, &mains, third_party, Std::Recorded(&sdk.packages)))
        };
        let of_sdks: BTreeMap<&str, (&LockedSdk, Sources)> = sdks.iter().map(|sdk| (sdk.name.as_str(), of_sdk(sdk))).collect();
        let mut needed = Needed::new();
        for variant in self.variants() {
            let (sdk, sources) = &of_sdks[variant.profile.sdk.as_str()];
            let context = context(sdk, variant);
            let roots = roots(sources, &context, &self.binaries, true)?;
            // Guesses depend on the order of questions, and take no time.
            if modules.fetches() {
                with_connections(|| sources.read_ahead(&context, &roots));
            }
            for origin in self.needed_in(variant, sources, &context, &roots)? {
                match origin {
                    Origin::Module { index, directory } => {
                        if let Some(record) = sources.module_package(index, &directory)? {
                            let path = infos[index].path.clone();
                            needed.entry(path).or_default().insert(directory, PackageRecord::clone(&record));
                        }
                    }
                    Origin::Main { index, .. } if mains[index].stands_for.is_some() => {
                        needed.entry(mains[index].path.clone()).or_default();
                    }
                    Origin::Main { .. } | Origin::Std => {}
                }
            }
        }
        Ok(needed)
    }
    /// Where the packages are that a variant's packages and their tests need.
    ///
    /// Only its binaries have to be complete: a package can be meant for other platforms, and one that can't be loaded stops nobody
    /// who doesn't build it.
    fn needed_in(
        &self,
        variant: Variant,
        sources: &Sources,
        context: &BuildContext,
        roots: &[ImportPath],
    ) -> Result<Vec<Origin>> {
        match PackageGraph::load(sources, context, roots, true) {
            Ok(graph) => Ok(graph.packages().iter().map(|package| package.origin.clone()).collect()),
            Err(error) if error.class() != Class::Input => Err(error),
            Err(_) => {
                let built = self.binaries_of(variant).map(|(_, binary)| &binary.main);
                let built: Vec<ImportPath> = built.filter(|main| roots.contains(main)).cloned().collect();
                PackageGraph::load(sources, context, &built, false)?;
                PackageGraph::reach(sources, context, roots)
            }
        }
    }
}
