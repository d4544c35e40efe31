//! Container images: the plan's one step for each, run by a program that is compiled once for each SDK.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::process::{self, Ended};
use super::program::Program;
use super::sdk::{OnPhase, Sdk};
use crate::digest::Hasher;
use crate::error::{Class, Error, Result};
use crate::lock::cache::Cache;
use crate::plan::image::ImageAction;

/// The program that writes images, which Nix and Bazel run as well.
const PROGRAM: Program = Program {
    name: "image",
    files: &[
        ("go.mod", include_str!("../../templates/image/go.mod")),
        ("executable.go", include_str!("../../templates/image/executable.go")),
        ("layers.go", include_str!("../../templates/image/layers.go")),
        ("layout.go", include_str!("../../templates/image/layout.go")),
        ("main.go", include_str!("../../templates/image/main.go")),
    ],
};

/// What images are made by.
#[derive(Debug)]
pub struct Writer<'a> {
    program: PathBuf,
    sdk: &'a Sdk,
    cache: &'a Cache,
}

impl<'a> Writer<'a> {
    /// Compiles the program with the default SDK, unless that was done before.
    ///
    /// # Errors
    ///
    /// When it can't be compiled, or the cache can't be written.
    pub fn new(cache: &'a Cache, sdk: &'a Sdk, phase: &OnPhase<'_>) -> Result<Writer<'a>> {
        let mut hasher = Hasher::default();
        PROGRAM.add_to(&mut hasher);
        hasher.update(&sdk.id);
        let directory = cache.program(PROGRAM.name, &hasher.finish());
        let program = directory.join(PROGRAM.name);
        if !program.is_file() {
            phase("Compiling the program that writes images");
            let (scratch, out) = (cache.temporary_directory()?, cache.temporary_directory()?);
            let compiled = PROGRAM
                .compile(&sdk.goroot, scratch.path(), &|_| {})
                .map_err(|e| e.context("compiling the program that writes images"))?;
            let to = out.path().join(PROGRAM.name);
            std::fs::rename(&compiled, &to).map_err(|e| Error::io("move", &compiled, &e))?;
            cache.publish(out, &directory)?;
        }
        Ok(Writer { program, sdk, cache })
    }

    /// Makes an image of executables by their configurations; `root` is the directory of the spec. The archive's content.
    ///
    /// # Errors
    ///
    /// Negative when the program refuses to.
    pub fn write(
        &self,
        name: &str,
        action: &ImageAction,
        executables: &BTreeMap<String, PathBuf>,
        root: &Path,
    ) -> Result<Vec<u8>> {
        let scratch = self.cache.temporary_directory()?;
        let obj = scratch.path().join("obj");
        std::fs::create_dir(&obj).map_err(|e| Error::io("create", &obj, &e))?;
        let out = scratch.path().join("out");
        let root = std::path::absolute(root).map_err(|e| Error::io("use", root, &e))?;
        let lookup = |token: &str| {
            let path = match token.split_once(':') {
                Some(("bin", configuration)) => std::path::absolute(executables.get(configuration)?).ok()?,
                Some(("file", file)) => root.join(file),
                _ => match token {
                    "image" => self.program.clone(),
                    "obj" => obj.clone(),
                    "out" => out.clone(),
                    "sdk" => self.sdk.goroot.clone(),
                    _ => return None,
                },
            };
            Some(path.display().to_string())
        };
        for step in &action.steps {
            if let Ended::Badly(text) = process::run(step, &BTreeMap::new(), scratch.path(), &lookup)? {
                let text = text.trim_end().trim_start_matches("godirect: ");
                return Err(Error::new(Class::Negative, format!("failed to make the image {name}: {text}")));
            }
        }
        std::fs::read(&out).map_err(|e| Error::io("read", &out, &e))
    }
}
