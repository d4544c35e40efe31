//! go.work: no text makes the parser panic.

use std::path::Path;

use godirect::module::gowork::GoWork;

pub fn run(data: &[u8]) {
    let text = super::text(data);
    if let Err(error) = GoWork::parse(Path::new("go.work"), text) {
        assert!(!error.render(false).is_empty());
    }
}
