//! The command `godirect`.

fn main() {}
