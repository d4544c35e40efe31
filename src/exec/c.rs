//! The C toolchain of this machine: which compilers there are, what they know and what identifies them
//! (`gccSupportsFlag` and `gccToolID` in `cmd/go/internal/work`).

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use super::pkg_config::pkg_config;
use super::{Sources, process};
use crate::digest::Sha256;
use crate::error::{Error, Result};
use crate::plan::cgo::Needs;
use crate::plan::cgo::allow::Overrides;
use crate::plan::cgo::compiler::{Compiler, Language, OPTIONAL, Toolchain};
use crate::platform::OsArch;
use crate::write;

/// What compilers and pkg-config see of the user's environment: where headers and libraries are. Their values are part of the keys
/// of actions that run a compiler.
const VARIABLES: [&str; 16] = [
    "COMPILER_PATH",
    "CPATH",
    "CPLUS_INCLUDE_PATH",
    "C_INCLUDE_PATH",
    "DEVELOPER_DIR",
    "GCC_EXEC_PREFIX",
    "LIBRARY_PATH",
    "MACOSX_DEPLOYMENT_TARGET",
    "OBJC_INCLUDE_PATH",
    "PKG_CONFIG",
    "PKG_CONFIG_ALLOW_SYSTEM_CFLAGS",
    "PKG_CONFIG_ALLOW_SYSTEM_LIBS",
    "PKG_CONFIG_LIBDIR",
    "PKG_CONFIG_PATH",
    "PKG_CONFIG_SYSROOT_DIR",
    "SDKROOT",
];

/// The wrappers of compilers in nixpkgs are told by these.
const PREFIX: &str = "NIX_";

/// The C toolchain that was found.
#[derive(Debug, Default)]
pub struct Machine {
    /// What the recipe depends on.
    pub toolchain: Toolchain,
    /// The environment that C compilers need besides that of the plan.
    pub env: BTreeMap<String, String>,
    /// What identifies all of it, without its paths.
    pub id: String,
}

/// What is kept of a compiler, with what tells whether it is still the same.
#[derive(Serialize, Deserialize)]
struct Probed {
    /// Files, each with its size and time of change.
    files: BTreeMap<PathBuf, (u64, u128)>,
    version: String,
    id: String,
    knows: BTreeSet<String>,
}

/// Finds what `needs` ask for. `probes` is a directory for what was found out about compilers.
///
/// # Errors
///
/// Environment errors that name the package: there is no compiler, no pkg-config, or that doesn't know a library.
pub fn find(needs: &[Needs], sources: &Sources, goroot: &Path, probes: &Path) -> Result<Machine> {
    let mut env: BTreeMap<String, String> = std::env::vars()
        .filter(|(name, _)| VARIABLES.contains(&name.as_str()) || name.starts_with(PREFIX) || name == "PATH")
        .collect();
    env.insert("LC_ALL".to_owned(), "C".to_owned());
    // It would colour what tools read.
    env.insert("TERM".to_owned(), "dumb".to_owned());
    let overrides = Overrides::read(|name| std::env::var(name).ok());
    let mut machine = Machine { env, toolchain: Toolchain { overrides, ..Toolchain::default() }, id: String::new() };
    for need in needs {
        for (language, program) in &need.compilers {
            check_target(need, *language, program)?;
            if !machine.toolchain.compilers.contains_key(program) {
                let probed = probe(program, &machine.env, probes).map_err(|e| missing(e, need, *language, program))?;
                let knows = OPTIONAL.into_iter().filter(|flag| probed.knows.contains(*flag)).collect();
                machine.id += &format!("{program}: {}\n", probed.id);
                let compiler = Compiler { program: program.clone(), knows, version: probed.version };
                machine.toolchain.compilers.insert(program.clone(), compiler);
            }
        }
        if !need.pkg_config.is_empty() && !machine.toolchain.pkg_config.contains_key(&need.pkg_config) {
            let answer = pkg_config(need, sources, goroot, &machine.env)?;
            machine.toolchain.pkg_config.insert(need.pkg_config.clone(), answer);
        }
    }
    let own = |name: &String| name != "PATH";
    machine.env.iter().filter(|(name, _)| own(name)).for_each(|(name, value)| machine.id += &format!("{name}={value}\n"));
    Ok(machine)
}

/// A compiler that nobody named compiles for the machine that it runs on; with `-m32` also for the smaller one of its kind.
fn check_target(need: &Needs, language: Language, program: &str) -> Result<()> {
    let (host, target) = (OsArch::host()?, need.platform.os_arch());
    let fits = target == host || target.goos == host.goos && (host.goarch, target.goarch) == ("amd64", "386");
    if fits || need.has_named || program != language.default_compiler(&need.platform) {
        return Ok(());
    }
    let error =
        Error::input(format!("package {} has C code, and `{program}` compiles for {host}, not for {target}", need.package));
    let parameter = if language == Language::Cxx { "cxx" } else { "cc" };
    Err(error.help(format!("name a cross compiler in the profile: `{parameter} = …`, or build without C: `cgo = False`")))
}

fn missing(error: Error, need: &Needs, language: Language, program: &str) -> Error {
    let advice = format!(
        "install it, name another in the profile, e.g. `{} = …`, or build without C: `cgo = False`",
        if language == Language::Cxx { "cxx" } else { "cc" }
    );
    error.context(format!("package {} needs the {} compiler {program}", need.package, language.name())).help(advice)
}

/// What a compiler knows, from before if it is still the same.
fn probe(program: &str, env: &BTreeMap<String, String>, probes: &Path) -> Result<Probed> {
    let path = find_program(program, env)?;
    let name = Sha256::of(format!("{program} {}", path.display()));
    let file = probes.join(name.to_string());
    let known = std::fs::read(&file).ok().and_then(|text| serde_json::from_slice::<Probed>(&text).ok());
    if let Some(known) = known.filter(|known| known.files.iter().all(|(path, state)| state_of(path) == Some(*state))) {
        return Ok(known);
    }
    let run = |path: &Path, arguments: &[&str]| process::output(path, arguments, Path::new("/"), env);
    // A compiler that lacks a part only repeats its name.
    let part = |name: &str| {
        let printed = run(&path, &[&format!("-print-prog-name={name}")]).ok()?.stdout;
        find_program(printed.trim(), env).ok()
    };
    let parts = ["cc1", "as", "ld", "collect2"].map(part);
    let (version, mut id) = identity(&path, parts[0].as_ref(), env)?;
    for tool in parts[1..3].iter().flatten() {
        let printed = run(tool, &["--version"]).map(|output| output.text()).unwrap_or_default();
        id += &format!("; {}", printed.lines().next().unwrap_or_default());
    }
    let knows = OPTIONAL.into_iter().filter(|flag| run(&path, &trial(flag)).is_ok_and(|output| is_known(&output.text())));
    let knows = knows.map(str::to_owned).collect();
    let files = [Some(path.clone())].into_iter().chain(parts).flatten();
    let files = files.filter_map(|path| state_of(&path).map(|state| (path, state))).collect();
    let probed = Probed { files, version, id, knows };
    let text = serde_json::to_vec(&probed).map_err(|e| Error::environment(format!("{program}: {e}")))?;
    std::fs::create_dir_all(probes).map_err(|e| Error::io("create", probes, &e))?;
    write::atomic(&file, &text)?;
    Ok(probed)
}

/// Size and time of change of the file that a path leads to.
fn state_of(path: &Path) -> Option<(u64, u128)> {
    let metadata = std::fs::metadata(path).ok()?;
    let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some((metadata.len(), modified.as_nanos()))
}

/// The arguments by which the go command tries out a flag: linker flags link, others only compile.
fn trial(flag: &str) -> Vec<&str> {
    let mut arguments = vec![flag, "-O2", "-g"];
    if !flag.starts_with("-Wl,") {
        arguments.push("-c");
    }
    arguments.extend(["-x", "c", "-", "-o", "/dev/null"]);
    arguments
}

/// Whether none of the words is there by which compilers refuse a flag.
fn is_known(output: &str) -> bool {
    const REFUSALS: [&str; 6] =
        ["unrecognized", "unknown", "unrecognised", "is not supported", "not recognized", "unsupported"];
    !REFUSALS.iter().any(|refusal| output.contains(refusal))
}

/// The version line that the go command takes for the identity of a compiler, and what else identifies it. One under development is
/// identified by its content.
fn identity(compiler: &Path, proper: Option<&PathBuf>, env: &BTreeMap<String, String>) -> Result<(String, String)> {
    let output = process::output(compiler, &["-###", "-x", "c", "-c", "-"], Path::new("/"), env)?;
    let text = output.text();
    let line = text.lines().find(|line| is_version(line)).filter(|_| output.success);
    let line = line.ok_or_else(|| Error::environment(format!("it says no version:\n{}", text.trim_end())))?;
    let target = text.lines().find(|line| line.starts_with("Target: ")).unwrap_or_default();
    let content = proper.filter(|_| line.contains("experimental")).map(|path| digest(path)).transpose()?.unwrap_or_default();
    Ok((line.to_owned(), format!("{line}; {target}; {content}")))
}

fn digest(path: &Path) -> Result<String> {
    let content = std::fs::File::open(path).and_then(Sha256::of_reader).map_err(|e| Error::io("read", path, &e))?;
    Ok(content.to_string())
}

/// Whether a line has the word `version` before a number, and isn't a setting such as `Configured with: …`.
fn is_version(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().take_while(|word| !word.ends_with(':')).collect();
    words.windows(2).any(|pair| pair[0] == "version" && pair[1].starts_with(|c: char| c.is_ascii_digit()))
}

/// The path of a program in PATH.
pub(super) fn find_program(program: &str, env: &BTreeMap<String, String>) -> Result<PathBuf> {
    if program.contains('/') && Path::new(program).is_file() {
        return Ok(PathBuf::from(program));
    }
    let path = env.get("PATH").map(OsStr::new).unwrap_or_default();
    let found = std::env::split_paths(path).map(|directory| directory.join(program)).find(|path| path.is_file());
    found.filter(|_| !program.is_empty()).ok_or_else(|| Error::environment(format!("there is no `{program}` on PATH")))
}
