//! Tiles: no tree's size or node makes the arithmetic panic, proofs from an honest log hold, and one changed bit is found wherever
//! it is.
//!
//! The input: the size of a tree (8 bytes, little-endian), a record's number (8), a level (1), what to change (4).

use std::collections::BTreeMap;

use godirect::digest::TreeHash;
use godirect::lock::sumdb::merkle::{Node, Range, consistency_path, extends, includes, inclusion_path, leaf, parent};
use godirect::lock::sumdb::record::TreeHead;
use godirect::lock::sumdb::tile::{Tile, Tiles, tiles_for};

pub fn run(data: &[u8]) {
    let mut input = [0; 21];
    let given = data.len().min(input.len());
    input[..given].copy_from_slice(&data[..given]);
    let number_at = |at: usize, length: usize| input[at..at + length].iter().rev().fold(0, |n, byte| n << 8 | u64::from(*byte));
    let (size, number, level, change) = (number_at(0, 8), number_at(8, 8), input[16], number_at(17, 4));
    let size = size >> 1;
    let node = Node { level: level.into(), index: number };
    let tiles = tiles_for([node], size);
    assert!(tiles.len() <= 16 && tiles.iter().all(|tile| tile.path().len() < 64 && tile.length() <= 8192));
    assert!(inclusion_path(size, number).len() <= 63 && consistency_path(size, number).len() <= 64);

    let (size, index) = (size % 700 + 1, number % (size % 700 + 1));
    let log: Vec<TreeHash> = (0..size).map(|record| leaf(&record.to_le_bytes())).collect();
    let head = TreeHead { size, root: root(&log) };
    let path = inclusion_path(size, index);
    let old = consistency_path(size, index);
    let nodes = path.iter().chain(&old).flat_map(|range| range.nodes()).chain(Range::whole(index).nodes());
    let given: BTreeMap<Tile, Vec<u8>> = tiles_for(nodes, size).into_iter().map(|tile| (tile, bytes(tile, &log))).collect();
    let read = |given: &BTreeMap<Tile, Vec<u8>>| {
        given.iter().map(|(tile, bytes)| (*tile, tile.read(bytes).expect("whole tiles"))).collect()
    };

    let tiles = Tiles::authenticate(read(&given), head).expect("an honest log");
    let proof = tiles.path(&path).expect("all that was asked for");
    assert!(includes(&proof, size, head.root, index, log[index as usize]));
    let proof = tiles.path(&old).expect("all that was asked for");
    let old_root = tiles.range(Range::whole(index)).expect("all that was asked for");
    assert!(extends(&proof, size, head.root, index, old_root));

    let mut given = given;
    let count = given.len();
    let bytes = given.values_mut().nth(change as usize % count).expect("some tile");
    let place = (change >> 8) as usize % bytes.len();
    bytes[place] ^= 1 << (change % 8);
    assert!(Tiles::authenticate(read(&given), head).is_none());
}

fn root(log: &[TreeHash]) -> TreeHash {
    match log {
        [one] => *one,
        _ => {
            let (left, right) = log.split_at(log.len().next_power_of_two() / 2);
            parent(root(left), root(right))
        }
    }
}

/// A tile of an honest log, by its path.
fn bytes(tile: Tile, log: &[TreeHash]) -> Vec<u8> {
    let path = tile.path();
    let parts: Vec<&str> = path.split('/').collect();
    let (level, index): (u32, usize) =
        (parts[2].parse().expect("a level"), parts[3].trim_end_matches(".p").parse().expect("a number below 1000"));
    let below = 256_usize.pow(level);
    let hashes = log.chunks_exact(below).skip(index * 256).take(tile.length() / 32).map(root);
    hashes.flat_map(|hash| *hash.0.as_bytes()).collect()
}
