//! The build ID in a binary (`cmd/internal/buildid/rewrite.go`, `cmd/internal/codesign`).

use std::fs;
use std::ops::Range;
use std::path::Path;

use super::{HASH, read, shown};
use crate::digest::{Hasher, Sha256};
use crate::error::{Error, Result};

/// Puts the hash of a binary's content into the ID that the linker was given by the flag in `flag`.
pub(in crate::exec) fn settle(path: &Path, flag: &Path) -> Result<()> {
    let flag = String::from_utf8_lossy(&read(flag)?).into_owned();
    let id = flag.trim_end().strip_prefix("-buildid=").unwrap_or_default().as_bytes();
    let mut binary = read(path)?;
    let found = positions(&binary, id);
    let signature = signature(&binary);
    // The signature is a hash of everything, and what the operating system calls a build ID is one of the ID.
    let mut excluded: Vec<Range<usize>> = found.iter().map(|at| *at..at + id.len()).collect();
    excluded.extend(signature.as_ref().map(|signature| signature.range.clone()).into_iter().chain(host_id(&binary)));
    let content = shown(hash_without(&binary, excluded));
    for at in found {
        binary[at + id.len() - HASH..at + id.len()].copy_from_slice(content.as_bytes());
    }
    if let Some(signature) = signature {
        signature.renew(&mut binary);
    }
    // Through the open file: it is executable already.
    fs::write(path, binary).map_err(|e| Error::io("write", path, &e))
}

/// Where the ID stands.
fn positions(binary: &[u8], id: &[u8]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut start = 0;
    while let Some(first) = id.first()
        && let Some(at) = binary[start..].iter().position(|byte| byte == first)
    {
        start += at;
        if binary[start..].starts_with(id) {
            found.push(start);
            start += id.len();
        } else {
            start += 1;
        }
    }
    found
}

/// The hash of the content, with zeros in the place of what is excluded.
fn hash_without(binary: &[u8], mut excluded: Vec<Range<usize>>) -> Sha256 {
    excluded.sort_by_key(|range| range.start);
    let mut hasher = Hasher::default();
    let mut at = 0;
    for range in excluded {
        let (start, end) = (range.start.max(at), range.end.min(binary.len()));
        if start < end {
            hasher.update(&binary[at..start]);
            hasher.update(vec![0; end - start]);
            at = end;
        }
    }
    hasher.update(&binary[at..]);
    hasher.finish()
}

/// Numbers at offsets, of either byte order.
struct Numbers<'a> {
    bytes: &'a [u8],
    is_big: bool,
}

impl Numbers<'_> {
    fn get(&self, at: usize, size: usize) -> Option<usize> {
        let mut bytes = self.bytes.get(at..at.checked_add(size)?)?.to_vec();
        if !self.is_big {
            bytes.reverse();
        }
        usize::try_from(bytes.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte))).ok()
    }
}

/// The ID that the operating system reads: a note of ELF, a UUID of Mach-O.
fn host_id(binary: &[u8]) -> Option<Range<usize>> {
    if binary.starts_with(b"\x7fELF") {
        return elf_note(binary);
    }
    const LC_UUID: usize = 0x1b;
    let uuid = macho_commands(binary)?.into_iter().find(|command| command.kind == LC_UUID)?;
    Some(uuid.range.start + 8..uuid.range.end)
}

/// The content of the section `.note.gnu.build-id` behind its 16 bytes of header and name.
fn elf_note(binary: &[u8]) -> Option<Range<usize>> {
    let numbers = Numbers { bytes: binary, is_big: *binary.get(5)? == 2 };
    // Offsets in the header and in section headers, by class.
    let (sections, entry_size, word) = if *binary.get(4)? == 2 { (0x28, 0x3a, 8) } else { (0x20, 0x2e, 4) };
    let (table, entry_size) = (numbers.get(sections, word)?, numbers.get(entry_size, 2)?);
    let count_at = if word == 8 { 0x3c } else { 0x30 };
    let (count, names) = (numbers.get(count_at, 2)?, numbers.get(count_at + 2, 2)?);
    let offset_at = 8 + 2 * word;
    let place = |section: usize| {
        let header = table.checked_add(section.checked_mul(entry_size)?)?;
        Some((numbers.get(header, 4)?, numbers.get(header + offset_at, word)?, numbers.get(header + offset_at + word, word)?))
    };
    let (_, names, _) = place(names)?;
    (0..count).filter_map(place).find_map(|(name, offset, size)| {
        let name = binary.get(names.checked_add(name)?..)?;
        name.starts_with(b".note.gnu.build-id\0").then_some(())?;
        Some(offset.checked_add(16)?..offset.checked_add(size)?)
    })
}

/// A load command of Mach-O.
struct LoadCommand {
    kind: usize,
    range: Range<usize>,
}

/// The load commands; `None` where it isn't Mach-O of a 64-bit little-endian processor, the only one that Go builds for.
fn macho_commands(binary: &[u8]) -> Option<Vec<LoadCommand>> {
    if !binary.starts_with(&[0xcf, 0xfa, 0xed, 0xfe]) {
        return None;
    }
    let numbers = Numbers { bytes: binary, is_big: false };
    let mut commands = Vec::new();
    let mut at = 32;
    for _ in 0..numbers.get(16, 4)? {
        let (kind, size) = (numbers.get(at, 4)?, numbers.get(at + 4, 4)?);
        let end = at.checked_add(size).filter(|end| size >= 8 && *end <= binary.len())?;
        commands.push(LoadCommand { kind, range: at..end });
        at = end;
    }
    Some(commands)
}

/// The signature of a Mach-O binary, as Go's linker makes it.
struct Signature {
    range: Range<usize>,
}

/// The signature, where there is one.
fn signature(binary: &[u8]) -> Option<Signature> {
    const LC_CODE_SIGNATURE: usize = 0x1d;
    let command = macho_commands(binary)?.into_iter().find(|command| command.kind == LC_CODE_SIGNATURE)?;
    let numbers = Numbers { bytes: binary, is_big: false };
    let (start, size) = (numbers.get(command.range.start + 8, 4)?, numbers.get(command.range.start + 12, 4)?);
    let end = start.checked_add(size).filter(|end| *end <= binary.len())?;
    Some(Signature { range: start..end })
}

impl Signature {
    /// Writes the hashes of all pages before the signature into it anew, if its size tells that Go's linker made it.
    fn renew(&self, binary: &mut [u8]) {
        const PAGE: usize = 4096;
        // The super blob with one entry, the code directory, and the name `a.out` with a zero (`codesign.Size`).
        const HASHES: usize = 12 + 8 + (13 * 4 + 4 + 4 * 8) + 6;
        let (code, signature) = binary.split_at_mut(self.range.start);
        let pages = code.chunks(PAGE);
        let hashes = HASHES..HASHES + pages.len() * 32;
        if hashes.end != self.range.len() {
            return;
        }
        for (page, hash) in pages.zip(signature[hashes].chunks_mut(32)) {
            hash.copy_from_slice(Sha256::of(page).as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_excluded_counts_as_zeros() {
        assert_eq!(positions(b"xabcababc", b"abc"), [1, 6]);
        assert_eq!(hash_without(b"0123456789", vec![7..20, 2..4, 3..5]), Sha256::of(b"01\0\0\x0056\0\0\0"));
    }

    #[test]
    fn damaged_binaries_have_no_ids() {
        for start in [&b"\x7fELF\x02\x01"[..], b"\x7fELF\x01\x02", &[0xcf, 0xfa, 0xed, 0xfe], b"MZ", b""] {
            for length in [0, 20, 40, 80] {
                let binary = [start, &vec![0xff; length]].concat();
                assert!(host_id(&binary).is_none() && signature(&binary).is_none(), "{start:?}");
            }
        }
    }
}
