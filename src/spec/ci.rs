//! `ci()`: pipelines of CI systems.

use std::collections::BTreeMap;

use starlark::values::Value;

use super::check::{Blame, fault, wrong_type};
use super::{Ci, CiEngine, CiSystem};
use crate::error::{Error, Location, Result};

/// As many jobs as GitHub runs of one matrix.
const MAX_SHARDS: i32 = 256;

/// The arguments of a call, for all systems that it names.
pub(super) struct Call<'a> {
    pub engine: &'a str,
    pub branch: &'a str,
    pub shards: i32,
    pub install: Option<&'a str>,
    pub image: Option<&'a str>,
    pub runner: Option<&'a str>,
}

/// The value with a name, of those that there are.
fn one_of<T: Copy>(what: &str, name: &str, known: &[(&str, T)]) -> starlark::Result<T> {
    let found = known.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    let help = || format!("there are {}", known.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "));
    found.ok_or_else(|| Error::input(format!("there is no {what} `{}`", name.escape_debug())).help(help())).blame(name)
}

/// The systems that are named.
pub(super) fn systems(values: &[Value]) -> starlark::Result<Vec<CiSystem>> {
    let known = CiSystem::ALL.map(|system| (system.name(), system));
    let mut systems = Vec::new();
    for value in values {
        let name = value.unpack_str().ok_or_else(|| wrong_type("a CI system", *value, "a string like \"github\""))?;
        let system = one_of("CI system", name, &known)?;
        if systems.contains(&system) {
            return Err(Error::input(format!("the CI system {name} is said twice"))).blame(name);
        }
        systems.push(system);
    }
    match systems.is_empty() {
        true => Err(fault(Error::input("ci() needs at least one CI system").help("e.g. ci(\"github\")"), None)),
        false => Ok(systems),
    }
}

impl Call<'_> {
    /// What it says of a system.
    pub(super) fn of(&self, system: CiSystem, location: Option<Location>) -> starlark::Result<Ci> {
        let known = [CiEngine::Godirect, CiEngine::Bazel, CiEngine::Nix].map(|engine| (engine.name(), engine));
        let engine = one_of("engine", self.engine, &known)?;
        if !(1..=MAX_SHARDS).contains(&self.shards) {
            let error = Error::input(format!("shards can't be {}", self.shards));
            return Err(fault(error.help(format!("write a number from 1 to {MAX_SHARDS}: so many jobs at most")), None));
        }
        let texts = [("branch", Some(self.branch)), ("install", self.install), ("image", self.image), ("runner", self.runner)];
        for (what, text) in texts.into_iter().filter_map(|(what, text)| Some((what, text?))) {
            let has_lines = text.contains('\n') && what != "install";
            if text.trim().is_empty() || has_lines || text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
                return Err(Error::input(format!("`{}` can't be the {what} of a pipeline", text.escape_debug()))).blame(text);
            }
        }
        if self.install.is_none() && self.image.is_none() && self.runner.is_none() {
            let error = Error::input("nothing says how godirect comes to the machines that run the pipeline");
            let help = "give install = \"…\", the command that installs it, or image = \"…\" or runner = \"…\", which have it";
            return Err(fault(error.help(help), None));
        }
        if system == CiSystem::Buildkite && self.image.is_some() {
            let error = Error::input("steps of Buildkite run in no image by themselves");
            return Err(fault(error.help("give runner = \"…\", the queue of agents that run in it"), None));
        }
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let (install, image, runner) = (owned(self.install), owned(self.image), owned(self.runner));
        let shards = self.shards.unsigned_abs();
        Ok(Ci { engine, branch: self.branch.to_owned(), shards, install, image, runner, location })
    }
}

/// An engine needs its files.
pub(super) fn check(ci: &BTreeMap<CiSystem, Ci>, bazel: bool, nix: bool) -> Result<()> {
    for settings in ci.values() {
        let missing = match settings.engine {
            CiEngine::Bazel => !bazel,
            CiEngine::Nix => !nix,
            CiEngine::Godirect => false,
        };
        if missing {
            let name = settings.engine.name();
            let error = Error::input(format!("the pipeline builds with {name}, but the spec asks for no files for it"));
            let error = error.help(format!("add {name}()"));
            return Err(match &settings.location {
                Some(location) => error.at(location.clone()),
                None => error,
            });
        }
    }
    Ok(())
}
