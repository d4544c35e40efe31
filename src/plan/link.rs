//! How a binary is linked (`gcToolchain.ld` in `cmd/go/internal/work/gc.go`).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::pgo::Guide;
use super::token::{self, BIN, OBJ, TOOL, literal};
use super::{Binary, BinaryAction, Settings, Step, buildid, buildinfo, cgo, external, flags, strings};
use crate::error::Result;
use crate::graph::Package;
use crate::spec::profile::{BuildId, Buildmode};

/// The flags of programs that run tests: what `testing.Testing` says.
pub(super) const TEST_FLAGS: [&str; 2] = ["-X", "testing.testBinary=1"];

pub(super) fn binary(settings: Settings, binary: &Binary, linked: &[&Package], guide: Option<&Guide>) -> Result<BinaryAction> {
    let platform = settings.platform;
    let mut importcfg = String::new();
    let deps: BTreeMap<&str, String> =
        linked.iter().map(|package| (package.import_path.as_str(), binary.action_of(package, guide))).collect();
    for (path, unit) in &deps {
        let _ = writeln!(importcfg, "packagefile {path}={}", token::object_of(unit));
    }
    let info = buildinfo::text(settings, binary, linked);
    let _ = writeln!(importcfg, "modinfo {}", literal(&buildinfo::quoted(&info)));
    let config = format!("{OBJ}/importcfg.link");
    let (file, copy) = external::output(settings, binary.name);
    let mut run = strings([&format!("{TOOL}/link"), "-o", &file, "-importcfg", &config]);
    if let Some(suffix) = flags::install_suffix(settings) {
        run.extend(strings(["-installsuffix", &suffix]));
    }
    if binary.omit_debug {
        run.extend(strings(["-s", "-w"]));
    }
    if !binary.default_godebug.is_empty() {
        run.push(format!("-X=runtime.godebugDefault={}", literal(&binary.default_godebug)));
    }
    if settings.profile.buildmode == Buildmode::Plugin {
        run.extend(strings(["-pluginpath", &literal(binary.main.as_str())]));
    }
    run.push(format!("-buildmode={}", flags::link_mode(settings)));
    let with_id = settings.profile.buildid == BuildId::Go;
    if with_id {
        // The linker reads further arguments from it.
        run.push(format!("@{}", buildid::file()));
    }
    run.extend(flags::forced_ldflags(settings));
    let main = linked.iter().find(|package| package.import_path == *binary.main);
    let user = main.map(|main| flags::ldflags(settings, main)).unwrap_or_default();
    run.extend(user.iter().map(|f| literal(f).into_owned()));
    if binary.test.is_some() {
        run.extend(strings(TEST_FLAGS));
    }
    if !with_id {
        run.push("-buildid=".to_owned());
    }
    let external = external::external(settings, linked, &user)?;
    run.extend(external.flags);
    let main_unit = &deps[binary.main.as_str()];
    run.push(token::object_of(main_unit));
    let mut steps = vec![Step::Write { write: config, text: importcfg }];
    let mut uses_c = external.uses;
    if with_id {
        let step = buildid::step(settings, binary, linked, guide)?;
        if let (Some(uses), Step::BuildId { of, .. }) = (&mut uses_c, &step) {
            uses.has_root = of.has_root();
        }
        steps.push(step);
    }
    steps.push(Step::Run { run, dir: OBJ.to_owned() });
    steps.extend(copy);
    if with_id {
        steps.push(Step::Settle { settle: BIN.to_owned(), buildid: buildid::file() });
    }
    let has_header = main.is_some_and(|main| cgo::exports_header(settings, main));
    Ok(BinaryAction {
        file: external::file_name(platform, settings.profile.buildmode, binary.name),
        header: has_header.then(|| format!("{}.h", binary.name)),
        main: main_unit.clone(),
        default: binary.default,
        deps: deps.values().cloned().collect(),
        steps,
        c: uses_c,
    })
}
