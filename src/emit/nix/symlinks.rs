//! A store object full of symbolic links, as `templates/nix/symlinks.nix` makes it: Nix unpacks an archive whose text is written here.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::store::{Attributes, Derivation, Store, Text};
use crate::error::{Error, Result};

/// Bytes of a path in a version 7 tar archive.
const PATH: usize = 100;

/// The derivation; `links` has targets by path below `directory`, the one directory at its top.
pub(super) fn derivation(
    store: &mut Store,
    name: &str,
    directory: &str,
    links: BTreeMap<String, Text>,
) -> Result<Rc<Derivation>> {
    let entries = links.iter().map(|(path, target)| entry(&format!("./{directory}/{path}"), target.as_str()));
    let archive = store.text_file(&format!("{name}.tar"), &entries.collect::<Result<String>>()?)?;
    let attributes = Attributes::new(name, "builtin", "builtin:unpack-channel")
        .with("channelName", directory)
        .with("src", archive)
        .with_list("targets", links.into_values())
        .value("preferLocalBuild", true);
    store.derivation(attributes)
}

/// A symbolic link in a tar archive without NUL bytes, so that every field is full.
fn entry(path: &str, target: &str) -> Result<String> {
    let (path, target) = (full(path)?, full(target)?);
    let header = |checksum: &str| {
        // Mode, owner, group, size, time; the type is that of a symbolic link.
        let numbers = "0000777 0000000 0000000 00000000000 00000000000 ";
        format!("{path}{numbers}{checksum}2{target}{}", " ".repeat(255))
    };
    // The sum of the header's bytes, while the field of the sum itself is blank.
    let sum: u32 = header(&" ".repeat(8)).bytes().map(u32::from).sum();
    Ok(header(&format!("{sum:06o}  ")))
}

/// Slashes after the first byte change no meaning behind `.` or `/`.
fn full(path: &str) -> Result<String> {
    let too_long = || {
        let error = Error::input(format!("{path} is longer than the {PATH} bytes of a name in a tar archive"));
        error.help("use a Nix store with a shorter path")
    };
    let slashes = PATH.checked_sub(path.len()).ok_or_else(too_long)?;
    let (first, rest) = path.split_at(1);
    Ok(format!("{first}{}{rest}", "/".repeat(slashes)))
}
