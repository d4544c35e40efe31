//! What the recipe must know about the C compilers of the machine that builds, and which flags the go command gives them.

use std::collections::{BTreeMap, BTreeSet};

use super::allow::Overrides;
use crate::plan::strings;
use crate::plan::token::{OBJ, SRC};
use crate::platform::Platform;

/// Flags that not every compiler knows; each is tried out once (`gccSupportsFlag`).
pub const OPTIONAL: [&str; 8] = [
    "-fno-caret-diagnostics",
    "-Qunused-arguments",
    "-Wl,--no-gc-sections",
    DEBUG_PREFIX_MAP,
    FILE_PREFIX_MAP,
    "-gno-record-gcc-switches",
    RANDOM_SEED,
    DEPENDENCY_FILE,
];

const DEBUG_PREFIX_MAP: &str = "-fdebug-prefix-map=a=b";
const FILE_PREFIX_MAP: &str = "-ffile-prefix-map=a=b";
const RANDOM_SEED: &str = "-frandom-seed=1";
/// GNU ld since 2.35, LLD 11 and mold tell which files they have read. Not in Go.
const DEPENDENCY_FILE: &str = "-Wl,--dependency-file=/dev/null";

/// A compiler, as far as the recipe depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compiler {
    /// The program's name, as it stands in commands: `gcc`, wherever that is.
    pub program: String,
    /// Those of [`OPTIONAL`] that it knows.
    pub knows: BTreeSet<&'static str>,
    /// The line in which it says its version, by which the go command identifies it.
    pub version: String,
}

/// The C toolchain of the machine that builds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Toolchain {
    /// The compilers, by name; those that some package needs.
    pub compilers: BTreeMap<String, Compiler>,
    /// What pkg-config says of names and flags in `#cgo pkg-config` lines.
    pub pkg_config: BTreeMap<Vec<String>, PkgConfig>,
    /// Which flags the user lets through, or doesn't.
    pub overrides: Overrides,
}

/// Flags that pkg-config has for some libraries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PkgConfig {
    /// For the compiler.
    pub cflags: Vec<String>,
    /// For the linker.
    pub libs: Vec<String>,
}

/// A language that has its own compiler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    /// C, Objective-C and what is assembled by the C compiler.
    C,
    /// C++.
    Cxx,
    /// Fortran.
    Fortran,
}

impl Language {
    /// That of a file among the C-family sources of a package.
    pub fn of(file: &str) -> Language {
        match file.rsplit_once('.').map_or("", |(_, extension)| extension) {
            "cc" | "cpp" | "cxx" => Language::Cxx,
            "f" | "F" | "for" | "f90" => Language::Fortran,
            _ => Language::C,
        }
    }

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Language::C => "C",
            Language::Cxx => "C++",
            Language::Fortran => "Fortran",
        }
    }

    /// The compiler that Go uses if it is told none (`cmd/go/internal/cfg.DefaultCC`).
    pub fn default_compiler(self, platform: &Platform) -> &'static str {
        let clang = matches!(platform.goos(), "darwin" | "ios" | "freebsd" | "openbsd");
        match (self, clang) {
            (Language::C, true) => "clang",
            (Language::C, false) => "gcc",
            (Language::Cxx, true) => "clang++",
            (Language::Cxx, false) => "g++",
            (Language::Fortran, _) => "gfortran",
        }
    }
}

impl Compiler {
    /// One that can't be asked: it knows what GCC 8 (2018) does, or Clang 10 (2020) if it is called so. What its linker has read nobody asks.
    pub fn presumed(program: &str, platform: &Platform) -> Compiler {
        let is_clang = program.contains("clang");
        let is_known = |flag: &&str| match *flag {
            "-fno-caret-diagnostics" | "-Qunused-arguments" => is_clang,
            "-Wl,--no-gc-sections" => !matches!(platform.goos(), "darwin" | "ios"),
            flag => flag != DEPENDENCY_FILE,
        };
        let knows = OPTIONAL.into_iter().filter(is_known).collect();
        Compiler { program: program.to_owned(), knows, version: String::new() }
    }

    /// The command with the flags that every package gets (`compilerCmd`).
    pub(super) fn command(&self, platform: &Platform, minor: u32) -> Vec<String> {
        let mut run = strings([self.program.as_str(), "-I", SRC]);
        if platform.goos() != "windows" {
            run.push("-fPIC".to_owned());
        }
        run.extend(arch_flags(platform, minor).iter().map(|flag| (*flag).to_owned()));
        // Since Go 1.27 for Windows, too.
        run.push(if platform.goos() == "windows" && minor < 27 { "-mthreads" } else { "-pthread" }.to_owned());
        if platform.goos() == "aix" {
            run.push("-mcmodel=large".to_owned());
        }
        run.extend(OPTIONAL[..3].iter().filter(|flag| self.knows.contains(*flag)).map(|flag| (*flag).to_owned()));
        run.push("-fmessage-length=0".to_owned());
        run.extend(self.prefix_map(OBJ, "/tmp/go-build"));
        if self.knows.contains(OPTIONAL[5]) {
            run.push(OPTIONAL[5].to_owned());
        }
        if matches!(platform.goos(), "darwin" | "ios") {
            run.push("-fno-common".to_owned());
        }
        run
    }

    /// The flag by which the compiler records `to` in the place of the directory `from`, if it has one.
    pub(super) fn prefix_map(&self, from: &str, to: &str) -> Option<String> {
        let knows = |flag| self.knows.contains(flag);
        let flag = match (knows(DEBUG_PREFIX_MAP), knows(FILE_PREFIX_MAP)) {
            (true, true) => "-ffile-prefix-map",
            (true, false) => "-fdebug-prefix-map",
            (false, _) => return None,
        };
        Some(format!("{flag}={from}={to}"))
    }

    /// The flag that makes names which must be unique in a program depend on `seed` instead of chance.
    pub(super) fn random_seed(&self, seed: &str) -> Option<String> {
        self.knows.contains(RANDOM_SEED).then(|| format!("-frandom-seed={seed}"))
    }

    /// The flag by which the linker writes down what it reads.
    pub(crate) fn dependency_file(&self, file: &str) -> Option<String> {
        self.knows.contains(DEPENDENCY_FILE).then(|| format!("-Wl,--dependency-file={file}"))
    }
}

/// What makes a compiler compile for a processor (`gccArchArgs`).
fn arch_flags(platform: &Platform, minor: u32) -> &'static [&'static str] {
    let value = platform.variant_setting().map_or("", |(_, value)| value);
    match (platform.goos(), platform.goarch(), value) {
        (_, "386", _) => &["-m32"],
        ("darwin", "amd64", _) => &["-arch", "x86_64", "-m64"],
        (_, "amd64", _) => &["-m64"],
        ("darwin", "arm64", _) => &["-arch", "arm64"],
        (_, "arm", _) => &["-marm"],
        (_, "s390x", _) => &["-m64", "-march=z13"],
        (_, "mips64" | "mips64le", "softfloat") => &["-mabi=64", "-msoft-float"],
        (_, "mips64" | "mips64le", _) => &["-mabi=64", "-mhard-float"],
        (_, "mips" | "mipsle", "softfloat") => &["-mabi=32", "-march=mips32", "-msoft-float"],
        (_, "mips" | "mipsle", _) => &["-mabi=32", "-march=mips32", "-mhard-float", "-mfp32", "-mno-odd-spreg"],
        (_, "loong64", _) if minor < 27 => &["-mabi=lp64d"],
        (_, "loong64", _) => &["-mabi=lp64d", "-mno-relax"],
        ("aix", "ppc64", _) => &["-maix64"],
        _ => &[],
    }
}
