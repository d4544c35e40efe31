//! Lists of module proxies, and what comes through them.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;

use godirect::error::Class;

use crate::loopback::{Loopback, answer};
use crate::support::*;

#[test]
fn what_the_proxy_has_not() {
    let server = Server::start(Files::new());
    let url = &server.url;
    let env = Env::new(url);
    assert_eq!(
        fetch(&env, OTHER_HASH).unwrap_err().to_string(),
        format!(
            "failed to fetch a.example/m@v1.0.0: {url}/a.example/m/@v/v1.0.0.zip: 404 Not Found: not found: no such module \
             (check the path and version in go.mod, and GOPROXY)"
        )
    );
    assert_eq!(server.requests(), 1, "404 is final");
    assert_eq!(
        fetch(&Env::new("off"), OTHER_HASH).unwrap_err().to_string(),
        "failed to fetch a.example/m@v1.0.0: module lookup disabled by GOPROXY=off \
         (it is not in the cache: set GOPROXY to a module proxy)"
    );
}

#[test]
fn the_next_proxy_is_asked_as_the_separator_says() {
    let good = serve_zip(zip_of(&GOOD));
    let hash = h1_of(&GOOD).to_string();
    let empty = Server::start(Files::new());
    fetch(&Env::new(&format!("{},{}", empty.url, good.url)), &hash).unwrap();
    let broken = || Server::start(Files::from([("a.example/m/@v/v1.0.0.zip".to_owned(), (503, b"down".to_vec()))]));
    let (comma, pipe) = (broken(), broken());
    fetch(&Env::new(&format!("{}|{}", pipe.url, good.url)), &hash).unwrap();
    assert_eq!(
        fetch(&Env::new(&format!("{},{}", comma.url, good.url)), &hash).unwrap_err().to_string(),
        format!(
            "failed to fetch a.example/m@v1.0.0: {}/a.example/m/@v/v1.0.0.zip: 503 Service Unavailable: down \
             (check the network, GOPROXY and HTTPS_PROXY; what is in the cache needs no network)",
            comma.url
        )
    );
    assert_eq!(comma.requests(), 3, "a failing server is asked again");
}

#[test]
fn no_network() {
    // A connection's own end has the port, so that no other test listens there meanwhile.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let port = taken.local_addr().unwrap().port();
    let env = Env::new(&format!("http://127.0.0.1:{port}"));
    let error = fetch(&env, OTHER_HASH).unwrap_err();
    assert_eq!(error.class(), Class::Environment);
    assert_eq!(
        error.to_string(),
        format!(
            "failed to fetch a.example/m@v1.0.0: http://127.0.0.1:{port}/a.example/m/@v/v1.0.0.zip: \
             Connection refused (os error 111) \
             (check the network, GOPROXY and HTTPS_PROXY; what is in the cache needs no network)"
        )
    );
}

/// Go doesn't send them either (`web.get`).
#[test]
fn passwords_need_https() {
    let server = serve_zip(zip_of(&GOOD));
    let error = fetch(&Env::new(&server.url.replace("http://", "http://user:secret@")), OTHER_HASH).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "failed to fetch a.example/m@v1.0.0: {}/a.example/m/@v/v1.0.0.zip: user and password are not sent without https \
             (check the network, GOPROXY and HTTPS_PROXY; what is in the cache needs no network)",
            server.url
        )
    );
    assert_eq!(server.requests(), 0);
}

#[test]
fn file_proxies() {
    let env = Env::new("off");
    let directory = env.path().join("proxy/a.example/m/@v");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("v1.0.0.zip"), zip_of(&GOOD)).unwrap();
    let url = format!("file://{}", env.path().join("proxy").display());
    fetch(&Env::new(&url), &h1_of(&GOOD).to_string()).unwrap();
}

/// Version control is asked last, and alone for what no proxy may be told of; here GOVCS keeps it from being asked.
#[test]
fn what_is_left_to_version_control() {
    let server = Server::start(Files::new());
    let of = |goproxy: String, gonoproxy: &str| {
        let (gonoproxy, govcs) = (gonoproxy.to_owned(), "*:off".to_owned());
        let env = Env::of(&GoEnv { goproxy, gonoproxy, govcs, ..GoEnv::default() });
        let sums = sums(&format!("github.com/u/r v1.0.0 {OTHER_HASH}\n"));
        env.fetcher().module(&id("github.com/u/r@v1.0.0"), &sums).unwrap_err().to_string()
    };
    let expected = "failed to fetch github.com/u/r@v1.0.0: GOVCS disallows using git for public github.com/u/r \
                    (`go help vcs` explains GOVCS)";
    assert_eq!(of("direct".to_owned(), ""), expected);
    assert_eq!(of(server.url.clone(), "github.com/u"), expected);
    assert_eq!(of("off".to_owned(), "github.com/u"), expected);
    assert_eq!(server.requests(), 0, "a proxy isn't told of private modules");
    assert_eq!(of(format!("{},direct", server.url), ""), expected);
    assert_eq!(server.requests(), 1);
}

/// How the first proxy of a list answers.
#[derive(Clone, Copy, Debug, PartialEq)]
enum First {
    Status(u16),
    Redirects,
    HangsUp,
    IsClosed,
    IsAnEmptyDirectory,
}

/// The rest of a list.
#[derive(Clone, Copy, Debug)]
enum Rest {
    Nothing,
    Good,
    GoodDirectory,
    Off,
    OffThenGood,
    Direct,
}

/// Module proxies for one case: the first one, a good one, and a good one that is a directory.
struct Proxies {
    first: Loopback,
    good: Loopback,
    directory: tempfile::TempDir,
}

fn module_files(target: &str) -> Option<Vec<u8>> {
    match target.rsplit('.').next()? {
        "zip" => Some(zip_of(&GOOD)),
        "mod" => Some(GOOD[0].1.to_vec()),
        "info" => Some(b"{\"Version\": \"v1.0.0\"}".to_vec()),
        _ => None,
    }
}

impl Proxies {
    fn new(first: First) -> Proxies {
        let good = Loopback::start(|seen, _, stream| match module_files(&seen.target) {
            Some(body) => answer(stream, "200 OK", "", &body),
            None => answer(stream, "404 Not Found", "", b""),
        });
        let to = good.url.clone();
        let first = Loopback::start(move |seen, _, stream| match first {
            First::Status(200) => answer(stream, "200 OK", "", &module_files(&seen.target).unwrap()),
            First::Status(status) => answer(stream, &format!("{status} x"), "", b"no\n"),
            First::Redirects => answer(stream, "302 Found", &format!("Location: {to}{}\r\n", seen.target), b""),
            _ => Ok(()),
        });
        let directory = tempfile::tempdir().unwrap();
        let files = directory.path().join("good/a.example/m/@v");
        std::fs::create_dir_all(&files).unwrap();
        for name in ["v1.0.0.zip", "v1.0.0.mod", "v1.0.0.info"] {
            std::fs::write(files.join(name), module_files(name).unwrap()).unwrap();
        }
        Proxies { first, good, directory }
    }

    fn goproxy(&self, first: First, separator: &str, rest: Rest) -> String {
        let directory = |name: &str| format!("file://{}", self.directory.path().join(name).display());
        let first = match first {
            First::IsClosed => "http://127.0.0.1:1".to_owned(),
            First::IsAnEmptyDirectory => directory("empty"),
            _ => self.first.url.clone(),
        };
        let rest = match rest {
            Rest::Nothing => String::new(),
            Rest::Good => self.good.url.clone(),
            Rest::GoodDirectory => directory("good"),
            Rest::Off => "off".to_owned(),
            Rest::OffThenGood => format!("off,{}", self.good.url),
            Rest::Direct => "direct".to_owned(),
        };
        format!("{first}{separator}{rest}")
    }

    /// Whether the good proxy is asked for the zip, since the last call.
    fn asked(&self, before: usize) -> bool {
        self.good.seen().iter().skip(before).any(|seen| seen.target.ends_with(".zip"))
    }
}

/// Whether the pinned SDK's go command gets the module from this GOPROXY.
fn go_downloads(directory: &Path, goproxy: &str, gonoproxy: &str) -> bool {
    let mut go = Command::new(GOROOT.join("bin/go"));
    go.args(["mod", "download", "a.example/m@v1.0.0"]).current_dir(directory).env_clear();
    go.env("GOPROXY", goproxy).env("GONOPROXY", gonoproxy).env("GOMODCACHE", directory.join("gomodcache"));
    go.env("GOSUMDB", "off").env("GOTOOLCHAIN", "local").env("GOENV", "off").env("GOFLAGS", "-modcacherw");
    // Version control has no network here, and no program either.
    let ok = go.env("GOVCS", "*:off").output().unwrap().status.success();
    let _ = std::fs::remove_dir_all(directory.join("gomodcache"));
    ok
}

/// Each way in which a list can go on, with the go command as the oracle: whether the module comes, and from where.
#[test]
fn lists_as_go_goes_through_them() {
    use First::*;
    use Rest::*;
    let mut cases = Vec::new();
    for first in [Status(404), Status(410), Status(403), Status(500), HangsUp, IsClosed, IsAnEmptyDirectory] {
        cases.extend([(first, ",", Good), (first, "|", Good)]);
    }
    for rest in [Nothing, GoodDirectory, Off, OffThenGood, Direct] {
        cases.extend([(Status(404), ",", rest), (Status(500), "|", rest)]);
    }
    cases.extend([(Status(200), ",", Off), (Status(200), "|", Good), (Redirects, ",", Off), (Status(429), ",", Good)]);
    let hash = h1_of(&GOOD).to_string();
    for (first, separator, rest) in cases {
        for gonoproxy in ["", "a.example"] {
            // Version control is the only way then, whatever the list has.
            if !gonoproxy.is_empty() && !matches!((first, rest), (Status(200), _) | (_, Direct)) {
                continue;
            }
            let proxies = Proxies::new(first);
            let goproxy = proxies.goproxy(first, separator, rest);
            let by_go = (go_downloads(proxies.directory.path(), &goproxy, gonoproxy), proxies.asked(0));
            let before = proxies.good.seen().len();
            let env = Env::of(&GoEnv { goproxy: goproxy.clone(), gonoproxy: gonoproxy.to_owned(), ..GoEnv::default() });
            let ours = fetch(&env, &hash);
            let shown = format!("{first:?} {separator} {rest:?}, GONOPROXY={gonoproxy}: {ours:?}");
            assert_eq!((ours.is_ok(), proxies.asked(before)), by_go, "{shown}");
        }
    }
}
