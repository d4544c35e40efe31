use super::*;

fn read(text: &str) -> Package {
    let load = |label: &str, _: &str| {
        let text = "SHARED = [\"//shared:a\"]\nMORE = SHARED + [\"b\"]\nMADE = [x for x in SHARED]\n";
        (label == "//:own.bzl").then(|| (String::new(), text.into()))
    };
    Package::read("p", "p/BUILD.bazel", text, &load)
}

fn strings_of(rule: &Rule) -> Vec<&str> {
    rule.strings.iter().map(|(_, value)| value.as_str()).collect()
}

#[test]
fn literals_variables_and_constants() {
    let package = read(
        "load(\"//:own.bzl\", \"MORE\")\nSRCS = [\"a.txt\"]\ngenrule(name = \"x\", srcs = SRCS + MORE, tools = select({\":c\": [\"//t\"]}), visibility = [\"//v\"], tags = [\"manual\"])\n",
    );
    let [rule] = package.rules.as_slice() else { panic!("{package:?}") };
    assert_eq!(strings_of(rule), ["a.txt", "//shared:a", "b", ":c", "//t"]);
    assert_eq!((rule.name.as_str(), rule.kind.as_str(), &rule.open), ("x", "genrule", &None));
    assert_eq!((rule.tags.iter().next().unwrap().as_str(), rule.loads.len()), ("manual", 1));
    assert_eq!(package.shared, "SRCS = [\"a.txt\"]\n");
}

#[test]
fn what_is_not_literal_is_open() {
    for (text, open) in [
        ("genrule(name = \"x\", srcs = [f for f in [\"a\"]])", "srcs of x isn't literal"),
        ("genrule(name = \"x\", srcs = glob([\"a?\"]))", "srcs of x isn't literal"),
        ("genrule(name = \"x\", srcs = UNKNOWN)", "srcs of x isn't literal"),
        ("load(\"//:own.bzl\", \"MADE\")\ngenrule(name = \"x\", srcs = MADE)", "srcs of x isn't literal"),
        ("genrule(name = \"x\", **MORE)", "an argument of x isn't literal"),
        ("A = [\"a\"]\nA = [\"b\"]\ngenrule(name = \"x\", srcs = A)", "srcs of x isn't literal"),
        ("[genrule(name = n) for n in [\"a\"]]", "what it declares isn't literal"),
        ("genrule(name = \"x\" + \"y\")", "its name isn't literal"),
    ] {
        let package = read(text);
        assert_eq!(package.rules[0].open.as_deref(), Some(open), "{text}");
    }
    let broken = read("genrule(name = \"x\"");
    assert!(broken.rules[0].open.as_ref().unwrap().starts_with("p/BUILD.bazel can't be read: "), "{broken:?}");
}

/// A file that a person wrote doesn't do that; it takes no time even so.
#[test]
fn variables_that_stand_for_each_other_many_times() {
    let many = |name: &str, of: &str| format!("{name} = {}\n", [of; 100].join(" + "));
    let text =
        [many("A", "B"), many("B", "C"), many("C", "D"), many("D", "[]"), "x(name = \"x\", srcs = A)".to_owned()].concat();
    assert_eq!(read(&text).rules[0].open.as_deref(), Some("srcs of x isn't literal"));
}

#[test]
fn comments_and_other_rules_are_no_part_of_a_rule() {
    let text = |text: &str| read(text).rules[0].text.clone();
    let plain = text("x(name = \"x\",\n  a = [\n    \"b\",\n  ],\n)");
    assert_eq!(text("# A\nx(name = \"x\", # B\n  a = [\n    # C\n    \"b\",\n  ],\n)\ny(name = \"y\")"), plain);
    assert_ne!(text("x(name = \"x\",\n  a = [\n    \"c\",\n  ],\n)"), plain);
    assert_ne!(text("load(\"//:x.bzl\", \"x\")\nx(name = \"x\",\n  a = [\n    \"b\",\n  ],\n)"), plain);
}

#[test]
fn globs() {
    let package = read("filegroup(name = \"x\", srcs = glob([\"*.txt\"], exclude = [\"a.txt\"], allow_empty = True))");
    let glob = Glob { include: vec!["*.txt".to_owned()], exclude: vec!["a.txt".to_owned()], directories: false };
    assert_eq!((&package.rules[0].globs, &package.rules[0].open), (&vec![glob], &None));
}
