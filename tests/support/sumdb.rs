//! A checksum database with a key of its own: a log of records, its tree, tiles and signed notes, made as RFC 6962 and the design of the
//! go.sum database say, without the program's own code.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{Context, SHA256};
use ring::signature::{Ed25519KeyPair, KeyPair as _};

pub type Hash = [u8; 32];

/// What a server has, by path.
pub type Answers = BTreeMap<String, Vec<u8>>;

fn sha256(parts: &[&[u8]]) -> Hash {
    let mut context = Context::new(&SHA256);
    parts.iter().for_each(|part| context.update(part));
    context.finish().as_ref().try_into().unwrap()
}

fn node(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], left, right])
}

/// The hash of a list of records' hashes.
fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => sha256(&[]),
        [one] => *one,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node(&root(left), &root(right))
        }
    }
}

/// A log and who signs it.
#[derive(Clone)]
pub struct Log {
    pub name: String,
    seed: u8,
    /// Texts of records.
    pub records: Vec<String>,
    leaves: Vec<Hash>,
}

impl Log {
    /// An empty log; the seed decides about the key.
    pub fn new(name: &str, seed: u8) -> Log {
        Log { name: name.to_owned(), seed, records: Vec::new(), leaves: Vec::new() }
    }

    fn pair(&self) -> (Ed25519KeyPair, [u8; 4]) {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[self.seed; 32]).unwrap();
        let hash = sha256(&[self.name.as_bytes(), b"\n\x01", pair.public_key().as_ref()]);
        (pair, hash[..4].try_into().unwrap())
    }

    /// The key as GOSUMDB has it.
    pub fn key(&self) -> String {
        let (pair, hash) = self.pair();
        let key = [&[1], pair.public_key().as_ref()].concat();
        format!("{}+{:08x}+{}", self.name, u32::from_be_bytes(hash), STANDARD.encode(key))
    }

    /// A note with this text.
    pub fn sign(&self, text: &str) -> String {
        let (pair, hash) = self.pair();
        let signature = [&hash, pair.sign(text.as_bytes()).as_ref()].concat();
        format!("{text}\n— {} {}\n", self.name, STANDARD.encode(signature))
    }

    /// Adds a record; gives its number.
    pub fn add(&mut self, text: &str) -> usize {
        self.records.push(text.to_owned());
        self.leaves.push(sha256(&[&[0], text.as_bytes()]));
        self.records.len() - 1
    }

    /// Adds the record of a module.
    pub fn add_module(&mut self, id: &str, h1: &str, go_mod: &str) -> usize {
        let (path, version) = id.split_once('@').unwrap();
        self.add(&format!("{path} {version} {h1}\n{path} {version}/go.mod {go_mod}\n"))
    }

    /// Adds records of nothing in particular, up to a number of them.
    pub fn fill(&mut self, size: usize) {
        for number in self.records.len()..size {
            self.add(&format!("filler.example v1.0.{number} h1:{}\n", STANDARD.encode([7; 32])));
        }
    }

    /// The note of the tree head of the first records.
    pub fn head(&self, size: usize) -> String {
        let root = STANDARD.encode(root(&self.leaves[..size]));
        self.sign(&format!("go.sum database tree\n{size}\n{root}\n"))
    }

    /// The answer to a lookup of a record.
    pub fn answer(&self, record: usize, size: usize) -> String {
        format!("{record}\n{}\n{}", self.records[record], self.head(size))
    }

    /// All tiles of the first records, with partial ones as wide as there are hashes.
    pub fn tiles(&self, size: usize) -> Answers {
        let mut tiles = Answers::new();
        let (mut level, mut hashes) = (0, self.leaves[..size].to_vec());
        while !hashes.is_empty() {
            for (index, chunk) in hashes.chunks(256).enumerate() {
                assert!(index < 1000, "tiles have short names here");
                let partial = if chunk.len() < 256 { format!(".p/{}", chunk.len()) } else { String::new() };
                tiles.insert(format!("tile/8/{level}/{index:03}{partial}"), chunk.concat());
            }
            hashes = hashes.chunks_exact(256).map(root).collect();
            level += 1;
        }
        tiles
    }

    /// All that the database answers when it has so many records.
    pub fn answers(&self, size: usize) -> Answers {
        let mut answers = self.tiles(size);
        answers.insert("latest".to_owned(), self.head(size).into_bytes());
        let modules = (0..size).filter(|record| !self.records[*record].starts_with("filler.example "));
        for record in modules {
            let words: Vec<&str> = self.records[record].split(' ').collect();
            answers.insert(
                format!("lookup/{}@{}", words[0], words[1].trim_end_matches("/go.mod")),
                self.answer(record, size).into_bytes(),
            );
        }
        answers
    }

    /// The same below the path that a module proxy has them at, and that it is a mirror.
    pub fn mirror(&self, answers: Answers) -> Answers {
        let supported = (format!("sumdb/{}/supported", self.name), Vec::new());
        let below = answers.into_iter().map(|(path, body)| (format!("sumdb/{}/{path}", self.name), body));
        below.chain([supported]).collect()
    }
}
