//! Tiles: how a log's tree is published (<https://research.swtch.com/tlog#tiling_a_log>, `golang.org/x/mod/sumdb/tlog`).
//!
//! A tile has up to 256 hashes of one level in eight, and so stands for the subtree above them. What a server gives may be
//! anything, so hashes come only out of [`Tiles`], which is made from nothing but tiles that lead up to a signed tree head.

use std::collections::{BTreeMap, BTreeSet};

use super::merkle::{self, Node, Range};
use super::record::TreeHead;
use crate::digest::{Sha256, TreeHash};

/// How many levels of the tree a tile has: the only height that a checksum database serves to the go command.
const HEIGHT: u32 = 8;
/// The hashes of a full tile.
const FULL: u16 = 1 << HEIGHT;
/// The bytes of a hash.
const HASH: usize = 32;

/// The place of a tile, and how many hashes of it are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    level: u32,
    index: u64,
    /// From 1 to 256.
    width: u16,
}

impl Tile {
    /// The tile at a place of a tree with `size` records, as wide as the tree makes it; `None` when the tree has no such tile.
    fn at(level: u32, index: u64, size: u64) -> Option<Tile> {
        let hashes = size.checked_shr(HEIGHT * level).unwrap_or(0);
        let rest = hashes.checked_sub(index.checked_shl(HEIGHT).filter(|start| start >> HEIGHT == index)?)?;
        let width = rest.min(u64::from(FULL)) as u16;
        if width == 0 { None } else { Some(Tile { level, index, width }) }
    }

    /// The tile that has a node's hashes; `None` when the node isn't in the tree.
    fn of(node: Node, size: u64) -> Option<Tile> {
        if node.index >= size.checked_shr(node.level).unwrap_or(0) {
            return None;
        }
        Tile::at(node.level / HEIGHT, node.index >> (HEIGHT - node.level % HEIGHT), size)
    }

    /// The tile that has this full tile's hash.
    fn parent(self, size: u64) -> Option<Tile> {
        Tile::at(self.level + 1, self.index >> HEIGHT, size)
    }

    /// Whether a tree's root is made from all hashes of the tile, with no other tile between.
    fn is_at_the_edge(self) -> bool {
        self.width != FULL
    }

    /// The same tile with all its hashes, if some aren't meant.
    pub fn full(self) -> Option<Tile> {
        if self.width == FULL { None } else { Some(Tile { width: FULL, ..self }) }
    }

    /// The tile's path on a server, e.g. `tile/8/0/x271/404.p/12`: its number is written three digits at a time.
    pub fn path(self) -> String {
        let mut number = format!("{:03}", self.index % 1000);
        let mut rest = self.index / 1000;
        while rest > 0 {
            number = format!("x{:03}/{number}", rest % 1000);
            rest /= 1000;
        }
        let partial = if self.width == FULL { String::new() } else { format!(".p/{}", self.width) };
        format!("tile/{HEIGHT}/{}/{number}{partial}", self.level)
    }

    /// The bytes of its hashes.
    pub fn length(self) -> usize {
        usize::from(self.width) * HASH
    }

    /// The tile's hashes; `None` for another number of bytes than it must have.
    pub fn read(self, bytes: &[u8]) -> Option<Vec<TreeHash>> {
        if bytes.len() != self.length() {
            return None;
        }
        let (hashes, _) = bytes.as_chunks::<HASH>();
        Some(hashes.iter().map(|hash| TreeHash(Sha256::from_bytes(*hash))).collect())
    }
}

/// The hash of the complete subtree with these hashes at its bottom, a power of two of them.
fn subtree(hashes: &[TreeHash]) -> Option<TreeHash> {
    let mut level = hashes.to_vec();
    while level.len() > 1 {
        let (pairs, rest) = level.as_chunks::<2>();
        if !rest.is_empty() {
            return None;
        }
        level = pairs.iter().map(|[left, right]| merkle::parent(*left, *right)).collect();
    }
    level.first().copied()
}

/// The tiles that have some nodes of a tree with `size` records, and all that it takes to authenticate them. Nodes that aren't
/// in the tree have none.
pub fn tiles_for(nodes: impl IntoIterator<Item = Node>, size: u64) -> BTreeSet<Tile> {
    let mut tiles: BTreeSet<Tile> = Range::whole(size).nodes().into_iter().filter_map(|node| Tile::of(node, size)).collect();
    for node in nodes {
        let mut next = Tile::of(node, size);
        while let Some(tile) = next.filter(|tile| tiles.insert(*tile)) {
            next = tile.parent(size);
        }
    }
    tiles
}

/// Tiles that a signed tree head vouches for.
#[derive(Clone, Debug)]
pub struct Tiles {
    size: u64,
    hashes: BTreeMap<Tile, Vec<TreeHash>>,
}

impl Tiles {
    /// Checks *all* given tiles against a tree head. `None` when any hash of them isn't in the tree, or when a tile is missing that
    /// would show it.
    pub fn authenticate(hashes: BTreeMap<Tile, Vec<TreeHash>>, head: TreeHead) -> Option<Tiles> {
        let tiles = Tiles { size: head.size, hashes };
        let root = Range::whole(head.size).nodes().into_iter().map(|node| Some((node, tiles.hash(node)?)));
        if Range::whole(head.size).hash(&root.collect::<Option<_>>()?)? != head.root {
            return None;
        }
        // A parent is on a higher level: each tile is compared with its parent, whose turn comes too, up to those that the root
        // was just made from.
        for (tile, hashes) in &tiles.hashes {
            if Tile::at(tile.level, tile.index, head.size) != Some(*tile) || hashes.len() != usize::from(tile.width) {
                return None;
            }
            if !tile.is_at_the_edge() {
                let above = Node { level: (tile.level + 1) * HEIGHT, index: tile.index };
                if tiles.hash(above)? != subtree(hashes)? {
                    return None;
                }
            }
        }
        Some(tiles)
    }

    /// All of the tiles.
    pub fn iter(&self) -> impl Iterator<Item = (&Tile, &[TreeHash])> {
        self.hashes.iter().map(|(tile, hashes)| (tile, hashes.as_slice()))
    }

    /// The hash of a node, if it is in one of the tiles.
    pub fn hash(&self, node: Node) -> Option<TreeHash> {
        let tile = Tile::of(node, self.size)?;
        let within = node.level % HEIGHT;
        let start = ((node.index - (tile.index << (HEIGHT - within))) << within) as usize;
        subtree(self.hashes.get(&tile)?.get(start..start + (1 << within))?)
    }

    /// The hash of a range, if its nodes are in the tiles.
    pub fn range(&self, range: Range) -> Option<TreeHash> {
        let hashes = range.nodes().into_iter().map(|node| Some((node, self.hash(node)?))).collect::<Option<_>>()?;
        range.hash(&hashes)
    }

    /// The hashes of a path, if they are in the tiles.
    pub fn path(&self, path: &[Range]) -> Option<Vec<TreeHash>> {
        path.iter().map(|range| self.range(*range)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tile(level: u32, index: u64, width: u16) -> Tile {
        Tile { level, index, width }
    }

    /// All tiles of a tree of records.
    fn published(records: &[TreeHash]) -> (TreeHead, BTreeMap<Tile, Vec<TreeHash>>) {
        let size = records.len() as u64;
        let (mut tiles, mut level, mut hashes) = (BTreeMap::new(), 0, records.to_vec());
        while !hashes.is_empty() {
            for (index, chunk) in hashes.chunks(usize::from(FULL)).enumerate() {
                tiles.insert(tile(level, index as u64, chunk.len() as u16), chunk.to_vec());
            }
            hashes = hashes.chunks_exact(usize::from(FULL)).map(|chunk| subtree(chunk).unwrap()).collect();
            level += 1;
        }
        let leaves = records.iter().enumerate().map(|(index, hash)| (Node { level: 0, index: index as u64 }, *hash));
        (TreeHead { size, root: root_of(&leaves.map(|(_, hash)| hash).collect::<Vec<_>>()) }, tiles)
    }

    fn root_of(records: &[TreeHash]) -> TreeHash {
        match records {
            [] => merkle::empty(),
            [one] => *one,
            _ => {
                let (left, right) = records.split_at(records.len().next_power_of_two() / 2);
                merkle::parent(root_of(left), root_of(right))
            }
        }
    }

    fn records(count: u64) -> Vec<TreeHash> {
        (0..count).map(|index| merkle::leaf(&index.to_be_bytes())).collect()
    }

    #[test]
    fn paths() {
        assert_eq!(tile(0, 5, FULL).path(), "tile/8/0/005");
        assert_eq!(tile(2, 1_234_067, 1).path(), "tile/8/2/x001/x234/067.p/1");
        assert_eq!(tile(1, 1000, FULL).path(), "tile/8/1/x001/000");
        assert_eq!(tile(0, 1, 3).full(), Some(tile(0, 1, FULL)));
        assert_eq!(tile(0, 1, FULL).full(), None);
    }

    #[test]
    fn places() {
        let size = (3 << 16) + (2 << 8) + 7;
        let edge = [tile(0, 770, 7), tile(1, 3, 2), tile(2, 0, 3)];
        assert_eq!(tiles_for([], size), BTreeSet::from(edge));
        // A record on the left needs the whole way up, one on the right nothing more.
        let first = Node { level: 0, index: 0 };
        let way = [tile(0, 0, FULL), tile(1, 0, FULL)];
        assert_eq!(tiles_for([first], size), edge.into_iter().chain(way).collect());
        assert_eq!(tiles_for([Node { level: 0, index: size - 1 }, Node { level: 0, index: size }], size), edge.into());
        // Where the tree is complete, the tile at the edge has one hash.
        assert_eq!(tiles_for([], 256), BTreeSet::from([tile(1, 0, 1)]));
        assert_eq!(tiles_for([first], 0), BTreeSet::new());
        for node in
            [Node { level: 64, index: 0 }, Node { level: u32::MAX, index: u64::MAX }, Node { level: 8, index: u64::MAX }]
        {
            assert_eq!(Tile::of(node, u64::MAX), None);
        }
        assert_eq!(Tile::at(0, u64::MAX >> 2, u64::MAX), None);
    }

    #[test]
    fn proofs_from_tiles() {
        for count in [1, 2, 255, 256, 257, 511, 512, 700, 66000] {
            let records = records(count);
            let (head, tiles) = published(&records);
            let tiles = Tiles::authenticate(tiles, head).unwrap_or_else(|| panic!("{count} records"));
            for index in [0, 1, 254, 255, 256, 511, 65535, count - 1].into_iter().filter(|index| *index < count) {
                let proof = tiles.path(&merkle::inclusion_path(count, index)).unwrap();
                assert!(merkle::includes(&proof, count, head.root, index, records[index as usize]), "{index} of {count}");
                let old = index + 1;
                let proof = tiles.path(&merkle::consistency_path(count, old)).unwrap();
                let old_root = tiles.range(Range::whole(old)).unwrap();
                assert!(merkle::extends(&proof, count, head.root, old, old_root), "{old} of {count}");
            }
            assert_eq!(tiles.hash(Node { level: 0, index: count }), None);
        }
    }

    #[test]
    fn only_what_is_needed() {
        let (head, all) = published(&records(66000));
        for index in [0, 300, 65535, 65999] {
            let path = merkle::inclusion_path(head.size, index);
            let needed = tiles_for(path.iter().flat_map(|range| range.nodes()), head.size);
            let some = |needed: &BTreeSet<Tile>| needed.iter().map(|tile| (*tile, all[tile].clone())).collect();
            let tiles = Tiles::authenticate(some(&needed), head).unwrap();
            assert!(tiles.path(&path).is_some());
            // Of tiles that don't reach up to the root, none is believed.
            for missing in needed.iter().filter(|tile| tile.level > 0) {
                let fewer = needed.iter().copied().filter(|tile| tile != missing).collect();
                assert!(Tiles::authenticate(some(&fewer), head).is_none(), "{missing:?}");
            }
        }
    }

    #[test]
    fn every_tile_is_authenticated() {
        // With three levels at the edge and full tiles below, which share a place in the list of those that the root needs: a
        // reader that counts those before it has joined equal ones skips some (CVE-2026-56865).
        for count in [257, 66000, 65536 + 256 * 3 + 255] {
            let (head, mut tiles) = published(&records(count));
            let needed = tiles_for([0, 300, 65535].map(|index| Node { level: 0, index }), count);
            tiles.retain(|tile, _| needed.contains(tile));
            let empty_root = TreeHead { root: merkle::empty(), ..head };
            assert!(Tiles::authenticate(tiles.clone(), empty_root).is_none());
            assert!(Tiles::authenticate(tiles.clone(), TreeHead { size: head.size - 1, ..head }).is_none());
            for (place, hashes) in &tiles {
                for wrong in [0, hashes.len() / 2, hashes.len() - 1] {
                    let mut forged = tiles.clone();
                    forged.get_mut(place).unwrap()[wrong] = merkle::leaf(b"forged");
                    assert!(Tiles::authenticate(forged, head).is_none(), "{place:?} {wrong}");
                }
                let mut short = tiles.clone();
                short.get_mut(place).unwrap().pop();
                assert!(Tiles::authenticate(short, head).is_none(), "{place:?}");
            }
            let mut more = tiles.clone();
            more.insert(tile(5, 0, 1), vec![head.root]);
            assert!(Tiles::authenticate(more, head).is_none());
        }
    }

    #[test]
    fn bytes() {
        assert_eq!(tile(0, 0, 1).read(&[0; 31]), None);
        assert_eq!(tile(0, 0, 1).read(&[0; 33]), None);
        assert_eq!(tile(0, 0, 2).read(&[7; 64]), Some(vec![TreeHash(Sha256::from_bytes([7; 32])); 2]));
    }
}
