//! What the C compiler has to do with linking, and what libraries are called (`gcToolchain.ld` and `LinkAction` in
//! `cmd/go/internal/work`).

use super::cgo::compiler::Language;
use super::cgo::{self, UsesC};
use super::token::{BIN, OBJ, literal};
use super::{Settings, Step};
use crate::error::Result;
use crate::graph::Package;
use crate::platform::Platform;
use crate::spec::profile::Buildmode;

/// Where the C compiler's linker says what it has read; it runs in the same directory as Go's.
const DEPFILE: &str = "link.d";

/// The C compiler that may have to link, and with which flags.
pub(super) struct External {
    /// Flags of Go's linker, after the user's.
    pub flags: Vec<String>,
    /// What the cache must know; nothing where no C code is linked.
    pub uses: Option<UsesC>,
}

/// Decides about the C compiler; `user` are the flags that the profile has for Go's linker.
///
/// # Errors
///
/// When the machine's compiler isn't known.
pub(super) fn external(settings: Settings, linked: &[&Package], user: &[String]) -> Result<External> {
    let language = if linked.iter().any(|package| cgo::has(package, Language::Cxx)) { Language::Cxx } else { Language::C };
    let has_own = user.iter().any(|flag| flag == "-extld" || flag.starts_with("-extld="));
    let mut flags = Vec::new();
    if !has_own {
        flags.push(format!("-extld={}", cgo::program(settings, language)));
    }
    let Some(toolchain) = settings.c.filter(|_| linked.iter().any(|package| cgo::is_used_by(package))) else {
        return Ok(External { flags, uses: None });
    };
    if let Some(flag) = cgo::compiler(settings, toolchain, language)?.dependency_file(DEPFILE).filter(|_| !has_own) {
        // Of several, the last one counts.
        let own = last_extldflags(user).map(|own| format!("{} ", literal(own))).unwrap_or_default();
        flags.push(format!("-extldflags={own}{flag}"));
    }
    Ok(External { flags, uses: Some(UsesC { depfiles: vec![format!("{OBJ}/{DEPFILE}")], ..UsesC::default() }) })
}

/// The value of the last `-extldflags`, which may stand in the next argument.
fn last_extldflags(flags: &[String]) -> Option<&str> {
    flags.iter().enumerate().rev().find_map(|(index, flag)| match flag.strip_prefix("-extldflags") {
        Some("") => flags.get(index + 1).map(String::as_str),
        Some(rest) => rest.strip_prefix('='),
        None => None,
    })
}

/// What the linker is to write, and how it becomes the result: some libraries have the name in them under which they are linked.
pub(super) fn output(settings: Settings, name: &str) -> (String, Option<Step>) {
    match settings.profile.buildmode {
        Buildmode::CShared | Buildmode::Plugin => {
            let file = literal(&file_name(settings.platform, settings.profile.buildmode, name)).into_owned();
            let copy = Step::Copy { copy: format!("{OBJ}/{file}"), to: BIN.to_owned() };
            (file, Some(copy))
        }
        _ => (BIN.to_owned(), None),
    }
}

/// The name of an executable or library.
pub(super) fn file_name(platform: &Platform, mode: Buildmode, name: &str) -> String {
    let suffix = match (mode, platform.goos()) {
        (Buildmode::CArchive, _) => ".a",
        (Buildmode::CShared, "darwin" | "ios") => ".dylib",
        (Buildmode::CShared, "windows") => ".dll",
        (Buildmode::CShared, "wasip1") => ".wasm",
        (Buildmode::CShared | Buildmode::Plugin, _) => ".so",
        (_, "windows") => ".exe",
        _ => "",
    };
    format!("{name}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_flags_for_the_c_compiler_count() {
        let last = |flags: &[&str]| {
            let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
            last_extldflags(&flags).map(str::to_owned)
        };
        assert_eq!(last(&["-s", "-extldflags=-a", "-extldflags", "-b -c", "-w"]).as_deref(), Some("-b -c"));
        assert_eq!(last(&["-extldflags=-static"]).as_deref(), Some("-static"));
        assert_eq!(last(&["-extld=gcc", "-extldflagsx"]), None);
    }
}
