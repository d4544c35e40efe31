//! Go modules: go.mod, go.work and go.sum, the order of versions, and minimal version selection. No network.

use std::fmt;

use crate::digest::serde_as_string;
use crate::error::Error;
use crate::name::{ModulePath, ModuleVersion};

pub mod escape;
pub mod gomod;
pub mod gosum;
pub mod gowork;
pub mod modules_txt;
pub mod mvs;
pub mod pseudo;
pub mod semver;
mod syntax;
pub mod unneeded;
pub mod vendor;
pub mod workspace;

/// One version of a module. Displays as `path@version`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ModuleId {
    /// The module path.
    pub path: ModulePath,
    /// The version; its order here is that of text, see [`semver::compare`] for that of Go.
    pub version: ModuleVersion,
}

impl fmt::Display for ModuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.path, self.version)
    }
}

impl std::str::FromStr for ModuleId {
    type Err = Error;

    fn from_str(text: &str) -> Result<ModuleId, Error> {
        let Some((path, version)) = text.split_once('@') else {
            return Err(Error::input(format!("`{}` is not a module like `path@version`", text.escape_debug())));
        };
        Ok(ModuleId { path: path.parse()?, version: version.parse()? })
    }
}

serde_as_string!(ModuleId);
