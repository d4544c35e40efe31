//! What is built: a workspace of generated BUILD files, and the go command beside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::engines::{self, repository, succeeded};
use crate::programs::write;

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
            write(workspace.root(), path, text);
        }
        let ruleset = repository("rules_go_direct").display().to_string();
        let module = "module(name = \"bench\")\n\nlocal_path_override(\n    module_name = \"rules_go_direct\",\n    path = ";
        write(workspace.root(), "MODULE.bazel", &format!("{module}\"{ruleset}\",\n)\n"));
        write(workspace.root(), "godirect.star", "go_sdk(version = \"1.27.3\")\n\nplatforms(\"linux/amd64\")\n\nbazel()\n");
        for verb in ["lock", "generate"] {
            succeeded(verb, &engines::godirect().arg("-C").arg(workspace.root()).arg(verb).output().expect("godirect"));
        }
        workspace
    }

    pub fn root(&self) -> &Path {
        &self.root
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
