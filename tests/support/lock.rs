//! A loopback module proxy, and a fetcher with a cache of its own.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Cursor, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use godirect::digest::H1;
use godirect::error::{Error, Result};
use godirect::lock::cache::Cache;
use godirect::lock::fetch::Fetcher;
pub use godirect::lock::goenv::GoEnv;
use godirect::lock::proxy::Proxy;
use godirect::lock::sumdb::Database;
use godirect::lock::transport::Limits;
use godirect::module::ModuleId;
use godirect::module::gosum::GoSum;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// GOROOT of the pinned SDK, whose `go` is the oracle.
pub static GOROOT: LazyLock<PathBuf> =
    LazyLock::new(|| PathBuf::from(std::env::var_os("GODIRECT_TEST_GOROOT").expect("tests/run sets GODIRECT_TEST_GOROOT")));

pub type Files = BTreeMap<String, (u16, Vec<u8>)>;

/// A module proxy on a port of its own; it counts requests.
pub struct Server {
    pub url: String,
    pub requests: Arc<AtomicUsize>,
}

impl Server {
    pub fn start(files: Files) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicUsize::new(0));
        let (counter, files) = (requests.clone(), Arc::new(files));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (counter, files) = (counter.clone(), files.clone());
                // The client may go away in the middle.
                std::thread::spawn(move || drop(answer(stream, &counter, &files)));
            }
        });
        Server { url, requests }
    }

    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

/// Answers one request; a file with status 401 is given to who knows the password.
pub fn answer(mut stream: TcpStream, counter: &AtomicUsize, files: &Files) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let mut known = false;
    for line in lines {
        let line = line?.to_ascii_lowercase();
        known |= line == "authorization: basic dxnlcjpzzwnyzxq=";
        if line.is_empty() {
            break;
        }
    }
    counter.fetch_add(1, Ordering::SeqCst);
    let path = first.split(' ').nth(1).unwrap_or("").trim_start_matches('/');
    let (status, body) = match files.get(path) {
        Some((401, body)) if known => (200, body.as_slice()),
        Some((status, body)) => (*status, body.as_slice()),
        None => (404, &b"not found: no such module\nmore"[..]),
    };
    write!(stream, "HTTP/1.1 {status} x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    stream.write_all(body)
}

/// What a fetcher borrows, in a directory that is removed.
pub struct Env {
    pub directory: tempfile::TempDir,
    pub cache: Cache,
    pub proxy: Proxy,
    pub database: Database,
}

impl Env {
    pub fn new(goproxy: &str) -> Env {
        Env::of(&GoEnv { goproxy: goproxy.to_owned(), ..GoEnv::default() })
    }

    /// With settings of Go.
    pub fn of(env: &GoEnv) -> Env {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::at(directory.path().join("cache")).unwrap();
        let limits = Limits { retry_delay: Duration::from_millis(1), ..Limits::default() };
        Env { directory, cache, proxy: Proxy::new(env, limits).unwrap(), database: Database::new(env) }
    }

    /// With the settings of this process.
    pub fn real() -> Env {
        Env::of(&GoEnv::read(None))
    }

    pub fn fetcher(&self) -> Fetcher<'_> {
        Fetcher { cache: &self.cache, proxy: &self.proxy, database: Some(&self.database), progress: &|_| {} }
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }
}

pub fn id(text: &str) -> ModuleId {
    let (path, version) = text.split_once('@').unwrap();
    ModuleId { path: path.parse().unwrap(), version: version.parse().unwrap() }
}

pub fn sums(text: &str) -> GoSum {
    let mut sums = GoSum::default();
    sums.add(Path::new("go.sum"), text).unwrap();
    sums
}

pub fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        // What compression gives differs from one version of the library to the next; the tests pin hashes.
        let method = if content.len() < 1 << 20 { CompressionMethod::Stored } else { CompressionMethod::Deflated };
        writer.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

pub fn h1_of(files: &[(&str, &[u8])]) -> H1 {
    H1::of_files(files.iter().map(|(name, content)| ((*name).to_owned(), godirect::digest::Sha256::of(content))).collect())
}

pub const GOOD: [(&str, &[u8]); 3] = [
    ("a.example/m@v1.0.0/go.mod", b"module a.example/m\n\ngo 1.20\n"),
    ("a.example/m@v1.0.0/a.go", b"package m\n"),
    ("a.example/m@v1.0.0/sub/b.go", b"package sub\n"),
];
pub const OTHER_HASH: &str = "h1:9LQ6xuew6aOyqFMdSHbQ3mR3yrPpDzoPYZFOGdPpmXo=";

pub fn serve_zip(body: Vec<u8>) -> Server {
    Server::start(Files::from([("a.example/m/@v/v1.0.0.zip".to_owned(), (200, body))]))
}

/// Fetches `a.example/m@v1.0.0` with a go.sum that has `hash`.
pub fn fetch(env: &Env, hash: &str) -> Result<PathBuf> {
    let sums = sums(&format!("a.example/m v1.0.0 {hash}\n"));
    env.fetcher().module(&id("a.example/m@v1.0.0"), &sums).map(|fetched| fetched.directory)
}

pub fn error_of_zip(body: Vec<u8>) -> Error {
    let server = serve_zip(body);
    let env = Env::new(&server.url);
    let error = fetch(&env, OTHER_HASH).unwrap_err();
    assert!(!env.cache.module(&id("a.example/m@v1.0.0")).exists(), "nothing is left of what was refused");
    assert_eq!(std::fs::read_dir(env.cache.root().join("tmp")).unwrap().count(), 0, "no temporary files are left");
    error
}

/// Nix's hash of a tree, in hex.
pub fn nix_hash(path: &Path) -> String {
    let output = Command::new("nix-hash").args(["--type", "sha256"]).arg(path).output().expect("nix-hash must be installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
