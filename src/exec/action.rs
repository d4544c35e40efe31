//! One action: what its key is made of, and how it is run.

mod list;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rayon::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::cache::Record;
use super::discovered::Discovered;
use super::explain::{self, Fields};
use super::process::{self, Ended};
use super::{Engine, Event, OnEvent, Work, closing};
use crate::digest::Sha256;
use crate::error::{Class, Error, Result};
use crate::files::Seen;
use crate::plan::cgo::UsesC;
use crate::plan::{Source, Step, token};

pub(super) use list::all;

/// Bump when the meaning of an action key changes.
const KEY_VERSION: &str = "godirect action 3";

/// How often an action is run whose inputs vanish while it runs.
const ATTEMPTS: usize = 5;

/// The output of a link.
pub(super) const BINARY: &str = "bin";
/// The header of a library for C.
pub(super) const HEADER: &str = "h";
/// Those of a compilation: export data, and the object archive.
const PACKAGE: [&str; 2] = ["x", "o"];
/// What a build ID depends on, where one is computed.
const NOTES: &str = "id";

/// A package to compile or to note the hashes of, or a binary to link.
pub(super) struct Action<'a> {
    pub work: &'a Work<'a>,
    pub work_index: usize,
    pub name: &'a str,
    source: Option<&'a Source>,
    steps: &'a [Step],
    outputs: Vec<&'static str>,
    c: Option<&'a UsesC>,
    /// What the steps read of other actions.
    pub inputs: Vec<Input>,
    /// An earlier action, of another configuration, that does exactly the same.
    pub same_as: Option<usize>,
}

/// An output of another action.
pub(super) struct Input {
    /// The name of its token, e.g. `x:fmt`.
    pub token: String,
    /// The other action's index.
    pub node: usize,
    /// The name of the output there, e.g. `x`.
    pub output: String,
}

/// What an action gave.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub key: Sha256,
    pub record: Record,
}

/// How an action went.
pub(super) enum Ran {
    /// The cache knows its result.
    Reused(Known),
    /// It had to run, for these reasons.
    Now(Known, Vec<String>),
    /// It can't run because these inputs are damaged or gone.
    Damaged(BTreeSet<Sha256>),
    /// A tool failed and said this; paths are tokens.
    Failed(String),
}

/// What an action reads of the source.
#[derive(Default)]
struct SourceFiles {
    /// Digests of the files, or what they are pinned by.
    digests: BTreeMap<String, String>,
    /// How to tell that the files are still the same.
    seen: Vec<(PathBuf, Seen)>,
}

/// The paths that tokens stand for while an action runs.
struct Places<'a> {
    root: &'a Path,
    source: Option<&'a Path>,
    scratch: &'a Path,
    object_dir: PathBuf,
}

impl Action<'_> {
    /// Whether it links a binary.
    pub fn links(&self) -> bool {
        self.outputs == [BINARY]
    }

    /// Whether it only notes hashes of a package that another action compiles.
    pub fn notes(&self) -> bool {
        self.outputs == [NOTES]
    }

    /// The name under which its key is remembered.
    pub fn remembered_as(&self) -> String {
        if self.notes() { format!("{} {NOTES}", self.name) } else { self.name.to_owned() }
    }

    /// The actions that must be done before.
    pub fn edges(&self) -> Vec<usize> {
        if let Some(same) = self.same_as {
            return vec![same];
        }
        let nodes: BTreeSet<usize> = self.inputs.iter().map(|input| input.node).collect();
        nodes.into_iter().collect()
    }

    /// How long it takes, compared with others: about as long as it has arguments, most of which are files.
    pub fn weight(&self) -> usize {
        fn arguments(step: &Step) -> usize {
            match step {
                Step::Run { run, .. } => run.len(),
                Step::Try { then, .. } => then.iter().map(arguments).sum(),
                _ => 0,
            }
        }
        self.steps.iter().map(arguments).sum::<usize>() + self.inputs.len()
    }

    /// Takes the result from the cache, or runs the steps. `last` is the key that the action had the last time.
    pub fn run(
        &self,
        engine: Engine,
        inputs: BTreeMap<String, Sha256>,
        last: Option<&Sha256>,
        on_event: &OnEvent,
    ) -> Result<Ran> {
        let source_dir = self.source.map(|source| engine.sources.dir(source, self.work.goroot)).transpose()?;
        let found = self.read_sources(engine, source_dir.as_deref())?;
        let root = self.source.map(|source| engine.sources.root_of(source, self.work.goroot)).transpose()?;
        let root = root.as_deref().unwrap_or(Path::new("/"));
        let mut fields = self.fields(engine, found.digests, inputs, root);
        let include = self.include(root, source_dir.as_deref())?;
        let mut why = json(&fields)?;
        let first_key = self.c.map(|_| Sha256::of(format!("files of {why}")));
        if let Some(first_key) = &first_key {
            let discovered = Discovered::recall(engine.cache, first_key).unwrap_or_default();
            fields.discovered = discovered.digests(root, &include, engine);
            why = json(&fields)?;
        }
        let mut key = Sha256::of(&why);
        if let Some(record) = engine.cache.recall(&key, &self.outputs) {
            return Ok(Ran::Reused(Known { key, record }));
        }
        let reasons = explain::reasons(last, &key, engine.cache, &why);
        let (scratch, start) = (engine.cache.scratch()?, SystemTime::now());
        let places =
            Places { root, source: source_dir.as_deref(), scratch: scratch.path(), object_dir: scratch.path().join("obj") };
        let Some(ended) = self.run_undisturbed(engine, &places, &fields.inputs, on_event) else {
            let damaged = fields.inputs.values().filter(|b| !engine.cache.is_whole(b)).copied().collect();
            return Ok(Ran::Damaged(damaged));
        };
        let (messages, linked) = match ended? {
            (Ended::Well(messages), linked) => (messages, linked),
            (Ended::Badly(text), _) => return Ok(Ran::Failed(text)),
        };
        let discovered = self.discovered(&places)?;
        let written = found.seen.iter().find(|(path, seen)| !seen.still(path)).map(|(path, _)| path.clone());
        if let Some(path) = written.or_else(|| discovered.as_ref()?.written_since(root, engine, start)) {
            let error = Error::new(Class::Negative, format!("{} was written while it was compiled", path.display()));
            return Err(error.help("build again"));
        }
        if let (Some(discovered), Some(first_key)) = (discovered, first_key) {
            fields.discovered = discovered.digests(root, &include, engine);
            why = json(&fields)?;
            key = Sha256::of(&why);
            discovered.record(engine.cache, &first_key)?;
        }
        let mut record = Record { outputs: BTreeMap::new(), messages };
        for output in &self.outputs {
            let file = scratch.path().join(output);
            let sha256 = match (self.links(), linked) {
                (true, None) => engine.cache.insert_as(&file, self.hash(&file, on_event)?)?,
                (true, Some(sha256)) => engine.cache.insert_as(&file, sha256)?,
                (false, _) => engine.cache.insert(&file)?,
            };
            record.outputs.insert((*output).to_owned(), sha256);
        }
        engine.cache.record(&key, &record, &why)?;
        Ok(Ran::Now(Known { key, record }, reasons))
    }

    /// Hashes what was linked; it may be copied meanwhile.
    fn hash(&self, binary: &Path, on_event: &OnEvent) -> Result<Sha256> {
        let open = || File::open(binary).map_err(|e| Error::io("read", binary, &e));
        // Each reads at a place of its own.
        let (hashed, file) = (open()?, open()?);
        std::thread::scope(|scope| {
            scope.spawn(|| on_event(Event::Linked { configuration: self.work.name, name: self.name, file: &file }));
            Sha256::of_reader(hashed).map_err(|e| Error::io("read", binary, &e))
        })
    }

    /// Runs all steps with inputs that stay there meanwhile; `None` when they are damaged or gone.
    fn run_undisturbed(
        &self,
        engine: Engine,
        places: &Places,
        inputs: &BTreeMap<String, Sha256>,
        on_event: &OnEvent,
    ) -> Option<Result<(Ended, Option<Sha256>)>> {
        let is_whole = |blob: &&Sha256| engine.cache.is_whole(blob);
        for _ in 0..ATTEMPTS {
            let before = engine.cache.identities(inputs.par_iter().map(|(_, blob)| blob));
            let unknown: Vec<&Sha256> = inputs.values().filter(|blob| !engine.cache.is_known_whole(blob)).collect();
            let run = || empty(&places.object_dir).and_then(|()| self.run_watched(engine, places, inputs, on_event));
            // Who links reads hundreds, of which most may have been made by an earlier process: the other processors look at them meanwhile,
            // and what the tools have made of damaged ones doesn't count.
            let (is_right, ended) = match unknown.is_empty() {
                true => (true, run()),
                false => std::thread::scope(|scope| {
                    let looking = scope.spawn(|| unknown.par_iter().all(is_whole));
                    let ended = run();
                    (looking.join().unwrap_or(false), ended)
                }),
            };
            if !is_right {
                return None;
            }
            // Another process may have trimmed the cache meanwhile, and a third one have put back what was missing: then who knows what the
            // tools have read.
            let is_undisturbed = engine.cache.doubt_changed(&before);
            if is_undisturbed || (unknown.is_empty() && matches!(ended, Ok((Ended::Well(_), _)))) {
                return Some(ended);
            }
        }
        None
    }

    /// Runs all steps. What the last one links is hashed as soon as it is written.
    fn run_watched(
        &self,
        engine: Engine,
        places: &Places,
        inputs: &BTreeMap<String, Sha256>,
        on_event: &OnEvent,
    ) -> Result<(Ended, Option<Sha256>)> {
        let run = || self.run_steps(engine, places, inputs);
        if !self.links() || !matches!(self.steps.last(), Some(Step::Run { .. })) {
            return Ok((run()?, None));
        }
        let binary = places.scratch.join(BINARY);
        let (ended, sha256) = closing::watched(&binary, run, || self.hash(&binary, on_event).ok());
        Ok((ended?, sha256.flatten()))
    }

    /// The directories of the repository that C compilers look for headers in. SDK and modules don't change.
    fn include(&self, root: &Path, source_dir: Option<&Path>) -> Result<Vec<PathBuf>> {
        let (Some(uses), Some(Source::Local { .. }), Some(source_dir)) = (self.c, self.source, source_dir) else {
            return Ok(Vec::new());
        };
        let lookup = |token: &str| match token {
            "src" => Some(source_dir.display().to_string()),
            "root" => Some(root.display().to_string()),
            _ => None,
        };
        uses.include.iter().map(|directory| token::substitute(directory, lookup).map(PathBuf::from)).collect()
    }

    /// What C compilers and linkers have read, if they took part.
    fn discovered(&self, places: &Places) -> Result<Option<Discovered>> {
        let Some(uses) = self.c else { return Ok(None) };
        let lookup = |token: &str| (token == "obj").then(|| places.object_dir.display().to_string());
        let depfiles = uses.depfiles.iter().map(|file| token::substitute(file, lookup).map(PathBuf::from));
        let depfiles = depfiles.collect::<Result<Vec<PathBuf>>>()?;
        let source = places.source.unwrap_or(&places.object_dir);
        Ok(Some(Discovered::collect(&depfiles, places.root, source, places.scratch)))
    }

    /// Runs all steps; what the tools said, with tokens for paths.
    fn run_steps(&self, engine: Engine, places: &Places, inputs: &BTreeMap<String, Sha256>) -> Result<Ended> {
        let path_of = |token: &str| -> Option<PathBuf> {
            Some(match token {
                "src" => places.source?.to_owned(),
                "root" => places.root.to_owned(),
                "obj" => places.object_dir.clone(),
                "sdk" => self.work.goroot.to_owned(),
                "tool" => self.work.tools.to_owned(),
                output if self.outputs.contains(&output) => places.scratch.join(output),
                input => {
                    let source_of = |name| Some(&self.work.configuration.packages.get(name)?.source);
                    if let Some(other) = input.strip_prefix(token::SOURCE_OF) {
                        engine.sources.dir(source_of(other)?, self.work.goroot).ok()?
                    } else if let Some(other) = input.strip_prefix(token::ROOT_OF) {
                        engine.sources.root_of(source_of(other)?, self.work.goroot).ok()?
                    } else {
                        engine.cache.blob(inputs.get(input)?)
                    }
                }
            })
        };
        let mut env = self.work.configuration.env.clone();
        if self.c.is_some() {
            env.extend(self.work.c.env.clone());
        }
        let lookup = |token: &str| path_of(token).map(|path| path.display().to_string());
        let mut messages = String::new();
        for step in self.steps {
            let ended = process::run(step, &env, places.scratch, &lookup);
            match ended.map_err(|e| e.context(self.name))? {
                Ended::Well(text) => messages += &self.with_tokens(places, &text),
                Ended::Badly(text) => return Ok(Ended::Badly(messages + &self.with_tokens(places, &text))),
            }
        }
        Ok(Ended::Well(messages))
    }

    /// Puts tokens in the place of paths, so that messages are the same on every machine.
    fn with_tokens(&self, places: &Places, text: &str) -> String {
        let mut text = token::literal(text).into_owned();
        let mut replace = |path: &Path, token: &str| {
            let path = token::literal(&path.display().to_string()).into_owned();
            text = text.replace(&(path + "/"), &format!("{token}/"));
        };
        replace(&places.object_dir, token::OBJ);
        replace(places.scratch, token::OBJ);
        if let Some(source) = places.source {
            replace(source, token::SRC);
        }
        replace(self.work.goroot, token::SDK);
        if places.root != Path::new("/") {
            replace(places.root, token::ROOT);
        }
        text
    }

    /// Messages as people read them: files of the repository relative to where they stand, as `go build` shows them.
    pub fn shown(&self, engine: Engine, text: &str) -> String {
        let source = match self.source {
            Some(Source::Module { module, dir }) if dir.is_empty() => module.clone(),
            Some(Source::Module { module, dir }) => format!("{module}/{dir}"),
            Some(Source::Std { std }) => format!("$GOROOT/src/{std}"),
            Some(Source::Local { local, .. }) => from_here(&super::below(&engine.sources.root, local)),
            None => String::new(),
        };
        let root = match self.source {
            Some(Source::Module { module, .. }) => module.clone(),
            _ => engine.sources.root.display().to_string(),
        };
        let lookup = |token: &str| match token {
            "src" => Some(source.clone()),
            "root" => Some(root.clone()),
            "obj" => Some("$WORK".to_owned()),
            "sdk" => Some("$GOROOT".to_owned()),
            _ => None,
        };
        let shown = token::substitute(text, lookup).unwrap_or_else(|_| text.to_owned());
        let here = std::env::current_dir().map(|dir| format!("{}/", dir.display())).unwrap_or_default();
        if here.len() > 1 { shown.replace(&here, "") } else { shown }
    }

    fn read_sources(&self, engine: Engine, source_dir: Option<&Path>) -> Result<SourceFiles> {
        let mut found = SourceFiles::default();
        match self.source {
            None | Some(Source::Std { .. }) => {}
            Some(Source::Module { module, dir }) => {
                let h1 = engine.sources.modules.get(module).map_or("", |(_, h1)| h1.as_str());
                found.digests.insert(dir.clone(), format!("{module} {h1}"));
            }
            Some(Source::Local { files, .. }) => {
                for file in files {
                    let path = source_dir.unwrap_or(Path::new("")).join(file);
                    let seen = engine.files.see(&path).map_err(|e| Error::io("read", &path, &e))?;
                    found.digests.insert(file.clone(), seen.sha256.to_string());
                    found.seen.push((path, seen));
                }
            }
        }
        Ok(found)
    }

    /// Where the source tree is, for results that have its path; that of a binary are those of its packages.
    fn root(&self, engine: Engine, root: &Path) -> String {
        if self.links() { engine.sources.root.display().to_string() } else { root.display().to_string() }
    }

    fn fields(
        &self,
        engine: Engine,
        sources: BTreeMap<String, String>,
        inputs: BTreeMap<String, Sha256>,
        root: &Path,
    ) -> Fields<&[Step]> {
        Fields {
            version: KEY_VERSION.to_owned(),
            sdk: self.work.sdk_id.to_owned(),
            env: self.work.configuration.env.clone(),
            steps: self.steps,
            sources,
            c: self.c.map(|_| self.work.c.id.clone()).unwrap_or_default(),
            root: self.c.filter(|uses| uses.has_root).map(|_| self.root(engine, root)).unwrap_or_default(),
            discovered: BTreeMap::new(),
            inputs,
        }
    }
}

/// Makes an empty directory, in place of one that is there.
fn empty(directory: &Path) -> Result<()> {
    let failed = |e| Error::io("create", directory, &e);
    if directory.exists() {
        std::fs::remove_dir_all(directory).map_err(failed)?;
    }
    std::fs::create_dir(directory).map_err(failed)
}

/// A directory relative to the current one, if it is there or below.
fn from_here(directory: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    match directory.strip_prefix(&here) {
        Err(_) => directory.display().to_string(),
        Ok(_) if here.parent().is_none() => directory.display().to_string(),
        Ok(below) if below.as_os_str().is_empty() => ".".to_owned(),
        Ok(below) => below.display().to_string(),
    }
}

fn json(fields: &impl Serialize) -> Result<String> {
    serde_json::to_string(fields).map_err(|e| Error::input(format!("an action can't be written as JSON: {e}")))
}

/// Reads what [`json`] wrote.
pub(super) fn parse<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}
