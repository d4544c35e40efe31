//! godirect: one lock, one graph, the same bytes.

pub mod digest;
pub mod error;
pub mod graph;
pub mod lock;
pub mod name;
pub mod platform;
pub mod source;
