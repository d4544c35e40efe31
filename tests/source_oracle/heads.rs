//! The heads of files: those of the SDK, and damaged ones.

use std::path::Path;

use godirect::source::header::{Fault, GoHeader, HeaderError, head_of, head_of_other, is_complete_other};
use godirect::source::token::{Position, unquote};
use godirect::source::tree::clean;
use serde_json::{Value, json};

use super::damage::{Random, damage};
use super::{Case, compare, goroot, values};

/// How many damaged files are compared, and what they are: another number gives other files.
fn damaged() -> usize {
    std::env::var("GODIRECT_TEST_DAMAGED").map_or(120_000, |number| number.parse().expect("GODIRECT_TEST_DAMAGED is a number"))
}

/// The SDK's source files with an extension, in order of their paths.
pub fn files(directory: &Path, extensions: &[&str], found: &mut Vec<Vec<u8>>) {
    let mut paths: Vec<_> = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            files(&path, extensions, found);
        } else if path.extension().is_some_and(|extension| extensions.iter().any(|wanted| extension == *wanted)) {
            found.push(std::fs::read(&path).unwrap());
        }
    }
}

fn place(position: &Position) -> String {
    let file = match position.file.as_deref() {
        None => "/d/x.go".to_owned(),
        Some(name) if name.is_empty() || name.starts_with('/') => name.to_owned(),
        Some(name) => clean(&format!("/d/{name}")),
    };
    let column = if position.column == 0 { String::new() } else { format!(":{}", position.column) };
    let colon = if file.is_empty() { "" } else { ":" };
    format!("{file}{colon}{}{column}", position.line)
}

/// What the oracle has printed, with the first error of a list and the number of the others.
fn theirs(found: &Value) -> Value {
    let mut found = found.clone();
    let error = found["ParseError"].as_str().unwrap();
    if let Ok(error) = serde_json::from_str::<Value>(error) {
        found["ParseError"] = match error["ErrorList"].as_array() {
            Some(list) => {
                // Where errors in files with absolute names stand in Go's order depends on where the file itself is, and nothing of
                // that sort may decide what godirect says.
                let elsewhere = |error: &&Value| {
                    let file = error["Pos"]["Filename"].as_str().unwrap();
                    file.starts_with('/') && !file.starts_with("/d/")
                };
                let first = list.iter().find(|error| !elsewhere(error)).unwrap_or(&list[0]);
                let number = |name: &str| first["Pos"][name].as_u64().unwrap() as u32;
                let file = first["Pos"]["Filename"].as_str().unwrap();
                let position = Position { file: Some(file.into()), line: number("Line"), column: number("Column") };
                json!([place(&position), number("Offset"), first["Msg"], list.len() - 1])
            }
            None => error["ErrorString"].clone(),
        };
    }
    for list in ["Imports", "Embeds", "Directives", "Cgo", "Constraint"] {
        if found[list].is_null() {
            found[list] = json!([]);
        }
    }
    found
}

fn parse_error(error: &HeaderError, mark: usize) -> Value {
    match error.fault {
        Fault::ImportPath => json!(format!("{}: {}", place(&error.position), error.message)),
        _ => json!([place(&error.position), error.offset - mark, error.message, error.more]),
    }
}

/// What godirect reads, in the shape of what the oracle prints.
fn ours(kind: u8, content: &[u8]) -> Value {
    let (header, head) = match kind {
        b'g' => (GoHeader::parse("x.go", content), head_of(content)),
        _ => (Ok(GoHeader::default()), head_of_other(content)),
    };
    let mark = if content.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let unreadable = match (&header, &head) {
        (Err(e), _) if e.fault == Fault::Nul => format!("read: {}", e.message),
        (_, Err(e)) if e.fault == Fault::Constraint => format!("parsing //go:build line: {}", e.message),
        (_, Err(e)) => e.message.clone(),
        _ => String::new(),
    };
    let nothing = json!({"Error": unreadable, "ParseError": "", "Package": "", "Doc": "", "Imports": [], "Embeds": [],
        "Directives": [], "Cgo": [], "BinaryOnly": false, "Constraint": []});
    let Some(head) = head.ok().filter(|_| unreadable.is_empty()) else { return nothing };
    let mut found = nothing;
    found["BinaryOnly"] = json!(head.binary_only);
    found["Constraint"] = json!(values(head.constraint.as_ref()));
    match header {
        Ok(header) => {
            let pairs =
                |list: Vec<(&String, &Position)>| json!(list.iter().map(|(text, p)| (text, place(p))).collect::<Vec<_>>());
            found["Package"] = json!(header.package);
            found["Doc"] = json!(header.doc);
            found["Imports"] = pairs(header.imports.iter().map(|i| (&i.path, &i.position)).collect());
            found["Embeds"] = pairs(header.embeds.iter().map(|e| (&e.pattern, &e.position)).collect());
            found["Directives"] = pairs(header.directives.iter().map(|d| (&d.text, &d.position)).collect());
            found["Cgo"] = json!(header.cgo);
        }
        Err(error) => {
            found["ParseError"] = parse_error(&error, mark);
            found["Package"] = json!(error.package);
            found["Doc"] = json!(error.doc);
        }
    }
    found
}

/// What is read of a file's beginning, where that is said to be enough, is what is read of all.
fn check_start((kind, content): &Case) {
    let length = content.len() * 2 / 3;
    let complete = match kind {
        b's' => is_complete_other(&content[..length]),
        _ => GoHeader::is_complete(&content[..length]),
    };
    if complete {
        assert_eq!(ours(*kind, &content[..length]), ours(*kind, content), "{:?}", String::from_utf8_lossy(content));
    }
}

/// Compares a file with what the index of a module says of it, or with go/parser.
fn check(case: &Case, found: &Value) -> Result<(), Value> {
    check_start(case);
    let (kind, content) = case;
    if *kind == b'p' {
        return check_parser(content, found);
    }
    let mut theirs = theirs(found);
    let mut ours = ours(*kind, content);
    // Files of other languages whose constraints can't be found are taken as they are.
    if *kind == b's' && !theirs["Error"].as_str().unwrap().starts_with("parsing") && theirs["Error"] != "" {
        (theirs["Error"], theirs["Constraint"]) = (json!(""), json!(vec![true; 8]));
    }
    // The index has these only where it uses them.
    if *kind == b's' {
        (theirs["BinaryOnly"], ours["BinaryOnly"]) = (Value::Null, Value::Null);
    }
    if theirs == ours { Ok(()) } else { Err(ours) }
}

/// The parser alone, on the whole file, may find errors after the imports, where go/build doesn't look; else it agrees.
fn check_parser(content: &[u8], theirs: &Value) -> Result<(), Value> {
    let header = GoHeader::parse("x.go", content);
    let (errors, offset) = (theirs["Errors"].as_u64().unwrap(), theirs["Offset"].as_u64().unwrap() as usize);
    let agrees = match &header {
        Ok(header) if errors > 0 => header.imports.iter().all(|import| import.offset + import.width <= offset),
        Ok(header) => {
            let wanted = theirs["Imports"].as_array().map_or(&[][..], Vec::as_slice);
            let path = |pair: &Value| unquote(pair[0].as_str().unwrap().as_bytes());
            let same = wanted.iter().zip(&header.imports).all(|(pair, import)| {
                pair[1].as_u64() == Some(import.offset as u64) && path(pair).as_deref() == Some(import.path.as_bytes())
            });
            same && wanted.len() == header.imports.len() && theirs["Package"] == json!(header.package)
        }
        Err(error) => errors > 0 || error.fault == Fault::ImportPath,
    };
    if agrees { Ok(()) } else { Err(json!(format!("{header:?}"))) }
}

#[test]
fn files_of_the_sdk() {
    let mut go = Vec::new();
    files(&goroot().join("src"), &["go"], &mut go);
    assert!(go.len() > 5_000);
    let mut other = Vec::new();
    files(&goroot().join("src"), &["s", "S", "c", "h", "m"], &mut other);
    let all = go.into_iter().flat_map(|content| [(b'g', content.clone()), (b'p', content)]);
    let cases: Vec<Case> = all.chain(other.into_iter().map(|content| (b's', content))).collect();
    cases.chunks(4_000).for_each(|cases| compare(cases, check));
}

/// What means something at the head of a file, to Go or to those who read it by halves.
const PIECES: [&[u8]; 64] = [
    b"\"",
    b"'",
    b"`",
    b"\\",
    b"(",
    b")",
    b";",
    b",",
    b".",
    b"_ ",
    b"\n",
    b"\r\n",
    b"\r",
    b"\n\n",
    b"\0",
    b"\t",
    b" ",
    b"\x0b",
    b"\x0c",
    b"/",
    b"//",
    b"/*",
    b"*/",
    b"/* a\nb */",
    b"//\n",
    b"// Package p is [fmt.x] ``q''. It",
    b"\n//line a.go:7\n",
    b"/*line b.go:3:9*/",
    b"/*line :5*/",
    b"//line /x/y:0\n",
    b"//go:build a && !b\n\n",
    b"//go:build (",
    b"\n// +build a,!b c\n\n",
    b"//go:binary-only-package\n",
    b"//go:debug a=b\n",
    b"//go:embed x \"y\" `z`\n",
    b"import \"embed\"\n",
    b"import \"C\"\n",
    b"// #cgo LDFLAGS: -lm\nimport \"C\"\n",
    b"import (\n",
    b"import ",
    b"package ",
    b"package",
    b"func ",
    b"var",
    b"return\n",
    b"if ",
    b"\xef\xbb\xbf",
    b"\xff",
    b"\xc3",
    b"\xc3\xa9",
    b"\xe2\x80\x9c",
    b"\xe2\x80\xa8",
    b"\xc2\xa0",
    b"\xf0\x9f\x98\x80",
    b"1",
    b"0x_1.p",
    b"07.8e+",
    b"\\x41",
    b"\\u12",
    b"#",
    b"$",
    b":=",
    b"<<=",
];

#[test]
fn damaged_files() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds/go_header");
    let mut whole = Vec::new();
    files(&goroot().join("src/cmd/cgo"), &["go"], &mut whole);
    files(&goroot().join("src/net"), &["go"], &mut whole);
    let mut heads: Vec<Vec<u8>> =
        std::fs::read_dir(seeds).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect();
    heads.sort();
    // So that each seed of godirect is taken as often as a file of the SDK.
    for content in whole {
        let head = content.windows(2).position(|pair| pair == b"\n)").map_or(400, |at| at + 40);
        heads.push(content[..head.min(700).min(content.len())].to_vec());
    }
    let count = damaged();
    let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ count as u64);
    let mut cases: Vec<Case> = Vec::with_capacity(20_000);
    for round in 0..count {
        let seed = if round % 4 == 0 { &heads[random.below(8)] } else { &heads[random.below(heads.len())] };
        let content = damage(seed, &heads, &PIECES, &mut random);
        let kind = [b'g', b'g', b'p', b's'][random.below(4)];
        cases.push((kind, content));
        if cases.len() == 20_000 || round + 1 == count {
            compare(&cases, check);
            cases.clear();
        }
    }
}

/// What means something in a doc comment.
const DOC_PIECES: [&[u8]; 44] = [
    b"[",
    b"]",
    b"[fmt]",
    b"[*encoding/json.Decoder]",
    b"[x.Y]",
    b"[a b]",
    b"[a b]: https://a.b/c",
    b"\n[x]: http://y\n",
    b"``",
    b"```",
    b"''",
    b"\n",
    b"\n\n",
    b"\n\t",
    b"\n  - a",
    b"\n1. b\n",
    b"- c",
    b"\n# H\n",
    b"\n\nTitle\n\n",
    b"http://a.b/(c).",
    b"https://''.x",
    b". ",
    b". A",
    b"A. B",
    b".\n",
    "\u{3002}".as_bytes(),
    "\u{2022} x".as_bytes(),
    b"Copyright",
    b"author",
    b"{\n\tx\n}",
    b"\\\n\ty",
    b"  ",
    b"\t",
    b"\r\n",
    b"\xc2\xa0",
    b"it's",
    b":",
    b";",
    b"x//y",
    b"go:x",
    b"\n//line z:1\n",
    b"+build",
    b"\xc3\x89",
    b"_",
];

#[test]
fn package_comments() {
    let mut whole = Vec::new();
    files(&goroot().join("src"), &["go"], &mut whole);
    let comment = |content: &Vec<u8>| {
        let header = GoHeader::parse("x.go", content).ok().filter(|header| !header.doc.is_empty())?;
        let text = std::str::from_utf8(content).ok()?;
        let end = text.find(&format!("\npackage {}", header.package))?;
        let start = text[..end].rfind("\n\n").unwrap_or(0);
        let lines = text[start..end].lines().map(|line| line.trim_start_matches("// ").trim_start_matches("//"));
        Some(lines.take(12).collect::<Vec<_>>().join("\n").trim_start().as_bytes().to_vec())
    };
    let comments: Vec<Vec<u8>> = whole.iter().filter_map(comment).collect();
    assert!(comments.len() > 300);
    let mut random = Random(0x5851_f42d_4c95_7f2d);
    let mut cases: Vec<Case> = Vec::new();
    for _ in 0..40_000 {
        let text = damage(&comments[random.below(comments.len())], &comments, &DOC_PIECES, &mut random);
        let text = String::from_utf8_lossy(&text).into_owned();
        let content = match random.below(3) {
            0 => format!("/*\n{}\n*/\npackage p\n", text.replace("*/", "")),
            1 => format!("//{}\npackage p\n", text.replace('\n', "\n//")),
            _ => format!("// {}\npackage p\n", text.replace('\n', "\n// ")),
        };
        cases.push((b'g', content.into_bytes()));
    }
    compare(&cases, check);
}
