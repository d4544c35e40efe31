//! What comes from outside: nothing, too little, or something else than was promised. Directories that can't be written.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;

use godirect::digest::Sha256;

use crate::support::{Project, SMALL_SDK, error, imported, module, same, unprivileged, with_module};

const ZIP: &str = "proxy/a.example/m/@v/v1.0.0.zip";
const SDK_MODULE: &str = "golang.org/toolchain@v0.0.1-go1.27.3.linux-amd64";
const SDK_ZIP: &str = "golang.org/toolchain/@v/v0.0.1-go1.27.3.linux-amd64.zip";
const INTERCEPTED: &str =
    "the bits may have been replaced on the origin server, or someone intercepted the download: find out before you build";

/// A port on which nobody listens: a connection's own end has it, so that no other test gets it meanwhile.
fn closed_port() -> (TcpStream, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let url = format!("http://{}", taken.local_addr().unwrap());
    (taken, url)
}

/// A server that gives everybody the same answer.
fn server(status: &'static str, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let length = body.len();
            let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
        }
    });
    url
}

#[test]
fn nobody_answers() {
    let (_taken, url) = closed_port();
    let help = "check the network, GOPROXY and HTTPS_PROXY; what is in the cache needs no network";
    let why = "Connection refused (os error 111)";
    let sdk = error(&format!("failed to fetch {SDK_MODULE}: {url}/{SDK_ZIP}: {why}"), help);
    let project = Project::example("01-hello").env("GOPROXY", &url).env("GOSUMDB", "sum.golang.org");
    project.fails(&["build"], 3, &sdk);
    project.succeeds(&["generate"]);
    let outdated = project.read("godirect.lock.json").replace("\"version\": 2", "\"version\": 1");
    project.write("godirect.lock.json", &outdated);
    let accept = "`godirect lock --accept-unverified` pins it without proof, and the lock says so";
    let unproven = |why: &str, help: &str| {
        let message = format!("failed to verify {SDK_MODULE}: failed to fetch sum.golang.org: {why}");
        error(&message, &format!("{help}; or {accept}"))
    };
    project.fails(&["lock"], 3, &unproven(&format!("{url}/sumdb/sum.golang.org/supported: {why}"), help));
    assert_eq!(project.read("godirect.lock.json"), outdated);
    project.fails(&["lock", "--accept-unverified"], 3, &sdk);
    assert_eq!(project.read("godirect.lock.json"), outdated);
    let module = format!("failed to fetch a.example/m@v1.0.0: {url}/a.example/m/@v/v1.0.0.zip: {why}");
    with_module().env("GOPROXY", &url).fails(&["lock"], 3, &imported(&module, help));
    let why = "module lookup disabled by GOPROXY=off";
    let help = "it is not in the cache: set GOPROXY to a module proxy";
    let project = project.env("GOPROXY", "off");
    project.fails(&["lock"], 3, &unproven(why, help));
    project.fails(&["lock", "--accept-unverified"], 3, &error(&format!("failed to fetch {SDK_MODULE}: {why}"), help));
}

#[test]
fn the_proxy_has_it_not() {
    let help = "check the path and version in go.mod, and GOPROXY";
    let url = server("404 Not Found", "not found: a.example/m@v1.0.0: unknown revision");
    let why = format!("{url}/a.example/m/@v/v1.0.0.zip: 404 Not Found: not found: a.example/m@v1.0.0: unknown revision");
    let message = format!("failed to fetch a.example/m@v1.0.0: {why}");
    with_module().env("GOPROXY", &url).fails(&["lock"], 3, &imported(&message, help));

    let project = with_module();
    fs::remove_file(project.path(ZIP)).unwrap();
    let message = format!("failed to fetch a.example/m@v1.0.0: $TMP/{ZIP}: no such file");
    project.fails(&["lock"], 3, &imported(&message, help));
    assert!(!project.root().join("godirect.lock.json").exists());
}

#[test]
fn truncated_downloads() {
    let project = with_module();
    let zip = fs::read(project.path(ZIP)).unwrap();
    for length in [0, 10, zip.len() / 2, zip.len() - 1] {
        fs::write(project.path(ZIP), &zip[..length]).unwrap();
        let ran = project.run(&["lock"]);
        let start = "error: a.example/m@v1.0.0: the zip is damaged: ";
        let end = "help: run it again; if that doesn't help, the server has a damaged file\n";
        assert!(ran.code == Some(3) && ran.stderr.starts_with(start) && ran.stderr.ends_with(end), "{ran:?}");
    }
    fs::write(project.path(ZIP), &zip).unwrap();
    project.succeeds(&["lock"]);
}

#[test]
fn another_module_than_go_sum_says() {
    let project = with_module();
    let (promised, other) = (module("const M = 1"), module("const M = 2"));
    fs::write(project.path(ZIP), other.zip).unwrap();
    let message =
        format!("checksum mismatch for a.example/m@v1.0.0: the module proxy has {}, go.sum has {}", other.h1, promised.h1);
    project.fails(&["lock"], 4, &imported(&message, INTERCEPTED));
    project.write("go.sum", "");
    let project = project.env("GOPRIVATE", "a.example");
    let help = "`go mod tidy` adds it, or `go mod download a.example/m`";
    project.fails(&["lock"], 2, &imported("a.example/m@v1.0.0: missing go.sum entry", help));
}

#[test]
fn another_module_than_the_lock_says() {
    let project = with_module();
    project.succeeds(&["lock"]);
    let (promised, other) = (module("const M = 1"), module("const M = 2"));
    fs::write(project.path(ZIP), other.zip).unwrap();
    // What is in the cache needs no proxy; a fresh one does.
    assert_eq!(project.run(&["lock"]).code, Some(0));
    let project = project.env("GODIRECT_CACHE", "fresh");
    let message =
        format!("checksum mismatch for a.example/m@v1.0.0: the module proxy has {}, the lock has {}", other.h1, promised.h1);
    project.fails(&["build", "--platform", "linux/amd64"], 4, &error(&message, INTERCEPTED));
}

#[test]
fn another_sdk_than_was_pinned() {
    let project = with_module();
    project.succeeds(&["lock"]);
    let (right, wrong) = (SMALL_SDK.sha256.as_str(), Sha256::of("other").to_string());
    let help = "compare with the hash that the archive's publisher names";
    let message =
        |by: &str| format!("checksum mismatch for the SDK archive of linux/amd64: the server has {right}, {by} has {wrong}");
    for file in ["godirect.lock.json", "godirect.star"] {
        project.edit(file, right, &wrong);
    }
    let fresh = project.env("GODIRECT_CACHE", "fresh");
    fresh.fails(&["goroot"], 4, &error(&message("the lock"), help));
    fresh.edit("godirect.lock.json", &wrong, right);
    fresh.fails(&["lock"], 4, &error(&message("the spec"), help));
}

#[test]
fn cache_that_is_a_file() {
    let project = with_module();
    project.write("file", "");
    let project = project.env("GODIRECT_CACHE", "file");
    project.fails(
        &["lock"],
        3,
        &error(
            "failed to write $DIR/file: Not a directory (os error 20)",
            "GODIRECT_CACHE sets another directory for the cache",
        ),
    );
}

#[test]
fn directory_that_is_read_only() {
    let project = Project::example("01-hello");
    let mode = |path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    mode(project.path(""), 0o755);
    mode(project.root(), 0o555);
    let run = |arguments: &[&str]| project.ran(unprivileged(&project, arguments).output().unwrap());
    assert_eq!(run(&["generate"]).stdout, "fresh    17 generated files  TIME\n", "nothing to write is no error");
    project.edit("BUILD.bazel", "        \"runtime\",\n", "");
    let ran = run(&["generate"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(3), ""));
    same("error: failed to write BUILD.bazel: permission denied\n", &ran.stderr);

    fs::remove_file(project.root().join("godirect.star")).unwrap_or_else(|_| {
        mode(project.root(), 0o755);
        fs::remove_file(project.root().join("godirect.star")).unwrap();
        mode(project.root(), 0o555);
    });
    let ran = run(&["init"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(3), ""));
    same("error: failed to write godirect.star: permission denied\n", &ran.stderr);
    mode(project.root(), 0o755);
}

#[test]
fn files_that_cannot_be_read() {
    let project = Project::example("01-hello");
    fs::set_permissions(project.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    for file in ["godirect.star", "go.mod", "godirect.lock.json", "MODULE.bazel", "flake.nix"] {
        let path = project.root().join(file);
        let mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        mode(0o000);
        let ran = project.ran(unprivileged(&project, &["generate", "--check"]).output().unwrap());
        mode(0o644);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(3), ""));
        same(&format!("error: failed to read {file}: Permission denied (os error 13)\n"), &ran.stderr);
    }
}
