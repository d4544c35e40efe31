//! The embedded engine: runs planned actions on all cores, and keeps their results in a content-addressed cache.
//!
//! An action's key is the digest of everything that can influence its result: the SDK, the environment, the steps, the sources and
//! the *content* of what it reads from dependencies. A dependent reads only export data, so an edit that doesn't change
//! it rebuilds nothing above.

mod archive;
mod buildid;
pub mod cache;
mod process;
mod schedule;
pub mod sdk;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};

use crate::digest::{Hasher, Sha256};
use crate::error::{Error, Result};
use crate::plan::{Configuration, Source, Step};
use cache::Cache;

/// Bump when the meaning of an action key changes.
const KEY_VERSION: &str = "godirect action 2";

/// What actions run with.
#[derive(Clone, Copy, Debug)]
pub struct Environment<'a> {
    /// GOROOT.
    pub goroot: &'a Path,
    /// The directory with `compile`, `asm` and `link` for this machine.
    pub tools: &'a Path,
    /// What identifies the SDK and the machine that it runs on, e.g. its NAR hash.
    pub sdk_id: &'a str,
    /// Where sources are.
    pub sources: &'a Sources,
    /// Where results are kept.
    pub cache: &'a Cache,
    /// How many actions run at once.
    pub jobs: usize,
}

/// Where the directories of [`Source`]s are on this machine.
#[derive(Debug)]
pub struct Sources {
    /// The directory of the spec.
    pub root: PathBuf,
    /// Unpacked modules by `path@version`, with their `h1:` hashes.
    pub modules: BTreeMap<String, (PathBuf, String)>,
}

/// Is told how many actions are done, of how many, and the name of the latest; from several threads.
pub type OnProgress<'a> = dyn Fn(usize, usize, &str) + Sync + 'a;

/// The result of a build.
#[derive(Debug)]
pub struct Built {
    /// Executables by binary name.
    pub binaries: BTreeMap<String, Output>,
    /// Packages that were compiled.
    pub compiled: usize,
    /// Packages whose result was in the cache.
    pub reused: usize,
}

/// A file in the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Its digest.
    pub sha256: Sha256,
    /// Where it is; read-only for everyone else.
    pub path: PathBuf,
}

/// What the cache keeps of an action: digests by the name of the token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Results(BTreeMap<String, Sha256>);

/// Builds the binaries of a configuration.
///
/// # Errors
///
/// Negative when a tool fails, with its output; environment errors of the file system.
pub fn build(configuration: &Configuration, environment: Environment, progress: &OnProgress<'_>) -> Result<Built> {
    let names: Vec<&str> = configuration.packages.keys().map(String::as_str).collect();
    let index: BTreeMap<&str, usize> = names.iter().enumerate().map(|(i, n)| (*n, i)).collect();
    let deps_of = |name: &str| -> Vec<usize> {
        configuration.packages[name].deps.iter().filter_map(|dep| index.get(dep.as_str()).copied()).collect()
    };
    let edges: Vec<Vec<usize>> = names.iter().map(|name| deps_of(name)).collect();
    let results: Vec<Mutex<Option<Results>>> = names.iter().map(|_| Mutex::new(None)).collect();
    let total = names.len() + configuration.binaries.len();
    let (done, compiled) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let finished = |name: &str| progress(done.fetch_add(1, Ordering::Relaxed) + 1, total, name);

    schedule::run(&edges, environment.jobs, |i| {
        let action = &configuration.packages[names[i]];
        let inputs = resolve(action.deps.iter().map(String::as_str), "x", &index, &results)?;
        let is_identified = action.steps.iter().any(|step| matches!(step, Step::Identify { .. }));
        let job = Job {
            name: names[i],
            source: Some(&action.source),
            steps: &action.steps,
            env: &configuration.env,
            inputs,
            outputs: if is_identified { &["x", "o", "id"] } else { &["x", "o"] },
        };
        let (result, ran) = job.run(environment)?;
        compiled.fetch_add(usize::from(ran), Ordering::Relaxed);
        *lock(&results[i]) = Some(result);
        finished(names[i]);
        Ok(())
    })?;

    let mut binaries = BTreeMap::new();
    for (name, action) in &configuration.binaries {
        let mut inputs = resolve(action.deps.iter().map(String::as_str), "o", &index, &results)?;
        for step in &action.steps {
            if let Step::BuildId { of, .. } = step {
                inputs.extend(resolve(of.noted().into_iter(), "id", &index, &results)?);
            }
        }
        let job = Job { name, source: None, steps: &action.steps, env: &configuration.env, inputs, outputs: &["bin"] };
        let (result, _) = job.run(environment)?;
        let sha256 = result.0["bin"];
        binaries.insert(name.clone(), Output { sha256, path: environment.cache.blob(&sha256) });
        finished(name);
    }
    let compiled = compiled.into_inner();
    Ok(Built { binaries, compiled, reused: names.len() - compiled })
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A panic elsewhere ends the build anyway; the value itself is always whole.
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The digests of the outputs named `output` of `deps`, by token.
fn resolve<'a>(
    deps: impl Iterator<Item = &'a str>,
    output: &str,
    index: &BTreeMap<&str, usize>,
    results: &[Mutex<Option<Results>>],
) -> Result<BTreeMap<String, Sha256>> {
    let digest = |dep: &str| {
        let results = lock(results.get(*index.get(dep)?)?);
        results.as_ref()?.0.get(output).copied()
    };
    deps.map(|dep| match digest(dep) {
        Some(sha256) => Ok((format!("{output}:{dep}"), sha256)),
        None => Err(Error::input(format!("the plan uses {dep} before it is built"))),
    })
    .collect()
}

/// One action with the digests of its inputs.
struct Job<'a> {
    name: &'a str,
    source: Option<&'a Source>,
    steps: &'a [Step],
    env: &'a BTreeMap<String, String>,
    /// Digests of dependencies by token.
    inputs: BTreeMap<String, Sha256>,
    outputs: &'a [&'a str],
}

impl Job<'_> {
    /// The results, and whether the action had to run for them.
    fn run(&self, environment: Environment) -> Result<(Results, bool)> {
        let source_dir = self.source.map(|source| environment.sources.dir(source, environment.goroot)).transpose()?;
        let key = self.key(environment, source_dir.as_deref())?;
        if let Some(results) = environment.cache.results(&key, self.outputs) {
            return Ok((results, false));
        }
        let scratch = environment.cache.scratch()?;
        let object_dir = scratch.path().join("obj");
        std::fs::create_dir(&object_dir).map_err(|e| Error::io("create", &object_dir, &e))?;
        let path_of = |token: &str| -> Option<PathBuf> {
            Some(match token {
                "src" => source_dir.clone()?,
                "obj" => object_dir.clone(),
                "sdk" => environment.goroot.to_owned(),
                "tool" => environment.tools.to_owned(),
                output if self.outputs.contains(&output) => scratch.path().join(output),
                input => environment.cache.blob(self.inputs.get(input)?),
            })
        };
        let lookup = |token: &str| path_of(token).map(|path| path.display().to_string());
        for step in self.steps {
            process::run(step, self.env, scratch.path(), &lookup).map_err(|e| e.context(self.name))?;
        }
        let mut results = Results::default();
        for output in self.outputs {
            let sha256 = environment.cache.insert(&scratch.path().join(output))?;
            results.0.insert((*output).to_owned(), sha256);
        }
        environment.cache.record(&key, &results)?;
        Ok((results, true))
    }

    fn key(&self, environment: Environment, source_dir: Option<&Path>) -> Result<Sha256> {
        let mut hasher = Hasher::default();
        let mut field = |name: &str, value: &str| hasher.update(format!("{name} {} {value}\n", value.len()));
        field("key", KEY_VERSION);
        field("sdk", environment.sdk_id);
        for (name, value) in self.env {
            field(name, value);
        }
        let steps = serde_json::to_string(self.steps).map_err(|e| Error::input(format!("{}: {e}", self.name)))?;
        field("steps", &steps);
        match self.source {
            None | Some(Source::Std { .. }) => {}
            Some(Source::Module { module, dir }) => {
                let h1 = environment.sources.modules.get(module).map_or("", |(_, h1)| h1.as_str());
                field("module", &format!("{h1} {dir}"));
            }
            Some(Source::Local { files, .. }) => {
                for file in files {
                    let path = source_dir.unwrap_or(Path::new("")).join(file);
                    let content = std::fs::File::open(&path).and_then(Sha256::of_reader);
                    let sha256 = content.map_err(|e| Error::io("read", &path, &e))?;
                    field("file", &format!("{sha256} {file}"));
                }
            }
        }
        for (token, sha256) in &self.inputs {
            field("input", &format!("{sha256} {token}"));
        }
        Ok(hasher.finish())
    }
}

impl Sources {
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
