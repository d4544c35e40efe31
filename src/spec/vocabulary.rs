//! The functions that a spec can call.

// Deriving `ProvidesStaticType` implements an unsafe marker trait; nothing here is unsafe itself.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use starlark::any::ProvidesStaticType;
use starlark::collections::SmallMap;
use starlark::environment::GlobalsBuilder;
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::values::list::UnpackList;
use starlark::values::none::{NoneOr, NoneType};
use starlark::values::structs::{AllocStruct, StructRef};
use starlark::values::tuple::UnpackTuple;
use starlark::values::{Heap, Value};

use super::eval::location;
use super::{
    Archive, Archives, Binary, DEFAULT_SDK, DOWNLOAD_PAGE, Nix, Profile, Sdk, SdkSource, SdkVersion, Target, from_source,
};
use crate::error::{Error, Location};
use crate::platform::{OsArch, Platform};

/// What the calls of a spec have declared so far.
#[derive(Debug, Default, ProvidesStaticType)]
pub(super) struct Declarations(RefCell<Declared>);

/// Each thing with the place where it is said, so that saying it twice can name both.
#[derive(Debug, Default)]
pub(super) struct Declared {
    pub module_dir: Option<(String, Option<Location>)>,
    pub sdks: BTreeMap<String, Sdk>,
    pub platforms: Option<(Vec<Target>, Option<Location>)>,
    pub profiles: BTreeMap<String, (Profile, Option<Location>)>,
    pub binaries: Vec<Binary>,
    pub bazel: Option<Option<Location>>,
    pub nix: Option<(Nix, Option<Location>)>,
}

impl Declarations {
    pub(super) fn into_inner(self) -> Declared {
        self.0.into_inner()
    }
}

/// An error of ours on its way through the evaluator, with the literal in the call that is to blame.
#[derive(Debug)]
pub(super) struct Fault {
    pub error: Error,
    pub literal: Option<String>,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.error.message())
    }
}

impl std::error::Error for Fault {}

fn fault(error: Error, literal: impl Into<Option<String>>) -> starlark::Error {
    starlark::Error::new_native(Fault { error, literal: literal.into() })
}

/// Blames the string `literal` in the call for the error.
pub(super) trait Blame<T> {
    fn blame(self, literal: &str) -> starlark::Result<T>;
}

impl<T> Blame<T> for crate::error::Result<T> {
    fn blame(self, literal: &str) -> starlark::Result<T> {
        self.map_err(|error| fault(error, literal.to_owned()))
    }
}

/// Hands `update` the declarations and the place of the call.
fn declare<'v>(
    eval: &Evaluator<'v, '_, '_>,
    update: impl FnOnce(&mut Declared, Option<Location>) -> starlark::Result<()>,
) -> starlark::Result<NoneType> {
    let Some(declarations) = eval.extra.and_then(|extra| extra.downcast_ref::<Declarations>()) else {
        let error = Error::input("a loaded file can define functions and values, but not declare anything itself");
        return Err(fault(error.help("wrap it in a function and call that from the spec"), None));
    };
    let place = eval.call_stack_top_location().map(|span| location(&span));
    update(&mut declarations.0.borrow_mut(), place)?;
    Ok(NoneType)
}

fn said_twice(what: &str, first: &Option<Location>) -> starlark::Error {
    let error = Error::input(format!("{what} is said twice"));
    fault(
        match first {
            Some(l) => error.help(format!("the first is at {}:{}:{}", l.path.display(), l.line, l.column)),
            None => error,
        },
        None,
    )
}

/// Names that end up in labels, attributes and file names.
fn check_name(what: &str, name: &str) -> starlark::Result<()> {
    let plain = !name.is_empty()
        && !name.starts_with(['-', '.'])
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    if plain {
        return Ok(());
    }
    let error = Error::input(format!("`{}` can't be the name of a {what}", name.escape_debug()));
    Err(error.help("use ASCII letters, digits, `_`, `-` and `.`")).blame(name)
}

/// A directory inside the repository, relative to the spec, slash-separated; `""` for the spec's own.
pub(super) fn relative_dir(path: &str) -> starlark::Result<String> {
    let inner = path.strip_prefix("./").unwrap_or(path).trim_end_matches('/');
    let plain = inner
        .split('/')
        .all(|element| !element.is_empty() && element != ".." && element != "." && !element.contains(['\\', ':']))
        && !inner.chars().any(char::is_control);
    match inner {
        "" | "." if !path.starts_with('/') => Ok(String::new()),
        _ if plain => Ok(inner.to_owned()),
        _ => Err(Error::input(format!("`{}` is not a directory inside the repository", path.escape_debug()))
            .help("write a path relative to the spec, with `/` and without `..`"))
        .blame(path),
    }
}

/// A directory that can stand in a Nix path literal, and isn't the spec's own.
fn nix_dir(path: &str) -> starlark::Result<String> {
    let dir = relative_dir(path)?;
    if !dir.is_empty() && dir.chars().all(|c| c.is_ascii_alphanumeric() || "-._+/".contains(c)) {
        return Ok(dir);
    }
    Err(Error::input(format!("`{}` can't be the directory of Nix files", path.escape_debug()))
        .help("write a directory of ASCII letters, digits and `-._+`, e.g. \"nix\""))
    .blame(path)
}

/// The value that `from_go_mod()` and the like return: a struct whose field `kind` tells which.
fn kind_of<'v>(value: Value<'v>) -> Option<(&'v str, BTreeMap<&'v str, Value<'v>>)> {
    let fields: BTreeMap<&str, Value> = StructRef::from_value(value)?.iter().map(|(k, v)| (k.as_str(), v)).collect();
    Some((fields.get("kind")?.unpack_str()?, fields))
}

pub(super) fn wrong_type(what: &str, value: Value, expected: &str) -> starlark::Error {
    let error = Error::input(format!("{what} can't be a {}", value.get_type()));
    fault(error.help(format!("write {expected}")), None)
}

pub(super) fn sdk_version(value: Option<Value>) -> starlark::Result<SdkVersion> {
    let Some(value) = value else { return Ok(SdkVersion::FromGoMod) };
    if let Some(text) = value.unpack_str() {
        let version = text.strip_prefix("go").unwrap_or(text);
        let version: crate::name::GoVersion = version.parse().blame(text)?;
        if !version.is_release() {
            let error = Error::input(format!("Go {version} is a language version, not a release"));
            return Err(error.help(format!("write \"{version}.0\" or a later patch release"))).blame(text);
        }
        return Ok(SdkVersion::Exact(version));
    }
    match kind_of(value) {
        Some(("from_go_mod", _)) => Ok(SdkVersion::FromGoMod),
        _ => Err(wrong_type("version", value, "a string like \"1.27.3\" or from_go_mod()")),
    }
}

fn sdk_source(value: Option<Value>) -> starlark::Result<SdkSource> {
    let Some(value) = value else { return Ok(SdkSource::ModuleProxy) };
    match kind_of(value) {
        Some(("module_proxy", _)) => Ok(SdkSource::ModuleProxy),
        Some(("archive", fields)) => archives(&fields),
        Some(("from_source", fields)) => from_source::parse(&fields).map(SdkSource::Source),
        _ => Err(wrong_type("source", value, "module_proxy(), archive(…) or from_source(…)")),
    }
}

fn dict<'v>(value: Value<'v>) -> Option<Vec<(&'v str, Value<'v>)>> {
    starlark::values::dict::DictRef::from_value(value)?.iter().map(|(k, v)| Some((k.unpack_str()?, v))).collect()
}

fn archives(fields: &BTreeMap<&str, Value>) -> starlark::Result<SdkSource> {
    let entries = |name: &str| match fields.get(name) {
        Some(value) if !value.is_none() => dict(*value).map(Some).ok_or_else(|| {
            wrong_type(name, *value, "a dictionary with an entry for each execution platform, e.g. {\"linux/amd64\": …}")
        }),
        _ => Ok(None),
    };
    let (urls, hashes) = (entries("urls")?, entries("sha256")?.unwrap_or_default());
    let mut given: BTreeMap<OsArch, Archive> = BTreeMap::new();
    for (name, value) in urls.iter().flatten() {
        let platform: OsArch = name.parse().blame(name)?;
        let list = starlark::values::list::ListRef::from_value(*value);
        let list: Option<Vec<String>> = list.and_then(|l| l.iter().map(|url| url.unpack_str().map(str::to_owned)).collect());
        let list = list.filter(|l| !l.is_empty()).ok_or_else(|| wrong_type("an entry of urls", *value, "a list of strings"))?;
        list.iter().try_for_each(|url| check_url(url))?;
        given.entry(platform).or_default().urls = list;
    }
    for (name, digest) in hashes {
        let platform: OsArch = name.parse().blame(name)?;
        if urls.is_some() && !given.contains_key(&platform) {
            return Err(Error::input(format!("no URLs are given for `{platform}`"))).blame(name);
        }
        let digest = digest.unpack_str().ok_or_else(|| wrong_type("a sha256", digest, "64 hex digits in quotes"))?;
        given.entry(platform).or_default().sha256 = Some(digest.parse().blame(digest)?);
    }
    let index = fields.get("index").and_then(|index| index.unpack_str()).unwrap_or(DOWNLOAD_PAGE);
    check_url(index)?;
    if index.strip_prefix("http://").is_some_and(|rest| !is_loopback(rest)) {
        let error = Error::input(format!("`{index}` is not encrypted, so anyone on the way could choose the SDK"));
        return Err(error.help("write an https URL, or give the sha256 of each archive and no index")).blame(index);
    }
    Ok(SdkSource::Archive(Archives { index: index.to_owned(), given }))
}

/// Whether the rest of a URL behind `http://` names this machine.
fn is_loopback(rest: &str) -> bool {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let port = |port: &str| port.is_empty() || port.strip_prefix(':').is_some_and(|p| p.bytes().all(|b| b.is_ascii_digit()));
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|host| authority.strip_prefix(host).is_some_and(port))
}

fn check_url(url: &str) -> starlark::Result<()> {
    let rest = ["https://", "http://", "file://"].iter().find_map(|scheme| url.strip_prefix(scheme));
    let Some(rest) = rest.filter(|_| url.chars().all(|c| c.is_ascii_graphic() && !"\"\\{}`<>^|".contains(c))) else {
        return Err(Error::input(format!("`{}` is not an http, https or file URL", url.escape_debug()))).blame(url);
    };
    // It gets into the lock.
    if rest.split('/').next().is_some_and(|authority| authority.contains('@')) {
        let error = Error::input("a URL of the spec has a user name or a password in it");
        return Err(error.help("put them into ~/.netrc, and write the URL without them")).blame(url);
    }
    Ok(())
}

fn target(value: Value) -> starlark::Result<Target> {
    if let Some(text) = value.unpack_str() {
        let platform: Platform = text.parse().blame(text)?;
        return Ok(Target { name: platform.name(), platform });
    }
    match kind_of(value) {
        Some(("platform", fields)) => {
            let text = fields["platform"].unpack_str().unwrap_or_default();
            let platform: Platform = text.parse().blame(text)?;
            let name = fields["name"].unpack_str().map_or_else(|| platform.name(), str::to_owned);
            Ok(Target { name, platform })
        }
        _ => Err(wrong_type("a platform", value, "a string like \"linux/amd64\" or platform(…)")),
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

#[starlark_module]
#[allow(clippy::too_many_arguments)]
pub(super) fn vocabulary(builder: &mut GlobalsBuilder) {
    /// The version that go.work or go.mod asks for, by its `toolchain` or else its `go` line.
    fn from_go_mod<'v>(heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        Ok(heap.alloc(AllocStruct([("kind", "from_go_mod")])))
    }

    /// The module `golang.org/toolchain` from GOPROXY, as the go command takes it.
    fn module_proxy<'v>(heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        Ok(heap.alloc(AllocStruct([("kind", "module_proxy")])))
    }

    /// Archives with the layout of those on Go's download page, for each execution platform. What isn't given is looked up on that page,
    /// once, or on a mirror of it.
    fn archive<'v>(
        #[starlark(require = named)] urls: Option<Value<'v>>,
        #[starlark(require = named)] sha256: Option<Value<'v>>,
        #[starlark(require = named)] index: Option<&str>,
        heap: Heap<'v>,
    ) -> starlark::Result<Value<'v>> {
        let (urls, sha256) = (urls.unwrap_or_else(Value::new_none), sha256.unwrap_or_else(Value::new_none));
        let index = index.map_or_else(Value::new_none, |index| heap.alloc(index));
        let kind = heap.alloc("archive");
        Ok(heap.alloc(AllocStruct([("kind", kind), ("urls", urls), ("sha256", sha256), ("index", index)])))
    }

    /// The SDK is built from the source in the module `golang.org/toolchain`.
    fn from_source<'v>(
        #[starlark(require = named, default = NoneOr::None)] bootstrap: NoneOr<Value<'v>>,
        #[starlark(require = named)] experiments: Option<Value<'v>>,
        #[starlark(require = named)] patches: Option<Value<'v>>,
        heap: Heap<'v>,
    ) -> starlark::Result<Value<'v>> {
        let list = |value: Option<Value<'v>>| value.unwrap_or_else(|| heap.alloc(Vec::<String>::new()));
        let fields = [
            ("kind", heap.alloc("from_source")),
            ("bootstrap", bootstrap.into_option().unwrap_or_else(Value::new_none)),
            ("experiments", list(experiments)),
            ("patches", list(patches)),
        ];
        Ok(heap.alloc(AllocStruct(fields)))
    }

    /// A platform with an architecture variant or a name of its own.
    fn platform<'v>(
        #[starlark(require = pos)] os_arch: &str,
        #[starlark(require = named)] name: Option<&str>,
        #[starlark(kwargs)] variant: SmallMap<String, Value<'v>>,
        heap: Heap<'v>,
    ) -> starlark::Result<Value<'v>> {
        let base: OsArch = os_arch.parse().blame(os_arch)?;
        let mut platform = Platform::new(base);
        let parameter = platform.variant_setting().map(|(variable, _)| variable["GO".len()..].to_ascii_lowercase());
        for (key, value) in &variant {
            if parameter.as_deref() != Some(key) {
                let error = Error::input(format!("platform() has no parameter `{}` for {base}", key.escape_debug()));
                let help = match &parameter {
                    Some(p) => format!("its variant is `{p}`; besides there is `name`"),
                    None => "there is only `name`".to_owned(),
                };
                return Err(fault(error.help(help), None));
            }
            let Some(value) = value.unpack_str() else {
                return Err(wrong_type(key, *value, "a string"));
            };
            platform = platform.with_variant(value).blame(value)?;
        }
        if let Some(name) = name {
            check_name("platform", name)?;
        }
        let name = name.map_or_else(|| platform.name(), str::to_owned);
        let fields = [("kind", "platform".to_owned()), ("platform", platform.to_string()), ("name", name)];
        Ok(heap.alloc(AllocStruct(fields)))
    }

    /// A Go SDK that builds: without a name that of all profiles which name none. Without it: the version of go.mod through GOPROXY,
    /// tools for linux/amd64.
    fn go_sdk<'v>(
        #[starlark(require = named, default = "default")] name: &str,
        #[starlark(require = named)] version: Option<Value<'v>>,
        #[starlark(require = named)] source: Option<Value<'v>>,
        #[starlark(require = named)] exec_platforms: Option<UnpackList<String>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        check_name("SDK", name)?;
        let (version, source) = (sdk_version(version)?, sdk_source(source)?);
        let mut platforms = BTreeSet::new();
        for name in exec_platforms.map_or_else(|| vec!["linux/amd64".to_owned()], |list| list.items) {
            if !platforms.insert(name.parse::<OsArch>().blame(&name)?) {
                return Err(Error::input(format!("the execution platform {name} is said twice"))).blame(&name);
            }
        }
        if platforms.is_empty() {
            return Err(fault(Error::input("exec_platforms is empty, so nothing could be built"), None));
        }
        if let SdkSource::Archive(Archives { given, .. }) = &source
            && given.values().any(|archive| !archive.urls.is_empty())
            && let Some(missing) = platforms.iter().find(|p| !given.contains_key(p))
        {
            return Err(fault(Error::input(format!("archive() has no entry for the execution platform {missing}")), None));
        }
        declare(eval, |declared, location| {
            if let Some(first) = declared.sdks.get(name) {
                let what = if name == DEFAULT_SDK { "go_sdk()".to_owned() } else { format!("the SDK `{name}`") };
                return Err(said_twice(&what, &first.location));
            }
            let sdk = Sdk { version, source, exec_platforms: platforms.into_iter().collect(), location };
            declared.sdks.insert(name.to_owned(), sdk);
            Ok(())
        })
    }

    /// The directory that holds go.mod or go.work, when it isn't the spec's own.
    fn module<'v>(#[starlark(require = pos)] dir: &str, eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<NoneType> {
        let dir = relative_dir(dir)?;
        declare(eval, |declared, location| {
            if let Some((_, first)) = &declared.module_dir {
                return Err(said_twice("module()", first));
            }
            declared.module_dir = Some((dir, location));
            Ok(())
        })
    }

    /// The platforms to build for. Without it: linux/amd64 and linux/arm64.
    fn platforms<'v>(
        #[starlark(args)] list: UnpackTuple<Value<'v>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let mut targets: Vec<Target> = Vec::new();
        for value in list.items {
            let new = target(value)?;
            if let Some(old) = targets.iter().find(|old| old.name == new.name || old.platform == new.platform) {
                let error = match old.platform == new.platform {
                    true => Error::input(format!("the platform {} is said twice", new.platform)),
                    false => Error::input(format!("two platforms have the name `{}`", new.name)),
                };
                return Err(error).blame(value.unpack_str().unwrap_or(&new.name));
            }
            targets.push(new);
        }
        if targets.is_empty() {
            return Err(fault(
                Error::input("platforms() needs at least one platform").help("e.g. platforms(\"linux/amd64\")"),
                None,
            ));
        }
        declare(eval, |declared, location| {
            if let Some((_, first)) = &declared.platforms {
                return Err(said_twice("platforms()", first));
            }
            declared.platforms = Some((targets, location));
            Ok(())
        })
    }

    /// A named set of build settings that binaries can have.
    fn profile<'v>(
        #[starlark(require = pos)] name: &str,
        #[starlark(require = named)] tags: Option<UnpackList<String>>,
        #[starlark(require = named)] gcflags: Option<UnpackList<String>>,
        #[starlark(require = named)] ldflags: Option<UnpackList<String>>,
        #[starlark(require = named, default = false)] cgo: bool,
        #[starlark(require = named, default = "default")] sdk: &str,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        check_name("profile", name)?;
        let list = |l: Option<UnpackList<String>>| l.map(|l| l.items).unwrap_or_default();
        let (tags, gcflags, ldflags) = (tag_set(list(tags))?, list(gcflags), list(ldflags));
        let profile = Profile { tags, gcflags, ldflags, cgo, sdk: sdk.to_owned() };
        for flag in profile.gcflags.iter().chain(&profile.ldflags) {
            if flag.is_empty() || flag.chars().any(char::is_control) {
                let error = Error::input(format!("`{}` can't be a flag", flag.escape_debug()));
                return Err(error.help("write one argument each, without control characters")).blame(flag);
            }
        }
        declare(eval, |declared, location| match declared.profiles.get(name) {
            Some((_, first)) => Err(said_twice(&format!("the profile `{name}`"), first)),
            None => {
                declared.profiles.insert(name.to_owned(), (profile, location));
                Ok(())
            }
        })
    }

    /// A binary to build. Without any: every main package of the module.
    fn binary<'v>(
        #[starlark(require = pos)] package: &str,
        #[starlark(require = named)] name: Option<&str>,
        #[starlark(require = named)] profiles: Option<UnpackList<String>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let dir = relative_dir(package)?;
        if let Some(name) = name {
            check_name("binary", name)?;
        }
        let profiles = profiles.map(|l| l.items).unwrap_or_default();
        if let Some((i, twice)) = profiles.iter().enumerate().find(|(i, p)| profiles[..*i].contains(p)) {
            let error = Error::input(format!("profile {} of this binary, `{twice}`, is said twice", i + 1));
            return Err(error).blame(twice);
        }
        declare(eval, |declared, location| {
            if let Some(first) = declared.binaries.iter().find(|b| relative_dir(&b.package).is_ok_and(|d| d == dir)) {
                return Err(said_twice(&format!("the binary `{package}`"), &first.location));
            }
            let (package, name) = (package.to_owned(), name.map(str::to_owned));
            declared.binaries.push(Binary { package, name, profiles, location });
            Ok(())
        })
    }

    /// Emit MODULE.bazel lines and BUILD files.
    fn bazel<'v>(eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<NoneType> {
        declare(eval, |declared, location| {
            if let Some(first) = &declared.bazel {
                return Err(said_twice("bazel()", first));
            }
            declared.bazel = Some(location);
            Ok(())
        })
    }

    /// Emit Nix expressions in the directory `dir`, and flake.nix and default.nix beside the spec unless `flake` is False.
    fn nix<'v>(
        #[starlark(require = named, default = "nix")] dir: &str,
        #[starlark(require = named, default = true)] flake: bool,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let nix = Nix { dir: nix_dir(dir)?, flake };
        declare(eval, |declared, location| {
            if let Some((_, first)) = &declared.nix {
                return Err(said_twice("nix()", first));
            }
            declared.nix = Some((nix, location));
            Ok(())
        })
    }
}
