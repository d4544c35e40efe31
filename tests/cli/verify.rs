//! `godirect verify`, held against the go command, readelf and nm.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{BUILD_CACHE, GOROOT, Project, error};

/// Standard output of a tool.
fn said(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> String {
    let program = program.as_ref();
    let output =
        Command::new(program).args(arguments).env("LC_ALL", "C").output().unwrap_or_else(|e| panic!("{program:?}: {e}"));
    assert!(output.status.success(), "{program:?} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn verified(project: &Project, arguments: &[&str]) -> Vec<Value> {
    let printed = project.run(&[&["verify", "--json"], arguments].concat());
    assert!(matches!(printed.code, Some(0 | 4)), "{}", printed.stderr);
    let printed: Value = serde_json::from_str(&printed.stdout).unwrap();
    printed["binaries"].as_array().unwrap().clone()
}

/// A program for several platforms that needs little of std, built.
fn built() -> Project {
    let project = Project::example("01-hello").with_build_cache();
    project.write("main.go", "package main\n\nfunc main() { println(len(text)) }\n\nvar text = \"a\"\n");
    let platforms = "platforms(\"linux/amd64\", \"windows/amd64\", \"darwin/arm64\", \"wasip1/wasm\", \"linux/386\")";
    project.write("godirect.star", &format!("go_sdk()\n\n{platforms}\n\nprofile(\"stripped\", ldflags = [\"-s\", \"-w\"], tags = [\"a\", \"b\"])\n\nbinary(\".\", name = \"hello\", profiles = [\"default\", \"stripped\"])\n"));
    let project = project.with_user_cache();
    project.succeeds(&["lock"]);
    let project = project.with_build_cache();
    project.succeeds(&["build", "--platform", "all"]);
    project
}

const CONFIGURATIONS: [(&str, &str); 6] = [
    ("linux_amd64", "hello"),
    ("linux_amd64-stripped", "hello"),
    ("linux_386", "hello"),
    ("windows_amd64", "hello.exe"),
    ("windows_amd64-stripped", "hello.exe"),
    ("darwin_arm64", "hello"),
];

#[test]
fn what_the_go_command_and_binutils_say() {
    let project = built();
    for (configuration, name) in CONFIGURATIONS {
        let path = format!("godirect-out/{configuration}/{name}");
        let file = project.root().join(&path);
        let [binary] = &verified(&project, &[&path])[..] else { panic!("one binary") };
        let go = said(GOROOT.join("bin/go"), &["version", "-m", "-json", file.to_str().unwrap()]);
        assert_eq!(binary["build_info"], serde_json::from_str::<Value>(&go).unwrap(), "{path}");
        assert_eq!(binary["configuration"], json!(configuration));
        assert_eq!(binary["leaks"], json!([]), "{path}");
        assert_eq!(binary["stripped"], json!(configuration.ends_with("-stripped")), "{path}");
        let of_runtime = |binary: &Value| {
            let sizes = binary["sizes"].as_array().unwrap();
            sizes.iter().find(|size| size["package"] == "runtime").map(|size| size["bytes"].as_u64().unwrap())
        };
        assert!(of_runtime(binary).is_some_and(|bytes| bytes > 100_000), "{path}: {}", binary["sizes"]);
        let total: u64 = binary["sizes"].as_array().unwrap().iter().map(|size| size["bytes"].as_u64().unwrap()).sum();
        assert_eq!(total, fs::metadata(&file).unwrap().len(), "{path}: {}", binary["sizes"]);
    }
    let [wasm] = &verified(&project, &["godirect-out/wasip1_wasm/hello"])[..] else { panic!("one binary") };
    assert_eq!((&wasm["format"], &wasm["build_info"]["Path"]), (&json!("wasm"), &json!("example.com/hello")));
    assert_eq!(wasm["configuration"], json!("wasip1_wasm"));

    // What nm says of symbols by package.
    let file = project.root().join("godirect-out/linux_amd64/hello");
    let mut by_nm: BTreeMap<&str, u64> = BTreeMap::new();
    let listed = said("nm", &["-S", "--defined-only", file.to_str().unwrap()]);
    for line in listed.lines() {
        let words: Vec<&str> = line.splitn(4, ' ').collect();
        let ([_, size, kind, name], false) = (&words[..], line.contains(" b ") || line.contains(" B ")) else { continue };
        let package = name.split(['[', '(']).next().unwrap();
        if let (Some(at), true) = (package.rfind('/').map_or(0, |at| at + 1).into(), *kind != "b") {
            let at: usize = at;
            let end = package[at..].find('.').map(|dot| at + dot);
            if let Some(end) = end.filter(|_| !name.starts_with("type:") && !name.starts_with("go:")) {
                *by_nm.entry(&package[..end]).or_default() += u64::from_str_radix(size, 16).unwrap();
            }
        }
    }
    let [binary] = &verified(&project, &["godirect-out/linux_amd64/hello"])[..] else { panic!("one binary") };
    let ours = binary["sizes"].as_array().unwrap();
    for (package, bytes) in
        by_nm.iter().filter(|(package, _)| ["internal/abi", "main", "internal/runtime/maps"].contains(package))
    {
        let found = ours.iter().find(|size| size["package"] == *package).map(|size| &size["bytes"]);
        assert_eq!(found, Some(&json!(bytes)), "{package}");
    }
    assert!(by_nm.contains_key("main"));
}

#[test]
fn what_readelf_says() {
    let project = Project::example("01-hello");
    let system = ["/bin/ls", "/bin/bash", "/usr/bin/env"];
    for (path, binary) in system.iter().zip(verified(&project, &system)) {
        let headers = said("readelf", &["-W", "-l", "-d", "-V", path]);
        let between = |line: &str, from: &str, to: &str| {
            let rest = line.split_once(from)?.1;
            Some(rest.split_once(to)?.0.to_owned())
        };
        let interpreter = headers.lines().find_map(|line| between(line, "program interpreter: ", "]"));
        let mut libraries: Vec<String> = headers.lines().filter_map(|line| between(line, "Shared library: [", "]")).collect();
        libraries.sort();
        let versions = headers.lines().filter_map(|line| between(line, "Name: GLIBC_", " "));
        let numbers = |version: &str| version.split('.').map(|part| part.parse::<u32>().unwrap()).collect::<Vec<_>>();
        let newest = versions.max_by_key(|version| numbers(version));
        assert_eq!(binary["interpreter"], json!(interpreter), "{path}");
        assert_eq!(binary["libraries"], json!(libraries), "{path}");
        assert_eq!(binary["glibc"], json!(newest), "{path}");
        assert_eq!((&binary["static"], binary.get("build_info")), (&json!(false), None));
    }
}

#[test]
fn paths_of_the_building_machine_are_found() {
    let project = built();
    let out = project.root().join("untrimmed");
    for flags in [&["-ldflags=-s -w"][..], &[]] {
        let mut command = Command::new(GOROOT.join("bin/go"));
        command.current_dir(project.root()).env_clear().env("GOROOT", &*GOROOT).env("GOCACHE", BUILD_CACHE.join("go-build"));
        command.envs([("GOTOOLCHAIN", "local"), ("GOENV", "off"), ("GOFLAGS", ""), ("CGO_ENABLED", "0")]);
        command.env("HOME", project.path("home")).args(["build", "-buildvcs=false", "-o", "untrimmed"]).args(flags).arg(".");
        assert!(command.status().unwrap().success());
        let [binary] = &verified(&project, &[out.to_str().unwrap()])[..] else { panic!("one binary") };
        let leaks = binary["leaks"].as_array().unwrap();
        // As texts of the program are compared.
        let main = "$DIR/main.go";
        assert!(leaks.iter().any(|leak| leak["path"] == main && leak["of"] == "the repository"), "{leaks:?}");
        let dwarf = leaks.iter().any(|leak| leak["place"].as_str().unwrap().contains("debug_"));
        assert_eq!(dwarf, flags.is_empty(), "{leaks:?}");
    }
}

#[test]
fn the_same_from_go_and_from_other_directories() {
    let project = built();
    let path = "godirect-out/linux_amd64-stripped/hello";
    let printed = project.succeeds(&["verify", path, "--against", "go", "--reproducible"]);
    let sha256 = godirect::digest::Sha256::of(fs::read(project.root().join(path)).unwrap());
    for by in ["go build", "godirect build"] {
        assert!(printed.contains(&format!("same     {sha256}  by {by}\n")), "{printed}");
    }
    // One that somebody has changed.
    let path = "godirect-out/linux_amd64/hello";
    let mut bytes = fs::read(project.root().join(path)).unwrap();
    let at = bytes.windows(17).position(|w| w == b"go:buildinfo.ref\0").map_or(0x1200, |_| 0x1200);
    bytes[at] ^= 1;
    fs::write(project.root().join(path), bytes).unwrap();
    let ran = project.run(&["verify", path, "--against", "go"]);
    assert_eq!(ran.code, Some(4), "{}", ran.stderr);
    assert!(ran.stdout.contains(".text: 1 of "), "{}", ran.stdout);
}

#[test]
fn what_cannot_be_verified() {
    let project = Project::example("01-hello");
    let help = "ELF, Mach-O, PE and WebAssembly files can be read";
    let why = "go.mod: this is no executable: Unknown file magic";
    project.fails(&["verify", "go.mod"], 2, &error(why, help));
    let why = "nosuch: failed to read nosuch: No such file or directory (os error 2)";
    project.fails(&["verify", "nosuch"], 3, &format!("error: {why}\n"));
    let why = "/bin/ls: it has no build information that tells what to build";
    project.fails(&["verify", "/bin/ls", "--against", "go"], 2, &format!("error: {why}\n"));
    let elsewhere = Project::new(&[]);
    let help = "name the repository: `godirect -C DIR verify …`";
    elsewhere.fails(
        &["verify", "/bin/ls", "--reproducible"],
        2,
        &error("/bin/ls: there is no godirect.star to build it from", help),
    );
    assert!(Path::new("/bin/ls").exists());
}
