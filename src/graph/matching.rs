//! Which packages patterns name, as the go command matches them (`LoadPackages` in `cmd/go/internal/modload`).

use std::collections::{BTreeSet, HashSet};

use rayon::prelude::*;

use super::listing::Match;
use super::load::is_local;
use super::pattern::{below, matches_pattern};
use super::problem::{Problem, ProblemKind};
use super::resolve::import_path_fault;
use super::sources::{ModuleInfo, Std, ThirdParty};
use super::walk::{Reaches, Root, is_passed_over, walk};
use super::{Origin, Sources};
use crate::error::{Error, Result};
use crate::name::ImportPath;
use crate::source::context::BuildContext;
use crate::source::tree::{EntryKind, Tree, clean, join};

/// What decides which packages patterns name.
pub struct Patterns<'a> {
    /// The packages.
    pub sources: &'a Sources<'a>,
    /// The build.
    pub context: &'a BuildContext,
    /// What `tool` stands for.
    pub tools: &'a [ImportPath],
    /// Whether `all` has what the tests of dependencies need, as before Go 1.16.
    pub all_has_tests: bool,
}

impl Patterns<'_> {
    /// The packages of each pattern, in Go's order.
    ///
    /// # Errors
    ///
    /// Only what stops everything: a directory that can't be read, a pattern with a version.
    pub fn matches(&self, patterns: &[String]) -> Result<Vec<Match>> {
        let none = [".".to_owned()];
        let patterns = if patterns.is_empty() { &none } else { patterns };
        patterns.iter().map(|pattern| self.one(&tidy(pattern)?)).collect()
    }

    fn one(&self, pattern: &str) -> Result<Match> {
        let mut found = Match { pattern: pattern.to_owned(), packages: Vec::new(), problem: None };
        match pattern {
            _ if is_local(pattern) || pattern.starts_with('/') => self.in_directories(pattern, &mut found)?,
            "std" | "cmd" => found.packages = self.of_sdk(pattern)?,
            "work" => found.packages = self.matching(&|_| true, &|_| true, false)?,
            "all" => found.packages = self.all()?,
            "tool" => found.packages = self.tools.iter().map(ToString::to_string).collect(),
            _ if pattern.contains("...") => {
                let start = &pattern[..pattern.find("...").unwrap_or(0)];
                let reaches = |name: &str| name.starts_with(start) || below(start.trim_end_matches('/'), name).is_some();
                found.packages = self.matching(&|name| matches_pattern(pattern, name), &reaches, true)?;
                found.problem = self.unread(&reaches);
            }
            _ => found.packages.push(pattern.to_owned()),
        }
        Ok(found)
    }

    /// A module that nothing vouches for could have packages that the pattern matches.
    fn unread(&self, reaches: &Reaches<'_>) -> Option<Problem> {
        let ThirdParty::Unpacked { modules, .. } = &self.sources.third_party else { return None };
        let module = modules.iter().find(|m| !m.vouched && reaches(m.info.path.as_str()))?;
        let ModuleInfo { path, version, .. } = &module.info;
        Some(Problem::plain(format!("{path}@{version}: missing go.sum entry")))
    }

    /// The packages of the main modules, or of all, sorted.
    fn matching(&self, fits: &Reaches<'_>, reaches: &Reaches<'_>, all: bool) -> Result<Vec<String>> {
        let sources = self.sources;
        let mut candidates: Vec<String> = Vec::new();
        if let (Std::Tree(tree), true) = (sources.std, all) {
            let root = |path: &str| Root {
                tree,
                directory: path.to_owned(),
                path: path.to_owned(),
                within: String::new(),
                ignore: &[],
                prune: (true, false),
            };
            candidates.extend(walk(&root(""), reaches)?);
            candidates.extend(walk(&root("cmd"), reaches)?);
        }
        for module in sources.main.iter().filter(|m| all || m.stands_for.is_none()) {
            let (directory, path) = (module.directory.clone(), module.path.to_string());
            let root = Root {
                tree: sources.tree,
                directory,
                path,
                within: String::new(),
                ignore: &module.ignore,
                prune: (true, true),
            };
            candidates.extend(walk(&root, reaches)?);
        }
        match &sources.third_party {
            ThirdParty::Unpacked { modules, .. } if all => {
                for (index, module) in modules.iter().enumerate().filter(|(_, m)| m.vouched && reaches(m.info.path.as_str())) {
                    let (tree, path) = (sources.module_tree(index)?, module.info.path.to_string());
                    let root = Root {
                        tree: &*tree,
                        directory: String::new(),
                        path,
                        within: String::new(),
                        ignore: &[],
                        prune: (false, true),
                    };
                    candidates.extend(walk(&root, reaches)?);
                }
            }
            ThirdParty::VendorTree { directory, .. } if all => {
                let (directory, path) = ((*directory).to_owned(), String::new());
                candidates.extend(walk(
                    &Root { tree: sources.tree, directory, path, within: String::new(), ignore: &[], prune: (false, true) },
                    reaches,
                )?);
            }
            _ => {}
        }
        candidates.retain(|path| {
            fits(path) && !matches!(path.as_str(), "builtin" | "cmd") && (self.context.cgo || path != "runtime/cgo")
        });
        let mut packages = self.with_files(candidates, false)?;
        packages.sort();
        packages.dedup();
        Ok(packages)
    }

    /// Those that have Go files for the build, test files included: as Go's builder sees them, or its module loader.
    fn with_files(&self, paths: Vec<String>, built: bool) -> Result<Vec<String>> {
        let has_files = |path: &String| -> Result<bool> {
            let found = self.sources.find(path, self.context)?;
            let Some(origin) = &found.origin else {
                return Ok(found.problem.is_some_and(|p| p.kind != ProblemKind::Missing));
            };
            let source = self.sources.source_of(origin, path)?;
            Ok(source.is_some_and(|s| if built { s.is_built_for(self.context) } else { s.is_found_for(self.context) }))
        };
        let chosen: Result<Vec<bool>> = paths.par_iter().map(has_files).collect();
        Ok(paths.into_iter().zip(chosen?).filter_map(|(path, chosen)| chosen.then_some(path)).collect())
    }

    /// `std` or `cmd`, in the order of directories.
    fn of_sdk(&self, pattern: &str) -> Result<Vec<String>> {
        let Std::Tree(tree) = self.sources.std else { return Ok(Vec::new()) };
        let start = if pattern == "cmd" { "cmd" } else { "" };
        let root = Root {
            tree,
            directory: start.to_owned(),
            path: start.to_owned(),
            within: String::new(),
            ignore: &[],
            prune: (false, false),
        };
        let reaches =
            |name: &str| pattern == "cmd" || name != "cmd" && !name.split('/').next().unwrap_or_default().contains('.');
        let mut candidates = walk(&root, &reaches)?;
        candidates.retain(|path| !matches!(path.as_str(), "builtin" | "cmd") && (self.context.cgo || path != "runtime/cgo"));
        let mut packages = self.with_files(candidates, true)?;
        if pattern == "cmd" {
            let mut programs = HashSet::new();
            for path in packages.iter().filter(|path| path.starts_with("cmd/vendor/")) {
                if self.sources.find(path, self.context)?.chosen.name == "main" {
                    programs.insert(path.clone());
                }
            }
            packages.retain(|path| !programs.contains(path));
        }
        Ok(packages)
    }

    /// What the main modules' packages and their tests import, directly or not, sorted.
    fn all(&self) -> Result<Vec<String>> {
        let mut roots = self.matching(&|_| true, &|_| true, false)?;
        roots.extend(self.tools.iter().map(ToString::to_string));
        let (mut all, mut round) = (BTreeSet::new(), roots);
        while !round.is_empty() {
            let imports: Result<Vec<Vec<String>>> = round.par_iter().map(|path| self.imports(path)).collect();
            all.extend(round);
            let imports: BTreeSet<String> = imports?.into_iter().flatten().collect();
            round = imports.into_iter().filter(|path| !all.contains(path)).collect();
        }
        Ok(all.into_iter().filter(|path| import_path_fault(path).is_none()).collect())
    }

    fn imports(&self, path: &str) -> Result<Vec<String>> {
        let found = self.sources.find(path, self.context)?;
        let own = matches!(&found.origin, Some(Origin::Main { index, .. }) if self.sources.main[*index].stands_for.is_none());
        let chosen = &found.chosen;
        let tests = if own || self.all_has_tests { vec![&chosen.test, &chosen.external_test] } else { Vec::new() };
        let mut imports = Vec::new();
        for written in tests.into_iter().chain([&chosen.package]).flat_map(|part| part.imports.keys()) {
            if matches!(written.split('/').next(), Some("appengine" | "appengine_internal")) || written == "C" {
                continue;
            }
            let vendored = if found.origin == Some(Origin::Std) { self.sources.vendored(path, written)? } else { None };
            imports.push(vendored.unwrap_or_else(|| written.clone()));
        }
        Ok(imports)
    }

    /// A directory, or those below one.
    fn in_directories(&self, pattern: &str, found: &mut Match) -> Result<()> {
        let sources = self.sources;
        let absolute = if pattern.starts_with('/') { pattern.to_owned() } else { sources.in_root(pattern) };
        let absolute = clean(&absolute);
        let Some(at) = absolute.find("...") else {
            match self.at_directory(&absolute)? {
                Ok(path) => found.packages.push(path),
                Err(problem) => found.problem = Some(problem),
            }
            return Ok(());
        };
        let start = &absolute[..absolute[..at].rfind('/').unwrap_or(0)];
        let (tree, directory, within, ignore) = match (self.sources.main_at(start), sources.std) {
            (Some((index, rest)), _) if !sources.in_nested_module(index, &rest)? => {
                let module = &sources.main[index];
                (sources.tree, join(&module.directory, &rest), rest, &module.ignore[..])
            }
            (_, Std::Tree(tree)) if below(start, &sources.goroot_src()).is_some() => {
                (tree as &dyn Tree, below(start, &sources.goroot_src()).unwrap_or_default().to_owned(), String::new(), &[][..])
            }
            _ => {
                let scope = match sources.in_workspace {
                    true => "modules listed in go.work or their selected dependencies",
                    false => "main module or its selected dependencies",
                };
                let text = format!("directory prefix {} does not contain {scope}", sources.shown_directory(start));
                found.problem = Some(Problem::plain(format!("pattern {pattern}: {text}")));
                return Ok(());
            }
        };
        if !is_directory(self.sources, start)? {
            let shown = pattern[..pattern.find("...").unwrap_or(0)].rsplit_once('/').map_or("", |(directory, _)| directory);
            found.problem = Some(Problem::plain(format!("pattern {pattern}: lstat {shown}/: no such file or directory")));
            return Ok(());
        }
        let written = clean(pattern[..pattern.find("...").unwrap_or(0)].rsplit_once('/').map_or("", |(start, _)| start));
        if is_passed_over(written.rsplit('/').next().unwrap_or_default()) {
            return Ok(());
        }
        let root = Root { tree, directory, path: start.to_owned(), within, ignore, prune: (true, false) };
        let mut candidates = walk(&root, &|_| true)?;
        candidates.retain(|path| matches_pattern(&absolute, path));
        let mut paths = Vec::new();
        for directory in &candidates {
            match self.at_directory(directory)? {
                Ok(path) => paths.push(path),
                Err(_) => self.note_unreadable(pattern, directory, found)?,
            }
        }
        found.packages = self.with_files(paths, true)?;
        Ok(())
    }

    /// Notes the first directory that only unreadable Go files are in.
    fn note_unreadable(&self, pattern: &str, directory: &str, found: &mut Match) -> Result<()> {
        let Some((index, rest)) = self.sources.main_at(directory) else { return Ok(()) };
        let is_built = self.sources.main_package(index, &rest)?.is_some_and(|package| package.is_built_for(self.context));
        if let Some(problem) = self.sources.unreadable(index, &rest)?.filter(|_| is_built) {
            found.problem.get_or_insert_with(|| Problem { text: format!("pattern {pattern}: {}", problem.text), ..problem });
        }
        Ok(())
    }

    /// The package in a directory of a main module, which may be that of vendored packages.
    fn in_main(&self, index: usize, rest: &str, absolute: &str) -> Result<Result<String, Problem>> {
        let module = &self.sources.main[index];
        if let Some(path) = rest.strip_prefix("vendor/") {
            let ThirdParty::VendorTree { listed, .. } = &self.sources.third_party else {
                return Ok(Err(Problem::plain(format!("without -mod=vendor, directory {absolute} has no package path"))));
            };
            let known = path.parse::<ImportPath>().is_ok_and(|path| listed.provider(&path).is_some());
            let text = || format!("directory {absolute} is not a package listed in vendor/modules.txt");
            return Ok(if known { Ok(path.to_owned()) } else { Err(Problem::plain(text())) });
        }
        let path = join(module.path.as_str(), rest);
        if let Some(problem) = self.sources.unreadable(index, rest)? {
            return Ok(Err(problem));
        }
        match self.sources.main_package(index, rest)? {
            Some(_) => Ok(Ok(path)),
            None => Ok(Err(Problem::plain(format!("main module ({}) does not contain package {path}", module.path)))),
        }
    }

    /// The package in a directory (`resolveLocalPackage`).
    fn at_directory(&self, absolute: &str) -> Result<Result<String, Problem>> {
        let sources = self.sources;
        let listed = sources.directory(absolute).list("")?;
        if listed.is_empty() && !is_directory(sources, absolute)? {
            return Ok(Err(Problem::plain(format!("stat {absolute}: directory not found"))));
        }
        let is_go = |name: &str| name.ends_with(".go") && !name.starts_with(['_', '.']);
        if !listed.iter().any(|e| is_go(&e.name) && (e.is_file() || e.kind == EntryKind::Broken)) {
            let problem = Problem::plain(format!("no Go files in {absolute}"));
            return Ok(Err(Problem { directory: absolute.to_owned(), ..problem }));
        }
        if let Some((index, rest)) = sources.main_at(absolute) {
            return self.in_main(index, &rest, absolute);
        }
        let replaced = sources.main.iter().filter(|module| module.stands_for.is_some());
        let mut replaced = replaced.filter_map(|m| Some((m, below(absolute, &sources.in_root(&m.directory))?)));
        if let Some((module, rest)) = replaced.next() {
            return Ok(Ok(join(module.path.as_str(), rest)));
        }
        if let Some(path) = below(absolute, &sources.goroot_src()).filter(|path| !path.is_empty()) {
            return Ok(match path {
                "builtin" => Err(Problem::plain("\"builtin\" is a pseudo-package, not an importable package")),
                path => Ok(path.to_owned()),
            });
        }
        let shown = match sources.shown_directory(absolute) {
            current if current == "." => "current directory".to_owned(),
            directory => format!("directory {directory}"),
        };
        let text = match sources.in_workspace {
            true => format!("{shown} outside modules listed in go.work or their selected dependencies"),
            false => format!("{shown} outside main module or its selected dependencies"),
        };
        Ok(Err(Problem::plain(text)))
    }
}

/// The pattern in canonical form (`CleanPatterns`).
fn tidy(pattern: &str) -> Result<String> {
    if pattern.contains('@') && !pattern.starts_with(['.', '/']) {
        let error = Error::input(format!("{pattern}: a version can't be listed, only what go.mod selects"));
        return Err(error.help("leave out what follows @; `go get` changes versions"));
    }
    let rooted = pattern.starts_with('/');
    let local = pattern.starts_with("./");
    let cleaned = clean(pattern);
    Ok(match (rooted, local, cleaned.as_str()) {
        (true, _, path) => path.to_owned(),
        (_, _, "") => ".".to_owned(),
        (_, true, path) if path != ".." && !path.starts_with("../") => format!("./{path}"),
        (_, _, path) => path.to_owned(),
    })
}

impl Sources<'_> {
    /// The main module that has a directory, and its path there.
    pub(super) fn main_at(&self, absolute: &str) -> Option<(usize, String)> {
        let in_tree = below(absolute, &self.root)?;
        let modules = self.main.iter().enumerate().filter(|(_, module)| module.stands_for.is_none());
        let found = modules.filter_map(|(index, module)| Some((index, below(in_tree, &module.directory)?.to_owned())));
        found.min_by_key(|(_, rest)| rest.len())
    }

    /// The SDK's `src`; empty when it isn't read.
    fn goroot_src(&self) -> String {
        match self.std {
            Std::Tree(tree) => tree.path("").display().to_string(),
            Std::Recorded(_) => String::new(),
        }
    }

    fn shown_directory(&self, path: &str) -> String {
        match self.shown(path) {
            empty if empty.is_empty() => ".".to_owned(),
            shown => shown,
        }
    }
}

/// Whether there is a directory with this absolute path.
fn is_directory(sources: &Sources, path: &str) -> Result<bool> {
    let Some((parent, name)) = path.rsplit_once('/').filter(|(_, name)| !name.is_empty()) else { return Ok(true) };
    let parent = if parent.is_empty() { "/" } else { parent };
    Ok(sources.directory(parent).list("")?.iter().any(|e| e.name == name && e.kind == EntryKind::Directory))
}
