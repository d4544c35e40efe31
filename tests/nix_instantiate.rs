//! `godirect nix` computes the very derivations that Nix evaluates: whole stores are compared, file by file.

#[allow(dead_code)]
#[path = "support/engines.rs"]
mod engines;
#[allow(dead_code)]
#[path = "support/cli.rs"]
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::LazyLock;

use support::{Project, error, read_tree};

static NIX: LazyLock<std::path::PathBuf> = LazyLock::new(|| engines::provisioned("nix.sh"));

const X86_64: &str = "x86_64-linux";
const AARCH64: &str = "aarch64-linux";

/// What stands for C compilers, and is in every store; where it is follows from its content.
const COMPILERS: &str = "compilers";

/// Puts it there, and gives its path.
fn add_compilers(store: &Path) -> String {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join(COMPILERS), "").unwrap();
    let mut command = Command::new(NIX.join("nix-store"));
    command.current_dir(directory.path()).env("NIX_CONF_DIR", engines::repository("tests/env"));
    let output = command.args(["--add", COMPILERS, "--store"]).arg(store).output().unwrap();
    engines::succeeded("nix-store --add", &output).trim().to_owned()
}

/// All files of an empty store after something was put into it.
fn store_after(put: impl FnOnce(&Path) -> Output) -> (String, BTreeMap<String, Vec<u8>>) {
    let store = tempfile::tempdir().unwrap();
    add_compilers(store.path());
    let output = put(store.path());
    let printed = engines::succeeded("putting derivations into a store", &output);
    let mut tree = BTreeMap::new();
    add_tree(&store.path().join("nix/store"), "", &mut tree);
    tree.retain(|name, _| !name.starts_with(".links/"));
    (printed, tree)
}

/// Adds what is below a directory: files with their content, programs, directories, and links with where they lead.
fn add_tree(directory: &Path, prefix: &str, tree: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{prefix}{}", path.file_name().unwrap().to_str().unwrap());
        let metadata = fs::symlink_metadata(&path).unwrap();
        if metadata.is_dir() {
            add_tree(&path, &format!("{name}/"), tree);
            tree.insert(name + "/", Vec::new());
        } else if metadata.is_symlink() {
            tree.insert(name + "@", fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes());
        } else {
            let is_program = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o100 != 0;
            tree.insert(if is_program { name + "*" } else { name }, fs::read(&path).unwrap());
        }
    }
}

fn by_nix(root: &Path, system: &str, more: &[&str]) -> (String, BTreeMap<String, Vec<u8>>) {
    store_after(|store| {
        let mut command = Command::new(NIX.join("nix-instantiate"));
        command.current_dir(root).env("NIX_CONF_DIR", engines::repository("tests/env"));
        command.args(["--argstr", "system", system]).args(more).arg("--store").arg(store).output().unwrap()
    })
}

fn by_godirect(project: &Project, system: &str, more: &[&str]) -> (String, BTreeMap<String, Vec<u8>>) {
    store_after(|store| {
        let arguments = [&["nix", "instantiate", "--system", system], more].concat();
        let path = std::env::join_paths([NIX.as_path(), Path::new("/usr/bin"), Path::new("/bin")]).unwrap();
        let mut command = project.command(&arguments);
        command.env("PATH", path).env("NIX_CONF_DIR", engines::repository("tests/env")).env("NIX_REMOTE", store);
        command.output().unwrap()
    })
}

/// Compares the stores; the number of their files.
fn compare(project: &Project, system: &str) -> usize {
    compare_named(project, system, &[], &[])
}

/// The same for what is named, to Nix and to godirect.
fn compare_named(project: &Project, system: &str, to_nix: &[&str], names: &[&str]) -> usize {
    let ((nix_printed, nix), (printed, ours)) = (by_nix(&project.root(), system, to_nix), by_godirect(project, system, names));
    let names = |tree: &BTreeMap<String, Vec<u8>>| tree.keys().cloned().collect::<Vec<_>>().join("\n");
    assert_eq!(names(&nix), names(&ours), "for {system}");
    assert!(nix == ours, "files differ for {system}");
    let sorted = |text: &str| text.lines().map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(sorted(&nix_printed), sorted(&printed));
    nix.len()
}

#[test]
fn examples() {
    for name in ["01-hello", "02-modules", "03-replace", "04-vendor"] {
        assert!(compare(&Project::example(name), X86_64) > 50, "{name}");
        assert!(compare_named(&Project::example(name), X86_64, &["-A", "whole"], &["whole"]) > 10, "{name}");
    }
}

/// Two binaries, files that are links and programs, names that Nix refuses, another directory, archives.
#[test]
fn what_else_a_repository_may_have() {
    let project = Project::example("01-hello");
    for stale in ["nix", "flake.nix", "default.nix"] {
        let path = project.root().join(stale);
        drop(fs::remove_dir_all(&path));
        drop(fs::remove_file(&path));
    }
    project.write(
        "godirect.star",
        "go_sdk(exec_platforms = [\"linux/amd64\", \"linux/arm64\"])\ngo_sdk(name = \"other\", version = \"1.27.3\", exec_platforms = [\"linux/amd64\", \"linux/arm64\"])\nplatforms(\"linux/amd64\", \"linux/arm64\", \"js/wasm\")\nprofile(\"release\", sdk = \"other\", strip = True, stamp = {\"main.Text\": \"\\\"q\\\" \\\\ \\t ä\\n\"})\nbinary(\".\", profiles = [\"default\", \"release\"])\nbinary(\"./cmd/x-v+1\", name = \"second\")\nimage(\"small\", binary = \"second\")\nimage(\"large\", binary = \"hello\", profile = \"release\", args = [\"{a}\"], certificates = \"a b/ca.pem\", time_zones = True)\nnix(dir = \"build/nix\")\n",
    );
    project.write(
        "cmd/x-v+1/main.go",
        "package main\n\nimport _ \"embed\"\n\n//go:embed b a/{c}.txt\nvar Text string\n\nfunc main() {}\n"
            .replace("//go:embed b a/{c}.txt\nvar Text string", "//go:embed \"a/{c}.txt\"\nvar Text string")
            .as_str(),
    );
    project.write("cmd/x-v+1/a/{c}.txt", "text\n");
    project.write("a b/ca.pem", "-----BEGIN CERTIFICATE-----\n");
    project.write("cmd/x-v+1/tool.go", "package main\n");
    let directory = project.root().join("cmd/x-v+1");
    std::os::unix::fs::symlink("tool.go", directory.join("linked.go")).unwrap();
    let mut permissions = fs::metadata(directory.join("tool.go")).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o755);
    fs::set_permissions(directory.join("tool.go"), permissions).unwrap();
    let project = project.with_user_cache();
    engines::succeeded("godirect lock", &project.command(&["lock"]).output().unwrap());
    engines::succeeded("godirect generate", &project.command(&["generate"]).output().unwrap());
    compare(&project, X86_64);
    compare(&project, AARCH64);
    for system in [X86_64, AARCH64] {
        compare_named(&project, system, &["-A", "whole"], &["whole"]);
    }
    // What is named alone brings what it needs and nothing else.
    let whole = by_godirect(&project, X86_64, &[]).1;
    let part = by_godirect(&project, X86_64, &["second-js_wasm"]).1;
    assert!(part.len() < whole.len() && part.iter().all(|(name, content)| whole.get(name) == Some(content)));
}

/// Tests of packages, with all that may be where they run: links to files, directories and nowhere, programs, directories without files, what git keeps,
/// names that Nix refuses; in a module below the spec.
#[test]
fn tests_of_packages() {
    let repo = read_tree(&engines::repository("tests/testing/repo"));
    let (spec, rest): (Vec<_>, Vec<_>) = repo.into_iter().partition(|(path, _)| path.starts_with("godirect."));
    let below = rest.into_iter().map(|(path, content)| (format!("go/{path}"), content));
    let project = Project::in_directory(tempfile::tempdir().unwrap(), spec.into_iter().chain(below)).with_user_cache();
    project.write(
        "godirect.star",
        "go_sdk(exec_platforms = [\"linux/amd64\", \"linux/arm64\"])\nmodule(\"go\")\nplatforms(\"linux/amd64/v3\", \"linux/amd64\", \"linux/arm64\", \"js/wasm\")\nprofile(\"default\", gcflags = [\"-l\"], cover = True)\nnix(tests = True, coverage = [\"./...\"], dir = \"build/nix\")\n",
    );
    project
        .write("go/external/data_test.go", "package external_test\n\n//godirect:data ../golden *.json ../more.txt ../gone\n");
    for file in
        ["testdata/a b/ä{x}.txt", "testdata/.hidden", "testdata/.git/config", "one.json", "two.json", "list/x", "list/deep/y"]
    {
        project.write(&format!("go/external/{file}"), file);
    }
    project.write("go/golden/x/y.txt", "golden");
    project.write("go/more.txt", "more");
    let external = project.root().join("go/external");
    fs::create_dir_all(external.join("testdata/empty/deep")).unwrap();
    for (target, link) in
        [("a b", "testdata/directory"), ("word.txt", "testdata/file"), ("gone", "testdata/nowhere"), ("list", "linked")]
    {
        std::os::unix::fs::symlink(target, external.join(link)).unwrap();
    }
    let mut permissions = fs::metadata(external.join("one.json")).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o755);
    fs::set_permissions(external.join("one.json"), permissions).unwrap();
    let places = ["external", "external/linked", "external/list", "external/linked/x", "gone/too", "none/none.go"]
        .map(|place| format!("\"go/{place}\""));
    let recorded = format!("{{\"version\":1,\"tests\":{{\"example.com/tests/external\":[{},\"go\"]}}}}", places.join(","));
    project.write("godirect.reads.json", &recorded);
    engines::succeeded("godirect lock", &project.command(&["lock"]).output().unwrap());
    engines::succeeded("godirect generate", &project.command(&["generate"]).output().unwrap());
    for system in [X86_64, AARCH64] {
        assert!(compare_named(&project, system, &["-A", "tests"], &["tests"]) > 100);
    }
    compare_named(&project, X86_64, &["-A", "tests.go-external"], &["tests.go-external"]);
    assert!(compare_named(&project, X86_64, &["-A", "coverage"], &["coverage"]) > 100);
    let (_, one) = by_godirect(&project, X86_64, &["tests.go-external"]);
    let files = one.keys().filter_map(|name| name.split_once("-external-test-files/"));
    let files: Vec<&str> = files.map(|(_, file)| file).filter(|file| !file.is_empty() && !file.ends_with('/')).collect();
    let wanted = [
        "external/data_test.go",
        "external/external.go",
        "external/external_test.go",
        "external/linked@",
        "external/list/x",
        "external/one.json*",
        "external/testdata/.hidden",
        "external/testdata/a b/ä{x}.txt",
        "external/testdata/directory@",
        "external/testdata/file@",
        "external/testdata/nowhere@",
        "external/testdata/word.txt",
        "external/two.json",
        "go.mod",
        "golden/x/y.txt",
        "more.txt",
        "none/none.go",
    ];
    assert_eq!(files, wanted);
}

/// Tests that are compiled for fuzzing beside programs that aren't, with packages that are linked in either way.
#[test]
fn tests_for_fuzzing() {
    let repo = read_tree(&engines::repository("tests/testing/repo"));
    let project = Project::in_directory(tempfile::tempdir().unwrap(), repo).with_user_cache();
    project.write("kinds/json_test.go", "package kinds\n\nimport _ \"encoding/json\"\n");
    let spec = "go_sdk()\nplatforms(\"linux/amd64\")\nprofile(\"default\", fuzz = True)\nnix(tests = True, coverage = True)\n";
    project.write("godirect.star", spec);
    engines::succeeded("godirect lock", &project.command(&["lock"]).output().unwrap());
    engines::succeeded("godirect generate", &project.command(&["generate"]).output().unwrap());
    for name in ["tests", "coverage", "tool"] {
        compare_named(&project, X86_64, &["-A", name], &[name]);
    }
    let (_, of_tests) = by_godirect(&project, X86_64, &["tests"]);
    assert!(of_tests.values().any(|content| memchr::memmem::find(content, b"-d=libfuzzer").is_some()));
    let (_, of_program) = by_godirect(&project, X86_64, &["tool"]);
    assert!(!of_program.values().any(|content| memchr::memmem::find(content, b"-d=libfuzzer").is_some()));
}

/// C code with compilers and without: packages of std and of the repository that include from elsewhere, tests, coverage, an image.
#[test]
fn c_code() {
    let files = read_tree(&engines::repository("tests/matrix/rows/c"));
    let files = files.into_iter().filter(|(path, _)| !["cmd/greet/", "lib/"].iter().any(|other| path.starts_with(other)));
    let project = Project::in_directory(tempfile::tempdir().unwrap(), files).with_user_cache();
    project.write("cmd/pure/main.go", "package main\n\nfunc main() {}\n");
    project.write("cmd/pure/main_test.go", "package main\n\nimport \"testing\"\n\nfunc TestNothing(*testing.T) {}\n");
    project.write(
        "godirect.star",
        "go_sdk(version = \"1.27.3\", exec_platforms = [\"linux/amd64\", \"linux/arm64\"])\nplatforms(\"linux/amd64\", \"linux/arm64\", \"darwin/arm64\")\nprofile(\"default\", cgo = True)\nprofile(\"race\", extends = \"default\", race = True)\nbinary(\"./cmd/own\", profiles = [\"default\", \"race\"])\nbinary(\"./cmd/resolve\")\nbinary(\"./cmd/pure\")\nimage(\"small\", binary = \"own\", platforms = [\"linux/amd64\"])\nimage(\"pure-image\", binary = \"pure\")\nnix(tests = True, coverage = True)\n",
    );
    engines::succeeded("godirect lock", &project.command(&["lock"]).output().unwrap());
    engines::succeeded("godirect generate", &project.command(&["generate"]).output().unwrap());
    let cc = add_compilers(tempfile::tempdir().unwrap().path());
    for system in [X86_64, AARCH64] {
        for (attributes, names) in [(&[][..], &[][..]), (&["-A", "whole"], &["whole"]), (&["-A", "tests"], &["tests"])] {
            let without = compare_named(&project, system, attributes, names);
            let to_nix = [&["--argstr", "cc", &cc], attributes].concat();
            let with = compare_named(&project, system, &to_nix, &[&["--cc", &cc], names].concat());
            assert!(without > 20 && with > without + 20, "{names:?} for {system}: {without}, {with}");
        }
    }
    // The compilers must be in the store.
    let elsewhere = "/nix/store/00000000000000000000000000000000-gcc";
    let mut command = project.command(&["nix", "instantiate", "--system", X86_64, "--cc", elsewhere, "own"]);
    let store = tempfile::tempdir().unwrap();
    let path = std::env::join_paths([NIX.as_path(), Path::new("/usr/bin"), Path::new("/bin")]).unwrap();
    command.env("PATH", path).env("NIX_CONF_DIR", engines::repository("tests/env")).env("NIX_REMOTE", store.path());
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains(elsewhere), "{said}");
}

#[test]
fn sdks_from_source() {
    let project = Project::example("01-hello").with_user_cache();
    project.write("fix.patch", "--- a/src/errors/errors.go\n+++ b/src/errors/errors.go\n@@ -1,3 +1,3 @@\n-// Copyright 2011 The Go Authors. All rights reserved.\n+// Copyright 2011 The Go Authors. All rights reserved!\n // Use of this source code is governed by a BSD-style\n // license that can be found in the LICENSE file.\n");
    project.write(
        "godirect.star",
        "go_sdk(source = from_source(patches = [\"fix.patch\"], experiments = [\"arenas\"]))\n\nplatforms(\"linux/amd64\")\nnix()\n",
    );
    engines::succeeded("godirect lock", &project.command(&["lock"]).output().unwrap());
    engines::succeeded("godirect generate", &project.command(&["generate"]).output().unwrap());
    compare(&project, X86_64);
}

/// 380 packages for all platforms and profiles.
#[test]
fn a_large_program() {
    let source = read_tree(&engines::repository("benches/support/large"));
    let project = Project::in_directory(tempfile::tempdir().unwrap(), source).with_user_cache();
    project.edit("main.go", "\t\"example.com/large/all\"\n", "");
    let text = project.read("main.go");
    let without: Vec<&str> = text.lines().filter(|line| !line.contains("all.")).collect();
    project.write("main.go", &without.join("\n"));
    project.write(
        "godirect.star",
        "platforms(\"linux/amd64\", \"linux/arm64\", \"linux/386\", \"darwin/arm64\", \"windows/amd64\")\nprofile(\"release\", strip = True)\nprofile(\"tagged\", tags = [\"netgo\"])\nbinary(\".\", profiles = [\"default\", \"release\", \"tagged\"])\nnix()\n",
    );
    engines::succeeded("godirect lock", &project.command(&["lock"]).output().unwrap());
    engines::succeeded("godirect generate", &project.command(&["generate"]).output().unwrap());
    assert!(compare(&project, X86_64) > 2000);
    assert!(compare_named(&project, X86_64, &["-A", "whole"], &["whole"]) > 30);
}

#[test]
fn paths_need_no_nix() {
    let project = Project::example("01-hello");
    let printed: serde_json::Value =
        serde_json::from_str(&project.succeeds(&["--json", "nix", "paths", "--system", X86_64])).unwrap();
    let package = &printed["packages"]["hello-linux_arm64"];
    let nix = |arguments: &[&str]| {
        let store = tempfile::tempdir().unwrap();
        let mut command = Command::new(NIX.join("nix-instantiate"));
        command.current_dir(project.root()).env("NIX_CONF_DIR", engines::repository("tests/env"));
        command.args(["--store"]).arg(store.path()).args(arguments);
        if !arguments.contains(&"-E") {
            command.args(["--argstr", "system", X86_64]);
        }
        engines::succeeded("nix-instantiate", &command.output().unwrap()).trim().to_owned()
    };
    assert_eq!(package["derivation"], nix(&["-A", "hello-linux_arm64"]));
    let out = nix(&["--eval", "-A", "hello-linux_arm64.outPath"]);
    assert_eq!(format!("{}", package["outputs"]["out"]), out);
    // Outputs are in the order of their names.
    let archive = project.succeeds(&["nix", "paths", "--system", X86_64, "packageArchives.linux_arm64.fmt"]);
    let expression = "with (import ./nix/godirect.nix { system = \"x86_64-linux\"; }).packageArchives.linux_arm64.fmt; [ \"${export}\" \"${out}\" ]";
    let evaluated = nix(&["--eval", "--strict", "-E", expression]);
    assert_eq!(format!("[ {} ]", archive.lines().map(|path| format!("\"{path}\" ")).collect::<String>().trim()), evaluated);
    let only = project.succeeds(&["nix", "paths", "--system", X86_64, "hello-linux_arm64"]);
    assert_eq!(format!("\"{}\"", only.trim()), out);
}

#[test]
fn what_cannot_be() {
    let project = Project::example("01-hello");
    let names = "default, go, hello, hello-linux_amd64, hello-linux_arm64, sdk-rebuild";
    let paths = ["nix", "paths", "--system", X86_64];
    let with = |more: &[&'static str]| [&paths[..], more].concat();
    project.fails(&with(&["helo"]), 2, &error("there is no package `helo`", &format!("there is {names}")));
    let message = "the lock pins no Go SDK that runs on riscv64-linux, only on linux/amd64";
    let help = "add the machine to go_sdk(exec_platforms = …) and run `godirect lock`";
    project.fails(&["nix", "paths", "--system", "riscv64-linux"], 2, &error(message, help));
    fs::remove_file(project.root().join("nix/helper/main.go")).unwrap();
    project.fails(&paths, 2, &error("nix/helper/main.go isn't there", "run `godirect generate`"));
    project.write("godirect.star", "platforms(\"linux/amd64\", \"linux/arm64\")\n");
    project.fails(&paths, 2, &error("godirect.star asks for no Nix files", "add nix() to it"));
}
