//! `godirect why`: whole texts and JSON.

use serde_json::{Value, json};

use crate::support::{drawn, error, same};

#[test]
fn chains_are_shown_with_their_imports() {
    let (_registry, project) = drawn::project();
    for (arguments, expected) in [
        (&["c.example/c/sub"][..], "example.com/p    main.go:4:2\na.example/a\nc.example/c/sub\n"),
        (
            &["c.example/c/sub", "--all"],
            "example.com/p    main.go:4:2\na.example/a\nc.example/c/sub\n\nexample.com/p/lib  lib/lib.go:3:8\nl.example/l        local/local.go:3:10\nc.example/c/sub\n",
        ),
        (
            &["./cmd/tool", "c.example/c"],
            "example.com/p/cmd/tool  cmd/tool/tool.go:4:8\nexample.com/p/lib       lib/lib.go:3:8\nl.example/l             local/local.go:3:10\nc.example/c/sub\n",
        ),
        (&["b.example/b"], "# only for windows_amd64\nexample.com/p/lib  lib/lib_windows.go:4:4\nb.example/b\n"),
        (&["t.example/t", "--test"], "example.com/p/lib  lib/lib_test.go:5:4 (test)\nt.example/t\n"),
        (
            &["./lib", "--all"],
            "example.com/p      main.go:5:2\nexample.com/p/lib\n\nexample.com/p/cmd/tool  cmd/tool/tool.go:4:8\nexample.com/p/lib\n",
        ),
        (&[".", "runtime"], "example.com/p  (implicit)\nruntime\n"),
        (&["-m", "c.example/c"], "example.com/p    main.go:4:2\na.example/a\nc.example/c/sub\n"),
    ] {
        same(expected, &project.succeeds(&[&["why"], arguments].concat()));
    }
}

#[test]
fn no_chain_is_the_answer_no() {
    let (_registry, project) = drawn::project();
    for (arguments, expected) in [
        (&["t.example/t"][..], "the graph has no package or module t.example/t on any platform\n"),
        (&["t.example/t", "--platform", "linux/amd64"], "the graph has no package or module t.example/t\n"),
        (&["b.example/b", "--platform", "linux/amd64"], "the graph has no package or module b.example/b\n"),
        (&["w.example/w", "l.example/l"], "the graph has no package or module w.example/w on any platform\n"),
        (&["a.example/a", "l.example/l"], "a.example/a doesn't need l.example/l on any platform\n"),
        (&["."], "no package of the repository imports example.com/p on any platform\n"),
        // Only a package itself and its importers need what its tests import.
        (&[".", "t.example/t", "--test"], "example.com/p doesn't need t.example/t on any platform\n"),
        (
            &["-m", "u.example/u"],
            "# no package of u.example/u is needed; it is required by\nexample.com/p\nu.example/u@v1.0.0\n",
        ),
        (&["-m", "w.example/w"], "the graph has no package or module w.example/w on any platform\n"),
    ] {
        let ran = project.run(&[&["why"], arguments].concat());
        same(expected, &ran.stdout);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), ""), "{arguments:?}");
    }
}

#[test]
fn json_has_all_import_sites() {
    let (_registry, project) = drawn::project();
    project.write("lib/more.go", "package lib\n\nimport (\n\n\t_ \"l.example/l\"\n)\n");
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    let step = |path: &str, sites: &[&str]| match sites {
        [] => json!({"path": path}),
        sites => json!({"path": path, "sites": sites}),
    };
    let chain = json!({
        "views": ["linux_amd64", "windows_amd64"],
        "packages": [step("example.com/p/lib", &["lib/lib.go:3:8", "lib/more.go:5:4"]), step("l.example/l", &[])],
    });
    assert_eq!(
        read(&project.succeeds(&["why", "--json", "l.example/l"])),
        json!({"version": 1, "to": "l.example/l", "chains": [chain]})
    );
    same("example.com/p/lib  lib/lib.go:3:8 and 1 more\nl.example/l\n", &project.succeeds(&["why", "l.example/l"]));
    let ran = project.run(&["why", "--json", "-m", "u.example/u"]);
    assert_eq!(ran.code, Some(1));
    assert_eq!(
        read(&ran.stdout),
        json!({"version": 1, "to": "u.example/u", "chains": [], "required_by": ["example.com/p", "u.example/u@v1.0.0"]})
    );
    let tests = read(&project.succeeds(&["why", "--json", "--test", "t.example/t"]));
    assert_eq!(
        tests["chains"][0]["packages"][0],
        json!({"path": "example.com/p/lib", "import": "test", "sites": ["lib/lib_test.go:5:4"]})
    );
}

/// A package can be imported by source on one platform, and by tests alone on another.
#[test]
fn each_platform_has_its_own_reason() {
    let (_registry, project) = drawn::project();
    project.edit("lib/lib_test.go", "t.example/t", "b.example/b");
    project.succeeds(&["lock"]);
    let linux = "example.com/p/lib  lib/lib_test.go:5:4 (test)\nb.example/b\n";
    same(linux, &project.succeeds(&["why", "--test", "b.example/b", "--platform", "linux/amd64"]));
    let windows = "example.com/p/lib  lib/lib_windows.go:4:4\nb.example/b\n";
    same(windows, &project.succeeds(&["why", "--test", "b.example/b", "--platform", "windows/amd64"]));
    let graph = project.succeeds(&["graph", "--test"]);
    let arrows: Vec<&str> = graph.lines().filter(|line| line.contains("-> \"b.example/b\"")).map(str::trim).collect();
    assert_eq!(
        arrows,
        [
            "\"example.com/p/lib\" -> \"b.example/b\" [label=\"windows_amd64\", style=dashed];",
            "\"example.com/p/lib\" -> \"b.example/b\" [label=\"test, linux_amd64\", style=dotted];"
        ]
    );
}

#[test]
fn wrong_names_are_explained() {
    let (_registry, project) = drawn::project();
    project.fails(
        &["why", "a b"],
        2,
        "error: malformed import path \"a b\": it has a character that Go does not allow there\n",
    );
    project.fails(&["why", "./..."], 2, &error("./... stands for several packages", "name one, or a module"));
    let outside = "directory .. is not in a main module";
    project.fails(&["why", ".."], 2, &error(outside, "name a directory of a module in go.mod or go.work, or an import path"));
}
