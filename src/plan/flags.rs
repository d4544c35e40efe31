//! The flags that a profile gives each package (`PerPackageFlag` in `cmd/go/internal/load`, `BuildInit` in `cmd/go/internal/work`).

use super::{Settings, default_pie};
use crate::graph::pattern::{Place, matches_package};
use crate::graph::{Kind, Origin, Package};
use crate::source::tree::join;
use crate::spec::profile::{Buildmode, Linkmode, PackageFlags, Profile};

/// The flags of the compiler besides those that it always gets.
pub(super) fn gcflags(settings: Settings, package: &Package) -> Vec<String> {
    of_package(settings, &effective_gcflags(settings), package)
}

/// The flags of the assembler besides those that it always gets.
pub(super) fn asmflags(settings: Settings, package: &Package) -> Vec<String> {
    of_package(settings, &settings.profile.asmflags, package)
}

/// The flags of the linker besides those that it always gets, as `go build -ldflags` would have them.
pub(super) fn ldflags(settings: Settings, main: &Package) -> Vec<String> {
    let profile = settings.profile;
    let mut flags: Vec<String> = Vec::new();
    if profile.strip {
        flags.extend(["-s".to_owned(), "-w".to_owned()]);
    }
    match linkmode(profile) {
        Linkmode::Auto => {}
        Linkmode::Internal => flags.push("-linkmode=internal".to_owned()),
        Linkmode::External => flags.push("-linkmode=external".to_owned()),
    }
    if profile.is_static && profile.cgo {
        flags.push("-extldflags=-static".to_owned());
    }
    for (variable, value) in settings.stamps {
        flags.extend(["-X".to_owned(), format!("{variable}={value}")]);
    }
    flags.extend(of_package(settings, &profile.ldflags, main));
    flags
}

/// Who links: Go's own linker only knows the shared libraries of C.
pub(super) fn linkmode(profile: &Profile) -> Linkmode {
    if profile.is_static && profile.cgo { Linkmode::External } else { profile.linkmode }
}

/// What `-gcflags` has with that of a build for a debugger, which the profile's own override.
pub(super) fn effective_gcflags(settings: Settings) -> Vec<PackageFlags> {
    let flags = ["-N", "-l"].map(str::to_owned).to_vec();
    let debug = settings.profile.debug.then(|| PackageFlags { pattern: Some("all".to_owned()), flags });
    debug.into_iter().chain(settings.profile.gcflags.iter().cloned()).collect()
}

/// What build information shows of `-gcflags` or `-asmflags`: the last one as it would stand on the command line.
pub(super) fn shown(flags: &[PackageFlags]) -> Option<String> {
    let PackageFlags { pattern, flags } = flags.last()?;
    let flags = flags.iter().map(|flag| quoted(flag)).collect::<Vec<_>>().join(" ");
    Some(match pattern {
        Some(pattern) => format!("{pattern}={flags}"),
        None => flags,
    })
}

/// One of several flags (`cmd/internal/quoted.Join`).
fn quoted(flag: &str) -> String {
    let is_plain = !flag.is_empty() && !flag.contains([' ', '\t', '\r', '\n', '\'', '"']);
    match (is_plain, flag.contains('\'')) {
        (true, _) => flag.to_owned(),
        (false, false) => format!("'{flag}'"),
        (false, true) => format!("\"{flag}\""),
    }
}

/// Of several that match, the last one counts. What tests consist of has the flags of what is tested.
fn of_package(settings: Settings, flags: &[PackageFlags], package: &Package) -> Vec<String> {
    let path = match &package.for_test {
        Some(for_test) if for_test.kind != Kind::Plain => &for_test.tested,
        _ => &package.import_path,
    };
    let matches = |flags: &&PackageFlags| match (&flags.pattern, settings.tested) {
        // Nothing imports a main package, so it is one that was asked for.
        (None, None) => package.is_main(),
        (None, Some(tested)) => tested.contains(path),
        (Some(pattern), _) => {
            let place = |directory, in_main_module| Place { directory, is_std: package.is_std(), in_main_module };
            match &package.origin {
                Origin::Main { index, directory } => {
                    let main = &settings.mains[*index];
                    let directory = join(&main.directory, directory);
                    matches_package(pattern, path.as_str(), place(Some(&directory), main.stands_for.is_none()))
                }
                Origin::Std | Origin::Module { .. } => matches_package(pattern, path.as_str(), place(None, false)),
            }
        }
    };
    flags.iter().rev().find(matches).map(|flags| flags.flags.clone()).unwrap_or_default()
}

/// What is asked of the linker (`ldBuildmode`).
pub(super) fn link_mode(settings: Settings) -> &'static str {
    match settings.profile.buildmode {
        Buildmode::Default if default_pie(settings) => "pie",
        Buildmode::Default => "exe",
        mode => mode.name(),
    }
}

/// The flag that decides about position independence, for compiler and assembler (`codegenArg`).
fn codegen(settings: Settings) -> Option<&'static str> {
    let (goos, goarch) = (settings.platform.goos(), settings.platform.goarch());
    let is_unix = matches!(goos, "dragonfly" | "freebsd" | "illumos" | "linux" | "netbsd" | "openbsd" | "solaris");
    match settings.profile.buildmode {
        Buildmode::Default => (default_pie(settings) && goos != "windows").then_some("-shared"),
        Buildmode::Exe => None,
        Buildmode::Pie => (!matches!(goos, "aix" | "windows")).then_some("-shared"),
        Buildmode::CArchive => (is_unix || matches!(goos, "darwin" | "ios") && goarch == "arm64").then_some("-shared"),
        Buildmode::CShared => matches!(goos, "linux" | "android" | "freebsd").then_some("-shared"),
        Buildmode::Plugin => Some("-dynlink"),
    }
}

/// What every compilation gets (`forcedGcflags`).
pub(super) fn forced_gcflags(settings: Settings) -> Vec<String> {
    codegen(settings).map(str::to_owned).into_iter().chain(forced_ldflags(settings)).collect()
}

/// What every assembly gets (`forcedAsmflags`).
pub(super) fn forced_asmflags(settings: Settings) -> Vec<String> {
    codegen(settings).map(str::to_owned).into_iter().collect()
}

/// What every link gets (`forcedLdflags`).
pub(super) fn forced_ldflags(settings: Settings) -> Vec<String> {
    settings.profile.sanitizer.map(|sanitizer| format!("-{}", sanitizer.name())).into_iter().collect()
}

/// The suffix of directories of installed packages, which compiler and linker are told (`InstallSuffix`).
pub(super) fn install_suffix(settings: Settings) -> Option<String> {
    let sanitizer = settings.profile.sanitizer.map(|sanitizer| sanitizer.name());
    let codegen = codegen(settings).filter(|_| settings.profile.buildmode != Buildmode::Default);
    let parts: Vec<&str> = sanitizer.into_iter().chain(codegen.map(|flag| &flag[1..])).collect();
    (!parts.is_empty()).then(|| parts.join("_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_shown_as_the_command_line_would_have_them() {
        let flags = |pattern: Option<&str>, flags: &[&str]| PackageFlags {
            pattern: pattern.map(str::to_owned),
            flags: flags.iter().map(|f| (*f).to_owned()).collect(),
        };
        assert_eq!(shown(&[]), None);
        let several = [flags(None, &["-N"]), flags(Some("all"), &["-d=a b", "-l", "-x='y z'", ""])];
        assert_eq!(shown(&several).unwrap(), "all='-d=a b' -l \"-x='y z'\" ''");
        assert_eq!(shown(&several[..1]).unwrap(), "-N");
    }
}
