//! Answers of the checksum database: no text makes the reader panic, and what it reads has one spelling.

use godirect::lock::sumdb::record::{Record, TreeHead, hash_in};

pub fn run(data: &[u8]) {
    let answer = super::text(data);
    let _ = hash_in(answer, "golang.org/x/text", "v0.14.0");
    if let Some(record) = Record::parse(answer) {
        assert_eq!(format!("{}\n{}\n{}", record.id, record.text, record.note), answer);
    }
    if let Some(TreeHead { size, root }) = TreeHead::parse(answer) {
        assert!(answer.starts_with(&format!("go.sum database tree\n{size}\n{root}\n")));
    }
}
