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
use starlark::values::none::NoneType;
use starlark::values::structs::{AllocStruct, StructRef};
use starlark::values::tuple::UnpackTuple;
use starlark::values::{Heap, Value};

use super::eval::location;
use super::{Archive, Binary, DEFAULT_SDK, Nix, Profile, Sdk, SdkSource, SdkVersion, Target};
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
trait Blame<T> {
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
fn relative_dir(path: &str) -> starlark::Result<String> {
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

fn wrong_type(what: &str, value: Value, expected: &str) -> starlark::Error {
    let error = Error::input(format!("{what} can't be a {}", value.get_type()));
    fault(error.help(format!("write {expected}")), None)
}

fn sdk_version(value: Option<Value>) -> starlark::Result<SdkVersion> {
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
        Some(("archive", fields)) => {
            let expected = "archive(urls = {\"linux/amd64\": [\"https://…\"]}, sha256 = {\"linux/amd64\": \"…\"})";
            let (Some(urls), Some(sha256)) = (dict(fields["urls"]), dict(fields["sha256"])) else {
                return Err(wrong_type("source", value, expected));
            };
            archives(urls, sha256)
        }
        _ => Err(wrong_type("source", value, "module_proxy() or archive(…)")),
    }
}

fn dict<'v>(value: Value<'v>) -> Option<Vec<(&'v str, Value<'v>)>> {
    starlark::values::dict::DictRef::from_value(value)?.iter().map(|(k, v)| Some((k.unpack_str()?, v))).collect()
}

fn archives(urls: Vec<(&str, Value)>, sha256: Vec<(&str, Value)>) -> starlark::Result<SdkSource> {
    let mut archives = BTreeMap::new();
    for (name, value) in urls {
        let platform: OsArch = name.parse().blame(name)?;
        let Some(list) = starlark::values::list::ListRef::from_value(value) else {
            return Err(wrong_type("an entry of urls", value, "a list of strings"));
        };
        let list: Option<Vec<String>> = list.iter().map(|url| url.unpack_str().map(str::to_owned)).collect();
        let list = list.filter(|l| !l.is_empty()).ok_or_else(|| wrong_type("an entry of urls", value, "a list of strings"))?;
        for url in &list {
            check_url(url)?;
        }
        let Some((_, digest)) = sha256.iter().find(|(key, _)| *key == name) else {
            return Err(Error::input(format!("no sha256 is given for {platform}"))).blame(name);
        };
        let digest = digest.unpack_str().ok_or_else(|| wrong_type("a sha256", *digest, "64 hex digits in quotes"))?;
        archives.insert(platform, Archive { urls: list, sha256: digest.parse().blame(digest)? });
    }
    if let Some((extra, _)) = sha256.iter().find(|(key, _)| !archives.keys().any(|p| p.to_string() == *key)) {
        return Err(Error::input(format!("no URLs are given for `{}`", extra.escape_debug()))).blame(extra);
    }
    Ok(SdkSource::Archive(archives))
}

fn check_url(url: &str) -> starlark::Result<()> {
    let known = ["https://", "http://", "file://"].iter().any(|scheme| url.starts_with(scheme));
    if known && url.chars().all(|c| c.is_ascii_graphic() && !"\"\\{}`<>^|".contains(c)) {
        return Ok(());
    }
    Err(Error::input(format!("`{}` is not an http, https or file URL", url.escape_debug()))).blame(url)
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

    /// Archives with the layout of those on Go's download page, pinned by sha256, for each execution platform.
    fn archive<'v>(
        #[starlark(require = named)] urls: Value<'v>,
        #[starlark(require = named)] sha256: Value<'v>,
        heap: Heap<'v>,
    ) -> starlark::Result<Value<'v>> {
        let kind = heap.alloc("archive");
        Ok(heap.alloc(AllocStruct([("kind", kind), ("urls", urls), ("sha256", sha256)])))
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
        if let SdkSource::Archive(archives) = &source
            && let Some(missing) = platforms.iter().find(|p| !archives.contains_key(p))
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
