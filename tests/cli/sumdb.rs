//! The checksum database as a hostile one would be, and as the real one is: whole texts, and nothing is pinned.

use std::fs;

use godirect::digest::{H1, Sha256};

use crate::database::{Answers, Log};
use crate::support::{Project, error, imported, module, read_tree, repository, with_module};

pub const NAME: &str = "sum.example/db";
pub const ID: &str = "a.example/m@v1.0.0";
/// What is said of answers that nobody may believe.
pub const MISBEHAVES: &str =
    "the checksum database or what stands between misbehaves: nothing is pinned; find out why, perhaps in another network";
pub const ACCEPT: &str = "`godirect lock --accept-unverified` pins it without proof, and the lock says so";
const OTHER_HASH: &str = "h1:9LQ6xuew6aOyqFMdSHbQ3mR3yrPpDzoPYZFOGdPpmXo=";

pub fn go_mod_hash() -> String {
    H1::of_files(vec![("go.mod".to_owned(), Sha256::of("module a.example/m\n\ngo 1.27\n"))]).to_string()
}

/// A log that has the module as record 300.
pub fn log() -> Log {
    let mut log = Log::new(NAME, 1);
    log.fill(300);
    log.add_module(ID, &module("const M = 1").h1, &go_mod_hash());
    log.fill(700);
    log
}

/// A project whose go.sum lacks the module, and whose proxy has these answers of a database.
fn project(gosumdb: &str, answers: &Answers) -> Project {
    let project = with_module().env("GOSUMDB", gosumdb);
    fs::remove_file(project.root().join("go.sum")).unwrap();
    serve(&project, answers);
    project
}

/// Replaces what the project's proxy has of databases.
pub fn serve(project: &Project, answers: &Answers) {
    let _ = fs::remove_dir_all(project.path("proxy/sumdb"));
    for (path, body) in answers {
        let path = project.path("proxy").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, body).unwrap();
    }
}

/// A project whose database is this log, with so many records, after something was done to the answers.
pub fn honest(log: &Log, size: usize, change: impl FnOnce(&mut Answers)) -> Project {
    let mut answers = log.answers(size);
    change(&mut answers);
    project(&log.key(), &log.mirror(answers))
}

/// Locking fails with this text, and nothing is left of it.
#[track_caller]
pub fn refused(project: &Project, code: i32, message: &str, help: &str) {
    project.fails(&["lock"], code, &imported(message, help));
    assert!(!project.root().join("godirect.lock.json").exists());
    for left in ["cache/mod", "cache/download/a.example"] {
        assert!(!project.path(left).exists(), "{left}");
    }
}

#[track_caller]
pub fn misbehaves(project: &Project, message: &str) {
    refused(project, 4, &format!("{NAME}: {message}"), MISBEHAVES);
}

/// How the lock shows the project's module.
pub fn shown(evidence: &str) -> String {
    format!(
        "sdk      go1.27.3  tools for linux/amd64; pinned by the archive's sha256\n\
         modules  1 module locked, 1 package of them used; {evidence}\n\
         wrote    godirect.lock.json\n"
    )
}

/// All files below a directory of the project's cache, relative to it.
fn kept(project: &Project, directory: &str) -> Vec<String> {
    let root = project.path("cache").join(directory);
    if root.exists() { read_tree(&root).into_keys().collect() } else { Vec::new() }
}

#[test]
fn a_module_that_go_sum_lacks() {
    let log = log();
    let project = honest(&log, 700, |_| {});
    assert_eq!(project.succeeds(&["lock"]), shown("proven by the checksum database, record 300"));
    let first = project.read("godirect.lock.json");
    let lock: serde_json::Value = serde_json::from_str(&first).unwrap();
    let proof = &lock["modules"][0]["proof"];
    assert_eq!(proof["record"], 300);
    assert_eq!(proof["data"], log.records[300]);
    assert_eq!(proof["tree"], log.head(700));
    assert_eq!(proof["hashes"].as_array().unwrap().len(), 10);
    assert_eq!(kept(&project, "sumdb").len(), 6, "{:?}", kept(&project, "sumdb"));

    // What the lock has needs nobody, nor does what the cache has.
    serve(&project, &Answers::new());
    assert_eq!(project.succeeds(&["lock"]), "fresh    godirect.lock.json\n");
    project.succeeds(&["generate"]);
    fs::remove_file(project.root().join("godirect.lock.json")).unwrap();
    assert_eq!(project.succeeds(&["lock"]), shown("proven by the checksum database, record 300"));
    assert_eq!(project.read("godirect.lock.json"), first);
    assert_eq!(project.succeeds(&["lock", "--check"]), "fresh    godirect.lock.json\n");
}

#[test]
fn a_hash_that_nothing_vouches_for_any_more() {
    let project = honest(&log(), 700, |_| {});
    project.succeeds(&["lock"]);
    let right = project.read("godirect.lock.json");
    let proof = right.lines().find(|line| line.trim_start().starts_with("\"proof\": ")).unwrap();
    project.edit("godirect.lock.json", &format!("{proof}\n"), "");
    let ran = project.run(&["lock", "--check"]);
    let stale = "godirect.lock.json is stale; `godirect lock` updates it\n";
    let expected = "changed  a.example/m  v1.0.0, recorded anew\n";
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(1), expected, stale));
    let message = format!("godirect.lock.json is stale: it has no proof of {ID}, and go.sum no line");
    project.fails(&["generate"], 1, &error(&message, "run `godirect lock`"));
    // Nobody may ask the database about it, so `lock` couldn't do anything, either.
    let project = project.env("GOPRIVATE", "a.example");
    let missing = imported(&format!("{ID}: missing go.sum entry"), "`go mod tidy` adds it, or `go mod download a.example/m`");
    project.fails(&["lock", "--check"], 2, &missing);
    project.fails(&["lock"], 2, &missing);
    let project = project.env("GOPRIVATE", "");
    project.succeeds(&["lock"]);
    assert_eq!(project.read("godirect.lock.json"), right);
}

#[test]
fn damaged_caches_are_fetched_again() {
    let log = log();
    let project = honest(&log, 700, |_| {});
    project.succeeds(&["lock"]);
    let first = project.read("godirect.lock.json");
    for file in kept(&project, "sumdb").iter().filter(|file| !file.contains("latest")) {
        let path = project.path("cache/sumdb").join(file);
        let intact = fs::read(&path).unwrap();
        for damage in [&intact[1..], &[intact.as_slice(), b"x"].concat(), &intact.iter().map(|b| b ^ 1).collect::<Vec<u8>>()] {
            fs::write(&path, damage).unwrap();
            fs::remove_file(project.root().join("godirect.lock.json")).unwrap();
            project.succeeds(&["lock"]);
            assert_eq!(project.read("godirect.lock.json"), first);
            assert!(fs::read(&path).unwrap() == intact, "{file}");
        }
    }
}

#[test]
fn signatures_must_be_the_key_owners() {
    let log = log();
    let key = log.key();
    let (named, _) = key.rsplit_once('+').unwrap();
    let lookup = |project: &Project| project.path(&format!("proxy/sumdb/{NAME}/lookup/{ID}"));

    let mut forged = Log::new(NAME, 2);
    for record in &log.records {
        forged.add(record);
    }
    let unsigned = format!("the answer for {ID}: the note has no signature of {named}");
    misbehaves(&project(&key, &log.mirror(forged.answers(700))), &unsigned);

    // With the right name and hash, and another's signature.
    let hash = |note: &str| note.rsplit(' ').next().unwrap()[..5].to_owned();
    let (ours, theirs) = (hash(&log.head(700)), hash(&forged.head(700)));
    let stolen = forged.answer(300, 700).replace(&format!(" {theirs}"), &format!(" {ours}"));
    let project = honest(&log, 700, |_| {});
    let intact = fs::read_to_string(lookup(&project)).unwrap();
    fs::write(lookup(&project), stolen).unwrap();
    misbehaves(&project, &format!("the answer for {ID}: the note has an invalid signature of {named}"));

    let (record, note) = intact.split_once("\n\n").unwrap();
    let text = &note[..note.find("\n\n").unwrap() + 1];
    for (answer, why) in [
        (format!("{record}\n\n{text}"), "malformed note".to_owned()),
        (format!("{record}\n\n{text}\n"), "malformed note".to_owned()),
        (format!("{record}\n\n"), "malformed note".to_owned()),
        (intact.replace("— ", "- "), "malformed note".to_owned()),
        (format!("{record}\n\n{}", log.sign("something else\n")), "the note is not a tree head".to_owned()),
        (format!("{record}\n\n{}", log.sign("go.sum database tree\n700\n")), "the note is not a tree head".to_owned()),
        (intact.replacen(text, &text.replacen("700", "701", 1), 1), format!("the note has an invalid signature of {named}")),
    ] {
        fs::write(lookup(&project), answer).unwrap();
        misbehaves(&project, &format!("the answer for {ID}: {why}"));
    }
    // Afterwards all is well: nothing was kept.
    fs::write(lookup(&project), intact).unwrap();
    project.succeeds(&["lock"]);
}

#[test]
fn answers_must_be_the_record() {
    let log = log();
    let answer = log.answer(300, 700);
    let text = &log.records[300];
    let project = honest(&log, 700, |_| {});
    let path = project.path(&format!("proxy/sumdb/{NAME}/lookup/{ID}"));
    let no_record = format!("the answer for {ID} is not a record");
    let not_included = |record: u64| format!("the answer for {ID}: the signed tree does not have this text as record {record}");
    let other_module = |record: u64| format!("the answer for {ID}: record {record} doesn't have one hash for the module");
    let hash = text.split_whitespace().nth(2).unwrap();
    for (answer, message) in [
        (String::new(), no_record.clone()),
        ("<html>sign in</html>\n".to_owned(), no_record.clone()),
        (answer.replacen("300", "-300", 1), no_record.clone()),
        (answer.replacen("300", "0300", 1), no_record.clone()),
        (answer.replacen("300", "+300", 1), no_record.clone()),
        (answer.replacen("300", "9223372036854775808", 1), no_record.clone()),
        (answer.replacen("300", "", 1), no_record.clone()),
        (answer.replacen("\n\n", "\n", 2), no_record),
        (answer.replacen("300", "299", 1), not_included(299)),
        (answer.replacen(hash, OTHER_HASH, 1), not_included(300)),
        // Lines beside the record's (CVE-2026-56864).
        (answer.replacen("\n\n", &format!("\na.example/m v1.0.0 {OTHER_HASH}\n\n"), 1), not_included(300)),
        (answer.replacen("300\n", &format!("300\na.example/m v1.0.0 {OTHER_HASH}\n"), 1), not_included(300)),
        // A record that is proven and about something else (CVE-2026-42501).
        (log.answer(5, 700), other_module(5)),
        (log.answer(699, 700), other_module(699)),
        // The tree hasn't the record yet.
        (answer.replacen("300", "700", 1), "record 700 can't be in the signed tree of 700 records".to_owned()),
    ] {
        fs::write(&path, answer).unwrap();
        misbehaves(&project, &message);
        let _ = fs::remove_dir_all(project.path("cache/sumdb"));
    }
}

#[test]
fn hashes_stand_in_the_authenticated_text_only() {
    // The note of a tree head may have more lines, which are signed, but say nothing of modules (CVE-2026-56864).
    let mut log = Log::new(NAME, 1);
    log.fill(300);
    let text = format!("a.example/m v1.0.0/go.mod {}\n", go_mod_hash());
    let record = log.add(&text);
    let head = log.head(301);
    let body = &head[..head.find("\n\n").unwrap() + 1];
    let note = log.sign(&format!("{body}a.example/m v1.0.0 {}\n", module("const M = 1").h1));
    let project = honest(&log, 301, |answers| {
        answers.insert(format!("lookup/{ID}"), format!("{record}\n{text}\n{note}").into_bytes());
    });
    misbehaves(&project, &format!("the answer for {ID}: record 300 doesn't have one hash for the module"));

    // Two hashes for one module are none.
    let mut log = Log::new(NAME, 1);
    log.fill(300);
    log.add(&format!("a.example/m v1.0.0 {}\na.example/m v1.0.0 {OTHER_HASH}\n", module("const M = 1").h1));
    let project = honest(&log, 301, |_| {});
    misbehaves(&project, &format!("the answer for {ID}: record 300 doesn't have one hash for the module"));
}

#[test]
fn the_zip_must_have_the_databases_hash() {
    let mut log = Log::new(NAME, 1);
    log.add_module(ID, OTHER_HASH, &go_mod_hash());
    let message = format!(
        "checksum mismatch for {ID}: the module proxy has {}, the checksum database has {OTHER_HASH}",
        module("const M = 1").h1
    );
    let help =
        "the bits may have been replaced on the origin server, or someone intercepted the download: find out before you build";
    let project = honest(&log, 1, |_| {});
    refused(&project, 4, &message, help);
    project.fails(&["lock", "--accept-unverified"], 4, &imported(&message, help));
}

#[test]
fn every_tile_is_compared_with_its_parent() {
    // Three levels: the root needs those at the edge, and the record one at each level below it (CVE-2026-56865).
    let mut log = log();
    log.fill(65536 + 2 * 256 + 5);
    let size = log.records.len();
    let answers = log.mirror(log.answers(size));
    let project = project(&log.key(), &answers);
    let wrong = format!("a tile doesn't fit the signed tree of {size} records");
    let tiles = ["tile/8/0/001", "tile/8/0/258.p/5", "tile/8/1/000", "tile/8/1/001.p/2", "tile/8/2/000.p/1"];
    for tile in tiles {
        let path = project.path(&format!("proxy/sumdb/{NAME}/{tile}"));
        let intact = fs::read(&path).unwrap();
        for place in [0, intact.len() / 2, intact.len() - 1] {
            let mut damaged = intact.clone();
            damaged[place] ^= 1;
            fs::write(&path, damaged).unwrap();
            misbehaves(&project, &wrong);
        }
        let shorter = intact.len() - 1;
        fs::write(&path, &intact[..shorter]).unwrap();
        misbehaves(&project, &format!("{tile} has {shorter} bytes in place of {}", intact.len()));
        fs::remove_file(&path).unwrap();
        let why = format!("failed to verify {ID}: {NAME} has no {tile}: $TMP/proxy/sumdb/{NAME}/{tile}: no such file");
        refused(&project, 3, &why, ACCEPT);
        fs::write(&path, &intact).unwrap();
    }
    assert!(kept(&project, "sumdb").iter().all(|file| file.contains("latest")), "{:?}", kept(&project, "sumdb"));
    project.succeeds(&["lock"]);
    // Exactly these were needed.
    let needed = |file: &&String| file.contains("/tile/");
    assert_eq!(kept(&project, "sumdb").iter().filter(needed).count(), tiles.len());
}

#[test]
fn partial_tiles_go_when_they_are_full() {
    // The answer has an old tree head, and the server only the tiles of a later one.
    let mut log = log();
    let (answer, mut old) = (log.answer(300, 302), log.tiles(302));
    old.retain(|tile, _| tile.starts_with("tile/8/1/"));
    log.fill(1030);
    let project = honest(&log, 1030, |answers| {
        answers.extend(old);
        answers.insert(format!("lookup/{ID}"), answer.into_bytes());
    });
    project.succeeds(&["lock"]);
    assert!(kept(&project, "sumdb").iter().any(|file| file.ends_with("tile/8/0/001.p/46")), "{:?}", kept(&project, "sumdb"));
}

/// Two logs with one key that have the same first 10 records.
pub fn forked() -> (Log, Log) {
    let mut one = Log::new(NAME, 1);
    one.fill(10);
    let mut other = one.clone();
    one.add_module("b.example/n@v1.0.0", OTHER_HASH, OTHER_HASH);
    for log in [&mut one, &mut other] {
        log.add_module(ID, &module("const M = 1").h1, &go_mod_hash());
    }
    one.fill(20);
    other.fill(30);
    (one, other)
}

#[test]
fn two_histories_are_reported() {
    let (one, other) = forked();
    let project = honest(&one, 20, |_| {});
    project.succeeds(&["lock"]);
    fs::remove_file(project.root().join("godirect.lock.json")).unwrap();
    fs::remove_dir_all(project.path("cache/sumdb").join(format!("{}/lookup", directory(&one)))).unwrap();
    fs::remove_dir_all(project.path("cache/mod")).unwrap();
    fs::remove_dir_all(project.path("cache/download")).unwrap();
    let latest = project.path("cache/sumdb").join(directory(&one)).join("latest");

    serve(&project, &other.mirror(other.answers(30)));
    let ran = project.run(&["lock"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(4), ""), "{}", ran.stderr);
    let text: String = ran.stderr.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    assert!(text.starts_with(&format!("error: SECURITY ERROR: {NAME} has signed two histories\n")), "{text}");
    for part in [one.head(20), other.head(30)] {
        for line in part.lines().filter(|line| !line.is_empty()) {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
    assert!(!project.root().join("godirect.lock.json").exists());
    assert_eq!(fs::read_to_string(&latest).unwrap(), one.head(20), "the tree head that was seen first stays");
    // Nor the other way round, with a smaller tree.
    serve(&project, &other.mirror(other.answers(15)));
    let ran = project.run(&["lock", "--accept-unverified"]);
    assert_eq!(ran.code, Some(4), "{}", ran.stderr);
    assert!(!project.root().join("godirect.lock.json").exists());
    assert_eq!(fs::read_to_string(&latest).unwrap(), one.head(20));
}

/// The directory of a log in the cache.
pub fn directory(log: &Log) -> String {
    log.key().rsplit_once('+').unwrap().0.to_owned()
}

#[test]
fn older_tree_heads_replace_no_newer_one() {
    let log = log();
    let project = honest(&log, 700, |_| {});
    project.succeeds(&["lock"]);
    let latest = project.path("cache/sumdb").join(directory(&log)).join("latest");
    assert_eq!(fs::read_to_string(&latest).unwrap(), log.head(700));
    for _ in 0..2 {
        fs::remove_file(project.root().join("godirect.lock.json")).unwrap();
        fs::remove_dir_all(project.path("cache/sumdb").join(directory(&log)).join("lookup")).unwrap();
        // An older tree head of the same history is fine, but it is not where the user is.
        let mut answers = log.answers(700);
        answers.insert(format!("lookup/{ID}"), log.answer(300, 400).into_bytes());
        serve(&project, &log.mirror(answers));
        project.succeeds(&["lock"]);
        assert_eq!(fs::read_to_string(&latest).unwrap(), log.head(700));
    }
    fs::write(&latest, "damaged").unwrap();
    fs::remove_file(project.root().join("godirect.lock.json")).unwrap();
    let message = format!("the latest tree head in $TMP/cache/sumdb/{}/latest: malformed note", directory(&log));
    let help =
        "somebody has changed the file: when that is all right, remove it, and the database's next tree head is believed";
    project.fails(&["lock"], 4, &imported(&message, help));
}

#[test]
fn without_a_database_the_user_must_say_so() {
    let log = log();
    let off = project("off", &Answers::new());
    let message = format!("failed to verify {ID}: the checksum database is disabled by GOSUMDB=off");
    refused(&off, 3, &message, ACCEPT);
    assert_eq!(off.succeeds(&["lock", "--accept-unverified"]), shown("NOT verified (--accept-unverified)"));
    let lock: serde_json::Value = serde_json::from_str(&off.read("godirect.lock.json")).unwrap();
    assert_eq!((&lock["modules"][0]["verified"], &lock["modules"][0]["proof"]), (&false.into(), &serde_json::Value::Null));
    // It was accepted once, and the lock says so.
    assert_eq!(off.succeeds(&["lock"]), "fresh    godirect.lock.json\n");
    off.succeeds(&["generate"]);

    let unknown = honest(&log, 700, |answers| drop(answers.remove(&format!("lookup/{ID}"))));
    let message =
        format!("failed to verify {ID}: {NAME} has no record of {ID}: $TMP/proxy/sumdb/{NAME}/lookup/{ID}: no such file");
    refused(&unknown, 3, &message, ACCEPT);
    unknown.succeeds(&["lock", "--accept-unverified"]);

    for (gosumdb, why) in [
        ("sum.example", "malformed verifier key".to_owned()),
        (&log.key().replace("+", "+0"), "malformed verifier key".to_owned()),
        (&format!("{}x", log.key()), "malformed verifier key".to_owned()),
        (&log.key().replacen(NAME, "other.example", 1), "the verifier key has another hash than it says".to_owned()),
    ] {
        let help = "write the name of a database, or `name+hash+key`, and perhaps a space and its URL";
        let project = project(gosumdb, &Answers::new());
        refused(&project, 2, &format!("malformed GOSUMDB: {why}"), help);
        project.fails(&["lock", "--accept-unverified"], 2, &imported(&format!("malformed GOSUMDB: {why}"), help));
    }

    let private = honest(&log, 700, |_| {}).env("GOPRIVATE", "a.example");
    let help = "`go mod tidy` adds it, or `go mod download a.example/m`";
    refused(&private, 2, &format!("{ID}: missing go.sum entry"), help);
    private.fails(&["lock", "--accept-unverified"], 2, &imported(&format!("{ID}: missing go.sum entry"), help));
}

#[test]
fn the_sdks_own_cryptography_is_no_module() {
    // Its hash is in the SDK (CVE-2026-94444).
    let project = honest(&log(), 700, |_| {});
    project.edit("go.mod", "require a.example/m v1.0.0", "require golang.org/fips140 v1.0.0");
    project.edit("main.go", "a.example/m", "golang.org/fips140/m");
    let ran = project.run(&["lock"]);
    let message =
        "error: golang.org/fips140@v1.0.0: the module golang.org/fips140 is part of the SDK and can't be downloaded\n";
    assert!(ran.code == Some(2) && ran.stderr.starts_with(message), "{}", ran.stderr);
}

#[test]
fn every_hash_is_proven_again() {
    let log = log();
    let project = honest(&log, 700, |_| {});
    project.succeeds(&["lock"]);
    serve(&project, &Answers::new());
    let fine = "sdk      1 entry: pinned by the archive's sha256\n\
                modules  1 entry: proven by the checksum database, record 300\n\
                cache    2 files hashed anew, as locked\n";
    assert_eq!(project.succeeds(&["lock", "--verify"]), fine);
    let json: serde_json::Value = serde_json::from_str(&project.succeeds(&["lock", "--verify", "--json"])).unwrap();
    assert_eq!((&json["verified"], &json["entries"][1]["evidence"]), (&true.into(), &serde_json::json!({"record": 300})));

    let intact = project.read("godirect.lock.json");
    let h1 = module("const M = 1").h1;
    let failed = "godirect.lock.json: 1 of 2 entries failed; nothing of it should be built\n";
    for (from, to, why) in [
        (
            "\"record\": 300",
            "\"record\": 301",
            "the proof fails: the signed tree does not have this text as record 301".to_owned(),
        ),
        (
            "a.example/m v1.0.0 h1",
            "a.example/m v1.0.1 h1",
            "the proof fails: the signed tree does not have this text as record 300".to_owned(),
        ),
        (
            "database tree\\n700",
            "database tree\\n701",
            format!("the proof fails: the note has an invalid signature of {}", directory(&log)),
        ),
        (
            "\"hashes\": [",
            "\"hashes\": [\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\", ",
            "the proof fails: the signed tree does not have this text as record 300".to_owned(),
        ),
        (
            &format!("\"h1\": \"{h1}\""),
            &format!("\"h1\": \"{OTHER_HASH}\""),
            format!("the checksum database has {h1}, the lock has {OTHER_HASH}"),
        ),
    ] {
        project.edit("godirect.lock.json", from, to);
        let ran = project.run(&["lock", "--verify"]);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(4), failed), "{from}");
        assert!(ran.stdout.ends_with(&format!("wrong    {ID}: {why}\n")), "{}", ran.stdout);
        project.write("godirect.lock.json", &intact);
    }

    // The key is the user's, not the lock's.
    let other = Log::new(NAME, 9).key();
    let ran = Project::run(&project_with(&project, &other), &["lock", "--verify"]);
    assert_eq!(ran.code, Some(4), "{}", ran.stdout);
    assert!(ran.stdout.contains("the proof fails: the note has no signature of"), "{}", ran.stdout);

    let zip = read_tree(&project.path("cache/download")).into_keys().find(|f| f.ends_with(".zip")).unwrap();
    let zip = project.path("cache/download").join(zip);
    fs::write(&zip, "damaged").unwrap();
    let ran = project.run(&["lock", "--verify"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(4), failed));
    assert!(ran.stdout.contains("has 7 bytes with the sha256"), "{}", ran.stdout);
}

/// The same project with another GOSUMDB.
fn project_with(project: &Project, gosumdb: &str) -> Project {
    let copy = Project::in_directory(tempfile::tempdir().unwrap(), read_tree(&project.root()));
    let proxy = format!("file://{}", project.path("proxy").display());
    copy.env("GOSUMDB", gosumdb).env("GOPROXY", proxy)
}

#[test]
fn the_examples_are_proven() {
    for example in fs::read_dir(repository("examples")).unwrap() {
        let example = example.unwrap().path();
        let name = example.file_name().unwrap().to_str().unwrap().to_owned();
        let project = Project::example(&name);
        let shown = project.succeeds(&["lock", "--verify"]);
        assert!(shown.contains("proven by the checksum database") && !shown.contains("accepted"), "{name}: {shown}");
    }
}
