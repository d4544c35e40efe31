//! Lookups: a module's record, authenticated against the latest tree head that this user has seen.

use std::collections::{HashMap, HashSet};
use std::ops::Deref;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use super::merkle::{Node, Range, consistency_path, extends, inclusion_path};
use super::note::MAX_NOTE;
use super::proof::{Proof, ProofError, Proven};
use super::record::{Record, TreeHead};
use super::server::Server;
use super::store::{Replaced, Store};
use super::tile::{Tile, Tiles, tiles_for};
use crate::digest::TreeHash;
use crate::error::{Error, Result};
use crate::lock::cache::Cache;
use crate::lock::proxy::{Proxy, Source};
use crate::lock::transport::{Failure, Request};
use crate::module::ModuleId;
use crate::module::escape::escape;

/// The most bytes of a lookup's answer: a record and a note.
const MAX_ANSWER: u64 = 2 * MAX_NOTE as u64;

/// What is known of a database during a run.
#[derive(Default)]
pub(super) struct State {
    source: Mutex<Option<Source>>,
    latest: Mutex<Option<SignedHead>>,
    /// Notes of tree heads that are on the timeline of the latest one.
    checked: Mutex<HashSet<String>>,
    /// Authenticated tiles.
    tiles: Mutex<HashMap<Tile, Vec<TreeHash>>>,
    answers: Mutex<HashMap<ModuleId, Proven>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A tree head, and the note that says so.
#[derive(Clone, Debug)]
struct SignedHead {
    head: TreeHead,
    note: String,
}

impl Deref for SignedHead {
    type Target = TreeHead;

    fn deref(&self) -> &TreeHead {
        &self.head
    }
}

/// Asks a database, through a proxy and a cache.
pub(super) struct Client<'a> {
    pub server: &'a Server,
    pub state: &'a State,
    pub store: Store<'a>,
    pub proxy: &'a Proxy,
}

impl<'a> Client<'a> {
    pub fn new(server: &'a Server, state: &'a State, cache: &'a Cache, proxy: &'a Proxy) -> Client<'a> {
        Client { server, state, store: Store::new(cache, &server.verifier), proxy }
    }

    /// A module's hashes with their proof.
    ///
    /// # Errors
    ///
    /// Environment: the database can't be asked, or doesn't know the module. Verification: what it answers isn't proven.
    pub fn lookup(&self, id: &ModuleId) -> Result<Proven> {
        if let Some(proven) = lock(&self.state.answers).get(id) {
            return Ok(proven.clone());
        }
        let name = format!("lookup/{}@{}", escape(id.path.as_str()), escape(id.version.as_str()));
        let kept = self.store.read(&name).and_then(|answer| self.prove(id, &answer).ok());
        let proven = match kept {
            Some(proven) => proven,
            None => {
                let what = format!("the record of {id} in {}", self.name());
                let answer = self.fetch(&what, &name, MAX_ANSWER).map_err(|failure| match failure {
                    Failure::NotFound(why) => Error::environment(format!("{} has no record of {id}: {why}", self.name())),
                    Failure::Other(error) => error,
                })?;
                let proven = self.prove(id, &answer)?;
                self.store.keep(&name, &answer)?;
                proven
            }
        };
        lock(&self.state.answers).insert(id.clone(), proven.clone());
        Ok(proven)
    }

    fn name(&self) -> &str {
        self.server.verifier.name()
    }

    /// An answer that must not be believed.
    fn wrong(&self, why: impl std::fmt::Display) -> Error {
        Error::verification(format!("{}: {why}", self.name())).help(
            "the checksum database or what stands between misbehaves: nothing is pinned; find out why, perhaps in another network",
        )
    }

    /// Checks a lookup's answer.
    fn prove(&self, id: &ModuleId, answer: &[u8]) -> Result<Proven> {
        let record = std::str::from_utf8(answer).ok().and_then(Record::parse);
        let record = record.ok_or_else(|| self.wrong(format!("the answer for {id} is not a record")))?;
        let signed = self.open(record.note).map_err(|why| self.wrong(format!("the answer for {id}: {why}")))?;
        let latest = self.advance(&signed)?;
        // The tree that came with the record is the same for everybody who gets this answer.
        let tree = if signed.size > record.id { signed } else { latest.clone() };
        if record.id >= tree.size {
            return Err(self.wrong(format!("record {} can't be in the signed tree of {} records", record.id, tree.size)));
        }
        let path = inclusion_path(tree.size, record.id);
        let hashes = self.tiles(&latest, &path)?.path(&path).ok_or_else(|| self.wrong("a tile is missing"))?;
        let proof = Proof { record: record.id, data: record.text.to_owned(), tree: tree.note, hashes };
        proof.verify(id, &self.server.verifier).map_err(|why: ProofError| self.wrong(format!("the answer for {id}: {why}")))
    }

    fn open(&self, note: &str) -> Result<SignedHead, String> {
        let text = self.server.verifier.open(note).map_err(|why| why.to_string())?;
        let head = TreeHead::parse(text).ok_or("the note is not a tree head")?;
        Ok(SignedHead { head, note: note.to_owned() })
    }

    /// Takes note of a tree head, which must have one history with all that were seen before; gives the latest one.
    fn advance(&self, head: &SignedHead) -> Result<SignedHead> {
        let mut known = lock(&self.state.latest).clone();
        if known.is_none() {
            known = self.kept_latest()?;
        }
        loop {
            let old = known.as_ref();
            if let Some(latest) = old {
                self.check_timeline(latest, head)?;
                if latest.size >= head.size {
                    let latest = latest.clone();
                    lock(&self.state.latest).get_or_insert_with(|| latest.clone());
                    return Ok(latest);
                }
            }
            if self.store.replace_latest(old.map(|old| old.note.as_str()), &head.note)? == Replaced::Done {
                *lock(&self.state.latest) = Some(head.clone());
                return Ok(head.clone());
            }
            // Another process or thread has seen another one.
            known = self.kept_latest()?;
        }
    }

    /// The latest tree head in the cache.
    fn kept_latest(&self) -> Result<Option<SignedHead>> {
        let Some(note) = self.store.latest()? else { return Ok(None) };
        let path = self.store.latest_path();
        let head = self.open(&note).map_err(|why| {
            Error::verification(format!("the latest tree head in {}: {why}", path.display())).help(
                "somebody has changed the file: when that is all right, remove it, and the database's next tree head is believed",
            )
        })?;
        Ok(Some(head))
    }

    /// Checks that the larger of two trees begins with the other one.
    fn check_timeline(&self, a: &SignedHead, b: &SignedHead) -> Result<()> {
        let (old, new) = if a.size <= b.size { (a, b) } else { (b, a) };
        if old.head == new.head || lock(&self.state.checked).contains(&old.note) {
            return Ok(());
        }
        let whole = Range::whole(old.size);
        let path = consistency_path(new.size, old.size);
        let tiles = self.tiles(new, &[path.clone(), vec![whole]].concat())?;
        let missing = || self.wrong("a tile is missing");
        let (hash, proof) = (tiles.range(whole).ok_or_else(missing)?, tiles.path(&path).ok_or_else(missing)?);
        if !extends(&proof, new.size, new.root, old.size, old.root) {
            return Err(self.fork(old, new, hash, &proof));
        }
        lock(&self.state.checked).insert(old.note.clone());
        Ok(())
    }

    /// Two signed trees that exclude each other, with all that proves it to others.
    fn fork(&self, old: &SignedHead, new: &SignedHead, hash: TreeHash, proof: &[TreeHash]) -> Error {
        let indented = |text: &str| text.lines().map(|line| format!("    {line}\n")).collect::<String>();
        let proof: String = proof.iter().map(|hash| format!("    {hash}\n")).collect();
        Error::verification(format!(
            "SECURITY ERROR: {} has signed two histories\n\
             the smaller tree:\n{}the larger tree:\n{}\
             the first {} records of the larger tree have the hash\n    {hash}\nas this proves:\n{proof}",
            self.name(),
            indented(&old.note),
            indented(&new.note),
            old.size,
        ))
        .help("somebody is shown other modules than the rest of the world: nothing is pinned; keep this text and report it")
    }

    /// The tiles that have the hashes of some ranges, all of them authenticated by a tree head.
    fn tiles(&self, head: &TreeHead, ranges: &[Range]) -> Result<Tiles> {
        let nodes: Vec<Node> = ranges.iter().flat_map(|range| range.nodes()).collect();
        let wanted = tiles_for(nodes, head.size);
        let read = |ask_again| -> Result<Option<Tiles>> {
            let one = |tile: &Tile| Ok((*tile, self.tile(*tile, ask_again)?));
            // Of several errors the first tile's is shown, not the fastest one's.
            let results: Vec<_> = wanted.par_iter().map(one).collect();
            Ok(Tiles::authenticate(results.into_iter().collect::<Result<_>>()?, *head))
        };
        // What the cache has may be damaged.
        let tiles = match read(false)? {
            Some(tiles) => tiles,
            None => {
                read(true)?.ok_or_else(|| self.wrong(format!("a tile doesn't fit the signed tree of {} records", head.size)))?
            }
        };
        for (tile, hashes) in tiles.iter() {
            if lock(&self.state.tiles).insert(*tile, hashes.to_vec()).is_none() {
                let bytes: Vec<u8> = hashes.iter().flat_map(|hash| *hash.0.as_bytes()).collect();
                if self.store.read(&tile.path()).is_none_or(|kept| kept != bytes) {
                    self.store.keep(&tile.path(), &bytes)?;
                }
            }
        }
        Ok(tiles)
    }

    /// A tile from the cache or else from the server. Nothing is known yet of whether it is right.
    fn tile(&self, tile: Tile, ask_again: bool) -> Result<Vec<TreeHash>> {
        if !ask_again && let Some(hashes) = self.kept_tile(tile) {
            return Ok(hashes);
        }
        let fetch = |tile: Tile| {
            let what = format!("{} of {}", tile.path(), self.name());
            self.fetch(&what, &tile.path(), tile.length() as u64)
        };
        let bytes = match fetch(tile) {
            Ok(bytes) => bytes,
            // A partial tile goes once there is a full one; of that, what follows isn't in the tree yet.
            Err(failure) => match tile.full().map(fetch) {
                Some(Ok(mut bytes)) => {
                    bytes.truncate(tile.length());
                    bytes
                }
                _ => {
                    return Err(match failure {
                        Failure::NotFound(why) => Error::environment(format!("{} has no {}: {why}", self.name(), tile.path())),
                        Failure::Other(error) => error,
                    });
                }
            },
        };
        let length = bytes.len();
        tile.read(&bytes).ok_or_else(|| self.wrong(format!("{} has {length} bytes in place of {}", tile.path(), tile.length())))
    }

    fn kept_tile(&self, tile: Tile) -> Option<Vec<TreeHash>> {
        if let Some(hashes) = lock(&self.state.tiles).get(&tile) {
            return Some(hashes.clone());
        }
        let kept = |tile: Tile| self.store.read(&tile.path()).filter(|bytes| bytes.len() == tile.length());
        let bytes = kept(tile).or_else(|| {
            let mut bytes = kept(tile.full()?)?;
            bytes.truncate(tile.length());
            Some(bytes)
        })?;
        tile.read(&bytes)
    }

    fn fetch(&self, what: &str, name: &str, limit: u64) -> Result<Vec<u8>, Failure> {
        let known = lock(&self.state.source).clone();
        let source = match known {
            Some(source) => source,
            None => {
                let located = self.server.locate(self.proxy).map_err(Failure::Other)?;
                lock(&self.state.source).get_or_insert(located).clone()
            }
        };
        let mut bytes = Vec::new();
        self.proxy.get(&source, name, &[], &Request { what, limit, progress: &|_| {} }, &mut bytes)?;
        Ok(bytes)
    }
}
