//! The table of functions and lines that every Go program has, also a stripped one (`debug/gosym`, `internal/abi.PCLnTabMagic`).

use std::borrow::Cow;

use super::image::{Format, Image};

/// Since Go 1.20, and in 1.18 and 1.19. Older ones are laid out differently; then only the symbol table tells.
const MAGICS: [u32; 2] = [0xffff_fff1, 0xffff_fff0];

/// A function: its full name, and the bytes of its code.
pub(super) struct Function<'a> {
    pub name: Cow<'a, str>,
    pub size: u64,
}

/// The table, as bytes.
pub(super) struct Lines<'a> {
    data: &'a [u8],
    big: bool,
    pointer: usize,
}

/// Finds the table: in its own section, or in read-only data.
pub(super) fn find<'i>(image: &'i Image<'_>) -> Option<Lines<'i>> {
    let big = image.big_endian;
    let named = [".gopclntab", ".data.rel.ro.gopclntab", "__gopclntab"].iter().find_map(|name| image.section(name));
    if let Some(lines) = named.and_then(|section| Lines::at(&section.data, big)) {
        return Some(lines);
    }
    if matches!(image.format, Format::Elf | Format::MachO) {
        return None;
    }
    image.sections.iter().find_map(|section| {
        let data = &*section.data;
        let magic =
            |magic: u32| memchr::memmem::find_iter(data, &magic.to_le_bytes()).find_map(|at| Lines::at(&data[at..], big));
        MAGICS.into_iter().find_map(magic)
    })
}

impl<'a> Lines<'a> {
    fn at(data: &'a [u8], big: bool) -> Option<Lines<'a>> {
        let header = data.get(..8)?;
        let magic: [u8; 4] = header[..4].try_into().ok()?;
        let magic = if big { u32::from_be_bytes(magic) } else { u32::from_le_bytes(magic) };
        let plausible = header[4..6] == [0, 0] && matches!(header[6], 1 | 2 | 4) && matches!(header[7], 4 | 8);
        let lines = Lines { data, big, pointer: usize::from(header[7]) };
        // The tables come in this order, and so many functions fit.
        let ordered = plausible && MAGICS.contains(&magic) && (3..7).all(|i| lines.offset(i) <= lines.offset(i + 1));
        (ordered && lines.count()? > 0).then_some(lines)
    }

    /// A word of the header: 0 and 1 are counts, from 3 on offsets of tables.
    fn word(&self, index: usize) -> Option<usize> {
        let at = 8 + index * self.pointer;
        let bytes = self.data.get(at..at + self.pointer)?;
        let number = match (bytes.len(), self.big) {
            (4, false) => u64::from(u32::from_le_bytes(bytes.try_into().ok()?)),
            (4, true) => u64::from(u32::from_be_bytes(bytes.try_into().ok()?)),
            (_, false) => u64::from_le_bytes(bytes.try_into().ok()?),
            (_, true) => u64::from_be_bytes(bytes.try_into().ok()?),
        };
        usize::try_from(number).ok()
    }

    fn offset(&self, index: usize) -> Option<usize> {
        self.word(index).filter(|offset| *offset <= self.data.len())
    }

    fn count(&self) -> Option<usize> {
        let table = self.data.len().checked_sub(self.offset(7)?)?;
        self.word(0).filter(|count| *count <= table / 8)
    }

    fn u32(&self, at: usize) -> Option<u32> {
        let bytes: [u8; 4] = self.data.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self.big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    fn text(&self, at: usize) -> Option<Cow<'a, str>> {
        let rest = self.data.get(at..)?;
        Some(String::from_utf8_lossy(&rest[..memchr::memchr(0, rest)?]))
    }

    /// All functions. What is malformed is left out.
    pub fn functions(&self) -> Vec<Function<'a>> {
        let (Some(count), Some(names), Some(table)) = (self.count(), self.offset(3), self.offset(7)) else { return Vec::new() };
        let one = |index: usize| {
            let at = table + index * 8;
            let (entry, next) = (self.u32(at)?, self.u32(at + 8)?);
            let data = table.checked_add(self.u32(at + 4)? as usize)?;
            let name = names.checked_add(self.u32(data.checked_add(4)?)? as usize)?;
            Some(Function { name: self.text(name)?, size: u64::from(next.checked_sub(entry)?) })
        };
        (0..count).filter_map(one).collect()
    }

    /// The names of all source files, as the compiler recorded them.
    pub fn files(&self) -> Vec<Cow<'a, str>> {
        let (Some(start), Some(end)) = (self.offset(5), self.offset(6)) else { return Vec::new() };
        let table = self.data.get(start..end).unwrap_or_default();
        table.split(|byte| *byte == 0).filter(|name| !name.is_empty()).map(String::from_utf8_lossy).collect()
    }
}
