//! Heads of source files: no bytes make the scanner panic, and every place that it gives is inside the file.

use godirect::source::header::{GoHeader, head_of};

pub fn run(content: &[u8]) {
    if let Err(error) = head_of(content) {
        assert!(error.offset <= content.len());
    }
    match GoHeader::parse("x.go", content) {
        Ok(header) => {
            for import in &header.imports {
                assert!(import.offset + import.width <= content.len());
            }
            for embed in &header.embeds {
                assert!(embed.offset <= content.len());
            }
        }
        Err(error) => assert!(error.offset <= content.len()),
    }
}
