//! Which targets a change can touch: two trees, as what their targets are made of, are compared.
//!
//! Nothing is read here. A [`State`] says of each target what its recipe consumes: tools, arguments and environment, the repository's files
//! by the IDs of their content, other packages. What is missing, new, or consumes something else in one of two states is affected. So
//! deletions, files that an embed pattern matches no longer, and packages that have become wrong need no rules of their own.

mod compare;
pub mod state;

pub use compare::{Cause, Change, Compared, Impact, STRICTLY, Sameness, Status, add_fingerprints, compare};
pub use state::{Kind, Made, Node, State, Target, View};
