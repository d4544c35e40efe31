//! Heads of source files: no bytes make the scanner panic, every place that it gives is inside the file and has what is said to be
//! there, and the beginning of a file gives what all of it does where it is said to be enough. That Go finds the same is tested by
//! `tests/source_oracle.rs`.

use godirect::source::header::{GoHeader, head_of, head_of_other, is_complete_other};
use godirect::source::token::unquote;

pub fn run(content: &[u8]) {
    let (head, other, header) = (head_of(content), head_of_other(content), GoHeader::parse("x.go", content));
    for error in [head.as_ref().err(), other.as_ref().err(), header.as_ref().err()].into_iter().flatten() {
        assert!(error.offset <= content.len());
        assert!(error.position.line > 0 && !error.message.is_empty());
    }
    if let Ok(header) = &header {
        check_places(content, header);
    }
    let start = &content[..content.len() / 2];
    if GoHeader::is_complete(start) {
        assert_eq!((GoHeader::parse("x.go", start), head_of(start)), (header, head));
    }
    if is_complete_other(start) {
        assert_eq!(head_of_other(start), other);
    }
}

fn check_places(content: &[u8], header: &GoHeader) {
    for import in &header.imports {
        let literal = &content[import.offset..][..import.width];
        assert_eq!(unquote(literal).as_deref(), Some(import.path.as_bytes()));
    }
    for embed in &header.embeds {
        assert!(embed.offset <= content.len());
    }
    for directive in &header.directives {
        assert!(content[directive.offset..].starts_with(b"//"));
    }
    // Without `//line` directives, a position is where the offset is.
    if content.windows(5).all(|window| window != b"line ") {
        for directive in &header.directives {
            let before = &content[..directive.offset];
            let line = 1 + before.iter().filter(|b| **b == b'\n').count();
            assert_eq!((directive.position.line as usize, &directive.position.file), (line, &None));
        }
    }
}
