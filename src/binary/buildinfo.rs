//! Build information of Go programs (`debug/buildinfo`, `runtime/debug.ParseBuildInfo`).

use serde::Serialize;

use super::image::{self, Format, Image};
use crate::error::{Error, Result};
use crate::plan::buildinfo::{END, START};
use crate::source::token::{quoted_prefix, unquote};

/// What stands at the beginning of the data.
const MAGIC: &[u8] = b"\xff Go buildinf:";
const ALIGNMENT: usize = 16;
const HEADER: usize = 32;

/// What `go version -m` shows; as JSON it is what `go version -m -json` prints.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct BuildInfo {
    /// What the toolchain calls its version, e.g. `go1.27.3`; empty for WebAssembly, which doesn't have it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub go_version: String,
    /// The import path of the main package.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// The module of the main package.
    pub main: Module,
    /// The other modules.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deps: Vec<Module>,
    /// The settings of the build, in the order of the file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<Setting>,
}

/// A module that was linked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Module {
    /// Its path.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// Its version.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Its hash, as in go.sum.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sum: String,
    /// What takes its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replace: Option<Box<Module>>,
}

/// A setting such as `GOOS` or `-tags`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Setting {
    /// Its name.
    pub key: String,
    /// Its value.
    pub value: String,
}

impl BuildInfo {
    /// The value of a setting; empty if there is none.
    pub fn setting(&self, key: &str) -> &str {
        self.settings.iter().find(|setting| setting.key == key).map_or("", |setting| &setting.value)
    }

    /// Parses the text between the marks.
    ///
    /// # Errors
    ///
    /// A line that the go command would not have written, with its number.
    pub fn parse(text: &str) -> Result<BuildInfo> {
        let mut info = BuildInfo::default();
        let mut last = Last::None;
        // Go takes no notice of what stands behind the last line's end.
        for (number, line) in (1..).zip(text.split_inclusive('\n')).filter_map(|(n, l)| Some((n, l.strip_suffix('\n')?))) {
            let failed = |why: &str| Error::input(format!("build information is malformed: line {number}: {why}"));
            let Some((kind, rest)) = line.split_once('\t') else { continue };
            match kind {
                "path" => info.path = rest.to_owned(),
                "mod" => {
                    info.main = Module::parse(rest).map_err(failed)?;
                    last = Last::Main;
                }
                "dep" => {
                    info.deps.push(Module::parse(rest).map_err(failed)?);
                    last = Last::Dep;
                }
                "=>" => {
                    let by = Module::parse_replacement(rest).map_err(failed)?;
                    let module = match std::mem::replace(&mut last, Last::None) {
                        Last::Main => Some(&mut info.main),
                        Last::Dep => info.deps.last_mut(),
                        Last::None => None,
                    };
                    module.ok_or_else(|| failed("a replacement without a module before it"))?.replace = Some(Box::new(by));
                }
                "build" => info.settings.push(Setting::parse(rest).map_err(failed)?),
                _ => {}
            }
        }
        Ok(info)
    }
}

/// Which module a line of replacement belongs to.
enum Last {
    None,
    Main,
    Dep,
}

impl Module {
    fn parse(text: &str) -> Result<Module, &'static str> {
        let columns: Vec<&str> = text.split('\t').collect();
        let (path, version, sum) = match columns[..] {
            [path, version] => (path, version, ""),
            [path, version, sum] => (path, version, sum),
            _ => return Err("a module has two or three columns"),
        };
        Ok(Module { path: path.to_owned(), version: version.to_owned(), sum: sum.to_owned(), replace: None })
    }

    fn parse_replacement(text: &str) -> Result<Module, &'static str> {
        if text.matches('\t').count() == 2 { Module::parse(text) } else { Err("a replacement has three columns") }
    }
}

impl Setting {
    fn parse(text: &str) -> Result<Setting, &'static str> {
        let (key, value) = match text.as_bytes().first() {
            None | Some(b'=') => return Err("a setting without name"),
            Some(b'`' | b'"') => {
                let (key, length) = quoted_prefix(text.as_bytes()).ok_or("the name of a setting isn't quoted as it begins")?;
                let value = text[length..].strip_prefix('=').ok_or("there is no = after the name of a setting")?;
                (String::from_utf8_lossy(&key).into_owned(), value)
            }
            Some(_) => {
                let (key, value) = text.split_once('=').ok_or("there is no = after the name of a setting")?;
                if key.contains(['=', ' ', '\t', '\r', '\n', '"', '`']) {
                    return Err("the name of a setting has to be quoted");
                }
                (key.to_owned(), value)
            }
        };
        let value = match value.as_bytes().first() {
            Some(b'`' | b'"') => {
                let value = unquote(value.as_bytes()).ok_or("the value of a setting isn't quoted as it begins")?;
                String::from_utf8_lossy(&value).into_owned()
            }
            _ if value.contains([' ', '\t', '\r', '\n', '"', '`']) => return Err("the value of a setting has to be quoted"),
            _ => value.to_owned(),
        };
        Ok(Setting { key, value })
    }
}

/// Finds and parses the build information of a binary; `None` where it isn't of Go.
///
/// # Errors
///
/// When there is some, and it is malformed.
pub(super) fn find(image: &Image) -> Result<Option<BuildInfo>> {
    if image.format == Format::Wasm {
        return image.section(image::WASM_DATA).and_then(|section| marked(&section.data)).map(BuildInfo::parse).transpose();
    }
    let Some((version, text)) = places(image).find_map(|(address, data)| raw(image, address, data)) else { return Ok(None) };
    let mut info = BuildInfo::parse(&text)?;
    info.go_version = version;
    Ok(Some(info))
}

/// The text between the marks. For WebAssembly, Go's linker writes no header with the version, but the program has the text.
fn marked(data: &[u8]) -> Option<&str> {
    let start = memchr::memmem::find(data, &START)? + START.len();
    let length = memchr::memmem::find(&data[start..], &END)?;
    std::str::from_utf8(&data[start..start + length]).ok()
}

/// Where it may be: in a section of its own, or in the first data that is written to.
fn places<'i>(image: &'i Image<'_>) -> impl Iterator<Item = (u64, &'i [u8])> {
    let named = image.section(".go.buildinfo").or_else(|| image.section("__go_buildinfo"));
    let data = image.sections.iter().find(|section| match image.format {
        Format::Pe => section.writable,
        Format::Elf | Format::MachO | Format::Wasm => false,
    });
    let found = named.or(data).map(|section| (section.address, &*section.data));
    found.into_iter().chain(if found.is_none() { image.data_segment() } else { None })
}

/// The version and the text, of the first header in `data`, which is in memory at `address`.
fn raw(image: &Image, address: u64, data: &[u8]) -> Option<(String, String)> {
    let is_aligned =
        |at: &usize| image.format == Format::Wasm || (address as usize).wrapping_add(*at).is_multiple_of(ALIGNMENT);
    let at = memchr::memmem::find_iter(data, MAGIC).find(is_aligned)?;
    let header = data.get(at..at + HEADER)?;
    let (pointer_size, flags) = (header[14], header[15]);
    // Since Go 1.18 both strings follow the header.
    let (version, text) = if flags & 2 != 0 {
        let (version, rest) = counted(data.get(at + HEADER..)?)?;
        (version, counted(rest)?.0)
    } else {
        let big = flags & 1 != 0;
        let pointer = |at: usize| number(header.get(at..at + usize::from(pointer_size))?, big);
        let string = |at: usize| pointed(image, pointer(at)?, usize::from(pointer_size), big);
        (string(16)?, string(16 + usize::from(pointer_size)).unwrap_or_default())
    };
    let text_of = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (!version.is_empty()).then(|| (text_of(version), text_of(without_marks(text))))
}

/// A string after its length as a varint, and what follows.
fn counted(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let (mut length, mut shift) = (0_u64, 0);
    for (at, byte) in data.iter().take(10).enumerate() {
        length |= u64::from(byte & 0x7f).checked_shl(shift)?;
        shift += 7;
        if byte & 0x80 == 0 {
            return data[at + 1..].split_at_checked(usize::try_from(length).ok()?);
        }
    }
    None
}

/// The string that a Go string header in memory means.
fn pointed<'i>(image: &'i Image<'_>, address: u64, pointer_size: usize, big: bool) -> Option<&'i [u8]> {
    let header = image.read(address, 2 * pointer_size as u64)?;
    let (start, length) = header.split_at(pointer_size);
    image.read(number(start, big)?, number(length, big)?)
}

/// A number of 4 or 8 bytes.
fn number(bytes: &[u8], big: bool) -> Option<u64> {
    match (bytes.len(), big) {
        (4, false) => Some(u32::from_le_bytes(bytes.try_into().ok()?).into()),
        (4, true) => Some(u32::from_be_bytes(bytes.try_into().ok()?).into()),
        (8, false) => Some(u64::from_le_bytes(bytes.try_into().ok()?)),
        (8, true) => Some(u64::from_be_bytes(bytes.try_into().ok()?)),
        _ => None,
    }
}

/// The text without the 16 bytes before and behind it (`modload.ModInfoData`); nothing where they are missing.
pub fn without_marks(text: &[u8]) -> &[u8] {
    let inner = text.len().checked_sub(16).and_then(|end| text.get(16..end));
    inner.filter(|inner| inner.last() == Some(&b'\n')).unwrap_or_default()
}
