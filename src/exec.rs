//! The embedded engine: runs planned actions on all cores, and keeps their results in a content-addressed cache.
//!
//! An action's key is the digest of everything that can influence its result: the SDK, the environment, the steps, the sources and
//! the *content* of what it reads from other actions. A dependent reads only export data, so an edit that doesn't change
//! it rebuilds nothing above.
//!
//! A build first takes what the cache says of an action for true, without looking at the outputs: those that nothing reads needn't
//! even be there. What an action reads is hashed while its tools run, and their result counts only if all of it is whole. If some is damaged
//! or gone, the action that made it is forgotten, and the build goes over the graph again, which costs milliseconds and runs that action.

mod action;
mod archive;
mod buildid;
pub mod c;
pub mod cache;
pub mod children;
mod closing;
pub mod depfile;
mod discovered;
mod explain;
pub mod image;
pub mod pkg_config;
mod process;
mod program;
mod schedule;
pub mod sdk;
pub mod testing;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::digest::Sha256;
use crate::error::{Class, Error, Result};
use crate::files::Files;
use crate::plan::{Configuration, Source};
pub use process::{feed, output, watch};

use action::{Action, Known, Ran};
use cache::Cache;
use schedule::End;

pub use discovered::Shared;

/// How often a build goes over the graph because outputs were damaged or gone. Nobody trims a cache that often.
const PASSES: usize = 20;

/// What all actions of a build share.
#[derive(Clone, Copy, Debug)]
pub struct Engine<'a> {
    /// Where sources are.
    pub sources: &'a Sources,
    /// What the repository's files are read through.
    pub files: &'a Files,
    /// Where results are kept.
    pub cache: &'a Cache,
    /// What C compilers read.
    pub shared: &'a Shared,
    /// How many actions run at once.
    pub jobs: usize,
    /// Whether a failure stops only what depends on it.
    pub keep_going: bool,
}

/// A configuration to build, and the SDK to build it with.
#[derive(Clone, Copy, Debug)]
pub struct Work<'a> {
    /// The configuration's name, e.g. `linux_amd64-debug`.
    pub name: &'a str,
    /// What to do.
    pub configuration: &'a Configuration,
    /// GOROOT.
    pub goroot: &'a Path,
    /// The directory with `compile`, `asm` and `link` for this machine.
    pub tools: &'a Path,
    /// What identifies the SDK and the machine that it runs on, e.g. its NAR hash.
    pub sdk_id: &'a str,
    /// The C toolchain that the configuration is made for.
    pub c: &'a c::Machine,
}

/// Where the directories of [`Source`]s are on this machine.
#[derive(Debug)]
pub struct Sources {
    /// The directory of the spec; absolute.
    pub root: PathBuf,
    /// Unpacked modules by `path@version`, with their `h1:` hashes.
    pub modules: BTreeMap<String, (PathBuf, String)>,
}

/// What happens during a build.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// Of all actions, so many are done; the name of the latest.
    Done {
        /// How many.
        done: usize,
        /// Of how many.
        total: usize,
        /// The package or binary.
        name: &'a str,
    },
    /// What tools say of a package or binary; lines, as `go build` shows them.
    Messages {
        /// The package or binary.
        name: &'a str,
        /// The lines.
        text: &'a str,
    },
    /// A walk over all actions begins; the binaries that were linked in one before may not be those that are built.
    Begun,
    /// A binary is linked, and being hashed: who wants a copy may make it meanwhile.
    Linked {
        /// The configuration.
        configuration: &'a str,
        /// The binary.
        name: &'a str,
        /// Its file.
        file: &'a File,
    },
    /// It couldn't be built.
    Failed {
        /// The package or binary.
        name: &'a str,
    },
    /// An action ran.
    Ran {
        /// The configuration.
        configuration: &'a str,
        /// The package or binary.
        name: &'a str,
        /// Whether it is a binary.
        links: bool,
        /// Why its result wasn't in the cache.
        reasons: &'a [String],
    },
}

/// Is told what happens; from several threads.
pub type OnEvent<'a> = dyn Fn(Event<'_>) + Sync + 'a;

/// The result of a build.
#[derive(Debug)]
pub struct Built {
    /// Executables and libraries by binary name, for each configuration.
    pub binaries: Vec<BTreeMap<String, Output>>,
    /// Headers for C by the import path of the package, for each configuration; empty files where nothing is exported.
    pub headers: Vec<BTreeMap<String, Output>>,
    /// Packages that were compiled.
    pub compiled: usize,
    /// Packages whose result was in the cache.
    pub reused: usize,
    /// Binaries that were linked.
    pub linked: usize,
}

/// A file in the cache.
#[derive(Debug)]
pub struct Output {
    /// Its digest.
    pub sha256: Sha256,
    /// The file, which is whole. It stays when another process trims the cache.
    pub file: File,
}

/// Builds the binaries of configurations.
///
/// # Errors
///
/// Negative when a tool fails, after `on_event` was told what it said; environment errors of the file system.
pub fn build(work: &[Work<'_>], engine: Engine<'_>, on_event: &OnEvent<'_>) -> Result<Built> {
    let _guard = children::Guard::new();
    let actions = action::all(work)?;
    let last: Vec<_> = work.iter().map(|w| engine.cache.last_keys(&engine.sources.root, w.name)).collect();
    work.iter().for_each(|w| engine.cache.recall_seen(&engine.sources.root, w.name));
    let mut ran = vec![false; actions.len()];
    for _ in 0..PASSES {
        on_event(Event::Begun);
        let pass = Pass::new(&actions, &last, engine, on_event);
        pass.run(&mut ran)?;
        let results = pass.open_results();
        if pass.damaged.into_inner().unwrap_or_else(PoisonError::into_inner).is_empty() {
            let known: Vec<Option<Known>> = pass.known.into_iter().map(inner).collect();
            remember(work, engine, &actions, &known, &last, &ran)?;
            return Ok(summarise(work.len(), &actions, results, &ran));
        }
    }
    let help = "is another program removing files from it?";
    Err(Error::environment("outputs of actions vanish from the cache as soon as they are made").help(help))
}

/// One walk over all actions.
struct Pass<'a> {
    actions: &'a [Action<'a>],
    last: &'a [BTreeMap<String, Sha256>],
    engine: Engine<'a>,
    on_event: &'a OnEvent<'a>,
    known: Vec<Mutex<Option<Known>>>,
    done: AtomicUsize,
    ran: Mutex<BTreeSet<usize>>,
    failures: Mutex<BTreeMap<usize, Error>>,
    /// Actions whose outputs are damaged.
    damaged: Mutex<BTreeSet<usize>>,
}

impl<'a> Pass<'a> {
    fn new(
        actions: &'a [Action<'a>],
        last: &'a [BTreeMap<String, Sha256>],
        engine: Engine<'a>,
        on_event: &'a OnEvent<'a>,
    ) -> Pass<'a> {
        let known = actions.iter().map(|_| Mutex::new(None)).collect();
        let (ran, failures, damaged) = (Mutex::default(), Mutex::default(), Mutex::default());
        Pass { actions, last, engine, on_event, known, done: AtomicUsize::new(0), ran, failures, damaged }
    }

    fn run(&self, ran: &mut [bool]) -> Result<()> {
        let edges: Vec<Vec<usize>> = self.actions.iter().map(Action::edges).collect();
        let weights: Vec<usize> = self.actions.iter().map(Action::weight).collect();
        let done = schedule::run(&edges, &weights, self.engine.jobs, |node| self.act(node))?;
        lock(&self.ran).iter().for_each(|node| ran[*node] = true);
        if children::is_stopped() {
            return Err(Error::environment("stopped by a signal"));
        }
        let failures = std::mem::take(&mut *lock(&self.failures));
        if failures.is_empty() {
            return Ok(());
        }
        let skipped = done.iter().filter(|done| !**done).count() - failures.len();
        Err(self.failed(failures, skipped))
    }

    fn act(&self, node: usize) -> End {
        let action = &self.actions[node];
        if let Some(known) = action.same_as.and_then(|same| lock(&self.known[same]).clone()) {
            return self.succeed(node, known);
        }
        let inputs = action.inputs.iter().map(|input| {
            let known = lock(&self.known[input.node]);
            known.as_ref().and_then(|known| Some((input.token.clone(), *known.record.outputs.get(&input.output)?)))
        });
        let Some(inputs) = inputs.collect() else {
            let error = Error::input(format!("the plan uses an output of {} that it doesn't have", action.name));
            return self.fail(node, error);
        };
        let last = self.last[action.work_index].get(&action.remembered_as());
        match action.run(self.engine, inputs, last, self.on_event) {
            Ok(Ran::Reused(known)) => self.succeed(node, known),
            Ok(Ran::Now(known, reasons)) => {
                lock(&self.ran).insert(node);
                let (configuration, name) = (action.work.name, action.name);
                if !action.notes() {
                    (self.on_event)(Event::Ran { configuration, name, links: action.links(), reasons: &reasons });
                }
                self.succeed(node, known)
            }
            Ok(Ran::Damaged(blobs)) => {
                self.forget(action, &blobs);
                // Another process may have mended them already.
                lock(&self.damaged).insert(node);
                End::Failed
            }
            Ok(Ran::Failed(text)) => {
                (self.on_event)(Event::Messages { name: action.name, text: &action.shown(self.engine, &text) });
                self.fail(node, Error::new(Class::Negative, action.name))
            }
            Err(error) => self.fail(node, error),
        }
    }

    fn succeed(&self, node: usize, known: Known) -> End {
        let action = &self.actions[node];
        if !known.record.messages.is_empty() {
            let text = action.shown(self.engine, &known.record.messages);
            (self.on_event)(Event::Messages { name: action.name, text: &text });
        }
        *lock(&self.known[node]) = Some(known);
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        (self.on_event)(Event::Done { done, total: self.actions.len(), name: action.name });
        End::Done
    }

    /// What isn't about the sources, such as a full disk, would be the same for the next action.
    fn fail(&self, node: usize, error: Error) -> End {
        (self.on_event)(Event::Failed { name: self.actions[node].name });
        let goes_on = self.engine.keep_going && error.class() == Class::Negative;
        lock(&self.failures).insert(node, error);
        if goes_on { End::Failed } else { End::Stop }
    }

    /// Binaries and headers are what the user gets, so they must be there and whole.
    fn open_results(&self) -> Vec<(usize, &'static str, Output)> {
        let mut results = Vec::new();
        for (node, known) in self.known.iter().enumerate() {
            let known = lock(known);
            let Some(known) = known.as_ref() else { continue };
            for name in [action::BINARY, action::HEADER] {
                let Some(sha256) = known.record.outputs.get(name) else { continue };
                match self.engine.cache.open_whole(sha256) {
                    Some(file) => results.push((node, name, Output { sha256: *sha256, file })),
                    None => {
                        self.engine.cache.forget(&known.key);
                        lock(&self.damaged).insert(node);
                    }
                }
            }
        }
        results
    }

    /// Forgets the actions that made these inputs of another one.
    fn forget(&self, action: &Action, blobs: &BTreeSet<Sha256>) {
        for input in &action.inputs {
            let known = lock(&self.known[input.node]);
            let Some(known) = known.as_ref() else { continue };
            if known.record.outputs.get(&input.output).is_some_and(|blob| blobs.contains(blob)) {
                self.engine.cache.forget(&known.key);
                lock(&self.damaged).insert(input.node);
            }
        }
    }

    /// One error for all failures.
    fn failed(&self, failures: BTreeMap<usize, Error>, skipped: usize) -> Error {
        if let Some(error) = failures.values().find(|error| error.class() != Class::Negative) {
            return error.clone();
        }
        let names: BTreeSet<&str> = failures.keys().map(|node| self.actions[*node].name).collect();
        let names: Vec<&str> = names.into_iter().collect();
        let needing = match skipped {
            _ if !self.engine.keep_going => String::new(),
            0 => "; nothing else needs it".to_owned(),
            1 => "; 1 action that needs it was skipped".to_owned(),
            n => format!("; {n} actions that need it were skipped"),
        };
        Error::new(Class::Negative, format!("failed to build {}{needing}", names.join(", ")))
    }
}

/// Remembers the keys, so that the next build can tell what has changed, and which outputs are known to be whole.
fn remember(
    work: &[Work<'_>],
    engine: Engine<'_>,
    actions: &[Action<'_>],
    known: &[Option<Known>],
    last: &[BTreeMap<String, Sha256>],
    ran: &[bool],
) -> Result<()> {
    let root = &engine.sources.root;
    for (index, work) in work.iter().enumerate() {
        let (mut keys, mut outputs) = (last[index].clone(), BTreeSet::new());
        for (action, known) in actions.iter().zip(known).filter(|(action, _)| action.work_index == index) {
            let Some(known) = known else { continue };
            keys.insert(action.remembered_as(), known.key);
            outputs.extend(known.record.outputs.values().copied());
        }
        if keys != last[index] {
            engine.cache.keep_keys(root, work.name, &keys)?;
        }
        // Where nothing ran, nothing was looked at.
        if ran.contains(&true) {
            engine.cache.keep_seen(root, work.name, &outputs)?;
        }
    }
    Ok(())
}

fn summarise(works: usize, actions: &[Action<'_>], outputs: Vec<(usize, &'static str, Output)>, ran: &[bool]) -> Built {
    let none = || (0..works).map(|_| BTreeMap::new()).collect();
    let mut built = Built { binaries: none(), headers: none(), compiled: 0, reused: 0, linked: 0 };
    for (action, ran) in actions.iter().zip(ran).filter(|(action, _)| !action.notes()) {
        match (action.links(), ran) {
            (false, true) => built.compiled += 1,
            (false, false) => built.reused += 1,
            (true, ran) => built.linked += usize::from(*ran),
        }
    }
    for (node, name, output) in outputs {
        let action = &actions[node];
        let into = if name == action::BINARY { &mut built.binaries } else { &mut built.headers };
        into[action.work_index].insert(action.name.to_owned(), output);
    }
    built
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere ends the build anyway; the value itself is always whole.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn inner<T>(mutex: Mutex<T>) -> T {
    mutex.into_inner().unwrap_or_else(PoisonError::into_inner)
}

impl Sources {
    /// The root of the tree that a directory is in: what `..` in it may lead to.
    fn root_of(&self, source: &Source, goroot: &Path) -> Result<PathBuf> {
        match source {
            Source::Std { .. } => Ok(goroot.to_owned()),
            Source::Local { .. } => Ok(self.root.clone()),
            Source::Module { module, .. } => self.dir(&Source::Module { module: module.clone(), dir: String::new() }, goroot),
        }
    }

    fn dir(&self, source: &Source, goroot: &Path) -> Result<PathBuf> {
        Ok(match source {
            Source::Std { std } => goroot.join("src").join(std),
            Source::Local { local, .. } => below(&self.root, local),
            Source::Module { module, dir } => {
                let unpacked = self.modules.get(module);
                let (root, _) = unpacked.ok_or_else(|| Error::input(format!("module {module} is not in the lock")))?;
                below(root, dir)
            }
        })
    }
}

/// A directory below `root`; never with a slash at the end, which the assembler's -trimpath would fail to match.
fn below(root: &Path, directory: &str) -> PathBuf {
    if directory.is_empty() { root.to_owned() } else { root.join(directory) }
}
