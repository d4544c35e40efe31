//! Executables of all formats, and their build information.

use std::collections::BTreeMap;

use godirect::binary::buildinfo::BuildInfo;
use godirect::binary::{differences, inspect};

pub fn run(input: &[u8]) {
    let own = BTreeMap::from([("/home/me".to_owned(), "home".to_owned())]);
    if let Ok(report) = inspect(input, &own) {
        let total: u64 = report.sizes.iter().map(|size| size.bytes).fold(0, u64::saturating_add);
        assert!(total >= report.size || report.sizes.is_empty());
        assert!(differences(input, input).unwrap().is_empty());
    }
    let _ = BuildInfo::parse(&String::from_utf8_lossy(input));
}
