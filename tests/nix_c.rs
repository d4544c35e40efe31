//! C code under a real Nix: the same bytes as from the embedded engine with the same compilers, which somebody passes in, and what there is without them.

#[allow(dead_code)]
#[path = "support/engines.rs"]
mod engines;
#[allow(dead_code)]
#[path = "support/cli.rs"]
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use serde_json::{Value, json};
use support::{Project, Tree, error, read_tree};

static NIX: LazyLock<PathBuf> = LazyLock::new(|| engines::provisioned("nix.sh"));

/// The tests' store.
static STORE: LazyLock<String> = LazyLock::new(|| {
    let store = engines::CACHE.join("nix-store");
    fs::create_dir_all(&store).unwrap();
    store.display().to_string()
});

/// A store path with this machine's compilers: links to where they are, which the sandbox lets in for these tests.
static CC: LazyLock<String> = LazyLock::new(|| {
    engines::provisioned("c.sh");
    let directory = tempfile::tempdir().unwrap();
    let compilers = directory.path().join("compilers");
    fs::create_dir_all(compilers.join("bin")).unwrap();
    let path = std::env::var_os("PATH").unwrap();
    for program in ["gcc", "g++", "as", "ld"] {
        let found = std::env::split_paths(&path).map(|directory| directory.join(program)).find(|file| file.is_file());
        let file = fs::canonicalize(found.unwrap_or_else(|| panic!("there is no {program}"))).unwrap();
        std::os::unix::fs::symlink(file, compilers.join("bin").join(program)).unwrap();
    }
    nix_ok(directory.path(), "nix-store", &["--add", "compilers"])
});

/// What compilers need that aren't in the store.
const SANDBOX: [&str; 3] = ["--option", "sandbox-paths", "/usr /bin /lib /lib64"];

/// What the flake says of a binary with C code, if it is asked for by name.
const LACKING: &str =
    "own has C code: it is built on linux/amd64 alone, with a C compiler as the argument `cc`, e.g. nixpkgs' stdenv.cc";

fn nix(directory: &Path, program: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(NIX.join(program));
    command.current_dir(directory).env("NIX_CONF_DIR", engines::repository("tests/env"));
    command.args(arguments).args(["--store", &STORE]).output().unwrap()
}

fn nix_ok(directory: &Path, program: &str, arguments: &[&str]) -> String {
    engines::succeeded(&format!("{program} {arguments:?}"), &nix(directory, program, arguments)).trim().to_owned()
}

/// Builds attributes of default.nix with the compilers; gives the places of their results on this machine.
fn build(project: &Project, attributes: &[&str]) -> Vec<PathBuf> {
    let mut arguments = vec!["--no-out-link", "--argstr", "cc", CC.as_str()];
    arguments.extend(SANDBOX);
    attributes.iter().for_each(|attribute| arguments.extend(["-A", attribute]));
    let printed = nix_ok(&project.root(), "nix-build", &arguments);
    printed.lines().map(|path| Path::new(STORE.as_str()).join(path.trim_start_matches('/'))).collect()
}

fn evaluate(project: &Project, expression: &str) -> Value {
    let printed = nix_ok(&project.root(), "nix-instantiate", &["--eval", "--strict", "--json", "-E", expression]);
    serde_json::from_str(&printed).unwrap()
}

/// The programs with C code of the matrix, which go into no library and don't ask pkg-config.
fn programs(spec: &str) -> Project {
    let is_wanted = |path: &str| !["cmd/greet/", "lib/", "pc/"].iter().any(|other| path.starts_with(other));
    let files = read_tree(&engines::repository("tests/matrix/rows/c")).into_iter().filter(|(path, _)| is_wanted(path));
    let project = Project::in_directory(tempfile::tempdir().unwrap(), files).with_user_cache();
    project.write("godirect.star", spec);
    // The lock has proven the SDK already.
    project
        .write("godirect.lock.json", &fs::read_to_string(engines::repository("examples/01-hello/godirect.lock.json")).unwrap());
    with_generated(project)
}

/// With compilers on PATH, a lock and all that is generated.
fn with_generated(project: Project) -> Project {
    let project = project.env("PATH", std::env::var("PATH").unwrap());
    for verb in ["lock", "generate"] {
        engines::succeeded(verb, &project.command(&[verb]).output().unwrap());
    }
    project
}

const PROFILES: &str = "go_sdk(version = \"1.27.3\")
platforms(\"linux/amd64\", \"linux/arm64\")
profile(\"default\", cgo = True)
profile(\"external\", extends = \"default\", linkmode = \"external\")
profile(\"static\", extends = \"default\", static = True)
profile(\"pie\", extends = \"default\", buildmode = \"pie\")
profile(\"race\", extends = \"default\", race = True)
binary(\"./cmd/own\", profiles = [\"default\", \"external\", \"static\", \"pie\", \"race\"])
binary(\"./cmd/resolve\")
nix(tests = True)
";

#[test]
fn programs_are_those_of_the_embedded_engine() {
    let project = programs(PROFILES);
    engines::succeeded("godirect build", &project.command(&["build"]).output().unwrap());
    let rows = [
        ("own", "linux_amd64/own"),
        ("whole.own", "linux_amd64/own"),
        ("resolve", "linux_amd64/resolve"),
        ("own-linux_amd64-external", "linux_amd64-external/own"),
        ("own-linux_amd64-static", "linux_amd64-static/own"),
        ("own-linux_amd64-pie", "linux_amd64-pie/own"),
        ("own-linux_amd64-race", "linux_amd64-race/own"),
    ];
    let results = build(&project, &rows.map(|(attribute, _)| attribute));
    for ((attribute, file), result) in rows.into_iter().zip(results) {
        let by_engine = fs::read(project.root().join("godirect-out").join(file)).unwrap();
        let by_nix = result.join("bin").join(file.rsplit('/').next().unwrap());
        assert!(fs::read(&by_nix).unwrap() == by_engine, "{attribute}: {}", by_nix.display());
        assert!(Command::new(by_nix).output().unwrap().status.success(), "{attribute}");
    }
    let tested = build(&project, &["tests.cmd-own", "tests.count"]);
    let said: Vec<String> = tested.iter().map(|result| fs::read_to_string(result).unwrap()).collect();
    assert_eq!(said, ["ok  \texample.com/c/cmd/own\n", "ok  \texample.com/c/count\n"]);
}

/// Headers in another directory than the package.
#[test]
fn what_may_be_included_counts_and_nothing_else() {
    let project = programs(PROFILES);
    let derivation = || nix_ok(&project.root(), "nix-instantiate", &["--argstr", "cc", &CC, "-A", "own"]);
    let before = derivation();
    project.write("include/other.h", "#define OTHER 1\n");
    assert_eq!(derivation(), before);
    project.edit("include/shared.h", "#define", "#include \"other.h\"\n#define");
    assert!(derivation() != before);
    let arguments = ["--no-out-link", "--argstr", "cc", &CC, "-A", "own"];
    let failed = nix(&project.root(), "nix-build", &[&arguments[..], &SANDBOX].concat());
    let said = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert!(!failed.status.success() && said.contains("other.h: No such file or directory"), "{said}");
    assert_eq!(project.run(&["generate", "--check"]).code, Some(1));
    engines::succeeded("godirect generate", &project.command(&["generate"]).output().unwrap());
    build(&project, &["own"]);
    assert_eq!(project.run(&["generate", "--check"]).code, Some(0));
}

/// A module with C code that includes from elsewhere in it, and a library of C in the repository, in another directory than the package.
#[test]
fn modules_and_libraries_are_found() {
    let id = "a.example/m@v1.0.0";
    let module = [
        ("go.mod", "module a.example/m\n\ngo 1.27\n"),
        ("include/m.h", "#define M 3\nint m(void);\n"),
        ("c/m.c", "#include <m.h>\n#include \"../part/part.h\"\nint m(void) { return M + PART; }\n"),
        ("part/part.h", "#define PART 4\n"),
        (
            "c/m.go",
            "package c\n\n// #cgo CFLAGS: -I${SRCDIR}/../include\n// #include <m.h>\nimport \"C\"\n\nfunc M() int { return int(C.m()) }\n",
        ),
    ];
    let files: Tree = module.iter().map(|(name, text)| (format!("{id}/{name}"), text.as_bytes().to_vec())).collect();
    let hashes = files.iter().map(|(name, content)| (name.clone(), godirect::digest::Sha256::of(content))).collect();
    let sum = format!("a.example/m v1.0.0 {}\n", godirect::digest::H1::of_files(hashes));
    let project = Project::new(&[
        ("godirect.lock.json", &fs::read_to_string(engines::repository("examples/01-hello/godirect.lock.json")).unwrap()),
        ("godirect.star", "platforms(\"linux/amd64\")\nprofile(\"default\", cgo = True)\nnix()\n"),
        ("go.mod", "module example.com/p\n\ngo 1.27\n\ntoolchain go1.27.3\n\nrequire a.example/m v1.0.0\n"),
        ("go.sum", &sum),
        (
            "main.go",
            "package main\n\n// #cgo LDFLAGS: -L${SRCDIR}/libraries -lfive ${SRCDIR}/libraries/six.a\n// int five(void);\n// int six(void);\nimport \"C\"\n\nimport \"a.example/m/c\"\n\nfunc main() { println(C.five(), C.six(), c.M()) }\n",
        ),
    ]);
    let users = support::GOROOT.ancestors().nth(2).unwrap();
    fs::create_dir_all(project.path("cache/download")).unwrap();
    for shared in ["sdk", "download/golang.org"] {
        std::os::unix::fs::symlink(users.join(shared), project.path("cache").join(shared)).unwrap();
    }
    let zips = project.path("proxy/a.example/m/@v");
    fs::create_dir_all(&zips).unwrap();
    fs::write(zips.join("v1.0.0.zip"), support::zip(&files)).unwrap();
    add_archive(&project, "five", "libraries/libfive.a");
    add_archive(&project, "six", "libraries/six.a");
    let proxy = format!("file://{}", project.path("proxy").display());
    let project = with_generated(project.env("GOPROXY", proxy));
    engines::succeeded("godirect build", &project.command(&["build"]).output().unwrap());

    engines::nix_build(&engines::repository("examples/01-hello"), &["go".to_owned()]);
    let mut prefetch = project.command(&["nix", "prefetch", "--cc", &CC, "p"]);
    prefetch.env("NIX_REMOTE", STORE.as_str()).env("NIX_CONF_DIR", engines::repository("tests/env"));
    let path = std::env::join_paths([NIX.as_path(), Path::new("/usr/bin"), Path::new("/bin")]).unwrap();
    engines::succeeded("godirect nix prefetch", &prefetch.env("PATH", path).output().unwrap());
    let by_engine = fs::read(project.root().join("godirect-out/linux_amd64/p")).unwrap();
    for result in build(&project, &["p", "whole.p"]) {
        let program = result.join("bin/p");
        assert!(fs::read(&program).unwrap() == by_engine, "{}", program.display());
        let ran = Command::new(program).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&ran.stderr), "5 6 7\n");
    }
}

/// A library of C with one function, which returns its name as a number.
fn add_archive(project: &Project, function: &str, file: &str) {
    let number = if function == "five" { 5 } else { 6 };
    let directory = project.path("objects");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("x.c"), format!("int {function}(void) {{ return {number}; }}\n")).unwrap();
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).current_dir(&directory).output().unwrap();
        engines::succeeded(program, &output);
    };
    let (object, archive) = (format!("{function}.o"), project.root().join(file).display().to_string());
    fs::create_dir_all(project.root().join(file).parent().unwrap()).unwrap();
    run("gcc", &["-fPIC", "-c", "x.c", "-o", &object]);
    run("ar", &["rcsD", &archive, &object]);
}

#[test]
fn without_compilers_there_is_nothing_with_c_code() {
    let pure = "binary(\"./cmd/pure\", profiles = [\"default\"])\nimage(\"own-image\", binary = \"own\")\n";
    let project = programs(PROFILES);
    project.write("cmd/pure/main.go", "package main\n\nfunc main() {}\n");
    project.write("cmd/pure/main_test.go", "package main\n\nimport \"testing\"\n\nfunc TestNothing(*testing.T) {}\n");
    project.write("godirect.star", &format!("{PROFILES}{pure}"));
    let project = with_generated(project);
    let names =
        "names = built: builtins.mapAttrs (_: builtins.attrNames) { inherit (built) apps checks packages tests whole; }";
    let without = evaluate(&project, &format!("let {names}; in names (import ./nix/godirect.nix {{ }})"));
    let expected = json!({
        "apps": ["pure"],
        "checks": ["pure-linux_amd64", "pure-linux_arm64", "test-cmd-pure"],
        "packages": ["default", "go", "pure", "pure-linux_amd64", "pure-linux_arm64", "sdk-rebuild"],
        "tests": ["cmd-pure"],
        "whole": ["pure", "pure-linux_amd64", "pure-linux_arm64"],
    });
    assert_eq!(without, expected);
    let with =
        evaluate(&project, &format!("let {names}; in names (import ./nix/godirect.nix {{ cc = \"{}\"; }})", CC.as_str()));
    assert_eq!(with["apps"], json!(["own", "pure", "resolve"]));
    assert_eq!(with["tests"], json!(["cmd-own", "cmd-pure", "count"]));

    // Whoever asks for one by name is told why there is none, and whoever passes compilers in has it.
    let flake = "let flake = (import ./flake.nix).outputs { self = flake; }; in flake";
    let asked = format!("({flake}).legacyPackages.x86_64-linux.own.outPath");
    let refused = nix(&project.root(), "nix-instantiate", &["--eval", "-E", &asked]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains(&format!("error: {LACKING}\n")), "{refused:?}");
    let cc = CC.as_str();
    let same = format!(
        "let
          flake = {flake};
          stdenv = {{ hostPlatform.system = \"x86_64-linux\"; cc = \"{cc}\"; }};
          own = (import ./default.nix {{ cc = \"{cc}\"; system = \"x86_64-linux\"; }}).own.outPath;
        in
        map (packages: packages.own.outPath == own) [
          (flake.lib.build {{ inherit (stdenv) cc; inherit (stdenv.hostPlatform) system; }})
          (flake.overlays.default {{ inherit stdenv; }} {{ }}).godirect
          (flake.overlays.packages {{ inherit stdenv; }} {{ }}).godirect
        ]"
    );
    assert_eq!(evaluate(&project, &same), json!([true, true, true]));
    let expected = error(
        "`own` has C code, and there is no compiler for it",
        "C code is compiled only for the machine that builds, and with --cc: the store path of an object with `bin/gcc`",
    );
    project.fails(&["nix", "paths", "--system", "x86_64-linux", "own"], 2, &expected);
    project.fails(&["nix", "paths", "--system", "x86_64-linux", "own-image"], 2, &expected.replace("own", "own-image"));
    project.fails(
        &["nix", "paths", "--system", "x86_64-linux", "--cc", cc, "own-linux_arm64"],
        2,
        &expected.replace("own", "own-linux_arm64"),
    );
    let expected = error("`/usr` is no store path", "write the path of a store object: /nix/store/<hash>-<name>");
    project.fails(&["nix", "paths", "--cc", "/usr", "own"], 2, &expected);
}
