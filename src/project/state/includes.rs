//! Files that C and assembly include from anywhere in the repository. Go's own cache takes no notice of those outside of the package's
//! directory (golang/go#24355).

use std::collections::BTreeSet;

use crate::error::Result;
use crate::plan::Step;
use crate::plan::token::{ROOT, SRC};
use crate::source::includes;
use crate::source::repository::RepositoryTree;
use crate::source::tree::{Tree, clean, join};

/// The files that the package's own include, directly or not: those that are there, and the places where one was looked for that isn't. `files`
/// are the package's own, in the directory `local`; `steps` have the directories of `-I` flags.
///
/// # Errors
///
/// When a directory can't be read.
pub fn closure(tree: &RepositoryTree, local: &str, files: &[String], steps: &[Step]) -> Result<BTreeSet<String>> {
    let directories = places(&["-I", "-iquote", "-isystem", "-idirafter"], local, steps);
    let mut open: Vec<String> = files.iter().map(|file| join(local, file)).collect();
    let mut found = places(&["-include", "-imacros"], local, steps);
    open.extend(found.iter().cloned());
    let mut seen: BTreeSet<String> = open.iter().cloned().collect();
    while let Some(file) = open.pop() {
        let Ok(content) = tree.read(&file) else { continue };
        let own = file.rsplit_once('/').map_or("", |(directory, _)| directory);
        for name in includes::names(&content) {
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

/// The places in the repository that flags name, in their own argument or in the next one.
pub fn places(flags: &[&str], local: &str, steps: &[Step]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let texts: Vec<&str> = steps.iter().flat_map(Step::texts).collect();
    for (index, text) in texts.iter().enumerate() {
        let Some(value) = flags.iter().find_map(|flag| text.strip_prefix(flag)) else { continue };
        let value = if value.is_empty() { texts.get(index + 1).copied().unwrap_or_default() } else { value };
        let below = |rest: &str| rest.trim_start_matches('/').to_owned();
        found.insert(match (value.strip_prefix(SRC), value.strip_prefix(ROOT)) {
            (Some(rest), _) => clean(&join(local, &below(rest))),
            (_, Some(rest)) => clean(&below(rest)),
            _ if value.starts_with(['/', '{']) => continue,
            _ => clean(&join(local, value)),
        });
    }
    found
}
