//! Hosts with `go-import` pages and git repositories, on a loopback port that is an HTTP proxy to them.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

/// Pages and files by host and path, with their status.
pub type Pages = BTreeMap<String, (u16, Vec<u8>)>;

/// The proxy. It has no TLS: what asks for it is refused.
pub struct Hosts {
    pub proxy: String,
}

/// What a client sends.
struct Request {
    method: String,
    host: String,
    path: String,
    query: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Hosts {
    /// Each host has these repositories below `/repos/`; those of `private.example` are for `user` with the password `secret`.
    pub fn start(pages: Pages, repos: PathBuf) -> Hosts {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new((pages, repos));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = shared.clone();
                // The client may go away in the middle.
                std::thread::spawn(move || drop(answer(stream, &shared.0, &shared.1)));
            }
        });
        Hosts { proxy }
    }
}

fn read(stream: &TcpStream) -> std::io::Result<Request> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let mut body = Vec::new();
    if let Some(length) = headers.get("content-length") {
        body.resize(length.parse().unwrap(), 0);
        reader.read_exact(&mut body)?;
    } else if headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked") {
        loop {
            let mut size = String::new();
            reader.read_line(&mut size)?;
            let size = usize::from_str_radix(size.trim(), 16).unwrap();
            let mut chunk = vec![0; size + 2];
            reader.read_exact(&mut chunk)?;
            body.extend_from_slice(&chunk[..size]);
            if size == 0 {
                break;
            }
        }
    }
    let target = words.get(1).cloned().unwrap_or_default();
    let target = target.strip_prefix("http://").unwrap_or(&target);
    let (host, rest) = target.split_once('/').unwrap_or((target, ""));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let method = words.first().cloned().unwrap_or_default();
    Ok(Request { method, host: host.to_owned(), path: path.to_owned(), query: query.to_owned(), headers, body })
}

fn answer(mut stream: TcpStream, pages: &Pages, repos: &Path) -> std::io::Result<()> {
    let request = read(&stream)?;
    let (head, body) = respond(&request, pages, repos);
    write!(stream, "HTTP/1.1 {head}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    stream.write_all(&body)
}

fn respond(request: &Request, pages: &Pages, repos: &Path) -> (String, Vec<u8>) {
    if request.method == "CONNECT" {
        return ("502 no TLS\r\n".to_owned(), Vec::new());
    }
    if let Some(path) = request.path.strip_prefix("repos/").filter(|_| request.query != "go-get=1") {
        let authorized = request.headers.get("authorization").is_some_and(|value| value == "Basic dXNlcjpzZWNyZXQ=");
        if request.host == "private.example" && !authorized {
            return ("401 who are you\r\nWWW-Authenticate: Basic realm=\"r\"\r\n".to_owned(), Vec::new());
        }
        return git_http_backend(request, path, repos);
    }
    match pages.get(format!("{}/{}", request.host, request.path).trim_end_matches('/')) {
        Some((status, body)) => (format!("{status} x\r\n"), body.clone()),
        None => ("404 x\r\n".to_owned(), b"nothing here".to_vec()),
    }
}

/// Runs git's own server by the rules of CGI (RFC 3875).
fn git_http_backend(request: &Request, path: &str, repos: &Path) -> (String, Vec<u8>) {
    let header = |name: &str| request.headers.get(name).cloned().unwrap_or_default();
    let mut command = Command::new("git");
    command
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", repos)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", format!("/{path}"));
    command
        .env("QUERY_STRING", &request.query)
        .env("REQUEST_METHOD", &request.method)
        .env("CONTENT_TYPE", header("content-type"));
    command.env("CONTENT_LENGTH", request.body.len().to_string()).env("GIT_PROTOCOL", header("git-protocol"));
    command.env("HTTP_CONTENT_ENCODING", header("content-encoding")).env("REMOTE_ADDR", "127.0.0.1");
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_COUNT", "1");
    command.env("GIT_CONFIG_KEY_0", "safe.directory").env("GIT_CONFIG_VALUE_0", "*");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let body = request.body.clone();
    let writer = std::thread::spawn(move || drop(stdin.write_all(&body)));
    let mut out = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut out).unwrap();
    writer.join().unwrap();
    child.wait().unwrap();
    let end = out.windows(4).position(|window| window == b"\r\n\r\n").expect("a CGI header") + 2;
    let head = String::from_utf8_lossy(&out[..end]).into_owned();
    let status = head.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK").to_owned();
    (format!("{status}\r\n{head}"), out[end + 2..].to_vec())
}
