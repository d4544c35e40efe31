//! What is kept of files by the IDs of their content changes no answer, and spares reading them.

use std::fs;

use super::support::Project;
use super::{base, commit, git, link};

/// The repository with a cache of its own, of which nothing but what `affected` keeps is needed.
fn with_cache() -> Project {
    let project = base();
    let cache = project.path("cache");
    project.env("GODIRECT_CACHE", cache.display())
}

fn fingerprints(project: &Project) -> String {
    project.succeeds(&["fingerprint", "--revision", "HEAD", "--json"])
}

/// The same, by a program that knows nothing.
fn with_nothing_known(project: &Project) -> String {
    let (cache, aside) = (project.path("cache"), project.path("aside"));
    fs::rename(&cache, &aside).unwrap();
    let found = fingerprints(project);
    fs::remove_dir_all(&cache).unwrap();
    fs::rename(&aside, &cache).unwrap();
    found
}

/// A change with its name.
type Change = (&'static str, fn(&Project));

/// Each leaves files that were known before in another place, under another name or in other company.
const CHANGES: [Change; 12] = [
    ("the first commit", |_| ()),
    ("a name that is a constraint", |project| drop(git(project, &["mv", "lib/lib.go", "lib/lib_linux.go"]))),
    ("another one", |project| drop(git(project, &["mv", "lib/lib_linux.go", "lib/lib_windows.go"]))),
    ("the first name", |project| drop(git(project, &["mv", "lib/lib_windows.go", "lib/lib.go"]))),
    ("a test's name", |project| drop(git(project, &["mv", "ext/ext.go", "ext/ext_test.go"]))),
    ("a copy in another package", |project| project.write("onlytest/x_test.go", &project.read("lib/x_test.go"))),
    ("a link to a test", |project| link(project, "../lib/lib_test.go", "onlytest/x_test.go")),
    ("a link that leads nowhere", |project| link(project, "../lib/none.go", "lib/none.go")),
    ("no such link", |project| fs::remove_file(project.root().join("lib/none.go")).unwrap()),
    ("TestMain", |project| {
        project.write("lib/main_test.go", "package lib\n\nimport \"testing\"\n\nfunc TestMain(m *testing.M) {}\n")
    }),
    ("TestMain twice", |project| project.write("lib/again_test.go", &project.read("lib/main_test.go"))),
    ("a test that is none", |project| project.write("lib/again_test.go", "package lib\n\nfunc TestNothing() {}\n")),
];

#[test]
fn known_files_change_no_answer() {
    let project = with_cache();
    let mut answers = Vec::new();
    for (name, change) in CHANGES {
        change(&project);
        commit(&project, name);
        let known = fingerprints(&project);
        assert_eq!(known, with_nothing_known(&project), "{name}");
        answers.push(known);
    }
    // All changes but those back are of something that counts.
    assert_eq!(answers[3], answers[0]);
    assert_eq!(answers[8], answers[6]);
    answers.sort();
    answers.dedup();
    assert_eq!(answers.len(), CHANGES.len() - 2);
}

#[test]
fn known_files_are_not_read() {
    let project = with_cache();
    fingerprints(&project);
    project.write("lib/lib.go", &project.read("lib/lib.go").replace("return ", "return \"\" + "));
    commit(&project, "edit");
    let wanted = with_nothing_known(&project);
    // Nobody can read this file any more.
    let id = git(&project, &["rev-parse", "HEAD:plat/plat.go"]);
    fs::remove_file(project.root().join(".git/objects").join(&id[..2]).join(&id[2..])).unwrap();
    assert_eq!(fingerprints(&project), wanted);
    fs::remove_dir_all(project.path("cache")).unwrap();
    let ran = project.run(&["fingerprint", "--revision", "HEAD", "--json"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(3), ""));
    assert!(ran.stderr.contains(&format!("git has no blob {id}")), "{}", ran.stderr);
}
