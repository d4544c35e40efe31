//! The values of variables that the linker sets.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::{Error, Result};
use crate::spec::Profile;
use crate::spec::profile::Stamp;

/// Where the values of stamps come from.
pub enum Stamps<'a> {
    /// The spec alone; what asks for values of a build is an error, since these are files of this kind, e.g. `Nix`.
    Generated(&'a str),
    /// The environment and the status file of a build.
    Built {
        /// The value of an environment variable.
        variable: &'a dyn Fn(&str) -> Option<String>,
        /// The lines of the status file by their first words; `None` when no file is given.
        status: Option<&'a BTreeMap<String, String>>,
    },
    /// Names in the place of values, for comparing what is built without building it.
    Placeholders,
}

impl Stamps<'_> {
    /// The values of a profile's stamps, by variable.
    ///
    /// # Errors
    ///
    /// When one has no value.
    pub fn values(&self, profile_name: &str, profile: &Profile) -> Result<BTreeMap<String, String>> {
        let value = |(variable, stamp): (&String, &Stamp)| {
            let value = self.value(stamp).map_err(|e| e.context(format!("stamp of {variable} in profile {profile_name}")));
            Ok((variable.clone(), value?))
        };
        profile.stamp.iter().map(value).collect()
    }

    fn value(&self, stamp: &Stamp) -> Result<String> {
        let (found, default, missing) = match (self, stamp) {
            (_, Stamp::Text(text)) => return Ok(text.clone()),
            (Stamps::Placeholders, Stamp::Env { variable: name, default }) => return Ok(format!("env {name} {default:?}")),
            (Stamps::Placeholders, Stamp::Status { key, default }) => return Ok(format!("status {key} {default:?}")),
            (Stamps::Generated(kind), Stamp::Env { .. } | Stamp::Status { .. }) => {
                let error = Error::input(format!("{kind} files can't have values that are read when a binary is built yet"));
                return Err(error.help("write a text, or give the profile to no binary of this spec"));
            }
            (Stamps::Built { variable, .. }, Stamp::Env { variable: name, default }) => {
                (variable(name), default, format!("the environment variable {name} is not set"))
            }
            (Stamps::Built { status: Some(status), .. }, Stamp::Status { key, default }) => {
                (status.get(key).cloned(), default, format!("the status file has no line `{key}`"))
            }
            (Stamps::Built { status: None, .. }, Stamp::Status { key, default }) => {
                (None, default, format!("there is no status file to read `{key}` from; give one with --status-file"))
            }
        };
        let value = found.or_else(|| default.clone());
        let value = value.ok_or_else(|| Error::input(missing).help("or give it a value for that case: default = \"…\""))?;
        match value.contains('\0') {
            true => Err(Error::input("its value has a zero byte")),
            false => Ok(value),
        }
    }
}

/// Reads a status file: lines of a key, a space and a value, as Bazel's `--workspace_status_command` prints them.
///
/// # Errors
///
/// When it can't be read, or has a line without a key.
pub fn read_status(file: &Path) -> Result<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(file).map_err(|e| Error::io("read", file, &e))?;
    parse_status(&text).map_err(|e| e.context(file.display()))
}

/// The lines of a status file by their keys; the last one of a key counts.
///
/// # Errors
///
/// When a line that isn't empty begins with a space.
pub fn parse_status(text: &str) -> Result<BTreeMap<String, String>> {
    let line = |(number, line): (usize, &str)| {
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        if key.is_empty() {
            let error = Error::input(format!("line {} has no key", number + 1));
            return Err(error.help("each line is a key, a space and a value, e.g. `STABLE_GIT_COMMIT 4f1c2a`"));
        }
        Ok((key.to_owned(), value.to_owned()))
    };
    text.lines().enumerate().filter(|(_, line)| !line.is_empty()).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(stamps: &Stamps, stamp: Stamp) -> Result<String, String> {
        let profile = Profile { stamp: BTreeMap::from([("main.V".to_owned(), stamp)]), ..Profile::default() };
        let values = stamps.values("release", &profile).map_err(|e| e.message().to_owned());
        values.map(|mut values| values.remove("main.V").unwrap())
    }

    #[test]
    fn values_come_from_where_the_spec_says() {
        let status = parse_status("STABLE_GIT_COMMIT 4f1c 2a\n\nEMPTY\nSTABLE_GIT_COMMIT 5\n").unwrap();
        assert_eq!(status, [("EMPTY", ""), ("STABLE_GIT_COMMIT", "5")].map(|(k, v)| (k.to_owned(), v.to_owned())).into());
        let variable = |name: &str| (name == "VERSION").then(|| "1.2".to_owned());
        let built = Stamps::Built { variable: &variable, status: Some(&status) };
        let env =
            |name: &str, default: Option<&str>| Stamp::Env { variable: name.to_owned(), default: default.map(str::to_owned) };
        let key = |key: &str| Stamp::Status { key: key.to_owned(), default: None };
        assert_eq!(value(&built, Stamp::Text("x".to_owned())).unwrap(), "x");
        assert_eq!(value(&built, env("VERSION", Some("dev"))).unwrap(), "1.2");
        assert_eq!(value(&built, env("NONE", Some("dev"))).unwrap(), "dev");
        assert_eq!(value(&built, key("STABLE_GIT_COMMIT")).unwrap(), "5");
        let place = "stamp of main.V in profile release: ";
        assert_eq!(value(&built, env("NONE", None)).unwrap_err(), format!("{place}the environment variable NONE is not set"));
        assert_eq!(value(&built, key("X")).unwrap_err(), format!("{place}the status file has no line `X`"));
        let refused = value(&Stamps::Generated("Nix"), key("EMPTY")).unwrap_err();
        assert_eq!(refused, format!("{place}Nix files can't have values that are read when a binary is built yet"));
        assert_eq!(parse_status("A b\n c\n").unwrap_err().message(), "line 2 has no key");
    }
}
