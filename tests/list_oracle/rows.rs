//! The table of docs/oracle.md: which main modules are listed, and in which views.

use std::fmt;

use crate::support::repository;

/// The page with the table, which begins at [`HEADING`].
pub const TABLE: &str = "docs/oracle.md";
const HEADING: &str = "\n## Packages\n";

/// Rows with more packages are for the full run only.
const BRIEF: usize = 300;

pub const PLATFORMS: [&str; 7] =
    ["linux/amd64", "linux/arm64", "linux/riscv64", "darwin/arm64", "windows/amd64", "js/wasm", "wasip1/wasm"];

/// What a row's repository is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// The module as it is published.
    Published,
    /// After `go mod tidy`, since go.mod or go.sum lack what its tests need.
    Tidied,
    /// After `go mod vendor`.
    Vendored,
    /// Several modules in a go.work.
    Workspace,
    /// The same after `go work vendor`.
    VendoredWorkspace,
    /// A module without packages: what is listed is part of the SDK.
    Sdk,
}

/// A row of the table.
pub struct Row {
    /// `path@version` of the main modules; patterns for [`Role::Sdk`].
    pub modules: Vec<String>,
    pub role: Role,
    /// Sets of build tags, each joined by commas; the first one is empty.
    pub tags: Vec<String>,
    /// The line up to the number of packages.
    pub start: String,
    /// How many packages there are, as the row has it.
    pub packages: String,
}

/// What a list is made for.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    pub platform: &'static str,
    pub cgo: bool,
    /// Build tags, joined by commas.
    pub tags: &'a str,
}

impl fmt::Display for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cgo = if self.cgo { "cgo" } else { "no cgo" };
        write!(f, "{} {cgo}{}{}", self.platform, if self.tags.is_empty() { "" } else { " " }, self.tags)
    }
}

impl Row {
    fn parse(line: &str) -> Row {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [modules, role, tags, _shape, packages] = cells.as_slice() else { panic!("{TABLE}: {line}") };
        let quoted = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
        let role = match *role {
            "published" => Role::Published,
            "tidied" => Role::Tidied,
            "vendored" => Role::Vendored,
            "workspace" => Role::Workspace,
            "vendored workspace" => Role::VendoredWorkspace,
            "SDK" => Role::Sdk,
            other => panic!("{TABLE}: {other} is no role: {line}"),
        };
        Row {
            modules: quoted(modules),
            role,
            tags: [String::new()].into_iter().chain(quoted(tags)).collect(),
            start: line.split('|').take(5).collect::<Vec<_>>().join("|"),
            packages: (*packages).to_owned(),
        }
    }

    /// The whole line, as the row should be.
    pub fn line(&self) -> String {
        format!("{}| {} |", self.start, self.packages)
    }

    /// The patterns that are listed.
    pub fn patterns(&self) -> Vec<String> {
        match self.role {
            Role::Sdk => self.modules.clone(),
            Role::Workspace | Role::VendoredWorkspace => (0..self.modules.len()).map(|i| format!("./m{i}/...")).collect(),
            _ => vec!["./...".to_owned()],
        }
    }

    /// Every platform with every set of tags, with cgo and without; the brief run has three that differ most.
    pub fn views(&self, full: bool) -> Vec<View<'_>> {
        let last = self.tags.last().map_or("", String::as_str);
        if !full {
            let brief = [("linux/amd64", true, ""), ("windows/amd64", false, ""), ("js/wasm", false, last)];
            return brief.map(|(platform, cgo, tags)| View { platform, cgo, tags }).into();
        }
        let pairs = PLATFORMS.iter().flat_map(|platform| [true, false].map(|cgo| (*platform, cgo)));
        pairs.flat_map(|(platform, cgo)| self.tags.iter().map(move |tags| View { platform, cgo, tags })).collect()
    }
}

/// The rows that this run compares, and whether in all their views.
///
/// GODIRECT_TEST_ORACLE is `all`, `rows` for all of them in the brief views, or a part of a module's path for those that have it.
pub fn selected() -> (Vec<Row>, bool) {
    let page = std::fs::read_to_string(repository(TABLE)).unwrap();
    let table = page.split_once(HEADING).map_or("", |(_, rest)| rest);
    let rows = table.lines().filter(|line| line.starts_with("| `")).map(Row::parse);
    match std::env::var("GODIRECT_TEST_ORACLE").ok() {
        Some(all) if all == "all" => (rows.collect(), true),
        Some(rows_only) if rows_only == "rows" => (rows.collect(), false),
        Some(part) => (rows.filter(|row| row.modules.iter().any(|module| module.contains(&part))).collect(), true),
        None => (rows.filter(|row| row.packages.parse().is_ok_and(|count: usize| count <= BRIEF)).collect(), false),
    }
}
