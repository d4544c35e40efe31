//! The order of module versions (`golang.org/x/mod/semver`, `golang.org/x/mod/module`).

use std::cmp::Ordering;

/// The parts of a version; `pre` and `build` keep their `-` and `+`.
#[derive(Debug, PartialEq, Eq)]
struct Parsed<'a> {
    numbers: [&'a str; 3],
    pre: &'a str,
    build: &'a str,
}

/// Splits off a decimal number without leading zeros.
fn number(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    if end == 0 || (end > 1 && text.starts_with('0')) { None } else { Some(text.split_at(end)) }
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

fn identifiers_are_fine(text: &str, numbers_may_begin_with_zero: bool) -> bool {
    text.split('.').all(|id| {
        !id.is_empty()
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && (numbers_may_begin_with_zero || !is_number(id) || id == "0" || !id.starts_with('0'))
    })
}

fn parse(version: &str) -> Option<Parsed<'_>> {
    let mut rest = version.strip_prefix('v')?;
    let mut numbers = ["0"; 3];
    for (i, slot) in numbers.iter_mut().enumerate() {
        if i > 0 {
            match rest.strip_prefix('.') {
                Some(after) => rest = after,
                // `v1` and `v1.2` are short for `v1.0.0` and `v1.2.0`.
                None if rest.is_empty() => return Some(Parsed { numbers, pre: "", build: "" }),
                None => return None,
            }
        }
        (*slot, rest) = number(rest)?;
    }
    let (pre, build) = rest.split_at(rest.find('+').unwrap_or(rest.len()));
    let pre_is_fine = pre.is_empty() || identifiers_are_fine(pre.strip_prefix('-')?, false);
    let build_is_fine = build.is_empty() || identifiers_are_fine(build.strip_prefix('+')?, true);
    if pre_is_fine && build_is_fine { Some(Parsed { numbers, pre, build }) } else { None }
}

fn compare_numbers(a: &str, b: &str) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

fn compare_identifiers(a: &str, b: &str) -> Ordering {
    match (is_number(a), is_number(b)) {
        (true, true) => compare_numbers(a, b),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => a.cmp(b),
    }
}

fn compare_prereleases(a: &str, b: &str) -> Ordering {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut left, mut right) = (a[1..].split('.'), b[1..].split('.'));
    loop {
        match (left.next(), right.next()) {
            (Some(l), Some(r)) if l == r => {}
            (Some(l), Some(r)) => return compare_identifiers(l, r),
            (l, r) => return l.is_some().cmp(&r.is_some()),
        }
    }
}

/// Orders versions as Go does: build metadata doesn't count, and what is no version comes before all versions.
pub fn compare(a: &str, b: &str) -> Ordering {
    match (parse(a), parse(b)) {
        (Some(a), Some(b)) => {
            let numbers = a.numbers.iter().zip(b.numbers).map(|(x, y)| compare_numbers(x, y));
            numbers.fold(Ordering::Equal, Ordering::then).then_with(|| compare_prereleases(a.pre, b.pre))
        }
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}

/// The full spelling of a version: three numbers, no build metadata but `+incompatible`; `None` for what is no version.
pub fn canonical(version: &str) -> Option<String> {
    let Parsed { numbers, pre, build } = parse(version)?;
    let build = if build == "+incompatible" { build } else { "" };
    Some(format!("v{}{pre}{build}", numbers.join(".")))
}

/// `v2` of `v2.3.4`; empty for what is no version.
pub fn major(version: &str) -> &str {
    if parse(version).is_none() {
        return "";
    }
    &version[..version.find('.').unwrap_or(version.len())]
}

/// Whether this is a release: a full version without pre-release part.
pub fn is_release(version: &str) -> bool {
    parse(version).is_some_and(|v| v.pre.is_empty())
}

/// The suffix of a module path that tells its major version: `/v2`, `.v3` for gopkg.in, or empty.
///
/// `None` for a malformed one, such as `/v1` or `/v02`.
pub fn path_major(path: &str) -> Option<&str> {
    let gopkg = path.starts_with("gopkg.in/");
    let stem = if gopkg { path.strip_suffix("-unstable").unwrap_or(path) } else { path };
    let digits = stem.trim_end_matches(|c: char| c.is_ascii_digit() || (!gopkg && c == '.'));
    let number = &stem[digits.len()..];
    let separator = if gopkg { ".v" } else { "/v" };
    let found = digits.ends_with(separator) && !number.is_empty();
    if gopkg {
        let fine = found && (number == "0" || !number.starts_with('0'));
        return if fine { Some(&path[digits.len() - 2..]) } else { None };
    }
    if !found {
        return Some("");
    }
    let fine = !number.contains('.') && !number.starts_with('0') && number != "1";
    if fine { Some(&path[digits.len() - 2..]) } else { None }
}

/// What is wrong when a version can't belong to a module path, e.g. `v2.0.0` to a path without `/v2`.
pub fn path_fault(path: &str, version: &str) -> Option<String> {
    let Some(suffix) = path_major(path) else { return Some("invalid module path".to_owned()) };
    let suffix = suffix.strip_suffix("-unstable").unwrap_or(suffix);
    let major = major(version);
    let fine = match suffix {
        "" => major == "v0" || major == "v1" || version.ends_with("+incompatible"),
        // An old bug of Go made such pseudo-versions, and go.mod files have them.
        ".v1" if version.starts_with("v0.0.0-") => true,
        _ => major == &suffix[1..],
    };
    let wanted = if suffix.is_empty() { "v0 or v1" } else { &suffix[1..] };
    if fine { None } else { Some(format!("version \"{version}\" invalid: should be {wanted}, not {major}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_that_of_go() {
        let order = [
            "bad",
            "v0.0.0-20191109021931-daa7c04131f5",
            "v0.1.0",
            "v1.0.0-alpha",
            "v1.0.0-alpha.1",
            "v1.0.0-alpha.beta",
            "v1.0.0-beta",
            "v1.0.0-beta.2",
            "v1.0.0-beta.11",
            "v1.0.0-rc.1",
            "v1",
            "v1.2.0-x.Y.0",
            "v1.2.0-x.Y.0.aa",
            "v1.2",
            "v1.2.4-0.20240102030405-abcdef012345",
            "v1.2.4",
            "v1.10.0",
            "v2.0.0+incompatible",
            "v10.0.0",
        ];
        for (i, a) in order.iter().enumerate() {
            for (j, b) in order.iter().enumerate() {
                assert_eq!(compare(a, b), i.cmp(&j), "{a} {b}");
            }
        }
        assert_eq!(compare("v1.0.0+a", "v1.0.0+b"), Ordering::Equal);
        assert_eq!(compare("v1", "v1.0.0"), Ordering::Equal);
    }

    #[test]
    fn canonical_spelling() {
        let cases = [
            ("v1", Some("v1.0.0")),
            ("v1.2", Some("v1.2.0")),
            ("v1.2.3+meta", Some("v1.2.3")),
            ("v2.0.0+incompatible", Some("v2.0.0+incompatible")),
            ("v1.2.3-pre.1", Some("v1.2.3-pre.1")),
            ("v1.2.3-01", None),
            ("v1.2.3-01+x", None),
            ("v01.2.3", None),
            ("v1.2-pre", None),
            ("v1.2.3-", None),
            ("v1.2.3-a..b", None),
            ("v1.2.3.4", None),
            ("1.2.3", None),
            ("master", None),
        ];
        for (version, expected) in cases {
            assert_eq!(canonical(version).as_deref(), expected, "{version}");
        }
    }

    #[test]
    fn major_suffixes() {
        let cases = [
            ("a.com/b", Some("")),
            ("a.com/b/v2", Some("/v2")),
            ("a.com/b/v1", None),
            ("a.com/b/v0", None),
            ("a.com/b/v2.1", None),
            ("a.com/bv2", Some("")),
            ("gopkg.in/yaml.v3", Some(".v3")),
            ("gopkg.in/yaml.v3-unstable", Some(".v3-unstable")),
            ("gopkg.in/yaml", None),
            ("gopkg.in/yaml.v0", Some(".v0")),
        ];
        for (path, expected) in cases {
            assert_eq!(path_major(path), expected, "{path}");
        }
        assert_eq!(path_fault("a.com/b", "v2.0.0").unwrap(), "version \"v2.0.0\" invalid: should be v0 or v1, not v2");
        assert_eq!(path_fault("a.com/b/v2", "v1.0.0").unwrap(), "version \"v1.0.0\" invalid: should be v2, not v1");
        for (path, version) in [
            ("a.com/b", "v2.0.0+incompatible"),
            ("gopkg.in/check.v1", "v0.0.0-20161208181325-20d25e280405"),
            ("gopkg.in/yaml.v3-unstable", "v3.0.0"),
        ] {
            assert_eq!(path_fault(path, version), None);
        }
    }
}
