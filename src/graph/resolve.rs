//! Which package an import means, and whether the importer may import it (`importFromModules`, `disallowInternal` in cmd/go).

use crate::error::{Error, Result};
use crate::graph::load::is_local;
use crate::graph::problem::{Problem, ProblemKind};
use crate::graph::sources::{ModuleInfo, Sources, Std, ThirdParty};
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
    /// The package that `path` names, which need not be an import path (`importFromModules` in cmd/go).
    ///
    /// # Errors
    ///
    /// When it isn't an import path, no module provides it, or more than one.
    pub fn locate(&self, path: &str) -> Result<Origin, Problem> {
        if is_local(path) {
            let error = Error::input(format!("{path:?} is relative, but relative import paths are not supported"))
                .help("write the package's whole import path");
            let text = format!("{path:?} is relative, but relative import paths are not supported in module mode");
            return Err(Problem::import(text, error));
        }
        if path.starts_with('/') {
            return Err(Problem::plain(format!("{path:?} is not a package path; see 'go help packages'")));
        }
        if matches!(path, "std" | "cmd" | "tool" | "work" | "all") {
            return Err(Problem::plain(format!("{path:?} is not an importable package; see 'go help packages'")));
        }
        // The go command drops these early, so that it doesn't find them later.
        if path == "C" || matches!(path.split('/').next(), Some("appengine" | "appengine_internal")) {
            return Err(Problem::plain("cannot find package"));
        }
        if let Some(fault) = import_path_fault(path) {
            return Err(Problem::plain(format!("malformed import path {path:?}: {fault}")));
        }
        self.locate_valid(&path.parse::<ImportPath>()?)
    }

    fn locate_valid(&self, path: &ImportPath) -> Result<Origin, Problem> {
        let mut candidates = Vec::new();
        let is_std = !path.as_str().split('/').next().unwrap_or_default().contains('.');
        if is_std && self.has_std(path.as_str())? {
            candidates.push(Origin::Std);
        }
        for (index, module) in self.main.iter().enumerate() {
            if let Some(directory) = path.below(module.path.as_str())
                && self.main_package(index, directory)?.is_some()
            {
                if let Some(problem) = self.unreadable(index, directory)? {
                    return Err(problem);
                }
                candidates.push(Origin::Main { index, directory: directory.to_owned() });
            }
        }
        match self.vendored_at(path) {
            Some((index, directory)) if self.module_source(index, &directory)?.is_some() => {
                candidates.push(Origin::Module { index, directory });
            }
            _ if matches!(self.third_party, ThirdParty::VendorTree { .. }) => {}
            _ => self.add_modules(path, &mut candidates)?,
        }
        if candidates.len() > 1 {
            return Err(self.ambiguous(path, &candidates));
        }
        candidates.pop().ok_or_else(|| self.missing(path))
    }

    /// Adds the third-party modules that have a package.
    fn add_modules(&self, path: &ImportPath, candidates: &mut Vec<Origin>) -> Result<(), Problem> {
        let mut prefix = path.as_str();
        loop {
            if let Some(index) = self.module_at(prefix) {
                let directory = path.below(prefix).unwrap_or("");
                self.check_vouched(index, path)?;
                if self.module_package(index, directory)?.is_some() || self.module_source(index, directory)?.is_some() {
                    candidates.push(Origin::Module { index, directory: directory.to_owned() });
                }
            }
            match prefix.rsplit_once('/') {
                Some((parent, _)) => prefix = parent,
                None => return Ok(()),
            }
        }
    }

    /// Refuses to say anything of a module that nothing vouches for.
    fn check_vouched(&self, index: usize, path: &ImportPath) -> Result<(), Problem> {
        let ThirdParty::Unpacked { modules, .. } = &self.third_party else { return Ok(()) };
        let module = &modules[index];
        if module.vouched {
            return Ok(());
        }
        let ModuleInfo { path: module, version, .. } = &module.info;
        let text = format!("missing go.sum entry for module providing package {path}; to add:\n\tgo mod download {module}");
        let error = Error::input(format!(
            "package {path} may be in {module}@{version}, which neither godirect.lock.json nor go.sum has"
        ));
        Err(Problem::import(
            text,
            error.help("`go mod download` adds it to go.sum; the lock has what the spec's platforms need"),
        ))
    }

    fn ambiguous(&self, path: &ImportPath, candidates: &[Origin]) -> Problem {
        let mut places: Vec<String> = candidates.iter().map(|c| self.describe(c)).collect();
        places.sort();
        let error = Error::input(format!("ambiguous import: found package {path} in multiple places: {}", places.join(", ")))
            .help("remove one of the modules from go.mod, or change its version");
        let vendored = matches!(self.third_party, ThirdParty::VendorTree { .. });
        let mut text =
            format!("ambiguous import: found package {path} in multiple {}:", if vendored { "directories" } else { "modules" });
        // The go command goes from the shortest module path to the longest, std after all.
        let mut candidates: Vec<&Origin> = candidates.iter().collect();
        if !vendored {
            candidates.sort_by_key(|c| (**c == Origin::Std, self.module_path(c).len()));
        }
        for candidate in candidates {
            let directory = self.directory_of(candidate, path.as_str()).unwrap_or_default();
            text += &match (vendored, candidate) {
                (true, _) => format!("\n\t{directory}"),
                (false, _) => format!("\n\t{} ({directory})", self.describe(candidate).replace('@', " ")),
            };
        }
        Problem::import(text, error)
    }

    /// The path of the module that has a package; empty for std.
    fn module_path(&self, origin: &Origin) -> &str {
        match origin {
            Origin::Std => "",
            Origin::Main { index, .. } => self.main[*index].path.as_str(),
            Origin::Module { index, .. } => self.module(*index).0.as_str(),
        }
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

    fn missing(&self, path: &ImportPath) -> Problem {
        let in_main = self.main.iter().find(|m| path.below(m.path.as_str()).is_some());
        let is_std = !path.as_str().split('/').next().unwrap_or_default().contains('.');
        let text = match (self.std, &self.third_party) {
            (Std::Tree(tree), _) if is_std => format!("package {path} is not in std ({})", tree.path(path.as_str()).display()),
            (_, ThirdParty::VendorTree { .. }) => format!(
                "cannot find module providing package {path}: import lookup disabled by -mod=vendor\n\t(Go version in {} is at least 1.14 and vendor directory exists.)",
                if self.in_workspace { "go.work" } else { "go.mod" }
            ),
            _ => format!("no required module provides package {path}; to add it:\n\tgo get {path}"),
        };
        let error = match in_main {
            Some(module) => {
                Error::input(format!("package {path} is not in module {}: its directory has no Go files", module.path))
            }
            None if is_std => Error::input(format!("package {path} is not in std"))
                .help("check the import path; if the SDK has it, run `godirect lock`"),
            None => {
                let error = Error::input(format!("no required module provides package {path}"));
                match &self.third_party {
                    ThirdParty::Locked(_) => {
                        error.help("if go.mod requires its module, run `godirect lock`; else `go get` it first")
                    }
                    ThirdParty::Vendored(_) => {
                        error.help("if vendor/ has it, run `godirect lock`; else `go mod vendor` or `go work vendor` first")
                    }
                    ThirdParty::Unlocked { vendored: true, .. } => error
                        .help(format!("vendor/ doesn't have it: `go get {path}`, then `go mod vendor` or `go work vendor`")),
                    _ => error.help(format!("run `go get {path}`")),
                }
            }
        };
        Problem { text, error, directory: String::new(), kind: ProblemKind::Missing }
    }
}

/// Why Go refuses an import path (`module.CheckImportPath`), or `None`.
pub(super) fn import_path_fault(path: &str) -> Option<String> {
    const WINDOWS: [&str; 4] = ["con", "prn", "aux", "nul"];
    if path.is_empty() {
        return Some("empty string".to_owned());
    }
    for (wrong, fault) in [
        (path.starts_with('-'), "leading dash"),
        (path.contains("//"), "double slash"),
        (path.ends_with('/'), "trailing slash"),
    ] {
        if wrong {
            return Some(fault.to_owned());
        }
    }
    for element in path.split('/') {
        if element.is_empty() {
            return Some("empty path element".to_owned());
        }
        if element.bytes().all(|b| b == b'.') {
            return Some(format!("invalid path element {element:?}"));
        }
        if element.ends_with('.') {
            return Some("trailing dot in path element".to_owned());
        }
        if let Some(c) = element.chars().find(|c| !c.is_ascii_alphanumeric() && !"-._~+".contains(*c)) {
            return Some(format!("invalid char {c:?}"));
        }
        let short = element.split('.').next().unwrap_or_default();
        let lower = short.to_ascii_lowercase();
        let numbered = |device: &str| matches!(lower.strip_prefix(device).map(str::as_bytes), Some([b'1'..=b'9']));
        if WINDOWS.contains(&lower.as_str()) || numbered("com") || numbered("lpt") {
            return Some(format!("{short:?} disallowed as path element component on Windows"));
        }
        if short.rsplit_once('~').is_some_and(|(_, digits)| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())) {
            return Some("trailing tilde and digits in path element".to_owned());
        }
    }
    None
}

/// Whether `importer` may import `path`: what is below `internal` belongs to the tree of `internal`'s parent.
pub(super) fn may_import(importer: &str, importer_origin: &Origin, path: &str, target: &Origin) -> bool {
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
