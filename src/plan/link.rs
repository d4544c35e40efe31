//! How a binary is linked (`gcToolchain.ld` in `cmd/go/internal/work/gc.go`).

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::token::{self, BIN, OBJ, TOOL, literal};
use super::{Binary, BinaryAction, Settings, Step, buildinfo, default_pie, strings, unknown};
use crate::error::Result;
use crate::graph::PackageGraph;

/// Packages that the linker needs though nothing imports them (`load.LinkerDeps`).
fn linker_deps(settings: Settings) -> &'static [&'static str] {
    match settings.platform.goarch() {
        // The linker calls software floating point routines of math.
        "arm" => &["math", "runtime"],
        _ => &["runtime"],
    }
}

/// Import paths of all packages in the binary with this main package, itself included, sorted.
pub(super) fn closure<'g>(graph: &'g PackageGraph, settings: Settings, main: &str) -> Result<BTreeSet<&'g str>> {
    let mut seen = BTreeSet::new();
    let mut todo: Vec<&str> = vec![main];
    todo.extend(linker_deps(settings));
    while let Some(path) = todo.pop() {
        let package = graph.package(path).ok_or_else(|| unknown(path))?;
        if seen.insert(package.import_path.as_str()) {
            todo.extend(package.imports.values().map(|p| p.as_str()).filter(|p| *p != "unsafe"));
        }
    }
    Ok(seen)
}

pub(super) fn binary(graph: &PackageGraph, settings: Settings, binary: &Binary, linked: &BTreeSet<&str>) -> Result<BinaryAction> {
    let platform = settings.platform;
    let mut importcfg = String::new();
    for path in linked {
        let _ = writeln!(importcfg, "packagefile {path}={}", token::object_of(path));
    }
    let info = buildinfo::text(graph, settings, binary, linked)?;
    let _ = writeln!(importcfg, "modinfo {}", literal(&buildinfo::quoted(&info)));
    let config = format!("{OBJ}/importcfg.link");
    let mut run = strings([&format!("{TOOL}/link"), "-o", BIN, "-importcfg", &config]);
    if !binary.default_godebug.is_empty() {
        run.push(format!("-X=runtime.godebugDefault={}", literal(&binary.default_godebug)));
    }
    run.push(format!("-buildmode={}", if default_pie(platform) { "pie" } else { "exe" }));
    run.extend(settings.profile.ldflags.iter().map(|f| literal(f).into_owned()));
    run.extend(strings(["-buildid=", "-extld=gcc", &token::object_of(binary.main)]));
    let steps = vec![Step::Write { write: config, text: importcfg }, Step::Run { run, dir: OBJ.to_owned() }];
    let suffix = match (platform.goos(), platform.goarch()) {
        ("windows", _) => ".exe",
        _ => "",
    };
    Ok(BinaryAction {
        file: format!("{}{suffix}", binary.name),
        main: binary.main.to_owned(),
        deps: linked.iter().map(|p| (*p).to_owned()).collect(),
        steps,
    })
}
