//! Projects in temporary directories, and the real binary in an environment with nothing of the machine's.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use godirect::digest::{H1, Sha256};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

pub mod drawn;
pub mod registry;

/// The program under test.
pub const GODIRECT: &str = env!("CARGO_BIN_EXE_godirect");

/// Files by path relative to a directory.
pub type Tree = BTreeMap<String, Vec<u8>>;

/// A path in the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// GOROOT of the pinned SDK, in the user's cache; fetched if it isn't there.
pub static GOROOT: LazyLock<PathBuf> = LazyLock::new(|| {
    let output = Command::new(GODIRECT).arg("-C").arg(repository("examples/01-hello")).arg("goroot").output().unwrap();
    assert!(output.status.success(), "godirect goroot: {}", String::from_utf8_lossy(&output.stderr));
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim_end())
});

/// What a script of tests/env prints: the path of what it found or installed.
pub fn provisioned(script: &str) -> PathBuf {
    let output = Command::new(repository("tests/env").join(script)).output().unwrap();
    assert!(output.status.success(), "tests/env/{script}: {}", String::from_utf8_lossy(&output.stderr));
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim_end())
}

/// A cache that has the pinned SDK and nothing else.
pub fn cache_with_sdk(directory: &Path) -> PathBuf {
    fs::create_dir_all(directory).unwrap();
    if !directory.join("sdk").exists() {
        std::os::unix::fs::symlink(GOROOT.parent().unwrap(), directory.join("sdk")).unwrap();
    }
    directory.to_owned()
}

/// The same, with what these tests compiled before.
pub static BUILD_CACHE: LazyLock<PathBuf> =
    LazyLock::new(|| cache_with_sdk(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli-cache")));

/// An SDK archive with the few packages that a program without imports needs, and without tools: enough to lock.
pub struct SmallSdk {
    pub url: String,
    pub sha256: String,
}

pub static SMALL_SDK: LazyLock<SmallSdk> = LazyLock::new(|| {
    let mut files = Tree::new();
    for directory in ["src/internal", "src/math/bits", "src/runtime", "src/unsafe"] {
        let wanted = |path: &str| !path.ends_with("_test.go") && !path.contains("testdata");
        files.extend(read_tree(&GOROOT.join(directory)).into_iter().filter(|(p, _)| wanted(p)).map(|(path, content)| {
            let name = format!("go/{directory}/{path}");
            (name, content)
        }));
    }
    files.insert("go/VERSION".to_owned(), b"go1.27.3\n".to_vec());
    let zip = zip(&files);
    let sha256 = Sha256::of(&zip).to_string();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("small-sdk-{}.zip", &sha256[..16]));
    if !path.exists() {
        godirect::write::atomic(&path, &zip).unwrap();
    }
    SmallSdk { url: format!("file://{}", path.display()), sha256 }
});

/// A zip of files.
pub fn zip(files: &Tree) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(name.as_str(), SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// All files below a directory; those that a build puts there aren't part of a project.
pub fn read_tree(root: &Path) -> Tree {
    fn walk(root: &Path, directory: &Path, tree: &mut Tree) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            // Bazel and Nix leave links.
            if name == "godirect-out" || name.starts_with("bazel-") || name.starts_with("result") {
                continue;
            }
            if path.is_dir() {
                walk(root, &path, tree);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                tree.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    let mut tree = Tree::new();
    walk(root, root, &mut tree);
    tree
}

/// Writes files; `names` is the order.
pub fn write_tree<'a>(root: &Path, tree: &Tree, names: impl Iterator<Item = &'a String>) {
    for name in names {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &tree[name]).unwrap();
    }
}

/// A project in a temporary directory, with a cache and a home of its own.
pub struct Project {
    directory: tempfile::TempDir,
    /// Variables of the environment.
    pub env: BTreeMap<String, String>,
}

/// How a run ended; the project's directory is `$DIR` in texts, times are `TIME`.
#[derive(Debug, PartialEq, Eq)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Project {
    /// Files of a new project.
    pub fn new(files: &[(&str, &str)]) -> Project {
        Project::in_directory(tempfile::tempdir().unwrap(), files.iter().map(|(p, t)| ((*p).to_owned(), t.as_bytes().to_vec())))
    }

    /// A copy of an example.
    pub fn example(name: &str) -> Project {
        Project::in_directory(tempfile::tempdir().unwrap(), read_tree(&repository("examples").join(name)))
    }

    pub fn in_directory(directory: tempfile::TempDir, files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Project {
        let project = Project { directory, env: BTreeMap::new() };
        let tree: Tree = files.into_iter().collect();
        for directory in [project.root(), project.path("home")] {
            fs::create_dir_all(directory).unwrap();
        }
        write_tree(&project.root(), &tree, tree.keys());
        let cache = project.path("cache").display().to_string();
        let home = project.path("home").display().to_string();
        let env =
            [("HOME", home.as_str()), ("GODIRECT_CACHE", &cache), ("GOPROXY", "off"), ("GOSUMDB", "off"), ("GOENV", "off")];
        env.into_iter().fold(project, |project, (name, value)| project.env(name, value))
    }

    pub fn env(mut self, name: &str, value: impl std::fmt::Display) -> Project {
        self.env.insert(name.to_owned(), value.to_string());
        self
    }

    /// With the pinned SDK and what was compiled before.
    pub fn with_build_cache(self) -> Project {
        self.env("GODIRECT_CACHE", BUILD_CACHE.display())
    }

    /// With the user's cache, and the network for what it lacks.
    pub fn with_user_cache(mut self) -> Project {
        self.env.retain(|name, _| name != "GOPROXY" && name != "GOSUMDB");
        for variable in ["GOPROXY", "HTTPS_PROXY", "https_proxy", "SSL_CERT_FILE"] {
            self.env.extend(std::env::var(variable).map(|value| (variable.to_owned(), value)));
        }
        self.env("GODIRECT_CACHE", GOROOT.ancestors().nth(2).unwrap().display())
    }

    /// A path beside the project.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The project's directory.
    pub fn root(&self) -> PathBuf {
        self.path("repo")
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).unwrap()
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Replaces `from`, which must be there once.
    pub fn edit(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert_eq!(text.matches(from).count(), 1, "`{from}` in {path}");
        self.write(path, &text.replace(from, to));
    }

    /// The program in the project's directory.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(GODIRECT);
        command.args(arguments).current_dir(self.root()).env_clear().envs(&self.env);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.ran(self.command(arguments).output().unwrap())
    }

    pub fn ran(&self, output: Output) -> Ran {
        let text = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).unwrap().replace(&self.directory.path().display().to_string(), "$TMP");
            text.replace("$TMP/repo", "$DIR").lines().map(|line| without_time(line) + "\n").collect::<String>()
        };
        Ran { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Runs what must fail with this text and print no result.
    #[track_caller]
    pub fn fails(&self, arguments: &[&str], code: i32, stderr: &str) {
        let ran = self.run(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(code), ""), "{arguments:?}: {}", ran.stderr);
        same(stderr, &ran.stderr);
    }

    /// Runs what must succeed silently but for its result.
    #[track_caller]
    pub fn succeeds(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{arguments:?}: {}", ran.stdout);
        ran.stdout
    }
}

/// An error without a place, as it is shown.
pub fn error(message: &str, help: &str) -> String {
    format!("error: {message}\n |\nhelp: {help}\n")
}

/// The error of a module that main.go imports.
pub fn imported(message: &str, help: &str) -> String {
    format!(
        "error: {message}\n --> main.go:3:8\n  |\n3 | import \"a.example/m\"\n  |        ^^^^^^^^^^^^^\n  |\nhelp: {help}\n"
    )
}

/// Compares texts and shows how they differ.
#[track_caller]
pub fn same(expected: &str, got: &str) {
    assert!(expected == got, "{}", similar::TextDiff::from_lines(expected, got).unified_diff().header("expected", "got"));
}

fn without_time(line: &str) -> String {
    match line.rsplit_once("  ") {
        Some((start, end)) if end.ends_with(" ms") || end.ends_with(" s") => format!("{start}  TIME"),
        _ => line.to_owned(),
    }
}

/// A module for a GOPROXY directory, with its line for go.sum.
pub struct Module {
    pub zip: Vec<u8>,
    pub h1: String,
}

/// The module a.example/m@v1.0.0, whose only package has these lines.
pub fn module(lines: &str) -> Module {
    let prefix = "a.example/m@v1.0.0";
    let files = Tree::from([
        (format!("{prefix}/go.mod"), b"module a.example/m\n\ngo 1.27\n".to_vec()),
        (format!("{prefix}/m.go"), format!("package m\n\n{lines}\n").into_bytes()),
    ]);
    let h1 = H1::of_files(files.iter().map(|(name, content)| (name.clone(), Sha256::of(content))).collect());
    Module { zip: zip(&files), h1: h1.to_string() }
}

/// A project that imports a.example/m and locks within a second: its SDK is the small one, its proxy a directory.
pub fn with_module() -> Project {
    let (sdk, module) = (&*SMALL_SDK, module("const M = 1"));
    let spec = format!(
        "go_sdk(source = archive(\n    urls = {{\"linux/amd64\": [\"{}\"]}},\n    sha256 = {{\"linux/amd64\": \"{}\"}},\n))\n\nplatforms(\"linux/amd64\")\n\nnix()\n",
        sdk.url, sdk.sha256
    );
    let project = Project::new(&[
        ("godirect.star", &spec),
        ("go.mod", "module example.com/p\n\ngo 1.27\n\ntoolchain go1.27.3\n\nrequire a.example/m v1.0.0\n"),
        ("go.sum", &format!("a.example/m v1.0.0 {}\n", module.h1)),
        ("main.go", "package main\n\nimport \"a.example/m\"\n\nfunc main() { println(m.M) }\n"),
    ]);
    let zips = project.path("proxy/a.example/m/@v");
    fs::create_dir_all(&zips).unwrap();
    fs::write(zips.join("v1.0.0.zip"), &module.zip).unwrap();
    let url = format!("file://{}", project.path("proxy").display());
    project.env("GOPROXY", url)
}

/// Root may write everywhere, so it becomes somebody else.
pub fn unprivileged(project: &Project, arguments: &[&str]) -> Command {
    let mut command = project.command(arguments);
    if fs::metadata(project.root()).unwrap().uid() == 0 {
        // The program's own directory may be closed to others.
        let program = project.path("godirect");
        if !program.exists() && fs::hard_link(GODIRECT, &program).is_err() {
            fs::copy(GODIRECT, &program).unwrap();
        }
        let environment = command.get_envs().map(|(k, v)| (k.to_owned(), v.unwrap().to_owned())).collect::<Vec<_>>();
        command = Command::new(program);
        command.args(arguments).current_dir(project.root()).env_clear().envs(environment).uid(65534).gid(65534);
    }
    command
}
