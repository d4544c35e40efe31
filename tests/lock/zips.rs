//! Zips that are traps, and damaged ones.

use std::io::Cursor;

use godirect::error::Class;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::support::*;

#[test]
fn truncated_zips() {
    let whole = zip_of(&GOOD);
    let error = error_of_zip(whole[..whole.len() / 2].to_vec());
    assert_eq!(error.class(), Class::Environment);
    assert_eq!(
        error.to_string(),
        "a.example/m@v1.0.0: the zip is damaged: invalid Zip archive: Could not find EOCD \
         (run it again; if that doesn't help, the server has a damaged file)"
    );
}

#[test]
fn hostile_zips() {
    let m = |name: &str| format!("a.example/m@v1.0.0/{name}");
    let named = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|n| m(n)).collect();
        let files: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), &b"x"[..])).collect();
        zip_of(&files)
    };
    let file = |name: &str, why: &str| format!("file \"{}\": {why}", m(name));
    let mut symlink = ZipWriter::new(Cursor::new(Vec::new()));
    symlink.add_symlink(m("passwd"), "/etc/passwd", SimpleFileOptions::default()).unwrap();
    let duplicate = {
        // The writer refuses duplicates, so one name is changed in the bytes.
        let bytes = named(&["a.go", "b.go"]);
        let (from, to) = (m("b.go").into_bytes(), m("a.go").into_bytes());
        let mut changed = bytes.clone();
        for i in 0..=bytes.len() - from.len() {
            if bytes[i..i + from.len()] == from {
                changed[i..i + from.len()].copy_from_slice(&to);
            }
        }
        changed
    };
    let cases: Vec<(Vec<u8>, String)> = vec![
        (named(&["../evil.go"]), file("../evil.go", "invalid path element \"..\"")),
        (named(&["a/../../evil.go"]), file("a/../../evil.go", "invalid path element \"..\"")),
        (named(&["a//b.go"]), file("a//b.go", "it has an empty path element")),
        (named(&["a\\b.go"]), format!("file \"{}\": invalid char '\\\\'", m("a\\\\b.go"))),
        (named(&["aux.go"]), file("aux.go", "\"AUX\" disallowed as path element component on Windows")),
        (named(&["A.go", "a.go"]), file("a.go", "case-insensitive file name collision: \"A.go\" and \"a.go\"")),
        (named(&["a", "a/b.go"]), file("a/b.go", "\"a\" is both a file and a directory")),
        (named(&["x/go.mod"]), file("x/go.mod", "go.mod file not in module root directory")),
        (named(&["GO.MOD"]), file("GO.MOD", "go.mod files must have lowercase names")),
        (
            zip_of(&[("/etc/passwd", b"x")]),
            "file \"/etc/passwd\": path does not have prefix \"a.example/m@v1.0.0/\"".to_owned(),
        ),
        (
            zip_of(&[("a.example/m@v2.0.0/a.go", b"x")]),
            "file \"a.example/m@v2.0.0/a.go\": path does not have prefix \"a.example/m@v1.0.0/\"".to_owned(),
        ),
        (symlink.finish().unwrap().into_inner(), file("passwd", "it is a symlink or a special file")),
        (duplicate, "a file name occurs more than once".to_owned()),
        (zip_of(&[]), "it has no files".to_owned()),
    ];
    for (zip, expected) in cases {
        let error = error_of_zip(zip);
        assert_eq!(error.class(), Class::Verification);
        assert_eq!(
            error.to_string(),
            format!(
                "a.example/m@v1.0.0: the archive is refused: {expected} \
                 (no build of Go makes such an archive: don't use it, and tell who runs the server)"
            )
        );
    }
}

/// A zip that claims more than the cap, and one that has more than it claims.
#[test]
fn bombs() {
    let zeros = vec![0; 64 << 20];
    let names: Vec<String> = (0..9).map(|i| format!("a.example/m@v1.0.0/{i}")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), zeros.as_slice())).collect();
    let bomb = zip_of(&files);
    assert!(bomb.len() < 1 << 20);
    assert_eq!(
        error_of_zip(bomb).message(),
        "a.example/m@v1.0.0: the archive is refused: its files together are larger than 524288000 bytes"
    );

    let mut liar = zip_of(&files[..1]);
    let real = u32::to_le_bytes(64 << 20);
    for i in 0..liar.len() - 4 {
        if liar[i..i + 4] == real {
            liar[i..i + 4].copy_from_slice(&1000_u32.to_le_bytes());
        }
    }
    assert_eq!(
        error_of_zip(liar).message(),
        "a.example/m@v1.0.0: the archive is damaged: file \"a.example/m@v1.0.0/0\": File is larger than its declared uncompressed size"
    );
}

#[test]
fn zips_survive_damage() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("zip");
    let whole = zip_of(&GOOD);
    let layout = godirect::lock::archive::Layout::Module("a.example/m@v1.0.0");
    let right = godirect::lock::archive::read_zip(
        {
            std::fs::write(&path, &whole).unwrap();
            &path
        },
        layout,
        None,
    )
    .unwrap();
    for i in 0..whole.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[i] ^= change;
            std::fs::write(&path, &bytes).unwrap();
            if let Ok(tree) = godirect::lock::archive::read_zip(&path, layout, None) {
                assert_eq!(tree.nar == right.nar, tree.h1 == right.h1, "both hashes notice what changes the tree");
            }
        }
        std::fs::write(&path, &whole[..i]).unwrap();
        assert!(godirect::lock::archive::read_zip(&path, layout, None).is_err());
    }
}
