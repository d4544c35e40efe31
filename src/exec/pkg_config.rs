//! What pkg-config says of libraries (`getPkgConfigFlags` in `cmd/go/internal/work/exec.go`).

use std::collections::BTreeMap;
use std::path::Path;

use super::c::find_program;
use super::{Sources, process};
use crate::error::{Error, Result};
use crate::plan::cgo::Needs;
use crate::plan::cgo::compiler::PkgConfig;
use crate::plan::token;

/// Asks pkg-config, as the go command does: in the package's directory, options first.
pub(super) fn pkg_config(need: &Needs, sources: &Sources, goroot: &Path, env: &BTreeMap<String, String>) -> Result<PkgConfig> {
    let explained = |error: Error| {
        let written = need.pkg_config.join(" ");
        let help = "install the development files of the library, or build without C: `cgo = False`";
        error.context(format!("package {} has `#cgo pkg-config: {written}`", need.package)).help(help)
    };
    let program = env.get("PKG_CONFIG").map_or("pkg-config", String::as_str);
    let path = find_program(program, env).map_err(explained)?;
    let (directory, root) = (sources.dir(&need.source, goroot)?, sources.root_of(&need.source, goroot)?);
    let lookup = |token: &str| (token == "root").then(|| root.display().to_string());
    let arguments = need.pkg_config.iter().filter(|argument| *argument != "--");
    let arguments = arguments.map(|argument| token::substitute(argument, lookup)).collect::<Result<Vec<String>>>()?;
    let (options, names): (Vec<&str>, Vec<&str>) = arguments.iter().map(String::as_str).partition(|a| a.starts_with("--"));
    let ask = |what: &str| -> Result<Vec<String>> {
        let arguments = [&[what], &options[..], &["--"], &names[..]].concat();
        let output = process::output(&path, &arguments, &directory, env).map_err(explained)?;
        if !output.success {
            return Err(explained(Error::environment(format!("{program} fails:\n{}", output.text().trim_end()))));
        }
        split(output.stdout.trim()).map_err(|why| explained(Error::environment(why)))
    };
    Ok(PkgConfig { cflags: ask("--cflags")?, libs: ask("--libs")? })
}

/// Words as a shell splits them, without anything that a shell would expand (`splitPkgConfigOutput`).
///
/// # Errors
///
/// Go's message.
pub fn split(text: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut is_word) = (Vec::new(), String::new(), false);
    let (mut quote, mut escaped) = (None, false);
    for c in text.chars() {
        match (quote, c) {
            _ if escaped => {
                escaped = false;
                if quote == Some('"') && !matches!(c, '$' | '`' | '"' | '\\' | '\n') {
                    word.push('\\');
                }
                // A continued line.
                if c != '\n' {
                    word.push(c);
                }
            }
            (Some(open), c) if c == open => quote = None,
            (Some('\''), c) => word.push(c),
            (Some(_), c) if !matches!(c, '`' | '$' | '\\') => word.push(c),
            (_, '|' | '&' | ';' | '<' | '>' | '(' | ')' | '$' | '`') => {
                return Err(format!("unexpected shell character {c:?} in pkgconf output"));
            }
            (_, '\\') => escaped = true,
            (None, '"' | '\'') => (quote, is_word) = (Some(c), true),
            (None, ' ' | '\t' | '\n') => {
                if is_word || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                is_word = false;
            }
            (_, c) => word.push(c),
        }
    }
    if quote.is_some() {
        return Err("unterminated quoted string in pkgconf output".to_owned());
    }
    if escaped {
        return Err("broken character escaping in pkgconf output".to_owned());
    }
    if is_word || !word.is_empty() {
        words.push(word);
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_as_a_shell() {
        let words = |text| split(text).map(|words| words.join("|"));
        assert_eq!(words("-I/a -L/b\\ c '-D x' \"-Dy=\\\"z\\\"\" ''").unwrap(), "-I/a|-L/b c|-D x|-Dy=\"z\"|");
        assert_eq!(words("\"a\\b\" 'c\\d'").unwrap(), "a\\b|c\\d");
        assert_eq!(words("").unwrap(), "");
        assert_eq!(words("-I$(pwd)").unwrap_err(), "unexpected shell character '$' in pkgconf output");
        assert_eq!(words("\"a").unwrap_err(), "unterminated quoted string in pkgconf output");
        assert_eq!(words("a\\").unwrap_err(), "broken character escaping in pkgconf output");
    }
}
