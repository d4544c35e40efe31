//! `godirect affected --verify`: the answer beside that of the go command, which is asked about both trees.
//!
//! The build ID of a package, as `go list -export` gives it, is of all that the package was compiled from and of what came out. So two trees
//! have different results where the second half of the ID of a target, or of anything that it needs, is different; or the whole of a command's,
//! where binaries have build IDs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::side::{Chosen, Side, chosen_variants};
use crate::affected::{Compared, Kind};
use crate::cli::progress::Bar;
use crate::error::{Class, Error, Result};
use crate::exec::{self, sdk};
use crate::lock::cache::Cache;
use crate::lock::fetch::Fetcher;
use crate::lock::proxy::Proxy;
use crate::platform::OsArch;
use crate::project::stamps::Stamps;
use crate::project::{Locked, Project, Variant};
use crate::spec::profile::BuildId;

/// How an answer stands beside the go command's, on one platform in one profile.
#[derive(Debug, Serialize, Deserialize)]
pub struct Verified {
    /// The platform with the profile.
    pub view: String,
    /// How many targets the go command tells apart.
    pub differ: usize,
    /// Those of them that the answer doesn't have. There must be none.
    pub missing: Vec<String>,
    /// How many targets the answer has besides.
    pub more: usize,
}

/// What decides about the results of targets, by view and target.
type Truth = BTreeMap<String, BTreeMap<String, String>>;

/// Holds an answer about all targets against the go command.
///
/// # Errors
///
/// When a tree can't be written to a temporary directory, the go command can't be run, or one of the trees is known from a file only.
pub fn verify(sides: [&Side; 2], directory: &Path, chosen: &Chosen, compared: &Compared) -> Result<Vec<Verified>> {
    let cache = Cache::open()?;
    let [base, head] = sides.map(|side| truth(side, directory, chosen, &cache));
    let (base, head) = (base?, head?);
    let views: BTreeSet<&String> = base.keys().chain(head.keys()).collect();
    let none = BTreeMap::new();
    let of_view = |view: &String| {
        let (before, after) = (base.get(view).unwrap_or(&none), head.get(view).unwrap_or(&none));
        let all: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let differ: BTreeSet<&String> = all.into_iter().filter(|target| before.get(*target) != after.get(*target)).collect();
        // The go command knows nothing of other targets.
        let impacts = compared.impacts.iter().filter(|impact| impact.rule.is_empty() && impact.views.contains(view));
        let answer: BTreeSet<String> = impacts.map(|impact| name(impact.kind, &impact.name)).collect();
        let missing = differ.iter().filter(|target| !answer.contains(**target)).map(|target| (*target).clone()).collect();
        let more = answer.iter().filter(|target| !differ.contains(target)).count();
        Verified { view: view.clone(), differ: differ.len(), missing, more }
    };
    Ok(views.into_iter().map(of_view).collect())
}

fn name(kind: Kind, name: &str) -> String {
    format!("{} {name}", kind.name())
}

/// What the go command says of a tree.
fn truth(side: &Side, directory: &Path, chosen: &Chosen, cache: &Cache) -> Result<Truth> {
    let scratch = cache.temporary_directory()?;
    let place = side.checked_out(directory, &scratch.path().join("tree"))?;
    let project = Project::open(&place)?;
    let lock = project.read_lock()?;
    let locked = project.with_lock(&lock)?;
    let (proxy, bar) = (Proxy::from_env()?, Bar::bytes());
    let progress = |p: crate::lock::Progress<'_>| bar.download(p);
    let fetcher = Fetcher { cache, proxy: &proxy, database: None, progress: &progress };
    let phases = Bar::phases();
    let mut truth = Truth::new();
    for variant in chosen_variants(&project, chosen) {
        let goroot = sdk::locked(&fetcher, locked.sdk(variant.profile), OsArch::host()?, &place, &|_| ())?.goroot;
        phases.phase(&format!("go list -export in {}, {}", side.name, variant.name()));
        let listed = list(&locked, &variant, &goroot, cache)?;
        truth.insert(variant.name(), targets(&project, variant, &listed));
    }
    Ok(truth)
}

/// A package as the go command describes it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct Package {
    import_path: String,
    name: String,
    for_test: Option<String>,
    module: Option<Module>,
    dir: Option<String>,
    deps: Vec<String>,
    #[serde(rename = "BuildID")]
    build_id: String,
    #[serde(rename = "DefaultGODEBUG")]
    default_godebug: String,
    go_files: Vec<String>,
    cgo_files: Vec<String>,
    error: Option<serde::de::IgnoredAny>,
    deps_errors: Option<serde::de::IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Module {
    main: bool,
}

impl Package {
    /// What of it is in what it is linked into: what came out when it was compiled, and of a command all of its build ID, if the binary has one.
    fn linked(&self, buildid: BuildId) -> &str {
        if buildid == BuildId::Go && self.name == "main" { &self.build_id } else { self.content() }
    }

    /// What came out when it was compiled.
    fn content(&self) -> &str {
        self.build_id.rsplit_once('/').map_or("", |(_, content)| content)
    }

    /// Whether it can't be built.
    fn is_wrong(&self) -> bool {
        self.error.is_some() || self.deps_errors.is_some()
    }

    /// The import path of what it tests, if it is the program of a test.
    fn tested(&self) -> Option<&str> {
        self.import_path.strip_suffix(".test").filter(|_| self.name == "main" && !self.import_path.contains(' '))
    }
}

/// The packages of the main modules, with their tests and all that they need.
fn list(locked: &Locked, variant: &Variant, goroot: &Path, cache: &Cache) -> Result<BTreeMap<String, Package>> {
    const FIELDS: &str =
        "-json=ImportPath,Name,ForTest,Module,Dir,Deps,BuildID,DefaultGODEBUG,GoFiles,CgoFiles,Error,DepsErrors";
    let project = locked.project;
    let stamps = Stamps::Placeholders.values(variant.profile_name, variant.profile)?;
    let mut arguments = ["list", "-e", "-deps", "-test", "-export", FIELDS].map(str::to_owned).to_vec();
    arguments.extend(variant.go_build_flags(&project.dir, &stamps)?);
    arguments.extend(project.mains.iter().filter(|main| main.stands_for.is_none()).map(|main| format!("{}/...", main.path)));
    let mut env: BTreeMap<String, String> = std::env::vars().collect();
    env.extend(variant.go_env());
    for (name, value) in [("GOTOOLCHAIN", "local"), ("GOENV", "off"), ("GOFLAGS", ""), ("GOTELEMETRY", "off")] {
        env.insert(name.to_owned(), value.to_owned());
    }
    env.insert("GOROOT".to_owned(), goroot.display().to_string());
    env.insert("GOCACHE".to_owned(), cache.root().join("go-build").display().to_string());
    let at = std::path::absolute(project.module_dir()).map_err(|e| Error::io("use", &project.dir, &e))?;
    let output = exec::output(&goroot.join("bin/go"), &arguments, &at, &env)?;
    let wrong = |why: String| Error::new(Class::Environment, format!("go list failed for {}: {why}", variant.name()));
    if output.stdout.is_empty() && !output.success {
        return Err(wrong(output.stderr.trim().to_owned()));
    }
    let packages = serde_json::Deserializer::from_str(&output.stdout).into_iter::<Package>();
    let named = packages.map(|package| package.map(|package| (package.import_path.clone(), package)));
    named.collect::<std::result::Result<_, _>>().map_err(|e| wrong(e.to_string()))
}

/// What decides about each target's result: the text is the same if the results are.
fn targets(project: &Project, variant: Variant, packages: &BTreeMap<String, Package>) -> BTreeMap<String, String> {
    let parts = |package: &Package, linked: bool| -> String {
        if package.is_wrong() {
            return "error".to_owned();
        }
        let deps = package.deps.iter().filter_map(|dep| packages.get(dep)).chain([package]);
        let buildid = variant.profile.buildid;
        let contents: BTreeSet<&str> = deps.map(|dep| if linked { dep.linked(buildid) } else { dep.content() }).collect();
        let godebug = if linked { package.default_godebug.as_str() } else { "" };
        contents.into_iter().chain([godebug]).collect::<Vec<_>>().join(" ")
    };
    let is_own = |path: &str| packages.get(path).is_some_and(|p| p.module.as_ref().is_some_and(|module| module.main));
    let mut found = BTreeMap::new();
    for (path, package) in packages {
        if let Some(tested) = package.tested().filter(|tested| is_own(tested)) {
            found.insert(name(Kind::Test, tested), parts(package, true));
            continue;
        }
        // What is compiled anew for a test isn't asked for, nor can what is imported in vain be.
        let is_target = package.for_test.is_none() && !path.contains(' ') && package.dir.is_some() && is_own(path);
        // Where there are only tests, the go command lists a package, too.
        let has_files = !package.go_files.is_empty() || !package.cgo_files.is_empty() || package.error.is_some();
        if is_target && has_files {
            found.insert(name(Kind::Package, path), parts(package, false));
        }
    }
    for (binary, planned) in project.binaries_of(variant) {
        let built = packages.get(planned.main.as_str());
        if let Some(package) = built.filter(|p| !p.go_files.is_empty() || !p.cgo_files.is_empty()) {
            found.insert(name(Kind::Binary, binary), parts(package, true));
        }
    }
    found
}

/// The result for people, a line for each view, and one for each target that is missing.
pub fn lines(verified: &[Verified]) -> Vec<String> {
    let mut lines = Vec::new();
    for Verified { view, differ, missing, more } in verified {
        let found = differ - missing.len();
        lines.push(format!("{view}: {found} of the {differ} targets that the go command tells apart, and {more} more"));
        lines.extend(missing.iter().map(|target| format!("{view}: {target} is missing")));
    }
    lines
}

/// That a target is missing is a mistake of this program.
pub fn check(verified: &[Verified]) -> Result<()> {
    let missing: usize = verified.iter().map(|verified| verified.missing.len()).sum();
    if missing == 0 {
        return Ok(());
    }
    let error = Error::new(Class::Negative, format!("{missing} of the targets that the go command tells apart are missing"));
    Err(error.help("this must never be: report it with both trees, and take all targets for affected meanwhile"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_an_error() {
        let verified = |missing: &[&str]| Verified {
            view: "linux_amd64".to_owned(),
            differ: 3,
            missing: missing.iter().map(|target| (*target).to_owned()).collect(),
            more: 1,
        };
        assert!(check(&[]).is_ok() && check(&[verified(&[])]).is_ok());
        let found = [verified(&[]), verified(&["test a", "binary b"])];
        assert_eq!(check(&found).unwrap_err().message(), "2 of the targets that the go command tells apart are missing");
        assert_eq!(
            lines(&found),
            [
                "linux_amd64: 3 of the 3 targets that the go command tells apart, and 1 more",
                "linux_amd64: 1 of the 3 targets that the go command tells apart, and 1 more",
                "linux_amd64: test a is missing",
                "linux_amd64: binary b is missing",
            ]
        );
    }
}
