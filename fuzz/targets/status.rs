//! Status files: no text makes the parser panic, and no key is empty or has a space.

use godirect::project::stamps::parse_status;

pub fn run(data: &[u8]) {
    match parse_status(super::text(data)) {
        Ok(status) => assert!(status.keys().all(|key| !key.is_empty() && !key.contains(' '))),
        Err(error) => assert!(!error.render(false).is_empty()),
    }
}
