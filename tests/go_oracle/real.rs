//! Real modules: docs/oracle.md says of each how many modules and go.mod files there are, and Go and godirect must both say so.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use godirect::error::Error;
use godirect::module::ModuleId;
use godirect::module::escape::escape;
use godirect::module::gomod::{GoMod, Target};
use godirect::module::mvs;
use godirect::module::workspace::Workspace;
use rayon::prelude::*;
use similar::TextDiff;

use super::build_lists::{go_list, shown};
use super::gomods::read_alike;
use super::{go, gopath};

/// Rows with more modules are for the full run only.
const BRIEF: usize = 150;

/// A row of the table.
struct Row {
    /// What a main module is made of: `path@version`, several for a workspace.
    modules: Vec<ModuleId>,
    /// `main` when the module itself is the main one, or a go line: then a main module with that line requires it.
    role: String,
    text: String,
    count: Option<usize>,
}

const TABLE: &str = "docs/oracle.md";

fn rows(page: &str) -> Vec<Row> {
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let row = |line: &str| {
        let cells = cells(line);
        let [modules, role, _shape, count, _files] = cells.as_slice() else { panic!("{TABLE}: {line}") };
        let modules = modules.split('`').filter(|word| word.contains('@')).map(id).collect();
        Row { modules, role: role.clone(), text: line.to_owned(), count: count.parse().ok() }
    };
    let section = page.split("\n## ").find(|section| section.starts_with("Build lists\n")).unwrap_or_default();
    section.lines().filter(|line| line.starts_with("| `")).map(row).collect()
}

fn id(text: &str) -> ModuleId {
    let (path, version) = text.split_once('@').unwrap();
    ModuleId { path: path.parse().unwrap(), version: version.parse().unwrap() }
}

/// The go.mod of a module as the proxy has it.
fn published(id: &ModuleId) -> String {
    let anywhere = tempfile::tempdir().unwrap();
    let path = go(anywhere.path(), &[], &["list", "-m", "-f", "{{.GoMod}}", &id.to_string()]);
    std::fs::read_to_string(path.trim()).unwrap()
}

/// Writes the main modules of a row; gives their directories, relative to the workspace's.
fn write_row(row: &Row, directory: &Path) -> Vec<String> {
    if row.role != "main" {
        let go_mod =
            format!("module main.example\n\ngo {}\n\nrequire {}\n", row.role, row.modules[0].to_string().replace('@', " "));
        std::fs::write(directory.join("go.mod"), go_mod).unwrap();
        return vec![String::new()];
    }
    let mut directories = Vec::new();
    for (index, id) in row.modules.iter().enumerate() {
        let name = if row.modules.len() == 1 { String::new() } else { format!("m{index}") };
        let path = directory.join(&name);
        std::fs::create_dir_all(&path).unwrap();
        let content = published(id);
        std::fs::write(path.join("go.mod"), &content).unwrap();
        write_replacements(&path, &content);
        directories.push(name);
    }
    directories
}

/// A module's zip has no directory that is a module of its own: makes those that it replaces others by.
fn write_replacements(directory: &Path, content: &str) {
    let gomod = GoMod::parse(Path::new("go.mod"), content).unwrap();
    for replace in &gomod.replace {
        let Target::Directory(target) = &replace.target else { continue };
        let path = directory.join(target).join("go.mod");
        if !path.exists() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, format!("module {}\n\ngo 1.16\n", replace.path)).unwrap();
        }
    }
}

/// The file of a go.mod that the go command has fetched.
fn fetched(id: &ModuleId) -> PathBuf {
    let version = escape(id.version.as_str());
    gopath().join("pkg/mod/cache/download").join(escape(id.path.as_str())).join("@v").join(format!("{version}.mod"))
}

/// Makes a row's repository; gives the modules that Go lists.
fn list_with_go(row: &Row, root: &Path) -> Result<Vec<String>, String> {
    let directories = write_row(row, root);
    // Go may bring the files into the form that it demands, such as a go line that is as new as those of the dependencies.
    let variables = [("GOFLAGS", "-modcacherw -mod=mod"), ("GOWORK", "off")];
    let lists: Vec<Vec<String>> =
        directories.iter().map(|name| go_list(&root.join(name), &variables)).collect::<Result<_, _>>()?;
    if let [list] = lists.as_slice() {
        return Ok(list.clone());
    }
    let names: Vec<&str> = directories.iter().map(String::as_str).collect();
    go(root, &[], &[&["work", "init"], names.as_slice()].concat());
    go_list(root, &[])
}

/// Compares the build lists, and each go.mod on the way; gives how many of both there are, or what differs.
fn compare(row: &Row, read: &Mutex<BTreeSet<PathBuf>>) -> Result<(usize, usize), String> {
    let directory = tempfile::tempdir().unwrap();
    // Replacements lead out of the repository.
    let root = directory.path().join("1/2/3/4/5");
    std::fs::create_dir_all(&root).unwrap();
    let all = list_with_go(row, &root)?;
    let workspace = Workspace::load(&root).map_err(|e| e.to_string())?;
    let met = Mutex::new(BTreeSet::new());
    let fetch = |id: &ModuleId| {
        let path = fetched(id);
        let text =
            std::fs::read_to_string(&path).map_err(|e| Error::input(format!("{id}: Go hasn't fetched its go.mod: {e}")))?;
        met.lock().unwrap().insert(path.clone());
        GoMod::parse_dependency(&path, &text)
    };
    let list = mvs::build_list(&workspace, &fetch).map_err(|e| e.to_string())?;
    let is_main = |line: &String| workspace.modules.iter().any(|m| m.path.as_str() == *line);
    let expected: Vec<String> = all.into_iter().filter(|line| !is_main(line)).collect();
    if shown(&list) != expected {
        let (theirs, ours) = (
            expected.join(
                "
",
            ),
            shown(&list).join(
                "
",
            ),
        );
        return Err(TextDiff::from_lines(&theirs, &ours).unified_diff().header("Go", "godirect").to_string());
    }
    let by_id: BTreeMap<_, _> = list.iter().map(|selected| (&selected.id, &selected.replace)).collect();
    let listed = mvs::listed(&workspace).unwrap_or_default();
    if let Some(other) = listed.iter().find(|selected| by_id.get(&selected.id) != Some(&&selected.replace)) {
        return Err(format!("go.mod has {}, which was not selected", other.id));
    }
    let mut met = met.into_inner().unwrap();
    met.extend(workspace.modules.iter().map(|module| root.join(&module.dir).join("go.mod")));
    let unread: Vec<&PathBuf> = met.iter().filter(|path| read.lock().unwrap().insert((*path).clone())).collect();
    unread.par_iter().try_for_each(|path| read_alike(path))?;
    Ok((list.len(), met.len()))
}

/// The brief run has the rows with few modules, the one with `GODIRECT_TEST_ORACLE=all` has all.
#[test]
fn real_modules_are_selected_and_read_as_go_does() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(TABLE)).unwrap();
    let full = std::env::var_os("GODIRECT_TEST_ORACLE").is_some_and(|value| value == "all");
    let rows: Vec<Row> = rows(&page).into_iter().filter(|row| full || row.count.is_some_and(|count| count <= BRIEF)).collect();
    assert!(rows.len() >= 30, "{} rows", rows.len());
    let read = Mutex::default();
    let mut wrong = Vec::new();
    for row in &rows {
        let start: Vec<&str> = row.text.split('|').take(4).collect();
        let measured = match compare(row, &read) {
            Ok((modules, files)) => format!("{}| {modules} | {files} |", start.join("|")),
            Err(difference) => format!("{}| {difference}", start.join("|")),
        };
        eprintln!("{measured}");
        if measured != row.text {
            wrong.push(measured);
        }
    }
    eprintln!("{} go.mod files were read", read.lock().unwrap().len());
    assert!(wrong.is_empty(), "{TABLE} should have these rows:\n{}", wrong.join("\n"));
}
