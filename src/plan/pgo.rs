//! Profile-guided optimisation (`setPGOProfilePath` in `cmd/go/internal/load`).
//!
//! The profile is an input of every package that the program is linked of, std's too. So a program with a profile of its own has
//! variants of all of them.

use super::token::{self, O, OBJ, SRC, TOOL, X, literal};
use super::{Binary, PackageAction, Settings, Source, Step, buildid, strings};
use crate::spec::profile::{BuildId, Pgo};

/// The profile that a binary's packages are compiled with.
pub(super) struct Guide<'a> {
    /// The file, relative to the spec.
    file: &'a str,
    /// The main package, where the profile is its own.
    main: Option<&'a str>,
}

impl<'a> Guide<'a> {
    /// The profile of a binary, if it has one.
    pub(super) fn of(settings: Settings, binary: &'a Binary) -> Option<Guide<'a>> {
        let main = (settings.profile.pgo == Pgo::Auto).then_some(binary.main.as_str());
        Some(Guide { file: binary.pgo.as_deref()?, main })
    }

    /// The profile of everything, whatever the program.
    pub(super) fn named(settings: Settings<'a>) -> Option<Guide<'a>> {
        match &settings.profile.pgo {
            Pgo::File(file) => Some(Guide { file, main: None }),
            Pgo::Auto | Pgo::Off => None,
        }
    }

    /// The name of the action that prepares the profile. No import path has a space.
    pub(super) fn action_name(&self) -> String {
        format!("profile {}", self.file)
    }

    /// The prepared profile as the compiler's argument.
    pub(super) fn flag(&self) -> String {
        format!("-pgoprofile={}", token::export_of(&self.action_name()))
    }

    /// Lets the SDK turn the profile into what the compiler needs of it, once for all packages.
    pub(super) fn action(&self, settings: Settings) -> PackageAction {
        let (directory, file) = self.file.rsplit_once('/').unwrap_or(("", self.file));
        let run = strings([&format!("{TOOL}/preprofile"), "-o", X, "-i", &format!("{SRC}/{}", literal(file))]);
        let mut steps = vec![
            Step::Run { run, dir: OBJ.to_owned() },
            // Every action has two results.
            Step::Write { write: O.to_owned(), text: String::new() },
        ];
        if settings.profile.buildid == BuildId::Go {
            steps.push(buildid::identify_profile());
        }
        let source = Source::Local { local: directory.to_owned(), files: vec![file.to_owned()] };
        PackageAction { source, deps: Vec::new(), steps, header: false, c: None }
    }
}

/// The name of a package's action: its unit, and as `go list` shows it what it is compiled for, if the unit doesn't say so.
pub(super) fn name(unit: &str, guide: Option<&Guide>) -> String {
    match guide.and_then(|guide| guide.main).map(|main| format!(" [{main}]")).filter(|main| !unit.ends_with(main)) {
        Some(main) => format!("{unit}{main}"),
        None => unit.to_owned(),
    }
}
