//! The functions that a spec can call.

// Deriving `ProvidesStaticType` implements an unsafe marker trait; nothing here is unsafe itself.
#![allow(unsafe_code)]
// Functions of a spec have as many parameters as there are things to say.
#![allow(clippy::too_many_arguments)]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use starlark::any::ProvidesStaticType;
use starlark::collections::SmallMap;
use starlark::environment::GlobalsBuilder;
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::values::list::UnpackList;
use starlark::values::none::{NoneOr, NoneType};
use starlark::values::structs::AllocStruct;
use starlark::values::tuple::UnpackTuple;
use starlark::values::{Heap, Value};

use super::check::{Blame, check_name, covered, fault, kind_of, nix_dir, relative_dir, said_twice, skipped, wrong_type};
use super::eval::location;
use super::sdk::{sdk_source, sdk_version};
use super::settings::{self, DeclaredProfile};
use super::{Archives, Binary, Ci, CiSystem, DEFAULT_SDK, Image, Nix, Ruleset, Sdk, SdkSource, Target, ci, image};
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
    pub profiles: BTreeMap<String, DeclaredProfile>,
    pub binaries: Vec<Binary>,
    pub images: Vec<Image>,
    pub bazel: Option<(Ruleset, Option<Location>)>,
    pub nix: Option<(Nix, Option<Location>)>,
    pub ci: BTreeMap<CiSystem, Ci>,
}

impl Declarations {
    pub(super) fn into_inner(self) -> Declared {
        self.0.into_inner()
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

#[starlark_module]
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

    /// A text for `stamp`: what an environment variable has when the binary is built.
    fn env<'v>(
        #[starlark(require = pos)] variable: &str,
        #[starlark(require = named)] default: Option<&str>,
        heap: Heap<'v>,
    ) -> starlark::Result<Value<'v>> {
        Ok(settings::lookup("env", variable, default, heap))
    }

    /// A text for `stamp`: what the status file has for a key.
    fn status<'v>(
        #[starlark(require = pos)] key: &str,
        #[starlark(require = named)] default: Option<&str>,
        heap: Heap<'v>,
    ) -> starlark::Result<Value<'v>> {
        Ok(settings::lookup("status", key, default, heap))
    }

    /// A named set of build settings that binaries can have, on top of those of another one.
    fn profile<'v>(
        #[starlark(require = pos)] name: &str,
        #[starlark(require = named)] extends: Option<&str>,
        #[starlark(kwargs)] settings: SmallMap<String, Value<'v>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        check_name("profile", name)?;
        let settings = settings::parse(&settings)?;
        declare(eval, |declared, location| match declared.profiles.get(name) {
            Some(first) => Err(said_twice(&format!("the profile `{name}`"), &first.location)),
            None => {
                let profile = DeclaredProfile { extends: extends.map(str::to_owned), settings, location };
                declared.profiles.insert(name.to_owned(), profile);
                Ok(())
            }
        })
    }

    /// A binary to build. Without any: every main package of the module.
    fn binary<'v>(
        #[starlark(require = pos)] package: &str,
        #[starlark(require = named)] name: Option<&str>,
        #[starlark(require = named)] profiles: Option<UnpackList<String>>,
        #[starlark(require = named)] runtime: Option<Value<'v>>,
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
        let runtime = runtime.map(settings::runtime).transpose()?.unwrap_or_default();
        declare(eval, |declared, location| {
            if let Some(first) = declared.binaries.iter().find(|b| relative_dir(&b.package).is_ok_and(|d| d == dir)) {
                return Err(said_twice(&format!("the binary `{package}`"), &first.location));
            }
            let (package, name) = (package.to_owned(), name.map(str::to_owned));
            declared.binaries.push(Binary { package, name, profiles, runtime, location });
            Ok(())
        })
    }

    /// A container image of a binary.
    fn image<'v>(
        #[starlark(require = pos)] name: &str,
        #[starlark(require = named)] binary: &str,
        #[starlark(require = named)] reference: Option<&str>,
        #[starlark(require = named)] profile: Option<&str>,
        #[starlark(require = named)] platforms: Option<Value<'v>>,
        #[starlark(require = named)] args: Option<Value<'v>>,
        #[starlark(require = named)] env: Option<Value<'v>>,
        #[starlark(require = named)] labels: Option<Value<'v>>,
        #[starlark(require = named)] ports: Option<Value<'v>>,
        #[starlark(require = named, default = "")] user: &str,
        #[starlark(require = named, default = "")] working_dir: &str,
        #[starlark(require = named)] certificates: Option<&str>,
        #[starlark(require = named, default = false)] time_zones: bool,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let (platforms, args) = (image::words("platforms", platforms)?, image::words("args", args)?);
        let ports = image::list("ports", ports)?;
        let call = image::Call {
            binary,
            reference,
            profile,
            platforms,
            args,
            env,
            labels,
            ports,
            user,
            working_dir,
            certificates,
            time_zones,
        };
        let image = call.image(name)?;
        declare(eval, |declared, location| {
            if let Some(first) = declared.images.iter().find(|other| other.name == image.name) {
                return Err(said_twice(&format!("the image `{name}`"), &first.location));
            }
            declared.images.push(Image { location, ..image });
            Ok(())
        })
    }

    /// Emit MODULE.bazel lines and BUILD files, with rules of a ruleset.
    fn bazel<'v>(
        #[starlark(require = named, default = "rules_go_direct")] ruleset: &str,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let ruleset = match ruleset {
            "rules_go_direct" => Ruleset::RulesGoDirect,
            "rules_go" => Ruleset::RulesGo,
            other => {
                let error = Error::input(format!("there is no ruleset `{}`", other.escape_debug()));
                return Err(error.help("write \"rules_go_direct\" or \"rules_go\"")).blame(other);
            }
        };
        declare(eval, |declared, location| {
            if let Some((_, first)) = &declared.bazel {
                return Err(said_twice("bazel()", first));
            }
            declared.bazel = Some((ruleset, location));
            Ok(())
        })
    }

    /// Emit Nix expressions in the directory `dir`, and flake.nix and default.nix beside the spec unless `flake` is False.
    fn nix<'v>(
        #[starlark(require = named, default = "nix")] dir: &str,
        #[starlark(require = named, default = true)] flake: bool,
        #[starlark(require = named, default = false)] tests: bool,
        #[starlark(require = named)] skip_tests: Option<Value<'v>>,
        #[starlark(require = named)] coverage: Option<Value<'v>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let skip_tests = skip_tests.map(skipped).transpose()?.unwrap_or_default();
        let coverage = coverage.map(covered).transpose()?.flatten();
        let idle =
            [("skip_tests leaves out tests", !skip_tests.is_empty()), ("coverage counts what tests run", coverage.is_some())];
        if let Some((what, _)) = idle.into_iter().find(|(_, is_said)| *is_said && !tests) {
            let error = Error::input(format!("{what}, but Nix runs none"));
            return Err(fault(error.help("write tests = True beside it, or leave it out"), None));
        }
        let nix = Nix { dir: nix_dir(dir)?, flake, tests, skip_tests, coverage };
        declare(eval, |declared, location| {
            if let Some((_, first)) = &declared.nix {
                return Err(said_twice("nix()", first));
            }
            declared.nix = Some((nix, location));
            Ok(())
        })
    }

    /// Emit a pipeline for each of these CI systems: what a change can touch is built and tested.
    fn ci<'v>(
        #[starlark(args)] list: UnpackTuple<Value<'v>>,
        #[starlark(require = named, default = "godirect")] engine: &str,
        #[starlark(require = named, default = "main")] branch: &str,
        #[starlark(require = named, default = 8)] shards: i32,
        #[starlark(require = named)] install: Option<&str>,
        #[starlark(require = named)] image: Option<&str>,
        #[starlark(require = named)] runner: Option<&str>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let (systems, call) = (ci::systems(&list.items)?, ci::Call { engine, branch, shards, install, image, runner });
        declare(eval, |declared, location| {
            for system in systems {
                if let Some(first) = declared.ci.get(&system) {
                    return Err(said_twice(&format!("ci(\"{}\")", system.name()), &first.location));
                }
                declared.ci.insert(system, call.of(system, location.clone())?);
            }
            Ok(())
        })
    }
}
