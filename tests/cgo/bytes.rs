//! What is compared with `go build`, byte by byte: each binary of `tests/matrix/rows/c` in each profile of
//! `tests/cgo/godirect.star`.

use std::fs;
use std::process::Command;

use crate::{go, printed, project};

/// A binary in a profile, with what `go build` must be told for it besides `-ldflags=-buildid=`.
struct Row {
    profile: &'static str,
    package: &'static str,
    file: &'static str,
    flags: &'static [&'static str],
    ldflags: &'static str,
}

const fn row(
    profile: &'static str,
    package: &'static str,
    file: &'static str,
    flags: &'static [&'static str],
    ldflags: &'static str,
) -> Row {
    Row { profile, package, file, flags, ldflags }
}

const ROWS: [Row; 12] = [
    row("default", "./cmd/resolve", "resolve", &[], ""),
    row("default", "./cmd/greet", "greet", &[], ""),
    row("default", "./cmd/own", "own", &[], ""),
    row("external", "./cmd/own", "own", &[], "-linkmode=external"),
    row("static", "./cmd/own", "own", &[], "-linkmode=external -extldflags=-static"),
    row("pie", "./cmd/own", "own", &["-buildmode=pie"], ""),
    row("race", "./cmd/own", "own", &["-race"], ""),
    // Depends on the directory, which is another one each time.
    row("cover", "./cmd/own", "own", &["-cover"], ""),
    row("asan", "./cmd/own", "own", &["-asan"], ""),
    row("archive", "./lib", "sum.a", &["-buildmode=c-archive"], ""),
    row("shared", "./lib", "sum.so", &["-buildmode=c-shared"], ""),
    row("plugin", "./lib", "sum.so", &["-buildmode=plugin"], ""),
];

#[test]
fn all_build_modes_are_the_same_from_go() {
    let project = project();
    project.succeeds(&["build"]);
    let mut differ = Vec::new();
    for Row { profile, package, file, flags, ldflags } in ROWS {
        let directory = match profile {
            "default" => "godirect-out/linux_amd64".to_owned(),
            profile => format!("godirect-out/linux_amd64-{profile}"),
        };
        let built = project.root().join(directory);
        let from_go = project.path("go").join(profile);
        let mut command = go(&project);
        command.args(["build", "-trimpath", "-buildvcs=false"]).args(flags).arg(format!("-ldflags=-buildid= {ldflags}"));
        if profile == "cover" {
            // Go's cache doesn't know of that, and gives what an earlier run has made elsewhere.
            command.env("GOCACHE", project.path("go-build"));
        }
        printed(command.arg("-o").arg(from_go.join(file)).arg(package));
        // The library's header is part of it.
        for file in [file, "sum.h"].into_iter().filter(|name| *name == file || from_go.join(name).exists()) {
            if fs::read(from_go.join(file)).unwrap() != fs::read(built.join(file)).unwrap() {
                differ.push(format!("{profile}: {file}"));
            }
        }
        let header = fs::exists(built.join("sum.h")).unwrap();
        assert_eq!(header, from_go.join("sum.h").exists(), "{profile}: whether there is a header");
    }
    assert!(differ.is_empty(), "not what go builds: {differ:#?}");
    let run = |program: &str| printed(&mut Command::new(project.root().join("godirect-out").join(program)));
    assert_eq!(run("linux_amd64/own"), "42 180 4 7 14 7\n");
    assert_eq!(run("linux_amd64-static/own"), "42 180 4 7 14 7\n");
    assert_eq!(run("linux_amd64/greet"), "hello, world\n");
    assert_eq!(run("linux_amd64/resolve"), "true true\ntrue true\n");
}
