//! What Bazel itself says of a tree: for each target a digest of its actions, which is made of their keys and of all that they read.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::SystemTime;

use godirect::digest::Sha256;
use serde::Deserialize;

use super::engines::{bazel, bazel_output, succeeded};

/// The digests of all targets of the workspace that have actions, by label.
pub type Actions = BTreeMap<String, BTreeSet<Sha256>>;

/// What `bazel aquery --output=jsonproto` prints (`src/main/protobuf/analysis_v2.proto` in Bazel).
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Graph {
    artifacts: Vec<Artifact>,
    actions: Vec<Action>,
    targets: Vec<Target>,
    dep_set_of_files: Vec<DepSet>,
    path_fragments: Vec<Fragment>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Artifact {
    id: u32,
    path_fragment_id: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Action {
    target_id: u32,
    action_key: String,
    #[serde(default)]
    input_dep_set_ids: Vec<u32>,
    #[serde(default)]
    output_ids: Vec<u32>,
}

#[derive(Deserialize)]
struct Target {
    id: u32,
    label: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DepSet {
    id: u32,
    #[serde(default)]
    direct_artifact_ids: Vec<u32>,
    #[serde(default)]
    transitive_dep_set_ids: Vec<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fragment {
    id: u32,
    label: String,
    #[serde(default)]
    parent_id: u32,
}

/// A workspace whose server stays between questions.
pub struct Workspace {
    root: PathBuf,
    /// Targets that `//...` doesn't match.
    manual: String,
    output_base: PathBuf,
    /// Digests of files outside of the workspace, which are many, by what tells that they are as they were.
    outside: RefCell<HashMap<(PathBuf, SystemTime, u64), Sha256>>,
}

impl Workspace {
    pub fn new(root: &Path, manual: &[&str]) -> Workspace {
        let output_base = PathBuf::from(bazel(root, &["info", "output_base"]).trim_end());
        Workspace { root: root.to_owned(), manual: manual.join(" "), output_base, outside: RefCell::default() }
    }

    /// The actions of all targets, for a platform of the spec.
    pub fn actions(&self, platform: &str) -> Actions {
        self.read(&succeeded("bazel aquery", &self.aquery(platform)))
    }

    /// The same; nothing for a tree that Bazel can't analyse.
    pub fn actions_if_any(&self, platform: &str) -> Option<Actions> {
        let output = self.aquery(platform);
        output.status.success().then(|| self.read(&String::from_utf8_lossy(&output.stdout)))
    }

    fn aquery(&self, platform: &str) -> Output {
        let platform = format!("--platforms=@rules_go_direct//go/toolchain:{platform}");
        let expression = format!("deps(set(//... {}))", self.manual);
        bazel_output(&self.root, &["aquery", "--output=jsonproto", &platform, &expression])
    }

    fn read(&self, printed: &str) -> Actions {
        let graph: Graph = serde_json::from_str(printed).unwrap();
        let index = Index::new(self, &graph);
        let mut found = Actions::new();
        for (number, action) in graph.actions.iter().enumerate() {
            let label = index.targets[&action.target_id];
            if label.starts_with("//") {
                found.entry(shortest(label)).or_default().insert(index.action(number));
            }
        }
        found
    }

    /// The targets that use files, directly or not, as `bazel cquery` finds them.
    pub fn users(&self, files: &[&str], platform: &str) -> BTreeSet<String> {
        if files.is_empty() {
            return BTreeSet::new();
        }
        let platform = format!("--platforms=@rules_go_direct//go/toolchain:{platform}");
        let expression = format!("kind(rule, rdeps(//..., set({})))", files.join(" "));
        let printed = bazel(&self.root, &["cquery", &platform, &expression]);
        // With the ID of the configuration.
        printed.lines().filter_map(|line| Some(shortest(line.split_once(' ')?.0))).collect()
    }

    /// A digest of a source file, or of all files of a directory.
    fn source(&self, path: &str) -> Sha256 {
        let place = match path.strip_prefix("external/") {
            Some(_) => self.output_base.join(path),
            None => return Sha256::of(content(&self.root.join(path))),
        };
        let data = fs::metadata(&place).unwrap();
        let key = (place, data.modified().unwrap(), data.len());
        if let Some(digest) = self.outside.borrow().get(&key) {
            return *digest;
        }
        let digest = Sha256::of(content(&key.0));
        self.outside.borrow_mut().insert(key, digest);
        digest
    }
}

/// What is in a file, or in all files of a directory; nothing where there is none, which building would complain about.
fn content(path: &Path) -> Vec<u8> {
    if !path.is_dir() {
        return fs::read(path).unwrap_or_default();
    }
    let mut entries: Vec<PathBuf> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries.iter().flat_map(|path| [path.as_os_str().as_encoded_bytes(), &content(path)].concat()).collect()
}

/// As `godirect affected` prints labels: `//lib:lib` is `//lib`.
pub fn shortest(label: &str) -> String {
    match label.trim_start_matches("@@").rsplit_once(':') {
        Some((package, name)) if package.rsplit('/').next() == Some(name) && package != "//" => package.to_owned(),
        _ => label.to_owned(),
    }
}

/// The same, to look things up.
struct Index<'g> {
    workspace: &'g Workspace,
    graph: &'g Graph,
    targets: HashMap<u32, &'g str>,
    paths: HashMap<u32, String>,
    producers: HashMap<u32, usize>,
    dep_sets: HashMap<u32, &'g DepSet>,
    /// The digests of actions that were asked for.
    known: RefCell<HashMap<usize, Sha256>>,
}

impl<'g> Index<'g> {
    fn new(workspace: &'g Workspace, graph: &'g Graph) -> Index<'g> {
        let fragments: HashMap<u32, &Fragment> = graph.path_fragments.iter().map(|fragment| (fragment.id, fragment)).collect();
        let path = |id: u32| {
            let parents = std::iter::successors(fragments.get(&id), |fragment| fragments.get(&fragment.parent_id));
            let mut labels: Vec<&str> = parents.map(|fragment| fragment.label.as_str()).collect();
            labels.reverse();
            labels.join("/")
        };
        let produced = |(number, action): (usize, &'g Action)| action.output_ids.iter().map(move |id| (*id, number));
        Index {
            workspace,
            graph,
            targets: graph.targets.iter().map(|target| (target.id, target.label.as_str())).collect(),
            paths: graph.artifacts.iter().map(|artifact| (artifact.id, path(artifact.path_fragment_id))).collect(),
            producers: graph.actions.iter().enumerate().flat_map(produced).collect(),
            dep_sets: graph.dep_set_of_files.iter().map(|set| (set.id, set)).collect(),
            known: RefCell::default(),
        }
    }

    /// A digest of an action's key and of all that it reads: sources by their content, what is generated by the action that does that.
    fn action(&self, number: usize) -> Sha256 {
        if let Some(digest) = self.known.borrow().get(&number) {
            return *digest;
        }
        let action = &self.graph.actions[number];
        let mut text = action.action_key.clone();
        for input in self.inputs(action) {
            let digest = match self.producers.get(&input) {
                Some(producer) => self.action(*producer),
                None => self.workspace.source(&self.paths[&input]),
            };
            text += &format!("\n{} {digest}", self.paths[&input]);
        }
        let digest = Sha256::of(text);
        self.known.borrow_mut().insert(number, digest);
        digest
    }

    /// The artifacts that an action reads, in the order of their paths.
    fn inputs(&self, action: &Action) -> Vec<u32> {
        let (mut artifacts, mut seen) = (BTreeSet::new(), BTreeSet::new());
        let mut open = action.input_dep_set_ids.clone();
        while let Some(id) = open.pop() {
            if seen.insert(id) {
                artifacts.extend(&self.dep_sets[&id].direct_artifact_ids);
                open.extend(&self.dep_sets[&id].transitive_dep_set_ids);
            }
        }
        let mut artifacts: Vec<u32> = artifacts.into_iter().collect();
        artifacts.sort_by_key(|id| &self.paths[id]);
        artifacts
    }
}

/// The targets that only one of two trees has, or whose actions differ.
pub fn differ(base: &Actions, head: &Actions) -> BTreeSet<String> {
    let labels: BTreeSet<&String> = base.keys().chain(head.keys()).collect();
    labels.into_iter().filter(|label| base.get(*label) != head.get(*label)).cloned().collect()
}
