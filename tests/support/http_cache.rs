//! A remote cache of the plainest kind that Bazel knows: what is PUT to a path, GET finds there.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

type Blobs = Arc<Mutex<HashMap<String, Arc<Vec<u8>>>>>;

/// Starts a cache in memory, on a port of its own; gives its URL.
pub fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let blobs = Blobs::default();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let blobs = blobs.clone();
            // A client may go away in the middle.
            std::thread::spawn(move || drop(serve(stream, &blobs)));
        }
    });
    url
}

/// Answers the requests of a connection, one after the other.
fn serve(stream: TcpStream, blobs: &Blobs) -> io::Result<()> {
    let (mut requests, mut answers) = (BufReader::new(stream.try_clone()?), stream);
    while let Some((method, path, length)) = head(&mut requests)? {
        let mut body = vec![0; length];
        requests.read_exact(&mut body)?;
        let found = match method.as_str() {
            "PUT" => {
                blobs.lock().unwrap().insert(path, Arc::new(body));
                Some(Arc::default())
            }
            _ => blobs.lock().unwrap().get(&path).cloned(),
        };
        let status = if found.is_some() { "200 OK" } else { "404 Not Found" };
        let content = found.unwrap_or_default();
        write!(answers, "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", content.len())?;
        answers.write_all(&content)?;
    }
    Ok(())
}

/// The method, the path and the length of the body of the next request.
fn head(requests: &mut impl BufRead) -> io::Result<Option<(String, String, usize)>> {
    let (mut first, mut length) = (String::new(), 0);
    if requests.read_line(&mut first)? == 0 {
        return Ok(None);
    }
    loop {
        let mut line = String::new();
        requests.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().map_err(|_| io::ErrorKind::InvalidData)?;
        }
    }
    let mut words = first.split(' ').map(str::to_owned);
    let (Some(method), Some(path)) = (words.next(), words.next()) else { return Err(io::ErrorKind::InvalidData.into()) };
    Ok(Some((method, path, length)))
}
