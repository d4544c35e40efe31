//! What a test program has looked at, as it notes it itself, and whether that is still the same (`computeTestInputsID` in
//! `cmd/go/internal/test`).

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::Metadata;
use std::path::Path;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use crate::digest::{Hasher, Sha256};
use crate::source::tree::clean;

/// The first line of a log.
const MAGIC: &[u8] = b"# test log\n";

/// What a program has looked at. Files outside of the module don't count, as in Go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Inputs {
    /// Variables of the environment.
    variables: BTreeSet<String>,
    /// Files and directories that were read, relative to the module.
    opened: BTreeSet<String>,
    /// Those of which it was asked what they are.
    asked: BTreeSet<String>,
}

impl Inputs {
    /// Reads the log of a program that was started in `directory`, of the module in `root`; both are absolute. `None` for what isn't one.
    pub fn parse(log: &[u8], directory: &str, root: &str) -> Option<Inputs> {
        let text = std::str::from_utf8(log.strip_prefix(MAGIC)?).ok()?;
        let mut inputs = Inputs::default();
        // The runtime reads it without a note.
        inputs.variables.insert("GODEBUG".to_owned());
        let mut current = directory.to_owned();
        for line in text.lines().filter(|line| !line.is_empty()) {
            let (operation, name) = line.split_once(' ')?;
            let path = if name.starts_with('/') { clean(name) } else { clean(&format!("{current}/{name}")) };
            let within = match path.strip_prefix(root) {
                Some("") => Some(String::new()),
                Some(rest) => rest.strip_prefix('/').map(str::to_owned),
                None => None,
            };
            match operation {
                "getenv" => drop(inputs.variables.insert(name.to_owned())),
                "chdir" => {
                    inputs.asked.extend(within);
                    current = path;
                }
                "stat" => inputs.asked.extend(within),
                "open" => inputs.opened.extend(within),
                _ => return None,
            }
        }
        Some(inputs)
    }

    /// A digest of `key` and of what all of that is now.
    pub fn digest(&self, key: &Sha256, root: &Path, env: &[(OsString, OsString)]) -> Sha256 {
        let mut hasher = Hasher::default();
        hasher.update(format!("test inputs of {key}\n"));
        let mut field = |kind: &str, name: &str, value: &[u8]| {
            hasher.update(format!("{kind} {} {name} {}\n", name.len(), value.len()));
            hasher.update(value);
        };
        for name in &self.variables {
            match env.iter().rev().find(|(other, _)| other.to_str() == Some(name)) {
                Some((_, value)) => field("variable", name, value.as_encoded_bytes()),
                None => field("no variable", name, b""),
            }
        }
        for name in &self.asked {
            let path = root.join(name);
            field("asked", name, described(std::fs::metadata(&path)).as_bytes());
            field("link", name, described(std::fs::symlink_metadata(&path)).as_bytes());
        }
        for name in &self.opened {
            field("opened", name, opened(&root.join(name)).as_bytes());
        }
        hasher.finish()
    }
}

/// What a program can learn of a file without reading it.
fn described(metadata: std::io::Result<Metadata>) -> String {
    match metadata {
        Ok(metadata) => {
            let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            let (kind, permissions) = (metadata.file_type(), metadata.permissions());
            format!("{} {since:?} {kind:?} {permissions:?}", metadata.len())
        }
        Err(error) => format!("{:?}", error.kind()),
    }
}

/// What a program reads in a file or directory. The content counts: unlike Go, nothing is guessed from the time of the last change.
fn opened(path: &Path) -> String {
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => return format!("{:?}", error.kind()),
    };
    if metadata.is_dir() {
        let mut entries: Vec<String> = match std::fs::read_dir(path) {
            Ok(entries) => {
                let shown = |entry: std::fs::DirEntry| format!("{:?} {}", entry.file_name(), described(entry.metadata()));
                entries.flatten().map(shown).collect()
            }
            Err(error) => return format!("{:?}", error.kind()),
        };
        entries.sort();
        return entries.join("\n");
    }
    if !metadata.is_file() {
        return described(Ok(metadata));
    }
    let content = std::fs::File::open(path).and_then(Sha256::of_reader);
    content.map_or_else(|error| format!("{:?}", error.kind()), |sha256| format!("{sha256} {:?}", metadata.permissions()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_outside_of_the_module_does_not_count() {
        let log = b"# test log\n\ngetenv HOME\nopen testdata/a\nstat ../b\nchdir /r/p/sub\nopen c\nopen /etc/passwd\nstat ../../..\nopen /rr/x\n";
        let inputs = Inputs::parse(log, "/r/p", "/r").unwrap();
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(inputs.variables, set(&["GODEBUG", "HOME"]));
        assert_eq!(inputs.opened, set(&["p/testdata/a", "p/sub/c"]));
        assert_eq!(inputs.asked, set(&["b", "p/sub"]));
        assert_eq!(Inputs::parse(b"# test log\nrm x\n", "/r", "/r"), None);
        assert_eq!(Inputs::parse(b"", "/r", "/r"), None);
    }

    #[test]
    fn digests_differ_when_an_input_does() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("a"), "1").unwrap();
        let directory = root.path().to_str().unwrap();
        let inputs = Inputs::parse(b"# test log\nopen a\nopen .\ngetenv X\n", directory, directory).unwrap();
        let digest = |value: &str| inputs.digest(&Sha256::of("key"), root.path(), &[("X".into(), value.into())]);
        let first = digest("1");
        assert_eq!(digest("1"), first);
        assert_ne!(digest("2"), first);
        std::fs::write(root.path().join("a"), "2").unwrap();
        assert_ne!(digest("1"), first);
        std::fs::write(root.path().join("b"), "").unwrap();
        let second = digest("1");
        std::fs::remove_file(root.path().join("b")).unwrap();
        assert_ne!(digest("1"), second);
    }
}
