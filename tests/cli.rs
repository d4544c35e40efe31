//! The command line with bad input, in hostile environments, and when it is killed: whole texts, exit codes and trees.

#[path = "support/sumdb.rs"]
mod database;
#[path = "support/https.rs"]
mod https;
#[path = "support/loopback.rs"]
mod loopback;
#[path = "support/random.rs"]
mod random;
#[path = "support/cli.rs"]
mod support;

#[path = "cli/attacks.rs"]
mod attacks;
#[path = "cli/determinism.rs"]
mod determinism;
#[path = "cli/engine.rs"]
mod engine;
#[path = "cli/fetching.rs"]
mod fetching;
#[path = "cli/graph.rs"]
mod graph;
#[path = "cli/killed.rs"]
mod killed;
#[path = "cli/list.rs"]
mod list;
#[path = "cli/lock_file.rs"]
mod lock_file;
#[path = "cli/memo.rs"]
mod memo;
#[path = "cli/network.rs"]
mod network;
#[path = "cli/output.rs"]
mod output;
#[path = "cli/sdk_source.rs"]
mod sdk_source;
#[path = "cli/sources.rs"]
mod sources;
#[path = "cli/spec.rs"]
mod spec;
#[path = "cli/stale.rs"]
mod stale;
#[path = "cli/sumdb.rs"]
mod sumdb;
#[path = "cli/update.rs"]
mod update;
#[path = "cli/why.rs"]
mod why;
