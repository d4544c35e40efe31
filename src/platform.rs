//! Platforms: one table of GOOS/GOARCH, architecture variants, and what Nix and Bazel call them.

use std::fmt;
use std::str::FromStr;

use crate::digest::serde_as_string;
use crate::error::{Error, Result};

/// One row: a port of Go (`go tool dist list`), with its names elsewhere.
struct Port {
    goos: &'static str,
    goarch: &'static str,
    /// Nix's `system`, where Nix runs on it.
    nix: Option<&'static str>,
}

const fn port(goos: &'static str, goarch: &'static str) -> Port {
    Port { goos, goarch, nix: None }
}

const fn nix_port(goos: &'static str, goarch: &'static str, nix: &'static str) -> Port {
    Port { goos, goarch, nix: Some(nix) }
}

/// Every port of Go 1.27, sorted (`internal/platform/zosarch.go`).
const PORTS: &[Port] = &[
    port("aix", "ppc64"),
    port("android", "386"),
    port("android", "amd64"),
    port("android", "arm"),
    port("android", "arm64"),
    nix_port("darwin", "amd64", "x86_64-darwin"),
    nix_port("darwin", "arm64", "aarch64-darwin"),
    port("dragonfly", "amd64"),
    port("freebsd", "386"),
    port("freebsd", "amd64"),
    port("freebsd", "arm"),
    port("freebsd", "arm64"),
    port("freebsd", "riscv64"),
    port("illumos", "amd64"),
    port("ios", "amd64"),
    port("ios", "arm64"),
    port("js", "wasm"),
    nix_port("linux", "386", "i686-linux"),
    nix_port("linux", "amd64", "x86_64-linux"),
    nix_port("linux", "arm", "armv7l-linux"),
    nix_port("linux", "arm64", "aarch64-linux"),
    port("linux", "loong64"),
    port("linux", "mips"),
    port("linux", "mips64"),
    port("linux", "mips64le"),
    port("linux", "mipsle"),
    port("linux", "ppc64"),
    nix_port("linux", "ppc64le", "powerpc64le-linux"),
    nix_port("linux", "riscv64", "riscv64-linux"),
    port("linux", "s390x"),
    port("netbsd", "386"),
    port("netbsd", "amd64"),
    port("netbsd", "arm"),
    port("netbsd", "arm64"),
    port("openbsd", "386"),
    port("openbsd", "amd64"),
    port("openbsd", "arm"),
    port("openbsd", "arm64"),
    port("openbsd", "ppc64"),
    port("openbsd", "riscv64"),
    port("plan9", "386"),
    port("plan9", "amd64"),
    port("plan9", "arm"),
    port("solaris", "amd64"),
    port("wasip1", "wasm"),
    port("windows", "386"),
    port("windows", "amd64"),
    port("windows", "arm64"),
];

/// The variable that selects an architecture's variant, its default and the values that Go accepts
/// (`internal/buildcfg/cfg.go`).
struct VariantTable {
    goarch: &'static [&'static str],
    variable: &'static str,
    default: &'static str,
    values: &'static [&'static str],
}

const VARIANTS: &[VariantTable] = &[
    VariantTable { goarch: &["amd64"], variable: "GOAMD64", default: "v1", values: &["v1", "v2", "v3", "v4"] },
    VariantTable {
        goarch: &["arm64"],
        variable: "GOARM64",
        default: "v8.0",
        values: &[
            "v8.0", "v8.1", "v8.2", "v8.3", "v8.4", "v8.5", "v8.6", "v8.7", "v8.8", "v8.9", "v9.0", "v9.1", "v9.2", "v9.3",
            "v9.4", "v9.5",
        ],
    },
    VariantTable { goarch: &["386"], variable: "GO386", default: "sse2", values: &["sse2", "softfloat"] },
    VariantTable { goarch: &["arm"], variable: "GOARM", default: "7", values: &["5", "6", "7"] },
    VariantTable { goarch: &["mips", "mipsle"], variable: "GOMIPS", default: "hardfloat", values: &["hardfloat", "softfloat"] },
    VariantTable {
        goarch: &["mips64", "mips64le"],
        variable: "GOMIPS64",
        default: "hardfloat",
        values: &["hardfloat", "softfloat"],
    },
    VariantTable {
        goarch: &["ppc64", "ppc64le"],
        variable: "GOPPC64",
        default: "power8",
        values: &["power8", "power9", "power10"],
    },
    VariantTable {
        goarch: &["riscv64"],
        variable: "GORISCV64",
        default: "rva20u64",
        values: &["rva20u64", "rva22u64", "rva23u64"],
    },
    VariantTable { goarch: &["wasm"], variable: "GOWASM", default: "", values: &[] },
];

/// An operating system and processor that Go compiles for, without variant. Displays as `linux/amd64`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct OsArch {
    /// GOOS, e.g. `linux`.
    pub goos: &'static str,
    /// GOARCH, e.g. `amd64`.
    pub goarch: &'static str,
}

impl OsArch {
    /// All ports of Go, sorted.
    pub fn all() -> impl Iterator<Item = OsArch> {
        PORTS.iter().map(|p| OsArch { goos: p.goos, goarch: p.goarch })
    }

    /// The platform that this program runs on, if Go has a port to it.
    pub fn host() -> Result<OsArch> {
        let goos = match std::env::consts::OS {
            "macos" => "darwin",
            other => other,
        };
        let goarch = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "x86" => "386",
            "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
            "loongarch64" => "loong64",
            other => other,
        };
        format!("{goos}/{goarch}")
            .parse()
            .map_err(|_| Error::environment(format!("Go has no port to this machine ({goos}/{goarch})")))
    }

    /// Nix's `system` for a build on this platform, where Nix runs on it.
    pub fn nix_system(self) -> Option<&'static str> {
        PORTS.iter().find(|p| (p.goos, p.goarch) == (self.goos, self.goarch))?.nix
    }

    fn variants(self) -> Option<&'static VariantTable> {
        VARIANTS.iter().find(|v| v.goarch.contains(&self.goarch))
    }
}

impl fmt::Display for OsArch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.goos, self.goarch)
    }
}

impl FromStr for OsArch {
    type Err = Error;

    fn from_str(text: &str) -> Result<OsArch> {
        if let Some(port) = OsArch::all().find(|port| port.to_string() == text) {
            return Ok(port);
        }
        let shown = text.escape_debug();
        let error = Error::input(format!("Go has no port to `{shown}`"));
        let (goos, goarch) = text.split_once('/').unwrap_or((text, ""));
        let near: Vec<String> = OsArch::all().filter(|p| p.goos == goos || p.goarch == goarch).map(|p| p.to_string()).collect();
        Err(match near.is_empty() {
            true => error.help("write GOOS/GOARCH, e.g. `linux/amd64`"),
            false => error.help(format!("there are {}", near.join(", "))),
        })
    }
}

/// A platform that binaries are built for: GOOS, GOARCH and the architecture's variant.
///
/// Ordered by name, so that the default variant comes first.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Platform {
    os_arch: OsArch,
    /// The value of GOAMD64 or its like; `None` for the default, so that there is one spelling of it.
    variant: Option<&'static str>,
}

impl Platform {
    /// A platform with its default variant.
    pub fn new(os_arch: OsArch) -> Platform {
        Platform { os_arch, variant: None }
    }

    /// The platform with the variant `value`, e.g. `v3` for GOAMD64.
    ///
    /// # Errors
    ///
    /// When the architecture has no such variant; the error lists those that it has.
    pub fn with_variant(self, value: &str) -> Result<Platform> {
        let error = || Error::input(format!("{} has no variant `{}`", self.os_arch.goarch, value.escape_debug()));
        let table = self.os_arch.variants().ok_or_else(error)?;
        let Some(known) = table.values.iter().find(|v| **v == value) else {
            return Err(error().help(format!("{} is one of {}", table.variable, table.values.join(", "))));
        };
        let variant = if *known == table.default { None } else { Some(*known) };
        Ok(Platform { variant, ..self })
    }

    /// GOOS and GOARCH.
    pub fn os_arch(&self) -> OsArch {
        self.os_arch
    }

    /// GOOS.
    pub fn goos(&self) -> &'static str {
        self.os_arch.goos
    }

    /// GOARCH.
    pub fn goarch(&self) -> &'static str {
        self.os_arch.goarch
    }

    /// The variant, unless it is the architecture's default.
    pub fn variant(&self) -> Option<&'static str> {
        self.variant
    }

    /// The environment variable of the variant with its value (also when it is the default), e.g. `("GOAMD64", "v1")`.
    ///
    /// `None` where the architecture has no variants.
    pub fn variant_setting(&self) -> Option<(&'static str, &'static str)> {
        let table = self.os_arch.variants()?;
        Some((table.variable, self.variant.unwrap_or(table.default)))
    }

    /// The default name in attributes, labels and directories: `linux_amd64`, `linux_amd64_v3`, `linux_arm64_v8_2`.
    pub fn name(&self) -> String {
        let mut name = format!("{}_{}", self.goos(), self.goarch());
        if let Some(variant) = self.variant {
            name.push('_');
            name.push_str(&variant.replace('.', "_"));
        }
        name
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.os_arch.fmt(f)?;
        match self.variant {
            Some(variant) => write!(f, "/{variant}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Platform {
    type Err = Error;

    fn from_str(text: &str) -> Result<Platform> {
        match text.match_indices('/').nth(1) {
            None => Ok(Platform::new(text.parse()?)),
            Some((second, _)) => Platform::new(text[..second].parse()?).with_variant(&text[second + 1..]),
        }
    }
}

serde_as_string!(OsArch, Platform);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_platforms_are_refused_with_what_exists() {
        let error = "windows/riscv64".parse::<Platform>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "Go has no port to `windows/riscv64` (there are freebsd/riscv64, linux/riscv64, openbsd/riscv64, \
             windows/386, windows/amd64, windows/arm64)"
        );
        let error = "linux/amd64/v9".parse::<Platform>().unwrap_err();
        assert_eq!(error.to_string(), "amd64 has no variant `v9` (GOAMD64 is one of v1, v2, v3, v4)");
    }

    #[test]
    fn the_default_variant_has_one_spelling() {
        let plain: Platform = "linux/amd64".parse().unwrap();
        assert_eq!("linux/amd64/v1".parse::<Platform>().unwrap(), plain);
        assert_eq!(plain.variant_setting(), Some(("GOAMD64", "v1")));
        assert_eq!("linux/amd64/v3".parse::<Platform>().unwrap().name(), "linux_amd64_v3");
        assert_eq!("linux/arm64/v8.2".parse::<Platform>().unwrap().name(), "linux_arm64_v8_2");
    }

    #[test]
    fn ports_are_sorted_and_unique() {
        let names: Vec<(&str, &str)> = PORTS.iter().map(|p| (p.goos, p.goarch)).collect();
        assert!(names.is_sorted_by(|a, b| a < b));
    }
}
