//! C code for Nix: what its compilers are taken to know, since nobody can ask them, and which files they must find.

use std::collections::BTreeSet;

use crate::error::{Error, Result};
use crate::plan::cgo::compiler::{Compiler, Toolchain};
use crate::plan::cgo::{Needs, UsesC};
use crate::plan::token::{ROOT, SOURCE_OF};
use crate::plan::{Configuration, PackageAction, Source, Step, token};
use crate::project::state::includes;
use crate::source::repository::RepositoryTree;
use crate::source::tree::{Tree, join};
use crate::spec::profile::{Buildmode, Profile};

/// The C toolchain that a user of the Nix files passes in.
///
/// # Errors
///
/// What the Nix files can't have yet: libraries of C that pkg-config knows, and programs that aren't executables.
pub fn toolchain(needs: &[Needs], profile: &Profile) -> Result<Toolchain> {
    let mut toolchain = Toolchain::default();
    for need in needs {
        let package = &need.package;
        if !need.pkg_config.is_empty() {
            let asked = need.pkg_config.join(" ");
            let error = Error::input(format!("package {package} has `#cgo pkg-config: {asked}`, which Nix can't build yet"));
            return Err(
                error.help("build it with `godirect build`, or write the flags themselves into #cgo CFLAGS and LDFLAGS")
            );
        }
        if let Buildmode::CArchive | Buildmode::CShared | Buildmode::Plugin = profile.buildmode {
            let mode = profile.buildmode.name();
            let error =
                Error::input(format!("package {package} is for a library (buildmode {mode}), which Nix can't build yet"));
            return Err(error.help("build it with `godirect build`, or leave out nix()"));
        }
        for (_, program) in &need.compilers {
            toolchain.compilers.insert(program.clone(), Compiler::presumed(program, &need.platform));
        }
    }
    Ok(toolchain)
}

/// Leaves of what C compilers have to do with actions just what the Nix files read.
///
/// # Errors
///
/// A package that links object files of another one.
pub fn prepare(tree: &RepositoryTree, configuration: &mut Configuration) -> Result<()> {
    for (name, package) in configuration.packages.iter_mut().filter(|(_, package)| package.c.is_some()) {
        let mut tokens = package.steps.iter().flat_map(Step::texts).flat_map(token::names);
        if let Some(other) = tokens.find_map(|token| token.strip_prefix(SOURCE_OF)) {
            let error = Error::input(format!(
                "package {name} has C code that is linked with .syso files of {other}, which Nix can't do yet"
            ));
            return Err(error.help("build it with `godirect build`, or leave out nix()"));
        }
        package.c = Some(UsesC { included: included(tree, package)?, ..UsesC::default() });
    }
    for binary in configuration.binaries.values_mut().filter(|binary| binary.c.is_some()) {
        binary.c = Some(UsesC::default());
    }
    Ok(())
}

/// The files of the repository, besides the package's own, that it may include and link.
fn included(tree: &RepositoryTree, package: &PackageAction) -> Result<Vec<String>> {
    let Source::Local { local, files } = &package.source else { return Ok(Vec::new()) };
    let mut found = includes::closure(tree, local, files, &package.steps)?;
    let texts = package.steps.iter().flat_map(Step::texts);
    found.extend(texts.filter_map(|text| text.strip_prefix(ROOT)?.strip_prefix('/')).map(str::to_owned));
    for directory in includes::places(&["-L"], local, &package.steps) {
        let libraries = tree.list(&directory)?.into_iter().filter(|entry| entry.name.starts_with("lib"));
        found.extend(libraries.map(|entry| join(&directory, &entry.name)));
    }
    let own: BTreeSet<String> = files.iter().map(|file| join(local, file)).collect();
    Ok(found.into_iter().filter(|file| !own.contains(file) && tree.read(file).is_ok()).collect())
}
