//! The string literals of Starlark, also of what doesn't parse.

/// The values of all string literals of a text, but for those with escapes, which no label has.
pub fn strings(text: &str) -> Vec<&str> {
    let (mut found, mut at) = (Vec::new(), 0);
    let bytes = text.as_bytes();
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'#' => at = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |end| at + end),
            b'"' | b'\'' => {
                let quote = if bytes[at..].starts_with(&[byte; 3]) { 3 } else { 1 };
                let start = at + quote;
                let end = end(bytes, start, &vec![byte; quote]);
                found.extend(text.get(start..end).filter(|value| !value.contains('\\')));
                at = end + quote;
            }
            _ => at += 1,
        }
    }
    found
}

/// Where a literal ends whose content begins at `at`.
fn end(bytes: &[u8], mut at: usize, quote: &[u8]) -> usize {
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            _ if bytes[at..].starts_with(quote) => return at,
            b'\n' if quote.len() == 1 => return at,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// Whether a text has a word that isn't a part of another one.
pub fn has_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|part| part == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_found() {
        let text = "x = [\"a\", 'b', \"\"\"c\"d\"\"\"] # \"e\"\ny = \"f\\\"g\" + \"h\nz = 'i'";
        assert_eq!(strings(text), ["a", "b", "c\"d", "h", "i"]);
        assert_eq!(strings("'"), [""]);
        assert_eq!(strings("\"\\"), [""; 0]);
        assert!(has_word("a(SRCS)", "SRCS") && !has_word("a(MY_SRCS)", "SRCS"));
    }
}
