//! Packages with C code (`runCgo`, `processCgoOutputs`, `dynimport` and `ccompile` in `cmd/go/internal/work/exec.go`).
//!
//! cgo makes Go and C files out of the Go files that import `"C"`. The C compiler compiles those and the package's own C files, and
//! links all of them once: cgo reads from the result which symbols come from which shared libraries, for Go's own linker. Where that
//! doesn't succeed the C compiler must link the program, too.

pub mod allow;
pub mod compiler;
mod flags;

use std::collections::BTreeSet;

use super::pgo::{self, Guide};
use super::token::{self, H, OBJ, ROOT, SDK, SRC, TOOL, literal};
use super::{ModuleFiles, Settings, Step, cover, strings};
use crate::error::{Error, Result};
use crate::graph::{Origin, Package, PackageGraph};
use crate::source::tree::join;
use crate::spec::profile::Buildmode;
use compiler::{Compiler, Language, Toolchain};
use flags::Flags;

pub use flags::{Needs, Refusal, needs, refusal};

/// The first minor version that has objects of assembly before those of C in an archive.
const ASSEMBLY_FIRST_SINCE: u32 = 26;

/// What the C compiler has to do with an action.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct UsesC {
    /// Files in the syntax of Make that compilers and linkers write: they name what was read, in which the cache must see changes.
    /// Any of them may be missing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depfiles: Vec<String>,
    /// Directories of the source tree that headers are looked for in; new ones there may come before those that were read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<String>,
    /// Whether the results depend on the path of the source tree: a library that a `#cgo` line names by `${SRCDIR}`, hashes of counted files.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub has_root: bool,
    /// Files of the repository, relative to the spec, that the package's own may include and link; only for engines that show no others to compilers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub included: Vec<String>,
}

/// How cgo takes part in compiling a package.
pub(super) struct Cgo {
    /// What comes before the Go compiler.
    pub steps: Vec<Step>,
    /// The link whose result says where symbols come from.
    pub link: Vec<String>,
    /// What reads it.
    pub import: Vec<String>,
    /// Go files that cgo made.
    pub go: Vec<String>,
    /// What else becomes part of the archive.
    pub objects: Vec<String>,
    /// What the cache must know.
    pub uses: UsesC,
}

/// The Go file with the symbols of shared libraries.
pub(super) const IMPORT_GO: &str = "{obj}/_cgo_import.go";

/// An archive that has a member of this name isn't linked by Go's linker (`cmd/link/internal/ld.loadobjfile`).
pub(super) const LINK_FAILED: &str = "{obj}/dynimportfail";

/// The same, but the user may ask for Go's linker in spite of it.
const PREFER_EXTERNAL: &str = "{obj}/preferlinkext";

/// Whether C compilers take part in compiling the package.
pub(super) fn is_used_by(package: &Package) -> bool {
    !package.selection.files.cgo.is_empty()
}

/// Assembly for Go's assembler. With cgo the C compiler has it; only `runtime/cgo` has both (`Builder.build`).
pub(super) fn go_assembly(package: &Package) -> Vec<&str> {
    let files = &package.selection.files;
    let is_go = |file: &&str| !is_used_by(package) || is_runtime_cgo(package) && !file.starts_with("gcc_");
    files.asm.iter().map(String::as_str).filter(is_go).collect()
}

/// Whether cgo writes a header for those who use the package as a C library.
pub(super) fn exports_header(settings: Settings, package: &Package) -> bool {
    let is_library = matches!(settings.profile.buildmode, Buildmode::CArchive | Buildmode::CShared);
    is_library && package.is_main() && is_used_by(package)
}

/// Whether the package has files in a language.
pub(super) fn has(package: &Package, language: Language) -> bool {
    package.selection.files.c.iter().any(|file| Language::of(file) == language)
}

/// The files of a package in the order in which build IDs have them (`buildActionID`), without embedded ones.
pub(super) fn hashed_files(package: &Package) -> Vec<&String> {
    let files = &package.selection.files;
    let of = |extensions: &[&str]| {
        let fits =
            |file: &&String| extensions.iter().any(|x| file.rsplit_once('.').is_some_and(|(_, extension)| extension == *x));
        files.c.iter().filter(fits).collect::<Vec<_>>()
    };
    let mut assembly: Vec<&String> = files.asm.iter().chain(of(&["S", "sx"])).collect();
    assembly.sort();
    let mut all: Vec<&String> = files.go.iter().chain(&files.cgo).collect();
    all.extend(of(&["c"]).into_iter().chain(of(&["cc", "cpp", "cxx"])).chain(of(&["f", "F", "for", "f90"])).chain(of(&["m"])));
    all.extend(files.headers.iter().chain(assembly).chain(&files.syso));
    all
}

/// Whether the package has assembly, for whichever assembler.
pub(super) fn has_assembly(package: &Package) -> bool {
    let files = &package.selection.files;
    !files.asm.is_empty() || files.c.iter().any(|file| file.ends_with(".S") || file.ends_with(".sx"))
}

/// What the go command hashes of cgo for a package's build ID, with tokens.
pub(super) fn identity(settings: Settings, package: &Package, name: &str) -> Result<String> {
    let Some(toolchain) = settings.c.filter(|_| is_used_by(package)) else { return Ok(String::new()) };
    Ok(format!("cgo \"{}\"\n{}", token::version_of("cgo"), flags::identity(settings, toolchain, package, name)?))
}

fn is_runtime_cgo(package: &Package) -> bool {
    package.is_std() && package.import_path.as_str() == "runtime/cgo"
}

/// Plans what cgo does for a package.
///
/// # Errors
///
/// Without a toolchain; when a `#cgo` line has a flag that isn't let through.
pub(super) fn package(settings: Settings, graph: &PackageGraph, package: &Package, guide: Option<&Guide>) -> Result<Cgo> {
    let Some(toolchain) = settings.c else { return Err(unsupported(package)) };
    let flags = Flags::of(settings, toolchain, package)?;
    let recipe = Recipe { settings, toolchain, package, flags };
    let mut steps = Vec::new();
    if exports_header(settings, package) {
        // cgo writes none if nothing is exported.
        steps.push(Step::Write { write: H.to_owned(), text: String::new() });
    }
    steps.push(Step::Run { run: recipe.cgo(), dir: SRC.to_owned() });
    // cgo names symbols by a hash of the files that it reads; counted ones say where they were made from.
    let has_root = recipe.flags.has_root() || cover::mode(settings, package).is_some();
    let mut uses = UsesC { depfiles: Vec::new(), include: recipe.flags.include(), has_root, included: Vec::new() };
    let mut objects = Vec::new();
    if recipe.flags.prefers_external_link {
        steps.push(Step::Write { write: PREFER_EXTERNAL.to_owned(), text: String::new() });
        objects.push(PREFER_EXTERNAL.to_owned());
    }
    for (index, (language, dir, file)) in recipe.sources().into_iter().enumerate() {
        let name = format!("{OBJ}/_x{:03}", index + 1);
        steps.push(recipe.compile(language, dir, &file, &name)?);
        objects.push(format!("{name}.o"));
        uses.depfiles.push(format!("{name}.d"));
    }
    let main = format!("{OBJ}/_cgo_main");
    steps.push(recipe.compile(Language::C, OBJ, "_cgo_main.c", &main)?);
    let depfile = format!("{OBJ}/_cgo_.d");
    let link = recipe.link(&format!("{main}.o"), &objects, &system_objects(graph, package, guide), &depfile)?;
    uses.depfiles.push(depfile);
    Ok(Cgo { steps, link, import: recipe.import(), go: recipe.go(), objects, uses })
}

/// What engines say that have no C toolchain.
pub(super) fn unsupported(package: &Package) -> Error {
    let error = Error::input(format!("package {} has C code, and there is no C compiler", package.import_path));
    error.help("build with `cgo = False` in the profile, or choose another package")
}

/// A package with all that decides how its C code is compiled.
struct Recipe<'a> {
    settings: Settings<'a>,
    toolchain: &'a Toolchain,
    package: &'a Package,
    flags: Flags,
}

impl Recipe<'_> {
    fn compiler(&self, language: Language) -> Result<&Compiler> {
        compiler(self.settings, self.toolchain, language)
    }

    /// Stems of the Go files that import `"C"`.
    fn stems(&self) -> impl Iterator<Item = String> {
        let files = cover::cgo_files(self.settings, self.package).into_iter();
        files.map(|file| file.rsplit('/').next().unwrap_or_default().trim_end_matches(".go").to_owned())
    }

    fn go(&self) -> Vec<String> {
        let made = self.stems().map(|stem| format!("{OBJ}/{stem}.cgo1.go"));
        [format!("{OBJ}/_cgo_gotypes.go")].into_iter().chain(made).collect()
    }

    /// What C compilers compile, in the order of the archive: language, directory and file.
    fn sources(&self) -> Vec<(Language, &'static str, String)> {
        let files = &self.package.selection.files;
        let own = |language, file: &String| (language, SRC, literal(file).into_owned());
        let mut sources = vec![(Language::C, OBJ, "_cgo_export.c".to_owned())];
        sources.extend(self.stems().map(|stem| (Language::C, OBJ, format!("{stem}.cgo2.c"))));
        let is_assembly = |file: &&String| file.ends_with(".S") || file.ends_with(".sx");
        let assembly: BTreeSet<&String> = files.asm.iter().chain(files.c.iter().filter(is_assembly)).collect();
        let is_ours = |file: &&&String| !is_runtime_cgo(self.package) || file.starts_with("gcc_");
        let assembly = assembly.iter().filter(is_ours).map(|file| own(Language::C, file)).collect();
        let ending = |suffix: &str| files.c.iter().filter(|file| file.ends_with(suffix)).map(|f| own(Language::C, f)).collect();
        let of = |language| files.c.iter().filter(|f| Language::of(f) == language).map(|f| own(language, f)).collect();
        let (c, cxx, objective_c): (Vec<_>, Vec<_>, Vec<_>) = (ending(".c"), of(Language::Cxx), ending(".m"));
        let order = match self.settings.go.minor() >= ASSEMBLY_FIRST_SINCE {
            true => [assembly, c, objective_c, cxx],
            false => [c, assembly, cxx, objective_c],
        };
        sources.extend(order.concat());
        sources.extend::<Vec<_>>(of(Language::Fortran));
        sources
    }

    fn cgo(&self) -> Vec<String> {
        let (path, std) = (self.package.import_path.as_str(), self.package.is_std());
        let mut run = strings([&format!("{TOOL}/cgo"), "-objdir", &format!("{OBJ}/"), "-importpath", path]);
        if is_runtime_cgo(self.package) {
            run.push("-import_runtime_cgo=false".to_owned());
        }
        if std && matches!(path, "runtime/race" | "runtime/msan" | "runtime/cgo" | "runtime/asan") {
            run.push("-import_syscall=false".to_owned());
        }
        let quoted: Vec<String> = self.flags.ldflags.iter().map(|flag| super::buildinfo::quote(flag.as_bytes())).collect();
        run.push(format!("-ldflags={}", quoted.join(" ")));
        if exports_header(self.settings, self.package) {
            run.push(format!("-exportheader={H}"));
        }
        run.push("--".to_owned());
        run.extend(self.flags.of_language(Language::C));
        run.extend(cover::cgo_files(self.settings, self.package));
        run
    }

    /// Compiles `file` of `dir`, to `name.o` and `name.d`.
    fn compile(&self, language: Language, dir: &str, file: &str, name: &str) -> Result<Step> {
        let compiler = self.compiler(language)?;
        let mut run = compiler.command(self.settings.platform, self.settings.go.minor());
        run.extend(self.flags.of_language(language));
        let (from, to) = self.recorded_root();
        run.extend(compiler.prefix_map(&from, &to));
        // Of several directories the last one counts: the scratch directory may lie in the source tree.
        run.extend(compiler.prefix_map(OBJ, "/tmp/go-build"));
        run.extend(compiler.random_seed(&literal(self.package.import_path.as_str())));
        run.extend(strings(["-MD", "-MF", &format!("{name}.d"), "-o", &format!("{name}.o"), "-c", file]));
        Ok(Step::Run { run, dir: dir.to_owned() })
    }

    /// The root of the source tree, and what compilers record in its place.
    fn recorded_root(&self) -> (String, String) {
        let (from, to) = match &self.package.origin {
            Origin::Std => (ROOT.to_owned(), "GOROOT".to_owned()),
            Origin::Main { index, .. } => {
                let main = &self.settings.mains[*index];
                (join(ROOT, &literal(&main.directory)), main.id())
            }
            Origin::Module { index, .. } => {
                let module = &self.settings.modules[*index];
                match &module.files {
                    ModuleFiles::Zip(_) => (ROOT.to_owned(), format!("{}@{}", module.path, module.version)),
                    ModuleFiles::Vendored(directory) => {
                        let vendor = directory.strip_suffix(module.path.as_str()).unwrap_or(directory).trim_end_matches('/');
                        (join(ROOT, &literal(vendor)), "vendor".to_owned())
                    }
                }
            }
        };
        let to = literal(&to).into_owned();
        let windows = self.settings.platform.goos() == "windows";
        (from, if windows { format!(r"\\_\_\{}", to.replace('/', r"\")) } else { format!("/_/{to}") })
    }

    fn link(&self, main: &str, objects: &[String], system: &[String], depfile: &str) -> Result<Vec<String>> {
        let language = if has(self.package, Language::Cxx) { Language::Cxx } else { Language::C };
        let compiler = self.compiler(language)?;
        let mut run = compiler.command(self.settings.platform, self.settings.go.minor());
        run.extend(strings(["-o", &format!("{OBJ}/_cgo_.o"), main]));
        run.extend(objects.iter().chain(system).cloned());
        run.extend(self.dynimport_flags());
        run.extend(compiler.dependency_file(depfile));
        Ok(run)
    }

    /// The linker flags for that link; some systems need a position independent program.
    fn dynimport_flags(&self) -> Vec<String> {
        let mut flags = self.flags.ldflags.clone();
        let platform = self.settings.platform;
        if platform.goos() == "android" || (platform.goos(), platform.goarch()) == ("linux", "arm") {
            if !flags.iter().any(|flag| flag == "-no-pie") {
                flags.push("-pie".to_owned());
            }
            if flags.iter().any(|flag| flag == "-pie") {
                flags.retain(|flag| flag != "-static");
            }
        }
        flags
    }

    fn import(&self) -> Vec<String> {
        let (name, made) = (self.package.selection.name.as_str(), format!("{OBJ}/_cgo_.o"));
        let mut run = strings([&format!("{TOOL}/cgo"), "-dynpackage", name, "-dynimport", &made, "-dynout", IMPORT_GO]);
        if is_runtime_cgo(self.package) {
            run.push("-dynlinker".to_owned());
        }
        run
    }
}

/// The compiler of a language.
pub(super) fn compiler<'a>(settings: Settings, toolchain: &'a Toolchain, language: Language) -> Result<&'a Compiler> {
    let program = program(settings, language);
    toolchain.compilers.get(program).ok_or_else(|| {
        let error = Error::environment(format!("nothing is known of the {} compiler `{program}`", language.name()));
        error.help("install it, or build with `cgo = False` in the profile")
    })
}

/// The name of the compiler of a language.
pub(super) fn program<'a>(settings: Settings<'a>, language: Language) -> &'a str {
    let named = match language {
        Language::C => settings.profile.cc.as_deref(),
        Language::Cxx => settings.profile.cxx.as_deref(),
        Language::Fortran => None,
    };
    named.unwrap_or_else(|| language.default_compiler(settings.platform))
}

/// The `.syso` files of the package and of all that it needs, with what the linker adds to a command (the race detector).
fn system_objects(graph: &PackageGraph, package: &Package, guide: Option<&Guide>) -> Vec<String> {
    let place = |of: &Package| match (&of.origin, of.import_path == package.import_path) {
        (_, true) => SRC.to_owned(),
        (Origin::Std, _) => format!("{SDK}/src/{}", literal(of.import_path.as_str())),
        _ => token::source_of(&pgo::name(&of.unit(), guide)),
    };
    let closure = graph.closure([package.unit().as_str()], true);
    let files =
        closure.iter().flat_map(|of| of.selection.files.syso.iter().map(|file| format!("{}/{}", place(of), literal(file))));
    files.collect::<BTreeSet<String>>().into_iter().collect()
}
