//! Runs the nodes of a graph on a few threads: dependencies first, and of those that are ready the one that most work waits for.

use std::collections::BinaryHeap;
use std::sync::{Condvar, Mutex};

use crate::error::{Error, Result};

struct State {
    /// Ready nodes by the weight of the heaviest chain that waits for them.
    ready: BinaryHeap<(usize, usize)>,
    /// Dependencies not yet done, for each node.
    missing: Vec<usize>,
    /// Nodes that are being worked on.
    running: usize,
    done: Vec<bool>,
    /// Whether nothing further is to start.
    ended: bool,
}

/// How the work on a node ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Dependents may start.
    Done,
    /// Dependents can't start, others can.
    Failed,
    /// Nothing can start any more.
    Stop,
}

/// Calls `work` for the nodes on up to `jobs` threads: never before its dependencies (`edges[node]`) are done, and each at most once.
/// `weights` say how long each takes compared with others. The answer tells which are done.
///
/// # Errors
///
/// When the graph has a cycle.
pub(super) fn run(
    edges: &[Vec<usize>],
    weights: &[usize],
    jobs: usize,
    work: impl Fn(usize) -> End + Sync,
) -> Result<Vec<bool>> {
    let mut dependents = vec![Vec::new(); edges.len()];
    for (node, deps) in edges.iter().enumerate() {
        for dep in deps {
            dependents[*dep].push(node);
        }
    }
    let missing: Vec<usize> = edges.iter().map(Vec::len).collect();
    let heights = heights(&dependents, edges, weights)?;
    let ready = (0..edges.len()).filter(|n| missing[*n] == 0).map(|n| (heights[n], n)).collect();
    let state = Mutex::new(State { ready, missing, running: 0, done: vec![false; edges.len()], ended: false });
    let changed = Condvar::new();

    std::thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, edges.len().max(1)) {
            scope.spawn(|| {
                while let Some(node) = next(&state, &changed) {
                    let end = work(node);
                    let mut state = super::lock(&state);
                    state.running -= 1;
                    state.ended |= end == End::Stop;
                    if end == End::Done {
                        state.done[node] = true;
                        for dependent in &dependents[node] {
                            state.missing[*dependent] -= 1;
                            if state.missing[*dependent] == 0 {
                                state.ready.push((heights[*dependent], *dependent));
                            }
                        }
                    }
                    changed.notify_all();
                }
            });
        }
    });
    Ok(state.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).done)
}

/// Waits for a ready node; `None` when there will be none.
fn next(state: &Mutex<State>, changed: &Condvar) -> Option<usize> {
    let mut state = super::lock(state);
    loop {
        if state.ended {
            return None;
        }
        if let Some((_, node)) = state.ready.pop() {
            state.running += 1;
            return Some(node);
        }
        if state.running == 0 {
            return None;
        }
        state = changed.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner);
    }
}

/// For each node the weight of the heaviest chain that begins with it and goes on with dependents.
fn heights(dependents: &[Vec<usize>], edges: &[Vec<usize>], weights: &[usize]) -> Result<Vec<usize>> {
    let mut waiting: Vec<usize> = dependents.iter().map(Vec::len).collect();
    let mut heights = weights.to_vec();
    let mut done: Vec<usize> = (0..edges.len()).filter(|n| waiting[*n] == 0).collect();
    let mut next = 0;
    while let Some(node) = done.get(next).copied() {
        next += 1;
        for dep in &edges[node] {
            heights[*dep] = heights[*dep].max(heights[node] + weights[*dep]);
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

    /// The order in which one thread works, where `ends` says how some nodes end; and what is done.
    fn order(edges: &[Vec<usize>], weights: &[usize], ends: &[(usize, End)]) -> (Vec<usize>, Vec<bool>) {
        let order = Mutex::new(Vec::new());
        let done = run(edges, weights, 1, |n| {
            super::super::lock(&order).push(n);
            ends.iter().find(|(node, _)| *node == n).map_or(End::Done, |(_, end)| *end)
        });
        (order.into_inner().unwrap(), done.unwrap())
    }

    #[test]
    fn dependencies_come_first_and_the_heaviest_chain_leads() {
        let edges = [vec![], vec![0], vec![1], vec![], vec![2, 3]];
        assert_eq!(order(&edges, &[1; 5], &[]).0, [0, 1, 3, 2, 4]);
        assert_eq!(order(&edges, &[1, 1, 1, 9, 1], &[]).0, [3, 0, 1, 2, 4]);
    }

    #[test]
    fn what_depends_on_a_failure_is_skipped() {
        let edges = [vec![], vec![0], vec![], vec![1, 2], vec![2]];
        assert_eq!(order(&edges, &[1; 5], &[(0, End::Failed)]), (vec![0, 2, 4], vec![false, false, true, false, true]));
        assert_eq!(order(&edges, &[1; 5], &[(0, End::Stop)]), (vec![0], vec![false; 5]));
    }

    #[test]
    fn threads_end_whatever_happens() {
        let edges: Vec<Vec<usize>> = (0..200_usize).map(|n| if n < 10 { vec![] } else { vec![n - 10, n / 2] }).collect();
        for end in [End::Done, End::Failed, End::Stop] {
            let result = run(&edges, &[1; 200], 8, |n| if n == 199 { end } else { End::Done }).unwrap();
            let done = result.iter().filter(|done| **done).count();
            match end {
                End::Done => assert_eq!(done, 200),
                End::Failed => assert_eq!(done, 199),
                // Others may not have started yet.
                End::Stop => assert!(done < 200 && !result[199]),
            }
        }
        assert!(run(&[vec![1], vec![0]], &[1, 1], 2, |_| End::Done).is_err());
        assert!(run(&[], &[], 2, |_| End::Done).unwrap().is_empty());
    }
}
