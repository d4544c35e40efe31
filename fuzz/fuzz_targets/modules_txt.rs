//! vendor/modules.txt: no text makes the parser panic, and each module that provides a package has a version and a line.
#![no_main]

use std::path::Path;

use godirect::module::modules_txt::ModulesTxt;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| match ModulesTxt::parse(Path::new("vendor/modules.txt"), text) {
    Ok(parsed) =>
        for module in parsed.providers() {
            assert!(module.version.is_some());
            assert_eq!(parsed.find(&module.path, module.version.as_ref()), Some(module));
        },
    Err(error) => assert!(!error.render(false).is_empty()),
});
