//! Bazel files: a section of MODULE.bazel, and rules in the BUILD file of each package directory.

mod build_file;
pub use build_file::{base_name, label, library_of, test_of};
mod directives;
mod image_rule;
mod layout;
mod merge;
mod module_file;
pub mod rule;
mod test_rule;

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Result};
use crate::graph::tested::TestGraph;
use crate::graph::{MainModule, Package, PackageGraph};
use crate::name::ImportPath;
use crate::platform::Platform;
use crate::source::build_file::BuildFile;
use crate::spec::{self, Profile, Ruleset, Target};
use crate::write::{GeneratedFile, GeneratedFiles};
use layout::Layout;

/// The ruleset's module and repository name.
pub const RULESET: &str = "rules_go_direct";
/// The ruleset's version that this program emits for.
pub const RULESET_VERSION: &str = "0.1.0";

/// A BUILD file that is there, or that there may be.
#[derive(Debug)]
pub struct Existing {
    /// Its path, relative to the spec.
    pub path: String,
    /// Whether it is there.
    pub is_there: bool,
    /// Whether it is a symbolic link, which writing would replace.
    pub is_link: bool,
    /// What is in it, or what is wrong with it; nothing if it isn't there.
    pub file: Result<BuildFile>,
    /// The files of its directory.
    pub entries: BTreeSet<String>,
}

/// BUILD files by directory.
pub type ExistingFiles = BTreeMap<String, Existing>;

/// Where rules and conditions come from.
pub struct Rules {
    /// The ruleset.
    pub ruleset: Ruleset,
    /// Its repository, as the main module calls it.
    pub repository: &'static str,
    /// The file to load rules from.
    pub file: String,
}

impl Rules {
    /// Those of a ruleset; MODULE.bazel says how it calls rules_go.
    pub fn new(ruleset: Ruleset, module_file: Option<&str>) -> Rules {
        let repository = match ruleset {
            Ruleset::RulesGoDirect => RULESET,
            Ruleset::RulesGo if module_file.is_some_and(|text| text.contains("\"io_bazel_rules_go\"")) => "io_bazel_rules_go",
            Ruleset::RulesGo => "rules_go",
        };
        let file = if ruleset == Ruleset::RulesGoDirect { "defs" } else { "def" };
        Rules { ruleset, repository, file: format!("@{repository}//go:{file}.bzl") }
    }

    /// Whether they are those of godirect's own ruleset.
    pub fn is_own(&self) -> bool {
        self.ruleset == Ruleset::RulesGoDirect
    }
}

/// What was rendered.
#[derive(Default)]
pub struct Rendered {
    /// The files; one without text is to be removed.
    pub files: GeneratedFiles,
    /// What was removed or switched, and where.
    pub notes: Vec<String>,
    /// What a person should look at, and where.
    pub warnings: Vec<String>,
    /// Why files are left as they are.
    pub errors: Vec<Error>,
    /// Files that load rules from another ruleset.
    foreign: Vec<String>,
}

/// What the files are made of.
pub struct Input<'a> {
    /// The repository's modules.
    pub mains: &'a [MainModule],
    /// The graph of every package of the repository, for each target platform and profile.
    pub views: &'a [View<'a>],
    /// The files of every package of the repository.
    pub files: &'a BTreeMap<ImportPath, PackageFiles>,
    /// The binaries of the spec.
    pub binaries: &'a [Binary],
    /// The images of the spec.
    pub images: &'a [Image<'a>],
    /// The tests of the repository's packages.
    pub tests: &'a [Test],
    /// MODULE.bazel as it is.
    pub module_file: Option<&'a str>,
    /// BUILD files as they are, for every directory that may have one.
    pub existing: &'a ExistingFiles,
    /// The rules to write.
    pub rules: &'a Rules,
    /// Whether rules that are loaded from another ruleset are switched.
    pub fix: bool,
}

/// The graph as one configuration sees it.
pub struct View<'a> {
    /// The platform.
    pub target: &'a Target,
    /// The name of the profile.
    pub profile: &'a str,
    /// The graph.
    pub graph: &'a PackageGraph,
    /// The tests, with all that they need; only in the profile that tests are built in.
    pub tests: Option<&'a TestGraph>,
}

impl View<'_> {
    /// The packages of the graph, and what only tests import: no pattern matches a package below `testdata`.
    pub fn packages(&self) -> impl Iterator<Item = &Package> {
        let of_tests = self.tests.into_iter().flat_map(|tests| tests.graph.packages());
        let is_only_there = |package: &&Package| package.for_test.is_none() && self.graph.get(&package.import_path).is_none();
        self.graph.packages().iter().chain(of_tests.filter(is_only_there))
    }
}

/// The files that builds of a package can choose on any platform that Go has a port to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackageFiles {
    /// The sources.
    pub sources: Vec<String>,
    /// The condition of those that have one which their name does not tell, in the syntax of `//go:build`.
    pub constraints: BTreeMap<String, String>,
    /// `//go:embed` patterns with the files that they match.
    pub embed: BTreeMap<String, Vec<String>>,
}

/// A binary in one profile.
#[derive(Clone, Debug)]
pub struct Binary {
    /// The target's name.
    pub name: String,
    /// The main package's import path.
    pub main: ImportPath,
    /// The build settings.
    pub profile: Profile,
    /// The values of the profile's stamps.
    pub stamps: BTreeMap<String, String>,
    /// The profile that optimisation is guided by: a file, relative to the spec.
    pub pgo: Option<String>,
    /// As `go list` shows it in `DefaultGODEBUG`.
    pub default_godebug: String,
    /// Whether the spec names it: then it is an error where it has no files.
    pub is_named: bool,
}

/// A container image.
#[derive(Clone, Debug)]
pub struct Image<'a> {
    /// What the spec says of it.
    pub image: &'a spec::Image,
    /// The directory of its binary, relative to the spec.
    pub directory: &'a str,
    /// The main package's import path.
    pub main: &'a ImportPath,
    /// The usual name of the binary's target.
    pub target: String,
    /// The whole environment of its program.
    pub env: BTreeMap<String, String>,
    /// The platforms that it is for.
    pub platforms: Vec<Platform>,
}

/// The tests of a package.
#[derive(Clone, Debug)]
pub struct Test {
    /// How the program that runs them is built.
    pub program: Binary,
    /// The tested package's module, among [`Input::mains`].
    pub module: usize,
    /// Its directory in the module.
    pub directory: String,
    /// The test files.
    pub files: PackageFiles,
    /// Those in the package `…_test`.
    pub external: Vec<String>,
    /// Whether there are files in `testdata`.
    pub has_testdata: bool,
    /// Files that they read besides, relative to the spec.
    pub reads: Vec<String>,
    /// What they import besides what the tested package does, on each platform where there are tests.
    pub imports: BTreeMap<Platform, BTreeSet<ImportPath>>,
}

/// Renders MODULE.bazel, and all BUILD files that have changed or must be there.
///
/// # Errors
///
/// When MODULE.bazel can't be extended, or a package differs between profiles in a way that BUILD files can't say.
pub fn render(input: &Input) -> Result<Rendered> {
    let mut rendered = Rendered::default();
    let layout = Layout::new(input);
    if let Some(text) = module_file::render(input, &layout)? {
        rendered.files.insert("MODULE.bazel".to_owned(), GeneratedFile { text, merged: true });
    }
    rendered.warnings.extend(layout.warnings.iter().cloned());
    let mut rules: BTreeMap<String, Vec<rule::Rule>> = build_file::package_rules(input, &layout)?;
    if input.rules.is_own() {
        for main in input.mains {
            rules.entry(main.directory.clone()).or_default().insert(0, build_file::module_rule(main));
        }
        let images = input.images.iter().map(|image| image_rule::rule(input, &layout, image));
        rules.entry(String::new()).or_default().extend(images);
    }
    let modules: BTreeSet<String> = input.mains.iter().map(|main| build_file::module_target(&main.directory)).collect();
    for (directory, existing) in input.existing {
        let wanted = rules.remove(directory).unwrap_or_default();
        let settings = layout.settings(directory);
        if settings.ignored || settings.excludes(directory) {
            continue;
        }
        match &existing.file {
            Ok(file) => {
                let (wanted, modules, rules, fix) = (wanted.as_slice(), &modules, input.rules, input.fix);
                let job = merge::Job { existing, file, directory, settings, rules, wanted, modules, fix };
                render_file(&job, &mut rendered);
            }
            Err(error) => rendered.errors.push(error.clone()),
        }
    }
    if let Some(example) = rendered.foreign.first() {
        let count = rendered.foreign.len();
        rendered.warnings.push(format!(
            "rules don't come from {} in {count} BUILD file{}, such as {example}; `godirect fix` switches them",
            input.rules.repository,
            if count == 1 { "" } else { "s" }
        ));
    }
    match rules.keys().next() {
        Some(directory) => Err(Error::input(format!("{directory} has a package, but isn't a directory that can hold one"))),
        None => Ok(rendered),
    }
}

/// Stands in the root's BUILD file when there is nothing else to say: the lock's label needs a package there.
const ROOT: &str = "# The label of godirect.lock.json needs a package here.\n";

fn render_file(job: &merge::Job, rendered: &mut Rendered) {
    let existing = job.existing;
    let merge::Outcome { mut text, notes, warnings, is_foreign } = merge::merge(job);
    rendered.foreign.extend(is_foreign.then(|| existing.path.clone()));
    if text.is_empty() && job.directory.is_empty() && job.rules.is_own() {
        ROOT.clone_into(&mut text);
    }
    rendered.notes.extend(notes);
    rendered.warnings.extend(warnings);
    if existing.is_link && text != job.file.text {
        let error = Error::input(format!("{} is a symbolic link, so it is left as it is", existing.path));
        rendered.errors.push(error.help("put a file in its place, or say `# gazelle:ignore` in it"));
    } else if existing.is_there || !text.is_empty() {
        rendered.files.insert(existing.path.clone(), GeneratedFile { text, merged: true });
    }
}
