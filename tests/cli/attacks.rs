//! Attacks on a whole `godirect lock`, beside those of [`crate::sumdb`]: each is refused, and nothing is pinned.

use std::fs;
use std::io::{Cursor, Write};

use godirect::digest::{H1, Sha256};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::database::{Answers, Log};
use crate::sumdb::{ACCEPT, ID, NAME, directory, forked, go_mod_hash, honest, log, misbehaves, refused, serve, shown};
use crate::support::{Tree, imported, module, read_tree, write_tree};

const LOCK: &str = "godirect.lock.json";
const OTHER_MODULE: &str = "h1:9LQ6xuew6aOyqFMdSHbQ3mR3yrPpDzoPYZFOGdPpmXo=";

/// A zip as no build of Go makes it, and the hash that a database could have for it.
struct Trap {
    zip: Vec<u8>,
    h1: String,
    why: String,
}

/// A name in the module's zip.
fn inside(name: &str) -> String {
    format!("{ID}/{name}")
}

/// Files with the same content, which is compressed once.
fn trap(names: &[String], content: &[u8], why: &str) -> Trap {
    let mut one = ZipWriter::new(Cursor::new(Vec::new()));
    one.start_file("one", SimpleFileOptions::default()).unwrap();
    one.write_all(content).unwrap();
    let mut one = one.finish_into_readable().unwrap();
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for name in names {
        writer.raw_copy_file_rename(one.by_index_raw(0).unwrap(), name.as_str()).unwrap();
    }
    let zip = writer.finish().unwrap().into_inner();
    let digest = Sha256::of(content);
    let h1 = H1::of_files(names.iter().map(|name| (name.clone(), digest)).collect()).to_string();
    Trap { zip, h1, why: why.to_owned() }
}

fn traps() -> Vec<Trap> {
    let small = |names: &[&str], why: &str| {
        let names: Vec<String> = names.iter().map(|name| inside(name)).collect();
        trap(&names, b"package m\n", &format!("file \"{}\": {why}", names.last().unwrap()))
    };
    let mut duplicate = small(&["a.go", "b.go"], "");
    // The writer refuses duplicates, so one name is changed in the bytes.
    let (from, to) = (inside("b.go").into_bytes(), inside("a.go").into_bytes());
    for start in 0..=duplicate.zip.len() - from.len() {
        if duplicate.zip[start..].starts_with(&from) {
            duplicate.zip[start..start + to.len()].copy_from_slice(&to);
        }
    }
    let twice = (inside("a.go"), Sha256::of("package m\n"));
    duplicate.h1 = H1::of_files(vec![twice.clone(), twice]).to_string();
    duplicate.why = "a file name occurs more than once".to_owned();

    let mut symlink = small(&["passwd"], "it is a symlink or a special file");
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.add_symlink(inside("passwd"), "/etc/passwd", SimpleFileOptions::default()).unwrap();
    symlink.zip = writer.finish().unwrap().into_inner();
    symlink.h1 = H1::of_files(vec![(inside("passwd"), Sha256::of("/etc/passwd"))]).to_string();

    let many: Vec<String> = (0..9).map(|number| inside(&number.to_string())).collect();
    vec![
        small(&["m.go", "../../../../evil.go"], "invalid path element \"..\""),
        small(&["m.go", "M.go"], "case-insensitive file name collision: \"m.go\" and \"M.go\""),
        trap(&["/evil.go".to_owned()], b"", &format!("file \"/evil.go\": path does not have prefix \"{ID}/\"")),
        duplicate,
        symlink,
        trap(&many, &vec![0; 64 << 20], "its files together are larger than 524288000 bytes"),
    ]
}

/// Whoever can put a record into the database can prove a trap; it stays one.
#[test]
fn traps_are_refused_even_if_they_are_proven() {
    for trap in traps() {
        let mut log = Log::new(NAME, 1);
        log.add_module(ID, &trap.h1, &go_mod_hash());
        let project = honest(&log, 1, |_| {});
        fs::write(project.path("proxy/a.example/m/@v/v1.0.0.zip"), &trap.zip).unwrap();
        let help = "no build of Go makes such an archive: don't use it, and tell who runs the server";
        let message = format!("{ID}: the archive is refused: {}", trap.why);
        refused(&project, 4, &message, help);
        project.fails(&["lock", "--accept-unverified"], 4, &imported(&message, help));
        let evil = read_tree(&project.path("")).into_keys().find(|path| path.contains("evil") || path.contains("passwd"));
        assert_eq!(evil, None);
    }
}

/// Somebody who may write to the cache puts a whole log there that another key has signed.
#[test]
fn a_poisoned_cache_is_not_believed() {
    let (log, mut forged) = (log(), Log::new(NAME, 2));
    for record in log.records.iter().filter(|record| !record.starts_with("a.example/m")) {
        forged.add(record);
    }
    forged.add_module(ID, OTHER_MODULE, &go_mod_hash());
    let project = honest(&log, 700, |_| {});
    let cache = project.path("cache/sumdb").join(directory(&log));
    let poison: Tree = forged.answers(700).into_iter().filter(|(path, _)| path != "latest").collect();
    write_tree(&cache, &poison, poison.keys());
    assert_eq!(project.succeeds(&["lock"]), shown("proven by the checksum database, record 300"));

    let project = honest(&log, 700, |answers| answers.clear());
    let cache = project.path("cache/sumdb").join(directory(&log));
    write_tree(&cache, &poison, poison.keys());
    let why = format!("{NAME} has no record of {ID}: $TMP/proxy/sumdb/{NAME}/lookup/{ID}: no such file");
    refused(&project, 3, &format!("failed to verify {ID}: {why}"), ACCEPT);
}

/// The latest tree head that the cache has is the user's memory of the database.
#[test]
fn tree_heads_in_the_cache() {
    let log = log();
    let project = honest(&log, 700, |_| {});
    let cache = project.path("cache/sumdb").join(directory(&log));
    let latest = cache.join("latest");
    fs::create_dir_all(&cache).unwrap();
    let mut foreign = Log::new("other.example", 1);
    foreign.fill(700);
    let help =
        "somebody has changed the file: when that is all right, remove it, and the database's next tree head is believed";
    for (head, why) in [
        (Vec::new(), "malformed note".to_owned()),
        (vec![0xff; 100], "malformed note".to_owned()),
        (log.head(700).into_bytes()[1..].to_vec(), format!("the note has an invalid signature of {}", directory(&log))),
        (foreign.head(700).into_bytes(), format!("the note has no signature of {}", directory(&log))),
        (log.sign("something else\n").into_bytes(), "the note is not a tree head".to_owned()),
    ] {
        fs::write(&latest, &head).unwrap();
        let message = format!("the latest tree head in $TMP/cache/sumdb/{}/latest: {why}", directory(&log));
        refused(&project, 4, &message, help);
        project.fails(&["lock", "--accept-unverified"], 4, &imported(&message, help));
        assert!(fs::read(&latest).unwrap() == head, "it stays for who looks into it");
    }
    // Rolled back: the database's own history begins with it.
    for size in [1, 256, 300, 301, 700] {
        fs::write(&latest, log.head(size)).unwrap();
        project.succeeds(&["lock"]);
        assert_eq!(fs::read_to_string(&latest).unwrap(), log.head(700), "from {size}");
        fs::remove_file(project.root().join(LOCK)).unwrap();
    }

    // Of another history with the same key, as an attacker with the database's key would have planted it.
    let (one, other) = forked();
    let project = honest(&one, 20, |_| {});
    let latest = project.path("cache/sumdb").join(directory(&one)).join("latest");
    fs::create_dir_all(latest.parent().unwrap()).unwrap();
    fs::write(&latest, other.head(15)).unwrap();
    let ran = project.run(&["lock"]);
    let start = format!("error: SECURITY ERROR: {NAME} has signed two histories\n");
    assert!(ran.code == Some(4) && ran.stderr.starts_with(&start), "{}", ran.stderr);
    assert!(!project.root().join(LOCK).exists());
    assert_eq!(fs::read_to_string(&latest).unwrap(), other.head(15));
}

/// The database shows less than this user has seen already.
#[test]
fn a_rolled_back_database() {
    let log = log();
    let project = honest(&log, 700, |_| {});
    project.succeeds(&["lock"]);
    let cache = project.path("cache/sumdb").join(directory(&log));
    for directory in ["lookup", "tile"] {
        fs::remove_dir_all(cache.join(directory)).unwrap();
    }
    for file in ["cache/mod", "cache/download/a.example"] {
        fs::remove_dir_all(project.path(file)).unwrap();
    }
    fs::remove_file(project.root().join(LOCK)).unwrap();
    serve(&project, &log.mirror(log.answers(400)));
    // It can't show that what it has is the beginning of what it had.
    let tile = "tile/8/0/001";
    let why = format!("{NAME} has no {tile}: $TMP/proxy/sumdb/{NAME}/{tile}: no such file");
    refused(&project, 3, &format!("failed to verify {ID}: {why}"), ACCEPT);
    assert_eq!(fs::read_to_string(cache.join("latest")).unwrap(), log.head(700));

    // Nor does it help to give another tree that size.
    let mut other = Log::new(NAME, 1);
    other.fill(301);
    other.add_module(ID, &module("const M = 1").h1, &go_mod_hash());
    other.fill(700);
    let forged = other.tiles(700).into_iter().chain([(format!("lookup/{ID}"), other.answer(301, 400).into_bytes())]);
    serve(&project, &log.mirror(forged.collect()));
    misbehaves(&project, "a tile doesn't fit the signed tree of 700 records");
}

/// Who makes a database of the same name has another key, and so nothing in common with it.
#[test]
fn two_databases_with_one_name() {
    let (log, mut namesake) = (log(), Log::new(NAME, 2));
    namesake.add_module(ID, &module("const M = 1").h1, &go_mod_hash());
    let mut project = honest(&log, 700, |_| {});
    project.succeeds(&["lock"]);
    let (first, intact) = (project.path("cache/sumdb").join(directory(&log)), project.read(LOCK));
    let files = read_tree(&first);

    // What the first one has proven says nothing to those who trust the second one.
    project = project.env("GOSUMDB", namesake.key());
    serve(&project, &Answers::new());
    serve(&project, &namesake.mirror(Answers::new()));
    let why = format!("{NAME} has no record of {ID}: $TMP/proxy/sumdb/{NAME}/lookup/{ID}: no such file");
    project.fails(&["lock"], 3, &imported(&format!("failed to verify {ID}: {why}"), ACCEPT));
    assert_eq!(project.read(LOCK), intact);
    serve(&project, &namesake.mirror(namesake.answers(1)));
    project.succeeds(&["lock"]);
    let lock: serde_json::Value = serde_json::from_str(&project.read(LOCK)).unwrap();
    assert_eq!(lock["modules"][0]["proof"]["record"], 0);
    assert!(read_tree(&first) == files, "each key has a directory of its own");

    // Nor is the tree head of one an answer of the other.
    let project = honest(&log, 700, |answers| drop(answers.insert(format!("lookup/{ID}"), namesake.answer(0, 1).into_bytes())));
    misbehaves(&project, &format!("the answer for {ID}: the note has no signature of {}", directory(&log)));
}

/// Somebody changes the lock in a pull request. Who builds from it asks `lock --check` or `lock --verify` before.
#[test]
fn a_forged_lock_is_not_fresh() {
    let log = log();
    let project = honest(&log, 700, |_| {});
    project.succeeds(&["lock"]);
    let intact = project.read(LOCK);
    let (right, other) = (module("const M = 1").h1, OTHER_MODULE);
    let mut forged = Log::new(NAME, 2);
    forged.add_module(ID, other, &go_mod_hash());
    let mut elsewhere = Log::new(NAME, 1);
    elsewhere.add_module("b.example/n@v1.0.0", other, &go_mod_hash());
    let proof = |log: &Log| {
        let proof = serde_json::json!({"record": 0, "data": log.records[0], "tree": log.head(1), "hashes": []});
        format!("\"proof\": {proof},")
    };
    let line = intact.lines().find(|line| line.contains("\"proof\"")).unwrap().trim();
    let stale = "changed  a.example/m  v1.0.0, recorded anew\n";
    for (from, to, why) in [
        (
            format!("\"h1\": \"{right}\""),
            format!("\"h1\": \"{other}\""),
            format!("the checksum database has {right}, the lock has {other}"),
        ),
        (line.to_owned(), proof(&forged), format!("the proof fails: the note has no signature of {}", directory(&log))),
        (line.to_owned(), proof(&elsewhere), "the proof fails: record 0 doesn't have one hash for the module".to_owned()),
    ] {
        project.edit(LOCK, &from, &to);
        let ran = project.run(&["lock", "--check"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), stale), "{why}: {}", ran.stderr);
        let ran = project.run(&["lock", "--verify"]);
        assert!(ran.code == Some(4) && ran.stdout.ends_with(&format!("wrong    {ID}: {why}\n")), "{ran:?}");
        project.succeeds(&["lock"]);
        assert_eq!(project.read(LOCK), intact);
    }
}
