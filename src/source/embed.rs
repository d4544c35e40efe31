//! Which files a `//go:embed` pattern matches (`resolveEmbed` in `cmd/go/internal/load`).

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use crate::error::Result;
use crate::source::glob::{Glob, has_meta};
use crate::source::tree::{Entry, EntryKind, Tree, join};

/// The files that `pattern` matches in the package directory `directory`, relative to it and sorted.
///
/// # Errors
///
/// Outer: the tree can't be read. Inner: the pattern is wrong, in Go's words without `pattern …: ` before them.
pub fn resolve(tree: &dyn Tree, directory: &str, pattern: &str) -> Result<Result<Vec<String>, String>> {
    let glob = pattern.strip_prefix("all:");
    let walk = Walk { tree, directory, hidden: glob.is_some(), lists: RefCell::default() };
    let glob = glob.unwrap_or(pattern);
    let elements: Vec<&str> = glob.split('/').collect();
    let valid = elements.iter().all(|e| !matches!(*e, "" | "." | "..") && Glob::parse(e).is_some());
    if !valid {
        return Ok(Err("invalid pattern syntax".to_owned()));
    }
    let mut files = Vec::new();
    for (path, kind) in walk.matches(&elements)? {
        if let Err(why) = walk.collect(&path, kind, &mut files)? {
            return Ok(Err(why));
        }
    }
    files.sort();
    files.dedup();
    Ok(if files.is_empty() { Err("no matching files found".to_owned()) } else { Ok(files) })
}

struct Walk<'a> {
    tree: &'a dyn Tree,
    directory: &'a str,
    /// Whether hidden files in directories are embedded too: `all:`.
    hidden: bool,
    /// What was listed: each of a thousand matches in a directory asks what else is there.
    lists: RefCell<HashMap<String, Rc<[Entry]>>>,
}

impl Walk<'_> {
    fn list(&self, path: &str) -> Result<Rc<[Entry]>> {
        if let Some(known) = self.lists.borrow().get(path) {
            return Ok(known.clone());
        }
        let entries: Rc<[Entry]> = self.tree.list(&join(self.directory, path))?.into();
        self.lists.borrow_mut().insert(path.to_owned(), entries.clone());
        Ok(entries)
    }

    fn is_module(&self, path: &str) -> Result<bool> {
        Ok(self.list(path)?.binary_search_by(|e| e.name.as_str().cmp("go.mod")).is_ok())
    }

    /// The entries that the elements of a pattern lead to, without following symbolic links.
    fn matches(&self, elements: &[&str]) -> Result<Vec<(String, EntryKind)>> {
        let mut found = vec![(String::new(), EntryKind::Directory)];
        for element in elements {
            let glob = Glob::parse(element).filter(|_| has_meta(element));
            let mut next = Vec::new();
            for (path, _) in found.iter().filter(|(_, kind)| *kind == EntryKind::Directory) {
                let entries = self.list(path)?;
                let matching = entries.iter().filter(|e| match &glob {
                    Some(glob) => glob.matches(&e.name),
                    None => e.name == *element,
                });
                next.extend(matching.map(|e| (join(path, &e.name), e.kind)));
            }
            found = next;
        }
        Ok(found)
    }

    /// Adds what a match stands for: a file itself, or the files below a directory.
    fn collect(&self, path: &str, kind: EntryKind, files: &mut Vec<String>) -> Result<Result<(), String>> {
        let what = if kind == EntryKind::Directory { "directory" } else { "file" };
        if let Some(why) = self.obstacle(path, kind)? {
            return Ok(Err(format!("cannot embed {what} {path}: {why}")));
        }
        match kind {
            EntryKind::File => files.push(path.to_owned()),
            EntryKind::Directory => {
                let before = files.len();
                if let Err(why) = self.collect_below(path, files)? {
                    return Ok(Err(why));
                }
                if files.len() == before {
                    return Ok(Err(format!("cannot embed directory {path}: contains no embeddable files")));
                }
            }
            EntryKind::Symlink | EntryKind::Broken | EntryKind::Other => {
                return Ok(Err(format!("cannot embed irregular file {path}")));
            }
        }
        Ok(Ok(()))
    }

    /// Why the path can't be embedded: a nested module or a name that modules can't have, at it or above it.
    fn obstacle(&self, path: &str, kind: EntryKind) -> Result<Option<String>> {
        let mut current = path;
        while !current.is_empty() {
            let (parent, name) = current.rsplit_once('/').unwrap_or(("", current));
            let is_directory = current != path || kind == EntryKind::Directory;
            if is_directory && self.is_module(current)? {
                return Ok(Some("in different module".to_owned()));
            }
            if is_bad_name(name) {
                let place = if current == path { "invalid name" } else { "in invalid directory" };
                return Ok(Some(format!("{place} {name}")));
            }
            current = parent;
        }
        Ok(None)
    }

    fn collect_below(&self, path: &str, files: &mut Vec<String>) -> Result<Result<(), String>> {
        for entry in self.list(path)?.iter() {
            let below = join(path, &entry.name);
            let dotted = entry.name.starts_with(['.', '_']);
            let is_directory = entry.kind == EntryKind::Directory;
            if is_bad_name(&entry.name) || dotted && !self.hidden {
                if is_directory || dotted {
                    continue;
                }
                return Ok(Err(format!("cannot embed file {below}: invalid name {}", entry.name)));
            }
            if is_directory && !self.is_module(&below)? {
                if let Err(why) = self.collect_below(&below, files)? {
                    return Ok(Err(why));
                }
            } else if entry.kind == EntryKind::File {
                files.push(below);
            }
        }
        Ok(Ok(()))
    }
}

/// Whether a module zip can't hold a file of this name (`module.CheckFilePath`), or it belongs to version control.
fn is_bad_name(name: &str) -> bool {
    const WINDOWS: [&str; 4] = ["con", "prn", "aux", "nul"];
    let stem = name.split('.').next().unwrap_or("").to_ascii_lowercase();
    let numbered = |device: &str| matches!(stem.strip_prefix(device).map(str::as_bytes), Some([b'1'..=b'9']));
    let allowed = |c: char| match c.is_ascii() {
        true => c.is_ascii_alphanumeric() || "!#$%&()+,-.=@[]^_{}~ ".contains(c),
        false => c.is_alphabetic(),
    };
    name.is_empty()
        || name.ends_with('.')
        || !name.chars().all(allowed)
        || WINDOWS.contains(&stem.as_str())
        || numbered("com")
        || numbered("lpt")
        || matches!(name, ".bzr" | ".hg" | ".git" | ".svn")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tree::MemoryTree;

    fn embed(pattern: &str) -> String {
        let tree = MemoryTree::new(&[
            ("p/a.txt", ""),
            ("p/b.txt", ""),
            ("p/.hidden", ""),
            ("p/link", "-> a.txt"),
            ("p/d/x", ""),
            ("p/d/.y", ""),
            ("p/d/_z/w", ""),
            ("p/d/link", "-> x"),
            ("p/d/mod/go.mod", ""),
            ("p/d/mod/f", ""),
            ("p/empty/.keep", ""),
            ("p/odd/a:b", ""),
            ("p/.git/config", ""),
            ("p/nul.txt", ""),
        ]);
        match resolve(&tree, "p", pattern).unwrap() {
            Ok(files) => files.join(" "),
            Err(why) => why,
        }
    }

    #[test]
    fn a_directory_of_thousands_of_files_is_listed_once() {
        struct Counting(MemoryTree, std::sync::atomic::AtomicUsize);
        impl Tree for Counting {
            fn list(&self, directory: &str) -> Result<Vec<Entry>> {
                self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                self.0.list(directory)
            }
            fn read(&self, path: &str) -> std::io::Result<Vec<u8>> {
                self.0.read(path)
            }
        }
        let names: Vec<String> = (0..1000).map(|i| format!("p/d/{i}")).collect();
        let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
        let tree = Counting(MemoryTree::new(&files), 0.into());
        assert_eq!(resolve(&tree, "p", "d/*").unwrap().map(|files| files.len()), Ok(1000));
        assert_eq!(tree.1.into_inner(), 2, "p and p/d");
    }

    #[test]
    fn patterns_match_as_in_go() {
        for (pattern, wanted) in [
            ("a.txt", "a.txt"),
            ("[ab].txt", "a.txt b.txt"),
            (".hidden", ".hidden"),
            ("d", "d/x"),
            ("all:d", "d/.y d/_z/w d/x"),
            ("d/_z", "d/_z/w"),
            ("*/x", "d/x"),
            ("*.md", "no matching files found"),
            ("a.txt/b", "no matching files found"),
            ("link", "cannot embed irregular file link"),
            ("d/mod", "cannot embed directory d/mod: in different module"),
            ("d/mod/f", "cannot embed file d/mod/f: in different module"),
            ("empty", "cannot embed directory empty: contains no embeddable files"),
            ("odd", "cannot embed file odd/a:b: invalid name a:b"),
            (".git/config", "cannot embed file .git/config: in invalid directory .git"),
            ("nul.txt", "cannot embed file nul.txt: invalid name nul.txt"),
            ("../x", "invalid pattern syntax"),
            (".", "invalid pattern syntax"),
            ("", "invalid pattern syntax"),
            ("/a", "invalid pattern syntax"),
            ("a[", "invalid pattern syntax"),
        ] {
            assert_eq!(embed(pattern), wanted, "{pattern}");
        }
    }
}
