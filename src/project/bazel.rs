//! What Bazel files are made of.

use std::collections::{BTreeMap, BTreeSet};

use super::recorded::Recorded;
use super::stamps::Stamps;
use super::{Locked, Project, Variant};
use crate::emit::bazel;
use crate::error::{self, Error, Result};
use crate::graph::tested::{TestGraph, TestProgram, Tests};
use crate::graph::{Kind, Origin, PackageGraph};
use crate::name::ImportPath;
use crate::source::build_file::{self, BuildFile};
use crate::source::glob;
use crate::source::scan::{FileKind, ScannedPackage, SourceFile};
use crate::source::tree::{Entry, EntryKind, Tree as _, join};
use crate::source::{constraint, embed};
use crate::spec::DEFAULT_PROFILE;

/// Where Go keeps what tests read.
const TESTDATA: &str = "testdata";

impl Project {
    /// The BUILD files of all directories that can hold packages or are among `others`, and those that there may be.
    ///
    /// # Errors
    ///
    /// When a directory can't be read. What is wrong with a single file is said in its place.
    pub fn build_files(&self, others: impl IntoIterator<Item = String>) -> Result<bazel::ExistingFiles> {
        // What they are called, by the directory from which on.
        let mut names = BTreeMap::from([(String::new(), build_file::NAMES.map(str::to_owned).to_vec())]);
        let mut found = bazel::ExistingFiles::new();
        let mut directories = self.directories()?;
        directories.extend(others);
        for directory in directories {
            let existing = self.build_file(&directory, nearest(&names, &directory))?;
            // A file, which comes before those below, may say what these are called.
            if let Ok(file) = &existing.file
                && let Some(directive) = file.directives.iter().rfind(|d| d.key == "build_file_name")
            {
                let said = directive.value.split(',').map(|name| name.trim().to_owned());
                let said: Vec<String> = said.filter(|name| !name.is_empty() && !name.contains('/')).collect();
                if !said.is_empty() {
                    names.insert(directory.clone(), said);
                }
            }
            found.insert(directory, existing);
        }
        Ok(found)
    }

    fn build_file(&self, directory: &str, names: &[String]) -> Result<bazel::Existing> {
        let entries = self.tree.list(directory)?;
        let is_file = |entry: &&Entry| matches!(entry.kind, EntryKind::File | EntryKind::Symlink | EntryKind::Broken);
        let found = names.iter().find_map(|name| entries.iter().filter(is_file).find(|entry| entry.name == *name));
        let default = names.first().map_or(build_file::NAMES[0], String::as_str);
        let path = join(directory, found.map_or(default, |entry| &entry.name));
        let shown = error::file_in(&self.dir, &path);
        let text = match found.map(|entry| entry.kind) {
            None => Ok(String::new()),
            Some(EntryKind::Broken) => {
                let error = Error::input(format!("{} is a symbolic link that leads nowhere", shown.display()));
                Err(error.help("delete it, or put a file in its place"))
            }
            Some(_) => self.files.read_text(&shown).map_err(|e| Error::io("read", &shown, &e)),
        };
        Ok(bazel::Existing {
            path,
            is_there: found.is_some(),
            is_link: found.is_some_and(|entry| entry.kind != EntryKind::File),
            file: text.and_then(|text| BuildFile::parse(&shown, &text)),
            entries: entries.into_iter().filter(Entry::is_file).map(|entry| entry.name).collect(),
        })
    }
}

impl Locked<'_> {
    /// The files of the repository's packages, as BUILD files list them: those of all platforms, because the rules choose among them.
    ///
    /// # Errors
    ///
    /// When a directory can't be read.
    pub fn bazel_files(&self, views: &[bazel::View]) -> Result<BTreeMap<ImportPath, bazel::PackageFiles>> {
        let mut found = BTreeMap::new();
        // The repository's own packages are the same for every SDK.
        let Some((_, sources)) = self.sdks.values().next() else { return Ok(found) };
        let all = || views.iter().flat_map(bazel::View::packages);
        let uses_cgo: BTreeSet<&ImportPath> =
            all().filter(|p| !p.selection.files.cgo.is_empty()).map(|p| &p.import_path).collect();
        for package in all() {
            let Origin::Main { index, directory } = &package.origin else { continue };
            if found.contains_key(&package.import_path) {
                continue;
            }
            if let Some(scanned) = sources.main_package(*index, directory)? {
                let uses_cgo = uses_cgo.contains(&package.import_path);
                let files = self.package_files(&scanned, &package.selection.name, uses_cgo)?;
                found.insert(package.import_path.clone(), files);
            }
        }
        Ok(found)
    }

    /// The files of one package; those that only C compilers read if it `uses_cgo`.
    fn package_files(&self, scanned: &ScannedPackage, name: &str, uses_cgo: bool) -> Result<bazel::PackageFiles> {
        let mut files = bazel::PackageFiles::default();
        for file in scanned.possible_files(name) {
            let for_c = match &file.kind {
                FileKind::C => true,
                FileKind::Header => !file.name.ends_with(".h"),
                _ => false,
            };
            if !for_c || uses_cgo {
                self.add_file(&mut files, scanned, file)?;
            }
        }
        Ok(files)
    }

    fn add_file(&self, files: &mut bazel::PackageFiles, scanned: &ScannedPackage, file: &SourceFile) -> Result<()> {
        files.sources.push(file.name.clone());
        let condition = file.condition().filter(|c| Some(c) != constraint::file_name(&file.name).as_ref());
        files.constraints.extend(condition.map(|c| (file.name.clone(), c.to_string())));
        let FileKind::Go(Ok(header)) = &file.kind else { return Ok(()) };
        for embed in &header.embeds {
            // What matches nothing is an error for who chooses the file.
            if let Ok(matches) = embed::resolve(&self.project.tree, &scanned.directory, &embed.pattern)? {
                files.embed.insert(embed.pattern.clone(), matches);
            }
        }
        Ok(())
    }

    /// The binaries as Bazel targets: one for each profile.
    ///
    /// # Errors
    ///
    /// When a stamp has no value before the build, or the file that `pgo` names isn't there.
    pub fn bazel_binaries(&self, views: &[bazel::View]) -> Result<Vec<bazel::Binary>> {
        let mut binaries = Vec::new();
        for binary in self.project.binaries.values() {
            for profile_name in &binary.profiles {
                let view = views.iter().find(|v| v.profile == profile_name && v.graph.get(&binary.main).is_some());
                let profile = &self.project.spec.profiles[profile_name];
                let pgo = self.project.pgo(profile_name, profile, &binary.directory)?;
                binaries.push(bazel::Binary {
                    name: binary.target_in(profile_name),
                    main: binary.main.clone(),
                    profile: profile.clone(),
                    stamps: Stamps::Generated("Bazel").values(profile_name, profile)?,
                    pgo,
                    default_godebug: view.map(|v| self.default_godebug(v.graph, profile, &binary.main)).unwrap_or_default(),
                    is_named: binary.is_named,
                });
            }
        }
        Ok(binaries)
    }

    /// The profile that the repository's tests are built in: the default one, if a binary has it.
    pub fn tests_profile<'v>(&self, variants: &'v [Variant]) -> &'v str {
        let mut names = variants.iter().map(|variant| variant.profile_name);
        names.clone().find(|name| *name == DEFAULT_PROFILE).or_else(|| names.next()).unwrap_or(DEFAULT_PROFILE)
    }

    /// The tests as Bazel targets, in order of import paths.
    ///
    /// # Errors
    ///
    /// When a directory can't be read, or a stamp has no value before the build.
    pub fn bazel_tests(&self, views: &[bazel::View]) -> Result<Vec<bazel::Test>> {
        let mut found: BTreeMap<ImportPath, bazel::Test> = BTreeMap::new();
        let recorded = Recorded::load(&self.project.files, &self.project.dir)?;
        for view in views {
            let Some(tests) = view.tests else { continue };
            let imports = imports_of_tests(tests, view.graph);
            for tested in &tests.tested {
                let (Some(Origin::Main { index, directory }), Tests::Program(program)) = (&tested.origin, &tested.tests) else {
                    continue;
                };
                if !found.contains_key(&tested.path)
                    && let Some(test) = self.bazel_test(view.profile, &tested.path, *index, directory, program, &recorded)?
                {
                    found.insert(tested.path.clone(), test);
                }
                if let Some(test) = found.get_mut(&tested.path) {
                    let imports = imports.get(&tested.path).into_iter().flatten().map(|path| (*path).clone()).collect();
                    test.imports.insert(view.target.platform.clone(), imports);
                }
            }
        }
        Ok(found.into_values().collect())
    }

    /// A test without what depends on the platform.
    fn bazel_test(
        &self,
        profile_name: &str,
        tested: &ImportPath,
        index: usize,
        directory: &str,
        program: &TestProgram,
        recorded: &Recorded,
    ) -> Result<Option<bazel::Test>> {
        let Some((_, sources)) = self.sdks.values().next() else { return Ok(None) };
        let Some(scanned) = sources.main_package(index, directory)? else { return Ok(None) };
        let profile = &self.project.spec.profiles[profile_name];
        let mut files = bazel::PackageFiles::default();
        let mut external = Vec::new();
        let external_name = format!("{}_test", program.package);
        for (file, package) in scanned.possible_tests() {
            if package == external_name {
                external.push(file.name.clone());
            }
            if package == external_name || package == program.package {
                self.add_file(&mut files, &scanned, file)?;
            }
        }
        Ok(Some(bazel::Test {
            program: bazel::Binary {
                name: bazel::test_of(tested.as_str()),
                main: tested.clone(),
                profile: profile.clone(),
                stamps: Stamps::Generated("Bazel").values(profile_name, profile)?,
                pgo: self.pgo_of_test(profile_name, profile, program.package == "main", &scanned.directory)?,
                default_godebug: program.default_godebug.clone(),
                is_named: false,
            },
            module: index,
            directory: directory.to_owned(),
            files,
            external,
            has_testdata: self.has_file(&join(&scanned.directory, TESTDATA))?,
            reads: self.reads_of_tests(recorded, tested)?,
            imports: BTreeMap::new(),
        }))
    }

    /// The files that the tests of a package were seen to read, without hidden ones and those that a pattern can't name.
    fn reads_of_tests(&self, recorded: &Recorded, tested: &ImportPath) -> Result<Vec<String>> {
        let mut reads = Vec::new();
        for place in recorded.places(tested.as_str()) {
            let is_hidden = place.split('/').any(|element| element.starts_with('.'));
            let (directory, name) = place.rsplit_once('/').unwrap_or(("", place));
            let is_it = |entry: &Entry| entry.name == name && entry.is_file();
            if !is_hidden && !glob::has_meta(place) && self.project.tree.list(directory)?.iter().any(is_it) {
                reads.push(place.clone());
            }
        }
        Ok(reads)
    }

    /// Whether there is a file somewhere below a directory.
    fn has_file(&self, directory: &str) -> Result<bool> {
        for entry in self.project.tree.list(directory)? {
            match entry.kind {
                EntryKind::File => return Ok(true),
                EntryKind::Directory if self.has_file(&join(directory, &entry.name))? => return Ok(true),
                _ => {}
            }
        }
        Ok(false)
    }
}

/// What is said of a directory or the nearest one above it.
fn nearest<'n>(names: &'n BTreeMap<String, Vec<String>>, directory: &str) -> &'n [String] {
    let mut directory = directory;
    loop {
        match (names.get(directory), directory.rsplit_once('/')) {
            (Some(names), _) => return names,
            (None, Some((parent, _))) => directory = parent,
            (None, None) if directory.is_empty() => return &[],
            (None, None) => directory = "",
        }
    }
}

/// What the tests of each package import besides what the package does, and besides itself.
fn imports_of_tests<'g>(tests: &'g TestGraph, graph: &'g PackageGraph) -> BTreeMap<&'g ImportPath, BTreeSet<&'g ImportPath>> {
    let mut found: BTreeMap<&ImportPath, BTreeSet<&ImportPath>> = BTreeMap::new();
    for package in tests.graph.packages() {
        let Some(for_test) = &package.for_test else { continue };
        let imports = found.entry(&for_test.tested).or_default();
        match for_test.kind {
            Kind::WithTests => {
                let own: BTreeSet<&ImportPath> = graph.get(&for_test.tested).iter().flat_map(|p| p.imports.values()).collect();
                imports.extend(package.imports.values().filter(|path| !own.contains(path)));
            }
            Kind::ExternalTest => imports.extend(package.imports.values().filter(|path| **path != for_test.tested)),
            Kind::Plain | Kind::TestMain => {}
        }
    }
    found
}
