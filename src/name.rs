//! Names that cross the boundary: parsed once, so that nothing later must escape or check them again.

use std::fmt;
use std::str::FromStr;

use crate::digest::serde_as_string;
use crate::error::{Error, Result};

/// Why a name is refused, or `None` when it can be an import or module path.
///
/// The rules are those of `golang.org/x/mod/module.CheckImportPath`, plus that a path element isn't `.` or `..`.
fn path_fault(path: &str) -> Option<&'static str> {
    if path.is_empty() {
        return Some("it is empty");
    }
    if path.starts_with('/') || path.ends_with('/') || path.contains("//") {
        return Some("it has an empty element");
    }
    if path.starts_with('-') {
        return Some("it begins with a dash");
    }
    if !path.bytes().all(|c| c.is_ascii_alphanumeric() || b"-._~+/".contains(&c)) {
        return Some("it has a character that Go does not allow there");
    }
    if path.split('/').any(|element| element.ends_with('.')) {
        return Some("an element ends with a dot");
    }
    None
}

/// A Go import path, e.g. `net/http` or `github.com/fatih/color`.
///
/// Holds only ASCII letters, digits and `-._~+/`, so it can stand in any file name, label or attribute.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ImportPath(String);

impl ImportPath {
    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `self` below `directory`, which is relative, slash-separated and empty for the root.
    pub fn join(&self, directory: &str) -> Result<ImportPath> {
        if directory.is_empty() { Ok(self.clone()) } else { format!("{}/{directory}", self.0).parse() }
    }

    /// How the go command names the executable of a package: the last element of its path that isn't a major version
    /// (`DefaultExecName` in `cmd/go/internal/load`).
    pub fn command_name(&self) -> &str {
        let is_version = |element: &str| match element.strip_prefix('v') {
            Some(number) => number != "1" && !number.starts_with('0') && is_number(number),
            None => false,
        };
        match self.0.rsplit_once('/') {
            Some((parent, last)) if is_version(last) => parent.rsplit('/').next().unwrap_or(parent),
            Some((_, last)) => last,
            None => &self.0,
        }
    }

    /// The directory below the package or module `root`, or `None` if this isn't below it; empty for `root` itself.
    pub fn below<'a>(&'a self, root: &str) -> Option<&'a str> {
        match self.0.strip_prefix(root)? {
            "" => Some(""),
            rest => rest.strip_prefix('/'),
        }
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// A Go module path, e.g. `github.com/fatih/color`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ModulePath(String);

impl ModulePath {
    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The import path of the module's root package.
    pub fn root(&self) -> ImportPath {
        ImportPath(self.0.clone())
    }
}

/// A module version as it stands in go.mod, e.g. `v1.2.3` or `v0.0.0-20240102030405-abcdef012345`.
///
/// It isn't ordered: see `module::semver` for the order that minimal version selection uses.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ModuleVersion(String);

impl ModuleVersion {
    /// The version as text, with its `v`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A Go language or toolchain version: `1.27`, `1.27.3`, `1.28rc1`, or a vendor's `1.27.3-custom`.
///
/// Ordered as Go orders them (`go/version`), for which a vendor's suffix doesn't count.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct GoVersion {
    text: String,
    minor: u32,
    /// None: a language version without patch, which is before its release candidates.
    pre: Option<(u8, u32)>,
    patch: u32,
}

const BETA: u8 = 0;
const RC: u8 = 1;
const RELEASE: u8 = 2;

impl GoVersion {
    /// The version without `go`, e.g. `1.27.3`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The minor version: 27 of `1.27.3`.
    pub fn minor(&self) -> u32 {
        self.minor
    }

    /// What a vendor put behind the version, e.g. `custom` of `1.27.3-custom`.
    pub fn suffix(&self) -> Option<&str> {
        self.text.split_once('-').map(|(_, suffix)| suffix)
    }

    /// The version of the toolchain that the go command takes for this version: `1.27.0` for `1.27` (`toolchain.Select`).
    pub fn toolchain(&self) -> GoVersion {
        if self.is_release() {
            return self.clone();
        }
        GoVersion { text: format!("{}.0", self.text), minor: self.minor, pre: Some((RELEASE, 0)), patch: 0 }
    }

    /// The language version, e.g. `1.27` of `1.27.3` (`go/version.Lang`).
    pub fn language(&self) -> String {
        format!("1.{}", self.minor)
    }

    /// Whether this names a toolchain that exists: since 1.21 the first release is `1.N.0`, so `1.27` is only a language version.
    pub fn is_release(&self) -> bool {
        self.pre.is_some() || self.minor < 21
    }

    fn key(&self) -> (u32, Option<(u8, u32)>, u32) {
        (self.minor, self.pre, self.patch)
    }
}

impl PartialOrd for GoVersion {
    fn partial_cmp(&self, other: &GoVersion) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for GoVersion {
    fn cmp(&self, other: &GoVersion) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl FromStr for GoVersion {
    type Err = Error;

    fn from_str(text: &str) -> Result<GoVersion> {
        let wrong = || Error::input(format!("`{}` is not a Go version like `1.27.3`", text.escape_debug()));
        let number = |digits: &str| -> Option<u32> {
            let plain = digits.bytes().all(|b| b.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
            if plain { digits.parse().ok() } else { None }
        };
        let (version, suffix) = text.split_once('-').map_or((text, None), |(version, suffix)| (version, Some(suffix)));
        // It becomes part of a module version.
        if suffix.is_some_and(|s| s.is_empty() || !s.chars().all(|c| c.is_ascii_alphanumeric() || "-._+".contains(c))) {
            return Err(wrong());
        }
        let rest = version.strip_prefix("1.").ok_or_else(wrong)?;
        let split = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let minor = number(&rest[..split]).ok_or_else(wrong)?;
        let tail = &rest[split..];
        let (pre, patch) = if tail.is_empty() {
            // Before 1.21 there was no 1.N.0: `1.20` is the release itself.
            (if minor < 21 { Some((RELEASE, 0)) } else { None }, 0)
        } else if let Some(patch) = tail.strip_prefix('.') {
            (Some((RELEASE, 0)), number(patch).ok_or_else(wrong)?)
        } else if let Some(n) = tail.strip_prefix("rc") {
            (Some((RC, number(n).ok_or_else(wrong)?)), 0)
        } else if let Some(n) = tail.strip_prefix("beta") {
            (Some((BETA, number(n).ok_or_else(wrong)?)), 0)
        } else {
            return Err(wrong());
        };
        Ok(GoVersion { text: text.to_owned(), minor, pre, patch })
    }
}

impl fmt::Display for GoVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for ImportPath {
    type Err = Error;

    fn from_str(text: &str) -> Result<ImportPath> {
        match path_fault(text) {
            None => Ok(ImportPath(text.to_owned())),
            Some(why) => Err(Error::input(format!("malformed import path \"{}\": {why}", text.escape_debug()))),
        }
    }
}

impl FromStr for ModulePath {
    type Err = Error;

    fn from_str(text: &str) -> Result<ModulePath> {
        match path_fault(text) {
            None => Ok(ModulePath(text.to_owned())),
            Some(why) => Err(Error::input(format!("malformed module path \"{}\": {why}", text.escape_debug()))),
        }
    }
}

impl FromStr for ModuleVersion {
    type Err = Error;

    fn from_str(text: &str) -> Result<ModuleVersion> {
        let fine = text.strip_prefix('v').is_some_and(|rest| {
            rest.starts_with(|c: char| c.is_ascii_digit())
                && rest.chars().all(|c| c.is_ascii_alphanumeric() || "-._+".contains(c))
        });
        if fine {
            Ok(ModuleVersion(text.to_owned()))
        } else {
            Err(Error::input(format!("`{}` is not a module version like `v1.2.3`", text.escape_debug())))
        }
    }
}

macro_rules! display_as_text {
    ($($type:ty),*) => {$(
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}
display_as_text!(ImportPath, ModulePath, ModuleVersion);
serde_as_string!(ImportPath, ModulePath, ModuleVersion, GoVersion);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_could_escape() {
        for bad in ["", "a\"b", "${x}", "a\nb", "../a", "a/../b", "a//b", "/a", "a/", "-a", "a b", "a\\b", "ä"] {
            assert!(bad.parse::<ImportPath>().is_err(), "{bad:?}");
            assert!(bad.parse::<ModulePath>().is_err(), "{bad:?}");
        }
        assert!("gopkg.in/yaml.v3".parse::<ModulePath>().is_ok());
    }

    #[test]
    fn below_needs_a_whole_element() {
        let path: ImportPath = "example.com/ab/c".parse().unwrap();
        assert_eq!(path.below("example.com/ab"), Some("c"));
        assert_eq!(path.below("example.com/a"), None);
        assert_eq!(path.below("example.com/ab/c"), Some(""));
    }

    #[test]
    fn go_versions_are_ordered_as_go_orders_them() {
        let order =
            ["1.9", "1.20rc1", "1.20", "1.20.1", "1.21", "1.21beta1", "1.21rc1", "1.21rc2", "1.21.0", "1.21.10", "1.27"];
        let versions: Vec<GoVersion> = order.iter().map(|v| v.parse().unwrap()).collect();
        assert!(versions.is_sorted(), "{versions:?}");
        for bad in ["", "1", "2.0", "1.x", "1.27.", "1.027", "go1.27", "1.27.3-", "1.27.3-a/b", "1.27.3-a b", "-custom"] {
            assert!(bad.parse::<GoVersion>().is_err(), "{bad}");
        }
    }

    #[test]
    fn toolchains_have_whole_versions() {
        let toolchain = |text: &str| text.parse::<GoVersion>().unwrap().toolchain();
        for (version, name) in [("1.27", "1.27.0"), ("1.27.3", "1.27.3"), ("1.28rc1", "1.28rc1"), ("1.20", "1.20")] {
            assert_eq!(toolchain(version).as_str(), name);
        }
        assert_eq!(toolchain("1.27"), "1.27.0".parse().unwrap());
        let custom = toolchain("1.27.3-custom");
        assert_eq!((custom.suffix(), custom.language().as_str(), custom.minor()), (Some("custom"), "1.27", 27));
        assert!(custom.cmp(&"1.27.3".parse().unwrap()).is_eq() && custom != "1.27.3".parse().unwrap());
    }
}
