//! How a binary is linked (`gcToolchain.ld` in `cmd/go/internal/work/gc.go`).

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::token::{self, OBJ, TOOL, literal};
use super::{Binary, BinaryAction, Settings, Step, buildinfo, cgo, external, flags, strings};
use crate::error::Result;
use crate::graph::Package;
use crate::spec::profile::Buildmode;

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
    let (file, copy) = external::output(settings, binary.name);
    let mut run = strings([&format!("{TOOL}/link"), "-o", &file, "-importcfg", &config]);
    if let Some(suffix) = flags::install_suffix(settings) {
        run.extend(strings(["-installsuffix", &suffix]));
    }
    if !binary.default_godebug.is_empty() {
        run.push(format!("-X=runtime.godebugDefault={}", literal(&binary.default_godebug)));
    }
    if settings.profile.buildmode == Buildmode::Plugin {
        run.extend(strings(["-pluginpath", &literal(binary.main.as_str())]));
    }
    run.push(format!("-buildmode={}", flags::link_mode(settings)));
    run.extend(flags::forced_ldflags(settings));
    let main = linked.iter().find(|package| package.import_path == *binary.main);
    let user = main.map(|main| flags::ldflags(settings, main)).unwrap_or_default();
    run.extend(user.iter().map(|f| literal(f).into_owned()));
    run.push("-buildid=".to_owned());
    let external = external::external(settings, linked, &user)?;
    run.extend(external.flags);
    run.push(token::object_of(binary.main.as_str()));
    let mut steps = vec![Step::Write { write: config, text: importcfg }, Step::Run { run, dir: OBJ.to_owned() }];
    steps.extend(copy);
    let has_header = main.is_some_and(|main| cgo::exports_header(settings, main));
    Ok(BinaryAction {
        file: external::file_name(platform, settings.profile.buildmode, binary.name),
        header: has_header.then(|| format!("{}.h", binary.name)),
        main: binary.main.to_string(),
        default: binary.default,
        deps: deps.into_iter().map(str::to_owned).collect(),
        steps,
        c: external.uses,
    })
}
