//! SDKs from archives: hashes from the download page or a mirror of it, taken once, and several URLs.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use godirect::digest::Sha256;
use serde_json::{Value, json};

use crate::engines;
use crate::loopback::{self, Loopback};
use crate::support::{GOROOT, Project, SMALL_SDK, error, repository};

/// A server with these files by target.
fn serve(files: BTreeMap<&'static str, Vec<u8>>) -> Loopback {
    Loopback::start(move |request, _, stream| {
        let found = files.get(request.target.as_str());
        let (status, body) = found.map_or(("404 Not Found", &b"no such file\n"[..]), |body| ("200 OK", body));
        loopback::answer(stream, status, "", body)
    })
}

const PAGE: &str = "/dl/?mode=json&include=all";

/// A page as Go's, with one archive.
fn page(archive: &[u8], edit: impl FnOnce(&mut Value)) -> Vec<u8> {
    let sha256 = Sha256::of(archive).to_string();
    let file = |name: &str, kind: &str| json!({"filename": name, "os": "linux", "arch": "amd64", "version": "go1.27.3", "sha256": sha256, "size": archive.len(), "kind": kind});
    let mut page = json!([
        {"version": "go1.28rc1", "stable": false, "files": []},
        {"version": "go1.27.3", "stable": true, "files": [file("go1.27.3.linux-amd64.pkg", "installer"), file("go1.27.3.linux-amd64.zip", "archive")]},
    ]);
    edit(&mut page);
    serde_json::to_vec(&page).unwrap()
}

fn small_sdk() -> Vec<u8> {
    std::fs::read(SMALL_SDK.url.strip_prefix("file://").unwrap()).unwrap()
}

/// A mirror of the download page with the small SDK.
fn mirror() -> Loopback {
    let archive = small_sdk();
    serve(BTreeMap::from([(PAGE, page(&archive, |_| {})), ("/dl/go1.27.3.linux-amd64.zip", archive)]))
}

fn spec(archive: &str) -> String {
    format!("go_sdk(version = \"1.27.3\", source = {archive})\nplatforms(\"linux/amd64\")\nnix()\n")
}

fn project(archive: &str) -> Project {
    Project::new(&[
        ("godirect.star", &spec(archive)),
        ("go.mod", "module example.com/p\n\ngo 1.27\n"),
        ("main.go", "package main\n\nfunc main() { println(\"archive\") }\n"),
    ])
}

/// What the servers were asked since the last time.
fn asked(server: &Loopback, before: &mut usize) -> Vec<String> {
    let all = server.seen();
    let new = all[*before..].iter().map(|request| request.target.clone()).collect();
    *before = all.len();
    new
}

fn download(project: &Project) -> Value {
    let lock: Value = serde_json::from_str(&project.read("godirect.lock.json")).unwrap();
    lock["sdks"][0]["downloads"][0].clone()
}

#[test]
fn the_download_page_is_asked_once() {
    let (server, mut before) = (mirror(), 0);
    let index = |server: &Loopback| format!("archive(index = \"{}{PAGE}\")", server.url);
    let project = project(&index(&server));
    project.succeeds(&["lock"]);
    assert_eq!(asked(&server, &mut before), [PAGE, "/dl/go1.27.3.linux-amd64.zip"]);
    let (archive, locked) = (small_sdk(), download(&project));
    assert_eq!(locked["urls"], json!([format!("{}/dl/go1.27.3.linux-amd64.zip", server.url)]));
    assert_eq!((&locked["sha256"], &locked["size"]), (&json!(SMALL_SDK.sha256), &json!(archive.len())));
    project.succeeds(&["generate"]);

    // With another cache the archive is fetched again, and must be what the lock pins.
    let text = project.read("godirect.lock.json");
    let other = tempfile::tempdir().unwrap();
    let project = project.env("GODIRECT_CACHE", other.path().display());
    project.succeeds(&["lock"]);
    assert_eq!((asked(&server, &mut before), project.read("godirect.lock.json")), (Vec::new(), text));
    project.succeeds(&["goroot"]);
    assert_eq!(asked(&server, &mut before), ["/dl/go1.27.3.linux-amd64.zip"]);

    // Another mirror: other URLs, the same archive, and no question.
    let (second, mut before) = (mirror(), 0);
    project.write("godirect.star", &spec(&index(&second)));
    let stale = "godirect.lock.json is stale: its SDK archive of linux/amd64 has other URLs than the spec asks for";
    project.fails(&["generate"], 1, &error(stale, "run `godirect lock`"));
    project.succeeds(&["lock"]);
    assert_eq!(asked(&second, &mut before), [""; 0]);
    assert_eq!(download(&project)["urls"], json!([format!("{}/dl/go1.27.3.linux-amd64.zip", second.url)]));

    // Another version, or no lock, is a new question.
    project.edit("godirect.star", "1.27.3", "1.27.4");
    let message = format!("{}{PAGE} has no go1.27.4", second.url);
    let help = "check the version, or add include=all to the URL, which also lists old releases";
    project.fails(&["lock"], 2, &error(&message, help));
    assert_eq!(asked(&second, &mut before), [PAGE]);
}

#[test]
fn an_archive_with_a_hash_of_its_own_needs_no_page() {
    let server = mirror();
    let url = format!("{}/dl/go1.27.3.linux-amd64.zip", server.url);
    let pinned = |urls: &str| {
        format!("archive(urls = {{\"linux/amd64\": [{urls}]}}, sha256 = {{\"linux/amd64\": \"{}\"}})", SMALL_SDK.sha256)
    };
    let project = project(&pinned(&format!("\"{}/gone.zip\", \"{url}\"", server.url)));
    project.succeeds(&["lock"]);
    assert_eq!(
        server.seen().iter().map(|r| r.target.as_str()).collect::<Vec<_>>(),
        ["/gone.zip", "/dl/go1.27.3.linux-amd64.zip"]
    );
    project.succeeds(&["generate"]);
    let other = "0".repeat(64);
    project.edit("godirect.star", &SMALL_SDK.sha256, &other);
    let stale = format!(
        "godirect.lock.json is stale: its SDK archive of linux/amd64 has the sha256 {}, but the spec asks for {other}",
        SMALL_SDK.sha256
    );
    project.fails(&["generate"], 1, &error(&stale, "run `godirect lock`"));
    let mismatch = format!(
        "checksum mismatch for the SDK archive of linux/amd64: the server has {}, the spec has {other}",
        SMALL_SDK.sha256
    );
    project.fails(&["lock"], 4, &error(&mismatch, "compare with the hash that the archive's publisher names"));
    project.write("godirect.star", "platforms(\"linux/amd64\")\nnix()\ngo_sdk(version = \"1.27.3\")\n");
    let stale = "godirect.lock.json is stale: its SDK go1.27.3 doesn't come from modules, as the spec asks for";
    project.fails(&["generate"], 1, &error(stale, "run `godirect lock`"));
}

#[test]
fn pages_that_are_wrong() {
    let archive = small_sdk();
    let sha256 = SMALL_SDK.sha256.as_str();
    let edited = |edit: fn(&mut Value)| page(&archive, edit);
    let size = archive.len();
    let spec_help = "write it into the spec: archive(sha256 = {…})";
    let page_help = "the spec's archive(index = …) takes JSON like that of https://go.dev/dl/?mode=json";
    let wrong = "0".repeat(64);
    let publisher = "compare with what the archive's publisher says";
    // The page, the exit code, the message with $URL for the page's, and the advice.
    let cases: Vec<(Vec<u8>, i32, String, &str)> = vec![
        (b"<html>".to_vec(), 3, "$URL is not a download page of Go: expected value at line 1 column 1".into(), page_help),
        (
            b"[{\"version\": 7}]".to_vec(),
            3,
            "$URL is not a download page of Go: invalid type: integer `7`, expected a string at line 1 column 14".into(),
            page_help,
        ),
        (
            edited(|page| page[1]["files"][1]["arch"] = json!("arm64")),
            2,
            "$URL has no archive of go1.27.3 for linux/amd64".into(),
            "take another execution platform, or module_proxy()",
        ),
        (
            edited(|page| page[1]["files"][1]["sha256"] = json!("")),
            2,
            "$URL gives no sha256 of go1.27.3.linux-amd64.zip".into(),
            spec_help,
        ),
        (
            edited(|page| page[1]["files"][1]["sha256"] = json!("beef")),
            2,
            "$URL gives no sha256 of go1.27.3.linux-amd64.zip".into(),
            spec_help,
        ),
        (
            edited(|page| page[1]["files"][1]["filename"] = json!("../../x.zip")),
            4,
            "$URL calls an archive of go1.27.3 `../../x.zip`, which is no name of one".into(),
            "",
        ),
        (
            edited(|page| page[1]["files"][1]["filename"] = json!("https:x.zip")),
            4,
            "$URL calls an archive of go1.27.3 `https:x.zip`, which is no name of one".into(),
            "",
        ),
        (
            edited(|page| page[1]["files"][1]["size"] = json!(7)),
            4,
            format!("the SDK archive of linux/amd64 has {size} bytes, but 7 by what $URL says"),
            publisher,
        ),
        (
            edited(|page| page[1]["files"][1]["sha256"] = json!("0".repeat(64))),
            4,
            format!("checksum mismatch for the SDK archive of linux/amd64: the server has {sha256}, $URL has {wrong}"),
            "compare with the hash that the archive's publisher names",
        ),
    ];
    for (page, code, message, help) in cases {
        let server = serve(BTreeMap::from([(PAGE, page), ("/dl/go1.27.3.linux-amd64.zip", archive.clone())]));
        let url = format!("{}{PAGE}", server.url);
        let project = project(&format!("archive(index = \"{url}\")"));
        let message = message.replace("$URL", &url);
        let expected = if help.is_empty() { format!("error: {message}\n") } else { error(&message, help) };
        project.fails(&["lock"], code, &expected);
        assert!(!project.root().join("godirect.lock.json").exists(), "nothing is pinned: {message}");
    }
}

#[test]
fn archives_that_a_spec_cannot_have() {
    let cases = [
        (
            "archive(index = \"http://mirror.example/dl/\")",
            "`http://mirror.example/dl/` is not encrypted, so anyone on the way could choose the SDK",
            "write an https URL, or give the sha256 of each archive and no index",
        ),
        (
            "archive(index = \"http://127.0.0.1.example/dl/\")",
            "`http://127.0.0.1.example/dl/` is not encrypted, so anyone on the way could choose the SDK",
            "write an https URL, or give the sha256 of each archive and no index",
        ),
        (
            "archive(index = \"https://user:secret@mirror.example/dl/\")",
            "a URL of the spec has a user name or a password in it",
            "put them into ~/.netrc, and write the URL without them",
        ),
        ("archive(urls = {\"linux/amd64\": [\"x\"]})", "`x` is not an http, https or file URL", ""),
        (
            "archive(urls = {\"linux/arm64\": [\"https://a.example/x.zip\"]})",
            "archive() has no entry for the execution platform linux/amd64",
            "",
        ),
        (
            "archive(urls = [])",
            "urls can't be a list",
            "write a dictionary with an entry for each execution platform, e.g. {\"linux/amd64\": …}",
        ),
    ];
    for (archive, message, help) in cases {
        let project = project(archive);
        let ran = project.run(&["lock"]);
        let shown = ran.stderr.lines().next().unwrap_or_default();
        let advice = ran.stderr.lines().find_map(|line| line.strip_prefix("help: ")).unwrap_or_default();
        assert_eq!((ran.code, shown, advice), (Some(2), format!("error: {message}").as_str(), help));
    }
}

/// The pinned SDK as an archive, made by the real tar; kept, because that takes a while.
fn whole_archive() -> Vec<u8> {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("go1.27.3.linux-amd64.tar.gz");
    if !path.exists() {
        let partial = path.with_extension("part");
        let mut tar = Command::new("tar");
        tar.args(["--sort=name", "--owner=0", "--group=0", "--mtime=@0", "--transform=s,^\\.,go,", "-I", "gzip -1n", "-cf"]);
        assert!(tar.arg(&partial).arg("-C").arg(&*GOROOT).arg(".").status().unwrap().success());
        std::fs::rename(&partial, &path).unwrap();
    }
    std::fs::read(path).unwrap()
}

#[test]
fn an_archive_builds_the_same_in_every_engine_and_each_can_take_the_second_url() {
    let archive = whole_archive();
    let page = page(&archive, |_| {});
    let server = serve(BTreeMap::from([(PAGE, page), ("/dl/go1.27.3.linux-amd64.tar.gz", archive)]));
    let urls = ["gone", "dl"].map(|at| format!("\"{}/{at}/go1.27.3.linux-amd64.tar.gz\"", server.url)).join(", ");
    let project = project(&format!("archive(urls = {{\"linux/amd64\": [{urls}]}}, index = \"{}{PAGE}\")", server.url));
    project.write("godirect.star", &format!("{}bazel()\n", project.read("godirect.star")));
    let ruleset = repository("rules_go_direct").display().to_string();
    project.write(
        "MODULE.bazel",
        &format!("module(name = \"p\")\n\nlocal_path_override(\n    module_name = \"rules_go_direct\",\n    path = \"{ruleset}\",\n)\n"),
    );
    // What another test has downloaded would be taken without asking either URL.
    project.write(".bazelrc", "common --repository_cache=\n");
    project.succeeds(&["lock"]);
    project.succeeds(&["generate"]);
    project.succeeds(&["build"]);
    let oracle = project.path("oracle");
    engines::go_build(&project.root(), ".", &[], &oracle);
    let expected = std::fs::read(&oracle).unwrap();
    assert!(expected == std::fs::read(project.root().join("godirect-out/linux_amd64/p")).unwrap(), "godirect build");
    let by_nix = engines::nix_build_with(&project.root(), &["p".to_owned()], &["--arg", "mirror", "1"]);
    assert!(expected == std::fs::read(by_nix[0].join("bin/p")).unwrap(), "nix build");
    let bazel = engines::bazel_build(&project.root(), "linux_amd64", "//:p");
    assert!(expected == std::fs::read(bazel).unwrap(), "bazel build");
    engines::end_bazel(&project.root());
}
