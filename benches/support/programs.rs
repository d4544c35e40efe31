//! Programs that benchmarks build, as the texts of their files by path.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// How many packages of the large program import the leaf.
const DEPENDENTS: usize = 120;
/// How many functions a package of [`packages`] has, of a dozen lines.
const FUNCTIONS: usize = 12;

fn module(name: &str) -> (String, String) {
    ("go.mod".to_owned(), format!("module example.com/{name}\n\ngo 1.27\n\ntoolchain go1.27.3\n"))
}

/// One package that serves nothing by HTTP.
pub fn hello() -> Vec<(String, String)> {
    let main = "package main\n\nimport \"net/http\"\n\nfunc main() { http.ListenAndServe(\":8080\", nil) }\n";
    vec![module("hello"), ("main.go".to_owned(), main.to_owned())]
}

/// The leaf's text; its function isn't inlined, so that who imports it sees no difference.
pub fn leaf(value: usize) -> String {
    format!("package leaf\n\n//go:noinline\nfunc Value() int {{ return {value} }}\n")
}

/// Some 520 packages, which `benches/support/large` imports, and of which 120 are its own and import `leaf`.
pub fn large() -> Vec<(String, String)> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/support/large");
    let read = |name: &str| (name.to_owned(), fs::read_to_string(source.join(name)).expect("a file of the benchmark"));
    let mut files = vec![read("go.mod"), read("go.sum"), read("main.go")];
    files.extend(dependents("large"));
    files
}

/// A program of the 120 packages that import `leaf`, without modules of others.
pub fn own() -> Vec<(String, String)> {
    let main =
        "package main\n\nimport (\n\t\"fmt\"\n\n\t\"example.com/own/all\"\n)\n\nfunc main() { fmt.Println(all.Sum()) }\n";
    let mut files = vec![module("own"), ("main.go".to_owned(), main.to_owned())];
    files.extend(dependents("own"));
    files
}

/// The leaf, packages that import it, and `all`, which imports these.
fn dependents(module: &str) -> Vec<(String, String)> {
    let mut files = vec![("leaf/leaf.go".to_owned(), leaf(0))];
    let (mut imports, mut sum) = (String::new(), String::new());
    for i in 0..DEPENDENTS {
        let value = format!("func Value() int {{ return leaf.Value() + {i} }}\n");
        files.push((format!("p{i}/p.go"), format!("package p{i}\n\nimport \"example.com/{module}/leaf\"\n\n{value}")));
        let _ = writeln!(imports, "\t\"example.com/{module}/p{i}\"");
        let _ = write!(sum, " + p{i}.Value()");
    }
    let all = format!("package all\n\nimport (\n{imports})\n\nfunc Sum() int {{ return 0{sum} }}\n");
    files.push(("all/all.go".to_owned(), all));
    files
}

/// Packages of 150 lines each, which import some of std and up to three others, and a program that needs all of them. Another `version`
/// changes the code of each.
pub fn packages(count: usize, version: usize) -> Vec<(String, String)> {
    let mut files = vec![module("packages")];
    let (mut imports, mut sum) = (String::new(), String::new());
    for i in 0..count {
        let others: BTreeSet<usize> = [i / 2, i / 3, i / 5].into_iter().filter(|other| *other < i).collect();
        let mut text = format!("package p{i}\n\nimport (\n\t\"fmt\"\n\t\"strings\"\n");
        others.iter().for_each(|other| text += &format!("\n\t\"example.com/packages/p{other}\""));
        text += &format!("\n)\n\nfunc Value() int {{\n\tvalue := {version}\n");
        others.iter().for_each(|other| text += &format!("\tvalue += p{other}.Value()\n"));
        text += "\treturn value\n}\n";
        for function in 0..FUNCTIONS {
            let _ = write!(
                text,
                "\n// Join{function} shows names that have a prefix.\nfunc Join{function}(names []string, prefix string) string {{\n\
                 \tvar found []string\n\tfor i, name := range names {{\n\t\tif rest, ok := strings.CutPrefix(name, prefix); ok {{\n\
                 \t\t\tfound = append(found, fmt.Sprintf(\"%d: %q\", i+{function}, rest))\n\t\t}}\n\t}}\n\treturn strings.Join(found, \", \")\n}}\n"
            );
        }
        files.push((format!("p{i}/p.go"), text));
        let _ = writeln!(imports, "\t\"example.com/packages/p{i}\"");
        let _ = writeln!(sum, "\tsum += p{i}.Value()");
    }
    files.push((
        "main.go".to_owned(),
        format!("package main\n\nimport (\n{imports})\n\nfunc main() {{\n\tsum := 0\n{sum}\tprintln(sum)\n}}\n"),
    ));
    files
}

/// Writes a file, and makes the directories that it needs.
pub fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().expect("a file's directory")).expect("a writable directory");
    fs::write(path, text).expect("a writable directory");
}
