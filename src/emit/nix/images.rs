//! Container images as derivations.
//!
//! This is `templates/nix/images.nix`, and makes the same derivations.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::json;

use super::aterm::placeholder;
use super::derivations::{Builder, steps};
use super::store::{Derivation, Text, store_name};
use crate::error::Result;
use crate::name::GoVersion;
use crate::plan::image::ImageAction;
use crate::spec::DEFAULT_SDK;

/// The names of the program's files.
pub(super) const PROGRAM: [&str; 5] = ["executable.go", "go.mod", "layers.go", "layout.go", "main.go"];

/// A binary that an image can take.
pub(super) type Executables<'e> = dyn Fn(&str, &str) -> Option<Text> + 'e;

impl Builder<'_> {
    /// All images by name; `executable` gives that of a configuration and a binary, `goroot` is the default SDK.
    pub(super) fn images(
        &mut self,
        images: &BTreeMap<String, ImageAction>,
        version: &GoVersion,
        goroot: &Text,
        executable: &Executables<'_>,
    ) -> Result<BTreeMap<String, Rc<Derivation>>> {
        let mut made = BTreeMap::new();
        if images.is_empty() {
            return Ok(made);
        }
        let bootstrap = self.first_bootstrap(DEFAULT_SDK, version)?;
        let from = format!("{}/image", self.settings.directory);
        let source = self.local_files(&from, "godirect-image-source", &PROGRAM)?;
        let program = self.compile_program(&bootstrap, "godirect-image", &source)?.out();
        for (name, image) in images {
            let mut tokens = BTreeMap::from([("image".to_owned(), program.clone())]);
            tokens.insert("out".to_owned(), placeholder("out").into());
            tokens.extend(image.sdk.then(|| ("sdk".to_owned(), goroot.clone())));
            let binary =
                |configuration: &String| Some((format!("bin:{configuration}"), executable(configuration, &image.binary)?));
            // Its C code can't be compiled here for all platforms.
            let Some(binaries) = image.configurations.iter().map(binary).collect::<Option<Vec<_>>>() else {
                self.lacking.insert(name.clone());
                continue;
            };
            tokens.extend(binaries);
            for file in &image.files {
                let tree = self.local_files("", &store_name(&format!("{name}-file")), &[file])?;
                tokens.insert(format!("file:{file}"), tree.within("", format!("/{file}")));
            }
            let attributes = self
                .help("build", &format!("{}.tar", store_name(name)))?
                .with("label", format!("image {name}"))
                .value("env", json!({}))
                .value("steps", steps(name, &image.steps)?)
                .with_all("tokens", tokens);
            made.insert(name.clone(), self.store.derivation(attributes)?);
        }
        Ok(made)
    }
}
