//! Container images: one call of the program in `templates/image`, which every engine compiles with the default SDK.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Step, token};
use crate::spec::Image;

/// How to make one image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImageAction {
    /// The file name of the archive.
    pub file: String,
    /// The name of its binary.
    pub binary: String,
    /// The configurations that this is taken from, in the order of the spec.
    pub configurations: Vec<String>,
    /// Files of the repository that its steps read, relative to the spec.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Whether its steps read the default SDK.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub sdk: bool,
    /// What to do.
    pub steps: Vec<Step>,
}

/// Plans an image of a binary that is built in these configurations, with the whole environment of its program.
pub fn action(image: &Image, env: &BTreeMap<String, String>, configurations: Vec<String>) -> ImageAction {
    let mut run = vec![token::IMAGE.to_owned()];
    // One word, since the value may look like a flag.
    let mut flag = |name: &str, value: &str| run.push(format!("-{name}={value}"));
    flag("out", token::OUT);
    flag("name", &image.reference);
    flag("program", &token::literal(&image.binary));
    image.args.iter().for_each(|arg| flag("arg", &token::literal(arg)));
    env.iter().for_each(|(name, value)| flag("env", &token::literal(&format!("{name}={value}"))));
    image.labels.iter().for_each(|(name, value)| flag("label", &token::literal(&format!("{name}={value}"))));
    image.ports.iter().for_each(|port| flag("port", port));
    let options = [("user", &image.user), ("workdir", &image.working_dir)];
    options.into_iter().filter(|(_, value)| !value.is_empty()).for_each(|(name, value)| flag(name, &token::literal(value)));
    if let Some(file) = &image.certificates {
        flag("certificates", &token::file_of(file));
    }
    if image.time_zones {
        flag("zoneinfo", &format!("{}/lib/time/zoneinfo.zip", token::SDK));
    }
    run.extend(configurations.iter().map(|configuration| token::binary_of(configuration)));
    ImageAction {
        file: file(&image.name),
        binary: image.binary.clone(),
        configurations,
        files: image.certificates.iter().cloned().collect(),
        sdk: image.time_zones,
        steps: vec![Step::Run { run, dir: token::OBJ.to_owned() }],
    }
}

/// Whether an image is called as one is to which nobody gave a reference.
pub fn reference_is_usual(image: &Image) -> bool {
    image.reference == format!("{}:latest", image.name)
}

/// The file name of an image's archive.
pub fn file(name: &str) -> String {
    format!("{name}.tar")
}
