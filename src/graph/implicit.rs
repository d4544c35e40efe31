//! What packages need besides their imports, and what may be wrong with the names of their files.

use std::collections::{BTreeMap, HashSet};

use super::load::{Id, Loader};
use crate::source::choose::Selection;

/// What `simd` needs besides.
pub(super) const SIMD_BRIDGE: &str = "simd/internal/bridge";

impl Loader<'_> {
    /// What cgo, `simd`, SWIG and the linker need besides the written imports.
    pub(super) fn implicit_imports(&self, id: Id) -> Result<Vec<&'static str>, String> {
        let mut implicit = self.tool_imports(id);
        if self.packages[id].found.chosen.name == "main" {
            implicit.extend(self.linker_deps()?);
        }
        let mut seen = HashSet::new();
        implicit.retain(|path| seen.insert(*path));
        Ok(implicit)
    }

    /// What cgo, `simd` and SWIG make the compiled package import.
    pub(super) fn tool_imports(&self, id: Id) -> Vec<&'static str> {
        let package = &self.packages[id];
        let (path, std) = (&*package.path, package.is_std());
        let chosen = &package.found.chosen.package;
        let mut tools = Vec::new();
        if self.is_simd(chosen) {
            tools.push(SIMD_BRIDGE);
        }
        if !chosen.files.cgo.is_empty() {
            tools.push("unsafe");
            if !(std && path == "runtime/cgo") {
                tools.push("runtime/cgo");
            }
            if !(std && matches!(path, "runtime/cgo" | "runtime/race" | "runtime/msan" | "runtime/asan")) {
                tools.push("syscall");
            }
        }
        if chosen.files.c.iter().any(|f| f.ends_with(".swig") || f.ends_with(".swigcxx")) {
            tools.extend(["unsafe", "runtime/cgo", "syscall", "sync"]);
        }
        tools
    }

    /// Whether what is imported is compiled to instructions that need the bridge (`hasSimd`).
    pub(super) fn is_simd(&self, part: &Selection) -> bool {
        part.imports.contains_key("simd") && matches!(self.context.platform.goarch(), "wasm" | "amd64" | "arm64")
    }

    /// What the linker needs for every program (`LinkerDeps`).
    pub(super) fn linker_deps(&self) -> Result<Vec<&'static str>, String> {
        let platform = &self.context.platform;
        let mut deps = vec!["runtime"];
        let external = match (platform.goos(), platform.goarch()) {
            ("android", "arm64") => None,
            ("android", _) | ("ios", "arm64") => Some(platform.os_arch().to_string()),
            ("ios", _) => Some("default PIE binary".to_owned()),
            _ => self.context.external_link.map(str::to_owned),
        };
        match external {
            Some(what) if !self.context.cgo => {
                return Err(format!("{what} requires external (cgo) linking, but cgo is not enabled"));
            }
            Some(_) => deps.push("runtime/cgo"),
            None => {}
        }
        if platform.goarch() == "arm" {
            deps.push("math");
        }
        for (tag, path) in [("race", "runtime/race"), ("msan", "runtime/msan"), ("asan", "runtime/asan")] {
            if self.context.tags.contains(tag) {
                deps.push(path);
            }
        }
        if self.covered.is_some() {
            deps.push("runtime/coverage");
        }
        Ok(deps)
    }

    /// Refuses file names that differ only in case, or that a tool could take for a flag.
    pub(super) fn wrong_names(&self, id: Id) -> Option<String> {
        let package = &self.packages[id];
        let files = package.found.chosen.all_files();
        let embedded = package.embed_files(&[0]);
        let embedded = embedded.into_iter().filter(|f| f.contains('/') || !files.contains(*f));
        let all: Vec<&str> = files.iter().copied().chain(embedded).collect();
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        // What is in lower case differs from the others anyway.
        let is_plain = |file: &&str| !file.bytes().any(|b| b.is_ascii_uppercase() || !b.is_ascii());
        let has_others = !all.iter().all(is_plain);
        for file in all.iter().filter(|_| has_others) {
            if let Some(other) = seen.insert(file.to_lowercase(), file) {
                let (first, second) = if other < *file { (other, *file) } else { (*file, other) };
                return Some(format!("case-insensitive file name collision: \"{first}\" and \"{second}\""));
            }
        }
        let safe = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_alphanumeric() || "._/".contains(c) || !c.is_ascii())
                && !name.starts_with("_cgo_")
        };
        all.into_iter().find(|file| !safe(file)).map(|file| format!("invalid input file name {file:?}"))
    }
}
