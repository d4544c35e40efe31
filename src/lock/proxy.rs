//! The GOPROXY client (<https://go.dev/ref/mod#goproxy-protocol>; `cmd/go/internal/modfetch/proxy.go`).

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::Url;
use reqwest::blocking::{Client, Response};

use super::goenv::{GoEnv, Netrc, matches_prefix};
use super::{OnProgress, Progress};
use crate::error::{Error, Result};
use crate::module::ModuleId;
use crate::module::escape::escape;
use crate::name::ModulePath;

/// What Go uses when nobody sets GOPROXY.
const DEFAULT: &str = "https://proxy.golang.org,direct";
/// The most bytes of a list of versions.
const MAX_LIST: u64 = 16 << 20;
/// How often a request is tried when the connection or the server fails.
const ATTEMPTS: u32 = 3;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// For the answer to begin, and for each further piece of it.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// The module proxies, as GOPROXY and GONOPROXY say.
pub struct Proxy {
    entries: Vec<Entry>,
    /// Glob patterns of modules that must not be asked of a proxy.
    private: Vec<String>,
    client: OnceLock<Client>,
    /// Before the second attempt; four times as long before each further one.
    retry_delay: Duration,
    netrc: Netrc,
}

#[derive(Debug)]
struct Entry {
    source: Source,
    /// Whether the next entry is tried after any error, or (false) only after 404 and 410.
    after_any_error: bool,
}

#[derive(Debug)]
enum Source {
    Http(Url),
    Directory(PathBuf),
    Direct,
    Off,
}

/// Why a request gave nothing.
enum Failure {
    /// It isn't there (404, 410): the reason as one line.
    NotFound(String),
    Other(Error),
}

/// Where an answer goes; emptied before another attempt.
trait Sink: Write {
    fn restart(&mut self) -> io::Result<()>;
}

impl Sink for Vec<u8> {
    fn restart(&mut self) -> io::Result<()> {
        self.clear();
        Ok(())
    }
}

impl Sink for File {
    fn restart(&mut self) -> io::Result<()> {
        self.rewind()?;
        self.set_len(0)
    }
}

/// A request as people see it.
struct Request<'a> {
    what: &'a str,
    limit: u64,
    progress: &'a OnProgress<'a>,
}

impl Proxy {
    /// The proxies that GOPROXY, GONOPROXY and GOPRIVATE name, in the environment or in the file of `go env -w`, with the
    /// passwords of netrc.
    ///
    /// # Errors
    ///
    /// A malformed GOPROXY.
    pub fn from_env() -> Result<Proxy> {
        let settings = GoEnv::read();
        let list = settings.get("GOPROXY").unwrap_or_else(|| DEFAULT.to_owned());
        let private = settings.get("GONOPROXY").or_else(|| settings.get("GOPRIVATE")).unwrap_or_default();
        Ok(Proxy { netrc: Netrc::read(), ..Proxy::new(&list, &private)? })
    }

    /// The proxies of a list in the syntax of GOPROXY, and of a list of patterns in the syntax of GONOPROXY.
    ///
    /// # Errors
    ///
    /// A malformed list.
    pub fn new(list: &str, private: &str) -> Result<Proxy> {
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
        let private = private.split(',').map(str::trim).filter(|p| !p.is_empty()).map(str::to_owned).collect();
        Ok(Proxy {
            entries,
            private,
            client: OnceLock::new(),
            retry_delay: Duration::from_millis(500),
            netrc: Netrc::default(),
        })
    }

    /// Sets the time before a failed request is repeated.
    pub fn with_retry_delay(self, retry_delay: Duration) -> Proxy {
        Proxy { retry_delay, ..self }
    }

    /// Sets the passwords, in the syntax of netrc; by default there are none but those in URLs.
    pub fn with_netrc(self, text: &str) -> Proxy {
        Proxy { netrc: Netrc::parse(text), ..self }
    }

    /// The versions of a module that the proxy knows, in no order.
    ///
    /// # Errors
    ///
    /// When no proxy answers.
    pub fn list(&self, path: &ModulePath) -> Result<Vec<String>> {
        let request = Request { what: path.as_str(), limit: MAX_LIST, progress: &|_| {} };
        let mut bytes = Vec::new();
        self.fetch(path, "list", &request, &mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        Ok(text.lines().filter_map(|l| l.split_whitespace().next()).map(str::to_owned).collect())
    }

    /// A module's go.mod.
    ///
    /// # Errors
    ///
    /// When no proxy has it, or it is larger than Go allows.
    pub fn go_mod(&self, id: &ModuleId) -> Result<Vec<u8>> {
        let what = format!("{id}/go.mod");
        let request = Request { what: &what, limit: super::archive::MAX_GO_MOD, progress: &|_| {} };
        let mut bytes = Vec::new();
        self.fetch(&id.path, &format!("{}.mod", escape(id.version.as_str())), &request, &mut bytes)?;
        Ok(bytes)
    }

    /// Downloads a module's zip into an empty file.
    ///
    /// # Errors
    ///
    /// When no proxy has it, or it is larger than Go allows.
    pub fn zip(&self, id: &ModuleId, file: &mut File, progress: &OnProgress<'_>) -> Result<()> {
        let what = id.to_string();
        let request = Request { what: &what, limit: super::archive::MAX_ZIP, progress };
        self.fetch(&id.path, &format!("{}.zip", escape(id.version.as_str())), &request, file)
    }

    /// Downloads a file from the first of some URLs that has it.
    ///
    /// # Errors
    ///
    /// The last URL's error when none has it.
    pub fn urls(&self, urls: &[String], file: &mut File, progress: &OnProgress<'_>) -> Result<()> {
        let mut failure = Error::input("there is no URL to fetch the archive from");
        for text in urls {
            let request = Request { what: text.rsplit('/').next().unwrap_or(text), limit: 1 << 30, progress };
            let tried = source(text).map_err(Failure::Other).and_then(|source| self.get(&source, None, &request, file));
            match tried {
                Ok(()) => return Ok(()),
                Err(Failure::Other(error)) => failure = error,
                Err(Failure::NotFound(why)) => failure = Error::environment(format!("failed to fetch {}: {why}", request.what)),
            }
        }
        Err(failure)
    }

    /// Asks the proxies one after the other, as the separators between them say.
    fn fetch(&self, path: &ModulePath, file: &str, request: &Request<'_>, sink: &mut dyn Sink) -> Result<()> {
        if self.private.iter().any(|pattern| matches_prefix(pattern, path.as_str())) {
            return Err(needs_version_control(request.what, "GONOPROXY or GOPRIVATE keeps it from the module proxy"));
        }
        let name = format!("{}/@v/{file}", escape(path.as_str()));
        let mut reasons: Vec<String> = Vec::new();
        let mut failure = None;
        for entry in &self.entries {
            match &entry.source {
                Source::Off if reasons.is_empty() => {
                    let message = format!("failed to fetch {}: module lookup disabled by GOPROXY=off", request.what);
                    return Err(Error::environment(message).help("it is not in the cache: set GOPROXY to a module proxy"));
                }
                Source::Off => break,
                Source::Direct => {
                    let why = match reasons.is_empty() {
                        true => "GOPROXY=direct asks for it".to_owned(),
                        false => format!("the module proxy has it not ({}), and what is left is `direct`", reasons.join("; ")),
                    };
                    return Err(needs_version_control(request.what, &why));
                }
                source => match self.get(source, Some(&name), request, sink) {
                    Ok(()) => return Ok(()),
                    Err(Failure::NotFound(why)) => reasons.push(why),
                    Err(Failure::Other(error)) if entry.after_any_error => {
                        reasons.push(error.message().to_owned());
                        failure = Some(error);
                    }
                    Err(Failure::Other(error)) => return Err(error),
                },
            }
        }
        Err(match failure {
            Some(error) if reasons.len() == 1 => error,
            _ => Error::environment(format!("failed to fetch {}: {}", request.what, reasons.join("; ")))
                .help("check the path and version in go.mod, and GOPROXY"),
        })
    }

    /// Gets one file, `name` below the source (or the source itself), with repetitions.
    fn get(&self, source: &Source, name: Option<&str>, request: &Request<'_>, sink: &mut dyn Sink) -> Result<(), Failure> {
        match source {
            Source::Directory(directory) => copy_local(directory, name, request, sink),
            Source::Http(base) => {
                let url = match name {
                    Some(name) => below(base, name).map_err(Failure::Other)?,
                    None => base.clone(),
                };
                let mut delay = self.retry_delay;
                for attempt in 1.. {
                    match self.get_once(&url, request, sink) {
                        Err(Attempt::Again(_)) if attempt < ATTEMPTS => {
                            std::thread::sleep(delay);
                            delay *= 4;
                        }
                        Err(Attempt::Again(failure) | Attempt::Final(failure)) => return Err(failure),
                        Ok(()) => return Ok(()),
                    }
                }
                Ok(())
            }
            Source::Direct | Source::Off => {
                Err(Failure::Other(needs_version_control(request.what, "its URL is `direct` or `off`")))
            }
        }
    }

    fn get_once(&self, url: &Url, request: &Request<'_>, sink: &mut dyn Sink) -> Result<(), Attempt> {
        let failed = |why: &str| {
            Error::environment(format!("failed to fetch {}: {}: {why}", request.what, without_credentials(url)))
                .help("check the network, GOPROXY and HTTPS_PROXY; what is in the cache needs no network")
        };
        let again = |why: &str| Attempt::Again(Failure::Other(failed(why)));
        let last = |why: &str| Attempt::Final(Failure::Other(failed(why)));
        let client = self.client().map_err(|e| Attempt::Final(Failure::Other(e)))?;
        let mut sent = client.get(url.clone());
        if url.username().is_empty()
            && let Some((login, password)) = url.host_str().and_then(|host| self.netrc.get(host))
        {
            sent = sent.basic_auth(login, Some(password));
        }
        let response = sent.send().map_err(|e| again(&cause(&e)))?;
        let status = response.status();
        if matches!(status.as_u16(), 404 | 410) {
            let why = format!("{}: {}{}", without_credentials(url), status, explanation(response));
            return Err(Attempt::Final(Failure::NotFound(why)));
        }
        if !status.is_success() {
            let why = format!("{status}{}", explanation(response));
            if matches!(status.as_u16(), 401 | 403) {
                let error =
                    Error::environment(format!("failed to fetch {}: {}: {why}", request.what, without_credentials(url)));
                let advice = "put user and password for the module proxy into ~/.netrc, or into the URL in GOPROXY";
                return Err(Attempt::Final(Failure::Other(error.help(advice))));
            }
            let temporary = status.is_server_error() || status.as_u16() == 429;
            return Err(if temporary { again(&why) } else { last(&why) });
        }
        let total = response.content_length();
        if total.is_some_and(|total| total > request.limit) {
            return Err(last(&too_large(request.limit)));
        }
        sink.restart().map_err(|e| last(&format!("failed to write to the cache: {e}")))?;
        copy(response, total, request, sink).map_err(|e| match e {
            CopyError::Read(e) => again(&cause(&e)),
            CopyError::Write(e) => last(&format!("failed to write to the cache: {e}")),
            CopyError::TooLarge => last(&too_large(request.limit)),
        })
    }

    fn client(&self) -> Result<&Client> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        // Fails when another part of the process chose a provider: that one is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .user_agent(concat!("godirect/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(READ_TIMEOUT)
            .build()
            .map_err(|e| Error::environment(format!("failed to set up the network client: {}", cause(&e))))?;
        Ok(self.client.get_or_init(|| client))
    }
}

/// Whether it may help to ask again.
enum Attempt {
    Again(Failure),
    Final(Failure),
}

enum CopyError {
    Read(io::Error),
    Write(io::Error),
    TooLarge,
}

fn too_large(limit: u64) -> String {
    format!("the file is larger than {limit} bytes")
}

fn copy(mut from: impl Read, total: Option<u64>, request: &Request<'_>, sink: &mut dyn Sink) -> Result<(), CopyError> {
    let mut buffer = vec![0; 64 << 10];
    let mut bytes: u64 = 0;
    loop {
        let count = from.read(&mut buffer).map_err(CopyError::Read)?;
        bytes += count as u64;
        if bytes > request.limit {
            return Err(CopyError::TooLarge);
        }
        sink.write_all(&buffer[..count]).map_err(CopyError::Write)?;
        (request.progress)(Progress { what: request.what, bytes, total, done: count == 0 });
        if count == 0 {
            return Ok(());
        }
    }
}

fn copy_local(directory: &Path, name: Option<&str>, request: &Request<'_>, sink: &mut dyn Sink) -> Result<(), Failure> {
    let path = name.map_or_else(|| directory.to_owned(), |name| directory.join(name));
    let failed = |e: &io::Error| {
        Failure::Other(Error::environment(format!("failed to fetch {}: {}: {e}", request.what, path.display())))
    };
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return Err(Failure::NotFound(format!("{}: no such file", path.display())));
        }
        Err(e) => return Err(failed(&e)),
    };
    sink.restart().map_err(|e| failed(&e))?;
    let total = file.metadata().ok().map(|m| m.len());
    copy(file, total, request, sink).map_err(|e| match e {
        CopyError::Read(e) | CopyError::Write(e) => failed(&e),
        CopyError::TooLarge => failed(&io::Error::other(too_large(request.limit))),
    })
}

fn needs_version_control(what: &str, why: &str) -> Error {
    Error::environment(format!("failed to fetch {what}: {why}: godirect does not fetch from version control"))
        .help("use a module proxy that has the module, or `replace` it by a local directory")
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

fn below(base: &Url, name: &str) -> Result<Url> {
    let mut url = base.clone();
    let path = format!("{}/{name}", base.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url)
}

/// A URL as errors show it.
fn without_credentials(url: &Url) -> String {
    let mut url = url.clone();
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.to_string()
}

/// The innermost cause: those around it only repeat that the request failed.
fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = error;
    let mut next = innermost.source();
    // An io::Error hides the error that it holds from `source`.
    loop {
        if let Some(inner) = innermost.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            innermost = inner;
            next = innermost.source();
        } else if let Some(source) = next {
            innermost = source;
            next = innermost.source();
        } else {
            return innermost.to_string();
        }
    }
}

/// The first line that a server gives as a reason, after a colon.
fn explanation(response: Response) -> String {
    let mut text = Vec::new();
    let _ = response.take(1000).read_to_end(&mut text);
    let text = String::from_utf8_lossy(&text);
    let line: String = text.lines().next().unwrap_or("").trim().chars().take(200).collect();
    let is_text = !line.is_empty() && !line.starts_with('<') && !line.contains(|c: char| c.is_control() || c == '\u{fffd}');
    if is_text { format!(": {line}") } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(list: &str) -> String {
        let proxy = Proxy::new(list, "").unwrap();
        let show = |e: &Entry| {
            let name = match &e.source {
                Source::Http(url) => url.to_string(),
                Source::Directory(path) => path.display().to_string(),
                Source::Direct => "direct".to_owned(),
                Source::Off => "off".to_owned(),
            };
            format!("{name}{}", if e.after_any_error { "|" } else { "," })
        };
        proxy.entries.iter().map(show).collect()
    }

    #[test]
    fn lists_as_go_reads_them() {
        assert_eq!(shown("a.example/x | http://b.example,,direct,c.example"), "https://a.example/x|http://b.example/,direct,");
        assert_eq!(shown("file:///a/b,off|x"), "/a/b,off|");
        let error = |list| Proxy::new(list, "").err().unwrap().to_string();
        assert_eq!(error(" , "), "GOPROXY list is not the empty string, but contains no entries");
        assert_eq!(
            error("ftp://user:secret@x.example"),
            "malformed URL in GOPROXY: its scheme ftp is none of http, https and file (write e.g. `https://host/path,direct`)"
        );
    }
}
