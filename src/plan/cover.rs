//! How packages are compiled whose statements are counted (`(*Builder).cover` in `cmd/go/internal/work/exec.go`).

use std::collections::BTreeSet;

use serde::Serialize;

use super::token::{OBJ, SRC, TOOL, literal};
use super::{Settings, Step, strings};
use crate::digest::Sha256;
use crate::error::{Error, Result};
use crate::graph::{Kind, Origin, Package};
use crate::spec::profile::{CoverMode, Sanitizer};

/// Where the cover tool says to the compiler what it has done.
pub(super) const CONFIG: &str = "{obj}/coveragecfg";

/// Packages of the runtime in any version (`runtimePkgs` in `cmd/internal/objabi/pkgspecial.go`).
const RUNTIME: [&str; 26] = [
    "runtime",
    "internal/abi",
    "internal/bytealg",
    "internal/byteorder",
    "internal/chacha8rand",
    "internal/coverage/rtcov",
    "internal/cpu",
    "internal/goarch",
    "internal/godebugs",
    "internal/goexperiment",
    "internal/goos",
    "internal/profilerecord",
    "internal/runtime/atomic",
    "internal/runtime/cgroup",
    "internal/runtime/exithook",
    "internal/runtime/gc",
    "internal/runtime/gc/scan",
    "internal/runtime/maps",
    "internal/runtime/math",
    "internal/runtime/strconv",
    "internal/runtime/sys",
    "internal/runtime/syscall",
    "internal/runtime/syscall/linux",
    "internal/runtime/syscall/windows",
    "internal/strconv",
    "internal/stringslite",
];

/// Which statements are counted, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cover {
    /// `set`, `count` or `atomic`.
    pub mode: String,
    /// Whose statements.
    pub of: Covered,
}

/// The packages whose statements are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Covered {
    /// In each test those of the tested package; in all tests those of packages that are to be tested, but have no tests.
    Own {
        /// The import paths of the latter.
        untested: BTreeSet<String>,
    },
    /// In all programs those of the same packages.
    Selected {
        /// Their import paths, in Go's order.
        packages: Vec<String>,
        /// The patterns that select them.
        patterns: Vec<String>,
    },
}

/// What the cover tool is to do with a package (`-mode`).
pub(super) fn mode<'a>(settings: Settings<'a>, package: &Package) -> Option<&'a str> {
    let cover = settings.cover?;
    let kind = package.for_test.as_ref().map(|for_test| for_test.kind);
    let files = &package.selection.files;
    let path = package.import_path.as_str();
    let is_covered = match (kind, &cover.of) {
        // It gets what counters need at run time.
        (Some(Kind::TestMain), _) => return Some("testmain"),
        (Some(Kind::ExternalTest), _) => false,
        (Some(Kind::WithTests), Covered::Own { .. }) => true,
        (_, Covered::Own { untested }) => untested.contains(path),
        (_, Covered::Selected { packages, .. }) => packages.iter().any(|selected| selected == path),
    };
    let has_files = files.go.iter().chain(&files.cgo).any(|file| !is_test(file));
    // What runs before the race detector can only be registered.
    let races = settings.profile.sanitizer == Some(Sanitizer::Race);
    let mode = if races && package.is_std() && RUNTIME.contains(&path) { "regonly" } else { &cover.mode };
    (is_covered && has_files).then_some(mode)
}

/// Whether a package imports what counts statements, after everything else.
pub(super) fn imports_atomic(settings: Settings, package: &Package) -> bool {
    settings.cover.is_some_and(|cover| cover.mode == CoverMode::Atomic.name()) && mode(settings, package).is_some()
}

fn is_test(file: &str) -> bool {
    file.ends_with("_test.go")
}

/// Where the cover tool puts a file.
fn covered(file: &str) -> String {
    format!("{OBJ}/{}.cover.go", literal(file.strip_suffix(".go").unwrap_or(file)))
}

/// The Go files that are compiled.
pub(super) fn go_files(settings: Settings, package: &Package) -> Vec<String> {
    let counts = mode(settings, package).is_some();
    let file = |file: &String| match counts && !is_test(file) {
        true => covered(file),
        false => format!("{SRC}/{}", literal(file)),
    };
    let variables = counts.then(|| format!("{OBJ}/covervars.go"));
    variables.into_iter().chain(package.selection.files.go.iter().map(file)).collect()
}

/// The Go files that cgo reads, with their directories.
pub(super) fn cgo_files(settings: Settings, package: &Package) -> Vec<String> {
    let counts = mode(settings, package).is_some();
    let file = |file: &String| if counts { covered(file) } else { format!("{SRC}/{}", literal(file)) };
    package.selection.files.cgo.iter().map(file).collect()
}

/// What the cover tool is told of a package (`covcmd.CoverPkgConfig`).
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct PackageConfig<'a> {
    out_config: &'a str,
    pkg_path: &'a str,
    pkg_name: &'a str,
    granularity: &'a str,
    module_path: &'a str,
    local: bool,
    emit_meta_file: &'a str,
}

/// Runs the cover tool, if the package's statements are counted; `made` are Go files of the package that other steps make.
pub(super) fn steps(settings: Settings, package: &Package, made: &[&str]) -> Result<Vec<Step>> {
    let Some(mode) = mode(settings, package) else { return Ok(Vec::new()) };
    let module_path = match &package.origin {
        Origin::Std => "",
        Origin::Main { index, .. } => settings.mains[*index].path.as_str(),
        Origin::Module { index, .. } => settings.modules[*index].path.as_str(),
    };
    let config = PackageConfig {
        out_config: "\u{1}",
        pkg_path: package.import_path.as_str(),
        pkg_name: &package.selection.name,
        granularity: "perblock",
        module_path,
        local: false,
        emit_meta_file: "",
    };
    let json = serde_json::to_string(&config).map_err(|e| Error::input(format!("{}: {e}", package.import_path)))?;
    let json = literal(&json).replace("\\u0001", CONFIG) + "\n";
    let files = &package.selection.files;
    let files: Vec<&String> = files.go.iter().filter(|file| !is_test(file)).chain(&files.cgo).collect();
    let outputs = files.iter().map(|file| covered(file)).chain(made.iter().map(|file| covered(file)));
    let list: String = [format!("{OBJ}/covervars.go")].into_iter().chain(outputs).map(|file| file + "\n").collect();
    let (package_config, file_list) = (format!("{OBJ}/pkgcfg.txt"), format!("{OBJ}/coveroutfiles.txt"));
    let hash = Sha256::of(package.import_path.as_str()).to_string();
    let variable = format!("goCover_{}_", &hash[..12]);
    let mut run = strings([&format!("{TOOL}/cover"), "-pkgcfg", &package_config, "-mode", mode, "-var", &variable]);
    run.extend(strings(["-outfilelist", &file_list]));
    run.extend(files.iter().map(|file| format!("{SRC}/{}", literal(file))));
    run.extend(made.iter().map(|file| format!("{OBJ}/{file}")));
    Ok(vec![
        Step::Write { write: package_config, text: json },
        Step::Write { write: file_list, text: list },
        Step::Run { run, dir: OBJ.to_owned() },
    ])
}
