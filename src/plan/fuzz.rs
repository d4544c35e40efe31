//! Which packages of tests are compiled so that fuzzing sees which code an input reaches (`FuzzInstrument` in `cmd/go/internal/test`).
//!
//! The program's own package imports packages of std that what is tested doesn't need. These are linked as they are without fuzzing, while
//! another test may need them for what it tests: then a plan has both. Export data is the same, so whatever imports them is compiled once.

use std::collections::BTreeSet;

use super::{Settings, supported};
use crate::graph::{Kind, Package, PackageGraph};
use crate::name::ImportPath;

/// What fuzzing itself runs beside the tested code (`skipInstrumentation`).
const SKIPPED: [&str; 11] = [
    "context",
    "internal/fuzz",
    "internal/runtime/maps",
    "internal/sync",
    "reflect",
    "runtime",
    "sync",
    "sync/atomic",
    "syscall",
    "testing",
    "time",
];

/// This is among them, too, since that minor version.
const ALSO_SKIPPED: (&str, u32) = ("internal/godebug", 24);

/// The compiler's flag for a package, if it is one of those (`fuzzInstrumentFlags`).
pub(super) fn flag(settings: Settings, package: &Package) -> Option<&'static str> {
    let (path, minor) = (package.import_path.as_str(), settings.go.minor());
    let is_made = package.for_test.as_ref().is_some_and(|test| matches!(test.kind, Kind::ExternalTest | Kind::TestMain));
    let is_skipped = SKIPPED.contains(&path) || path == ALSO_SKIPPED.0 && minor >= ALSO_SKIPPED.1;
    let is_fuzzed = settings.fuzz && supported::instruments(settings.platform, minor) && !is_made && !is_skipped;
    is_fuzzed.then_some("-d=libfuzzer")
}

/// The units of a program's packages that are linked as they are without fuzzing: what the tested package and its tests don't need
/// (`TestPackageList` in `cmd/go/internal/load`).
pub(super) fn not_fuzzed(
    settings: Settings,
    graph: &PackageGraph,
    tested: &ImportPath,
    linked: &[&Package],
) -> BTreeSet<String> {
    let is_part = |package: &&&Package| match &package.for_test {
        Some(test) if test.kind == Kind::ExternalTest => true,
        _ => package.import_path == *tested,
    };
    let parts: Vec<String> = linked.iter().filter(is_part).map(|package| package.unit()).collect();
    let needed: BTreeSet<String> =
        graph.closure(parts.iter().map(String::as_str), false).into_iter().map(Package::unit).collect();
    let fuzzed = linked.iter().filter(|package| flag(settings, package).is_some()).map(|package| package.unit());
    fuzzed.filter(|unit| !needed.contains(unit)).collect()
}

/// The name of a package's action as it is without fuzzing, where a plan can have both.
pub(super) fn plain(unit: &str) -> String {
    format!("{unit} [not fuzzed]")
}
