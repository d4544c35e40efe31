//! The actions of configurations, and what they need of each other.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, BINARY, HEADER, Input, NOTES, PACKAGE, json};
use crate::digest::Sha256;
use crate::error::{Error, Result};
use crate::exec::{Work, schedule};
use crate::plan::{Step, token};

/// The actions of all configurations.
///
/// # Errors
///
/// A step that names what the plan doesn't have.
pub(in crate::exec) fn all<'a>(work: &'a [Work<'a>]) -> Result<Vec<Action<'a>>> {
    let mut actions = Vec::new();
    for (work_index, work) in work.iter().enumerate() {
        let first = actions.len();
        let packages = &work.configuration.packages;
        let compiled = packages.keys().zip(first..).map(|(name, node)| ((name.as_str(), PACKAGE[0]), node));
        let mut index: Index = compiled.collect();
        let mut notes = Vec::new();
        for (name, package) in packages {
            let (steps, note) = without_note(&package.steps);
            let inputs = inputs(name, steps, &index)?;
            let (source, c) = (Some(&package.source), package.c.as_ref());
            let mut outputs = PACKAGE.to_vec();
            outputs.extend(package.header.then_some(HEADER));
            outputs.extend(steps.iter().any(|step| matches!(step, Step::Identify { .. })).then_some(NOTES));
            actions.push(Action { work, work_index, name, source, steps, outputs, c, inputs, same_as: None });
            notes.extend(note.map(|step| (name.as_str(), source, step)));
        }
        for (name, source, step) in notes {
            let node = index[&(name, PACKAGE[0])];
            let input = |output: &str| Input { token: output.to_owned(), node, output: output.to_owned() };
            let (steps, outputs, inputs) = (std::slice::from_ref(step), vec![NOTES], PACKAGE.map(input).into());
            index.insert((name, NOTES), actions.len());
            actions.push(Action { work, work_index, name, source, steps, outputs, c: None, inputs, same_as: None });
        }
        for (name, binary) in &work.configuration.binaries {
            let inputs = inputs(name, &binary.steps, &index)?;
            let (steps, c) = (&binary.steps, binary.c.as_ref());
            let outputs = vec![BINARY];
            actions.push(Action { work, work_index, name, source: None, steps, outputs, c, inputs, same_as: None });
        }
    }
    if work.len() > 1 {
        find_same(&mut actions)?;
    }
    Ok(actions)
}

/// Finds actions that several configurations have in common, such as those of two profiles that are linked in different ways.
fn find_same(actions: &mut [Action<'_>]) -> Result<()> {
    let edges: Vec<Vec<usize>> = actions.iter().map(Action::edges).collect();
    let order = schedule::order(&edges)?;
    let mut identities = vec![Sha256::of(""); actions.len()];
    let mut first: BTreeMap<Sha256, usize> = BTreeMap::new();
    for node in order {
        let action = &actions[node];
        let inputs: Vec<_> = action.inputs.iter().map(|input| (&input.token, identities[input.node])).collect();
        let Work { sdk_id, configuration, c, .. } = action.work;
        let all = (sdk_id, &configuration.env, (&c.id, &c.env, action.c), action.source, action.steps, inputs);
        identities[node] = Sha256::of(json(&all)?);
        let same = *first.entry(identities[node]).or_insert(node);
        actions[node].same_as = (same != node).then_some(same);
    }
    Ok(())
}

/// The actions of packages by name, and by what else they make than packages.
type Index<'a> = BTreeMap<(&'a str, &'static str), usize>;

/// The steps that compile a package, and that which then notes the hashes of it and of its source. These are two actions, so that packages are
/// compiled once whether somebody wants build IDs or not. What notes the hash of a file that is made belongs to what makes it.
fn without_note(steps: &[Step]) -> (&[Step], Option<&Step>) {
    match steps.split_last() {
        Some((note @ Step::Identify { dir, .. }, rest)) if dir == token::SRC => (rest, Some(note)),
        _ => (steps, None),
    }
}

/// What steps read of other actions: the tokens with a colon.
fn inputs(name: &str, steps: &[Step], index: &Index) -> Result<Vec<Input>> {
    let mut tokens = BTreeSet::new();
    for text in steps.iter().flat_map(Step::texts) {
        tokens
            .extend(token::names(text).into_iter().filter(|token| token.contains(':') && !token.starts_with(token::SOURCE_OF)));
    }
    let input = |token: &str| {
        let (output, dep) = token.split_once(':')?;
        let noted = index.get(&(dep, NOTES)).filter(|_| output == NOTES);
        let node = *noted.or_else(|| index.get(&(dep, PACKAGE[0])))?;
        Some(Input { token: token.to_owned(), node, output: output.to_owned() })
    };
    let missing = |token| Error::input(format!("the plan of {name} uses {{{token}}}, which nothing makes"));
    tokens.into_iter().map(|token| input(token).ok_or_else(|| missing(token))).collect()
}
