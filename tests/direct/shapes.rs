//! Which files of a repository are a module's.

use std::os::unix::fs::symlink;

use crate::support::World;

const GO_MOD: &str = "module github.com/u/r\n\ngo 1.20\n";

#[test]
fn root_and_nested_modules() {
    let world = World::new();
    let repo = world.repo("github.com/u/r");
    repo.commit(&[("go.mod", GO_MOD), ("a.go", "package r\n"), ("LICENSE", "root\n"), ("x/x.go", "package x\n")]);
    repo.commit(&[
        ("sub/go.mod", "module github.com/u/r/sub\n"),
        ("sub/s.go", "package s\n"),
        ("sub/deep/go.mod", "module github.com/u/r/sub/deep\n"),
        ("sub/deep/d.go", "package d\n"),
        ("sub/deep/LICENSE", "own\n"),
        ("upper/GO.MOD", "module x\n"),
        ("upper/u.go", "package u\n"),
        ("subway/w.go", "package w\n"),
    ]);
    repo.tag("v1.0.0").tag("sub/v1.1.0").tag("sub/deep/v0.1.0-pre.1");
    repo.git(&["tag", "-a", "-m", "annotated", "v1.0.1"]);
    world.agree(&[
        ("github.com/u/r@v1.0.0", ""),
        ("github.com/u/r@v1.0.1", ""),
        ("github.com/u/r/sub@v1.1.0", ""),
        ("github.com/u/r/sub/deep@v0.1.0-pre.1", ""),
        (
            "github.com/u/r/x@v1.0.0",
            "failed to fetch github.com/u/r/x@v1.0.0/go.mod: https://github.com/u/r: unknown revision x/v1.0.0 \
             (check the version in go.mod: the repository has no such tag or commit, or it was removed)",
        ),
    ]);
}

#[test]
fn major_versions() {
    let world = World::new();
    let repo = world.repo("github.com/u/r");
    // In a directory, beside v1.
    repo.commit(&[
        ("go.mod", GO_MOD),
        ("a.go", "package r\n"),
        ("v2/go.mod", "module github.com/u/r/v2\n"),
        ("v2/a.go", "package r\n"),
    ]);
    repo.tag("v1.0.0").tag("v2.0.0");
    // In a branch.
    repo.git(&["checkout", "-q", "-b", "v3"]);
    repo.git(&["rm", "-q", "-r", "v2"]);
    repo.commit(&[("go.mod", "module github.com/u/r/v3\n")]).tag("v3.0.0");
    // In both places, and in none.
    repo.commit(&[("v3/go.mod", "module github.com/u/r/v3\n")]).tag("v3.1.0");
    repo.commit(&[("v3/go.mod", "module github.com/u/r/v4\n")]).tag("v3.2.0");
    repo.commit(&[("v3/go.mod", "go 1.20\n")]).tag("v3.3.0").tag("v4.0.0");
    let advice =
        "(check path and version in go.mod: the go.mod in the repository says which path a module has, and where it is)";
    let error = |id: &str, why: &str| format!("failed to fetch {id}/go.mod: {id}: {why} {advice}");
    world.agree(&[
        ("github.com/u/r@v1.0.0", ""),
        ("github.com/u/r/v2@v2.0.0", ""),
        ("github.com/u/r/v3@v3.0.0", ""),
        (
            "github.com/u/r/v3@v3.1.0",
            &error("github.com/u/r/v3@v3.1.0", "go.mod and v3/go.mod both have module paths with /v3"),
        ),
        (
            "github.com/u/r/v3@v3.2.0",
            &error("github.com/u/r/v3@v3.2.0", "v3/go.mod has the module path \"github.com/u/r/v4\", not one with /v3"),
        ),
        (
            "github.com/u/r/v3@v3.3.0",
            &error("github.com/u/r/v3@v3.3.0", "v3/go.mod has the module path \"\", not one with /v3"),
        ),
        (
            "github.com/u/r/v4@v4.0.0",
            &error(
                "github.com/u/r/v4@v4.0.0",
                "go.mod has the module path \"github.com/u/r/v3\", not one with /v4, and there is no v4/go.mod",
            ),
        ),
    ]);
}

#[test]
fn vendored_packages() {
    let world = World::new();
    let files = [
        ("vendor/modules.txt", "# x v1\n"),
        ("vendor/x.example/x/x.go", "package x\n"),
        ("vendor/top.go", "package vendor\n"),
        ("pkg/vendor/vendor.go", "package vendor\n"),
        ("pkg/vendor/y/y.go", "package y\n"),
        ("p/vendor/modules.txt", "#\n"),
        ("vendored/v.go", "package v\n"),
    ];
    let repo = world.repo("github.com/u/r");
    repo.commit(&files).commit(&[("go.mod", "module github.com/u/r\n\ngo 1.23\n")]).tag("v1.23.0");
    repo.commit(&[("go.mod", "module github.com/u/r\n\ngo 1.24\n")]).tag("v1.24.0");
    repo.commit(&[("go.mod", "module github.com/u/r\n\ngo 1.24rc1\n")]).tag("v1.24.1");
    repo.commit(&[("go.mod", "module github.com/u/r\n")]).tag("v1.0.0");
    world.agree(&[
        ("github.com/u/r@v1.23.0", ""),
        ("github.com/u/r@v1.24.0", ""),
        ("github.com/u/r@v1.24.1", ""),
        ("github.com/u/r@v1.0.0", ""),
    ]);
    let hash = |id: &str| world.godirect(id).unwrap().0;
    assert_ne!(hash("github.com/u/r@v1.23.0"), hash("github.com/u/r@v1.24.0"));
}

#[test]
fn links_and_submodules() {
    let world = World::new();
    let repo = world.repo("github.com/u/r");
    repo.commit(&[("go.mod", GO_MOD), ("a.go", "package r\n"), ("sub/go.mod", "module github.com/u/r/sub\n")]);
    symlink("a.go", repo.directory.join("link.go")).unwrap();
    symlink("/etc", repo.directory.join("etc")).unwrap();
    symlink("a.go", repo.directory.join("LICENSE")).unwrap();
    repo.commit(&[("run.sh", "#!/bin/sh\n")]);
    repo.git(&["update-index", "--chmod=+x", "run.sh"]);
    let commit = repo.git(&["rev-parse", "HEAD"]);
    repo.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{commit},submodule")]);
    repo.git(&["commit", "-q", "-m", "submodule"]);
    repo.tag("v1.0.0").tag("sub/v1.0.0");
    // A go.mod that is a link: its target's name is what it says.
    let linked = world.repo("github.com/u/linked");
    symlink("other.mod", linked.directory.join("go.mod")).unwrap();
    linked.commit(&[("other.mod", "module github.com/u/linked\n")]).tag("v1.0.0");
    let nested = world.repo("github.com/u/nested");
    nested.commit(&[("go.mod", "module github.com/u/nested\n"), ("d/d.go", "package d\n")]);
    symlink("../go.mod", nested.directory.join("d/go.mod")).unwrap();
    nested.commit(&[]).tag("v1.0.0");
    world.agree(&[
        ("github.com/u/r@v1.0.0", ""),
        ("github.com/u/r/sub@v1.0.0", ""),
        (
            "github.com/u/linked@v1.0.0",
            "failed to fetch github.com/u/linked@v1.0.0/go.mod: github.com/u/linked@v1.0.0: go.mod has no module path \
             (check path and version in go.mod: the go.mod in the repository says which path a module has, and where it is)",
        ),
        ("github.com/u/nested@v1.0.0", ""),
    ]);
}

#[test]
fn attributes_and_line_ends() {
    let world = World::new();
    let repo = world.repo("github.com/u/r");
    repo.git(&["config", "core.autocrlf", "false"]);
    repo.commit(&[
        ("go.mod", GO_MOD),
        ("crlf.go", "package r\r\n"),
        ("lf.go", "package r\n"),
        ("mixed.txt", "a\r\nb\nc\r"),
        ("subst.txt", "$Format:%H$\n$Id$\n"),
        ("ignored.txt", "x\n"),
        ("ignored/x.go", "package x\n"),
    ]);
    repo.commit(&[(
        ".gitattributes",
        "ignored* export-ignore\nsubst.txt export-subst ident\nlf.go text eol=crlf\nmixed.txt text=auto\ncrlf.go -text\n",
    )]);
    repo.tag("v1.0.0");
    // What the user has set up must not change anything.
    let config = world.path("gitconfig");
    let text = std::fs::read_to_string(&config).unwrap();
    let attributes = world.path("attributes");
    std::fs::write(&attributes, "lf.go export-ignore\n*.txt export-subst\n").unwrap();
    let more = format!("[core]\n\tautocrlf = true\n\teol = crlf\n\tattributesFile = {}\n", attributes.display());
    std::fs::write(&config, text + &more).unwrap();
    world.agree(&[("github.com/u/r@v1.0.0", "")]);
    let directory = world.fetcher().promised_module(
        &crate::support::id("github.com/u/r@v1.0.0"),
        godirect::lock::fetch::Promise {
            h1: &[world.godirect("github.com/u/r@v1.0.0").unwrap().0.parse().unwrap()],
            by: "go.sum",
        },
    );
    let directory = directory.unwrap().directory;
    assert_eq!(std::fs::read_to_string(directory.join("mixed.txt")).unwrap(), "a\r\nb\nc\r");
    assert!(std::fs::read_to_string(directory.join("subst.txt")).unwrap().starts_with("$Format:%H$\n$Id: "));
    assert!(directory.join("ignored/x.go").is_file());
}

#[test]
fn files_that_no_module_may_have() {
    let world = World::new();
    let advice = "(such a file must not be in the repository of a module: tell its maintainers, or use another version)";
    let cases: [(&str, &[&str], &str); 6] = [
        ("case", &["A.go", "a.go"], "\"a.go\": case-insensitive file name collision: \"A.go\" and \"a.go\""),
        ("upper", &["Go.Mod"], "\"Go.Mod\": go.mod files must have lowercase names"),
        ("windows", &["aux.go"], "\"aux.go\": \"AUX\" disallowed as path element component on Windows"),
        ("quote", &["a\"b.txt"], "\"a\\\"b.txt\": invalid char '\\\"'"),
        ("dot", &["a./b.txt"], "\"a./b.txt\": trailing dot in path element"),
        ("directory", &["D/a.txt", "d/b.txt"], "\"d/b.txt\": case-insensitive file name collision: \"D\" and \"d\""),
    ];
    for (name, files, why) in cases {
        let repo = world.repo(&format!("github.com/u/{name}"));
        repo.commit(&files.iter().map(|file| (*file, "x\n")).collect::<Vec<_>>()).tag("v1.0.0");
        let id = format!("github.com/u/{name}@v1.0.0");
        world.agree(&[(&id, &format!("failed to fetch {id}: {id} can't be a module: {why} {advice}"))]);
    }
    // What isn't part of the module doesn't matter.
    let repo = world.repo("github.com/u/fine");
    repo.commit(&[
        ("vendor/x/aux.go", "x\n"),
        ("n/go.mod", "module n\n"),
        ("n/a\"b", "x\n"),
        (".hg_archival.txt", "x\n"),
        ("ä/é.go", "x\n"),
    ]);
    repo.tag("v1.0.0");
    world.agree(&[("github.com/u/fine@v1.0.0", "")]);
}

#[test]
fn many_and_large_files() {
    let world = World::new();
    let repo = world.repo("github.com/u/r");
    for i in 0..3000 {
        repo.write(&format!("d{}/f{i}.go", i % 70), format!("package d{}\n\nconst C{i} = {i}\n", i % 70).as_bytes());
    }
    repo.write("large.bin", &(0..4 << 20).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect::<Vec<_>>());
    repo.commit(&[("go.mod", GO_MOD)]).tag("v1.0.0");
    world.agree(&[("github.com/u/r@v1.0.0", "")]);
    let h1 = world.godirect("github.com/u/r@v1.0.0").unwrap().0.parse().unwrap();
    let zip = world.cache().download(&crate::support::id("github.com/u/r@v1.0.0"), &h1, "zip");
    let first = std::fs::read(&zip).unwrap();
    std::fs::remove_dir_all(zip.parent().unwrap()).unwrap();
    world.godirect("github.com/u/r@v1.0.0").unwrap();
    assert_eq!(first, std::fs::read(&zip).unwrap(), "the same bytes each time");
}
