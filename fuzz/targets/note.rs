//! Signed notes: no text makes the reader panic, and what a key signed is read again, and nothing else.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use godirect::digest::Sha256;
use godirect::lock::sumdb::note::Verifier;
use godirect::lock::sumdb::record::TreeHead;
use ring::signature::{Ed25519KeyPair, KeyPair as _};

const NAME: &str = "fuzz.example/db";

/// A key pair, and the hash of its public key.
static SIGNER: LazyLock<(Ed25519KeyPair, Vec<u8>)> = LazyLock::new(|| {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed of 32 bytes");
    let key = [&[1], pair.public_key().as_ref()].concat();
    let hash = Sha256::of([NAME.as_bytes(), b"\n", &key].concat()).as_bytes()[..4].to_vec();
    (pair, hash)
});

static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let (pair, hash) = &*SIGNER;
    let key = STANDARD.encode([&[1], pair.public_key().as_ref()].concat());
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{NAME}+{hash}+{key}").parse().expect("a verifier key")
});

pub fn run(data: &[u8]) {
    let text = super::text(data);
    let _ = text.parse::<Verifier>();
    let _ = TreeHead::parse(text);
    // Nobody else has the key.
    assert!(VERIFIER.open(text).is_err());
    let (pair, hash) = &*SIGNER;
    let signature = STANDARD.encode([hash, pair.sign(text.as_bytes()).as_ref()].concat());
    let opened = VERIFIER.open(&format!("{text}\n\u{2014} {NAME} {signature}\n")).ok().map(str::to_owned);
    let fine = text.ends_with('\n') && !text.contains(|c: char| c < ' ' && c != '\n') && text.len() < 900_000;
    assert_eq!(opened.as_deref(), fine.then_some(text));
}
