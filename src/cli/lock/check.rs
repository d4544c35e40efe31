//! `godirect lock --check`

use std::path::Path;
use std::process::ExitCode;

use super::{Summary, Totals, memo, remembered, show_changes, show_fresh, user_database};
use crate::cli::output::{self, JSON_VERSION};
use crate::error::{Class, Result};
use crate::lock::changes::{Change, Kind, Subject};
use crate::lock::file::{Previous, VERSION};
use crate::project::{LOCK_FILE, Project};

/// Says whether `godirect lock` would change the lock, and what; writes nothing and needs no network.
pub fn run(directory: &Path, json: bool) -> Result<ExitCode> {
    let database = user_database();
    if let Some(totals) = memo(directory, &database).as_ref().and_then(remembered) {
        return show_fresh(&totals, json);
    }
    let project = Project::open(directory)?;
    let previous = Previous::read(&project.files, &project.lock_path())?;
    let changes = match &previous {
        Previous::Absent => vec![Change::bare(Subject::Lock, LOCK_FILE, Kind::Added)],
        Previous::Unusable(error) if error.class() == Class::Negative => {
            vec![Change::new(Subject::Lock, LOCK_FILE, Some("an older format".to_owned()), Some(format!("format {VERSION}")))]
        }
        Previous::Unusable(_) => return project.read_lock().map(|_| ExitCode::SUCCESS),
        Previous::Lock(lock, text) => project.check_lock(lock, text, &database)?,
    };
    let stale = !changes.is_empty();
    if json {
        let totals = previous.lock().map(Totals::of).unwrap_or_default();
        output::json(&Summary { version: JSON_VERSION, changed: stale, totals: &totals, changes: &changes })?;
    } else if stale {
        show_changes(&changes);
        anstream::eprintln!("{LOCK_FILE} is stale; `godirect lock` updates it");
    } else {
        output::line("fresh", LOCK_FILE);
    }
    Ok(if stale { ExitCode::from(Class::Negative.exit_code()) } else { ExitCode::SUCCESS })
}
