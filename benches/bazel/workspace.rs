//! What is built: a workspace of generated BUILD files for one of the rulesets, and the go command beside it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::engines::{self, repository, succeeded};
use crate::programs::write;

/// Who has the rules.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ruleset {
    /// rules_go_direct
    Direct,
    /// The real rules_go, with the pinned SDK as the one of the host.
    RulesGo,
}

/// The module where rules_go takes the host's SDK.
const HOST_SDK: &str = "module(name = \"bench\")\n\nbazel_dep(name = \"rules_go\", version = \"0.65.0\")\n\n\
    go_sdk = use_extension(\"@rules_go//go:extensions.bzl\", \"go_sdk\")\ngo_sdk.host()\n";

/// A directory that is the same in each run, so that Bazel fetches the SDK once.
pub struct Workspace {
    root: PathBuf,
    ruleset: Ruleset,
    cache: tempfile::TempDir,
}

impl Workspace {
    pub fn new(name: &str, ruleset: Ruleset, files: &[(String, String)]) -> Workspace {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&root);
        let workspace = Workspace { root, ruleset, cache: tempfile::tempdir().expect("a temporary directory") };
        for (path, text) in files {
            write(workspace.root(), path, text);
        }
        let place = repository("rules_go_direct").display().to_string();
        let module = "module(name = \"bench\")\n\nlocal_path_override(\n    module_name = \"rules_go_direct\",\n    path = ";
        let (module, argument) = match ruleset {
            Ruleset::Direct => (format!("{module}\"{place}\",\n)\n"), ""),
            Ruleset::RulesGo => (HOST_SDK.to_owned(), "ruleset = \"rules_go\""),
        };
        write(workspace.root(), "MODULE.bazel", &module);
        let spec = format!("go_sdk(version = \"1.27.3\")\n\nplatforms(\"linux/amd64\")\n\nbazel({argument})\n");
        write(workspace.root(), "godirect.star", &spec);
        for verb in ["lock", "generate"] {
            succeeded(verb, &engines::godirect().arg("-C").arg(workspace.root()).arg(verb).output().expect("godirect"));
        }
        workspace
    }

    /// What Bazel prints.
    pub fn bazel(&self, arguments: &[&str]) -> String {
        match self.ruleset {
            Ruleset::Direct => engines::bazel(&self.root, arguments),
            Ruleset::RulesGo => engines::bazel_with_rules_go(&self.root, arguments),
        }
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
