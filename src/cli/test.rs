//! `godirect test`

mod record;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::build::{self, Reporter};
use crate::error::{Class, Error, Result};
use crate::exec::testing::{self, Build, Options, Outcome, Subject};
use crate::exec::{self, Engine, Event, Output, Work};
use crate::files::Files;
use crate::lock::cache::Cache;
use crate::lock::proxy::Proxy;
use crate::plan::Configuration;
use crate::project::stamps::Stamps;
use crate::project::testing::{CoverRequest, Planned, Request, State, TestPackage};
use crate::project::{Project, Variant};
use crate::spec::profile::{CoverMode, Profile, Sanitizer};

/// The first minor version whose test programs mark errors for events.
const MARKS_ERRORS_SINCE: u32 = 27;

/// Build and run the tests of the repository's packages, as `go test` does.
///
/// Each package's tests are built into a program, with the embedded engine and its cache, by the profile's settings: the same bytes as
/// `go test -c -trimpath`. The programs run in their packages' directories, several at once, with the environment that godirect has and the
/// SDK's bin directory first in PATH. What is printed is what `go test` prints: a line for each package in order, and the output of those that
/// fail. With --json, it is the events of `go test -json`.
///
/// A result is remembered, and shown as (cached), as long as the program, its arguments, the variables that it has read and the files of its
/// module that it has opened are the same; for failed tests never, nor with --bench, --fuzz, --count, --shuffle or arguments after `--`.
///
/// Differences from `go test`: `go vet` isn't run, packages without a pattern are all of the repository's, and programs have no paths of this
/// machine in them, so that tests that look for their source by runtime.Caller or for GOROOT by runtime.GOROOT don't find it, as with
/// `go test -trimpath`. Only the repository's own packages can be tested.
///
/// The exit code is 1 if a test fails or can't be built.
///
/// Examples: `godirect test ./internal/...`, `godirect test -v --run 'TestX/y' ./x -- -update`, `godirect test --coverprofile c.out`,
/// `godirect test -c -o bin/ ./x`
#[derive(Debug, Default, clap::Args)]
#[group(skip)]
pub struct Arguments {
    /// Which packages: directories or import paths, also with `...`; all of the repository's by default.
    #[arg(value_name = "PATTERN")]
    patterns: Vec<String>,
    /// Build the programs, and put them into the current directory as NAME.test instead of running them.
    #[arg(short = 'c', long)]
    compile: bool,
    /// Put the programs into this directory instead.
    #[arg(short, long, value_name = "DIR", requires = "compile")]
    out: Option<PathBuf>,
    /// Run only tests, examples and fuzz tests whose names match.
    #[arg(long, value_name = "REGEXP")]
    run: Option<String>,
    /// Don't run those whose names match.
    #[arg(long, value_name = "REGEXP")]
    skip: Option<String>,
    /// Also run benchmarks whose names match, one package after the other.
    #[arg(long, value_name = "REGEXP")]
    bench: Option<String>,
    /// Run each benchmark so long (`2s`) or so often (`100x`).
    #[arg(long, value_name = "TIME")]
    benchtime: Option<String>,
    /// Tell what benchmarks allocate.
    #[arg(long)]
    benchmem: bool,
    /// Look for inputs that make the fuzz test fail whose name matches, of one package.
    ///
    /// All of what is tested is compiled for that, also if the profile doesn't say `fuzz = True`. It ends when an input fails, which is then in the package's
    /// testdata/fuzz, by Ctrl-C, or as --fuzztime says.
    #[arg(long, value_name = "REGEXP", conflicts_with = "coverprofile")]
    fuzz: Option<String>,
    /// Fuzz so long (`30s`) or with so many inputs (`1000x`).
    #[arg(long, value_name = "TIME", requires = "fuzz")]
    fuzztime: Option<String>,
    /// Try so long (`10s`) or so often (`100x`) to make an input smaller; by default 60s.
    #[arg(long, value_name = "TIME", requires = "fuzz")]
    fuzzminimizetime: Option<String>,
    /// Run each test so often; results aren't remembered.
    #[arg(long, value_name = "N")]
    count: Option<u32>,
    /// Tell tests to be short.
    #[arg(long)]
    short: bool,
    /// End a program that runs longer, e.g. `90s` or `1h30m`; 0 for never.
    #[arg(long, value_name = "TIME", default_value = "10m")]
    timeout: String,
    /// Show the output of tests that pass, too.
    #[arg(short, long)]
    verbose: bool,
    /// Start no test after one has failed.
    #[arg(long)]
    failfast: bool,
    /// Run tests in a random order: `on`, or the seed of an earlier one.
    #[arg(long, value_name = "ORDER")]
    shuffle: Option<String>,
    /// How many tests of a program that allow it run at once.
    #[arg(long, value_name = "N")]
    parallel: Option<u32>,
    /// Run each test with these values of GOMAXPROCS, separated by commas.
    #[arg(long, value_name = "LIST")]
    cpu: Option<String>,
    /// List tests whose names match instead of running them.
    #[arg(long, value_name = "REGEXP")]
    list: Option<String>,
    /// Count which statements tests run.
    #[arg(long)]
    cover: bool,
    /// How they are counted; by default as the profile says, else `set`, or `atomic` for the race detector.
    #[arg(long, value_name = "MODE", value_parser = ["set", "count", "atomic"])]
    covermode: Option<String>,
    /// Count the statements of packages that these patterns match in each program, instead of those of its own package.
    #[arg(long, value_name = "PATTERNS", value_delimiter = ',')]
    coverpkg: Vec<String>,
    /// Write the counts of all programs into this file.
    #[arg(long, value_name = "FILE")]
    coverprofile: Option<PathBuf>,
    /// Add what tests look at while they run to godirect.reads.json, for `godirect affected`: files of their modules that no rule finds.
    #[arg(long, conflicts_with = "compile")]
    record: bool,
    /// Run nothing, and add in the same way what the tests of a package have noted in this file, e.g. by `go test PACKAGE -args
    /// -test.testlogfile=FILE`; may be repeated.
    #[arg(long, value_name = "IMPORTPATH=FILE", conflicts_with_all = ["patterns", "compile", "record"])]
    import_log: Vec<String>,
    /// How many tools, and then how many programs run at once; by default as many as there are cores.
    #[arg(short, long, value_name = "N")]
    jobs: Option<std::num::NonZeroUsize>,
    /// Build for this platform of the spec; by default this machine's.
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,
    /// Build in this profile instead of the default one.
    #[arg(long)]
    profile: Option<String>,
    /// Arguments for the programs.
    #[arg(last = true, value_name = "ARGUMENT")]
    arguments: Vec<String>,
}

pub fn run(directory: &Path, arguments: &Arguments, json: bool) -> Result<ExitCode> {
    let timeout = duration(&arguments.timeout)?;
    let (project, lock) = Project::open_with_lock(Files::default(), directory)?;
    let locked = project.with_lock(&lock)?;
    let variant = variant(&project, arguments)?;
    if !arguments.import_log.is_empty() {
        record::import(&locked, variant, &arguments.import_log)?;
        return Ok(ExitCode::SUCCESS);
    }
    let cover = cover(arguments, variant)?;
    let (patterns, fuzz) = (&arguments.patterns, variant.profile.fuzz || arguments.fuzz.is_some());
    let request = Request { variant, patterns, cover: cover.clone(), fuzz, omit_debug: !arguments.compile };
    let stamps = Stamps::Built { variable: &|name| std::env::var(name).ok(), status: None };
    let found = locked.tests(&request)?;
    if arguments.fuzz.is_some() && found.tested.len() != 1 {
        let error = Error::input("can't use --fuzz with multiple packages");
        return Err(error.help("name one, e.g. `godirect test --fuzz FuzzX ./x`"));
    }
    let (cache, proxy) = (Cache::open()?, Proxy::from_env()?);
    let (toolchains, sources) = build::fetch(&locked, &[variant], std::slice::from_ref(&found.graph), &cache, &proxy)?;
    let sdk = &toolchains[variant.profile.sdk.as_str()];
    let needs = locked.c_needs_of_tests(&found, variant)?;
    let c = exec::c::find(&needs, &sources, &sdk.goroot, &cache.root().join("c"))?;
    let planned = locked.plan_tests(&request, &stamps, found, Some(&c.toolchain))?;
    let actions = exec::cache::Cache::open(&cache.root().join("build"))?;
    let jobs = arguments.jobs.or_else(|| std::thread::available_parallelism().ok()).map_or(1, Into::into);
    let tools = build::tools_of(&sdk.goroot)?;
    let (files, shared, max_bytes) = (&project.files, &exec::Shared::default(), super::cache::max_bytes()?);
    let builder = Builder {
        engine: Engine { sources: &sources, files, cache: &actions, shared, jobs, keep_going: true },
        c: &c,
        goroot: &sdk.goroot,
        tools: &tools,
        sdk_id: &sdk.id,
        json,
    };
    let programs = std::thread::scope(|scope| {
        scope.spawn(|| actions.trim_daily(max_bytes));
        builder.programs(&planned)
    })?;
    report_broken(&planned, json);
    if arguments.compile {
        return place(&planned, &programs, arguments);
    }
    let options = Options {
        arguments: program_arguments(arguments, json),
        env: environment(&sdk.goroot),
        timeout,
        shows_output: arguments.verbose || arguments.list.is_some(),
        streams: arguments.bench.is_some() || arguments.fuzz.is_some(),
        fuzzing: arguments.fuzz.as_ref().map(|_| cache.root().join("fuzz")),
        json,
        marks_errors: locked.sdk(variant.profile).version.minor() >= MARKS_ERRORS_SINCE,
        fail_fast: arguments.failfast,
        cover: cover.map(|cover| cover.mode),
        profile: arguments.coverprofile.clone(),
        jobs,
        logs: arguments.record,
    };
    let subjects: Vec<Subject> =
        planned.packages.iter().map(|package| programs.subject(&planned, package, &sources.root)).collect();
    let Outcome { passed, logs } = testing::run(&actions, &subjects, &options, &print)?;
    if arguments.record {
        let of_package = |package: &TestPackage| (package.path.to_string(), (package.root.clone(), package.directory.clone()));
        record::add(&project, &planned.packages.iter().map(of_package).collect(), &logs)?;
    }
    // As in Go, who fuzzes sees the only package's line.
    if !passed && !json && arguments.fuzz.is_none() {
        print(b"FAIL\n");
    }
    Ok(ExitCode::from(u8::from(!passed)))
}

/// Whoever reads it may have gone away; that is his decision.
fn print(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(bytes).and_then(|()| out.flush());
}

/// The platform and profile that are asked for.
fn variant<'a>(project: &'a Project, arguments: &Arguments) -> Result<Variant<'a>> {
    let platforms: Vec<String> = arguments.platform.iter().cloned().collect();
    let variants = build::host_variants(project, &platforms, arguments.profile.as_deref())?;
    let named = |variant: &&Variant| arguments.profile.is_some() || variant.profile_name == crate::spec::DEFAULT_PROFILE;
    variants.iter().find(named).or(variants.first()).copied().ok_or_else(|| {
        let error = Error::input("no binary of the spec has this profile");
        error.help("tests are built in profiles that binaries have; give it to one: binary(…, profiles = […])")
    })
}

/// Which statements are counted: arguments come before the profile.
fn cover(arguments: &Arguments, variant: Variant) -> Result<Option<CoverRequest>> {
    let Arguments { cover, covermode, coverpkg, coverprofile, .. } = arguments;
    let profile = variant.profile;
    let counting = Profile { cover: true, ..profile.clone() };
    let mode = match (covermode, counting.cover_mode()) {
        (Some(mode), _) if profile.sanitizer == Some(Sanitizer::Race) && mode != CoverMode::Atomic.name() => {
            let error = Error::input(format!("--covermode {mode} counts in a way that several threads disturb"));
            return Err(error.help("with race, write --covermode atomic or leave it out"));
        }
        (Some(mode), _) => mode.clone(),
        (None, mode) => mode.unwrap_or_default().name().to_owned(),
    };
    let counts = *cover || covermode.is_some() || !coverpkg.is_empty() || coverprofile.is_some() || profile.cover;
    let patterns = if coverpkg.is_empty() { &profile.coverpkg } else { coverpkg };
    Ok(counts.then(|| CoverRequest { mode, patterns: patterns.clone() }))
}

/// The arguments of the programs, in the order of the go command.
fn program_arguments(arguments: &Arguments, json: bool) -> Vec<String> {
    let mut list = Vec::new();
    if json {
        list.push("-test.v=test2json".to_owned());
    }
    if arguments.timeout != "0" {
        list.push(format!("-test.timeout={}", arguments.timeout));
    }
    let switches = [
        ("v", arguments.verbose && !json),
        ("short", arguments.short),
        ("failfast", arguments.failfast),
        ("benchmem", arguments.benchmem),
    ];
    list.extend(switches.into_iter().filter(|(_, on)| *on).map(|(name, _)| format!("-test.{name}=true")));
    let number = |number: &Option<u32>| number.map(|number| number.to_string());
    let profile = arguments.coverprofile.as_ref().map(|path| path.display().to_string());
    let values = [
        ("run", arguments.run.clone()),
        ("skip", arguments.skip.clone()),
        ("bench", arguments.bench.clone()),
        ("benchtime", arguments.benchtime.clone()),
        ("fuzz", arguments.fuzz.clone()),
        ("fuzztime", arguments.fuzztime.clone()),
        ("fuzzminimizetime", arguments.fuzzminimizetime.clone()),
        ("count", number(&arguments.count)),
        ("shuffle", arguments.shuffle.clone()),
        ("parallel", number(&arguments.parallel)),
        ("cpu", arguments.cpu.clone()),
        ("list", arguments.list.clone()),
        ("coverprofile", profile),
    ];
    list.extend(values.into_iter().filter_map(|(name, value)| Some(format!("-test.{name}={}", value?))));
    list.extend(arguments.arguments.iter().cloned());
    list
}

/// The environment of the programs: tests that run `go` get the pinned one.
fn environment(goroot: &Path) -> Vec<(OsString, OsString)> {
    let mut env: BTreeMap<OsString, OsString> = std::env::vars_os().collect();
    let path = env.get(&OsString::from("PATH")).cloned().unwrap_or_default();
    let directories = std::iter::once(goroot.join("bin")).chain(std::env::split_paths(&path));
    if let Ok(path) = std::env::join_paths(directories) {
        env.insert("PATH".into(), path);
    }
    env.into_iter().collect()
}

/// A duration as Go writes it: `1h15m30.5s`.
fn duration(text: &str) -> Result<Duration> {
    let wrong = || {
        let error = Error::input(format!("--timeout {} is no duration", text.escape_debug()));
        error.help("write numbers with units, e.g. 90s or 1h30m; 0 for no limit")
    };
    let (mut rest, mut sum) = (text, Duration::ZERO);
    while !rest.is_empty() && rest != "0" {
        let number = &rest[..rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?];
        rest = &rest[number.len()..];
        let unit = &rest[..rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len())];
        rest = &rest[unit.len()..];
        let seconds = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return Err(wrong()),
        };
        let part = number.parse::<f64>().map_err(|_| wrong())? * seconds;
        sum += Duration::try_from_secs_f64(part).map_err(|_| wrong())?;
    }
    if text.is_empty() { Err(wrong()) } else { Ok(sum) }
}

/// Builds test programs, whatever is wrong with some of them.
struct Builder<'a> {
    c: &'a exec::c::Machine,
    engine: Engine<'a>,
    goroot: &'a Path,
    tools: &'a Path,
    sdk_id: &'a str,
    json: bool,
}

/// The programs that could be built, by what they test, and what couldn't.
struct Programs {
    files: BTreeMap<String, Output>,
    failed: BTreeSet<String>,
}

impl Builder<'_> {
    fn programs(&self, planned: &Planned) -> Result<Programs> {
        let (reporter, failed) = (Reporter::new(), Mutex::new(BTreeSet::new()));
        let on_event = |event: Event| match event {
            Event::Failed { name } => {
                failed.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
                if self.json {
                    print_build_event(&shown(planned, name), "build-fail", None);
                }
            }
            Event::Messages { name, text } if self.json => print_messages(&shown(planned, name), text),
            event => reporter.report(event),
        };
        let first = self.built(&planned.configuration, &on_event);
        let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
        let files = match first {
            Err(error) if error.class() != Class::Negative || failed.is_empty() => return Err(error),
            // All that is left has been built already.
            Err(_) => self.built(&planned.configuration.clone().without(&failed), &|event| reporter.report(event))?,
            Ok(files) => files,
        };
        Ok(Programs { files, failed })
    }

    fn built(&self, configuration: &Configuration, on_event: &exec::OnEvent<'_>) -> Result<BTreeMap<String, Output>> {
        let Builder { goroot, tools, sdk_id, c, .. } = *self;
        let work = Work { name: "test", configuration, goroot, tools, sdk_id, c };
        Ok(exec::build(&[work], self.engine, on_event)?.binaries.into_iter().next().unwrap_or_default())
    }
}

/// A program is named by what it tests; for people, `.test` comes after that.
fn shown(planned: &Planned, name: &str) -> String {
    if planned.configuration.binaries.contains_key(name) { format!("{name}.test") } else { name.to_owned() }
}

impl Programs {
    /// What there is to run of a package.
    fn subject<'a>(&'a self, planned: &Planned, package: &'a TestPackage, root: &Path) -> Subject<'a> {
        let path = package.path.as_str();
        let configuration = &planned.configuration;
        let failed_dep = |deps: &[String]| deps.iter().find(|dep| self.failed.contains(*dep)).cloned();
        let build = match &package.state {
            State::Broken(_) => Build::Broken,
            State::NoTests { has_statements } => {
                let deps = configuration.packages.get(path).map_or(&[][..], |package| &package.deps);
                let failed = self.failed.contains(path).then(|| path.to_owned()).or_else(|| failed_dep(deps));
                failed.map_or(Build::NoTests(*has_statements), Build::Failed)
            }
            State::Program(name) => match self.files.get(path) {
                Some(program) => Build::Program(program, name.clone()),
                None => {
                    let deps = configuration.binaries.get(path).map_or(&[][..], |binary| &binary.deps);
                    Build::Failed(failed_dep(deps).unwrap_or_else(|| format!("{path}.test")))
                }
            },
        };
        let directory = |below: &str| if below.is_empty() { root.to_owned() } else { root.join(below) };
        Subject { path, directory: directory(&package.directory), root: directory(&package.root), build }
    }
}

/// Tells what is wrong with packages whose tests can't even be built.
fn report_broken(planned: &Planned, json: bool) {
    for package in &planned.packages {
        let State::Broken(wrong) = &package.state else { continue };
        for text in wrong {
            if json {
                print_messages(package.path.as_str(), text);
                print_build_event(package.path.as_str(), "build-fail", None);
            } else {
                eprintln!("# {}\n{text}", package.path);
            }
        }
    }
}

/// The messages of tools as events.
fn print_messages(name: &str, text: &str) {
    for line in std::iter::once(format!("# {name}").as_str()).chain(text.lines()) {
        print_build_event(name, "build-output", Some(format!("{line}\n")));
    }
}

/// An event of `go build -json`.
fn print_build_event(import_path: &str, action: &str, output: Option<String>) {
    #[derive(serde::Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct BuildEvent<'a> {
        import_path: &'a str,
        action: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        output: Option<String>,
    }
    if let Ok(json) = serde_json::to_string(&BuildEvent { import_path, action, output }) {
        print(format!("{json}\n").as_bytes());
    }
}

/// Puts programs where they are asked for.
fn place(planned: &Planned, programs: &Programs, arguments: &Arguments) -> Result<ExitCode> {
    let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
    let named = planned.packages.iter().filter_map(|package| match &package.state {
        State::Program(name) => Some((package.path.as_str(), name)),
        _ => None,
    });
    for (path, name) in named.clone() {
        if let Some(other) = owners.insert(name, path) {
            let error = Error::input(format!("two programs have the name {name}: the tests of {other} and of {path}"));
            return Err(error.help("name one of the packages"));
        }
    }
    let directory = arguments.out.clone().unwrap_or_default();
    let mut complete = true;
    for (path, _) in named {
        match (programs.files.get(path), planned.configuration.binaries.get(path)) {
            (Some(program), Some(binary)) => {
                build::place(&program.file, &directory.join(&binary.file))?;
            }
            _ => complete = false,
        }
    }
    let broken = planned.packages.iter().any(|package| matches!(package.state, State::Broken(_)));
    Ok(ExitCode::from(u8::from(!complete || broken || !programs.failed.is_empty())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_go() {
        for (text, seconds) in [("0", 0.0), ("90s", 90.0), ("1h30m", 5400.0), ("1.5m250ms", 90.25), ("0s", 0.0)] {
            assert_eq!(duration(text).unwrap().as_secs_f64(), seconds, "{text}");
        }
        for text in ["", "5", "m", "1x", "1..5s", "-1s", "1e9999h"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
