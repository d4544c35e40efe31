//! The first sentence of a package comment (`doc.Synopsis` of `go/doc`), and as much of the syntax of doc comments
//! (<https://go.dev/doc/comment>) as decides how it is shown.

use crate::source::unicode::{is_digit, is_letter, is_punct, is_upper};

/// The first sentence of the text of a comment, on one line; empty where the text begins with no paragraph, or with a copyright notice.
pub fn synopsis(text: &str) -> String {
    let text = first_sentence(text);
    let lower = text.to_lowercase();
    if ["copyright", "all rights", "author"].iter().any(|prefix| lower.starts_with(prefix)) {
        return String::new();
    }
    let lines = unindent(text.split('\n').collect());
    let mut links: Vec<Link> = Vec::new();
    let mut blocks: Vec<(SpanKind, String)> = Vec::new();
    for span in spans(&lines) {
        let lines = &lines[span.start..span.end];
        match lines.iter().map(|line| link_definition(line)).collect::<Option<Vec<Link>>>() {
            Some(found) if span.kind == SpanKind::Paragraph => links.extend(found),
            _ => blocks.push((span.kind, lines.join("\n"))),
        }
    }
    let Some((SpanKind::Paragraph, first)) = blocks.first() else { return String::new() };
    let shown = linked_text(first, &mut links);
    // Links that later paragraphs use are shown below the first, too.
    blocks[1..]
        .iter()
        .filter(|(kind, _)| *kind == SpanKind::Paragraph)
        .for_each(|(_, text)| drop(linked_text(text, &mut links)));
    let mut sentence = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    if links.iter().any(|link| link.used) {
        sentence.push_str("\n\n");
        links.iter().filter(|link| link.used).for_each(|link| sentence.push_str(&format!("[{}]: {}\n", link.text, link.url)));
    }
    sentence.trim().to_owned()
}

/// Up to the first period that a space follows and that doesn't stand after a single upper-case letter.
fn first_sentence(text: &str) -> &str {
    let mut before = ['\0'; 3];
    for (at, char) in text.char_indices() {
        let char = if matches!(char, '\n' | '\r' | '\t') { ' ' } else { char };
        let [third, second, last] = before;
        if char == ' ' && last == '.' && (!is_upper(second) || is_upper(third)) || matches!(last, '。' | '．') {
            return &text[..at];
        }
        before = [second, last, char];
    }
    text
}

/// A definition `[text]: url`.
struct Link {
    text: String,
    url: String,
    used: bool,
}

fn link_definition(line: &str) -> Option<Link> {
    let (text, url) = line.strip_prefix('[')?.split_once("]:")?;
    let url = url.strip_prefix([' ', '\t']).filter(|url| !url.is_empty())?.trim();
    let (scheme, _) = url.split_once("://")?;
    is_scheme(scheme).then(|| Link { text: text.to_owned(), url: url.to_owned(), used: false })
}

fn is_scheme(text: &str) -> bool {
    matches!(text, "file" | "ftp" | "gopher" | "http" | "https" | "mailto" | "nntp")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SpanKind {
    Paragraph,
    Heading,
    List,
    Code,
}

struct Span {
    start: usize,
    end: usize,
    kind: SpanKind,
}

fn is_indented(line: &str) -> bool {
    line.starts_with([' ', '\t'])
}

fn is_list_item(line: &str) -> bool {
    let line = line.trim();
    let rest = match line.strip_prefix(['•', '*', '+', '-']) {
        Some(rest) => Some(rest),
        None => {
            let digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
            if digits.len() < line.len() { digits.strip_prefix(['.', ')']) } else { None }
        }
    };
    rest.is_some_and(|rest| is_indented(rest) && !rest.trim().is_empty())
}

/// Removes the indentation that all lines share, and blank lines at both ends; lines of spaces get empty.
fn unindent(mut lines: Vec<&str>) -> Vec<&str> {
    let trim = |lines: &mut Vec<&str>| {
        lines.drain(..lines.iter().take_while(|line| line.is_empty()).count());
        lines.truncate(lines.len() - lines.iter().rev().take_while(|line| line.is_empty()).count());
    };
    trim(&mut lines);
    let leading = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let Some(first) = lines.first().copied() else { return lines };
    let common = lines.iter().filter(|line| !line.is_empty()).fold(leading(first), |length, line| {
        let same = first.bytes().zip(line.bytes()).take_while(|(a, b)| a == b).count();
        length.min(same).min(leading(line))
    });
    let prefix = &first[..common];
    for line in &mut lines {
        *line = line.strip_prefix(prefix).unwrap_or(line);
        if line.trim().is_empty() {
            *line = "";
        }
    }
    trim(&mut lines);
    lines
}

/// Splits lines into blocks, with the leniency of Go for code and lists that aren't indented as they should be (`parseSpans`).
fn spans(lines: &[&str]) -> Vec<Span> {
    let mut spans = Vec::new();
    let (mut at, mut force_indent) = (0, 0);
    loop {
        at += lines[at..].iter().take_while(|line| line.is_empty()).count();
        if at >= lines.len() {
            return spans;
        }
        let start = at;
        let (end, kind) = if at < force_indent || is_indented(lines[at]) {
            indented_span(lines, start, force_indent)
        } else {
            let mut end = start + 1;
            end += lines[end..].iter().take_while(|line| !line.is_empty() && !is_indented(line)).count();
            if lines.get(end).is_some_and(|next| !next.is_empty() && !is_list_item(next)) {
                // What looks like the beginning of the list or code below is left to that.
                let unindented = end;
                let last = lines[end - 1];
                if is_list_item(last) {
                    end -= lines[start..end].iter().rev().take_while(|line| is_list_item(line)).count();
                    force_indent = unindented;
                } else if last.ends_with(['{', '\\']) {
                    end -= 1;
                    force_indent = unindented;
                }
                if start == end && force_indent > start {
                    continue;
                }
            }
            let single = end - start == 1;
            let heading = single && (is_heading(lines[start]) || is_old_heading(lines, start));
            (end, if heading { SpanKind::Heading } else { SpanKind::Paragraph })
        };
        spans.push(Span { start, end, kind });
        at = end;
    }
}

fn indented_span(lines: &[&str], start: usize, force_indent: usize) -> (usize, SpanKind) {
    let mut unindented_list = is_list_item(lines[start]) && start < force_indent;
    let mut at = start + 1;
    while let Some(line) = lines.get(at) {
        if !(line.is_empty() || at < force_indent || is_indented(line) || unindented_list && is_list_item(line)) {
            break;
        }
        unindented_list &= !line.is_empty();
        at += 1;
    }
    let mut end = at - lines[start..at].iter().rev().take_while(|line| line.is_empty()).count();
    // The last line of a function is often left where it was.
    if lines.get(end).is_some_and(|line| line.starts_with('}')) {
        end += 1;
    }
    (end, if is_list_item(lines[start]) { SpanKind::List } else { SpanKind::Code })
}

fn is_heading(line: &str) -> bool {
    line.starts_with("# ") && line.trim() != "#" || line.starts_with("#\t") && line.trim() != "#"
}

/// A heading of before Go 1.19: a line like a title, alone between blank lines, with a paragraph after it.
fn is_old_heading(lines: &[&str], at: usize) -> bool {
    let alone = at > 0 && lines[at - 1].is_empty() && lines.get(at + 1).is_some_and(|line| line.is_empty());
    if !alone || lines.get(at + 2).is_none_or(|line| is_indented(line)) {
        return false;
    }
    let line = lines[at].trim();
    let begins = line.starts_with(|c| is_letter(c) && is_upper(c));
    let ends = line.ends_with(|c| c != '_' && is_letter(c) || is_digit(c));
    let apostrophes = line.split('\'').skip(1).all(|rest| rest == "s" || rest.starts_with("s "));
    let periods = line.split('.').skip(1).all(|rest| !rest.is_empty() && !rest.starts_with(' '));
    begins && ends && !line.contains(|c| ";:!?+*/=[]{}_^°&§~%#@<\">\\".contains(c)) && apostrophes && periods
}

/// A paragraph as it is shown: links without their brackets, quotes as typographers set them.
fn linked_text(text: &str, links: &mut [Link]) -> String {
    let mut out = String::new();
    let (mut wrote, mut open) = (0, None);
    // What stands after the first open bracket.
    let mut name = String::new();
    for (at, char) in text.char_indices() {
        match char {
            '[' => open = Some(at),
            ']' => {
                let name = std::mem::take(&mut name);
                if let Some(start) = open.take() {
                    let inner = &text[start + 1..at];
                    let defined = links.iter_mut().find(|link| link.text == name);
                    let is_link = defined.is_some() || is_doc_link(inner, &text[..start], &text[at + 1..]);
                    if let Some(link) = defined {
                        link.used = true;
                    }
                    if is_link {
                        plain_text(&mut out, &text[wrote..start], true);
                        plain_text(&mut out, inner, false);
                        wrote = at + 1;
                    }
                }
            }
            _ if open.is_some() => name.push(if matches!(char, '\n' | '\t') { ' ' } else { char }),
            _ => {}
        }
    }
    plain_text(&mut out, &text[wrote..], true);
    out
}

/// Whether `[inner]` between this text is a link to a package or to what it declares.
fn is_doc_link(inner: &str, before: &str, after: &str) -> bool {
    let apart = |char: Option<char>| char.is_none_or(|c| is_punct(c) || matches!(c, ' ' | '\t' | '\n'));
    if !apart(before.chars().next_back()) || !apart(after.chars().next()) {
        return false;
    }
    let text = inner.strip_prefix('*').unwrap_or(inner);
    // Names of the package itself aren't known here.
    let package = match without_name(text) {
        Some(rest) => without_name(rest).unwrap_or(rest),
        None => text,
    };
    if package.contains('/') { is_import_path(package) } else { STD.contains(&package) }
}

/// What stands before `.Name`, or nothing before `Name`; `None` when the text ends with no exported name.
fn without_name(text: &str) -> Option<&str> {
    let (before, name) = text.rsplit_once('.').unwrap_or(("", text));
    let is_name = name.starts_with(is_upper) && name.chars().all(|c| is_letter(c) || c.is_ascii_digit());
    is_name.then_some(before)
}

fn is_import_path(path: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-.~_+".contains(&b);
    let element = |e: &str| !e.is_empty() && !e.starts_with('.') && !e.ends_with('.') && e.bytes().all(allowed);
    !path.starts_with('-') && path.split('/').all(element)
}

/// The packages of std whose import paths have one element (`stdPkgs` of `go/doc/comment`).
const STD: [&str; 41] = [
    "bufio", "bytes", "cmp", "context", "crypto", "embed", "encoding", "errors", "expvar", "flag", "fmt", "hash", "html",
    "image", "io", "iter", "log", "maps", "math", "mime", "net", "os", "path", "plugin", "reflect", "regexp", "runtime",
    "slices", "sort", "strconv", "strings", "structs", "sync", "syscall", "testing", "time", "unicode", "unique", "unsafe",
    "uuid", "weak",
];

/// Appends text with its quotes replaced, but not those in URLs if `urls` are looked for.
fn plain_text(out: &mut String, text: &str, urls: bool) {
    let mut at = 0;
    while let Some(char) = text[at..].chars().next() {
        let rest = &text[at..];
        let from = at;
        if let Some(length) = Some(rest).filter(|_| urls).and_then(url_length) {
            at += length;
        } else if let Some(length) = Some(identifier_length(rest)).filter(|length| urls && *length > 0) {
            at += length;
        } else if rest.starts_with("```") {
            // Where Go looks for more of them; it counts from the wrong place.
            at += 3;
            while at < rest.len() && rest.as_bytes()[at] == b'`' {
                at += 1;
            }
        } else if rest.starts_with("``") || rest.starts_with("''") {
            out.push(if char == '`' { '“' } else { '”' });
            at += 2;
            continue;
        } else {
            at += char.len_utf8();
        }
        let mut end = at.min(text.len());
        while !text.is_char_boundary(end) {
            end += 1;
        }
        out.push_str(&text[from..end]);
        at = end;
    }
}

/// The length of an identifier at the beginning of the text.
fn identifier_length(text: &str) -> usize {
    let is_part = |c: char| is_letter(c) || c.is_ascii_digit();
    if text.starts_with(|c: char| c.is_ascii_digit()) { 0 } else { text.find(|c| !is_part(c)).unwrap_or(text.len()) }
}

/// The length of a URL at the beginning of the text (`autoURL`).
fn url_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    if bytes.len() < 7 {
        return None;
    }
    let colon = (3..=6).find(|at| bytes[*at] == b':')?;
    if !bytes[colon..].starts_with(b"://") || !is_scheme(text.get(..colon)?) {
        return None;
    }
    let is_mark = |b: u8| b".,:;?!".contains(&b);
    let is_host = |b: u8| b.is_ascii_alphanumeric() || b"_@-.[]:".contains(&b);
    let is_path = |b: u8| b.is_ascii_alphanumeric() || b"$'()*+&#=@~_/-[]{}%".contains(&b);
    let host = colon + 3;
    bytes.get(host).filter(|b| is_host(**b) && !is_mark(**b))?;
    let host_end = bytes[host..].iter().position(|b| !is_host(*b)).map_or(bytes.len(), |length| host + length);
    let mut end = (host..host_end).rev().find(|at| !is_mark(bytes[*at])).map_or(host_end, |at| at + 1);
    let mut open = Vec::new();
    for (at, &byte) in bytes.iter().enumerate().skip(end) {
        if is_mark(byte) {
            continue;
        }
        match byte {
            b'(' => open.push(b')'),
            b'{' => open.push(b'}'),
            b'[' => open.push(b']'),
            b')' | b'}' | b']' if open.pop() != Some(byte) => break,
            _ if !is_path(byte) => break,
            _ => {}
        }
        if open.is_empty() {
            end = at + 1;
        }
    }
    Some(end)
}
