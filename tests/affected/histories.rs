//! Released versions of real modules, one committed after the other, and random changes of them: whatever the go command's build IDs tell
//! apart, the derivations that Nix would build, or the actions of Bazel, must be in the answer, and little else.
//!
//! `GODIRECT_TEST_HISTORIES=all` takes all modules and many changes, and writes the table of docs/affected.md; `x/mod,cobra` takes the modules
//! whose paths contain one of these, with as many changes.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::aquery::Workspace;
use super::changes::{Random, SHAPES, Shape, anywhere};
use super::engines;
use super::oracle::{BROKEN, Known, Truth, must, truth};
use super::support::{GOROOT, Project, Tree, read_tree, repository, write_tree};
use super::{answer, commit, git, run, target, targets_by};

/// Modules with consecutive versions.
const MODULES: [(&str, &[&str]); 9] = [
    ("github.com/google/uuid", &["v1.3.1", "v1.4.0", "v1.5.0", "v1.6.0"]),
    ("github.com/spf13/pflag", &["v1.0.6", "v1.0.7", "v1.0.9", "v1.0.10"]),
    ("github.com/BurntSushi/toml", &["v1.3.2", "v1.4.0", "v1.5.0", "v1.6.0"]),
    ("github.com/spf13/cobra", &["v1.8.1", "v1.9.0", "v1.9.1", "v1.10.1"]),
    ("golang.org/x/mod", &["v0.28.0", "v0.29.0", "v0.30.0"]),
    ("golang.org/x/sync", &["v0.17.0", "v0.18.0", "v0.19.0"]),
    ("github.com/gorilla/mux", &["v1.7.4", "v1.8.0", "v1.8.1"]),
    ("github.com/klauspost/compress", &["v1.17.10", "v1.17.11", "v1.18.0"]),
    ("golang.org/x/crypto", &["v0.43.0", "v0.44.0", "v0.45.0"]),
];
/// Random changes of each module, and of each shape of it.
const CHANGES: [usize; 2] = [25, 7];
const VIEW: [(&str, &str); 1] = [("linux_amd64", "linux/amd64")];
const SPEC: &str = "go_sdk(version = \"1.27.3\")\n\nplatforms(\"linux/amd64\")\n";
const COLUMNS: &str = "comparisons | affected by the oracle | missing | also in the answer | of these built again | by files that tests may read | precision |";
/// The command that needs all packages of a module.
pub const ALL: &str = "zzall";

/// Who knows what a change touches.
struct Oracle {
    /// The truth of the answer.
    truth: &'static str,
    /// Goes after [`SPEC`].
    spec: &'static str,
    /// What a tree needs besides, before it is compared.
    prepare: fn(&Project, &str),
    /// `None` where it can't tell.
    look: fn(&Project, &str) -> Option<Truth>,
    /// What `affected` is told of a base that builds.
    known: &'static [&'static str],
    /// Whether it can tell of C code.
    knows_c: bool,
    /// How the names of targets begin that it knows.
    kinds: &'static [&'static str],
    /// What it calls a target of the answer.
    name: fn(&Value) -> String,
    /// The name of a directory that is the same each time, if it needs one.
    directory: Option<&'static str>,
}

/// The go command: build IDs.
const GO: Oracle = Oracle {
    truth: "go",
    spec: "",
    prepare: |_, _| {},
    look: |project, module| Some(truth(project, module, &VIEW, has_c(project))),
    known: &["--base-builds"],
    knows_c: true,
    kinds: &["package", "test", "binary"],
    name: target,
    directory: None,
};

/// Nix: the derivations that it would build.
const NIX: Oracle = Oracle {
    truth: "nix",
    spec: "nix()\n",
    prepare: |project, module| {
        if !project.root().join(ALL).exists() {
            add_command(project, module);
        }
        // It fails where a package can't be built any more.
        project.run(&["lock"]);
        project.run(&["generate"]);
    },
    look: |project, module| {
        let ran = project.run(&["--json", "nix", "paths", "--system", "x86_64-linux", "--archives"]);
        // Nix couldn't build such a tree.
        let printed: Value = serde_json::from_str(&ran.stdout).ok()?;
        let mut truth = Truth::new();
        for (name, package) in printed["packages"].as_object().into_iter().flatten() {
            let paths = package["outputs"].to_string();
            let view = VIEW[0].0.to_owned();
            if let Some(path) = name.strip_prefix("packageArchives.linux_amd64.") {
                if path == module || path.starts_with(&format!("{module}/")) {
                    truth.insert((view, format!("package {path}")), built(paths));
                }
            } else if let Some(binary) = name.strip_suffix("-linux_amd64") {
                // The command that this test has added; others have names that say less.
                if binary == ALL {
                    truth.insert((view, format!("binary {ALL}")), built(paths));
                }
            }
        }
        Some(truth)
    },
    known: &[],
    knows_c: false,
    kinds: &["package"],
    name: target,
    directory: None,
};

/// Bazel: the keys of actions, and what they read.
const BAZEL: Oracle = Oracle {
    truth: "bazel",
    spec: "bazel()\n",
    prepare: |project, _| {
        let ruleset = repository("rules_go_direct").display().to_string();
        let module = "module(name = \"history\")\n\nlocal_path_override(\n    module_name = \"rules_go_direct\",\n";
        if !project.root().join("MODULE.bazel").exists() {
            project.write("MODULE.bazel", &format!("{module}    path = \"{ruleset}\",\n)\n"));
            project.write(".gitignore", "MODULE.bazel.lock\n");
        }
        // It fails where a tree can't be read.
        project.run(&["lock"]);
        project.run(&["generate"]);
    },
    look: |project, _| {
        let actions = Workspace::new(&project.root(), &[]).actions_if_any(VIEW[0].0)?;
        let known = actions.into_iter().map(|(label, digests)| {
            let text: Vec<String> = digests.iter().map(ToString::to_string).collect();
            ((VIEW[0].0.to_owned(), label), built(text.join(" ")))
        });
        Some(known.collect())
    },
    known: &[],
    knows_c: true,
    kinds: &["//"],
    name: |impact| impact["label"].as_str().unwrap().to_owned(),
    directory: Some("affected-history"),
};

fn has_c(project: &Project) -> bool {
    project.read("godirect.star").contains("cgo = True")
}

/// What is known of a target by who builds it again whenever something of it is different.
fn built(made_of: String) -> Known {
    Known { action: made_of.clone(), result: made_of }
}

/// Adds the command [`ALL`].
fn add_command(project: &Project, module: &str) {
    let listed = go(&project.root(), &["list", "-e", "-f", "{{if not .Error}}{{.Name}} {{.ImportPath}}{{end}}", "./..."]);
    let mut text = String::from("package main\n\nimport (\n");
    for line in listed.lines() {
        let (name, path) = line.split_once(' ').unwrap();
        // Others may not import what is internal to a package.
        let is_hidden = path.rsplit_once("/internal").is_some_and(|(parent, _)| parent != module);
        if name != "main" && !is_hidden {
            let _ = writeln!(text, "\t_ \"{path}\"");
        }
    }
    text.push_str(")\n\nfunc main() {}\n");
    project.write(&format!("{ALL}/main.go"), &text);
}

impl Oracle {
    fn table(&self) -> String {
        let known: String = self.known.iter().map(|flag| format!(" without `{flag}` |")).collect();
        format!("| module, by `--truth {}` | {COLUMNS}{known}", self.truth)
    }
}

/// What many comparisons have in common.
#[derive(Default)]
struct Score {
    comparisons: usize,
    must: usize,
    missing: Vec<String>,
    more: usize,
    /// Of these, what is built again, and comes out the same.
    again: usize,
    by_files: usize,
    /// How many more there are where nothing is said of the base.
    more_by_default: usize,
}

impl Score {
    /// The share of the answer that the oracle has, too; without tests that only files they may read are the reason for.
    fn precision(&self, more: usize) -> f64 {
        let all = self.must - self.missing.len() + more;
        if all == 0 { 1.0 } else { (self.must - self.missing.len()) as f64 / all as f64 }
    }

    fn add(&mut self, other: Score) {
        self.comparisons += other.comparisons;
        self.must += other.must;
        self.missing.extend(other.missing);
        self.more += other.more;
        self.again += other.again;
        self.by_files += other.by_files;
        self.more_by_default += other.more_by_default;
    }

    fn row(&self, name: &str, oracle: &Oracle) -> String {
        let Score { comparisons, must, missing, more, again, by_files, more_by_default } = self;
        let precision = self.precision(*more);
        let by_default = format!(" {:.3} |", self.precision(more + more_by_default)).repeat(oracle.known.len());
        let missing = missing.len();
        format!("| {name} | {comparisons} | {must} | {missing} | {more} | {again} | {by_files} | {precision:.3} |{by_default}")
    }
}

#[test]
fn recall_is_complete() {
    recall_of(&GO);
}

#[test]
fn recall_is_complete_for_nix() {
    recall_of(&NIX);
}

#[test]
fn recall_is_complete_for_bazel() {
    recall_of(&BAZEL);
}

fn recall_of(oracle: &Oracle) {
    let wanted = std::env::var("GODIRECT_TEST_HISTORIES").unwrap_or_default();
    let is_full = wanted == "all";
    let is_wanted = |module: &str| is_full || wanted.split(',').any(|part| module.contains(part));
    let (modules, changes) = match wanted.as_str() {
        "" => (MODULES[..1].to_vec(), [6, 1]),
        _ => (MODULES.into_iter().filter(|(module, _)| is_wanted(module)).collect(), CHANGES),
    };
    assert!(!modules.is_empty(), "GODIRECT_TEST_HISTORIES is `all`, or parts of the paths of modules with commas between");
    let columns = 7 + oracle.known.len();
    let mut rows = vec![oracle.table(), format!("|---|{}", "---:|".repeat(columns))];
    let mut all = Score::default();
    for (module, versions) in &modules {
        let score = history(oracle, module, versions, changes);
        rows.push(score.row(&format!("`{module}` {} to {}", versions[0], versions[versions.len() - 1]), oracle));
        eprintln!("{}", rows[rows.len() - 1]);
        all.add(score);
    }
    rows.push(all.row("**all**", oracle));
    if is_full {
        write_table(&oracle.table(), &rows);
    }
    if oracle.directory.is_some() {
        let directory = directory(oracle);
        fs::write(directory.path().join("MODULE.bazel"), "").unwrap();
        engines::end_bazel(directory.path());
    }
    assert!(all.missing.is_empty(), "the oracle of {} sees more: {:#?}", oracle.truth, all.missing);
}

/// Where a history is. Bazel fetches the SDK once for a directory.
fn directory(oracle: &Oracle) -> tempfile::TempDir {
    let Some(name) = oracle.directory else { return tempfile::tempdir().unwrap() };
    let place = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let _ = fs::remove_dir_all(place.join(name));
    tempfile::Builder::new().prefix(name).rand_bytes(0).tempdir_in(place).unwrap()
}

/// Compares each version with the one before, and the last one, as it is and in several shapes, with random changes of it.
fn history(oracle: &Oracle, module: &str, versions: &[&str], [plain, shaped]: [usize; 2]) -> Score {
    let project = Project::in_directory(directory(oracle), []).with_user_cache();
    git(&project, &["init", "-q"]);
    let mut score = Score::default();
    let mut before = None;
    for version in versions {
        let mut files = unpacked(module, version);
        files.retain(|path, _| !path.starts_with("vendor/"));
        files.insert("godirect.star".to_owned(), [SPEC, oracle.spec].concat().into_bytes());
        clear(&project);
        write_tree(&project.root(), &files, files.keys());
        go(&project.root(), &["mod", "tidy"]);
        project.succeeds(&["lock"]);
        (oracle.prepare)(&project, module);
        commit(&project, version);
        let now = (oracle.look)(&project, module).expect("a released version");
        if let Some(before) = &before {
            let what = format!("{module}@{version}");
            score.add(compared(oracle, &project, &["--base", "HEAD^", "--head", "HEAD"], &what, (before, &now)));
        }
        before = Some(now);
    }
    git(&project, &["tag", "released"]);
    let mut random = Random(module.len() as u64 + 1);
    let mut change = || anywhere(&project, &mut random);
    score.add(changed(oracle, &project, module, &before.unwrap(), plain, &mut change));
    for shape in SHAPES.iter().filter(|shape| oracle.knows_c || !shape.has_c) {
        score.add(shape_changed(oracle, &project, module, shape, shaped));
    }
    score
}

/// Gives the last version a shape, and compares that with changes of it.
fn shape_changed(oracle: &Oracle, project: &Project, module: &str, shape: &Shape, count: usize) -> Score {
    git(project, &["reset", "-q", "--hard", "released"]);
    let is_made = (shape.make)(project, module);
    // It is made anew, with what there is now.
    let _ = fs::remove_dir_all(project.root().join(ALL));
    (oracle.prepare)(project, module);
    commit(project, shape.name);
    if !is_made {
        return Score::default();
    }
    let before = (oracle.look)(project, module).unwrap_or_else(|| panic!("{module} with {}", shape.name));
    let mut random = Random((module.len() + shape.name.len()) as u64);
    let mut kinds = 0..;
    let mut change = || format!("{}: {}", shape.name, (shape.change)(project, kinds.next().unwrap_or_default(), &mut random));
    changed(oracle, project, module, &before, count, &mut change)
}

/// Compares the last commit with so many changes of it.
fn changed(
    oracle: &Oracle,
    project: &Project,
    module: &str,
    before: &Truth,
    count: usize,
    change: &mut dyn FnMut() -> String,
) -> Score {
    let mut score = Score::default();
    for _ in 0..count {
        let what = change();
        (oracle.prepare)(project, module);
        if let Some(now) = (oracle.look)(project, module) {
            score.add(compared(oracle, project, &[], &format!("{module}: {what}"), (before, &now)));
        }
        git(project, &["reset", "-q", "--hard"]);
        git(project, &["clean", "-qfdx"]);
    }
    score
}

/// The answer; `None` where there is none, since the head's go.mod needs updates.
fn answer_if_any(project: &Project, arguments: &[&str]) -> Option<Value> {
    let ran = run(project, &[arguments, &["--json"]].concat());
    if ran.code == Some(2) && ran.stderr.contains("go.mod needs an update: ") {
        assert_eq!(ran.stdout, "");
        return None;
    }
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    Some(serde_json::from_str(&ran.stdout).unwrap())
}

/// Holds an answer against what must be in it, by what the oracle knows of both trees. Of what it knows in neither it can't judge.
fn compared(oracle: &Oracle, project: &Project, arguments: &[&str], what: &str, (base, head): (&Truth, &Truth)) -> Score {
    let must = must(base, head);
    let known = |truth: &Truth, (target, view): &(String, String)| truth.get(&(view.clone(), target.clone())).cloned();
    let arguments = [arguments, &["--truth", oracle.truth]].concat();
    let Some(by_default) = answer_if_any(project, &arguments) else {
        eprintln!("no answer after {what}");
        let is_built = head.values().any(|known| known.result != BROKEN);
        assert!(oracle.truth != GO.truth || !is_built, "{what}: the go command builds what godirect refuses");
        return Score::default();
    };
    let is_told = !oracle.known.is_empty() && base.values().all(|known| known.result != BROKEN);
    let told = is_told.then(|| answer(project, &[&arguments, oracle.known].concat()));
    let answer = told.as_ref().unwrap_or(&by_default);
    let [all, left] = [&by_default, answer].map(|answer| targets_by(answer, oracle.name).len());
    let mut got = targets_by(answer, oracle.name);
    got.retain(|(target, _)| {
        oracle.kinds.iter().any(|kind| target.starts_with(kind)) || must.contains(&(target.clone(), VIEW[0].0.to_owned()))
    });
    let mut by_files = BTreeSet::new();
    for impact in answer["affected"].as_array().unwrap().iter().filter(|impact| impact["kind"] == "test") {
        let (chain, causes) = (impact["chain"].as_array().unwrap(), impact["causes"].as_array().unwrap());
        let is_read = chain.len() == 1 || chain.last().unwrap().as_str().unwrap().starts_with("files below ");
        if is_read && !causes.is_empty() && causes.iter().all(|cause| cause["is_file"] == true) {
            by_files.insert(((oracle.name)(impact), VIEW[0].0.to_owned()));
        }
    }
    let is_known = |target: &&(String, String)| known(base, target).is_some() || known(head, target).is_some();
    let (by_files, more): (Vec<_>, Vec<_>) =
        got.difference(&must).filter(is_known).partition(|target| by_files.contains(target));
    let is_built_again = |target: &&&(String, String)| known(base, target) != known(head, target);
    for (target, _) in &more {
        eprintln!("also {target} after {what}");
    }
    let missing: Vec<String> = must.difference(&got).map(|(target, _)| format!("{target} after {what}")).collect();
    missing.iter().for_each(|missing| eprintln!("missing {missing}"));
    Score {
        comparisons: 1,
        must: must.len(),
        missing,
        again: more.iter().filter(is_built_again).count(),
        more: more.len(),
        by_files: by_files.len(),
        more_by_default: all - left,
    }
}

/// The files of a module's version.
fn unpacked(module: &str, version: &str) -> Tree {
    let directory = tempfile::tempdir().unwrap();
    let output = go(directory.path(), &["mod", "download", "-json", &format!("{module}@{version}")]);
    let answer: Value = serde_json::from_str(&output).unwrap();
    read_tree(Path::new(answer["Dir"].as_str().unwrap_or_else(|| panic!("{output}"))))
}

/// What the go command of the pinned SDK says.
pub fn go(directory: &Path, arguments: &[&str]) -> String {
    let mut go = Command::new(GOROOT.join("bin/go"));
    go.args(arguments).current_dir(directory).env_clear();
    for variable in ["GOPROXY", "HTTPS_PROXY", "https_proxy", "SSL_CERT_FILE"] {
        go.envs(std::env::var(variable).map(|value| (variable, value)));
    }
    go.envs([
        ("GOTOOLCHAIN", "local"),
        ("GOENV", "off"),
        ("GOFLAGS", "-modcacherw"),
        ("GONOSUMDB", "*"),
        ("GONOSUMCHECK", "1"),
    ]);
    go.env("GOPATH", super::oracle::cache("go"))
        .env("GOCACHE", super::oracle::cache("go-build"))
        .env("HOME", super::oracle::cache("home"));
    let output = go.output().unwrap();
    assert!(output.status.success(), "go {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Removes everything but what git has.
fn clear(project: &Project) {
    for entry in fs::read_dir(project.root()).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with(".git") {
            continue;
        }
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        removed.unwrap();
    }
}

/// Puts the table into the documentation.
fn write_table(table: &str, rows: &[String]) {
    let path = repository("docs/affected.md");
    let text = fs::read_to_string(&path).unwrap();
    let start = text.find(table).expect("the table's first line");
    let end = start + text[start..].find("\n\n").map_or(text.len() - start, |end| end + 1);
    fs::write(path, format!("{}{}\n{}", &text[..start], rows.join("\n"), &text[end..])).unwrap();
}
