//! Where packages find their files: in modules, in the SDK, and in store objects with some files of the repository.

use std::collections::BTreeSet;

use super::derivations::{Builder, Ground, LocalFile, LocalKind};
use super::sdks::Sdk;
use super::store::{Text, store_name};
use crate::error::{Error, Result};
use crate::lock::nar;
use crate::plan::{PackageAction, Source};
use crate::source::tree::join;

/// Where a package's files are in the store.
pub(super) struct PlacedSource {
    /// The root of the tree that they are in, as far as C code knows it.
    pub root: Text,
    /// Their directory.
    pub path: Text,
    /// What messages show in its place.
    pub shown: String,
}

impl Builder<'_> {
    /// Where a package's files are in the store (`sourceOf`).
    pub(super) fn source(&mut self, ground: &Ground, sdk: &Sdk, name: &str, package: &PackageAction) -> Result<PlacedSource> {
        Ok(match &package.source {
            Source::Std { std } => PlacedSource {
                root: sdk.goroot.clone(),
                path: sdk.goroot.within("", format!("/src/{std}")),
                shown: format!("GOROOT/src/{std}/"),
            },
            Source::Module { module, dir } => {
                let tree = ground.modules.get(module).ok_or_else(|| {
                    Error::input(format!("the plan names {module}, which the lock doesn't pin")).help("run `godirect lock`")
                })?;
                let below = if dir.is_empty() { String::new() } else { format!("/{dir}") };
                let root = tree.out();
                PlacedSource { path: root.within("", &below), root, shown: format!("{module}{below}/") }
            }
            Source::Local { local, files } => {
                let store_name = store_name(&format!("{name}-source"));
                let shown = if local.is_empty() { String::new() } else { format!("{local}/") };
                let Some(uses) = &package.c else {
                    let files: Vec<&str> = files.iter().map(String::as_str).collect();
                    let tree = self.local_files(local, &store_name, &files)?;
                    return Ok(PlacedSource { root: tree.clone(), path: tree, shown });
                };
                let all: BTreeSet<String> =
                    files.iter().map(|file| join(local, file)).chain(uses.included.iter().cloned()).collect();
                let root = self.local_files("", &store_name, &all.iter().map(String::as_str).collect::<Vec<_>>())?;
                let path = if local.is_empty() { root.clone() } else { root.within("", format!("/{local}")) };
                PlacedSource { root, path, shown }
            }
        })
    }

    /// Just these files of a directory in the repository (`localFiles`).
    pub(super) fn local_files(&mut self, from: &str, name: &str, files: &[&str]) -> Result<Text> {
        let key = (format!("{from}\n{name}"), files.iter().map(|file| (*file).to_owned()).collect());
        if let Some(known) = self.sources.get(&key) {
            return Ok(known.clone());
        }
        let mut sorted = files.to_vec();
        sorted.sort_by(|a, b| nar::order(a, b));
        let path = |file: &str| join(from, file);
        let failed = |e: std::io::Error| Error::io("read", std::path::Path::new(from), &e);
        let mut archive = nar::Writer::new(Vec::new()).map_err(failed)?;
        for file in sorted {
            let LocalFile { bytes, kind } = (self.settings.read)(&path(file))?;
            match kind {
                LocalKind::Symlink => archive.symlink(file, &String::from_utf8_lossy(&bytes)),
                _ => archive.file(file, kind == LocalKind::Executable, bytes.len() as u64, bytes.as_slice()),
            }
            .map_err(failed)?;
        }
        let tree = self.store.tree(name, archive.finish().map_err(failed)?)?;
        self.sources.insert(key, tree.clone());
        Ok(tree)
    }
}
