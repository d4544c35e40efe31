//! The record of a package: its files in groups that are chosen together.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// What a directory says about its package, independent of platform. Stands in the lock for third-party packages and std.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageRecord {
    /// The name in the package clauses.
    pub name: String,
    /// The files, grouped by build constraint; at most one group for each constraint, the unconstrained one first.
    pub groups: Vec<FileGroup>,
}

/// Files of a package that share one build constraint (file-name suffix included), so that they are chosen together.
///
/// File names are relative to the package directory; `embed` may name files in subdirectories.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileGroup {
    /// The constraint in the syntax of `//go:build`, e.g. `linux && amd64`; empty when the files always belong.
    #[serde(rename = "if", skip_serializing_if = "String::is_empty")]
    pub condition: String,
    /// Go files without `import "C"`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub go: Vec<String>,
    /// Go files with `import "C"`; the condition requires `cgo`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cgo: Vec<String>,
    /// The `#cgo` lines of the files in `cgo` that have some, each in its order; [`crate::source::cgo`] reads them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub cgo_lines: BTreeMap<String, Vec<String>>,
    /// Assembly: `.s` (with cgo also handed to the C compiler, as Go does).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub asm: Vec<String>,
    /// C-family sources: `.c .cc .cpp .cxx .m .f .F .for .f90 .S .sx .swig .swigcxx`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub c: Vec<String>,
    /// Headers: `.h .hh .hpp .hxx`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<String>,
    /// Prebuilt objects: `.syso`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub syso: Vec<String>,
    /// Import paths as written in the Go files, without `C`; those of cgo files too.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub imports: BTreeSet<String>,
    /// `//go:embed` patterns as written (without quotes), each with the files that it matches, sorted; none where it has no valid match.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub embed: BTreeMap<String, Vec<String>>,
}

impl FileGroup {
    /// All files but embedded ones.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        [&self.go, &self.cgo, &self.asm, &self.c, &self.headers, &self.syso].into_iter().flatten().map(String::as_str)
    }

    /// All files, embedded ones too; a file may occur more than once.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.sources().chain(self.embed.values().flatten().map(String::as_str))
    }
}
