//! The flags of a package's `#cgo` lines, with those that every package gets (`CFlags` and `getPkgConfigFlags`).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::allow::{self, Overrides, Refused};
use super::compiler::{Language, Toolchain};
use super::has;
use crate::error::{Error, Result};
use crate::graph::{Origin, Package};
use crate::plan::buildinfo::quote_text;
use crate::plan::token::{self, OBJ, ROOT, SRC, literal};
use crate::plan::{ModuleFiles, Settings, Source, compile};
use crate::platform::Platform;
use crate::source::cgo::CgoFlags;
use crate::source::context::BuildContext;
use crate::source::tree::join;
use crate::spec::profile::Sanitizer;

/// What C files are compiled with, and programs linked, if nobody says otherwise.
const DEFAULT: [&str; 2] = ["-O2", "-g"];

/// A directory in the place of the source tree's root, which `#cgo` lines are evaluated in: that is so deep in others that `..` can
/// lead out of it, and has a character that nobody uses.
const ROOT_MARK: &str = "/\u{f8ff}";
const ROOT_DEPTH: usize = 16;

/// The flags of a package, with tokens.
pub(super) struct Flags {
    cppflags: Vec<String>,
    languages: BTreeMap<Language, Vec<String>>,
    /// For the linker.
    pub ldflags: Vec<String>,
    /// Whether some flag may be more than Go's own linker can do.
    pub prefers_external_link: bool,
}

/// A flag of a `#cgo` line that isn't let through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The file that has it, in the package's directory; `None` if pkg-config says it.
    pub file: Option<String>,
    /// The line, as it stands there.
    pub line: String,
    /// The word in it.
    pub word: String,
    /// The error, without a place.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl Refusal {
    /// The error without a place.
    pub fn error(&self) -> Error {
        Error::input(&self.message).help(&self.help)
    }
}

impl Flags {
    pub fn of(settings: Settings, toolchain: &Toolchain, package: &Package) -> Result<Flags> {
        if let Some(refusal) = refusal(settings, toolchain, package)? {
            return Err(refusal.error());
        }
        let minor = settings.go.minor();
        let written = written(settings, package)?;
        let pkg_config = toolchain.pkg_config.get(&for_pkg_config(&written)).cloned().unwrap_or_default();
        let with_default = |flags: &[String]| DEFAULT.map(str::to_owned).into_iter().chain(flags.iter().cloned()).collect();
        let languages: [(Language, Vec<String>); 3] = [
            (Language::C, with_default(&written.cflags)),
            (Language::Cxx, with_default(&written.cxxflags)),
            (Language::Fortran, with_default(&written.fflags)),
        ];
        let mut ldflags: Vec<String> = with_default(&written.ldflags);
        ldflags.extend(pkg_config.libs);
        if package.selection.files.c.iter().any(|file| file.ends_with(".m")) {
            ldflags.push("-lobjc".to_owned());
        }
        if has(package, Language::Fortran) {
            ldflags.push("-lgfortran".to_owned());
        }
        let sanitize = match settings.profile.sanitizer {
            Some(Sanitizer::Memory) => Some("-fsanitize=memory".to_owned()),
            Some(Sanitizer::Address) => Some("-fsanitize=address".to_owned()),
            Some(Sanitizer::Race) | None => None,
        };
        let fits = languages.iter().all(|(_, flags)| allow::compiler_fits_internal_link(flags, minor))
            && allow::linker_fits_internal_link(&ldflags, minor);
        let sanitized = |language, flags: Vec<String>| {
            let first = sanitize.iter().filter(|_| language == Language::C);
            first.cloned().chain(flags).collect()
        };
        let resolved = |flags: &[String]| flags.iter().map(|flag| with_tokens(flag)).collect::<Vec<_>>();
        Ok(Flags {
            cppflags: resolved(&[written.cppflags, pkg_config.cflags].concat()),
            languages: languages
                .into_iter()
                .map(|(language, flags)| (language, sanitized(language, resolved(&flags))))
                .collect(),
            ldflags: sanitize.iter().cloned().chain(resolved(&ldflags)).collect(),
            prefers_external_link: !fits,
        })
    }

    /// What the compiler of a language gets; the directory of what cgo makes comes with the preprocessor's flags.
    pub fn of_language(&self, language: Language) -> impl Iterator<Item = String> {
        let made = ["-I".to_owned(), format!("{OBJ}/")];
        self.cppflags.iter().cloned().chain(made).chain(self.languages[&language].iter().cloned())
    }

    /// The directories of the source tree that headers are looked for in, in the order of the flags.
    pub fn include(&self) -> Vec<String> {
        let mut found = vec![SRC.to_owned()];
        for flags in [&self.cppflags].into_iter().chain(self.languages.values()) {
            let next = |index: usize| flags.get(index + 1).cloned();
            found.extend(flags.iter().enumerate().filter_map(|(index, flag)| match flag.as_str() {
                "-I" | "-isystem" | "-F" => next(index),
                flag => flag.strip_prefix("-I").map(str::to_owned),
            }));
        }
        found.retain(|directory| directory.starts_with(ROOT) || directory == SRC);
        found
    }

    /// Whether the linker flags, which become part of the archive, have the path of the source tree.
    pub fn has_root(&self) -> bool {
        self.ldflags.iter().any(|flag| flag.contains(ROOT))
    }
}

/// What a package with C code needs of the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Its import path.
    pub package: String,
    /// Where its files are.
    pub source: Source,
    /// What it is compiled for.
    pub platform: Platform,
    /// Whether the profile names the C compiler.
    pub has_named: bool,
    /// The languages of its sources, with the names of their compilers.
    pub compilers: Vec<(Language, String)>,
    /// Arguments for pkg-config, with tokens; none for packages that don't use it.
    pub pkg_config: Vec<String>,
}

/// What a package needs; `None` if it has no C code.
///
/// # Errors
///
/// A malformed `#cgo` line.
pub fn needs(settings: Settings, package: &Package) -> Result<Option<Needs>> {
    if !super::is_used_by(package) {
        return Ok(None);
    }
    let languages = [Language::C, Language::Cxx, Language::Fortran];
    let used = languages.into_iter().filter(|language| *language == Language::C || has(package, *language));
    Ok(Some(Needs {
        package: package.import_path.to_string(),
        source: compile::source(settings, package),
        platform: settings.platform.clone(),
        has_named: settings.profile.cc.is_some(),
        compilers: used.map(|language| (language, super::program(settings, language).to_owned())).collect(),
        pkg_config: for_pkg_config(&written(settings, package)?),
    }))
}

/// What the go command hashes of the C toolchain for a package's build ID; `name` is that of the package's action, for tokens.
pub(in crate::plan) fn identity(settings: Settings, toolchain: &Toolchain, package: &Package, name: &str) -> Result<String> {
    let written = written(settings, package)?;
    let list = |defaults: &[&str], flags: &[String]| {
        let here = |flag: &String| with_tokens(flag).replace(ROOT, &token::root_of(name));
        let flags = defaults.iter().map(|flag| (*flag).to_owned()).chain(flags.iter().map(here));
        format!("[{}]", flags.map(|flag| quote_text(&flag)).collect::<Vec<_>>().join(" "))
    };
    let with_default = |flags: &[String]| list(&DEFAULT, flags);
    let mut text = String::new();
    for (language, variable, flags) in [
        (
            Language::C,
            "CC",
            [list(&[], &written.cppflags), with_default(&written.cflags), with_default(&written.ldflags)].join(" "),
        ),
        (Language::Cxx, "CXX", with_default(&written.cxxflags)),
        (Language::Fortran, "FC", with_default(&written.fflags)),
    ] {
        if language == Language::C || has(package, language) {
            let compiler = super::compiler(settings, toolchain, language)?;
            let (program, version) = (literal(&compiler.program), literal(&compiler.version));
            let _ = write!(text, "{variable}=[{}] {flags}\n{variable} ID={}\n", quote_text(&program), quote_text(&version));
        }
    }
    Ok(text)
}

/// What pkg-config is asked.
fn for_pkg_config(flags: &CgoFlags) -> Vec<String> {
    flags.pkg_config.iter().map(|argument| with_tokens(argument)).collect()
}

/// The first flag of a package, or of what pkg-config says for it, that isn't let through.
///
/// # Errors
///
/// A malformed `#cgo` line, or a variable of the environment that is no regular expression.
pub fn refusal(settings: Settings, toolchain: &Toolchain, package: &Package) -> Result<Option<Refusal>> {
    let (flags, overrides) = (written(settings, package)?, &toolchain.overrides);
    let lists = [
        ("CPPFLAGS", &flags.cppflags),
        ("CFLAGS", &flags.cflags),
        ("CXXFLAGS", &flags.cxxflags),
        ("FFLAGS", &flags.fflags),
        ("LDFLAGS", &flags.ldflags),
    ];
    for (name, list) in lists {
        if let Some(refused) = check(name, list, overrides)? {
            return Ok(Some(of_line(package, name, &refused)));
        }
    }
    let (options, names): (Vec<String>, Vec<String>) =
        flags.pkg_config.iter().filter(|a| *a != "--").cloned().partition(|a| a.starts_with("--"));
    let unsafe_name = names.iter().find(|name| !allow::is_safe(name));
    let unsafe_name = unsafe_name.map(|name| Refused { flag: name.clone(), word: name.clone() });
    if let Some(refused) = unsafe_name.or_else(|| allow::pkg_config(&options)) {
        return Ok(Some(of_line(package, "pkg-config", &refused)));
    }
    let Some(answer) = toolchain.pkg_config.get(&for_pkg_config(&flags)) else { return Ok(None) };
    for (name, option, list) in [("CFLAGS", "--cflags", &answer.cflags), ("LDFLAGS", "--libs", &answer.libs)] {
        if let Some(refused) = check(name, list, overrides)? {
            let from = format!("pkg-config {option} {}", flags.pkg_config.join(" "));
            return Ok(Some(Refusal { file: None, ..of_list(package, name, &from, &refused) }));
        }
    }
    Ok(None)
}

fn check(name: &str, list: &[String], overrides: &Overrides) -> Result<Option<Refused>> {
    if name == "LDFLAGS" { allow::linker(list, overrides) } else { allow::compiler(name, list, overrides) }
}

/// The refusal of a flag, with the line that has it.
fn of_line(package: &Package, name: &str, refused: &Refused) -> Refusal {
    let mut lines = package.selection.files.cgo_lines.iter().flat_map(|(file, lines)| lines.iter().map(move |l| (file, l)));
    let word = shown(&refused.word);
    let has_it = |line: &str| line.contains(&format!("{name}:")) && line.contains(word.as_str());
    let found = lines.clone().find(|(_, line)| has_it(line)).or_else(|| lines.find(|(_, line)| line.contains(name)));
    let refusal = of_list(package, name, &format!("#cgo {name}"), refused);
    match found {
        Some((file, line)) => Refusal { file: Some(file.clone()), line: line.clone(), ..refusal },
        None => refusal,
    }
}

fn of_list(package: &Package, name: &str, from: &str, refused: &Refused) -> Refusal {
    let flag = shown(&refused.flag);
    let path = &package.import_path;
    let message = format!("package {path}: invalid flag in {from}: {}", flag.escape_debug());
    let help = match name {
        "pkg-config" => "Go lets through names of packages, and flags that are known to be harmless".to_owned(),
        _ => format!(
            "Go lets through only flags that are known to be harmless; the environment variable CGO_{name}_ALLOW, a regular expression, allows more"
        ),
    };
    Refusal { file: None, line: String::new(), word: shown(&refused.word), message, help }
}

/// A flag as it was written.
fn shown(flag: &str) -> String {
    let root = ROOT_MARK.repeat(ROOT_DEPTH);
    flag.replace(&root, "${SRCDIR}").replace(ROOT_MARK, "")
}

/// What the `#cgo` lines say, with marks in the place of the source tree's root.
fn written(settings: Settings, package: &Package) -> Result<CgoFlags> {
    evaluate(settings.context, package, &directory(settings, package))
}

fn evaluate(context: &BuildContext, package: &Package, directory: &str) -> Result<CgoFlags> {
    let directory = format!("{}/{directory}", ROOT_MARK.repeat(ROOT_DEPTH));
    let mut flags = CgoFlags::default();
    for (file, lines) in &package.selection.files.cgo_lines {
        let added = flags.add(lines, context, directory.trim_end_matches('/'));
        added.map_err(|why| Error::input(format!("package {}: {file}: {}", package.import_path, shown(&why))))?;
    }
    Ok(flags)
}

/// The package's directory below the root of its source tree ([`ROOT`]).
fn directory(settings: Settings, package: &Package) -> String {
    match &package.origin {
        Origin::Std => join("src", package.import_path.as_str()),
        Origin::Main { index, directory } => join(&settings.mains[*index].directory, directory),
        Origin::Module { index, directory } => match &settings.modules[*index].files {
            ModuleFiles::Zip(_) => directory.clone(),
            ModuleFiles::Vendored(root) => join(root, directory),
        },
    }
}

/// The flag with a token where the marks are; `..` that led out of the root leads out of the token.
fn with_tokens(flag: &str) -> String {
    let flag = literal(flag);
    let Some(at) = flag.find(ROOT_MARK) else { return flag.into_owned() };
    let rest = flag[at..].trim_start_matches(ROOT_MARK);
    let depth = (flag.len() - at - rest.len()) / ROOT_MARK.len();
    format!("{}{ROOT}{}{}", &flag[..at], "/..".repeat(ROOT_DEPTH.saturating_sub(depth)), with_tokens(rest))
}
