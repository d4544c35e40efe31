//! Shows what happens during a build.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::cli::progress::Bar;
use crate::exec::Event;

/// Why something was built.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Explained {
    /// The configuration.
    pub configuration: String,
    /// `compile` or `link`.
    pub action: &'static str,
    /// The package or binary.
    pub name: String,
    /// Which of its inputs changed.
    pub reasons: Vec<String>,
}

/// Shows what happens while it happens, and collects why.
pub struct Reporter {
    bar: Bar,
    /// What was shown: several configurations may say the same.
    shown: Mutex<BTreeSet<(String, String)>>,
    explained: Mutex<Vec<Explained>>,
}

impl Reporter {
    /// With a bar that counts actions.
    pub fn new() -> Reporter {
        Reporter { bar: Bar::count(), shown: Mutex::default(), explained: Mutex::default() }
    }

    /// Is told what happens.
    pub fn report(&self, event: Event) {
        match event {
            Event::Done { done, total, name } => self.bar.update(done, total, name),
            Event::Messages { name, text } => {
                if lock(&self.shown).insert((name.to_owned(), text.to_owned())) {
                    self.bar.message(&format!("# {name}\n{text}"));
                }
            }
            Event::Ran { configuration, name, links, reasons } => lock(&self.explained).push(Explained {
                configuration: configuration.to_owned(),
                action: if links { "link" } else { "compile" },
                name: name.to_owned(),
                reasons: reasons.to_vec(),
            }),
            Event::Begun | Event::Linked { .. } | Event::Failed { .. } => {}
        }
    }

    /// Ends the bar. Tells why what was built, in a steady order, and whether tools said anything.
    pub fn finish(self) -> (Vec<Explained>, bool) {
        let mut explained = std::mem::take(&mut *lock(&self.explained));
        explained.sort();
        let spoke = !lock(&self.shown).is_empty();
        (explained, spoke)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
