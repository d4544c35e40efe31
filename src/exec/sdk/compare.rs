//! Whether two directories have the same files, and what differs.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::lock::nar;

/// What a comparison found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Programs (`bin`, `pkg/tool`) that are equal, bit for bit.
    pub programs: usize,
    /// All files that are equal, the programs among them.
    pub files: usize,
    /// The others, by name.
    pub differences: BTreeMap<String, Difference>,
}

/// How a file differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Only the pinned SDK has it.
    Missing,
    /// Only the built SDK has it.
    Extra,
    /// Its content.
    Content {
        /// Bytes in the pinned SDK.
        pinned: usize,
        /// Bytes in the built one.
        built: usize,
        /// The first byte that differs, from 0.
        first: usize,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::Missing => write!(f, "not built"),
            Difference::Extra => write!(f, "built, but not pinned"),
            Difference::Content { pinned, built, first } => {
                write!(f, "{pinned} bytes pinned, {built} built, first difference at {first}")
            }
        }
    }
}

/// Compares the files of two SDKs.
///
/// # Errors
///
/// When a file can't be read, or a directory has something else than files and directories.
pub fn compare(pinned: &Path, built: &Path) -> Result<Comparison> {
    let list = |directory: &Path| nar::files(directory).map_err(|e| Error::io("list", directory, &e));
    let (pinned_files, built_files) = (list(pinned)?, list(built)?);
    let mut found: BTreeMap<String, Difference> = built_files
        .iter()
        .filter(|file| pinned_files.binary_search_by(|p| nar::order(p, file)).is_err())
        .map(|file| (file.clone(), Difference::Extra))
        .collect();
    let differing = pinned_files.par_iter().map(|file| Ok((file, difference(pinned, built, file)?)));
    let differing: Vec<(&String, Option<Difference>)> = differing.collect::<Result<_>>()?;
    let equal: Vec<&String> = differing.iter().filter(|(_, d)| d.is_none()).map(|(file, _)| *file).collect();
    let program = |file: &&&String| file.starts_with("bin/") || file.starts_with("pkg/tool/");
    let (programs, files) = (equal.iter().filter(program).count(), equal.len());
    found.extend(differing.into_iter().filter_map(|(file, d)| Some((file.clone(), d?))));
    Ok(Comparison { programs, files, differences: found })
}

fn difference(pinned: &Path, built: &Path, file: &str) -> Result<Option<Difference>> {
    let read = |path: &Path| fs::read(path).map_err(|e| Error::io("read", path, &e));
    let (pinned, other) = (read(&pinned.join(file))?, built.join(file));
    if !other.is_file() {
        return Ok(Some(Difference::Missing));
    }
    let built = read(&other)?;
    if pinned == built {
        return Ok(None);
    }
    let shorter = pinned.len().min(built.len());
    let first = pinned.iter().zip(&built).position(|(a, b)| a != b).unwrap_or(shorter);
    Ok(Some(Difference::Content { pinned: pinned.len(), built: built.len(), first }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_differs_and_where() {
        let directory = tempfile::tempdir().unwrap();
        let write = |side: &str, name: &str, content: &str| {
            let file = directory.path().join(side).join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, content).unwrap();
        };
        for (side, go, link) in [("pinned", "abc", "same"), ("built", "abd!", "same")] {
            write(side, "bin/go", go);
            write(side, "pkg/tool/linux_amd64/link", link);
            write(side, "VERSION", "go1.27.3");
        }
        write("pinned", "src/a.go", "");
        write("built", "src/b.go", "");
        write("pinned", "src/c.go", "1");
        write("built", "src/c.go", "12");
        let found = compare(&directory.path().join("pinned"), &directory.path().join("built")).unwrap();
        let shown: Vec<String> = found.differences.iter().map(|(file, d)| format!("{file}: {d}")).collect();
        assert_eq!(
            shown,
            [
                "bin/go: 3 bytes pinned, 4 built, first difference at 2",
                "src/a.go: not built",
                "src/b.go: built, but not pinned",
                "src/c.go: 1 bytes pinned, 2 built, first difference at 1",
            ]
        );
        assert_eq!((found.programs, found.files), (1, 2));
    }
}
