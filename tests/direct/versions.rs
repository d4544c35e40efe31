//! Which commit a version is, and which versions are refused.

use crate::support::{Repo, World};

const GO_MOD: &str = "module github.com/u/r\n\ngo 1.20\n";
const UNKNOWN: &str = "(check the version in go.mod: the repository has no such tag or commit, or it was removed)";
const ADVICE: &str = "(`go get <module>@<commit or version>` writes the right version into go.mod)";

fn repo(world: &World) -> Repo {
    let repo = world.repo("github.com/u/r");
    repo.commit(&[("go.mod", GO_MOD), ("a.go", "package r\n")]);
    repo
}

fn wrong(id: &str, why: &str) -> String {
    format!("failed to fetch {id}/go.mod: invalid pseudo-version: {id}: invalid version: {why} {ADVICE}")
}

#[test]
fn pseudo_versions() {
    let world = World::new();
    let repo = repo(&world);
    let first = repo.head();
    let second = repo.commit(&[("b.go", "package r\n")]).tag("v1.2.3").head();
    let third = repo.commit(&[("c.go", "package r\n")]).head();
    repo.git(&["checkout", "-q", "-b", "other", "v1.2.3~1"]);
    let fork = repo.commit(&[("d.go", "package r\n")]).tag("v1.5.0-pre.1").head();
    let fork2 = repo.commit(&[("e.go", "package r\n")]).tag("v1.6.0+meta").head();
    let id = |version: &str, commit: &str| format!("github.com/u/r@{version}{commit}");
    let (time, hash) = third.split_once('-').unwrap();
    let full = repo.git(&["rev-parse", "main"]);
    let cases = [
        (id("v0.0.0-", &first), String::new()),
        (id("v0.0.0-", &third), String::new()),
        (id("v1.2.4-0.", &third), String::new()),
        (id("v1.5.0-pre.1.0.", &fork2), String::new()),
        // The base is a tag of the same commit, but no canonical one.
        (id("v1.6.1-0.", &fork2), String::new()),
        (
            id("v1.2.4-0.", &second),
            format!("tag (v1.2.3) found on revision {} is already canonical: use its version", &second[15..]),
        ),
        (id("v1.2.4-0.", &fork), format!("revision {} is not a descendant of the preceding tag (v1.2.3)", &fork[15..])),
        (id("v1.2.5-0.", &third), "preceding tag (v1.2.4) not found".to_owned()),
        (id("v1.0.0-", &third), "major version without preceding tag must be v0, not v1".to_owned()),
        (id("v0.1.0-0.", &third), "version before v0.1.0 would have negative patch number".to_owned()),
        (
            id("v0.0.0-", &format!("20200913000000-{hash}")),
            format!("does not match version-control timestamp (expected {time})"),
        ),
        (id("v0.0.0-", &format!("{time}-{}", &hash[..11])), format!("revision is shorter than canonical (expected {hash})")),
        (id("v0.0.0-", &format!("{time}-{full}")), format!("revision is longer than canonical (expected {hash})")),
        (id("v0.0.0-", &format!("{time}-other")), format!("does not match short name of revision (expected {})", &fork2[15..])),
    ];
    let cases: Vec<(String, String)> = cases
        .into_iter()
        .map(|(id, why)| {
            let text = if why.is_empty() { why } else { wrong(&id, &why) };
            (id, text)
        })
        .collect();
    let cases: Vec<(&str, &str)> = cases.iter().map(|(id, text)| (id.as_str(), text.as_str())).collect();
    world.agree(&cases);
    world.agree(&[(
        "github.com/u/r@v0.0.0-20200913000000-abcdefabcdef",
        &format!(
            "failed to fetch github.com/u/r@v0.0.0-20200913000000-abcdefabcdef/go.mod: https://github.com/u/r: \
             unknown revision abcdefabcdef {UNKNOWN}"
        ),
    )]);
}

/// A commit that nobody has accepted can't be a version, though the server has it.
#[test]
fn only_what_branches_and_tags_refer_to() {
    let world = World::new();
    let repo = repo(&world);
    repo.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    repo.git(&["checkout", "-q", "--detach"]);
    let head = repo.commit(&[("evil.go", "package r\n")]).head();
    repo.git(&["update-ref", "refs/pull/1/head", "HEAD"]);
    repo.git(&["checkout", "-q", "main"]);
    let id = format!("github.com/u/r@v0.0.0-{head}");
    let text = format!("failed to fetch {id}/go.mod: https://github.com/u/r: unknown revision {} {UNKNOWN}", &head[15..]);
    world.agree(&[(&id, &text)]);
    // The branch that is checked out may have any name.
    repo.git(&["checkout", "-q", "--detach", "refs/pull/1/head"]);
    let world = World::new();
    let repo = self::repo(&world);
    repo.git(&["checkout", "-q", "--detach"]);
    let head = repo.commit(&[("fine.go", "package r\n")]).head();
    world.agree(&[(&format!("github.com/u/r@v0.0.0-{head}"), "")]);
}

#[test]
fn incompatible_versions() {
    let world = World::new();
    let repo = world.repo("github.com/u/r");
    repo.commit(&[("a.go", "package r\n")]).tag("v1.0.0").tag("v2.0.0");
    repo.commit(&[("b.go", "package r\n")]);
    let head = repo.head();
    repo.commit(&[("go.mod", GO_MOD)]).tag("v2.1.0").tag("v1.1.0");
    repo.commit(&[("go.mod", "module github.com/u/r/v3\n")]).tag("v3.0.0");
    let advice =
        "(check path and version in go.mod: the go.mod in the repository says which path a module has, and where it is)";
    world.agree(&[
        ("github.com/u/r@v1.0.0", ""),
        ("github.com/u/r@v2.0.0+incompatible", ""),
        (&format!("github.com/u/r@v2.0.1-0.{head}+incompatible"), ""),
        ("github.com/u/r/v3@v3.0.0", ""),
        (
            "github.com/u/r@v1.0.0+incompatible",
            &format!(
                "failed to fetch github.com/u/r@v1.0.0+incompatible/go.mod: github.com/u/r@v1.0.0+incompatible: invalid version: \
                 +incompatible suffix not allowed: major version v1 is compatible {ADVICE}"
            ),
        ),
        (
            "github.com/u/r@v2.1.0+incompatible",
            &format!(
                "failed to fetch github.com/u/r@v2.1.0+incompatible/go.mod: github.com/u/r@v2.1.0+incompatible: invalid version: \
                 module contains a go.mod file, so module path must match major version (\"github.com/u/r/v2\") {ADVICE}"
            ),
        ),
        (
            "github.com/u/r@v3.0.0+incompatible",
            &format!(
                "failed to fetch github.com/u/r@v3.0.0+incompatible/go.mod: github.com/u/r@v3.0.0+incompatible: \
                 go.mod has the module path \"github.com/u/r/v3\", which is for another major version {advice}"
            ),
        ),
        (
            "github.com/u/r/v2@v2.0.0",
            &format!(
                "failed to fetch github.com/u/r/v2@v2.0.0/go.mod: github.com/u/r/v2@v2.0.0: \
                 there is no go.mod, and there is no v2/go.mod {advice}"
            ),
        ),
    ]);
}

#[test]
fn names_that_are_traps() {
    let world = World::new();
    let repo = repo(&world);
    repo.git(&["branch", "v1.0.0"]);
    repo.git(&["update-ref", "refs/tags/--upload-pack=x", "HEAD"]);
    repo.git(&["update-ref", "refs/tags/-v1.1.0", "HEAD"]);
    repo.git(&["update-ref", "refs/heads/--output=x", "HEAD"]);
    repo.tag("v1.2.0");
    repo.commit(&[("b.go", "package r\n")]);
    repo.git(&["branch", "v1.2.0"]);
    let head = repo.head();
    world.agree(&[
        (
            "github.com/u/r@v1.0.0",
            &format!(
                "failed to fetch github.com/u/r@v1.0.0/go.mod: github.com/u/r@v1.0.0: invalid version: v1.0.0 is a branch, \
                 and not a tag {ADVICE}"
            ),
        ),
        ("github.com/u/r@v1.2.0", ""),
        (&format!("github.com/u/r@v1.2.1-0.{head}"), ""),
    ]);
    assert!(!repo.directory.join("x").exists());
}

#[test]
fn repositories_with_long_hashes() {
    let world = World::new();
    let repo = world.repo_with("github.com/u/r", "sha256");
    repo.commit(&[("go.mod", GO_MOD)]).tag("v1.0.0");
    let head = repo.commit(&[("a.go", "package r\n")]).head();
    world.agree(&[("github.com/u/r@v1.0.0", ""), (&format!("github.com/u/r@v1.0.1-0.{head}"), "")]);
}

/// What is kept is used again, new tags are seen, and a repository in which a killed git left locks is made anew.
#[test]
fn repositories_in_the_cache() {
    let world = World::new();
    let repo = repo(&world);
    repo.tag("v1.0.0");
    world.godirect("github.com/u/r@v1.0.0").unwrap();
    let kept = godirect::digest::Sha256::of("https://github.com/u/r");
    let kept = world.cache().repository(&kept);
    assert_eq!(std::fs::read_to_string(kept.join("config")).unwrap().matches("github").count(), 0);
    repo.commit(&[("b.go", "package r\n")]).tag("v1.1.0");
    let again = world.restarted();
    again.agree(&[("github.com/u/r@v1.1.0", "")]);

    repo.commit(&[("c.go", "package r\n")]).tag("v1.2.0");
    for file in ["shallow.lock", "refs/tags/v1.2.0.lock", "config.lock"] {
        std::fs::write(kept.join(file), "").unwrap();
    }
    std::fs::write(kept.with_extension("busy"), "").unwrap();
    let third = world.restarted();
    third.agree(&[("github.com/u/r@v1.2.0", "")]);
    assert!(!kept.with_extension("busy").exists());

    // Damage is noticed and repaired: nothing left, and a tree that is missing.
    let _ = std::fs::remove_dir_all(third.cache().root().join("download"));
    std::fs::remove_file(kept.join("HEAD")).unwrap();
    world.restarted().agree(&[("github.com/u/r@v1.2.0", "")]);
    let _ = std::fs::remove_dir_all(third.cache().root().join("download"));
    let tree = repo.git(&["rev-parse", "v1.2.0^{tree}"]);
    std::fs::remove_file(kept.join("objects").join(&tree[..2]).join(&tree[2..])).unwrap();
    world.restarted().agree(&[("github.com/u/r@v1.2.0", "")]);
    assert!(!kept.with_extension("busy").exists());

    // A tag that was moved is another module; what go.sum says decides.
    repo.commit(&[("d.go", "package r\n")]);
    repo.git(&["tag", "-f", "v1.2.0"]);
    let moved = world.restarted();
    std::fs::remove_dir_all(moved.cache().root().join("download")).unwrap();
    assert_ne!(moved.godirect("github.com/u/r@v1.2.0").unwrap().0, third.go("github.com/u/r@v1.2.0").unwrap().0);
}

#[test]
fn several_at_once() {
    let world = World::new();
    let repo = repo(&world);
    let versions: Vec<String> = (0..8)
        .map(|i| {
            repo.commit(&[("a.go", &format!("package r\n\nconst C = {i}\n"))]).tag(&format!("v1.{i}.0"));
            if i % 2 == 0 { format!("v1.{i}.0") } else { format!("v0.0.0-{}", repo.head()) }
        })
        .collect();
    // Two processes, or as good as that.
    let other = world.restarted();
    let answers: Vec<_> = std::thread::scope(|scope| {
        let fetch = |world: &World, version: &String| world.godirect(&format!("github.com/u/r@{version}")).unwrap();
        let (world, other) = (&world, &other);
        let threads: Vec<_> = versions
            .iter()
            .flat_map(|v| [scope.spawn(move || fetch(world, v)), scope.spawn(move || fetch(other, v))])
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for (i, version) in versions.iter().enumerate() {
        let theirs = world.go(&format!("github.com/u/r@{version}")).unwrap();
        assert_eq!([&answers[2 * i], &answers[2 * i + 1]], [&theirs, &theirs]);
    }
}
