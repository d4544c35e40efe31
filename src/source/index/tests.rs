use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use super::*;
use crate::source::scan::{Tests, scan};

/// A tree whose files were last changed long ago, as far as their own times go.
fn write(root: &Path, files: &[(&str, &str)]) {
    for (name, content) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
    }
}

const FILES: [(&str, &str); 4] = [
    ("p/a.go", "// Package p is small.\npackage p\n\nimport \"fmt\"\n"),
    ("p/a_linux.s", "//go:build !purego\n"),
    ("p/broken.go", "package p\n\nimport \"\n"),
    ("q/b_test.go", "package q_test\n"),
];

#[test]
fn a_fixed_tree_is_read_once() {
    let (root, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(root.path(), &FILES);
    let scanned: Vec<ScannedPackage> =
        ["", "p", "q", "none"].iter().map(|d| scan(&DiskTree::new(root.path()), d, Tests::Include).unwrap()).collect();
    let open = |key: &str| IndexedTree::fixed(root.path(), cache.path(), key);
    for removed in [false, true] {
        let tree = open("h1:a");
        for package in &scanned {
            assert_eq!(*tree.package(&package.directory).unwrap(), *package);
        }
        assert_eq!(tree.list("").unwrap().len(), 2);
        tree.save();
        // From here on, everything comes from the index.
        if !removed {
            fs::remove_dir_all(root.path().join("p")).unwrap();
        }
    }
    assert_eq!(open("h1:b").package("p").unwrap().files, []);
}

#[test]
fn an_edited_tree_is_read_where_it_changed() {
    let (root, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(root.path(), &FILES);
    symlink("broken.go", root.path().join("p/link.go")).unwrap();
    let check = || {
        let tree = IndexedTree::edited(Files::default(), root.path(), cache.path());
        for directory in ["p", "q", "none"] {
            let wanted = scan(&DiskTree::new(root.path()), directory, Tests::Include).unwrap();
            assert_eq!(*tree.package(directory).unwrap(), wanted, "{directory}");
        }
        tree.save();
    };
    check();
    check();
    // The same size, and times that a file system of coarse steps can't tell apart.
    write(root.path(), &[("p/a.go", "// Package q is small.\npackage q\n\nimport \"net\"\n")]);
    check();
    fs::remove_file(root.path().join("p/a.go")).unwrap();
    write(root.path(), &[("p/0.go", "package p\n"), ("p/z.go", "package p\n")]);
    check();
    fs::remove_dir_all(root.path().join("q")).unwrap();
    check();
}

#[test]
fn trusted_files_are_not_read() {
    let (root, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(root.path(), &FILES);
    let tree = IndexedTree::edited(Files::default(), root.path(), cache.path());
    // An index with the times that the files really have, and with nothing in them.
    let listing = tree.listing("p").unwrap();
    let empty = listing.iter().map(|(entry, state)| Remembered { name: entry.name.clone(), state: *state, file: None });
    tree.store.keep("package p", &empty.collect::<Vec<_>>());
    tree.save();
    let open = || IndexedTree::edited(Files::default(), root.path(), cache.path());
    assert_eq!(open().package("p").unwrap().files, []);
    fs::write(root.path().join("p/a.go"), "package changed").unwrap();
    let tree = open();
    let scanned = scan(&DiskTree::new(root.path()), "p", Tests::Include).unwrap();
    assert_eq!(tree.package("p").unwrap().files[..], scanned.files[..1]);
    assert_eq!(lock(&tree.store.new).len(), 1);
}

#[test]
fn damage_costs_time_only() {
    let (root, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(root.path(), &FILES);
    let wanted = scan(&DiskTree::new(root.path()), "p", Tests::Include).unwrap();
    let open = || IndexedTree::fixed(root.path(), cache.path(), "h1:a");
    let tree = open();
    tree.package("p").unwrap();
    tree.save();
    let path = tree.store.path.clone();
    let whole = fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x40;
        fs::write(&path, &damaged).unwrap();
        assert_eq!(*open().package("p").unwrap(), wanted, "byte {at}");
        fs::write(&path, &whole[..at]).unwrap();
        assert_eq!(*open().package("p").unwrap(), wanted, "the first {at} bytes");
    }
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let tree = open();
    assert_eq!(*tree.package("p").unwrap(), wanted);
    tree.save();
}

#[test]
fn many_may_write_at_once() {
    let (root, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(root.path(), &FILES);
    let wanted = ["p", "q"].map(|d| scan(&DiskTree::new(root.path()), d, Tests::Include).unwrap());
    std::thread::scope(|scope| {
        for number in 0..8 {
            let (root, cache, wanted) = (root.path(), cache.path(), &wanted);
            scope.spawn(move || {
                for round in 0..50 {
                    let tree = match number % 2 {
                        0 => IndexedTree::fixed(root, cache, "h1:a"),
                        _ => IndexedTree::edited(Files::default(), root, cache),
                    };
                    let package = &wanted[(number / 2 + round) % 2];
                    assert_eq!(*tree.package(&package.directory).unwrap(), *package);
                    tree.store.keep("list none", &Vec::<Entry>::new());
                    tree.save();
                }
            });
        }
    });
    let left: Vec<_> = fs::read_dir(cache.path().join(records::version())).unwrap().collect();
    assert_eq!(left.len(), 2);
}

#[test]
fn what_is_old_goes_away() {
    let (root, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(root.path(), &FILES);
    let old = SystemTime::now() - Duration::from_secs(100 * 24 * 60 * 60);
    let recent = SystemTime::now() - Duration::from_secs(80 * 24 * 60 * 60);
    write(cache.path(), &[("v0/a", ""), ("v0/b", ""), ("v1/c", "")]);
    for (path, time) in [("v0/a", old), ("v0/b", old), ("v1/c", recent)] {
        fs::File::options().write(true).open(cache.path().join(path)).unwrap().set_modified(time).unwrap();
    }
    fs::File::open(cache.path().join("v0")).unwrap().set_modified(old).unwrap();
    let tree = IndexedTree::edited(Files::default(), root.path(), cache.path());
    tree.package("p").unwrap();
    tree.save();
    let mut left: Vec<String> =
        fs::read_dir(cache.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    left.sort();
    let mut wanted = vec![records::version(), "v0".to_owned(), "v1".to_owned()];
    wanted.sort();
    // Removing the last file has made the directory young again.
    assert_eq!(left, wanted);
    assert_eq!(fs::read_dir(cache.path().join("v0")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(cache.path().join("v1")).unwrap().count(), 1);
}

#[test]
fn what_is_found_in_a_blob_is_kept() {
    let cache = tempfile::tempdir().unwrap();
    let open = |repository: &str| Blobs::new(cache.path().to_owned(), Path::new(repository));
    let ask = |blobs: &Blobs, id: &str, question: &str, answer: &str| {
        blobs.remembered(id, question, || Ok(answer.to_owned())).unwrap()
    };
    let blobs = open("a");
    assert_eq!(ask(&blobs, "1", "q", "one"), "one");
    // Also before it is written.
    assert_eq!(ask(&blobs, "1", "q", "other"), "one");
    assert_eq!(ask(&blobs, "1", "r", "two"), "two");
    assert_eq!(ask(&blobs, "2", "q", "three"), "three");
    let failed = blobs.remembered::<String>("3", "q", || Err(crate::error::Error::input("no")));
    assert!(failed.is_err());
    blobs.save();
    let blobs = open("a");
    assert_eq!(
        ["1 q", "1 r", "2 q", "3 q"].map(|key| {
            let (id, question) = key.split_once(' ').unwrap();
            ask(&blobs, id, question, "new")
        }),
        ["one", "two", "three", "new"]
    );
    assert_eq!(ask(&open("b"), "1", "q", "new"), "new");
}

#[test]
fn what_is_too_much_goes_away_unused() {
    let cache = tempfile::tempdir().unwrap();
    // Gives how many of these weren't known; a record has two bytes.
    let fill = |numbers: std::ops::Range<usize>, most: usize| {
        let (store, mut made) = (Store::open(cache.path(), "a"), 0);
        for number in numbers {
            let text = || {
                made += 1;
                Ok("x".to_owned())
            };
            store.remembered(&number.to_string(), text).unwrap();
        }
        store.save(Some(most));
        made
    };
    assert_eq!(fill(0..10, 20), 10);
    assert_eq!(fill(5..11, 20), 1);
    assert_eq!(fill(5..12, 20), 1);
    // That were eleven records, of which the last run used six.
    assert_eq!(fill(0..12, 100), 5);
    assert_eq!(fill(0..12, 100), 0);
}

#[test]
fn every_source_of_the_scanner_makes_the_version() {
    let sources = include_str!("records.rs");
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/source");
    // These decide nothing that is recorded.
    let apart = [
        "bazel.rs",
        "build_file.rs",
        "cgo.rs",
        "choose.rs",
        "context.rs",
        "embed.rs",
        "glob.rs",
        "includes.rs",
        "language.rs",
        "record.rs",
        "repository.rs",
        "sdk.rs",
        "testlog.rs",
    ];
    for (folder, prefix) in [("", "../"), ("header", "../header/"), ("token", "../token/"), ("index", "")] {
        for entry in fs::read_dir(directory.join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let is_test = name == "tests.rs";
            if name.ends_with(".rs") && !is_test && !(folder.is_empty() && apart.contains(&name.as_str())) {
                assert!(sources.contains(&format!("include_bytes!(\"{prefix}{name}\")")), "{folder}/{name}");
            }
        }
    }
}
