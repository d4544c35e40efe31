//! What a checksum database says: tree heads and records (`golang.org/x/mod/sumdb/tlog`, note.go).

use crate::digest::{H1, TreeHash};

/// What tells that a note is a database's tree head.
const HEAD: &str = "go.sum database tree\n";

/// The state of a database: how many records it has, and the hash of their tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeHead {
    /// The number of records.
    pub size: u64,
    /// The hash of the whole tree.
    pub root: TreeHash,
}

impl TreeHead {
    /// Reads the text of a tree head's note; lines after the third are for later versions of the format.
    pub fn parse(text: &str) -> Option<TreeHead> {
        let mut lines = text.strip_prefix(HEAD)?.split_inclusive('\n').map(|line| line.strip_suffix('\n'));
        let size = number(lines.next()??)?;
        let root = lines.next()??.parse().ok()?;
        Some(TreeHead { size, root })
    }
}

/// The answer to a lookup: a record's number and text, and the note that the database has signed.
///
/// Nothing is proven here: not that the text is that record's, nor that it is about the module that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Where the record is in the log, from 0.
    pub id: u64,
    /// Lines as in go.sum, each with its end.
    pub text: &'a str,
    /// What follows: the note of a tree head.
    pub note: &'a str,
}

impl Record<'_> {
    /// Reads a lookup's answer.
    pub fn parse(answer: &str) -> Option<Record<'_>> {
        let (id, rest) = answer.split_once('\n')?;
        let end = rest.find("\n\n")?;
        let (text, note) = (&rest[..=end], &rest[end + 2..]);
        let record = Record { id: number(id)?, text, note };
        if is_text(text) { Some(record) } else { None }
    }
}

/// Whether a record may have this text: lines without control characters, none of them empty but perhaps the first.
fn is_text(text: &str) -> bool {
    text.ends_with('\n') && !text.contains("\n\n") && text.chars().all(|c| c >= ' ' || c == '\n')
}

/// The `h1:` hash that a record's text has for a module; the version may end in `/go.mod`. `None` when there is none, and
/// when there are several that differ.
pub fn hash_in(text: &str, path: &str, version: &str) -> Option<H1> {
    let line = |line: &str| match line.split(' ').collect::<Vec<_>>().as_slice() {
        [p, v, hash] if *p == path && *v == version => hash.parse::<H1>().ok(),
        _ => None,
    };
    let mut hashes = text.split('\n').filter_map(line);
    let first = hashes.next()?;
    if hashes.all(|hash| hash == first) { Some(first) } else { None }
}

/// A number in its only spelling, so that two answers with the same meaning are the same text. At most 2⁶³-1.
fn number(text: &str) -> Option<u64> {
    let canonical = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if canonical { text.parse().ok().filter(|n| *n <= i64::MAX as u64) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "i/47wIAMOilgNhOrV2EcYgX2bQrKd0NLTxkgv0yNjLA=";

    #[test]
    fn tree_heads() {
        let head = TreeHead { size: 70_835_252, root: ROOT.parse().unwrap() };
        let text = format!("go.sum database tree\n70835252\n{ROOT}\n");
        assert_eq!(TreeHead::parse(&text), Some(head));
        assert_eq!(TreeHead::parse(&format!("{text}later\n\nversions\n")), Some(head));
        for bad in [
            "",
            "go.sum database tree\n",
            "go.sum database tree\n1\n",
            text.trim_end(),
            &text.replace("tree\n", "tree v2\n"),
            &text.replace("708", "+708"),
            &text.replace("708", "-708"),
            &text.replace("708", "0708"),
            &text.replace("70835252", "9223372036854775808"),
            &text.replace("70835252", ""),
            &text.replace("i/47", "i47"),
            &text.replace("LA=", "LA"),
        ] {
            assert_eq!(TreeHead::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn records() {
        let answer = "12\na v1.0.0 h1:x\nb\n\nnote\n\n— a b\n";
        let record = Record { id: 12, text: "a v1.0.0 h1:x\nb\n", note: "note\n\n— a b\n" };
        assert_eq!(Record::parse(answer), Some(record));
        for bad in ["", "1", "1\n", "1\n\n", "1\na", "1\na\n", "-1\na\n\n", "01\na\n\n", "x\na\n\n", "1\na\tb\n\n"] {
            assert_eq!(Record::parse(bad), None, "{bad:?}");
        }
        assert_eq!(Record::parse("0\na\n\n"), Some(Record { id: 0, text: "a\n", note: "" }));
        assert_eq!(Record::parse("1\n\n\n"), Some(Record { id: 1, text: "\n", note: "" }));
    }

    #[test]
    fn hashes_are_those_of_the_asked_module() {
        let (one, other) = (format!("h1:{ROOT}"), "h1:r0ub+FnqzZxoWm/dSUOI9DcIqYWn/mNYGFJcv7PyBzs=");
        let text = format!("a v1.0.0 {one}\na v1.0.0/go.mod {other}\na v1.0.0 h2:later\nab v1.0.0 {other}\n");
        assert_eq!(hash_in(&text, "a", "v1.0.0"), Some(one.parse().unwrap()));
        assert_eq!(hash_in(&text, "a", "v1.0.0/go.mod"), Some(other.parse().unwrap()));
        assert_eq!(hash_in(&text, "b", "v1.0.0"), None);
        assert_eq!(hash_in(&text, "a", "v1.0"), None);
        assert_eq!(hash_in(&format!("a v1.0.0  {one}\na v1.0.1 {one} x\n"), "a", "v1.0.0"), None);
        assert_eq!(hash_in(&format!("{text}a v1.0.0 {other}\n"), "a", "v1.0.0"), None);
    }
}
