//! How two lists of packages differ.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use serde_json::Value;

use crate::answers::{CACHE, Object, gocache, gopath};
use crate::waivers::WAIVERS;

/// A field, or a part of one, that the programs print differently.
#[derive(Clone, Debug)]
pub struct Difference {
    pub package: String,
    pub field: String,
    /// As JSON; `null` when it isn't printed.
    pub ours: String,
    pub theirs: String,
}

impl Difference {
    /// The waiver that accepts it, by its place in the table.
    pub fn waiver(&self) -> Option<usize> {
        WAIVERS.iter().position(|waiver| waiver.fields.contains(&self.field.as_str()) && (waiver.applies)(self))
    }
}

/// All differences: which packages there are and in which order, then each package's fields.
pub fn differences(root: &Path, ours: &[Object], theirs: &[Object]) -> Vec<Difference> {
    let paths = |side: &[Object]| side.iter().map(|p| p.path().to_owned()).collect::<Vec<_>>();
    let mut found = order(&paths(ours), &paths(theirs));
    let by_path: BTreeMap<&str, &Object> = ours.iter().map(|package| (package.path(), package)).collect();
    for theirs in theirs {
        if let Some(ours) = by_path.get(theirs.path()) {
            found.extend(fields(theirs.path(), &flat(root, ours), &flat(root, theirs)));
        }
    }
    found
}

/// Packages that only one side has, or else where the order differs first.
fn order(ours: &[String], theirs: &[String]) -> Vec<Difference> {
    let difference = |package: &String, field: &str, ours: &str, theirs: &str| Difference {
        package: package.clone(),
        field: field.to_owned(),
        ours: ours.to_owned(),
        theirs: theirs.to_owned(),
    };
    let sets = [ours, theirs].map(|side| side.iter().collect::<BTreeSet<_>>());
    let missing = sets[1].difference(&sets[0]).map(|path| difference(path, "(package)", "missing", "there"));
    let surplus = sets[0].difference(&sets[1]).map(|path| difference(path, "(package)", "there", "missing"));
    let mut found: Vec<Difference> = missing.chain(surplus).collect();
    if found.is_empty()
        && let Some(at) = (0..ours.len().max(theirs.len())).find(|at| ours.get(*at) != theirs.get(*at))
    {
        let name = |side: &[String]| side.get(at).cloned().unwrap_or_default();
        found.push(difference(&name(theirs), "(order)", &name(ours), &name(theirs)));
    }
    found
}

fn fields(package: &str, ours: &[(String, Value)], theirs: &[(String, Value)]) -> Vec<Difference> {
    let [by_name, of_go] = [ours, theirs].map(|side| side.iter().map(|(n, v)| (n.as_str(), v)).collect::<BTreeMap<_, _>>());
    let names: BTreeSet<&str> = by_name.keys().chain(of_go.keys()).copied().collect();
    let mut found = Vec::new();
    for field in names {
        let (ours, theirs) = (by_name.get(field), of_go.get(field));
        if ours != theirs {
            let json = |value: Option<&&Value>| value.map_or("null".to_owned(), |value| value.to_string());
            let (package, field) = (package.to_owned(), field.to_owned());
            found.push(Difference { package, field, ours: json(ours), theirs: json(theirs) });
        }
    }
    let keys = |side: &[(String, Value)]| side.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    if found.is_empty() && keys(ours) != keys(theirs) {
        let (package, field) = (package.to_owned(), "(order of fields)".to_owned());
        found.push(Difference { package, field, ours: keys(ours).join(" "), theirs: keys(theirs).join(" ") });
    }
    found
}

/// The fields of a package, those of its module and its error each on its own, without places that only one program has.
fn flat(root: &Path, package: &Object) -> Vec<(String, Value)> {
    let mut fields = Vec::new();
    for (name, value) in &package.0 {
        flatten(name, &placeless(root, value.clone()), &mut fields);
    }
    fields
}

fn flatten(name: &str, value: &Value, fields: &mut Vec<(String, Value)>) {
    match (name, value) {
        ("Module" | "Module.Replace" | "Error", Value::Object(parts)) => {
            for (part, value) in parts {
                flatten(&format!("{name}.{part}"), value, fields);
            }
        }
        // The go command has it in its download cache, godirect in the module's directory.
        ("Module.GoMod" | "Module.Replace.GoMod", Value::String(path)) if path.starts_with('$') => {}
        _ => fields.push((name.to_owned(), value.clone())),
    }
}

/// A value in which the caches of both programs are called the same.
fn placeless(root: &Path, value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(shared_place(root, &text)),
        Value::Array(values) => Value::Array(values.into_iter().map(|value| placeless(root, value)).collect()),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, value)| (name, placeless(root, value))).collect())
        }
        other => other,
    }
}

fn shared_place(root: &Path, text: &str) -> String {
    // The position of an error in another directory.
    let text = if text.starts_with("../") { clean(&root.join(text)).display().to_string() } else { text.to_owned() };
    let [modules, downloads] = ["pkg/mod/", "pkg/mod/cache/download/"].map(|path| gopath().join(path).display().to_string());
    let [our_modules, our_downloads] = ["mod/", "download/"].map(|path| CACHE.join(path).display().to_string());
    let text = text.replace(&downloads, "$DOWNLOADS/").replace(&our_downloads, "$DOWNLOADS/");
    let text = text.replace(&modules, "$MODULES/").replace(&gocache().display().to_string(), "$GOCACHE");
    match text.split_once(&our_modules) {
        Some((before, path)) => format!("{before}$MODULES/{}", without_hash(path)),
        None => text,
    }
}

/// A path below the modules of godirect's cache, without the hash at the end of the module's directory.
fn without_hash(path: &str) -> String {
    let is_hash = |text: &str| text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
    for (at, _) in path.match_indices('-') {
        let end = at + 33;
        if path.get(at + 1..end).is_some_and(is_hash) && matches!(path.as_bytes().get(end), None | Some(b'/')) {
            return format!("{}{}", &path[..at], &path[end..]);
        }
    }
    path.to_owned()
}

/// A path without `..`.
fn clean(path: &Path) -> PathBuf {
    let mut cleaned = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                cleaned.pop();
            }
            other => cleaned.push(other),
        }
    }
    cleaned
}
