//! godirect: one lock, one graph, the same bytes.

pub mod cli;
pub mod digest;
pub mod emit;
pub mod error;
pub mod exec;
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
