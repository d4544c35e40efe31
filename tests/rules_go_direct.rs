//! The Bazel ruleset: its asserts under a real Bazel, what buildifier says of its files and of generated ones, platforms that differ,
//! and that nothing but the sandbox is there for an action.

#[path = "rules_go_direct/cgo.rs"]
mod cgo;
#[path = "rules_go_direct/checkouts.rs"]
mod checkouts;
#[path = "rules_go_direct/coverage.rs"]
mod coverage;
#[path = "rules_go_direct/downloads.rs"]
mod downloads;
#[path = "support/engines.rs"]
#[allow(dead_code)] // Other tests use the rest.
mod engines;
#[path = "support/http_cache.rs"]
mod http_cache;
#[path = "rules_go_direct/importmap.rs"]
mod importmap;
#[path = "rules_go_direct/incremental.rs"]
mod incremental;
#[path = "support/loopback.rs"]
#[allow(dead_code)] // Other tests use the rest.
mod loopback;
#[path = "rules_go_direct/migration.rs"]
mod migration;
#[path = "rules_go_direct/misuse.rs"]
mod misuse;
#[path = "rules_go_direct/modes.rs"]
mod modes;
#[path = "rules_go_direct/modules.rs"]
mod modules;
#[path = "support/outcomes.rs"]
mod outcomes;
#[path = "rules_go_direct/overrides.rs"]
mod overrides;
#[path = "rules_go_direct/path_mapping.rs"]
mod path_mapping;
#[path = "../benches/support/programs.rs"]
#[allow(dead_code)] // Benchmarks use the rest.
mod programs;
#[path = "support/reapi.rs"]
mod reapi;
#[path = "rules_go_direct/reference.rs"]
mod reference;
#[path = "rules_go_direct/release.rs"]
mod release;
#[path = "rules_go_direct/remote.rs"]
mod remote;
#[path = "rules_go_direct/sdks.rs"]
mod sdks;
#[path = "rules_go_direct/testing.rs"]
mod testing;
#[path = "rules_go_direct/with_rules_go.rs"]
mod with_rules_go;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;

use engines::{bazel, bazel_output, repository, succeeded};
use serde_json::{Deserializer, Value};

/// The ruleset's own workspace, which tests would delete for each other.
static RULESET: Mutex<()> = Mutex::new(());

#[test]
fn starlark_asserts_hold() {
    let _alone = RULESET.lock();
    let ruleset = repository("rules_go_direct");
    bazel(&ruleset, &["build", "//..."]);
    engines::end_bazel(&ruleset);
}

#[test]
fn files_are_formatted_and_free_of_warnings() {
    let buildifier = engines::provisioned("buildifier.sh");
    let check = |arguments: &[&str]| {
        let mut command = Command::new(&buildifier);
        command.current_dir(repository("")).args(["-r", "-mode=check", "-lint=warn"]).args(arguments);
        succeeded(&format!("buildifier {}", arguments.join(" ")), &command.output().unwrap());
    };
    check(&["rules_go_direct"]);
    // What is generated, and specs, which need no documentation string.
    check(&["-warnings=-module-docstring", "examples", "tests/rules_go_direct"]);
}

/// Builds of one workspace with different flags have the same place.
static PORTS: Mutex<()> = Mutex::new(());

fn ports() -> PathBuf {
    repository("tests/rules_go_direct/ports")
}

/// Builds the binary by `go build` and by Bazel, and compares.
fn check_platform(name: &str, env: &[(&str, &str)]) {
    let (source, out) = (ports(), tempfile::tempdir().unwrap());
    let go = out.path().join("go");
    engines::go_build(&source, ".", env, &go);
    let bazel = engines::bazel_build(&source, name, "//:ports");
    assert!(fs::read(go).unwrap() == fs::read(bazel).unwrap(), "{name}: Bazel's binary differs from that of go build");
}

#[test]
fn platforms_choose_their_files_imports_and_modules() {
    let _alone = PORTS.lock();
    let source = ports();
    let check = engines::godirect().arg("-C").arg(&source).args(["generate", "--check"]).output().unwrap();
    succeeded("godirect generate --check", &check);
    check_platform("linux_amd64", &[("GOOS", "linux"), ("GOARCH", "amd64")]);
    check_platform("linux_amd64_v3", &[("GOOS", "linux"), ("GOARCH", "amd64"), ("GOAMD64", "v3")]);
    check_platform("linux_arm64", &[("GOOS", "linux"), ("GOARCH", "arm64")]);
    // The spec does not list it, but its port.
    check_platform("linux_amd64_v2", &[("GOOS", "linux"), ("GOARCH", "amd64"), ("GOAMD64", "v2")]);

    let unknown = bazel_output(&source, &["build", "--platforms=@rules_go_direct//go/toolchain:windows_arm64", "//:ports"]);
    let text = String::from_utf8_lossy(&unknown.stderr).into_owned();
    let advice = "//go/toolchain:windows_arm64; it has linux/amd64, linux/arm64: add the platform to godirect.star";
    assert!(!unknown.status.success() && text.contains(advice), "{text}");
    engines::end_bazel(&source);
}

/// An example with targets that want the network. Its place is always the same, so that Bazel fetches the SDK once.
fn sandboxed_workspace() -> PathBuf {
    let example = repository("examples/01-hello");
    let workspace = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sandbox");
    fs::create_dir_all(&workspace).unwrap();
    for name in ["godirect.lock.json", "go.mod", "main.go"] {
        fs::copy(example.join(name), workspace.join(name)).unwrap();
    }
    let read = |name: &str| fs::read_to_string(example.join(name)).unwrap();
    let ruleset = repository("rules_go_direct").display().to_string();
    fs::write(workspace.join("MODULE.bazel"), read("MODULE.bazel").replace("../../rules_go_direct", &ruleset)).unwrap();
    fs::write(workspace.join("BUILD.bazel"), read("BUILD.bazel") + NETWORK_TARGETS).unwrap();
    workspace
}

/// Two actions that connect to the port in `PORT`: one as all actions are, one that asks for the network.
const NETWORK_TARGETS: &str = r#"
CONNECT = "exec 3<>/dev/tcp/127.0.0.1/$$(cat $(location port)) && cat <&3 > $@"

genrule(
    name = "cut_off",
    srcs = ["port"],
    outs = ["cut_off.txt"],
    cmd_bash = CONNECT,
)

genrule(
    name = "connected",
    srcs = ["port"],
    outs = ["connected.txt"],
    cmd_bash = CONNECT,
    tags = ["requires-network"],
)
"#;

/// A server on the loopback interface that greets whoever connects; gives its port.
fn greeter() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || listener.incoming().flatten().for_each(|mut stream| drop(stream.write_all(b"hello"))));
    port
}

/// The last one, because what comes from a cache did not run.
const SANDBOX: [&str; 4] = [
    "--spawn_strategy=linux-sandbox",
    "--nosandbox_default_allow_network",
    "--incompatible_strict_action_env",
    "--disk_cache=",
];

fn build_in_sandbox(workspace: &Path, arguments: &[&str]) -> Output {
    bazel_output(workspace, &[&["build"], &SANDBOX[..], arguments].concat())
}

/// The spawns that Bazel logged: a sequence of JSON objects.
fn spawns(log: &Path) -> Vec<Value> {
    let text = fs::read_to_string(log).unwrap();
    Deserializer::from_str(&text).into_iter().map(Result::unwrap).collect()
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().map(Value::to_string).collect()
}

/// Checks that an action ran by this strategy, and that these places are nowhere in it; gives its arguments and environment.
fn check_places(spawn: &Value, runner: &str, places: &[String]) -> Vec<String> {
    assert_eq!(spawn["runner"], runner, "{} of {}", spawn["mnemonic"], spawn["targetLabel"]);
    let known = [strings(&spawn["commandArgs"]), strings(&spawn["environmentVariables"])].concat();
    for text in &known {
        let found = places.iter().find(|place| text.contains(*place));
        assert_eq!(found, None, "{text} in {} of {}", spawn["mnemonic"], spawn["targetLabel"]);
    }
    known
}

/// Checks that an action ran in the sandbox and knows nothing of this machine.
fn check_spawn(spawn: &Value, places: &[String]) {
    let known = check_places(spawn, "linux-sandbox", places);
    // The tools' own actions have no absolute path at all but the one that every sandbox calls so, and the shell that explains errors.
    if spawn["mnemonic"].as_str().is_some_and(|m| m.starts_with("Go") && m != "GoPack") {
        let absolute = |text: &&String| {
            let path = text.replace("/proc/self/cwd", ".");
            (path.contains("\"/") && !path.starts_with("\"//")) || text.contains("=/")
        };
        // The shell and its script, if there is one.
        let script = if known[0] == "\"/bin/bash\"" { 3 } else { 0 };
        let found: Vec<&String> = known.iter().skip(script).filter(absolute).collect();
        assert!(found.is_empty(), "{found:?} in {} of {}", spawn["mnemonic"], spawn["targetLabel"]);
    }
}

#[test]
fn actions_run_in_the_sandbox_without_network_and_without_paths_of_the_machine() {
    let workspace = &sandboxed_workspace();
    fs::write(workspace.join("port"), greeter().to_string()).unwrap();
    let log = workspace.join("spawns.json");
    let log_flag = format!("--execution_log_json_file={}", log.display());
    bazel(workspace, &["clean"]);
    let built = build_in_sandbox(workspace, &[&log_flag, "//:hello"]);
    succeeded("bazel build", &built);

    let spawns = spawns(&log);
    let mnemonics: BTreeSet<&str> = spawns.iter().filter_map(|s| s["mnemonic"].as_str()).collect();
    assert_eq!(mnemonics, BTreeSet::from(["GoAsm", "GoCompile", "GoLink", "GoPack", "GoSymabis"]));
    let places = [&*engines::CACHE, workspace, &repository("")].map(|place| place.display().to_string());
    spawns.iter().for_each(|spawn| check_spawn(spawn, &places));

    let connected = build_in_sandbox(workspace, &["//:connected"]);
    succeeded("bazel build //:connected", &connected);
    let cut_off = build_in_sandbox(workspace, &["//:cut_off"]);
    let text = String::from_utf8_lossy(&cut_off.stderr).into_owned();
    assert!(!cut_off.status.success() && text.contains("/dev/tcp/127.0.0.1"), "{text}");
    engines::end_bazel(workspace);
}
