//! The go command that builds what a variant builds: what the promise of the same bytes is about.

use std::collections::BTreeMap;

use super::Variant;

impl Variant<'_> {
    /// The flags of `go build`.
    pub fn go_build_flags(&self) -> Vec<String> {
        let profile = self.profile;
        let mut flags = vec!["-trimpath".to_owned(), "-buildvcs=false".to_owned(), "-pgo=off".to_owned()];
        if !profile.tags.is_empty() {
            flags.push(format!("-tags={}", profile.tags.iter().cloned().collect::<Vec<_>>().join(",")));
        }
        if !profile.gcflags.is_empty() {
            flags.push(format!("-gcflags={}", profile.gcflags.join(" ")));
        }
        let ldflags: Vec<&str> = profile.ldflags.iter().map(String::as_str).chain(["-buildid="]).collect();
        flags.push(format!("-ldflags={}", ldflags.join(" ")));
        flags
    }

    /// What its environment must say.
    pub fn go_env(&self) -> BTreeMap<String, String> {
        let platform = &self.target.platform;
        let cgo = if self.profile.cgo { "1" } else { "0" };
        let mut env = vec![("GOOS", platform.goos()), ("GOARCH", platform.goarch()), ("CGO_ENABLED", cgo)];
        env.extend(platform.variant_setting());
        env.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}
