//! Modules behind a loopback proxy that tells what it was asked for, and a repository that uses them.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use godirect::digest::{H1, Sha256};

use super::{Project, SMALL_SDK, Tree, zip};

/// A module proxy on a port of its own.
pub struct Registry {
    pub url: String,
    served: Arc<Mutex<Served>>,
    sums: BTreeMap<String, String>,
}

#[derive(Default)]
struct Served {
    files: BTreeMap<String, Vec<u8>>,
    asked: Vec<String>,
}

impl Registry {
    pub fn new() -> Registry {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let served = Arc::<Mutex<Served>>::default();
        let shared = served.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = shared.clone();
                // The client may go away in the middle.
                std::thread::spawn(move || drop(answer(stream, &shared)));
            }
        });
        Registry { url, served, sums: BTreeMap::new() }
    }

    /// Publishes a version with these files besides go.mod, which requires other versions.
    pub fn publish(&mut self, id: &str, requires: &[&str], files: &[(&str, &str)]) {
        let (path, version) = id.split_once('@').unwrap();
        let requires: String = requires.iter().map(|r| format!("\nrequire {}\n", r.replace('@', " "))).collect();
        let go_mod = format!("module {path}\n\ngo 1.27\n{requires}").into_bytes();
        let mut tree: Tree = files.iter().map(|(name, text)| (format!("{id}/{name}"), text.as_bytes().to_vec())).collect();
        tree.insert(format!("{id}/go.mod"), go_mod.clone());
        let h1 = |files: &Tree| H1::of_files(files.iter().map(|(n, c)| (n.clone(), Sha256::of(c))).collect());
        let alone = Tree::from([("go.mod".to_owned(), go_mod.clone())]);
        let lines = format!("{path} {version} {}\n{path} {version}/go.mod {}\n", h1(&tree), h1(&alone));
        self.sums.insert(id.to_owned(), lines);
        let mut served = self.served.lock().unwrap();
        served.files.insert(format!("{path}/@v/{version}.zip"), zip(&tree));
        served.files.insert(format!("{path}/@v/{version}.mod"), go_mod);
    }

    /// Publishes a version with packages in these directories, each without imports.
    pub fn publish_packages(&mut self, id: &str, directories: &[&str]) {
        let files: Vec<(String, String)> = directories
            .iter()
            .map(|d| {
                let name = d.rsplit('/').next().filter(|n| !n.is_empty()).unwrap_or("root");
                (
                    format!("{d}/{name}.go").trim_start_matches('/').to_owned(),
                    format!("package {name}\n\n// {id}\nconst C = 1\n"),
                )
            })
            .collect();
        let files: Vec<(&str, &str)> = files.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
        self.publish(id, &[], &files);
    }

    /// The lines of go.sum for everything that is published.
    pub fn sums(&self) -> String {
        self.sums.values().map(String::as_str).collect()
    }

    /// What was asked for since the last call, sorted.
    pub fn asked(&self) -> Vec<String> {
        let mut asked = std::mem::take(&mut self.served.lock().unwrap().asked);
        asked.sort();
        asked
    }
}

fn answer(mut stream: TcpStream, served: &Mutex<Served>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let path = first.split(' ').nth(1).unwrap_or("").trim_start_matches('/').to_owned();
    let (status, body) = {
        let mut served = served.lock().unwrap();
        served.asked.push(path.clone());
        served.files.get(&path).map_or((404, Vec::new()), |body| (200, body.clone()))
    };
    write!(stream, "HTTP/1.1 {status} x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    stream.write_all(&body)
}

/// The call of the spec for the small SDK.
pub fn small_sdk() -> String {
    let (url, sha256) = (&SMALL_SDK.url, &SMALL_SDK.sha256);
    format!("go_sdk(source = archive(urls = {{\"linux/amd64\": [\"{url}\"]}}, sha256 = {{\"linux/amd64\": \"{sha256}\"}}))\n")
}

/// A go.mod that requires these.
pub fn go_mod(requires: &[&str]) -> String {
    let lines: String = requires.iter().map(|r| format!("\t{}\n", r.replace('@', " "))).collect();
    format!("module example.com/p\n\ngo 1.27\n\ntoolchain go1.27.3\n\nrequire (\n{lines})\n")
}

/// A main package that imports these.
pub fn main_go(imports: &[&str]) -> String {
    let lines: String = imports.iter().map(|i| format!("\t_ \"{i}\"\n")).collect();
    format!("package main\n\nimport (\n{lines})\n\nfunc main() {{}}\n")
}

/// A repository that requires and imports these.
pub fn project(registry: &Registry, requires: &[&str], imports: &[&str]) -> Project {
    let spec = format!("{}\nplatforms(\"linux/amd64\")\n\nnix()\n", small_sdk());
    let project = Project::new(&[
        ("godirect.star", spec.as_str()),
        ("go.mod", &go_mod(requires)),
        ("go.sum", &registry.sums()),
        ("main.go", &main_go(imports)),
    ]);
    project.env("GOPROXY", &registry.url)
}

impl Project {
    /// Removes what was downloaded.
    pub fn forget_downloads(&self) {
        let _ = fs::remove_dir_all(self.path("cache"));
    }
}
