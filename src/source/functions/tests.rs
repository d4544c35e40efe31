use super::*;

fn functions(content: &str) -> TestFunctions {
    let mut found = TestFunctions::default();
    found.add(content.as_bytes()).unwrap();
    found
}

fn wrong(content: &str) -> String {
    let error = TestFunctions::default().add(content.as_bytes()).unwrap_err();
    format!("{}:{}: {}", error.position.line, error.position.column, error.message)
}

#[test]
fn functions_are_found_by_name_and_parameter() {
    let found = functions(
        "package p_test\n\nimport . \"testing\"\n\nfunc TestMain(m *M) { m.Run() }\n\nfunc Test(t *testing.T) {}\nfunc TestÄ(*x.T,) {}; \
         func Testing(int) {}\nfunc TesticularCancer() {}\nfunc (s suite) TestMethod(t *testing.T) {}\nvar x = func(t *testing.T) { func \
         TestInner() {} }\nfunc BenchmarkB(b *testing.B)\nfunc Fuzz1(f *testing.F) () {\n}\nfunc Example_(int) {}\n",
    );
    assert_eq!(found.tests, ["Test", "TestÄ"]);
    assert_eq!((found.benchmarks, found.fuzz_targets), (vec!["BenchmarkB".to_owned()], vec!["Fuzz1".to_owned()]));
    assert!(found.has_main && found.examples.is_empty());
    assert!(functions("package p\n\nfunc helper() {}\n").is_empty());
}

#[test]
fn a_test_may_be_called_test_main() {
    let found = functions("package p\nfunc TestMain(t *testing.T) {}\n");
    assert_eq!((found.tests, found.has_main), (vec!["TestMain".to_owned()], false));
}

#[test]
fn examples_are_run_when_their_last_comment_says_what_they_print() {
    let body = |body: &str| {
        let examples = functions(&format!("package p\n\nfunc ExampleX() {{\n{body}\n}}\n\n// Output: below\n")).examples;
        examples.into_iter().next().map(|e| (e.output, e.unordered))
    };
    let some = |output: &str, unordered| Some((output.to_owned(), unordered));
    assert_eq!(body("\tprintln()"), None);
    assert_eq!(body("\t// Output: a\n\t//\n\t//  b"), some("a\n\n b\n", false));
    assert_eq!(body("\t// Output: a\n\n\t// no"), None);
    assert_eq!(body("\t// Output:\n\t// a\n\t//go:x\n"), some("a\n", false));
    assert_eq!(body("\tif x { /* OUTPUT:   y */ }"), some("y\n", false));
    assert_eq!(body("\t// unordered output:"), some("", true));
    assert_eq!(body("\t// UNORDERED  output: a"), None);
    assert!(functions("package p\nfunc ExampleX() int {\n// Output:\n}\n").examples.is_empty());
}

#[test]
fn comments_count_where_an_example_says_what_it_prints() {
    let file = |inside: &str, after: &str| format!("package p\n\nfunc ExampleF() {{\n\tF() // {inside}\n}}\n\n// {after}\n");
    let same = |one: &str, other: &str| are_the_same(one.as_bytes(), other.as_bytes());
    assert!(same(&file("Output: 1", "Output: 2"), &file("OUTPUT: 1", "The end.")));
    assert!(same(&file("a", "b"), &file("c", "d")));
    for other in ["Output: 2", "Unordered output: 1", "no output: 1", ""] {
        assert!(!same(&file("Output: 1", ""), &file(other, "")), "{other}");
    }
    let wrong = "package p\n\nfunc TestF() {}\n";
    assert!(!same(wrong, wrong));
}

#[test]
fn a_wrong_signature_is_an_error() {
    assert_eq!(wrong("package p\n\nfunc TestX() {}\n"), "3:1: wrong signature for TestX, must be: func TestX(t *testing.T)");
    assert_eq!(
        wrong("package p\nfunc BenchmarkX(b testing.B) {}\n"),
        "2:1: wrong signature for BenchmarkX, must be: func BenchmarkX(b *testing.B)"
    );
    assert_eq!(
        wrong("package p\nfunc FuzzX(a, b *testing.F) {}\n"),
        "2:1: wrong signature for FuzzX, must be: func FuzzX(f *testing.F)"
    );
    assert_eq!(
        wrong("package p\nfunc Test[A any](t *testing.T) {}\n"),
        "2:1: wrong signature for Test, test functions cannot have type parameters"
    );
    assert_eq!(
        wrong("package p\nfunc TestMain() {}\n"),
        "2:1: wrong signature for TestMain, must be: func TestMain(m *testing.M)"
    );
    let main = "func TestMain(m *testing.M) {}\n";
    assert_eq!(wrong(&format!("package p\n{main}{main}")), "3:1: multiple definitions of TestMain");
}

#[test]
fn statements_are_in_functions() {
    for (content, has) in [
        ("package p\n\nvar X = 1\n", false),
        ("package p\n\nfunc f() {}\n", false),
        ("package p\n\nfunc f() { g() }\n", true),
        ("package p\n\nvar f = func() interface{} { return 1 }\n", true),
        ("package p\n\ntype T struct{ f func() }\n\nfunc (t T) f() (struct{}, error) {\n}\n", false),
    ] {
        assert_eq!(has_statements(content.as_bytes()), has, "{content}");
    }
}
