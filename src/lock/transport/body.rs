//! What a server sends, into a file or into memory, within limits.

use std::io::{self, Read, Write};
use std::time::Instant;

use super::{Limits, Request};
use crate::lock::Progress;

/// Where an answer goes.
pub(in crate::lock) trait Sink: Write {
    /// Empties it for the content of a URL; `validator` is what the server calls this content.
    fn restart(&mut self, url: &str, validator: Option<&str>) -> io::Result<()>;

    /// How many bytes it has of a URL's content already, and what the server called that content.
    fn resume(&self, _url: &str) -> Option<(u64, String)> {
        None
    }
}

impl Sink for Vec<u8> {
    fn restart(&mut self, _: &str, _: Option<&str>) -> io::Result<()> {
        self.clear();
        Ok(())
    }
}

/// Why a body isn't copied.
pub(super) enum CopyError {
    Read(io::Error),
    Write(io::Error),
    TooLarge,
    /// Fewer bytes came than are worth waiting for.
    TooSlow,
    /// It isn't complete after the time that it may take.
    TooLong,
}

/// Copies a body of which `before` bytes are there already, and which ends at `total`.
pub(super) fn copy(
    mut from: impl Read,
    before: u64,
    total: Option<u64>,
    request: &Request<'_>,
    limits: &Limits,
    sink: &mut dyn Sink,
) -> Result<(), CopyError> {
    let mut buffer = vec![0; 64 << 10];
    let mut bytes = before;
    let begin = Instant::now();
    let (mut window, mut in_window) = (begin, 0);
    loop {
        let count = from.read(&mut buffer).map_err(CopyError::Read)?;
        bytes += count as u64;
        in_window += count as u64;
        if bytes > request.limit {
            return Err(CopyError::TooLarge);
        }
        sink.write_all(&buffer[..count]).map_err(CopyError::Write)?;
        (request.progress)(Progress { what: request.what, bytes, total, done: count == 0 });
        if count == 0 {
            return Ok(());
        }
        if begin.elapsed() > limits.total {
            return Err(CopyError::TooLong);
        }
        let passed = window.elapsed();
        if passed >= limits.idle {
            if (in_window as f64) < limits.slowest as f64 * passed.as_secs_f64() {
                return Err(CopyError::TooSlow);
            }
            (window, in_window) = (Instant::now(), 0);
        }
    }
}
