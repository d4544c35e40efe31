//! What Nix builds and runs of tests.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde::Serialize;

use super::aterm::placeholder;
use super::derivations::{Builder, Ground, dependencies_first, sdk_of};
use super::sdks::Sdk;
use super::store::{Attributes, Derivation, Text, store_name};
use crate::digest::Sha256;
use crate::error::{Error, Result};
use crate::name::ImportPath;
use crate::plan::{BinaryAction, Configuration, PackageAction};
use crate::source::tree::join;

/// What Nix builds of a configuration, and which tests it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How to build binaries.
    pub configuration: Configuration,
    /// The tests.
    pub tests: Tests,
    /// The same, built so that they count which statements run.
    pub covered: Tests,
}

impl Plan {
    /// Everything that is linked.
    pub fn programs(&self) -> impl Iterator<Item = &BinaryAction> {
        let tests = self.tests.programs.values().chain(self.covered.programs.values());
        self.configuration.binaries.values().chain(tests.map(|test| &test.program))
    }
}

/// The tests in a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tests {
    /// The packages that are compiled for tests alone, or for tests in another way.
    pub packages: BTreeMap<String, PackageAction>,
    /// Programs by the names of attributes, see [`names`].
    pub programs: BTreeMap<String, Test>,
}

/// A program that runs tests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Test {
    /// The import path of what it tests.
    pub tested: String,
    /// How it is linked.
    #[serde(flatten)]
    pub program: BinaryAction,
    /// What it is told besides what every one is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<String>,
    /// Where it runs.
    pub place: Place,
}

/// Where a test program runs: in a copy of some files of a module. Paths are relative to the module's directory, slash-separated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The directory of the module, relative to the spec; empty for the spec's own.
    pub root: String,
    /// The directory of the package.
    pub directory: String,
    /// The package's files; they must be there.
    pub files: BTreeSet<String>,
    /// What else may be read: files, if they are there,
    pub reads: BTreeSet<String>,
    /// directories, with the files in them,
    pub listed: BTreeSet<String>,
    /// and directories, with all that is below.
    pub below: BTreeSet<String>,
}

/// Says what is in a directory of the repository, which is there, by name.
pub type List<'a> = dyn Fn(&str) -> Result<BTreeMap<String, Listed>> + 'a;

/// What is in a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// A file, or a symbolic link to whatever.
    File,
    /// A directory.
    Directory,
}

/// Names for the tests of packages, which are given by import path with their directories. `nix-build -A tests` passes over names with other characters
/// than letters, digits, `_`, `-` and `+` (`getDerivations` in Nix's `get-drvs.cc`), so these are directories with `-` for `/` and `_` for all else.
/// Where several would have one name, a part of a hash tells them apart.
pub fn names<'p>(packages: impl IntoIterator<Item = (&'p ImportPath, &'p str)>) -> BTreeMap<&'p ImportPath, String> {
    /// Letters of the hash.
    const LENGTH: usize = 8;
    let plain = |(path, directory): (&'p ImportPath, &'p str)| {
        let place = if directory.is_empty() { path.command_name() } else { directory };
        let letter = |c: char| match c {
            '/' => '-',
            c if c.is_ascii_alphanumeric() || "_-".contains(c) => c,
            _ => '_',
        };
        let name: String = place.chars().map(letter).collect();
        // The first one may be nothing else.
        let is_plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        (path, if is_plain { name } else { format!("_{name}") })
    };
    let mut named: BTreeMap<&ImportPath, String> = packages.into_iter().map(plain).collect();
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    named.values().for_each(|name| *count.entry(name.clone()).or_default() += 1);
    for (path, name) in named.iter_mut().filter(|(_, name)| count[*name] > 1) {
        let hash = Sha256::of(path.as_str()).to_string();
        *name = format!("{name}+{}", &hash[..LENGTH]);
    }
    named
}

impl Place {
    /// All files that are there (`readableFiles`, and its own).
    pub(super) fn all(&self, list: &List) -> Result<BTreeSet<String>> {
        let mut found = self.files.clone();
        for path in &self.reads {
            if self.kind(list, path)? == Some(Listed::File) {
                found.insert(path.clone());
            }
        }
        let listed = self.listed.iter().map(|directory| (directory, false));
        for (directory, is_deep) in listed.chain(self.below.iter().map(|directory| (directory, true))) {
            if self.kind(list, directory)? == Some(Listed::Directory) {
                self.add(list, directory, is_deep, &mut found)?;
            }
        }
        Ok(found)
    }

    /// What a path is. Symbolic links aren't followed, and the module's directory is there.
    fn kind(&self, list: &List, path: &str) -> Result<Option<Listed>> {
        if path.is_empty() {
            return Ok(Some(Listed::Directory));
        }
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        match self.kind(list, parent)? {
            Some(Listed::Directory) => Ok(list(&join(&self.root, parent))?.get(name).copied()),
            _ => Ok(None),
        }
    }

    /// Adds the files in a directory, and if it `is_deep` those below.
    fn add(&self, list: &List, directory: &str, is_deep: bool, found: &mut BTreeSet<String>) -> Result<()> {
        for (name, kind) in list(&join(&self.root, directory))? {
            let path = join(directory, &name);
            match kind {
                Listed::File => drop(found.insert(path)),
                Listed::Directory if is_deep => self.add(list, &path, true, found)?,
                Listed::Directory => {}
            }
        }
        Ok(())
    }
}

impl Tests {
    /// The tests among `programs`, whose packages are `planned`; of these it takes only what a configuration of binaries doesn't have.
    pub fn beside(
        binaries: &Configuration,
        mut planned: BTreeMap<String, PackageAction>,
        programs: BTreeMap<String, Test>,
    ) -> Tests {
        let needed = needed(&planned, programs.values().flat_map(|test| &test.program.deps));
        planned.retain(|name, _| needed.contains(name));
        let mut own: BTreeSet<String> = BTreeSet::new();
        for name in dependencies_first(&planned) {
            let action = &planned[name];
            // What is the same but for what it depends on isn't the same.
            if binaries.packages.get(name) != Some(action) || action.deps.iter().any(|dep| own.contains(dep)) {
                own.insert(name.to_owned());
            }
        }
        planned.retain(|name, _| own.contains(name));
        Tests { packages: planned, programs }
    }
}

impl Builder<'_> {
    /// The results of tests by name; `packages` are those of binaries.
    pub(super) fn tested(
        &mut self,
        ground: &Ground,
        plan: &Plan,
        tests: &Tests,
        packages: &BTreeMap<&str, Rc<Derivation>>,
        counts: bool,
    ) -> Result<BTreeMap<String, Rc<Derivation>>> {
        let (configuration, mut packages) = (&plan.configuration, packages.clone());
        let sdk = sdk_of(ground, configuration)?;
        for name in dependencies_first(&tests.packages) {
            let action = &tests.packages[name];
            if self.lacks_compiler(ground, configuration, &packages, action) {
                packages.remove(name);
                continue;
            }
            let package = self.package(ground, sdk, configuration, &packages, (name, action))?;
            packages.insert(name, package);
        }
        let compiles_c = self.compiles_c(ground, configuration);
        let can_run = tests.programs.iter().filter(|(_, test)| test.program.c.is_none() || compiles_c);
        let run = can_run.map(|(name, test)| {
            let result = self.test(sdk, configuration, &packages, test, counts)?;
            Ok((name.clone(), result))
        });
        run.collect()
    }

    /// Runs the tests of a package (`run`). If it `counts`, the result is what `go test -coverprofile` writes.
    fn test(
        &mut self,
        sdk: &Sdk,
        configuration: &Configuration,
        packages: &BTreeMap<&str, Rc<Derivation>>,
        test: &Test,
        counts: bool,
    ) -> Result<Rc<Derivation>> {
        let tested = test.tested.as_str();
        let program = self.binary(sdk, configuration, packages, &format!("{tested}.test"), &test.program)?;
        let runner = self.runner()?;
        let place = &test.place;
        let files = place.all(self.settings.list)?;
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        let files = self.local_files(&place.root, &store_name(&format!("{tested}-test-files")), &files)?;
        let arguments: [Text; 5] = [
            tested.into(),
            program.out().within("", format!("/bin/{}", test.program.file)),
            files,
            place.directory.as_str().into(),
            sdk.goroot.clone(),
        ];
        let what = if counts { "counted" } else { "tested" };
        let attributes = Attributes::new(store_name(&format!("{tested}-{what}")), self.settings.system, runner.out());
        let profile = counts.then(|| Text::from(format!("-test.coverprofile={}", placeholder("out"))));
        let more = test.arguments.iter().map(|more| more.as_str().into()).chain(profile);
        self.store.derivation(attributes.arguments(arguments.into_iter().chain(more)))
    }

    /// One profile of all that tests have counted (`merge`).
    pub(super) fn coverage(&mut self, profiles: Vec<Text>) -> Result<Rc<Derivation>> {
        let runner = self.runner()?;
        let attributes = Attributes::new("go-coverage", self.settings.system, runner.out());
        self.store.derivation(attributes.arguments([Text::from("-merge")].into_iter().chain(profiles)))
    }

    fn runner(&self) -> Result<Rc<Derivation>> {
        let missing = || Error::input("the plan has no SDK that could compile what runs tests for Nix");
        self.runner.clone().ok_or_else(missing)
    }
}

/// These packages, and what they need.
fn needed<'p>(packages: &BTreeMap<String, PackageAction>, roots: impl Iterator<Item = &'p String>) -> BTreeSet<String> {
    let (mut found, mut open) = (BTreeSet::new(), roots.cloned().collect::<Vec<String>>());
    while let Some(name) = open.pop() {
        if let Some(action) = packages.get(&name)
            && found.insert(name)
        {
            open.extend(action.deps.iter().cloned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Source, Step};

    fn package(deps: &[&str], flag: &str) -> PackageAction {
        PackageAction {
            source: Source::Std { std: String::new() },
            deps: deps.iter().map(|dep| (*dep).to_owned()).collect(),
            steps: vec![Step::Run { run: vec![flag.to_owned()], dir: String::new() }],
            header: false,
            c: None,
        }
    }

    #[test]
    fn names_are_those_of_directories() {
        let name = |packages: &[(&str, &str)]| {
            let paths: Vec<(ImportPath, &str)> = packages.iter().map(|(path, dir)| (path.parse().unwrap(), *dir)).collect();
            names(paths.iter().map(|(path, dir)| (path, *dir))).into_values().collect::<Vec<String>>()
        };
        let module = "example.com/hello/v2";
        assert_eq!(name(&[(module, ""), ("example.com/hello/v2/a/b", "a/b")]), ["hello", "a-b"]);
        assert_eq!(name(&[("m/~x.y", "~x.y"), ("m/1-a", "1-a"), ("m/x/+", "x/+")]), ["_1-a", "x-_", "_x_y"]);
        assert_eq!(name(&[("m/a-b", "a-b"), ("m/a/b", "a/b"), ("m/c", "c")]), ["a-b+83950f3b", "a-b+84f90571", "c"]);
    }

    #[test]
    fn what_binaries_have_is_not_planned_again() {
        let named = |packages: &[(&str, PackageAction)]| {
            packages.iter().map(|(name, action)| ((*name).to_owned(), action.clone())).collect::<BTreeMap<_, _>>()
        };
        let (a, b, c) = (package(&[], ""), package(&["a"], ""), package(&["changed"], ""));
        let base = [("a", a.clone()), ("b", b.clone()), ("changed", package(&["a"], "-l")), ("c", c.clone())];
        let binaries =
            Configuration { sdk: String::new(), env: BTreeMap::new(), packages: named(&base), binaries: BTreeMap::new() };
        let planned = [
            ("a", a),
            ("b", b),
            ("changed", package(&["a"], "-N")),
            ("c", c),
            ("t [t.test]", package(&["b", "c"], "")),
            ("unused", package(&[], "")),
        ];
        let program = BinaryAction {
            file: "t.test".to_owned(),
            header: None,
            main: "t [t.test]".to_owned(),
            default: false,
            deps: vec!["t [t.test]".to_owned()],
            steps: Vec::new(),
            c: None,
        };
        let programs = BTreeMap::from([(
            "t".to_owned(),
            Test { tested: "t".to_owned(), program, arguments: Vec::new(), place: Place::default() },
        )]);
        let tests = Tests::beside(&binaries, named(&planned), programs);
        assert_eq!(tests.packages.keys().collect::<Vec<_>>(), ["c", "changed", "t [t.test]"]);
    }
}
