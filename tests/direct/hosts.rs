//! Where a module's host says that its repository is; the whole program against a loopback proxy to the hosts.

use std::fs;
use std::process::Command;

use crate::cli::{Project, SMALL_SDK, same, zip};
use crate::server::{Hosts, Pages};
use crate::support::{GOROOT, World};

/// A page with a `go-import` tag.
fn page(import: &str) -> (u16, Vec<u8>) {
    (200, format!("<!DOCTYPE html>\n<html><head><meta name=\"go-import\" content=\"{import}\"></head></html>\n").into_bytes())
}

/// Repositories with a module at the top, one in `sub` and one in `inner/dir`, all as `path` says.
fn hosts(world: &World, pages: &[(&str, (u16, Vec<u8>))]) -> Hosts {
    for (name, path) in
        [("m", "git.example/m"), ("d", "git.example/d"), ("s", "git.example/repos/s.git"), ("y", "gopkg.in/y.v2")]
    {
        let repo = world.repo(name);
        let major = if path.starts_with("gopkg.in") { 2 } else { 1 };
        repo.commit(&[
            ("go.mod", &format!("module {path}\n")),
            ("m.go", "package m\n\nconst M = 1\n"),
            ("sub/go.mod", &format!("module {path}/sub\n")),
            ("sub/m.go", "package m\n\nconst M = 2\n"),
            ("inner/dir/go.mod", &format!("module {path}\n")),
            ("inner/dir/m.go", "package m\n\nconst M = 3\n"),
        ]);
        for tag in [format!("v{major}.0.0"), format!("sub/v{major}.0.0"), format!("inner/dir/v{major}.0.0")] {
            repo.tag(&tag);
        }
        repo.commit(&[("new.go", "package m\n")]);
    }
    let pages: Pages = pages.iter().map(|(path, page)| ((*path).to_owned(), page.clone())).collect();
    Hosts::start(pages, world.path("repos"))
}

/// A project that needs `module`, with what `go mod download` has as its hash in go.sum; the text is its error, if it has none.
fn project(hosts: &Hosts, world: &World, module: &str, settings: &[(&str, &str)]) -> (Project, String) {
    let (path, version) = module.split_once('@').unwrap();
    let spec = format!(
        "go_sdk(source = archive(\n    urls = {{\"linux/amd64\": [\"{}\"]}},\n    sha256 = {{\"linux/amd64\": \"{}\"}},\n))\n\nplatforms(\"linux/amd64\")\n",
        SMALL_SDK.url, SMALL_SDK.sha256
    );
    let mut project = Project::new(&[
        ("godirect.star", &spec),
        ("go.mod", &format!("module example.com/p\n\ngo 1.27\n\ntoolchain go1.27.3\n\nrequire {path} {version}\n")),
        ("main.go", &format!("package main\n\nimport m \"{path}\"\n\nfunc main() {{ println(m.M) }}\n")),
    ]);
    let config = world.path("gitconfig").display().to_string();
    let variables = [
        ("GOPROXY", "direct"),
        ("GOINSECURE", "*.example,gopkg.in"),
        ("GOPRIVATE", "private.example"),
        ("http_proxy", hosts.proxy.as_str()),
        ("https_proxy", hosts.proxy.as_str()),
        ("GIT_CONFIG_GLOBAL", &config),
        ("GIT_CONFIG_SYSTEM", "/dev/null"),
    ];
    for (name, value) in variables.iter().chain(settings) {
        project = project.env(name, value);
    }
    project.env.extend(std::env::var("PATH").map(|path| ("PATH".to_owned(), path)));
    let mut go = Command::new(GOROOT.join("bin/go"));
    go.env_clear().envs(&project.env).current_dir(project.path("home"));
    go.env("GOMODCACHE", project.path("gomodcache")).env("GOCACHE", project.path("gocache"));
    go.envs([("GONOSUMDB", "*"), ("GOTOOLCHAIN", "local")]);
    let output = go.args(["mod", "download", "-modcacherw", "-json", module]).output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let sum = json["Sum"].as_str();
    // Without a hash the module isn't even looked for.
    let h1 = sum.unwrap_or("h1:9LQ6xuew6aOyqFMdSHbQ3mR3yrPpDzoPYZFOGdPpmXo=");
    project.write("go.sum", &format!("{path} {version} {h1}\n{path} {version}/go.mod {h1}\n"));
    (project, json["Error"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn hosts_say_where_repositories_are() {
    let world = World::new();
    let proxied =
        zip(&crate::cli::Tree::from([("git.example/p@v1.0.0/p.go".to_owned(), b"package p\n\nconst M = 4\n".to_vec())]));
    let hosts = hosts(
        &world,
        &[
            ("git.example/m", page("git.example/m git http://git.example/repos/m")),
            ("git.example/m/sub", page("git.example/m git http://git.example/repos/m")),
            ("git.example/d", (404, page("git.example/d git http://git.example/repos/d inner/dir").1)),
            ("gopkg.in/y.v2", page("gopkg.in/y.v2 git http://git.example/repos/y")),
            ("git.example/p", page("git.example/p mod http://git.example/proxy")),
            ("git.example/proxy/git.example/p/@v/v1.0.0.info", (200, b"{\"Version\":\"v1.0.0\"}".to_vec())),
            ("git.example/proxy/git.example/p/@v/v1.0.0.mod", (200, b"module git.example/p\n".to_vec())),
            ("git.example/proxy/git.example/p/@v/v1.0.0.zip", (200, proxied)),
            ("private.example/m", page("private.example/m git http://user:secret@private.example/repos/y")),
        ],
    );
    let private = world.repo("y");
    private.commit(&[("go.mod", "module private.example/m\n")]).tag("v1.0.0");
    for module in [
        "git.example/m@v1.0.0",
        "git.example/m/sub@v1.0.0",
        "git.example/d@v1.0.0",
        "git.example/repos/s.git@v1.0.0",
        "git.example/repos/s.git/sub@v1.0.0",
        "gopkg.in/y.v2@v2.0.0",
        "git.example/p@v1.0.0",
        "private.example/m@v1.0.0",
    ] {
        let (project, theirs) = project(&hosts, &world, module, &[]);
        assert_eq!(theirs, "", "go mod download {module}");
        let ran = project.run(&["lock"]);
        assert_eq!(ran.code, Some(0), "{module}: {}", ran.stderr);
        assert!(!project.read("godirect.lock.json").contains("user:secret"));
        for (name, content) in crate::cli::read_tree(&project.path("cache")) {
            assert!(!content.windows(11).any(|window| window == b"user:secret"), "{module}: a password in {name}");
        }
    }
}

#[test]
fn passwords_come_from_netrc() {
    let world = World::new();
    let hosts = hosts(&world, &[("private.example/m", page("private.example/m git http://private.example/repos/m"))]);
    let module = "private.example/m@v1.0.0";
    let (refused, theirs) = project(&hosts, &world, module, &[]);
    assert_ne!(theirs, "");
    refused.fails(
        &["lock"],
        3,
        "error: failed to fetch private.example/m@v1.0.0: git can't read http://private.example/repos/m: fatal: could not read \
         Username for 'http://private.example': terminal prompts disabled\n --> main.go:3:10\n  |\n3 | import m \"private.example/m\"\n\
         \x20 |          ^^^^^^^^^^^^^^^^^^^\n  |\nhelp: git asks for no password: put it into ~/.netrc or a credential helper, or let git \
         use SSH: `git config --global url.ssh://git@<host>/.insteadOf https://<host>/`\n",
    );
    fs::write(refused.path("home").join(".netrc"), "machine private.example login user password secret\n").unwrap();
    let ran = refused.run(&["lock"]);
    assert_eq!(ran.code, Some(4), "now it is found, and isn't what go.sum says: {}", ran.stderr);
    assert!(!ran.stderr.contains("secret"));
}

#[test]
fn what_hosts_must_not_say() {
    let world = World::new();
    let marker = world.path("marker");
    let touch = format!("private.example/e git ext::sh%20-c%20touch%20{}://x", marker.display());
    let option = format!("git.example/o git ssh://-oProxyCommand=touch%20{}/x", marker.display());
    let file = format!("git.example/f git file://{}", world.path("repos/m").display());
    let hosts = hosts(
        &world,
        &[
            ("git.example/e", page(&touch.replace("private.example", "git.example"))),
            ("git.example/o", page(&option)),
            ("git.example/f", page(&file)),
            ("git.example/l", page("git.example/l git --upload-pack=x")),
            ("git.example/b", page("git.example/b bzr http://git.example/repos/m")),
            ("git.example/h", page("git.example/h hg http://git.example/repos/m")),
            ("git.example/v", page("git.example/v svn http://git.example/repos/m")),
            ("git.example/x/y", page("git.example/x git http://git.example/repos/m")),
            ("git.example/x", page("git.example/x git http://git.example/repos/d")),
            ("git.example/w", page("other.example git http://git.example/repos/m")),
            ("git.example/t", page("git.example/t git http://git.example/repos/m -sub")),
            ("git.example/m", page("git.example/m git http://git.example/repos/m")),
            ("git.example/g", page("git.example/g git http://user:secret@git.example/repos/none")),
        ],
    );
    let refused = "godirect fetches from https, ssh and git URLs; tell who runs the host of the module path";
    let unsupported = "use a module proxy that has the module, or `replace` it by a local directory";
    let find = "check the module path in go.mod; for a private repository set GOPRIVATE and let git in by SSH or netrc, or use a path that ends with `.git`";
    let url = |path: &str| format!("http://git.example/{path}");
    let cases: Vec<(&str, u8, String, String)> = vec![
        (
            "git.example/e",
            2,
            format!("{}: refused repository URL: its scheme `ext` is not one for repositories", url("e")),
            refused.to_owned(),
        ),
        (
            "git.example/o",
            2,
            format!("{}: refused repository URL: its host or user is missing or begins with a dash", url("o")),
            refused.to_owned(),
        ),
        (
            "git.example/f",
            2,
            format!("{}: refused repository URL: its scheme `file` is not one for repositories", url("f")),
            refused.to_owned(),
        ),
        ("git.example/l", 2, format!("{}: refused repository URL: relative URL without a base", url("l")), refused.to_owned()),
        (
            "git.example/b",
            2,
            "GOVCS disallows using bzr for public git.example/b".to_owned(),
            "`go help vcs` explains GOVCS".to_owned(),
        ),
        (
            "git.example/h",
            2,
            "git.example/h is in a repository of `hg`, and godirect knows only git".to_owned(),
            unsupported.to_owned(),
        ),
        (
            "git.example/v",
            2,
            "GOVCS disallows using svn for public git.example/v".to_owned(),
            "`go help vcs` explains GOVCS".to_owned(),
        ),
        (
            "git.example/x/y",
            3,
            format!("{} and {} disagree about go-import for git.example/x", url("x/y"), url("x")),
            "the host of the module path is set up wrongly: tell who runs it".to_owned(),
        ),
        (
            "git.example/w",
            3,
            format!("{} names no repository: its go-import meta tags are for other.example", url("w")),
            find.to_owned(),
        ),
        (
            "git.example/none",
            3,
            format!("{} names no repository: 404 instead of a page with a go-import meta tag", url("none")),
            find.to_owned(),
        ),
        (
            "git.example/t",
            3,
            format!("{}: invalid subdirectory \"-sub\"", url("t")),
            "the host of the module path is set up wrongly: tell who runs it".to_owned(),
        ),
        (
            "git.example/g",
            3,
            "git can't read http://git.example/repos/none: fatal: repository 'http://git.example/repos/none/' not found"
                .to_owned(),
            "check the module path, the network and your access: `git ls-remote http://git.example/repos/none` does the same"
                .to_owned(),
        ),
    ];
    for (path, code, message, help) in cases {
        let (project, theirs) = project(&hosts, &world, &format!("{path}@v1.0.0"), &[]);
        assert_ne!(theirs, "", "{path}");
        let carets = "^".repeat(path.len() + 2);
        let text = format!(
            "error: failed to fetch {path}@v1.0.0: {message}\n --> main.go:3:10\n  |\n3 | import m \"{path}\"\n  |          {carets}\n  |\nhelp: {help}\n"
        );
        let ran = project.run(&["lock"]);
        same(&text, &ran.stderr);
        assert_eq!(ran.code, Some(code.into()), "{path}");
    }
    assert!(!marker.exists(), "a program of the host's choice was run");
}

#[test]
fn settings_that_forbid() {
    let world = World::new();
    let hosts = hosts(&world, &[("git.example/m", page("git.example/m git http://git.example/repos/m"))]);
    for (setting, code, message, help) in [
        (
            ("GOINSECURE", "other.example"),
            3,
            "failed to fetch the page that names its repository: https://git.example/m: tunnel error: unsuccessful",
            "check the network, GOPROXY and HTTPS_PROXY; what is in the cache needs no network",
        ),
        (("GOVCS", "*:off"), 2, "GOVCS disallows using git for public git.example/m", "`go help vcs` explains GOVCS"),
        (("GOVCS", "x"), 2, "malformed GOVCS: missing colon: \"x\"", "write e.g. `public:git,private:all`"),
    ] {
        let (project, theirs) = project(&hosts, &world, "git.example/m@v1.0.0", &[setting]);
        assert_ne!(theirs, "", "{setting:?}");
        let text = format!(
            "error: failed to fetch git.example/m@v1.0.0: {message}\n --> main.go:3:10\n  |\n3 | import m \"git.example/m\"\n  |          ^^^^^^^^^^^^^^^\n  |\nhelp: {help}\n"
        );
        project.fails(&["lock"], code, &text);
    }
    // Who has no git can still have what proxies and the cache have.
    let (project, theirs) = project(&hosts, &world, "git.example/m@v1.0.0", &[]);
    assert_eq!(theirs, "");
    let project = project.env("PATH", "/nonexistent");
    project.fails(
        &["lock"],
        3,
        "error: failed to fetch git.example/m@v1.0.0: http://git.example/repos/m: the program `git` is not installed\n \
         --> main.go:3:10\n  |\n3 | import m \"git.example/m\"\n  |          ^^^^^^^^^^^^^^^\n  |\nhelp: install git, or use a module proxy; \
         `git --version` says whether it runs\n",
    );
}
