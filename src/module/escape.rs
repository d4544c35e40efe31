//! Case escaping of module paths and versions, so that they stay distinct on file systems that ignore case.

/// `text` with each upper-case letter as `!` and the lower-case one (`golang.org/x/mod/module.EscapePath`).
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_uppercase() {
            escaped.push('!');
        }
        escaped.push(c.to_ascii_lowercase());
    }
    escaped
}

#[cfg(test)]
mod tests {
    #[test]
    fn upper_case_is_marked() {
        assert_eq!(super::escape("github.com/BurntSushi/toml"), "github.com/!burnt!sushi/toml");
        assert_eq!(super::escape("v1.0.0-RC1"), "v1.0.0-!r!c1");
    }
}
