//! What a C compiler includes is among what may be included, however it is written.

use std::collections::BTreeSet;
use std::process::Command;

use godirect::source::includes::names;

use crate::{CC, printed};

#[test]
fn a_compiler_includes_nothing_else() {
    for (text, headers) in [
        ("#include \"a.h\"\n", 1),
        ("  #\tinclude<a.h> // b.h\n", 1),
        ("/* x */ # /* y\n*/ include /* z\n\n */ \"a.h\" /* \"b.h\" */\n", 1),
        ("#inc\\\nlude \\\n  \"a\\\n.h\"\n", 1),
        ("#include \\  \n \"sub/c.h\"\r\n#include \"b.h\"\r\n", 2),
        ("%:include \"a.h\"\n??=include \"b.h\"\n", 2),
        ("#define NAME <a.h>\n#define OTHER \"b.h\"\n#include NAME\n#include OTHER\n", 2),
        ("const char *x = \"/*\";\n#include \"a.h\"\nconst char *y = \"*/\";\n#include \"b.h\"\n", 2),
        ("// /*\n#include \"a.h\"\n// */\n#include \"b.h\"\n", 2),
        ("#import \"a.h\"\n", 1),
        ("#include_next <b.h>\n", 1),
    ] {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("sub")).unwrap();
        for header in ["a.h", "b.h", "sub/c.h"] {
            std::fs::write(directory.path().join(header), "").unwrap();
        }
        std::fs::write(directory.path().join("main.c"), text).unwrap();
        let mut command = Command::new(&*CC);
        command.args(["-M", "-w", "-trigraphs", "-I.", "main.c"]).current_dir(&directory);
        let rule = printed(&mut command).replace("\\\n", " ");
        let files = rule.split_whitespace().map(|file| file.trim_start_matches("./"));
        let included: BTreeSet<&str> = files.filter(|file| file.ends_with(".h") && !file.starts_with('/')).collect();
        assert_eq!(included.len(), headers, "{text}: {rule}");
        let found = names(text.as_bytes());
        assert!(included.iter().all(|header| found.contains(*header)), "{text}: {included:?}, but {found:?}");
    }
}
