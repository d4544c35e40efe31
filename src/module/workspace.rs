//! The main modules of a repository: one go.mod, or those that a go.work names, with all that they say together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::ModuleId;
use super::gomod::{GoMod, Replace, Target};
use super::gosum::GoSum;
use super::gowork::GoWork;
use super::modules_txt::ModulesTxt;
use crate::error::{self, Error, Result};
use crate::files::Files;
use crate::name::{GoVersion, ModulePath, ModuleVersion};

/// What vendor/ has, relative to the workspace's directory.
const MODULES_TXT: &str = "vendor/modules.txt";

/// The go line of a go.work that has none (`gover.DefaultGoWorkVersion`).
pub const DEFAULT_GO_OF_WORK: &str = "1.18";

/// From this minor version on, a go line is a demand and not a hint (`gover.GoStrictVersion`).
pub const STRICT_SINCE: u32 = 21;

/// Reads a file by its slash-separated path relative to the workspace's directory; `None` when there is none.
///
/// A vendor directory without modules.txt has an empty one, as far as the go command is concerned.
pub type ReadFile<'a> = dyn Fn(&str) -> Result<Option<String>> + 'a;

/// A module whose packages are built from the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MainModule {
    /// The module path.
    pub path: ModulePath,
    /// Its directory relative to the workspace's, slash-separated: empty for the same one, `../x` is possible.
    pub dir: String,
    /// Its go.mod.
    pub gomod: GoMod,
}

/// The main modules and what they decide about dependencies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workspace {
    /// The go.work, if there is one.
    pub work: Option<GoWork>,
    /// The main modules: the one of go.mod, or those of go.work in its order.
    pub modules: Vec<MainModule>,
    /// The hashes of all go.sum files and go.work.sum.
    pub sums: GoSum,
    /// vendor/modules.txt, when packages of other modules come from vendor/.
    pub vendor: Option<ModulesTxt>,
    /// The replacements of go.work, which are looked at first, and those of the modules.
    replaces: [Replacements; 2],
    excludes: BTreeSet<ModuleId>,
    /// The go.mod of each directory that stands in for a module; `None` when it has none.
    local: BTreeMap<String, Option<GoMod>>,
}

/// By module and version; without version for all that have no entry of their own.
type Replacements = BTreeMap<(ModulePath, Option<ModuleVersion>), Replaced>;

/// What takes the place of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replaced {
    /// Directories are relative to the workspace's (or absolute), and clean.
    pub target: Target,
    /// As build information names it: as written in go.mod or go.work, but a directory that a workspace's go.mod names is relative to
    /// go.work (`canonicalizeReplacePath`).
    pub shown: Target,
    /// As written.
    pub written: Target,
    /// The file that says so, relative to the workspace's directory.
    pub file: String,
}

/// A line that says which Go is needed, at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedSdk {
    /// The version as it is written.
    pub version: GoVersion,
    /// The line, e.g. `toolchain go1.27.3`.
    pub line: String,
    /// The file that has the line, relative to the workspace's directory.
    pub file: String,
}

impl Workspace {
    /// Loads through `files` the go.work or else the go.mod of `directory`, and the files that they lead to.
    ///
    /// # Errors
    ///
    /// When there is neither, when a file is malformed, or when replacements contradict each other.
    pub fn load(files: &Files, directory: &Path) -> Result<Workspace> {
        Workspace::load_with(directory, &|name| {
            let path = error::file_in(directory, name);
            match files.read(&path) {
                Ok(bytes) => String::from_utf8(bytes)
                    .map(Some)
                    .map_err(|_| Error::input(format!("{} is not UTF-8 text", path.display()))),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    let vendor_alone = name == MODULES_TXT && path.parent().is_some_and(|parent| files.is_directory(parent));
                    Ok(vendor_alone.then(String::new))
                }
                Err(error) => Err(Error::io("read", &path, &error)),
            }
        })
    }

    /// Like [`Workspace::load`] from any store of files; `directory` only serves to name them in errors.
    ///
    /// # Errors
    ///
    /// Those of [`Workspace::load`].
    pub fn load_with(directory: &Path, read: &ReadFile<'_>) -> Result<Workspace> {
        let mut workspace = Workspace::default();
        let mut directories = vec![String::new()];
        if let Some(content) = read("go.work")? {
            let work = GoWork::parse(&error::file_in(directory, "go.work"), &content)?;
            directories = work.uses.iter().map(|used| join("", used)).collect();
            workspace.work = Some(work);
            workspace.add_sums(directory, "go.work.sum", read)?;
        }
        for dir in directories {
            let name = file_in(&dir, "go.mod");
            let path = error::file_in(directory, &name);
            let Some(content) = read(&name)? else {
                return Err(match workspace.work {
                    Some(_) => {
                        Error::input(format!("go.work uses {}, which has no go.mod", error::file_in(directory, &dir).display()))
                            .help("`go work edit -dropuse` removes it")
                    }
                    None => Error::input(format!("there is neither go.mod nor go.work in {}", error::directory(directory)))
                        .help("run godirect where go.mod is, or `go mod init`"),
                });
            };
            let gomod = GoMod::parse(&path, &content)?;
            let Some(module) = gomod.module.clone() else {
                return Err(Error::input(format!("no module declaration in {}", path.display()))
                    .help("`go mod edit -module=example.com/mod` adds one"));
            };
            workspace.add_sums(directory, &file_in(&dir, "go.sum"), read)?;
            if workspace.modules.iter().any(|m| m.path == module) {
                return Err(Error::input(format!("module {module} appears multiple times in workspace")));
            }
            workspace.modules.push(MainModule { path: module, dir, gomod });
        }
        workspace.check_go_lines()?;
        workspace.merge_replaces()?;
        workspace.excludes = workspace.modules.iter().flat_map(|m| m.gomod.exclude.iter().cloned()).collect();
        workspace.read_local(directory, read)?;
        workspace.read_vendor(directory, read)?;
        Ok(workspace)
    }

    fn add_sums(&mut self, directory: &Path, name: &str, read: &ReadFile<'_>) -> Result<()> {
        match read(name)? {
            Some(content) => self.sums.add(&error::file_in(directory, name), &content),
            None => Ok(()),
        }
    }

    /// Refuses a go.work that is older than one of its modules, as the go command does since 1.21 (`modload.loadModFile`).
    fn check_go_lines(&self) -> Result<()> {
        let Some(work) = &self.work else { return Ok(()) };
        let default: GoVersion = DEFAULT_GO_OF_WORK.parse()?;
        let allowed = work.go.as_ref().unwrap_or(&default);
        for module in &self.modules {
            let Some(go) = module.gomod.go.as_ref().filter(|go| *go > allowed && go.minor() >= STRICT_SINCE) else { continue };
            let says = if work.go.is_some() { "lists" } else { "implicitly requires" };
            let file = file_in(&module.dir, "go.mod");
            return Err(Error::input(format!("{file} requires go >= {go}, but go.work {says} go {allowed}"))
                .help(format!("`go work use` updates go.work, or `go work edit -go={go}`")));
        }
        Ok(())
    }

    /// Collects the replacements; modules may contradict each other about one that go.work replaces (`makeMainModules`).
    fn merge_replaces(&mut self) -> Result<()> {
        let in_work: BTreeSet<&ModulePath> = self.work.iter().flat_map(|w| &w.replace).map(|r| &r.path).collect();
        let [by_work, by_modules] = &mut self.replaces;
        for replace in self.work.iter().flat_map(|w| &w.replace) {
            let replaced = replaced(replace, "", "go.work".to_owned(), replace.target.clone());
            insert(by_work, replace, replaced, false)?;
        }
        for module in &self.modules {
            for replace in &module.gomod.replace {
                let shown = match &replace.target {
                    Target::Directory(to) if self.work.is_some() => Target::Directory(directory_path(&join(&module.dir, to))),
                    target => target.clone(),
                };
                let replaced = replaced(replace, &module.dir, file_in(&module.dir, "go.mod"), shown);
                insert(by_modules, replace, replaced, in_work.contains(&replace.path))?;
            }
        }
        Ok(())
    }

    fn read_local(&mut self, directory: &Path, read: &ReadFile<'_>) -> Result<()> {
        for replaced in self.replaces.iter().flat_map(BTreeMap::values) {
            let Target::Directory(dir) = &replaced.target else { continue };
            let name = file_in(dir, "go.mod");
            let gomod = match read(&name)? {
                Some(content) => Some(GoMod::parse_dependency(&error::file_in(directory, &name), &content)?),
                None => None,
            };
            self.local.insert(dir.clone(), gomod);
        }
        Ok(())
    }

    /// Packages come from vendor/ as `setDefaultBuildMod` decides: there is one, the go line is 1.14 or newer, and it was made for a
    /// module or for a workspace, whichever this is.
    fn read_vendor(&mut self, directory: &Path, read: &ReadFile<'_>) -> Result<()> {
        let go = match (&self.work, self.modules.first()) {
            (Some(work), _) => work.go.as_ref(),
            (None, main) => main.and_then(|m| m.gomod.go.as_ref()),
        };
        if go.is_some_and(|go| go.minor() >= 14)
            && let Some(content) = read(MODULES_TXT)?
        {
            let vendored = ModulesTxt::parse(&error::file_in(directory, MODULES_TXT), &content)?;
            self.vendor = (vendored.workspace == self.work.is_some()).then_some(vendored);
        }
        Ok(())
    }

    /// What takes the place of a module, or without version of all its versions (`replacementFrom`).
    pub fn replaced(&self, path: &ModulePath, version: Option<&ModuleVersion>) -> Option<&Replaced> {
        if version.is_none() && self.main_module(path).is_some() {
            return None;
        }
        let (exact, all) = ((path.clone(), version.cloned()), (path.clone(), None));
        self.replaces.iter().find_map(|replaces| replaces.get(&exact).or_else(|| replaces.get(&all)))
    }

    /// What takes the place of a module; directories are relative to the workspace's (or absolute).
    pub fn replacement(&self, id: &ModuleId) -> Option<&Target> {
        self.replaced(&id.path, Some(&id.version)).map(|replaced| &replaced.target)
    }

    /// The directory that takes the place of a module as build information names it.
    pub fn shown_replacement(&self, id: &ModuleId) -> Option<&str> {
        match &self.replaced(&id.path, Some(&id.version))?.shown {
            Target::Directory(directory) => Some(directory),
            Target::Module(_) => None,
        }
    }

    /// The modules that a directory takes the place of, in some version, with the directory relative to the workspace's (or absolute).
    pub fn replaced_by_directories(&self) -> impl Iterator<Item = (&ModulePath, &str)> {
        self.replaces.iter().flatten().filter_map(|((path, _), replaced)| match &replaced.target {
            Target::Directory(directory) => Some((path, directory.as_str())),
            Target::Module(_) => None,
        })
    }

    /// Whether an exclude directive names this version.
    pub fn is_excluded(&self, id: &ModuleId) -> bool {
        self.excludes.contains(id)
    }

    /// The go.mod of a directory that [`Workspace::replacement`] gave.
    ///
    /// # Errors
    ///
    /// When the directory has none.
    pub fn local(&self, directory: &str) -> Result<&GoMod> {
        self.local.get(directory).and_then(Option::as_ref).ok_or_else(|| {
            Error::input(format!("replacement directory {directory} has no go.mod"))
                .help("correct the replace directive in go.mod or go.work")
        })
    }

    /// The main module of this path.
    pub fn main_module(&self, path: &ModulePath) -> Option<&MainModule> {
        self.modules.iter().find(|m| m.path == *path)
    }

    /// The godebug settings that count: those of go.work if there is one, else those of go.mod.
    pub fn godebug(&self) -> &[(String, String)] {
        match (&self.work, self.modules.first()) {
            (Some(work), _) => &work.godebug,
            (None, Some(module)) => &module.gomod.godebug,
            (None, None) => &[],
        }
    }

    /// The line that decides which toolchain the go command takes when it has an old one; `None` when there is none.
    ///
    /// As `toolchain.Select` of cmd/go has it: of a workspace, only go.work counts; the toolchain line does unless the go line is
    /// newer, and `toolchain default` is no choice at all.
    pub fn wanted_sdk(&self) -> Option<WantedSdk> {
        let (file, go, toolchain) = match (&self.work, self.modules.first()) {
            (Some(work), _) => ("go.work".to_owned(), &work.go, work.toolchain_version()),
            (None, Some(m)) => (file_in(&m.dir, "go.mod"), &m.gomod.go, m.gomod.toolchain_version()),
            (None, None) => return None,
        };
        match (go, toolchain) {
            (go, Some(version)) if go.as_ref().is_none_or(|go| *go <= version) => {
                Some(WantedSdk { line: format!("toolchain go{version}"), version, file })
            }
            (Some(go), _) => Some(WantedSdk { line: format!("go {go}"), version: go.clone(), file }),
            (None, _) => None,
        }
    }

    /// The newest go line of go.work and the main modules: no older SDK may build them (`modload.ReadModFile`).
    pub fn newest_go_line(&self) -> Option<WantedSdk> {
        let work = self.work.iter().map(|w| ("go.work".to_owned(), &w.go));
        let modules = self.modules.iter().map(|m| (file_in(&m.dir, "go.mod"), &m.gomod.go));
        let lines = work.chain(modules).filter_map(|(file, go)| {
            let version = go.clone()?;
            Some(WantedSdk { line: format!("go {version}"), version, file })
        });
        // The first of several that are equal.
        lines.reduce(|newest, line| if line.version > newest.version { line } else { newest })
    }
}

fn replaced(replace: &Replace, dir: &str, file: String, shown: Target) -> Replaced {
    let target = match &replace.target {
        Target::Directory(to) => Target::Directory(join(dir, to)),
        module => module.clone(),
    };
    Replaced { target, shown, written: replace.target.clone(), file }
}

/// Adds a replacement; another one for the same is a conflict, unless that `is_overruled` anyway.
fn insert(replaces: &mut Replacements, replace: &Replace, replaced: Replaced, is_overruled: bool) -> Result<()> {
    let name = match &replace.version {
        Some(version) => format!("{}@{version}", replace.path),
        None => replace.path.to_string(),
    };
    let target = replaced.target.clone();
    let previous = replaces.insert((replace.path.clone(), replace.version.clone()), replaced);
    match previous.filter(|previous| previous.target != target && !is_overruled) {
        Some(previous) => Err(Error::input(format!("conflicting replacements for {name}: {} and {target}", previous.target))
            .help(format!("`go work edit -replace {name}=…` or `go mod edit -replace {name}=…` decides it"))),
        None => Ok(()),
    }
}

fn file_in(dir: &str, name: &str) -> String {
    if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") }
}

/// A clean relative path with `./` before it where it has no dot yet (`ToDirectoryPath`); an absolute one stays as it is.
fn directory_path(path: &str) -> String {
    match path {
        "" => ".".to_owned(),
        up if up == ".." || up.starts_with("../") || up.starts_with('/') => up.to_owned(),
        below => format!("./{below}"),
    }
}

/// `path` as seen from `base`, without `.` and without `..` but at the start; an absolute `path` stays as it is.
pub fn join(base: &str, path: &str) -> String {
    if Path::new(path).is_absolute() {
        return path.to_owned();
    }
    let rooted = base.starts_with('/');
    let mut elements: Vec<&str> = Vec::new();
    for element in base.split('/').chain(path.split('/')) {
        match element {
            "" | "." => {}
            ".." if elements.last().is_some_and(|last| *last != "..") => {
                elements.pop();
            }
            element => elements.push(element),
        }
    }
    format!("{}{}", if rooted { "/" } else { "" }, elements.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(files: &[(&str, &str)]) -> Result<Workspace> {
        let read = |name: &str| Ok(files.iter().find(|(n, _)| *n == name).map(|(_, c)| (*c).to_owned()));
        Workspace::load_with(Path::new("."), &read)
    }

    #[test]
    fn directories_are_relative_to_the_workspace() {
        assert_eq!(join("", "./a/./b/"), "a/b");
        assert_eq!(join("a/b", "../../../c"), "../c");
        assert_eq!(join("/x/y", "../c"), "/x/c");
        assert_eq!(join("a", "/c"), "/c");
        assert_eq!(join("", "."), "");
    }

    #[test]
    fn a_workspace_merges_what_its_modules_say() {
        let workspace = load(&[
            ("go.work", "go 1.26.0\nuse (\n./a\n./b\n)\nreplace x.com/x => x.com/work v1.0.0\n"),
            (
                "a/go.mod",
                "module a.com/a\ngo 1.25\ntoolchain go1.27.3\nreplace x.com/x => ../nowhere\nreplace x.com/y => ../y\nexclude x.com/e v1.0.0\n",
            ),
            ("b/go.mod", "module a.com/b\nreplace x.com/y v1.0.0 => ../y\n"),
            ("y/go.mod", "module x.com/y\ngo 1.20\n"),
        ])
        .unwrap();
        let id = |path: &str| ModuleId { path: path.parse().unwrap(), version: "v1.0.0".parse().unwrap() };
        assert_eq!(workspace.replacement(&id("x.com/x")).unwrap().to_string(), "x.com/work@v1.0.0");
        assert_eq!(workspace.replacement(&id("x.com/y")), Some(&Target::Directory("y".into())));
        assert_eq!(workspace.shown_replacement(&id("x.com/y")), Some("./y"));
        assert_eq!(workspace.shown_replacement(&id("x.com/x")), None);
        assert_eq!(workspace.local("y").unwrap().go.as_ref().unwrap().as_str(), "1.20");
        assert!(workspace.is_excluded(&id("x.com/e")));
        let wanted = workspace.wanted_sdk().unwrap();
        assert_eq!((wanted.version.as_str(), wanted.line.as_str(), wanted.file.as_str()), ("1.26.0", "go 1.26.0", "go.work"));
        let newest = workspace.newest_go_line().unwrap();
        assert_eq!((newest.line.as_str(), newest.file.as_str()), ("go 1.26.0", "go.work"));
    }

    /// As the pinned SDK's `go list -m` shows it.
    #[test]
    fn replacements_of_go_work_come_first_and_the_modules_for_other_versions() {
        let workspace = load(&[
            ("go.work", "use ./a\nreplace x.com/x v1.0.0 => ./w\nreplace x.com/y => ./w\n"),
            (
                "a/go.mod",
                "module a\nreplace x.com/x v1.0.0 => ../m\nreplace x.com/x v1.1.0 => ../m\nreplace x.com/y v1.0.0 => ../m\n",
            ),
        ])
        .unwrap();
        let replacement = |path: &str, version: &str| {
            let id = ModuleId { path: path.parse().unwrap(), version: version.parse().unwrap() };
            workspace.replacement(&id).map(ToString::to_string)
        };
        assert_eq!(replacement("x.com/x", "v1.0.0").as_deref(), Some("w"));
        assert_eq!(replacement("x.com/x", "v1.1.0").as_deref(), Some("m"));
        assert_eq!(replacement("x.com/x", "v1.2.0"), None);
        assert_eq!(replacement("x.com/y", "v1.0.0").as_deref(), Some("w"));
    }

    #[test]
    fn what_is_missing_or_contradicts_is_refused() {
        let cases: [(&[(&str, &str)], &str); 7] = [
            (&[], "there is neither go.mod nor go.work in this directory (run godirect where go.mod is, or `go mod init`)"),
            (&[("go.mod", "go 1.27\n")], "no module declaration in go.mod (`go mod edit -module=example.com/mod` adds one)"),
            (&[("go.work", "use ./a\n")], "go.work uses a, which has no go.mod (`go work edit -dropuse` removes it)"),
            (
                &[("go.work", "use ./a\nuse ./b\n"), ("a/go.mod", "module m\n"), ("b/go.mod", "module m\n")],
                "module m appears multiple times in workspace",
            ),
            (
                &[("go.work", "go 1.26\nuse ./a\n"), ("a/go.mod", "module a\ngo 1.26.1\n")],
                "a/go.mod requires go >= 1.26.1, but go.work lists go 1.26 \
                 (`go work use` updates go.work, or `go work edit -go=1.26.1`)",
            ),
            (
                &[("go.work", "use ./a\n"), ("a/go.mod", "module a\ngo 1.21\n")],
                "a/go.mod requires go >= 1.21, but go.work implicitly requires go 1.18 \
                 (`go work use` updates go.work, or `go work edit -go=1.21`)",
            ),
            (
                &[
                    ("go.work", "use ./a\nuse ./b\n"),
                    ("a/go.mod", "module a\nreplace x.com/x => ../c\n"),
                    ("b/go.mod", "module b\nreplace x.com/x => ../d\n"),
                ],
                "conflicting replacements for x.com/x: c and d \
                 (`go work edit -replace x.com/x=…` or `go mod edit -replace x.com/x=…` decides it)",
            ),
        ];
        for (files, expected) in cases {
            assert_eq!(load(files).unwrap_err().to_string(), expected);
        }
    }
}
