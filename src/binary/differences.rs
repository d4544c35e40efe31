//! Where two binaries differ.

use std::collections::BTreeMap;

use serde::Serialize;

use super::image::{Image, Section};
use crate::error::Result;

/// A part of two binaries that isn't the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The section, or `header` for what is in none.
    pub section: String,
    /// What is different: a size, or bytes.
    pub what: String,
    /// The symbol that has the first different byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
}

/// The differences of two binaries by section; nothing exactly if they are the same.
///
/// # Errors
///
/// When one of them can't be read.
pub fn differences(ours: &[u8], theirs: &[u8]) -> Result<Vec<Difference>> {
    if ours == theirs {
        return Ok(Vec::new());
    }
    let (a, b) = (Image::parse(ours)?, Image::parse(theirs)?);
    let mut found = Vec::new();
    let named = |image: &Image| -> BTreeMap<String, usize> {
        image.sections.iter().enumerate().map(|(index, section)| (section.name.clone(), index)).collect()
    };
    let (in_a, in_b) = (named(&a), named(&b));
    let only = |section: &str, where_: &str| Difference {
        section: section.to_owned(),
        what: format!("it is only in {where_}"),
        symbol: None,
    };
    for (name, index) in &in_a {
        match in_b.get(name) {
            None => found.push(only(name, "this binary")),
            Some(other) => found.extend(compare(&a, &a.sections[*index], &b.sections[*other])),
        }
    }
    found.extend(in_b.keys().filter(|name| !in_a.contains_key(*name)).map(|name| only(name, "the other one")));
    if found.is_empty() {
        let first = ours.iter().zip(theirs).position(|(a, b)| a != b).unwrap_or(ours.len().min(theirs.len()));
        let what = format!("bytes from {first:#x} of the file on, which are in no section");
        found.push(Difference { section: "header".to_owned(), what, symbol: None });
    }
    Ok(found)
}

fn compare(image: &Image, a: &Section, b: &Section) -> Option<Difference> {
    if a.data == b.data && a.size == b.size {
        return None;
    }
    let first = a.data.iter().zip(b.data.iter()).position(|(a, b)| a != b).unwrap_or(a.data.len().min(b.data.len()));
    let count = a.data.iter().zip(b.data.iter()).filter(|(a, b)| a != b).count();
    let what = match a.size == b.size {
        true => format!("{count} of {} bytes, the first at {first:#x}", a.size),
        false => format!("{} bytes instead of {}, the first difference at {first:#x}", a.size, b.size),
    };
    let address = a.address.saturating_add(first as u64);
    let symbol =
        image.symbols.iter().rev().find(|symbol| image.sections[symbol.section].name == a.name && symbol.address <= address);
    Some(Difference { section: a.name.clone(), what, symbol: symbol.map(|symbol| symbol.name.clone()) })
}
