//! The pinned SDK's own go command against what godirect reads from go.mod files and from the SDK's source.

#[path = "go_oracle/build_lists.rs"]
mod build_lists;
#[path = "go_oracle/gomods.rs"]
mod gomods;
#[path = "go_oracle/hashes.rs"]
mod hashes;
#[path = "go_oracle/real.rs"]
mod real;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use godirect::lock::cache::Cache;
use godirect::lock::fetch::Fetcher;
use godirect::lock::goenv::GoEnv;
use godirect::lock::proxy::Proxy;
use godirect::lock::sdk::{self, FetchedSdk, SdkOrigin, SdkRequest, SdkVersion};
use godirect::lock::sumdb::Database;
use godirect::module::gosum::GoSum;
use godirect::name::GoVersion;
use godirect::platform::OsArch;
use godirect::source;

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
        let version: GoVersion = "1.27.3".parse().unwrap();
        let request = SdkRequest {
            name: "default".to_owned(),
            version: SdkVersion::Exact(version.clone()),
            origin: SdkOrigin::Module,
            exec_platforms: vec![OsArch::host().unwrap()],
            build: None,
        };
        let sdk = sdk::fetch(&request, version, &GoSum::default(), None, &fetcher).unwrap();
        Env { cache, proxy, sdk }
    })
}

fn fetcher() -> Fetcher<'static> {
    Fetcher { cache: &env().cache, proxy: &env().proxy, database: None, progress: &|_| {} }
}

fn gopath() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("gopath")
}

/// Runs the go command of the SDK that godirect unpacked; gives what it prints, or why it failed.
fn try_go(directory: &Path, variables: &[(&str, &str)], args: &[&str]) -> Result<String, String> {
    let goroot = &env().sdk.goroot;
    let output = Command::new(goroot.join("bin/go"))
        .args(args)
        .current_dir(directory)
        .env("GOROOT", goroot)
        .env("GOTOOLCHAIN", "local")
        .env("GOPATH", gopath())
        .env("GOFLAGS", "-modcacherw")
        .env("GONOSUMDB", "*")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    if !output.status.success() {
        return Err(format!("go {args:?}: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8(output.stdout).unwrap())
}

/// Runs the go command where it must succeed.
#[track_caller]
fn go(directory: &Path, variables: &[(&str, &str)], args: &[&str]) -> String {
    try_go(directory, variables, args).unwrap_or_else(|why| panic!("{why}"))
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

#[test]
fn wanted_sdk_is_there() {
    let goroot: &PathBuf = &env().sdk.goroot;
    assert!(sdk::is_goroot(goroot));
    assert_eq!(go(goroot, &[], &["version"]).split(' ').nth(2), Some("go1.27.3"));
}
