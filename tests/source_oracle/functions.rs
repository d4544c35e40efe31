//! The functions of test files: those of the SDK, and damaged ones.

use godirect::source::functions::TestFunctions;
use serde_json::{Value, json};

use super::damage::{Random, damage};
use super::heads::files;
use super::{Case, compare, goroot};

/// What means something among declarations.
const PIECES: [&[u8]; 42] = [
    b"\n",
    b"\n\n",
    b"\r\n",
    b" ",
    b"\t",
    b"(",
    b")",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b";",
    b"*",
    b".",
    b"`",
    b"\"",
    b"//",
    b"/* a */",
    b"/* a\n\nb */",
    b"// Output: x\n",
    b"// unordered OUTPUT:\n// y\n",
    b"//output:\n",
    b"/*\nOutput:\n  a\n\n b\n*/",
    b"//go:x\n",
    b"// Output:\r\n//\tz\r\n",
    b"func ",
    b"func TestA(t *testing.T) {}\n",
    b"func BenchmarkB(*B)\n",
    b"func FuzzC(_ *x.F,) () { }\n",
    b"func TestMain(m *testing.M) {\n}\n",
    b"func (x T) TestD() {}\n",
    b"func Example() {\n\t// Output: a\n}\n",
    b"func Example_b() { /* output: */ }\n",
    b"func ExampleC() (x struct{}) { }\n",
    b"func TestE[P any](t *testing.T) {}\n",
    b"var x = func() struct{} { }\n",
    b"type T struct {\n}\n",
    b"int",
    b"Test",
    b"\xc3\xa9",
    b"\xc3\x89",
];

fn check(case: &Case, theirs: &Value) -> Result<(), Value> {
    let mut found = TestFunctions::default();
    let result = found.add(&case.1);
    // Those aren't Go, and the compiler will say so.
    if theirs["Syntax"] == true {
        return Ok(());
    }
    if let Err(error) = result {
        let place = format!("x_test.go:{}:{}: {}", error.position.line, error.position.column, error.message);
        let wanted = theirs["Error"].as_str().unwrap();
        // Positions after `//line` directives are those of another file; of a second `TestMain` Go doesn't say where it is.
        let same = wanted.ends_with(&place)
            || wanted == error.message
            || error.position.file.is_some() && wanted.ends_with(&error.message);
        return if same { Ok(()) } else { Err(json!(place)) };
    }
    let list = |names: &[String]| if names.is_empty() { Value::Null } else { json!(names) };
    let examples: Vec<Value> = found.examples.iter().map(|e| json!([e.name, e.output, e.unordered])).collect();
    let ours = json!({
        "Syntax": false,
        "Error": "",
        "Tests": list(&found.tests),
        "Benchmarks": list(&found.benchmarks),
        "FuzzTargets": list(&found.fuzz_targets),
        "Examples": if examples.is_empty() { Value::Null } else { json!(examples) },
        "Main": found.has_main,
    });
    if *theirs == ours { Ok(()) } else { Err(ours) }
}

/// All Go files of the SDK with such functions, whether they are tests or not.
fn sdk() -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    files(&goroot().join("src"), &["go"], &mut found);
    let names = ["func Test", "func Benchmark", "func Fuzz", "func Example"];
    found.retain(|content| names.iter().any(|name| memchr::memmem::find(content, name.as_bytes()).is_some()));
    found
}

#[test]
fn files_of_the_sdk() {
    let cases: Vec<Case> = sdk().into_iter().map(|content| (b'f', content)).collect();
    cases.chunks(4_000).for_each(|cases| compare(cases, check));
}

#[test]
fn damaged_files() {
    let is_short = |content: &Vec<u8>| content.len() < 3_000;
    let seeds: Vec<Vec<u8>> = sdk().into_iter().filter(is_short).collect();
    assert!(seeds.len() > 200);
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let make = |_| (b'f', damage(&seeds[random.below(seeds.len())], &seeds, &PIECES, &mut random));
    let cases: Vec<Case> = (0..12_000).map(make).collect();
    compare(&cases, check);
}
