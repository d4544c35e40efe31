//! How a binary is linked (`gcToolchain.ld` in `cmd/go/internal/work/gc.go`).

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::cgo::compiler::Language;
use super::cgo::{self, UsesC};
use super::token::{self, BIN, OBJ, TOOL, literal};
use super::{Binary, BinaryAction, Settings, Step, buildinfo, flags, strings};
use crate::error::Result;
use crate::graph::Package;

/// Where the C compiler's linker says what it has read.
const DEPFILE: &str = "link.d";

pub(super) fn binary(settings: Settings, binary: &Binary, linked: &[&Package]) -> Result<BinaryAction> {
    let platform = settings.platform;
    let mut importcfg = String::new();
    let deps: BTreeSet<&str> = linked.iter().map(|p| p.import_path.as_str()).collect();
    for path in &deps {
        let _ = writeln!(importcfg, "packagefile {path}={}", token::object_of(path));
    }
    let info = buildinfo::text(settings, binary, linked);
    let _ = writeln!(importcfg, "modinfo {}", literal(&buildinfo::quoted(&info)));
    let config = format!("{OBJ}/importcfg.link");
    let mut run = strings([&format!("{TOOL}/link"), "-o", BIN, "-importcfg", &config]);
    if let Some(suffix) = flags::install_suffix(settings) {
        run.extend(strings(["-installsuffix", &suffix]));
    }
    if !binary.default_godebug.is_empty() {
        run.push(format!("-X=runtime.godebugDefault={}", literal(&binary.default_godebug)));
    }
    run.push(format!("-buildmode={}", flags::link_mode(settings)));
    run.extend(flags::forced_ldflags(settings));
    let main = linked.iter().find(|package| package.import_path == *binary.main);
    let user = main.map(|main| flags::ldflags(settings, main)).unwrap_or_default();
    run.extend(user.iter().map(|f| literal(f).into_owned()));
    let linker = if linked.iter().any(|package| cgo::has(package, Language::Cxx)) { Language::Cxx } else { Language::C };
    run.extend(strings(["-buildid=", &format!("-extld={}", cgo::program(settings, linker))]));
    let uses_c = uses_c(settings, linked, linker)?;
    if let Some((_, flag)) = &uses_c {
        run.extend(flag.iter().map(|flag| format!("-extldflags={flag}")));
    }
    run.push(token::object_of(binary.main.as_str()));
    let steps = vec![Step::Write { write: config, text: importcfg }, Step::Run { run, dir: OBJ.to_owned() }];
    let suffix = match (platform.goos(), platform.goarch()) {
        ("windows", _) => ".exe",
        _ => "",
    };
    Ok(BinaryAction {
        file: format!("{}{suffix}", binary.name),
        main: binary.main.to_string(),
        default: binary.default,
        deps: deps.into_iter().map(str::to_owned).collect(),
        steps,
        c: uses_c.map(|(uses, _)| uses),
    })
}

/// What the C compiler, which may have to link the program, has to do with it, and the flag by which it says what it has read.
fn uses_c(settings: Settings, linked: &[&Package], language: Language) -> Result<Option<(UsesC, Option<String>)>> {
    let Some(toolchain) = settings.c.filter(|_| linked.iter().any(|package| cgo::is_used_by(package))) else { return Ok(None) };
    let depfile = format!("{OBJ}/{DEPFILE}");
    // The C compiler runs in the same directory.
    let flag = cgo::compiler(settings, toolchain, language)?.dependency_file(DEPFILE);
    Ok(Some((UsesC { depfiles: vec![depfile], has_root: false }, flag)))
}
