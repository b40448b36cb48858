//! Access to AWS that the functions and the CLI share.
//!
//! - [`Clients`] creates every client from one configuration.
//! - [`ReportStore`] reads and writes the product's own files.
//! - [`objects`] looks at buckets and objects, [`keys`] at what they are encrypted with, [`reader`] streams one through
//!   ranged reads.
//! - [`cluster`] asks ElastiCache about the cluster of an execution.
//! - [`bucket_access`] grants and revokes, under a lease.
//! - [`sweep`] starts the clean-ups that are due.
//! - [`service_error`] turns an SDK error into a [`seeding::StepError`], in one place.

#![forbid(unsafe_code)]

pub mod bucket_access;
mod clients;
pub mod cluster;
mod error;
pub mod keys;
mod lease;
pub mod objects;
pub mod reader;
mod report_store;
mod secret;
pub mod sweep;
#[cfg(feature = "test-util")]
pub mod test_util;

pub use crate::{
    clients::Clients,
    error::{error_code, is_refusal, service_error},
    report_store::{ReportStore, Versioned},
    secret::{auth_token, look_at_auth_token},
};
