//! Packages from vendor/, which `go mod vendor` and `go work vendor` fill.

use super::Project;
use super::freshness::stale;
use crate::error::Result;
use crate::lock;
use crate::lock::file::{Lockfile, Vendored, VendoredReplacement};
use crate::module::modules_txt::ModulesTxt;
use crate::module::mvs::Selected;
use crate::module::{self, ModuleId};
use crate::name::ModulePath;
use crate::platform::OsArch;
use crate::source::record::PackageRecord;
use crate::source::scan::{Tests, scan};
use crate::source::tree::join;

impl Project {
    /// The vendor directory, relative to the spec; it need not be there.
    pub(super) fn vendor_directory(&self) -> String {
        self.in_repository("vendor")
    }

    /// The record of a package that vendor/modules.txt lists as one of `module`'s.
    pub(super) fn vendored_record(
        &self,
        vendored: &ModulesTxt,
        module: &Selected,
        directory: &str,
    ) -> Result<Option<PackageRecord>> {
        if !provides(vendored, &module.id, directory)? {
            return Ok(None);
        }
        let place = join(&join(&self.vendor_directory(), module.id.path.as_str()), directory);
        self.refuse_symlinks(&place)?;
        let scanned = scan(&self.tree, &place, Tests::Exclude)?;
        let platforms: Vec<OsArch> = self.spec.os_arches().into_iter().collect();
        if scanned.has_go_files() { scanned.record(&self.tree, &platforms).map(Some) } else { Ok(None) }
    }

    /// Whether vendor/ fits go.mod, and the lock fits vendor/.
    pub(super) fn check_vendored(&self, lock: &Lockfile) -> Result<()> {
        let Some(listed) = &self.workspace.vendor else {
            return match lock.vendored.first() {
                Some(module) => Err(stale(format!("it has {} from vendor/, which go build doesn't use", module.path))),
                None => Ok(()),
            };
        };
        module::vendor::check(&self.workspace, listed)?;
        let others = lock.modules.iter().map(|m| &m.path).chain(lock.local.iter().map(|m| &m.path)).next();
        if let Some(path) = others {
            return Err(stale(format!("it doesn't have {path} from vendor/, which go build uses")));
        }
        lock.vendored.iter().try_for_each(|module| self.check_vendored_module(listed, module))
    }

    fn check_vendored_module(&self, listed: &ModulesTxt, module: &Vendored) -> Result<()> {
        let Vendored { path, version, .. } = module;
        let id = ModuleId { path: path.clone(), version: version.clone() };
        let found = listed.find(path, Some(version));
        let provided = module.packages.keys().map(|directory| provides(listed, &id, directory));
        let (Some(found), true) = (found, provided.collect::<Result<Vec<_>>>()?.into_iter().all(|p| p)) else {
            return Err(stale(format!("it has packages of {id} that vendor/modules.txt doesn't list")));
        };
        let replace = module::vendor::replacement(&self.workspace, &id);
        let replace = replace.map(|(path, version)| VendoredReplacement { path, version });
        if found.go != module.go || replace != module.replace || module.directory != self.vendored_root(path) {
            return Err(stale(format!("vendor/modules.txt says other things of {id}")));
        }
        let root = self.dir.join(&module.directory);
        match lock::vendor::hash(&self.files, &root, path, version, &module.packages) {
            Ok(h1) if h1 == module.h1 => Ok(()),
            Ok(_) => Err(stale(format!("the files of {id} in vendor/ are not those that it was made for"))),
            Err(error) => Err(stale(error.message().to_owned())),
        }
    }

    fn vendored_root(&self, path: &ModulePath) -> String {
        join(&self.vendor_directory(), path.as_str())
    }
}

/// Whether a package belongs to this version of a module: directories of modules can be interleaved in vendor/.
fn provides(listed: &ModulesTxt, id: &ModuleId, directory: &str) -> Result<bool> {
    let package = id.path.root().join(directory)?;
    Ok(listed.provider(&package).is_some_and(|m| m.path == id.path && m.version.as_ref() == Some(&id.version)))
}
