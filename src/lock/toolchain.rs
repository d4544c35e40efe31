//! What an SDK's own source says about its defaults: experiments and GODEBUG settings.

use std::collections::BTreeSet;
use std::path::Path;

use super::file::GodebugSetting;
use crate::error::{Error, Location, Result};
use crate::platform::OsArch;

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|e| Error::io("read", path, &e))
}

fn unexpected(path: &Path, source: &str, at: &str, what: &str) -> Error {
    let offset = at.as_ptr() as usize - source.as_ptr() as usize;
    Error::input(format!("this Go SDK's source has {what} that godirect doesn't know"))
        .at(Location::in_text(path, source, offset, at.len()))
        .help("update godirect, or take another SDK version")
}

/// The GODEBUG settings whose default changed, sorted by name (`internal/godebugs/table.go`).
///
/// # Errors
///
/// When the table can't be read.
pub fn godebug(goroot: &Path) -> Result<Vec<GodebugSetting>> {
    let path = goroot.join("src/internal/godebugs/table.go");
    let source = read(&path)?;
    let mut settings = Vec::new();
    for line in source.lines().map(str::trim).filter(|line| line.starts_with("{Name:")) {
        let Some(changed) = field(line, "Changed:") else { continue };
        let (Some(name), Some(old), Ok(changed)) = (quoted(line, "Name:"), quoted(line, "Old:"), changed.parse()) else {
            return Err(unexpected(&path, &source, line, "a setting"));
        };
        settings.push(GodebugSetting { name: name.to_owned(), changed, old: old.to_owned() });
    }
    settings.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(settings)
}

/// The value of a field of a composite literal on one line.
fn field<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let rest = line.split_once(key)?.1;
    Some(rest[..rest.find([',', '}'])?].trim())
}

fn quoted<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    field(line, key)?.strip_prefix('"')?.strip_suffix('"')
}

/// The experiments that are on by default, lower case and sorted (`internal/buildcfg/exp.go`, `ParseGOEXPERIMENT`).
///
/// The function is read, not only its result, since it depends on the platform: assignments, cases of `switch goarch`,
/// and the literal `baseline`.
///
/// # Errors
///
/// When the source has something that this doesn't understand.
pub fn experiments(goroot: &Path, platform: OsArch) -> Result<Vec<String>> {
    let path = goroot.join("src/internal/buildcfg/exp.go");
    let source = read(&path)?;
    let unknown = |at: &str| unexpected(&path, &source, at, "an experiment");
    let (_, body) = source.split_once("func ParseGOEXPERIMENT(").ok_or_else(|| unknown(&source[..0]))?;
    let (before, after) = body.split_once("baseline := goexperiment.Flags{").ok_or_else(|| unknown(&body[..0]))?;

    let mut on = BTreeSet::from(["true"]);
    let mut known = BTreeSet::from(["true", "false"]);
    let mut in_case = false;
    for line in before.lines().map(without_comment).filter(|line| !line.is_empty()) {
        if let Some(cases) = line.strip_prefix("case ").and_then(|l| l.strip_suffix(':')) {
            in_case = cases.split(',').any(|case| case.trim().trim_matches('"') == platform.goarch);
        } else if line.starts_with("default:") || line == "}" {
            in_case = false;
        } else if let Some(names) = line.strip_prefix("var ").and_then(|l| l.strip_suffix(" bool")) {
            known.extend(names.split(',').map(str::trim));
        } else if let Some((name, value)) = line.split_once(" := ") {
            known.insert(name);
            if condition(value, platform).ok_or_else(|| unknown(line))? {
                on.insert(name);
            }
        } else if let Some((name, "true")) = line.split_once(" = ")
            && in_case
        {
            on.insert(name);
        }
    }

    let mut experiments = Vec::new();
    let literal = after.split_once('}').ok_or_else(|| unknown(&after[..0]))?.0;
    for line in literal.lines().map(without_comment).filter(|line| !line.is_empty()) {
        let (name, value) = line.trim_end_matches(',').split_once(':').ok_or_else(|| unknown(line))?;
        let value = value.trim();
        if !known.contains(value) {
            return Err(unknown(line));
        }
        if on.contains(value) {
            experiments.push(name.trim().to_ascii_lowercase());
        }
    }
    experiments.sort();
    Ok(experiments)
}

fn without_comment(line: &str) -> &str {
    line.split("//").next().unwrap_or(line).trim()
}

/// The value of comparisons of `goos` and `goarch` that are all joined by `&&`, or all by `||`.
fn condition(text: &str, platform: OsArch) -> Option<bool> {
    let text = text.strip_prefix('(').and_then(|t| t.strip_suffix(')')).unwrap_or(text);
    match text {
        "true" => return Some(true),
        "false" => return Some(false),
        _ => {}
    }
    let compare = |term: &str| -> Option<bool> {
        let (name, equal, value) = match (term.split_once("=="), term.split_once("!=")) {
            (Some((name, value)), None) => (name, true, value),
            (None, Some((name, value))) => (name, false, value),
            _ => return None,
        };
        let actual = match name.trim() {
            "goos" => platform.goos,
            "goarch" => platform.goarch,
            _ => return None,
        };
        Some((value.trim().strip_prefix('"')?.strip_suffix('"')? == actual) == equal)
    };
    let all = !text.contains("||");
    let terms: Option<Vec<bool>> = text.split(if all { "&&" } else { "||" }).map(compare).collect();
    Some(if all { terms?.into_iter().all(|t| t) } else { terms?.into_iter().any(|t| t) })
}
