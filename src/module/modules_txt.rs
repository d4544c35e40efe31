//! vendor/modules.txt, which `go mod vendor` and `go work vendor` write (`readVendorList` in `cmd/go/internal/modload/vendor.go`).

use std::collections::BTreeMap;
use std::path::Path;

use super::gomod::Target;
use super::{ModuleId, semver};
use crate::error::{Error, Location, Result};
use crate::name::{GoVersion, ImportPath, ModulePath, ModuleVersion};

/// A parsed modules.txt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModulesTxt {
    /// Whether `go work vendor` wrote it.
    pub workspace: bool,
    /// Everything with a line of its own, in order: modules, and replacements of all versions of one.
    pub modules: Vec<ModuleEntry>,
    /// The index in `modules` of those that provide packages, in order.
    providers: Vec<usize>,
    /// The module of each package, as index in `modules`.
    packages: BTreeMap<ImportPath, usize>,
}

/// What modules.txt says of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleEntry {
    /// The module path that imports use.
    pub path: ModulePath,
    /// The version; absent in a line that only names the replacement of all versions.
    pub version: Option<ModuleVersion>,
    /// What takes its place; directories are as in [`Workspace::shown_replacement`](super::workspace::Workspace::shown_replacement).
    pub replacement: Option<Target>,
    /// Whether a go.mod of the repository requires it.
    pub explicit: bool,
    /// The go line of its go.mod; absent also when the main module is older than Go 1.17.
    pub go: Option<GoVersion>,
}

impl ModulesTxt {
    /// Parses modules.txt. Lines of an unknown form are passed over, as Go does.
    ///
    /// # Errors
    ///
    /// A malformed module path or go version, with its place.
    pub fn parse(path: &Path, content: &str) -> Result<ModulesTxt> {
        let mut parsed = ModulesTxt { workspace: is_of_workspace(content), ..ModulesTxt::default() };
        let mut current = None;
        let mut offset = 0;
        for line in content.split('\n') {
            let place = |error: Error| error.at(Location::in_text(path, content, offset, line.len()));
            if line.starts_with("# ") {
                let words: Vec<&str> = line.split_whitespace().collect();
                if words.len() >= 3 {
                    current = parsed.module_line(&words[1..]).map_err(place)?;
                }
            } else if let Some(index) = current {
                match line.strip_prefix("## ") {
                    Some(annotations) => parsed.modules[index].annotate(annotations).map_err(place)?,
                    None => parsed.package_line(index, line),
                }
            }
            offset += line.len() + 1;
        }
        Ok(parsed)
    }

    /// `path [version] [=> replacement]`; gives the index of the module, or `None` for something else.
    fn module_line(&mut self, words: &[&str]) -> Result<Option<usize>> {
        let (version, rest) = match &words[1..] {
            [version, rest @ ..] if is_version(version) => (Some(version.parse()?), rest),
            rest @ ["=>", ..] => (None, rest),
            _ => return Ok(None),
        };
        let path: ModulePath = words[0].parse()?;
        let known = self.modules.iter().position(|m| m.path == path && m.version == version);
        let index = known.unwrap_or(self.modules.len());
        if known.is_none() {
            self.modules.push(ModuleEntry { path, version, replacement: None, explicit: false, go: None });
        }
        match rest {
            ["=>", directory] => self.modules[index].replacement = Some(Target::Directory((*directory).to_owned())),
            ["=>", path, version] if is_version(version) => {
                let id = ModuleId { path: path.parse()?, version: version.parse()? };
                self.modules[index].replacement = Some(Target::Module(id));
            }
            _ => {}
        }
        Ok(Some(index))
    }

    /// A package is in the build, so the version of its module is the selected one.
    fn package_line(&mut self, index: usize, line: &str) {
        let mut words = line.split_whitespace();
        let (Some(word), None, Some(version)) = (words.next(), words.next(), &self.modules[index].version) else { return };
        let Ok(package) = word.parse() else { return };
        self.packages.insert(package, index);
        let is_newer = |other: &ModuleEntry| {
            let other = other.version.as_ref().map_or("", ModuleVersion::as_str);
            semver::compare(version.as_str(), other).is_gt()
        };
        let mut same_path = self.providers.iter().map(|i| &self.modules[*i]).filter(|m| m.path == self.modules[index].path);
        if same_path.all(is_newer) {
            self.providers.push(index);
        }
    }

    /// The modules that provide packages, in order.
    pub fn providers(&self) -> impl Iterator<Item = &ModuleEntry> {
        self.providers.iter().map(|index| &self.modules[*index])
    }

    /// The module that provides a package.
    pub fn provider(&self, package: &ImportPath) -> Option<&ModuleEntry> {
        self.packages.get(package).map(|index| &self.modules[*index])
    }

    /// What it says of a version of a module, or without version of the replacement of all.
    pub fn find(&self, path: &ModulePath, version: Option<&ModuleVersion>) -> Option<&ModuleEntry> {
        self.modules.iter().find(|m| m.path == *path && m.version.as_ref() == version)
    }
}

impl ModuleEntry {
    /// `explicit` and `go 1.N`, separated by semicolons; other words are reserved.
    fn annotate(&mut self, annotations: &str) -> Result<()> {
        for entry in annotations.split(';').map(str::trim) {
            match entry.strip_prefix("go ") {
                Some(go) => self.go = Some(go.parse()?),
                None => self.explicit |= entry == "explicit",
            }
        }
        Ok(())
    }
}

/// `modulesTextIsForWorkspace`
fn is_of_workspace(content: &str) -> bool {
    let first = content.split('\n').next().and_then(|line| line.strip_prefix("## "));
    first.is_some_and(|annotations| annotations.split(';').any(|entry| entry.trim() == "workspace"))
}

fn is_version(text: &str) -> bool {
    semver::canonical(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(content: &str) -> Result<ModulesTxt> {
        ModulesTxt::parse(Path::new("vendor/modules.txt"), content)
    }

    #[test]
    fn every_kind_of_line() {
        let content = "## workspace\n\
            # a.com/a v1.2.0\n## explicit; go 1.17\na.com/a\na.com/a/x\n\
            # a.com/b v1.0.0 => ./b\n## go 1.20\na.com/b\n\
            # a.com/c v2.0.0+incompatible => a.com/fork v1.0.0\n## explicit\n\
            # a.com/a => ./nowhere\n\
            # odd line of no module\nodd.com/passed-over\n\
            # short\n\
            not a package\n";
        let parsed = parse(content).unwrap();
        assert!(parsed.workspace);
        let show = |m: &ModuleEntry| {
            let version = m.version.as_ref().map_or("-", ModuleVersion::as_str);
            let by = m.replacement.as_ref().map_or("-".to_owned(), ToString::to_string);
            let go = m.go.as_ref().map_or("-", GoVersion::as_str);
            format!("{} {version} {by} {} {go}", m.path, m.explicit)
        };
        assert_eq!(
            parsed.modules.iter().map(show).collect::<Vec<_>>(),
            [
                "a.com/a v1.2.0 - true 1.17",
                "a.com/b v1.0.0 ./b false 1.20",
                "a.com/c v2.0.0+incompatible a.com/fork@v1.0.0 true -",
                "a.com/a - ./nowhere false -",
            ]
        );
        assert_eq!(parsed.providers().map(|m| m.path.as_str()).collect::<Vec<_>>(), ["a.com/a", "a.com/b"]);
        let provider = |package: &str| parsed.provider(&package.parse().unwrap()).map(|m| m.path.as_str());
        assert_eq!(
            (provider("a.com/a/x"), provider("a.com/c"), provider("odd.com/passed-over")),
            (Some("a.com/a"), None, None)
        );
    }

    #[test]
    fn the_newest_version_that_provides_packages_is_selected_last() {
        let parsed = parse("# a v1.2.0\na/x\n# a v1.10.0\na/y\n# a v1.3.0\na/z\n").unwrap();
        let versions: Vec<&str> = parsed.providers().filter_map(|m| m.version.as_ref()).map(ModuleVersion::as_str).collect();
        assert_eq!(versions, ["v1.2.0", "v1.10.0"]);
    }

    #[test]
    fn faults_have_their_place() {
        for (content, expected) in [
            ("# a\"b v1.0.0\n", "1:1: malformed module path \"a\\\"b\": it has a character that Go does not allow there"),
            ("# a v1.0.0\n## explicit; go one\n", "2:1: `one` is not a Go version like `1.27.3`"),
        ] {
            assert_eq!(parse(content).unwrap_err().to_string(), format!("vendor/modules.txt:{expected}"));
        }
    }
}
