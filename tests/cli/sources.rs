//! Go files and modules that are wrong.

use crate::support::{Project, error, with_module};

const GO_MOD: &str = "module example.com/p\n\ngo 1.27\n\ntoolchain go1.27.3\n";

fn hello() -> Project {
    Project::example("01-hello").with_build_cache()
}

const BUILD: [&str; 3] = ["build", "--platform", "linux/amd64"];

#[test]
fn what_the_compiler_says() {
    let project = hello();
    project.edit("main.go", "fmt.Printf", "fmt.Printx");
    let expected = |path: &str| {
        format!("# example.com/hello\n{path}:10:6: undefined: fmt.Printx\nerror: failed to build example.com/hello\n")
    };
    project.fails(&BUILD, 1, &expected("./main.go"));
    let root = project.root().display().to_string();
    let elsewhere = |directory: &str, argument: &str| {
        let mut command = project.command(&[&["-C", argument][..], &BUILD].concat());
        project.ran(command.current_dir(directory).output().unwrap())
    };
    for (directory, argument, shown) in [
        (project.path("").display().to_string(), "repo", "repo/main.go"),
        ("/".to_owned(), &*root, "$DIR/main.go"),
        (project.path("home").display().to_string(), "../repo", "../repo/main.go"),
    ] {
        let ran = elsewhere(&directory, argument);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
        crate::support::same(&expected(shown), &ran.stderr);
    }
    assert!(!project.root().join("godirect-out").exists());
}

#[test]
fn what_the_assembler_says() {
    let project = hello();
    project.write("a_amd64.s", "\nFROB $1\n");
    let ran = project.run(&BUILD);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    crate::support::same(
        "# example.com/hello\n\
         ./a_amd64.s:2: unrecognized instruction \"FROB\"\n\
         asm: assembly of ./a_amd64.s failed\n\
         error: failed to build example.com/hello\n",
        &ran.stderr,
    );
}

/// `generate`, `build` and `lock` must say this of main.go.
#[track_caller]
fn all_say(main: &str, code: i32, expected: &str) {
    let project = hello();
    project.write("main.go", main);
    project.fails(&["generate"], code, expected);
    project.fails(&BUILD, code, expected);
}

#[test]
fn imports_that_nobody_provides() {
    let import = |path: &str, message: &str, help: &str| {
        let caret = "^".repeat(path.len() + 2);
        let help = if help.is_empty() { String::new() } else { format!("  |\nhelp: {help}\n") };
        format!("error: {message}\n --> main.go:3:8\n  |\n3 | import \"{path}\"\n  |        {caret}\n{help}")
    };
    let program = |path: &str| format!("package main\n\nimport \"{path}\"\n\nfunc main() {{ x.X() }}\n");
    let other = "if go.mod requires its module, run `godirect lock`; else `go get` it first";
    let std = "check the import path; if the SDK has it, run `godirect lock`";
    for (path, message, help) in [
        ("other.example/x", "no required module provides package other.example/x", other),
        ("nosuch/x", "package nosuch/x is not in std", std),
        (
            "example.com/hello/x",
            "package example.com/hello/x is not in module example.com/hello: its directory has no Go files",
            "",
        ),
        ("internal/abi", "use of internal package internal/abi not allowed in example.com/hello", ""),
        ("../x", "\"../x\" is relative, but relative import paths are not supported", "write the package's whole import path"),
    ] {
        all_say(&program(path), 2, &import(path, message, help));
    }
    let project = with_module();
    project.write("main.go", &program("other.example/x"));
    let message = "no required module provides package other.example/x";
    project.fails(&["lock"], 2, &import("other.example/x", message, "run `go get other.example/x`"));
}

#[test]
fn import_cycle() {
    let project = hello();
    project.write("main.go", "package main\n\nimport \"example.com/hello/a\"\n\nfunc main() { a.A() }\n");
    project.write("a/a.go", "package a\n\nimport \"example.com/hello/b\"\n\nfunc A() { b.B() }\n");
    project.write("b/b.go", "package b\n\nimport \"example.com/hello/a\"\n\nfunc B() { a.A() }\n");
    let expected = "error: import cycle not allowed: example.com/hello/a -> example.com/hello/b -> example.com/hello/a\n";
    project.fails(&["generate"], 2, expected);
    project.fails(&BUILD, 2, expected);
}

#[test]
fn files_that_are_not_go() {
    let place = |message: &str, place: &str, line: &str, at: usize, width: usize| {
        let (number, _) = place.split_once(':').unwrap();
        let (indent, carets) = (" ".repeat(at), "^".repeat(width));
        format!("error: {message}\n --> main.go:{place}\n  |\n{number} | {line}\n  | {indent}{carets}\n")
    };
    all_say("#!hello\n", 2, &place("illegal character U+0023 '#'", "1:1", "#!hello", 0, 1));
    all_say("package main\n\nimport \"fmt\n", 2, &place("string literal not terminated", "3:8", "import \"fmt", 7, 1));
}

#[test]
fn c_code() {
    let spec = "profile(\"c\", cgo = True)\n\nbinary(\".\", profiles = [\"c\"])\n\nplatforms(\"linux/amd64\")\n\nnix()\n";
    let project = hello();
    project.write("godirect.star", spec);
    project.write("main.go", "package main\n\n// int f(void) { return 1; }\nimport \"C\"\n\nfunc main() { println(C.f()) }\n");
    let expected = error(
        "package example.com/hello has C code, which this version of godirect can't build",
        "build it with `cgo = False`, or choose another package",
    );
    project.fails(&["generate"], 2, &expected);
    project.fails(&BUILD, 2, &expected);
}

#[test]
fn nothing_to_build() {
    let project = hello();
    project.write("main.go", "package hello\n");
    project.fails(
        &BUILD,
        2,
        &error("there is no main package in the module", "nothing to build; `godirect generate` still works"),
    );
    project.write("godirect.star", "binary(\".\")\n");
    let place = " --> godirect.star:1:1\n  |\n1 | binary(\".\")\n  | ^^^^^^^^^^^\n";
    project.fails(&BUILD, 2, &format!("error: . is not a main package\n{place}"));
    std::fs::remove_file(project.root().join("main.go")).unwrap();
    project.fails(&BUILD, 2, &format!("error: there is no Go package in .\n{place}"));
}

#[test]
fn go_mod_that_is_wrong() {
    let project = Project::example("01-hello");
    let place = |message: &str, place: &str, line: &str, at: usize, width: usize| {
        let (number, _) = place.split_once(':').unwrap();
        let (indent, carets) = (" ".repeat(at), "^".repeat(width));
        format!("error: {message}\n --> go.mod:{place}\n  |\n{number} | {line}\n  | {indent}{carets}\n")
    };
    let malformed = |path: &str, why: &str| format!("malformed module path \"{path}\": {why}");
    let character = "it has a character that Go does not allow there";
    for (line, message, at, width) in [
        (r#"require "a\"b" v1.0.0"#, malformed(r#"a\"b"#, character), 8, 6),
        (r#"require "a.com/${x}" v1.0.0"#, malformed("a.com/${x}", character), 8, 12),
        (r#"require "a.com/x\ny" v1.0.0"#, malformed(r"a.com/x\ny", character), 8, 12),
        ("require ../x v1.0.0", malformed("../x", "an element ends with a dot"), 8, 4),
        ("module \"x", "unexpected newline in string".to_owned(), 7, 2),
        ("frob x", "unknown directive: frob".to_owned(), 0, 6),
        ("go 1.99", "repeated go statement".to_owned(), 0, 7),
    ] {
        project.write("go.mod", &format!("{GO_MOD}{line}\n"));
        let expected = place(&message, &format!("6:{}", at + 1), line, at, width);
        for verb in ["generate", "lock", "build"] {
            project.fails(&[verb], 2, &expected);
        }
    }
    for (path, shown, why) in [
        (r#""example.com/a\nb""#, r"example.com/a\nb", character),
        (r#""example.com/${a}""#, "example.com/${a}", character),
        ("../x", "../x", "an element ends with a dot"),
    ] {
        project.write("go.mod", &format!("module {path}\n\ngo 1.27\n"));
        project.fails(&["generate"], 2, &place(&malformed(shown, why), "1:8", &format!("module {path}"), 7, path.len()));
    }
    std::fs::remove_file(project.root().join("go.mod")).unwrap();
    let expected =
        error("there is neither go.mod nor go.work in this directory", "run godirect where go.mod is, or `go mod init`");
    project.fails(&["generate"], 2, &expected);
}

#[test]
fn file_names_that_tools_could_misread() {
    for name in ["-o.go", "a b.go", "${x}.go", "a\"b.go", "a\nb.go", "{src}.go", "'.go", "a;b.go"] {
        let project = hello();
        project.write(name, "package main\n\nfunc init() { println(\"hostile\") }\n");
        let ran = project.run(&["generate"]);
        let built = project.run(&BUILD);
        match ran.code {
            // Either all engines are given it, or none.
            Some(0) => {
                assert_eq!((built.code, built.stderr.as_str()), (Some(0), ""), "{name:?}");
                assert!(project.read("BUILD.bazel").contains(".go"), "{name:?}");
            }
            code => {
                assert_eq!((code, &built.stderr), (Some(2), &ran.stderr), "{name:?}");
                assert!(ran.stderr.contains("name"), "{name:?}: {}", ran.stderr);
            }
        }
    }
}
