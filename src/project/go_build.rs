//! The go command that builds what a variant builds: what the promise of the same bytes is about. `docs/spec.md` names these flags too.

use std::collections::BTreeMap;
use std::path::Path;

use super::Variant;
use crate::error::{Error, Result};
use crate::spec::profile::{BuildId, Buildmode, Linkmode, PackageFlags, Pgo, Profile};

impl Variant<'_> {
    /// The flags of `go build`, where `stamps` are the values of the profile's stamps, and `spec` is the spec's directory.
    ///
    /// # Errors
    ///
    /// When the profile has a setting that is no flag of `go build`.
    pub fn go_build_flags(&self, spec: &Path, stamps: &BTreeMap<String, String>) -> Result<Vec<String>> {
        let profile = self.profile;
        if !profile.godebug.is_empty() {
            let error = Error::input(format!("the profile {} sets godebug, for which go build has no flag", self.profile_name));
            return Err(error.help("put these lines into go.mod"));
        }
        let mut flags = vec!["-trimpath".to_owned(), "-buildvcs=false".to_owned()];
        let mut flag = |name: &str, value: String| flags.push(format!("-{name}={value}"));
        match &profile.pgo {
            Pgo::Off => flag("pgo", "off".to_owned()),
            Pgo::Auto => flag("pgo", "auto".to_owned()),
            // It is relative to the spec, where go build runs in the module.
            Pgo::File(file) => flag("pgo", std::path::absolute(spec.join(file)).unwrap_or_default().display().to_string()),
        }
        if !profile.tags.is_empty() {
            flag("tags", profile.tags.iter().cloned().collect::<Vec<_>>().join(","));
        }
        if profile.debug {
            flag("gcflags", "all=-N -l".to_owned());
        }
        for (name, all) in [("gcflags", &profile.gcflags), ("asmflags", &profile.asmflags)] {
            all.iter().for_each(|flags| flag(name, of_packages(flags, &[])));
        }
        if let Some(sanitizer) = profile.sanitizer {
            flag(sanitizer.name(), "true".to_owned());
        }
        if let Some(mode) = profile.cover_mode() {
            flag("cover", "true".to_owned());
            flag("covermode", mode.name().to_owned());
            if !profile.coverpkg.is_empty() {
                flag("coverpkg", profile.coverpkg.join(","));
            }
        }
        if profile.buildmode != Buildmode::Default {
            flag("buildmode", profile.buildmode.name().to_owned());
        }
        let own = linker_flags(profile, stamps);
        flag("ldflags", own.join(" "));
        // The last one that matches counts, so each has all.
        profile.ldflags.iter().for_each(|flags| flag("ldflags", of_packages(flags, &own)));
        Ok(flags)
    }

    /// What its environment must say.
    pub fn go_env(&self) -> BTreeMap<String, String> {
        let (platform, profile) = (&self.target.platform, self.profile);
        let cgo = if profile.cgo { "1" } else { "0" };
        let mut env = vec![("GOOS", platform.goos()), ("GOARCH", platform.goarch()), ("CGO_ENABLED", cgo)];
        env.extend(platform.variant_setting());
        let experiments = profile.goexperiment.join(",");
        env.extend([("GOEXPERIMENT", experiments.as_str())].into_iter().filter(|(_, value)| !value.is_empty()));
        env.extend(profile.gofips140.as_deref().map(|value| ("GOFIPS140", value)));
        env.extend(profile.cc.as_deref().map(|value| ("CC", value)));
        env.extend(profile.cxx.as_deref().map(|value| ("CXX", value)));
        env.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

/// The linker's flags that settings of the profile stand for.
fn linker_flags(profile: &Profile, stamps: &BTreeMap<String, String>) -> Vec<String> {
    let mut flags = Vec::new();
    if profile.buildid == BuildId::None {
        flags.push("-buildid=".to_owned());
    }
    if profile.strip {
        flags.extend(["-s".to_owned(), "-w".to_owned()]);
    }
    let is_static = profile.is_static && profile.cgo;
    match profile.linkmode {
        // Go's own linker only knows the shared libraries of C.
        _ if is_static => flags.extend(["-linkmode=external".to_owned(), "-extldflags=-static".to_owned()]),
        Linkmode::Auto => {}
        Linkmode::Internal => flags.push("-linkmode=internal".to_owned()),
        Linkmode::External => flags.push("-linkmode=external".to_owned()),
    }
    flags.extend(stamps.iter().map(|(variable, value)| quoted(&format!("-X={variable}={value}"))));
    flags
}

/// The value of a flag with the packages that it is for, and `more` flags before their own.
fn of_packages(flags: &PackageFlags, more: &[String]) -> String {
    let all: Vec<String> = more.iter().cloned().chain(flags.flags.iter().map(|flag| quoted(flag))).collect();
    match &flags.pattern {
        Some(pattern) => format!("{pattern}={}", all.join(" ")),
        None => all.join(" "),
    }
}

/// One of several arguments as the go command splits them (`cmd/internal/quoted`).
fn quoted(flag: &str) -> String {
    match (flag.contains([' ', '\t', '\n', '\'', '"']), flag.contains('\'')) {
        (false, _) => flag.to_owned(),
        (true, false) => format!("'{flag}'"),
        (true, true) => format!("\"{flag}\""),
    }
}
