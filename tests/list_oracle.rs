//! `godirect list` beside `go list` of the pinned SDK: what both say of real modules, field by field and in the same order.
//!
//! ```sh
//! cargo test --test list_oracle                                      # a few views of the smaller rows of docs/oracle.md
//! GODIRECT_TEST_ORACLE=all cargo test --test list_oracle             # all views of all rows
//! GODIRECT_TEST_ORACLE=rows cargo test --test list_oracle            # the few views of all rows
//! GODIRECT_TEST_ORACLE=x/net cargo test --test list_oracle           # all views of the rows whose modules contain that
//! ```

#[path = "support/cli.rs"]
#[allow(dead_code)]
mod support;

#[path = "list_oracle/answers.rs"]
mod answers;
#[path = "list_oracle/compare.rs"]
mod compare;
#[path = "list_oracle/rows.rs"]
mod rows;
#[path = "list_oracle/trees.rs"]
mod trees;
#[path = "list_oracle/waivers.rs"]
mod waivers;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use answers::Object;
use compare::Difference;
use rows::{Row, TABLE, View};
use support::GOROOT;
use waivers::WAIVERS;

/// The fields of `go list -json` that both print, in the order of `PackagePublic` in cmd/go/internal/load.
const FIELDS: [&str; 49] = [
    "Dir",
    "ImportPath",
    "Name",
    "Doc",
    "Root",
    "ForTest",
    "Module",
    "Match",
    "Goroot",
    "Standard",
    "DepOnly",
    "BinaryOnly",
    "Incomplete",
    "DefaultGODEBUG",
    "GoFiles",
    "CgoFiles",
    "IgnoredGoFiles",
    "InvalidGoFiles",
    "IgnoredOtherFiles",
    "CFiles",
    "CXXFiles",
    "MFiles",
    "HFiles",
    "FFiles",
    "SFiles",
    "SwigFiles",
    "SwigCXXFiles",
    "SysoFiles",
    "EmbedPatterns",
    "EmbedFiles",
    "CgoCFLAGS",
    "CgoCPPFLAGS",
    "CgoCXXFLAGS",
    "CgoFFLAGS",
    "CgoLDFLAGS",
    "CgoPkgConfig",
    "Imports",
    "ImportMap",
    "Deps",
    "Error",
    "DepsErrors",
    "TestGoFiles",
    "TestImports",
    "TestEmbedPatterns",
    "TestEmbedFiles",
    "XTestGoFiles",
    "XTestImports",
    "XTestEmbedPatterns",
    "XTestEmbedFiles",
];

/// The fields that are the go command's own: what it has built, and where it would install that; what only a GOPATH has.
const OF_GO: [&str; 9] =
    ["ImportComment", "Target", "Shlib", "ConflictDir", "Export", "BuildID", "Stale", "StaleReason", "CompiledGoFiles"];

/// As long as a report is read.
const SHOWN: usize = 20;

/// A new release's fields are noticed.
#[test]
fn the_fields_are_those_of_the_sdk() {
    let source = std::fs::read_to_string(GOROOT.join("src/cmd/go/internal/load/pkg.go")).unwrap();
    let body = source.split("type PackagePublic struct {\n").nth(1).and_then(|rest| rest.split("\n}").next()).unwrap();
    let names = body.lines().filter(|line| line.contains("`json:")).filter_map(|line| line.split_whitespace().next());
    let (of_go, shared): (Vec<&str>, Vec<&str>) = names.partition(|name| OF_GO.contains(name));
    assert_eq!((of_go.as_slice(), shared.as_slice()), (OF_GO.as_slice(), FIELDS.as_slice()));
}

/// What was found in all rows.
#[derive(Default)]
struct Report {
    /// By field: how often.
    counts: BTreeMap<String, usize>,
    shown: Vec<String>,
    /// The waivers that were needed.
    waived: BTreeSet<usize>,
}

impl Report {
    fn differences(&self) -> usize {
        self.counts.values().sum()
    }

    fn add(&mut self, row: &Row, view: View, difference: &Difference) {
        if let Some(waiver) = difference.waiver() {
            self.waived.insert(waiver);
            return;
        }
        let Difference { package, field, ours, theirs } = difference;
        *self.counts.entry(field.clone()).or_default() += 1;
        if self.shown.len() < SHOWN {
            let modules = row.modules.join(" ");
            self.shown.push(format!("{modules}, {view}, {package}: {field}\n    godirect  {ours}\n    Go        {theirs}"));
        }
    }
}

/// Compares a row in its views; gives how many packages the first one has.
fn compare(row: &Row, root: &Path, full: bool, report: &mut Report) -> Result<usize, String> {
    let mut first = None;
    for view in row.views(full) {
        let said = |side: Result<Vec<Object>, String>| side.map_err(|why| format!("{view}: {why}"));
        let theirs = said(answers::theirs(root, view, &row.patterns()))?;
        let ours = said(answers::ours(root, view, &row.patterns()))?;
        compare::differences(root, &ours, &theirs).iter().for_each(|difference| report.add(row, view, difference));
        first.get_or_insert(theirs.len());
    }
    Ok(first.unwrap_or_default())
}

#[test]
fn packages_are_what_go_list_says() {
    let (rows, full) = rows::selected();
    let mut report = Report::default();
    let mut wrong = Vec::new();
    for row in &rows {
        let before = report.differences();
        let compared = trees::make(row).and_then(|root| compare(row, &root, full, &mut report));
        let line = match compared {
            Ok(packages) => format!("{}| {packages} |", row.start),
            Err(why) => format!("{}| {why}", row.start),
        };
        eprintln!("{line} {} differences", report.differences() - before);
        if line != row.line() {
            wrong.push(line);
        }
    }
    eprintln!("{}", report.shown.join("\n"));
    assert!(wrong.is_empty(), "{TABLE} should have these rows:\n{}", wrong.join("\n"));
    assert!(report.counts.is_empty(), "differences by field: {:#?}", report.counts);
    let unneeded: Vec<&str> = (0..WAIVERS.len()).filter(|i| !report.waived.contains(i)).map(|i| WAIVERS[i].reason).collect();
    // A part of the rows may do without.
    assert!(!full || rows.len() < 25 || unneeded.is_empty(), "nothing needs the waivers {unneeded:#?}");
}
