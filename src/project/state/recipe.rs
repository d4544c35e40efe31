//! What a step does, apart from what is compared in other ways.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::json;
use crate::digest::Sha256;
use crate::error::Result;
use crate::graph::Package;
use crate::plan::token::{SRC, literal};
use crate::plan::{PackageAction, Source, Step};
use crate::source::record::FileGroup;

/// The digest of what an action does, and the version of the language that its code is in. Of files of the repository that only Go's compiler reads, the
/// digest has neither that version nor the names, which are those of the node's files; with C, cgo makes some of the code from both.
pub(super) fn of_package(action: &PackageAction, package: Option<&Package>) -> Result<(Sha256, String)> {
    let package = package.filter(|_| action.c.is_none());
    let (Some(package), Source::Local { local, files }) = (package, &action.source) else {
        let all = json(&(&action.source, &action.steps, action.header, &action.c))?;
        return Ok((Sha256::of(all), String::new()));
    };
    let selected = &package.selection.files;
    let names: BTreeSet<Cow<str>> = not_embedded(selected, selected.go.iter()).into_iter().map(|file| literal(file)).collect();
    let files = files.iter().filter(|file| !names.contains(&literal(file))).cloned().collect();
    let source = Source::Local { local: local.clone(), files };
    let steps: Vec<Step> = action.steps.iter().map(|step| without(step, &names, &package.language)).collect();
    Ok((Sha256::of(json(&(source, steps, action.header))?), package.language.clone()))
}

/// Those of a package's `files` that aren't embedded, so that they are its step's for nothing but to be compiled.
pub(super) fn not_embedded<'f>(package: &'f FileGroup, files: impl Iterator<Item = &'f String>) -> BTreeSet<&'f String> {
    let embedded: BTreeSet<&String> = package.embed.values().flatten().collect();
    files.filter(|file| !embedded.contains(file)).collect()
}

/// A step without the names of some files, and without the version of the language.
fn without(step: &Step, names: &BTreeSet<Cow<str>>, language: &str) -> Step {
    let is_named = |text: &str, directory: &str| text.strip_prefix(directory).is_some_and(|name| names.contains(name));
    match step {
        Step::Run { run, dir } => {
            let (directory, language) = (format!("{SRC}/"), format!("-lang=go{language}"));
            let run = run.iter().filter(|text| **text != language && !is_named(text, &directory)).cloned().collect();
            Step::Run { run, dir: dir.clone() }
        }
        Step::Identify { identify, archive, dir, files } if dir == SRC => {
            let files = files.iter().filter(|file| !is_named(file, "")).cloned().collect();
            Step::Identify { identify: identify.clone(), archive: archive.clone(), dir: dir.clone(), files }
        }
        step => step.clone(),
    }
}
