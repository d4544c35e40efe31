//! Saved states: no text makes the parser panic; what it takes has nothing that a comparison with itself finds, comes back the same, and
//! has a fingerprint for each target that has a node, whatever depends on what.

use std::collections::BTreeSet;

use godirect::affected::{STRICTLY, State, compare};

pub fn run(content: &[u8]) {
    let Ok(state) = serde_json::from_slice::<State>(content) else { return };
    let compared = compare(&state, &state, STRICTLY, &BTreeSet::new());
    assert!(compared.impacts.is_empty() && compared.steps == compared.reused);
    let text = serde_json::to_vec(&state).expect("what was read can be written");
    assert_eq!(serde_json::from_slice::<State>(&text).ok().as_ref(), Some(&state));
    for view in state.views.values() {
        let known = view.targets.values().filter(|made| view.nodes.contains_key(&made.node)).count();
        assert_eq!(view.fingerprints().len(), known);
    }
}
