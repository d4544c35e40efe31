//! What a test program prints, as the events of `go test -json` (`cmd/internal/test2json`).

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use serde::Serialize;

/// Lines that say what happens may be this long.
const LINE: usize = 4096;
/// Longer lines of output are given in pieces.
const OUTPUT: usize = 1024;

/// Begins a line that says what happens, and isn't the test's own output.
const FRAMING: u8 = 0x16;
/// Begins what a test gives as an error.
const ERROR_BEGIN: u8 = 0x0f;
/// Ends it.
const ERROR_END: u8 = 0x0e;
/// The next byte is none of these.
const ESCAPE: u8 = 0x1b;

/// An event.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Event {
    /// When it was noticed, in RFC 3339.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub time: String,
    /// `start`, `run`, `pause`, `cont`, `pass`, `bench`, `fail`, `skip`, `output`, `attr`, `artifacts`.
    pub action: String,
    /// The import path of what is tested.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub package: String,
    /// The test; none for events of the whole package.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub test: String,
    /// How long it took, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elapsed: Option<f64>,
    /// What was printed; the outputs of all events are all that was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// `frame`, `error`, `error-continue`; none for what else a test prints.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub output_type: &'static str,
    /// What couldn't be built.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub failed_build: String,
    /// An attribute.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// Its value.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// A directory with artifacts.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
}

/// Takes what a test program prints and gives events.
pub struct Converter<'s> {
    package: String,
    sink: &'s (dyn Fn(&Event) + Sync),
    start: Instant,
    /// The test that output is of.
    test: String,
    /// Results of tests that may be followed by those of subtests.
    reports: Vec<Event>,
    result: &'static str,
    input: Lines,
    output: Lines,
    /// Whether framing has its mark.
    marks_framing: bool,
    /// Whether errors have theirs: test programs of Go 1.27 and later.
    marks_errors: bool,
    in_error: bool,
    escaped: bool,
    /// What couldn't be built.
    failed_build: String,
}

impl<'s> Converter<'s> {
    /// Begins with the event `start`; `marks_errors` for programs that are built with Go 1.27 or later.
    pub fn new(package: &str, marks_errors: bool, sink: &'s (dyn Fn(&Event) + Sync)) -> Converter<'s> {
        let converter = Converter {
            package: package.to_owned(),
            sink,
            start: Instant::now(),
            test: String::new(),
            reports: Vec::new(),
            result: "",
            input: Lines::new(LINE, marks_errors),
            output: Lines::new(OUTPUT, marks_errors),
            marks_framing: false,
            marks_errors,
            in_error: false,
            escaped: false,
            failed_build: String::new(),
        };
        converter.event(action("start"));
        converter
    }

    /// Takes what was printed.
    pub fn write(&mut self, bytes: &[u8]) {
        for piece in self.input.feed(bytes) {
            self.piece(piece);
        }
    }

    /// Ends with the event of the whole package; `failed_build` is what couldn't be built.
    pub fn finish(mut self, passed: bool, failed_build: &str) {
        if !passed {
            self.result = "fail";
            self.failed_build = failed_build.to_owned();
        } else if self.result != "skip" {
            self.result = "pass";
        }
        if let Some(rest) = self.input.rest() {
            self.print(&rest, false);
        }
        self.flush_output();
        let elapsed = (self.start.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
        let failed_build = std::mem::take(&mut self.failed_build);
        self.event(Event { elapsed: Some(elapsed), failed_build, ..action(self.result) });
    }

    fn piece(&mut self, piece: Piece) {
        match piece {
            Piece::Part(bytes) => self.print(&bytes, false),
            Piece::Line(line) => self.line(&line),
        }
    }

    fn event(&self, event: Event) {
        let test = if event.test.is_empty() { self.test.clone() } else { event.test };
        (self.sink)(&Event { time: now(), package: self.package.clone(), test, ..event });
    }

    /// Takes a line.
    fn line(&mut self, whole: &[u8]) {
        let is_marked = whole.first() == Some(&FRAMING);
        if self.marks_framing && !is_marked {
            return self.print(whole, false);
        }
        if is_marked {
            self.flush_output();
        }
        let mut line = if is_marked { &whole[1..] } else { whole };
        // A test without a name may have lost its spaces.
        if without_end(line) == b"=== NAME" {
            line = b"=== NAME  \n";
        }
        let trimmed = without_end(line);
        if trimmed == b"PASS" || trimmed == b"FAIL" || trimmed.starts_with(b"FAIL\t") {
            self.flush_reports(0);
            self.marks_framing = is_marked;
            self.print(line, true);
            self.result = if trimmed == b"PASS" { "pass" } else { "fail" };
            return;
        }
        if line.starts_with(b"?   \t") && trimmed.ends_with(b"\t[no test files]") && self.reports.is_empty() {
            self.result = "skip";
        }
        if UPDATES.iter().any(|update| line.starts_with(update.as_bytes())) {
            return self.update(line, is_marked);
        }
        let mut rest = line;
        let mut depth = 0;
        while let Some(inner) = rest.strip_prefix(b"    ") {
            (rest, depth) = (inner, depth + 1);
        }
        if REPORTS.iter().any(|report| rest.starts_with(report.as_bytes())) {
            return self.report(rest, line, depth, is_marked);
        }
        // The indentation tells of which test above it is.
        if depth > 0
            && let Some(report) = self.reports.get(depth - 1)
        {
            self.test = report.test.clone();
        }
        self.print(line, false);
    }

    /// A test begins, pauses or goes on.
    fn update(&mut self, line: &[u8], is_marked: bool) {
        let text = String::from_utf8_lossy(&line["=== ".len()..]);
        let (word, name) = text.split_once(' ').unwrap_or((&text, ""));
        let word = word.trim_end_matches(':').to_lowercase();
        let (mut name, mut event) = (name.trim(), action(&word));
        if let Some((test, rest)) = name.split_once(' ').filter(|_| word == "artifacts" || word == "attr") {
            name = test;
            match word.as_str() {
                "attr" => {
                    let (key, value) = rest.split_once(' ').unwrap_or((rest, ""));
                    (event.key, event.value) = (key.to_owned(), value.to_owned());
                }
                _ => event.path = rest.to_owned(),
            }
        }
        self.marks_framing = is_marked;
        self.flush_reports(0);
        self.test = name.to_owned();
        if word == "name" {
            return;
        }
        if word == "pause" {
            self.print(line, true);
        }
        self.event(event);
        if word != "pause" {
            self.print(line, true);
        }
    }

    /// A test ends: `--- PASS: TestX (0.00s)`.
    fn report(&mut self, report: &[u8], line: &[u8], depth: usize, is_marked: bool) {
        let text = String::from_utf8_lossy(&report["--- ".len()..]);
        let (word, name) = text.split_once(' ').unwrap_or((&text, ""));
        let mut event = action(&word.trim_end_matches(':').to_lowercase());
        let mut name = name.trim();
        if let Some((test, time)) = name.split_once(" (") {
            event.elapsed = time.strip_suffix("s)").and_then(|seconds| seconds.parse().ok());
            name = test;
        }
        if self.reports.len() < depth {
            return self.print(line, false);
        }
        self.marks_framing = is_marked;
        self.flush_reports(depth);
        name.clone_into(&mut event.test);
        name.clone_into(&mut self.test);
        self.reports.push(event);
        self.print(line, true);
    }

    fn flush_reports(&mut self, depth: usize) {
        self.test.clear();
        while self.reports.len() > depth {
            if let Some(report) = self.reports.pop() {
                self.event(report);
            }
        }
    }

    fn flush_output(&mut self) {
        if let Some(rest) = self.output.rest() {
            self.output_event(rest, false);
        }
    }

    fn print(&mut self, bytes: &[u8], is_framing: bool) {
        for piece in self.output.feed(bytes) {
            let (Piece::Line(bytes) | Piece::Part(bytes)) = piece;
            self.output_event(bytes, is_framing);
        }
    }

    /// Gives what was printed, errors on their own.
    fn output_event(&mut self, bytes: Vec<u8>, is_framing: bool) {
        let mut kind = match is_framing {
            true => "frame",
            false if self.in_error => "error-continue",
            false => "",
        };
        let mut text = Vec::new();
        let mut bytes = bytes.into_iter().peekable();
        while let Some(byte) = bytes.next() {
            if std::mem::take(&mut self.escaped) || !self.marks_errors {
                text.push(byte);
                continue;
            }
            match byte {
                ESCAPE => self.escaped = true,
                ERROR_BEGIN => {
                    self.give(&mut text, kind);
                    (self.in_error, kind) = (true, "error");
                }
                ERROR_END => {
                    text.extend(bytes.next_if_eq(&b'\n'));
                    self.give(&mut text, kind);
                    (self.in_error, kind) = (false, "");
                }
                byte => text.push(byte),
            }
        }
        self.give(&mut text, kind);
    }

    fn give(&self, text: &mut Vec<u8>, output_type: &'static str) {
        if !text.is_empty() {
            let output = Some(String::from_utf8_lossy(&std::mem::take(text)).into_owned());
            self.event(Event { output, output_type, ..action("output") });
        }
    }
}

fn action(action: &str) -> Event {
    Event { action: action.to_owned(), ..Event::default() }
}

const UPDATES: [&str; 9] = [
    "=== RUN   ",
    "=== PAUSE ",
    "=== CONT  ",
    "=== NAME  ",
    "=== PASS  ",
    "=== FAIL  ",
    "=== SKIP  ",
    "=== ATTR  ",
    "=== ARTIFACTS ",
];

const REPORTS: [&str; 4] = ["--- PASS: ", "--- FAIL: ", "--- SKIP: ", "--- BENCH: "];

fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    line.unwrap_or_default()
}

/// A line with its end, or a part of a line that is too long.
enum Piece {
    Line(Vec<u8>),
    Part(Vec<u8>),
}

/// Splits what comes in pieces of any length.
struct Lines {
    buffer: Vec<u8>,
    limit: usize,
    /// Whether a part of the line has been given.
    in_line: bool,
    has_escapes: bool,
}

impl Lines {
    fn new(limit: usize, has_escapes: bool) -> Lines {
        Lines { buffer: Vec::new(), limit, in_line: false, has_escapes }
    }

    fn feed(&mut self, mut bytes: &[u8]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(self.limit - self.buffer.len()));
            self.buffer.extend(now);
            bytes = later;
            let mut start = 0;
            while start < self.buffer.len() {
                let Some(end) = self.end_of_line(start) else {
                    start += self.benchmark_name(start, &mut pieces);
                    break;
                };
                let line = self.buffer[start..end].to_vec();
                pieces.push(if std::mem::take(&mut self.in_line) { Piece::Part(line) } else { Piece::Line(line) });
                start = end;
            }
            if start == 0 && self.buffer.len() == self.limit {
                start = whole_characters(&self.buffer);
                pieces.push(Piece::Part(self.buffer[..start].to_vec()));
                self.in_line = true;
            }
            self.buffer.drain(..start);
        }
        pieces
    }

    /// The name of a benchmark is given before the benchmark has run.
    fn benchmark_name(&mut self, start: usize, pieces: &mut Vec<Piece>) -> usize {
        let rest = &self.buffer[start..];
        let Some(tab) = memchr::memchr(b'\t', rest).filter(|_| !self.in_line) else { return 0 };
        let name = std::str::from_utf8(&rest[..tab]).ok().and_then(|name| name.trim_end_matches(' ').strip_prefix("Benchmark"));
        if name.is_none_or(|rest| rest.starts_with(char::is_lowercase)) {
            return 0;
        }
        pieces.push(Piece::Part(rest[..=tab].to_vec()));
        self.in_line = true;
        tab + 1
    }

    /// Where the line that begins at `start` ends: behind a line feed, or before a mark.
    fn end_of_line(&self, start: usize) -> Option<usize> {
        let mut escaped = false;
        for (at, &byte) in self.buffer.iter().enumerate().skip(start) {
            if byte == b'\n' {
                return Some(at + 1);
            }
            if std::mem::take(&mut escaped) {
                continue;
            }
            if byte == ESCAPE && self.has_escapes {
                escaped = true;
            } else if byte == FRAMING && at > start {
                return Some(at);
            }
        }
        None
    }

    fn rest(&mut self) -> Option<Vec<u8>> {
        (!self.buffer.is_empty()).then(|| std::mem::take(&mut self.buffer))
    }
}

/// The length without a character of which the end is missing.
fn whole_characters(bytes: &[u8]) -> usize {
    for back in 1..=3.min(bytes.len()) {
        let byte = bytes[bytes.len() - back];
        let length = match byte {
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf7 => 4,
            0x80..=0xbf => continue,
            _ => 1,
        };
        return if length > back { bytes.len() - back } else { bytes.len() };
    }
    bytes.len()
}

/// The time in UTC with nanoseconds, in RFC 3339.
fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, seconds) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, second, nanos) = (seconds / 3600, seconds / 60 % 60, seconds % 60, since.subsec_nanos());
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{nanos:09}Z")
}

/// Year, month and day of a number of days since 1970 (Hinnant, "chrono-Compatible Low-Level Date Algorithms").
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_civil() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(20_785), (2026, 11, 28));
    }
}
