//! Pseudo-versions: versions that name a commit (`golang.org/x/mod/module`, pseudo.go;
//! <https://go.dev/ref/mod#pseudo-versions>).

use super::semver;

/// The parts of a pseudo-version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pseudo<'a> {
    /// What stands before the time: `v0.0.0`, `v1.2.4-0` or `v1.2.3-pre.0`.
    stem: &'a str,
    /// The commit's time in UTC, as 14 digits.
    pub time: &'a str,
    /// The beginning of the commit's hash.
    pub revision: &'a str,
    /// `+incompatible`, or empty.
    build: &'a str,
}

impl<'a> Pseudo<'a> {
    /// Takes a version apart; `None` if it isn't a pseudo-version.
    pub fn parse(version: &'a str) -> Option<Pseudo<'a>> {
        semver::canonical(version)?;
        let (text, build) = version.split_at(version.find('+').unwrap_or(version.len()));
        let (text, revision) = text.rsplit_once('-')?;
        let (stem, time) = text.rsplit_once(['-', '.'])?;
        let release_and_pre = stem.split_once('-');
        let is_stem = match release_and_pre {
            None => text.as_bytes()[stem.len()] == b'-' && stem.ends_with(".0.0"),
            Some((_, pre)) => text.as_bytes()[stem.len()] == b'.' && (pre == "0" || pre.ends_with(".0")),
        };
        let is_time = time.len() == 14 && time.bytes().all(|b| b.is_ascii_digit());
        let is_revision = !revision.is_empty() && revision.bytes().all(|b| b.is_ascii_alphanumeric());
        if is_stem && is_time && is_revision { Some(Pseudo { stem, time, revision, build }) } else { None }
    }

    /// The version of the tag before the commit; `None` where the pseudo-version says that there is none.
    ///
    /// # Errors
    ///
    /// The reason when there can be no such version.
    pub fn base(&self) -> Result<Option<String>, String> {
        let Some((release, pre)) = self.stem.split_once('-') else {
            if self.build.is_empty() {
                return Ok(None);
            }
            return Err(format!("lacks base version, but has build metadata \"{}\"", self.build));
        };
        if let Some(tag) = pre.strip_suffix(".0") {
            return Ok(Some(format!("{release}-{tag}{}", self.build)));
        }
        let before = release.rsplit_once('.').and_then(|(minor, patch)| Some(format!("{minor}.{}", decrement(patch)?)));
        match before {
            Some(before) => Ok(Some(before + self.build)),
            None => Err(format!("version before {release} would have negative patch number")),
        }
    }
}

/// The number before a decimal one of any length.
fn decrement(digits: &str) -> Option<String> {
    let head = digits.trim_end_matches('0');
    let last = head.bytes().last()?;
    let nines = "9".repeat(digits.len() - head.len());
    let less = format!("{}{}{nines}", &head[..head.len() - 1], char::from(last - 1));
    Some(less.strip_prefix('0').filter(|rest| !rest.is_empty()).unwrap_or(&less).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts() {
        let cases = [
            ("v0.0.0-20240102030405-abcdef012345", Some(Ok(None))),
            ("v2.0.0-20240102030405-abcdef012345", Some(Ok(None))),
            ("v1.2.4-0.20240102030405-abcdef012345", Some(Ok(Some("v1.2.3")))),
            ("v1.2.10-0.20240102030405-abcdef012345", Some(Ok(Some("v1.2.9")))),
            ("v1.2.100-0.20240102030405-abcdef012345", Some(Ok(Some("v1.2.99")))),
            ("v1.2.3-pre.0.20240102030405-abcdef012345", Some(Ok(Some("v1.2.3-pre")))),
            ("v1.2.3-pre.1.0.20240102030405-abcdef012345", Some(Ok(Some("v1.2.3-pre.1")))),
            ("v2.0.1-0.20240102030405-abcdef012345+incompatible", Some(Ok(Some("v2.0.0+incompatible")))),
            (
                "v2.0.0-20240102030405-abcdef012345+incompatible",
                Some(Err("lacks base version, but has build metadata \"+incompatible\"")),
            ),
            ("v1.2.0-0.20240102030405-abcdef012345", Some(Err("version before v1.2.0 would have negative patch number"))),
            ("v1.2.3", None),
            ("v1.2.3-pre", None),
            ("v1.2.0-20240102030405-abcdef012345", None),
            ("v0.0.0-2024010203040-abcdef012345", None),
            ("v0.0.0-20240102030405-abcdef_12345", None),
            ("v1.2.3-pre-0.20240102030405-abcdef012345", None),
            ("v1.2.3-pre.20240102030405-abcdef012345", None),
            ("v0.0.0.20240102030405-abcdef012345", None),
        ];
        for (version, expected) in cases {
            let base = Pseudo::parse(version).map(|pseudo| pseudo.base());
            let base = base.as_ref().map(|base| base.as_ref().map(|b| b.as_deref()).map_err(String::as_str));
            assert_eq!(base, expected, "{version}");
        }
        let pseudo = Pseudo::parse("v1.2.4-0.20240102030405-abcdef012345").unwrap();
        assert_eq!((pseudo.time, pseudo.revision), ("20240102030405", "abcdef012345"));
    }
}
