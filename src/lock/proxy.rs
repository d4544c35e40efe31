//! The GOPROXY client (<https://go.dev/ref/mod#goproxy-protocol>; `cmd/go/internal/modfetch/proxy.go`).

use std::path::PathBuf;

use super::OnProgress;
use super::cache::Cache;
use super::direct::{Direct, Wanted};
use super::download::Download;
use super::goenv::{GoEnv, matches_any};
use super::transport::{Failure, Limits, Request, Sink, Transport, Url, copy_local, without_credentials};
use crate::error::{Error, Result};
use crate::module::ModuleId;
use crate::module::escape::escape;

/// The module proxies, as GOPROXY and GONOPROXY say.
pub struct Proxy {
    entries: Vec<Entry>,
    /// Glob patterns of modules that must not be asked of a proxy.
    private: String,
    /// Go's own cache of modules.
    gomodcache: PathBuf,
    transport: Transport,
    direct: Direct,
}

#[derive(Debug)]
struct Entry {
    source: Source,
    /// Whether the next entry is tried after any error, or (false) only after 404 and 410.
    after_any_error: bool,
}

/// An entry of GOPROXY.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// A module proxy.
    Http(Url),
    /// A directory with the files of a module proxy.
    Directory(PathBuf),
    /// Version control.
    Direct,
    /// Nobody.
    Off,
}

/// Without credentials.
impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Source::Http(url) => f.write_str(&without_credentials(url)),
            Source::Directory(directory) => write!(f, "{}", directory.display()),
            Source::Direct => f.write_str("direct"),
            Source::Off => f.write_str("off"),
        }
    }
}

impl Proxy {
    /// The proxies that the user's settings name.
    ///
    /// # Errors
    ///
    /// A malformed GOPROXY.
    pub fn new(env: &GoEnv, limits: Limits) -> Result<Proxy> {
        Ok(Proxy {
            entries: entries(&env.goproxy)?,
            private: env.gonoproxy.clone(),
            gomodcache: env.gomodcache.clone(),
            transport: Transport::new(env, limits),
            direct: Direct::new(env, limits, Vec::new()),
        })
    }

    /// Sets variables in git's environment, beside those of the process.
    pub fn with_git_variables(self, env: &GoEnv, limits: Limits, variables: Vec<(String, String)>) -> Proxy {
        Proxy { direct: Direct::new(env, limits, variables), ..self }
    }

    /// The proxies that the settings of this process name.
    ///
    /// # Errors
    ///
    /// A malformed GOPROXY.
    pub fn from_env() -> Result<Proxy> {
        Proxy::new(&GoEnv::read(None), Limits::default())
    }

    /// What requests to other servers than module proxies go through.
    pub fn transport(&self) -> &Transport {
        &self.transport
    }

    /// Where Go keeps a file of a module that it downloaded; `kind` is `mod` or `zip`.
    pub(super) fn go_cache(&self, id: &ModuleId, kind: &str) -> Option<PathBuf> {
        let file = format!("{}/@v/{}.{kind}", escape(id.path.as_str()), escape(id.version.as_str()));
        if self.gomodcache.is_absolute() { Some(self.gomodcache.join("cache/download").join(file)) } else { None }
    }

    /// A module's go.mod.
    ///
    /// # Errors
    ///
    /// When no proxy has it, or it is larger than Go allows.
    pub fn go_mod(&self, cache: &Cache, id: &ModuleId) -> Result<Vec<u8>> {
        let what = format!("{id}/go.mod");
        let request = Request { what: &what, limit: super::archive::MAX_GO_MOD, progress: &|_| {} };
        let mut bytes = Vec::new();
        self.fetch(Wanted::GoMod(id), cache, &request, &mut bytes)?;
        Ok(bytes)
    }

    /// Downloads a module's zip.
    ///
    /// # Errors
    ///
    /// When no proxy has it, or it is larger than Go allows.
    pub fn zip(&self, cache: &Cache, id: &ModuleId, file: &mut Download, progress: &OnProgress<'_>) -> Result<()> {
        let what = id.to_string();
        let request = Request { what: &what, limit: super::archive::MAX_ZIP, progress };
        self.fetch(Wanted::Zip(id), cache, &request, file)
    }

    /// A document at a URL, in memory; `what` names it in errors.
    ///
    /// # Errors
    ///
    /// No answer, or more than `limit` bytes.
    pub fn document(&self, what: &str, url: &str, limit: u64) -> Result<Vec<u8>> {
        let request = Request { what, limit, progress: &|_| {} };
        let mut bytes = Vec::new();
        match self.url(url, &request, &mut bytes) {
            Ok(()) => Ok(bytes),
            Err(Failure::Other(error)) => Err(error),
            Err(Failure::NotFound(why)) => Err(Error::environment(format!("failed to fetch {what}: {why}"))),
        }
    }

    fn url(&self, url: &str, request: &Request<'_>, sink: &mut dyn Sink) -> Result<(), Failure> {
        match source(url).map_err(Failure::Other)? {
            Source::Http(url) => self.transport.get(&url, request, sink),
            Source::Directory(path) => copy_local(&path, request, sink),
            Source::Direct | Source::Off => Err(Failure::NotFound(format!("`{url}` is no URL"))),
        }
    }

    /// Downloads a file from the first of some URLs that has it.
    ///
    /// # Errors
    ///
    /// The last URL's error when none has it.
    pub fn urls(&self, urls: &[String], file: &mut Download, progress: &OnProgress<'_>) -> Result<()> {
        let mut failure = Error::input("there is no URL to fetch the archive from");
        for text in urls {
            let request = Request { what: text.rsplit('/').next().unwrap_or(text), limit: 1 << 30, progress };
            match self.url(text, &request, file) {
                Ok(()) => return Ok(()),
                Err(Failure::Other(error)) => failure = error,
                Err(Failure::NotFound(why)) => failure = Error::environment(format!("failed to fetch {}: {why}", request.what)),
            }
        }
        Err(failure)
    }

    /// Gets a file of a module.
    fn fetch(&self, wanted: Wanted<'_>, cache: &Cache, request: &Request<'_>, sink: &mut dyn Sink) -> Result<()> {
        let name = wanted.name();
        let asked = match matches_any(&self.private, wanted.path().as_str()) {
            true => self.direct.get(wanted, &self.transport, cache, request, sink),
            false => self.try_each(|source, reasons| match source {
                Source::Direct => self.direct.get(wanted, &self.transport, cache, request, sink),
                _ => self.get(source, &name, reasons, request, sink),
            }),
        };
        asked.map_err(|failure| match failure {
            Failure::Other(error) => error,
            Failure::NotFound(why) => Error::environment(format!("failed to fetch {}: {why}", request.what))
                .help("check the path and version in go.mod, and GOPROXY"),
        })
    }

    /// Asks the proxies one after the other, as the separators between them say (`modfetch.TryProxies`). `ask` also gets the
    /// reasons of those that were asked before.
    pub(super) fn try_each<T>(&self, mut ask: impl FnMut(&Source, &[String]) -> Result<T, Failure>) -> Result<T, Failure> {
        let mut reasons: Vec<String> = Vec::new();
        let mut failure = None;
        for entry in &self.entries {
            match ask(&entry.source, &reasons) {
                Ok(answer) => return Ok(answer),
                Err(Failure::NotFound(why)) => reasons.push(why),
                Err(Failure::Other(error)) if entry.after_any_error => {
                    reasons.push(error.message().to_owned());
                    failure = Some(error);
                }
                Err(Failure::Other(error)) => return Err(Failure::Other(error)),
            }
        }
        Err(match failure {
            Some(error) if reasons.len() == 1 => Failure::Other(error),
            Some(error) => {
                let joined = Error::new(error.class(), reasons.join("; "));
                Failure::Other(match error.advice() {
                    Some(advice) => joined.help(advice),
                    None => joined,
                })
            }
            None => Failure::NotFound(reasons.join("; ")),
        })
    }

    /// Gets one file, `name` below a source.
    pub(super) fn get(
        &self,
        source: &Source,
        name: &str,
        reasons: &[String],
        request: &Request<'_>,
        sink: &mut dyn Sink,
    ) -> Result<(), Failure> {
        match source {
            Source::Directory(directory) => copy_local(&directory.join(name), request, sink),
            Source::Http(base) => self.transport.get(&below(base, name), request, sink),
            Source::Off => {
                let why = "module lookup disabled by GOPROXY=off";
                if !reasons.is_empty() {
                    return Err(Failure::NotFound(why.to_owned()));
                }
                let error = Error::environment(format!("failed to fetch {}: {why}", request.what));
                Err(Failure::Other(error.help("it is not in the cache: set GOPROXY to a module proxy")))
            }
            Source::Direct => {
                let error = Error::environment(format!("failed to fetch {}: `direct` is no module proxy", request.what));
                Err(Failure::Other(error.help("set GOPROXY to a module proxy")))
            }
        }
    }
}

/// The entries of GOPROXY (`proxyList`).
fn entries(list: &str) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut rest = list;
    while !rest.is_empty() {
        let end = rest.find([',', '|']).unwrap_or(rest.len());
        let text = rest[..end].trim();
        let after_any_error = rest[end..].starts_with('|');
        rest = rest.get(end + 1..).unwrap_or("");
        if text.is_empty() {
            continue;
        }
        let source = source(text)?;
        let last = matches!(source, Source::Direct | Source::Off);
        entries.push(Entry { source, after_any_error });
        if last {
            break;
        }
    }
    if entries.is_empty() {
        return Err(Error::input("GOPROXY list is not the empty string, but contains no entries"));
    }
    Ok(entries)
}

/// An entry of GOPROXY (`proxyList`).
fn source(text: &str) -> Result<Source> {
    match text {
        "direct" => return Ok(Source::Direct),
        "off" => return Ok(Source::Off),
        _ => {}
    }
    let bare = text.contains(['.', ':', '/']) && !text.contains(":/") && !text.starts_with('/');
    let text = if bare { format!("https://{text}") } else { text.to_owned() };
    // The text may have a password, so errors don't show it.
    let wrong =
        |why: String| Error::input(format!("malformed URL in GOPROXY: {why}")).help("write e.g. `https://host/path,direct`");
    let url = Url::parse(&text).map_err(|e| wrong(e.to_string()))?;
    match url.scheme() {
        "http" | "https" => Ok(Source::Http(url)),
        "file" => url.to_file_path().map(Source::Directory).map_err(|()| wrong("it is no path of this machine".to_owned())),
        scheme => Err(wrong(format!("its scheme {scheme} is none of http, https and file"))),
    }
}

/// A file below a proxy's URL.
pub(super) fn below(base: &Url, name: &str) -> Url {
    let mut url = base.clone();
    let path = format!("{}/{name}", base.path().trim_end_matches('/'));
    url.set_path(&path);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(list: &str) -> String {
        let show = |e: &Entry| format!("{}{}", e.source, if e.after_any_error { "|" } else { "," });
        entries(list).unwrap().iter().map(show).collect()
    }

    #[test]
    fn lists_as_go_reads_them() {
        assert_eq!(shown("a.example/x | http://b.example,,direct,c.example"), "https://a.example/x|http://b.example/,direct,");
        assert_eq!(shown("file:///a/b,off|x"), "/a/b,off|");
        let error = |list| entries(list).err().unwrap().to_string();
        assert_eq!(error(" , "), "GOPROXY list is not the empty string, but contains no entries");
        assert_eq!(
            error("ftp://user:secret@x.example"),
            "malformed URL in GOPROXY: its scheme ftp is none of http, https and file (write e.g. `https://host/path,direct`)"
        );
    }
}
