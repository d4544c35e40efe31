//! Paths of the building machine that a binary tells.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use flate2::read::ZlibDecoder;
use serde::Serialize;

use super::image::Image;
use super::is_dwarf;
use super::pclntab::Lines;

/// How much a compressed section may become.
const MAX_DWARF: u64 = 1 << 30;
/// How many paths of a kind are named.
const NAMED: usize = 20;

/// Something in a binary that tells of the machine that built it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Leak {
    /// Where it is: a section, or `source files` for the table that stack traces use.
    pub place: String,
    /// The path as it is there.
    pub path: String,
    /// What it is on this machine, if it is one of this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
}

/// All absolute names of source files, and all occurrences of directories of this machine.
pub(super) fn leaks(image: &Image, lines: Option<&Lines>, own: &BTreeMap<String, String>) -> Vec<Leak> {
    let mut leaks = BTreeSet::new();
    let of = |path: &str| own.iter().filter(|(own, _)| path.starts_with(own.as_str())).max_by_key(|(own, _)| own.len());
    let files = lines.map(Lines::files).unwrap_or_default();
    let mut named: BTreeMap<Option<&str>, usize> = BTreeMap::new();
    for path in files.into_iter().filter(|path| is_absolute(path)) {
        let of = of(&path).map(|(_, what)| what.as_str());
        let count = named.entry(of).or_default();
        *count += 1;
        if *count <= NAMED {
            leaks.insert(Leak { place: "source files".to_owned(), path: path.into_owned(), of: of.map(str::to_owned) });
        }
    }
    for section in &image.sections {
        let inflated = inflated(&section.name, &section.data);
        let data = inflated.as_deref().unwrap_or(&section.data);
        for (own, what) in own {
            for at in memchr::memmem::find_iter(data, own.as_bytes()).take(NAMED) {
                // Another directory may begin in the same way.
                if data.get(at + own.len()).is_some_and(|next| next.is_ascii_alphanumeric()) {
                    continue;
                }
                let (place, of) = (section.name.clone(), Some(what.clone()));
                leaks.insert(Leak { place, path: printable(&data[at..]), of });
            }
        }
    }
    leaks.into_iter().collect()
}

/// Whether it is a path of some machine. What -trimpath and the go command's file prefix map write isn't: `/_/GOROOT`, `/tmp/go-build`.
fn is_absolute(path: &str) -> bool {
    let drive = path.as_bytes().get(1) == Some(&b':') && path.as_bytes()[0].is_ascii_alphabetic();
    let mapped = ["/_/", "/tmp/go-build/"].iter().any(|prefix| path.starts_with(prefix));
    (path.starts_with('/') || drive) && !mapped
}

/// The path at the beginning of bytes.
fn printable(bytes: &[u8]) -> String {
    let end = bytes.iter().take(200).position(|b| !b.is_ascii_graphic() || *b == b'"').unwrap_or(bytes.len().min(200));
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// Debug information as it was before it was compressed: by ELF's header of 24 or 12 bytes, or by Go's own of 12 (`ZLIB` and the size).
fn inflated(name: &str, data: &[u8]) -> Option<Vec<u8>> {
    if !is_dwarf(name) {
        return None;
    }
    [24, 12].into_iter().find_map(|header| {
        let compressed = data.get(header..).filter(|rest| rest.first() == Some(&0x78))?;
        let mut inflated = Vec::new();
        ZlibDecoder::new(compressed).take(MAX_DWARF).read_to_end(&mut inflated).ok()?;
        Some(inflated)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_paths_of_machines() {
        for path in ["/home/me/main.go", "C:/go/main.go", "/usr/local/go/src/fmt/print.go"] {
            assert!(is_absolute(path), "{path}");
        }
        for path in ["fmt/print.go", "a.example/m@v1.0.0/m.go", "_cgo_gotypes.go", "/_/GOROOT/src/net/cgo.c", "", ":"] {
            assert!(!is_absolute(path), "{path}");
        }
        assert_eq!(printable(b"/home/me/x.go\0more"), "/home/me/x.go");
    }
}
