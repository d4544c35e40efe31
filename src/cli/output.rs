//! How results are shown: aligned columns for people, JSON for programs.

use std::io::Write;

use serde::Serialize;

use crate::error::{Error, Result};

/// The version of all JSON output.
pub const JSON_VERSION: u32 = 1;

/// Prints one line: a word of up to eight letters, then text.
pub fn line(word: &str, text: impl std::fmt::Display) {
    let style = anstyle::Style::new().bold();
    // For people, who see that it is missing: the work itself is done.
    let _ = writeln!(anstream::stdout(), "{style}{word:<8}{style:#} {text}");
}

/// Prints a result that something else reads, as it is.
pub fn text(text: impl AsRef<str>) -> Result<()> {
    let mut out = std::io::stdout().lock();
    written(out.write_all(text.as_ref().as_bytes()).and_then(|()| out.flush()))
}

/// What became of a result. That the reader went away is its own decision.
pub fn written(written: std::io::Result<()>) -> Result<()> {
    match written {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::environment(format!("failed to write to standard output: {e}")))
        }
        _ => Ok(()),
    }
}

/// Prints a value as JSON.
pub fn json(value: &impl Serialize) -> Result<()> {
    text(as_json(value)?)
}

/// A value as the text of a JSON file.
pub fn as_json(value: &impl Serialize) -> Result<String> {
    let json = serde_json::to_string_pretty(value).map_err(|e| Error::environment(format!("failed to write JSON: {e}")))?;
    Ok(json + "\n")
}

/// Bytes as people read them.
pub fn size(bytes: u64) -> String {
    indicatif::HumanBytes(bytes).to_string()
}

/// A duration as people read it: `12 ms`, `8.1 s`.
pub fn duration(duration: std::time::Duration) -> String {
    match duration.as_millis() {
        ms if ms < 1000 => format!("{ms} ms"),
        _ => format!("{:.1} s", duration.as_secs_f64()),
    }
}

/// `1 entry`, `2 entries`.
pub fn entries(number: usize) -> String {
    if number == 1 { "1 entry".to_owned() } else { format!("{number} entries") }
}

/// `1 module`, `2 modules`.
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
