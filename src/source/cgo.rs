//! `#cgo` lines: flags for C compilers, and names for pkg-config (`saveCgo` in `go/build`).

use crate::source::constraint::{self, Constraint};
use crate::source::context::BuildContext;
use crate::source::tree::clean;

/// What the `#cgo` lines of a package say for a build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CgoFlags {
    /// For the C compiler.
    pub cflags: Vec<String>,
    /// For the C preprocessor.
    pub cppflags: Vec<String>,
    /// For the C++ compiler.
    pub cxxflags: Vec<String>,
    /// For the Fortran compiler.
    pub fflags: Vec<String>,
    /// For the linker.
    pub ldflags: Vec<String>,
    /// Names for pkg-config.
    pub pkg_config: Vec<String>,
}

impl CgoFlags {
    /// Adds what lines of a file say; `directory` is where the package is on disk.
    ///
    /// # Errors
    ///
    /// The first malformed line, in Go's words without the file; what stands before it has been added.
    pub fn add(&mut self, lines: &[String], context: &BuildContext, directory: &str) -> Result<(), String> {
        lines.iter().try_for_each(|line| self.add_line(line, context, directory))
    }

    fn add_line(&mut self, line: &str, context: &BuildContext, directory: &str) -> Result<(), String> {
        let invalid = || format!("invalid #cgo line: {line}");
        let text = line.trim();
        let Some(rest) = text.strip_prefix("#cgo").filter(|rest| rest.starts_with([' ', '\t'])) else { return Ok(()) };
        if let [_, "nocallback" | "noescape", _] = text.split_whitespace().collect::<Vec<_>>()[..] {
            return Ok(());
        }
        let (head, arguments) = rest.trim().split_once(':').ok_or_else(invalid)?;
        let words: Vec<&str> = head.split_whitespace().collect();
        let Some((verb, conditions)) = words.split_last() else { return Err(invalid()) };
        if !conditions.is_empty() && !conditions.iter().any(|c| matches(c, context)) {
            return Ok(());
        }
        let mut arguments = split_quoted(arguments).ok_or_else(invalid)?;
        for argument in &mut arguments {
            *argument = expand(argument, directory).map_err(|argument| format!("malformed #cgo argument: {argument}"))?;
        }
        let list = match *verb {
            "CFLAGS" => &mut self.cflags,
            "CPPFLAGS" => &mut self.cppflags,
            "CXXFLAGS" => &mut self.cxxflags,
            "FFLAGS" => &mut self.fflags,
            "LDFLAGS" => &mut self.ldflags,
            "pkg-config" => &mut self.pkg_config,
            _ => return Err(format!("invalid #cgo verb: {line}")),
        };
        if *verb != "pkg-config" {
            make_absolute(&mut arguments, directory);
        }
        list.append(&mut arguments);
        Ok(())
    }
}

/// A condition is either a term of a `// +build` line or an expression of a `//go:build` line (`matchAuto`).
fn matches(condition: &str, context: &BuildContext) -> bool {
    let constraint: Option<Constraint> = match condition.contains(['&', '|', '(', ')']) {
        true => condition.parse().ok(),
        false => constraint::plus_build(&format!("// +build {condition}")),
    };
    constraint.is_some_and(|c| c.eval(&|tag| context.satisfies(tag)))
}

/// Puts the directory in the place of `${SRCDIR}`. The error is the argument, which has characters that a shell could misunderstand.
fn expand(argument: &str, directory: &str) -> Result<String, String> {
    const SAFE: &str = "+-.,/0123456789=ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz:$@%! ~^";
    let is_safe = |text: &str| text.chars().all(|c| !c.is_ascii() || SAFE.contains(c));
    let pieces: Vec<&str> = argument.split("${SRCDIR}").collect();
    let expanded = pieces.join(directory);
    let safe = pieces.iter().all(|piece| is_safe(piece)) && (pieces.len() == 1 || is_safe(directory));
    if safe && !expanded.is_empty() { Ok(expanded) } else { Err(expanded) }
}

/// Compilers don't run in the package's directory.
fn make_absolute(arguments: &mut [String], directory: &str) {
    let absolute = |path: &str| match path.starts_with('/') {
        true => path.to_owned(),
        false => clean(&format!("{directory}/{path}")),
    };
    let mut is_path = false;
    for argument in arguments {
        if is_path {
            *argument = absolute(argument);
            is_path = false;
        } else if argument == "-I" || argument == "-L" {
            is_path = true;
        } else if let Some(path) = argument.strip_prefix("-I").or_else(|| argument.strip_prefix("-L"))
            && !path.starts_with('/')
        {
            *argument = format!("{}{}", &argument[..2], absolute(path));
        }
    }
}

/// Words, of which either kind of quotes and backslashes may keep spaces; `None` when a quote isn't closed.
fn split_quoted(text: &str) -> Option<Vec<String>> {
    let (mut words, mut word) = (Vec::new(), String::new());
    let (mut escaped, mut quoted, mut quote) = (false, false, None);
    for c in text.chars() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
            continue;
        } else if let Some(open) = quote {
            if c == open {
                quote = None;
                continue;
            }
        } else if c == '"' || c == '\'' {
            (quoted, quote) = (true, Some(c));
            continue;
        } else if c.is_whitespace() {
            if quoted || !word.is_empty() {
                quoted = false;
                words.push(std::mem::take(&mut word));
            }
            continue;
        }
        word.push(c);
    }
    if quoted || !word.is_empty() {
        words.push(word);
    }
    (quote.is_none() && !escaped).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_may_be_quoted() {
        let words = |text| split_quoted(text).map(|words| words.join("|"));
        assert_eq!(words(r#" a b:"c d" 'e''f'  "g\"" "" "#).as_deref(), Some("a|b:c d|ef|g\"|"));
        assert_eq!(words("a 'b"), None);
        assert_eq!(words("a\\"), None);
    }

    #[test]
    fn lines_count_where_a_condition_holds() {
        let context = BuildContext {
            platform: "linux/amd64".parse().unwrap(),
            go: "1.27.3".parse().unwrap(),
            cgo: true,
            tags: std::collections::BTreeSet::new(),
            experiments: std::collections::BTreeSet::new(),
            external_link: None,
        };
        let mut flags = CgoFlags::default();
        let lines = [
            "#cgo CFLAGS: -DA=1 -I include -L.. -I${SRCDIR}/x",
            "#cgo windows CFLAGS: -DB",
            "#cgo windows linux,amd64 LDFLAGS: -lm",
            "#cgo (windows||linux)&&!cgo LDFLAGS: -lno",
            "#cgo pkg-config: gtk+-3.0",
            "#cgo noescape f",
        ];
        flags.add(&lines.map(str::to_owned), &context, "/d/p").unwrap();
        assert_eq!(flags.cflags, ["-DA=1", "-I", "/d/p/include", "-L/d", "-I/d/p/x"]);
        assert_eq!(flags.ldflags, ["-lm"]);
        assert_eq!(flags.pkg_config, ["gtk+-3.0"]);
        for (line, wrong) in [
            ("#cgo CFLAGS -x", "invalid #cgo line: #cgo CFLAGS -x"),
            ("#cgo X: -x", "invalid #cgo verb: #cgo X: -x"),
            ("#cgo LDFLAGS: `x`", "malformed #cgo argument: `x`"),
        ] {
            assert_eq!(flags.add(&[line.to_owned()], &context, "/d/p").unwrap_err(), wrong);
        }
    }
}
