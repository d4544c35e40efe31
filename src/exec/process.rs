//! Runs one step of an action.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{archive, buildid};
use crate::error::{Class, Error, Result};
use crate::plan::{Step, token};

/// How many lines of a long-running program's output an error has.
const SHOWN_LINES: usize = 20;

/// Runs `step`; `lookup` gives the paths of tokens, `scratch` is for temporary files.
pub(super) fn run(
    step: &Step,
    env: &BTreeMap<String, String>,
    scratch: &Path,
    lookup: &impl Fn(&str) -> Option<String>,
) -> Result<()> {
    let fill = |text: &str| token::substitute(text, lookup);
    let path = |text: &str| fill(text).map(PathBuf::from);
    match step {
        Step::Write { write, text } => {
            let file = path(write)?;
            std::fs::write(&file, fill(text)?).map_err(|e| Error::io("write", &file, &e))
        }
        Step::Copy { copy, to } => {
            let (from, to) = (path(copy)?, path(to)?);
            let content = std::fs::read(&from).map_err(|e| Error::io("read", &from, &e))?;
            std::fs::write(&to, content).map_err(|e| Error::io("write", &to, &e))
        }
        Step::Identify { identify, archive, dir, files } => {
            let parts = archive.iter().map(|part| path(part)).collect::<Result<Vec<_>>>()?;
            let files = files.iter().map(|file| fill(file)).collect::<Result<Vec<_>>>()?;
            buildid::identify(&path(identify)?, &parts, &path(dir)?, &files)
        }
        Step::BuildId { buildid, of } => {
            let version = |tool: &str| {
                let output =
                    execute(&[fill(&format!("{}/{tool}", token::TOOL))?, "-V=full".to_owned()], scratch, env, scratch)?;
                Ok(output.trim().to_owned())
            };
            buildid::compute(&path(buildid)?, of, lookup, &version)
        }
        Step::Settle { settle, buildid } => buildid::settle(&path(settle)?, &path(buildid)?),
        Step::Pack { pack, add } => {
            let members = add.iter().map(|member| path(member)).collect::<Result<Vec<_>>>()?;
            archive::append(&path(pack)?, &members)
        }
        Step::Run { run, dir } => {
            let argv = run.iter().map(|argument| fill(argument)).collect::<Result<Vec<_>>>()?;
            execute(&argv, &path(dir)?, env, scratch).map(|_| ())
        }
    }
}

/// Runs a program that takes long: `watcher` is told each line that it prints. What it printed last is part of the error.
pub(super) fn watch(argv: &[String], dir: &Path, env: &BTreeMap<String, String>, watcher: &dyn Fn(&str)) -> Result<()> {
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

/// The assembler names files relative to the directory where it runs, which people don't know.
fn named_from_root(text: &str, dir: &Path) -> String {
    let line = |line: &str| match line.strip_prefix("./") {
        Some(file) => dir.join(file).display().to_string(),
        None => line.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Runs a program with nothing inherited but standard handles that are empty; gives what it prints.
fn execute(argv: &[String], dir: &Path, env: &BTreeMap<String, String>, scratch: &Path) -> Result<String> {
    let (program, arguments) = argv.split_first().ok_or_else(|| Error::input("the plan has an empty command"))?;
    let output = Command::new(program)
        .args(arguments)
        .current_dir(dir)
        .env_clear()
        .envs(env)
        .env("PWD", dir)
        .env("TMPDIR", scratch)
        .stdin(Stdio::null())
        .output()
        .map_err(|e| Error::io("run", Path::new(program), &e))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let tool = Path::new(program).file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let text = [output.stdout, output.stderr].concat();
    let text = named_from_root(&String::from_utf8_lossy(&text), dir);
    // Tools name files by their full path; people know them relative to where they stand.
    let here = std::env::current_dir().map(|d| format!("{}/", d.display())).unwrap_or_default();
    let text = if here.len() > 1 { text.replace(&here, "") } else { text };
    Err(Error::new(Class::Negative, format!("{tool} failed with {}\n{}", output.status, text.trim_end())))
}
