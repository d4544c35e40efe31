//! `godirect affected`

mod explained;
mod formats;
mod shadow;
pub(super) mod side;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::output::{self, JSON_VERSION};
use crate::affected::{self, Compared, Impact, Sameness, Status};
use crate::error::{self, Class, Error, Result};
use crate::git::{Repository, Revision, Snapshot};
use crate::platform::{OsArch, Platform};
use crate::project::state::MANUAL;
use crate::source::repository::{Known, known};
use crate::source::{functions, language, mentions};
use crate::write;
use formats::{Format, Sharing};
use shadow::Verified;
use side::{Chosen, Kind, Side, Truth, blobs, check_chosen};

/// Tell which packages, tests and binaries a change can touch.
///
/// Compares two trees, the base and the head, which are read from git without a checkout; needs neither Go nor Bazel nor Nix nor a network. A
/// target is affected if anything is different that its build consumes: the repository's files, packages that it needs, modules, SDK and
/// flags as spec and lock say them; and for a test also what it may read while it runs (docs/affected.md has the rules). A change of comments that
/// moves no code is no difference, except with --truth bazel and nix, where files count as they are.
///
/// Nothing is left out because of an error: when one of the trees can't be understood, the exit code is 2 and nothing is printed to standard
/// output.
///
/// With --truth bazel, which is the default for labels, what BUILD files declare beside Go are targets, too. Tags of BUILD files, and of comments
/// `//godirect:tags` in Go files, say what is in no list (`manual`) and what is in every answer (`always-affected`).
///
/// Examples: `godirect affected --base origin/main --merge-base`, `godirect affected --base HEAD^ --head HEAD --explain`,
/// `godirect affected --base origin/main --format labels --kind test`
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Arguments {
    /// The tree before the change: a branch, tag or commit.
    #[arg(long, value_name = "REVISION", default_value = "HEAD")]
    base: String,
    /// The tree after the change; by default the files that are checked out, with all that isn't committed.
    #[arg(long, value_name = "REVISION")]
    head: Option<String>,
    /// Take as base where the head's history (that of HEAD, for files that are checked out) left the base's.
    #[arg(long)]
    merge_base: bool,
    /// The base is known to build, as a branch does that nothing else is merged into: a newer go line then touches no package by what it allows.
    #[arg(long)]
    base_builds: bool,
    /// Take all targets for affected, as if there had been none before: where there is no base, as for the first commit of a branch.
    #[arg(long, conflicts_with_all = ["base", "merge_base", "base_builds", "base_state", "verify"])]
    all: bool,
    /// In place of --base, what `godirect fingerprint --save` has written there.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["base", "merge_base"])]
    base_state: Option<PathBuf>,
    /// In place of --head, in the same way.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["head", "merge_base"])]
    head_state: Option<PathBuf>,
    /// Compare nothing, and take the answer from what `--json` has printed into this file, to show it in another way.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["base", "merge_base", "base_builds", "all", "base_state", "head", "head_state", "platform", "profile", "truth", "verify"])]
    answer: Option<PathBuf>,
    #[command(flatten)]
    chosen: Chosen,
    /// Only targets of this kind; may be repeated.
    #[arg(long, value_name = "KIND", value_enum)]
    kind: Vec<Kind>,
    /// What is printed. All lists leave out what the head doesn't have any more, and what is tagged `manual`.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "text")]
    format: Format,
    /// What counts as a difference: what a Go build's result depends on, or what Bazel or Nix look at. By default what fits the format.
    #[arg(long, value_name = "TRUTH", value_enum)]
    truth: Option<Truth>,
    /// Show why, from the change to the target: for this target (an import path, a binary or a label), or for all.
    #[arg(long, value_name = "TARGET", num_args = 0..=1, default_missing_value = "")]
    explain: Option<String>,
    /// What has this tag is in every answer; may be repeated.
    #[arg(long, value_name = "TAG", default_value = "always-affected", conflicts_with = "answer")]
    always_affected: Vec<String>,
    /// At most so many shards in the formats for CI; never more than 256.
    #[arg(long, value_name = "N", default_value_t = formats::MAX_SHARDS)]
    shards: usize,
    /// Write the labels of affected packages and binaries to this file, for `bazel build --target_pattern_file`.
    #[arg(long, value_name = "FILE")]
    build_file: Option<PathBuf>,
    /// Write the labels of affected tests to this file, for `bazel test --target_pattern_file`.
    #[arg(long, value_name = "FILE")]
    test_file: Option<PathBuf>,
    /// Also ask the go command of the pinned SDK, which has to compile both trees, and report what it tells apart that the answer lacks: that
    /// must be nothing.
    #[arg(long)]
    verify: bool,
    /// Exit with 1 if something is affected, as `git diff --exit-code` does.
    #[arg(long)]
    exit_code: bool,
}

/// What is affected, as JSON shows it.
#[derive(Serialize)]
struct Answer<'a> {
    version: u32,
    base: &'a str,
    head: &'a str,
    truth: Truth,
    /// How many targets the two trees have.
    targets: usize,
    /// How many steps the builds of the head have, and how many of these are as in the base.
    steps: usize,
    reused_steps: usize,
    /// Whether no target is affected.
    nothing: bool,
    affected: &'a [Impact],
    /// The platforms of all views.
    platforms: &'a BTreeMap<String, String>,
    /// What the go command says, with `--verify`.
    #[serde(skip_serializing_if = "Option::is_none")]
    verified: Option<&'a [Verified]>,
}

/// The same, as it is read again.
#[derive(Deserialize)]
struct Given {
    version: u32,
    base: String,
    head: String,
    truth: Truth,
    targets: usize,
    steps: usize,
    reused_steps: usize,
    affected: Vec<Impact>,
    platforms: BTreeMap<String, String>,
    verified: Option<Vec<Verified>>,
}

pub fn run(directory: &Path, arguments: &Arguments, json: bool) -> Result<ExitCode> {
    let start = Instant::now();
    if let Some(file) = &arguments.answer {
        let given = given(file)?;
        let Given { targets, steps, reused_steps: reused, affected: impacts, platforms, .. } = given;
        let compared = Compared { impacts, targets, steps, reused, platforms };
        let names = (given.base.as_str(), given.head.as_str());
        return finish(arguments, json, given.truth, names, (compared, given.verified.as_deref()), start);
    }
    let truth = arguments.truth.unwrap_or(match arguments.format {
        Format::Labels => Truth::Bazel,
        Format::Nix => Truth::Nix,
        _ if arguments.build_file.is_some() || arguments.test_file.is_some() => Truth::Bazel,
        _ => Truth::Go,
    });
    let (base, head) = sides(directory, arguments)?;
    let state = |side: &Side| side.state(directory, &arguments.chosen, truth);
    let (before, after) = rayon::join(|| state(&base), || state(&head));
    base.remember();
    head.remember();
    let (before, after) = (before?, after?);
    check_chosen(&arguments.chosen, &[&before, &after])?;
    let always = arguments.always_affected.iter().cloned().collect();
    // All views ask about the same files.
    let (contents, languages, code) = Default::default();
    let same = Sameness {
        content: &|path| once(&contents, path, || is_same(&base, &head, directory, path)),
        language: &|path, one, other| {
            let is_same = if arguments.base_builds { language::stays_the_same } else { language::means_the_same };
            let look = || head.read(&error::file_in(directory, path)).is_some_and(|it| is_same(&it, one, other));
            once(&languages, &format!("{path} {one} {other}"), look)
        },
        no_code: &|path| once(&code, path, || have_no_code(&base, &head, directory, path)),
    };
    let same = if truth == Truth::Go { same } else { affected::STRICTLY };
    let mut compared = affected::compare(&before, &after, same, &always);
    if json || arguments.format.has_keys() {
        affected::add_fingerprints(&mut compared.impacts, &after);
    }
    if let (Some(before), Some(after)) = (base.commit(), head.commit()) {
        refuse_submodules(before, after)?;
    }
    let verified =
        arguments.verify.then(|| shadow::verify([&base, &head], directory, &arguments.chosen, &compared)).transpose()?;
    finish(arguments, json, truth, (&base.name, &head.name), (compared, verified.as_deref()), start)
}

/// An answer that was printed before.
fn given(file: &Path) -> Result<Given> {
    let text = std::fs::read_to_string(file).map_err(|e| Error::io("read", file, &e))?;
    let wrong = |why: String| {
        let error = Error::input(format!("{} is no answer of `godirect affected`: {why}", file.display()));
        error.help("write it anew: `godirect affected --json … >FILE`")
    };
    let given: Given = serde_json::from_str(&text).map_err(|e| wrong(e.to_string()))?;
    if given.version != JSON_VERSION {
        return Err(wrong(format!("its version is {}, and this program knows {JSON_VERSION}", given.version)));
    }
    Ok(given)
}

/// Shows an answer, and writes it where it was asked for.
fn finish(
    arguments: &Arguments,
    json: bool,
    truth: Truth,
    names: (&str, &str),
    (mut compared, verified): (Compared, Option<&[Verified]>),
    start: Instant,
) -> Result<ExitCode> {
    let wanted: BTreeSet<&str> = arguments.kind.iter().map(|kind| kind.name()).collect();
    compared.impacts.retain(|impact| wanted.is_empty() || wanted.contains(impact.kind.name()));
    write_patterns(arguments, &compared)?;
    show(arguments, json, truth, names, (&compared, verified), start)?;
    verified.map(shadow::check).transpose()?;
    let nothing = compared.impacts.is_empty();
    Ok(if arguments.exit_code && !nothing { ExitCode::from(Class::Negative.exit_code()) } else { ExitCode::SUCCESS })
}

fn sides(directory: &Path, arguments: &Arguments) -> Result<(Side, Side)> {
    if let (Some(base), Some(head)) = (&arguments.base_state, &arguments.head_state) {
        return Ok((Side::saved(base)?, Side::saved(head)?));
    }
    let repository = Repository::discover(directory)?;
    let blobs = blobs(&repository);
    let of = |revision: &Revision| Side::of_commit(&repository, blobs.clone(), revision, directory);
    let head = match (&arguments.head_state, &arguments.head) {
        (Some(file), _) => Side::saved(file)?,
        (None, Some(revision)) => of(&repository.revision(revision)?)?,
        (None, None) => Side::of_worktree(&repository)?,
    };
    if let Some(file) = &arguments.base_state {
        return Ok((Side::saved(file)?, head));
    }
    if arguments.all {
        return Ok((Side::nothing(), head));
    }
    let mut base = repository.revision(&arguments.base)?;
    if arguments.merge_base {
        let head = repository.revision(arguments.head.as_deref().unwrap_or("HEAD"))?;
        base = repository.merge_base(&base, &head)?;
    }
    Ok((of(&base)?, head))
}

/// What Go packages in a submodule are made of isn't in the repository.
fn refuse_submodules(base: &Snapshot, head: &Snapshot) -> Result<()> {
    let changed = head.changed_submodules(base);
    match changed.map_err(|e| Error::environment(format!("failed to read a tree of git: {e}")))?.first() {
        None => Ok(()),
        Some(path) => {
            let error = Error::input(format!("the submodule {path} has changed, and its files aren't in this repository"));
            Err(error.help("take all targets for affected, or check it out and compare with the working tree"))
        }
    }
}

/// The answer to a question, which is looked for once.
fn once(answers: &Known<bool>, question: &str, look: impl FnOnce() -> bool) -> bool {
    known(answers, question, || Ok(look())).is_ok_and(|answer| *answer)
}

/// Whether both trees have the same code in a file of Go or assembly.
fn is_same(base: &Side, head: &Side, directory: &Path, path: &str) -> bool {
    let read = |side: &Side| side.read(&error::file_in(directory, path));
    let (Some(one), Some(other)) = (read(base), read(head)) else { return false };
    if path.ends_with(".s") {
        return mentions::assemble_to_the_same(&one, &other);
    }
    mentions::compile_to_the_same(&one, &other) && (!path.ends_with("_test.go") || functions::are_the_same(&one, &other))
}

/// Whether a Go file has no code in any of the two trees, of which one or both have it.
fn have_no_code(base: &Side, head: &Side, directory: &Path, path: &str) -> bool {
    // Of what was saved it isn't known whether it has the file.
    let sides = [base, head];
    let mut found = sides.iter().filter_map(|side| side.read(&error::file_in(directory, path))).peekable();
    !sides.iter().any(|side| side.is_saved()) && found.peek().is_some() && found.all(|it| mentions::has_no_code(&it))
}

fn write_patterns(arguments: &Arguments, compared: &Compared) -> Result<()> {
    let files = [(&arguments.build_file, false), (&arguments.test_file, true)];
    for (file, is_test) in files.into_iter().filter_map(|(file, is_test)| Some((file.as_ref()?, is_test))) {
        let listed = listed(&compared.impacts).into_iter();
        let labels = formats::labels(listed.filter(|impact| (impact.kind == affected::Kind::Test) == is_test));
        write::atomic(file, labels.as_bytes())?;
    }
    Ok(())
}

fn show(
    arguments: &Arguments,
    json: bool,
    truth: Truth,
    (base, head): (&str, &str),
    (compared, verified): (&Compared, Option<&[Verified]>),
    start: Instant,
) -> Result<()> {
    let Compared { impacts, targets, steps, reused, platforms } = compared;
    // Lists are for programs.
    shadow::lines(verified.unwrap_or_default()).iter().for_each(|line| eprintln!("{line}"));
    if json {
        let (targets, steps, reused_steps, nothing) = (*targets, *steps, *reused, impacts.is_empty());
        let affected = impacts;
        return output::json(&Answer {
            version: JSON_VERSION,
            base,
            head,
            truth,
            targets,
            steps,
            reused_steps,
            nothing,
            affected,
            platforms,
            verified,
        });
    }
    match arguments.format {
        Format::Text => text(arguments, compared, start),
        Format::Dot | Format::Mermaid => {
            let shown: Vec<&Impact> = impacts.iter().filter(|impact| is_asked_for(arguments, impact)).collect();
            output::text(formats::render(arguments.format, &shown, &Sharing::default())?)
        }
        format => {
            let sharing = Sharing { most: arguments.shards, elsewhere: elsewhere(platforms)? };
            output::text(formats::render(format, &listed(impacts), &sharing)?)
        }
    }
}

/// Whether `--explain` is about a target, or about all.
fn is_asked_for(arguments: &Arguments, impact: &Impact) -> bool {
    match arguments.explain.as_deref() {
        None | Some("") => true,
        Some(name) => impact.name == name || impact.label == name || format!("./{}", impact.directory) == name,
    }
}

/// The views whose programs this machine can't run; none if that are all of them.
fn elsewhere(platforms: &BTreeMap<String, String>) -> Result<BTreeSet<String>> {
    let host = OsArch::host()?;
    let runs_here = |platform: &str| platform.parse().is_ok_and(|platform: Platform| platform.os_arch() == host);
    let found: BTreeSet<String> =
        platforms.iter().filter(|(_, platform)| !runs_here(platform)).map(|(view, _)| view.clone()).collect();
    Ok(if found.len() == platforms.len() { BTreeSet::new() } else { found })
}

/// The impacts on targets that are in lists: those that the head has, as far as Bazel's wildcards match them.
fn listed(impacts: &[Impact]) -> Vec<&Impact> {
    impacts.iter().filter(|impact| impact.status != Status::Removed && !impact.tags.contains(MANUAL)).collect()
}

fn text(arguments: &Arguments, compared: &Compared, start: Instant) -> Result<()> {
    let Compared { impacts, targets, .. } = compared;
    let shown: Vec<&Impact> = impacts.iter().filter(|impact| is_asked_for(arguments, impact)).collect();
    let mut text = String::new();
    for impact in &shown {
        let status = match impact.status {
            Status::Added => "  (new)",
            Status::Changed => "",
            Status::Removed => "  (gone)",
            Status::Always => "  (always)",
        };
        let manual = if impact.tags.contains(MANUAL) { "  (manual)" } else { "" };
        let because = if arguments.explain.is_some() { formats::because(impact) } else { String::new() };
        text += &format!("{:<8} {}{status}{manual}{because}\n", impact.kind.name(), impact.name);
    }
    if shown.is_empty() && !impacts.is_empty() {
        text += "this target isn't affected\n";
    }
    let count = |kind, noun: &str| {
        let number = impacts.iter().filter(|impact| impact.kind == kind).count();
        output::count(number, noun)
    };
    let [packages, tests] =
        [(affected::Kind::Package, "package"), (affected::Kind::Test, "test")].map(|(k, noun)| count(k, noun));
    let binaries = impacts.iter().filter(|impact| impact.kind == affected::Kind::Binary).count();
    let binaries = if binaries == 1 { "1 binary".to_owned() } else { format!("{binaries} binaries") };
    let images = match impacts.iter().filter(|impact| impact.kind == affected::Kind::Image).count() {
        0 => String::new(),
        images => format!(", {}", output::count(images, "image")),
    };
    let others = match impacts.iter().filter(|impact| impact.kind == affected::Kind::Other).count() {
        0 => String::new(),
        others => format!(", {}", output::count(others, "other")),
    };
    let summary = match impacts.is_empty() {
        true => format!("nothing of {}", output::count(*targets, "target")),
        false => format!("{packages}, {tests}, {binaries}{images}{others} of {}", output::count(*targets, "target")),
    };
    output::text(text)?;
    output::line("affected", format!("{summary}  {}", output::duration(start.elapsed())));
    Ok(())
}
