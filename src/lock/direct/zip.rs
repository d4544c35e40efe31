//! Which files of a repository are a module's, and the zip of them (`golang.org/x/mod/zip`, `Create`).

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::super::archive::{MAX_GO_MOD, MAX_LICENSE, MAX_ZIP, Names};
use crate::error::{Error, Result};
use crate::module::ModuleId;
use crate::module::gomod::GoMod;

/// The directory in which `git archive` is told to put everything.
pub(super) const PREFIX: &str = "prefix/";

/// A file of the module.
struct Member {
    /// Slash-separated, in the module.
    path: String,
    size: u64,
    /// `None`: the LICENSE of the repository.
    index: Option<usize>,
}

/// Writes a module's zip into `into`: from an archive of the repository the files below `directory` (empty for all), and
/// `license`, that of the repository, if the module has none of its own.
///
/// The same files give the same bytes: names are in order, and nothing is compressed, since what a compressor gives differs
/// from one version of it to the next.
///
/// # Errors
///
/// The first file that may not be in a module, and failures of the file system.
pub(super) fn write(id: &ModuleId, archive: File, directory: &str, license: Option<&[u8]>, into: &mut File) -> Result<()> {
    let unreadable = |e: &dyn std::fmt::Display| Error::environment(format!("failed to read git's archive of {id}: {e}"));
    let mut archive = ZipArchive::new(BufReader::new(archive)).map_err(|e| unreadable(&e))?;
    let mut found = files(id, &mut archive, directory)?;
    if let Some(license) = license
        && !directory.is_empty()
        && !found.iter().any(|file| file.path == "LICENSE")
    {
        found.push(Listed { path: "LICENSE".to_owned(), size: license.len() as u64, kind: Kind::Regular, index: None });
    }
    let language = language(&mut archive, &found)?;
    let mut members = select(id, found, language)?;
    members.sort_by(|a, b| a.path.cmp(&b.path));

    let unwritable = |e: &dyn std::fmt::Display| Error::environment(format!("failed to write the zip of {id}: {e}"));
    let mut writer = ZipWriter::new(BufWriter::new(into));
    for member in members {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(zip::DateTime::default())
            .unix_permissions(0o644);
        writer.start_file(format!("{id}/{}", member.path), options).map_err(|e| unwritable(&e))?;
        match member.index {
            Some(index) => {
                let mut content = archive.by_index(index).map_err(|e| unreadable(&e))?;
                let copied = std::io::copy(&mut content, &mut writer).map_err(|e| unwritable(&e))?;
                if copied != member.size {
                    return Err(unreadable(&format!("{} has {copied} bytes instead of {}", member.path, member.size)));
                }
            }
            None => writer.write_all(license.unwrap_or_default()).map_err(|e| unwritable(&e))?,
        }
    }
    let mut buffered = writer.finish().map_err(|e| unwritable(&e))?;
    buffered.flush().map_err(|e| unwritable(&e))
}

/// A file of the repository.
struct Listed {
    path: String,
    size: u64,
    kind: Kind,
    index: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Regular,
    /// A symbolic link; what else git can have are directories.
    Link,
}

/// The files below `directory`, by their path in it.
fn files(id: &ModuleId, archive: &mut ZipArchive<BufReader<File>>, directory: &str) -> Result<Vec<Listed>> {
    let prefix = if directory.is_empty() { PREFIX.to_owned() } else { format!("{PREFIX}{directory}/") };
    let mut found = Vec::new();
    for index in 0..archive.len() {
        let file = archive
            .by_index_raw(index)
            .map_err(|e| Error::environment(format!("failed to read git's archive of {id}: {e}")))?;
        let Some(name) = file.name_raw().strip_prefix(prefix.as_bytes()) else { continue };
        if name.is_empty() || name.ends_with(b"/") {
            continue;
        }
        let path = String::from_utf8(name.to_vec())
            .map_err(|_| refused(id, &String::from_utf8_lossy(name), "the name is not UTF-8"))?;
        let kind = if file.unix_mode().unwrap_or(0) & 0o170_000 == 0o120_000 { Kind::Link } else { Kind::Regular };
        found.push(Listed { path, size: file.size(), kind, index: Some(index) });
    }
    Ok(found)
}

fn refused(id: &ModuleId, path: &str, why: &str) -> Error {
    Error::input(format!("{id} can't be a module: \"{}\": {why}", path.escape_debug()))
        .help("such a file must not be in the repository of a module: tell its maintainers, or use another version")
}

/// The minor version of the go line of the module's go.mod: which files count as vendored depends on it.
fn language(archive: &mut ZipArchive<BufReader<File>>, found: &[Listed]) -> Result<u32> {
    let Some(go_mod) = found.iter().find(|file| file.path == "go.mod" && file.kind == Kind::Regular) else { return Ok(0) };
    let mut text = String::new();
    let read =
        go_mod.index.and_then(|index| archive.by_index(index).ok()).map(|file| file.take(MAX_GO_MOD).read_to_string(&mut text));
    let parsed = match read {
        Some(Ok(_)) => GoMod::parse_dependency(std::path::Path::new("go.mod"), &text).ok(),
        _ => None,
    };
    Ok(parsed.and_then(|go_mod| go_mod.go).map_or(0, |go| go.minor()))
}

/// The files that are part of the module, after all checks (`checkFiles`).
fn select(id: &ModuleId, found: Vec<Listed>, language: u32) -> Result<Vec<Member>> {
    let mut nested = BTreeSet::new();
    for file in found.iter().filter(|file| file.kind == Kind::Regular) {
        if let Some((directory, base)) = file.path.rsplit_once('/')
            && base.eq_ignore_ascii_case("go.mod")
        {
            nested.insert(directory.to_owned());
        }
    }
    let in_other_module = |path: &str| path.match_indices('/').any(|(at, _)| nested.contains(&path[..at]));
    let mut names = Names::default();
    let mut members = Vec::new();
    let mut left = MAX_ZIP;
    for file in found {
        let path = file.path.as_str();
        // `hg archive` makes the latter, and it is left out of all repositories alike.
        if is_vendored(path, language) || in_other_module(path) || path == ".hg_archival.txt" {
            continue;
        }
        names.add(path, false).map_err(|why| refused(id, path, &why))?;
        if path != "go.mod" && path.eq_ignore_ascii_case("go.mod") {
            return Err(refused(id, path, "go.mod files must have lowercase names"));
        }
        if file.kind == Kind::Link {
            continue;
        }
        left = left.checked_sub(file.size).ok_or_else(|| {
            Error::input(format!("{id} can't be a module: source tree too large (max size is {MAX_ZIP} bytes)"))
        })?;
        if (path == "go.mod" && file.size > MAX_GO_MOD) || (path == "LICENSE" && file.size > MAX_LICENSE) {
            return Err(refused(id, path, "file too large (max size is 16777216 bytes)"));
        }
        members.push(Member { size: file.size, index: file.index, path: file.path });
    }
    Ok(members)
}

/// Whether a file belongs to a vendored package, by the rules for the go line 1.`language` (`isVendoredPackage`).
///
/// Before 1.24 the list of vendored modules was part of the zip, and for a vendor directory that isn't at the top a slash was
/// looked for from the ninth byte of the whole path on; the hashes of older modules depend on both.
fn is_vendored(path: &str, language: u32) -> bool {
    const DIRECTORY: &str = "/vendor/";
    let fixed = language >= 24;
    if fixed && path == "vendor/modules.txt" {
        return true;
    }
    let start = match path.find(DIRECTORY) {
        _ if path.starts_with(&DIRECTORY[1..]) => DIRECTORY.len() - 1,
        Some(at) if fixed => at + DIRECTORY.len(),
        Some(_) => DIRECTORY.len(),
        None => return false,
    };
    path.as_bytes()[start..].contains(&b'/')
}

#[cfg(test)]
mod tests {
    use super::is_vendored;

    #[test]
    fn vendored_files() {
        for (path, old, new) in [
            ("vendor/modules.txt", false, true),
            ("vendor/a/a.go", true, true),
            ("vendor/a.go", false, false),
            ("pkg/vendor/vendor.go", true, false),
            ("pkg/vendor/a/a.go", true, true),
            ("pkg/vendored/a.go", false, false),
            ("a/vendor/b.go", true, false),
            ("pkg/a.go", false, false),
        ] {
            assert_eq!((is_vendored(path, 23), is_vendored(path, 24)), (old, new), "{path}");
        }
    }
}
