//! What an SDK's source says of how it is built: the oldest SDK that can compile it, and its GOEXPERIMENT flags.

use std::path::Path;

use crate::error::Result;
use crate::name::GoVersion;
use crate::source::token::{Kind, Lexer};
use crate::source::tree::read;

use super::{source, string, unknown_shape};

const BUILD_TOOL: &str = "cmd/dist/buildtool.go";
const FLAGS: &str = "internal/goexperiment/flags.go";
const LINKER: &str = "cmd/link/internal/ld/main.go";

/// The oldest SDK that can compile this one (`minBootstrap` in `cmd/dist/buildtool.go`).
///
/// # Errors
///
/// When the file can't be read, or isn't of the shape known from Go 1.21 to 1.27.
pub fn minimum_bootstrap(goroot: &Path) -> Result<GoVersion> {
    let content = read(&source(goroot), BUILD_TOOL)?;
    let text = after_words(&content, &["const", "minBootstrap"]).map_err(|at| unknown_shape(BUILD_TOOL, &content, at))?;
    text.strip_prefix("go").unwrap_or(&text).parse()
}

/// The value of `WORDS = "value"`. The error is an offset.
fn after_words(content: &[u8], words: &[&str]) -> std::result::Result<String, usize> {
    let mut lexer = Lexer::new(content);
    let mut matched = 0;
    loop {
        let token = lexer.next_significant();
        matched = match words.get(matched) {
            Some(word) if token.is_word(word) => matched + 1,
            None if token.is_operator("=") => return string(&lexer.next_significant()),
            _ => usize::from(token.is_word(words[0])),
        };
        if token.kind == Kind::End {
            return Err(token.start);
        }
    }
}

/// All GOEXPERIMENT flags that the SDK knows, lower case, in the order in which it prints them (`internal/goexperiment.Flags`).
///
/// # Errors
///
/// When the file can't be read, or has no such type.
pub fn known_experiments(goroot: &Path) -> Result<Vec<String>> {
    let content = read(&source(goroot), FLAGS)?;
    flags(&content).map_err(|at| unknown_shape(FLAGS, &content, at))
}

/// The fields of `type Flags struct { A, B bool; … }`. The error is an offset.
fn flags(content: &[u8]) -> std::result::Result<Vec<String>, usize> {
    let mut lexer = Lexer::new(content);
    while !(lexer.next_significant().is_word("Flags") && lexer.peek_significant().is_word("struct")) {
        if lexer.peek_significant().kind == Kind::End {
            return Err(content.len());
        }
    }
    lexer.next_significant();
    let mut found = Vec::new();
    loop {
        let token = lexer.next_significant();
        if token.is_operator("}") {
            return Ok(found);
        }
        if token.kind == Kind::Ident && !token.is_word("bool") {
            found.push(String::from_utf8_lossy(token.text).to_ascii_lowercase());
        } else if !(token.is_operator("{") || token.is_operator(",") || token.is_word("bool") || token.kind == Kind::Semicolon)
        {
            return Err(token.start);
        }
    }
}

/// What stands between the version and `X:` with the experiments in `runtime.Version`: `-` since Go 1.26 and in newer patch
/// releases of the two before (go.dev/issue/75953), a space in older ones.
///
/// # Errors
///
/// When the linker's source can't be read.
pub fn experiment_separator(goroot: &Path) -> Result<char> {
    let content = read(&source(goroot), LINKER)?;
    let hyphen = content.windows(b"sep = \"-\"".len()).any(|window| window == b"sep = \"-\"");
    Ok(if hyphen { '-' } else { ' ' })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_shapes_of_known_versions() {
        let build_tool = b"package main\n\nvar a = minBootstrap\n\nconst minBootstrap = \"go1.24.6\"\n";
        assert_eq!(after_words(build_tool, &["const", "minBootstrap"]), Ok("go1.24.6".to_owned()));
        assert!(after_words(b"const other = 1", &["const", "minBootstrap"]).is_err());
        let types = b"package goexperiment\n\n// Flags is\ntype Flags struct {\n\tFieldTrack bool\n\tA, B bool // x\n\n\t// y\n\tC bool\n}\n";
        assert_eq!(flags(types).unwrap(), ["fieldtrack", "a", "b", "c"]);
        assert!(flags(b"type Flags struct { A int = 3 }").is_err());
        assert!(flags(b"package x").is_err());
    }
}
