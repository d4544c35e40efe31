//! What the two programs print of a repository.

use std::fmt;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use godirect::digest::Sha256;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::FIELDS;
use crate::rows::View;
use crate::support::{GODIRECT, GOROOT, cache_with_sdk};
use crate::trees::place;

/// A package: its fields in the order in which they were printed.
#[derive(Clone, Debug)]
pub struct Object(pub Vec<(String, Value)>);

impl Object {
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(field, _)| field == name).map(|(_, value)| value)
    }

    /// The import path, with the test that a variant is for.
    pub fn path(&self) -> &str {
        self.get("ImportPath").and_then(Value::as_str).unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Object, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Object;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Object(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

/// godirect's cache, with the pinned SDK and what these tests fetched.
pub static CACHE: LazyLock<PathBuf> = LazyLock::new(|| cache_with_sdk(&place("cache")));

/// GOROOT as both name it in what they print.
pub static SDK: LazyLock<PathBuf> = LazyLock::new(|| CACHE.join("sdk").join(GOROOT.file_name().unwrap()));

/// Where the go command keeps modules.
pub fn gopath() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("gopath")
}

/// Where it keeps what it made.
pub fn gocache() -> PathBuf {
    place("gocache")
}

/// A program in an environment with what the network needs, and nothing else of the machine's.
fn clean(program: impl AsRef<std::ffi::OsStr>, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(directory).env_clear().env("GOENV", "off");
    for name in ["PATH", "GOPROXY", "HTTPS_PROXY", "https_proxy", "SSL_CERT_FILE"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    command
}

/// The program under test. What the go command has downloaded isn't asked for again.
pub fn godirect(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = clean(GODIRECT, directory);
    let proxy = std::env::var("GOPROXY").unwrap_or_else(|_| "https://proxy.golang.org,direct".to_owned());
    let proxy = format!("file://{}/pkg/mod/cache/download,{proxy}", gopath().display());
    command.args(arguments).env("HOME", place("home")).env("GODIRECT_CACHE", &*CACHE).env("GOPROXY", proxy);
    command
}

/// The pinned SDK's go command.
fn go(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = clean(SDK.join("bin/go"), directory);
    command.args(arguments).env("HOME", place("home")).env("GOROOT", &*SDK).env("GOPATH", gopath()).env("GOCACHE", gocache());
    command.envs([("GOTOOLCHAIN", "local"), ("GOFLAGS", "-modcacherw"), ("GONOSUMDB", "*")]);
    command
}

/// What a program prints, or why it failed.
pub fn output(mut command: Command) -> Result<String, String> {
    let output = command.output().map_err(|e| format!("{command:?}: {e}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    String::from_utf8(output.stdout).map_err(|e| e.to_string())
}

/// Runs the go command; gives what it prints, or why it failed.
pub fn try_go(directory: &Path, arguments: &[&str]) -> Result<String, String> {
    output(go(directory, arguments))
}

fn parse(text: &str) -> Vec<Object> {
    serde_json::Deserializer::from_str(text).into_iter().map(Result::unwrap).collect()
}

/// What `godirect list` says.
pub fn ours(root: &Path, view: View, patterns: &[String]) -> Result<Vec<Object>, String> {
    let json = format!("--json={}", FIELDS.join(","));
    let mut arguments = vec!["list", "-e", "--deps", "--test", &json, "--platform", view.platform];
    arguments.push(if view.cgo { "--cgo" } else { "--no-cgo" });
    arguments.extend(["--tags", view.tags]);
    arguments.extend(patterns.iter().map(String::as_str));
    output(godirect(root, &arguments)).map(|text| parse(&text))
}

/// What `go list` says.
///
/// The repository is always made of the same files at the same place, so an answer is kept: all of them take an hour.
pub fn theirs(root: &Path, view: View, patterns: &[String]) -> Result<Vec<Object>, String> {
    let json = format!("-json={}", FIELDS.join(","));
    let arguments: Vec<&str> = ["list", "-e", "-deps", "-test", &json, "-tags", view.tags]
        .into_iter()
        .chain(patterns.iter().map(String::as_str))
        .collect();
    let (goos, goarch) = view.platform.split_once('/').unwrap();
    let mut command = go(root, &arguments);
    command.envs([("GOOS", goos), ("GOARCH", goarch), ("CGO_ENABLED", if view.cgo { "1" } else { "0" })]);
    let kept = place("answers").join(format!("{}.gz", key(root, view, &command)));
    if let Ok(content) = fs::read(&kept) {
        let mut text = String::new();
        GzDecoder::new(content.as_slice()).read_to_string(&mut text).unwrap();
        return Ok(parse(&text));
    }
    let text = output(command)?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    fs::create_dir_all(place("answers")).unwrap();
    godirect::write::atomic(&kept, &encoder.finish().unwrap()).unwrap();
    Ok(parse(&text))
}

/// Stands for all that decides about an answer: what is asked, and the repository.
fn key(root: &Path, view: View, command: &Command) -> Sha256 {
    let mut parts = vec![format!("{command:?} {view}")];
    let modules = ["", "m0/", "m1/", "m2/", "m3/", "m4/"].iter().flat_map(|d| ["go.mod", "go.sum"].map(|f| format!("{d}{f}")));
    for name in modules.chain(["go.work".to_owned(), "go.work.sum".to_owned(), "vendor/modules.txt".to_owned()]) {
        let digest = fs::read(root.join(&name)).map(|content| Sha256::of(&content).to_string());
        parts.push(format!("{name} {}", digest.unwrap_or_default()));
    }
    Sha256::of(&parts.join("\n"))
}
