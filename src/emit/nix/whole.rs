//! Binaries that are one derivation each.
//!
//! This is `templates/nix/whole.nix`, and makes the same derivations.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde_json::{Map, Value, json};

use super::aterm::placeholder;
use super::derivations::{Builder, Ground, sdk_of, steps, tool_tokens};
use super::store::{Derivation, Text, store_name};
use crate::error::{Error, Result};
use crate::plan::{BinaryAction, Configuration, PackageAction};

/// What stands for all such binaries; the name of each begins with it and a dot.
pub const WHOLE: &str = "whole";

impl Builder<'_> {
    /// Adds the binaries of a configuration, if these are wanted.
    pub(super) fn add_whole(
        &mut self,
        ground: &Ground,
        configured: &str,
        configuration: &Configuration,
        is_own: bool,
    ) -> Result<()> {
        if !self.settings.whole {
            return Ok(());
        }
        let compiles_c = self.compiles_c(ground, configuration);
        for (binary, action) in configuration.binaries.iter().filter(|(_, action)| action.c.is_none() || compiles_c) {
            let whole = self.link_whole(ground, configuration, binary, action)?;
            if is_own && action.default {
                self.whole.entry(format!("{WHOLE}.{binary}")).or_insert_with(|| whole.clone());
            }
            self.whole.insert(format!("{WHOLE}.{binary}-{configured}"), whole);
        }
        Ok(())
    }

    /// Compiles all packages of a binary, and links it (`linkWhole`).
    fn link_whole(
        &mut self,
        ground: &Ground,
        configuration: &Configuration,
        name: &str,
        binary: &BinaryAction,
    ) -> Result<Rc<Derivation>> {
        let sdk = sdk_of(ground, configuration)?;
        let (mut members, mut sources): (Map<String, Value>, Vec<Text>) = Default::default();
        for (path, package) in needed(&configuration.packages, binary) {
            let package = package.ok_or_else(|| Error::input(format!("the plan needs {path}, which it doesn't compile")))?;
            let source = self.source(ground, sdk, path, package)?;
            let (src, steps) = (source.path.as_str(), steps(path, &package.steps)?);
            let mut member = json!({ "src": src, "shown": source.shown, "deps": package.deps, "steps": steps });
            if package.c.is_some() {
                member["root"] = source.root.as_str().into();
            }
            members.insert(path.to_owned(), member);
            sources.push(source.path);
        }
        let out = placeholder("out");
        let mut all = vec![json!({ "mkdir": format!("{out}/bin") })];
        all.extend(steps(name, &binary.steps)?);
        let mut tokens = tool_tokens(sdk);
        tokens.insert("bin".to_owned(), format!("{out}/bin/{}", binary.file).into());
        let attributes = self
            .help("whole", &store_name(name))?
            .with("label", format!("binary {name}"))
            .with_all("env", self.env(configuration, binary.c.as_ref()))
            .value("packages", members)
            .value("steps", all)
            .with_all("tokens", tokens)
            .using(&sources);
        self.store.derivation(attributes)
    }
}

/// What a binary is linked from, and what that needs to be compiled; `None` where the plan lacks it.
fn needed<'p>(
    packages: &'p BTreeMap<String, PackageAction>,
    binary: &'p BinaryAction,
) -> BTreeMap<&'p str, Option<&'p PackageAction>> {
    let mut open: BTreeSet<&str> = binary.deps.iter().map(String::as_str).collect();
    let mut needed = BTreeMap::new();
    while let Some(path) = open.pop_first() {
        let package = packages.get(path);
        needed.insert(path, package);
        let deps = package.iter().flat_map(|package| &package.deps).map(String::as_str);
        open.extend(deps.filter(|dep| !needed.contains_key(dep)));
    }
    needed
}
