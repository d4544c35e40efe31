use super::*;

fn parsed(text: &str) -> BuildFile {
    BuildFile::parse(Path::new("a/BUILD.bazel"), text).unwrap()
}

const FILE: &str = r#"# gazelle:prefix example.com/a
load("@rules_go//go:def.bzl", "go_library", test = "go_test")  # keep

package(default_visibility = ["//visibility:public"])

#godirect:exclude third_party
# About it.
# keep: because
go_library(
    name = "a",
    srcs = [  # keep
        "b.go",
        # keep
        "c.go", "d.go",  # keep
    ] + select({
        "//conditions:default": ["e.go"],
    }),
    data = glob(["x/**"]),
    # above
    deps = DEPS,
    # gazelle:no directive here
    tags = ["manual", 'x' + "y"[0]],
)

[test(name = n) for n in ["x", "y"]]  # gazelle:nor here
"#;

#[test]
fn everything_has_its_place() {
    let file = parsed(FILE);
    let text = |span: &Range<usize>| &file.text[span.clone()];
    assert_eq!(file.calls.iter().map(|c| c.kind.as_str()).collect::<Vec<_>>(), ["package", "go_library"]);
    let rule = file.rule("a").unwrap();
    assert!(rule.keep && rule.is_plain && !file.calls[0].keep);
    assert!(text(&rule.whole).starts_with("#godirect:exclude") && text(&rule.whole).ends_with("\n)"));
    assert_eq!(text(&rule.kind_span), "go_library");
    let kept: Vec<&str> =
        rule.arguments.iter().filter(|a| a.keep).map(|a| a.node.name.as_deref().unwrap_or_default()).collect();
    assert_eq!(kept, ["srcs"]);
    assert_eq!(rule.strings("srcs"), ["b.go", "c.go", "d.go", "e.go"]);
    let Value::Sum(terms) = &rule.argument("srcs").unwrap().node.value.value else { panic!() };
    let Value::List(items) = &terms[0].value else { panic!() };
    assert_eq!(items.iter().map(|item| item.keep).collect::<Vec<_>>(), [false, true, true]);
    assert_eq!(text(&items[1].span), "\"c.go\"");
    assert!(matches!(&terms[1].value, Value::Select(cases, _) if cases.len() == 1));
    assert!(matches!(rule.argument("data").unwrap().node.value.value, Value::Glob(_)));
    assert!(matches!(&rule.argument("deps").unwrap().node.value.value, Value::Name(name) if name == "DEPS"));
    assert!(!rule.argument("deps").unwrap().node.value.is_literal());
    assert!(file.names.contains("test") && file.names.contains("DEPS"));
}

#[test]
fn loads_and_directives() {
    let file = parsed(FILE);
    let load = &file.loads[0];
    assert_eq!((load.file.value.as_str(), load.keep), ("@rules_go//go:def.bzl", true));
    let symbols: Vec<_> = load.symbols.iter().map(|s| (s.node.local.as_str(), s.node.name.as_str())).collect();
    assert_eq!(symbols, [("go_library", "go_library"), ("test", "go_test")]);
    let shown: Vec<String> = file.directives.iter().map(|d| format!("{} {} {}", d.prefix, d.key, d.value)).collect();
    assert_eq!(shown, ["gazelle prefix example.com/a", "godirect exclude third_party"]);
    assert_eq!(file.place(&file.directives[1].span), "a/BUILD.bazel:6:1");
}

#[test]
fn what_is_wrapped_is_no_literal() {
    let file = parsed("go_library(name = \"a\", srcs = ([\"x\"]), deps = [(\"y\")])\n");
    let call = &file.calls[0];
    let shown: Vec<bool> = call.arguments.iter().map(|a| a.node.value.is_literal()).collect();
    assert_eq!((call.is_plain, shown), (true, vec![true, false, false]), "{call:?}");
}

#[test]
fn lines_end_as_they_do() {
    let file = parsed("# gazelle:ignore\r\nx(\r\n    name = \"x\",  # keep\r\n)\r\n");
    assert_eq!(file.line_end(), "\r\n");
    assert_eq!((file.directives[0].key.as_str(), file.directives[0].value.as_str()), ("ignore", ""));
    assert!(file.calls[0].arguments[0].keep);
}

#[test]
fn errors_have_a_place() {
    let error = BuildFile::parse(Path::new("BUILD"), "a()\nb(\n  x = ,\n)\n").unwrap_err();
    let place = error.location().unwrap();
    assert_eq!((place.line, place.path.as_path()), (3, Path::new("BUILD")));
    for deep in ["(".repeat(100_000), "x = ".to_owned() + &"-".repeat(100_000), "x = 1".to_owned() + &" + 1".repeat(100_000)] {
        assert!(BuildFile::parse(Path::new("BUILD"), &deep).is_err());
    }
    for long in ["not ", "lambda: ", "1 if 1 else ", "-"] {
        let text = format!("x = {}1\n", long.repeat(100_000));
        assert!(BuildFile::parse(Path::new("BUILD"), &text).is_err(), "{long}");
    }
}
