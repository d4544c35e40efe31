//! `godirect test`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::build;
use super::progress::Bar;
use crate::error::{Error, Result};
use crate::exec::{self, Environment};
use crate::lock::cache::Cache;
use crate::lock::proxy::Proxy;
use crate::project::Project;
use crate::project::testing::{CoverRequest, Request, State};

/// Build and run tests
#[derive(Debug, Default, clap::Args)]
#[group(skip)]
pub struct Arguments {
    /// Which packages; all of the repository's by default.
    #[arg(value_name = "PATTERN")]
    patterns: Vec<String>,
    #[arg(short = 'c', long)]
    compile_only: bool,
    #[arg(short, long)]
    out: Option<PathBuf>,
    #[arg(long)]
    cover: bool,
    #[arg(long)]
    covermode: Option<String>,
    #[arg(long, value_delimiter = ',')]
    coverpkg: Vec<String>,
    #[arg(long, value_name = "PLATFORM")]
    platform: Vec<String>,
    #[arg(long)]
    profile: Option<String>,
}

pub fn run(directory: &Path, arguments: &Arguments, _json: bool) -> Result<ExitCode> {
    let project = Project::open(directory)?;
    let lock = project.read_lock()?;
    let locked = project.with_lock(&lock)?;
    let variants = build::host_variants(&project, &arguments.platform, arguments.profile.as_deref())?;
    let [variant] = variants[..] else { return Err(Error::input("more than one")) };
    let covers = arguments.cover || arguments.covermode.is_some() || !arguments.coverpkg.is_empty();
    let cover = covers.then(|| CoverRequest {
        mode: arguments.covermode.clone().unwrap_or_else(|| "set".to_owned()),
        patterns: arguments.coverpkg.clone(),
    });
    let request = Request { variant, patterns: &arguments.patterns, cover, omit_debug: !arguments.compile_only };
    let planned = locked.tests(&request)?;
    let (cache, proxy) = (Cache::open()?, Proxy::from_env()?);
    let graphs = [planned.graph.clone()];
    let (toolchains, sources) = build::fetch(&locked, &variants, &graphs, &cache, &proxy)?;
    let actions = exec::cache::Cache::open(&cache.root().join("build"))?;
    let sdk = &toolchains[variant.profile.sdk.as_str()];
    let jobs = std::thread::available_parallelism().map_or(1, Into::into);
    let environment = Environment {
        goroot: &sdk.goroot,
        tools: &build::tools_of(&sdk.goroot)?,
        sdk_id: &sdk.id,
        sources: &sources,
        cache: &actions,
        jobs,
    };
    let bar = Bar::count();
    let built = exec::build(&planned.configuration, environment, &|done, total, name| bar.update(done, total, name))?;
    for package in &planned.packages {
        match &package.state {
            State::Program(name) => {
                let path = arguments.out.clone().unwrap_or_default().join(name);
                build::place(&built.binaries[package.path.as_str()].path, &path)?;
            }
            State::NoTests => println!("?   \t{}\t[no test files]", package.path),
            State::Broken(wrong) => println!("# {}\n{}", package.path, wrong.join("\n")),
        }
    }
    Ok(ExitCode::SUCCESS)
}
