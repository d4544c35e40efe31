//! The fuzz targets without a fuzzer: every seed, as it is and damaged in ways that a fixed random sequence chooses.

#[path = "support/damage.rs"]
mod damage;
#[path = "../fuzz/targets/mod.rs"]
mod targets;

use std::collections::BTreeSet;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use damage::{Random, damage};
use targets::TARGETS;

/// How many damaged inputs each seed gives.
const DAMAGED: usize = 300;

/// What is worth to put into texts and archives.
const PIECES: [&[u8]; 20] = [
    b"\"",
    b"\\",
    b"`",
    b"(",
    b")",
    b"[",
    b",",
    b"\n",
    b"\r\n",
    b"\0",
    b"/",
    b"//",
    b"..",
    b"@",
    b"=>",
    b"\xc3\xa9",
    b"\xff",
    b"PK\x05\x06",
    b"-1",
    b"9999999999999999999999",
];

/// The seeds of a target, sorted by name.
fn seeds(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let entries = std::fs::read_dir(&directory).unwrap_or_else(|e| panic!("{}: {e}", directory.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), std::fs::read(&path).unwrap())).collect()
}

#[test]
fn every_target_has_seeds() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    let with_seeds: BTreeSet<String> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let named: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(named, with_seeds);
}

/// One that is refused would end its target at once.
#[test]
fn seeds_of_states_are_read() {
    for (path, content) in seeds("state") {
        let state = serde_json::from_slice::<godirect::affected::State>(&content);
        assert!(state.is_ok(), "{}: {:?}", path.display(), state.err());
    }
}

#[test]
fn no_target_fails_on_a_seed_or_what_becomes_of_it() {
    for (name, run) in TARGETS {
        let seeds = seeds(name);
        let contents: Vec<Vec<u8>> = seeds.iter().map(|(_, content)| content.clone()).collect();
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        for (path, seed) in &seeds {
            for round in 0..=DAMAGED {
                let input = if round == 0 { seed.clone() } else { damage(seed, &contents, &PIECES, &mut random) };
                let shown = || format!("{name}, from {}: {:?}", path.display(), String::from_utf8_lossy(&input));
                assert!(catch_unwind(|| run(&input)).is_ok(), "{}", shown());
            }
        }
    }
}
