//! The settings of `profile()`, and of `binary(runtime = …)`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use starlark::collections::SmallMap;
use starlark::values::structs::AllocStruct;
use starlark::values::{Heap, Value};

use super::DEFAULT_PROFILE;
use super::check::{Blame, dict, fault, kind_of, relative_dir, strings, wrong_type};
use super::eval::unknown_profile;
use super::from_source::check_experiments;
use super::profile::{BuildId, Buildmode, CoverMode, Linkmode, PackageFlags, Pgo, Profile, Sanitizer, Stamp};
use crate::error::{Error, Location, Result};

/// Puts one setting into a profile.
pub(super) struct Setting(Box<dyn Fn(&mut Profile)>);

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Setting")
    }
}

/// What a call of `profile()` says.
#[derive(Debug)]
pub(super) struct DeclaredProfile {
    /// The profile whose settings count where this one has none.
    pub extends: Option<String>,
    pub settings: Vec<Setting>,
    pub location: Option<Location>,
}

/// The parameters of `profile()` besides its name and `extends`.
const PARAMETERS: [&str; 27] = [
    "asan",
    "asmflags",
    "buildid",
    "buildmode",
    "cc",
    "cgo",
    "cover",
    "covermode",
    "coverpkg",
    "cxx",
    "debug",
    "fuzz",
    "gcflags",
    "godebug",
    "goexperiment",
    "gofips140",
    "ldflags",
    "linkmode",
    "msan",
    "pgo",
    "race",
    "sdk",
    "stamp",
    "static",
    "strip",
    "tags",
    "trimpath",
];

/// Checks all parameters of a call.
pub(super) fn parse(parameters: &SmallMap<String, Value>) -> starlark::Result<Vec<Setting>> {
    let is_on = |name: &&str| parameters.get(*name).is_some_and(|value| value.unpack_bool() == Some(true));
    let sanitizers: Vec<&str> = ["race", "msan", "asan"].into_iter().filter(is_on).collect();
    if let [first, second, ..] = sanitizers[..] {
        let error = Error::input(format!("a program can't have both {first} and {second}"));
        return Err(fault(error.help("declare a profile for each"), None));
    }
    parameters.iter().map(|(name, value)| setting(name, *value)).collect()
}

/// Checks the value of one parameter.
fn setting(name: &str, value: Value) -> starlark::Result<Setting> {
    fn put<T: Clone + 'static>(value: T, into: impl Fn(&mut Profile) -> &mut T + 'static) -> starlark::Result<Setting> {
        Ok(Setting(Box::new(move |profile| into(profile).clone_from(&value))))
    }
    match name {
        "asan" => sanitizer(Sanitizer::Address, boolean(name, value)?),
        "asmflags" => put(package_flags(name, value)?, |p| &mut p.asmflags),
        "buildid" => put(choice(name, value, &[("none", BuildId::None), ("go", BuildId::Go)])?, |p| &mut p.buildid),
        "buildmode" => put(choice(name, value, &Buildmode::ALL.map(|m| (m.name(), m)))?, |p| &mut p.buildmode),
        "cc" => put(Some(program(name, value)?), |p| &mut p.cc),
        "cgo" => put(boolean(name, value)?, |p| &mut p.cgo),
        "cover" => put(boolean(name, value)?, |p| &mut p.cover),
        "covermode" => {
            let modes = [CoverMode::Set, CoverMode::Count, CoverMode::Atomic];
            put(Some(choice(name, value, &modes.map(|m| (m.name(), m)))?), |p| &mut p.covermode)
        }
        "coverpkg" => put(patterns(name, value)?, |p| &mut p.coverpkg),
        "cxx" => put(Some(program(name, value)?), |p| &mut p.cxx),
        "debug" => put(boolean(name, value)?, |p| &mut p.debug),
        "fuzz" => put(boolean(name, value)?, |p| &mut p.fuzz),
        "gcflags" => put(package_flags(name, value)?, |p| &mut p.gcflags),
        "godebug" => put(godebug(value)?, |p| &mut p.godebug),
        "goexperiment" => {
            let experiments = strings(name, value)?;
            check_experiments(&experiments)?;
            put(experiments, |p| &mut p.goexperiment)
        }
        "gofips140" => put(gofips140(value)?, |p| &mut p.gofips140),
        "ldflags" => put(package_flags(name, value)?, |p| &mut p.ldflags),
        "linkmode" => {
            let modes = [("auto", Linkmode::Auto), ("internal", Linkmode::Internal), ("external", Linkmode::External)];
            put(choice(name, value, &modes)?, |p| &mut p.linkmode)
        }
        "msan" => sanitizer(Sanitizer::Memory, boolean(name, value)?),
        "pgo" => put(pgo(value)?, |p| &mut p.pgo),
        "race" => sanitizer(Sanitizer::Race, boolean(name, value)?),
        "sdk" => put(text(name, value)?.to_owned(), |p| &mut p.sdk),
        "stamp" => put(stamps(value)?, |p| &mut p.stamp),
        "static" => put(boolean(name, value)?, |p| &mut p.is_static),
        "strip" => put(boolean(name, value)?, |p| &mut p.strip),
        "tags" => put(tag_set(strings(name, value)?)?, |p| &mut p.tags),
        "trimpath" if boolean(name, value)? => Ok(Setting(Box::new(|_| {}))),
        "trimpath" => {
            let error = Error::input("paths of the machine that builds can't get into binaries, so trimpath is always True");
            Err(fault(error.help("leave it out; debuggers find sources by a substitute path, e.g. `dlv --init`"), None))
        }
        _ => {
            let error = Error::input(format!("profile() has no parameter `{}`", name.escape_debug()));
            Err(fault(error.help(format!("there are extends, {}", PARAMETERS.join(", "))), None))
        }
    }
}

/// `False` takes back only what it names.
fn sanitizer(which: Sanitizer, on: bool) -> starlark::Result<Setting> {
    Ok(Setting(Box::new(move |profile| match (on, profile.sanitizer) {
        (true, _) => profile.sanitizer = Some(which),
        (false, Some(other)) if other == which => profile.sanitizer = None,
        (false, _) => {}
    })))
}

fn text<'v>(what: &str, value: Value<'v>) -> starlark::Result<&'v str> {
    value.unpack_str().ok_or_else(|| wrong_type(what, value, "a string"))
}

fn boolean(what: &str, value: Value) -> starlark::Result<bool> {
    value.unpack_bool().ok_or_else(|| wrong_type(what, value, "True or False"))
}

/// One of some words.
fn choice<T: Copy>(what: &str, value: Value, choices: &[(&str, T)]) -> starlark::Result<T> {
    let word = text(what, value)?;
    let found = choices.iter().find(|(name, _)| *name == word);
    found.map(|(_, choice)| *choice).ok_or_else(|| Error::input(format!("`{}` is no {what}", word.escape_debug()))).or_else(
        |error| {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            Err(error.help(format!("there are {}", names.join(", ")))).blame(word)
        },
    )
}

/// Entries of a dictionary of strings.
fn pairs<'v>(what: &str, value: Value<'v>, expected: &str) -> starlark::Result<Vec<(&'v str, Value<'v>)>> {
    dict(value).ok_or_else(|| wrong_type(what, value, expected))
}

/// A program by its name, without arguments.
fn program(what: &str, value: Value) -> starlark::Result<String> {
    let name = text(what, value)?;
    if name.is_empty() || name.starts_with('-') || name.chars().any(|c| c.is_control() || c.is_whitespace()) {
        let error = Error::input(format!("`{}` can't be the name of a compiler", name.escape_debug()));
        return Err(error.help("write a program without arguments, e.g. \"aarch64-linux-gnu-gcc\"")).blame(name);
    }
    Ok(name.to_owned())
}

/// Flags for the main packages, or for each pattern.
fn package_flags(what: &str, value: Value) -> starlark::Result<Vec<PackageFlags>> {
    let checked = |value: Value| -> starlark::Result<Vec<String>> {
        let flags = strings(what, value)?;
        for flag in &flags {
            if flag.is_empty() || flag.chars().any(char::is_control) {
                let error = Error::input(format!("`{}` can't be a flag", flag.escape_debug()));
                return Err(error.help("write one argument each, without control characters")).blame(flag);
            }
            if flag.contains('\'') && flag.contains('"') {
                let error = Error::input(format!("`{}` can't be a flag", flag.escape_debug()));
                return Err(error.help("the go command knows no flag with both kinds of quotes")).blame(flag);
            }
        }
        Ok(flags)
    };
    if let Some(entries) = dict(value) {
        let each = |(pattern, flags): (&str, Value)| {
            let pattern = if pattern == "main" { None } else { Some(check_pattern(pattern)?) };
            Ok(PackageFlags { pattern, flags: checked(flags)? })
        };
        return entries.into_iter().map(each).collect();
    }
    if starlark::values::list::ListRef::from_value(value).is_none() {
        return Err(wrong_type(what, value, "a list of flags, or a dictionary of such lists by package pattern"));
    }
    let flags = checked(value)?;
    Ok(if flags.is_empty() { Vec::new() } else { vec![PackageFlags { pattern: None, flags }] })
}

fn patterns(what: &str, value: Value) -> starlark::Result<Vec<String>> {
    strings(what, value)?.iter().map(|pattern| check_pattern(pattern)).collect()
}

fn check_pattern(pattern: &str) -> starlark::Result<String> {
    let plain = !pattern.is_empty()
        && !pattern.starts_with(['-', '/'])
        && !pattern.chars().any(|c| c.is_control() || c.is_whitespace() || "=,'\"\\{}".contains(c));
    if plain {
        return Ok(pattern.to_owned());
    }
    let error = Error::input(format!("`{}` is no package pattern", pattern.escape_debug()));
    Err(error.help("write \"main\", \"all\", \"std\", \"./internal/...\" or an import path")).blame(pattern)
}

fn pgo(value: Value) -> starlark::Result<Pgo> {
    match text("pgo", value)? {
        "off" => Ok(Pgo::Off),
        "auto" => Ok(Pgo::Auto),
        path => match relative_dir(path) {
            Ok(file) if !file.is_empty() && !file.contains(['{', '}']) => Ok(Pgo::File(file)),
            _ => {
                let error = Error::input(format!("`{}` is not a file inside the repository", path.escape_debug()));
                Err(error.help("write a path relative to the spec, \"auto\" or \"off\"")).blame(path)
            }
        },
    }
}

fn gofips140(value: Value) -> starlark::Result<Option<String>> {
    let version = text("gofips140", value)?;
    let plain = !version.is_empty() && version.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c));
    if !plain || version.contains("..") {
        let error = Error::input(format!("`{}` is no version of the FIPS 140 module", version.escape_debug()));
        return Err(error.help("write \"off\", \"latest\" or a version that the SDK has, e.g. \"v1.0.0\"")).blame(version);
    }
    Ok(Some(version.to_owned()).filter(|version| version != "off"))
}

/// GODEBUG settings, with the syntax of go.mod's `godebug` lines (`modload.CheckGodebug`).
fn godebug(value: Value) -> starlark::Result<BTreeMap<String, String>> {
    let mut settings = BTreeMap::new();
    for (key, value) in pairs("godebug", value, "a dictionary of strings, e.g. {\"http2client\": \"0\"}")? {
        let value = text("a GODEBUG setting", value)?;
        let wrong = |text: &str| text.is_empty() || text.chars().any(|c| c.is_control() || " \t,=\"'`".contains(c));
        if let Some(text) = [key, value].into_iter().find(|text| wrong(text)) {
            let error = Error::input(format!("`{}` can't be part of a GODEBUG setting", text.escape_debug()));
            return Err(error.help("write key and value without spaces, commas, quotes and `=`")).blame(text);
        }
        settings.insert(key.to_owned(), value.to_owned());
    }
    Ok(settings)
}

/// The value that `env()` and `status()` return.
pub(super) fn lookup<'v>(kind: &str, name: &str, default: Option<&str>, heap: Heap<'v>) -> Value<'v> {
    let default = default.map_or_else(Value::new_none, |default| heap.alloc(default));
    heap.alloc(AllocStruct([("kind", heap.alloc(kind)), ("name", heap.alloc(name)), ("default", default)]))
}

fn stamps(value: Value) -> starlark::Result<BTreeMap<String, Stamp>> {
    let mut stamps = BTreeMap::new();
    for (variable, value) in pairs("stamp", value, "a dictionary by variable, e.g. {\"main.Version\": \"1.2\"}")? {
        let (package, name) = variable.rsplit_once('.').unwrap_or_default();
        let plain = |text: &str| !text.is_empty() && !text.chars().any(|c| c.is_control() || " ='\"\\{}".contains(c));
        if !plain(package) || !plain(name) || name.contains('/') {
            let error = Error::input(format!("`{}` can't be a variable to stamp", variable.escape_debug()));
            return Err(error.help("write import path and name, e.g. \"main.Version\"")).blame(variable);
        }
        stamps.insert(variable.to_owned(), stamp(value)?);
    }
    Ok(stamps)
}

fn stamp(value: Value) -> starlark::Result<Stamp> {
    if let Some(text) = value.unpack_str() {
        return Ok(Stamp::Text(check_stamp(text)?));
    }
    let expected = "a string, env(\"VARIABLE\") or status(\"KEY\")";
    let Some((kind, fields)) = kind_of(value) else { return Err(wrong_type("the value of a stamp", value, expected)) };
    let name = fields.get("name").and_then(|name| name.unpack_str()).unwrap_or_default();
    let default = fields.get("default").and_then(|default| default.unpack_str()).map(check_stamp).transpose()?;
    let word = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    match kind {
        "env" | "status" if !word => {
            let error = Error::input(format!("`{}` can't be the name of a variable", name.escape_debug()));
            Err(error.help("use ASCII letters, digits and `_`")).blame(name)
        }
        "env" => Ok(Stamp::Env { variable: name.to_owned(), default }),
        "status" => Ok(Stamp::Status { key: name.to_owned(), default }),
        _ => Err(wrong_type("the value of a stamp", value, expected)),
    }
}

/// What can stand in an argument of the linker, which takes it as a Go string.
fn check_stamp(text: &str) -> starlark::Result<String> {
    match text.contains('\0') {
        false => Ok(text.to_owned()),
        true => Err(fault(Error::input("the value of a stamp has a zero byte"), None)),
    }
}

fn tag_set(tags: Vec<String>) -> starlark::Result<BTreeSet<String>> {
    let mut set = BTreeSet::new();
    for tag in tags {
        let plain = !tag.is_empty() && tag.chars().all(|c| c.is_alphanumeric() || "_.".contains(c));
        if !plain {
            return Err(Error::input(format!("`{}` is not a build tag", tag.escape_debug()))).blame(&tag);
        }
        if !set.insert(tag.clone()) {
            return Err(Error::input(format!("the tag `{tag}` is said twice"))).blame(&tag);
        }
    }
    Ok(set)
}

/// What reads the variables of `binary(runtime = …)` (`package runtime`, section Environment Variables).
const RUNTIME: [&str; 5] = ["GODEBUG", "GOGC", "GOMAXPROCS", "GOMEMLIMIT", "GOTRACEBACK"];

/// Checks the variables as the runtime reads them; a wrong one would end the program at its start, or count as absent.
pub(super) fn runtime(value: Value) -> starlark::Result<BTreeMap<String, String>> {
    let mut variables = BTreeMap::new();
    for (name, value) in pairs("runtime", value, "a dictionary of strings, e.g. {\"GOMEMLIMIT\": \"512MiB\"}")? {
        let Some(text) = value.unpack_str().map(str::to_owned).or_else(|| value.unpack_i32().map(|n| n.to_string())) else {
            return Err(wrong_type(name, value, "a string or a number"));
        };
        if !RUNTIME.contains(&name) {
            let error = Error::input(format!("Go's runtime doesn't read {}", name.escape_debug()));
            return Err(error.help(format!("it reads {}", RUNTIME.join(", ")))).blame(name);
        }
        let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let units = ["B", "KiB", "MiB", "GiB", "TiB"];
        let expected = match name {
            "GOGC" if text != "off" && !number(text.strip_prefix('-').unwrap_or(&text)) => "a number of percent, or off",
            "GOMAXPROCS" if !number(&text) || text.bytes().all(|b| b == b'0') => "a positive number",
            "GOMEMLIMIT"
                if text != "off" && !number(&text) && !units.iter().any(|u| text.strip_suffix(u).is_some_and(number)) =>
            {
                "a number of bytes, with B, KiB, MiB, GiB or TiB, or off"
            }
            "GOTRACEBACK" if !["none", "single", "all", "system", "crash", "wer", "0", "1", "2"].contains(&&*text) => {
                "none, single, all, system, crash or wer"
            }
            "GODEBUG"
                if !text.split(',').all(|pair| pair.split_once('=').is_some_and(|(k, v)| !k.is_empty() && !v.is_empty())) =>
            {
                "pairs key=value with commas between"
            }
            _ if text.chars().any(|c| c.is_control() || c.is_whitespace() || "'\"\\$".contains(c)) => "a word",
            _ => {
                variables.insert(name.to_owned(), text);
                continue;
            }
        };
        let error = Error::input(format!("{name} can't be `{}`", text.escape_debug()));
        return Err(error.help(format!("write {expected}"))).blame(&text);
    }
    Ok(variables)
}

/// Puts the settings of each profile on top of those of the profile that it extends.
pub(super) fn resolve(declared: &BTreeMap<String, DeclaredProfile>) -> Result<BTreeMap<String, Profile>> {
    declared.keys().map(|name| Ok((name.clone(), resolve_one(name, declared)?))).collect()
}

fn resolve_one(name: &str, declared: &BTreeMap<String, DeclaredProfile>) -> Result<Profile> {
    let mut chain: Vec<&str> = Vec::new();
    let mut next = Some(name);
    while let Some(name) = next {
        let Some(profile) = declared.get(name) else {
            if name == DEFAULT_PROFILE {
                break;
            }
            let from = chain.last().and_then(|from| declared[*from].location.clone());
            return Err(unknown_profile(name, declared.keys(), from));
        };
        if let Some(start) = chain.iter().position(|earlier| *earlier == name) {
            let circle = [&chain[start..], &[name]].concat().join(" → ");
            return Err(at(Error::input(format!("profiles extend each other in a circle: {circle}")), &profile.location));
        }
        chain.push(name);
        next = profile.extends.as_deref();
    }
    let mut made = Profile::default();
    let settings = chain.iter().rev().flat_map(|name| &declared[*name].settings);
    settings.for_each(|Setting(apply)| apply(&mut made));
    match made.sanitizer {
        Some(Sanitizer::Race) if made.covermode.is_some_and(|mode| mode != CoverMode::Atomic) => {
            let error = Error::input(format!("the profile `{name}` counts coverage in a way that several threads disturb"));
            Err(at(error.help("with race, write covermode = \"atomic\" or leave it out"), &declared[name].location))
        }
        _ => Ok(made),
    }
}

fn at(error: Error, location: &Option<Location>) -> Error {
    match location {
        Some(location) => error.at(location.clone()),
        None => error,
    }
}
