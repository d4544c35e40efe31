//! go.sum: no text makes the parser panic.

use std::path::Path;

use godirect::module::gosum::GoSum;

pub fn run(data: &[u8]) {
    let text = super::text(data);
    if let Err(error) = GoSum::default().add(Path::new("go.sum"), text) {
        assert!(!error.render(false).is_empty());
    }
}
