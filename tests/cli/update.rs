//! The lock after a change: only what changed is fetched and shown, and `--check` says beforehand whether anything would.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::random::Random;
use crate::support::registry::{Registry, go_mod, main_go, project, small_sdk};
use crate::support::{Project, error, same};

const STALE: &str = "godirect.lock.json is stale; `godirect lock` updates it\n";

/// Modules a to l with a root package, `sub` and `deep/er`, in two versions each.
fn twelve() -> (Registry, Vec<String>) {
    let mut registry = Registry::new();
    let mut paths = Vec::new();
    for letter in 'a'..='l' {
        let path = format!("{letter}.example/{letter}");
        for version in ["v1.0.0", "v1.1.0"] {
            registry.publish_packages(&format!("{path}@{version}"), &["", "sub", "deep/er"]);
        }
        paths.push(path);
    }
    (registry, paths)
}

/// A repository that uses the root packages of twelve modules, and is locked.
fn locked() -> (Registry, Project) {
    let (registry, paths) = twelve();
    let requires: Vec<String> = paths.iter().map(|p| format!("{p}@v1.0.0")).collect();
    let requires: Vec<&str> = requires.iter().map(String::as_str).collect();
    let project = project(&registry, &requires, &paths.iter().map(String::as_str).collect::<Vec<_>>());
    project.succeeds(&["lock"]);
    assert_eq!(registry.asked().len(), 12);
    project.forget_downloads();
    (registry, project)
}

/// `--check` says these lines and exits with 1; then `lock` says the same, but that it knows sizes, and is fresh afterwards.
#[track_caller]
fn updates(project: &Project, lines: &str) {
    let before = project.read("godirect.lock.json");
    let ran = project.run(&["lock", "--check"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    same(STALE, &ran.stderr);
    same(lines, &ran.stdout);
    assert!(!project.path("cache/download").exists(), "nothing is fetched");
    assert_eq!(project.read("godirect.lock.json"), before);
    let shown = project.succeeds(&["lock"]);
    let without_sizes: String = shown
        .lines()
        .map(|line| match line.rsplit_once("  ") {
            Some((start, size)) if size.ends_with(" B") => format!("{}\n", start.trim_end()),
            _ => format!("{line}\n"),
        })
        .collect();
    same(&format!("{lines}wrote    godirect.lock.json\n"), &without_sizes);
    assert_ne!(project.read("godirect.lock.json"), before);
    is_fresh(project);
}

/// Neither verb sees anything to do, without cache and network; and a lock that is made from nothing is the same.
#[track_caller]
fn is_fresh(project: &Project) {
    let text = project.read("godirect.lock.json");
    let offline = |arguments: &[&str]| {
        let mut command = project.command(arguments);
        // There can't be a cache in a file.
        project.ran(command.env("GOPROXY", "off").env("GODIRECT_CACHE", project.root().join("go.mod")).output().unwrap())
    };
    for arguments in [&["lock", "--check"][..], &["lock"]] {
        let ran = offline(arguments);
        assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), "fresh    godirect.lock.json\n", ""));
    }
    fs::remove_file(project.root().join("godirect.lock.json")).unwrap();
    project.succeeds(&["lock"]);
    same(&project.read("godirect.lock.json"), &text);
}

#[test]
fn nothing_new() {
    let (registry, project) = locked();
    project.succeeds(&["lock"]);
    project.succeeds(&["lock", "--check"]);
    assert_eq!(registry.asked(), [""; 0]);
    assert!(!project.path("cache/download").exists());
    is_fresh(&project);
}

#[test]
fn one_of_many_modules() {
    let (registry, project) = locked();
    project.edit("go.mod", "c.example/c v1.0.0", "c.example/c v1.1.0");
    let before = project.read("godirect.lock.json");
    let shown = project.succeeds(&["lock"]);
    assert!(shown.starts_with("changed  c.example/c  v1.0.0 → v1.1.0  "), "{shown}");
    assert_eq!(registry.asked(), ["c.example/c/@v/v1.1.0.zip"]);
    let after = project.read("godirect.lock.json");
    let differ = before.lines().zip(after.lines()).filter(|(old, new)| old != new).count();
    assert_eq!(differ, 4, "version, sha256, h1 and nar of one module");
    project.forget_downloads();
    project.edit("go.mod", "c.example/c v1.1.0", "c.example/c v1.0.0");
    updates(&project, "changed  c.example/c  v1.1.0 → v1.0.0\n");
}

#[test]
fn packages_come_and_go() {
    let (registry, project) = locked();
    project.edit(
        "main.go",
        "\t_ \"d.example/d\"\n",
        "\t_ \"d.example/d\"\n\t_ \"d.example/d/deep/er\"\n\t_ \"d.example/d/sub\"\n",
    );
    updates(&project, "added    d.example/d/deep/er  package\nadded    d.example/d/sub      package\n");
    registry.asked();
    project.forget_downloads();
    // What is needed no more needs nothing to be fetched.
    project.edit("main.go", "\t_ \"d.example/d/deep/er\"\n", "");
    project.succeeds(&["lock"]);
    assert_eq!(registry.asked(), [""; 0]);
    assert!(!project.path("cache/download").exists());
    project.edit("main.go", "\t_ \"d.example/d\"\n\t_ \"d.example/d/sub\"\n", "");
    updates(&project, "removed  d.example/d  v1.0.0\n");
}

#[test]
fn modules_come_and_go() {
    let (_, project) = locked();
    project.edit("go.mod", "\ta.example/a v1.0.0\n", "");
    project.edit("main.go", "\t_ \"a.example/a\"\n", "");
    project.edit("go.mod", "\tb.example/b v1.0.0\n", "\tb.example/b v1.1.0\n");
    updates(&project, "removed  a.example/a  v1.0.0\nchanged  b.example/b  v1.0.0 → v1.1.0\n");
    project.forget_downloads();
    project.edit("go.mod", "\tb.example/b v1.1.0\n", "\ta.example/a v1.1.0\n\tb.example/b v1.1.0\n");
    // A requirement alone changes nothing.
    is_fresh(&project);
    project.forget_downloads();
    project.edit("main.go", "\t_ \"b.example/b\"\n", "\t_ \"a.example/a/sub\"\n\t_ \"b.example/b\"\n");
    updates(&project, "added    a.example/a  v1.1.0\n");
}

#[test]
fn replacements_come_and_go() {
    let (_, project) = locked();
    let go_mod = project.read("go.mod");
    project.write("go.mod", &format!("{go_mod}\nreplace e.example/e => f.example/f v1.1.0\n"));
    updates(&project, "changed  e.example/e  v1.0.0 → v1.0.0 => f.example/f@v1.1.0\n");
    project.forget_downloads();
    project.write("go.mod", &format!("{go_mod}\nreplace e.example/e => e.example/e v1.1.0\n"));
    updates(&project, "changed  e.example/e  v1.0.0 => f.example/f@v1.1.0 → v1.0.0 => v1.1.0\n");
    project.forget_downloads();
    project.write("go.mod", &go_mod);
    updates(&project, "changed  e.example/e  v1.0.0 => v1.1.0 → v1.0.0\n");
}

#[test]
fn the_spec_changes() {
    let (_, project) = locked();
    project.edit("godirect.star", "platforms(\"linux/amd64\")", "platforms(\"linux/amd64\", \"linux/arm64\")");
    updates(&project, "added    linux/arm64  platform\n");
    project.forget_downloads();
    project.edit("godirect.star", "\"linux/amd64\", \"linux/arm64\")", "\"linux/arm64\")");
    updates(&project, "removed  linux/amd64  platform\n");
    project.forget_downloads();
    project.edit("go.mod", "toolchain go1.27.3", "toolchain go1.27.4");
    updates(&project, "changed  sdk  go1.27.3 → go1.27.4\n");
}

#[test]
fn tags_decide_what_is_needed() {
    let (_, project) = locked();
    project.write("tagged.go", "//go:build special\n\npackage main\n\nimport _ \"g.example/g/sub\"\n");
    is_fresh(&project);
    project.forget_downloads();
    project.edit("godirect.star", "nix()", "profile(\"default\", tags = [\"special\"])\n\nnix()");
    updates(&project, "added    g.example/g/sub  package\n");
    project.forget_downloads();
    project.edit("tagged.go", "special", "linux");
    is_fresh(&project);
}

#[test]
fn what_changed_as_json() {
    let (_, project) = locked();
    project.edit("go.mod", "a.example/a v1.0.0", "a.example/a v1.1.0");
    project.edit("main.go", "\t_ \"b.example/b\"\n", "\t_ \"b.example/b\"\n\t_ \"b.example/b/sub\"\n");
    let summary = |packages: usize, size: Option<u64>| {
        let mut module =
            json!({"subject": "module", "name": "a.example/a", "kind": "changed", "from": "v1.0.0", "to": "v1.1.0"});
        if let Some(size) = size {
            module["size"] = json!(size);
        }
        let package = json!({"subject": "package", "name": "b.example/b/sub", "kind": "added"});
        json!({"version": 1, "changed": true, "go": ["1.27.3"], "modules": 12, "packages": packages, "changes": [module, package]})
    };
    let ran = project.run(&["lock", "--check", "--json"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), ""));
    let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    assert_eq!(parsed(&ran.stdout), summary(12, None));
    let shown = parsed(&project.succeeds(&["lock", "--json"]));
    let lock = parsed(&project.read("godirect.lock.json"));
    assert_eq!(shown, summary(13, lock["modules"][0]["size"].as_u64()));
}

#[test]
fn locks_that_cannot_be_kept_are_made_anew() {
    let (_, project) = locked();
    let right = project.read("godirect.lock.json");
    let pins = "sdk      go1.27.3  tools for linux/amd64; pinned by the archive's sha256\n\
                modules  12 modules locked, 12 packages of them used; verified against go.sum\nwrote    godirect.lock.json\n";
    let conflict = right.replacen("  \"sdks\"", "<<<<<<< HEAD\n=======\n>>>>>>> other\n  \"sdks\"", 1);
    let older = right.replacen("\"version\": 2", "\"version\": 1", 1);
    for (text, code, check, why) in [
        (&conflict, 2, None, "godirect.lock.json has a merge conflict"),
        (
            &older,
            1,
            Some("changed  godirect.lock.json  an older format → format 2\n"),
            "godirect.lock.json has format version 1, and this godirect reads version 2",
        ),
        (&"{}".to_owned(), 2, None, "malformed lock: missing field `version`"),
    ] {
        project.write("godirect.lock.json", text);
        let ran = project.run(&["lock", "--check"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(code), check.unwrap_or("")), "{ran:?}");
        assert!(ran.stderr.contains(check.map_or(why, |_| STALE)), "{ran:?}");
        same(&format!("anew     {why}\n{pins}"), &project.succeeds(&["lock"]));
        assert_eq!(project.read("godirect.lock.json"), right);
    }
    fs::remove_file(project.root().join("godirect.lock.json")).unwrap();
    let ran = project.run(&["lock", "--check"]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(1), "added    godirect.lock.json\n", STALE));
    same(pins, &project.succeeds(&["lock"]));
    // Written by hand, but with the same meaning.
    project.write("godirect.lock.json", &right.replace("\": ", "\":"));
    project.forget_downloads();
    updates(&project, "changed  godirect.lock.json  recorded anew\n");
    let newer = right.replacen("\"version\": 2", "\"version\": 3", 1);
    project.write("godirect.lock.json", &newer);
    let message = "godirect.lock.json has format version 3, and this godirect reads version 2";
    for arguments in [&["lock", "--check"][..], &["lock"]] {
        project.fails(arguments, 2, &error(message, "update godirect"));
    }
    assert_eq!(project.read("godirect.lock.json"), newer);
}

#[test]
fn go_sum_decides() {
    let (registry, project) = locked();
    let sums = registry.sums();
    let line = sums.lines().find(|l| l.starts_with("a.example/a v1.0.0 ")).unwrap();
    let other = sums.lines().find(|l| l.starts_with("a.example/a v1.1.0 ")).unwrap();
    let (right, wrong) = (line.rsplit(' ').next().unwrap(), other.rsplit(' ').next().unwrap());
    project.edit("go.sum", line, &format!("a.example/a v1.0.0 {wrong}"));
    let message = format!("checksum mismatch for a.example/a@v1.0.0: go.sum has {wrong}, godirect.lock.json has {right}");
    let help = "find out which of them was changed, and why; `godirect lock` follows go.sum";
    let imported = |message: &str, help: &str| {
        format!(
            "error: {message}\n --> main.go:4:4\n  |\n4 |     _ \"a.example/a\"\n  |       ^^^^^^^^^^^^^\n  |\nhelp: {help}\n"
        )
    };
    project.fails(&["lock", "--check"], 4, &imported(&message, help));
    assert_eq!(project.run(&["lock"]).code, Some(4), "the proxy has what the lock has");
    project.write("go.sum", &sums.replace(&format!("{line}\n"), ""));
    let project = project.env("GONOSUMDB", "*.example");
    let help = "`go mod tidy` adds it, or `go mod download a.example/a`";
    for arguments in [&["lock", "--check"][..], &["lock"]] {
        project.fails(arguments, 2, &imported("a.example/a@v1.0.0: missing go.sum entry", help));
    }
    // The lock was tampered with, and go.sum is right.
    project.write("go.sum", &sums);
    let lock = project.read("godirect.lock.json");
    project.write("godirect.lock.json", &lock.replace(right, wrong));
    assert_eq!(project.run(&["lock", "--check"]).code, Some(4));
    project.succeeds(&["lock"]);
    assert_eq!(project.read("godirect.lock.json"), lock);
}

/// A module whose path is the start of another's is looked into, so that an import that both have is noticed.
#[test]
fn a_package_in_two_modules() {
    let mut registry = Registry::new();
    registry.publish_packages("a.example/a@v1.0.0", &["", "other"]);
    registry.publish_packages("a.example/a@v1.1.0", &["", "b"]);
    registry.publish_packages("a.example/a/b@v1.0.0", &[""]);
    let project = project(&registry, &["a.example/a@v1.0.0", "a.example/a/b@v1.0.0"], &["a.example/a/b"]);
    project.succeeds(&["lock"]);
    assert_eq!(registry.asked(), ["a.example/a/@v/v1.0.0.zip", "a.example/a/b/@v/v1.0.0.zip"]);
    project.forget_downloads();
    project.succeeds(&["lock"]);
    assert_eq!(registry.asked(), [""; 0], "that it is in one only is in the lock");
    is_fresh(&project);
    project.forget_downloads();
    project.edit("go.mod", "a.example/a v1.0.0", "a.example/a v1.1.0");
    let ran = project.run(&["lock", "--check"]);
    same("changed  a.example/a  v1.0.0 → v1.1.0\n", &ran.stdout);
    let before = project.read("godirect.lock.json");
    let ran = project.run(&["lock"]);
    let message = "ambiguous import: found package a.example/a/b in multiple places: a.example/a/b@v1.0.0, a.example/a@v1.1.0";
    assert!(ran.code == Some(2) && ran.stderr.contains(message), "{ran:?}");
    assert_eq!(project.read("godirect.lock.json"), before);
    // Unneeded, it isn't looked into.
    project.forget_downloads();
    project.write("go.mod", &go_mod(&["a.example/a/b@v1.0.0"]));
    updates(&project, "removed  a.example/a  v1.0.0\n");
}

#[test]
fn workspaces() {
    let mut registry = Registry::new();
    registry.publish("c.example/c@v1.0.0", &[], &[("c.go", "package c\n")]);
    registry.publish("c.example/c@v1.1.0", &[], &[("c.go", "package c\n\nconst New = 1\n")]);
    registry.publish("b.example/b@v1.0.0", &["c.example/c@v1.0.0"], &[("b.go", "package b\n\nimport _ \"c.example/c\"\n")]);
    registry.publish("b.example/b@v1.1.0", &["c.example/c@v1.1.0"], &[("b.go", "package b\n\nimport _ \"c.example/c\"\n")]);
    let module = |name: &str, requires: &str| format!("module example.com/{name}\n\ngo 1.27\n\n{requires}");
    let project = Project::new(&[
        ("godirect.star", &format!("{}\nplatforms(\"linux/amd64\")\n", small_sdk())),
        ("go.work", "go 1.27\n\ntoolchain go1.27.3\n\nuse ./x\nuse ./y\n"),
        ("go.work.sum", &registry.sums()),
        ("x/go.mod", &module("x", "require b.example/b v1.0.0\n\nrequire c.example/c v1.0.0 // indirect\n")),
        ("x/main.go", &main_go(&["b.example/b"])),
        ("y/go.mod", &module("y", "require b.example/b v1.0.0\n\nrequire c.example/c v1.0.0 // indirect\n")),
        ("y/y.go", "package y\n\nimport _ \"b.example/b\"\n"),
    ])
    .env("GOPROXY", &registry.url);
    project.succeeds(&["lock"]);
    registry.asked();
    project.forget_downloads();
    project.succeeds(&["lock"]);
    assert_eq!(registry.asked(), [""; 0], "what decides about versions is in the lock");
    is_fresh(&project);
    registry.asked();
    project.forget_downloads();
    // The newer b raises c, although no go.mod of the repository says so.
    project.edit("y/go.mod", "b.example/b v1.0.0", "b.example/b v1.1.0");
    let ran = project.run(&["lock", "--check"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), "changed  b.example/b  v1.0.0 → v1.1.0\n"), "{ran:?}");
    let shown = project.succeeds(&["lock"]);
    let expected = "changed  b.example/b   v1.0.0 → v1.1.0     357 B\n\
                    changed  c.example/c   v1.0.0 → v1.1.0     327 B\n\
                    changed  requirements  2 → 4 go.mod files\nwrote    godirect.lock.json\n";
    same(expected, &shown);
    is_fresh(&project);
}

/// Runs git on the project, as somebody whose settings don't matter.
#[track_caller]
fn git(project: &Project, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=n", "-c", "user.email=n@example.com", "-c", "init.defaultBranch=main"]).args(arguments);
    command.current_dir(project.root()).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
    let output = command.output().expect("git is installed");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
}

/// Two branches that change different things.
#[test]
fn branches_merge_without_a_conflict() {
    type Edit = fn(&Project);
    let bump_b: Edit = |project| project.edit("go.mod", "b.example/b v1.0.0", "b.example/b v1.1.0");
    let bump_d: Edit = |project| project.edit("go.mod", "d.example/d v1.0.0", "d.example/d v1.1.0");
    let import_c: Edit = |project| project.write("x.go", "package main\n\nimport _ \"c.example/c/sub\"\n");
    let import_d: Edit = |project| project.write("y.go", "package main\n\nimport _ \"d.example/d/sub\"\n");
    let newer_sdk: Edit = |project| project.edit("go.mod", "toolchain go1.27.3", "toolchain go1.27.4");
    for (ours, theirs) in
        [(bump_b, bump_d), (import_c, import_d), (newer_sdk, bump_d), (bump_b, import_c), (import_d, newer_sdk)]
    {
        let (_registry, project) = locked();
        for arguments in [&["init", "-q"][..], &["add", "."], &["commit", "-qm", "base"], &["checkout", "-qb", "theirs"]] {
            git(&project, arguments);
        }
        for (branch, edit) in [("theirs", theirs), ("main", ours)] {
            git(&project, &["checkout", "-q", branch]);
            edit(&project);
            project.succeeds(&["lock"]);
            git(&project, &["add", "."]);
            git(&project, &["commit", "-qm", branch]);
        }
        git(&project, &["merge", "-q", "-m", "merge", "theirs"]);
        is_fresh(&project);
    }
}

/// A repository that random edits change.
#[derive(Clone)]
struct Repository {
    requires: Vec<String>,
    imports: Vec<String>,
    tagged: Vec<String>,
    tested: Vec<String>,
    replace: Option<String>,
    platforms: Vec<&'static str>,
    tag: bool,
    toolchain: u32,
    go_line: &'static str,
    comment: u64,
    without_sum: Option<String>,
}

impl Repository {
    fn edit(&mut self, random: &mut Random) {
        const MODULES: [&str; 4] = ["a.example/a", "a.example/a/b", "c.example/c", "d.example/d"];
        const PACKAGES: [&str; 6] =
            ["a.example/a", "a.example/a/b", "c.example/c", "c.example/c/sub", "d.example/d", "d.example/d/sub"];
        let module = *random.pick(&MODULES);
        let version = *random.pick(&["v1.0.0", "v1.1.0"]);
        let package = *random.pick(&PACKAGES);
        let toggle = |list: &mut Vec<String>, item: &str| match list.iter().position(|i| i == item) {
            Some(at) => drop(list.remove(at)),
            None => list.push(item.to_owned()),
        };
        match random.below(15) {
            0..=2 => toggle(&mut self.imports, package),
            3 => toggle(&mut self.tagged, package),
            4 | 5 => {
                self.requires.retain(|r| !r.starts_with(&format!("{module}@")));
                self.requires.push(format!("{module}@{version}"));
            }
            6 => self.requires.retain(|r| !r.starts_with(&format!("{module}@"))),
            7 => self.replace = if self.replace.is_none() { Some(format!("{module} => c.example/c {version}")) } else { None },
            8 => {
                self.platforms =
                    if self.platforms.len() == 1 { vec!["linux/amd64", "windows/amd64"] } else { vec!["linux/amd64"] }
            }
            9 => self.tag = !self.tag,
            10 => self.toolchain = 3 + u32::from(self.toolchain == 3),
            11 => self.go_line = if self.go_line == "1.27" { "1.16" } else { "1.27" },
            12 => toggle(&mut self.tested, package),
            13 => self.without_sum = if self.without_sum.is_none() { Some(format!("{module} {version} ")) } else { None },
            _ => self.comment += 1,
        }
    }

    fn write(&self, project: &Project, sums: &str) {
        let comment = format!("// {}\n", self.comment);
        let requires: Vec<&str> = self.requires.iter().map(String::as_str).collect();
        let go_mod = go_mod(&requires)
            .replace("toolchain go1.27.3", &format!("toolchain go1.27.{}", self.toolchain))
            .replace("go 1.27\n", &format!("go {}\n", self.go_line));
        let replace = self.replace.iter().map(|r| format!("replace {r}\n")).collect::<String>();
        project.write("go.mod", &format!("{comment}{go_mod}{replace}"));
        let left_out = |line: &&str| self.without_sum.as_ref().is_none_or(|start| !line.starts_with(start.as_str()));
        project.write("go.sum", &sums.lines().filter(left_out).map(|line| format!("{line}\n")).collect::<String>());
        let list = |paths: &[String]| main_go(&paths.iter().map(String::as_str).collect::<Vec<_>>());
        project.write("main.go", &format!("{comment}{}", list(&self.imports)));
        project.write("tagged.go", &format!("//go:build special\n\n{}", list(&self.tagged).replace("func main() {}", "")));
        project.write("main_test.go", &list(&self.tested).replace("func main() {}", ""));
        let platforms: Vec<String> = self.platforms.iter().map(|p| format!("\"{p}\"")).collect();
        let profile = if self.tag { "profile(\"default\", tags = [\"special\"])\n" } else { "" };
        project.write("godirect.star", &format!("{}platforms({})\n{profile}nix()\n", small_sdk(), platforms.join(", ")));
    }
}

#[test]
fn what_check_says_is_what_lock_does() {
    let mut registry = Registry::new();
    registry.publish_packages("a.example/a@v1.0.0", &["", "other"]);
    registry.publish_packages("a.example/a@v1.1.0", &["", "b"]);
    registry.publish_packages("a.example/a/b@v1.0.0", &[""]);
    registry.publish_packages("a.example/a/b@v1.1.0", &["c"]);
    registry.publish_packages("c.example/c@v1.0.0", &["", "sub"]);
    registry.publish_packages("c.example/c@v1.1.0", &[""]);
    for version in ["v1.0.0", "v1.1.0"] {
        let root = "package d\n\nimport _ \"c.example/c\"\n";
        let files =
            [("d.go", root), ("sub/s_windows.go", "package sub\n\nimport _ \"a.example/a\"\n"), ("sub/s.go", "package sub\n")];
        registry.publish(&format!("d.example/d@{version}"), &[&format!("c.example/c@{version}")], &files);
    }
    let mut repository = Repository {
        requires: vec!["a.example/a@v1.0.0".to_owned(), "c.example/c@v1.0.0".to_owned(), "d.example/d@v1.0.0".to_owned()],
        imports: vec!["a.example/a".to_owned(), "d.example/d".to_owned()],
        tagged: Vec::new(),
        tested: Vec::new(),
        replace: None,
        platforms: vec!["linux/amd64"],
        tag: false,
        toolchain: 3,
        go_line: "1.27",
        comment: 0,
        without_sum: None,
    };
    let project = project(&registry, &[], &[]);
    let sums = registry.sums();
    repository.write(&project, &sums);
    project.succeeds(&["lock"]);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let (mut fresh, mut stale, mut refused) = (0, 0, 0);
    for step in 0..70 {
        let before = (project.read("godirect.lock.json"), repository.clone());
        for _ in 0..=random.below(3) {
            repository.edit(&mut random);
        }
        repository.write(&project, &sums);
        let mut check = project.command(&["lock", "--check"]);
        check.env("GOPROXY", "off").env("GODIRECT_CACHE", project.root().join("go.mod"));
        let check = project.ran(check.output().unwrap());
        let with_memo = project.run(&["lock", "--check"]);
        assert_eq!(
            (with_memo.code, &with_memo.stdout, &with_memo.stderr),
            (check.code, &check.stdout, &check.stderr),
            "step {step}"
        );
        let lock = project.run(&["lock"]);
        let changed = project.read("godirect.lock.json") != before.0;
        let right = match (lock.code, changed) {
            (Some(0), false) => check.code == Some(0) && lock.stdout == check.stdout,
            (Some(0), true) => check.code == Some(1),
            (_, changed) => check.code != Some(0) && !changed,
        };
        assert!(right, "step {step}: {check:?}\n{lock:?}\nchanged: {changed}\n{}", project.read("go.mod"));
        match (lock.code, changed) {
            (Some(0), false) => fresh += 1,
            (Some(0), true) => stale += 1,
            _ => {
                refused += 1;
                // What can't be locked leads nowhere.
                repository = before.1;
                repository.write(&project, &sums);
            }
        }
    }
    println!("{fresh} fresh, {stale} stale, {refused} refused");
    assert!(fresh > 7 && stale > 25 && refused > 7, "{fresh} fresh, {stale} stale, {refused} refused");
}
