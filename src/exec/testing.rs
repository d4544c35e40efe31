//! Runs test programs as `go test` does, and remembers what those printed that passed (`runTestActor` in `cmd/go/internal/test`).

pub mod events;
mod inputs;
mod process;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::cache::{Cache, Record};
use super::{Output, children, lock};
use crate::digest::{Hasher, Sha256};
use crate::error::{Error, Result};
use crate::source::testlog::TestLog;
use events::{Converter, Event};
use process::{Ended, Program};

/// Bump when the meaning of a key changes.
const KEY_VERSION: &str = "godirect test 1";

/// How long a program may take to end after it was told to, and what it has started to print; at least.
const PATIENCE: Duration = Duration::from_secs(5);

/// A test program gives up by itself; so much later it is made to.
const GRACE: Duration = Duration::from_secs(60);

/// Flags of test programs that don't keep their results from being remembered.
const CACHEABLE: [&str; 11] =
    ["benchtime", "cpu", "failfast", "fullpath", "list", "parallel", "run", "short", "skip", "timeout", "v"];

/// A package that is tested.
#[derive(Clone, Debug)]
pub struct Subject<'a> {
    /// The import path.
    pub path: &'a str,
    /// Its directory; absolute.
    pub directory: PathBuf,
    /// That of its module.
    pub root: PathBuf,
    /// What there is to run.
    pub build: Build<'a>,
}

/// What has become of a test program.
#[derive(Clone, Debug)]
pub enum Build<'a> {
    /// There are no tests; whether there are statements to count.
    NoTests(bool),
    /// The package or what it needs is wrong.
    Broken,
    /// This couldn't be built.
    Failed(String),
    /// It is there; and the name that it runs by.
    Program(&'a Output, String),
}

/// How tests are run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Arguments of test programs; those for `testing` begin with `-test.`.
    pub arguments: Vec<String>,
    /// The environment; without the directory.
    pub env: Vec<(OsString, OsString)>,
    /// After this time programs give up; never if it is zero.
    pub timeout: Duration,
    /// Whether what programs print is shown although they pass.
    pub shows_output: bool,
    /// Whether it is shown as it comes, one program after the other: benchmarks, fuzzing.
    pub streams: bool,
    /// If the program looks for new inputs: below which directory those are kept that reach more code.
    pub fuzzing: Option<PathBuf>,
    /// Whether events are shown.
    pub json: bool,
    /// Whether the programs mark errors for events (see [`Converter::new`]).
    pub marks_errors: bool,
    /// Whether no program starts after one has failed.
    pub fail_fast: bool,
    /// How statements are counted: `set`, `count` or `atomic`.
    pub cover: Option<String>,
    /// Where the counts of all programs go.
    pub profile: Option<PathBuf>,
    /// How many programs run at once.
    pub jobs: usize,
    /// Whether all programs note what they look at, also those whose results aren't remembered.
    pub logs: bool,
}

/// How all of the tests have ended.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Whether all have passed.
    pub passed: bool,
    /// What programs have looked at, by import path: as far as they noted it.
    pub logs: BTreeMap<String, TestLog>,
}

/// Takes what is printed, whole lines or events; from several threads.
pub type Print<'a> = dyn Fn(&[u8]) + Sync + 'a;

/// Runs the tests of packages, and prints their results in this order.
///
/// # Errors
///
/// When a program can't be started, or a file can't be written.
pub fn run(cache: &Cache, subjects: &[Subject], options: &Options, print: &Print<'_>) -> Result<Outcome> {
    let sink = |event: &Event| {
        if let Ok(mut json) = serde_json::to_vec(event) {
            json.push(b'\n');
            print(&json);
        }
    };
    let runner = Runner {
        cache,
        options,
        print,
        sink: &sink,
        is_alone: subjects.len() == 1 || options.jobs == 1,
        failed: AtomicBool::new(false),
        next: Mutex::new(0),
        printed: Mutex::default(),
        profiles: Mutex::default(),
        logs: Mutex::default(),
        error: Mutex::new(None),
    };
    let (broken, rest): (Vec<&Subject>, Vec<&Subject>) =
        subjects.iter().partition(|subject| matches!(subject.build, Build::Broken));
    // As in Go, these come first.
    for subject in broken {
        runner.fails(Writer::new(&runner, subject.path, true), subject, "setup failed", subject.path);
    }
    let jobs = if options.streams { 1 } else { options.jobs };
    std::thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, rest.len().max(1)) {
            scope.spawn(|| runner.work(&rest));
        }
    });
    if let Some(error) = lock(&runner.error).take() {
        return Err(error);
    }
    if let (Some(file), Some(mode)) = (&options.profile, &options.cover) {
        write_profile(file, mode, &lock(&runner.profiles))?;
    }
    Ok(Outcome { passed: !runner.failed.load(Ordering::Relaxed), logs: std::mem::take(&mut *lock(&runner.logs)) })
}

/// What the runs share.
struct Runner<'a> {
    cache: &'a Cache,
    options: &'a Options,
    print: &'a Print<'a>,
    sink: &'a (dyn Fn(&Event) + Sync),
    /// Whether no other program runs at the same time.
    is_alone: bool,
    failed: AtomicBool,
    /// The next to be started.
    next: Mutex<usize>,
    /// How many results are printed, and those that have to wait.
    printed: Mutex<(usize, BTreeMap<usize, Vec<u8>>)>,
    profiles: Mutex<BTreeMap<usize, Vec<u8>>>,
    logs: Mutex<BTreeMap<String, TestLog>>,
    error: Mutex<Option<Error>>,
}

impl Runner<'_> {
    /// Runs one program after the other.
    fn work(&self, subjects: &[&Subject]) {
        loop {
            let mut next = lock(&self.next);
            let stops = self.options.fail_fast && self.failed.load(Ordering::Relaxed) || lock(&self.error).is_some();
            let Some(subject) = subjects.get(*next).filter(|_| !stops) else { return };
            let index = *next;
            *next += 1;
            // Events of packages begin in their order.
            let writer = Writer::new(self, subject.path, false);
            drop(next);
            match self.one(index, subject, writer) {
                Ok(output) => self.in_order(index, output),
                Err(error) => drop(lock(&self.error).get_or_insert(error)),
            }
        }
    }

    /// Prints what isn't printed yet, after the results before.
    fn in_order(&self, index: usize, output: Vec<u8>) {
        let mut printed = lock(&self.printed);
        printed.1.insert(index, output);
        while let Some(output) = {
            let next = printed.0;
            printed.1.remove(&next)
        } {
            (self.print)(&output);
            printed.0 += 1;
        }
    }

    fn one(&self, index: usize, subject: &Subject, mut writer: Writer) -> Result<Vec<u8>> {
        match &subject.build {
            Build::NoTests(has_statements) => {
                let line = match self.options.cover.is_some() && *has_statements {
                    true => format!("\t{}\t\tcoverage: 0.0% of statements\n", subject.path),
                    false => format!("?   \t{}\t[no test files]\n", subject.path),
                };
                writer.write(line.as_bytes());
                Ok(writer.finish(true, ""))
            }
            Build::Broken => Ok(writer.finish(false, "")),
            Build::Failed(what) => Ok(self.fails(writer, subject, "build failed", what)),
            Build::Program(program, name) => self.program(index, subject, program, name, writer),
        }
    }

    /// A package whose tests can't run.
    fn fails(&self, mut writer: Writer, subject: &Subject, why: &str, what: &str) -> Vec<u8> {
        self.failed.store(true, Ordering::Relaxed);
        writer.write(format!("FAIL\t{} [{why}]\n", subject.path).as_bytes());
        writer.finish(false, what)
    }

    fn program(&self, index: usize, subject: &Subject, program: &Output, name: &str, mut writer: Writer) -> Result<Vec<u8>> {
        let mut env = self.options.env.clone();
        env.push(("PWD".into(), subject.directory.clone().into()));
        let key = self.key(program);
        let wants_profile = self.options.profile.is_some();
        let known = key.as_ref().and_then(|key| recall(self.cache, key, &subject.root, &env, wants_profile));
        if let Some((known, text)) = known.and_then(|known| cached(&known.printed).map(|text| (known, text))) {
            lock(&self.profiles).insert(index, known.profile);
            lock(&self.logs).insert(subject.path.to_owned(), known.log);
            writer.write(&text);
            return Ok(writer.finish(true, ""));
        }
        let scratch = self.cache.scratch()?;
        let file = scratch.path().join(name);
        let blob = self.cache.blob(&program.sha256);
        let linked = std::fs::hard_link(&blob, &file).or_else(|_| std::fs::copy(&blob, &file).map(drop));
        linked.map_err(|e| Error::io("write", &file, &e))?;
        let (log, profile) = (scratch.path().join("testlog.txt"), scratch.path().join("cover.out"));
        let mut arguments = Vec::new();
        if key.is_some() || self.options.logs {
            arguments.push(format!("-test.testlogfile={}", log.display()));
        }
        arguments.push("-test.paniconexit0".to_owned());
        let found = self.options.fuzzing.as_ref().map(|directory| directory.join(subject.path));
        arguments.extend(found.map(|directory| format!("-test.fuzzcachedir={}", directory.display())));
        if self.options.cover.is_some() {
            let directory = scratch.path().join("gocoverdir");
            std::fs::create_dir(&directory).map_err(|e| Error::io("create", &directory, &e))?;
            arguments.push(format!("-test.gocoverdir={}", directory.display()));
            env.push(("GOCOVERDIR".into(), directory.into()));
        }
        let own = |argument: &String| match argument.strip_prefix("-test.coverprofile=") {
            Some(_) => format!("-test.coverprofile={}", profile.display()),
            None => argument.clone(),
        };
        arguments.extend(self.options.arguments.iter().map(own));
        let timeout = self.options.timeout;
        let patience = PATIENCE.max(timeout / 10);
        let program = Program {
            file: &file,
            arguments: &arguments,
            directory: &subject.directory,
            env: &env,
            limit: (!timeout.is_zero() && !self.options.streams).then(|| timeout + GRACE.max(patience)),
            patience,
        };
        let _patience = self.options.fuzzing.is_some().then(children::Patience::new);
        let start = Instant::now();
        let ended = process::run(&program, &mut |bytes| writer.write(bytes)).map_err(|e| Error::io("run", &file, &e))?;
        let took = format!("{:.3}s", start.elapsed().as_secs_f64());
        let profile = std::fs::read(&profile).unwrap_or_default();
        lock(&self.profiles).insert(index, profile.clone());
        let log = std::fs::read(&log).ok().and_then(|log| {
            let (directory, root) = (subject.directory.to_str()?, subject.root.to_str()?);
            TestLog::parse(&log, directory, root)
        });
        lock(&self.logs).extend(log.clone().map(|log| (subject.path.to_owned(), log)));
        if !ended.passed() {
            self.failed.store(true, Ordering::Relaxed);
            self.failure(&ended, subject, &took, &mut writer);
            return Ok(writer.finish(false, ""));
        }
        self.success(subject, &took, &mut writer);
        if let (Some(key), Some(log)) = (key, log) {
            let result = (writer.text.as_slice(), profile.as_slice());
            remember(self.cache, &key, &log, result, subject, &env)?;
        }
        Ok(writer.finish(true, ""))
    }

    fn success(&self, subject: &Subject, took: &str, writer: &mut Writer) {
        let printed = std::mem::take(&mut writer.text);
        // As in Go, nobody looks at what was shown as it came.
        let seen = if self.options.streams { &[][..] } else { &printed };
        let has = |warning: &str| {
            let line = format!("testing: warning: {warning}\n");
            seen.starts_with(line.as_bytes()) || memchr::memmem::find(seen, format!("\n{line}").as_bytes()).is_some()
        };
        let mut note = "";
        if has("no tests to run") {
            note = " [no tests to run]";
        } else if has("no fuzz tests to fuzz") {
            note = " [no fuzz tests to fuzz]";
        }
        let coverage = self.options.cover.as_ref().and_then(|_| coverage(seen)).unwrap_or_default();
        let ends = seen.is_empty() || seen.ends_with(b"\n");
        if self.options.shows_output || self.options.json {
            writer.text = printed;
        }
        if !ends {
            writer.write(b"\n");
        }
        writer.write(format!("ok  \t{}\t{took}{coverage}{note}\n", subject.path).as_bytes());
    }

    fn failure(&self, ended: &Ended, subject: &Subject, took: &str, writer: &mut Writer) {
        let printed = if self.options.streams { &[][..] } else { &writer.text };
        let (is_empty, ends) = (printed.is_empty(), printed.ends_with(b"\n"));
        if let Some(signal) = ended.killed {
            let limit = self.options.timeout + GRACE;
            writer.write(format!("*** Test killed with {signal}: ran too long ({limit:?}).\n").as_bytes());
        } else if ended.incomplete {
            writer.write(format!("*** Test I/O incomplete {PATIENCE:?} after exiting.\n").as_bytes());
        }
        if is_empty || ended.status.code().is_none() {
            writer.write(format!("{}\n", ended.shown()).as_bytes());
        } else if !ends {
            writer.write(b"\n");
        }
        // So that events show a failure even of a program that didn't say so.
        let mark = if self.options.json { "\x16" } else { "" };
        writer.write(format!("{mark}FAIL\t{}\t{took}\n", subject.path).as_bytes());
    }

    /// What a result depends on besides what the program looks at; `None` where results aren't remembered.
    fn key(&self, program: &Output) -> Option<Sha256> {
        let mut hasher = Hasher::default();
        hasher.update(format!("{KEY_VERSION}\n{}\n", program.sha256));
        for argument in &self.options.arguments {
            let (flag, _) = argument.strip_prefix("-test.")?.split_once('=')?;
            if CACHEABLE.contains(&flag) {
                hasher.update(format!("{} {argument}\n", argument.len()));
            } else if !matches!(flag, "coverprofile" | "outputdir") {
                return None;
            }
        }
        Some(hasher.finish())
    }
}

/// The percentage that a program has printed, as the result's line shows it.
fn coverage(printed: &[u8]) -> Option<String> {
    let at = memchr::memmem::find(printed, b"coverage: ")?;
    let line = &printed[at..];
    let end = memchr::memchr(b'\n', line)?;
    Some(format!("\t{}", String::from_utf8_lossy(&line[..end])))
}

/// A result that was remembered, with `(cached)` in the place of the time that it took.
fn cached(text: &[u8]) -> Option<Vec<u8>> {
    let body = text.strip_suffix(b"\n")?;
    let line = memchr::memrchr(b'\n', body).map_or(0, |at| at + 1);
    let rest = body[line..].strip_prefix(b"ok  \t")?;
    let time = body.len() - rest.len() + memchr::memchr(b'\t', rest)? + 1;
    let end = text[time..].iter().position(|byte| !byte.is_ascii_digit() && !b".s".contains(byte))? + time;
    Some([&text[..time], b"(cached)", &text[end..]].concat())
}

/// A run with the same inputs.
struct Known {
    printed: Vec<u8>,
    profile: Vec<u8>,
    log: TestLog,
}

fn recall(cache: &Cache, key: &Sha256, root: &Path, env: &[(OsString, OsString)], wants_profile: bool) -> Option<Known> {
    let noted = cache.recall(key, &["inputs"])?;
    let log: TestLog = serde_json::from_slice(&read(cache, &noted.outputs["inputs"])?).ok()?;
    let result = cache.recall(&inputs::digest(&log, key, root, env), &["printed", "profile"])?;
    let printed = read(cache, &result.outputs["printed"])?;
    let profile = read(cache, &result.outputs["profile"])?;
    (!wants_profile || !profile.is_empty()).then_some(Known { printed, profile, log })
}

/// What a blob says, if it is whole.
fn read(cache: &Cache, sha256: &Sha256) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    cache.open_whole(sha256)?.read_to_end(&mut content).ok()?;
    Some(content)
}

/// Remembers what was printed and counted.
fn remember(
    cache: &Cache,
    key: &Sha256,
    log: &TestLog,
    (printed, profile): (&[u8], &[u8]),
    subject: &Subject,
    env: &[(OsString, OsString)],
) -> Result<()> {
    let scratch = cache.scratch()?;
    let store = |content: &[u8]| {
        let file = scratch.path().join("x");
        std::fs::write(&file, content).map_err(|e| Error::io("write", &file, &e))?;
        cache.insert(&file)
    };
    let json = serde_json::to_vec(log).map_err(|e| Error::environment(format!("inputs of {}: {e}", subject.path)))?;
    let outputs = BTreeMap::from([("printed".to_owned(), store(printed)?), ("profile".to_owned(), store(profile)?)]);
    let digest = inputs::digest(log, key, &subject.root, env);
    let what = format!("test of {}\n", subject.path);
    cache.record(&digest, &Record { outputs, ..Record::default() }, &what)?;
    let outputs = BTreeMap::from([("inputs".to_owned(), store(&json)?)]);
    cache.record(key, &Record { outputs, ..Record::default() }, &what)
}

/// Puts the counts of all programs into one file.
fn write_profile(file: &Path, mode: &str, profiles: &BTreeMap<usize, Vec<u8>>) -> Result<()> {
    let header = format!("mode: {mode}\n");
    let mut text = header.clone().into_bytes();
    for profile in profiles.values().filter(|profile| !profile.is_empty()) {
        let Some(counts) = profile.strip_prefix(header.as_bytes()) else {
            return Err(Error::environment("a test program wrote a malformed coverage profile"));
        };
        text.extend(counts);
    }
    crate::write::atomic(file, &text)
}

/// Takes what a program prints, and what is said of it.
struct Writer<'r> {
    converter: Option<Converter<'r>>,
    print: &'r Print<'r>,
    /// Whether it is printed at once.
    is_live: bool,
    text: Vec<u8>,
}

impl<'r> Writer<'r> {
    fn new(runner: &Runner<'r>, path: &str, at_once: bool) -> Writer<'r> {
        let options = runner.options;
        let converter = options.json.then(|| Converter::new(path, options.marks_errors, runner.sink));
        let is_live = at_once || options.streams || options.shows_output && runner.is_alone;
        Writer { converter, print: runner.print, is_live, text: Vec::new() }
    }

    fn write(&mut self, bytes: &[u8]) {
        match &mut self.converter {
            Some(converter) => converter.write(bytes),
            None if self.is_live => (self.print)(bytes),
            None => {}
        }
        self.text.extend(bytes);
    }

    /// What is to be printed yet.
    fn finish(self, passed: bool, failed_build: &str) -> Vec<u8> {
        match self.converter {
            Some(converter) => converter.finish(passed, failed_build),
            None if !self.is_live => return self.text,
            None => {}
        }
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remembered_result_has_no_time() {
        let cached = |text: &str| cached(text.as_bytes()).map(|text| String::from_utf8(text).unwrap());
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(cached("ok  \ta/b\t0.012s\n"), some("ok  \ta/b\t(cached)\n"));
        let printed = "=== RUN   TestX\nPASS\nok  \ta\t1.5s\tcoverage: 50.0% of statements [no tests to run]\n";
        assert_eq!(cached(printed), some(&printed.replace("1.5s", "(cached)")));
        assert_eq!(cached("FAIL\ta\t0.1s\n"), None);
        assert_eq!(cached("ok  \ta\t0.1s"), None);
    }

    #[test]
    fn the_first_percentage_counts() {
        assert_eq!(coverage(b"PASS\ncoverage: 12.5% of statements\n").unwrap(), "\tcoverage: 12.5% of statements");
        assert_eq!(coverage(b"coverage: "), None);
    }
}
