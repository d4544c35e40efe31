//! What can't be built, and what is said of it.

use crate::cli::error;
use crate::{Project, with_compilers};

const SPEC: &str = "go_sdk(version = \"1.27.3\")\nplatforms(\"linux/amd64\")\nprofile(\"default\", cgo = True)\nnix()\n";

/// A program whose `import "C"` has these lines of comment.
fn program(lines: &str) -> Project {
    let comment: String = lines.lines().map(|line| format!("// {line}\n")).collect();
    let main = format!("package main\n\n{comment}import \"C\"\n\nfunc main() {{ println(C.f()) }}\n");
    let files = [("godirect.star", SPEC), ("go.mod", "module example.com/p\n\ngo 1.27\n"), ("main.go", &main)];
    let project = with_compilers(Project::new(&files).with_user_cache());
    project.succeeds(&["lock"]);
    project
}

#[test]
fn flags_that_could_run_code_are_refused_with_their_place() {
    let project = program("#cgo LDFLAGS: -lm\n#cgo CFLAGS: -O1 -fplugin=evil.so\nint f(void) { return 1; }");
    let expected = "error: package example.com/p: invalid flag in #cgo CFLAGS: -fplugin=evil.so
 --> main.go:4:21
  |
4 | // #cgo CFLAGS: -O1 -fplugin=evil.so
  |                     ^^^^^^^^^^^^^^^^
  |
help: Go lets through only flags that are known to be harmless; the environment variable CGO_CFLAGS_ALLOW, a regular expression, allows more
";
    project.fails(&["build"], 2, expected);
}

#[test]
fn what_the_machine_lacks_is_named() {
    let project = program("int f(void) { return 1; }");
    project.edit("godirect.star", "cgo = True", "cgo = True, cc = \"no-such-cc\"");
    let expected = error(
        "package example.com/p needs the C compiler no-such-cc: there is no `no-such-cc` on PATH",
        "install it, name another in the profile, e.g. `cc = …`, or build without C: `cgo = False`",
    );
    project.fails(&["build"], 3, &expected);

    let project = program("#cgo pkg-config: libnosuch\nint f(void);");
    let ran = project.run(&["build"]);
    let start = "error: package example.com/p has `#cgo pkg-config: libnosuch`: pkg-config fails:\n";
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.starts_with(start) && ran.stderr.contains("libnosuch"), "{}", ran.stderr);
    assert!(ran.stderr.contains("help: install the development files of the library"), "{}", ran.stderr);
}

#[test]
fn messages_of_compilers_name_the_file() {
    let project = program("int f(void);");
    project.write("sub.c", "#include \"part.h\"\nint f(void) { return wrong; }\n");
    project.write("part.h", "\n");
    let ran = project.run(&["build"]);
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("# example.com/p\n"), "{}", ran.stderr);
    assert!(ran.stderr.contains("sub.c:2:22: error: 'wrong' undeclared"), "{}", ran.stderr);
}

#[test]
fn what_nix_files_cannot_have_is_named() {
    let project = program("#cgo pkg-config: --static libnosuch\nint f(void);");
    let expected = error(
        "package example.com/p has `#cgo pkg-config: --static libnosuch`, which Nix can't build yet",
        "build it with `godirect build`, or write the flags themselves into #cgo CFLAGS and LDFLAGS",
    );
    project.fails(&["generate"], 2, &expected);

    let project = program("int f(void) { return 1; }");
    project.edit("godirect.star", "cgo = True", "cgo = True, buildmode = \"c-shared\"");
    let expected = error(
        "package example.com/p is for a library (buildmode c-shared), which Nix can't build yet",
        "build it with `godirect build`, or leave out nix()",
    );
    project.fails(&["generate"], 2, &expected);

    // What a flag would do is the same for every engine.
    let project = program("#cgo CFLAGS: -fplugin=evil.so\nint f(void) { return 1; }");
    let ran = project.run(&["generate"]);
    assert!(ran.code == Some(2) && ran.stderr.contains("invalid flag in #cgo CFLAGS: -fplugin=evil.so"), "{}", ran.stderr);
}
