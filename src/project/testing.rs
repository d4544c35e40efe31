//! The tests of the repository's packages: what `godirect test` builds.

use std::collections::BTreeMap;

use super::stamps::Stamps;
use super::{Locked, Variant, context, roots};
use crate::error::{Error, Result};
use crate::graph::covered::Coverage;
use crate::graph::pattern;
use crate::graph::tested::{TestGraph, TestOptions, Tested, Tests};
use crate::graph::{Origin, PackageGraph};
use crate::name::ImportPath;
use crate::plan::cgo;
use crate::plan::cgo::compiler::Toolchain;
use crate::plan::cover::{Cover, Covered};
use crate::plan::{self, Configuration, test};
use crate::source::context::BuildContext;
use crate::source::functions::{self, TestFunctions};
use crate::source::header::DebugSetting;
use crate::source::tree::{self, join};
use crate::spec::profile::{BuildId, Buildmode, Pgo, Profile};

/// What to test, and how.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// For which platform, in which profile.
    pub variant: Variant<'a>,
    /// Which packages; all of the repository's if there are none.
    pub patterns: &'a [String],
    /// Which statements to count.
    pub cover: Option<CoverRequest>,
    /// Whether packages are compiled so that fuzzing sees which code an input reaches.
    pub fuzz: bool,
    /// Whether the programs are built without symbols and debug information, as what is thrown away.
    pub omit_debug: bool,
}

/// Which statements to count.
#[derive(Clone, Debug)]
pub struct CoverRequest {
    /// `set`, `count` or `atomic`.
    pub mode: String,
    /// Patterns for the packages whose statements all tests count; if there are none, each test counts those of its own package.
    pub patterns: Vec<String>,
}

/// Tests that can be built.
#[derive(Debug)]
pub struct Planned {
    /// How to build them; programs have the import paths of what they test.
    pub configuration: Configuration,
    /// What is compiled.
    pub graph: PackageGraph,
    /// The packages, in order of their import paths.
    pub packages: Vec<TestPackage>,
}

/// A package with or without tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestPackage {
    /// Its import path.
    pub path: ImportPath,
    /// Its directory relative to the spec; empty for the spec's own.
    pub directory: String,
    /// The directory of its module, in the same way.
    pub root: String,
    /// What there is to run.
    pub state: State,
}

/// What there is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing: there are no test files.
    NoTests {
        /// Whether there are statements to count.
        has_statements: bool,
    },
    /// Nothing: this is wrong.
    Broken(Vec<String>),
    /// A program, whose file has this name without `.exe`.
    Program(String),
}

impl Locked<'_> {
    /// Loads tests with all that they need.
    ///
    /// # Errors
    ///
    /// Those of [`plan::supported::check`] and [`plan::supported::check_fuzz`]; a pattern for something else than the repository's packages, a directory that can't be read. What
    /// is wrong with packages is part of the result.
    pub fn tests(&self, request: &Request) -> Result<TestGraph> {
        let variant = request.variant;
        let (sdk, sources) = &self.sdks[variant.profile.sdk.as_str()];
        plan::supported::check(&sdk.version, &variant.target.platform, variant.profile)?;
        check_buildmode(variant.profile)?;
        if request.fuzz {
            plan::supported::check_fuzz(&sdk.version, &variant.target.platform)?;
        }
        let context = context(sdk, variant);
        let paths = match request.patterns {
            [] => roots(sources, &context, &Default::default(), true)?,
            patterns => pattern::expand(sources, &context, "", patterns, true)?,
        };
        let selects = |path: &str, origin: &Origin| match &request.cover {
            Some(cover) => cover.patterns.iter().any(|pattern| self.is_selected(pattern, path, origin)),
            None => false,
        };
        let coverage = request.cover.as_ref().map(|cover| Coverage {
            selects: if cover.patterns.is_empty() { None } else { Some(&selects) },
            is_atomic: cover.mode == "atomic",
        });
        let guided = |name: &str, origin: &Origin| match origin {
            Origin::Main { index, directory } if variant.profile.buildid == BuildId::Go => {
                let directory = join(&self.mains[*index].directory, directory);
                self.pgo_of_test(variant.profile_name, variant.profile, name == "main", &directory)
                    .is_ok_and(|file| file.is_some())
            }
            _ => false,
        };
        let options = TestOptions { coverage, guided: &guided, ..TestOptions::default() };
        self.load_tests(variant, &context, &paths, options)
    }

    /// The tests of all packages of the repository. What is wrong with some of them is part of the result.
    ///
    /// # Errors
    ///
    /// When a directory can't be read.
    pub fn test_graph(&self, variant: Variant, options: TestOptions) -> Result<TestGraph> {
        let (sdk, sources) = &self.sdks[variant.profile.sdk.as_str()];
        let context = context(sdk, variant);
        let paths = roots(sources, &context, &self.project.binaries, true)?;
        self.load_tests(variant, &context, &paths, options)
    }

    /// Where packages of the repository are: the directory of the module and their own, relative to the spec, by import path.
    ///
    /// # Errors
    ///
    /// For tests that aren't part of the repository.
    pub fn test_places(&self, found: &TestGraph) -> Result<BTreeMap<String, (String, String)>> {
        let place = |tested: &Tested| Ok((tested.path.to_string(), self.directory_of(tested)?));
        found.tested.iter().map(place).collect()
    }

    fn load_tests(
        &self,
        variant: Variant,
        context: &BuildContext,
        paths: &[ImportPath],
        options: TestOptions,
    ) -> Result<TestGraph> {
        let (_, sources) = &self.sdks[variant.profile.sdk.as_str()];
        let godebug = |directives: &[&DebugSetting]| self.godebug_of(directives.iter().copied(), variant.profile);
        PackageGraph::load_tests(sources, context, &godebug, paths, options)
    }

    /// What the packages of tests with C code need of the machine that builds them.
    ///
    /// # Errors
    ///
    /// A malformed `#cgo` line.
    pub fn c_needs_of_tests(&self, found: &TestGraph, variant: Variant) -> Result<Vec<cgo::Needs>> {
        self.c_needs_of(found.graph.packages().iter().collect(), variant)
    }

    /// The profile that optimisation of a test is guided by: as in Go, the tests of a command have that of the command.
    pub(super) fn pgo_of_test(
        &self,
        profile_name: &str,
        profile: &Profile,
        is_command: bool,
        directory: &str,
    ) -> Result<Option<String>> {
        match &profile.pgo {
            Pgo::Auto if !is_command => Ok(None),
            _ => self.project.pgo(profile_name, profile, directory),
        }
    }

    /// Plans tests that were loaded for the same request.
    ///
    /// # Errors
    ///
    /// A profile that isn't there, a flag for C compilers that isn't let through.
    pub fn plan_tests(
        &self,
        request: &Request,
        stamps: &Stamps<'_>,
        found: TestGraph,
        c: Option<&Toolchain>,
    ) -> Result<Planned> {
        let TestGraph { graph, tested, covered } = found;
        let untested = tested.iter().filter(|tested| tested.tests == Tests::None).map(|tested| tested.path.to_string());
        let cover = request.cover.as_ref().map(|cover| Cover {
            mode: cover.mode.clone(),
            of: match covered {
                Some(packages) => Covered::Selected { packages, patterns: cover.patterns.clone() },
                None => Covered::Own { untested: untested.collect() },
            },
        });
        let (mut packages, mut tests, mut plain) = (Vec::new(), Vec::new(), Vec::new());
        for tested in &tested {
            let (root, directory) = self.directory_of(tested)?;
            let state = match &tested.tests {
                Tests::None => {
                    plain.push(&tested.path);
                    State::NoTests { has_statements: self.has_statements(&graph, tested, &directory)? }
                }
                Tests::Broken(wrong) => State::Broken(wrong.clone()),
                Tests::Program(program) => match self.functions(&directory, [&program.internal, &program.external])? {
                    Ok([internal, external]) => {
                        let pgo = self.pgo_of_test(
                            request.variant.profile_name,
                            request.variant.profile,
                            program.package == "main",
                            &directory,
                        )?;
                        let test = test::Test { tested: &tested.path, program, internal, external, pgo };
                        let name = test.file_name();
                        tests.push(test);
                        State::Program(name)
                    }
                    Err(wrong) => State::Broken(vec![wrong]),
                },
            };
            packages.push(TestPackage { path: tested.path.clone(), directory, root, state });
        }
        let names = tested.iter().map(|tested| tested.path.clone()).collect();
        let values = stamps.values(request.variant.profile_name, request.variant.profile)?;
        let configuration = self.with_settings(request.variant, &values, c, |settings| {
            let settings = plan::Settings { tested: Some(&names), cover: cover.as_ref(), fuzz: request.fuzz, ..settings };
            if let Some(toolchain) = c {
                self.refuse_flags(&graph.packages().iter().collect::<Vec<_>>(), settings, toolchain)?;
            }
            test::configuration(&graph, settings, &tests, &plain, request.omit_debug)
        })??;
        Ok(Planned { configuration, graph, packages })
    }

    /// The directories of a package's module and of the package itself.
    pub(super) fn directory_of(&self, tested: &Tested) -> Result<(String, String)> {
        match &tested.origin {
            Some(Origin::Main { index, directory }) => {
                let root = &self.mains[*index].directory;
                Ok((root.clone(), join(root, directory)))
            }
            None => Ok((String::new(), String::new())),
            Some(_) => {
                let error = Error::input(format!("the tests of {} aren't part of the repository", tested.path));
                Err(error.help(
                    "the lock knows nothing of the tests of other modules and of the SDK; test packages of the repository",
                ))
            }
        }
    }

    /// Whether a package that is built has statements.
    fn has_statements(&self, graph: &PackageGraph, tested: &Tested, directory: &str) -> Result<bool> {
        for file in graph.get(&tested.path).iter().flat_map(|package| &package.selection.files.go) {
            if functions::has_statements(&self.read(&join(directory, file))?) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The content of a file of the repository.
    fn read(&self, path: &str) -> Result<Vec<u8>> {
        tree::read(&self.project.tree, path)
    }

    /// The functions in two lists of test files, or what is wrong with them.
    pub(super) fn functions(&self, directory: &str, lists: [&Vec<String>; 2]) -> Result<Result<[TestFunctions; 2], String>> {
        let mut found = [TestFunctions::default(), TestFunctions::default()];
        for (list, functions) in lists.into_iter().zip(&mut found) {
            for file in list {
                let path = join(directory, file);
                let more = self.project.tree.found("functions", &path, TestFunctions::of)?;
                // What is wrong is said with its place, for which the file is read again.
                if !more.is_some_and(|more| functions.extend(more))
                    && let Err(wrong) = functions.add(&self.read(&path)?)
                {
                    let line = wrong.position.line;
                    return Ok(Err(format!("{path}:{line}:{}: {}", wrong.position.column, wrong.message)));
                }
            }
        }
        if found.iter().all(|functions| functions.has_main) {
            return Ok(Err("multiple definitions of TestMain".to_owned()));
        }
        Ok(Ok(found))
    }
}

/// Refuses to make libraries of what is to be run.
pub(super) fn check_buildmode(profile: &Profile) -> Result<()> {
    match profile.buildmode {
        Buildmode::Default | Buildmode::Exe | Buildmode::Pie => Ok(()),
        mode => {
            let error = Error::input(format!("tests can't be run with buildmode = \"{}\"", mode.name()));
            Err(error.help("test in another profile, with --profile"))
        }
    }
}
