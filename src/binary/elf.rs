//! What an ELF file asks of the system: its interpreter, its libraries, and the version of the GNU C library.

use object::Endianness;
use object::elf::{DT_NEEDED, PT_INTERP};
use object::read::elf::{Dyn, ElfFile, FileHeader, ProgramHeader};
use object::read::{File, StringTable};

use super::Dynamic;

/// The program that the system starts in place of the file.
pub(super) fn interpreter(file: &File) -> Option<String> {
    match file {
        File::Elf32(file) => interpreter_of(file),
        File::Elf64(file) => interpreter_of(file),
        _ => None,
    }
}

/// What the dynamic section and the version needs say. What is malformed counts as nothing, as it does for a stripped file.
pub(super) fn dynamic(file: &File) -> Dynamic {
    match file {
        File::Elf32(file) => dynamic_of(file),
        File::Elf64(file) => dynamic_of(file),
        _ => Dynamic::default(),
    }
}

fn interpreter_of<E: FileHeader<Endian = Endianness>>(file: &ElfFile<'_, E>) -> Option<String> {
    let header = file.elf_program_headers().iter().find(|header| header.p_type(file.endian()) == PT_INTERP)?;
    let path = header.data(file.endian(), file.data()).ok()?;
    let path = path.split(|byte| *byte == 0).next()?;
    Some(String::from_utf8_lossy(path).into_owned())
}

fn dynamic_of<E: FileHeader<Endian = Endianness>>(file: &ElfFile<'_, E>) -> Dynamic {
    let (endian, data, sections) = (file.endian(), file.data(), file.elf_section_table());
    let mut dynamic = Dynamic { interpreter: interpreter_of(file), ..Dynamic::default() };
    let string = |strings: &StringTable<'_>, offset: u32| Some(String::from_utf8_lossy(strings.get(offset).ok()?).into_owned());
    if let Ok(Some((entries, link))) = sections.dynamic(endian, data)
        && let Ok(strings) = sections.strings(endian, data, link)
    {
        let needed = entries.iter().filter(|entry| entry.tag(endian) == DT_NEEDED);
        dynamic.libraries = needed.filter_map(|entry| string(&strings, entry.val32(endian)?)).collect();
    }
    if let Ok(Some((needs, link))) = sections.gnu_verneed(endian, data)
        && let Ok(strings) = sections.strings(endian, data, link)
    {
        let mut newest: Option<Vec<u32>> = None;
        for (_, names) in needs.flatten() {
            for name in names.flatten().filter_map(|name| string(&strings, name.vna_name.get(endian))) {
                newest = newest.max(glibc_version(&name));
            }
        }
        dynamic.glibc = newest.map(|parts| parts.iter().map(u32::to_string).collect::<Vec<_>>().join("."));
    }
    dynamic
}

/// The numbers of `GLIBC_2.34`.
fn glibc_version(name: &str) -> Option<Vec<u32>> {
    name.strip_prefix("GLIBC_")?.split('.').map(|part| part.parse().ok()).collect()
}
