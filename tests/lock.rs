//! Locking against a loopback proxy that misbehaves, against the real one, and against Nix's own hashes.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Cursor, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use godirect::digest::H1;
use godirect::error::{Class, Error, Result};
use godirect::lock::cache::Cache;
use godirect::lock::fetch::Fetcher;
use godirect::lock::file::{LockedSdk, Lockfile};
use godirect::lock::known::Access;
use godirect::lock::nar;
use godirect::lock::proxy::Proxy;
use godirect::lock::resolve::{self, Modules, Needed, Packages, Request};
use godirect::lock::sdk::{self, ArchivePin, SdkOrigin, SdkRequest, SdkVersion};
use godirect::module::ModuleId;
use godirect::module::gosum::GoSum;
use godirect::module::workspace::Workspace;
use godirect::source::record::{FileGroup, PackageRecord};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

type Files = BTreeMap<String, (u16, Vec<u8>)>;

/// A module proxy on a port of its own; it counts requests.
struct Server {
    url: String,
    requests: Arc<AtomicUsize>,
}

impl Server {
    fn start(files: Files) -> Server {
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

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

/// Answers one request; a file with status 401 is given to who knows the password.
fn answer(mut stream: TcpStream, counter: &AtomicUsize, files: &Files) -> std::io::Result<()> {
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
struct Env {
    directory: tempfile::TempDir,
    cache: Cache,
    proxy: Proxy,
}

impl Env {
    fn new(goproxy: &str) -> Env {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::at(directory.path().join("cache")).unwrap();
        let proxy = Proxy::new(goproxy, "").unwrap().with_retry_delay(Duration::from_millis(1));
        Env { directory, cache, proxy }
    }

    fn real() -> Env {
        Env { proxy: Proxy::from_env().unwrap(), ..Env::new("off") }
    }

    fn fetcher(&self) -> Fetcher<'_> {
        Fetcher { cache: &self.cache, proxy: &self.proxy, progress: &|_| {} }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }
}

fn id(text: &str) -> ModuleId {
    let (path, version) = text.split_once('@').unwrap();
    ModuleId { path: path.parse().unwrap(), version: version.parse().unwrap() }
}

fn sums(text: &str) -> GoSum {
    let mut sums = GoSum::default();
    sums.add(Path::new("go.sum"), text).unwrap();
    sums
}

fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        // What compression gives differs from one version of the library to the next; the tests pin hashes.
        let method = if content.len() < 1 << 20 { CompressionMethod::Stored } else { CompressionMethod::Deflated };
        writer.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn h1_of(files: &[(&str, &[u8])]) -> H1 {
    H1::of_files(files.iter().map(|(name, content)| ((*name).to_owned(), godirect::digest::Sha256::of(content))).collect())
}

const GOOD: [(&str, &[u8]); 3] = [
    ("a.example/m@v1.0.0/go.mod", b"module a.example/m\n\ngo 1.20\n"),
    ("a.example/m@v1.0.0/a.go", b"package m\n"),
    ("a.example/m@v1.0.0/sub/b.go", b"package sub\n"),
];
const OTHER_HASH: &str = "h1:9LQ6xuew6aOyqFMdSHbQ3mR3yrPpDzoPYZFOGdPpmXo=";

fn serve_zip(body: Vec<u8>) -> Server {
    Server::start(Files::from([("a.example/m/@v/v1.0.0.zip".to_owned(), (200, body))]))
}

/// Fetches `a.example/m@v1.0.0` with a go.sum that has `hash`.
fn fetch(env: &Env, hash: &str) -> Result<PathBuf> {
    let sums = sums(&format!("a.example/m v1.0.0 {hash}\n"));
    env.fetcher().module(&id("a.example/m@v1.0.0"), &sums).map(|fetched| fetched.directory)
}

fn error_of_zip(body: Vec<u8>) -> Error {
    let server = serve_zip(body);
    let env = Env::new(&server.url);
    let error = fetch(&env, OTHER_HASH).unwrap_err();
    assert!(!env.cache.module(&id("a.example/m@v1.0.0")).exists(), "nothing is left of what was refused");
    assert_eq!(std::fs::read_dir(env.cache.root().join("tmp")).unwrap().count(), 0, "no temporary files are left");
    error
}

#[test]
fn a_module_is_fetched_once() {
    let server = serve_zip(zip_of(&GOOD));
    let env = Env::new(&server.url);
    let hash = h1_of(&GOOD).to_string();
    let directory = fetch(&env, &hash).unwrap();
    assert_eq!(std::fs::read_to_string(directory.join("sub/b.go")).unwrap(), "package sub\n");
    assert_eq!(server.requests(), 1);
    fetch(&env, &hash).unwrap();
    assert_eq!(server.requests(), 1, "the second time needs no request");

    let facts = env.cache.download(&id("a.example/m@v1.0.0"), "facts");
    let intact = std::fs::read_to_string(&facts).unwrap();
    std::fs::write(&facts, intact.replacen("\"size\":", "\"size\":1", 1)).unwrap();
    fetch(&env, &hash).unwrap();
    assert_eq!(std::fs::read_to_string(&facts).unwrap(), intact, "damaged facts are made anew");
    assert_eq!(server.requests(), 1, "from the zip that is kept");

    std::fs::write(&facts, "").unwrap();
    std::fs::write(env.cache.download(&id("a.example/m@v1.0.0"), "zip"), "damaged").unwrap();
    fetch(&env, &hash).unwrap();
    assert_eq!(server.requests(), 2, "a damaged zip is fetched again");

    std::fs::write(directory.join("a.go"), "package changed").unwrap();
    std::fs::remove_file(&facts).unwrap();
    fetch(&env, &hash).unwrap();
    assert_eq!(std::fs::read_to_string(directory.join("a.go")).unwrap(), "package m\n", "a changed directory is made anew");
}

#[test]
fn a_cache_is_shared_by_several_at_once() {
    let server = serve_zip(zip_of(&GOOD));
    let env = Env::new(&server.url);
    let hash = h1_of(&GOOD).to_string();
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let directory = fetch(&env, &hash).unwrap();
                    std::fs::read_to_string(directory.join("sub/b.go")).unwrap()
                })
            })
            .collect();
        assert!(all.into_iter().all(|thread| thread.join().unwrap() == "package sub\n"));
    });
    assert_eq!(std::fs::read_dir(env.cache.root().join("tmp")).unwrap().count(), 0);
}

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
        fetch(&Env::new(&format!("{url},direct")), OTHER_HASH).unwrap_err().to_string(),
        format!(
            "failed to fetch a.example/m@v1.0.0: the module proxy has it not \
             ({url}/a.example/m/@v/v1.0.0.zip: 404 Not Found: not found: no such module), and what is left is `direct`: \
             godirect does not fetch from version control \
             (use a module proxy that has the module, or `replace` it by a local directory)"
        )
    );
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
    // A port that was just free.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let env = Env::new(&format!("http://user:secret@127.0.0.1:{port}"));
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

#[test]
fn passwords_come_from_the_url_or_from_netrc() {
    let protected = || Server::start(Files::from([("a.example/m/@v/v1.0.0.zip".to_owned(), (401, zip_of(&GOOD)))]));
    let hash = h1_of(&GOOD).to_string();
    let server = protected();
    fetch(&Env::new(&server.url.replace("http://", "http://user:secret@")), &hash).unwrap();
    let proxy = Proxy::new(&server.url, "").unwrap().with_netrc("machine 127.0.0.1 login user password secret\n");
    fetch(&Env { proxy, ..Env::new("off") }, &hash).unwrap();
    let error = fetch(&Env::new(&server.url), &hash).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "failed to fetch a.example/m@v1.0.0: {}/a.example/m/@v/v1.0.0.zip: 401 Unauthorized \
             (put user and password for the module proxy into ~/.netrc, or into the URL in GOPROXY)",
            server.url
        )
    );
}

#[test]
fn file_proxies() {
    let env = Env::new("off");
    let directory = env.path().join("proxy/a.example/m/@v");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("v1.0.0.zip"), zip_of(&GOOD)).unwrap();
    let proxy = Proxy::new(&format!("file://{}", env.path().join("proxy").display()), "").unwrap();
    let env = Env { proxy, ..env };
    fetch(&env, &h1_of(&GOOD).to_string()).unwrap();
}

#[test]
fn private_modules_are_not_told_to_the_proxy() {
    let server = serve_zip(zip_of(&GOOD));
    let env = Env { proxy: Proxy::new(&server.url, "*.example").unwrap(), ..Env::new("off") };
    assert_eq!(
        fetch(&env, OTHER_HASH).unwrap_err().to_string(),
        "failed to fetch a.example/m@v1.0.0: GONOPROXY or GOPRIVATE keeps it from the module proxy: \
         godirect does not fetch from version control \
         (use a module proxy that has the module, or `replace` it by a local directory)"
    );
    assert_eq!(server.requests(), 0);
}

#[test]
fn hashes_must_be_those_of_go_sum() {
    let error = error_of_zip(zip_of(&GOOD));
    assert_eq!(error.class(), Class::Verification);
    assert_eq!(
        error.to_string(),
        format!(
            "checksum mismatch for a.example/m@v1.0.0: the module proxy has {}, go.sum has {OTHER_HASH} \
             (the bits may have been replaced on the origin server, or someone intercepted the download: \
             find out before you build)",
            h1_of(&GOOD)
        )
    );
    let env = Env::new("off");
    let error = env.fetcher().module(&id("a.example/m@v1.0.0"), &GoSum::default()).unwrap_err();
    assert_eq!(error.class(), Class::Input);
    assert_eq!(
        error.to_string(),
        "a.example/m@v1.0.0: missing go.sum entry (`go mod tidy` adds it, or `go mod download a.example/m`)"
    );
}

#[test]
fn truncated_zips() {
    let whole = zip_of(&GOOD);
    let error = error_of_zip(whole[..whole.len() / 2].to_vec());
    assert_eq!(error.class(), Class::Environment);
    assert_eq!(
        error.to_string(),
        "a.example/m@v1.0.0: the zip is damaged: invalid Zip archive: Could not find EOCD \
         (run it again; if that doesn't help, the server has a damaged file)"
    );
}

#[test]
fn hostile_zips() {
    let m = |name: &str| format!("a.example/m@v1.0.0/{name}");
    let named = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|n| m(n)).collect();
        let files: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), &b"x"[..])).collect();
        zip_of(&files)
    };
    let file = |name: &str, why: &str| format!("file \"{}\": {why}", m(name));
    let mut symlink = ZipWriter::new(Cursor::new(Vec::new()));
    symlink.add_symlink(m("passwd"), "/etc/passwd", SimpleFileOptions::default()).unwrap();
    let duplicate = {
        // The writer refuses duplicates, so one name is changed in the bytes.
        let bytes = named(&["a.go", "b.go"]);
        let (from, to) = (m("b.go").into_bytes(), m("a.go").into_bytes());
        let mut changed = bytes.clone();
        for i in 0..=bytes.len() - from.len() {
            if bytes[i..i + from.len()] == from {
                changed[i..i + from.len()].copy_from_slice(&to);
            }
        }
        changed
    };
    let cases: Vec<(Vec<u8>, String)> = vec![
        (named(&["../evil.go"]), file("../evil.go", "invalid path element \"..\"")),
        (named(&["a/../../evil.go"]), file("a/../../evil.go", "invalid path element \"..\"")),
        (named(&["a//b.go"]), file("a//b.go", "it has an empty path element")),
        (named(&["a\\b.go"]), format!("file \"{}\": invalid char '\\\\'", m("a\\\\b.go"))),
        (named(&["aux.go"]), file("aux.go", "\"AUX\" disallowed as path element component on Windows")),
        (named(&["A.go", "a.go"]), file("a.go", "case-insensitive file name collision: \"A.go\" and \"a.go\"")),
        (named(&["a", "a/b.go"]), file("a/b.go", "\"a\" is both a file and a directory")),
        (named(&["x/go.mod"]), file("x/go.mod", "go.mod file not in module root directory")),
        (named(&["GO.MOD"]), file("GO.MOD", "go.mod files must have lowercase names")),
        (
            zip_of(&[("/etc/passwd", b"x")]),
            "file \"/etc/passwd\": path does not have prefix \"a.example/m@v1.0.0/\"".to_owned(),
        ),
        (
            zip_of(&[("a.example/m@v2.0.0/a.go", b"x")]),
            "file \"a.example/m@v2.0.0/a.go\": path does not have prefix \"a.example/m@v1.0.0/\"".to_owned(),
        ),
        (symlink.finish().unwrap().into_inner(), file("passwd", "it is a symlink or a special file")),
        (duplicate, "a file name occurs more than once".to_owned()),
        (zip_of(&[]), "it has no files".to_owned()),
    ];
    for (zip, expected) in cases {
        let error = error_of_zip(zip);
        assert_eq!(error.class(), Class::Verification);
        assert_eq!(
            error.to_string(),
            format!(
                "a.example/m@v1.0.0: the archive is refused: {expected} \
                 (no build of Go makes such an archive: don't use it, and tell who runs the server)"
            )
        );
    }
}

/// A zip that claims more than the cap, and one that has more than it claims.
#[test]
fn bombs() {
    let zeros = vec![0; 64 << 20];
    let names: Vec<String> = (0..9).map(|i| format!("a.example/m@v1.0.0/{i}")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), zeros.as_slice())).collect();
    let bomb = zip_of(&files);
    assert!(bomb.len() < 1 << 20);
    assert_eq!(
        error_of_zip(bomb).message(),
        "a.example/m@v1.0.0: the archive is refused: its files together are larger than 524288000 bytes"
    );

    let mut liar = zip_of(&files[..1]);
    let real = u32::to_le_bytes(64 << 20);
    for i in 0..liar.len() - 4 {
        if liar[i..i + 4] == real {
            liar[i..i + 4].copy_from_slice(&1000_u32.to_le_bytes());
        }
    }
    assert_eq!(
        error_of_zip(liar).message(),
        "a.example/m@v1.0.0: the archive is damaged: file \"a.example/m@v1.0.0/0\": File is larger than its declared uncompressed size"
    );
}

/// Nix's hash of a tree, in hex.
fn nix_hash(path: &Path) -> String {
    let output = Command::new("nix-hash").args(["--type", "sha256"]).arg(path).output().expect("nix-hash must be installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// go.sum as Go wrote it.
const REAL: &str = "\
github.com/fatih/color v1.18.0 h1:S8gINlzdQ840/4pfAwic/ZE0djQEH3wM94VfqLTZcOM=
github.com/BurntSushi/toml v1.4.0 h1:kuoIxZQy2WRRk1pttg9asf+WVv6tWQuBNVmK8+nqPr0=
golang.org/x/text v0.21.0 h1:zyQAAkrwaneQ066sspRyJaG9VNi/YJ1NfzcGB3hZ/qo=
gopkg.in/yaml.v3 v3.0.1 h1:fxVm/GzAzEWqLHuvctI91KS9hhNmmWOoWu0XTYJS7CA=
";

#[test]
fn real_modules_have_the_hashes_of_go_and_nix() {
    let env = Env::real();
    let sums = sums(REAL);
    for line in REAL.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let fetched = env.fetcher().module(&id(&format!("{}@{}", words[0], words[1])), &sums).unwrap();
        assert_eq!(fetched.facts.h1.unwrap().to_string(), words[2]);
        assert_eq!(fetched.facts.nar.0.to_string(), nix_hash(&fetched.directory));
        assert_eq!(nar::hash_directory(&fetched.directory).unwrap(), fetched.facts.nar);
    }
}

const EXPERIMENTS: &str = r#"package buildcfg

func ParseGOEXPERIMENT(goos, goarch, goexp string) (*ExperimentFlags, error) {
	var regabiSupported, regabiAlwaysOn bool
	switch goarch {
	case "amd64", "arm64":
		regabiAlwaysOn = true
		regabiSupported = true
	}
	dwarf5Supported := (goos != "darwin" && goos != "ios")

	baseline := goexperiment.Flags{
		RegabiArgs: regabiSupported, // why
		Dwarf5:     dwarf5Supported,
		JSONv2:     true,
	}
}
"#;
const GODEBUGS: &str = "package godebugs\n\nvar All = []Info{\n\t{Name: \"z\", Package: \"x\", Changed: 21, Old: \"1\"},\n\t{Name: \"b\", Package: \"x\"},\n\t\
                        {Name: \"a\", Package: \"x\", Changed: 27, Old: \"0\", Opaque: true},\n}\n";

/// A module zip of an SDK that has what locking reads.
fn sdk_zip(platform: &str) -> Vec<u8> {
    let name = |file: &str| format!("golang.org/toolchain@v0.0.1-go1.27.3.{}/{file}", platform.replace('_', "-"));
    let contents: [(&str, &str); 8] = [
        ("bin/go", "the go command"),
        ("pkg/tool/PLATFORM/compile", "the compiler"),
        ("pkg/tool/PLATFORM/link", "the linker"),
        ("pkg/tool/PLATFORM/asm", "the assembler"),
        ("src/_go.mod", "module std\n"),
        ("src/errors/errors.go", "package errors\n"),
        ("src/internal/buildcfg/exp.go", EXPERIMENTS),
        ("src/internal/godebugs/table.go", GODEBUGS),
    ];
    let files: Vec<(String, &str)> = contents.iter().map(|(n, c)| (name(&n.replace("PLATFORM", platform)), *c)).collect();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(n, c)| (n.as_str(), c.as_bytes())).collect();
    zip_of(&files)
}

fn sdk_server() -> Server {
    let file = |name: &str| format!("golang.org/toolchain/@v/{name}");
    let list =
        "v0.0.1-go1.27.2.linux-amd64\nv0.0.1-go1.27.3.linux-amd64\nv0.0.1-go1.27.10-custom\nv0.0.1-go1.28rc1.linux-amd64\n";
    let color =
        [("a.example/m@v1.0.0/go.mod", &b"module a.example/m\n\ngo 1.20\n"[..]), ("a.example/m@v1.0.0/a.go", b"package m\n")];
    Server::start(Files::from([
        (file("list"), (200, list.into())),
        (file("v0.0.1-go1.27.3.linux-amd64.zip"), (200, sdk_zip("linux_amd64"))),
        (file("v0.0.1-go1.27.3.darwin-arm64.zip"), (200, sdk_zip("darwin_arm64"))),
        ("a.example/m/@v/v1.0.0.zip".to_owned(), (200, zip_of(&color))),
    ]))
}

/// Finds one package of one module as the graph does.
fn one_package(sdk: &LockedSdk, modules: &Modules<'_, '_>) -> Result<Needed> {
    assert!(sdk.packages.contains_key("errors"));
    let found = modules.all().iter().find(|m| m.id.path.as_str() == "a.example/m").unwrap();
    let package = modules.package(found, "")?.unwrap();
    assert_eq!(package, record("m", "a.go"));
    Ok(Needed::from([(found.id.path.clone(), Packages::from([(String::new(), package)]))]))
}

fn record(name: &str, file: &str) -> PackageRecord {
    let group = FileGroup { go: vec![file.to_owned()], ..FileGroup::default() };
    PackageRecord { name: name.to_owned(), groups: vec![group] }
}

fn lock(env: &Env, version: SdkVersion, previous: Option<&Lockfile>) -> Result<Lockfile> {
    let platforms = ["linux/amd64".parse()?, "darwin/arm64".parse()?];
    let request = Request {
        directory: env.path(),
        root: env.path(),
        vendor: "vendor",
        sdk: &SdkRequest { version, origin: SdkOrigin::Module },
        exec_platforms: &platforms,
        platforms: &platforms,
        previous,
    };
    resolve::lock(&request, Access::Network(&|| Ok(env.fetcher())), &one_package)
}

#[test]
fn a_whole_lock() {
    let server = sdk_server();
    let env = Env::new(&server.url);
    let hash = h1_of(&GOOD[..2]);
    let go_mod = "module main.example\n\ngo 1.27\n\nrequire (\n\ta.example/m v1.0.0\n\ta.example/unused v1.0.0\n)\n";
    std::fs::write(env.path().join("go.mod"), go_mod).unwrap();
    std::fs::write(env.path().join("go.sum"), format!("a.example/m v1.0.0 {hash}\n")).unwrap();
    let locked = lock(&env, SdkVersion::FromGoMod, None).unwrap();

    let path = env.path().join("godirect.lock.json");
    assert!(locked.write(&path).unwrap());
    assert!(!locked.write(&path).unwrap(), "the same lock isn't written again");
    assert_eq!(Lockfile::read(&path).unwrap(), locked);
    let expected = include_str!("lock/expected.lock.json");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);

    let requests = server.requests();
    let again = lock(&env, SdkVersion::FromGoMod, Some(&locked)).unwrap();
    assert_eq!(again, locked);
    assert_eq!(server.requests(), requests, "the second time needs no network");

    let goroot = sdk::goroot(&env.fetcher(), &locked.sdks[0], "darwin/arm64".parse().unwrap()).unwrap();
    assert_eq!(nix_hash(&goroot), locked.sdks[0].downloads[0].nar.0.to_string());
    for (tool, file) in [("go", "bin/go"), ("compile", "pkg/tool/darwin_arm64/compile")] {
        assert_eq!(nix_hash(&goroot.join(file)), locked.sdks[0].downloads[0].tools[tool].0.to_string());
    }
    let module = resolve::module_directory(&env.fetcher(), &locked.modules[0]).unwrap();
    assert_eq!(nix_hash(&module), locked.modules[0].nar.0.to_string());
}

#[test]
fn an_sdk_is_what_the_lock_says() {
    let server = sdk_server();
    let env = Env::new(&server.url);
    std::fs::write(env.path().join("go.mod"), "module main.example\ngo 1.27.3\nrequire a.example/m v1.0.0\n").unwrap();
    std::fs::write(env.path().join("go.sum"), format!("a.example/m v1.0.0 {}\n", h1_of(&GOOD[..2]))).unwrap();
    let mut locked = lock(&env, SdkVersion::FromGoMod, None).unwrap();
    let right = locked.sdks[0].downloads[1].h1.unwrap();
    locked.sdks[0].downloads[1].h1 = Some(OTHER_HASH.parse().unwrap());
    let advice = "(the bits may have been replaced on the origin server, or someone intercepted the download: \
                  find out before you build)";
    let expected = format!(
        "checksum mismatch for golang.org/toolchain@v0.0.1-go1.27.3.linux-amd64: \
         the module proxy has {right}, the lock has {OTHER_HASH} {advice}"
    );
    let fresh = Env::new(&server.url);
    let error = sdk::goroot(&fresh.fetcher(), &locked.sdks[0], "linux/amd64".parse().unwrap()).unwrap_err();
    assert_eq!((error.class(), error.to_string()), (Class::Verification, expected));
    let error = sdk::goroot(&env.fetcher(), &locked.sdks[0], "linux/386".parse().unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the lock has no SDK 1.27.3 whose tools run on linux/386 (add the platform to the spec and run `godirect lock`)"
    );
}

#[test]
fn versions_of_the_sdk() {
    let server = sdk_server();
    let env = Env::new(&server.url);
    let resolve = |go_mod: &str, version: SdkVersion| {
        std::fs::write(env.path().join("go.mod"), go_mod).unwrap();
        let workspace = Workspace::load(env.path())?;
        let request = SdkRequest { version, origin: SdkOrigin::Module };
        sdk::resolve_version(&request, &workspace, None, &|path| env.proxy.list(path)).map(|v| v.to_string())
    };
    assert_eq!(resolve("module m\ngo 1.27\n", SdkVersion::FromGoMod).unwrap(), "1.27.3");
    assert_eq!(resolve("module m\ngo 1.27\n", SdkVersion::Exact("1.26.1".parse().unwrap())).unwrap(), "1.26.1");
    assert_eq!(resolve("module m\ngo 1.26.0\ntoolchain go1.27.1\n", SdkVersion::FromGoMod).unwrap(), "1.27.1");
    let cases = [
        (
            "module m\n",
            "go.mod has no go line, so it doesn't say which SDK to use \
             (`go mod edit -go=1.27.3` adds one, or write go_sdk(version = \"1.27.3\") in the spec)",
        ),
        (
            "module m\ngo 1.28\n",
            "`go 1.28` of go.mod asks for Go 1.28, of which the module proxy knows no release \
             (write the whole version, e.g. `go 1.27.3`)",
        ),
        (
            "module m\ngo 1.17\n",
            "`go 1.17` of go.mod asks for Go 1.17, but module proxies have SDKs from 1.21 on (write e.g. \
             go_sdk(version = \"1.27.3\") in the spec: an SDK compiles for older go lines as they demand)",
        ),
    ];
    for (go_mod, expected) in cases {
        assert_eq!(resolve(go_mod, SdkVersion::FromGoMod).unwrap_err().to_string(), expected);
    }
}

/// An archive as on Go's download page, made by the real tar.
#[test]
fn sdk_archives() {
    let env = Env::new("off");
    let tree = env.path().join("go");
    for (name, content) in [("bin/go", "x"), ("src/errors/errors.go", "package errors\n"), ("VERSION", "go1.27.3\n")] {
        let path = tree.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    let run = |program: &str, args: &[&str]| {
        let status = Command::new(program).args(args).current_dir(env.path()).status().unwrap();
        assert!(status.success());
    };
    run("chmod", &["+x", "go/bin/go"]);
    run("tar", &["czf", "sdk.tar.gz", "go"]);
    run("ln", &["-s", "/etc/passwd", "go/link"]);
    run("tar", &["czf", "trap.tar.gz", "go"]);
    run("rm", &["go/link"]);
    let pinned = |name: &str, sha256| {
        let urls = vec![format!("file://{}", env.path().join(name).display())];
        SdkOrigin::Archive(BTreeMap::from([("linux/amd64".parse().unwrap(), ArchivePin { urls, sha256 })]))
    };
    let digest = |name: &str| godirect::lock::archive::digest_of(&env.path().join(name)).unwrap().1;
    let fetch = |origin: &SdkOrigin| {
        let platforms = ["linux/amd64".parse().unwrap()];
        sdk::fetch("1.27.3".parse().unwrap(), origin, &platforms, &GoSum::default(), None, &env.fetcher())
    };
    let fetched = fetch(&pinned("sdk.tar.gz", digest("sdk.tar.gz"))).unwrap();
    assert_eq!(fetched.downloads[0].nar.0.to_string(), nix_hash(&tree));
    assert_eq!(nix_hash(&fetched.goroot), nix_hash(&tree));

    let error = fetch(&pinned("trap.tar.gz", digest("trap.tar.gz"))).err().unwrap();
    assert_eq!(
        error.message(),
        "SDK archive of linux/amd64: the archive is refused: file \"go/link\": it is a symlink or a special file"
    );
    let (real, wrong) = (digest("trap.tar.gz"), godirect::digest::Sha256::of("other"));
    let error = fetch(&pinned("trap.tar.gz", wrong)).err().unwrap();
    assert_eq!(error.class(), Class::Verification);
    assert_eq!(
        error.message(),
        format!("checksum mismatch for the SDK archive of linux/amd64: the server has {real}, the spec has {wrong}")
    );
}

#[test]
fn locks_that_cannot_be_read() {
    let parse = |text: &str| Lockfile::parse(Path::new("godirect.lock.json"), text).unwrap_err().to_string();
    let edited = "(`godirect lock` writes it; it isn't made to be edited)";
    assert_eq!(
        parse("{\"version\": 3, \"new\": []}"),
        "godirect.lock.json has format version 3, and this godirect reads version 2 (update godirect)"
    );
    assert_eq!(
        parse("{\n  \"version\": 2,\n<<<<<<< HEAD\n"),
        "godirect.lock.json:3:1: godirect.lock.json has a merge conflict \
         (keep either side, then `godirect lock` makes it right for the merged go.mod)"
    );
    assert_eq!(
        parse("{\n  \"version\": 2\n  x\n"),
        format!("godirect.lock.json:3:3: malformed lock: expected `,` or `}}` {edited}")
    );
    assert_eq!(
        parse("{\n  \"version\": 2,\n  \"platforms\": [\"linux/x\"], \"sdks\": [], \"modules\": []\n}\n"),
        format!("godirect.lock.json:3:26: malformed lock: Go has no port to `linux/x` {edited}")
    );
    assert_eq!(
        Lockfile::read(Path::new("/nowhere/godirect.lock.json")).unwrap_err().to_string(),
        "there is no /nowhere/godirect.lock.json (run `godirect lock`)"
    );
}

/// A directory that can't be written, also for root: one that is a file.
#[test]
fn places_that_cannot_be_written() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Cache::at(file.join("cache")).unwrap_err();
    assert_eq!(error.class(), Class::Environment);
    assert_eq!(
        error.to_string(),
        format!(
            "failed to write {}/cache: Not a directory (os error 20) (GODIRECT_CACHE sets another directory for the cache)",
            file.display()
        )
    );
    let lock = Lockfile {
        version: 2,
        platforms: Vec::new(),
        sdks: Vec::new(),
        modules: Vec::new(),
        go_mods: Vec::new(),
        local: Vec::new(),
        vendored: Vec::new(),
    };
    let path = file.join("godirect.lock.json");
    let error = lock.write(&path).unwrap_err().to_string();
    assert!(error.starts_with(&format!("failed to write {}: not a directory", path.display())), "{error}");
    // What proc shows can't be changed by anyone.
    let error = Cache::at("/proc/godirect").unwrap_err().to_string();
    assert!(error.starts_with("failed to write /proc/godirect: "), "{error}");
}

#[test]
fn a_hostile_go_mod_of_a_dependency() {
    let content = b"module a.example/m\nrequire \"../../${x}\" v1.0.0\n";
    let server = Server::start(Files::from([("a.example/m/@v/v1.0.0.mod".to_owned(), (200, content.to_vec()))]));
    let env = Env::new(&server.url);
    let hash = H1::of_files(vec![("go.mod".to_owned(), godirect::digest::Sha256::of(content))]);
    let go_mod = |sums: &GoSum| env.fetcher().go_mod(&id("a.example/m@v1.0.0"), sums).unwrap_err();
    assert_eq!(
        go_mod(&sums(&format!("a.example/m v1.0.0/go.mod {hash}\n"))).to_string(),
        "a.example/m@v1.0.0/go.mod:2:9: malformed module path \"../../${x}\": it has a character that Go does not allow there"
    );
    assert_eq!(
        go_mod(&GoSum::default()).to_string(),
        "a.example/m@v1.0.0: missing go.sum entry for go.mod file (`go mod download a.example/m` adds it)"
    );
    assert_eq!(
        go_mod(&sums(&format!("a.example/m v1.0.0/go.mod {OTHER_HASH}\n"))).message(),
        format!("checksum mismatch for a.example/m@v1.0.0/go.mod: the module proxy has {hash}, go.sum has {OTHER_HASH}")
    );
}

/// Each parser gets every prefix of a text, and the text with each byte replaced: it may refuse, and must not panic.
#[test]
fn parsers_survive_damage() {
    let go_mod = "module \"a.b/c\" // x\ngo 1.27\nrequire (\n\ta.b/d v1.2.3-0.2024 // indirect\n)\nreplace a.b/d v1.0.0 => ../é\n\
                  retract [v1.0.0, v1.1.0]\ngodebug x=y\nignore `z`\n";
    let go_sum = format!("a.b/c v1.0.0/go.mod {OTHER_HASH}\n");
    let modules_txt = "## workspace\n# a.b/c v1.0.0 => ./c\n## explicit; go 1.27\na.b/c\n# a.b/c => a.b/d v2.0.0\n";
    let lock = include_str!("lock/expected.lock.json");
    let path = Path::new("file");
    let feed = |text: &str| {
        let shown = |error: Error| assert!(!error.render(false).is_empty());
        let _ = godirect::module::gomod::GoMod::parse(path, text).map_err(shown);
        let _ = godirect::module::gomod::GoMod::parse_dependency(path, text).map_err(shown);
        let _ = godirect::module::gowork::GoWork::parse(path, text).map_err(shown);
        let _ = godirect::module::modules_txt::ModulesTxt::parse(path, text).map_err(shown);
        let _ = GoSum::default().add(path, text).map_err(shown);
        let _ = Lockfile::parse(path, text).map_err(shown);
    };
    for text in [go_mod, &go_sum, modules_txt, &lock[..600]] {
        for (i, c) in text.char_indices() {
            feed(&text[..i]);
            for other in ["", "\"", "\\", "`", "(", ")", "\n", "\0", "/", "é", "\u{2028}", "=>", "9999999999999999999999"] {
                feed(&format!("{}{other}{}", &text[..i], &text[i + c.len_utf8()..]));
            }
        }
    }
}

#[test]
fn zips_survive_damage() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("zip");
    let whole = zip_of(&GOOD);
    let layout = godirect::lock::archive::Layout::Module("a.example/m@v1.0.0");
    let right = godirect::lock::archive::read_zip(
        {
            std::fs::write(&path, &whole).unwrap();
            &path
        },
        layout,
        None,
    )
    .unwrap();
    for i in 0..whole.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[i] ^= change;
            std::fs::write(&path, &bytes).unwrap();
            if let Ok(tree) = godirect::lock::archive::read_zip(&path, layout, None) {
                assert_eq!(tree.nar == right.nar, tree.h1 == right.h1, "both hashes notice what changes the tree");
            }
        }
        std::fs::write(&path, &whole[..i]).unwrap();
        assert!(godirect::lock::archive::read_zip(&path, layout, None).is_err());
    }
}
