//! `godirect verify`

mod rebuild;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;

use super::output::{self, JSON_VERSION};
use crate::binary::{self, Difference, Report};
use crate::digest::Sha256;
use crate::error::{Class, Error, Result};
use crate::lock::cache::Cache;
use crate::spec;

/// How many packages and paths the text names.
const SHOWN: usize = 10;

/// Tell what is in binaries, and whether they are what the repository gives.
///
/// Reads ELF, Mach-O, PE and WebAssembly files, of Go programs and of others: whether a binary runs alone, or which interpreter, libraries and
/// version of the GNU C library it needs; what built it, as `go version -m` shows it; whether it tells paths of the building machine; whether it is
/// stripped; and how much of it each package is. In a repository with a spec it also names the configuration that the binary was built in.
///
/// With `--against go` the go command of the pinned SDK builds the same program, in a cache of its own that is removed afterwards; with
/// `--reproducible` godirect builds it twice, in copies of the repository in two directories, without any earlier result. Where the bytes differ from
/// those of BINARY, it tells in which section and symbol, and exits with 4. For both, the repository must be as it was when BINARY was built.
///
/// Example: `godirect verify godirect-out/linux_amd64/server --against go --reproducible`
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Arguments {
    /// The files.
    #[arg(required = true, value_name = "BINARY")]
    binaries: Vec<PathBuf>,
    /// Build each of them with another program, and compare: `go` is the go command of the pinned SDK.
    #[arg(long, value_name = "PROGRAM")]
    against: Option<Against>,
    /// Build each of them twice in different directories, and compare.
    #[arg(long)]
    reproducible: bool,
    /// Take binaries for ones of this profile. By default that whose settings they have.
    #[arg(long)]
    profile: Option<String>,
}

/// What another binary comes from.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Against {
    /// The go command of the pinned SDK.
    Go,
}

#[derive(Serialize)]
struct Summary {
    version: u32,
    binaries: Vec<Verified>,
}

/// One binary.
#[derive(Serialize)]
struct Verified {
    path: PathBuf,
    #[serde(flatten)]
    report: Report,
    /// The configuration of the repository that it was built in.
    #[serde(skip_serializing_if = "Option::is_none")]
    configuration: Option<String>,
    comparisons: Vec<Comparison>,
}

/// The same program, built once more.
#[derive(Serialize)]
struct Comparison {
    /// `go build`, or `godirect build`.
    by: &'static str,
    sha256: Sha256,
    /// Nothing exactly if it has the same bytes.
    differences: Vec<Difference>,
}

pub fn run(directory: &Path, arguments: &Arguments, json: bool) -> Result<ExitCode> {
    let own_paths = own_paths(directory);
    let rebuilds = arguments.against.is_some() || arguments.reproducible;
    let mut binaries = Vec::new();
    for path in &arguments.binaries {
        let verified = verify(directory, arguments, path, &own_paths, rebuilds);
        binaries.push(verified.map_err(|e| e.context(path.display()))?);
    }
    let differs = binaries.iter().any(|b| b.comparisons.iter().any(|c| !c.differences.is_empty()));
    if json {
        output::json(&Summary { version: JSON_VERSION, binaries })?;
    } else {
        binaries.iter().for_each(show);
    }
    Ok(if differs { ExitCode::from(Class::Verification.exit_code()) } else { ExitCode::SUCCESS })
}

fn verify(
    directory: &Path,
    arguments: &Arguments,
    path: &Path,
    own_paths: &BTreeMap<String, String>,
    rebuilds: bool,
) -> Result<Verified> {
    let bytes = std::fs::read(path).map_err(|e| Error::io("read", path, &e))?;
    let report = binary::inspect(&bytes, own_paths)?;
    let mut verified = Verified { path: path.to_owned(), report, configuration: None, comparisons: Vec::new() };
    let info = verified.report.build_info.as_ref();
    let in_repository = directory.join(spec::FILE).is_file();
    if rebuilds && !in_repository {
        let error = Error::input(format!("there is no {} to build it from", spec::FILE));
        return Err(error.help("name the repository: `godirect -C DIR verify …`"));
    }
    let (Some(info), true) = (info, in_repository) else {
        return if rebuilds { Err(Error::input("it has no build information that tells what to build")) } else { Ok(verified) };
    };
    let found = rebuild::find(directory, info, arguments.profile.as_deref());
    let origin = match found {
        Ok(origin) => origin,
        Err(error) if rebuilds => return Err(error),
        // A binary of something else is nothing wrong, nor is a repository that can't be read now.
        Err(_) => return Ok(verified),
    };
    verified.configuration = Some(origin.configuration.clone());
    let mut compare = |by: &'static str, other: &[u8]| -> Result<()> {
        let differences = binary::differences(&bytes, other)?;
        verified.comparisons.push(Comparison { by, sha256: Sha256::of(other), differences });
        Ok(())
    };
    if arguments.against.is_some() {
        compare("go build", &rebuild::by_go(directory, &origin)?)?;
    }
    if arguments.reproducible {
        for other in rebuild::twice(directory, &origin)? {
            compare("godirect build", &other)?;
        }
    }
    Ok(verified)
}

/// Directories of this machine that a binary must not tell, with what they are.
fn own_paths(directory: &Path) -> BTreeMap<String, String> {
    let home = std::env::var("HOME").ok().map(PathBuf::from);
    let named = [
        (home, "the home directory"),
        (std::path::absolute(directory).ok(), "the repository"),
        (Cache::place().ok(), "the cache"),
    ];
    // What is shorter occurs by chance.
    let text = |path: PathBuf| Some(path.display().to_string()).filter(|text| text.len() > 3);
    named.into_iter().filter_map(|(path, what)| Some((text(path?)?, what.to_owned()))).collect()
}

fn show(verified: &Verified) {
    let Verified { path, report, configuration, comparisons } = verified;
    output::line("binary", format!("{}  {}  {}", path.display(), output::size(report.size), report.sha256));
    let stripped = match (report.stripped, report.without_dwarf) {
        (true, _) => "stripped",
        (false, true) => "with symbols, without debug information",
        (false, false) => "with symbols and debug information",
    };
    output::line("format", format!("{} {}, {}, {stripped}", report.format, report.architecture, report.kind));
    output::line("needs", needs(report));
    match &report.build_info {
        None => output::line("built", "not by Go, as far as it tells"),
        Some(info) => {
            output::line("built", format!("{} {}  {}", info.path, info.main.version, info.go_version));
            let settings: Vec<String> = info.settings.iter().map(|s| format!("{}={}", s.key, s.value)).collect();
            output::line("settings", settings.join(" "));
        }
    }
    if let Some(configuration) = configuration {
        output::line("spec", format!("configuration {configuration}"));
    }
    let places: BTreeSet<&str> = report.leaks.iter().map(|leak| leak.path.as_str()).collect();
    match places.len() {
        0 => output::line("paths", "none of the building machine"),
        n => output::line("paths", format!("{} of the building machine", output::count(n, "path"))),
    }
    for leak in report.leaks.iter().take(SHOWN) {
        let of = leak.of.as_deref().map(|of| format!(", {of}")).unwrap_or_default();
        output::line("", format!("{}  in {}{of}", leak.path, leak.place));
    }
    for (index, size) in report.sizes.iter().take(SHOWN).enumerate() {
        output::line(if index == 0 { "size" } else { "" }, format!("{:>10}  {}", output::size(size.bytes), size.package));
    }
    if report.sizes.len() > SHOWN {
        output::line("", format!("and {} more, which --json names", report.sizes.len() - SHOWN));
    }
    for Comparison { by, sha256, differences } in comparisons {
        match differences.len() {
            0 => output::line("same", format!("{sha256}  by {by}")),
            n => output::line("differs", format!("{sha256}  by {by}: {}", output::count(n, "section"))),
        }
        for Difference { section, what, symbol } in differences.iter().take(SHOWN) {
            let symbol = symbol.as_deref().map(|symbol| format!(", in {symbol}")).unwrap_or_default();
            output::line("", format!("{section}: {what}{symbol}"));
        }
    }
}

/// What a binary needs of the system.
fn needs(report: &Report) -> String {
    if report.format == "wasm" {
        return "a WebAssembly runtime".to_owned();
    }
    if report.is_static {
        return "nothing: it is static".to_owned();
    }
    let mut needs = Vec::from_iter(report.interpreter.clone());
    needs.extend(report.libraries.iter().cloned());
    needs.extend(report.glibc.as_ref().map(|version| format!("glibc {version} or later")));
    needs.join(", ")
}
