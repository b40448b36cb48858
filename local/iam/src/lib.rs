//! IAM policy documents: parsed once, evaluated for every request.
//!
//! A [`Policy`] belongs to a resource (a bucket) and names principals, or to an identity (a role) and names none. AWS's
//! rules hold: a Deny wins over an Allow, and what no statement allows is refused. Source: IAM user guide, "Policy
//! evaluation logic" and "IAM JSON policy elements".
#![forbid(unsafe_code)]

mod condition;
mod policy;
mod statement;
mod wildcard;

pub use crate::{
    policy::{Decision, Policy},
    statement::{AuthorizationRequest, Principal, Role, Statement},
    wildcard::wildcard,
};
