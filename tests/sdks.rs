//! Which SDK a repository is built with, held against the go command of the pinned SDK.

#[path = "support/cli.rs"]
#[allow(dead_code)] // Other tests use the rest.
mod support;

#[path = "sdks/versions.rs"]
mod versions;
