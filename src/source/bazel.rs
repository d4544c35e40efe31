//! What BUILD files declare, as far as that can be said without evaluating Starlark.

pub mod glob;
pub mod label;
pub mod literals;
pub mod package;
