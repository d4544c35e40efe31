//! What tests have looked at, put into the repository for `godirect affected`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::{self, Error, Result};
use crate::project::recorded::{FILE, Recorded};
use crate::project::testing::Request;
use crate::project::{Locked, Project, Variant};
use crate::source::testlog::TestLog;
use crate::write;

/// Where packages are: the directory of the module and their own, relative to the spec, by import path.
type Places = BTreeMap<String, (String, String)>;

/// Adds what programs have noted. What is there already stays: another run may have looked at other files.
///
/// # Errors
///
/// When the file can't be read or written.
pub fn add(project: &Project, places: &Places, logs: &BTreeMap<String, TestLog>) -> Result<()> {
    let before = Recorded::load(&project.files, &project.dir)?;
    let mut recorded = before.clone();
    for (path, log) in logs {
        if let Some((root, directory)) = places.get(path) {
            recorded.add(path, root, directory, log);
        }
    }
    if recorded != before {
        write::atomic(&error::file_in(&project.dir, FILE), recorded.render()?.as_bytes())?;
        anstream::eprintln!("recorded what tests have looked at in {FILE}");
    }
    Ok(())
}

/// Adds what files have, which are given as `IMPORTPATH=FILE`.
///
/// # Errors
///
/// For what isn't given so, a package that isn't the repository's, a file that isn't the log of a test program.
pub fn import(locked: &Locked, variant: Variant, given: &[String]) -> Result<()> {
    let malformed = |given: &String| {
        let error = Error::input(format!("`{}` doesn't say whose log it is", given.escape_debug()));
        error.help("write the import path of the package, `=`, and the file")
    };
    let pairs = given.iter().map(|given| given.split_once('=').ok_or_else(|| malformed(given)));
    let pairs: Vec<(&str, &str)> = pairs.collect::<Result<_>>()?;
    let patterns: Vec<String> = pairs.iter().map(|(path, _)| (*path).to_owned()).collect();
    let found = locked.tests(&Request { variant, patterns: &patterns, cover: None, fuzz: false, omit_debug: true })?;
    let places = locked.test_places(&found)?;
    let mut logs = BTreeMap::new();
    for (path, file) in pairs {
        let Some((root, directory)) = places.get(path) else {
            let error = Error::input(format!("{path} is no package of the repository"));
            return Err(error.help("write its import path as `godirect list` shows it"));
        };
        let log: &mut TestLog = logs.entry(path.to_owned()).or_default();
        let noted = read(locked.project, Path::new(file), root, directory)?;
        log.opened.extend(noted.opened);
        log.asked.extend(noted.asked);
    }
    add(locked.project, &places, &logs)
}

/// What a program has noted that ran in a directory of this repository, by whichever name it knew that.
fn read(project: &Project, file: &Path, root: &str, directory: &str) -> Result<TestLog> {
    let content = std::fs::read(file).map_err(|e| Error::io("read", file, &e))?;
    let find = |found: std::io::Result<PathBuf>| found.map_err(|e| Error::io("find", &project.dir, &e));
    let names = [find(std::path::absolute(&project.dir))?, find(project.files.real_path(&project.dir))?];
    let mut log = TestLog::default();
    for name in &names {
        let place = |below: &str| if below.is_empty() { name.clone() } else { name.join(below) }.display().to_string();
        let noted = TestLog::parse(&content, &place(directory), &place(root)).ok_or_else(|| {
            let error = Error::input(format!("{} is no log of a test program", file.display()));
            error.help("`go test PACKAGE -args -test.testlogfile=FILE` writes one")
        })?;
        log.opened.extend(noted.opened);
        log.asked.extend(noted.asked);
    }
    Ok(log)
}
