//! What Go source says about itself, read from file headers, and what BUILD files say; nothing here is compiled, type-checked or evaluated.

pub mod bazel;
pub mod build_file;
pub mod cgo;
pub mod choose;
pub mod constraint;
pub mod context;
pub mod embed;
pub mod functions;
pub mod glob;
pub mod header;
pub mod includes;
pub mod index;
pub mod language;
pub mod mentions;
pub mod record;
pub mod repository;
pub mod scan;
pub mod sdk;
pub mod synopsis;
pub mod testlog;
pub mod token;
pub mod tree;
pub mod unicode;
