//! `godirect nix`

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;

use super::output::{self, JSON_VERSION};
use super::progress::Bar;
use crate::digest::Sha256;
use crate::emit::nix::{self, Derivations, Download, Listed, LocalFile, LocalKind, Named, Settings, StorePath};
use crate::error::{self, Class, Error, Result};
use crate::exec;
use crate::files::Files;
use crate::lock::archive::Layout;
use crate::lock::cache::Cache;
use crate::lock::fetch::Fetcher;
use crate::lock::goenv;
use crate::lock::nar;
use crate::lock::proxy::Proxy;
use crate::platform::OsArch;
use crate::project::{Project, Variant};

/// What stands for all tests.
const TESTS: &str = "tests";

/// Nix's program for single store objects.
const NIX_STORE: &str = "nix-store";

/// Compute derivations and store paths without Nix's evaluator.
///
/// For specs with nix(). The derivations are those that `nix build` and `nix-build` evaluate from the generated files, byte for byte, without the argument `contentAddressed`: where the outputs of those with it are, only a build can tell. Names are those of the flake's packages: `<binary>`, `<binary>-<configuration>`, `default`, `go`.
///
/// Example, which asks a binary cache for what it has before there is a Nix: `godirect nix paths --json`
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Put derivations into the store, and print their paths.
    ///
    /// All that the store lacks goes through one `nix-store --import`, which Nix allows to users that it trusts. What is printed can be built:
    /// nix-store --realise $(godirect nix instantiate server)
    Instantiate(Which),
    /// Print the store paths of outputs.
    ///
    /// Needs no Nix.
    Paths(Which),
    /// Put the downloads of modules and SDKs into the store.
    ///
    /// They come from godirect's and Go's cache, or through GOPROXY and version control with the user's credentials, which Nix never sees: for private modules, and for machines
    /// whose Nix has no network. What the store has is left alone. Zips that another archiver has made than the lock's, which have the same files, are an error (exit 4).
    Prefetch(Which),
}

#[derive(Debug, clap::Args)]
struct Which {
    /// Packages of the flake, binaries without a derivation for each package (`whole.<binary>`, or `whole` for all), tests (`tests.<directory with - for />`, or `tests` for all), or package archives; all packages if none is named.
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Besides what is named, all package archives, to fill a binary cache: packageArchives.<configuration>.<import path>
    #[arg(long)]
    archives: bool,
    /// The kind of machine that builds, such as `aarch64-linux`; this one's by default.
    #[arg(long)]
    system: Option<String>,
    /// The Go module proxy that derivations download from, as the argument `goproxy` of the Nix files. Not GOPROXY, which may have a password.
    #[arg(long, value_name = "URL")]
    goproxy: Option<String>,
    /// The store path of C compilers, as the argument `cc` of the Nix files gets it: an object with `bin/gcc` and `bin/g++`, or what else profiles name. Without it there is nothing that has C code.
    #[arg(long, value_name = "STORE PATH")]
    cc: Option<String>,
    /// Which of the URLs of an SDK's archive to take, counted from 0, as the argument `mirror` of the Nix files.
    #[arg(long, default_value_t = 0)]
    mirror: usize,
}

#[derive(Serialize)]
struct Summary {
    version: u32,
    packages: BTreeMap<String, Package>,
}

#[derive(Serialize)]
struct Package {
    derivation: String,
    outputs: BTreeMap<String, String>,
}

pub fn run(directory: &Path, arguments: &Arguments, json: bool) -> Result<ExitCode> {
    match &arguments.action {
        Action::Prefetch(which) => prefetch(&compute(directory, which)?, which, json)?,
        Action::Paths(which) => {
            let named = chosen(&compute(directory, which)?, which)?;
            show(&named, json, |named| named.outputs.values().map(|path| format!("{path}\n")).collect())?;
        }
        Action::Instantiate(which) => {
            let derivations = compute(directory, which)?;
            let named = chosen(&derivations, which)?;
            import(&derivations, named.iter().map(|(_, named)| named.derivation.clone()).collect())?;
            show(&named, json, |named| format!("{}\n", named.derivation))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints derivations as JSON, or `line` of each.
fn show(named: &[(String, Named)], json: bool, line: impl Fn(&Named) -> String) -> Result<()> {
    if !json {
        return output::text(named.iter().map(|(_, named)| line(named)).collect::<String>());
    }
    let package = |named: &Named| Package {
        derivation: named.derivation.to_string(),
        outputs: named.outputs.iter().map(|(name, path)| (name.clone(), path.to_string())).collect(),
    };
    let packages = named.iter().map(|(name, named)| (name.clone(), package(named))).collect();
    output::json(&Summary { version: JSON_VERSION, packages })
}

/// All derivations that the generated Nix files have.
fn compute(directory: &Path, which: &Which) -> Result<Derivations> {
    let (project, lock) = Project::open_with_lock(Files::default(), directory)?;
    let Some(nix) = &project.spec.nix else {
        let error = Error::input(format!("{} asks for no Nix files", project.spec.path.display()));
        return Err(error.help("add nix() to it"));
    };
    let locked = project.with_lock(&lock)?;
    // Among all packages is what tests count.
    let counts = nix.coverage.is_some() && which.names.is_empty();
    let has_tests = counts || which.names.iter().any(|name| is_of_kind(name, TESTS) || name == nix::COVERAGE);
    let all = project.variants();
    let (number, variants) = (all.len(), needed(all, which));
    let plans = locked.nix_plans(&variants, &locked.graphs(&variants)?, has_tests)?.plans;
    // Where names say that they are of some variants, they aren't those of images.
    let images = if variants.len() == number { project.image_actions(&plans)? } else { BTreeMap::new() };
    let system = match &which.system {
        Some(system) => system.clone(),
        None => {
            let host = OsArch::host()?;
            let unknown = || Error::input(format!("Nix doesn't run on {host}")).help("name another machine with --system");
            host.nix_system().ok_or_else(unknown)?.to_owned()
        }
    };
    let goproxy = which.goproxy.as_deref().unwrap_or(goenv::default_proxy());
    let (directory, read, list) = (&nix.dir, |file: &str| read(&project, file), |directory: &str| list(&project, directory));
    let whole = which.names.iter().any(|name| is_of_kind(name, nix::WHOLE));
    let cc = which.cc.as_deref().map(StorePath::parse).transpose()?;
    let settings = Settings { system: &system, goproxy, mirror: which.mirror, cc, whole, directory, read: &read, list: &list };
    nix::derivations(&locked.sdk_versions(), &plans, &images, &lock, settings)
}

/// Whether a name is of a kind, or stands for all of it.
fn is_of_kind(name: &str, kind: &str) -> bool {
    name.strip_prefix(kind).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The variants that names are of, if all of them say so; else all, which plain names may mean.
fn needed<'p>(variants: Vec<Variant<'p>>, which: &Which) -> Vec<Variant<'p>> {
    let is_of = |name: &String, variant: &Variant| {
        let variant = variant.name();
        name.ends_with(&format!("-{variant}")) || name.starts_with(&format!("packageArchives.{variant}."))
    };
    let all_say = which.names.iter().all(|name| variants.iter().any(|variant| is_of(name, variant)));
    if which.names.is_empty() || which.archives || !all_say {
        return variants;
    }
    variants.into_iter().filter(|variant| which.names.iter().any(|name| is_of(name, variant))).collect()
}

/// A file as Nix takes it into the store.
fn read(project: &Project, file: &str) -> Result<LocalFile> {
    let path = error::file_in(&project.dir, file);
    let failed = |e: std::io::Error| match e.kind() {
        std::io::ErrorKind::NotFound => Error::input(format!("{} isn't there", path.display())).help("run `godirect generate`"),
        _ => Error::io("read", &path, &e),
    };
    let metadata = std::fs::symlink_metadata(&path).map_err(failed)?;
    if metadata.is_symlink() {
        let target = std::fs::read_link(&path).map_err(failed)?;
        return Ok(LocalFile { bytes: target.into_os_string().into_encoded_bytes(), kind: LocalKind::Symlink });
    }
    let kind = if nar::is_executable(&metadata) { LocalKind::Executable } else { LocalKind::Regular };
    Ok(LocalFile { bytes: std::fs::read(&path).map_err(failed)?, kind })
}

/// What is in a directory, as Nix's `readDir` says it.
fn list(project: &Project, directory: &str) -> Result<BTreeMap<String, Listed>> {
    // The empty path is no directory.
    let path = Path::new(".").join(error::file_in(&project.dir, directory));
    let failed = |e: std::io::Error| Error::io("list", &path, &e);
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(&path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_type().map_err(failed)?;
        let listed = match kind.is_dir() {
            true => Listed::Directory,
            false if kind.is_file() || kind.is_symlink() => Listed::File,
            false => continue,
        };
        let not_text =
            |name| Error::input(format!("{}: a name in it is not UTF-8: {}", path.display(), Path::new(&name).display()));
        let name = entry.file_name().into_string().map_err(not_text)?;
        if name != ".git" {
            found.insert(name, listed);
        }
    }
    Ok(found)
}

/// The derivations that are named, in their order.
fn chosen(derivations: &Derivations, which: &Which) -> Result<Vec<(String, Named)>> {
    let all: Vec<&str> = derivations.names().collect();
    let mut names: Vec<&str> = which.names.iter().map(String::as_str).collect();
    if names.is_empty() {
        names.clone_from(&all);
    }
    names.extend(derivations.archives().filter(|_| which.archives));
    let (tests, whole): (Vec<&str>, Vec<&str>) = (derivations.tests().collect(), derivations.whole().collect());
    // As for `nix-build -A`, they are all of their kind, unless there is something of that name.
    for (word, kind) in [(TESTS, &tests), (nix::WHOLE, &whole)] {
        if let Some(at) = names.iter().position(|name| *name == word && !all.contains(name)).filter(|_| !kind.is_empty()) {
            names.splice(at..=at, kind.iter().copied());
        }
    }
    let find = |name: &str| {
        let named = derivations.get(name).ok_or_else(|| match is_of_kind(name, TESTS) {
            _ if derivations.lacks_compiler(name) => no_compiler(name),
            true => no_test(name, &tests),
            false => {
                let error = Error::input(format!("there is no package `{}`", name.escape_debug()));
                let of_its_kind = if is_of_kind(name, nix::WHOLE) { &whole } else { &all };
                error.help(format!("there is {}", of_its_kind.join(", ")))
            }
        })?;
        Ok((name.to_owned(), named))
    };
    names.into_iter().map(find).collect()
}

fn no_compiler(name: &str) -> Error {
    let error = Error::input(format!("`{name}` has C code, and there is no compiler for it"));
    error.help("C code is compiled only for the machine that builds, and with --cc: the store path of an object with `bin/gcc`")
}

fn no_test(name: &str, tests: &[&str]) -> Error {
    let error = Error::input(format!("Nix runs no tests for `{}` on this system", name.escape_debug()));
    match tests.is_empty() {
        true => {
            error.help("write nix(tests = True) in the spec; tests are run on machines that the spec has among its platforms")
        }
        false => error.help(format!("there is {}", tests.join(", "))),
    }
}

/// What `prefetch` did, for programs.
#[derive(Serialize)]
struct Prefetched {
    version: u32,
    added: Vec<String>,
}

/// Puts zips that these derivations download into the store, unless it has them.
fn prefetch(derivations: &Derivations, which: &Which, json: bool) -> Result<()> {
    let roots = chosen(derivations, which)?.into_iter().map(|(_, named)| named.derivation).collect();
    let needed: BTreeSet<StorePath> = derivations.outputs_of(&derivations.closure(roots));
    let downloads = derivations.downloads().iter().filter(|(path, _)| needed.contains(path));
    let missing = invalid(&downloads.clone().map(|(path, _)| path.clone()).collect::<Vec<_>>())?;
    let directory = tempfile::tempdir().map_err(|e| Error::environment(format!("there is no temporary directory: {e}")))?;
    let (cache, proxy, bar) = (Cache::open()?, Proxy::from_env()?, Bar::bytes());
    let progress = |p: crate::lock::Progress<'_>| bar.download(p);
    let fetcher = Fetcher { cache: &cache, proxy: &proxy, database: None, progress: &progress };
    for (path, download) in downloads.filter(|(path, _)| missing.contains(path)) {
        add_zip(&fetcher, path, download, directory.path())?;
    }
    if json {
        let added = missing.iter().map(ToString::to_string).collect();
        return output::json(&Prefetched { version: JSON_VERSION, added });
    }
    output::text(missing.iter().map(|path| format!("{path}\n")).collect::<String>())
}

/// Puts one zip into the store, which calls it by the name of the file that it is given.
fn add_zip(fetcher: &Fetcher, path: &StorePath, download: &Download, directory: &Path) -> Result<()> {
    let Download { name, sha256, module, h1, is_sdk } = download;
    let id = module.to_string();
    let zip = fetcher.zip_file(module, if *is_sdk { Layout::Toolchain(&id) } else { Layout::Module(&id) }, h1)?;
    let file = directory.join(name);
    std::fs::copy(&zip, &file).map_err(|e| Error::io("copy", &zip, &e))?;
    let copied = std::fs::File::open(&file).and_then(Sha256::of_reader).map_err(|e| Error::io("read", &file, &e))?;
    if copied != *sha256 {
        let message = format!("{}: the zip of {id} has the SHA-256 {copied}, but the lock pins {sha256}", zip.display());
        let help =
            "its files are the pinned ones, so another archiver has made it: remove it, and `godirect lock` pins the new one";
        return Err(Error::new(Class::Verification, message).help(help));
    }
    let file = file.display().to_string();
    let added = exec::feed(Path::new(NIX_STORE), &["--add-fixed", "sha256", &file], b"")?;
    check(added.success, &added.stderr)?;
    // The file isn't needed any more, and SDKs are large.
    let _ = std::fs::remove_file(&file);
    match added.stdout.trim() == path.as_str() {
        true => Ok(()),
        false => Err(Error::environment(format!("Nix calls {name} {}, and not {path}", added.stdout.trim()))),
    }
}

/// The paths that the store doesn't have.
fn invalid(paths: &[StorePath]) -> Result<Vec<StorePath>> {
    let names: Vec<&str> = paths.iter().map(StorePath::as_str).collect();
    let asked = exec::feed(Path::new(NIX_STORE), &[&["--check-validity", "--print-invalid"], names.as_slice()].concat(), b"")?;
    check(asked.success, &asked.stderr)?;
    let missing: BTreeSet<&str> = asked.stdout.lines().collect();
    Ok(paths.iter().filter(|path| missing.contains(path.as_str())).cloned().collect())
}

/// Puts all that the store lacks into it.
fn import(derivations: &Derivations, roots: Vec<StorePath>) -> Result<()> {
    let missing = invalid(&derivations.closure(roots))?;
    if missing.is_empty() {
        return Ok(());
    }
    let imported = exec::feed(Path::new(NIX_STORE), &["--import"], &derivations.export(&missing))?;
    check(imported.success, &imported.stderr)
}

fn check(success: bool, stderr: &str) -> Result<()> {
    match success {
        true => Ok(()),
        false => Err(Error::new(Class::Environment, format!("{NIX_STORE} failed:\n{}", stderr.trim_end()))
            .help("Nix imports for users in `trusted-users` of nix.conf; others can run nix-instantiate")),
    }
}
