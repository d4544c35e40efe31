//! What to do for a variant: its binaries' plans, what C code in them needs, and settings that spec, SDK and workspace have in common.

use std::collections::{BTreeMap, BTreeSet};

use super::stamps::Stamps;
use super::{Locked, Variant, context};
use crate::error::{self, Error, Location, Result};
use crate::graph::{Origin, Package, PackageGraph, godebug};
use crate::module::workspace::DEFAULT_GO_OF_WORK;
use crate::name::ImportPath;
use crate::plan::cgo::compiler::Toolchain;
use crate::plan::{self, Configuration, cgo};
use crate::source::header::DebugSetting;
use crate::source::tree::join;
use crate::spec::Profile;

impl Locked<'_> {
    /// How to build those of the variant's binaries for which `wanted` holds; main packages that the spec doesn't name, where they have
    /// files. Without a C toolchain `c`, packages with C code are refused.
    ///
    /// # Errors
    ///
    /// Those of [`plan::configuration`].
    pub fn plan(
        &self,
        graph: &PackageGraph,
        variant: Variant,
        stamps: &Stamps<'_>,
        c: Option<&Toolchain>,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Configuration> {
        let mut binaries = Vec::new();
        for (name, binary) in self.project.binaries_of(variant).filter(|(name, _)| wanted(name)) {
            if binary.is_built(graph)? {
                binaries.push(plan::Binary {
                    name,
                    main: &binary.main,
                    default: self.project.is_default(variant, binary),
                    default_godebug: self.default_godebug(graph, variant.profile, &binary.main),
                    pgo: self.project.pgo(variant.profile_name, variant.profile, &binary.directory)?,
                    test: None,
                    omit_debug: false,
                    not_fuzzed: BTreeSet::new(),
                });
            }
        }
        let values = stamps.values(variant.profile_name, variant.profile)?;
        let cover = self.cover(graph, variant);
        self.with_settings(variant, &values, c, |settings| {
            let settings = plan::Settings { cover: cover.as_ref(), ..settings };
            if let Some(toolchain) = c {
                let linked = graph.closure(binaries.iter().map(|b| b.main.as_str()), true);
                self.refuse_flags(&linked, settings, toolchain)?;
            }
            plan::configuration(graph, settings, &binaries)
        })?
    }

    /// What the packages with C code need of the machine that builds those of the variant's binaries for which `wanted` holds.
    ///
    /// # Errors
    ///
    /// A malformed `#cgo` line.
    pub fn c_needs(&self, graph: &PackageGraph, variant: Variant, wanted: impl Fn(&str) -> bool) -> Result<Vec<cgo::Needs>> {
        let mains = self.project.binaries_of(variant).filter(|(name, _)| wanted(name)).map(|(_, binary)| binary.main.as_str());
        self.c_needs_of(graph.closure(mains, true), variant)
    }

    /// The same of the packages themselves.
    pub(super) fn c_needs_of(&self, mut packages: Vec<&Package>, variant: Variant) -> Result<Vec<cgo::Needs>> {
        self.with_settings(variant, &BTreeMap::new(), None, |settings| {
            // Those of std are there because of others.
            packages.sort_by_key(|package| package.is_std());
            packages.into_iter().filter_map(|package| cgo::needs(settings, package).transpose()).collect()
        })?
    }

    pub(super) fn with_settings<T>(
        &self,
        variant: Variant,
        stamps: &BTreeMap<String, String>,
        c: Option<&Toolchain>,
        act: impl FnOnce(plan::Settings) -> T,
    ) -> Result<T> {
        let sdk = self.sdk(variant.profile);
        Ok(act(plan::Settings {
            go: &sdk.version,
            goversion: &sdk.goversion(),
            goexperiment: &self.goexperiment(variant)?,
            platform: &variant.target.platform,
            profile: variant.profile,
            context: &context(sdk, variant),
            c,
            stamps,
            mains: self.mains(),
            modules: &self.modules,
            tested: None,
            cover: None,
            fuzz: false,
        }))
    }

    /// Refuses flags of `#cgo` lines that aren't let through, with the place of those in the repository.
    pub(super) fn refuse_flags(&self, packages: &[&Package], settings: plan::Settings, toolchain: &Toolchain) -> Result<()> {
        for package in packages {
            let Some(refusal) = cgo::refusal(settings, toolchain, package)? else { continue };
            let (Origin::Main { index, directory }, Some(file)) = (&package.origin, &refusal.file) else {
                return Err(refusal.error());
            };
            let path = error::file_in(&self.project.dir, &join(&join(&self.mains[*index].directory, directory), file));
            let text = self.project.files.read_text(&path).unwrap_or_default();
            let line = text.find(&refusal.line).unwrap_or_default();
            let word = text[line..].find(&refusal.word).unwrap_or_default();
            return Err(refusal.error().at(Location::in_text(path, &text, line + word, refusal.word.len())));
        }
        Ok(())
    }

    /// GOEXPERIMENT of a variant's tools.
    fn goexperiment(&self, variant: Variant) -> Result<String> {
        let of_sdk = self.sdk(variant.profile).goexperiment();
        let of_profile = variant.profile.goexperiment.join(",");
        match (of_sdk.is_empty(), of_profile.is_empty()) {
            (_, true) => Ok(of_sdk),
            (true, false) => Ok(of_profile),
            (false, false) => {
                let profile = variant.profile_name;
                let error = Error::input(format!("the profile `{profile}` has experiments, and so has its SDK (`{of_sdk}`)"));
                Err(error.help("write all of them in one place: profile(goexperiment = …) or from_source(experiments = …)"))
            }
        }
    }

    /// The value of `DefaultGODEBUG` for a main package.
    pub(super) fn default_godebug(&self, graph: &PackageGraph, profile: &Profile, main: &ImportPath) -> String {
        let directives = graph.get(main).map_or(&[][..], |p| &p.debug);
        self.godebug_of(directives, profile)
    }

    /// The value of `DefaultGODEBUG` for a main package with these directives.
    pub(super) fn godebug_of<'d>(&self, directives: impl IntoIterator<Item = &'d DebugSetting>, profile: &Profile) -> String {
        let workspace = &self.project.workspace;
        let default_go = DEFAULT_GO_OF_WORK.parse().ok();
        let go = match &workspace.work {
            Some(work) => work.go.as_ref().or(default_go.as_ref()),
            None => self.project.mains.first().and_then(|m| m.go.as_ref()),
        };
        let fips140 = profile.gofips140.is_some().then(|| ("fips140".to_owned(), "on".to_owned()));
        let mut settings: BTreeMap<String, String> = fips140.into_iter().collect();
        settings.extend(workspace.godebug().iter().cloned());
        settings.extend(profile.godebug.clone());
        godebug::default_godebug(go, &settings, directives, &self.sdk(profile).godebug)
    }
}
