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
    /// The record is about something else, or says several things.
    #[error("record {0} doesn't have one hash for the module")]
    OtherModule(u64),
}

/// A module's record that a database vouches for: the only source of its hashes.
#[derive(Clone, Debug)]
pub struct Proven {
    id: ModuleId,
    h1: H1,
    proof: Proof,
}

impl Proof {
    /// The hashes of a module, when the key's owner has signed a tree that has the record, and the record has them.
    ///
    /// # Errors
    ///
    /// A note that the key didn't sign, a record that isn't in the signed tree or is about something else.
    pub fn verify(self, id: &ModuleId, verifier: &Verifier) -> Result<Proven, ProofError> {
        let head = TreeHead::parse(verifier.open(&self.tree)?).ok_or(ProofError::NoTreeHead)?;
        let leaf = merkle::leaf(self.data.as_bytes());
        if !merkle::includes(&self.hashes, head.size, head.root, self.record, leaf) {
            return Err(ProofError::NotIncluded(self.record));
        }
        let h1 = hash_in(&self.data, id.path.as_str(), id.version.as_str()).ok_or(ProofError::OtherModule(self.record))?;
        Ok(Proven { id: id.clone(), h1, proof: self })
    }
}

impl Proven {
    /// The hash of the module's zip.
    pub fn module(&self) -> H1 {
        self.h1
    }

    /// The hash of the module's go.mod; `None` when the record has none, or several.
    pub fn go_mod(&self) -> Option<H1> {
        hash_in(&self.proof.data, self.id.path.as_str(), &format!("{}/go.mod", self.id.version))
    }

    /// What proves it.
    pub fn into_proof(self) -> Proof {
        self.proof
    }
}
