//! What can't be built, and why: what Go can't do on a platform (`internal/platform/supported.go` and `BuildInit` in
//! `cmd/go/internal/work`), and what godirect can't do yet.

use super::flags;
use crate::error::{Error, Result};
use crate::name::GoVersion;
use crate::platform::Platform;
use crate::spec::profile::{Buildmode, Linkmode, Profile, Sanitizer};

/// Refuses a profile that is impossible on the platform.
///
/// # Errors
///
/// With the reason.
pub fn check(go: &GoVersion, platform: &Platform, profile: &Profile) -> Result<()> {
    let (goos, goarch) = (platform.goos(), platform.goarch());
    if !builds(profile.buildmode, goos, goarch, go.minor()) {
        let error = Error::input(format!("Go can't build with buildmode = \"{}\" for {platform}", profile.buildmode.name()));
        return Err(error.help("give the binary another profile, or take the platform out of platforms()"));
    }
    if let Some(sanitizer) = profile.sanitizer {
        check_sanitizer(sanitizer, go, platform, profile)
            .map_err(|error| error.context(format!("{} for {platform}", sanitizer.name())))?;
    }
    if profile.cgo && !has_cgo(goos, goarch) {
        return Err(Error::input(format!("Go has no cgo for {platform}")).help("build it with `cgo = False`"));
    }
    if let Some(reason) = external_link(platform, profile, go.minor()).filter(|_| !profile.cgo) {
        let error =
            Error::input(format!("{} for {platform} requires external (cgo) linking, but cgo is not enabled", &reason[1..]));
        return Err(error.help("write `cgo = True` in the profile, too"));
    }
    if profile.is_static && profile.cgo && profile.linkmode == Linkmode::Internal {
        let error = Error::input("C libraries can only be linked in by the C compiler, but linkmode = \"internal\"");
        return Err(error.help("take linkmode or static out of the profile"));
    }
    if profile.gofips140.is_some() {
        check_fips140(platform, profile)?;
    }
    Ok(())
}

fn check_sanitizer(sanitizer: Sanitizer, go: &GoVersion, platform: &Platform, profile: &Profile) -> Result<()> {
    let (goos, goarch) = (platform.goos(), platform.goarch());
    if !sanitizes(sanitizer, goos, goarch, go.minor()) {
        return Err(Error::input("Go has no such detector there").help("give the binary another profile for this platform"));
    }
    // The race detector of macOS needs no C compiler.
    if !profile.cgo && (goos != "darwin" || sanitizer != Sanitizer::Race) {
        return Err(Error::input("it requires cgo").help("write `cgo = True` in the profile, too"));
    }
    if sanitizer == Sanitizer::Race && profile.buildmode == Buildmode::Pie && !matches!(goos, "android" | "darwin" | "ios") {
        return Err(Error::input("it can't be position independent").help("leave buildmode = \"pie\" out"));
    }
    Ok(())
}

fn check_fips140(platform: &Platform, profile: &Profile) -> Result<()> {
    let (goos, goarch) = (platform.goos(), platform.goarch());
    if goarch == "wasm" || matches!((goos, goarch), ("windows", "386") | ("openbsd" | "aix", _)) {
        return Err(Error::input(format!("Go has no FIPS 140 mode for {platform}")).help("build it with gofips140 = \"off\""));
    }
    if profile.tags.contains("purego") {
        let error = Error::input("gofips140 and the tag `purego` exclude each other");
        return Err(error.help("the FIPS 140 module has assembly; leave one of them out"));
    }
    if profile.goexperiment.iter().any(|experiment| experiment == "boringcrypto") {
        let error = Error::input("gofips140 and the experiment `boringcrypto` exclude each other");
        return Err(error.help("leave one of them out"));
    }
    match profile.gofips140.as_deref() {
        Some("latest") | None => Ok(()),
        Some(version) => {
            let error = Error::input(format!("this version of godirect can't build with the FIPS 140 module `{version}`"));
            Err(error.help("write gofips140 = \"latest\" for that of the SDK itself"))
        }
    }
}

/// Refuses fuzzing where Go can't do it.
///
/// # Errors
///
/// With the reason.
pub fn check_fuzz(go: &GoVersion, platform: &Platform) -> Result<()> {
    if fuzzes(platform, go.minor()) {
        return Ok(());
    }
    let error = Error::input(format!("Go can't fuzz on {platform}"));
    Err(error.help("test in a profile without `fuzz` for this platform"))
}

/// Why the C compiler links whatever is linked (`externalLinkingReason` in `cmd/go/internal/load`), besides the platform itself.
pub fn external_link(platform: &Platform, profile: &Profile, minor: u32) -> Option<&'static str> {
    let (goos, goarch) = (platform.goos(), platform.goarch());
    match profile.buildmode {
        Buildmode::CShared if goarch != "wasm" => Some("-buildmode=c-shared"),
        Buildmode::Plugin => Some("-buildmode=plugin"),
        Buildmode::Pie if !links_pie(goos, goarch, minor) => Some("-buildmode=pie"),
        _ if flags::linkmode(profile) == Linkmode::External => Some("-linkmode=external"),
        _ => None,
    }
}

/// `RaceDetectorSupported`, `MSanSupported` and `ASanSupported`.
fn sanitizes(sanitizer: Sanitizer, goos: &str, goarch: &str, minor: u32) -> bool {
    match (sanitizer, goos) {
        (Sanitizer::Race, "linux") if goarch == "riscv64" => minor >= 26,
        (Sanitizer::Race, "linux") => matches!(goarch, "amd64" | "arm64" | "loong64" | "ppc64le" | "s390x"),
        (Sanitizer::Race, "darwin") => matches!(goarch, "amd64" | "arm64"),
        (Sanitizer::Race, "freebsd" | "netbsd" | "windows") => goarch == "amd64",
        (Sanitizer::Memory, "linux") => matches!(goarch, "amd64" | "arm64" | "loong64"),
        (Sanitizer::Memory, "freebsd") => goarch == "amd64",
        (Sanitizer::Address, "linux") => matches!(goarch, "amd64" | "arm64" | "loong64" | "ppc64le" | "riscv64"),
        _ => false,
    }
}

/// `FuzzSupported`.
fn fuzzes(platform: &Platform, minor: u32) -> bool {
    match platform.goos() {
        "darwin" | "freebsd" | "linux" | "windows" => true,
        "openbsd" => minor >= 25,
        _ => false,
    }
}

/// `FuzzInstrumented`: elsewhere fuzzing has no guidance.
pub(super) fn instruments(platform: &Platform, minor: u32) -> bool {
    let has_counters = match platform.goarch() {
        "amd64" | "arm64" => true,
        "loong64" => minor >= 25,
        _ => false,
    };
    has_counters && fuzzes(platform, minor)
}

/// `BuildModeSupported`.
fn builds(mode: Buildmode, goos: &str, goarch: &str, minor: u32) -> bool {
    let one_of = |ports: &[&str]| {
        let found = |port: &&str| {
            port.split_once('/').is_some_and(|(os, arches)| os == goos && arches.split(' ').any(|arch| arch == goarch))
        };
        ports.iter().any(found)
    };
    match mode {
        Buildmode::Default | Buildmode::Exe => true,
        _ if (goos, goarch) == ("linux", "ppc64") && minor < 27 => false,
        Buildmode::CArchive => {
            matches!(goos, "aix" | "darwin" | "ios" | "windows")
                || one_of(&["linux/386 amd64 arm arm64 loong64 ppc64 ppc64le riscv64 s390x", "freebsd/amd64"])
        }
        Buildmode::CShared => one_of(&[
            "linux/386 amd64 arm arm64 loong64 ppc64 ppc64le riscv64 s390x",
            "android/386 amd64 arm arm64",
            "freebsd/amd64",
            "darwin/amd64 arm64",
            "windows/386 amd64 arm64",
            "wasip1/wasm",
        ]),
        Buildmode::Pie => one_of(&[
            "linux/386 amd64 arm arm64 loong64 ppc64 ppc64le riscv64 s390x",
            "android/386 amd64 arm arm64",
            "freebsd/amd64",
            "darwin/amd64 arm64",
            "ios/amd64 arm64",
            "aix/ppc64",
            "openbsd/arm64",
            "windows/386 amd64 arm64",
        ]),
        Buildmode::Plugin => one_of(&[
            "linux/386 amd64 arm arm64 loong64 ppc64 ppc64le riscv64 s390x",
            "android/386 amd64",
            "darwin/amd64 arm64",
            "freebsd/amd64",
        ]),
    }
}

/// Whether Go's linker makes position independent executables (`InternalLinkPIESupported`).
fn links_pie(goos: &str, goarch: &str, minor: u32) -> bool {
    match (goos, goarch) {
        ("linux", "ppc64" | "s390x") => minor >= 27,
        ("linux", _) => matches!(goarch, "amd64" | "arm64" | "loong64" | "ppc64le"),
        ("android", _) => goarch == "arm64",
        ("darwin" | "windows", _) => true,
        _ => false,
    }
}

/// `CgoSupported`.
fn has_cgo(goos: &str, goarch: &str) -> bool {
    !matches!(goos, "js" | "wasip1" | "plan9") && !matches!((goos, goarch), ("openbsd", "ppc64"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fuzzing_came_to_more_ports() {
        let can = |port: &str, minor| {
            let platform = Platform::new(port.parse().unwrap());
            (fuzzes(&platform, minor), instruments(&platform, minor))
        };
        for (port, of_24, of_25) in [
            ("linux/amd64", (true, true), (true, true)),
            ("linux/loong64", (true, false), (true, true)),
            ("linux/386", (true, false), (true, false)),
            ("openbsd/arm64", (false, false), (true, true)),
            ("js/wasm", (false, false), (false, false)),
        ] {
            assert_eq!((can(port, 24), can(port, 25)), (of_24, of_25), "{port}");
        }
    }
}
