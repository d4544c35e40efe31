//! No spec may make the evaluator panic or run without end.

pub fn run(data: &[u8]) {
    let content = super::text(data);
    let _ = godirect::spec::parse(content);
}
