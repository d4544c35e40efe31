//! Depfiles of C compilers: no text makes the parser panic or name something empty.

use godirect::exec::depfile;

pub fn run(data: &[u8]) {
    assert!(depfile::parse(super::text(data)).iter().all(|name| !name.is_empty()));
}
