//! Binary caches of Nix, in a directory and over HTTP: what one machine has built another one takes, if it is signed by a key that it trusts.

#[allow(dead_code)]
#[path = "support/engines.rs"]
mod engines;
#[allow(dead_code)]
#[path = "support/loopback.rs"]
mod loopback;

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
