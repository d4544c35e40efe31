//! The programs that run tests (`cmd/go/internal/load/test.go`, `builderTest` in `cmd/go/internal/test`).

mod main_source;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::pgo::{self, Guide};
use super::token::{OBJ, literal};
use super::{Binary, Configuration, PackageAction, Settings, Step, buildid, compile, cover, env, fuzz, link};
use crate::error::Result;
use crate::graph::tested::TestProgram;
use crate::graph::{Origin, Package, PackageGraph};
use crate::name::ImportPath;
use crate::source::functions::TestFunctions;
use crate::spec::profile::BuildId;

/// The file that the program's source is in.
const MAIN_FILE: &str = "_testmain.go";

/// The tests of a package.
#[derive(Clone, Debug)]
pub struct Test<'a> {
    /// The import path of the package.
    pub tested: &'a ImportPath,
    /// The program, of which the graph knows.
    pub program: &'a TestProgram,
    /// What the tests in the package itself have.
    pub internal: TestFunctions,
    /// What those in the package `…_test` have.
    pub external: TestFunctions,
    /// The profile that optimisation is guided by: a file, relative to the spec.
    pub pgo: Option<String>,
}

impl Test<'_> {
    /// The name of the executable, without `.exe`: the last element of the import path that isn't a version.
    pub fn file_name(&self) -> String {
        format!("{}.test", self.tested.command_name())
    }
}

/// Plans the programs of `tests`, each by the import path of what it tests, and the packages `plain`, of which there are none.
///
/// # Errors
///
/// Those of [`super::configuration`].
pub fn configuration(
    graph: &PackageGraph,
    settings: Settings,
    tests: &[Test],
    plain: &[&ImportPath],
    omit_debug: bool,
) -> Result<Configuration> {
    let mut packages = BTreeMap::new();
    let mut binaries = BTreeMap::new();
    let named = Guide::named(settings);
    for package in graph.closure(plain.iter().map(|path| path.as_str()), false) {
        packages.insert(package.unit(), compile::package(settings, graph, package, named.as_ref())?);
    }
    packages.extend(named.iter().map(|guide| (guide.action_name(), guide.action(settings))));
    for test in tests {
        let linked = graph.closure([test.program.unit.as_str()], true);
        compile::refuse_c(settings, &linked)?;
        let Some((main, rest)) = linked.split_last() else { continue };
        let binary = Binary {
            name: &test.file_name(),
            main: &main.import_path,
            default: false,
            default_godebug: test.program.default_godebug.clone(),
            pgo: test.pgo.clone(),
            test: Some(test),
            omit_debug,
            not_fuzzed: fuzz::not_fuzzed(settings, graph, test.tested, &linked),
        };
        let guide = Guide::of(settings, &binary);
        let guide = guide.as_ref();
        packages.extend(guide.map(|guide| (guide.action_name(), guide.action(settings))));
        for package in rest {
            // What is linked as it is without fuzzing, importers have as it is with it.
            let linked = (binary.action_of(package, guide), binary.settings_of(settings, package));
            for (name, settings) in [(pgo::name(&package.unit(), guide), settings), linked] {
                if let Entry::Vacant(entry) = packages.entry(name) {
                    entry.insert(compile::package(settings, graph, package, guide)?);
                }
            }
        }
        packages.insert(pgo::name(&main.unit(), guide), main_package(settings, main, test, omit_debug, guide)?);
        binaries.insert(test.tested.to_string(), link::binary(settings, &binary, &linked, guide)?);
    }
    Ok(Configuration { sdk: settings.profile.sdk.clone(), env: env(settings), packages, binaries })
}

/// How the program's own package is compiled, whose source is made.
fn main_package(
    settings: Settings,
    package: &Package,
    test: &Test,
    omit_debug: bool,
    guide: Option<&Guide>,
) -> Result<PackageAction> {
    let module = match &package.origin {
        Origin::Std => "",
        Origin::Main { index, .. } => settings.mains[*index].path.as_str(),
        Origin::Module { index, .. } => settings.modules[*index].path.as_str(),
    };
    let text = main_source::text(test, module, settings.go, settings.cover);
    let mut steps = vec![
        Step::Write { write: format!("{OBJ}/{MAIN_FILE}"), text: literal(&text).into_owned() },
        Step::Write { write: format!("{OBJ}/importcfg"), text: compile::importcfg(package, guide) },
    ];
    let mut run = compile::compile_command(settings, package, guide);
    if omit_debug && !run.iter().any(|flag| flag == "-dwarf=false") {
        run.push("-dwarf=false".to_owned());
    }
    match cover::mode(settings, package) {
        Some(_) => {
            steps.extend(cover::steps(settings, package, &[MAIN_FILE])?);
            run.extend([format!("{OBJ}/covervars.go"), format!("{OBJ}/_testmain.cover.go")]);
        }
        None => run.push(format!("{OBJ}/{MAIN_FILE}")),
    }
    steps.push(Step::Run { run, dir: OBJ.to_owned() });
    if settings.profile.buildid == BuildId::Go {
        steps.push(buildid::identify_made(MAIN_FILE));
    }
    Ok(PackageAction {
        source: compile::source(settings, package),
        deps: compile::deps(package, guide),
        steps,
        header: false,
        c: None,
    })
}
