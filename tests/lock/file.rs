//! Files that cannot be read or written.

use std::path::Path;

use godirect::error::{Class, Error};
use godirect::lock::cache::Cache;
use godirect::lock::file::Lockfile;
use godirect::module::gosum::GoSum;

use crate::support::*;

#[test]
fn locks_that_cannot_be_read() {
    let parse = |text: &str| Lockfile::parse(Path::new("godirect.lock.json"), text).unwrap_err().to_string();
    let edited = "(`godirect lock` writes it; it isn't made to be edited)";
    assert_eq!(
        parse("{\"version\": 3, \"new\": []}"),
        "godirect.lock.json has format version 3, and this godirect reads version 2 (update godirect)"
    );
    assert_eq!(
        parse("{\n  \"version\": 2,\n<<<<<<< HEAD\n"),
        "godirect.lock.json:3:1: godirect.lock.json has a merge conflict \
         (keep either side, then `godirect lock` makes it right for the merged go.mod)"
    );
    assert_eq!(
        parse("{\n  \"version\": 2\n  x\n"),
        format!("godirect.lock.json:3:3: malformed lock: expected `,` or `}}` {edited}")
    );
    assert_eq!(
        parse("{\n  \"version\": 2,\n  \"platforms\": [\"linux/x\"], \"sdks\": [], \"modules\": []\n}\n"),
        format!("godirect.lock.json:3:26: malformed lock: Go has no port to `linux/x` {edited}")
    );
    assert_eq!(
        Lockfile::read(&godirect::files::Files::default(), Path::new("/nowhere/godirect.lock.json")).unwrap_err().to_string(),
        "there is no /nowhere/godirect.lock.json (run `godirect lock`)"
    );
}

/// A directory that can't be written, also for root: one that is a file.
#[test]
fn places_that_cannot_be_written() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = Cache::at(file.join("cache")).unwrap_err();
    assert_eq!(error.class(), Class::Environment);
    assert_eq!(
        error.to_string(),
        format!(
            "failed to write {}/cache: Not a directory (os error 20) (GODIRECT_CACHE sets another directory for the cache)",
            file.display()
        )
    );
    let lock = Lockfile {
        version: 2,
        platforms: Vec::new(),
        sdks: Vec::new(),
        modules: Vec::new(),
        go_mods: Vec::new(),
        local: Vec::new(),
        vendored: Vec::new(),
    };
    let path = file.join("godirect.lock.json");
    let error = lock.write(&path).unwrap_err().to_string();
    assert!(error.starts_with(&format!("failed to write {}: not a directory", path.display())), "{error}");
    // What proc shows can't be changed by anyone.
    let error = Cache::at("/proc/godirect").unwrap_err().to_string();
    assert!(error.starts_with("failed to write /proc/godirect: "), "{error}");
}

/// Each parser gets every prefix of a text, and the text with each byte replaced: it may refuse, and must not panic.
#[test]
fn parsers_survive_damage() {
    let go_mod = "module \"a.b/c\" // x\ngo 1.27\nrequire (\n\ta.b/d v1.2.3-0.2024 // indirect\n)\nreplace a.b/d v1.0.0 => ../é\n\
                  retract [v1.0.0, v1.1.0]\ngodebug x=y\nignore `z`\n";
    let go_sum = format!("a.b/c v1.0.0/go.mod {OTHER_HASH}\n");
    let modules_txt = "## workspace\n# a.b/c v1.0.0 => ./c\n## explicit; go 1.27\na.b/c\n# a.b/c => a.b/d v2.0.0\n";
    let lock = include_str!("expected.lock.json");
    let path = Path::new("file");
    let feed = |text: &str| {
        let shown = |error: Error| assert!(!error.render(false).is_empty());
        let _ = godirect::module::gomod::GoMod::parse(path, text).map_err(shown);
        let _ = godirect::module::gomod::GoMod::parse_dependency(path, text).map_err(shown);
        let _ = godirect::module::gowork::GoWork::parse(path, text).map_err(shown);
        let _ = godirect::module::modules_txt::ModulesTxt::parse(path, text).map_err(shown);
        let _ = GoSum::default().add(path, text).map_err(shown);
        let _ = Lockfile::parse(path, text).map_err(shown);
    };
    for text in [go_mod, &go_sum, modules_txt, &lock[..600]] {
        for (i, c) in text.char_indices() {
            feed(&text[..i]);
            for other in ["", "\"", "\\", "`", "(", ")", "\n", "\0", "/", "é", "\u{2028}", "=>", "9999999999999999999999"] {
                feed(&format!("{}{other}{}", &text[..i], &text[i + c.len_utf8()..]));
            }
        }
    }
}
