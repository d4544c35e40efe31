//! go.mod and go.work files, against `go mod edit -json` and `go work edit -json`.

use std::path::Path;
use std::process::Command;

use godirect::module::ModuleId;
use godirect::module::gomod::{GoMod, Replace, Require, Target};
use godirect::module::gowork::GoWork;
use godirect::name::ModulePath;
use serde_json::{Value, json};

use super::env;

fn id_as_json(id: &ModuleId) -> Value {
    json!({"Path": id.path.as_str(), "Version": id.version.as_str()})
}

fn replace_as_json(replace: &Replace) -> Value {
    let old = match &replace.version {
        Some(version) => json!({"Path": replace.path.as_str(), "Version": version.as_str()}),
        None => json!({"Path": replace.path.as_str()}),
    };
    let new = match &replace.target {
        Target::Module(module) => id_as_json(module),
        Target::Directory(directory) => json!({"Path": directory}),
    };
    json!({"Old": old, "New": new})
}

/// A go.mod as `go mod edit -json` shows it, in the parts that both have.
fn as_json(gomod: &GoMod) -> Value {
    let id = id_as_json;
    let require = |r: &Require| match r.indirect {
        true => json!({"Path": r.id.path.as_str(), "Version": r.id.version.as_str(), "Indirect": true}),
        false => id(&r.id),
    };
    json!({
        "Module": gomod.module.as_ref().map(|m| json!({"Path": m.as_str()})),
        "Go": gomod.go.as_ref().map(|go| go.as_str()),
        "Toolchain": gomod.toolchain,
        "GoDebug": gomod.godebug.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect::<Vec<_>>(),
        "Require": gomod.require.iter().map(require).collect::<Vec<_>>(),
        "Exclude": gomod.exclude.iter().map(id).collect::<Vec<_>>(),
        "Replace": gomod.replace.iter().map(replace_as_json).collect::<Vec<_>>(),
        "Retract": gomod.retract.iter().map(|r| json!([r.low.as_str(), r.high.as_str()])).collect::<Vec<_>>(),
        "Tool": gomod.tool.iter().map(|t| json!({"Path": t.as_str()})).collect::<Vec<_>>(),
        "Ignore": gomod.ignore.iter().map(|i| json!({"Path": i})).collect::<Vec<_>>(),
    })
}

/// What Go's output has of that: its lists may be null, and rationales and deprecations aren't read by godirect.
fn of_go(mut value: Value) -> Value {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let retract: Vec<Value> = list(&value["Retract"]).iter().map(|r| json!([r["Low"], r["High"]])).collect();
    // What no module can be called is replaced by nothing, and not kept.
    let named = |r: &Value| r["Old"]["Path"].as_str().is_some_and(|path| path.parse::<ModulePath>().is_ok());
    let replace: Vec<Value> = list(&value["Replace"]).into_iter().filter(named).collect();
    if let Some(module) = value["Module"].as_object_mut() {
        module.remove("Deprecated");
    }
    json!({
        "Module": if value["Module"]["Path"] == "" { Value::Null } else { value["Module"].clone() },
        "Go": value["Go"],
        "Toolchain": value["Toolchain"],
        "GoDebug": list(&value["GoDebug"]),
        "Require": list(&value["Require"]),
        "Exclude": list(&value["Exclude"]),
        "Replace": replace,
        "Retract": retract,
        "Tool": list(&value["Tool"]),
        "Ignore": list(&value["Ignore"]),
    })
}

/// Runs `go mod edit -json` or `go work edit -json`; `None` when it refuses the file.
fn go_shows(verb: &str, path: &Path) -> Option<Value> {
    let goroot = &env().sdk.goroot;
    let output = Command::new(goroot.join("bin/go"))
        .args([verb, "edit", "-json"])
        .arg(path)
        .env("GOROOT", goroot)
        .env("GOTOOLCHAIN", "local")
        .output()
        .unwrap();
    if output.status.success() { Some(serde_json::from_slice(&output.stdout).unwrap()) } else { None }
}

fn go_reads(path: &Path) -> Option<Value> {
    go_shows("mod", path).map(of_go)
}

#[test]
fn go_mod_files_are_read_as_go_reads_them() {
    let content = include_str!("gomods.txt");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("go.mod");
    let (mut read, mut refused) = (0, 0);
    for case in content.split("-----\n") {
        std::fs::write(&path, case).unwrap();
        let ours = GoMod::parse(&path, case);
        match (ours, go_reads(&path)) {
            (Ok(ours), Some(theirs)) => {
                assert_eq!(as_json(&ours), theirs, "{case}");
                read += 1;
            }
            (Err(_), None) => refused += 1,
            (Ok(ours), None) => panic!("Go refuses what godirect reads as {ours:?}:\n{case}"),
            (Err(error), Some(_)) => panic!("Go reads what godirect refuses: {error}\n{case}"),
        }
    }
    assert_eq!((read, refused), (45, 51));
}

/// Both read the file, as the same, or both refuse it; else how they differ.
pub fn read_alike(path: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let (ours, theirs) = (GoMod::parse(path, &text), go_reads(path));
    match (ours, theirs) {
        (Ok(ours), Some(theirs)) if as_json(&ours) == theirs => Ok(()),
        (Err(_), None) => Ok(()),
        (ours, theirs) => Err(format!("{} is {ours:?}, for Go {theirs:?}", path.display())),
    }
}

#[test]
fn go_work_files_are_read_as_go_reads_them() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("go.work");
    let (mut read, mut refused) = (0, 0);
    for case in include_str!("goworks.txt").split("-----\n") {
        std::fs::write(&path, case).unwrap();
        match (GoWork::parse(&path, case), go_shows("work", &path)) {
            (Ok(ours), Some(theirs)) => {
                let list = |name: &str| theirs[name].as_array().cloned().unwrap_or_default();
                assert_eq!(
                    (json!(ours.go.as_ref().map(|go| go.as_str())), json!(ours.toolchain)),
                    (theirs["Go"].clone(), theirs["Toolchain"].clone()),
                    "{case}"
                );
                let godebug: Vec<Value> = ours.godebug.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
                assert_eq!(godebug, list("Godebug"), "{case}");
                let uses: Vec<Value> = ours.uses.iter().map(|path| json!({"DiskPath": path})).collect();
                assert_eq!(uses, list("Use"), "{case}");
                assert_eq!(ours.replace.iter().map(replace_as_json).collect::<Vec<_>>(), list("Replace"), "{case}");
                read += 1;
            }
            (Err(_), None) => refused += 1,
            (ours, theirs) => panic!("godirect reads {ours:?}, Go {theirs:?}:\n{case}"),
        }
    }
    assert_eq!((read, refused), (14, 14));
}
