//! Whose statements are counted: `-coverpkg`, and what it is without patterns.

use super::{Locked, Variant};
use crate::error::{Error, Result};
use crate::graph::covered::Coverage;
use crate::graph::pattern::{Place, matches_package};
use crate::graph::{Origin, PackageGraph};
use crate::name::ImportPath;
use crate::plan::cover::{Cover, Covered};
use crate::source::context::BuildContext;
use crate::source::tree::join;
use crate::spec::profile::CoverMode;

impl Locked<'_> {
    /// The graph of packages of which binaries are built; those of the profile's choice count their statements.
    ///
    /// # Errors
    ///
    /// Those of [`PackageGraph::load`]; a pattern that matches no package.
    pub(super) fn built_graph(&self, variant: Variant, context: &BuildContext, roots: &[ImportPath]) -> Result<PackageGraph> {
        let (_, sources) = &self.sdks[variant.profile.sdk.as_str()];
        let Some(mode) = variant.profile.cover_mode() else { return PackageGraph::load(sources, context, roots, false) };
        let patterns = &variant.profile.coverpkg;
        let selects = |path: &str, origin: &Origin| match patterns.is_empty() {
            true => matches!(origin, Origin::Main { index, .. } if self.mains[*index].stands_for.is_none()),
            false => patterns.iter().any(|pattern| self.is_selected(pattern, path, origin)),
        };
        let coverage = Coverage { selects: Some(&selects), is_atomic: mode == CoverMode::Atomic };
        let graph = PackageGraph::load_covered(sources, context, roots, false, Some(coverage))?;
        let nothing = format!("no package that is built in the profile `{}`", variant.profile_name);
        self.check_selected(patterns, &graph, &nothing, "coverpkg")?;
        Ok(graph)
    }

    /// Refuses a pattern of a parameter that selects no package of a graph; `nothing` says which packages there are.
    pub(super) fn check_selected(
        &self,
        patterns: &[String],
        graph: &PackageGraph,
        nothing: &str,
        parameter: &str,
    ) -> Result<()> {
        let matches = |pattern: &&String| {
            graph.packages().iter().any(|package| self.is_selected(pattern, package.import_path.as_str(), &package.origin))
        };
        match patterns.iter().find(|pattern| !matches(pattern)) {
            Some(pattern) => Err(Error::input(format!("{nothing} matches `{pattern}` of {parameter}"))
                .help("write import paths, or directories relative to the spec, also with `...`")),
            None => Ok(()),
        }
    }

    /// Which statements the variant's binaries count.
    pub(super) fn cover(&self, graph: &PackageGraph, variant: Variant) -> Option<Cover> {
        let (packages, patterns) = (graph.covered().to_vec(), variant.profile.coverpkg.clone());
        let mode = variant.profile.cover_mode()?.name().to_owned();
        Some(Cover { mode, of: Covered::Selected { packages, patterns } })
    }

    /// Whether a pattern for counted packages names one.
    pub(super) fn is_selected(&self, pattern: &str, path: &str, origin: &Origin) -> bool {
        let place = |directory, in_main_module| Place { directory, is_std: *origin == Origin::Std, in_main_module };
        match origin {
            Origin::Main { index, directory } => {
                let main = &self.mains[*index];
                let directory = join(&main.directory, directory);
                matches_package(pattern, path, place(Some(&directory), main.stands_for.is_none()))
            }
            Origin::Std | Origin::Module { .. } => matches_package(pattern, path, place(None, false)),
        }
    }
}
