//! The embedded engine: runs planned actions on all cores, and keeps their results in a content-addressed cache.
//!
//! An action's key is the digest of everything that can influence its result: the SDK, the environment, the steps, the sources and
//! the *content* of what it reads from dependencies. A dependent reads only export data, so an edit that doesn't change
//! it rebuilds nothing above.

mod archive;
pub mod c;
pub mod cache;
pub mod depfile;
mod discovered;
pub mod pkg_config;
mod process;
mod schedule;
pub mod sdk;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::digest::{Hasher, Sha256};
use crate::error::{Error, Result};
use crate::plan::cgo::UsesC;
use crate::plan::{Configuration, PackageAction, Source, Step, token};
use cache::Cache;
use discovered::Discovered;

pub use discovered::Digests;

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
    /// The C toolchain, for plans that use it.
    pub c: Option<&'a c::Machine>,
    /// Digests of files that C compilers read.
    pub digests: &'a Digests,
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
    /// Executables and libraries by binary name.
    pub binaries: BTreeMap<String, Output>,
    /// Headers of libraries by binary name; not of those that export nothing.
    pub headers: BTreeMap<String, Output>,
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
        let inputs = resolve(&action.deps, "x", &index, &results)?;
        let job = Job {
            name: names[i],
            source: Some(&action.source),
            steps: &action.steps,
            env: &configuration.env,
            packages: &configuration.packages,
            c: action.c.as_ref(),
            inputs,
            outputs: if action.header { &["x", "o", "h"] } else { &["x", "o"] },
        };
        let (result, ran) = job.run(environment)?;
        compiled.fetch_add(usize::from(ran), Ordering::Relaxed);
        *lock(&results[i]) = Some(result);
        finished(names[i]);
        Ok(())
    })?;

    let (mut binaries, mut headers) = (BTreeMap::new(), BTreeMap::new());
    for (name, action) in &configuration.binaries {
        let inputs = resolve(&action.deps, "o", &index, &results)?;
        let job = Job {
            name,
            source: None,
            steps: &action.steps,
            env: &configuration.env,
            packages: &configuration.packages,
            c: action.c.as_ref(),
            inputs,
            outputs: &["bin"],
        };
        let (result, _) = job.run(environment)?;
        let sha256 = result.0["bin"];
        binaries.insert(name.clone(), Output { sha256, path: environment.cache.blob(&sha256) });
        if action.header.is_some() {
            let main = resolve(std::slice::from_ref(&action.main), "h", &index, &results)?;
            let written = main.into_values().filter(|sha256| *sha256 != Sha256::of(""));
            headers.extend(written.map(|sha256| (name.clone(), Output { sha256, path: environment.cache.blob(&sha256) })));
        }
        finished(name);
    }
    let compiled = compiled.into_inner();
    Ok(Built { binaries, headers, compiled, reused: names.len() - compiled })
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A panic elsewhere ends the build anyway; the value itself is always whole.
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The digests of the outputs named `output` of `deps`, by token.
fn resolve(
    deps: &[String],
    output: &str,
    index: &BTreeMap<&str, usize>,
    results: &[Mutex<Option<Results>>],
) -> Result<BTreeMap<String, Sha256>> {
    let digest = |dep: &String| {
        let results = lock(results.get(*index.get(dep.as_str())?)?);
        results.as_ref()?.0.get(output).copied()
    };
    deps.iter()
        .map(|dep| match digest(dep) {
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
    /// Where the sources of others are.
    packages: &'a BTreeMap<String, PackageAction>,
    /// What the C compiler has to do with it.
    c: Option<&'a UsesC>,
    /// Digests of dependencies by token.
    inputs: BTreeMap<String, Sha256>,
    outputs: &'a [&'a str],
}

impl Job<'_> {
    /// The results, and whether the action had to run for them.
    fn run(&self, environment: Environment) -> Result<(Results, bool)> {
        let source_dir = self.source.map(|source| environment.sources.dir(source, environment.goroot)).transpose()?;
        let root = self.source.map(|source| environment.sources.root_of(source, environment.goroot)).transpose()?;
        let root = root.as_deref().unwrap_or(Path::new("/"));
        let base = self.key(environment, source_dir.as_deref(), root)?;
        let discovered = self.c.map(|_| Discovered::recall(environment.cache, &base).unwrap_or_default());
        let key = discovered.map_or(base, |discovered| discovered.key(&base, root, environment.digests));
        if let Some(results) = environment.cache.results(&key, self.outputs) {
            return Ok((results, false));
        }
        let start = SystemTime::now();
        let scratch = environment.cache.scratch()?;
        let object_dir = scratch.path().join("obj");
        std::fs::create_dir(&object_dir).map_err(|e| Error::io("create", &object_dir, &e))?;
        let path_of = |token: &str| -> Option<PathBuf> {
            Some(match token {
                "src" => source_dir.clone()?,
                "root" => root.to_owned(),
                "obj" => object_dir.clone(),
                "sdk" => environment.goroot.to_owned(),
                "tool" => environment.tools.to_owned(),
                output if self.outputs.contains(&output) => scratch.path().join(output),
                input => match input.strip_prefix("src:") {
                    Some(other) => environment.sources.dir(&self.packages.get(other)?.source, environment.goroot).ok()?,
                    None => environment.cache.blob(self.inputs.get(input)?),
                },
            })
        };
        let mut env = self.env.clone();
        if let Some(machine) = environment.c.filter(|_| self.c.is_some()) {
            env.extend(machine.env.clone());
        }
        let lookup = |token: &str| path_of(token).map(|path| path.display().to_string());
        for step in self.steps {
            process::run(step, &env, scratch.path(), &lookup).map_err(|e| e.context(self.name))?;
        }
        let mut results = Results::default();
        for output in self.outputs {
            let sha256 = environment.cache.insert(&scratch.path().join(output))?;
            results.0.insert((*output).to_owned(), sha256);
        }
        let Some(uses) = self.c else {
            environment.cache.record(&base, &results)?;
            return Ok((results, true));
        };
        let depfiles = uses.depfiles.iter().map(|file| token::substitute(file, lookup).map(PathBuf::from));
        let depfiles = depfiles.collect::<Result<Vec<PathBuf>>>()?;
        let source_dir = source_dir.as_deref().unwrap_or(&object_dir);
        let discovered = Discovered::collect(&depfiles, root, source_dir, scratch.path());
        if discovered.are_older(root, start) {
            discovered.record(environment.cache, &base)?;
            environment.cache.record(&discovered.key(&base, root, environment.digests), &results)?;
        }
        Ok((results, true))
    }

    fn key(&self, environment: Environment, source_dir: Option<&Path>, root: &Path) -> Result<Sha256> {
        let mut hasher = Hasher::default();
        let mut field = |name: &str, value: &str| hasher.update(format!("{name} {} {value}\n", value.len()));
        field("key", KEY_VERSION);
        field("sdk", environment.sdk_id);
        if let Some(uses) = self.c {
            field("c", environment.c.map_or("", |machine| machine.id.as_str()));
            if uses.has_root {
                field("root", &root.display().to_string());
            }
        }
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
