//! What comments in BUILD files say about how to write them: `# gazelle:…` and `# godirect:…`, for their directory and those below.

use std::collections::BTreeMap;

use regex::Regex;

use super::ExistingFiles;
use crate::source::build_file::{BuildFile, Directive};
use crate::source::glob::Glob;
use crate::source::tree::join;

/// How targets are called (Gazelle's `go_naming_convention`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Naming {
    /// The library after the last element of its import path.
    #[default]
    Import,
    /// Like `Import`, with an alias under the old name.
    ImportAlias,
    /// `go_default_library` and `go_default_test`.
    GoDefaultLibrary,
}

/// Another rule in the place of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mapped {
    pub kind: String,
    pub file: String,
}

/// What holds for a directory.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    /// Its file isn't touched. This alone doesn't hold for the directories below.
    pub ignored: bool,
    /// Patterns of excluded paths, relative to the spec.
    excluded: Vec<String>,
    /// Labels of import paths.
    resolved: BTreeMap<String, String>,
    /// Labels of import paths that match; the last one counts.
    resolved_by: Vec<(Regex, String)>,
    /// Rules that stand for others, by the kind of these.
    pub mapped: BTreeMap<String, Mapped>,
    /// Kinds that wrap others, with these.
    pub aliases: BTreeMap<String, String>,
    pub naming: Naming,
    /// Who sees internal packages besides those that Go lets.
    pub visibility: Vec<String>,
    /// `default_visibility` of new files.
    pub default_visibility: Vec<String>,
    /// A test rule for each file of tests.
    pub test_per_file: bool,
}

/// What there is to say about a directory whose directives can't be followed.
pub(super) type Warnings = Vec<String>;

/// What directives are compared with, which say what spec and go.mod say already.
pub(super) struct Facts<'a> {
    /// The import path of a directory, if it is in a module.
    pub import_path: &'a dyn Fn(&str) -> Option<String>,
    /// The build tags of the spec's profiles.
    pub tags: &'a dyn Fn(&str) -> bool,
}

/// The settings of `directories`, and of all above them, by directory.
pub(super) fn settings(
    existing: &ExistingFiles,
    directories: &[&str],
    facts: &Facts,
) -> (BTreeMap<String, Settings>, Warnings) {
    let mut found = BTreeMap::new();
    let mut warnings = Warnings::new();
    for directory in directories {
        settle(directory, existing, facts, &mut found, &mut warnings);
    }
    (found, warnings)
}

fn settle(
    directory: &str,
    existing: &ExistingFiles,
    facts: &Facts,
    found: &mut BTreeMap<String, Settings>,
    warnings: &mut Warnings,
) {
    if found.contains_key(directory) {
        return;
    }
    let mut settings = Settings::default();
    if !directory.is_empty() {
        let parent = directory.rsplit_once('/').map_or("", |(parent, _)| parent);
        settle(parent, existing, facts, found, warnings);
        settings = Settings { ignored: false, ..found[parent].clone() };
    }
    if let Some(Ok(file)) = existing.get(directory).map(|existing| &existing.file) {
        for directive in &file.directives {
            if let Err(why) = settings.follow(directive, directory, facts) {
                warnings.push(format!("{}: {why}", file.place(&directive.span)));
            }
        }
    }
    found.insert(directory.to_owned(), settings);
}

impl Settings {
    /// Does what a directive says.
    ///
    /// # Errors
    ///
    /// Why it can't be done.
    fn follow(&mut self, directive: &Directive, directory: &str, facts: &Facts) -> Result<(), String> {
        let value = directive.value.as_str();
        let words: Vec<&str> = value.split_whitespace().collect();
        match directive.key.as_str() {
            "ignore" if value.is_empty() => self.ignored = true,
            "ignore" => return Err("`ignore` takes no value, and means this file; `exclude` is for others".to_owned()),
            "exclude" if value.is_empty() => return Err("`exclude` without a path".to_owned()),
            "exclude" => self.excluded.push(join(directory, value)),
            "prefix" => return check_prefix(value, directory, facts),
            "build_tags" => return check_tags(value, facts),
            "resolve" => match words.as_slice() {
                ["go", path, label] | ["go", "go", path, label] => drop(self.resolved.insert((*path).into(), (*label).into())),
                [language, ..] if *language != "go" && words.len() >= 3 => {}
                _ => return Err("`resolve` is followed by `go`, an import path and a label".to_owned()),
            },
            "resolve_regexp" => match words.as_slice() {
                ["go", pattern, label] | ["go", "go", pattern, label] => {
                    let regex = Regex::new(pattern).map_err(|e| format!("`{pattern}` is not a regular expression: {e}"))?;
                    self.resolved_by.push((regex, (*label).to_owned()));
                }
                [language, ..] if *language != "go" && words.len() >= 3 => {}
                _ => return Err("`resolve_regexp` is followed by `go`, a regular expression and a label".to_owned()),
            },
            "map_kind" => match words.as_slice() {
                [from, kind, file] => {
                    self.mapped.insert((*from).into(), Mapped { kind: (*kind).into(), file: (*file).into() });
                }
                _ => {
                    return Err(
                        "`map_kind` is followed by a kind, the kind in its place, and the file that has that".to_owned()
                    );
                }
            },
            "alias_kind" => match words.as_slice() {
                [alias, kind] => drop(self.aliases.insert((*alias).into(), (*kind).into())),
                _ => return Err("`alias_kind` is followed by a macro, and the kind that it wraps".to_owned()),
            },
            "go_naming_convention" => {
                self.naming = match value {
                    "import" => Naming::Import,
                    "import_alias" => Naming::ImportAlias,
                    "go_default_library" => Naming::GoDefaultLibrary,
                    _ => return Err("`go_naming_convention` is import, import_alias or go_default_library".to_owned()),
                }
            }
            "go_visibility" if value.is_empty() => return Err("`go_visibility` without a label".to_owned()),
            "go_visibility" => self.visibility.push(value.to_owned()),
            "default_visibility" => self.default_visibility = list(value),
            "go_test" => {
                self.test_per_file = match value {
                    "default" => false,
                    "file" => true,
                    _ => return Err("`go_test` is default or file".to_owned()),
                }
            }
            // Who reads BUILD files knows what they are called.
            "build_file_name" => {}
            key => return other(key, value),
        }
        Ok(())
    }

    /// Whether a path relative to the spec is excluded, or in a directory that is.
    pub(super) fn excludes(&self, path: &str) -> bool {
        let elements: Vec<&str> = path.split('/').collect();
        let above = |pattern: &[&str]| (1..=elements.len()).any(|n| matches(pattern, &elements[..n]));
        self.excluded.iter().any(|pattern| above(&pattern.split('/').collect::<Vec<_>>()))
    }

    /// The label that a directive gives an import path.
    pub(super) fn resolve(&self, path: &str) -> Option<String> {
        let by = || self.resolved_by.iter().rev().find(|(regex, _)| regex.is_match(path));
        let expanded = |(regex, label): &(Regex, String)| {
            let found = regex.captures(path)?;
            let mut expanded = String::new();
            found.expand(label, &mut expanded);
            Some(expanded)
        };
        self.resolved.get(path).cloned().or_else(|| by().and_then(expanded))
    }

    /// The kind that a kind in a BUILD file stands for.
    pub(super) fn meaning<'a>(&'a self, kind: &'a str) -> &'a str {
        let mapped = self.mapped.iter().find(|(_, mapped)| mapped.kind == kind).map(|(from, _)| from.as_str());
        mapped.or_else(|| self.aliases.get(kind).map(String::as_str)).unwrap_or(kind)
    }
}

/// Directives without an effect here: those that say what is so, and those that can't be followed.
fn other(key: &str, value: &str) -> Result<(), String> {
    let proto = "rules for protocol buffers aren't written here, and those that are there are left alone";
    match (key, value) {
        ("proto", "disable" | "disable_global") | ("go_generate_proto", "false") | ("keep", _) => Ok(()),
        ("proto" | "go_generate_proto", _) => Err(format!("`{key} {value}` has no effect: {proto}")),
        (key, _) if key.starts_with("proto_") || matches!(key, "go_proto_compilers" | "go_grpc_compilers") => Ok(()),
        ("go_naming_convention_external" | "go_search" | "search" | "repo" | "repository_macro", _) => {
            Err(format!("`{key}` has no effect: labels of other modules come from the lock"))
        }
        ("importmap_prefix", _) => Err("`importmap_prefix` has no effect: each package is there once".to_owned()),
        ("lang" | "generation_mode" | "follow" | "go_env", _) => {
            Err(format!("`{key}` has no effect: go.mod and the spec decide"))
        }
        _ => Err(format!("there is no directive `{key}`; docs/build-files.md lists those that there are")),
    }
}

fn check_prefix(value: &str, directory: &str, facts: &Facts) -> Result<(), String> {
    match (facts.import_path)(directory) {
        Some(path) if path == value => Ok(()),
        Some(path) => Err(format!("the prefix `{value}` has no effect: go.mod says that this is {path}")),
        None => Err(format!("the prefix `{value}` has no effect: this directory is in no module of the workspace")),
    }
}

fn check_tags(value: &str, facts: &Facts) -> Result<(), String> {
    let unknown: Vec<String> = list(value).into_iter().filter(|tag| !(facts.tags)(tag)).collect();
    match unknown.as_slice() {
        [] => Ok(()),
        unknown => Err(format!(
            "the build tags {} have no effect here: profile(tags = …) in the spec sets them for everything",
            unknown.join(", ")
        )),
    }
}

fn list(value: &str) -> Vec<String> {
    value.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
}

/// Whether the elements of a path match those of a pattern: within an element as in Go, and `**` for any number of them.
fn matches(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern, path) {
        ([], []) => true,
        (["**", rest @ ..], _) => (0..=path.len()).any(|n| matches(rest, &path[n..])),
        ([first, rest @ ..], [element, path @ ..]) => {
            Glob::parse(first).is_some_and(|glob| glob.matches(element)) && matches(rest, path)
        }
        _ => false,
    }
}

/// Whether a BUILD file gives its targets a visibility by `package()`.
pub(super) fn has_default_visibility(file: &BuildFile) -> bool {
    file.calls.iter().any(|call| call.kind == "package" && call.argument("default_visibility").is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_paths() {
        for (pattern, path, expected) in [
            ("a/b", "a/b", true),
            ("a/*.go", "a/x.go", true),
            ("a/*.go", "a/b/x.go", false),
            ("a/**/x.go", "a/x.go", true),
            ("a/**/x.go", "a/b/c/x.go", true),
            ("**/gen_?.go", "a/gen_1.go", true),
        ] {
            let (pattern, path): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
            assert_eq!(matches(&pattern, &path), expected, "{pattern:?} {path:?}");
        }
    }
}
