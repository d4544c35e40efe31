//! The lock: what is pinned and how it was proven. The only module that opens sockets.

pub mod archive;
pub mod cache;
pub mod fetch;
pub mod file;
mod goenv;
pub mod nar;
pub mod proxy;
pub mod resolve;
pub mod sdk;

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
