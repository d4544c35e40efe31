//! One action: what its key is made of, and how it is run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::cache::Record;
use super::explain::{self, Fields};
use super::process::{self, Ended};
use super::{Engine, Work};
use crate::digest::Sha256;
use crate::error::{Class, Error, Result};
use crate::files::Seen;
use crate::plan::{Source, Step, token};

/// Bump when the meaning of an action key changes.
const KEY_VERSION: &str = "godirect action 3";

/// The output of a link.
pub(super) const BINARY: &str = "bin";
/// Those of a compilation: export data, and the object archive.
const PACKAGE: &[&str] = &["x", "o"];

/// A package to compile, or a binary to link.
pub(super) struct Action<'a> {
    pub work: &'a Work<'a>,
    pub work_index: usize,
    pub name: &'a str,
    source: Option<&'a Source>,
    steps: &'a [Step],
    outputs: &'static [&'static str],
    /// What the steps read of other actions.
    pub inputs: Vec<Input>,
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

/// The actions of all configurations.
///
/// # Errors
///
/// A step that names what the plan doesn't have.
pub(super) fn all<'a>(work: &'a [Work<'a>]) -> Result<Vec<Action<'a>>> {
    let mut actions = Vec::new();
    for (work_index, work) in work.iter().enumerate() {
        let first = actions.len();
        let packages = &work.configuration.packages;
        let index: BTreeMap<&str, usize> = packages.keys().zip(first..).map(|(name, i)| (name.as_str(), i)).collect();
        for (name, package) in packages {
            let inputs = inputs(name, &package.steps, &index)?;
            let (source, steps) = (Some(&package.source), &package.steps);
            actions.push(Action { work, work_index, name, source, steps, outputs: PACKAGE, inputs });
        }
        for (name, binary) in &work.configuration.binaries {
            let inputs = inputs(name, &binary.steps, &index)?;
            let steps = &binary.steps;
            actions.push(Action { work, work_index, name, source: None, steps, outputs: &[BINARY], inputs });
        }
    }
    Ok(actions)
}

/// What steps read of other actions: the tokens with a colon.
fn inputs(name: &str, steps: &[Step], index: &BTreeMap<&str, usize>) -> Result<Vec<Input>> {
    let mut tokens = BTreeSet::new();
    for text in steps.iter().flat_map(Step::texts) {
        tokens.extend(token::names(text).into_iter().filter(|token| token.contains(':')));
    }
    let input = |token: &str| {
        let (output, dep) = token.split_once(':')?;
        Some(Input { token: token.to_owned(), node: *index.get(dep)?, output: output.to_owned() })
    };
    let missing = |token| Error::input(format!("the plan of {name} uses {{{token}}}, which nothing makes"));
    tokens.into_iter().map(|token| input(token).ok_or_else(|| missing(token))).collect()
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
    source: Option<&'a Path>,
    scratch: &'a Path,
    object_dir: PathBuf,
}

impl Action<'_> {
    /// Whether it links a binary.
    pub fn links(&self) -> bool {
        self.outputs == [BINARY]
    }

    /// The actions that must be done before.
    pub fn edges(&self) -> Vec<usize> {
        let nodes: BTreeSet<usize> = self.inputs.iter().map(|input| input.node).collect();
        nodes.into_iter().collect()
    }

    /// How long it takes, compared with others: about as long as it has arguments, most of which are files.
    pub fn weight(&self) -> usize {
        let arguments = self.steps.iter().map(|step| if let Step::Run { run, .. } = step { run.len() } else { 0 });
        arguments.sum::<usize>() + self.inputs.len()
    }

    /// Takes the result from the cache, or runs the steps. `last` is the key that the action had the last time.
    pub fn run(&self, engine: Engine, inputs: BTreeMap<String, Sha256>, last: Option<&Sha256>) -> Result<Ran> {
        let source_dir = self.source.map(|source| engine.sources.dir(source, self.work.goroot)).transpose()?;
        let found = self.read_sources(engine, source_dir.as_deref())?;
        let fields = self.fields(found.digests, inputs);
        let why = json(&fields)?;
        let key = Sha256::of(&why);
        if let Some(record) = engine.cache.recall(&key, self.outputs) {
            return Ok(Ran::Reused(Known { key, record }));
        }
        let unusable = |blob: &&Sha256| !engine.cache.is_whole(blob);
        let damaged: BTreeSet<Sha256> = fields.inputs.values().filter(unusable).copied().collect();
        if !damaged.is_empty() {
            return Ok(Ran::Damaged(damaged));
        }
        let reasons = explain::reasons(last, &key, engine.cache, &why);
        let scratch = engine.cache.scratch()?;
        let places = Places { source: source_dir.as_deref(), scratch: scratch.path(), object_dir: scratch.path().join("obj") };
        std::fs::create_dir(&places.object_dir).map_err(|e| Error::io("create", &places.object_dir, &e))?;
        let ended = self.run_steps(engine, &places, &fields.inputs);
        if !matches!(ended, Ok(Ended::Well(_))) {
            // The cache may have been trimmed meanwhile.
            let gone: BTreeSet<Sha256> = fields.inputs.values().filter(|b| !engine.cache.is_there(b)).copied().collect();
            if !gone.is_empty() {
                return Ok(Ran::Damaged(gone));
            }
        }
        let messages = match ended? {
            Ended::Well(messages) => messages,
            Ended::Badly(text) => return Ok(Ran::Failed(text)),
        };
        if let Some((path, _)) = found.seen.iter().find(|(path, seen)| !seen.still(path)) {
            let error = Error::new(Class::Negative, format!("{} was written while it was compiled", path.display()));
            return Err(error.help("build again"));
        }
        let mut record = Record { outputs: BTreeMap::new(), messages };
        for output in self.outputs {
            record.outputs.insert((*output).to_owned(), engine.cache.insert(&scratch.path().join(output))?);
        }
        engine.cache.record(&key, &record, &why)?;
        Ok(Ran::Now(Known { key, record }, reasons))
    }

    /// Runs all steps; what the tools said, with tokens for paths.
    fn run_steps(&self, engine: Engine, places: &Places, inputs: &BTreeMap<String, Sha256>) -> Result<Ended> {
        let path_of = |token: &str| -> Option<PathBuf> {
            Some(match token {
                "src" => places.source?.to_owned(),
                "obj" => places.object_dir.clone(),
                "sdk" => self.work.goroot.to_owned(),
                "tool" => self.work.tools.to_owned(),
                output if self.outputs.contains(&output) => places.scratch.join(output),
                input => engine.cache.blob(inputs.get(input)?),
            })
        };
        let lookup = |token: &str| path_of(token).map(|path| path.display().to_string());
        let mut messages = String::new();
        for step in self.steps {
            let ended = process::run(step, &self.work.configuration.env, places.scratch, &lookup);
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
        let lookup = |token: &str| match token {
            "src" => Some(source.clone()),
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

    fn fields(&self, sources: BTreeMap<String, String>, inputs: BTreeMap<String, Sha256>) -> Fields<&[Step]> {
        Fields {
            version: KEY_VERSION.to_owned(),
            sdk: self.work.sdk_id.to_owned(),
            env: self.work.configuration.env.clone(),
            steps: self.steps,
            sources,
            inputs,
        }
    }
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
