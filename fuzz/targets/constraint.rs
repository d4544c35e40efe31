//! Build constraints: no text makes the parser panic, and what it accepts survives printing.

use godirect::source::constraint::{Constraint, file_name, go_build_expression, plus_build};

pub fn run(data: &[u8]) {
    let text = super::text(data);
    let _ = (file_name(text), go_build_expression(text), plus_build(text));
    if let Ok(constraint) = text.parse::<Constraint>() {
        let again: Constraint = constraint.to_string().parse().expect("what is printed can be parsed");
        assert_eq!(again, constraint);
        // Where everything is known, both evaluations agree.
        let satisfied = |tag: &str| tag.len().is_multiple_of(2);
        assert_eq!(constraint.decide(&|tag| Some(satisfied(tag))), Some(constraint.eval(&satisfied)));
    }
}
