//! What `godirect list` prints, as it is remembered: lists of dependencies, which are nearly all of it, as sets.

use std::io::Write;

use rayon::prelude::*;
use serde::{Deserialize, Serialize, Serializer};

use crate::cli::output;
use crate::error;

/// Everything that a listing prints, and its exit code.
#[derive(Serialize, Deserialize)]
pub struct Shown<'a> {
    /// Warnings and errors, a line each.
    #[serde(borrow)]
    pub messages: Vec<&'a str>,
    /// The exit code.
    pub code: u8,
    /// The lines that stand for dependencies, one after the other; each begins with the comma that ends the line before.
    pub lines: &'a str,
    /// Where each of these lines begins, and where the last one ends.
    pub starts: Vec<usize>,
    /// The packages.
    #[serde(borrow)]
    pub parts: Vec<Part<'a>>,
}

/// The text of a package.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Part<'a> {
    /// What comes before its dependencies.
    pub before: &'a str,
    /// Its dependencies, a bit for each of [`Shown::lines`], the lowest of a byte first.
    #[serde(serialize_with = "at_once")]
    pub deps: &'a [u8],
    /// What comes after them.
    pub after: &'a str,
}

/// Serialises bytes as what they are; by itself serde takes them one by one.
fn at_once<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

impl Shown<'_> {
    /// Whether this can be printed, wherever it comes from.
    pub fn is_sound(&self) -> bool {
        let lines = self.starts.len().saturating_sub(1);
        self.starts.is_sorted()
            && self.starts.iter().all(|start| self.lines.is_char_boundary(*start))
            && self.parts.iter().all(|part| bits(part.deps).last().is_none_or(|(_, end)| end <= lines))
    }

    /// Prints all of it: what is standard output's as it is, since whoever reads it wants every byte.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub fn print(&self) -> error::Result<()> {
        /// So many packages are put together at once by each thread: some 100 KB.
        const PARTS: usize = 16;
        self.messages.iter().for_each(|message| eprintln!("{message}"));
        let mut texts = vec![Vec::new(); rayon::current_num_threads()];
        let mut out = std::io::stdout().lock();
        let mut write = |parts: &[Part]| {
            texts.iter_mut().for_each(Vec::clear);
            let text = |(text, parts): (&mut Vec<u8>, &[Part])| parts.iter().for_each(|part| self.add(text, part));
            texts.par_iter_mut().zip(parts.par_chunks(PARTS)).for_each(text);
            texts.iter().try_for_each(|text| out.write_all(text))
        };
        let written = self.parts.chunks(PARTS * rayon::current_num_threads()).try_for_each(&mut write);
        output::written(written.and_then(|()| out.flush()))
    }

    fn add(&self, text: &mut Vec<u8>, part: &Part) {
        text.extend(part.before.as_bytes());
        // The first line has none before it whose comma would be missing.
        let mut comma = 1;
        for (start, end) in bits(part.deps) {
            text.extend(&self.lines.as_bytes()[self.starts[start] + comma..self.starts[end]]);
            comma = 0;
        }
        text.extend(part.after.as_bytes());
    }
}

/// The bits that are set, as ranges: what is imported together often stands together.
fn bits(bytes: &[u8]) -> impl Iterator<Item = (usize, usize)> {
    let mut at = 0;
    let word = move |index: usize| {
        let mut word = [0; 8];
        let rest = bytes.get(index * 8..).unwrap_or_default();
        let length = rest.len().min(8);
        word[..length].copy_from_slice(&rest[..length]);
        u64::from_le_bytes(word)
    };
    // The next bit from `at` on that is set, or clear if `flip` has all bits.
    let next = move |mut at: usize, flip: u64| loop {
        if at >= bytes.len() * 8 {
            return bytes.len() * 8;
        }
        let rest = (word(at / 64) ^ flip) >> (at % 64);
        if rest != 0 {
            return at + rest.trailing_zeros() as usize;
        }
        at = (at / 64 + 1) * 64;
    };
    std::iter::from_fn(move || {
        let start = next(at, 0);
        at = next(start, u64::MAX).min(bytes.len() * 8);
        (start < at).then_some((start, at))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_ranges() {
        let of = |bytes: &[u8]| bits(bytes).collect::<Vec<_>>();
        assert_eq!(of(&[]), []);
        assert_eq!(of(&[0; 17]), []);
        assert_eq!(of(&[0b0110_0001]), [(0, 1), (5, 7)]);
        assert_eq!(of(&[0xff; 9]), [(0, 72)]);
        assert_eq!(of(&[0, 0, 0, 0, 0, 0, 0, 0x80, 1, 0, 4]), [(63, 65), (82, 83)]);
    }

    #[test]
    fn what_is_not_sound_is_known() {
        let shown = |starts: &[usize], deps: &'static [u8]| {
            let part = Part { before: "[", deps, after: "]" };
            Shown { messages: Vec::new(), code: 0, lines: ",a,ü", starts: starts.to_vec(), parts: vec![part] }
        };
        let sound = shown(&[0, 2, 5], &[3]);
        let mut text = Vec::new();
        sound.add(&mut text, &sound.parts[0]);
        assert_eq!(String::from_utf8(text).unwrap(), "[a,ü]");
        assert!(sound.is_sound());
        assert!(!shown(&[0, 2, 5], &[4]).is_sound());
        assert!(!shown(&[0, 2, 4], &[1]).is_sound());
        assert!(!shown(&[2, 0], &[]).is_sound());
        assert!(!shown(&[0, 9], &[1]).is_sound());
        assert!(shown(&[], &[]).is_sound());
        assert!(!shown(&[], &[1]).is_sound());
    }
}
