//! What C and assembly may include, as far as it can be seen without a preprocessor: rather too much than too little.

use std::collections::BTreeSet;

/// How C begins a directive: as itself, as a digraph, as a trigraph (C17, 6.4.6 and 5.2.1.1).
const DIRECTIVES: [&str; 3] = ["#", "%:", "??="];

/// Directives of GNU as, which C may hand on to it.
const ASSEMBLER: [&str; 2] = [".incbin", ".include"];

/// The relative names that a file of C, assembly, or Go with C in comments may include: whatever is quoted or in angle brackets on lines
/// with a directive, since macros can make up what is included; and everywhere if a directive of GNU as is in the file.
pub fn names(content: &[u8]) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(content);
    let assembles = ASSEMBLER.iter().any(|directive| text.contains(directive));
    let mut found = BTreeSet::new();
    for line in lines(&text) {
        if assembles || DIRECTIVES.iter().any(|directive| line.contains(directive)) {
            add_names(&line, &mut found);
        }
    }
    found
}

/// Lines as directives have them: one that ends in a backslash or within a comment goes on.
fn lines(text: &str) -> Vec<String> {
    let (mut lines, mut open, mut in_comment) = (Vec::new(), String::new(), false);
    for line in text.split('\n') {
        in_comment = ends_in_comment(line, in_comment);
        // GCC takes no notice of blanks after the backslash.
        if let Some(line) = line.trim_end().strip_suffix('\\') {
            open += line;
            continue;
        }
        open += line;
        match in_comment {
            true => open.push('\n'),
            false => lines.push(std::mem::take(&mut open)),
        }
    }
    lines.push(open);
    lines
}

fn ends_in_comment(line: &str, mut in_comment: bool) -> bool {
    let mut rest = line;
    while let Some((_, after)) = rest.split_once(if in_comment { "*/" } else { "/*" }) {
        (rest, in_comment) = (after, !in_comment);
    }
    in_comment
}

/// Adds what is between two quotes, whichever belong together, and between angle brackets.
fn add_names(line: &str, found: &mut BTreeSet<String>) {
    let quoted: Vec<&str> = line.split('"').collect();
    let inner = quoted.iter().skip(1).take(quoted.len().saturating_sub(2)).copied();
    let bracketed = line.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(name, _)| name);
    // In a string of C, the quotes around the name have backslashes.
    let names = inner.chain(bracketed).map(|name| name.trim_end_matches('\\'));
    found.extend(names.filter(|name| is_relative(name)).map(str::to_owned));
}

fn is_relative(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('/') && !name.contains(['\n', '\0'])
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn what_may_be_included_is_found() {
        for (content, wanted) in [
            ("#include \"a.h\"", &["a.h"][..]),
            ("/* x */ # /* y */ include /* z */ <a b.h> // c", &["a b.h"]),
            ("#\\\ninclude \\  \n\"a.h\"\r\n", &["a.h"]),
            ("#include /* more\nlines */ \"a.h\"\n", &["a.h"]),
            ("%:include \"a.h\"\n??=include \"b.h\"", &["a.h", "b.h"]),
            ("#define NAME <x/a.h>\n#include NAME", &["x/a.h"]),
            ("#if __has_include(\"a.h\")\n#embed \"b.bin\"\n#endif", &["a.h", "b.bin"]),
            ("// #include \"a.h\"\nimport \"C\"", &["a.h"]),
            ("asm(\".incbin \\\"a.bin\\\"\");", &["a.bin", ".incbin "]),
            ("asm(\".incbin \"\n    \"\\\"a.bin\\\"\");", &["a.bin"]),
            ("\t.include \"a.inc\"", &["a.inc"]),
            ("#include \"/usr/include/a.h\"\n#include \"\"\n#include <a", &[]),
            ("puts(\"a.h\");\nif (a < b || b > c) {}", &[]),
        ] {
            let found = names(content.as_bytes());
            let wanted: Vec<&str> = wanted.to_vec();
            assert!(wanted.iter().all(|name| found.contains(*name)), "{content}: {found:?}");
            assert!(!wanted.is_empty() || found.is_empty(), "{content}: {found:?}");
        }
    }
}
