//! What CI systems read of the affected targets.

use std::collections::BTreeSet;

use serde::Serialize;

use super::explained;
use crate::affected::{Cause, Change, Impact, Kind, Status};
use crate::cli::output;
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
    /// Nix attributes of binaries, one a line.
    Nix,
    /// A matrix for GitHub Actions, on one line: for `fromJSON` of a job's output.
    Github,
    /// A child pipeline for GitLab, whose jobs extend `.affected`.
    Gitlab,
    /// Steps for `buildkite-agent pipeline upload`, which run the command of the variable AFFECTED_COMMAND.
    Buildkite,
    /// Directories of packages with something that is affected, as `./dir`, one a line: for `go test`, or a stage of Jenkins for each.
    Directories,
    /// Why, as a graph for Graphviz; with --explain TARGET only for that one.
    Dot,
    /// The same as a flowchart of Mermaid.
    Mermaid,
}

/// A share of the affected targets.
#[derive(Serialize)]
struct Shard {
    /// Which of how many it is, e.g. `1/3`.
    shard: String,
    /// The directories of its packages, as `./dir`, with spaces between.
    packages: String,
    /// Its Bazel labels, with spaces between.
    labels: String,
}

/// The targets in a format other than text.
pub fn render(format: Format, impacts: &[&Impact], shards: usize) -> Result<String> {
    match format {
        Format::Text => Ok(String::new()),
        Format::Labels => Ok(labels(impacts.iter().copied())),
        Format::Packages => {
            let go = impacts.iter().filter(|impact| is_go(impact) && impact.kind != Kind::Binary);
            Ok(lines(go.map(|impact| impact.name.clone())))
        }
        Format::Nix => {
            let binaries = impacts.iter().filter(|impact| impact.kind == Kind::Binary);
            Ok(lines(binaries.flat_map(|impact| impact.views.iter().map(|view| format!("{}-{view}", impact.name)))))
        }
        Format::Github => github(impacts, shards),
        Format::Gitlab => gitlab(impacts, shards),
        Format::Buildkite => buildkite(impacts, shards),
        Format::Directories => {
            let go = impacts.iter().filter(|impact| is_go(impact));
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

/// Whether it is a package of Go, or made of one.
fn is_go(impact: &Impact) -> bool {
    impact.rule.is_empty()
}

/// Whether Bazel is to be asked for it: the tests of a suite are targets of their own, and not all of them need be affected.
fn is_built(impact: &Impact) -> bool {
    impact.rule != "test_suite"
}

fn lines(items: impl Iterator<Item = String>) -> String {
    let items: BTreeSet<String> = items.collect();
    items.into_iter().map(|item| item + "\n").collect()
}

fn shards(impacts: &[&Impact], most: usize) -> Vec<Shard> {
    let directories: BTreeSet<&str> = impacts.iter().map(|impact| impact.directory.as_str()).collect();
    let directories: Vec<&str> = directories.into_iter().collect();
    let number = directories.len().min(most.clamp(1, MAX_SHARDS));
    let share = |index: usize| {
        let own: Vec<&str> = directories.iter().skip(index).step_by(number).copied().collect();
        let of_share = || impacts.iter().filter(|impact| own.contains(&impact.directory.as_str()));
        let labels: BTreeSet<&str> = of_share().filter(|impact| is_built(impact)).map(|impact| impact.label.as_str()).collect();
        let go: BTreeSet<&str> = of_share().filter(|impact| is_go(impact)).map(|impact| impact.directory.as_str()).collect();
        Shard {
            shard: format!("{}/{number}", index + 1),
            packages: go.iter().map(|directory| format!("./{directory}")).collect::<Vec<_>>().join(" "),
            labels: labels.into_iter().collect::<Vec<_>>().join(" "),
        }
    };
    (0..number).map(share).collect()
}

fn github(impacts: &[&Impact], most: usize) -> Result<String> {
    #[derive(Serialize)]
    struct Matrix {
        include: Vec<Shard>,
    }
    one_line(&Matrix { include: shards(impacts, most) })
}

/// JSON is YAML, too.
fn gitlab(impacts: &[&Impact], most: usize) -> Result<String> {
    let mut jobs = serde_json::Map::new();
    for Shard { shard, packages, labels } in shards(impacts, most) {
        let variables = serde_json::json!({ "AFFECTED_PACKAGES": packages, "AFFECTED_LABELS": labels });
        jobs.insert(format!("affected {shard}"), serde_json::json!({ "extends": ".affected", "variables": variables }));
    }
    if jobs.is_empty() {
        // A pipeline without jobs is an error.
        jobs.insert("nothing affected".to_owned(), serde_json::json!({ "script": ["true"] }));
    }
    output::as_json(&jobs)
}

fn buildkite(impacts: &[&Impact], most: usize) -> Result<String> {
    let step = |Shard { shard, packages, labels }: Shard| {
        serde_json::json!({
            "label": format!("affected {shard}"),
            "command": "$$AFFECTED_COMMAND",
            "env": { "AFFECTED_PACKAGES": packages, "AFFECTED_LABELS": labels },
        })
    };
    let steps: Vec<serde_json::Value> = shards(impacts, most).into_iter().map(step).collect();
    output::as_json(&serde_json::json!({ "steps": steps }))
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
