//! Credentials, as GOAUTH says (`go help goauth`; `cmd/go/internal/auth`): for https only, and for those URLs only that a way to
//! get them names.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use super::netrc;
use crate::error::{Error, Result};
use crate::lock::goenv::GoEnv;

/// What GOAUTH names, and what it gave so far.
pub(super) struct Auth {
    goauth: String,
    netrc: Option<PathBuf>,
    state: Mutex<State>,
}

/// One thread at a time asks, so that nobody is prompted twice.
#[derive(Default)]
struct State {
    /// In the order in which they run: the last first, so that what the first gives replaces it.
    ways: Option<Vec<Way>>,
    /// Header lines by prefix of a URL without `https://`.
    known: BTreeMap<String, HeaderMap>,
    /// What `git credential fill` gave, by prefix, until it is told whether that was right.
    filled: BTreeMap<String, (PathBuf, String)>,
    /// Why ways gave nothing.
    faults: Vec<String>,
}

/// A way to get credentials.
#[derive(Clone)]
enum Way {
    Netrc,
    /// `git credential`, in this directory.
    Git(PathBuf),
    Program(Vec<String>),
}

impl Auth {
    pub fn new(env: &GoEnv) -> Auth {
        Auth { goauth: env.goauth.clone(), netrc: env.netrc.clone(), state: Mutex::default() }
    }

    /// The header lines for a URL that are known without asking for it.
    ///
    /// # Errors
    ///
    /// A malformed GOAUTH.
    pub fn known(&self, url: &Url) -> Result<HeaderMap> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.ways.is_none() {
            state.ways = Some(ways(&self.goauth)?);
            self.run(&mut state, None);
        }
        Ok(state.find(url))
    }

    /// The header lines for a URL that was refused; `answer` is the head of the refusal.
    ///
    /// # Errors
    ///
    /// A malformed GOAUTH.
    pub fn after_refusal(&self, url: &Url, answer: &str) -> Result<HeaderMap> {
        self.known(url)?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.faults.clear();
        self.run(&mut state, Some((url, answer)));
        Ok(state.find(url))
    }

    /// Tells `git credential` whether what it gave for a URL was right.
    pub fn judge(&self, url: &Url, right: bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(prefix) = prefixes(url).find(|prefix| state.filled.contains_key(*prefix)).map(str::to_owned) else { return };
        if let Some((directory, filled)) = state.filled.remove(&prefix) {
            let verb = if right { "approve" } else { "reject" };
            let mut git = Command::new("git");
            git.args(["credential", verb]).current_dir(directory);
            // It only concerns git's own memory.
            let _ = run(git, &filled);
        }
    }

    /// Why no credentials came, without what programs wrote, which may be secret.
    pub fn faults(&self) -> Vec<String> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).faults.clone()
    }

    fn run(&self, state: &mut State, refused: Option<(&Url, &str)>) {
        for way in state.ways.clone().unwrap_or_default() {
            let given = match (&way, refused) {
                (Way::Netrc, _) => self.netrc_entries(),
                // It can't be asked for everything that it has.
                (Way::Git(_), None) => Ok(Vec::new()),
                (Way::Git(directory), Some((url, _))) => fill(directory, url).map(|(prefix, headers, filled)| {
                    state.filled.insert(bare(&prefix).to_owned(), (directory.clone(), filled));
                    vec![(prefix, headers)]
                }),
                (Way::Program(words), _) => ask_program(words, refused),
            };
            match given {
                Ok(given) => given.into_iter().for_each(|(prefix, headers)| state.store(&prefix, headers)),
                Err(why) => state.faults.push(format!("{}: {why}", way.name())),
            }
        }
    }

    /// The first entry of a machine is stored last, in place of those after it.
    fn netrc_entries(&self) -> Result<Vec<(String, HeaderMap)>, String> {
        let Some(path) = &self.netrc else { return Ok(Vec::new()) };
        let text = match std::fs::read(path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(format!("failed to read {}: {e}", path.display())),
        };
        Ok(netrc::parse(&text).into_iter().rev().map(|l| (l.machine.to_owned(), basic(l.login, l.password))).collect())
    }
}

impl State {
    fn find(&self, url: &Url) -> HeaderMap {
        prefixes(url).find_map(|prefix| self.known.get(prefix)).cloned().unwrap_or_default()
    }

    /// No header lines mean that there are no credentials any more.
    fn store(&mut self, prefix: &str, headers: HeaderMap) {
        let prefix = bare(prefix).to_owned();
        if headers.is_empty() {
            self.known.remove(&prefix);
        } else {
            self.known.insert(prefix, headers);
        }
    }
}

impl Way {
    fn name(&self) -> String {
        match self {
            Way::Netrc => "netrc".to_owned(),
            Way::Git(_) => "git credential".to_owned(),
            Way::Program(words) => words[0].clone(),
        }
    }
}

/// A URL's prefixes as credentials have them: `host/a/b`, `host/a`, `host`.
fn prefixes(url: &Url) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(bare(url.as_str())), |prefix| prefix.rsplit_once('/').map(|(parent, _)| parent))
}

fn bare(url: &str) -> &str {
    let url = url.strip_prefix("https://").unwrap_or(url);
    url.strip_suffix('/').unwrap_or(url)
}

/// The ways that GOAUTH names.
fn ways(goauth: &str) -> Result<Vec<Way>> {
    // A command may have a secret among its arguments, so errors don't show it.
    let wrong = |why: &str| Error::input(format!("malformed GOAUTH: {why}")).help("`go help goauth` has the syntax");
    let commands: Vec<&str> = goauth.split(';').collect();
    let mut ways = Vec::new();
    for command in commands.iter().rev() {
        let words: Vec<&str> = command.split_whitespace().collect();
        match words.as_slice() {
            [] => return Err(wrong("it has an empty command")),
            ["off", ..] if commands.len() == 1 => {}
            ["off", ..] => return Err(wrong("`off` cannot be combined with other commands")),
            ["netrc", ..] => ways.push(Way::Netrc),
            ["git", directory] if PathBuf::from(directory).is_absolute() => {
                if !PathBuf::from(directory).is_dir() {
                    return Err(wrong(&format!("there is no directory {directory}")));
                }
                ways.push(Way::Git(PathBuf::from(directory)));
            }
            ["git", ..] => return Err(wrong("`git` needs the absolute path of a directory")),
            _ => ways.push(Way::Program(quoted_words(command).ok_or_else(|| wrong("a quotation has no end"))?)),
        }
    }
    Ok(ways)
}

/// Words, each perhaps as a whole in quotes of either kind (`cmd/internal/quoted`).
fn quoted_words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (word, after) = match first {
            '"' | '\'' => rest[1..].split_once(first)?,
            _ => rest.split_at(rest.find([' ', '\t', '\n', '\r']).unwrap_or(rest.len())),
        };
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    Some(words)
}

fn basic(login: &str, password: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    // Base64 has no character that a header line can't have.
    if let Ok(mut value) = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(format!("{login}:{password}")))) {
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    headers
}

/// Runs a program of the user's, with what it prints.
fn run(mut command: Command, input: &str) -> Result<String, String> {
    let stdin = if input.is_empty() { Stdio::null() } else { Stdio::piped() };
    let started = command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = started.map_err(|e| format!("failed to run it: {e}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that doesn't read it need not.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map_err(|e| format!("failed to run it: {e}"))?;
    if !output.status.success() {
        return Err(output.status.to_string());
    }
    String::from_utf8(output.stdout).map_err(|_| "its output is not UTF-8 text".to_owned())
}

/// Asks a program that GOAUTH names: for all that it has, or for a URL that was refused, with the refusal on its standard input.
fn ask_program(words: &[String], refused: Option<(&Url, &str)>) -> Result<Vec<(String, HeaderMap)>, String> {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).args(refused.map(|(url, _)| url.as_str()));
    let output = run(command, refused.map_or("", |(_, answer)| answer))?;
    given(&output).map_err(|why| format!("its output has {why}"))
}

/// What a program says: lines of URLs, an empty line, header lines for them, an empty line, and so on.
fn given(output: &str) -> Result<Vec<(String, HeaderMap)>, &'static str> {
    let mut found = Vec::new();
    let mut rest = output;
    while !rest.is_empty() {
        let urls = paragraph(&mut rest).ok_or("no empty line after URLs")?;
        if urls.iter().any(|url| Url::parse(url).is_err()) {
            return Err("something else than a URL");
        }
        let mut headers = HeaderMap::new();
        for line in paragraph(&mut rest).ok_or("no empty line after header lines")? {
            let (name, value) = line.split_once(": ").ok_or("a malformed header line")?;
            let name = HeaderName::try_from(name).map_err(|_| "a malformed header line")?;
            let mut value = HeaderValue::try_from(value.trim()).map_err(|_| "a malformed header line")?;
            value.set_sensitive(true);
            headers.append(name, value);
        }
        found.extend(urls.into_iter().map(|url| (url.to_owned(), headers.clone())));
    }
    Ok(found)
}

/// Takes the lines up to an empty one, which must be there.
fn paragraph<'a>(rest: &mut &'a str) -> Option<Vec<&'a str>> {
    let mut lines = Vec::new();
    loop {
        let (line, after) = rest.split_once('\n')?;
        *rest = after;
        if line.is_empty() {
            return Some(lines);
        }
        lines.push(line);
    }
}

/// Asks `git credential fill` for a URL: the prefix that its answer is for, the header line, and the answer (gitcredentials(7)).
fn fill(directory: &PathBuf, url: &Url) -> Result<(String, HeaderMap, String), String> {
    let mut git = Command::new("git");
    git.args(["credential", "fill"]).current_dir(directory);
    let output = run(git, &format!("url={url}\n"))?;
    let value = |key: &str| {
        let mut values = output.lines().filter_map(|line| line.trim().split_once('=')).filter(|(k, _)| *k == key);
        values.next_back().map_or("", |(_, value)| value)
    };
    let path = if value("path").is_empty() { String::new() } else { format!("/{}", value("path").trim_start_matches('/')) };
    let prefix = format!("{}://{}{path}", value("protocol"), value("host"));
    if !url.as_str().starts_with(&prefix) {
        return Err("it answered for another URL".to_owned());
    }
    let headers = basic(value("username"), value("password"));
    Ok((prefix, headers, output))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_may_be_quoted() {
        let words = |text| quoted_words(text);
        assert_eq!(words(" a  'b c' \"d'\"e x\"y z\"\t").unwrap(), ["a", "b c", "d'", "e", "x\"y", "z\""]);
        assert_eq!(words("a 'b"), None);
    }

    #[test]
    fn output_of_programs() {
        let text = "https://a.example\nhttps://b.example/x\n\nAuthorization: Basic x\nX-Token:  y \n\nhttps://c.example\n\n\n";
        let found = given(text).unwrap();
        let shown: Vec<String> = found.iter().map(|(url, headers)| format!("{url} {}", headers.len())).collect();
        assert_eq!(shown, ["https://a.example 2", "https://b.example/x 2", "https://c.example 0"]);
        assert_eq!(found[1].1["x-token"], "y");
        for (text, why) in [
            ("https://a.example", "no empty line after URLs"),
            ("https://a.example\n\nA: b\n", "no empty line after header lines"),
            ("a.example\n\nA: b\n\n", "something else than a URL"),
            ("https://a.example\n\nA:b\n\n", "a malformed header line"),
            ("https://a.example\n\nA b: c\n\n", "a malformed header line"),
            ("https://a.example\n\nA: b\u{7}\n\n", "a malformed header line"),
        ] {
            assert_eq!(given(text).err(), Some(why), "{text:?}");
        }
    }
}
