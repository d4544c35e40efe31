//! SHA-256 in the spellings of Go (`h1:`), Nix (SRI) and Bazel (hex).

use std::fmt;
use std::io::{BufReader, Read};
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::Digest as _;

use crate::error::{Error, Result};

/// How many hex digits a digest has.
const HEX_DIGITS: usize = 64;

/// A SHA-256 digest. Displays as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256([u8; 32]);

impl Sha256 {
    /// The digest of `bytes`.
    pub fn of(bytes: impl AsRef<[u8]>) -> Sha256 {
        Sha256(sha2::Sha256::digest(bytes).into())
    }

    /// The digest of everything that `reader` yields.
    pub fn of_reader(reader: impl Read) -> std::io::Result<Sha256> {
        /// In bytes. The 8 KiB that `std::io::copy` takes by itself are hashed faster than the system can be asked for them.
        const PIECE: usize = 128 << 10;
        let mut hasher = Hasher::default();
        std::io::copy(&mut BufReader::with_capacity(PIECE, reader), &mut hasher)?;
        Ok(hasher.finish())
    }

    /// The digest with these bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Sha256 {
        Sha256(bytes)
    }

    /// The raw 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Nix's and the web's spelling, `sha256-<base64>` (W3C Subresource Integrity).
    pub fn sri(&self) -> Sri {
        Sri(*self)
    }
}

/// Streams bytes into a [`Sha256`]; use it as a writer.
#[derive(Clone, Default)]
pub struct Hasher(sha2::Sha256);

impl Hasher {
    /// Adds bytes.
    pub fn update(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.update(bytes);
    }

    /// The digest of all that was written.
    pub fn finish(self) -> Sha256 {
        Sha256(self.0.finalize().into())
    }
}

impl std::io::Write for Hasher {
    fn write(&mut self, buf: &[u8]) -> std::io::Result<usize> {
        self.0.update(buf);
        Ok(buf.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(faster_hex::hex_encode(&self.0, &mut [0; HEX_DIGITS]).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256({self})")
    }
}

impl FromStr for Sha256 {
    type Err = Error;

    fn from_str(text: &str) -> Result<Sha256> {
        let wrong = || Error::input(format!("`{}` is not a SHA-256 digest of 64 hex digits", text.escape_debug()));
        let mut bytes = [0; 32];
        // It would take the beginning of a text that is longer.
        if text.len() != HEX_DIGITS || faster_hex::hex_decode(text.as_bytes(), &mut bytes).is_err() {
            return Err(wrong());
        }
        Ok(Sha256(bytes))
    }
}

/// A SHA-256 digest in SRI form, `sha256-<base64>`; for trees it is the digest of the NAR.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Sri(pub Sha256);

/// Go's hash of a file tree, `h1:<base64>` (`golang.org/x/mod/sumdb/dirhash`, `Hash1`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct H1(pub Sha256);

impl H1 {
    /// The hash of a tree, from each file's full name (`path@version/file`) and content digest, in any order.
    pub fn of_files(mut files: Vec<(String, Sha256)>) -> H1 {
        files.sort_unstable();
        let mut hasher = Hasher::default();
        for (name, digest) in files {
            hasher.update(format!("{digest}  {name}\n"));
        }
        H1(hasher.finish())
    }
}

/// The hash of a part of a transparency log's tree (RFC 6962, section 2.1). Displays as base64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TreeHash(pub Sha256);

fn decode_base64(text: &str, prefix: &str) -> Option<Sha256> {
    let bytes = STANDARD.decode(text.strip_prefix(prefix)?).ok()?;
    Some(Sha256(bytes.try_into().ok()?))
}

impl fmt::Display for Sri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256-{}", STANDARD.encode(self.0.0))
    }
}

impl FromStr for Sri {
    type Err = Error;

    fn from_str(text: &str) -> Result<Sri> {
        decode_base64(text, "sha256-")
            .map(Sri)
            .ok_or_else(|| Error::input(format!("`{}` is not an SRI hash like `sha256-…`", text.escape_debug())))
    }
}

impl fmt::Display for H1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "h1:{}", STANDARD.encode(self.0.0))
    }
}

impl fmt::Display for TreeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", STANDARD.encode(self.0.0))
    }
}

impl FromStr for TreeHash {
    type Err = Error;

    fn from_str(text: &str) -> Result<TreeHash> {
        decode_base64(text, "")
            .map(TreeHash)
            .ok_or_else(|| Error::input(format!("`{}` is not a SHA-256 digest in base64", text.escape_debug())))
    }
}

impl FromStr for H1 {
    type Err = Error;

    fn from_str(text: &str) -> Result<H1> {
        decode_base64(text, "h1:")
            .map(H1)
            .ok_or_else(|| Error::input(format!("`{}` is not a go.sum hash like `h1:…`", text.escape_debug())))
    }
}

/// Serialises a type as the string that `Display` gives and `FromStr` reads.
macro_rules! serde_as_string {
    ($($type:ty),* $(,)?) => {$(
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text: std::borrow::Cow<'de, str> = serde::Deserialize::deserialize(deserializer)?;
                text.parse().map_err(|e: $crate::error::Error| serde::de::Error::custom(e.message()))
            }
        }
    )*};
}
pub(crate) use serde_as_string;

serde_as_string!(Sha256, Sri, H1, TreeHash);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_round_trip() {
        let digest = Sha256::of("hello");
        assert_eq!(digest.to_string(), "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
        assert_eq!(digest.to_string().parse::<Sha256>().unwrap(), digest);
        assert_eq!(digest.sri().to_string(), "sha256-LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=");
        assert_eq!(digest.sri().to_string().parse::<Sri>().unwrap(), digest.sri());
        assert_eq!(H1(digest).to_string().parse::<H1>().unwrap(), H1(digest));
        assert_eq!(TreeHash(digest).to_string(), "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=");
        assert_eq!(TreeHash(digest).to_string().parse::<TreeHash>().unwrap(), TreeHash(digest));
    }

    #[test]
    fn malformed_hashes_are_refused() {
        assert!("h1:short=".parse::<H1>().is_err());
        assert!("sha256-".parse::<Sri>().is_err());
        let digits = Sha256::of("hello").to_string();
        for wrong in ["zz", "", &digits[1..], &format!("{digits}0"), &digits.replace('2', "g"), &digits.replacen("24", "é", 1)]
        {
            assert!(wrong.parse::<Sha256>().is_err(), "{wrong}");
        }
        assert_eq!(digits.to_uppercase().parse::<Sha256>().unwrap().to_string(), digits);
    }
}
