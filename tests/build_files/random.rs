//! Random BUILD files: what isn't managed stays as it is, and a second run changes nothing.

use std::fmt::Write as _;
use std::fs;

use super::support::{Tree, read_tree, write_tree};
use super::{complete, run};

#[path = "../support/damage.rs"]
#[allow(dead_code, reason = "shared with tests that need more of it")]
mod damage;
use damage::Random;

/// How many packages, each with a random file.
const FILES: usize = 300;

fn pick<'a>(random: &mut Random, of: &[&'a str]) -> &'a str {
    of[random.below(of.len())]
}

/// A list with elements of all forms, on one line or on several.
fn list(random: &mut Random, of: &[&str]) -> String {
    let many = random.below(4);
    let lines = random.below(2) == 0;
    let mut text = "[".to_owned();
    for i in 0..many {
        if lines {
            text.push_str(pick(random, &["\n        ", "\n  ", "\n        # about\n        ", "\n\n        # keep\n        "]));
        } else if i > 0 {
            text.push_str(pick(random, &[", ", ",", " , "]));
        }
        let _ = write!(text, "{:?}", pick(random, of));
        if lines {
            text.push_str(pick(random, &[",", ",  # why", ",  # keep"]));
        }
    }
    if lines && many > 0 {
        text.push_str("\n    ");
    }
    text + "]"
}

fn value(random: &mut Random, of: &[&str]) -> String {
    match random.below(6) {
        0 => format!(
            "select({{\n        \"//x:y\": {},\n        \"//conditions:default\": {},\n    }})",
            list(random, of),
            list(random, of)
        ),
        1 => format!("{} + {}", list(random, of), list(random, of)),
        2 => format!("{} + select({{\"@rules_go//go/platform:linux_arm64\": {}}})", list(random, of), list(random, of)),
        3 => pick(random, &["glob([\"*.go\"])", "SRCS", "SRCS + [\"a.go\"]", "[x for x in SRCS]", "([\"a.go\"])"]).to_owned(),
        _ => list(random, of),
    }
}

/// Something that nobody manages.
fn foreign(random: &mut Random, i: usize) -> String {
    match random.below(7) {
        0 => format!("# A comment {i}.\n"),
        1 => format!("filegroup( name='f{i}',srcs = [ 'x' ] )  # odd\n"),
        2 => format!("my_macro(\n  name = \"m{i}\",\n  # inside\n  deps = [\"//gone\"],\n)\n"),
        3 => format!("X{i} = {{\"a\" : 1,\n  'b': [2]}}\n"),
        4 => format!("[my_macro(name = n + \"{i}\") for n in [\"x\",\"y\"]]\n"),
        5 => "exports_files([\"a.go\"],)\n".to_owned(),
        _ => format!(
            "go_library(\n    name = \"k{i}\",\n    srcs = [\"a.go\"],\n    importpath = \"example.com/k\",\n)  # keep\n"
        ),
    }
}

/// A file, and the pieces of it that must stay in this order.
fn build_file(random: &mut Random, package: &str) -> (String, Vec<String>) {
    let (mut text, mut pieces) = ("load(\":m.bzl\", \"SRCS\", \"my_macro\")\n".to_owned(), Vec::new());
    if random.below(2) == 0 {
        text.push_str("load(\"@rules_go_direct//go:defs.bzl\", \"go_library\", \"go_test\")\n");
    }
    for i in 0..random.below(5) {
        let piece = foreign(random, i);
        let _ = write!(text, "\n{piece}");
        pieces.push(piece);
    }
    if random.below(4) > 0 {
        let sources = value(random, &["a.go", "b.go", "gone.go", ":gen", "//x:y.go"]);
        let deps = value(random, &["//p0", "//gone", ":x", "@go_modules//x/y"]);
        let keep = pick(random, &["", "", "", "# keep\n"]);
        let name = pick(random, &[package, "other"]);
        let tags = list(random, &["manual", "x"]);
        let _ = write!(
            text,
            "\n{keep}go_library(\n    name = \"{name}\",\n    srcs = {sources},\n    importpath = \"example.com/repo/{package}\",\n    tags = {tags},\n    deps = {deps},\n)\n"
        );
        pieces.push(format!("tags = {tags},"));
    }
    for i in 5..5 + random.below(3) {
        let piece = foreign(random, i);
        let _ = write!(text, "\n{piece}");
        pieces.push(piece);
    }
    if random.below(5) == 0 {
        text = text.replace('\n', "\r\n");
        pieces.iter_mut().for_each(|piece| *piece = piece.replace('\n', "\r\n"));
    }
    (text, pieces)
}

#[test]
fn what_is_not_managed_stays() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut tree = Tree::new();
    let mut expected = Vec::new();
    for i in 0..FILES {
        let package = format!("p{i}");
        let (text, pieces) = build_file(&mut random, &package);
        let import = if i > 0 && random.below(2) == 0 { "\nimport _ \"example.com/repo/p0\"\n" } else { "" };
        tree.insert(format!("{package}/a.go"), format!("package p\n{import}").into_bytes());
        tree.insert(format!("{package}/b.go"), b"package p\n".to_vec());
        tree.insert(format!("{package}/BUILD.bazel"), text.clone().into_bytes());
        expected.push((format!("{package}/BUILD.bazel"), text, pieces));
    }
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    write_tree(root, &tree, tree.keys());
    complete(root, &tree);
    let output = run(root, &["generate"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let once = read_tree(root);
    for (path, before, pieces) in &expected {
        let after = fs::read_to_string(root.join(path)).unwrap();
        let mut rest = after.as_str();
        for piece in pieces {
            let Some(at) = rest.find(piece.as_str()) else { panic!("{path} has lost\n{piece}\n==>\n{before}\n==>\n{after}") };
            rest = &rest[at + piece.len()..];
        }
        assert!(!before.contains('\r') || !after.replace("\r\n", "").contains('\n'), "{path} has other line ends\n{after}");
    }
    let again = run(root, &["generate"]);
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    let twice = read_tree(root);
    for (path, text) in &once {
        let (first, second) = (String::from_utf8_lossy(text), String::from_utf8_lossy(&twice[path]));
        assert_eq!(first, second, "{path} changes in a second run");
    }
}
