//! Why a package is needed: the shortest chains of imports that lead to it.

use std::collections::BTreeMap;

use super::paths::Shortest;
use super::picture::{ImportKind, Picture};

/// Packages, each imported by the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The packages, as indices in [`Picture::nodes`].
    pub nodes: Vec<usize>,
    /// The views in which each of them imports the next, as indices.
    pub views: Vec<usize>,
}

/// The shortest chain from one of `starts` to one of `ends`: of several, one of the first view and of the first importers.
///
/// Tests only count at the start of a chain: nobody needs what the tests of his dependencies import. An end is no start.
pub fn shortest(picture: &Picture, starts: &[usize], ends: &[usize]) -> Option<Chain> {
    let searched = (0..picture.views.len()).map(|view| Search::new(picture, view, starts, ends));
    let chains = searched.flat_map(|search| ends.iter().filter_map(move |end| search.shortest.chain(*end)).collect::<Vec<_>>());
    chains.min_by_key(Vec::len).map(|nodes| in_views(picture, nodes))
}

/// The same for each package that imports one of `ends` and is reached, sorted by that package.
pub fn by_importer(picture: &Picture, starts: &[usize], ends: &[usize]) -> Vec<Chain> {
    let mut chains: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for view in 0..picture.views.len() {
        let search = Search::new(picture, view, starts, ends);
        for (importer, imports) in search.edges.iter().enumerate().filter(|(importer, _)| !ends.contains(importer)) {
            let end = imports.iter().find(|imported| ends.contains(imported));
            let Some((mut chain, end)) = search.shortest.chain(importer).zip(end) else { continue };
            chain.push(*end);
            match chains.get(&importer) {
                Some(known) if known.len() <= chain.len() => {}
                _ => drop(chains.insert(importer, chain)),
            }
        }
    }
    chains.into_values().map(|nodes| in_views(picture, nodes)).collect()
}

/// A search in one view.
struct Search {
    edges: Vec<Vec<usize>>,
    shortest: Shortest,
}

impl Search {
    fn new(picture: &Picture, view: usize, starts: &[usize], ends: &[usize]) -> Search {
        let starts: Vec<usize> = starts.iter().copied().filter(|start| !ends.contains(start)).collect();
        let mut edges = picture.edges(view);
        for start in &starts {
            edges[*start] = picture.nodes[*start].imported(view, |_| true).collect();
        }
        let present: Vec<usize> = starts.into_iter().filter(|start| picture.nodes[*start].views.contains(&view)).collect();
        let shortest = Shortest::from(&edges, &present, &|node| ends.contains(&node));
        Search { edges, shortest }
    }
}

fn in_views(picture: &Picture, nodes: Vec<usize>) -> Chain {
    let holds = |view: usize| {
        nodes.windows(2).enumerate().all(|(step, pair)| {
            let mut imported = picture.nodes[pair[0]].imported(view, |kind| step == 0 || kind != ImportKind::Test);
            imported.any(|to| to == pair[1])
        })
    };
    let views = (0..picture.views.len()).filter(|view| holds(*view)).collect();
    Chain { nodes, views }
}
