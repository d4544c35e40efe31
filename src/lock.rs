//! The lock: what is pinned and how it was proven. The only module that opens sockets.

use std::sync::OnceLock;

pub mod archive;
pub mod build;
pub mod cache;
pub mod changes;
mod direct;
pub mod download;
pub mod fetch;
pub mod file;
pub mod goenv;
pub mod known;
pub mod nar;
pub mod proxy;
pub mod resolve;
pub mod sdk;
pub mod sumdb;
pub mod transport;
pub mod updates;
pub mod vendor;
pub mod verify;

/// How many requests run at once: they wait for the network, not for a processor.
const CONNECTIONS: usize = 16;

/// Runs `work` where its parallel iterators have a thread for each connection.
pub fn with_connections<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    static POOL: OnceLock<Option<rayon::ThreadPool>> = OnceLock::new();
    match POOL.get_or_init(|| rayon::ThreadPoolBuilder::new().num_threads(CONNECTIONS).build().ok()) {
        Some(pool) => pool.install(work),
        None => work(),
    }
}

/// What goes on during a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// What is fetched, e.g. `github.com/fatih/color@v1.18.0`.
    pub what: &'a str,
    /// Bytes so far.
    pub bytes: u64,
    /// Bytes in all, when the server tells.
    pub total: Option<u64>,
    /// Whether it is complete.
    pub done: bool,
}

/// Is told about downloads, from several threads.
pub type OnProgress<'a> = dyn Fn(Progress<'_>) + Sync + 'a;
