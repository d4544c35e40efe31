//! The checksum database (<https://go.dev/ref/mod#checksum-database>): a log of all modules' hashes that can't be changed unnoticed.
//!
//! ```text
//! note     who signed a text                      signatures
//! record   what a database says                   tree heads, records
//! merkle   the tree over a log's records          proofs of inclusion and consistency
//! tile     how the tree is published              hashes that a tree head vouches for
//! proof    what the lock keeps of an answer       verified without the network
//! ```

pub mod merkle;
pub mod note;
pub mod proof;
pub mod record;
pub mod tile;
