//! What a build satisfies: the tags of a platform, SDK and profile (`go/build.Context`).

use std::collections::BTreeSet;

use crate::name::GoVersion;
use crate::platform::{OsArch, Platform};
use crate::source::constraint::{KNOWN_ARCH, KNOWN_OS, UNIX_OS};

/// Everything that decides which files belong to a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildContext {
    /// GOOS, GOARCH and the architecture's variant.
    pub platform: Platform,
    /// The SDK's version, which satisfies `go1.1` up to its own minor version.
    pub go: GoVersion,
    /// Whether cgo is enabled.
    pub cgo: bool,
    /// The tags of the profile (`-tags`); also `race`, `msan` and `asan` where those are on.
    pub tags: BTreeSet<String>,
    /// The enabled GOEXPERIMENT flags, lower case.
    pub experiments: BTreeSet<String>,
    /// Which of the build's flags makes the C compiler link, whatever is linked (`externalLinkingReason` in `cmd/go/internal/load`).
    pub external_link: Option<&'static str>,
}

impl BuildContext {
    /// Whether `tag` is satisfied (`matchTag` in `go/build`).
    pub fn satisfies(&self, tag: &str) -> bool {
        if tag == "cgo" && self.cgo || self.tags.contains(tag) {
            return true;
        }
        if let Some(value) = fixed_tag(self.platform.os_arch(), tag) {
            return value;
        }
        if let Some(minor) = tag.strip_prefix("go1.") {
            return is_number(minor) && minor.parse().is_ok_and(|n: u32| 1 <= n && n <= self.go.minor());
        }
        match tag.strip_prefix("goexperiment.") {
            Some(experiment) => self.experiments.contains(experiment),
            None if tag == "boringcrypto" => self.experiments.contains(tag),
            None => variant_tags(&self.platform).iter().any(|t| t == tag),
        }
    }
}

/// Whether these digits are how a number is spelled, without sign or leading zero.
fn is_number(digits: &str) -> bool {
    !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit())
}

/// The value of a tag that GOOS and GOARCH decide; `None` for tags that depend on SDK, profile or variant.
///
/// The tag `ignore`, by convention satisfied by nobody, counts as decided.
pub fn fixed_tag(os_arch: OsArch, tag: &str) -> Option<bool> {
    let OsArch { goos, goarch } = os_arch;
    match tag {
        "gc" => Some(true),
        "gccgo" | "ignore" => Some(false),
        "unix" => Some(UNIX_OS.contains(&goos)),
        "linux" if goos == "android" => Some(true),
        "darwin" if goos == "ios" => Some(true),
        "solaris" if goos == "illumos" => Some(true),
        _ if KNOWN_OS.contains(&tag) => Some(tag == goos),
        _ if KNOWN_ARCH.contains(&tag) => Some(tag == goarch),
        _ => None,
    }
}

/// The tags of an architecture's variant (`gogoarchTags` in `internal/buildcfg`): `amd64.v1`, `amd64.v2` for GOAMD64=v2.
fn variant_tags(platform: &Platform) -> Vec<String> {
    let arch = platform.goarch();
    let value = platform.variant_setting().map_or("", |(_, value)| value);
    let value = value.split(',').next().unwrap_or("");
    let up_to = |prefix: &str, first: u32, last: u32| (first..=last).map(|n| format!("{arch}.{prefix}{n}")).collect();
    let number = |prefix: &str| value.strip_prefix(prefix).and_then(|n| n.parse::<u32>().ok()).unwrap_or(0);
    match arch {
        "amd64" => up_to("v", 1, number("v")),
        "arm" => up_to("", 5, number("")),
        "arm64" => arm64_tags(value),
        "ppc64" | "ppc64le" => up_to("power", 8, number("power")),
        "riscv64" => {
            let profiles = ["rva20u64", "rva22u64", "rva23u64"];
            let last = profiles.iter().position(|p| *p == value).unwrap_or(0);
            profiles[..=last].iter().map(|p| format!("{arch}.{p}")).collect()
        }
        "wasm" => vec!["wasm.satconv".to_owned(), "wasm.signext".to_owned()],
        _ if value.is_empty() => Vec::new(),
        _ => vec![format!("{arch}.{value}")],
    }
}

/// `v9.M` also includes `v8.(M+5)`.
fn arm64_tags(value: &str) -> Vec<String> {
    let Some((major, minor)) = value.trim_start_matches('v').split_once('.') else { return Vec::new() };
    let minor: u32 = minor.parse().unwrap_or(0);
    let mut tags: Vec<String> = (0..=minor).map(|n| format!("arm64.v{major}.{n}")).collect();
    if major == "9" {
        tags.extend((0..=(minor + 5).min(9)).map(|n| format!("arm64.v8.{n}")));
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(platform: &str) -> BuildContext {
        BuildContext {
            platform: platform.parse().unwrap(),
            go: "1.27.3".parse().unwrap(),
            cgo: false,
            tags: BTreeSet::from(["netgo".to_owned()]),
            experiments: BTreeSet::from(["dwarf5".to_owned()]),
            external_link: None,
        }
    }

    fn satisfied<'a>(platform: &str, tags: &[&'a str]) -> Vec<&'a str> {
        let context = context(platform);
        tags.iter().copied().filter(|t| context.satisfies(t)).collect()
    }

    #[test]
    fn release_profile_and_experiment_tags() {
        let tags = ["go1.1", "go1.27", "go1.28", "go1.0", "go1.01", "go1.+1", "go1.", "go1.27.3", "netgo", "osusergo", "gc"];
        assert_eq!(satisfied("linux/amd64", &tags), ["go1.1", "go1.27", "netgo", "gc"]);
        let tags = ["cgo", "ignore", "gccgo", "goexperiment.dwarf5", "goexperiment.arenas", "dwarf5", "boringcrypto"];
        assert_eq!(satisfied("linux/amd64", &tags), ["goexperiment.dwarf5"]);
        assert!(BuildContext { cgo: true, ..context("linux/amd64") }.satisfies("cgo"));
    }

    #[test]
    fn some_systems_imply_another() {
        let tags = ["android", "linux", "ios", "darwin", "illumos", "solaris", "unix", "windows", "js"];
        assert_eq!(satisfied("android/arm64", &tags), ["android", "linux", "unix"]);
        assert_eq!(satisfied("ios/arm64", &tags), ["ios", "darwin", "unix"]);
        assert_eq!(satisfied("illumos/amd64", &tags), ["illumos", "solaris", "unix"]);
        assert_eq!(satisfied("js/wasm", &tags), ["js"]);
        assert_eq!(satisfied("plan9/386", &tags), [""; 0]);
    }

    #[test]
    fn variants_include_the_smaller_ones() {
        let tags = |platform: &str| variant_tags(&platform.parse().unwrap()).join(" ");
        assert_eq!(tags("linux/amd64"), "amd64.v1");
        assert_eq!(tags("linux/amd64/v3"), "amd64.v1 amd64.v2 amd64.v3");
        assert_eq!(tags("linux/arm/6"), "arm.5 arm.6");
        assert_eq!(tags("linux/arm64"), "arm64.v8.0");
        assert_eq!(
            tags("linux/arm64/v9.1"),
            "arm64.v9.0 arm64.v9.1 arm64.v8.0 arm64.v8.1 arm64.v8.2 arm64.v8.3 arm64.v8.4 arm64.v8.5 arm64.v8.6"
        );
        assert_eq!(tags("linux/riscv64/rva22u64"), "riscv64.rva20u64 riscv64.rva22u64");
        assert_eq!(tags("linux/ppc64le"), "ppc64le.power8");
        assert_eq!(tags("linux/mips"), "mips.hardfloat");
        assert_eq!(tags("js/wasm"), "wasm.satconv wasm.signext");
        assert_eq!(tags("linux/s390x"), "");
    }
}
