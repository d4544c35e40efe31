//! Functions of test files: no bytes make the scanner panic, and what it gives is in the file. That Go finds the same is tested by
//! `tests/source_oracle.rs`.

use godirect::source::functions::TestFunctions;

pub fn run(content: &[u8]) {
    let mut found = TestFunctions::default();
    match found.add(content) {
        Ok(()) => {
            let names = [&found.tests, &found.benchmarks, &found.fuzz_targets].into_iter().flatten();
            for name in names.chain(found.examples.iter().map(|example| &example.name)) {
                let is_there = content.windows(name.len()).any(|window| window == name.as_bytes());
                assert!(is_there || std::str::from_utf8(content).is_err());
            }
        }
        Err(error) => {
            assert!(content[error.offset..].starts_with(b"func"));
            assert!(error.position.line > 0 && !error.message.is_empty());
        }
    }
}
