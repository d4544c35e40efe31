//! What the pinned SDK's own build IDs say: an ID is of everything that a package is compiled from, and of what came out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::support::{GOROOT, Project};

/// What an oracle knows of targets, by view and target.
pub type Truth = BTreeMap<(String, String), Known>;

/// The result of what can't be built.
pub const BROKEN: &str = "error";

/// What is known of a target.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Is the same if the results are.
    pub result: String,
    /// Is the same if it isn't built again.
    pub action: String,
}

/// Kept between runs, so that std is compiled once.
pub fn cache(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("affected").join(name)
}

/// What the go command says of the packages of a module, in a tree as it is.
pub fn truth(project: &Project, module: &str, views: &[(&str, &str)], cgo: bool) -> Truth {
    let mut truth = Truth::new();
    for (view, platform) in views {
        let packages = list(project, platform, cgo);
        // Of the action, and of what came out.
        let ids = |path: &str| {
            let id = packages.get(path).and_then(|package| package["BuildID"].as_str()).unwrap_or_default();
            id.rsplit_once('/').map_or_else(Default::default, |(action, content)| (action.to_owned(), content.to_owned()))
        };
        for (path, package) in &packages {
            // For a test, or for the profile of a program.
            let is_variant = package["ForTest"].is_string() || path.contains(' ');
            let is_own = package["Module"]["Main"] == true || path.ends_with(".test") && path.starts_with(module);
            // What somebody imports in vain is listed, too.
            let is_nowhere = package["Dir"].is_null();
            if is_variant && !path.ends_with(".test") || !is_own || is_nowhere {
                continue;
            }
            let deps = package["Deps"].as_array().into_iter().flatten().map(|dep| dep.as_str().unwrap());
            let parts: BTreeSet<String> = deps.chain([path.as_str()]).map(|path| ids(path).1).collect();
            let is_wrong = !package["Error"].is_null() || !package["DepsErrors"].is_null();
            for target in targets(project, path, package) {
                let mut parts = parts.clone();
                // It is linked.
                if !target.starts_with("package") {
                    parts.insert(package["DefaultGODEBUG"].to_string());
                }
                let result = if is_wrong { BROKEN.to_owned() } else { parts.into_iter().collect::<Vec<_>>().join(" ") };
                truth.insert(((*view).to_owned(), target), Known { result, action: ids(path).0 });
            }
        }
    }
    truth
}

/// The targets that a package of the go command is.
fn targets(project: &Project, path: &str, package: &Value) -> Vec<String> {
    if let Some(tested) = path.strip_suffix(".test") {
        return vec![format!("test {tested}")];
    }
    // Where there are only tests, the go command lists a package, too.
    if package["GoFiles"].is_null() && package["CgoFiles"].is_null() && package["Error"].is_null() {
        return Vec::new();
    }
    let mut targets = vec![format!("package {path}")];
    if package["Name"] == "main" {
        let directory = Path::new(package["Dir"].as_str().unwrap());
        let root = project.root().canonicalize().unwrap();
        targets.push(format!("binary {}", directory.strip_prefix(root).unwrap().display()));
    }
    targets
}

fn list(project: &Project, platform: &str, cgo: bool) -> BTreeMap<String, Value> {
    let (goos, goarch) = platform.split_once('/').unwrap();
    let mut go = Command::new(GOROOT.join("bin/go"));
    go.args(["list", "-e", "-deps", "-test", "-export", "-json", "./..."]).current_dir(project.root()).env_clear();
    for variable in ["GOPROXY", "HTTPS_PROXY", "https_proxy", "SSL_CERT_FILE"] {
        go.envs(std::env::var(variable).map(|value| (variable, value)));
    }
    go.envs([
        ("GOOS", goos),
        ("GOARCH", goarch),
        ("CGO_ENABLED", if cgo { "1" } else { "0" }),
        ("GOTOOLCHAIN", "local"),
        ("GOENV", "off"),
    ]);
    go.envs([("GOFLAGS", "-trimpath -buildvcs=false -modcacherw"), ("GOSUMDB", "off"), ("PATH", "/usr/bin:/bin")]);
    go.env("GOCACHE", cache("go-build")).env("GOPATH", cache("go")).env("HOME", cache("home"));
    let output = go.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let values = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>();
    let packages = values.map(|value| value.unwrap_or_else(|e| panic!("go list: {e}: {errors}")));
    packages.map(|package| (package["ImportPath"].as_str().unwrap().to_owned(), package)).collect()
}

/// The targets whose results differ, that only one tree has, or that can be built in only one.
pub fn must<'t>(base: &'t Truth, head: &'t Truth) -> BTreeSet<(String, String)> {
    let keys: BTreeSet<_> = base.keys().chain(head.keys()).collect();
    let result = |truth: &'t Truth, key| truth.get(key).map(|known| &known.result);
    let differs = keys.into_iter().filter(|key| result(base, key) != result(head, key));
    differs.map(|(view, target)| (target.clone(), view.clone())).collect()
}
