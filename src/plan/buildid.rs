//! Go's own build IDs, computed after packages are compiled (`cmd/go/internal/work/buildid.go`).
//!
//! A package's build ID is the hash of all that it is compiled from, a slash, and the hash of what came out. The go command compiles
//! the former into the archive, where it makes results depend on what doesn't matter to them. But nothing reads it there: the binary's ID
//! is made of those of its packages. So packages are compiled without, [`Step::Identify`] notes what their IDs depend on, and
//! [`Step::BuildId`] computes them one after the other for a binary.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::Serialize;

use super::buildinfo::quote_text;
use super::pgo::Guide;
use super::token::{self, ID, O, OBJ, SRC, X, literal};
use super::{Binary, Settings, Step, buildinfo, cgo, cover, flags, fuzz, link};
use crate::error::Result;
use crate::graph::covered::ATOMIC;
use crate::graph::{Kind, Origin, Package};

/// What the linker needs besides imports, in the order of `LinkerDeps`.
const LINKER_DEPS: [&str; 7] =
    ["runtime", "runtime/cgo", "math", "runtime/race", "runtime/msan", "runtime/asan", "runtime/coverage"];

/// What cgo and `simd` make a package import, in the order of `(*Package).load`.
const TOOL_IMPORTS: [&str; 5] = ["simd/internal/bridge", "unsafe", "runtime/cgo", "syscall", "sync"];

/// What the build ID of a package is the hash of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PackageId {
    /// Its import path.
    path: String,
    /// The text before its files.
    text: String,
    /// What [`Step::Identify`] noted.
    noted: String,
    /// The imported packages in order, and `unsafe`.
    imports: Vec<String>,
    /// What was noted of the profile that it is compiled with.
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
}

/// What a binary's build ID is the hash of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BinaryId {
    /// Goes before everything that is hashed.
    pub salt: String,
    /// Its packages, each after those that it imports.
    pub packages: Vec<PackageId>,
    /// The text before the packages' IDs.
    pub text: String,
    /// The import paths of its packages, main first, in the order of the go command.
    pub linked: Vec<String>,
    /// Those among them that are commands: its own, and for tests such as are compiled as libraries.
    pub commands: Vec<String>,
}

impl BinaryId {
    /// Whether some package's part has the path of its source tree, as flags for C compilers have.
    pub fn has_root(&self) -> bool {
        self.packages.iter().any(|package| package.text.contains(&format!("{{{}", token::ROOT_OF)))
    }

    /// The tools whose versions it is made of.
    pub fn tools(&self) -> impl Iterator<Item = &'static str> {
        let uses = |tool: &str| self.packages.iter().any(|package| package.text.contains(&token::version_of(tool)));
        let more = ["cgo", "cover"].into_iter().filter(move |tool| uses(tool));
        ["compile", "asm", "link"].into_iter().chain(more)
    }

    /// The tokens of the notes that it is made of.
    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        self.packages.iter().flat_map(|package| package.profile.iter().chain([&package.noted])).map(String::as_str)
    }
}

impl PackageId {
    /// The texts that have tokens: what is hashed first, and the paths of notes.
    pub fn templates(&self) -> (&str, &str, Option<&str>) {
        (&self.text, &self.noted, self.profile.as_deref())
    }

    /// Its import path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The imported packages in order, and `unsafe`.
    pub fn imports(&self) -> &[String] {
        &self.imports
    }
}

/// Notes what the build ID of a package depends on.
pub(super) fn identify(package: &Package) -> Step {
    let files = &package.selection.files;
    let embedded: Vec<&String> = match &package.for_test {
        Some(for_test) => for_test.embedded.iter().collect(),
        None => files.embed.values().flatten().collect::<BTreeSet<_>>().into_iter().collect(),
    };
    let files = cgo::hashed_files(package).into_iter().chain(embedded).map(|file| literal(file).into_owned()).collect();
    Step::Identify { identify: ID.to_owned(), archive: vec![X.to_owned(), O.to_owned()], dir: SRC.to_owned(), files }
}

/// Notes what the build ID of a package depends on whose only file is made.
pub(super) fn identify_made(file: &str) -> Step {
    let (archive, files) = (vec![X.to_owned(), O.to_owned()], vec![file.to_owned()]);
    Step::Identify { identify: ID.to_owned(), archive, dir: OBJ.to_owned(), files }
}

/// Notes the hash of a prepared profile.
pub(super) fn identify_profile() -> Step {
    Step::Identify { identify: ID.to_owned(), archive: Vec::new(), dir: String::new(), files: vec![X.to_owned()] }
}

/// Where a binary's build ID is written to.
pub(super) fn file() -> String {
    format!("{OBJ}/buildid")
}

/// Computes the build ID of a binary up to the hash of its content, and writes it into [`file`].
pub(super) fn step(settings: Settings, binary: &Binary, linked: &[&Package], guide: Option<&Guide>) -> Result<Step> {
    let package = |package: &&Package| {
        let name = binary.action_of(package, guide);
        let settings = binary.settings_of(settings, package);
        Ok(PackageId {
            path: package.import_path.to_string(),
            text: compile_text(settings, binary, package, linked, &name)?,
            noted: token::id_of(&name),
            imports: imports(settings, package),
            profile: guide.map(|guide| token::id_of(&guide.action_name())),
        })
    };
    let salt = settings.goversion.split(" X:").next().unwrap_or_default().to_owned();
    let packages = linked.iter().map(package).collect::<Result<_>>()?;
    let text = link_text(settings, binary, linked);
    let commands = linked.iter().filter(|package| package.selection.name == "main");
    let commands = commands.map(|package| package.import_path.to_string()).collect();
    let of = Box::new(BinaryId { salt, packages, text, linked: breadth_first(settings, binary, linked), commands });
    Ok(Step::BuildId { buildid: file(), of })
}

/// `buildActionID`, up to the files.
fn compile_text(settings: Settings, binary: &Binary, package: &Package, linked: &[&Package], name: &str) -> Result<String> {
    let mut text = "compile\n".to_owned();
    let go = |go: Option<&crate::name::GoVersion>| go.map(ToString::to_string).unwrap_or_default();
    match &package.origin {
        Origin::Std => {}
        Origin::Main { index, .. } => {
            let main = &settings.mains[*index];
            let version = main.stands_for.as_ref().map(|required| required.version.to_string()).unwrap_or_default();
            let _ = writeln!(text, "module {}@{version}\ngo {}", main.path, go(main.go.as_ref()));
        }
        Origin::Module { index, .. } => {
            let module = &settings.modules[*index];
            let _ = writeln!(text, "module {}@{}\ngo {}", module.path, module.version, go(module.go.as_ref()));
        }
    }
    let _ = writeln!(text, "goos {} goarch {}", settings.platform.goos(), settings.platform.goarch());
    let _ = writeln!(text, "import {}", quote_text(package.import_path.as_str()));
    let is_main = package.import_path == *binary.main;
    let (omits, std) = (is_main && binary.omit_debug, package.is_std());
    let _ = writeln!(text, "omitdebug {omits} standard {std} local false prefix \"\"\ntrimpath");
    if package.for_test.as_ref().is_some_and(|for_test| matches!(for_test.kind, Kind::Plain | Kind::WithTests)) {
        text.push_str("forcelibrary\n");
    }
    let mut text = literal(&text).into_owned() + &cgo::identity(settings, package, name)?;
    if let Some(mode) = cover::mode(settings, package) {
        let _ = writeln!(text, "cover \"{mode}\" \"{}\"", token::version_of("cover"));
    }
    if let Some(flag) = fuzz::flag(settings, package) {
        let _ = writeln!(text, "fuzz [\"{flag}\"]");
    }
    if is_main {
        let _ = writeln!(text, "modinfo {}", literal(&quote_text(&buildinfo::text(settings, binary, linked))));
    }
    let (forced, own) = (flags::forced_gcflags(settings), flags::gcflags(settings, package));
    let _ = writeln!(text, "compile {} {} {}", token::version_of("compile"), quote_list(&forced), quote_list(&own));
    if cgo::has_assembly(package) {
        let (forced, own) = (flags::forced_asmflags(settings), flags::asmflags(settings, package));
        let _ = writeln!(text, "asm \"{}\" {} {}", token::version_of("asm"), quote_list(&forced), quote_list(&own));
    }
    Ok(text + &toolchain_text(settings))
}

/// `linkActionID`, up to the packages.
fn link_text(settings: Settings, binary: &Binary, linked: &[&Package]) -> String {
    let main = linked.iter().find(|package| package.import_path == *binary.main);
    let mut own = main.map(|main| flags::ldflags(settings, main)).unwrap_or_default();
    if binary.test.is_some() {
        own.extend(link::TEST_FLAGS.map(str::to_owned));
    }
    let (platform, mode) = (settings.platform, settings.profile.buildmode.name());
    let mut text = format!("link\nbuildmode {mode} goos {} goarch {}\n", platform.goos(), platform.goarch());
    let _ = writeln!(text, "import {}", quote_text(binary.main.as_str()));
    let _ = writeln!(text, "omitdebug {} standard false local false prefix \"\"", binary.omit_debug);
    let _ = writeln!(text, "defaultgodebug {}\ntrimpath", quote_text(&binary.default_godebug));
    let mut text = literal(&text).into_owned();
    let forced = flags::forced_ldflags(settings);
    let _ = writeln!(text, "link {} {} {}", token::version_of("link"), quote_list(&forced), flags::link_mode(settings));
    let _ = writeln!(text, "linkflags {}", quote_list(&own));
    text + &toolchain_text(settings) + "GOROOT=\nGO_EXTLINK_ENABLED=\n"
}

/// The variables of the processor's variant and of experiments; the tools say which of these differ from the usual ones.
fn toolchain_text(settings: Settings) -> String {
    let (variable, value) = settings.platform.variant_setting().unwrap_or_default();
    format!("{variable}={value}\n{}", token::EXPERIMENTS)
}

/// `%q` of a list of strings, with braces doubled.
fn quote_list(list: &[String]) -> String {
    let quoted: Vec<String> = list.iter().map(|text| quote_text(text)).collect();
    literal(&format!("[{}]", quoted.join(" "))).into_owned()
}

/// What a package imports in the order of `(*Package).load`: by what is written, then by what tools and the linker add.
fn imports(settings: Settings, package: &Package) -> Vec<String> {
    if !package.import_order.is_empty() {
        return package.import_order.clone();
    }
    let mut imports = Vec::new();
    let mut add = |path: &str| {
        if !imports.iter().any(|known| known == path) {
            imports.push(path.to_owned());
        }
    };
    for written in package.selection.imports.keys() {
        match package.imports.get(written) {
            Some(path) => add(path.as_str()),
            None if written == "unsafe" => add(written),
            None => {}
        }
    }
    let has = |set: &BTreeSet<crate::name::ImportPath>, path: &str| set.iter().any(|known| known.as_str() == path);
    // Nothing is compiled for unsafe, so it isn't among the packages that are needed.
    let by_tool = |path: &&str| has(&package.tool_imports, path) || *path == "unsafe" && cgo::is_used_by(package);
    TOOL_IMPORTS.into_iter().filter(by_tool).for_each(&mut add);
    LINKER_DEPS.into_iter().filter(|path| has(&package.linker_deps, path)).for_each(&mut add);
    // Even if it does so already.
    imports.extend(cover::imports_atomic(settings, package).then(|| ATOMIC.to_owned()));
    imports
}

/// Packages as `addTransitiveLinkDeps` finds them.
fn breadth_first(settings: Settings, binary: &Binary, linked: &[&Package]) -> Vec<String> {
    let mut order = vec![binary.main.to_string()];
    let mut seen: BTreeSet<String> = order.iter().cloned().collect();
    let mut next = 0;
    while let Some(path) = order.get(next).cloned() {
        next += 1;
        let Some(package) = linked.iter().find(|package| package.import_path.as_str() == path) else { continue };
        for import in imports(settings, package) {
            if import != "unsafe" && seen.insert(import.clone()) {
                order.push(import);
            }
        }
    }
    order
}
