//! Policies of buckets and KMS keys: adding and removing the tool's statement, and evaluating a policy.
//!
//! - [`Statement::add_to`] and [`remove`] edit the text of a bucket policy.
//! - [`Document`] answers [`Question`]s as AWS would, as far as the policy text alone decides: an [`Answer`] may stay
//!   open.
//! - [`policy_findings`] checks a bucket policy against everything that a seeding needs, [`key_finding`] a key policy.

mod answer;
mod condition;
mod document;
mod edit;
mod key;
mod listed;
mod needs;
mod principal;
mod statement;

pub use self::{
    answer::Answer,
    condition::Context,
    document::{Document, Grant, Question},
    edit::{has, has_others, remove},
    key::{KeyLook, key_finding},
    needs::{AclLook, Needs, PolicyLook, Roles, policy_findings, ungranted_finding},
    principal::Asker,
    statement::Statement,
};

/// The largest bucket policy, in bytes. Source: S3 user guide, "Bucket policies": 20 KB.
pub const MAX_POLICY_BYTES: usize = 20 * 1024;

/// The reason why a policy cannot be edited or evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Not JSON, or not shaped like a policy.
    #[error("the bucket policy is not one that can be edited: {0}")]
    Malformed(String),
    /// With the statement, it would exceed S3's limit.
    #[error("the bucket policy would have {bytes} bytes, S3 allows {MAX_POLICY_BYTES}")]
    Full {
        /// The length it would have, in bytes.
        bytes: usize,
    },
}
