//! Go's shell patterns (`path.Match`): `*`, `?`, `[…]` and `\` within one path element.

enum Item {
    Char(char),
    Any,
    Star,
    Class { negated: bool, ranges: Vec<(char, char)> },
}

/// A pattern for one path element.
pub struct Glob {
    items: Vec<Item>,
}

impl Glob {
    /// Parses a pattern; `None` when it is malformed.
    pub fn parse(pattern: &str) -> Option<Glob> {
        let mut items = Vec::new();
        let mut chars = pattern.chars().peekable();
        while let Some(c) = chars.next() {
            items.push(match c {
                '*' => Item::Star,
                '?' => Item::Any,
                '\\' => Item::Char(chars.next()?),
                '[' => class(&mut chars)?,
                c => Item::Char(c),
            });
        }
        Some(Glob { items })
    }

    /// Whether the whole of `name`, which has no slash, matches.
    pub fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        // Where to resume when a mismatch makes the last star take one character more.
        let (mut at, mut item, mut resume) = (0, 0, None);
        loop {
            match self.items.get(item) {
                Some(Item::Star) => {
                    resume = Some((at, item + 1));
                    item += 1;
                    continue;
                }
                Some(i) if at < name.len() && i.accepts(name[at]) => {
                    at += 1;
                    item += 1;
                    continue;
                }
                None if at == name.len() => return true,
                _ => {}
            }
            match resume {
                Some((start, after)) if start < name.len() => {
                    resume = Some((start + 1, after));
                    (at, item) = (start + 1, after);
                }
                _ => return false,
            }
        }
    }
}

impl Item {
    fn accepts(&self, c: char) -> bool {
        match self {
            Item::Char(own) => *own == c,
            Item::Any => true,
            Item::Star => false,
            Item::Class { negated, ranges } => ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated,
        }
    }
}

/// A character class, after its opening bracket.
fn class(chars: &mut std::iter::Peekable<std::str::Chars>) -> Option<Item> {
    let negated = chars.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    while ranges.is_empty() || chars.next_if_eq(&']').is_none() {
        let low = class_char(chars)?;
        let high = if chars.next_if_eq(&'-').is_some() { class_char(chars)? } else { low };
        ranges.push((low, high));
    }
    Some(Item::Class { negated, ranges })
}

fn class_char(chars: &mut std::iter::Peekable<std::str::Chars>) -> Option<char> {
    match chars.next()? {
        '-' | ']' => None,
        '\\' => chars.next(),
        c => Some(c),
    }
}

/// Whether a pattern has anything but literal characters.
pub fn has_meta(pattern: &str) -> bool {
    pattern.contains(['*', '?', '[', '\\'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_as_path_match_does() {
        // From path/match_test.go.
        for (pattern, name, matches) in [
            ("abc", "abc", true),
            ("*", "abc", true),
            ("*c", "abc", true),
            ("a*", "a", true),
            ("a*b*c*d*e*", "axbxcxdxexxx", true),
            ("a*b?c*x", "abxbbxdbxebxczzx", true),
            ("a*b?c*x", "abxbbxdbxebxczzy", false),
            ("ab[c]", "abc", true),
            ("ab[b-d]", "abc", true),
            ("ab[e-g]", "abc", false),
            ("ab[^c]", "abc", false),
            ("ab[^e-g]", "abc", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "ab", false),
            ("a?b", "a☺b", true),
            ("a[^a]b", "a☺b", true),
            ("[a-ζ]*", "α", true),
            ("*[a-ζ]", "A", false),
            ("[\\]a]", "]", true),
            ("[x\\-]", "-", true),
            ("[\\-x]", "z", false),
            ("*x", "xxx", true),
            ("", "", true),
        ] {
            assert_eq!(Glob::parse(pattern).unwrap().matches(name), matches, "{pattern} {name}");
        }
        for bad in ["[", "[^", "[^bc", "a[", "a\\", "[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]"] {
            assert!(Glob::parse(bad).is_none(), "{bad}");
        }
    }
}
