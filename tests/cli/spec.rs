//! Specs that are wrong, hostile names in them, and names on the command line that don't exist.

use crate::support::{Project, error, read_tree};

#[test]
fn hostile_and_wrong_specs() {
    let dir_help = "write a path relative to the spec, with `/` and without `..`";
    let name_help = "use ASCII letters, digits, `_`, `-` and `.`";
    let load_help = "write \"//dir/file.star\" or \"file.star\": a .star file inside the repository";
    let no_dir = |path: &str| format!("`{path}` is not a directory inside the repository");
    let no_name = |name: &str, what: &str| format!("`{name}` can't be the name of a {what}");
    // The line, the message, what is marked and the advice.
    let cases: Vec<(&str, String, &str, &str)> = vec![
        (r#"binary("../x")"#, no_dir("../x"), r#""../x""#, dir_help),
        (r#"binary("a/../../x")"#, no_dir("a/../../x"), r#""a/../../x""#, dir_help),
        (r#"binary("/etc")"#, no_dir("/etc"), r#""/etc""#, dir_help),
        (r#"binary("./cmd\nx")"#, no_dir(r"./cmd\nx"), r#"binary("./cmd\nx")"#, dir_help),
        (r#"module("../..")"#, no_dir("../.."), r#""../..""#, dir_help),
        (r#"binary(".", name = "${x}")"#, no_name("${x}", "binary"), r#""${x}""#, name_help),
        (r#"binary(".", name = "../x")"#, no_name("../x", "binary"), r#""../x""#, name_help),
        (r#"binary(".", name = "a\"b")"#, no_name(r#"a\"b"#, "binary"), r#"binary(".", name = "a\"b")"#, name_help),
        (r#"binary(".", name = "a\nb")"#, no_name(r"a\nb", "binary"), r#"binary(".", name = "a\nb")"#, name_help),
        (r#"profile("${x}")"#, no_name("${x}", "profile"), r#""${x}""#, name_help),
        (r#"profile("-o")"#, no_name("-o", "profile"), r#""-o""#, name_help),
        (
            r#"profile("x", ldflags = ["a\nb"])"#,
            r"`a\nb` can't be a flag".to_owned(),
            r#"profile("x", ldflags = ["a\nb"])"#,
            "write one argument each, without control characters",
        ),
        (r#"profile("x", tags = ["a,b"])"#, "`a,b` is not a build tag".to_owned(), r#""a,b""#, ""),
        (r#"load("../x.star", "y")"#, "can't load `../x.star`".to_owned(), r#""../x.star""#, load_help),
        (r#"load("//../x.star", "y")"#, "can't load `//../x.star`".to_owned(), r#""//../x.star""#, load_help),
        (r#"binary("./nosuch")"#, "there is no Go package in ./nosuch".to_owned(), r#"binary("./nosuch")"#, ""),
        (r#"bazell()"#, "variable `bazell` not found, did you mean `bazel`?".to_owned(), "bazell", ""),
        (r#"nix(flak = True)"#, "found `flak` extra named parameter(s) for call to nix".to_owned(), "nix(flak = True)", ""),
        (
            "for i in range(9): pass",
            "`for` cannot be used outside `def` in this dialect".to_owned(),
            "for i in range(9): pass",
            "",
        ),
    ];
    let project = Project::example("01-hello");
    let before = read_tree(&project.root());
    for (line, message, marked, help) in cases {
        project.write("godirect.star", &format!("{line}\n"));
        let at = line.find(marked).unwrap();
        let (indent, carets) = (" ".repeat(at), "^".repeat(marked.len()));
        let help = if help.is_empty() { String::new() } else { format!("  |\nhelp: {help}\n") };
        let place = format!(" --> godirect.star:1:{}\n  |\n1 | {line}\n  | {indent}{carets}\n", at + 1);
        let expected = format!("error: {message}\n{place}{help}");
        for verb in ["generate", "lock", "build"] {
            project.fails(&[verb], 2, &expected);
        }
    }
    project.write("godirect.star", std::str::from_utf8(&before["godirect.star"]).unwrap());
    assert!(read_tree(&project.root()) == before);
}

#[test]
fn a_spec_that_would_run_forever_ends() {
    let project = Project::example("01-hello");
    project.write("godirect.star", "def f():\n    for i in range(1 << 30):\n        pass\n\nf()\n");
    let message = "godirect.star: execution duration limit of 10000000 ticks has been exceeded";
    project.fails(&["generate"], 2, &error(message, "a spec says what there is; it must come to an end soon"));
}

#[test]
fn names_that_the_spec_has_not() {
    let project = Project::example("02-modules");
    for (arguments, message, help) in [
        (["build", "--platform=plan9"], "godirect.star has no platform `plan9`", "it has linux_amd64, linux_arm64"),
        (["build", "--platform=a\nb"], r"godirect.star has no platform `a\nb`", "it has linux_amd64, linux_arm64"),
        (["build", "--profile=fast"], "the spec has no profile `fast`", "it has default"),
        (["build", "nosuch"], "the spec has no binary `nosuch`", "it has checksum, highlight"),
        (["build", "./internal/banner"], "the spec has no binary `./internal/banner`", "it has checksum, highlight"),
        (["build", "../x"], "the spec has no binary `../x`", "it has checksum, highlight"),
    ] {
        project.fails(&arguments, 2, &error(message, help));
    }
    project.write("godirect.star", &format!("{}profile(\"idle\")\n", project.read("godirect.star")));
    let expected = error(
        "nothing to build: none of these binaries has this profile",
        "give it to one in the spec: binary(…, profiles = […])",
    );
    project.fails(&["build", "--profile", "idle"], 2, &expected);
}

#[test]
fn places_that_are_no_projects() {
    let project = Project::new(&[]);
    let init = "`godirect init` writes one from go.mod";
    for verb in ["generate", "lock", "build", "goroot"] {
        project.fails(&[verb], 2, &error("there is no godirect.star in this directory", init));
        let home = project.path("home").display().to_string();
        project.fails(&["-C", &home, verb], 2, &error("there is no godirect.star in $TMP/home", init));
        project.fails(&["-C", "nowhere", verb], 2, "error: there is no directory nowhere\n");
    }
    let expected =
        error("there is neither go.mod nor go.work in this directory", "run godirect where go.mod is, or `go mod init`");
    project.fails(&["init"], 2, &expected);
    project.fails(&["all"], 2, &expected);
    let project = Project::example("01-hello");
    let help = "edit it, or delete it to start anew; `godirect lock` is next";
    project.fails(&["init"], 2, &error("there is already a godirect.star", help));
}

#[test]
fn arguments_that_do_not_exist() {
    let project = Project::new(&[]);
    let usage = |message: &str, usage: &str| {
        format!("error: {message}\n\nUsage: godirect {usage}\n\nFor more information, try '--help'.\n")
    };
    project.fails(&["frob"], 2, &usage("unrecognized subcommand 'frob'", "[OPTIONS] <COMMAND>"));
    project.fails(&["lock", "--frob"], 2, &usage("unexpected argument '--frob' found", "lock [OPTIONS]"));
}
