//! The lock: what is read and written again is the same.

use std::path::Path;

use godirect::lock::file::Lockfile;

pub fn run(data: &[u8]) {
    let text = super::text(data);
    let path = Path::new("godirect.lock.json");
    match Lockfile::parse(path, text) {
        Ok(lock) => assert_eq!(Lockfile::parse(path, &lock.render()).expect("what was written can be read"), lock),
        Err(error) => assert!(!error.render(false).is_empty()),
    }
}
