use super::*;
use crate::source::choose::{Chosen, Selection};
use crate::source::context::BuildContext;
use crate::source::tree::MemoryTree;

fn context(platform: &str, cgo: bool, tags: &[&str]) -> BuildContext {
    BuildContext {
        platform: platform.parse().unwrap(),
        go: "1.27.3".parse().unwrap(),
        cgo,
        tags: tags.iter().map(|t| (*t).to_owned()).collect(),
        experiments: BTreeSet::new(),
        external_link: None,
    }
}

/// What a build chooses when nothing is wrong.
fn choose(package: &ScannedPackage, tree: &MemoryTree, context: &BuildContext) -> Result<Chosen> {
    let mut chosen = package.select(context, "");
    if let Some(fault) = &chosen.fault {
        return Err(package.refusal(tree, fault));
    }
    for part in [&mut chosen.package, &mut chosen.test, &mut chosen.external_test] {
        if let Some((pattern, why)) = part.resolve_embeds(tree, &package.directory)? {
            let site = &part.embed_sites[&pattern];
            let message = format!("pattern {pattern}: {why}");
            return Err(package.error(tree, &site.file, site.offset, site.width, &message));
        }
        part.files.settle_c(context.cgo).map_err(|why| package.in_directory(why))?;
        part.files.check_names().map_err(|why| package.in_directory(why))?;
    }
    Ok(chosen)
}

/// A selection without places, which records don't have.
fn without_places(selection: Selection) -> Selection {
    let imports = selection.imports.into_keys().filter(|path| path != "C").map(|path| (path, None)).collect();
    Selection { imports, embed_sites: BTreeMap::new(), debug: Vec::new(), ..selection }
}

fn library() -> MemoryTree {
    MemoryTree::new(&[
        ("p/a.go", "package p\n\nimport \"fmt\"\n"),
        ("p/a_linux.go", "package p\n\nimport (\n\t\"os\"\n\t\"unsafe\"\n)\n"),
        ("p/a_windows.go", "package p\n"),
        (
            "p/c.go",
            "//go:build linux\n\npackage p\n\n// #cgo LDFLAGS: -lm\n// #cgo amd64 CFLAGS: -I${SRCDIR}\nimport \"C\"\nimport \"net\"\n",
        ),
        ("p/c.c", "int x;\n"),
        ("p/c.S", ""),
        ("p/doc.go", "package documentation\n"),
        ("p/gen.go", "//go:build ignore\n\npackage main\n"),
        ("p/tool.go", "//go:build mytool\n\npackage main\n"),
        ("p/amd64.s", "//go:build amd64 && !purego\n\nTEXT x\n"),
        ("p/asm_arm64.s", ""),
        ("p/x.h", ""),
        ("p/_x.go", "syntax error"),
        ("p/.x.go", "syntax error"),
        ("p/e.go", "package p\n\nimport _ \"embed\"\n\n//go:embed t\nvar t string\n\n//go:embed none\nvar n string\n"),
        ("p/t", ""),
        ("p/a_test.go", "package p\n\nimport \"testing\"\n"),
        ("p/x_test.go", "package p_test\n\nimport \"bytes\"\n"),
        ("p/dir.go/x", ""),
    ])
}

#[test]
fn a_record_groups_files_by_condition() {
    let tree = library();
    let package = scan(&tree, "p", Tests::Include).unwrap();
    let record = package.record(&tree, &["linux/amd64".parse().unwrap()]).unwrap();
    let json = serde_json::to_string_pretty(&record).unwrap();
    let wanted = r##"{
      "name": "p",
      "groups": [
        {"go": ["a.go", "e.go"], "c": ["c.S", "c.c"], "headers": ["x.h"], "imports": ["embed", "fmt"],
         "embed": {"none": [], "t": ["t"]}},
        {"if": "amd64 && !purego", "asm": ["amd64.s"]},
        {"if": "linux", "go": ["a_linux.go"], "imports": ["os", "unsafe"]},
        {"if": "linux && cgo", "cgo": ["c.go"], "cgo_lines": {"c.go": ["#cgo LDFLAGS: -lm", "#cgo amd64 CFLAGS: -I${SRCDIR}"]},
         "imports": ["net"]}
      ]
    }"##;
    let wanted: serde_json::Value = serde_json::from_str(wanted).unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap(), wanted, "{json}");
}

#[test]
fn a_record_and_its_source_choose_the_same() {
    let mut tree = library();
    tree.0.insert("p/none".to_owned(), String::new());
    tree.0.remove("p/c.c");
    let package = scan(&tree, "p", Tests::Include).unwrap();
    let platforms = ["linux/amd64", "linux/arm64", "windows/amd64"];
    let record = package.record(&tree, &platforms.map(|p| p.parse().unwrap())).unwrap();
    for platform in platforms {
        for cgo in [false, true] {
            for tags in [&[][..], &["purego"]] {
                let context = context(platform, cgo, tags);
                let chosen = choose(&package, &tree, &context).unwrap().package;
                assert_eq!(record.choose(&context).unwrap(), without_places(chosen));
            }
        }
    }
}

#[test]
fn tests_are_split_by_package_clause() {
    let mut tree = library();
    tree.0.insert("p/none".to_owned(), String::new());
    let package = scan(&tree, "p", Tests::Include).unwrap();
    let chosen = choose(&package, &tree, &context("linux/amd64", true, &[])).unwrap();
    assert_eq!(chosen.package.files.go, ["a.go", "a_linux.go", "e.go"]);
    assert_eq!(chosen.package.files.cgo, ["c.go"]);
    assert_eq!(chosen.package.files.c, ["c.S", "c.c"]);
    assert_eq!((chosen.test.name.as_str(), &chosen.test.files.go[..]), ("p", &["a_test.go".to_owned()][..]));
    assert_eq!(
        (chosen.external_test.name.as_str(), &chosen.external_test.files.go[..]),
        ("p_test", &["x_test.go".to_owned()][..])
    );
    let site = chosen.test.imports["testing"].as_ref().unwrap();
    assert_eq!((site.file.as_str(), site.offset, site.width), ("a_test.go", 18, 9));
}

fn problem(files: &[(&str, &str)], cgo: bool) -> String {
    let tree = MemoryTree::new(files);
    let package = scan(&tree, "p", Tests::Include).unwrap();
    choose(&package, &tree, &context("linux/amd64", cgo, &[])).unwrap_err().to_string()
}

#[test]
fn problems_are_those_of_go() {
    assert_eq!(
        problem(&[("p/a.go", "package a\n"), ("p/b.go", "package b\n")], false),
        "found packages a (a.go) and b (b.go) in p"
    );
    assert_eq!(
        problem(&[("p/a.go", "package a\n"), ("p/b.c", "")], true),
        "p: C source files not allowed when not using cgo or SWIG: b.c"
    );
    assert_eq!(problem(&[("p/a.go", "package a\nimport x\n")], false), "p/a.go:2:9: missing import path");
    assert_eq!(
        problem(&[("p/a.go", "package a\nimport _ \"embed\"\n//go:embed x\n")], false),
        "p/a.go:3:12: pattern x: no matching files found"
    );
    assert_eq!(
        problem(&[("p/a.go", "//go:build linux windows\npackage a\n")], false),
        "p/a.go:1:18: parsing //go:build line: unexpected token windows"
    );
}

/// The go command says so too, once it has the package in its index.
#[test]
fn heads_must_be_right_even_of_files_that_are_not_chosen() {
    assert_eq!(
        problem(&[("p/a.go", "package a\n"), ("p/a_windows.go", "pack")], false),
        "p/a_windows.go:1:1: expected 'package', found pack"
    );
    let tree = MemoryTree::new(&[("p/a.go", "package a\n"), ("p/b.c", "")]);
    let package = scan(&tree, "p", Tests::Include).unwrap();
    let chosen = choose(&package, &tree, &context("linux/amd64", false, &[])).unwrap();
    assert_eq!(chosen.package.files, FileGroup { go: vec!["a.go".to_owned()], ..FileGroup::default() });
}

#[test]
fn names_that_tools_could_misunderstand_are_refused() {
    assert_eq!(problem(&[("p/-o.go", "package p\n")], false), "p: invalid input file name \"-o.go\"");
    assert_eq!(problem(&[("p/a\nb.go", "package p\n")], false), "p: invalid input file name \"a\\nb.go\"");
    assert_eq!(problem(&[("p/a.go", "package p\n"), ("p/@x.s", "")], false), "p: invalid input file name \"@x.s\"");
    for record in [
        r#"{"name": "p", "groups": [{"go": ["../a.go"]}]}"#,
        r#"{"name": "p", "groups": [{"go": ["a.go"], "embed": {"x": ["a/../../x"]}}]}"#,
        r#"{"name": "p", "groups": [{"if": "linux", "syso": ["_cgo_x.syso"]}]}"#,
    ] {
        let record: PackageRecord = serde_json::from_str(record).unwrap();
        let error = record.choose(&context("linux/amd64", false, &[])).unwrap_err();
        assert!(error.starts_with("invalid input file name "), "{error}");
    }
}
