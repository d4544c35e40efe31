//! Packages with C code: the bytes of `go build` and `go test -c` with cgo, and what is said where that can't be.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use godirect::plan::cgo::allow::{self, Overrides};
use godirect::source::cgo::CgoFlags;
use godirect::source::context::BuildContext;

use super::engines::{self, bazel, bazel_output, repository, succeeded};
use super::modules::{copy, generate};

/// The workspace with the C code of the matrix in it, in a directory that is always the same, so that Bazel fetches the SDK once.
fn workspace() -> PathBuf {
    let workspace = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cgo");
    let _ = fs::remove_dir_all(&workspace);
    copy(&repository("tests/matrix/rows/c"), &workspace);
    copy(&repository("tests/rules_go_direct/c"), &workspace);
    let module = fs::read_to_string(workspace.join("MODULE.bazel")).unwrap();
    let ruleset = repository("rules_go_direct").display().to_string();
    fs::write(workspace.join("MODULE.bazel"), module.replace("../../../rules_go_direct", &ruleset)).unwrap();
    workspace
}

/// The file of a target whose name ends like this, whatever its configuration is.
fn output(workspace: &Path, target: &str, end: &str, flags: &[&str]) -> Vec<u8> {
    let printed = bazel(workspace, &[&["cquery", "--output=files", target], flags].concat());
    let root = bazel(workspace, &["info", "execution_root"]);
    let name = printed.lines().find(|line| line.ends_with(end)).unwrap_or_else(|| panic!("{target} has {printed}"));
    fs::read(Path::new(root.trim_end()).join(name)).unwrap()
}

/// The files of packages below a directory that have a text in them, without what Bazel says about programs that run.
fn files_with(directory: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy();
        if path.is_symlink() || name.contains("runfiles") || name == "testlogs" {
            continue;
        }
        if path.is_dir() {
            found.extend(files_with(&path, text));
        } else if String::from_utf8_lossy(&fs::read(&path).unwrap()).contains(text) {
            found.push(path);
        }
    }
    found
}

/// What the go command builds with cgo.
fn by_go(workspace: &Path, arguments: &[&str]) -> Vec<u8> {
    by_go_with(workspace, &[], arguments)
}

/// The same with other compilers, by the variables that name them.
fn by_go_with(workspace: &Path, compilers: &[(&str, PathBuf)], arguments: &[&str]) -> Vec<u8> {
    let out = tempfile::tempdir().unwrap();
    let file = out.path().join("program");
    let mut command = engines::go_command(&engines::GOROOT, workspace, &[("CGO_ENABLED", "1")]);
    command.env("CGO_ENABLED", "1").envs(compilers.iter().cloned()).args(&arguments[..arguments.len() - 1]);
    command.args(["-trimpath", "-buildvcs=false", "-o"]).arg(&file).arg(arguments[arguments.len() - 1]);
    succeeded("go", &command.output().unwrap());
    fs::read(file).unwrap()
}

/// Targets with the arguments by which the go command builds the same.
const PROGRAMS: [(&str, &str, &[&str]); 12] = [
    ("//cmd/resolve", "/resolve", &["build", "-ldflags=-buildid=", "./cmd/resolve"]),
    ("//cmd/own", "/own", &["build", "-ldflags=-buildid=", "./cmd/own"]),
    ("//cmd/own:external", "/external", &["build", "-ldflags=-buildid= -linkmode=external", "./cmd/own"]),
    ("//cmd/own:static", "/static", &["build", "-ldflags=-buildid= -linkmode=external -extldflags=-static", "./cmd/own"]),
    ("//cmd/own:own_test", "/own.test", &["test", "-c", "-ldflags=-buildid=", "./cmd/own"]),
    ("//lib:archive", "/archive.a", &["build", "-ldflags=-buildid=", "-buildmode=c-archive", "./lib"]),
    ("//lib:shared", "/libshared.so", &["build", "-ldflags=-buildid=", "-buildmode=c-shared", "./lib"]),
    ("//lib:race", "/race", &["build", "-ldflags=-buildid=", "-race", "./lib"]),
    ("//lib:asan", "/asan", &["build", "-ldflags=-buildid=", "-asan", "./lib"]),
    ("//lib:plugin", "/plugin.so", &["build", "-ldflags=-buildid=", "-buildmode=plugin", "./lib"]),
    ("//lib:pie", "/pie", &["build", "-ldflags=-buildid=", "-buildmode=pie", "./lib"]),
    ("//count:count_test", "/count.test", &["test", "-c", "-ldflags=-buildid=", "./count"]),
];

/// What is wrong with programs in `wrong`, by their names.
const WRONG: [(&str, &str); 4] = [
    ("flag", "package example.com/c/wrong/flag: invalid flag in #cgo CFLAGS: -fplugin=evil.so"),
    ("header", "wrong/header.go:3:11: fatal error: missing.h: No such file or directory"),
    (
        "library",
        "package example.com/c/wrong/library: #cgo pkg-config: gtk4: rules can't ask pkg-config; name the library in cdeps, or its flags in copts and clinkopts",
    ),
    ("none", "package example.com/c/wrong/none: C source files not allowed when not using cgo or SWIG: wrong/none.c"),
];

#[test]
fn packages_with_c_code_have_the_bytes_of_go() {
    let workspace = &workspace();
    let sandbox = ["--spawn_strategy=linux-sandbox", "--nosandbox_default_allow_network", "--remote_download_outputs=all"];
    bazel(workspace, &[&["test"], &sandbox[..], &["//..."]].concat());
    for (target, end, arguments) in PROGRAMS {
        assert!(output(workspace, target, end, &[]) == by_go(workspace, arguments), "{target} differs");
    }

    let root = PathBuf::from(bazel(workspace, &["info", "execution_root"]).trim_end());
    // Sandboxes are there, too.
    let base = bazel(workspace, &["info", "output_base"]);
    let found = files_with(&root.join("bazel-out"), base.trim_end());
    assert!(found.is_empty(), "these name a directory of this machine, so that caches can't share them: {found:?}");

    // A flag says the same as the attribute, for programs without one.
    let flags = ["--@rules_go_direct//go/config:pure=false", "--@rules_go_direct//go/config:static"];
    bazel(workspace, &[&["build"], &flags[..], &["//cmd/own:auto"]].concat());
    let is_static =
        output(workspace, "//cmd/own:auto", "/auto", &flags) == output(workspace, "//cmd/own:static", "/static", &[]);
    assert!(is_static, "flags differ from attributes");

    // With cdeps, and what there is without cgo.
    for (target, answer) in [("//dep:with", "43\n"), ("//dep:without", "0\n")] {
        let ran = bazel_output(workspace, &["run", "--ui_event_filters=-info", "--show_result=0", target]);
        assert_eq!(String::from_utf8_lossy(&ran.stderr), answer, "{target}");
    }

    let targets = WRONG.map(|(name, _)| format!("//wrong:{name}"));
    let wrong = bazel_output(workspace, &[&["build", "--keep_going"][..], &targets.each_ref().map(String::as_str)].concat());
    let text = String::from_utf8_lossy(&wrong.stderr).into_owned();
    for (name, message) in WRONG {
        assert!(text.lines().any(|line| line == message), "{name}: {text}");
    }
    engines::end_bazel(workspace);
}

/// What clang compiles, msan among it, with the arguments by which the go command builds the same.
const BY_CLANG: [(&str, &str, &[&str]); 4] = [
    ("//cmd/own", "/own", &["build", "-ldflags=-buildid=", "./cmd/own"]),
    ("//lib:msan", "/msan", &["build", "-ldflags=-buildid=", "-msan", "./lib"]),
    ("//lib:plugin", "/plugin.so", &["build", "-ldflags=-buildid=", "-buildmode=plugin", "./lib"]),
    ("//lib:pie", "/pie", &["build", "-ldflags=-buildid=", "-buildmode=pie", "./lib"]),
];

/// Only with GODIRECT_TEST_CLANG, a directory with `clang` and `clang++`. Clang before 17 records the directories of assembly for `go build`, so that debug
/// information differs, and the ID that the linker makes of everything.
#[test]
fn clang_compiles_the_same() {
    let Some(clang) = std::env::var_os("GODIRECT_TEST_CLANG").map(PathBuf::from) else { return };
    let workspace = &workspace();
    let compilers = [("CC", clang.join("clang")), ("CXX", clang.join("clang++"))];
    let variables = compilers.each_ref().map(|(name, path)| format!("--repo_env={name}={}", path.display()));
    let flags = variables.each_ref().map(String::as_str);
    let targets = BY_CLANG.map(|(target, _, _)| target);
    bazel(
        workspace,
        &[&["build", "--spawn_strategy=linux-sandbox", "--remote_download_outputs=all"], &flags[..], &targets].concat(),
    );
    let without_debug_information = |content: &[u8]| {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(&file, content).unwrap();
        let mut strip = std::process::Command::new("strip");
        succeeded("strip", &strip.args(["--strip-debug", "-R", ".note.gnu.build-id"]).arg(file.path()).output().unwrap());
        fs::read(&file).unwrap()
    };
    for (target, end, arguments) in BY_CLANG {
        let ours = output(workspace, target, end, &flags);
        let go = by_go_with(workspace, &compilers, arguments);
        assert!(without_debug_information(&ours) == without_debug_information(&go), "{target} differs");
    }
    let root = PathBuf::from(bazel(workspace, &["info", "execution_root"]).trim_end());
    let base = bazel(workspace, &["info", "output_base"]);
    let found = files_with(&root.join("bazel-out"), base.trim_end());
    assert!(found.is_empty(), "these name a directory of this machine, so that caches can't share them: {found:?}");
    engines::end_bazel(workspace);
}

/// A spec with programs in several profiles.
const SPEC: &str = r#"go_sdk(version = "1.27.3")

platforms("linux/amd64")

profile("default", cgo = True)

profile("external", extends = "default", linkmode = "external")

profile("static", extends = "default", static = True)

profile("asan", extends = "default", asan = True)

binary("./cmd/own", profiles = ["default", "external", "static", "asan"])

profile("library", extends = "default", buildmode = "c-archive")

binary("./cmd/vendored", profiles = ["default"])

profile("plugin", extends = "default", buildmode = "plugin")

binary("./lib", name = "sum", profiles = ["library", "plugin"])

bazel()
"#;

/// A package with C code in the vendor directory, which can do without, and a program that imports it; a package that imports one which
/// can't.
const MORE: [(&str, &str); 8] = [
    ("needs/needs.go", "package needs\n\nimport _ \"example.com/c/count\"\n"),
    ("go.mod", "module example.com/c\n\ngo 1.24\n\nrequire example.org/half v1.2.0\n"),
    ("vendor/modules.txt", "# example.org/half v1.2.0\n## explicit; go 1.24\nexample.org/half\n"),
    (
        "vendor/example.org/half/half.go",
        "package half\n\n// #cgo CFLAGS: -DPARTS=2\n// #include \"half.h\"\nimport \"C\"\n\nfunc Of(n int) int { return int(C.half(C.int(n))) }\n",
    ),
    ("vendor/example.org/half/plain.go", "//go:build !cgo\n\npackage half\n\nfunc Of(n int) int { return n / 2 }\n"),
    ("vendor/example.org/half/half.c", "#include \"half.h\"\n\nint half(int n) { return n / PARTS; }\n"),
    ("vendor/example.org/half/half.h", "int half(int n);\n"),
    ("cmd/vendored/main.go", "package main\n\nimport \"example.org/half\"\n\nfunc main() { println(half.Of(84)) }\n"),
];

/// The program for each profile with the arguments by which the go command builds the same.
const GENERATED: [(&str, &str, &[&str]); 7] = [
    ("//cmd/own", "/own", &["build", "-ldflags=-buildid=", "./cmd/own"]),
    ("//cmd/own:own_external", "/own_external", &["build", "-ldflags=-buildid= -linkmode=external", "./cmd/own"]),
    (
        "//cmd/own:own_static",
        "/own_static",
        &["build", "-ldflags=-buildid= -linkmode=external -extldflags=-static", "./cmd/own"],
    ),
    ("//cmd/own:own_asan", "/own_asan", &["build", "-ldflags=-buildid=", "-asan", "./cmd/own"]),
    ("//cmd/vendored", "/vendored", &["build", "-ldflags=-buildid=", "./cmd/vendored"]),
    ("//lib:sum", "/sum.a", &["build", "-ldflags=-buildid=", "-buildmode=c-archive", "./lib"]),
    ("//lib:sum_plugin", "/sum_plugin.so", &["build", "-ldflags=-buildid=", "-buildmode=plugin", "./lib"]),
];

#[test]
fn generated_files_have_c_code() {
    let workspace = &Path::new(env!("CARGO_TARGET_TMPDIR")).join("generated-cgo");
    let _ = fs::remove_dir_all(workspace);
    copy(&repository("tests/matrix/rows/c"), workspace);
    // These need what rules can't say: pkg-config.
    for directory in ["cmd/greet", "pc"] {
        fs::remove_dir_all(workspace.join(directory)).unwrap();
    }
    for (name, text) in MORE.iter().chain(&[("godirect.star", SPEC)]) {
        let file = workspace.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    generate(workspace);
    // What C includes from other directories is a person's to say.
    let edit = |name: &str, from: &str, to: &str| {
        let text = fs::read_to_string(workspace.join(name)).unwrap();
        assert!(text.contains(from), "{name}: {text}");
        fs::write(workspace.join(name), text.replacen(from, to, 1)).unwrap();
    };
    edit("BUILD.bazel", "go_module(", "exports_files([\"include/shared.h\"])\n\ngo_module(");
    edit("cmd/own/BUILD.bazel", "        \"main.go\",\n", "        \"main.go\",\n        \"//:include/shared.h\",\n");
    edit("scale/BUILD.bazel", "        \"scale.h\",\n", "        \"scale.h\",\n        \"//:include/shared.h\",\n");
    let check = engines::godirect().arg("-C").arg(workspace).args(["generate", "--check"]).output().unwrap();
    succeeded("godirect generate --check", &check);

    bazel(workspace, &["test", "--remote_download_outputs=all", "//..."]);
    let without = bazel(workspace, &["cquery", "--output=files", "//cmd/vendored:vendored_lib"]);
    assert!(without.contains("pkg.x"), "without cgo, Go passes over C files: {without}");
    for (target, end, arguments) in GENERATED {
        assert!(output(workspace, target, end, &[]) == by_go(workspace, arguments), "{target} differs");
    }
    engines::end_bazel(workspace);
}

/// A program that opens a database in memory.
const SQLITE: &str = r#"package main

import (
	"database/sql"

	_ "github.com/mattn/go-sqlite3"
)

func main() {
	db, err := sql.Open("sqlite3", ":memory:")
	var n int
	if err == nil {
		err = db.QueryRow("select 6*7").Scan(&n)
	}
	println(n, err == nil)
}
"#;

/// With `GODIRECT_TEST_MODULES=all`: its C code takes compilers a minute, twice.
#[test]
fn a_real_module_with_c_code_has_the_bytes_of_go() {
    if std::env::var("GODIRECT_TEST_MODULES").is_ok_and(|value| value == "all") {
        let workspace = &Path::new(env!("CARGO_TARGET_TMPDIR")).join("modules/sqlite");
        let _ = fs::remove_dir_all(workspace);
        fs::create_dir_all(workspace).unwrap();
        let write = |name: &str, text: &str| fs::write(workspace.join(name), text).unwrap();
        write("go.mod", "module example.com/program\n\ngo 1.24\n\nrequire github.com/mattn/go-sqlite3 v1.14.24\n");
        write("main.go", SQLITE);
        let profile = SPEC.find("profile(\"external\"").unwrap();
        write("godirect.star", &format!("{}bazel()\n", &SPEC[..profile]));
        let mut command = engines::go_command(&engines::GOROOT, workspace, &[]);
        command.env("GOFLAGS", "-mod=mod -modcacherw").args(["mod", "tidy"]);
        succeeded("go mod tidy", &command.output().unwrap());
        generate(workspace);
        bazel(workspace, &["build", "--remote_download_outputs=all", "//..."]);
        let ours = output(workspace, "//:program", "/program", &[]);
        assert!(ours == by_go(workspace, &["build", "-ldflags=-buildid=", "."]), "the program differs");
        engines::end_bazel(workspace);
    }
}

/// What the ruleset's program lets through of lists of flags; the program of a test is compiled with its sources.
fn let_through(lists: &[(&str, Vec<String>)]) -> Vec<bool> {
    const TEST: &str = r#"package main

import (
	"os"
	"testing"
)

func TestFlags(t *testing.T) {
	var lists []struct {
		Verb  string
		Flags []string
	}
	if err := readJSON("lists.json", &lists); err != nil {
		t.Fatal(err)
	}
	out := []bool{}
	for _, l := range lists {
		known := compilerFlags
		if l.Verb == "LDFLAGS" {
			known = linkerFlags
		}
		out = append(out, known.refused(l.Flags) == "")
	}
	if err := writeJSON(os.Getenv("OUT"), out); err != nil {
		t.Fatal(err)
	}
}
"#;
    let directory = tempfile::tempdir().unwrap();
    copy(&repository("rules_go_direct/go/private/cgo"), directory.path());
    let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).unwrap();
    write("go.mod", "module example.com/cgo\n\ngo 1.24\n");
    write("flags_test.go", TEST);
    let lists: Vec<_> = lists.iter().map(|(verb, flags)| serde_json::json!({"Verb": verb, "Flags": flags})).collect();
    write("lists.json", &serde_json::to_string(&lists).unwrap());
    let mut command = engines::go_command(&engines::GOROOT, directory.path(), &[]);
    command.args(["test", "."]).env("OUT", directory.path().join("out.json"));
    succeeded("go test", &command.output().unwrap());
    serde_json::from_slice(&fs::read(directory.path().join("out.json")).unwrap()).unwrap()
}

#[test]
fn the_rulesets_program_lets_through_the_same_flags_as_godirect() {
    let context = BuildContext {
        platform: "linux/amd64".parse().unwrap(),
        go: "1.27.3".parse().unwrap(),
        cgo: true,
        tags: BTreeSet::new(),
        experiments: BTreeSet::new(),
        external_link: None,
    };
    let none = Overrides::default();
    let (mut lists, mut expected) = (Vec::new(), Vec::new());
    for (verb, text) in [("CFLAGS", include_str!("../cgo/cflags.txt")), ("LDFLAGS", include_str!("../cgo/ldflags.txt"))] {
        for line in text.lines() {
            let mut parsed = CgoFlags::default();
            if parsed.add(&[format!("#cgo {verb}: {line}")], &context, "/d").is_err() {
                continue;
            }
            let (flags, refused) = match verb {
                "LDFLAGS" => (parsed.ldflags.clone(), allow::linker(&parsed.ldflags, &none)),
                _ => (parsed.cflags.clone(), allow::compiler(verb, &parsed.cflags, &none)),
            };
            lists.push((verb, flags));
            expected.push(refused.unwrap().is_none());
        }
    }
    let found = let_through(&lists);
    let differing: Vec<_> = lists.iter().zip(found.iter().zip(&expected)).filter(|(_, (found, want))| found != want).collect();
    assert!(differing.is_empty() && found.len() == expected.len() && expected.contains(&false), "{differing:?}");
}
