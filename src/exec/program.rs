//! Programs whose source godirect brings along: an SDK's go command compiles them, in an environment of their own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::process;
use crate::digest::Hasher;
use crate::error::{Error, Result};

/// A program of one package that imports only std.
#[derive(Clone, Copy, Debug)]
pub(super) struct Program {
    /// The name of the executable.
    pub name: &'static str,
    /// Name and content of its files.
    pub files: &'static [(&'static str, &'static str)],
}

impl Program {
    /// Adds its source to a key.
    pub fn add_to(&self, hasher: &mut Hasher) {
        for (name, content) in self.files {
            hasher.update(format!("{name} {} {content}\n", content.len()));
        }
    }

    /// Compiles it for this machine, into a directory for temporary files.
    ///
    /// # Errors
    ///
    /// When that fails.
    pub fn compile(&self, goroot: &Path, scratch: &Path, phase: &dyn Fn(&str)) -> Result<PathBuf> {
        let directory = scratch.join("program");
        fs::create_dir(&directory).map_err(|e| Error::io("create", &directory, &e))?;
        for (name, content) in self.files {
            let file = directory.join(name);
            fs::write(&file, content).map_err(|e| Error::io("write", &file, &e))?;
        }
        let path = |name: &str| scratch.join(name).display().to_string();
        let env = [
            ("CGO_ENABLED", "0".to_owned()),
            ("GOCACHE", path("cache")),
            ("GOENV", "off".to_owned()),
            ("GOPROXY", "off".to_owned()),
            ("GOROOT", goroot.display().to_string()),
            ("GOTELEMETRY", "off".to_owned()),
            ("GOTOOLCHAIN", "local".to_owned()),
            ("GOWORK", "off".to_owned()),
            ("HOME", path("home")),
        ];
        let env: BTreeMap<String, String> = env.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let go = goroot.join("bin/go").display().to_string();
        let program = scratch.join(self.name);
        let argv =
            [go, "build".to_owned(), "-trimpath".to_owned(), "-o".to_owned(), program.display().to_string(), ".".to_owned()];
        process::watch(&argv, &directory, &env, phase)?;
        Ok(program)
    }
}
