use super::*;

const SEEDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds/binary/");

fn report(seed: &str) -> Report {
    inspect(&std::fs::read(format!("{SEEDS}{seed}")).unwrap(), &BTreeMap::new()).unwrap()
}

/// Small files with the same build information, in all ways in which Go's linker has written it. What it writes now is compared with the
/// go command in `tests/cli/verify.rs`.
#[test]
fn build_information_of_all_ages() {
    for (seed, version) in
        [("inline.elf", "go1.27.3"), ("pointers.elf", "go1.17.1"), ("pointers_big_endian.elf", "go1.17.1"), ("data.wasm", "")]
    {
        let info = report(seed).build_info.unwrap_or_else(|| panic!("{seed} has none"));
        assert_eq!((info.go_version.as_str(), info.path.as_str()), (version, "a.example/cmd"), "{seed}");
        assert_eq!(info.deps[0].replace.as_ref().unwrap().path, "c.example/c");
        assert_eq!(info.setting("-ldflags"), "-s -w");
    }
}

#[test]
fn lines_that_go_does_not_write() {
    for (text, why) in [
        ("mod\ta\n", "line 1: a module has two or three columns"),
        ("path\ta\ndep\ta\tb\tc\td\n", "line 2: a module has two or three columns"),
        ("=>\ta\tb\tc\n", "line 1: a replacement without a module before it"),
        ("dep\ta\tb\n=>\ta\tb\n", "line 2: a replacement has three columns"),
        ("dep\ta\tb\n=>\ta\tb\tc\n=>\ta\tb\tc\n", "line 3: a replacement without a module before it"),
        ("build\t\n", "line 1: a setting without name"),
        ("build\t=a\n", "line 1: a setting without name"),
        ("build\ta\n", "line 1: there is no = after the name of a setting"),
        ("build\ta b=c\n", "line 1: the name of a setting has to be quoted"),
        ("build\ta=b c\n", "line 1: the value of a setting has to be quoted"),
        ("build\ta=\"b\n", "line 1: the value of a setting isn't quoted as it begins"),
        ("build\t\"a=b\n", "line 1: the name of a setting isn't quoted as it begins"),
        ("build\t\"a\"b\n", "line 1: there is no = after the name of a setting"),
    ] {
        let error = BuildInfo::parse(text).unwrap_err();
        assert_eq!(error.message(), format!("build information is malformed: {why}"), "{text:?}");
    }
    assert_eq!(
        BuildInfo::parse("path\ta\nother\tb\nmod\ta\tb").unwrap(),
        BuildInfo { path: "a".to_owned(), ..BuildInfo::default() }
    );
}

#[test]
fn what_is_no_binary() {
    for bytes in [&b""[..], b"#!/bin/sh\n", b"\x7fELF", b"MZ", b"\0asm"] {
        assert!(inspect(bytes, &BTreeMap::new()).is_err(), "{bytes:?}");
    }
}

#[test]
fn differences_have_a_place() {
    let bytes = std::fs::read(format!("{SEEDS}inline.elf")).unwrap();
    let at = |what: &[u8]| memchr::memmem::find(&bytes, what).unwrap();
    let changed = |at: usize| {
        let mut other = bytes.clone();
        other[at] ^= 1;
        differences(&bytes, &other).unwrap()
    };
    assert_eq!(differences(&bytes, &bytes).unwrap(), []);
    let [found] = &changed(at(b"go1.27.3"))[..] else { panic!("one difference") };
    assert_eq!((found.section.as_str(), found.what.starts_with("1 of ")), (".go.buildinfo", true));
    // The machine's flags in the header.
    assert_eq!(changed(0x30)[0].section, "header");
}
