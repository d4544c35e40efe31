//! `#cgo` lines.

use std::collections::BTreeSet;

use godirect::source::cgo::CgoFlags;
use godirect::source::context::BuildContext;
use serde_json::json;

use super::damage::{Random, damage};
use super::{Case, compare};

const LINES: [&str; 14] = [
    "#cgo CFLAGS: -DPNG_DEBUG=1 -I include -L.. -I${SRCDIR}/x -I/abs",
    "#cgo amd64 386 CFLAGS: -DX86=1",
    "#cgo LDFLAGS: -L${SRCDIR}/lib -lpng -Wl,-rpath,$ORIGIN",
    "#cgo pkg-config: png 'a b' cairo\\ x",
    "#cgo linux,!cgo windows CXXFLAGS: -std=c++11",
    "#cgo (linux||darwin)&&!arm FFLAGS: -x \"y z\" \"\"",
    "#cgo !windows CPPFLAGS: -D\"A=b c\" -isystem x -I -L y",
    "#cgo noescape f",
    "#cgo nocallback g",
    "#cgo noescape: f",
    "#cgo\tLDFLAGS:-lm",
    "#cgo LDFLAGS -lm",
    "#cgo: -lm",
    "#cgo go1.21 LDFLAGS: 'x'\"y\"z \\\\ `",
];

const PIECES: [&[u8]; 30] = [
    b" ",
    b"\t",
    b":",
    b"'",
    b"\"",
    b"\\",
    b"${SRCDIR}",
    b"$",
    b"-I",
    b"-L",
    b"-I ",
    b"-I/",
    b"../",
    b"./",
    b"//",
    b"!",
    b",",
    b"(",
    b")",
    b"||",
    b"linux",
    b"windows",
    b"cgo",
    b"CFLAGS",
    b"LDFLAGS: ",
    b"`",
    b"#cgo ",
    b"\n#cgo CFLAGS: -a\n",
    b"\xc2\xa0",
    b"\xc3\xa9",
];

#[test]
fn random_cgo_lines() {
    let mut random = Random(0x6a09_e667_f3bc_c909);
    let lines: Vec<Vec<u8>> = LINES.iter().map(|line| line.as_bytes().to_vec()).collect();
    let mut cases: Vec<Case> = lines.iter().map(|line| (b'c', line.clone())).collect();
    for _ in 0..40_000 {
        let line = damage(&lines[random.below(lines.len())], &lines, &PIECES, &mut random);
        // A comment with other bytes isn't Go.
        cases.extend(String::from_utf8(line).ok().map(|line| (b'c', line.into_bytes())));
    }
    let context = BuildContext {
        platform: "linux/amd64".parse().unwrap(),
        go: "1.27.3".parse().unwrap(),
        cgo: true,
        tags: BTreeSet::new(),
        experiments: BTreeSet::new(),
        external_link: None,
    };
    compare(&cases, |(_, content), theirs| {
        let lines: Vec<String> = std::str::from_utf8(content).unwrap().split('\n').map(str::to_owned).collect();
        let mut flags = CgoFlags::default();
        let error = flags.add(&lines, &context, "/d/p").err().unwrap_or_default();
        let list = |list: &Vec<String>| if list.is_empty() { json!(null) } else { json!(list) };
        let ours = json!({"Error": error, "CFlags": list(&flags.cflags), "CPPFlags": list(&flags.cppflags),
            "CXXFlags": list(&flags.cxxflags), "FFlags": list(&flags.fflags), "LDFlags": list(&flags.ldflags),
            "PkgConfig": list(&flags.pkg_config)});
        if *theirs == ours { Ok(()) } else { Err(ours) }
    });
}
