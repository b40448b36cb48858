//! S3 on loopback: objects on disk, with the access rules that seeding depends on.
//!
//! The protocol is spoken by `s3s`; what an object store *does* is here: object bytes in files that are never read
//! whole, conditional writes, versions, multipart uploads, encryption attributes, bucket policies and ACLs that
//! really decide who reads what, and upload notifications to Lambda and EventBridge. Metadata is in memory: the
//! store lives as long as its [`Server`].
//!
//! - [`Server`] binds a free port of 127.0.0.1 and serves until stopped.
//! - Signatures are read, not verified: the access key and the region in a request say who calls and what for, the
//!   secret is not looked at. Access key `ELASTICACHESNAPSHOT` is the ElastiCache service principal, any other key
//!   is the account that owns every bucket, and a request without a signature is anonymous.
//!
//! ```no_run
//! # async fn example() -> Result<(), local_s3::Error> {
//! let server = local_s3::Server::start(local_s3::Config {
//!     root: "/tmp/buckets".into(),
//!     region: "us-east-1".into(),
//!     account_id: "123456789012".into(),
//!     notify: None,
//! })
//! .await?;
//! println!("AWS_ENDPOINT_URL_S3={}", server.endpoint());
//! server.stop().await;
//! # Ok(())
//! # }
//! ```

#![allow(
    clippy::needless_pass_by_value,
    reason = "operations take their request whole, as it is handed over"
)]

mod access;
mod config;
mod errors;
mod notifications;
mod operations;
mod request;
mod server;
mod service;
mod store;

pub use config::{Config, Notify, Rule, SERVICE_ACCESS_KEY, SERVICE_CANONICAL_ID};
pub use server::{Error, Server};
