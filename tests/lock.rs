//! Locking against a loopback proxy that misbehaves, against the real one, and against Nix's own hashes.

#[path = "support/sumdb.rs"]
mod database;
#[path = "support/loopback.rs"]
mod loopback;
#[path = "support/lock.rs"]
mod support;

#[path = "lock/file.rs"]
mod file;
#[path = "lock/goenv.rs"]
mod goenv;
#[path = "lock/http.rs"]
mod http;
#[path = "lock/modules.rs"]
mod modules;
#[path = "lock/proxy.rs"]
mod proxy;
#[path = "lock/sdk.rs"]
mod sdk;
#[path = "lock/sumdb.rs"]
mod sumdb;
#[path = "lock/zips.rs"]
mod zips;
