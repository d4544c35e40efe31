//! What is fuzzed: for libFuzzer (`fuzz/run`) and, with the seeds and some damage to them, for `tests/fuzz_seeds.rs`.
//!
//! A new target is a file here with `run`, its name in [`TARGETS`], and seeds in `fuzz/seeds/<name>/`.

/// Declares the files, and lists them with their functions.
macro_rules! targets {
    ($($name:ident)*) => {
        $(mod $name;)*

        /// Each target's name, and the function that panics when an input shows a fault.
        pub const TARGETS: &[(&str, fn(&[u8]))] = &[$((stringify!($name), $name::run)),*];
    };
}

targets! {
    binary
    build_file
    constraint
    declared
    depfile
    go_header
    gomod
    gosum
    gowork
    includes
    lockfile
    mentions
    modules_txt
    note
    pkg_config
    record
    recorded
    spec
    state
    status
    test_functions
    testlog
    tile
    zip
}

/// The input as text, up to the first byte that isn't.
fn text(data: &[u8]) -> &str {
    match std::str::from_utf8(data) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&data[..error.valid_up_to()]).unwrap_or_default(),
    }
}
