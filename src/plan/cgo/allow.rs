//! Which flags packages may give to C compilers and linkers (`cmd/go/internal/work/security.go` of Go 1.27).
//!
//! What a flag such as `-fplugin=` names would be run by the compiler: code of a dependency could do what it likes on the machine
//! that builds. So only flags are let through that are known to be harmless.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use regex::Regex;

use crate::error::{Error, Result};

/// What some flags must be like.
struct List {
    /// Whole flags.
    whole: LazyLock<Regex>,
    /// Flags that take the next argument.
    with_argument: &'static [&'static str],
    /// What isn't let through though a pattern matches it.
    never: &'static [&'static str],
}

/// One expression that matches whole flags only.
fn whole(patterns: &[&str]) -> Regex {
    Regex::new(&format!("^(?:{})$", patterns.join("|"))).expect("the patterns are constant")
}

/// Flags that both compilers and linkers may get.
const SHARED: &[&str] = &[
    r"-F([^@\-].*)",
    r"-O([^@\-].*)?",
    r"-f(no-)?(pic|PIC|pie|PIE)",
    r"-f(no-)?openmp(-simd)?",
    r"-g([^@\-].*)?",
    r"-m(abi|arch|cpu|fpu|simd|tls-dialect|tune)=([^@\-].*)",
    r"-mcmodel=[0-9a-z-]+",
    r"-mfloat-abi=([^@\-].*)",
    r"-m(soft|single|double)-float",
    r"-m(no-)?(relax|strict-align|lsx|lasx|frecipe|div32|lam-bh|lamcas|ld-seq-sa)",
    r"-mmacosx-(.+)",
    r"-m(ios-simulator|iphoneos)-version-min=(.+)",
    r"-m(threads|windows)",
    r"-pthread",
    r"-?-stdlib=([^@\-].*)",
    r"-v",
];

const COMPILER: &[&str] = &[
    r"-D([A-Za-z_][A-Za-z0-9_]*)(=[^@\-]*)?",
    r"-U([A-Za-z_][A-Za-z0-9_]*)",
    r"-I([^@\-].*)",
    r"-W([^@,]+)?",
    r"-Wa,-mbig-obj",
    r"-Wp,-D([A-Za-z_][A-Za-z0-9_]*)(=[^@,\-]*)?",
    r"-Wp,-U([A-Za-z_][A-Za-z0-9_]*)",
    r"-ansi",
    r"-f(no-)?(asynchronous-unwind-tables|blocks|common|constant-cfstrings|eliminate-unused-debug-types|exceptions)",
    r"-f(no-)?(fast-math|inline-functions|fat-lto-objects|keep-inline-dllexport|lto|modules|objc-arc)",
    r"-f(no-)?(objc-nonfragile-abi|objc-legacy-dispatch|omit-frame-pointer|permissive|plt|rtti|split-stack)",
    r"-f(no-)?(strict-aliasing|use-linker-plugin|visibility-inlines-hidden)",
    r"-f(no-)?stack-(.+)",
    r"-fno-(builtin-[a-zA-Z0-9_]*|canonical-system-headers)",
    r"-f(debug|file)-prefix-map=([^@]+)=([^@]+)",
    r"-fdiagnostics-show-note-include-stack",
    r"-finput-charset=([^@\-].*)",
    r"-f(macro-backtrace-limit|message-length|sanitize|visibility)=(.+)",
    r"-funsigned-char",
    r"-fsanitize-undefined-strip-path-components=(-)?[0-9]+",
    r"-ftemplate-depth-(.+)",
    r"-ftls-model=(global-dynamic|local-dynamic|initial-exec|local-exec)",
    r"-m(32|64|arm|nop-fun-dllimport)",
    r"-m(no-)?(v?aes|ms-bitfields|ssse3|stack-(.+)|avx[0-9a-z.]*|sse[0-9.]*)",
    r"-mfpmath=[0-9a-z,+]*",
    r"-mlarge-data-threshold=[0-9]+",
    r"-m(tvos|watchos)(-simulator)?-version-min=(.+)",
    r"-mthumb(-interwork)?",
    r"-no-canonical-prefixes",
    r"--param=ssp-buffer-size=[0-9]*",
    r"-pedantic(-errors)?",
    r"-pipe",
    r"--static",
    r"-?-std=([^@\-].*)",
    r"--sysroot=([^@\-].*)",
    r"-w",
    r"-x([^@\-].*)",
];

/// `-Wl,` hands all that follows to the linker, so nothing in it may have a comma that isn't spelled out.
const LINKER: &[&str] = &[
    r"-[lL]([^@\-].*)",
    r"-fsanitize=([^@\-].*)",
    r"-(flat_namespace|headerpad_max_install_names|pic|PIC|pie|PIE|rdynamic|shared)",
    r"-?-static([-a-z0-9+]*)",
    r"-Wl,--(no-)?(allow-multiple-definition|allow-shlib-undefined|as-needed|export-dynamic)",
    r"-Wl,-(Bdynamic|Bstatic|Bsymbolic-functions|berok|d[ny]|E|headerpad_max_install_names|O[0-9]+|s|search_paths_first)",
    r"-Wl,--(disable|enable)-new-dtags",
    r"-Wl,--(start-group|end-group|no-undefined|pop-state|push-state)",
    r"-Wl,-e[=,][a-zA-Z0-9]+",
    r"-Wl,-framework,[^,@\-][^,]*",
    r"-Wl,--hash-style=(sysv|gnu|both)",
    r"-Wl,-R,?([^@\-,][^,@]*)",
    r"-Wl,--just-symbols[=,]([^,@\-][^,@]*)",
    r"-Wl,-rpath(-link)?[=,]([^,@\-][^,]*)",
    r"-Wl,-sectcreate(,([^,@\-][^,]*)){3}",
    r"-Wl,-?-static",
    r"-Wl,-?-subsystem,(native|windows|console|posix|xbox)",
    r"-Wl,-(syslibroot|undefined)[=,]([^,@\-][^,]*)",
    r"-Wl,-?-unresolved-symbols=[^,]+",
    r"-Wl,--(no-)?warn-([^,]+)",
    r"-Wl,-?-wrap[=,][^,@\-][^,]*",
    r"-Wl(,-z,(relro|now|(no)?execstack))+",
    // Go has `obj`, too, but behind `o`, which its matcher prefers: so it lets none through.
    r"(\./|[a-zA-Z0-9_/]).*\.(a|o|dll|dylib|so|tbd)",
];

const PKG_CONFIG: &[&str] = &[
    r"--(atleast-pkgconfig|atleast|exact|max)-version=[0-9]+\.[0-9]+\.[0-9]+",
    r"--cflags(-only-I)?",
    r"--libs(-only-[lL])?",
    r"--(dont-)?define-prefix",
    r"--define-variable=[A-Za-z_][A-Za-z0-9_]*=[^@\-]*",
    r"--(digraph|dont-relocate-paths|dump-personality|env-only|errors-to-stdout|exists|ignore-conflicts|internal-cflags)",
    r"--(keep-system-cflags|keep-system-libs|list-all|list-package-names|modversion|msvc-syntax|no-cache|no-provides)",
    r"--(no-uninstalled|path|print-errors|print-provides|print-requires-private|print-requires|print-variables|pure)",
    r"--(shared|short-errors|silence-errors|simulate|static|uninstalled|validate)",
    r"--fragment-filter=[A-Za-z_][a-zA-Z0-9_]*",
    r"--maximum-traverse-depth=[0-9]+",
    r"--personality=(triplet|filename)",
    r"--(prefix-)?variable=[A-Za-z_][a-zA-Z0-9_]*",
    r"--with-path=[^@\-].*",
];

static COMPILER_LIST: List = List {
    whole: LazyLock::new(|| whole(&[SHARED, COMPILER].concat())),
    with_argument: &[
        "-arch",
        "-D",
        "-U",
        "-I",
        "-F",
        "-framework",
        "-include",
        "-isysroot",
        "-isystem",
        "--sysroot",
        "-target",
        "-x",
    ],
    never: &[],
};

static LINKER_LIST: List = List {
    whole: LazyLock::new(|| whole(&[SHARED, LINKER].concat())),
    with_argument: &[
        "-arch",
        "-F",
        "-l",
        "-L",
        "-framework",
        "-isysroot",
        "--sysroot",
        "-target",
        "-Wl,-framework",
        "-Wl,-rpath",
        "-Wl,-R",
        "-Wl,--just-symbols",
        "-Wl,-undefined",
    ],
    // The linker of macOS loads what the argument after the first names. No flag at all is what Go refuses, too.
    never: &["-lto_library", ""],
};

static PKG_CONFIG_LIST: List = List { whole: LazyLock::new(|| whole(PKG_CONFIG)), with_argument: &[], never: &[] };

/// Variables of the environment by which a user allows or forbids more: `CGO_CFLAGS_ALLOW` and its like, each a regular expression.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides(BTreeMap<String, String>);

impl Overrides {
    /// The lists that have such variables.
    const LISTS: [&str; 5] = ["CPPFLAGS", "CFLAGS", "CXXFLAGS", "FFLAGS", "LDFLAGS"];

    /// What `value` says of the variables.
    pub fn read(value: impl Fn(&str) -> Option<String>) -> Overrides {
        let names = Overrides::LISTS.iter().flat_map(|list| ["ALLOW", "DISALLOW"].map(|what| format!("CGO_{list}_{what}")));
        Overrides(names.filter_map(|name| Some((name.clone(), value(&name).filter(|v| !v.is_empty())?))).collect())
    }

    fn expression(&self, name: &str, what: &str) -> Result<Option<Regex>> {
        let variable = format!("CGO_{name}_{what}");
        let Some(text) = self.0.get(&variable) else { return Ok(None) };
        let wrong =
            |e: regex::Error| Error::input(format!("the environment variable {variable} is no regular expression: {e}"));
        // Each package with C code is checked against the same few.
        static COMPILED: Mutex<BTreeMap<String, Regex>> = Mutex::new(BTreeMap::new());
        let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = compiled.get(text) {
            return Ok(Some(known.clone()));
        }
        let expression = Regex::new(text).map_err(wrong)?;
        compiled.insert(text.clone(), expression.clone());
        Ok(Some(expression))
    }
}

/// A flag that isn't let through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The flag, with the argument after it where that is to blame.
    pub flag: String,
    /// The first word of it, as it is written.
    pub word: String,
}

/// The first of `flags` that a compiler may not get; `name` is that of the list, e.g. `CFLAGS`.
///
/// # Errors
///
/// When a variable of `overrides` isn't a regular expression.
pub fn compiler(name: &str, flags: &[String], overrides: &Overrides) -> Result<Option<Refused>> {
    let (allow, disallow) = (overrides.expression(name, "ALLOW")?, overrides.expression(name, "DISALLOW")?);
    Ok(check(&COMPILER_LIST, flags, allow.as_ref(), disallow.as_ref()))
}

/// The first of `flags` that a linker may not get.
///
/// # Errors
///
/// Those of [`compiler`].
pub fn linker(flags: &[String], overrides: &Overrides) -> Result<Option<Refused>> {
    let (allow, disallow) = (overrides.expression("LDFLAGS", "ALLOW")?, overrides.expression("LDFLAGS", "DISALLOW")?);
    Ok(check(&LINKER_LIST, flags, allow.as_ref(), disallow.as_ref()))
}

/// The first of `flags` that pkg-config may not get.
pub fn pkg_config(flags: &[String]) -> Option<Refused> {
    check(&PKG_CONFIG_LIST, flags, None, None)
}

/// Whether a name can't be taken for a flag (`load.SafeArg`).
pub fn is_safe(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric() || "._/".contains(c) || !c.is_ascii())
}

/// Whether Go's own linker can do without the C compiler's after these compiler flags
/// (`checkCompilerFlagsForInternalLink`; before Go 1.27 static ones weren't looked at).
pub fn compiler_fits_internal_link(flags: &[String], minor: u32) -> bool {
    let is_static = |flag: &String| minor >= 27 && (flag == "-static" || flag == "--static");
    check(&COMPILER_LIST, flags, None, None).is_none() && !flags.iter().any(|flag| flag.starts_with("-flto") || is_static(flag))
}

/// The same after these linker flags (`checkLinkerFlagsForInternalLink`, since Go 1.27).
pub fn linker_fits_internal_link(flags: &[String], minor: u32) -> bool {
    const STATIC: [&str; 5] = ["-static", "--static", "-Wl,-static", "-Wl,--static", "-Wl,-Bstatic"];
    minor < 27 || check(&LINKER_LIST, flags, None, None).is_none() && !flags.iter().any(|flag| STATIC.contains(&flag.as_str()))
}

/// `checkFlags`; what an expression matches first must be the whole flag.
fn check(list: &List, flags: &[String], allow: Option<&Regex>, disallow: Option<&Regex>) -> Option<Refused> {
    let matches = |expression: Option<&Regex>, flag: &str| {
        expression.is_some_and(|e| e.find(flag).map_or(flag.is_empty(), |found| found.as_str() == flag))
    };
    let mut rest = flags;
    while let Some((flag, behind)) = rest.split_first() {
        rest = behind;
        let refused = || Some(Refused { flag: flag.clone(), word: flag.clone() });
        if matches(disallow, flag) {
            return refused();
        }
        if matches(allow, flag) {
            continue;
        }
        if list.never.contains(&flag.as_str()) {
            return refused();
        }
        if flag.is_empty() || list.whole.is_match(flag) || is_state_of_known(list, flag) {
            continue;
        }
        if !list.with_argument.contains(&flag.as_str()) {
            return refused();
        }
        match behind.first() {
            Some(argument) if is_argument_of(flag, argument) => rest = &behind[1..],
            Some(argument) => return Some(Refused { flag: format!("{flag} {argument}"), word: flag.clone() }),
            None => return Some(Refused { flag: format!("{flag} without argument"), word: flag.clone() }),
        }
    }
    None
}

/// `-Wl,--push-state,--as-needed`: several flags of the linker in one.
fn is_state_of_known(list: &List, flag: &str) -> bool {
    let Some(rest) = flag.strip_prefix("-Wl,--push-state,") else { return false };
    rest.split(',').all(|part| list.whole.is_match(&format!("-Wl,{part}")))
}

/// Whether a flag may have this argument: `-I dir`, `-Wl,-framework -Wl,name`, and `-I =dir` or `-I $SYSROOTdir`.
fn is_argument_of(flag: &str, argument: &str) -> bool {
    let handed_on = |text: &str| is_safe(text) && !text.contains(',');
    let in_sysroot = |text: &str| text.starts_with("$SYSROOT") || text.strip_prefix('=').is_some_and(is_safe);
    is_safe(argument)
        || flag.starts_with("-Wl,") && argument.strip_prefix("-Wl,").is_some_and(handed_on)
        || flag == "-I" && in_sysroot(argument)
}
