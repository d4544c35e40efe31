//! The static files of templates/nix under a real Nix: they parse, mean what docs/plan.md says, build in the sandbox, and say what is wrong.

#[path = "nix/nixpkgs.rs"]
mod nixpkgs;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use godirect::digest::Sha256;
use godirect::platform::OsArch;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The directory of Nix's programs.
static NIX: LazyLock<PathBuf> = LazyLock::new(|| {
    let output = Command::new(crate_path("tests/env/nix.sh")).output().expect("tests/env/nix.sh runs");
    assert!(output.status.success(), "{}", text(&output.stderr));
    PathBuf::from(text(&output.stdout).trim_end())
});

fn crate_path(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The store of these tests, kept between runs because the SDK is large; each version of Nix has its own.
static STORE: LazyLock<PathBuf> = LazyLock::new(|| {
    let output = Command::new(NIX.join("nix-store")).arg("--version").output().expect("nix-store runs");
    let version = text(&output.stdout).rsplit(' ').next().unwrap().trim_end();
    let store = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("nix-{version}"));
    fs::create_dir_all(&store).unwrap();
    // Two processes that come first would disturb each other in making it.
    let mut init = Command::new(NIX.join("nix-store"));
    init.args(["--init", "--store"]).arg(&store).env("NIX_CONF_DIR", crate_path("tests/env"));
    let output = init.output().expect("nix-store runs");
    assert!(output.status.success(), "nix-store --init: {}", text(&output.stderr));
    store
});

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

/// Runs a program of Nix in `directory`, where it reads tests/env/nix.conf and has only the tests' store.
fn nix(directory: &Path, program: &str, args: &[&str]) -> Output {
    Command::new(NIX.join(program))
        .args(args)
        .arg("--store")
        .arg(&*STORE)
        .current_dir(directory)
        .env("NIX_CONF_DIR", crate_path("tests/env"))
        .output()
        .unwrap_or_else(|e| panic!("{program}: {e}"))
}

/// The same, for what must succeed; returns its standard output.
fn nix_ok(directory: &Path, program: &str, args: &[&str]) -> String {
    let output = nix(directory, program, args);
    assert!(output.status.success(), "{program} {args:?}: {}", text(&output.stderr));
    text(&output.stdout).trim_end().to_owned()
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_tree(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// tests/nix/repo with the static files, as `godirect generate` leaves a repository.
fn repository() -> TempDir {
    let directory = TempDir::new().unwrap();
    copy_tree(&crate_path("tests/nix/repo"), directory.path());
    let templates = crate_path("templates/nix");
    copy_tree(&templates.join("helper"), &directory.path().join("nix/helper"));
    copy_tree(&templates.join("runner"), &directory.path().join("nix/runner"));
    copy_tree(&crate_path("templates/sdk"), &directory.path().join("nix/sdk"));
    for (from, to) in [
        ("default.nix", "default.nix"),
        ("flake.nix", "flake.nix"),
        ("downloads.nix", "nix/downloads.nix"),
        ("godirect.nix", "nix/godirect.nix"),
        ("images.nix", "nix/images.nix"),
        ("nixpkgs.nix", "nix/nixpkgs.nix"),
        ("outputs.nix", "nix/outputs.nix"),
        ("sdks.nix", "nix/sdks.nix"),
        ("symlinks.nix", "nix/symlinks.nix"),
        ("tests.nix", "nix/tests.nix"),
        ("whole.nix", "nix/whole.nix"),
    ] {
        fs::copy(templates.join(from), directory.path().join(to)).unwrap();
    }
    directory
}

/// Evaluates an expression over `built`, the result of nix/godirect.nix.
fn evaluate(repository: &Path, arguments: &str, expression: &str) -> Value {
    let expression = format!("let built = import ./nix/godirect.nix {{ {arguments} }}; in {expression}");
    let output = nix_ok(repository, "nix-instantiate", &["--eval", "--strict", "--json", "-E", &expression]);
    serde_json::from_str(&output).unwrap()
}

fn edit_json(path: &Path, edit: impl FnOnce(&mut Value)) {
    let mut data = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    edit(&mut data);
    fs::write(path, serde_json::to_vec(&data).unwrap()).unwrap();
}

/// The last message of a failed evaluation or build.
fn failure(repository: &Path, program: &str, args: &[&str]) -> String {
    let output = nix(repository, program, args);
    assert!(!output.status.success(), "{program} {args:?} succeeded");
    let stderr = text(&output.stderr);
    let line = stderr.lines().rfind(|line| line.contains("error: ")).unwrap_or_else(|| panic!("no error in {stderr}"));
    line.trim_start().trim_start_matches("error: ").to_owned()
}

/// The files below a directory of the tests' store: contents by path.
fn built(store_path: &str) -> BTreeMap<String, Vec<u8>> {
    let root = STORE.join(store_path.trim_start_matches('/'));
    let mut found = BTreeMap::new();
    let mut open = vec![root.clone()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let entry = entry.unwrap();
            match entry.file_type().unwrap().is_dir() {
                true => open.push(entry.path()),
                false => {
                    let name = entry.path().strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                    found.insert(name, fs::read(entry.path()).unwrap());
                }
            }
        }
    }
    found
}

/// All Nix files that are committed, generated ones among them.
#[test]
fn files_are_formatted_by_nixfmt() {
    let script = Command::new(crate_path("tests/env/nixfmt.sh")).output().expect("tests/env/nixfmt.sh runs");
    assert!(script.status.success(), "{}", text(&script.stderr));
    let listed = Command::new("git").args(["ls-files", "*.nix"]).current_dir(crate_path("")).output().unwrap();
    let files: Vec<&str> = text(&listed.stdout).lines().collect();
    assert!(files.len() > 60, "git lists {files:?}");
    let mut nixfmt = Command::new(text(&script.stdout).trim_end());
    let output = nixfmt.arg("--check").args(files).current_dir(crate_path("")).output().unwrap();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}

#[test]
fn every_file_parses_and_says_that_it_is_generated() {
    let repository = repository();
    for file in [
        "default.nix",
        "flake.nix",
        "nix/downloads.nix",
        "nix/godirect.nix",
        "nix/images.nix",
        "nix/nixpkgs.nix",
        "nix/outputs.nix",
        "nix/sdks.nix",
        "nix/symlinks.nix",
        "nix/tests.nix",
        "nix/whole.nix",
    ] {
        nix_ok(repository.path(), "nix-instantiate", &["--parse", file]);
        let content = fs::read_to_string(repository.path().join(file)).unwrap();
        assert_eq!(content.lines().next(), Some("# @generated by godirect generate; do not edit"), "{file}");
    }
    let programs =
        ["helper/go.mod", "helper/main.go", "runner/go.mod", "runner/main.go", "sdk/go.mod", "sdk/main.go", "sdk/patch.go"];
    for file in programs.map(|file| format!("nix/{file}")) {
        let content = fs::read_to_string(repository.path().join(&file)).unwrap();
        assert!(content.starts_with("// Code generated by godirect generate. DO NOT EDIT.\n// @generated\n"), "{file}");
    }
}

#[test]
fn outputs_have_the_documented_names() {
    let repository = repository();
    let expression = "builtins.mapAttrs (_: builtins.attrNames) { inherit (built) apps checks packages; }";
    assert_eq!(
        evaluate(repository.path(), "", expression),
        json!({
            "apps": ["licence", "sum"],
            "checks": ["licence-linux_amd64", "licence-wasip1_wasm", "sum-linux_amd64"],
            "packages": ["default", "go", "licence", "licence-linux_amd64", "licence-wasip1_wasm", "sdk-rebuild", "sum",
                         "sum-linux_amd64"],
        })
    );
    let names = "builtins.mapAttrs (_: package: package.name) built.packageArchives.linux_amd64";
    assert_eq!(
        evaluate(repository.path(), "", names),
        json!({
            "example.com/demo/sum": "go-example.com-demo-sum",
            "example.com/replaced/~licence": "go-example.com-replaced-licence",
            "internal/byteorder": "go-internal-byteorder",
        })
    );
    let expression = "
        let
          flake = (import ./flake.nix).outputs { self = flake; };
          pkgs.stdenv.hostPlatform.system = \"x86_64-linux\";
        in
        {
          outputs = builtins.mapAttrs (_: builtins.attrNames) flake;
          same = (flake.overlays.default pkgs { }).godirect == flake.packages.x86_64-linux;
          # Names alone, which need no feature of Nix.
          addressed = builtins.attrNames (removeAttrs flake.legacyPackages.x86_64-linux.contentAddressed [ \"tests\" \"whole\" ])
            == builtins.attrNames flake.packages.x86_64-linux;
        }";
    let output = nix_ok(repository.path(), "nix-instantiate", &["--eval", "--strict", "--json", "-E", expression]);
    let systems = json!(["x86_64-linux"]);
    assert_eq!(
        serde_json::from_str::<Value>(&output).unwrap(),
        json!({"outputs": {"apps": systems, "checks": systems, "packages": systems, "legacyPackages": systems,
                           "lib": ["build", "buildGoModule", "devShells", "formatter"], "overlays": ["default", "packages"]},
               "same": true, "addressed": true})
    );
}

#[test]
fn systems_are_those_of_the_platform_table() {
    let repository = repository();
    edit_json(&repository.path().join("godirect.lock.json"), |lock| {
        let downloads = OsArch::all().map(|platform| json!({"platform": platform.to_string()})).collect();
        lock["sdks"][0]["downloads"] = Value::Array(downloads);
    });
    let known: Vec<&str> = OsArch::all().filter_map(OsArch::nix_system).collect();
    assert_eq!(evaluate(repository.path(), "", "built.systems"), json!(known));
}

#[test]
fn the_proxy_is_an_argument_and_changes_no_result() {
    let repository = repository();
    let derivation = |arguments: &[&str]| {
        let mut all = vec!["-A", "licence"];
        all.extend(arguments);
        nix_ok(repository.path(), "nix-instantiate", &all)
    };
    let other = derivation(&["--argstr", "goproxy", "https://proxy.example/go"]);
    let closure = nix_ok(repository.path(), "nix-store", &["--query", "--requisites", &other]);
    let mut urls: Vec<String> = closure
        .lines()
        .filter(|path| path.ends_with(".zip.drv"))
        .map(|path| nix_ok(repository.path(), "nix-store", &["--query", "--binding", "url", path]))
        .collect();
    urls.sort();
    assert_eq!(
        urls,
        [
            "https://proxy.example/go/github.com/!burnt!sushi/toml/@v/v1.4.0.zip",
            "https://proxy.example/go/golang.org/toolchain/@v/v0.0.1-go1.27.3.linux-amd64.zip",
        ]
    );
    let results = |derivation: &str| nix_ok(repository.path(), "nix-store", &["--query", "--outputs", derivation]);
    assert_eq!(results(&other), results(&derivation(&[])));
}

#[test]
fn builds_in_the_sandbox_what_the_plan_says() {
    let repository = repository();
    let build = |attribute: &str| nix_ok(repository.path(), "nix-build", &["--no-out-link", "-A", attribute]);
    let licence = build("licence");
    // COPYING of github.com/BurntSushi/toml v1.4.0 as the go command unpacks it.
    let expected = "d21cb1c60785d6d3a84a7059323ccafc45c645b1bbda281c76a62d66ad2d7dc3";
    let files: Vec<_> = built(&licence).into_iter().map(|(name, content)| (name, Sha256::of(content).to_string())).collect();
    assert_eq!(files, [("bin/licence".to_owned(), expected.to_owned())]);
    let wasm = build("licence-wasip1_wasm");
    assert_eq!(built(&wasm), BTreeMap::from([("bin/licence.wasm".to_owned(), b"wasm".to_vec())]));

    let sum = build("sum");
    let archive = &built(&sum)["bin/sum.a"];
    assert_eq!(members(archive), ["_go_.o", "add_amd64.o", "{a}.txt"]);
    assert!(archive.ends_with(b"{a}.txt         0           0     0     644     3         `\nodd\0"));

    let as_one = |attribute: &str| build(&format!("whole.{attribute}"));
    let whole = as_one("sum");
    for (one, by_package) in [(&whole, &sum), (&as_one("licence"), &licence), (&as_one("licence-wasip1_wasm"), &wasm)] {
        assert!(one != by_package && built(one) == built(by_package), "{one} and {by_package}");
    }

    fs::write(repository.path().join("README.md"), "edited").unwrap();
    fs::write(repository.path().join("sum/texts/README.md"), "edited").unwrap();
    let again = (build("sum"), as_one("sum"), build("licence-wasip1_wasm"));
    assert_eq!(again, (sum, whole, wasm), "files outside of the plan rebuild nothing");
    nix_ok(repository.path(), "nix", &["flake", "check", "--offline", &format!("path:{}", repository.path().display())]);
}

#[test]
fn the_sandbox_has_neither_the_machines_files_nor_its_network() {
    let directory = TempDir::new().unwrap();
    // Words of the shell itself only: no other program is there.
    let script = "while read line; do echo $line; done < /proc/net/dev > $out";
    let probe = format!(
        "derivation {{ name = \"probe\"; system = builtins.currentSystem; builder = \"/bin/sh\"; args = [ \"-c\" \"{script}\" ]; salt = \"{}\"; }}",
        directory.path().display()
    );
    let arguments = ["--no-out-link", "-E", probe.as_str()];
    let refused = nix(directory.path(), "nix-build", &arguments);
    let said = text(&refused.stderr);
    assert!(!refused.status.success() && said.contains("/bin/sh") && said.contains("No such file or directory"), "{said}");

    // The control: with the shell let in, the same derivation builds, and sees no network but its own loopback.
    let shell = ["--option", "sandbox-paths", "/bin/sh /lib /lib64 /usr/lib"];
    let result = nix_ok(directory.path(), "nix-build", &[&arguments[..], &shell[..]].concat());
    let seen = fs::read_to_string(STORE.join(result.trim_start_matches('/'))).unwrap();
    let interfaces: Vec<&str> = seen.lines().filter_map(|line| Some(line.split_once(':')?.0)).collect();
    assert_eq!(interfaces, ["lo"]);
}

/// The names of an archive's members.
fn members(archive: &[u8]) -> Vec<String> {
    let mut rest = archive.strip_prefix(b"!<arch>\n").expect("an archive");
    let mut names = Vec::new();
    while !rest.is_empty() {
        let header = text(&rest[..60]);
        names.push(header[..16].trim_end().to_owned());
        let size: usize = header[48..58].trim_end().parse().unwrap();
        rest = &rest[60 + size + size % 2..];
    }
    names
}

/// Versions of the helper, and the SHA-256 of what each is compiled from. All that was ever built is built again with another helper: a released one
/// never changes, a new one has a new version.
const HELPERS: [(u32, &str); 2] = [
    (2, "ab8890f9670cb181c96a21f408b2e0929962294bc9e0b215874f19df68c35ff1"),
    (3, "c750960153dee6087bc26296d5a068bbfac1ebd3688d1162657778dfe7dee45f"),
];

#[test]
fn another_helper_is_another_version() {
    let content = fs::read_to_string(crate_path("templates/nix/helper/main.go")).unwrap();
    let version = content.lines().find_map(|line| line.strip_prefix("// This is version ")?.split('.').next()?.parse().ok());
    let known = HELPERS.iter().find(|(known, _)| Some(*known) == version).unwrap_or_else(|| panic!("no version {version:?}"));
    assert_eq!(godirect::digest::Sha256::of(content).to_string(), known.1, "the helper was changed: give it a new version");
}

#[test]
fn the_helper_passes_its_tests() {
    let repository = repository();
    let tests = repository.path().join("helper-tests");
    copy_tree(&crate_path("templates/nix/helper"), &tests);
    fs::copy(crate_path("tests/nix/helper_test.go"), tests.join("helper_test.go")).unwrap();
    let file = crate_path("tests/nix/helper.nix");
    let arguments = ["--arg", "repository", "./.", "--arg", "tests", "./helper-tests", "--no-out-link", "-A", "out"];
    let mut all = vec![file.to_str().unwrap()];
    all.extend(arguments);
    nix_ok(repository.path(), "nix-build", &all);
}

#[test]
fn what_does_not_fit_together_is_refused_with_advice() {
    let stale = |file: &str, edit: fn(&mut Value)| {
        let repository = repository();
        edit_json(&repository.path().join(file), edit);
        failure(repository.path(), "nix-instantiate", &["-A", "sum", "-A", "licence"])
    };
    assert_eq!(
        stale("nix/plan.json", |plan| plan["version"] = json!(3)),
        "nix/plan.json has format version 3, but nix/godirect.nix reads version 2; run `godirect generate`"
    );
    assert_eq!(
        stale("nix/plan.json", |plan| plan["sdks"] = json!({"default": "1.27.4"})),
        "nix/plan.json wants Go 1.27.4, which godirect.lock.json doesn't pin; run `godirect generate`"
    );
    assert_eq!(
        stale("godirect.lock.json", |lock| lock["modules"] = json!([])),
        "nix/plan.json names example.com/replaced@v1.0.0, which godirect.lock.json doesn't pin; run `godirect generate`"
    );
    assert_eq!(
        stale("godirect.lock.json", |lock| lock["sdks"][0]["downloads"][0]["platform"] = json!("darwin/arm64")),
        "godirect.lock.json pins no Go SDK that runs on x86_64-linux, only on darwin/arm64; add the platform to godirect.star and run \
         `godirect lock`"
    );
    let repository = repository();
    fs::remove_file(repository.path().join("sum/sum.go")).unwrap();
    assert_eq!(
        failure(repository.path(), "nix-instantiate", &["-A", "sum"]),
        "nix/plan.json names sum.go in `sum`, which isn't there; run `godirect generate`, or `git add` it for a flake"
    );
}

#[test]
fn a_wrong_file_fails_its_package_alone_with_the_name_in_the_repository() {
    let repository = repository();
    let source = repository.path().join("sum/sum.go");
    let broken = fs::read_to_string(&source).unwrap().replace("uint32 { return", "string { return");
    fs::write(source, broken).unwrap();
    let output = nix(repository.path(), "nix-build", &["--no-out-link", "-A", "sum"]);
    assert!(!output.status.success());
    let stderr = text(&output.stderr);
    let lines: Vec<&str> = stderr.lines().skip_while(|line| !line.starts_with("sum/sum.go:9:")).take(2).collect();
    assert!(lines.len() == 2 && lines[0].contains("cannot use add("), "{stderr}");
    assert!(lines[1].starts_with("godirect: example.com/demo/sum: compile: exit status 2: [\"/nix/store/"), "{stderr}");
}
