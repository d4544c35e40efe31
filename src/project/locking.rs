//! `godirect lock`: what the spec asks for, and which third-party packages the repository needs.

use std::collections::BTreeMap;

use super::{Project, context, roots};
use crate::error::{Error, Result};
use crate::graph::{ModuleInfo, Origin, PackageGraph, Sources, ThirdParty};
use crate::lock::fetch::Fetcher;
use crate::lock::file::{LockedSdk, Lockfile};
use crate::lock::resolve::{self, Modules, Needed, Request};
use crate::lock::sdk::{ArchivePin, SdkOrigin, SdkRequest, SdkVersion};
use crate::module::gomod::Target;
use crate::module::mvs::Selected;
use crate::platform::OsArch;
use crate::source::scan::{Tests, scan};
use crate::source::tree::DiskTree;
use crate::spec;

impl Project {
    /// Makes the lock; keeps of `previous` what still fits.
    ///
    /// # Errors
    ///
    /// Those of [`resolve::lock`], and of the package graph.
    pub fn lock(&self, fetcher: Fetcher, previous: Option<&Lockfile>) -> Result<Lockfile> {
        let platforms: Vec<OsArch> = self.spec.os_arches().into_iter().collect();
        let sdks: Vec<SdkRequest> = self.spec.sdks.iter().map(|(name, sdk)| sdk_request(name, sdk)).collect();
        let request = Request { directory: &self.module_dir(), sdks: &sdks, platforms: &platforms, previous };
        resolve::lock(&request, fetcher, &|sdks, modules| self.needed(sdks, modules))
    }

    /// The third-party packages that any package of the repository needs, on any platform and in any profile of the spec.
    fn needed<'s>(&self, sdks: &'s [LockedSdk], modules: &Modules) -> Result<Needed> {
        if let Some(replaced) = modules.all().iter().find(|m| matches!(m.replace, Some(Target::Directory(_)))) {
            let error = Error::input(format!(
                "go.mod replaces {} by a directory, which this version of godirect can't build",
                replaced.id.path
            ));
            return Err(error.help("use a go.work file, which makes the directory's module a main module"));
        }
        for sdk in sdks {
            self.check_version(&sdk.name, &sdk.version)?;
        }
        let platforms: Vec<OsArch> = self.spec.os_arches().into_iter().collect();
        // Go lines don't decide which packages are needed, so no go.mod is fetched for them.
        let info = |m: &Selected| ModuleInfo { path: m.id.path.clone(), version: m.id.version.clone(), go: None };
        let infos: Vec<ModuleInfo> = modules.all().iter().map(info).collect();
        let record = |index: usize, directory: &str| {
            let root = modules.directory(&modules.all()[index])?;
            let tree = DiskTree::new(root);
            let scanned = scan(&tree, directory, Tests::Exclude)?;
            if scanned.has_go_files() { scanned.record(&tree, &platforms).map(Some) } else { Ok(None) }
        };
        // What is found in one variant's sources is known in the next: they are the same but for std.
        let of_sdk = |sdk: &'s LockedSdk| {
            let third_party = ThirdParty::Unlocked { modules: &infos, record: &record };
            (sdk, Sources::new(&self.tree, &self.mains, third_party, &sdk.packages))
        };
        let of_sdks: BTreeMap<&str, (&LockedSdk, Sources)> = sdks.iter().map(|sdk| (sdk.name.as_str(), of_sdk(sdk))).collect();
        let mut needed = Needed::new();
        for variant in self.variants() {
            let (sdk, sources) = &of_sdks[variant.profile.sdk.as_str()];
            let context = context(sdk, variant);
            let graph = PackageGraph::load(sources, &context, &roots(sources, &context, &self.binaries)?, false)?;
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

fn sdk_request(name: &str, sdk: &spec::Sdk) -> SdkRequest {
    let version = match &sdk.version {
        spec::SdkVersion::FromGoMod => SdkVersion::FromGoMod,
        spec::SdkVersion::Exact(version) => SdkVersion::Exact(version.clone()),
    };
    let origin = match &sdk.source {
        spec::SdkSource::ModuleProxy => SdkOrigin::Module,
        spec::SdkSource::Archive(archives) => SdkOrigin::Archive(
            archives.iter().map(|(p, a)| (*p, ArchivePin { urls: a.urls.clone(), sha256: a.sha256 })).collect(),
        ),
    };
    SdkRequest { name: name.to_owned(), version, origin, exec_platforms: sdk.exec_platforms.clone() }
}
