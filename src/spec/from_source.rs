//! `from_source()` in `go_sdk()`.

use std::collections::BTreeMap;

use starlark::values::Value;

use super::check::{Blame, relative_dir, strings, wrong_type};
use super::sdk::sdk_version;
use super::{FromSource, SdkVersion};
use crate::error::Error;

/// Checks the fields that the call left in its value.
pub(super) fn parse(fields: &BTreeMap<&str, Value>) -> starlark::Result<FromSource> {
    let bootstrap = match fields["bootstrap"] {
        none if none.is_none() => None,
        text => match sdk_version(Some(text))? {
            SdkVersion::Exact(version) => Some(version),
            SdkVersion::FromGoMod => return Err(wrong_type("bootstrap", text, "a release like \"1.24.6\"")),
        },
    };
    let (experiments, patches) = (strings("experiments", fields["experiments"])?, strings("patches", fields["patches"])?);
    check_experiments(&experiments)?;
    for (i, patch) in patches.iter().enumerate() {
        if relative_dir(patch)? != *patch
            || patch.is_empty()
            || !patch.chars().all(|c| c.is_ascii_alphanumeric() || "-._+/".contains(c))
        {
            let error = Error::input(format!("`{}` can't be the path of a patch", patch.escape_debug()));
            return Err(error.help("write a path relative to the spec, of ASCII letters, digits and `-._+`, without `./`"))
                .blame(patch);
        }
        if patches[..i].contains(patch) {
            return Err(Error::input(format!("the patch {patch} is said twice"))).blame(patch);
        }
    }
    Ok(FromSource { bootstrap, experiments, patches })
}

/// Refuses what can't be GOEXPERIMENT flags, and a flag that is said twice.
pub(super) fn check_experiments(experiments: &[String]) -> starlark::Result<()> {
    for (i, experiment) in experiments.iter().enumerate() {
        if experiment.is_empty() || !experiment.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()) {
            let error = Error::input(format!("`{}` is not a GOEXPERIMENT", experiment.escape_debug()));
            return Err(error.help("write flags in lower case, e.g. \"arenas\"")).blame(experiment);
        }
        let name = |e: &str| e.strip_prefix("no").unwrap_or(e).to_owned();
        if experiments[..i].iter().any(|earlier| name(earlier) == name(experiment)) {
            return Err(Error::input(format!("the experiment `{experiment}` is said twice"))).blame(experiment);
        }
    }
    Ok(())
}
