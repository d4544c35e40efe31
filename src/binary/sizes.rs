//! Whose code and data a binary consists of.

use std::collections::BTreeMap;

use super::image::{Format, Image, Symbol};
use super::pclntab::Lines;
use super::{PackageSize, is_dwarf};

/// Bytes by package, the most first: of all symbols, or of functions where there are none. What is no package's is in parentheses.
pub(super) fn by_package(image: &Image, lines: Option<&Lines>) -> Vec<PackageSize> {
    let mut sizes: BTreeMap<String, u64> = BTreeMap::new();
    let mut add = |package: String, bytes: u64| *sizes.entry(package).or_default() += bytes;
    if image.symbols.is_empty() {
        let functions = lines.map(Lines::functions).unwrap_or_default();
        functions.iter().for_each(|function| add(package_of(&function.name), function.size));
    }
    let in_package = |symbol: &Symbol| purpose(&image.sections[symbol.section].name).is_none();
    for (index, symbol) in image.symbols.iter().enumerate().filter(|(_, symbol)| in_package(symbol)) {
        add(package_of(&symbol.name), size(image, index, symbol));
    }
    for section in &image.sections {
        if let Some(what) = purpose(&section.name) {
            add(what.to_owned(), section.data.len() as u64);
        }
    }
    let known: u64 = sizes.values().sum();
    sizes.insert("(other)".to_owned(), (image.bytes.len() as u64).saturating_sub(known));
    let mut sizes: Vec<PackageSize> =
        sizes.into_iter().filter(|(_, bytes)| *bytes > 0).map(|(package, bytes)| PackageSize { package, bytes }).collect();
    sizes.sort_by(|a, b| (b.bytes, &a.package).cmp(&(a.bytes, &b.package)));
    sizes
}

/// What a section is for that belongs to no package.
fn purpose(section: &str) -> Option<&'static str> {
    match section {
        ".gopclntab" | ".data.rel.ro.gopclntab" | "__gopclntab" => Some("(functions and lines)"),
        ".symtab" | ".strtab" => Some("(symbol table)"),
        section if is_dwarf(section) => Some("(debug information)"),
        _ => None,
    }
}

/// A symbol's size: what the file says, or else the room to the next one in its section.
fn size(image: &Image, index: usize, symbol: &Symbol) -> u64 {
    let section = &image.sections[symbol.section];
    // Behind that is memory that the file doesn't have.
    let end = section.address.saturating_add(section.data.len() as u64);
    let room = end.saturating_sub(symbol.address);
    if symbol.size > 0 {
        return symbol.size.min(room);
    }
    if !matches!(image.format, Format::Pe | Format::MachO) {
        return 0;
    }
    let next = image.symbols[index + 1..].iter().find(|next| next.section == symbol.section);
    next.map_or(room, |next| (next.address - symbol.address).min(room))
}

/// The import path that a symbol begins with (`cmd/internal/objabi`): up to the first dot behind the last slash, where the rest is no
/// type argument.
fn package_of(symbol: &str) -> String {
    for (prefix, what) in [
        ("type:", "(types)"),
        ("go:itab.", "(interface tables)"),
        ("go:", "(strings and other data)"),
        ("gclocals·", "(strings and other data)"),
    ] {
        if symbol.starts_with(prefix) {
            return what.to_owned();
        }
    }
    let head = &symbol[..symbol.find(['[', '(']).unwrap_or(symbol.len())];
    let slash = head.rfind('/').map_or(0, |at| at + 1);
    match head[slash..].find('.') {
        Some(0) | None => "(C and the linker)".to_owned(),
        Some(dot) => unescape(&head[..slash + dot]),
    }
}

/// Dots in the last element of an import path are written as `%2e` in symbols.
fn unescape(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find('%') {
        text.push_str(&rest[..at]);
        match rest.get(at + 1..at + 3).and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(u8::is_ascii) {
            Some(byte) => {
                text.push(char::from(byte));
                rest = &rest[at + 3..];
            }
            None => {
                text.push('%');
                rest = &rest[at + 1..];
            }
        }
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_of_symbols() {
        for (symbol, package) in [
            ("main.main", "main"),
            ("net/http.(*Client).Do", "net/http"),
            ("gopkg.in/yaml%2ev3.Unmarshal", "gopkg.in/yaml.v3"),
            ("a.example/m.F[go.shape.int]", "a.example/m"),
            ("slices.Sort[go.shape.[]a.example/m.T,go.shape.int]", "slices"),
            ("a.example/m.init.0.func1", "a.example/m"),
            ("type:*a.example/m.T", "(types)"),
            ("go:string.*", "(strings and other data)"),
            ("_rt0_amd64_linux", "(C and the linker)"),
            ("a%zz.b", "a%zz"),
        ] {
            assert_eq!(package_of(symbol), package, "{symbol}");
        }
    }
}
