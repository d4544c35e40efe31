//! go.sum: no text makes the parser panic.
#![no_main]

use std::path::Path;

use godirect::module::gosum::GoSum;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(error) = GoSum::default().add(Path::new("go.sum"), text) {
        assert!(!error.render(false).is_empty());
    }
});
