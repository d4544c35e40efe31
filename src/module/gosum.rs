//! go.sum and go.work.sum: the hashes that vouch for modules (<https://go.dev/ref/mod#go-sum-files>).

use std::collections::HashMap;
use std::path::Path;

use super::ModuleId;
use crate::digest::H1;
use crate::error::{Error, Location, Result};
use crate::name::ModulePath;

/// The hashes of one or more go.sum files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GoSum {
    modules: HashMap<ModuleId, Vec<H1>>,
    go_mods: HashMap<ModuleId, Vec<H1>>,
}

/// The hash of an absent go.mod, which an old bug of Go wrote; Go skips it too.
const EMPTY_GO_MOD: &str = "h1:G7mAYYxgmS0lVkHyy2hEOLQCFB0DlQFTMLWggykrydY=";

impl GoSum {
    /// Adds the lines of a file.
    ///
    /// # Errors
    ///
    /// A malformed line, with its place. Lines with another kind of hash than `h1:` are skipped, as Go does.
    pub fn add(&mut self, path: &Path, content: &str) -> Result<()> {
        let mut offset = 0;
        for line in content.split('\n') {
            let start = offset;
            offset += line.len() + 1;
            let words: Vec<&str> = line.split_whitespace().collect();
            let wrong = |message: String| {
                Error::input(message)
                    .at(Location::in_text(path, content, start, line.len()))
                    .help("remove the line and run `go mod tidy`, which adds what is missing")
            };
            match words.as_slice() {
                [] => {}
                [_, _, EMPTY_GO_MOD] => {}
                [name, version, hash] if hash.starts_with("h1:") => {
                    let (version, map) = match version.strip_suffix("/go.mod") {
                        Some(version) => (version, &mut self.go_mods),
                        None => (*version, &mut self.modules),
                    };
                    let malformed = |e: Error| wrong(format!("malformed go.sum: {}", e.message()));
                    let path = name.parse().map_err(malformed)?;
                    let id = ModuleId { path, version: version.parse().map_err(malformed)? };
                    map.entry(id).or_default().push(hash.parse().map_err(malformed)?);
                }
                [_, _, _] => {}
                _ => return Err(wrong(format!("malformed go.sum: wrong number of fields {}", words.len()))),
            }
        }
        Ok(())
    }

    /// The accepted hashes of a module's zip; empty when there is no line for it.
    pub fn module(&self, id: &ModuleId) -> &[H1] {
        self.modules.get(id).map_or(&[], Vec::as_slice)
    }

    /// Whether there is a hash of some version's zip: Go adds it when it looks for a package there.
    pub fn has_content(&self, path: &ModulePath) -> bool {
        self.modules.keys().any(|id| id.path == *path)
    }

    /// The accepted hashes of a module's go.mod; empty when there is no line for it.
    pub fn go_mod(&self, id: &ModuleId) -> &[H1] {
        self.go_mods.get(id).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "h1:9LQ6xuew6aOyqFMdSHbQ3mR3yrPpDzoPYZFOGdPpmXo=";

    #[test]
    fn both_kinds_of_lines() {
        let mut sum = GoSum::default();
        let content = format!("\na.com/b v1.0.0 {HASH}\r\na.com/b v1.0.0 h2:new\na.com/c v1.0.0/go.mod {HASH}\n");
        sum.add(Path::new("go.sum"), &content).unwrap();
        let b = ModuleId { path: "a.com/b".parse().unwrap(), version: "v1.0.0".parse().unwrap() };
        let c = ModuleId { path: "a.com/c".parse().unwrap(), ..b.clone() };
        assert_eq!((sum.module(&b), sum.go_mod(&b)), (&[HASH.parse().unwrap()][..], &[][..]));
        assert_eq!((sum.module(&c), sum.go_mod(&c)), (&[][..], &[HASH.parse().unwrap()][..]));
    }

    #[test]
    fn malformed_lines_are_shown() {
        let advice = "(remove the line and run `go mod tidy`, which adds what is missing)";
        let cases = [
            ("\na b\n".to_owned(), "go.sum:2:1: malformed go.sum: wrong number of fields 2"),
            ("a.com/b v1.0.0 h1:x\n".to_owned(), "go.sum:1:1: malformed go.sum: `h1:x` is not a go.sum hash like `h1:…`"),
            (
                format!("../b v1.0.0 {HASH}\n"),
                "go.sum:1:1: malformed go.sum: malformed module path \"../b\": an element ends with a dot",
            ),
        ];
        for (content, expected) in cases {
            let error = GoSum::default().add(Path::new("go.sum"), &content).unwrap_err();
            assert_eq!(error.to_string(), format!("{expected} {advice}"));
        }
    }
}
