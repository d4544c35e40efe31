//! Go's build IDs: what packages note for them, what binaries make of the notes (`cmd/go/internal/work/buildid.go`).

mod binary;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::archive;
use crate::digest::{Hasher, Sha256};
use crate::error::{Error, Result};
use crate::plan::buildid::BinaryId;
use crate::plan::token;

pub(super) use binary::settle;

/// Bytes of a build ID in an archive, while the compiler doesn't know the hash of its content yet: two hashes and a slash.
const ARCHIVE_ID: usize = 2 * HASH + 1;

/// Letters of a hash in a build ID.
const HASH: usize = 20;

/// A hash as build IDs have it (`buildid.HashToString`): its first 15 bytes.
fn shown(hash: Sha256) -> String {
    URL_SAFE_NO_PAD.encode(&hash.as_bytes()[..15])
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|e| Error::io("read", path, &e))
}

/// Writes the notes of a package: the hash of its archive, and lines with those of its files, as build IDs have them.
pub(super) fn identify(notes: &Path, parts: &[PathBuf], dir: &Path, files: &[String]) -> Result<()> {
    let parts = parts.iter().map(|part| read(part)).collect::<Result<Vec<_>>>()?;
    let content = match parts.is_empty() {
        true => String::new(),
        false => archive_content(&parts).ok_or_else(|| Error::input("the compiler's results aren't archives"))?,
    };
    let mut text = format!("{content}\n");
    for file in files {
        let hash = Sha256::of(read(&dir.join(file))?);
        // The path of a result says where it was made.
        let name = if Path::new(file).is_absolute() { "" } else { file };
        text.push_str(&format!("file {name} {}\n", shown(hash)));
    }
    fs::write(notes, text).map_err(|e| Error::io("write", notes, &e))
}

/// The hash of the archive that the go command would have of these parts: one behind the other, and in the compiler's two members the line of
/// a build ID, which counts as zeros.
fn archive_content(parts: &[Vec<u8>]) -> Option<String> {
    let mut hasher = Hasher::default();
    hasher.update(archive::START);
    let line = [&b"build id \""[..], &[0; ARCHIVE_ID], b"\"\n"].concat();
    for (header, content) in parts.iter().map(|part| archive::members(part)).collect::<Option<Vec<_>>>()?.concat() {
        let is_compilers = header.starts_with(b"__.PKGDEF ") || header.starts_with(b"_go_.o ");
        let first_line = if is_compilers { content.iter().position(|b| *b == b'\n')? + 1 } else { 0 };
        let added = if is_compilers { &line[..] } else { &[] };
        let size = content.len() + added.len();
        hasher.update(archive::resized(header, size));
        hasher.update(&content[..first_line]);
        hasher.update(added);
        hasher.update(&content[first_line..]);
        if size % 2 == 1 {
            hasher.update([0]);
        }
    }
    Some(shown(hasher.finish()))
}

/// Writes a flag of the linker with a binary's ID; in the place of the hash of its content stands that of its inputs once more.
pub(super) fn compute(
    file: &Path,
    id: &BinaryId,
    lookup: &impl Fn(&str) -> Option<String>,
    version: &impl Fn(&str) -> Result<String>,
) -> Result<()> {
    let versions = id.tools().map(|tool| Ok((tool, version(tool)?)));
    let versions = versions.collect::<Result<BTreeMap<&str, String>>>()?;
    // The tools know which experiments differ from the usual ones, and in which order these are named.
    let experiments = versions["compile"].split_once(" X:").map(|(_, names)| format!("GOEXPERIMENT=\"{names}\"\n"));
    let fill = |text: &str| {
        token::substitute(text, |token| match token.split_once(':') {
            Some(("version", tool)) => versions.get(tool).cloned(),
            None if token == "experiments" => Some(experiments.clone().unwrap_or_default()),
            _ => lookup(token),
        })
    };
    let notes = |path: &str| {
        let path = PathBuf::from(fill(path)?);
        String::from_utf8(read(&path)?).map_err(|_| Error::input(format!("{} isn't text", path.display())))
    };
    let hash = |text: &str| shown(Sha256::of(format!("{}{text}", id.salt)));
    // The hashes of inputs and content, by import path.
    let mut known: BTreeMap<&str, (String, String)> = BTreeMap::new();
    for package in &id.packages {
        let (template, noted, profile) = package.templates();
        let noted = notes(noted)?;
        let (content, files) = noted.split_once('\n').unwrap_or_default();
        let mut text = fill(template)? + files;
        for import in package.imports() {
            let content = known.get(import.as_str()).map_or("", |(_, content)| content);
            text.push_str(&format!("import {import} {content}\n"));
        }
        if let Some(profile) = profile {
            let noted = notes(profile)?;
            let hash = noted.trim_end().rsplit(' ').next().unwrap_or_default();
            text.push_str(&format!("pgofile {hash}\n"));
        }
        known.insert(package.path(), (hash(&text), content.to_owned()));
    }
    let mut text = fill(&id.text)?;
    let mut main = String::new();
    for (at, path) in id.linked.iter().enumerate() {
        let (inputs, content) = known.get(path.as_str()).ok_or_else(|| Error::input(format!("{path} has no build ID")))?;
        text.push_str(&format!("packagefile {path}={content}\n"));
        let whole = format!("{inputs}/{content}");
        if id.commands.contains(path) {
            text.push_str(&format!("packagemain {whole}\n"));
        }
        if at == 0 {
            main = whole;
        }
    }
    let inputs = hash(&text);
    fs::write(file, format!("-buildid={inputs}/{main}/{inputs}\n")).map_err(|e| Error::io("write", file, &e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_the_id_counts_as_zeros() {
        let member = |name: &str, content: &[u8]| {
            let mut bytes = format!("{name:<16}0           0     0     644     {:<10}`\n", content.len()).into_bytes();
            bytes.extend(content);
            bytes.extend(vec![0; content.len() % 2]);
            bytes
        };
        let zeros = format!("build id \"{}\"\n", "\0".repeat(41));
        let (x, o) = (member("__.PKGDEF", b"go object\nx"), member("_go_.o", b"go object\nobject"));
        let whole = [
            member("__.PKGDEF", format!("go object\n{zeros}x").as_bytes()),
            member("_go_.o", format!("go object\n{zeros}object").as_bytes()),
            member("a.o", b"abc"),
        ];
        let archive = |members: &[Vec<u8>]| [archive::START.to_vec(), members.concat()].concat();
        let parts = [archive(&[x]), archive(&[o, member("a.o", b"abc")])];
        assert_eq!(archive_content(&parts).unwrap(), shown(Sha256::of(archive(&whole))));
        assert_eq!(archive_content(&[b"!<arch>\n_go_.o".to_vec()]), None);
    }
}
