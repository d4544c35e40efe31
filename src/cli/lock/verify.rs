//! `godirect lock --verify`

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;

use crate::cli::output::{self, JSON_VERSION};
use crate::error::{Class, Result};
use crate::lock::cache::Cache;
use crate::lock::goenv::GoEnv;
use crate::lock::sumdb::Database;
use crate::lock::verify::{Entry, Evidence, Kind, verify};
use crate::project::{LOCK_FILE, Project};

#[derive(Serialize)]
struct Summary {
    version: u32,
    verified: bool,
    entries: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    kind: Kind,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Evidence>,
    /// Whether the cache has it.
    cached: bool,
    failures: Vec<String>,
}

/// Says why each hash in the lock is right; writes nothing and needs no network.
pub fn run(directory: &Path, json: bool) -> Result<ExitCode> {
    let project = Project::open(directory)?;
    let lock = project.read_lock()?;
    let verifier = Database::new(&GoEnv::read(None)).verifier()?;
    let entries = verify(&project.dir, &lock, &project.workspace.sums, &verifier, &Cache::open()?);
    let failed = entries.iter().filter(|entry| failures(entry).next().is_some()).count();
    if json {
        let rows = entries.iter().map(row).collect();
        output::json(&Summary { version: JSON_VERSION, verified: failed == 0, entries: rows })?;
    } else {
        show(&entries);
    }
    if failed == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    anstream::eprintln!("{LOCK_FILE}: {failed} of {} failed; nothing of it should be built", output::entries(entries.len()));
    Ok(ExitCode::from(Class::Verification.exit_code()))
}

fn failures(entry: &Entry) -> impl Iterator<Item = &String> {
    let cached = entry.cached.as_ref().and_then(|cached| cached.as_ref().err());
    entry.evidence.as_ref().err().into_iter().chain(cached)
}

fn row(entry: &Entry) -> Row {
    Row {
        kind: entry.kind,
        name: entry.name.clone(),
        evidence: entry.evidence.as_ref().ok().copied(),
        cached: entry.cached.is_some(),
        failures: failures(entry).cloned().collect(),
    }
}

fn show(entries: &[Entry]) {
    for (kind, word) in [(Kind::Sdk, "sdk"), (Kind::Module, "modules"), (Kind::GoMod, "go.mod"), (Kind::Vendored, "vendor")] {
        let fine: Vec<Evidence> = entries
            .iter()
            .filter(|entry| entry.kind == kind)
            .filter_map(|entry| entry.evidence.as_ref().ok().copied())
            .collect();
        if !fine.is_empty() {
            output::line(word, format!("{}: {}", output::entries(fine.len()), reasons(&fine)));
        }
    }
    let cached = entries.iter().filter_map(|entry| entry.cached.as_ref());
    let fine = cached.filter(|cached| cached.is_ok()).count();
    output::line("cache", format!("{} hashed anew, as locked", output::count(fine, "file")));
    for entry in entries.iter().filter(|entry| entry.evidence == Ok(Evidence::Accepted)) {
        output::line("accepted", format!("{}: not verified, which the lock says", entry.name));
    }
    for entry in entries {
        for failure in failures(entry) {
            output::line("wrong", format!("{}: {failure}", entry.name));
        }
    }
}

/// What vouches for some entries, each reason once.
pub fn reasons(evidence: &[Evidence]) -> String {
    let records: BTreeSet<u64> =
        evidence.iter().filter_map(|e| if let Evidence::Record(record) = e { Some(*record) } else { None }).collect();
    let has = |wanted: Evidence| evidence.contains(&wanted);
    let mut reasons = Vec::new();
    if has(Evidence::GoSum) {
        reasons.push("verified against go.sum".to_owned());
    }
    if !records.is_empty() {
        let noun = if records.len() == 1 { "record" } else { "records" };
        let list: Vec<String> = records.iter().map(u64::to_string).collect();
        reasons.push(format!("proven by the checksum database, {noun} {}", list.join(", ")));
    }
    if has(Evidence::Archive) {
        reasons.push("pinned by the archive's sha256".to_owned());
    }
    if has(Evidence::Vendor) {
        reasons.push("the files are those that were locked".to_owned());
    }
    if has(Evidence::Accepted) {
        reasons.push("NOT verified (--accept-unverified)".to_owned());
    }
    reasons.join("; ")
}
