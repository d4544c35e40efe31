//! A module proxy on the loopback interface: the files of a directory, over connections that stay open.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// It counts requests, and ends with the process.
pub struct Server {
    pub url: String,
    requests: Arc<AtomicUsize>,
}

impl Server {
    pub fn start(directory: PathBuf) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a port"));
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = requests.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (counter, directory) = (counter.clone(), directory.clone());
                // A client may go away in the middle.
                std::thread::spawn(move || drop(answer(stream, &counter, &directory)));
            }
        });
        Server { url, requests }
    }

    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

/// Answers requests until the client closes the connection.
fn answer(mut stream: TcpStream, counter: &AtomicUsize, directory: &Path) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    while let Some(first) = lines.next() {
        let first = first?;
        while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
        counter.fetch_add(1, Ordering::SeqCst);
        // Go escapes the mark of upper-case letters.
        let name = first.split(' ').nth(1).unwrap_or("").trim_start_matches('/').replace("%21", "!");
        match File::open(directory.join(name)).and_then(|file| Ok((file.metadata()?, file))) {
            Ok((metadata, mut file)) if metadata.is_file() => {
                stream.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", metadata.len()).as_bytes())?;
                io::copy(&mut file, &mut stream)?;
            }
            _ => stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 10\r\n\r\nnot found\n")?,
        }
    }
    Ok(())
}
