//! An HTTP server on a port of its own, which answers as a test says and remembers what it was asked.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A request: the target of its first line, and its header lines with lower-case names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
}

impl Seen {
    /// The value of a header line; empty when there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }
}

pub struct Loopback {
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Loopback {
    /// `answer` gets the request, how many there were before it, and the connection, which is closed afterwards.
    pub fn start(answer: impl Fn(&Seen, usize, &mut dyn Write) -> io::Result<()> + Send + Sync + 'static) -> Loopback {
        Loopback::serve(move |mut stream, note| {
            let request = read(stream.try_clone()?)?;
            let before = note(&request);
            answer(&request, before, &mut stream)
        })
    }

    /// `connection` notes the requests that it reads, and is told how many there were before each.
    pub fn serve(
        connection: impl Fn(TcpStream, &dyn Fn(&Seen) -> usize) -> io::Result<()> + Send + Sync + 'static,
    ) -> Loopback {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (all, connection) = (seen.clone(), Arc::new(connection));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (all, connection) = (all.clone(), connection.clone());
                let note = move |request: &Seen| {
                    let mut all = all.lock().unwrap();
                    all.push(request.clone());
                    all.len() - 1
                };
                // The client may go away in the middle.
                std::thread::spawn(move || drop(connection(stream, &note)));
            }
        });
        Loopback { url, seen }
    }

    /// All requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

/// Reads the head of a request.
pub fn read(from: impl io::Read) -> io::Result<Seen> {
    let mut lines = BufReader::new(from).lines();
    let first = lines.next().ok_or(io::ErrorKind::UnexpectedEof)??;
    let mut words = first.split(' ').map(str::to_owned);
    let (Some(method), Some(target)) = (words.next(), words.next()) else { return Err(io::ErrorKind::InvalidData.into()) };
    let mut headers = Vec::new();
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    Ok(Seen { method, target, headers })
}

/// A whole answer; `headers` are lines with their ends.
pub fn answer(out: &mut dyn Write, status: &str, headers: &str, body: &[u8]) -> io::Result<()> {
    write!(out, "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
    out.write_all(body)
}
