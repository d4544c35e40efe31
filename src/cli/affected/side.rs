//! A tree whose targets are compared: a commit, the files that are checked out, or what was saved of one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::affected::{self, State};
use crate::cli::output;
use crate::error::{Error, Result};
use crate::files::{Files, Notes};
use crate::git::{Repository, Revision, Snapshot, Worktree};
use crate::lock::cache::{Cache, PARSED};
use crate::project::memo::Memo;
use crate::project::state::Build;
use crate::project::{self, Project, Variant};
use crate::source::index::Blobs;

/// What counts as a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Truth {
    /// What is different for the compiler and the linker, and for tests that run; the same with and without `-trimpath`.
    #[value(aliases = ["go-plain", "go-trimpath"])]
    Go,
    /// Inputs of Bazel's actions, BUILD files and what configures Bazel.
    Bazel,
    /// Inputs of derivations, and the Nix files.
    Nix,
}

/// A kind of target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    Package,
    Test,
    Binary,
    /// Container images of the spec.
    Image,
    /// What BUILD files declare that isn't Go and no test; only with --truth bazel.
    Other,
}

impl Kind {
    /// As it is shown.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Package => affected::Kind::Package,
            Kind::Test => affected::Kind::Test,
            Kind::Binary => affected::Kind::Binary,
            Kind::Image => affected::Kind::Image,
            Kind::Other => affected::Kind::Other,
        }
        .name()
    }
}

/// Which of the spec's configurations count.
#[derive(Debug, Default, clap::Args)]
#[group(skip)]
pub struct Chosen {
    /// Only for this platform of the spec (its name, or GOOS/GOARCH); may be repeated. By default for all.
    #[arg(long, value_name = "PLATFORM")]
    pub platform: Vec<String>,
    /// Only in this profile of the spec. By default in all that binaries have.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
}

/// A tree.
pub struct Side {
    /// How messages name it.
    pub name: String,
    files: Files,
    blobs: Option<Arc<Blobs>>,
    tree: Tree,
}

enum Tree {
    Nothing,
    Commit(Arc<Snapshot>),
    Worktree(Worktree),
    Saved(Box<Saved>),
}

/// What is saved of a tree.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    version: u32,
    truth: Truth,
    state: State,
}

/// The version of saved states.
const VERSION: u32 = 5;

impl Side {
    /// The tree of a commit, of whose files is known what `blobs` has.
    pub fn of_commit(
        repository: &Arc<Repository>,
        blobs: Option<Arc<Blobs>>,
        revision: &Revision,
        directory: &Path,
    ) -> Result<Side> {
        let tree = repository.snapshot(revision)?;
        let files = Files::of_commit(tree.clone(), directory);
        let name = format!("{} ({})", revision.name, &revision.commit[..12]);
        Ok(Side { name, files, blobs, tree: Tree::Commit(tree) })
    }

    /// The files that are checked out.
    pub fn of_worktree(repository: &Arc<Repository>) -> Result<Side> {
        let tree = Tree::Worktree(repository.worktree()?);
        Ok(Side { name: "the working tree".to_owned(), files: Files::default(), blobs: None, tree })
    }

    /// No tree: nothing is there.
    pub fn nothing() -> Side {
        Side { name: "nothing".to_owned(), files: Files::default(), blobs: None, tree: Tree::Nothing }
    }

    /// What was saved in a file.
    pub fn saved(file: &Path) -> Result<Side> {
        let text = std::fs::read_to_string(file).map_err(|e| Error::io("read", file, &e))?;
        let help = "write it anew: `godirect fingerprint --save FILE`";
        let wrong = |why: String| Error::input(format!("{} is no saved state: {why}", file.display())).help(help);
        let saved: Saved = serde_json::from_str(&text).map_err(|e| wrong(e.to_string()))?;
        if saved.version != VERSION {
            return Err(wrong(format!("its version is {}, and this program knows {VERSION}", saved.version)));
        }
        Ok(Side { name: file.display().to_string(), files: Files::default(), blobs: None, tree: Tree::Saved(Box::new(saved)) })
    }

    /// The commit that it is.
    pub fn commit(&self) -> Option<&Snapshot> {
        match &self.tree {
            Tree::Commit(tree) => Some(tree),
            Tree::Nothing | Tree::Worktree(_) | Tree::Saved(_) => None,
        }
    }

    /// Whether it is what was saved of a tree, which has no files.
    pub fn is_saved(&self) -> bool {
        matches!(self.tree, Tree::Saved(_))
    }

    /// The content of a file; none of what was saved.
    pub fn read(&self, path: &Path) -> Option<Vec<u8>> {
        match &self.tree {
            Tree::Nothing | Tree::Saved(_) => None,
            Tree::Commit(_) | Tree::Worktree(_) => self.files.read(path).ok(),
        }
    }

    /// The directory of the spec with all files around it: as it is, or for a commit written to `place`, which isn't there yet.
    ///
    /// # Errors
    ///
    /// When they can't be written; for what was saved, of which there are no files.
    pub fn checked_out(&self, directory: &Path, place: &Path) -> Result<PathBuf> {
        match &self.tree {
            Tree::Commit(tree) => tree.write(place),
            Tree::Worktree(_) => Ok(directory.to_owned()),
            Tree::Nothing | Tree::Saved(_) => {
                let error = Error::input(format!("{} has no files that the go command could look at", self.name));
                Err(error.help("compare two commits, or a commit and the working tree"))
            }
        }
    }

    /// What its targets are made of.
    pub fn state(&self, directory: &Path, chosen: &Chosen, truth: Truth) -> Result<State> {
        let state = match &self.tree {
            Tree::Nothing => Ok(State::default()),
            Tree::Commit(tree) => {
                let question = format!("state {} {truth:?} {:?} {:?}", tree.identity(), chosen.platform, chosen.profile);
                kept(question, || self.read_state(directory, chosen, truth, &|path| tree.id(path)))
            }
            Tree::Worktree(tree) => self.read_state(directory, chosen, truth, &|path| tree.id(path)),
            Tree::Saved(saved) if saved.truth != truth => {
                let error = Error::input("it was saved with another --truth");
                Err(error.help("give the same --truth to both commands"))
            }
            Tree::Saved(saved) => Ok(saved.state.clone()),
        };
        state.map_err(|error| error.context(format!("in {}", self.name)))
    }

    /// Writes what was found out about its files, for later questions about them.
    pub fn remember(&self) {
        self.blobs.iter().for_each(|blobs| blobs.save());
    }

    fn read_state(&self, directory: &Path, chosen: &Chosen, truth: Truth, id: &project::state::FileId) -> Result<State> {
        let project = Project::open_known(self.files.clone(), self.blobs.clone(), directory)?;
        let lock = project::read_lock(&self.files, directory)?;
        let locked = project.with_lock(&lock)?;
        let variants = chosen_variants(&project, chosen);
        let build = match truth {
            Truth::Go => Build::Go,
            Truth::Bazel => Build::Bazel,
            Truth::Nix => Build::Nix,
        };
        locked.state(&variants, build, id)
    }
}

/// What is known of the files of a repository's commits; `None` where nothing can be kept.
pub fn blobs(repository: &Repository) -> Option<Arc<Blobs>> {
    let cache = Cache::place().ok()?.join(PARSED);
    Some(Arc::new(Blobs::new(cache, &repository.place())))
}

/// The variants of a project that are chosen.
pub fn chosen_variants<'p>(project: &'p Project, chosen: &Chosen) -> Vec<Variant<'p>> {
    let mut variants = project.variants();
    variants.retain(|variant| {
        let target = variant.target;
        let is = |name: &String| name == "all" || *name == target.name || name.parse().is_ok_and(|p| target.platform == p);
        let of_platform = chosen.platform.is_empty() || chosen.platform.iter().any(is);
        of_platform && chosen.profile.as_ref().is_none_or(|profile| profile == variant.profile_name)
    });
    variants
}

/// The state that a question is about, which is always the same: from the user's cache, or else made and kept there.
fn kept(question: String, make: impl FnOnce() -> Result<State>) -> Result<State> {
    let memo = Memo::of_constant(question);
    if let Some(answer) = memo.as_ref().and_then(Memo::recall)
        && let Ok(state) = postcard::from_bytes(answer.bytes())
    {
        return Ok(state);
    }
    let state = make()?;
    if let (Some(memo), Ok(answer)) = (&memo, postcard::to_allocvec(&state)) {
        memo.keep(&answer, Notes::default());
    }
    Ok(state)
}

/// Saves a state for later.
pub fn save(file: &Path, truth: Truth, state: &State) -> Result<()> {
    let saved = Saved { version: VERSION, truth, state: state.clone() };
    let text = output::as_json(&saved)?;
    crate::write::atomic(file, text.as_bytes())
}

/// A platform or profile that no tree has is a mistake.
pub fn check_chosen(chosen: &Chosen, states: &[&State]) -> Result<()> {
    if states.iter().any(|state| !state.views.is_empty()) {
        return Ok(());
    }
    let what: Vec<&str> = chosen.platform.iter().chain(&chosen.profile).map(String::as_str).collect();
    let error = Error::input(format!("the spec has no platform with a profile that is {}", what.join(" and ")));
    Err(error.help("`godirect graph --json` shows which there are"))
}
