//! The repositories of the rows: modules as the proxy has them, unpacked, with a spec and its lock.

use std::fs;
use std::path::{Path, PathBuf};

use crate::answers::{godirect, output, try_go};
use crate::rows::{PLATFORMS, Role, Row};

/// Where all that these tests make and fetch is kept.
pub fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("list-oracle").join(name)
}

/// A command in each repository, so that the spec names a binary that can be built on all platforms: then the lock has what any view
/// needs, whatever else the repository can't build.
const COMMAND: &str = "zz_command";

/// Makes the repository of a row, anew and at the same place each time; gives its directory.
///
/// # Errors
///
/// Why `godirect lock` refused it.
pub fn make(row: &Row) -> Result<PathBuf, String> {
    let name: String = row.modules.join("+").chars().map(|c| if c == '/' { '_' } else { c }).collect();
    let name = format!("{name}-{:?}", row.role).to_lowercase();
    let root = place("trees").join(name);
    if root.exists() {
        fs::remove_dir_all(&root).unwrap();
    }
    fs::create_dir_all(&root).unwrap();
    let first = write_modules(row, &root);
    let command = root.join(&first).join(COMMAND);
    fs::create_dir_all(&command).unwrap();
    fs::write(command.join("main.go"), "package main\n\nfunc main() {}\n").unwrap();
    finish(row, &root);
    let binary = Path::new(&first).join(COMMAND).display().to_string();
    fs::write(root.join("godirect.star"), spec(row, &binary)).unwrap();
    output(godirect(&root, &["lock"])).map(|_| root)
}

/// Writes the main modules; gives the directory of the first, relative to the repository's.
fn write_modules(row: &Row, root: &Path) -> String {
    if row.role == Role::Sdk {
        fs::write(root.join("go.mod"), "module main.example\n\ngo 1.27\n").unwrap();
        return String::new();
    }
    let several = matches!(row.role, Role::Workspace | Role::VendoredWorkspace);
    for (index, id) in row.modules.iter().enumerate() {
        let directory = if several { root.join(format!("m{index}")) } else { root.to_owned() };
        copy(&unpacked(id), &directory);
    }
    if several { "m0".to_owned() } else { String::new() }
}

/// What the go command does to the repository before both list it.
fn finish(row: &Row, root: &Path) {
    let go = |arguments: &[&str]| {
        try_go(root, arguments).unwrap_or_else(|why| panic!("{}: {why}", root.display()));
    };
    let modules: Vec<String> = (0..row.modules.len()).map(|i| format!("./m{i}")).collect();
    let init: Vec<&str> = ["work", "init"].into_iter().chain(modules.iter().map(String::as_str)).collect();
    match row.role {
        Role::Published | Role::Sdk => {}
        Role::Tidied => go(&["mod", "tidy"]),
        Role::Vendored => go(&["mod", "vendor"]),
        Role::Workspace => {
            go(&init);
            // go.work.sum, which the go command extends where it may.
            go(&["mod", "download"]);
        }
        Role::VendoredWorkspace => {
            go(&init);
            go(&["work", "vendor"]);
        }
    }
}

/// All platforms, and a profile for each combination of cgo and tags.
fn spec(row: &Row, binary: &str) -> String {
    let platforms = PLATFORMS.map(|p| format!("    \"{p}\",\n")).concat();
    let mut profiles = String::new();
    let mut names = Vec::new();
    for (index, tags) in row.tags.iter().enumerate() {
        let tags: Vec<String> = tags.split(',').filter(|t| !t.is_empty()).map(|t| format!("\"{t}\"")).collect();
        for (suffix, cgo) in [("", "False"), ("_cgo", "True")] {
            let name = format!("tags{index}{suffix}");
            profiles += &format!("profile(\"{name}\", tags = [{}], cgo = {cgo})\n", tags.join(", "));
            names.push(format!("\"{name}\""));
        }
    }
    format!(
        "go_sdk(version = \"1.27.3\")\n\nplatforms(\n{platforms})\n\n{profiles}\nbinary(\"./{binary}\", profiles = [{}])\n\nnix()\n",
        names.join(", ")
    )
}

/// The directory of a module in the go command's cache.
fn unpacked(id: &str) -> PathBuf {
    let anywhere = tempfile::tempdir().unwrap();
    let shown = try_go(anywhere.path(), &["mod", "download", "-json", id]).unwrap_or_else(|why| panic!("{id}: {why}"));
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    PathBuf::from(shown["Dir"].as_str().unwrap())
}

/// Copies a tree of plain files, which may be written to afterwards.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::write(target, fs::read(&path).unwrap()).unwrap();
        }
    }
}
