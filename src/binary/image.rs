//! The parts of executables that all formats have.

use std::borrow::Cow;

use object::read::{File, Object, ObjectSection, ObjectSegment, ObjectSymbol};
use object::{Architecture, ObjectKind, SectionKind, SegmentFlags};

use super::{Dynamic, elf, malformed};
use crate::error::{Error, Result};

/// The name that is given to WebAssembly's section of data, whose address is 0.
pub(super) const WASM_DATA: &str = "<data>";

/// The formats that Go's linker writes and this program reads; not those of AIX and Plan 9.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Elf,
    MachO,
    Pe,
    Wasm,
}

impl Format {
    pub fn name(self) -> &'static str {
        match self {
            Format::Elf => "elf",
            Format::MachO => "macho",
            Format::Pe => "pe",
            Format::Wasm => "wasm",
        }
    }
}

/// A section as the file has it.
pub(super) struct Section<'a> {
    pub name: String,
    pub address: u64,
    pub size: u64,
    pub data: Cow<'a, [u8]>,
    pub writable: bool,
}

pub(super) struct Symbol {
    pub name: String,
    pub address: u64,
    /// 0 where the format has no sizes.
    pub size: u64,
    /// Index in [`Image::sections`].
    pub section: usize,
}

pub(super) struct Image<'a> {
    pub bytes: &'a [u8],
    pub format: Format,
    pub architecture: String,
    pub kind: &'static str,
    pub big_endian: bool,
    pub sections: Vec<Section<'a>>,
    /// Of what is in the file, sorted by address.
    pub symbols: Vec<Symbol>,
    file: File<'a>,
}

impl<'a> Image<'a> {
    pub fn parse(bytes: &'a [u8]) -> Result<Image<'a>> {
        let file = File::parse(bytes).map_err(|e| {
            let error = Error::input(format!("this is no executable: {e}"));
            error.help("ELF, Mach-O, PE and WebAssembly files can be read")
        })?;
        let format = match &file {
            File::Elf32(_) | File::Elf64(_) => Format::Elf,
            File::MachO32(_) | File::MachO64(_) => Format::MachO,
            File::Pe32(_) | File::Pe64(_) => Format::Pe,
            File::Wasm(_) => Format::Wasm,
            _ => return Err(Error::input("this is no executable, but another kind of file")),
        };
        let (sections, indices) = sections(&file)?;
        let kind = match file.kind() {
            ObjectKind::Executable => "executable",
            ObjectKind::Dynamic if format == Format::Elf && elf::interpreter(&file).is_some() => {
                "position-independent executable"
            }
            ObjectKind::Dynamic => "shared library",
            ObjectKind::Relocatable => "object file",
            _ if format == Format::Wasm => "module",
            _ => "file",
        };
        let symbols = symbols(&file, format, &sections, &indices);
        let architecture = architecture(file.architecture());
        Ok(Image { bytes, format, architecture, kind, big_endian: !file.is_little_endian(), sections, symbols, file })
    }

    /// What it needs to be started.
    pub fn dynamic(&self) -> Dynamic {
        if self.format == Format::Elf {
            return elf::dynamic(&self.file);
        }
        let imports = self.file.imports().unwrap_or_default();
        let library = |bytes: &[u8]| Some(String::from_utf8_lossy(bytes).into_owned()).filter(|name| !name.is_empty());
        let libraries = imports.iter().filter_map(|import| library(import.library())).collect();
        Dynamic { libraries, ..Dynamic::default() }
    }

    /// The section with a name.
    pub fn section(&self, name: &str) -> Option<&Section<'a>> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// What is in memory from `address` on, to the end of the section or segment that has it.
    pub fn at(&self, address: u64) -> Option<&[u8]> {
        let in_section = self.sections.iter().filter(|s| s.address > 0).find_map(|s| from(s.address, &s.data, address));
        in_section.or_else(|| self.file.segments().find_map(|s| from(s.address(), s.data().ok()?, address)))
    }

    /// `length` bytes of memory.
    pub fn read(&self, address: u64, length: u64) -> Option<&[u8]> {
        self.at(address)?.get(..usize::try_from(length).ok()?)
    }

    /// The segment that a program without sections has its data in: the first that is written to.
    pub fn data_segment(&self) -> Option<(u64, &'a [u8])> {
        const PF_X: u32 = 1;
        const PF_W: u32 = 2;
        let segment = self.file.segments().find(|segment| match segment.flags() {
            SegmentFlags::Elf { p_flags } => p_flags & (PF_X | PF_W) == PF_W,
            SegmentFlags::MachO { initprot, .. } => initprot & 3 == 3,
            _ => false,
        })?;
        Some((segment.address(), segment.data().ok()?))
    }
}

/// What of `data`, which is in memory at `start`, is there from `address` on.
fn from(start: u64, data: &[u8], address: u64) -> Option<&[u8]> {
    let offset = usize::try_from(address.checked_sub(start)?).ok()?;
    data.get(offset..).filter(|rest| !rest.is_empty())
}

/// Pairs of a file's own index of a section, sorted, and that in [`Image::sections`].
type Indices = Vec<(usize, usize)>;

/// The sections, and which of them the file's own indices mean.
fn sections<'a>(file: &File<'a>) -> Result<(Vec<Section<'a>>, Indices)> {
    let (mut sections, mut indices) = (Vec::new(), Vec::new());
    for section in file.sections() {
        let name = section.name_bytes().map_err(malformed)?;
        let data = match section.kind() {
            SectionKind::UninitializedData | SectionKind::UninitializedTls => Cow::default(),
            _ if matches!(file, File::Wasm(_)) && name == WASM_DATA.as_bytes() => {
                Cow::Owned(wasm_memory(section.data().map_err(malformed)?))
            }
            _ => Cow::Borrowed(section.data().map_err(malformed)?),
        };
        indices.push((section.index().0, sections.len()));
        sections.push(Section {
            name: String::from_utf8_lossy(name).into_owned(),
            address: section.address(),
            size: section.size(),
            data,
            writable: section.kind() == SectionKind::Data,
        });
    }
    Ok((sections, indices))
}

/// The symbols that are in the file, with names as Go's linker has them.
fn symbols(file: &File, format: Format, sections: &[Section], indices: &[(usize, usize)]) -> Vec<Symbol> {
    let mut symbols = Vec::new();
    for symbol in file.symbols().filter(|symbol| symbol.is_definition()) {
        let (Some(index), Ok(name)) = (symbol.section_index(), symbol.name_bytes()) else { continue };
        let Ok(at) = indices.binary_search_by_key(&index.0, |(own, _)| *own) else { continue };
        let section = indices[at].1;
        let name = String::from_utf8_lossy(name).into_owned();
        let name = match (format, name.strip_prefix('_')) {
            // As C compilers for macOS do.
            (Format::MachO, Some(rest)) => rest.to_owned(),
            _ => name,
        };
        if !sections[section].data.is_empty() {
            symbols.push(Symbol { name, address: symbol.address(), size: symbol.size(), section });
        }
    }
    symbols.sort_by(|a, b| (a.address, &a.name).cmp(&(b.address, &b.name)));
    symbols
}

/// The memory that a WebAssembly data section fills. Go's linker leaves out zeros, so what belongs together is in several segments.
fn wasm_memory(section: &[u8]) -> Vec<u8> {
    let mut memory = Vec::new();
    let mut reader = Leb128(section);
    for _ in 0..reader.number().unwrap_or(0) {
        let Some((offset, data)) = reader.segment() else { break };
        let end = offset.saturating_add(data.len());
        // Zeros cost nothing in the file, so a small one could ask for all memory.
        if end > section.len().saturating_mul(16).saturating_add(1 << 20) {
            break;
        }
        if memory.len() < end {
            memory.resize(end, 0);
        }
        memory[offset..end].copy_from_slice(data);
    }
    memory
}

/// What is left to read of a WebAssembly section.
struct Leb128<'a>(&'a [u8]);

impl<'a> Leb128<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    fn number(&mut self) -> Option<usize> {
        let mut number = 0_u64;
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return usize::try_from(number).ok();
            }
        }
        None
    }

    /// An active segment of the first memory: its offset, which is a constant, and its bytes.
    fn segment(&mut self) -> Option<(usize, &'a [u8])> {
        const I32_CONST: u8 = 0x41;
        const END: u8 = 0x0b;
        if self.number()? != 0 || self.byte()? != I32_CONST {
            return None;
        }
        let offset = self.number()?;
        if self.byte()? != END {
            return None;
        }
        let length = self.number()?;
        let (data, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some((offset, data))
    }
}

fn architecture(architecture: Architecture) -> String {
    format!("{architecture:?}").to_lowercase()
}
