//! godirect: one lock, one graph, the same bytes.
//!
//! ```text
//! godirect.star ─spec─▶ Spec ─┐
//! go.mod, go.sum ─module─▶ Workspace ─▶ lock ─▶ Lockfile ─┐
//! *.go ─source─▶ records ─────────────────────────────▶ graph ─▶ PackageGraph
//!                                                                  │
//!                            binaries ◀─exec─ Configuration ◀─plan─┤
//!                                                   │              │
//!                              Nix files ◀─emit::nix┘  emit::bazel─┴▶ Bazel files
//! ```
//!
//! | stage | modules |
//! |---|---|
//! | the command line, and what its verbs share | [`cli`], [`project`] |
//! | what is built | [`spec`], [`module`], [`source`], [`graph`] |
//! | from where, pinned; the only user of the network | [`lock`] |
//! | how: the recipe, and who runs it | [`plan`], [`exec`], [`emit`], [`mod@write`] |
//! | what came out; what a change can touch | [`binary`], [`affected`] |
//! | vocabulary | [`files`], [`git`], [`name`], [`digest`], [`platform`], [`error`] |
//!
//! Arrows go one way; `ARCHITECTURE.md` has the rules, and where to add things.

pub mod affected;
pub mod binary;
pub mod cli;
pub mod digest;
pub mod emit;
pub mod error;
pub mod exec;
pub mod files;
pub mod git;
pub mod graph;
pub mod lock;
pub mod module;
pub mod name;
pub mod plan;
pub mod platform;
pub mod project;
pub mod source;
pub mod spec;
pub mod write;
