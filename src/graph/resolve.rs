//! Which package an import means, and whether the importer may import it (`importFromModules`, `disallowInternal` in cmd/go).

use crate::error::{Error, Result};
use crate::graph::sources::{Sources, ThirdParty};
use crate::name::ImportPath;

/// Where a package comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The SDK's `src`, in the directory of the import path.
    Std,
    /// A third-party module.
    Module {
        /// Its index in [`Sources::third_party`].
        index: usize,
        /// The directory in it; empty for its root.
        directory: String,
    },
    /// A main module, or a local replacement.
    Main {
        /// Its index in [`Sources::main`].
        index: usize,
        /// The directory in the module; empty for its root.
        directory: String,
    },
}

impl Sources<'_> {
    /// The package that `path` names. Unlike [`Sources::resolve_import`] it takes std's vendored packages by their own name.
    ///
    /// # Errors
    ///
    /// When no module provides it, or more than one.
    pub fn resolve(&self, path: &ImportPath) -> Result<Origin> {
        let mut candidates = Vec::new();
        if self.std.contains_key(path.as_str()) {
            candidates.push(Origin::Std);
        }
        for (index, module) in self.main.iter().enumerate() {
            if let Some(directory) = path.below(module.path.as_str())
                && self.main_package(index, directory)?.is_some()
            {
                candidates.push(Origin::Main { index, directory: directory.to_owned() });
            }
        }
        let mut prefix = path.as_str();
        loop {
            if let Some(index) = self.module_at(prefix) {
                let directory = path.below(prefix).unwrap_or("");
                if self.module_package(index, directory)?.is_some() {
                    candidates.push(Origin::Module { index, directory: directory.to_owned() });
                }
            }
            match prefix.rsplit_once('/') {
                Some((parent, _)) => prefix = parent,
                None => break,
            }
        }
        if candidates.len() > 1 {
            let mut places: Vec<String> = candidates.iter().map(|c| self.describe(c)).collect();
            places.sort();
            return Err(Error::input(format!(
                "ambiguous import: found package {path} in multiple places: {}",
                places.join(", ")
            ))
            .help("remove one of the modules from go.mod, or change its version"));
        }
        candidates.pop().ok_or_else(|| self.missing(path))
    }

    /// The package that the import `written` in the package `importer` means; `None` for `C` and `unsafe`, which aren't compiled.
    ///
    /// # Errors
    ///
    /// When it isn't an import path, no module provides it, or it is internal to others.
    pub fn resolve_import(
        &self,
        written: &str,
        importer: &ImportPath,
        origin: &Origin,
    ) -> Result<Option<(ImportPath, Origin)>> {
        if matches!(written, "C" | "unsafe") {
            return Ok(None);
        }
        if matches!(written, "." | "..") || written.starts_with("./") || written.starts_with("../") {
            return Err(Error::input(format!("\"{written}\" is relative, but relative import paths are not supported"))
                .help("write the package's whole import path"));
        }
        let vendored = *origin == Origin::Std && written.starts_with("golang.org/x/");
        let path: ImportPath = if vendored { format!("vendor/{written}").parse()? } else { written.parse()? };
        if *origin != Origin::Std && written.starts_with("vendor/") {
            return Err(self.missing(&path));
        }
        let target = self.resolve(&path)?;
        if !may_import(importer.as_str(), origin, path.as_str(), &target) {
            return Err(Error::input(format!("use of internal package {path} not allowed in {importer}")));
        }
        Ok(Some((path, target)))
    }

    /// A module as people name it.
    pub fn describe(&self, origin: &Origin) -> String {
        match origin {
            Origin::Std => "std".to_owned(),
            Origin::Main { index, .. } => self.main[*index].id(),
            Origin::Module { index, .. } => {
                let (path, version, _) = self.module(*index);
                format!("{path}@{version}")
            }
        }
    }

    fn missing(&self, path: &ImportPath) -> Error {
        if let Some(module) = self.main.iter().find(|m| path.below(m.path.as_str()).is_some()) {
            return Error::input(format!("package {path} is not in module {}: its directory has no Go files", module.path));
        }
        let first = path.as_str().split('/').next().unwrap_or_default();
        if !first.contains('.') {
            return Error::input(format!("package {path} is not in std"))
                .help("check the import path; if the SDK has it, run `godirect lock`");
        }
        let error = Error::input(format!("no required module provides package {path}"));
        match &self.third_party {
            ThirdParty::Locked(_) => error.help("if go.mod requires its module, run `godirect lock`; else `go get` it first"),
            ThirdParty::Vendored(_) => {
                error.help("if vendor/ has it, run `godirect lock`; else `go mod vendor` or `go work vendor` first")
            }
            ThirdParty::Unlocked { vendored: true, .. } => {
                error.help(format!("vendor/ doesn't have it: `go get {path}`, then `go mod vendor` or `go work vendor`"))
            }
            ThirdParty::Unlocked { .. } => error.help(format!("run `go get {path}`")),
        }
    }
}

/// Whether `importer` may import `path`: what is below `internal` belongs to the tree of `internal`'s parent.
fn may_import(importer: &str, importer_origin: &Origin, path: &str, target: &Origin) -> bool {
    let below =
        |path: &str, root: &str| root.is_empty() || path.strip_prefix(root).is_some_and(|r| r.is_empty() || r.starts_with('/'));
    let Some(parent) = internal_parent(path) else { return true };
    if *target != Origin::Std {
        return below(importer, parent);
    }
    if *importer_origin != Origin::Std {
        return false;
    }
    // Snapshots of the FIPS module stand elsewhere, so cmd/go has a rule of their own for them.
    if below(importer, "crypto") && below(path, "crypto/internal/fips140") {
        return true;
    }
    if below(importer, "crypto/internal/fips140") {
        return below(path, "crypto/internal");
    }
    below(importer, parent)
}

/// What stands before the last element `internal`; `None` when there is none.
fn internal_parent(path: &str) -> Option<&str> {
    let mut end = path.len();
    for element in path.rsplit('/') {
        let start = end - element.len();
        if element == "internal" {
            return Some(path[..start].trim_end_matches('/'));
        }
        end = start.saturating_sub(1);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internal_packages_belong_to_their_parents_tree() {
        let module = Origin::Main { index: 0, directory: String::new() };
        for (importer, path, allowed) in [
            ("m/a", "m/internal/x", true),
            ("m", "m/internal", true),
            ("mx", "m/internal", false),
            ("m/a/b", "m/a/internal/x/y", true),
            ("m/b", "m/a/internal/x/y", false),
            ("m/a/internal/x", "m/a/internal/x/internal/y", true),
            ("m/b", "m/internals/x", true),
        ] {
            assert_eq!(may_import(importer, &module, path, &module), allowed, "{importer} {path}");
        }
        assert!(may_import("fmt", &Origin::Std, "internal/abi", &Origin::Std));
        assert!(!may_import("m", &module, "internal/abi", &Origin::Std));
        assert!(!may_import("crypto/internal/fips140/aes", &Origin::Std, "internal/abi", &Origin::Std));
        assert!(may_import("crypto/internal/fips140/aes", &Origin::Std, "crypto/internal/impl", &Origin::Std));
    }
}
