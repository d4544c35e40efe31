//! How one package is compiled (`gcToolchain.gc`, `asm` and `symabis` in `cmd/go/internal/work/gc.go`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;

use super::cgo::{self, Cgo};
use super::pgo::Guide;
use super::token::{self, O, OBJ, SDK, SRC, TOOL, X, literal};
use super::{Module, ModuleFiles, PackageAction, Settings, Source, Step, buildid, cover, flags, fuzz, pgo, strings};
use crate::error::{Error, Result};
use crate::graph::{Origin, Package, PackageGraph};
use crate::source::tree::join;
use crate::spec::profile::{BuildId, Buildmode};

/// std packages with forward declarations that package runtime fills in, so that they can't be `-complete`.
const FORWARD_DECLARATIONS: [&str; 10] =
    ["bytes", "internal/poll", "net", "os", "runtime/metrics", "runtime/pprof", "runtime/trace", "sync", "syscall", "time"];

/// The first minor version whose assembler knows `-std`.
const ASM_STD_SINCE: u32 = 27;

/// Refuses C code where there is no toolchain for it; of several packages that have it, std's are named last, since others cause
/// their use.
pub(super) fn refuse_c(settings: Settings, packages: &[&Package]) -> Result<()> {
    let with_c = packages.iter().filter(|p| settings.c.is_none() && cgo::is_used_by(p));
    match with_c.min_by_key(|p| (p.is_std(), p.import_path.as_str())) {
        Some(package) => Err(cgo::unsupported(package)),
        None => Ok(()),
    }
}

pub(super) fn package(
    settings: Settings,
    graph: &PackageGraph,
    package: &Package,
    guide: Option<&Guide>,
) -> Result<PackageAction> {
    let mut steps = Vec::new();
    let assembly = cgo::go_assembly(package);
    if !assembly.is_empty() {
        // The assembler's first pass reads the header that the compiler is yet to write.
        steps.push(Step::Write { write: format!("{OBJ}/go_asm.h"), text: String::new() });
        let mut run = asm_command(settings, package);
        run.extend(strings(["-gensymabis", "-o", &format!("{OBJ}/symabis")]));
        run.extend(assembly.iter().map(|f| format!("./{}", literal(f))));
        steps.push(Step::Run { run, dir: SRC.to_owned() });
    }
    steps.push(Step::Write { write: format!("{OBJ}/importcfg"), text: importcfg(package, guide) });
    if !package.selection.files.embed.is_empty() {
        steps.push(Step::Write { write: format!("{OBJ}/embedcfg"), text: embedcfg(package)? });
    }
    steps.extend(cover::steps(settings, package, &[])?);
    let mut uses_c = None;
    if cgo::is_used_by(package) {
        let Cgo { steps: before, link, import, go, objects, uses } = cgo::package(settings, graph, package, guide)?;
        steps.extend(before);
        let dir = OBJ.to_owned();
        let with = |list: &[String], more: &str| [list, &[more.to_owned()]].concat();
        let mut then = vec![Step::Run { run: import, dir: dir.clone() }];
        then.extend(compiled(settings, package, guide, &with(&go, cgo::IMPORT_GO), &objects));
        let mut otherwise = vec![Step::Write { write: cgo::LINK_FAILED.to_owned(), text: String::new() }];
        otherwise.extend(compiled(settings, package, guide, &go, &with(&objects, cgo::LINK_FAILED)));
        steps.push(Step::Try { attempt: link, dir, then, otherwise });
        uses_c = Some(uses);
    } else {
        steps.extend(compiled(settings, package, guide, &[], &[]));
    }
    if settings.profile.buildid == BuildId::Go {
        steps.push(buildid::identify(package));
    }
    Ok(PackageAction {
        source: source(settings, package),
        deps: deps(package, guide),
        steps,
        header: cgo::exports_header(settings, package),
        c: uses_c,
    })
}

/// The compiler with what comes after it; `go` are files of cgo, `objects` those of the C compiler.
fn compiled(settings: Settings, package: &Package, guide: Option<&Guide>, go: &[String], objects: &[String]) -> Vec<Step> {
    let mut run = compile_command(settings, package, guide);
    run.extend(cover::go_files(settings, package).into_iter().chain(go.iter().cloned()));
    let mut steps = vec![Step::Run { run, dir: OBJ.to_owned() }];
    let assembly = cgo::go_assembly(package);
    if !assembly.is_empty() {
        steps.extend(package.selection.files.headers.iter().filter_map(|header| portable_header(settings, header)));
        let mut objects = Vec::new();
        for file in assembly {
            let stem = file.strip_suffix(".s").unwrap_or(file);
            let object = format!("{OBJ}/{}.o", literal(stem));
            let mut run = asm_command(settings, package);
            run.extend(strings(["-o", &object, &format!("./{}", literal(file))]));
            steps.push(Step::Run { run, dir: SRC.to_owned() });
            objects.push(object);
        }
        steps.push(Step::Pack { pack: O.to_owned(), add: objects });
    }
    if !objects.is_empty() {
        steps.push(Step::Pack { pack: O.to_owned(), add: objects.to_vec() });
    }
    if !package.selection.files.syso.is_empty() {
        let add = package.selection.files.syso.iter().map(|f| format!("{SRC}/{}", literal(f))).collect();
        steps.push(Step::Pack { pack: O.to_owned(), add });
    }
    steps
}

pub(super) fn deps(package: &Package, guide: Option<&Guide>) -> Vec<String> {
    let imports = package.compile_deps().into_iter().map(|dep| pgo::name(&package.unit_of_dep(dep), guide));
    let deps: BTreeSet<String> = imports.chain(guide.map(Guide::action_name)).collect();
    deps.into_iter().collect()
}

/// The package path that symbols carry: every main package is `main`, unless it is a plugin (`pkgPath`).
fn package_path<'a>(settings: Settings, package: &'a Package) -> &'a str {
    let is_plugin = settings.profile.buildmode == Buildmode::Plugin;
    if package.is_main() && !is_plugin { "main" } else { package.import_path.as_str() }
}

/// What the compiler records in the place of the source directory: `module@version/dir`, or without version for std and main modules.
fn recorded_dir(settings: Settings, package: &Package) -> String {
    match &package.origin {
        Origin::Module { index, directory } => join(&module_id(&settings.modules[*index]), directory),
        Origin::Main { index, directory } => join(&settings.mains[*index].id(), directory),
        Origin::Std => package.import_path.to_string(),
    }
}

fn module_id(module: &Module) -> String {
    format!("{}@{}", module.path, module.version)
}

fn trimpath(settings: Settings, package: &Package) -> String {
    format!("{SRC}=>{};{OBJ}=>", literal(&recorded_dir(settings, package)))
}

pub(super) fn source(settings: Settings, package: &Package) -> Source {
    match &package.origin {
        Origin::Std => Source::Std { std: package.import_path.to_string() },
        Origin::Module { index, directory } => match &settings.modules[*index].files {
            ModuleFiles::Zip(_) => Source::Module { module: module_id(&settings.modules[*index]), dir: directory.clone() },
            ModuleFiles::Vendored(root) => local(package, join(root, directory)),
        },
        Origin::Main { index, directory } => local(package, join(&settings.mains[*index].directory, directory)),
    }
}

fn local(package: &Package, directory: String) -> Source {
    let files: BTreeSet<String> = package.selection.files.all().map(str::to_owned).collect();
    Source::Local { local: directory, files: files.into_iter().collect() }
}

pub(super) fn compile_command(settings: Settings, package: &Package, guide: Option<&Guide>) -> Vec<String> {
    let platform = settings.platform;
    let mut run = strings([&format!("{TOOL}/compile"), "-o", X, "-linkobj", O, "-trimpath", &trimpath(settings, package)]);
    run.extend(strings(["-p", package_path(settings, package), &format!("-lang=go{}", package.language)]));
    if package.is_std() {
        run.push("-std".to_owned());
    }
    let forward = package.is_std() && FORWARD_DECLARATIONS.contains(&package.import_path.as_str());
    let files = &package.selection.files;
    if [&files.cgo, &files.c, &files.asm, &files.syso].into_iter().all(Vec::is_empty) && !forward {
        run.push("-complete".to_owned());
    }
    if let Some(suffix) = flags::install_suffix(settings) {
        run.extend(strings(["-installsuffix", &suffix]));
    }
    if platform.goos() == "plan9" || platform.goarch() == "wasm" {
        run.push("-dwarf=false".to_owned());
    }
    run.extend(strings(["-goversion", settings.goversion]));
    run.extend(guide.map(Guide::flag));
    if cover::mode(settings, package).is_some() {
        run.push(format!("-coveragecfg={}", cover::CONFIG));
    }
    let assembles = !cgo::go_assembly(package).is_empty();
    if assembles {
        run.extend(strings(["-symabis", &format!("{OBJ}/symabis")]));
    }
    run.extend(flags::forced_gcflags(settings));
    run.extend(flags::gcflags(settings, package).iter().map(|f| literal(f).into_owned()));
    run.extend(fuzz::flag(settings, package).map(str::to_owned));
    run.extend(strings(["-nolocalimports", "-importcfg", &format!("{OBJ}/importcfg")]));
    if !package.selection.files.embed.is_empty() {
        run.extend(strings(["-embedcfg", &format!("{OBJ}/embedcfg")]));
    }
    run.push("-pack".to_owned());
    if assembles {
        run.extend(strings(["-asmhdr", &format!("{OBJ}/go_asm.h")]));
    }
    run
}

/// The assembler with everything but its inputs and outputs (`asmArgs`).
fn asm_command(settings: Settings, package: &Package) -> Vec<String> {
    let platform = settings.platform;
    let mut run =
        strings([&format!("{TOOL}/asm"), "-p", package_path(settings, package), "-trimpath", &trimpath(settings, package)]);
    run.extend(strings(["-I", &format!("{OBJ}/"), "-I", &format!("{SDK}/pkg/include")]));
    run.extend(strings(["-D", &format!("GOOS_{}", platform.goos()), "-D", &format!("GOARCH_{}", platform.goarch())]));
    run.extend(flags::forced_asmflags(settings));
    run.extend(flags::asmflags(settings, package).iter().map(|f| literal(f).into_owned()));
    if package.is_std() && settings.go.minor() >= ASM_STD_SINCE {
        run.push("-std".to_owned());
    }
    let mut define = |name: String| run.extend(["-D".to_owned(), name]);
    let value = platform.variant_setting().map_or("", |(_, value)| value);
    match platform.goarch() {
        "386" => define(format!("GO386_{value}")),
        "amd64" => define(format!("GOAMD64_{value}")),
        "mips" | "mipsle" => define(format!("GOMIPS_{value}")),
        "mips64" | "mips64le" => define(format!("GOMIPS64_{value}")),
        "riscv64" => define(format!("GORISCV64_{value}")),
        "ppc64" | "ppc64le" => levels(&["power10", "power9", "power8"], value).for_each(|l| define(format!("GOPPC64_{l}"))),
        "arm" => levels(&["7", "6", "5"], value).for_each(|l| define(format!("GOARM_{l}"))),
        "arm64" if has_large_system_extensions(value) => define("GOARM64_LSE".to_owned()),
        _ => {}
    }
    run
}

/// `value` and all older levels: each is a superset of those behind it.
fn levels<'a>(newest_first: &'a [&'a str], value: &str) -> impl Iterator<Item = &'a str> {
    let start = newest_first.iter().position(|level| *level == value).unwrap_or(newest_first.len() - 1);
    newest_first[start..].iter().copied()
}

/// From Armv8.1 on LSE is mandatory (`internal/buildcfg.ParseGoarm64`).
fn has_large_system_extensions(value: &str) -> bool {
    value != "v8.0"
}

/// `foo_linux_amd64.h` is also found as `foo_GOOS_GOARCH.h` (`Builder.build`).
fn portable_header(settings: Settings, header: &str) -> Option<Step> {
    let (stem, extension) = header.rsplit_once('.')?;
    let (goos, goarch) = (settings.platform.goos(), settings.platform.goarch());
    let suffixes =
        [(format!("_{goos}_{goarch}"), "_GOOS_GOARCH"), (format!("_{goarch}"), "_GOARCH"), (format!("_{goos}"), "_GOOS")];
    let (base, suffix) = suffixes.iter().find_map(|(suffix, to)| Some((stem.strip_suffix(suffix.as_str())?, to)))?;
    let to = format!("{OBJ}/{}{suffix}.{}", literal(base), literal(extension));
    Some(Step::Copy { copy: format!("{SRC}/{}", literal(header)), to })
}

/// Direct imports only; what is spelled differently from its import path (std's vendored packages) is mapped first.
pub(super) fn importcfg(package: &Package, guide: Option<&Guide>) -> String {
    let mut text = "# import config\n".to_owned();
    for (written, resolved) in package.imports.iter().filter(|(written, resolved)| *written != resolved.as_str()) {
        let _ = writeln!(text, "importmap {written}={resolved}");
    }
    for dep in package.compile_deps() {
        let unit = pgo::name(&package.unit_of_dep(dep), guide);
        let _ = writeln!(text, "packagefile {dep}={}", token::export_of(&unit));
    }
    text
}

/// The compiler's `-embedcfg`: patterns as written, and where each matched file is (`internal/load.EmbedConfig`).
fn embedcfg(package: &Package) -> Result<String> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct EmbedCfg<'a> {
        patterns: &'a BTreeMap<String, Vec<String>>,
        files: BTreeMap<&'a str, String>,
    }
    // Everything but the directory is user text: quote it as JSON first, then double its braces, then put the token in.
    const DIR: &str = "\u{1}src\u{1}";
    let files = package.selection.files.embed.values().flatten().map(|f| (f.as_str(), format!("{DIR}/{f}"))).collect();
    let json = serde_json::to_string(&EmbedCfg { patterns: &package.selection.files.embed, files })
        .map_err(|e| Error::input(format!("embedded files of {}: {e}", package.import_path)))?;
    let quoted_dir = "\\u0001src\\u0001";
    Ok(literal(&json).replace(quoted_dir, SRC))
}
