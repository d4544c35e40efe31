//! What the targets of a tree are made of.

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::digest::{Hasher, Sha256};

/// Everything that is built of a tree, in all its configurations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// By the name of the platform with the profile, as in plans.
    pub views: BTreeMap<String, View>,
}

/// What is built for a platform in a profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct View {
    /// The platform, `GOOS/GOARCH` or `GOOS/GOARCH/VARIANT`.
    pub platform: String,
    /// Steps of builds, by name.
    pub nodes: BTreeMap<String, Node>,
    /// The targets.
    #[serde(with = "by_name")]
    pub targets: BTreeMap<Target, Made>,
}

/// What somebody can ask to build or run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// What it is.
    pub kind: Kind,
    /// The import path of a package or of what is tested, the name of a binary or an image, or the label of what isn't Go.
    pub name: String,
}

/// How a target is made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Made {
    /// The step that makes it.
    pub node: String,
    /// What it is called in Bazel, e.g. `//cmd/server:server_lib`.
    pub label: String,
    /// The directory of its package, relative to the spec; empty for the spec's own.
    pub directory: String,
    /// What it is tagged with: `manual` and others.
    pub tags: BTreeSet<String>,
    /// The kind of Bazel rule that it is, e.g. `sh_test`; empty for Go.
    pub rule: String,
}

/// What a target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A package, without its tests.
    Package,
    /// The tests of a package, or another test of Bazel.
    Test,
    /// A program or library that the spec has.
    Binary,
    /// A container image of a binary.
    Image,
    /// What a BUILD file declares that isn't Go, and is no test.
    Other,
}

impl Kind {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Kind; 5] = [Kind::Package, Kind::Test, Kind::Binary, Kind::Image, Kind::Other];

    /// As it is written: `package`, `test`, `binary`, `image`, `other`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Package => "package",
            Kind::Test => "test",
            Kind::Binary => "binary",
            Kind::Image => "image",
            Kind::Other => "other",
        }
    }
}

/// A step of a build.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// What it does, as digests by what they are of, e.g. `SDK`, `arguments`.
    pub recipe: BTreeMap<String, Sha256>,
    /// The version of the Go language that its files are in, e.g. `1.24`; empty where the recipe has it, or there is none.
    pub language: String,
    /// The repository's files that it reads, relative to the spec.
    pub files: BTreeMap<String, File>,
    /// The nodes whose results it uses.
    pub deps: BTreeSet<String>,
}

/// A file that a step reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// The ID of its content in git; empty for a file that is looked for and isn't there.
    pub id: String,
    /// Whether it is source that only Go's compiler or assembler reads, for which comments mean nothing.
    pub compiled: bool,
}

impl View {
    /// The fingerprints of all targets: digests of all that they are made of, and what that is made of.
    pub fn fingerprints(&self) -> BTreeMap<&Target, Sha256> {
        let mut digests: BTreeMap<&str, Sha256> = BTreeMap::new();
        // What rules may use that can't be read may be a circle. Then all of the view counts.
        let whole = LazyCell::new(|| Sha256::of(format!("{:?}", self.nodes)));
        for name in self.post_order() {
            let Some(node) = self.nodes.get(name) else { continue };
            let mut hasher = Hasher::default();
            let mut add = |text: &str| hasher.update(format!("{}:{text},", text.len()));
            for (what, digest) in &node.recipe {
                add(what);
                add(&digest.to_string());
            }
            add(&node.language);
            for (path, file) in &node.files {
                add(path);
                add(&file.id);
                add(if file.compiled { "compiled" } else { "" });
            }
            for dep in &node.deps {
                add(dep);
                let is_open = |dep: &&String| self.nodes.contains_key(*dep);
                let digest = digests.get(dep.as_str()).copied().or_else(|| is_open(&dep).then(|| *whole));
                add(&digest.map(|digest| digest.to_string()).unwrap_or_default());
            }
            digests.insert(name, hasher.finish());
        }
        self.targets.iter().filter_map(|(target, made)| Some((target, *digests.get(made.node.as_str())?))).collect()
    }

    /// The nodes, each after those that it depends on.
    fn post_order(&self) -> Vec<&str> {
        let (mut order, mut seen) = (Vec::with_capacity(self.nodes.len()), BTreeSet::new());
        for root in self.nodes.keys() {
            let mut open = vec![(root.as_str(), false)];
            while let Some((name, is_done)) = open.pop() {
                if is_done {
                    order.push(name);
                } else if seen.insert(name) {
                    open.push((name, true));
                    let deps = self.nodes.get(name).into_iter().flat_map(|node| &node.deps);
                    open.extend(deps.map(|dep| (dep.as_str(), false)));
                }
            }
        }
        order
    }
}

/// Targets as the keys of a JSON object: `kind name`.
mod by_name {
    use std::collections::BTreeMap;

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use super::{Kind, Made, Target};

    pub fn serialize<S: Serializer>(targets: &BTreeMap<Target, Made>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(targets.iter().map(|(target, made)| (format!("{} {}", target.kind.name(), target.name), made)))
    }

    pub fn deserialize<'d, D: Deserializer<'d>>(deserializer: D) -> Result<BTreeMap<Target, Made>, D::Error> {
        let named = BTreeMap::<String, Made>::deserialize(deserializer)?;
        let target = |(text, made): (String, Made)| {
            let (kind, name) = text.split_once(' ')?;
            let kind = Kind::ALL.into_iter().find(|known| known.name() == kind)?;
            Some((Target { kind, name: name.to_owned() }, made))
        };
        let targets = named.into_iter().map(|pair| target(pair).ok_or_else(|| D::Error::custom("a target of an unknown kind")));
        targets.collect()
    }
}
