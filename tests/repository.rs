//! The invariants of ARCHITECTURE.md that can be read off the source, and the licences of dependencies.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The modules of the crate: each may use those behind it.
const ORDER: [&str; 20] = [
    "main", "cli", "project", "affected", "emit", "exec", "binary", "plan", "graph", "lock", "source", "module", "spec",
    "write", "platform", "name", "files", "git", "digest", "error",
];

/// Modules that read or write files.
const FILES: [&str; 8] = ["cli", "exec", "files", "git", "lock", "project", "source", "write"];

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The program's source without its unit tests: each file's top-level module, path and text.
fn sources() -> Vec<(String, PathBuf, String)> {
    let mut found = Vec::new();
    let mut open = vec![repository("src")];
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs") && !path.ends_with("lib.rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
                let below = path.strip_prefix(repository("src")).unwrap();
                let module = below.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
                found.push((module, below.to_owned(), text));
            }
        }
    }
    found
}

/// The lines of code that aren't comments.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim_start().starts_with("//"))
}

/// The files with a line of code that contains one of `words`.
fn files_with(words: &[&str]) -> BTreeSet<PathBuf> {
    let has = |text: &str| code(text).any(|line| words.iter().any(|word| line.contains(word)));
    sources().into_iter().filter(|(_, _, text)| has(text)).map(|(_, path, _)| path).collect()
}

#[test]
fn arrows_go_one_way() {
    let mut wrong = BTreeSet::new();
    let place = |module: &str| ORDER.iter().position(|known| *known == module);
    for (module, path, text) in sources() {
        let from = place(&module).unwrap_or_else(|| panic!("{module} has no place in the order yet"));
        for rest in code(&text).flat_map(|line| line.split("crate::").skip(1)) {
            let used: String = rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            let Some(to) = place(&used) else { panic!("{}: not the name of a module: crate::{rest}", path.display()) };
            if to < from {
                wrong.insert(format!("{} uses {used}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_the_lock_opens_sockets() {
    assert_eq!(
        files_with(&["reqwest", "std::net", "TcpStream"]),
        BTreeSet::from(["lock/transport.rs".into(), "lock/transport/auth.rs".into()])
    );
}

#[test]
fn only_some_modules_start_programs() {
    let files =
        ["exec/children.rs", "exec/process.rs", "exec/testing/process.rs", "lock/direct/git.rs", "lock/transport/auth.rs"];
    assert_eq!(files_with(&["process::Command", "Command::new"]), files.map(PathBuf::from).into());
}

#[test]
fn only_some_modules_touch_files() {
    let words = ["std::fs", "fs::", "File::open", "tempfile::"];
    let module = |path: PathBuf| path.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
    let found: BTreeSet<String> = files_with(&words).into_iter().map(module).collect();
    assert_eq!(found, FILES.map(str::to_owned).into());
}

/// The licences that `deny.toml` allows.
fn allowed_licences() -> BTreeSet<String> {
    let text = std::fs::read_to_string(repository("deny.toml")).unwrap();
    let list = text.split("allow = [").nth(1).and_then(|rest| rest.split("\n]").next()).expect("a list of licences");
    list.lines().filter_map(|line| line.split('"').nth(1)).map(str::to_owned).collect()
}

/// Whether an SPDX expression can be met: one of its alternatives has only allowed licences. Parentheses only occur around alternatives.
fn is_met(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let one = |licence: &str| allowed.contains(licence.trim());
    let any = |choice: &str| choice.trim_matches(['(', ')', ' ']).replace('/', " OR ").split(" OR ").any(one);
    let alternatives: Vec<&str> = expression.split(" AND ").collect();
    alternatives.iter().all(|choice| any(choice))
}

#[test]
fn dependencies_have_permissive_licences() {
    let mut command = Command::new(env!("CARGO"));
    command.args(["metadata", "--locked", "--format-version", "1"]).current_dir(repository(""));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let allowed = allowed_licences();
    let packages = metadata["packages"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let refused: Vec<String> = packages
        .iter()
        .filter(|p| !is_met(&text(&p["license"]), &allowed))
        .map(|p| format!("{} {}: {}", text(&p["name"]), text(&p["version"]), text(&p["license"])))
        .collect();
    assert!(packages.len() > 100 && refused.is_empty(), "not in deny.toml: {refused:#?}");
}

#[test]
fn licence_expressions() {
    let allowed = BTreeSet::from(["MIT".to_owned(), "ISC".to_owned()]);
    for (expression, met) in [
        ("MIT", true),
        ("GPL-3.0-only", false),
        ("MIT OR GPL-3.0-only", true),
        ("MIT/Apache-2.0", true),
        ("MIT AND ISC", true),
        ("MIT AND GPL-3.0-only", false),
        ("(GPL-3.0-only OR MIT) AND ISC", true),
        ("", false),
    ] {
        assert_eq!(is_met(expression, &allowed), met, "{expression}");
    }
}
