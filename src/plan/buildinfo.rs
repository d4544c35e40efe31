//! Build information: the text that `go version -m` shows (`runtime/debug.BuildInfo`, `load.setBuildInfo`).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Binary, Module, ModuleFiles, Settings, flags};
use crate::graph::{MainModule, Origin, Package};
use crate::name::{ImportPath, ModuleVersion};
use crate::source::unicode::is_print;
use crate::spec::profile::{Buildmode, Sanitizer};

/// The version of what has none.
const DEVELOPMENT: &str = "(devel)";

/// The first minor version whose programs that run tests show the modules of all that they consist of.
const TESTS_SHOW_IMPORTS_SINCE: u32 = 27;

/// The text, without the marks around it.
pub(super) fn text(settings: Settings, binary: &Binary, linked: &[&Package]) -> String {
    let main = linked.iter().find(|package| package.import_path == *binary.main).map(|package| &package.origin);
    let (path, origins) = shown_packages(settings, binary, linked, main);
    let main_module = match main {
        Some(Origin::Main { index, .. }) => settings.mains[*index].path.as_str(),
        _ => "",
    };
    let mut modules = BTreeMap::new();
    for origin in origins {
        match origin {
            Origin::Std => {}
            Origin::Main { index, .. } => {
                let module = &settings.mains[*index];
                modules.insert(module.path.as_str(), local_module_line(module));
            }
            Origin::Module { index, .. } => {
                let module = &settings.modules[*index];
                modules.insert(module.path.as_str(), third_party_line(module));
            }
        }
    }
    let mut text = format!("path\t{path}\n");
    if let Some(line) = modules.remove(main_module) {
        let _ = write!(text, "mod\t{line}");
    }
    for line in modules.values() {
        let _ = write!(text, "dep\t{line}");
    }
    for (key, value) in build_settings(settings, binary) {
        let _ = writeln!(text, "build\t{key}={}", quote_value(&value));
    }
    text
}

/// The import path that is shown, and where the packages are whose modules are.
///
/// Before Go 1.27, a program that runs tests doesn't show what these import; one that tests a command shows that of the command, if both
/// have the same `DefaultGODEBUG` (`TestPackagesAndErrors` in `cmd/go/internal/load`).
fn shown_packages<'a>(
    settings: Settings,
    binary: &Binary<'a>,
    linked: &[&'a Package],
    main: Option<&'a Origin>,
) -> (&'a ImportPath, Vec<&'a Origin>) {
    if let Some((tested, command)) = shown_command(settings, binary) {
        return (tested, command.iter().collect());
    }
    match binary.test.is_some() && settings.go.minor() < TESTS_SHOW_IMPORTS_SINCE {
        true => (binary.main, main.into_iter().collect()),
        false => (binary.main, linked.iter().map(|package| &package.origin).collect()),
    }
}

/// The command whose build information the program that runs its tests shows.
fn shown_command<'a>(settings: Settings, binary: &Binary<'a>) -> Option<(&'a ImportPath, &'a [Origin])> {
    let test = binary.test.filter(|_| settings.go.minor() < TESTS_SHOW_IMPORTS_SINCE)?;
    Some((test.tested, test.program.command.as_ref()?))
}

fn local_module_line(module: &MainModule) -> String {
    let path = module.path.as_str();
    match &module.stands_for {
        None => module_line(path, DEVELOPMENT, ""),
        Some(required) => replaced_line(path, &required.version, &module_line(&required.shown, DEVELOPMENT, "")),
    }
}

fn third_party_line(module: &Module) -> String {
    let sum = match &module.files {
        ModuleFiles::Zip(h1) => h1.to_string(),
        ModuleFiles::Vendored(_) => String::new(),
    };
    match &module.replace {
        None => module_line(module.path.as_str(), module.version.as_str(), &sum),
        Some((path, version)) => {
            let version = version.as_ref().map_or(DEVELOPMENT, ModuleVersion::as_str);
            replaced_line(module.path.as_str(), &module.version, &module_line(path, version, &sum))
        }
    }
}

/// `BuildInfo.String` ends a replaced module with an empty line.
fn replaced_line(path: &str, version: &ModuleVersion, by: &str) -> String {
    format!("{path}\t{version}\n=>\t{by}\n")
}

fn module_line(path: &str, version: &str, sum: &str) -> String {
    format!("{path}\t{version}\t{sum}\n")
}

/// In the order of `setBuildInfo`.
fn build_settings(settings: Settings, binary: &Binary) -> Vec<(&'static str, String)> {
    let (platform, profile) = (settings.platform, settings.profile);
    let mut list = Vec::new();
    let switch = |list: &mut Vec<_>, flag: &'static str, on: bool| on.then(|| list.push((flag, "true".to_owned())));
    switch(&mut list, "-asan", profile.sanitizer == Some(Sanitizer::Address));
    list.extend(flags::shown(&profile.asmflags).map(|shown| ("-asmflags", shown)));
    let mode = if profile.buildmode == Buildmode::Default { Buildmode::Exe } else { profile.buildmode };
    list.extend([("-buildmode", mode.name().to_owned()), ("-compiler", "gc".to_owned())]);
    list.extend(flags::shown(&flags::effective_gcflags(settings)).map(|shown| ("-gcflags", shown)));
    switch(&mut list, "-cover", profile.cover || settings.cover.is_some());
    switch(&mut list, "-msan", profile.sanitizer == Some(Sanitizer::Memory));
    switch(&mut list, "-race", profile.sanitizer == Some(Sanitizer::Race));
    if !profile.tags.is_empty() {
        list.push(("-tags", profile.tags.iter().cloned().collect::<Vec<_>>().join(",")));
    }
    switch(&mut list, "-trimpath", true);
    if !binary.default_godebug.is_empty() {
        list.push(("DefaultGODEBUG", binary.default_godebug.clone()));
    }
    list.push(("CGO_ENABLED", if profile.cgo { "1" } else { "0" }.to_owned()));
    list.push(("GOARCH", platform.goarch().to_owned()));
    if !settings.goexperiment.is_empty() {
        list.push(("GOEXPERIMENT", settings.goexperiment.to_owned()));
    }
    list.extend(profile.gofips140.clone().map(|version| ("GOFIPS140", version)));
    list.push(("GOOS", platform.goos().to_owned()));
    if let Some((variable, value)) = platform.variant_setting().filter(|(_, value)| !value.is_empty()) {
        list.push((variable, value.to_owned()));
    }
    // Programs that run tests don't show it, but commands do.
    if let Some(pgo) = binary.pgo.as_ref().filter(|_| binary.test.is_none() || shown_command(settings, binary).is_some()) {
        // It is added last, and puts all into one order (`setPGOProfilePath`).
        list.push(("-pgo", pgo.rsplit('/').next().unwrap_or_default().to_owned()));
        list.sort();
    }
    list
}

fn quote_value(value: &str) -> String {
    if value.contains([' ', '\t', '\r', '\n', '"', '`']) { quote(value.as_bytes()) } else { value.to_owned() }
}

/// The mark before the text (`modload.ModInfoData`).
pub const START: [u8; 16] = [0x30, 0x77, 0xaf, 0x0c, 0x92, 0x74, 0x08, 0x02, 0x41, 0xe1, 0xc1, 0x07, 0xe6, 0xd6, 0x18, 0xe6];
/// The mark behind it.
pub const END: [u8; 16] = [0xf9, 0x32, 0x43, 0x31, 0x86, 0x18, 0x20, 0x72, 0x00, 0x82, 0x42, 0x10, 0x41, 0x16, 0xd8, 0xf2];

/// The value of the linker's `modinfo` line: marks and text as a Go string literal.
pub(super) fn quoted(text: &str) -> String {
    quote(&[&START, text.as_bytes(), &END].concat())
}

/// A Go string literal for bytes, as `strconv.Quote` writes ASCII; other bytes are escaped, which reads back the same.
pub(super) fn quote(bytes: &[u8]) -> String {
    let mut quoted = String::with_capacity(bytes.len() + 2);
    quoted.push('"');
    for &byte in bytes {
        match byte {
            b'"' => quoted.push_str("\\\""),
            b'\\' => quoted.push_str("\\\\"),
            b'\n' => quoted.push_str("\\n"),
            b'\t' => quoted.push_str("\\t"),
            b'\r' => quoted.push_str("\\r"),
            0x20..0x7f => quoted.push(char::from(byte)),
            _ => drop(write!(quoted, "\\x{byte:02x}")),
        }
    }
    quoted.push('"');
    quoted
}

/// Text as `%q` shows it (`strconv.Quote`).
pub(super) fn quote_text(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for char in text.chars() {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            '\x07' => quoted.push_str("\\a"),
            '\x08' => quoted.push_str("\\b"),
            '\x0b' => quoted.push_str("\\v"),
            '\x0c' => quoted.push_str("\\f"),
            _ if is_print(char) => quoted.push(char),
            '\0'..=' ' | '\x7f' => drop(write!(quoted, "\\x{:02x}", u32::from(char))),
            '\u{80}'..='\u{ffff}' => drop(write!(quoted, "\\u{:04x}", u32::from(char))),
            _ => drop(write!(quoted, "\\U{:08x}", u32::from(char))),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_as_go_reads_it() {
        assert_eq!(quote(b"a\tb\n\"\\\x00\xff~"), r#""a\tb\n\"\\\x00\xff~""#);
        assert_eq!(quote_text("a\t\"é\u{a0}\u{1F600}\u{e0001}\x07\x01"), r#""a\t\"é\u00a0😀\U000e0001\a\x01""#);
        assert_eq!(quote_value("v1"), "v1");
        assert_eq!(quote_value("-N -l"), "\"-N -l\"");
        assert_eq!(quote_value(""), "");
    }
}
