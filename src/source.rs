//! What one directory of Go source says about itself, read from file headers; independent of any platform.

pub mod constraint;
pub mod record;
