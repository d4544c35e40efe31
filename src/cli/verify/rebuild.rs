//! Builds a binary once more, from what it tells of itself and from the repository.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::binary::buildinfo::{self, BuildInfo};
use crate::cli::progress::Bar;
use crate::error::{Error, Result};
use crate::exec::{self, sdk};
use crate::lock::cache::Cache;
use crate::lock::fetch::Fetcher;
use crate::lock::proxy::Proxy;
use crate::plan::{Configuration, Step, token};
use crate::platform::OsArch;
use crate::project::stamps::Stamps;
use crate::project::{Project, Variant};
use crate::source::token::unquote;

/// Where a binary comes from.
pub struct Origin {
    /// The name of the configuration.
    pub configuration: String,
    /// The platform's name in the spec.
    platform: String,
    profile: String,
    /// The binary's name.
    name: String,
}

/// Finds the configuration in which a binary would get this build information.
///
/// # Errors
///
/// When there is none, or more than one; what makes the repository unusable.
pub fn find(directory: &Path, info: &BuildInfo, profile: Option<&str>) -> Result<Origin> {
    let project = Project::open(directory)?;
    let lock = project.read_lock()?;
    let locked = project.with_lock(&lock)?;
    let mut found: Vec<(bool, Origin)> = Vec::new();
    for variant in project.chosen_variants(&["all".to_owned()], profile)? {
        let (goos, goarch) = (variant.target.platform.goos(), variant.target.platform.goarch());
        if (info.setting("GOOS"), info.setting("GOARCH")) != (goos, goarch) {
            continue;
        }
        for (name, _) in project.binaries_of(variant).filter(|(_, binary)| binary.main.as_str() == info.path) {
            let graph = locked.graphs(&[variant])?.remove(0);
            // Stamps aren't in build information; what needs a C toolchain is told from others by its platform alone.
            let stamps = Stamps::Built { variable: &|_| Some(String::new()), status: None };
            let planned = locked.plan(&graph, variant, &stamps, None, |other| other == name);
            let planned = planned.and_then(|planned| planned_info(&planned, name)).unwrap_or_default();
            let goversion = match info.go_version.as_str() {
                "" => String::new(),
                _ => locked.sdk(variant.profile).goversion(),
            };
            let same = BuildInfo { go_version: goversion, ..planned } == *info;
            let origin = Origin {
                configuration: variant.name(),
                platform: variant.target.name.clone(),
                profile: variant.profile_name.to_owned(),
                name: name.to_owned(),
            };
            found.push((same, origin));
        }
    }
    // One that differs may be of the repository as it was before.
    let exact = found.iter().filter(|(same, _)| *same).count();
    let mut candidates = found.into_iter().filter(|(same, _)| *same || exact == 0).map(|(_, origin)| origin);
    match (candidates.next(), candidates.next()) {
        (Some(origin), None) => Ok(origin),
        (None, _) => {
            let error = Error::input(format!("the spec has no binary of {} for its platform", info.path));
            Err(error.help("was it built from this repository?"))
        }
        (Some(a), Some(b)) => {
            let error = Error::input(format!("it may be of {} or of {}", a.configuration, b.configuration));
            Err(error.help("name one: --profile"))
        }
    }
}

/// What the go command of the pinned SDK builds. It is asked nothing: its result is compared, and thrown away.
///
/// # Errors
///
/// When it fails, with what it said.
pub fn by_go(directory: &Path, origin: &Origin) -> Result<Vec<u8>> {
    let project = Project::open(directory)?;
    let lock = project.read_lock()?;
    let locked = project.with_lock(&lock)?;
    let variant = variant(&project, origin)?;
    let (cache, proxy, bar) = (Cache::open()?, Proxy::from_env()?, Bar::bytes());
    let progress = |p: crate::lock::Progress<'_>| bar.download(p);
    let fetcher = Fetcher { cache: &cache, proxy: &proxy, database: None, progress: &progress };
    let goroot = sdk::locked(&fetcher, locked.sdk(variant.profile), OsArch::host()?, directory, &|_| ())?.goroot;
    let scratch = cache.temporary_directory()?;
    let out = scratch.path().join("binary");
    let binary = &project.binaries[&origin.name];
    let package = Path::new(&binary.directory).strip_prefix(&project.spec.module_dir).unwrap_or(Path::new(&binary.directory));
    let mut argv = vec![goroot.join("bin/go").display().to_string(), "build".to_owned()];
    let stamps = Stamps::Built { variable: &|name| std::env::var(name).ok(), status: None };
    argv.extend(variant.go_build_flags(&project.dir, &stamps.values(variant.profile_name, variant.profile)?)?);
    argv.extend(["-o".to_owned(), out.display().to_string(), format!("./{}", package.display())]);
    let phases = Bar::phases();
    phases.phase("go build");
    let env = go_env(&variant, &goroot, scratch.path());
    let at = std::path::absolute(project.module_dir()).map_err(|e| Error::io("use", directory, &e))?;
    exec::watch(&argv, &at, &env, &|_| ())?;
    read(&out)
}

/// The environment of the go command: what the profile says, a build cache of its own, and the user's way to modules.
fn go_env(variant: &Variant, goroot: &Path, scratch: &Path) -> BTreeMap<String, String> {
    let mut env = variant.go_env();
    let users = ["PATH", "HOME", "GOPATH", "GOMODCACHE", "GOPROXY", "GONOPROXY", "GOPRIVATE", "GONOSUMDB", "GOSUMDB", "NETRC"];
    let network = ["SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy"];
    for name in users.into_iter().chain(network) {
        env.extend(std::env::var(name).map(|value| (name.to_owned(), value)));
    }
    for (name, value) in [("GOTOOLCHAIN", "local"), ("GOENV", "off"), ("GOFLAGS", ""), ("GOTELEMETRY", "off")] {
        env.insert(name.to_owned(), value.to_owned());
    }
    env.insert("GOROOT".to_owned(), goroot.display().to_string());
    env.insert("GOCACHE".to_owned(), scratch.join("go-build").display().to_string());
    env.insert("TMPDIR".to_owned(), scratch.display().to_string());
    env
}

/// What godirect itself builds in two copies of the repository, each with a cache of its own that has nothing but downloads.
///
/// # Errors
///
/// When a build fails, with what it said.
pub fn twice(directory: &Path, origin: &Origin) -> Result<[Vec<u8>; 2]> {
    let cache = Cache::open()?;
    let scratch = cache.temporary_directory()?;
    let build = |place: &str| -> Result<Vec<u8>> {
        let place = scratch.path().join(place);
        copy(directory, &place.join("repository"))?;
        let own_cache = place.join("cache");
        fs::create_dir_all(&own_cache).map_err(|e| Error::io("create", &own_cache, &e))?;
        for downloaded in ["sdk", "mod", "download", "vcs"] {
            link(&cache.root().join(downloaded), &own_cache.join(downloaded))?;
        }
        let program = std::env::current_exe().map_err(|e| Error::environment(format!("failed to find this program: {e}")))?;
        let (program, out) = (program.display().to_string(), place.join("out"));
        let words = ["build", &origin.name, "--platform", &origin.platform, "--profile", &origin.profile, "--json", "--out"];
        let mut argv = vec![program, "-C".to_owned(), place.join("repository").display().to_string()];
        argv.extend(words.map(str::to_owned));
        argv.push(out.display().to_string());
        let mut env: BTreeMap<String, String> = std::env::vars().collect();
        env.insert("GODIRECT_CACHE".to_owned(), own_cache.display().to_string());
        let phases = Bar::phases();
        phases.phase("godirect build");
        exec::watch(&argv, &place, &env, &|_| ())?;
        let built = out.join(&origin.configuration);
        let entries = fs::read_dir(&built).map_err(|e| Error::io("read", &built, &e))?;
        let file = entries.flatten().map(|entry| entry.path()).next();
        read(&file.ok_or_else(|| Error::environment(format!("nothing was built in {}", built.display())))?)
    };
    Ok([build("a")?, build("another-directory")?])
}

/// The variant that an origin names.
fn variant<'p>(project: &'p Project, origin: &Origin) -> Result<Variant<'p>> {
    let variants = project.chosen_variants(std::slice::from_ref(&origin.platform), Some(&origin.profile))?;
    variants.into_iter().next().ok_or_else(|| Error::input("the spec changed meanwhile"))
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|e| Error::io("read", path, &e))
}

/// A link to what was downloaded; whoever follows it gets there by another path in each copy.
fn link(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(from).map_err(|e| Error::io("create", from, &e))?;
    symlink(from, to).map_err(|e| Error::io("create", to, &e))
}

#[cfg(unix)]
fn symlink(from: &Path, to: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(from, to)
}

#[cfg(not(unix))]
fn symlink(_: &Path, _: &Path) -> std::io::Result<()> {
    Err(std::io::Error::from(std::io::ErrorKind::Unsupported))
}

/// Copies a repository without its history and without what builds have left in it: Bazel's and Nix's links lead out of it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).map_err(|e| Error::io("create", to, &e))?;
    let entries = fs::read_dir(from).map_err(|e| Error::io("read", from, &e))?;
    for entry in entries.flatten().filter(|entry| entry.file_name() != ".git" && entry.file_name() != "godirect-out") {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        let failed = |e| Error::io("copy", &path, &e);
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            copy(&path, &target)?;
        } else if kind.is_symlink() {
            let place = fs::read_link(&path).map_err(failed)?;
            if place.is_relative() {
                symlink(&place, &target).map_err(failed)?;
            }
        } else if kind.is_file() {
            fs::copy(&path, &target).map_err(failed)?;
        }
    }
    Ok(())
}

/// The build information that the plan gives to a binary.
fn planned_info(configuration: &Configuration, name: &str) -> Result<BuildInfo> {
    let texts = configuration.binaries[name].steps.iter().filter_map(|step| match step {
        Step::Write { text, .. } => Some(text),
        _ => None,
    });
    for line in texts.flat_map(|text| text.lines()) {
        if let Some(quoted) = line.strip_prefix("modinfo ") {
            let quoted = token::substitute(quoted, |_| None)?;
            let text = unquote(quoted.as_bytes()).unwrap_or_default();
            return BuildInfo::parse(&String::from_utf8_lossy(buildinfo::without_marks(&text)));
        }
    }
    Ok(BuildInfo::default())
}
