//! Runs the nodes of a graph on a few threads: dependencies first, and of those that are ready the longest chain first.

use std::collections::BinaryHeap;
use std::sync::{Condvar, Mutex};

use crate::error::{Error, Result};

struct State {
    /// Ready nodes by the length of the longest chain that waits for them.
    ready: BinaryHeap<(usize, usize)>,
    /// Dependencies not yet done, for each node.
    missing: Vec<usize>,
    /// Nodes not yet done.
    left: usize,
    error: Option<Error>,
}

/// Calls `work` once for each node, never before its dependencies (`edges[node]`) have returned, on up to `jobs` threads.
///
/// # Errors
///
/// The first error of `work`; no further node starts after it.
pub(super) fn run(edges: &[Vec<usize>], jobs: usize, work: impl Fn(usize) -> Result<()> + Sync) -> Result<()> {
    let mut dependents = vec![Vec::new(); edges.len()];
    for (node, deps) in edges.iter().enumerate() {
        for dep in deps {
            dependents[*dep].push(node);
        }
    }
    let missing: Vec<usize> = edges.iter().map(Vec::len).collect();
    let heights = heights(&dependents, edges)?;
    let ready = (0..edges.len()).filter(|n| missing[*n] == 0).map(|n| (heights[n], n)).collect();
    let state = Mutex::new(State { ready, missing, left: edges.len(), error: None });
    let changed = Condvar::new();

    std::thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, edges.len().max(1)) {
            scope.spawn(|| {
                while let Some(node) = next(&state, &changed) {
                    let result = work(node);
                    let mut state = super::lock(&state);
                    match result {
                        Ok(()) => {
                            state.left -= 1;
                            for dependent in &dependents[node] {
                                state.missing[*dependent] -= 1;
                                if state.missing[*dependent] == 0 {
                                    state.ready.push((heights[*dependent], *dependent));
                                }
                            }
                        }
                        Err(error) => drop(state.error.get_or_insert(error)),
                    }
                    changed.notify_all();
                }
            });
        }
    });
    match super::lock(&state).error.take() {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// Waits for a ready node; `None` when there will be none.
fn next(state: &Mutex<State>, changed: &Condvar) -> Option<usize> {
    let mut state = super::lock(state);
    loop {
        if state.left == 0 || state.error.is_some() {
            return None;
        }
        if let Some((_, node)) = state.ready.pop() {
            return Some(node);
        }
        state = changed.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner);
    }
}

/// For each node the length of the longest chain of dependents.
fn heights(dependents: &[Vec<usize>], edges: &[Vec<usize>]) -> Result<Vec<usize>> {
    let mut waiting: Vec<usize> = dependents.iter().map(Vec::len).collect();
    let mut heights = vec![0; edges.len()];
    let mut done: Vec<usize> = (0..edges.len()).filter(|n| waiting[*n] == 0).collect();
    let mut next = 0;
    while let Some(node) = done.get(next).copied() {
        next += 1;
        for dep in &edges[node] {
            heights[*dep] = heights[*dep].max(heights[node] + 1);
            waiting[*dep] -= 1;
            if waiting[*dep] == 0 {
                done.push(*dep);
            }
        }
    }
    if next == edges.len() { Ok(heights) } else { Err(Error::input("the plan has a cycle")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_come_first_and_the_longest_chain_leads() {
        let order = Mutex::new(Vec::new());
        let edges = [vec![], vec![0], vec![1], vec![], vec![2, 3]];
        run(&edges, 1, |n| {
            super::super::lock(&order).push(n);
            Ok(())
        })
        .unwrap();
        assert_eq!(order.into_inner().unwrap(), [0, 1, 3, 2, 4]);
    }

    #[test]
    fn an_error_stops_what_depends_on_it() {
        let edges = [vec![], vec![0]];
        let ran = Mutex::new(Vec::new());
        let result = run(&edges, 4, |n| {
            super::super::lock(&ran).push(n);
            Err(Error::input("no"))
        });
        assert!(result.is_err());
        assert_eq!(ran.into_inner().unwrap(), [0]);
        assert!(run(&[vec![1], vec![0]], 2, |_| Ok(())).is_err());
    }
}
