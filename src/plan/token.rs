//! Tokens: names in braces that stand for paths which each engine fills in; a literal brace is doubled.

use std::borrow::Cow;

use crate::error::{Error, Result};

/// The package's source directory.
pub const SRC: &str = "{src}";
/// The root of the tree that the source directory is in: the repository, a module or GOROOT.
pub const ROOT: &str = "{root}";
/// An empty scratch directory.
pub const OBJ: &str = "{obj}";
/// GOROOT.
pub const SDK: &str = "{sdk}";
/// GOROOT's directory of tools for the building machine.
pub const TOOL: &str = "{tool}";
/// The package's export data.
pub const X: &str = "{x}";
/// The package's object archive.
pub const O: &str = "{o}";
/// The package's header for C.
pub const H: &str = "{h}";
/// The executable.
pub const BIN: &str = "{bin}";

/// What the package's build ID depends on.
pub const ID: &str = "{id}";
/// The line of build IDs that names the experiments which differ from the SDK's usual ones, if any do.
pub const EXPERIMENTS: &str = "{experiments}";

/// The program that writes images.
pub const IMAGE: &str = "{image}";
/// The archive that it writes.
pub const OUT: &str = "{out}";

/// Doubles the braces of text that is not a token.
pub fn literal(text: &str) -> Cow<'_, str> {
    if text.contains(['{', '}']) { Cow::Owned(text.replace('{', "{{").replace('}', "}}")) } else { Cow::Borrowed(text) }
}

/// The export data of a dependency.
pub fn export_of(import_path: &str) -> String {
    format!("{{x:{import_path}}}")
}

/// The object archive of a dependency.
pub fn object_of(import_path: &str) -> String {
    format!("{{o:{import_path}}}")
}

/// What the build ID of a dependency depends on.
pub fn id_of(import_path: &str) -> String {
    format!("{{id:{import_path}}}")
}

/// What a tool says of its version.
pub fn version_of(tool: &str) -> String {
    format!("{{version:{tool}}}")
}

/// The executable that an image takes from a configuration.
pub fn binary_of(configuration: &str) -> String {
    format!("{{bin:{configuration}}}")
}

/// A file of the repository, by its path relative to the spec.
pub fn file_of(path: &str) -> String {
    format!("{{file:{path}}}")
}

/// How the name of a token begins that stands for the source directory of a dependency.
pub const SOURCE_OF: &str = "src:";

/// How the name of a token begins that stands for the root of a dependency's source tree.
pub const ROOT_OF: &str = "root:";

/// The root of the tree that a dependency's source directory is in.
pub fn root_of(import_path: &str) -> String {
    format!("{{{ROOT_OF}{import_path}}}")
}

/// The source directory of a dependency.
pub fn source_of(import_path: &str) -> String {
    format!("{{{SOURCE_OF}{import_path}}}")
}

/// Replaces the tokens of `text` by what `lookup` says; it gets the name between the braces.
///
/// # Errors
///
/// When a brace is unpaired or `lookup` doesn't know the token.
pub fn substitute(text: &str, lookup: impl Fn(&str) -> Option<String>) -> Result<String> {
    let broken = || Error::input(format!("`{}` has an unknown token or an unpaired brace", text.escape_debug()));
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let brace = &rest[at..=at];
        result.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            result.push_str(brace);
            rest = after;
        } else if brace == "{" {
            let end = rest.find('}').ok_or_else(broken)?;
            result.push_str(&lookup(&rest[..end]).ok_or_else(broken)?);
            rest = &rest[end + 1..];
        } else {
            return Err(broken());
        }
    }
    result.push_str(rest);
    Ok(result)
}

/// The names of the tokens in `text`.
pub fn names(text: &str) -> Vec<&str> {
    let (mut names, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find('{') {
        rest = &rest[at + 1..];
        match (rest.strip_prefix('{'), rest.find('}')) {
            (Some(after), _) => rest = after,
            (None, Some(end)) => {
                names.push(&rest[..end]);
                rest = &rest[end + 1..];
            }
            (None, None) => break,
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_tokens_and_no_doubled_braces() {
        assert_eq!(names("a{src}/{{no}} {x:a b}{o}{"), ["src", "x:a b", "o"]);
        assert_eq!(names(&format!("{}{}", literal("{x:a}"), export_of("b"))), ["x:b"]);
    }

    #[test]
    fn substitutes_once_and_keeps_doubled_braces() {
        let lookup = |name: &str| (name == "src").then(|| "/{obj}".to_owned());
        assert_eq!(substitute("a{src}b", lookup).unwrap(), "a/{obj}b");
        assert_eq!(substitute(&literal("x{src}}y{"), lookup).unwrap(), "x{src}}y{");
        assert!(substitute("{nope}", lookup).is_err());
        assert!(substitute("{src", lookup).is_err());
        assert!(substitute("}", lookup).is_err());
    }
}
