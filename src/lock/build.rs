//! SDKs that are built from source: what compiles them, their experiments and patches.
//!
//! Here is what must be known before anything is built: which bootstrap SDK is used, and what std consists of once it is patched.
//! `exec::sdk` builds.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use diffy::patch_set::{FileOperation, ParseOptions, PatchKind, PatchSet};

use super::fetch::Fetcher;
use super::file::{Bootstrap, LockedPatch, SdkBuild};
use super::nar;
use super::sdk::{self, FetchedSdk, SdkOrigin, SdkRequest, SdkVersion};
use crate::digest::Sha256;
use crate::error::{Error, Result};
use crate::files::Files;
use crate::module::gosum::GoSum;
use crate::name::GoVersion;
use crate::platform::OsArch;
use crate::source;
use crate::spec::FromSource;

/// How the spec wants an SDK to be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildRequest {
    /// What compiles it; by default the oldest SDK that can, or that of the lock.
    pub bootstrap: Option<GoVersion>,
    /// GOEXPERIMENT flags that become the default.
    pub experiments: Vec<String>,
    /// In the order in which they are applied.
    pub patches: Vec<Patch>,
}

/// A patch of the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Patch {
    /// Its path relative to the spec, slash-separated.
    pub file: String,
    /// Its bytes.
    pub content: Vec<u8>,
}

impl Patch {
    /// As the lock has it.
    pub fn locked(&self) -> LockedPatch {
        LockedPatch { file: self.file.clone(), sha256: Sha256::of(&self.content) }
    }
}

/// What the spec asks for, with the patches below `root`, the spec's directory.
///
/// # Errors
///
/// A patch that can't be read.
pub fn request(files: &Files, root: &Path, wanted: &FromSource) -> Result<BuildRequest> {
    let patch = |file: &String| Ok(Patch { file: file.clone(), content: read_patch(files, root, file)? });
    let patches = wanted.patches.iter().map(patch).collect::<Result<_>>()?;
    Ok(BuildRequest { bootstrap: wanted.bootstrap.clone(), experiments: wanted.experiments.clone(), patches })
}

/// Whether the lock has what is asked for.
pub fn is_wanted(locked: Option<&SdkBuild>, wanted: Option<&BuildRequest>) -> bool {
    let (Some(locked), Some(wanted)) = (locked, wanted) else { return locked.is_none() && wanted.is_none() };
    // The lock has them in another order.
    let set = |experiments: &[String]| BTreeSet::from_iter(experiments.to_vec());
    wanted.bootstrap.as_ref().is_none_or(|version| *version == locked.bootstrap.version)
        && set(&wanted.experiments) == set(&locked.experiments)
        && wanted.patches.iter().map(Patch::locked).eq(locked.patches.iter().cloned())
}

/// The first SDK that module proxies have.
const OLDEST_MODULE: &str = "1.21.0";

/// The SDK that compiles the source in `goroot`, fetched for `platforms`: the version that is asked for, or the oldest one that can.
///
/// # Errors
///
/// A version that is too old; those of [`sdk::fetch`].
pub fn bootstrap(
    goroot: &Path,
    wanted: Option<&GoVersion>,
    platforms: &[OsArch],
    sums: &GoSum,
    fetcher: &Fetcher<'_>,
) -> Result<Bootstrap> {
    let minimum = source::sdk::minimum_bootstrap(goroot)?.max(OLDEST_MODULE.parse()?);
    let version = match wanted {
        Some(version) if *version < minimum => {
            return Err(Error::input(format!("Go {version} can't compile this SDK, which needs at least {minimum}"))
                .help(format!("write from_source(bootstrap = \"{minimum}\") or a newer one, or leave it out")));
        }
        Some(version) => version.clone(),
        None => minimum,
    };
    let request = SdkRequest {
        name: "bootstrap".to_owned(),
        version: SdkVersion::Exact(version.clone()),
        origin: SdkOrigin::Module,
        exec_platforms: platforms.to_vec(),
        build: None,
    };
    let FetchedSdk { version, downloads, .. } = sdk::fetch(&request, version, sums, None, fetcher)?;
    Ok(Bootstrap { version, downloads })
}

/// What the lock has of a build, and the GOROOT whose `src` is as it will be: a temporary one where there are patches.
pub struct Prepared {
    /// For the lock.
    pub build: SdkBuild,
    /// The patched source; `None` where there is no patch.
    pub patched: Option<tempfile::TempDir>,
}

/// Chooses the bootstrap SDK, checks the experiments and applies the patches to a copy of the source.
///
/// # Errors
///
/// Those of [`bootstrap`]; an unknown experiment; a patch that doesn't fit, with file and hunk.
pub fn prepare(
    request: &BuildRequest,
    sdk: &FetchedSdk,
    platforms: &[OsArch],
    sums: &GoSum,
    fetcher: &Fetcher<'_>,
) -> Result<Prepared> {
    let FetchedSdk { version, goroot, .. } = sdk;
    let experiments = canonical_experiments(&request.experiments, goroot)?;
    let bootstrap = bootstrap(goroot, request.bootstrap.as_ref(), platforms, sums, fetcher)?;
    let mut goversion = format!("go{version}");
    if !experiments.is_empty() {
        goversion.push(source::sdk::experiment_separator(goroot)?);
        goversion.push_str(&format!("X:{}", experiments.join(",")));
    }
    let mut build = SdkBuild { bootstrap, goversion, experiments, patches: Vec::new(), patched: BTreeMap::new() };
    if request.patches.is_empty() {
        return Ok(Prepared { build, patched: None });
    }
    let tree = fetcher.cache.temporary_directory()?;
    copy_tree(goroot, tree.path())?;
    for patch in &request.patches {
        build.patches.push(patch.locked());
        apply(&patch.file, &patch.content, tree.path(), &mut build.patched)?;
    }
    Ok(Prepared { build, patched: Some(tree) })
}

/// The flags in the order in which the SDK prints them.
fn canonical_experiments(wanted: &[String], goroot: &Path) -> Result<Vec<String>> {
    let known = source::sdk::known_experiments(goroot)?;
    if let Some(unknown) = wanted.iter().find(|w| !known.iter().any(|k| k == name_of(w))) {
        let error = Error::input(format!("this SDK has no GOEXPERIMENT `{}`", unknown.escape_debug()));
        return Err(error.help(format!("it has {}", known.join(", "))));
    }
    let mut sorted = wanted.to_vec();
    sorted.sort_by_key(|w| known.iter().position(|k| k == name_of(w)));
    Ok(sorted)
}

/// The default experiments of an SDK that is built with these flags.
///
/// # Errors
///
/// A flag that changes nothing on the platform: then its tools would call their version something else.
pub fn with_experiments(goroot: &Path, flags: &[String], platform: OsArch) -> Result<Vec<String>> {
    let defaults = source::sdk::default_experiments(goroot, platform)?;
    let experiments = source::sdk::experiments(goroot, platform, flags)?;
    let useless = |flag: &&String| {
        let has = |list: &[String]| list.iter().any(|on| on == name_of(flag));
        has(&defaults) == has(&experiments)
    };
    match flags.iter().find(useless) {
        Some(flag) => Err(Error::input(format!("GOEXPERIMENT `{flag}` changes nothing on {platform}"))
            .help("leave it out of from_source(experiments = …)")),
        None => Ok(experiments),
    }
}

/// The flag that is turned on or off.
fn name_of(experiment: &str) -> &str {
    experiment.strip_prefix("no").unwrap_or(experiment)
}

fn read_patch(files: &Files, root: &Path, file: &str) -> Result<Vec<u8>> {
    let path = crate::error::file_in(root, file);
    files.read(&path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => Error::input(format!("there is no patch {}", path.display()))
            .help("from_source(patches = …) has paths relative to the spec"),
        _ => Error::io("read", &path, &e),
    })
}

/// Copies what patches can change. Hard links would be quicker, but they show in the files of the cache, which others may be reading.
fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    let files = nar::files(from).map_err(|e| Error::io("list", from, &e))?;
    for file in files.iter().filter(|file| !file.starts_with("bin/") && !file.starts_with("pkg/")) {
        let target = to.join(file);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(|e| Error::io("create", parent, &e))?;
        }
        fs::copy(from.join(file), &target).map_err(|e| Error::io("copy", &target, &e))?;
    }
    Ok(())
}

/// Applies a unified diff to the files below `tree`; `patched` gets what they are then.
fn apply(name: &str, content: &[u8], tree: &Path, patched: &mut BTreeMap<String, Sha256>) -> Result<()> {
    let malformed = |why: String| {
        Error::input(format!("the patch {name} can't be read: {why}"))
            .help("write a unified diff, as `git diff` or `diff -u` do")
    };
    let text = std::str::from_utf8(content).map_err(|e| malformed(e.to_string()))?;
    for file in PatchSet::parse(text, ParseOptions::unidiff()) {
        let file = file.map_err(|e| malformed(e.to_string()))?;
        let PatchKind::Text(patch) = file.patch() else { return Err(malformed("it has binary files".to_owned())) };
        edit(name, &file.operation().strip_prefix(1), patch, tree, patched)?;
    }
    Ok(())
}

fn edit(
    name: &str,
    operation: &FileOperation<'_, str>,
    patch: &diffy::Patch<'_, str>,
    tree: &Path,
    patched: &mut BTreeMap<String, Sha256>,
) -> Result<()> {
    let (old, new): (Option<&Cow<str>>, Option<&Cow<str>>) = match operation {
        FileOperation::Create(new) => (None, Some(new)),
        FileOperation::Delete(old) => (Some(old), None),
        FileOperation::Modify { original, modified } => (Some(original), Some(modified)),
        FileOperation::Rename { from, to } | FileOperation::Copy { from, to } => (Some(from), Some(to)),
    };
    for file in old.iter().chain(&new) {
        check_place(name, file)?;
    }
    let read = |file: &str| {
        fs::read_to_string(tree.join(file)).map_err(|e| {
            Error::input(format!("the patch {name} is for {file}, which can't be read: {e}"))
                .help("names in it begin with a/ and b/, and go on relative to GOROOT, e.g. a/src/fmt/print.go")
        })
    };
    let before = old.map(|old| read(old)).transpose()?.unwrap_or_default();
    let shown = old.or(new).map_or("", |file| file.as_ref());
    check_fit(name, shown, &before, patch)?;
    let after = diffy::apply(&before, patch).map_err(|e| Error::input(format!("the patch {name}: {shown}: {e}")))?;
    if let Some(old) = old.filter(|old| Some(*old) != new) {
        let path = tree.join(old.as_ref());
        fs::remove_file(&path).map_err(|e| Error::io("remove", &path, &e))?;
        patched.remove(old.as_ref());
    }
    let Some(new) = new else { return Ok(()) };
    patched.insert(new.to_string(), Sha256::of(&after));
    let path = tree.join(new.as_ref());
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|e| Error::io("create", parent, &e))?;
    }
    crate::write::atomic(&path, after.as_bytes())
}

fn check_place(patch: &str, file: &str) -> Result<()> {
    let plain = file.split('/').all(|e| !e.is_empty() && e != "." && e != "..") && !file.contains('\\');
    let refused = |why: &str| Err(Error::input(format!("the patch {patch} is for {}: {why}", file.escape_debug())));
    match file {
        _ if !plain => refused("that isn't the name of a file below GOROOT"),
        "VERSION" => refused("the version must stay, because it is part of what is pinned"),
        _ if file.starts_with("bin/") || file.starts_with("pkg/") => refused("it is built, so patch its source"),
        _ => Ok(()),
    }
}

/// Makes sure that each hunk fits where it says, so that every engine does the same; else it tells which line is another.
fn check_fit(name: &str, file: &str, before: &str, patch: &diffy::Patch<'_, str>) -> Result<()> {
    let lines: Vec<&str> = before.split_inclusive('\n').collect();
    for (i, hunk) in patch.hunks().iter().enumerate() {
        let range = hunk.old_range();
        let start = if range.is_empty() { range.start() } else { range.start().saturating_sub(1) };
        let expected = hunk.lines().iter().filter_map(|line| match line {
            diffy::Line::Context(text) | diffy::Line::Delete(text) => Some(*text),
            diffy::Line::Insert(_) => None,
        });
        for (offset, wanted) in expected.enumerate() {
            let found = lines.get(start + offset).copied();
            if found != Some(wanted) {
                let found = found.map_or("the file ends".to_owned(), |line| format!("it is `{}`", line.trim_end()));
                return Err(Error::input(format!(
                    "the patch {name} doesn't fit: hunk {} of {file} expects `{}` in line {}, where {found}",
                    i + 1,
                    wanted.trim_end(),
                    start + offset + 1
                ))
                .help("make the patch anew for this version of Go"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
