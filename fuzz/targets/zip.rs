//! Module zips: no bytes make the reader panic or write outside of its directory, and the tree on disk has the hash it tells.

use godirect::lock::archive::{Layout, read_zip};
use godirect::lock::nar;

pub fn run(bytes: &[u8]) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (zip, tree) = (directory.path().join("zip"), directory.path().join("tree"));
    std::fs::write(&zip, bytes).expect("a writable directory");
    std::fs::create_dir(&tree).expect("a writable directory");
    if let Ok(read) = read_zip(&zip, Layout::Module("a.b/c@v1.0.0"), Some(&tree)) {
        assert_eq!(nar::hash_directory(&tree).expect("a tree of plain files"), read.nar);
    }
    let names: Vec<_> = std::fs::read_dir(directory.path()).expect("a directory").flatten().map(|e| e.file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}
