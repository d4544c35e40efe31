//! The program that libFuzzer drives; `FUZZ_TARGET` says with which of the targets.
#![no_main]

use std::sync::LazyLock;

#[path = "targets/mod.rs"]
mod targets;

static RUN: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let found = targets::TARGETS.iter().find(|(target, _)| *target == name);
    found.unwrap_or_else(|| panic!("FUZZ_TARGET=`{name}` is none of the targets")).1
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| RUN(data));
