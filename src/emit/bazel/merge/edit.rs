//! Changes of text that leave the rest as it is: elements between brackets, and ranges of a file.

use std::ops::Range;

use crate::source::build_file::{BuildFile, Element};

/// What becomes of an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Stay,
    Become(String),
    Go,
}

/// An element with what becomes of it.
pub(super) struct Slot {
    span: Range<usize>,
    above: usize,
    fate: Fate,
}

impl Slot {
    pub(super) fn goes(&self) -> bool {
        self.fate == Fate::Go
    }

    pub(super) fn new<T>(element: &Element<T>, fate: Fate) -> Slot {
        Slot { span: element.span.clone(), above: element.above, fate }
    }
}

/// Replaces ranges of a text, which don't overlap.
pub(super) fn splice(text: &str, mut edits: Vec<(Range<usize>, String)>) -> String {
    edits.sort_by_key(|(range, _)| range.start);
    let mut made = String::with_capacity(text.len());
    let mut from = 0;
    for (range, new) in edits {
        made.push_str(&text[from..range.start]);
        made.push_str(&new);
        from = range.end;
    }
    made + &text[from..]
}

/// What a line begins with: the space before its code.
pub(super) fn indent_at(text: &str, at: usize) -> &str {
    let line = &text[line_start(text, at)..];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

pub(super) fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |i| i + 1)
}

/// The place after the next line end, or the end of the text.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |i| at + i + 1)
}

/// Whether nothing but a comment shares lines with a statement.
pub(super) fn has_own_lines(text: &str, span: &Range<usize>) -> bool {
    let after = text[span.end..line_end(text, span.end)].trim();
    text[line_start(text, span.start)..span.start].trim().is_empty() && (after.is_empty() || after.starts_with('#'))
}

/// Text with all lines but the first deeper by `indent`.
pub(super) fn deepen(text: &str, indent: &str) -> String {
    text.replace('\n', &format!("\n{indent}"))
}

/// The text between `brackets` (both included), with `inserts` before the element of their number, sorted by that, whose lines
/// are printed as if they began without indentation.
///
/// Elements with a line of their own go with it, and with the comments right above. What is on one line becomes one element a line when
/// something is added, as buildifier has it.
pub(super) fn rewrite(file: &BuildFile, brackets: &Range<usize>, slots: &[Slot], inserts: &[(usize, String)]) -> String {
    let text = &file.text;
    let (open, close) = (&text[brackets.start..=brackets.start], &text[brackets.end - 1..brackets.end]);
    let is_one_line = !text[brackets.clone()].contains('\n');
    if is_one_line && (!inserts.is_empty() || slots.iter().any(|slot| slot.fate == Fate::Go)) {
        let elements = on_one_line(text, slots, inserts);
        return match elements.as_slice() {
            [] => format!("{open}{close}"),
            _ if inserts.is_empty() => format!("{open}{}{close}", elements.join(", ")),
            [element] if open == "[" => format!("{open}{element}{close}"),
            elements => {
                let indent = indent_at(text, brackets.start);
                let deeper = format!("{indent}    ");
                let lines: String = elements.iter().map(|e| format!("{deeper}{},\n", deepen(e, "    "))).collect();
                format!("{open}\n{lines}{indent}{close}")
            }
        };
    }
    splice(&text[brackets.clone()], edits(file, brackets, slots, inserts))
}

fn on_one_line(text: &str, slots: &[Slot], inserts: &[(usize, String)]) -> Vec<String> {
    let mut elements = Vec::new();
    for (i, slot) in slots.iter().enumerate() {
        elements.extend(inserts.iter().filter(|(at, _)| *at == i).map(|(_, new)| new.clone()));
        match &slot.fate {
            Fate::Stay => elements.push(text[slot.span.clone()].to_owned()),
            Fate::Become(new) => elements.push(new.clone()),
            Fate::Go => {}
        }
    }
    elements.extend(inserts.iter().filter(|(at, _)| *at >= slots.len()).map(|(_, new)| new.clone()));
    elements
}

/// The edits of brackets over several lines, relative to the opening one.
fn edits(
    file: &BuildFile,
    brackets: &Range<usize>,
    slots: &[Slot],
    inserts: &[(usize, String)],
) -> Vec<(Range<usize>, String)> {
    let text = &file.text;
    let own_line = |slot: &Slot| text[line_start(text, slot.span.start)..slot.span.start].trim().is_empty();
    let indent = match slots.iter().find(|slot| own_line(slot)) {
        Some(slot) => indent_at(text, slot.span.start).to_owned(),
        None => format!("{}    ", indent_at(text, brackets.start)),
    };
    let mut made: Vec<(Range<usize>, String)> = Vec::new();
    let last = slots.iter().rposition(|slot| slot.fate != Fate::Go);
    for (i, slot) in slots.iter().enumerate() {
        let start = if own_line(slot) { line_start(text, slot.above) } else { slot.span.start };
        let new: String = inserts
            .iter()
            .filter(|(at, _)| *at == i)
            .map(|(_, new)| deepen(new, &indent))
            .map(|new| if own_line(slot) { format!("{indent}{new},\n") } else { format!("{new}, ") })
            .collect();
        let replaced = match &slot.fate {
            Fate::Go => start..territory_end(file, slot, brackets.end - 1),
            Fate::Stay | Fate::Become(_) => start..start,
        };
        if !new.is_empty() || !replaced.is_empty() {
            made.push((replaced, new));
        }
        if let Fate::Become(new) = &slot.fate {
            made.push((slot.span.clone(), new.clone()));
        }
    }
    let appended: Vec<&String> = inserts.iter().filter(|(at, _)| *at >= slots.len()).map(|(_, new)| new).collect();
    if !appended.is_empty() {
        let lines: String = appended.iter().map(|new| format!("{indent}{},\n", deepen(new, &indent))).collect();
        made.extend(append(file, brackets, last.map(|i| &slots[i]), lines));
    }
    for (range, _) in &mut made {
        *range = range.start - brackets.start..range.end - brackets.start;
    }
    made
}

/// Puts whole lines before the closing bracket, and a comma after the last element that stays.
fn append(file: &BuildFile, brackets: &Range<usize>, last: Option<&Slot>, lines: String) -> Vec<(Range<usize>, String)> {
    let text = &file.text;
    let close = brackets.end - 1;
    let mut made = Vec::new();
    if let Some(slot) = last
        && comma_after(file, slot.span.end).is_none()
    {
        made.push((slot.span.end..slot.span.end, ",".to_owned()));
    }
    let closes_line = text[line_start(text, close)..close].trim().is_empty();
    let (at, new) = match closes_line {
        true => (line_start(text, close), lines),
        false => (close, format!("\n{lines}{}", indent_at(text, brackets.start))),
    };
    made.push((at..at, new));
    made
}

/// Where an element's line ends, or else what separates it from the next one.
fn territory_end(file: &BuildFile, slot: &Slot, close: usize) -> usize {
    let text = &file.text;
    let after = comma_after(file, slot.span.end).map_or(slot.span.end, |comma| comma + 1);
    let rest = &text[after..line_end(text, after)];
    let has_own_line = text[line_start(text, slot.span.start)..slot.span.start].trim().is_empty();
    match rest.trim_start() {
        rest if has_own_line && (rest.is_empty() || rest.starts_with('#')) => line_end(text, after).min(close),
        _ => after + rest.len() - rest.trim_start_matches([' ', '\t']).len(),
    }
}

/// The comma that follows, with nothing but space and comments before it.
fn comma_after(file: &BuildFile, mut at: usize) -> Option<usize> {
    loop {
        let rest = &file.text[at..];
        at += rest.len() - rest.trim_start().len();
        match file.text.as_bytes().get(at)? {
            b',' => return Some(at),
            b'#' => at = line_end(&file.text, at),
            _ => return None,
        }
    }
}
