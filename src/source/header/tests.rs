use super::*;

fn parse(content: &str) -> GoHeader {
    GoHeader::parse("x.go", content.as_bytes()).unwrap()
}

fn imports(content: &str) -> Vec<String> {
    parse(content).imports.into_iter().map(|i| i.path).collect()
}

fn patterns(content: &str) -> Vec<String> {
    parse(content).embeds.into_iter().map(|e| e.pattern).collect()
}

fn constraint(content: &str) -> Option<String> {
    head_of(content.as_bytes()).unwrap().constraint.map(|c| c.to_string())
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
fn errors_are_those_of_go() {
    for (content, place, more, message) in [
        ("", "1:1 0", 0, "expected 'package', found 'EOF'"),
        ("// a\nfunc", "2:1 5", 0, "expected 'package', found 'func'"),
        ("package\n\nfunc f() {}", "3:1 9", 0, "expected 'IDENT', found 'func'"),
        ("package a im b", "1:11 10", 0, "expected ';', found im"),
        ("package a\nimport fmt\n", "2:11 20", 0, "missing import path"),
        ("package a\nimport a b\n", "2:10 19", 0, "import path must be a string"),
        ("package a\nimport (\"a\" \"b\")", "2:13 22", 0, "expected ';', found \"b\""),
        ("package a\nimport \"a b\"", "2:8 17", 0, "invalid import path: a b"),
        ("package a\nimport x \"\"", "2:8 17", 0, "invalid import path: "),
        ("package a\nimport (\n\"b\"", "3:4 22", 0, "expected ')', found 'EOF'"),
        ("package a\nimport \"b\n", "2:8 17", 0, "string literal not terminated"),
        ("package a\nimport \"\\q\"\nimport 1\nimport\n", "2:10 19", 2, "unknown escape sequence"),
        ("\u{feff}/* a", "1:1 3", 0, "comment not terminated"),
        ("package a\n//line x.y:7:3\nimport (", "x.y 7:11 33", 0, "expected ')', found 'EOF'"),
        ("package a\0", "1:10 9", 0, "unexpected NUL in input"),
        ("package @", "1:9 8", 0, "illegal character U+0040 '@'"),
    ] {
        let error = GoHeader::parse("x.go", content.as_bytes()).unwrap_err();
        let Position { file, line, column } = &error.position;
        let file = file.as_ref().map(|name| format!("{name} ")).unwrap_or_default();
        let found = (format!("{file}{line}:{column} {}", error.offset), error.more, error.message.as_str());
        assert_eq!(found, (place.to_owned(), more, message), "{content:?}");
    }
}

#[test]
fn what_follows_a_head_is_not_read() {
    for content in ["package a b", "package a\nimport \"a\" \"b\"", "package a@", "package a\nfunc\0"] {
        assert_eq!(parse(content).package, "a", "{content:?}");
    }
}

#[test]
fn constraints_must_be_well_formed_and_single() {
    for (content, offset, fault, message) in [
        ("//go:build a b\npackage a", 13, Fault::Constraint, "unexpected token b"),
        ("//go:build a\n//go:build b\n\npackage a", 13, Fault::Constraints, "multiple //go:build comments"),
    ] {
        let error = head_of(content.as_bytes()).unwrap_err();
        assert_eq!((error.offset, error.fault, error.message.as_str()), (offset, fault, message));
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
    let damaged = GoHeader::parse("x.go", b"package a\nimport _ \"embed\"\nvar b string //go:embed \xff b\n").unwrap();
    let places: Vec<u32> = damaged.embeds.iter().map(|embed| embed.position.column).collect();
    assert_eq!(places, [25, 27]);
    let header = parse(&format!("{head}{body}"));
    assert_eq!(&format!("{head}{body}")[header.embeds[2].offset..][..5], "\"c d\"");
}

#[test]
fn directives_stand_before_the_package_clause() {
    let header = parse(
        "// Doc.\n//go:debug panicnil=1\n//go:debug default=go1.21\n//go:debugger x\n//go:debug a\npackage main\n//go:debug a=b\n",
    );
    let settings: Vec<String> = header.debug().map(|d| format!("{}={}", d.key, d.value)).collect();
    assert_eq!(settings, ["panicnil=1", "default=go1.21"]);
    let places: Vec<(u32, &str)> = header.directives.iter().map(|d| (d.position.line, d.text.as_str())).collect();
    assert_eq!(places[..2], [(2, "//go:debug panicnil=1"), (3, "//go:debug default=go1.21")]);
    assert_eq!(parse("//g\ro:build a\rb\npackage main\n").directives[0].text, "//go:build ab");
    let wrong: Vec<String> = header.directives.iter().filter_map(|d| d.debug_setting().err()).collect();
    assert_eq!(wrong, ["missing key=value", "missing key=value"]);
}

#[test]
fn comments_on_package_and_cgo_are_read() {
    let header = parse(
        "// Copyright.\n\n/*\nPackage a is\nshort. It is [fmt].\n*/\npackage a\n\n// #cgo LDFLAGS: -lm\n//   #cgo linux CFLAGS: -I.\n\
         // #cgone\nimport \"C\"\n\n// #cgo A: b\nimport (\n\t\"C\"\n)\n\n// #cgo X: y\n\nimport \"C\"\n",
    );
    assert_eq!(header.doc, "Package a is short.");
    assert_eq!(header.cgo, ["#cgo LDFLAGS: -lm", "#cgo linux CFLAGS: -I.", "#cgo A: b"]);
}

#[test]
fn positions_heed_line_directives() {
    let header = parse("package a\n\nimport a \"x\"\n//line y.go:10\nimport (\n\t_ \"z\" /*line :5:9*/ ; \"w\"\n)\n");
    let shown = |p: &Position| format!("{}:{}:{}", p.file.as_deref().unwrap_or("-"), p.line, p.column);
    let places: Vec<String> = header.imports.iter().map(|i| shown(&i.position)).collect();
    assert_eq!(places, ["-:3:8", "y.go:11:0", "y.go:5:12"]);
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
            let _ = (GoHeader::parse("x.go", &seed[..at]), head_of(&seed[..at]));
            for byte in *b"\n\"`'\\/*(){};!&|\x00\xff a" {
                let mut content = seed.to_vec();
                content[at] = byte;
                let _ = (GoHeader::parse("x.go", &content), head_of(&content));
            }
        }
    }
}

#[test]
fn the_place_of_a_broken_constraint_is_in_the_file() {
    let place = |content: &[u8]| head_of(content).unwrap_err().offset;
    assert_eq!(place(b"//go:build"), 10);
    assert_eq!(place(b"  //go:build   a &&\n"), 19);
    assert_eq!(place("\u{feff}//go:build (\n".as_bytes()), 15);
    assert!(place(b"//go:build \xff\xff\xff (") <= 16);
}
