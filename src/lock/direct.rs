//! Modules from version control: `direct` of GOPROXY (<https://go.dev/ref/mod#vcs>; `cmd/go/internal/modfetch/coderepo.go`).
//!
//! ```text
//! module path ──root, meta──▶ repository ──git──▶ refs ──revision──▶ commit, directory ──zip──▶ the module's zip
//! ```
//!
//! Only git is supported. The zip has the files that the go command puts into it, so that it has the same `h1:`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Seek;
use std::sync::{Mutex, PoisonError};

use super::cache::Cache;
use super::goenv::{GoEnv, matches_any};
use super::proxy::below;
use super::transport::{Failure, Limits, Request, Sink, Transport, Url};
use crate::error::{Error, Result};
use crate::module::ModuleId;
use crate::module::escape::escape;
use crate::name::ModulePath;

mod git;
mod meta;
mod revision;
mod root;
mod zip;

use git::{Git, Repository};
use revision::{Location, Source};
use root::{Place, Root};

/// A file that a module proxy would have.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted<'a> {
    /// The go.mod of a version.
    GoMod(&'a ModuleId),
    /// The zip of a version.
    Zip(&'a ModuleId),
}

impl<'a> Wanted<'a> {
    /// The module.
    pub fn path(self) -> &'a ModulePath {
        let (Wanted::GoMod(id) | Wanted::Zip(id)) = self;
        &id.path
    }

    /// The file's path below a proxy's URL.
    pub fn name(self) -> String {
        let path = escape(self.path().as_str());
        match self {
            Wanted::GoMod(id) => format!("{path}/@v/{}.mod", escape(id.version.as_str())),
            Wanted::Zip(id) => format!("{path}/@v/{}.zip", escape(id.version.as_str())),
        }
    }
}

/// Version control, as the user has set it up.
pub(super) struct Direct {
    goprivate: String,
    goinsecure: String,
    govcs: String,
    git: Git,
    /// For what GOINSECURE names.
    insecure: Transport,
    /// By module path: what hosts have said.
    roots: Mutex<BTreeMap<String, Root>>,
}

impl Direct {
    /// Version control with the settings of Go and, for git, variables beside those of the process.
    pub fn new(env: &GoEnv, limits: Limits, variables: Vec<(String, String)>) -> Direct {
        let GoEnv { goprivate, goinsecure, govcs, .. } = env.clone();
        let insecure = Transport::new(env, limits).insecure();
        Direct { goprivate, goinsecure, govcs, git: Git::new(variables), insecure, roots: Mutex::default() }
    }

    /// Gets a file of a module from its origin.
    ///
    /// # Errors
    ///
    /// An origin that can't be found or read, a version that it hasn't, and one that isn't a module.
    pub fn get(
        &self,
        wanted: Wanted<'_>,
        transport: &Transport,
        cache: &Cache,
        request: &Request<'_>,
        sink: &mut dyn Sink,
    ) -> Result<(), Failure> {
        let failed = |error: Error| Failure::Other(error.context(format!("failed to fetch {}", request.what)));
        let root = self.root(transport, wanted.path().as_str()).map_err(failed)?;
        match &root.place {
            Place::Proxy(url) => transport.get(&below(url, &wanted.name()), request, sink),
            Place::Git(urls) => self.get_from_git(wanted, &root, urls, cache, request, sink).map_err(failed),
        }
    }

    fn get_from_git(
        &self,
        wanted: Wanted<'_>,
        root: &Root,
        urls: &[Url],
        cache: &Cache,
        request: &Request<'_>,
        sink: &mut dyn Sink,
    ) -> Result<()> {
        let location = Location::new(wanted.path().as_str(), root)?;
        {
            let repository = self.repository(cache, urls)?;
            let answer = answer(wanted, &location, &repository, cache, request, sink);
            if answer.is_ok() || !repository.is_damaged() {
                return answer;
            }
        }
        // What is in the cache was damaged, and is made anew.
        answer(wanted, &location, &self.repository(cache, urls)?, cache, request, sink)
    }

    /// The first of some URLs that answers.
    fn repository<'a>(&'a self, cache: &'a Cache, urls: &'a [Url]) -> Result<Repository<'a>> {
        let mut failure = Error::input("there is no URL to fetch the repository from");
        for url in urls {
            let repository = self.git.repository(cache, url)?;
            // A single one need not be asked: what is here already may be enough.
            match if urls.len() == 1 { Ok(()) } else { repository.refs().map(drop) } {
                Ok(()) => return Ok(repository),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// The repository of a module, after all checks that need no repository.
    fn root(&self, transport: &Transport, path: &str) -> Result<Root> {
        let lock = || self.roots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(root) = lock().get(path) {
            return Ok(root.clone());
        }
        let insecure = matches_any(&self.goinsecure, path);
        let (root, vcs) = match root::of_path(path, insecure)? {
            Some((root, vcs)) => (root, vcs.to_owned()),
            None if insecure => meta::ask(&self.insecure, path, &["https", "http"])?,
            None => meta::ask(transport, path, &["https"])?,
        };
        if vcs != "mod" {
            root::check_govcs(&self.govcs, &self.goprivate, &root.path, &vcs)?;
        }
        if vcs != "mod" && vcs != "git" {
            return Err(Error::input(format!(
                "{} is in a repository of `{}`, and godirect knows only git",
                root.path,
                vcs.escape_debug()
            ))
            .help("use a module proxy that has the module, or `replace` it by a local directory"));
        }
        lock().insert(path.to_owned(), root.clone());
        Ok(root)
    }
}

/// Gets a file of a module from its repository.
fn answer(
    wanted: Wanted<'_>,
    location: &Location<'_>,
    repository: &Repository<'_>,
    cache: &Cache,
    request: &Request<'_>,
    sink: &mut dyn Sink,
) -> Result<()> {
    let bytes = match wanted {
        Wanted::GoMod(id) => {
            let source = location.find(repository, id.version.as_str())?;
            source.go_mod.unwrap_or_else(|| revision::legacy_go_mod(id))
        }
        Wanted::Zip(id) => {
            let source = location.find(repository, id.version.as_str())?;
            return write_zip(id, repository, &source, cache, request, sink);
        }
    };
    if bytes.len() as u64 > request.limit {
        return Err(Error::input(format!("the file is larger than {} bytes", request.limit)));
    }
    sink.restart("", None).and_then(|()| sink.write_all(&bytes)).map_err(|e| not_written(&e))
}

/// Writes the zip of a module version.
fn write_zip(
    id: &ModuleId,
    repository: &Repository<'_>,
    source: &Source,
    cache: &Cache,
    request: &Request<'_>,
    sink: &mut dyn Sink,
) -> Result<()> {
    let mut archive = cache.temporary_file()?;
    repository.archive(&source.commit, &source.directory, archive.as_file_mut())?;
    let license = if source.directory.is_empty() { None } else { repository.read(&source.commit, "LICENSE")? };
    let mut made = cache.temporary_file()?;
    zip::write(id, reopen(archive.as_file_mut())?, &source.directory, license.as_deref(), made.as_file_mut())?;
    let mut made = reopen(made.as_file_mut())?;
    sink.restart("", None).map_err(|e| not_written(&e))?;
    let bytes = std::io::copy(&mut made, sink).map_err(|e| not_written(&e))?;
    (request.progress)(super::Progress { what: request.what, bytes, total: Some(bytes), done: true });
    Ok(())
}

/// The same file, from its beginning.
fn reopen(file: &mut File) -> Result<File> {
    file.rewind().and_then(|()| file.try_clone()).map_err(|e| not_written(&e))
}

fn not_written(error: &std::io::Error) -> Error {
    Error::environment(format!("failed to write to the cache: {error}"))
}

/// A URL as errors show it, and as the cache knows the repository: without user and password. The user of SSH is no secret.
fn without_password(url: &Url) -> String {
    let mut url = url.clone();
    let _ = url.set_password(None);
    if url.scheme().starts_with("http") {
        let _ = url.set_username("");
    }
    url.to_string()
}
