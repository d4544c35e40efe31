//! `godirect why`

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;

use super::output::{self, JSON_VERSION};
use crate::error::{Class, Error, Location, Result};
use crate::files::Files;
use crate::graph::chains::{self, Chain};
use crate::graph::picture::{ImportKind, ModuleOrigin, Picture};
use crate::name::ImportPath;
use crate::project::{Locked, Project};

/// Show why a package is needed: the shortest chain of imports that leads to it.
///
/// From one package to another, or from any of the repository's own. Both may be modules, which stand for all of their packages. Where
/// the importing package is in the repository, each line says in which files the next one is imported. When there is no chain, the exit
/// code is 1. Reads the repository and its lock, and needs neither Go nor network.
///
/// Examples: `godirect why golang.org/x/sys/unix`, `godirect why ./cmd/server net/http --all`
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Arguments {
    /// Where to and, before it, where from: import paths, modules, or directories like ./cmd/server.
    #[arg(value_names = ["FROM", "TO"], num_args = 1..=2, required = true)]
    ends: Vec<String>,
    /// The last argument is a module. When no package of it is needed, show which go.mod requires it.
    #[arg(short, long)]
    module: bool,
    /// Show a chain for each package that imports it.
    #[arg(long)]
    all: bool,
    /// Also look at what the tests of the repository's packages import.
    #[arg(long)]
    test: bool,
    /// Only on this platform of the spec (its name, or GOOS/GOARCH); may be repeated. By default on any.
    #[arg(long, value_name = "PLATFORM")]
    platform: Vec<String>,
    /// Only in this profile of the spec. By default in any.
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
}

/// Chains, as JSON shows them.
#[derive(Serialize)]
struct Answer<'a> {
    version: u32,
    to: &'a str,
    chains: Vec<ShownChain<'a>>,
    /// For a module without needed packages: the go.mod files that lead to its requirement.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    required_by: Vec<String>,
}

#[derive(Serialize)]
struct ShownChain<'a> {
    /// The platforms and profiles where it is so.
    views: Vec<&'a str>,
    packages: Vec<ShownPackage<'a>>,
}

/// A package of a chain, and how it imports the next one.
#[derive(Serialize)]
struct ShownPackage<'a> {
    path: &'a str,
    /// Absent for the last package, and where its source imports the next.
    #[serde(skip_serializing_if = "Option::is_none")]
    import: Option<&'static str>,
    /// `file:line:column` of each import of the next package.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sites: Vec<String>,
}

pub fn run(directory: &Path, arguments: &Arguments, json: bool) -> Result<ExitCode> {
    let (project, lock) = Project::open_with_lock(Files::default(), directory)?;
    let locked = project.with_lock(&lock)?;
    let variants = project.chosen_variants(&arguments.platform, arguments.profile.as_deref())?;
    let picture = locked.picture(&variants, &[], arguments.test)?;
    let paths = arguments.ends.iter().map(|name| locked.package_named(name)).collect::<Result<Vec<_>>>()?;
    let Some((to, from)) = paths.split_last() else { return Err(Error::input("no package was named")) };
    let (to, from) = (to.as_str(), from.first().map(ImportPath::as_str));
    let ends = named(&picture, to, arguments.module);
    let starts = from.map_or_else(|| own(&picture), |from| named(&picture, from, false));
    let chains = if arguments.all {
        chains::by_importer(&picture, &starts, &ends)
    } else {
        chains::shortest(&picture, &starts, &ends).into_iter().collect()
    };
    let shown = chains.iter().map(|chain| shown(&locked, &picture, chain)).collect::<Result<Vec<_>>>()?;
    let required_by =
        if shown.is_empty() && arguments.module { locked.requirement_chain(to).unwrap_or_default() } else { Vec::new() };
    let found = !shown.is_empty();
    if json {
        output::json(&Answer { version: JSON_VERSION, to, chains: shown, required_by })?;
    } else if found {
        let texts: Vec<String> = shown.iter().map(|chain| text(chain, picture.views.len())).collect();
        output::text(texts.join("\n"))?;
    } else {
        let unknown = [from.filter(|_| starts.is_empty()), Some(to).filter(|_| ends.is_empty())];
        output::text(no_chain(&picture, to, from, unknown.into_iter().flatten().next(), &required_by))?;
    }
    Ok(if found { ExitCode::SUCCESS } else { ExitCode::from(Class::Negative.exit_code()) })
}

/// The nodes that a path names: a package, or else all packages of a module; none when the graph has neither.
fn named(picture: &Picture, path: &str, is_module: bool) -> Vec<usize> {
    if let Some(node) = picture.find(path).filter(|_| !is_module) {
        return vec![node];
    }
    let of_module = picture.nodes.iter().enumerate().filter(|(_, n)| picture.modules[n.module].path == path);
    of_module.map(|(node, _)| node).collect()
}

/// The packages that are built for their own sake.
fn own(picture: &Picture) -> Vec<usize> {
    let is_own = |module: usize| picture.modules[module].origin == ModuleOrigin::Main;
    picture.nodes.iter().enumerate().filter(|(_, node)| is_own(node.module)).map(|(index, _)| index).collect()
}

fn shown<'a>(locked: &Locked, picture: &'a Picture, chain: &Chain) -> Result<ShownChain<'a>> {
    let mut packages = Vec::new();
    for (step, node) in chain.nodes.iter().enumerate() {
        let package = &picture.nodes[*node];
        let mut shown = ShownPackage { path: &package.path, import: None, sites: Vec::new() };
        if let Some(next) = chain.nodes.get(step + 1) {
            // Elsewhere, the reason may be another one.
            let here = |views: &BTreeSet<usize>| chain.views.iter().any(|view| views.contains(view));
            let kinds = package.imports.iter().filter(|((to, _), views)| to == next && here(views)).map(|((_, kind), _)| *kind);
            let kind = kinds.min().unwrap_or(ImportKind::Source);
            shown.import = kind.note();
            let sites = locked.import_sites(package, &picture.nodes[*next].path, kind)?;
            shown.sites = sites.iter().map(site).collect();
        }
        packages.push(shown);
    }
    Ok(ShownChain { views: chain.views.iter().map(|view| picture.views[*view].name.as_str()).collect(), packages })
}

fn site(location: &Location) -> String {
    format!("{}:{}:{}", location.path.display(), location.line, location.column)
}

/// A line for each package; behind it where and how it imports the next.
fn text(chain: &ShownChain, views: usize) -> String {
    let width = chain.packages.iter().map(|package| package.path.len()).max().unwrap_or(0);
    let mut text = String::new();
    if chain.views.len() < views {
        text += &format!("# only for {}\n", chain.views.join(", "));
    }
    for package in &chain.packages {
        let kind = package.import.map(|kind| format!("({kind})"));
        let more = (package.sites.len() > 1).then(|| format!("and {} more", package.sites.len() - 1));
        let notes: Vec<String> = package.sites.first().cloned().into_iter().chain(more).chain(kind).collect();
        text += format!("{:<width$}  {}", package.path, notes.join(" ")).trim_end();
        text.push('\n');
    }
    text
}

/// Why there is no chain; `unknown` is one of its ends that the graph doesn't have.
fn no_chain(picture: &Picture, to: &str, from: Option<&str>, unknown: Option<&str>, required_by: &[String]) -> String {
    if !required_by.is_empty() {
        return format!("# no package of {to} is needed; it is required by\n{}\n", required_by.join("\n"));
    }
    let place = if picture.views.len() == 1 { "" } else { " on any platform" };
    match (unknown, from) {
        (Some(unknown), _) => format!("the graph has no package or module {unknown}{place}\n"),
        (None, Some(from)) => format!("{from} doesn't need {to}{place}\n"),
        (None, None) => format!("no package of the repository imports {to}{place}\n"),
    }
}
