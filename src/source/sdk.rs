//! What an SDK's own source says: default experiments, GODEBUG history, and the packages of std.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Location, Result};
use crate::platform::OsArch;
use crate::source::record::PackageRecord;
use crate::source::token::{Kind, Lexer, Token, unquote};
use crate::source::tree::{DiskTree, EntryKind, Tree, join, read};

mod experiments;
mod toolchain;

pub use toolchain::{experiment_separator, known_experiments, minimum_bootstrap};

const EXPERIMENTS: &str = "internal/buildcfg/exp.go";
const GODEBUGS: &str = "internal/godebugs/table.go";

/// A GODEBUG setting whose default depends on the main module's go version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GodebugSetting {
    /// The setting, e.g. `panicnil`.
    pub name: String,
    /// The minor version of Go in which the default changed.
    pub changed: u32,
    /// The value that restores the old behaviour.
    pub old: String,
}

/// The source tree of an unpacked GOROOT.
fn source(goroot: &Path) -> DiskTree {
    DiskTree::new(goroot.join("src"))
}

/// The GOEXPERIMENT flags that are on by default, lower case and sorted (`ParseGOEXPERIMENT` in `internal/buildcfg/exp.go`).
///
/// # Errors
///
/// When the file can't be read, or isn't of the shape known from Go 1.21 to 1.27.
pub fn default_experiments(goroot: &Path, platform: OsArch) -> Result<Vec<String>> {
    experiments(goroot, platform, &[])
}

/// The flags that are on when GOEXPERIMENT has `wanted`, lower case and sorted.
///
/// # Errors
///
/// Those of [`default_experiments`].
pub fn experiments(goroot: &Path, platform: OsArch, wanted: &[String]) -> Result<Vec<String>> {
    let content = read(&source(goroot), EXPERIMENTS)?;
    experiments::evaluate(&content, platform, wanted).map_err(|at| unknown_shape(EXPERIMENTS, &content, at))
}

/// The GODEBUG settings whose default changed (`internal/godebugs/table.go`), sorted by name.
///
/// # Errors
///
/// When the file can't be read, or its table has another shape.
pub fn godebug_table(goroot: &Path) -> Result<Vec<GodebugSetting>> {
    let content = read(&source(goroot), GODEBUGS)?;
    parse_godebug_table(&content).map_err(|at| unknown_shape(GODEBUGS, &content, at))
}

fn unknown_shape(path: &str, content: &[u8], offset: usize) -> Error {
    Error::input("the SDK's source has a shape that this version of godirect does not know")
        .at(Location::in_text(format!("src/{path}"), &String::from_utf8_lossy(content), offset, 1))
        .help("use a newer godirect, or an older SDK")
}

/// Reads `var All = []Info{ {Name: "…", Changed: 21, Old: "1"}, … }`. The error is an offset.
fn parse_godebug_table(content: &[u8]) -> Result<Vec<GodebugSetting>, usize> {
    let mut lexer = Lexer::new(content);
    loop {
        let token = lexer.next_significant();
        if token.kind == Kind::End {
            return Err(token.start);
        }
        if token.is_word("var") && lexer.peek_significant().is_word("All") {
            break;
        }
    }
    while !lexer.next_significant().is_operator("{") {
        if lexer.peek_significant().kind == Kind::End {
            return Err(content.len());
        }
    }
    let mut settings = Vec::new();
    loop {
        let token = lexer.next_significant();
        if token.is_operator("{") {
            settings.extend(godebug_entry(&mut lexer)?);
        } else if token.is_operator("}") {
            settings.sort_by(|a: &GodebugSetting, b| a.name.cmp(&b.name));
            return Ok(settings);
        } else if !token.is_operator(",") {
            return Err(token.start);
        }
    }
}

/// One entry after its opening brace; `None` when its default never changed.
fn godebug_entry(lexer: &mut Lexer) -> Result<Option<GodebugSetting>, usize> {
    let (mut name, mut changed, mut old) = (String::new(), 0, String::new());
    loop {
        let field = lexer.next_significant();
        if field.is_operator("}") {
            let setting = GodebugSetting { name, changed, old };
            return Ok((setting.changed > 0).then_some(setting));
        }
        if field.is_operator(",") {
            continue;
        }
        if field.kind != Kind::Ident || !lexer.next_significant().is_operator(":") {
            return Err(field.start);
        }
        let value = lexer.next_significant();
        match field.text {
            b"Name" => name = string(&value)?,
            b"Old" => old = string(&value)?,
            b"Changed" => {
                let digits = std::str::from_utf8(value.text).ok();
                changed = digits.and_then(|d| d.parse().ok()).ok_or(value.start)?;
            }
            _ => {}
        }
    }
}

fn string(token: &Token) -> Result<String, usize> {
    let bytes = if token.kind == Kind::String { unquote(token.text) } else { None };
    bytes.and_then(|b| String::from_utf8(b).ok()).ok_or(token.start)
}

/// The packages of an SDK's `src` that a build for one of `platforms` can import, by import path; those that golang.org/x vendors
/// are `vendor/golang.org/x/…`. Commands, `builtin` and packages without files for the platforms are left out.
///
/// # Errors
///
/// When a file can't be read.
pub fn std_packages(source: &dyn Tree, platforms: &[OsArch]) -> Result<BTreeMap<String, PackageRecord>> {
    let directories = package_directories(source, "")?;
    let records: Result<Vec<_>> = directories
        .into_par_iter()
        .map(|directory| Ok((source.package(&directory)?.record(source, platforms)?, directory)))
        .collect();
    let importable = records?.into_iter().filter(|(record, _)| {
        let has_go = record.groups.iter().any(|g| !g.go.is_empty() || !g.cgo.is_empty());
        has_go && record.name != "main"
    });
    Ok(importable.map(|(record, directory)| (directory, record)).collect())
}

/// The directories below `directory` that may hold packages of std.
fn package_directories(tree: &dyn Tree, directory: &str) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    let entries = tree.list(directory)?;
    // In the module zip, go.mod files are called `_go.mod`, so that the zip is one module.
    if !directory.is_empty() && entries.iter().any(|e| e.name == "go.mod" || e.name == "_go.mod") {
        return Ok(found);
    }
    for entry in entries.iter().filter(|e| e.kind == EntryKind::Directory) {
        let outside = entry.name.starts_with(['.', '_']) || entry.name == "testdata";
        let apart = directory.is_empty() && matches!(entry.name.as_str(), "cmd" | "builtin");
        if !outside && !apart {
            let below = join(directory, &entry.name);
            found.extend(package_directories(tree, &below)?);
            found.insert(below);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_gives_what_changed() {
        let table = "package godebugs\n\nvar All = []Info{\n\t{Name: \"execerrdot\", Package: \"os/exec\"},\n\
                     \t{Name: \"panicnil\", Package: \"runtime\", Changed: 21, Old: \"1\"}, // bug\n\
                     \t//{Name: \"multipartfiles\"},\n\t{Name: \"a\", Opaque: true, Changed: 22, Old: `0`},\n}\n";
        let settings = parse_godebug_table(table.as_bytes()).unwrap();
        let shown: Vec<String> = settings.iter().map(|s| format!("{} {} {}", s.name, s.changed, s.old)).collect();
        assert_eq!(shown, ["a 22 0", "panicnil 21 1"]);
        assert_eq!(parse_godebug_table(b"var All = []Info{f()}").unwrap_err(), 17);
        assert_eq!(parse_godebug_table(b"package x").unwrap_err(), 9);
    }

    #[test]
    fn an_unknown_shape_is_an_error_with_advice() {
        let error = unknown_shape(EXPERIMENTS, b"a\nb", 2);
        assert_eq!(
            error.to_string(),
            "src/internal/buildcfg/exp.go:2:1: the SDK's source has a shape that this version of godirect does not know \
             (use a newer godirect, or an older SDK)"
        );
    }
}
