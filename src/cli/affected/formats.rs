//! What CI systems read of the affected targets.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::explained;
use crate::affected::{Cause, Change, Impact, Kind, Status};
use crate::cli::output;
use crate::digest::Hasher;
use crate::error::Result;

/// As many jobs as GitHub runs of one matrix.
pub const MAX_SHARDS: usize = 256;

/// What is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// Bazel labels, one a line.
    Labels,
    /// Import paths of packages with something that is affected, one a line.
    Packages,
    /// Nix attributes of binaries and images, one a line.
    Nix,
    /// A matrix for GitHub Actions, on one line: for `fromJSON` of a job's output.
    Github,
    /// A child pipeline for GitLab, whose jobs extend `.affected`.
    Gitlab,
    /// Steps for `buildkite-agent pipeline upload`, which run the command that the variable AFFECTED_COMMAND has there, by agents of the queue
    /// AFFECTED_QUEUE.
    Buildkite,
    /// Assignments for a shell, e.g. of a stage of Jenkins, to the variables that jobs of the other systems have: AFFECTED_PACKAGES,
    /// AFFECTED_BINARIES, AFFECTED_LABELS, AFFECTED_ATTRIBUTES, AFFECTED_KEY. They are empty where nothing is affected.
    Shell,
    /// Directories of packages with something that is affected, as `./dir`, one a line: for `go test`, or a stage of Jenkins for each.
    Directories,
    /// Why, as a graph for Graphviz; with --explain TARGET only for that one.
    Dot,
    /// The same as a flowchart of Mermaid.
    Mermaid,
}

impl Format {
    /// Whether it has keys for caches.
    pub fn has_keys(self) -> bool {
        matches!(self, Format::Github | Format::Gitlab | Format::Buildkite | Format::Shell)
    }
}

/// How targets are shared among jobs.
#[derive(Debug, Default)]
pub struct Sharing {
    /// So many at most; never more than [`MAX_SHARDS`].
    pub most: usize,
    /// Views of other platforms than this machine's, for which jobs build binaries only.
    pub elsewhere: BTreeSet<String>,
}

/// A share of the affected targets; lists have spaces between.
#[derive(Debug, Default, Serialize)]
struct Shard {
    /// Which of how many it is, e.g. `1/3`.
    shard: String,
    /// The directories of its packages that are affected on this machine's platform, as `./dir`.
    packages: String,
    /// Its binaries and images, for `godirect build`.
    binaries: String,
    /// Its Bazel labels.
    labels: String,
    /// The Nix attributes of its binaries and images.
    attributes: String,
    /// A digest of the targets' fingerprints: as long as it is the same, so are all results.
    key: String,
}

/// The targets in a format other than text.
pub fn render(format: Format, impacts: &[&Impact], sharing: &Sharing) -> Result<String> {
    match format {
        Format::Text => Ok(String::new()),
        Format::Labels => Ok(labels(impacts.iter().copied())),
        Format::Packages => {
            let go = impacts.iter().filter(|impact| is_package(impact) && impact.kind != Kind::Binary);
            Ok(lines(go.map(|impact| impact.name.clone())))
        }
        Format::Nix => Ok(lines(attributes(impacts))),
        Format::Github => github(impacts, sharing),
        Format::Gitlab => gitlab(impacts, sharing),
        Format::Buildkite => buildkite(impacts, sharing),
        Format::Shell => Ok(shell(impacts, sharing)),
        Format::Directories => {
            let go = impacts.iter().filter(|impact| is_package(impact));
            Ok(lines(go.map(|impact| format!("./{}", impact.directory))))
        }
        Format::Dot => Ok(explained::dot(impacts)),
        Format::Mermaid => Ok(explained::mermaid(impacts)),
    }
}

/// Bazel labels, one a line.
pub fn labels<'i>(impacts: impl Iterator<Item = &'i Impact>) -> String {
    lines(impacts.filter(|impact| is_built(impact)).map(|impact| impact.label.clone()))
}

/// Whether it is a package of Go, or what the go command makes of one.
fn is_package(impact: &Impact) -> bool {
    impact.rule.is_empty() && impact.kind != Kind::Image
}

/// Whether Bazel is to be asked for it: the tests of a suite are targets of their own, and not all of them need be affected.
fn is_built(impact: &Impact) -> bool {
    impact.rule != "test_suite"
}

fn lines(items: impl Iterator<Item = String>) -> String {
    let items: BTreeSet<String> = items.collect();
    items.into_iter().map(|item| item + "\n").collect()
}

/// The Nix attributes of binaries and images.
fn attributes(impacts: &[&Impact]) -> impl Iterator<Item = String> {
    impacts.iter().flat_map(|impact| match impact.kind {
        Kind::Binary => impact.views.iter().map(|view| format!("{}-{view}", impact.name)).collect(),
        // There is one for all of its platforms.
        Kind::Image => vec![impact.name.clone()],
        Kind::Package | Kind::Test | Kind::Other => Vec::new(),
    })
}

fn shards(impacts: &[&Impact], sharing: &Sharing) -> Vec<Shard> {
    let directories: BTreeSet<&str> = impacts.iter().map(|impact| impact.directory.as_str()).collect();
    let directories: Vec<&str> = directories.into_iter().collect();
    let number = directories.len().min(sharing.most.clamp(1, MAX_SHARDS));
    let nth = |index: usize| {
        let own: BTreeSet<&str> = directories.iter().skip(index).step_by(number).copied().collect();
        let own: Vec<&Impact> = impacts.iter().filter(|impact| own.contains(impact.directory.as_str())).copied().collect();
        Shard { shard: format!("{}/{number}", index + 1), ..share(&own, sharing) }
    };
    (0..number).map(nth).collect()
}

fn share(impacts: &[&Impact], sharing: &Sharing) -> Shard {
    fn joined(items: impl Iterator<Item = String>) -> String {
        items.collect::<BTreeSet<String>>().into_iter().collect::<Vec<_>>().join(" ")
    }
    let is_here = |impact: &&&Impact| impact.views.iter().any(|view| !sharing.elsewhere.contains(view));
    let binaries = impacts.iter().filter(|impact| matches!(impact.kind, Kind::Binary | Kind::Image));
    let mut hasher = Hasher::default();
    for (view, sha256) in impacts.iter().flat_map(|impact| &impact.fingerprints) {
        hasher.update(format!("{view} {sha256}\n"));
    }
    Shard {
        shard: String::new(),
        packages: joined(
            impacts.iter().filter(is_here).filter(|impact| is_package(impact)).map(|impact| format!("./{}", impact.directory)),
        ),
        binaries: joined(binaries.map(|impact| impact.name.clone())),
        labels: joined(impacts.iter().filter(|impact| is_built(impact)).map(|impact| impact.label.clone())),
        attributes: joined(attributes(impacts)),
        key: hasher.finish().to_string(),
    }
}

/// The variables of a job.
fn variables(shard: &Shard) -> [(&'static str, &str); 5] {
    let Shard { shard: _, packages, binaries, labels, attributes, key } = shard;
    [
        ("AFFECTED_PACKAGES", packages),
        ("AFFECTED_BINARIES", binaries),
        ("AFFECTED_LABELS", labels),
        ("AFFECTED_ATTRIBUTES", attributes),
        ("AFFECTED_KEY", key),
    ]
}

fn github(impacts: &[&Impact], sharing: &Sharing) -> Result<String> {
    #[derive(Serialize)]
    struct Matrix {
        include: Vec<Shard>,
    }
    one_line(&Matrix { include: shards(impacts, sharing) })
}

/// JSON is YAML, too.
fn gitlab(impacts: &[&Impact], sharing: &Sharing) -> Result<String> {
    let mut jobs = serde_json::Map::new();
    for shard in shards(impacts, sharing) {
        let variables = BTreeMap::from(variables(&shard));
        let job = serde_json::json!({ "extends": ".affected", "variables": variables });
        jobs.insert(format!("affected {}", shard.shard), job);
    }
    if jobs.is_empty() {
        // A pipeline without jobs is an error.
        jobs.insert("nothing affected".to_owned(), serde_json::json!({ "script": ["true"] }));
    }
    output::as_json(&jobs)
}

/// The agent fills in variables when it uploads the steps.
fn buildkite(impacts: &[&Impact], sharing: &Sharing) -> Result<String> {
    let step = |label: String, command: &str, env: BTreeMap<&str, &str>| {
        let agents = serde_json::json!({ "queue": "${AFFECTED_QUEUE:-default}" });
        serde_json::json!({ "label": label, "command": command, "env": env, "agents": agents })
    };
    let shards = shards(impacts, sharing);
    let mut steps: Vec<serde_json::Value> = shards
        .iter()
        .map(|shard| step(format!("affected {}", shard.shard), "${AFFECTED_COMMAND}", variables(shard).into()))
        .collect();
    if steps.is_empty() {
        steps.push(step("nothing affected".to_owned(), "true", BTreeMap::new()));
    }
    output::as_json(&serde_json::json!({ "steps": steps }))
}

fn shell(impacts: &[&Impact], sharing: &Sharing) -> String {
    let shard = if impacts.is_empty() { Shard::default() } else { share(impacts, sharing) };
    let line = |(name, value): (&str, &str)| format!("{name}='{}'\n", value.replace('\'', "'\\''"));
    variables(&shard).map(line).concat()
}

fn one_line(value: &impl Serialize) -> Result<String> {
    let text = output::as_json(value)?;
    Ok(text.lines().map(str::trim_start).collect::<String>() + "\n")
}

/// Why a target is affected: what changed, and the way from there to it.
pub fn because(impact: &Impact) -> String {
    /// So many changes are shown.
    const SHOWN: usize = 3;
    let cause = |cause: &Cause| {
        let change = match cause.change {
            Change::Added => "is new",
            Change::Modified => "changed",
            Change::Removed => "is gone",
        };
        format!("{} {change}", cause.what)
    };
    let mut causes: Vec<String> = impact.causes.iter().take(SHOWN).map(cause).collect();
    if impact.causes.len() > SHOWN {
        causes.push(format!("{} more", impact.causes.len() - SHOWN));
    }
    if impact.status == Status::Always {
        return format!("\n           tagged {}", impact.tags.iter().cloned().collect::<Vec<_>>().join(", "));
    }
    if causes.is_empty() {
        return String::new();
    }
    let way: String = impact.chain.iter().rev().map(|step| format!(" → {step}")).collect();
    format!("\n           {}{way}", causes.join(", "))
}
