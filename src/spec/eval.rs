//! Evaluates the spec in a world where it can reach nothing but its repository's `.star` files.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use starlark::ErrorKind;
use starlark::codemap::FileSpan;
use starlark::environment::{FrozenModule, Globals, GlobalsBuilder, LibraryExtension, Module};
use starlark::eval::{Evaluator, FileLoader};
use starlark::syntax::{AstModule, Dialect};
use starlark::values::FrozenHeapName;

use super::check::Fault;
use super::vocabulary::{Declarations, Declared, vocabulary};
use super::{DEFAULT_PROFILE, DEFAULT_SDK, FILE, Sdk, SdkSource, SdkVersion, Spec, Target};
use super::{ci, image, settings};
use crate::error::{self, Error, Location, Result};
use crate::files::Files;
use crate::platform::OsArch;

/// Enough for any spec that terminates by intent; a guard against `for i in range(1 << 40)`.
const MAX_TICKS: u64 = 10_000_000;
const MAX_CALL_DEPTH: usize = 100;

pub(super) fn load(files: &Files, dir: &Path) -> Result<Spec> {
    let path = error::file_in(dir, FILE);
    let content = match files.read_text(&path) {
        Ok(content) => content,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            if !dir.is_dir() {
                return Err(Error::input(format!("there is no directory {}", dir.display())));
            }
            let error = Error::input(format!("there is no {FILE} in {}", error::directory(dir)));
            return Err(error.help("`godirect init` writes one from go.mod"));
        }
        Err(e) => return Err(Error::io("read", &path, &e)),
    };
    evaluate(&content, Loader::new(Some((files.clone(), dir.to_owned()))), path)
}

pub(super) fn parse(content: &str) -> Result<Spec> {
    evaluate(content, Loader::new(None), PathBuf::from(FILE))
}

fn evaluate(content: &str, loader: Loader, path: PathBuf) -> Result<Spec> {
    let declarations = Declarations::default();
    let run = || -> starlark::Result<()> {
        let ast = AstModule::parse(&path.display().to_string(), content.to_owned(), &Dialect::Standard)?;
        Module::with_temp_heap(|module| {
            let scoped = loader.for_dir("");
            let mut eval = Evaluator::new(&module);
            eval.set_loader(&scoped);
            eval.extra = Some(&declarations);
            limit(&mut eval)?;
            eval.eval_module(ast, &globals())?;
            starlark::Result::Ok(())
        })
    };
    run().map_err(convert).map_err(|e| match e.location() {
        Some(_) => e,
        None => e.context(path.display()).help("a spec says what there is; it must come to an end soon"),
    })?;
    finish(declarations.into_inner(), path)
}

fn globals() -> Globals {
    GlobalsBuilder::extended_by(&[LibraryExtension::Print]).with(vocabulary).build()
}

fn limit(eval: &mut Evaluator) -> starlark::Result<()> {
    let internal = |e| starlark::Error::new_kind(ErrorKind::Internal(e));
    eval.set_max_tick_count(MAX_TICKS).map_err(internal)?;
    eval.set_max_callstack_size(MAX_CALL_DEPTH).map_err(internal)
}

/// Finds the files that `load()` names; each is evaluated once.
struct Loader {
    root: Option<(Files, PathBuf)>,
    loaded: RefCell<BTreeMap<String, FrozenModule>>,
    loading: RefCell<Vec<String>>,
}

/// The loader as seen from a file: relative loads start in that file's directory.
struct ScopedLoader<'a> {
    loader: &'a Loader,
    dir: String,
}

impl Loader {
    fn new(root: Option<(Files, PathBuf)>) -> Loader {
        Loader { root, loaded: RefCell::default(), loading: RefCell::default() }
    }

    fn for_dir(&self, dir: &str) -> ScopedLoader<'_> {
        ScopedLoader { loader: self, dir: dir.to_owned() }
    }

    fn module(&self, path: &str) -> starlark::Result<FrozenModule> {
        if let Some(module) = self.loaded.borrow().get(path) {
            return Ok(module.clone());
        }
        if let Some(start) = self.loading.borrow().iter().position(|p| p == path) {
            let mut cycle = self.loading.borrow()[start..].to_vec();
            cycle.push(path.to_owned());
            return Err(refuse(Error::input(format!("files load each other in a circle: {}", cycle.join(" → "))), path));
        }
        self.loading.borrow_mut().push(path.to_owned());
        let module = self.evaluate(path);
        self.loading.borrow_mut().pop();
        let module = module?;
        self.loaded.borrow_mut().insert(path.to_owned(), module.clone());
        Ok(module)
    }

    fn evaluate(&self, path: &str) -> starlark::Result<FrozenModule> {
        let missing = |why: String| refuse(Error::input(format!("failed to load {path}: {why}")), path);
        let (files, root) = self.root.as_ref().ok_or_else(|| missing("this spec has no directory".to_owned()))?;
        let file = root.join(path);
        let inside = files
            .real_path(&file)
            .and_then(|real| Ok(real.starts_with(files.real_path(root)?)))
            .map_err(|e| missing(e.to_string()))?;
        if !inside {
            return Err(missing("it is a link to outside of the repository".to_owned()));
        }
        let content = files.read_text(&file).map_err(|e| missing(e.to_string()))?;
        let ast = AstModule::parse(&file.display().to_string(), content, &Dialect::Standard)?;
        Module::with_temp_heap(|module| {
            let dir = path.rsplit_once('/').map_or("", |(dir, _)| dir);
            let scoped = self.for_dir(dir);
            let mut eval = Evaluator::new(&module);
            eval.set_loader(&scoped);
            limit(&mut eval)?;
            eval.eval_module(ast, &globals())?;
            drop(eval);
            Ok(module.freeze_named(FrozenHeapName::User(Box::new(path.to_owned())))?)
        })
    }
}

impl FileLoader for ScopedLoader<'_> {
    fn load(&self, label: &str) -> starlark::Result<FrozenModule> {
        let relative = match label.strip_prefix("//") {
            Some(from_root) => from_root.replacen(':', "/", 1).trim_start_matches('/').to_owned(),
            None => {
                let name = label.strip_prefix(':').unwrap_or(label);
                if self.dir.is_empty() { name.to_owned() } else { format!("{}/{name}", self.dir) }
            }
        };
        let plain = relative.split('/').all(|e| !e.is_empty() && e != "." && e != "..")
            && !relative.contains(['\\', ':', '@'])
            && relative.ends_with(".star");
        if !plain {
            let error = Error::input(format!("can't load `{}`", label.escape_debug()));
            let help = "write \"//dir/file.star\" or \"file.star\": a .star file inside the repository";
            return Err(refuse(error.help(help), label));
        }
        self.loader.module(&relative)
    }
}

fn refuse(error: Error, literal: &str) -> starlark::Error {
    starlark::Error::new_native(Fault { error, literal: Some(literal.to_owned()) })
}

/// The place of a span, as far as it lies on its first line.
pub(super) fn location(span: &FileSpan) -> Location {
    let source = span.file.source();
    let begin = span.span.begin().get() as usize;
    let width = span.source_span().len();
    Location::in_text(span.file.filename(), source, begin, width)
}

/// The place of `"literal"` within a span, or of the whole span when the literal doesn't stand there.
fn literal_location(span: &FileSpan, literal: Option<&str>) -> Location {
    let text = span.source_span();
    let found = literal.and_then(|l| {
        let quoted = [format!("\"{l}\""), format!("'{l}'")];
        quoted.iter().find_map(|q| Some((text.find(q.as_str())?, q.len())))
    });
    match found {
        Some((offset, width)) => {
            let begin = span.span.begin().get() as usize;
            Location::in_text(span.file.filename(), span.file.source(), begin + offset, width)
        }
        None => location(span),
    }
}

/// Turns the evaluator's error into ours, with the innermost place that it knows.
pub(super) fn convert(error: starlark::Error) -> Error {
    let span = error.span().cloned();
    let inner = match error.into_kind() {
        ErrorKind::Native(e)
        | ErrorKind::Fail(e)
        | ErrorKind::StackOverflow(e)
        | ErrorKind::Value(e)
        | ErrorKind::Function(e)
        | ErrorKind::Scope(e)
        | ErrorKind::Parser(e)
        | ErrorKind::Freeze(e)
        | ErrorKind::Internal(e)
        | ErrorKind::Other(e) => e,
        _ => return Error::input("the spec can't be evaluated"),
    };
    let (error, literal) = match inner.downcast::<Fault>() {
        Ok(fault) => (fault.error, fault.literal),
        Err(other) => (Error::input(lower_first(&other.to_string())), None),
    };
    match span {
        Some(span) if error.location().is_none() => error.at(literal_location(&span, literal.as_deref())),
        _ => error,
    }
}

/// The evaluator's messages begin with a capital; ours don't.
fn lower_first(message: &str) -> String {
    let message = message.trim_end().trim_end_matches('.');
    let mut chars = message.chars();
    match chars.next() {
        Some(first) if !message.chars().nth(1).is_some_and(char::is_uppercase) => first.to_lowercase().chain(chars).collect(),
        _ => message.to_owned(),
    }
}

/// Fills in defaults and checks what the calls say of each other.
fn finish(declared: Declared, path: PathBuf) -> Result<Spec> {
    let mut sdks = declared.sdks;
    sdks.entry(DEFAULT_SDK.to_owned()).or_insert_with(|| Sdk {
        version: SdkVersion::FromGoMod,
        source: SdkSource::ModuleProxy,
        exec_platforms: vec![OsArch { goos: "linux", goarch: "amd64" }],
        location: None,
    });
    let platforms = match declared.platforms {
        Some((platforms, _)) => platforms,
        None => ["linux/amd64", "linux/arm64"]
            .iter()
            .map(|text| text.parse().map(|platform: crate::platform::Platform| Target { name: platform.name(), platform }))
            .collect::<Result<_>>()?,
    };
    let mut profiles = settings::resolve(&declared.profiles)?;
    if let Some((name, profile)) = profiles.iter().find(|(_, profile)| !sdks.contains_key(&profile.sdk)) {
        let location = declared.profiles.get(name).and_then(|declared| declared.location.clone());
        return Err(unknown_sdk(&profile.sdk, &sdks, location));
    }
    let mut binaries = declared.binaries;
    for binary in &mut binaries {
        if binary.profiles.is_empty() {
            binary.profiles.push(DEFAULT_PROFILE.to_owned());
        }
        for name in binary.profiles.iter().filter(|name| *name != DEFAULT_PROFILE) {
            if !profiles.contains_key(name) {
                return Err(unknown_profile(name, profiles.keys(), binary.location.clone()));
            }
        }
    }
    profiles.entry(DEFAULT_PROFILE.to_owned()).or_default();
    check_names_differ(&binaries)?;
    image::check(&declared.images, &platforms)?;
    ci::check(&declared.ci, declared.bazel.is_some(), declared.nix.is_some())?;
    Ok(Spec {
        path,
        module_dir: declared.module_dir.map(|(dir, _)| dir).unwrap_or_default(),
        sdks,
        platforms,
        profiles,
        binaries,
        images: declared.images,
        bazel: declared.bazel.map(|(ruleset, _)| ruleset),
        nix: declared.nix.map(|(nix, _)| nix),
        ci: declared.ci,
    })
}

fn unknown_sdk(name: &str, sdks: &BTreeMap<String, Sdk>, location: Option<Location>) -> Error {
    let error = Error::input(format!("there is no SDK `{}`", name.escape_debug()));
    let known: Vec<&str> = sdks.keys().map(String::as_str).collect();
    let error = error.help(format!("there are {}; go_sdk(name = …) declares one", known.join(", ")));
    match location {
        Some(location) => error.at(location),
        None => error,
    }
}

pub(super) fn unknown_profile<'a>(name: &str, known: impl Iterator<Item = &'a String>, location: Option<Location>) -> Error {
    let error = Error::input(format!("there is no profile `{}`", name.escape_debug()));
    let known: Vec<&str> = known.map(String::as_str).collect();
    let error = match known.is_empty() {
        true => error.help(format!("declare it: profile(\"{}\", …)", name.escape_debug())),
        false => error.help(format!("there are {}", known.join(", "))),
    };
    match location {
        Some(location) => error.at(location),
        None => error,
    }
}

fn check_names_differ(binaries: &[super::Binary]) -> Result<()> {
    let mut seen = BTreeSet::new();
    for binary in binaries {
        if let Some(name) = &binary.name
            && !seen.insert(name)
        {
            let error = Error::input(format!("two binaries have the name `{name}`"));
            return Err(match &binary.location {
                Some(location) => error.at(location.clone()),
                None => error,
            });
        }
    }
    Ok(())
}
