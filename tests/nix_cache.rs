//! Binary caches of Nix, in a directory and over HTTP: what one machine has built another one takes, if it is signed by a key that it trusts. And
//! downloads that only godirect may make.

#[allow(dead_code)]
#[path = "support/engines.rs"]
mod engines;
#[allow(dead_code)]
#[path = "support/https.rs"]
mod https;
#[allow(dead_code)]
#[path = "support/loopback.rs"]
mod loopback;
#[allow(dead_code)]
#[path = "support/cli.rs"]
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use loopback::Loopback;

static NIX: LazyLock<PathBuf> = LazyLock::new(|| engines::provisioned("nix.sh"));
const NAME: &str = "hello-linux_amd64";

fn nix(program: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(NIX.join(program));
    command.args(arguments).env("NIX_CONF_DIR", engines::repository("tests/env")).output().unwrap()
}

fn nix_ok(program: &str, arguments: &[&str]) -> String {
    engines::succeeded(&format!("{program} {arguments:?}"), &nix(program, arguments)).trim().to_owned()
}

/// Serves the files of a directory.
fn serve(directory: PathBuf) -> Loopback {
    Loopback::start(move |request, _, connection| {
        let content = fs::read(directory.join(request.target.trim_start_matches('/')));
        let (status, body) = content.map_or(("404 Not Found", Vec::new()), |body| ("200 OK", body));
        write!(connection, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
        if request.method == "HEAD" { Ok(()) } else { connection.write_all(&body) }
    })
}

/// Takes `path` from a binary cache into an empty store, and builds nothing.
fn substitute(path: &str, url: &str, key: &str) -> (Output, tempfile::TempDir) {
    let store = tempfile::tempdir().unwrap();
    let place = store.path().display().to_string();
    let mut arguments = vec!["--realise", path, "--store", &place, "--max-jobs", "0"];
    arguments.extend(["--option", "substituters", url, "--option", "trusted-public-keys", key]);
    (nix("nix-store", &arguments), store)
}

#[test]
fn what_is_signed_is_taken_and_nothing_else() {
    let example = engines::repository("examples/01-hello");
    let built = engines::nix_build(&example, &[NAME.to_owned()]).remove(0);
    let mut command = engines::godirect();
    command.current_dir(&example).args(["nix", "paths", "--system", "x86_64-linux", NAME]);
    let path = engines::succeeded("godirect nix paths", &command.output().unwrap()).trim().to_owned();
    assert!(built.ends_with(path.trim_start_matches('/')), "{path} is {}", built.display());

    let directory = tempfile::tempdir().unwrap();
    let place = |name: &str| directory.path().join(name).display().to_string();
    let (secret, public, cache) = (place("secret"), place("public"), place("cache"));
    for (secret, public) in [(&secret, &public), (&place("other"), &place("other.pub"))] {
        nix_ok("nix-store", &["--generate-binary-cache-key", "cache.example.com-1", secret, public]);
    }
    let store = built.ancestors().nth(3).unwrap().display().to_string();
    let url = format!("file://{cache}?secret-key={secret}&compression=none");
    nix_ok("nix", &["copy", "--store", &store, "--to", &url, &path]);
    // Who asks needs the hash alone.
    let hash = Path::new(&path).file_name().unwrap().to_str().unwrap().split('-').next().unwrap();
    assert!(Path::new(&cache).join(format!("{hash}.narinfo")).is_file());

    let server = serve(PathBuf::from(&cache));
    let key = fs::read_to_string(&public).unwrap();
    for url in [&format!("file://{cache}"), &server.url] {
        let (output, store) = substitute(&path, url, &key);
        engines::succeeded(&format!("taking it from {url}"), &output);
        let binary = |store: &Path| fs::read(store.join(path.trim_start_matches('/')).join("bin/hello")).unwrap();
        assert!(binary(store.path()) == binary(built.ancestors().nth(3).unwrap()), "{url}");
        let (output, store) = substitute(&path, url, &fs::read_to_string(place("other.pub")).unwrap());
        assert!(!output.status.success() && !store.path().join(path.trim_start_matches('/')).exists(), "{output:?}");
    }
    assert!(server.seen().iter().any(|request| request.target == format!("/{hash}.narinfo")));
}

/// A proxy that wants a password has a module; Nix has no network, and never sees the password.
#[test]
fn private_modules_come_without_credentials() {
    const PASSWORD: &str = "pa55-w0rd";
    let module = support::module("const M = \"private\"");
    let zip = module.zip.clone();
    let server = https::start(move |request, _, connection| {
        // `user:pa55-w0rd`.
        let is_allowed = request.header("authorization") == "Basic dXNlcjpwYTU1LXcwcmQ=";
        let body = match (is_allowed, request.target.as_str()) {
            (true, "/a.example/m/@v/v1.0.0.zip") => Some(zip.as_slice()),
            (true, "/a.example/m/@v/v1.0.0.mod") => Some(&b"module a.example/m\n\ngo 1.27\n"[..]),
            _ => None,
        };
        let status = if is_allowed { "404 Not Found" } else { "401 Unauthorized" };
        let status = if body.is_some() { "200 OK" } else { status };
        let body = body.unwrap_or_default();
        write!(connection, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
        connection.write_all(body)
    });
    // The lock has proven the SDK already.
    let lock = fs::read_to_string(engines::repository("examples/01-hello/godirect.lock.json")).unwrap();
    let project = support::Project::new(&[
        ("godirect.lock.json", &lock),
        ("godirect.star", "platforms(\"linux/amd64\", \"linux/arm64\")\nnix()\n"),
        ("go.mod", "module example.com/p\n\ngo 1.27\n\ntoolchain go1.27.3\n\nrequire a.example/m v1.0.0\n"),
        ("go.sum", &format!("a.example/m v1.0.0 {}\n", module.h1)),
        ("main.go", "package main\n\nimport \"a.example/m\"\n\nfunc main() { println(m.M) }\n"),
    ]);
    // The user's cache has the SDK, and nothing of this module comes into it.
    let users = support::GOROOT.ancestors().nth(2).unwrap();
    fs::create_dir_all(project.path("cache/download")).unwrap();
    for shared in ["sdk", "download/golang.org"] {
        std::os::unix::fs::symlink(users.join(shared), project.path("cache").join(shared)).unwrap();
    }
    let private = server.url.replace("https://", &format!("https://user:{PASSWORD}@"));
    let project = project.env("SSL_CERT_FILE", https::certificate()).env("GOPROXY", private);
    let project = project.env("NIX_CONF_DIR", engines::repository("tests/env").display());
    let store = engines::CACHE.join("nix-store");
    engines::nix_build(&engines::repository("examples/01-hello"), &["go".to_owned()]);
    let path = std::env::join_paths([NIX.as_path(), Path::new("/usr/bin"), Path::new("/bin")]).unwrap();
    let project = project.env("PATH", path.display()).env("NIX_REMOTE", store.display());

    let mut said = String::new();
    for arguments in [&["lock"][..], &["generate"], &["nix", "prefetch", "p"], &["nix", "instantiate", "p"]] {
        let output = project.command(arguments).output().unwrap();
        said += &engines::succeeded(&format!("godirect {arguments:?}"), &output);
        said += &String::from_utf8_lossy(&output.stderr);
    }
    let seen = server.seen().len();
    let derivation = said.lines().last().unwrap().to_owned();
    let output = nix("nix-store", &["--realise", &derivation, "--store", &store.display().to_string()]);
    let built = engines::succeeded("nix-store --realise", &output);
    said += &String::from_utf8_lossy(&output.stderr);
    let ran = Command::new(store.join(built.trim().trim_start_matches('/')).join("bin/p")).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&ran.stderr), "private\n");
    assert_eq!(server.seen().len(), seen, "the build has asked for something");
    // Nothing that Nix has of it knows the password.
    let all = nix_ok("nix-store", &["-qR", "--include-outputs", &derivation, "--store", &store.display().to_string()]);
    let own = all.lines().filter(|path| path.ends_with(".drv") || path.contains("a.example") || path.contains("go-p"));
    for path in own {
        let place = store.join(path.trim_start_matches('/'));
        let files =
            if place.is_dir() { support::read_tree(&place).into_values().collect() } else { vec![fs::read(&place).unwrap()] };
        for content in files {
            assert!(!String::from_utf8_lossy(&content).contains(PASSWORD), "{path}");
        }
    }
    for content in support::read_tree(&project.root()).into_values() {
        assert!(!String::from_utf8_lossy(&content).contains(PASSWORD));
    }
    assert!(!said.contains(PASSWORD), "{said}");
    // A second time, there is nothing to do.
    assert_eq!(project.succeeds(&["nix", "prefetch", "p"]), "");
}
