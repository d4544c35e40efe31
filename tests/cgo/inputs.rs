//! What C compilers and linkers read from outside of a package is an input of it.

use std::process::Command;

use crate::{Project, printed, with_compilers};

const SPEC: &str = "go_sdk(version = \"1.27.3\")\nplatforms(\"linux/amd64\")\nprofile(\"default\", cgo = True)\n";

const MAIN: &str = r#"package main

// #cgo CPPFLAGS: -I${SRCDIR}/first -I${SRCDIR}/second
// #cgo LDFLAGS: ${SRCDIR}/lib/libnumber.a
// #include "number.h"
// int number(void);
import "C"

func main() { println(C.NUMBER, C.number()) }
"#;

struct Built(Project);

impl Built {
    fn new() -> Built {
        let files = [
            ("godirect.star", SPEC),
            ("go.mod", "module example.com/p\n\ngo 1.27\n"),
            ("main.go", MAIN),
            ("second/number.h", "#define NUMBER 1\n"),
        ];
        let project = with_compilers(Project::new(&files).with_user_cache());
        let built = Built(project);
        built.library(1);
        built.0.succeeds(&["lock"]);
        built
    }

    /// Writes the library that the package links.
    fn library(&self, number: u32) {
        let root = self.0.root();
        self.0.write("lib/number.c", &format!("int number(void) {{ return {number}; }}\n"));
        printed(Command::new("gcc").args(["-c", "-o", "number.o", "number.c"]).current_dir(root.join("lib")));
        let _ = std::fs::remove_file(root.join("lib/libnumber.a"));
        printed(Command::new("ar").args(["-rcD", "libnumber.a", "number.o"]).current_dir(root.join("lib")));
    }

    /// Builds; what the program prints, and why packages and binaries were built again.
    #[track_caller]
    fn run(&self) -> (String, Vec<String>) {
        let text = self.0.succeeds(&["build", "--explain"]);
        let reasons = text.lines().filter(|line| line.contains(" for linux_amd64: ") && line.contains("p for"));
        let reasons = reasons.map(|line| line.trim_start_matches(' ').to_owned()).collect();
        (printed(&mut Command::new(self.0.root().join("godirect-out/linux_amd64/p"))), reasons)
    }
}

#[test]
fn what_compilers_and_linkers_read_is_an_input() {
    let built = Built::new();
    assert_eq!(built.run().0, "1 1\n");
    assert_eq!(built.run(), ("1 1\n".to_owned(), Vec::new()));

    built.0.write("second/number.h", "#define NUMBER 2\n");
    let (printed, reasons) = built.run();
    assert_eq!(printed, "2 1\n");
    assert!(reasons.iter().any(|reason| reason.ends_with("second/number.h changed")), "{reasons:#?}");

    built.library(2);
    let (printed, reasons) = built.run();
    assert_eq!(printed, "2 2\n");
    assert!(reasons.iter().any(|reason| reason.contains("libnumber.a changed")), "{reasons:#?}");

    // What was built before is taken from the cache.
    built.0.write("second/number.h", "#define NUMBER 1\n");
    built.library(1);
    assert_eq!(built.run().0, "1 1\n");

    // A header that comes before one that was read.
    built.0.write("first/number.h", "#define NUMBER 3\n");
    assert_eq!(built.run().0, "3 1\n");
}
