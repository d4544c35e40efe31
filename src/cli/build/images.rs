//! The images that are asked for by name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Planned;
use crate::cli::progress::Bar;
use crate::digest::Sha256;
use crate::error::{Error, Result};
use crate::exec;
use crate::exec::image::Writer;
use crate::lock::cache::Cache;
use crate::lock::fetch::Fetcher;
use crate::lock::proxy::Proxy;
use crate::plan::Configuration;
use crate::platform::OsArch;
use crate::project::{Locked, Project, Variant};
use crate::spec::{DEFAULT_SDK, Image};
use crate::write;

/// An image that was made.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::cli) struct Made {
    name: String,
    reference: String,
    configurations: Vec<String>,
    pub path: PathBuf,
    pub sha256: Sha256,
    pub size: u64,
}

/// What is asked for by names: those that are of images, and the others.
pub(super) fn split<'p>(project: &'p Project, names: &[String]) -> (Vec<&'p Image>, Vec<String>) {
    let find = |name: &String| project.spec.images.iter().find(|image| image.name == *name);
    let others = names.iter().filter(|name| find(name).is_none()).cloned().collect();
    (names.iter().filter_map(find).collect(), others)
}

/// Whether some image is made of a binary as it is in a variant.
pub(super) fn need(project: &Project, images: &[&Image], variant: &Variant, binary: &str) -> bool {
    let has = |image: &&Image| project.image_variants(image).iter().any(|own| own.name() == variant.name());
    images.iter().filter(|image| image.binary == binary).any(has)
}

/// Makes images of binaries that lie below `out`.
pub(super) fn make(
    locked: &Locked,
    images: &[&Image],
    planned: &[Planned],
    (cache, proxy): (&Cache, &Proxy),
    out: &Path,
) -> Result<Vec<Made>> {
    if images.is_empty() {
        return Ok(Vec::new());
    }
    let plans: BTreeMap<&str, &Configuration> = planned.iter().map(|p| (p.name.as_str(), &p.configuration)).collect();
    let (bar, phases) = (Bar::bytes(), Bar::phases());
    let progress = |p: crate::lock::Progress<'_>| bar.download(p);
    let fetcher = Fetcher { cache, proxy, database: None, progress: &progress };
    let (project, phase) = (locked.project, |text: &str| phases.phase(text));
    let sdk = exec::sdk::locked(&fetcher, locked.named_sdk(DEFAULT_SDK)?, OsArch::host()?, &project.dir, &phase)?;
    let writer = Writer::new(cache, &sdk, &phase)?;
    let one = |image: &&Image| {
        let action = project.image_action(image, &plans)?;
        let place = |name: &String| {
            Some((name.clone(), out.join(name).join(&plans.get(name.as_str())?.binaries.get(&image.binary)?.file)))
        };
        let executables = action.configurations.iter().filter_map(place).collect();
        let content = writer.write(&image.name, &action, &executables, &project.dir)?;
        let path = out.join(&action.file);
        if path.is_dir() {
            let error = Error::input(format!("{} is a directory, so the image {} has no place", path.display(), image.name));
            return Err(error.help("give the platform or the image another name"));
        }
        write::atomic(&path, &content)?;
        Ok(Made {
            name: image.name.clone(),
            reference: image.reference.clone(),
            configurations: action.configurations,
            path,
            sha256: Sha256::of(&content),
            size: content.len() as u64,
        })
    };
    images.iter().map(one).collect()
}
