use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::affected::Made;
use crate::digest::Sha256;

/// A step: its name, its files with their IDs, and what it needs.
type Step<'s> = (&'s str, &'s [(&'s str, &'s str)], &'s [&'s str]);

/// A state with one view.
fn state(nodes: &[Step]) -> State {
    let node = |(name, files, deps): &Step| {
        let file =
            |(path, id): &(&str, &str)| ((*path).to_owned(), File { id: (*id).to_owned(), compiled: path.ends_with(".go") });
        let node = Node {
            recipe: BTreeMap::from([("SDK".to_owned(), Sha256::of("sdk"))]),
            files: files.iter().map(file).collect(),
            deps: deps.iter().map(|dep| (*dep).to_owned()).collect(),
            ..Node::default()
        };
        ((*name).to_owned(), node)
    };
    let made = |(name, ..): &Step| {
        let target = Target { kind: Kind::Package, name: (*name).to_owned() };
        (target, Made { node: (*name).to_owned(), ..Made::default() })
    };
    let (nodes, targets) = (nodes.iter().map(node).collect(), nodes.iter().map(made).collect());
    let view = View { platform: "linux/amd64".to_owned(), nodes, targets };
    State { views: BTreeMap::from([("linux_amd64".to_owned(), view)]) }
}

fn affected(base: &State, head: &State) -> Vec<String> {
    let is_same = |path: &str| path.starts_with("same");
    let same = Sameness { content: &is_same, language: &|path, _, _| is_same(path), no_code: &|path| path.starts_with("doc") };
    let shown = |impact: Impact| {
        let causes: Vec<String> = impact.causes.iter().map(|cause| format!("{} {:?}", cause.what, cause.change)).collect();
        format!("{:?} {}: {}", impact.status, impact.chain.join(" < "), causes.join(", "))
    };
    compare(base, head, same, &BTreeSet::new()).impacts.into_iter().map(shown).collect()
}

#[test]
fn changes_reach_what_depends_on_them_by_the_shortest_way() {
    let base =
        state(&[("a", &[("a.go", "1")], &[]), ("b", &[("b.go", "1")], &["a"]), ("c", &[], &["a", "b"]), ("d", &[], &[])]);
    let mut head = base.clone();
    assert_eq!(affected(&base, &head), [""; 0]);
    let files = &mut head.views.get_mut("linux_amd64").unwrap().nodes.get_mut("a").unwrap().files;
    files.get_mut("a.go").unwrap().id = "2".to_owned();
    let wanted = ["Changed a: a.go Modified", "Changed b < a: a.go Modified", "Changed c < a: a.go Modified"];
    assert_eq!(affected(&base, &head), wanted);
    assert_eq!(compare(&base, &head, STRICTLY, &BTreeSet::new()).reused, 1);
}

#[test]
fn what_is_tagged_counts_in_any_case() {
    let mut state = state(&[("a", &[("a.go", "1")], &[]), ("b", &[], &[])]);
    let targets = &mut state.views.get_mut("linux_amd64").unwrap().targets;
    targets.values_mut().next().unwrap().tags.insert("always".to_owned());
    let always = BTreeSet::from(["always".to_owned()]);
    let found = compare(&state, &state, STRICTLY, &always);
    assert_eq!(found.impacts.iter().map(|i| (i.name.as_str(), i.status)).collect::<Vec<_>>(), [("a", Status::Always)]);
    assert_eq!((found.reused, compare(&state, &state, STRICTLY, &BTreeSet::new()).impacts), (2, Vec::new()));
}

/// Where steps go in a circle, a fingerprint changes with any of them.
#[test]
fn fingerprints_of_circles() {
    let fingerprints = |id: &str| {
        let state = state(&[("a", &[], &["b"]), ("b", &[], &["c"]), ("c", &[("c.txt", id)], &["a"])]);
        state.views["linux_amd64"].fingerprints().into_values().collect::<Vec<_>>()
    };
    let (one, other) = (fingerprints("1"), fingerprints("2"));
    assert!(one == fingerprints("1") && one.iter().zip(&other).all(|(one, other)| one != other));
}

#[test]
fn what_compiles_to_the_same_is_the_same() {
    let base = state(&[("a", &[("same.go", "1"), ("same.txt", "1")], &[])]);
    assert_eq!(affected(&base, &state(&[("a", &[("same.go", "2"), ("same.txt", "1")], &[])])), [""; 0]);
    let other = state(&[("a", &[("same.go", "1"), ("same.txt", "2")], &[])]);
    assert_eq!(affected(&base, &other), ["Changed a: same.txt Modified"]);
}

#[test]
fn a_file_without_code_is_nothing_beside_another() {
    let of = |files: &[(&str, &str)]| state(&[("a", files, &[])]);
    let with_doc = of(&[("a.go", "1"), ("doc.go", "1")]);
    for head in [of(&[("a.go", "1")]), of(&[("a.go", "1"), ("doc2.go", "1")])] {
        assert_eq!(affected(&with_doc, &head), [""; 0]);
        assert_eq!(affected(&head, &with_doc), [""; 0]);
    }
    // Its content is another question.
    assert_eq!(affected(&with_doc, &of(&[("a.go", "1"), ("doc.go", "2")])), ["Changed a: doc.go Modified"]);
    assert_eq!(affected(&with_doc, &of(&[("a.go", "1"), ("more.go", "1")])), ["Changed a: more.go Added"]);
    let alone = |path| of(&[(path, "1")]);
    assert_eq!(affected(&alone("doc.go"), &alone("doc2.go")), ["Changed a: doc2.go Added, doc.go Removed"]);
    let (tests, more) = (of(&[("a_test.go", "1")]), of(&[("a_test.go", "1"), ("doc.go", "1")]));
    assert_eq!(affected(&tests, &more), ["Changed a: doc.go Added"]);
    let (tests, more) = (of(&[("a.go", "1")]), of(&[("a.go", "1"), ("doc_test.go", "1")]));
    assert_eq!(affected(&tests, &more), ["Changed a: doc_test.go Added"]);
    // What isn't only compiled.
    let (text, more) = (of(&[("a.go", "1")]), of(&[("a.go", "1"), ("doc.txt", "1")]));
    assert_eq!(affected(&text, &more), ["Changed a: doc.txt Added"]);
    let mut read = of(&[("a.go", "1")]);
    read.views.get_mut("linux_amd64").unwrap().nodes.get_mut("a").unwrap().files.get_mut("a.go").unwrap().compiled = false;
    assert_eq!(affected(&of(&[("a.go", "1")]), &read), ["Changed a: a.go Modified"]);
}

#[test]
fn another_language_is_a_change_where_a_file_means_something_else() {
    let with = |files: &[(&str, &str)], language: &str| {
        let mut state = state(&[("a", files, &[])]);
        state.views.get_mut("linux_amd64").unwrap().nodes.get_mut("a").unwrap().language = language.to_owned();
        state
    };
    let (same, other) = ([("same.go", "1"), ("a.txt", "1")], [("same.go", "1"), ("other.go", "1")]);
    assert_eq!(affected(&with(&same, "1.24"), &with(&same, "1.25")), [""; 0]);
    assert_eq!(affected(&with(&other, "1.24"), &with(&other, "1.25")), ["Changed a: language version Modified"]);
    assert_eq!(affected(&with(&[], "1.24"), &with(&[], "1.25")), ["Changed a: language version Modified"]);
    let fingerprint = |language: &str| with(&same, language).views["linux_amd64"].fingerprints().into_values().next();
    assert_ne!(fingerprint("1.24"), fingerprint("1.25"));
}

#[test]
fn what_comes_and_goes() {
    let base = state(&[("a", &[("a.go", "1"), ("missing.h", "")], &[]), ("b", &[], &["a"])]);
    let head = state(&[("a", &[("missing.h", "1"), ("c.go", "1")], &[]), ("c", &[], &[])]);
    let wanted = ["Changed a: c.go Added, missing.h Added, a.go Removed", "Removed b: ", "Added c: "];
    assert_eq!(affected(&base, &head), wanted);
    let elsewhere = State { views: BTreeMap::from([("windows_amd64".to_owned(), base.views["linux_amd64"].clone())]) };
    assert_eq!(affected(&base, &elsewhere), ["Added a: ", "Removed a: ", "Added b: ", "Removed b: "]);
}

#[test]
fn another_dependency_is_a_change() {
    let base = state(&[("a", &[], &[]), ("b", &[], &[]), ("c", &[], &["a"])]);
    let head = state(&[("a", &[], &[]), ("b", &[], &[]), ("c", &[], &["b"])]);
    assert_eq!(affected(&base, &head), ["Changed c: dependency b Added, dependency a Removed"]);
}

#[test]
fn fingerprints_are_of_all_that_is_needed() {
    let base = state(&[("a", &[("a.go", "1")], &[]), ("b", &[], &["a"]), ("c", &[], &[])]);
    let head = state(&[("a", &[("a.go", "2")], &[]), ("b", &[], &["a"]), ("c", &[], &[])]);
    let (one, other) = (base.views["linux_amd64"].fingerprints(), head.views["linux_amd64"].fingerprints());
    let changed: BTreeSet<&str> =
        one.iter().filter(|(target, digest)| other[*target] != **digest).map(|(target, _)| target.name.as_str()).collect();
    assert_eq!(changed, BTreeSet::from(["a", "b"]));
    // Steps that need each other end, too.
    let circle = state(&[("a", &[], &["b"]), ("b", &[], &["a"])]);
    assert_eq!(circle.views["linux_amd64"].fingerprints().len(), 2);
    assert_eq!(affected(&circle, &circle), [""; 0]);
}
