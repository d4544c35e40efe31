//! What BUILD files declare: no text makes the reader panic or go on without end; what it says of rules is in the text.

use godirect::source::bazel::{glob, label, literals, package::Package};

pub fn run(data: &[u8]) {
    let text = super::text(data);
    // What it loads is the file itself.
    let load = |_: &str, directory: &str| Some((directory.to_owned(), text.into()));
    let package = Package::read("p", "p/BUILD.bazel", text, &load);
    for rule in &package.rules {
        assert!(!rule.name.is_empty() || rule.open.is_some());
        assert!(text.contains(&rule.kind) && !rule.text.is_empty());
        for (_, value) in &rule.strings {
            let _ = (label::name(value, "p", &[String::new()].into()), label::is_computed(value));
        }
        for glob in &rule.globs {
            let _ = (glob.matches("a/b.txt"), glob::Glob { exclude: glob.include.clone(), ..glob.clone() }.matches(""));
        }
    }
    for value in literals::strings(text) {
        assert!(text.contains(value));
    }
}
