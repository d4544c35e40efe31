//! The pinned SDK's own go command against what godirect reads from go.mod files and from the SDK's source.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use godirect::lock::cache::Cache;
use godirect::lock::fetch::Fetcher;
use godirect::lock::goenv::GoEnv;
use godirect::lock::proxy::Proxy;
use godirect::lock::sdk::{self, FetchedSdk, SdkOrigin};
use godirect::lock::sumdb::Database;
use godirect::module::ModuleId;
use godirect::module::gomod::{GoMod, Replace, Require, Target};
use godirect::module::gosum::GoSum;
use godirect::module::mvs::{self, Selected};
use godirect::module::workspace::Workspace;
use godirect::platform::OsArch;
use godirect::source;
use serde_json::{Value, json};

struct Env {
    cache: Cache,
    proxy: Proxy,
    sdk: FetchedSdk,
}

/// The SDK stays in the build directory, so that only the first run downloads it.
fn env() -> &'static Env {
    static ENV: OnceLock<Env> = OnceLock::new();
    ENV.get_or_init(|| {
        let cache = Cache::at(Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache")).unwrap();
        let proxy = Proxy::from_env().unwrap();
        let database = Database::new(&GoEnv::read(None));
        let fetcher = Fetcher { cache: &cache, proxy: &proxy, database: Some(&database), progress: &|_| {} };
        let host = [OsArch::host().unwrap()];
        let sums = GoSum::default();
        let sdk = sdk::fetch("1.27.3".parse().unwrap(), &SdkOrigin::Module, &host, &sums, &fetcher).unwrap();
        Env { cache, proxy, sdk }
    })
}

fn fetcher() -> Fetcher<'static> {
    Fetcher { cache: &env().cache, proxy: &env().proxy, database: None, progress: &|_| {} }
}

/// Runs the go command of the SDK that godirect unpacked.
fn go(directory: &Path, variables: &[(&str, &str)], args: &[&str]) -> String {
    let goroot = &env().sdk.goroot;
    let output = Command::new(goroot.join("bin/go"))
        .args(args)
        .current_dir(directory)
        .env("GOROOT", goroot)
        .env("GOTOOLCHAIN", "local")
        .env("GOPATH", Path::new(env!("CARGO_TARGET_TMPDIR")).join("gopath"))
        .env("GOFLAGS", "-modcacherw")
        .env("GONOSUMDB", "*")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    assert!(output.status.success(), "go {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn nix_hash(path: &Path) -> String {
    let output = Command::new("nix-hash").args(["--type", "sha256"]).arg(path).output().expect("nix-hash must be installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn the_sdk_is_hashed_as_nix_hashes_it() {
    let sdk = &env().sdk;
    let download = &sdk.downloads[0];
    assert_eq!(nix_hash(&sdk.goroot), download.nar.0.to_string());
    let host = download.platform;
    let tools: BTreeSet<&str> = download.tools.keys().map(String::as_str).collect();
    assert_eq!(tools, BTreeSet::from(["asm", "compile", "go", "link"]));
    for (tool, hash) in &download.tools {
        let directory = if tool == "go" { "bin".to_owned() } else { format!("pkg/tool/{}_{}", host.goos, host.goarch) };
        assert_eq!(nix_hash(&sdk.goroot.join(directory).join(tool)), hash.0.to_string());
    }
}

#[test]
fn experiments_are_those_of_the_go_command_on_every_port() {
    let goroot = &env().sdk.goroot;
    for port in OsArch::all() {
        let variables = [("GOOS", port.goos), ("GOARCH", port.goarch)];
        let tags = go(goroot, &variables, &["list", "-f", "{{range context.ToolTags}}{{.}} {{end}}", "unsafe"]);
        let mut expected: Vec<String> =
            tags.split_whitespace().filter_map(|tag| tag.strip_prefix("goexperiment.")).map(str::to_owned).collect();
        expected.sort();
        assert_eq!(source::sdk::default_experiments(goroot, port).unwrap(), expected, "{port}");
    }
}

#[test]
fn godebug_defaults_are_those_of_the_go_command() {
    let settings = source::sdk::godebug_table(&env().sdk.goroot).unwrap();
    for minor in 21..=27 {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("go.mod"), format!("module m\ngo 1.{minor}\n")).unwrap();
        std::fs::write(directory.path().join("main.go"), "package main\nfunc main() {}\n").unwrap();
        let shown = go(directory.path(), &[], &["list", "-f", "{{.DefaultGODEBUG}}", "."]);
        let old = settings.iter().filter(|s| minor < s.changed).map(|s| format!("{}={}", s.name, s.old));
        assert_eq!(old.collect::<Vec<_>>().join(","), shown.trim(), "go 1.{minor}");
    }
}

/// Writes files, and returns their directory.
fn write(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    directory
}

/// `path version` and, for a replacement, ` => path version` of each module, as `go list -m all` prints them.
fn shown(selected: &[Selected]) -> Vec<String> {
    let show = |module: &Selected| {
        let replacement = module.replace.as_ref().map(|r| format!(" => {}", r.to_string().replace('@', " ")));
        format!("{} {}{}", module.id.path, module.id.version, replacement.unwrap_or_default())
    };
    selected.iter().map(show).collect()
}

/// Compares the build list of a workspace with `go list -m all`, which has the main modules too.
fn assert_build_list(directory: &Path) -> Vec<String> {
    let workspace = Workspace::load(directory).unwrap();
    let fetch = |id: &ModuleId| fetcher().go_mod(id, &workspace.sums).map(|(gomod, ..)| gomod);
    let list = mvs::build_list(&workspace, &fetch).unwrap();
    let all = go(directory, &[], &["list", "-m", "all"]);
    let local = |line: &&str| !workspace.modules.iter().any(|m| m.path.as_str() == *line);
    // Go shows a local replacement as it is written.
    let expected: Vec<String> = all.lines().filter(local).map(|line| line.replace("=> ./", "=> ")).collect();
    assert_eq!(shown(&list), expected);
    expected
}

const COBRA: &str = "package main\nimport (\n_ \"github.com/spf13/cobra\"\n_ \"github.com/spf13/viper\"\n)\nfunc main() {}\n";

#[test]
fn a_pruned_build_list() {
    let go_mod = "module main.example\ngo 1.27\nrequire (\ngithub.com/spf13/cobra v1.8.1\ngithub.com/spf13/viper v1.19.0\n)\n";
    let directory = write(&[("go.mod", go_mod), ("main.go", COBRA)]);
    go(directory.path(), &[], &["mod", "tidy"]);
    let all = assert_build_list(directory.path());
    assert!(all.len() > 30, "{all:?}");
    let listed = mvs::listed(&Workspace::load(directory.path()).unwrap()).unwrap();
    let all: BTreeSet<String> = all.into_iter().collect();
    assert!(listed.len() < all.len() && shown(&listed).iter().all(|module| all.contains(module)));
}

#[test]
fn an_unpruned_build_list_with_replace_and_exclude() {
    let go_mod = "module main.example\ngo 1.16\nrequire (\ngithub.com/spf13/cobra v1.2.0\ngithub.com/spf13/viper v1.8.1\n)\n\
                  exclude gopkg.in/ini.v1 v1.62.0\nreplace github.com/spf13/pflag => github.com/spf13/pflag v1.0.6\n\
                  replace github.com/spf13/cast v1.3.1 => ./cast\n";
    let files = [
        ("go.mod", go_mod),
        ("main.go", COBRA),
        ("cast/go.mod", "module github.com/spf13/cast\ngo 1.16\nrequire github.com/fatih/color v1.13.0\n"),
        ("cast/cast.go", include_str!("go_oracle/cast.go.txt")),
    ];
    let directory = write(&files);
    go(directory.path(), &[], &["mod", "tidy"]);
    let all = assert_build_list(directory.path());
    assert!(all.len() > 100, "{all:?}");
    for replaced in ["github.com/spf13/cast v1.3.1 => cast", "github.com/spf13/pflag v1.0.5 => github.com/spf13/pflag v1.0.6"] {
        assert!(all.iter().any(|module| module == replaced), "{replaced}: {all:?}");
    }
}

#[test]
fn the_build_list_of_a_workspace() {
    let files = [
        ("go.work", "go 1.27\nuse (\n./a\n./b\n)\n"),
        ("a/go.mod", "module a.example\ngo 1.27\nrequire github.com/spf13/cobra v1.8.1\n"),
        ("a/main.go", "package main\nimport _ \"github.com/spf13/cobra\"\nfunc main() {}\n"),
        (
            "b/go.mod",
            "module b.example\ngo 1.21\nrequire (\ngithub.com/spf13/viper v1.19.0\ngithub.com/spf13/pflag v1.0.6\n)\n",
        ),
        (
            "b/main.go",
            "package main\nimport (\n_ \"github.com/spf13/pflag\"\n_ \"github.com/spf13/viper\"\n)\nfunc main() {}\n",
        ),
    ];
    let directory = write(&files);
    for module in ["a", "b"] {
        go(&directory.path().join(module), &[("GOWORK", "off")], &["mod", "tidy"]);
    }
    go(directory.path(), &[], &["mod", "download"]);
    assert_build_list(directory.path());
}

#[test]
fn wanted_sdk_is_there() {
    let goroot: &PathBuf = &env().sdk.goroot;
    assert!(sdk::is_goroot(goroot));
    assert_eq!(go(goroot, &[], &["version"]).split(' ').nth(2), Some("go1.27.3"));
}

/// A go.mod as `go mod edit -json` shows it, in the parts that both have.
fn as_json(gomod: &GoMod) -> Value {
    let id = |id: &ModuleId| json!({"Path": id.path.as_str(), "Version": id.version.as_str()});
    let target = |target: &Target| match target {
        Target::Module(module) => id(module),
        Target::Directory(directory) => json!({"Path": directory}),
    };
    let require = |r: &Require| match r.indirect {
        true => json!({"Path": r.id.path.as_str(), "Version": r.id.version.as_str(), "Indirect": true}),
        false => id(&r.id),
    };
    let replace = |r: &Replace| {
        let old = match &r.version {
            Some(version) => json!({"Path": r.path.as_str(), "Version": version.as_str()}),
            None => json!({"Path": r.path.as_str()}),
        };
        json!({"Old": old, "New": target(&r.target)})
    };
    json!({
        "Module": gomod.module.as_ref().map(|m| json!({"Path": m.as_str()})),
        "Go": gomod.go.as_ref().map(|go| go.as_str()),
        "Toolchain": gomod.toolchain,
        "Require": gomod.require.iter().map(require).collect::<Vec<_>>(),
        "Exclude": gomod.exclude.iter().map(id).collect::<Vec<_>>(),
        "Replace": gomod.replace.iter().map(replace).collect::<Vec<_>>(),
        "Retract": gomod.retract.iter().map(|r| json!([r.low.as_str(), r.high.as_str()])).collect::<Vec<_>>(),
        "Tool": gomod.tool.iter().map(|t| json!({"Path": t.as_str()})).collect::<Vec<_>>(),
        "Ignore": gomod.ignore.iter().map(|i| json!({"Path": i})).collect::<Vec<_>>(),
    })
}

/// What Go's output has of that: its lists may be null, and rationales and deprecations aren't read by godirect.
fn of_go(text: &str) -> Value {
    let mut value: Value = serde_json::from_str(text).unwrap();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let retract: Vec<Value> = list(&value["Retract"]).iter().map(|r| json!([r["Low"], r["High"]])).collect();
    if let Some(module) = value["Module"].as_object_mut() {
        module.remove("Deprecated");
    }
    json!({
        "Module": if value["Module"]["Path"] == "" { Value::Null } else { value["Module"].clone() },
        "Go": value["Go"],
        "Toolchain": value["Toolchain"],
        "Require": list(&value["Require"]),
        "Exclude": list(&value["Exclude"]),
        "Replace": list(&value["Replace"]),
        "Retract": retract,
        "Tool": list(&value["Tool"]),
        "Ignore": list(&value["Ignore"]),
    })
}

/// Runs `go mod edit -json`; `None` when it refuses the file.
fn go_reads(path: &Path) -> Option<Value> {
    let goroot = &env().sdk.goroot;
    let output = Command::new(goroot.join("bin/go"))
        .args(["mod", "edit", "-json"])
        .arg(path)
        .env("GOROOT", goroot)
        .env("GOTOOLCHAIN", "local")
        .output()
        .unwrap();
    if output.status.success() { Some(of_go(&String::from_utf8(output.stdout).unwrap())) } else { None }
}

#[test]
fn go_mod_files_are_read_as_go_reads_them() {
    let content = include_str!("go_oracle/gomods.txt");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("go.mod");
    let (mut read, mut refused) = (0, 0);
    for case in content.split("-----\n") {
        std::fs::write(&path, case).unwrap();
        let ours = GoMod::parse(&path, case);
        match (ours, go_reads(&path)) {
            (Ok(ours), Some(theirs)) => {
                assert_eq!(as_json(&ours), theirs, "{case}");
                read += 1;
            }
            (Err(_), None) => refused += 1,
            (Ok(ours), None) => panic!("Go refuses what godirect reads as {ours:?}:\n{case}"),
            (Err(error), Some(_)) => panic!("Go reads what godirect refuses: {error}\n{case}"),
        }
    }
    assert_eq!((read, refused), (43, 48));
}

/// Those of real modules: what `go mod download` left in the cache of these tests.
#[test]
fn real_go_mod_files_are_read_as_go_reads_them() {
    let directory = write(&[("go.mod", "module m\ngo 1.16\nrequire github.com/spf13/viper v1.8.1\n")]);
    go(directory.path(), &[("GOFLAGS", "-modcacherw -mod=mod")], &["list", "-m", "all"]);
    let mut files = Vec::new();
    find_mods(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("gopath/pkg/mod/cache/download/github.com"), &mut files);
    assert!(files.len() > 50);
    for path in files {
        let ours = GoMod::parse(&path, &std::fs::read_to_string(&path).unwrap());
        assert_eq!(ours.ok().map(|gomod| as_json(&gomod)), go_reads(&path), "{}", path.display());
    }
}

fn find_mods(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            find_mods(&path, files);
        } else if path.extension().is_some_and(|e| e == "mod") {
            files.push(path);
        }
    }
}
