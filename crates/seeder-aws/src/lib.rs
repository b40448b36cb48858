//! Access to AWS that the functions and the CLI share.
//!
//! - [`Clients`] creates every client from one configuration.
//! - [`ReportStore`] reads and writes the product's own files.
//! - [`objects`] inspects buckets and objects, [`keys`] their KMS keys; [`reader`] streams an object through ranged
//!   requests.
//! - [`cluster`] describes the cluster of an execution.
//! - [`conversion`] stores converted backups, and deletes them.
//! - [`bucket_access`] grants and revokes access, under a lease.
//! - [`sweep`] starts the clean-ups that are due.
//! - [`service_error`] turns an SDK error into a [`seeding::StepError`].

#![forbid(unsafe_code)]

pub mod bucket_access;
mod clients;
pub mod cluster;
pub mod conversion;
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
    clients::{Choice, Clients},
    error::{error_code, is_refusal, service_error},
    report_store::{ReportStore, Versioned},
    secret::{auth_token, look_at_auth_token},
};
