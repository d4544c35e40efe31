//! go.mod (`golang.org/x/mod/modfile`, rule.go; <https://go.dev/ref/mod#go-mod-file>).

use std::fmt;
use std::path::Path;

use super::ModuleId;
use super::semver;
use super::syntax::{File, Line, Place, Token, value};
use crate::error::{Error, Result};
use crate::name::{GoVersion, ImportPath, ModulePath, ModuleVersion};

/// A parsed go.mod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GoMod {
    /// The module's own path.
    pub module: Option<ModulePath>,
    /// The go line; absent means 1.16.
    pub go: Option<GoVersion>,
    /// The toolchain line, e.g. `go1.27.3` or `default`.
    pub toolchain: Option<String>,
    /// The godebug lines, in order.
    pub godebug: Vec<(String, String)>,
    /// The requirements, in order.
    pub require: Vec<Require>,
    /// Versions that must not be selected.
    pub exclude: Vec<ModuleId>,
    /// Modules that stand in for others.
    pub replace: Vec<Replace>,
    /// Versions of this module that were withdrawn.
    pub retract: Vec<Retract>,
    /// Packages that `go tool` runs.
    pub tool: Vec<ImportPath>,
    /// Directories that patterns such as `./...` don't enter, as written.
    pub ignore: Vec<String>,
}

/// A required module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Require {
    /// What is required.
    pub id: ModuleId,
    /// Whether the line says `// indirect`.
    pub indirect: bool,
}

/// A replace directive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replace {
    /// The module that is replaced.
    pub path: ModulePath,
    /// The only version that is replaced; absent: all.
    pub version: Option<ModuleVersion>,
    /// What takes its place.
    pub target: Target,
}

/// What a replace directive puts in a module's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A version of a module.
    Module(ModuleId),
    /// A directory, as written: relative to the file's directory, or absolute.
    Directory(String),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Module(id) => id.fmt(f),
            Target::Directory(directory) => f.write_str(directory),
        }
    }
}

/// A closed interval of withdrawn versions; a single one has equal ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retract {
    /// The first version.
    pub low: ModuleVersion,
    /// The last version.
    pub high: ModuleVersion,
}

impl GoMod {
    /// Parses the go.mod of a main module: everything in it must be known.
    ///
    /// # Errors
    ///
    /// The first fault, with its place.
    pub fn parse(path: &Path, content: &str) -> Result<GoMod> {
        parse(path, content, true)
    }

    /// Parses the go.mod of a dependency: directives that only concern main modules, or that are unknown, are skipped.
    ///
    /// # Errors
    ///
    /// The first fault in a directive that matters, with its place.
    pub fn parse_dependency(path: &Path, content: &str) -> Result<GoMod> {
        parse(path, content, false)
    }

    /// Whether the requirements are complete for building this module's packages, which is so since Go 1.17.
    pub fn is_pruned(&self) -> bool {
        self.go.as_ref().is_some_and(|go| go.minor() >= 17)
    }

    /// The version that the toolchain line names, if there is one and it isn't `default`.
    pub fn toolchain_version(&self) -> Option<GoVersion> {
        toolchain_version(self.toolchain.as_deref()?)
    }
}

pub(super) fn toolchain_version(name: &str) -> Option<GoVersion> {
    name.strip_prefix("go")?.parse().ok()
}

const BLOCKS: [&str; 8] = ["module", "godebug", "require", "exclude", "replace", "retract", "tool", "ignore"];
const FOR_DEPENDENCIES: [&str; 5] = ["go", "module", "retract", "require", "ignore"];

fn parse(path: &Path, content: &str, strict: bool) -> Result<GoMod> {
    let file = File { path, content };
    let mut gomod = GoMod::default();
    let mut skipping = false;
    for line in file.lines()? {
        let verb = line.verb.text;
        match line.place {
            Place::Opening => {
                skipping = !line.args.is_empty() || !BLOCKS.contains(&verb);
                if skipping && strict {
                    return Err(unknown_block(&file, &line));
                }
                continue;
            }
            Place::InBlock if skipping => continue,
            Place::InBlock | Place::Alone => {}
        }
        if strict || FOR_DEPENDENCIES.contains(&verb) {
            add(&mut gomod, &Directive { file: &file, line: &line }, strict)?;
        }
    }
    Ok(gomod)
}

pub(super) fn unknown_block(file: &File<'_>, line: &Line<'_>) -> Error {
    let words: Vec<&str> = std::iter::once(&line.verb).chain(&line.args).map(|token| token.text).collect();
    file.error_at(&line.verb, format!("unknown block type: {}", words.join(" ").escape_debug()))
}

fn add(gomod: &mut GoMod, line: &Directive<'_>, strict: bool) -> Result<()> {
    match line.line.verb.text {
        "module" => {
            let [path] = line.args("usage: module module/path")?;
            line.once(gomod.module.is_some())?;
            gomod.module = Some(line.name(path)?);
        }
        "go" => {
            line.once(gomod.go.is_some())?;
            gomod.go = Some(line.go_version(strict)?);
        }
        "toolchain" => {
            line.once(gomod.toolchain.is_some())?;
            gomod.toolchain = Some(line.toolchain()?);
        }
        "godebug" => gomod.godebug.push(line.godebug()?),
        "require" => {
            let id = line.module_id()?;
            gomod.require.push(Require { id, indirect: is_indirect(line.line.comment) });
        }
        "exclude" => gomod.exclude.push(line.module_id()?),
        "replace" => gomod.replace.extend(line.replace()?),
        "retract" => match line.retract() {
            Ok(retract) => gomod.retract.push(retract),
            // Other forms of intervals may come; they concern only the module itself.
            Err(_) if !strict => {}
            Err(error) => return Err(error),
        },
        "tool" => {
            let [path] = line.args("tool directive expects exactly one argument")?;
            gomod.tool.push(line.name(path)?);
        }
        "ignore" => {
            let [path] = line.args("ignore directive expects exactly one argument")?;
            gomod.ignore.push(line.value(path)?);
        }
        unknown => return Err(line.error(format!("unknown directive: {unknown}"))),
    }
    Ok(())
}

fn is_indirect(comment: &str) -> bool {
    let mut words = comment.trim_start_matches('/').split_whitespace();
    match (words.next(), words.next()) {
        (Some("indirect"), None) => true,
        (Some(first), Some(_)) => first == "indirect;",
        _ => false,
    }
}

/// A line and its file: how the values of go.mod's and go.work's directives are read.
pub(super) struct Directive<'a> {
    pub file: &'a File<'a>,
    pub line: &'a Line<'a>,
}

impl<'a> Directive<'a> {
    /// An error that points at the whole directive.
    pub fn error(&self, message: impl Into<String>) -> Error {
        let line = self.line;
        let first = if line.place == Place::InBlock { line.args.first().unwrap_or(&line.verb) } else { &line.verb };
        let last = line.args.last().unwrap_or(&line.verb);
        self.file.error(first.offset, last.offset + last.text.len() - first.offset, message)
    }

    /// The arguments, when there are as many as there must be; else an error with `usage`.
    pub fn args<const N: usize>(&self, usage: &str) -> Result<&'a [Token<'a>; N]> {
        self.line.args.as_slice().try_into().map_err(|_| self.error(usage))
    }

    /// Refuses a second one of its kind.
    pub fn once(&self, there_is_one: bool) -> Result<()> {
        if there_is_one { Err(self.error(format!("repeated {} statement", self.line.verb.text))) } else { Ok(()) }
    }

    pub fn value(&self, token: &Token<'_>) -> Result<String> {
        value(token.text).map_err(|why| self.file.error_at(token, why))
    }

    /// An argument as a checked name.
    pub fn name<T: std::str::FromStr<Err = Error>>(&self, token: &Token<'_>) -> Result<T> {
        self.value(token)?.parse().map_err(|e: Error| self.file.error_at(token, e.message()))
    }

    pub fn go_version(&self, strict: bool) -> Result<GoVersion> {
        let [token] = self.args("go directive expects exactly one argument")?;
        let text = if strict { token.text } else { lax_go_version(token.text) };
        text.parse().ok().filter(|version: &GoVersion| version.suffix().is_none()).ok_or_else(|| {
            let shown = token.text.escape_debug();
            self.file.error_at(token, format!("invalid go version '{shown}': must match format 1.23.0"))
        })
    }

    pub fn toolchain(&self) -> Result<String> {
        let [token] = self.args("toolchain directive expects exactly one argument")?;
        let text = token.text;
        if text == "default" || toolchain_version(text).is_some() {
            return Ok(text.to_owned());
        }
        let shown = text.escape_debug();
        let message = format!("invalid toolchain version '{shown}': must match format go1.23.0 or default");
        Err(self.file.error_at(token, message))
    }

    pub fn godebug(&self) -> Result<(String, String)> {
        let usage = "usage: godebug key=value";
        let [token] = self.args(usage)?;
        match token.text.split_once('=') {
            Some((key, value)) if !token.text.contains(['"', '`', '\'', ',']) => Ok((key.to_owned(), value.to_owned())),
            _ => Err(self.error(usage)),
        }
    }

    fn version(&self, token: &Token<'_>) -> Result<ModuleVersion> {
        let text = self.value(token)?;
        let canonical = semver::canonical(&text).ok_or_else(|| {
            let message = format!("version \"{}\" invalid: must be of the form v1.2.3", text.escape_debug());
            self.file.error_at(token, message).help("`go mod tidy` puts an exact version in the place of a branch or tag")
        })?;
        canonical.parse().map_err(|e: Error| self.file.error_at(token, e.message()))
    }

    fn id(&self, path: &Token<'_>, version: &Token<'_>) -> Result<ModuleId> {
        let id = ModuleId { path: self.name(path)?, version: self.version(version)? };
        self.check_major(id.path.as_str(), &id.version, version)?;
        Ok(id)
    }

    /// Refuses a version that modules of this path can't have.
    fn check_major(&self, path: &str, version: &ModuleVersion, token: &Token<'_>) -> Result<()> {
        match semver::path_fault(path, version.as_str()) {
            None => Ok(()),
            Some(why) => Err(self.file.error_at(token, format!("{} {}: {why}", self.line.verb.text, path.escape_debug()))),
        }
    }

    fn module_id(&self) -> Result<ModuleId> {
        let [path, version] = self.args(&format!("usage: {} module/path v1.2.3", self.line.verb.text))?;
        self.id(path, version)
    }

    /// A replacement; `None` when no module can have the path that it replaces, which Go lets pass.
    pub fn replace(&self) -> Result<Option<Replace>> {
        let usage = "usage: replace module/path [v1.2.3] => other/module v1.4, or ../local/directory";
        let args = self.line.args.as_slice();
        let arrow = args.iter().position(|a| a.text == "=>").ok_or_else(|| self.error(usage))?;
        let (path, version) = match &args[..arrow] {
            [path] => (self.value(path)?, None),
            [path, version] => (self.value(path)?, Some((version, self.version(version)?))),
            _ => return Err(self.error(usage)),
        };
        if semver::path_major(&path).is_none() {
            return Err(self.error(format!("replace {}: invalid module path", path.escape_debug())));
        }
        if let Some((token, version)) = &version {
            self.check_major(&path, version, token)?;
        }
        let target = match &args[arrow + 1..] {
            [directory] => Target::Directory(self.directory(directory)?),
            [path, version] if !is_directory(&self.value(path)?) => {
                Target::Module(ModuleId { path: self.name(path)?, version: self.version(version)? })
            }
            [directory, _] => {
                let message = format!("replacement module directory path {} cannot have version", directory.text);
                return Err(self.file.error_at(directory, message));
            }
            _ => return Err(self.error(usage)),
        };
        let version = version.map(|(_, version)| version);
        Ok(path.parse().ok().map(|path| Replace { path, version, target }))
    }

    /// A local directory in the place of a module.
    fn directory(&self, token: &Token<'_>) -> Result<String> {
        let text = self.value(token)?;
        let message = if !is_directory(&text) && text.contains('@') {
            "replacement module must match format 'path version', not 'path@version'"
        } else if !is_directory(&text) {
            "replacement module without version must be directory path (rooted or starting with . or ..)"
        } else if text.contains('\\') && cfg!(unix) {
            "replacement directory appears to be Windows path (on a non-windows system)"
        } else if text.contains('\0') {
            "replacement directory has a character that no path has"
        } else {
            return Ok(text);
        };
        Err(self.file.error_at(token, message))
    }

    fn retract(&self) -> Result<Retract> {
        let args = self.line.args.as_slice();
        let is = |i: usize, text: &str| args.get(i).is_some_and(|a| a.text == text);
        let single = !is(0, "[");
        let length = if single { 1 } else { 5 };
        let fine = if single { !args.is_empty() && !is(0, "(") } else { args.len() >= 5 && is(2, ",") && is(4, "]") };
        if !fine {
            return Err(self.error("expected a version, or `[v1.0.0, v1.9.9]`"));
        }
        if let Some(extra) = args.get(length) {
            return Err(self
                .file
                .error_at(extra, format!("unexpected token after version: \"{}\"", extra.text.escape_debug())));
        }
        let (low, high) = if single { (0, 0) } else { (1, 3) };
        // Go leaves these as they are written.
        Ok(Retract { low: self.name(&args[low])?, high: self.name(&args[high])? })
    }
}

/// Drops what some old go.mod files have around the version: `v1.12`, `1.12.x` (`laxGoVersionRE`).
fn lax_go_version(text: &str) -> &str {
    if text.parse::<GoVersion>().is_ok_and(|version| version.suffix().is_none()) {
        return text;
    }
    let plain = text.strip_prefix('v').unwrap_or(text);
    let Some(dot) = plain.find('.') else { return text };
    let end = plain[dot + 1..].find(|c: char| !c.is_ascii_digit()).map_or(plain.len(), |i| dot + 1 + i);
    &plain[..end]
}

/// Whether a replacement is a directory: rooted, or with `.` or `..` at its start, on any system (`IsDirectoryPath`).
fn is_directory(path: &str) -> bool {
    let drive = path.as_bytes();
    path == "."
        || path == ".."
        || ["./", ".\\", "../", "..\\", "/", "\\"].iter().any(|start| path.starts_with(start))
        || (drive.len() >= 2 && drive[0].is_ascii_alphabetic() && drive[1] == b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(path: &str, version: &str) -> ModuleId {
        ModuleId { path: path.parse().unwrap(), version: version.parse().unwrap() }
    }

    #[test]
    fn every_directive() {
        let content = r#"// Deprecated: no.
module "example.com/m/v2"

go 1.27.1

toolchain go1.27.3

godebug default=go1.21
godebug (
	panicnil=1
)
require github.com/a/b v1.2 // indirect
require (
	github.com/c/d/v3 v3.0.0+meta // indirect; why not
	gopkg.in/yaml.v3 v3.0.1 // not indirect
	"quoted.com/x" v0.0.0-20240102030405-abcdef012345
)
exclude github.com/a/b v1.1.0
replace (
	github.com/a/b v1.2.0 => ../b
	github.com/c/d/v3 => github.com/fork/d/v3 v3.0.1
)
retract [v2.0.0, v2.0.3] // broken
retract v2.1.0
tool github.com/a/b/cmd/x
ignore ./node_modules
"#;
        let gomod = GoMod::parse(Path::new("go.mod"), content).unwrap();
        let expected = GoMod {
            module: Some("example.com/m/v2".parse().unwrap()),
            go: Some("1.27.1".parse().unwrap()),
            toolchain: Some("go1.27.3".into()),
            godebug: vec![("default".into(), "go1.21".into()), ("panicnil".into(), "1".into())],
            require: vec![
                Require { id: id("github.com/a/b", "v1.2.0"), indirect: true },
                Require { id: id("github.com/c/d/v3", "v3.0.0"), indirect: true },
                Require { id: id("gopkg.in/yaml.v3", "v3.0.1"), indirect: false },
                Require { id: id("quoted.com/x", "v0.0.0-20240102030405-abcdef012345"), indirect: false },
            ],
            exclude: vec![id("github.com/a/b", "v1.1.0")],
            replace: vec![
                Replace {
                    path: "github.com/a/b".parse().unwrap(),
                    version: Some("v1.2.0".parse().unwrap()),
                    target: Target::Directory("../b".into()),
                },
                Replace {
                    path: "github.com/c/d/v3".parse().unwrap(),
                    version: None,
                    target: Target::Module(id("github.com/fork/d/v3", "v3.0.1")),
                },
            ],
            retract: vec![
                Retract { low: "v2.0.0".parse().unwrap(), high: "v2.0.3".parse().unwrap() },
                Retract { low: "v2.1.0".parse().unwrap(), high: "v2.1.0".parse().unwrap() },
            ],
            tool: vec!["github.com/a/b/cmd/x".parse().unwrap()],
            ignore: vec!["./node_modules".into()],
        };
        assert_eq!(gomod, expected);
        assert_eq!(gomod.toolchain_version().unwrap().as_str(), "1.27.3");
    }

    #[test]
    fn faults_have_their_place_and_reason() {
        let cases = [
            ("modul x\n", "1:1: unknown directive: modul"),
            ("frobnicate (\n\tx\n)\n", "1:1: unknown block type: frobnicate"),
            ("require x (\n\ta.com/b v1.0.0\n)\n", "1:1: unknown block type: require x"),
            ("module a\nmodule b\n", "2:1: repeated module statement"),
            ("go 1.21\ngo 1.22\n", "2:1: repeated go statement"),
            ("go 1.x\n", "1:4: invalid go version '1.x': must match format 1.23.0"),
            ("toolchain 1.27\n", "1:11: invalid toolchain version '1.27': must match format go1.23.0 or default"),
            ("require a.com/b\n", "1:1: usage: require module/path v1.2.3"),
            (
                "require a.com/b master\n",
                "1:17: version \"master\" invalid: must be of the form v1.2.3 \
                 (`go mod tidy` puts an exact version in the place of a branch or tag)",
            ),
            ("require a.com/b v2.0.0\n", "1:17: require a.com/b: version \"v2.0.0\" invalid: should be v0 or v1, not v2"),
            (
                "require \"a.com/b\\n${x}\" v1.0.0\n",
                "1:9: malformed module path \"a.com/b\\n${x}\": it has a character that Go does not allow there",
            ),
            ("require ../../etc v1.0.0\n", "1:9: malformed module path \"../../etc\": an element ends with a dot"),
            (
                "replace a.com/b => c\n",
                "1:20: replacement module without version must be directory path (rooted or starting with . or ..)",
            ),
            ("replace a.com/b => ./c v1.0.0\n", "1:20: replacement module directory path ./c cannot have version"),
            ("retract [v1.0.0, v1.1.0\n", "1:1: expected a version, or `[v1.0.0, v1.9.9]`"),
            ("retract v1.0.0 x\n", "1:16: unexpected token after version: \"x\""),
            ("godebug a\n", "1:1: usage: godebug key=value"),
        ];
        for (content, expected) in cases {
            let error = GoMod::parse(Path::new("go.mod"), content).unwrap_err();
            assert_eq!(error.to_string(), format!("go.mod:{expected}"));
        }
    }

    #[test]
    fn dependencies_may_say_what_is_unknown() {
        let content =
            "module a.com/b\ngo v1.12.x\nfrob x\nfrob (\n\ty\n)\nreplace nonsense\nretract (v1\nrequire a.com/c v1.0.0\n";
        let gomod = GoMod::parse_dependency(Path::new("go.mod"), content).unwrap();
        assert_eq!(gomod.go.unwrap().as_str(), "1.12");
        assert_eq!(gomod.require.len(), 1);
    }
}
