//! What tests have looked at while they ran, as `godirect test --record` keeps it in the repository, for those who must know it without running
//! them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{self, Error, Result};
use crate::files::Files;
use crate::source::testlog::TestLog;
use crate::source::tree::join;

/// The name of the file, beside the spec.
pub const FILE: &str = "godirect.reads.json";

/// The version of the format.
const VERSION: u32 = 1;

/// The places that tests have looked at, by the import path of what they test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    version: u32,
    tests: BTreeMap<String, BTreeSet<String>>,
}

impl Default for Recorded {
    fn default() -> Recorded {
        Recorded { version: VERSION, tests: BTreeMap::new() }
    }
}

impl Recorded {
    /// Reads what is recorded in a directory: nothing if there is no file.
    ///
    /// # Errors
    ///
    /// When the file can't be read, or isn't one.
    pub fn load(files: &Files, directory: &Path) -> Result<Recorded> {
        let path = error::file_in(directory, FILE);
        match files.read_text(&path) {
            Ok(text) => Recorded::parse(&text).map_err(|error| error.context(path.display())),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Recorded::default()),
            Err(e) => Err(Error::io("read", &path, &e)),
        }
    }

    /// Reads the text of the file.
    ///
    /// # Errors
    ///
    /// What is wrong with it: JSON, its version, or a place outside of the repository.
    pub fn parse(text: &str) -> Result<Recorded> {
        let wrong = |why: String| {
            let error = Error::input(format!("these are no recorded reads of tests: {why}"));
            error.help("delete the file, and write it anew: `godirect test --record`")
        };
        let recorded: Recorded = serde_json::from_str(text).map_err(|e| wrong(e.to_string()))?;
        if recorded.version != VERSION {
            return Err(wrong(format!("the version is {}, and this program knows {VERSION}", recorded.version)));
        }
        let is_within = |place: &&String| place.is_empty() || place.split('/').all(|e| !matches!(e, "" | "." | ".."));
        match recorded.tests.values().flatten().find(|place| !is_within(place)) {
            Some(place) => Err(wrong(format!("`{}` is no place in the repository", place.escape_debug()))),
            None => Ok(recorded),
        }
    }

    /// The places of a test, relative to the spec; the spec's directory is empty.
    pub fn places(&self, import_path: &str) -> impl Iterator<Item = &String> {
        self.tests.get(import_path).into_iter().flatten()
    }

    /// Adds what a test in `directory` has noted, which is in the module at `root`; both are relative to the spec. What is below `testdata` there is
    /// known to be read anyway.
    pub fn add(&mut self, import_path: &str, root: &str, directory: &str, log: &TestLog) {
        let testdata = join(directory, "testdata");
        let is_known =
            |place: &String| place.strip_prefix(&testdata).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let places =
            log.opened.iter().chain(&log.asked).map(|place| if place.is_empty() { root.to_owned() } else { join(root, place) });
        let places: Vec<String> = places.filter(|place| !is_known(place)).collect();
        if !places.is_empty() {
            self.tests.entry(import_path.to_owned()).or_default().extend(places);
        }
    }

    /// The text of the file: a line for each test, so that changes for different tests merge.
    ///
    /// # Errors
    ///
    /// When it can't be written as JSON.
    pub fn render(&self) -> Result<String> {
        let line = |(path, places)| Ok(format!("    {}: {}", serde_json::to_string(path)?, serde_json::to_string(places)?));
        let lines = self.tests.iter().map(line).collect::<serde_json::Result<Vec<String>>>();
        let lines = lines.map_err(|e| Error::environment(format!("failed to write JSON: {e}")))?;
        let tests = if lines.is_empty() { "{}".to_owned() } else { format!("{{\n{}\n  }}", lines.join(",\n")) };
        Ok(format!("{{\n  \"version\": {},\n  \"tests\": {tests}\n}}\n", self.version))
    }
}
