//! What users of nixpkgs get: the overlays and the functions in `lib`, with a stand-in that has just what these use, and with a real
//! nixpkgs where there is one; and the templates of the project's own flake.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::{copy_tree, crate_path, nix_ok, repository, text};

/// A flake's outputs beside a package set that has nothing else.
const STAND_IN: &str = "
    flake = (import ./flake.nix).outputs { self = flake; };
    system = \"x86_64-linux\";
    pkgs = {
      stdenv.hostPlatform = { inherit system; };
      mkShell = attributes: { shell = attributes; };
      writeShellScriptBin = name: script: { inherit name script; };
      buildGoModule.override = arguments: { builder = arguments; };
    };
    final = pkgs // flake.overlays.default final pkgs;
    pinned = flake.packages.${system}.go;
";

fn evaluate(repository: &Path, expression: &str) -> Value {
    let expression = format!("let {STAND_IN} in {expression}");
    let printed = nix_ok(repository, "nix-instantiate", &["--eval", "--strict", "--json", "-E", &expression]);
    serde_json::from_str(&printed).unwrap()
}

#[test]
fn overlays_have_nixpkgs_names() {
    let repository = repository();
    let names =
        "builtins.mapAttrs (_: overlay: builtins.attrNames (overlay (throw \"final\") (throw \"prev\"))) flake.overlays";
    let expected = json!({"default": ["buildGo00Module", "buildGoModule", "go_0_0", "godirect"], "packages": ["godirect"]});
    assert_eq!(evaluate(repository.path(), names), expected, "and nothing is evaluated for that");
    let go = "{ inherit (final.go_0_0) pname version GOOS GOARCH CGO_ENABLED meta; }";
    let description = "The Go that godirect.lock.json pins";
    let meta = json!({"description": description, "mainProgram": "go", "platforms": ["x86_64-linux"]});
    let version = evaluate(repository.path(), "(builtins.fromJSON (builtins.readFile ./nix/plan.json)).sdks.default");
    assert_eq!(
        evaluate(repository.path(), go),
        json!({"pname": "go", "version": version, "GOOS": "linux", "GOARCH": "amd64", "CGO_ENABLED": 1, "meta": meta})
    );
    let same = "map (go: go.drvPath == pinned.drvPath && go.outPath == pinned.outPath) [
        final.go_0_0 final.buildGo00Module.builder.go final.buildGoModule.builder.go (flake.lib.buildGoModule pkgs).builder.go ]
      ++ [ (final.godirect == flake.packages.${system}) (builtins.attrNames final.buildGoModule.builder == [ \"go\" ]) ]";
    assert_eq!(evaluate(repository.path(), same), json!([true, true, true, true, true, true]));
}

#[test]
fn shells_and_formatters_are_functions_of_nixpkgs() {
    let repository = repository();
    let shells = "let shells = flake.lib.devShells pkgs; inherit (shells.default) shell; in
      { names = builtins.attrNames shells; attributes = builtins.attrNames shell; inherit (shell) GOTOOLCHAIN;
        go = map (package: package.outPath == pinned.outPath) shell.packages; }";
    let expected =
        json!({"names": ["default"], "attributes": ["GOTOOLCHAIN", "packages"], "GOTOOLCHAIN": "local", "go": [true]});
    assert_eq!(evaluate(repository.path(), shells), expected);
    let formatter = "let made = flake.lib.formatter pkgs; in
      { inherit (made) name; same = made.script == \"exec ${pinned}/bin/gofmt -l -w \\\"\\${@:-.}\\\"\\n\"; }";
    assert_eq!(evaluate(repository.path(), formatter), json!({"name": "godirect-fmt", "same": true}));
}

/// With the nixpkgs that `GODIRECT_TEST_NIXPKGS` names, where it does: a directory.
#[test]
fn a_real_nixpkgs_takes_the_overlay() {
    let Some(nixpkgs) = std::env::var_os("GODIRECT_TEST_NIXPKGS") else { return };
    let repository = repository();
    let expression = format!(
        "let {STAND_IN}
           real = import {} {{ inherit system; config = {{ }}; overlays = [ flake.overlays.default ]; }};
           module = real.buildGoModule {{ pname = \"x\"; version = \"1\"; src = ./.; vendorHash = null; }};
         in {{ go = real.go_0_0.outPath == pinned.outPath; uses = builtins.elem pinned.outPath (map (i: i.outPath) module.nativeBuildInputs);
              shell = (flake.lib.devShells real).default ? drvPath; formatter = (flake.lib.formatter real) ? drvPath; }}",
        Path::new(&nixpkgs).display()
    );
    let printed = nix_ok(repository.path(), "nix-instantiate", &["--eval", "--strict", "--json", "-E", &expression]);
    let printed: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(printed, json!({"go": true, "uses": true, "shell": true, "formatter": true}));
}

/// Runs `nix` with the project's flake, whose nixpkgs is a stand-in without anything.
fn with_project_flake(directory: &Path, scratch: &Path, arguments: &[&str]) {
    let (project, nixpkgs, registry) = (scratch.join("project"), scratch.join("nixpkgs"), scratch.join("registry.json"));
    fs::create_dir_all(&nixpkgs).unwrap();
    fs::write(nixpkgs.join("flake.nix"), "{ outputs = _: { lib.genAttrs = _: _: { }; legacyPackages = { }; }; }").unwrap();
    copy_tree(&crate_path("templates/flake"), &project.join("templates/flake"));
    for file in ["flake.nix", "Cargo.toml"] {
        fs::copy(crate_path(file), project.join(file)).unwrap();
    }
    let to = json!({"type": "path", "path": nixpkgs.display().to_string()});
    let flakes = json!([{"from": {"type": "indirect", "id": "nixpkgs"}, "to": to}]);
    fs::write(&registry, json!({"version": 2, "flakes": flakes}).to_string()).unwrap();
    // Templates are copied from where the store says that they are, so that it must be there.
    let mut command = Command::new(super::NIX.join("nix"));
    command.current_dir(directory).args(arguments).arg("--option").arg("flake-registry").arg(registry);
    command.env("NIX_CONF_DIR", crate_path("tests/env")).env("HOME", scratch.join("home"));
    command.env("NIX_STORE_DIR", scratch.join("store")).env("NIX_STATE_DIR", scratch.join("state"));
    let output = command.env("NIX_LOG_DIR", scratch.join("log")).output().unwrap();
    assert!(output.status.success(), "nix {arguments:?}: {}", text(&output.stderr));
}

/// What `nix flake init` gives is locked, has fresh files, and builds.
#[test]
fn templates_build() {
    for (template, binaries, says) in [("minimal", "hello", "hello from "), ("workspace", "app", "Hello, workspace!\n")] {
        let scratch = tempfile::tempdir().unwrap();
        let directory = scratch.path().join("new");
        fs::create_dir(&directory).unwrap();
        let reference = format!("path:{}#{template}", scratch.path().join("project").display());
        with_project_flake(&directory, scratch.path(), &["flake", "init", "-t", &reference]);
        for verb in [["lock", "--check"], ["generate", "--check"]] {
            let output = Command::new(env!("CARGO_BIN_EXE_godirect")).current_dir(&directory).args(verb).output().unwrap();
            assert!(output.status.success(), "{template}: {verb:?}: {}{}", text(&output.stdout), text(&output.stderr));
        }
        let built = directory.join("result");
        nix_ok(&directory, "nix", &["build", "path:.", "--out-link", &built.display().to_string()]);
        let link = fs::read_link(&built).unwrap();
        let program = super::STORE.join(link.strip_prefix("/").unwrap()).join("bin").join(binaries);
        let output = Command::new(program).output().unwrap();
        assert!(output.status.success() && text(&output.stdout).starts_with(says), "{template}: {output:?}");
    }
}
