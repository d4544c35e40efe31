//! The engines that tests compare: where they are, and how they build an example. A missing engine is a failure, never a skip.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

/// A path in the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What a script of tests/env prints: the path of what it found or installed.
pub fn provisioned(script: &str) -> PathBuf {
    let output = Command::new(repository("tests/env").join(script)).output().unwrap();
    PathBuf::from(succeeded(&format!("tests/env/{script}"), &output).trim_end())
}

/// The pinned SDK's GOROOT, which is not the `go` that happens to be on PATH.
pub static GOROOT: LazyLock<PathBuf> = LazyLock::new(|| {
    let output = godirect().args(["-C", "examples/01-hello", "goroot"]).output().unwrap();
    PathBuf::from(succeeded("godirect goroot", &output).trim_end())
});

static BAZEL: LazyLock<PathBuf> = LazyLock::new(|| provisioned("bazel.sh"));
static NIX: LazyLock<PathBuf> = LazyLock::new(|| provisioned("nix.sh"));

/// Where engines keep what may stay between runs. Not below /tmp, which Bazel's sandbox hides.
pub static CACHE: LazyLock<PathBuf> = LazyLock::new(|| {
    let home = || PathBuf::from(std::env::var_os("HOME").expect("HOME is set")).join(".cache");
    let cache = || std::env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from);
    std::env::var_os("GODIRECT_TEST_ENV").map_or_else(|| cache().join("godirect-test-env"), PathBuf::from)
});

/// The program under test, in the repository's directory.
pub fn godirect() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_godirect"));
    command.current_dir(repository(""));
    command
}

/// Standard output of a command that must succeed.
pub fn succeeded(what: &str, output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{what} failed with {}:\n{}{}", output.status, text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// `go build` of a main package with the flags that make it reproducible.
pub fn go_build(example: &Path, package: &str, env: &[(&str, &str)], out: &Path) {
    go_build_by(&GOROOT, example, package, env, out);
}

/// The same by the go command of another GOROOT.
pub fn go_build_by(goroot: &Path, example: &Path, package: &str, env: &[(&str, &str)], out: &Path) {
    let mut command = go_command(goroot, example, env);
    command.args(["build", "-trimpath", "-buildvcs=false", "-ldflags=-buildid=", "-o"]).arg(out).arg(package);
    succeeded("go build", &command.output().unwrap());
}

/// The go command of a GOROOT without anything of the machine's.
pub fn go_command(goroot: &Path, directory: &Path, env: &[(&str, &str)]) -> Command {
    let mut command = Command::new(goroot.join("bin/go"));
    command.env_clear().envs(env.iter().copied()).current_dir(directory);
    for name in ["PATH", "HOME", "GOPROXY", "SSL_CERT_FILE", "HTTPS_PROXY", "https_proxy"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    let home = CACHE.join("go");
    command.env("GOROOT", goroot).env("GOPATH", home.join("path")).env("GOCACHE", home.join("cache"));
    command.envs([("GOTOOLCHAIN", "local"), ("GOENV", "off"), ("GOFLAGS", ""), ("CGO_ENABLED", "0")]);
    command
}

/// A store that tests share. Two processes that come first would disturb each other in making it.
static NIX_STORE: LazyLock<PathBuf> = LazyLock::new(|| {
    let store = CACHE.join("nix-store");
    std::fs::create_dir_all(&store).unwrap();
    let mut command = Command::new(NIX.join("nix-store"));
    command.args(["--init", "--store"]).arg(&store).env("NIX_CONF_DIR", repository("tests/env"));
    succeeded("nix-store --init", &command.output().unwrap());
    store
});

/// Builds attributes of an example's default.nix in the sandbox; gives the directories of their results.
pub fn nix_build(example: &Path, attributes: &[String]) -> Vec<PathBuf> {
    nix_build_with(example, attributes, &[])
}

/// The same with further arguments.
pub fn nix_build_with(example: &Path, attributes: &[String], arguments: &[&str]) -> Vec<PathBuf> {
    let store = &*NIX_STORE;
    let mut command = Command::new(NIX.join("nix-build"));
    command.current_dir(example).env("NIX_CONF_DIR", repository("tests/env"));
    command.args(["--no-out-link", "--store"]).arg(store).args(arguments);
    for attribute in attributes {
        command.args(["-A", attribute]);
    }
    let printed = succeeded("nix-build", &command.output().unwrap());
    // Paths are printed as the builds see them; on disk they are below the store's root.
    printed.lines().map(|path| store.join(path.trim_start_matches('/'))).collect()
}

/// Lets Nix parse a file.
pub fn nix_parse(file: &Path) {
    let output = Command::new(NIX.join("nix-instantiate")).arg("--parse").arg(file).output().unwrap();
    succeeded(&format!("nix-instantiate --parse {}", file.display()), &output);
}

/// Builds a target of an example with Bazel, in its sandbox and without network; gives the path of its only file.
pub fn bazel_build(example: &Path, platform: &str, target: &str) -> PathBuf {
    let platform = format!("--platforms=@rules_go_direct//go/toolchain:{platform}");
    bazel(example, &["build", "--spawn_strategy=linux-sandbox", "--nosandbox_default_allow_network", &platform, target]);
    let printed = bazel(example, &["cquery", &platform, "--output=files", target]);
    let root = bazel(example, &["info", "execution_root"]);
    Path::new(root.trim_end()).join(printed.trim_end())
}

/// Runs Bazel in an example.
pub fn bazel(example: &Path, arguments: &[&str]) -> String {
    succeeded(&format!("bazel {}", arguments.join(" ")), &bazel_output(example, arguments))
}

/// What Bazel prints in an example, whether it succeeds or not; all examples share a disk cache.
pub fn bazel_output(example: &Path, arguments: &[&str]) -> Output {
    bazel_command(example, arguments).output().unwrap()
}

/// The same before it is run.
pub fn bazel_command(example: &Path, arguments: &[&str]) -> Command {
    let (verb, rest) = arguments.split_first().unwrap();
    let mut command = Command::new(&*BAZEL);
    // One installation and one cache of downloads for all.
    command.current_dir(example).arg(format!("--output_user_root={}", CACHE.join("bazel-out").display()));
    // A test that fails leaves its server behind.
    command.arg("--max_idle_secs=300").arg(verb);
    if matches!(*verb, "aquery" | "build" | "coverage" | "cquery" | "run" | "test") {
        command.arg(format!("--disk_cache={}", CACHE.join("bazel-disk").display()));
        command.args(["--symlink_prefix=/", "--color=no", "--noshow_progress"]);
    }
    command.args(rest);
    command
}

/// What Bazel prints with the real rules_go (`tests/env/rules_go.sh`), whose host SDK is the pinned one.
pub fn bazel_with_rules_go(root: &Path, arguments: &[&str]) -> String {
    let place = provisioned("rules_go.sh");
    let overrides = ["rules_go", "gazelle", "rules_shell", "package_metadata"]
        .map(|name| format!("--override_module={name}={}", place.join(name).display()));
    let (verb, rest) = arguments.split_first().unwrap();
    let all: Vec<&str> = [*verb].into_iter().chain(overrides.iter().map(String::as_str)).chain(rest.iter().copied()).collect();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([GOROOT.join("bin")].into_iter().chain(std::env::split_paths(&path)));
    let mut command = bazel_command(root, &all);
    let output = command.env("PATH", path.unwrap()).env("GOROOT", &*GOROOT).output().unwrap();
    succeeded(&format!("bazel {verb} with rules_go"), &output)
}

/// Ends Bazel in an example. What it has unpacked and built there is deleted, hundreds of megabytes; the disk cache stays.
pub fn end_bazel(example: &Path) {
    bazel(example, &["clean", "--expunge"]);
}
