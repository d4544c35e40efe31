use super::*;

fn parse(content: &str) -> GoHeader {
    GoHeader::parse(content.as_bytes()).unwrap()
}

fn imports(content: &str) -> Vec<String> {
    parse(content).imports.into_iter().map(|i| i.path).collect()
}

fn patterns(content: &str) -> Vec<String> {
    parse(content).embeds.into_iter().map(|e| e.pattern).collect()
}

fn constraint(content: &str) -> Option<String> {
    constraint_of(content.as_bytes()).unwrap().map(|c| c.to_string())
}

#[test]
fn reads_every_form_of_import() {
    let content = "\u{feff}// Doc.\n/* and */ package /* x */ main; import \"a\"\nimport x \"b\"; import (\n\t. \"c\"\n\t_ `d` // why\n\
                   \n\t\"e\"; \"f\")\nimport ()\nimport \"C\"\nvar import_ = `import \"g\"`\n";
    let header = parse(content);
    assert_eq!(header.package, "main");
    assert_eq!(imports(content), ["a", "b", "c", "d", "e", "f", "C"]);
    assert!(header.uses_cgo());
    let import = &header.imports[3];
    assert_eq!(&content[import.offset..import.offset + import.width], "`d`");
}

#[test]
fn the_end_of_the_file_ends_a_header() {
    assert_eq!(parse("package a").package, "a");
    assert_eq!(imports("package a;import\"b\""), ["b"]);
    assert_eq!(imports("package a\nimport \"b\" // c"), ["b"]);
    assert_eq!(imports("package a\n\nfunc f() { # $ }"), [""; 0]);
}

#[test]
fn errors_have_the_first_place() {
    for (content, offset, message) in [
        ("", 0, "expected 'package', found end of file"),
        ("// a\nfunc", 5, "expected 'package', found 'func'"),
        ("package\n\nfunc f() {}", 9, "expected 'IDENT', found 'func'"),
        ("package a b", 10, "expected ';', found 'b'"),
        ("package a\nimport fmt\n", 20, "missing import path; require quoted string"),
        ("package a\nimport \"a\" \"b\"", 21, "expected ';', found '\"b\"'"),
        ("package a\nimport \"a b\"", 17, "invalid import path: a b"),
        ("package a\nimport \"\"", 17, "invalid import path: "),
        ("package a\nimport (\n\"b\"", 22, "missing import path; require quoted string"),
        ("package a\nimport \"b\n", 17, "missing import path; require quoted string"),
        ("/* a", 0, "expected 'package', found '/* a'"),
        ("//go:debug x\npackage a", 0, "invalid //go:debug: missing key=value"),
    ] {
        let wanted = HeaderError { offset, message: message.to_owned() };
        assert_eq!(GoHeader::parse(content.as_bytes()), Err(wanted), "{content:?}");
    }
}

#[test]
fn constraints_must_be_well_formed_and_single() {
    for (content, offset, message) in [
        ("//go:build a b\npackage a", 13, "parsing //go:build line: unexpected token b"),
        ("//go:build a\n//go:build b\n\npackage a", 13, "multiple //go:build comments"),
    ] {
        assert_eq!(constraint_of(content.as_bytes()), Err(HeaderError { offset, message: message.to_owned() }));
    }
}

#[test]
fn go_build_lines_stand_before_the_package_clause() {
    assert_eq!(constraint("// a\n\n//go:build linux\n\npackage a").as_deref(), Some("linux"));
    assert_eq!(constraint("/* a\n*/\n//go:build linux\npackage a").as_deref(), Some("linux"));
    assert_eq!(constraint("/*\n//go:build linux\n*/\npackage a"), None);
    assert_eq!(constraint("package a\n//go:build linux\n"), None);
    assert_eq!(constraint("//go:builder linux\npackage a"), None);
    assert_eq!(constraint("//go:build linux\n// +build windows\n\npackage a").as_deref(), Some("linux"));
    assert_eq!(constraint("#include \"a.h\"\n//go:build linux\n"), None);
    assert_eq!(constraint("//go:build linux\r\n\r\n#include \"a.h\"\r\n").as_deref(), Some("linux"));
}

#[test]
fn plus_build_lines_need_a_blank_line_after_them() {
    assert_eq!(constraint("// +build linux darwin\n// +build cgo\n\npackage a").as_deref(), Some("(linux || darwin) && cgo"));
    assert_eq!(constraint("// +build linux\npackage a"), None);
    assert_eq!(constraint("/* a */\n\n// +build linux\n\npackage a"), None);
}

#[test]
fn embed_patterns_may_be_quoted() {
    let head = "package a\n\nimport _ \"embed\"\n\n";
    let body = "//go:embed a all:b \"c d\" `e`\nvar x string\n//go:embedded f\n// go:embed g\n//go:embed \"h\nvar y = `\n//go:embed i\n`\n\
                var z = '\"' //go:embed\tj\n//go:embed \"k\"l\n/*\n//go:embed m\n*/\n";
    assert_eq!(patterns(&format!("{head}{body}")), ["a", "all:b", "c d", "e", "j"]);
    assert_eq!(patterns(&format!("package a\n{body}")), [""; 0]);
    let header = parse(&format!("{head}{body}"));
    assert_eq!(&format!("{head}{body}")[header.embeds[2].offset..][..5], "\"c d\"");
}

#[test]
fn debug_lines_stand_before_the_package_clause() {
    let header =
        parse("// Doc.\n//go:debug panicnil=1\n//go:debug default=go1.21\n//go:debugger x\npackage main\n//go:debug a=b\n");
    let settings: Vec<String> = header.debug.iter().map(|d| format!("{}={}", d.key, d.value)).collect();
    assert_eq!(settings, ["panicnil=1", "default=go1.21"]);
}

#[test]
fn no_bytes_make_it_panic() {
    let seeds: [&[u8]; 4] = [
        b"//go:build a && (b || !c)\n\npackage a\nimport (\n\"embed\"\n. `b`\n)\n//go:embed \"\\x41\" `c` d\nvar e = '\\''\n",
        b"// +build a,!b c\n\n/* d */ package \xff\n",
        b"\xef\xbb\xbfpackage a;import\"\\U0010ffff\"",
        b"\x00\xc3\x28`\"'\\/*/",
    ];
    // Every prefix, and every single byte replaced by ones that have a meaning somewhere.
    for seed in seeds {
        for at in 0..seed.len() {
            let _ = (GoHeader::parse(&seed[..at]), constraint_of(&seed[..at]));
            for byte in *b"\n\"`'\\/*(){};!&|\x00\xff a" {
                let mut content = seed.to_vec();
                content[at] = byte;
                let _ = (GoHeader::parse(&content), constraint_of(&content));
            }
        }
    }
}

#[test]
fn the_place_of_a_broken_constraint_is_in_the_file() {
    let place = |content: &[u8]| constraint_of(content).unwrap_err().offset;
    assert_eq!(place(b"//go:build"), 10);
    assert_eq!(place(b"  //go:build   a &&\n"), 19);
    assert_eq!(place("\u{feff}//go:build (\n".as_bytes()), 15);
    assert!(place(b"//go:build \xff\xff\xff (") <= 16);
}
