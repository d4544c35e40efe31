//! Whether what a test program has looked at is still the same (`computeTestInputsID` in `cmd/go/internal/test`).

use std::ffi::OsString;
use std::fs::Metadata;
use std::path::Path;
use std::time::UNIX_EPOCH;

use crate::digest::{Hasher, Sha256};
use crate::source::testlog::TestLog;

/// A digest of `key` and of what all that a program has looked at is now.
pub(super) fn digest(log: &TestLog, key: &Sha256, root: &Path, env: &[(OsString, OsString)]) -> Sha256 {
    let mut hasher = Hasher::default();
    hasher.update(format!("test inputs of {key}\n"));
    let mut field = |kind: &str, name: &str, value: &[u8]| {
        hasher.update(format!("{kind} {} {name} {}\n", name.len(), value.len()));
        hasher.update(value);
    };
    for name in &log.variables {
        match env.iter().rev().find(|(other, _)| other.to_str() == Some(name)) {
            Some((_, value)) => field("variable", name, value.as_encoded_bytes()),
            None => field("no variable", name, b""),
        }
    }
    for name in &log.asked {
        let path = root.join(name);
        field("asked", name, described(std::fs::metadata(&path)).as_bytes());
        field("link", name, described(std::fs::symlink_metadata(&path)).as_bytes());
    }
    for name in &log.opened {
        field("opened", name, opened(&root.join(name)).as_bytes());
    }
    hasher.finish()
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
    fn digests_differ_when_an_input_does() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("a"), "1").unwrap();
        let directory = root.path().to_str().unwrap();
        let log = TestLog::parse(b"# test log\nopen a\nopen .\ngetenv X\n", directory, directory).unwrap();
        let digest = |value: &str| super::digest(&log, &Sha256::of("key"), root.path(), &[("X".into(), value.into())]);
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
