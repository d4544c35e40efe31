//! go.mod: no text makes the parser panic, and what a main module may say, a dependency may say too.

use std::path::Path;

use godirect::module::gomod::GoMod;

pub fn run(data: &[u8]) {
    let text = super::text(data);
    let path = Path::new("go.mod");
    let dependency = GoMod::parse_dependency(path, text);
    match GoMod::parse(path, text) {
        Ok(strict) => assert_eq!(strict.require, dependency.expect("a dependency may say less").require),
        Err(error) => assert!(!error.render(false).is_empty()),
    }
}
