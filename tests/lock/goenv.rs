//! Settings, as the pinned SDK's own `go env` has them.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::support::*;

/// What GoEnv has, as `go env -json` names it.
fn settings(env: &GoEnv) -> BTreeMap<String, String> {
    let gomodcache = env.gomodcache.display().to_string();
    let all = [
        ("GOAUTH", &env.goauth),
        ("GOINSECURE", &env.goinsecure),
        ("GOMODCACHE", &gomodcache),
        ("GONOPROXY", &env.gonoproxy),
        ("GONOSUMDB", &env.gonosumdb),
        ("GOPRIVATE", &env.goprivate),
        ("GOPROXY", &env.goproxy),
        ("GOSUMDB", &env.gosumdb),
        ("GOVCS", &env.govcs),
    ];
    all.into_iter().map(|(name, value)| (name.to_owned(), value.clone())).collect()
}

fn of_go(goroot: &Path, variables: &BTreeMap<&str, String>) -> BTreeMap<String, String> {
    let mut command = Command::new(goroot.join("bin/go"));
    command.args(["env", "-json"]).args(settings(&GoEnv::default()).keys());
    let output = command.env_clear().env("GOTOOLCHAIN", "local").envs(variables).output().unwrap();
    assert!(output.status.success(), "{variables:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A file of `go env -w`, with lines that Go ignores, and one whose carriage return belongs to the value.
const FILE: &str = "# comment=x\nGOPROXY=https://first.example\nGOPROXY=https://file.example|direct\n GONOPROXY=indented\n\
                    goauth=lower\nGOPRIVATE=*.corp.example, other.example\nGOSUMDB=\nno equals sign\nGOVCS=public:git\r\n=x\n\
                    GONOSUMDB=none\nGOINSECURE=a=b";

#[test]
fn settings_are_those_of_go() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name).display().to_string();
    for (name, text) in [
        ("home/.config/go/env", "GOPROXY=https://home.example\nGOMODCACHE=/m\n"),
        ("xdg/go/env", "GOPATH=/x:/y\n"),
        ("file", FILE),
        ("empty", ""),
        ("cleared", "GOPROXY=\nGOSUMDB=\nGOAUTH=\nGOMODCACHE=\nGOPATH=\nGOPRIVATE=p.example\nGONOPROXY=\nGONOSUMDB=\n"),
    ] {
        std::fs::create_dir_all(Path::new(&at(name)).parent().unwrap()).unwrap();
        std::fs::write(at(name), text).unwrap();
    }
    let home = ("HOME", at("home"));
    let given = |name: &'static str, value: &str| (name, value.to_owned());
    let cases: Vec<Vec<(&str, String)>> = vec![
        vec![home.clone()],
        vec![home.clone(), given("GOENV", "off")],
        vec![home.clone(), given("GOENV", "")],
        vec![home.clone(), ("GOENV", at("file"))],
        vec![home.clone(), ("GOENV", at("empty"))],
        vec![home.clone(), ("GOENV", at("cleared"))],
        vec![home.clone(), ("GOENV", at("none"))],
        vec![home.clone(), ("XDG_CONFIG_HOME", at("xdg"))],
        vec![home.clone(), given("XDG_CONFIG_HOME", "relative")],
        vec![("XDG_CONFIG_HOME", at("xdg"))],
        vec![home.clone(), ("GOENV", at("file")), given("GOPROXY", ""), given("GOPRIVATE", ""), given("GOSUMDB", "off")],
        vec![home.clone(), ("GOENV", at("file")), given("GOPROXY", "off"), given("GOPRIVATE", "x.example")],
        vec![home.clone(), given("GOPRIVATE", "x.example"), given("GONOPROXY", "none"), given("GONOSUMDB", "")],
        vec![home.clone(), given("GOPRIVATE", "x.example"), given("GONOSUMDB", "y.example")],
        vec![home.clone(), given("GOAUTH", "off"), given("GOINSECURE", "*"), given("GOVCS", "*:off")],
        vec![home.clone(), given("GOAUTH", " git /x ; netrc"), given("GOPROXY", " a.example , b.example|direct")],
        vec![home.clone(), given("GOENV", "off"), given("GOPATH", "/p:/q")],
        vec![home.clone(), given("GOENV", "off"), given("GOPATH", "/p/q/")],
        vec![home.clone(), given("GOPATH", "/p"), given("GOMODCACHE", "/c")],
        vec![home.clone(), given("GOENV", "off"), given("GOMODCACHE", "/c/")],
        vec![home, given("GOENV", "off"), given("NETRC", "/n")],
    ];
    for case in cases {
        let variables: BTreeMap<&str, String> = case.into_iter().collect();
        let ours = GoEnv::of(&|name| variables.get(name).cloned(), Some(&GOROOT));
        assert_eq!(settings(&ours), of_go(&GOROOT, &variables), "{variables:?}");
    }
}

/// Without an SDK at hand, the defaults are those of the pinned one.
#[test]
fn defaults_are_those_of_the_sdk() {
    let none = |_: &str| None;
    assert!(GoEnv::of(&none, None) == GoEnv::of(&none, Some(&GOROOT)));
}

/// A company's own SDK may have other defaults.
#[test]
fn an_sdk_has_defaults_of_its_own() {
    let goroot = tempfile::tempdir().unwrap();
    std::fs::write(goroot.path().join("go.env"), "# ours\nGOPROXY=https://proxy.corp.example\nGOSUMDB=off\n").unwrap();
    let env = GoEnv::of(&|_| None, Some(goroot.path()));
    assert_eq!((env.goproxy.as_str(), env.gosumdb.as_str()), ("https://proxy.corp.example", "off"));
    let env = GoEnv::of(&|name| (name == "GOPROXY").then(|| "direct".to_owned()), Some(goroot.path()));
    assert_eq!((env.goproxy.as_str(), env.gosumdb.as_str()), ("direct", "off"));
}
