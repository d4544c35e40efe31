//! Versions of the language: where nothing of a file is said to depend on them, the compiler makes the same of it.

use std::collections::BTreeSet;
use std::process::Command;

use godirect::source::language::{means_the_same, stays_the_same};

/// What the compiler compares with versions. One more may be a construct that [`means_the_same`] should look for.
#[test]
fn versions_that_decide_are_known() {
    let source = std::fs::read_to_string(super::goroot().join("src/cmd/compile/internal/types2/version.go")).unwrap();
    let named = source.lines().filter_map(|line| line.trim().split_once("= asGoVersion(\"go1.")?.1.strip_suffix("\")"));
    let found: BTreeSet<u32> = named.map(|minor| minor.parse().unwrap()).collect();
    assert_eq!(found, BTreeSet::from([9, 13, 14, 17, 18, 20, 21, 22, 23, 26, 27]));
}

/// Code, and whether versions decide about it.
const CODES: [(&str, bool); 16] = [
    ("func F() int { return 1 }", false),
    ("func F(a []int) (n int) { for range a { n++ }; return }", true),
    ("func F() (n int) { for i := range 3 { n += i }; return }", true),
    ("func F(f func(func(int) bool)) (n int) { for i := range f { n += i }; return }", true),
    ("func F(a []int) (all []func() int) { for i := range a { all = append(all, func() int { return i }) }; return }", true),
    ("func F() (all []func() int) { for i := 0; i < 3; i++ { all = append(all, func() int { return i }) }; return }", true),
    (
        "func F() (all []func() int) { var i int; for i = 0; i < 3; i++ { all = append(all, func() int { return i }) }; return }",
        true,
    ),
    ("func F(a map[string]bool) { for a[\"a\"] { a[\"b\"] = true }; for { } }", true),
    ("type A[P any] = []P", true),
    ("type (\n\tB int\n\tA[P any] = map[int]P\n)", true),
    ("func F() { type A = int; type B [2]A; var b B; b[0] = 1; println(b[0]) }", false),
    ("type A[P interface{ ~int }] []P\n\nfunc (a A[P]) F() P { return a[0] }", false),
    ("var A = new(int)", false),
    ("var A = new(1 + 1)", true),
    ("func F(a, b int) int { return max(min(a, b), 1) }", false),
    ("//go:noinline\nfunc F(a any) int { switch a := a.(type) { case int: return a }; return 0 }", false),
];

#[test]
fn what_means_the_same_is_compiled_to_the_same() {
    let place = tempfile::tempdir().unwrap();
    let (file, object) = (place.path().join("a.go"), place.path().join("a.o"));
    let tools = super::goroot().join("pkg/tool").read_dir().unwrap().next().unwrap().unwrap().path();
    let compiled = |minor: u32| {
        let _ = std::fs::remove_file(&object);
        let mut compile = Command::new(tools.join("compile"));
        compile.args(["-p", "p", "-buildid=", "-o"]).arg(&object).arg(format!("-lang=go1.{minor}")).arg(&file);
        let succeeded = compile.env_clear().output().unwrap().status.success();
        succeeded.then(|| std::fs::read(&object).unwrap())
    };
    for (code, is_decided) in CODES {
        let text = format!("package p\n\n{code}\n");
        std::fs::write(&file, &text).unwrap();
        let all: Vec<_> = (21..=27).map(|minor| (minor, compiled(minor))).collect();
        assert_eq!(all.iter().any(|(_, result)| *result != all[0].1), is_decided, "{code}");
        for (one, result) in &all {
            for (other, _) in all.iter().filter(|(_, other)| other != result) {
                let same = means_the_same(text.as_bytes(), &format!("1.{one}"), &format!("1.{other}"));
                assert!(!same, "{code} in 1.{one} and 1.{other}");
                let stays = stays_the_same(text.as_bytes(), &format!("1.{one}"), &format!("1.{other}"));
                assert!(!stays || result.is_none(), "{code} in 1.{one} and then 1.{other}");
            }
        }
    }
}
