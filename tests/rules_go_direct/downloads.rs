//! Where what the rules download comes from, an SDK and a module: Bazel's repository cache, directories of `--distdir`, or where its downloader's
//! configuration sends it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Deserializer, Value};

use super::engines::{GOROOT, bazel, bazel_output, end_bazel};
use super::loopback::{Loopback, answer};
use super::overrides::{MODULE, by_go, go, workspace, write_module};

const TARGET: &str = "//cmd/checksum";
const NOWHERE: &str = "file:///nonexistent";

/// A workspace, and the zips of all that it needs, in the directories where the go command keeps them.
fn with_zips() -> (PathBuf, Vec<PathBuf>) {
    let workspace = workspace("downloads");
    write_module(&workspace, "");
    let release = fs::read_to_string(GOROOT.join("VERSION")).unwrap();
    let sdk = format!("golang.org/toolchain@v0.0.1-{}.linux-amd64", release.lines().next().unwrap());
    let printed = go(&workspace, &["mod", "download", "-json", &sdk]) + &go(&workspace, &["mod", "download", "-json"]);
    let modules = Deserializer::from_str(&printed).into_iter::<Value>();
    let zips = modules.map(|module| PathBuf::from(module.unwrap()["Zip"].as_str().unwrap())).collect();
    (workspace, zips)
}

/// The program's bytes, built in a workspace that has nothing of it but what the disk cache has.
fn built(workspace: &Path, proxy: &str, flags: &[&str]) -> Vec<u8> {
    bazel(workspace, &["clean", "--expunge"]);
    let proxy = format!("--repo_env=GOPROXY={proxy}");
    bazel(workspace, &[&["build", &proxy, TARGET], flags].concat());
    let bin = bazel(workspace, &["info", "bazel-bin"]);
    fs::read(Path::new(bin.trim_end()).join("cmd/checksum/checksum_/checksum")).unwrap()
}

/// A server of the files of a directory.
fn serve(directory: PathBuf) -> Loopback {
    Loopback::start(move |request, _, out| match fs::read(directory.join(request.target.trim_start_matches('/'))) {
        Ok(body) => answer(out, "200 OK", "", &body),
        Err(_) => answer(out, "404 Not Found", "", b""),
    })
}

#[test]
fn downloads_are_those_of_bazel() {
    let (workspace, zips) = with_zips();
    let proxy = workspace.join("modules/cache/download");
    let expected = by_go(&workspace);
    let check = |proxy: &str, flags: &[&str]| {
        assert!(built(&workspace, proxy, flags) == expected, "{flags:?}: the program differs from that of go build");
    };
    let cache = format!("--repository_cache={}", workspace.join("downloads").display());
    check(&format!("file://{}", proxy.display()), &[&cache]);
    check(NOWHERE, &[&cache]);

    // Zips of different modules may have the same name.
    let directories: BTreeSet<String> =
        zips.iter().map(|zip| format!("--distdir={}", zip.parent().unwrap().display())).collect();
    let mut flags: Vec<&str> = directories.iter().map(String::as_str).collect();
    flags.push("--repository_cache=");
    check(NOWHERE, &flags);

    let server = serve(proxy);
    fs::write(workspace.join("downloader.cfg"), format!("rewrite go\\.example/(.*) {}/$1\n", server.url)).unwrap();
    check("https://go.example", &["--repository_cache=", "--experimental_downloader_config=downloader.cfg"]);
    let mut asked: Vec<String> = server.seen().into_iter().map(|request| request.target).collect();
    asked.sort();
    asked.dedup();
    for module in ["golang.org/toolchain", MODULE] {
        assert!(asked.iter().any(|target| target.starts_with(&format!("/{module}/@v/v"))), "{asked:?}");
    }
    assert_eq!((asked.len(), asked.iter().all(|target| target.ends_with(".zip"))), (server.seen().len(), true), "{asked:?}");
    end_bazel(&workspace);
}

/// Nothing has them.
#[test]
fn a_download_that_fails_names_where_it_was_looked_for() {
    let workspace = workspace("no-downloads");
    write_module(&workspace, &format!("go.local_sdk(path = \"{}\")", GOROOT.display()));
    let proxy = format!("--repo_env=GOPROXY={NOWHERE}");
    let output = bazel_output(&workspace, &["build", "--repository_cache=", &proxy, TARGET]);
    assert!(!output.status.success());
    let printed = String::from_utf8_lossy(&output.stderr);
    assert!(printed.contains("Error downloading [file:/nonexistent/github.com/"), "{printed}");
    end_bazel(&workspace);
}
