//! HTTP: one URL, one answer. The only code that opens sockets.

use std::fs::File;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Read};
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

pub(super) use reqwest::Url;
use reqwest::blocking::{Client, Response};
use reqwest::header::{self, HeaderMap};
use reqwest::redirect::Policy;

mod auth;
mod body;
mod netrc;

use self::auth::Auth;
pub(super) use self::body::Sink;
use self::body::{CopyError, copy};
use super::goenv::GoEnv;
use super::{CONNECTIONS, OnProgress};
use crate::error::{Error, Result};

/// When to give up, and when to try again.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How often a request is tried when the connection or the server fails.
    pub attempts: u32,
    /// About how long to wait before the second attempt; four times as long before each further one.
    pub retry_delay: Duration,
    /// The longest wait that a server may ask for (`Retry-After`); one that asks for more isn't asked again.
    pub patience: Duration,
    /// For a connection to be made.
    pub connect: Duration,
    /// For the answer to begin, and for each further piece of it.
    pub idle: Duration,
    /// The fewest bytes that must come in a second, on average over `idle`.
    pub slowest: u64,
    /// For a whole answer.
    pub total: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        let seconds = Duration::from_secs;
        Limits {
            attempts: 3,
            retry_delay: Duration::from_millis(500),
            patience: seconds(60),
            connect: seconds(20),
            idle: seconds(60),
            slowest: 1 << 10,
            total: seconds(60 * 60),
        }
    }
}

/// As many redirections as Go's client follows.
const MAX_REDIRECTS: usize = 10;

/// The network, as the user has set it up.
pub struct Transport {
    /// Through the proxies that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name.
    client: OnceLock<Client>,
    /// To this machine: those variables don't count for it (`golang.org/x/net/http/httpproxy`).
    local_client: OnceLock<Client>,
    /// Whoever has a host's address is believed to be it.
    insecure: bool,
    limits: Limits,
    auth: Auth,
}

/// A page that is meant for people, whatever the server's answer is.
pub(super) struct Page {
    /// Where it is, without password.
    pub url: String,
    /// The server's answer, e.g. 200.
    pub status: u16,
    /// The beginning of its text.
    pub body: String,
}

/// Why a request gave nothing.
pub(super) enum Failure {
    /// It isn't there (404, 410): the reason as one line.
    NotFound(String),
    /// Everything else.
    Other(Error),
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

/// Whether it may help to ask again, and how long the server wants to be left alone.
enum Attempt {
    Again(Failure, Option<Duration>),
    Final(Failure),
}

impl Transport {
    /// Sets up the network; nothing is sent yet.
    pub fn new(env: &GoEnv, limits: Limits) -> Transport {
        Transport { client: OnceLock::new(), local_client: OnceLock::new(), insecure: false, limits, auth: Auth::new(env) }
    }

    /// The same for the hosts of modules that GOINSECURE names.
    pub(super) fn insecure(self) -> Transport {
        Transport { insecure: true, ..self }
    }

    /// Gets a page, also one that comes with an error; of a longer one than the limit its beginning.
    ///
    /// # Errors
    ///
    /// No answer.
    pub(super) fn page(&self, url: &Url, request: &Request<'_>) -> Result<Page> {
        let (at, response) = self.follow(url, request, None).map_err(|attempt| match attempt {
            Attempt::Again(Failure::Other(error), _) | Attempt::Final(Failure::Other(error)) => error,
            Attempt::Again(Failure::NotFound(why), _) | Attempt::Final(Failure::NotFound(why)) => Error::environment(why),
        })?;
        let status = response.status().as_u16();
        let mut body = Vec::new();
        let read = response.take(request.limit).read_to_end(&mut body);
        read.map_err(|e| Fault { request, url: &at }.error(&cause(&e)))?;
        Ok(Page { url: without_credentials(url), status, body: String::from_utf8_lossy(&body).into_owned() })
    }

    /// Gets what a URL has, and repeats the request where that may help. A sink that has a part of it already gets the rest.
    ///
    /// # Errors
    ///
    /// No answer, one that isn't a success, one that is larger than the limit, and a sink that can't be written.
    pub(super) fn get(&self, url: &Url, request: &Request<'_>, sink: &mut dyn Sink) -> Result<(), Failure> {
        let mut delay = self.limits.retry_delay;
        let mut attempt = 1;
        loop {
            match self.get_once(url, request, sink) {
                Err(Attempt::Again(_, wait)) if attempt < self.limits.attempts => {
                    std::thread::sleep(wait.unwrap_or_else(|| jittered(delay)));
                    delay *= 4;
                    attempt += 1;
                }
                Err(Attempt::Again(failure, _) | Attempt::Final(failure)) => return Err(failure),
                Ok(()) => return Ok(()),
            }
        }
    }

    fn get_once(&self, url: &Url, request: &Request<'_>, sink: &mut dyn Sink) -> Result<(), Attempt> {
        // What a proxy redirects to may be another URL each time, so the first one names the content.
        let name = without_credentials(url);
        let resume = sink.resume(&name);
        let (url, response) = self.follow(url, request, resume.as_ref())?;
        let fault = Fault { request, url: &url };
        let status = response.status();
        let before = match (status.as_u16(), &resume) {
            (200, _) => 0,
            (206, Some((before, _))) if begins_at(&response, *before) => *before,
            (206 | 416, Some(_)) => {
                sink.restart(&name, None).map_err(|e| fault.last(&not_written(&e)))?;
                return Err(fault.again(&format!("{status}: it is another part than the one that was asked for")));
            }
            _ => return Err(self.refusal(&fault, response)),
        };
        if let Some(encoding) = response.headers().get(header::CONTENT_ENCODING).filter(|e| *e != "identity") {
            let encoding = String::from_utf8_lossy(encoding.as_bytes()).escape_debug().to_string();
            return Err(fault.last(&format!("the answer has Content-Encoding: {encoding}, which was not asked for")));
        }
        let total = response.content_length().map(|rest| before.saturating_add(rest));
        if total.is_some_and(|total| total > request.limit) {
            return Err(fault.last(&too_large(request.limit)));
        }
        if before == 0 {
            sink.restart(&name, validator(&response).as_deref()).map_err(|e| fault.last(&not_written(&e)))?;
        }
        copy(response, before, total, request, &self.limits, sink).map_err(|e| match e {
            CopyError::Read(e) if timed_out(&e) => fault.again(&format!("nothing came for {}", shown(self.limits.idle))),
            CopyError::Read(e) => fault.again(&cause(&e)),
            CopyError::Write(e) => fault.last(&not_written(&e)),
            CopyError::TooLarge => fault.last(&too_large(request.limit)),
            CopyError::TooSlow => {
                fault.last(&format!("less than {} bytes a second came for {}", self.limits.slowest, shown(self.limits.idle)))
            }
            CopyError::TooLong => fault.last(&format!("it was not complete after {}", shown(self.limits.total))),
        })
    }

    /// The answer that is no redirection, and its URL.
    fn follow(&self, url: &Url, request: &Request<'_>, resume: Option<&(u64, String)>) -> Result<(Url, Response), Attempt> {
        let mut at = url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let response = self.authorized(&at, request, resume)?;
            let Some(next) = redirection(&at, &response).map_err(|why| Fault { request, url: &at }.last(&why))? else {
                return Ok((at, response));
            };
            at = next;
        }
        Err(Fault { request, url }.last(&format!("stopped after {MAX_REDIRECTS} redirects")))
    }

    /// Asks one server, again if there are credentials for what it refuses (`web.get` of cmd/go).
    fn authorized(&self, url: &Url, request: &Request<'_>, resume: Option<&(u64, String)>) -> Result<Response, Attempt> {
        let malformed = |e| Attempt::Final(Failure::Other(e));
        let in_url = !url.username().is_empty() || url.password().is_some();
        if url.scheme() != "https" && in_url {
            return Err(Fault { request, url }.last("user and password are not sent without https"));
        }
        if url.scheme() != "https" || in_url {
            return self.send(url, request, resume, HeaderMap::new());
        }
        let known = self.auth.known(url).map_err(malformed)?;
        let response = self.send(url, request, resume, known.clone())?;
        if !response.status().is_client_error() {
            return Ok(response);
        }
        let found = self.auth.after_refusal(url, &head(&response)).map_err(malformed)?;
        if found == known {
            return Ok(response);
        }
        let response = self.send(url, request, resume, found)?;
        if response.status().is_success() || response.status() == 401 {
            self.auth.judge(url, response.status().is_success());
        }
        Ok(response)
    }

    fn send(
        &self,
        url: &Url,
        request: &Request<'_>,
        resume: Option<&(u64, String)>,
        credentials: HeaderMap,
    ) -> Result<Response, Attempt> {
        let client = self.client(url).map_err(|e| Attempt::Final(Failure::Other(e)))?;
        // A hash is of the bytes as they are, so the server must not compress them on the way.
        let mut sent = client.get(url.clone()).headers(credentials).header(header::ACCEPT_ENCODING, "identity");
        if let Some((before, validator)) = resume {
            sent = sent.header(header::RANGE, format!("bytes={before}-")).header(header::IF_RANGE, validator);
        }
        sent.send().map_err(|e| {
            let why = match (e.is_timeout(), e.is_connect()) {
                (true, true) => format!("no connection within {}", shown(self.limits.connect)),
                (true, false) => format!("no answer within {}", shown(self.limits.idle)),
                _ => cause(&e),
            };
            Fault { request, url }.again(&why)
        })
    }

    /// Why an answer that isn't a success gives nothing.
    fn refusal(&self, fault: &Fault<'_>, response: Response) -> Attempt {
        let status = response.status();
        let wait = response.headers().get(header::RETRY_AFTER).and_then(|v| v.to_str().ok()?.trim().parse().ok());
        let wait = wait.map(Duration::from_secs);
        let why = format!("{status}{}", explanation(response));
        match status.as_u16() {
            404 | 410 => Attempt::Final(Failure::NotFound(format!("{}: {why}", without_credentials(fault.url)))),
            401 | 403 => {
                let faults: String = self.auth.faults().iter().map(|fault| format!("; GOAUTH: {fault}")).collect();
                let advice = "user and password for the module proxy come from ~/.netrc, from what GOAUTH names, or from the \
                              URL in GOPROXY; without https they are not sent";
                Attempt::Final(Failure::Other(fault.error(&(why + &faults)).help(advice)))
            }
            429 | 500.. => match wait {
                Some(wait) if wait > self.limits.patience => {
                    fault.last(&format!("{why}; the server asks to wait for {}", shown(wait)))
                }
                wait => Attempt::Again(Failure::Other(fault.error(&why)), wait),
            },
            _ => fault.last(&why),
        }
    }

    fn client(&self, url: &Url) -> Result<&Client> {
        let local = is_local(url);
        let place = if local { &self.local_client } else { &self.client };
        if let Some(client) = place.get() {
            return Ok(client);
        }
        // Fails when another part of the process chose a provider: that one is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder()
            .user_agent(concat!("godirect/", env!("CARGO_PKG_VERSION")))
            // Credentials depend on the URL, so redirections are followed here.
            .redirect(Policy::none())
            .danger_accept_invalid_certs(self.insecure)
            .pool_max_idle_per_host(CONNECTIONS)
            .connect_timeout(self.limits.connect)
            .timeout(self.limits.idle);
        let client = if local { builder.no_proxy() } else { builder }.build();
        let client = client.map_err(|e| Error::environment(format!("failed to set up the network client: {}", cause(&e))))?;
        Ok(place.get_or_init(|| client))
    }
}

/// What is to be said of a failure.
struct Fault<'a> {
    request: &'a Request<'a>,
    url: &'a Url,
}

impl Fault<'_> {
    fn error(&self, why: &str) -> Error {
        Error::environment(format!("failed to fetch {}: {}: {why}", self.request.what, without_credentials(self.url)))
            .help("check the network, GOPROXY and HTTPS_PROXY; what is in the cache needs no network")
    }

    fn again(&self, why: &str) -> Attempt {
        Attempt::Again(Failure::Other(self.error(why)), None)
    }

    fn last(&self, why: &str) -> Attempt {
        Attempt::Final(Failure::Other(self.error(why)))
    }
}

/// Reads a file as if it were an answer.
pub(super) fn copy_local(path: &Path, request: &Request<'_>, sink: &mut dyn Sink) -> Result<(), Failure> {
    let failed =
        |why: &str| Failure::Other(Error::environment(format!("failed to fetch {}: {}: {why}", request.what, path.display())));
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return Err(Failure::NotFound(format!("{}: no such file", path.display())));
        }
        Err(e) => return Err(failed(&e.to_string())),
    };
    sink.restart("", None).map_err(|e| failed(&not_written(&e)))?;
    let total = file.metadata().ok().map(|m| m.len());
    copy(file, 0, total, request, &Limits::default(), sink).map_err(|e| match e {
        CopyError::Read(e) => failed(&e.to_string()),
        CopyError::Write(e) => failed(&not_written(&e)),
        CopyError::TooLarge => failed(&too_large(request.limit)),
        CopyError::TooSlow | CopyError::TooLong => failed("it takes too long to read"),
    })
}

/// Between half of a time and the whole of it, so that clients that failed together don't come back together.
fn jittered(time: Duration) -> Duration {
    let random = std::hash::RandomState::new().build_hasher().finish();
    time.mul_f64(0.5 + 0.5 * (random as f64 / u64::MAX as f64))
}

/// Where an answer sends the client instead.
fn redirection(from: &Url, response: &Response) -> Result<Option<Url>, String> {
    let location = response.headers().get(header::LOCATION);
    let (301 | 302 | 303 | 307 | 308, Some(location)) = (response.status().as_u16(), location) else { return Ok(None) };
    let location = String::from_utf8_lossy(location.as_bytes());
    let mut to = from.join(&location).map_err(|e| format!("redirected to a malformed URL: {e}"))?;
    match (from.scheme(), to.scheme()) {
        ("https", "https") | ("http", "http" | "https") => {}
        ("https", "http") => return Err(format!("redirected to the insecure URL {}", without_credentials(&to))),
        (_, scheme) => return Err(format!("redirected to a URL with the scheme {}", scheme.escape_debug())),
    }
    // What GOPROXY has for a server goes to no other one.
    let has_own = !to.username().is_empty() || to.password().is_some();
    if !has_own && to.origin() == from.origin() {
        let _ = to.set_username(from.username());
        let _ = to.set_password(from.password());
    }
    Ok(Some(to))
}

/// Whether a URL is of this machine.
fn is_local(url: &Url) -> bool {
    let host = url.host_str().unwrap_or("").trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// What a server calls this content; weak names are for more than one (RFC 9110, section 13.1.5).
fn validator(response: &Response) -> Option<String> {
    let line = |name| response.headers().get(name)?.to_str().ok().map(str::to_owned);
    let tag = line(header::ETAG).filter(|tag| !tag.starts_with("W/"));
    tag.or_else(|| line(header::LAST_MODIFIED)).filter(|_| response.status() == 200)
}

/// Whether a part of a content begins where it should (RFC 9110, section 14.4).
fn begins_at(response: &Response, before: u64) -> bool {
    let range = response.headers().get(header::CONTENT_RANGE).and_then(|v| v.to_str().ok());
    range.and_then(|range| range.strip_prefix("bytes ")?.split_once('-')).is_some_and(|(begin, _)| begin.parse() == Ok(before))
}

/// The head of an answer as GOAUTH's programs read it: Go's spelling of names.
fn head(response: &Response) -> String {
    let mut text = format!("{:?} {}\n", response.version(), response.status());
    // Go's client keeps what concerns the connection to itself.
    let of_content = |name: &&header::HeaderName| ![header::CONNECTION, header::TRANSFER_ENCODING].contains(name);
    for name in response.headers().keys().filter(of_content) {
        let capital = |part: &str| part[..1].to_ascii_uppercase() + &part[1..];
        let spelling: Vec<String> =
            name.as_str().split('-').map(|part| if part.is_empty() { String::new() } else { capital(part) }).collect();
        let values: Vec<_> =
            response.headers().get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        text += &format!("{}: {}\n", spelling.join("-"), values.join(", "));
    }
    text + "\n"
}

fn too_large(limit: u64) -> String {
    format!("the file is larger than {limit} bytes")
}

fn not_written(error: &io::Error) -> String {
    format!("failed to write to the cache: {error}")
}

/// A time as people read it.
fn shown(time: Duration) -> String {
    if time.as_secs() == 0 { format!("{} ms", time.as_millis()) } else { format!("{} s", time.as_secs()) }
}

fn timed_out(error: &io::Error) -> bool {
    error.get_ref().and_then(|e| e.downcast_ref::<reqwest::Error>()).is_some_and(reqwest::Error::is_timeout)
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
