//! A loopback module proxy, and a fetcher with a cache of its own.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
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

use crate::loopback::{Loopback, answer};

/// GOROOT of the pinned SDK, whose `go` is the oracle.
pub static GOROOT: LazyLock<PathBuf> =
    LazyLock::new(|| PathBuf::from(std::env::var_os("GODIRECT_TEST_GOROOT").expect("tests/run sets GODIRECT_TEST_GOROOT")));

pub type Files = BTreeMap<String, (u16, Vec<u8>)>;

/// A module proxy that has some files, each with its status.
pub struct Server {
    pub url: String,
    loopback: Loopback,
}

impl Server {
    pub fn start(files: Files) -> Server {
        let loopback = Loopback::start(move |request, _, stream| {
            let (status, body) = match files.get(request.target.trim_start_matches('/')) {
                Some((status, body)) => (*status, body.as_slice()),
                None => (404, &b"not found: no such module\nmore"[..]),
            };
            answer(stream, &format!("{status} x"), "", body)
        });
        Server { url: loopback.url.clone(), loopback }
    }

    pub fn requests(&self) -> usize {
        self.loopback.seen().len()
    }
}

/// What a fetcher borrows, in a directory that is removed.
pub struct Env {
    pub directory: tempfile::TempDir,
    pub cache: Cache,
    pub proxy: Proxy,
    pub database: Database,
}

impl Env {
    /// Without a checksum database: go.sum decides alone.
    pub fn new(goproxy: &str) -> Env {
        Env::of(&GoEnv { goproxy: goproxy.to_owned(), gonosumdb: "*".to_owned(), ..GoEnv::default() })
    }

    /// With settings of Go.
    pub fn of(env: &GoEnv) -> Env {
        Env::with_limits(env, Limits { retry_delay: Duration::from_millis(1), ..Limits::default() })
    }

    pub fn with_limits(env: &GoEnv, limits: Limits) -> Env {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::at(directory.path().join("cache")).unwrap();
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
    assert_eq!(files_below(env.cache.root()), Vec::<PathBuf>::new(), "nothing is left of what was refused");
    error
}

/// All files below a directory.
pub fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files_below(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// Nix's hash of a tree, in hex.
pub fn nix_hash(path: &Path) -> String {
    let output = Command::new("nix-hash").args(["--type", "sha256"]).arg(path).output().expect("nix-hash must be installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
