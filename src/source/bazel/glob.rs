//! `glob()` of BUILD files (<https://bazel.build/reference/be/functions#glob>): `*` within a path element, `**` for any number of them.

/// A call of `glob()`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Glob {
    /// What files may match.
    pub include: Vec<String>,
    /// What they may not.
    pub exclude: Vec<String>,
    /// Whether directories match, too.
    pub directories: bool,
}

impl Glob {
    /// Whether a path of the package matches.
    pub fn matches(&self, path: &str) -> bool {
        let any = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, path));
        any(&self.include) && !any(&self.exclude)
    }

    /// Whether it can be said what matches: `?` isn't allowed.
    pub fn is_valid(&self) -> bool {
        self.include.iter().chain(&self.exclude).all(|pattern| !pattern.contains('?'))
    }
}

fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
    elements(&pattern, &path)
}

fn elements(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern, path) {
        ([], []) => true,
        (["**"], _) => true,
        (["**", rest @ ..], _) => (0..=path.len()).any(|skipped| elements(rest, &path[skipped..])),
        ([first, pattern @ ..], [name, path @ ..]) => element(first, name) && elements(pattern, path),
        _ => false,
    }
}

/// As Bazel's `UnixGlob.matches`: a dot at the beginning isn't matched by a star, unless the pattern is nothing but that.
fn element(pattern: &str, name: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|start| name.strip_prefix(start)) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(end) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns() {
        for (pattern, path, wanted) in [
            ("a.txt", "a.txt", true),
            ("*.txt", "a.txt", true),
            ("*.txt", "b/a.txt", false),
            ("*.txt", ".a.txt", false),
            ("*", ".a.txt", true),
            (".*", ".a.txt", true),
            ("**", "a/b/c", true),
            ("a/**", "a/b/c", true),
            ("a/**", "b/a/c", false),
            ("**/*.txt", "a.txt", true),
            ("**/*.txt", "a/b/c.txt", true),
            ("a/**/c", "a/c", true),
            ("a/**/c", "a/b/b/c", true),
            ("a/**/c", "a/b", false),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "ac", false),
            ("ab*bc", "abc", false),
            ("*a*", "a", true),
            ("*/b", "a/b", true),
        ] {
            assert_eq!(matches(pattern, path), wanted, "{pattern} {path}");
        }
    }
}
