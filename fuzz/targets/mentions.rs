//! What Go source mentions, and whether two files compile to the same: no bytes make either panic, the order of the two, or of two versions
//! of the language, doesn't matter, and all names are relative. (What can't be read isn't even the same as itself.)

use godirect::source::language::means_the_same;
use godirect::source::mentions::{Mentions, assemble_to_the_same, compile_to_the_same};

pub fn run(content: &[u8]) {
    let found = Mentions::of(content);
    assert!(found.paths.iter().all(|path| !path.is_empty() && !path.starts_with('/')));
    assert!(assemble_to_the_same(content, content));
    assert_eq!(means_the_same(content, "1.21", "1.26"), means_the_same(content, "1.26", "1.21"));
    let (one, other) = content.split_at(content.len() / 2);
    assert_eq!(compile_to_the_same(one, other), compile_to_the_same(other, one));
    assert_eq!(assemble_to_the_same(one, other), assemble_to_the_same(other, one));
}
