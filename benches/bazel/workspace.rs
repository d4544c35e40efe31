//! What is built: a workspace of generated BUILD files, and the go command beside it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::engines::{self, repository, succeeded};

/// How many packages of the large program import the leaf.
const DEPENDENTS: usize = 120;

/// A directory that is the same in each run, so that Bazel fetches the SDK once.
pub struct Workspace {
    root: PathBuf,
    cache: tempfile::TempDir,
}

impl Workspace {
    pub fn new(name: &str, files: &[(String, String)]) -> Workspace {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&root);
        let workspace = Workspace { root, cache: tempfile::tempdir().expect("a temporary directory") };
        for (path, text) in files {
            workspace.write(path, text);
        }
        let ruleset = repository("rules_go_direct").display().to_string();
        let module = "module(name = \"bench\")\n\nlocal_path_override(\n    module_name = \"rules_go_direct\",\n    path = ";
        workspace.write("MODULE.bazel", &format!("{module}\"{ruleset}\",\n)\n"));
        workspace.write("godirect.star", "go_sdk(version = \"1.27.3\")\n\nplatforms(\"linux/amd64\")\n\nbazel()\n");
        for verb in ["lock", "generate"] {
            succeeded(verb, &engines::godirect().arg("-C").arg(workspace.root()).arg(verb).output().expect("godirect"));
        }
        workspace
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().expect("a file's directory")).expect("a writable directory");
        fs::write(path, text).expect("a writable directory");
    }

    /// Empties the cache of what the go command has built.
    pub fn forget_go(&self) {
        fs::remove_dir_all(self.cache.path()).expect("a writable directory");
        fs::create_dir(self.cache.path()).expect("a writable directory");
    }

    /// `go build` of all packages, with their programs.
    pub fn go_build(&self) -> Command {
        let mut command = engines::go_command(&engines::GOROOT, &self.root, &[]);
        command.env("GOCACHE", self.cache.path()).stdout(Stdio::null());
        command.args(["build", "-trimpath", "-buildvcs=false", "-ldflags=-buildid=", "-o"]).arg(self.cache.path().join("bin/"));
        command.arg("./...");
        command
    }
}

fn module(name: &str) -> (String, String) {
    ("go.mod".to_owned(), format!("module example.com/{name}\n\ngo 1.27\n\ntoolchain go1.27.3\n"))
}

pub fn hello() -> Vec<(String, String)> {
    let main = "package main\n\nimport \"net/http\"\n\nfunc main() { http.ListenAndServe(\":8080\", nil) }\n";
    vec![module("hello"), ("main.go".to_owned(), main.to_owned())]
}

/// The leaf's text; its function isn't inlined, so that who imports it sees no difference.
pub fn leaf(value: usize) -> String {
    format!("package leaf\n\n//go:noinline\nfunc Value() int {{ return {value} }}\n")
}

/// The program of `benches/build`, some 520 packages.
pub fn large() -> Vec<(String, String)> {
    let source = repository("benches/build/large");
    let read = |name: &str| (name.to_owned(), fs::read_to_string(source.join(name)).expect("a file of the benchmark"));
    let mut files = vec![read("go.mod"), read("go.sum"), read("main.go"), ("leaf/leaf.go".to_owned(), leaf(0))];
    let (mut imports, mut sum) = (String::new(), String::new());
    for i in 0..DEPENDENTS {
        let value = format!("func Value() int {{ return leaf.Value() + {i} }}\n");
        files.push((format!("p{i}/p.go"), format!("package p{i}\n\nimport \"example.com/large/leaf\"\n\n{value}")));
        let _ = writeln!(imports, "\t\"example.com/large/p{i}\"");
        let _ = write!(sum, " + p{i}.Value()");
    }
    let all = format!("package all\n\nimport (\n{imports})\n\nfunc Sum() int {{ return 0{sum} }}\n");
    files.push(("all/all.go".to_owned(), all));
    files
}

/// Packages each of which imports three others, and a program that needs the last one.
pub fn synthetic(packages: usize) -> Vec<(String, String)> {
    let mut files = vec![module("packages")];
    for i in 0..packages {
        let mut others = vec![i / 2, i / 3, i.saturating_sub(1)];
        others.retain(|other| *other < i);
        others.sort_unstable();
        others.dedup();
        let imports: String = others.iter().map(|other| format!("import \"example.com/packages/p{other}\"\n")).collect();
        let sum: String = others.iter().map(|other| format!(" + p{other}.Value()")).collect();
        files.push((format!("p{i}/p.go"), format!("package p{i}\n\n{imports}\nfunc Value() int {{ return {i}{sum} }}\n")));
    }
    let last = packages - 1;
    let main =
        format!("package main\n\nimport \"example.com/packages/p{last}\"\n\nfunc main() {{ println(p{last}.Value()) }}\n");
    files.push(("main.go".to_owned(), main));
    files
}
