//! What is in a finished binary: its format, what it needs to run, what built it, whose code it has, and which paths it tells.
//!
//! Nothing here runs or reads anything: the bytes of a file go in, a [`Report`] comes out. They come from anywhere, so everything is
//! checked before it is believed.

pub mod buildinfo;
mod differences;
mod elf;
mod image;
mod paths;
mod pclntab;
mod sizes;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::digest::Sha256;
use crate::error::{Error, Result};
use buildinfo::BuildInfo;
use image::{Format, Image};

pub use differences::{Difference, differences};
pub use paths::Leak;

/// What a release engineer wants to know of a binary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The file's digest.
    pub sha256: Sha256,
    /// The file's size in bytes.
    pub size: u64,
    /// `elf`, `macho`, `pe` or `wasm`.
    pub format: &'static str,
    /// The processor, as the format calls it.
    pub architecture: String,
    /// What kind of file it is: an executable, which may be position independent, or a shared library.
    pub kind: &'static str,
    /// Whether it runs without any other file: no interpreter, no libraries.
    #[serde(rename = "static")]
    pub is_static: bool,
    /// The program that the system starts in its place (ELF), usually the dynamic linker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interpreter: Option<String>,
    /// Shared libraries that it needs, sorted.
    pub libraries: Vec<String>,
    /// The newest version of the GNU C library that it asks for, e.g. `2.34`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub glibc: Option<String>,
    /// Whether the symbol table is missing.
    pub stripped: bool,
    /// Whether debug information is missing.
    pub without_dwarf: bool,
    /// What built it; none where no Go program was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build_info: Option<BuildInfo>,
    /// Paths of the building machine.
    pub leaks: Vec<Leak>,
    /// Bytes by package, the most first. In parentheses stands what belongs to none.
    pub sizes: Vec<PackageSize>,
}

/// How much of a binary a package is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PackageSize {
    /// The import path, or something in parentheses.
    pub package: String,
    /// Bytes of code and data; when the binary is stripped, of code alone.
    pub bytes: u64,
}

/// Inspects a binary. `own_paths` are directories of this machine that must not occur in it, with what they are.
///
/// # Errors
///
/// When it is none of the formats that Go links, or malformed.
pub fn inspect(bytes: &[u8], own_paths: &BTreeMap<String, String>) -> Result<Report> {
    let image = Image::parse(bytes)?;
    let lines = pclntab::find(&image);
    let dynamic = image.dynamic();
    let stripped = image.symbols.is_empty();
    Ok(Report {
        sha256: Sha256::of(bytes),
        size: bytes.len() as u64,
        format: image.format.name(),
        architecture: image.architecture.clone(),
        kind: image.kind,
        is_static: dynamic.interpreter.is_none() && dynamic.libraries.is_empty() && image.format != Format::Wasm,
        interpreter: dynamic.interpreter,
        libraries: dynamic.libraries.into_iter().collect(),
        glibc: dynamic.glibc,
        stripped,
        without_dwarf: !image.sections.iter().any(|section| is_dwarf(&section.name)),
        build_info: buildinfo::find(&image)?,
        leaks: paths::leaks(&image, lines.as_ref(), own_paths),
        sizes: sizes::by_package(&image, lines.as_ref()),
    })
}

/// Whether a section holds debug information, in any format's spelling; also compressed as Go did before 1.25.
fn is_dwarf(section: &str) -> bool {
    [".debug_", ".zdebug_", "__debug_", "__zdebug_"].iter().any(|prefix| section.starts_with(prefix))
}

/// What a binary needs to be started.
#[derive(Debug, Default)]
struct Dynamic {
    interpreter: Option<String>,
    libraries: BTreeSet<String>,
    glibc: Option<String>,
}

fn malformed(error: impl std::fmt::Display) -> Error {
    Error::input(format!("the binary is malformed: {error}"))
}

#[cfg(test)]
mod tests;
