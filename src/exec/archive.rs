//! Appending to Go's object archives, as `go tool pack r` does (`cmd/internal/archive`); the SDK no longer ships `pack`.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use crate::error::{Error, Result};

/// Appends `members`, each under its base name, with neither times nor owners.
pub(super) fn append(archive: &Path, members: &[std::path::PathBuf]) -> Result<()> {
    let failed = |e: std::io::Error| Error::io("append to", archive, &e);
    let mut file: File = OpenOptions::new().append(true).open(archive).map_err(failed)?;
    for member in members {
        let content = std::fs::read(member).map_err(|e| Error::io("read", member, &e))?;
        let name = member.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        file.write_all(&header(&name, content.len())).map_err(failed)?;
        file.write_all(&content).map_err(failed)?;
        if content.len() % 2 == 1 {
            file.write_all(&[0]).map_err(failed)?;
        }
    }
    Ok(())
}

/// What an archive begins with.
pub(super) const START: &[u8] = b"!<arch>\n";

/// The members with their headers; `None` when it isn't an archive.
pub(super) fn members(archive: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let mut rest = archive.strip_prefix(START)?;
    let mut members = Vec::new();
    while !rest.is_empty() {
        let (header, behind) = rest.split_at_checked(60)?;
        let size: usize = std::str::from_utf8(&header[48..58]).ok()?.trim_end().parse().ok()?;
        let (content, behind) = behind.split_at_checked(size)?;
        members.push((header, content));
        rest = behind.get(size % 2..)?;
    }
    Some(members)
}

/// The header for content of another size.
pub(super) fn resized(header: &[u8], size: usize) -> Vec<u8> {
    [&header[..48], format!("{size:<10}").as_bytes(), &header[58..]].concat()
}

/// 60 bytes: name (cut to 16 bytes), time, owner, group, mode, size.
fn header(name: &str, size: usize) -> Vec<u8> {
    let mut header = name.as_bytes()[..name.len().min(16)].to_vec();
    header.resize(16, b' ');
    header.extend(format!("{:<12}{:<6}{:<6}{:<8o}{size:<10}`\n", 0, 0, 0, 0o644).bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_padded_to_even_sizes() {
        let dir = tempfile::tempdir().unwrap();
        let (archive, member) = (dir.path().join("p.a"), dir.path().join("a_very_long_member_name.o"));
        std::fs::write(&archive, "!<arch>\n").unwrap();
        std::fs::write(&member, "abc").unwrap();
        append(&archive, &[member]).unwrap();
        let expected = "!<arch>\na_very_long_memb0           0     0     644     3         `\nabc\0";
        assert_eq!(std::fs::read_to_string(&archive).unwrap(), expected);
    }
}
