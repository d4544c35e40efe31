//! Files that C and assembly include from anywhere in the repository. Go's own cache takes no notice of those outside of the package's
//! directory (golang/go#24355).

use std::collections::BTreeSet;

use crate::error::Result;
use crate::plan::Step;
use crate::plan::token::{ROOT, SRC};
use crate::source::tree::{DiskTree, Tree, clean, join};

/// The files that the package's own include, directly or not: those that are there, and the places where one was looked for that isn't. `files`
/// are the package's own, in the directory `local`; `steps` have the directories of `-I` flags.
///
/// # Errors
///
/// When a directory can't be read.
pub fn closure(tree: &DiskTree, local: &str, files: &[String], steps: &[Step]) -> Result<BTreeSet<String>> {
    let directories = include_directories(local, steps);
    let mut found = BTreeSet::new();
    let mut open: Vec<String> = files.iter().map(|file| join(local, file)).collect();
    let mut seen: BTreeSet<String> = open.iter().cloned().collect();
    while let Some(file) = open.pop() {
        let Ok(content) = tree.read(&file) else { continue };
        let own = file.rsplit_once('/').map_or("", |(directory, _)| directory);
        for name in names(&content) {
            for directory in [own, local].into_iter().chain(directories.iter().map(String::as_str)) {
                let path = clean(&join(directory, &name));
                if path.starts_with("../") || path == ".." || !seen.insert(path.clone()) {
                    continue;
                }
                found.insert(path.clone());
                open.push(path);
            }
        }
    }
    Ok(found)
}

/// The directories of `-I` flags in the repository.
fn include_directories(local: &str, steps: &[Step]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let texts: Vec<&str> = steps.iter().flat_map(Step::texts).collect();
    for (index, text) in texts.iter().enumerate() {
        let Some(flag) = ["-I", "-iquote", "-isystem", "-idirafter"].iter().find_map(|flag| text.strip_prefix(flag)) else {
            continue;
        };
        let value = if flag.is_empty() { texts.get(index + 1).copied().unwrap_or_default() } else { flag };
        let below = |rest: &str| rest.trim_start_matches('/').to_owned();
        found.insert(match (value.strip_prefix(SRC), value.strip_prefix(ROOT)) {
            (Some(rest), _) => join(local, &below(rest)),
            (_, Some(rest)) => below(rest),
            _ if value.starts_with(['/', '{']) => continue,
            _ => join(local, value),
        });
    }
    found
}

/// The names that a file may include: whatever is quoted on lines of the preprocessor, and by `.incbin` and `.include` of assemblers. In Go files these
/// lines are comments.
fn names(content: &[u8]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in content.split(|&byte| byte == b'\n') {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_start_matches(|c: char| c.is_whitespace() || c == '/' || c == '*');
        if !(line.starts_with('#') || line.contains(".inc")) {
            continue;
        }
        for (open, close) in [('"', '"'), ('<', '>')] {
            let mut rest = line;
            while let Some((_, after)) = rest.split_once(open)
                && let Some((name, after)) = after.split_once(close)
            {
                if !name.is_empty() && !name.starts_with('/') {
                    found.insert(name.to_owned());
                }
                rest = after;
            }
        }
    }
    found
}
