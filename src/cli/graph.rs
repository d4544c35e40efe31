//! `godirect graph`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;

use super::output::{self, JSON_VERSION};
use crate::emit::picture::{self, Document};
use crate::error::{Error, Result};
use crate::files::Files;
use crate::graph::picture::{NodeKind, Picture};
use crate::module::unneeded::Unneeded;
use crate::project::{Locked, Project};
use crate::write;

/// Draw the package graph, for Graphviz, Mermaid, programs, or as an HTML page.
///
/// Shows the packages of the repository (or those that patterns name) and all that they need, on all platforms and in all profiles of
/// the spec; what isn't so on all of them has a note. Reads the repository and its lock, and needs neither Go nor network.
///
/// The HTML page is one file that loads nothing: it searches, filters, draws what a package imports and what imports it, finds paths
/// between packages, and tells which packages many others wait for, which modules are there for a single import, and what go.mod says in
/// vain. The JSON format has a version of its own.
///
/// Examples: `godirect graph --format html --output graph.html`, `godirect graph ./cmd/server | dot -Tsvg -o server.svg`
#[derive(Debug, Default, clap::Args)]
#[group(skip)]
pub struct Arguments {
    /// Import paths, directories like ./cmd/server, or patterns like ./cmd/...; by default all packages of the repository.
    #[arg(value_name = "PATTERN")]
    patterns: Vec<String>,
    /// How to write it; by default what the ending of --output says, or else dot.
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Write to this file instead of standard output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Only this platform of the spec (its name, or GOOS/GOARCH); may be repeated.
    #[arg(long, value_name = "PLATFORM")]
    platform: Vec<String>,
    /// Only this profile of the spec.
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Also what the tests of these packages need.
    #[arg(long)]
    test: bool,
    /// Also the packages of the standard library.
    #[arg(long)]
    std: bool,
    /// Modules instead of packages.
    #[arg(long)]
    modules: bool,
    /// Print which requirements, replacements and exclusions of go.mod and go.work are in vain, instead of the graph.
    #[arg(long, conflicts_with_all = ["patterns", "format", "platform", "profile", "test", "std", "modules"])]
    unused: bool,
}

/// A format of the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Graphviz.
    Dot,
    /// Mermaid, as Markdown pages show it.
    Mermaid,
    /// For programs.
    Json,
    /// A page for browsers.
    Html,
}

#[derive(Serialize)]
struct Unused<'a> {
    version: u32,
    unneeded: &'a [Unneeded],
}

pub fn run(directory: &Path, arguments: &Arguments, json: bool) -> Result<ExitCode> {
    let (project, lock) = Project::open_with_lock(Files::default(), directory)?;
    let locked = project.with_lock(&lock)?;
    let text = if arguments.unused { unused(&locked, json)? } else { drawn(&locked, arguments, json)? };
    match &arguments.output {
        Some(path) => write::atomic(path, text.as_bytes())?,
        None => output::text(text)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn drawn(locked: &Locked, arguments: &Arguments, json: bool) -> Result<String> {
    let variants = locked.project.chosen_variants(&arguments.platform, arguments.profile.as_deref())?;
    if variants.is_empty() {
        let error = Error::input("nothing to draw: no binary of the spec has this profile");
        return Err(error.help("give it to one in the spec: binary(…, profiles = […])"));
    }
    let picture = locked.picture(&variants, &arguments.patterns, arguments.test)?;
    let picture = if arguments.std { picture } else { picture.without_std() };
    let picture = if arguments.modules { picture.by_module() } else { picture };
    match format(arguments, json)? {
        Format::Dot => Ok(picture::dot(&picture)),
        Format::Mermaid => Ok(picture::mermaid(&picture)),
        Format::Json => output::as_json(&Document::new(&picture, &locked.unneeded()?)),
        Format::Html => picture::page(&title(locked, &picture), &Document::new(&picture, &locked.unneeded()?)),
    }
}

fn title(locked: &Locked, picture: &Picture) -> String {
    let name = locked.project.mains.first().map_or("", |main| main.path.as_str());
    let noun = match picture.kind {
        NodeKind::Packages => "package",
        NodeKind::Modules => "module",
    };
    format!("{name}: {}", output::count(picture.nodes.len(), noun))
}

/// The format that was asked for, or else that of the output file's ending.
fn format(arguments: &Arguments, json: bool) -> Result<Format> {
    if let Some(format) = arguments.format {
        return Ok(format);
    }
    let Some(path) = arguments.output.as_ref().filter(|_| !json) else {
        return Ok(if json { Format::Json } else { Format::Dot });
    };
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("dot" | "gv") => Ok(Format::Dot),
        Some("mmd" | "mermaid") => Ok(Format::Mermaid),
        Some("json") => Ok(Format::Json),
        Some("html" | "htm") => Ok(Format::Html),
        _ => {
            let error = Error::input(format!("the ending of {} says no format", path.display()));
            Err(error.help("say --format dot, mermaid, json or html"))
        }
    }
}

/// What go.mod and go.work say in vain: what certainly is, then what may be.
fn unused(locked: &Locked, json: bool) -> Result<String> {
    let found = locked.unneeded()?;
    if json {
        return output::as_json(&Unused { version: JSON_VERSION, unneeded: &found });
    }
    let show = |unneeded: &Unneeded| {
        let Unneeded { file, module, reason, remove, .. } = unneeded;
        let directive = format!("{:?}", unneeded.directive).to_lowercase();
        format!("{file}: {directive} {module}\n    {reason}\n    {remove}\n")
    };
    let mut text = String::new();
    for (title, certain) in [("not needed:", true), ("perhaps not needed:", false)] {
        let shown: String = found.iter().filter(|unneeded| unneeded.certain == certain).map(show).collect();
        if !shown.is_empty() {
            text += &format!("{title}\n\n{shown}\n");
        }
    }
    Ok(if text.is_empty() { "go.mod has no line that nothing needs\n".to_owned() } else { text.trim_end().to_owned() + "\n" })
}
