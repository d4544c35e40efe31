//! go.work: no text makes the parser panic.
#![no_main]

use std::path::Path;

use godirect::module::gowork::GoWork;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(error) = GoWork::parse(Path::new("go.work"), text) {
        assert!(!error.render(false).is_empty());
    }
});
