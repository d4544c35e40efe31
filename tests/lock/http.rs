//! Servers that are slow, broken or hostile: what is said of them, and that nothing of theirs is kept.

use std::io::Write;
use std::time::Duration;

use godirect::error::Class;
use godirect::lock::transport::Limits;

use crate::loopback::{Loopback, Seen, answer};
use crate::support::*;

const ADVICE: &str = "(check the network, GOPROXY and HTTPS_PROXY; what is in the cache needs no network)";

/// Limits that a test can wait for.
fn short() -> Limits {
    let milliseconds = Duration::from_millis;
    Limits {
        retry_delay: milliseconds(1),
        connect: milliseconds(1000),
        idle: milliseconds(1000),
        slowest: 1000,
        total: milliseconds(4000),
        ..Limits::default()
    }
}

/// Fetches the module's zip from a server, which must fail with this text after `URL: ` and leave nothing.
#[track_caller]
fn refused(server: &Loopback, limits: Limits, requests: usize, why: &str) {
    let env = Env::with_limits(&GoEnv { goproxy: server.url.clone(), ..GoEnv::default() }, limits);
    let error = fetch(&env, &h1_of(&GOOD).to_string()).unwrap_err();
    let expected = format!("failed to fetch a.example/m@v1.0.0: {}/a.example/m/@v/v1.0.0.zip: {why} {ADVICE}", server.url);
    assert_eq!((error.class(), error.to_string()), (Class::Environment, expected));
    assert_eq!(files_below(env.cache.root()), Vec::<std::path::PathBuf>::new(), "nothing is kept");
    assert_eq!(server.seen().len(), requests, "{:?}", server.seen());
}

fn drip(stream: &mut dyn Write, bytes: &[u8], pause: u64) -> std::io::Result<()> {
    loop {
        stream.write_all(bytes)?;
        std::thread::sleep(Duration::from_millis(pause));
    }
}

#[test]
fn slow_servers() {
    let silent = Loopback::start(|_, _, stream| drip(stream, b"", 10_000));
    refused(&silent, short(), 3, "no answer within 1 s");
    let slow_head = Loopback::start(|_, _, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nX: ")?;
        drip(stream, b"x", 10)
    });
    refused(&slow_head, short(), 3, "no answer within 1 s");
    let stalled = Loopback::start(|_, _, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it")?;
        drip(stream, b"", 10_000)
    });
    refused(&stalled, short(), 3, "nothing came for 1 s");
    let dripping = Loopback::start(|_, _, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")?;
        drip(stream, b"x", 10)
    });
    refused(&dripping, short(), 1, "less than 1000 bytes a second came for 1 s");
    let endless = Loopback::start(|_, _, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        drip(stream, b"5\r\n12345\r\n", 10)
    });
    refused(&endless, Limits { slowest: 0, ..short() }, 1, "it was not complete after 4 s");
}

#[test]
fn bodies_that_are_not_what_their_head_says() {
    let truncated = Loopback::start(|_, _, stream| {
        let zip = zip_of(&GOOD);
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", zip.len() + 1)?;
        stream.write_all(&zip)
    });
    refused(&truncated, short(), 3, "end of file before message length reached");
    let chunks = Loopback::start(|_, _, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n")
    });
    refused(&chunks, short(), 3, "unexpected EOF during chunk size line");
    let huge = Loopback::start(|_, _, stream| stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 524288001\r\n\r\nx"));
    refused(&huge, short(), 1, "the file is larger than 524288000 bytes");
    let gzip = Loopback::start(|_, _, stream| answer(stream, "200 OK", "Content-Encoding: gzip\r\n", &zip_of(&GOOD)));
    refused(&gzip, short(), 1, "the answer has Content-Encoding: gzip, which was not asked for");
    assert_eq!(gzip.seen()[0].header("accept-encoding"), "identity");
    let part = Loopback::start(|_, _, stream| answer(stream, "206 Partial Content", "Content-Range: bytes 0-3/9\r\n", b"part"));
    refused(&part, short(), 1, "206 Partial Content: part");

    let short_length = Loopback::start(|_, _, stream| {
        let zip = zip_of(&GOOD);
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", zip.len() / 2)?;
        stream.write_all(&zip)
    });
    let env = Env::new(&short_length.url);
    assert_eq!(
        fetch(&env, &h1_of(&GOOD).to_string()).unwrap_err().to_string(),
        "a.example/m@v1.0.0: the zip is damaged: invalid Zip archive: Could not find EOCD \
         (run it again; if that doesn't help, the server has a damaged file)"
    );
    assert_eq!(files_below(env.cache.root()), Vec::<std::path::PathBuf>::new());
}

#[test]
fn answers_without_end() {
    let server = Loopback::start(|_, _, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        let chunk = [b"10000\r\n".to_vec(), vec![b'x'; 1 << 16], b"\r\n".to_vec()].concat();
        loop {
            stream.write_all(&chunk)?;
        }
    });
    let env = Env::new(&server.url);
    let error = env.fetcher().go_mod(&id("a.example/m@v1.0.0"), &sums(&format!("a.example/m v1.0.0/go.mod {OTHER_HASH}\n")));
    assert_eq!(
        error.unwrap_err().message(),
        format!(
            "failed to fetch a.example/m@v1.0.0/go.mod: {}/a.example/m/@v/v1.0.0.mod: the file is larger than 16777216 bytes",
            server.url
        )
    );
}

#[test]
fn heads_that_are_bombs_or_garbage() {
    let long = Loopback::start(|_, _, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nX: ")?;
        loop {
            stream.write_all(&[b'x'; 1 << 16])?;
        }
    });
    refused(&long, short(), 3, "message head is too large");
    let many = Loopback::start(|_, _, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
        for i in 0..1000 {
            write!(stream, "X-{i}: y\r\n")?;
        }
        stream.write_all(b"\r\n")
    });
    refused(&many, short(), 3, "message head is too large");
    let garbage = Loopback::start(|_, _, stream| stream.write_all(b"SSH-2.0-x\r\n\r\n"));
    refused(&garbage, short(), 3, "invalid HTTP version parsed");
    let nothing = Loopback::start(|_, _, _| Ok(()));
    refused(&nothing, short(), 3, "connection closed before message completed");
}

#[test]
fn redirections() {
    let to = |target: &'static str| {
        Loopback::start(move |_, _, stream| answer(stream, "302 Found", &format!("Location: {target}\r\n"), b""))
    };
    refused(&to("file:///etc/passwd"), short(), 1, "redirected to a URL with the scheme file");
    refused(&to("ftp://a.example/x"), short(), 1, "redirected to a URL with the scheme ftp");
    refused(&to("http://[x"), short(), 1, "redirected to a malformed URL: invalid IPv6 address");
    refused(&to("?again"), short(), 11, "stopped after 10 redirects");
    let nowhere = Loopback::start(|_, _, stream| answer(stream, "302 Found", "", b""));
    refused(&nowhere, short(), 1, "302 Found");

    let other = serve_zip(zip_of(&GOOD));
    let target = format!("Location: {}/a.example/m/@v/v1.0.0.zip\r\n", other.url);
    let moved = Loopback::start(move |_, _, stream| answer(stream, "307 Temporary Redirect", &target, b""));
    fetch(&Env::new(&moved.url), &h1_of(&GOOD).to_string()).unwrap();
    let error = fetch(&Env::new(&moved.url), OTHER_HASH).unwrap_err();
    assert_eq!(error.class(), Class::Verification, "another host's content is verified like any other");
}

#[test]
fn servers_that_ask_to_wait() {
    let later = Loopback::start(|_, _, stream| answer(stream, "503 Service Unavailable", "Retry-After: 3600\r\n", b"busy\n"));
    refused(&later, short(), 1, "503 Service Unavailable: busy; the server asks to wait for 3600 s");
    let now = Loopback::start(|_, _, stream| answer(stream, "429 Too Many Requests", "Retry-After: 0\r\n", b""));
    // A pause of its own would be longer than a test may last.
    refused(&now, Limits { retry_delay: Duration::from_secs(100_000), ..short() }, 3, "429 Too Many Requests");
    let again = Loopback::start(|_, before, stream| match before {
        0 => answer(stream, "500 Internal Server Error", "", b""),
        1 => Ok(()),
        _ => answer(stream, "200 OK", "", &zip_of(&GOOD)),
    });
    fetch(&Env::new(&again.url), &h1_of(&GOOD).to_string()).unwrap();
}

/// A module whose zip is large enough to break off in the middle.
fn large() -> Vec<u8> {
    let mut files = GOOD.to_vec();
    let content = vec![b'/'; 100_000];
    files.push(("a.example/m@v1.0.0/large.go", &content));
    zip_of(&files)
}

fn large_h1() -> String {
    let mut files = GOOD.to_vec();
    let content = vec![b'/'; 100_000];
    files.push(("a.example/m@v1.0.0/large.go", &content));
    h1_of(&files).to_string()
}

/// Answers with a zip that ends too early, and from then on as asked for.
fn breaks_off(request: &Seen, before: usize, times: usize, stream: &mut dyn Write) -> std::io::Result<()> {
    let zip = large();
    let begin: usize = request.header("range").trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap_or(0);
    let status = if begin == 0 { "200 OK" } else { "206 Partial Content" };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nETag: \"x\"\r\nContent-Range: bytes {begin}-{}/{}\r\nContent-Length: {}\r\n\r\n",
        zip.len() - 1,
        zip.len(),
        zip.len() - begin
    )?;
    let end = if before < times { begin + 30_000 } else { zip.len() };
    stream.write_all(&zip[begin..end])
}

fn ranges(server: &Loopback) -> Vec<(String, String)> {
    server.seen().iter().map(|seen| (seen.header("range").to_owned(), seen.header("if-range").to_owned())).collect()
}

fn range(begin: usize) -> (String, String) {
    (format!("bytes={begin}-"), "\"x\"".to_owned())
}

#[test]
fn what_breaks_off_goes_on() {
    let server = Loopback::start(|request, before, stream| breaks_off(request, before, 2, stream));
    let env = Env::new(&server.url);
    fetch(&env, &large_h1()).unwrap();
    assert_eq!(ranges(&server), [Default::default(), range(30_000), range(60_000)]);
    assert_eq!(
        std::fs::read(env.cache.download(&id("a.example/m@v1.0.0"), &large_h1().parse().unwrap(), "zip")).unwrap(),
        large()
    );
    assert_eq!(files_below(&env.cache.root().join("tmp")), Vec::<std::path::PathBuf>::new());
}

#[test]
fn another_run_goes_on() {
    let server = Loopback::start(|request, before, stream| breaks_off(request, before, 3, stream));
    let env = Env::new(&server.url);
    fetch(&env, &large_h1()).unwrap_err();
    let kept = files_below(env.cache.root());
    assert_eq!(kept.len(), 2, "{kept:?}");
    fetch(&env, &large_h1()).unwrap();
    assert_eq!(ranges(&server), [Default::default(), range(30_000), range(60_000), range(90_000)]);
    assert_eq!(files_below(&env.cache.root().join("tmp")), Vec::<std::path::PathBuf>::new());
}

/// What an earlier run left may be damaged: then it is the reason to begin anew, and not an error.
#[test]
fn a_damaged_beginning_is_fetched_again() {
    let server = Loopback::start(|request, before, stream| breaks_off(request, before, 3, stream));
    let env = Env::new(&server.url);
    fetch(&env, &large_h1()).unwrap_err();
    let part = files_below(env.cache.root()).into_iter().find(|path| path.extension().unwrap() == "part").unwrap();
    let mut bytes = std::fs::read(&part).unwrap();
    bytes[50_000] ^= 1;
    std::fs::write(&part, bytes).unwrap();
    fetch(&env, &large_h1()).unwrap();
    assert_eq!(ranges(&server)[3..], [range(90_000), Default::default()]);
}

/// The server has something else meanwhile, or gives another part than it was asked for.
#[test]
fn another_content_is_no_continuation() {
    let second: [fn(&mut dyn Write) -> std::io::Result<()>; 3] = [
        |stream| answer(stream, "200 OK", "ETag: \"y\"\r\n", &large()),
        |stream| answer(stream, "206 Partial Content", "Content-Range: bytes 7-99/100\r\n", &large()[7..]),
        |stream| answer(stream, "416 Range Not Satisfiable", "", b""),
    ];
    for (second, requests) in second.into_iter().zip([2, 3, 3]) {
        let server = Loopback::start(move |request, before, stream| match before {
            0 => breaks_off(request, before, 1, stream),
            1 => second(stream),
            _ => answer(stream, "200 OK", "", &large()),
        });
        fetch(&Env::new(&server.url), &large_h1()).unwrap();
        let mut expected = vec![Default::default(), range(30_000)];
        expected.resize(requests, Default::default());
        assert_eq!(ranges(&server), expected);
    }
}

/// Without a name of the content, or with a weak one, nobody knows whether the rest belongs to the beginning.
#[test]
fn a_nameless_content_is_not_continued() {
    let server = Loopback::start(|_, before, stream| {
        let zip = large();
        write!(stream, "HTTP/1.1 200 OK\r\nETag: W/\"x\"\r\nContent-Length: {}\r\n\r\n", zip.len())?;
        stream.write_all(&zip[..if before == 0 { 10_000 } else { zip.len() }])
    });
    fetch(&Env::new(&server.url), &large_h1()).unwrap();
    assert_eq!(ranges(&server), [Default::default(), Default::default()] as [(String, String); 2]);
}
