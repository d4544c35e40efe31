//! Runs a test program: what it prints, how it ends, and that it ends.

use std::ffi::OsString;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

/// How often it is looked whether a program has ended that others still print for.
const TICK: Duration = Duration::from_millis(50);

/// A program that is to be run.
pub(super) struct Program<'a> {
    pub file: &'a Path,
    pub arguments: &'a [String],
    pub directory: &'a Path,
    pub env: &'a [(OsString, OsString)],
    /// After this time it is asked to end with a stack trace; `None`: never.
    pub limit: Option<Duration>,
    /// How long it may take to end, and those that it has started may go on to print.
    pub patience: Duration,
}

/// How a program has ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub status: ExitStatus,
    /// The signal by which it was made to.
    pub killed: Option<&'static str>,
    /// Whether others that it had started went on to print.
    pub incomplete: bool,
}

impl Ended {
    pub fn passed(&self) -> bool {
        self.status.success() && self.killed.is_none() && !self.incomplete
    }

    /// How Go says it: `exit status 1`, `signal: killed`.
    pub fn shown(&self) -> String {
        match self.status.code() {
            Some(code) => format!("exit status {code}"),
            None => self.status.to_string(),
        }
    }
}

/// Runs a program; `sink` gets what it prints, to whichever output.
///
/// # Errors
///
/// When it can't be started or its output can't be read.
pub(super) fn run(program: &Program, sink: &mut dyn FnMut(&[u8])) -> std::io::Result<Ended> {
    let (reader, writer) = std::io::pipe()?;
    let mut command = Command::new(program.file);
    command.args(program.arguments).current_dir(program.directory);
    command.env_clear().envs(program.env.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    let mut child = command.spawn()?;
    // Its copies of the writing end would keep the pipe open.
    drop(command);
    let (sender, chunks) = mpsc::channel();
    // Not joined: it ends with the pipe, which who knows who may hold.
    std::thread::spawn(move || read(reader, &sender));
    let (start, mut killed, mut ended) = (Instant::now(), None, None::<Instant>);
    loop {
        match chunks.recv_timeout(TICK) {
            Ok(chunk) => sink(&chunk),
            Err(RecvTimeoutError::Disconnected) => {
                return Ok(Ended { status: child.wait()?, killed, incomplete: false });
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        if let Some(status) = child.try_wait()?
            && ended.get_or_insert_with(Instant::now).elapsed() > program.patience
        {
            return Ok(Ended { status, killed, incomplete: true });
        }
        let over = program.limit.and_then(|limit| start.elapsed().checked_sub(limit));
        match over.filter(|_| ended.is_none()) {
            Some(over) if over > program.patience => {
                child.kill()?;
                killed.get_or_insert("SIGKILL");
            }
            Some(_) if killed.is_none() => killed = Some(ask_to_end(&mut child)?),
            _ => {}
        }
    }
}

fn read(mut reader: std::io::PipeReader, sender: &mpsc::Sender<Vec<u8>>) {
    let mut buffer = vec![0; 32 << 10];
    while let Ok(length) = reader.read(&mut buffer) {
        if length == 0 || sender.send(buffer[..length].to_vec()).is_err() {
            break;
        }
    }
}

/// A Go program prints its stacks before it ends.
#[cfg(unix)]
fn ask_to_end(child: &mut Child) -> std::io::Result<&'static str> {
    use rustix::process::{Pid, Signal, kill_process};
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        kill_process(pid, Signal::QUIT)?;
    }
    Ok("SIGQUIT")
}

#[cfg(not(unix))]
fn ask_to_end(child: &mut Child) -> std::io::Result<&'static str> {
    child.kill()?;
    Ok("SIGKILL")
}
