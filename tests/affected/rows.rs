//! What one change touches: what is expected, and that the go command's own build IDs agree.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::LazyLock;

use super::oracle::{Truth, must, truth};
use super::support::Project;
use super::{VIEWS, affected, answer, base, commit, link};

/// What the go command says before any change.
static BASE: LazyLock<Truth> = LazyLock::new(|| truth(&base(), "example.com/m", &VIEWS, false));

const LIB: [&str; 4] = ["package cmd/tool", "binary cmd/tool", "package lib", "test lib"];
const EMBEDDED: [&str; 3] = ["package embedded", "package cmd/tool", "binary cmd/tool"];
const ASM: [&str; 4] = ["package asm", "test asm", "package cmd/other", "binary cmd/other"];

/// Everything that links the standard library's default for GODEBUG.
const LINKED: [&str; 5] = ["binary cmd/tool", "binary cmd/other", "test lib", "test asm", "test onlytest"];

/// Changes the repository, and expects these targets to be affected in all views, those that are marked with `@view` only there.
#[track_caller]
fn check(change: impl FnOnce(&Project), expected: &[&str]) {
    let project = base();
    change(&project);
    let got = affected(&project, &[]);
    assert_eq!(got, wanted(expected, &VIEWS), "what is affected");
    let missing: Vec<_> = must(&BASE, &truth(&project, "example.com/m", &VIEWS, false)).difference(&got).cloned().collect();
    assert!(missing.is_empty(), "the go command sees more: {missing:?}");
}

fn wanted(expected: &[&str], views: &[(&str, &str)]) -> BTreeSet<(String, String)> {
    let mut wanted = BTreeSet::new();
    for text in expected {
        let (target, only) = text.split_once('@').map_or((*text, None), |(target, view)| (target, Some(view)));
        let (kind, name) = target.split_once(' ').unwrap();
        let name = if kind == "binary" { name.to_owned() } else { format!("example.com/m/{name}") };
        for (view, _) in views.iter().filter(|(view, _)| only.is_none_or(|only| only == *view)) {
            wanted.insert((format!("{kind} {name}"), (*view).to_owned()));
        }
    }
    wanted
}

#[test]
fn nothing() {
    check(|_| {}, &[]);
}

#[test]
fn a_comment() {
    check(
        |p| {
            p.edit("lib/lib.go", "// A comment in a function.", "// Another one, which is longer.");
            p.edit("lib/lib.go", "// Package lib greets.", "// Package lib does.");
        },
        &[],
    );
}

#[test]
fn a_comment_that_moves_code() {
    check(|p| p.edit("lib/lib.go", "// A comment", "//\n\t// A comment"), &LIB);
}

#[test]
fn a_comment_for_the_compiler() {
    check(|p| p.edit("lib/lib.go", "// Greet greets somebody.", "//go:noinline"), &LIB);
}

#[test]
fn a_body() {
    check(|p| p.edit("lib/lib.go", "Hello, ", "Hi, "), &LIB);
}

#[test]
fn another_name_of_a_file() {
    check(|p| fs::rename(p.root().join("lib/lib.go"), p.root().join("lib/greet.go")).unwrap(), &LIB);
}

/// The first and the last of the package's files, none of which has code.
#[test]
fn a_file_without_code() {
    let doc = |name: &str| format!("// Package {name} has more to say.\n\npackage {name}\n\n// That was it.\n");
    check(
        |p| {
            p.write("lib/a.go", &doc("lib"));
            p.write("lib/zz.go", &doc("lib"));
            p.write("cmd/tool/doc.go", &doc("main"));
        },
        &[],
    );
    check(|p| p.write("lib/doc.go", &format!("{}var x int\n", doc("lib"))), &LIB);
    check(|p| p.write("lib/doc.go", &format!("{}//go:debug http2client=0\n", doc("lib"))), &LIB);
    check(|p| p.write("lib/doc_test.go", &doc("lib")), &["test lib"]);
}

/// It is read as a file, too.
#[test]
fn an_embedded_file_without_code() {
    let project = base();
    project.write("embedded/embedded.go", &project.read("embedded/embedded.go").replace("data/*.txt", "data/*.txt *.go"));
    commit(&project, "embeds itself");
    project.write("embedded/doc.go", "package embedded\n");
    assert_eq!(affected(&project, &[]), wanted(&EMBEDDED, &VIEWS));
}

#[test]
fn an_embedded_file() {
    check(|p| p.write("embedded/data/a.txt", "A\n"), &EMBEDDED);
}

#[test]
fn an_embedded_file_less() {
    check(|p| fs::remove_file(p.root().join("embedded/data/b.txt")).unwrap(), &EMBEDDED);
}

#[test]
fn an_embedded_file_more() {
    check(|p| p.write("embedded/data/d.txt", ""), &EMBEDDED);
}

#[test]
fn what_nobody_reads() {
    check(
        |p| {
            p.write("lib/README.md", "another\n");
            p.write("embedded/data/c.md", "another\n");
            p.write("docs/new.md", "new\n");
            p.write("go.mod", &format!("// A comment.\n{}", p.read("go.mod")));
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(p.root().join("lib/lib.go"), mode).unwrap();
        },
        &[],
    );
}

#[test]
fn a_file_of_one_platform() {
    let dependents =
        ["package plat", "test onlytest", "package cmd/tool", "binary cmd/tool"].map(|t| format!("{t}@windows_amd64"));
    let expected: Vec<&str> = dependents.iter().map(String::as_str).collect();
    check(|p| p.edit("plat/plat_windows.go", "\"windows\"", "\"win\""), &expected);
}

#[test]
fn a_test() {
    check(|p| p.edit("lib/lib_test.go", "\" you \"", "\"you\""), &["test lib"]);
    check(|p| p.edit("lib/x_test.go", "\"you\"", "\"him\""), &["test lib"]);
}

/// Only what examples print is said by comments.
#[test]
fn a_comment_of_a_test() {
    let project = base();
    let example =
        "package lib_test\n\nimport \"fmt\"\n\n// Example shows.\nfunc Example() {\n\tfmt.Println(1)\n\t// Output: 1\n}\n";
    project.write("lib/example_test.go", example);
    super::commit(&project, "example");
    for (path, from, to, wanted) in [
        ("lib/lib_test.go", "import (\n", "import ( // Files.\n", &[][..]),
        ("lib/lib_test.go", "package lib\n", "package lib\n\n", &["test lib"]),
        ("lib/example_test.go", "// Output: 1", "// Output: 2", &["test lib"]),
        ("lib/example_test.go", "// Output: 1", "// Prints 1", &["test lib"]),
    ] {
        project.edit(path, from, to);
        assert_eq!(affected(&project, &[]), super::rows::wanted(wanted, &VIEWS), "{to}");
        super::git(&project, &["checkout", "-q", "."]);
    }
}

/// A working tree has files that commits don't have.
#[test]
fn what_git_keeps_is_no_data() {
    let project = base();
    let read = "func TestAll(t *testing.T) { filepath.Glob(\"*t\") }";
    let test = format!("package m\n\nimport (\n\t\"path/filepath\"\n\t\"testing\"\n)\n\n{read}\n");
    project.write("all_test.go", &test);
    super::commit(&project, "test");
    assert_eq!(affected(&project, &[]), BTreeSet::new());
}

#[test]
fn a_test_more_and_one_less() {
    let test = "package plat\n\nimport \"testing\"\n\nfunc TestName(t *testing.T) {}\n";
    check(|p| p.write("plat/plat_test.go", test), &["test plat"]);
    check(|p| fs::remove_file(p.root().join("asm/asm_test.go")).unwrap(), &["test asm"]);
}

#[test]
fn assembly() {
    check(|p| p.write("asm/asm_amd64.s", &format!("{}\n// The end.\n", p.read("asm/asm_amd64.s"))), &[]);
    check(|p| p.edit("asm/asm_amd64.s", "ADDQ $OWN", "ADDQ $(OWN)"), &ASM);
    check(|p| p.write("asm/own.h", "#define OWN 2\n"), &ASM);
}

/// The go command's IDs know nothing of it (golang/go#24355).
#[test]
fn a_header_elsewhere() {
    check(|p| p.write("shared/defs.h", "#define SHARED 0x1\n"), &ASM);
}

#[test]
fn what_a_test_reads() {
    check(|p| p.write("lib/testdata/greeting.txt", "Hello!"), &["test lib"]);
    check(|p| p.write("lib/testdata/more/new.txt", "new"), &["test lib"]);
    check(|p| p.write("shared/words.txt", "other words\n"), &["test lib"]);
    check(|p| fs::remove_file(p.root().join("shared/words.txt")).unwrap(), &["test lib"]);
}

/// No pattern matches it.
#[test]
fn a_package_below_testdata() {
    let project = base();
    project.write("plat/testdata/data.go", "package testdata\n\nconst Name = \"a\"\n");
    let test = "package plat\n\nimport (\n\t\"testing\"\n\n\t\"example.com/m/plat/testdata\"\n)\n\nfunc TestData(t *testing.T) { t.Log(testdata.Name) }\n";
    project.write("plat/data_test.go", test);
    super::commit(&project, "data");
    let before = truth(&project, "example.com/m", &VIEWS, false);
    project.edit("plat/testdata/data.go", "\"a\"", "\"b\"");
    let must = must(&before, &truth(&project, "example.com/m", &VIEWS, false));
    assert_eq!(must, wanted(&["package plat/testdata", "test plat"], &VIEWS));
    assert_eq!(affected(&project, &[]), must);
}

#[test]
fn what_a_test_finds_by_patterns() {
    let project = base();
    let read = "func TestFiles(t *testing.T) { _, _ = fmt.Sprintf(\"case_%d.in\", 1), filepath.Join(\"golden\", \"*.json\") }";
    let test = format!("package plat\n\nimport (\n\t\"fmt\"\n\t\"path/filepath\"\n\t\"testing\"\n)\n\n{read}\n");
    project.write("plat/files_test.go", &test);
    super::commit(&project, "test");
    for (path, is_read) in [
        ("plat/case_1.in", true),
        ("plat/golden/x/y.json", true),
        ("plat/case.in", false),
        ("plat/z.json", true),
        ("plat/z.xml", false),
    ] {
        project.write(path, "data");
        let wanted = if is_read { wanted(&["test plat"], &VIEWS) } else { BTreeSet::new() };
        assert_eq!(affected(&project, &[]), wanted, "{path}");
        super::git(&project, &["clean", "-qfdx"]);
    }
}

#[test]
fn a_declared_file() {
    let declare =
        |p: &Project| p.edit("asm/asm_test.go", "package asm\n", "package asm\n\n//godirect:data ../shared/words.txt\n");
    let project = base();
    declare(&project);
    super::commit(&project, "declared");
    project.write("shared/words.txt", "other\n");
    let found = affected(&project, &[]).into_iter().filter(|(_, view)| view == "linux_amd64").map(|(target, _)| target);
    assert_eq!(found.collect::<Vec<_>>(), ["test example.com/m/asm", "test example.com/m/lib"]);
}

#[test]
fn the_go_line() {
    for line in ["go 1.25", "go 1.23", "go 1.21"] {
        check(|p| p.edit("go.mod", "go 1.24", line), &LINKED);
    }
    let everything = [&LIB[..], &EMBEDDED[..1], &ASM[..], &["package plat", "package ext", "test onlytest"]].concat();
    check(|p| p.edit("go.mod", "go 1.24", "go 1.20"), &everything);
}

const LOOP: &str = "
func Later() (all []func() int) {
	for i := 0; i < 3; i++ {
		all = append(all, func() int { return i })
	}
	return
}
";

/// Since 1.22 each iteration has a variable of its own.
#[test]
fn the_go_line_where_a_loop_means_something_else() {
    let project = base();
    project.write("lib/lib.go", &(project.read("lib/lib.go") + LOOP));
    super::commit(&project, "a loop");
    let look = || truth(&project, "example.com/m", &VIEWS, false);
    let before = look();
    for (line, packages) in [("go 1.21", &LIB[..]), ("go 1.23", &[])] {
        project.edit("go.mod", "go 1.24", line);
        let got = affected(&project, &[]);
        assert_eq!(got, wanted(&[packages, &LINKED].concat(), &VIEWS), "{line}");
        let must = must(&before, &look());
        assert!(must.is_subset(&got), "the go command sees more: {must:?}");
        assert_eq!(must.contains(&("package example.com/m/lib".to_owned(), VIEWS[0].0.to_owned())), !packages.is_empty());
        super::git(&project, &["checkout", "-q", "go.mod"]);
    }
}

const RANGE: &str = "\nfunc Sum(all []int) (sum int) {\n\tfor _, one := range all {\n\t\tsum += one\n\t}\n\treturn\n}\n";

/// Since 1.23 one can range over functions: what could be compiled before doesn't, but who knows that?
#[test]
fn the_go_line_where_the_base_is_known_to_build() {
    let project = base();
    project.edit("go.mod", "go 1.24", "go 1.22");
    project.write("lib/lib.go", &(project.read("lib/lib.go") + RANGE));
    super::commit(&project, "a range");
    let look = || truth(&project, "example.com/m", &VIEWS, false);
    let before = look();
    // A newer version, and an older one that sees loops in another way.
    for (line, by_default, known) in [("go 1.23", &LIB[..], &[][..]), ("go 1.21", &LIB, &LIB)] {
        project.edit("go.mod", "go 1.22", line);
        let must = must(&before, &look());
        for (flags, packages) in [(&[][..], by_default), (&["--base-builds"], known)] {
            let got = affected(&project, flags);
            assert_eq!(got, wanted(&[packages, &LINKED].concat(), &VIEWS), "{line} {flags:?}");
            assert!(must.is_subset(&got), "the go command sees more: {must:?}");
        }
        super::git(&project, &["checkout", "-q", "go.mod"]);
    }
}

#[test]
fn godebug() {
    check(|p| p.write("go.mod", &format!("{}\ngodebug panicnil=1\n", p.read("go.mod"))), &LINKED);
    let line = "//go:debug panicnil=1\npackage main\n";
    check(|p| p.edit("cmd/tool/main.go", "package main\n", line), &["binary cmd/tool", "package cmd/tool"]);
}

#[test]
fn c_where_it_is_not_compiled() {
    check(|p| p.write("lib/more.c", "int x;\n"), &[]);
}

#[test]
fn a_package_more_and_one_less() {
    check(|p| p.write("lib/sub/sub.go", "package sub\n"), &["package lib/sub"]);
    check(
        |p| {
            fs::remove_dir_all(p.root().join("cmd/other")).unwrap();
        },
        &["package cmd/other", "binary cmd/other"],
    );
}

#[test]
fn what_is_wrong() {
    check(|p| p.edit("lib/lib.go", "package lib", "package"), &LIB);
    check(|p| p.edit("lib/lib.go", "\"strings\"", "\"strinks\""), &LIB);
    check(
        |p| p.edit("cmd/other/main.go", "example.com/m/ext", "example.com/m/none"),
        &["package cmd/other", "binary cmd/other"],
    );
}

#[test]
fn a_link_to_the_same() {
    check(
        |p| {
            fs::rename(p.root().join("lib/lib.go"), p.root().join("shared/lib.txt")).unwrap();
            link(p, "../shared/lib.txt", "lib/lib.go");
        },
        &[],
    );
}

#[test]
fn another_version_of_a_module() {
    check(
        |p| {
            p.edit("go.mod", "uuid v1.5.0", "uuid v1.6.0");
            p.write(
                "go.sum",
                "github.com/google/uuid v1.6.0 h1:NIvaJDMOsjHA8n1jAhLSgzrAzy1Hgr+hNrb57e+94F0=\n\
                 github.com/google/uuid v1.6.0/go.mod h1:TIyPZe4MgqvfeYDBFedMoGGpEw/LqOeaOT+nhxU+yHo=\n",
            );
            p.succeeds(&["lock"]);
        },
        &["package ext", "package cmd/other", "binary cmd/other"],
    );
}

#[test]
fn more_lines_in_go_sum() {
    let line = "github.com/google/uuid v1.4.0/go.mod h1:TIyPZe4MgqvfeYDBFedMoGGpEw/LqOeaOT+nhxU+yHo=\n";
    check(|p| p.write("go.sum", &(line.to_owned() + &p.read("go.sum"))), &[]);
}

#[test]
fn the_spec() {
    // What is linked without symbols is other binaries, and other tests.
    check(|p| p.write("godirect.star", &(p.read("godirect.star") + "\nprofile(\"default\", strip = True)\n")), &LINKED);
    check(|p| p.write("godirect.star", &format!("# A comment.\n{}", p.read("godirect.star"))), &[]);
}

/// Programs are compiled as without it.
#[test]
fn fuzzing() {
    let tests: Vec<&str> = LINKED.into_iter().filter(|target| target.starts_with("test ")).collect();
    check(|p| p.write("godirect.star", &(p.read("godirect.star") + "\nprofile(\"default\", fuzz = True)\n")), &tests);
}

/// A profile decides about all packages of the program that it is for, and about no other program's.
#[test]
fn a_profile_for_optimisation() {
    check(|p| p.write("cmd/tool/default.pgo", "any\n"), &["package cmd/tool", "binary cmd/tool"]);
}

/// A repository where C code is compiled, for this machine alone.
fn with_c() -> Project {
    let project = base();
    project.write(
        "godirect.star",
        "go_sdk(version = \"1.27.3\")\n\nplatforms(\"linux/amd64\")\n\nprofile(\"default\", cgo = True)\n",
    );
    project.write(
        "c/c.go",
        "package c\n\n// #cgo CFLAGS: -include ${SRCDIR}/../shared/forced.h\n// #include \"own.h\"\n// #include \"../shared/shared.h\"\nimport \"C\"\n\nfunc Sum() int { return int(C.sum()) }\n",
    );
    project.write("c/own.h", "int sum(void);\n");
    project.write("c/sum.c", "#include \"../shared/shared.h\"\n\nint sum(void) { return SHARED; }\n");
    project.write("shared/shared.h", "#include \"deeper.h\"\n#define SHARED DEEPER\n");
    project.write("shared/deeper.h", "#define DEEPER 1\n");
    project.write("shared/forced.h", "#define FORCED 1\n");
    project.write("cmd/c/main.go", "package main\n\nimport \"example.com/m/c\"\n\nfunc main() { println(c.Sum()) }\n");
    fs::remove_dir_all(project.root().join("asm")).unwrap();
    fs::remove_dir_all(project.root().join("cmd/other")).unwrap();
    super::commit(&project, "C");
    project
}

#[test]
fn c_code() {
    const LINUX: [(&str, &str); 1] = [VIEWS[0]];
    const C: [&str; 3] = ["package c", "package cmd/c", "binary cmd/c"];
    let project = with_c();
    let before = truth(&project, "example.com/m", &LINUX, true);
    let changes: [(&str, &str, &[&str]); 8] = [
        ("c/sum.c", "#include \"../shared/shared.h\"\n\nint sum(void) { return SHARED + 1; }\n", &C),
        ("c/own.h", "int sum(void); // more\n", &C),
        ("c/unused.h", "int other(void);\n", &C),
        ("shared/shared.h", "#define SHARED 3\n", &C),
        ("shared/deeper.h", "#define DEEPER 4\n", &C),
        ("shared/forced.h", "#define FORCED 2\n", &C),
        ("shared/defs.h", "#define SHARED 5\n", &[]),
        ("lib/more.c", "int x;\n", &["package lib", "test lib", "package cmd/tool", "binary cmd/tool"]),
    ];
    for (path, text, expected) in changes {
        project.write(path, text);
        let got = affected(&project, &[]);
        assert_eq!(got, wanted(expected, &LINUX), "{path}");
        let missing: Vec<_> =
            must(&before, &truth(&project, "example.com/m", &LINUX, true)).difference(&got).cloned().collect();
        assert!(missing.is_empty(), "{path}: the go command sees more: {missing:?}");
        super::git(&project, &["reset", "-q", "--hard"]);
        super::git(&project, &["clean", "-qfdx"]);
    }
}

/// A pattern of `//go:embed` may be the name of a directory; the rule has it, too, with the files that it stands for.
#[test]
fn what_a_pattern_of_a_rule_leaves_out() {
    let project = base();
    project.write("embedded/embedded.go", &project.read("embedded/embedded.go").replace("data/*.txt", "data"));
    let rule = "load(\"@rules_go_direct//go:defs.bzl\", \"go_library\")\n\ngo_library(\n    name = \"embedded\",\n    srcs = [\"embedded.go\"],\n    \
                embed_patterns = {\n        \"data\": [\"data/a.txt\", \"data/b.txt\", \"data/c.md\"],\n    },\n    \
                embedsrcs = [\"data/a.txt\", \"data/b.txt\", \"data/c.md\"],\n    importpath = \"example.com/m/embedded\",\n)\n";
    project.write("embedded/BUILD.bazel", rule);
    project.write("embedded/data/.hidden", "1\n");
    commit(&project, "a pattern");
    let affected = || answer(&project, &["--truth", "bazel"])["affected"].as_array().unwrap().len();
    project.write("embedded/data/.hidden", "2\n");
    assert_eq!(affected(), 0);
    project.write("embedded/data/c.md", "2\n");
    assert_ne!(affected(), 0);
}
