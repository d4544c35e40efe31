//! No spec may make the evaluator panic or run without end.

#![no_main]

libfuzzer_sys::fuzz_target!(|content: &str| {
    let _ = godirect::spec::parse(content);
});
