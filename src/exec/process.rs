//! Runs one step of an action.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{archive, buildid, children};
use crate::error::{Class, Error, Result};
use crate::plan::{Step, token};

/// How many lines of a long-running program's output an error has.
const SHOWN_LINES: usize = 20;

/// How tools say that the disk is full (`ENOSPC`): it says nothing about what they were to do.
const NO_SPACE: &str = "no space left on device";

/// How many percent the linker's heap may grow before it looks for garbage (`GOGC` of package `runtime`), of which it has little until it
/// ends: with Go's 100, that takes a tenth of its time; with this, it has 3 % more memory.
const GOGC_OF_LINKER: &str = "400";

/// How a tool ended, and what it said.
pub(super) enum Ended {
    /// It succeeded.
    Well(String),
    /// It failed.
    Badly(String),
}

/// Runs `step`; `lookup` gives the paths of tokens, `scratch` is for temporary files.
pub(super) fn run(
    step: &Step,
    env: &BTreeMap<String, String>,
    scratch: &Path,
    lookup: &impl Fn(&str) -> Option<String>,
) -> Result<Ended> {
    let fill = |text: &str| token::substitute(text, lookup);
    let path = |text: &str| fill(text).map(PathBuf::from);
    match step {
        Step::Write { write, text } => {
            let file = path(write)?;
            std::fs::write(&file, fill(text)?).map_err(|e| Error::io("write", &file, &e))?;
        }
        Step::Copy { copy, to } => {
            let (from, to) = (path(copy)?, path(to)?);
            let content = std::fs::read(&from).map_err(|e| Error::io("read", &from, &e))?;
            std::fs::write(&to, content).map_err(|e| Error::io("write", &to, &e))?;
        }
        Step::Identify { identify, archive, dir, files } => {
            let parts = archive.iter().map(|part| path(part)).collect::<Result<Vec<_>>>()?;
            let files = files.iter().map(|file| fill(file)).collect::<Result<Vec<_>>>()?;
            buildid::identify(&path(identify)?, &parts, &path(dir)?, &files)?;
        }
        Step::BuildId { buildid, of } => {
            let version = |tool: &str| {
                let argv = [fill(&format!("{}/{tool}", token::TOOL))?, "-V=full".to_owned()];
                match execute(&argv, scratch, env, scratch)? {
                    Ended::Well(text) => Ok(text.trim().to_owned()),
                    Ended::Badly(text) => Err(Error::environment(format!("{tool} doesn't say its version: {text}"))),
                }
            };
            buildid::compute(&path(buildid)?, of, lookup, &version)?;
        }
        Step::Settle { settle, buildid } => buildid::settle(&path(settle)?, &path(buildid)?)?,
        Step::Pack { pack, add } => {
            let members = add.iter().map(|member| path(member)).collect::<Result<Vec<_>>>()?;
            archive::append(&path(pack)?, &members)?;
        }
        Step::Run { run, dir } => {
            let argv = run.iter().map(|argument| fill(argument)).collect::<Result<Vec<_>>>()?;
            return execute(&argv, &path(dir)?, env, scratch);
        }
        Step::Try { attempt, dir, then, otherwise } => {
            let argv = attempt.iter().map(|argument| fill(argument)).collect::<Result<Vec<_>>>()?;
            let next = match execute(&argv, &path(dir)?, env, scratch)? {
                Ended::Well(_) => then,
                // Its messages would only confuse: it may fail.
                Ended::Badly(_) => otherwise,
            };
            let mut messages = String::new();
            for step in next {
                match run(step, env, scratch, lookup)? {
                    Ended::Well(text) => messages += &text,
                    Ended::Badly(text) => return Ok(Ended::Badly(messages + &text)),
                }
            }
            return Ok(Ended::Well(messages));
        }
    }
    Ok(Ended::Well(String::new()))
}

/// What a program printed.
pub struct Output {
    /// Whether it succeeded.
    pub success: bool,
    /// Its standard output.
    pub stdout: String,
    /// Its messages.
    pub stderr: String,
}

impl From<std::process::Output> for Output {
    fn from(output: std::process::Output) -> Output {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Output { success: output.status.success(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }
}

impl Output {
    /// All that it printed.
    pub fn text(&self) -> String {
        [self.stdout.as_str(), &self.stderr].concat()
    }
}

/// Runs a program for what it prints, with this environment and no other.
///
/// # Errors
///
/// When it can't be started.
pub fn output<A: AsRef<OsStr>>(program: &Path, arguments: &[A], dir: &Path, env: &BTreeMap<String, String>) -> Result<Output> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(dir).env_clear().envs(env).env("PWD", dir).stdin(Stdio::null());
    command.output().map(Output::from).map_err(|e| Error::io("run", program, &e))
}

/// Runs one of the machine's programs, in this process's environment, with something to read.
///
/// # Errors
///
/// When it can't be started, or doesn't take what it is given.
pub fn feed<A: AsRef<OsStr>>(program: &Path, arguments: &[A], input: &[u8]) -> Result<Output> {
    let failed = |e: std::io::Error| Error::io("run", program, &e);
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(failed)?;
    let mut stdin = child.stdin.take();
    let output = std::thread::scope(|scope| {
        // What it writes must be read meanwhile. If it ends before it has read all, it says why.
        scope.spawn(move || stdin.as_mut().map(|stdin| stdin.write_all(input)));
        child.wait_with_output()
    });
    output.map(Output::from).map_err(failed)
}

/// Runs a program that takes long: `watcher` is told each line that it prints. What it printed last is part of the error.
///
/// # Errors
///
/// When it can't be started, or fails.
pub fn watch(argv: &[String], dir: &Path, env: &BTreeMap<String, String>, watcher: &dyn Fn(&str)) -> Result<()> {
    let (program, arguments) = argv.split_first().ok_or_else(|| Error::input("there is no program to run"))?;
    let failed = |e: std::io::Error| Error::io("run", Path::new(program), &e);
    // One pipe for both, so that messages stay in order and neither can fill up unread.
    let (reader, writer) = std::io::pipe().map_err(failed)?;
    let mut command = Command::new(program);
    command.args(arguments).current_dir(dir).env_clear().envs(env).stdin(Stdio::null());
    command.stdout(writer.try_clone().map_err(failed)?).stderr(writer);
    let mut child = command.spawn().map_err(failed)?;
    // Its copies of the writing end would keep the pipe open.
    drop(command);
    let mut last = VecDeque::with_capacity(SHOWN_LINES);
    for line in BufReader::new(reader).split(b'\n') {
        let line = String::from_utf8_lossy(&line.map_err(failed)?).into_owned();
        watcher(&line);
        if last.len() == SHOWN_LINES {
            last.pop_front();
        }
        last.push_back(line);
    }
    let status = child.wait().map_err(failed)?;
    if status.success() {
        return Ok(());
    }
    let name = Path::new(program).file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let text = Vec::from(last).join("\n");
    Err(Error::new(Class::Negative, format!("{name} failed with {status}\n{text}")))
}

/// Assemblers and C compilers name files relative to the directory where they run, which people don't know.
fn named_from_root(text: &str, dir: &Path) -> String {
    let line = |line: &str| {
        let included = ["In file included from ", "                 from "].into_iter().find(|start| line.starts_with(start));
        let (start, rest) = line.split_at(included.map_or(0, str::len));
        let rest = rest.strip_prefix("./").unwrap_or(rest);
        match rest.split_once(':').is_some_and(|(file, _)| !file.is_empty() && dir.join(file).is_file()) {
            true => format!("{start}{}", dir.join(rest).display()),
            false => line.to_owned(),
        }
    };
    text.lines().map(|text| line(text) + "\n").collect()
}

/// Runs a program with nothing inherited but standard handles that are empty.
fn execute(argv: &[String], dir: &Path, env: &BTreeMap<String, String>, scratch: &Path) -> Result<Ended> {
    let (program, arguments) = argv.split_first().ok_or_else(|| Error::input("the plan has an empty command"))?;
    let mut command = Command::new(program);
    command.args(arguments).current_dir(dir).env_clear().envs(env).env("PWD", dir).env("TMPDIR", scratch);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let tool = Path::new(program).file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    if tool == "link" {
        command.env("GOGC", GOGC_OF_LINKER);
    }
    let output = children::run(&mut command).map_err(|e| Error::io("run", Path::new(program), &e))?;
    let mut text = named_from_root(&String::from_utf8_lossy(&[output.stdout, output.stderr].concat()), dir);
    if output.status.success() {
        return Ok(Ended::Well(text));
    }
    if text.contains(NO_SPACE) {
        return Err(Error::environment(format!("{tool} failed: {NO_SPACE}")));
    }
    // A tool that says why it fails needs no more words; one that the system has ended says nothing.
    if text.is_empty() || output.status.code().is_none() {
        text += &format!("{tool}: {}\n", output.status);
    }
    Ok(Ended::Badly(text))
}
