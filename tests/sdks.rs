//! Which SDKs build a repository, where they come from, and that each engine takes the right one.

#[path = "support/cli.rs"]
#[allow(dead_code)] // Other tests use the rest.
mod support;

#[path = "support/engines.rs"]
#[allow(dead_code)] // Other tests use the rest.
mod engines;

#[path = "support/loopback.rs"]
#[allow(dead_code)] // Other tests use the rest.
mod loopback;

#[path = "sdks/archives.rs"]
mod archives;
#[path = "sdks/from_source.rs"]
mod from_source;
#[path = "sdks/several.rs"]
mod several;
#[path = "sdks/versions.rs"]
mod versions;
