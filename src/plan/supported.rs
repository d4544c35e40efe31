//! What can't be built, and why: what Go can't do on a platform (`internal/platform/supported.go` and `BuildInit` in
//! `cmd/go/internal/work`), and what godirect can't do yet.

use super::Settings;
use crate::error::{Error, Result};
use crate::spec::profile::{Buildmode, Linkmode, Profile, Sanitizer};

/// Refuses a profile that is impossible on the platform.
///
/// # Errors
///
/// With the reason.
pub(super) fn check(settings: Settings) -> Result<()> {
    let (platform, profile) = (settings.platform, settings.profile);
    let (goos, goarch) = (platform.goos(), platform.goarch());
    if !builds(profile.buildmode, goos, goarch, settings.go.minor()) {
        let error = Error::input(format!("Go can't build with buildmode = \"{}\" for {platform}", profile.buildmode.name()));
        return Err(error.help("give the binary another profile, or take the platform out of platforms()"));
    }
    if let Some(sanitizer) = profile.sanitizer {
        check_sanitizer(sanitizer, settings).map_err(|error| error.context(format!("{} for {platform}", sanitizer.name())))?;
    }
    if profile.cgo && !has_cgo(goos, goarch) {
        return Err(Error::input(format!("Go has no cgo for {platform}")).help("build it with `cgo = False`"));
    }
    if profile.gofips140.is_some() {
        check_fips140(settings)?;
    }
    not_yet(settings)
}

fn check_sanitizer(sanitizer: Sanitizer, settings: Settings) -> Result<()> {
    let (goos, goarch, profile) = (settings.platform.goos(), settings.platform.goarch(), settings.profile);
    if !sanitizes(sanitizer, goos, goarch, settings.go.minor()) {
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

fn check_fips140(settings: Settings) -> Result<()> {
    let (platform, profile) = (settings.platform, settings.profile);
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

/// What Go could do.
fn not_yet(settings: Settings) -> Result<()> {
    let (goos, goarch) = (settings.platform.goos(), settings.platform.goarch());
    let what = match settings.profile {
        profile @ Profile { buildmode: Buildmode::CArchive | Buildmode::CShared | Buildmode::Plugin, .. } => {
            format!("buildmode = \"{}\"", profile.buildmode.name())
        }
        Profile { buildmode: Buildmode::Pie, .. } if !links_pie(goos, goarch, settings.go.minor()) => {
            format!("buildmode = \"pie\" for {}, which needs a C compiler", settings.platform)
        }
        Profile { sanitizer: Some(sanitizer), .. } => format!("{} = True", sanitizer.name()),
        Profile { linkmode: Linkmode::External, .. } => "linkmode = \"external\"".to_owned(),
        Profile { is_static: true, .. } => "static = True".to_owned(),
        Profile { cover: true, .. } => "cover = True".to_owned(),
        _ => return Ok(()),
    };
    Err(Error::input(format!("this version of godirect can't build with {what}")).help("take it out of the profile"))
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
