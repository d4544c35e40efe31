//! What a test program has looked at, as it notes it itself with `-test.testlogfile` (Go's `internal/testlog`; read by `computeTestInputsID` in
//! `cmd/go/internal/test`).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::tree::clean;

/// The first line of a log.
const MAGIC: &[u8] = b"# test log\n";

/// What a program has looked at. Files outside of the module don't count, as in Go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestLog {
    /// Variables of the environment.
    pub variables: BTreeSet<String>,
    /// Files and directories that were read, relative to the module.
    pub opened: BTreeSet<String>,
    /// Those of which it was asked what they are.
    pub asked: BTreeSet<String>,
}

impl TestLog {
    /// Reads the log of a program that was started in `directory`, of the module in `root`; both are absolute. `None` for what isn't one.
    pub fn parse(log: &[u8], directory: &str, root: &str) -> Option<TestLog> {
        let text = std::str::from_utf8(log.strip_prefix(MAGIC)?).ok()?;
        let mut found = TestLog::default();
        // The runtime reads it without a note.
        found.variables.insert("GODEBUG".to_owned());
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
                "getenv" => drop(found.variables.insert(name.to_owned())),
                "chdir" => {
                    found.asked.extend(within);
                    current = path;
                }
                "stat" => found.asked.extend(within),
                "open" => found.opened.extend(within),
                _ => return None,
            }
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_outside_of_the_module_does_not_count() {
        let log = b"# test log\n\ngetenv HOME\nopen testdata/a\nstat ../b\nchdir /r/p/sub\nopen c\nopen /etc/passwd\nstat ../../..\nopen /rr/x\n";
        let found = TestLog::parse(log, "/r/p", "/r").unwrap();
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(found.variables, set(&["GODEBUG", "HOME"]));
        assert_eq!(found.opened, set(&["p/testdata/a", "p/sub/c"]));
        assert_eq!(found.asked, set(&["b", "p/sub"]));
        assert_eq!(TestLog::parse(b"# test log\nrm x\n", "/r", "/r"), None);
        assert_eq!(TestLog::parse(b"", "/r", "/r"), None);
    }
}
