//! Which commit and which directory of a repository a module version is (`cmd/go/internal/modfetch/coderepo.go`).

use super::git::{Commit, Repository};
use super::root::Root;
use crate::error::{Error, Result};
use crate::module::ModuleId;
use crate::module::pseudo::Pseudo;
use crate::module::semver;

/// Where a module version is.
pub(super) struct Source {
    /// The commit that has it.
    pub commit: Commit,
    /// The directory that has its go.mod; empty for the top.
    pub directory: String,
    /// Its go.mod; modules from before there were modules have none.
    pub go_mod: Option<Vec<u8>>,
}

/// A module path, held against the repository that has it.
pub(super) struct Location<'a> {
    path: &'a str,
    /// The repository's own path is the whole one, so that a major version isn't a directory.
    is_root: bool,
    /// The directory by the path; what is in its directory `v2` has the path with `/v2`, too.
    directory: String,
    /// `/v2`, `.v2` for gopkg.in, or empty.
    major: &'a str,
    /// The path without it.
    stem: &'a str,
}

impl<'a> Location<'a> {
    /// Where a repository has a module.
    ///
    /// # Errors
    ///
    /// A path that isn't below that of the repository.
    pub fn new(path: &'a str, root: &Root) -> Result<Location<'a>> {
        let major = semver::path_major(path).ok_or_else(|| Error::input(format!("invalid module path \"{path}\"")))?;
        let is_root = root.path == path;
        let stem = if is_root { path } else { &path[..path.len() - major.len()] };
        let below = stem.strip_prefix(root.path.as_str()).filter(|rest| rest.is_empty() || rest.starts_with('/'));
        let below =
            below.ok_or_else(|| Error::input(format!("repository rooted at {} cannot contain module {path}", root.path)))?;
        let parts = [below.trim_matches('/'), root.directory.trim_matches('/')];
        let directory = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/");
        Ok(Location { path, is_root, directory, major, stem })
    }

    /// What the names of the module's tags begin with.
    pub fn tag_prefix(&self) -> String {
        if self.directory.is_empty() { String::new() } else { format!("{}/", self.directory) }
    }

    /// Finds a version, and checks it as `go mod download` does.
    ///
    /// # Errors
    ///
    /// A version that doesn't exist, one that isn't what the commit says, and a module that is another one.
    pub fn find(&self, repository: &Repository<'_>, version: &str) -> Result<Source> {
        let invalid = |why: String| Error::input(format!("{}@{version}: invalid version: {why}", self.path)).help(ADVICE);
        if semver::canonical(version).as_deref() != Some(version) {
            return Err(invalid("it is not canonical".to_owned()));
        }
        let pseudo = Pseudo::parse(version);
        let plain = version.strip_suffix("+incompatible").unwrap_or(version);
        let revision = match pseudo {
            Some(pseudo) => pseudo.revision.to_owned(),
            None => format!("{}{plain}", self.tag_prefix()),
        };
        let commit = repository.commit(&revision)?;
        if pseudo.is_none() && !repository.refs()?.contains_key(&format!("refs/tags/{revision}")) {
            return Err(invalid(format!("{revision} is a branch, and not a tag")));
        }
        let (directory, go_mod) = self.directory(repository, &commit, version)?;
        self.check_major(repository, &commit, version).map_err(&invalid)?;
        if let Some(pseudo) = pseudo {
            self.check_pseudo(repository, &commit, version, pseudo)?
                .map_err(|why| invalid(why).context("invalid pseudo-version"))?;
        }
        Ok(Source { commit, directory, go_mod })
    }

    /// The directory that has the module, and its go.mod (`findDir`).
    fn directory(&self, repository: &Repository<'_>, commit: &Commit, version: &str) -> Result<(String, Option<Vec<u8>>)> {
        let join = |directory: &str| {
            if self.directory.is_empty() { directory.to_owned() } else { format!("{}/{directory}", self.directory) }
        };
        let wrong = |why: String| {
            Error::input(format!("{}@{version}: {why}", self.path)).help(
                "check path and version in go.mod: the go.mod in the repository says which path a module has, and where it is",
            )
        };
        let own_file = join("go.mod");
        let own = repository.read(commit, &own_file)?;
        let own_path = own.as_deref().map(module_path).unwrap_or_default();
        let own_fits = own.is_some() && (has_major(&own_path, self.major) || self.may_replace(&own_path));
        let mut suffix = String::new();
        if self.major.starts_with('/') && !self.is_root {
            let below = join(&self.major[1..]);
            let file = format!("{below}/go.mod");
            if let Some(content) = repository.read(commit, &file)? {
                let path = module_path(&content);
                return match has_major(&path, self.major) {
                    true if own_fits => Err(wrong(format!("{own_file} and {file} both have module paths with {}", self.major))),
                    true => Ok((below, Some(content))),
                    false => Err(wrong(format!("{file} has the module path \"{path}\", not one with {}", self.major))),
                };
            }
            suffix = format!(", and there is no {file}");
        }
        if own_fits {
            return Ok((self.directory.clone(), own));
        }
        if own.is_some() {
            let why = match own_path.as_str() {
                "" => "no module path".to_owned(),
                path if !self.major.is_empty() => format!("the module path \"{path}\", not one with {}", self.major),
                path => format!("the module path \"{path}\", which is for another major version"),
            };
            return Err(wrong(format!("{own_file} has {why}{suffix}")));
        }
        if self.directory.is_empty() && !self.major.starts_with('/') {
            return Ok((String::new(), None));
        }
        // The top directory is `/v2` itself when the host says so.
        if self.directory.is_empty() && self.is_root {
            return Err(wrong("there is no go.mod, which a module with a major version needs".to_owned()));
        }
        Err(wrong(format!("there is no {own_file}{suffix}")))
    }

    /// Modules of gopkg.in may stand in for those with another path, since an old Go let them.
    fn may_replace(&self, found: &str) -> bool {
        self.major.is_empty() && found.starts_with("gopkg.in/")
    }

    /// Whether the major version is one that the path may have; `+incompatible` is for those without go.mod only.
    fn check_major(&self, repository: &Repository<'_>, commit: &Commit, version: &str) -> Result<(), String> {
        let plain = version.strip_suffix("+incompatible").unwrap_or(version);
        let major = semver::major(plain);
        let fits = semver::path_fault(self.path, plain).is_none();
        let has_go_mod = || repository.read(commit, "go.mod").is_ok_and(|found| found.is_some());
        match (fits, version != plain) {
            (true, false) => Ok(()),
            (true, true) => Err(format!("+incompatible suffix not allowed: major version {major} is compatible")),
            (false, _) if !self.major.is_empty() => {
                Err("module path includes a major version suffix, so major version must match".to_owned())
            }
            (false, _) if !self.directory.is_empty() || has_go_mod() => Err(format!(
                "module contains a go.mod file, so module path must match major version (\"{}/{major}\")",
                self.stem
            )),
            (false, true) => Ok(()),
            (false, false) => Err(format!("it must have the suffix +incompatible: {version}+incompatible")),
        }
    }

    /// Whether a pseudo-version says what its commit says (`validatePseudoVersion`). Otherwise anyone could name a commit by a
    /// version that is higher than all others.
    fn check_pseudo(
        &self,
        repository: &Repository<'_>,
        commit: &Commit,
        version: &str,
        pseudo: Pseudo<'_>,
    ) -> Result<Result<(), String>> {
        let revision = pseudo.revision;
        let short = &commit.hash[..12];
        if revision != short {
            let how = match (revision.starts_with(short), short.starts_with(revision)) {
                (true, _) => "revision is longer than canonical",
                (_, true) => "revision is shorter than canonical",
                _ => "does not match short name of revision",
            };
            return Ok(Err(format!("{how} (expected {short})")));
        }
        let time = timestamp(commit.time);
        if pseudo.time != time {
            return Ok(Err(format!("does not match version-control timestamp (expected {time})")));
        }
        let base = match pseudo.base() {
            Err(why) => return Ok(Err(why)),
            Ok(None) if self.major.is_empty() && semver::major(version) == "v1" => {
                return Ok(Err("major version without preceding tag must be v0, not v1".to_owned()));
            }
            Ok(None) => return Ok(Ok(())),
            Ok(Some(base)) => base.strip_suffix("+incompatible").map(str::to_owned).unwrap_or(base),
        };
        let prefix = self.tag_prefix();
        let refs = repository.refs()?;
        let tags = refs.iter().filter_map(|(name, hash)| Some((name.strip_prefix("refs/tags/")?.strip_prefix(&prefix)?, hash)));
        let mut seen = None;
        for (tag, hash) in tags.filter(|(tag, _)| tag.starts_with(&base) && semver::compare(tag, &base).is_eq()) {
            let name = format!("{prefix}{tag}");
            if tag == base && *hash == commit.hash {
                return Ok(Err(format!("tag ({name}) found on revision {revision} is already canonical: use its version")));
            }
            if repository.descends_from(commit, &name)? {
                return Ok(Ok(()));
            }
            seen = Some(name);
        }
        Ok(Err(match seen {
            Some(name) => format!("revision {revision} is not a descendant of the preceding tag ({name})"),
            None => format!("preceding tag ({base}) not found"),
        }))
    }
}

/// The go.mod of a module that has none (`LegacyGoMod`).
pub(super) fn legacy_go_mod(id: &ModuleId) -> Vec<u8> {
    format!("module {}\n", id.path).into_bytes()
}

const ADVICE: &str = "`go get <module>@<commit or version>` writes the right version into go.mod";

/// The module path in a go.mod, which need not be well-formed otherwise (`modfile.ModulePath`); empty if there is none.
fn module_path(go_mod: &[u8]) -> String {
    let text = String::from_utf8_lossy(go_mod);
    let path = text.lines().find_map(|line| {
        let line = line.split("//").next().unwrap_or(line).trim();
        let rest = line.strip_prefix("module")?;
        let path = rest.trim_start();
        if path.len() == rest.len() || path.is_empty() { None } else { Some(path) }
    });
    let path = path.unwrap_or_default();
    let quoted = |quote: char| path.strip_prefix(quote)?.strip_suffix(quote).filter(|inner| !inner.contains([quote, '\\']));
    match path.starts_with(['"', '`']) {
        true => quoted('"').or_else(|| quoted('`')).unwrap_or_default().to_owned(),
        false => path.to_owned(),
    }
}

/// Whether the major version of a module path found in go.mod is the one that is looked for (`isMajor`).
fn has_major(found: &str, major: &str) -> bool {
    let Some(other) = semver::path_major(found).filter(|_| !found.is_empty()) else { return false };
    match (major, other) {
        ("", _) => matches!(other.trim_end_matches("-unstable"), "" | ".v0" | ".v1"),
        (_, "") => false,
        _ => major[1..] == other[1..],
    }
}

/// Seconds since 1970 as `yyyymmddhhmmss` in UTC (the civil calendar by H. Hinnant's `civil_from_days`).
fn timestamp(seconds: i64) -> String {
    let (days, second) = (seconds.div_euclid(86400), seconds.rem_euclid(86400));
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}{month:02}{day:02}{:02}{:02}{:02}", second / 3600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (seconds, expected) in [
            (0, "19700101000000"),
            (951_782_399, "20000228235959"),
            (951_782_400, "20000229000000"),
            (1_704_164_645, "20240102030405"),
            (4_107_542_399, "21000228235959"),
            (4_107_542_400, "21000301000000"),
            (-1, "19691231235959"),
        ] {
            assert_eq!(timestamp(seconds), expected);
        }
    }

    #[test]
    fn module_paths_of_broken_files() {
        for (text, expected) in [
            ("// comment\nmodule a.example/m // x\n", "a.example/m"),
            ("module\nmodule \"a.example/m\"\n", "a.example/m"),
            ("module `a`", "a"),
            ("modulex a\n", ""),
            ("module \"a\n", ""),
            ("../other/go.mod", ""),
        ] {
            assert_eq!(module_path(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn places_in_a_repository() {
        let at = |path: &str, root: &str, directory: &str| {
            let place = super::super::root::Place::Git(Vec::new());
            let root = Root { path: root.to_owned(), directory: directory.to_owned(), place };
            match Location::new(path, &root) {
                Ok(l) => format!("{} {} {}", l.directory, l.major, l.stem),
                Err(error) => error.message().to_owned(),
            }
        };
        assert_eq!(at("a.b/r/sub/v2", "a.b/r", ""), "sub /v2 a.b/r/sub");
        assert_eq!(at("a.b/r/v2", "a.b/r", ""), " /v2 a.b/r");
        assert_eq!(at("a.b/r/v2", "a.b/r/v2", ""), " /v2 a.b/r/v2");
        assert_eq!(at("a.b/r/x", "a.b/r", "d/e"), "x/d/e  a.b/r/x");
        assert_eq!(at("gopkg.in/yaml.v3", "gopkg.in/yaml.v3", ""), " .v3 gopkg.in/yaml.v3");
        assert_eq!(at("a.b/rx", "a.b/r", ""), "repository rooted at a.b/r cannot contain module a.b/rx");
    }
}
