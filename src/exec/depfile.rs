//! Files in which C compilers and linkers name what they have read: rules of Make (`gcc -MD`, `ld --dependency-file`).

/// The names in the first rule; what comes after it, rules without prerequisites, says nothing new.
///
/// As GCC writes them: `\` before a space or `#` is left out, `$$` is `$`, and `\` at the end of a line continues it.
pub fn parse(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let (mut name, mut in_target) = (String::new(), true);
    let mut rest = text.chars().peekable();
    let mut finish = |name: &mut String, in_target: bool| {
        let name = std::mem::take(name);
        if !name.is_empty() && !in_target {
            names.push(name);
        }
    };
    while let Some(c) = rest.next() {
        match (c, rest.peek()) {
            ('\\', Some('\n')) => {
                rest.next();
                finish(&mut name, in_target);
            }
            ('\\', Some(' ' | '#')) | ('$', Some('$')) => name.extend(rest.next()),
            (':', None | Some(' ' | '\t' | '\n' | '\\')) if in_target => {
                name.clear();
                in_target = false;
            }
            ('\n', _) if in_target => name.clear(),
            ('\n', _) => break,
            (' ' | '\t' | '\r', _) => finish(&mut name, in_target),
            (c, _) => name.push(c),
        }
    }
    finish(&mut name, in_target);
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_was_read() {
        assert_eq!(
            parse("_x001.o: a.c /usr/include/stdio.h \\\n ../b\\ c.h d$$e.h\n\nfoo.h:\n"),
            ["a.c", "/usr/include/stdio.h", "../b c.h", "d$e.h"]
        );
        assert_eq!(parse("/tmp/a: \\\n  crt1.o \\\n  c:/x/libc.a\n\ncrt1.o:\n\nc:/x/libc.a:\n"), ["crt1.o", "c:/x/libc.a"]);
        assert_eq!(parse("a.o:\n"), [""; 0]);
        assert_eq!(parse("a b\n"), [""; 0]);
        assert_eq!(parse(""), [""; 0]);
        assert_eq!(parse("a: b\\"), ["b\\"]);
    }
}
