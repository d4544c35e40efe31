//! What go.mod and go.work say in vain: requirements that no package needs, replacements and exclusions that nothing meets.
//!
//! `go mod tidy` is the judge of requirements. It looks at all platforms and tags, and at the tests of dependencies; whoever
//! only knows those of the spec can't always be as sure, and then says so.

use std::collections::BTreeSet;

use serde::Serialize;

use super::ModuleId;
use super::gomod::{Replace, Require, Target};
use super::workspace::{MainModule, Workspace, join};
use crate::name::ModulePath;

/// A line that nothing seems to need.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Unneeded {
    /// The file that has the line, relative to the spec.
    pub file: String,
    /// Which directive it is.
    pub directive: Directive,
    /// The module, with its version if the line has one.
    pub module: String,
    /// Whether nothing can need it; otherwise only what the spec asks for doesn't.
    pub certain: bool,
    /// Why nothing seems to need it.
    pub reason: String,
    /// The command that removes it, if nothing needs it.
    pub remove: String,
}

/// A directive of go.mod or go.work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Directive {
    /// `require`
    Require,
    /// `replace`
    Replace,
    /// `exclude`
    Exclude,
}

/// What is known to be needed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// For each main module the modules of the packages that its packages and their tests need.
    pub modules: Vec<BTreeSet<ModulePath>>,
    /// For each main module the import paths in all files of these modules that are known, whether something chooses them or not.
    pub imports: Vec<BTreeSet<String>>,
    /// Everything that any go.mod of the module graph requires; `None` when only those of the repository are known.
    pub required: Option<BTreeSet<ModuleId>>,
}

/// A go.mod or go.work.
struct File {
    /// Relative to where the user is.
    path: String,
    /// The go command there: `go`, or `go -C` with the directory.
    go: String,
}

impl File {
    fn new(directory: &str, name: &str) -> File {
        let go = if directory.is_empty() { "go".to_owned() } else { format!("go -C {directory}") };
        File { path: join(directory, name), go }
    }

    fn line(&self, directive: Directive, module: String, certain: bool, reason: String, remove: &str) -> Unneeded {
        let remove = format!("{} {remove}", self.go);
        Unneeded { file: self.path.clone(), directive, module, certain, reason, remove }
    }
}

/// The lines that nothing seems to need, sorted by file. `directory` leads from the user to the workspace's; empty for the same one.
pub fn unneeded(workspace: &Workspace, needs: &Needs, directory: &str) -> Vec<Unneeded> {
    let mut found = Vec::new();
    for (module, (needed, imports)) in workspace.modules.iter().zip(needs.modules.iter().zip(&needs.imports)) {
        let file = File::new(&join(directory, &module.dir), "go.mod");
        let (is_needed, meant) = (|require: &&Require| needed.contains(&require.id.path), meant(module, imports));
        // Without go.sum, or with an old one, it says nothing about what Go has looked into.
        let is_complete = module.gomod.require.iter().filter(is_needed).all(|require| has_content(workspace, &require.id));
        let others = module.gomod.require.iter().filter(|require| !is_needed(require) && !meant.contains(&require.id.path));
        let vendored = |path: &ModulePath| workspace.vendor.iter().any(|vendor| vendor.providers().any(|m| m.path == *path));
        // vendor/ has what tests and other tags need, whatever the spec asks for.
        for Require { id, .. } in others.filter(|require| !vendored(&require.id.path)) {
            found.push(requirement(module, id, is_complete && !has_content(workspace, id), &file));
        }
        found.extend(module.gomod.replace.iter().filter_map(|r| replacement(workspace, needs, r, &file, "mod edit")));
        found.extend(module.gomod.exclude.iter().filter_map(|id| exclusion(workspace, needs, id, &file)));
    }
    let file = File::new(directory, "go.work");
    let of_work = workspace.work.iter().flat_map(|work| &work.replace);
    found.extend(of_work.filter_map(|r| replacement(workspace, needs, r, &file, "work edit")));
    found.sort();
    found
}

/// Whether go.sum has a hash of a module's content, or can't have one: its own source is in the repository.
fn has_content(workspace: &Workspace, id: &ModuleId) -> bool {
    match workspace.replacement(id) {
        Some(Target::Directory(_)) => true,
        Some(Target::Module(target)) => workspace.sums.has_content(&target.path),
        None => workspace.main_module(&id.path).is_some() || workspace.sums.has_content(&id.path),
    }
}

/// The required modules whose path fits an import or a tool best, so that they probably have that package.
fn meant<'m>(module: &'m MainModule, imports: &BTreeSet<String>) -> BTreeSet<&'m ModulePath> {
    let tools = module.gomod.tool.iter().map(|tool| tool.as_str());
    let fitting = |import: &str| {
        let below =
            |path: &ModulePath| import.strip_prefix(path.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let paths = module.gomod.require.iter().map(|require| &require.id.path).filter(|path| below(path));
        paths.max_by_key(|path| path.as_str().len())
    };
    imports.iter().map(String::as_str).chain(tools).filter_map(fitting).collect()
}

fn requirement(module: &MainModule, id: &ModuleId, certain: bool, file: &File) -> Unneeded {
    let (reason, remove) = if certain {
        ("go.sum has no hash of its content, so no package comes from it".to_owned(), "mod tidy".to_owned())
    } else {
        let tools = if module.gomod.tool.is_empty() { "" } else { "tools, " };
        let others = format!("{tools}other tags or tests of dependencies may");
        let reason = format!("no package of it is needed on the spec's platforms, with its tags; {others}");
        (reason, format!("mod tidy (`{} mod why -m {}` tells before)", file.go, id.path))
    };
    file.line(Directive::Require, shown(id), certain, reason, &remove)
}

fn replacement(workspace: &Workspace, needs: &Needs, replace: &Replace, file: &File, edit: &str) -> Option<Unneeded> {
    let Replace { path, version, .. } = replace;
    let fits = |id: &ModuleId| id.path == *path && version.as_ref().is_none_or(|version| *version == id.version);
    if own_requirements(workspace).any(fits) || needs.required.as_ref().is_some_and(|required| required.iter().any(fits)) {
        return None;
    }
    let what = match version {
        Some(version) => format!("{path} {version}"),
        None => path.to_string(),
    };
    // Where go.mod lists all modules, Go still meets others: it looks for ambiguous imports in what dependencies require.
    let reason = match &needs.required {
        Some(_) => "no go.mod of the module graph requires it".to_owned(),
        None => format!("{} doesn't require it; a dependency may (`{} mod graph` tells)", file.path, file.go),
    };
    let certain = needs.required.is_some();
    let key = version.as_ref().map_or_else(|| path.to_string(), |version| format!("{path}@{version}"));
    Some(file.line(Directive::Replace, what, certain, reason, &format!("{edit} -dropreplace={key}")))
}

fn exclusion(workspace: &Workspace, needs: &Needs, id: &ModuleId, file: &File) -> Option<Unneeded> {
    let known = needs.required.as_ref();
    if own_requirements(workspace).any(|own| own == id) || known.is_some_and(|required| required.contains(id)) {
        return None;
    }
    let reason = match known {
        Some(_) => "no go.mod of the module graph requires it; it only keeps `go get -u` from it".to_owned(),
        None => format!(
            "{} doesn't require it; a dependency may (`{} mod graph` tells), and it keeps `go get -u` from it",
            file.path, file.go
        ),
    };
    Some(file.line(Directive::Exclude, shown(id), known.is_some(), reason, &format!("mod edit -dropexclude={id}")))
}

/// What the go.mod files of the repository require.
fn own_requirements(workspace: &Workspace) -> impl Iterator<Item = &ModuleId> {
    workspace.modules.iter().flat_map(|module| &module.gomod.require).map(|require| &require.id)
}

/// A module as go.mod has it.
fn shown(id: &ModuleId) -> String {
    format!("{} {}", id.path, id.version)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const HASH: &str = "h1:9LQ6xuew6aOyqFMdSHbQ3mR3yrPpDzoPYZFOGdPpmXo=";

    fn found(files: &[(&str, &str)], needs: &Needs) -> Vec<String> {
        let read = |name: &str| Ok(files.iter().find(|(n, _)| *n == name).map(|(_, c)| (*c).to_owned()));
        let workspace = Workspace::load_with(Path::new("."), &read).unwrap();
        let show = |u: Unneeded| {
            let sure = if u.certain { "certain" } else { "perhaps" };
            format!("{}: {:?} {}: {sure}: {}: {}", u.file, u.directive, u.module, u.reason, u.remove)
        };
        unneeded(&workspace, needs, "").into_iter().map(show).collect()
    }

    fn needs(modules: &[&str], imports: &[&str]) -> Needs {
        Needs {
            modules: vec![modules.iter().map(|path| path.parse().unwrap()).collect()],
            imports: vec![imports.iter().map(|path| (*path).to_owned()).collect()],
            required: None,
        }
    }

    const LAZY: &str = "module m\n\ngo 1.27\n\ntool c.com/c/cmd/x\n\nrequire (\n\ta.com/a v1.0.0\n\ta.com/a/b v1.0.0\n\tb.com/b v1.1.0\n\tc.com/c v1.0.0\n\td.com/d v1.0.0\n\te.com/e v1.0.0\n)\n\nreplace b.com/b v1.0.0 => ../b\n\nreplace f.com/f => f.com/g v1.0.0\n\nreplace e.com/e => e.com/h v1.0.0\n\nexclude b.com/b v1.2.0\n";

    #[test]
    fn what_isnt_needed_is_told_from_what_may_not_be() {
        let sum = format!("b.com/b v1.1.0 {HASH}\nd.com/d v1.0.0 {HASH}\ne.com/e v1.0.0 {HASH}\n");
        assert_eq!(
            found(
                &[("go.mod", LAZY), ("go.sum", &sum), ("../b/go.mod", "module b.com/b\n")],
                &needs(&["b.com/b"], &["a.com/a/b/c", "fmt"])
            ),
            [
                "go.mod: Require a.com/a v1.0.0: certain: go.sum has no hash of its content, so no package comes from it: go mod tidy",
                "go.mod: Require d.com/d v1.0.0: perhaps: no package of it is needed on the spec's platforms, with its tags; tools, other tags or tests of dependencies may: go mod tidy (`go mod why -m d.com/d` tells before)",
                "go.mod: Require e.com/e v1.0.0: certain: go.sum has no hash of its content, so no package comes from it: go mod tidy",
                "go.mod: Replace b.com/b v1.0.0: perhaps: go.mod doesn't require it; a dependency may (`go mod graph` tells): go mod edit -dropreplace=b.com/b@v1.0.0",
                "go.mod: Replace f.com/f: perhaps: go.mod doesn't require it; a dependency may (`go mod graph` tells): go mod edit -dropreplace=f.com/f",
                "go.mod: Exclude b.com/b v1.2.0: perhaps: go.mod doesn't require it; a dependency may (`go mod graph` tells), and it keeps `go get -u` from it: go mod edit -dropexclude=b.com/b@v1.2.0",
            ]
        );
    }

    #[test]
    fn a_go_sum_without_what_is_needed_says_nothing() {
        let shown = found(
            &[("go.mod", "module m\n\ngo 1.27\n\nrequire (\n\ta.com/a v1.0.0\n\tb.com/b v1.0.0\n)\n")],
            &needs(&["b.com/b"], &[]),
        );
        assert_eq!(shown.len(), 1);
        assert!(shown[0].starts_with("go.mod: Require a.com/a v1.0.0: perhaps: "), "{shown:?}");
    }

    #[test]
    fn a_module_graph_that_is_known_decides() {
        let files = [
            ("go.work", "go 1.27\n\nuse ./a\n\nreplace x.com/x => ./x\n\nreplace y.com/y v1.0.0 => ./x\n"),
            ("a/go.mod", "module a\n\nrequire r.com/r v1.0.0\n\nexclude (\n\te.com/e v1.0.0\n\te.com/e v1.1.0\n)\n"),
            ("a/go.sum", ""),
            ("x/go.mod", "module x.com/x\n"),
        ];
        let id = |text: &str| text.parse().unwrap();
        let required = [id("r.com/r@v1.0.0"), id("x.com/x@v1.0.0"), id("e.com/e@v1.1.0"), id("y.com/y@v1.1.0")].into();
        assert_eq!(
            found(&files, &Needs { required: Some(required), ..needs(&["r.com/r"], &[]) }),
            [
                "a/go.mod: Exclude e.com/e v1.0.0: certain: no go.mod of the module graph requires it; it only keeps `go get -u` from it: go -C a mod edit -dropexclude=e.com/e@v1.0.0",
                "go.work: Replace y.com/y v1.0.0: certain: no go.mod of the module graph requires it: go work edit -dropreplace=y.com/y@v1.0.0",
            ]
        );
    }

    #[test]
    fn vendor_tells_what_other_tags_need() {
        let files = [
            ("go.mod", "module m\n\ngo 1.27\n\nrequire (\n\ta.com/a v1.0.0\n\tb.com/b v1.0.0\n)\n"),
            ("vendor/modules.txt", "# a.com/a v1.0.0\n## explicit\na.com/a\n# b.com/b v1.0.0\n## explicit\n"),
        ];
        assert_eq!(
            found(&files, &needs(&[], &[])),
            [
                "go.mod: Require b.com/b v1.0.0: certain: go.sum has no hash of its content, so no package comes from it: go mod tidy"
            ]
        );
    }
}
