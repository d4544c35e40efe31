//! Questions about a graph as a whole: shortest chains, and how many nodes need one. Nodes are numbers, so that these are the same
//! for packages and modules.

use std::collections::VecDeque;

/// For each node those that it imports.
pub type Edges = [Vec<usize>];

/// The shortest ways from some nodes to all others.
///
/// Of several that are equally short, it has the one whose nodes come first in the order of [`Edges`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortest {
    /// The node before each one on its way; a start is before itself, and `None` is before what can't be reached.
    before: Vec<Option<usize>>,
}

impl Shortest {
    /// Searches breadth first. Ways may end at a node that `closed` holds for, but not lead through it.
    pub fn from(edges: &Edges, starts: &[usize], closed: &dyn Fn(usize) -> bool) -> Shortest {
        let mut before = vec![None; edges.len()];
        let mut queue = VecDeque::new();
        for start in starts {
            if before[*start].is_none() {
                before[*start] = Some(*start);
                queue.push_back(*start);
            }
        }
        while let Some(node) = queue.pop_front() {
            if closed(node) {
                continue;
            }
            for next in &edges[node] {
                if before[*next].is_none() {
                    before[*next] = Some(node);
                    queue.push_back(*next);
                }
            }
        }
        Shortest { before }
    }

    /// The nodes from a start to `end`, both included; `None` when there is no way.
    pub fn chain(&self, end: usize) -> Option<Vec<usize>> {
        let mut chain = vec![end];
        let mut node = end;
        loop {
            let before = self.before[node]?;
            if before == node {
                chain.reverse();
                return Some(chain);
            }
            chain.push(before);
            node = before;
        }
    }
}

/// For each node the number of other nodes that need it, directly or not.
pub fn needed_by(edges: &Edges) -> Vec<usize> {
    let words = edges.len().div_ceil(64);
    let mut needing = vec![vec![0u64; words]; edges.len()];
    // Where nodes stand after what they import, as in a package graph, the second pass only finds that nothing changes. Modules can
    // need each other, which takes some more.
    let mut changed = true;
    while changed {
        changed = false;
        for node in (0..edges.len()).rev() {
            let mut own = std::mem::take(&mut needing[node]);
            own[node / 64] |= 1 << (node % 64);
            for next in edges[node].iter().filter(|next| **next != node) {
                for (theirs, ours) in needing[*next].iter_mut().zip(&own) {
                    changed |= *ours & !*theirs != 0;
                    *theirs |= ours;
                }
            }
            needing[node] = own;
        }
    }
    let ones = |bits: &Vec<u64>| bits.iter().map(|word| word.count_ones() as usize).sum::<usize>();
    needing.iter().map(|bits| ones(bits) - 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A graph of nodes below ten from arrows like `01`.
    fn graph(arrows: &str) -> Vec<Vec<usize>> {
        let mut edges = vec![Vec::new(); 6];
        for arrow in arrows.split_whitespace() {
            let digit = |i: usize| usize::from(arrow.as_bytes()[i] - b'0');
            edges[digit(0)].push(digit(1));
        }
        edges
    }

    #[test]
    fn chains_are_shortest() {
        let edges = graph("01 12 23 03 34 02");
        let from = |starts: &[usize], closed: &[usize]| Shortest::from(&edges, starts, &|node| closed.contains(&node));
        assert_eq!(from(&[0], &[]).chain(4), Some(vec![0, 3, 4]));
        assert_eq!(from(&[0], &[]).chain(0), Some(vec![0]));
        assert_eq!(from(&[0], &[]).chain(5), None);
        assert_eq!(from(&[1, 0], &[]).chain(2), Some(vec![1, 2]));
        assert_eq!(from(&[0], &[3]).chain(4), None);
        assert_eq!(from(&[0], &[3]).chain(3), Some(vec![0, 3]));
    }

    /// Against a search from each node, on graphs with and without circles, of more than one word of bits.
    #[test]
    fn needed_by_is_what_searches_find() {
        let mut seed = 1u64;
        let mut random = |below: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % below
        };
        for round in 0..20 {
            let mut edges = vec![Vec::new(); 150];
            for _ in 0..180 {
                let (a, b) = (random(150), random(150));
                // Every other graph has no circle.
                edges[if round % 2 == 0 { a.max(b) } else { a }].push(if round % 2 == 0 { a.min(b) } else { b });
            }
            let mut expected = vec![0; 150];
            for start in 0..150 {
                let shortest = Shortest::from(&edges, &[start], &|_| false);
                (0..150).filter(|node| *node != start && shortest.chain(*node).is_some()).for_each(|node| expected[node] += 1);
            }
            assert_eq!(needed_by(&edges), expected);
        }
    }

    #[test]
    fn needed_by_counts_each_importer_once() {
        assert_eq!(needed_by(&graph("10 20 31 32")), [3, 1, 1, 0, 0, 0]);
        assert_eq!(needed_by(&graph("01 12 23 03 34 02")), [0, 1, 2, 3, 4, 0]);
        // Around a circle, each needs all others; those behind it are needed by all of it.
        assert_eq!(needed_by(&graph("01 12 20 03 34")), [2, 2, 2, 3, 4, 0]);
        assert_eq!(needed_by(&graph("00")), [0; 6]);
        assert_eq!(needed_by(&[]), [0; 0]);
    }
}
