//! C code, which is compiled only with compilers that somebody names.
//!
//! This is `buildable` and `envOf` of `templates/nix/godirect.nix`.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::derivations::{Builder, Ground};
use super::store::{Derivation, Text};
use crate::plan::cgo::UsesC;
use crate::plan::{Configuration, PackageAction};
use crate::spec::DEFAULT_SDK;

/// What steps with C code find in their environment, besides compilers on PATH (`exec::c`).
const ENV: [(&str, &str); 2] = [("LC_ALL", "C"), ("TERM", "dumb")];

impl Ground {
    /// Whether programs of a configuration run on the machine that builds.
    pub(super) fn is_own(&self, configuration: &Configuration) -> bool {
        let platform = ["GOOS", "GOARCH"].map(|variable| configuration.env.get(variable).cloned().unwrap_or_default());
        self.sdks.get(DEFAULT_SDK).is_some_and(|sdk| sdk.platform == platform.join("/"))
    }
}

impl Builder<'_> {
    /// Whether C code is compiled in a configuration: compilers compile for the system that they run on.
    pub(super) fn compiles_c(&self, ground: &Ground, configuration: &Configuration) -> bool {
        self.settings.cc.is_some() && ground.is_own(configuration)
    }

    /// Whether a package can't be built: it has C code that isn't compiled, or needs others that have it; `packages` are those that can.
    pub(super) fn lacks_compiler(
        &self,
        ground: &Ground,
        configuration: &Configuration,
        packages: &BTreeMap<&str, Rc<Derivation>>,
        package: &PackageAction,
    ) -> bool {
        let needs_c = package.c.is_some() || package.deps.iter().any(|dep| !packages.contains_key(dep.as_str()));
        needs_c && !self.compiles_c(ground, configuration)
    }

    /// The environment of an action's steps.
    pub(super) fn env(&self, configuration: &Configuration, c: Option<&UsesC>) -> BTreeMap<String, Text> {
        let own = configuration.env.iter().map(|(name, value)| (name.clone(), Text::from(value.as_str())));
        let mut env: BTreeMap<String, Text> = own.collect();
        if let (Some(_), Some(cc)) = (c, &self.settings.cc) {
            env.insert("PATH".to_owned(), Text::from(cc).within("", "/bin"));
            env.extend(ENV.map(|(name, value)| (name.to_owned(), value.into())));
        }
        env
    }
}
