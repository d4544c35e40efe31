//! Files that tests read while they run. Go finds out by running them; here everything counts that they may read, by these rules:
//!
//! * all below `testdata` in the package's directory;
//! * what string literals name, relative to the package's directory: files, and all below directories. This goes for the literals of the
//!   package and its tests; of other packages of the repository that the test needs, for those that lead upwards or into `testdata`;
//! * what they could name if they are patterns, or formats of `fmt`: files in the package's directory that match, all below a directory before that;
//! * all below the package's directory, if the package or its tests ask where they are (`os.Getwd`, `runtime.Caller`);
//! * what comments `//godirect:data PATTERN…` name;
//! * what [`Recorded`] has of it: files, also those that were looked for in vain, and what is in directories. That adds to the rules; it takes nothing
//!   away, since another run may read something else.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Result;
use crate::graph::{MainModule, Origin, PackageGraph};
use crate::plan::test::Test;
use crate::project::recorded::Recorded;
use crate::source::glob::{self, Glob};
use crate::source::mentions::{self, Mentions};
use crate::source::repository::{Known, RepositoryTree, known};
use crate::source::tree::{Entry, EntryKind, Tree, clean, join};

/// What was read for one test may be needed for the next.
pub struct Runtime<'t> {
    tree: &'t RepositoryTree,
    recorded: Recorded,
    listed: Known<Vec<Entry>>,
    mentions: Known<Mentions>,
    below: Known<BTreeSet<String>>,
}

/// What a test may read.
#[derive(Default)]
pub struct Reads {
    /// Files.
    pub files: BTreeSet<String>,
    /// Directories, with all that is below them: many tests have one in common.
    pub below: BTreeSet<String>,
    /// Directories, with what is in them and no deeper.
    pub listed: BTreeSet<String>,
}

impl<'t> Runtime<'t> {
    pub fn new(tree: &'t RepositoryTree, recorded: Recorded) -> Runtime<'t> {
        Runtime { tree, recorded, listed: Mutex::default(), mentions: Mutex::default(), below: Mutex::default() }
    }

    /// What a test in `directory` may read, which is in the module at `root`.
    ///
    /// # Errors
    ///
    /// When a directory can't be read.
    pub fn files(&self, graph: &PackageGraph, mains: &[MainModule], test: &Test, root: &str, directory: &str) -> Result<Reads> {
        let mut own = Mentions::default();
        let mut others = BTreeSet::new();
        for package in graph.closure([test.program.unit.as_str()], true) {
            let Origin::Main { index, directory: below } = &package.origin else { continue };
            let place = join(&mains[*index].directory, below);
            for file in package.selection.files.go.iter().chain(&package.selection.files.cgo) {
                let mentions = self.mentions(&join(&place, file))?;
                if place == directory {
                    own.extend(&mentions);
                } else {
                    let leads_out = |path: &&String| path.starts_with("..") || path.starts_with("testdata");
                    others.extend(mentions.paths.iter().filter(leads_out).cloned());
                }
            }
        }
        let mut found = self.usual(test.tested.as_str(), directory)?;
        if own.asks_where {
            found.below.insert(directory.to_owned());
        }
        for path in own.paths.iter().chain(&others).chain(&own.declared) {
            self.add_named(path, root, directory, &mut found)?;
        }
        Ok(found)
    }

    /// What of that doesn't follow from literals, which guess: what is below `testdata`, what is recorded of the tests of the package `tested`, and what
    /// comments in its `sources` declare.
    ///
    /// # Errors
    ///
    /// Those of [`Runtime::files`].
    pub fn said<'s>(
        &self,
        tested: &str,
        sources: impl Iterator<Item = &'s String>,
        root: &str,
        directory: &str,
    ) -> Result<Reads> {
        let mut found = self.usual(tested, directory)?;
        for source in sources {
            let content = crate::source::tree::read(self.tree, &join(directory, source))?;
            for path in mentions::declared(&content) {
                self.add_named(&path, root, directory, &mut found)?;
            }
        }
        Ok(found)
    }

    /// What tests read in any case, as far as it is known.
    fn usual(&self, tested: &str, directory: &str) -> Result<Reads> {
        let mut found = Reads { below: BTreeSet::from([join(directory, "testdata")]), ..Reads::default() };
        self.add_recorded(tested, &mut found)?;
        Ok(found)
    }

    /// Adds what a path or pattern names, relative to the directory of a package in the module at `root`.
    fn add_named(&self, path: &str, root: &str, directory: &str, found: &mut Reads) -> Result<()> {
        let path = pattern(path);
        let elements: Vec<&str> = path.split('/').collect();
        let plain = elements.iter().take_while(|element| !glob::has_meta(element)).count();
        let place = clean(&join(directory, &elements[..plain].join("/")));
        if place.starts_with("..") || !is_below(&place, root) {
            return Ok(());
        }
        match elements.get(plain) {
            Some(element) if plain == 0 => self.add_matching(element, directory, found),
            // All that is below the directory before it.
            _ => self.add(&place, directory, found),
        }
    }

    fn add_recorded(&self, import_path: &str, found: &mut Reads) -> Result<()> {
        for place in self.recorded.places(import_path) {
            let (parent, name) = place.rsplit_once('/').unwrap_or(("", place));
            let is_directory = |entry: &Entry| entry.name == name && entry.kind == EntryKind::Directory;
            match place.is_empty() || self.list(parent)?.iter().any(is_directory) {
                true => found.listed.insert(place.clone()),
                false => found.files.insert(place.clone()),
            };
        }
        Ok(())
    }

    /// Adds a file, or all files below a directory.
    fn add(&self, place: &str, directory: &str, found: &mut Reads) -> Result<()> {
        let (parent, name) = place.rsplit_once('/').unwrap_or(("", place));
        if place.is_empty() || place == directory || is_below(directory, place) {
            found.below.insert(place.to_owned());
            return Ok(());
        }
        match self.list(parent)?.iter().find(|entry| entry.name == name).map(|entry| entry.kind) {
            Some(EntryKind::Directory) => drop(found.below.insert(place.to_owned())),
            Some(EntryKind::File | EntryKind::Symlink) => drop(found.files.insert(place.to_owned())),
            _ => {}
        }
        Ok(())
    }

    /// Adds what matches a pattern in a directory. What matches everything is taken for a text with a blank, which most of its kind are.
    fn add_matching(&self, pattern: &str, directory: &str, found: &mut Reads) -> Result<()> {
        let Some(glob) = Glob::parse(pattern).filter(|_| pattern.chars().any(|c| !matches!(c, '*' | '?'))) else {
            return Ok(());
        };
        for entry in self.list(directory)?.iter().filter(|entry| glob.matches(&entry.name)) {
            self.add(&join(directory, &entry.name), directory, found)?;
        }
        Ok(())
    }

    /// What is in a directory, but for what git keeps there, which commits don't have.
    fn list(&self, directory: &str) -> Result<Arc<Vec<Entry>>> {
        known(&self.listed, directory, || {
            Ok(self.tree.list(directory)?.into_iter().filter(|entry| entry.name != ".git").collect())
        })
    }

    fn mentions(&self, file: &str) -> Result<Arc<Mentions>> {
        known(&self.mentions, file, || self.tree.found("mentions", file, Mentions::of))
    }

    /// What a file's comments tag with.
    pub fn tags(&self, file: &str) -> BTreeSet<String> {
        let known = self.mentions.lock().unwrap_or_else(PoisonError::into_inner).get(file).cloned();
        known.map_or_else(|| self.tree.found("tags", file, mentions::tags).unwrap_or_default(), |known| known.tags.clone())
    }

    /// The files and the directories in a directory.
    ///
    /// # Errors
    ///
    /// When it can't be read.
    pub fn entries(&self, directory: &str) -> Result<(BTreeSet<String>, BTreeSet<String>)> {
        let (mut files, mut directories) = (BTreeSet::new(), BTreeSet::new());
        for entry in self.list(directory)?.iter() {
            let path = join(directory, &entry.name);
            match entry.kind {
                EntryKind::Directory => directories.insert(path),
                _ => files.insert(path),
            };
        }
        Ok((files, directories))
    }

    /// All files below a directory.
    ///
    /// # Errors
    ///
    /// When a directory can't be read.
    pub fn below(&self, directory: &str) -> Result<Arc<BTreeSet<String>>> {
        known(&self.below, directory, || {
            let (mut found, mut open) = (BTreeSet::new(), vec![directory.to_owned()]);
            while let Some(directory) = open.pop() {
                for entry in self.list(&directory)?.iter() {
                    let path = join(&directory, &entry.name);
                    match entry.kind {
                        EntryKind::Directory => open.push(path),
                        EntryKind::File | EntryKind::Symlink => drop(found.insert(path)),
                        _ => {}
                    }
                }
            }
            Ok(found)
        })
    }
}

/// A literal as a pattern: what `fmt` would put in the place of a verb may be anything.
fn pattern(literal: &str) -> String {
    let (mut text, mut rest) = (String::new(), literal);
    while let Some((before, after)) = rest.split_once('%') {
        text += before;
        rest = after.trim_start_matches(|c: char| !c.is_alphabetic() && c != '%' && c != '/');
        match rest.chars().next() {
            Some('%') => text.push('%'),
            _ => text.push('*'),
        }
        rest = rest.strip_prefix(|c: char| c != '/').unwrap_or(rest);
    }
    text + rest
}

/// Whether a path is a directory or below it.
fn is_below(path: &str, directory: &str) -> bool {
    directory.is_empty() || path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::pattern;

    #[test]
    fn verbs_are_wild_cards() {
        for (literal, wanted) in [
            ("a.txt", "a.txt"),
            ("%s", "*"),
            ("data_%03d.txt", "data_*.txt"),
            ("%[1]s/%-5q.json", "*/*.json"),
            ("100%%", "100%"),
            ("50%", "50*"),
            ("*.golden", "*.golden"),
            ("%", "*"),
            ("a%/b", "a*/b"),
        ] {
            assert_eq!(pattern(literal), wanted, "{literal}");
        }
    }
}
