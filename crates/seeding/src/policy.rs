//! Policies of buckets and keys: put ours in and take it out, and what a policy says to a question.
//!
//! - [`Statement::add_to`] and [`remove`] edit the text of a bucket's policy.
//! - [`Document`] answers [`Question`]s as AWS would, as far as that can be told from here: an [`Answer`] may stay
//!   open.
//! - [`policy_findings`] asks a bucket's policy about everything that a seeding needs, [`key_finding`] a key's.

mod answer;
mod condition;
mod document;
mod edit;
mod key;
mod listed;
mod needs;
mod principal;

pub use self::{
    answer::Answer,
    condition::Context,
    document::{Document, Grant, Question},
    edit::{Statement, has, has_others, remove},
    key::{KeyLook, key_finding},
    needs::{AclLook, Needs, PolicyLook, Roles, policy_findings, ungranted_finding},
    principal::Asker,
};

/// The largest bucket policy, in bytes. Source: S3 user guide, "Bucket policies": 20 KB.
pub const MAX_POLICY_BYTES: usize = 20 * 1024;

/// Why a policy cannot be edited or asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Not JSON, or not of a policy's shape.
    #[error("the bucket policy is not one that can be edited: {0}")]
    Malformed(String),
    /// It would become too long.
    #[error("the bucket policy would have {bytes} bytes, S3 allows {MAX_POLICY_BYTES}")]
    Full {
        /// The length it would have.
        bytes: usize,
    },
}
