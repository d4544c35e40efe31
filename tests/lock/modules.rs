//! Modules: fetched once, verified, as Go and Nix hash them.

use std::path::{Path, PathBuf};
use std::process::Command;

use godirect::digest::H1;
use godirect::error::Class;
use godirect::lock::nar;
use godirect::module::gosum::GoSum;

use crate::support::*;

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

    let facts = env.cache.download(&id("a.example/m@v1.0.0"), &h1_of(&GOOD), "facts");
    let intact = std::fs::read_to_string(&facts).unwrap();
    std::fs::write(&facts, intact.replacen("\"size\":", "\"size\":1", 1)).unwrap();
    fetch(&env, &hash).unwrap();
    assert_eq!(std::fs::read_to_string(&facts).unwrap(), intact, "damaged facts are made anew");
    assert_eq!(server.requests(), 1, "from the zip that is kept");

    std::fs::write(&facts, "").unwrap();
    std::fs::write(env.cache.download(&id("a.example/m@v1.0.0"), &h1_of(&GOOD), "zip"), "damaged").unwrap();
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

const OTHER: [(&str, &[u8]); 1] = [("a.example/m@v1.0.0/a.go", b"package other\n")];

/// Two repositories may have different modules of one name, from different proxies.
#[test]
fn modules_of_one_name_do_not_clash() {
    let (one, other) = (serve_zip(zip_of(&GOOD)), serve_zip(zip_of(&OTHER)));
    let first = Env::new(&one.url);
    let second = Env { cache: first.cache.clone(), ..Env::new(&other.url) };
    let (good, bad) = (h1_of(&GOOD).to_string(), h1_of(&OTHER).to_string());
    let read = |directory: PathBuf| std::fs::read_to_string(directory.join("a.go")).unwrap();
    for _ in 0..2 {
        assert_eq!(read(fetch(&first, &good).unwrap()), "package m\n");
        assert_eq!(read(fetch(&second, &bad).unwrap()), "package other\n");
    }
    assert_eq!((one.requests(), other.requests()), (1, 1));
    let error = fetch(&second, OTHER_HASH).unwrap_err();
    assert_eq!(
        error.message(),
        format!("checksum mismatch for a.example/m@v1.0.0: the module proxy has {bad}, go.sum has {OTHER_HASH}")
    );
    // A go.sum may have several lines for a module: any of them is right.
    let both = format!("{OTHER_HASH}\na.example/m v1.0.0 {good}");
    assert_eq!(read(fetch(&Env { cache: first.cache.clone(), ..Env::new("off") }, &both).unwrap()), "package m\n");
}

/// A module cache of Go's, as its own `go mod download` makes it.
fn filled_by_go(env: &Env) -> PathBuf {
    let files = env.path().join("proxy/a.example/m/@v");
    std::fs::create_dir_all(&files).unwrap();
    std::fs::write(files.join("v1.0.0.zip"), zip_of(&GOOD)).unwrap();
    std::fs::write(files.join("v1.0.0.mod"), GOOD[0].1).unwrap();
    std::fs::write(files.join("v1.0.0.info"), "{\"Version\": \"v1.0.0\"}").unwrap();
    let gomodcache = env.path().join("gomodcache");
    let mut go = Command::new(GOROOT.join("bin/go"));
    go.args(["mod", "download", "-modcacherw", "a.example/m@v1.0.0"]).current_dir(env.path()).env_clear();
    go.env("GOPROXY", format!("file://{}", env.path().join("proxy").display())).env("GOMODCACHE", &gomodcache);
    go.env("GOSUMDB", "off").env("GOTOOLCHAIN", "local").env("GOENV", "off").env("GOFLAGS", "-modcacherw");
    let output = go.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    gomodcache
}

fn contents(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    files_below(directory).into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

#[test]
fn what_go_downloaded_is_used() {
    let scratch = Env::new("off");
    let gomodcache = filled_by_go(&scratch);
    let before = contents(&gomodcache);
    let env = || Env::of(&GoEnv { goproxy: "off".to_owned(), gomodcache: gomodcache.clone(), ..GoEnv::default() });
    let (good, off) = (h1_of(&GOOD).to_string(), "failed to fetch a.example/m@v1.0.0: module lookup disabled by GOPROXY=off");
    let ours = env();
    let directory = fetch(&ours, &good).unwrap();
    assert_eq!(std::fs::read_to_string(directory.join("sub/b.go")).unwrap(), "package sub\n");
    let hash = H1::of_files(vec![("go.mod".to_owned(), godirect::digest::Sha256::of(GOOD[0].1))]);
    ours.fetcher().go_mod(&id("a.example/m@v1.0.0"), &sums(&format!("a.example/m v1.0.0/go.mod {hash}\n"))).unwrap();
    assert_eq!(contents(&gomodcache), before, "nothing is written there");

    assert_eq!(fetch(&env(), OTHER_HASH).unwrap_err().message(), off, "it isn't what go.sum has");
    // Go's note of the hash still says what it was.
    let zip = gomodcache.join("cache/download/a.example/m/@v/v1.0.0.zip");
    std::fs::write(&zip, zip_of(&OTHER)).unwrap();
    assert_eq!(fetch(&env(), &good).unwrap_err().message(), off, "it isn't any more what it was");
    std::fs::write(&zip, "damaged").unwrap();
    let server = serve_zip(zip_of(&GOOD));
    let online = Env::of(&GoEnv { goproxy: server.url.clone(), gomodcache: gomodcache.clone(), ..GoEnv::default() });
    fetch(&online, &good).unwrap();
    assert_eq!(server.requests(), 1, "the network has it");
}
