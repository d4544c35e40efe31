//! How a binary is linked (`gcToolchain.ld` in `cmd/go/internal/work/gc.go`).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::token::{self, BIN, OBJ, TOOL, literal};
use super::{Binary, BinaryAction, Settings, Step, buildinfo, flags, strings};
use crate::graph::Package;

pub(super) fn binary(settings: Settings, binary: &Binary, linked: &[&Package]) -> BinaryAction {
    let platform = settings.platform;
    let mut importcfg = String::new();
    let deps: BTreeMap<&str, String> = linked.iter().map(|p| (p.import_path.as_str(), p.unit())).collect();
    for (path, unit) in &deps {
        let _ = writeln!(importcfg, "packagefile {path}={}", token::object_of(unit));
    }
    let info = buildinfo::text(settings, binary, linked);
    let _ = writeln!(importcfg, "modinfo {}", literal(&buildinfo::quoted(&info)));
    let config = format!("{OBJ}/importcfg.link");
    let mut run = strings([&format!("{TOOL}/link"), "-o", BIN, "-importcfg", &config]);
    if let Some(suffix) = flags::install_suffix(settings) {
        run.extend(strings(["-installsuffix", &suffix]));
    }
    if binary.omit_debug {
        run.extend(strings(["-s", "-w"]));
    }
    if !binary.default_godebug.is_empty() {
        run.push(format!("-X=runtime.godebugDefault={}", literal(&binary.default_godebug)));
    }
    run.push(format!("-buildmode={}", flags::link_mode(settings)));
    run.extend(flags::forced_ldflags(settings));
    let main = linked.iter().find(|package| package.import_path == *binary.main);
    let user = main.map(|main| flags::ldflags(settings, main)).unwrap_or_default();
    run.extend(user.iter().map(|f| literal(f).into_owned()));
    if binary.is_test {
        // What `testing.Testing` says.
        run.extend(strings(["-X", "testing.testBinary=1"]));
    }
    run.extend(strings(["-buildid=", "-extld=gcc", &token::object_of(&deps[binary.main.as_str()])]));
    let steps = vec![Step::Write { write: config, text: importcfg }, Step::Run { run, dir: OBJ.to_owned() }];
    let suffix = match (platform.goos(), platform.goarch()) {
        ("windows", _) => ".exe",
        _ => "",
    };
    BinaryAction {
        file: format!("{}{suffix}", binary.name),
        main: binary.main.to_string(),
        default: binary.default,
        deps: deps.into_values().collect(),
        steps,
    }
}
