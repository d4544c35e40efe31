//! Credentials and proxies, with the pinned SDK's `go mod download` as the oracle.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use crate::https;
use crate::loopback::{Loopback, Seen, answer};
use crate::support::{GOROOT, Project, Ran, error, module, with_module};

const ZIP: &str = "/a.example/m/@v/v1.0.0.zip";
/// `user:xyzzy4711`.
const BASIC: &str = "Basic dXNlcjp4eXp6eTQ3MTE=";

/// A module proxy that gives its files to who has a password or a token.
fn protected() -> Loopback {
    https::start(|request, _, stream| {
        if request.header("authorization") == BASIC || request.header("x-token") == "xyzzy4711" {
            return files(request, stream);
        }
        answer(stream, "401 Unauthorized", "Www-Authenticate: Basic realm=x\r\nX-Y: a\r\nX-Y: b\r\n", b"who are you?\n")
    })
}

fn files(request: &Seen, stream: &mut dyn std::io::Write) -> std::io::Result<()> {
    match request.target.rsplit('.').next().unwrap() {
        "zip" => answer(stream, "200 OK", "", &module("const M = 1").zip),
        "mod" => answer(stream, "200 OK", "", b"module a.example/m\n\ngo 1.27\n"),
        "info" => answer(stream, "200 OK", "", b"{\"Version\": \"v1.0.0\"}"),
        _ => answer(stream, "404 Not Found", "", b""),
    }
}

/// A cache that has the SDK of these projects, and not the module.
static WARM: LazyLock<Project> = LazyLock::new(|| {
    let project = with_module();
    assert_eq!(project.run(&["lock"]).code, Some(0));
    for module in ["cache/download/a.example", "cache/mod"] {
        fs::remove_dir_all(project.path(module)).unwrap();
    }
    project
});

fn project(goproxy: &str) -> Project {
    let project = with_module().env("GOPROXY", goproxy).env("SSL_CERT_FILE", https::certificate());
    let status = Command::new("cp").arg("-r").arg(WARM.path("cache")).arg(project.path("cache")).status().unwrap();
    assert!(status.success());
    project
}

/// What the go command does with the same settings: whether it succeeds, and what it says.
fn go(project: &Project) -> (bool, String) {
    let mut go = Command::new(GOROOT.join("bin/go"));
    go.args(["mod", "download", "a.example/m"]).current_dir(project.root()).env_clear().envs(&project.env);
    go.env("GOMODCACHE", project.path("gomodcache")).env("GOFLAGS", "-modcacherw").env("GOSUMDB", "off");
    go.env("GOTOOLCHAIN", "local").env("PATH", std::env::var_os("PATH").unwrap());
    let output = go.output().unwrap();
    let _ = fs::remove_dir_all(project.path("gomodcache"));
    (output.status.success(), String::from_utf8(output.stderr).unwrap())
}

fn lock(project: &Project) -> Ran {
    let mut command = project.command(&["lock"]);
    project.ran(command.env("PATH", std::env::var_os("PATH").unwrap()).output().unwrap())
}

/// The credentials that came with requests for the zip, each once in a row: Go asks again even if it has nothing new.
fn credentials(server: &Loopback, from: usize) -> Vec<String> {
    let seen = server.seen().into_iter().skip(from).filter(|seen| seen.target.ends_with(".zip"));
    let mut found: Vec<String> =
        seen.map(|seen| format!("{}{}", seen.header("authorization"), seen.header("x-token"))).collect();
    found.dedup();
    found
}

/// No file of the program's has a secret: not the cache, the lock nor what it says.
#[track_caller]
fn no_secret(project: &Project, ran: &Ran) {
    fn search(directory: &Path) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                search(&path);
            } else {
                assert!(!has_secret(&fs::read(&path).unwrap()), "{}", path.display());
            }
        }
    }
    fn has_secret(bytes: &[u8]) -> bool {
        [&b"xyzzy4711"[..], b"dXNlcjp4eXp6eTQ3MTE"]
            .iter()
            .any(|xyzzy4711| bytes.windows(xyzzy4711.len()).any(|window| window == *xyzzy4711))
    }
    search(&project.path("cache"));
    search(&project.root());
    assert!(!has_secret(ran.stdout.as_bytes()) && !has_secret(ran.stderr.as_bytes()), "{}{}", ran.stdout, ran.stderr);
}

fn script(project: &Project, name: &str, text: &str) -> String {
    let path = project.path(name);
    fs::write(&path, format!("#!/bin/sh\n{text}")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

/// Runs both programs, which must end alike and send the same credentials.
#[track_caller]
fn like_go(server: &Loopback, project: &Project, expected: bool) {
    let before = server.seen().len();
    let (ok, said) = go(project);
    assert_eq!(ok, expected, "go: {said}");
    let by_go = (credentials(server, before), fs::read_to_string(project.path("asked")).ok());
    let before = server.seen().len();
    let _ = fs::remove_file(project.path("asked"));
    let ran = lock(project);
    assert_eq!(ran.code, Some(if expected { 0 } else { 3 }), "{}", ran.stderr);
    let by_us = (credentials(server, before), fs::read_to_string(project.path("asked")).ok());
    let lines = |text: Option<String>| {
        let text = text.unwrap_or_default().replace(".info", ".zip").replace(".mod", ".zip");
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        // Go writes header lines in any order, and asks for other files of the module before the zip.
        lines.sort();
        lines.dedup();
        lines
    };
    if expected {
        // What Go learned from the requests before that for the zip, it has from the first request for it on.
        assert_eq!(by_us.0.last(), by_go.0.last());
        assert_eq!(lines(by_us.1), lines(by_go.1));
    }
    no_secret(project, &ran);
}

/// A setting, what it refers to by name, and whether it gets the module.
type Case = (&'static str, &'static [(&'static str, &'static str)], bool);

#[test]
fn netrc() {
    let server = protected();
    let host = server.url.trim_start_matches("https://").to_owned();
    let machine = |text: &str| {
        let project = project(&server.url);
        fs::write(project.path("home/.netrc"), text.replace("HOST", &host)).unwrap();
        project
    };
    let ours = |project: Project, expected| like_go(&server, &project, expected);
    ours(machine("machine HOST login user password xyzzy4711\n"), true);
    ours(machine("machine HOST login user password xyzzy4711\nmachine HOST login other password other\n"), true);
    ours(machine("machine HOST/a.example login user password xyzzy4711\nmachine HOST login other password other\n"), true);
    ours(machine("default login x password y\nmachine HOST login user password xyzzy4711\n"), true);
    ours(machine("machine 127.0.0.1 login user password xyzzy4711\n"), false);
    ours(machine("machine HOST login user\n"), false);
    ours(machine("machine HOST login user password xyzzy4711\n").env("GOAUTH", "off"), false);
    let elsewhere = machine("");
    fs::write(elsewhere.path("passwords"), format!("machine {host} login user password xyzzy4711")).unwrap();
    let path = elsewhere.path("passwords").display().to_string();
    ours(elsewhere.env("NETRC", path), true);
}

#[test]
fn programs_of_goauth() {
    const FIXED: &str = "cat <<END\nURL\n\nAuthorization: Basic dXNlcjp4eXp6eTQ3MTE=\n\nEND\n";
    const TOKEN: &str =
        "echo $# \"$@\" >>ASKED\n[ $# = 2 ] || exit 0\ncat >>ASKED\ncat <<END\nURL/a.example\n\nX-Token: xyzzy4711\n\nEND\n";
    const BROKEN: &str = "echo xyzzy4711; echo xyzzy4711 >&2; exit 7\n";
    let cases: [Case; 8] = [
        ("one", &[("one", FIXED)], true),
        ("one 'an argument'", &[("one", TOKEN)], true),
        ("one ; netrc", &[("one", FIXED)], true),
        ("netrc; one", &[("one", FIXED)], true),
        ("one; two", &[("one", BROKEN), ("two", FIXED)], true),
        ("one; two", &[("one", "cat <<END\nURL\n\nX-Token: xyzzy4711\n\nEND\n"), ("two", FIXED)], true),
        ("one", &[("one", BROKEN)], false),
        ("one", &[("one", "echo xyzzy4711\n")], false),
    ];
    for (goauth, scripts, expected) in cases {
        let server = protected();
        let project = project(&server.url);
        let mut goauth = goauth.to_owned();
        for (name, text) in scripts {
            let asked = project.path("asked").display().to_string();
            let path = script(&project, name, &text.replace("URL", &server.url).replace("ASKED", &asked));
            goauth = goauth.replace(name, &path);
        }
        like_go(&server, &project.env("GOAUTH", goauth), expected);
    }
}

#[test]
fn what_a_broken_program_is_said_to_be() {
    let server = protected();
    let project = project(&server.url);
    let path = script(&project, "helper", "echo xyzzy4711 >&2\nexit 7\n");
    let project = project.env("GOAUTH", format!("{path} --token=xyzzy4711"));
    let ran = lock(&project);
    no_secret(&project, &ran);
    let message = format!(
        "failed to fetch a.example/m@v1.0.0: {}{ZIP}: 401 Unauthorized: who are you?; GOAUTH: $TMP/helper: exit status: 7",
        server.url
    );
    let help = "user and password for the module proxy come from ~/.netrc, from what GOAUTH names, or from the URL in GOPROXY; \
                without https they are not sent";
    let expected = error(&message, help);
    assert_eq!(ran.stderr.lines().next(), expected.lines().next());
    assert_eq!(ran.stderr.lines().last(), expected.lines().last());
}

#[test]
fn git_credentials() {
    let server = protected();
    let project = project(&server.url);
    let git = project.path("git");
    fs::create_dir_all(&git).unwrap();
    let run = |arguments: &[&str]| {
        let status = Command::new("git").args(arguments).current_dir(&git).status().expect("git must be installed");
        assert!(status.success());
    };
    run(&["init", "-q"]);
    let log = project.path("log").display().to_string();
    let helper = script(
        &project,
        "helper",
        &format!("echo $1 >>{log}\ncat >/dev/null\n[ $1 = get ] && printf 'username=user\\npassword=xyzzy4711\\n'\nexit 0\n"),
    );
    run(&["config", "credential.helper", &helper]);
    let project = project.env("GOAUTH", format!("git {}", git.display()));
    let (ok, said) = go(&project);
    assert!(ok, "{said}");
    let (by_go, before) = (credentials(&server, 0), server.seen().len());
    fs::write(&log, "").unwrap();
    let ran = lock(&project);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    // Go knows the password already from the requests before that for the zip.
    assert_eq!((by_go.last(), credentials(&server, before)), (Some(&BASIC.to_owned()), vec![String::new(), BASIC.to_owned()]));
    assert_eq!(fs::read_to_string(&log).unwrap(), "get\nstore\n", "git is told that it was right");
    no_secret(&project, &ran);
}

#[test]
fn malformed_goauth() {
    let server = protected();
    for (goauth, why) in [
        ("netrc;;netrc", "it has an empty command"),
        ("off; netrc", "`off` cannot be combined with other commands"),
        ("git", "`git` needs the absolute path of a directory"),
        ("git a/b", "`git` needs the absolute path of a directory"),
        ("git /nowhere/x", "there is no directory /nowhere/x"),
        ("\"/x", "a quotation has no end"),
    ] {
        let project = project(&server.url).env("GOAUTH", goauth);
        let (ok, said) = go(&project);
        assert!(!ok, "{said}");
        let ran = lock(&project);
        assert_eq!(ran.code, Some(2), "{}", ran.stderr);
        assert!(ran.stderr.starts_with(&format!("error: malformed GOAUTH: {why}\n")), "{}", ran.stderr);
    }
}

/// Where a proxy sends the client gets nothing of what is for the proxy.
#[test]
fn credentials_do_not_follow_to_another_server() {
    let storage = https::start(|request, _, stream| files(request, stream));
    for way in ["in the URL", "netrc", "program"] {
        let target = storage.url.clone();
        let proxy = https::start(move |request, _, stream| {
            let known = request.header("authorization") == BASIC || request.header("x-token") == "xyzzy4711";
            let location = format!("Location: {target}{}\r\n", request.target);
            answer(stream, if known { "302 Found" } else { "401 Unauthorized" }, &location, b"")
        });
        let url = if way == "in the URL" { proxy.url.replace("://", "://user:xyzzy4711@") } else { proxy.url.clone() };
        let mut project = project(&url);
        if way == "netrc" {
            let host = proxy.url.trim_start_matches("https://");
            fs::write(project.path("home/.netrc"), format!("machine {host} login user password xyzzy4711\n")).unwrap();
        }
        if way == "program" {
            let text = format!("printf '{}\\n\\nX-Token: xyzzy4711\\n\\n'", proxy.url);
            let path = script(&project, "helper", &text);
            project = project.env("GOAUTH", path);
        }
        let before = storage.seen().len();
        let ran = lock(&project);
        assert_eq!(ran.code, Some(0), "{way}: {}", ran.stderr);
        assert_eq!(credentials(&storage, before), [""], "{way}");
        no_secret(&project, &ran);
    }
}

#[test]
fn https_stays_https() {
    let plain = Loopback::start(|request, _, stream| files(request, stream));
    let target = plain.url.clone();
    let proxy = https::start(move |request, _, stream| {
        answer(stream, "302 Found", &format!("Location: {target}{}?signature=xyzzy4711\r\n", request.target), b"")
    });
    let project = project(&proxy.url);
    assert!(!go(&project).0);
    let ran = lock(&project);
    let message =
        format!("failed to fetch a.example/m@v1.0.0: {}{ZIP}: redirected to the insecure URL {}{ZIP}", proxy.url, plain.url);
    let help = "check the network, GOPROXY and HTTPS_PROXY; what is in the cache needs no network";
    let expected = error(&message, help);
    assert_eq!((ran.code, ran.stderr.lines().next()), (Some(3), expected.lines().next()));
    assert!(plain.seen().is_empty());
    no_secret(&project, &ran);
}

/// A server that nobody vouches for.
#[test]
fn certificates_are_verified() {
    let server = https::start(|request, _, stream| files(request, stream));
    let mut project = project(&server.url);
    project.env.remove("SSL_CERT_FILE");
    let ran = lock(&project);
    let message = format!("failed to fetch a.example/m@v1.0.0: {}{ZIP}: invalid peer certificate: UnknownIssuer", server.url);
    assert_eq!((ran.code, ran.stderr.lines().next()), (Some(3), Some(format!("error: {message}").as_str())));
    assert!(server.seen().is_empty());
}

/// Forward proxies, by whose log both programs are compared.
#[test]
fn forward_proxies() {
    let secure = https::start(|request, _, stream| files(request, stream));
    let plain = Loopback::start(|request, _, stream| files(request, stream));
    let cases: [Case; 9] = [
        ("https://a.example", &[("HTTPS_PROXY", "SECURE")], true),
        ("https://a.example", &[("https_proxy", "SECURE")], true),
        ("https://a.example:8443/x", &[("HTTPS_PROXY", "SECURE"), ("NO_PROXY", "b.example")], true),
        ("https://a.example", &[("HTTPS_PROXY", "SECURE"), ("NO_PROXY", "b.example, .example")], false),
        ("https://a.example", &[("HTTPS_PROXY", "SECURE"), ("no_proxy", "*")], false),
        ("https://a.example", &[("HTTP_PROXY", "SECURE")], false),
        ("http://b.example", &[("HTTP_PROXY", "PLAIN")], true),
        ("http://b.example", &[("HTTPS_PROXY", "PLAIN")], false),
        // It isn't asked for what is on this machine.
        ("LOCAL", &[("HTTP_PROXY", "PLAIN"), ("HTTPS_PROXY", "SECURE")], true),
    ];
    for (goproxy, variables, expected) in cases {
        let (through, by_plain) = (https::forward(&secure), https::forward(&plain));
        let with_password = |proxy: &Loopback| proxy.url.replace("://", "://user:xyzzy4711@");
        let mut project = project(&goproxy.replace("LOCAL", &plain.url));
        for (name, value) in variables {
            let value = value.replace("SECURE", &with_password(&through)).replace("PLAIN", &with_password(&by_plain));
            project = project.env(name, value);
        }
        let log = || {
            let asked = through.seen().into_iter().chain(by_plain.seen());
            let line = |seen: Seen| format!("{} {} {}", seen.method, seen.target, seen.header("proxy-authorization"));
            asked.map(line).filter(|line| line.starts_with("CONNECT") || line.contains(".zip")).collect::<Vec<_>>()
        };
        let (ok, said) = go(&project);
        assert_eq!(ok, expected, "{goproxy} {variables:?}: {said}");
        let by_go = log();
        let ran = lock(&project);
        assert_eq!(ran.code, Some(if expected { 0 } else { 3 }), "{goproxy} {variables:?}: {}", ran.stderr);
        let mut by_us = log().split_off(by_go.len());
        let mut by_go = by_go;
        by_go.dedup();
        by_us.dedup();
        assert_eq!(by_us, by_go, "{goproxy} {variables:?}");
        no_secret(&project, &ran);
    }
    for seen in secure.seen().into_iter().chain(plain.seen()) {
        assert_eq!(seen.header("proxy-authorization"), "", "the proxy's password is for the proxy");
    }
}
