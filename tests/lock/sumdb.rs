//! A checksum database that is slow, broken or hostile on its way to the user, and what it can't talk anybody into.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use godirect::error::{Class, Error};
use godirect::lock::fetch::Fetched;
use godirect::lock::sumdb::Trust;
use godirect::lock::transport::Limits;
use godirect::module::gosum::GoSum;

use crate::database::{Answers, Log};
use crate::loopback::{Loopback, answer};
use crate::support::*;

const NAME: &str = "sum.example";
const ID: &str = "a.example/m@v1.0.0";
const ACCEPT: &str = "`godirect lock --accept-unverified` pins it without proof, and the lock says so";
const NETWORK: &str = "check the network, GOPROXY and HTTPS_PROXY; what is in the cache needs no network";
const MISBEHAVES: &str =
    "the checksum database or what stands between misbehaves: nothing is pinned; find out why, perhaps in another network";

/// A log that has the module as record 300.
fn log() -> Log {
    let mut log = Log::new(NAME, 1);
    log.fill(300);
    log.add_module(ID, &h1_of(&GOOD).to_string(), OTHER_HASH);
    log.fill(700);
    log
}

/// Limits that a test can wait for.
fn short() -> Limits {
    let milliseconds = Duration::from_millis;
    Limits { attempts: 1, connect: milliseconds(5000), idle: milliseconds(1500), slowest: 1000, ..Limits::default() }
}

/// A user who has named the database's URL, and no proxy.
fn user(log: &Log, url: &str) -> Env {
    let settings = GoEnv { goproxy: "off".to_owned(), gosumdb: format!("{} {url}", log.key()), ..GoEnv::default() };
    Env::with_limits(&settings, short())
}

/// Locks the module, for which go.sum has no line.
fn module(env: &Env) -> Result<Fetched, Error> {
    env.fetcher().module(&id(ID), &GoSum::default())
}

/// What is kept of a database, but for its latest tree head.
fn kept(env: &Env) -> Vec<String> {
    let files = files_below(env.cache.root()).into_iter().map(|path| path.display().to_string());
    files.filter(|path| !path.ends_with("/latest") && !path.ends_with("/latest.lock")).collect()
}

type Answering = dyn Fn(&mut dyn Write) -> io::Result<()> + Send + Sync;

/// A database that answers in its own way where a path begins like this, and else as it should.
fn serve(answers: Answers, path: &'static str, how: Arc<Answering>) -> Loopback {
    Loopback::start(move |seen, _, stream| {
        let target = seen.target.trim_start_matches('/');
        match answers.get(target) {
            _ if target.starts_with(path) => how(stream),
            Some(body) => answer(stream, "200 OK", "", body),
            None => answer(stream, "404 Not Found", "", b""),
        }
    })
}

/// Ways to answer, and what is said of each; `$LIMIT` is the most bytes that the answer may have.
fn ways() -> Vec<(&'static str, Arc<Answering>)> {
    fn way(how: impl Fn(&mut dyn Write) -> io::Result<()> + Send + Sync + 'static) -> Arc<Answering> {
        Arc::new(how)
    }
    fn forever(stream: &mut dyn Write, bytes: &[u8], pause: u64) -> io::Result<()> {
        loop {
            stream.write_all(bytes)?;
            std::thread::sleep(Duration::from_millis(pause));
        }
    }
    let begin = |head: &'static str, bytes: &'static [u8], pause| {
        way(move |stream| {
            stream.write_all(head.as_bytes())?;
            forever(stream, bytes, pause)
        })
    };
    let redirect = |to: &'static str| way(move |stream| answer(stream, "302 Found", &format!("Location: {to}\r\n"), b""));
    vec![
        ("no answer within 1 s", begin("", b"", 10_000)),
        ("nothing came for 1 s", begin("HTTP/1.1 200 OK\r\nContent-Length: 8192\r\n\r\n300\n", b"", 10_000)),
        ("less than 1000 bytes a second came for 1 s", begin("HTTP/1.1 200 OK\r\nContent-Length: 8192\r\n\r\n", b"x", 10)),
        ("the file is larger than $LIMIT bytes", begin("HTTP/1.1 200 OK\r\n\r\n", &[b'x'; 1 << 16], 0)),
        ("the file is larger than $LIMIT bytes", begin("HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n", b"", 10_000)),
        (
            "end of file before message length reached",
            way(|stream| stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 8192\r\n\r\n300\na.example/m")),
        ),
        (
            "the answer has Content-Encoding: gzip, which was not asked for",
            way(|stream| answer(stream, "200 OK", "Content-Encoding: gzip\r\n", b"\x1f\x8b\x08")),
        ),
        ("connection closed before message completed", way(|_| Ok(()))),
        ("500 Internal Server Error: down", way(|stream| answer(stream, "500 Internal Server Error", "", b"down\n"))),
        ("redirected to a URL with the scheme file", redirect("file:///etc/passwd")),
        ("redirected to a URL with the scheme ftp", redirect("ftp://a.example/x")),
        ("stopped after 10 redirects", redirect("?again")),
    ]
}

#[test]
fn databases_that_answer_badly() {
    let log = log();
    let paths = [
        ("lookup/", format!("the record of {ID} in {NAME}"), format!("lookup/{ID}"), 2_000_000),
        ("tile/8/0/001", format!("tile/8/0/001 of {NAME}"), "tile/8/0/001".to_owned(), 8192),
    ];
    std::thread::scope(|scope| {
        for (path, what, file, limit) in &paths {
            for (why, how) in ways() {
                let server = serve(log.answers(700), path, how);
                let log = &log;
                scope.spawn(move || {
                    let env = user(log, &server.url);
                    let error = module(&env).unwrap_err();
                    let why = why.replace("$LIMIT", &limit.to_string());
                    let message = format!("failed to verify {ID}: failed to fetch {what}: {}/{file}: {why}", server.url);
                    let expected = format!("{message} ({NETWORK}; or {ACCEPT})");
                    assert_eq!((error.class(), error.to_string()), (Class::Environment, expected));
                    assert_eq!(kept(&env), Vec::<String>::new());
                });
            }
        }
    });
}

/// What answers in place of a database, e.g. a page that asks to sign in.
#[test]
fn answers_of_somebody_else() {
    let log = log();
    for (path, body, message) in [
        ("lookup/", &b"<html>sign in</html>\n"[..], format!("the answer for {ID} is not a record")),
        ("lookup/", b"", format!("the answer for {ID} is not a record")),
        ("lookup/", b"\x1f\x8b\x08\0\0\0\0\0", format!("the answer for {ID} is not a record")),
        ("tile/8/0/001", b"<html>sign in</html>\n", "tile/8/0/001 has 21 bytes in place of 8192".to_owned()),
        ("tile/8/0/001", &[0; 8192], "a tile doesn't fit the signed tree of 700 records".to_owned()),
    ] {
        let server = serve(log.answers(700), path, Arc::new(|stream| answer(stream, "200 OK", "", body)));
        let env = user(&log, &server.url);
        let error = module(&env).unwrap_err();
        assert_eq!((error.class(), error.to_string()), (Class::Verification, format!("{NAME}: {message} ({MISBEHAVES})")));
        assert_eq!(kept(&env), Vec::<String>::new());
    }
}

/// Another host is asked if the database says so: what it answers is believed for its signature, not for where it is.
#[test]
fn a_database_on_another_host() {
    let log = log();
    let redirecting = |to: &Loopback| {
        let to = to.url.clone();
        Loopback::start(move |seen, _, stream| answer(stream, "302 Found", &format!("Location: {to}{}\r\n", seen.target), b""))
    };
    let honest = serve(log.answers(700), "none", Arc::new(|_| Ok(())));
    let env = user(&log, &redirecting(&honest).url);
    let Trust::Proven(proven) = env.database.prove(&id(ID), &env.cache, &env.proxy).unwrap() else { panic!("it is proven") };
    assert_eq!(proven.module(), h1_of(&GOOD));

    let mut forged = Log::new(NAME, 2);
    for record in &log.records {
        forged.add(record);
    }
    let hostile = serve(forged.answers(700), "none", Arc::new(|_| Ok(())));
    let error = module(&user(&log, &redirecting(&hostile).url)).unwrap_err();
    let signer = log.key().rsplit_once('+').unwrap().0.to_owned();
    let expected = format!("{NAME}: the answer for {ID}: the note has no signature of {signer} ({MISBEHAVES})");
    assert_eq!((error.class(), error.to_string()), (Class::Verification, expected));
}

/// A database that changes its mind between two questions of one run.
#[test]
fn a_fork_within_a_run() {
    let mut one = log();
    let mut other = one.clone();
    one.fill(900);
    other.add_module("b.example/n@v1.0.0", OTHER_HASH, OTHER_HASH);
    other.fill(900);
    let asked = Arc::new(AtomicBool::new(false));
    let (first, second, switch) = (one.answers(900), other.answers(900), asked.clone());
    let server = Loopback::start(move |seen, _, stream| {
        let answers = if switch.load(Ordering::SeqCst) { &second } else { &first };
        match answers.get(seen.target.trim_start_matches('/')) {
            Some(body) => answer(stream, "200 OK", "", body),
            None => answer(stream, "404 Not Found", "", b""),
        }
    });
    let env = user(&one, &server.url);
    let prove = |module: &str| env.database.prove(&id(module), &env.cache, &env.proxy);
    assert!(matches!(prove(ID), Ok(Trust::Proven(_))));
    let before = kept(&env);
    asked.store(true, Ordering::SeqCst);
    let error = prove("b.example/n@v1.0.0").unwrap_err();
    assert_eq!(error.class(), Class::Verification);
    assert!(error.message().starts_with(&format!("SECURITY ERROR: {NAME} has signed two histories\n")), "{error}");
    assert_eq!(kept(&env), before);
}

/// A record of a module need not have a line for its go.mod, and what isn't in it isn't proven.
#[test]
fn a_record_without_go_mod() {
    let content = b"module a.example/m\n";
    let proxy = Server::start(Files::from([("a.example/m/@v/v1.0.0.mod".to_owned(), (200, content.to_vec()))]));
    let go_mod = |line: &str| {
        let mut log = Log::new(NAME, 1);
        log.fill(300);
        log.add(&format!("a.example/m v1.0.0 {}\n{line}", h1_of(&GOOD)));
        let database = serve(log.answers(301), "none", Arc::new(|_| Ok(())));
        let settings =
            GoEnv { goproxy: proxy.url.clone(), gosumdb: format!("{} {}", log.key(), database.url), ..GoEnv::default() };
        let env = Env::of(&settings);
        env.fetcher().go_mod(&id(ID), &GoSum::default()).map(|(_, h1, proof)| (h1, proof.unwrap().record))
    };
    let right = h1_of(&[("go.mod", content)]);
    assert_eq!(go_mod(&format!("a.example/m v1.0.0/go.mod {right}\n")).unwrap(), (right, 300));
    let twice = format!("a.example/m v1.0.0/go.mod {right}\na.example/m v1.0.0/go.mod {OTHER_HASH}\n");
    for lines in ["", &format!("b.example/m v1.0.0/go.mod {right}\n"), &twice] {
        let error = go_mod(lines).unwrap_err();
        let expected = format!("{ID}: missing go.sum entry for go.mod file (`go mod download a.example/m` adds it)");
        assert_eq!((error.class(), error.to_string()), (Class::Input, expected));
    }
    let error = go_mod(&format!("a.example/m v1.0.0/go.mod {OTHER_HASH}\n")).unwrap_err();
    let expected =
        format!("checksum mismatch for {ID}/go.mod: the module proxy has {right}, the checksum database has {OTHER_HASH}");
    assert_eq!((error.class(), error.message()), (Class::Verification, expected.as_str()));
}
