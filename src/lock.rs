//! The lock: what is pinned and how it was proven. The only module that opens sockets.

pub mod file;
