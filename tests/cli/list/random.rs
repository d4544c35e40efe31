//! Repositories made by chance: packages, tests, constraints, embeds, cycles, internal and missing packages.

use crate::random::Random;

const DIRECTORIES: [&str; 16] = [
    "a",
    "a/b",
    "a/b/c",
    "a-b",
    "a/internal/x",
    "internal",
    "internal/deep/y",
    "cmd/one",
    "cmd/two",
    "vendored/vendor/v",
    "lib",
    "lib/v2",
    "lib/testdata/t",
    "z",
    "z/_skipped",
    "upper/Case",
];

const STD: [&str; 8] = ["fmt", "os", "net/http", "embed", "unsafe", "testing", "C", "internal/abi"];

const NOWHERE: [&str; 5] =
    ["github.com/none/none", "nostd", "example.com/hello/nowhere", "example.com/hellox/y", "nostd/deep/x"];

const CONSTRAINTS: [&str; 8] = [
    "",
    "",
    "//go:build linux\n\n",
    "//go:build !linux && cgo\n\n",
    "//go:build never || (amd64 && go1.20)\n\n",
    "// +build !windows\n\n",
    "//go:build ignore\n\n",
    "//go:build a b\n\n",
];

const NAMES: [&str; 12] = [
    "a.go",
    "b.go",
    "c_linux.go",
    "d_windows_amd64.go",
    "e_test.go",
    "f_test.go",
    "g_linux_test.go",
    "h.s",
    "i.c",
    "j.h",
    "k_amd64.s",
    "_l.go",
];

/// The files of a repository.
pub fn files(seed: u64) -> Vec<(String, String)> {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut files = Vec::new();
    for directory in DIRECTORIES {
        if random.once_in(8) {
            continue;
        }
        let own = directory.rsplit('/').next().unwrap().replace('-', "").to_lowercase();
        let name = if directory.starts_with("cmd/") { "main".to_owned() } else { own };
        for file in NAMES {
            if file != "a.go" && !random.once_in(3) || file == "a.go" && random.once_in(12) {
                continue;
            }
            files.push((format!("{directory}/{file}"), file_text(&mut random, &name, file)));
        }
        if random.once_in(3) {
            files.push((format!("{directory}/data/text"), "x".to_owned()));
        }
        if random.once_in(25) {
            files.push((format!("{directory}/go.mod"), format!("module example.com/hello/{directory}\n")));
        }
    }
    files
}

fn file_text(random: &mut Random, name: &str, file: &str) -> String {
    let malformed = usize::from(random.once_in(20));
    let constraint = random.pick(&CONSTRAINTS[..7 + malformed]);
    if !file.ends_with(".go") {
        return format!("{constraint}\n");
    }
    let external = file.ends_with("_test.go") && !random.once_in(3);
    let package =
        if random.once_in(40) { "other".to_owned() } else { format!("{name}{}", if external { "_test" } else { "" }) };
    let doc = if random.once_in(3) { "// Package p does <it> & more. Not this.\n" } else { "" };
    let mut text = format!("{constraint}{doc}package {package}\n\n");
    let (mut embeds, mut imports) = (false, random.below(4));
    while imports > 0 {
        imports -= 1;
        let path = match random.below(12) {
            0..=4 => format!("example.com/hello/{}", random.pick(&DIRECTORIES)),
            5 if random.once_in(3) => random.pick(&NOWHERE).to_string(),
            _ => random.pick(&STD).to_string(),
        };
        if path == "C" && (external || file.ends_with("_test.go") || !random.once_in(3)) {
            continue;
        }
        embeds |= path == "embed";
        text += &format!("import _ \"{path}\"\n").replace("_ \"C\"", "\"C\"");
    }
    if random.once_in(60) {
        text += "import broken\n";
    }
    if embeds {
        text += &format!("\n//go:embed {}\nvar x string\n", random.pick(&["a.go", "data", "*.go", "all:data", "none", "../a"]));
    }
    text
}
