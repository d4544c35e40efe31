//! Unicode as Go's packages `unicode` and `strconv` classify it.

use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory as _};

/// Whether an identifier can begin with it: a letter or `_`.
pub fn is_letter(char: char) -> bool {
    match char.is_ascii() {
        true => char.is_ascii_alphabetic() || char == '_',
        false => char.general_category_group() == GeneralCategoryGroup::Letter,
    }
}

/// Whether it is a decimal digit (`unicode.IsDigit`).
pub fn is_digit(char: char) -> bool {
    if char.is_ascii() { char.is_ascii_digit() } else { char.general_category() == GeneralCategory::DecimalNumber }
}

/// Whether it is upper case (`unicode.IsUpper`).
pub fn is_upper(char: char) -> bool {
    if char.is_ascii() { char.is_ascii_uppercase() } else { char.general_category() == GeneralCategory::UppercaseLetter }
}

/// Whether it is lower case (`unicode.IsLower`).
pub fn is_lower(char: char) -> bool {
    if char.is_ascii() { char.is_ascii_lowercase() } else { char.general_category() == GeneralCategory::LowercaseLetter }
}

/// Whether it is shown: letters, marks, numbers, punctuation, symbols and spaces (`unicode.IsGraphic`).
pub fn is_graphic(char: char) -> bool {
    is_print(char) || !char.is_ascii() && char.general_category() == GeneralCategory::SpaceSeparator
}

/// Whether it is graphic, and no space but that of ASCII (`strconv.IsPrint`).
pub fn is_print(char: char) -> bool {
    if char.is_ascii() {
        return char == ' ' || char.is_ascii_graphic();
    }
    match char.general_category_group() {
        GeneralCategoryGroup::Separator => char == ' ',
        GeneralCategoryGroup::Other => false,
        _ => true,
    }
}

/// Whether it is white space (`unicode.IsSpace`).
pub fn is_space(char: char) -> bool {
    char.is_whitespace()
}

/// A character for messages, as the verb `%#U` shows it: `U+0040 '@'`.
pub fn unicode_point(char: char) -> String {
    let code = u32::from(char);
    if is_print(char) { format!("U+{code:04X} '{char}'") } else { format!("U+{code:04X}") }
}

/// Whether it is punctuation, which symbols such as `+` aren't (`unicode.IsPunct`).
pub fn is_punct(char: char) -> bool {
    char.general_category_group() == GeneralCategoryGroup::Punctuation
}

/// Whether no white space begins or ends with the byte.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic()
}

/// Bytes without white space around them (`bytes.TrimSpace`).
pub fn trim(bytes: &[u8]) -> &[u8] {
    let mut bytes = bytes.trim_ascii();
    if bytes.first().is_none_or(|first| is_plain(*first)) && bytes.last().is_none_or(|last| is_plain(*last)) {
        return bytes;
    }
    let is_blank = |bytes: &[u8]| std::str::from_utf8(bytes).is_ok_and(|text| text.chars().all(is_space));
    // White space takes up to three bytes.
    while let Some(length) = (1..=bytes.len().min(3)).find(|length| is_blank(&bytes[..*length])) {
        bytes = &bytes[length..];
    }
    while let Some(start) = (bytes.len().saturating_sub(3)..bytes.len()).rev().find(|start| is_blank(&bytes[*start..])) {
        bytes = &bytes[..start];
    }
    bytes
}
