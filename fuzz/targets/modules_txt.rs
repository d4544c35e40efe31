//! vendor/modules.txt: no text makes the parser panic, and each module that provides a package has a version and a line.

use std::path::Path;

use godirect::module::modules_txt::ModulesTxt;

pub fn run(data: &[u8]) {
    match ModulesTxt::parse(Path::new("vendor/modules.txt"), super::text(data)) {
        Ok(parsed) => {
            for module in parsed.providers() {
                assert!(module.version.is_some());
                assert_eq!(parsed.find(&module.path, module.version.as_ref()), Some(module));
            }
        }
        Err(error) => assert!(!error.render(false).is_empty()),
    }
}
