//! Signed notes (`golang.org/x/mod/sumdb/note`, <https://c2sp.org/signed-note>): a text, an empty line, and signatures.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{ED25519, UnparsedPublicKey};

use crate::digest::Sha256;

/// The most bytes that a note may have; real ones have some hundreds.
pub const MAX_NOTE: usize = 1_000_000;
/// The most signatures that a note may have, known or not.
const MAX_SIGNATURES: usize = 100;
/// The first byte of a key: its algorithm.
const ALGORITHM: u8 = 1;
/// Before each signature: an em dash and a space.
const MARK: &str = "\u{2014} ";

/// Whose signatures count: a name and an Ed25519 key, written `name+hash+base64`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    /// Tells keys of one name apart: the first 4 bytes of a hash of name and key, big-endian.
    hash: u32,
    key: [u8; 32],
}

/// Why a verifier key is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It isn't `name+hash+base64`.
    #[error("malformed verifier key")]
    Malformed,
    /// The hash isn't that of name and key.
    #[error("the verifier key has another hash than it says")]
    Hash,
    /// It isn't for Ed25519.
    #[error("the verifier key is for an unknown algorithm")]
    Algorithm,
}

/// Why a note is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// It isn't a note.
    #[error("malformed note")]
    Malformed,
    /// Nobody known signed it.
    #[error("the note has no signature of {0}")]
    Unsigned(String),
    /// A signature is wrong.
    #[error("the note has an invalid signature of {0}")]
    Invalid(String),
}

impl Verifier {
    /// The name, e.g. `sum.golang.org`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text of a note, with its last line's end, when this key signed it.
    ///
    /// # Errors
    ///
    /// A malformed note, one that this key didn't sign, or a wrong signature.
    pub fn open<'n>(&self, note: &'n str) -> Result<&'n str, NoteError> {
        if note.len() > MAX_NOTE || note.chars().any(|c| c < ' ' && c != '\n') {
            return Err(NoteError::Malformed);
        }
        let split = note.rfind("\n\n").ok_or(NoteError::Malformed)?;
        let text = &note[..=split];
        let lines = note[split + 2..].strip_suffix('\n').ok_or(NoteError::Malformed)?;
        let mut signed = false;
        for (count, line) in lines.split('\n').enumerate() {
            let signature = Signature::parse(line).filter(|_| count < MAX_SIGNATURES).ok_or(NoteError::Malformed)?;
            // Others' signatures say nothing here, and a second one of this key says nothing new.
            if signed || signature.name != self.name || signature.hash != self.hash {
                continue;
            }
            let verified = UnparsedPublicKey::new(&ED25519, &self.key).verify(text.as_bytes(), &signature.bytes);
            verified.map_err(|_| NoteError::Invalid(self.to_string()))?;
            signed = true;
        }
        if signed { Ok(text) } else { Err(NoteError::Unsigned(self.to_string())) }
    }
}

/// Name and hash, which tell the key from others.
impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{:08x}", self.name, self.hash)
    }
}

impl FromStr for Verifier {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Verifier, KeyError> {
        let (name, rest) = text.split_once('+').ok_or(KeyError::Malformed)?;
        let (hash, key) = rest.split_once('+').ok_or(KeyError::Malformed)?;
        if !is_name(name) || hash.len() != 8 || !hash.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(KeyError::Malformed);
        }
        let hash = u32::from_str_radix(hash, 16).map_err(|_| KeyError::Malformed)?;
        let bytes = STANDARD.decode(key).map_err(|_| KeyError::Malformed)?;
        let (algorithm, key) = bytes.split_first().ok_or(KeyError::Malformed)?;
        if hash != key_hash(name, &bytes) {
            return Err(KeyError::Hash);
        }
        if *algorithm != ALGORITHM {
            return Err(KeyError::Algorithm);
        }
        let key = key.try_into().map_err(|_| KeyError::Malformed)?;
        Ok(Verifier { name: name.to_owned(), hash, key })
    }
}

fn key_hash(name: &str, key: &[u8]) -> u32 {
    let digest = Sha256::of([name.as_bytes(), b"\n", key].concat());
    let [a, b, c, d, ..] = *digest.as_bytes();
    u32::from_be_bytes([a, b, c, d])
}

/// Whether a signer may have this name.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains('+') && !name.contains(char::is_whitespace)
}

/// A line `— name base64(hash ‖ signature)`.
struct Signature<'n> {
    name: &'n str,
    hash: u32,
    bytes: Vec<u8>,
}

impl Signature<'_> {
    fn parse(line: &str) -> Option<Signature<'_>> {
        let (name, encoded) = line.strip_prefix(MARK)?.split_once(' ')?;
        let bytes = STANDARD.decode(encoded).ok()?;
        let (hash, signature) = bytes.split_first_chunk()?;
        if !is_name(name) || signature.is_empty() {
            return None;
        }
        Some(Signature { name, hash: u32::from_be_bytes(*hash), bytes: signature.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::Ed25519KeyPair;

    use super::*;

    /// A key pair's verifier key, and a signature of a text as it stands in a note.
    fn signer(name: &str, seed: u8) -> (String, impl Fn(&str) -> String) {
        use ring::signature::KeyPair as _;
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        let key = [&[ALGORITHM], pair.public_key().as_ref()].concat();
        let hash = key_hash(name, &key);
        let name = name.to_owned();
        let verifier = format!("{name}+{hash:08x}+{}", STANDARD.encode(&key));
        let sign = move |text: &str| {
            let bytes = [&hash.to_be_bytes(), pair.sign(text.as_bytes()).as_ref()].concat();
            format!("{MARK}{name} {}\n", STANDARD.encode(bytes))
        };
        (verifier, sign)
    }

    #[test]
    fn several_signatures() {
        let (key, sign) = signer("a.example/db", 1);
        let (_, other) = signer("b.example", 2);
        let verifier: Verifier = key.parse().unwrap();
        let text = "one\n\ntwo\n";
        let note = format!("{text}\n{}{}{}", other(text), sign(text), sign("something else"));
        assert_eq!(verifier.open(&note), Ok(text));
        let unsigned = NoteError::Unsigned(verifier.to_string());
        assert_eq!(verifier.open(&format!("{text}\n{}", other(text))), Err(unsigned.clone()));
        // The same name with another key is another signer.
        let (_, same_name) = signer("a.example/db", 3);
        assert_eq!(verifier.open(&format!("{text}\n{}", same_name(text))), Err(unsigned));
        let invalid = NoteError::Invalid(verifier.to_string());
        assert_eq!(verifier.open(&format!("{text}\n{}{}", sign("one\n"), sign(text))), Err(invalid));
    }

    #[test]
    fn malformed_notes() {
        let (key, sign) = signer("a.example", 1);
        let verifier: Verifier = key.parse().unwrap();
        let right = sign("text\n");
        let bare = right.trim_end();
        let long = format!("{}\n\n", "x".repeat(MAX_NOTE));
        for note in [
            "",
            "text\n",
            "text\n\n",
            &right,
            &format!("text\n\n{bare}"),
            &format!("text\n{right}"),
            &format!("text\n\n{right}more\n"),
            &format!("text\n\n{right}\n"),
            &format!("te\txt\n\n{right}"),
            &format!("text\r\n\n{right}"),
            &format!("text\n\n{right}\u{2014} b.example \n"),
            &format!("text\n\n{right}\u{2014} b.example AAAA\n"),
            &format!("text\n\n{right}\u{2014} b.example AAAAAA==\n"),
            &format!("text\n\n{right}\u{2014} b.example !AAAAAA=\n"),
            &format!("text\n\n{right}\u{2014} b+c AAAAAAA=\n"),
            &format!("text\n\n{right}\u{2014}  AAAAAAA=\n"),
            &format!("text\n\n{right}- b.example AAAAAAA=\n"),
            &format!("text\n\n{right}{}", "\u{2014} b.example AAAAAAA=\n".repeat(MAX_SIGNATURES)),
            &format!("{long}{}", sign(&long[..=MAX_NOTE])),
        ] {
            assert_eq!(verifier.open(note), Err(NoteError::Malformed), "{:?}", &note[..note.len().min(200)]);
        }
        let many = format!("text\n\n{}{right}", "\u{2014} b.example AAAAAAA=\n".repeat(MAX_SIGNATURES - 1));
        assert_eq!(verifier.open(&many), Ok("text\n"));
    }

    #[test]
    fn malformed_keys() {
        let (key, _) = signer("a.example", 1);
        assert!(key.parse::<Verifier>().is_ok());
        let rest = key.strip_prefix("a.example").unwrap();
        let short = STANDARD.encode([ALGORITHM, 2, 3]);
        let unknown = [&[2], [7; 32].as_slice()].concat();
        let cases = [
            (String::new(), KeyError::Malformed),
            ("a.example".to_owned(), KeyError::Malformed),
            (rest.to_owned(), KeyError::Malformed),
            (format!("a b{rest}"), KeyError::Malformed),
            (format!("b.example{rest}"), KeyError::Hash),
            (key.replacen('+', "+0", 1), KeyError::Malformed),
            (format!("a+{:08x}+", key_hash("a", &[])), KeyError::Malformed),
            (format!("a+{:08x}+{short}", key_hash("a", &[ALGORITHM, 2, 3])), KeyError::Malformed),
            (format!("{key}x"), KeyError::Malformed),
            (format!("a+{:08x}+{}", key_hash("a", &unknown), STANDARD.encode(&unknown)), KeyError::Algorithm),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<Verifier>(), Err(expected), "{text}");
        }
    }
}
