//! The tree over a log's records, and proofs about it (RFC 6962, section 2.1; RFC 9162 has the same proofs and checks them
//! as it is done here).

use std::collections::BTreeMap;

use crate::digest::{Hasher, Sha256, TreeHash};

/// The hash of a record.
pub fn leaf(record: &[u8]) -> TreeHash {
    let mut hasher = Hasher::default();
    hasher.update([0]);
    hasher.update(record);
    TreeHash(hasher.finish())
}

/// The hash of what has these two hashes below it.
pub fn parent(left: TreeHash, right: TreeHash) -> TreeHash {
    let mut hasher = Hasher::default();
    hasher.update([1]);
    hasher.update(left.0.as_bytes());
    hasher.update(right.0.as_bytes());
    TreeHash(hasher.finish())
}

/// The hash of a tree without records.
pub fn empty() -> TreeHash {
    TreeHash(Sha256::of([]))
}

/// A complete subtree: the records from `index << level`, `1 << level` of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    /// Its height; 0 is a record.
    pub level: u32,
    /// Its number among those of its height, from 0.
    pub index: u64,
}

/// Hashes of complete subtrees.
pub type Hashes = BTreeMap<Node, TreeHash>;

/// Consecutive records that have a hash together: what RFC 6962 writes `MTH(D[start:end])`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first record; a multiple of a power of two that is not smaller than the range.
    pub start: u64,
    /// The record after the last one.
    pub end: u64,
}

impl Range {
    /// All records of a tree.
    pub fn whole(size: u64) -> Range {
        Range { start: 0, end: size }
    }

    /// The complete subtrees that make it up, from the left, each smaller than the one before.
    pub fn nodes(self) -> Vec<Node> {
        let mut nodes = Vec::new();
        let mut start = self.start;
        while start < self.end {
            let level = (self.end - start).ilog2();
            nodes.push(Node { level, index: start >> level });
            start += 1 << level;
        }
        nodes
    }

    /// Its hash, from those of its [nodes](Range::nodes); `None` when one of them is missing.
    pub fn hash(self, hashes: &Hashes) -> Option<TreeHash> {
        let mut nodes = self.nodes().into_iter().rev();
        let Some(last) = nodes.next() else { return Some(empty()) };
        let mut hash = *hashes.get(&last)?;
        for node in nodes {
            hash = parent(*hashes.get(&node)?, hash);
        }
        Some(hash)
    }

    /// Both sides of a range of at least two records.
    fn halves(self) -> (Range, Range) {
        let length = self.end - self.start;
        let middle = self.start + (1 << (length - 1).ilog2());
        (Range { end: middle, ..self }, Range { start: middle, ..self })
    }
}

/// The ranges whose hashes prove that a tree of `size` records has record `index`, in the order of RFC 6962: from the record
/// to the root. Empty when there is no such record.
pub fn inclusion_path(size: u64, index: u64) -> Vec<Range> {
    let mut path = Vec::new();
    let mut range = Range::whole(size);
    while index < size && range.end - range.start > 1 {
        let (left, right) = range.halves();
        let (inner, sibling) = if index < left.end { (left, right) } else { (right, left) };
        path.push(sibling);
        range = inner;
    }
    path.reverse();
    path
}

/// The ranges whose hashes prove that a tree of `size` records begins with one of `old` records, in the order of RFC 6962.
/// Empty when they are the same, and when there is nothing to prove: `old` is 0 or larger than `size`.
pub fn consistency_path(size: u64, old: u64) -> Vec<Range> {
    let mut path = Vec::new();
    if old == 0 || old >= size {
        return path;
    }
    let mut range = Range::whole(size);
    while old != range.end {
        let (left, right) = range.halves();
        let (inner, sibling) = if old <= left.end { (left, right) } else { (right, left) };
        path.push(sibling);
        range = inner;
    }
    // The old tree's own hash needs no mention.
    if range.start != 0 {
        path.push(range);
    }
    path.reverse();
    path
}

/// Whether `proof` shows that the tree of `size` records with the hash `root` has a record with the hash `leaf` at `index`
/// (RFC 9162, section 2.1.3.2).
pub fn includes(proof: &[TreeHash], size: u64, root: TreeHash, index: u64, leaf: TreeHash) -> bool {
    if index >= size {
        return false;
    }
    let (mut position, mut last) = (index, size - 1);
    let mut hash = leaf;
    for sibling in proof {
        if last == 0 {
            return false;
        }
        if position & 1 == 1 || position == last {
            hash = parent(*sibling, hash);
            skip_missing(&mut position, &mut last);
        } else {
            hash = parent(hash, *sibling);
        }
        (position, last) = (position >> 1, last >> 1);
    }
    last == 0 && hash == root
}

/// Goes up where a node at the right edge has no sibling.
fn skip_missing(position: &mut u64, last: &mut u64) {
    while *position & 1 == 0 && *position != 0 {
        (*position, *last) = (*position >> 1, *last >> 1);
    }
}

/// Whether `proof` shows that the tree of `size` records with the hash `root` begins with the tree of `old_size` records with
/// the hash `old_root` (RFC 9162, section 2.1.4.2). Every tree begins with the empty one.
pub fn extends(proof: &[TreeHash], size: u64, root: TreeHash, old_size: u64, old_root: TreeHash) -> bool {
    if old_size == 0 || old_size >= size {
        let same = if old_size == 0 { empty() } else { root };
        return old_size <= size && proof.is_empty() && old_root == same;
    }
    let (mut position, mut last) = (old_size - 1, size - 1);
    let trailing = position.trailing_ones();
    (position, last) = (position >> trailing, last >> trailing);
    // A complete subtree's hash is known already.
    let (first, rest) = match (position, proof.split_first()) {
        (0, _) => (old_root, proof),
        (_, Some((first, rest))) => (*first, rest),
        (_, None) => return false,
    };
    let (mut old_hash, mut hash) = (first, first);
    for sibling in rest {
        if last == 0 {
            return false;
        }
        if position & 1 == 1 || position == last {
            (old_hash, hash) = (parent(*sibling, old_hash), parent(*sibling, hash));
            skip_missing(&mut position, &mut last);
        } else {
            hash = parent(hash, *sibling);
        }
        (position, last) = (position >> 1, last >> 1);
    }
    last == 0 && old_hash == old_root && hash == root
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(index: u64) -> TreeHash {
        leaf(index.to_string().as_bytes())
    }

    /// RFC 6962, section 2.1, as it stands there.
    fn hash_of(range: Range) -> TreeHash {
        match range.end - range.start {
            0 => empty(),
            1 => record(range.start),
            length => {
                let middle = range.start + length.next_power_of_two() / 2;
                parent(hash_of(Range { end: middle, ..range }), hash_of(Range { start: middle, ..range }))
            }
        }
    }

    const SIZES: u64 = 40;

    #[test]
    fn known_hashes() {
        let shown = |hash: TreeHash| hash.0.to_string();
        assert_eq!(shown(empty()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(shown(leaf(b"")), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        // The tree of RFC 9162's test vectors: these are its first two records.
        let two = parent(leaf(b""), leaf(&[0]));
        assert_eq!(shown(two), "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
    }

    #[test]
    fn ranges_are_hashed_from_their_nodes() {
        for size in 0..SIZES {
            let range = Range::whole(size);
            let of = |node: &Node| Range { start: node.index << node.level, end: (node.index + 1) << node.level };
            let hashes: Hashes = range.nodes().iter().map(|node| (*node, hash_of(of(node)))).collect();
            assert_eq!(range.hash(&hashes), Some(hash_of(range)), "{size}");
            if size > 0 {
                assert_eq!(range.hash(&hashes.into_iter().skip(1).collect()), None, "{size}");
            }
        }
        assert_eq!(Range::whole(i64::MAX as u64).nodes().len(), 63);
    }

    #[test]
    fn inclusion() {
        for size in 1..SIZES {
            let root = hash_of(Range::whole(size));
            for index in 0..size {
                let proof: Vec<TreeHash> = inclusion_path(size, index).into_iter().map(hash_of).collect();
                let holds = |proof: &[TreeHash]| includes(proof, size, root, index, record(index));
                assert!(holds(&proof), "{index} of {size}");
                assert!(!includes(&proof, size, root, index, record(index + 1)));
                assert!(!includes(&proof, size, root, (index + 1) % size, record(index)) || size == 1);
                assert!(!includes(&proof, size, root, size, record(index)));
                assert!(!holds(&[proof.clone(), vec![root]].concat()));
                assert!(!holds(&[vec![root], proof.clone()].concat()));
                for wrong in 0..proof.len() {
                    let mut damaged = proof.clone();
                    damaged[wrong] = empty();
                    assert!(!holds(&damaged), "{index} of {size}");
                    damaged.remove(wrong);
                    assert!(!holds(&damaged), "{index} of {size}");
                }
            }
        }
        assert_eq!((inclusion_path(3, 3), inclusion_path(0, 0)), (vec![], vec![]));
    }

    #[test]
    fn consistency() {
        for size in 0..SIZES {
            let root = hash_of(Range::whole(size));
            for old in 0..=size {
                let old_root = hash_of(Range::whole(old));
                let proof: Vec<TreeHash> = consistency_path(size, old).into_iter().map(hash_of).collect();
                let holds = |proof: &[TreeHash]| extends(proof, size, root, old, old_root);
                assert!(holds(&proof), "{old} of {size}");
                assert!(!extends(&proof, size, root, old, leaf(b"x")));
                assert!(!extends(&proof, size, leaf(b"x"), old, old_root) || old == 0);
                assert!(!extends(&proof, old, old_root, size, root) || old == size);
                assert!(!holds(&[proof.clone(), vec![root]].concat()));
                for wrong in 0..proof.len() {
                    let mut damaged = proof.clone();
                    damaged[wrong] = empty();
                    assert!(!holds(&damaged), "{old} of {size}");
                    damaged.remove(wrong);
                    assert!(!holds(&damaged), "{old} of {size}");
                }
            }
        }
    }
}
