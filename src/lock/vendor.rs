//! Packages from vendor/: nothing is fetched for them, and the lock has the hash of their files.

use std::path::Path;

use super::file::{Vendored, VendoredReplacement};
use super::resolve::Packages;
use crate::digest::{H1, Sha256};
use crate::error::{Error, Result};
use crate::files::Files;
use crate::module::modules_txt::ModulesTxt;
use crate::module::mvs::Selected;
use crate::module::workspace::Workspace;
use crate::module::{self, ModuleId};
use crate::name::{ModulePath, ModuleVersion};

/// The entry of a module; `root` is the repository, `vendor` the vendor directory relative to it.
///
/// # Errors
///
/// Those of [`hash`].
pub fn lock(
    workspace: &Workspace,
    vendored: &ModulesTxt,
    module: &Selected,
    packages: Packages,
    (files, root, vendor): (&Files, &Path, &str),
) -> Result<Vendored> {
    let ModuleId { path, version } = module.id.clone();
    let replace = module::vendor::replacement(workspace, &module.id);
    let replace = replace.map(|(path, version)| VendoredReplacement { path, version });
    let go = vendored.find(&path, Some(&version)).and_then(|m| m.go.clone());
    let directory = format!("{vendor}/{path}");
    let h1 = hash(files, &root.join(&directory), &path, &version, &packages)?;
    Ok(Vendored { path, version, replace, directory, h1, go, packages })
}

/// Go's hash of the files that packages of a vendored module may consist of: those in the packages' directories, and embedded ones,
/// named as in the module's zip. Names that begin with `.` or `_` are left out where nothing embeds them: Go ignores them.
///
/// # Errors
///
/// Those of the file system.
pub fn hash(files: &Files, directory: &Path, path: &ModulePath, version: &ModuleVersion, packages: &Packages) -> Result<H1> {
    let mut names = std::collections::BTreeSet::new();
    for (package, record) in packages {
        let in_package = |name: &str| if package.is_empty() { name.to_owned() } else { format!("{package}/{name}") };
        let place = directory.join(package);
        for entry in files.list(&place).map_err(|e| Error::io("list", &place, &e))? {
            if !entry.name.starts_with(['.', '_']) && entry.is_file() {
                names.insert(in_package(&entry.name));
            }
        }
        names.extend(record.groups.iter().flat_map(|g| g.embed.values().flatten()).map(|name| in_package(name)));
    }
    let digest = |name: String| {
        let file = directory.join(&name);
        let content = files.read(&file).map_err(|e| Error::io("read", &file, &e))?;
        Ok((format!("{path}@{version}/{name}"), Sha256::of(content)))
    };
    Ok(H1::of_files(names.into_iter().map(digest).collect::<Result<_>>()?))
}
