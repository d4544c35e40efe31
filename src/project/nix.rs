//! What Nix builds, and which tests it runs.

mod c;

use std::collections::{BTreeMap, BTreeSet};

use super::recorded::Recorded;
use super::stamps::Stamps;
use super::state::MANUAL;
use super::state::runtime::{Reads, Runtime};
use super::testing::{CoverRequest, Planned, Request, State, TestPackage, check_buildmode};
use super::{Locked, Variant};
use crate::emit::nix::{self, Place, Plan, Test, Tests};
use crate::error::{Error, Result};
use crate::graph::PackageGraph;
use crate::graph::tested::{TestGraph, Tested, Tests as Found};
use crate::lock::file::LockedSdk;
use crate::name::ImportPath;
use crate::plan::{BinaryAction, Configuration, PackageAction, Source};
use crate::source::mentions;
use crate::source::tree::{join, read};
use crate::spec::DEFAULT_SDK;
use crate::spec::profile::{CoverMode, Profile};

/// What Nix builds.
#[derive(Debug, Default)]
pub struct NixPlans {
    /// By the names of configurations.
    pub plans: BTreeMap<String, Plan>,
    /// Which tests it doesn't run, because Go couldn't build them either.
    pub warnings: Vec<String>,
}

impl Locked<'_> {
    /// What Nix builds of variants with these graphs; if `has_tests`, also the tests that the spec asks for.
    ///
    /// # Errors
    ///
    /// Those of [`Locked::plan`] and [`Locked::plan_tests`]; if tests are asked for, no platform whose programs a machine that builds can run, and a
    /// pattern that leaves out nothing.
    pub fn nix_plans(&self, variants: &[Variant], graphs: &[PackageGraph], has_tests: bool) -> Result<NixPlans> {
        let mut made = NixPlans::default();
        let tested = if has_tests { self.nix_tested()? } else { Vec::new() };
        let mut skipped = BTreeSet::new();
        for (variant, graph) in variants.iter().zip(graphs) {
            let c = c::toolchain(&self.c_needs(graph, *variant, |_| true)?, variant.profile)?;
            let mut configuration = self.plan(graph, *variant, &Stamps::Generated("Nix"), Some(&c), |_| true)?;
            c::prepare(&self.project.tree, &mut configuration)?;
            let (mut tests, mut covered) = (Tests::default(), Tests::default());
            if tested.contains(&variant.name()) {
                let profile = variant.profile;
                let request =
                    |cover| Request { variant: *variant, patterns: &[], cover, fuzz: profile.fuzz, omit_debug: false };
                let plain = request(profile.cover_mode().map(|mode| cover_request(mode, &profile.coverpkg)));
                tests = self.nix_tests(&plain, self.tests(&plain)?, &configuration, &mut skipped, &mut made.warnings)?;
                if let Some(patterns) = self.project.spec.nix.as_ref().and_then(|nix| nix.coverage.as_ref()) {
                    let mode = Profile { cover: true, ..profile.clone() }.cover_mode().unwrap_or_default();
                    let counting = request(Some(cover_request(mode, patterns)));
                    let found = self.tests(&counting)?;
                    self.check_selected(patterns, &found.graph, "no package that tests need", "coverage")?;
                    // What is wrong has been said.
                    covered = self.nix_tests(&counting, found, &configuration, &mut skipped, &mut Vec::new())?;
                }
            }
            made.plans.insert(variant.name(), Plan { configuration, tests, covered });
        }
        let patterns = self.project.spec.nix.iter().flat_map(|nix| nix.skip_tests.keys());
        // Of a part of the variants nobody knows what the others have.
        let is_complete = tested.iter().all(|name| made.plans.contains_key(name)) && !tested.is_empty();
        match { patterns }.find(|pattern| is_complete && !skipped.contains(*pattern)) {
            Some(pattern) => {
                Err(Error::input(format!("no package of the repository with tests matches `{pattern}` of skip_tests"))
                    .help("write import paths, or directories relative to the spec, also with `...`"))
            }
            None => Ok(made),
        }
    }

    /// The names of the variants whose tests Nix runs: in the profile that the repository's tests are built in, for each kind of machine that can build.
    fn nix_tested(&self) -> Result<Vec<String>> {
        if !self.project.spec.nix.as_ref().is_some_and(|nix| nix.tests) {
            return Ok(Vec::new());
        }
        let variants = self.project.variants();
        let profile = self.tests_profile(&variants);
        check_buildmode(&self.project.spec.profiles[profile]).map_err(|error| {
            error.help("give a binary the profile `default`, in which tests are built then, or leave out tests = True of nix()")
        })?;
        let first = self.named_sdk(DEFAULT_SDK)?;
        let can_run = |variant: &&Variant| {
            let machine = variant.target.platform.os_arch();
            let has = |sdk: &LockedSdk| sdk.downloads.iter().any(|download| download.platform == machine);
            machine.nix_system().is_some() && has(first) && has(self.sdk(variant.profile))
        };
        let is_wanted = |variant: &&Variant| variant.profile_name == profile && self.project.is_usual(variant.target);
        let names: Vec<String> = variants.iter().filter(is_wanted).filter(can_run).map(Variant::name).collect();
        if names.is_empty() {
            let error = Error::input(
                "nix(tests = True) has nothing to run: no machine that builds can run programs for a platform of the spec",
            );
            return Err(
                error.help("add such a platform to platforms(…) or to go_sdk(exec_platforms = …), or leave out tests = True")
            );
        }
        Ok(names)
    }

    /// The tests that were found for a request, beside binaries; adds the patterns that leave out tests, and what is wrong with others.
    fn nix_tests(
        &self,
        request: &Request,
        mut found: TestGraph,
        binaries: &Configuration,
        skipped: &mut BTreeSet<String>,
        warnings: &mut Vec<String>,
    ) -> Result<Tests> {
        let skipped_names = self.skip(&mut found, skipped)?;
        let c = c::toolchain(&self.c_needs_of_tests(&found, request.variant)?, request.variant.profile)?;
        let planned = self.plan_tests(request, &Stamps::Generated("Nix"), found, Some(&c))?;
        let Planned { mut configuration, packages, .. } = planned;
        c::prepare(&self.project.tree, &mut configuration)?;
        let recorded = Recorded::load(&self.project.files, &self.project.dir)?;
        let runtime = Runtime::new(&self.project.tree, recorded);
        let has_program = |package: &&TestPackage| configuration.binaries.contains_key(package.path.as_str());
        let attributes =
            nix::names(packages.iter().filter(has_program).map(|package| (&package.path, package.directory.as_str())));
        let mut programs = BTreeMap::new();
        for package in &packages {
            if let State::Broken(wrong) = &package.state {
                let path = &package.path;
                let warning = format!("Nix doesn't run the tests of {path}, since they can't be built: {}", wrong.join("; "));
                warnings.extend(Some(warning).filter(|warning| !warnings.contains(warning)));
            }
            if let (Some(name), Some(program)) =
                (attributes.get(&package.path), configuration.binaries.get(package.path.as_str()))
            {
                let place = place(&runtime, package, program, &configuration.packages)?;
                let arguments =
                    skipped_names.get(&package.path).map(|names| format!("-test.skip={names}")).into_iter().collect();
                programs.insert(
                    name.clone(),
                    Test { tested: package.path.to_string(), program: program.clone(), arguments, place },
                );
            }
        }
        Ok(Tests::beside(binaries, configuration.packages, programs))
    }

    /// Removes packages whose tests the spec or a tag leaves out; adds the patterns that match. What it gives are single tests that are left out, by the
    /// import path, as `go test -skip` is told.
    fn skip(&self, found: &mut TestGraph, skipped: &mut BTreeSet<String>) -> Result<BTreeMap<ImportPath, String>> {
        let patterns = self.project.spec.nix.iter().flat_map(|nix| &nix.skip_tests);
        let (mut kept, mut names) = (Vec::new(), BTreeMap::new());
        for tested in std::mem::take(&mut found.tested) {
            let matches = |(pattern, _): &(&String, &String)| {
                let origin = tested.origin.as_ref();
                tested.has_tests && origin.is_some_and(|origin| self.is_selected(pattern, tested.path.as_str(), origin))
            };
            let matching: Vec<(&String, &String)> = patterns.clone().filter(matches).collect();
            skipped.extend(matching.iter().map(|(pattern, _)| (*pattern).clone()));
            let some: Vec<&str> = matching.iter().map(|(_, names)| names.as_str()).collect();
            if some.contains(&"") || self.is_manual(&tested)? {
                continue;
            }
            if !some.is_empty() {
                names.insert(tested.path.clone(), some.join("|"));
            }
            kept.push(tested);
        }
        found.tested = kept;
        Ok(names)
    }

    /// Whether a comment in a test file says that the tests are run by hand.
    fn is_manual(&self, tested: &Tested) -> Result<bool> {
        let Found::Program(program) = &tested.tests else { return Ok(false) };
        let (_, directory) = self.directory_of(tested)?;
        for file in program.internal.iter().chain(&program.external) {
            if mentions::tags(&read(&self.project.tree, &join(&directory, file))?).contains(MANUAL) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn cover_request(mode: CoverMode, patterns: &[String]) -> CoverRequest {
    CoverRequest { mode: mode.name().to_owned(), patterns: patterns.to_vec() }
}

/// Where the tests of a package run, whose program consists of these packages.
fn place(
    runtime: &Runtime,
    package: &TestPackage,
    program: &BinaryAction,
    actions: &BTreeMap<String, PackageAction>,
) -> Result<Place> {
    let TestPackage { root, directory, path, .. } = package;
    let linked = program.deps.iter().filter_map(|name| actions.get(name));
    let files: BTreeSet<&String> = linked
        .filter_map(|action| match &action.source {
            Source::Local { local, files } if local == directory => Some(files),
            _ => None,
        })
        .flatten()
        .collect();
    let sources = files.iter().copied().filter(|file| file.ends_with(".go"));
    let Reads { files: reads, below, listed } = runtime.said(path.as_str(), sources, root, directory)?;
    let below_root = |place: &String| match root.as_str() {
        "" => place.clone(),
        root => place.strip_prefix(root).unwrap_or(place).trim_start_matches('/').to_owned(),
    };
    let all = |places: BTreeSet<String>| places.iter().map(below_root).collect();
    Ok(Place {
        root: root.clone(),
        directory: below_root(directory),
        files: files.into_iter().map(|file| below_root(&join(directory, file))).collect(),
        reads: all(reads),
        listed: all(listed),
        below: all(below),
    })
}
