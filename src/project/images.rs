//! The images of a repository: which configurations of a binary they are made of.

use std::collections::{BTreeMap, BTreeSet};

use super::{Project, Variant};
use crate::emit::bazel;
use crate::emit::nix::Plan;
use crate::error::{self, Error, Result};
use crate::plan::Configuration;
use crate::plan::image::{self, ImageAction};
use crate::spec::profile::Buildmode;
use crate::spec::{DEFAULT_SDK, Image};

/// An error with the place of the image in the spec.
fn at(image: &Image, error: Error) -> Error {
    match &image.location {
        Some(location) => error.at(location.clone()),
        None => error,
    }
}

impl Project {
    /// Refuses images of binaries that there aren't, and names that something else has.
    pub(super) fn check_images(&self) -> Result<()> {
        let mut taken: BTreeSet<String> = self.binaries.keys().cloned().collect();
        if !self.spec.images.is_empty() {
            let variants = self.variants();
            taken.extend(self.binaries.keys().flat_map(|name| variants.iter().map(move |v| format!("{name}-{}", v.name()))));
            taken.insert("default".to_owned());
            for sdk in self.spec.sdks.keys() {
                let suffix = if sdk == DEFAULT_SDK { String::new() } else { format!("-{sdk}") };
                taken.extend(["go", "sdk-rebuild"].map(|name| format!("{name}{suffix}")));
            }
        }
        for image in &self.spec.images {
            let name = &image.name;
            if taken.contains(name) {
                let error = Error::input(format!("the image can't have the name `{name}`, which something else has"));
                return Err(at(image, error.help(format!("binaries, SDKs and images share names: call it `{name}-image`"))));
            }
            let Some(binary) = self.binaries.get(&image.binary) else {
                let known: Vec<&str> = self.binaries.keys().map(String::as_str).collect();
                let error = Error::input(format!("the spec has no binary `{}`", image.binary.escape_debug()));
                return Err(at(image, error.help(format!("it has {}", known.join(", ")))));
            };
            let profile = image.profile.as_deref().or(binary.profiles.first().map(String::as_str)).unwrap_or_default();
            if !binary.profiles.iter().any(|known| known == profile) {
                let error = Error::input(format!("the binary {} doesn't have the profile `{profile}`", image.binary));
                return Err(at(image, error.help(format!("it has {}", binary.profiles.join(", ")))));
            }
            let mode = self.spec.profile(profile)?.buildmode;
            if matches!(mode, Buildmode::CArchive | Buildmode::CShared | Buildmode::Plugin) {
                let error = Error::input(format!("{} is no program, but a library (buildmode {})", image.binary, mode.name()));
                return Err(at(image, error.help("give the image a profile that makes a program: image(…, profile = …)")));
            }
        }
        Ok(())
    }

    /// The variants of its binary that an image may have.
    pub fn image_variants<'a>(&'a self, image: &'a Image) -> Vec<Variant<'a>> {
        let first = self.binaries.get(&image.binary).and_then(|binary| binary.profiles.first());
        let profile = image.profile.as_ref().or(first);
        let has = |variant: &Variant| {
            let target = variant.target;
            let platform = target.platform.to_string();
            profile.is_some_and(|profile| profile == variant.profile_name)
                && target.platform.goos() == "linux"
                && (image.platforms.is_empty() || image.platforms.iter().any(|p| *p == target.name || *p == platform))
        };
        self.variants().into_iter().filter(has).collect()
    }

    /// The variants that an image has, of those for which `has` says that there is its binary.
    fn built_variants<'a>(&'a self, image: &'a Image, has: impl Fn(&Variant) -> Result<bool>) -> Result<Vec<Variant<'a>>> {
        let mut found = Vec::new();
        for variant in self.image_variants(image) {
            match has(&variant)? {
                true => found.push(variant),
                false if image.platforms.is_empty() => {}
                false => {
                    let binary = &image.binary;
                    let error = Error::input(format!("{binary} has no Go files for {}", variant.target.platform));
                    return Err(at(image, error.help("leave the platform out of the image")));
                }
            }
        }
        if found.is_empty() {
            let error = Error::input(format!("{} has no Go files for any platform of Linux", image.binary));
            return Err(at(image, error.help("add one to platforms(…)")));
        }
        Ok(found)
    }

    /// The variables that an image's program finds in its environment.
    fn image_env(&self, image: &Image) -> BTreeMap<String, String> {
        let mut env = self.binaries.get(&image.binary).map(|binary| binary.runtime.clone()).unwrap_or_default();
        env.extend(image.env.clone());
        env
    }

    /// How to make an image, from plans by the names of configurations.
    ///
    /// # Errors
    ///
    /// A platform that the image names and its binary has no files for, or no platform at all; a file that isn't there.
    pub fn image_action(&self, image: &Image, plans: &BTreeMap<&str, &Configuration>) -> Result<ImageAction> {
        let has = |name: &str| plans.get(name).is_some_and(|plan| plan.binaries.contains_key(&image.binary));
        let variants = self.built_variants(image, |variant| Ok(has(&variant.name())))?;
        let configurations = variants.iter().map(Variant::name).collect();
        if let Some(file) = &image.certificates {
            // Read, so that it is known to have been.
            let path = error::file_in(&self.dir, file);
            self.files.read(&path).map_err(|e| match e.kind() {
                std::io::ErrorKind::NotFound => {
                    let error =
                        Error::input(format!("there is no file {file}, which certificates of the image {} names", image.name));
                    at(image, error.help("write the path of a PEM file, relative to the spec"))
                }
                _ => Error::io("read", &path, &e),
            })?;
        }
        Ok(self.planned(image, configurations))
    }

    /// How to make an image of its binary in these configurations.
    pub(super) fn planned(&self, image: &Image, configurations: Vec<String>) -> ImageAction {
        image::action(image, &self.image_env(image), configurations)
    }

    /// The images as Bazel targets.
    ///
    /// # Errors
    ///
    /// Those of [`Project::image_action`].
    pub fn bazel_images(&self, views: &[bazel::View]) -> Result<Vec<bazel::Image<'_>>> {
        let mut images = Vec::new();
        for image in &self.spec.images {
            let Some(binary) = self.binaries.get(&image.binary) else { continue };
            let variants = self.built_variants(image, |variant| {
                let is_it =
                    |view: &&bazel::View| view.target.name == variant.target.name && view.profile == variant.profile_name;
                views.iter().find(is_it).map_or(Ok(false), |view| binary.is_built(view.graph))
            })?;
            let profile = variants.first().map(|variant| variant.profile_name).unwrap_or_default();
            images.push(bazel::Image {
                image,
                directory: &binary.directory,
                main: &binary.main,
                target: binary.target_in(profile),
                env: self.image_env(image),
                platforms: variants.iter().map(|variant| variant.target.platform.clone()).collect(),
            });
        }
        Ok(images)
    }

    /// How to make all images, by name.
    ///
    /// # Errors
    ///
    /// Those of [`Project::image_action`].
    pub fn image_actions(&self, plans: &BTreeMap<String, Plan>) -> Result<BTreeMap<String, ImageAction>> {
        let plans = plans.iter().map(|(name, plan)| (name.as_str(), &plan.configuration)).collect();
        self.spec.images.iter().map(|image| Ok((image.name.clone(), self.image_action(image, &plans)?))).collect()
    }
}
