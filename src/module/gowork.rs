//! go.work (`golang.org/x/mod/modfile`, work.go; <https://go.dev/ref/mod#workspaces>).

use std::path::Path;

use super::gomod::{Directive, Replace, toolchain_version, unknown_block};
use super::syntax::{File, Place};
use crate::error::Result;
use crate::name::GoVersion;

/// A parsed go.work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GoWork {
    /// The go line.
    pub go: Option<GoVersion>,
    /// The toolchain line, e.g. `go1.27.3` or `default`.
    pub toolchain: Option<String>,
    /// The godebug lines, in order; those of the modules don't count then.
    pub godebug: Vec<(String, String)>,
    /// The directories of the main modules, as written.
    pub uses: Vec<String>,
    /// Replacements, which win over those of the modules.
    pub replace: Vec<Replace>,
}

const BLOCKS: [&str; 3] = ["godebug", "use", "replace"];

impl GoWork {
    /// Parses a go.work.
    ///
    /// # Errors
    ///
    /// The first fault, with its place.
    pub fn parse(path: &Path, content: &str) -> Result<GoWork> {
        let file = File { path, content };
        let mut work = GoWork::default();
        for line in file.lines()? {
            let verb = line.verb.text;
            if line.place == Place::Opening {
                if !line.args.is_empty() || !BLOCKS.contains(&verb) {
                    return Err(unknown_block(&file, &line));
                }
                continue;
            }
            let line = Directive { file: &file, line: &line };
            match verb {
                "go" => {
                    line.once(work.go.is_some())?;
                    work.go = Some(line.go_version(true)?);
                }
                "toolchain" => {
                    line.once(work.toolchain.is_some())?;
                    work.toolchain = Some(line.toolchain()?);
                }
                "godebug" => work.godebug.push(line.godebug()?),
                "use" => {
                    let [directory] = line.args("usage: use local/dir")?;
                    work.uses.push(line.value(directory)?);
                }
                "replace" => work.replace.extend(line.replace()?),
                unknown => return Err(line.error(format!("unknown directive: {unknown}"))),
            }
        }
        Ok(work)
    }

    /// The version that the toolchain line names, if there is one and it isn't `default`.
    pub fn toolchain_version(&self) -> Option<GoVersion> {
        toolchain_version(self.toolchain.as_deref()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_directive() {
        let content =
            "go 1.27\ntoolchain go1.27.3\ngodebug a=b\nuse ./x\nuse (\n\t.\n\t\"../y z\"\n)\nreplace a.com/b => ./b\n";
        let work = GoWork::parse(Path::new("go.work"), content).unwrap();
        assert_eq!(work.uses, ["./x", ".", "../y z"]);
        assert_eq!(work.godebug, [("a".to_owned(), "b".to_owned())]);
        assert_eq!(work.go.as_ref().unwrap().as_str(), "1.27");
        assert_eq!(work.toolchain_version().unwrap().as_str(), "1.27.3");
        assert_eq!(work.replace.len(), 1);
    }

    #[test]
    fn faults() {
        let cases = [
            ("require a.com/b v1.0.0\n", "go.work:1:1: unknown directive: require"),
            ("go (\n1.27\n)\n", "go.work:1:1: unknown block type: go"),
            ("use a b\n", "go.work:1:1: usage: use local/dir"),
        ];
        for (content, expected) in cases {
            assert_eq!(GoWork::parse(Path::new("go.work"), content).unwrap_err().to_string(), expected);
        }
    }
}
