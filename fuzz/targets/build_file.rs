//! BUILD files: no text makes the parser panic, and what it finds is where it says.

use std::path::Path;

use godirect::source::build_file::{BuildFile, Expr, Value};

pub fn run(data: &[u8]) {
    let text = super::text(data);
    let file = match BuildFile::parse(Path::new("BUILD.bazel"), text) {
        Ok(file) => file,
        Err(error) => return assert!(!error.render(false).is_empty()),
    };
    assert_eq!(file.text, text);
    for call in &file.calls {
        assert_eq!(text[call.kind_span.clone()], call.kind);
        assert!(call.whole.start <= call.span.start && text[call.parentheses.clone()].starts_with('('));
        for argument in &call.arguments {
            check(text, &argument.node.value);
        }
    }
    for directive in &file.directives {
        assert!(text[directive.span.clone()].contains(&directive.key) && directive.value.trim() == directive.value);
    }
    for load in &file.loads {
        assert!(load.span.contains(&load.file.span.start));
    }
}

/// Brackets are where lists and dictionaries are.
fn check(text: &str, expr: &Expr) {
    let code = &text[expr.span.clone()];
    match &expr.value {
        Value::List(items) => {
            assert!(code.starts_with('[') && code.ends_with(']'), "{code}");
            items.iter().for_each(|item| check(text, &item.node));
        }
        Value::Dict(_) => assert!(code.starts_with('{') && code.ends_with('}'), "{code}"),
        Value::Select(_, cases) => assert!(text[cases.clone()].starts_with('{') && text[cases.clone()].ends_with('}')),
        Value::Sum(terms) => terms.iter().for_each(|term| check(text, term)),
        Value::Name(name) => assert_eq!(code, name),
        _ => {}
    }
}
