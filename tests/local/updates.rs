//! A go.mod that lists less than its modules ask for: the go command refuses to build, and so does godirect.

use crate::{Project, go};

const USES: &str = "package main\n\nimport _ \"example.com/a\"\n\nfunc main() {}\n";
const USES_NOT: &str = "package main\n\nfunc main() {}\n";
const REPLACE: &str = "replace example.com/a => ./a\n\nreplace example.com/b => ./b\n";

/// A program, and modules `a` and `b` in directories, all with what goes after the module line.
fn project(main: &str, code: &str, [a, b]: [&str; 2]) -> Project {
    Project::new(&[
        ("go.mod", &format!("module example.com/main\n\n{main}\n\n{REPLACE}")),
        ("main.go", code),
        ("a/go.mod", &format!("module example.com/a\n\n{a}\n")),
        ("a/a.go", "package a\n"),
        ("b/go.mod", &format!("module example.com/b\n\n{b}\n")),
        ("b/b.go", "package b\n"),
    ])
}

/// Whether the go command builds it; it must say why not.
fn go_builds(project: &Project) -> bool {
    let output = go(&project.root()).args(["build", "-o", "../built", "./..."]).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() || stderr.starts_with("go: updates to go.mod needed"), "{stderr}");
    output.status.success()
}

/// What godirect says, where it refuses to lock.
fn refusal(project: &Project) -> Option<String> {
    let output = project.run(&["lock"]);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() || output.status.code() == Some(2), "{stderr}");
    assert_eq!(output.status.success(), project.root().join("godirect.lock.json").exists());
    let error = stderr.lines().find_map(|line| line.strip_prefix("error: go.mod needs an update: "));
    assert_eq!(output.status.success(), error.is_none(), "{stderr}");
    error.map(str::to_owned)
}

#[test]
fn the_go_line_is_as_new_as_those_of_what_is_used() {
    let mut refused = 0;
    for (own, other) in [
        ("go 1.16", "go 1.20"),
        ("go 1.16", "go 1.21"),
        ("", "go 1.20"),
        ("", "go 1.21"),
        ("go 1.17", "go 1.21"),
        ("go 1.22", ""),
        ("go 1.22", "go 1.22"),
        ("go 1.22", "go 1.22.0"),
        ("go 1.22rc1", "go 1.22"),
        ("go 1.21", "go 1.22rc1"),
        ("go 1.21.5", "go 1.21.7"),
        ("go 1.25.1", "go 1.25"),
    ] {
        for code in [USES, USES_NOT] {
            let project = project(&format!("{own}\n\nrequire example.com/a v1.0.0"), code, [other, ""]);
            let found = refusal(&project);
            assert_eq!(found.is_none(), go_builds(&project), "`{own}` and `{other}`, {code}: {found:?}");
            refused += usize::from(found.is_some());
        }
    }
    assert_eq!(refused, 8);
}

#[test]
fn no_version_is_older_than_what_is_used_requires() {
    let mut refused = 0;
    for own in ["go 1.16", "go 1.17", "go 1.25"] {
        for (listed, wanted) in [("v1.0.0", "v1.0.0"), ("v1.1.0", "v1.0.0"), ("v1.0.0", "v1.1.0"), ("v1.0.0-rc.1", "v1.0.0")] {
            for code in [USES, USES_NOT] {
                let main = format!("{own}\n\nrequire (\n\texample.com/a v1.0.0\n\texample.com/b {listed}\n)");
                let project = project(&main, code, [&format!("go 1.17\n\nrequire example.com/b {wanted}"), "go 1.17"]);
                let found = refusal(&project);
                assert_eq!(found.is_none(), go_builds(&project), "{own}, {listed} and {wanted}, {code}: {found:?}");
                refused += usize::from(found.is_some());
            }
        }
    }
    assert_eq!(refused, 8);
}

/// With go.work, the go command doesn't look.
#[test]
fn a_workspace_is_not_asked() {
    let project = project("go 1.22\n\nrequire example.com/a v1.0.0", USES, ["go 1.25", ""]);
    project.write("go.work", "go 1.22\n\nuse .\n");
    assert!(go_builds(&project));
    assert_eq!(refusal(&project), None);
}

/// What was locked before is refused as well, whatever is asked for.
#[test]
fn a_go_line_that_was_lowered_is_an_error_everywhere() {
    let project = project("go 1.25\n\nrequire example.com/a v1.0.0", USES, ["go 1.25", ""]);
    project.succeeds(&["lock"]);
    project.edit("go.mod", "go 1.25", "go 1.24");
    for arguments in [&["lock"][..], &["build"], &["generate"], &["list"]] {
        project.fails(
            arguments,
            2,
            "go.mod needs an update: example.com/a@v1.0.0 requires go >= 1.25, and its go line says 1.24",
            "`go mod tidy` makes it; until then, the go command builds nothing, either",
        );
    }
}
