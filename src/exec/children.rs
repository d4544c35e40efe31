//! The processes that a build has started, and what a signal does to them.
//!
//! Each child is the leader of a process group, so that what it starts itself (gcc its passes, say) ends with it. While a build runs,
//! SIGINT, SIGTERM and SIGHUP kill these groups; the build then comes to its end, removes its scratch directories, and the program ends
//! itself by the same signal, as shells and CI systems expect. A second signal ends it at once.

use std::collections::BTreeSet;
use std::io::{Error, ErrorKind, Result};
use std::process::{Child, Command, Output};
use std::sync::Mutex;

#[derive(Debug)]
struct Running {
    /// Builds that are going on in this process.
    builds: usize,
    /// Programs that end by themselves at SIGINT, which a terminal sends to them, too.
    patient: usize,
    /// Process groups, by the ids of their leaders.
    groups: BTreeSet<u32>,
    /// The signal that ended the builds.
    signal: Option<i32>,
}

// Signals are sent to a process, so there is one list for all of it.
static RUNNING: Mutex<Running> = Mutex::new(Running { builds: 0, patient: 0, groups: BTreeSet::new(), signal: None });

/// While it lives, signals end children instead of the process.
#[derive(Debug)]
pub(super) struct Guard(());

impl Guard {
    pub fn new() -> Guard {
        system::watch_signals();
        super::lock(&RUNNING).builds += 1;
        Guard(())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        super::lock(&RUNNING).builds -= 1;
    }
}

/// While it lives, the process waits at SIGINT for the program that runs, before it ends itself.
#[derive(Debug)]
pub(super) struct Patience(());

impl Patience {
    pub fn new() -> Patience {
        system::watch_signals();
        super::lock(&RUNNING).patient += 1;
        Patience(())
    }
}

impl Drop for Patience {
    fn drop(&mut self) {
        super::lock(&RUNNING).patient -= 1;
    }
}

/// Runs a program to its end.
///
/// # Errors
///
/// When it can't be started; [`ErrorKind::Interrupted`] when a signal has stopped the build.
pub(super) fn run(command: &mut Command) -> Result<Output> {
    system::lead_group(command);
    let child = start(command)?;
    let id = child.id();
    let output = child.wait_with_output();
    super::lock(&RUNNING).groups.remove(&id);
    match is_stopped() {
        true => Err(stopped()),
        false => output,
    }
}

/// Starts it while no signal can come in between, so that it is either on the list or not started.
fn start(command: &mut Command) -> Result<Child> {
    let mut running = super::lock(&RUNNING);
    if running.signal.is_some() {
        return Err(stopped());
    }
    let child = command.spawn()?;
    running.groups.insert(child.id());
    Ok(child)
}

fn stopped() -> Error {
    Error::new(ErrorKind::Interrupted, "stopped by a signal")
}

/// Whether a signal has stopped the builds of this process.
pub(super) fn is_stopped() -> bool {
    super::lock(&RUNNING).signal.is_some()
}

/// Ends the process by the signal that has stopped its build, if one has: then there is nothing left to do.
pub fn end_by_signal() {
    if let Some(signal) = super::lock(&RUNNING).signal {
        system::end(signal);
    }
}

/// What to do about a signal; whether the process itself should end.
#[cfg(unix)]
fn receive(signal: i32) -> bool {
    let mut running = super::lock(&RUNNING);
    let is_patient = running.patient > 0 && signal == signal_hook::consts::SIGINT;
    if running.builds == 0 && !is_patient || running.signal.is_some() {
        return true;
    }
    running.signal = Some(signal);
    running.groups.iter().for_each(|group| system::kill_group(*group));
    false
}

#[cfg(unix)]
mod system {
    use std::os::unix::process::CommandExt;
    use std::process::Command;
    use std::sync::Once;

    use rustix::process::{Pid, Signal, kill_process_group};
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    use signal_hook::low_level::emulate_default_handler;

    pub fn lead_group(command: &mut Command) {
        command.process_group(0);
    }

    pub fn kill_group(leader: u32) {
        if let Some(pid) = leader.try_into().ok().and_then(Pid::from_raw) {
            // What has ended already needs no signal.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }

    pub fn watch_signals() {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            // Without a handler a signal ends the process at once, which leaves scratch directories to the next one.
            let Ok(mut signals) = Signals::new([SIGHUP, SIGINT, SIGTERM]) else { return };
            std::thread::spawn(move || {
                for signal in signals.forever() {
                    if super::receive(signal) {
                        end(signal);
                    }
                }
            });
        });
    }

    pub fn end(signal: i32) {
        let _ = emulate_default_handler(signal);
    }
}

#[cfg(not(unix))]
mod system {
    use std::process::Command;

    pub fn lead_group(_: &mut Command) {}

    pub fn watch_signals() {}

    pub fn end(_: i32) {}
}
