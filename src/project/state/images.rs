//! Container images, which are made of the same binary in several views.

use std::collections::{BTreeMap, BTreeSet};

use super::nix_files::WORKSPACE;
use super::{ARGUMENTS, Build, SDK, json, node_name, sdk_digest, target};
use crate::affected::state::File;
use crate::affected::{Kind, Made, Node, View};
use crate::digest::Sha256;
use crate::emit::bazel::label;
use crate::error::Result;
use crate::project::{Locked, Variant};
use crate::spec::DEFAULT_SDK;

/// Leaves out what Bazel doesn't have: the rule of an image stands in the root package, or, as with rules_go, nowhere.
pub(super) fn keep_declared(views: &mut BTreeMap<String, View>, labels: &BTreeSet<String>) {
    views.values_mut().for_each(|view| view.targets.retain(|t, made| t.kind != Kind::Image || labels.contains(&made.label)));
}

impl Locked<'_> {
    /// Adds the spec's images to all views that have their binaries. Each is also made of the list of these views, so that one platform
    /// more or less is a change in all of them; `file` gives the ID of a file's content.
    pub(super) fn add_images(
        &self,
        views: &mut BTreeMap<String, View>,
        build: Build,
        file: impl Fn(&str) -> Result<File>,
    ) -> Result<()> {
        for image in &self.project.spec.images {
            let Some(binary) = self.project.binaries.get(&image.binary) else { continue };
            let made_by = target(Kind::Binary, &image.binary);
            let has = |name: &String| views.get(name).is_some_and(|view| view.targets.contains_key(&made_by));
            let names: Vec<String> = self.project.image_variants(image).iter().map(Variant::name).filter(has).collect();
            let mut recipe =
                BTreeMap::from([(ARGUMENTS.to_owned(), Sha256::of(json(&self.project.planned(image, names.clone()))?))]);
            // For Go it is only where time zones come from; others compile the program that writes images.
            if image.time_zones || build != Build::Go {
                recipe.insert(SDK.to_owned(), sdk_digest(self.named_sdk(DEFAULT_SDK)?)?);
            }
            let files = image.certificates.iter().map(|path| Ok((path.clone(), file(path)?)));
            let files: BTreeMap<String, File> = files.collect::<Result<_>>()?;
            for name in &names {
                let Some(view) = views.get_mut(name) else { continue };
                let mut deps = BTreeSet::from([node_name(Kind::Binary, &image.binary)]);
                deps.extend((build == Build::Nix).then(|| WORKSPACE.to_owned()));
                let node = node_name(Kind::Image, &image.name);
                view.nodes.insert(node.clone(), Node { recipe: recipe.clone(), files: files.clone(), deps, ..Node::default() });
                let (label, directory) = (label("", &image.name), binary.directory.clone());
                view.targets.insert(target(Kind::Image, &image.name), Made { node, label, directory, ..Made::default() });
            }
        }
        Ok(())
    }
}
