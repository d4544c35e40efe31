//! Modules from version control: the pinned SDK's `go mod download` is the oracle for hashes, and for what is refused.

#[allow(dead_code)] // Other tests use the rest.
#[path = "support/cli.rs"]
mod cli;
#[path = "direct/hosts.rs"]
mod hosts;
#[path = "direct/real.rs"]
mod real;
#[path = "support/git_server.rs"]
mod server;
#[path = "direct/shapes.rs"]
mod shapes;
#[path = "support/git.rs"]
mod support;
#[path = "direct/versions.rs"]
mod versions;
