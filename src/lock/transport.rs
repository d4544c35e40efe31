//! HTTP: one URL, one answer. The only code that opens sockets.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

pub(super) use reqwest::Url;
use reqwest::blocking::{Client, Response};

use super::goenv::GoEnv;
use super::netrc::Netrc;
use super::{OnProgress, Progress};
use crate::error::{Error, Result};

/// When to give up, and when to try again.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How often a request is tried when the connection or the server fails.
    pub attempts: u32,
    /// Before the second attempt; four times as long before each further one.
    pub retry_delay: Duration,
    /// For a connection to be made.
    pub connect: Duration,
    /// For the answer to begin, and for each further piece of it.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        let seconds = Duration::from_secs;
        Limits { attempts: 3, retry_delay: Duration::from_millis(500), connect: seconds(20), idle: seconds(60) }
    }
}

/// The network, as the user has set it up.
pub struct Transport {
    client: OnceLock<Client>,
    limits: Limits,
    netrc: Netrc,
}

/// Why a request gave nothing.
pub(super) enum Failure {
    /// It isn't there (404, 410): the reason as one line.
    NotFound(String),
    /// Everything else.
    Other(Error),
}

/// Where an answer goes; emptied before another attempt.
pub(super) trait Sink: Write {
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
pub(super) struct Request<'a> {
    /// What is fetched, e.g. `github.com/fatih/color@v1.18.0`.
    pub what: &'a str,
    /// The most bytes that the answer may have.
    pub limit: u64,
    /// Is told how far it is.
    pub progress: &'a OnProgress<'a>,
}

impl Transport {
    /// Sets up the network; nothing is sent yet.
    pub fn new(env: &GoEnv, limits: Limits) -> Transport {
        let netrc = env.netrc.as_ref().and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        Transport { client: OnceLock::new(), limits, netrc: Netrc::parse(&netrc) }
    }

    /// Gets what a URL has, and repeats the request where that may help.
    ///
    /// # Errors
    ///
    /// No answer, one that isn't a success, one that is larger than the limit, and a sink that can't be written.
    pub(super) fn get(&self, url: &Url, request: &Request<'_>, sink: &mut dyn Sink) -> Result<(), Failure> {
        let mut delay = self.limits.retry_delay;
        for attempt in 1.. {
            match self.get_once(url, request, sink) {
                Err(Attempt::Again(_)) if attempt < self.limits.attempts => {
                    std::thread::sleep(delay);
                    delay *= 4;
                }
                Err(Attempt::Again(failure) | Attempt::Final(failure)) => return Err(failure),
                Ok(()) => return Ok(()),
            }
        }
        Ok(())
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
            .connect_timeout(self.limits.connect)
            .timeout(self.limits.idle)
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

/// Reads a file as if it were an answer.
pub(super) fn copy_local(path: &Path, request: &Request<'_>, sink: &mut dyn Sink) -> Result<(), Failure> {
    let failed = |e: &io::Error| {
        Failure::Other(Error::environment(format!("failed to fetch {}: {}: {e}", request.what, path.display())))
    };
    let file = match File::open(path) {
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

/// A URL as errors show it.
pub(super) fn without_credentials(url: &Url) -> String {
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
