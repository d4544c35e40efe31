//! What the lock keeps of a database's answer, so that anybody can verify it again without the network.

use serde::{Deserialize, Serialize};

use super::merkle;
use super::note::{NoteError, Verifier};
use super::record::{TreeHead, hash_in};
use crate::digest::{H1, TreeHash};
use crate::module::ModuleId;

/// A record, and the proof that a checksum database has signed a tree with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// Where the record is in the log, from 0.
    pub record: u64,
    /// The record's text: lines as in go.sum.
    pub data: String,
    /// The signed note of the tree head.
    pub tree: String,
    /// The inclusion proof, from the record to the root (RFC 6962, section 2.1.1).
    pub hashes: Vec<TreeHash>,
}

/// Why a proof proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The tree head's note is refused.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// The note is about something else.
    #[error("the note is not the tree head of a checksum database")]
    NoTreeHead,
    /// The tree has no such record.
    #[error("the signed tree does not have this text as record {0}")]
    NotIncluded(u64),
}

/// A record that a database vouches for: the only source of its hashes.
#[derive(Clone, Copy, Debug)]
pub struct Proven<'p> {
    text: &'p str,
}

impl Proof {
    /// The record, when the key's owner has signed a tree that has it.
    ///
    /// # Errors
    ///
    /// A note that the key didn't sign, or a record that isn't in the signed tree.
    pub fn verify(&self, verifier: &Verifier) -> Result<Proven<'_>, ProofError> {
        let head = TreeHead::parse(verifier.open(&self.tree)?).ok_or(ProofError::NoTreeHead)?;
        let leaf = merkle::leaf(self.data.as_bytes());
        if merkle::includes(&self.hashes, head.size, head.root, self.record, leaf) {
            Ok(Proven { text: &self.data })
        } else {
            Err(ProofError::NotIncluded(self.record))
        }
    }
}

impl Proven<'_> {
    /// The hash of a module's zip; `None` when the record is about something else.
    pub fn module(&self, id: &ModuleId) -> Option<H1> {
        hash_in(self.text, id.path.as_str(), id.version.as_str())
    }

    /// The hash of a module's go.mod, likewise.
    pub fn go_mod(&self, id: &ModuleId) -> Option<H1> {
        hash_in(self.text, id.path.as_str(), &format!("{}/go.mod", id.version))
    }
}
